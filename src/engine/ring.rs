//! The audio thread's end of the engine: copies what it hears into the ring, counts what did not fit.
//!
//! ```text
//! AudioEnd (audio thread) → ring of interleaved samples → WorkerEnd (analysis thread)
//! ```
//!
//! **Architecture Invariant**: nothing that the audio thread calls here allocates, locks or logs. Nothing waits but
//! [`AudioEnd::process_waiting`], [`AudioEnd::settle`], and [`AudioEnd::process`] where the audio runs away from the clock as only a
//! render's does ([`Lead`]).

use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::handover::Handover;
use super::lead::Lead;
use super::requests::Requests;
use super::timeline::{Anchor, Move, Places, Playhead, Transport};
use crate::analysis::downmix::Layout;
use crate::units;

/// Audio that the ring holds, seconds: as long as loading the model, or a stalled machine, may keep the worker busy.
const RING_SECS: f64 = 4.0;

/// Smallest ring, samples: whatever a host calls its rate, a few large blocks must fit.
const MIN_RING_SAMPLES: usize = 16_384;

/// Largest ring, samples: [`RING_SECS`] at 768 kHz. Beyond, the worker refuses the rate anyway.
const MAX_RING_SAMPLES: usize = 4 * 768_000;

/// Values interleaved at a time, on the audio thread's stack.
const INTERLEAVED: usize = 1024;

/// Backlog that [`AudioEnd::process_waiting`] tolerates after a block, samples. Waiting for every last one would put a round trip to the
/// analysis thread behind every sample of a host that renders in blocks of one.
const MAX_BACKLOG_SAMPLES: u64 = 512;

/// Backlog that a host's render is left with, seconds of audio: an eighth of the ring, so that host and analysis work side by side.
/// Live playback that begins at once has it behind it in a moment, and without a wait.
const RENDER_BACKLOG_SECS: f64 = 0.5;

/// How late the worker may be for what was played before a reset still to be read, seconds. Beyond, it is forgotten, so that a
/// machine that is short of time is not kept from a new start.
const READ_OUT_SECS: f64 = 0.5;

/// How often a render looks whether the worker has caught up.
const WAIT_STEP: Duration = Duration::from_micros(200);

/// How long the worker may make no progress before a render goes on without it.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Anchors to the host's timeline that may be on their way. One that finds no room is tried again with the next block; at half speed
/// a hundred are made a second, and the worker looks four times a second at least.
const MAX_ANCHORS: usize = 64;

/// Both ends of a ring for `layout` at `host_rate_hz`, any value of which is survived. Allocates.
pub(super) fn ring(
    host_rate_hz: f64,
    layout: Layout,
    requests: Arc<Requests>,
) -> (AudioEnd, WorkerEnd, Arc<Handover>) {
    let wanted = usize::try_from(units::secs_to_samples(RING_SECS, host_rate_hz));
    let capacity = wanted.unwrap_or(MAX_RING_SAMPLES).clamp(MIN_RING_SAMPLES, MAX_RING_SAMPLES);
    let n_channels = layout.n_channels();
    let (producer, consumer) = HeapRb::new(capacity * n_channels).split();
    let (anchors_in, anchors_out) = HeapRb::new(MAX_ANCHORS).split();
    let shared = Arc::new(Handover::default());
    let audio = AudioEnd {
        producer,
        n_channels,
        anchors: anchors_in,
        anchor: Anchor::default(),
        playhead: Playhead::new(host_rate_hz),
        host_rate_hz,
        resets_by_itself: false,
        resets_seen: requests.resets(),
        requests,
        shared: Arc::clone(&shared),
        lead: Lead::default(),
        clock: Instant::now(),
        written: 0,
        worker: None,
        waits: true,
    };
    let worker = WorkerEnd {
        consumer,
        n_channels,
        anchors: anchors_out,
        places: Places::default(),
        host_rate_hz,
        shared: Arc::clone(&shared),
        position: 0,
        origin: 0,
        last_reset: 0,
    };
    (audio, worker, shared)
}

