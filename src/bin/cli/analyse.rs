//! `analyse`: the mood of files over time.

mod rows;

use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use indicatif::ProgressBar;
use moodring::decode::{DecodeError, Outcome};
use moodring::model::Model;
use moodring::plot::paint_readings;
use moodring::reading::Reading;
use moodring::scan::{self, ScanError, Wanted};
use moodring::why::Why;
use tempfile::SpooledTempFile;

use crate::files;
use crate::jobs;
use crate::out::check::Plan;
use crate::out::kind::Kind;
use crate::out::{Sink, is_standard, tell};
use crate::pictures;
use rows::{Format, Rows};

/// Rows of one file that wait in memory for the files before it, bytes: a song's. More of them wait
/// in a temporary file.
const WAITING_BYTES: usize = 256 << 10;

const CANNOT_WRITE: &str = "cannot write the rows";

/// Read the mood of files: one row per reading, then one summary row per file.
///
/// A row has the file, time_secs (the end of the 10-s window), the phase (listening = fewer than 10
/// s heard, so provisional; live; silent), and per label space the share of votes of its first
/// pole, 0 to 1: `excited` and `joy` with the shipped model. In silence shares are null (csv:
/// empty). The summary row has the means of shares and bands over the whole file, from a reading a
/// second whatever --every says, the tempo that held (0 where none did), whether the file was read
/// completely, and by how many seconds it is shorter than it promised (missing_secs; null where it
/// broke off and had not said how long it is). Where sound is lost in the middle, silence stands in
/// its place.
///
/// With --why, `why` tells for each share how harmony, pulse, colour, dynamics and percussion
/// pushed it: by how much it would be smaller if that side of the music were as in the average
/// song. The pushes of a share do not add up to it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  moodring-cli analyse song.mp3\n  \
    moodring-cli analyse *.flac --format csv --out moods.csv\n  \
    moodring-cli analyse set.wav --every 10 --plot set.png\n  \
    moodring-cli analyse albums/ --summary\n  \
    moodring-cli analyse albums/ --out moods.jsonl")]
pub struct Args {
    /// The audio files, and folders: of a folder, all audio files in and under it, sorted, hidden
    /// ones left out.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How rows are written: jsonl, or, of summaries on a terminal, a table.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// One row a file, none a reading.
    #[arg(long)]
    summary: bool,
    /// Where rows go, if not to the terminal; the file is there once all of it is written.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Draw the mood over time; with several files, or a folder, each file gets its own picture,
    /// PNG-NAME.png.
    ///
    /// NAME is the file's without its ending; where files would share it, with the ending; and
    /// where they still would, with as many of their folders as it takes.
    #[arg(long, value_name = "PNG", value_parser = png_path)]
    plot: Option<PathBuf>,
    /// Replace what is at --out and --plot, though it holds something other than rows and pictures
    /// of this command.
    #[arg(long)]
    force: bool,
    /// A model of your own (.onnx, its card .json beside it) instead of the shipped one.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Seconds between readings, 0 to 86400; 0 for all (5.4 a second).
    #[arg(long, value_name = "SECS", default_value_t = 1.0, value_parser = interval)]
    every: f64,
    /// Fail, with exit code 1, also where a file among others is no audio at all, such as a text
    /// file in `albums/*`; else that is told and no more.
    #[arg(long)]
    strict: bool,
    /// Also tell what pushed each reading; takes several times as long.
    #[arg(long)]
    why: bool,
}

impl Args {
    fn format(&self) -> Format {
        let on_screen = self.summary && self.writes_to_stdout() && io::stdout().is_terminal();
        self.format.unwrap_or(if on_screen { Format::Table } else { Format::Jsonl })
    }

    fn writes_to_stdout(&self) -> bool {
        self.out.as_deref().is_none_or(is_standard)
    }

    fn wanted(&self) -> Wanted {
        // Summaries have a second of their own.
        let every_secs = if self.summary && self.plot.is_none() { 1.0 } else { self.every };
        Wanted { every_secs, why: self.why && !self.summary }
    }
}

fn png_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(path),
        _ => Err("pictures are PNG: the name must end in .png".to_owned()),
    }
}

