//! mp4 whose end is missing: the last box says that it is longer than the file, and its reader would rather not see it at all.

use std::io;

use super::input::Input;

/// Boxes at the top of a file that are looked at; a live stream has one or two a second.
const MAX_BOXES: usize = 1 << 20;
/// Bytes of a box's header, without and with a long length.
const HEADER_BYTES: u64 = 8;
const LONG_HEADER_BYTES: u64 = 16;

/// The length of the last box as it is, and where it stands; `None` where nothing is to be mended, or `input` is no mp4.
pub(super) fn mended_length(input: &mut Input) -> io::Result<Option<(u64, Vec<u8>)>> {
    let Some(len) = input.len() else { return Ok(None) };
    if input.look(4, 4)? != b"ftyp" {
        return Ok(None);
    }
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        let header = input.look(at, LONG_HEADER_BYTES as usize)?;
        let number = |from: usize, to: usize| {
            let bytes = header.get(from..to)?;
            Some(bytes.iter().fold(0, |n: u64, byte| n << 8 | u64::from(*byte)))
        };
        let (header_bytes, length) = match number(0, 4) {
            Some(1) => (LONG_HEADER_BYTES, number(8, 16)),
            length => (HEADER_BYTES, length),
        };
        let Some(length) = length.filter(|length| *length >= header_bytes) else { return Ok(None) };
        match at.checked_add(length) {
            Some(end) if end <= len => at = end,
            _ if at + header_bytes > len => return Ok(None),
            _ => {
                let here = len - at;
                return Ok(Some(if header_bytes == HEADER_BYTES {
                    (at, u32::try_from(here).unwrap_or(u32::MAX).to_be_bytes().to_vec())
                } else {
                    (at + HEADER_BYTES, here.to_be_bytes().to_vec())
                }));
            }
        }
    }
    Ok(None)
}
