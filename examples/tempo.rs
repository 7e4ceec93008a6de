//! How often the tempo that is shown is right, beside that of the percussive part alone: with its
//! octave, and up to octaves and thirds.
//!
//! ```text
//! cargo run --example tempo [SONGS.csv…]      patterns made here, the demo piece where `cargo xtask piece` made it, songs
//! ```
//!
//! `SONGS.csv` holds a line `file,bpm` per song, as `benches/tempi.py` writes them. Read is every
//! half second once ten were heard; each song counts as much as any other. Prints a table in
//! Markdown; docs/tempo.md quotes it.

#[path = "../tests/support/drums.rs"]
mod drums;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use moodring::analysis::downmix::Layout;
use moodring::analysis::frame::FrameExtractor;
use moodring::analysis::window::{Coverage, FeatureWindow};
use moodring::config::{ANALYSIS_RATE_HZ, FRAMES_PER_STEP, HOP_SAMPLES};
use moodring::decode::AudioFile;

/// How far a tempo may be off: what those who compare tempo trackers allow.
const TOLERANCE: f64 = 0.04;

/// What a tempo may be of the right one, not to count as wrong otherwise.
const RELATED: [f64; 5] = [1.0, 2.0, 0.5, 3.0, 1.0 / 3.0];

/// Steps from one reading to the next: half a second.
const STEPS_PER_READING: u64 = 5;

/// Seconds that a pattern plays.
const PATTERN_SECS: f64 = 20.0;

/// Parts of the demo piece: first and last second, BPM.
const PIECE: [(f64, f64, f64); 3] = [(0.0, 20.0, 60.0), (20.0, 36.0, 120.0), (36.0, 66.0, 128.0)];

/// The two tempi of a moment: percussive, shown; 0 where there is none.
type Pair = [f64; 2];

/// How music was read, percussive and shown.
#[derive(Clone, Copy, Default)]
struct Score {
    songs: f64,
    right: Pair,
    related: Pair,
    /// Changes of more than a third of an octave from a reading to the next, per reading.
    leaps: Pair,
    /// Readings that show a tempo at all.
    shown: Pair,
}

impl Score {
    /// Of one song.
    fn of(read: &[Pair], bpm: f64) -> Self {
        let share = |is: &dyn Fn(usize, usize) -> bool| {
            let count = |part| (0..read.len()).filter(|n| is(*n, part)).count();
            [0, 1].map(|part| count(part) as f64 / read.len().max(1) as f64)
        };
        let is_near = |read: f64, bpm: f64| (read / bpm - 1.0).abs() <= TOLERANCE;
        Self {
            songs: f64::from(u8::from(!read.is_empty())),
            right: share(&|n, part| is_near(read[n][part], bpm)),
            related: share(&|n, part| RELATED.iter().any(|r| is_near(read[n][part], r * bpm))),
            leaps: share(&|n, part| {
                let octaves = |n: usize| (read[n][part].max(1.0)).log2();
                let both_shown = n > 0 && read[n][part] > 0.0 && read[n - 1][part] > 0.0;
                both_shown && (octaves(n) - octaves(n - 1)).abs() > 1.0 / 3.0
            }),
            shown: share(&|n, part| read[n][part] > 0.0),
        }
    }

    fn add(&mut self, other: &Self) {
        self.songs += other.songs;
        let pairs = [&mut self.right, &mut self.related, &mut self.leaps, &mut self.shown];
        let others = [other.right, other.related, other.leaps, other.shown];
        for (pair, other) in pairs.into_iter().zip(others) {
            (pair[0], pair[1]) = (pair[0] + other[0], pair[1] + other[1]);
        }
    }

    fn row(&self, name: &str) -> String {
        let percent = |pair: Pair| {
            let [percussive, shown] = pair.map(|part| 100.0 * part / self.songs.max(1.0));
            format!("{percussive:.0} → {shown:.0}")
        };
        let columns = [self.right, self.related, self.leaps].map(percent).join(" | ");
        let shown = 100.0 * self.shown[1] / self.songs.max(1.0);
        format!("| {name} | {:.0} | {columns} | {shown:.0} |", self.songs)
    }
}

