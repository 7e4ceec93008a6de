//! The page of the outputs: where every reading goes while the music plays.

use egui::accesskit::Role;
use egui::{
    Align, DragValue, Layout, OpenUrl, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, UiBuilder,
    WidgetInfo, vec2,
};

use crate::editor::command::Command;
use crate::editor::strings;
use crate::editor::strings::hints;
use crate::editor::theme::Theme;
use crate::editor::ui_state::UiState;
use crate::editor::view::ViewState;
use crate::editor::widgets::hint::hinted;
use crate::editor::widgets::picker::Picker;
use crate::editor::widgets::setting::setting;
use crate::live::settings::{OscSettings, PRESETS};
use crate::live::{OscState, PageState};
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
            ui.add_space(theme.points(GAP));
            osc_ui(ui, theme, &view.osc, ui_state);
            ui.add_space(theme.points(GAP));
            live_page_ui(ui, theme, &view.page, ui_state);
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

/// Bundles a second that are offered; 0 is one with every reading.
const RATES_HZ: [u8; 4] = [0, 10, 30, 60];

/// The head of what is sent live: its name, what it is good for, and a switch with its word and
/// hint.
fn head_ui(ui: &mut Ui, theme: Theme, name: &str, help: &str, switch: (&mut bool, &str, &str)) {
    let (is_on, word, hint) = switch;
    let palette = theme.palette;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(name).font(theme.font(TITLE_TEXT)).color(palette.text));
        if ui.available_width() >= NARROW {
            ui.label(RichText::new(help).font(theme.font(TEXT)).color(palette.muted));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            hinted(ui.checkbox(is_on, word), hint);
        });
    });
}

/// What is sent by OSC: whether, to whom, how often, and what is heard.
fn osc_ui(ui: &mut Ui, theme: Theme, state: &OscState, ui_state: &mut UiState) {
    let palette = theme.palette;
    let line = |ui: &mut Ui, text: String, colour| {
        ui.label(RichText::new(text).font(theme.font(TEXT)).color(colour));
    };
    let mut settings = state.settings.clone();
    let switch = (&mut settings.is_on, strings::OSC_ON, hints::OSC_ON);
    head_ui(ui, theme, strings::OSC, strings::OSC_HELP, switch);
    if settings.is_on {
        osc_settings_ui(ui, theme, &mut settings, &mut ui_state.osc_texts);
    }
    if state.is_at_work {
        line(ui, strings::osc_sent(state), palette.muted);
    }
    if let Some(problem) = &state.problem {
        line(ui, problem.clone(), palette.pending);
    }
    if settings != state.settings {
        ui_state.ask(Command::SetOsc(settings));
    }
}

