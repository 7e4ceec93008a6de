//! The page of reasons: what each side of the music adds to the reading, its notes, tempi and
//! balance.

use std::f32::consts::TAU;
use std::ops::RangeInclusive;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, FontId, Mesh, Painter, Pos2, Rect, Sense, Shape, Ui, WidgetInfo, pos2, vec2,
};

use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::editor::view::{MeterView, ViewState, WhyView};
use crate::editor::widgets::hint::hinted;
use crate::why::{GROUPS, Group, N_GROUPS};

/// Sizes of text, units.
const TITLE_TEXT: f32 = 14.0;
const TEXT: f32 = 13.0;

/// Space between cards, units.
const GAP: f32 = 10.0;

/// Push that fills half a bar, as a share.
const FULL_PUSH: f32 = 0.4;

/// Space at either side of a column, units.
const COLUMN_MARGIN: f32 = 5.0;

/// The longest value beside a bar.
const WIDEST_VALUE: &str = "188 BPM";

/// Shows what the reading rests on in `rect`.
pub fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState) {
    let gap = theme.points(GAP);
    let is_tall = rect.height() > 1.3 * rect.width();
    let (mut pushes, mut facts) = if is_tall {
        rect.split_top_bottom_at_y(rect.top() + 0.5 * rect.height())
    } else {
        rect.split_left_right_at_x(rect.left() + 0.56 * rect.width())
    };
    if is_tall {
        (pushes.max.y, facts.min.y) = (pushes.max.y - 0.5 * gap, facts.min.y + 0.5 * gap);
    } else {
        (pushes.max.x, facts.min.x) = (pushes.max.x - 0.5 * gap, facts.min.x + 0.5 * gap);
    }
    pushes_ui(ui, pushes, theme, &view.meters, &view.why);
    let (mut notes, mut numbers) = facts.split_top_bottom_at_y(facts.top() + 0.52 * facts.height());
    (notes.max.y, numbers.min.y) = (notes.max.y - 0.5 * gap, numbers.min.y + 0.5 * gap);
    notes_ui(ui, notes, theme, &view.why.chroma);
    numbers_ui(ui, numbers, theme, &view.why, view.facts.percussive_percent);
}

/// A card with its title; the room inside.
fn card(painter: &Painter, rect: Rect, theme: Theme, title: &str) -> Rect {
    let palette = theme.palette;
    theme.outline(painter, rect);
    let inside = rect.shrink2(vec2(theme.points(14.0), theme.points(9.0)));
    let font = theme.font(TITLE_TEXT);
    let title = painter.text(inside.min, Align2::LEFT_TOP, title, font, palette.muted);
    Rect::from_min_max(pos2(inside.left(), title.bottom() + theme.points(4.0)), inside.max)
}

/// Smallest push that has a number: less would be told as nothing.
const LEAST_TOLD: f32 = 0.005;

/// Diverging bars: a row per side of the music, a column per pair of words.
fn pushes_ui(ui: &mut Ui, rect: Rect, theme: Theme, meters: &[MeterView], why: &WhyView) {
    let response = ui.interact(rect, ui.scope_id().with("pushes"), Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    let inside = card(&painter, rect, theme, strings::PUSHES);
    let Some(pushes) = &why.pushes else {
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, strings::NO_PUSHES));
        hinted(response, strings::PUSHES_HINT);
        let (centre, font) = (inside.center(), theme.font(TEXT));
        let colour = theme.palette.muted;
        painter.text(centre, Align2::CENTER_CENTER, strings::NO_PUSHES, font, colour);
        return;
    };
    let text = spoken_pushes(meters, pushes);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    hinted(response, strings::PUSHES_HINT);
    let bars = Bars::within(&painter, inside, theme, meters);
    bars.paint_groups(inside.left());
    for (column, meter) in meters.iter().enumerate() {
        bars.paint_meter(column, meter, pushes.get(meter.index));
    }
}

