//! The stage view: the mood in the whole window, to be read from across a club. No small text,
//! nothing that flashes.
//!
//! Everything here follows the needles, and a reading comes 5.4 times a second: however readings
//! might jump, no place can go from dark to light and back more than 2.7 times a second (WCAG 2.3.1
//! allows three; `ballistics` tests it).

use std::f32::consts::TAU;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CursorIcon, Mesh, Painter, Pos2, Rect, Sense, Shape, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use crate::editor::strings;
use crate::editor::theme::{self, Theme};
use crate::editor::ui_state::UiState;
use crate::editor::view::{MeterView, State, ViewState};
use crate::editor::widgets::{header, hint, plane};
use crate::prefs::StageLook;

/// Reach of the letters' outline and of their widened strokes, as parts of their height, and the
/// outline's strength on the colour field.
const OUTLINE: f32 = 0.04;
const BOLD: f32 = 0.013;
const OUTLINE_STRENGTH: f32 = 0.35;

/// Longest way between two of the letters that widen one, points: farther apart they show corners.
const WHOLE: f32 = 2.0;

/// How far the beat lights the window's edges, and how far in, as a part of its shorter side: words
/// and needles stay as they are.
const PULSE_STRENGTH: f32 = 0.5;
const PULSE_REACH: f32 = 0.12;

/// Shows the stage in `rect`. A click leaves it; in a window of its own a double click
/// fills the screen, or no longer.
pub fn stage_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    let response = ui.interact(rect, ui.scope_id().with("stage"), Sense::click());
    let spoken = format!("{}. {}", strings::STAGE, strings::plane(&view.meters));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let hint = if ui_state.is_screen { strings::ON_SCREEN_HINT } else { strings::ON_STAGE_HINT };
    let response = hint::hinted(response, hint);
    // Nothing of it on the audience's screen.
    hint::take(ui.ctx());
    if ui_state.is_screen && ui_state.fills_screen {
        ui.ctx().set_cursor_icon(CursorIcon::None);
    }
    let painter = ui.painter().with_clip_rect(rect);
    let ink = match ui_state.prefs.stage_look {
        StageLook::Meter => {
            paint_meters(&painter, rect, theme, view);
            theme.palette.text
        }
        StageLook::Field => {
            let ink_is_black = &mut ui_state.field_ink_is_black;
            paint_field(&painter, rect, theme, view, ink_is_black)
        }
    };
    if view.pulse > 0.0 {
        painter.add(edges(rect, ink.gamma_multiply(PULSE_STRENGTH * view.pulse)));
    }
    // How much has been heard is no news for an audience.
    if !matches!(view.state, State::Live | State::Listening { .. }) {
        paint_state(&painter, rect, theme, view);
    }
    if !ui_state.is_screen && response.clicked() {
        ui_state.prefs.on_stage = false;
    } else if ui_state.is_screen && response.double_clicked() {
        ui_state.fills_screen = !ui_state.fills_screen;
    }
}

/// The typeface at `height` points, or smaller where `text` would be wider than `width`.
fn largest(
    painter: &Painter,
    text: &str,
    height: f32,
    width: f32,
    colour: Color32,
) -> std::sync::Arc<egui::Galley> {
    let at = |size: f32| {
        painter.layout_no_wrap(text.to_owned(), egui::FontId::proportional(size), colour)
    };
    let galley = at(height);
    let too_wide = galley.size().x / width.max(1.0);
    if too_wide > 1.0 { at(height / too_wide) } else { galley }
}

/// Bold letters in `ink`, with an outline where they stand on a colour, to be read on any ground
/// and from afar: the typeface has no bold, so its strokes are widened.
fn paint_bold(
    painter: &Painter,
    middle: Pos2,
    galley: &std::sync::Arc<egui::Galley>,
    ink: Color32,
    outline: Option<Color32>,
) {
    let corner = middle - 0.5 * galley.size();
    let height = galley.size().y;
    // Letters are the most that is filled on the stage: as few of them as look whole.
    let whole = (TAU * BOLD * height / WHOLE).ceil().clamp(6.0, 14.0);
    let outline = outline.map(|colour| (OUTLINE, 8.0, colour));
    for (reach, n, colour) in outline.into_iter().chain([(BOLD, whole, ink)]) {
        let reach = reach * height;
        for turn in 0..n as usize {
            let shift = reach * Vec2::angled(TAU * (0.5 + turn as f32) / n);
            painter.galley_with_override_text_color(corner + shift, galley.clone(), colour);
        }
    }
}

/// A band of the window per pair of words: who leads as large as fits, under it the needle.
fn paint_meters(painter: &Painter, rect: Rect, theme: Theme, view: &ViewState) {
    let n = view.meters.len().max(1) as f32;
    let height = rect.height() / n;
    for (row, meter) in view.meters.iter().enumerate() {
        let top = rect.top() + row as f32 * height;
        let place = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height));
        paint_meter(painter, place.shrink2(vec2(0.05 * rect.width(), 0.06 * height)), theme, meter);
    }
}

