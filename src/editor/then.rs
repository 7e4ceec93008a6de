//! The page of the song: the course of each pair of words, readings over time, and two stretches beside each other.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Align2, FontId, Galley, Rect, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::button::{self, Kind};
use super::desk::{Command, Desk};
use super::theme::Theme;
use super::view::{ExportView, MeterView, ViewState};
use super::{chart, strings};
use crate::export::Format;
use crate::history::compare::{self, Comparison, Snapshot};
use crate::history::sections::{self, Section};
use crate::history::{Clock, History, Point, Track};
use crate::prefs::SPAN_SECS;
use crate::reading::MAX_SPACES;

/// Heights of the rows under the chart, units.
const ROW: f32 = 28.0;

/// Sizes of text, units.
const TEXT: f32 = 13.5;
const VALUE_TEXT: f32 = 17.0;

/// Values that do not fit are written as small as can be read, points.
const SMALLEST_TEXT: f32 = 9.0;

/// Space between cards, units.
const GAP: f32 = 8.0;

/// Seconds of history behind "last minute".
const SHORT_TERM_SECS: f64 = 60.0;

/// Shortest part of a song that is told apart by its mood, seconds: a verse is longer.
const LEAST_SECTION_SECS: f64 = 8.0;

/// Places along the chart that are told apart at most.
pub(super) const MAX_COLUMNS: usize = 600;

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
    /// Whether A and B are kept.
    pub is_kept: [bool; 2],
    /// What changed from A to B, by label space.
    pub comparison: Vec<Option<Comparison>>,
}

impl ThenView {
    /// What `history` shows of the last `span_secs` up to `end_secs`; of all there is, up to the newest, where they are `None`.
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
            is_kept: [snapshots[0].is_some(), snapshots[1].is_some()],
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

/// Shows the history in `rect`.
pub fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, desk: &mut Desk) {
    let Some(then) = &view.then else { return };
    let (gap, row) = (theme.points(GAP), theme.points(ROW).max(18.0));
    // What is below gives way in a low window: first the comparison, then the readings over time.
    let mut below = rect.bottom();
    let mut take = |height: f32, least: f32| {
        let fits = below - height - gap - rect.top() >= least;
        let place =
            Rect::from_min_max(pos2(rect.left(), below - height), pos2(rect.right(), below));
        if fits {
            below -= height + gap;
        }
        fits.then_some(place)
    };
    let tools = take(row, 0.0);
    let means = take(1.7 * row, 2.5 * row);
    let compared = take(row, 5.0 * row);
    let chart = Rect::from_min_max(rect.min, pos2(rect.right(), below));
    chart::chart_ui(ui, chart, theme, &view.meters, then, desk);
    if let Some(place) = means {
        means_ui(ui, place, theme, &view.meters, then);
    }
    if let Some(place) = compared {
        compare_ui(ui, place, theme, &view.meters, then, desk);
    }
    if let Some(place) = tools {
        tools_ui(ui, place, theme, view, then, desk);
    }
}

/// Readings over time, one card each.
fn means_ui(ui: &mut Ui, rect: Rect, theme: Theme, meters: &[MeterView], then: &ThenView) {
    let palette = theme.palette;
    let gap = theme.points(GAP);
    let width = (rect.width() - 2.0 * gap) / 3.0;
    let names = if then.on_timeline { strings::MEANS } else { strings::MEANS_HEARD };
    for (i, (name, shares)) in names.into_iter().zip(&then.means).enumerate() {
        let left = rect.left() + i as f32 * (width + gap);
        let card = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        let values: Vec<String> = meters
            .iter()
            .map(|meter| match shares {
                Some(shares) => strings::share(&meter.first, &meter.second, shares[meter.index]),
                None => strings::NO_VALUE.to_owned(),
            })
            .collect();
        let response = ui.interact(card, ui.scope_id().with(("mean", i)), egui::Sense::hover());
        let spoken = format!("{name}: {}", values.join(", "));
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        let painter = ui.painter().with_clip_rect(card);
        theme.outline(&painter, card);
        let at =
            |part: f32| pos2(card.left() + theme.points(10.0), card.top() + part * card.height());
        painter.text(at(0.28), Align2::LEFT_CENTER, name, theme.font(TEXT), palette.muted);
        let colour = |meter: &MeterView| match shares {
            Some(shares) => palette.side(meter.index, shares[meter.index]),
            None => palette.muted,
        };
        let gap = theme.points(14.0).max(6.0);
        let laid = |font: &FontId| -> Vec<Arc<Galley>> {
            let lay = |(meter, value): (&MeterView, &String)| {
                painter.layout_no_wrap(value.clone(), font.clone(), colour(meter))
            };
            meters.iter().zip(&values).map(lay).collect()
        };
        let fits = |galleys: &[Arc<Galley>]| {
            let width: f32 = galleys.iter().map(|galley| galley.size().x + gap).sum();
            width - gap <= card.right() - at(0.0).x
        };
        let mut galleys = laid(&theme.font(VALUE_TEXT));
        if !fits(&galleys) {
            galleys = laid(&FontId::proportional(SMALLEST_TEXT));
        }
        let mut x = at(0.0).x;
        for galley in galleys {
            let corner = pos2(x, at(0.70).y - 0.5 * galley.size().y);
            x += galley.size().x + gap;
            painter.galley(corner, galley, palette.text);
        }
    }
}

