//! The window: live meters that say what they mean. Layout and wiring only; each widget is a file of its own.
//!
//! ```text
//! Monitor → view (what is to be seen) → ballistics (where the needles are) → widgets
//! ```
//!
//! **Architecture Invariant**: the editor gets a source of Readings and nothing else, and does not know how a Reading is computed;
//! [`window_ui`] is a plain function of a [`ViewState`], so that tests and previews drive it with invented ones.

mod about;
mod ballistics;
mod facts;
mod meter;
mod ring;
mod status;
pub mod strings;
pub mod theme;
pub mod view;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Rect, Sense, Ui, Vec2, pos2, vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::LogicalSize;
use nice_plug::editor::{ResizeHint, SizeConstraints};
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier,
    create_egui_editor,
};

use crate::engine::publish::Monitor;
pub use about::open as open_about;
use ballistics::Needle;
use theme::Scale;
use view::{Source, State, ViewState};
use watch::{OpenToken, Watcher};

/// Time between frames while a needle moves.
const FRAME: Duration = Duration::from_millis(16);

/// Heights of the head and the foot, units.
const HEADER: f32 = 44.0;
const FOOTER: f32 = 26.0;

/// Space around and between, units.
const MARGIN: f32 = 16.0;
const GAP: f32 = 12.0;

/// A new editor state at the default size, to be kept by the plugin.
#[must_use]
pub fn default_state() -> Arc<EguiEditorState> {
    let (width, height) = theme::DEFAULT_SIZE;
    EguiEditorState::from_size(LogicalSize::new(f64::from(width), f64::from(height)), 1.0)
}

/// The editor over `monitor`.
#[must_use]
pub fn create(state: Arc<EguiEditorState>, monitor: Arc<Monitor>) -> Option<EguiEditor<MoodApp>> {
    let (width, height) = theme::MIN_SIZE;
    let size_constraints = SizeConstraints::Logical {
        min_size: Some(LogicalSize::new(width, height)),
        max_size: None,
    };
    let settings = EguiNiceSettings::new()
        .with_tile(strings::PRODUCT)
        .with_resize_hint(ResizeHint { size_constraints, ..ResizeHint::RESIZABLE });
    let repaint = RepaintNotifier::new();
    create_egui_editor(state, repaint.clone(), settings, MoodApp::new(monitor, repaint))
}

/// The running editor: needles, and who wakes it.
pub struct MoodApp {
    monitor: Arc<Monitor>,
    repaint: RepaintNotifier,
    source: Source,
    needles: Needles,
    watcher: Option<Watcher>,
}

impl MoodApp {
    fn new(monitor: Arc<Monitor>, repaint: RepaintNotifier) -> Self {
        let source = Source::new(Arc::clone(&monitor), Instant::now());
        Self { monitor, repaint, source, needles: Needles::default(), watcher: None }
    }
}

impl NiceEguiApp for MoodApp {
    fn build(
        &mut self,
        context: egui::Context,
        _gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        frame.set_clear_color(theme::GROUND.into());
        // The token lives in the window's context, since nothing else tells us that a window has closed.
        let open = OpenToken::default();
        let repaint = self.repaint.clone();
        let wake = move || repaint.request_repaint();
        self.watcher = Some(Watcher::start(Arc::clone(&self.monitor), &open, wake));
        context.data_mut(|data| data.insert_temp(egui::Id::unique("open"), open));
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut Frame) {
        let now = Instant::now();
        let mut view = self.source.look(now);
        let resolution = 0.5 / (ui.max_rect().width() * ui.pixels_per_point()).max(1.0);
        if self.needles.point(&mut view, now, resolution) {
            ui.request_repaint_after(FRAME);
        }
        window_ui(ui, &view);
    }
}

/// The needles of all meters, and when they last moved.
#[derive(Default)]
struct Needles {
    needles: Vec<Needle>,
    moved_at: Option<Instant>,
}

impl Needles {
    /// Moves each needle towards its meter's share, writes where it points, and says whether any has still to move.
    ///
    /// The first frame after a rest lasts [`FRAME`], since nobody knows how long the needle could already have been on its way. A meter
    /// without a share keeps its needle, except before any music, when it returns to the middle.
    fn point(&mut self, view: &mut ViewState, now: Instant, resolution: f32) -> bool {
        let elapsed = self.moved_at.map_or(FRAME, |then| now.saturating_duration_since(then));
        self.needles.resize(view.meters.len(), Needle::default());
        let starts_anew = matches!(view.state, State::WaitingForAudio | State::Loading);
        let mut moves = false;
        for (needle, meter) in self.needles.iter_mut().zip(&mut view.meters) {
            if starts_anew {
                *needle = Needle::default();
            }
            let target = meter.share.unwrap_or(needle.position());
            moves |= needle.advance(target, elapsed.as_secs_f32(), resolution);
            meter.needle = needle.position();
        }
        self.moved_at = moves.then_some(now);
        moves
    }
}

