//! The page of the song: the course of each pair of words, readings over time, and two stretches
//! beside each other.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Align2, FontId, Galley, Rect, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::editor::command::Command;
use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::editor::ui_state::UiState;
use crate::editor::view::then::{KeptView, ThenView};
use crate::editor::view::{ExportView, MeterView, ViewState};
use crate::editor::widgets::button::{self, Kind};
use crate::editor::widgets::chart;
use crate::editor::widgets::hint::hinted;
use crate::export::Format;

/// Heights of the rows under the chart, units.
const ROW: f32 = 28.0;

/// Sizes of text, units.
const TEXT: f32 = 13.5;
const VALUE_TEXT: f32 = 17.0;

/// Values that do not fit are written as small as can be read, points.
const SMALLEST_TEXT: f32 = 9.0;

/// Part of the page's height that the chart has at least.
const LEAST_CHART: f32 = 0.5;

/// Space between cards, units.
const GAP: f32 = 8.0;

/// Shows the history in `rect`.
pub fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    let Some(then) = &view.then else { return };
    let (gap, row) = (theme.points(GAP), theme.points(ROW).max(18.0));
    // What is below gives way in a low window: first the comparison, then the readings over time.
    let mut below = rect.bottom();
    let mut take = |height: f32, least: f32| {
        let fits = below - height - gap - rect.top() >= least;
        let place =
            Rect::from_min_max(pos2(rect.left(), below - height), pos2(rect.right(), below));
        if fits {
            below -= height + gap;
        }
        fits.then_some(place)
    };
    let tools = take(row, 0.0);
    // The chart is what the page is for.
    let chart_least = LEAST_CHART * rect.height();
    let means = take(1.7 * row, chart_least.max(2.5 * row));
    let compared = take(row, chart_least.max(2.5 * row));
    let chart = Rect::from_min_max(rect.min, pos2(rect.right(), below));
    chart::chart_ui(ui, chart, theme, &view.meters, then, ui_state);
    if let Some(place) = means {
        means_ui(ui, place, theme, &view.meters, then);
    }
    if let Some(place) = compared {
        compare_ui(ui, place, theme, &view.meters, then, ui_state);
    }
    if let Some(place) = tools {
        tools_ui(ui, place, theme, view, then, ui_state);
    }
}

/// Readings over time, one card each.
fn means_ui(ui: &mut Ui, rect: Rect, theme: Theme, meters: &[MeterView], then: &ThenView) {
    let palette = theme.palette;
    let gap = theme.points(GAP);
    let width = (rect.width() - 2.0 * gap) / 3.0;
    let names = if then.on_timeline { strings::MEANS } else { strings::MEANS_HEARD };
    // What is called now is what the needles show, on every page.
    let mut now = then.means[0];
    for meter in meters {
        if let (Some(now), Some(share)) = (&mut now, meter.share) {
            now[meter.index] = share;
        }
    }
    let means = [now, then.means[1], then.means[2]];
    for (i, (name, shares)) in names.into_iter().zip(&means).enumerate() {
        let left = rect.left() + i as f32 * (width + gap);
        let card = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        let values: Vec<String> = meters
            .iter()
            .map(|meter| match shares {
                Some(shares) => strings::share(meter, shares[meter.index]),
                None => strings::NO_VALUE.to_owned(),
            })
            .collect();
        let response = ui.interact(card, ui.scope_id().with(("mean", i)), egui::Sense::hover());
        let spoken = format!("{name}: {}", values.join(", "));
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        hinted(response, strings::hints::MEANS[i]);
        let painter = ui.painter().with_clip_rect(card);
        theme.outline(&painter, card);
        let at =
            |part: f32| pos2(card.left() + theme.points(10.0), card.top() + part * card.height());
        painter.text(at(0.28), Align2::LEFT_CENTER, name, theme.font(TEXT), palette.muted);
        let colour = |meter: &MeterView| match shares {
            Some(shares) => {
                let share = shares[meter.index];
                palette.verdict(meter.index, share, meter.is_undecided(share))
            }
            None => palette.muted,
        };
        let gap = theme.points(14.0).max(6.0);
        let laid = |values: &[String], font: &FontId| -> Vec<Arc<Galley>> {
            let lay = |(meter, value): (&MeterView, &String)| {
                painter.layout_no_wrap(value.clone(), font.clone(), colour(meter))
            };
            meters.iter().zip(values).map(lay).collect()
        };
        let room = card.width() - theme.points(18.0);
        let fits = |galleys: &[Arc<Galley>]| {
            let width: f32 = galleys.iter().map(|galley| galley.size().x + gap).sum();
            width - gap <= room
        };
        let mut galleys = laid(&values, &theme.font(VALUE_TEXT));
        if !fits(&galleys) {
            let width: f32 = galleys.iter().map(|galley| galley.size().x + gap).sum();
            // A little less, for letters of other sizes are not quite in proportion.
            let size = 0.97 * theme.font(VALUE_TEXT).size * (room + gap) / width;
            galleys = laid(&values, &FontId::proportional(size.max(SMALLEST_TEXT)));
        }
        if let Some(shares) = shares.filter(|_| !fits(&galleys)) {
            // Their colours, and the names in the chart, tell whose they are.
            let short = |meter: &MeterView| strings::leading_percent(shares[meter.index]);
            let short: Vec<String> = meters.iter().map(short).collect();
            galleys = laid(&short, &theme.font(VALUE_TEXT));
        }
        let mut x = at(0.0).x;
        for galley in galleys {
            let corner = pos2(x, at(0.70).y - 0.5 * galley.size().y);
            x += galley.size().x + gap;
            painter.galley(corner, galley, palette.text);
        }
    }
}

