//! From Readings to the pieces of curve that are drawn: where it runs, where it is only
//! provisional, where it must break.

use crate::reading::{Phase, Reading};

/// A stretch without a break, all live or all provisional: points of (seconds, share).
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Less than ten seconds had been heard.
    pub provisional: bool,
    /// (time, share of the first pole), times rising.
    pub points: Vec<(f64, f64)>,
}

/// Interval between readings beyond which the curve breaks, as a multiple of the usual one.
///
/// A reading or two may be missing after an overrun; a curve drawn across more would invent music.
const GAP_INTERVALS: f64 = 2.5;

/// One reading in place of all of a phase in each `stretch_secs`: the mean of their times and
/// shares. A change of phase, however short, is kept.
#[must_use]
pub fn averaged(readings: &[Reading], stretch_secs: f64) -> Vec<Reading> {
    let stretch = |reading: &Reading| (reading.time_secs / stretch_secs).floor();
    let together = |a: &Reading, b: &Reading| a.phase == b.phase && stretch(a) == stretch(b);
    readings.chunk_by(together).filter_map(mean).collect()
}

/// The mean time and shares of `readings`, all else as in the last; `None` of none.
fn mean(readings: &[Reading]) -> Option<Reading> {
    let n = readings.len() as f64;
    let mean = |value: &dyn Fn(&Reading) -> f64| readings.iter().map(value).sum::<f64>() / n;
    readings.last().map(|last| Reading {
        time_secs: mean(&|reading| reading.time_secs),
        shares: std::array::from_fn(|space| {
            mean(&|reading| f64::from(reading.shares[space])) as f32
        }),
        ..*last
    })
}

/// The runs of space `space`. A run breaks where a reading has no share (silence) or where readings
/// are missing; a live run begins at the last provisional point before it, so that the change of
/// line style leaves no hole.
#[must_use]
pub fn runs(readings: &[Reading], space: usize) -> Vec<Run> {
    let longest_secs = GAP_INTERVALS * usual_interval_secs(readings);
    let mut runs: Vec<Run> = Vec::new();
    let mut previous: Option<(f64, f64)> = None;
    for reading in readings {
        let Some(point) = point(reading, space) else {
            previous = None;
            continue;
        };
        let joined = previous.filter(|last| point.0 > last.0 && point.0 - last.0 <= longest_secs);
        let provisional = reading.phase == Phase::Listening;
        match (joined, runs.last_mut()) {
            (Some(_), Some(run)) if run.provisional == provisional => run.points.push(point),
            (Some(last), _) => runs.push(Run { provisional, points: vec![last, point] }),
            (None, _) => runs.push(Run { provisional, points: vec![point] }),
        }
        previous = Some(point);
    }
    runs
}

/// Stretches of silence as (start, end), seconds.
#[must_use]
pub fn silences(readings: &[Reading]) -> Vec<(f64, f64)> {
    let mut silences: Vec<(f64, f64)> = Vec::new();
    let mut silent = false;
    for reading in readings {
        let was_silent = std::mem::replace(&mut silent, reading.phase == Phase::Silent);
        match silences.last_mut() {
            Some(last) if silent && was_silent => last.1 = reading.time_secs,
            _ if silent => silences.push((reading.time_secs, reading.time_secs)),
            _ => {}
        }
    }
    silences
}

/// The pieces of a polyline above and below `level`, cut where it crosses: (is above, points).
#[must_use]
pub fn sides(points: &[(f64, f64)], level: f64) -> Vec<(bool, Vec<(f64, f64)>)> {
    let mut pieces: Vec<(bool, Vec<(f64, f64)>)> = Vec::new();
    for &point in points {
        let above = point.1 >= level;
        match pieces.last_mut() {
            Some((side, piece)) if *side == above => piece.push(point),
            Some((_, piece)) => {
                let crossing = crossing(piece[piece.len() - 1], point, level);
                piece.push(crossing);
                pieces.push((above, vec![crossing, point]));
            }
            None => pieces.push((above, vec![point])),
        }
    }
    pieces
}

/// The dashes of a polyline: `on` drawn, `off` left out, lengths in the units of the points.
#[must_use]
pub fn dashes(points: &[(f64, f64)], on: f64, off: f64) -> Vec<Vec<(f64, f64)>> {
    let mut dashes: Vec<Vec<(f64, f64)>> = Vec::new();
    let (mut drawing, mut left) = (true, on);
    let Some(&first) = points.first() else { return dashes };
    dashes.push(vec![first]);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        while length > left {
            let cut = between(from, to, left / length);
            match dashes.last_mut() {
                Some(dash) if drawing => dash.push(cut),
                _ => dashes.push(vec![cut]),
            }
            drawing = !drawing;
            (from, length) = (cut, length - left);
            left = if drawing { on } else { off };
        }
        left -= length;
        if let Some(dash) = dashes.last_mut().filter(|_| drawing) {
            dash.push(to);
        }
    }
    dashes
}

