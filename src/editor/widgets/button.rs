//! Words and marks that can be pressed, by pointer or keyboard.

use egui::accesskit::Role;
use egui::{Align2, Rect, Response, Sense, StrokeKind, Ui, WidgetInfo, vec2};

use crate::editor::theme::Theme;

/// Size of text, units.
const TEXT: f32 = 15.0;

/// What a button is to whoever cannot see it, and whether it is on.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Does something.
    Action,
    /// Is on or off.
    Toggle(bool),
    /// Shows a page, or shows it already.
    Tab(bool),
}

/// Width that a button with `word` on it takes.
#[must_use]
pub fn width(ui: &Ui, theme: Theme, word: &str) -> f32 {
    let galley = ui.painter().layout_no_wrap(word.to_owned(), theme.font(TEXT), theme.palette.text);
    galley.size().x + 2.0 * theme.points(9.0).max(4.0)
}

/// A button in `rect` with `word` on it that is called `name`.
pub fn word_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    word: &str,
    name: &str,
    kind: Kind,
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("button", name)), Sense::click());
    response.widget_info(|| match kind {
        Kind::Action => WidgetInfo::labeled(Role::Button, true, name),
        Kind::Toggle(on) => WidgetInfo::selected(Role::Button, true, on, name),
        Kind::Tab(on) => WidgetInfo::selected(Role::Tab, true, on, name),
    });
    let palette = theme.palette;
    let is_on = matches!(kind, Kind::Toggle(true) | Kind::Tab(true));
    let is_lit = is_on || response.hovered() || response.has_focus();
    let painter = ui.painter();
    let radius = theme.points(6.0);
    match kind {
        Kind::Tab(_) if is_on => {
            let thickness = theme.points(2.5).max(2.0);
            let inset = theme.points(9.0).max(4.0);
            let line = Rect::from_min_max(
                rect.left_bottom() + vec2(inset, -thickness),
                rect.right_bottom() - vec2(inset, 0.0),
            );
            painter.rect_filled(line, 0.5 * thickness, palette.text);
        }
        Kind::Tab(_) => {}
        Kind::Action | Kind::Toggle(_) => {
            let fill = if is_on || response.hovered() { palette.ambiguous } else { palette.track };
            painter.rect_filled(rect, radius, fill);
        }
    }
    if response.has_focus() {
        painter.rect_stroke(rect, radius, theme.stroke(1.5, palette.text), StrokeKind::Inside);
    }
    let is_quiet = matches!(kind, Kind::Tab(_)) && !is_lit;
    let colour = if is_quiet { palette.muted } else { palette.text };
    painter.text(rect.center(), Align2::CENTER_CENTER, word, theme.font(TEXT), colour);
    response
}

/// A frame with two corners pulled apart: full size.
pub fn enlarge_ui(ui: &mut Ui, rect: Rect, theme: Theme, name: &str) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("button", name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let is_lit = response.hovered() || response.has_focus();
    let colour = if is_lit { theme.palette.text } else { theme.palette.muted };
    let half = theme.points(7.0).max(5.0);
    let frame = Rect::from_center_size(rect.center(), vec2(2.0 * half, 2.0 * half));
    let arm = 0.75 * half;
    for (corner, x, y) in [
        (frame.left_top(), 1.0, 1.0),
        (frame.right_top(), -1.0, 1.0),
        (frame.left_bottom(), 1.0, -1.0),
        (frame.right_bottom(), -1.0, -1.0),
    ] {
        let stroke = theme.stroke(1.8, colour);
        ui.painter().line_segment([corner, corner + vec2(x * arm, 0.0)], stroke);
        ui.painter().line_segment([corner, corner + vec2(0.0, y * arm)], stroke);
    }
    if response.has_focus() {
        let radius = theme.points(6.0);
        ui.painter().rect_stroke(
            rect,
            radius,
            theme.stroke(1.5, theme.palette.text),
            StrokeKind::Inside,
        );
    }
    response
}
