//! Two takes of the music side by side: did the change in the mix change its mood?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::slot::{Packed, Point, SLOT_SECS, slot_of, slot_secs, unpack};
use super::track::{Means, means};
use super::{Clock, History};
use crate::config::RING_SECS;
use crate::reading::MAX_SPACES;
use crate::units::count;

/// Slots that a snapshot holds: a minute.
pub(super) const SNAPSHOT_SLOTS: usize = 120;

/// Places that two snapshots must have in common, seconds, to be compared place by place.
const PAIRED_SECS: f32 = 10.0;

/// Least standard error of a difference place by place. Re-encoding or 12 dB of gain, which change
/// no mood, moved the readings of 120 clips by 0.005 on average and by 0.032 at most
/// (`models/moodring-steadiness.md`): twice this error is 0.03.
const PAIRED_FLOOR: f32 = 0.015;

/// Least standard error of the mean of one snapshot. Where the window lies in a steady loop moves a
/// share over a range of 0.12 (there, "A loop"), about four standard deviations.
const MEAN_FLOOR: f32 = 0.03;

/// What was heard in the last minute, or since the last reset: to be kept and compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    clock: Clock,
    /// The poles of the label spaces that the shares are of.
    poles: Vec<[String; 2]>,
    /// Number and content of each slot, in order of place.
    slots: Vec<(i64, Packed)>,
    /// When this was kept, in the history's ticks, and how long before each of `slots` was heard;
    /// nothing in projects of versions that did not know.
    #[serde(default)]
    kept_at: u64,
    #[serde(default)]
    ages: Vec<u64>,
}

/// A share by slot.
type Shares = BTreeMap<i64, f32>;

/// How a share differs between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Mean share of the first pole in the second snapshot, less that in the first.
    pub difference: f32,
    /// That mean share in the second.
    pub share: f32,
    /// Standard error of the difference.
    pub error: f32,
    /// Whether the same places were compared with each other, rather than the means of different
    /// ones.
    pub is_paired: bool,
    /// How much was compared, seconds: what both have in common, or the shorter one.
    pub secs: f32,
}

impl Comparison {
    /// Whether the difference is more than readings move by themselves: more than two standard
    /// errors.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.difference.abs() > 2.0 * self.error
    }
}

impl Snapshot {
    /// The points of the last minute heard, at most, and none from before the last reset; `None`
    /// where nothing has been read since.
    #[must_use]
    pub fn of(history: &History) -> Option<Self> {
        let track = history.track(history.clock());
        // Of a place that was heard more than once the last time counts.
        let heard: BTreeMap<i64, u64> = history.recent.iter().copied().collect();
        let snapshot = Self {
            clock: history.clock(),
            poles: history.poles.clone(),
            slots: heard.keys().map(|slot| (*slot, track.packed(*slot))).collect(),
            kept_at: history.tick,
            ages: heard.values().map(|tick| history.tick - tick).collect(),
        };
        snapshot.means().is_some().then_some(snapshot)
    }

    /// The clock of its places.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What was read, in order of place.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        self.slots.iter().take(SNAPSHOT_SLOTS).filter_map(|(slot, packed)| unpack(*slot, packed))
    }

    /// Means over the snapshot; `None` where it holds no shares.
    #[must_use]
    pub fn means(&self) -> Option<Means> {
        means(self.points())
    }

    /// Where it begins and ends, seconds.
    #[must_use]
    pub fn span_secs(&self) -> (f64, f64) {
        let place = |slot: Option<&(i64, Packed)>| slot.map_or(0.0, |(slot, _)| slot_secs(*slot));
        (place(self.slots.first()), place(self.slots.last()) + SLOT_SECS)
    }

    /// A share by slot, of those that were heard after `other` was kept; of all where nobody knows.
    fn shares_since(&self, other: &Self, space: usize) -> Shares {
        let mut shares: Shares = self.shares(space).collect();
        for ((slot, _), age) in self.slots.iter().zip(&self.ages) {
            if self.kept_at.saturating_sub(*age) <= other.kept_at {
                shares.remove(slot);
            }
        }
        shares
    }

    /// A share by slot.
    fn shares(&self, space: usize) -> impl Iterator<Item = (i64, f32)> + '_ {
        self.points().filter_map(move |p| Some((slot_of(p.secs), *p.shares().get(space)?)))
    }
}

