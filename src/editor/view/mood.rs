//! Where a mood is on the valence–arousal plane.

use egui::{Vec2, vec2};

use super::MeterView;

/// Angles nearer than this to one axis span no plane, as the sine between them.
const FLAT: f32 = 0.2;

/// Whether the spaces of these meters span a plane at all.
#[must_use]
pub fn is_spanned(meters: &[MeterView]) -> bool {
    let between =
        |a: &MeterView, b: &MeterView| (a.angle_degrees - b.angle_degrees).to_radians().sin().abs();
    meters.iter().any(|a| meters.iter().any(|b| between(a, b) > FLAT))
}

/// As [`mood::position`](crate::mood::position), for the eye.
#[must_use]
pub fn position(spaces: impl Iterator<Item = (f32, f32)>) -> Vec2 {
    let [x, y] = crate::mood::position(spaces);
    vec2(x, y)
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
