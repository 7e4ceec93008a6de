//! Audio files to samples, block by block, so that a file of any length fits in memory. Symphonia does most of the decoding.
//!
//! Files are taken as they are, not as they should be: rate and channels are believed from what the decoder yields, and may change on
//! the way; links of a chain and songs behind one another are read to the last; where packets are lost, silence stands in their place,
//! so that later times are right; wrong headers of recordings are put right. What is still missing at the end is told by
//! [`AudioFile::outcome`]. A decoder that panics ends its file, and nothing else.

mod boxes;
mod codec;
mod container;
mod demux;
mod elementary;
mod frames;
mod guard;
mod input;
mod kinds;
mod outcome;
mod plain;
mod transport;

use std::path::Path;

use anyhow::{Context, bail};

use crate::analysis::downmix::Layout;
use codec::{Broken, Codec};
use container::{Container, Refusal};
use demux::{Demux, Step};
use elementary::Elementary;
use input::{Input, Spliced};
use plain::Plain;
use transport::Transport;

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
    no_codec: Option<String>,
    length: Length,
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

/// Who says how long a file is.
#[derive(Clone, Copy)]
enum Length {
    /// What takes it apart.
    ByPackets,
    /// The header of a recording of samples, seconds; none where it leaves that open.
    ByHeader(Option<f64>),
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
    /// Opens a file, a pipe, or, as `-`, standard input, up to its first block of sound. [`READABLE`] has what is read.
    ///
    /// # Errors
    /// Where it cannot be read, or is no audio that can be decoded; the words say which, and what to do.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        Self::start(Input::open(path)?, extension.unwrap_or_default())
    }

    /// Opens a file in memory; as if it came through a pipe where `once`. The ending of its name helps to tell what it is.
    ///
    /// # Errors
    /// As [`AudioFile::open`].
    pub fn of_bytes(bytes: Vec<u8>, extension: &str, once: bool) -> anyhow::Result<Self> {
        Self::start(Input::of_bytes(bytes, once), extension)
    }

    fn start(mut input: Input, extension: &str) -> anyhow::Result<Self> {
        let start = input.look(0, kinds::MAGIC_BYTES).context("cannot be read")?;
        let opened = guarded(|| demux(input, &start, extension));
        let (demux, length) = opened.unwrap_or_else(Self::panicked)?;
        Self::of_demux(demux, length)
    }

    /// A file that is already taken apart, up to its first block of sound.
    fn of_demux(demux: Box<dyn Demux>, length: Length) -> anyhow::Result<Self> {
        let silent = (0.0, Layout::MONO);
        let mut file = Self {
            demux,
            codec: None,
            no_codec: None,
            length,
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
            match file.no_codec {
                Some(why) => bail!(why),
                None => bail!("holds no sound that can be decoded{}", file.outcome.reason()),
            }
        }
        file.input = file.ahead_input;
        Ok(file)
    }

    fn panicked<T>(words: String) -> anyhow::Result<T> {
        bail!("its reader failed ({words}); please report this file")
    }

    /// Sample rate of the next block, Hz, and its channels.
    #[must_use]
    pub fn input(&self) -> (f64, Layout) {
        if self.silence_secs > 0.0 || self.ahead.is_empty() { self.input } else { self.ahead_input }
    }

    /// Length in seconds, as far as can be told before the end.
    #[must_use]
    pub fn total_secs(&self) -> Option<f64> {
        match self.length {
            Length::ByHeader(secs) => secs,
            Length::ByPackets => self.demux.length_secs(),
        }
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

    /// What has been read so far, and what is missing; final once [`AudioFile::next_block`] has answered `None`.
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
                        self.no_codec.get_or_insert(format!("{why:#}"));
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
        self.outcome.promised_secs = match self.length {
            Length::ByHeader(secs) => secs,
            Length::ByPackets => self.demux.promised_secs(),
        };
        // In a later link of a chain, that there is no decoder is a reason too.
        let no_codec = self.no_codec.clone().filter(|_| self.codec.is_none());
        self.outcome.broke_off = broke_off.or(no_codec);
        if self.demux.keeps_its_word() {
            // Some readers miss something at the end of a pipe although all of the sound has come.
            self.outcome.forgive();
        }
    }
}

