//! What the model in charge says of itself, over the meters: data, terms, results, failures, limits.

use egui::accesskit::Role;
use egui::{
    Align2, Context, Id, Key, Rect, Response, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, vec2,
};

use super::{strings, theme};
use crate::model::card::ModelFacts;
use theme::Scale;

/// Sizes of text, units.
const BUTTON_TEXT: f32 = 14.0;
const TITLE_TEXT: f32 = 17.0;
const TEXT: f32 = 14.0;

/// Room for the button in the header, units.
pub const BUTTON_WIDTH: f32 = 30.0;

/// Whether the page is open, kept in the window's context.
fn id() -> Id {
    Id::unique("about is open")
}

/// Whether the page is open.
#[must_use]
pub fn is_open(ui: &Ui) -> bool {
    ui.data(|data| data.get_temp(id()).unwrap_or(false))
}

fn set_open(context: &Context, open: bool) {
    context.data_mut(|data| data.insert_temp(id(), open));
}

/// Opens the page in the window of `context`.
pub fn open(context: &Context) {
    set_open(context, true);
}

/// The button that opens and closes the page, in `rect`. Escape closes it too.
pub fn button_ui(ui: &mut Ui, rect: Rect, scale: Scale) -> Response {
    let open = is_open(ui);
    let response = ui.interact(rect, ui.scope_id().with("about"), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, strings::ABOUT_BUTTON));
    let lit = open || response.hovered() || response.has_focus();
    let colour = if lit { theme::TEXT } else { theme::MUTED };
    let radius = scale.points(10.0).max(8.0);
    let painter = ui.painter();
    painter.circle_stroke(rect.center(), radius, Stroke::new(scale.points(1.5).max(1.0), colour));
    painter.text(rect.center(), Align2::CENTER_CENTER, "i", scale.font(BUTTON_TEXT), colour);
    if response.clicked() {
        set_open(ui.ctx(), !open);
    } else if open && ui.input(|input| input.key_pressed(Key::Escape)) {
        set_open(ui.ctx(), false);
    }
    response
}

/// The page, in `rect`, scrolled where it does not fit.
pub fn page_ui(ui: &mut Ui, rect: Rect, scale: Scale, model: &ModelFacts) {
    let response = ui.interact(rect, ui.scope_id().with("about page"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Document, true, strings::about_title(model)));
    let radius = scale.points(10.0);
    ui.painter().rect_filled(rect, radius, theme::CARD);
    ui.painter().rect_stroke(rect, radius, Stroke::new(1.0, theme::CARD_EDGE), StrokeKind::Inside);
    let inside = rect.shrink2(vec2(scale.points(20.0), scale.points(12.0)));
    ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let line = |ui: &mut Ui, text: &str, size: f32, colour| {
                ui.label(RichText::new(text).font(scale.font(size)).color(colour));
            };
            line(ui, &strings::about_title(model), TITLE_TEXT, theme::TEXT);
            for paragraph in &model.about {
                ui.add_space(scale.points(8.0));
                line(ui, &paragraph.title, TEXT, theme::MUTED);
                line(ui, &paragraph.text, TEXT, theme::TEXT);
            }
        });
    });
}
