//! What the commands write to files, and by what it is known again: a file is replaced unasked only
//! by its own kind.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use moodring::plot::canvas;
use npyz::npz::NpzArchive;
use serde_json::Value;

/// The header of rows as comma-separated values begins so.
pub const CSV_ROWS_BEGIN: &str = "file,summary,";

/// Bytes of the first line that are read: one row is shorter by far.
const LONGEST_LINE_BYTES: u64 = 64 << 10;

/// What a file of ours holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows of `analyse`.
    Rows,
    /// A picture of `analyse`.
    Picture,
    /// Arrays of `features`.
    Features,
    /// Arrays of `dataset`.
    Windows,
}

/// Arrays by which an archive of [`Kind::Features`] and one of [`Kind::Windows`] are known.
const OF_FEATURES: [&str; 3] = ["times", "mask_harmonic", "chroma_harmonic"];
const OF_WINDOWS: [&str; 3] = ["steps", "constants", "step_names"];

impl Kind {
    /// As a user would call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rows => "rows of `analyse`",
            Self::Picture => "a picture of `analyse`",
            Self::Features => "arrays of `features`",
            Self::Windows => "arrays of `dataset`",
        }
    }

    /// Whether the file at `path` was written by the command that writes this kind; an empty one
    /// may be replaced by anybody.
    pub fn wrote(self, path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        if file.metadata().is_ok_and(|there| there.len() == 0) {
            return true;
        }
        let file = BufReader::new(file);
        match self {
            Self::Rows => holds_rows(file),
            Self::Picture => canvas::is_ours(file),
            Self::Features => holds_arrays(path, &OF_FEATURES),
            Self::Windows => holds_arrays(path, &OF_WINDOWS),
        }
    }
}

fn holds_rows(file: impl BufRead) -> bool {
    let mut line = String::new();
    // Anything but text is none of ours.
    if file.take(LONGEST_LINE_BYTES).read_line(&mut line).is_err() {
        return false;
    }
    line.starts_with(CSV_ROWS_BEGIN)
        || serde_json::from_str::<Value>(&line).is_ok_and(|row| {
            row["file"].is_string() && (row["phase"].is_string() || row["summary"] == true)
        })
}

fn holds_arrays(path: &Path, names: &[&str]) -> bool {
    NpzArchive::open(path)
        .is_ok_and(|archive| names.iter().all(|name| archive.array_names().any(|it| it == *name)))
}
