//! How soon the meter follows a change of mood, how still it stands while there is none, and how
//! long the tempo that it shows holds.
//!
//! ```text
//! cargo run --example follow -- CLIPS…      folders of songs or clips, the longer the better
//! ```
//!
//! Splices are hard cuts between the clips that the model reads as clearest on either side of each
//! axis. Prints Markdown; docs/follow.md is written by `cargo xtask follow`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::ballistics::{FRAME, Needle};
use moodring::decode::AudioFile;
use moodring::held_tempo::{HeldTempo, is_near};
use moodring::model::Model;
use moodring::params::Response;
use moodring::reading::{Phase, Reading};

/// Most clips that are read: every so many of the folder's.
const MOST_CLIPS: usize = 101;

/// Clips on either side of an axis that are spliced, and how far from even both must be read.
const CLIPS_A_SIDE: usize = 12;
const CLEAR: f32 = 0.15;

/// Seconds of each clip in a splice.
const SPLICED_SECS: f64 = 14.0;

/// Shortest clip that is of use, seconds.
const SHORTEST_SECS: f64 = 20.0;

/// What half a pixel shows, as the window tells needles.
const RESOLUTION: f32 = 0.001;

/// What is followed, and what it is called.
const TRACES: [(&str, Trace); 4] = [
    ("reading, ten seconds", Trace::Reading),
    ("thin mark, four seconds", Trace::Recent),
    ("needle, *DJ*", Trace::Needle(Response::Dj)),
    ("needle, *Mix*", Trace::Needle(Response::Mix)),
];

#[derive(Clone, Copy)]
enum Trace {
    Reading,
    Recent,
    Needle(Response),
}

impl Trace {
    /// Where it stands, frame by frame of the window, with seconds.
    fn of(self, readings: &[Reading], space: usize) -> Vec<(f64, f32)> {
        let mut needle = Needle::default();
        let mut at = Vec::new();
        for pair in readings.windows(2) {
            let [now, next] = pair else { break };
            let share = now.shares[space];
            let mut secs = now.time_secs;
            while secs < next.time_secs {
                let position = match self {
                    Self::Reading => share,
                    Self::Recent => now.recent.map_or(share, |recent| recent.shares[space]),
                    Self::Needle(response) => {
                        needle.advance(share, FRAME.as_secs_f32(), RESOLUTION, response);
                        needle.position()
                    }
                };
                at.push((secs, position));
                secs += FRAME.as_secs_f64();
            }
        }
        at
    }
}

/// A clip: its sound, and what is read of it.
struct Clip {
    input: (f64, Layout),
    samples: Vec<f32>,
    readings: Vec<Reading>,
}

impl Clip {
    fn read(path: &Path, model: &Arc<Model>) -> Result<Self> {
        let mut file = AudioFile::open(path).with_context(|| path.display().to_string())?;
        let input = file.input();
        let mut samples = Vec::new();
        while let Some(block) = file.next_block() {
            if block.input() != input {
                bail!("{} changes its rate or channels", path.display());
            }
            samples.extend_from_slice(block.samples);
        }
        let readings = read(&samples, input, model)?;
        Ok(Self { input, samples, readings })
    }

    fn secs(&self) -> f64 {
        self.samples.len() as f64 / self.per_sec()
    }

    /// Values a second.
    fn per_sec(&self) -> f64 {
        self.input.0 * self.input.1.n_channels() as f64
    }

    /// Readings over ten seconds of music.
    fn live(&self) -> impl Iterator<Item = &Reading> {
        self.readings.iter().filter(|reading| reading.phase == Phase::Live)
    }

    fn mean(&self, space: usize) -> f32 {
        let shares: Vec<f32> = self.live().map(|reading| reading.shares[space]).collect();
        shares.iter().sum::<f32>() / shares.len().max(1) as f32
    }

    /// The last or the first seconds of it.
    fn part(&self, is_last: bool) -> &[f32] {
        let n = ((SPLICED_SECS * self.per_sec()) as usize).min(self.samples.len());
        if is_last { &self.samples[self.samples.len() - n..] } else { &self.samples[..n] }
    }
}