/// The audio thread's end.
pub struct AudioEnd {
    producer: HeapProd<f32>,
    n_channels: usize,
    anchors: HeapProd<Anchor>,
    /// The anchor that was last handed over.
    anchor: Anchor,
    playhead: Playhead,
    host_rate_hz: f64,
    /// Whether the transport's starts and jumps are resets.
    resets_by_itself: bool,
    requests: Arc<Requests>,
    /// Resets asked for that have been obeyed.
    resets_seen: u64,
    shared: Arc<Handover>,
    /// How far the audio is ahead of `clock`.
    lead: Lead,
    clock: Instant,
    /// Samples pushed since the start: the position of the next one.
    written: u64,
    /// Whom a render wakes instead of waiting for its next poll.
    worker: Option<Thread>,
    /// Whether waiting is still worth a try: off for good once the worker stalled.
    waits: bool,
}

impl AudioEnd {
    /// Names the thread that a render wakes.
    pub(super) fn set_worker(&mut self, worker: Thread) {
        self.worker = Some(worker);
    }

    /// Lets a start or a jump of the host's transport be a [`reset`](Self::reset), or no longer. Going round a loop is none.
    ///
    /// # Real-time safety
    /// As [`process`](Self::process).
    pub fn set_auto_reset(&mut self, on: bool) {
        self.resets_by_itself = on;
    }

    /// Copies one block into the ring. What does not fit is dropped and counted. `transport` is that of
    /// the block's first sample.
    ///
    /// Any number of channels and samples will do, none included: channels beyond the layout's are left out, missing ones are silent,
    /// those of unequal length count up to the shortest.
    ///
    /// Whether the host plays or renders follows from the clock ([`Lead`]). A render is made to wait while the worker has more than half a
    /// second of it to do, so that it loses nothing and reads as live playback does.
    ///
    /// # Real-time safety
    /// At the clock's pace, and up to two seconds ahead of it, wait-free; neither allocates, locks nor calls the system: to read the clock
    /// is no call to it on any system that is served. Ahead of that it sleeps, for no longer than the worker makes progress.
    pub fn process<C: AsRef<[f32]>>(&mut self, channels: &[C], transport: &Transport) {
        if self.process_at(channels, transport, self.clock.elapsed().as_secs_f64()) {
            self.lead.let_go(self.clock.elapsed().as_secs_f64());
        }
    }

    /// As [`process`](Self::process) at `now_secs` of the caller's own clock. True where the block was a render's.
    ///
    /// # Real-time safety
    /// As [`process`](Self::process).
    pub fn process_at<C: AsRef<[f32]>>(
        &mut self,
        channels: &[C],
        transport: &Transport,
        now_secs: f64,
    ) -> bool {
        if !self.is_heard() {
            return false;
        }
        let block_secs = block_samples(channels) as f64 / self.host_rate_hz;
        let runs_away = self.lead.take(block_secs, now_secs) && self.waits;
        self.shared.set_waited_for(self.lead.is_render() && self.waits);
        self.shared.set_lead(units::secs_to_samples(self.lead.secs(), self.host_rate_hz));
        if runs_away {
            let backlog = units::secs_to_samples(RENDER_BACKLOG_SECS, self.host_rate_hz);
            self.render(channels, transport, backlog);
        } else {
            self.play(channels, transport);
        }
        runs_away
    }

    fn play<C: AsRef<[f32]>>(&mut self, channels: &[C], transport: &Transport) {
        let n_samples = block_samples(channels);
        if self.begins_anew(transport, n_samples) {
            self.reset();
        }
        self.hand_over_place(transport);
        let pushed = self.push(channels, 0..n_samples);
        self.count_lost(n_samples - pushed);
    }

    /// Like [`process`](Self::process) for who knows that this is a render, and wants it read with next to no delay: waits for room where
    /// there is none, and until the worker has all but caught up.
    ///
    /// Gives up when the worker is dead or makes no progress for `STALL_LIMIT`; from then on nothing waits.
    ///
    /// # Real-time safety
    /// None: it waits and calls the system. Never to be called from live playback.
    pub fn process_waiting<C: AsRef<[f32]>>(&mut self, channels: &[C], transport: &Transport) {
        if self.is_heard() {
            self.shared.set_waited_for(self.waits);
            self.render(channels, transport, MAX_BACKLOG_SAMPLES);
        }
    }

