//! Samples in, [`Reading`]s out: the library's front door.

use std::sync::Arc;

use crate::analysis::beat::in_octave_of;
use crate::analysis::downmix::{Layout, MAX_CHANNELS};
use crate::analysis::frame::{Frame, FrameExtractor};
use crate::analysis::resample::RateError;
use crate::analysis::window::{Coverage, FeatureWindow, NetworkInput};
use crate::config::{
    ANALYSIS_RATE_HZ, FIRST_READING_SECS, FRAMES_PER_READING, FRAMES_PER_STEP, HOP_SAMPLES,
    RECENT_STEPS,
};
use crate::model::session::Session;
use crate::model::{Model, ModelError};
use crate::reading::{MAX_SPACES, Phase, Reading, Recent};
use crate::units::{samples_to_secs, secs_to_samples};
use crate::why::Why;

/// Frames by which the grid of readings is off a multiple of [`FRAMES_PER_READING`]: one step, so
/// that a reading falls on the very frame that ends the first ten seconds of a stream.
const GRID_OFFSET_FRAMES: u64 = FRAMES_PER_STEP as u64;

/// Values that planar samples are interleaved in at a time: 64 samples of the most channels.
const PLANAR_VALUES: usize = 64 * MAX_CHANNELS;

/// Why no readings can be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyserError {
    /// The host's rate is out of range.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The model is not usable.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Follows one stream of music and reads its mood.
///
/// A reading comes every 186 ms of music, from the first second on. Each depends on the last 10 s
/// of audio, on neither chunking nor wall-clock time, so the same music gives the same readings
/// live, bounced and on the command line. Of what was before, only this is asked: which channels
/// agreed in the last two seconds that told, and how much stronger than the music a constant or
/// rumble was.
///
/// Latency: a reading made of music up to `time_secs` is handed out as soon as the sample at
/// `time_secs` is in, plus at most 2.9 ms in the resampler. The newest 348 ms serve the medians as
/// their future and weigh in fully only later.
pub struct Analyser {
    layout: Layout,
    extractor: FrameExtractor,
    reader: Reader,
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyser").finish_non_exhaustive()
    }
}

/// What turns frames into readings.
struct Reader {
    window: FeatureWindow,
    session: Session,
    input: NetworkInput,
    /// The last shares, at which the meter rests in silence.
    shares: [f32; MAX_SPACES],
    /// End of the window that `input` holds, seconds, and the shares that answer it; `None` where
    /// the last reading had none.
    answered: Option<(f64, [f32; MAX_SPACES])>,
    /// Tempo of the host's beat grid, BPM; `None` where it tells none.
    grid_bpm: Option<f64>,
    /// Whether readings tell the newest seconds alone.
    follows_recent: bool,
    /// Readings closer than this to the last one are left out; 0 for all.
    interval_samples: u64,
    /// Audio of the last reading, and of the last complete step, analysis-rate samples.
    read_samples: Option<u64>,
    step_samples: u64,
    /// Whether the last complete step has been read.
    step_is_read: bool,
}

impl Analyser {
    /// An analyser of music at `host_rate_hz` in the channels of `layout`.
    ///
    /// # Errors
    /// [`AnalyserError`] where the rate is out of range or the model fails its first run.
    pub fn new(
        host_rate_hz: f64,
        layout: Layout,
        model: &Arc<Model>,
    ) -> Result<Self, AnalyserError> {
        let mut session = Session::new(model)?;
        let input = NetworkInput::default();
        // A first run now, so that what can fail fails here, and everything that grows has grown.
        session.run(&input)?;
        let reader = Reader {
            window: FeatureWindow::new(),
            session,
            input,
            shares: [0.0; MAX_SPACES],
            answered: None,
            grid_bpm: None,
            follows_recent: false,
            interval_samples: 0,
            read_samples: None,
            step_samples: 0,
            step_is_read: true,
        };
        Ok(Self { layout, extractor: FrameExtractor::new(host_rate_hz, layout)?, reader })
    }

    /// Leaves out readings until `secs` after the last one, for those who need fewer; 0 for all.
    pub fn set_interval_secs(&mut self, secs: f64) {
        self.reader.interval_samples = secs_to_samples(secs, f64::from(ANALYSIS_RATE_HZ));
    }

    /// Says whether readings from now on tell the mood of the newest four seconds, too, which costs
    /// a second inference each. Off at the start.
    pub fn follow_recent(&mut self, follows: bool) {
        self.reader.follows_recent = follows;
    }

