//! What a row of readings consists of: the one table of columns, from which every format is made.
//!
//! Shares are those of each space's first pole, under its name, with the ends of the band that
//! holds listeners' own share four times in five; nothing where the phase carries none.

use super::cell::{Cell, csv_field, json_text};
use crate::model::space::LabelSpace;
use crate::reading::{Phase, Stamped};

/// Where rows go, which decides what stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Written while a host plays.
    Live,
    /// Those of a recording that was read: nothing is lost there, and verdicts are told.
    File,
    /// Those of a history, which keeps less of a reading.
    History,
}

/// What a column counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Secs,
    /// A word of its own.
    Word,
    /// A part of the votes, 0 to 1.
    Share,
    /// Yes or no.
    Truth,
    /// Beats per minute; 0 where there is none.
    Bpm,
    /// Decibels re full scale.
    Db,
    /// Samples at the host's rate.
    Samples,
}

/// Where a column's value comes from.
#[derive(Clone, Copy)]
enum Source {
    /// A number, taken from a reading and, where a row is read back, put into one.
    Number(fn(&Stamped) -> f64, fn(&mut Stamped, f64)),
    Phase,
    /// Of a space: the share of its first pole, the ends of the band, whether it is too near to
    /// call.
    Share,
    BandEnd(usize),
    IsAmbiguous,
}

/// A column of the table. Those of a space bear its first pole's name before their own.
struct Spec {
    name: &'static str,
    unit: Unit,
    /// Digits behind the point.
    digits: usize,
    rows: &'static [Rows],
    source: Source,
}

/// The numbers of a reading, by the field that holds them.
macro_rules! number {
    ($($field:ident).+) => {
        Source::Number(
            |stamped| stamped.$($field).+ as f64,
            |stamped, value| stamped.$($field).+ = value as _,
        )
    };
}

const EVERY: &[Rows] = &[Rows::Live, Rows::File, Rows::History];
const READINGS: &[Rows] = &[Rows::Live, Rows::File];
const LIVE: &[Rows] = &[Rows::Live];
/// What tells verdicts: rows that are looked at, not followed.
const READ_LATER: &[Rows] = &[Rows::File, Rows::History];

/// A time to a microsecond, a share to a millionth of the votes.
const FINE: usize = 6;
/// A tempo, a level or a duration to a hundredth of its unit.
const COARSE: usize = 2;

const fn spec(
    name: &'static str,
    unit: Unit,
    digits: usize,
    rows: &'static [Rows],
    source: Source,
) -> Spec {
    Spec { name, unit, digits, rows, source }
}

/// The columns before those of the spaces.
const BEFORE: [Spec; 3] = [
    spec("time_secs", Unit::Secs, FINE, EVERY, number!(reading.time_secs)),
    spec("phase", Unit::Word, 0, EVERY, Source::Phase),
    spec("heard_secs", Unit::Secs, COARSE, READINGS, number!(reading.heard_secs)),
];

/// The columns of each space.
const OF_SPACE: [Spec; 4] = [
    spec("", Unit::Share, FINE, EVERY, Source::Share),
    spec("_low", Unit::Share, FINE, READINGS, Source::BandEnd(0)),
    spec("_high", Unit::Share, FINE, READINGS, Source::BandEnd(1)),
    spec("_ambiguous", Unit::Truth, 0, READ_LATER, Source::IsAmbiguous),
];

/// The columns after those of the spaces.
const AFTER: [Spec; 6] = [
    spec("tempo_bpm", Unit::Bpm, COARSE, READINGS, number!(reading.tempo_bpm)),
    spec("tempo_harmonic_bpm", Unit::Bpm, COARSE, READINGS, number!(reading.tempo_harmonic_bpm)),
    spec("tempo_percussive_bpm", Unit::Bpm, COARSE, EVERY, number!(reading.tempo_percussive_bpm)),
    spec("energy_harmonic_db", Unit::Db, COARSE, EVERY, number!(reading.energy_harmonic_db)),
    spec("energy_percussive_db", Unit::Db, COARSE, EVERY, number!(reading.energy_percussive_db)),
    spec("overrun_samples", Unit::Samples, 0, LIVE, number!(overrun_samples)),
];

/// One column of the rows of a model.
pub struct Column {
    /// Its name, unlike any other's.
    pub name: String,
    /// What it counts in.
    pub unit: Unit,
    digits: usize,
    source: Source,
    /// The space that it is of, and its index; `None` where it is of the whole reading.
    space: Option<(usize, LabelSpace)>,
}

