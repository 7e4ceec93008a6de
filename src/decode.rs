//! Audio files to samples, block by block, so that a file of any length fits in memory. Symphonia
//! does most of the decoding.
//!
//! Files are taken as they are, not as they should be: rate and channels are believed from what the
//! decoder yields, and may change on the way; links of a chain and songs behind one another are
//! read to the last; where packets are lost, silence stands in their place, so that later times are
//! right; wrong headers of recordings are put right. What is still missing at the end is told by
//! [`AudioFile::outcome`]. A decoder that panics ends its file, and nothing else.

mod beginnings;
mod boxes;
mod chain;
mod codec;
mod container;
mod demux;
mod elementary;
mod error;
mod following;
mod frames;
mod guard;
mod input;
mod kinds;
mod ogg;
mod opening;
mod outcome;
mod plain;
mod transport;

use std::path::Path;

use crate::analysis::downmix::Layout;
use chain::Chain;
use codec::{Broken, Codec};
use demux::{Demux, Step};
use input::Input;

pub use error::DecodeError;
pub use guard::guarded;
pub use kinds::{EXTENSIONS, READABLE};
pub use outcome::Outcome;

/// Silence that is handed out at a time, samples.
const SILENCE_SAMPLES: u64 = 4096;

/// An audio file being read.
pub struct AudioFile {
    demux: Box<dyn Demux>,
    codec: Option<Codec>,
    /// Why the stream cannot be decoded, where there is no codec.
    no_codec: Option<DecodeError>,
    /// The block decoded ahead, interleaved, with its rate in Hz and its channels.
    ahead: Vec<f32>,
    ahead_input: (f64, Layout),
    /// Seconds of silence that stand before it.
    silence_secs: f64,
    /// The block handed out, with its own.
    block: Vec<f32>,
    input: (f64, Layout),
    outcome: Outcome,
    is_ended: bool,
}

impl std::fmt::Debug for AudioFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioFile").finish_non_exhaustive()
    }
}

/// A piece of a file.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Sample rate, Hz. It may differ from the block's before.
    pub rate_hz: f64,
    /// Channels. They may differ from the block's before.
    pub layout: Layout,
    /// Interleaved samples.
    pub samples: &'a [f32],
}

impl Block<'_> {
    /// What [`crate::analyser::Analyser::change_input`] takes.
    #[must_use]
    pub fn input(&self) -> (f64, Layout) {
        (self.rate_hz, self.layout)
    }
}

