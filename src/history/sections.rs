//! Where a song changes its mood: a track's shares as a few level stretches.

use super::slot::{Point, SLOT_SECS};
use super::track::Track;
use crate::reading::MAX_SPACES;
use crate::units::count;

/// Most points that are looked at; more are averaged by twos, threes and so on.
const MAX_POINTS: usize = 2000;

/// Seconds after which readings share no audio: the window's length.
const INDEPENDENT_SECS: f64 = 10.0;

/// A hole in the track of this length ends a section.
const HOLE_SECS: f64 = 10.0;

/// Least noise of a share: over a steady loop the share ranges over 0.12 on average
/// (`models/moodring-steadiness.md`), which is about four standard deviations.
const LEAST_NOISE: f32 = 0.03;

/// Median of |x − y| for normal x and y with standard deviation 1: 0.6745·√2.
const MEDIAN_DIFFERENCE: f32 = 0.954;

/// A stretch whose mood stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// Where it begins, seconds on the track's clock.
    pub from_secs: f64,
    /// Where it ends.
    pub to_secs: f64,
    /// Mean share of each space's first pole.
    pub shares: [f32; MAX_SPACES],
}

/// The sections of a track, none shorter than `min_secs` unless it stands between two holes.
/// Silence and holes of ten seconds part sections. A boundary lags the change in the music by about
/// half a window, as readings do.
///
/// Of all divisions the one with the least
///
/// ```text
/// Σ over sections ( Σ over points and spaces (share − mean)² / noise²  +  n₁₀ · (spaces + 1) · ln N )
/// ```
///
/// where `noise` is that of readings ten seconds apart, which have no audio in common, `n₁₀` counts
/// the points in ten seconds and `N` the independent readings. Found exactly, in a time that grows
/// with the square of at most 2000 points. Allocates.
///
/// # Source
/// Jackson et al., "An algorithm for optimal partitioning of data on an interval", IEEE Signal
/// Processing Letters 2005; the penalty is Schwarz's, for as many independent readings as there
/// are.
#[must_use]
pub fn sections(track: &Track, min_secs: f64) -> Vec<Section> {
    let points: Vec<Point> =
        track.points(f64::NEG_INFINITY, f64::INFINITY).filter(|p| p.phase.has_shares()).collect();
    let group = points.len().div_ceil(MAX_POINTS).max(1);
    let has_hole = |a: &Point, b: &Point| b.secs - a.secs > HOLE_SECS;
    points
        .chunk_by(|a, b| !has_hole(a, b))
        .flat_map(|stretch| Stretch::new(stretch, group).sections(min_secs))
        .collect()
}

/// Points without a hole between them, averaged by groups.
struct Stretch {
    /// Where each group begins, and where the last one ends.
    secs: Vec<f64>,
    n_spaces: usize,
    /// Sums of the shares of all groups before each, and of their squares over the noise's.
    sums: Vec<[f64; MAX_SPACES]>,
    squares: Vec<f64>,
    /// Noise of each share.
    noise: [f64; MAX_SPACES],
    /// Groups in ten seconds, at least one.
    per_independent: usize,
}

impl Stretch {
    fn new(points: &[Point], group: usize) -> Self {
        let n_spaces = points.first().map_or(0, |point| point.n_spaces.min(MAX_SPACES));
        let shares: Vec<[f32; MAX_SPACES]> = points.chunks(group).map(mean).collect();
        let group_secs = SLOT_SECS * f64::from(count(group));
        let per_independent = ((INDEPENDENT_SECS / group_secs) as usize).max(1);
        let noise = std::array::from_fn(|space| f64::from(noise(&shares, space, per_independent)));
        let (mut sums, mut squares) = (vec![[0.0; MAX_SPACES]], vec![0.0]);
        for group in &shares {
            let (mut sum, mut square) = (sums[sums.len() - 1], squares[squares.len() - 1]);
            for space in 0..n_spaces {
                let share = f64::from(group[space]);
                sum[space] += share;
                square += (share / noise[space]).powi(2);
            }
            sums.push(sum);
            squares.push(square);
        }
        let begins = points.iter().step_by(group).map(|point| point.secs);
        let end = points.last().map(|point| point.secs + SLOT_SECS);
        Self { secs: begins.chain(end).collect(), n_spaces, sums, squares, noise, per_independent }
    }

    fn sections(&self, min_secs: f64) -> Vec<Section> {
        let n = self.sums.len() - 1;
        let section = |(from, to): (usize, usize)| Section {
            from_secs: self.secs[from],
            to_secs: self.secs[to],
            shares: std::array::from_fn(|i| {
                ((self.sums[to][i] - self.sums[from][i]) / (to - from) as f64) as f32
            }),
        };
        let mut boundaries = self.boundaries(n, min_secs.max(SLOT_SECS));
        boundaries.push(n);
        let begins = std::iter::once(0).chain(boundaries.iter().copied());
        begins.zip(boundaries.iter().copied()).filter(|(from, to)| from < to).map(section).collect()
    }

