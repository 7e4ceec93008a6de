//! Every colour and every length of the editor.
//!
//! Lengths are in units of the window: at the default size one unit is one point, at 4K six, so the same layout serves both.
//! Colours of poles are told apart by place and name first; they stay distinct to colour-blind eyes (after Okabe and Ito 2008) and
//! hold a contrast of 4.5 to 1 on every ground (WCAG AA), which a test checks.

use egui::{Color32, FontId, Vec2};

/// Size of the window when it is first opened, points.
pub const DEFAULT_SIZE: (f32, f32) = (640.0, 400.0);

/// Smallest size at which the editor is usable, points.
pub const MIN_SIZE: (f32, f32) = (320.0, 200.0);

/// Window behind everything.
pub const GROUND: Color32 = Color32::from_rgb(0x0e, 0x11, 0x16);
/// Ground of a meter.
pub const CARD: Color32 = Color32::from_rgb(0x17, 0x1b, 0x22);
/// Hairline around a meter.
pub const CARD_EDGE: Color32 = Color32::from_rgb(0x25, 0x2b, 0x35);
/// Groove in which a needle moves.
pub const TRACK: Color32 = Color32::from_rgb(0x27, 0x2d, 0x38);
/// Part of the groove in which a share is ambiguous.
pub const AMBIGUOUS: Color32 = Color32::from_rgb(0x45, 0x4e, 0x5d);
/// Marks of the scale.
pub const TICK: Color32 = Color32::from_rgb(0x4c, 0x55, 0x64);
/// Text that is to be read.
pub const TEXT: Color32 = Color32::from_rgb(0xf1, 0xf3, 0xf6);
/// Text that explains.
pub const MUTED: Color32 = Color32::from_rgb(0xa3, 0xac, 0xba);
/// What goes well.
pub const GOOD: Color32 = Color32::from_rgb(0x5f, 0xd3, 0xa5);
/// What is not certain yet.
pub const PENDING: Color32 = Color32::from_rgb(0xf2, 0xc1, 0x4e);
/// What has failed.
pub const BAD: Color32 = Color32::from_rgb(0xff, 0x85, 0x78);

/// Colours of the first and second pole of each meter in turn.
pub const POLES: [(Color32, Color32); 2] = [
    (Color32::from_rgb(0xff, 0x8a, 0x4c), Color32::from_rgb(0x5c, 0xb0, 0xff)),
    (Color32::from_rgb(0xf7, 0xcb, 0x45), Color32::from_rgb(0xb9, 0x9b, 0xff)),
];

/// Colours of the poles of meter `index`.
#[must_use]
pub fn poles(index: usize) -> (Color32, Color32) {
    POLES[index % POLES.len()]
}

/// A colour as a ground for text of that colour: mostly the card.
#[must_use]
pub fn tint(colour: Color32, strength: f32) -> Color32 {
    CARD.lerp_to_gamma(colour, strength)
}

/// A colour of text for what is not certain yet: still with contrast enough on a card.
#[must_use]
pub fn paler(colour: Color32) -> Color32 {
    tint(colour, 0.75)
}

/// Lengths that follow the size of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    unit: f32,
}

/// Text smaller than this cannot be read, points.
const SMALLEST_TEXT: f32 = 10.0;

impl Scale {
    /// The scale at which a design of `design` points fills `size` as far as it fits.
    #[must_use]
    pub fn fitting(size: Vec2, design: (f32, f32)) -> Self {
        Self { unit: (size.x / design.0).min(size.y / design.1).max(0.1) }
    }

    /// `units` of the design in points.
    #[must_use]
    pub fn points(self, units: f32) -> f32 {
        self.unit * units
    }

    /// The typeface at a size of `units`, no smaller than can be read.
    #[must_use]
    pub fn font(self, units: f32) -> FontId {
        FontId::proportional(self.points(units).max(SMALLEST_TEXT))
    }

    /// Whether text of `units` would be too small to read, so that it is better left out.
    #[must_use]
    pub fn is_too_small(self, units: f32) -> bool {
        self.points(units) < 0.85 * SMALLEST_TEXT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2).
    fn luminance(colour: Color32) -> f32 {
        let linear = |byte: u8| {
            let c = f32::from(byte) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn contrast_follows_the_standard() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-3);
        // The standard's usual example of a grey that just passes on white.
        assert!(
            (contrast(Color32::from_rgb(0x76, 0x76, 0x76), Color32::WHITE) - 4.54).abs() < 0.01
        );
    }

    #[test]
    fn every_text_colour_has_contrast_on_every_ground() {
        let poles = POLES.iter().flat_map(|poles| [poles.0, poles.1]);
        for text in poles.chain([TEXT, MUTED, GOOD, PENDING, BAD]) {
            for ground in [GROUND, CARD, tint(BAD, 0.12), tint(PENDING, 0.12)] {
                let contrast = contrast(text, ground);
                assert!(contrast >= 4.5, "{text:?} on {ground:?}: {contrast}");
            }
        }
    }

    #[test]
    fn paler_text_can_still_be_read_on_a_card() {
        for pole in POLES.iter().flat_map(|poles| [poles.0, poles.1, TEXT]) {
            assert!(
                contrast(paler(pole), CARD) >= 4.5,
                "{pole:?}: {}",
                contrast(paler(pole), CARD)
            );
        }
    }

    #[test]
    fn poles_of_a_meter_differ_in_hue_for_colour_blind_eyes() {
        // Red and green cones apart, blue against the rest stays: the difference of blue and red must be large.
        for (first, second) in POLES {
            let warmth = |colour: Color32| i32::from(colour.r()) - i32::from(colour.b());
            assert!(warmth(first) - warmth(second) > 150, "{first:?} {second:?}");
        }
    }

    #[test]
    fn a_window_of_twice_the_size_doubles_every_length() {
        let design = DEFAULT_SIZE;
        let (small, large) = (Vec2::new(640.0, 400.0), Vec2::new(1280.0, 800.0));
        assert_eq!(Scale::fitting(small, design).points(20.0), 20.0);
        assert_eq!(Scale::fitting(large, design).points(20.0), 40.0);
        assert_eq!(Scale::fitting(Vec2::new(1280.0, 400.0), design).points(20.0), 20.0);
    }

    #[test]
    fn text_never_gets_too_small_to_read() {
        let scale = Scale::fitting(Vec2::new(320.0, 200.0), DEFAULT_SIZE);
        assert_eq!(scale.font(12.0).size, SMALLEST_TEXT);
        assert!(scale.is_too_small(12.0));
    }
}
