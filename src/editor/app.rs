//! The running window: looks at the monitor, moves the needles, shows the page, and does what was asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Rgba, Ui, Vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::Param;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, KeyCapture, NiceEguiApp};

use super::ballistics::{FRAME, Needle, Peak};
use super::desk::{Command, Desk};
use super::hold::Hold;
use super::host::Surface;
use super::keys::{Grip, Holder};
use super::then::ThenView;
use super::view::{Controls, ExportView, Source, State, ViewState};
use super::watch::{Attention, OpenToken, Watcher};
use super::{content_ui, plane, strings, theme};
use crate::engine::control::Control;
use crate::engine::monitor::Monitor;
use crate::export::{Course, Export};
use crate::history::compare::Snapshot;
use crate::history::{Clock, History};
use crate::outputs::Outputs;
use crate::outputs::settings::FILES;
use crate::params::{MoodringParams, Response};
use crate::prefs::{Page, Prefs};

/// Seconds of the comet's trail.
const TRAIL_SECS: f64 = 20.0;

/// A frame is asked for while readings arrive if it is due before the next of them is likely to be shown.
const SOON: Duration = Duration::from_millis(150);

/// How often a progress bar moves.
const PROGRESS: Duration = Duration::from_millis(100);

/// The running window.
pub struct MoodApp {
    params: Arc<MoodringParams>,
    control: Arc<Control>,
    monitor: Arc<Monitor>,
    surface: Arc<Surface>,
    gui: Option<GuiContext>,
    source: Source,
    needles: Needles,
    desk: Desk,
    /// The settings as they are kept with the project.
    kept: Prefs,
    hold: Hold,
    export: Option<Export>,
    /// The history as it was last looked at.
    looked_at: Option<(Look, ThenView)>,
    /// When the next frame is due that was asked for.
    due: Option<Instant>,
    attention: Arc<Attention>,
    watcher: Option<Watcher>,
    /// Keeps the keyboard between frames, and the keys that were last asked for.
    holder: Holder,
    capture: KeyCapture,
}

/// What a look at the history depends on: while it is the same, so is what was seen. A place that is read again within its half second
/// waits for the next place.
#[derive(PartialEq)]
struct Look {
    clock: Clock,
    newest_secs: Option<f64>,
    span_secs: Option<(f64, f64)>,
    prefs: Prefs,
    end_secs: Option<f64>,
}

impl MoodApp {
    pub(super) fn new(
        params: Arc<MoodringParams>,
        control: Arc<Control>,
        monitor: Arc<Monitor>,
        outputs: Arc<Outputs>,
        surface: Arc<Surface>,
    ) -> Self {
        let kept = params.prefs();
        Self {
            source: Source::new(Arc::clone(&monitor), outputs, Instant::now()),
            desk: Desk::new(kept.clone()),
            needles: Needles::default(),
            gui: None,
            hold: Hold::default(),
            export: None,
            looked_at: None,
            due: None,
            attention: Arc::default(),
            watcher: None,
            holder: Holder::default(),
            capture: KeyCapture::default(),
            params,
            control,
            monitor,
            surface,
            kept,
        }
    }

    /// What is to be seen now, and when that will have changed by itself.
    fn view(&mut self, now: Instant, n_pixels: f32) -> (ViewState, Option<Duration>) {
        let (mut latest, monitor) = (self.source.look(now), &self.monitor);
        latest.controls = controls(&self.params);
        let mut view = self.hold.of(latest, || Some(monitor.read_history().newest()?.secs));
        let prefs = &self.desk.prefs;
        view.hide(|first| prefs.shows(first));
        // A meter takes at most the window's width, so its needle moves by no more than a pixel a frame while it is slow.
        let resolution = 1.0 / n_pixels.max(1.0);
        let response = view.controls.response;
        let next = self.needles.point(&mut view, now, resolution, response, prefs.reduced_motion);
        // The small ring may lag behind: it is seen when something else is painted.
        let next = next.filter(|_| prefs.shows_needles());
        // While readings arrive the frame of the next one will do for what moves slowly.
        let arrives = matches!(view.state, State::Live | State::Listening { .. });
        let next = next.filter(|next| !arrives || *next < SOON);
        self.hold.keep(&view.meters);
        self.look_back(&mut view);
        view.export = self.export.as_ref().map(export_view);
        (view, next)
    }

