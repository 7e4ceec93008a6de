//! A file of readings to which lines are appended, whatever their format.
//!
//! One file has the readings of one form. Those of another, a model with other spaces or a version
//! with other columns, go to a file beside it, `readings-2.csv`: they would break whoever reads the
//! first.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::OutputError;
use crate::files;

/// Most files beside one another. Whoever has had so many models at work has another folder, too.
const MOST_BESIDE: u32 = 99;

/// Longest first line that is looked at, bytes: more than the columns of four spaces take.
const MOST_FIRST_LINE_BYTES: u64 = 64 << 10;

/// What the first line of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstLine {
    /// Readings of the form that is to be written.
    Ours,
    /// Readings of another form.
    OtherReadings,
    /// Something else.
    Foreign,
}

/// A file of lines. Opened with the first of them, for appending to what an earlier run left; a
/// file that holds anything but readings is never touched.
pub struct Lines {
    path: PathBuf,
    open: Option<(BufWriter<File>, PathBuf)>,
}

impl Lines {
    /// Lines will go to `path`. Opens nothing yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// The next line is of another form, and may need another file.
    ///
    /// # Errors
    /// [`OutputError`] where what is written so far does not reach its file.
    pub fn begin(&mut self) -> Result<(), OutputError> {
        self.flush()?;
        self.open = None;
        Ok(())
    }

    /// Writes one line.
    ///
    /// * `header` — what a new file begins with, if anything.
    /// * `judge` — what the first line of a file says that is there already.
    ///
    /// # Errors
    /// [`OutputError`], with what to do.
    pub fn write(
        &mut self,
        line: &str,
        header: Option<&str>,
        judge: impl Fn(&str) -> FirstLine,
    ) -> Result<(), OutputError> {
        let (file, path) = match &mut self.open {
            Some(open) => open,
            none => none.insert(open_beside(&self.path, header, judge)?),
        };
        writeln!(file, "{line}").map_err(|error| OutputError::Io { path: path.clone(), error })
    }

    /// Brings to the file what was written.
    ///
    /// # Errors
    /// [`OutputError`], with what to do.
    pub fn flush(&mut self) -> Result<(), OutputError> {
        let Some((file, path)) = &mut self.open else { return Ok(()) };
        file.flush().map_err(|error| OutputError::Io { path: path.clone(), error })
    }
}

/// Opens `path`, or the first file beside it that has no readings of another form.
fn open_beside(
    path: &Path,
    header: Option<&str>,
    judge: impl Fn(&str) -> FirstLine,
) -> Result<(BufWriter<File>, PathBuf), OutputError> {
    for number in 1..=MOST_BESIDE {
        let path = numbered(path, number);
        match open(&path, header, &judge) {
            Ok(Some(file)) => return Ok((file, path)),
            Ok(None) => {}
            // Only the file that was asked for is worth a word; one that happens to have the name
            // of the next is passed over.
            Err(OutputError::Foreign { .. }) if number > 1 => {}
            Err(error) => return Err(error),
        }
    }
    Err(OutputError::Foreign { path: path.to_owned() })
}

/// The file of that number beside `path`: `readings.csv`, `readings-2.csv`, …
#[must_use]
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Opens `path` for appending, with `header` in it if it is new or empty. `None` where it has
/// readings of another form.
fn open(
    path: &Path,
    header: Option<&str>,
    judge: impl Fn(&str) -> FirstLine,
) -> Result<Option<BufWriter<File>>, OutputError> {
    let to_error = |error| OutputError::Io { path: path.to_owned(), error };
    let file = files::open(path, OpenOptions::new().read(true).append(true).create(true));
    let mut file = file.map_err(to_error)?;
    let mut first_line = String::new();
    let first_bytes = (&file).take(MOST_FIRST_LINE_BYTES);
    let said = match BufReader::new(first_bytes).read_line(&mut first_line) {
        Ok(0) => {
            header.map_or(Ok(()), |header| writeln!(file, "{header}")).map_err(to_error)?;
            FirstLine::Ours
        }
        Ok(_) => judge(first_line.trim_end()),
        // Anything but text is as foreign as any other text.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => FirstLine::Foreign,
        Err(error) => return Err(to_error(error)),
    };
    match said {
        FirstLine::Ours => Ok(Some(BufWriter::new(file))),
        FirstLine::OtherReadings => Ok(None),
        FirstLine::Foreign => Err(OutputError::Foreign { path: path.to_owned() }),
    }
}
