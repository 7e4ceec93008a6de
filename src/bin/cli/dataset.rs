//! `dataset`: a labelled collection as the network's raw inputs, for training.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use moodring::analysis::frame::{Frame, FrameExtractor};
use moodring::analysis::window::{
    Coverage, FeatureWindow, N_CONSTANTS, N_STEP_FEATURES, NetworkInput, constant_names, step_names,
};
use moodring::config::{ANALYSIS_RATE_HZ, N_STEPS};
use moodring::decode::AudioFile;
use moodring::units::{samples_to_secs, secs_to_samples};

use crate::files::{self, Song};
use crate::jobs;
use crate::labels::{LabelArgs, Labels, RATING_MIDPOINT};
use crate::npz::Npz;
use crate::out::check::Plan;
use crate::out::kind::Kind;
use crate::out::{Sink, is_standard, tell};

/// Write the windows of a labelled collection as .npz, for models/train.py.
///
/// The features are those that the meter itself serves, from the same code. Arrays over N windows:
/// steps N × 99 × 155 and constants N × 85 (unscaled; see step_names and constant_names), song N,
/// end_secs N (of the window in its song), and the label columns valence_mean, valence_std,
/// arousal_mean, arousal_std, excited and joy N, NaN where the labels file has none; where it has a
/// row per rater, vote_song, vote_valence and vote_arousal over those rows. heard_constants N × 3 ×
/// 85 are the constants that the same window would have if only its last heard_steps steps had been
/// heard, in heard_secs seconds. A song gives a window every --every seconds; one shorter than ten
/// seconds gives a single window, its music repeated. The labels file is that of `eval`; ratings on
/// another scale are written as those on 1 to 9. Of files that differ in their ending alone one is
/// read.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  moodring-cli dataset --audio deam/audio --labels deam/labels.csv --out deam.npz"
)]
pub struct Args {
    /// Folder of audio files; those in folders under it count too.
    #[arg(long, value_name = "DIR")]
    audio: PathBuf,
    #[command(flatten)]
    labels: LabelArgs,
    /// Where to write the arrays.
    #[arg(long, value_name = "F.npz")]
    out: PathBuf,
    /// Replace what is at --out, though it holds something other than windows.
    #[arg(long)]
    force: bool,
    /// Only so many songs, spread evenly over the folder.
    #[arg(long, value_name = "N")]
    songs: Option<usize>,
    /// Seconds between windows of one song.
    #[arg(long, value_name = "SECS", default_value_t = 5.0)]
    every: f64,
}

/// Columns that are carried along.
const RATING_COLUMNS: [&str; 4] = ["valence_mean", "valence_std", "arousal_mean", "arousal_std"];
const SHARE_COLUMNS: [&str; 2] = ["excited", "joy"];

