//! What was read so far, by place: in the song where the host tells where it is, else in the time
//! heard.
//!
//! A [`History`] is written by the analysis thread and read by the editor, through one mutex for
//! which the analysis thread never waits. It is saved with the host's project.

pub mod compare;
pub mod sections;
mod slot;
#[cfg(feature = "plugin")]
pub mod state;
mod track;

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

pub use slot::{Point, SLOT_SECS};
pub use track::{Means, Track};

use crate::config::{RING_SECS, SILENCE_SECS};
use crate::model::space::LabelSpace;
use crate::reading::{Phase, Reading, Stamped};
use crate::units::count;
use compare::SNAPSHOT_SLOTS;
use slot::{pack, slot_of, worth};

/// How far a place may be from where the last one foretells it, seconds, and the song still be
/// playing on.
const PLAYS_ON_SECS: f64 = 0.5;

/// How long a song must have played on for silence to be its own, seconds: what it takes to be
/// told, and a slot. Before, it is that of a host that stood still.
const OWN_SILENCE_SECS: f64 = SILENCE_SECS + SLOT_SECS;

/// What places are counted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// The host's timeline.
    Song,
    /// Music heard, through resets and pauses.
    #[default]
    Heard,
}

/// What was read, on both clocks.
///
/// A place that is played again is overwritten, but not by less than is known of it: neither by a
/// provisional reading where there is a whole one, nor by the silence in which the host stood
/// before it played. What really changed is there once it is read as a whole. After a song, while
/// the host's transport stands still, music goes on record once it has lasted for a window of ten
/// seconds: neither silence nor what rings on takes the song out of view.
///
/// Six hours fit on each clock. Of the time heard the oldest hour is then forgotten. Of the song,
/// what lies more than six hours from the place being played is forgotten.
///
/// # Real-time safety
/// [`record`](Self::record) neither allocates, locks nor fails.
pub struct History {
    song: Track,
    heard: Track,
    /// That of the newest point.
    clock: Clock,
    newest: Option<i64>,
    /// Where the time heard has got to.
    heard_secs: f64,
    /// Time of the last reading.
    time_secs: f64,
    /// Music heard since the last reading that had a place in the song, or since silence.
    unplaced_secs: f64,
    /// Where in the song the last reading was, and for how long it has played on until there.
    song_secs: Option<f64>,
    placed_secs: f64,
    /// The slots written since the last reset, newest last, each with its [`tick`](Self::tick): a
    /// minute of them.
    recent: VecDeque<(i64, u64)>,
    /// Counts what is written. Begins at the nanoseconds of the system's clock, so that what a
    /// history of a later session writes has later ticks than what an earlier one wrote.
    tick: u64,
    poles: Vec<[String; 2]>,
}

