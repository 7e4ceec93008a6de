//! The foot of the window: a few numbers that the mood was read from, and what is pressed most
//! often.

use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{Galley, Rect, Response, Sense, Ui, WidgetInfo, pos2};

use crate::editor::command::Command;
use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::editor::ui_state::UiState;
use crate::editor::view::{Facts, ViewState};
use crate::editor::widgets::button::{self, Kind};

/// Size of text, units.
const TEXT: f32 = 13.5;

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
        if response.on_hover_text(hint).clicked() {
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

/// Shows `facts` on one line in `rect`, what was missed at its right end. Facts for which there is
/// no room are left out, the last first.
fn facts_ui(ui: &mut Ui, rect: Rect, theme: Theme, facts: &Facts) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("facts"), Sense::hover());
    let facts_and_values = strings::facts(facts);
    response.widget_info(|| spoken(&facts_and_values, facts.lost_samples));
    let lost = (facts.lost_samples > 0).then(|| lost(ui, theme, facts.lost_samples));
    let taken = lost.as_ref().map_or(0.0, |lost| lost.size().x + theme.points(GAP));
    if let Some(lost) = lost {
        let corner = pos2(rect.right() - lost.size().x, rect.center().y - 0.5 * lost.size().y);
        ui.painter().galley(corner, lost, theme.palette.pending);
    }
    let fitting = (1..=facts_and_values.len()).rev().find_map(|n| {
        let line = line(ui, theme, &facts_and_values[..n]);
        (line.size().x + taken <= rect.width()).then_some(line)
    });
    if let Some(line) = fitting {
        let corner = pos2(rect.left(), rect.center().y - 0.5 * line.size().y);
        ui.painter().galley(corner, line, theme.palette.text);
    }
    response
}

/// Names and values on one line.
fn line(ui: &Ui, theme: Theme, facts: &[(&str, String)]) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    for (index, (name, value)) in facts.iter().enumerate() {
        let gap = if index == 0 { 0.0 } else { theme.points(GAP) };
        job.append(name, gap, TextFormat::simple(theme.font(TEXT), theme.palette.muted));
        job.append(
            value,
            theme.points(7.0),
            TextFormat::simple(theme.font(TEXT), theme.palette.text),
        );
    }
    ui.painter().layout_job(job)
}

fn lost(ui: &Ui, theme: Theme, samples: u64) -> Arc<Galley> {
    ui.painter().layout_no_wrap(strings::lost(samples), theme.font(TEXT), theme.palette.pending)
}

fn spoken(facts: &[(&str, String)], lost_samples: u64) -> WidgetInfo {
    let mut parts: Vec<String> =
        facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if lost_samples > 0 {
        parts.push(strings::lost(lost_samples));
    }
    WidgetInfo::labeled(Role::Label, true, parts.join(", "))
}
