//! Files in a container that Symphonia takes apart: flac, ogg, m4a, mkv, caf, and samples behind a correct header.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::FORMAT_ID_OGG;
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use super::codec;
use super::demux::{Demux, Step};
use super::elementary::MAX_GAP_SECS;
use super::guard::guarded;

/// Broken places in a row after which a container is taken to have ended.
const MAX_BROKEN: usize = 64;

/// A jump of the container's clock that is still no hole: a part of a packet, seconds. Clocks in milliseconds are coarser than samples.
const JUMP_SLACK: f64 = 0.5;
const JUMP_SLACK_SECS: f64 = 0.01;

/// What to say where a file just ends.
const CUT_OFF: &str = "it ends in the middle";

/// The packets of one track of a container.
pub(super) struct Container {
    format: Box<dyn FormatReader>,
    track_id: u32,
    time_base: Option<TimeBase>,
    /// Timestamp at which the next packet is due.
    due: Option<Timestamp>,
    /// Seconds that the links before this one promised.
    before_secs: Option<f64>,
    /// Seconds that this link promises.
    link_secs: Option<f64>,
    /// Seconds handed out of this link.
    handed_secs: f64,
    /// Whether it may end anywhere: a recording's samples do where its bytes do.
    ends_anywhere: bool,
    /// Whether it is known that the end is missing.
    is_cut_off: bool,
    /// The parameters of a stream that has just begun.
    new: Option<Box<AudioCodecParameters>>,
}

impl Container {
    /// Opens a recording, whose samples end where its bytes do.
    ///
    /// # Errors
    /// As [`Container::open`].
    pub(super) fn open_recording(source: Box<dyn MediaSource>) -> Result<Self, Refusal> {
        Ok(Self { ends_anywhere: true, ..Self::open(source, "")? })
    }

    /// Opens what `source` holds.
    ///
    /// # Errors
    /// As the container's reader, or where there is no audio in it.
    pub(super) fn open(source: Box<dyn MediaSource>, extension: &str) -> Result<Self, Refusal> {
        let mut hint = Hint::new();
        hint.with_extension(extension);
        let stream = MediaSourceStream::new(source, Default::default());
        let probed = guarded(|| {
            symphonia::default::get_probe().probe(
                &hint,
                stream,
                Default::default(),
                Default::default(),
            )
        });
        let format = probed.map_err(Refusal::Panicked)?.map_err(Refusal::Unreadable)?;
        let mut container = Self {
            format,
            track_id: 0,
            time_base: None,
            due: None,
            before_secs: Some(0.0),
            link_secs: None,
            handed_secs: 0.0,
            ends_anywhere: false,
            is_cut_off: false,
            new: None,
        };
        container.choose_track()?;
        Ok(container)
    }

    /// The same file, of which it is known whether its end is missing.
    pub(super) fn cut_off(self, is_cut_off: bool) -> Self {
        Self { is_cut_off, ..self }
    }

    /// Goes on with the first audio track that can be decoded.
    fn choose_track(&mut self) -> Result<(), Refusal> {
        let tracks = self.format.tracks();
        let default = self.format.default_track(TrackType::Audio).map(|track| track.id);
        let mut audio: Vec<(&Track, &AudioCodecParameters)> =
            tracks.iter().filter_map(|track| Some((track, audio_of(track)?))).collect();
        audio.sort_by_key(|(track, _)| Some(track.id) != default);
        let (track, parameters) = audio
            .iter()
            .find(|(_, parameters)| codec::can_decode(parameters))
            .or(audio.first())
            .ok_or(Refusal::NoAudio)?;
        self.track_id = track.id;
        self.time_base = track.time_base;
        self.due = None;
        self.handed_secs = 0.0;
        let secs = |base: TimeBase, n: u64| {
            base.calc_duration(Duration::new(n)).map(|time| time.as_secs_f64())
        };
        let frames = track.num_frames.zip(parameters.sample_rate);
        let by_frames = frames.map(|(frames, rate)| frames as f64 / f64::from(rate.max(1)));
        let by_track = track.time_base.zip(track.duration);
        let by_track = by_track.and_then(|(base, ticks)| secs(base, ticks.get()));
        // The length of a file with other tracks than this one may be theirs.
        let media = self.format.media_info();
        let by_media = media.time_base.zip(media.duration).filter(|_| tracks.len() == 1);
        let by_media = by_media.and_then(|(base, ticks)| secs(base, ticks.get()));
        let known = by_track.or(by_frames).or(by_media);
        self.link_secs = known.filter(|secs| secs.is_finite() && *secs > 0.0);
        self.new = Some(Box::new((*parameters).clone()));
        Ok(())
    }

