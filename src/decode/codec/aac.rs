//! HE-AAC: what says how it is to be decoded also speaks of an extension to twice the rate. The
//! decoder knows the core alone, which is all of the music below 11 kHz or so: what the analysis
//! hears.

use symphonia::core::codecs::audio::AudioCodecParameters;

/// Audio object types.
const LOW_COMPLEXITY: u32 = 2;
const SPECTRAL_BANDS: u32 = 5;
const PARAMETRIC_STEREO: u32 = 29;
/// The index that says that a rate follows in full.
const RATE_IN_FULL: u32 = 15;
/// Bits of the rest of a configuration of low complexity: frame length, core coder, extension; all
/// as usual.
const USUAL_BITS: usize = 3;

/// Parameters of the core where `parameters` speak of an extension; `None` where they are best left
/// alone.
pub(super) fn core_of(parameters: &AudioCodecParameters) -> Option<AudioCodecParameters> {
    let core = core_configuration(parameters.extra_data.as_deref()?)?;
    let mut parameters = parameters.clone();
    parameters.with_extra_data(core.into_boxed_slice());
    Some(parameters)
}

/// An AudioSpecificConfig without what it says of an extension; `None` where it is of another kind.
fn core_configuration(config: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes: config, at: 0 };
    let kind = bits.take(5)?;
    let rate = bits.take_rate()?;
    let channels = bits.take(4)?;
    match kind {
        SPECTRAL_BANDS | PARAMETRIC_STEREO => {
            bits.take_rate()?;
            if bits.take(5)? != LOW_COMPLEXITY {
                return None;
            }
        }
        LOW_COMPLEXITY => {}
        _ => return None,
    }
    // Frames of 960 samples, or a core in another stream.
    if bits.take(USUAL_BITS)? != 0 || channels == 0 {
        return None;
    }
    let mut core = Vec::new();
    let mut push = |value: u32, n: usize| {
        core.extend((0..n).rev().map(|bit| value >> bit & 1 == 1));
    };
    push(LOW_COMPLEXITY, 5);
    push(rate.0, 4);
    if rate.0 == RATE_IN_FULL {
        push(rate.1, 24);
    }
    push(channels, 4);
    push(0, USUAL_BITS);
    let byte = |bits: &[bool]| {
        bits.iter().enumerate().fold(0, |byte, (i, bit)| byte | u8::from(*bit) << (7 - i))
    };
    Some(core.chunks(8).map(byte).collect())
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, n: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..n {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// A rate's index, and the rate where it stands in full.
    fn take_rate(&mut self) -> Option<(u32, u32)> {
        let index = self.take(4)?;
        Some((index, if index == RATE_IN_FULL { self.take(24)? } else { 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_of_he_aac_is_named_without_its_extension() {
        // AAC-LC, 44.1 kHz, stereo: as it is.
        assert_eq!(core_configuration(&[0x12, 0x10]), Some(vec![0x12, 0x10]));
        // HE-AAC: kind 5, 24 kHz (6), stereo, to 48 kHz (3), of kind 2.
        let explicit = [0b0010_1011, 0b0001_0001, 0b1000_1000, 0];
        assert_eq!(core_configuration(&explicit), Some(vec![0b0001_0011, 0b0001_0000]));
        // The same said behind a configuration that old decoders understand.
        let compatible = [0x13, 0x10, 0x56, 0xe5, 0x98];
        assert_eq!(core_configuration(&compatible), Some(vec![0x13, 0x10]));
        // Main profile; cut off.
        assert_eq!(core_configuration(&[0x0a, 0x10]), None);
        assert_eq!(core_configuration(&[0x2b]), None);
    }
}