    /// Hands over a block and waits until less than `most_backlog` samples are left to analyse.
    fn render<C: AsRef<[f32]>>(
        &mut self,
        channels: &[C],
        transport: &Transport,
        most_backlog: u64,
    ) {
        let n_samples = block_samples(channels);
        if self.begins_anew(transport, n_samples) {
            self.settle();
            self.reset();
        }
        self.hand_over_place(transport);
        let mut done = self.push(channels, 0..n_samples);
        while done < n_samples
            && self.wait_until(|audio| audio.producer.vacant_len() >= audio.n_channels)
        {
            done += self.push(channels, done..n_samples);
        }
        self.count_lost(n_samples - done);
        self.wait_until(|audio| audio.backlog_samples() < most_backlog);
    }

    /// Waits until the worker has analysed all that was pushed. Same limits as [`process_waiting`](Self::process_waiting).
    pub fn settle(&mut self) {
        self.wait_until(|audio| audio.backlog_samples() == 0);
    }

    /// Marks this moment as a new start: the analysis forgets what it heard, and readings from here on equal those of a fresh
    /// engine. What was played before is still read, unless the worker is far behind the clock. Of several resets that it has not reached
    /// yet the last counts.
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

    /// Blocks that were made to wait since the start; none in live playback.
    #[must_use]
    pub fn waits(&self) -> u64 {
        self.shared.waits()
    }

    /// Whether the block to come is a new start, because somebody asked for it or because of what the transport did.
    fn begins_anew(&mut self, transport: &Transport, n_samples: usize) -> bool {
        let has_moved = self.playhead.follow(transport, n_samples) != Move::None;
        let asked = self.requests.resets();
        let is_asked_for = std::mem::replace(&mut self.resets_seen, asked) != asked;
        is_asked_for || (has_moved && self.resets_by_itself)
    }

    /// Tells the worker where on the timeline the next sample is, if it could not know. Before that sample is pushed: who sees it
    /// then sees this as well.
    fn hand_over_place(&mut self, transport: &Transport) {
        let song_secs = transport.place_secs();
        if !self.anchor.foretells(self.written, song_secs, self.host_rate_hz) {
            let anchor = Anchor { at: self.written, song_secs };
            if self.anchors.try_push(anchor).is_ok() {
                self.anchor = anchor;
            }
        }
    }

    /// Interleaves and pushes the samples of `range`; returns how many fit, each with all of its channels.
    fn push<C: AsRef<[f32]>>(&mut self, channels: &[C], range: std::ops::Range<usize>) -> usize {
        let mut interleaved = [0.0; INTERLEAVED];
        let room = self.producer.vacant_len() / self.n_channels;
        let end = range.end.min(range.start + room);
        let mut at = range.start;
        while at < end {
            let n_samples = (INTERLEAVED / self.n_channels).min(end - at);
            let interleaved = &mut interleaved[..n_samples * self.n_channels];
            interleave(channels, at, self.n_channels, interleaved);
            self.producer.push_slice(interleaved);
            at += n_samples;
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
        if ready(self) {
            return true;
        }
        self.shared.count_wait();
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
    n_channels: usize,
    anchors: HeapCons<Anchor>,
    places: Places,
    host_rate_hz: f64,
    shared: Arc<Handover>,
    /// Position of the next sample to be popped.
    position: u64,
    /// Position at which the analysis last began anew.
    origin: u64,
    /// The reset that was last obeyed.
    last_reset: u64,
}

/// What the ring has for the worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Popped {
    /// So many samples of every channel, now at the start of the buffer.
    Samples(usize),
    /// A reset: the samples before it are gone, those after it belong to a new start.
    Reset,
    /// Nothing yet.
    Nothing,
}

impl WorkerEnd {
    /// Takes what fits into `buffer`, interleaved, never samples from both sides of a reset or of an anchor.
    pub(super) fn pop(&mut self, buffer: &mut [f32]) -> Popped {
        // The order of these loads matters: of samples seen here, any reset and any anchor before them is seen below.
        let mut available = self.backlog_samples();
        let reset_at = self.shared.reset_at();
        if reset_at != self.last_reset {
            let stale = usize::try_from(reset_at.saturating_sub(self.position));
            let stale = stale.unwrap_or(usize::MAX).min(available);
            if stale == 0 || self.is_late(stale) {
                self.last_reset = reset_at;
                self.consumer.skip(stale * self.n_channels);
                self.position += stale as u64;
                self.begin_anew();
                return Popped::Reset;
            }
            available = stale;
        }
        let room = buffer.len() / self.n_channels;
        let n_samples = available.min(room).min(self.samples_to_next_anchor());
        if n_samples == 0 {
            return Popped::Nothing;
        }
        self.consumer.pop_slice(&mut buffer[..n_samples * self.n_channels]);
        self.position += n_samples as u64;
        Popped::Samples(n_samples)
    }

