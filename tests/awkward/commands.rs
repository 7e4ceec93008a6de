//! The command line on files that are not ordinary ones.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::recordings;

/// A folder of this test's own, removed when it is done.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("moodring-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn cli(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_moodring-cli"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its input does not read it.
    _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn rows(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn standard_input_reads_as_the_file_does() {
    let folder = Folder::new("stdin");
    let path = folder.write("song.wav", &recordings::right());
    let values = |output: &Output| -> Vec<serde_json::Value> {
        assert!(output.status.success(), "{}", said(output));
        let mut rows = rows(output);
        rows.iter_mut().for_each(|row| row["file"] = serde_json::Value::Null);
        rows
    };
    let of_file = values(&cli(&["analyse", &path], b""));
    assert!(of_file.len() > 1);
    assert_eq!(values(&cli(&["analyse", "-"], &recordings::right())), of_file);
    let npz = folder.0.join("f.npz").display().to_string();
    let output = cli(&["features", "-", "--out", &npz], &recordings::right());
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&cli(&["bench", "-"], &recordings::right())).contains("holds 3.0 s"));
    assert!(said(&cli(&["analyse", "-"], b"")).contains("-: is empty"));
}

#[cfg(unix)]
#[test]
fn a_fifo_is_read_to_its_end_and_devices_are_called_what_they_are() {
    let folder = Folder::new("fifo");
    let fifo = folder.0.join("fifo").display().to_string();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let writer = {
        let fifo = fifo.clone();
        std::thread::spawn(move || std::fs::write(fifo, recordings::streamed()))
    };
    let output = cli(&["analyse", &fifo], b"");
    writer.join().unwrap().unwrap();
    let rows = rows(&output);
    assert_eq!(rows.last().unwrap()["duration_secs"], 3.0, "{}", said(&output));
    for device in ["/dev/zero", "/dev/null"] {
        let output = cli(&["analyse", device], b"");
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("is a device"), "{}", said(&output));
    }
}

#[test]
fn the_summary_and_standard_error_say_what_is_missing() {
    let folder = Folder::new("missing");
    let whole = folder.write("whole.wav", &recordings::right());
    let cut = folder.write("cut.wav", &recordings::cut_off());
    let output = cli(&["analyse", &whole, &cut], b"");
    assert!(output.status.success());
    let rows = rows(&output);
    let summaries: Vec<_> = rows.iter().filter(|row| row["summary"] == true).collect();
    assert_eq!(summaries[0]["complete"], true);
    assert_eq!(summaries[0]["missing_secs"], 0.0);
    assert_eq!(summaries[1]["complete"], false);
    assert_eq!(summaries[1]["missing_secs"], 1.0);
    let said = said(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("cut.wav: 1.0 s of 3.0 s are missing"), "{said}");

    let output = cli(&["analyse", &whole, &cut, "--format", "csv"], b"");
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let names = reader.headers().unwrap().clone();
    let column = |name: &str| names.iter().position(|column| column == name).unwrap();
    let (complete, missing) = (column("complete"), column("missing_secs"));
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let summaries: Vec<_> = records.iter().filter(|record| &record[1] == "true").collect();
    assert_eq!([&summaries[0][complete], &summaries[0][missing]], ["true", "0.000"]);
    assert_eq!([&summaries[1][complete], &summaries[1][missing]], ["false", "1.000"]);
    let out = folder.0.join("x.npz").display().to_string();
    let output = cli(&["features", &cut, "--out", &out], b"");
    assert!(self::said(&output).contains("1.0 s of 3.0 s are missing"), "features says it too");
}

/// CAF whose packets are so long that a number of its reader overflows, which is a panic where
/// overflows are checked.
fn panicking() -> Vec<u8> {
    let mut caf = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
    caf.extend(48_000_f64.to_be_bytes());
    caf.extend(b"lpcm\0\0\0\0\xff\0\0\x04\0\0\0\x01\0\0\0\x02\0\0\0\x10");
    caf.extend(b"data\0\0\0\0\0\0\x10\x04\0\0\0\0");
    caf.resize(caf.len() + 4096, 7);
    caf
}

#[test]
fn a_file_in_memory_says_what_of_it_is_missing() {
    use super::frames::mp3;
    let folder = Folder::new("in-memory");
    let missing = |name: &str, bytes: &[u8]| {
        moodring::decode::decode(folder.write(name, bytes).as_ref()).unwrap().missing
    };
    assert_eq!(missing("whole.wav", &recordings::right()), None);
    let cut = missing("cut.wav", &recordings::cut_off());
    assert_eq!(cut.unwrap(), "1.0 s of 3.0 s are missing");
    let changed = [mp3(44_100, 1, 100), mp3(48_000, 2, 100)].concat();
    assert!(missing("changed.mp3", &changed).unwrap().contains("change after 2.6 s"));
}

#[test]
fn a_file_that_its_reader_panics_on_gets_one_line_in_every_command_and_the_others_go_on() {
    let folder = Folder::new("panicking");
    let bad = folder.write("bad.caf", &panicking());
    let good = folder.write("good.wav", &recordings::right());
    let out = folder.0.join("x.npz").display().to_string();
    let commands: [&[&str]; 3] =
        [&["analyse", &bad, &good], &["features", &bad, "--out", &out], &["bench", &bad]];
    for args in commands {
        let output = cli(args, b"");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
        assert!(said.starts_with(&format!("error: {bad}: ")), "{args:?}: {said}");
    }
    let summaries = rows(&cli(&["analyse", &bad, &good], b""));
    assert_eq!(summaries.last().unwrap()["file"], good, "the other file is read");
}
