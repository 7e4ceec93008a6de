//! The page on the model: what the one in charge says of itself, data, terms, results, failures,
//! limits.

use egui::accesskit::Role;
use egui::{
    FontId, Label, Rect, RichText, ScrollArea, Sense, TextWrapMode, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::model::card::{About, ModelFacts};

/// Sizes of text, units.
const TITLE_TEXT: f32 = 17.0;
const TEXT: f32 = 14.0;

/// Space between the columns of the results, units.
const COLUMN_GAP: f32 = 20.0;

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

/// What the model was judged by: a row per set of songs and pair of words, in columns as wide as
/// what stands in them, smaller in a narrow window.
fn results_ui(ui: &mut Ui, theme: Theme, model: &ModelFacts) {
    let heads = strings::RESULT_HEADS.map(str::to_owned);
    let rows: Vec<[String; 5]> =
        std::iter::once(heads).chain(model.judged_on.iter().map(strings::result_row)).collect();
    let font = theme.font(TEXT);
    let gap = theme.points(COLUMN_GAP);
    let width = |text: &String| {
        let galley = ui.painter().layout_no_wrap(text.clone(), font.clone(), theme.palette.text);
        galley.size().x + gap
    };
    let widths: [f32; 5] = std::array::from_fn(|column| {
        rows.iter().map(|row| width(&row[column])).fold(0.0, f32::max)
    });
    let part = (ui.available_width() / widths.iter().sum::<f32>()).min(1.0);
    let font = FontId::proportional(part * font.size);
    let height = 1.45 * font.size;
    for (n, row) in rows.into_iter().enumerate() {
        let colour = if n == 0 { theme.palette.muted } else { theme.palette.text };
        let size = vec2(ui.available_width(), height);
        let (_, place) = ui.allocate_space(size);
        let mut left = place.left();
        for (text, width) in row.into_iter().zip(widths) {
            let cell = Rect::from_min_size(pos2(left, place.top()), vec2(part * width, height));
            let text = RichText::new(text).font(font.clone()).color(colour);
            ui.scope_builder(UiBuilder::new().max_rect(cell), |ui| {
                ui.add(Label::new(text).wrap_mode(TextWrapMode::Extend));
            });
            left = cell.right();
        }
    }
}
