//! Sliding medians of [`MEDIAN_LENGTH`] values, many lanes at a time.
//!
//! Both filters extend their input by reflection about its edge (`d c b a | a b c d | d c b a`), as
//! `scipy.ndimage.median_filter` with `mode="reflect"` does, which is what librosa's HPSS uses.

use crate::config::MEDIAN_LENGTH;
use crate::simd::{Simd, WithSimd, load, store, vectorised};

/// Half the filter: values on each side of the centre.
const HALF: usize = MEDIAN_LENGTH / 2;

/// Index into `0..length` of position `at` of a signal extended by reflection: −1 is 0, `length` is
/// `length − 1`, and so on.
#[must_use]
pub fn reflect(at: i64, length: usize) -> usize {
    let length = length as i64;
    let period = at.rem_euclid(2 * length);
    (if period < length { period } else { 2 * length - 1 - period }) as usize
}

/// Running median of a sequence, extended by reflection: the definition, one sort a value.
///
/// * `values` — any number of finite values. Returns as many.
///
/// # Source
/// `scipy.ndimage.median_filter(values, 31, mode="reflect")`.
#[must_use]
pub fn running_median(values: &[f32]) -> Vec<f32> {
    (0..values.len() as i64)
        .map(|centre| {
            let half = HALF as i64;
            let mut window: Vec<f32> = (centre - half..=centre + half)
                .map(|at| values[reflect(at, values.len())])
                .collect();
            window.sort_by(f32::total_cmp);
            window[HALF]
        })
        .collect()
}

/// Running median along one spectrum: forgetful selection, a register of centres at a time.
///
/// Of 31 values the median survives when, from a pool of 17, the smallest and the largest are
/// dropped and the next value is taken in, until three are left: neither extreme of 17 out of 31
/// can be the 16th. Minimum and maximum are exchanges without branches, so every lane of a register
/// is a centre of its own.
pub struct FrequencyMedian {
    /// The spectrum with [`HALF`] reflected values on both sides and room for a last, partial
    /// register.
    extended: Vec<f32>,
    length: usize,
}

impl FrequencyMedian {
    /// A filter for spectra of `length` ≥ [`MEDIAN_LENGTH`] bins.
    #[must_use]
    pub fn new(length: usize) -> Self {
        assert!(length >= MEDIAN_LENGTH);
        Self { extended: vec![0.0; length + 2 * HALF + STRIP], length }
    }

    /// Writes the running median of `values` to `medians`, both as long as the filter was made for.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn filter(&mut self, values: &[f32], medians: &mut [f32]) {
        debug_assert_eq!((values.len(), medians.len()), (self.length, self.length));
        self.extend(values);
        vectorised(Filter { extended: &self.extended, medians });
    }

    fn extend(&mut self, values: &[f32]) {
        let length = self.length;
        self.extended[HALF..HALF + length].copy_from_slice(values);
        for i in 0..HALF {
            self.extended[HALF - 1 - i] = values[i];
            self.extended[HALF + length + i] = values[length - 1 - i];
        }
    }
}

/// A pass along a spectrum.
struct Filter<'a> {
    extended: &'a [f32],
    medians: &'a mut [f32],
}

impl WithSimd for Filter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (group, out) in self.medians.chunks_mut(S::F32_LANES).enumerate() {
            let median = median_of_lanes(simd, &self.extended[group * S::F32_LANES..]);
            if out.len() == S::F32_LANES {
                store::<S>(out, median);
            } else {
                simd.partial_store_f32s(out, median);
            }
        }
    }
}