    /// What the history adds to the page in front.
    fn look_back(&mut self, view: &mut ViewState) {
        let prefs = &self.desk.prefs;
        let history = self.monitor.read_history();
        match prefs.page {
            Page::Then => {
                let look = Look {
                    clock: history.clock(),
                    newest_secs: history.newest().map(|point| point.secs),
                    span_secs: history.track(history.clock()).span_secs(),
                    prefs: prefs.clone(),
                    end_secs: self.desk.end_secs,
                };
                if self.looked_at.as_ref().is_none_or(|(before, _)| *before != look) {
                    let then = ThenView::of(&history, prefs.span(), look.end_secs, &prefs.kept);
                    self.looked_at = Some((look, then));
                }
                view.then = self.looked_at.as_ref().map(|(_, then)| then.clone());
            }
            Page::Now if !prefs.reduced_motion => {
                let newest_secs = history.newest().map(|point| point.secs);
                let newest_secs = self.hold.newest_secs().or(newest_secs);
                view.trail = newest_secs.map_or_else(Vec::new, |secs| trail(&history, secs, view));
            }
            _ => {}
        }
    }

    fn obey(&mut self, command: Command, ui: &Ui, view: &ViewState) {
        match command {
            Command::SetHold(on) => self.set(&self.params.hold, on),
            Command::SetAutoReset(on) => self.set(&self.params.auto_reset, on),
            Command::SetResponse(response) => self.set(&self.params.response, response),
            Command::SetGate(gate_db) => self.set(&self.params.gate_db, gate_db),
            Command::Reset => {
                self.control.ask_reset();
                self.needles = Needles::default();
            }
            Command::UseModel(path) => self.params.set_model_path(path),
            Command::WriteReadings(path) => self.params.set_output_path(&FILES[0], path),
            Command::Keep(which) => {
                if let Some(place) = self.desk.prefs.kept.get_mut(which) {
                    *place = Snapshot::of(&self.monitor.read_history());
                }
            }
            Command::ClearHistory => self.monitor.read_history().clear(),
            Command::Export(format, path) => {
                let points = {
                    let history = self.monitor.read_history();
                    let track = history.track(history.clock());
                    let (from, to) = track.span_secs().unwrap_or_default();
                    track.points(from, to + 1.0).collect()
                };
                let (title, spaces) = (strings::PRODUCT.to_owned(), view.model.spaces.clone());
                self.export = Some(Export::start(path, format, Course { title, spaces, points }));
            }
            Command::CancelExport => self.export = None,
            Command::Copy => ui.copy_text(strings::reading(&view.meters, &view.facts)),
        }
    }

    /// Sets a parameter as a host expects it of a window: as one gesture.
    fn set<P: Param>(&self, param: &P, value: P::Plain) {
        if let Some(gui) = &self.gui {
            let setter = gui.param_setter();
            setter.begin_set_parameter(param);
            setter.set_parameter(param, value);
            setter.end_set_parameter(param);
        }
    }

    /// Asks for a frame in `delay`, unless one is due by then: the window forgets no wish, so a wish in every frame, those that a
    /// reading brings about included, would be one more frame each time.
    fn paint_again(&mut self, ui: &Ui, delay: Duration) {
        let now = Instant::now();
        let is_due = self.due.is_some_and(|due| now < due && due <= now + delay);
        if !is_due {
            self.due = Some(now + delay);
            ui.request_repaint_after(delay);
        }
    }

    /// The colour that everything lies on, as the renderer takes it: bytes as they are, not as light.
    fn ground(&self) -> Rgba {
        let ground = theme::palette(self.desk.prefs.palette).ground;
        let [r, g, b] = [ground.r(), ground.g(), ground.b()].map(|byte| f32::from(byte) / 255.0);
        Rgba::from_rgb(r, g, b)
    }

    /// Tells whoever brings keys which of them are used from now on.
    fn grip(&mut self, ui: &Ui, frame: &mut Frame) {
        let grip = Grip::of(ui.ctx(), self.desk.picker.is_some());
        self.surface.grip.set(grip);
        // On X11 baseview asks nobody.
        if cfg!(not(target_os = "linux")) {
            let capture = grip.capture(ui.input(|input| input.modifiers));
            if capture != self.capture {
                self.capture = capture.clone();
                frame.set_key_capture(capture);
            }
            self.holder.hold(ui.ctx());
        }
    }

