//! Opus, which Symphonia takes out of its container and does not decode.

use opus_pure::{ChannelLayout, OpusDecoder, OpusMSDecoder};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::packet::Packet;

use crate::analysis::downmix::Layout;
use crate::decode::error::DecodeError;

/// Opus always decodes to this rate, Hz.
const RATE_HZ: i32 = 48_000;
/// Longest packet, samples: 120 ms.
const MAX_SAMPLES: usize = 5760;
/// Bytes of a header for one stream of mono or stereo.
const HEAD_BYTES: usize = 19;
/// Where its version stands.
const VERSION_AT: usize = 8;
/// Where the low-frequency channel stands in the order of Vorbis, by the number of channels.
const LFE_OF_6: usize = 5;
const LFE_OF_7: usize = 6;
const LFE_OF_8: usize = 7;

/// A decoder of Opus.
pub(in crate::decode) struct Opus {
    decoder: Decoder,
    layout: Layout,
    /// Factor by which the header wants the sound louder.
    gain: f32,
    /// Samples at the beginning that are still to be left out.
    skip: usize,
    block: Vec<f32>,
}

enum Decoder {
    /// One stream of one or two channels.
    Single(Box<OpusDecoder>),
    /// Several streams for more channels.
    Many(OpusMSDecoder),
}

fn refused(error: opus_pure::Error) -> DecodeError {
    DecodeError::Unsupported(error.to_string())
}

impl Opus {
    /// A decoder for a stream with an identification header.
    ///
    /// # Errors
    /// Where the header is missing, or arranges the channels as nobody else does.
    pub(super) fn new(parameters: &AudioCodecParameters) -> Result<Self, DecodeError> {
        let head = parameters.extra_data.as_deref();
        let head = head.ok_or_else(|| DecodeError::damaged("is Opus without its header"))?;
        if head.len() < HEAD_BYTES || !head.starts_with(b"OpusHead") {
            return Err(DecodeError::damaged("is Opus with a header that is too short"));
        }
        // mp4 has another version of the header, with its numbers the other way round.
        let is_little = head[VERSION_AT] != 0;
        let u16_at = |n: usize| {
            let bytes = [head[n], head[n + 1]];
            if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
        };
        let n_channels = usize::from(head[9]);
        let (skip, gain) = (usize::from(u16_at(10)), u16_at(16).cast_signed());
        let family = head[18];
        let decoder = if family == 0 {
            if !(1..=2).contains(&n_channels) {
                let words = format!("is Opus of {n_channels} channels in one stream");
                return Err(DecodeError::Damaged(words));
            }
            let decoder = OpusDecoder::new(RATE_HZ, n_channels).map_err(refused)?;
            Decoder::Single(Box::new(decoder))
        } else {
            let usual = ChannelLayout::surround(n_channels, family).ok();
            let mapping = head.get(21..21 + n_channels);
            let streams = head.get(19..21).map(|n| [usize::from(n[0]), usize::from(n[1])]);
            match usual {
                Some(usual)
                    if mapping == Some(usual.mapping.as_slice())
                        && streams == Some([usual.nb_streams, usual.nb_coupled_streams]) => {}
                _ => {
                    return Err(DecodeError::Unsupported(format!(
                        "is Opus whose {n_channels} channels are arranged in an unusual way, which is not read; convert it, for example with ffmpeg -i IN OUT.flac"
                    )));
                }
            }
            Decoder::Many(OpusMSDecoder::new(RATE_HZ, n_channels, family).map_err(refused)?)
        };
        let layout = match (family, n_channels) {
            (1, 6) => Layout::of(6).with_lfe(LFE_OF_6),
            (1, 7) => Layout::of(7).with_lfe(LFE_OF_7),
            (1, 8) => Layout::of(8).with_lfe(LFE_OF_8),
            (_, n) => Layout::of(n),
        };
        let block = vec![0.0; MAX_SAMPLES * n_channels];
        let gain = 10_f32.powf(f32::from(gain) / 256.0 / 20.0);
        Ok(Self { decoder, layout, gain, skip, block })
    }

    pub(super) fn reset(&mut self) {
        // A decoder that cannot be reset goes on with what it has.
        _ = match &mut self.decoder {
            Decoder::Single(decoder) => decoder.reset_state(),
            Decoder::Many(decoder) => decoder.reset_state(),
        };
    }

    /// Decodes a packet; of its end and, at the beginning of the stream, its start as much is left
    /// out as the header and the container say.
    pub(super) fn decode(
        &mut self,
        packet: &Packet,
        samples: &mut Vec<f32>,
    ) -> Result<(f64, Layout), opus_pure::Error> {
        let n_channels = self.layout.n_channels();
        let decoded = match &mut self.decoder {
            Decoder::Single(decoder) => decoder.decode(&packet.data, MAX_SAMPLES, &mut self.block),
            Decoder::Many(decoder) => decoder.decode(&packet.data, MAX_SAMPLES, &mut self.block),
        }?;
        let from = self.skip.min(decoded);
        self.skip -= from;
        let trimmed = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX);
        let until = decoded.saturating_sub(trimmed).max(from);
        let kept = &self.block[from * n_channels..until * n_channels];
        samples.extend(kept.iter().map(|sample| sample * self.gain));
        Ok((f64::from(RATE_HZ), self.layout))
    }
}