    /// Whether so many samples are more to catch up with than the audio is ahead of the clock, by [`READ_OUT_SECS`].
    fn is_late(&self, n_samples: usize) -> bool {
        let late = (n_samples as u64).saturating_sub(self.shared.lead());
        late > units::secs_to_samples(READ_OUT_SECS, self.host_rate_hz)
    }

    /// Passes the anchors up to here; how many samples there are to the next one.
    fn samples_to_next_anchor(&mut self) -> usize {
        while let Some(next) = self.anchors.try_peek().copied() {
            if next.at > self.position {
                return usize::try_from(next.at - self.position).unwrap_or(usize::MAX);
            }
            self.places.pass(next);
            self.anchors.skip(1);
        }
        usize::MAX
    }

    /// Lets the analysis begin anew with the next sample.
    pub(super) fn begin_anew(&mut self) {
        self.origin = self.position;
    }

    /// Where on the host's timeline a window ends that ends `time_secs` after the analysis last began anew.
    pub(super) fn song_secs(&self, time_secs: f64) -> Option<f64> {
        let end = self.origin as f64 + time_secs * self.host_rate_hz;
        self.places.place_secs(end, self.host_rate_hz)
    }

    /// Whether nothing waits in the ring.
    pub(super) fn is_empty(&self) -> bool {
        self.backlog_samples() == 0
    }

    /// Samples that wait in the ring.
    fn backlog_samples(&self) -> usize {
        self.consumer.occupied_len() / self.n_channels
    }

    /// Of these, the ones that the clock has caught up with, seconds: how late the worker is.
    pub(super) fn late_secs(&self) -> f64 {
        let late = (self.backlog_samples() as u64).saturating_sub(self.shared.lead());
        units::samples_to_secs(late, self.host_rate_hz)
    }

