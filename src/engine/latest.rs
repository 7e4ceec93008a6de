//! The newest shares for the audio thread: for what leaves the plugin with the block, as
//! controllers or control voltage do.
//!
//! Eyes have [`Monitor::latest`](super::monitor::Monitor::latest), which takes a mutex. This takes
//! none.

use std::sync::Arc;

use super::sequenced::Sequenced;
use crate::reading::{MAX_SPACES, Phase, Reading};

/// Words in which the newest shares travel: time, phase and number of spaces, shares by twos.
const N_WORDS: usize = 2 + MAX_SPACES / 2;

/// Reads that are tried before a reader stays with what it had. A write takes nanoseconds and comes
/// five times a second.
const TRIES: usize = 3;

const _: () = assert!(MAX_SPACES.is_multiple_of(2), "shares travel by twos");

/// What the audio thread can know of the newest reading.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Newest {
    /// End of the reading's window, seconds since the start or the last reset.
    pub time_secs: f64,
    /// What the shares mean.
    pub phase: Phase,
    /// Label spaces in use.
    pub n_spaces: usize,
    /// Share of votes of each space's first pole, in [0, 1].
    pub shares: [f32; MAX_SPACES],
}

impl Newest {
    fn of(reading: &Reading) -> Self {
        let Reading { time_secs, phase, n_spaces, shares, .. } = *reading;
        Self { time_secs, phase, n_spaces, shares }
    }

    /// The shares in use, first pole each; empty unless the phase carries shares.
    #[must_use]
    pub fn shares(&self) -> &[f32] {
        if self.phase.has_shares() { &self.shares[..self.n_spaces.min(MAX_SPACES)] } else { &[] }
    }

    fn to_words(self) -> [u64; N_WORDS] {
        let mut words = [0; N_WORDS];
        words[0] = self.time_secs.to_bits();
        words[1] = (self.n_spaces as u64) << 8 | self.phase as u64;
        for (word, two) in words[2..].iter_mut().zip(self.shares.chunks_exact(2)) {
            *word = u64::from(two[0].to_bits()) << 32 | u64::from(two[1].to_bits());
        }
        words
    }

    fn from_words(words: [u64; N_WORDS]) -> Self {
        let mut shares = [0.0; MAX_SPACES];
        for (two, word) in shares.chunks_exact_mut(2).zip(&words[2..]) {
            two[0] = f32::from_bits((word >> 32) as u32);
            two[1] = f32::from_bits(*word as u32);
        }
        let phase = Phase::ALL.into_iter().find(|phase| *phase as u64 == words[1] & 0xff);
        Self {
            time_secs: f64::from_bits(words[0]),
            phase: phase.unwrap_or_default(),
            n_spaces: (words[1] >> 8) as usize,
            shares,
        }
    }
}

/// Where the analysis thread leaves the newest shares.
#[derive(Debug, Default)]
pub struct Latest(Sequenced<N_WORDS>);

impl Latest {
    /// The analysis thread's end.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub(super) fn publish(&self, reading: &Reading) {
        self.0.write(Newest::of(reading).to_words());
    }

    /// As before any reading.
    pub(super) fn clear(&self) {
        self.0.write(Newest::default().to_words());
    }
}

/// A reader of the newest shares: any thread's, the audio thread's above all.
#[derive(Clone, Debug)]
pub struct LatestReader {
    latest: Arc<Latest>,
    newest: Newest,
}

impl LatestReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(latest: Arc<Latest>) -> Self {
        Self { latest, newest: Newest::default() }
    }

    /// The newest shares; the default (phase waiting) before any reading. Where the analysis thread
    /// is writing at this very moment, those of the last call.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn read(&mut self) -> Newest {
        let words = (0..TRIES).find_map(|_| self.latest.0.read());
        if let Some(words) = words {
            self.newest = Newest::from_words(words);
        }
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_what_was_published_in_every_phase() {
        let latest = Arc::new(Latest::default());
        let mut reader = LatestReader::new(Arc::clone(&latest));
        assert_eq!(reader.read(), Newest::default());
        for phase in Phase::ALL {
            let shares = [0.75, 0.125, f32::MIN_POSITIVE, 1.0];
            let reading =
                Reading { time_secs: 12.5, phase, n_spaces: 3, shares, ..Reading::default() };
            latest.publish(&reading);
            assert_eq!(reader.read(), Newest::of(&reading));
            assert_eq!(reader.read().shares(), reading.shares());
        }
        latest.clear();
        assert_eq!(reader.read(), Newest::default());
    }
}
