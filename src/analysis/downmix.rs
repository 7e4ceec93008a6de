//! Channels to the one signal that is analysed: what of them a listener hears.
//!
//! A listener hears every loudspeaker, whatever the others do. The plain sum of the channels, which
//! is what can be analysed at the cost of one, does not: a channel with its polarity inverted takes
//! the rest away. So the sum is one of channels that agree:
//!
//! ```text
//! mono[n] = g · Σ_c s[c, n] · x[c, n]      g = 1 for one channel, ½ for more
//! ```
//!
//! * `x[c]` is cleaned first, so what is not a number in one channel is silence there and touches
//!   no other.
//! * Low-frequency effects, where the layout says which channel has them, are left out.
//! * `g` does not depend on the number of channels: empty ones beside a stereo pair do not make it
//!   quieter.
//! * `s[c]` = ±1 is the polarity in which channel `c` agrees with the channel before it that it
//!   resembles most. With ρ their correlation over the last two seconds, and N how many hops bear
//!   it (`(Σp)² / Σp²` of their powers), it is turned where `ρ < −max(0.1, 0.9/√N)`, turned back
//!   where ρ is above as much, and kept between. A turn takes one hop.
//!
//! Ordinary stereo never comes there: over two seconds ρ of four pieces, one of them wide (median
//! 0.4), was 0.1 at least once a dozen hops bore it, and −0.2 at least before. The same pieces with
//! one channel inverted were turned after 0.02 to 1.3 s, for good, and read as the pieces do to the
//! last digit. For all that is not turned the sum is the mean of left and right, to the bit.
//!
//! Where channels have nothing in common their sum has less power than they: [`Downmix::push`] says
//! how much less, so that the gate may judge the loudest channel.
//!
//! Rejected: adding up the channels' power spectra instead, which needs a resampler and a transform
//! for each channel, and reads a mix and its phase-inverted copy differently as soon as the sides
//! are not silent.

use crate::config::{ANALYSIS_RATE_HZ, HOP_SAMPLES, SAMPLE_LIMIT};
use crate::simd::{dot, sum};
use crate::units::count;

/// Most channels of a stream.
pub const MAX_CHANNELS: usize = 32;

/// What one of several channels counts.
const GAIN: f32 = 0.5;

/// Hops over which channels are compared: two seconds (1.8 to 2.8, by the rate), bars rather than
/// notes.
const COMPARED_HOPS: usize = 86;

/// Least correlation, either way, that says anything: between channels with nothing in common it
/// stays under this.
const LEAST_CORRELATION: f32 = 0.1;

/// The same where one hop bears all of it. Single notes of a wide piano have come out at −0.83.
const LEAST_CORRELATION_OF_ONE_HOP: f32 = 0.9;

/// Power under which a channel has nothing to compare: −120 dB re full scale, where rounding
/// begins.
const LEAST_POWER: f32 = 1e-12;

/// Hops under one analysis window.
const WINDOW_HOPS: usize = 4;

/// Most power that a sum is taken to have lost: 40 dB.
const MOST_LOST: f32 = 1e4;

/// Samples whose sums are taken at once. A hop is as many of these as come closest to one of the
/// analysis.
const BLOCK_SAMPLES: usize = 256;

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

    /// The channels that are heard: all but those with low-frequency effects, unless there are no
    /// others.
    fn heard(self) -> Vec<usize> {
        let heard: Vec<usize> = (0..self.n_channels).filter(|c| !self.is_lfe(*c)).collect();
        if heard.is_empty() { (0..self.n_channels).collect() } else { heard }
    }
}

/// Interleaved samples in, as many mono samples out, in any chunks.
///
/// What is not a number, or infinite, becomes 0; what is beyond [`SAMPLE_LIMIT`] is clamped;
/// denormals become 0.
///
/// Latency: none. What the polarity rests on ends a hop earlier.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
pub struct Downmix {
    layout: Layout,
    /// Which channels are heard.
    heard: Vec<usize>,
    hop: Hop,
    agreement: Agreement,
    mono: Vec<f32>,
}

