//! What stands behind a file in the same file: another, as after `cat`, or chunks, tags, padding and junk, which are no sound.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::elementary::{TAG_HEADER_BYTES, tag_bytes};
use super::input::Input;
use super::plain::chunks::{Chunk, Order};
use super::plain::wave::W64_RIFF;

/// How much junk may stand before the next file, bytes: padding to a disk's or a tape's blocks.
const JUNK_BYTES: usize = 64 << 10;
/// Chunks and tags that are passed on the way; files have a few.
const MAX_PASSED: usize = 4096;
/// Bytes that a file's beginning is told from.
const START_BYTES: usize = 16;
/// FLAC's mark with the header of its first block, which always is as long.
const FLAC_START: &[u8] = b"fLaC\0\0\0\x22";
/// Chunks that a WAVE file begins with.
const FIRST_CHUNKS: [&[u8]; 6] = [b"fmt ", b"ds64", b"JUNK", b"junk", b"LIST", b"bext"];

/// Whether a file begins with these bytes that can stand behind another and be told from its sound.
pub(super) fn begins(bytes: &[u8]) -> bool {
    is_wave(bytes) || bytes.starts_with(&W64_RIFF) || is_aiff(bytes) || is_flac(bytes)
}

fn is_wave(bytes: &[u8]) -> bool {
    let is_riff = matches!(bytes.get(..4), Some(b"RIFF" | b"RF64" | b"BW64"));
    is_riff
        && bytes.get(8..12) == Some(b"WAVE")
        && bytes.get(12..16).is_some_and(|first| FIRST_CHUNKS.contains(&first))
}

fn is_aiff(bytes: &[u8]) -> bool {
    bytes.starts_with(b"FORM") && matches!(bytes.get(8..12), Some(b"AIFF" | b"AIFC"))
}

fn is_flac(bytes: &[u8]) -> bool {
    bytes.starts_with(FLAC_START)
}

/// Where the first such file begins in `bytes`, at `from` or behind it.
fn find(bytes: &[u8], from: usize, begins: fn(&[u8]) -> bool) -> Option<usize> {
    (from..bytes.len()).find(|at| begins(&bytes[*at..]))
}

/// Where the next file begins behind one whose samples end at `from`: there, or behind chunks, tags and a little junk.
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
    Ok(find(&junk, 0, begins).map(|found| at + found as u64))
}

/// Watches the bytes of a file whose end is not known beforehand for another behind it.
pub(super) struct Watch {
    begins: fn(&[u8]) -> bool,
    /// Bytes at the start that are the file's own.
    own: u64,
    /// The last bytes that were seen, and where the next one stands.
    last: Vec<u8>,
    next: u64,
    found: Arc<AtomicU64>,
}

/// Where a watched file ends: what [`Watch`] has found so far.
pub(super) struct End(Arc<AtomicU64>);

impl End {
    /// Where the file behind begins, byte.
    pub(super) fn found(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|at| *at != u64::MAX)
    }
}

impl Watch {
    /// For FLAC behind FLAC. Other files are not looked for: their headers may be kept in its metadata.
    pub(super) fn for_flac() -> (Self, End) {
        Self::new(is_flac, FLAC_START.len() as u64)
    }

    /// For WAVE behind samples whose length was left open, which begin at `start`.
    pub(super) fn for_samples(start: u64) -> (Self, End) {
        Self::new(is_wave, start)
    }

    fn new(begins: fn(&[u8]) -> bool, own: u64) -> (Self, End) {
        let found = Arc::new(AtomicU64::new(u64::MAX));
        let end = End(found.clone());
        (Self { begins, own, last: Vec::new(), next: 0, found }, end)
    }

    /// Sees the bytes at `at`; where another file begins in them, or began a little before them.
    pub(super) fn see(&mut self, at: u64, bytes: &[u8]) -> Option<u64> {
        if at != self.next {
            self.last.clear();
        }
        let start = at - self.last.len() as u64;
        self.last.extend(bytes);
        self.next = at + bytes.len() as u64;
        let own = self.own.saturating_sub(start) as usize;
        let found = find(&self.last, own, self.begins).map(|found| start + found as u64);
        if let Some(found) = found {
            self.found.store(found, Ordering::Relaxed);
        }
        let keep = self.last.len().saturating_sub(START_BYTES - 1);
        self.last.drain(..keep);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_seen_however_its_bytes_come() {
        let bytes = [b"fLaC\0\0\0\x22 and frames ".as_slice(), FLAC_START, b"more"].concat();
        for step in [1, 5, 16, 100] {
            let (mut watch, end) = Watch::for_flac();
            let mut at = 0;
            for piece in bytes.chunks(step) {
                watch.see(at, piece);
                at += piece.len() as u64;
            }
            assert_eq!(end.found(), Some(20), "{step} bytes at a time");
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
