//! `bench`: what the analysis costs on this machine.

mod kernels;
mod music;
mod report;
mod stages;
mod whole;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::model::int8::Kernel;
use moodring::units::samples_to_secs;

use crate::jobs;
use crate::out::Sink;
use crate::out::check::Plan;
use music::{MADE_RATE_HZ, MUSIC_SECS};
use report::{Cost, Machine, ModelReport, Music, Report, Rounded};

/// Measure what the analysis costs on this machine: per frame and stage, per reading, per instance,
/// and end to end.
///
/// Times are of this thread alone, the median of several rounds, with the fastest beside it; on a
/// busy machine trust ratios within one run more than the numbers. Allocations are counted in the
/// warm state, from samples to readings.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  moodring-cli bench\n  moodring-cli bench song.flac --json\n  \
    moodring-cli bench --long"
)]
pub struct Args {
    /// Music to measure with, at least 20 s; without it, chords and drums made for the purpose.
    file: Option<PathBuf>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// A model of your own (.onnx, its card .json beside it) instead of the shipped one.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Also analyse sessions of 10 s to 10 h, one after the other: minutes.
    #[arg(long)]
    long: bool,
}

/// Rounds of a measurement, and what each should take.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(20);

/// Runs the command: what the analysis costs here.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut plan = Plan::default();
    args.file.iter().for_each(|file| plan.reads("the input", file));
    plan.reads_model(args.model.as_deref());
    plan.writes_to_stdout();
    plan.check()?;
    let (music, rate_hz) = match &args.file {
        Some(path) => music::read(path)?,
        None => (music::made(MUSIC_SECS, MADE_RATE_HZ), MADE_RATE_HZ),
    };
    let report = measure(args, &music, rate_hz)?;
    let mut out = Sink::standard();
    let written =
        if args.json { report.write_json(&mut out) } else { report.write_table(&mut out) };
    let written = written.map_err(anyhow::Error::from).and_then(|()| out.finish());
    written.context("cannot write what was measured")?;
    Ok(ExitCode::SUCCESS)
}

/// The cost of one of many calls of `body`.
fn cost(mut body: impl FnMut()) -> Cost {
    let began = Instant::now();
    body();
    let once = began.elapsed().max(Duration::from_nanos(50));
    let calls = (ROUND.as_nanos() / once.as_nanos()).clamp(1, 100_000) as u32;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            (0..calls).for_each(|_| body());
            began.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    Cost { median: Rounded(rounds[ROUNDS / 2]), least: Rounded(rounds[0]) }
}

fn measure(args: &Args, music: &[f32], rate_hz: f64) -> anyhow::Result<Report> {
    let began = Instant::now();
    let model = jobs::model(args.model.as_deref())?;
    let load_ms = Rounded(began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    let mut analyser = Analyser::new(rate_hz, Layout::MONO, &model)?;
    let instance_ms = began.elapsed().as_secs_f64() * 1e3;
    let (end_to_end, allocations) = whole::end_to_end(&mut analyser, music, rate_hz)?;
    let card = model.card();
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine {
            architecture: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            int8_kernels: Kernel::all().iter().map(|kernel| kernel.name()).collect(),
        },
        model: ModelReport { name: card.name.clone(), version: card.version.clone(), load_ms },
        music: Music { rate_hz, secs: samples_to_secs(music.len() as u64, rate_hz) },
        frame_us: stages::stages(music, rate_hz)?,
        reading_us: stages::readings(&model, music, rate_hz)?,
        lstm_us: kernels::kernels(),
        end_to_end,
        allocations_per_update: allocations
            .calls
            .map(|calls| calls.div_ceil(allocations.readings.max(1))),
        allocations,
        instance: whole::instance(rate_hz, instance_ms),
        audio_thread: whole::audio_thread(rate_hz, music),
        sessions: if args.long { whole::sessions(&model, music, rate_hz)? } else { Vec::new() },
    })
}
