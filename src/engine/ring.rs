//! The audio thread's end of the engine: copies what it hears into the ring, counts what did not fit.
//!
//! ```text
//! AudioEnd (audio thread) → ring of mono samples → WorkerEnd (analysis thread)
//! ```
//!
//! **Architecture Invariant**: nothing that the audio thread calls here allocates, locks, logs or, outside
//! [`AudioEnd::process_waiting`] and [`AudioEnd::settle`], waits.

use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::handover::Handover;
use crate::units;

/// Audio that the ring holds, seconds: as long as loading the model, or a stalled machine, may keep the worker busy.
const RING_SECS: f64 = 4.0;

/// Smallest ring, samples: whatever a host calls its rate, a few large blocks must fit.
const MIN_RING_SAMPLES: usize = 16_384;

/// Largest ring, samples: [`RING_SECS`] at 768 kHz. Beyond, the worker refuses the rate anyway.
const MAX_RING_SAMPLES: usize = 4 * 768_000;

/// Samples mixed down at a time, on the audio thread's stack.
const MIX_SAMPLES: usize = 256;

/// Backlog that an offline render tolerates after a block, samples. Waiting for every last one would put a round trip to the
/// analysis thread behind every sample of a host that renders in blocks of one.
const MAX_BACKLOG_SAMPLES: u64 = 512;

/// How often an offline render looks whether the worker has caught up.
const WAIT_STEP: Duration = Duration::from_micros(200);

/// How long the worker may make no progress before an offline render goes on without it.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Both ends of a ring for `host_rate_hz`, any value of which is survived. Allocates.
pub(super) fn ring(host_rate_hz: f64) -> (AudioEnd, WorkerEnd, Arc<Handover>) {
    let wanted = usize::try_from(units::secs_to_samples(RING_SECS, host_rate_hz));
    let capacity = wanted.unwrap_or(MAX_RING_SAMPLES).clamp(MIN_RING_SAMPLES, MAX_RING_SAMPLES);
    let (producer, consumer) = HeapRb::new(capacity).split();
    let shared = Arc::new(Handover::default());
    let audio =
        AudioEnd { producer, shared: Arc::clone(&shared), written: 0, worker: None, waits: true };
    let worker = WorkerEnd { consumer, shared: Arc::clone(&shared), position: 0, last_reset: 0 };
    (audio, worker, shared)
}

/// The audio thread's end.
pub struct AudioEnd {
    producer: HeapProd<f32>,
    shared: Arc<Handover>,
    /// Samples pushed since the start: the position of the next one.
    written: u64,
    /// Whom an offline render wakes instead of waiting for its next poll.
    worker: Option<Thread>,
    /// Whether waiting is still worth a try: off for good once the worker stalled.
    waits: bool,
}

impl AudioEnd {
    /// Names the thread that an offline render wakes.
    pub(super) fn set_worker(&mut self, worker: Thread) {
        self.worker = Some(worker);
    }

    /// Copies one block into the ring as the mean of its channels. What does not fit is dropped and counted.
    ///
    /// Any number of channels and samples will do, none included; channels of unequal length count up to the shortest.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates, locks nor calls the system.
    pub fn process<C: AsRef<[f32]>>(&mut self, channels: &[C]) {
        if !self.is_heard() {
            return;
        }
        self.shared.set_waited_for(false);
        let n_samples = block_samples(channels);
        let pushed = self.push(channels, 0..n_samples);
        self.count_lost(n_samples - pushed);
    }

    /// Like [`process`](Self::process) for a host that renders offline: waits for room where there is none, and until the
    /// worker has all but caught up, so that a bounce at full speed gives the readings of live playback.
    ///
    /// Gives up when the worker is dead or makes no progress for `STALL_LIMIT`; from then on it is `process`.
    ///
    /// # Real-time safety
    /// None: it waits and calls the system. Never to be called from live playback.
    pub fn process_waiting<C: AsRef<[f32]>>(&mut self, channels: &[C]) {
        if !self.is_heard() {
            return;
        }
        self.shared.set_waited_for(true);
        let n_samples = block_samples(channels);
        let mut done = self.push(channels, 0..n_samples);
        while done < n_samples && self.wait_until(|audio| !audio.producer.is_full()) {
            done += self.push(channels, done..n_samples);
        }
        self.count_lost(n_samples - done);
        if self.backlog_samples() >= MAX_BACKLOG_SAMPLES {
            self.settle();
        }
    }