fn osc_settings_ui(
    ui: &mut Ui,
    theme: Theme,
    settings: &mut OscSettings,
    [targets, prefix]: &mut [Option<String>; 2],
) {
    setting(ui, theme, strings::OSC_TARGETS, |ui| {
        let shown = settings.targets_text();
        if let Some(text) = text_ui(ui, shown, targets, strings::OSC_TARGETS, hints::OSC_TARGETS) {
            settings.set_targets_text(&text);
        }
    });
    setting(ui, theme, "", |ui| {
        for (name, at) in PRESETS {
            let is_there = settings.targets.iter().any(|target| target == at);
            let button = ui.add_enabled(!is_there, egui::Button::new(format!("+ {name}")));
            if hinted(button, hints::OSC_PRESET).clicked() {
                settings.targets.push(at.to_owned());
            }
        }
    });
    setting(ui, theme, strings::OSC_PREFIX, |ui| {
        let shown = settings.prefix.clone();
        if let Some(text) = text_ui(ui, shown, prefix, strings::OSC_PREFIX, hints::OSC_PREFIX) {
            settings.prefix = text;
        }
    });
    setting(ui, theme, strings::OSC_RATE, |ui| {
        for rate_hz in RATES_HZ {
            let is_chosen = settings.rate_hz == rate_hz;
            let choice = ui.selectable_label(is_chosen, strings::osc_rate(rate_hz));
            if hinted(choice, hints::OSC_RATE).clicked() {
                settings.rate_hz = rate_hz;
            }
        }
    });
    setting(ui, theme, strings::OSC_COMMANDS, |ui| {
        let listens = ui.checkbox(&mut settings.listens, strings::OSC_LISTENS);
        let listens = hinted(listens, hints::OSC_LISTENS);
        if settings.listens {
            let port = DragValue::new(&mut settings.port).range(1..=u16::MAX);
            hinted(ui.add(port).labelled_by(listens.id), hints::OSC_PORT);
        }
    });
    setting(ui, theme, strings::OSC_QUERY, |ui| {
        let queried = ui.checkbox(&mut settings.is_queried, strings::OSC_QUERIED);
        let queried = hinted(queried, hints::OSC_QUERY);
        if settings.is_queried {
            let port = DragValue::new(&mut settings.query_port).range(1..=u16::MAX);
            hinted(ui.add(port).labelled_by(queried.id), hints::OSC_QUERY_PORT);
        }
        if settings.listens || settings.is_queried {
            let public = ui.checkbox(&mut settings.is_public, strings::OSC_PUBLIC);
            hinted(public, hints::OSC_PUBLIC);
        }
    });
}

/// The page for browsers: whether there is one, and the way to it.
fn live_page_ui(ui: &mut Ui, theme: Theme, state: &PageState, ui_state: &mut UiState) {
    let palette = theme.palette;
    let line = |ui: &mut Ui, text: String, colour| {
        ui.label(RichText::new(text).font(theme.font(TEXT)).color(colour));
    };
    let mut settings = state.settings.clone();
    let switch = (&mut settings.is_on, strings::PAGE_ON, hints::PAGE_ON);
    head_ui(ui, theme, strings::PAGE, strings::PAGE_HELP, switch);
    if settings.is_on {
        setting(ui, theme, strings::PAGE_PORT, |ui| {
            let port = DragValue::new(&mut settings.port).range(1..=u16::MAX);
            let port = ui.add(port);
            port.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, strings::PAGE_PORT));
            hinted(port, hints::PAGE_PORT);
            let public = ui.checkbox(&mut settings.is_public, strings::PAGE_PUBLIC);
            hinted(public, hints::PAGE_PUBLIC);
            if hinted(ui.button(strings::PAGE_OPEN), hints::PAGE_OPEN).clicked() {
                ui.ctx().open_url(OpenUrl::new_tab(settings.url()));
            }
        });
    }
    if state.is_at_work {
        line(ui, strings::page_shown(state), palette.muted);
    }
    if let Some(problem) = &state.problem {
        line(ui, problem.clone(), palette.pending);
    }
    if settings != state.settings {
        ui_state.ask(Command::SetPage(settings));
    }
}

/// A field that shows `value` until something is typed into it; what was typed, once it is done.
fn text_ui(
    ui: &mut Ui,
    value: String,
    typed: &mut Option<String>,
    name: &str,
    hint: &str,
) -> Option<String> {
    let mut text = typed.clone().unwrap_or_else(|| value.clone());
    let field = TextEdit::singleline(&mut text).desired_width(f32::INFINITY);
    let response = ui.add(field);
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &value, &text, "");
        info.label = Some(name.to_owned());
        info
    });
    let response = hinted(response, hint);
    if response.changed() {
        *typed = Some(text);
    }
    if response.lost_focus() { typed.take().filter(|text| *text != value) } else { None }
}

/// A button of which screen readers say what it belongs to. Whether it was clicked.
fn named(ui: &mut Ui, word: &str, of: &str, hint: &str) -> bool {
    let response = ui.button(word);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{word}: {of}")));
    hinted(response, hint).clicked()
}
