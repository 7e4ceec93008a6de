//! Labels of a collection: what listeners said of each song, for any label space.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use moodring::model::space::LabelSpace;

/// Middle of DEAM's rating scales, which run from 1 to 9.
const RATING_MIDPOINT: f64 = 5.0;

/// Smallest spread among raters that is believed: means are rounded to half a step.
const MIN_RATING_STD: f64 = 0.6;

/// Distance from the middle of the scale under which a song is a tie: both poles are right.
const TIE: f64 = 1e-6;

/// What listeners said of one song in one label space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// Whether the first pole won; `None` for a tie.
    pub first: Option<bool>,
    /// Share of votes for the first pole, where it is known or can be modelled from mean and spread.
    pub share: Option<f32>,
}

/// Rows of a labels file by song.
pub struct Labels {
    columns: HashMap<String, usize>,
    songs: HashMap<String, Vec<f64>>,
}

impl Labels {
    /// Reads a labels file: comma-separated, its first column the file name without its ending, and either `valence_mean`,
    /// `arousal_mean` (and `_std`) on scales of 1 to 9, or one column per label space, named after its first pole, with the
    /// share of votes (or 0 and 1).
    ///
    /// # Errors
    /// Where the file cannot be read or has none of those columns.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let named = || format!("the labels file {}", path.display());
        let mut reader = csv::Reader::from_path(path).with_context(named)?;
        let header = reader.headers().with_context(named)?.clone();
        let columns =
            header.iter().skip(1).enumerate().map(|(i, name)| (name.to_owned(), i)).collect();
        let mut songs = HashMap::new();
        for record in reader.records() {
            let record = record.with_context(named)?;
            let number = |text: &str| text.trim().parse().unwrap_or(f64::NAN);
            let mut fields = record.iter();
            let song = fields.next().unwrap_or_default().to_owned();
            songs.insert(song, fields.map(number).collect());
        }
        if songs.is_empty() {
            bail!("{} has no rows", named());
        }
        Ok(Self { columns, songs })
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

    /// What listeners said of `song` in `space`; `None` where the file does not say.
    pub fn label(&self, song: &str, space: &LabelSpace) -> Option<Label> {
        let share = self.value(song, &space.first);
        if share.is_finite() {
            let first = (share != 0.5).then_some(share > 0.5);
            return Some(Label { first, share: Some(share as f32) });
        }
        let rating = |axis: &str| self.value(song, &format!("{axis}_mean")) - RATING_MIDPOINT;
        let spread = |axis: &str| self.value(song, &format!("{axis}_std"));
        let (sin, cos) = f64::from(space.angle_degrees).to_radians().sin_cos();
        let along = rating("valence") * cos + rating("arousal") * sin;
        let std = (spread("valence") * cos).hypot(spread("arousal") * sin).max(MIN_RATING_STD);
        along.is_finite().then(|| Label {
            first: (along.abs() > TIE).then_some(along > 0.0),
            share: std.is_finite().then(|| votes(along / std) as f32),
        })
    }
}

/// Share of normally spread raters on the positive side, whose mean is `z` deviations above the middle.
fn votes(z: f64) -> f64 {
    0.5 * (1.0 + libm::erf(z / std::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        let path = std::env::temp_dir().join(format!("moodring-labels-{}", text.len()));
        std::fs::write(&path, text).unwrap();
        let labels = Labels::read(&path);
        std::fs::remove_file(&path).unwrap();
        labels.unwrap()
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
    fn votes_are_taken_as_they_are() {
        let labels = labels("song,quadrant,excited,joy\nMT1,Q3,0,0.7\n");
        let joy = labels.label("MT1", &LabelSpace::new("joy", "sad", 0.0)).unwrap();
        assert_eq!(joy, Label { first: Some(true), share: Some(0.7) });
        let excited = labels.label("MT1", &LabelSpace::new("excited", "calm", 90.0)).unwrap();
        assert_eq!(excited.first, Some(false));
    }
}
