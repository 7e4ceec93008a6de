//! How well shares agree with labels: confusion, balanced accuracy, calibration, with intervals and
//! the majority baseline.

use serde::Serialize;

/// Bins of the calibration error.
const CALIBRATION_BINS: usize = 10;

/// Shares of the songs, most decided first, at which the accuracy among them is told.
const COVERAGES: [f64; 8] = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/// Resamplings of the songs for the intervals; the seed is fixed, so that a report can be made
/// again.
const RESAMPLINGS: usize = 1000;
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// One song: the share read, whether the first pole won, and its share of votes where known.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Share of the first pole as read.
    pub share: f32,
    /// Whether listeners chose the first pole.
    pub first: bool,
    /// Share of listeners who did.
    pub votes: Option<f32>,
}

impl Case {
    fn says_first(&self) -> bool {
        self.share > 0.5
    }
}

/// The figures of one label space.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Songs counted.
    pub songs: usize,
    /// Row "first pole": shares read as first and as second; then row "second pole". As in the
    /// paper's tables.
    pub confusion: [[f64; 2]; 2],
    /// Mean of the two rows' diagonal.
    pub balanced_accuracy: f64,
    /// 95 % of resamplings by song lie in here.
    pub balanced_accuracy_95: [f64; 2],
    /// Share of songs read right.
    pub accuracy: f64,
    /// Accuracy of always saying the more frequent pole; its balanced accuracy is one half.
    pub majority_accuracy: f64,
    /// Matthews' correlation coefficient.
    pub mcc: f64,
    /// Expected calibration error: mean distance of share and outcome over ten bins of share,
    /// weighted by songs.
    pub calibration_error: f64,
    /// Recall of the pole that is read worse.
    pub worst_recall: f64,
    /// Accuracy among the songs whose shares are furthest from an even vote.
    pub coverage: Vec<Coverage>,
    /// Songs by the share read: what was read on average, and how often the first pole had won.
    pub reliability: Vec<Reliability>,
    /// Mean distance from the share of votes, where votes are known.
    pub votes_mean_absolute_error: Option<f64>,
}

/// How right the most decided readings are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Share of the songs that are judged: those with the most decided readings.
    pub coverage: f64,
    /// Share of them that were read right.
    pub accuracy: f64,
    /// Distance from an even vote from which on a song counts.
    pub half_width: f64,
}

/// One bin of the share read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Mean share read.
    pub share: f64,
    /// Share of the songs whose first pole had won.
    pub first_won: f64,
    /// Songs in the bin.
    pub songs: usize,
}

impl Report {
    /// The figures of `cases`; `None` where one of the poles never won, for then half of them mean
    /// nothing.
    pub fn of(cases: &[Case]) -> Option<Self> {
        let counts = Counts::of(cases.iter());
        let n = cases.len() as f64;
        let confusion = counts.rows()?;
        let reliability = reliability(cases);
        Some(Self {
            songs: cases.len(),
            worst_recall: confusion[0][0].min(confusion[1][1]),
            confusion,
            balanced_accuracy: counts.balanced_accuracy()?,
            balanced_accuracy_95: interval(cases),
            accuracy: (counts.0[0][0] + counts.0[1][1]) / n,
            majority_accuracy: counts.total(0).max(counts.total(1)) / n,
            mcc: counts.mcc(),
            calibration_error: calibration_error(&reliability),
            coverage: coverage(cases),
            reliability,
            votes_mean_absolute_error: votes_error(cases),
        })
    }
}

/// Songs by pole that won (first index) and pole read (second); 0 = first.
#[derive(Clone, Copy, Debug, Default)]
struct Counts([[f64; 2]; 2]);

impl Counts {
    fn of<'a>(cases: impl Iterator<Item = &'a Case>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.0[usize::from(!case.first)][usize::from(!case.says_first())] += 1.0;
        }
        counts
    }

    fn total(&self, pole: usize) -> f64 {
        self.0[pole].iter().sum()
    }

    fn rows(&self) -> Option<[[f64; 2]; 2]> {
        let both_occur = self.total(0) > 0.0 && self.total(1) > 0.0;
        both_occur.then(|| [0, 1].map(|pole| self.0[pole].map(|n| n / self.total(pole))))
    }

    fn balanced_accuracy(&self) -> Option<f64> {
        self.rows().map(|rows| (rows[0][0] + rows[1][1]) / 2.0)
    }

    fn mcc(&self) -> f64 {
        let [[tp, fn_], [fp, tn]] = self.0;
        let spread = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
        if spread > 0.0 { (tp * tn - fp * fn_) / spread } else { 0.0 }
    }
}