/// Where a history has got to: while it is the same, so is what eyes see of it. A place that is
/// read again within its half second waits for the next place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryMark {
    clock: Clock,
    newest: Option<i64>,
    span_secs: Option<(f64, f64)>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("mark", &self.mark()).finish_non_exhaustive()
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    /// An empty history with all its memory set aside.
    #[must_use]
    pub fn new() -> Self {
        Self {
            song: Track::new(),
            heard: Track::new(),
            clock: Clock::default(),
            newest: None,
            heard_secs: 0.0,
            time_secs: 0.0,
            unplaced_secs: 0.0,
            song_secs: None,
            placed_secs: 0.0,
            recent: VecDeque::with_capacity(SNAPSHOT_SLOTS),
            tick: nanos_since_1970(),
            poles: Vec::new(),
        }
    }

    /// Takes one reading. Those of phase waiting are passed over, and silence is kept without
    /// shares. So are readings of other label spaces than the history's, which a model on its way
    /// out may still give.
    pub fn record(&mut self, stamped: &Stamped) {
        let reading = &stamped.reading;
        if !reading.time_secs.is_finite() {
            return;
        }
        // Within one stream time only grows.
        let is_reset = reading.time_secs <= self.time_secs;
        let passed_secs = reading.time_secs.max(0.0) - if is_reset { 0.0 } else { self.time_secs };
        self.time_secs = reading.time_secs.max(0.0);
        if is_reset {
            self.recent.clear();
        }
        let song_secs = stamped.song_secs.filter(|secs| secs.is_finite());
        self.placed_secs = match (self.song_secs, song_secs) {
            (Some(before), Some(now))
                if !is_reset && (now - before - passed_secs).abs() <= PLAYS_ON_SECS =>
            {
                self.placed_secs + passed_secs
            }
            _ => 0.0,
        };
        self.song_secs = song_secs;
        if let Some(secs) = song_secs {
            self.unplaced_secs = 0.0;
            self.write(Clock::Song, slot_of(secs), reading);
            return;
        }
        let is_silent = reading.phase == Phase::Silent;
        self.unplaced_secs = if is_silent { 0.0 } else { self.unplaced_secs + passed_secs };
        if self.clock == Clock::Heard || self.unplaced_secs >= f64::from(count(RING_SECS)) {
            self.heard_secs += passed_secs;
            self.write(Clock::Heard, slot_of(self.heard_secs), reading);
        }
    }

    fn write(&mut self, clock: Clock, slot: i64, reading: &Reading) {
        let Some(packed) = pack(reading) else { return };
        if !self.poles.is_empty() && self.poles.len() != reading.n_spaces {
            return;
        }
        if self.clock != clock {
            self.recent.clear();
        }
        let is_own_silence = reading.phase == Phase::Silent && self.placed_secs >= OWN_SILENCE_SECS;
        let is_kept = clock == Clock::Song
            && !is_own_silence
            && worth(&packed) < worth(&self.song.packed(slot));
        match clock {
            Clock::Song if is_kept => {}
            Clock::Song => self.song.write(slot, packed),
            Clock::Heard => self.heard.append(slot, packed),
        }
        if !is_kept {
            self.tick += 1;
            if self.recent.back().is_some_and(|(last, _)| *last == slot) {
                self.recent.pop_back();
            } else if self.recent.len() >= SNAPSHOT_SLOTS {
                self.recent.pop_front();
            }
            self.recent.push_back((slot, self.tick));
        }
        (self.clock, self.newest) = (clock, Some(slot));
    }

    /// The clock of the newest point.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What was read, by `clock`.
    #[must_use]
    pub fn track(&self, clock: Clock) -> &Track {
        match clock {
            Clock::Song => &self.song,
            Clock::Heard => &self.heard,
        }
    }

    /// The point written last, on [`clock`](Self::clock).
    #[must_use]
    pub fn newest(&self) -> Option<Point> {
        self.track(self.clock).point(self.newest?)
    }

    /// Where it has got to.
    #[must_use]
    pub fn mark(&self) -> HistoryMark {
        let span_secs = self.track(self.clock).span_secs();
        HistoryMark { clock: self.clock, newest: self.newest, span_secs }
    }

    /// Forgets everything but the label spaces.
    pub fn clear(&mut self) {
        self.song.clear();
        self.heard.clear();
        self.recent.clear();
        self.newest = None;
        self.clock = Clock::Heard;
        self.heard_secs = 0.0;
    }

    /// Names the label spaces of the readings to come. Where their poles are not those of the
    /// readings held, these are forgotten. Allocates.
    pub fn set_spaces(&mut self, spaces: &[LabelSpace]) {
        let poles: Vec<[String; 2]> =
            spaces.iter().map(|space| [space.first.clone(), space.second.clone()]).collect();
        if poles != self.poles {
            if !self.poles.is_empty() {
                self.clear();
            }
            self.poles = poles;
        }
    }
}

