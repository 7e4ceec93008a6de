//! Decoders: packets to samples.

mod aac;
mod opus;

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::packet::Packet;

use super::error::DecodeError;
use super::kinds;
use crate::analysis::downmix::{Layout, MAX_CHANNELS};
use opus::Opus;

/// A decoder of one stream.
pub(super) enum Codec {
    /// One of Symphonia's.
    Symphonia(Box<dyn AudioDecoder>),
    /// Opus.
    Opus(Box<Opus>),
}

/// Why a packet gives no samples.
pub(super) enum Broken {
    /// It is broken, or not what the decoder knows; the next one may be whole.
    Packet,
    /// The decoder cannot go on.
    Decoder(String),
}

/// Whether there is a decoder for a stream.
pub(super) fn can_decode(parameters: &AudioCodecParameters) -> bool {
    Codec::new(parameters).is_ok()
}

impl Codec {
    /// A decoder for a stream.
    ///
    /// # Errors
    /// Where there is none; the words name the kind.
    pub(super) fn new(parameters: &AudioCodecParameters) -> Result<Self, DecodeError> {
        if parameters.codec == CODEC_ID_OPUS {
            return Ok(Self::Opus(Box::new(Opus::new(parameters)?)));
        }
        let mended = (parameters.codec == CODEC_ID_AAC).then(|| aac::core_of(parameters)).flatten();
        let parameters = mended.as_ref().unwrap_or(parameters);
        let options = AudioDecoderOptions::default();
        match symphonia::default::get_codecs().make_audio_decoder(parameters, &options) {
            Ok(decoder) => Ok(Self::Symphonia(decoder)),
            Err(why) => {
                Err(DecodeError::Unsupported(kinds::undecodable(parameters, &why.to_string())))
            }
        }
    }

    /// Forgets the packets before, of which the next one is not a continuation.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Symphonia(decoder) => decoder.reset(),
            Self::Opus(opus) => opus.reset(),
        }
    }

    /// Decodes a packet to interleaved samples, of which the rate and the channels are told. There
    /// may be none.
    pub(super) fn decode(
        &mut self,
        packet: &Packet,
        samples: &mut Vec<f32>,
    ) -> Result<(f64, Layout), Broken> {
        samples.clear();
        let decoder = match self {
            Self::Opus(opus) => return opus.decode(packet, samples).map_err(|_| Broken::Packet),
            Self::Symphonia(decoder) => decoder,
        };
        match decoder.decode(packet) {
            Ok(block) => {
                let spec = block.spec();
                let (rate, layout) = (spec.rate(), layout_of(spec.channels()));
                let n_channels = spec.channels().count();
                if n_channels == 0 || rate == 0 {
                    return Err(Broken::Packet);
                }
                block.copy_to_vec_interleaved(samples);
                if n_channels > MAX_CHANNELS {
                    keep_first_channels(samples, n_channels);
                }
                Ok((f64::from(rate), layout))
            }
            Err(Error::DecodeError(_) | Error::IoError(_) | Error::Unsupported(_)) => {
                Err(Broken::Packet)
            }
            Err(why) => Err(Broken::Decoder(why.to_string())),
        }
    }
}

/// Channels, and which of them carry low-frequency effects, as far as the stream says.
fn layout_of(channels: &Channels) -> Layout {
    let mut layout = Layout::of(channels.count());
    if let Channels::Positioned(positions) = channels {
        for lfe in [Position::LFE1, Position::LFE2] {
            if positions.contains(lfe) {
                let before = positions.bits() & (lfe.bits() - 1);
                layout = layout.with_lfe(before.count_ones() as usize);
            }
        }
    }
    layout
}

/// Of very many channels, those that the analysis takes.
fn keep_first_channels(samples: &mut Vec<f32>, n_channels: usize) {
    let n_samples = samples.len() / n_channels;
    for n in 0..n_samples {
        samples.copy_within(n * n_channels..n * n_channels + MAX_CHANNELS, n * MAX_CHANNELS);
    }
    samples.truncate(n_samples * MAX_CHANNELS);
}
