//! How much of the ten seconds holds music.

use crate::config::{
    ANALYSIS_RATE_HZ, FRAMES_PER_STEP, HOP_SAMPLES, LOOKAHEAD_FRAMES, N_STEPS, RING_SECS,
    WINDOW_SAMPLES,
};
use crate::units::count;

/// How much of the window holds music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Silence now.
    Silence,
    /// Music for this many steps, at most [`N_STEPS`].
    Steps(usize),
    /// Music throughout, with nothing missing at its start.
    Full,
}

impl Coverage {
    /// Seconds of music heard, 0 to 10.
    #[must_use]
    pub fn secs(self) -> f32 {
        /// What the first step needs besides its own hops: the rest of its window and the medians'
        /// future, samples.
        const LEAD_SAMPLES: usize = WINDOW_SAMPLES - HOP_SAMPLES + LOOKAHEAD_FRAMES * HOP_SAMPLES;
        match self {
            Self::Silence | Self::Steps(0) => 0.0,
            Self::Steps(steps) => {
                let samples = steps * FRAMES_PER_STEP * HOP_SAMPLES + LEAD_SAMPLES;
                (count(samples) / ANALYSIS_RATE_HZ as f32).min(count(RING_SECS))
            }
            Self::Full => count(RING_SECS),
        }
    }

    /// The newest of it: at most `steps`.
    #[must_use]
    pub fn newest(self, steps: usize) -> Self {
        match self {
            Self::Silence => Self::Silence,
            Self::Steps(heard) => Self::Steps(heard.min(steps)),
            Self::Full => Self::Steps(steps.min(N_STEPS)),
        }
    }

    /// Steps of music heard, 0 to [`N_STEPS`].
    #[must_use]
    pub fn steps(self) -> usize {
        match self {
            Self::Silence => 0,
            Self::Steps(steps) => steps,
            Self::Full => N_STEPS,
        }
    }
}
