//! Who sits where in the [feed](super::feed), and what each has missed: tickets without a lock.
//!
//! A reader that comes takes a free seat under a ticket of its own. The writer asks each seat for
//! its ticket, and what it puts into that seat's queue bears it; so a reader knows what was put
//! there for whoever sat before, even where the writer was interrupted half-way.
//!
//! **Architecture Invariant**: names nothing but the atomics of [`super::atomic`], so that the same
//! file is checked under loom, with two readers that come and go (`xtask/tests/feed.rs`).

use super::atomic::{AtomicU64, Ordering};

/// The ticket of a seat that nobody has taken.
const FREE: u64 = 0;

/// Set in what stands for a ticket while the writer passes the seat by: before its queue is ready,
/// and once its reader wants no more.
const PASSED_BY: u64 = 1 << 63;

/// A seat whose queue is being made ready.
const RESERVED: u64 = PASSED_BY;

/// One seat. Every method is wait-free.
#[derive(Debug)]
pub struct Seat {
    ticket: AtomicU64,
    /// Items that found the queue full since the seat was taken.
    missed: AtomicU64,
}

impl Default for Seat {
    fn default() -> Self {
        Self { ticket: AtomicU64::new(FREE), missed: AtomicU64::new(0) }
    }
}

impl Seat {
    /// Reader's end: takes the seat, if it is free, to make its queue ready. The writer still
    /// passes it by.
    pub fn reserve(&self) -> bool {
        let taken =
            self.ticket.compare_exchange(FREE, RESERVED, Ordering::AcqRel, Ordering::Relaxed);
        if taken.is_ok() {
            self.missed.store(0, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// Reader's end: from here on the writer writes to it, under `ticket`, from 1 to 2⁶³ − 1, which
    /// no seat has had before. The seat was reserved.
    pub fn open(&self, ticket: u64) {
        // Release: a writer that sees the ticket sees the queue that was made ready for it.
        self.ticket.store(ticket, Ordering::Release);
    }

    /// From here on the writer passes it by; the reader stays and takes what there is. Nothing
    /// where the seat has another ticket.
    pub fn close(&self, ticket: u64) {
        let _was_open = self.ticket.compare_exchange(
            ticket,
            ticket | PASSED_BY,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
    }

    /// Reader's end: gives the seat back. Something may yet be put into its queue, under the
    /// ticket that it had.
    pub fn leave(&self) {
        self.ticket.store(FREE, Ordering::Release);
    }

    /// Whether whoever sits here, or has closed, has this ticket.
    pub fn is_of(&self, ticket: u64) -> bool {
        self.ticket.load(Ordering::Acquire) & !PASSED_BY == ticket
    }

    /// Writer's end: the ticket of whoever sits here; `None` where the seat is to be passed by.
    pub fn ticket(&self) -> Option<u64> {
        let ticket = self.ticket.load(Ordering::Acquire);
        (ticket != FREE && ticket & PASSED_BY == 0).then_some(ticket)
    }

    /// Writer's end: an item found the queue full.
    pub fn count_missed(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }

    /// Items that whoever sits here has missed.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}
