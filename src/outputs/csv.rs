//! Readings as comma-separated values: a header, then one row per reading.
//!
//! ```text
//! time_secs,phase,heard_secs,excited,excited_low,excited_high,joy,…,tempo_bpm,…,overrun_samples
//! 12.260000,live,10.00,0.731250,0.560000,0.890000,0.442100,…,92.29,…,0
//! ```
//!
//! Shares are those of each space's first pole, under its name, with the ends of the band that holds listeners' own share four
//! times in five; empty where the phase carries none.
//!
//! One file has one header. Readings of a model with other spaces go to a file beside it, `readings-2.csv`: a second header in the
//! middle would break whoever reads the first. So do those of a version that has other columns.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::files;
use crate::model::space::LabelSpace;
use crate::reading::{Phase, Reading, Stamped};

/// Names of columns, the same wherever readings are written.
pub(super) const TIME: &str = "time_secs";
pub(super) const PHASE: &str = "phase";
pub(super) const TEMPO_PERCUSSIVE: &str = "tempo_percussive_bpm";
pub(super) const ENERGY_HARMONIC: &str = "energy_harmonic_db";
pub(super) const ENERGY_PERCUSSIVE: &str = "energy_percussive_db";

/// Columns before the shares.
const COLUMNS_BEFORE: [&str; 3] = [TIME, PHASE, "heard_secs"];

/// Columns after the shares.
const COLUMNS_AFTER: [&str; 6] = [
    "tempo_bpm",
    "tempo_harmonic_bpm",
    TEMPO_PERCUSSIVE,
    ENERGY_HARMONIC,
    ENERGY_PERCUSSIVE,
    "overrun_samples",
];

/// Columns of one label space: share, low and high end of its band.
const COLUMNS_PER_SPACE: usize = 3;

/// The header for a model with `spaces`, without a line end.
#[must_use]
pub fn header(spaces: &[LabelSpace]) -> String {
    let shares: Vec<String> =
        spaces.iter().flat_map(share_columns).map(|name| field(&name)).collect();
    let shares = shares.iter().map(String::as_str);
    let columns: Vec<&str> =
        COLUMNS_BEFORE.into_iter().chain(shares).chain(COLUMNS_AFTER).collect();
    columns.join(",")
}

/// A space's columns: its first pole's share, and the band around it.
#[must_use]
pub fn share_columns(space: &LabelSpace) -> [String; COLUMNS_PER_SPACE] {
    ["", "_low", "_high"].map(|end| format!("{}{end}", space.first))
}

/// The row of one reading, without a line end.
#[must_use]
pub fn row(stamped: &Stamped, n_spaces: usize) -> String {
    let reading = &stamped.reading;
    let shares = (0..n_spaces).map(|space| match reading.shares().get(space) {
        Some(share) => {
            let [low, high] = reading.bands[space];
            format!(",{},{},{}", fine(*share), fine(low), fine(high))
        }
        None => ",".repeat(COLUMNS_PER_SPACE),
    });
    format!(
        "{},{},{}{},{},{},{},{},{},{}",
        fine(reading.time_secs),
        reading.phase.word(),
        coarse(reading.heard_secs),
        shares.collect::<String>(),
        coarse(reading.tempo_bpm),
        coarse(reading.tempo_harmonic_bpm),
        coarse(reading.tempo_percussive_bpm),
        coarse(reading.energy_harmonic_db),
        coarse(reading.energy_percussive_db),
        stamped.overrun_samples,
    )
}

/// A time or a share as it is written: to a microsecond, or a millionth of the votes.
pub(super) fn fine(value: impl Into<f64>) -> String {
    format!("{:.6}", value.into())
}

/// A tempo, a level or a duration as it is written: to a hundredth of its unit.
pub(super) fn coarse(value: impl Into<f64>) -> String {
    format!("{:.2}", value.into())
}