/// How the share of label space number `space` differs from snapshot `a` to `b`; `None` where
/// either has no such share, their models have other label spaces, or nothing was heard between
/// them.
///
/// Where both hold the same ten seconds of the song or more, heard again for the later one, each
/// place is compared with itself, which leaves out how the places differ from each other. What was
/// heard once and kept twice is the same reading, and says nothing. The standard error of a mean
/// counts one independent reading per ten seconds, for windows overlap, and is no less than what
/// readings move while nothing changes.
#[must_use]
pub fn compare(a: &Snapshot, b: &Snapshot, space: usize) -> Option<Comparison> {
    if a.poles != b.poles || space >= MAX_SPACES {
        return None;
    }
    // The later of the two counts where it was heard after the other was kept.
    let (new_a, new_b) = if a.kept_at > b.kept_at {
        (a.shares_since(b, space), b.shares(space).collect())
    } else {
        (a.shares(space).collect(), b.shares_since(a, space))
    };
    if (a.clock, b.clock) == (Clock::Song, Clock::Song) {
        let pairs: Vec<(f32, f32)> =
            new_a.iter().filter_map(|(slot, a)| Some((*a, *new_b.get(slot)?))).collect();
        let differences: Vec<f32> = pairs.iter().map(|(a, b)| b - a).collect();
        let paired = Spread::of(&differences).filter(|spread| spread.secs >= PAIRED_SECS);
        if let Some(spread) = paired {
            return Some(Comparison {
                difference: spread.mean,
                share: pairs.iter().map(|(_, b)| b).sum::<f32>() / count(pairs.len()),
                error: spread.error(PAIRED_FLOOR),
                is_paired: true,
                secs: spread.secs,
            });
        }
    }
    let spread = |shares: Shares| Spread::of(&shares.into_values().collect::<Vec<_>>());
    let (a, b) = (spread(new_a)?, spread(new_b)?);
    Some(Comparison {
        difference: b.mean - a.mean,
        share: b.mean,
        error: a.error(MEAN_FLOOR).hypot(b.error(MEAN_FLOOR)),
        is_paired: false,
        secs: a.secs.min(b.secs),
    })
}

/// Mean and standard deviation of values that come every half second.
struct Spread {
    mean: f32,
    deviation: f32,
    secs: f32,
}

impl Spread {
    fn of(values: &[f32]) -> Option<Self> {
        let n = (!values.is_empty()).then_some(count(values.len()))?;
        let mean = values.iter().sum::<f32>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / n;
        Some(Self { mean, deviation: variance.sqrt(), secs: n * SLOT_SECS as f32 })
    }

