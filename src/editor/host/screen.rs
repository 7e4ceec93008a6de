//! The stage in a window of its own, beside the one in the host.

use std::cell::RefCell;
use std::sync::Arc;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::LogicalSize;
use nice_plug_egui::baseview::{self, WindowSize};
use nice_plug_egui::{App, EguiWindow, EguiWindowSettings, Frame, NiceEguiApp};

use super::surface::Surface;
use super::window::MoodWindow;
use super::{MoodApp, NEVER, strings};

/// Size while it does not fill the screen, points.
const SIZE: (f64, f64) = (960.0, 540.0);

thread_local! {
    /// Those that windows of this thread have opened: they may not leave it, and what runs in a
    /// window has to be fit to.
    static OPEN: RefCell<Vec<MoodWindow>> = const { RefCell::new(Vec::new()) };
}

/// An open window of the stage's own; dropped, it closes. Used and dropped in the thread that
/// opened it.
pub struct Screen {
    surface: Arc<Surface>,
}

impl Screen {
    /// Shows `app`, made for it, in a window of its own on the `surface` that it was made with.
    ///
    /// # Errors
    /// What the window system says, where there can be none.
    pub fn open(
        app: MoodApp,
        surface: Arc<Surface>,
        gui: GuiContext,
        scale: f64,
    ) -> Result<Self, baseview::Error> {
        let mut settings = EguiWindowSettings::new()
            .with_title(strings::SCREEN_TITLE)
            .with_size(LogicalSize::new(SIZE.0, SIZE.1))
            .with_fallback_scale_factor(scale)
            .with_repaint_notifier(surface.notifier())
            .with_repaint_poll_interval(NEVER);
        settings.graphics.dithering = false;
        let window = EguiWindow::create(settings, Alone { app, gui: Some(gui) })?;
        let shown = window.show();
        let window = MoodWindow::new(window, Arc::clone(&surface), true);
        shown?;
        OPEN.with_borrow_mut(|open| open.push(window));
        Ok(Self { surface })
    }

    /// Whether nobody has closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_it = |window: &MoodWindow| window.is_of(&self.surface) && window.is_open();
        OPEN.with_borrow(|open| open.iter().any(is_it))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let window = OPEN.with_borrow_mut(|open| {
            let place = open.iter().position(|window| window.is_of(&self.surface));
            place.map(|place| open.swap_remove(place))
        });
        // It waits for the window's end, with nothing borrowed.
        drop(window);
    }
}

/// The window's app where no host stands around it.
struct Alone {
    app: MoodApp,
    /// Until it is handed on.
    gui: Option<GuiContext>,
}

impl App for Alone {
    fn build(
        &mut self,
        context: egui::Context,
        frame: &mut Frame,
    ) -> Result<(), baseview::HandlerError> {
        match self.gui.take() {
            Some(gui) => self.app.build(context, gui, frame),
            None => Ok(()),
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        self.app.ui(ui, frame);
    }

    fn resized(&mut self, size: WindowSize) {
        self.app.resized(size);
    }
}
