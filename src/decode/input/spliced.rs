//! The bytes of an input with another beginning, other bytes at a place, or an earlier end.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use symphonia::core::io::MediaSource;

use super::Input;
use crate::decode::following::Watch;

/// An input, or a part of it behind other first bytes: a corrected header with the sound of the
/// file that it belongs to.
pub(in crate::decode) struct Spliced {
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
    pub(in crate::decode) fn new(head: Vec<u8>, input: Input, part: Range<u64>) -> Self {
        Self { head, input, part, patch: None, once: false, pos: 0, watch: None }
    }

    /// All of `input`.
    pub(in crate::decode) fn whole(input: Input) -> Self {
        let end = input.len().unwrap_or(u64::MAX);
        Self::new(Vec::new(), input, 0..end)
    }

    /// The same with other bytes at a place.
    pub(in crate::decode) fn patched(self, patch: Option<(u64, Vec<u8>)>) -> Self {
        Self { patch, ..self }
    }

    /// The same for a reader that shall not look for what stands behind its end.
    pub(in crate::decode) fn into_pipe(self) -> Self {
        Self { once: true, ..self }
    }

    /// The same, which ends where another file begins in it.
    pub(in crate::decode) fn watched(self, watch: Option<Watch>) -> Self {
        Self { watch, ..self }
    }

    /// Bytes in all; unknown of a pipe.
    pub(in crate::decode) fn len(&self) -> Option<u64> {
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
                    // Not read before it is known to be this file's: of a pipe it could not be read
                    // again.
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

#[cfg(test)]
mod tests {
    use super::*;

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
