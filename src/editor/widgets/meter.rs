//! One bipolar meter: the two poles by name, the share of the one that leads, and a needle between
//! them.
//!
//! ```text
//! calm                72 %                excited      the leading pole bright
//!                   excited                            or "leans calm 55 %, too close to call"
//! ▕░░░░░░░░░░░░░░░░░▒▒▒▒████████▌░░░░░░░░░░░░▏         ▒ = ambiguous band, █ = from the middle to the needle
//! 100       75       50       75       100 %           hidden where it could not be read
//! ```
//!
//! A provisional meter is paler and its needle hollow, so that it is told apart by shape as well.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, Mesh, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use crate::ballistics::MIDDLE;
use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::editor::view::MeterView;
use crate::editor::widgets::{hint, ring};

/// Size for which the meter is drawn, units; it grows and shrinks from there.
pub const DESIGN: (f32, f32) = (608.0, 140.0);

/// A card this many times taller than its design puts the number above the pole names, and larger.
const TALL: f32 = 1.4;

/// Most that the number grows in a tall card.
const TALL_GROWTH: f32 = 2.4;

/// Sizes of text, units.
const POLE_TEXT: f32 = 21.0;
const NUMBER_TEXT: f32 = 40.0;
const UNDECIDED_TEXT: f32 = 22.0;
const VERDICT_TEXT: f32 = 15.0;
const SCALE_TEXT: f32 = 11.5;

/// Strength of a bar at the middle and at the needle.
const BAR_STRENGTH: (f32, f32) = (0.50, 0.95);

/// Shows `meter` in `rect`.
pub fn meter_ui(ui: &mut Ui, rect: Rect, theme: Theme, meter: &MeterView) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("meter", meter.index)), Sense::hover());
    response.widget_info(|| info(meter));
    let response = hint::hinted(response, strings::METER_HINT);
    if ui.is_rect_visible(rect) {
        let theme = theme.refitted(rect.size(), DESIGN);
        let look = Look { theme, colours: theme.palette.poles(meter.index), meter };
        look.paint(ui.painter(), rect);
    }
    response
}

/// What a screen reader says.
fn info(meter: &MeterView) -> WidgetInfo {
    let mut info =
        WidgetInfo::labeled(Role::Meter, meter.share.is_some(), strings::meter_name(meter));
    info.current_text_value = Some(strings::meter_value(meter));
    info.value = meter.share.map(|share| f64::from(100.0 * share));
    info
}

struct Look<'a> {
    theme: Theme,
    colours: (Color32, Color32),
    meter: &'a MeterView,
}

