//! The window: live meters that say what they mean, the history of the song, and reasons.
//!
//! ```text
//! Monitor, params → view (what is to be seen) → ballistics (where the needles are) → pages → widgets
//!                                                          Desk: settings and commands ←┘
//! ```
//!
//! **Architecture Invariant**: the editor gets the parameters and a source of Readings, and does not know how a Reading is computed;
//! [`window_ui`] is a plain function of a [`ViewState`] and a [`Desk`], so that tests and previews drive it with invented ones.

mod about;
mod app;
mod ballistics;
mod button;
mod chart;
pub mod desk;
mod footer;
mod header;
mod hold;
mod host;
mod keys;
mod meter;
mod now;
pub mod picker;
mod plane;
mod ring;
mod setup;
mod stage;
pub mod strings;
pub mod theme;
pub mod then;
pub mod view;
mod watch;
mod why;

use egui::{Rect, Sense, Ui, vec2};

pub use app::MoodApp;
use desk::Desk;
pub use host::MoodEditor;
use picker::Outcome;
use theme::Theme;
use view::ViewState;

use crate::prefs::{self, Page};

/// Heights of the head and the foot, units.
const HEADER: f32 = 40.0;
const FOOTER: f32 = 26.0;

/// Space around and between, units.
const MARGIN: f32 = 16.0;
const GAP: f32 = 12.0;

/// Shows `view` in all of `ui`, as `desk` has it set; what the user does is there afterwards.
pub fn window_ui(ui: &mut Ui, view: &ViewState, desk: &mut Desk) {
    let ground = theme::palette(desk.prefs.palette).ground;
    ui.painter().rect_filled(ui.max_rect(), 0.0, ground);
    content_ui(ui, view, desk);
}

/// The same on a ground that is there already: without a graphics card, a quarter of a frame's time would go into painting it.
fn content_ui(ui: &mut Ui, view: &ViewState, desk: &mut Desk) {
    desk.obey_keys(ui, view.controls.hold);
    let window = ui.max_rect();
    let palette = theme::palette(desk.prefs.palette);
    let theme = Theme::fitting(palette, window.size(), prefs::DEFAULT_SIZE);
    theme.dress(ui);
    if desk.prefs.on_stage && desk.picker.is_none() {
        stage::stage_ui(ui, window, theme, view, desk);
        return;
    }
    let inside = window.shrink(theme.points(MARGIN));
    let gap = theme.points(GAP);
    let (header, below) =
        inside.split_top_bottom_at_y(inside.top() + theme.points(HEADER).max(24.0));
    header::header_ui(ui, header, theme, view, desk);
    let below = Rect::from_min_max(below.min + vec2(0.0, gap), below.max);
    let below = match &view.banner {
        Some(banner) => header::banner_ui(ui, below, theme, banner),
        None => below,
    };
    let (middle, footer) =
        below.split_top_bottom_at_y(below.bottom() - theme.points(FOOTER).max(17.0));
    let middle = Rect::from_min_max(middle.min, middle.max - vec2(0.0, gap));
    page_ui(ui, middle, theme, view, desk);
    footer::footer_ui(ui, footer, theme, view, desk);
    ui.allocate_rect(window, Sense::hover());
}

/// The page in front, or the file dialog over it.
fn page_ui(ui: &mut Ui, rect: Rect, theme: Theme, view: &ViewState, desk: &mut Desk) {
    if let Some(mut picker) = desk.picker.take() {
        match picker.picker_ui(ui, rect, theme) {
            Outcome::Open => desk.picker = Some(picker),
            Outcome::Cancelled => {}
            Outcome::Chosen(command) => desk.ask(command),
        }
        return;
    }
    match desk.prefs.page {
        Page::Now => now::page_ui(ui, rect, theme, view),
        Page::Then => then::page_ui(ui, rect, theme, view, desk),
        Page::Why => why::page_ui(ui, rect, theme, view),
        Page::Setup => setup::page_ui(ui, rect, theme, view, desk),
        Page::About => about::page_ui(ui, rect, theme, &view.model),
    }
}
