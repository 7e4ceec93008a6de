//! The page on the model: what the one in charge says of itself, data, terms, results, failures,
//! limits.

use egui::accesskit::Role;
use egui::{Grid, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::model::card::{About, ModelFacts};

/// Sizes of text, units.
const TITLE_TEXT: f32 = 17.0;
const TEXT: f32 = 14.0;

/// The page, in `rect`, scrolled where it does not fit.
pub fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, model: &ModelFacts) {
    let response = ui.interact(rect, ui.scope_id().with("about page"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Document, true, strings::about_title(model)));
    theme.outline(ui.painter(), rect);
    let inside = rect.shrink2(vec2(theme.points(20.0), theme.points(12.0)));
    ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let line = |ui: &mut Ui, text: &str, size: f32, colour| {
                ui.label(RichText::new(text).font(theme.font(size)).color(colour));
            };
            line(ui, &strings::about_title(model), TITLE_TEXT, theme.palette.text);
            if !model.judged_on.is_empty() {
                ui.add_space(theme.points(8.0));
                line(ui, strings::RESULTS, TEXT, theme.palette.muted);
                results_ui(ui, theme, model);
            }
            // What is in the table needs no sentence.
            let is_told =
                |paragraph: &&About| model.judged_on.is_empty() || paragraph.title != "Results";
            for paragraph in model.about.iter().filter(is_told) {
                ui.add_space(theme.points(8.0));
                line(ui, &paragraph.title, TEXT, theme.palette.muted);
                line(ui, &paragraph.text, TEXT, theme.palette.text);
            }
        });
    });
}

/// What the model was judged by: a row per set of songs and pair of words.
fn results_ui(ui: &mut Ui, theme: Theme, model: &ModelFacts) {
    let cell = |ui: &mut Ui, text: String, colour| {
        ui.label(RichText::new(text).font(theme.font(TEXT)).color(colour));
    };
    let spacing = vec2(theme.points(20.0), theme.points(3.0));
    Grid::new("results").spacing(spacing).show(ui, |ui| {
        for head in strings::RESULT_HEADS {
            cell(ui, head.to_owned(), theme.palette.muted);
        }
        ui.end_row();
        for row in &model.judged_on {
            for text in strings::result_row(row) {
                cell(ui, text, theme.palette.text);
            }
            ui.end_row();
        }
    });
}