/// The system's clock; 0 where it cannot be told so.
fn nanos_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::MAX_SPACES;

    fn reading(time_secs: f64, song_secs: Option<f64>, share: f32) -> Stamped {
        let (phase, shares) = (Phase::Live, [share; MAX_SPACES]);
        Reading { time_secs, phase, n_spaces: 2, shares, ..Reading::default() }.at(song_secs)
    }

    fn in_phase(phase: Phase, stamped: Stamped) -> Stamped {
        Stamped { reading: Reading { phase, ..stamped.reading }, ..stamped }
    }

    fn shares(track: &Track) -> Vec<(f64, f32)> {
        track.points(f64::NEG_INFINITY, f64::INFINITY).map(|p| (p.secs, p.shares[0])).collect()
    }

    #[test]
    fn a_passage_that_is_played_again_is_overwritten() {
        let mut history = History::new();
        for (time, song, share) in
            [(1.0, 10.1, 0.1), (1.5, 10.6, 0.2), (2.0, 11.1, 0.3), (1.0, 10.7, 0.4)]
        {
            history.record(&reading(time, Some(song), share));
        }
        assert_eq!(shares(history.track(Clock::Song)), [(10.0, 0.1), (10.5, 0.4), (11.0, 0.3)]);
        assert_eq!(history.clock(), Clock::Song);
        assert_eq!(history.newest().map(|point| point.secs), Some(10.5));
        assert_eq!(history.track(Clock::Heard).span_secs(), None);
    }

    /// Phases by slot, `.` for none.
    fn phases(history: &History, slots: std::ops::Range<i64>) -> String {
        let phase = |slot| match history.song.point(slot).map(|point| point.phase) {
            Some(Phase::Live) => 'L',
            Some(Phase::Listening) => 'l',
            Some(Phase::Silent) => 'S',
            _ => '.',
        };
        slots.map(phase).collect()
    }

    /// Records what a song gives whose phases, one a slot, are `phases`, from `song_secs` on; heard
    /// from `time_secs` on.
    fn play(history: &mut History, phases: &str, song_secs: f64, time_secs: f64, share: f32) {
        for (n, phase) in phases.chars().enumerate() {
            let phase = match phase {
                'L' => Phase::Live,
                'l' => Phase::Listening,
                _ => Phase::Silent,
            };
            let secs = n as f64 * SLOT_SECS;
            let reading = reading(time_secs + secs, Some(song_secs + secs), share);
            history.record(&in_phase(phase, reading));
        }
    }

    #[test]
    fn a_worse_reading_never_replaces_a_better_one_of_the_same_place() {
        let mut history = History::new();
        play(&mut history, "llllllllLLLLLLLL", 0.0, 1.0, 0.5);
        // Again from the fourth second on, begun anew: provisional at first.
        play(&mut history, "llllllLL", 4.0, 1.0, 0.4);
        assert_eq!(phases(&history, 0..17), "llllllllLLLLLLLL.");
        let shares = shares(history.track(Clock::Song));
        assert_eq!(shares[13], (6.5, 0.5), "provisional over whole");
        assert_eq!(shares[14], (7.0, 0.4), "a passage that changed, once it is whole");
        assert_eq!(history.newest().map(|point| point.secs), Some(7.5));
        play(&mut history, "lllll", 0.0, 1.0, 0.3);
        assert_eq!(history.track(Clock::Song).point_at(1.0).unwrap().shares[0], 0.3);
    }

    #[test]
    fn silence_from_before_a_start_replaces_nothing_and_silence_that_lasts_does() {
        let mut history = History::new();
        play(&mut history, "LLLLLLLLLLLLLLLL", 0.0, 100.0, 0.5);
        // The host stood still; nothing was begun anew.
        for n in 0..10 {
            let silent = in_phase(Phase::Silent, reading(110.0 + f64::from(n), None, 0.5));
            history.record(&silent);
        }
        play(&mut history, "SSLLLL", 2.0, 120.0, 0.5);
        assert_eq!(phases(&history, 0..16), "LLLLLLLLLLLLLLLL");
        // The passage was muted: silence of its own.
        play(&mut history, "LLLLSSSS", 0.0, 130.0, 0.5);
        assert_eq!(phases(&history, 0..16), "LLLLLSSSLLLLLLLL");
        // Where nothing is known, any silence is news.
        play(&mut history, "SS", 60.0, 140.0, 0.5);
        assert_eq!(phases(&history, 120..123), "SS.");
    }

    #[test]
    fn what_was_not_replaced_is_not_taken_for_what_was_just_played() {
        let mut history = History::new();
        play(&mut history, "LLLLLLLL", 0.0, 100.0, 0.5);
        play(&mut history, "llllLL", 0.0, 1.0, 0.4);
        let slots: Vec<i64> = history.recent.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(slots, [4, 5]);
    }

    #[test]
    fn the_time_heard_goes_on_over_resets() {
        let mut history = History::new();
        for (time, share) in [(1.0, 0.1), (2.0, 0.2), (1.0, 0.3), (1.5, 0.4)] {
            history.record(&reading(time, None, share));
        }
        let heard = shares(history.track(Clock::Heard));
        assert_eq!(heard, [(1.0, 0.1), (2.0, 0.2), (3.0, 0.3), (3.5, 0.4)]);
        assert_eq!(history.clock(), Clock::Heard);
    }

    #[test]
    fn a_stop_leaves_the_song_in_view_until_other_music_comes() {
        let mut history = History::new();
        history.record(&reading(1.0, Some(30.0), 0.5));
        let mark = history.mark();
        history.record(&reading(3.0, None, 0.5));
        history.record(&in_phase(Phase::Silent, reading(60.0, None, 0.5)));
        assert_eq!((history.clock(), history.mark()), (Clock::Song, mark));
        (61..70).for_each(|secs| history.record(&reading(f64::from(secs), None, 0.5)));
        assert_eq!(history.clock(), Clock::Song);
        history.record(&reading(1.0, None, 0.5));
        assert_eq!((history.clock(), history.newest().map(|p| p.secs)), (Clock::Heard, Some(1.0)));
    }

    #[test]
    fn waiting_writes_nothing_and_neither_does_nonsense() {
        let mut history = History::new();
        history.record(&in_phase(Phase::Waiting, reading(0.5, Some(3.0), 0.5)));
        history.record(&reading(f64::NAN, Some(3.0), 0.5));
        assert_eq!((history.mark(), history.newest()), (History::new().mark(), None));
        history.record(&reading(1.0, Some(f64::NAN), 0.5));
        assert_eq!(history.clock(), Clock::Heard);
        history.record(&reading(2.0, Some(1e300), 0.5));
        history.record(&reading(3.0, Some(-1e300), 0.5));
        assert_eq!(shares(history.track(Clock::Song)).len(), 1);
    }

    #[test]
    fn other_label_spaces_start_afresh_and_the_same_do_not() {
        let spaces = [LabelSpace::new("excited", "calm", 90.0), LabelSpace::new("joy", "sad", 0.0)];
        let mut history = History::new();
        history.set_spaces(&spaces);
        history.record(&reading(1.0, None, 0.5));
        let one_space = Reading { n_spaces: 1, ..reading(1.5, None, 0.5).reading };
        history.record(&one_space.into());
        let turned = LabelSpace { angle_degrees: 10.0, ..spaces[1].clone() };
        history.set_spaces(&[spaces[0].clone(), turned]);
        assert_eq!(shares(history.track(Clock::Heard)).len(), 1);
        history.set_spaces(&spaces[..1]);
        assert_eq!((history.newest(), history.track(Clock::Heard).span_secs()), (None, None));
    }
}
