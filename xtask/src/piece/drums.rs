//! How drums and noises sound.

use super::RATE;
use super::synth::{Filter, Noise, Phase};

/// A drum or a noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drum {
    /// A sine that falls from 160 to 48 Hz, with a click.
    Kick,
    /// Noise and a low tone.
    Snare,
    /// Four short bursts of noise, as of hands that do not quite meet.
    Clap,
    /// A short hiss.
    ClosedHat,
    /// A longer hiss.
    OpenHat,
    /// A long bright hiss.
    Crash,
    /// Noise that rises for four seconds.
    Riser,
}

/// One stroke.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    /// What is struck.
    pub drum: Drum,
    /// When, seconds.
    pub start_secs: f32,
    /// How hard, 0 to 1.
    pub level: f32,
}

impl Hit {
    /// A stroke.
    #[must_use]
    pub fn new(drum: Drum, start_secs: f32, level: f32) -> Self {
        Self { drum, start_secs, level }
    }

    /// The sound, from the moment it starts: left and right.
    #[must_use]
    pub fn render(&self) -> Vec<[f32; 2]> {
        let seed = u64::from(self.start_secs.to_bits());
        match self.drum {
            Drum::Kick => self.sound(0.45, 0.0, kick(seed)),
            Drum::Snare => self.sound(0.25, 0.1, snare(seed)),
            Drum::Clap => self.sound(0.4, -0.1, clap(seed)),
            Drum::ClosedHat => self.sound(0.12, 0.3, hiss(seed, 8000.0, 0.025)),
            Drum::OpenHat => self.sound(0.5, -0.25, hiss(seed, 7000.0, 0.09)),
            Drum::Crash => self.sound(3.0, 0.2, hiss(seed, 4500.0, 0.6)),
            Drum::Riser => self.sound(RISER_SECS, 0.0, riser(seed)),
        }
    }

    fn sound(&self, secs: f32, pan: f32, mut at: impl FnMut(f32) -> f32) -> Vec<[f32; 2]> {
        let place = [self.level * (1.0 - pan), self.level * (1.0 + pan)];
        let n_samples = (secs * RATE) as usize;
        // The last 5 ms fade, so that nothing ends in a click.
        let sample = |i: usize| {
            let fade = ((n_samples - i) as f32 / (0.005 * RATE)).min(1.0);
            let x = fade * at(i as f32 / RATE);
            place.map(|gain| gain * x)
        };
        (0..n_samples).map(sample).collect()
    }
}

/// Two bars of 120 BPM.
const RISER_SECS: f32 = 4.0;

fn kick(seed: u64) -> impl FnMut(f32) -> f32 {
    let mut phase = Phase::new(160.0, 0.0);
    let mut click = Noise::new(seed);
    move |secs| {
        phase.set_hz(48.0 + 112.0 * (-secs / 0.03).exp());
        let body = phase.sine() * (-secs / 0.14).exp();
        0.9 * body + 0.15 * click.next() * (-secs / 0.003).exp()
    }
}

fn snare(seed: u64) -> impl FnMut(f32) -> f32 {
    let mut phase = Phase::new(190.0, 0.0);
    let (mut noise, mut filter) = (Noise::new(seed), Filter::default());
    move |secs| {
        let wires = filter.next(noise.next(), 2200.0, 0.6).high * (-secs / 0.06).exp();
        0.3 * wires + 0.35 * phase.sine() * (-secs / 0.05).exp()
    }
}

fn clap(seed: u64) -> impl FnMut(f32) -> f32 {
    const HANDS_SECS: [f32; 4] = [0.0, 0.011, 0.021, 0.030];
    let (mut noise, mut filter) = (Noise::new(seed), Filter::default());
    move |secs| {
        let [first @ .., last] = HANDS_SECS;
        let bursts: f32 =
            first.iter().filter(|&&t| secs >= t).map(|t| (-(secs - t) / 0.004).exp()).sum();
        let tail = if secs >= last { (-(secs - last) / 0.07).exp() } else { 0.0 };
        0.9 * filter.next(noise.next(), 1400.0, 1.2).band * (bursts + tail)
    }
}

fn hiss(seed: u64, above_hz: f32, fade_secs: f32) -> impl FnMut(f32) -> f32 {
    let (mut noise, mut filter) = (Noise::new(seed), Filter::default());
    move |secs| 0.3 * filter.next(noise.next(), above_hz, 0.8).high * (-secs / fade_secs).exp()
}

fn riser(seed: u64) -> impl FnMut(f32) -> f32 {
    let (mut noise, mut filter) = (Noise::new(seed), Filter::default());
    move |secs| {
        let way = secs / RISER_SECS;
        0.5 * way * way * filter.next(noise.next(), 400.0 * 20.0_f32.powf(way), 2.0).band
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn energy(sound: &[[f32; 2]]) -> f32 {
        sound.as_flattened().iter().map(|x| x * x).sum()
    }

    #[test]
    fn struck_drums_are_loudest_at_first_and_a_riser_at_last() {
        for drum in
            [Drum::Kick, Drum::Snare, Drum::Clap, Drum::ClosedHat, Drum::OpenHat, Drum::Crash]
        {
            let sound = Hit::new(drum, 1.0, 1.0).render();
            let (first, second) = sound.split_at(sound.len() / 2);
            assert!(energy(first) > 5.0 * energy(second), "{drum:?}");
        }
        let riser = Hit::new(Drum::Riser, 1.0, 1.0).render();
        let (first, second) = riser.split_at(riser.len() / 2);
        assert!(energy(second) > 5.0 * energy(first));
    }

    #[test]
    fn strokes_end_without_a_click() {
        let sound = Hit::new(Drum::Crash, 0.0, 1.0).render();
        assert!(sound[sound.len() - 1][0].abs() < 0.01);
    }
}