/// Two stretches beside each other: buttons to keep them, and what changed.
fn compare_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    meters: &[MeterView],
    then: &ThenView,
    ui_state: &mut UiState,
) {
    let mut left = rect.left();
    for (which, word) in strings::KEEP.into_iter().enumerate() {
        let place = Rect::from_min_max(
            pos2(left, rect.top()),
            pos2(left + button::width(ui, theme, word), rect.bottom()),
        );
        let kind = Kind::Toggle(then.kept[which].is_some());
        let response = button::word_ui(ui, place, theme, word, word, kind);
        if hinted(response, strings::KEEP_HINT).clicked() {
            ui_state.ask(Command::Keep(which));
        }
        left = place.right() + theme.points(6.0);
    }
    let found = meters.iter().filter_map(|meter| {
        let found = then.comparison.get(meter.index)?.as_ref()?;
        Some(strings::comparison(&meter.first, &meter.second, found))
    });
    let lines: Vec<String> = found.collect();
    let text = match then.kept {
        _ if !lines.is_empty() => lines.join("\n"),
        [None, None] => strings::COMPARE_HINT.to_owned(),
        [Some(a), _] => kept_and_next("A", 0, meters, &a),
        [None, Some(b)] => kept_and_next("B", 1, meters, &b),
    };
    let room = Rect::from_min_max(pos2(left + theme.points(6.0), rect.top()), rect.max);
    let response = ui.interact(room, ui.scope_id().with("comparison"), egui::Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    let painter = ui.painter().with_clip_rect(room.expand2(vec2(0.0, theme.points(GAP))));
    let font = theme.font(TEXT * 0.93);
    let colour = if lines.is_empty() { theme.palette.muted } else { theme.palette.text };
    let galley = painter.layout(text.clone(), font, colour, room.width());
    let corner = pos2(room.left(), room.center().y - 0.5 * galley.size().y);
    painter.galley(corner, galley, colour);
    hinted(response, &text);
}

/// What is kept as `name`, and what to do next.
fn kept_and_next(name: &str, which: usize, meters: &[MeterView], kept: &KeptView) -> String {
    format!("{}. {}", strings::kept(name, meters, kept), strings::keep_the_other(which))
}

/// What can be done with the history.
fn tools_ui(
    ui: &mut Ui,
    rect: Rect,
    theme: Theme,
    view: &ViewState,
    then: &ThenView,
    ui_state: &mut UiState,
) {
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.horizontal_centered(|ui| {
            chart::zoom_ui(ui, then, ui_state);
            ui.separator();
            match &view.export {
                Some(ExportView::Writing(percent)) => {
                    let bar = egui::ProgressBar::new(f32::from(*percent) / 100.0)
                        .desired_width(theme.points(120.0))
                        .text(strings::export(&ExportView::Writing(*percent)));
                    hinted(ui.add(bar), strings::WRITING_HINT);
                    if hinted(ui.button(strings::CANCEL), strings::CANCEL_EXPORT_HINT).clicked() {
                        ui_state.ask(Command::CancelExport);
                    }
                }
                done => {
                    let has_history = then.span_secs.is_some();
                    ui.add_enabled_ui(has_history, |ui| {
                        let menu = ui.menu_button(strings::EXPORT, |ui| {
                            for (format, hint) in
                                Format::ALL.into_iter().zip(strings::hints::EXPORT)
                            {
                                if hinted(ui.button(strings::format(format)), hint).clicked() {
                                    ui_state.pick_export(format);
                                    ui.close();
                                }
                            }
                        });
                        if menu.inner.is_none() {
                            hinted(menu.response, strings::EXPORT_HINT);
                        }
                        let asks = &mut ui_state.asks_to_clear;
                        let word = if *asks { strings::CLEAR_SURELY } else { strings::CLEAR };
                        let clear = hinted(ui.button(word), strings::CLEAR_HINT);
                        if clear.clicked() && std::mem::replace(asks, !*asks) {
                            ui_state.ask(Command::ClearHistory);
                        } else if clear.clicked_elsewhere() {
                            *asks = false;
                        }
                    });
                    if let Some(done) = done {
                        let text = strings::export(done);
                        hinted(ui.add(egui::Label::new(&text).truncate()), &text);
                    }
                }
            }
        });
    });
}
