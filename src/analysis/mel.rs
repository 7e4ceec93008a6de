//! Mel bands: a power spectrum as the ear groups it.

use crate::config::{ANALYSIS_RATE_HZ, N_BINS, N_MEL_BANDS, WINDOW_SAMPLES};
use crate::simd::dot;

/// Slaney's mel scale: linear below 1 kHz (15 mel), logarithmic above.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = BREAK_HZ / LINEAR_HZ_PER_MEL;
/// 27 logarithmic steps take 1 kHz to 6.4 kHz.
const LOG_STEPS: f64 = 27.0;

/// One triangular filter: the bins from `first` on and their weights.
struct Band {
    first: usize,
    weights: Vec<f32>,
}

/// A bank of [`N_MEL_BANDS`] triangular filters from 0 Hz to Nyquist, each of unit area.
///
/// Latency: 0 frames.
///
/// # Source
/// Slaney, "Auditory Toolbox", 1998; as `librosa.filters.mel(sr=22050, n_fft=2048, n_mels=40)`;
/// golden: `tests/data/mel_db_harmonic.npy`.
pub struct MelBank {
    bands: Vec<Band>,
}

impl Default for MelBank {
    fn default() -> Self {
        Self::new()
    }
}

impl MelBank {
    /// The bank for [`N_BINS`] bins at the analysis rate.
    #[must_use]
    pub fn new() -> Self {
        let top = hz_to_mel(f64::from(ANALYSIS_RATE_HZ) / 2.0);
        let edges: Vec<f64> = (0..N_MEL_BANDS + 2)
            .map(|i| mel_to_hz(top * i as f64 / (N_MEL_BANDS + 1) as f64))
            .collect();
        Self { bands: edges.windows(3).map(|edge| triangle(edge[0], edge[1], edge[2])).collect() }
    }

    /// Band powers of one power spectrum, `[N_BINS]` → `[N_MEL_BANDS]`, linear; 0 for silence.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    #[must_use]
    pub fn power(&self, power: &[f32]) -> [f32; N_MEL_BANDS] {
        debug_assert_eq!(power.len(), N_BINS);
        let mut mel = [0.0; N_MEL_BANDS];
        for (out, band) in mel.iter_mut().zip(&self.bands) {
            let bins = &power[band.first..band.first + band.weights.len()];
            *out = dot(bins, &band.weights);
        }
        mel
    }
}

/// The filter that rises from `low` to `centre` and falls to `high`, Hz, scaled to unit area.
fn triangle(low: f64, centre: f64, high: f64) -> Band {
    let bin_hz = f64::from(ANALYSIS_RATE_HZ) / WINDOW_SAMPLES as f64;
    let weight = |k: usize| {
        let hz = k as f64 * bin_hz;
        let height = ((hz - low) / (centre - low)).min((high - hz) / (high - centre)).max(0.0);
        (height * 2.0 / (high - low)) as f32
    };
    let first = (low / bin_hz).floor() as usize;
    let last = ((high / bin_hz).ceil() as usize).min(N_BINS - 1);
    Band { first, weights: (first..=last).map(weight).collect() }
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        hz / LINEAR_HZ_PER_MEL
    } else {
        BREAK_MEL + LOG_STEPS * (hz / BREAK_HZ).ln() / 6.4_f64.ln()
    }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        mel * LINEAR_HZ_PER_MEL
    } else {
        BREAK_HZ * ((mel - BREAK_MEL) * 6.4_f64.ln() / LOG_STEPS).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_linear_to_1_khz_and_inverts() {
        for (hz, mel) in [(500.0, 7.5), (1000.0, 15.0), (6400.0, 42.0)] {
            assert!((hz_to_mel(hz) - mel).abs() < 1e-12, "{hz} Hz");
        }
        for hz in [0.0, 440.0, 999.0, 1001.0, 11_025.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9);
        }
    }

    #[test]
    fn every_band_hears_a_flat_spectrum_alike_and_silence_not_at_all() {
        let bank = MelBank::new();
        // Unit area over bins of 10.8 Hz: a flat spectrum of 1 reads 1 / 10.8 Hz, but for the
        // sampling of narrow triangles.
        let flat = bank.power(&[1.0; N_BINS]).map(|y| y * 10.77);
        assert!(flat.iter().all(|y| (y - 1.0).abs() < 0.05), "{flat:?}");
        assert_eq!(bank.power(&[0.0; N_BINS]), [0.0; N_MEL_BANDS]);
    }
}