impl Downmix {
    /// A down-mix of `layout` at `host_rate_hz`, any value of which is survived.
    #[must_use]
    pub fn new(host_rate_hz: f64, layout: Layout) -> Self {
        let heard = layout.heard();
        let hop = Hop::new(hop_blocks(host_rate_hz), heard.len());
        let agreement = Agreement::new(heard.len());
        Self { layout, heard, mono: vec![0.0; hop.samples], hop, agreement }
    }

    /// Takes interleaved samples and hands as many mono samples to `on_mono`, in parts none of
    /// which goes beyond a hop; an incomplete sample at the end is left out. With them goes the
    /// power that the sum has lost over the last four whole hops: by how much the loudest channel's
    /// is above it; 1 where it is not, and for silence, and 10 000 at most.
    pub fn push(&mut self, interleaved: &[f32], mut on_mono: impl FnMut(&[f32], f32)) {
        let n_channels = self.layout.n_channels;
        let n_samples = interleaved.len() / n_channels;
        if let [channel] = self.heard[..] {
            for part in interleaved[..n_samples * n_channels].chunks(self.mono.len() * n_channels) {
                let mono = &mut self.mono[..part.len() / n_channels];
                let samples = part[channel..].iter().step_by(n_channels);
                mono.iter_mut().zip(samples).for_each(|(mono, x)| *mono = cleaned(*x));
                on_mono(mono, 1.0);
            }
            return;
        }
        let mut rest = &interleaved[..n_samples * n_channels];
        while !rest.is_empty() {
            let (part, later) = rest.split_at(rest.len().min(self.hop.left() * n_channels));
            rest = later;
            let mono = &mut self.mono[..part.len() / n_channels];
            let mut mixed = 0;
            while mixed < mono.len() {
                let from = &part[mixed * n_channels..];
                let taken = self.hop.take(from, n_channels, &self.heard);
                let mono = &mut mono[mixed..mixed + taken];
                self.agreement.mix(&self.hop, taken, mono);
                mixed += taken;
                self.hop.advance(taken);
            }
            on_mono(mono, self.agreement.lost);
            if self.hop.left() == 0 {
                self.agreement.compare(&self.hop);
                self.hop.clear();
            }
        }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.hop.clear();
        self.agreement.reset();
    }
}

/// Blocks of [`BLOCK_SAMPLES`] in a hop at `host_rate_hz`.
fn hop_blocks(host_rate_hz: f64) -> usize {
    let samples = HOP_SAMPLES as f64 * host_rate_hz / f64::from(ANALYSIS_RATE_HZ);
    ((samples / BLOCK_SAMPLES as f64).round() as usize).clamp(1, 1024)
}

/// Where the product of channels `d ≤ c` stands among those of all pairs.
fn pair(d: usize, c: usize) -> usize {
    c * (c + 1) / 2 + d
}

/// The hop that is coming in.
struct Hop {
    samples: usize,
    /// Samples of it that came.
    filled: usize,
    /// The block of [`BLOCK_SAMPLES`] that is coming in, channel by channel.
    block: Vec<f32>,
    /// Sums of each channel, and of the products of each pair, over the blocks that are whole.
    sums: Vec<f64>,
    products: Vec<f64>,
}

impl Hop {
    fn new(n_blocks: usize, n_heard: usize) -> Self {
        Self {
            samples: n_blocks * BLOCK_SAMPLES,
            filled: 0,
            block: vec![0.0; n_heard * BLOCK_SAMPLES],
            sums: vec![0.0; n_heard],
            products: vec![0.0; pair(0, n_heard)],
        }
    }

    /// Samples that are still to come.
    fn left(&self) -> usize {
        self.samples - self.filled
    }