impl Look<'_> {
    fn paint(&self, painter: &Painter, rect: Rect) {
        self.theme.outline(painter, rect);
        let inner = rect.shrink2(vec2(self.theme.points(26.0), self.theme.points(14.0)));
        let track = self.track_in(inner);
        let words = Rect::from_min_max(
            inner.min,
            pos2(inner.right(), track.top() - self.theme.points(12.0)),
        );
        if rect.height() > TALL * self.theme.points(DESIGN.1) {
            self.paint_tall(painter, words);
        } else {
            self.paint_poles(painter, words, words.center().y);
            self.paint_number(painter, words.center(), 1.0);
        }
        self.paint_track(painter, track);
        self.paint_band(painter, track);
        if !self.theme.is_too_small(SCALE_TEXT) {
            self.paint_scale(painter, track);
        }
        if self.meter.share.is_some() {
            self.paint_bar(painter, track);
            self.paint_recent(painter, track);
            self.paint_peaks(painter, track);
            self.paint_needle(painter, track);
        }
    }

    /// The groove: near the bottom, with room for the scale where that is shown.
    fn track_in(&self, inner: Rect) -> Rect {
        let thickness = self.theme.points(18.0);
        let below = if self.theme.is_too_small(SCALE_TEXT) { 4.0 } else { 22.0 };
        let bottom = inner.bottom() - self.theme.points(below);
        Rect::from_min_max(pos2(inner.left(), bottom - thickness), pos2(inner.right(), bottom))
    }

    /// Number above, as large as fits; pole names below it.
    fn paint_tall(&self, painter: &Painter, words: Rect) {
        let poles = self.theme.points(1.6 * POLE_TEXT);
        self.paint_poles(painter, words, words.bottom() - 0.5 * poles);
        let above = words.height() - poles;
        let growth = (above / self.theme.points(70.0)).clamp(1.0, TALL_GROWTH);
        self.paint_number(painter, words.center() - Vec2::Y * 0.5 * poles, growth);
    }

    /// Pole names left and right, the leading one in its colour.
    fn paint_poles(&self, painter: &Painter, words: Rect, y: f32) {
        // Nobody leads a split vote, whatever the last percent says.
        let leads = |first: bool| {
            !self.meter.ambiguous
                && self.meter.share.is_some_and(|share| (share >= MIDDLE) == first)
        };
        let colour = |first: bool, own: Color32| {
            if leads(first) { self.lettering(own) } else { self.theme.palette.muted }
        };
        let (left, right) = (pos2(words.left(), y), pos2(words.right(), y));
        let font = self.theme.font(POLE_TEXT);
        let (first, second) = self.colours;
        painter.text(
            left,
            Align2::LEFT_CENTER,
            &self.meter.second,
            font.clone(),
            colour(false, second),
        );
        painter.text(right, Align2::RIGHT_CENTER, &self.meter.first, font, colour(true, first));
    }

    /// The leading pole's share, and under it the verdict, `growth` times larger than designed.
    fn paint_number(&self, painter: &Painter, centre: Pos2, growth: f32) {
        let verdict = strings::verdict(self.meter);
        let colour = match self.meter.share {
            Some(share) => self.lettering(self.theme.palette.verdict(
                self.meter.index,
                share,
                self.meter.ambiguous,
            )),
            None => self.theme.palette.tick,
        };
        // Least is known: nothing to be the largest thing on the page.
        let size = if self.meter.ambiguous { UNDECIDED_TEXT } else { NUMBER_TEXT };
        let units = |units: f32| self.theme.points(growth * units);
        let lift = if verdict.is_empty() { 0.0 } else { units(10.0) };
        let at = centre - Vec2::Y * lift;
        painter.text(
            at,
            Align2::CENTER_CENTER,
            strings::number(self.meter),
            self.theme.font(growth * size),
            colour,
        );
        let below = centre + Vec2::Y * units(22.0);
        painter.text(
            below,
            Align2::CENTER_CENTER,
            verdict,
            self.theme.font(growth * VERDICT_TEXT),
            self.theme.palette.muted,
        );
    }

    fn paint_track(&self, painter: &Painter, track: Rect) {
        painter.rect_filled(track, self.theme.points(4.0), self.theme.palette.track);
        let band = self.meter.ambiguous_half_width * track.width();
        let ambiguous = Rect::from_center_size(track.center(), vec2(2.0 * band, track.height()));
        painter.rect_filled(ambiguous, 0.0, self.theme.palette.ambiguous);
        let beyond = track.y_range().expand(self.theme.points(4.0));
        painter.vline(
            track.center().x,
            beyond,
            Stroke::new(self.theme.points(1.5).max(1.0), self.theme.palette.tick),
        );
    }

    /// A bracket over the shares between which listeners would vote, four times in five.
    fn paint_band(&self, painter: &Painter, track: Rect) {
        let Some([low, high]) = self.meter.band.filter(|[low, high]| low < high) else { return };
        let x = |share: f32| track.left() + share * track.width();
        let y = track.top() - self.theme.points(5.0);
        let stroke = Stroke::new(self.theme.points(1.5).max(1.0), self.theme.palette.muted);
        painter.hline(x(low)..=x(high), y, stroke);
        for share in [low, high] {
            painter.vline(x(share), y..=track.top(), stroke);
        }
    }

    fn paint_scale(&self, painter: &Painter, track: Rect) {
        for (part, text) in
            [(0.0, "100 %"), (0.25, "75"), (0.5, "50"), (0.75, "75"), (1.0, "100 %")]
        {
            let x = track.left() + part * track.width();
            let align = match part {
                0.0 => Align2::LEFT_TOP,
                1.0 => Align2::RIGHT_TOP,
                _ => Align2::CENTER_TOP,
            };
            let at = pos2(x, track.bottom() + self.theme.points(7.0));
            painter.text(at, align, text, self.theme.font(SCALE_TEXT), self.theme.palette.muted);
        }
    }

    /// From the middle to the needle, stronger towards the needle.
    fn paint_bar(&self, painter: &Painter, track: Rect) {
        let strength = if self.meter.provisional { 0.5 } else { 1.0 };
        // Opaque, or the end of the ambiguous band would show through.
        let track_colour = self.theme.palette.track;
        let side = self.side(self.meter.needle);
        let colour = |part: f32| track_colour.lerp_to_gamma(side, strength * part);
        let (middle, end) = (track.center().x, self.needle_at(track).x);
        let mut mesh = Mesh::default();
        for (x, colour) in [(middle, colour(BAR_STRENGTH.0)), (end, colour(BAR_STRENGTH.1))] {
            mesh.colored_vertex(pos2(x, track.top()), colour);
            mesh.colored_vertex(pos2(x, track.bottom()), colour);
        }
        mesh.add_triangle(0, 1, 2);
        mesh.add_triangle(1, 2, 3);
        painter.add(Shape::mesh(mesh));
    }

    /// A mark where the needle has lately been farthest to either side.
    fn paint_peaks(&self, painter: &Painter, track: Rect) {
        for peak in self.meter.peaks.into_iter().flatten() {
            let x = track.left() + peak.clamp(0.0, 1.0) * track.width();
            let stroke = self.theme.stroke(2.0, self.side(peak));
            painter.vline(
                x.clamp(track.left() + 1.0, track.right() - 1.0),
                track.y_range(),
                stroke,
            );
        }
    }

    /// Under the groove, where the newest seconds alone stand: a thin mark, and the range of its
    /// doubt.
    fn paint_recent(&self, painter: &Painter, track: Rect) {
        let Some(recent) = self.meter.recent else { return };
        let x = |share: f32| track.left() + share.clamp(0.0, 1.0) * track.width();
        let (top, size) = (track.bottom() + 1.0, self.theme.points(5.0).max(3.0));
        let [low, high] = recent.band;
        let faint = self.theme.stroke(1.0, self.theme.palette.tick);
        painter.hline(x(low)..=x(high), top + size, faint);
        let (tip, colour) = (pos2(x(recent.share), top), self.theme.palette.text);
        let foot = |side: f32| tip + vec2(side * 0.8 * size, size);
        let mark = vec![tip, foot(1.0), foot(-1.0)];
        painter.add(Shape::convex_polygon(mark, colour, Stroke::NONE));
    }

    fn paint_needle(&self, painter: &Painter, track: Rect) {
        let size = self.needle_size(track);
        let needle = Rect::from_center_size(self.needle_at(track), size);
        let colour = self.side(self.meter.needle);
        if self.meter.provisional {
            let stroke = Stroke::new(0.3 * size.x, self.theme.palette.text);
            painter.rect_filled(needle, 0.5 * size.x, self.theme.palette.ground);
            painter.rect_stroke(needle, 0.5 * size.x, stroke, StrokeKind::Inside);
            return;
        }
        let glow = ring::glow(needle, self.theme.points(6.0), colour.gamma_multiply(0.45));
        painter.add(Shape::mesh(glow));
        painter.rect_filled(needle, 0.5 * size.x, self.theme.palette.text);
    }

    /// Middle of the needle; at the ends it stays inside the groove.
    fn needle_at(&self, track: Rect) -> Pos2 {
        let half = 0.5 * self.needle_size(track).x;
        let x = track.left() + self.meter.needle.clamp(0.0, 1.0) * track.width();
        pos2(x.clamp(track.left() + half, track.right() - half), track.center().y)
    }

    fn needle_size(&self, track: Rect) -> Vec2 {
        vec2(self.theme.points(6.0).max(3.0), track.height() + self.theme.points(14.0))
    }

    /// A colour for text: paler while provisional.
    fn lettering(&self, colour: Color32) -> Color32 {
        if self.meter.provisional { self.theme.palette.paler(colour) } else { colour }
    }

    fn side(&self, share: f32) -> Color32 {
        if share >= MIDDLE { self.colours.0 } else { self.colours.1 }
    }
}