fn interval(text: &str) -> Result<f64, String> {
    let secs: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.0..=86_400.0).contains(&secs) {
        Ok(secs)
    } else {
        Err("must be between 0 and 86400 seconds".to_owned())
    }
}

/// What went wrong with single files, and was told.
#[derive(Default)]
struct Failed {
    n_unread: usize,
    n_undrawn: usize,
    /// Of those unread, how many are no audio at all.
    n_foreign: usize,
}

impl Failed {
    fn unread(&mut self, song: &Song, why: &anyhow::Error, bar: &ProgressBar) {
        self.n_unread += 1;
        // Who names a song so wants it read.
        let is_foreign = files::ending(&song.path).is_none()
            && matches!(
                why.downcast_ref::<ScanError>(),
                Some(ScanError::Decode(DecodeError::NotAudio(_)))
            );
        self.n_foreign += usize::from(is_foreign);
        let severity = if is_foreign { "skipped" } else { "error" };
        bar.suspend(|| tell(format_args!("{severity}: {}: {why:#}", song.path.display())));
    }

    /// Draws the picture of a file, and warns where something of it was left out.
    fn finish(&mut self, model: &Model, song: &Song, read: &Read, bar: &ProgressBar) {
        bar.suspend(|| jobs::warn(&song.path, &read.outcome));
        let drawn = song.picture.as_ref().map(|picture| draw(model, song, read, picture));
        if let Some(Err(why)) = drawn {
            self.n_undrawn += 1;
            bar.suspend(|| tell(format_args!("error: cannot draw the picture: {why:#}")));
        }
    }
}

fn draw(model: &Model, song: &Song, read: &Read, picture: &Path) -> anyhow::Result<()> {
    let title = song.path.file_name().unwrap_or_default().to_string_lossy();
    let painted = paint_readings(&title, &model.card().spaces, &read.drawn, &[])?;
    let mut file = Sink::to(picture)?;
    painted.write_png(&mut file)?;
    file.finish()
}

/// A file to read, and its picture if there is to be one.
struct Song {
    path: PathBuf,
    picture: Option<PathBuf>,
}

/// Runs the command: rows of every file, in the order of the arguments.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.summary || args.format != Some(Format::Table),
        "--format table has a line a file: add --summary, or choose jsonl or csv"
    );
    let gathered = files::gather(&args.files)?;
    let pictures = pictures(args, &gathered.files);
    check(args, &gathered.files, &pictures)?;
    let mut pictures = pictures.into_iter();
    let song = |path| Song { path, picture: pictures.next() };
    let songs: Vec<Song> = gathered.files.into_iter().map(song).collect();
    let model = jobs::model(args.model.as_deref())?;
    let rows = Rows::new(args.format(), &model.card().spaces, args.why);
    let mut out = match &args.out {
        Some(path) => Sink::to(path)?,
        None => Sink::standard(),
    };
    rows.write_head(&mut out).context(CANNOT_WRITE)?;
    let bar = progress(args, songs.len());
    let mut failed = Failed::default();
    match songs.as_slice() {
        [song] => one_file(args, &model, song, &rows, &mut out, &bar, &mut failed)?,
        _ => many_files(args, &model, &songs, &rows, &mut out, &bar, &mut failed)?,
    }
    bar.finish_and_clear();
    let is_empty = failed.n_unread == songs.len();
    if let Some(path) = &args.out
        && is_empty
    {
        tell(format_args!("error: nothing was read, so nothing is written to {}", path.display()));
        return Ok(ExitCode::FAILURE);
    }
    out.finish().context(CANNOT_WRITE)?;
    // Among others, what is no audio is forgiven.
    let is_forgiving = !args.strict && !is_empty;
    let n_forgiven = if is_forgiving { failed.n_foreign } else { 0 };
    let is_whole = failed.n_unread == n_forgiven && failed.n_undrawn == 0 && !gathered.has_gaps;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The picture of each file; none where there are to be none.
fn pictures(args: &Args, files: &[PathBuf]) -> Vec<PathBuf> {
    match (&args.plot, args.files.as_slice()) {
        (None, _) => Vec::new(),
        (Some(picture), [only]) if !only.is_dir() => vec![picture.clone()],
        (Some(picture), _) => pictures::beside(picture, files),
    }
}

