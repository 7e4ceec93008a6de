//! Plays an audio file through the bundled CLAP plugin in a headless host and shows the mood in the
//! terminal.
//!
//! ```text
//! cargo run --example demo -- --plugin target/bundled/Moodring.clap --audio song.flac --out target/demo [--fast]
//! ```
//!
//! The readings come from where any user would get them: the file that the plugin writes. Leaves
//! `readings.csv` and `mood.png`, once both are whole: a demo that fails leaves those of the one
//! before.

#[path = "../tests/support/host.rs"]
mod host;
#[path = "demo/interrupt.rs"]
mod interrupt;
#[path = "demo/meter.rs"]
mod meter;
#[path = "demo/rows.rs"]
mod rows;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use moodring::decode::{self, Decoded};
use moodring::model::Model;
use moodring::outputs::row;
use moodring::plot::canvas::is_ours;
use moodring::plot::{Section, plot_readings};

use host::Host;
use meter::Meter;
use rows::Rows;

/// Samples in a block, as in a host set for low latency.
const BLOCK_SAMPLES: usize = 512;

/// How often the meter is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Most channels that the plugin takes; of more, the first ones are played.
const MAX_CHANNELS: usize = 8;

/// Plays an audio file through the bundled plugin and shows the mood while it plays.
#[derive(Parser)]
struct Args {
    /// The bundled plugin, Moodring.clap.
    #[arg(long)]
    plugin: PathBuf,
    /// The music: wav, flac, mp3, ogg or m4a.
    #[arg(long)]
    audio: PathBuf,
    /// Sections to mark in the picture: a CSV file with the columns start_secs, end_secs and name.
    #[arg(long)]
    sections: Option<PathBuf>,
    /// Folder for readings.csv and mood.png.
    #[arg(long)]
    out: PathBuf,
    /// Render offline at full speed instead of playing in real time.
    #[arg(long)]
    fast: bool,
    /// Replace readings.csv and mood.png in that folder, whatever they hold.
    #[arg(long)]
    force: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let sections = match &args.sections {
        Some(path) => sections(path)?,
        None => Vec::new(),
    };
    let mut music = decode::decode(&args.audio)
        .with_context(|| format!("cannot play {}", args.audio.display()))?;
    if let Some(missing) = &music.missing {
        eprintln!("warning: {}: {missing}", args.audio.display());
    }
    music.channels.truncate(MAX_CHANNELS);
    let model = Model::shipped()?;
    let spaces = &model.card().spaces;

    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let readings_path = output(args, "readings.csv", holds_readings)?;
    let png_path = output(args, "mood.png", |path| File::open(path).is_ok_and(is_ours))?;
    // The plugin appends, so it gets a file of its own.
    let mut growing = tempfile::Builder::new();
    growing.prefix(".readings-").suffix(".part");
    #[cfg(unix)]
    growing.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let growing = growing.tempfile_in(&args.out)?.into_temp_path();
    let csv_path = std::path::absolute(&growing)?;
    let mut rows = Rows::follow(csv_path.clone());
    let mut meter = Meter::new(spaces.clone(), music.channels[0].len() as f64 / music.rate_hz);
    play(args, &music, &csv_path, &mut rows, &mut meter)?;
    // The plugin is gone, so every reading is in the file.
    rows.update();
    meter.finish(rows.newest(), interrupt::came());
    ensure!(!rows.readings().is_empty(), "no reading: the music lasts less than a second");
    let title = args.audio.file_stem().unwrap_or_default().to_string_lossy();
    plot_readings(&png_path, &title, spaces, rows.readings(), &sections)?;
    let kept = growing.persist(&readings_path);
    kept.with_context(|| format!("cannot write {}", readings_path.display()))
}

/// Plays all of `music` through the plugin, in real time or as fast as it goes, until its end or
/// Ctrl-C.
fn play(
    args: &Args,
    music: &Decoded,
    csv_path: &Path,
    rows: &mut Rows,
    meter: &mut Meter,
) -> Result<()> {
    interrupt::catch();
    let mut host = Host::load(&args.plugin)?;
    host.set_field("csv_path", csv_path.to_str().context("the path of --out is no text")?)?;
    host.select_channels(music.channels.len())?;
    host.render_offline(args.fast)?;
    let mut playing = host.activate(music.rate_hz, BLOCK_SAMPLES)?;
    let began = Instant::now();
    let mut drawn = began;
    playing.play(&music.channels, std::iter::repeat(BLOCK_SAMPLES), |played| {
        let played_secs = played as f64 / music.rate_hz;
        if drawn.elapsed() >= DRAW_EVERY || played == music.channels[0].len() {
            drawn = Instant::now();
            rows.update();
            meter.draw(played_secs, rows.newest());
        }
        if !args.fast {
            let due = Duration::from_secs_f64(played_secs);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        !interrupt::came()
    })?;
    Ok(())
}

/// The path of an output, whose place is free or taken by an earlier demo's (that `is_ours` knows),
/// and by no input.
fn output(args: &Args, name: &str, is_ours: impl Fn(&Path) -> bool) -> Result<PathBuf> {
    let path = args.out.join(name);
    let Ok(real) = path.canonicalize() else { return Ok(path) };
    for input in [Some(&args.plugin), Some(&args.audio), args.sections.as_ref()] {
        let is_input = input.is_some_and(|input| input.canonicalize().is_ok_and(|it| it == real));
        ensure!(!is_input, "{} would be replaced; choose another folder", path.display());
    }
    let may_replace = args.force || is_ours(&path);
    ensure!(
        may_replace,
        "{} is none of an earlier demo; choose another folder, or replace it with --force",
        path.display()
    );
    Ok(path)
}

/// Whether a file is empty or begins as the plugin's files of readings do.
fn holds_readings(path: &Path) -> bool {
    let text = std::fs::read_to_string(path);
    text.is_ok_and(|text| text.lines().next().is_none_or(row::is_csv_header))
}

/// The sections in a CSV file with a header; columns beyond the first three are for others.
fn sections(path: &Path) -> Result<Vec<Section>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the sections in {}", path.display()))?;
    let section = |line: &str| {
        let mut fields = line.split(',').map(str::trim);
        let mut field = || fields.next().with_context(|| format!("a field is missing in {line:?}"));
        Ok(Section {
            start_secs: field()?.parse()?,
            end_secs: field()?.parse()?,
            name: field()?.to_owned(),
        })
    };
    text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(section).collect()
}