/// What a screen reader says of all pushes, group by group.
fn spoken_pushes(meters: &[MeterView], pushes: &[[f32; N_GROUPS]]) -> String {
    let of_group = |(row, group): (usize, &Group)| {
        let words = meters.iter().filter_map(|meter| {
            let push = pushes.get(meter.index)?[row];
            Some(strings::push(&meter.first, &meter.second, push))
        });
        format!("{}: {}", strings::group(*group), words.collect::<Vec<_>>().join(", "))
    };
    GROUPS.iter().enumerate().map(of_group).collect::<Vec<_>>().join("; ")
}

/// Where the bars of the pushes are: a row a group, a column a meter.
struct Bars<'a> {
    painter: &'a Painter,
    theme: Theme,
    /// All columns, under one another's heads.
    columns: Rect,
    column_width: f32,
    head: f32,
    /// Size of the heads' letters, as a part of the usual one: both poles fit over each column.
    head_part: f32,
    row_height: f32,
}

impl<'a> Bars<'a> {
    fn within(painter: &'a Painter, inside: Rect, theme: Theme, meters: &[MeterView]) -> Self {
        let names = GROUPS.iter().map(|group| strings::group(*group));
        let names = widest(painter, theme, names) + theme.points(8.0);
        let columns = Rect::from_min_max(pos2(inside.left() + names, inside.top()), inside.max);
        let column_width = (inside.width() - names) / meters.len().max(1) as f32;
        let poles = meters.iter().flat_map(|meter| [meter.first.as_str(), meter.second.as_str()]);
        let heads = 2.2 * widest(painter, theme, poles) + 2.0 * theme.points(COLUMN_MARGIN);
        let head_part = (column_width / heads.max(1.0)).min(1.0);
        let head = theme.points(20.0).max(13.0);
        let row_height = (inside.height() - head) / GROUPS.len() as f32;
        Self { painter, theme, columns, column_width, head, head_part, row_height }
    }

    /// The middle of a row.
    fn row(&self, row: usize) -> f32 {
        self.columns.top() + self.head + (row as f32 + 0.5) * self.row_height
    }

    /// The groups' names, from `left` on.
    fn paint_groups(&self, left: f32) {
        for (row, group) in GROUPS.into_iter().enumerate() {
            let (at, name) = (pos2(left, self.row(row)), strings::group(group));
            let (font, colour) = (self.theme.font(TEXT), self.theme.palette.text);
            self.painter.text(at, Align2::LEFT_CENTER, name, font, colour);
        }
    }

    /// A meter's poles, middle and pushes, as far as these are known.
    fn paint_meter(&self, column: usize, meter: &MeterView, pushes: Option<&[f32; N_GROUPS]>) {
        let (painter, theme) = (self.painter, self.theme);
        let left = self.columns.left() + column as f32 * self.column_width;
        let right_bottom = pos2(left + self.column_width, self.columns.bottom());
        let place = Rect::from_min_max(pos2(left, self.columns.top()), right_bottom)
            .shrink2(vec2(theme.points(COLUMN_MARGIN), 0.0));
        let (first, second) = theme.palette.poles(meter.index);
        let font = theme.font(TEXT);
        let font = FontId::proportional(font.size * self.head_part);
        painter.text(place.left_top(), Align2::LEFT_TOP, &meter.second, font.clone(), second);
        painter.text(place.right_top(), Align2::RIGHT_TOP, &meter.first, font, first);
        let rows = place.top() + self.head..=place.bottom();
        painter.vline(place.center().x, rows, theme.stroke(1.0, theme.palette.tick));
        for (row, push) in pushes.into_iter().flatten().enumerate() {
            let colour = if *push >= 0.0 { first } else { second };
            self.paint_bar(place, self.row(row), *push, colour);
        }
    }

    /// One push: a bar from the middle, in a groove, and its number where there is no bar.
    fn paint_bar(&self, place: Rect, y: f32, push: f32, colour: Color32) {
        let (painter, theme, middle) = (self.painter, self.theme, place.center().x);
        let half = (0.28 * self.row_height).min(theme.points(11.0));
        let groove = Rect::from_x_y_ranges(place.x_range(), y - half..=y + half);
        painter.rect_filled(groove, half * 0.5, theme.palette.track);
        let reach = (push / FULL_PUSH).clamp(-1.0, 1.0) * 0.5 * place.width();
        let (from, to) = (middle.min(middle + reach), middle.max(middle + reach));
        painter.rect_filled(Rect::from_x_y_ranges(from..=to, groove.y_range()), 0.0, colour);
        if !theme.is_too_small(TEXT) && push.abs() >= LEAST_TOLD {
            let (x, align) = if push >= 0.0 {
                (middle - theme.points(5.0), Align2::RIGHT_CENTER)
            } else {
                (middle + theme.points(5.0), Align2::LEFT_CENTER)
            };
            let (text, font) = (strings::percent(push.abs()), theme.font(0.9 * TEXT));
            painter.text(pos2(x, y), align, text, font, theme.palette.text);
        }
    }
}

