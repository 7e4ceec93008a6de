//! The page of settings.

use std::path::Path;

use egui::{DragValue, Rect, ScrollArea, Slider, Ui, UiBuilder, WidgetInfo, vec2};

use crate::editor::command::Command;
use crate::editor::strings;
use crate::editor::strings::hints;
use crate::editor::theme::Theme;
use crate::editor::ui_state::UiState;
use crate::editor::view::ViewState;
use crate::editor::widgets::hint::hinted;
use crate::editor::widgets::picker::Picker;
use crate::editor::widgets::setting::setting;
use crate::params::{GATE_RANGE_DB, Response};
use crate::prefs::{Page, PaletteChoice, StageLook};

/// Shows everything that can be set in `rect`, scrolled where it does not fit.
pub fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    theme.outline(ui.painter(), rect);
    let inside = rect.shrink2(vec2(theme.points(18.0), theme.points(12.0)));
    ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme.points(9.0);
            listening_ui(ui, theme, view, ui_state);
            look_ui(ui, theme, ui_state);
            model_ui(ui, theme, view, ui_state);
            outputs_ui(ui, theme, view, ui_state);
            setting(ui, theme, strings::SETTING_VERSION, |ui| _ = ui.label(strings::VERSION));
        });
    });
}

/// Settings that the host keeps and automates.
fn listening_ui(ui: &mut Ui, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    let controls = &view.controls;
    setting(ui, theme, strings::SETTING_RESPONSE, |ui| {
        for response in [Response::Dj, Response::Mix, Response::Slow] {
            let chosen = controls.response == response;
            let choice = ui.selectable_label(chosen, strings::response(response));
            if hinted(choice, hints::RESPONSE).clicked() {
                ui_state.ask(Command::SetResponse(response));
            }
        }
    });
    setting(ui, theme, strings::SETTING_GATE, |ui| {
        let mut gate_db = controls.gate_db;
        let range = GATE_RANGE_DB.0..=GATE_RANGE_DB.1;
        let response = ui.add(Slider::new(&mut gate_db, range.clone()).show_value(false));
        let spoken = || WidgetInfo::slider(true, f64::from(gate_db), strings::SETTING_GATE);
        response.widget_info(spoken);
        hinted(response, hints::GATE);
        let value = DragValue::new(&mut gate_db).range(range).suffix(" dB").fixed_decimals(0);
        hinted(ui.add(value), hints::GATE);
        if gate_db != controls.gate_db {
            ui_state.ask(Command::SetGate(gate_db));
        }
    });
    setting(ui, theme, "", |ui| {
        let mut auto_reset = controls.auto_reset;
        let response = ui.checkbox(&mut auto_reset, strings::SETTING_AUTO_RESET);
        if hinted(response, hints::AUTO_RESET).changed() {
            ui_state.ask(Command::SetAutoReset(auto_reset));
        }
    });
}

/// Settings of the window.
fn look_ui(ui: &mut Ui, theme: Theme, ui_state: &mut UiState) {
    setting(ui, theme, strings::SETTING_PALETTE, |ui| {
        for choice in PaletteChoice::ALL {
            let palette = &mut ui_state.prefs.palette;
            let response = ui.selectable_value(palette, choice, strings::palette(choice));
            hinted(response, hints::PALETTE);
        }
    });
    setting(ui, theme, "", |ui| {
        let response = ui.checkbox(&mut ui_state.prefs.reduced_motion, strings::SETTING_MOTION);
        hinted(response, hints::MOTION);
    });
    setting(ui, theme, strings::SETTING_STAGE, |ui| {
        for look in [StageLook::Meter, StageLook::Field] {
            let shown = &mut ui_state.prefs.stage_look;
            let response = ui.selectable_value(shown, look, strings::stage_look(look));
            hinted(response, hints::STAGE);
        }
        if hinted(ui.button(strings::SCREEN), hints::SCREEN).clicked() {
            ui_state.ask(Command::Screen);
        }
        let response = ui.checkbox(&mut ui_state.prefs.pulse, strings::SETTING_PULSE);
        hinted(response, hints::PULSE);
    });
}

/// Which model reads, and which of its pairs of words are shown.
fn model_ui(ui: &mut Ui, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    setting(ui, theme, strings::SETTING_MODEL, |ui| {
        let path = view.controls.model_path.as_deref();
        let file = path.and_then(Path::file_name).map(|file| file.to_string_lossy().into_owned());
        ui.label(file.unwrap_or_else(|| strings::model(&view.model)));
        if hinted(ui.button(strings::CHOOSE_MODEL), hints::MODEL).clicked() {
            ui_state.picker = Some(Picker::for_model(path));
        }
        if path.is_some() && hinted(ui.button(strings::SHIPPED_MODEL), hints::SHIPPED).clicked() {
            ui_state.ask(Command::UseModel(None));
        }
    });
    setting(ui, theme, strings::SETTING_SPACES, |ui| {
        let n_shown =
            view.model.spaces.iter().filter(|space| ui_state.prefs.shows(&space.first)).count();
        for space in &view.model.spaces {
            let mut shown = ui_state.prefs.shows(&space.first);
            let text = strings::space(&space.first, &space.second);
            // The last one stays.
            let may_change = !shown || n_shown > 1;
            ui.add_enabled_ui(may_change, |ui| {
                if hinted(ui.checkbox(&mut shown, text), hints::SPACES).changed() {
                    ui_state.prefs.set_shown(&space.first, shown);
                }
            });
        }
    });
}

/// Where readings are written, and the way to change it.
fn outputs_ui(ui: &mut Ui, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    setting(ui, theme, strings::SETTING_OUTPUTS, |ui| {
        let on = view.outputs.iter().filter(|output| output.path.is_some());
        let live =
            [(view.osc.settings.is_on, strings::OSC), (view.page.settings.is_on, strings::PAGE)];
        let live = live.into_iter().filter_map(|(is_on, name)| is_on.then_some(name));
        let names: Vec<&str> = on.map(|output| output.kind.name).chain(live).collect();
        ui.label(strings::outputs_on(&names));
        if hinted(ui.button(strings::SHOW_OUTPUTS), hints::OUTPUTS).clicked() {
            ui_state.prefs.page = Page::Outputs;
        }
    });
}
