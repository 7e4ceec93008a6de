//! Takes out what moves a loudspeaker and nobody hears: a constant, and rumble under 20 Hz.
//!
//! Music has a little of both, and the model learned from music as it is: so samples pass to the
//! bit as they are until there is more of it than music has, and of rumble there remains as much as
//! music has.
//!
//! ```text
//! D     = mean of the last 2 s, under a Hann window
//! R     = power of the last 2 s from 0.5 to 19 Hz
//! level = mean power of the last 10 s, less D² and R
//! constant taken out: D · rise(D² / level, −40 … −34 dB) · rise(D² / R, 1 … 2)
//! rumble kept: 1 − rise(R / level, −18 … −12 dB) · (1 − √(level · −36 dB / R)), as a factor on what is under 21 Hz
//! ```
//!
//! `rise` goes from 0 to 1. Where rumble is to go the signal is split at 21 Hz by filters whose
//! outputs are in phase at every frequency, so that no bass note is lost between them. A constant
//! stands still, which the sums of bass notes do not: under the window they leave a thirtieth of
//! `R` in `D²`. What is taken out glides from hop to hop.
//!
//! Measured on songs of two collections: 6 % have a constant within reach (nearly all of them a
//! real offset, of −45 to −53 dB re full scale), 4 % such rumble; the rest pass to the bit. Half of
//! all songs have −36 dB of rumble or more. Before, a constant under the music moved shares by .014
//! on average at −20 dB re the music and by up to .22 at 0 dB; 10 Hz by .02 at −20 dB and by up to
//! .11 at −10 dB. It is the valleys of the lowest band of spectral contrast that hear it.
//!
//! Rejected: to cut at 20 Hz always. The model has never met music without anything there, and
//! shares move by up to .17.

use std::f64::consts::PI;

use crate::config::{ANALYSIS_RATE_HZ, FRAME_RATE_HZ, HOP_SAMPLES, RING_SECS};
use crate::simd::{dot, sum};
use crate::units::count;

/// Hops over which the level is taken: the rolling window, 10 s.
const LEVEL_HOPS: usize = (RING_SECS as f64 * FRAME_RATE_HZ) as usize + 1;

/// Hops over which constant and rumble are taken: 2 s.
const SLOW_HOPS: usize = 86;

/// Hops from which on something is taken out, and all of it: half a second and one. Not at once,
/// for a constant that goes in a hop is a thump that is heard.
const TRUSTED_HOPS: [usize; 2] = [22, 44];

/// Hops in which the signal goes over to the filters' outputs, and back: half a second, so that
/// nothing is heard of it.
const SPLIT_HOPS: u8 = 22;

/// Samples under one value of the slow signal that rumble is looked for in.
const SLOW_SAMPLES: usize = 64;

/// Values of the slow signal in a hop.
const SLOW_PER_HOP: usize = HOP_SAMPLES / SLOW_SAMPLES;

/// Rate of the slow signal, Hz (344.5).
const SLOW_RATE_HZ: f64 = ANALYSIS_RATE_HZ as f64 / SLOW_SAMPLES as f64;

/// Where a constant begins to be taken out, and is wholly, as power re the level: −40 and −34 dB.
const CONSTANT: [f32; 2] = [1e-4, 4e-4];

/// The same re the rumble.
const CONSTANT_OVER_RUMBLE: [f32; 2] = [1.0, 2.0];

/// Where rumble begins to be taken out, and is down to [`NATURAL_RUMBLE`], as power re the level:
/// −18 and −12 dB.
const RUMBLE: [f32; 2] = [0.0158, 0.0631];

/// Rumble that half of all songs have, as power re the level: −36 dB.
const NATURAL_RUMBLE: f32 = 2.5e-4;

/// Band in which rumble is looked for, Hz.
const RUMBLE_HZ: [f64; 2] = [0.5, 19.0];

/// Where rumble is parted from music, Hz. Of 18 Hz a fifth remains, of 25 Hz four fifths.
const SPLIT_HZ: f64 = 21.0;

