//! Labels of a collection: what listeners said of each song, for any label space.

mod table;

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Context;
use moodring::model::space::LabelSpace;

pub use self::table::Scale;
use self::table::{Row, Table};

/// Middle of DEAM's rating scales, which run from 1 to 9.
pub const RATING_MIDPOINT: f64 = 5.0;

/// Smallest spread among raters that is believed: means are rounded to half a step.
const MIN_RATING_STD: f64 = 0.6;

/// Distance from the middle of the scale under which a song is a tie: both poles are right.
const TIE: f64 = 1e-6;

/// What listeners said of one song in one label space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// Whether the first pole won; `None` for a tie.
    pub first: Option<bool>,
    /// Share of votes for the first pole, where it is known or can be modelled from mean and
    /// spread.
    pub share: Option<f32>,
}

/// What the labels of a collection are read with.
#[derive(clap::Args)]
pub struct LabelArgs {
    /// Labels, comma-separated (semicolons and tabs are understood too).
    #[arg(long, value_name = "CSV")]
    pub labels: PathBuf,
    /// The scale that the labels are on.
    #[arg(long, value_enum, default_value_t, allow_hyphen_values = true)]
    pub scale: Scale,
}

/// Rows of a labels file by song.
pub struct Labels {
    columns: HashMap<String, usize>,
    songs: HashMap<String, Vec<f64>>,
    /// Valence and arousal about the midpoint, as each rater gave them.
    votes: HashMap<String, Vec<[f64; 2]>>,
}

impl Labels {
    /// Reads a labels file: with a column (`song`, `song_id`, `file` or just the first) for the
    /// file name, with or without its ending, and one of:
    ///
    /// - `valence_mean`, `arousal_mean` (and `_std`) on scales of 1 to 9;
    /// - a column per label space, named after its first pole (those of `poles`), with the share of
    ///   votes (or 0 and 1);
    /// - `valence` and `arousal` on scales of 1 to 9, a row per rater and song: then votes are
    ///   counted.
    ///
    /// Other scales are taken where the arguments say so, and kept as these.
    ///
    /// # Errors
    /// Where the file cannot be read, has no rows or no labels, or has one that is off its scale,
    /// no number, or there twice; with row and column.
    pub fn read(args: &LabelArgs, poles: &[&str]) -> anyhow::Result<Self> {
        let named = || format!("the labels file {}", args.labels.display());
        let Table { columns, rows } =
            Table::read(&args.labels, args.scale, poles).with_context(named)?;
        let columns = columns.into_iter().enumerate().map(|(i, name)| (name, i)).collect();
        let mut labels = Self { columns, songs: HashMap::new(), votes: HashMap::new() };
        rows.into_iter().for_each(|row| labels.add(row));
        Ok(labels)
    }

    fn add(&mut self, Row { song, labels }: Row) {
        let at = |column: &str| {
            let value = self.columns.get(column).and_then(|&c| labels.get(c));
            value.map(|x| x - RATING_MIDPOINT).filter(|x| x.is_finite())
        };
        if let (Some(valence), Some(arousal)) = (at("valence"), at("arousal")) {
            self.votes.entry(song.clone()).or_default().push([valence, arousal]);
        }
        self.songs.insert(song, labels);
    }

    /// Whether `song` has a row.
    pub fn has(&self, song: &str) -> bool {
        self.songs.contains_key(song)
    }

    /// Songs with a row.
    pub fn len(&self) -> usize {
        self.songs.len()
    }

    /// A column's value for a song; NaN where either is missing.
    pub fn value(&self, song: &str, column: &str) -> f64 {
        let row = self.songs.get(song);
        let value = row.zip(self.columns.get(column)).and_then(|(row, &c)| row.get(c).copied());
        value.unwrap_or(f64::NAN)
    }

    /// What each rater said of `song`, valence and arousal about the midpoint; empty where single
    /// votes are not known.
    pub fn votes(&self, song: &str) -> &[[f64; 2]] {
        self.votes.get(song).map_or(&[], Vec::as_slice)
    }

