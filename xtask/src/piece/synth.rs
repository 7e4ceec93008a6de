//! What every voice is built from: oscillators, an envelope, a filter, and noise that is the same
//! on every run.

use std::f32::consts::TAU;

use super::RATE;

/// Frequency of a MIDI note, Hz; 69 is A at 440 Hz.
#[must_use]
pub fn pitch_hz(midi: f32) -> f32 {
    440.0 * ((midi - 69.0) / 12.0).exp2()
}

/// A factor from decibels.
#[must_use]
pub fn db(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}

/// White noise from a linear congruential generator (the multiplier is Knuth's MMIX one):
/// repeatable on every machine.
pub struct Noise(u64);

impl Noise {
    /// Noise that depends on `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// The next value, in [−1, 1).
    pub fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// A phase in [0, 1) that turns at a frequency.
#[derive(Clone, Copy)]
pub struct Phase {
    at: f32,
    step: f32,
}

impl Phase {
    /// A phase that starts at `at` and turns `hz` times a second.
    #[must_use]
    pub fn new(hz: f32, at: f32) -> Self {
        Self { at: at.rem_euclid(1.0), step: hz / RATE }
    }

    /// Turns at another frequency from now on.
    pub fn set_hz(&mut self, hz: f32) {
        self.step = hz / RATE;
    }

    fn advance(&mut self) -> f32 {
        let now = self.at;
        self.at = (self.at + self.step).fract();
        now
    }

    /// A sine.
    pub fn sine(&mut self) -> f32 {
        (TAU * self.advance()).sin()
    }

    /// A rising sawtooth whose jump is rounded over two samples (PolyBLEP), so that it hardly
    /// aliases.
    pub fn saw(&mut self) -> f32 {
        let at = self.advance();
        2.0 * at - 1.0 - self.rounding(at)
    }

    /// A pulse without offset that is low for the part `width` of its period: the difference of two
    /// sawtooths.
    pub fn pulse(&mut self, width: f32) -> f32 {
        let at = self.advance();
        let other = (at + 1.0 - width).fract();
        (2.0 * at - 1.0 - self.rounding(at)) - (2.0 * other - 1.0 - self.rounding(other))
    }

    fn rounding(&self, at: f32) -> f32 {
        if at < self.step {
            let t = at / self.step;
            2.0 * t - t * t - 1.0
        } else if at > 1.0 - self.step {
            let t = (at - 1.0) / self.step;
            t * t + 2.0 * t + 1.0
        } else {
            0.0
        }
    }
}

/// An envelope: linear rise, exponential fall towards `sustain`, exponential release after
/// `hold_secs`.
#[derive(Clone, Copy)]
pub struct Envelope {
    /// Time from nothing to full, seconds.
    pub attack_secs: f32,
    /// Time constant of the fall, seconds.
    pub decay_secs: f32,
    /// Where the fall ends, 0 to 1.
    pub sustain: f32,
    /// How long the key is down, seconds.
    pub hold_secs: f32,
    /// Time constant of the release, seconds.
    pub release_secs: f32,
}

impl Envelope {
    /// The value `secs` after the key went down.
    #[must_use]
    pub fn at(&self, secs: f32) -> f32 {
        let held = secs.min(self.hold_secs);
        let body = if held < self.attack_secs {
            held / self.attack_secs
        } else {
            self.sustain
                + (1.0 - self.sustain) * (-(held - self.attack_secs) / self.decay_secs).exp()
        };
        body * (-(secs - held) / self.release_secs).exp()
    }

    /// How long it can be heard, seconds: seven time constants of the release fall by 61 dB.
    #[must_use]
    pub fn length_secs(&self) -> f32 {
        self.hold_secs + 7.0 * self.release_secs
    }
}

/// A two-pole state-variable filter in the trapezoidal form (Simper 2013), stable while its cutoff
/// moves.
#[derive(Clone, Copy, Default)]
pub struct Filter {
    state: [f32; 2],
}

/// What a [`Filter`] lets through.
pub struct Filtered {
    /// Below the cutoff.
    pub low: f32,
    /// Around the cutoff.
    pub band: f32,
    /// Above the cutoff.
    pub high: f32,
}

impl Filter {
    /// Filters one sample at `cutoff_hz`; `q` is 0.707 for a flat passband, more for a peak at the
    /// cutoff.
    pub fn next(&mut self, input: f32, cutoff_hz: f32, q: f32) -> Filtered {
        let g = (std::f32::consts::PI * (cutoff_hz / RATE).min(0.45)).tan();
        let k = 1.0 / q;
        let a1 = 1.0 / (1.0 + g * (g + k));
        let v3 = input - self.state[1];
        let band = a1 * (self.state[0] + g * v3);
        let low = self.state[1] + g * band;
        self.state = [2.0 * band - self.state[0], 2.0 * low - self.state[1]];
        Filtered { low, band, high: input - k * band - low }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_69_is_a440_and_an_octave_doubles() {
        assert_eq!(pitch_hz(69.0), 440.0);
        assert!((pitch_hz(81.0) - 880.0).abs() < 1e-3);
    }

    #[test]
    fn noise_repeats_for_a_seed_and_has_no_offset() {
        let take = |seed| {
            let mut noise = Noise::new(seed);
            (0..10_000).map(|_| noise.next()).collect::<Vec<f32>>()
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
        assert!(take(1).iter().sum::<f32>().abs() / 10_000.0 < 0.02);
        assert!(take(1).iter().all(|x| (-1.0..1.0).contains(x)));
    }

    #[test]
    fn a_low_pass_keeps_the_low_and_drops_the_high() {
        let level_at = |hz| {
            let (mut phase, mut filter) = (Phase::new(hz, 0.0), Filter::default());
            let out = (0..44_100).map(|_| filter.next(phase.sine(), 500.0, 0.707).low);
            out.skip(4410).fold(0.0_f32, |m, x| m.max(x.abs()))
        };
        assert!((level_at(50.0) - 1.0).abs() < 0.02);
        assert!(level_at(5000.0) < 0.02);
    }

    #[test]
    fn an_envelope_rises_rests_and_goes() {
        let envelope = Envelope {
            attack_secs: 0.1,
            decay_secs: 0.1,
            sustain: 0.5,
            hold_secs: 2.0,
            release_secs: 0.1,
        };
        assert_eq!(envelope.at(0.0), 0.0);
        assert_eq!(envelope.at(0.1), 1.0);
        assert!((envelope.at(1.9) - 0.5).abs() < 1e-3);
        assert!(envelope.at(envelope.length_secs()) < 1e-3);
    }

    #[test]
    fn saw_and_pulse_stay_in_range_and_carry_no_offset() {
        let mut saw = Phase::new(441.0, 0.0);
        let mut pulse = Phase::new(441.0, 0.0);
        let saws: Vec<f32> = (0..44_100).map(|_| saw.saw()).collect();
        let pulses: Vec<f32> = (0..44_100).map(|_| pulse.pulse(0.25)).collect();
        for wave in [&saws, &pulses] {
            assert!(wave.iter().all(|x| x.abs() < 2.0));
            assert!(wave.iter().sum::<f32>().abs() / 44_100.0 < 0.02);
        }
    }
}