    /// Cleans and takes samples to the end of the block; how many.
    fn take(&mut self, interleaved: &[f32], n_channels: usize, heard: &[usize]) -> usize {
        let begin = self.filled % BLOCK_SAMPLES;
        let n_samples = (interleaved.len() / n_channels).min(BLOCK_SAMPLES - begin);
        // Side by side, which the compiler does four at a time.
        if n_channels == 2 && heard.len() == 2 {
            let (left, right) = self.block.split_at_mut(BLOCK_SAMPLES);
            let blocks = left[begin..].iter_mut().zip(&mut right[begin..]);
            let (samples, _) = interleaved.as_chunks::<2>();
            for ((left, right), [l, r]) in blocks.zip(&samples[..n_samples]) {
                (*left, *right) = (cleaned(*l), cleaned(*r));
            }
            return n_samples;
        }
        for (block, channel) in self.block.chunks_exact_mut(BLOCK_SAMPLES).zip(heard) {
            let block = &mut block[begin..begin + n_samples];
            let samples = interleaved[*channel..].iter().step_by(n_channels);
            block.iter_mut().zip(samples).for_each(|(out, x)| *out = cleaned(*x));
        }
        n_samples
    }

    /// The newest `n_samples` of channel `c`, before they are advanced over.
    fn taken(&self, c: usize, n_samples: usize) -> &[f32] {
        &self.block[c * BLOCK_SAMPLES + self.filled % BLOCK_SAMPLES..][..n_samples]
    }

    /// Goes on by `n_samples`, and adds up a block that they complete.
    fn advance(&mut self, n_samples: usize) {
        self.filled += n_samples;
        if !self.filled.is_multiple_of(BLOCK_SAMPLES) {
            return;
        }
        let channel = |c: usize| &self.block[c * BLOCK_SAMPLES..(c + 1) * BLOCK_SAMPLES];
        for c in 0..self.sums.len() {
            self.sums[c] += f64::from(sum(channel(c)));
            for d in 0..=c {
                self.products[pair(d, c)] += f64::from(dot(channel(d), channel(c)));
            }
        }
    }

    /// Covariance of channels `d ≤ c` over the whole hop. About their means, for a constant says
    /// nothing of how they agree.
    fn covariance(&self, d: usize, c: usize) -> f32 {
        let n = self.samples as f64;
        let covariance = (self.products[pair(d, c)] - self.sums[d] * self.sums[c] / n) / n;
        // A variance is none below 0, whatever rounding says.
        if d == c { covariance.max(0.0) as f32 } else { covariance as f32 }
    }

    fn clear(&mut self) {
        self.filled = 0;
        self.sums.fill(0.0);
        self.products.fill(0.0);
    }
}

/// Which channels agree, and what each counts in the mix.
struct Agreement {
    n_heard: usize,
    /// Covariances of each pair over the last hops, `[pairs][COMPARED_HOPS]`; hop `t` at `t %
    /// COMPARED_HOPS`.
    covariances: Vec<f32>,
    /// Whole hops so far.
    hops: u64,
    /// What each channel counts at the beginning and at the end of the hop that is coming in.
    from: Vec<f32>,
    to: Vec<f32>,
    /// Powers of the loudest channel and of the sum over the last hops.
    powers: [[f32; 2]; WINDOW_HOPS],
    lost: f32,
}

impl Agreement {
    fn new(n_heard: usize) -> Self {
        Self {
            n_heard,
            covariances: vec![0.0; pair(0, n_heard) * COMPARED_HOPS],
            hops: 0,
            from: vec![GAIN; n_heard],
            to: vec![GAIN; n_heard],
            powers: [[0.0; 2]; WINDOW_HOPS],
            lost: 1.0,
        }
    }

    fn reset(&mut self) {
        self.covariances.fill(0.0);
        self.hops = 0;
        self.from.fill(GAIN);
        self.to.fill(GAIN);
        self.powers = [[0.0; 2]; WINDOW_HOPS];
        self.lost = 1.0;
    }

