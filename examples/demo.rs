//! Plays an audio file through the bundled CLAP plugin in a headless host and shows the mood in the terminal.
//!
//! ```text
//! cargo run --example demo -- --plugin target/bundled/Moodring.clap --audio song.flac --out target/demo [--fast]
//! ```
//!
//! The readings come from where any user would get them: the file that the plugin writes. Leaves `readings.csv` and `mood.png`.

#[path = "../tests/support/host.rs"]
mod host;
#[path = "demo/interrupt.rs"]
mod interrupt;
#[path = "demo/meter.rs"]
mod meter;
#[path = "demo/rows.rs"]
mod rows;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use moodring::decode::{self, Decoded};
use moodring::model::Model;
use moodring::outputs::plot::{Section, plot_readings};

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
}

fn main() -> Result<()> {
    let args = Args::parse();
    let sections = match &args.sections {
        Some(path) => sections(path)?,
        None => Vec::new(),
    };
    let mut music = decode::decode(&args.audio)
        .with_context(|| format!("cannot play {}", args.audio.display()))?;
    music.channels.truncate(MAX_CHANNELS);
    let model = Model::shipped()?;
    let spaces = &model.card().spaces;

    std::fs::create_dir_all(&args.out)?;
    let csv_path = fresh(args.out.join("readings.csv"))?;
    let png_path = fresh(args.out.join("mood.png"))?;
    let mut rows = Rows::follow(csv_path.clone());
    let mut meter = Meter::new(spaces.clone(), music.channels[0].len() as f64 / music.rate_hz);
    play(&args, &music, &csv_path, &mut rows, &mut meter)?;
    meter.finish();

    // The plugin is gone, so every reading is in the file.
    rows.update();
    ensure!(!rows.readings().is_empty(), "no reading: the music lasts less than a second");
    let title = args.audio.file_stem().unwrap_or_default().to_string_lossy();
    plot_readings(&png_path, &title, spaces, rows.readings(), &sections)
}

/// Plays all of `music` through the plugin, in real time or as fast as it goes, until its end or Ctrl-C.
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
        if drawn.elapsed() >= DRAW_EVERY {
            drawn = Instant::now();
            rows.update();
            meter.draw(played_secs, rows.readings().last());
        }
        if !args.fast {
            let due = Duration::from_secs_f64(played_secs);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        !interrupt::came()
    })?;
    Ok(())
}

/// `path`, absolute and with what an earlier demo left there gone: the plugin appends.
fn fresh(path: PathBuf) -> Result<PathBuf> {
    if path.exists() {
        std::fs::remove_file(&path)
            .with_context(|| format!("cannot replace {}", path.display()))?;
    }
    Ok(std::path::absolute(path)?)
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
