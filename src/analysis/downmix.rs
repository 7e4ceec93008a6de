//! Channels to the one signal that is analysed: what of them a listener hears.

use crate::config::SAMPLE_LIMIT;
use crate::units::count;

/// Most channels of a stream.
pub const MAX_CHANNELS: usize = 32;

/// Multi-channel samples that are mixed at a time.
const BLOCK_SAMPLES: usize = 512;

/// Which channels a stream has, and which of them nobody hears as music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    n_channels: usize,
    /// Bit `c` is set where channel `c` is a low-frequency effects channel.
    lfe: u32,
}

impl Layout {
    /// One channel.
    pub const MONO: Self = Self { n_channels: 1, lfe: 0 };
    /// Left and right.
    pub const STEREO: Self = Self { n_channels: 2, lfe: 0 };

    /// `n_channels` of which nothing else is known; at least one, at most [`MAX_CHANNELS`].
    #[must_use]
    pub fn of(n_channels: usize) -> Self {
        Self { n_channels: n_channels.clamp(1, MAX_CHANNELS), lfe: 0 }
    }

    /// The same channels, of which `channel` carries low-frequency effects.
    #[must_use]
    pub fn with_lfe(self, channel: usize) -> Self {
        if channel < self.n_channels { Self { lfe: self.lfe | 1 << channel, ..self } } else { self }
    }

    /// Channels in all.
    #[must_use]
    pub fn n_channels(self) -> usize {
        self.n_channels
    }

    /// Whether a channel carries low-frequency effects.
    #[must_use]
    pub fn is_lfe(self, channel: usize) -> bool {
        channel < self.n_channels && self.lfe & 1 << channel != 0
    }
}

/// Interleaved samples in, mono samples out.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
pub struct Downmix {
    layout: Layout,
    mono: Vec<f32>,
}

impl Downmix {
    /// A down-mix of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self { layout, mono: vec![0.0; BLOCK_SAMPLES] }
    }

    /// The channels that it mixes.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Takes interleaved samples and hands as many mono samples to `on_mono`, block by block.
    pub fn push(&mut self, interleaved: &[f32], mut on_mono: impl FnMut(&[f32])) {
        let n_channels = self.layout.n_channels;
        let scale = 1.0 / count(n_channels);
        for block in interleaved.chunks(BLOCK_SAMPLES * n_channels) {
            let mono = &mut self.mono[..block.len() / n_channels];
            for (mono, sample) in mono.iter_mut().zip(block.chunks_exact(n_channels)) {
                *mono = sample.iter().map(|x| cleaned(*x)).sum::<f32>() * scale;
            }
            on_mono(mono);
        }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {}
}

/// The gate: a finite sample of sane size and precision, whatever comes.
pub(super) fn cleaned(sample: f32) -> f32 {
    if sample.is_finite() && sample.abs() >= f32::MIN_POSITIVE {
        sample.clamp(-SAMPLE_LIMIT, SAMPLE_LIMIT)
    } else {
        0.0
    }
}
