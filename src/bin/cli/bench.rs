//! `bench`: what the analysis costs on this machine.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::model::int8::Kernel;

use crate::jobs;
use crate::out::Sink;
use crate::out::check::Plan;

mod cost;
mod kernels;
mod music;
mod report;
mod stages;
mod whole;

use cost::cost;
use music::Music;
use report::{Costs, Machine, ModelLoaded, Report, rounded};

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

/// Runs the command: what the analysis costs here.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut plan = Plan::default();
    args.file.iter().for_each(|file| plan.reads("the input", file));
    plan.reads_model(args.model.as_deref());
    plan.writes_to_stdout();
    plan.check()?;
    let music = args.file.as_deref().map_or_else(|| Ok(Music::made()), Music::read)?;
    let report = measure(args, &music)?;
    let mut out = Sink::standard();
    let written = if args.json {
        serde_json::to_string_pretty(&report)
            .map_err(anyhow::Error::from)
            .and_then(|json| Ok(writeln!(out, "{json}")?))
    } else {
        report.write_table(&mut out).map_err(anyhow::Error::from)
    };
    written.and_then(|()| out.finish()).context("cannot write what was measured")?;
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &Args, music: &Music) -> anyhow::Result<Report> {
    let began = Instant::now();
    let model = jobs::model(args.model.as_deref())?;
    let load_ms = rounded(began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    let mut analyser = Analyser::new(music.rate_hz, Layout::MONO, &model)?;
    let analyser_ms = began.elapsed().as_secs_f64() * 1e3;
    let (end_to_end, allocations) = whole::end_to_end(&mut analyser, music)?;
    let mut frame = Vec::new();
    stages::each(&music.samples, music.rate_hz, |name, stage| frame.push((name, cost(stage))))?;
    let card = model.card();
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        model: ModelLoaded { name: card.name.clone(), version: card.version.clone(), load_ms },
        machine: Machine {
            architecture: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            int8_kernels: Kernel::all().iter().map(|kernel| kernel.name()).collect(),
        },
        music: report::Music { rate_hz: music.rate_hz, secs: music.secs() },
        frame_us: Costs(frame),
        reading_us: whole::readings(&model, music)?,
        lstm_us: kernels::costs(),
        end_to_end,
        allocations_per_update: allocations
            .calls
            .map(|calls| calls.div_ceil(allocations.readings.max(1))),
        allocations,
        instance: whole::instance(music.rate_hz, analyser_ms),
        audio_thread: whole::audio_thread(music),
        sessions: if args.long { whole::sessions(&model, music)? } else { Vec::new() },
    })
}
