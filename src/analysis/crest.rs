//! Crest: how far the peaks of a waveform stand out of it. Hits raise it, drones and limiters lower
//! it.

use crate::units::{count, power_to_db};

/// Sums that are kept side by side, so that the processor may add them at once.
const LANES: usize = 8;

/// Crest factor of one frame's samples, `[WINDOW_SAMPLES]` without a taper, dB ≥ 0; 0 for silence.
///
/// ```text
/// crest = 20·log10( max_n |x[n]| / √(mean_n x[n]²) )
/// ```
///
/// Latency: 0 frames.
///
/// # Real-time safety
/// Neither allocates, locks nor fails.
///
/// # Source
/// Peak over `librosa.feature.rms(frame_length=2048, hop_length=512, center=False)`; golden:
/// `tests/data/crest.npy`.
#[must_use]
pub fn crest_db(samples: &[f32]) -> f32 {
    let (mut squares, mut peaks) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let chunks = samples.chunks_exact(LANES);
    for (lane, x) in chunks.remainder().iter().enumerate() {
        squares[lane] += x * x;
        peaks[lane] = peaks[lane].max(x.abs());
    }
    for chunk in chunks {
        for ((square, peak), x) in squares.iter_mut().zip(&mut peaks).zip(chunk) {
            *square += x * x;
            *peak = peak.max(x.abs());
        }
    }
    let peak = peaks.iter().copied().fold(0.0, f32::max);
    let power = squares.iter().sum::<f32>() / count(samples.len().max(1));
    // Under the smallest normal number the quotient would be noise: that is silence.
    if power < f32::MIN_POSITIVE { 0.0 } else { power_to_db(peak * peak / power).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_square_has_none_a_sine_3_db_and_a_click_as_much_as_there_is() {
        assert!(crest_db(&[0.5, -0.5, 0.5, -0.5]).abs() < 1e-5);
        let sine: Vec<f32> =
            (0..2048).map(|n| (std::f32::consts::TAU * n as f32 / 64.0).sin()).collect();
        assert!((crest_db(&sine) - 3.0103).abs() < 1e-3, "{}", crest_db(&sine));
        let mut click = [0.0; 2048];
        click[7] = -0.1;
        assert!((crest_db(&click) - 33.113).abs() < 1e-3, "{}", crest_db(&click));
    }

    #[test]
    fn silence_and_nothing_have_none() {
        assert_eq!(crest_db(&[0.0; 2048]), 0.0);
        assert_eq!(crest_db(&[1e-30; 2048]), 0.0);
        assert_eq!(crest_db(&[]), 0.0);
    }

    proptest! {
        #[test]
        fn gain_and_order_move_nothing(
            samples in prop::collection::vec(-1.0_f32..1.0, 16..400),
            gain_db in -24.0_f32..24.0,
        ) {
            let gain = 10_f32.powf(gain_db / 20.0);
            let louder: Vec<f32> = samples.iter().rev().map(|x| gain * x).collect();
            prop_assert!((crest_db(&samples) - crest_db(&louder)).abs() < 1e-3);
        }
    }
}