    /// Mixes the newest samples of a hop, before they are advanced over.
    fn mix(&self, hop: &Hop, n_samples: usize, mono: &mut [f32]) {
        let (begin, length) = (count(hop.filled), count(hop.samples));
        mono.fill(0.0);
        for (c, (from, to)) in self.from.iter().zip(&self.to).enumerate() {
            let samples = mono.iter_mut().zip(hop.taken(c, n_samples));
            if from == to {
                samples.for_each(|(mono, x)| *mono += to * x);
            } else {
                for (n, (mono, x)) in samples.enumerate() {
                    let way = (begin + count(n)) / length;
                    *mono += (from + way * (to - from)) * x;
                }
            }
        }
        mono.iter_mut().for_each(|mono| *mono = mono.clamp(-SAMPLE_LIMIT, SAMPLE_LIMIT));
    }

    /// Takes a whole hop, and decides what each channel counts from here on.
    fn compare(&mut self, hop: &Hop) {
        let at = (self.hops % COMPARED_HOPS as u64) as usize;
        self.powers[(self.hops % WINDOW_HOPS as u64) as usize] = self.powers_of(hop);
        self.hops += 1;
        let [loudest, sum] = self
            .powers
            .iter()
            .fold([0.0; 2], |[loudest, sum], hop| [loudest + hop[0], sum + hop[1]]);
        let lost = || (loudest / sum.max(f32::MIN_POSITIVE)).min(MOST_LOST);
        self.lost = if loudest > sum { lost() } else { 1.0 };
        for c in 0..self.n_heard {
            for d in 0..=c {
                self.covariances[pair(d, c) * COMPARED_HOPS + at] = hop.covariance(d, c);
            }
        }
        self.from.copy_from_slice(&self.to);
        for c in 1..self.n_heard {
            let Some((likest, correlation)) = self.likest(c) else { continue };
            let least = self.least_correlation(likest, c);
            if correlation.abs() > least {
                self.to[c] = self.to[likest] * correlation.signum();
            }
        }
    }

    /// Power of the loudest channel and of the sum over a hop, as it was mixed at its end.
    fn powers_of(&self, hop: &Hop) -> [f32; 2] {
        let (mut loudest, mut sum) = (0.0_f32, 0.0);
        for c in 0..self.n_heard {
            loudest = loudest.max(hop.covariance(c, c));
            for d in 0..=c {
                let twice = if d == c { 1.0 } else { 2.0 };
                sum += twice * self.to[d] * self.to[c] * hop.covariance(d, c);
            }
        }
        [loudest, sum]
    }

    /// The channel before `c` that it resembles most, and their correlation; `None` where one of
    /// the two is silent.
    fn likest(&self, c: usize) -> Option<(usize, f32)> {
        let total = |d: usize, c: usize| sum(self.hops_of(d, c));
        let own = total(c, c);
        let floor = LEAST_POWER * count(COMPARED_HOPS);
        let correlations = (0..c).filter_map(|d| {
            let power = total(d, d);
            (power > floor && own > floor).then(|| (d, total(d, c) / (power * own).sqrt()))
        });
        correlations.max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))
    }

    /// The correlation, either way, that says something of `d` and `c`: the more, the fewer hops
    /// bear it.
    fn least_correlation(&self, d: usize, c: usize) -> f32 {
        let hops = self.hops_of(d, d).iter().zip(self.hops_of(c, c));
        let (mut powers, mut squares) = (0.0, 0.0);
        for (a, b) in hops {
            powers += (a * b).sqrt();
            squares += a * b;
        }
        let bearing = powers * powers / squares.max(f32::MIN_POSITIVE);
        (LEAST_CORRELATION_OF_ONE_HOP / bearing.max(1.0).sqrt()).max(LEAST_CORRELATION)
    }

    fn hops_of(&self, d: usize, c: usize) -> &[f32] {
        &self.covariances[pair(d, c) * COMPARED_HOPS..][..COMPARED_HOPS]
    }
}