/// Quality of each second-order section of a Butterworth filter of second, fourth and eighth order.
const SECOND_ORDER_Q: f64 = std::f64::consts::FRAC_1_SQRT_2;
const FOURTH_ORDER_Q: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_6];
const EIGHTH_ORDER_Q: [f64; 4] = [
    0.509_795_579_104_159_2,
    0.601_344_886_935_045_3,
    0.899_976_223_136_415_7,
    2.562_915_447_741_505_5,
];

/// Power under which a level is none: −120 dB re full scale.
const LEVEL_FLOOR: f32 = 1e-12;

/// Samples at the analysis rate in, as many out, in any chunks.
///
/// Latency: none. What is taken out rests on whole hops, the last of which ended up to a hop ago.
/// While rumble is taken out a frame costs half as much again.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
///
/// # Source
/// Butterworth sections as in Zölzer, "DAFX", 2nd edition, table 2.2, by the bilinear transform.
pub struct Subsonic {
    meter: Meter,
    /// What is taken out at the beginning and at the end of the hop that is coming in.
    from: Excess,
    to: Excess,
    split: Split,
    /// Samples of the hop that came.
    filled: usize,
    out: [f32; HOP_SAMPLES],
}

impl Default for Subsonic {
    fn default() -> Self {
        Self::new()
    }
}

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Excess {
    /// The constant to be taken out.
    constant: f32,
    /// Factor on what is under [`SPLIT_HZ`], 0 to 1.
    kept: f32,
    /// How far the signal has gone over to the filters' outputs, of [`SPLIT_HOPS`].
    split: u8,
}

impl Excess {
    const NONE: Self = Self { constant: 0.0, kept: 1.0, split: 0 };

    /// What is taken out after what was `before`: the signal goes over to the filters' outputs
    /// while there is rumble, and back.
    fn after(self, before: Self) -> Self {
        let has_rumble = self.kept < 1.0;
        let on = before.split + u8::from(before.split < SPLIT_HOPS);
        Self { split: if has_rumble { on } else { before.split.saturating_sub(1) }, ..self }
    }
}

impl Subsonic {
    /// A stage that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            meter: Meter::new(),
            from: Excess::NONE,
            to: Excess::NONE,
            split: Split::new(),
            filled: 0,
            out: [0.0; HOP_SAMPLES],
        }
    }

    /// Takes samples and hands as many to `on_samples`, in parts none of which goes beyond a hop.
    pub fn push(&mut self, samples: &[f32], mut on_samples: impl FnMut(&[f32])) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (part, later) = rest.split_at(rest.len().min(HOP_SAMPLES - self.filled));
            rest = later;
            if (self.from, self.to) == (Excess::NONE, Excess::NONE) {
                on_samples(part);
            } else {
                self.take_out(part);
                on_samples(&self.out[..part.len()]);
            }
            self.meter.push(part);
            self.filled += part.len();
            if self.filled == HOP_SAMPLES {
                self.filled = 0;
                self.from = self.to;
                self.to = self.meter.excess().after(self.from);
            }
        }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.meter.reset();
        (self.from, self.to) = (Excess::NONE, Excess::NONE);
        self.filled = 0;
    }

    /// Writes the samples that come after those of the hop that came, without what there is too
    /// much of.
    fn take_out(&mut self, part: &[f32]) {
        let hop = Glide { from: self.from, to: self.to };
        for (n, (out, x)) in self.out.iter_mut().zip(part).enumerate() {
            *out = hop.take_out(&mut self.split, self.filled + n, f64::from(*x)) as f32;
        }
    }
}

/// What is taken out from the beginning to the end of a hop.
#[derive(Clone, Copy)]
struct Glide {
    from: Excess,
    to: Excess,
}

impl Glide {
    /// Sample `n` of the hop without it.
    #[inline]
    fn take_out(self, split: &mut Split, n: usize, x: f64) -> f64 {
        let way = n as f64 / HOP_SAMPLES as f64;
        let between = |from: f32, to: f32| f64::from(from) + way * f64::from(to - from);
        let x = x - between(self.from.constant, self.to.constant);
        if (self.from.split, self.to.split) == (0, 0) {
            return x;
        }
        if n == 0 && self.from.split == 0 {
            split.settle(x);
        }
        let (low, high) = split.pass(x);
        let without = high + between(self.from.kept, self.to.kept) * low;
        // The filters turn the phase: into them and out of them the signal is cross-faded.
        let [from, to] = [self.from, self.to].map(|excess| f32::from(excess.split));
        x + between(from, to) / f64::from(SPLIT_HOPS) * (without - x)
    }
}

