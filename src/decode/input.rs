//! Where the bytes come from: a file, a pipe, standard input or memory; and the bytes of one with
//! another beginning.

mod spliced;

use std::collections::VecDeque;
use std::fs::{File, FileType};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use super::error::DecodeError;
use crate::lock::lock;

pub(super) use spliced::Spliced;

/// How far one can look into what comes next in a pipe, bytes: the header of a recording, with a
/// picture in it.
const LOOK_AHEAD_BYTES: u64 = 4 << 20;

/// The bytes of a file or a pipe, or those from a place in it on; what comes next can be looked at
/// beforehand. A clone reads the same bytes from a place of its own; of a pipe they come to one of
/// them only.
#[derive(Clone)]
pub(super) struct Input {
    shared: Arc<Mutex<Shared>>,
    /// The byte of the whole that is the first here.
    base: u64,
    /// The next byte that is read.
    pos: u64,
    /// Length in bytes; unknown of a pipe.
    len: Option<u64>,
}

/// What clones have in common.
struct Shared {
    from: From,
    /// Of a pipe: what has been read to look at it.
    ahead: VecDeque<u8>,
    /// The byte of the whole that comes next.
    pos: u64,
}

enum From {
    /// Bytes that can be read in any order.
    Seekable(Box<dyn Storage>),
    /// Bytes that come once.
    Pipe(Box<dyn Read + Send + Sync>),
}

/// What lies still: a regular file, or memory.
trait Storage: Read + Seek + Send + Sync {}
impl<S: Read + Seek + Send + Sync> Storage for S {}

impl Input {
    /// Opens a file or a pipe; `-` is standard input.
    ///
    /// # Errors
    /// Where it cannot be opened, is empty, or is a thing that holds no audio, such as a folder or
    /// a device.
    pub(super) fn open(path: &Path) -> Result<Self, DecodeError> {
        let file = if path == Path::new("-") {
            let doing = "standard input cannot be read";
            standard_input().map_err(|error| DecodeError::Io { doing, error })?
        } else {
            // Looked at before it is opened: opening can already wake a device.
            let metadata = std::fs::metadata(path).map_err(DecodeError::opening)?;
            if let Some(why) = unreadable(metadata.file_type(), path) {
                return Err(DecodeError::not_audio(why));
            }
            File::open(path).map_err(DecodeError::opening)?
        };
        let metadata = file.metadata().map_err(DecodeError::opening)?;
        // A path may have become another thing since; and what stands at standard input has not
        // been looked at.
        if let Some(why) = unreadable(metadata.file_type(), path) {
            return Err(DecodeError::not_audio(why));
        }
        let mut input = if metadata.is_file() {
            Self::new(From::Seekable(Box::new(file)), Some(metadata.len()))
        } else {
            Self::new(From::Pipe(Box::new(file)), None)
        };
        if input.look(0, 1)?.is_empty() {
            return Err(DecodeError::not_audio("is empty"));
        }
        Ok(input)
    }

    /// Bytes in memory; as a pipe where `once`.
    pub(super) fn of_bytes(bytes: Vec<u8>, once: bool) -> Self {
        let len = bytes.len() as u64;
        if once {
            Self::new(From::Pipe(Box::new(Cursor::new(bytes))), None)
        } else {
            Self::new(From::Seekable(Box::new(Cursor::new(bytes))), Some(len))
        }
    }

    fn new(from: From, len: Option<u64>) -> Self {
        let shared = Shared { from, ahead: VecDeque::new(), pos: 0 };
        Self { shared: Arc::new(Mutex::new(shared)), base: 0, pos: 0, len }
    }