/// Runs the command: the windows of a collection, with their labels.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let labels = Labels::read(&args.labels, &SHARE_COLUMNS)?;
    let (songs, gathered) = files::songs(&args.audio, &labels)?;
    let mut plan = Plan::new(args.force);
    plan.reads("the labels file", &args.labels.labels);
    gathered.files.iter().for_each(|file| plan.reads("the input", file));
    plan.writes("--out", &args.out, Kind::Windows);
    plan.writes_to_stdout();
    plan.check()?;
    let songs = spread(songs, args.songs);
    let bar = jobs::progress(songs.len() as u64, "songs");
    let (mut names, mut windows) = (Vec::new(), Vec::new());
    let mut failed = gathered.has_gaps;
    let extract = |song: &Song| {
        let made = windows_of(&song.file, args.every);
        bar.inc(1);
        made
    };
    jobs::each(&songs, extract, |song, made| match made {
        Ok(made) => {
            names.extend(std::iter::repeat_n(song.name.clone(), made.len()));
            windows.extend(made);
        }
        Err(why) => {
            failed = true;
            bar.suspend(|| tell(format_args!("error: {}: {why:#}", song.file.display())));
        }
    });
    bar.finish_and_clear();
    anyhow::ensure!(!windows.is_empty(), "not one window could be made");
    write(args, &labels, &names, &windows).context("cannot write the windows")?;
    if !is_standard(&args.out) {
        let mut out = Sink::standard();
        let (n_windows, n_files) = (windows.len(), songs.len());
        writeln!(out, "{n_windows} windows of {n_files} files in {}", args.out.display())?;
        out.finish()?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// `n` of the songs, evenly spread; all where there are no more.
fn spread(songs: Vec<Song>, n: Option<usize>) -> Vec<Song> {
    let all = songs.len();
    let n = n.unwrap_or(all).min(all);
    let chosen: HashSet<usize> = (0..n).map(|i| i * all / n).collect();
    let songs = songs.into_iter().enumerate();
    songs.filter(|(i, _)| chosen.contains(i)).map(|(_, song)| song).collect()
}

/// Seconds heard of the provisional readings whose constants are written too.
const HEARD_SECS: [f32; 3] = [1.0, 3.0, 5.0];

/// A window, and where in its file it ends.
struct Window {
    input: NetworkInput,
    /// The constants after [`HEARD_SECS`].
    heard: [[f32; N_CONSTANTS]; HEARD_SECS.len()],
    end_secs: f64,
}

/// The full windows of a file, every `every_secs`; of a short one the only window there is.
fn windows_of(path: &Path, every_secs: f64) -> anyhow::Result<Vec<Window>> {
    let mut file = AudioFile::open(path)?;
    let mut input = file.input();
    let mut extractor = FrameExtractor::new(input.0, input.1)?;
    let mut window = FeatureWindow::new();
    let mut made = Vec::new();
    let every = secs_to_samples(every_secs, f64::from(ANALYSIS_RATE_HZ)).max(1);
    let (mut next, mut end) = (0, 0);
    let mut take = |frame: &Frame| {
        let is_step = window.push(&frame.features);
        end = frame.heard_samples;
        if is_step && frame.heard_samples >= next && window.coverage() == Coverage::Full {
            next = frame.heard_samples + every;
            made.push(window_at(&mut window, end));
        }
    };
    while let Some(block) = file.next_block() {
        if block.input() != input {
            input = block.input();
            extractor.change_input(input.0, input.1, &mut take)?;
        }
        extractor.push(block.samples, &mut take);
    }
    jobs::warn(path, file.outcome());
    if made.is_empty() {
        anyhow::ensure!(window.coverage().secs() >= 1.0, "less than a second of music");
        made.push(window_at(&mut window, end));
    }
    Ok(made)
}

fn window_at(window: &mut FeatureWindow, end_samples: u64) -> Window {
    let all = window.coverage();
    let heard = HEARD_SECS.map(steps_heard).map(Coverage::Steps).map(|heard| {
        // Of a short song there may be less.
        let heard = if heard.secs() < all.secs() { heard } else { all };
        let mut input = NetworkInput::default();
        window.write(heard, &window.summary(heard), &mut input);
        input.constants
    });
    let mut input = NetworkInput::default();
    window.write(all, &window.summary(all), &mut input);
    let end_secs = samples_to_secs(end_samples, f64::from(ANALYSIS_RATE_HZ));
    Window { input, heard, end_secs }
}

/// Steps that a reading rests on when so much has been heard.
fn steps_heard(secs: f32) -> usize {
    (1..N_STEPS).take_while(|steps| Coverage::Steps(*steps).secs() <= secs).last().unwrap_or(1)
}

fn write(args: &Args, labels: &Labels, songs: &[String], windows: &[Window]) -> anyhow::Result<()> {
    let n = windows.len() as u64;
    let mut npz = Npz::create(&args.out)?;
    let steps = windows.iter().flat_map(|window| window.input.steps.iter().copied());
    npz.numbers("steps", &[n, N_STEPS as u64, N_STEP_FEATURES as u64], steps)?;
    let constants = windows.iter().flat_map(|window| window.input.constants);
    npz.numbers("constants", &[n, N_CONSTANTS as u64], constants)?;
    let shape = [n, HEARD_SECS.len() as u64, N_CONSTANTS as u64];
    let heard_constants = windows.iter().flat_map(|window| window.heard.into_iter().flatten());
    npz.numbers("heard_constants", &shape, heard_constants)?;
    npz.numbers("heard_secs", &[shape[1]], HEARD_SECS)?;
    npz.numbers("heard_steps", &[shape[1]], HEARD_SECS.map(|secs| steps_heard(secs) as u32))?;
    npz.texts("step_names", &step_names())?;
    npz.texts("constant_names", &constant_names())?;
    npz.texts("song", songs)?;
    npz.numbers("end_secs", &[n], windows.iter().map(|window| window.end_secs))?;
    for column in RATING_COLUMNS.into_iter().chain(SHARE_COLUMNS) {
        let values = songs.iter().map(|song| labels.value(song, column) as f32);
        npz.numbers(column, &[n], values)?;
    }
    write_votes(&mut npz, labels, songs)?;
    npz.finish()
}

/// What single raters said, a row each, on the scale that they used; nothing where the file has no
/// such rows.
fn write_votes(npz: &mut Npz, labels: &Labels, songs: &[String]) -> anyhow::Result<()> {
    let distinct: BTreeSet<&String> = songs.iter().collect();
    let mut votes: Vec<(&String, [f64; 2])> = Vec::new();
    for song in distinct {
        votes.extend(labels.votes(song).iter().map(|vote| (song, *vote)));
    }
    if votes.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = votes.iter().map(|(song, _)| (*song).clone()).collect();
    npz.texts("vote_song", &names)?;
    for (axis, name) in ["vote_valence", "vote_arousal"].into_iter().enumerate() {
        let values = votes.iter().map(|(_, vote)| (vote[axis] + RATING_MIDPOINT) as f32);
        npz.numbers(name, &[names.len() as u64], values)?;
    }
    Ok(())
}