/// How much there is of what, by hops.
struct Meter {
    /// Mean power of the last hops.
    powers: [f32; LEVEL_HOPS],
    /// Mean, and power of the rumble, of the last of them.
    means: [f32; SLOW_HOPS],
    rumbles: [f32; SLOW_HOPS],
    /// Hops so far.
    hops: u64,
    band: [Section; 1 + EIGHTH_ORDER_Q.len()],
    /// Weights of the means of a whole [`SLOW_HOPS`].
    hann: [f32; SLOW_HOPS],
    /// The samples of the slow value that is coming in, and how many came.
    slow: [f32; SLOW_SAMPLES],
    filled: usize,
    /// Of the hop that is coming in: its values of the slow signal, their number, and its power so
    /// far.
    slow_sums: [f32; SLOW_PER_HOP],
    n_slow: usize,
    power: f32,
    rumble: f64,
}

impl Meter {
    fn new() -> Self {
        Self {
            powers: [0.0; LEVEL_HOPS],
            means: [0.0; SLOW_HOPS],
            rumbles: [0.0; SLOW_HOPS],
            hops: 0,
            band: rumble_band(),
            hann: std::array::from_fn(|n| hann(n, SLOW_HOPS)),
            slow: [0.0; SLOW_SAMPLES],
            filled: 0,
            slow_sums: [0.0; SLOW_PER_HOP],
            n_slow: 0,
            power: 0.0,
            rumble: 0.0,
        }
    }

    fn reset(&mut self) {
        *self = Self::new();
    }

    /// Takes samples, none beyond the end of a hop.
    fn push(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(SLOW_SAMPLES - self.filled));
            rest = later;
            self.slow[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            if self.filled == SLOW_SAMPLES {
                self.filled = 0;
                self.take_slow();
            }
        }
    }

    /// Takes a whole value of the slow signal.
    fn take_slow(&mut self) {
        let total = sum(&self.slow);
        self.power += dot(&self.slow, &self.slow);
        let slow = f64::from(total / count(SLOW_SAMPLES));
        let rumble = pass(&mut self.band, slow);
        self.rumble += rumble * rumble;
        self.slow_sums[self.n_slow] = total;
        self.n_slow += 1;
        if self.n_slow < SLOW_PER_HOP {
            return;
        }
        let (slow, level) = (self.hops % SLOW_HOPS as u64, self.hops % LEVEL_HOPS as u64);
        self.means[slow as usize] = sum(&self.slow_sums) / count(HOP_SAMPLES);
        self.rumbles[slow as usize] = self.rumble as f32 / count(SLOW_PER_HOP);
        self.powers[level as usize] = self.power / count(HOP_SAMPLES);
        self.hops += 1;
        (self.n_slow, self.power, self.rumble) = (0, 0.0, 0.0);
    }

    /// What there is too much of in the hops so far.
    fn excess(&self) -> Excess {
        let n_level = self.hops.min(LEVEL_HOPS as u64) as usize;
        let n = self.hops.min(SLOW_HOPS as u64) as usize;
        let trusted = trusted(n);
        if trusted == 0.0 {
            return Excess::NONE;
        }
        let constant = self.mean(n);
        let rumble = sum(&self.rumbles[..n]) / count(n);
        let all = sum(&self.powers[..n_level]) / count(n_level);
        let power = constant * constant;
        let level = (all - power - rumble).max(LEVEL_FLOOR);
        let is_constant = rise(power / level, CONSTANT)
            * rise(power / rumble.max(f32::MIN_POSITIVE), CONSTANT_OVER_RUMBLE);
        let remains = (NATURAL_RUMBLE * level / rumble.max(f32::MIN_POSITIVE)).sqrt();
        Excess {
            constant: trusted * is_constant * constant,
            kept: 1.0 - trusted * rise(rumble / level, RUMBLE) * (1.0 - remains),
            split: 0,
        }
    }

    /// Mean of the last `n` hops under a Hann window.
    fn mean(&self, n: usize) -> f32 {
        let (mut total, mut weights) = (0.0, 0.0);
        for i in 0..n {
            let weight = if n == SLOW_HOPS { self.hann[i] } else { hann(i, n) };
            let hop = (self.hops - n as u64 + i as u64) % SLOW_HOPS as u64;
            total += weight * self.means[hop as usize];
            weights += weight;
        }
        total / weights
    }
}

