//! `dataset`: a labelled collection as the network's raw inputs, for training.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use moodring::analysis::frame::FrameExtractor;
use moodring::analysis::window::{
    CONSTANT_NAMES, FeatureWindow, Heard, N_CONSTANTS, N_STEP_FEATURES, NetworkInput, step_names,
};
use moodring::config::{ANALYSIS_RATE_HZ, N_STEPS};
use moodring::decode::AudioFile;
use moodring::units::secs_to_samples;

use crate::jobs;
use crate::labels::Labels;
use crate::npz::Npz;

/// Write the windows of a labelled collection as .npz, for models/train.py.
///
/// The features are those that the meter itself serves, from the same code. Arrays over N windows: steps N × 99 × 106 and constants N × 4
/// (unscaled; see step_names and constant_names), song N, and the label columns valence_mean, valence_std, arousal_mean,
/// arousal_std, excited and joy N, NaN where the labels file has none. A song gives a window every --every seconds; one shorter
/// than ten seconds gives a single window, its music repeated.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  moodring-cli dataset --audio deam/audio --labels deam/labels.csv --out deam.npz"
)]
pub struct Args {
    /// Folder of audio files.
    #[arg(long, value_name = "DIR")]
    audio: PathBuf,
    /// Labels, comma-separated (see `eval --help`).
    #[arg(long, value_name = "CSV")]
    labels: PathBuf,
    /// Where to write the arrays.
    #[arg(long, value_name = "F.npz")]
    out: PathBuf,
    /// Seconds between windows of one song.
    #[arg(long, value_name = "SECS", default_value_t = 5.0)]
    every: f64,
}

/// Columns that are carried along.
const LABEL_COLUMNS: [&str; 6] =
    ["valence_mean", "valence_std", "arousal_mean", "arousal_std", "excited", "joy"];

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let labels = Labels::read(&args.labels)?;
    let files = jobs::audio_files(&args.audio)?;
    let bar = jobs::progress(files.len() as u64, "songs");
    let (mut songs, mut inputs) = (Vec::new(), Vec::new());
    let mut failed = false;
    let extract = |path: &PathBuf| {
        let windows = windows(path, args.every);
        bar.inc(1);
        windows
    };
    jobs::each(&files, extract, |path, windows| match windows {
        Ok(windows) => {
            let song = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            songs.extend(std::iter::repeat_n(song, windows.len()));
            inputs.extend(windows);
        }
        Err(why) => {
            failed = true;
            bar.suspend(|| eprintln!("error: {}: {why:#}", path.display()));
        }
    });
    bar.finish_and_clear();
    anyhow::ensure!(!inputs.is_empty(), "not one window could be made");
    write(args, &labels, &songs, &inputs)?;
    println!("{} windows of {} files in {}", inputs.len(), files.len(), args.out.display());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The full windows of a file, every `every_secs`; of a short one the only window there is.
fn windows(path: &Path, every_secs: f64) -> anyhow::Result<Vec<NetworkInput>> {
    let mut file = AudioFile::open(path)?;
    let mut extractor = FrameExtractor::new(file.rate_hz)?;
    let mut window = FeatureWindow::new();
    let mut made = Vec::new();
    let every = secs_to_samples(every_secs, f64::from(ANALYSIS_RATE_HZ)).max(1);
    let mut next = 0;
    while let Some(mono) = file.next_mono() {
        extractor.push(mono, |frame| {
            let is_step = window.push(&frame.features);
            if is_step && frame.heard_samples >= next && window.heard() == Heard::Full {
                next = frame.heard_samples + every;
                made.push(input_of(&window));
            }
        });
    }
    if made.is_empty() {
        anyhow::ensure!(window.heard().secs() >= 1.0, "less than a second of music");
        made.push(input_of(&window));
    }
    Ok(made)
}

fn input_of(window: &FeatureWindow) -> NetworkInput {
    let mut input = NetworkInput::default();
    let heard = window.heard();
    window.write(heard, &window.summary(heard), &mut input);
    input
}

fn write(
    args: &Args,
    labels: &Labels,
    songs: &[String],
    inputs: &[NetworkInput],
) -> anyhow::Result<()> {
    let n = inputs.len() as u64;
    let mut npz = Npz::create(&args.out)?;
    let steps = inputs.iter().flat_map(|input| input.steps.iter().copied());
    npz.numbers("steps", &[n, N_STEPS as u64, N_STEP_FEATURES as u64], steps)?;
    let constants = inputs.iter().flat_map(|input| input.constants);
    npz.numbers("constants", &[n, N_CONSTANTS as u64], constants)?;
    npz.texts("step_names", &step_names())?;
    npz.texts("constant_names", &CONSTANT_NAMES.map(str::to_owned))?;
    npz.texts("song", songs)?;
    for column in LABEL_COLUMNS {
        let values = songs.iter().map(|song| labels.value(song, column) as f32);
        npz.numbers(column, &[n], values)?;
    }
    Ok(())
}
