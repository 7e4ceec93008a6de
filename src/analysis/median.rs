//! Sliding medians of [`MEDIAN_LENGTH`] values, many lanes at a time.
//!
//! Both filters extend their input by reflection about its edge (`d c b a | a b c d | d c b a`), as `scipy.ndimage.median_filter`
//! with `mode="reflect"` does, which is what librosa's HPSS uses.

use crate::config::MEDIAN_LENGTH;

/// Half the filter: values on each side of the centre.
const HALF: usize = MEDIAN_LENGTH / 2;

/// Index into `0..length` of position `at` of a signal extended by reflection: −1 is 0, `length` is `length − 1`, and so on.
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

/// Lanes that one pass of [`FrequencyMedian`] works on at a time.
const LANES: usize = 8;

/// Running median along one spectrum: forgetful selection, `LANES` centres at a time.
///
/// Of 31 values the median survives when, from a pool of 17, the smallest and the largest are dropped and the next value is
/// taken in, until three are left: neither extreme of 17 out of 31 can be the 16th. Minimum and maximum are exchanges without
/// branches, so the compiler runs the lanes in vector registers.
pub struct FrequencyMedian {
    /// The spectrum with [`HALF`] reflected values on both sides and room for a last, partial group of lanes.
    extended: Vec<f32>,
    length: usize,
}

impl FrequencyMedian {
    /// A filter for spectra of `length` ≥ [`MEDIAN_LENGTH`] bins.
    #[must_use]
    pub fn new(length: usize) -> Self {
        assert!(length >= MEDIAN_LENGTH);
        Self { extended: vec![0.0; length + 2 * HALF + LANES], length }
    }

    /// Writes the running median of `values` to `medians`, both as long as the filter was made for.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn filter(&mut self, values: &[f32], medians: &mut [f32]) {
        debug_assert_eq!((values.len(), medians.len()), (self.length, self.length));
        self.extend(values);
        for (group, out) in medians.chunks_mut(LANES).enumerate() {
            let window = &self.extended[group * LANES..];
            let median = median_of_lanes(window);
            out.copy_from_slice(&median[..out.len()]);
        }
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

/// One value of each lane.
type Lanes = [f32; LANES];

/// Medians of the [`LANES`] windows that start at `window[0]`, `window[1]`, …
fn median_of_lanes(window: &[f32]) -> Lanes {
    const POOL: usize = HALF + 2;
    let value = |i: usize| -> Lanes {
        let mut lanes = [0.0; LANES];
        lanes.copy_from_slice(&window[i..i + LANES]);
        lanes
    };
    let mut pool: [Lanes; POOL] = std::array::from_fn(value);
    let mut size = POOL;
    for next in POOL..MEDIAN_LENGTH {
        extremes_to_ends(&mut pool[..size]);
        // The smallest is overwritten by the newcomer, the largest falls off the end.
        pool[0] = value(next);
        size -= 1;
    }
    extremes_to_ends(&mut pool[..size]);
    pool[1]
}

/// Moves the smallest of each lane to the front and the largest to the back.
#[inline(always)]
fn extremes_to_ends(pool: &mut [Lanes]) {
    let n = pool.len();
    for i in 0..n / 2 {
        (pool[i], pool[n - 1 - i]) = ordered(pool[i], pool[n - 1 - i]);
    }
    let mut smallest = pool[0];
    for lanes in &mut pool[1..n.div_ceil(2)] {
        (smallest, *lanes) = ordered(smallest, *lanes);
    }
    pool[0] = smallest;
    let mut largest = pool[n - 1];
    for lanes in &mut pool[n / 2..n - 1] {
        (*lanes, largest) = ordered(*lanes, largest);
    }
    pool[n - 1] = largest;
}

/// Two values of each lane in order, smaller first: minimum and maximum instructions.
#[inline(always)]
fn ordered(a: Lanes, b: Lanes) -> (Lanes, Lanes) {
    let (mut low, mut high) = (a, b);
    for lane in 0..LANES {
        low[lane] = if a[lane] < b[lane] { a[lane] } else { b[lane] };
        high[lane] = if a[lane] < b[lane] { b[lane] } else { a[lane] };
    }
    (low, high)
}

/// Sorted columns: for each of `lanes` bins the last [`MEDIAN_LENGTH`] values in order, kept so by one pass per frame.
///
/// The cost of a frame does not depend on what it replaces, and neighbouring bins share vector registers.
pub struct TimeMedian {
    /// `[MEDIAN_LENGTH][lanes]`, ascending along the first axis; unfilled places hold +∞.
    sorted: Vec<f32>,
    lanes: usize,
}

impl TimeMedian {
    /// Columns for `lanes` bins, all unfilled.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        Self { sorted: vec![f32::INFINITY; MEDIAN_LENGTH * lanes], lanes }
    }

    /// Replaces, in each column, the value of `old` by that of `new`; `None` replaces an unfilled place.
    ///
    /// * `old` — values that are in the columns, `[lanes]`. `new` — finite values, `[lanes]`.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn replace(&mut self, old: Option<&[f32]>, new: &[f32]) {
        debug_assert_eq!(new.len(), self.lanes);
        /// Bins that one sweep down the columns takes: both neighbours' rows stay in registers and the first-level cache.
        const STRIP: usize = 64;
        let unfilled = [f32::INFINITY; STRIP];
        for start in (0..self.lanes).step_by(STRIP) {
            let width = STRIP.min(self.lanes - start);
            let old = old.map_or(&unfilled[..width], |old| &old[start..start + width]);
            self.replace_strip(start, old, &new[start..start + width]);
        }
    }

    /// Deletion and insertion in one sweep down the rows of a strip.
    ///
    /// ```text
    /// d[i] = s[i] where s[i] < old, else s[i + 1]          (one instance of old gone)
    /// e[i] = max(d[i − 1], min(d[i], new))                 (new in its place)
    /// ```
    fn replace_strip(&mut self, start: usize, old: &[f32], new: &[f32]) {
        let mut before = [f32::NEG_INFINITY; 64];
        let before = &mut before[..new.len()];
        for row in 0..MEDIAN_LENGTH {
            let (upper, lower) = self.sorted.split_at_mut((row + 1) * self.lanes);
            let here = &mut upper[row * self.lanes + start..][..new.len()];
            if row + 1 == MEDIAN_LENGTH {
                for ((here, before), new) in here.iter_mut().zip(before.iter()).zip(new) {
                    *here = if *before > *new { *before } else { *new };
                }
                return;
            }
            let next = &lower[start..][..new.len()];
            for lane in 0..new.len() {
                let kept = if here[lane] < old[lane] { here[lane] } else { next[lane] };
                let low = if kept < new[lane] { kept } else { new[lane] };
                here[lane] = if before[lane] > low { before[lane] } else { low };
                before[lane] = kept;
            }
        }
    }

    /// The middle row, `[lanes]`: the medians once every place is filled.
    #[must_use]
    pub fn medians(&self) -> &[f32] {
        &self.sorted[HALF * self.lanes..(HALF + 1) * self.lanes]
    }

    /// Empties every column.
    pub fn reset(&mut self) {
        self.sorted.fill(f32::INFINITY);
    }
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
