//! The mood of music that is made as it plays: a chord whose pulse quickens.
//!
//! ```sh
//! cargo run --no-default-features --example live
//! ```
//!
//! In a program of your own, the samples come from wherever it gets its audio. From a thread that
//! must not wait, as an audio device's does, use the feature `engine`, which has the analysis on a
//! thread beside it.

use std::error::Error;

use moodring::{Analyser, Layout, Model, Phase};

const RATE_HZ: u32 = 44_100;
/// Samples a channel that are made at a time; any number will do.
const BLOCK_SAMPLES: u32 = 512;
const SECS: u32 = 30;

fn main() -> Result<(), Box<dyn Error>> {
    let model = Model::shipped()?;
    let spaces = &model.card().spaces;
    let mut analyser = Analyser::new(f64::from(RATE_HZ), Layout::STEREO, &model)?;
    analyser.set_interval_secs(2.0);
    for first in (0..SECS * RATE_HZ).step_by(BLOCK_SAMPLES as usize) {
        let block = (first..first + BLOCK_SAMPLES).map(sample);
        let interleaved: Vec<f32> = block.flat_map(|sample| [sample, sample]).collect();
        analyser.push(&interleaved, |reading| {
            let shares = spaces.iter().zip(reading.shares());
            let words =
                shares.map(|(space, share)| format!("{:.0} % {}", 100.0 * share, space.first));
            let provisional = if reading.phase == Phase::Listening { " (provisional)" } else { "" };
            let words = words.collect::<Vec<_>>().join(", ");
            println!("{:5.1} s: {words}{provisional}", reading.time_secs);
        })?;
    }
    Ok(())
}

/// The chord's `n`th sample: three tones, struck twice a second at first, eight times at last.
fn sample(n: u32) -> f32 {
    let secs = f64::from(n) / f64::from(RATE_HZ);
    let strikes = secs * (2.0 + 3.0 * secs / f64::from(SECS));
    let decay = (-4.0 * strikes.fract()).exp();
    let tones = [220.0, 277.18, 329.63].map(|hz| (std::f64::consts::TAU * hz * secs).sin());
    (0.1 * decay * tones.iter().sum::<f64>()) as f32
}