/// The gate: a finite sample of sane size and precision, whatever comes.
#[inline]
fn cleaned(sample: f32) -> f32 {
    if sample.is_finite() && sample.abs() >= f32::MIN_POSITIVE {
        sample.clamp(-SAMPLE_LIMIT, SAMPLE_LIMIT)
    } else {
        0.0
    }
}

/// The down-mix of whole channels, `[channel][sample]` of equal length: the definition, hop by hop
/// in double precision.
///
/// As [`Downmix`], of which it is the batch form.
///
/// # Panics
/// Where `channels` has fewer channels than `layout`, or one of them ends before the first.
#[must_use]
pub fn downmix(channels: &[Vec<f32>], host_rate_hz: f64, layout: Layout) -> Vec<f32> {
    let channels: Vec<Vec<f64>> = layout
        .heard()
        .into_iter()
        .map(|c| channels[c].iter().map(|x| f64::from(cleaned(*x))).collect())
        .collect();
    let n_samples = channels.first().map_or(0, Vec::len);
    let gain = if channels.len() == 1 { 1.0 } else { f64::from(GAIN) };
    let hop_samples = hop_blocks(host_rate_hz) * BLOCK_SAMPLES;
    let (mut before, mut now) = (vec![1.0; channels.len()], vec![1.0; channels.len()]);
    let mut mono = vec![0.0; n_samples];
    for begin in (0..n_samples).step_by(hop_samples) {
        let end = (begin + hop_samples).min(n_samples);
        for n in begin..end {
            let way = (n - begin) as f64 / hop_samples as f64;
            let polarity = |c: usize| before[c] + way * (now[c] - before[c]);
            let sum: f64 = channels.iter().enumerate().map(|(c, x)| polarity(c) * x[n]).sum();
            mono[n] = (gain * sum) as f32;
        }
        before.clone_from(&now);
        let first = end.saturating_sub(COMPARED_HOPS * hop_samples);
        for c in 1..channels.len() {
            let hops = |c: usize| channels[c][first..end].chunks(hop_samples);
            let covariances = |d: usize, c: usize| -> Vec<f64> {
                hops(d).zip(hops(c)).map(|(x, y)| covariance(x, y)).collect()
            };
            let total = |d: usize, c: usize| covariances(d, c).iter().sum::<f64>();
            let floor = f64::from(LEAST_POWER) * COMPARED_HOPS as f64;
            let likest = (0..c)
                .filter(|d| total(*d, *d) > floor && total(c, c) > floor)
                .map(|d| (d, total(d, c) / (total(d, d) * total(c, c)).sqrt()))
                .max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
            let Some((d, correlation)) = likest else { continue };
            let powers = covariances(d, d).into_iter().zip(covariances(c, c));
            let powers: Vec<f64> = powers.map(|(a, b)| (a * b).sqrt()).collect();
            let bearing =
                powers.iter().sum::<f64>().powi(2) / powers.iter().map(|p| p * p).sum::<f64>();
            let least = (f64::from(LEAST_CORRELATION_OF_ONE_HOP) / bearing.sqrt())
                .max(f64::from(LEAST_CORRELATION));
            if correlation.abs() > least {
                now[c] = now[d] * correlation.signum();
            }
        }
    }
    mono
}

