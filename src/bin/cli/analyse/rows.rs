//! The rows of `analyse`: one a reading, then one a file.
//!
//! What stands in a row of a reading is what the library's table of columns says
//! ([`row`](moodring::outputs::row)), between the file's name and what is known of the whole file.

use std::fmt::Write as _;
use std::io::{self, Write};

use moodring::model::space::{LabelSpace, adjective, in_words};
use moodring::outputs::cell::{Cell, csv_field, json_text};
use moodring::outputs::row::{Columns, Rows as Kind};
use moodring::reading::{MAX_SPACES, Phase, Reading};
use moodring::scan::{Summary, Whole};
use moodring::units::clock;
use moodring::why::{GROUPS, Why};

use crate::out::kind::CSV_ROWS_BEGIN;

/// Digits of a duration behind the point, and of the push of a share.
const SECS_DIGITS: usize = 3;
const PUSH_DIGITS: usize = 6;

/// The format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// An aligned line a file, for people: with --summary alone.
    Table,
}

/// How rows are written.
pub struct Rows {
    format: Format,
    spaces: Vec<LabelSpace>,
    columns: Columns,
    /// Whether each reading has its reasons with it.
    why: bool,
}

impl Rows {
    /// Rows of a model with `spaces`, with reasons if `why`.
    pub fn new(format: Format, spaces: &[LabelSpace], why: bool) -> Self {
        let columns = Columns::new(Kind::File, spaces);
        Self { format, spaces: spaces.to_vec(), columns, why }
    }

    /// Writes what stands before all rows.
    ///
    /// # Errors
    /// As `out`.
    pub fn write_head(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.format != Format::Csv {
            return Ok(());
        }
        let columns = self.columns.csv_header();
        write!(out, "{CSV_ROWS_BEGIN}{columns},complete,missing_secs")?;
        for (space, group) in self.pushes() {
            let name = format!("{}_why_{}", self.spaces[space].first, GROUPS[group].word());
            write!(out, ",{}", csv_field(&name))?;
        }
        writeln!(out)
    }

    /// Space and group of what pushed each share, by index; none unless asked for.
    fn pushes(&self) -> impl Iterator<Item = (usize, usize)> {
        let spaces = if self.why { self.spaces.len() } else { 0 };
        (0..spaces).flat_map(|space| (0..GROUPS.len()).map(move |group| (space, group)))
    }

    /// Writes the row of a reading.
    ///
    /// # Errors
    /// As `out`.
    pub fn write_reading(
        &self,
        out: &mut dyn Write,
        file: &str,
        reading: &Reading,
        why: Option<&Why>,
    ) -> io::Result<()> {
        let stamped = (*reading).into();
        match self.format {
            Format::Csv => {
                write!(out, "{},false,{},,", csv_field(file), self.columns.csv_line(&stamped))?;
                for (space, group) in self.pushes() {
                    let push = why.map_or(Cell::Nothing, |why| push(why, space, group));
                    write!(out, ",{}", push.csv())?;
                }
                writeln!(out)
            }
            Format::Jsonl => {
                let columns = self.columns.iter();
                let cells = columns.map(|column| (&*column.name, column.cell(&stamped).json()));
                let mut members = vec![("file", json_text(file))];
                members.extend(cells);
                if self.why {
                    members.push(("why", why.map_or("null".to_owned(), |why| self.reasons(why))));
                }
                writeln!(out, "{}", object(&members))
            }
            // It has summaries alone.
            Format::Table => Ok(()),
        }
    }

    /// For each space by its first pole: the push of every group.
    fn reasons(&self, why: &Why) -> String {
        let of_space = |space: usize| {
            let groups = GROUPS.iter().enumerate();
            let pushes = groups.map(|(i, group)| (group.word(), push(why, space, i).json()));
            object(&pushes.collect::<Vec<_>>())
        };
        let spaces = self.spaces.iter().enumerate();
        let members = spaces.map(|(i, space)| (&*space.first, of_space(i)));
        object(&members.collect::<Vec<_>>())
    }

