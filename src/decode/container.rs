//! Files in a container that Symphonia takes apart: flac, ogg, m4a, mkv, caf, and samples behind a
//! correct header.

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
use super::ogg::{Loss, Losses};

/// Broken places in a row after which a container is taken to have ended.
const MAX_BROKEN: usize = 64;

/// A jump of the container's clock that is still no hole: a part of a packet, seconds. Clocks in
/// milliseconds are coarser than samples.
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
    /// Of ogg: what is damaged in its pages.
    pages: Option<Losses>,
    /// Links before this one.
    link: usize,
    /// Seconds that are missing before the next packet, beside what its timestamp shows.
    carried_secs: f64,
    /// The first reason why something is missing of which nobody knows how much.
    damage: Option<&'static str>,
    /// Of ogg that can be sought in: the serial number of its last page, and when that ends.
    end: Option<(u32, u64)>,
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
            pages: None,
            link: 0,
            carried_secs: 0.0,
            damage: None,
            end: None,
        };
        container.choose_track()?;
        Ok(container)
    }

    /// The same file, of which it is known whether its end is missing.
    pub(super) fn cut_off(self, is_cut_off: bool) -> Self {
        Self { is_cut_off, ..self }
    }

    /// The same file in pages of ogg, with what is damaged in them, and where it ends.
    pub(super) fn in_pages(self, losses: Losses, end: Option<(u32, u64)>) -> Self {
        Self { pages: Some(losses), end, ..self }
    }

    /// What is lost in this link's pages that timestamps do not show.
    fn page_loss(&self) -> Loss {
        self.pages.as_ref().map_or_else(Loss::default, |pages| pages.of(self.link, self.track_id))
    }

    /// Seconds of so many ticks of the track's clock.
    fn secs_of(&self, ticks: u64) -> f64 {
        let time = self.time_base.and_then(|base| base.calc_duration(Duration::new(ticks)));
        time.map_or(0.0, |time| time.as_secs_f64())
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
            let due = self.due.or_else(|| {
                (self.page_loss().at_start && self.handed_secs == 0.0).then_some(Timestamp::ZERO)
            });
            let jump = due.and_then(|due| packet.pts.duration_from(due));
            let jump_secs = jump.map_or(0.0, |jump| secs(base, jump));
            let least = (JUMP_SLACK * dur_secs).max(JUMP_SLACK_SECS);
            if whole > Duration::ZERO && jump_secs >= least && jump_secs < MAX_GAP_SECS {
                gap_secs = jump_secs;
            }
        }
        self.due = (whole > Duration::ZERO).then(|| packet.pts.saturating_add(whole));
        self.handed_secs += gap_secs + dur_secs;
        gap_secs += std::mem::take(&mut self.carried_secs);
        Step::Packet { packet, gap_secs, dur_secs }
    }

    /// What a reader's error means; `None` where it may go on.
    fn end(&mut self, why: Error, broken: &mut usize) -> Option<Step> {
        match why {
            Error::ResetRequired => {
                let loss = self.page_loss();
                self.carried_secs += self.secs_of(loss.end_ticks);
                if loss.is_unknown {
                    self.damage = Some("pages of ogg are damaged");
                }
                self.link += 1;
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
                    let damage = self.damage.or(self.is_cut_off.then_some(CUT_OFF));
                    return Step::End { broke_off: damage.map(str::to_owned) };
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

    fn length_secs(&self) -> Option<f64> {
        let end = self.end.filter(|(serial, _)| *serial == self.track_id);
        self.promised_secs().or(end.map(|(_, ticks)| self.secs_of(ticks)))
    }

    fn lost_at_end_secs(&self) -> f64 {
        self.carried_secs + self.secs_of(self.page_loss().end_ticks)
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
