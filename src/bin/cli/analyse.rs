//! `analyse`: the mood of files over time.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use indicatif::ProgressBar;
use moodring::model::Model;
use moodring::model::space::LabelSpace;
use moodring::outputs::csv;
use moodring::outputs::plot::plot_readings;
use moodring::reading::Reading;
use moodring::why::{GROUPS, Why};
use serde_json::{Map, Value, json};

use crate::jobs::{self, FileMood, Wanted};

/// Read the mood of files: one row per reading, then one summary row per file.
///
/// A row has the file, time_secs (the end of the 10-s window), the phase (listening = fewer than 10 s heard, so provisional;
/// live; silent), and per label space the share of votes of its first pole, 0 to 1: `excited` and `joy` with the shipped model.
/// In silence shares are null (csv: empty). The summary row has the mean shares of the whole file.
///
/// With --why, `why` tells for each share how harmony, pulse, colour, dynamics and percussion pushed it: by how much it would be
/// smaller if that side of the music were as in the average song. The pushes of a share do not add up to it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  moodring-cli analyse song.mp3\n  \
    moodring-cli analyse *.flac --format csv --out moods.csv\n  \
    moodring-cli analyse set.wav --every 10 --plot set.png")]
pub struct Args {
    /// The audio files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How rows are written.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Where rows go, if not to the terminal.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Draw the mood over time; with several files each gets its own picture, PNG-NAME.png.
    #[arg(long, value_name = "PNG")]
    plot: Option<PathBuf>,
    /// A model of your own (.onnx, its card .json beside it) instead of the shipped one.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Seconds between readings; 0 for all (5.4 a second).
    #[arg(long, value_name = "SECS", default_value_t = 1.0, value_parser = interval)]
    every: f64,
    /// Also tell what pushed each reading; takes several times as long.
    #[arg(long)]
    why: bool,
}