fn read(samples: &[f32], input: (f64, Layout), model: &Arc<Model>) -> Result<Vec<Reading>> {
    let mut analyser = Analyser::new(input.0, input.1, model)?;
    analyser.follow_recent(true);
    let mut readings = Vec::new();
    analyser.push(samples, |reading| readings.push(*reading))?;
    Ok(readings)
}

fn main() -> Result<()> {
    let folders: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    if folders.is_empty() {
        bail!("usage: follow CLIPS…");
    }
    let model = Model::shipped()?;
    let clips = clips(&folders, &model)?;
    let secs: f64 = clips.iter().map(Clip::secs).sum();
    println!(
        "Read: {} clips of {:.0} s on average, model {} {}.\n",
        clips.len(),
        secs / clips.len().max(1) as f64,
        model.card().name,
        model.card().version
    );
    splices(&clips, &model)?;
    stillness(&clips, &model);
    tempi(&clips);
    Ok(())
}

/// Clips of the folders that are long enough, evenly picked.
fn clips(folders: &[PathBuf], model: &Arc<Model>) -> Result<Vec<Clip>> {
    let mut paths = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        paths.extend(entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?);
    }
    paths.sort();
    let n = paths.len();
    let picked = (0..n.min(MOST_CLIPS)).map(|i| &paths[i * n / n.min(MOST_CLIPS)]);
    let mut clips = Vec::new();
    for path in picked {
        match Clip::read(path, model) {
            Ok(clip) if clip.secs() >= SHORTEST_SECS => clips.push(clip),
            Ok(_) => eprintln!("{} is too short", path.display()),
            Err(error) => eprintln!("{error:#}"),
        }
    }
    if clips.is_empty() {
        bail!("there are no clips of {SHORTEST_SECS} s or more");
    }
    Ok(clips)
}

/// How long after a hard cut each trace crosses even.
fn splices(clips: &[Clip], model: &Arc<Model>) -> Result<()> {
    println!(
        "| after a cut | cuts | crosses even after, s: median | one in ten by | nine in ten by |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (space, names) in model.card().spaces.iter().enumerate() {
        let mut sorted: Vec<&Clip> = clips.iter().collect();
        sorted.sort_by(|a, b| a.mean(space).total_cmp(&b.mean(space)));
        let is_clear = |clip: &&Clip| (clip.mean(space) - 0.5).abs() >= CLEAR;
        let low: Vec<&Clip> = sorted.iter().copied().take(CLIPS_A_SIDE).filter(is_clear).collect();
        let high: Vec<&Clip> =
            sorted.iter().rev().copied().take(CLIPS_A_SIDE).filter(is_clear).collect();
        let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); TRACES.len()];
        for (a, b) in low.iter().zip(&high).flat_map(|(a, b)| [(a, b), (b, a)]) {
            if a.input != b.input {
                continue;
            }
            let (before, after) = (a.part(true), b.part(false));
            let readings = read(&[before, after].concat(), a.input, model)?;
            let cut_secs = before.len() as f64 / a.per_sec();
            let is_first = b.mean(space) > 0.5;
            let has_crossed = |share: f32| (share > 0.5) == is_first;
            // Only where the very seconds that meet are read as the clips are on the whole.
            let share_at = |secs: f64| {
                let until = readings.iter().take_while(|reading| reading.time_secs <= secs);
                until.last().map_or(0.5, |reading| reading.shares[space])
            };
            if has_crossed(share_at(cut_secs)) || !has_crossed(share_at(f64::INFINITY)) {
                continue;
            }
            for (crossings, (_, trace)) in crossings.iter_mut().zip(TRACES) {
                let at = trace.of(&readings, space);
                let later = at.iter().filter(|(secs, _)| *secs >= cut_secs);
                // To stay, or for a second at least.
                crossings.extend(
                    later
                        .clone()
                        .find(|(_, share)| has_crossed(*share))
                        .map(|(secs, _)| secs - cut_secs),
                );
            }
        }
        for (mut crossings, (name, _)) in crossings.into_iter().zip(TRACES) {
            crossings.sort_by(f64::total_cmp);
            println!(
                "| {} or {}: {name} | {} | {:.1} | {:.1} | {:.1} |",
                names.first,
                names.second,
                crossings.len(),
                quantile(&crossings, 0.5),
                quantile(&crossings, 0.1),
                quantile(&crossings, 0.9),
            );
        }
    }
    println!();
    Ok(())
}

