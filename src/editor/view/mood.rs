//! Where a mood is on the valence–arousal plane.

use egui::{Vec2, vec2};

use super::MeterView;
use crate::editor::ballistics::MIDDLE;

/// Angles nearer than this to one axis span no plane, as the sine between them.
const FLAT: f32 = 0.2;

/// Whether the spaces of these meters span a plane at all.
#[must_use]
pub fn is_spanned(meters: &[MeterView]) -> bool {
    let between =
        |a: &MeterView, b: &MeterView| (a.angle_degrees - b.angle_degrees).to_radians().sin().abs();
    meters.iter().any(|a| meters.iter().any(|b| between(a, b) > FLAT))
}

/// Where shares are on the plane, each coordinate about −1 to 1, y up: the point whose projections
/// on the axes come nearest to them.
///
/// ```text
/// p = argmin Σ (p·d − (2·share − 1))²,  d = direction of a space's first pole;  least squares, by its normal equations
/// ```
///
/// Shares that are not numbers do not count. With axes that span no plane the point lies on them.
#[must_use]
pub fn position(spaces: impl Iterator<Item = (f32, f32)>) -> Vec2 {
    /// Keeps axes in one line soluble.
    const RIDGE: f32 = 1e-3;
    let (mut xx, mut xy, mut yy, mut b) = (RIDGE, 0.0, RIDGE, Vec2::ZERO);
    for (angle_degrees, share) in spaces.filter(|(_, share)| share.is_finite()) {
        let (sin, cos) = angle_degrees.to_radians().sin_cos();
        (xx, xy, yy) = (xx + cos * cos, xy + cos * sin, yy + sin * sin);
        b += 2.0 * (share - MIDDLE) * vec2(cos, sin);
    }
    vec2(yy * b.x - xy * b.y, xx * b.y - xy * b.x) / (xx * yy - xy * xy)
}

/// Where `shares`, one per label space, are on the plane that these meters span.
#[must_use]
pub fn position_of(meters: &[MeterView], shares: &[f32]) -> Vec2 {
    position(meters.iter().filter_map(|m| Some((m.angle_degrees, *shares.get(m.index)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(index: usize, angle_degrees: f32, needle: f32) -> MeterView {
        MeterView { index, angle_degrees, needle, share: Some(needle), ..MeterView::default() }
    }

    #[test]
    fn excited_and_joyful_is_up_and_right() {
        let up_right = position([(90.0, 0.8), (0.0, 0.7)].into_iter());
        assert!((up_right - vec2(0.4, 0.6)).length() < 1e-2, "{up_right:?}");
        assert_eq!(position([(90.0, 0.5), (0.0, 0.5)].into_iter()), Vec2::ZERO);
    }

    #[test]
    fn axes_that_agree_give_the_point_that_they_agree_on() {
        // tense/relaxed lies between excited/calm and sad/joy.
        let tense =
            0.5 + 0.5 * (0.6 * (135_f32).to_radians().sin() + 0.2 * (135_f32).to_radians().cos());
        let point = position([(90.0, 0.8), (0.0, 0.6), (135.0, tense)].into_iter());
        assert!((point - vec2(0.2, 0.6)).length() < 1e-2, "{point:?}");
    }

    #[test]
    fn one_axis_alone_spans_no_plane_and_still_has_a_place() {
        assert!(!is_spanned(&[meter(0, 90.0, 0.7)]));
        assert!(!is_spanned(&[meter(0, 90.0, 0.7), meter(1, 270.0, 0.7)]));
        assert!(is_spanned(&[meter(0, 90.0, 0.7), meter(1, 0.0, 0.7)]));
        let point = position([(90.0, 0.75), (0.0, f32::NAN)].into_iter());
        assert!((point - vec2(0.0, 0.5)).length() < 1e-2, "{point:?}");
        assert_eq!(position(std::iter::empty()), Vec2::ZERO);
    }
}
