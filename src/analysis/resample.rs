//! Host rate to analysis rate, and the one gate through which samples enter the analysis.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction, calculate_cutoff,
};

use crate::config::{ANALYSIS_RATE_HZ, SAMPLE_LIMIT};

/// Slowest and fastest host rates taken, Hz: what hosts and validators offer.
pub const MIN_HOST_RATE_HZ: f64 = 8_000.0;
/// See [`MIN_HOST_RATE_HZ`].
pub const MAX_HOST_RATE_HZ: f64 = 768_000.0;

/// Taps of the interpolation filter at the analysis rate: a pass band to 0.95 of Nyquist.
const TAPS: usize = 128;

/// Least points of the filter between two input samples. Where samples out fall between them it is interpolated linearly, at −94 dB of
/// error.
const OVERSAMPLING: usize = 256;

/// Most places between two input samples on which samples out may fall for each to have a point of the filter of its own.
const MAX_PLACES: u32 = 512;

/// Samples out that one chunk yields, about: the resampler adds as much latency (5.8 ms).
const CHUNK_OUT_SAMPLES: f64 = 128.0;

/// A host rate that cannot be analysed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "a sample rate of {rate_hz} Hz cannot be analysed: set the host to between {} and {} Hz",
    MIN_HOST_RATE_HZ,
    MAX_HOST_RATE_HZ
)]
pub struct RateError {
    /// The rate that was asked for, Hz.
    pub rate_hz: f64,
}

/// Mono samples at the host's rate in, at [`ANALYSIS_RATE_HZ`] out, in any chunks.
///
/// Sample `n` out is the band-limited signal at `n / ANALYSIS_RATE_HZ` seconds: the filter's delay is taken out, to a few
/// hundredths of a sample, so that positions mean the same at every host rate. At the analysis rate itself samples pass as they are.
///
/// What is no number, or infinite, becomes 0; what is beyond [`SAMPLE_LIMIT`] is clamped; denormals become 0.
///
/// Latency: up to 8.7 ms (half the filter, and one chunk); none at the analysis rate.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
///
/// # Source
/// rubato's band-limited interpolation; golden: `scipy.signal.resample_poly`, `tests/data/resample_*.npy`.
pub struct Resampler {
    converter: Option<Converter>,
    /// Cleaned input at the analysis rate, where nothing is to be converted.
    clean: Vec<f32>,
}

struct Converter {
    inner: Async<f32>,
    /// Cleaned input short of a chunk.
    chunk: Vec<f32>,
    filled: usize,
    out: Vec<f32>,
    /// Zeros before the first sample, and the filter's delay with them, samples out.
    lead: usize,
    delay: usize,
    /// Samples out that are still the delay.
    to_skip: usize,
    /// Samples taken in and handed out since the start.
    taken: u64,
    given: u64,
}

impl Resampler {
    /// A resampler from `host_rate_hz`, which need not be whole.
    ///
    /// # Errors
    /// [`RateError`] where the rate is not between [`MIN_HOST_RATE_HZ`] and [`MAX_HOST_RATE_HZ`].
    pub fn new(host_rate_hz: f64) -> Result<Self, RateError> {
        /// Input that is cleaned at a time where nothing is to be converted.
        const PASS_SAMPLES: usize = 512;
        let error = RateError { rate_hz: host_rate_hz };
        if !(MIN_HOST_RATE_HZ..=MAX_HOST_RATE_HZ).contains(&host_rate_hz) {
            return Err(error);
        }
        let ratio = f64::from(ANALYSIS_RATE_HZ) / host_rate_hz;
        let converter =
            if ratio == 1.0 { None } else { Some(Converter::new(ratio).map_err(|_| error)?) };
        Ok(Self { converter, clean: vec![0.0; PASS_SAMPLES] })
    }

    /// Takes samples at the host's rate and hands those they complete, at the analysis rate, to `on_samples`.
    pub fn push(&mut self, samples: &[f32], mut on_samples: impl FnMut(&[f32])) {
        match &mut self.converter {
            Some(converter) => converter.push(samples, on_samples),
            None => {
                for part in samples.chunks(self.clean.len()) {
                    let clean = &mut self.clean[..part.len()];
                    clean.iter_mut().zip(part).for_each(|(out, x)| *out = cleaned(*x));
                    on_samples(clean);
                }
            }
        }
    }

    /// Hands out what the filter still holds, as if silence followed: for the end of a file.
    pub fn finish(&mut self, on_samples: impl FnMut(&[f32])) {
        if let Some(converter) = &mut self.converter {
            converter.finish(on_samples);
        }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        if let Some(converter) = &mut self.converter {
            converter.reset();
        }
    }
}