impl Column {
    fn new(spec: &Spec, space: Option<(usize, &LabelSpace)>) -> Self {
        let pole = space.map_or("", |(_, space)| &space.first);
        Self {
            name: format!("{pole}{}", spec.name),
            unit: spec.unit,
            digits: spec.digits,
            source: spec.source,
            space: space.map(|(index, space)| (index, space.clone())),
        }
    }

    /// Whether it is of a label space.
    #[must_use]
    pub fn is_of_space(&self) -> bool {
        self.space.is_some()
    }

    /// What stands in this column for a reading.
    #[must_use]
    pub fn cell(&self, stamped: &Stamped) -> Cell {
        let reading = &stamped.reading;
        match (self.source, &self.space) {
            (Source::Number(get, _), _) => Cell::number(get(stamped), self.digits),
            (Source::Phase, _) => Cell::Word(reading.phase.word()),
            (source, Some((index, space))) => match (source, reading.shares().get(*index)) {
                (_, None) => Cell::Nothing,
                (Source::BandEnd(end), _) => {
                    Cell::number(reading.bands[*index][end].into(), self.digits)
                }
                (Source::IsAmbiguous, Some(share)) => Cell::Truth(space.is_ambiguous(*share)),
                (_, Some(share)) => Cell::number((*share).into(), self.digits),
            },
            (_, None) => Cell::Nothing,
        }
    }

    /// Puts into `stamped` what was written in this column. `None` where it is not that.
    fn parse(&self, text: &str, stamped: &mut Stamped) -> Option<()> {
        let reading = &mut stamped.reading;
        let index = self.space.as_ref().map_or(0, |(index, _)| *index);
        match self.source {
            Source::Number(_, put) => put(stamped, text.parse().ok()?),
            Source::Phase => reading.phase = Phase::from_word(text)?,
            // The phase stands before the shares, and says whether there are any.
            _ if !reading.phase.has_shares() => {}
            Source::Share => *reading.shares.get_mut(index)? = text.parse().ok()?,
            Source::BandEnd(end) => reading.bands.get_mut(index)?[end] = text.parse().ok()?,
            Source::IsAmbiguous => {}
        }
        Some(())
    }
}

/// The columns of rows, in their order.
pub struct Columns {
    columns: Vec<Column>,
}

impl Columns {
    /// Those of a model with `spaces`.
    #[must_use]
    pub fn new(rows: Rows, spaces: &[LabelSpace]) -> Self {
        let is_in = |spec: &&Spec| spec.rows.contains(&rows);
        let of_reading = |spec| Column::new(spec, None);
        let of_spaces = spaces.iter().enumerate().flat_map(|space| {
            OF_SPACE.iter().filter(is_in).map(move |spec| Column::new(spec, Some(space)))
        });
        let columns = BEFORE.iter().filter(is_in).map(of_reading).chain(of_spaces);
        Self { columns: columns.chain(AFTER.iter().filter(is_in).map(of_reading)).collect() }
    }

    /// One after another.
    pub fn iter(&self) -> std::slice::Iter<'_, Column> {
        self.columns.iter()
    }

    /// The header of CSV, without a line end.
    #[must_use]
    pub fn csv_header(&self) -> String {
        joined(self.iter().map(|column| csv_field(&column.name)))
    }

    /// A reading's row of CSV, without a line end.
    #[must_use]
    pub fn csv_line(&self, stamped: &Stamped) -> String {
        joined(self.iter().map(|column| column.cell(stamped).csv()))
    }

    /// A reading as an object of JSON on one line, without a line end.
    #[must_use]
    pub fn json_line(&self, stamped: &Stamped) -> String {
        let member = |column: &Column| {
            format!("{}:{}", json_text(&column.name), column.cell(stamped).json())
        };
        let members: Vec<String> = self.iter().map(member).collect();
        format!("{{{}}}", members.join(","))
    }
}

fn joined(fields: impl Iterator<Item = String>) -> String {
    fields.collect::<Vec<_>>().join(",")
}

/// Whether a line is the header of CSV of rows written while a host played, whatever the spaces and
/// whichever version wrote it: all versions have begun and ended with the same columns.
#[must_use]
pub fn is_csv_header(line: &str) -> bool {
    let first: Vec<&str> = BEFORE.iter().map(|spec| spec.name).collect();
    line.starts_with(&first.join(",")) && line.ends_with(AFTER[AFTER.len() - 1].name)
}