/// Value `i` of a Hann window of `n`, none of which is 0.
fn hann(i: usize, n: usize) -> f32 {
    1.0 - (std::f32::consts::TAU * (count(i) + 0.5) / count(n)).cos()
}

/// How far the sums of so many hops are trusted, 0 to 1.
fn trusted(hops: usize) -> f32 {
    rise(count(hops), TRUSTED_HOPS.map(count))
}

/// From 0 at the first of `ends` to 1 at the last.
fn rise(x: f32, [from, to]: [f32; 2]) -> f32 {
    ((x - from) / (to - from)).clamp(0.0, 1.0)
}

/// What is under [`SPLIT_HZ`] and what is above, in phase with each other; both together are the
/// signal but for its phase.
///
/// # Source
/// Linkwitz, "Active crossover networks for noncoincident drivers", JAES 24(1), 1976; each half is
/// two Butterworth filters of fourth order.
struct Split {
    low: [Section; 4],
    high: [Section; 4],
}

impl Split {
    fn new() -> Self {
        let rate_hz = f64::from(ANALYSIS_RATE_HZ);
        let [a, b] = FOURTH_ORDER_Q.map(|q| Section::low_pass(SPLIT_HZ, q, rate_hz));
        let [c, d] = FOURTH_ORDER_Q.map(|q| Section::high_pass(SPLIT_HZ, q, rate_hz));
        Self { low: [a, b, a, b], high: [c, d, c, d] }
    }

    /// As if `x` had been there for ever, so that the filters do not ring with what they missed.
    fn settle(&mut self, x: f64) {
        settle(&mut self.low, x);
        settle(&mut self.high, x);
    }

    #[inline]
    fn pass(&mut self, x: f64) -> (f64, f64) {
        (pass(&mut self.low, x), pass(&mut self.high, x))
    }
}

/// What passes [`RUMBLE_HZ`], at the slow rate.
fn rumble_band() -> [Section; 1 + EIGHTH_ORDER_Q.len()] {
    let [low, high] = RUMBLE_HZ;
    let [a, b, c, d] = EIGHTH_ORDER_Q.map(|q| Section::low_pass(high, q, SLOW_RATE_HZ));
    [Section::high_pass(low, SECOND_ORDER_Q, SLOW_RATE_HZ), a, b, c, d]
}

