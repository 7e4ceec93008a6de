//! Which outputs there are, and which are on.
//!
//! The plugin keeps a path for each kind with the host's project, and the window offers a row for
//! each: both are made from this table.

use std::path::PathBuf;

use super::Output;
use super::csv::Csv;
use super::jsonl::JsonLines;

/// A kind of output that goes to a file of the user's choice.
#[derive(Debug)]
pub struct FileKind {
    /// Its word in the project's state, which is never renamed: saved projects name it. Also the
    /// extension of its files, without a dot.
    pub word: &'static str,
    /// What it is called in the window.
    pub name: &'static str,
    /// What it is good for, in a line.
    pub help: &'static str,
    /// Makes one that will write to a file. Opens nothing yet.
    pub output: fn(PathBuf) -> Box<dyn Output>,
}

/// A kind is its word.
impl PartialEq for FileKind {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl Eq for FileKind {}

/// Every kind, in the order in which they are offered. A `static`, so that each is in one place:
/// of a `const`, the compiler may make a copy wherever it is named.
pub static FILES: &[FileKind] = &[
    FileKind {
        word: "csv",
        name: "CSV",
        help: "a row for every reading, for spreadsheets",
        output: |path| Box::new(Csv::new(path)),
    },
    FileKind {
        word: "jsonl",
        name: "JSON lines",
        help: "an object for every reading, for programs",
        output: |path| Box::new(JsonLines::new(path)),
    },
];

/// The kind of this word; `None` where there is none.
#[must_use]
pub fn kind(word: &str) -> Option<&'static FileKind> {
    FILES.iter().find(|kind| kind.word == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for (i, file) in FILES.iter().enumerate() {
            assert!(FILES[..i].iter().all(|other| other.word != file.word));
            assert!(std::ptr::eq(kind(file.word).expect("it has this word"), file));
        }
        assert!(kind("").is_none());
    }
}