    /// Standard error of the mean. Less than ten seconds are less than one reading, so there it
    /// exceeds the floor.
    fn error(&self, floor: f32) -> f32 {
        let n_independent = self.secs / count(RING_SECS);
        (self.deviation / n_independent.sqrt()).max(floor / n_independent.min(1.0).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::space::LabelSpace;
    use crate::reading::{Phase, Reading};

    fn history() -> History {
        let mut history = History::default();
        history.set_spaces(&[LabelSpace::new("excited", "calm", 90.0)]);
        history
    }

    /// A snapshot of `secs` seconds from `from` on, whose share is `share` of the place.
    fn snapshot(from: Option<f64>, secs: f64, share: impl Fn(f64) -> f32) -> Snapshot {
        let mut history = history();
        for n in 0..(secs / SLOT_SECS) as i32 {
            let time_secs = 1.0 + f64::from(n) * SLOT_SECS;
            let song_secs = from.map(|from| from + f64::from(n) * SLOT_SECS);
            let shares = [share(song_secs.unwrap_or(time_secs)), 0.0, 0.0, 0.0];
            let phase = Phase::Live;
            let reading = Reading { time_secs, phase, n_spaces: 1, shares, ..Reading::default() };
            history.record(&reading.at(song_secs));
        }
        Snapshot::of(&history).unwrap()
    }

    /// A song that moves far more than the mix does.
    fn song(secs: f64) -> f32 {
        0.5 + 0.3 * (secs as f32 / 7.0).sin()
    }

    #[test]
    fn the_same_places_are_compared_with_each_other() {
        let before = snapshot(Some(30.0), 40.0, song);
        let after = snapshot(Some(50.0), 40.0, |secs| song(secs) + 0.05);
        let found = compare(&before, &after, 0).unwrap();
        assert!(found.is_paired && found.is_real(), "{found:?}");
        assert!((found.difference - 0.05).abs() < 0.002 && found.secs == 20.0, "{found:?}");
        let again = compare(&before, &snapshot(Some(30.0), 40.0, song), 0).unwrap();
        assert!(again.is_paired && !again.is_real(), "{again:?}");
    }

    #[test]
    fn different_places_need_a_larger_difference() {
        let verse = snapshot(Some(0.0), 30.0, |_| 0.4);
        let slightly = compare(&verse, &snapshot(Some(100.0), 30.0, |_| 0.45), 0).unwrap();
        assert!(!slightly.is_paired && !slightly.is_real(), "{slightly:?}");
        let clearly = compare(&verse, &snapshot(None, 30.0, |_| 0.6), 0).unwrap();
        assert!(clearly.is_real() && (clearly.difference - 0.2).abs() < 0.002, "{clearly:?}");
        let few = compare(&verse, &snapshot(None, 0.5, |_| 0.6), 0).unwrap();
        assert!(!few.is_real(), "half a second is little: {few:?}");
    }

    #[test]
    fn what_was_heard_once_and_kept_twice_is_not_compared_with_itself() {
        for on_timeline in [true, false] {
            let mut history = history();
            let mut now = 0.0;
            let mut play = |history: &mut History, secs: u32, share: f32| {
                for _ in 0..2 * secs {
                    now += SLOT_SECS;
                    let (phase, shares) = (Phase::Live, [share; MAX_SPACES]);
                    let reading = Reading {
                        time_secs: now,
                        phase,
                        n_spaces: 1,
                        shares,
                        ..Reading::default()
                    };
                    history.record(&reading.at(on_timeline.then_some(now)));
                }
            };
            play(&mut history, 30, 0.2);
            let a = Snapshot::of(&history).unwrap();
            assert_eq!(compare(&a, &Snapshot::of(&history).unwrap(), 0), None, "nothing since");
            play(&mut history, 20, 0.7);
            let b = Snapshot::of(&history).unwrap();
            for (found, sign) in [(compare(&a, &b, 0), 1.0), (compare(&b, &a, 0), -1.0)] {
                let found = found.unwrap();
                assert!(!found.is_paired && found.is_real() && found.secs == 20.0, "{found:?}");
                assert!((found.difference - sign * 0.5).abs() < 0.002, "{found:?}");
            }
        }
    }

    #[test]
    fn a_snapshot_of_an_earlier_version_is_compared_as_it_was() {
        let old = |from: f64| {
            let snapshot = snapshot(Some(from), 30.0, song);
            Snapshot { kept_at: 0, ages: Vec::new(), ..snapshot }
        };
        assert!(compare(&old(0.0), &old(0.0), 0).unwrap().is_paired);
        assert!(compare(&old(0.0), &snapshot(Some(0.0), 30.0, song), 0).unwrap().is_paired);
    }

    #[test]
    fn a_snapshot_is_of_what_was_heard_since_the_last_reset() {
        let mut history = history();
        let mut record = |time_secs: f64, song: f64| {
            let shares = [0.5; MAX_SPACES];
            let phase = Phase::Live;
            let reading = Reading { time_secs, phase, n_spaces: 1, shares, ..Reading::default() };
            history.record(&reading.at(Some(song)));
        };
        (0..400).for_each(|n| record(1.0 + f64::from(n) / 2.0, f64::from(n) / 2.0));
        (0..40).for_each(|n| record(1.0 + f64::from(n) / 2.0, 300.0 + f64::from(n % 20) / 2.0));
        let snapshot = Snapshot::of(&history).unwrap();
        let places: Vec<f64> = snapshot.points().map(|point| point.secs).collect();
        assert_eq!((places.len(), places[0], places[19]), (20, 300.0, 309.5));
    }

    #[test]
    fn nothing_heard_is_no_snapshot_and_other_spaces_do_not_compare() {
        assert_eq!(Snapshot::of(&history()), None);
        let a = snapshot(None, 20.0, |_| 0.5);
        let mut b = a.clone();
        b.poles[0][0] = "tense".to_owned();
        assert_eq!(compare(&a, &b, 0), None);
        assert_eq!(compare(&a, &a, 1), None);
        assert_eq!(compare(&a, &a, 99), None);
    }

    #[test]
    fn a_snapshot_is_small_in_json_and_survives_the_round_trip() {
        let snapshot = snapshot(Some(5000.0), 60.0, song);
        let json = serde_json::to_string(&snapshot).unwrap();
        assert!(json.len() < 6000, "{} bytes", json.len());
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
    }

    #[test]
    fn places_beyond_all_bounds_are_survived() {
        let mut a = snapshot(Some(0.0), 20.0, song);
        for (index, slot) in a.slots.iter_mut().enumerate() {
            slot.0 = if index % 2 == 0 { i64::MAX } else { i64::MIN };
        }
        assert!(compare(&a, &a, 0).is_some());
    }
}