/// Shows `view` in all of `ui`.
pub fn window_ui(ui: &mut Ui, view: &ViewState) {
    let window = ui.max_rect();
    ui.painter().rect_filled(window, 0.0, theme::GROUND);
    let scale = Scale::fitting(window.size(), theme::DEFAULT_SIZE);
    let inside = window.shrink(scale.points(MARGIN));
    let (header, below) = split_top(inside, scale.points(HEADER).max(24.0), scale.points(GAP));
    status::header_ui(ui, header, scale, view);
    let rest = match &view.banner {
        Some(banner) => status::banner_ui(ui, below, scale, banner),
        None => below,
    };
    let (middle, footer) = split_bottom(rest, scale.points(FOOTER).max(14.0), scale.points(GAP));
    if about::is_open(ui) {
        about::page_ui(ui, middle, scale, &view.model);
    } else {
        let cells = cells(middle, view.meters.len(), scale);
        for (index, (meter, rect)) in view.meters.iter().zip(cells).enumerate() {
            meter::meter_ui(ui, rect, index, meter);
        }
    }
    facts::facts_ui(ui, footer, scale, &view.facts);
    ui.allocate_rect(window, Sense::hover());
}

/// Where `n` meters go: stacked, or side by side where that makes them larger.
fn cells(area: Rect, n: usize, scale: Scale) -> Vec<Rect> {
    let (count, gap) = (n.max(1) as f32, scale.points(GAP));
    let share = |length: f32| (length - gap * (count - 1.0)) / count;
    let stacked = vec2(area.width(), share(area.height()));
    let beside = vec2(share(area.width()), area.height());
    let unit = |size: Vec2| Scale::fitting(size, meter::DESIGN).points(1.0);
    let (size, step) = if unit(beside) > unit(stacked) {
        (beside, vec2(beside.x + gap, 0.0))
    } else {
        (stacked, vec2(0.0, stacked.y + gap))
    };
    (0..n).map(|index| Rect::from_min_size(area.min + index as f32 * step, size)).collect()
}

fn split_top(rect: Rect, height: f32, gap: f32) -> (Rect, Rect) {
    let cut = rect.top() + height;
    (
        Rect::from_min_max(rect.min, pos2(rect.right(), cut)),
        Rect::from_min_max(pos2(rect.left(), cut + gap), rect.max),
    )
}

fn split_bottom(rect: Rect, height: f32, gap: f32) -> (Rect, Rect) {
    let cut = rect.bottom() - height;
    (
        Rect::from_min_max(rect.min, pos2(rect.right(), cut - gap)),
        Rect::from_min_max(pos2(rect.left(), cut), rect.max),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::MeterView;

    fn view(share: Option<f32>, state: State) -> ViewState {
        ViewState {
            state,
            meters: vec![MeterView { share, ..MeterView::default() }],
            ..ViewState::default()
        }
    }

    #[test]
    fn a_needle_glides_to_a_new_reading_and_rests_there() {
        let mut needles = Needles::default();
        let mut now = Instant::now();
        let mut seen = view(Some(0.9), State::Live);
        assert!(needles.point(&mut seen, now, 0.001));
        assert!(
            seen.meters[0].needle > 0.5 && seen.meters[0].needle < 0.6,
            "no jump: {}",
            seen.meters[0].needle
        );
        let frames = (0..1000).take_while(|_| {
            now += FRAME;
            needles.point(&mut seen, now, 0.001)
        });
        assert!(frames.count() < 100);
        assert_eq!(seen.meters[0].needle, 0.9);
    }

    #[test]
    fn a_needle_does_not_jump_after_a_long_rest() {
        let mut needles = Needles::default();
        let now = Instant::now();
        needles.point(&mut view(Some(0.5), State::Live), now, 0.001);
        let mut seen = view(Some(0.9), State::Live);
        needles.point(&mut seen, now + Duration::from_secs(60), 0.001);
        assert!(seen.meters[0].needle < 0.6, "{}", seen.meters[0].needle);
    }

    #[test]
    fn silence_leaves_the_needle_where_it_was_and_a_new_start_does_not() {
        let mut needles = Needles::default();
        needles.point(&mut view(Some(0.9), State::Live), Instant::now(), 1.0);
        let mut seen = view(None, State::Silent);
        assert!(!needles.point(&mut seen, Instant::now(), 0.001));
        assert_eq!(seen.meters[0].needle, 0.9);
        let mut seen = view(None, State::WaitingForAudio);
        needles.point(&mut seen, Instant::now(), 0.001);
        assert_eq!(seen.meters[0].needle, 0.5);
    }

    #[test]
    fn meters_stack_in_a_tall_window_and_stand_side_by_side_in_a_wide_one() {
        let scale = Scale::fitting(vec2(640.0, 400.0), theme::DEFAULT_SIZE);
        let tall = cells(Rect::from_min_size(pos2(0.0, 0.0), vec2(600.0, 300.0)), 2, scale);
        assert_eq!((tall[0].left(), tall[1].left()), (0.0, 0.0));
        let wide = cells(Rect::from_min_size(pos2(0.0, 0.0), vec2(1200.0, 120.0)), 2, scale);
        assert_eq!((wide[0].top(), wide[1].top()), (0.0, 0.0));
        for cells in [tall, wide] {
            assert!(!cells[0].intersects(cells[1]));
        }
    }

    #[test]
    fn no_meters_need_no_room() {
        let scale = Scale::fitting(vec2(640.0, 400.0), theme::DEFAULT_SIZE);
        assert!(cells(Rect::NOTHING, 0, scale).is_empty());
    }
}
