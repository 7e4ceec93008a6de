//! A recording, read from start to end: its readings, and what they say of it as a whole.

use std::path::Path;
use std::sync::Arc;

use crate::analyser::{Analyser, AnalyserError};
use crate::config::READING_SECS;
use crate::decode::{AudioFile, DecodeError, Outcome};
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

/// What a whole recording says.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Readings of all phases.
    pub n_readings: usize,
    /// Seconds from the first sound to the last.
    pub duration_secs: f64,
    /// What came of reading it.
    pub outcome: Outcome,
    /// Of readings over ten seconds of music, and of provisional ones.
    live: Sum,
    listening: Sum,
}

/// Shares added up.
#[derive(Clone, Debug, Default)]
struct Sum {
    shares: [f64; MAX_SPACES],
    n: usize,
}

impl Sum {
    fn add(&mut self, shares: &[f32; MAX_SPACES]) {
        self.shares.iter_mut().zip(shares).for_each(|(sum, share)| *sum += f64::from(*share));
        self.n += 1;
    }

    fn mean(&self) -> Option<[f32; MAX_SPACES]> {
        (self.n > 0).then(|| self.shares.map(|sum| (sum / self.n as f64) as f32))
    }
}

impl Summary {
    fn add(&mut self, reading: &Reading) {
        self.n_readings += 1;
        match reading.phase {
            Phase::Live => self.live.add(&reading.shares),
            Phase::Listening => self.listening.add(&reading.shares),
            Phase::Waiting | Phase::Silent => {}
        }
    }

    /// Mean shares of the recording and whether they are provisional: of all readings over ten
    /// seconds of music, or, in one too short or too silent for one, of the provisional ones.
    /// `None` where there is no music for either.
    #[must_use]
    pub fn shares(&self) -> Option<([f32; MAX_SPACES], bool)> {
        let live = self.live.mean().map(|mean| (mean, false));
        live.or_else(|| Some((self.listening.mean()?, true)))
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
    mut on_reading: impl FnMut(&Reading, Option<&Why>),
) -> Result<Summary, ScanError> {
    let mut file = AudioFile::open(path)?;
    let mut input = file.input();
    let mut analyser = Analyser::new(input.0, input.1, model)?;
    analyser.set_interval_secs(wanted.every_secs);
    let total_secs = file.total_secs();
    let mut summary = Summary::default();
    let mut take = |analyser: &mut Analyser, reading: Reading| -> Result<(), ModelError> {
        summary.add(&reading);
        let why = if wanted.why { analyser.why()? } else { None };
        on_reading(&reading, why.as_ref());
        Ok(())
    };
    let (mut secs, mut last) = (0.0, None);
    while let Some(block) = file.next_block() {
        if block.input() != input {
            input = block.input();
            analyser.change_input(input.0, input.1, |reading| last = Some(*reading))?;
        }
        let n_channels = block.layout.n_channels();
        // Pieces in which at most one reading falls, for only the last reading can be explained.
        let piece_samples = secs_to_samples(0.5 * READING_SECS, block.rate_hz).max(1) as usize;
        for piece in block.samples.chunks(piece_samples * n_channels) {
            analyser.push(piece, |reading| last = Some(*reading))?;
            last.take().map_or(Ok(()), |reading| take(&mut analyser, reading))?;
        }
        secs += (block.samples.len() / n_channels) as f64 / block.rate_hz;
        on_secs(secs, total_secs);
    }
    analyser.finish(|reading| last = Some(*reading))?;
    last.take().map_or(Ok(()), |reading| take(&mut analyser, reading))?;
    summary.duration_secs = secs;
    summary.outcome = file.outcome().clone();
    Ok(summary)
}