/// How much each trace moves within a clip.
fn stillness(clips: &[Clip], model: &Arc<Model>) {
    println!(
        "| within a clip | moves in a second, points: mean | nine in ten within | changes sides, a minute |"
    );
    println!("|---|---:|---:|---:|");
    for (space, names) in model.card().spaces.iter().enumerate() {
        for (name, trace) in TRACES {
            let (mut moves, mut sides, mut secs) = (Vec::new(), 0_usize, 0.0);
            for clip in clips {
                let live: Vec<Reading> = clip.live().copied().collect();
                let at = trace.of(&live, space);
                let second = (1.0 / FRAME.as_secs_f64()) as usize;
                // A needle begins in the middle; it may take its time to get away from there.
                let at = &at[at.len().min(3 * second)..];
                let by_second: Vec<f32> =
                    at.iter().step_by(second).map(|(_, share)| *share).collect();
                moves.extend(
                    by_second.windows(2).map(|pair| f64::from(100.0 * (pair[1] - pair[0]).abs())),
                );
                sides +=
                    at.windows(2).filter(|pair| (pair[0].1 > 0.5) != (pair[1].1 > 0.5)).count();
                secs += at.len() as f64 * FRAME.as_secs_f64();
            }
            moves.sort_by(f64::total_cmp);
            let mean = moves.iter().sum::<f64>() / moves.len().max(1) as f64;
            println!(
                "| {} or {}: {name} | {mean:.1} | {:.1} | {:.2} |",
                names.first,
                names.second,
                quantile(&moves, 0.9),
                60.0 * sides as f64 / secs.max(1.0)
            );
        }
    }
    println!();
}

/// How often the tempo of a reading and the one that is shown are that of their clip.
fn tempi(clips: &[Clip]) {
    let (mut read, mut shown) = (Vec::new(), Vec::new());
    let mut silent_clips = 0;
    let (mut seconds, mut shown_seconds) = (0, 0);
    for clip in clips {
        let tempi: Vec<f32> = clip.readings.iter().map(|reading| reading.tempo_bpm).collect();
        let mut clear: Vec<f32> = tempi.iter().copied().filter(|bpm| *bpm > 0.0).collect();
        clear.sort_by(f32::total_cmp);
        let Some(median) = clear.get(clear.len() / 2).copied() else { continue };
        let mut held = HeldTempo::default();
        let held: Vec<f32> =
            clip.readings.iter().filter_map(|reading| held.push(reading)).collect();
        silent_clips += usize::from(held.is_empty());
        (seconds, shown_seconds) = (seconds + tempi.len(), shown_seconds + held.len());
        read.extend(clear.iter().map(|bpm| is_near(*bpm, median)));
        shown.extend(held.iter().map(|bpm| is_near(*bpm, median)));
    }
    let percent =
        |of: &[bool]| 100.0 * of.iter().filter(|is| **is).count() as f64 / of.len().max(1) as f64;
    println!("| tempo | shown, % of the time | within 3 % of its clip's median while shown, % |");
    println!("|---|---:|---:|");
    println!(
        "| of each reading | {:.0} | {:.1} |",
        100.0 * read.len() as f64 / seconds.max(1) as f64,
        percent(&read)
    );
    println!(
        "| held | {:.0} | {:.1} |",
        100.0 * shown_seconds as f64 / seconds.max(1) as f64,
        percent(&shown)
    );
    println!("\nClips that show none at all: {silent_clips}.");
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted.get(((sorted.len().max(1) - 1) as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
}
