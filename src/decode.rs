//! Audio files to samples, block by block, so that a file of any length fits in memory. Symphonia does the decoding.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;

use crate::analysis::downmix::Layout;

/// An audio file being read.
pub struct AudioFile {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    /// Sample rate, Hz.
    pub rate_hz: f64,
    /// Channels.
    pub n_channels: usize,
    /// Length in samples per channel, where the file says.
    pub total_samples: Option<u64>,
    /// Packets that could not be decoded so far, and left a gap.
    pub broken_packets: usize,
    /// The block decoded ahead, interleaved; empty where none is.
    ahead: Vec<f32>,
    /// The block handed out.
    block: Vec<f32>,
}

impl AudioFile {
    /// Opens a wav, flac, mp3, ogg/vorbis, aac/m4a (or aiff, caf, mkv) file.
    ///
    /// # Errors
    /// Where the file cannot be read, or is no audio that can be decoded; the words say which.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let not_audio = "not audio that can be decoded (wav, flac, mp3, ogg/vorbis, aac/m4a)";
        let file = File::open(path).context("cannot be opened")?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            bail!("is a folder; name the files in it");
        }
        if file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            bail!("is empty");
        }
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let format = symphonia::default::get_probe()
            .probe(&hint, stream, Default::default(), Default::default())
            .context(not_audio)?;
        let track = format.default_track(TrackType::Audio).context("it has no audio track")?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .context("its audio track is of an unknown kind")?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .context(not_audio)?;
        let (track_id, total_samples) = (track.id, track.num_frames);
        let mut file = Self {
            rate_hz: f64::from(parameters.sample_rate.unwrap_or(0)),
            n_channels: parameters.channels.as_ref().map_or(0, |channels| channels.count()),
            format,
            decoder,
            track_id,
            total_samples,
            broken_packets: 0,
            ahead: Vec::new(),
            block: Vec::new(),
        };
        // Some formats name rate and channels only in their first packet.
        if file.rate_hz == 0.0 || file.n_channels == 0 {
            file.read_block().context(not_audio)?;
        }
        Ok(file)
    }

    /// The next block of interleaved samples, of [`AudioFile::n_channels`] channels; `None` at the end.
    ///
    /// A packet that cannot be decoded is skipped and counted; a file that breaks off ends there.
    pub fn next_block(&mut self) -> Option<&[f32]> {
        if self.ahead.is_empty() {
            self.read_block();
        }
        if self.ahead.is_empty() {
            return None;
        }
        std::mem::swap(&mut self.ahead, &mut self.block);
        self.ahead.clear();
        Some(&self.block)
    }

    /// Its channels, as the analysis takes them.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::of(self.n_channels)
    }

    /// Decodes the next block into `ahead`; leaves it empty at the end.
    fn read_block(&mut self) -> Option<()> {
        loop {
            // A stream that breaks off, or turns into another one, ends where it breaks.
            let packet = self.format.next_packet().ok()??;
            if packet.track_id != self.track_id {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(block) => {
                    let (rate, channels) = (block.spec().rate(), block.spec().channels().count());
                    if block.is_empty() || channels == 0 {
                        continue;
                    }
                    let same = (f64::from(rate), channels) == (self.rate_hz, self.n_channels);
                    let unknown = self.rate_hz == 0.0 || self.n_channels == 0;
                    if unknown {
                        (self.rate_hz, self.n_channels) = (f64::from(rate), channels);
                    } else if !same {
                        self.broken_packets += 1;
                        continue;
                    }
                    block.copy_to_vec_interleaved(&mut self.ahead);
                    return Some(());
                }
                Err(Error::DecodeError(_)) => self.broken_packets += 1,
                Err(_) => return None,
            }
        }
    }
}

/// A whole file in memory.
pub struct Decoded {
    /// Sample rate, Hz.
    pub rate_hz: f64,
    /// Samples of each channel.
    pub channels: Vec<Vec<f32>>,
}

/// Decodes a whole file; for those that need it in memory.
///
/// # Errors
/// As [`AudioFile::open`], and where not one sample could be decoded.
pub fn decode(path: &Path) -> anyhow::Result<Decoded> {
    let mut file = AudioFile::open(path)?;
    let n_channels = file.n_channels;
    let mut channels = vec![Vec::new(); n_channels];
    while let Some(block) = file.next_block() {
        for (c, channel) in channels.iter_mut().enumerate() {
            channel.extend(block.iter().skip(c).step_by(n_channels));
        }
    }
    if channels.iter().all(Vec::is_empty) {
        bail!("holds no sound that can be decoded");
    }
    Ok(Decoded { rate_hz: file.rate_hz, channels })
}
