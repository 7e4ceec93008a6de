//! Harmonic and percussive masks by median filters.
//!
//! A steady tone is a ridge along time, a hit a ridge along frequency. The median along time keeps
//! the first and erases the second, the median along frequency the other way round; each bin goes
//! to the part whose median is larger.

use crate::analysis::median::{FrequencyMedian, TimeMedian, reflect, running_median};
use crate::config::{LOOKAHEAD_FRAMES, MEDIAN_LENGTH};

/// Harmonic masks of a whole magnitude spectrogram, `[frames][bins]`: the definition.
///
/// ```text
/// mh[t, k] = median(χ[t − 15 .. t + 15, k])     along time
/// mv[t, k] = median(χ[t, k − 15 .. k + 15])     along frequency
/// harmonic[t, k] = mh[t, k] > mv[t, k],          percussive elsewhere
/// ```
///
/// Both axes are extended by reflection. Silence is percussive: a tie.
///
/// Where a recording holds nothing but the rounding of the transform, as above a codec's low-pass,
/// chance decides, in librosa as here: up to 3 % of all bins of such a recording differ, but under
/// 0.01 % of those within 100 dB of their frame's loudest, and under a millionth of the energy (25
/// songs of DEAM).
///
/// # Source
/// FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010, with binary
/// masks. As `librosa.decompose.hpss(S, kernel_size=31, power=inf, mask=True)[0]`; golden:
/// `tests/data/mask_harmonic.npy`.
#[must_use]
pub fn harmonic_masks(spectrogram: &[Vec<f32>]) -> Vec<Vec<bool>> {
    let Some(bins) = spectrogram.first().map(Vec::len) else { return Vec::new() };
    let along_time: Vec<Vec<f32>> = (0..bins)
        .map(|k| running_median(&spectrogram.iter().map(|frame| frame[k]).collect::<Vec<_>>()))
        .collect();
    spectrogram
        .iter()
        .enumerate()
        .map(|(t, frame)| {
            let along_frequency = running_median(frame);
            (0..bins).map(|k| along_time[k][t] > along_frequency[k]).collect()
        })
        .collect()
}

/// One frame that has seen its future: its magnitudes and which of them are harmonic, both
/// `[bins]`.
#[derive(Clone, Copy, Debug)]
pub struct MaskedFrame<'a> {
    /// Linear magnitudes χ.
    pub magnitude: &'a [f32],
    /// Whether each bin is harmonic.
    pub harmonic: &'a [bool],
}

/// Frames kept: those under the centred median, and the one that leaves it.
const HISTORY: usize = MEDIAN_LENGTH + 1;

/// The incremental form: a spectrum in, the masks of the frame [`LOOKAHEAD_FRAMES`] ago out.
///
/// Latency: [`LOOKAHEAD_FRAMES`] frames.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
pub struct Hpss {
    bins: usize,
    frequency: FrequencyMedian,
    time: TimeMedian,
    /// Magnitudes and their medians along frequency of the last [`HISTORY`] frames,
    /// `[HISTORY][bins]` each.
    magnitudes: Vec<f32>,
    along_frequency: Vec<f32>,
    harmonic: Vec<bool>,
    /// Frames pushed since the start.
    pushed: usize,
}

impl Hpss {
    /// Buffers for spectra of `bins` ≥ [`MEDIAN_LENGTH`] bins.
    #[must_use]
    pub fn new(bins: usize) -> Self {
        Self {
            bins,
            frequency: FrequencyMedian::new(bins),
            time: TimeMedian::new(bins),
            magnitudes: vec![0.0; HISTORY * bins],
            along_frequency: vec![0.0; HISTORY * bins],
            harmonic: vec![false; bins],
            pushed: 0,
        }
    }