    /// Writes the row of a whole file.
    ///
    /// # Errors
    /// As `out`.
    pub fn write_summary(&self, out: &mut dyn Write, file: &str, mood: &Summary) -> io::Result<()> {
        let summary = summary(mood).into();
        let complete = Cell::Truth(mood.outcome.is_complete());
        let missing_secs = mood.outcome.missing_secs();
        let missing_secs =
            missing_secs.map_or(Cell::Nothing, |secs| Cell::number(secs, SECS_DIGITS));
        match self.format {
            Format::Csv => {
                let (file, columns) = (csv_field(file), self.columns.csv_line(&summary));
                write!(out, "{file},true,{columns},{},{}", complete.csv(), missing_secs.csv())?;
                writeln!(out, "{}", ",".repeat(self.pushes().count()))
            }
            Format::Jsonl => {
                let duration_secs = Cell::number(mood.duration_secs, SECS_DIGITS);
                let mut members = vec![
                    ("file", json_text(file)),
                    ("summary", Cell::Truth(true).json()),
                    ("duration_secs", duration_secs.json()),
                    ("complete", complete.json()),
                    ("missing_secs", missing_secs.json()),
                    ("readings", mood.n_readings.to_string()),
                    ("phase", json_text(summary.reading.phase.word())),
                ];
                let told = self.columns.iter();
                let told = told.filter(|column| column.is_of_space() || column.name == "tempo_bpm");
                members.extend(told.map(|column| (&*column.name, column.cell(&summary).json())));
                writeln!(out, "{}", object(&members))
            }
            Format::Table => writeln!(out, "{}", self.line(file, mood)),
        }
    }

    /// A whole file in a line: how long it is, who leads in each label space and within which
    /// doubt, its tempo, its name.
    fn line(&self, file: &str, mood: &Summary) -> String {
        let mut line = format!("{:>8}", clock(mood.duration_secs.floor()));
        let whole = mood.whole();
        for (index, space) in self.spaces.iter().enumerate() {
            let text = whole.map_or_else(|| "–".to_owned(), |whole| said(space, index, &whole));
            let _ = write!(line, "  {text:<width$}", width = self.width(space));
        }
        let tempo = mood.tempo_bpm().map_or_else(|| "–".to_owned(), |bpm| format!("{bpm:.0} BPM"));
        let _ = write!(line, "  {tempo:<7}");
        let note = match whole {
            None => "  (silent, or under a second)",
            Some(whole) if whole.is_provisional => "  (provisional: less than 10 s of music)",
            Some(_) if !mood.outcome.is_complete() => "  (not whole)",
            Some(_) => "",
        };
        format!("{line}  {file}{note}")
    }

    /// Letters of the longest thing that is said of a label space.
    fn width(&self, space: &LabelSpace) -> usize {
        let letters = |word: &str| adjective(word).chars().count();
        "leans  100 % (100–100)".chars().count() + letters(&space.first).max(letters(&space.second))
    }
}

/// Who leads in the label space of this index, and between which shares listeners would vote.
fn said(space: &LabelSpace, index: usize, whole: &Whole) -> String {
    let (share, [low, high]) = (whole.shares[index], whole.bands[index]);
    let (word, share, low, high) = if share >= 0.5 {
        (adjective(&space.first), share, low, high)
    } else {
        (adjective(&space.second), 1.0 - share, 1.0 - high, 1.0 - low)
    };
    let doubt = if low < high {
        format!(" ({:.0}–{:.0})", 100.0 * low, 100.0 * high)
    } else {
        String::new()
    };
    format!("{}{doubt}", in_words(word, share, space.is_ambiguous(share)))
}

/// A whole file as one reading that ends with it: mean shares and bands, the tempo that held, and
/// no number for the rest.
fn summary(mood: &Summary) -> Reading {
    let whole = mood.whole();
    Reading {
        time_secs: mood.duration_secs,
        phase: match whole {
            Some(whole) if whole.is_provisional => Phase::Listening,
            Some(_) => Phase::Live,
            None if mood.n_readings == 0 => Phase::Waiting,
            None => Phase::Silent,
        },
        heard_secs: f32::NAN,
        n_spaces: MAX_SPACES,
        shares: whole.map(|whole| whole.shares).unwrap_or_default(),
        bands: whole.map(|whole| whole.bands).unwrap_or_default(),
        tempo_bpm: mood.tempo_bpm().unwrap_or(0.0),
        tempo_harmonic_bpm: f32::NAN,
        tempo_percussive_bpm: f32::NAN,
        energy_harmonic_db: f32::NAN,
        energy_percussive_db: f32::NAN,
        ..Reading::default()
    }
}

fn push(why: &Why, space: usize, group: usize) -> Cell {
    Cell::number(why.pushes[space][group].into(), PUSH_DIGITS)
}

/// An object of JSON with these members, whose values are JSON already.
fn object(members: &[(&str, String)]) -> String {
    let members = members.iter().map(|(name, value)| format!("{}:{value}", json_text(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}