    /// Takes settings over that the host has restored, and keeps those that the user has changed.
    fn keep_prefs(&mut self) {
        let stored = self.params.prefs();
        if stored != self.kept {
            self.desk.prefs = stored;
        } else if self.desk.prefs != self.kept {
            self.params.set_prefs(self.desk.prefs.clone());
        }
        self.kept.clone_from(&self.desk.prefs);
    }
}

impl NiceEguiApp for MoodApp {
    fn build(
        &mut self,
        context: egui::Context,
        gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.gui = Some(gui);
        context.options_mut(|options| {
            // The host's own, and hosts close windows and zoom by them too.
            options.quit_shortcuts.clear();
            options.zoom_with_keyboard = false;
        });
        self.surface.built(frame);
        // The token lives in the window's context, since nothing else tells us that a window has closed.
        let open = OpenToken::default();
        let surface = Arc::clone(&self.surface);
        let wake = move || surface.wake();
        let (monitor, attention) = (Arc::clone(&self.monitor), Arc::clone(&self.attention));
        self.watcher = Some(Watcher::start(monitor, self.source.clone(), attention, &open, wake));
        context.data_mut(|data| data.insert_temp(egui::Id::unique("open"), open));
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut Frame) {
        self.surface.paints();
        Holder::release(ui.ctx());
        // First of all what the host has restored meanwhile.
        self.keep_prefs();
        frame.set_clear_color(self.ground());
        let n_pixels = ui.max_rect().width() * ui.pixels_per_point();
        let (view, next) = self.view(Instant::now(), n_pixels);
        content_ui(ui, &view, &mut self.desk);
        let page_has_changed = self.desk.prefs != self.kept;
        let commands = std::mem::take(&mut self.desk.commands);
        if page_has_changed || !commands.is_empty() {
            // What was pressed shows at once.
            ui.request_repaint();
        }
        for command in commands {
            self.obey(command, ui, &view);
        }
        self.keep_prefs();
        self.attention.set(&self.desk.prefs);
        self.control.ask_why(self.desk.prefs.asks_why());
        let writing = matches!(view.export, Some(ExportView::Writing(_)));
        if let Some(next) = next.into_iter().chain(writing.then_some(PROGRESS)).min() {
            self.paint_again(ui, next);
        }
        self.grip(ui, frame);
    }

    fn resized(&mut self, size: WindowSize) {
        self.surface.resized(size);
        self.desk.prefs.set_size(size.logical.width as f32, size.logical.height as f32);
        self.keep_prefs();
    }
}

impl Drop for MoodApp {
    fn drop(&mut self) {
        // Nobody looks any more.
        self.control.ask_why(false);
    }
}

fn controls(params: &MoodringParams) -> Controls {
    Controls {
        hold: params.hold.value(),
        auto_reset: params.auto_reset.value(),
        response: params.response.value(),
        gate_db: params.gate_db.value(),
        model_path: params.model_path(),
        csv_path: params.output_path(&FILES[0]),
    }
}

fn export_view(export: &Export) -> ExportView {
    match export.outcome() {
        None => ExportView::Writing((100.0 * export.progress()) as u8),
        Some(outcome) => ExportView::Done(outcome),
    }
}

/// Where the mood was until `newest_secs`, oldest first.
fn trail(history: &History, newest_secs: f64, view: &ViewState) -> Vec<Vec2> {
    let track = history.track(history.clock());
    let points = track.points(newest_secs - TRAIL_SECS, newest_secs.next_up());
    let known = points.filter(|point| !point.shares().is_empty());
    known.map(|point| plane::position_of(&view.meters, point.shares())).collect()
}

/// The needles of all meters, their peaks, and when they last moved.
#[derive(Default)]
struct Needles {
    needles: Vec<(Needle, [Peak; 2])>,
    moved_at: Option<Instant>,
}

