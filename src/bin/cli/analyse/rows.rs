//! The rows of `analyse`: one a reading, then one a file.

use std::io::{self, Write};

use moodring::model::space::LabelSpace;
use moodring::outputs::csv;
use moodring::reading::Reading;
use moodring::why::{GROUPS, Why};
use serde_json::{Map, Value, json};

use crate::jobs::FileMood;
use crate::out::kind::CSV_ROWS_BEGIN;

/// The format of rows.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

/// How rows are written.
pub struct Rows {
    /// The format.
    pub format: Format,
    /// The pairs of words that the shares are of.
    pub spaces: Vec<LabelSpace>,
    /// Whether each reading has its reasons with it.
    pub why: bool,
}

impl Rows {
    /// Writes what stands before all rows.
    ///
    /// # Errors
    /// As `out`.
    pub fn write_head(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.format == Format::Jsonl {
            return Ok(());
        }
        let names = self.spaces.iter().flat_map(columns).map(|name| csv::field(&name));
        let names: Vec<String> = names.collect();
        let whys: String =
            self.why_columns().map(|name| format!(",{}", csv::field(&name))).collect();
        let head = format!("{CSV_ROWS_BEGIN}time_secs,phase,heard_secs");
        let tail = "tempo_bpm,tempo_harmonic_bpm,tempo_percussive_bpm,\
            energy_harmonic_db,energy_percussive_db,complete,missing_secs";
        writeln!(out, "{head},{},{tail}{whys}", names.join(","))
    }

    /// Columns of what pushed each share; none unless asked for.
    fn why_columns(&self) -> impl Iterator<Item = String> {
        let spaces = self.spaces.iter().filter(|_| self.why);
        spaces.flat_map(|space| GROUPS.map(|group| format!("{}_why_{}", space.first, group.word())))
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
        let shares = self.spaces.iter().enumerate().flat_map(|(s, space)| {
            let share = reading.shares().get(s).copied();
            let band = share.map(|_| reading.bands[s]);
            row_shares(space, share, band)
        });
        let shares: Vec<Value> = shares.collect();
        let details = [
            ("tempo_bpm", reading.tempo_bpm),
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
        let (file, shares) = (csv::field(file), joined(&shares));
        let whys = self.why_columns().enumerate().map(|(i, _)| {
            let push = why.map(|why| why.pushes[i / GROUPS.len()][i % GROUPS.len()]);
            push.map_or_else(|| ",".to_owned(), |push| format!(",{}", number(push)))
        });
        let whys: String = whys.collect();
        writeln!(out, "{file},false,{time_secs},{phase},{heard_secs},{shares},{details},,{whys}")
    }

    /// Writes the row of a whole file.
    ///
    /// # Errors
    /// As `out`.
    pub fn write_summary(
        &self,
        out: &mut dyn Write,
        file: &str,
        mood: &FileMood,
    ) -> io::Result<()> {
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
        let (file, shares) = (csv::field(file), joined(&shares));
        let whys = ",".repeat(self.why_columns().count());
        let missing_secs = missing_secs.map_or_else(String::new, |secs| secs.to_string());
        writeln!(
            out,
            "{file},true,{duration_secs},{phase},,{shares},,,,,,{complete},{missing_secs}{whys}"
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
