//! What is sent: everything that lights may want to know, as numbers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Asks;
use crate::ballistics::{MIDDLE, Needle};
use crate::engine::beat::Beat;
use crate::model::card::ModelFacts;
use crate::mood::{self, Axis, POLES};
use crate::reading::{MAX_SPACES, Phase, Stamped};

/// What a needle need not move by to be sent again, as a share.
const RESOLUTION: f32 = 0.0005;

/// How far back a trend looks, seconds.
pub const TREND_SECS: f64 = 4.0;

/// A quadrant changes once the mood has been so far beyond an axis for so long: a share of .56, for
/// a mood of .12.
pub const QUADRANT_REACH: f32 = 0.12;
/// See [`QUADRANT_REACH`].
pub const QUADRANT_SECS: f32 = 2.0;

/// A section ends once a share has been so far from the section's mean for so long.
pub const SECTION_REACH: f32 = 0.2;
/// See [`SECTION_REACH`].
pub const SECTION_SECS: f32 = 8.0;

/// Mean power that counts as no energy at all, dB re full scale.
const NO_ENERGY_DB: f32 = -60.0;

/// A host that analyses nothing for so long has paused.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// What the values mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveState {
    /// Silence, or no audio: shares rest where they were.
    #[default]
    Silent = 0,
    /// Less than ten seconds heard: shares are provisional.
    Listening = 1,
    /// Shares mean what they say.
    Live = 2,
    /// Somebody holds them.
    Held = 3,
}

/// One pair of words, by its first pole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Where the needle points, 0 to 1.
    pub needle: f32,
    /// The newest reading's share, 0 to 1.
    pub raw: f32,
    /// Ends of the band that holds listeners' own share four times in five.
    pub low: f32,
    /// See [`low`](Self::low).
    pub high: f32,
    /// How far the share has moved in the last four seconds, −1 to 1.
    pub trend: f32,
    /// Whether one side leads clearly.
    pub is_sure: bool,
}

impl Default for Pair {
    fn default() -> Self {
        Self { needle: MIDDLE, raw: MIDDLE, low: 0.0, high: 1.0, trend: 0.0, is_sure: false }
    }
}

/// Everything at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Values {
    /// What they mean.
    pub state: LiveState,
    /// The pairs of words in use are the first so many.
    pub n_pairs: usize,
    /// Each pair of words.
    pub pairs: [Pair; MAX_SPACES],
    /// 1 up and right on the plane (excited and joyful), then against the clock's way round it: 2
    /// excited and sad, 3 calm and sad, 4 calm and joyful; 0 while nothing is known.
    pub quadrant: u8,
    /// Parts of the music so far: one more at each change.
    pub section: u32,
    /// Colour of the mood: red, green, blue of sRGB, each 0 to 1.
    pub colour: [f32; 3],
    /// The tempo that holds, BPM; 0 while none is clear.
    pub tempo_bpm: f32,
    /// Part of the host's beat that is over, 0 to 1; `None` while its transport stands.
    pub beat: Option<f32>,
    /// Power of the harmonic and of the percussive part: 0 at −60 dB re full scale, 1 at 0 dB.
    pub energy: [f32; 2],
    /// How strong each note is, C first, 0 to 1.
    pub chroma: [f32; 12],
}

/// Which side of the middle a coordinate is on, changed only by what lasts.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    is_first: Option<bool>,
    other_secs: f32,
}

impl Side {
    fn follow(&mut self, at: f32, secs: f32) -> bool {
        let is_first = *self.is_first.get_or_insert(at >= 0.0);
        let is_beyond = if is_first { at < -QUADRANT_REACH } else { at > QUADRANT_REACH };
        self.other_secs = if is_beyond { self.other_secs + secs } else { 0.0 };
        if self.other_secs >= QUADRANT_SECS {
            *self = Self { is_first: Some(!is_first), other_secs: 0.0 };
        }
        self.is_first == Some(true)
    }
}

/// The mean of a part of the music, and how long the shares have been elsewhere.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    n_readings: f32,
    means: [f32; MAX_SPACES],
    away_secs: f32,
}