    /// What listeners said of `song` in `space`; `None` where the file does not say.
    pub fn label(&self, song: &str, space: &LabelSpace) -> Option<Label> {
        let counted = self.value(song, &space.first.to_lowercase());
        if counted.is_finite() {
            return Some(Label::of_share(counted));
        }
        let (sin, cos) = f64::from(space.angle_degrees).to_radians().sin_cos();
        let votes = self.votes(song);
        if !votes.is_empty() {
            // A rater counts for the pole with a positive dot product, one on neither side half for
            // each.
            let along = votes.iter().map(|[valence, arousal]| valence * cos + arousal * sin);
            let first =
                along.map(|x| if x.abs() < TIE { 0.5 } else { f64::from(u8::from(x > 0.0)) });
            return Some(Label::of_share(first.sum::<f64>() / votes.len() as f64));
        }
        let rating = |axis: &str| self.value(song, &format!("{axis}_mean")) - RATING_MIDPOINT;
        let spread = |axis: &str| self.value(song, &format!("{axis}_std"));
        let along = rating("valence") * cos + rating("arousal") * sin;
        let std = (spread("valence") * cos).hypot(spread("arousal") * sin).max(MIN_RATING_STD);
        along.is_finite().then(|| Label {
            first: (along.abs() > TIE).then_some(along > 0.0),
            share: std.is_finite().then(|| modelled_votes(along / std) as f32),
        })
    }
}

impl Label {
    fn of_share(share: f64) -> Self {
        Self {
            first: ((share - 0.5).abs() > TIE).then_some(share > 0.5),
            share: Some(share as f32),
        }
    }
}

