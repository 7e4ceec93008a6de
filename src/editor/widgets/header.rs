//! The head of the window: the product, the pages, what state the meters are in, and what is wrong.

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align2, Color32, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use crate::editor::strings;
use crate::editor::theme::{Palette, Theme};
use crate::editor::ui_state::UiState;
use crate::editor::view::{Banner, State, Urgency, ViewState};
use crate::editor::widgets::button::{self, Kind};
use crate::editor::widgets::{emblem, hint};
use crate::prefs::Page;

/// Sizes of text, units.
const PRODUCT_TEXT: f32 = 21.0;
const STATE_TEXT: f32 = 16.0;
const BANNER_TEXT: f32 = 14.0;

/// Room for a mark at the right end, units.
const MARK_WIDTH: f32 = 32.0;

/// Shows the product, the tabs, the state line and the stage button in `rect`.
pub fn header_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    view: &ViewState,
    ui_state: &mut UiState,
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("state"), Sense::hover());
    let line = strings::state(&view.state);
    response.widget_info(|| status_info(&line));
    let response = hint::hinted(response, strings::state_hint(&view.state));
    let ring_radius = 0.38 * rect.height();
    let centre = pos2(rect.left() + ring_radius, rect.center().y);
    emblem::paint(ui.painter(), centre, ring_radius, &view.meters, theme.palette);
    let gap = theme.points(10.0);
    let mut left = centre.x + ring_radius + gap;
    let mark = theme.points(MARK_WIDTH).max(20.0);
    let tabs = &Page::ALL[..Page::ALL.len() - 1];
    let tabs_width: f32 =
        tabs.iter().map(|page| button::width(ui, theme, strings::page(*page).0)).sum();
    let name = ui.painter().layout_no_wrap(
        strings::PRODUCT.to_owned(),
        theme.font(PRODUCT_TEXT),
        theme.palette.text,
    );
    // The name gives way first, then the words of the state.
    let least_state = theme.points(90.0).max(60.0);
    if left + name.size().x + tabs_width + 2.0 * mark + least_state + 3.0 * gap < rect.right() {
        let width = name.size().x;
        let corner = pos2(left, rect.center().y - 0.5 * name.size().y);
        ui.painter().galley(corner, name, theme.palette.text);
        left += width + 1.6 * gap;
    }
    for page in tabs {
        let (word, _) = strings::page(*page);
        let tab = Rect::from_min_max(
            pos2(left, rect.top()),
            pos2(left + button::width(ui, theme, word), rect.bottom()),
        );
        tab_ui(ui, tab, theme, *page, ui_state);
        left = tab.right();
    }
    let stage = Rect::from_min_max(pos2(rect.right() - mark, rect.top()), rect.max);
    let about = stage.translate(vec2(-mark, 0.0));
    tab_ui(ui, about, theme, Page::About, ui_state);
    let pressed =
        hint::hinted(button::enlarge_ui(ui, stage, theme, strings::STAGE), strings::STAGE_HINT);
    if pressed.clicked() {
        ui_state.prefs.on_stage = true;
    }
    let room = Rect::from_min_max(
        pos2(left + gap, rect.top()),
        pos2(about.left() - 0.5 * gap, rect.bottom()),
    );
    paint_state(ui, room, theme, &view.state, line);
    if let Some(progress) = view.progress() {
        paint_progress(ui, rect, theme, progress);
    }
    response
}

fn tab_ui(ui: &mut Ui, rect: Rect, theme: Theme, page: Page, ui_state: &mut UiState) {
    let ((word, hint), name) = (strings::page(page), strings::page_name(page));
    // The outputs are a part of what can be set.
    let is_part = page == Page::Setup && ui_state.prefs.page == Page::Outputs;
    let kind = Kind::Tab(is_part || ui_state.prefs.page == page);
    let response = button::word_ui(ui, rect, theme, word, name, kind);
    if hint::hinted(response, hint).clicked() {
        ui_state.prefs.page = page;
    }
}

