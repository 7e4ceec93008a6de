//! `analyse`: the mood of files over time.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use indicatif::ProgressBar;
use moodring::decode::Outcome;
use moodring::model::Model;
use moodring::model::space::LabelSpace;
use moodring::outputs::csv;
use moodring::outputs::plot::plot_readings;
use moodring::reading::Reading;
use moodring::why::{GROUPS, Why};
use serde_json::{Map, Value, json};
use tempfile::SpooledTempFile;

use crate::jobs::{self, FileMood, Wanted};

/// Rows of one file that wait in memory for the files before it, bytes: a song's. More of them wait in a temporary file.
const WAITING_BYTES: usize = 256 << 10;

const CANNOT_WRITE: &str = "cannot write the rows";

/// Read the mood of files: one row per reading, then one summary row per file.
///
/// A row has the file, time_secs (the end of the 10-s window), the phase (listening = fewer than 10 s heard, so provisional;
/// live; silent), and per label space the share of votes of its first pole, 0 to 1: `excited` and `joy` with the shipped model.
/// In silence shares are null (csv: empty). The summary row has the mean shares of the whole file, whether it was read completely, and
/// by how many seconds it is shorter than it promised (missing_secs; null where it broke off and had not said how long it is). Where
/// sound is lost in the middle, silence stands in its place.
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
    let rows = Rows { format: args.format, spaces: model.card().spaces.clone(), why: args.why };
    let mut out = Out::create(args)?;
    rows.write_head(&mut out).context(CANNOT_WRITE)?;
    let bar = progress(args);
    let failed = match args.files.as_slice() {
        [path] => one_file(args, &model, path, &rows, &mut out, &bar)?,
        _ => many_files(args, &model, &rows, &mut out, &bar)?,
    };
    bar.finish_and_clear();
    out.flush().context(CANNOT_WRITE)?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Reads a single file, whose rows are written as they come. Whether it failed.
fn one_file(
    args: &Args,
    model: &Arc<Model>,
    path: &Path,
    rows: &Rows,
    out: &mut Out,
    bar: &ProgressBar,
) -> anyhow::Result<bool> {
    let on_secs = |secs: f64, total: Option<f64>| {
        bar.set_length(total.unwrap_or(secs) as u64);
        bar.set_position(secs as u64);
    };
    match jobs::guarded(|| read_rows(args, model, path, rows, out, on_secs)) {
        Ok(read) => finish_file(args, model, path, &read).map(|()| false),
        Err(why) => {
            bar.suspend(|| eprintln!("error: {}: {why:#}", path.display()));
            Ok(true)
        }
    }
}

/// Reads several files on all cores; their rows come file by file. Whether any failed.
fn many_files(
    args: &Args,
    model: &Arc<Model>,
    rows: &Rows,
    out: &mut Out,
    bar: &ProgressBar,
) -> anyhow::Result<bool> {
    let read = |path: &PathBuf| {
        // Until the files before it are done.
        let mut waiting = BufWriter::new(SpooledTempFile::new(WAITING_BYTES));
        let read = read_rows(args, model, path, rows, &mut waiting, |_, _| ());
        bar.inc(1);
        let read = read?;
        let mut waiting = waiting.into_inner().context(CANNOT_WRITE)?;
        waiting.rewind().context(CANNOT_WRITE)?;
        Ok((waiting, read))
    };
    let (mut failed, mut written) = (false, Ok(()));
    jobs::each(&args.files, read, |path, read| match read {
        Ok((mut waiting, read)) if written.is_ok() => {
            let copied = io::copy(&mut waiting, out).context(CANNOT_WRITE);
            written = copied.and_then(|_| finish_file(args, model, path, &read));
        }
        Ok(_) => {}
        Err(why) => {
            bar.suspend(|| eprintln!("error: {}: {why:#}", path.display()));
            failed = true;
        }
    });
    written.map(|()| failed)
}

/// What a file leaves to do once its rows are written.
struct Read {
    outcome: Outcome,
    /// Readings for the picture; none where there is to be none.
    drawn: Vec<Reading>,
}