    /// Waits until the worker has analysed all that was pushed. Same limits as [`process_waiting`](Self::process_waiting).
    pub fn settle(&mut self) {
        self.wait_until(|audio| audio.backlog_samples() == 0);
    }

    /// Marks this moment as a new start: the analysis forgets what it heard, and readings from here on equal those of a fresh
    /// engine. Audio that the worker has not reached yet is forgotten with the rest.
    ///
    /// # Real-time safety
    /// As [`process`](Self::process).
    pub fn reset(&mut self) {
        self.shared.mark_reset(self.written);
    }

    /// Whether there still is a worker: false once it failed.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.shared.is_heard()
    }

    /// Samples dropped since the start or the last reset.
    #[must_use]
    pub fn overrun_samples(&self) -> u64 {
        self.shared.overrun_samples()
    }

    /// Mixes down and pushes the samples of `range`; returns how many fit.
    fn push<C: AsRef<[f32]>>(&mut self, channels: &[C], range: std::ops::Range<usize>) -> usize {
        let mut mono = [0.0; MIX_SAMPLES];
        let mut at = range.start;
        while at < range.end {
            let mono = &mut mono[..MIX_SAMPLES.min(range.end - at)];
            mix_down(channels, at, mono);
            let pushed = self.producer.push_slice(mono);
            at += pushed;
            if pushed < mono.len() {
                break;
            }
        }
        let pushed = at - range.start;
        self.written += pushed as u64;
        pushed
    }

    fn count_lost(&self, n_samples: usize) {
        if n_samples > 0 {
            self.shared.count_lost(n_samples as u64);
        }
    }

    /// Samples pushed but not yet analysed.
    fn backlog_samples(&self) -> u64 {
        self.written.saturating_sub(self.shared.analysed())
    }

    /// Waits for `ready`; false where it gave up.
    fn wait_until(&mut self, ready: impl Fn(&Self) -> bool) -> bool {
        let mut progress = (self.shared.analysed(), Instant::now());
        while self.waits && !ready(self) {
            if !self.is_heard() {
                return false;
            }
            let analysed = self.shared.analysed();
            if analysed != progress.0 {
                progress = (analysed, Instant::now());
            }
            self.waits = progress.1.elapsed() < STALL_LIMIT;
            self.worker.iter().for_each(Thread::unpark);
            std::thread::sleep(WAIT_STEP);
        }
        self.waits
    }
}

/// The analysis thread's end.
pub(super) struct WorkerEnd {
    consumer: HeapCons<f32>,
    shared: Arc<Handover>,
    /// Position of the next sample to be popped.
    position: u64,
    /// The reset that was last obeyed.
    last_reset: u64,
}

/// What the ring has for the worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Popped {
    /// So many samples, now at the start of the buffer.
    Samples(usize),
    /// A reset: the samples before it are gone, those after it belong to a new start.
    Reset,
    /// Nothing yet.
    Nothing,
}

impl WorkerEnd {
    /// Takes what fits into `buffer`, never samples from both sides of a reset.
    pub(super) fn pop(&mut self, buffer: &mut [f32]) -> Popped {
        // The order of these two loads matters: of samples seen here, any reset before them is seen below.
        let available = self.consumer.occupied_len();
        let reset_at = self.shared.reset_at();
        if reset_at != self.last_reset {
            self.last_reset = reset_at;
            let stale =
                usize::try_from(reset_at.saturating_sub(self.position)).unwrap_or(usize::MAX);
            self.position += self.consumer.skip(stale) as u64;
            return Popped::Reset;
        }
        let n_samples = available.min(buffer.len());
        match self.consumer.pop_slice(&mut buffer[..n_samples]) {
            0 => Popped::Nothing,
            popped => {
                self.position += popped as u64;
                Popped::Samples(popped)
            }
        }
    }

    /// Samples that wait in the ring.
    pub(super) fn backlog_samples(&self) -> usize {
        self.consumer.occupied_len()
    }

    /// Tells a waiting render that everything popped so far is done with.
    pub(super) fn mark_analysed(&self) {
        self.shared.mark_analysed(self.position);
    }
}

fn block_samples<C: AsRef<[f32]>>(channels: &[C]) -> usize {
    channels.iter().map(|channel| channel.as_ref().len()).min().unwrap_or(0)
}

