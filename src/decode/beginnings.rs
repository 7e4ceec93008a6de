//! How files begin that may stand behind another and be told from its sound.

/// Bytes that a file's beginning is told from.
pub(super) const START_BYTES: usize = 16;
/// FLAC's mark with the header of its first block, which always is as long.
pub(super) const FLAC_START: &[u8] = b"fLaC\0\0\0\x22";
/// Chunks that a WAVE file begins with.
const FIRST_CHUNKS: [&[u8]; 6] = [b"fmt ", b"ds64", b"JUNK", b"junk", b"LIST", b"bext"];

/// Wave64's identifiers, and how its chunks are aligned.
pub(super) const W64_RIFF: [u8; 16] = *b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";

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

/// Whether FLAC begins with these bytes.
pub(super) fn is_flac(bytes: &[u8]) -> bool {
    bytes.starts_with(FLAC_START)
}