impl Converter {
    fn new(ratio: f64) -> Result<Self, rubato::ResamplerConstructionError> {
        let window = WindowFunction::Hann2;
        // The filter is as sharp at the lower of the two rates whatever the higher: cutoff and taps are those of the lower.
        let taps = ((TAPS as f64 / ratio.min(1.0)).ceil() as usize).next_multiple_of(8);
        let (points, interpolation) = match places(ratio) {
            // No fewer points than else: the filter lies off by one of them.
            Some(places) => {
                (places * OVERSAMPLING.div_ceil(places), SincInterpolationType::Nearest)
            }
            None => (OVERSAMPLING, SincInterpolationType::Linear),
        };
        let parameters = SincInterpolationParameters::new(taps, window)
            .f_cutoff(calculate_cutoff(TAPS, window))
            .oversampling_factor(points)
            .interpolation(interpolation);
        let chunk = (CHUNK_OUT_SAMPLES / ratio).ceil() as usize;
        let inner = Async::new_sinc(ratio, 1.0, &parameters, chunk, 1, FixedAsync::Input)?;
        let (lead, delay) = whole_delay(taps, ratio, chunk);
        Ok(Self {
            chunk: vec![0.0; chunk],
            filled: lead,
            out: vec![0.0; inner.output_frames_max()],
            lead,
            delay,
            to_skip: delay,
            inner,
            taken: 0,
            given: 0,
        })
    }

    fn push(&mut self, samples: &[f32], mut on_samples: impl FnMut(&[f32])) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.chunk.len() - self.filled));
            let place = &mut self.chunk[self.filled..self.filled + now.len()];
            place.iter_mut().zip(now).for_each(|(out, x)| *out = cleaned(*x));
            self.filled += now.len();
            self.taken += now.len() as u64;
            rest = later;
            if self.filled == self.chunk.len() {
                self.convert(&mut on_samples);
            }
        }
    }

    fn finish(&mut self, mut on_samples: impl FnMut(&[f32])) {
        let total = (self.taken as f64 * self.inner.resample_ratio()).round() as u64;
        while self.given < total {
            let due = (total - self.given) as usize;
            self.chunk[self.filled..].fill(0.0);
            self.convert(&mut |samples: &[f32]| on_samples(&samples[..samples.len().min(due)]));
        }
    }

    fn convert(&mut self, on_samples: &mut impl FnMut(&[f32])) {
        self.filled = 0;
        let Some(written) = self.convert_chunk() else { return };
        let skipped = self.to_skip.min(written);
        self.to_skip -= skipped;
        self.given += (written - skipped) as u64;
        on_samples(&self.out[skipped..written]);
    }

    /// One chunk through the filter. The buffers are the sizes that the filter asked for, so this cannot fail; a failure
    /// would read as a gap.
    fn convert_chunk(&mut self) -> Option<usize> {
        let room = self.out.len();
        let chunk = SequentialSlice::new(&self.chunk, 1, self.chunk.len()).ok()?;
        let mut out = SequentialSlice::new_mut(&mut self.out, 1, room).ok()?;
        let (_, written) = self.inner.process_into_buffer(&chunk, &mut out, None).ok()?;
        Some(written)
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.chunk[..self.lead].fill(0.0);
        self.filled = self.lead;
        self.to_skip = self.delay;
        self.taken = 0;
        self.given = 0;
    }
}

/// On how many places between two input samples samples out fall: 1 from 44.1 kHz, 147 from 48 kHz; `None` where they are many.
fn places(ratio: f64) -> Option<usize> {
    let is_whole = |places: &u32| {
        let samples = f64::from(*places) / ratio;
        (samples - samples.round()).abs() < 1e-9 * samples
    };
    (1..=MAX_PLACES).find(is_whole).map(|places| places as usize)
}

/// Zeros to put before the signal so that the filter's delay is nearly a whole number of samples out, and that number.
///
/// The filter of `taps` is centred on the first sample in once `(taps / 2 + lead) · ratio` samples are out, that one included.
fn whole_delay(taps: usize, ratio: f64, chunk: usize) -> (usize, usize) {
    let until_first = |lead: usize| (taps as f64 / 2.0 + lead as f64) * ratio;
    let off = |lead: usize| (until_first(lead) - until_first(lead).round()).abs();
    // At 44.1, 48, 96, … kHz some number of zeros makes it whole to the last digit.
    let lead = (0..chunk).min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(0);
    (lead, until_first(lead).round() as usize - 1)
}

