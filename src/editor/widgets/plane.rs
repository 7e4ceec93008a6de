//! The valence–arousal plane: every label space an axis at its angle, the mood a comet that trails
//! where it has been.

use std::f32::consts::TAU;

use egui::accesskit::Role;
use egui::{
    Color32, Mesh, Painter, Pos2, Rect, Response, Sense, Shape, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::editor::strings;
use crate::editor::theme::{Palette, Theme};
use crate::editor::view::MeterView;
use crate::editor::view::mood::position;
use crate::editor::widgets::hint;
use crate::editor::widgets::ring::{halo, pieces, ring};
use crate::mood;

/// Size for which the plane is drawn, units.
pub const DESIGN: (f32, f32) = (230.0, 230.0);

/// Sizes of text, units.
const POLE_TEXT: f32 = 13.0;

/// Towards the first pole of a meter's space, y up.
fn direction(meter: &MeterView) -> Vec2 {
    let (sin, cos) = meter.angle_degrees.to_radians().sin_cos();
    vec2(cos, sin)
}

/// The meters' spaces as axes of the plane, in the colours of `palette`.
fn axes(meters: &[MeterView], palette: &Palette) -> impl Iterator<Item = mood::Axis> {
    let bytes = |colour: Color32| [colour.r(), colour.g(), colour.b()];
    meters.iter().map(move |meter| {
        let (first, second) = palette.poles(meter.index);
        let angle_degrees = meter.angle_degrees;
        mood::Axis { angle_degrees, first: bytes(first), second: bytes(second) }
    })
}

/// The colour at `degrees`: those of the poles, each weighted by how nearly it points there.
#[must_use]
pub fn colour_at(degrees: f32, meters: &[MeterView], palette: &Palette) -> Color32 {
    let colour = mood::colour_towards(degrees, axes(meters, palette));
    colour.map_or(palette.muted, |[r, g, b]| Color32::from_rgb(r, g, b))
}

/// The colour of a mood at `at` on the plane: that of its direction, the stronger the farther from
/// the middle, where it is neutral.
#[must_use]
pub fn mood_colour(at: Vec2, meters: &[MeterView], palette: &Palette) -> Color32 {
    let degrees = at.y.atan2(at.x).to_degrees();
    let strength = mood::strength([at.x, at.y]);
    palette.track.lerp_to_gamma(colour_at(degrees, meters, palette), strength)
}

/// Shows the plane in `rect`: the mood of `meters`, and where it was, `trail`, oldest first.
pub fn plane_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    meters: &[MeterView],
    trail: &[Vec2],
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("plane"), Sense::hover());
    let spoken = strings::plane(meters);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let response = hint::hinted(response, strings::PLANE_HINT);
    let theme = theme.refitted(rect.size(), DESIGN);
    let palette = theme.palette;
    let painter = ui.painter();
    theme.outline(painter, rect);
    let labelled = !theme.is_too_small(POLE_TEXT);
    let edge = theme.points(12.0);
    // Room for the names above and below.
    let names = if labelled { theme.points(13.0) } else { 0.0 };
    let radius = (0.5 * rect.width()).min(0.5 * rect.height() - names) - edge;
    let plane = Plane { centre: rect.center(), radius, theme, meters };
    plane.paint_ground(painter);
    if labelled {
        plane.paint_names(painter, rect);
    }
    let shares = || meters.iter().filter_map(|m| m.share.map(|_| (m.angle_degrees, m.needle)));
    if shares().next().is_some() {
        let head = position(shares());
        let colour = mood_colour(head, meters, palette);
        plane.paint_trail(painter, trail, head, colour);
        plane.paint_head(painter, head, colour, meters.iter().any(|meter| meter.provisional));
    }
    response
}

struct Plane<'a> {
    centre: Pos2,
    radius: f32,
    theme: Theme,
    meters: &'a [MeterView],
}

