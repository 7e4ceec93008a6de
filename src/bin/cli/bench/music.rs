//! The music to measure with: the start of a file, or some that is made here.

use std::path::Path;

use anyhow::Context;
use moodring::analysis::downmix::Downmix;
use moodring::decode::AudioFile;
use moodring::units::samples_to_secs;

use crate::jobs;

/// Mono, and its rate.
pub struct Music {
    pub samples: Vec<f32>,
    pub rate_hz: f64,
}

/// Rate of the music that is made here, Hz.
const MADE_RATE_HZ: f64 = 48_000.0;
/// How much of the music is used, seconds; a reading needs ten.
const MUSIC_SECS: f64 = 30.0;
const LEAST_SECS: f64 = 20.0;

impl Music {
    /// Seconds.
    pub fn secs(&self) -> f64 {
        samples_to_secs(self.samples.len() as u64, self.rate_hz)
    }

    /// The first seconds of a file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        let music = jobs::guarded(|| start_of(path)).with_context(named)?;
        let secs = music.secs();
        anyhow::ensure!(
            secs >= LEAST_SECS,
            "{} holds {secs:.1} s; the measurement needs {LEAST_SECS} s",
            named()
        );
        Ok(music)
    }

    /// Four chords and a drum on every beat, with some noise, so that no stage can take a short
    /// cut.
    pub fn made() -> Self {
        const CHORDS_HZ: [[f64; 3]; 4] = [
            [261.6, 329.6, 392.0],
            [220.0, 261.6, 329.6],
            [174.6, 220.0, 261.6],
            [196.0, 246.9, 293.7],
        ];
        let mut noise = 1_u32;
        let mut hiss = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(noise) / f64::from(u32::MAX) - 0.5
        };
        let sample = |n: usize| {
            let t = n as f64 / MADE_RATE_HZ;
            let chord = CHORDS_HZ[(t / 2.0) as usize % CHORDS_HZ.len()];
            let voices: f64 = chord.iter().map(|hz| (std::f64::consts::TAU * hz * t).sin()).sum();
            let hit = (-(t % 0.5) / 0.03).exp();
            (0.1 * voices + (0.5 * hit + 0.01) * hiss()) as f32
        };
        let samples = (0..(MUSIC_SECS * MADE_RATE_HZ) as usize).map(sample).collect();
        Self { samples, rate_hz: MADE_RATE_HZ }
    }
}

fn start_of(path: &Path) -> anyhow::Result<Music> {
    let mut file = AudioFile::open(path)?;
    let (rate_hz, layout) = file.input();
    let mut music = Music { samples: Vec::new(), rate_hz };
    let mut downmix = Downmix::new(rate_hz, layout);
    while let Some(block) = file.next_block().filter(|block| block.input() == (rate_hz, layout)) {
        downmix.push(block.samples, |mono, _| music.samples.extend_from_slice(mono));
        if music.secs() >= MUSIC_SECS {
            break;
        }
    }
    Ok(music)
}
