//! What of a quiet spectrum nobody hears: bass under the threshold of hearing.

use crate::config::{ANALYSIS_RATE_HZ, WINDOW_SAMPLES};

/// Loudness at which a full-scale sine is taken to be played, dB SPL: loud monitoring. Whoever
/// plays softer hears less of the bass.
const FULL_SCALE_DB_SPL: f64 = 100.0;

/// Threshold of hearing of pure tones, Hz and dB SPL, from ISO 389-7:2005 (and ISO 226:2003),
/// table 1. Its row for 20 Hz is left out: an analysis window of 93 ms cannot tell what is there
/// from infrasound.
const THRESHOLD_DB_SPL: [(f64, f64); 10] = [
    (25.0, 68.7),
    (31.5, 59.5),
    (40.0, 51.1),
    (50.0, 44.0),
    (63.0, 37.5),
    (80.0, 31.5),
    (100.0, 26.5),
    (125.0, 22.1),
    (160.0, 17.9),
    (200.0, 14.4),
];

/// Where the threshold ends to matter, Hz: above, a bin is much narrower than what the ear takes
/// together, and one alone says nothing.
const HIGHEST_HZ: f64 = 150.0;

/// Bins under [`HIGHEST_HZ`].
const LOW_BINS: usize = (HIGHEST_HZ * WINDOW_SAMPLES as f64 / ANALYSIS_RATE_HZ as f64) as usize + 1;

/// The power of a full-scale sine in its bin: `(w̄·N/2)²` of a Hann window.
const FULL_SCALE_POWER: f64 = (WINDOW_SAMPLES as f64 / 4.0) * (WINDOW_SAMPLES as f64 / 4.0);

/// The threshold of hearing in the lowest bins.
pub struct LowThreshold {
    /// Least power that is heard, bin by bin; none is under 25 Hz.
    power: [f32; LOW_BINS],
}

impl Default for LowThreshold {
    fn default() -> Self {
        Self::new()
    }
}

impl LowThreshold {
    /// The threshold.
    #[must_use]
    pub fn new() -> Self {
        let bin_hz = f64::from(ANALYSIS_RATE_HZ) / WINDOW_SAMPLES as f64;
        let power = std::array::from_fn(|k| {
            let db = threshold_db_spl(k as f64 * bin_hz) - FULL_SCALE_DB_SPL;
            (FULL_SCALE_POWER * 10.0_f64.powf(db / 10.0)) as f32
        });
        Self { power }
    }

    /// Power of the bins that nobody hears.
    ///
    /// * `power`: `|χ[k]|²`, `[N_BINS]`.
    /// * Returns their sum, linear; 0 for silence.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    #[must_use]
    pub fn under(&self, power: &[f32]) -> f32 {
        let bins = power.iter().zip(&self.power);
        bins.filter(|(power, least)| power < least).map(|(power, _)| power).sum()
    }
}

/// The threshold at `hz`, linear between the table's rows over the logarithm of frequency; infinite
/// under 25 Hz.
fn threshold_db_spl(hz: f64) -> f64 {
    let rows = THRESHOLD_DB_SPL.windows(2);
    let around =
        rows.map(|rows| (rows[0], rows[1])).find(|(low, high)| (low.0..high.0).contains(&hz));
    around.map_or(f64::INFINITY, |(low, high)| {
        let way = (hz / low.0).ln() / (high.0 / low.0).ln();
        low.1 + way * (high.1 - low.1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::stft::spectrogram;

    /// Share of a tone's power that nobody hears, at so many dB re full scale.
    fn inaudible(hz: f64, db: f64) -> f32 {
        let amplitude = 10.0_f64.powf(db / 20.0);
        let step = std::f64::consts::TAU * hz / f64::from(ANALYSIS_RATE_HZ);
        let tone: Vec<f32> =
            (0..WINDOW_SAMPLES).map(|n| (amplitude * (step * n as f64).sin()) as f32).collect();
        let power: Vec<f32> = spectrogram(&tone)[0].iter().map(|x| x * x).collect();
        LowThreshold::new().under(&power) / power.iter().sum::<f32>()
    }

    #[test]
    fn mains_hum_is_heard_when_it_is_loud() {
        let shares = [(50.0, -63.0), (60.0, -63.0), (50.0, -45.0), (100.0, -63.0)]
            .map(|(hz, db)| inaudible(hz, db));
        assert!(shares[0] > 0.99 && shares[1] > 0.9, "{shares:?}");
        assert!(shares[2] < 0.1 && shares[3] < 0.1, "{shares:?}");
    }

    #[test]
    fn nobody_hears_a_constant_or_an_infrasound_however_strong() {
        let power: Vec<f32> =
            spectrogram(&[1.0; WINDOW_SAMPLES])[0].iter().map(|x| x * x).collect();
        assert!(LowThreshold::new().under(&power) / power.iter().sum::<f32>() > 0.999);
        assert!(inaudible(5.0, 0.0) > 0.8);
    }

    #[test]
    fn above_the_bass_all_counts() {
        for hz in [200.0, 440.0, 5000.0] {
            assert!(inaudible(hz, -90.0) < 0.02, "{hz}");
        }
    }
}