impl Plane<'_> {
    /// A place on the plane, on screen: as far out as the most decided pair of words, so that all
    /// moods there are fill the circle.
    fn at(&self, place: Vec2) -> Pos2 {
        let along = |meter: &MeterView| place.dot(direction(meter)).abs();
        let reach = self.meters.iter().map(along).fold(0.0, f32::max).min(1.0);
        let towards = place.normalized();
        self.centre + self.radius * reach * vec2(towards.x, -towards.y)
    }

    /// The end of a line from the middle towards `towards`, on screen.
    fn on_circle(&self, towards: Vec2) -> Pos2 {
        self.centre + self.radius * vec2(towards.x, -towards.y)
    }

    /// A disc in the colours of the poles, faint in the middle, with its axes.
    fn paint_ground(&self, painter: &Painter) {
        let n_pieces = pieces(self.radius);
        let palette = self.theme.palette;
        let mut mesh = Mesh::default();
        mesh.colored_vertex(self.centre, palette.track);
        for piece in 0..=n_pieces {
            let turn = piece as f32 / n_pieces as f32;
            let colour = colour_at(360.0 * turn, self.meters, palette);
            let (sin, cos) = (TAU * turn).sin_cos();
            mesh.colored_vertex(self.on_circle(vec2(cos, sin)), palette.tint(colour, 0.30));
        }
        for piece in 1..=n_pieces {
            mesh.add_triangle(0, piece, piece + 1);
        }
        painter.add(Shape::mesh(mesh));
        // Over the edge of the triangles, which is not anti-aliased.
        let (width, soft) = (self.theme.points(1.5), 0.5 / painter.pixels_per_point());
        let edge = ring(self.centre, self.radius + 0.5 * width, width, soft, |_| palette.tick);
        painter.add(Shape::mesh(edge));
        for meter in self.meters {
            let towards = direction(meter);
            let ends = [self.on_circle(towards), self.on_circle(-towards)];
            painter.line_segment(ends, self.theme.stroke(1.0, palette.tick));
        }
    }

    /// The poles' names at the ends of their axes, inside `rect`.
    fn paint_names(&self, painter: &Painter, rect: Rect) {
        let palette = self.theme.palette;
        for meter in self.meters {
            let (first, second) = palette.poles(meter.index);
            let (sin, cos) = meter.angle_degrees.to_radians().sin_cos();
            for (name, colour, towards) in
                [(&meter.first, first, vec2(cos, sin)), (&meter.second, second, -vec2(cos, sin))]
            {
                let galley =
                    painter.layout_no_wrap(name.clone(), self.theme.font(POLE_TEXT), colour);
                let half = 0.5 * galley.size();
                let room = rect.shrink(self.theme.points(6.0));
                // Beyond the circle where it is steep, above the axis and inside where the card
                // ends beside it.
                let middle = if towards.y.abs() > 0.3 {
                    let away = self.theme.points(11.0) * vec2(0.0, -towards.y.signum());
                    let middle = self.on_circle(towards) + away;
                    let most = (room.right() - half.x).max(room.left() + half.x);
                    pos2(middle.x.clamp(room.left() + half.x, most), middle.y)
                } else {
                    let inwards = -towards.x.signum() * (half.x + self.theme.points(9.0));
                    self.on_circle(towards) + vec2(inwards, -self.theme.points(10.0))
                };
                painter.galley(middle - half, galley, colour);
            }
        }
    }

    /// Where the mood was, fading with age.
    fn paint_trail(&self, painter: &Painter, trail: &[Vec2], head: Vec2, colour: Color32) {
        let places: Vec<Pos2> = trail.iter().chain([&head]).map(|place| self.at(*place)).collect();
        for (i, pair) in places.windows(2).enumerate() {
            let age = (i + 1) as f32 / places.len() as f32;
            let colour = colour.gamma_multiply(0.1 + 0.7 * age);
            let stroke = self.theme.stroke(1.0 + 3.5 * age, colour);
            painter.line_segment([pair[0], pair[1]], stroke);
        }
    }

    /// A filled disc; a hollow one while provisional.
    fn paint_head(&self, painter: &Painter, head: Vec2, colour: Color32, provisional: bool) {
        let (at, palette) = (self.at(head), self.theme.palette);
        let radius = self.theme.points(6.0).max(3.0);
        // Discs in each other: small ones come from the texture, an outlined one is 200 vertices.
        let edge = self.theme.points(if provisional { 1.0 } else { 0.75 }).max(0.5);
        let (outer, inner) = if provisional {
            (palette.text, palette.ground)
        } else {
            (palette.ground, palette.text)
        };
        let body = [(radius + edge, outer), (radius - edge, inner)];
        if !provisional {
            painter.add(Shape::mesh(halo(at, 2.6 * radius, colour.gamma_multiply(0.7))));
        }
        for (radius, colour) in body {
            painter.circle_filled(at, radius, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::theme::DARK;

    fn meter(index: usize, angle_degrees: f32, needle: f32) -> MeterView {
        MeterView { index, angle_degrees, needle, share: Some(needle), ..MeterView::default() }
    }

    #[test]
    fn the_whole_circle_is_used_and_nothing_lies_beyond() {
        let meters = [meter(0, 90.0, 0.5), meter(1, 0.0, 0.5)];
        let theme = Theme::fitting(&DARK, vec2(230.0, 230.0), DESIGN);
        let plane = Plane { centre: Pos2::ZERO, radius: 10.0, theme, meters: &meters };
        for (place, reach) in [
            ((1.0, 1.0), 10.0),
            ((0.4, -0.6), 6.0),
            ((0.0, 0.0), 0.0),
            ((-1.0, 0.0), 10.0),
            ((3.0, 1.0), 10.0),
        ] {
            let at = plane.at(vec2(place.0, place.1)).to_vec2();
            assert!((at.length() - reach).abs() < 1e-4, "{place:?}: {at:?}");
            assert!(at.x * place.0 >= 0.0 && at.y * place.1 <= 0.0, "{place:?}: {at:?}");
        }
    }

    #[test]
    fn each_pole_s_colour_is_at_its_angle() {
        let meters = [meter(0, 90.0, 0.5), meter(1, 0.0, 0.5)];
        assert_eq!(colour_at(90.0, &meters, &DARK), DARK.poles[0].0);
        assert_eq!(colour_at(180.0, &meters, &DARK), DARK.poles[1].1);
        assert_eq!(colour_at(180.0, &[], &DARK), DARK.muted);
        assert_eq!(mood_colour(Vec2::ZERO, &meters, &DARK), DARK.track);
    }
}