/// The gate: a finite sample of sane size and precision, whatever comes.
fn cleaned(sample: f32) -> f32 {
    if sample.is_finite() && sample.abs() >= f32::MIN_POSITIVE {
        sample.clamp(-SAMPLE_LIMIT, SAMPLE_LIMIT)
    } else {
        0.0
    }
}

/// The whole of `signal` at the analysis rate: what the incremental form gives, in one piece.
///
/// # Errors
/// As [`Resampler::new`].
pub fn resample(signal: &[f32], host_rate_hz: f64) -> Result<Vec<f32>, RateError> {
    let mut resampler = Resampler::new(host_rate_hz)?;
    let mut out = Vec::new();
    resampler.push(signal, |samples| out.extend_from_slice(samples));
    resampler.finish(|samples| out.extend_from_slice(samples));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATES_HZ: [f64; 9] =
        [8_000.0, 11_025.0, 22_050.0, 44_100.0, 44_101.7, 48_000.0, 96_000.0, 192_000.0, 768_000.0];

    fn sine(hz: f64, rate_hz: f64, secs: f64) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / rate_hz;
        (0..(secs * rate_hz) as usize).map(|n| (step * n as f64).sin() as f32).collect()
    }

    #[test]
    fn a_tone_is_the_same_tone_at_the_same_moment_from_every_rate() {
        /// 3 % of a sample at 1 kHz, 2π · 1000 / 22 050 · 0.03: what is left of the filter's delay.
        const TOLERANCE: f32 = 0.009;
        let expected = sine(1000.0, 22_050.0, 0.4);
        for rate_hz in RATES_HZ {
            let out = resample(&sine(1000.0, rate_hz, 0.4), rate_hz).unwrap();
            assert!(out.len().abs_diff(expected.len()) <= 2, "{rate_hz}: {}", out.len());
            // The edges, where the tone starts and stops, ring.
            let worst = out[200..8000]
                .iter()
                .zip(&expected[200..8000])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < TOLERANCE, "{rate_hz} Hz: off by {worst}");
        }
    }

    #[test]
    fn what_the_analysis_cannot_hold_does_not_alias_into_it() {
        for (rate_hz, hz) in [(44_100.0, 13_000.0), (48_000.0, 20_000.0), (768_000.0, 100_000.0)] {
            let out = resample(&sine(hz, rate_hz, 0.3), rate_hz).unwrap();
            let loudest = out[200..out.len() - 200].iter().fold(0.0_f32, |m, x| m.max(x.abs()));
            assert!(loudest < 1e-3, "{hz} Hz at {rate_hz} Hz left {loudest}");
        }
    }

    #[test]
    fn rates_beyond_the_range_are_refused_with_words() {
        for rate_hz in [0.0, -1.0, 7_999.0, 768_001.0, f64::NAN, f64::INFINITY] {
            let error = Resampler::new(rate_hz).err().unwrap();
            assert!(error.to_string().contains("768000"), "{error}");
        }
    }

    #[test]
    fn what_is_no_number_becomes_silence_and_what_is_huge_is_clamped() {
        let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 1e-40, 0.25];
        let expected = [0.0, 0.0, 0.0, SAMPLE_LIMIT, -SAMPLE_LIMIT, 0.0, 0.25];
        assert_eq!(resample(&strange, 22_050.0).unwrap(), expected);
        let converted = resample(&strange.repeat(400), 48_000.0).unwrap();
        assert!(converted.iter().all(|x| x.is_finite() && x.abs() < 4.0 * SAMPLE_LIMIT));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_chunking_gives_the_same_samples_again_after_reset(
            chunks in prop::collection::vec(0_usize..3000, 1..8),
            rate_hz in prop::sample::select(RATES_HZ.to_vec()),
        ) {
            let signal = sine(333.0, rate_hz, chunks.iter().sum::<usize>() as f64 / rate_hz);
            let whole = resample(&signal, rate_hz).unwrap();
            let mut resampler = Resampler::new(rate_hz).unwrap();
            for _ in 0..2 {
                let mut out = Vec::new();
                let mut rest = signal.as_slice();
                for chunk in &chunks {
                    let (now, later) = rest.split_at((*chunk).min(rest.len()));
                    resampler.push(now, |samples| out.extend_from_slice(samples));
                    rest = later;
                }
                resampler.push(rest, |samples| out.extend_from_slice(samples));
                resampler.finish(|samples| out.extend_from_slice(samples));
                prop_assert_eq!(&out, &whole);
                resampler.reset();
            }
        }
    }
}
