//! The running window, in a host or with the stage alone in one of its own: looks at the monitor,
//! moves the needles, shows the page, and does what was asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Rgba, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::Param;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, KeyCapture, NiceEguiApp};

use super::command::Command;
use super::host::{Full, Screen, Surface};
use super::keys::{Grip, Holder};
use super::pipeline::Pipeline;
use super::repaint::{Attention, OpenToken, Repainter};
use super::ui_state::UiState;
use super::view::{Controls, ExportView, Source, ViewState};
use super::{content_ui, strings, theme};
use crate::engine::control::Control;
use crate::engine::monitor::Monitor;
use crate::export::{Course, Export};
use crate::history::compare::Snapshot;
use crate::live::Live;
use crate::outputs::Outputs;
use crate::params::MoodringParams;
use crate::prefs::Prefs;

/// How often a progress bar moves.
const PROGRESS: Duration = Duration::from_millis(100);

/// The running window.
pub struct MoodApp {
    params: Arc<MoodringParams>,
    control: Arc<Control>,
    monitor: Arc<Monitor>,
    surface: Arc<Surface>,
    gui: Option<GuiContext>,
    pipeline: Pipeline,
    ui_state: UiState,
    /// The settings as they are kept with the project.
    kept: Prefs,
    export: Option<Export>,
    /// When the next frame is due that was asked for.
    due: Option<Instant>,
    attention: Arc<Attention>,
    repainter: Option<Repainter>,
    /// The stage in a window of its own, where this one has opened it.
    screen: Option<Screen>,
    /// What lets this window, where it is that one, fill a screen.
    full: Option<Full>,
    /// Keeps the keyboard between frames, and the keys that were last asked for.
    holder: Holder,
    capture: KeyCapture,
}

impl MoodApp {
    pub(super) fn new(
        params: Arc<MoodringParams>,
        control: Arc<Control>,
        monitor: Arc<Monitor>,
        outputs: Arc<Outputs>,
        live: Arc<Live>,
        surface: Arc<Surface>,
    ) -> Self {
        let source = Source::new(Arc::clone(&monitor), outputs, Instant::now()).with_live(live);
        Self::looking(params, control, monitor, source, surface)
    }

    fn looking(
        params: Arc<MoodringParams>,
        control: Arc<Control>,
        monitor: Arc<Monitor>,
        source: Source,
        surface: Arc<Surface>,
    ) -> Self {
        let kept = params.prefs();
        Self {
            pipeline: Pipeline::new(Arc::clone(&monitor), source),
            ui_state: UiState::new(kept.clone()),
            gui: None,
            export: None,
            due: None,
            attention: Arc::default(),
            repainter: None,
            screen: None,
            full: None,
            holder: Holder::default(),
            capture: KeyCapture::default(),
            params,
            control,
            monitor,
            surface,
            kept,
        }
    }

    /// The stage alone, beside the window of `self` and on a `surface` of its own.
    fn for_screen(&self, surface: Arc<Surface>) -> Self {
        let (params, control) = (Arc::clone(&self.params), Arc::clone(&self.control));
        let (monitor, source) = (Arc::clone(&self.monitor), self.pipeline.source().clone());
        let mut app = Self::looking(params, control, monitor, source, surface);
        (app.ui_state.is_screen, app.ui_state.fills_screen) = (true, true);
        app.ui_state.prefs.on_stage = true;
        app
    }

    /// Opens the stage in a window of its own, or closes it. Where there can be none it is shown in
    /// this one.
    fn toggle_screen(&mut self, frame: &Frame) {
        if self.screen.take().is_some_and(|screen| screen.is_open()) {
            return;
        }
        let Some(gui) = self.gui.clone() else { return };
        let surface = Arc::new(Surface::beside(frame));
        let app = self.for_screen(Arc::clone(&surface));
        let scale = frame.baseview_window().scale_factor();
        self.screen = Screen::open(app, surface, gui, scale).ok();
        self.ui_state.prefs.on_stage |= self.screen.is_none();
    }

