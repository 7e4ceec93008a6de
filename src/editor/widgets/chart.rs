//! The course of each pair of words over time: from the middle up to the first pole, down to the
//! second.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Key, Mesh, Painter, Pos2, Rect, Response, Sense, Shape,
    Ui, WidgetInfo, pos2,
};

use crate::editor::theme::Theme;
use crate::editor::ui_state::UiState;
use crate::editor::view::MeterView;
use crate::editor::view::then::{MAX_COLUMNS, ThenView};
use crate::editor::widgets::hint::hinted;
use crate::editor::widgets::plane;
use crate::editor::{strings, view::mood};
use crate::history::{Point, SLOT_SECS};
use crate::prefs::SPAN_SECS;
use crate::units::round_step_secs;

/// Sizes of text, units.
const TEXT: f32 = 12.5;

/// Size of the words of the scale and of the strip's legend, units.
const SMALL_TEXT: f32 = 11.0;

/// Height of the strip of sections, units.
const STRIP: f32 = 9.0;

/// Space between two lanes, units.
const LANE_GAP: f32 = 12.0;

/// Each step of zooming in shows so much of what was shown.
const ZOOM: f64 = 0.8;

/// Shows the history, zoomed by wheel, keys and buttons, moved by dragging.
pub fn chart_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    meters: &[MeterView],
    then: &ThenView,
    ui_state: &mut UiState,
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("chart"), Sense::click_and_drag());
    let spoken = spoken(meters, then);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Image, true, strings::CHART);
        info.current_text_value = Some(spoken.clone());
        info
    });
    let response = hinted(response, strings::CHART_HINT);
    let text_theme = theme;
    let palette = theme.palette;
    text_theme.outline(ui.painter(), rect);
    if then.span_secs.is_none() {
        paint_nothing(ui.painter(), rect, text_theme);
        return response;
    }
    let time_height = text_theme.points(16.0).max(13.0);
    let inside = rect.shrink(text_theme.points(8.0));
    let painter = ui.painter().with_clip_rect(rect);
    let (left, right) = gutters(&painter, text_theme, meters);
    // Names, scale and curves each have a place of their own.
    let mut inside =
        Rect::from_x_y_ranges(inside.left() + left..=inside.right() - right, inside.y_range());
    if !theme.is_too_small(SMALL_TEXT) && inside.height() > 8.0 * text_theme.points(SMALL_TEXT) {
        inside.min.y += paint_legend(&painter, inside, text_theme, meters);
    }
    let strip = text_theme.points(STRIP).max(5.0);
    let (sections, below) = inside.split_top_bottom_at_y(inside.top() + strip);
    let (lanes, times) = below.split_top_bottom_at_y(below.bottom() - time_height);
    let chart = Chart { theme: text_theme, shown: then.shown_secs, x: inside.x_range() };
    let strip = ui.interact(sections, ui.scope_id().with("sections"), Sense::hover());
    strip.widget_info(|| WidgetInfo::labeled(Role::Image, true, strings::SECTIONS));
    hinted(strip, strings::SECTIONS_HINT);
    chart.paint_sections(&painter, sections, meters, then);
    chart.paint_times(&painter, times, lanes);
    let (n, gap) = (meters.len().max(1) as f32, text_theme.points(LANE_GAP));
    let height = (lanes.height() - 0.5 * gap - (n - 1.0) * gap) / n;
    for (row, meter) in meters.iter().enumerate() {
        let top = lanes.top() + 0.5 * gap + row as f32 * (height + gap);
        let lane = Rect::from_min_max(pos2(lanes.left(), top), pos2(lanes.right(), top + height));
        chart.paint_lane(&painter, lane, meter, &then.points);
        paint_names(&painter, lane, left, text_theme, meter);
        paint_scale(&painter, lane, text_theme);
    }
    chart.paint_cursor(&painter, lanes, then.newest_secs);
    if response.has_focus() {
        let stroke = text_theme.stroke(1.5, palette.text);
        painter.rect_stroke(rect, text_theme.points(8.0), stroke, egui::StrokeKind::Inside);
    }
    chart.follow_hand(ui, &response, then, ui_state);
    match response.hover_pos() {
        Some(pointer) if lanes.contains(pointer) && !response.dragged() => {
            chart.paint_hover(&painter, lanes, pointer, meters, then);
        }
        _ => {}
    }
    response
}