/// The reading of a row of CSV that was written while a host played, as far as its columns tell;
/// `None` for the header and anything else.
#[must_use]
pub fn parse_csv_line(line: &str) -> Option<Stamped> {
    let fields: Vec<&str> = line.split(',').collect();
    let n_of_space = OF_SPACE.iter().filter(|spec| spec.rows.contains(&Rows::Live)).count();
    let n_spaces = fields.len().checked_sub(BEFORE.len() + AFTER.len())? / n_of_space;
    // Which words they stand for is not in a row.
    let spaces = vec![LabelSpace::new("", "", 0.0); n_spaces];
    let columns = Columns::new(Rows::Live, &spaces);
    if columns.columns.len() != fields.len() {
        return None;
    }
    let mut stamped = Stamped::default();
    stamped.reading.n_spaces = n_spaces;
    for (column, field) in columns.iter().zip(fields) {
        column.parse(field, &mut stamped)?;
    }
    Some(stamped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Reading;

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

    #[test]
    fn rows_have_the_columns_of_their_kind() {
        let header = |rows| Columns::new(rows, &spaces()[..1]).csv_header();
        assert_eq!(
            header(Rows::Live),
            "time_secs,phase,heard_secs,excited,excited_low,excited_high,tempo_bpm,\
             tempo_harmonic_bpm,tempo_percussive_bpm,energy_harmonic_db,energy_percussive_db,\
             overrun_samples"
        );
        assert_eq!(
            header(Rows::File),
            "time_secs,phase,heard_secs,excited,excited_low,excited_high,excited_ambiguous,\
             tempo_bpm,tempo_harmonic_bpm,tempo_percussive_bpm,energy_harmonic_db,\
             energy_percussive_db"
        );
        assert_eq!(
            header(Rows::History),
            "time_secs,phase,excited,excited_ambiguous,tempo_percussive_bpm,energy_harmonic_db,\
             energy_percussive_db"
        );
    }

    #[test]
    fn a_row_has_the_digits_that_mean_something() {
        assert_eq!(
            Columns::new(Rows::Live, &spaces()).csv_line(&live()),
            "12.500000,live,10.00,0.750000,0.500000,0.875000,0.250000,0.125000,0.500000,\
             60.00,0.00,120.00,0.00,0.00,3"
        );
        let words = Columns::new(Rows::File, &spaces()).csv_line(&live());
        assert!(words.contains("0.750000,0.500000,0.875000,false,0.250000,"), "{words}");
    }

    #[test]
    fn every_format_has_the_same_columns_and_values() {
        let columns = Columns::new(Rows::Live, &spaces());
        for stamped in [live(), silent()] {
            let json = columns.json_line(&stamped);
            let row: serde_json::Map<_, _> = serde_json::from_str(&json).unwrap();
            assert_eq!(row.len(), columns.iter().count());
            let csv = columns.csv_line(&stamped);
            for (name, field) in columns.csv_header().split(',').zip(csv.split(',')) {
                let value = match &row[name] {
                    serde_json::Value::Null => String::new(),
                    serde_json::Value::String(word) => word.clone(),
                    number => {
                        assert_eq!(number.as_f64(), field.parse().ok(), "{name}");
                        continue;
                    }
                };
                assert_eq!(value, field, "{name}");
            }
        }
    }

    #[test]
    fn silence_leaves_the_shares_empty() {
        let row = Columns::new(Rows::Live, &spaces()).csv_line(&silent());
        assert!(row.starts_with("12.500000,silent,10.00,,,,,,,60.00,"), "{row}");
    }

    #[test]
    fn a_row_reads_back_as_the_reading_it_was() {
        let columns = Columns::new(Rows::Live, &spaces());
        for stamped in [live(), silent()] {
            assert_eq!(parse_csv_line(&columns.csv_line(&stamped)), Some(stamped));
        }
    }

    #[test]
    fn what_is_no_row_reads_as_nothing() {
        let columns = Columns::new(Rows::Live, &spaces());
        let (header, whole) = (columns.csv_header(), columns.csv_line(&live()));
        for line in ["", ",,,,,,,,,", &header, &whole[..whole.len() - 2], "1,2,3"] {
            assert_eq!(parse_csv_line(line), None, "{line}");
        }
        assert_eq!(parse_csv_line(&whole.replace("0.25", "a.25")), None);
        // More spaces than any model has.
        assert_eq!(
            parse_csv_line(&whole.replace("60.00", &format!("{}60.00", "0.5,".repeat(9)))),
            None
        );
        assert!(is_csv_header(&header) && !is_csv_header(&whole));
    }
}
