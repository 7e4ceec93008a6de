//! mp4, CAF and Matroska whose end is missing: a box says that it is longer than the file, and its
//! reader would rather not see it at all.

use std::io;

use super::input::Input;

/// Boxes at the top of a file that are looked at; a live stream has one or two a second.
const MAX_BOXES: usize = 1 << 20;

/// Bytes of an mp4 box's header, without and with a long length.
const HEADER_BYTES: u64 = 8;
const LONG_HEADER_BYTES: u64 = 16;

/// Where CAF's first chunk stands, and the bytes of a chunk's header; a length of all ones is left
/// open.
const CAF_START: u64 = 8;
const CAF_HEADER_BYTES: u64 = 12;

/// Matroska's elements around a file: its head, and the segment with all that there is.
pub(super) const EBML_ID: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];
const SEGMENT_ID: [u8; 4] = [0x18, 0x53, 0x80, 0x67];
/// Bytes of such an element's identifier, and most bytes of its length.
const ID_BYTES: u64 = 4;
const MAX_LENGTH_BYTES: usize = 8;

/// Bytes to stand in place of others, and where.
type Patch = Option<(u64, Vec<u8>)>;

/// The length of the last box as it is, and where it stands; `None` where nothing is to be mended,
/// or where `input` is of another kind or a pipe.
pub(super) fn mended_length(input: &mut Input) -> io::Result<Patch> {
    let Some(len) = input.len() else { return Ok(None) };
    let start = input.look(0, HEADER_BYTES as usize)?;
    match start.get(..4) {
        Some(magic) if magic == EBML_ID => segment(input, len),
        Some(b"caff") => boxes(input, len, CAF_START, caf_chunk),
        Some(_) if start.get(4..) == Some(b"ftyp") => boxes(input, len, 0, mp4_box),
        _ => Ok(None),
    }
}

/// A box's header: where its length stands and in how many bytes, and how long it is in all; `None`
/// where it leaves that open.
struct Header {
    at: u64,
    bytes: usize,
    /// Bytes of the box, of which the length counts all but so many.
    length: Option<u64>,
    uncounted: u64,
}

/// The last of the boxes from `at` on, if it overruns the file.
fn boxes(
    input: &mut Input,
    len: u64,
    mut at: u64,
    read: impl Fn(&[u8], u64) -> Option<Header>,
) -> io::Result<Patch> {
    for _ in 0..MAX_BOXES {
        let header = input.look(at, LONG_HEADER_BYTES as usize)?;
        let Some(header) = read(&header, at) else { return Ok(None) };
        match header.length.and_then(|length| at.checked_add(length)) {
            Some(end) if end <= len => at = end,
            _ if header.length.is_none() => return Ok(None),
            _ => {
                let counted = len.saturating_sub(at + header.uncounted);
                let bytes = counted.to_be_bytes()[8 - header.bytes..].to_vec();
                return Ok(Some((header.at, bytes)));
            }
        }
    }
    Ok(None)
}

fn number(bytes: Option<&[u8]>) -> Option<u64> {
    Some(bytes?.iter().fold(0, |n: u64, byte| n << 8 | u64::from(*byte)))
}

fn mp4_box(header: &[u8], at: u64) -> Option<Header> {
    let length = number(header.get(..4))?;
    if length == 1 {
        let length = number(header.get(8..16)).filter(|length| *length >= LONG_HEADER_BYTES)?;
        return Some(Header { at: at + 8, bytes: 8, length: Some(length), uncounted: 0 });
    }
    let length = (length >= HEADER_BYTES).then_some(length);
    Some(Header { at, bytes: 4, length, uncounted: 0 })
}

fn caf_chunk(header: &[u8], at: u64) -> Option<Header> {
    let length = number(header.get(4..12))?;
    let length = i64::try_from(length).ok().map(|length| length as u64 + CAF_HEADER_BYTES);
    Some(Header { at: at + 4, bytes: 8, length, uncounted: CAF_HEADER_BYTES })
}

/// The length of Matroska's segment, if it overruns the file.
fn segment(input: &mut Input, len: u64) -> io::Result<Patch> {
    let Some((head_bytes, head)) = element_length(input, ID_BYTES)? else { return Ok(None) };
    let Some(at) = head.and_then(|head| head.checked_add(ID_BYTES + head_bytes as u64)) else {
        return Ok(None);
    };
    if input.look(at, ID_BYTES as usize)? != SEGMENT_ID {
        return Ok(None);
    }
    let Some((bytes, Some(length))) = element_length(input, at + ID_BYTES)? else {
        return Ok(None);
    };
    let body = at + ID_BYTES + bytes as u64;
    let here = len.saturating_sub(body);
    if length <= here {
        return Ok(None);
    }
    // As many bytes as before: their number is told by the first bit that is set.
    let marked = here | 1 << (7 * bytes);
    Ok(Some((at + ID_BYTES, marked.to_be_bytes()[8 - bytes..].to_vec())))
}

/// The length of an element at `at`, and its bytes; no length where it is left open.
fn element_length(input: &mut Input, at: u64) -> io::Result<Option<(usize, Option<u64>)>> {
    let bytes = input.look(at, MAX_LENGTH_BYTES)?;
    let n = bytes.first().map_or(MAX_LENGTH_BYTES, |first| first.leading_zeros() as usize) + 1;
    let Some(marked) = number(bytes.get(..n)) else { return Ok(None) };
    let mask = (1 << (7 * n)) - 1;
    let length = marked & mask;
    Ok(Some((n, (length != mask).then_some(length))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(bytes: &[u8]) -> Patch {
        mended_length(&mut Input::of_bytes(bytes.to_vec(), false)).unwrap()
    }

    #[test]
    fn the_length_of_a_box_that_overruns_the_file_is_what_is_there() {
        let mp4 = b"\0\0\0\x0cftypM4A \0\0\0\x20mdat1234";
        assert_eq!(mended(mp4), Some((12, vec![0, 0, 0, 12])));
        let long = b"\0\0\0\x0cftypM4A \0\0\0\x01mdat\0\0\0\0\0\0\0\x99123";
        assert_eq!(mended(long), Some((20, vec![0, 0, 0, 0, 0, 0, 0, 19])));
        let caf = b"caff\0\x01\0\0data\0\0\0\0\0\0\0\x40\0\0\0\0sound";
        assert_eq!(mended(caf), Some((12, vec![0, 0, 0, 0, 0, 0, 0, 9])));
        // A head of two bytes, and a segment that says ninety.
        let mkv = b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x40\x5a123456";
        assert_eq!(mended(mkv), Some((11, vec![0x40, 6])));
    }

    #[test]
    fn what_is_whole_or_left_open_stays() {
        for whole in [
            b"\0\0\0\x0cftypM4A \0\0\0\x0cmdat1234".as_slice(),
            b"\0\0\0\x0cftypM4A \0\0\0\0mdat1234",
            b"caff\0\x01\0\0data\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0sound",
            b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff123",
            b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x86123456",
            b"OggS",
            b"",
        ] {
            assert_eq!(mended(whole), None, "{whole:x?}");
        }
    }
}