/// Room for the poles' names left of the curves, and for the scale right of them, points.
fn gutters(painter: &Painter, theme: Theme, meters: &[MeterView]) -> (f32, f32) {
    let width = |text: &str, size: f32| {
        let galley = painter.layout_no_wrap(text.to_owned(), theme.font(size), theme.palette.text);
        galley.size().x + theme.points(8.0).max(4.0)
    };
    let names = meters.iter().flat_map(|meter| [&meter.first, &meter.second]);
    let left = names.map(|name| width(name, TEXT)).fold(0.0, f32::max);
    let has_scale = !theme.is_too_small(SMALL_TEXT);
    (left, if has_scale { width(SCALE[0], SMALL_TEXT) } else { 0.0 })
}

/// The poles' names beside a lane, each at its own end of it.
fn paint_names(painter: &Painter, lane: Rect, room: f32, theme: Theme, meter: &MeterView) {
    let (first, second) = theme.palette.poles(meter.index);
    let x = lane.left() - room;
    let names = [
        (&meter.first, lane.top(), Align2::LEFT_TOP, first),
        (&meter.second, lane.bottom(), Align2::LEFT_BOTTOM, second),
    ];
    // In a low lane they are as small as it takes.
    let size = theme.font(TEXT).size.min(0.45 * lane.height());
    for (name, y, align, colour) in names {
        painter.text(pos2(x, y), align, name, FontId::proportional(size), colour);
    }
}

/// Words of the scale beside a lane, top to bottom.
const SCALE: [&str; 5] = ["100 %", "75", "50", "75", "100 %"];

/// How many percent a height in a lane is, of the pole on its side.
fn paint_scale(painter: &Painter, lane: Rect, theme: Theme) {
    let font = theme.font(SMALL_TEXT);
    if theme.is_too_small(SMALL_TEXT) || lane.height() < 2.6 * font.size {
        return;
    }
    let step = if lane.height() < 6.0 * font.size { 2 } else { 1 };
    let x = lane.right() + theme.points(8.0).max(4.0);
    for (row, text) in SCALE.into_iter().enumerate().step_by(step) {
        let y = lane.top() + row as f32 / 4.0 * lane.height();
        let align = match row {
            0 => Align2::LEFT_TOP,
            4 => Align2::LEFT_BOTTOM,
            _ => Align2::LEFT_CENTER,
        };
        painter.text(pos2(x, y), align, text, font.clone(), theme.palette.muted);
    }
}

/// What the colours of the strip mean, from the top of `rect`; the height that this takes.
fn paint_legend(painter: &Painter, rect: Rect, theme: Theme, meters: &[MeterView]) -> f32 {
    let (palette, font) = (theme.palette, theme.font(SMALL_TEXT));
    let (y, dot) = (rect.top() + 0.5 * font.size, theme.points(4.0));
    let at = pos2(rect.left(), y);
    let title = format!("{}:", strings::SECTIONS);
    let mut x = painter.text(at, Align2::LEFT_CENTER, title, font.clone(), palette.muted).right();
    for meter in meters {
        let (first, second) = palette.poles(meter.index);
        for (name, colour) in [(&meter.first, first), (&meter.second, second)] {
            let galley = painter.layout_no_wrap(name.clone(), font.clone(), palette.muted);
            let width = 6.0 * dot + galley.size().x;
            if x + width > rect.right() {
                return 1.6 * font.size;
            }
            painter.circle_filled(pos2(x + 3.5 * dot, y), dot, colour);
            let corner = pos2(x + 5.5 * dot, y - 0.5 * galley.size().y);
            painter.galley(corner, galley, palette.muted);
            x += width;
        }
    }
    1.6 * font.size
}

/// Says in the middle of `rect` that there is no history yet.
fn paint_nothing(painter: &Painter, rect: Rect, theme: Theme) {
    let (room, font, colour) = (0.8 * rect.width(), theme.font(15.0), theme.palette.muted);
    let galley = painter.layout(strings::NO_HISTORY.to_owned(), font, colour, room);
    painter.galley(rect.center() - 0.5 * galley.size(), galley, colour);
}

/// Buttons that zoom, for whoever has no wheel.
pub fn zoom_ui(ui: &mut Ui, then: &ThenView, ui_state: &mut UiState) {
    ui.add_enabled_ui(then.span_secs.is_some(), |ui| {
        let named = |ui: &mut Ui, word: &str, name: &str, hint: &str| {
            let response = ui.button(word);
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
            hinted(response, hint).clicked()
        };
        if named(ui, "+", strings::ZOOM_IN, strings::ZOOM_IN_HINT) {
            zoom(then, ui_state, ZOOM * ZOOM, 1.0);
        }
        if named(ui, "−", strings::ZOOM_OUT, strings::ZOOM_OUT_HINT) {
            zoom(then, ui_state, 1.0 / (ZOOM * ZOOM), 1.0);
        }
        if hinted(ui.button(strings::SHOW_ALL), strings::SHOW_ALL_HINT).clicked() {
            show_all(ui_state);
        }
    });
    if ui_state.end_secs.is_some()
        && hinted(ui.button(strings::FOLLOW), strings::FOLLOW_HINT).clicked()
    {
        ui_state.end_secs = None;
    }
}

