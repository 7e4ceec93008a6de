//! Chroma: how much of a spectrum falls on each pitch class.

use std::ops::Range;

use crate::config::{ANALYSIS_RATE_HZ, N_BINS, N_CHROMA, WINDOW_SAMPLES};
use crate::simd::dot;
use crate::units::hz_to_midi;

/// Folds power spectra onto the twelve pitch classes.
///
/// ```text
/// P(p)  = bins whose nearest MIDI pitch is p           (DC has none)
/// y(p)  = Σ_{k ∈ P(p)} w(k)·|χ[k]|²,                   w = 1 but for Chroma::melodic
/// C(c)  = Σ_{p mod 12 = c} y(p),  then C / max(C)
/// ```
///
/// Latency: 0 frames.
///
/// # Source
/// Liu, Fang and Huang 2018, equations for y_LF and C, after Müller, "Fundamentals of Music
/// Processing", section 3.1. Golden: `tests/data/chroma_harmonic.npy`.
pub struct Chroma {
    /// Pitch class and bins of each pitch that has any, from low to high.
    pitches: Vec<(usize, Range<usize>)>,
    /// Of each bin, `[N_BINS]`.
    weights: Vec<f32>,
}

/// Centre of the register of melodies and chords, Hz (E♭5, four octaves and a half above A0), and
/// its width, octaves.
const MELODIC_HZ: f64 = 622.25;
const MELODIC_OCTAVES: f64 = 1.0;
/// How far from a pitch a bin may lie and still count for it, semitones.
const TUNED_SEMITONES: f64 = 0.2;

impl Default for Chroma {
    fn default() -> Self {
        Self::new()
    }
}

impl Chroma {
    /// The table for [`N_BINS`] bins at the analysis rate, every bin with the same weight: the
    /// paper's.
    #[must_use]
    pub fn new() -> Self {
        Self::weighted(|_, _| 1.0)
    }

    /// Chroma of the register in which melodies and chords lie, by bins that are near a pitch.
    ///
    /// ```text
    /// w(k) = exp(−½·(log2(f / 622 Hz) / 1 octave)²) · exp(−½·((p(k) − round p(k)) / 0.2 semitones)²)
    /// ```
    ///
    /// Where all registers weigh alike the bass outweighs the others, and a bass line says little
    /// of major and minor: correlated with key profiles, this chroma tells joy from sadness far
    /// better than the paper's.
    ///
    /// # Source
    /// The weight of the register is that of `librosa.filters.chroma(ctroct=4.5, octwidth=1)`.
    /// Golden: `tests/data/chroma_melodic.npy`.
    #[must_use]
    pub fn melodic() -> Self {
        let bell = |x: f64| (-0.5 * x * x).exp();
        Self::weighted(|hz, off| {
            bell((hz / MELODIC_HZ).log2() / MELODIC_OCTAVES) * bell(off / TUNED_SEMITONES)
        })
    }

    /// `weight` takes the frequency of a bin, Hz, and how far it is off its nearest pitch,
    /// semitones.
    fn weighted(weight: impl Fn(f64, f64) -> f64) -> Self {
        let bin_hz = f64::from(ANALYSIS_RATE_HZ) / WINDOW_SAMPLES as f64;
        let pitch = |k: usize| hz_to_midi(k as f64 * bin_hz);
        let weight = |k: usize| weight(k as f64 * bin_hz, pitch(k) - pitch(k).round()) as f32;
        let bins: Vec<usize> = (1..N_BINS).collect();
        let pitches = bins.chunk_by(|a, b| pitch(*a).round() == pitch(*b).round()).map(|bins| {
            let (first, last) = (bins[0], bins[bins.len() - 1]);
            let class = (pitch(first).round() as i64).rem_euclid(N_CHROMA as i64) as usize;
            (class, first..last + 1)
        });
        Self {
            pitches: pitches.collect(),
            weights: std::iter::once(0.0).chain((1..N_BINS).map(weight)).collect(),
        }
    }

    /// Chroma of one power spectrum, `[N_BINS]`, max-normalised to [0, 1], C first; all 0 for
    /// silence.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    #[must_use]
    pub fn of(&self, power: &[f32]) -> [f32; N_CHROMA] {
        debug_assert_eq!(power.len(), N_BINS);
        let mut chroma = [0.0; N_CHROMA];
        for (class, bins) in &self.pitches {
            chroma[*class] += dot(&self.weights[bins.clone()], &power[bins.clone()]);
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
    fn melodic_chroma_hears_the_melody_over_the_bass() {
        let mut power = spike(622.25);
        // Five octaves under it and a semitone up, and twice as strong.
        power.iter_mut().zip(spike(20.6)).for_each(|(y, bass)| *y += 2.0 * bass);
        let chroma = Chroma::melodic().of(&power);
        assert_eq!(chroma[3], 1.0, "{chroma:?}");
        assert!(chroma.iter().sum::<f32>() < 1.1, "{chroma:?}");
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