impl Args {
    fn wanted(&self) -> Wanted {
        Wanted { every_secs: self.every, why: self.why }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

fn interval(text: &str) -> Result<f64, String> {
    let secs: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.0..=86_400.0).contains(&secs) {
        Ok(secs)
    } else {
        Err("must be between 0 and 86400 seconds".to_owned())
    }
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let model = jobs::model(args.model.as_deref())?;
    let mut rows = Rows::create(args, &model)?;
    let bar = progress(args);
    let failed = match args.files.as_slice() {
        [path] => one_file(args, &model, path, &mut rows, &bar)?,
        _ => many_files(args, &model, &mut rows, &bar)?,
    };
    bar.finish_and_clear();
    rows.finish()?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Reads a single file, whose rows are written as they come: a set of ten hours takes no more memory than a song, unless it is to be
/// drawn. Whether it failed.
fn one_file(
    args: &Args,
    model: &Arc<Model>,
    path: &Path,
    rows: &mut Rows,
    bar: &ProgressBar,
) -> anyhow::Result<bool> {
    let file = path.display().to_string();
    let on_secs = |secs: f64, total: Option<f64>| {
        bar.set_length(total.unwrap_or(secs) as u64);
        bar.set_position(secs as u64);
    };
    let (mut drawn, mut written) = (Vec::new(), Ok(()));
    let on_reading = |reading: &Reading, why: Option<&Why>| {
        if args.plot.is_some() {
            drawn.push(*reading);
        }
        if written.is_ok() {
            written = rows.write_reading(&file, reading, why);
        }
    };
    let mood = jobs::guarded(|| jobs::read_file(path, model, args.wanted(), on_secs, on_reading));
    written?;
    let failed = mood.is_err();
    match mood {
        Ok(mood) => rows.write_end(&file, &mood).and_then(|()| plot(args, model, path, &drawn))?,
        Err(why) => bar.suspend(|| eprintln!("error: {file}: {why:#}")),
    }
    Ok(failed)
}

/// Reads several files on all cores; their rows come file by file. Whether any failed.
fn many_files(
    args: &Args,
    model: &Arc<Model>,
    rows: &mut Rows,
    bar: &ProgressBar,
) -> anyhow::Result<bool> {
    let read = |path: &PathBuf| {
        let mut readings = Vec::new();
        let keep = |reading: &Reading, why: Option<&Why>| readings.push((*reading, why.copied()));
        let mood = jobs::read_file(path, model, args.wanted(), |_, _| (), keep);
        bar.inc(1);
        mood.map(|mood| (mood, readings))
    };
    let (mut failed, mut written) = (false, Ok(()));
    jobs::each(&args.files, read, |path, read| {
        let file = path.display().to_string();
        let outcome = match read {
            Ok((mood, readings)) => readings
                .iter()
                .try_for_each(|(reading, why)| rows.write_reading(&file, reading, why.as_ref()))
                .and_then(|()| rows.write_end(&file, &mood))
                .and_then(|()| {
                    let drawn: Vec<Reading> =
                        readings.iter().map(|(reading, _)| *reading).collect();
                    plot(args, model, path, &drawn)
                }),
            Err(why) => {
                bar.suspend(|| eprintln!("error: {file}: {why:#}"));
                failed = true;
                Ok(())
            }
        };
        if written.is_ok() {
            written = outcome;
        }
    });
    written.map(|()| failed)
}

fn progress(args: &Args) -> ProgressBar {
    let rows_on_screen = args.out.is_none() && std::io::stdout().is_terminal();
    match args.files.len() {
        _ if rows_on_screen => ProgressBar::hidden(),
        1 => jobs::progress(0, "s"),
        files => jobs::progress(files as u64, "files"),
    }
}

/// The rows' file or standard output.
struct Rows {
    writer: Box<dyn Write>,
    format: Format,
    spaces: Vec<LabelSpace>,
    why: bool,
}

impl Rows {
    fn create(args: &Args, model: &Model) -> anyhow::Result<Self> {
        let writer: Box<dyn Write> = match &args.out {
            Some(path) => {
                let file = File::create(path);
                let named = || format!("cannot write {}", path.display());
                Box::new(BufWriter::new(file.with_context(named)?))
            }
            None => Box::new(std::io::stdout().lock()),
        };
        let spaces = model.card().spaces.clone();
        let mut rows = Self { writer, format: args.format, spaces, why: args.why };
        if rows.format == Format::Csv {
            let names: Vec<String> = rows.spaces.iter().flat_map(columns).collect();
            let whys: String = rows.why_columns().map(|name| format!(",{name}")).collect();
            let head = "file,summary,time_secs,phase,heard_secs";
            let tail = "tempo_harmonic_bpm,tempo_percussive_bpm,\
                energy_harmonic_db,energy_percussive_db";
            rows.line(&format!("{head},{},{tail}{whys}", names.join(",")))?;
        }
        Ok(rows)
    }

    /// The summary, and a warning where something was left out.
    fn write_end(&mut self, file: &str, mood: &FileMood) -> anyhow::Result<()> {
        self.write_summary(file, mood)?;
        if mood.broken_packets > 0 {
            let n = mood.broken_packets;
            eprintln!("warning: {file}: {n} packets could not be decoded; the rest was read");
        }
        Ok(())
    }

    /// Columns of what pushed each share; none unless asked for.
    fn why_columns(&self) -> impl Iterator<Item = String> {
        let spaces = self.spaces.iter().filter(|_| self.why);
        spaces.flat_map(|space| GROUPS.map(|group| format!("{}_why_{}", space.first, group.word())))
    }

    fn write_reading(
        &mut self,
        file: &str,
        reading: &Reading,
        why: Option<&Why>,
    ) -> anyhow::Result<()> {
        let shares = self.spaces.iter().enumerate().flat_map(|(s, space)| {
            let share = reading.shares().get(s).copied();
            let band = share.map(|_| reading.bands[s]);
            row_shares(space, share, band)
        });
        let shares: Vec<Value> = shares.collect();
        let details = [
            ("tempo_harmonic_bpm", reading.tempo_harmonic_bpm),
            ("tempo_percussive_bpm", reading.tempo_percussive_bpm),
            ("energy_harmonic_db", reading.energy_harmonic_db),
            ("energy_percussive_db", reading.energy_percussive_db),
        ];
        let (time_secs, phase) = (rounded(reading.time_secs), reading.phase.word());
        let heard_secs = rounded(f64::from(reading.heard_secs));
        if self.format == Format::Jsonl {
            let mut row = Map::new();
            row.insert("file".into(), json!(file));
            row.insert("time_secs".into(), json!(time_secs));
            row.insert("phase".into(), json!(phase));
            row.insert("heard_secs".into(), json!(heard_secs));
            self.insert_shares(&mut row, &shares);
            for (name, value) in details {
                row.insert(name.into(), json!(rounded(f64::from(value))));
            }
            if self.why {
                row.insert("why".into(), why.map_or(Value::Null, |why| pushes(&self.spaces, why)));
            }
            return self.line(&Value::Object(row).to_string());
        }
        let details = details.map(|(_, value)| rounded(f64::from(value)).to_string()).join(",");
        let (file, shares) = (quoted(file), joined(&shares));
        let whys = self.why_columns().enumerate().map(|(i, _)| {
            let push = why.map(|why| why.pushes[i / GROUPS.len()][i % GROUPS.len()]);
            push.map_or_else(|| ",".to_owned(), |push| format!(",{}", number(push)))
        });
        let whys: String = whys.collect();
        self.line(&format!(
            "{file},false,{time_secs},{phase},{heard_secs},{shares},{details}{whys}"
        ))
    }

    fn write_summary(&mut self, file: &str, mood: &FileMood) -> anyhow::Result<()> {
        let whole = mood.shares();
        let spaces = self.spaces.iter().enumerate();
        let shares: Vec<Value> = spaces
            .flat_map(|(s, space)| row_shares(space, whole.map(|(shares, _)| shares[s]), None))
            .collect();
        let phase = match whole {
            Some((_, false)) => "live",
            Some((_, true)) => "listening",
            None if mood.n_readings == 0 => "waiting",
            None => "silent",
        };
        let duration_secs = rounded(mood.duration_secs);
        if self.format == Format::Jsonl {
            let mut row = Map::new();
            row.insert("file".into(), json!(file));
            row.insert("summary".into(), json!(true));
            row.insert("duration_secs".into(), json!(duration_secs));
            row.insert("readings".into(), json!(mood.n_readings));
            row.insert("phase".into(), json!(phase));
            self.insert_shares(&mut row, &shares);
            return self.line(&Value::Object(row).to_string());
        }
        let (file, shares) = (quoted(file), joined(&shares));
        let whys = ",".repeat(self.why_columns().count());
        self.line(&format!("{file},true,{duration_secs},{phase},,{shares},,,,{whys}"))
    }

    fn insert_shares(&self, row: &mut Map<String, Value>, shares: &[Value]) {
        let names = self.spaces.iter().flat_map(columns);
        row.extend(names.zip(shares.iter().cloned()));
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        match writeln!(self.writer, "{line}") {
            // Whoever reads has read enough, as `head` does.
            Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            outcome => outcome.context("cannot write the rows"),
        }
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.writer.flush().context("cannot write the rows")
    }
}

/// Milliseconds, millidecibels and millibeats are fine enough for people and small enough for files.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Columns of a space: share, band, verdict.
fn columns(space: &LabelSpace) -> impl Iterator<Item = String> {
    csv::share_columns(space).into_iter().chain([format!("{}_ambiguous", space.first)])
}

/// What stands in [`columns`]; null where there is nothing to say.
fn row_shares(space: &LabelSpace, share: Option<f32>, band: Option<[f32; 2]>) -> [Value; 4] {
    let end = |i: usize| band.map_or(Value::Null, |band| number(band[i]));
    let ambiguous = share.map(|share| space.is_ambiguous(share));
    [share.map_or(Value::Null, number), end(0), end(1), json!(ambiguous)]
}

/// A share or a push with the digits that mean something.
fn number(share: f32) -> Value {
    json!((f64::from(share) * 1e6).round() / 1e6)
}

/// For each space by its first pole: the push of every group.
fn pushes(spaces: &[LabelSpace], why: &Why) -> Value {
    let of_space = |s: usize| -> Map<String, Value> {
        why.of_space(s).map(|(group, push)| (group.word().to_owned(), number(push))).collect()
    };
    let spaces = spaces.iter().enumerate();
    Value::Object(spaces.map(|(s, space)| (space.first.clone(), of_space(s).into())).collect())
}

fn joined(shares: &[Value]) -> String {
    let text = |share: &Value| if share.is_null() { String::new() } else { share.to_string() };
    shares.iter().map(text).collect::<Vec<_>>().join(",")
}

/// A text as a field of comma-separated values.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn plot(args: &Args, model: &Model, path: &Path, readings: &[Reading]) -> anyhow::Result<()> {
    let Some(picture) = &args.plot else { return Ok(()) };
    let title = path.file_name().unwrap_or_default().to_string_lossy();
    let picture = if args.files.len() == 1 {
        picture.clone()
    } else {
        let base = picture.file_stem().unwrap_or_default().to_string_lossy();
        let own = path.file_stem().unwrap_or_default().to_string_lossy();
        picture.with_file_name(format!("{base}-{own}.png"))
    };
    plot_readings(&picture, &title, &model.card().spaces, readings, &[])
}
