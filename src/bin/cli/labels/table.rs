//! A labels file as rows of numbers on one scale. What is not on the scale is refused with its row
//! and column: a label that is taken for another one spoils every figure in silence.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::RATING_MIDPOINT;
use crate::files::without_ending;

/// Ends of the scale that ratings are kept on, as DEAM has them.
const RATINGS: [f64; 2] = [1.0, 2.0 * RATING_MIDPOINT - 1.0];

/// Ends of the scale that shares of votes are kept on.
const SHARES: [f64; 2] = [0.0, 1.0];

/// Of two raters at the ends of a scale of width 1 the estimated deviation is √½, and of no others
/// more.
const MOST_SPREAD: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Bytes that are read of a labels file: a million songs have fewer. Devices have no end.
const MOST_BYTES: u64 = 256 << 20;

/// Names of the column that names the song; without one of these it is the first.
const SONG_COLUMNS: [&str; 4] = ["song", "song_id", "songid", "file"];

/// Columns that belong together: valence and arousal, as means, as deviations, and by single
/// raters.
const MEANS: [&str; 2] = ["valence_mean", "arousal_mean"];
const SPREADS: [&str; 2] = ["valence_std", "arousal_std"];
const VOTES: [&str; 2] = ["valence", "arousal"];

/// What stands in a cell of which nobody knows.
const UNKNOWN: &str = "NA";

/// The scale that labels are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Scale {
    /// Valence and arousal from 1 to 9, shares of votes from 0 to 1.
    #[default]
    #[value(name = "1..9")]
    Nine,
    /// All of them from −1 to 1.
    #[value(name = "-1..1")]
    Signed,
    /// All of them from 0 to 1.
    #[value(name = "0..1")]
    Unit,
    /// All of them from 0 to 100.
    #[value(name = "0..100")]
    Percent,
}

impl Scale {
    /// Its ends, of labels that are kept between `kept`.
    fn ends(self, kept: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Nine => kept,
            Self::Signed => [-1.0, 1.0],
            Self::Unit => [0.0, 1.0],
            Self::Percent => [0.0, 100.0],
        }
    }
}

/// A column of labels.
struct Column {
    at: usize,
    name: String,
    /// Least and most that may stand in it.
    ends: [f64; 2],
    /// What these become.
    kept: [f64; 2],
}

impl Column {
    fn of_values(at: usize, name: &str, scale: Scale, kept: [f64; 2]) -> Self {
        Self { at, name: name.to_owned(), ends: scale.ends(kept), kept }
    }

    /// Of deviations of ratings.
    fn of_spreads(at: usize, name: &str, scale: Scale) -> Self {
        let most = |[low, high]: [f64; 2]| [0.0, (high - low) * MOST_SPREAD];
        Self { at, name: name.to_owned(), ends: most(scale.ends(RATINGS)), kept: most(RATINGS) }
    }

    /// The number in a cell, on the scale that is kept; NaN where nobody knows.
    fn number(&self, text: &str) -> Result<f64, String> {
        if text == UNKNOWN {
            return Ok(f64::NAN);
        }
        let [low, high] = self.ends;
        let expected = format!("{} to {}", short(low), short(high));
        if text.is_empty() {
            return Err(format!("is empty; {expected} is expected, or {UNKNOWN} if nobody knows"));
        }
        let number = text.parse().ok().filter(|x: &f64| x.is_finite());
        let number =
            number.ok_or_else(|| format!("{text:?} is no number; {expected} is expected"))?;
        if !(low..=high).contains(&number) {
            return Err(format!(
                "{text} is off the scale, {expected}; if it is another one, name it with --scale"
            ));
        }
        if self.ends == self.kept {
            return Ok(number);
        }
        let [to_low, to_high] = self.kept;
        Ok(to_low + (number - low) / (high - low) * (to_high - to_low))
    }
}

/// An end of a scale as people write it.
fn short(end: f64) -> String {
    ((end * 100.0).round() / 100.0).to_string()
}

/// A row: the song, and its labels in the order of the columns.
pub struct Row {
    pub song: String,
    pub labels: Vec<f64>,
}