/// The chroma as a wheel, one petal per pitch class, C on top.
fn notes_ui(ui: &mut Ui, rect: Rect, theme: Theme, chroma: &[f32; 12]) {
    let response = ui.interact(rect, ui.scope_id().with("notes"), Sense::hover());
    let mut order: Vec<usize> = (0..12).collect();
    order.sort_by(|a, b| chroma[*b].total_cmp(&chroma[*a]));
    let loudest: Vec<&str> =
        order[..3].iter().map(|pitch| strings::PITCH_CLASSES[*pitch]).collect();
    let spoken = format!("{}: {}", strings::CHROMA, loudest.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    hinted(response, strings::CHROMA_HINT);
    let painter = ui.painter().with_clip_rect(rect);
    card(&painter, rect, theme, strings::CHROMA);
    let room = rect.shrink(theme.points(8.0));
    let is_named = !theme.is_too_small(TEXT) && room.height() > 90.0;
    let names = if is_named { theme.points(15.0).max(11.0) } else { 2.0 };
    let radius = (0.5 * room.width().min(room.height()) - names).max(4.0);
    let centre = room.center();
    let palette = theme.palette;
    painter.circle_stroke(centre, radius, theme.stroke(1.0, palette.tick));
    let inner = 0.22 * radius;
    // The loudest fills the wheel, however many others sound with it.
    let loudest = chroma.iter().fold(0.05_f32, |loudest, c| loudest.max(*c));
    for (pitch, strength) in chroma.iter().enumerate() {
        let turn = pitch as f32 / 12.0;
        let strength = (strength / loudest).clamp(0.0, 1.0);
        let colour = palette.track.lerp_to_gamma(palette.poles[0].1, 0.25 + 0.75 * strength);
        petal(&painter, centre, inner, inner + strength * (radius - inner), turn, colour);
        if is_named {
            let at = centre + (radius + 0.62 * names) * towards(turn);
            let is_loud = order[..3].contains(&pitch) && strength > 0.0;
            let colour = if is_loud { palette.text } else { palette.muted };
            let text = strings::PITCH_CLASSES[pitch];
            painter.text(at, Align2::CENTER_CENTER, text, theme.font(0.9 * TEXT), colour);
        }
    }
}

/// Width of the widest of these words.
fn widest<'a>(painter: &Painter, theme: Theme, words: impl Iterator<Item = &'a str>) -> f32 {
    let width = |word: &str| {
        painter.layout_no_wrap(word.to_owned(), theme.font(TEXT), theme.palette.text).size().x
    };
    words.map(width).fold(0.0, f32::max)
}

/// A direction, `turn` of a whole turn clockwise from the top.
fn towards(turn: f32) -> egui::Vec2 {
    vec2((TAU * turn).sin(), -(TAU * turn).cos())
}

/// A twelfth of a ring from `inner` to `outer`.
fn petal(painter: &Painter, centre: Pos2, inner: f32, outer: f32, turn: f32, colour: Color32) {
    const PIECES: u32 = 6;
    const WIDTH: f32 = 0.86 / 12.0;
    let mut mesh = Mesh::default();
    for piece in 0..=PIECES {
        let turn = turn + WIDTH * (piece as f32 / PIECES as f32 - 0.5);
        mesh.colored_vertex(centre + inner * towards(turn), colour);
        mesh.colored_vertex(centre + outer.max(inner + 1.0) * towards(turn), colour);
    }
    for first in (0..2 * PIECES).step_by(2) {
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first + 1, first + 2, first + 3);
    }
    painter.add(Shape::mesh(mesh));
}