    /// A packet of the track, with what is missing before it.
    fn packet(&mut self, packet: Packet) -> Step {
        let secs = |base: &TimeBase, ticks: Duration| {
            base.calc_duration(ticks).map_or(0.0, |time| time.as_secs_f64())
        };
        let whole = packet.block_dur();
        let (mut gap_secs, mut dur_secs) = (0.0, 0.0);
        if let Some(base) = &self.time_base {
            dur_secs = secs(base, whole);
            let jump = self.due.and_then(|due| packet.pts.duration_from(due));
            let jump_secs = jump.map_or(0.0, |jump| secs(base, jump));
            let least = (JUMP_SLACK * dur_secs).max(JUMP_SLACK_SECS);
            if whole > Duration::ZERO && jump_secs >= least && jump_secs < MAX_GAP_SECS {
                gap_secs = jump_secs;
            }
        }
        self.due = (whole > Duration::ZERO).then(|| packet.pts.saturating_add(whole));
        self.handed_secs += gap_secs + dur_secs;
        Step::Packet { packet, gap_secs, dur_secs }
    }

    /// What a reader's error means; `None` where it may go on.
    fn end(&mut self, why: Error, broken: &mut usize) -> Option<Step> {
        match why {
            Error::ResetRequired => {
                let promised = self.promised_secs();
                self.before_secs = promised.or_else(|| Some(self.before_secs? + self.handed_secs));
                self.choose_track().err().map(|why| Step::End { broke_off: Some(why.to_string()) })
            }
            Error::DecodeError(_) if *broken < MAX_BROKEN => {
                *broken += 1;
                None
            }
            Error::IoError(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => {
                let early = (!self.ends_anywhere).then(|| CUT_OFF.to_owned());
                Some(Step::End { broke_off: early })
            }
            why => Some(Step::End { broke_off: Some(why.to_string()) }),
        }
    }
}

impl Demux for Container {
    fn next(&mut self) -> Step {
        let mut broken = 0;
        loop {
            if let Some(parameters) = self.new.take() {
                return Step::NewStream(parameters);
            }
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track_id => return self.packet(packet),
                Ok(Some(_)) => {}
                Ok(None) => {
                    return Step::End { broke_off: self.is_cut_off.then(|| CUT_OFF.to_owned()) };
                }
                Err(why) => {
                    if let Some(end) = self.end(why, &mut broken) {
                        return end;
                    }
                }
            }
        }
    }

    fn promised_secs(&self) -> Option<f64> {
        Some(self.before_secs? + self.link_secs?)
    }

    fn keeps_its_word(&self) -> bool {
        // An ogg file's length is that of its last page.
        self.format.format_info().format != FORMAT_ID_OGG
    }
}

/// The parameters of an audio track of a known kind.
fn audio_of(track: &Track) -> Option<&AudioCodecParameters> {
    track.codec_params.as_ref()?.audio()
}

/// Why a container cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No reader knows it, or the one that does gives up.
    #[error("{0}")]
    Unreadable(Error),
    /// Its reader panicked.
    #[error("its reader failed ({0})")]
    Panicked(String),
    /// There is no audio track.
    #[error("it has no audio track")]
    NoAudio,
}
