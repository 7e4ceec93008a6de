//! A history of readings as a file that the user asked for: rows (CSV, JSON) or a picture (PNG),
//! written by a thread of its own.
//!
//! ```text
//! time_secs,phase,excited,excited_ambiguous,joy,joy_ambiguous,tempo_percussive_bpm,energy_harmonic_db,energy_percussive_db
//! 12.260000,live,0.731250,false,0.442100,true,92.29,-18.02,-20.31
//! ```
//!
//! The columns are those of [`Rows::History`](crate::outputs::row::Rows::History). What there is no
//! number for is empty, in JSON null: the shares of silence, and whatever is not finite. JSON is
//! one array of an object for each row.
//!
//! The file is there only once it is whole ([`WholeFile`]): until then, and whatever goes wrong,
//! what was there stays as it was. A path that is a pipe or a device is refused and never opened,
//! so that nothing waits for whoever is at its other end.
//!
//! **Architecture Invariant**: no thread outlives its [`Export`], so a host may unload the plugin's
//! code as soon as it is gone, but one whose file does not answer, which is left behind
//! ([`crate::errand`]).

mod csv;
mod json;
mod png;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use atomic_float::AtomicF32;

use crate::errand;
use crate::files::whole::WholeFile;
use crate::history::Point;
use crate::model::space::LabelSpace;
use crate::plot::PlotError;
use crate::reading::{Reading, Stamped};

/// Why a history is not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Nobody wants it any more.
    #[error("it was cancelled")]
    Cancelled,
    /// What writes it came to an end half-way, by a fault of its own.
    #[error("it stopped half-way")]
    Stopped,
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// There is no picture.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

type Result<T, E = ExportError> = std::result::Result<T, E>;

/// Name of the thread that writes an export.
pub const EXPORT_THREAD: &str = "mood-export";

/// How long a cancelled export may take to end: some times as long as a picture takes between two
/// looks at whether it is wanted.
const END_LIMIT: Duration = Duration::from_secs(2);

/// The progress at which a picture is painted, and that at which all is written; the rest is the
/// disk's.
const PAINTED: f32 = 0.5;
const WRITTEN: f32 = 0.95;

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// One array of objects.
    Json,
    /// A picture of the course of every share.
    Png,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Json, Self::Png];

    /// The format that a file's extension asks for, in whatever case; `None` for any other.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }

    /// The extension of its files, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Png => "png",
        }
    }
}

/// What is exported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// What stands above the picture.
    pub title: String,
    /// The label spaces of the shares.
    pub spaces: Vec<LabelSpace>,
    /// What was read, times rising.
    pub points: Vec<Point>,
}

/// An export under way, or done. Dropping it cancels what is not done yet and waits for the thread
/// to end: milliseconds with rows, some tenths of a second with a picture. A drive that does not
/// answer is not waited for.
pub struct Export {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner share.
#[derive(Default)]
struct Shared {
    progress: AtomicF32,
    is_cancelled: AtomicBool,
    outcome: OnceLock<Result<PathBuf, String>>,
}

impl Export {
    /// Starts to write `course` to `path`. Nothing here fails: what goes wrong is the outcome.
    #[must_use]
    pub fn start(path: PathBuf, format: Format, course: Course) -> Self {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let body = move || of_thread.end(written(&path, format, &course, &of_thread), &path);
        let thread = Builder::new().name(EXPORT_THREAD.to_owned()).spawn(body);
        if let Err(error) = &thread {
            let words = format!(
                "The system refused a thread ({error}). Close other programs and try again."
            );
            _ = shared.outcome.set(Err(words));
        }
        Self { shared, thread: thread.ok() }
    }

    /// How far it is, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f32 {
        self.shared.progress.load(Ordering::Relaxed)
    }

    /// The file, once it is there, or why it is not, and what to do; `None` while it is being
    /// written.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<PathBuf, String>> {
        self.shared.outcome.get().cloned()
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.shared.is_cancelled.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = errand::end(thread, END_LIMIT);
        }
    }
}

impl Shared {
    /// Takes note of `progress`.
    ///
    /// # Errors
    /// If nobody wants the file any more.
    fn go_on(&self, progress: f32) -> Result<()> {
        self.progress.store(progress, Ordering::Relaxed);
        let is_cancelled = self.is_cancelled.load(Ordering::Relaxed);
        if is_cancelled { Err(ExportError::Cancelled) } else { Ok(()) }
    }

    fn end(&self, written: Result<()>, path: &Path) {
        let outcome = match written {
            Ok(()) => Ok(path.to_owned()),
            Err(why) => Err(format!(
                "The history cannot be written to {}: {why}. Choose another place.",
                path.display()
            )),
        };
        if outcome.is_ok() {
            self.progress.store(1.0, Ordering::Relaxed);
        }
        _ = self.outcome.set(outcome);
    }
}

