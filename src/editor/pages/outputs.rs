//! The page of the outputs: where every reading goes while the music plays.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use crate::editor::command::Command;
use crate::editor::strings;
use crate::editor::strings::hints;
use crate::editor::theme::Theme;
use crate::editor::ui_state::UiState;
use crate::editor::view::ViewState;
use crate::editor::widgets::hint::hinted;
use crate::editor::widgets::picker::Picker;
use crate::outputs::OutputState;
use crate::prefs::Page;

/// Sizes of text, units.
const TITLE_TEXT: f32 = 16.0;
const TEXT: f32 = 13.5;

/// Space around the page, and between one output and the next, units.
const MARGIN: (f32, f32) = (18.0, 12.0);
const GAP: f32 = 14.0;

/// Narrower than this there is no room for more than a name beside the buttons, points.
const NARROW: f32 = 420.0;

/// Shows every kind of output in `rect`, scrolled where they do not fit.
pub fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    let response = ui.interact(rect, ui.scope_id().with("outputs page"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, strings::OUTPUTS_HINT));
    theme.outline(ui.painter(), rect);
    let inside = rect.shrink2(vec2(theme.points(MARGIN.0), theme.points(MARGIN.1)));
    ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
        let back = ui.button(format!("‹ {}", strings::BACK_TO_SETUP));
        if hinted(back, hints::BACK_TO_SETUP).clicked() {
            ui_state.prefs.page = Page::Setup;
        }
        ui.add_space(theme.points(GAP) / 2.0);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let hint = RichText::new(strings::OUTPUTS_HINT).font(theme.font(TEXT));
            ui.label(hint.color(theme.palette.muted));
            for output in &view.outputs {
                ui.add_space(theme.points(GAP));
                output_ui(ui, theme, output, ui_state);
            }
        });
    });
}

/// One output: what it is, which file it writes, how that goes.
fn output_ui(ui: &mut Ui, theme: Theme, output: &OutputState, ui_state: &mut UiState) {
    let (kind, palette) = (output.kind, theme.palette);
    let line = |ui: &mut Ui, text: String, colour| {
        ui.label(RichText::new(text).font(theme.font(TEXT)).color(colour));
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(kind.name).font(theme.font(TITLE_TEXT)).color(palette.text));
        // In a narrow window its name alone stands beside the buttons.
        if ui.available_width() >= NARROW {
            line(ui, kind.help.to_owned(), palette.muted);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if output.path.is_some()
                && named(ui, strings::STOP_OUTPUT, kind.name, hints::STOP_OUTPUT)
            {
                ui_state.ask(Command::Write(kind, None));
            }
            if named(ui, strings::CHOOSE_OUTPUT, kind.name, hints::CHOOSE_OUTPUT) {
                ui_state.picker = Some(Picker::for_output(kind, output.path.as_deref()));
            }
        });
    });
    match &output.path {
        None => line(ui, strings::OUTPUT_OFF.to_owned(), palette.muted),
        Some(path) => {
            line(ui, path.display().to_string(), palette.text);
            line(ui, strings::written(output.written, output.missed), palette.muted);
        }
    }
    if let Some(problem) = &output.problem {
        line(ui, problem.clone(), palette.pending);
    }
}

/// A button of which screen readers say what it belongs to. Whether it was clicked.
fn named(ui: &mut Ui, word: &str, of: &str, hint: &str) -> bool {
    let response = ui.button(word);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{word}: {of}")));
    hinted(response, hint).clicked()
}