/// The labels of a file.
pub struct Table {
    /// Names of the columns of labels, in small letters.
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads a file with columns for shares of votes named as in `poles`, or those of valence and
    /// arousal, on `scale`. Commas, semicolons or tabs between fields; after the latter two a
    /// decimal comma will do.
    pub fn read(path: &Path, scale: Scale, poles: &[&str]) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).context("cannot be opened")?;
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).context("cannot be read")?;
        ensure!(bytes.len() as u64 <= MOST_BYTES, "is larger than any labels file");
        let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        ensure!(!is_utf16, "is UTF-16; save it as UTF-8");
        let bytes = lines(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
        let separator = separator(&bytes);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .trim(csv::Trim::All)
            .from_reader(bytes.as_slice());
        let names: Vec<String> = reader.headers()?.iter().map(str::to_lowercase).collect();
        let song_at =
            names.iter().position(|name| SONG_COLUMNS.contains(&name.as_str())).unwrap_or(0);
        let columns = columns(&names, song_at, scale, poles)?;
        // Single raters give a song many rows; otherwise nobody knows which of two is meant.
        let repeats = columns.iter().all(|column| VOTES.contains(&column.name.as_str()));
        let (mut rows, mut seen) = (Vec::new(), HashSet::new());
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            if record.iter().all(str::is_empty) {
                continue;
            }
            // As an editor counts, with the header and empty lines; the reader stands at the line
            // after.
            let row = reader.position().line() - 1;
            let song = record.get(song_at).unwrap_or_default().replace('\\', "/");
            let song = without_ending(&song).to_owned();
            ensure!(!song.is_empty(), "row {row}, column {}: names no song", names[song_at]);
            let is_new = seen.insert(song.clone());
            ensure!(
                is_new || repeats,
                "row {row}, column {}: {song} has a row already; which of them is right?",
                names[song_at]
            );
            let mut labels = Vec::with_capacity(columns.len());
            for column in &columns {
                let text = record.get(column.at).unwrap_or_default();
                let text = if separator == b',' { text.to_owned() } else { text.replace(',', ".") };
                let number = column.number(&text);
                labels.push(number.map_err(|why| {
                    anyhow::anyhow!("row {row}, column {} (song {song}): {why}", column.name)
                })?);
            }
            rows.push(Row { song, labels });
        }
        ensure!(!rows.is_empty(), "has no rows");
        Ok(Self { columns: columns.into_iter().map(|column| column.name).collect(), rows })
    }
}

/// A text whose lines all end alike, the last one too, so that they can be counted.
fn lines(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len() + 1);
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'\r' if text.get(i + 1) == Some(&b'\n') => {}
            b'\r' => lines.push(b'\n'),
            byte => lines.push(*byte),
        }
    }
    if lines.last().is_some_and(|last| *last != b'\n') {
        lines.push(b'\n');
    }
    lines
}

/// What stands between the fields of the header.
fn separator(bytes: &[u8]) -> u8 {
    let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().find(|separator| header.contains(separator)).unwrap_or(b',')
}

/// The columns of labels among `names`.
fn columns(
    names: &[String],
    song_at: usize,
    scale: Scale,
    poles: &[&str],
) -> anyhow::Result<Vec<Column>> {
    let at = |wanted: &str| {
        let found = names.iter().enumerate().filter(|(at, name)| *at != song_at && *name == wanted);
        found.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let one = |wanted: &str| -> anyhow::Result<Option<usize>> {
        let found = at(wanted);
        ensure!(found.len() < 2, "has the column {wanted} twice");
        Ok(found.first().copied())
    };
    let pair = |wanted: [&'static str; 2]| -> anyhow::Result<Option<[(usize, &'static str); 2]>> {
        match (one(wanted[0])?, one(wanted[1])?) {
            (Some(a), Some(b)) => Ok(Some([(a, wanted[0]), (b, wanted[1])])),
            (None, None) => Ok(None),
            (Some(_), None) => bail!("has the column {} but not {}", wanted[0], wanted[1]),
            (None, Some(_)) => bail!("has the column {} but not {}", wanted[1], wanted[0]),
        }
    };
    let mut columns = Vec::new();
    for pole in poles {
        let pole = pole.to_lowercase();
        columns.extend(one(&pole)?.map(|at| Column::of_values(at, &pole, scale, SHARES)));
    }
    for ratings in [MEANS, VOTES] {
        let found = pair(ratings)?.into_iter().flatten();
        columns.extend(found.map(|(at, name)| Column::of_values(at, name, scale, RATINGS)));
    }
    if columns.is_empty() {
        bail!(
            "has no column of labels, only {}; expected are {} and {}, or {} and {}, or one of {}",
            names.join(", "),
            MEANS[0],
            MEANS[1],
            VOTES[0],
            VOTES[1],
            poles.join(", ")
        );
    }
    let spreads = pair(SPREADS)?.into_iter().flatten();
    columns.extend(spreads.map(|(at, name)| Column::of_spreads(at, name, scale)));
    Ok(columns)
}
