//! The foot of the window: a few numbers that the mood was read from.

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{Rect, Response, Sense, Ui, WidgetInfo, pos2};

use super::view::Facts;
use super::{strings, theme};
use theme::Scale;

/// Size of text, units.
const TEXT: f32 = 13.5;

/// Shows `facts` on one line in `rect`, and what was missed at its right end.
pub fn facts_ui(ui: &mut Ui, rect: Rect, scale: Scale, facts: &Facts) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("facts"), Sense::hover());
    let names_and_values = strings::facts(facts);
    let mut job = LayoutJob::default();
    for (index, (name, value)) in names_and_values.iter().enumerate() {
        let gap = if index == 0 { 0.0 } else { scale.points(24.0) };
        job.append(name, gap, TextFormat::simple(scale.font(TEXT), theme::MUTED));
        job.append(value, scale.points(7.0), TextFormat::simple(scale.font(TEXT), theme::TEXT));
    }
    response.widget_info(|| spoken(&job.text));
    let left = ui.painter().layout_job(job.clone());
    let width = left.size().x;
    ui.painter().galley(
        pos2(rect.left(), rect.center().y - 0.5 * left.size().y),
        left,
        theme::TEXT,
    );
    if facts.lost_samples > 0 {
        paint_lost(ui, rect, scale, facts.lost_samples, width);
    }
    response
}

fn paint_lost(ui: &Ui, rect: Rect, scale: Scale, lost_samples: u64, taken: f32) {
    let line = strings::lost(lost_samples);
    let galley = ui.painter().layout_no_wrap(line, scale.font(TEXT), theme::PENDING);
    if taken + scale.points(24.0) + galley.size().x <= rect.width() {
        let corner = pos2(rect.right() - galley.size().x, rect.center().y - 0.5 * galley.size().y);
        ui.painter().galley(corner, galley, theme::PENDING);
    }
}

fn spoken(text: &str) -> WidgetInfo {
    WidgetInfo::labeled(Role::Label, true, text)
}
