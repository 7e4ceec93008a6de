//! What the history page shows: a stretch of the history, no denser than can be seen.

use crate::history::compare::{self, Comparison, Snapshot};
use crate::history::sections::{self, Section};
use crate::history::{Clock, History, Point, Track};
use crate::prefs::SPAN_SECS;
use crate::reading::MAX_SPACES;

/// Seconds of history behind "last minute".
const SHORT_TERM_SECS: f64 = 60.0;

/// Shortest part of a song that is told apart by its mood, seconds: a verse is longer.
const LEAST_SECTION_SECS: f64 = 8.0;

/// Places along the chart that are told apart at most.
pub const MAX_COLUMNS: usize = 600;

/// What the history page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThenView {
    /// Whether places are those of the host's timeline.
    pub on_timeline: bool,
    /// First and last place of which anything is known, seconds.
    pub span_secs: Option<(f64, f64)>,
    /// First and last place on show, seconds.
    pub shown_secs: (f64, f64),
    /// Place of the newest reading, seconds.
    pub newest_secs: Option<f64>,
    /// What was read within the places on show, in their order, no denser than can be seen.
    pub points: Vec<Point>,
    /// Parts of the song by mood.
    pub sections: Vec<Section>,
    /// Mean shares now, over the last minute, and over all.
    pub means: [Option<[f32; MAX_SPACES]>; 3],
    /// What is kept as A and as B.
    pub kept: [Option<KeptView>; 2],
    /// What changed from A to B, by label space.
    pub comparison: Vec<Option<Comparison>>,
}

/// A stretch that is kept to be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeptView {
    /// Where it begins and ends, seconds.
    pub span_secs: (f64, f64),
    /// Its mean shares.
    pub shares: [f32; MAX_SPACES],
}

impl KeptView {
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let shares = snapshot.means()?.shares;
        Some(Self { span_secs: snapshot.span_secs(), shares })
    }
}

impl ThenView {
    /// What `history` shows of the last `span_secs` up to `end_secs`; of all there is, up to the
    /// newest, where they are `None`.
    #[must_use]
    pub fn of(
        history: &History,
        span_secs: Option<f64>,
        end_secs: Option<f64>,
        snapshots: &[Option<Snapshot>; 2],
    ) -> Self {
        let clock = history.clock();
        let track = history.track(clock);
        let n_spaces = history.newest().map_or(0, |point| point.n_spaces);
        let newest_secs = history.newest().map(|point| point.secs);
        let span = track.span_secs();
        let shown_secs = shown(span, span_secs, end_secs);
        let mean = |from: f64, to: f64| track.mean(from, to).map(|means| means.shares);
        let now = history.newest().filter(|point| !point.shares().is_empty());
        let compared = |space| match snapshots {
            [Some(a), Some(b)] => compare::compare(a, b, space),
            _ => None,
        };
        Self {
            on_timeline: clock == Clock::Song,
            span_secs: span,
            shown_secs,
            newest_secs,
            points: thinned(track, shown_secs),
            sections: sections::sections(track, LEAST_SECTION_SECS),
            means: [
                now.map(|point| point.shares),
                newest_secs.and_then(|newest| mean(newest - SHORT_TERM_SECS, newest + 1.0)),
                span.and_then(|(from, to)| mean(from, to + 1.0)),
            ],
            kept: snapshots.each_ref().map(|kept| kept.as_ref().and_then(KeptView::of)),
            comparison: (0..n_spaces).map(compared).collect(),
        }
    }
}

/// First and last place on show. Never less than the shortest stretch.
fn shown(span: Option<(f64, f64)>, span_secs: Option<f64>, end_secs: Option<f64>) -> (f64, f64) {
    let least = f64::from(SPAN_SECS.0);
    let (first, last) = span.unwrap_or((0.0, 0.0));
    let width = span_secs.unwrap_or(last - first).max(least);
    let end = end_secs.unwrap_or(last).max(first + least);
    (end - width, end)
}

/// The points of a stretch, of those that fall on one column the newest.
fn thinned(track: &Track, (from, to): (f64, f64)) -> Vec<Point> {
    let column = |secs: f64| ((secs - from) / (to - from) * MAX_COLUMNS as f64) as i64;
    let mut points: Vec<Point> = Vec::new();
    for point in track.points(from, to) {
        match points.last_mut() {
            Some(last) if column(last.secs) == column(point.secs) => *last = point,
            _ => points.push(point),
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Phase, Reading};

    /// Ten minutes of timeline, excited in the second half.
    fn history() -> History {
        let mut history = History::default();
        for slot in 0..1200 {
            let song_secs = Some(f64::from(slot) * 0.5);
            let excited = if slot < 600 { 0.2 } else { 0.8 };
            let shares = [excited, 0.6, 0.0, 0.0];
            let phase = Phase::Live;
            let reading = Reading { shares, n_spaces: 2, phase, ..Reading::default() };
            history.record(&reading.at(song_secs));
        }
        history
    }

    #[test]
    fn all_is_shown_until_somebody_zooms() {
        let (history, none) = (history(), [None, None]);
        let all = ThenView::of(&history, None, None, &none);
        assert!(all.on_timeline);
        assert!(all.shown_secs.0 <= 0.0 && all.shown_secs.1 >= 599.0, "{:?}", all.shown_secs);
        assert!(all.points.len() <= MAX_COLUMNS + 1);
        let minute = ThenView::of(&history, Some(60.0), None, &none);
        assert!(minute.points.iter().all(|point| point.secs >= 539.0));
        let earlier = ThenView::of(&history, Some(60.0), Some(120.0), &none);
        assert_eq!(earlier.shown_secs, (60.0, 120.0));
        assert!(earlier.points.iter().all(|point| (point.shares[0] - 0.2).abs() < 0.01));
    }

    #[test]
    fn now_the_last_minute_and_the_song_are_told_apart() {
        let view = ThenView::of(&history(), None, None, &[None, None]);
        let [now, minute, song] = view.means.map(|shares| shares.unwrap()[0]);
        assert!((now - 0.8).abs() < 0.01 && (minute - 0.8).abs() < 0.01, "{now} {minute}");
        assert!((song - 0.5).abs() < 0.01, "{song}");
    }

    #[test]
    fn a_song_of_two_moods_has_two_sections() {
        let view = ThenView::of(&history(), None, None, &[None, None]);
        assert_eq!(view.sections.len(), 2);
        assert!((view.sections[1].from_secs - 300.0).abs() < 2.0);
    }

    #[test]
    fn nothing_heard_is_an_empty_page() {
        let view = ThenView::of(&History::default(), None, None, &[None, None]);
        assert_eq!((view.span_secs, view.points.len(), view.sections.len()), (None, 0, 0));
        assert_eq!(view.means, [None; 3]);
        assert_eq!(view.shown_secs, (0.0, 10.0));
    }
}
