//! The ring's hand-over in every order in which the audio thread and the worker may run, by loom.
//!
//! It stands here, not with the crate's own tests, because loom and its atomics would otherwise be
//! compiled into everything; the file that is checked is the crate's own. The ring itself,
//! ringbuf's, is stood in for by its index: written with release after the samples, read with
//! acquire before them.

// In a test a panic is the message; the lint's own exception covers test functions but not what
// they call.
#![allow(clippy::unwrap_used)]

mod atomic {
    pub use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

#[allow(dead_code)]
#[path = "../../src/engine/handover.rs"]
mod handover;

use atomic::{AtomicU64, Ordering};
use handover::Handover;
use loom::sync::Arc;
use loom::thread;

/// Both ends, and the ring's index: samples pushed so far.
#[derive(Default)]
struct Both {
    handover: Handover,
    pushed: AtomicU64,
}

fn both() -> (Arc<Both>, Arc<Both>) {
    let both = Arc::new(Both::default());
    (Arc::clone(&both), both)
}

#[test]
fn no_sample_after_a_reset_is_taken_for_one_before_it() {
    loom::model(|| {
        let (audio, worker) = both();
        let audio = thread::spawn(move || {
            audio.pushed.store(2, Ordering::Release);
            audio.handover.mark_reset(2);
            audio.pushed.store(5, Ordering::Release);
        });
        // As WorkerEnd::pop: first what there is, then where the last reset was.
        let available = worker.pushed.load(Ordering::Acquire);
        let reset_at = worker.handover.reset_at();
        assert!(reset_at == 0 || reset_at == 2);
        if available > 2 {
            assert_eq!(reset_at, 2, "samples of a new start were joined to the old");
        }
        audio.join().unwrap();
        assert_eq!(worker.handover.reset_at(), 2);
    });
}

#[test]
fn what_a_waiting_render_is_told_to_be_done_is_done() {
    loom::model(|| {
        let (worker, audio) = both();
        // The reading that the samples gave, published before they are marked as analysed.
        let reading = Arc::new(AtomicU64::new(0));
        let published = Arc::clone(&reading);
        let worker = thread::spawn(move || {
            published.store(7, Ordering::Relaxed);
            worker.handover.mark_analysed(3);
        });
        if audio.handover.analysed() == 3 {
            assert_eq!(reading.load(Ordering::Relaxed), 7);
        }
        worker.join().unwrap();
        assert_eq!(audio.handover.analysed(), 3);
    });
}

#[test]
fn an_end_is_seen_and_nothing_is_lost_in_counting() {
    loom::model(|| {
        let (worker, audio) = both();
        let worker = thread::spawn(move || {
            while !worker.handover.is_stopping() {
                thread::yield_now();
            }
            worker.handover.worker_has_ended();
        });
        audio.handover.count_lost(3);
        audio.handover.count_lost(4);
        assert!(audio.handover.is_heard());
        audio.handover.ask_to_stop();
        worker.join().unwrap();
        assert!(!audio.handover.is_heard());
        assert_eq!(audio.handover.overrun_samples(), 7);
    });
}