/// The reading's point of space `space`, if it has one that can be drawn.
fn point(reading: &Reading, space: usize) -> Option<(f64, f64)> {
    let share = f64::from(*reading.shares().get(space)?);
    (share.is_finite() && reading.time_secs.is_finite())
        .then(|| (reading.time_secs, share.clamp(0.0, 1.0)))
}

/// The median interval between readings, seconds; infinite for fewer than two.
fn usual_interval_secs(readings: &[Reading]) -> f64 {
    let mut intervals: Vec<f64> =
        readings.windows(2).map(|pair| pair[1].time_secs - pair[0].time_secs).collect();
    intervals.sort_by(f64::total_cmp);
    intervals.get(intervals.len() / 2).copied().unwrap_or(f64::INFINITY)
}

fn crossing(from: (f64, f64), to: (f64, f64), level: f64) -> (f64, f64) {
    (between(from, to, (level - from.1) / (to.1 - from.1)).0, level)
}

fn between(from: (f64, f64), to: (f64, f64), part: f64) -> (f64, f64) {
    (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(time_secs: f64, phase: Phase, share: f32) -> Reading {
        Reading { time_secs, phase, n_spaces: 1, shares: [share; 4], ..Reading::default() }
    }

    #[test]
    fn a_live_run_takes_over_where_the_provisional_one_ends() {
        let readings = [
            reading(9.8, Phase::Listening, 0.25),
            reading(10.0, Phase::Listening, 0.5),
            reading(10.2, Phase::Live, 0.75),
        ];
        let expected = [
            Run { provisional: true, points: vec![(9.8, 0.25), (10.0, 0.5)] },
            Run { provisional: false, points: vec![(10.0, 0.5), (10.2, 0.75)] },
        ];
        assert_eq!(runs(&readings, 0), expected);
        assert!(runs(&readings, 1).is_empty());
    }

    #[test]
    fn silence_breaks_the_curve_and_is_told() {
        let readings = [
            reading(20.0, Phase::Live, 0.25),
            reading(20.2, Phase::Silent, 0.25),
            reading(20.4, Phase::Silent, 0.25),
            reading(20.6, Phase::Live, 0.75),
        ];
        assert_eq!(runs(&readings, 0).len(), 2);
        assert_eq!(silences(&readings), [(20.2, 20.4)]);
    }

    #[test]
    fn missing_readings_break_the_curve_whatever_the_usual_interval() {
        let times = [0.0, 5.0, 10.0, 15.0, 40.0];
        let readings: Vec<Reading> = times.map(|t| reading(t, Phase::Live, 0.5)).into();
        let lengths: Vec<usize> = runs(&readings, 0).iter().map(|run| run.points.len()).collect();
        assert_eq!(lengths, [4, 1]);
    }

    #[test]
    fn a_crowd_becomes_its_mean_and_no_change_of_phase_is_lost() {
        let readings = [
            reading(0.0, Phase::Live, 0.25),
            reading(4.0, Phase::Live, 0.75),
            reading(5.0, Phase::Silent, 0.75),
            reading(9.0, Phase::Live, 1.0),
            reading(10.0, Phase::Live, 0.0),
        ];
        let expected = [
            reading(2.0, Phase::Live, 0.5),
            reading(5.0, Phase::Silent, 0.75),
            reading(9.0, Phase::Live, 1.0),
            reading(10.0, Phase::Live, 0.0),
        ];
        assert_eq!(averaged(&readings, 10.0), expected);
        assert_eq!(averaged(&[], 10.0), []);
    }

    #[test]
    fn a_share_that_is_no_number_is_not_drawn() {
        let readings = [reading(1.0, Phase::Live, f32::NAN), reading(1.2, Phase::Live, 1.5)];
        assert_eq!(runs(&readings, 0), [Run { provisional: false, points: vec![(1.2, 1.0)] }]);
    }

    #[test]
    fn a_curve_is_cut_where_it_crosses_the_middle() {
        let pieces = sides(&[(0.0, 0.75), (1.0, 0.25), (2.0, 0.25)], 0.5);
        assert_eq!(
            pieces,
            [
                (true, vec![(0.0, 0.75), (0.5, 0.5)]),
                (false, vec![(0.5, 0.5), (1.0, 0.25), (2.0, 0.25)])
            ]
        );
    }

    #[test]
    fn dashes_and_gaps_alternate_along_corners() {
        let corner = [(0.0, 0.0), (3.0, 0.0), (3.0, 3.0)];
        let expected = [vec![(0.0, 0.0), (2.0, 0.0)], vec![(3.0, 0.0), (3.0, 2.0)]];
        assert_eq!(dashes(&corner, 2.0, 1.0), expected);
    }
}
