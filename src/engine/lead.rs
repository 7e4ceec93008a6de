//! Whether a host plays or renders, by what happens: how far its audio is ahead of the clock.
//!
//! Hosts announce a render late, not at all, or only as they begin the playback after it. What
//! cannot be mistaken is the pace. Live audio may come early by what lies in somebody's buffer, and
//! by no more; a render runs away from the clock.
//!
//! ```text
//! lead += length of the block − 1.1 · time since the last one,   0 ≤ lead ≤ 2 s
//! ```
//!
//! A render is what would be more than two seconds ahead. What came up to then lies in the ring,
//! which holds four, so that nothing of it is lost; from then on the host waits for the analysis.
//!
//! **Architecture Invariant**: the clock is handed in, and the mode that a host announces is not.

/// Lead from which on audio is a render's, seconds. Hosts that compute ahead of live playback do so
/// by 0.2 to 1 s; half of what the ring holds leaves room for the block that crosses it, and for a
/// worker that is still busy with its model.
pub const RENDER_SECS: f64 = 2.0;

/// Fastest pace that is live for ever, times the clock: a device may run at 48 kHz where the host
/// says 44.1, and no render is worth its name that is not faster.
const LIVE_PACE: f64 = 1.1;

/// Pace of a block that ends a render, times the clock: as early as a block of live playback comes
/// that was late before.
const IRREGULAR_PACE: f64 = 2.0;

/// Lead that is given back when a render ends in a block that kept to the clock, seconds. More than
/// most hosts compute ahead, and than several of the largest blocks that are played live, so that
/// the first of them may come as irregularly as they like.
const RETURN_SECS: f64 = 0.5;

/// How far the audio of one stream is ahead of the clock.
#[derive(Debug, Default)]
pub struct Lead {
    secs: f64,
    /// The clock at the last block, or when the host was last let go, seconds.
    seen_secs: Option<f64>,
    is_render: bool,
}

impl Lead {
    /// Takes a block of `block_secs` that has come at `now_secs` of any clock that never goes back.
    /// True where it runs ahead as only a render does: the host may be made to wait, and must be,
    /// or audio is lost.
    ///
    /// A block whose length is none, or no number, tells nothing.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates, locks nor calls the system.
    pub fn take(&mut self, block_secs: f64, now_secs: f64) -> bool {
        if !(block_secs > 0.0 && block_secs.is_finite()) {
            return false;
        }
        let passed_secs = self.seen_secs.map_or(0.0, |seen| (now_secs - seen).max(0.0));
        self.seen_secs = Some(now_secs);
        self.secs = (self.secs - LIVE_PACE * passed_secs).max(0.0);
        if self.is_render && IRREGULAR_PACE * passed_secs >= block_secs {
            self.is_render = false;
            self.secs = self.secs.min(RENDER_SECS - RETURN_SECS);
        }
        self.secs += block_secs;
        let runs_away = self.secs > RENDER_SECS;
        if runs_away {
            self.secs = RENDER_SECS;
            self.is_render = true;
        }
        runs_away
    }

    /// Says that the host was made to wait until now: the time was ours, and tells nothing of its
    /// pace.
    pub fn let_go(&mut self, now_secs: f64) {
        self.seen_secs = Some(now_secs);
    }

    /// Seconds that the audio is ahead of the clock.
    #[must_use]
    pub fn secs(&self) -> f64 {
        self.secs
    }

