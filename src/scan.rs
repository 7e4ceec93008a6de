//! A recording, read from start to end: its readings, and what they say of it as a whole.

use std::path::Path;
use std::sync::Arc;

use crate::analyser::{Analyser, AnalyserError};
use crate::config::READING_SECS;
use crate::decode::{AudioFile, DecodeError, Outcome};
use crate::held_tempo::HeldTempo;
use crate::model::{Model, ModelError};
use crate::reading::{MAX_SPACES, Phase, Reading};
use crate::units::secs_to_samples;
use crate::why::Why;

/// Why a recording is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The file is not read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Music at its rate is not read, or not by this model.
    #[error(transparent)]
    Analyser(#[from] AnalyserError),
    /// The model failed on the way.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What is wanted of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Seconds between readings; 0 for all of them, 5.4 a second.
    pub every_secs: f64,
    /// Whether each reading is explained, which takes several times as long.
    pub why: bool,
}

/// Seconds between the readings that a summary rests on, whichever are wanted besides.
const SUMMED_EVERY_SECS: f64 = 1.0;

/// What a whole recording says: a reading a second, whichever else were wanted.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many of these there are, of all phases.
    pub n_readings: usize,
    /// Seconds from the first sound to the last.
    pub duration_secs: f64,
    /// What came of reading it.
    pub outcome: Outcome,
    /// Of readings over ten seconds of music, and of provisional ones.
    live: Sum,
    listening: Sum,
    held: HeldTempo,
    /// Every tempo that was held, BPM: four bytes a second.
    tempi: Vec<f32>,
}

/// Readings added up.
#[derive(Clone, Debug, Default)]
struct Sum {
    shares: [f64; MAX_SPACES],
    bands: [[f64; 2]; MAX_SPACES],
    n: usize,
}

impl Sum {
    fn add(&mut self, reading: &Reading) {
        self.shares.iter_mut().zip(reading.shares).for_each(|(sum, x)| *sum += f64::from(x));
        let ends = self.bands.as_flattened_mut().iter_mut();
        ends.zip(reading.bands.as_flattened()).for_each(|(sum, x)| *sum += f64::from(*x));
        self.n += 1;
    }

    fn whole(&self, is_provisional: bool) -> Option<Whole> {
        let mean = |sum: f64| (sum / self.n as f64) as f32;
        (self.n > 0).then(|| Whole {
            shares: self.shares.map(mean),
            bands: self.bands.map(|ends| ends.map(mean)),
            is_provisional,
        })
    }
}

/// The mood of a whole recording.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Whole {
    /// Mean shares of votes of each space's first pole.
    pub shares: [f32; MAX_SPACES],
    /// Mean ends of the readings' bands: where listeners' own share lies at least four times in
    /// five, for a whole recording is no less sure than ten seconds of it.
    pub bands: [[f32; 2]; MAX_SPACES],
    /// Fewer than ten seconds of music, or never so many without a silence.
    pub is_provisional: bool,
}

impl Summary {
    fn add(&mut self, reading: &Reading) {
        self.n_readings += 1;
        self.tempi.extend(self.held.push(reading));
        match reading.phase {
            Phase::Live => self.live.add(reading),
            Phase::Listening => self.listening.add(reading),
            Phase::Waiting | Phase::Silent => {}
        }
    }

    /// Means of all readings over ten seconds of music, or, in a recording too short or too silent
    /// for one, of the provisional ones. `None` where there is no music for either.
    #[must_use]
    pub fn whole(&self) -> Option<Whole> {
        self.live.whole(false).or_else(|| self.listening.whole(true))
    }

    /// The tempo of the recording, BPM: the median of those that held for some seconds; `None`
    /// where none did.
    #[must_use]
    pub fn tempo_bpm(&self) -> Option<f32> {
        let mut tempi = self.tempi.clone();
        tempi.sort_by(f32::total_cmp);
        tempi.get(tempi.len() / 2).copied()
    }
}

/// Takes a reading every so often, by the rule by which an [`Analyser`] leaves out the others.
struct Every {
    secs: f64,
    last_secs: Option<f64>,
}

impl Every {
    fn new(secs: f64) -> Self {
        Self { secs, last_secs: None }
    }

    /// Whether a reading at `time_secs` is one that was not taken yet; a stream's last always is.
    fn takes(&mut self, time_secs: f64, is_last: bool) -> bool {
        if self.last_secs == Some(time_secs) {
            return false;
        }
        let is_due = |last: f64| time_secs + 0.5 * READING_SECS >= last + self.secs;
        let takes = self.last_secs.is_none_or(is_due) || is_last;
        if takes {
            self.last_secs = Some(time_secs);
        }
        takes
    }
}

