//! The head of the window: the product, what state the meters are in, and what is wrong.

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align2, Color32, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::view::{Banner, State, Urgency, ViewState};
use super::{about, ring, strings, theme};
use theme::Scale;

/// Sizes of text, units.
const PRODUCT_TEXT: f32 = 21.0;
const STATE_TEXT: f32 = 16.0;
const BANNER_TEXT: f32 = 14.0;

/// Shows the product's name and the state line in `rect`.
pub fn header_ui(ui: &mut Ui, rect: Rect, scale: Scale, view: &ViewState) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("state"), Sense::hover());
    let line = strings::state(&view.state);
    response.widget_info(|| status_info(&line));
    let ring_radius = 0.38 * rect.height();
    let centre = pos2(rect.left() + ring_radius, rect.center().y);
    ring::paint(ui.painter(), centre, ring_radius, &view.meters);
    let name = pos2(centre.x + ring_radius + scale.points(12.0), rect.center().y);
    let font = scale.font(PRODUCT_TEXT);
    let name = ui.painter().text(name, Align2::LEFT_CENTER, strings::PRODUCT, font, theme::TEXT);
    let button = scale.points(about::BUTTON_WIDTH).max(20.0);
    let button = Rect::from_min_max(pos2(rect.right() - button, rect.top()), rect.max);
    about::button_ui(ui, button, scale);
    let room = Rect::from_min_max(
        pos2(name.right() + scale.points(16.0), rect.top()),
        pos2(button.left() - scale.points(8.0), rect.bottom()),
    );
    paint_state(ui, room, scale, &view.state, line);
    if let Some(progress) = view.progress() {
        paint_progress(ui, rect, scale, progress);
    }
    response
}

/// The state line at the right end of `room`, its short form where it does not fit.
fn paint_state(ui: &Ui, room: Rect, scale: Scale, state: &State, line: String) {
    let painter = ui.painter();
    let (font, dot) = (scale.font(STATE_TEXT), scale.points(4.5).max(3.0));
    let colour = state_colour(*state);
    let long = painter.layout_no_wrap(line, font.clone(), theme::TEXT);
    let fits = long.size().x + 4.0 * dot <= room.width();
    let galley = if fits {
        long
    } else {
        painter.layout_no_wrap(strings::state_short(state), font, theme::TEXT)
    };
    let corner = pos2(room.right() - galley.size().x, room.center().y - 0.5 * galley.size().y);
    painter.circle_filled(pos2(corner.x - 2.4 * dot, room.center().y), dot, colour);
    painter.galley(corner, galley, theme::TEXT);
}

/// How much of the ten seconds has been heard, as a line under the header.
fn paint_progress(ui: &Ui, rect: Rect, scale: Scale, progress: f32) {
    let thickness = scale.points(3.0).max(2.0);
    let line = Rect::from_min_max(pos2(rect.left(), rect.bottom() - thickness), rect.max);
    let done = Rect::from_min_size(line.min, vec2(progress * line.width(), thickness));
    ui.painter().rect_filled(line, 0.5 * thickness, theme::TRACK);
    ui.painter().rect_filled(done, 0.5 * thickness, theme::PENDING);
}

fn state_colour(state: State) -> Color32 {
    match state {
        State::Live => theme::GOOD,
        State::Listening { .. } | State::Loading | State::Paused => theme::PENDING,
        State::WaitingForAudio | State::Silent => theme::MUTED,
        State::Failed => theme::BAD,
    }
}

/// Shows `banner` from the top of `rect`, as high as its text needs, and returns what is left below it.
pub fn banner_ui(ui: &mut Ui, rect: Rect, scale: Scale, banner: &Banner) -> Rect {
    let colour = match banner.urgency {
        Urgency::Warning => theme::PENDING,
        Urgency::Error => theme::BAD,
    };
    let (inset, mark) = (scale.points(12.0).max(6.0), scale.points(9.0).max(7.0));
    let text_left = rect.left() + 2.0 * inset + 2.0 * mark;
    let mut job = LayoutJob::single_section(
        banner.text.clone(),
        TextFormat::simple(scale.font(BANNER_TEXT), theme::TEXT),
    );
    job.wrap.max_width = rect.right() - inset - text_left;
    let galley = ui.painter().layout_job(job);
    let height = (galley.size().y.max(2.0 * mark) + 1.3 * inset).min(0.5 * rect.height());
    let card = Rect::from_min_size(rect.min, vec2(rect.width(), height));
    let response = ui.interact(card, ui.scope_id().with("banner"), Sense::hover());
    response.widget_info(|| alert_info(&banner.text));
    let painter = ui.painter().with_clip_rect(card);
    painter.rect_filled(card, scale.points(8.0), theme::tint(colour, 0.12));
    painter.rect_stroke(card, scale.points(8.0), Stroke::new(1.0, colour), StrokeKind::Inside);
    let centre = pos2(card.left() + inset + mark, card.center().y);
    painter.circle_filled(centre, mark, colour);
    painter.text(centre, Align2::CENTER_CENTER, "!", scale.font(BANNER_TEXT), theme::GROUND);
    let corner = pos2(text_left, card.center().y - 0.5 * galley.size().y);
    painter.galley(corner, galley, theme::TEXT);
    // Too long for its card: the whole text on hover.
    response.on_hover_text(&banner.text);
    Rect::from_min_max(pos2(rect.left(), card.bottom() + scale.points(12.0)), rect.max)
}

fn status_info(line: &str) -> WidgetInfo {
    WidgetInfo::labeled(Role::Status, true, line)
}

fn alert_info(text: &str) -> WidgetInfo {
    WidgetInfo::labeled(Role::Alert, true, text)
}
