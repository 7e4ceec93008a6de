//! A few words that one thread writes and any number read, whole and without a lock: atomics with a
//! sequence.
//!
//! The sequence is odd while words are being written. A reader that finds it odd, or changed while
//! it read, has read nothing. The writer never waits, and readers never wait for it: where one has
//! no luck in a few tries it goes on with what it had.
//!
//! **Architecture Invariant**: names nothing but the atomics of [`super::atomic`], so that the same
//! file is checked under loom (`xtask/tests/feed.rs`).

use super::atomic::{AtomicU64, Ordering};

/// `N` words that belong together. One thread at a time may write.
#[derive(Debug)]
pub struct Sequenced<const N: usize> {
    sequence: AtomicU64,
    words: [AtomicU64; N],
}

impl<const N: usize> Default for Sequenced<N> {
    fn default() -> Self {
        Self { sequence: AtomicU64::new(0), words: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl<const N: usize> Sequenced<N> {
    /// The one writer's end: replaces all words. Wait-free.
    pub fn write(&self, words: [u64; N]) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        for (shared, word) in self.words.iter().zip(words) {
            // Release: whoever reads this word sees that the sequence is odd, or past that.
            shared.store(word, Ordering::Release);
        }
        // Release: whoever sees this sequence sees all the words.
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// All words as one write left them; zeros before any. `None` where a write came in between.
    /// Wait-free.
    pub fn read(&self) -> Option<[u64; N]> {
        let before = self.sequence.load(Ordering::Acquire);
        let words = std::array::from_fn(|i| self.words[i].load(Ordering::Acquire));
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some(words)
    }
}