impl AudioFile {
    /// Opens a file, a pipe, or, as `-`, standard input, up to its first block of sound.
    /// [`READABLE`] has what is read.
    ///
    /// # Errors
    /// [`DecodeError`] where it cannot be read, or is not audio that can be decoded; its words say
    /// which, and what to do.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        Self::start(Input::open(path)?, extension.unwrap_or_default())
    }

    /// Opens a file in memory; as if it came through a pipe where `once`. The ending of its name
    /// helps to tell what it is.
    ///
    /// # Errors
    /// As [`AudioFile::open`].
    pub fn of_bytes(bytes: Vec<u8>, extension: &str, once: bool) -> Result<Self, DecodeError> {
        Self::start(Input::of_bytes(bytes, once), extension)
    }

    fn start(input: Input, extension: &str) -> Result<Self, DecodeError> {
        Self::of_demux(Box::new(Chain::open(input, extension)?))
    }

    /// A file that is already taken apart, up to its first block of sound.
    fn of_demux(demux: Box<dyn Demux>) -> Result<Self, DecodeError> {
        let silent = (0.0, Layout::MONO);
        let mut file = Self {
            demux,
            codec: None,
            no_codec: None,
            ahead: Vec::new(),
            ahead_input: silent,
            silence_secs: 0.0,
            block: Vec::new(),
            input: silent,
            outcome: Outcome::default(),
            is_ended: false,
        };
        // What the first packets decode to is believed, not what the header says of them.
        file.read_ahead();
        if file.ahead.is_empty() {
            return Err(file.no_codec.unwrap_or_else(|| {
                let (reason, broken) = (file.outcome.reason(), file.outcome.broken());
                DecodeError::NotAudio(format!("holds no sound that can be decoded{reason}{broken}"))
            }));
        }
        file.input = file.ahead_input;
        Ok(file)
    }

    /// Sample rate of the next block, Hz, and its channels.
    #[must_use]
    pub fn input(&self) -> (f64, Layout) {
        if self.silence_secs > 0.0 || self.ahead.is_empty() { self.input } else { self.ahead_input }
    }

    /// Length in seconds, as far as can be told before the end.
    #[must_use]
    pub fn total_secs(&self) -> Option<f64> {
        self.demux.length_secs()
    }

    /// The next block; `None` at the end.
    ///
    /// Where packets are lost or cannot be decoded, silence comes in their place.
    pub fn next_block(&mut self) -> Option<Block<'_>> {
        if self.ahead.is_empty() {
            self.read_ahead();
        }
        if self.ahead.is_empty() {
            return None;
        }
        if self.silence_secs > 0.0 && self.next_silence() {
            return Some(self.current());
        }
        std::mem::swap(&mut self.ahead, &mut self.block);
        self.ahead.clear();
        self.input = self.ahead_input;
        let n_samples = self.block.len() / self.input.1.n_channels();
        self.outcome.read_secs += n_samples as f64 / self.input.0;
        Some(self.current())
    }

    fn current(&self) -> Block<'_> {
        let (rate_hz, layout) = self.input;
        Block { rate_hz, layout, samples: &self.block }
    }

    /// Makes the next block one of silence; `false` where too little is left for a sample.
    fn next_silence(&mut self) -> bool {
        let (rate_hz, layout) = self.input;
        let due = (self.silence_secs * rate_hz).round() as u64;
        let now = due.min(SILENCE_SAMPLES);
        self.silence_secs = if due > now { self.silence_secs - now as f64 / rate_hz } else { 0.0 };
        self.block.clear();
        self.block.resize(now as usize * layout.n_channels(), 0.0);
        now > 0
    }

    /// What has been read so far, and what is missing; final once [`AudioFile::next_block`] has
    /// answered `None`.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Decodes the next block into `ahead`; leaves it empty at the end.
    fn read_ahead(&mut self) {
        while self.ahead.is_empty() && !self.is_ended {
            let step = guarded(|| self.demux.next());
            match step {
                Ok(Step::Packet { packet, gap_secs, dur_secs }) => {
                    self.leave_out(gap_secs);
                    if let Err(why) = guarded(|| self.decode(&packet, dur_secs)) {
                        self.ahead.clear();
                        self.end(Some(format!("its decoder failed: {why}")));
                    }
                }
                Ok(Step::NewStream(parameters)) => match guarded(|| Codec::new(&parameters)) {
                    Ok(Ok(codec)) => self.codec = Some(codec),
                    Ok(Err(why)) => {
                        self.codec = None;
                        self.no_codec.get_or_insert(why);
                    }
                    Err(why) => self.end(Some(format!("its decoder failed: {why}"))),
                },
                Ok(Step::End { broke_off }) => self.end(broke_off),
                Err(why) => self.end(Some(format!("its reader failed: {why}"))),
            }
        }
    }

    fn decode(&mut self, packet: &symphonia::core::packet::Packet, dur_secs: f64) {
        let Some(codec) = &mut self.codec else {
            self.leave_out(dur_secs);
            return;
        };
        match codec.decode(packet, &mut self.ahead) {
            Ok(input) => self.ahead_input = input,
            Err(Broken::Packet) => {
                self.ahead.clear();
                self.outcome.broken_packets += 1;
                self.leave_out(dur_secs);
            }
            Err(Broken::Decoder(why)) => self.end(Some(why)),
        }
    }

    /// Puts silence before what comes next.
    fn leave_out(&mut self, secs: f64) {
        if secs > 0.0 {
            self.silence_secs += secs;
            self.outcome.lost_secs += secs;
            if let Some(codec) = &mut self.codec {
                codec.reset();
            }
        }
    }

    fn end(&mut self, broke_off: Option<String>) {
        self.is_ended = true;
        self.outcome.promised_secs = self.demux.promised_secs();
        self.outcome.lost_secs += self.demux.lost_at_end_secs();
        // In a later link of a chain, that there is no decoder is a reason too.
        let no_codec = self.no_codec.as_ref().filter(|_| self.codec.is_none());
        self.outcome.broke_off = broke_off.or_else(|| no_codec.map(ToString::to_string));
        if self.demux.keeps_its_word() {
            // Some readers miss something at the end of a pipe although all of the sound has come.
            self.outcome.forgive();
        }
    }
}

