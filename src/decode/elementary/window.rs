//! The part of a stream of bytes that lies before the reader.

use std::io;

use super::Stream;

/// Bytes that are read at a time.
pub(super) const READ_BYTES: usize = 64 << 10;

/// Bytes that have been read and not yet been passed.
pub(super) struct Window {
    stream: Box<dyn Stream>,
    bytes: Vec<u8>,
    /// Where in `bytes` the reader is.
    start: usize,
    /// Where in the stream the reader is.
    pub(super) offset: u64,
    /// Whether all of the stream has been read.
    pub(super) is_ended: bool,
}

impl Window {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, bytes: Vec::new(), start: 0, offset: 0, is_ended: false }
    }

    /// What lies before the reader.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Reads until so many bytes lie before the reader, or the stream ends.
    pub(super) fn fill(&mut self, bytes: usize) -> io::Result<()> {
        while self.bytes.len() - self.start < bytes && !self.is_ended {
            self.bytes.drain(..std::mem::take(&mut self.start));
            let at = self.bytes.len();
            self.bytes.resize(at + READ_BYTES, 0);
            let n = loop {
                match self.stream.read(&mut self.bytes[at..]) {
                    Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                    outcome => break outcome,
                }
            };
            self.bytes.truncate(at + *n.as_ref().unwrap_or(&0));
            self.is_ended = n? == 0;
        }
        Ok(())
    }

    /// Passes so many bytes, of those that lie there.
    pub(super) fn pass(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes.len() - self.start);
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// When the byte at `offset` is to be heard, seconds; `None` where nothing says.
    pub(super) fn clock_secs(&mut self, offset: u64) -> Option<f64> {
        self.stream.clock_secs(offset)
    }

    /// Bytes from the reader to the end; `None` where the stream's length is not known.
    pub(super) fn left(&self) -> Option<u64> {
        Some(self.stream.length_bytes()?.saturating_sub(self.offset))
    }
}