/// Writes `course` to `path`, whole or not at all; a panic on the way is an error like any other.
fn written(path: &Path, format: Format, course: &Course, shared: &Shared) -> Result<()> {
    let write = || -> Result<()> {
        let mut file = WholeFile::create(path)?;
        match format {
            Format::Csv => csv::write(&mut file, course, shared)?,
            Format::Json => json::write(&mut file, course, shared)?,
            Format::Png => png::write(&mut file, course, shared)?,
        }
        shared.go_on(WRITTEN)?;
        Ok(file.finish()?)
    };
    catch_unwind(AssertUnwindSafe(write)).unwrap_or(Err(ExportError::Stopped))
}

/// What was kept of a reading, as one.
fn reading(point: &Point, n_spaces: usize) -> Reading {
    Reading {
        time_secs: point.secs,
        phase: point.phase,
        n_spaces,
        shares: point.shares,
        energy_harmonic_db: point.energy_harmonic_db,
        energy_percussive_db: point.energy_percussive_db,
        tempo_percussive_bpm: point.tempo_percussive_bpm,
        ..Reading::default()
    }
}

impl Course {
    /// What was read, each as one reading.
    fn readings(&self) -> impl Iterator<Item = Reading> {
        self.points.iter().map(|point| reading(point, self.spaces.len()))
    }