impl Needles {
    /// Moves each needle towards its meter's share, writes where it points, and says when any will have moved again.
    ///
    /// The first frame after a rest lasts [`FRAME`], since nobody knows how long the needle could already have been on its way. A meter
    /// without a share keeps its needle, except before any music, when it returns to the middle. Where nothing may glide, needles jump.
    fn point(
        &mut self,
        view: &mut ViewState,
        now: Instant,
        resolution: f32,
        response: Response,
        jumps: bool,
    ) -> Option<Duration> {
        let elapsed = self.moved_at.map_or(FRAME, |then| now.saturating_duration_since(then));
        let most = view.meters.iter().map(|meter| meter.index + 1).max().unwrap_or(0);
        self.needles.resize(most.max(self.needles.len()), <(Needle, [Peak; 2])>::default());
        let starts_anew = matches!(view.state, State::WaitingForAudio | State::Loading);
        let secs = if jumps { f32::INFINITY } else { elapsed.as_secs_f32() };
        let mut next: Option<Duration> = None;
        let mut soonest = |due: Option<Duration>| next = next.into_iter().chain(due).min();
        for meter in &mut view.meters {
            let (needle, peaks) = &mut self.needles[meter.index];
            if starts_anew {
                (*needle, *peaks) = Default::default();
            }
            if let Some(share) = meter.share {
                soonest(needle.advance(share, secs, resolution, response));
                let at = needle.position();
                soonest(peaks[0].follow(at, elapsed.as_secs_f32(), resolution, |a, b| a < b));
                soonest(peaks[1].follow(at, elapsed.as_secs_f32(), resolution, |a, b| a > b));
                meter.peaks = match peaks.each_ref().map(Peak::position) {
                    [Some(low), Some(high)] => Some([low, high]),
                    _ => None,
                };
            }
            meter.point(needle.position());
        }
        self.moved_at = next.is_some().then_some(now);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::MeterView;
    use super::*;

    fn view(share: Option<f32>, state: State) -> ViewState {
        ViewState {
            state,
            meters: vec![MeterView { share, ..MeterView::default() }],
            ..ViewState::default()
        }
    }

    fn point(needles: &mut Needles, view: &mut ViewState, now: Instant) -> Option<Duration> {
        needles.point(view, now, 0.001, Response::Dj, false)
    }

    #[test]
    fn a_needle_glides_to_a_new_reading_and_rests_there() {
        let mut needles = Needles::default();
        let mut now = Instant::now();
        let mut seen = view(Some(0.9), State::Live);
        assert!(point(&mut needles, &mut seen, now).is_some());
        let first = seen.meters[0].needle;
        assert!(first > 0.5 && first < 0.6, "no jump: {first}");
        let mut frames = 0;
        while seen.meters[0].needle != 0.9 {
            now += FRAME;
            seen = view(Some(0.9), State::Live);
            point(&mut needles, &mut seen, now);
            frames += 1;
            assert!(frames < 100);
        }
        assert_eq!(seen.meters[0].share, Some(0.9), "what is read is what is seen");
    }

    #[test]
    fn where_nothing_may_glide_a_needle_jumps() {
        let mut needles = Needles::default();
        let mut seen = view(Some(0.9), State::Live);
        needles.point(&mut seen, Instant::now(), 0.001, Response::Slow, true);
        assert_eq!(seen.meters[0].needle, 0.9);
    }

    #[test]
    fn a_needle_does_not_jump_after_a_long_rest() {
        let mut needles = Needles::default();
        let now = Instant::now();
        point(&mut needles, &mut view(Some(0.5), State::Live), now);
        let mut seen = view(Some(0.9), State::Live);
        point(&mut needles, &mut seen, now + Duration::from_secs(60));
        assert!(seen.meters[0].needle < 0.6, "{}", seen.meters[0].needle);
    }

    #[test]
    fn silence_leaves_the_needle_where_it_was_and_a_new_start_does_not() {
        let mut needles = Needles::default();
        needles.point(&mut view(Some(0.9), State::Live), Instant::now(), 1.0, Response::Dj, false);
        let mut seen = view(None, State::Silent);
        assert_eq!(point(&mut needles, &mut seen, Instant::now()), None);
        assert_eq!(seen.meters[0].needle, 0.9);
        let mut seen = view(None, State::WaitingForAudio);
        point(&mut needles, &mut seen, Instant::now());
        assert_eq!(seen.meters[0].needle, 0.5);
    }

    #[test]
    fn a_hidden_meter_keeps_its_needle_out_of_the_others() {
        let mut needles = Needles::default();
        let second = MeterView { index: 1, share: Some(0.2), ..MeterView::default() };
        let mut seen =
            ViewState { meters: vec![second], state: State::Live, ..ViewState::default() };
        needles.point(&mut seen, Instant::now(), 0.001, Response::Dj, true);
        assert_eq!(seen.meters[0].needle, 0.2);
        let mut both = view(Some(0.8), State::Live);
        both.meters.extend(seen.meters.clone());
        needles.point(&mut both, Instant::now(), 0.001, Response::Dj, true);
        assert_eq!((both.meters[0].needle, both.meters[1].needle), (0.8, 0.2));
    }
}