impl Part {
    /// Takes one reading, `secs` after the last; whether it begins another part.
    fn take(&mut self, shares: &[f32], secs: f32) -> bool {
        let away = |(share, mean): (&f32, &f32)| (share - mean).abs() > SECTION_REACH;
        if self.n_readings > 0.0 && shares.iter().zip(&self.means).any(away) {
            self.away_secs += secs;
            if self.away_secs < SECTION_SECS {
                return false;
            }
            *self = Self::default();
            self.take(shares, secs);
            return true;
        }
        self.away_secs = 0.0;
        self.n_readings += 1.0;
        for (mean, share) in self.means.iter_mut().zip(shares) {
            *mean += (share - *mean) / self.n_readings;
        }
        false
    }
}

/// What makes values out of readings, from one moment to the next.
#[derive(Debug, Default)]
pub struct Follower {
    model: Arc<ModelFacts>,
    stamped: Stamped,
    /// Of the newest readings: time and shares.
    recent: VecDeque<(f64, [f32; MAX_SPACES])>,
    needles: [Needle; MAX_SPACES],
    /// Up and right of the middle.
    sides: [Side; 2],
    part: Part,
    section: u32,
    moved_at: Option<Instant>,
    read_at: Option<Instant>,
    /// What was sent when somebody began to hold it.
    held: Option<Values>,
}

impl Follower {
    /// A model came into charge: what follows are its readings.
    pub fn begin(&mut self, model: Arc<ModelFacts>) {
        *self = Self { model, section: self.section, held: self.held, ..Self::default() };
    }

    /// The model in charge.
    #[must_use]
    pub fn model(&self) -> &ModelFacts {
        &self.model
    }

    /// Takes a reading at `now`.
    pub fn take(&mut self, stamped: &Stamped, now: Instant) {
        let reading = &stamped.reading;
        let before = self.stamped.reading.time_secs;
        if reading.time_secs < before || !reading.phase.has_shares() {
            // A new start, or silence: what comes is another part.
            self.recent.clear();
            if self.part.n_readings > 0.0 {
                self.part = Part::default();
                self.section = self.section.wrapping_add(1);
            }
        }
        if reading.time_secs < before {
            (self.needles, self.sides) = Default::default();
        }
        if reading.phase.has_shares() {
            let secs = (reading.time_secs - before).clamp(0.0, 1.0) as f32;
            // One that is no number says nothing.
            let shares = reading.shares.map(|share| part(share, MIDDLE));
            if self.part.take(&shares[..reading.shares().len()], secs) {
                self.section = self.section.wrapping_add(1);
            }
            self.recent.push_back((reading.time_secs, shares));
            while self.recent.len() > 1
                && self.recent.get(1).is_some_and(|r| reading.time_secs - r.0 >= TREND_SECS)
            {
                self.recent.pop_front();
            }
        }
        (self.stamped, self.read_at) = (*stamped, Some(now));
    }

    /// What is to be sent at `now`.
    pub fn values(&mut self, now: Instant, asks: Asks, beat: Option<Beat>) -> Values {
        let secs =
            self.moved_at.map_or(0.0, |then| now.saturating_duration_since(then).as_secs_f32());
        self.moved_at = Some(now);
        let beat = beat.map(|beat| beat.phase() as f32);
        let values = self.free(now, secs, asks);
        if !asks.holds {
            self.held = None;
            return Values { beat, ..values };
        }
        let held = *self.held.get_or_insert(values);
        Values { state: LiveState::Held, beat, ..held }
    }

    /// The same while nobody holds anything.
    fn free(&mut self, now: Instant, secs: f32, asks: Asks) -> Values {
        let reading = self.stamped.reading;
        let is_stale =
            self.read_at.is_none_or(|then| now.saturating_duration_since(then) > STALE_AFTER);
        let state = match reading.phase {
            _ if is_stale => LiveState::Silent,
            Phase::Live => LiveState::Live,
            Phase::Listening => LiveState::Listening,
            Phase::Waiting | Phase::Silent => LiveState::Silent,
        };
        let n_pairs = self.model.spaces.len().min(MAX_SPACES);
        let mut values = Values { state, n_pairs, section: self.section, ..Values::default() };
        let oldest = self.recent.front().map_or([MIDDLE; MAX_SPACES], |(_, shares)| *shares);
        for (index, space) in self.model.spaces.iter().take(n_pairs).enumerate() {
            let needle = &mut self.needles[index];
            let pair = &mut values.pairs[index];
            let raw = reading.shares().get(index).filter(|raw| raw.is_finite());
            let raw = raw.map(|raw| raw.clamp(0.0, 1.0));
            if let (Some(raw), true) = (raw, state != LiveState::Silent) {
                needle.advance(raw, secs, RESOLUTION, asks.response);
                let [low, high] = reading.bands[index].map(|end| part(end, raw));
                let trend = raw - oldest[index];
                *pair = Pair { raw, low, high, trend, ..*pair };
                pair.is_sure = !space.is_ambiguous(needle.position());
            }
            pair.needle = needle.position();
        }
        self.place(&mut values, secs);
        if state != LiveState::Silent {
            values.tempo_bpm = self.stamped.held_bpm.unwrap_or(0.0);
            values.energy = [reading.energy_harmonic_db, reading.energy_percussive_db]
                .map(|db| part(1.0 - db / NO_ENERGY_DB, 0.0));
            values.chroma = reading.chroma.map(|note| part(note, 0.0));
        }
        values
    }