/// The middle 95 % of the balanced accuracy over resamplings of the songs.
fn interval(cases: &[Case]) -> [f64; 2] {
    let mut random = SEED;
    let mut accuracies: Vec<f64> = (0..RESAMPLINGS)
        .filter_map(|_| {
            let resampled = (0..cases.len()).map(|_| {
                // Marsaglia's xorshift: plenty for resampling, and the same everywhere.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                &cases[(random % cases.len() as u64) as usize]
            });
            Counts::of(resampled).balanced_accuracy()
        })
        .collect();
    accuracies.sort_by(f64::total_cmp);
    let at = |quantile: f64| {
        let index = (quantile * accuracies.len() as f64) as usize;
        accuracies.get(index.min(accuracies.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    [at(0.025), at(0.975)]
}

/// The bins of the share read that hold any songs.
fn reliability(cases: &[Case]) -> Vec<Reliability> {
    let mut bins = [(0.0, 0.0, 0); CALIBRATION_BINS];
    for case in cases {
        let bin = (case.share * CALIBRATION_BINS as f32) as usize;
        let (shares, firsts, songs) = &mut bins[bin.min(CALIBRATION_BINS - 1)];
        *shares += f64::from(case.share);
        *firsts += f64::from(u8::from(case.first));
        *songs += 1;
    }
    let held = bins.iter().filter(|(_, _, songs)| *songs > 0);
    held.map(|&(shares, firsts, songs)| Reliability {
        share: shares / songs as f64,
        first_won: firsts / songs as f64,
        songs,
    })
    .collect()
}

fn calibration_error(bins: &[Reliability]) -> f64 {
    let songs: usize = bins.iter().map(|bin| bin.songs).sum();
    let apart = |bin: &Reliability| (bin.share - bin.first_won).abs() * bin.songs as f64;
    bins.iter().map(apart).sum::<f64>() / songs as f64
}

fn coverage(cases: &[Case]) -> Vec<Coverage> {
    let distance = |case: &Case| (case.share - 0.5).abs();
    let mut by_distance: Vec<&Case> = cases.iter().collect();
    by_distance.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
    let at = |coverage: f64| {
        let n = ((coverage * cases.len() as f64).round() as usize).clamp(1, cases.len());
        let right = by_distance[..n].iter().filter(|case| case.says_first() == case.first).count();
        let half_width = f64::from(distance(by_distance[n - 1]));
        Coverage { coverage, accuracy: right as f64 / n as f64, half_width }
    };
    COVERAGES.into_iter().map(at).collect()
}

fn votes_error(cases: &[Case]) -> Option<f64> {
    let errors: Vec<f64> = cases
        .iter()
        .filter_map(|case| case.votes.map(|votes| f64::from((votes - case.share).abs())))
        .collect();
    (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(share: f32, first: bool) -> Case {
        Case { share, first, votes: Some(if first { 0.8 } else { 0.2 }) }
    }

    #[test]
    fn figures_of_a_table_worked_out_by_hand() {
        // First pole: 3 of 4 read right; second: 1 of 2.
        let cases = [
            case(0.9, true),
            case(0.9, true),
            case(0.7, true),
            case(0.4, true),
            case(0.1, false),
            case(0.6, false),
        ];
        let report = Report::of(&cases).unwrap();
        assert_eq!(report.confusion, [[0.75, 0.25], [0.5, 0.5]]);
        assert_eq!(report.balanced_accuracy, 0.625);
        assert!((report.accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert!((report.majority_accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert!((report.mcc - 0.25).abs() < 1e-12);
        // Bins: 0.9 ×2 (both first): 0.2; 0.7: 0.3; 0.4: 0.6; 0.1: 0.1; 0.6: 0.6. Sum 1.8 of 6
        // songs.
        assert!((report.calibration_error - 0.3).abs() < 1e-6);
        assert_eq!(report.worst_recall, 0.5);
        // Most decided first: .9, .9 and .1 right, .7 right, then .4 and .6 wrong. 70 % of six
        // songs are four.
        let at = |wanted: f64| report.coverage.iter().find(|c| c.coverage == wanted).unwrap();
        assert_eq!(at(0.7).accuracy, 1.0);
        assert!((at(0.7).half_width - 0.2).abs() < 1e-6);
        assert!((at(1.0).accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(report.reliability.iter().map(|bin| bin.songs).sum::<usize>(), 6);
        // |0.9−0.8|·2, |0.7−0.8|, |0.4−0.8|, |0.1−0.2|, |0.6−0.2|: 1.2 of 6 songs.
        assert!((report.votes_mean_absolute_error.unwrap() - 0.2).abs() < 1e-6);
        let [low, high] = report.balanced_accuracy_95;
        assert!(low < 0.625 && 0.625 < high);
    }

    #[test]
    fn one_pole_alone_makes_no_report() {
        assert!(Report::of(&[case(0.9, true), case(0.2, true)]).is_none());
        assert!(Report::of(&[]).is_none());
    }

    #[test]
    fn perfect_reading_is_perfect() {
        let cases: Vec<Case> = (0..20).map(|n| case(f32::from(n % 2 == 0), n % 2 == 0)).collect();
        let report = Report::of(&cases).unwrap();
        assert_eq!((report.balanced_accuracy, report.mcc), (1.0, 1.0));
        assert_eq!((report.calibration_error, report.balanced_accuracy_95), (0.0, [1.0, 1.0]));
    }
}