fn paint_meter(painter: &Painter, rect: Rect, theme: Theme, meter: &MeterView) {
    let palette = theme.palette;
    let colour = match meter.share {
        Some(share) => palette.verdict(meter.index, share, meter.ambiguous),
        None => palette.muted,
    };
    let colour =
        if meter.provisional && meter.share.is_some() { palette.paler(colour) } else { colour };
    let track_height = 0.20 * rect.height();
    let track = Rect::from_min_max(pos2(rect.left(), rect.bottom() - track_height), rect.max);
    let words =
        Rect::from_min_max(rect.min, pos2(rect.right(), track.top() - 0.06 * rect.height()));
    let text = match meter.share {
        Some(_) => meter.leading().to_owned(),
        None => strings::NO_VALUE.to_owned(),
    };
    let galley = largest(painter, &text, loudness(meter) * words.height(), words.width(), colour);
    paint_bold(painter, words.center(), &galley, colour, None);
    painter.rect_filled(track, 0.25 * track_height, palette.track);
    let half = meter.ambiguous_half_width * track.width();
    let band = Rect::from_center_size(track.center(), vec2(2.0 * half, track.height()));
    painter.rect_filled(band, 0.0, palette.ambiguous);
    if meter.share.is_some() {
        let middle = track.center().x;
        let x = track.left() + meter.needle.clamp(0.0, 1.0) * track.width();
        let bar = Rect::from_x_y_ranges(middle.min(x)..=middle.max(x), track.y_range());
        let side = palette.side(meter.index, meter.needle);
        let strength = if meter.provisional { 0.5 } else { 0.9 };
        painter.rect_filled(bar, 0.0, palette.track.lerp_to_gamma(side, strength));
        let thickness = (0.022 * rect.width()).max(4.0);
        let needle = Rect::from_center_size(
            pos2(
                x.clamp(track.left() + 0.5 * thickness, track.right() - 0.5 * thickness),
                track.center().y,
            ),
            vec2(thickness, 1.25 * track_height),
        );
        painter.rect_filled(needle, 0.4 * thickness, palette.text);
    }
}

/// The window in the colour of the mood, a little of the neighbouring moods at its edges, and the
/// words of whoever leads, whose colour it returns.
fn paint_field(
    painter: &Painter,
    rect: Rect,
    theme: Theme,
    view: &ViewState,
    ink_is_black: &mut bool,
) -> Color32 {
    // Those of light themes are dark enough to be read on white, and brown over a whole wall.
    let palette = if theme.palette.is_dark { theme.palette } else { &theme::DARK };
    let mood = view.mood();
    let at = |shift: Vec2| match mood {
        Some(mood) => plane::mood_colour(mood + 0.35 * shift, &view.meters, palette),
        None => palette.track,
    };
    let mut mesh = Mesh::default();
    let middle = at(Vec2::ZERO);
    mesh.colored_vertex(rect.center(), middle);
    let corners = [
        (rect.left_top(), vec2(-1.0, 1.0)),
        (rect.center_top(), vec2(0.0, 1.0)),
        (rect.right_top(), vec2(1.0, 1.0)),
        (rect.right_center(), vec2(1.0, 0.0)),
        (rect.right_bottom(), vec2(1.0, -1.0)),
        (rect.center_bottom(), vec2(0.0, -1.0)),
        (rect.left_bottom(), vec2(-1.0, -1.0)),
        (rect.left_center(), vec2(-1.0, 0.0)),
        (rect.left_top(), vec2(-1.0, 1.0)),
    ];
    for (corner, shift) in corners {
        mesh.colored_vertex(corner, at(shift));
    }
    for corner in 1..corners.len() as u32 {
        mesh.add_triangle(0, corner, corner + 1);
    }
    painter.add(Shape::mesh(mesh));
    *ink_is_black = is_black_on(middle, *ink_is_black);
    let (ink, outline) = if *ink_is_black {
        (Color32::BLACK, Color32::WHITE)
    } else {
        (Color32::WHITE, Color32::BLACK)
    };
    let outline = middle.lerp_to_gamma(outline, OUTLINE_STRENGTH);
    // A place for each pair of words, whoever leads.
    let n = view.meters.len() as f32;
    let height = rect.height() / (n + 1.0);
    for (row, meter) in view.meters.iter().enumerate().filter(|(_, meter)| meter.share.is_some()) {
        let y = rect.center().y + (row as f32 - 0.5 * (n - 1.0)) * height;
        let size = 0.85 * loudness(meter) * height;
        let galley = largest(painter, meter.leading(), size, 0.9 * rect.width(), ink);
        paint_bold(painter, pos2(rect.center().x, y), &galley, ink, Some(outline));
    }
    ink
}

