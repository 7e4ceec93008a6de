//! The published reading in every order in which the analysis thread and a reader may run, by loom.
//!
//! A model, for the triple buffer is a crate's: three places, of which the writer holds one, the
//! reader one, and the third is handed to and fro by one exchange, with release and acquire. What
//! is checked is what `engine::monitor` builds on it: no place is written while it is read, and who
//! has seen that n readings were published reads the n-th or a newer one.

#![allow(unsafe_code)]
// In a test a panic is the message; the lint's own exception covers test functions but not what
// they call.
#![allow(clippy::unwrap_used)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::thread;

/// Marks the third place as newer than the reader's.
const NEWER: usize = 4;

struct Published {
    places: [UnsafeCell<u64>; 3],
    third: AtomicUsize,
    count: AtomicU64,
}

// SAFETY: loom itself watches that no place is written while another thread looks at it; that is
// the test.
unsafe impl Sync for Published {}
// SAFETY: as above.
unsafe impl Send for Published {}

impl Published {
    /// As `Publisher::publish`: into the writer's place, hand it over, count.
    fn publish(&self, own: &mut usize, reading: u64) {
        // SAFETY: as above.
        self.places[*own].with_mut(|place| unsafe { *place = reading });
        *own = self.third.swap(*own | NEWER, Ordering::AcqRel) & !NEWER;
        self.count.fetch_add(1, Ordering::Release);
    }

    /// As `Monitor::latest`: take the third place where it is newer, and read.
    fn latest(&self, own: &mut usize) -> u64 {
        if self.third.load(Ordering::Relaxed) & NEWER != 0 {
            *own = self.third.swap(*own, Ordering::AcqRel) & !NEWER;
        }
        // SAFETY: as above.
        self.places[*own].with(|place| unsafe { *place })
    }
}

#[test]
fn a_reader_sees_whole_readings_and_none_older_than_the_count_says() {
    loom::model(|| {
        let published = Arc::new(Published {
            places: std::array::from_fn(|_| UnsafeCell::new(0)),
            third: AtomicUsize::new(1),
            count: AtomicU64::new(0),
        });
        let writer = Arc::clone(&published);
        let writer = thread::spawn(move || {
            let mut own = 0;
            (1..=3).for_each(|reading| writer.publish(&mut own, reading));
        });
        let (mut own, mut before) = (2, 0);
        for _ in 0..2 {
            let count = published.count.load(Ordering::Acquire);
            let reading = published.latest(&mut own);
            assert!(reading >= count, "{count} were published, and {reading} was read");
            assert!(reading >= before, "{before} came before {reading}");
            before = reading;
        }
        writer.join().unwrap();
        assert_eq!(published.latest(&mut own), 3);
    });
}