/// `mono[n] = mean over c of channels[c][start + n]`.
fn mix_down<C: AsRef<[f32]>>(channels: &[C], start: usize, mono: &mut [f32]) {
    let scale = 1.0 / units::count(channels.len().max(1));
    mono.fill(0.0);
    for channel in channels {
        let samples = &channel.as_ref()[start..start + mono.len()];
        mono.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += sample);
    }
    mono.iter_mut().for_each(|sum| *sum *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(worker: &mut WorkerEnd, n_samples: usize) -> Vec<f32> {
        let mut buffer = vec![0.0; n_samples];
        match worker.pop(&mut buffer) {
            Popped::Samples(n) => buffer[..n].to_vec(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn channels_are_mixed_to_their_mean() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        audio.process(&[[1.0, 2.0], [3.0, -2.0]]);
        audio.process(&[[5.0, 6.0]]);
        audio.process(&[[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]);
        assert_eq!(popped(&mut worker, 16), [2.0, 0.0, 5.0, 6.0, 3.5]);
    }

    #[test]
    fn long_blocks_arrive_whole_and_in_order() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        let ramp: Vec<f32> = (0..3000_u16).map(f32::from).collect();
        audio.process(&[&ramp[..], &ramp[..]]);
        assert_eq!(popped(&mut worker, 4000), ramp);
    }

    #[test]
    fn empty_blocks_and_no_channels_are_fine() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        audio.process::<&[f32]>(&[]);
        audio.process::<&[f32]>(&[&[], &[]]);
        assert_eq!(worker.pop(&mut [0.0; 4]), Popped::Nothing);
    }

    #[test]
    fn samples_that_do_not_fit_are_counted_and_the_rest_kept() {
        let (mut audio, mut worker, shared) = ring(f64::NAN);
        let block = vec![1.0; MIN_RING_SAMPLES + 100];
        audio.process(&[&block]);
        audio.process(&[&block[..50]]);
        assert_eq!(shared.overrun_samples(), 150);
        assert_eq!(popped(&mut worker, 2 * MIN_RING_SAMPLES).len(), MIN_RING_SAMPLES);
    }

    #[test]
    fn the_ring_holds_four_seconds_of_any_rate() {
        let capacity = |rate_hz| ring(rate_hz).0.producer.capacity().get();
        assert_eq!(capacity(48_000.0), 192_000);
        assert_eq!(capacity(8_000.0), 32_000);
        assert_eq!(capacity(100.0), MIN_RING_SAMPLES);
        assert_eq!(capacity(f64::INFINITY), MAX_RING_SAMPLES);
    }

    #[test]
    fn a_reset_splits_the_stream_exactly_there() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        audio.process(&[[1.0, 2.0]]);
        audio.reset();
        audio.process(&[[3.0]]);
        assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
        assert_eq!(popped(&mut worker, 8), [3.0]);
    }

    #[test]
    fn of_several_resets_the_last_counts_and_one_at_the_start_is_none() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        audio.reset();
        assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Nothing);
        audio.process(&[[1.0]]);
        audio.reset();
        audio.process(&[[2.0, 3.0]]);
        audio.reset();
        audio.reset();
        audio.process(&[[4.0]]);
        assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
        assert_eq!(popped(&mut worker, 8), [4.0]);
    }

    #[test]
    fn a_reset_forgets_the_overruns() {
        let (mut audio, _worker, shared) = ring(48_000.0);
        audio.process(&[vec![0.0; 200_000]]);
        assert_eq!(shared.overrun_samples(), 8_000);
        audio.reset();
        assert_eq!(audio.overrun_samples(), 0);
    }

    #[test]
    fn an_offline_render_loses_nothing_however_slow_the_worker() {
        let (mut audio, mut worker, shared) = ring(100.0);
        let block: Vec<f32> = vec![1.0; 3 * MIN_RING_SAMPLES];
        let reader = std::thread::spawn(move || {
            let (mut heard, mut buffer) = (0, [0.0; 1000]);
            while heard < 3 * MIN_RING_SAMPLES {
                match worker.pop(&mut buffer) {
                    Popped::Samples(n) => heard += n,
                    _ => std::thread::sleep(Duration::from_micros(50)),
                }
                worker.mark_analysed();
            }
        });
        audio.process_waiting(&[&block]);
        assert_eq!(audio.backlog_samples(), 0);
        assert_eq!(shared.overrun_samples(), 0);
        reader.join().unwrap();
    }

    #[test]
    fn an_offline_render_does_not_wait_for_a_dead_worker() {
        let (mut audio, _worker, shared) = ring(100.0);
        shared.worker_has_ended();
        let began = Instant::now();
        audio.process_waiting(&[vec![0.0; 2 * MIN_RING_SAMPLES]]);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