    /// The rows of a file, as long as the export goes on.
    fn rows(&self, shared: &Shared) -> impl Iterator<Item = Result<Stamped>> {
        let n_rows = self.points.len() as f32;
        let rows = self.readings().enumerate();
        rows.map(move |(i, row)| shared.go_on(WRITTEN * i as f32 / n_rows).map(|()| row.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use super::*;
    use crate::plot::{HEIGHT, WIDTH};
    use crate::reading::Phase;

    /// A folder of a test's own, removed when it is done.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("moodring-export-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A reading every half second, of which one is silent and one has no tempo that is a number.
    fn history(n_rows: u32) -> Course {
        let row = |i: u32| Point {
            secs: 0.5 * f64::from(i),
            n_spaces: 2,
            phase: if i == 1 { Phase::Silent } else { Phase::Live },
            shares: [0.5 + 0.4 * (i as f32 * 0.01).sin(), 0.25, 0.0, 0.0],
            energy_harmonic_db: -18.25,
            energy_percussive_db: -20.5,
            tempo_percussive_bpm: if i == 2 { f32::NAN } else { 120.0 },
        };
        Course {
            title: "A set".to_owned(),
            spaces: vec![
                LabelSpace::new("excited", "calm", 90.0),
                LabelSpace::new("joy, \"so\"", "sad", 0.0),
            ],
            points: (0..n_rows).map(row).collect(),
        }
    }

    fn outcome(export: &Export) -> Result<PathBuf, String> {
        let began = Instant::now();
        loop {
            if let Some(outcome) = export.outcome() {
                return outcome;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "at {}", export.progress());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Exports to `path` in the format of its extension.
    fn exported(path: &Path, course: Course) -> Result<PathBuf, String> {
        let export = Export::start(path.to_owned(), Format::of_path(path).unwrap(), course);
        let outcome = outcome(&export);
        assert_eq!(outcome.is_ok(), export.progress() == 1.0);
        outcome
    }

    #[test]
    fn an_extension_names_the_format() {
        for format in Format::ALL {
            let path = Path::new("x").with_extension(format.extension().to_uppercase());
            assert_eq!(Format::of_path(&path), Some(format));
        }
        for other in ["", "csv", "a/.json", "a.txt", "a.png.zip"] {
            assert_eq!(Format::of_path(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn rows_of_csv_read_back_as_they_were() {
        let folder = Folder::new("csv");
        let path = folder.0.join("mood.csv");
        assert_eq!(exported(&path, history(5)), Ok(path.clone()));
        let mut reader = ::csv::Reader::from_path(&path).unwrap();
        let names = [
            "time_secs",
            "phase",
            "excited",
            "excited_ambiguous",
            "joy, \"so\"",
            "joy, \"so\"_ambiguous",
            "tempo_percussive_bpm",
        ];
        let header = reader.headers().unwrap().clone();
        assert_eq!(header.iter().take(7).collect::<Vec<_>>(), names);
        let records: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), 5);
        assert_eq!(
            records[1].iter().take(7).collect::<Vec<_>>(),
            ["0.500000", "silent", "", "", "", "", "120.00"]
        );
        assert_eq!(&records[2][6], "");
        for (record, row) in records.iter().zip(history(5).points).skip(2) {
            assert_eq!(record[0].parse(), Ok(row.secs));
            assert!((record[2].parse::<f32>().unwrap() - row.shares[0]).abs() < 1e-6);
            let space = &history(5).spaces[0];
            assert_eq!(record[3].parse(), Ok(space.is_ambiguous(row.shares[0])));
            assert_eq!((&record[7], &record[8]), ("-18.25", "-20.50"));
        }
    }

    #[test]
    fn json_is_an_array_of_rows_with_null_for_what_there_is_not() {
        let folder = Folder::new("json");
        let path = exported(&folder.0.join("mood.json"), history(4)).unwrap();
        let points: Vec<serde_json::Value> =
            serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(points.len(), 4);
        let silent = serde_json::json!({
            "time_secs": 0.5, "phase": "silent", "excited": null, "joy, \"so\"": null,
            "excited_ambiguous": null, "joy, \"so\"_ambiguous": null,
            "tempo_percussive_bpm": 120.0, "energy_harmonic_db": -18.25, "energy_percussive_db": -20.5,
        });
        assert_eq!(points[1], silent);
        assert_eq!(points[2]["tempo_percussive_bpm"], serde_json::Value::Null);
        let share = points[3]["excited"].as_f64().unwrap();
        assert!((share - f64::from(history(4).points[3].shares[0])).abs() < 1e-6);
    }

    #[test]
    fn a_picture_has_the_size_it_says() {
        let folder = Folder::new("png");
        let path = exported(&folder.0.join("mood.png"), history(200)).unwrap();
        let picture = image::open(path).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (WIDTH, HEIGHT));
        assert!(picture.pixels().any(|pixel| pixel != picture.get_pixel(0, 0)));
    }

    #[test]
    fn an_empty_history_is_an_empty_file_of_its_kind() {
        let folder = Folder::new("empty");
        let [csv, json, png] = Format::ALL.map(|format| {
            let path = folder.0.join("mood").with_extension(format.extension());
            fs::read(exported(&path, history(0)).unwrap()).unwrap()
        });
        assert_eq!(String::from_utf8(csv).unwrap().lines().count(), 1);
        assert_eq!(serde_json::from_slice::<Vec<()>>(&json).unwrap(), []);
        assert!(image::load_from_memory(&png).is_ok());
    }

    #[test]
    fn six_hours_are_written_whole_in_every_format() {
        const ROWS: u32 = 6 * 3600 * 2;
        let folder = Folder::new("long");
        for format in Format::ALL {
            let path = folder.0.join("set").with_extension(format.extension());
            exported(&path, history(ROWS)).unwrap();
        }
        let csv = fs::read_to_string(folder.0.join("set.csv")).unwrap();
        assert_eq!(csv.lines().count(), ROWS as usize + 1);
        let json = fs::read(folder.0.join("set.json")).unwrap();
        assert_eq!(
            serde_json::from_slice::<Vec<serde_json::Value>>(&json).unwrap().len(),
            ROWS as usize
        );
        assert!(image::open(folder.0.join("set.png")).is_ok());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_words_that_say_what_to_do() {
        let folder = Folder::new("unwritable");
        let occupied = folder.0.join("folder.csv");
        fs::create_dir(&occupied).unwrap();
        for path in
            [folder.0.join("none").join("mood.csv"), folder.0.join("none/mood.png"), occupied]
        {
            let words = exported(&path, history(3)).unwrap_err();
            assert!(words.contains(&path.display().to_string()), "{words}");
            assert!(words.contains("Choose another place"), "{words}");
        }
        assert_eq!(folder.names(), ["folder.csv"], "something was left behind");
        let export = Export::start(PathBuf::from("/"), Format::Csv, history(1));
        assert!(outcome(&export).unwrap_err().contains("names no file"));
    }

    #[test]
    fn a_picture_of_nothing_leaves_the_file_that_was_there() {
        let folder = Folder::new("kept");
        let path = folder.0.join("mood.png");
        fs::write(&path, "mine").unwrap();
        let words = exported(&path, Course { spaces: Vec::new(), ..history(3) }).unwrap_err();
        assert!(words.contains("nothing to plot"), "{words}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(exported(&path, history(3)), Ok(path.clone()));
        assert!(image::open(&path).is_ok());
        assert_eq!(folder.names(), ["mood.png"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_or_a_device_is_refused_and_nobody_waits_for_its_other_end() {
        let folder = Folder::new("pipe");
        let pipe = folder.0.join("mood.csv");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/full", folder.0.join("mood.json")).unwrap();
        for path in [pipe, folder.0.join("mood.json")] {
            let words = exported(&path, history(3)).unwrap_err();
            assert!(words.contains("a device or a pipe"), "{words}");
            assert!(!path.is_file(), "it was replaced");
        }
    }

    #[test]
    fn a_drive_that_does_not_answer_is_not_waited_for() {
        let (answer, answered) = std::sync::mpsc::channel::<()>();
        let thread = Some(std::thread::spawn(move || _ = answered.recv()));
        let began = Instant::now();
        drop(Export { shared: Arc::default(), thread });
        assert!(began.elapsed() < 2 * END_LIMIT, "{:?}", began.elapsed());
        drop(answer);
    }

    #[test]
    fn what_is_dropped_is_cancelled_and_leaves_nothing() {
        let folder = Folder::new("dropped");
        let path = folder.0.join("set.json");
        fs::write(&path, "mine").unwrap();
        let export = Export::start(path.clone(), Format::Json, history(2_000_000));
        while export.progress() == 0.0 {
            std::thread::yield_now();
        }
        let shared = Arc::downgrade(&export.shared);
        drop(export);
        assert!(shared.upgrade().is_none(), "the thread has outlived its owner");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(folder.names(), ["set.json"]);
    }
}
