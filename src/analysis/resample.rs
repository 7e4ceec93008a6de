//! Host rate to analysis rate.

use std::f64::consts::PI;

use crate::config::ANALYSIS_RATE_HZ;
use crate::simd::{LANES, Simd, WithSimd, dot, dots, vectorised};

/// Slowest and fastest host rates taken, Hz: what hosts and validators offer.
pub const MIN_HOST_RATE_HZ: f64 = 8_000.0;
/// See [`MIN_HOST_RATE_HZ`].
pub const MAX_HOST_RATE_HZ: f64 = 768_000.0;

/// Zero crossings of the filter, at the lower of the two rates.
const ZERO_CROSSINGS: usize = 128;

/// Where the filter is at −6 dB, as a share of the lower Nyquist frequency: as high as
/// [`ZERO_CROSSINGS`] under a squared Hann window fall steeply enough.
const CUTOFF: f64 = 0.957_86;

/// Most polyphase branches: with more phases than these, filters are interpolated between.
const MAX_PHASES: u64 = 512;

/// Filters from one input sample to the next where output samples fall on too many phases: between
/// two of them it is interpolated linearly, at −94 dB of error.
const OVERSAMPLING: u64 = 256;

/// Phases that an input sample is parted into, where they are many: in ten hours that is off by a
/// tenth of a sample.
const FINE_PHASES: u64 = 1 << 32;

/// Input samples that are filtered at a time: from 48 kHz as many as six periods of 147 output
/// samples.
const BLOCK_SAMPLES: usize = 2048;

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
/// Output sample `n` is the band-limited signal at `n / ANALYSIS_RATE_HZ` seconds: the filter's
/// delay is taken out, so that positions mean the same at every host rate. At the analysis rate
/// itself samples pass as they are.
///
/// Latency: 2.9 ms, half the filter, or 8 ms below the analysis rate; none at it.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
///
/// # Source
/// Smith and Gossett, "A flexible sampling-rate conversion method", ICASSP 1984, with a filter for
/// each phase wherever an output sample falls on one of few; golden: the exact tones and
/// `librosa.resample`, `tests/data/resample_*.npy`.
pub struct Resampler {
    converter: Option<Converter>,
}

impl Resampler {
    /// A resampler from `host_rate_hz`, which need not be whole.
    ///
    /// # Errors
    /// [`RateError`] where the rate is not between [`MIN_HOST_RATE_HZ`] and [`MAX_HOST_RATE_HZ`].
    pub fn new(host_rate_hz: f64) -> Result<Self, RateError> {
        if !(MIN_HOST_RATE_HZ..=MAX_HOST_RATE_HZ).contains(&host_rate_hz) {
            return Err(RateError { rate_hz: host_rate_hz });
        }
        let step = host_rate_hz / f64::from(ANALYSIS_RATE_HZ);
        let converter = (step != 1.0).then(|| Converter::new(step));
        Ok(Self { converter })
    }

