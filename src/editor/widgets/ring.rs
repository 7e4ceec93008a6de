//! Rings and glows as few triangles, for what has no graphics card.

use std::f32::consts::TAU;

use egui::{Color32, Mesh, Pos2, Rect, pos2, vec2};

/// Fewest and most pieces that a ring is made of.
const PIECES: (u32, u32) = (24, 96);

/// Pieces of a ring of `radius` points: none of them leaves the circle by more than a twentieth of
/// a point, as far as that takes no more than the most.
#[must_use]
pub fn pieces(radius: f32) -> u32 {
    /// Half of the sagitta's pieces: n = τ / (2 · acos(1 − 0.05 / r)) ≈ τ / 2 · √(r / 0.1).
    const BY_ROOT: f32 = 9.93;
    ((BY_ROOT * radius.max(0.0).sqrt()) as u32).clamp(PIECES.0, PIECES.1)
}

/// A ring `thickness` wide within `radius`, `colour_at` each part of a turn from the right against
/// the clock; over `soft` beyond each edge it fades, since meshes of our own are not anti-aliased.
#[must_use]
pub fn ring(
    centre: Pos2,
    radius: f32,
    thickness: f32,
    soft: f32,
    colour_at: impl Fn(f32) -> Color32,
) -> Mesh {
    let mut mesh = Mesh::default();
    let radii =
        [radius + soft, radius - soft, radius - thickness + soft, radius - thickness - soft];
    let n_pieces = pieces(radius);
    for piece in 0..=n_pieces {
        let turn = piece as f32 / n_pieces as f32;
        let colour = colour_at(turn);
        let towards = vec2((TAU * turn).cos(), -(TAU * turn).sin());
        for (radius, colour) in
            radii.iter().zip([Color32::TRANSPARENT, colour, colour, Color32::TRANSPARENT])
        {
            mesh.colored_vertex(centre + *radius * towards, colour);
        }
    }
    for piece in 0..n_pieces {
        for corner in (4 * piece)..(4 * piece + 3) {
            mesh.add_triangle(corner, corner + 1, corner + 4);
            mesh.add_triangle(corner + 1, corner + 4, corner + 5);
        }
    }
    mesh
}

/// A disc that fades from `colour` in its middle to nothing at `radius`.
#[must_use]
pub fn halo(centre: Pos2, radius: f32, colour: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.colored_vertex(centre, colour);
    let n_pieces = PIECES.0;
    for piece in 0..=n_pieces {
        let (sin, cos) = (TAU * piece as f32 / n_pieces as f32).sin_cos();
        mesh.colored_vertex(centre + radius * vec2(cos, sin), Color32::TRANSPARENT);
    }
    for piece in 1..=n_pieces {
        mesh.add_triangle(0, piece, piece + 1);
    }
    mesh
}

/// A glow of `colour` that fades over `reach` around `rect`.
#[must_use]
pub fn glow(rect: Rect, reach: f32, colour: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    let (x, y) = ([rect.left(), rect.right()], [rect.top(), rect.bottom()]);
    // Cut corners, so that it looks round: an outer vertex at either side of each inner one.
    for (x, y, dx, dy) in [
        (x[0], y[0], -1.0, -1.0),
        (x[1], y[0], 1.0, -1.0),
        (x[1], y[1], 1.0, 1.0),
        (x[0], y[1], -1.0, 1.0),
    ] {
        mesh.colored_vertex(pos2(x, y), colour);
        mesh.colored_vertex(pos2(x + dx * reach, y), Color32::TRANSPARENT);
        mesh.colored_vertex(pos2(x, y + dy * reach), Color32::TRANSPARENT);
    }
    for corner in 0..4 {
        let (own, next) = (3 * corner, 3 * ((corner + 1) % 4));
        mesh.add_triangle(own, own + 1, own + 2);
        // Along the top and the bottom it is the vertices above and below that face each other.
        let side = if corner % 2 == 0 { 2 } else { 1 };
        mesh.add_triangle(own, own + side, next);
        mesh.add_triangle(own + side, next, next + side);
    }
    mesh.add_triangle(0, 3, 6);
    mesh.add_triangle(0, 6, 9);
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_fades_at_both_edges_and_nowhere_else() {
        let mesh = ring(Pos2::ZERO, 10.0, 2.0, 0.5, |_| Color32::WHITE);
        for vertex in &mesh.vertices {
            let radius = vertex.pos.to_vec2().length();
            let on_edge = !(8.0..=10.0).contains(&radius);
            assert_eq!(vertex.color == Color32::TRANSPARENT, on_edge, "{radius}");
        }
    }

    #[test]
    fn a_ring_has_as_many_pieces_as_its_size_needs() {
        assert_eq!((pieces(1.0), pieces(1e6), pieces(f32::NAN)), (24, 96, 24));
        for radius in [15.0_f32, 40.0, 90.0] {
            let sagitta = radius * (1.0 - (0.5 * TAU / pieces(radius) as f32).cos());
            assert!(sagitta <= 0.055, "{sagitta} at {radius}");
        }
    }

    #[test]
    fn a_glow_is_strongest_inside_and_gone_at_its_reach() {
        let rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(4.0, 20.0));
        let mesh = glow(rect, 5.0, Color32::WHITE);
        assert!(mesh.vertices.len() <= 12 && mesh.is_valid());
        for vertex in &mesh.vertices {
            assert_eq!(vertex.color == Color32::WHITE, rect.contains(vertex.pos), "{vertex:?}");
            assert!(rect.expand(5.0).contains(vertex.pos));
        }
        let area: f32 = mesh
            .triangles()
            .map(|[a, b, c]| {
                let [a, b, c] = [a, b, c].map(|i| mesh.vertices[i as usize].pos);
                0.5 * ((b - a).x * (c - a).y - (b - a).y * (c - a).x).abs()
            })
            .sum();
        // The rectangle, a band along each side, and half a square at each corner.
        assert!((area - (80.0 + 2.0 * 5.0 * 24.0 + 4.0 * 12.5)).abs() < 1e-3, "{area}");
    }
}
