//! Onset strength: how much a frame's bands rise above the frame before.

use crate::config::N_MEL_BANDS;
use crate::units::count;

/// Onset strength of one frame after another.
///
/// ```text
/// s[t] = mean over b of max(0, max(L[t, b], F) − max(L[t−1, b], F))
/// ```
///
/// The floor F keeps bands that nobody hears from counting; it is the same for both frames, so that
/// it makes no rise of its own.
///
/// Latency: 0 frames.
///
/// # Source
/// Böck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013, without
/// the maximum filter. As `librosa.onset.onset_strength(S=L, lag=1, max_size=1, center=False)` of
/// bands at or above F; golden: `tests/data/onset_harmonic.npy`.
#[derive(Clone, Debug, Default)]
pub struct OnsetStrength {
    /// Bands of the frame before; `None` before the first.
    previous_db: Option<[f32; N_MEL_BANDS]>,
}

impl OnsetStrength {
    /// Nothing heard yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the log-power bands of frame `t` and the floor, dB, and returns `s[t]` ≥ 0, dB: 0 for
    /// silence and for the first frame.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn push(&mut self, band_db: &[f32; N_MEL_BANDS], floor_db: f32) -> f32 {
        let previous_db = self.previous_db.replace(*band_db).unwrap_or(*band_db);
        let rise =
            |(now, before): (&f32, &f32)| (now.max(floor_db) - before.max(floor_db)).max(0.0);
        let rise_db: f32 = band_db.iter().zip(&previous_db).map(rise).sum();
        rise_db / count(N_MEL_BANDS)
    }

    /// Forgets the frame before.
    pub fn reset(&mut self) {
        self.previous_db = None;
    }
}

/// Onset strength of a whole spectrogram of bands, `[frames][N_MEL_BANDS]` dB, over each frame's
/// floor, `[frames]` dB → `[frames]` dB: the definition.
#[must_use]
pub fn onset_strength(bands_db: &[[f32; N_MEL_BANDS]], floors_db: &[f32]) -> Vec<f32> {
    debug_assert_eq!(bands_db.len(), floors_db.len());
    let rises = (1..bands_db.len()).map(|t| {
        let above_floor = |t_: usize, b: usize| bands_db[t_][b].max(floors_db[t]);
        let rise = |b: usize| (above_floor(t, b) - above_floor(t - 1, b)).max(0.0);
        (0..N_MEL_BANDS).map(rise).sum::<f32>() / count(N_MEL_BANDS)
    });
    std::iter::once(0.0).chain(rises).take(bands_db.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rises_count() {
        let mut bands = [[-100.0; N_MEL_BANDS]; 4];
        bands[1][0] = -60.0;
        bands[2][0] = -90.0;
        assert_eq!(onset_strength(&bands, &[-100.0; 4]), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(onset_strength(&bands, &[-80.0; 4]), [0.0, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn frame_by_frame_gives_the_batch_strengths_again_after_reset() {
        let bands: Vec<[f32; N_MEL_BANDS]> = (0..40_usize)
            .map(|t| std::array::from_fn(|b| -((t * 31 + b * 17) as f32 % 53.0)))
            .collect();
        let floors: Vec<f32> = (0..40_u8).map(|t| -40.0 - f32::from(t % 7)).collect();
        let mut onset = OnsetStrength::new();
        for _ in 0..2 {
            let streamed: Vec<f32> =
                bands.iter().zip(&floors).map(|(db, floor)| onset.push(db, *floor)).collect();
            assert_eq!(streamed, onset_strength(&bands, &floors));
            onset.reset();
        }
    }

    #[test]
    fn no_frames_no_strengths() {
        assert!(onset_strength(&[], &[]).is_empty());
    }
}
