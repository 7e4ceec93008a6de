//! The window: live meters that say what they mean, the history of the song, and reasons.
//!
//! ```text
//! Monitor, outputs → Source → ViewState → pipeline: hold, hiding, needles, look back → pages
//!                                    UiState, Commands → app → parameters, Control ←┘
//! ```
//!
//! Three layers, of which each names only those before it: [`view`], what is to be seen;
//! [`widgets`]; and the pages that are made of them.
//!
//! **Architecture Invariant**: the editor gets the parameters and a source of Readings, and does
//! not know how a Reading is computed; [`window_ui`] is a plain function of a [`ViewState`] and a
//! [`UiState`], so that tests and previews drive it with invented ones.

mod app;
pub mod command;
mod hold;
mod host;
mod keys;
mod look_back;
mod needles;
mod pages;
mod pipeline;
mod pulse;
mod repaint;
pub mod strings;
pub mod theme;
pub mod ui_state;
pub mod view;
pub mod widgets;

use egui::{Rect, Sense, Ui, vec2};

pub use app::MoodApp;
pub use host::MoodEditor;
use theme::Theme;
use ui_state::UiState;
use view::ViewState;
use widgets::picker::Outcome;
use widgets::{footer, header};

use crate::prefs::{self, Page};

/// Heights of the head and the foot, units.
const HEADER: f32 = 40.0;
const FOOTER: f32 = 26.0;

/// Space around and between, units.
const MARGIN: f32 = 16.0;
const GAP: f32 = 12.0;

/// Shows `view` in all of `ui`, as `ui_state` has it set; what the user does is there afterwards.
pub fn window_ui(ui: &mut Ui, view: &ViewState, ui_state: &mut UiState) {
    let ground = theme::palette(ui_state.prefs.palette).ground;
    ui.painter().rect_filled(ui.max_rect(), 0.0, ground);
    content_ui(ui, view, ui_state);
}

/// The same on a ground that is there already: without a graphics card, a quarter of a frame's time
/// would go into painting it.
fn content_ui(ui: &mut Ui, view: &ViewState, ui_state: &mut UiState) {
    ui_state.obey_keys(ui, view.controls.hold);
    let window = ui.max_rect();
    let palette = theme::palette(ui_state.prefs.palette);
    let theme = Theme::fitting(palette, window.size(), prefs::DEFAULT_SIZE);
    theme.dress(ui);
    if ui_state.prefs.on_stage && ui_state.picker.is_none() {
        pages::stage::stage_ui(ui, window, theme, view, ui_state);
        return;
    }
    let inside = window.shrink(theme.points(MARGIN));
    let gap = theme.points(GAP);
    let (header, below) =
        inside.split_top_bottom_at_y(inside.top() + theme.points(HEADER).max(24.0));
    header::header_ui(ui, header, theme, view, ui_state);
    let below = Rect::from_min_max(below.min + vec2(0.0, gap), below.max);
    let below = match &view.banner {
        Some(banner) => header::banner_ui(ui, below, theme, banner),
        None => below,
    };
    let (middle, footer) =
        below.split_top_bottom_at_y(below.bottom() - theme.points(FOOTER).max(17.0));
    let middle = Rect::from_min_max(middle.min, middle.max - vec2(0.0, gap));
    page_ui(ui, middle, theme, view, ui_state);
    footer::footer_ui(ui, footer, theme, view, ui_state);
    ui.allocate_rect(window, Sense::hover());
}

/// The page in front, or the file dialog over it.
fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, ui_state: &mut UiState) {
    if let Some(mut picker) = ui_state.picker.take() {
        match picker.picker_ui(ui, rect, theme) {
            Outcome::Open => ui_state.picker = Some(picker),
            Outcome::Cancelled => {}
            Outcome::Chosen(command) => ui_state.ask(command),
        }
        return;
    }
    match ui_state.prefs.page {
        Page::Now => pages::now::page_ui(ui, rect, theme, view),
        Page::Then => pages::then::page_ui(ui, rect, theme, view, ui_state),
        Page::Why => pages::why::page_ui(ui, rect, theme, view),
        Page::Setup => pages::setup::page_ui(ui, rect, theme, view, ui_state),
        Page::Outputs => pages::outputs::page_ui(ui, rect, theme, view, ui_state),
        Page::About => pages::about::page_ui(ui, rect, theme, &view.model),
    }
}
