//! Change: how far each band moves from frame to frame, up or down. What the means of a step smooth
//! away.

use crate::config::{CHANGE_RANGE_DB, N_MEL_BANDS};

/// Absolute change of the bands of one frame after another.
///
/// ```text
/// d[t, b] = |max(L[t, b], F) − max(L[t−1, b], F)|,   F = max over both frames and all b of L − CHANGE_RANGE_DB
/// ```
///
/// The floor keeps bands that nobody hears from counting. It is relative, so that gain moves
/// nothing.
///
/// Latency: 0 frames.
///
/// # Source
/// As `numpy.abs(numpy.diff(L))` of `librosa.power_to_db` bands at or above F; golden:
/// `tests/data/mel_db_harmonic.npy` with `tests/data/mel_db_percussive.npy`.
#[derive(Clone, Debug, Default)]
pub struct BandChange {
    /// Bands of the frame before; `None` before the first.
    previous_db: Option<[f32; N_MEL_BANDS]>,
}

impl BandChange {
    /// Nothing heard yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the log-power bands of frame `t`, dB, and returns `d[t]` ≥ 0, dB: 0 for silence and
    /// for the first frame.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn push(&mut self, band_db: &[f32; N_MEL_BANDS]) -> [f32; N_MEL_BANDS] {
        let previous_db = self.previous_db.replace(*band_db).unwrap_or(*band_db);
        change(&previous_db, band_db)
    }

    /// Forgets the frame before.
    pub fn reset(&mut self) {
        self.previous_db = None;
    }
}

fn change(before_db: &[f32; N_MEL_BANDS], now_db: &[f32; N_MEL_BANDS]) -> [f32; N_MEL_BANDS] {
    let floor_db =
        before_db.iter().chain(now_db).copied().fold(f32::MIN, f32::max) - CHANGE_RANGE_DB;
    std::array::from_fn(|b| (now_db[b].max(floor_db) - before_db[b].max(floor_db)).abs())
}

/// Change of a whole spectrogram of bands, `[frames][N_MEL_BANDS]` dB → `[frames][N_MEL_BANDS]` dB:
/// the definition.
#[must_use]
pub fn band_change(bands_db: &[[f32; N_MEL_BANDS]]) -> Vec<[f32; N_MEL_BANDS]> {
    let changes = bands_db.windows(2).map(|pair| change(&pair[0], &pair[1]));
    std::iter::once([0.0; N_MEL_BANDS]).chain(changes).take(bands_db.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rises_and_falls_count_alike_and_what_nobody_hears_does_not() {
        let mut bands = [[-100.0; N_MEL_BANDS]; 3];
        (bands[0][3], bands[1][3], bands[2][3]) = (0.0, -6.0, 4.0);
        // 100 dB under the loudest band, then 90: both under the floor.
        bands[1][7] = -90.0;
        let mut stage = BandChange::new();
        let changes = bands.map(|band_db| stage.push(&band_db));
        assert_eq!(changes.map(|change| change[3]), [0.0, 6.0, 10.0]);
        assert_eq!(changes.map(|change| change[7]), [0.0; 3]);
    }

    #[test]
    fn reset_is_new() {
        let mut stage = BandChange::new();
        stage.push(&[0.0; N_MEL_BANDS]);
        stage.reset();
        assert_eq!(stage.push(&[-20.0; N_MEL_BANDS]), [0.0; N_MEL_BANDS]);
    }

    proptest! {
        #[test]
        fn frame_by_frame_is_the_definition_and_gain_moves_nothing(
            bands in prop::collection::vec(prop::collection::vec(-120.0_f32..0.0, N_MEL_BANDS), 0..12),
            gain_db in -24.0_f32..24.0,
        ) {
            let bands: Vec<[f32; N_MEL_BANDS]> =
                bands.iter().map(|frame| std::array::from_fn(|b| frame[b])).collect();
            let whole = band_change(&bands);
            let mut stage = BandChange::new();
            let pushed: Vec<_> = bands.iter().map(|frame| stage.push(frame)).collect();
            prop_assert_eq!(&whole, &pushed);
            let louder: Vec<_> = bands.iter().map(|frame| frame.map(|x| x + gain_db)).collect();
            for (a, b) in whole.iter().flatten().zip(band_change(&louder).iter().flatten()) {
                prop_assert!((a - b).abs() < 1e-3, "{} {}", a, b);
            }
        }
    }
}
