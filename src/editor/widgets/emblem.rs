//! The emblem: a ring in the colours of the poles, each at its angle on the valence–arousal plane,
//! with a bead where the mood is.

use std::f32::consts::TAU;

use egui::{Color32, Mesh, Painter, Pos2, Shape, vec2};

use crate::editor::theme::Palette;
use crate::editor::view::MeterView;
use crate::editor::view::mood;
use crate::editor::widgets::plane;

/// Pieces of which the ring is made.
const N_PIECES: usize = 96;

/// Paints the ring inside the circle around `centre`.
pub fn paint(
    painter: &Painter,
    centre: Pos2,
    radius: f32,
    meters: &[MeterView],
    palette: &Palette,
) {
    let thickness = 0.24 * radius;
    painter.add(Shape::mesh(ring(
        centre,
        radius,
        thickness,
        0.5 / painter.pixels_per_point(),
        meters,
        palette,
    )));
    if meters.iter().any(|meter| meter.share.is_some()) {
        let mood = mood::position(meters.iter().map(|meter| (meter.angle_degrees, meter.needle)));
        let mood = mood / mood.length().max(1.0);
        let bead = centre + (radius - 2.1 * thickness) * vec2(mood.x, -mood.y);
        painter.circle_filled(bead, 0.8 * thickness, palette.text);
    }
}

/// The ring as triangles; over `soft` beyond each edge it fades, since meshes of our own are not
/// anti-aliased.
fn ring(
    centre: Pos2,
    radius: f32,
    thickness: f32,
    soft: f32,
    meters: &[MeterView],
    palette: &Palette,
) -> Mesh {
    let mut mesh = Mesh::default();
    let radii =
        [radius + soft, radius - soft, radius - thickness + soft, radius - thickness - soft];
    for piece in 0..=N_PIECES {
        let turn = piece as f32 / N_PIECES as f32;
        let colour = plane::colour_at(360.0 * turn, meters, palette);
        let towards = vec2((TAU * turn).cos(), -(TAU * turn).sin());
        for (radius, colour) in
            radii.iter().zip([Color32::TRANSPARENT, colour, colour, Color32::TRANSPARENT])
        {
            mesh.colored_vertex(centre + *radius * towards, colour);
        }
    }
    for piece in 0..N_PIECES as u32 {
        for corner in (4 * piece)..(4 * piece + 3) {
            mesh.add_triangle(corner, corner + 1, corner + 4);
            mesh.add_triangle(corner + 1, corner + 4, corner + 5);
        }
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::theme::DARK;

    #[test]
    fn the_ring_fades_at_both_edges_and_nowhere_else() {
        let mesh = ring(Pos2::ZERO, 10.0, 2.0, 0.5, &[], &DARK);
        for vertex in &mesh.vertices {
            let radius = vertex.pos.to_vec2().length();
            let on_edge = !(8.0..=10.0).contains(&radius);
            assert_eq!(vertex.color == Color32::TRANSPARENT, on_edge, "{radius}");
        }
    }
}
