//! Every colour and every length of the editor.
//!
//! Lengths are in units of the window: at the default size one unit is one point, at 4K five, so
//! the same layout serves both. Colours of poles are told apart by place and name first. In every
//! palette text holds a contrast of 4.5 to 1 on every ground (WCAG AA), and in those for
//! colour-blind eyes the poles of a meter stay apart as such eyes see them (after Machado et al.
//! 2009); tests check both.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontId, Painter, Rect, Stroke, StrokeKind, Style, TextStyle, Ui, Vec2,
    Visuals, vec2,
};

use crate::mood::{self, Rgb};
use crate::prefs::PaletteChoice;

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const fn bytes([r, g, b]: Rgb) -> Color32 {
    Color32::from_rgb(r, g, b)
}

const fn poles((first, second): (Rgb, Rgb)) -> (Color32, Color32) {
    (bytes(first), bytes(second))
}

/// The colours of a choice.
#[must_use]
pub fn palette(choice: PaletteChoice) -> &'static Palette {
    match choice {
        PaletteChoice::Dark => &DARK,
        PaletteChoice::Light => &LIGHT,
        PaletteChoice::RedGreenSafe => &RED_GREEN_SAFE,
        PaletteChoice::BlueYellowSafe => &BLUE_YELLOW_SAFE,
    }
}

/// The colours of one look.
#[derive(Debug, PartialEq)]
pub struct Palette {
    /// Whether light is written on dark.
    pub is_dark: bool,
    /// Window behind everything. There is one ground: filling cards on it would be half of a
    /// frame's work without a graphics card.
    pub ground: Color32,
    /// Hairline around a card.
    pub edge: Color32,
    /// Groove in which a needle moves; ground of buttons.
    pub track: Color32,
    /// Part of the groove in which a share is ambiguous; a button under the pointer.
    pub ambiguous: Color32,
    /// Marks of a scale.
    pub tick: Color32,
    /// Text that is to be read.
    pub text: Color32,
    /// Text that explains.
    pub muted: Color32,
    /// What goes well.
    pub good: Color32,
    /// What is not certain yet.
    pub pending: Color32,
    /// What has failed.
    pub bad: Color32,
    /// Colours of the first and second pole of each meter in turn.
    pub poles: [(Color32, Color32); 2],
}

/// Light on dark.
pub const DARK: Palette = Palette {
    is_dark: true,
    ground: rgb(0x12161c),
    edge: rgb(0x303846),
    track: bytes(mood::NEUTRAL),
    ambiguous: rgb(0x454e5d),
    tick: rgb(0x4c5564),
    text: rgb(0xf1f3f6),
    muted: rgb(0xa3acba),
    good: rgb(0x5fd3a5),
    pending: rgb(0xf2c14e),
    bad: rgb(0xff8578),
    poles: [poles(mood::POLES[0]), poles(mood::POLES[1])],
};

/// Dark on light.
pub const LIGHT: Palette = Palette {
    is_dark: false,
    ground: rgb(0xfafbfc),
    edge: rgb(0xc9cfd9),
    track: rgb(0xdde2ea),
    ambiguous: rgb(0xb4bcc9),
    tick: rgb(0x98a2b1),
    text: rgb(0x14181f),
    muted: rgb(0x4b5462),
    good: rgb(0x0a6b46),
    pending: rgb(0x7d5000),
    bad: rgb(0xb3261e),
    poles: [(rgb(0xa83f00), rgb(0x0b5aa6)), (rgb(0x7a5600), rgb(0x6234b8))],
};

/// Light on dark, of blue, orange and yellow (after Okabe and Ito 2008).
pub const RED_GREEN_SAFE: Palette = Palette {
    good: rgb(0x7cc7ff),
    pending: rgb(0xf0e442),
    bad: rgb(0xffa24d),
    poles: [(rgb(0xffa033), rgb(0x58b4f0)), (rgb(0xf5e642), rgb(0x8fa0ff))],
    ..DARK
};

