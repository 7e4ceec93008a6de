//! The foot of the window: a few numbers that the mood was read from.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{Galley, Rect, Response, Sense, Ui, WidgetInfo, pos2};

use super::view::Facts;
use super::{strings, theme};
use theme::Scale;

/// Size of text, units.
const TEXT: f32 = 13.5;

/// Space between facts, units.
const GAP: f32 = 24.0;

/// Shows `facts` on one line in `rect`, what was missed at its right end. Facts for which there is no room are left out, the last first.
pub fn facts_ui(ui: &mut Ui, rect: Rect, scale: Scale, facts: &Facts) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("facts"), Sense::hover());
    let facts_and_values = strings::facts(facts);
    response.widget_info(|| spoken(&facts_and_values, facts.lost_samples));
    let lost = (facts.lost_samples > 0).then(|| lost(ui, scale, facts.lost_samples));
    let taken = lost.as_ref().map_or(0.0, |lost| lost.size().x + scale.points(GAP));
    if let Some(lost) = lost {
        let corner = pos2(rect.right() - lost.size().x, rect.center().y - 0.5 * lost.size().y);
        ui.painter().galley(corner, lost, theme::PENDING);
    }
    let fitting = (1..=facts_and_values.len()).rev().find_map(|n| {
        let line = line(ui, scale, &facts_and_values[..n]);
        (line.size().x + taken <= rect.width()).then_some(line)
    });
    if let Some(line) = fitting {
        let corner = pos2(rect.left(), rect.center().y - 0.5 * line.size().y);
        ui.painter().galley(corner, line, theme::TEXT);
    }
    response
}

/// Names and values on one line.
fn line(ui: &Ui, scale: Scale, facts: &[(&str, String)]) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    for (index, (name, value)) in facts.iter().enumerate() {
        let gap = if index == 0 { 0.0 } else { scale.points(GAP) };
        job.append(name, gap, TextFormat::simple(scale.font(TEXT), theme::MUTED));
        job.append(value, scale.points(7.0), TextFormat::simple(scale.font(TEXT), theme::TEXT));
    }
    ui.painter().layout_job(job)
}

fn lost(ui: &Ui, scale: Scale, samples: u64) -> Arc<Galley> {
    ui.painter().layout_no_wrap(strings::lost(samples), scale.font(TEXT), theme::PENDING)
}

fn spoken(facts: &[(&str, String)], lost_samples: u64) -> WidgetInfo {
    let mut parts: Vec<String> =
        facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if lost_samples > 0 {
        parts.push(strings::lost(lost_samples));
    }
    WidgetInfo::labeled(Role::Label, true, parts.join(", "))
}