fn show_all(ui_state: &mut UiState) {
    (ui_state.prefs.span_secs, ui_state.end_secs) = (0.0, None);
}

/// Shows `factor` times as much, with the place at `part` of the chart kept where it is. At the
/// right end it goes on following.
fn zoom(then: &ThenView, ui_state: &mut UiState, factor: f64, part: f64) {
    let (from, to) = then.shown_secs;
    let width = (factor * (to - from)).clamp(f64::from(SPAN_SECS.0), f64::from(SPAN_SECS.1));
    let whole = then.span_secs.map_or(0.0, |(first, last)| last - first);
    if width >= whole && factor > 1.0 {
        show_all(ui_state);
        return;
    }
    let fixed = from + part * (to - from);
    let end = fixed + (1.0 - part) * width;
    ui_state.prefs.span_secs = width as f32;
    set_end(then, ui_state, end, part < 1.0 || ui_state.end_secs.is_some());
}

/// Lets the chart end at `end`, or follow the newest where that is farther.
fn set_end(then: &ThenView, ui_state: &mut UiState, end: f64, leaves: bool) {
    let Some((first, last)) = then.span_secs else { return };
    let width = then.shown_secs.1 - then.shown_secs.0;
    let is_at_end = end >= last || !leaves;
    ui_state.end_secs = (!is_at_end).then_some(end.max(first + 0.25 * width));
    if !is_at_end && ui_state.prefs.span_secs <= 0.0 {
        ui_state.prefs.span_secs = width as f32;
    }
}

/// What is known, in words.
fn spoken(meters: &[MeterView], then: &ThenView) -> String {
    let Some((first, last)) = then.span_secs else { return strings::NO_HISTORY.to_owned() };
    let parts = then
        .sections
        .iter()
        .map(|section| strings::point(section.from_secs, strings::shares(meters, &section.shares)));
    let parts: Vec<String> = parts.collect();
    format!("{} – {}: {}", strings::clock(first), strings::clock(last), parts.join("; "))
}

struct Chart {
    theme: Theme,
    shown: (f64, f64),
    x: egui::Rangef,
}

impl Chart {
    fn x_of(&self, secs: f64) -> f32 {
        let part = (secs - self.shown.0) / (self.shown.1 - self.shown.0);
        self.x.min + part as f32 * self.x.span()
    }

    fn secs_at(&self, x: f32) -> f64 {
        let part = f64::from((x - self.x.min) / self.x.span().max(1.0));
        self.shown.0 + part * (self.shown.1 - self.shown.0)
    }

    /// A strip in the colours of the song's parts.
    fn paint_sections(&self, painter: &Painter, rect: Rect, meters: &[MeterView], then: &ThenView) {
        let gap = 0.5;
        for section in &then.sections {
            let (left, right) = (self.x_of(section.from_secs), self.x_of(section.to_secs));
            let place = Rect::from_x_y_ranges(
                (left + gap).max(rect.left())..=(right - gap).min(rect.right()),
                rect.y_range(),
            );
            if place.width() <= 0.0 {
                continue;
            }
            let mood = mood::position_of(meters, &section.shares);
            let colour = plane::mood_colour(mood, meters, self.theme.palette);
            painter.rect_filled(place, CornerRadius::same(2), colour);
        }
    }

    /// Times under the chart, and hairlines above them.
    fn paint_times(&self, painter: &Painter, rect: Rect, lanes: Rect) {
        let palette = self.theme.palette;
        let font = self.theme.font(TEXT);
        let room = self.theme.points(72.0).max(56.0);
        let per_point = (self.shown.1 - self.shown.0) / f64::from(self.x.span().max(1.0));
        let step = round_step_secs(per_point * f64::from(room));
        let mut at = (self.shown.0 / step).ceil() * step;
        while at <= self.shown.1 {
            let x = self.x_of(at);
            painter.vline(x, lanes.y_range(), self.theme.stroke(0.7, palette.edge));
            if at >= 0.0 && x > rect.left() + 0.2 * room && x < rect.right() - 0.2 * room {
                let place = pos2(x, rect.bottom());
                painter.text(
                    place,
                    Align2::CENTER_BOTTOM,
                    strings::clock(at),
                    font.clone(),
                    palette.muted,
                );
            }
            at += step;
        }
    }

