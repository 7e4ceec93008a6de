//! Headers of MPEG audio (mp1, mp2, mp3) and ADTS (AAC) frames, which stand in a stream one behind
//! the other.

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3,
};

/// Bytes that a header can be told from.
pub(super) const HEADER_BYTES: usize = 7;

/// Bit rates of MPEG audio in kbit/s by version, layer and index; 0 is the free rate, which nobody
/// writes.
const MPEG1_KBITS: [[usize; 15]; 3] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
];
const MPEG2_KBITS: [[usize; 15]; 2] = [
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const MPEG1_RATES_HZ: [u32; 3] = [44_100, 48_000, 32_000];
const AAC_RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Samples of a block of AAC.
const AAC_SAMPLES: u32 = 1024;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// MPEG audio of layer 1, 2 or 3.
    Mpeg {
        /// The layer.
        layer: u8,
        /// Whether it is MPEG-1, not one of the halved rates.
        is_first: bool,
    },
    /// AAC with a header of its own.
    Adts {
        /// Bytes of that header.
        header_bytes: usize,
    },
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) rate_hz: u32,
    /// Channels; 0 where ADTS leaves them to its payload.
    pub(super) n_channels: u8,
    /// The whole frame, bytes.
    pub(super) bytes: usize,
    /// Samples per channel that it decodes to.
    pub(super) samples: u32,
}

impl Header {
    /// The header that `bytes` begin with, if one does.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.get(..HEADER_BYTES)?.try_into().ok()?;
        match (bytes[0], bytes[1]) {
            (0xff, second) if second & 0xf6 == 0xf0 => Self::adts(bytes),
            (0xff, second) if second & 0xe0 == 0xe0 => Self::mpeg(bytes),
            _ => None,
        }
    }

    fn mpeg(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let halvings = match bytes[1] >> 3 & 3 {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let is_first = halvings == 0;
        let layer = 4 - (bytes[1] >> 1 & 3);
        let (bitrate, rate) = (usize::from(bytes[2] >> 4), usize::from(bytes[2] >> 2 & 3));
        let table = match (is_first, layer) {
            (_, 4) => return None,
            (true, layer) => &MPEG1_KBITS[usize::from(layer) - 1],
            (false, layer) => &MPEG2_KBITS[usize::from(layer > 1)],
        };
        let kbits = *table.get(bitrate).filter(|kbits| **kbits > 0)?;
        let rate_hz = MPEG1_RATES_HZ.get(rate)? >> halvings;
        let padding = usize::from(bytes[2] >> 1 & 1);
        let samples = match (layer, is_first) {
            (1, _) => 384,
            (3, false) => 576,
            _ => 1152,
        };
        // A slot is four bytes in layer 1, else one.
        let slot = if layer == 1 { 4 } else { 1 };
        let slots = samples as usize / 8 / slot * kbits * 1000 / rate_hz as usize + padding;
        let n_channels = if bytes[3] >> 6 == 3 { 1 } else { 2 };
        let kind = Kind::Mpeg { layer, is_first };
        Some(Self { kind, rate_hz, n_channels, bytes: slots * slot, samples })
    }

    fn adts(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let header_bytes = if bytes[1] & 1 == 1 { 7 } else { 9 };
        let rate_hz = *AAC_RATES_HZ.get(usize::from(bytes[2] >> 2 & 15))?;
        let n_channels = match (bytes[2] & 1) << 2 | bytes[3] >> 6 {
            7 => 8,
            n => n,
        };
        let length = usize::from(bytes[3] & 3) << 11
            | usize::from(bytes[4]) << 3
            | usize::from(bytes[5] >> 5);
        let samples = AAC_SAMPLES * (u32::from(bytes[6] & 3) + 1);
        let kind = Kind::Adts { header_bytes };
        (length > header_bytes).then_some(Self {
            kind,
            rate_hz,
            n_channels,
            bytes: length,
            samples,
        })
    }

    /// Whether both can stand in one stream whose sound does not change, or only from mono to
    /// stereo.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        self.kind == other.kind && self.rate_hz == other.rate_hz
    }

    /// Whether one decoder serves both.
    pub(super) fn decodes_as(&self, other: &Self) -> bool {
        self.goes_with(other) && self.n_channels == other.n_channels
    }

    /// Bytes of MPEG layer 3's side information, behind which encoders put what they know of the
    /// file.
    pub(super) fn side_bytes(&self) -> Option<usize> {
        match (self.kind, self.n_channels) {
            (Kind::Mpeg { layer: 3, is_first: true }, 1) => Some(17),
            (Kind::Mpeg { layer: 3, is_first: true }, _) => Some(32),
            (Kind::Mpeg { layer: 3, is_first: false }, 1) => Some(9),
            (Kind::Mpeg { layer: 3, is_first: false }, _) => Some(17),
            _ => None,
        }
    }

    /// What a decoder must know.
    pub(super) fn parameters(&self) -> AudioCodecParameters {
        let mut parameters = AudioCodecParameters::new();
        let codec = match self.kind {
            Kind::Mpeg { layer: 1, .. } => CODEC_ID_MP1,
            Kind::Mpeg { layer: 2, .. } => CODEC_ID_MP2,
            Kind::Mpeg { .. } => CODEC_ID_MP3,
            Kind::Adts { .. } => CODEC_ID_AAC,
        };
        parameters.for_codec(codec).with_sample_rate(self.rate_hz);
        let channels = match self.n_channels {
            0 => return parameters,
            1 => Channels::Positioned(Position::FRONT_LEFT),
            2 => Channels::Positioned(Position::FRONT_LEFT | Position::FRONT_RIGHT),
            n => Channels::Discrete(u16::from(n)),
        };
        parameters.with_channels(channels);
        parameters
    }
}