/// Light on dark, of red, pink, green and teal.
pub const BLUE_YELLOW_SAFE: Palette = Palette {
    good: rgb(0x4fd8b8),
    pending: rgb(0xffb3a0),
    bad: rgb(0xff7d87),
    poles: [(rgb(0xff8a8f), rgb(0x35cfc4)), (rgb(0xffa3cf), rgb(0x5fd67a))],
    ..DARK
};

impl Palette {
    /// Colours of the poles of meter `index`.
    #[must_use]
    pub fn poles(&self, index: usize) -> (Color32, Color32) {
        self.poles[index % self.poles.len()]
    }

    /// A colour as a ground for text of that colour: mostly the window's.
    #[must_use]
    pub fn tint(&self, colour: Color32, strength: f32) -> Color32 {
        self.ground.lerp_to_gamma(colour, strength)
    }

    /// A colour of text for what is not certain yet: still with contrast enough.
    #[must_use]
    pub fn paler(&self, colour: Color32) -> Color32 {
        self.tint(colour, if self.is_dark { 0.75 } else { 0.88 })
    }

    /// The colour of the side of meter `index` that leads at `share` of the first pole: pale where
    /// neither wins, and still with contrast enough for text.
    #[must_use]
    pub fn verdict(&self, index: usize, share: f32, is_undecided: bool) -> Color32 {
        let side = self.side(index, share);
        if is_undecided { self.pale(side) } else { side }
    }

    /// A pole's colour for a vote that it leads without winning.
    fn pale(&self, colour: Color32) -> Color32 {
        self.muted.lerp_to_gamma(colour, 0.35)
    }

    /// The colour of one side of meter `index`: the first pole's from the middle on.
    #[must_use]
    pub fn side(&self, index: usize, share: f32) -> Color32 {
        let (first, second) = self.poles(index);
        if share >= 0.5 { first } else { second }
    }
}

/// Colours, and lengths that follow the size of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    /// The colours.
    pub palette: &'static Palette,
    unit: f32,
}

/// Text smaller than this cannot be read, points.
const SMALLEST_TEXT: f32 = 10.0;

/// Text of buttons and lists, units.
const BODY_TEXT: f32 = 14.0;

impl Theme {
    /// The theme in whose lengths a design of `design` points fills `size` as far as it fits.
    #[must_use]
    pub fn fitting(palette: &'static Palette, size: Vec2, design: (f32, f32)) -> Self {
        Self { palette, unit: (size.x / design.0).min(size.y / design.1).max(0.1) }
    }

