//! One bipolar meter: the two poles by name, the share of the one that leads, and a needle between them.
//!
//! ```text
//! calm                72 %                excited      the leading pole bright
//!                   excited                            or "raters would split"
//! ▕░░░░░░░░░░░░░░░░░▒▒▒▒████████▌░░░░░░░░░░░░▏         ▒ = ambiguous band, █ = from the middle to the needle
//! 100       75       50       75       100 %           hidden where it could not be read
//! ```

use egui::accesskit::Role;
use egui::{
    Align2, Color32, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::view::MeterView;
use super::{ballistics, strings, theme};
use crate::reading::AMBIGUOUS_HALF_WIDTH;
use theme::Scale;

/// Size for which the meter is drawn, units; it grows and shrinks from there.
pub const DESIGN: (f32, f32) = (608.0, 140.0);

/// Sizes of text, units.
const POLE_TEXT: f32 = 21.0;
const NUMBER_TEXT: f32 = 40.0;
const VERDICT_TEXT: f32 = 15.0;
const SCALE_TEXT: f32 = 11.5;

/// Part of full strength at which a provisional meter is painted.
const PROVISIONAL_STRENGTH: f32 = 0.55;

/// Shows `meter`, number `index` from the top, in `rect`.
pub fn meter_ui(ui: &mut Ui, rect: Rect, index: usize, meter: &MeterView) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("meter", index)), Sense::hover());
    response.widget_info(|| info(meter));
    if ui.is_rect_visible(rect) {
        let scale = Scale::fitting(rect.size(), DESIGN);
        let look = Look { scale, colours: theme::poles(index), meter };
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
    scale: Scale,
    colours: (Color32, Color32),
    meter: &'a MeterView,
}

impl Look<'_> {
    fn paint(&self, painter: &Painter, rect: Rect) {
        let radius = self.scale.points(10.0);
        painter.rect_filled(rect, radius, theme::CARD);
        painter.rect_stroke(rect, radius, Stroke::new(1.0, theme::CARD_EDGE), StrokeKind::Inside);
        // A card wider than the design spreads its meter, a taller one keeps it together in the middle.
        let height = rect.height().min(self.scale.points(1.25 * DESIGN.1));
        let inner = Rect::from_center_size(rect.center(), vec2(rect.width(), height))
            .shrink2(vec2(self.scale.points(26.0), self.scale.points(14.0)));
        let track = self.track_in(inner);
        self.paint_words(painter, inner, track.top() - self.scale.points(12.0));
        self.paint_track(painter, track);
        if !self.scale.is_too_small(SCALE_TEXT) {
            self.paint_scale(painter, track);
        }
        if self.meter.share.is_some() {
            self.paint_needle(painter, track);
        }
    }

    /// The groove: near the bottom, with room for the scale where that is shown.
    fn track_in(&self, inner: Rect) -> Rect {
        let thickness = self.scale.points(18.0);
        let below = if self.scale.is_too_small(SCALE_TEXT) { 4.0 } else { 22.0 };
        let bottom = inner.bottom() - self.scale.points(below);
        Rect::from_min_max(pos2(inner.left(), bottom - thickness), pos2(inner.right(), bottom))
    }

    /// Pole names left and right, number and verdict between them, down to `bottom`.
    fn paint_words(&self, painter: &Painter, inner: Rect, bottom: f32) {
        let middle = 0.5 * (inner.top() + bottom);
        let font = self.scale.font(POLE_TEXT);
        let leads = |first: bool| {
            self.meter.share.is_some_and(|share| (share >= ballistics::MIDDLE) == first)
        };
        let colour =
            |first: bool, own: Color32| if leads(first) { self.strong(own) } else { theme::MUTED };
        let left = pos2(inner.left(), middle);
        painter.text(
            left,
            Align2::LEFT_CENTER,
            &self.meter.second,
            font.clone(),
            colour(false, self.colours.1),
        );
        let right = pos2(inner.right(), middle);
        painter.text(
            right,
            Align2::RIGHT_CENTER,
            &self.meter.first,
            font,
            colour(true, self.colours.0),
        );
        self.paint_number(painter, pos2(inner.center().x, middle));
    }

    fn paint_number(&self, painter: &Painter, centre: egui::Pos2) {
        let verdict = strings::verdict(self.meter);
        let lift = if verdict.is_empty() { 0.0 } else { self.scale.points(10.0) };
        let (text, colour) = match self.meter.share {
            Some(_) => {
                (strings::percent(self.meter.leading_share()), self.strong(self.verdict_colour()))
            }
            None => (strings::NO_VALUE.to_owned(), theme::TICK),
        };
        let at = centre - Vec2::Y * lift;
        painter.text(at, Align2::CENTER_CENTER, text, self.scale.font(NUMBER_TEXT), colour);
        let below = centre + Vec2::Y * self.scale.points(22.0);
        painter.text(
            below,
            Align2::CENTER_CENTER,
            verdict,
            self.scale.font(VERDICT_TEXT),
            theme::MUTED,
        );
    }

    fn paint_track(&self, painter: &Painter, track: Rect) {
        let radius = 0.5 * track.height();
        painter.rect_filled(track, radius, theme::TRACK);
        let band = AMBIGUOUS_HALF_WIDTH * track.width();
        let ambiguous = Rect::from_center_size(track.center(), vec2(2.0 * band, track.height()));
        painter.rect_filled(ambiguous, 0.0, theme::AMBIGUOUS);
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
            let at = pos2(x, track.bottom() + self.scale.points(7.0));
            painter.text(at, align, text, self.scale.font(SCALE_TEXT), theme::MUTED);
        }
    }

    /// The bar from the middle to the needle, and the needle.
    fn paint_needle(&self, painter: &Painter, track: Rect) {
        let x = track.left() + self.meter.needle.clamp(0.0, 1.0) * track.width();
        let colour = self.strong(self.needle_colour());
        let middle = track.center().x;
        let bar = Rect::from_x_y_ranges(middle.min(x)..=middle.max(x), track.y_range());
        painter.rect_filled(bar, 0.0, colour.gamma_multiply(0.75));
        let size = vec2(self.scale.points(6.0), track.height() + self.scale.points(14.0));
        let inside = x.clamp(track.left() + 0.5 * size.x, track.right() - 0.5 * size.x);
        let needle = Rect::from_center_size(pos2(inside, track.center().y), size);
        for halo in [4.0, 2.0] {
            let halo = self.scale.points(halo);
            painter.rect_filled(needle.expand(halo), size.x, colour.gamma_multiply(0.16));
        }
        painter.rect_filled(needle, 0.5 * size.x, self.strong(theme::TEXT));
    }

    /// Paler while provisional.
    fn strong(&self, colour: Color32) -> Color32 {
        let strength = if self.meter.provisional { PROVISIONAL_STRENGTH } else { 1.0 };
        theme::tint(colour, strength)
    }

    fn verdict_colour(&self) -> Color32 {
        if self.meter.ambiguous {
            theme::TEXT
        } else {
            self.side(self.meter.share.unwrap_or(ballistics::MIDDLE))
        }
    }

    fn needle_colour(&self) -> Color32 {
        self.side(self.meter.needle)
    }

    fn side(&self, share: f32) -> Color32 {
        if share >= ballistics::MIDDLE { self.colours.0 } else { self.colours.1 }
    }
}