    /// The bytes from `at` on, as an input of their own.
    pub(super) fn from(&self, at: u64) -> Self {
        let len = self.len.map(|len| len.saturating_sub(at));
        Self { shared: self.shared.clone(), base: self.base.saturating_add(at), pos: 0, len }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// Length in bytes; unknown of a pipe.
    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Up to `n` bytes from `at` on, which are still to be read afterwards; fewer at the end. Of a
    /// pipe there are none that have been read, and none further away than [`LOOK_AHEAD_BYTES`].
    pub(super) fn look(&mut self, at: u64, n: usize) -> io::Result<Vec<u8>> {
        self.shared().look(self.base.saturating_add(at), n)
    }

    /// Reads on at `at`, which of a pipe must lie ahead.
    fn go_to(&mut self, at: u64) {
        self.pos = at;
    }
}

impl Shared {
    fn look(&mut self, at: u64, n: usize) -> io::Result<Vec<u8>> {
        match &mut self.from {
            From::Seekable(storage) => {
                self.pos = storage.seek(SeekFrom::Start(at))?;
                let mut bytes = Vec::new();
                self.pos += storage.take(n as u64).read_to_end(&mut bytes)? as u64;
                Ok(bytes)
            }
            From::Pipe(pipe) => {
                let Some(from) = at.checked_sub(self.pos) else { return Ok(Vec::new()) };
                let until = from.saturating_add(n as u64).min(LOOK_AHEAD_BYTES);
                let missing = until.saturating_sub(self.ahead.len() as u64);
                let mut read = Vec::new();
                let outcome = pipe.take(missing).read_to_end(&mut read);
                self.ahead.extend(read);
                outcome?;
                let until = (until as usize).min(self.ahead.len());
                let from = from.min(until as u64) as usize;
                Ok(self.ahead.range(from..until).copied().collect())
            }
        }
    }

    /// Reads on at `at`.
    fn go_to(&mut self, at: u64) -> io::Result<()> {
        match &mut self.from {
            From::Seekable(storage) => {
                self.pos = storage.seek(SeekFrom::Start(at))?;
                Ok(())
            }
            From::Pipe(_) if at < self.pos => Err(io::ErrorKind::Unsupported.into()),
            From::Pipe(_) => {
                let ahead = at - self.pos;
                io::copy(&mut self.by_ref().take(ahead), &mut io::sink()).map(|_| ())
            }
        }
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match &mut self.from {
            From::Seekable(storage) => storage.read(buffer)?,
            From::Pipe(_) if !self.ahead.is_empty() => self.ahead.read(buffer)?,
            From::Pipe(pipe) => pipe.read(buffer)?,
        };
        self.pos += n as u64;
        Ok(n)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = self.base.saturating_add(self.pos);
        let mut shared = self.shared();
        if shared.pos != at {
            shared.go_to(at)?;
        }
        let n = shared.read(buffer)?;
        drop(shared);
        self.pos += n as u64;
        Ok(n)
    }
}

/// Why a thing of this kind at `path` holds no audio; `None` where it may.
fn unreadable(kind: FileType, path: &Path) -> Option<String> {
    if kind.is_dir() {
        let files = path.join("*.mp3");
        return Some(format!("is a folder: pass its files, e.g. {}", files.display()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_char_device() {
            return Some(
                "is a device or a terminal, not a file; name a file, or pipe audio in".to_owned(),
            );
        }
        if kind.is_block_device() {
            return Some("is a disk, not a file; name a file on it".to_owned());
        }
        if kind.is_socket() {
            return Some("is a socket, not a file; name a file, or pipe audio in".to_owned());
        }
    }
    None
}

/// Standard input as a file of its own: it can be sought in where somebody put a file there.
fn standard_input() -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle;
        Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_still_to_be_read() {
        for once in [false, true] {
            let mut input = Input::of_bytes((0..200).collect(), once);
            assert_eq!(input.look(10, 3).unwrap(), [10, 11, 12]);
            assert_eq!(input.look(198, 9).unwrap(), [198, 199]);
            let mut all = Vec::new();
            input.read_to_end(&mut all).unwrap();
            assert!(all.iter().copied().eq(0..200), "once: {once}");
        }
    }
}
