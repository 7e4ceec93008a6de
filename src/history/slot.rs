//! What is kept of half a second: a [`Point`], packed into 16 bytes.

use crate::reading::{MAX_SPACES, Phase, Reading};
use crate::units::{step_of, step_to_secs, to_units};

/// Length of a slot, seconds: a window of ten seconds moves little in half a second.
pub const SLOT_SECS: f64 = 0.5;

/// Fields of a slot: what it holds, the shares, both energies, the tempo.
pub(super) const N_FIELDS: usize = 4 + MAX_SPACES;

/// One slot. Zeros are a slot that was never written, so that a track is zeroed memory, which the
/// system hands out page by page as it is touched.
pub(super) type Packed = [u16; N_FIELDS];

/// A slot that was never written.
pub(super) const EMPTY: Packed = [0; N_FIELDS];

const HEAD: usize = 0;
const SHARES: usize = 1;
const ENERGY_HARMONIC: usize = SHARES + MAX_SPACES;
const ENERGY_PERCUSSIVE: usize = ENERGY_HARMONIC + 1;
const TEMPO: usize = ENERGY_PERCUSSIVE + 1;

/// Codes for what a slot holds, under the number of spaces; none is 0.
const PHASES: [Phase; 3] = [Phase::Listening, Phase::Live, Phase::Silent];
const N_CODES: u16 = 4;

/// Steps in which values are kept: finer than any of them is known.
const SHARE_UNIT: f32 = 1e-3;
const ENERGY_UNIT_DB: f32 = 0.5;
const TEMPO_UNIT_BPM: f32 = 0.1;

/// Energy that is kept as 0, dB re full scale: the floor of all decibels here.
const ENERGY_FLOOR_DB: f32 = -100.0;

/// What was read at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Where the half second begins that this is kept for, seconds on the track's clock. The
    /// reading's window ended in it.
    pub secs: f64,
    /// What the shares mean.
    pub phase: Phase,
    /// Label spaces in use.
    pub n_spaces: usize,
    /// Share of votes of each space's first pole, in [0, 1], kept to 0.001; 0 in silence.
    pub shares: [f32; MAX_SPACES],
    /// Mean power of the window's harmonic part, dB re full scale, kept to 0.5 dB.
    pub energy_harmonic_db: f32,
    /// Mean power of the window's percussive part, dB re full scale, kept to 0.5 dB.
    pub energy_percussive_db: f32,
    /// Tempo of the percussive part, BPM, kept to 0.1; 0 where there is none.
    pub tempo_percussive_bpm: f32,
}

impl Point {
    /// The shares in use, first pole each; empty in silence.
    #[must_use]
    pub fn shares(&self) -> &[f32] {
        if self.phase.has_shares() { &self.shares[..self.n_spaces.min(MAX_SPACES)] } else { &[] }
    }
}

/// Number of the slot that holds `secs`.
pub(super) fn slot_of(secs: f64) -> i64 {
    step_of(secs, SLOT_SECS)
}

/// Where a slot begins, seconds.
pub(super) fn slot_secs(slot: i64) -> f64 {
    step_to_secs(slot, SLOT_SECS)
}

/// A reading's slot; `None` where there is nothing to keep.
pub(super) fn pack(reading: &Reading) -> Option<Packed> {
    let code = 1 + u16::try_from(PHASES.iter().position(|phase| *phase == reading.phase)?).ok()?;
    let n_spaces = reading.n_spaces.min(MAX_SPACES);
    let mut packed = EMPTY;
    packed[HEAD] = code + N_CODES * u16::try_from(n_spaces).ok()?;
    for (kept, share) in packed[SHARES..].iter_mut().zip(reading.shares()) {
        *kept = to_units(share.min(1.0), SHARE_UNIT);
    }
    let energy = |energy_db: f32| to_units(energy_db - ENERGY_FLOOR_DB, ENERGY_UNIT_DB);
    packed[ENERGY_HARMONIC] = energy(reading.energy_harmonic_db);
    packed[ENERGY_PERCUSSIVE] = energy(reading.energy_percussive_db);
    packed[TEMPO] = to_units(reading.tempo_percussive_bpm, TEMPO_UNIT_BPM);
    Some(packed)
}

