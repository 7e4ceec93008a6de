//! Where a command's output goes: standard output, a pipe or a device, or a file that is there
//! whole or not at all.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Seek, SeekFrom, StdoutLock, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use moodring::files::whole::WholeFile;
use tempfile::SpooledTempFile;

use super::interrupt::{self, Guard};

/// Bytes of an archive on its way to a pipe that wait in memory; more of them wait in a temporary
/// file.
const WAITING_BYTES: usize = 4 << 20;

/// Names of standard output, as a path.
const STANDARD: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Folders of open files by number, where `>(…)` of a shell lies: what is opened there is no file
/// that could be replaced.
const OPEN_FILES: [&str; 3] = ["/dev/fd/", "/dev/stderr", "/proc/"];

/// Something to write to. What goes wrong is told with its name, once: whatever is written after
/// that goes nowhere.
///
/// Nothing stands at the path of a file before [`Sink::finish`]; dropping the sink leaves what was
/// there.
pub struct Sink {
    to: To,
    name: String,
    has_failed: bool,
}

enum To {
    Standard(StdoutLock<'static>),
    /// A pipe or a device.
    Open(BufWriter<std::fs::File>),
    Whole(WholeFile, Guard),
    /// What is written back and forth, on its way to something that cannot be.
    Waiting(SpooledTempFile, Box<To>),
}

impl Sink {
    /// Standard output.
    pub fn standard() -> Self {
        Self::new(To::Standard(io::stdout().lock()), "standard output".to_owned())
    }

    /// The file, pipe or device at `path`; `-` is standard output.
    ///
    /// # Errors
    /// Where it cannot be written, naming it.
    pub fn to(path: &Path) -> anyhow::Result<Self> {
        if is_standard(path) {
            return Ok(Self::standard());
        }
        let named = || format!("cannot write {}", path.display());
        let to = if is_open_already(path) {
            let file = OpenOptions::new().append(true).open(path).with_context(named)?;
            To::Open(BufWriter::new(file))
        } else {
            let (file, guard) = interrupt::begin(path).with_context(named)?;
            To::Whole(file, guard)
        };
        Ok(Self::new(to, path.display().to_string()))
    }

    /// As [`Sink::to`], for what is written back and forth.
    ///
    /// # Errors
    /// As there.
    pub fn seekable(path: &Path) -> anyhow::Result<Self> {
        let Self { to, name, .. } = Self::to(path)?;
        let to = match to {
            To::Whole(..) => to,
            other => To::Waiting(SpooledTempFile::new(WAITING_BYTES), Box::new(other)),
        };
        Ok(Self::new(to, name))
    }

    fn new(to: To, name: String) -> Self {
        Self { to, name, has_failed: false }
    }

    /// Whether something has gone wrong, and been told.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// All is written: a file takes its place.
    ///
    /// # Errors
    /// Where not all could be written, naming it; then a file that was there stays.
    pub fn finish(self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.has_failed, "{}: not all of it could be written", self.name);
        self.to.finish().map_err(|why| anyhow!(named(&self.name, &why)))
    }

    /// Takes note of what went wrong, and gives it a name.
    fn noted<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|why| {
            self.has_failed = true;
            io::Error::new(why.kind(), named(&self.name, &why))
        })
    }
}

fn named(name: &str, why: &io::Error) -> String {
    format!("{name}: {why}")
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_failed {
            return Ok(bytes.len());
        }
        let written = self.to.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.has_failed {
            return Ok(());
        }
        let flushed = self.to.flush();
        self.noted(flushed)
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.has_failed {
            return Ok(0);
        }
        let there = match &mut self.to {
            To::Whole(file, _) => file.seek(to),
            To::Waiting(file, _) => file.seek(to),
            To::Standard(_) | To::Open(_) => Err(io::ErrorKind::NotSeekable.into()),
        };
        self.noted(there)
    }
}

impl To {
    fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self {
            Self::Whole(file, _guard) => file.finish(),
            Self::Waiting(mut file, mut to) => {
                file.rewind()?;
                io::copy(&mut file, &mut *to)?;
                to.finish()
            }
            Self::Standard(_) | Self::Open(_) => Ok(()),
        }
    }
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => read_enough(out.write(bytes)),
            Self::Open(file) => read_enough(file.write(bytes)),
            Self::Whole(file, _) => file.write(bytes),
            Self::Waiting(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => read_enough(out.flush()),
            Self::Open(file) => read_enough(file.flush()),
            Self::Whole(file, _) => file.flush(),
            Self::Waiting(file, _) => file.flush(),
        }
    }
}

/// Whoever reads may have read enough, as `head` does: then all is well, and there is nothing more
/// to do.
fn read_enough<T>(written: io::Result<T>) -> io::Result<T> {
    match written {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        outcome => outcome,
    }
}

/// Whether `path` is another name for standard output.
pub fn is_standard(path: &Path) -> bool {
    STANDARD.iter().any(|name| path == Path::new(name))
}

/// Whether what stands at `path` is written as it is, and not replaced: pipes, devices, files that
/// are open already.
pub fn is_open_already(path: &Path) -> bool {
    let is_numbered = OPEN_FILES.iter().any(|folder| path.starts_with(folder));
    is_numbered || path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Where links of an output lead, if it is a file that would be replaced.
pub fn replaced_file(path: &Path) -> Option<PathBuf> {
    if is_standard(path) || is_open_already(path) {
        return None;
    }
    moodring::files::whole::followed(path).ok()
}
