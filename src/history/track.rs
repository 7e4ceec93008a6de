//! [`Track`]: points by place, up to six hours of them, in memory that is set aside once.

use std::ops::Range;

use super::slot::{EMPTY, Packed, Point, SLOT_SECS, slot_of, slot_secs, unpack};
use crate::reading::MAX_SPACES;
use crate::units::count;

/// Slots in an hour.
pub(super) const HOUR_SLOTS: usize = 7200;

/// Slots that a track holds: six hours.
pub(super) const CAPACITY: usize = 6 * HOUR_SLOTS;

/// What is written, by place.
///
/// # Real-time safety
/// Nothing but `new` allocates.
pub struct Track {
    slots: Vec<Packed>,
    /// Number of the first slot of `slots`.
    start: i64,
    /// From the first slot written to the last, as indices.
    written: Range<usize>,
}

/// Means over a stretch of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Means {
    /// Label spaces in use.
    pub n_spaces: usize,
    /// Mean share of each space's first pole.
    pub shares: [f32; MAX_SPACES],
    /// Standard deviation of each, over the slots.
    pub deviations: [f32; MAX_SPACES],
    /// How much was read, seconds; silence does not count.
    pub secs: f32,
}

impl std::fmt::Debug for Track {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Track").field("span_secs", &self.span_secs()).finish_non_exhaustive()
    }
}

impl Default for Track {
    fn default() -> Self {
        Self::new()
    }
}

impl Track {
    /// An empty track.
    #[must_use]
    pub fn new() -> Self {
        Self { slots: vec![EMPTY; CAPACITY], start: 0, written: 0..0 }
    }

    /// Where the first slot begins that was written and where the last one ends, seconds; `None`
    /// where none was.
    #[must_use]
    pub fn span_secs(&self) -> Option<(f64, f64)> {
        let Range { start, end } = self.span();
        (start < end).then(|| (slot_secs(start), slot_secs(end)))
    }

    /// What was read at `secs`.
    #[must_use]
    pub fn point_at(&self, secs: f64) -> Option<Point> {
        self.point(slot_of(secs))
    }