/// Medians of the windows that start at `window[0]`, `window[1]`, …, as many as a register holds.
#[inline(always)]
fn median_of_lanes<S: Simd>(simd: S, window: &[f32]) -> S::f32s {
    const POOL: usize = HALF + 2;
    let mut pool = [simd.splat_f32s(0.0); POOL];
    for (i, lanes) in pool.iter_mut().enumerate() {
        *lanes = load::<S>(&window[i..]);
    }
    let mut next = POOL;
    // Each size is written out, so that the pool stays in registers.
    macro_rules! shrink {
        ($($size:literal)*) => {
            $(
                extremes_to_ends::<S, $size>(simd, &mut pool);
                // The smallest is overwritten by the newcomer, the largest falls off the end.
                pool[0] = load::<S>(&window[next..]);
                next += 1;
            )*
        };
    }
    shrink!(17 16 15 14 13 12 11 10 9 8 7 6 5 4);
    debug_assert_eq!(next, MEDIAN_LENGTH);
    extremes_to_ends::<S, 3>(simd, &mut pool);
    pool[1]
}

/// Moves the smallest of the first `N` to the front and the largest to the back, lane by lane.
#[inline(always)]
fn extremes_to_ends<S: Simd, const N: usize>(simd: S, pool: &mut [S::f32s]) {
    for i in 0..N / 2 {
        (pool[i], pool[N - 1 - i]) = ordered(simd, pool[i], pool[N - 1 - i]);
    }
    for i in 1..N.div_ceil(2) {
        (pool[0], pool[i]) = ordered(simd, pool[0], pool[i]);
    }
    for i in N / 2..N - 1 {
        (pool[i], pool[N - 1]) = ordered(simd, pool[i], pool[N - 1]);
    }
}

/// Two registers in order, the smaller of each lane first.
#[inline(always)]
fn ordered<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> (S::f32s, S::f32s) {
    (simd.min_f32s(a, b), simd.max_f32s(a, b))
}

/// Bins whose columns lie side by side: as many as the widest register holds.
const STRIP: usize = 16;

/// Sorted columns: for each of `lanes` bins the last [`MEDIAN_LENGTH`] values in order, kept so by
/// one pass per frame.
///
/// The cost of a frame does not depend on what it replaces, and neighbouring bins share vector
/// registers.
pub struct TimeMedian {
    /// Strips of bins, ascending from row to row; unfilled places hold +∞.
    strips: Vec<[[f32; STRIP]; MEDIAN_LENGTH]>,
    /// The middle rows, `[lanes]`.
    medians: Vec<f32>,
}

impl TimeMedian {
    /// Columns for `lanes` bins, all unfilled.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        let unfilled = [[f32::INFINITY; STRIP]; MEDIAN_LENGTH];
        Self { strips: vec![unfilled; lanes.div_ceil(STRIP)], medians: vec![f32::INFINITY; lanes] }
    }

    /// Replaces, in each column, the value of `old` by that of `new`; `None` replaces an unfilled
    /// place.
    ///
    /// * `old` — values that are in the columns, `[lanes]`. `new` — finite values, `[lanes]`.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn replace(&mut self, old: Option<&[f32]>, new: &[f32]) {
        debug_assert_eq!(new.len(), self.medians.len());
        vectorised(Replace { columns: self, old, new });
    }

    /// The middle row, `[lanes]`: the medians once every place is filled.
    #[must_use]
    pub fn medians(&self) -> &[f32] {
        &self.medians
    }

    /// Empties every column.
    pub fn reset(&mut self) {
        self.strips.fill([[f32::INFINITY; STRIP]; MEDIAN_LENGTH]);
        self.medians.fill(f32::INFINITY);
    }
}

/// Deletion and insertion in one sweep down the rows of every strip.
///
/// ```text
/// d[i] = s[i] where s[i] < old, else s[i + 1]          (one instance of old gone)
/// e[i] = max(d[i − 1], min(d[i], new))                 (new in its place)
/// ```
struct Replace<'a> {
    columns: &'a mut TimeMedian,
    old: Option<&'a [f32]>,
    new: &'a [f32],
}

