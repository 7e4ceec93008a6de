//! Work on many files at once, with progress, and what it needs: a model, readings of a file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use moodring::analyser::Analyser;
use moodring::config::READING_SECS;
use moodring::decode::{self, AudioFile, Outcome};
use moodring::model::Model;
use moodring::reading::{MAX_SPACES, Phase, Reading};
use moodring::units::secs_to_samples;
use moodring::why::Why;

use crate::out::tell;

/// The user's model, or the shipped one.
pub fn model(path: Option<&Path>) -> anyhow::Result<Arc<Model>> {
    Ok(match path {
        Some(path) => Model::load(path)?,
        None => Model::shipped()?,
    })
}

/// Runs `work` on a file; a panic in it is an error, of one line and without a backtrace.
pub fn guarded<R>(work: impl FnOnce() -> anyhow::Result<R>) -> anyhow::Result<R> {
    decode::guarded(work).unwrap_or_else(|words| {
        Err(anyhow!("reading it failed ({words}); please report this file"))
    })
}

/// Runs `work` on every item, on all cores, and hands the results to `done` in the order of the items.
///
/// A panic on one item is that item's error and takes no other with it.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> anyhow::Result<R> + Sync,
    mut done: impl FnMut(&T, anyhow::Result<R>),
) {
    let guarded = |item: &T| guarded(|| work(item));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &guarded);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if sender.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting: Vec<Option<anyhow::Result<R>>> = items.iter().map(|_| None).collect();
        let mut due = 0;
        for (index, result) in receiver {
            waiting[index] = Some(result);
            while let Some(result) = waiting.get_mut(due).and_then(Option::take) {
                done(&items[due], result);
                due += 1;
            }
        }
    });
}

/// A bar on the terminal, or nothing where there is none.
pub fn progress(length: u64, unit: &str) -> ProgressBar {
    let style = format!("{{wide_bar}} {{pos}}/{{len}} {unit}, {{eta}} left");
    ProgressBar::new(length)
        .with_style(ProgressStyle::with_template(&style).unwrap_or(ProgressStyle::default_bar()))
}

/// What a whole file says.
#[derive(Clone, Debug, Default)]
pub struct FileMood {
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

impl FileMood {
    fn add(&mut self, reading: &Reading) {
        self.n_readings += 1;
        match reading.phase {
            Phase::Live => self.live.add(&reading.shares),
            Phase::Listening => self.listening.add(&reading.shares),
            Phase::Waiting | Phase::Silent => {}
        }
    }

    /// Mean shares of the file and whether they are provisional: of all readings over ten seconds of music, or, in a file too
    /// short or too silent for one, of the provisional ones. `None` where there is no music for either.
    pub fn shares(&self) -> Option<([f32; MAX_SPACES], bool)> {
        let live = self.live.mean().map(|mean| (mean, false));
        live.or_else(|| Some((self.listening.mean()?, true)))
    }
}

/// Says on standard error what is missing of a file; nothing where it is complete.
pub fn warn(path: &Path, outcome: &Outcome) {
    if let Some(missing) = outcome.warning() {
        tell(format_args!("warning: {}: {missing}; the rest was read", path.display()));
    }
}

/// What is wanted of a file.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Seconds between readings; 0 for all.
    pub every_secs: f64,
    /// What pushed each reading.
    pub why: bool,
}

/// Reads a file from start to end and hands the readings that are wanted to `on_reading`; `on_secs` hears how far it is. Takes no
/// more memory for a long file than for a short one.
pub fn read_file(
    path: &Path,
    model: &Arc<Model>,
    wanted: Wanted,
    on_secs: impl Fn(f64, Option<f64>),
    mut on_reading: impl FnMut(&Reading, Option<&Why>),
) -> anyhow::Result<FileMood> {
    let mut file = AudioFile::open(path)?;
    let mut input = file.input();
    let mut analyser = Analyser::new(input.0, input.1, model)?;
    analyser.set_interval_secs(wanted.every_secs);
    let total_secs = file.total_secs();
    let mut mood = FileMood::default();
    let mut take = |analyser: &mut Analyser, reading: Reading| -> anyhow::Result<()> {
        mood.add(&reading);
        let why = if wanted.why { analyser.why()? } else { None };
        on_reading(&reading, why.as_ref());
        Ok(())
    };
    let (mut secs, mut last) = (0.0, None);
    while let Some(block) = file.next_block() {
        if block.input() != input {
            input = block.input();
            analyser.change_input(input.0, input.1, &mut |reading| last = Some(*reading))?;
        }
        let n_channels = block.layout.n_channels();
        // Pieces in which at most one reading falls, for only the last reading can be explained.
        let piece_samples = secs_to_samples(0.5 * READING_SECS, block.rate_hz).max(1) as usize;
        for piece in block.samples.chunks(piece_samples * n_channels) {
            analyser.push(piece, &mut |reading| last = Some(*reading))?;
            last.take().map_or(Ok(()), |reading| take(&mut analyser, reading))?;
        }
        secs += (block.samples.len() / n_channels) as f64 / block.rate_hz;
        on_secs(secs, total_secs);
    }
    analyser.finish(&mut |reading| last = Some(*reading))?;
    last.take().map_or(Ok(()), |reading| take(&mut analyser, reading))?;
    mood.duration_secs = secs;
    mood.outcome = file.outcome().clone();
    Ok(mood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_a_panic_costs_only_its_own() {
        let items: Vec<u64> = (0..20).collect();
        let work = |n: &u64| {
            std::thread::sleep(std::time::Duration::from_micros(500 * (20 - n)));
            assert_ne!(*n, 7, "on purpose");
            Ok(n * n)
        };
        let mut done = Vec::new();
        each(&items, work, |n, result| done.push((*n, result.ok())));
        let expected: Vec<_> = items.iter().map(|n| (*n, (*n != 7).then_some(n * n))).collect();
        assert_eq!(done, expected);
    }
}
