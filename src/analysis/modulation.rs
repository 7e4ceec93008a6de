//! Modulation spectrum: how fast the bands of the last ten seconds rise and fall, from phrases to
//! tremolo.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::config::{FEATURE_FRAMES, FRAME_RATE_HZ, N_MODULATION_RATES};
use crate::units::count;

/// Edges of the rates, Hz: a phrase, a bar, a beat, its halves and quarters, and what is heard as
/// roughness.
const RATE_EDGES_HZ: [f64; N_MODULATION_RATES + 1] =
    [0.2, 0.7, 1.5, 3.0, 6.0, 12.0, FRAME_RATE_HZ / 2.0 + 0.1];

/// Added to every power, dB²: what is less is not heard, and has no logarithm worth knowing.
const POWER_FLOOR_DB2: f32 = 1e-3;

/// Lines of the spectrum of [`FEATURE_FRAMES`] frames that lie in rate `r`.
fn lines(r: usize) -> std::ops::Range<usize> {
    let first = |hz: f64| (hz * FEATURE_FRAMES as f64 / FRAME_RATE_HZ).ceil() as usize;
    first(RATE_EDGES_HZ[r])..first(RATE_EDGES_HZ[r + 1]).min(FEATURE_FRAMES / 2 + 1)
}

/// Modulation of one band whose level is `band_db`, `[FEATURE_FRAMES]` dB, slowest rate first: the
/// definition.
///
/// ```text
/// P[m]  = | Σ_t (L[t] − mean L) · exp(−2πi·m·t / T) |² / T,    m / T cycles a frame
/// M[r]  = 10·log10( mean of P[m] over the m of rate r + 10⁻³ dB² )
/// ```
///
/// # Source
/// The periodogram of McKinney and Breebaart, "Features for audio and music classification", ISMIR
/// 2003, of log bands; P as `numpy.abs(librosa.feature.fourier_tempogram(onset_envelope=L,
/// win_length=T, window="boxcar", center=False))²`; golden: `tests/data/modulation.npy`.
#[must_use]
pub fn modulation_db(band_db: &[f32]) -> [f32; N_MODULATION_RATES] {
    let mean = band_db.iter().sum::<f32>() / count(band_db.len());
    let power = |m: usize| {
        let turn = std::f64::consts::TAU * m as f64 / band_db.len() as f64;
        let sum = |part: fn(f64) -> f64| -> f64 {
            let terms = band_db.iter().enumerate();
            terms.map(|(t, db)| f64::from(db - mean) * part(turn * t as f64)).sum()
        };
        ((sum(f64::cos).powi(2) + sum(f64::sin).powi(2)) / band_db.len() as f64) as f32
    };
    std::array::from_fn(|r| {
        let mean = lines(r).map(power).sum::<f32>() / count(lines(r).len());
        10.0 * (mean + POWER_FLOOR_DB2).log10()
    })
}

/// What runs: one transform per band and reading. It rests on the frames that it is given alone, so
/// that nothing drifts.
///
/// Latency: 0 frames.
///
/// # Real-time safety
/// `of` neither allocates, locks nor fails.
pub struct ModulationSpectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    /// The band about its mean; garbage after the transform.
    centred: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Default for ModulationSpectrum {
    fn default() -> Self {
        Self::new()
    }
}

impl ModulationSpectrum {
    /// Plans the transform and makes all buffers.
    #[must_use]
    pub fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FEATURE_FRAMES);
        Self {
            centred: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// [`modulation_db`] of a band of [`FEATURE_FRAMES`] frames; more are left out, fewer count as
    /// frames at the mean.
    #[must_use]
    pub fn of(&mut self, band_db: impl Iterator<Item = f32> + Clone) -> [f32; N_MODULATION_RATES] {
        let mean = band_db.clone().take(FEATURE_FRAMES).sum::<f32>() / count(FEATURE_FRAMES);
        self.centred.fill(0.0);
        self.centred.iter_mut().zip(band_db).for_each(|(out, db)| *out = db - mean);
        // The lengths are those that the plan itself made, so this cannot fail; a failure would
        // read as no modulation.
        let transformed =
            self.fft.process_with_scratch(&mut self.centred, &mut self.spectrum, &mut self.scratch);
        debug_assert!(transformed.is_ok());
        std::array::from_fn(|r| {
            let powers = self.spectrum[lines(r)].iter().map(|line| line.norm_sqr());
            let mean = powers.sum::<f32>() / count(lines(r).len() * FEATURE_FRAMES);
            10.0 * (mean + POWER_FLOOR_DB2).log10()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_share_all_lines_from_0_2_hz_to_the_top() {
        assert_eq!((lines(0).start, lines(N_MODULATION_RATES - 1).end), (2, 199));
        assert!((1..N_MODULATION_RATES).all(|r| lines(r - 1).end == lines(r).start));
    }

    #[test]
    fn a_beat_at_120_bpm_is_in_the_rate_of_beats() {
        let band = (0..FEATURE_FRAMES).map(|t| {
            let beats = 2.0 * t as f64 / FRAME_RATE_HZ;
            6.0 * (std::f64::consts::TAU * beats).sin() as f32
        });
        let modulation = ModulationSpectrum::new().of(band);
        let (strongest, _) =
            modulation.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        assert_eq!(strongest, 2, "{modulation:?}");
    }

    #[test]
    fn a_steady_band_has_none() {
        let none = 10.0 * POWER_FLOOR_DB2.log10();
        let steady = ModulationSpectrum::new().of(std::iter::repeat_n(-20.0, FEATURE_FRAMES));
        assert!(steady.iter().all(|db| (db - none).abs() < 0.01), "{steady:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn the_transform_is_the_definition_whatever_came_before(
            before in prop::collection::vec(-90.0_f32..0.0, FEATURE_FRAMES),
            band in prop::collection::vec(-90.0_f32..0.0, FEATURE_FRAMES),
        ) {
            let mut stage = ModulationSpectrum::new();
            let _ = stage.of(before.into_iter());
            for (ours, definition) in stage.of(band.iter().copied()).iter().zip(modulation_db(&band)) {
                prop_assert!((ours - definition).abs() < 1e-2, "{} {}", ours, definition);
            }
        }
    }
}