    /// Tells a waiting render that everything popped so far is done with.
    pub(super) fn mark_analysed(&self) {
        self.shared.mark_analysed(self.position);
    }
}

fn block_samples<C: AsRef<[f32]>>(channels: &[C]) -> usize {
    channels.iter().map(|channel| channel.as_ref().len()).min().unwrap_or(0)
}

/// `out[n * n_channels + c] = channels[c][start + n]`, 0 where there is no such channel.
fn interleave<C: AsRef<[f32]>>(channels: &[C], start: usize, n_channels: usize, out: &mut [f32]) {
    let n_samples = out.len() / n_channels;
    for c in 0..n_channels {
        let out = out[c..].iter_mut().step_by(n_channels);
        match channels.get(c) {
            Some(channel) => {
                let samples = &channel.as_ref()[start..start + n_samples];
                out.zip(samples).for_each(|(out, sample)| *out = *sample);
            }
            None => out.for_each(|out| *out = 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(host_rate_hz: f64) -> (AudioEnd, WorkerEnd, Arc<Handover>) {
        super::ring(host_rate_hz, Layout::MONO, Arc::default())
    }

    /// The transport of a host that tells nothing.
    const STILL: Transport = Transport { playing: false, song_secs: None, loop_secs: None };

    fn playing(song_secs: f64) -> Transport {
        Transport { playing: true, song_secs: Some(song_secs), loop_secs: None }
    }

    fn popped(worker: &mut WorkerEnd, n_samples: usize) -> Vec<f32> {
        let mut buffer = vec![0.0; n_samples];
        match worker.pop(&mut buffer) {
            Popped::Samples(n) => buffer[..n].to_vec(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn channels_arrive_side_by_side_and_missing_ones_are_silent() {
        let (mut audio, mut worker, _) = super::ring(48_000.0, Layout::of(2), Arc::default());
        audio.process(&[[1.0, 2.0], [3.0, -2.0]], &STILL);
        audio.process(&[[5.0]], &STILL);
        audio.process(&[[1.0], [2.0], [3.0]], &STILL);
        let mut buffer = [9.0; 9];
        assert_eq!(
            worker.pop(&mut buffer),
            Popped::Samples(4),
            "half a sample stays in the buffer"
        );
        assert_eq!(buffer[..8], [1.0, 3.0, 2.0, -2.0, 5.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn a_sample_fits_with_all_its_channels_or_not_at_all() {
        let (mut audio, mut worker, shared) = super::ring(f64::NAN, Layout::of(3), Arc::default());
        let ramp: Vec<f32> = (0..MIN_RING_SAMPLES + 10).map(|n| n as f32).collect();
        audio.process(&[&ramp, &ramp, &ramp], &STILL);
        assert_eq!(shared.overrun_samples(), 10);
        let mut buffer = vec![0.0; 3 * ramp.len()];
        assert_eq!(worker.pop(&mut buffer), Popped::Samples(MIN_RING_SAMPLES));
        let samples = buffer.chunks(3).zip(&ramp).take(MIN_RING_SAMPLES);
        assert!(samples.into_iter().all(|(sample, n)| sample == [*n; 3]));
    }

    #[test]
    fn long_blocks_arrive_whole_and_in_order() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        let ramp: Vec<f32> = (0..3000_u16).map(f32::from).collect();
        audio.process(&[&ramp[..], &ramp[..]], &STILL);
        assert_eq!(popped(&mut worker, 4000), ramp);
    }

    #[test]
    fn empty_blocks_and_no_channels_are_fine() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        audio.process::<&[f32]>(&[], &STILL);
        audio.process::<&[f32]>(&[&[], &[]], &STILL);
        assert_eq!(worker.pop(&mut [0.0; 4]), Popped::Nothing);
    }

    #[test]
    fn samples_that_do_not_fit_are_counted_and_the_rest_kept() {
        let (mut audio, mut worker, shared) = ring(f64::NAN);
        let block = vec![1.0; MIN_RING_SAMPLES + 100];
        audio.process(&[&block], &STILL);
        audio.process(&[&block[..50]], &STILL);
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
        audio.process(&[[1.0, 2.0]], &STILL);
        audio.reset();
        audio.process(&[[3.0]], &STILL);
        assert_eq!(popped(&mut worker, 8), [1.0, 2.0]);
        assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
        assert_eq!(popped(&mut worker, 8), [3.0]);
    }

    #[test]
    fn a_worker_that_is_late_forgets_what_was_before_a_reset_and_one_that_has_the_time_reads_it() {
        // A second at the clock's pace, which nobody has looked at; and a second that came at once.
        for (block_secs, expected) in [(0.1, 0), (0.0, 1000)] {
            let (mut audio, mut worker, _) = ring(1000.0);
            for n in 0..10 {
                audio.process_at(&[[0.5; 100]], &STILL, f64::from(n) * block_secs);
            }
            audio.reset();
            audio.process_at(&[[1.0; 8]], &STILL, 10.0 * block_secs);
            assert_eq!(popped(&mut worker, 2000).len(), expected, "{block_secs}");
            assert!(expected == 0 || worker.pop(&mut [0.0; 8]) == Popped::Reset);
            assert_eq!(popped(&mut worker, 8), [1.0; 8]);
        }
    }

    #[test]
    fn of_several_resets_the_last_counts_and_one_at_the_start_is_none() {
        let (mut audio, mut worker, _) = ring(48_000.0);
        audio.reset();
        assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Nothing);
        audio.process(&[[1.0]], &STILL);
        audio.reset();
        audio.process(&[[2.0, 3.0]], &STILL);
        audio.reset();
        audio.reset();
        audio.process(&[[4.0]], &STILL);
        assert_eq!(popped(&mut worker, 8), [1.0, 2.0, 3.0]);
        assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
        assert_eq!(popped(&mut worker, 8), [4.0]);
    }

    #[test]
    fn a_reset_forgets_the_overruns() {
        let (mut audio, _worker, shared) = ring(f64::NAN);
        audio.process(&[vec![0.0; MIN_RING_SAMPLES + 8_000]], &STILL);
        assert_eq!(shared.overrun_samples(), 8_000);
        audio.reset();
        assert_eq!(audio.overrun_samples(), 0);
    }

    #[test]
    fn a_render_loses_nothing_however_slow_the_worker() {
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
        audio.process_waiting(&[&block], &STILL);
        assert_eq!(audio.backlog_samples(), 0);
        assert_eq!(shared.overrun_samples(), 0);
        reader.join().unwrap();
    }

    #[test]
    fn a_render_does_not_wait_for_a_dead_worker() {
        let (mut audio, _worker, shared) = ring(100.0);
        shared.worker_has_ended();
        let began = Instant::now();
        audio.process_waiting(&[vec![0.0; 2 * MIN_RING_SAMPLES]], &STILL);
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    /// Reads all that comes until nobody sends any more, `speed` times as fast as it sounds.
    fn read_all(
        mut worker: WorkerEnd,
        expected: usize,
        speed: f64,
    ) -> std::thread::JoinHandle<usize> {
        std::thread::spawn(move || {
            let (mut heard, mut buffer, began) = (0, [0.0; 512], Instant::now());
            while heard < expected && began.elapsed() < Duration::from_secs(60) {
                if let Popped::Samples(n) = worker.pop(&mut buffer) {
                    heard += n;
                    let secs = n as f64 / worker.host_rate_hz / speed;
                    std::thread::sleep(Duration::from_secs_f64(secs));
                }
                worker.mark_analysed();
            }
            heard
        })
    }

    #[test]
    fn a_render_that_nobody_announced_loses_nothing_and_live_playback_after_it_never_waits() {
        const BLOCK: usize = 480;
        const RATE_HZ: f64 = 48_000.0;
        let (mut audio, worker, shared) = ring(RATE_HZ);
        let (n_render, n_live) = (3_000, 200);
        let reader = read_all(worker, (n_render + n_live) * BLOCK, 50.0);
        let block = [0.1; BLOCK];
        (0..n_render).for_each(|_| audio.process(&[block], &STILL));
        assert_eq!(shared.overrun_samples(), 0, "half a minute, eight times what the ring holds");
        assert!(shared.is_waited_for());
        let waits = audio.waits();
        assert!(waits > 10, "{waits}");
        for _ in 0..n_live {
            std::thread::sleep(Duration::from_secs_f64(BLOCK as f64 / RATE_HZ));
            audio.process(&[block], &STILL);
            assert!(!shared.is_waited_for());
        }
        assert_eq!(audio.waits(), waits, "live playback was made to wait");
        assert_eq!(reader.join().unwrap(), (n_render + n_live) * BLOCK);
        assert_eq!(shared.overrun_samples(), 0);
    }

    #[test]
    fn playback_at_the_clocks_pace_loses_samples_rather_than_time() {
        // Nobody reads: a stalled worker. The clock is as fast as the audio.
        let (mut audio, _worker, shared) = ring(48_000.0);
        for n in 0..1000 {
            audio.process_at(&[[0.1; 480]], &STILL, f64::from(n) * 0.01);
        }
        assert_eq!((audio.waits(), shared.overrun_samples()), (0, 6 * 48_000));
    }

    /// The place of the newest sample after popping up to `n_samples`, with how many came.
    fn places(worker: &mut WorkerEnd, n_samples: usize) -> (usize, Option<f64>) {
        let n = popped(worker, n_samples).len();
        (n, worker.song_secs(worker.position as f64 / worker.host_rate_hz))
    }

    #[test]
    fn places_change_exactly_where_the_transport_does() {
        let (mut audio, mut worker, _) = ring(1000.0);
        let block = [0.0; 100];
        audio.process(&[block], &STILL);
        audio.process(&[block], &playing(60.0));
        audio.process(&[block], &playing(60.1));
        audio.process(&[block], &playing(30.0));
        audio.process(&[block], &STILL);
        assert_eq!(audio.anchors.occupied_len(), 3, "only where the timeline is not as foretold");
        assert_eq!(places(&mut worker, 500), (100, None));
        assert_eq!(places(&mut worker, 150), (150, Some(60.15)));
        assert_eq!(places(&mut worker, 500), (50, Some(60.2)));
        assert_eq!(places(&mut worker, 500), (100, Some(30.1)));
        assert_eq!(places(&mut worker, 500), (100, None));
    }

    #[test]
    fn samples_lost_at_the_ring_do_not_shift_the_timeline() {
        let (mut audio, mut worker, _) = ring(1000.0);
        let block = vec![0.0; MIN_RING_SAMPLES + 5000];
        audio.play(&[&block], &playing(0.0));
        assert_eq!(places(&mut worker, MIN_RING_SAMPLES), (MIN_RING_SAMPLES, Some(16.384)));
        audio.process(&[[0.0; 100]], &playing(21.384));
        assert_eq!(places(&mut worker, 100), (100, Some(21.484)));
    }

    #[test]
    fn an_anchor_that_finds_no_room_is_tried_again() {
        let (mut audio, mut worker, _) = ring(1000.0);
        // A host that jumps with every block, far ahead of the worker.
        (0..100).for_each(|n| audio.process(&[[0.0; 10]], &playing(f64::from(n) * 60.0)));
        while places(&mut worker, 1000).0 > 0 {}
        audio.process(&[[0.0; 10]], &playing(5.0));
        assert_eq!(places(&mut worker, 1000), (10, Some(5.01)));
    }

    #[test]
    fn starts_and_jumps_reset_where_that_is_wanted() {
        for (wanted, expected) in [(true, 3), (false, 0)] {
            let (mut audio, mut worker, _) = ring(1000.0);
            audio.set_auto_reset(wanted);
            let mut n_resets = 0;
            let in_loop =
                |song_secs| Transport { loop_secs: Some((0.0, 8.0)), ..playing(song_secs) };
            let played = [
                STILL,
                playing(7.0),
                playing(7.1),
                playing(3.0),
                STILL,
                STILL,
                in_loop(7.9),
                in_loop(0.0),
            ];
            for transport in played {
                audio.process(&[[0.0; 100]], &transport);
                while let popped @ (Popped::Reset | Popped::Samples(_)) =
                    worker.pop(&mut [0.0; 500])
                {
                    n_resets += usize::from(popped == Popped::Reset);
                }
            }
            assert_eq!(n_resets, expected);
        }
    }

    #[test]
    fn a_reset_that_somebody_asks_for_comes_with_the_next_block() {
        let requests = Arc::new(Requests::default());
        requests.ask_reset();
        let (mut audio, mut worker, _) = super::ring(1000.0, Layout::MONO, Arc::clone(&requests));
        audio.process(&[[1.0]], &STILL);
        assert_eq!(popped(&mut worker, 8), [1.0], "what was asked before the start is over");
        audio.process(&[[2.0]], &STILL);
        requests.ask_reset();
        assert_eq!(popped(&mut worker, 8), [2.0]);
        audio.process(&[[3.0]], &STILL);
        assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
        assert_eq!(popped(&mut worker, 8), [3.0]);
    }
}