    /// What was read from `from` to `to`, seconds, in order of place; places where nothing was read
    /// are left out.
    pub fn points(&self, from: f64, to: f64) -> impl Iterator<Item = Point> + '_ {
        // The slot that holds `to`, unless it only begins there.
        let end = slot_of(to).saturating_add(i64::from(slot_secs(slot_of(to)) < to));
        let Range { start, end } = self.indices(slot_of(from), end);
        let slots = self.slots[start..end].iter();
        slots.zip(self.number(start)..).filter_map(|(packed, slot)| unpack(slot, packed))
    }

    /// Means from `from` to `to`, seconds; `None` where nothing was read there.
    #[must_use]
    pub fn mean(&self, from: f64, to: f64) -> Option<Means> {
        means(self.points(from, to))
    }

    /// The point of a slot.
    pub(super) fn point(&self, slot: i64) -> Option<Point> {
        unpack(slot, &self.packed(slot))
    }

    /// A slot as it is kept.
    pub(super) fn packed(&self, slot: i64) -> Packed {
        self.slots[self.indices(slot, slot.saturating_add(1))].first().copied().unwrap_or(EMPTY)
    }

    /// Numbers of the slots from the first written to the last.
    pub(super) fn span(&self) -> Range<i64> {
        self.number(self.written.start)..self.number(self.written.end)
    }

    /// The slots of [`span`](Self::span).
    pub(super) fn written(&self) -> &[Packed] {
        &self.slots[self.written.clone()]
    }

    /// Writes at any place. What lies too far from it to be held together with it is forgotten:
    /// all, where the place is six hours from everything held.
    pub(super) fn write(&mut self, slot: i64, packed: Packed) {
        let span = self.span();
        if span.is_empty() {
            // An hour to go back to, as to the bars before the song's first.
            self.start = slot.saturating_sub_unsigned(HOUR_SLOTS as u64);
        } else if slot < self.start {
            self.move_to(slot);
        } else if slot >= self.number(CAPACITY) {
            // Either what was written comes to stand at the very start, or the newest place at the
            // very end.
            self.move_to(span.start.max(slot.saturating_sub_unsigned(CAPACITY as u64 - 1)));
        }
        self.put(slot, packed);
    }

    /// Writes at a place after all others. Where there is no more room, the oldest hour is
    /// forgotten.
    pub(super) fn append(&mut self, slot: i64, packed: Packed) {
        if self.written.is_empty() {
            self.start = slot;
        }
        while slot >= self.number(CAPACITY) && !self.written.is_empty() {
            self.move_to(self.number(HOUR_SLOTS));
        }
        if self.written.is_empty() {
            self.start = slot;
        }
        self.put(slot, packed);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.slots[self.written.clone()].fill(EMPTY);
        self.written = 0..0;
    }

    fn put(&mut self, slot: i64, packed: Packed) {
        let Some(place) = self.index(slot).and_then(|index| self.slots.get_mut(index)) else {
            return;
        };
        *place = packed;
        let index = self.index(slot).unwrap_or_default();
        self.written = if self.written.is_empty() {
            index..index + 1
        } else {
            self.written.start.min(index)..self.written.end.max(index + 1)
        };
    }

    /// Makes `start` the first slot held. What then lies outside is forgotten.
    fn move_to(&mut self, start: i64) {
        let old = self.written.clone();
        let shift = start.saturating_sub(self.start);
        let moved = |index: usize| {
            let index = i64::try_from(index).unwrap_or(i64::MAX).saturating_sub(shift);
            usize::try_from(index.max(0)).unwrap_or(CAPACITY).min(CAPACITY)
        };
        let new = moved(old.start)..moved(old.end);
        if new.is_empty() {
            self.clear();
        } else {
            // The first slot kept, where it stood: written ones before the new start are cut off.
            let cut = usize::try_from(shift).unwrap_or(0).saturating_sub(old.start);
            let from = old.start + cut;
            self.slots.copy_within(from..from + new.len(), new.start);
            self.slots[old.start..old.end.min(new.start).max(old.start)].fill(EMPTY);
            self.slots[old.start.max(new.end).min(old.end)..old.end].fill(EMPTY);
            self.written = new;
            self.trim();
        }
        self.start = start;
    }

    /// Lets the span begin and end at slots that were written.
    fn trim(&mut self) {
        let is_written = |packed: &Packed| *packed != EMPTY;
        let written = self.written();
        let Some(first) = written.iter().position(is_written) else {
            self.written = 0..0;
            return;
        };
        let last = written.iter().rposition(is_written).unwrap_or(first);
        self.written = self.written.start + first..self.written.start + last + 1;
    }

    /// Number of the slot at an index.
    fn number(&self, index: usize) -> i64 {
        self.start.saturating_add_unsigned(index as u64)
    }

    /// Index of a slot; beyond the end for one after all others, `None` for one before.
    fn index(&self, slot: i64) -> Option<usize> {
        usize::try_from(slot.checked_sub(self.start)?).ok()
    }

    /// Indices of the slots from `from` to before `to`, as far as any were written.
    fn indices(&self, from: i64, to: i64) -> Range<usize> {
        let index = |slot| {
            let Range { start, end } = self.written;
            if slot < self.start {
                start
            } else {
                self.index(slot).unwrap_or(end).clamp(start, end)
            }
        };
        let start = index(from);
        start..index(to).max(start)
    }
}

