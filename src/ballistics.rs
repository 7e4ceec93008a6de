//! How a needle moves: quickly away from the middle, slowly back, the same at any frame rate; and
//! how a peak is held.
//!
//! **Architecture Invariant**: readings are raw; all smoothing for eyes and lights is here.

use std::time::Duration;

use crate::params::Response;

/// Where a bipolar needle rests, as a share.
pub const MIDDLE: f32 = 0.5;

/// Time between frames while something moves.
pub const FRAME: Duration = Duration::from_millis(16);

/// Longest time between frames while something moves, however slowly.
const SLOWEST: Duration = Duration::from_millis(500);

/// How far a needle moves from frame to frame while it is slow, in steps that can be seen: the next
/// reading moves it anyway.
const STEPS: f32 = 2.0;

/// Least time between frames for a peak alone, which is a thin line: as long as a reading takes,
/// with which it is painted anyway.
const PEAK_FRAME: Duration = Duration::from_millis(190);

/// How long a peak is held, seconds, and the time constant of its way back.
const PEAK_HOLD_SECS: f32 = 6.0;
const PEAK_FALL_SECS: f32 = 1.5;

impl Response {
    /// Time constants away from the middle and back to it, seconds. The quickest makes two
    /// readings' worth, so that a step looks like a move; the slowest is a phrase.
    fn constants_secs(self) -> (f32, f32) {
        match self {
            Self::Dj => (0.14, 0.20),
            Self::Mix => (0.45, 0.55),
            Self::Slow => (4.0, 6.0),
        }
    }
}

/// A needle on a bipolar scale from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needle {
    position: f32,
    /// How long it has followed readings, seconds.
    age_secs: f32,
}

impl Default for Needle {
    fn default() -> Self {
        Self { position: MIDDLE, age_secs: 0.0 }
    }
}

impl Needle {
    /// One that has just begun at `position`.
    #[must_use]
    pub fn at(position: f32) -> Self {
        Self { position: position.clamp(0.0, 1.0), ..Self::default() }
    }

    /// Where it points now, in [0, 1].
    #[must_use]
    pub fn position(&self) -> f32 {
        self.position
    }

    /// Moves towards `target` for `elapsed_secs`; when it will have moved again by what can be
    /// seen, or `None` once it has arrived.
    ///
    /// ```text
    /// position += (target − position) · (1 − exp(−elapsed / τ)),  τ = attack away from the middle, release towards it
    /// ```
    ///
    /// A slow needle that has just begun is as quick as its age, as a mean of all there was would
    /// be. Nearer to the target than `resolution` (what half a pixel shows) it arrives. A target
    /// that is not a number is ignored.
    pub fn advance(
        &mut self,
        target: f32,
        elapsed_secs: f32,
        resolution: f32,
        response: Response,
    ) -> Option<Duration> {
        if !target.is_finite() {
            return None;
        }
        let elapsed_secs = elapsed_secs.max(0.0);
        let target = target.clamp(0.0, 1.0);
        let away = (target - MIDDLE).abs() > (self.position - MIDDLE).abs();
        let pick = |(attack, release)| if away { attack } else { release };
        let quickest: f32 = pick(Response::Dj.constants_secs());
        let constant_secs = pick(response.constants_secs()).min(quickest.max(self.age_secs));
        self.age_secs += elapsed_secs;
        self.position += (target - self.position) * -(-elapsed_secs / constant_secs).exp_m1();
        let distance = (target - self.position).abs();
        if distance <= resolution {
            self.position = target;
            return None;
        }
        let next_secs = constant_secs * STEPS * resolution / distance;
        Some(Duration::from_secs_f32(next_secs).clamp(FRAME, SLOWEST))
    }
}

/// The farthest that a needle has lately been to one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peak {
    position: Option<f32>,
    held_secs: f32,
}

impl Peak {
    /// Where it stands; none before any reading.
    #[must_use]
    pub fn position(&self) -> Option<f32> {
        self.position
    }

