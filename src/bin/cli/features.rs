//! `features`: everything that the analysis knows of a file, frame by frame.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use moodring::analysis::frame::{Frame, FrameExtractor, PartFeatures};
use moodring::analysis::tempo::tempo;
use moodring::config::{ANALYSIS_RATE_HZ, FEATURE_FRAMES, N_BINS, N_CHROMA};
use moodring::decode::{AudioFile, Outcome};
use moodring::units::samples_to_secs;

use crate::jobs;
use crate::npz::Npz;
use crate::out::check::Plan;
use crate::out::kind::Kind;

/// Write a file's features, frame by frame, as .npz.
///
/// Arrays over T frames: times T (seconds, end of the frame's window), chroma_harmonic and
/// chroma_percussive T × 12 (C first, 0 to 1), energy_harmonic and energy_percussive T (sum of
/// squared magnitudes), onset_harmonic and onset_percussive T (dB), mask_harmonic T × 1025 (0/1),
/// and the scalars tempo_harmonic_bpm and tempo_percussive_bpm of the last 10 s. Frames are of 2048
/// samples every 512 at 22 050 Hz, without padding: frame t covers samples 512 t to 512 t + 2047.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  moodring-cli features song.flac --out song.npz\n  \
    python3 -c \"import numpy; print(numpy.load('song.npz')['chroma_harmonic'].mean(0))\"")]
pub struct Args {
    /// The audio file.
    file: PathBuf,
    /// Where to write the arrays.
    #[arg(long, value_name = "F.npz")]
    out: PathBuf,
    /// Replace what is at --out, though it holds something other than features.
    #[arg(long)]
    force: bool,
}

/// All frames of a file.
#[derive(Default)]
struct Frames {
    times: Vec<f64>,
    harmonic: Vec<PartFeatures>,
    percussive: Vec<PartFeatures>,
    masks: Vec<u8>,
}

impl Frames {
    fn add(&mut self, frame: &Frame) {
        self.times.push(samples_to_secs(frame.end_samples(), f64::from(ANALYSIS_RATE_HZ)));
        self.harmonic.push(frame.features.harmonic);
        self.percussive.push(frame.features.percussive);
        self.masks.extend(frame.harmonic_mask.iter().map(|harmonic| u8::from(*harmonic)));
    }
}

/// Runs the command: the features of one file, frame by frame.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut plan = Plan::new(args.force);
    plan.reads("the input", &args.file);
    plan.writes("--out", &args.out, Kind::Features);
    plan.check()?;
    let named = || args.file.display().to_string();
    let (frames, outcome) = jobs::guarded(|| read(&args.file)).with_context(named)?;
    anyhow::ensure!(
        !frames.times.is_empty(),
        "{}: too short for one frame (93 ms), or no sound that can be decoded",
        named()
    );
    write(&frames, args).context("cannot write the features")?;
    jobs::warn(&args.file, &outcome);
    Ok(ExitCode::SUCCESS)
}

/// All frames of a file, and what came of reading it.
fn read(path: &Path) -> anyhow::Result<(Frames, Outcome)> {
    let mut file = AudioFile::open(path)?;
    let mut input = file.input();
    let mut extractor = FrameExtractor::new(input.0, input.1)?;
    let mut frames = Frames::default();
    while let Some(block) = file.next_block() {
        if block.input() != input {
            input = block.input();
            extractor.change_input(input.0, input.1, |frame| frames.add(frame))?;
        }
        extractor.push(block.samples, |frame| frames.add(frame));
    }
    extractor.finish(|frame| frames.add(frame));
    Ok((frames, file.outcome().clone()))
}

fn write(frames: &Frames, args: &Args) -> anyhow::Result<()> {
    let n_frames = frames.times.len() as u64;
    let mut npz = Npz::create(&args.out)?;
    npz.numbers("times", &[n_frames], frames.times.iter().copied())?;
    npz.numbers("mask_harmonic", &[n_frames, N_BINS as u64], frames.masks.iter().copied())?;
    for (part, features) in [("harmonic", &frames.harmonic), ("percussive", &frames.percussive)] {
        let chroma = features.iter().flat_map(|part| part.chroma);
        npz.numbers(&format!("chroma_{part}"), &[n_frames, N_CHROMA as u64], chroma)?;
        let energy = features.iter().map(|part| part.energy);
        npz.numbers(&format!("energy_{part}"), &[n_frames], energy)?;
        let onset: Vec<f32> = features.iter().map(|part| part.onset).collect();
        npz.numbers(&format!("onset_{part}"), &[n_frames], onset.iter().copied())?;
        let last_10_secs = &onset[onset.len().saturating_sub(FEATURE_FRAMES)..];
        npz.numbers(&format!("tempo_{part}_bpm"), &[], [tempo(last_10_secs).bpm])?;
    }
    npz.finish()
}
