//! Labels of a collection: what listeners said of each song, for any label space.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use moodring::model::space::LabelSpace;

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
    /// Share of votes for the first pole, where it is known or can be modelled from mean and spread.
    pub share: Option<f32>,
}

/// Rows of a labels file by song.
pub struct Labels {
    columns: HashMap<String, usize>,
    songs: HashMap<String, Vec<f64>>,
    /// Valence and arousal about the midpoint, as each rater gave them.
    votes: HashMap<String, Vec<[f64; 2]>>,
}

/// Names of the column that names the song; without one of these it is the first.
const SONG_COLUMNS: [&str; 4] = ["song", "song_id", "songid", "file"];

impl Labels {
    /// Reads a labels file: comma-separated, with a column (`song`, `song_id` or just the first) for the file name without its ending,
    /// and one of:
    ///
    /// - `valence_mean`, `arousal_mean` (and `_std`) on scales of 1 to 9;
    /// - a column per label space, named after its first pole, with the share of votes (or 0 and 1);
    /// - `valence` and `arousal` on scales of 1 to 9, a row per rater and song: then votes are counted.
    ///
    /// # Errors
    /// Where the file cannot be read or has no rows.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let named = || format!("the labels file {}", path.display());
        let mut reader = csv::Reader::from_path(path).with_context(named)?;
        let header = reader.headers().with_context(named)?;
        let names: Vec<String> =
            header.iter().map(|name| name.trim_matches(['\u{feff}', ' ']).to_lowercase()).collect();
        let song_column =
            names.iter().position(|name| SONG_COLUMNS.contains(&name.as_str())).unwrap_or(0);
        let columns: HashMap<String, usize> =
            names.into_iter().enumerate().map(|(i, name)| (name, i)).collect();
        let mut labels = Self { columns, songs: HashMap::new(), votes: HashMap::new() };
        for record in reader.records() {
            let record = record.with_context(named)?;
            let song = record.get(song_column).unwrap_or_default().trim().to_owned();
            let number = |text: &str| text.trim().parse().unwrap_or(f64::NAN);
            let row = record.iter().map(number).collect();
            labels.add(song, row);
        }
        if labels.songs.is_empty() {
            bail!("{} has no rows", named());
        }
        Ok(labels)
    }

    fn add(&mut self, song: String, row: Vec<f64>) {
        let at = |column: &str| {
            let value = self.columns.get(column).and_then(|&c| row.get(c));
            value.map(|x| x - RATING_MIDPOINT).filter(|x| x.is_finite())
        };
        if let (Some(valence), Some(arousal)) = (at("valence"), at("arousal")) {
            self.votes.entry(song.clone()).or_default().push([valence, arousal]);
        }
        self.songs.insert(song, row);
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

    /// What each rater said of `song`, valence and arousal about the midpoint; empty where single votes are not known.
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
            // A rater counts for the pole with a positive dot product, one on neither side half for each.
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

/// Share of normally spread raters on the positive side, whose mean is `z` deviations above the middle.
fn modelled_votes(z: f64) -> f64 {
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
}