/// The reading that [`row`] wrote, as far as its columns tell; `None` for the header and anything else.
#[must_use]
pub fn parse_row(line: &str) -> Option<Stamped> {
    let fields: Vec<&str> = line.split(',').collect();
    let n_columns = fields.len().checked_sub(COLUMNS_BEFORE.len() + COLUMNS_AFTER.len())?;
    let n_spaces = n_columns / COLUMNS_PER_SPACE;
    let (before, rest) = fields.split_at(COLUMNS_BEFORE.len());
    let (written, after) = rest.split_at(n_columns);
    let phase = [Phase::Waiting, Phase::Listening, Phase::Live, Phase::Silent]
        .into_iter()
        .find(|phase| phase.word() == before[1])?;
    let mut reading = Reading {
        time_secs: before[0].parse().ok()?,
        phase,
        heard_secs: before[2].parse().ok()?,
        n_spaces,
        tempo_bpm: after[0].parse().ok()?,
        tempo_harmonic_bpm: after[1].parse().ok()?,
        tempo_percussive_bpm: after[2].parse().ok()?,
        energy_harmonic_db: after[3].parse().ok()?,
        energy_percussive_db: after[4].parse().ok()?,
        ..Reading::default()
    };
    if phase.has_shares() {
        let places = reading.shares.get_mut(..n_spaces)?.iter_mut().zip(&mut reading.bands);
        for ((share, band), written) in places.zip(written.chunks_exact(COLUMNS_PER_SPACE)) {
            *share = written[0].parse().ok()?;
            *band = [written[1].parse().ok()?, written[2].parse().ok()?];
        }
    }
    Some(Stamped { overrun_samples: after[5].parse().ok()?, ..reading.into() })
}

/// Any text as a field: in quotes where commas, quotes or line ends ask for it (RFC 4180), or blanks at its ends, which many readers
/// take away.
#[must_use]
pub fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Why readings do not reach their file.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The file cannot be opened, read or written.
    #[error("Readings cannot be written to {path}: {error}. Choose another file.", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file exists and holds something else.
    #[error(
        "{path} holds something other than readings, and is left as it is. Choose another file.",
        path = .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// A file of readings. Rows are appended to what an earlier run left; a file that holds anything else is never touched.
pub struct CsvFile {
    path: PathBuf,
    open: Option<Open>,
}

/// The file that is written to at present.
struct Open {
    file: BufWriter<File>,
    path: PathBuf,
    header: String,
}

impl CsvFile {
    /// Readings will go to `path`. Opens nothing yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Writes and flushes `readings` of a model with `spaces`. Opens the file at the first one: a model that has read nothing has no
    /// header yet. Where the file has the readings of a model with other spaces, it is one beside it, `name-2.csv` and so on.
    ///
    /// # Errors
    /// [`CsvError`], with what to do.
    pub fn write_all(
        &mut self,
        readings: impl Iterator<Item = Stamped>,
        spaces: &[LabelSpace],
    ) -> Result<(), CsvError> {
        let mut readings = readings.peekable();
        if readings.peek().is_none() {
            return Ok(());
        }
        let header = header(spaces);
        let open = match &mut self.open {
            Some(open) if open.header == header => open,
            other => other.insert(open_beside(&self.path, header)?),
        };
        append(&mut open.file, readings, spaces.len())
            .map_err(|error| CsvError::Io { path: open.path.clone(), error })
    }
}

fn append(
    file: &mut impl Write,
    readings: impl Iterator<Item = Stamped>,
    n_spaces: usize,
) -> io::Result<()> {
    for reading in readings {
        writeln!(file, "{}", row(&reading, n_spaces))?;
    }
    file.flush()
}

/// Most files beside one another. Whoever has had so many models at work has another folder, too.
const MOST_BESIDE: u32 = 99;

/// Opens `path` for appending rows under `header`, or the first file beside it that has no other.
fn open_beside(path: &Path, header: String) -> Result<Open, CsvError> {
    for number in 1..=MOST_BESIDE {
        let path = numbered(path, number);
        match open(&path, &header) {
            Ok(Some(file)) => return Ok(Open { file, path, header }),
            Ok(None) => {}
            // Only the file that was asked for is worth a word; one that happens to have the name of the next is passed over.
            Err(CsvError::Foreign { .. }) if number > 1 => {}
            Err(error) => return Err(error),
        }
    }
    Err(CsvError::Foreign { path: path.to_owned() })
}

