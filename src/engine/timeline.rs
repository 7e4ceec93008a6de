//! Where in the song the stream is: anchors between samples and the host's timeline, and what the
//! transport does between blocks.
//!
//! ```text
//! Transport of a block → Playhead (audio thread): started, jumped?
//!                      → Anchor, only where the timeline left what the last one foretold → Places (analysis thread)
//! ```

use crate::units::samples_to_secs;

/// How far the timeline may be from where the stream says it is before they are anchored again,
/// seconds. Positions come rounded, to a sample or to a tick of the host's.
const DRIFT_SECS: f64 = 0.005;

/// How far the timeline may move away between blocks, besides the length of a block, without having
/// jumped, seconds. Hosts that correct themselves, or play slower or faster, do not jump; no music
/// changes its mood within this.
const JUMP_SECS: f64 = 0.1;

/// What the host says of its transport at the first sample of a block; by default it stands and
/// tells nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// Whether it plays.
    pub playing: bool,
    /// Where on the timeline, seconds; `None` where the host does not say. Anything non-finite
    /// counts as `None`.
    pub song_secs: Option<f64>,
    /// Where the loop that the host plays begins and ends, seconds; `None` without one.
    pub loop_secs: Option<(f64, f64)>,
    /// Tempo of the host's beat grid, BPM; `None` where the host does not say.
    pub tempo_bpm: Option<f64>,
}

impl Transport {
    /// The place on the timeline, while it plays.
    pub(super) fn place_secs(&self) -> Option<f64> {
        self.song_secs.filter(|secs| self.playing && secs.is_finite())
    }
}

/// What the transport did before a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// It plays on, round a loop or a little off included; or it still stands, or stopped.
    None,
    /// It began to play.
    Start,
    /// It went on elsewhere.
    Jump,
}

/// The audio thread's memory of the transport.
#[derive(Debug)]
pub(super) struct Playhead {
    rate_hz: f64,
    was_playing: bool,
    /// Where the last block ended on the timeline, and how long it was.
    end_secs: Option<f64>,
    block_secs: f64,
}

impl Playhead {
    pub(super) fn new(rate_hz: f64) -> Self {
        Self { rate_hz, was_playing: false, end_secs: None, block_secs: 0.0 }
    }

    /// Takes the transport of the next block, of `n_samples`.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub(super) fn follow(&mut self, transport: &Transport, n_samples: usize) -> Move {
        let place_secs = transport.place_secs();
        let moved = match (self.end_secs, place_secs) {
            _ if transport.playing && !self.was_playing => Move::Start,
            (Some(end), Some(place)) if !self.goes_on(end, place, transport.loop_secs) => {
                Move::Jump
            }
            _ => Move::None,
        };
        self.was_playing = transport.playing;
        self.block_secs = samples_to_secs(n_samples as u64, self.rate_hz);
        self.end_secs = place_secs.map(|place| place + self.block_secs);
        moved
    }

    /// Whether a block at `place` goes on where the last one ended, or went once round the loop.
    /// Only the loop's length is looked at: where a host counts it in beats, its ends in seconds
    /// are a guess once the tempo has changed, its length is not.
    fn goes_on(&self, end: f64, place: f64, loop_secs: Option<(f64, f64)>) -> bool {
        let is_near = |expected: f64| (place - expected).abs() <= JUMP_SECS + self.block_secs;
        is_near(end) || loop_secs.is_some_and(|(from, to)| from < to && is_near(end - (to - from)))
    }
}

/// From sample `at` of the stream on, the timeline is at `song_secs` and goes on with the samples;
/// or there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Anchor {
    pub(super) at: u64,
    pub(super) song_secs: Option<f64>,
}

impl Anchor {
    /// The place on the timeline of position `at` in the stream, in samples.
    pub(super) fn place_secs(&self, at: f64, rate_hz: f64) -> Option<f64> {
        self.song_secs.map(|secs| secs + (at - self.at as f64) / rate_hz)
    }

    /// Whether this anchor foretells that sample `at` is at `place` on the timeline.
    pub(super) fn foretells(&self, at: u64, place: Option<f64>, rate_hz: f64) -> bool {
        match (self.place_secs(at as f64, rate_hz), place) {
            (Some(foretold), Some(place)) => (place - foretold).abs() <= DRIFT_SECS,
            (foretold, place) => foretold.is_none() && place.is_none(),
        }
    }
}

/// The analysis thread's view of the timeline: the anchor that holds now and the one before, for
/// windows that end before the newest sample does.
#[derive(Debug, Default)]
pub(super) struct Places {
    before: Anchor,
    now: Anchor,
}

impl Places {
    /// Takes the anchor that holds from here on.
    pub(super) fn pass(&mut self, anchor: Anchor) {
        self.before = std::mem::replace(&mut self.now, anchor);
    }