    /// Follows a needle that is at `needle` now, to the side on which `is_farther(needle, peak)`;
    /// held for six seconds, then falling back to the needle. When it will have moved again, or
    /// `None` while it rests at the needle.
    pub fn follow(
        &mut self,
        needle: f32,
        elapsed_secs: f32,
        resolution: f32,
        is_farther: fn(f32, f32) -> bool,
    ) -> Option<Duration> {
        let peak = self.position.filter(|peak| !is_farther(needle, *peak) && needle != *peak);
        let Some(peak) = peak else {
            (self.position, self.held_secs) = (Some(needle), 0.0);
            return None;
        };
        self.held_secs += elapsed_secs.max(0.0);
        let left_secs = PEAK_HOLD_SECS - self.held_secs;
        if left_secs > 0.0 {
            return Some(Duration::from_secs_f32(left_secs).max(FRAME));
        }
        let fallen = peak + (needle - peak) * -(-elapsed_secs / PEAK_FALL_SECS).exp_m1();
        let distance = (fallen - needle).abs();
        let has_arrived = distance <= resolution;
        self.position = Some(if has_arrived { needle } else { fallen });
        let next_secs = PEAK_FALL_SECS * resolution / distance;
        (!has_arrived).then(|| Duration::from_secs_f32(next_secs).clamp(PEAK_FRAME, SLOWEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::config::READING_SECS;

    const FINE: f32 = 1e-4;

    fn at(position: f32) -> Needle {
        Needle::at(position)
    }

    #[test]
    fn one_time_constant_covers_63_percent_of_the_way() {
        let mut needle = Needle::default();
        needle.advance(1.0, 0.14, FINE, Response::Dj);
        assert!((needle.position() - (0.5 + 0.5 * 0.632)).abs() < 1e-3);
    }

    #[test]
    fn falling_back_is_slower_than_moving_out() {
        let (mut out, mut back) = (Needle::default(), at(1.0));
        out.advance(1.0, 0.1, FINE, Response::Dj);
        back.advance(0.5, 0.1, FINE, Response::Dj);
        assert!(out.position() - 0.5 > 1.0 - back.position());
    }

    #[test]
    fn the_frame_rate_does_not_matter() {
        let (mut coarse, mut fine) = (Needle::default(), Needle::default());
        coarse.advance(0.9, 0.12, FINE, Response::Dj);
        (0..12).for_each(|_| assert!(fine.advance(0.9, 0.01, FINE, Response::Dj).is_some()));
        assert!((coarse.position() - fine.position()).abs() < 1e-5);
    }

    #[test]
    fn it_arrives_and_then_needs_no_repaint() {
        let mut needle = Needle::default();
        let steps = (0..1000)
            .take_while(|_| needle.advance(0.2, 1.0 / 60.0, 0.002, Response::Dj).is_some())
            .count();
        assert!(steps > 3 && steps < 120, "{steps} steps");
        assert_eq!(needle.position(), 0.2);
        assert_eq!(needle.advance(0.2, 1.0 / 60.0, 0.002, Response::Dj), None);
    }

    #[test]
    fn it_never_overshoots_however_long_a_frame_takes() {
        let mut needle = at(0.1);
        needle.advance(0.9, 1e9, FINE, Response::Dj);
        assert_eq!(needle.position(), 0.9);
        needle.advance(7.0, 1e9, FINE, Response::Dj);
        assert_eq!(needle.position(), 1.0);
    }

    #[test]
    fn a_target_that_is_no_number_leaves_it_where_it_was() {
        let mut needle = at(0.3);
        assert_eq!(needle.advance(f32::NAN, 0.1, FINE, Response::Dj), None);
        assert_eq!(needle.position(), 0.3);
    }

    #[test]
    fn time_that_runs_backwards_does_not_move_it() {
        let mut needle = at(0.3);
        needle.advance(0.9, -1.0, FINE, Response::Dj);
        assert_eq!(needle.position(), 0.3);
    }

    #[test]
    fn a_slow_needle_is_quick_at_first_and_then_takes_its_time() {
        let mut needle = Needle::default();
        (0..60).for_each(|_| _ = needle.advance(0.9, 1.0 / 60.0, FINE, Response::Slow));
        assert!(needle.position() > 0.8, "after a second: {}", needle.position());
        (0..1200).for_each(|_| _ = needle.advance(0.9, 1.0 / 60.0, FINE, Response::Slow));
        let before = needle.position();
        (0..60).for_each(|_| _ = needle.advance(0.6, 1.0 / 60.0, FINE, Response::Slow));
        let part = (before - needle.position()) / (before - 0.6);
        assert!((part - 0.154).abs() < 0.01, "of the way back in a sixth of 6 s: {part}");
    }

    #[test]
    fn a_slow_needle_asks_for_few_frames() {
        let mut needle = at(0.8);
        needle.age_secs = 100.0;
        let next = needle.advance(0.81, 0.016, 0.002, Response::Slow).unwrap();
        assert!(next > Duration::from_millis(200), "{next:?}");
        let next = needle.advance(0.2, 0.016, 0.002, Response::Dj).unwrap();
        assert_eq!(next, FRAME);
    }

    #[test]
    fn whatever_the_readings_a_needle_goes_there_and_back_less_than_three_times_a_second() {
        const SECS: f64 = 20.0;
        for response in [Response::Dj, Response::Mix, Response::Slow] {
            let mut needle = Needle::default();
            let mut places = Vec::new();
            for frame in 0..(60.0 * SECS) as u32 {
                let reading = (f64::from(frame) / 60.0 / READING_SECS) as u32;
                needle.advance((reading % 2) as f32, 1.0 / 60.0, FINE, response);
                places.push(needle.position());
            }
            let is_turn = |w: &&[f32]| w[1] > w[0] && w[1] >= w[2];
            let turns = places.windows(3).filter(is_turn).count();
            assert!(turns as f64 / SECS < 3.0, "{response:?}: {turns} in {SECS} s");
        }
    }

    #[test]
    fn at_a_splice_a_needle_crosses_even_soon_after_the_readings_do() {
        // As readings go over from one mood to the other, in four seconds.
        let reading = |secs: f64| (0.85 - 0.7 * ((secs - 2.0) / 4.0).clamp(0.0, 1.0)) as f32;
        for (response, most_secs) in [(Response::Dj, 0.3), (Response::Mix, 0.7)] {
            for frames_per_sec in [30.0, 60.0] {
                let mut needle = Needle::default();
                let crossing = (0..).map(|frame| f64::from(frame) / frames_per_sec).find(|secs| {
                    let heard_secs = (secs / READING_SECS).floor() * READING_SECS;
                    needle.advance(
                        reading(heard_secs),
                        1.0 / frames_per_sec as f32,
                        FINE,
                        response,
                    );
                    *secs > 2.0 && needle.position() < MIDDLE
                });
                // The readings themselves cross with the first that is past the middle.
                let raw = (4.0 / READING_SECS).ceil() * READING_SECS;
                let behind_secs = crossing.unwrap() - raw;
                assert!(behind_secs <= most_secs, "{response:?}: {behind_secs} s");
            }
        }
    }

    #[test]
    fn a_peak_is_held_and_then_falls_to_the_needle() {
        let up = |needle: f32, peak: f32| needle > peak;
        let mut peak = Peak::default();
        assert_eq!(peak.follow(0.7, 0.1, FINE, up), None);
        assert!(peak.follow(0.6, 3.0, FINE, up).is_some());
        assert_eq!(peak.position(), Some(0.7));
        peak.follow(0.6, 4.0, FINE, up);
        assert!(peak.position().unwrap() < 0.7);
        let frames = (0..1000).take_while(|_| peak.follow(0.6, 0.016, FINE, up).is_some()).count();
        assert!((10..999).contains(&frames), "{frames}");
        assert_eq!(peak.position(), Some(0.6));
        peak.follow(0.65, 0.016, FINE, up);
        assert_eq!(peak.position(), Some(0.65));
    }
}
