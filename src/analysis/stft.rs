//! Hop-wise windowed real FFT: one magnitude spectrum per frame.
//!
//! Frame `t` covers samples `[t·HOP, t·HOP + WINDOW)` of the stream (librosa's `center=False`),
//! with no padding at either end. **A frame's time is the end of its window**: the moment at which
//! the frame exists. Every other module counts frames, and only [`frame_end_samples`] turns them
//! into time.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::config::{HOP_SAMPLES, N_BINS, WINDOW_SAMPLES};
use crate::units::count;

/// Sample position at the end of frame `frame`'s window: the time it refers to.
#[must_use]
pub fn frame_end_samples(frame: u64) -> u64 {
    frame * HOP_SAMPLES as u64 + WINDOW_SAMPLES as u64
}

/// Whole frames in `samples` samples: 0 where there is less than one window.
#[must_use]
pub fn frames_in(samples: u64) -> u64 {
    match samples.checked_sub(WINDOW_SAMPLES as u64) {
        Some(rest) => 1 + rest / HOP_SAMPLES as u64,
        None => 0,
    }
}

/// Periodic Hann window: `w[n] = ½ − ½·cos(2πn / N)`, as `scipy.signal.get_window("hann", N)`.
#[must_use]
pub fn hann_periodic(length: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU / f64::from(length as u32);
    (0..length).map(|n| (0.5 - 0.5 * (step * f64::from(n as u32)).cos()) as f32).collect()
}

/// Magnitude spectrogram of a whole signal, `[frames][N_BINS]`, linear, not normalised: a
/// full-scale sine peaks at 512.
///
/// ```text
/// χ[t, k] = | Σ_n w[n] · x[t·HOP + n] · exp(−2πi·k·n / WINDOW) |
/// ```
///
/// # Source
/// `numpy.abs(librosa.stft(x, n_fft=2048, hop_length=512, center=False))`; golden:
/// `tests/data/magnitude.npy`.
#[must_use]
pub fn spectrogram(signal: &[f32]) -> Vec<Vec<f32>> {
    let mut transform = Transform::new();
    signal
        .windows(WINDOW_SAMPLES)
        .step_by(HOP_SAMPLES)
        .map(|window| {
            let mut magnitude = vec![0.0; N_BINS];
            transform.magnitude(window, &mut magnitude);
            magnitude
        })
        .collect()
}

/// The incremental form: samples in any chunks, one magnitude spectrum out per hop.
///
/// Latency: 0 frames.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
pub struct Stft {
    transform: Transform,
    /// The last window's worth of samples, oldest first once full.
    window: Vec<f32>,
    filled: usize,
    magnitude: Vec<f32>,
}

impl Default for Stft {
    fn default() -> Self {
        Self::new()
    }
}

impl Stft {
    /// Plans the transform and makes all buffers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            transform: Transform::new(),
            window: vec![0.0; WINDOW_SAMPLES],
            filled: 0,
            magnitude: vec![0.0; N_BINS],
        }
    }

    /// Takes samples and hands each frame that they complete to `on_frame`: its samples,
    /// `[WINDOW_SAMPLES]`, and its magnitudes, `[N_BINS]`.
    pub fn push(&mut self, samples: &[f32], mut on_frame: impl FnMut(&[f32], &[f32])) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(WINDOW_SAMPLES - self.filled));
            self.window[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            rest = later;
            if self.filled == WINDOW_SAMPLES {
                self.transform.magnitude(&self.window, &mut self.magnitude);
                on_frame(&self.window, &self.magnitude);
                self.window.copy_within(HOP_SAMPLES.., 0);
                self.filled -= HOP_SAMPLES;
            }
        }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.filled = 0;
    }
}

/// One window's transform, shared by both forms.
struct Transform {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    /// The tapered window; garbage after the transform.
    tapered: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Transform {
    fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW_SAMPLES);
        Self {
            hann: hann_periodic(WINDOW_SAMPLES),
            tapered: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    fn magnitude(&mut self, window: &[f32], magnitude: &mut [f32]) {
        debug_assert_eq!((window.len(), magnitude.len()), (WINDOW_SAMPLES, N_BINS));
        for ((out, x), w) in self.tapered.iter_mut().zip(window).zip(&self.hann) {
            *out = x * w;
        }
        // The lengths are those that the plan itself made, so this cannot fail; a failure would
        // read as silence.
        let transformed =
            self.fft.process_with_scratch(&mut self.tapered, &mut self.spectrum, &mut self.scratch);
        debug_assert!(transformed.is_ok());
        for (out, bin) in magnitude.iter_mut().zip(&self.spectrum) {
            *out = (bin.re * bin.re + bin.im * bin.im).sqrt();
        }
    }
}

/// Mean power of the signal under one frame, full-scale sine = ½, from its magnitudes (Parseval,
/// Hann-weighted).
///
/// ```text
/// power = 2·Σ_k χ[k]² / (WINDOW · Σ_n w[n]²),   DC and Nyquist once
/// ```
#[must_use]
pub fn mean_power(sum_of_squares: f32) -> f32 {
    /// Σ w² of a periodic Hann window of N samples is 3N/8.
    const HANN_POWER: f32 = 3.0 / 8.0;
    2.0 * sum_of_squares / (count(WINDOW_SAMPLES) * count(WINDOW_SAMPLES) * HANN_POWER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(bin: f32, samples: usize) -> Vec<f32> {
        let step = std::f32::consts::TAU * bin / WINDOW_SAMPLES as f32;
        (0..samples).map(|n| (step * n as f32).sin()).collect()
    }

    #[test]
    fn a_full_scale_sine_on_a_bin_peaks_there_at_512() {
        let frame = &spectrogram(&sine(64.0, WINDOW_SAMPLES))[0];
        assert!((frame[64] - 512.0).abs() < 0.1, "{}", frame[64]);
        assert!((frame[63] - 256.0).abs() < 0.1 && (frame[65] - 256.0).abs() < 0.1);
        assert!(frame[100] < 0.01);
    }

    #[test]
    fn a_full_scale_sine_has_mean_power_one_half() {
        let frame = &spectrogram(&sine(64.0, WINDOW_SAMPLES))[0];
        let power = mean_power(frame.iter().map(|x| x * x).sum());
        assert!((power - 0.5).abs() < 1e-3, "{power}");
    }

    #[test]
    fn frames_are_counted_as_they_come_out() {
        for samples in [0, 1, 2047, 2048, 2559, 2560, 10_000] {
            let signal = vec![0.0; samples];
            assert_eq!(spectrogram(&signal).len() as u64, frames_in(samples as u64), "{samples}");
        }
        assert_eq!(frame_end_samples(0), 2048);
    }

    #[test]
    fn any_chunking_gives_the_batch_frames() {
        let signal = sine(33.3, 8000);
        let batch = spectrogram(&signal);
        for chunk in [1, 17, 511, 512, 2048, 8000] {
            let mut frames = Vec::new();
            let mut stft = Stft::new();
            signal.chunks(chunk).for_each(|c| stft.push(c, |_, frame| frames.push(frame.to_vec())));
            assert_eq!(frames, batch, "chunks of {chunk}");
        }
    }

    #[test]
    fn reset_is_new() {
        let signal = sine(5.0, 5000);
        let mut stft = Stft::new();
        stft.push(&signal[..3000], |_, _| ());
        stft.reset();
        let mut frames = Vec::new();
        stft.push(&signal, |_, frame| frames.push(frame.to_vec()));
        assert_eq!(frames, spectrogram(&signal));
    }
}