/// A row of the numbers.
struct Number {
    name: &'static str,
    value: String,
    /// The same where there is little room.
    short: String,
    /// How far its bar is filled, percent, and what that is called.
    bar: Option<(u8, String)>,
}

/// Tempi, the drums' share, and the levels of both parts.
fn numbers(why: &WhyView, percussive: Option<u8>) -> [Number; 4] {
    let none = || strings::NO_VALUE.to_owned();
    let [melody, drums] = why.tempi.map(|tempo| {
        let value = tempo.map_or_else(none, |(bpm, _)| format!("{bpm} BPM"));
        (value, tempo.map(|(_, clear)| (clear, strings::clear(clear))))
    });
    let share = percussive.map_or_else(none, |percent| format!("{percent} %"));
    let levels = why.energy_db.map_or_else(none, strings::levels);
    let short = why.energy_db.map_or_else(none, strings::levels_short);
    let number = |name, value: String, bar| Number { name, short: value.clone(), value, bar };
    let [melody_name, drums_name] = strings::PART_TEMPI;
    [
        number(melody_name, melody.0, melody.1),
        number(drums_name, drums.0, drums.1),
        number(strings::DRUMS_PART, share, percussive.map(|percent| (percent, String::new()))),
        Number { short, ..number(strings::LEVELS, levels, None) },
    ]
}

/// Tempi and the balance of both parts.
fn numbers_ui(ui: &mut Ui, rect: Rect, theme: Theme, why: &WhyView, percussive: Option<u8>) {
    let response = ui.interact(rect, ui.scope_id().with("numbers"), Sense::hover());
    let numbers = numbers(why, percussive);
    let words = numbers.iter().map(|Number { name, value, bar, .. }| match bar {
        Some((_, says)) if !says.is_empty() => format!("{name} {value}, {says}"),
        _ => format!("{name} {value}"),
    });
    let spoken = format!("{}: {}", strings::TEMPI, words.collect::<Vec<_>>().join("; "));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    hinted(response, strings::TEMPI_HINT);
    let painter = ui.painter().with_clip_rect(rect);
    let inside = card(&painter, rect, theme, strings::TEMPI);
    let (palette, font) = (theme.palette, theme.font(TEXT));
    let row = inside.height() / numbers.len() as f32;
    let values = inside.left()
        + widest(&painter, theme, numbers.iter().map(|number| number.name))
        + theme.points(14.0).max(6.0);
    let bars = values + widest(&painter, theme, [WIDEST_VALUE].into_iter()) + theme.points(14.0);
    let says = widest(&painter, theme, [strings::clear(100).as_str()].into_iter());
    for (n, Number { name, value, short, bar }) in numbers.into_iter().enumerate() {
        let y = inside.top() + (n as f32 + 0.5) * row;
        let text = |x: f32, text: &str, colour: Color32| {
            painter.text(pos2(x, y), Align2::LEFT_CENTER, text, font.clone(), colour);
        };
        text(inside.left(), name, palette.muted);
        let fits =
            |value: &str| widest(&painter, theme, [value].into_iter()) <= inside.right() - values;
        let value = [value, short].into_iter().find(|value| fits(value)).unwrap_or_default();
        text(values, &value, palette.text);
        let Some((percent, words)) = bar else { continue };
        let mut right = inside.right();
        // In a narrow card the bar goes first, and the words after it.
        if bars + theme.points(20.0) + says < right {
            right -= says;
            text(right + theme.points(8.0), &words, palette.muted);
        }
        if bars < right {
            paint_filled(&painter, bars..=right, y, row, f32::from(percent) / 100.0, theme);
        }
    }
}

/// A bar at the right of a row, filled to `part`.
fn paint_filled(
    painter: &Painter,
    x: RangeInclusive<f32>,
    y: f32,
    row: f32,
    part: f32,
    theme: Theme,
) {
    let half = (0.22 * row).min(theme.points(5.0));
    let groove = Rect::from_x_y_ranges(x, y - half..=y + half);
    painter.rect_filled(groove, half, theme.palette.track);
    let mut full = groove;
    full.set_width(part.clamp(0.0, 1.0) * groove.width());
    painter.rect_filled(full, half, theme.palette.muted);
}
