//! A file of readings for one test, and how often the thread that plays was made to wait.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::fs;
use std::path::PathBuf;

/// A file of readings for one test, gone when the test ends.
pub struct CsvPath(pub PathBuf);

impl CsvPath {
    /// A file of this test program and this name, that is not there yet.
    pub fn new(name: &str) -> Self {
        let program = env!("CARGO_CRATE_NAME");
        let name = format!("moodring-{program}-{}-{name}.csv", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _absent = fs::remove_file(&path);
        Self(path)
    }

    /// A file beside it for JSON lines, that is not there yet.
    pub fn json_lines(&self) -> Self {
        let path = self.0.with_extension("jsonl");
        let _absent = fs::remove_file(&path);
        Self(path)
    }

    /// Rows of this file that are also, one by one, the objects of a file of JSON lines. Panics
    /// where one of these is no reading with shares.
    pub fn n_rows_also_in(&self, json_lines: &Self) -> usize {
        let (rows, objects) = (self.text(), json_lines.text());
        let times = rows.lines().skip(1).map(|row| row.split(',').next().unwrap());
        let is_in = |(object, time): &(&str, &str)| {
            let object: serde_json::Value = serde_json::from_str(object).unwrap();
            assert!(object["excited"].is_number(), "{object}");
            object["time_secs"].as_f64() == time.parse().ok()
        };
        assert_eq!(objects.lines().count(), rows.lines().count() - 1, "{objects}");
        objects.lines().zip(times).filter(is_in).count()
    }

    /// What is in it; nothing where it is not there.
    pub fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap_or_default()
    }
}

impl Drop for CsvPath {
    fn drop(&mut self) {
        let _absent = fs::remove_file(&self.0);
    }
}

/// Times that a thread may give the processor away in seconds of playback that is never made to
/// wait: the kernel fetches a page under a lock. A block that is made to wait does so many times.
pub const STRAY_WAITS: i64 = 3;

/// Times that this thread has given the processor away of its own accord.
#[cfg(target_os = "linux")]
pub fn n_waits() -> i64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: it writes one `rusage`, for which all zeros are a value too.
    #[allow(unsafe_code)]
    unsafe {
        libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
        usage.assume_init().ru_nvcsw
    }
}