    /// Sets the mean power under which music counts as silence, dB re full scale;
    /// [`config::SILENCE_DB`](crate::config::SILENCE_DB) until then.
    pub fn set_gate_db(&mut self, gate_db: f32) {
        self.reader.window.set_gate_db(gate_db);
    }

    /// Says how fast the beat grid is to which the music may be aligned, BPM: readings from now on
    /// show their tempo in its octave. `None`, as at the start, where there is no grid.
    pub fn set_grid_bpm(&mut self, bpm: Option<f64>) {
        self.reader.grid_bpm = bpm;
    }

    /// Takes the next interleaved samples and hands each reading that they complete to
    /// `on_reading`.
    ///
    /// # Errors
    /// [`ModelError`] where the network fails; the samples are taken all the same.
    pub fn push(
        &mut self,
        interleaved: &[f32],
        mut on_reading: impl FnMut(&Reading),
    ) -> Result<(), ModelError> {
        let (extractor, reader) = (&mut self.extractor, &mut self.reader);
        let mut outcome = Ok(());
        extractor.push(interleaved, |frame| {
            let read = reader.push(frame, &mut on_reading);
            if outcome.is_ok() {
                outcome = read;
            }
        });
        outcome
    }

    /// As [`push`](Self::push), of samples that lie channel by channel.
    ///
    /// * `channels` — one slice per channel of the layout, of equal length. What goes beyond the
    ///   shortest is left out; a channel that is missing is silent, one too many is not heard.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_planar(
        &mut self,
        channels: &[&[f32]],
        mut on_reading: impl FnMut(&Reading),
    ) -> Result<(), ModelError> {
        let n_channels = self.layout.n_channels();
        let channels = &channels[..channels.len().min(n_channels)];
        let n_samples = channels.iter().map(|channel| channel.len()).min().unwrap_or(0);
        // On the stack, so that nothing grows with the host's block.
        let mut interleaved = [0.0; PLANAR_VALUES];
        let mut outcome = Ok(());
        for begin in (0..n_samples).step_by(PLANAR_VALUES / n_channels) {
            let end = n_samples.min(begin + PLANAR_VALUES / n_channels);
            let part = &mut interleaved[..(end - begin) * n_channels];
            for (c, channel) in channels.iter().enumerate() {
                let samples = part[c..].iter_mut().step_by(n_channels);
                samples.zip(&channel[begin..end]).for_each(|(to, x)| *to = *x);
            }
            let pushed = self.push(part, &mut on_reading);
            outcome = outcome.and(pushed);
        }
        outcome
    }

    /// Goes on with samples at another rate, or in other channels: a stream that changes on its
    /// way. Allocates.
    ///
    /// # Errors
    /// [`AnalyserError`] where the rate is out of range, and everything is as before, or the
    /// network fails.
    pub fn change_input(
        &mut self,
        host_rate_hz: f64,
        layout: Layout,
        mut on_reading: impl FnMut(&Reading),
    ) -> Result<(), AnalyserError> {
        let (extractor, reader) = (&mut self.extractor, &mut self.reader);
        let mut outcome = Ok(());
        extractor.change_input(host_rate_hz, layout, |frame| {
            let read = reader.push(frame, &mut on_reading);
            if outcome.is_ok() {
                outcome = read;
            }
        })?;
        self.layout = layout;
        Ok(outcome?)
    }

    /// Ends the stream: a last reading of what was heard since the last one. Resets, except that
    /// [`Analyser::why`] still explains the last reading.
    ///
    /// The last 0.35 s, which the medians still hold as the future of frames before them, are left
    /// out: to hand them out would take a future that was never played, and a reading of a song's
    /// end would differ from that of the same moment in the middle of a set. `features`, which
    /// writes whole spectrograms, has [`FrameExtractor::finish`].
    ///
    /// # Errors
    /// As [`Analyser::push`].
    pub fn finish(&mut self, mut on_reading: impl FnMut(&Reading)) -> Result<(), ModelError> {
        let last = self.reader.read_last(&mut on_reading);
        let answered = self.reader.answered;
        self.reset();
        self.reader.answered = answered;
        last
    }

    /// What pushed the last reading; `None` before any, and where the last had no shares. Costs an
    /// inference per group, and moves no reading.
    ///
    /// # Errors
    /// [`ModelError`] where the network fails without one of the groups.
    ///
    /// # Real-time safety
    /// Neither allocates nor locks, but on an error.
    pub fn why(&mut self) -> Result<Option<Why>, ModelError> {
        let reader = &mut self.reader;
        let Some((time_secs, shares)) = reader.answered else { return Ok(None) };
        let pushes = reader.session.pushes(&reader.input, &shares)?;
        let n_spaces = reader.session.model().card().spaces.len();
        Ok(Some(Why { time_secs, n_spaces, pushes }))
    }

    /// Forgets all music; as new, in the same buffers.
    pub fn reset(&mut self) {
        self.extractor.reset();
        let reader = &mut self.reader;
        reader.window.reset();
        reader.shares = [0.0; MAX_SPACES];
        reader.answered = None;
        reader.read_samples = None;
        reader.step_samples = 0;
        reader.step_is_read = true;
    }
}