    /// Takes frame `t` and returns frame `t − 15`, or `None` for the first 15.
    pub fn push(&mut self, magnitude: &[f32]) -> Option<MaskedFrame<'_>> {
        debug_assert_eq!(magnitude.len(), self.bins);
        let t = self.pushed;
        self.pushed += 1;
        let row = row(t, self.bins);
        self.magnitudes[row.clone()].copy_from_slice(magnitude);
        self.frequency.filter(magnitude, &mut self.along_frequency[row]);
        if t < LOOKAHEAD_FRAMES {
            // Reflected about the start, each of the first frames also stands for one before it.
            self.time.replace(None, magnitude);
            self.time.replace(None, magnitude);
            return None;
        }
        self.slide(t as i64, t);
        Some(self.masked(t - LOOKAHEAD_FRAMES))
    }

    /// Hands out the last frames, whose future is the reflection of their past, and starts anew.
    ///
    /// Live music never ends; files do.
    pub fn finish(&mut self, mut on_frame: impl FnMut(MaskedFrame<'_>)) {
        let total = self.pushed;
        if total <= LOOKAHEAD_FRAMES {
            for centre in 0..total {
                self.refill(centre, total);
                on_frame(self.masked(centre));
            }
        } else {
            for virtual_t in total..total + LOOKAHEAD_FRAMES {
                self.slide(virtual_t as i64, reflect(virtual_t as i64, total));
                on_frame(self.masked(virtual_t - LOOKAHEAD_FRAMES));
            }
        }
        self.reset();
    }

    /// Forgets all frames.
    pub fn reset(&mut self) {
        self.time.reset();
        self.pushed = 0;
    }

    /// Moves the columns on so that they end with frame `newest`, whose values are those of the
    /// real frame `stand_in`.
    fn slide(&mut self, newest: i64, stand_in: usize) {
        let leaving = newest - MEDIAN_LENGTH as i64;
        let first = leaving < -(LOOKAHEAD_FRAMES as i64);
        let old = (!first).then(|| row(before_start(leaving), self.bins));
        self.time.replace(
            old.map(|old| &self.magnitudes[old]),
            &self.magnitudes[row(stand_in, self.bins)],
        );
    }

    /// Fills the columns from nothing around `centre` of a stream of `total` ≤ 15 frames.
    fn refill(&mut self, centre: usize, total: usize) {
        self.time.reset();
        let half = LOOKAHEAD_FRAMES as i64;
        for at in centre as i64 - half..=centre as i64 + half {
            let stand_in = row(reflect(at, total), self.bins);
            self.time.replace(None, &self.magnitudes[stand_in]);
        }
    }

    fn masked(&mut self, t: usize) -> MaskedFrame<'_> {
        let row = row(t, self.bins);
        let along_frequency = &self.along_frequency[row.clone()];
        for ((harmonic, mh), mv) in
            self.harmonic.iter_mut().zip(self.time.medians()).zip(along_frequency)
        {
            *harmonic = mh > mv;
        }
        MaskedFrame { magnitude: &self.magnitudes[row], harmonic: &self.harmonic }
    }
}

/// Where frame `t` lies in a history of [`HISTORY`] frames.
fn row(t: usize, bins: usize) -> std::ops::Range<usize> {
    let start = t % HISTORY * bins;
    start..start + bins
}

/// The real frame that stands for frame `t` of a stream reflected about its start.
fn before_start(t: i64) -> usize {
    (if t < 0 { -1 - t } else { t }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BINS: usize = 40;

    /// Masks from the incremental form, over the whole stream.
    fn streamed(spectrogram: &[Vec<f32>], hpss: &mut Hpss) -> Vec<Vec<bool>> {
        let mut masks = Vec::new();
        for (t, frame) in spectrogram.iter().enumerate() {
            if let Some(out) = hpss.push(frame) {
                assert_eq!(out.magnitude, spectrogram[t - LOOKAHEAD_FRAMES]);
                masks.push(out.harmonic.to_vec());
            }
        }
        hpss.finish(|out| masks.push(out.harmonic.to_vec()));
        masks
    }

    #[test]
    fn a_tone_is_harmonic_and_a_hit_is_percussive() {
        let mut spectrogram = vec![vec![0.0; BINS]; 60];
        spectrogram.iter_mut().for_each(|frame| frame[20] = 1.0);
        spectrogram[30].fill(1.0);
        let masks = harmonic_masks(&spectrogram);
        assert!(masks[10][20] && masks[50][20]);
        assert!(!masks[30][5] && !masks[30][35]);
        assert!(!masks[10][5], "silence is a tie, and a tie is percussive");
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(harmonic_masks(&[]).is_empty());
        Hpss::new(BINS).finish(|_| panic!("no frame was pushed"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn frame_by_frame_gives_the_batch_masks(
            spectrogram in prop::collection::vec(
                prop::collection::vec(prop_oneof![0.0_f32..1.0, Just(0.25_f32)], BINS), 0..80)
        ) {
            let mut hpss = Hpss::new(BINS);
            let batch = harmonic_masks(&spectrogram);
            prop_assert_eq!(&streamed(&spectrogram, &mut hpss), &batch);
            prop_assert_eq!(&streamed(&spectrogram, &mut hpss), &batch, "again after finish");
        }
    }

    #[test]
    fn reset_is_new_and_no_reset_is_not() {
        let spectrogram: Vec<Vec<f32>> =
            (0..50).map(|t| (0..BINS).map(|k| ((t * 7 + k * k) % 11) as f32).collect()).collect();
        let mut hpss = Hpss::new(BINS);
        spectrogram.iter().rev().for_each(|frame| _ = hpss.push(frame));
        hpss.reset();
        let after_reset = streamed(&spectrogram, &mut hpss);
        assert_eq!(after_reset, harmonic_masks(&spectrogram));
        spectrogram.iter().rev().for_each(|frame| _ = hpss.push(frame));
        let mut first = None;
        for frame in &spectrogram {
            first = first.or(hpss.push(frame).map(|out| out.harmonic.to_vec()));
        }
        assert_ne!(first, after_reset.first().cloned());
    }
}