    /// Quadrant and colour, by where the needles are.
    fn place(&mut self, values: &mut Values, secs: f32) {
        let spaces = || self.model.spaces.iter().zip(&values.pairs).take(values.n_pairs);
        let [x, y] =
            mood::position(spaces().map(|(space, pair)| (space.angle_degrees, pair.needle)));
        let axes = spaces().enumerate().map(|(index, (space, _))| {
            let (first, second) = POLES[index % POLES.len()];
            Axis { angle_degrees: space.angle_degrees, first, second }
        });
        values.colour = mood::colour([x, y], axes);
        if values.state == LiveState::Silent {
            self.sides = Default::default();
            return;
        }
        let [right, up] = [x, y];
        let is_right = self.sides[0].follow(right, secs);
        let is_up = self.sides[1].follow(up, secs);
        values.quadrant = match (is_up, is_right) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
    }
}

/// A number from 0 to 1, or `else_` for none: JSON knows no such number, and lights make anything
/// of it.
fn part(number: f32, else_: f32) -> f32 {
    if number.is_finite() { number.clamp(0.0, 1.0) } else { else_ }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shipped_facts;
    use crate::reading::Reading;

    const STEP_SECS: f32 = 0.186;

    struct Played {
        follower: Follower,
        now: Instant,
        time_secs: f64,
        asks: Asks,
    }

    impl Played {
        fn new() -> Self {
            let mut follower = Follower::default();
            follower.begin(Arc::new(shipped_facts()));
            let asks = Asks { response: crate::params::Response::Dj, holds: false };
            Self { follower, now: Instant::now(), time_secs: 0.0, asks }
        }

        /// Plays `secs` of a mood.
        fn play(&mut self, shares: [f32; 2], phase: Phase, secs: f32) -> Values {
            let mut values = Values::default();
            for _ in 0..(secs / STEP_SECS).ceil() as usize {
                self.time_secs += f64::from(STEP_SECS);
                self.now += Duration::from_secs_f32(STEP_SECS);
                let mut reading = Reading { phase, n_spaces: 2, ..Reading::default() };
                reading.time_secs = self.time_secs;
                reading.shares[..2].copy_from_slice(&shares);
                reading.bands = reading.shares.map(|share| [share - 0.1, share + 0.1]);
                reading.energy_harmonic_db = -30.0;
                reading.energy_percussive_db = -90.0;
                self.follower.take(&reading.into(), self.now);
                values = self.follower.values(self.now, self.asks, None);
            }
            values
        }
    }

    #[test]
    fn values_are_those_of_the_music() {
        let mut played = Played::new();
        let before = played.follower.values(played.now, played.asks, None);
        assert_eq!((before.state, before.quadrant), (LiveState::Silent, 0));
        let values = played.play([0.9, 0.2], Phase::Live, 6.0);
        assert_eq!((values.state, values.n_pairs, values.quadrant), (LiveState::Live, 2, 2));
        let [excited, joy] = [values.pairs[0], values.pairs[1]];
        assert!((excited.needle - 0.9).abs() < 0.01 && excited.is_sure, "{excited:?}");
        assert_eq!((joy.raw, joy.low, joy.high), (0.2, 0.1, 0.3));
        assert_eq!(values.energy, [0.5, 0.0]);
        assert!(!played.play([0.5, 0.2], Phase::Live, 6.0).pairs[0].is_sure);
        let silent = played.play([0.5, 0.5], Phase::Silent, 1.0);
        assert_eq!((silent.state, silent.quadrant, silent.tempo_bpm), (LiveState::Silent, 0, 0.0));
        assert!((silent.pairs[1].needle - 0.2).abs() < 0.01, "it rests where it was");
    }

    #[test]
    fn a_trend_is_how_far_the_share_has_come_in_four_seconds() {
        let mut played = Played::new();
        played.play([0.3, 0.5], Phase::Live, 10.0);
        let risen = played.play([0.7, 0.5], Phase::Live, 2.0).pairs;
        assert!((risen[0].trend - 0.4).abs() < 1e-6 && risen[1].trend == 0.0, "{risen:?}");
        assert_eq!(played.play([0.7, 0.5], Phase::Live, 4.0).pairs[0].trend, 0.0);
    }

    #[test]
    fn a_quadrant_changes_only_by_what_lasts() {
        let mut played = Played::new();
        assert_eq!(played.play([0.8, 0.8], Phase::Live, 3.0).quadrant, 1);
        assert_eq!(played.play([0.8, 0.1], Phase::Live, 1.5).quadrant, 1, "for a moment");
        played.play([0.8, 0.8], Phase::Live, 3.0);
        assert_eq!(played.play([0.8, 0.46], Phase::Live, 30.0).quadrant, 1, "by a little");
        assert_eq!(played.play([0.8, 0.1], Phase::Live, 4.0).quadrant, 2);
        assert_eq!(played.play([0.2, 0.1], Phase::Live, 4.0).quadrant, 3);
        assert_eq!(played.play([0.2, 0.9], Phase::Live, 4.0).quadrant, 4);
    }

    #[test]
    fn a_part_of_the_music_ends_with_its_mood_and_with_silence() {
        let mut played = Played::new();
        let first = played.play([0.8, 0.8], Phase::Live, 30.0).section;
        assert_eq!(played.play([0.3, 0.8], Phase::Live, 5.0).section, first, "for a moment");
        assert_eq!(played.play([0.8, 0.8], Phase::Live, 20.0).section, first);
        assert_eq!(played.play([0.3, 0.8], Phase::Live, 20.0).section, first + 1);
        played.play([0.3, 0.8], Phase::Silent, 2.0);
        assert_eq!(played.play([0.3, 0.8], Phase::Live, 5.0).section, first + 2);
    }

    #[test]
    fn what_is_held_stays_and_the_beat_goes_on() {
        let mut played = Played::new();
        let before = played.play([0.8, 0.8], Phase::Live, 5.0);
        played.asks.holds = true;
        let held = played.follower.values(played.now, played.asks, None);
        assert_eq!(held, Values { state: LiveState::Held, ..before });
        assert_eq!(played.play([0.2, 0.2], Phase::Live, 5.0), held);
        let beat = Some(Beat { quarters: 3.25, tempo_bpm: 120.0 });
        assert_eq!(played.follower.values(played.now, played.asks, beat).beat, Some(0.25));
        played.asks.holds = false;
        assert!(played.play([0.2, 0.2], Phase::Live, 5.0).pairs[0].needle < 0.3);
    }

    #[test]
    fn whatever_a_reading_holds_what_is_sent_is_a_number_in_its_range() {
        let mut played = Played::new();
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
            let mut reading = Reading { phase: Phase::Live, n_spaces: 2, ..Reading::default() };
            (reading.shares, reading.bands) = ([odd; MAX_SPACES], [[odd; 2]; MAX_SPACES]);
            (reading.chroma, reading.energy_harmonic_db) = ([odd; 12], odd);
            played.follower.take(&reading.into(), played.now);
            let values = played.follower.values(played.now, played.asks, None);
            let parts = values.pairs.iter().flat_map(|pair| [pair.needle, pair.low, pair.high]);
            let parts = parts.chain(values.energy).chain(values.chroma).chain(values.colour);
            assert!(parts.into_iter().all(|part| (0.0..=1.0).contains(&part)), "{values:?}");
            assert!(values.pairs.iter().all(|pair| (-1.0..=1.0).contains(&pair.trend)));
        }
    }

    #[test]
    fn a_host_that_has_stopped_is_silent() {
        let mut played = Played::new();
        played.play([0.8, 0.8], Phase::Live, 5.0);
        let later = played.now + STALE_AFTER + Duration::from_millis(1);
        assert_eq!(played.follower.values(later, played.asks, None).state, LiveState::Silent);
    }
}