/// What takes a file apart that begins with `start`, and who says how long it is.
fn demux(
    mut input: Input,
    start: &[u8],
    extension: &str,
) -> anyhow::Result<(Box<dyn Demux>, Length)> {
    if let Some(why) = kinds::refused(start) {
        bail!(why);
    }
    if let Some(mut plain) = Plain::find(&mut input)? {
        let (secs, is_elementary) = (plain.promised_secs, plain.is_elementary);
        let source = plain.source(input);
        if is_elementary {
            let found = Elementary::find(Box::new(source)).context("cannot be read")?;
            let found = found.context("is a WAVE file without the frames that it promises")?;
            return Ok((Box::new(found), Length::ByPackets));
        }
        let container = Container::open_recording(Box::new(source));
        let container = container.map_err(|why| anyhow::anyhow!("cannot be read: {why}"))?;
        return Ok((Box::new(container), Length::ByHeader(secs)));
    }
    if let Some(places) = Transport::find(&mut input).context("cannot be read")? {
        let found = Elementary::find(Box::new(Transport::new(input, places)));
        let found = found.context("cannot be read")?.context(
            "is an MPEG transport stream without MPEG audio or AAC, the sounds that are read from one; convert it, for example with ffmpeg -i IN OUT.flac",
        )?;
        return Ok((Box::new(found), Length::ByPackets));
    }
    let has_frames = !kinds::is_container(start) && elementary::begins(&mut input)?;
    let mended = boxes::mended_length(&mut input).context("cannot be read")?;
    let (is_cut_off, is_mp4) = (mended.is_some(), start.get(4..8) == Some(b"ftyp"));
    let mut source = Spliced::whole(input).patched(mended);
    if has_frames {
        let found = Elementary::find(Box::new(source)).context("cannot be read")?;
        return Ok((Box::new(found.context("holds no frame of sound")?), Length::ByPackets));
    }
    let is_pipe = source.len().is_none();
    if is_cut_off && start.starts_with(&boxes::EBML_ID) {
        // Its table of contents points behind its end.
        source = source.into_pipe();
    }
    match Container::open(Box::new(source), extension) {
        Err(_) if is_cut_off && is_mp4 => bail!(kinds::UNFINISHED_MP4),
        Ok(container) => Ok((Box::new(container.cut_off(is_cut_off)), Length::ByPackets)),
        Err(Refusal::Panicked(words)) => AudioFile::panicked(words),
        Err(Refusal::NoAudio) => bail!("has no audio track"),
        Err(why) if is_pipe && kinds::is_container(start) => bail!(
            "is of a kind that cannot be read from a pipe ({why}): what tells where its sound is may stand at its end; name the file itself"
        ),
        Err(why) => bail!(kinds::unknown(start, extension, &why.to_string())),
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

/// Decodes a whole file, for those that need it in memory. Where rate or channels change on the way, it ends there, and says so.
///
/// # Errors
/// As [`AudioFile::open`].
pub fn decode(path: &Path) -> anyhow::Result<Decoded> {
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
        let mut file = AudioFile::of_demux(demux, Length::ByPackets).unwrap();
        let mut blocks = 0;
        while file.next_block().is_some() {
            blocks += 1;
        }
        assert_eq!(blocks, 3, "what came before is read");
        let said = file.outcome().warning().unwrap();
        assert_eq!(said, "0.7 s of 1.0 s are missing (its reader failed: on purpose)");
        let none = AudioFile::of_demux(Box::new(Thoughtless { steps: 4 }), Length::ByPackets);
        let said = none.err().unwrap().to_string();
        assert_eq!(said, "holds no sound that can be decoded (its reader failed: on purpose)");
    }
}
