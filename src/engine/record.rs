//! From the analysis thread into the [`History`] that readers share, without ever waiting for them.

use std::sync::{Arc, Mutex, TryLockError};

use crate::history::History;
use crate::reading::Stamped;

/// Readings that are kept while a reader holds the history: twelve seconds of live playback.
const PENDING_READINGS: usize = 64;

/// The analysis thread's way to the history.
pub(super) struct Recorder {
    history: Arc<Mutex<History>>,
    /// Readings that a reader was in the way of, oldest first.
    pending: [Stamped; PENDING_READINGS],
    n_pending: usize,
}

impl Recorder {
    pub(super) fn new(history: Arc<Mutex<History>>) -> Self {
        Self { history, pending: [Stamped::default(); PENDING_READINGS], n_pending: 0 }
    }

    /// Records one reading, now or as soon as no reader is in the way. Where one is for longer than
    /// is kept, the oldest are lost.
    ///
    /// # Real-time safety
    /// Neither allocates nor waits.
    pub(super) fn record(&mut self, reading: &Stamped) {
        if self.n_pending == PENDING_READINGS {
            self.pending.rotate_left(1);
            self.n_pending -= 1;
        }
        self.pending[self.n_pending] = *reading;
        self.n_pending += 1;
        self.flush();
    }

    /// Records what is pending, if no reader is in the way.
    ///
    /// # Real-time safety
    /// As [`record`](Self::record).
    pub(super) fn flush(&mut self) {
        if self.n_pending == 0 {
            return;
        }
        let mut history = match self.history.try_lock() {
            Ok(history) => history,
            // Every change to a history leaves it whole, so a reader's panic is none of ours.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.pending[..self.n_pending].iter().for_each(|reading| history.record(reading));
        self.n_pending = 0;
    }
}

/// What is still pending goes on record before the analysis ends, unless a reader is in the way
/// even now.
impl Drop for Recorder {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Clock;
    use crate::lock::lock;
    use crate::reading::{Phase, Reading};

    fn reading(secs: u16) -> Stamped {
        let time_secs = f64::from(secs);
        Reading { time_secs, phase: Phase::Live, n_spaces: 1, ..Reading::default() }.into()
    }

    #[test]
    fn a_reader_in_the_way_costs_no_reading_and_no_time() {
        let history = Arc::new(Mutex::new(History::new()));
        let mut recorder = Recorder::new(Arc::clone(&history));
        recorder.record(&reading(1));
        let held = history.lock().unwrap();
        (2..=20).for_each(|secs| recorder.record(&reading(secs)));
        assert_eq!(held.track(Clock::Heard).span_secs(), Some((1.0, 1.5)));
        drop(held);
        recorder.flush();
        assert_eq!(history.lock().unwrap().track(Clock::Heard).points(0.0, 99.0).count(), 20);
    }

    #[test]
    fn a_reader_that_never_lets_go_costs_the_oldest() {
        let history = Arc::new(Mutex::new(History::new()));
        let mut recorder = Recorder::new(Arc::clone(&history));
        let held = history.lock().unwrap();
        (1..=100).for_each(|secs| recorder.record(&reading(secs)));
        drop(held);
        recorder.flush();
        assert_eq!(history.lock().unwrap().track(Clock::Heard).points(0.0, 999.0).count(), 64);
    }

    #[test]
    fn a_reader_that_panicked_is_none_of_ours() {
        let history = Arc::new(Mutex::new(History::new()));
        let poisoning = Arc::clone(&history);
        let reader = std::thread::spawn(move || {
            let _held = poisoning.lock().unwrap();
            panic!("a reader's own trouble");
        });
        assert!(reader.join().is_err());
        Recorder::new(Arc::clone(&history)).record(&reading(1));
        let held = lock(&history);
        assert!(held.newest().is_some());
    }
}
