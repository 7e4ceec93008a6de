//! The foot of the window: a few numbers that the mood was read from, and what is pressed most
//! often.

use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Galley, Rect, Sense, Ui, WidgetInfo, pos2};

use crate::editor::command::Command;
use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::editor::ui_state::UiState;
use crate::editor::view::{Facts, ViewState};
use crate::editor::widgets::button::{self, Kind};
use crate::editor::widgets::hint;

/// Size of text, units.
const TEXT: f32 = 13.5;
/// The same where a hint takes two lines.
const SMALL_TEXT: f32 = 11.0;

/// How long the window says that it has copied, seconds.
const COPIED_SECS: f64 = 1.5;

/// Space between facts, units.
const GAP: f32 = 24.0;

/// Shows `view`'s facts and the buttons on one line in `rect`.
pub fn footer_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    let holds = view.controls.hold;
    let mut right = rect.right();
    let now_secs = ui.input(|input| input.time);
    let copy = if now_secs < ui_state.copied_until_secs { strings::COPIED } else { strings::COPY };
    // A button keeps its name, and with it the keyboard, whatever is written on it.
    for (word, name, hint, kind, command) in [
        (strings::RESET, strings::RESET, strings::RESET_HINT, Kind::Action, Command::Reset),
        (
            strings::HOLD,
            strings::HOLD,
            strings::HOLD_HINT,
            Kind::Toggle(holds),
            Command::SetHold(!holds),
        ),
        (copy, strings::COPY, strings::COPY_HINT, Kind::Action, Command::Copy),
    ] {
        let left = right - button::width(ui, theme, word);
        let place = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
        let response = button::word_ui(ui, place, theme, word, name, kind);
        if word != name {
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, word));
        }
        if hint::hinted(response, hint).clicked() {
            ui_state.ask(command);
        }
        right = left - theme.points(6.0).max(3.0);
    }
    // By the button, or by its key.
    if ui_state.commands.contains(&Command::Copy) {
        ui_state.copied_until_secs = now_secs + COPIED_SECS;
        ui.ctx().request_repaint();
        ui.ctx().request_repaint_after(Duration::from_secs_f64(COPIED_SECS));
    }
    let room = Rect::from_min_max(rect.min, pos2(right - theme.points(8.0), rect.bottom()));
    facts_ui(ui, room, theme, &view.facts);
}

/// Shows `facts` on one line in `rect`, what was missed at its right end, and in their place what
/// there is to say of whatever the pointer or the keyboard is on. Facts for which there is no room
/// are left out, the last first.
fn facts_ui(ui: &mut Ui, rect: Rect, theme: Theme, facts: &Facts) {
    let mut room = rect;
    if facts.lost_samples > 0 {
        let text = strings::lost(facts.lost_samples);
        let lost =
            ui.painter().layout_no_wrap(text.clone(), theme.font(TEXT), theme.palette.pending);
        let corner = pos2(rect.right() - lost.size().x, rect.center().y - 0.5 * lost.size().y);
        let place = Rect::from_min_size(corner, lost.size());
        ui.painter().galley(corner, lost, theme.palette.pending);
        fact_ui(ui, place, &text, strings::LOST_HINT);
        room.max.x = place.left() - theme.points(GAP);
    }
    let mut left = room.left();
    let mut galleys = Vec::new();
    for (name, value, hint) in strings::facts(facts) {
        let galley = fact(ui, theme, name, &value);
        let place =
            Rect::from_min_size(pos2(left, room.center().y - 0.5 * galley.size().y), galley.size());
        if place.right() > room.right() {
            break;
        }
        fact_ui(ui, place, &format!("{name} {value}"), hint);
        left = place.right() + theme.points(GAP);
        galleys.push((place.min, galley));
    }
    match hint::take(ui.ctx()) {
        Some(hint) => paint_hint(ui, room, theme, hint),
        None => {
            for (corner, galley) in galleys {
                ui.painter().galley(corner, galley, theme.palette.text);
            }
        }
    }
}

/// One fact, for screen readers and for whoever asks what it is.
fn fact_ui(ui: &Ui, place: Rect, text: &str, hint: &str) {
    let response = ui.interact(place, ui.scope_id().with(hint), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    hint::hinted(response, hint);
}

/// A name and its value.
fn fact(ui: &Ui, theme: Theme, name: &str, value: &str) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    job.append(name, 0.0, TextFormat::simple(theme.font(TEXT), theme.palette.muted));
    let value_format = TextFormat::simple(theme.font(TEXT), theme.palette.text);
    job.append(value, theme.points(7.0), value_format);
    ui.painter().layout_job(job)
}

/// Says `hint` in `rect`: on a line, on two smaller ones where that is too long, and no more.
fn paint_hint(ui: &Ui, rect: Rect, theme: Theme, hint: String) {
    let (painter, colour) = (ui.painter(), theme.palette.text);
    let line = painter.layout_no_wrap(hint.clone(), theme.font(TEXT), colour);
    let galley = if line.size().x <= rect.width() {
        line
    } else {
        let format = TextFormat::simple(theme.font(SMALL_TEXT), colour);
        let mut job = LayoutJob::single_section(hint, format);
        job.wrap = TextWrapping { max_width: rect.width(), max_rows: 2, ..Default::default() };
        painter.layout_job(job)
    };
    let corner = pos2(rect.left(), rect.center().y - 0.5 * galley.size().y);
    painter.galley(corner, galley, colour);
}
