//! The audio thread's end of the engine: copies what it hears into the ring, counts what did not
//! fit.
//!
//! ```text
//! AudioEnd (audio thread) → ring of interleaved samples → WorkerEnd (analysis thread)
//! ```
//!
//! **Architecture Invariant**: nothing that the audio thread calls here allocates, locks or logs.
//! Nothing waits but
//! [`AudioEnd::process_waiting`], [`AudioEnd::settle`], and [`AudioEnd::process`] where the audio
//! runs away from the clock as only a render's does ([`Lead`]).

use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::control::Control;
use super::handover::Handover;
use super::lead::Lead;
use super::timeline::{Anchor, Move, Places, Playhead, Transport};
use crate::analysis::downmix::Layout;
use crate::units;

/// Audio that the ring holds, seconds: as long as loading the model, or a stalled machine, may keep
/// the worker busy.
const CAPACITY_SECS: f64 = 4.0;

/// Smallest ring, samples: whatever a host calls its rate, a few large blocks must fit.
const MIN_RING_SAMPLES: usize = 16_384;

/// Largest ring, samples: [`CAPACITY_SECS`] at 768 kHz. Beyond, the worker refuses the rate anyway.
const MAX_RING_SAMPLES: usize = 4 * 768_000;

/// Values interleaved at a time, on the audio thread's stack.
const INTERLEAVED: usize = 1024;

/// Backlog that [`AudioEnd::process_waiting`] tolerates after a block, samples. Waiting for every
/// last one would put a round trip to the analysis thread behind every sample of a host that
/// renders in blocks of one.
const MAX_BACKLOG_SAMPLES: u64 = 512;

/// Backlog that a host's render is left with, seconds of audio: an eighth of the ring, so that host
/// and analysis work side by side. Live playback that begins at once has it behind it in a moment,
/// and without a wait.
const RENDER_BACKLOG_SECS: f64 = 0.5;

/// How late the worker may be for what was played before a reset still to be read, seconds. Beyond,
/// it is forgotten, so that a machine that is short of time is not kept from a new start.
const READ_OUT_SECS: f64 = 0.5;

/// How often a render checks whether the worker has caught up.
const WAIT_STEP: Duration = Duration::from_micros(200);

/// How long the worker may make no progress before a render goes on without it.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Anchors to the host's timeline that may be on their way. One that finds no room is tried again
/// with the next block; at half speed a hundred are made a second, and the worker looks four times
/// a second at least.
const MAX_ANCHORS: usize = 64;

/// Both ends of a ring for `layout` at `host_rate_hz`, any value of which is survived. Allocates.
pub(super) fn ring(
    host_rate_hz: f64,
    layout: Layout,
    control: Arc<Control>,
) -> (AudioEnd, WorkerEnd, Arc<Handover>) {
    let wanted = usize::try_from(units::secs_to_samples(CAPACITY_SECS, host_rate_hz));
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
        resets_seen: control.resets(),
        control,
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
    control: Arc<Control>,
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

impl std::fmt::Debug for AudioEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioEnd").finish_non_exhaustive()
    }
}

impl AudioEnd {
    /// Names the thread that a render wakes.
    pub(super) fn set_worker(&mut self, worker: Thread) {
        self.worker = Some(worker);
    }

    /// Lets a start or a jump of the host's transport be a [`reset`](Self::reset), or no longer.
    /// Going round a loop is none.
    ///
    /// # Real-time safety
    /// As [`process`](Self::process).
    pub fn set_auto_reset(&mut self, on: bool) {
        self.resets_by_itself = on;
    }

    /// Copies one block into the ring. What does not fit is dropped and counted. `transport` is
    /// that of the block's first sample.
    ///
    /// Any number of channels and samples will do, none included: channels beyond the layout's are
    /// left out, missing ones are silent, those of unequal length count up to the shortest.
    ///
    /// Whether the host plays or renders follows from the clock ([`Lead`]). A render is made to
    /// wait while the worker has more than half a second of it to do, so that it loses nothing and
    /// reads as live playback does.
    ///
    /// # Real-time safety
    /// At the clock's pace, and up to two seconds ahead of it, wait-free; neither allocates, locks
    /// nor calls the system: to read the clock is not a call to it on any system that is served.
    /// Ahead of that it sleeps, for no longer than the worker makes progress.
    pub fn process<C: AsRef<[f32]>>(&mut self, channels: &[C], transport: &Transport) {
        if self.process_at(channels, transport, self.clock.elapsed().as_secs_f64()) {
            self.lead.let_go(self.clock.elapsed().as_secs_f64());
        }
    }

    /// As [`process`](Self::process) at `now_secs` of the caller's own clock. True where the block
    /// was a render's.
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

    /// Like [`process`](Self::process) for whoever knows that this is a render, and wants it read
    /// with next to no delay: waits for room where there is none, and until the worker has all but
    /// caught up.
    ///
    /// Gives up when the worker is dead or makes no progress for `STALL_LIMIT`; from then on
    /// nothing waits.
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

    /// Waits until the worker has analysed all that was pushed. Same limits as
    /// [`process_waiting`](Self::process_waiting).
    pub fn settle(&mut self) {
        self.wait_until(|audio| audio.backlog_samples() == 0);
    }

    /// Marks this moment as a new start: the analysis forgets what it heard, and readings from here
    /// on equal those of a fresh engine. What was played before is still read, unless the worker is
    /// far behind the clock. Of several resets that it has not reached yet the last counts.
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

    /// Whether the block to come is a new start, because somebody asked for it or because of what
    /// the transport did.
    fn begins_anew(&mut self, transport: &Transport, n_samples: usize) -> bool {
        let has_moved = self.playhead.follow(transport, n_samples) != Move::None;
        let asked = self.control.resets();
        let is_asked_for = std::mem::replace(&mut self.resets_seen, asked) != asked;
        is_asked_for || (has_moved && self.resets_by_itself)
    }

    /// Tells the worker where on the timeline the next sample is, if it could not know. Before that
    /// sample is pushed: whoever sees it then sees this as well.
    fn hand_over_place(&mut self, transport: &Transport) {
        self.shared.set_host_bpm(transport.tempo_bpm);
        let song_secs = transport.place_secs();
        if !self.anchor.foretells(self.written, song_secs, self.host_rate_hz) {
            let anchor = Anchor { at: self.written, song_secs };
            if self.anchors.try_push(anchor).is_ok() {
                self.anchor = anchor;
            }
        }
    }

    /// Interleaves and pushes the samples of `range`; returns how many fit, each with all of its
    /// channels.
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
    /// Takes what fits into `buffer`, interleaved, never samples from both sides of a reset or of
    /// an anchor.
    pub(super) fn pop(&mut self, buffer: &mut [f32]) -> Popped {
        // The order of these loads matters: of samples seen here, any reset and any anchor before
        // them is seen below.
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

    /// Whether so many samples are more to catch up with than the audio is ahead of the clock, by
    /// [`READ_OUT_SECS`].
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

    /// Where on the host's timeline a window ends that ends `time_secs` after the analysis last
    /// began anew.
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
mod tests;
