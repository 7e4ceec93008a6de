//! A row of a page of settings.

use egui::{Align, Layout, RichText, Ui, vec2};

use crate::editor::theme::Theme;

/// Narrower than this a setting stands under its name, points.
const NARROW: f32 = 420.0;

/// A setting called `name`: beside its name, or under it in a narrow window.
pub fn setting(ui: &mut Ui, theme: Theme, name: &str, add: impl FnOnce(&mut Ui)) {
    let label = RichText::new(name).color(theme.palette.muted);
    if ui.available_width() < NARROW {
        if !name.is_empty() {
            ui.label(label);
        }
        ui.horizontal_wrapped(add);
        return;
    }
    let column = theme.points(160.0);
    ui.horizontal(|ui| {
        let place = vec2(column, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(place, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(column);
            ui.label(label);
        });
        ui.horizontal_wrapped(add);
    });
}
