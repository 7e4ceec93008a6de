//! What the two ends of the ring tell each other besides samples: losses, resets, how far the
//! analysis is, who is still there.
//!
//! **Architecture Invariant**: names nothing but the atomics of [`super::atomic`], so that the same
//! file is checked under loom, in every order in which two threads may run
//! (`xtask/tests/handover.rs`).

use super::atomic::{AtomicBool, AtomicU64, Ordering};

/// What both ends look at. Every method is wait-free and may be called on the audio thread.
#[derive(Debug)]
pub struct Handover {
    /// Samples dropped at the ring since the start or the last reset.
    overruns: AtomicU64,
    /// Position, in samples pushed since the start, of the last reset.
    reset_at: AtomicU64,
    /// Position up to which the worker has analysed or discarded everything.
    analysed: AtomicU64,
    /// Whether anybody empties the ring. Cleared for good when the worker ends, however it ends.
    alive: AtomicBool,
    /// Whether the worker should finish what is in the ring and end.
    stop: AtomicBool,
    /// Whether a render waits for the worker.
    waited_for: AtomicBool,
    /// Bits of the tempo of the host's beat grid, BPM; 0 BPM where there is none.
    host_bpm: AtomicU64,
    /// Samples that the audio is ahead of the clock.
    lead: AtomicU64,
    /// Blocks that were made to wait.
    waits: AtomicU64,
}

impl Default for Handover {
    fn default() -> Self {
        Self {
            overruns: AtomicU64::new(0),
            reset_at: AtomicU64::new(0),
            analysed: AtomicU64::new(0),
            alive: AtomicBool::new(true),
            stop: AtomicBool::new(false),
            waited_for: AtomicBool::new(false),
            host_bpm: AtomicU64::new(0),
            lead: AtomicU64::new(0),
            waits: AtomicU64::new(0),
        }
    }
}

impl Handover {
    /// Audio end: marks a new start at position `written`, before any sample of it is pushed.
    pub fn mark_reset(&self, written: u64) {
        self.overruns.store(0, Ordering::Relaxed);
        // Release: a worker that sees samples pushed after this also sees the mark.
        self.reset_at.store(written, Ordering::Release);
    }

    /// Worker's end: position of the last reset. To be asked after looking what the ring holds: of
    /// samples seen there, any reset before them is seen here.
    pub fn reset_at(&self) -> u64 {
        self.reset_at.load(Ordering::Acquire)
    }

    /// Audio end: the tempo of the host's beat grid, BPM; `None` where it tells none. Applies to
    /// readings from now on: it stands for no moment of the music, and no order with the samples is
    /// kept.
    pub fn set_host_bpm(&self, bpm: Option<f64>) {
        self.host_bpm.store(bpm.unwrap_or(0.0).to_bits(), Ordering::Relaxed);
    }

    /// Worker's end: the tempo of the host's beat grid, whatever number the host gave, BPM; `None`
    /// where it told none.
    pub fn host_bpm(&self) -> Option<f64> {
        let bpm = f64::from_bits(self.host_bpm.load(Ordering::Relaxed));
        (bpm != 0.0).then_some(bpm)
    }

    /// Audio end: so many samples found no room.
    pub fn count_lost(&self, n_samples: u64) {
        self.overruns.fetch_add(n_samples, Ordering::Relaxed);
    }

    /// Samples lost since the start or the last reset.
    pub fn overrun_samples(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }

    /// Worker's end: everything before `position` is done with, readings published.
    pub fn mark_analysed(&self, position: u64) {
        self.analysed.store(position, Ordering::Release);
    }

    /// Audio end: the position up to which everything is done with.
    pub fn analysed(&self) -> u64 {
        self.analysed.load(Ordering::Acquire)
    }

    /// Says that nobody empties the ring any more.
    pub fn worker_has_ended(&self) {
        self.alive.store(false, Ordering::Release);
    }

    /// Whether anybody empties the ring.
    pub fn is_heard(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Asks the worker to finish what is in the ring and end.
    pub fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether the worker was asked to end.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Audio end: whether this host waits for the analysis.
    pub fn set_waited_for(&self, waits: bool) {
        self.waited_for.store(waits, Ordering::Relaxed);
    }

    /// Whether a render waits for the worker: then there is all the time in the world.
    pub fn is_waited_for(&self) -> bool {
        self.waited_for.load(Ordering::Relaxed)
    }

    /// Audio end: by how many samples the audio is ahead of the clock. Before they are pushed.
    pub fn set_lead(&self, n_samples: u64) {
        self.lead.store(n_samples, Ordering::Relaxed);
    }

    /// Samples that the audio is ahead of the clock: a worker that has no more than these to do is
    /// not behind.
    pub fn lead(&self) -> u64 {
        self.lead.load(Ordering::Relaxed)
    }

    /// Audio end: a block was made to wait.
    pub fn count_wait(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }

    /// Blocks that were made to wait since the start.
    pub fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }
}
