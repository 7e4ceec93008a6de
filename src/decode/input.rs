//! Where the bytes come from: a file, a pipe, standard input or memory; and the bytes of one with another beginning.

use std::collections::VecDeque;
use std::fs::{File, FileType};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use symphonia::core::io::MediaSource;

use super::following::Watch;

/// How far one can look into what comes next in a pipe, bytes: the header of a recording, with a picture in it.
const LOOK_AHEAD_BYTES: u64 = 4 << 20;

/// The bytes of a file or a pipe, or those from a place in it on; what comes next can be looked at beforehand. A clone reads the same
/// bytes from a place of its own; of a pipe they come to one of them only.
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
    /// Where it cannot be opened, is empty, or is a thing that holds no audio, such as a folder or a device.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = if path == Path::new("-") {
            standard_input().context("standard input cannot be read")?
        } else {
            // Looked at before it is opened: opening can already wake a device.
            let metadata = std::fs::metadata(path).context("cannot be opened")?;
            if let Some(why) = unreadable(metadata.file_type()) {
                bail!(why);
            }
            File::open(path).context("cannot be opened")?
        };
        let metadata = file.metadata().context("cannot be opened")?;
        // A path may have become another thing since; and what stands at standard input has not been looked at.
        if let Some(why) = unreadable(metadata.file_type()) {
            bail!(why);
        }
        let mut input = if metadata.is_file() {
            Self::new(From::Seekable(Box::new(file)), Some(metadata.len()))
        } else {
            Self::new(From::Pipe(Box::new(file)), None)
        };
        if input.look(0, 1).context("cannot be read")?.is_empty() {
            bail!("is empty");
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
        // A reader that panicked did so outside of this file.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Length in bytes; unknown of a pipe.
    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Up to `n` bytes from `at` on, which are still to be read afterwards; fewer at the end. Of a pipe there are none that have been
    /// read, and none further away than [`LOOK_AHEAD_BYTES`].
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

/// An input, or a part of it behind other first bytes: a corrected header with the sound of the file that it belongs to.
pub(super) struct Spliced {
    head: Vec<u8>,
    input: Input,
    /// The bytes of the input that follow the head.
    part: Range<u64>,
    /// Bytes that stand in place of others, and where.
    patch: Option<(u64, Vec<u8>)>,
    /// Whether it gives itself out as a pipe.
    once: bool,
    pos: u64,
    /// Where it ends before its end.
    watch: Option<Watch>,
}

impl Spliced {
    /// `head`, then the bytes of `input` in `part`; an end that is not known is `u64::MAX`.
    pub(super) fn new(head: Vec<u8>, input: Input, part: Range<u64>) -> Self {
        Self { head, input, part, patch: None, once: false, pos: 0, watch: None }
    }

    /// All of `input`.
    pub(super) fn whole(input: Input) -> Self {
        let end = input.len().unwrap_or(u64::MAX);
        Self::new(Vec::new(), input, 0..end)
    }

    /// The same with other bytes at a place.
    pub(super) fn patched(self, patch: Option<(u64, Vec<u8>)>) -> Self {
        Self { patch, ..self }
    }

    /// The same for a reader that shall not look for what stands behind its end.
    pub(super) fn into_pipe(self) -> Self {
        Self { once: true, ..self }
    }

    /// The same, which ends where another file begins in it.
    pub(super) fn watched(self, watch: Option<Watch>) -> Self {
        Self { watch, ..self }
    }

    /// Bytes in all; unknown of a pipe.
    pub(super) fn len(&self) -> Option<u64> {
        self.input.len().map(|len| {
            self.head.len() as u64 + self.part.end.min(len).saturating_sub(self.part.start)
        })
    }
}

impl Read for Spliced {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = self.head.len() as u64;
        let n = if self.pos < head {
            (&self.head[self.pos as usize..]).read(buffer)?
        } else {
            let at = self.part.start.saturating_add(self.pos - head);
            if self.input.pos != at {
                self.input.go_to(at);
            }
            let left = self.part.end.saturating_sub(at).min(buffer.len() as u64);
            let buffer = &mut buffer[..left as usize];
            match &mut self.watch {
                Some(watch) => {
                    // Not read before it is known to be this file's: of a pipe it could not be read again.
                    let seen = self.input.look(at, buffer.len() + Watch::AHEAD_BYTES)?;
                    let n = buffer.len().min(seen.len());
                    if let Some(end) = watch.see(at, n, &seen) {
                        self.part.end = end;
                    }
                    let n = n.min(self.part.end.saturating_sub(at) as usize);
                    buffer[..n].copy_from_slice(&seen[..n]);
                    self.input.go_to(at + n as u64);
                    n
                }
                None => self.input.read(buffer)?,
            }
        };
        if let Some((at, patch)) = &self.patch {
            for (place, byte) in (*at..).zip(patch) {
                let in_buffer = place.checked_sub(self.pos).filter(|i| *i < n as u64);
                in_buffer.into_iter().for_each(|i| buffer[i as usize] = *byte);
            }
        }
        self.pos += n as u64;
        Ok(n)
    }
}

impl Seek for Spliced {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Some(len) = self.len() else { return Err(io::ErrorKind::Unsupported.into()) };
        let to = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::End(by) => len.checked_add_signed(by),
            SeekFrom::Current(by) => self.pos.checked_add_signed(by),
        };
        self.pos = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.pos)
    }
}

impl MediaSource for Spliced {
    fn is_seekable(&self) -> bool {
        !self.once && self.input.len().is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.len().filter(|_| !self.once)
    }
}

/// Why a thing of this kind holds no audio; `None` where it may.
fn unreadable(kind: FileType) -> Option<&'static str> {
    if kind.is_dir() {
        return Some("is a folder; name the files in it");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_char_device() {
            return Some("is a device or a terminal, not a file; name a file, or pipe audio in");
        }
        if kind.is_block_device() {
            return Some("is a disk, not a file; name a file on it");
        }
        if kind.is_socket() {
            return Some("is a socket, not a file; name a file, or pipe audio in");
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

    #[test]
    fn a_part_stands_behind_another_head() {
        for once in [false, true] {
            let input = Input::of_bytes((0..100).collect(), once);
            let mut spliced = Spliced::new(vec![200, 201], input, 40..44);
            let mut all = Vec::new();
            spliced.read_to_end(&mut all).unwrap();
            assert_eq!(all, [200, 201, 40, 41, 42, 43], "once: {once}");
            let input = Input::of_bytes((0..100).collect(), once);
            let patch = Some((3, vec![103, 104]));
            let mut patched = Spliced::whole(input).patched(patch);
            let (mut start, mut rest) = ([0; 4], [0; 3]);
            patched.read_exact(&mut start).unwrap();
            patched.read_exact(&mut rest).unwrap();
            assert_eq!((start, rest), ([0, 1, 2, 103], [104, 5, 6]));
            if !once {
                assert_eq!(spliced.seek(SeekFrom::End(-1)).unwrap(), 5);
                assert_eq!(spliced.read(&mut [0; 9]).unwrap(), 1);
            }
        }
    }
}
