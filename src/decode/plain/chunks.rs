//! Chunks: an identifier, a length, so many bytes; and how to find the next one where a length is
//! wrong.

use std::io;

use crate::decode::beginnings::{START_BYTES, begins};
use crate::decode::input::Input;

/// What a chunk of Wave64 begins on, bytes.
pub(super) const W64_ALIGNMENT: u64 = 8;

/// The end of the identifiers of Wave64's own chunks, which begin with four letters.
pub(super) const W64_TAIL: [u8; 12] = *b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";

/// Where the first chunk stands in the one around all.
pub(super) const FIRST_CHUNK: u64 = 12;

/// How far a chunk is looked for that a wrong length hides, bytes.
const SEARCH_BYTES: usize = 1 << 20;

/// Fewer bytes than these behind the samples are not sound that was left out, whatever they are.
const LEAST_REST_BYTES: u64 = 1024;

/// Which end of a number comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Order {
    /// WAVE's.
    Little,
    /// AIFF's.
    Big,
}

impl Order {
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// A chunk's header.
#[derive(Clone, Copy)]
pub(in crate::decode) struct Chunk {
    pub(super) id: [u8; 4],
    /// Length of its body by its header, bytes.
    pub(super) bytes: u32,
    /// Where its body begins.
    pub(super) body: u64,
}

impl Chunk {
    /// The chunk whose header is at `at`; `None` at the end.
    pub(in crate::decode) fn at(
        input: &mut Input,
        at: u64,
        order: Order,
    ) -> io::Result<Option<Self>> {
        let header = input.look(at, 8)?;
        let header: Option<[u8; 8]> = header.try_into().ok();
        Ok(header.map(|[a, b, c, d, e, f, g, h]| Self {
            id: [a, b, c, d],
            bytes: order.u32([e, f, g, h]),
            body: at + 8,
        }))
    }

    /// Where the next chunk's header should be: bodies are padded to whole words.
    pub(in crate::decode) fn end(&self) -> u64 {
        self.body + u64::from(self.bytes) + u64::from(self.bytes & 1)
    }

    /// Whether it looks like a chunk that lies within the file.
    pub(in crate::decode) fn is_sound(&self, len: Option<u64>) -> bool {
        self.id.iter().all(|byte| (0x20..0x7f).contains(byte))
            && self.id.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() >= 3
            && len.is_none_or(|len| self.body + u64::from(self.bytes) <= len + 1)
    }
}

/// The next chunk, at `at`, or, where there is no sound one, the first in the whole file with an
/// identifier in `wanted`. A chunk with such an identifier may overrun the file.
pub(super) fn next(
    input: &mut Input,
    at: u64,
    order: Order,
    wanted: &[&[u8; 4]],
) -> io::Result<Option<Chunk>> {
    let chunk = Chunk::at(input, at, order)?;
    if let Some(chunk) = chunk
        && (chunk.is_sound(input.len()) || wanted.contains(&&chunk.id))
    {
        return Ok(Some(chunk));
    }
    let searched = input.look(FIRST_CHUNK, SEARCH_BYTES)?;
    let found = searched.windows(4).position(|window| wanted.iter().any(|id| window == *id));
    found.map_or(Ok(None), |found| Chunk::at(input, FIRST_CHUNK + found as u64, order))
}

/// Whether there is more sound at `end`, where a header says that there is none: much, and neither
/// chunks, nor tags, nor padding, nor text, nor another file.
pub(super) fn goes_on_with_sound(input: &mut Input, end: u64, order: Order) -> io::Result<bool> {
    const TAGS: [&[u8]; 4] = [b"ID3", b"TAG", b"APETAGEX", b"LYRICS"];
    let len = input.len();
    if len.is_none_or(|len| len.saturating_sub(end) < LEAST_REST_BYTES) {
        return Ok(false);
    }
    for at in [end, end + (end & 1)] {
        if Chunk::at(input, at, order)?.is_some_and(|chunk| chunk.is_sound(len)) {
            return Ok(false);
        }
        let is_wave64 = |header: &[u8]| header.get(4..16).is_some_and(|tail| tail == W64_TAIL);
        if is_wave64(&input.look(at.next_multiple_of(W64_ALIGNMENT), 16)?) {
            return Ok(false);
        }
    }
    // Another file, at once.
    if begins(&input.look(end, START_BYTES)?) {
        return Ok(false);
    }
    let rest = input.look(end, LEAST_REST_BYTES as usize)?;
    let is_tag = TAGS.iter().any(|tag| rest.starts_with(tag) || rest[1..].starts_with(tag));
    let is_padding = rest.iter().all(|byte| *byte == rest[0]);
    let is_text = rest.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    Ok(!(is_tag || is_padding || is_text))
}
