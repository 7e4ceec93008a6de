//! WAVE in its four coats: RIFF, RF64 and BW64 for more than 4 GiB, Sony's Wave64.

use std::ops::Range;

use super::chunks::{self, Chunk, Order, W64_ALIGNMENT, W64_TAIL};
use super::{MAX_CHANNELS, Plain, end_of_samples};
use crate::decode::beginnings::W64_RIFF;
use crate::decode::error::DecodeError;
use crate::decode::input::Input;

const W64_HEADER_BYTES: u64 = 24;

/// Format tags.
const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const MPEG: u16 = 0x50;
const MP3: u16 = 0x55;
const ADTS: u16 = 0x1600;
const EXTENSIBLE: u16 = 0xfffe;

/// Channels for which a mask of places has names.
const MASKED_CHANNELS: u16 = 18;

/// Bytes of a format chunk that say anything: MS-ADPCM's, with its coefficients, is the longest.
const MAX_FORMAT_BYTES: usize = 50;

/// Most bytes of samples whose length fits in a RIFF header beside the header's own.
const MAX_RIFF_BYTES: u64 = u32::MAX as u64 - 1024;

/// What is found in the chunks.
#[derive(Default)]
struct Found {
    format: Option<Vec<u8>>,
    /// Where the samples begin, and how many bytes of them there should be.
    samples: Option<(u64, Option<u64>)>,
}

/// The samples of `input`, if it is WAVE.
pub(super) fn find(input: &mut Input) -> Result<Option<Plain>, DecodeError> {
    let start = input.look(0, 40)?;
    let found = match start.get(..4) {
        Some(b"RIFF" | b"RF64" | b"BW64") if start.get(8..12) == Some(b"WAVE") => riff(input)?,
        Some(b"RIFX") => {
            return Err(DecodeError::unsupported(
                "is a big-endian WAVE file (RIFX), which is not read; convert it, for example with ffmpeg -i IN OUT.flac",
            ));
        }
        _ if start.get(..16) == Some(&W64_RIFF) => wave64(input)?,
        _ => return Ok(None),
    };
    let format = found
        .format
        .ok_or_else(|| DecodeError::damaged("is a WAVE file without a format chunk"))?;
    let (at, claimed) =
        found.samples.ok_or_else(|| DecodeError::damaged("is a WAVE file without samples"))?;
    let format = Format::read(&format)?;
    let end = end_of_samples(input, at, claimed, Order::Little)?;
    let is_elementary = [MPEG, MP3, ADTS].contains(&format.tag());
    let head = if is_elementary { Vec::new() } else { head(&format, &(at..end)) };
    let promised_secs = claimed.map(|bytes| bytes as f64 / format.bytes_per_sec());
    Ok(Some(Plain { head, data: at..end, is_elementary, promised_secs, order: Order::Little }))
}

fn riff(input: &mut Input) -> std::io::Result<Found> {
    let mut found = Found::default();
    let mut long_bytes = None;
    let mut at = chunks::FIRST_CHUNK;
    loop {
        let wanted: &[&[u8; 4]] =
            if found.format.is_some() { &[b"data"] } else { &[b"fmt ", b"data"] };
        let Some(chunk) = chunks::next(input, at, Order::Little, wanted)? else { break };
        match &chunk.id {
            b"ds64" => {
                let sizes = input.look(chunk.body, 16)?;
                long_bytes =
                    sizes.get(8..16).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
            }
            b"fmt " => found.format = Some(input.look(chunk.body, format_bytes(&chunk))?),
            b"data" => {
                let claimed = claimed(input, &chunk, long_bytes)?;
                found.samples = Some((chunk.body, claimed));
                break;
            }
            _ => {}
        }
        at = chunk.end();
    }
    Ok(found)
}

fn format_bytes(chunk: &Chunk) -> usize {
    (chunk.bytes as usize).min(MAX_FORMAT_BYTES)
}

