//! What stands behind a file in the same file: another, as after `cat`, or chunks, tags, padding
//! and junk, which are not sound.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::beginnings::{START_BYTES, begins, is_flac};
use super::elementary::{TAG_HEADER_BYTES, tag_bytes};
use super::input::Input;
use super::plain::chunks::{Chunk, Order};

/// How much junk may stand before the next file, bytes: padding to a disk's or a tape's blocks.
const JUNK_BYTES: usize = 64 << 10;
/// Chunks and tags that are passed on the way; files have a few.
const MAX_PASSED: usize = 4096;
const FLAC_MARK_BYTES: u64 = 4;
/// The bit of a block's kind that is set in the last before the frames.
const FLAC_LAST_BLOCK: u8 = 0x80;
/// Where the next file begins behind one whose samples end at `from`: there, or behind chunks, tags
/// and a little junk.
pub(super) fn next_file(input: &mut Input, from: u64, order: Order) -> io::Result<Option<u64>> {
    let mut at = from;
    for _ in 0..MAX_PASSED {
        let header = input.look(at, TAG_HEADER_BYTES)?;
        if header.len() < START_BYTES {
            return Ok(None);
        }
        // Chunks are padded to whole words.
        if let Some(padding) = (0..=1).find(|padding| begins(&header[*padding..])) {
            return Ok(Some(at + padding as u64));
        }
        let chunk = Chunk::at(input, at, order)?;
        let chunk = chunk.filter(|chunk| chunk.is_sound(input.len()));
        at = match (tag_bytes(&header), chunk) {
            (Some(bytes), _) => at + bytes as u64,
            (None, Some(chunk)) => chunk.end(),
            (None, None) => break,
        };
    }
    let junk = input.look(at, JUNK_BYTES)?;
    let found = (0..junk.len()).find(|from| begins(&junk[*from..]));
    Ok(found.map(|found| at + found as u64))
}

/// Watches the bytes of a file for another behind it, or for tags, wherever its header says that it
/// ends.
pub(super) struct Watch {
    begins: fn(&[u8]) -> bool,
    /// The bytes that it begins with, so that most are passed quickly.
    first: &'static [u8],
    /// Bytes at the start that are the file's own.
    own: u64,
    found: Arc<AtomicU64>,
}

/// Where a watched file ends: what [`Watch`] has found so far.
pub(super) struct End(Arc<AtomicU64>);

impl End {
    /// Where what follows begins, byte.
    pub(super) fn found(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|at| *at != u64::MAX)
    }
}

impl Watch {
    /// How far a watch looks beyond the bytes that are read, so that none of what follows is read
    /// before it is known, bytes.
    pub(super) const AHEAD_BYTES: usize = TAG_HEADER_BYTES;

    /// For FLAC or tags behind FLAC, the last frame of which cannot be told from what follows.
    /// Other files are not looked for.
    ///
    /// # Errors
    /// Where `input` cannot be read.
    pub(super) fn for_flac(input: &mut Input) -> io::Result<(Self, End)> {
        // Pictures and foreign headers may look like anything.
        let mut own = FLAC_MARK_BYTES;
        while let [kind, a, b, c] = *input.look(own, 4)? {
            own += 4 + u64::from(u32::from_be_bytes([0, a, b, c]));
            if kind & FLAC_LAST_BLOCK != 0 {
                break;
            }
        }
        let begins = |bytes: &[u8]| is_flac(bytes) || tag_bytes(bytes).is_some();
        Ok(Self::new(begins, b"fITAL", own))
    }

    /// For any file behind samples, which begin at `start`.
    pub(super) fn for_samples(start: u64) -> (Self, End) {
        Self::new(begins, b"RrFf", start)
    }

    fn new(begins: fn(&[u8]) -> bool, first: &'static [u8], own: u64) -> (Self, End) {
        let found = Arc::new(AtomicU64::new(u64::MAX));
        let end = End(found.clone());
        (Self { begins, first, own, found }, end)
    }

    /// Sees `n` bytes at `at`, with what follows them; where another file or a tag begins in them.
    pub(super) fn see(&mut self, at: u64, n: usize, bytes: &[u8]) -> Option<u64> {
        let own = self.own.saturating_sub(at).min(n as u64) as usize;
        let mut places = (own..n).filter(|from| self.first.contains(&bytes[*from]));
        let found = places.find(|from| (self.begins)(&bytes[*from..]))?;
        let found = at + found as u64;
        self.found.store(found, Ordering::Relaxed);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::beginnings::FLAC_START;

    #[test]
    fn another_file_is_seen_however_its_bytes_come() {
        let own = b"fLaC\x80\0\0\x10 a picture: fLaC ";
        let bytes = [own.as_slice(), b"frames", FLAC_START, b"more"].concat();
        for step in [1, 5, 16, 100] {
            let mut input = Input::of_bytes(bytes.clone(), false);
            let (mut watch, end) = Watch::for_flac(&mut input).unwrap();
            for at in (0..bytes.len()).step_by(step) {
                let n = step.min(bytes.len() - at);
                watch.see(at as u64, n, &bytes[at..]);
            }
            assert_eq!(end.found(), Some(own.len() as u64 + 6), "{step} bytes at a time");
        }
    }

    #[test]
    fn chunks_tags_and_junk_are_passed_on_the_way_to_the_next_file() {
        let next = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0";
        let list = b"LIST\x04\0\0\0INFO";
        let found = |between: &[u8], behind: &[u8]| {
            let bytes = [b"sound".as_slice(), between, behind, &[0; 128]].concat();
            next_file(&mut Input::of_bytes(bytes, false), 5, Order::Little).unwrap()
        };
        for between in
            [b"".as_slice(), b"\0", list, &[0; 4096], &[b"TAG".as_slice(), &[b'x'; 125]].concat()]
        {
            assert_eq!(found(between, next), Some(5 + between.len() as u64), "{between:?}");
        }
        assert_eq!(found(list, b"and nothing more"), None);
    }
}
