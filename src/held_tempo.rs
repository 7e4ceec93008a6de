//! The tempo that holds: one number to show, and none while readings do not agree on one.

use crate::reading::Reading;
use crate::units::count;

/// How long readings must have agreed, seconds of audio. Each rests on ten seconds already, so that
/// this much of agreement rests on fourteen.
const AGREED_SECS: f64 = 4.0;

/// Readings looked back on: those of [`AGREED_SECS`] where the machine has time for all of them.
const N_READINGS: usize = 22;

/// Fewest readings that can agree, where the machine is too busy for more.
const LEAST_READINGS: usize = 5;

/// How far readings may be from their median and still agree with it.
const TOLERANCE: f32 = 0.03;

/// Share of readings that must agree before a tempo is shown, and without which it goes: two
/// shares, so that it does not flicker.
const SHOWN_SHARE: f32 = 0.9;
const GONE_SHARE: f32 = 0.6;

/// Follows the tempo of readings, [`Reading::tempo_bpm`], and holds what they agree on.
///
/// Clear is a tempo on which nine in ten readings of the last four seconds agree within 3 % of
/// their median, until fewer than six in ten do. What is held is that median. `docs/follow.md` has
/// how often it is that of the whole clip, and how often none is shown.
///
/// # Real-time safety
/// Never allocates, locks or fails.
#[derive(Clone, Debug)]
pub struct HeldTempo {
    /// Ring of the newest readings: seconds, BPM; `next` is the oldest once full.
    readings: [(f64, f32); N_READINGS],
    next: usize,
    n: usize,
    is_shown: bool,
}

impl Default for HeldTempo {
    fn default() -> Self {
        Self { readings: [(0.0, 0.0); N_READINGS], next: 0, n: 0, is_shown: false }
    }
}

impl HeldTempo {
    /// Takes the next reading; the tempo that holds, BPM, or `None` while none is clear.
    pub fn push(&mut self, reading: &Reading) -> Option<f32> {
        if !reading.phase.has_shares() {
            self.reset();
            return None;
        }
        self.readings[self.next] = (reading.time_secs, reading.tempo_bpm);
        self.next = (self.next + 1) % N_READINGS;
        self.n = (self.n + 1).min(N_READINGS);
        let (median, share) = self.agreement();
        let least = if self.is_shown { GONE_SHARE } else { SHOWN_SHARE };
        self.is_shown = median > 0.0 && share >= least && self.has_lasted(reading.time_secs);
        self.is_shown.then_some(median)
    }

    /// Forgets all readings.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn has_lasted(&self, now_secs: f64) -> bool {
        let oldest = (self.next + N_READINGS - self.n) % N_READINGS;
        // A step of grid short of it, for readings fall where they fall.
        self.n >= LEAST_READINGS && now_secs - self.readings[oldest].0 >= 0.95 * AGREED_SECS
    }

    /// Median of the tempi, and the share of them that agree with it.
    fn agreement(&self) -> (f32, f32) {
        let mut sorted: [f32; N_READINGS] = self.readings.map(|(_, bpm)| bpm);
        // Not yet full, the ring begins at its first place.
        let sorted = &mut sorted[..self.n];
        sorted.sort_unstable_by(f32::total_cmp);
        let median = sorted[self.n / 2];
        let agree = sorted.iter().filter(|bpm| is_near(**bpm, median)).count();
        (median, count(agree) / count(self.n))
    }
}

/// Whether two tempi are the same to whoever looks.
#[must_use]
pub fn is_near(bpm: f32, of_bpm: f32) -> bool {
    (bpm - of_bpm).abs() <= TOLERANCE * of_bpm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::READING_SECS;
    use crate::reading::Phase;

    /// What is held after each reading of these tempi, 5.4 a second.
    fn held(tempi: &[f32]) -> Vec<Option<f32>> {
        let mut held = HeldTempo::default();
        let reading = |n: usize, bpm: f32| Reading {
            time_secs: n as f64 * READING_SECS,
            phase: Phase::Live,
            tempo_bpm: bpm,
            ..Reading::default()
        };
        tempi.iter().enumerate().map(|(n, bpm)| held.push(&reading(n, *bpm))).collect()
    }

    #[test]
    fn a_tempo_shows_once_it_has_held_for_four_seconds() {
        let held = held(&[120.0; 60]);
        let first = held.iter().position(Option::is_some).unwrap();
        assert!((3.8..4.1).contains(&(first as f64 * READING_SECS)), "{first}");
        assert!(held[first..].iter().all(|bpm| *bpm == Some(120.0)));
    }

    #[test]
    fn a_leap_to_the_octave_and_back_is_not_shown() {
        let mut tempi = [120.0; 60];
        tempi[40..46].fill(60.0);
        assert!(held(&tempi)[30..].iter().all(|bpm| *bpm == Some(120.0)));
    }

    #[test]
    fn what_wanders_or_is_not_there_shows_nothing() {
        let wandering: Vec<f32> = (0..60).map(|n| [90.0, 120.0, 180.0, 131.0][n % 4]).collect();
        assert!(held(&wandering).iter().all(Option::is_none));
        assert!(held(&[0.0; 60]).iter().all(Option::is_none));
    }

    #[test]
    fn another_tempo_takes_over_after_nothing_was_shown() {
        let mut tempi = [120.0; 120];
        tempi[60..].fill(87.0);
        let held = held(&tempi);
        assert_eq!((held[59], held[119]), (Some(120.0), Some(87.0)));
        let between: Vec<Option<f32>> = held[60..].to_vec();
        assert!(between.contains(&None), "neither of the two is clear in between");
    }

    #[test]
    fn silence_ends_it() {
        let mut held = HeldTempo::default();
        let mut push = |n: usize, phase| {
            let time_secs = n as f64 * READING_SECS;
            held.push(&Reading { time_secs, phase, tempo_bpm: 100.0, ..Reading::default() })
        };
        assert_eq!((0..40).map(|n| push(n, Phase::Live)).last().unwrap(), Some(100.0));
        assert_eq!(push(40, Phase::Silent), None);
        assert_eq!(push(41, Phase::Live), None);
    }
}
