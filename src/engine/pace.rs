//! How often readings are taken: less often while the machine is short of time, and the same for
//! every instance of the process.
//!
//! Frames must all be computed, or the window would have holes; readings need not all be taken.
//! When a worker falls behind, all workers of the process take half as many, and half of that
//! again, until none does; some seconds after the last was behind they take more again. One pace
//! for all is what makes it fair: no instance keeps its rate at the cost of another.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use crate::config::READING_SECS;

/// Audio in a ring, seconds, from which on its worker is behind; half of that holds the pace.
const BEHIND_SECS: f64 = 0.5;

/// Time that a new pace gets before the next change, milliseconds: to slow down, and to speed up
/// again.
const SLOWER_AFTER_MS: u64 = 500;
const FASTER_AFTER_MS: u64 = 5000;

/// The slowest pace: one reading in 2⁴, every three seconds.
const SLOWEST: u32 = 4;

/// A pace that workers share.
#[derive(Debug, Default)]
pub struct Pace {
    /// One reading in 2^`halvings` is taken.
    halvings: AtomicU32,
    /// When it was last changed, and when a worker was last behind, milliseconds since the first
    /// question.
    changed_ms: AtomicU64,
    behind_ms: AtomicU64,
}

impl Pace {
    /// The pace of this process.
    #[must_use]
    pub fn of_process() -> &'static Self {
        static PROCESS: OnceLock<Pace> = OnceLock::new();
        PROCESS.get_or_init(Self::default)
    }

    /// Tells of a worker that has `backlog_secs` of audio still to analyse, besides what its host
    /// has sent ahead of the clock.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn tell(&self, backlog_secs: f64) {
        static START: OnceLock<Instant> = OnceLock::new();
        let now_ms = START.get_or_init(Instant::now).elapsed().as_millis() as u64;
        self.tell_at(backlog_secs, now_ms);
    }

    fn tell_at(&self, backlog_secs: f64, now_ms: u64) {
        if backlog_secs >= 0.5 * BEHIND_SECS {
            self.behind_ms.fetch_max(now_ms, Ordering::Relaxed);
        }
        let halvings = self.halvings.load(Ordering::Relaxed);
        let changed_ms = self.changed_ms.load(Ordering::Relaxed);
        let calm_since = changed_ms.max(self.behind_ms.load(Ordering::Relaxed));
        let wanted = if backlog_secs >= BEHIND_SECS && now_ms >= changed_ms + SLOWER_AFTER_MS {
            (halvings + 1).min(SLOWEST)
        } else if now_ms >= calm_since + FASTER_AFTER_MS {
            halvings.saturating_sub(1)
        } else {
            halvings
        };
        // Of several workers that find the same, one makes the change.
        let order = Ordering::Relaxed;
        if wanted != halvings
            && self.changed_ms.compare_exchange(changed_ms, now_ms, order, order).is_ok()
        {
            self.halvings.store(wanted, order);
        }
    }

    /// Seconds between readings at this pace; 0 for all of them.
    #[must_use]
    pub fn interval_secs(&self) -> f64 {
        match self.halvings.load(Ordering::Relaxed) {
            0 => 0.0,
            halvings => READING_SECS * f64::from(1_u32 << halvings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interval in units of the shortest, 1 for all readings.
    fn one_in(pace: &Pace) -> u32 {
        ((pace.interval_secs() / READING_SECS).round() as u32).max(1)
    }

    #[test]
    fn it_slows_down_step_by_step_while_a_worker_is_behind_and_not_without_end() {
        let pace = Pace::default();
        let mut steps = vec![one_in(&pace)];
        for now_ms in (1000..10_000).step_by(10) {
            pace.tell_at(1.0, now_ms);
            steps.push(one_in(&pace));
        }
        steps.dedup();
        assert_eq!(steps, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn it_recovers_once_all_have_caught_up_for_a_while() {
        let pace = Pace::default();
        pace.tell_at(1.0, 1000);
        pace.tell_at(1.0, 2000);
        assert_eq!(one_in(&pace), 4);
        // One of two is still a little behind: neither slower nor faster.
        for now_ms in (2000..20_000).step_by(10) {
            pace.tell_at(0.0, now_ms);
            pace.tell_at(0.3, now_ms);
        }
        assert_eq!(one_in(&pace), 4);
        let mut steps = Vec::new();
        for now_ms in (20_000..40_000).step_by(10) {
            pace.tell_at(0.01, now_ms);
            steps.push(one_in(&pace));
        }
        steps.dedup();
        assert_eq!(steps, [4, 2, 1]);
    }

    #[test]
    fn many_that_are_behind_at_once_slow_it_down_once() {
        let pace = Pace::default();
        (0..100).for_each(|_| pace.tell_at(2.0, 1000));
        assert_eq!(one_in(&pace), 2);
    }
}