/// What is taken of the readings of a recording.
struct Taken<F> {
    summary: Summary,
    summed: Every,
    wanted: Every,
    explains: bool,
    on_reading: F,
}

impl<F: FnMut(&Reading, Option<&Why>)> Taken<F> {
    fn take(
        &mut self,
        analyser: &mut Analyser,
        reading: &Reading,
        is_last: bool,
    ) -> Result<(), ModelError> {
        if self.summed.takes(reading.time_secs, is_last) {
            self.summary.add(reading);
        }
        if self.wanted.takes(reading.time_secs, is_last) {
            let why = if self.explains { analyser.why()? } else { None };
            (self.on_reading)(reading, why.as_ref());
        }
        Ok(())
    }
}

/// Reads the recording in a file, [`READABLE`](crate::decode::READABLE) says of which kinds, with
/// `-` for standard input. Takes no more memory for a long one than for a short one.
///
/// * `on_secs` — hears how far it is, seconds, and how long the recording is, as far as that is
///   known.
/// * `on_reading` — gets each reading, and what pushed it where that is wanted.
///
/// Where packets are lost, silence stands in their place; where rate or channels change on the way,
/// the analysis goes on with them. What is missing is told by the summary's outcome.
///
/// # Errors
/// [`ScanError`] where the file is not audio that can be decoded, or the model fails.
pub fn read_file(
    path: &Path,
    model: &Arc<Model>,
    wanted: Wanted,
    on_secs: impl Fn(f64, Option<f64>),
    on_reading: impl FnMut(&Reading, Option<&Why>),
) -> Result<Summary, ScanError> {
    let mut file = AudioFile::open(path)?;
    let mut input = file.input();
    let mut analyser = Analyser::new(input.0, input.1, model)?;
    // Both rest on the same readings where they may, which spares four in five.
    let is_one = wanted.every_secs == SUMMED_EVERY_SECS;
    analyser.set_interval_secs(if is_one { SUMMED_EVERY_SECS } else { 0.0 });
    let total_secs = file.total_secs();
    let mut taken = Taken {
        summary: Summary::default(),
        summed: Every::new(SUMMED_EVERY_SECS),
        wanted: Every::new(wanted.every_secs),
        explains: wanted.why,
        on_reading,
    };
    let (mut secs, mut came, mut newest): (f64, Option<Reading>, Option<Reading>) =
        (0.0, None, None);
    while let Some(block) = file.next_block() {
        if block.input() != input {
            input = block.input();
            analyser.change_input(input.0, input.1, |reading| came = Some(*reading))?;
        }
        let n_channels = block.layout.n_channels();
        // Pieces in which at most one reading falls, for only the last reading can be explained.
        let piece_samples = secs_to_samples(0.5 * READING_SECS, block.rate_hz).max(1) as usize;
        for piece in block.samples.chunks(piece_samples * n_channels) {
            analyser.push(piece, |reading| came = Some(*reading))?;
            if let Some(reading) = came.take() {
                taken.take(&mut analyser, &reading, false)?;
                newest = Some(reading);
            }
        }
        secs += (block.samples.len() / n_channels) as f64 / block.rate_hz;
        on_secs(secs, total_secs);
    }
    analyser.finish(|reading| came = Some(*reading))?;
    if let Some(last) = came.or(newest) {
        taken.take(&mut analyser, &last, true)?;
    }
    taken.summary.duration_secs = secs;
    taken.summary.outcome = file.outcome().clone();
    Ok(taken.summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_taken_every_so_often_and_the_last_in_any_case() {
        let taken = |secs: f64, last: usize| -> Vec<usize> {
            let mut every = Every::new(secs);
            let mut taken: Vec<usize> =
                (0..=last).filter(|n| every.takes(*n as f64 * READING_SECS, false)).collect();
            taken.extend(every.takes(last as f64 * READING_SECS, true).then_some(last));
            taken
        };
        assert_eq!(taken(0.0, 3), [0, 1, 2, 3]);
        assert_eq!(taken(1.0, 12), [0, 5, 10, 12]);
        assert_eq!(taken(1.0, 10), [0, 5, 10], "the last is taken once");
        assert_eq!(taken(86_400.0, 400), [0, 400]);
    }

    #[test]
    fn a_recording_has_the_median_of_the_tempi_that_held() {
        let mut summary = Summary::default();
        assert_eq!((summary.tempo_bpm(), summary.whole()), (None, None));
        for n in 0..60_u8 {
            let tempo_bpm = if n < 40 { 100.0 } else { 120.0 };
            let (phase, time_secs) = (Phase::Live, f64::from(n));
            summary.add(&Reading { phase, time_secs, tempo_bpm, ..Reading::default() });
        }
        assert_eq!(summary.tempo_bpm(), Some(100.0));
        assert!(!summary.whole().unwrap().is_provisional);
    }
}