/// How many bytes of samples the header promises; `None` where it leaves that open, as a recorder
/// does that was cut off.
fn claimed(
    input: &mut Input,
    data: &Chunk,
    long_bytes: Option<u64>,
) -> std::io::Result<Option<u64>> {
    Ok(match (data.bytes, long_bytes) {
        (u32::MAX, Some(0) | None) => None,
        (u32::MAX, long) => long,
        (0, _) => {
            let empty = input.len().is_some()
                && !chunks::goes_on_with_sound(input, data.body, Order::Little)?;
            empty.then_some(0)
        }
        (bytes, _) => Some(u64::from(bytes)),
    })
}

fn wave64(input: &mut Input) -> std::io::Result<Found> {
    let mut found = Found::default();
    let mut at = 40;
    loop {
        let header = input.look(at, W64_HEADER_BYTES as usize)?;
        let Some(bytes) = header.get(16..24).and_then(|b| b.try_into().ok()) else { break };
        let bytes = u64::from_le_bytes(bytes);
        let body = at + W64_HEADER_BYTES;
        let id = if header[4..16] == W64_TAIL { &header[..4] } else { b"" };
        match id {
            b"fmt " => {
                let length = bytes.saturating_sub(W64_HEADER_BYTES).min(MAX_FORMAT_BYTES as u64);
                found.format = Some(input.look(body, length as usize)?);
            }
            b"data" => {
                let claimed = bytes.checked_sub(W64_HEADER_BYTES).filter(|bytes| *bytes > 0);
                found.samples = Some((body, claimed.filter(|bytes| *bytes < i64::MAX as u64)));
                break;
            }
            _ => {}
        }
        let next = at.saturating_add(bytes).checked_next_multiple_of(W64_ALIGNMENT);
        match next {
            Some(next) if next > at && input.len().is_none_or(|len| next < len) => at = next,
            _ => break,
        }
    }
    Ok(found)
}

/// A format chunk.
struct Format {
    bytes: Vec<u8>,
}