/// The file of that number beside `path`: `readings.csv`, `readings-2.csv`, …
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Opens `path` for appending rows under `header`, which is written if the file is new or empty. `None` where it has the readings of a
/// model with other spaces.
fn open(path: &Path, header: &str) -> Result<Option<BufWriter<File>>, CsvError> {
    /// Longest header that is looked at, bytes: more than four spaces can have.
    const MOST_HEADER_BYTES: u64 = 64 << 10;
    let to_error = |error| CsvError::Io { path: path.to_owned(), error };
    let file = files::open(path, OpenOptions::new().read(true).append(true).create(true));
    let mut file = file.map_err(to_error)?;
    let mut first_line = String::new();
    // Anything but text is as foreign as another header.
    let read = BufReader::new((&file).take(MOST_HEADER_BYTES)).read_line(&mut first_line);
    match read {
        Ok(0) => writeln!(file, "{header}").map_err(to_error)?,
        Ok(_) if first_line.trim_end() == header => {}
        Ok(_) if is_header(first_line.trim_end()) => return Ok(None),
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(to_error(error)),
        _ => return Err(CsvError::Foreign { path: path.to_owned() }),
    }
    Ok(Some(BufWriter::new(file)))
}

/// Whether a line is the header of readings, whatever the spaces and whichever version wrote it: all versions have begun and ended with
/// the same columns.
fn is_header(line: &str) -> bool {
    line.starts_with(&COLUMNS_BEFORE.join(","))
        && line.ends_with(COLUMNS_AFTER[COLUMNS_AFTER.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spaces() -> Vec<LabelSpace> {
        vec![LabelSpace::new("excited", "calm", 90.0), LabelSpace::new("joy", "sad", 0.0)]
    }

    fn live() -> Stamped {
        let reading = Reading {
            time_secs: 12.5,
            phase: Phase::Live,
            heard_secs: 10.0,
            n_spaces: 2,
            shares: [0.75, 0.25, 0.0, 0.0],
            bands: [[0.5, 0.875], [0.125, 0.5], [0.0; 2], [0.0; 2]],
            tempo_bpm: 60.0,
            tempo_percussive_bpm: 120.0,
            ..Reading::default()
        };
        Stamped { overrun_samples: 3, ..reading.into() }
    }

    fn silent() -> Stamped {
        let mut silent = live();
        silent.reading.phase = Phase::Silent;
        (silent.reading.shares, silent.reading.bands) = Default::default();
        silent
    }

    fn scratch(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("moodring-csv-{}-{name}.csv", std::process::id()));
        let _absent = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn every_row_has_the_columns_of_the_header() {
        let header = header(&spaces());
        let shares = "excited,excited_low,excited_high,joy,joy_low,joy_high";
        assert!(header.starts_with(&format!(
            "time_secs,phase,heard_secs,{shares},tempo_bpm,tempo_harmonic_bpm"
        )));
        let row = row(&live(), 2);
        let shares = "0.750000,0.500000,0.875000,0.250000,0.125000,0.500000";
        assert!(
            row.starts_with(&format!("12.500000,live,10.00,{shares},60.00,0.00,120.00,")),
            "{row}"
        );
        assert!(row.ends_with(",3"));
        assert_eq!(row.split(',').count(), header.split(',').count());
    }

    #[test]
    fn silence_leaves_the_shares_empty() {
        let row = row(&silent(), 2);
        assert!(row.starts_with("12.500000,silent,10.00,,,,,,,60.00,"), "{row}");
    }

    #[test]
    fn a_row_reads_back_as_the_reading_it_was() {
        assert_eq!(parse_row(&row(&live(), 2)), Some(live()));
        assert_eq!(parse_row(&row(&silent(), 2)), Some(silent()));
    }

    #[test]
    fn what_is_no_row_reads_as_nothing() {
        let whole = row(&live(), 2);
        for line in ["", ",,,,,,,,,", &header(&spaces()), &whole[..whole.len() - 2], "1,2,3"] {
            assert_eq!(parse_row(line), None, "{line}");
        }
        assert_eq!(parse_row(&row(&live(), 2).replace("0.25", "a.25")), None);
    }

    #[test]
    fn poles_with_commas_are_quoted() {
        assert_eq!(field("joy, or so"), "\"joy, or so\"");
        assert_eq!(field("\"joy\""), "\"\"\"joy\"\"\"");
        assert_eq!(field("joy\r"), "\"joy\r\"");
        assert_eq!(field(" joy"), "\" joy\"");
        assert_eq!(field("joy or so"), "joy or so");
    }

    #[test]
    fn a_second_run_appends_under_the_same_header() {
        let path = scratch("append");
        for _ in 0..2 {
            CsvFile::new(path.clone()).write_all([live()].into_iter(), &spaces()).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(text.lines().filter(|line| line.starts_with("time_secs")).count(), 1);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_holds_something_else_is_never_touched() {
        let path = scratch("foreign");
        let endless = vec![b'a'; 1 << 20];
        for content in [&b"my novel\n"[..], &[0xff, 0xfe, 0x00], &endless] {
            std::fs::write(&path, content).unwrap();
            let outcome = CsvFile::new(path.clone()).write_all([live()].into_iter(), &spaces());
            assert!(matches!(outcome, Err(CsvError::Foreign { .. })));
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn each_models_readings_stand_under_its_own_header_in_a_file_of_its_own() {
        let tense =
            vec![LabelSpace::new("tense", "relaxed", 135.0), LabelSpace::new("joy", "sad", 0.0)];
        let path = scratch("spaces");
        let beside = [2, 3].map(|number| numbered(&path, number));
        // A file of somebody else's that has the name of the next.
        std::fs::write(&beside[0], "my novel\n").unwrap();
        let mut file = CsvFile::new(path.clone());
        for spaces in [&spaces(), &tense, &spaces(), &tense] {
            file.write_all([live()].into_iter(), spaces).unwrap();
        }
        drop(file);
        CsvFile::new(path.clone()).write_all([live()].into_iter(), &tense).unwrap();
        for (path, spaces, n_rows) in [(&path, &spaces(), 2), (&beside[1], &tense, 3)] {
            let text = std::fs::read_to_string(path).unwrap();
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some(header(spaces).as_str()));
            assert!(lines.clone().all(|line| parse_row(line) == Some(live())), "{text}");
            assert_eq!(lines.count(), n_rows);
        }
        assert_eq!(std::fs::read(&beside[0]).unwrap(), b"my novel\n");
        [&path, &beside[0], &beside[1]].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }

    #[test]
    fn a_file_of_an_earlier_version_stays_as_it_is_and_readings_go_on_beside_it() {
        let path = scratch("earlier");
        let earlier = header(&spaces()).replace("tempo_bpm,", "");
        std::fs::write(&path, &earlier).unwrap();
        CsvFile::new(path.clone()).write_all([live()].into_iter(), &spaces()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), earlier);
        let beside = numbered(&path, 2);
        assert_eq!(std::fs::read_to_string(&beside).unwrap().lines().count(), 2);
        [path, beside].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_no_file_for_readings() {
        for path in ["/dev/zero", "/dev/full"] {
            let mut file = CsvFile::new(path.into());
            let error = file.write_all([live()].into_iter(), &spaces()).unwrap_err().to_string();
            assert!(error.contains("a device") && error.contains("Choose another file"), "{error}");
        }
    }

    #[test]
    fn an_unwritable_path_says_what_to_do() {
        let path = std::env::temp_dir().join("moodring-no-such-folder").join("readings.csv");
        let error = CsvFile::new(path).write_all([live()].into_iter(), &spaces()).unwrap_err();
        assert!(error.to_string().contains("Choose another file"), "{error}");
    }

    #[test]
    fn nothing_is_opened_before_the_first_reading() {
        let path = scratch("early");
        CsvFile::new(path.clone()).write_all(std::iter::empty(), &spaces()).unwrap();
        assert!(!path.exists());
    }
}