/// How much a slot is worth that is written again: nothing, silence, a provisional reading, a whole
/// one.
pub(super) fn worth(packed: &Packed) -> u8 {
    match unpack(0, packed).map(|point| point.phase) {
        Some(Phase::Live) => 3,
        Some(Phase::Listening) => 2,
        Some(Phase::Silent) => 1,
        Some(Phase::Waiting) | None => 0,
    }
}

/// What slot number `slot` holds; `None` where it was never written. Takes any bits.
pub(super) fn unpack(slot: i64, packed: &Packed) -> Option<Point> {
    let phase = *PHASES.get(usize::from((packed[HEAD] % N_CODES).checked_sub(1)?))?;
    let mut shares = [0.0; MAX_SPACES];
    for (share, kept) in shares.iter_mut().zip(&packed[SHARES..]) {
        *share = (f32::from(*kept) * SHARE_UNIT).min(1.0);
    }
    let energy_db = |field: usize| ENERGY_FLOOR_DB + f32::from(packed[field]) * ENERGY_UNIT_DB;
    Some(Point {
        secs: slot_secs(slot),
        phase,
        n_spaces: usize::from(packed[HEAD] / N_CODES).min(MAX_SPACES),
        shares,
        energy_harmonic_db: energy_db(ENERGY_HARMONIC),
        energy_percussive_db: energy_db(ENERGY_PERCUSSIVE),
        tempo_percussive_bpm: f32::from(packed[TEMPO]) * TEMPO_UNIT_BPM,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_survives_as_finely_as_promised() {
        let reading = Reading {
            phase: Phase::Live,
            n_spaces: 2,
            shares: [0.7316, 1.0, 0.0, 0.0],
            energy_harmonic_db: -17.3,
            energy_percussive_db: -200.0,
            tempo_percussive_bpm: 127.96,
            ..Reading::default()
        };
        let point = unpack(-3, &pack(&reading).unwrap()).unwrap();
        assert_eq!((point.secs, point.phase, point.n_spaces), (-1.5, Phase::Live, 2));
        assert!((point.shares()[0] - 0.7316).abs() <= 0.0005 && point.shares()[1] == 1.0);
        assert_eq!((point.energy_harmonic_db, point.energy_percussive_db), (-17.5, -100.0));
        assert!((point.tempo_percussive_bpm - 127.96).abs() <= 0.05);
    }

    #[test]
    fn silence_is_kept_without_shares_and_waiting_not_at_all() {
        let silent =
            Reading { phase: Phase::Silent, n_spaces: 2, shares: [0.7; 4], ..Reading::default() };
        let point = unpack(0, &pack(&silent).unwrap()).unwrap();
        assert_eq!((point.phase, point.shares, point.shares().len()), (Phase::Silent, [0.0; 4], 0));
        assert_eq!(pack(&Reading::default()), None);
        assert_eq!(unpack(0, &EMPTY), None);
    }

    #[test]
    fn nan_and_any_bits_are_survived() {
        let nan = Reading {
            phase: Phase::Live,
            n_spaces: 99,
            shares: [f32::NAN, f32::INFINITY, -1.0, 2.0],
            energy_harmonic_db: f32::NAN,
            energy_percussive_db: f32::INFINITY,
            tempo_percussive_bpm: f32::NEG_INFINITY,
            ..Reading::default()
        };
        for packed in [pack(&nan).unwrap(), [u16::MAX; N_FIELDS]] {
            let point = unpack(i64::MAX, &packed).unwrap();
            assert!(point.shares.iter().all(|share| (0.0..=1.0).contains(share)), "{point:?}");
            assert!(point.energy_percussive_db.is_finite());
        }
    }
}
