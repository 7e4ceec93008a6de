//! Music in closed form, so that the same seconds can be had at any sample rate.

#![allow(dead_code)]

use std::f64::consts::TAU;

/// Seconds that each chord lasts.
const CHORD_SECS: f64 = 2.0;

/// Seconds between drum hits: 120 BPM.
const BEAT_SECS: f64 = 0.5;

/// C, a minor, F and G as frequencies in Hz.
const CHORDS_HZ: [[f64; 3]; 4] = [
    [261.63, 329.63, 392.00],
    [220.00, 261.63, 329.63],
    [174.61, 220.00, 261.63],
    [196.00, 246.94, 293.66],
];

/// The sample at `secs` of channel `channel`: chords that swell and drums on every beat, nothing
/// above 3 kHz.
fn sample(secs: f64, channel: usize) -> f64 {
    let swell = 0.6 + 0.4 * (TAU * 0.11 * secs).sin();
    let chord = CHORDS_HZ[(secs / CHORD_SECS) as usize % CHORDS_HZ.len()];
    let since_chord = secs % CHORD_SECS;
    // Chords fade in and out, so that no rate hears a click that another does not.
    let fade = (since_chord / 0.02).min((CHORD_SECS - since_chord) / 0.02).min(1.0);
    let partial = |hz: f64| (TAU * hz * secs).sin() + 0.3 * (TAU * 2.0 * hz * secs).sin();
    let voices: f64 = chord.iter().map(|hz| partial(*hz)).sum();
    let since_beat = secs % BEAT_SECS;
    let hit = (since_beat / 0.005).min(1.0) * (-since_beat / 0.03).exp();
    let drum = hit
        * [180.0, 1100.0, 2300.0].map(|hz: f64| (TAU * hz * since_beat).sin()).iter().sum::<f64>();
    let pan = if channel == 0 { 1.0 } else { 0.8 };
    pan * swell * fade * 0.08 * voices + 0.15 * drum
}

/// `secs` seconds of it, `[channel][sample]`.
pub fn music(secs: f64, rate_hz: f64, n_channels: usize) -> Vec<Vec<f32>> {
    let n_samples = (secs * rate_hz).round() as usize;
    let channel =
        |c| (0..n_samples).map(|n| sample(n as f64 / rate_hz, c) as f32).collect::<Vec<f32>>();
    (0..n_channels).map(channel).collect()
}

/// A small generator of random numbers, the same on every run (xorshift64*).
pub struct Random(pub u64);

impl Random {
    /// The next 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    /// A number in `1..=most`.
    pub fn up_to(&mut self, most: usize) -> usize {
        1 + self.bits() as usize % most
    }
}