    fn obey(&mut self, command: Command, ui: &Ui, frame: &Frame, view: &ViewState) {
        match command {
            Command::SetHold(on) => {
                // Whoever holds it from elsewhere is overruled.
                self.control.set_held(false);
                self.set(&self.params.hold, on);
            }
            Command::SetOsc(settings) => self.params.set_osc(settings),
            Command::SetPage(settings) => self.params.set_page(settings),
            Command::SetAutoReset(on) => self.set(&self.params.auto_reset, on),
            Command::SetResponse(response) => self.set(&self.params.response, response),
            Command::SetGate(gate_db) => self.set(&self.params.gate_db, gate_db),
            Command::Reset => {
                // In this order: the analysis may be done with it at once.
                self.monitor.forget();
                self.control.ask_reset();
            }
            Command::UseModel(path) => self.params.set_model_path(path),
            Command::Write(kind, path) => self.params.set_output_path(kind, path),
            Command::Keep(which) => {
                if let Some(place) = self.ui_state.prefs.kept.get_mut(which) {
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
            Command::Screen if self.ui_state.is_screen => frame.baseview_window().request_close(),
            Command::Screen => self.toggle_screen(frame),
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

    /// Asks for a frame in `delay`, unless one is due by then: the window forgets no wish, so a
    /// wish in every frame, those that a reading brings about included, would be one more frame
    /// each time.
    fn paint_again(&mut self, ui: &Ui, delay: Duration) {
        let now = Instant::now();
        let is_due = self.due.is_some_and(|due| now < due && due <= now + delay);
        if !is_due {
            self.due = Some(now + delay);
            ui.request_repaint_after(delay);
        }
    }

    /// The colour that everything lies on, as the renderer takes it: bytes as they are, not as
    /// light.
    fn ground(&self) -> Rgba {
        let ground = theme::palette(self.ui_state.prefs.palette).ground;
        let [r, g, b] = [ground.r(), ground.g(), ground.b()].map(|byte| f32::from(byte) / 255.0);
        Rgba::from_rgb(r, g, b)
    }

    /// Tells whoever brings keys which of them are used from now on.
    fn grip(&mut self, ui: &Ui, frame: &mut Frame) {
        let grip = Grip::of(ui.ctx(), self.ui_state.picker.is_some());
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

    /// Fills the screen as far as that is wanted, and closes the window once the stage is left.
    fn show_screen(&mut self, frame: &Frame) {
        if let Some(full) = &mut self.full {
            full.set(self.ui_state.fills_screen);
        }
        if !self.ui_state.prefs.on_stage {
            frame.baseview_window().request_close();
        }
    }

    /// Takes settings over that the host has restored, and keeps those that the user has changed.
    fn keep_prefs(&mut self) {
        let is_screen = self.ui_state.is_screen;
        let stored = self.params.prefs();
        if stored != self.kept {
            let on_stage = is_screen && self.ui_state.prefs.on_stage;
            self.ui_state.prefs.clone_from(&stored);
            self.ui_state.prefs.on_stage |= on_stage;
            self.kept = stored;
            return;
        }
        let mut changed = self.ui_state.prefs.clone();
        if is_screen {
            // What this window shows is not what the one in the host does.
            changed.on_stage = self.kept.on_stage;
        }
        if changed != self.kept {
            self.params.set_prefs(changed.clone());
            self.kept = changed;
        }
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
        if self.ui_state.is_screen {
            self.full = self.surface.fill_screen(frame);
        }
        // The token lives in the window's context, since nothing else tells us that a window has
        // closed.
        let open = OpenToken::default();
        let surface = Arc::clone(&self.surface);
        let wake = move || surface.wake();
        let (monitor, attention) = (Arc::clone(&self.monitor), Arc::clone(&self.attention));
        self.repainter =
            Some(Repainter::start(monitor, self.pipeline.source().clone(), attention, &open, wake));
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
        let mut controls = controls(&self.params);
        controls.hold |= self.control.is_held();
        let export = self.export.as_ref().map(export_view);
        let (view, next) =
            self.pipeline.view(Instant::now(), n_pixels, controls, &self.ui_state, export);
        let shown = self.ui_state.prefs.clone();
        content_ui(ui, &view, &mut self.ui_state);
        let page_has_changed = self.ui_state.prefs != shown;
        let commands = std::mem::take(&mut self.ui_state.commands);
        if page_has_changed || !commands.is_empty() {
            // What was pressed shows at once.
            ui.request_repaint();
        }
        for command in commands {
            self.obey(command, ui, frame, &view);
        }
        self.keep_prefs();
        self.attention.set(&self.ui_state.prefs);
        if self.ui_state.is_screen {
            self.show_screen(frame);
        } else {
            self.control.ask_why(self.ui_state.prefs.asks_why());
        }
        let writing = matches!(view.export, Some(ExportView::Writing(_)));
        if let Some(next) = next.into_iter().chain(writing.then_some(PROGRESS)).min() {
            self.paint_again(ui, next);
        }
        self.grip(ui, frame);
    }

    fn resized(&mut self, size: WindowSize) {
        self.surface.resized(size);
        if self.ui_state.is_screen {
            return;
        }
        self.ui_state.prefs.set_size(size.logical.width as f32, size.logical.height as f32);
        self.keep_prefs();
    }
}

impl Drop for MoodApp {
    fn drop(&mut self) {
        if !self.ui_state.is_screen {
            // Nobody looks any more.
            self.control.ask_why(false);
        }
    }
}

fn controls(params: &MoodringParams) -> Controls {
    Controls {
        hold: params.hold.value(),
        auto_reset: params.auto_reset.value(),
        response: params.response.value(),
        gate_db: params.gate_db.value(),
        model_path: params.model_path(),
    }
}

fn export_view(export: &Export) -> ExportView {
    match export.outcome() {
        None => ExportView::Writing((100.0 * export.progress()) as u8),
        Some(outcome) => ExportView::Done(outcome),
    }
}
