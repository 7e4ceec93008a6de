//! Conversions between counts and time, frequency and pitch, power and decibels.
//!
//! Conversions whose rounding matters are here, so that it is decided once. Elsewhere a cast is
//! exact or its rounding is of no account.

/// Power below which a decibel value is clamped: −100 dB re full scale, far under any music.
pub const POWER_FLOOR: f32 = 1e-10;

/// Seconds that `samples` last at `rate_hz`.
#[must_use]
pub fn samples_to_secs(samples: u64, rate_hz: f64) -> f64 {
    samples as f64 / rate_hz
}

/// Nearest whole number of samples in `secs` at `rate_hz`; 0 for negative or non-finite input.
#[must_use]
pub fn secs_to_samples(secs: f64, rate_hz: f64) -> u64 {
    (secs * rate_hz).round() as u64
}

/// A time as m:ss, from an hour on as h:mm:ss.
#[must_use]
pub fn clock(secs: f64) -> String {
    // Audio is shorter than 2^53 seconds, and a negative or unknown time reads 0:00.
    let whole = secs.max(0.0).round() as u64;
    let (hours, minutes, secs) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

/// The smallest step of a time axis that reads well as m:ss and is not under `least_secs`, seconds;
/// beyond two hours any whole number.
#[must_use]
pub fn round_step_secs(least_secs: f64) -> f64 {
    const STEPS_SECS: [f64; 14] =
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
    let fits = |step: &f64| *step >= least_secs;
    STEPS_SECS.into_iter().find(fits).unwrap_or_else(|| least_secs.ceil())
}

/// `n` as a float, for averages and ratios of counts (exact up to 2²⁴).
#[must_use]
pub fn count(n: usize) -> f32 {
    n as f32
}

/// How many of `n` are `share` of them, rounded half to even as numpy does.
#[must_use]
pub fn share_of(share: f64, n: usize) -> usize {
    (share * n as f64).round_ties_even() as usize
}

/// Number of the step of `step_secs` that holds `secs`, counted from 0 s on; what is out of any
/// range ends at 2⁴⁰ steps either way, NaN at 0.
#[must_use]
pub fn step_of(secs: f64, step_secs: f64) -> i64 {
    const FARTHEST: f64 = (1_u64 << 40) as f64;
    (secs / step_secs).floor().clamp(-FARTHEST, FARTHEST) as i64
}

/// Where step `number` begins, seconds.
#[must_use]
pub fn step_to_secs(number: i64, step_secs: f64) -> f64 {
    number as f64 * step_secs
}

/// `value` in whole `unit`s, nearest first, as far as 16 bits go; 0 for NaN.
#[must_use]
pub fn to_units(value: f32, unit: f32) -> u16 {
    (value / unit).round() as u16
}

/// Decibels of a power, clamped at [`POWER_FLOOR`]: `10·log10(max(power, 1e-10))`.
///
/// As `librosa.power_to_db(ref=1.0, amin=1e-10, top_db=None)`.
#[must_use]
pub fn power_to_db(power: f32) -> f32 {
    10.0 * power.max(POWER_FLOOR).log10()
}

/// MIDI pitch (fractional) of a frequency: `69 + 12·log2(hz / 440)`.
#[must_use]
pub fn hz_to_midi(hz: f64) -> f64 {
    69.0 + 12.0 * (hz / 440.0).log2()
}

/// Beats per minute of a period of `lag_frames` (fractional) at `frame_rate_hz` frames a second.
#[must_use]
pub fn lag_to_bpm(lag_frames: f64, frame_rate_hz: f64) -> f64 {
    60.0 * frame_rate_hz / lag_frames
}

/// Period of `bpm` beats per minute, frames (fractional) at `frame_rate_hz` frames a second.
#[must_use]
pub fn bpm_to_lag(bpm: f64, frame_rate_hz: f64) -> f64 {
    60.0 * frame_rate_hz / bpm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a440_is_midi_69_and_an_octave_is_12() {
        assert_eq!(hz_to_midi(440.0), 69.0);
        assert_eq!(hz_to_midi(880.0), 81.0);
    }

    #[test]
    fn decibels_of_nothing_are_the_floor() {
        assert_eq!(power_to_db(0.0), -100.0);
        assert_eq!(power_to_db(1.0), 0.0);
    }

    #[test]
    fn steps_of_an_axis_are_round_and_never_too_small() {
        for (least_secs, step_secs) in
            [(0.0, 1.0), (5.2, 10.0), (20.0, 30.0), (800.0, 900.0), (1e5, 1e5)]
        {
            assert_eq!(round_step_secs(least_secs), step_secs);
        }
    }

    #[test]
    fn steps_begin_at_zero_and_go_both_ways() {
        assert_eq!([0.0, 0.49, 0.5, -0.1].map(|secs| step_of(secs, 0.5)), [0, 0, 1, -1]);
        assert_eq!(
            [f64::NAN, f64::INFINITY, -1e300].map(|secs| step_of(secs, 0.5)),
            [0, 1 << 40, -1 << 40]
        );
        assert_eq!(step_to_secs(-3, 0.5), -1.5);
    }

    #[test]
    fn seconds_survive_the_round_trip() {
        assert_eq!(secs_to_samples(samples_to_secs(441_000, 44_100.0), 44_100.0), 441_000);
        assert_eq!(secs_to_samples(f64::NAN, 44_100.0), 0);
        assert_eq!(secs_to_samples(-1.0, 44_100.0), 0);
    }

    #[test]
    fn times_read_as_minutes_and_seconds() {
        assert_eq!(clock(65.2), "1:05");
        assert_eq!(clock(3725.0), "1:02:05");
        assert_eq!(clock(-3.0), "0:00");
    }
}
