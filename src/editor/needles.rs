//! Where the needles are, between one reading and the next.

use std::time::{Duration, Instant};

use super::view::{State, ViewState};
use crate::ballistics::{FRAME, Needle, Peak};
use crate::params::Response;

/// What moves on one meter.
#[derive(Clone, Copy, Default)]
struct Hand {
    needle: Needle,
    peaks: [Peak; 2],
    /// The thin mark of the newest seconds; it begins where it is first seen.
    recent: Option<Needle>,
}

/// The needles of all meters, their peaks, and when they last moved.
#[derive(Default)]
pub struct Needles {
    needles: Vec<Hand>,
    moved_at: Option<Instant>,
}

impl Needles {
    /// Moves each needle towards its meter's share, writes where it points, and says when any will
    /// have moved again.
    ///
    /// The first frame after a rest lasts [`FRAME`], since nobody knows how long the needle could
    /// already have been on its way. A meter without a share keeps its needle, except before any
    /// music, when it returns to the middle. Where nothing may glide, needles jump.
    pub fn point(
        &mut self,
        view: &mut ViewState,
        now: Instant,
        resolution: f32,
        response: Response,
        jumps: bool,
    ) -> Option<Duration> {
        let elapsed = self.moved_at.map_or(FRAME, |then| now.saturating_duration_since(then));
        let most = view.meters.iter().map(|meter| meter.index + 1).max().unwrap_or(0);
        self.needles.resize(most.max(self.needles.len()), Hand::default());
        let knows_nothing =
            matches!(view.state, State::WaitingForAudio | State::Loading | State::Listening { .. });
        let secs = if jumps { f32::INFINITY } else { elapsed.as_secs_f32() };
        let mut next: Option<Duration> = None;
        let mut soonest = |due: Option<Duration>| next = next.into_iter().chain(due).min();
        for meter in &mut view.meters {
            let Hand { needle, peaks, recent } = &mut self.needles[meter.index];
            // Also within the first second after a reset.
            if knows_nothing && meter.share.is_none() {
                (*needle, *peaks) = Default::default();
            }
            match &mut meter.recent {
                Some(seen) => {
                    let mark = recent.get_or_insert(Needle::at(seen.share));
                    // With whatever else is painted: it is worth no frame of its own.
                    mark.advance(seen.share, secs, resolution, Response::Dj);
                    seen.share = mark.position();
                }
                None => *recent = None,
            }
            if let Some(share) = meter.share {
                soonest(needle.advance(share, secs, resolution, response));
                let at = needle.position();
                soonest(peaks[0].follow(at, elapsed.as_secs_f32(), resolution, |a, b| a < b));
                soonest(peaks[1].follow(at, elapsed.as_secs_f32(), resolution, |a, b| a > b));
                meter.peaks = match peaks.each_ref().map(Peak::position) {
                    [Some(low), Some(high)] => Some([low, high]),
                    _ => None,
                };
            }
            meter.point(needle.position());
        }
        self.moved_at = next.is_some().then_some(now);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::view::MeterView;

    fn view(share: Option<f32>, state: State) -> ViewState {
        ViewState {
            state,
            meters: vec![MeterView { share, ..MeterView::default() }],
            ..ViewState::default()
        }
    }

    fn point(needles: &mut Needles, view: &mut ViewState, now: Instant) -> Option<Duration> {
        needles.point(view, now, 0.001, Response::Dj, false)
    }

    #[test]
    fn a_needle_glides_to_a_new_reading_and_rests_there() {
        let mut needles = Needles::default();
        let mut now = Instant::now();
        let mut seen = view(Some(0.9), State::Live);
        assert!(point(&mut needles, &mut seen, now).is_some());
        let first = seen.meters[0].needle;
        assert!(first > 0.5 && first < 0.6, "no jump: {first}");
        let mut frames = 0;
        while seen.meters[0].needle != 0.9 {
            now += FRAME;
            seen = view(Some(0.9), State::Live);
            point(&mut needles, &mut seen, now);
            frames += 1;
            assert!(frames < 100);
        }
        assert_eq!(seen.meters[0].share, Some(0.9), "what is read is what is seen");
    }

    #[test]
    fn where_nothing_may_glide_a_needle_jumps() {
        let mut needles = Needles::default();
        let mut seen = view(Some(0.9), State::Live);
        needles.point(&mut seen, Instant::now(), 0.001, Response::Slow, true);
        assert_eq!(seen.meters[0].needle, 0.9);
    }

    #[test]
    fn a_needle_does_not_jump_after_a_long_rest() {
        let mut needles = Needles::default();
        let now = Instant::now();
        point(&mut needles, &mut view(Some(0.5), State::Live), now);
        let mut seen = view(Some(0.9), State::Live);
        point(&mut needles, &mut seen, now + Duration::from_secs(60));
        assert!(seen.meters[0].needle < 0.6, "{}", seen.meters[0].needle);
    }

    #[test]
    fn silence_leaves_the_needle_where_it_was_and_a_new_start_does_not() {
        let mut needles = Needles::default();
        needles.point(&mut view(Some(0.9), State::Live), Instant::now(), 1.0, Response::Dj, false);
        let mut seen = view(None, State::Silent);
        assert_eq!(point(&mut needles, &mut seen, Instant::now()), None);
        assert_eq!(seen.meters[0].needle, 0.9);
        let listening = State::Listening { heard_secs: 0, of_secs: 10 };
        for state in [State::WaitingForAudio, listening] {
            let mut seen = view(Some(0.9), State::Live);
            needles.point(&mut seen, Instant::now(), 1.0, Response::Dj, false);
            let mut seen = view(None, state);
            point(&mut needles, &mut seen, Instant::now());
            assert_eq!(seen.meters[0].needle, 0.5);
        }
    }

    #[test]
    fn a_hidden_meter_keeps_its_needle_out_of_the_others() {
        let mut needles = Needles::default();
        let second = MeterView { index: 1, share: Some(0.2), ..MeterView::default() };
        let mut seen =
            ViewState { meters: vec![second], state: State::Live, ..ViewState::default() };
        needles.point(&mut seen, Instant::now(), 0.001, Response::Dj, true);
        assert_eq!(seen.meters[0].needle, 0.2);
        let mut both = view(Some(0.8), State::Live);
        both.meters.extend(seen.meters.clone());
        needles.point(&mut both, Instant::now(), 0.001, Response::Dj, true);
        assert_eq!((both.meters[0].needle, both.meters[1].needle), (0.8, 0.2));
    }
}