/// What the first frame of an mp3 says of the whole; it holds no sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// Frames behind it.
    pub(super) frames: Option<u32>,
    /// Samples that the encoder put in front.
    pub(super) delay_samples: u32,
    /// Samples that the encoder put behind.
    pub(super) padding_samples: u32,
}

/// What a decoder adds to an encoder's delay, samples.
const DECODER_DELAY_SAMPLES: u32 = 529;

impl Info {
    /// What `frame` says as a Xing, Info or VBRI header; `None` where it is a frame of sound.
    pub(super) fn of_frame(header: &Header, frame: &[u8]) -> Option<Self> {
        let at = 4 + header.side_bytes()?;
        let u32_at = |at: usize| {
            frame.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
        };
        if frame.get(36..40) == Some(b"VBRI") {
            return Some(Self { frames: u32_at(50), ..Self::default() });
        }
        if !matches!(frame.get(at..at + 4), Some(b"Xing" | b"Info")) {
            return None;
        }
        let flags = u32_at(at + 4)?;
        let frames = if flags & 1 != 0 { u32_at(at + 8) } else { None };
        let fields = [(1, 4), (2, 4), (4, 100), (8, 4)];
        let own: usize =
            fields.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, bytes)| bytes).sum();
        let lame = at + 8 + own;
        let is_lame = matches!(frame.get(lame..lame + 4), Some(b"LAME" | b"Lavf" | b"Lavc"));
        let trim = if is_lame { u32_at(lame + 20).map(|word| word & 0x00ff_ffff) } else { None };
        let (delay_samples, padding_samples) = trim.map_or((0, 0), |trim| {
            let padding = (trim & 0xfff).saturating_sub(DECODER_DELAY_SAMPLES);
            ((trim >> 12) + DECODER_DELAY_SAMPLES, padding)
        });
        Some(Self { frames, delay_samples, padding_samples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_how_long_their_frame_is() {
        // 128 kbit/s at 44.1 kHz without padding: 417 bytes, 1152 samples.
        let mp3 = Header::parse(&[0xff, 0xfb, 0x90, 0x00, 0, 0, 0]).unwrap();
        assert_eq!((mp3.bytes, mp3.samples, mp3.rate_hz, mp3.n_channels), (417, 1152, 44_100, 2));
        // MPEG-2 layer 3: 64 kbit/s at 22.05 kHz, mono, padded.
        let half = Header::parse(&[0xff, 0xf3, 0x82, 0xc0, 0, 0, 0]).unwrap();
        assert_eq!(
            (half.bytes, half.samples, half.rate_hz, half.n_channels),
            (209, 576, 22_050, 1)
        );
        // Layer 1: slots of four bytes.
        let mp1 = Header::parse(&[0xff, 0xff, 0xc0, 0x00, 0, 0, 0]).unwrap();
        assert_eq!((mp1.bytes, mp1.samples), (12 * 384_000 / 44_100 * 4, 384));
        let aac = Header::parse(&[0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfc]).unwrap();
        assert_eq!((aac.bytes, aac.samples, aac.rate_hz, aac.n_channels), (371, 1024, 44_100, 2));
        for nonsense in [[0xff, 0xfb, 0xf0, 0, 0, 0, 0], [0xff, 0xe9, 0x90, 0, 0, 0, 0], [0; 7]] {
            assert_eq!(Header::parse(&nonsense), None);
        }
    }
}