impl WithSimd for Replace<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let TimeMedian { strips, medians } = self.columns;
        let places = strips.iter_mut().zip(medians.chunks_mut(STRIP)).zip(self.new.chunks(STRIP));
        for (i, ((strip, medians), new)) in places.enumerate() {
            let old = self.old.map_or([f32::INFINITY; STRIP], |old| strip_of(&old[i * STRIP..]));
            let new = strip_of(new);
            for lane in (0..STRIP).step_by(S::F32_LANES) {
                let (old, new) = (load::<S>(&old[lane..]), load::<S>(&new[lane..]));
                let mut before = simd.splat_f32s(f32::NEG_INFINITY);
                let mut here = load::<S>(&strip[0][lane..]);
                for row in 1..MEDIAN_LENGTH {
                    let next = load::<S>(&strip[row][lane..]);
                    let kept = simd.select_f32s(simd.less_than_f32s(here, old), here, next);
                    let placed = simd.max_f32s(before, simd.min_f32s(kept, new));
                    store::<S>(&mut strip[row - 1][lane..], placed);
                    (before, here) = (kept, next);
                }
                store::<S>(&mut strip[MEDIAN_LENGTH - 1][lane..], simd.max_f32s(before, new));
            }
            medians.copy_from_slice(&strip[HALF][..medians.len()]);
        }
    }
}

/// The first values of a strip; +∞ where there are none.
#[inline(always)]
fn strip_of(values: &[f32]) -> [f32; STRIP] {
    if let Some(whole) = values.first_chunk() {
        return *whole;
    }
    let mut strip = [f32::INFINITY; STRIP];
    strip[..values.len()].copy_from_slice(values);
    strip
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reflection_repeats_the_edge() {
        let at: Vec<usize> = (-4..8).map(|i| reflect(i, 4)).collect();
        assert_eq!(at, [3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]);
        assert_eq!(reflect(-7, 1), 0);
    }

    #[test]
    fn the_definition_knows_a_ramp_and_an_outlier() {
        let mut values: Vec<f32> = (0..100).map(|n| n as f32).collect();
        assert_eq!(running_median(&values)[50], 50.0);
        values[50] = 1e9;
        assert_eq!(running_median(&values)[50], 51.0);
        assert_eq!(running_median(&[7.0]), [7.0]);
    }

    proptest! {
        #[test]
        fn lanes_along_frequency_give_the_definition(
            values in prop::collection::vec(prop::sample::select(vec![0.0_f32, 0.5, 1.0, 2.0, 1e-30, 1e6]), 31..200)
        ) {
            let mut medians = vec![0.0; values.len()];
            FrequencyMedian::new(values.len()).filter(&values, &mut medians);
            prop_assert_eq!(medians, running_median(&values));
        }

        #[test]
        fn distinct_values_along_frequency_give_the_definition(
            values in prop::collection::vec(0.0_f32..1.0, 31..200)
        ) {
            let mut medians = vec![0.0; values.len()];
            FrequencyMedian::new(values.len()).filter(&values, &mut medians);
            prop_assert_eq!(medians, running_median(&values));
        }

        #[test]
        fn sorted_columns_give_the_sorted_window(
            frames in prop::collection::vec(prop::collection::vec(
                prop_oneof![0.0_f32..1.0, Just(0.5_f32), Just(0.0_f32)], 70), 31..80)
        ) {
            let mut columns = TimeMedian::new(70);
            for (t, frame) in frames.iter().enumerate() {
                let old = t.checked_sub(MEDIAN_LENGTH).map(|t| frames[t].as_slice());
                columns.replace(old, frame);
                if t + 1 >= MEDIAN_LENGTH {
                    for (lane, &median) in columns.medians().iter().enumerate() {
                        let mut window: Vec<f32> =
                            frames[t + 1 - MEDIAN_LENGTH..=t].iter().map(|f| f[lane]).collect();
                        window.sort_by(f32::total_cmp);
                        prop_assert_eq!(median, window[HALF]);
                    }
                }
            }
        }
    }
}