/// A frame just inside of `rect` that fades from `colour` at its edges to nothing.
fn edges(rect: Rect, colour: Color32) -> Mesh {
    let inner = rect.shrink(PULSE_REACH * rect.width().min(rect.height()));
    let corners =
        |rect: Rect| [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()];
    let mut mesh = Mesh::default();
    for (outside, inside) in corners(rect).into_iter().zip(corners(inner)) {
        mesh.colored_vertex(outside, colour);
        mesh.colored_vertex(inside, Color32::TRANSPARENT);
    }
    for side in 0..4 {
        let (here, next) = (2 * side, 2 * (side + 1) % 8);
        mesh.add_triangle(here, here + 1, next);
        mesh.add_triangle(here + 1, next, next + 1);
    }
    mesh
}

/// How much of its place a word fills: less where nobody wins.
fn loudness(meter: &MeterView) -> f32 {
    if meter.ambiguous { 0.5 } else { 0.95 }
}

/// Whether words on `ground` are to be black rather than white, where they `were_black` before:
/// whichever has more contrast, and what it was while both have 4.5 to 1, which is all the room
/// that there is between them.
fn is_black_on(ground: Color32, were_black: bool) -> bool {
    let luminance = theme::luminance(ground);
    if were_black { luminance >= BLACK_FROM } else { luminance > WHITE_TO }
}

/// Luminance from which black has 4.5 to 1, (L + .05) / .05, and up to which white has,
/// 1.05 / (L + .05).
const BLACK_FROM: f32 = 0.05 * LEAST_CONTRAST - 0.05;
const WHITE_TO: f32 = 1.05 / LEAST_CONTRAST - 0.05;

/// The standard's 4.5 to 1, and room for rounding.
const LEAST_CONTRAST: f32 = 4.505;

/// What state the meters are in, where it is not the usual one.
fn paint_state(painter: &Painter, rect: Rect, theme: Theme, view: &ViewState) {
    let height = 0.06 * rect.height().max(rect.width() * 0.5);
    let text = strings::state_short(&view.state);
    let galley = largest(painter, &text, height, 0.5 * rect.width(), theme.palette.text);
    let radius = 0.25 * height;
    let size = galley.size() + vec2(4.0 * radius, 0.5 * radius);
    let place = Align2::RIGHT_TOP.align_size_within_rect(size, rect.shrink(0.3 * height));
    painter.rect_filled(place, radius, theme.palette.ground);
    let dot = pos2(place.left() + 1.8 * radius, place.center().y);
    painter.circle_filled(dot, 0.7 * radius, header::state_colour(view.state, theme.palette));
    let corner = pos2(place.left() + 3.2 * radius, place.center().y - 0.5 * galley.size().y);
    painter.galley(corner, galley, theme.palette.text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::theme::palette;
    use crate::prefs::PaletteChoice;

    /// All moods in steps of a twentieth, in every palette, as grounds.
    fn grounds() -> impl Iterator<Item = Color32> {
        let meter = |index, angle_degrees| MeterView { index, angle_degrees, ..Default::default() };
        let meters = [meter(0, 90.0), meter(1, 0.0)];
        PaletteChoice::ALL.into_iter().flat_map(move |choice| {
            let meters = meters.clone();
            (0..41 * 41).map(move |step| {
                let share = |step: i32| step as f32 / 20.0 - 1.0;
                let mood = vec2(share(step % 41), share(step / 41));
                plane::mood_colour(mood, &meters, palette(choice))
            })
        })
    }

    #[test]
    fn words_can_be_read_on_every_ground_that_the_field_can_have() {
        for ground in grounds() {
            for were_black in [false, true] {
                let is_black = is_black_on(ground, were_black);
                let ink = if is_black { Color32::BLACK } else { Color32::WHITE };
                let contrast = theme::contrast(ink, ground);
                assert!(contrast >= 4.5, "{ground:?}: {contrast}");
            }
        }
    }

    #[test]
    fn words_keep_their_ink_where_either_can_be_read() {
        let grey = |level| Color32::from_gray(level);
        let both = (0..=255).map(grey).find(|ground| {
            let luminance = theme::luminance(*ground);
            (BLACK_FROM..WHITE_TO).contains(&luminance)
        });
        let both = both.expect("a grey on which both have 4.5 to 1");
        assert!(is_black_on(both, true) && !is_black_on(both, false));
        assert!(is_black_on(grey(255), false) && !is_black_on(grey(0), true));
    }

    #[test]
    fn a_field_that_knows_least_has_no_colour() {
        for ground in grounds().zip(0..).filter(|(_, n)| n % (41 * 41) == 20 * 41 + 20) {
            let [r, g, b, _] = ground.0.to_array();
            let spread = r.max(g).max(b) - r.min(g).min(b);
            assert!(spread <= 24, "{ground:?}");
        }
    }
}
