//! Follows the file of readings while the plugin writes it.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use moodring::outputs::row;
use moodring::reading::{Reading, Stamped};

/// The readings in a file that grows.
pub struct Rows {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of a row whose rest is not yet written.
    unfinished: String,
    readings: Vec<Reading>,
    newest: Option<Stamped>,
}

impl Rows {
    /// Of the file at `path`, which need not exist yet.
    pub fn follow(path: PathBuf) -> Self {
        Self { path, file: None, unfinished: String::new(), readings: Vec::new(), newest: None }
    }

    /// Reads what has been written since.
    pub fn update(&mut self) {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return };
        // A file that cannot be read shows as one that does not grow; the end of the demo says so.
        let _read = file.read_to_string(&mut self.unfinished);
        let rows_end = self.unfinished.rfind('\n').map_or(0, |at| at + 1);
        let rows: String = self.unfinished.drain(..rows_end).collect();
        for stamped in rows.lines().filter_map(row::parse_csv_line) {
            self.readings.push(stamped.reading);
            self.newest = Some(stamped);
        }
    }

    /// All readings so far, oldest first.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// The newest of them, with what was lost on its way.
    pub fn newest(&self) -> Option<&Stamped> {
        self.newest.as_ref()
    }
}