    /// The same colours, for a design of `design` points in `size`.
    #[must_use]
    pub fn refitted(self, size: Vec2, design: (f32, f32)) -> Self {
        Self::fitting(self.palette, size, design)
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

    /// A line of `units`, never thinner than a point.
    #[must_use]
    pub fn stroke(self, units: f32, colour: Color32) -> Stroke {
        Stroke::new(self.points(units).max(1.0), colour)
    }

    /// The outline of a card.
    pub fn outline(self, painter: &Painter, rect: Rect) {
        let stroke = self.stroke(1.0, self.palette.edge);
        painter.rect_stroke(rect, self.points(10.0), stroke, StrokeKind::Inside);
    }

    /// Dresses egui's own widgets in `ui`, and what opens over it: menus and hints.
    pub fn dress(self, ui: &mut Ui) {
        let style = ui.style_mut();
        style.visuals = self.visuals();
        self.space(style);
        let context = ui.ctx();
        if context.global_style() != *ui.style() {
            context.set_global_style(Arc::clone(ui.style()));
        }
    }

    fn space(self, style: &mut Style) {
        let font = self.font(BODY_TEXT);
        for text in [TextStyle::Body, TextStyle::Button, TextStyle::Small, TextStyle::Monospace] {
            style.text_styles.insert(text, font.clone());
        }
        let spacing = &mut style.spacing;
        spacing.item_spacing = vec2(self.points(8.0), self.points(6.0));
        spacing.button_padding = vec2(self.points(9.0), self.points(4.0));
        spacing.interact_size = vec2(self.points(36.0), self.points(24.0));
        spacing.slider_width = self.points(150.0);
        spacing.combo_width = self.points(120.0);
        spacing.icon_width = self.points(17.0);
        spacing.icon_width_inner = self.points(10.0);
        spacing.icon_spacing = self.points(7.0);
    }

    fn visuals(self) -> Visuals {
        let palette = self.palette;
        let mut visuals = if palette.is_dark { Visuals::dark() } else { Visuals::light() };
        // Of one weight on both grounds: egui's own for light ones is thinner.
        visuals.text_options = Visuals::dark().text_options;
        visuals.override_text_color = Some(palette.text);
        visuals.weak_text_color = Some(palette.muted);
        visuals.panel_fill = palette.ground;
        visuals.window_fill = palette.ground;
        visuals.window_stroke = Stroke::new(1.0, palette.edge);
        visuals.extreme_bg_color = palette.ground;
        visuals.faint_bg_color = palette.ground;
        visuals.selection.bg_fill = palette.ambiguous;
        // Also the ring around what has the keyboard's focus.
        visuals.selection.stroke = self.stroke(1.5, palette.text);
        let radius = CornerRadius::same(self.points(5.0).clamp(2.0, 60.0) as u8);
        let widgets = &mut visuals.widgets;
        let looks = [
            (&mut widgets.noninteractive, palette.ground, palette.edge),
            (&mut widgets.inactive, palette.track, palette.tick),
            // Less than what is chosen, whatever else it is.
            (
                &mut widgets.hovered,
                palette.track.lerp_to_gamma(palette.ambiguous, 0.4),
                palette.tick,
            ),
            (&mut widgets.active, palette.ambiguous, palette.text),
            (&mut widgets.open, palette.ambiguous, palette.muted),
        ];
        for (look, fill, edge) in looks {
            (look.bg_fill, look.weak_bg_fill) = (fill, fill);
            look.bg_stroke = Stroke::new(1.0, edge);
            look.fg_stroke = self.stroke(1.5, palette.text);
            look.corner_radius = radius;
            look.expansion = 0.0;
        }
        visuals
    }
}

/// A channel without its gamma, in [0, 1].
fn linear(byte: u8) -> f32 {
    let c = f32::from(byte) / 255.0;
    if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// Relative luminance (WCAG 2.2).
#[must_use]
pub fn luminance(colour: Color32) -> f32 {
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

/// Contrast of two colours, 1 to 21 (WCAG 2.2).
#[must_use]
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pole_colours(palette: &Palette) -> Vec<Color32> {
        palette.poles.iter().flat_map(|(first, second)| [*first, *second]).collect()
    }

    #[test]
    fn contrast_follows_the_standard() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-3);
        // The standard's usual example of a grey that just passes on white.
        assert!((contrast(rgb(0x767676), Color32::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn what_is_pointed_at_never_looks_more_chosen_than_what_is_chosen() {
        for choice in PaletteChoice::ALL {
            let p = palette(choice);
            let theme = Theme::fitting(p, vec2(760.0, 480.0), (760.0, 480.0));
            let visuals = theme.visuals();
            let chosen = contrast(visuals.selection.bg_fill, p.ground);
            let hovered = &visuals.widgets.hovered;
            let pointed_at = contrast(hovered.weak_bg_fill, p.ground);
            assert!(pointed_at < chosen, "{choice:?}: {pointed_at} and {chosen}");
            assert!(hovered.bg_stroke.color != p.text, "{choice:?}");
        }
    }

    #[test]
    fn every_text_colour_has_contrast_on_every_ground_of_every_palette() {
        for choice in PaletteChoice::ALL {
            let p = palette(choice);
            let texts =
                pole_colours(p).into_iter().chain([p.text, p.muted, p.good, p.pending, p.bad]);
            for text in texts {
                for ground in [p.ground, p.tint(p.bad, 0.12), p.tint(p.pending, 0.12)] {
                    let contrast = contrast(text, ground);
                    assert!(contrast >= 4.5, "{choice:?}: {text:?} on {ground:?}: {contrast}");
                }
            }
            // Buttons, as they are and under the pointer.
            for ground in [p.track, p.ambiguous] {
                assert!(contrast(p.text, ground) >= 4.5, "{choice:?}: {ground:?}");
            }
        }
    }

    #[test]
    fn paler_text_can_still_be_read() {
        for choice in PaletteChoice::ALL {
            let palette = super::palette(choice);
            for colour in pole_colours(palette).into_iter().chain([palette.text]) {
                for pale in [palette.paler(colour), palette.pale(colour)] {
                    let contrast = contrast(pale, palette.ground);
                    assert!(contrast >= 4.5, "{choice:?}: {colour:?}: {contrast}");
                }
            }
        }
    }

    /// What an eye without one kind of cones sees, linear red, green, blue: Machado, Oliveira and
    /// Fernandes, "A physiologically-based model for simulation of color vision deficiency", IEEE
    /// TVCG 2009, severity 1.
    const PROTAN: [[f32; 3]; 3] = [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ];
    const DEUTAN: [[f32; 3]; 3] = [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ];
    const TRITAN: [[f32; 3]; 3] = [
        [1.255_528, -0.076_749, -0.178_779],
        [-0.078_411, 0.930_809, 0.147_602],
        [0.004_733, 0.691_367, 0.303_900],
    ];

    /// CIELAB (D65) of a colour seen through `eye`.
    fn lab(colour: Color32, eye: &[[f32; 3]; 3]) -> [f32; 3] {
        let rgb = [linear(colour.r()), linear(colour.g()), linear(colour.b())];
        let through = |row: &[f32; 3]| -> f32 { row.iter().zip(rgb).map(|(m, c)| m * c).sum() };
        let seen =
            [through(&eye[0]), through(&eye[1]), through(&eye[2])].map(|c| c.clamp(0.0, 1.0));
        let xyz = [
            (0.4124 * seen[0] + 0.3576 * seen[1] + 0.1805 * seen[2]) / 0.950_47,
            0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2],
            (0.0193 * seen[0] + 0.1192 * seen[1] + 0.9505 * seen[2]) / 1.088_83,
        ];
        let f = xyz.map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
        [116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])]
    }

    /// Least difference between the poles of a meter as `eye` sees them; 2.3 is just noticeable.
    fn least_difference(palette: &Palette, eye: &[[f32; 3]; 3]) -> f32 {
        let difference = |(first, second): &(Color32, Color32)| {
            let (a, b) = (lab(*first, eye), lab(*second, eye));
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
        };
        palette.poles.iter().map(difference).fold(f32::INFINITY, f32::min)
    }

    #[test]
    fn poles_of_a_meter_stay_apart_for_the_eyes_that_a_palette_is_for() {
        for eye in [&PROTAN, &DEUTAN] {
            let difference = least_difference(&RED_GREEN_SAFE, eye);
            assert!(difference > 50.0, "{difference}");
        }
        let difference = least_difference(&BLUE_YELLOW_SAFE, &TRITAN);
        assert!(difference > 50.0, "{difference}");
        for palette in [&DARK, &LIGHT] {
            for eye in [&PROTAN, &DEUTAN, &TRITAN] {
                let difference = least_difference(palette, eye);
                assert!(difference > 20.0, "{difference}");
            }
        }
    }

    #[test]
    fn a_window_of_twice_the_size_doubles_every_length() {
        let fitting = |width, height| Theme::fitting(&DARK, vec2(width, height), (640.0, 400.0));
        assert_eq!(fitting(640.0, 400.0).points(20.0), 20.0);
        assert_eq!(fitting(1280.0, 800.0).points(20.0), 40.0);
        assert_eq!(fitting(1280.0, 400.0).points(20.0), 20.0);
    }

    #[test]
    fn text_never_gets_too_small_to_read() {
        let theme = Theme::fitting(&DARK, vec2(320.0, 200.0), (640.0, 400.0));
        assert_eq!(theme.font(12.0).size, SMALLEST_TEXT);
        assert!(theme.is_too_small(12.0));
    }
}