/// Reads a file and writes its rows and its summary as they come: a set of ten hours takes no more memory than a song, unless it is
/// to be drawn.
fn read_rows(
    args: &Args,
    model: &Arc<Model>,
    path: &Path,
    rows: &Rows,
    out: &mut dyn Write,
    on_secs: impl Fn(f64, Option<f64>),
) -> anyhow::Result<Read> {
    let file = path.display().to_string();
    let (mut drawn, mut written) = (Vec::new(), Ok(()));
    let on_reading = |reading: &Reading, why: Option<&Why>| {
        if args.plot.is_some() {
            drawn.push(*reading);
        }
        if written.is_ok() {
            written = rows.write_reading(out, &file, reading, why);
        }
    };
    let mood = jobs::read_file(path, model, args.wanted(), on_secs, on_reading)?;
    written.and_then(|()| rows.write_summary(out, &file, &mood)).context(CANNOT_WRITE)?;
    Ok(Read { outcome: mood.outcome, drawn })
}

/// Draws a file's picture, and warns where something was left out.
fn finish_file(args: &Args, model: &Model, path: &Path, read: &Read) -> anyhow::Result<()> {
    jobs::warn(path, &read.outcome);
    plot(args, model, path, &read.drawn)
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
struct Out(Box<dyn Write>);

impl Out {
    fn create(args: &Args) -> anyhow::Result<Self> {
        Ok(Self(match &args.out {
            Some(path) => {
                let file = File::create(path);
                let named = || format!("cannot write {}", path.display());
                Box::new(BufWriter::new(file.with_context(named)?))
            }
            None => Box::new(io::stdout().lock()),
        }))
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            // Whoever reads has read enough, as `head` does.
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            outcome => outcome,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How rows are written.
struct Rows {
    format: Format,
    spaces: Vec<LabelSpace>,
    why: bool,
}

impl Rows {
    fn write_head(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.format == Format::Jsonl {
            return Ok(());
        }
        let names: Vec<String> = self.spaces.iter().flat_map(columns).collect();
        let whys: String = self.why_columns().map(|name| format!(",{name}")).collect();
        let head = "file,summary,time_secs,phase,heard_secs";
        let tail = "tempo_harmonic_bpm,tempo_percussive_bpm,\
            energy_harmonic_db,energy_percussive_db,complete,missing_secs";
        writeln!(out, "{head},{},{tail}{whys}", names.join(","))
    }

    /// Columns of what pushed each share; none unless asked for.
    fn why_columns(&self) -> impl Iterator<Item = String> {
        let spaces = self.spaces.iter().filter(|_| self.why);
        spaces.flat_map(|space| GROUPS.map(|group| format!("{}_why_{}", space.first, group.word())))
    }

    fn write_reading(
        &self,
        out: &mut dyn Write,
        file: &str,
        reading: &Reading,
        why: Option<&Why>,
    ) -> io::Result<()> {
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
            return writeln!(out, "{}", Value::Object(row));
        }
        let details = details.map(|(_, value)| rounded(f64::from(value)).to_string()).join(",");
        let (file, shares) = (quoted(file), joined(&shares));
        let whys = self.why_columns().enumerate().map(|(i, _)| {
            let push = why.map(|why| why.pushes[i / GROUPS.len()][i % GROUPS.len()]);
            push.map_or_else(|| ",".to_owned(), |push| format!(",{}", number(push)))
        });
        let whys: String = whys.collect();
        writeln!(out, "{file},false,{time_secs},{phase},{heard_secs},{shares},{details},,{whys}")
    }

    fn write_summary(&self, out: &mut dyn Write, file: &str, mood: &FileMood) -> io::Result<()> {
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
        let complete = mood.outcome.is_complete();
        let missing_secs = mood.outcome.missing_secs().map(rounded);
        if self.format == Format::Jsonl {
            let mut row = Map::new();
            row.insert("file".into(), json!(file));
            row.insert("summary".into(), json!(true));
            row.insert("duration_secs".into(), json!(duration_secs));
            row.insert("complete".into(), json!(complete));
            row.insert("missing_secs".into(), json!(missing_secs));
            row.insert("readings".into(), json!(mood.n_readings));
            row.insert("phase".into(), json!(phase));
            self.insert_shares(&mut row, &shares);
            return writeln!(out, "{}", Value::Object(row));
        }
        let (file, shares) = (quoted(file), joined(&shares));
        let whys = ",".repeat(self.why_columns().count());
        let missing_secs = missing_secs.map_or_else(String::new, |secs| secs.to_string());
        writeln!(
            out,
            "{file},true,{duration_secs},{phase},,{shares},,,,,{complete},{missing_secs}{whys}"
        )
    }

    fn insert_shares(&self, row: &mut Map<String, Value>, shares: &[Value]) {
        let names = self.spaces.iter().flat_map(columns);
        row.extend(names.zip(shares.iter().cloned()));
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