/// Two stretches beside each other: buttons to keep them, and what changed.
fn compare_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    meters: &[MeterView],
    then: &ThenView,
    desk: &mut Desk,
) {
    let mut left = rect.left();
    for (which, word) in strings::KEEP.into_iter().enumerate() {
        let place = Rect::from_min_max(
            pos2(left, rect.top()),
            pos2(left + button::width(ui, theme, word), rect.bottom()),
        );
        let kind = Kind::Toggle(then.is_kept[which]);
        let response = button::word_ui(ui, place, theme, word, word, kind);
        if response.on_hover_text(strings::KEEP_HINT).clicked() {
            desk.ask(Command::Keep(which));
        }
        left = place.right() + theme.points(6.0);
    }
    let found = meters.iter().filter_map(|meter| {
        let found = then.comparison.get(meter.index)?.as_ref()?;
        Some(strings::comparison(&meter.first, &meter.second, found))
    });
    let lines: Vec<String> = found.collect();
    let text = if lines.is_empty() { strings::COMPARE_HINT.to_owned() } else { lines.join("\n") };
    let room = Rect::from_min_max(pos2(left + theme.points(6.0), rect.top()), rect.max);
    let response = ui.interact(room, ui.scope_id().with("comparison"), egui::Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    let painter = ui.painter().with_clip_rect(room.expand2(vec2(0.0, theme.points(GAP))));
    let font = theme.font(TEXT * 0.93);
    let colour = if lines.is_empty() { theme.palette.muted } else { theme.palette.text };
    let galley = painter.layout(text.clone(), font, colour, room.width());
    let corner = pos2(room.left(), room.center().y - 0.5 * galley.size().y);
    painter.galley(corner, galley, colour);
    response.on_hover_text(text);
}

/// What can be done with the history.
fn tools_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    view: &ViewState,
    then: &ThenView,
    desk: &mut Desk,
) {
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.horizontal_centered(|ui| {
            chart::zoom_ui(ui, then, desk);
            ui.separator();
            match &view.export {
                Some(ExportView::Writing(percent)) => {
                    let bar = egui::ProgressBar::new(f32::from(*percent) / 100.0)
                        .desired_width(theme.points(120.0))
                        .text(strings::export(&ExportView::Writing(*percent)));
                    ui.add(bar);
                    if ui.button(strings::CANCEL).clicked() {
                        desk.ask(Command::CancelExport);
                    }
                }
                done => {
                    let has_history = then.span_secs.is_some();
                    ui.add_enabled_ui(has_history, |ui| {
                        ui.menu_button(strings::EXPORT, |ui| {
                            for format in Format::ALL {
                                if ui.button(strings::format(format)).clicked() {
                                    desk.pick_export(format);
                                    ui.close();
                                }
                            }
                        });
                        let clear = ui.button(strings::CLEAR).on_hover_text(strings::CLEAR_HINT);
                        if clear.clicked() {
                            desk.ask(Command::ClearHistory);
                        }
                    });
                    if let Some(done) = done {
                        let text = strings::export(done);
                        ui.add(egui::Label::new(&text).truncate()).on_hover_text(text);
                    }
                }
            }
        });
    });
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