/// Means of the points that have shares; `None` where none has.
pub(super) fn means(points: impl Iterator<Item = Point>) -> Option<Means> {
    let (mut n_spaces, mut n_points) = (0, 0_u32);
    let (mut sums, mut squares) = ([0.0_f64; MAX_SPACES], [0.0_f64; MAX_SPACES]);
    for point in points.filter(|point| point.phase.has_shares()) {
        n_spaces = point.n_spaces;
        n_points += 1;
        for (i, share) in point.shares.into_iter().map(f64::from).enumerate() {
            sums[i] += share;
            squares[i] += share * share;
        }
    }
    if n_points == 0 {
        return None;
    }
    let n = f64::from(n_points);
    let variance = |i: usize| (squares[i] / n - (sums[i] / n).powi(2)).max(0.0);
    Some(Means {
        n_spaces,
        shares: std::array::from_fn(|i| (sums[i] / n) as f32),
        deviations: std::array::from_fn(|i| variance(i).sqrt() as f32),
        secs: count(n_points as usize) * SLOT_SECS as f32,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::history::slot::pack;
    use crate::reading::{Phase, Reading};

    fn packed(share: f32) -> Packed {
        let shares = [share, 1.0 - share, 0.0, 0.0];
        pack(&Reading { phase: Phase::Live, n_spaces: 2, shares, ..Reading::default() }).unwrap()
    }

    fn firsts(track: &Track) -> Vec<f32> {
        track.points(f64::NEG_INFINITY, f64::INFINITY).map(|point| point.shares[0]).collect()
    }

    #[test]
    fn points_are_found_by_place_and_gaps_are_left_out() {
        let mut track = Track::new();
        assert_eq!(track.span_secs(), None);
        for (slot, share) in [(20, 0.2), (24, 0.4), (18, 0.1), (20, 0.3)] {
            track.write(slot, packed(share));
        }
        assert_eq!(track.span_secs(), Some((9.0, 12.5)));
        assert_eq!(firsts(&track), [0.1, 0.3, 0.4]);
        assert_eq!(track.point_at(10.49).unwrap().shares[0], 0.3);
        assert_eq!(
            [9.5, 8.9, 12.5, f64::NAN, 1e300, -1e300].map(|at| track.point_at(at)),
            [None; 6]
        );
        assert_eq!(track.points(9.2, 12.0).count(), 2);
        assert_eq!(track.points(9.2, 12.1).count(), 3);
        assert_eq!(track.points(12.0, 9.0).count(), 0);
    }

    #[test]
    fn means_are_those_of_what_was_read() {
        let mut track = Track::new();
        assert_eq!(track.mean(0.0, 9.0), None);
        let silent = Reading { phase: Phase::Silent, n_spaces: 2, ..Reading::default() };
        track.write(0, packed(0.2));
        track.write(1, pack(&silent).unwrap());
        track.write(9, packed(0.6));
        let means = track.mean(0.0, 9.0).unwrap();
        assert_eq!((means.n_spaces, means.secs), (2, 1.0));
        assert!((means.shares[0] - 0.4).abs() < 1e-6 && (means.deviations[0] - 0.2).abs() < 1e-6);
        assert_eq!(track.mean(0.5, 1.0), None);
    }

    #[test]
    fn the_oldest_hour_is_forgotten_after_six() {
        let mut track = Track::new();
        (0..CAPACITY as i64).for_each(|slot| track.append(slot, packed(0.5)));
        assert_eq!(track.span_secs(), Some((0.0, 6.0 * 3600.0)));
        track.append(CAPACITY as i64, packed(0.25));
        assert_eq!(track.span_secs(), Some((3600.0, 6.0 * 3600.0 + 0.5)));
        assert_eq!(firsts(&track).len(), CAPACITY - HOUR_SLOTS + 1);
        assert_eq!(firsts(&track).last(), Some(&0.25));
        track.append(100 * CAPACITY as i64, packed(0.125));
        assert_eq!(firsts(&track), [0.125]);
    }

    proptest! {
        /// What is held is what was last written at each place, as far as six hours around the
        /// newest reach.
        #[test]
        fn a_track_is_a_map_with_an_end(writes in prop::collection::vec((0_usize..3, -9000_i64..9000, 1_u16..999), 1..40)) {
            let (mut track, mut map) = (Track::new(), BTreeMap::new());
            for (far, slot, share) in writes {
                let slot = slot + [0, 30_000, -100_000][far];
                track.write(slot, packed(f32::from(share) / 1000.0));
                let capacity = CAPACITY as i64;
                map.retain(|other: &i64, _| (other - slot).abs() < capacity);
                map.insert(slot, packed(f32::from(share) / 1000.0));
                // The track may forget what the two ends together do not leave room for, never the
                // newest.
                let span = track.span();
                prop_assert!(span.contains(&slot) && span.end - span.start <= capacity);
                map.retain(|other, _| span.contains(other));
                let held: BTreeMap<i64, Packed> = span.clone().map(|slot| (slot, track.packed(slot)))
                    .filter(|(_, packed)| *packed != EMPTY).collect();
                prop_assert_eq!(&held, &map);
                prop_assert!(map.contains_key(&span.start) && map.contains_key(&(span.end - 1)));
                let outside = |index: &usize| !track.written.contains(index);
                prop_assert!((0..CAPACITY).filter(outside).all(|index| track.slots[index] == EMPTY));
            }
        }
    }
}
