//! The emblem: a ring in the colours of the poles, each at its angle on the valence–arousal plane, with a bead where the mood is.

use std::f32::consts::TAU;

use egui::{Color32, Mesh, Painter, Pos2, Shape, Vec2, vec2};

use super::ballistics::MIDDLE;
use super::theme;
use super::view::MeterView;

/// Pieces of which the ring is made.
const N_PIECES: usize = 96;

/// Paints the ring inside the circle around `centre`.
pub fn paint(painter: &Painter, centre: Pos2, radius: f32, meters: &[MeterView]) {
    let thickness = 0.24 * radius;
    painter.add(Shape::mesh(ring(
        centre,
        radius,
        thickness,
        0.5 / painter.pixels_per_point(),
        meters,
    )));
    if meters.iter().any(|meter| meter.share.is_some()) {
        let bead = centre + (radius - 2.1 * thickness) * direction(meters);
        painter.circle_filled(bead, 0.8 * thickness, theme::TEXT);
    }
}

/// The ring as triangles; over `soft` beyond each edge it fades, since meshes of our own are not anti-aliased.
fn ring(centre: Pos2, radius: f32, thickness: f32, soft: f32, meters: &[MeterView]) -> Mesh {
    let mut mesh = Mesh::default();
    let radii =
        [radius + soft, radius - soft, radius - thickness + soft, radius - thickness - soft];
    for piece in 0..=N_PIECES {
        let turn = piece as f32 / N_PIECES as f32;
        let colour = colour(360.0 * turn, meters);
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

/// The colour at `degrees`: those of the poles, each weighted by how nearly it points there.
fn colour(degrees: f32, meters: &[MeterView]) -> Color32 {
    let mut sum = [0.0; 3];
    let mut weights = 0.0;
    for (index, meter) in meters.iter().enumerate() {
        let (first, second) = theme::poles(index);
        for (pole, angle) in [(first, meter.angle_degrees), (second, meter.angle_degrees + 180.0)] {
            let weight = (degrees - angle).to_radians().cos().max(0.0).powi(2);
            for (sum, byte) in sum.iter_mut().zip([pole.r(), pole.g(), pole.b()]) {
                *sum += weight * f32::from(byte);
            }
            weights += weight;
        }
    }
    if weights < 1e-3 {
        return theme::MUTED;
    }
    // A weighted mean of bytes is a byte.
    let [r, g, b] = sum.map(|sum| (sum / weights).round() as u8);
    Color32::from_rgb(r, g, b)
}

/// Where the mood is on the plane, as a part of the ring's radius on screen (y down), no longer than 1.
fn direction(meters: &[MeterView]) -> Vec2 {
    let along = |meter: &MeterView| {
        let angle = meter.angle_degrees.to_radians();
        2.0 * (meter.needle - MIDDLE) * vec2(angle.cos(), -angle.sin())
    };
    let sum: Vec2 = meters.iter().map(along).fold(Vec2::ZERO, |sum, part| sum + part);
    sum / sum.length().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(angle_degrees: f32, needle: f32) -> MeterView {
        MeterView { angle_degrees, needle, share: Some(needle), ..MeterView::default() }
    }

    #[test]
    fn excited_and_joyful_is_up_and_right() {
        let up_right = direction(&[meter(90.0, 0.8), meter(0.0, 0.7)]);
        assert!((up_right - vec2(0.4, -0.6)).length() < 1e-5);
        assert_eq!(direction(&[meter(90.0, 0.5), meter(0.0, 0.5)]), Vec2::ZERO);
    }

    #[test]
    fn the_bead_stays_inside_the_ring() {
        assert!(direction(&[meter(90.0, 1.0), meter(0.0, 1.0)]).length() <= 1.0 + 1e-6);
    }

    #[test]
    fn the_ring_has_each_pole_s_colour_at_its_angle() {
        let meters = [meter(90.0, 0.5), meter(0.0, 0.5)];
        assert_eq!(colour(90.0, &meters), theme::POLES[0].0);
        assert_eq!(colour(180.0, &meters), theme::POLES[1].1);
        assert_eq!(colour(180.0, &[]), theme::MUTED);
    }
}