/// The state line at the right end of `room`: its short form where it does not fit, its colour
/// alone where that does not either.
fn paint_state(ui: &Ui, room: Rect, theme: Theme, state: &State, line: String) {
    let painter = ui.painter();
    let (font, dot) = (theme.font(STATE_TEXT), theme.points(4.5).max(3.0));
    let colour = state_colour(*state, theme.palette);
    let words = [line, strings::state_short(state), String::new()];
    let fitting = words
        .into_iter()
        .map(|words| painter.layout_no_wrap(words, font.clone(), theme.palette.text));
    let fits = |galley: &std::sync::Arc<egui::Galley>| galley.size().x + 4.0 * dot <= room.width();
    let Some(galley) = fitting.into_iter().find(fits) else { return };
    let corner = pos2(room.right() - galley.size().x, room.center().y - 0.5 * galley.size().y);
    painter.circle_filled(pos2(corner.x - 2.4 * dot, room.center().y), dot, colour);
    painter.galley(corner, galley, theme.palette.text);
}

/// How much of the ten seconds has been heard, as a line under the header.
fn paint_progress(ui: &Ui, rect: Rect, theme: Theme, progress: f32) {
    let thickness = theme.points(3.0).max(2.0);
    // Under the line that marks the tab.
    let top = pos2(rect.left(), rect.bottom() + theme.points(3.0));
    let line = Rect::from_min_size(top, vec2(rect.width(), thickness));
    let done = Rect::from_min_size(line.min, vec2(progress * line.width(), thickness));
    ui.painter().rect_filled(line, 0.5 * thickness, theme.palette.track);
    ui.painter().rect_filled(done, 0.5 * thickness, theme.palette.pending);
}

/// What a state's dot looks like.
#[must_use]
pub fn state_colour(state: State, palette: &Palette) -> Color32 {
    match state {
        State::Live => palette.good,
        State::Listening { .. } | State::Loading | State::Paused | State::Held => palette.pending,
        State::WaitingForAudio | State::Silent => palette.muted,
        State::Failed => palette.bad,
    }
}

/// Shows `banner` from the top of `rect`, as high as its text needs, and returns what is left below
/// it.
pub fn banner_ui(ui: &mut Ui, rect: Rect, theme: Theme, banner: &Banner) -> Rect {
    let text = strings::banner(banner);
    let colour = match banner.urgency() {
        Urgency::Warning => theme.palette.pending,
        Urgency::Error => theme.palette.bad,
    };
    let (inset, mark) = (theme.points(12.0).max(6.0), theme.points(9.0).max(7.0));
    let text_left = rect.left() + 2.0 * inset + 2.0 * mark;
    let mut job = LayoutJob::single_section(
        text.clone().into_owned(),
        TextFormat::simple(theme.font(BANNER_TEXT), theme.palette.text),
    );
    job.wrap.max_width = rect.right() - inset - text_left;
    let galley = ui.painter().layout_job(job);
    let height = (galley.size().y.max(2.0 * mark) + 1.3 * inset).min(0.5 * rect.height());
    let card = Rect::from_min_size(rect.min, vec2(rect.width(), height));
    let response = ui.interact(card, ui.scope_id().with("banner"), Sense::hover());
    response.widget_info(|| alert_info(&text));
    let painter = ui.painter().with_clip_rect(card);
    painter.rect_filled(card, theme.points(8.0), theme.palette.tint(colour, 0.12));
    painter.rect_stroke(card, theme.points(8.0), Stroke::new(1.0, colour), StrokeKind::Inside);
    let centre = pos2(card.left() + inset + mark, card.center().y);
    painter.circle_filled(centre, mark, colour);
    painter.text(centre, Align2::CENTER_CENTER, "!", theme.font(BANNER_TEXT), theme.palette.ground);
    let corner = pos2(text_left, card.center().y - 0.5 * galley.size().y);
    painter.galley(corner, galley, theme.palette.text);
    // Too long for its card: the whole text in the footer.
    hint::hinted(response, &text);
    Rect::from_min_max(pos2(rect.left(), card.bottom() + theme.points(12.0)), rect.max)
}

fn status_info(line: &str) -> WidgetInfo {
    WidgetInfo::labeled(Role::Status, true, line)
}

fn alert_info(text: &str) -> WidgetInfo {
    WidgetInfo::labeled(Role::Alert, true, text)
}
