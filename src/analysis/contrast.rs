//! Spectral contrast: how far the peaks of each octave stand over its valleys. Clear tones raise
//! it, noise fills the valleys.

use std::ops::Range;

use crate::config::{
    ANALYSIS_RATE_HZ, CONTRAST_LOWEST_HZ, CONTRAST_QUANTILE, MEL_RANGE_DB, N_BINS,
    N_CONTRAST_BANDS, WINDOW_SAMPLES,
};
use crate::simd::largest;
use crate::units::{count, power_to_db, share_of};

/// One octave: its bins, and how many of them are its peaks, and its valleys.
struct Octave {
    bins: Range<usize>,
    extremes: usize,
}

/// Contrast of magnitude spectra in octaves over [`CONTRAST_LOWEST_HZ`], and of what is under it.
///
/// ```text
/// peak(b), valley(b) = mean of the largest, and of the smallest, tenth of χ[k] over the bins k of b
/// contrast(b)        = 10·log10( max(peak, F) / max(valley, F) ),   F = max_k χ[k] − MEL_RANGE_DB
/// ```
///
/// The floor keeps the rounding of the transform out. It is relative, so that gain moves nothing.
///
/// Latency: 0 frames.
///
/// # Source
/// Jiang et al., "Music type classification by spectral contrast feature", ICME 2002, as
/// `librosa.feature.spectral_contrast(S=magnitude, fmin=150, n_bands=6, quantile=0.1)` of the bins
/// up to 9.6 kHz: above it a host's rate or a codec may have taken something away. Golden:
/// `tests/data/contrast.npy`.
pub struct Contrast {
    octaves: Vec<Octave>,
    /// The bins of one octave, in the order of choosing: as bits, which for magnitudes are in the
    /// same order and sooner compared.
    chosen: Vec<u32>,
}

impl Default for Contrast {
    fn default() -> Self {
        Self::new()
    }
}

impl Contrast {
    /// The octaves for [`N_BINS`] bins at the analysis rate.
    #[must_use]
    pub fn new() -> Self {
        let bin_hz = f64::from(ANALYSIS_RATE_HZ) / WINDOW_SAMPLES as f64;
        let edge_hz = |b: usize| match b {
            0 => 0.0,
            b => CONTRAST_LOWEST_HZ * f64::from(1 << (b - 1)),
        };
        let octaves = (0..N_CONTRAST_BANDS).map(|b| {
            let first = (edge_hz(b) / bin_hz).ceil() as usize;
            let last = (edge_hz(b + 1) / bin_hz).floor() as usize;
            // As librosa has it: an octave begins a bin early and leaves its last bin to the next.
            let first = first.saturating_sub(1);
            let is_top = b + 1 == N_CONTRAST_BANDS;
            let extremes = share_of(CONTRAST_QUANTILE, last + 1 - first).max(1);
            Octave { bins: first..if is_top { last + 1 } else { last }, extremes }
        });
        Self { octaves: octaves.collect(), chosen: Vec::with_capacity(N_BINS) }
    }

    /// Contrast of one magnitude spectrum, `[N_BINS]` linear, dB ≥ 0, lowest octave first; all 0
    /// for silence.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    #[must_use]
    pub fn of(&mut self, magnitude: &[f32]) -> [f32; N_CONTRAST_BANDS] {
        debug_assert_eq!(magnitude.len(), N_BINS);
        let floor = largest(magnitude) * 10_f32.powf(-MEL_RANGE_DB / 20.0);
        let mut contrast = [0.0; N_CONTRAST_BANDS];
        if floor < f32::MIN_POSITIVE {
            return contrast;
        }
        for (out, octave) in contrast.iter_mut().zip(&self.octaves) {
            let n = octave.extremes;
            self.chosen.clear();
            self.chosen.extend(magnitude[octave.bins.clone()].iter().map(|x| x.to_bits()));
            let (_, _, rest) = self.chosen.select_nth_unstable(n - 1);
            let from_top = rest.len() - n;
            rest.select_nth_unstable(from_top);
            let peak = mean(&rest[from_top..]).max(floor);
            let valley = mean(&self.chosen[..n]).max(floor);
            *out = power_to_db(peak / valley);
        }
        contrast
    }
}

/// Mean of values that are given as bits.
fn mean(bits: &[u32]) -> f32 {
    bits.iter().map(|bits| f32::from_bits(*bits)).sum::<f32>() / count(bits.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn octaves_cover_everything_up_to_9_600_hz_once() {
        let octaves = Contrast::new().octaves;
        assert!(octaves.windows(2).all(|pair| pair[0].bins.end == pair[1].bins.start));
        assert_eq!((octaves[0].bins.start, octaves[6].bins.end), (0, 892));
        assert_eq!(octaves[6].extremes, 45);
    }

    #[test]
    fn a_flat_spectrum_has_none_and_a_tone_has_it_where_it_is() {
        assert_eq!(Contrast::new().of(&[3.0; N_BINS]), [0.0; N_CONTRAST_BANDS]);
        let mut tone = [1.0; N_BINS];
        // 1 kHz, in the octave from 600 Hz on, of 56 bins: its six largest are one of 61 and five
        // of 1.
        tone[93] = 61.0;
        let contrast = Contrast::new().of(&tone);
        assert!((contrast[3] - 10.0 * 11_f32.log10()).abs() < 1e-4, "{contrast:?}");
        assert!(contrast.iter().enumerate().all(|(b, x)| b == 3 || *x == 0.0), "{contrast:?}");
    }

    #[test]
    fn silence_has_none() {
        assert_eq!(Contrast::new().of(&[0.0; N_BINS]), [0.0; N_CONTRAST_BANDS]);
        assert_eq!(Contrast::new().of(&[1e-38; N_BINS]), [0.0; N_CONTRAST_BANDS]);
    }

    proptest! {
        #[test]
        fn choosing_is_sorting_and_gain_moves_nothing(
            magnitude in prop::collection::vec(0.001_f32..1.0, N_BINS),
            gain_db in -24.0_f32..24.0,
        ) {
            let mut stage = Contrast::new();
            let contrast = stage.of(&magnitude);
            for (ours, octave) in contrast.iter().zip(&stage.octaves) {
                let mut sorted: Vec<u32> =
                    magnitude[octave.bins.clone()].iter().map(|x| x.to_bits()).collect();
                sorted.sort_by(|a, b| f32::from_bits(*a).total_cmp(&f32::from_bits(*b)));
                let n = octave.extremes;
                let db = 10.0 * (mean(&sorted[sorted.len() - n..]) / mean(&sorted[..n])).log10();
                prop_assert!((ours - db).abs() < 1e-3, "{} {}", ours, db);
            }
            let gain = 10_f32.powf(gain_db / 20.0);
            let louder: Vec<f32> = magnitude.iter().map(|x| gain * x).collect();
            for (a, b) in contrast.iter().zip(stage.of(&louder)) {
                prop_assert!((a - b).abs() < 1e-3, "{} {}", a, b);
            }
        }
    }
}