impl Reader {
    fn push(
        &mut self,
        frame: &Frame,
        on_reading: &mut dyn FnMut(&Reading),
    ) -> Result<(), ModelError> {
        if self.window.push(&frame.features) {
            self.step_samples = frame.heard_samples;
            self.step_is_read = false;
        }
        if self.is_due(frame) { self.read(on_reading) } else { Ok(()) }
    }

    /// Readings fall on a fixed grid of frames, on which the first 10 s of a stream end with one.
    fn is_due(&self, frame: &Frame) -> bool {
        let on_grid = (frame.index + 1) % FRAMES_PER_READING as u64 == GRID_OFFSET_FRAMES
            && self.heard_enough();
        // A reading may come half a grid step early, so that every second means every second on
        // average.
        let half_step = (FRAMES_PER_READING / 2 * HOP_SAMPLES) as u64;
        let waited = |read: u64| frame.heard_samples + half_step >= read + self.interval_samples;
        on_grid && self.read_samples.is_none_or(waited)
    }

    fn heard_enough(&self) -> bool {
        self.step_samples >= secs_to_samples(FIRST_READING_SECS, f64::from(ANALYSIS_RATE_HZ))
    }

    fn read_last(&mut self, on_reading: &mut dyn FnMut(&Reading)) -> Result<(), ModelError> {
        if self.step_is_read || !self.heard_enough() { Ok(()) } else { self.read(on_reading) }
    }

    fn read(&mut self, on_reading: &mut dyn FnMut(&Reading)) -> Result<(), ModelError> {
        self.read_samples = Some(self.step_samples);
        self.step_is_read = true;
        let coverage = self.window.coverage();
        let summary = self.window.summary(coverage);
        let phase = phase(coverage);
        let time_secs = samples_to_secs(self.step_samples, f64::from(ANALYSIS_RATE_HZ));
        self.answered = None;
        let mut recent = None;
        if phase.has_shares() {
            // First, for the input of the whole window is kept for `why`.
            recent = self.read_recent(coverage)?;
            self.window.write(coverage, &summary, &mut self.input);
            self.shares = self.session.run(&self.input)?;
            self.answered = Some((time_secs, self.shares));
        }
        let (card, heard_secs) = (self.session.model().card(), coverage.secs());
        on_reading(&Reading {
            time_secs,
            phase,
            heard_secs,
            n_spaces: card.spaces.len(),
            shares: self.shares,
            bands: card.bands(&self.shares, heard_secs),
            recent,
            tempo_bpm: in_octave_of(summary.tempo.bpm, self.grid_bpm),
            tempo_salience: summary.tempo.salience,
            tempo_harmonic_bpm: summary.tempo_harmonic.bpm,
            tempo_percussive_bpm: summary.tempo_percussive.bpm,
            tempo_harmonic_salience: summary.tempo_harmonic.salience,
            tempo_percussive_salience: summary.tempo_percussive.salience,
            energy_harmonic_db: summary.energy_harmonic_db,
            energy_percussive_db: summary.energy_percussive_db,
            chroma: summary.chroma,
        });
        Ok(())
    }

    /// The newest seconds alone, read as if nothing had been before them, but for the tempi, which
    /// need more; `None` where no more than these were heard.
    fn read_recent(&mut self, coverage: Coverage) -> Result<Option<Recent>, ModelError> {
        if !self.follows_recent || coverage.steps() <= RECENT_STEPS {
            return Ok(None);
        }
        let recent = coverage.newest(RECENT_STEPS);
        self.window.write(recent, &self.window.summary(recent), &mut self.input);
        let shares = self.session.run(&self.input)?;
        let bands = self.session.model().card().bands(&shares, recent.secs());
        Ok(Some(Recent { shares, bands }))
    }
}

fn phase(coverage: Coverage) -> Phase {
    match coverage {
        Coverage::Silence => Phase::Silent,
        Coverage::Full => Phase::Live,
        Coverage::Steps(_) if f64::from(coverage.secs()) < FIRST_READING_SECS => Phase::Waiting,
        Coverage::Steps(_) => Phase::Listening,
    }
}