/// A whole file in memory.
pub struct Decoded {
    /// Sample rate, Hz.
    pub rate_hz: f64,
    /// Samples of each channel.
    pub channels: Vec<Vec<f32>>,
    /// What of the file is not here, in words for a warning; `None` where all is.
    pub missing: Option<String>,
}

/// Decodes a whole file, for those that need it in memory. Where rate or channels change on the
/// way, it ends there, and says so.
///
/// # Errors
/// As [`AudioFile::open`].
pub fn decode(path: &Path) -> Result<Decoded, DecodeError> {
    let mut file = AudioFile::open(path)?;
    let (rate_hz, layout) = file.input();
    let n_channels = layout.n_channels();
    let mut channels = vec![Vec::new(); n_channels];
    let mut changes = false;
    while let Some(block) = file.next_block() {
        if block.input() != (rate_hz, layout) {
            changes = true;
            break;
        }
        for (c, channel) in channels.iter_mut().enumerate() {
            channel.extend(block.samples.iter().skip(c).step_by(n_channels));
        }
    }
    let missing = if changes {
        let secs = channels[0].len() as f64 / rate_hz;
        Some(format!("its rate or its channels change after {secs:.1} s; what follows is left out"))
    } else {
        file.outcome().warning()
    };
    Ok(Decoded { rate_hz, channels, missing })
}

#[cfg(test)]
mod tests {
    use symphonia::core::audio::{Channels, Position};
    use symphonia::core::codecs::audio::AudioCodecParameters;
    use symphonia::core::codecs::audio::well_known::CODEC_ID_PCM_S16LE;
    use symphonia::core::packet::Packet;
    use symphonia::core::units::{Duration, Timestamp};

    use super::*;

    /// A reader whose author did not think of the fourth packet.
    struct Thoughtless {
        steps: usize,
    }

    impl Demux for Thoughtless {
        fn next(&mut self) -> Step {
            self.steps += 1;
            assert!(self.steps < 5, "on purpose");
            if self.steps == 1 {
                let mut parameters = AudioCodecParameters::new();
                parameters
                    .for_codec(CODEC_ID_PCM_S16LE)
                    .with_sample_rate(8000)
                    .with_bits_per_sample(16)
                    .with_max_frames_per_packet(800)
                    .with_channels(Channels::Positioned(Position::FRONT_LEFT));
                return Step::NewStream(Box::new(parameters));
            }
            let packet = Packet::new(0, Timestamp::ZERO, Duration::new(800), vec![7; 1600]);
            Step::Packet { packet, gap_secs: 0.0, dur_secs: 0.1 }
        }

        fn promised_secs(&self) -> Option<f64> {
            Some(1.0)
        }
    }

    #[test]
    fn a_reader_that_panics_ends_its_file_and_nothing_else() {
        let demux = Box::new(Thoughtless { steps: 0 });
        let mut file = AudioFile::of_demux(demux).unwrap();
        let mut blocks = 0;
        while file.next_block().is_some() {
            blocks += 1;
        }
        assert_eq!(blocks, 3, "what came before is read");
        let said = file.outcome().warning().unwrap();
        assert_eq!(said, "0.7 s of 1.0 s are missing (its reader failed: on purpose)");
        let none = AudioFile::of_demux(Box::new(Thoughtless { steps: 4 }));
        let said = none.err().unwrap().to_string();
        assert_eq!(said, "holds no sound that can be decoded (its reader failed: on purpose)");
    }
}