fn check(args: &Args, files: &[PathBuf], pictures: &[PathBuf]) -> anyhow::Result<()> {
    let mut plan = Plan::new(args.force);
    files.iter().for_each(|path| plan.reads("the input", path));
    plan.reads_model(args.model.as_deref());
    match &args.out {
        Some(path) => plan.writes("--out", path, Kind::Rows),
        None => plan.writes_to_stdout(),
    }
    pictures.iter().for_each(|path| plan.writes("--plot", path, Kind::Picture));
    plan.check()
}

/// Reads a single file, whose rows are written as they come.
fn one_file(
    args: &Args,
    model: &Arc<Model>,
    song: &Song,
    rows: &Rows,
    out: &mut Sink,
    bar: &ProgressBar,
    failed: &mut Failed,
) -> anyhow::Result<()> {
    let on_secs = |secs: f64, total: Option<f64>| {
        bar.set_length(total.unwrap_or(secs) as u64);
        bar.set_position(secs as u64);
    };
    match jobs::guarded(|| read_rows(args, model, song, rows, out, on_secs)) {
        Ok(read) => failed.finish(model, song, &read, bar),
        // The song is not to blame.
        Err(why) if out.has_failed() => return Err(why),
        Err(why) => failed.unread(song, &why, bar),
    }
    Ok(())
}

/// Reads several files on all cores; their rows come file by file.
fn many_files(
    args: &Args,
    model: &Arc<Model>,
    songs: &[Song],
    rows: &Rows,
    out: &mut Sink,
    bar: &ProgressBar,
    failed: &mut Failed,
) -> anyhow::Result<()> {
    // Once the rows of one cannot be written, there is no use in reading the others.
    let is_over = AtomicBool::new(false);
    let read = |song: &Song| {
        anyhow::ensure!(!is_over.load(Ordering::Relaxed), "was not read");
        // Until the files before it are done.
        let mut waiting = BufWriter::new(SpooledTempFile::new(WAITING_BYTES));
        let read = read_rows(args, model, song, rows, &mut waiting, |_, _| ());
        bar.inc(1);
        let read = read?;
        let mut waiting = waiting.into_inner().context(CANNOT_WRITE)?;
        waiting.rewind().context(CANNOT_WRITE)?;
        Ok((waiting, read))
    };
    let mut written = Ok(());
    jobs::each(songs, read, |song, read| match read {
        _ if written.is_err() => {}
        Ok((mut waiting, read)) => {
            written = io::copy(&mut waiting, out).map(drop).context(CANNOT_WRITE);
            match &written {
                Ok(()) => failed.finish(model, song, &read, bar),
                Err(_) => is_over.store(true, Ordering::Relaxed),
            }
        }
        Err(why) => failed.unread(song, &why, bar),
    });
    written
}

/// What a file leaves to do once its rows are written.
struct Read {
    outcome: Outcome,
    /// Readings for the picture; none where there is to be none.
    drawn: Vec<Reading>,
}

/// Reads a file and writes its rows and its summary as they come: a set of ten hours takes no more
/// memory than a song, unless it is to be drawn.
fn read_rows(
    args: &Args,
    model: &Arc<Model>,
    song: &Song,
    rows: &Rows,
    out: &mut dyn Write,
    on_secs: impl Fn(f64, Option<f64>),
) -> anyhow::Result<Read> {
    let file = song.path.display().to_string();
    let (mut drawn, mut written) = (Vec::new(), Ok(()));
    let on_reading = |reading: &Reading, why: Option<&Why>| {
        if song.picture.is_some() {
            drawn.push(*reading);
        }
        if written.is_ok() && !args.summary {
            written = rows.write_reading(out, &file, reading, why);
        }
    };
    let mood = scan::read_file(&song.path, model, args.wanted(), on_secs, on_reading)?;
    written.and_then(|()| rows.write_summary(out, &file, &mood)).context(CANNOT_WRITE)?;
    Ok(Read { outcome: mood.outcome, drawn })
}

fn progress(args: &Args, n_files: usize) -> ProgressBar {
    let rows_on_screen = args.writes_to_stdout() && io::stdout().is_terminal();
    match n_files {
        _ if rows_on_screen => ProgressBar::hidden(),
        1 => jobs::progress(0, "s"),
        files => jobs::progress(files as u64, "files"),
    }
}