impl Format {
    /// Reads a format chunk of whatever length, and checks what could not be mended.
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() < 14 {
            return Err(DecodeError::damaged("is a WAVE file whose format chunk is too short"));
        }
        let mut bytes = bytes.to_vec();
        let shortest = if u16::from_le_bytes([bytes[0], bytes[1]]) == EXTENSIBLE { 40 } else { 16 };
        bytes.resize(bytes.len().max(shortest), 0);
        let format = Self { bytes };
        let channels = format.u16(2);
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(DecodeError::Unsupported(format!(
                "is a WAVE file of {channels} channels; 1 to {MAX_CHANNELS} are read"
            )));
        }
        if format.rate_hz() == 0 {
            return Err(DecodeError::damaged("is a WAVE file without a sample rate"));
        }
        if !format.is_known() {
            return Err(DecodeError::Unsupported(format!(
                "holds {} in a WAVE file, which is not read; convert it, for example with ffmpeg -i IN OUT.flac",
                kind_of(format.tag())
            )));
        }
        Ok(format)
    }

    fn u16(&self, at: usize) -> u16 {
        self.bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }

    /// What the samples are, also where the tag says to look further.
    fn tag(&self) -> u16 {
        if self.u16(0) == EXTENSIBLE { self.u16(24) } else { self.u16(0) }
    }

    fn rate_hz(&self) -> u32 {
        self.u32(4)
    }

    fn bits(&self) -> u16 {
        match self.tag() {
            A_LAW | MU_LAW => 8,
            MS_ADPCM | IMA_ADPCM => 4,
            // Samples of odd widths fill whole bytes from the top.
            _ => self.u16(14).saturating_add(7) / 8 * 8,
        }
    }

    fn is_known(&self) -> bool {
        match self.tag() {
            PCM => (8..=32).contains(&self.bits()),
            FLOAT => [32, 64].contains(&self.bits()),
            MS_ADPCM | IMA_ADPCM => self.u16(12) > 0,
            A_LAW | MU_LAW | MPEG | MP3 | ADTS => true,
            _ => false,
        }
    }

    fn bytes_per_sec(&self) -> f64 {
        match self.tag() {
            PCM | FLOAT | A_LAW | MU_LAW => {
                f64::from(self.u16(2)) * f64::from(self.bits() / 8) * f64::from(self.rate_hz())
            }
            MS_ADPCM | IMA_ADPCM => {
                let blocks = f64::from(self.rate_hz()) / f64::from(self.samples_per_block());
                blocks * f64::from(self.u16(12))
            }
            _ => f64::from(self.u32(8).max(1)),
        }
    }

    /// Samples per channel in a block of ADPCM: some in its header, the others in half a byte each.
    fn samples_per_block(&self) -> u32 {
        let channels = u32::from(self.u16(2));
        let (header_bytes, header_samples) = if self.tag() == MS_ADPCM { (7, 2) } else { (4, 1) };
        let halves = 2 * u32::from(self.u16(12)).saturating_sub(header_bytes * channels);
        halves / channels + header_samples
    }

    /// The chunk as the book has it.
    fn written(&self) -> Vec<u8> {
        let channels = self.u16(2);
        let block = match self.tag() {
            MS_ADPCM | IMA_ADPCM => self.u16(12),
            _ => channels * (self.bits() / 8),
        };
        // A mask has no places for more channels; without one, they have none to be at.
        let tag = if channels > MASKED_CHANNELS { self.tag() } else { self.u16(0) };
        let mut written = tag.to_le_bytes().to_vec();
        written.extend(channels.to_le_bytes());
        written.extend(self.rate_hz().to_le_bytes());
        written.extend((self.bytes_per_sec() as u32).to_le_bytes());
        written.extend(block.to_le_bytes());
        written.extend(self.bits().to_le_bytes());
        match tag {
            PCM | FLOAT => {}
            A_LAW | MU_LAW => written.extend([0, 0]),
            IMA_ADPCM => {
                written.extend([2, 0]);
                written.extend((self.samples_per_block() as u16).to_le_bytes());
            }
            MS_ADPCM => {
                written.extend([32, 0]);
                written.extend(self.bytes.iter().copied().skip(18).chain([0; 32]).take(32));
            }
            _ => {
                written.extend([22, 0]);
                let valid = self.u16(18);
                let valid = if self.tag() == FLOAT || valid == 0 || valid > self.bits() {
                    self.bits()
                } else {
                    valid
                };
                written.extend(valid.to_le_bytes());
                written.extend(&self.bytes[20..40]);
            }
        }
        written
    }
}

/// A correct header for the samples in `data`.
fn head(format: &Format, data: &Range<u64>) -> Vec<u8> {
    let format = format.written();
    let bytes = data.end.saturating_sub(data.start);
    // A length that does not fit is left open, and the samples end where the bytes do.
    let bytes = if bytes > MAX_RIFF_BYTES { u32::MAX } else { bytes as u32 };
    let riff = bytes.saturating_add(20 + format.len() as u32);
    let mut head = b"RIFF".to_vec();
    head.extend(riff.to_le_bytes());
    head.extend(b"WAVEfmt ");
    head.extend((format.len() as u32).to_le_bytes());
    head.extend(format);
    head.extend(b"data");
    head.extend(bytes.to_le_bytes());
    head
}

/// What a format tag stands for.
fn kind_of(tag: u16) -> String {
    let name = match tag {
        PCM | FLOAT => "samples of an unknown width",
        0x31 => "GSM 6.10",
        0x92 | 0x2000 => "AC-3",
        0xff | 0x706d => "raw AAC",
        0x160..=0x163 => "Windows Media Audio",
        0x2001 => "DTS",
        0x674f..=0x6771 => "Vorbis",
        0xf1ac => "FLAC",
        0x7 | 0x6 => "G.711",
        0x14 | 0x40 | 0x45 | 0x64 | 0x65 => "a G.72x speech codec",
        _ => return format!("sound of the unknown kind 0x{tag:04x}"),
    };
    name.to_owned()
}
