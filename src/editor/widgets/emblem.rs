//! The emblem: a ring in the colours of the poles, each at its angle on the valence–arousal plane,
//! with a bead where the mood is.

use egui::{Painter, Pos2, Shape, vec2};

use crate::editor::theme::Palette;
use crate::editor::view::MeterView;
use crate::editor::view::mood;
use crate::editor::widgets::plane;
use crate::editor::widgets::ring::ring;

/// Paints the ring inside the circle around `centre`.
pub fn paint(
    painter: &Painter,
    centre: Pos2,
    radius: f32,
    meters: &[MeterView],
    palette: &Palette,
) {
    let thickness = 0.24 * radius;
    let soft = 0.5 / painter.pixels_per_point();
    let colour_at = |turn: f32| plane::colour_at(360.0 * turn, meters, palette);
    painter.add(Shape::mesh(ring(centre, radius, thickness, soft, colour_at)));
    if meters.iter().any(|meter| meter.share.is_some()) {
        let mood = mood::position(meters.iter().map(|meter| (meter.angle_degrees, meter.needle)));
        let mood = mood / mood.length().max(1.0);
        let bead = centre + (radius - 2.1 * thickness) * vec2(mood.x, -mood.y);
        painter.circle_filled(bead, 0.8 * thickness, palette.text);
    }
}
