//! Chroma: how much of a spectrum falls on each pitch class.

use crate::config::{ANALYSIS_RATE_HZ, N_BINS, N_CHROMA, WINDOW_SAMPLES};
use crate::units::hz_to_midi;

/// Folds power spectra onto the twelve pitch classes.
///
/// ```text
/// P(p)  = bins whose nearest MIDI pitch is p           (DC has none)
/// y(p)  = Σ_{k ∈ P(p)} |χ[k]|²
/// C(c)  = Σ_{p mod 12 = c} y(p),  then C / max(C)
/// ```
///
/// Latency: 0 frames.
///
/// # Source
/// Liu, Fang and Huang 2018, equations for y_LF and C, after Müller, "Fundamentals of Music Processing", section 3.1.
/// Golden: `tests/data/chroma_harmonic.npy`.
pub struct Chroma {
    /// Pitch class of each bin from bin 1 on.
    pitch_class: Vec<u8>,
}

impl Default for Chroma {
    fn default() -> Self {
        Self::new()
    }
}

impl Chroma {
    /// The table for [`N_BINS`] bins at the analysis rate.
    #[must_use]
    pub fn new() -> Self {
        let bin_hz = f64::from(ANALYSIS_RATE_HZ) / WINDOW_SAMPLES as f64;
        let pitch_class = (1..N_BINS)
            .map(|k| {
                let pitch = hz_to_midi(k as f64 * bin_hz).round() as i64;
                pitch.rem_euclid(N_CHROMA as i64) as u8
            })
            .collect();
        Self { pitch_class }
    }

    /// Chroma of one power spectrum, `[N_BINS]`, max-normalised to [0, 1], C first; all 0 for silence.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    #[must_use]
    pub fn of(&self, power: &[f32]) -> [f32; N_CHROMA] {
        debug_assert_eq!(power.len(), N_BINS);
        let mut chroma = [0.0; N_CHROMA];
        for (&class, y) in self.pitch_class.iter().zip(&power[1..]) {
            chroma[usize::from(class)] += y;
        }
        let largest = chroma.iter().copied().fold(0.0, f32::max);
        // Under the smallest normal number the quotient would be noise: that is silence.
        if largest < f32::MIN_POSITIVE {
            return [0.0; N_CHROMA];
        }
        chroma.map(|y| y / largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spectrum with all its power in the bin nearest to `hz`.
    fn spike(hz: f64) -> Vec<f32> {
        let mut power = vec![0.0; N_BINS];
        power[(hz * WINDOW_SAMPLES as f64 / f64::from(ANALYSIS_RATE_HZ)).round() as usize] = 3.0;
        power
    }

    #[test]
    fn a440_lands_in_pitch_class_a_in_every_octave() {
        for hz in [220.0, 440.0, 880.0, 1760.0] {
            let chroma = Chroma::new().of(&spike(hz));
            assert_eq!(chroma[9], 1.0, "{hz} Hz");
            assert_eq!(chroma.iter().sum::<f32>(), 1.0);
        }
    }

    #[test]
    fn silence_and_dc_have_no_chroma() {
        assert_eq!(Chroma::new().of(&[0.0; N_BINS]), [0.0; N_CHROMA]);
        let mut dc = [0.0; N_BINS];
        dc[0] = 1.0;
        assert_eq!(Chroma::new().of(&dc), [0.0; N_CHROMA]);
    }

    #[test]
    fn gain_does_not_move_chroma() {
        let quiet: Vec<f32> = (0..N_BINS).map(|k| (k % 13) as f32).collect();
        let loud: Vec<f32> = quiet.iter().map(|y| y * 64.0).collect();
        assert_eq!(Chroma::new().of(&quiet), Chroma::new().of(&loud));
    }
}
