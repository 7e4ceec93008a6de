//! The page of the moment: a meter per pair of words, and the plane that they span.

use egui::{Rect, Ui, Vec2, vec2};

use crate::editor::theme::Theme;
use crate::editor::view::ViewState;
use crate::editor::view::mood;
use crate::editor::widgets::{meter, plane};

/// Space between cards, units.
const GAP: f32 = 12.0;

/// Part of a wide window's width that the plane takes, and the least side that shows anything,
/// points.
const PLANE_PART: f32 = 0.34;
const LEAST_PLANE: f32 = 130.0;

/// Shows the meters, and the plane where there is room for it, in `rect`.
pub fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState) {
    let (meters, plane) = split(rect, theme, mood::is_spanned(&view.meters));
    for (meter, place) in view.meters.iter().zip(cells(meters, view.meters.len(), theme)) {
        meter::meter_ui(ui, place, theme, meter);
    }
    if let Some(place) = plane {
        plane::plane_ui(ui, place, theme, &view.meters, &view.trail);
    }
}

/// Where the meters go, and where the plane: beside them or below, whichever makes it larger, and
/// nowhere where it would be too small.
fn split(rect: Rect, theme: Theme, has_plane: bool) -> (Rect, Option<Rect>) {
    let gap = theme.points(GAP);
    let beside = (PLANE_PART * rect.width()).min(rect.height());
    let below = (0.42 * rect.height()).min(rect.width());
    let is_tall = rect.height() > 1.3 * rect.width();
    let side = if is_tall { below } else { beside };
    if !has_plane || side < LEAST_PLANE || (!is_tall && rect.height() < 0.25 * rect.width()) {
        return (rect, None);
    }
    let (meters, plane) = if is_tall {
        rect.split_top_bottom_at_y(rect.bottom() - side)
    } else {
        rect.split_left_right_at_x(rect.right() - side)
    };
    let mut meters = meters;
    if is_tall {
        meters.max.y -= gap;
    } else {
        meters.max.x -= gap;
    }
    (meters, Some(plane))
}

/// Where `n` meters go: stacked, or side by side where that makes them larger.
fn cells(area: Rect, n: usize, theme: Theme) -> Vec<Rect> {
    let (count, gap) = (n.max(1) as f32, theme.points(GAP));
    let share = |length: f32| (length - gap * (count - 1.0)) / count;
    let stacked = vec2(area.width(), share(area.height()));
    let beside = vec2(share(area.width()), area.height());
    let unit = |size: Vec2| theme.refitted(size, meter::DESIGN).points(1.0);
    let (size, step) = if unit(beside) > unit(stacked) {
        (beside, vec2(beside.x + gap, 0.0))
    } else {
        (stacked, vec2(0.0, stacked.y + gap))
    };
    (0..n).map(|index| Rect::from_min_size(area.min + index as f32 * step, size)).collect()
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;
    use crate::editor::theme::DARK;
    use crate::prefs::DEFAULT_SIZE;

    fn theme() -> Theme {
        Theme::fitting(&DARK, vec2(DEFAULT_SIZE.0, DEFAULT_SIZE.1), DEFAULT_SIZE)
    }

    fn area(width: f32, height: f32) -> Rect {
        Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height))
    }

    #[test]
    fn meters_stack_in_a_tall_window_and_stand_side_by_side_in_a_wide_one() {
        let tall = cells(area(600.0, 300.0), 2, theme());
        assert_eq!((tall[0].left(), tall[1].left()), (0.0, 0.0));
        let wide = cells(area(1200.0, 120.0), 2, theme());
        assert_eq!((wide[0].top(), wide[1].top()), (0.0, 0.0));
        for cells in [tall, wide] {
            assert!(!cells[0].intersects(cells[1]));
        }
    }

    #[test]
    fn no_meters_need_no_room() {
        assert!(cells(Rect::NOTHING, 0, theme()).is_empty());
    }

    #[test]
    fn the_plane_stands_beside_below_or_nowhere() {
        let (meters, plane) = split(area(700.0, 350.0), theme(), true);
        assert!(plane.unwrap().left() > meters.right());
        let (meters, plane) = split(area(400.0, 800.0), theme(), true);
        assert!(plane.unwrap().top() > meters.bottom());
        for (width, height) in [(300.0, 120.0), (1400.0, 140.0)] {
            assert_eq!(split(area(width, height), theme(), true), (area(width, height), None));
        }
        assert_eq!(split(area(700.0, 350.0), theme(), false).1, None);
    }
}