    /// Where sections begin, but for the first.
    fn boundaries(&self, n: usize, min_secs: f64) -> Vec<usize> {
        let n_independent = (n / self.per_independent).max(2) as f64;
        let penalty = (self.per_independent * (self.n_spaces + 1)) as f64 * n_independent.ln();
        // Least cost of all groups before each, and where the last section then begins.
        let mut best = vec![(0.0, 0)];
        for to in 1..=n {
            let candidates = (0..to)
                .take_while(|from| *from == 0 || self.secs[to] - self.secs[*from] >= min_secs)
                .filter(|from| *from == 0 || self.secs[*from] - self.secs[0] >= min_secs)
                .map(|from| (best[from].0 + self.cost(from, to) + penalty, from));
            best.push(candidates.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default());
        }
        let mut boundaries: Vec<usize> = std::iter::successors(Some(n), |to| Some(best[*to].1))
            .skip(1)
            .take_while(|from| *from > 0)
            .collect();
        boundaries.reverse();
        boundaries
    }

    /// How far the shares from group `from` to before group `to` are from their mean, in squares of
    /// the noise.
    fn cost(&self, from: usize, to: usize) -> f64 {
        let level = (0..self.n_spaces).map(|i| {
            let sum = self.sums[to][i] - self.sums[from][i];
            (sum / self.noise[i]).powi(2) / (to - from) as f64
        });
        self.squares[to] - self.squares[from] - level.sum::<f64>()
    }
}

fn mean(points: &[Point]) -> [f32; MAX_SPACES] {
    let n = count(points.len());
    std::array::from_fn(|i| points.iter().map(|point| point.shares[i]).sum::<f32>() / n)
}

/// Noise of a share, from the median difference of readings `lag` groups apart: medians do not see
/// the few changes.
fn noise(shares: &[[f32; MAX_SPACES]], space: usize, lag: usize) -> f32 {
    let later = shares.iter().skip(lag);
    let mut differences: Vec<f32> =
        shares.iter().zip(later).map(|(a, b)| (b[space] - a[space]).abs()).collect();
    differences.sort_by(f32::total_cmp);
    let median = differences.get(differences.len() / 2).copied().unwrap_or_default();
    (median / MEDIAN_DIFFERENCE).max(LEAST_NOISE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::slot::pack;
    use crate::reading::{Phase, Reading};

    /// A track of levels, each for so many seconds, with a ripple like that of readings over a
    /// loop.
    fn track(levels: &[(f64, [f32; 2])]) -> Track {
        let (mut track, mut slot) = (Track::new(), 0);
        for (secs, [first, second]) in levels {
            for _ in 0..(secs / SLOT_SECS) as i64 {
                let ripple = 0.04 * (slot as f32 * 0.7).sin();
                let shares = [first + ripple, second - ripple, 0.0, 0.0];
                let phase = if first.is_nan() { Phase::Silent } else { Phase::Live };
                let reading = Reading { phase, n_spaces: 2, shares, ..Reading::default() };
                track.write(slot, pack(&reading).unwrap());
                slot += 1;
            }
        }
        track
    }

    #[track_caller]
    fn assert_boundaries(track: &Track, min_secs: f64, expected: &[f64]) {
        let sections = sections(track, min_secs);
        let ends: Vec<f64> = sections.iter().map(|section| section.to_secs).collect();
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 2.0;
        assert!(
            ends.len() == expected.len() && ends.iter().zip(expected).all(close),
            "{sections:?}"
        );
    }

    #[test]
    fn levels_are_found_where_they_change() {
        let verse_and_chorus = track(&[(60.0, [0.3, 0.5]), (40.0, [0.7, 0.5]), (50.0, [0.3, 0.6])]);
        assert_boundaries(&verse_and_chorus, 8.0, &[60.0, 100.0, 150.0]);
        let shares = sections(&verse_and_chorus, 8.0)[1].shares;
        assert!((shares[0] - 0.7).abs() < 0.02 && (shares[1] - 0.5).abs() < 0.02, "{shares:?}");
    }

    #[test]
    fn a_song_that_stays_is_one_section_and_nothing_is_none() {
        assert_boundaries(&track(&[(300.0, [0.6, 0.4])]), 8.0, &[300.0]);
        assert_boundaries(&track(&[(0.5, [0.6, 0.4])]), 8.0, &[0.5]);
        assert_boundaries(&Track::new(), 8.0, &[]);
    }

    #[test]
    fn no_section_is_shorter_than_asked_for() {
        let track = track(&[(60.0, [0.2, 0.5]), (12.0, [0.8, 0.5]), (60.0, [0.2, 0.5])]);
        assert_boundaries(&track, 8.0, &[60.0, 72.0, 132.0]);
        for section in sections(&track, 40.0) {
            assert!(section.to_secs - section.from_secs >= 40.0, "{section:?}");
        }
        assert_eq!(sections(&track, f64::INFINITY).len(), 1);
        assert_eq!(sections(&track, f64::NAN), sections(&track, 0.0));
    }

    #[test]
    fn silence_parts_sections() {
        let quiet = [f32::NAN; 2];
        let track = track(&[(30.0, [0.5, 0.5]), (15.0, quiet), (30.0, [0.5, 0.5])]);
        let sections = sections(&track, 8.0);
        assert_eq!(sections.len(), 2);
        assert_eq!((sections[0].to_secs, sections[1].from_secs), (30.0, 45.0));
    }

    #[test]
    fn six_hours_are_divided_as_well() {
        let hours = [(7000.0, [0.2, 0.2]), (7000.0, [0.8, 0.2]), (7000.0, [0.8, 0.9])];
        let sections = sections(&track(&hours), 60.0);
        assert_eq!(sections.len(), 3, "{sections:?}");
        assert!((sections[1].from_secs - 7000.0).abs() < 30.0);
    }
}