    /// Whether this is a render's audio: from the block that ran away to one that kept to the
    /// clock.
    #[must_use]
    pub fn is_render(&self) -> bool {
        self.is_render
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 512 samples at 48 kHz.
    const BLOCK_SECS: f64 = 512.0 / 48_000.0;

    /// A host with a clock; whoever makes it wait makes it for `waits_secs`.
    #[derive(Default)]
    struct Host {
        lead: Lead,
        now_secs: f64,
        waits_secs: f64,
    }

    impl Host {
        /// Delivers a block after `gap_secs`; whether it was made to wait.
        fn block(&mut self, block_secs: f64, gap_secs: f64) -> bool {
            self.now_secs += gap_secs;
            let waits = self.lead.take(block_secs, self.now_secs);
            if waits {
                self.now_secs += self.waits_secs;
                self.lead.let_go(self.now_secs);
            }
            waits
        }

        /// Delivers `secs` of audio at `pace` times the clock; how many blocks were made to wait.
        fn play(&mut self, secs: f64, pace: f64) -> usize {
            let n_blocks = (secs / BLOCK_SECS) as usize;
            (0..n_blocks).filter(|_| self.block(BLOCK_SECS, BLOCK_SECS / pace)).count()
        }
    }

    #[test]
    fn live_playback_is_never_waited_for_however_long() {
        // A clock of the device's own, a little off or a lot, and playback slower than it sounds.
        for pace in [0.5, 0.999, 1.0, 1.001, 48.0 / 44.1] {
            let mut host = Host::default();
            assert_eq!(host.play(3600.0, pace), 0, "{pace}");
            assert!(host.lead.secs() < 2.0 * BLOCK_SECS, "{pace}: {}", host.lead.secs());
        }
    }

    #[test]
    fn bursts_that_a_buffer_explains_are_live() {
        // Half a second, one second, and nearly two computed ahead at once, then as much of a rest.
        for burst_secs in [0.2, 0.5, 1.0, 1.5] {
            let mut host = Host::default();
            for _ in 0..200 {
                let n_blocks = (burst_secs / BLOCK_SECS) as usize;
                let waited = (0..n_blocks).filter(|_| host.block(BLOCK_SECS, 1e-5)).count();
                assert_eq!(waited, 0, "{burst_secs}");
                host.now_secs += burst_secs;
            }
        }
    }

    #[test]
    fn whoever_stood_still_may_catch_up() {
        // A machine, or a debugger, that stopped everything for a minute, and a host that then
        // sends a second of audio at once.
        let mut host = Host::default();
        host.play(60.0, 1.0);
        host.now_secs += 60.0;
        assert_eq!(host.play(1.0, 1000.0), 0);
        assert_eq!(host.play(60.0, 1.0), 0);
    }

    #[test]
    fn a_render_is_told_while_there_is_room_in_the_ring() {
        for pace in [1.5, 2.0, 5.0, 20.0, 1000.0] {
            let mut host = Host::default();
            let (mut audio_secs, began_secs) = (0.0, host.now_secs);
            while !host.block(BLOCK_SECS, BLOCK_SECS / pace) {
                audio_secs += BLOCK_SECS;
                assert!(audio_secs < 60.0, "{pace}: never told");
            }
            let ahead_secs = audio_secs - (host.now_secs - began_secs);
            assert!(ahead_secs <= 1.3 * RENDER_SECS, "{pace}: {ahead_secs}");
        }
    }

    #[test]
    fn hardly_more_than_two_seconds_ever_come_unwaited_for() {
        // The ring is emptied at every wait; what comes between two of them beyond the clock must
        // fit.
        let mut bits = 1_u32;
        for pace in [2.0, 20.0, 1000.0] {
            let mut host = Host { waits_secs: 0.01, ..Host::default() };
            let mut unwaited_secs = 0.0_f64;
            for _ in 0..200_000 {
                bits ^= bits << 13;
                bits ^= bits >> 17;
                bits ^= bits << 5;
                // One block in eight is late, as where other programs take their turns.
                let late_secs = if bits.is_multiple_of(8) { BLOCK_SECS } else { 0.0 };
                let gap_secs = BLOCK_SECS / pace + late_secs;
                let waits = host.block(BLOCK_SECS, gap_secs);
                unwaited_secs = if waits { 0.0 } else { unwaited_secs + BLOCK_SECS - gap_secs };
                // What lies between the clock and the fastest pace that is live comes on top.
                assert!(unwaited_secs <= 1.3 * RENDER_SECS, "{pace}: {unwaited_secs}");
            }
        }
    }

    #[test]
    fn a_block_longer_than_any_buffer_is_a_renders_at_once() {
        assert!(Host::default().block(10.0, 0.0));
        assert!(!Host::default().block(1.5, 0.0));
    }

    #[test]
    fn a_render_that_is_made_to_wait_for_long_is_still_one() {
        // The analysis takes ten times as long as the audio lasts.
        let mut host = Host { waits_secs: 10.0 * BLOCK_SECS, ..Host::default() };
        let waited = host.play(10.0, 100.0);
        assert!(waited as f64 * BLOCK_SECS > 7.8, "{waited}");
    }

    #[test]
    fn after_a_render_not_one_live_block_is_waited_for() {
        for gap_secs in [0.6 * BLOCK_SECS, BLOCK_SECS, 0.1, 3.0] {
            let mut host = Host { waits_secs: 0.02, ..Host::default() };
            assert!(host.play(30.0, 500.0) > 2000);
            assert!(!host.block(BLOCK_SECS, gap_secs), "{gap_secs}: the first");
            // As irregular as a host with two buffers may be: early, then late.
            for n in 0..10_000 {
                let gap_secs = BLOCK_SECS * if n % 2 == 0 { 0.1 } else { 1.9 };
                assert!(!host.block(BLOCK_SECS, gap_secs), "{gap_secs}: {n}");
            }
            // In the end it is as it was before the render.
            assert_eq!(host.play(1.5, 1000.0), 0);
        }
    }

    #[test]
    fn a_host_that_hands_a_buffer_over_in_pieces_after_a_render_is_live() {
        let mut host = Host { waits_secs: 0.02, ..Host::default() };
        host.play(30.0, 500.0);
        for period in 0..5000 {
            for piece in 0..16 {
                let gap_secs = if piece == 0 { BLOCK_SECS } else { 0.0 };
                assert!(!host.block(BLOCK_SECS / 16.0, gap_secs), "{period} {piece}");
            }
        }
    }

    #[test]
    fn a_render_of_blocks_of_one_sample_is_a_render() {
        let sample_secs = 1.0 / 44_100.0;
        let mut host = Host::default();
        let waited = (0..10 * 44_100).filter(|_| host.block(sample_secs, 1e-6)).count();
        assert!(waited > 7 * 44_100, "{waited}");
    }

    #[test]
    fn lengths_and_clocks_that_are_none_are_passed_over() {
        let mut lead = Lead::default();
        for block_secs in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!lead.take(block_secs, 1.0));
        }
        assert_eq!(lead.secs(), 0.0);
        assert!(!lead.take(1.0, 5.0));
        assert!(!lead.take(0.5, 4.0), "a clock that went back");
        assert!(!lead.take(0.25, f64::NAN));
        assert!(lead.secs().is_finite());
    }
}