    /// One pair of words.
    fn paint_lane(&self, painter: &Painter, lane: Rect, meter: &MeterView, points: &[Point]) {
        let palette = self.theme.palette;
        let y_of = |share: f32| lane.bottom() - share.clamp(0.0, 1.0) * lane.height();
        let middle = y_of(0.5);
        let half = meter.ambiguous_half_width;
        let band = Rect::from_x_y_ranges(lane.x_range(), y_of(0.5 + half)..=y_of(0.5 - half));
        painter.rect_filled(band, 0.0, palette.track);
        painter.hline(lane.x_range(), middle, self.theme.stroke(1.0, palette.tick));
        for run in self.runs(points) {
            let shown: Vec<(Pos2, Color32)> = run
                .iter()
                .map(|point| {
                    let share = point.shares[meter.index];
                    (
                        pos2(self.x_of(point.secs), y_of(share)),
                        palette.verdict(meter.index, share, meter.is_undecided(share)),
                    )
                })
                .collect();
            paint_run(painter, self.theme, &shown, middle);
        }
    }

    /// Stretches of points with shares and without gaps.
    fn runs<'a>(&self, points: &'a [Point]) -> impl Iterator<Item = &'a [Point]> {
        // Thinned points stand as far apart as the columns of the chart.
        let column = (self.shown.1 - self.shown.0) / MAX_COLUMNS as f64;
        let most = (2.5 * SLOT_SECS).max(3.0 * column);
        points
            .chunk_by(move |a, b| {
                b.secs - a.secs <= most && a.shares().is_empty() == b.shares().is_empty()
            })
            .filter(|run| run.first().is_some_and(|point| !point.shares().is_empty()))
    }

    /// Where the newest reading is.
    fn paint_cursor(&self, painter: &Painter, lanes: Rect, newest_secs: Option<f64>) {
        let Some(secs) = newest_secs else { return };
        let x = self.x_of(secs);
        if lanes.x_range().contains(x) {
            painter.vline(x, lanes.y_range(), self.theme.stroke(1.5, self.theme.palette.text));
        }
    }

    /// What was read under the pointer.
    fn paint_hover(
        &self,
        painter: &Painter,
        lanes: Rect,
        pointer: Pos2,
        meters: &[MeterView],
        then: &ThenView,
    ) {
        let palette = self.theme.palette;
        let secs = self.secs_at(pointer.x);
        let near = |point: &&Point| (point.secs - secs).abs();
        let nearest = then.points.iter().min_by(|a, b| near(a).total_cmp(&near(b)));
        let reach = 12.0 * (self.shown.1 - self.shown.0) / f64::from(self.x.span().max(1.0));
        let Some(point) = nearest.filter(|point| near(point) <= reach.max(SLOT_SECS)) else {
            return;
        };
        let x = self.x_of(point.secs);
        painter.vline(x, lanes.y_range(), self.theme.stroke(1.0, palette.muted));
        let text = strings::point(point.secs, strings::shares(meters, point.shares()));
        let galley = painter.layout_no_wrap(text, self.theme.font(13.5), palette.text);
        let (pad, half) = (self.theme.points(6.0), 0.5 * galley.size().x);
        let least = lanes.left() + half + pad;
        let centre = x.clamp(least, (lanes.right() - half - pad).max(least));
        let corner = pos2(centre - half, lanes.top() + pad);
        let ground = Rect::from_min_size(corner, galley.size()).expand(pad);
        painter.rect_filled(ground, self.theme.points(5.0), palette.track);
        painter.galley(corner, galley, palette.text);
    }

    /// Wheel, drag, double click and keys.
    fn follow_hand(&self, ui: &Ui, response: &Response, then: &ThenView, ui_state: &mut UiState) {
        let per_point = (self.shown.1 - self.shown.0) / f64::from(self.x.span().max(1.0));
        let move_by =
            |ui_state: &mut UiState, secs: f64| set_end(then, ui_state, self.shown.1 + secs, true);
        if response.double_clicked() {
            show_all(ui_state);
        } else if response.dragged() && response.drag_delta().x != 0.0 {
            move_by(ui_state, -f64::from(response.drag_delta().x) * per_point);
        }
        if response.clicked() {
            response.request_focus();
        }
        if let Some(pointer) = response.hover_pos() {
            let wheel = ui.input(|input| {
                input.smooth_scroll_delta() + 50.0 * input.zoom_delta().ln() * egui::Vec2::Y
            });
            let part = f64::from((pointer.x - self.x.min) / self.x.span().max(1.0)).clamp(0.0, 1.0);
            if wheel.y != 0.0 {
                zoom(then, ui_state, ZOOM.powf(f64::from(wheel.y) / 50.0), part);
            }
            if wheel.x != 0.0 {
                move_by(ui_state, -f64::from(wheel.x) * per_point);
            }
        }
        if response.has_focus() {
            let filter =
                egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            let pressed = |key| ui.input(|input| input.key_pressed(key));
            let tenth = 0.1 * (self.shown.1 - self.shown.0);
            for (key, secs) in [(Key::ArrowLeft, -tenth), (Key::ArrowRight, tenth)] {
                if pressed(key) {
                    move_by(ui_state, secs);
                }
            }
            for (key, factor) in [(Key::Plus, ZOOM), (Key::Equals, ZOOM), (Key::Minus, 1.0 / ZOOM)]
            {
                if pressed(key) {
                    zoom(then, ui_state, factor, 1.0);
                }
            }
            if pressed(Key::Home) {
                show_all(ui_state);
            }
            if pressed(Key::End) {
                ui_state.end_secs = None;
            }
        }
    }
}