/// Covariance of two stretches about their means.
fn covariance(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (x_mean, y_mean) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE_HZ: f64 = 48_000.0;

    /// `n` values between −1 and 1, the same on every run.
    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    /// A wide mix: something in the middle, something of its own on either side.
    fn mix(n: usize) -> [Vec<f32>; 2] {
        let (middle, left, right) = (noise(n, 1), noise(n, 2), noise(n, 3));
        let side = |own: &[f32]| own.iter().zip(&middle).map(|(x, m)| 0.4 * x + 0.4 * m).collect();
        [side(&left), side(&right)]
    }

    fn inverted(x: &[f32]) -> Vec<f32> {
        x.iter().map(|x| -x).collect()
    }

    fn interleaved(channels: &[Vec<f32>]) -> Vec<f32> {
        let n_samples = channels[0].len();
        (0..n_samples).flat_map(|n| channels.iter().map(move |channel| channel[n])).collect()
    }

    /// The mix in chunks, and what was lost at its end.
    fn pushed(channels: &[Vec<f32>], layout: Layout, chunk: usize) -> (Vec<f32>, f32) {
        let (mut downmix, mut mono, mut last) = (Downmix::new(RATE_HZ, layout), Vec::new(), 0.0);
        for part in interleaved(channels).chunks(chunk * channels.len()) {
            downmix.push(part, |samples, lost| {
                mono.extend_from_slice(samples);
                last = lost;
            });
        }
        (mono, last)
    }

    fn mean(channels: &[Vec<f32>]) -> Vec<f32> {
        let scale = 1.0 / count(channels.len());
        let sum = |n: usize| channels.iter().map(|x| x[n]).sum::<f32>();
        (0..channels[0].len()).map(|n| sum(n) * scale).collect()
    }

    #[test]
    fn one_channel_passes_and_ordinary_stereo_is_its_mean_to_the_bit() {
        let stereo = mix(100_000);
        assert!(pushed(&stereo[..1], Layout::MONO, 999).0 == stereo[0]);
        assert!(pushed(&stereo, Layout::STEREO, 999).0 == mean(&stereo));
    }

    #[test]
    fn what_is_no_number_is_silence_in_its_own_channel_and_what_is_huge_is_clamped() {
        let strange = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 1e-40, 0.25];
        let clean = [0.0, 0.0, 0.0, SAMPLE_LIMIT, -SAMPLE_LIMIT, 0.0, 0.25];
        assert_eq!(pushed(std::slice::from_ref(&strange), Layout::MONO, 3).0, clean);
        let halves = clean.map(|x| 0.5 * x + 0.1);
        assert_eq!(pushed(&[strange, vec![0.2; 7]], Layout::STEREO, 3).0, halves);
        let all = vec![vec![f32::MAX; 9]; 8];
        assert_eq!(pushed(&all, Layout::of(8), 9).0, [SAMPLE_LIMIT; 9]);
    }

    #[test]
    fn an_inverted_channel_is_turned_round_within_a_second_and_a_half() {
        let [left, right] = mix(200_000);
        let expected = mean(&[left.clone(), right.clone()]);
        let turned = pushed(&[left.clone(), inverted(&right)], Layout::STEREO, 480).0;
        assert!(turned[72_000..] == expected[72_000..]);
        // With the left one inverted the whole is, which nobody hears.
        let turned = pushed(&[inverted(&left), right], Layout::STEREO, 480).0;
        assert!(turned[72_000..] == inverted(&expected)[72_000..]);
    }

    #[test]
    fn channels_that_cancel_each_other_are_heard_from_the_second_hop_on() {
        let left = noise(48_000, 5);
        let heard = pushed(&[left.clone(), inverted(&left)], Layout::STEREO, 64).0;
        assert!(heard[3000..] == left[3000..]);
    }

    #[test]
    fn an_inverted_pair_among_other_channels_is_turned_round_too() {
        let [left, right] = mix(200_000);
        let rear: Vec<f32> = noise(200_000, 7).iter().map(|x| 0.1 * x).collect();
        let channels = [left, right, rear.clone(), inverted(&rear)];
        let heard = pushed(&channels, Layout::of(4), 512).0;
        let sum = |n: usize| 0.5 * (channels[0][n] + channels[1][n]) + rear[n];
        for n in (150_000..200_000).step_by(97) {
            assert!((heard[n] - sum(n)).abs() < 1e-6, "{n}: {} not {}", heard[n], sum(n));
        }
    }

    #[test]
    fn empty_channels_change_nothing_and_low_frequency_effects_are_left_out() {
        let [left, right] = mix(50_000);
        let expected = mean(&[left.clone(), right.clone()]);
        let mut channels = vec![vec![0.0; 50_000]; 8];
        (channels[0], channels[1]) = (left, right);
        assert!(pushed(&channels, Layout::of(8), 100).0 == expected);
        channels[3] = noise(50_000, 9);
        assert!(pushed(&channels, Layout::of(8).with_lfe(3), 100).0 == expected);
        let only = pushed(&channels[3..4], Layout::MONO.with_lfe(0), 100).0;
        assert!(only == channels[3], "the only channel is heard whatever it is called");
    }

    #[test]
    fn what_the_sum_has_lost_of_the_channels_power_is_told() {
        let [left, right] = [noise(48_000, 1), noise(48_000, 2)];
        let lost = |channels: &[Vec<f32>]| pushed(channels, Layout::of(channels.len()), 512).1;
        assert_eq!(lost(std::slice::from_ref(&left)), 1.0);
        assert!((lost(&[left.clone(), left.clone()]) - 1.0).abs() < 1e-3);
        assert!((lost(&[left.clone(), right]) - 2.0).abs() < 0.1);
        assert!((lost(&[left.clone(), vec![f32::NAN; 48_000]]) - 4.0).abs() < 1e-3);
        assert!((lost(&[left.clone(), inverted(&left)]) - 1.0).abs() < 1e-3);
        assert_eq!(lost(&[vec![0.0; 48_000], vec![0.0; 48_000]]), 1.0);
    }

    #[test]
    fn a_constant_says_nothing_of_how_channels_agree() {
        let [left, right] = mix(200_000);
        let with = |x: &[f32]| x.iter().map(|x| x + 5.0).collect::<Vec<f32>>();
        let heard = pushed(&[with(&left), with(&inverted(&right))], Layout::STEREO, 512).0;
        let expected = mean(&[left, right]);
        let worst = heard.iter().zip(&expected).skip(72_000).map(|(a, b)| (a - b).abs());
        assert!(worst.fold(0.0, f32::max) < 1e-5);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_chunking_is_the_definition_and_again_after_reset(
            chunks in prop::collection::vec(0_usize..3000, 1..8),
            n_channels in 1_usize..5,
            turned in prop::collection::vec(any::<bool>(), 5),
        ) {
            let n: usize = chunks.iter().sum::<usize>() + 5000;
            let [middle, ..] = mix(n);
            let channels: Vec<Vec<f32>> = (0..n_channels)
                .map(|c| {
                    let own = noise(n, 20 + c as u32);
                    let channel = own.iter().zip(&middle).map(|(x, m)| 0.2 * x + m);
                    channel.map(|x| if turned[c] { -x } else { x }).collect()
                })
                .collect();
            let layout = Layout::of(n_channels);
            let definition = downmix(&channels, RATE_HZ, layout);
            let mut stage = Downmix::new(RATE_HZ, layout);
            let samples = interleaved(&channels);
            let mut whole = None;
            for _ in 0..2 {
                let (mut out, mut rest) = (Vec::new(), samples.as_slice());
                for chunk in chunks.iter().copied().chain([n]) {
                    let (now, later) = rest.split_at((chunk * n_channels).min(rest.len()));
                    stage.push(now, |mono, _| out.extend_from_slice(mono));
                    rest = later;
                }
                for (a, b) in out.iter().zip(&definition) {
                    prop_assert!((a - b).abs() < 1e-5, "{a} not {b}");
                }
                prop_assert_eq!(out.len(), definition.len());
                prop_assert!(whole.replace(out.clone()).is_none_or(|before| before == out));
                stage.reset();
            }
        }
    }
}