/// A filter of second order, transposed direct form II; in double precision, for its corner is a
/// thousandth of the rate.
#[derive(Clone, Copy, Debug)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Section {
    fn low_pass(hz: f64, q: f64, rate_hz: f64) -> Self {
        let (k, norm) = Self::bilinear(hz, q, rate_hz);
        let b = k * k * norm;
        Self { b: [b, 2.0 * b, b], a: Self::poles(k, q, norm), state: [0.0; 2] }
    }

    fn high_pass(hz: f64, q: f64, rate_hz: f64) -> Self {
        let (k, norm) = Self::bilinear(hz, q, rate_hz);
        Self { b: [norm, -2.0 * norm, norm], a: Self::poles(k, q, norm), state: [0.0; 2] }
    }

    /// `K = tan(π·f/f_s)` and `1 / (1 + K/Q + K²)`.
    fn bilinear(hz: f64, q: f64, rate_hz: f64) -> (f64, f64) {
        let k = (PI * hz / rate_hz).tan();
        (k, 1.0 / (1.0 + k / q + k * k))
    }

    fn poles(k: f64, q: f64, norm: f64) -> [f64; 2] {
        [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm]
    }

    /// The state after a constant `x` for ever, and what it comes out as.
    fn settle(&mut self, x: f64) -> f64 {
        let y = x * self.b.iter().sum::<f64>() / (1.0 + self.a.iter().sum::<f64>());
        self.state = [y - self.b[0] * x, self.b[2] * x - self.a[1] * y];
        y
    }

    #[inline]
    fn pass(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

/// As if `x` had been there for ever.
fn settle(sections: &mut [Section], x: f64) {
    sections.iter_mut().fold(x, |x, section| section.settle(x));
}

#[inline]
fn pass(sections: &mut [Section], x: f64) -> f64 {
    let y = sections.iter_mut().fold(x, |x, section| section.pass(x));
    // Far under any sample: what rings on in silence would be a denormal some day, and slow.
    for section in sections {
        section.state.iter_mut().filter(|state| state.abs() < 1e-30).for_each(|state| *state = 0.0);
    }
    y
}

/// `signal` without what nobody hears: the definition, hop by hop in double precision.
///
/// As [`Subsonic`], of which it is the batch form.
#[must_use]
pub fn without_subsonic(signal: &[f32]) -> Vec<f32> {
    let mut band = rumble_band();
    let mean = |x: &[f32]| x.iter().map(|x| f64::from(*x)).sum::<f64>() / x.len() as f64;
    let slow: Vec<f64> =
        signal.chunks_exact(SLOW_SAMPLES).map(|x| pass(&mut band, mean(x))).collect();
    let power = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let rise = |x: f64, ends: [f32; 2]| f64::from(rise(x as f32, ends));
    let excess_after = |hops: usize| {
        let n = hops.min(SLOW_HOPS);
        let trusted = f64::from(trusted(n));
        if trusted == 0.0 {
            return Excess::NONE;
        }
        let newest = &signal[(hops - n) * HOP_SAMPLES..hops * HOP_SAMPLES];
        let weights = (0..n).map(|i| f64::from(hann(i, n)));
        let weighted =
            newest.chunks(HOP_SAMPLES).zip(weights.clone()).map(|(hop, w)| w * mean(hop));
        let constant = weighted.sum::<f64>() / weights.sum::<f64>();
        let rumble = power(&slow[(hops - n) * SLOW_PER_HOP..hops * SLOW_PER_HOP]);
        let window = &signal[hops.saturating_sub(LEVEL_HOPS) * HOP_SAMPLES..hops * HOP_SAMPLES];
        let all = window.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / window.len() as f64;
        let level = (all - constant * constant - rumble).max(f64::from(LEVEL_FLOOR));
        let least = f64::from(f32::MIN_POSITIVE);
        let is_constant = rise(constant * constant / level, CONSTANT)
            * rise(constant * constant / rumble.max(least), CONSTANT_OVER_RUMBLE);
        let remains = (f64::from(NATURAL_RUMBLE) * level / rumble.max(least)).sqrt();
        let kept = 1.0 - trusted * rise(rumble / level, RUMBLE) * (1.0 - remains);
        let constant = (trusted * is_constant * constant) as f32;
        Excess { constant, kept: kept as f32, split: 0 }
    };
    let (mut split, mut to) = (Split::new(), Excess::NONE);
    let mut out = Vec::with_capacity(signal.len());
    for (hop, samples) in signal.chunks(HOP_SAMPLES).enumerate() {
        let from = to;
        to = excess_after(hop).after(from);
        let glide = Glide { from, to };
        let samples = samples.iter().enumerate();
        out.extend(samples.map(|(n, x)| glide.take_out(&mut split, n, f64::from(*x)) as f32));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sine(hz: f64, amplitude: f64, secs: f64) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(ANALYSIS_RATE_HZ);
        let n_samples = (secs * f64::from(ANALYSIS_RATE_HZ)) as usize;
        (0..n_samples).map(|n| (amplitude * (step * n as f64).sin()) as f32).collect()
    }

    /// A bass line and something above it.
    fn music(secs: f64) -> Vec<f32> {
        let voices = [(41.2, 0.2), (55.0, 0.2), (440.0, 0.1)].map(|(hz, a)| sine(hz, a, secs));
        let swell = sine(0.3, 0.4, secs);
        (0..swell.len())
            .map(|n| (0.6 + swell[n]) * voices.iter().map(|voice| voice[n]).sum::<f32>())
            .collect()
    }

    fn added(x: &[f32], y: &[f32]) -> Vec<f32> {
        x.iter().zip(y).map(|(x, y)| x + y).collect()
    }

    fn passed(samples: &[f32], chunk: usize) -> Vec<f32> {
        let (mut stage, mut out) = (Subsonic::new(), Vec::new());
        samples.chunks(chunk).for_each(|part| stage.push(part, |x| out.extend_from_slice(x)));
        out
    }

    /// Power of the last two of the seconds, dB.
    fn last_db(x: &[f32]) -> f64 {
        let last = &x[x.len() - 44_100..];
        let power = last.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / last.len() as f64;
        10.0 * power.max(1e-20).log10()
    }

    #[test]
    fn music_passes_to_the_bit() {
        let music = music(15.0);
        assert!(passed(&music, 777) == music);
        let with_a_little = added(&music, &sine(9.0, 0.01, 15.0));
        assert!(passed(&with_a_little, 777) == with_a_little);
    }

    #[test]
    fn nothing_is_left_of_a_constant_or_of_rumble_alone() {
        assert!(last_db(&passed(&vec![0.01; 22_050 * 5], 512)) < -150.0);
        assert!(last_db(&passed(&sine(5.0, 0.1, 6.0), 512)) < -80.0);
        assert!(last_db(&passed(&sine(10.0, 0.1, 6.0), 512)) < -65.0);
    }

    #[test]
    fn a_constant_under_music_is_taken_out_and_the_music_left() {
        for constant in [0.5, 0.1, 0.02] {
            let music = music(8.0);
            let with = added(&music, &vec![constant; music.len()]);
            let error: Vec<f32> =
                passed(&with, 333).iter().zip(&music).map(|(a, b)| a - b).collect();
            assert!(last_db(&error) < last_db(&music) - 50.0, "{constant}: {}", last_db(&error));
        }
    }

    #[test]
    fn rumble_under_music_is_left_as_music_has_it() {
        let music = music(8.0);
        let with = added(&music, &sine(8.0, 0.3, 8.0));
        let out = passed(&with, 512);
        let off_db = last_db(&out) - last_db(&music);
        assert!(off_db.abs() < 0.1, "{off_db} dB");
        let mut rumble = out;
        let mut band = rumble_band();
        rumble.chunks_exact_mut(SLOW_SAMPLES).for_each(|x| {
            let y = pass(&mut band, f64::from(sum(x) / count(SLOW_SAMPLES)));
            x.fill(y as f32);
        });
        assert!(last_db(&rumble) < last_db(&music) - 30.0, "{}", last_db(&rumble));
    }

    #[test]
    fn silence_and_the_largest_samples_are_survived() {
        assert!(passed(&[0.0; 30_000], 512) == [0.0; 30_000]);
        let huge = vec![crate::config::SAMPLE_LIMIT; 60_000];
        assert!(passed(&huge, 512).iter().all(|x| x.is_finite()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn any_chunking_is_the_definition_and_again_after_reset(
            chunks in prop::collection::vec(1_usize..4000, 1..8),
            constant in prop::sample::select(vec![0.0_f32, 0.05, 0.3]),
            hz in 4.0_f64..18.0,
            rumble in prop::sample::select(vec![0.0, 0.2]),
        ) {
            let signal = added(&music(3.5), &sine(hz, rumble, 3.5));
            let signal: Vec<f32> = signal.iter().map(|x| x + constant).collect();
            let definition = without_subsonic(&signal);
            let mut stage = Subsonic::new();
            let mut whole = None;
            for _ in 0..2 {
                let (mut out, mut rest) = (Vec::new(), signal.as_slice());
                for chunk in chunks.iter().cycle() {
                    let (now, later) = rest.split_at((*chunk).min(rest.len()));
                    stage.push(now, |samples| out.extend_from_slice(samples));
                    rest = later;
                    if rest.is_empty() {
                        break;
                    }
                }
                for (a, b) in out.iter().zip(&definition) {
                    prop_assert!((a - b).abs() < 1e-4, "{a} not {b}");
                }
                prop_assert_eq!(out.len(), definition.len());
                prop_assert!(whole.replace(out.clone()).is_none_or(|before| before == out));
                stage.reset();
            }
        }
    }
}