    /// Where on the timeline a window ends whose end is at position `at` in the stream, in samples.
    pub(super) fn place_secs(&self, at: f64, rate_hz: f64) -> Option<f64> {
        let anchor = if at > self.now.at as f64 { &self.now } else { &self.before };
        anchor.place_secs(at, rate_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 48_000.0;
    const BLOCK: usize = 480;
    const BLOCK_SECS: f64 = 0.01;

    fn playing(song_secs: f64) -> Transport {
        Transport { playing: true, song_secs: Some(song_secs), ..Transport::default() }
    }

    /// A playhead that has played a block which ended at `end`.
    fn after(end: f64) -> Playhead {
        let mut playhead = Playhead::new(RATE_HZ);
        assert_eq!(playhead.follow(&playing(end - BLOCK_SECS), BLOCK), Move::Start);
        playhead
    }

    #[test]
    fn going_on_and_small_corrections_are_no_move() {
        for off in [0.0, 0.004, -0.05, 0.1] {
            assert_eq!(after(5.0).follow(&playing(5.0 + off), BLOCK), Move::None, "{off}");
        }
        let mut half_speed = after(5.0);
        for n in 0..1000 {
            let at = playing(5.0 + f64::from(n) * BLOCK_SECS / 2.0);
            assert_eq!(half_speed.follow(&at, BLOCK), Move::None);
        }
    }

    #[test]
    fn jumps_both_ways_and_starts_are_moves_and_stops_are_not() {
        assert_eq!(after(5.0).follow(&playing(65.0), BLOCK), Move::Jump);
        let mut playhead = after(5.0);
        assert_eq!(playhead.follow(&playing(4.0), BLOCK), Move::Jump);
        assert_eq!(playhead.follow(&Transport::default(), BLOCK), Move::None);
        assert_eq!(playhead.follow(&playing(4.01), BLOCK), Move::Start);
        let untold = Transport { playing: true, ..Transport::default() };
        assert_eq!(playhead.follow(&untold, BLOCK), Move::None);
        assert_eq!(playhead.follow(&Transport::default(), BLOCK), Move::None);
        assert_eq!(playhead.follow(&untold, BLOCK), Move::Start);
    }

    #[test]
    fn going_round_the_loop_is_no_move_and_leaving_it_is() {
        let at = |song_secs| Transport { loop_secs: Some((10.0, 18.0)), ..playing(song_secs) };
        assert_eq!(
            after(18.0).follow(&at(10.0), BLOCK),
            Move::None,
            "a block that ends with the loop"
        );
        assert_eq!(after(18.003).follow(&at(10.003), BLOCK), Move::None, "one that goes beyond it");
        assert_eq!(after(14.0).follow(&at(10.0), BLOCK), Move::Jump);
        assert_eq!(after(18.0).follow(&at(11.0), BLOCK), Move::Jump);
        assert_eq!(after(18.0).follow(&playing(10.0), BLOCK), Move::Jump);
        let nonsense = Transport { loop_secs: Some((f64::NAN, f64::INFINITY)), ..playing(3.0) };
        assert_eq!(after(18.0).follow(&nonsense, BLOCK), Move::Jump);
    }

    #[test]
    fn a_host_without_sense_is_survived() {
        for secs in [f64::NAN, f64::INFINITY, -1e300] {
            let mut playhead = after(5.0);
            playhead.follow(&playing(secs), usize::MAX);
            playhead.follow(&playing(1.0), 0);
        }
        assert_eq!(playing(f64::NAN).place_secs(), None);
    }

    #[test]
    fn an_anchor_foretells_what_follows_it() {
        let anchor = Anchor { at: 1000, song_secs: Some(2.0) };
        assert!(anchor.foretells(1000 + 48_000, Some(3.004), RATE_HZ));
        assert!(!anchor.foretells(1000 + 48_000, Some(3.006), RATE_HZ));
        assert!(!anchor.foretells(1000 + 48_000, None, RATE_HZ));
        assert!(!Anchor::default().foretells(0, Some(0.0), RATE_HZ));
        assert!(Anchor::default().foretells(9, None, RATE_HZ));
    }

    #[test]
    fn a_window_that_ends_before_a_jump_keeps_the_old_timeline() {
        let mut places = Places::default();
        assert_eq!(places.place_secs(5.0, RATE_HZ), None);
        places.pass(Anchor { at: 0, song_secs: Some(60.0) });
        places.pass(Anchor { at: 48_000, song_secs: Some(90.0) });
        assert_eq!(places.place_secs(47_952.0, RATE_HZ), Some(60.999));
        assert_eq!(places.place_secs(48_000.0, RATE_HZ), Some(61.0));
        assert_eq!(places.place_secs(48_048.0, RATE_HZ), Some(90.001));
        places.pass(Anchor { at: 50_000, song_secs: None });
        assert_eq!(places.place_secs(50_001.0, RATE_HZ), None);
    }
}
