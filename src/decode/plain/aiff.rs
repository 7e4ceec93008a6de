//! AIFF and AIFF-C.

use super::chunks::{self, Order};
use super::{MAX_CHANNELS, Plain, end_of_samples};
use crate::decode::error::DecodeError;
use crate::decode::input::Input;

/// Bytes of a common chunk that say anything: numbers, a code, the code's name.
const MAX_COMMON_BYTES: usize = 22 + 256;
/// Bytes of a common chunk without a code.
const COMMON_BYTES: usize = 18;

/// The samples of `input`, if it is AIFF.
pub(super) fn find(input: &mut Input) -> Result<Option<Plain>, DecodeError> {
    let start = input.look(0, 12)?;
    let form = match (start.get(..4), start.get(8..12)) {
        (Some(b"FORM"), Some(form @ (b"AIFF" | b"AIFC"))) => [form[0], form[1], form[2], form[3]],
        _ => return Ok(None),
    };
    let (mut common, mut sound) = (None, None);
    let mut at = chunks::FIRST_CHUNK;
    loop {
        let wanted: &[&[u8; 4]] = match (&common, &sound) {
            (None, None) => &[b"COMM", b"SSND"],
            (None, Some(_)) => &[b"COMM"],
            _ => &[b"SSND"],
        };
        let Some(chunk) = chunks::next(input, at, Order::Big, wanted)? else { break };
        match &chunk.id {
            b"COMM" => {
                let bytes = (chunk.bytes as usize).min(MAX_COMMON_BYTES);
                common = Some(input.look(chunk.body, bytes)?);
            }
            b"SSND" => {
                let header = input.look(chunk.body, 8)?;
                let offset = header.get(..4).and_then(|bytes| bytes.try_into().ok());
                let offset = u64::from(offset.map_or(0, u32::from_be_bytes));
                let claimed = u64::from(chunk.bytes).checked_sub(8 + offset);
                let open = chunk.bytes == u32::MAX || claimed.is_none_or(|bytes| bytes == 0);
                sound = Some((chunk.body + 8 + offset, claimed.filter(|_| !open)));
            }
            _ => {}
        }
        if common.is_some() && sound.is_some() {
            break;
        }
        at = chunk.end();
    }
    let missing = |what: &str| DecodeError::Damaged(format!("is an AIFF file without {what}"));
    let common = Common::read(&common.ok_or_else(|| missing("a common chunk"))?, form)?;
    let (at, claimed) = sound.ok_or_else(|| missing("samples"))?;
    let end = end_of_samples(input, at, claimed, Order::Big)?;
    let promised_secs = common.promised_secs(claimed);
    let head = common.head(end.saturating_sub(at));
    Ok(Some(Plain { head, data: at..end, is_elementary: false, promised_secs, order: Order::Big }))
}

/// A common chunk.
struct Common {
    form: [u8; 4],
    bytes: Vec<u8>,
}

impl Common {
    fn read(bytes: &[u8], form: [u8; 4]) -> Result<Self, DecodeError> {
        if bytes.len() < COMMON_BYTES {
            return Err(DecodeError::damaged("is an AIFF file whose common chunk is too short"));
        }
        let common = Self { form, bytes: bytes.to_vec() };
        let channels = common.u16(0);
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(DecodeError::Unsupported(format!(
                "is an AIFF file of {channels} channels; 1 to {MAX_CHANNELS} are read"
            )));
        }
        if common.rate_hz() < 1.0 {
            return Err(DecodeError::damaged("is an AIFF file without a sample rate"));
        }
        Ok(common)
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    /// The code of the samples; plain ones have none.
    fn code(&self) -> &[u8] {
        if self.form == *b"AIFC" { self.bytes.get(18..22).unwrap_or(b"NONE") } else { b"NONE" }
    }

    /// The sample rate: an 80-bit number, of which the upper 32 bits of the fraction are enough for
    /// any rate in use.
    fn rate_hz(&self) -> f64 {
        let exponent = i32::from(self.u16(8) & 0x7fff) - 16_383 - 31;
        let fraction = u32::from(self.u16(10)) << 16 | u32::from(self.u16(12));
        f64::from(fraction) * f64::from(exponent).exp2()
    }

    fn bytes_per_sample(&self) -> u64 {
        match self.code().to_ascii_lowercase().as_slice() {
            b"alaw" | b"ulaw" => 1,
            b"fl32" => 4,
            b"fl64" => 8,
            _ => u64::from(self.u16(6).div_ceil(8)).max(1),
        }
    }

    fn promised_secs(&self, claimed_bytes: Option<u64>) -> Option<f64> {
        let samples = u32::from(self.u16(2)) << 16 | u32::from(self.u16(4));
        let block = self.bytes_per_sample() * u64::from(self.u16(0));
        let samples = if samples == 0 { claimed_bytes? / block } else { u64::from(samples) };
        Some(samples as f64 / self.rate_hz())
    }

    /// A correct header for so many bytes of samples.
    fn head(&self, bytes: u64) -> Vec<u8> {
        let bits = self.u16(6);
        if self.code().eq_ignore_ascii_case(b"sowt") && bits != 16 {
            return self.little_endian_head(bytes);
        }
        let padding = usize::from(self.bytes.len() % 2 == 1);
        let own = 4 + 8 + self.bytes.len() + padding + 16;
        let bytes = bytes.min(u64::from(u32::MAX) - own as u64 - 1) as u32;
        let mut head = b"FORM".to_vec();
        head.extend((bytes + own as u32).to_be_bytes());
        head.extend(self.form);
        head.extend(b"COMM");
        head.extend((self.bytes.len() as u32).to_be_bytes());
        head.extend(&self.bytes);
        head.extend(&[0][..padding]);
        head.extend(b"SSND");
        head.extend((bytes + 8).to_be_bytes());
        head.extend([0; 8]);
        head
    }

    /// A WAVE header: what AIFF calls `sowt` are WAVE's samples.
    fn little_endian_head(&self, bytes: u64) -> Vec<u8> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let (channels, rate_hz) = (self.u16(0), self.rate_hz() as u32);
        // Of absurd widths the reader makes a refusal of its own.
        let block = channels.saturating_mul(self.bytes_per_sample() as u16);
        let mut head = b"RIFF".to_vec();
        head.extend(bytes.saturating_add(36).to_le_bytes());
        head.extend(b"WAVEfmt \x10\0\0\0\x01\0");
        head.extend(channels.to_le_bytes());
        head.extend(rate_hz.to_le_bytes());
        head.extend(rate_hz.saturating_mul(u32::from(block)).to_le_bytes());
        head.extend(block.to_le_bytes());
        head.extend((self.bytes_per_sample() as u16).saturating_mul(8).to_le_bytes());
        head.extend(b"data");
        head.extend(bytes.to_le_bytes());
        head
    }
}