    /// Takes samples at the host's rate and hands those they complete, at the analysis rate, to
    /// `on_samples`.
    pub fn push(&mut self, samples: &[f32], mut on_samples: impl FnMut(&[f32])) {
        for part in samples.chunks(BLOCK_SAMPLES) {
            match &mut self.converter {
                Some(converter) => on_samples(converter.convert(part)),
                None => on_samples(part),
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

struct Converter {
    filters: Filters,
    /// From one output sample to the next: input samples, and phases beyond them.
    step: (usize, u64),
    /// The newest input samples, those at [`next`](Self::next) and later.
    line: Vec<f32>,
    filled: usize,
    /// Where in the line the taps of the next output sample begin, and its phase beyond the input
    /// sample.
    next: usize,
    phase: u64,
    out: Vec<f32>,
    /// Samples taken in and handed out since the start.
    taken: u64,
    given: u64,
}

impl Converter {
    /// A converter whose input rate is `ratio` times its output rate.
    fn new(ratio: f64) -> Self {
        let phases = phases(ratio);
        let length = (ratio * phases as f64).round() as u64;
        let filters = Filters::new(ratio, phases);
        let line = vec![0.0; filters.taps + BLOCK_SAMPLES + ratio.ceil() as usize];
        let out = vec![0.0; (BLOCK_SAMPLES as f64 / ratio).ceil() as usize + 1];
        let step = ((length / phases) as usize, length % phases);
        let mut converter =
            Self { filters, step, line, filled: 0, next: 0, phase: 0, out, taken: 0, given: 0 };
        converter.reset();
        converter
    }

    /// The output samples that a block of input samples completes.
    fn convert(&mut self, block: &[f32]) -> &[f32] {
        self.line[self.filled..self.filled + block.len()].copy_from_slice(block);
        self.filled += block.len();
        self.taken += block.len() as u64;
        let written = vectorised(Filtering(self));
        self.given += written as u64;
        (self.next, self.phase) = self.taps_of(written);
        // What no tap will see again makes room for the next block.
        let seen = self.next.min(self.filled);
        self.line.copy_within(seen..self.filled, 0);
        self.filled -= seen;
        self.next -= seen;
        &self.out[..written]
    }

    fn finish(&mut self, mut on_samples: impl FnMut(&[f32])) {
        let (step, phases) = self.step;
        let step = step as f64 + phases as f64 / self.filters.phases as f64;
        let total = (self.taken as f64 / step).round() as u64;
        while self.given < total {
            let due = (total - self.given) as usize;
            let samples = self.convert(&[0.0; BLOCK_SAMPLES]);
            on_samples(&samples[..samples.len().min(due)]);
        }
    }

    fn reset(&mut self) {
        // The first output sample is at the first input sample: half the filter looks back on
        // silence.
        self.filled = self.filters.taps / 2 - 1;
        self.line[..self.filled].fill(0.0);
        (self.next, self.phase) = (0, 0);
        (self.taken, self.given) = (0, 0);
    }

    /// Input samples after which output samples fall on the same phases again.
    #[inline(always)]
    fn period(&self) -> u64 {
        self.step.0 as u64 * self.filters.phases + self.step.1
    }

    /// How many output samples have all their taps in the line.
    #[inline(always)]
    fn n_ready(&self) -> usize {
        let Some(beyond) = self.filled.checked_sub(self.next + self.filters.taps) else { return 0 };
        let phases = (beyond as u64 + 1) * self.filters.phases - self.phase;
        phases.div_ceil(self.period()) as usize
    }

    /// Where in the line the taps of the `k`-th output sample from here begin, and its phase beyond
    /// the input sample.
    #[inline(always)]
    fn taps_of(&self, k: usize) -> (usize, u64) {
        let phases = self.phase + k as u64 * self.period();
        (self.next + (phases / self.filters.phases) as usize, phases % self.filters.phases)
    }

    /// Writes the `k`-th output sample from here and those after it that fall on the same phase,
    /// `N` in all.
    #[inline(always)]
    fn filter_alike<S: Simd, const N: usize>(&mut self, simd: S, k: usize) -> usize {
        let (first, phase) = self.taps_of(k);
        let (phases, period) = (self.filters.phases as usize, self.period() as usize);
        let mut xs = [&self.line[first..]; N];
        for (i, x) in xs.iter_mut().enumerate() {
            *x = &self.line[first + i * period..];
        }
        let samples = dots(simd, xs, self.filters.row(phase));
        for (i, sample) in samples.into_iter().enumerate() {
            self.out[k + i * phases] = sample;
        }
        N
    }
}

/// Writes the output samples for which the line has all taps; their number.
struct Filtering<'a>(&'a mut Converter);

impl WithSimd for Filtering<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let n = self.0.n_ready();
        if self.0.filters.phases > MAX_PHASES {
            for k in 0..n {
                let (first, phase) = self.0.taps_of(k);
                self.0.out[k] = self.0.filters.between(phase, &self.0.line[first..]);
            }
            return n;
        }
        // Those that fall on the same phase share each reading of its row.
        let phases = self.0.filters.phases as usize;
        for begin in 0..phases.min(n) {
            let mut k = begin;
            while k < n {
                k += phases
                    * match (n - k).div_ceil(phases) {
                        1 => self.0.filter_alike::<S, 1>(simd, k),
                        2 => self.0.filter_alike::<S, 2>(simd, k),
                        3 => self.0.filter_alike::<S, 3>(simd, k),
                        _ => self.0.filter_alike::<S, 4>(simd, k),
                    };
            }
        }
        n
    }
}

/// The low-pass filter as seen from phases between two input samples.
struct Filters {
    taps: usize,
    /// Phases from one input sample to the next.
    phases: u64,
    /// By row, `[rows][taps]`: a row per phase; or, where phases are many, [`OVERSAMPLING`] rows
    /// and the first of the next input sample.
    rows: Vec<f32>,
}

impl Filters {
    /// Filters for output samples that are `step` input samples apart.
    fn new(step: f64, phases: u64) -> Self {
        let taps = (ZERO_CROSSINGS as f64 * step.max(1.0)).ceil() as usize;
        let taps = taps.next_multiple_of(LANES);
        let cutoff = CUTOFF / step.max(1.0);
        let offsets: Vec<f64> = if phases <= MAX_PHASES {
            (0..phases).map(|phase| phase as f64 / phases as f64).collect()
        } else {
            (0..=OVERSAMPLING).map(|row| row as f64 / OVERSAMPLING as f64).collect()
        };
        let rows = offsets.into_iter().flat_map(|offset| taps_at(offset, taps, cutoff)).collect();
        Self { taps, phases, rows }
    }