fn main() -> Result<()> {
    println!(
        "| what | how many | right, % | right or octaves and thirds off, % | leaps, % | shown, % |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    let mut all = Score::default();
    for pattern in &drums::PATTERNS {
        let mut score = Score::default();
        for bpm in pattern.tempi() {
            let audio = drums::render(pattern, bpm, PATTERN_SECS);
            let mut reader = Reader::new(drums::RATE_HZ, Layout::MONO)?;
            reader.push(&audio);
            let read = reader.finish();
            score.add(&Score::of(&pairs(&read, 0.0, PATTERN_SECS), bpm));
        }
        let (from, to, _) = pattern.bpm;
        println!("{}", score.row(&format!("{}, {from} to {to} BPM", pattern.name)));
        all.add(&score);
    }
    println!("{}", all.row("**all of these**"));
    let piece = Path::new("target/demo/piece.wav");
    if piece.is_file() {
        let read = read_file(piece)?;
        for (from, to, bpm) in PIECE {
            let score = Score::of(&pairs(&read, from + 10.0, to), bpm);
            println!("{}", score.row(&format!("demo piece, part of {bpm} BPM")));
        }
    }
    for list in std::env::args().skip(1).map(PathBuf::from) {
        let text = std::fs::read_to_string(&list)
            .with_context(|| format!("cannot read {}", list.display()))?;
        let mut score = Score::default();
        for line in text.lines() {
            let (file, bpm) = line.rsplit_once(',').with_context(|| format!("no tempo: {line}"))?;
            let bpm: f64 = bpm.trim().parse().with_context(|| format!("no tempo: {line}"))?;
            let read = read_file(Path::new(file))?;
            score.add(&Score::of(&pairs(&read, 0.0, f64::INFINITY), bpm));
        }
        println!("{}", score.row(&list.file_stem().unwrap_or_default().to_string_lossy()));
    }
    Ok(())
}

/// What was read between two moments, seconds.
fn pairs(read: &[(f64, Pair)], from_secs: f64, to_secs: f64) -> Vec<Pair> {
    let inside = read.iter().filter(|(secs, _)| (from_secs..=to_secs).contains(secs));
    inside.map(|(_, pair)| *pair).collect()
}

/// All readings of a file, with their seconds.
fn read_file(path: &Path) -> Result<Vec<(f64, Pair)>> {
    let named = || path.display().to_string();
    let mut file = AudioFile::open(path).with_context(named)?;
    let mut input = file.input();
    let mut reader = Reader::new(input.0, input.1)?;
    while let Some(block) = file.next_block() {
        if block.input() != input {
            input = block.input();
            reader.change_input(input.0, input.1)?;
        }
        reader.push(block.samples);
    }
    Ok(reader.finish())
}

/// Samples in, tempi out.
struct Reader {
    extractor: FrameExtractor,
    follower: Follower,
}

#[derive(Default)]
struct Follower {
    window: FeatureWindow,
    steps: u64,
    read: Vec<(f64, Pair)>,
}

impl Reader {
    fn new(rate_hz: f64, layout: Layout) -> Result<Self> {
        Ok(Self { extractor: FrameExtractor::new(rate_hz, layout)?, follower: Follower::default() })
    }

    fn push(&mut self, interleaved: &[f32]) {
        let follower = &mut self.follower;
        self.extractor.push(interleaved, |frame| {
            if follower.window.push(&frame.features) {
                follower.step();
            }
        });
    }

    fn change_input(&mut self, rate_hz: f64, layout: Layout) -> Result<()> {
        let follower = &mut self.follower;
        self.extractor.change_input(rate_hz, layout, |frame| {
            if follower.window.push(&frame.features) {
                follower.step();
            }
        })?;
        Ok(())
    }

    fn finish(mut self) -> Vec<(f64, Pair)> {
        let follower = &mut self.follower;
        self.extractor.finish(|frame| {
            if follower.window.push(&frame.features) {
                follower.step();
            }
        });
        // Ten seconds may end a step short of a full window.
        if self.follower.read.is_empty() {
            self.follower.read();
        }
        self.follower.read
    }
}

impl Follower {
    fn step(&mut self) {
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_PER_READING) && self.window.coverage() == Coverage::Full
        {
            self.read();
        }
    }

    fn read(&mut self) {
        let summary = self.window.summary(self.window.coverage());
        let step_secs = (FRAMES_PER_STEP * HOP_SAMPLES) as f64 / f64::from(ANALYSIS_RATE_HZ);
        let pair = [summary.tempo_percussive.bpm, summary.tempo.bpm].map(f64::from);
        self.read.push((self.steps as f64 * step_secs, pair));
    }
}