/// Share of normally spread raters on the positive side, whose mean is `z` deviations above the
/// middle.
fn modelled_votes(z: f64) -> f64 {
    0.5 * (1.0 + libm::erf(z / std::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, scale: Scale) -> anyhow::Result<Labels> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let args = LabelArgs { labels: file.path().to_owned(), scale };
        Labels::read(&args, &["excited", "joy", "tense"])
    }

    fn labels(text: &str) -> Labels {
        read(text, Scale::Nine).unwrap()
    }

    #[test]
    fn ratings_become_votes_along_the_space() {
        let labels = labels(
            "song_id,valence_mean,valence_std,arousal_mean,arousal_std\n2,3.0,1.0,7.0,2.0\n\
             3,5,1,5,1\n",
        );
        let joy = labels.label("2", &LabelSpace::new("joy", "sad", 0.0)).unwrap();
        assert_eq!(joy.first, Some(false));
        assert!((joy.share.unwrap() - 0.022_75).abs() < 1e-4, "two deviations below: {joy:?}");
        let excited = labels.label("2", &LabelSpace::new("excited", "calm", 90.0)).unwrap();
        assert_eq!(excited.first, Some(true));
        assert!((excited.share.unwrap() - 0.841_34).abs() < 1e-4, "one above: {excited:?}");
        let tense = labels.label("2", &LabelSpace::new("tense", "relaxed", 135.0)).unwrap();
        assert_eq!(tense.first, Some(true));
        let tie = labels.label("3", &LabelSpace::new("joy", "sad", 0.0)).unwrap();
        assert_eq!(tie.first, None);
        assert!(labels.label("4", &LabelSpace::new("joy", "sad", 0.0)).is_none());
    }

    #[test]
    fn single_votes_are_counted_along_the_space() {
        let labels = labels(
            "rater, song_id, Valence, Arousal\na,7,8,6\nb,7,6,3\nc,7,2,2\nd,7,5,4\na,8,5,5\n",
        );
        let label = |song, first, angle| {
            labels.label(song, &LabelSpace::new(first, "other", angle)).unwrap()
        };
        // Two above the middle of valence, one below, one on it.
        assert_eq!(label("7", "joy", 0.0), Label { first: Some(true), share: Some(0.625) });
        assert_eq!(label("7", "excited", 90.0), Label { first: Some(false), share: Some(0.25) });
        // Along 135°: −2, −5, 0 and −1 (times √½), in the order of the rows.
        assert_eq!(label("7", "tense", 135.0), Label { first: Some(false), share: Some(0.125) });
        assert_eq!(label("8", "joy", 0.0).first, None, "one vote on neither side is a tie");
    }

    #[test]
    fn votes_are_taken_as_they_are() {
        let labels = labels("song,quadrant,excited,joy\nMT1,Q3,0,0.7\n");
        let joy = labels.label("MT1", &LabelSpace::new("joy", "sad", 0.0)).unwrap();
        assert_eq!(joy, Label { first: Some(true), share: Some(0.7) });
        let excited = labels.label("MT1", &LabelSpace::new("excited", "calm", 90.0)).unwrap();
        assert_eq!(excited.first, Some(false));
    }

    #[test]
    fn a_label_off_its_scale_is_refused_by_row_and_column() {
        for (text, place, expected) in [
            (
                "song,valence_mean,arousal_mean\na,5,5\nb,5,74\n",
                "row 3, column arousal_mean (song b)",
                "74 is off the scale, 1 to 9",
            ),
            (
                "song,valence_mean,arousal_mean\na,-0.5,0.1\n",
                "row 2, column valence_mean (song a)",
                "-0.5 is off the scale, 1 to 9",
            ),
            (
                "song,joy\na,1\nb,100\n",
                "row 3, column joy (song b)",
                "100 is off the scale, 0 to 1",
            ),
            ("song,joy\na,-1\n", "row 2, column joy (song a)", "-1 is off the scale, 0 to 1"),
            (
                "song,rater,valence,arousal\na,x,5,0\n",
                "row 2, column arousal (song a)",
                "0 is off the scale, 1 to 9",
            ),
            ("song,joy\na,NaN\n", "row 2, column joy (song a)", "\"NaN\" is no number; 0 to 1"),
            ("song,joy\na,inf\n", "row 2, column joy (song a)", "is no number"),
            ("song,joy\na,yes\n", "row 2, column joy (song a)", "\"yes\" is no number"),
            ("song,joy\na,\n", "row 2, column joy (song a)", "is empty; 0 to 1 is expected"),
            (
                "song,joy\r\n\r\na,1\r\n\r\nb,2\r\n",
                "row 5, column joy (song b)",
                "2 is off the scale",
            ),
            ("song,joy\ra,1\rb,2\r", "row 3, column joy (song b)", "2 is off the scale"),
            ("song,joy\n,1\n", "row 2, column song", "names no song"),
            ("song,joy\na,1\nb,1\na,0\n", "row 4, column song", "a has a row already"),
            ("song,joy\na.wav,1\na.mp3,0\n", "row 3, column song", "a has a row already"),
            (
                "song,valence_mean,arousal_mean,valence_std,arousal_std\na,5,5,6,1\n",
                "row 2, column valence_std (song a)",
                "6 is off the scale, 0 to 5.66",
            ),
        ] {
            let why = format!("{:#}", read(text, Scale::Nine).err().unwrap());
            assert!(why.contains(place) && why.contains(expected), "{text:?}: {why}");
        }
    }

    #[test]
    fn a_file_without_labels_says_which_columns_are_missing() {
        for (text, expected) in [
            (
                "song,quadrant\na,Q1\n",
                "no column of labels, only song, quadrant; expected are valence_mean",
            ),
            ("song,valence_mean\na,5\n", "has the column valence_mean but not arousal_mean"),
            ("song,arousal\na,5\n", "has the column arousal but not valence"),
            ("song,joy,joy\na,1,0\n", "has the column joy twice"),
            ("joy\n1\n", "no column of labels"),
            ("song,joy\n", "has no rows"),
            ("song,joy\na,1,0\n", "3 fields"),
            ("", "no column of labels"),
        ] {
            let why = format!("{:#}", read(text, Scale::Nine).err().unwrap());
            assert!(why.contains(expected), "{text:?}: {why}");
        }
    }

    #[test]
    fn other_scales_are_taken_where_they_are_named() {
        let means = |scale, rows: &str| {
            let header = "song,valence_mean,arousal_mean,valence_std,arousal_std,joy\n";
            let labels = read(&format!("{header}{rows}"), scale).unwrap();
            ["valence_mean", "arousal_mean", "valence_std", "joy"].map(|c| labels.value("a", c))
        };
        let kept = means(Scale::Nine, "a,3,7.3,2,1,0.25\n");
        assert_eq!(kept, [3.0, 7.3, 2.0, 0.25]);
        for (scale, rows) in [
            (Scale::Signed, "a,-0.5,0.575,0.5,0.25,-0.5\n"),
            (Scale::Unit, "a,0.25,0.7875,0.25,0.125,0.25\n"),
            (Scale::Percent, "a,25,78.75,25,12.5,25\n"),
        ] {
            let near = means(scale, rows).iter().zip(kept).all(|(x, y)| (x - y).abs() < 1e-12);
            assert!(near, "{scale:?}: {:?}", means(scale, rows));
        }
        let votes = read("song,valence,arousal\na,-1,0\na,1,0.5\n", Scale::Signed).unwrap();
        assert_eq!(votes.votes("a"), [[-4.0, 0.0], [4.0, 2.0]]);
    }

    #[test]
    fn what_spreadsheets_make_of_a_file_is_understood() {
        let joy = |text: &str| labels(text).value("b c", "joy");
        assert_eq!(joy("\u{feff}song,joy\r\na,1\r\nb c,0.25\r\n"), 0.25);
        assert_eq!(joy("\u{feff}\"song\";\"joy\"\r\na;1\r\nb c;0,25\r\n;\r\n"), 0.25);
        assert_eq!(joy("song\tjoy\na\t1\nb c.flac\t0.25\n"), 0.25);
        assert!(joy("song,joy\nb c,NA\n").is_nan());
    }
}
