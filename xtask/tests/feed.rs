//! The feed's seats, and the newest shares, in every order in which the analysis thread and readers
//! may run, by loom.
//!
//! It stands here for the reason that `handover.rs` does. The queue of a seat, crossbeam's, is
//! stood in for by a list under loom's mutex, with the tickets that its items bear.

// In a test a panic is the message; the lint's own exception covers test functions but not what
// they call.
#![allow(clippy::unwrap_used)]

mod atomic {
    pub use loom::sync::atomic::{AtomicU64, Ordering};
}

#[allow(dead_code)]
#[path = "../../src/engine/seat.rs"]
mod seat;

#[allow(dead_code)]
#[path = "../../src/engine/sequenced.rs"]
mod sequenced;

use loom::sync::{Arc, Mutex};
use loom::thread;
use seat::Seat;
use sequenced::Sequenced;

/// Items that a queue holds.
const CAPACITY: usize = 1;

/// A seat, and its queue: tickets and what was published.
#[derive(Default)]
struct Place {
    seat: Seat,
    queue: Mutex<Vec<(u64, u64)>>,
}

impl Place {
    /// As `Feed::publish`, for this place.
    fn publish(&self, item: u64) {
        let Some(ticket) = self.seat.ticket() else { return };
        let mut queue = self.queue.lock().unwrap();
        if queue.len() == CAPACITY {
            self.seat.count_missed();
        } else {
            queue.push((ticket, item));
        }
    }

    /// As `Feed::subscribe`. Whether the seat was free.
    fn subscribe(&self, ticket: u64) -> bool {
        let is_free = self.seat.reserve();
        if is_free {
            self.queue.lock().unwrap().clear();
            self.seat.open(ticket);
        }
        is_free
    }

    /// As `Subscription::next_event`, until there is none.
    fn taken(&self, ticket: u64) -> Vec<u64> {
        let mut queue = self.queue.lock().unwrap();
        let ours = queue.drain(..).filter(|(theirs, _)| *theirs == ticket);
        ours.map(|(_, item)| item).collect()
    }
}

#[test]
fn a_slow_reader_costs_the_other_nothing_and_knows_what_it_missed() {
    loom::model(|| {
        let places: Arc<[Place; 2]> = Arc::new(Default::default());
        let (slow, other) = (&places[0], &places[1]);
        assert!(slow.subscribe(1) && other.subscribe(2));
        let writers = Arc::clone(&places);
        let writer = thread::spawn(move || {
            for item in 1..=2 {
                writers.iter().for_each(|place| place.publish(item));
            }
        });
        let mut taken = other.taken(2);
        writer.join().unwrap();
        taken.extend(other.taken(2));
        assert!(taken.is_sorted(), "{taken:?}");
        assert_eq!(taken.len() as u64 + other.seat.missed(), 2);
        assert_eq!(slow.taken(1), [1]);
        assert_eq!(slow.seat.missed(), 1);
    });
}

#[test]
fn whoever_takes_a_seat_gets_nothing_of_what_was_for_the_one_before() {
    loom::model(|| {
        let place = Arc::new(Place::default());
        assert!(place.subscribe(1));
        let writers = Arc::clone(&place);
        let writer = thread::spawn(move || (1..=2).for_each(|item| writers.publish(item)));
        place.seat.leave();
        assert!(!place.seat.is_of(1));
        assert!(place.subscribe(2));
        let before = place.seat.missed();
        writer.join().unwrap();
        let taken = place.taken(2);
        // What the writer was about to put there under the old ticket may stand in the way, and is
        // then counted as missed; it is never taken for what it is not.
        assert!(taken.len() <= 1 && taken.iter().all(|item| *item <= 2), "{taken:?}");
        assert!(before <= place.seat.missed());
    });
}

#[test]
fn a_seat_goes_to_one_of_two_who_want_it() {
    loom::model(|| {
        let place = Arc::new(Place::default());
        let theirs = Arc::clone(&place);
        let other = thread::spawn(move || theirs.subscribe(2));
        let ours = place.subscribe(1);
        assert_ne!(ours, other.join().unwrap());
        assert!(place.seat.is_of(if ours { 1 } else { 2 }));
    });
}

#[test]
fn a_closed_seat_takes_nothing_more_and_stays_its_readers() {
    loom::model(|| {
        let place = Arc::new(Place::default());
        assert!(place.subscribe(1));
        let writers = Arc::clone(&place);
        let writer = thread::spawn(move || writers.publish(1));
        place.seat.close(1);
        assert!(!place.subscribe(2), "somebody still reads what there is");
        writer.join().unwrap();
        place.publish(2);
        assert!(place.seat.is_of(1));
        assert!(place.taken(1).iter().all(|item| *item == 1));
    });
}

/// Writes so often while another thread reads so often.
fn writes_and_reads(n_writes: u64, n_reads: u64) {
    loom::model(move || {
        let words = Arc::new(Sequenced::<2>::default());
        let written = Arc::clone(&words);
        let writer = thread::spawn(move || (1..=n_writes).for_each(|n| written.write([n, n])));
        let mut before = 0;
        for _ in 0..n_reads {
            if let Some([first, second]) = words.read() {
                assert_eq!(first, second, "half of one write and half of another");
                assert!(first >= before, "{before} came before {first}");
                before = first;
            }
        }
        writer.join().unwrap();
        assert_eq!(words.read(), Some([n_writes; 2]), "nobody writes, so nothing is in the way");
    });
}

#[test]
fn the_newest_words_are_read_whole_or_not_at_all() {
    writes_and_reads(2, 1);
    writes_and_reads(1, 2);
}