    #[inline(always)]
    fn row(&self, row: u64) -> &[f32] {
        &self.rows[row as usize * self.taps..][..self.taps]
    }

    /// The signal at `phase` beyond the middle of the taps at the beginning of `x`, where phases
    /// are many.
    #[inline(always)]
    fn between(&self, phase: u64, x: &[f32]) -> f32 {
        let (before, beyond) =
            (phase * OVERSAMPLING / self.phases, phase * OVERSAMPLING % self.phases);
        let (a, b) = (dot(self.row(before), x), dot(self.row(before + 1), x));
        a + (beyond as f64 / self.phases as f64) as f32 * (b - a)
    }
}

/// The taps of a windowed sinc, centred `offset` beyond the input sample at `taps / 2 - 1`, that
/// add up to 1.
fn taps_at(offset: f64, taps: usize, cutoff: f64) -> impl Iterator<Item = f32> {
    let half = taps as f64 / 2.0;
    let tap = move |n: usize| {
        let distance = n as f64 + 1.0 - half - offset;
        let phase = PI * cutoff * distance;
        let sinc = if phase == 0.0 { 1.0 } else { phase.sin() / phase };
        let hann = (PI / 2.0 * distance / half).cos().powi(2);
        sinc * hann * hann
    };
    let sum: f64 = (0..taps).map(tap).sum();
    (0..taps).map(move |n| (tap(n) / sum) as f32)
}

/// On how many phases between two input samples output samples fall that are `step` apart: 1 from
/// 44.1 kHz, 147 from 48 kHz; [`FINE_PHASES`] where they are many.
fn phases(step: f64) -> u64 {
    let is_whole = |phases: &u64| {
        let length = *phases as f64 * step;
        (length - length.round()).abs() < 1e-9 * length
    };
    (1..=MAX_PHASES).find(is_whole).unwrap_or(FINE_PHASES)
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
        /// −100 dB, what the window's ripple comes to.
        const TOLERANCE: f32 = 1e-5;
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