/// A line, filled down or up to the middle.
fn paint_run(painter: &Painter, theme: Theme, run: &[(Pos2, Color32)], middle: f32) {
    let stroke = 1.8;
    let mut mesh = Mesh::default();
    for pair in run.windows(2) {
        let [(a, colour), (b, next)] = [pair[0], pair[1]];
        if (a.y < middle) == (b.y < middle) {
            fill(&mut mesh, a, b, middle, colour);
            painter.line_segment([a, b], theme.stroke(stroke, colour));
        } else {
            // Where it crosses the middle its colour changes.
            let part = (middle - a.y) / (b.y - a.y);
            let crossing = pos2(a.x + part * (b.x - a.x), middle);
            fill(&mut mesh, a, crossing, middle, colour);
            fill(&mut mesh, crossing, b, middle, next);
            painter.line_segment([a, crossing], theme.stroke(stroke, colour));
            painter.line_segment([crossing, b], theme.stroke(stroke, next));
        }
    }
    if let [(only, colour)] = run {
        painter.circle_filled(*only, theme.points(2.0), *colour);
    }
    painter.add(Shape::mesh(mesh));
}

/// The ground between a line and the middle.
fn fill(mesh: &mut Mesh, a: Pos2, b: Pos2, middle: f32, colour: Color32) {
    let first = mesh.vertices.len() as u32;
    let colour = colour.gamma_multiply(0.35);
    for corner in [a, pos2(a.x, middle), b, pos2(b.x, middle)] {
        mesh.colored_vertex(corner, colour);
    }
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first + 1, first + 2, first + 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(span: (f64, f64), shown: (f64, f64)) -> ThenView {
        ThenView { span_secs: Some(span), shown_secs: shown, ..ThenView::default() }
    }

    #[test]
    fn zooming_keeps_the_place_under_the_pointer() {
        let then = view((0.0, 600.0), (0.0, 600.0));
        let mut ui_state = UiState::default();
        zoom(&then, &mut ui_state, 0.5, 0.25);
        assert_eq!(ui_state.prefs.span_secs, 300.0);
        // 150 s was a quarter in, and is so still.
        assert_eq!(ui_state.end_secs, Some(375.0));
    }

    #[test]
    fn zooming_at_the_right_end_goes_on_following() {
        let then = view((0.0, 600.0), (0.0, 600.0));
        let mut ui_state = UiState::default();
        zoom(&then, &mut ui_state, 0.5, 1.0);
        assert_eq!((ui_state.prefs.span_secs, ui_state.end_secs), (300.0, None));
    }

    #[test]
    fn zooming_out_beyond_everything_shows_everything() {
        let then = view((0.0, 600.0), (100.0, 500.0));
        let mut ui_state = UiState { end_secs: Some(500.0), ..UiState::default() };
        zoom(&then, &mut ui_state, 10.0, 0.5);
        assert_eq!((ui_state.prefs.span_secs, ui_state.end_secs), (0.0, None));
    }

    #[test]
    fn moving_to_the_right_end_follows_again_and_to_the_left_stops_there() {
        let then = view((0.0, 600.0), (300.0, 360.0));
        let mut ui_state = UiState::default();
        set_end(&then, &mut ui_state, 330.0, true);
        assert_eq!((ui_state.end_secs, ui_state.prefs.span_secs), (Some(330.0), 60.0));
        set_end(&then, &mut ui_state, -50.0, true);
        assert_eq!(ui_state.end_secs, Some(15.0));
        set_end(&then, &mut ui_state, 700.0, true);
        assert_eq!(ui_state.end_secs, None);
    }
}
