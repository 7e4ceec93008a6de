//! One open window as its host holds it.
//!
//! All that a host says goes through here, so that what it may say in any order and with any number
//! arrives as the libraries below can take it: `docs/upstream.md` has what they cannot.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{
    EditorHandle, HostMainThreadCaller, Modifiers, ParentWindowHandle, VirtualKeyCode,
};
use nice_plug_egui::{EguiEditorHandle, baseview};

use super::resize_hint;
use super::surface::{Surface, is_scale};

/// How long a window's thread may take to end before it is left to the library to end it: longer
/// than a frame on a slow machine.
const GOODBYE: Duration = Duration::from_secs(3);

/// Time between looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(1);

/// Longest side of a window, pixels: what X11 can say, and more than any screen has.
const LONGEST: u32 = 32_767;

/// Why a window does not do what its host asks for.
#[derive(Debug)]
pub enum WindowError {
    /// No scale that a screen can have.
    Scale(f64),
    /// No size that a window can have, pixels.
    Size(u32, u32),
    /// There is none any more.
    Closed,
    /// What the window system says.
    System(baseview::Error),
}

impl fmt::Display for WindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scale(scale) => write!(f, "no screen has a scale of {scale}"),
            Self::Size(width, height) => write!(f, "no window has a size of {width} x {height}"),
            Self::Closed => f.write_str("the window is closed"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl Error for WindowError {}

impl From<baseview::Error> for WindowError {
    fn from(error: baseview::Error) -> Self {
        Self::System(error)
    }
}

/// The window itself; dropped, it closes.
pub struct MoodWindow {
    /// `None` once it is closed.
    window: Option<baseview::Window>,
    surface: Arc<Surface>,
    /// Whether it is in a window of its host's.
    has_parent: Cell<bool>,
    /// Whether its host has shown it before it was: it then shows once it is.
    is_wanted: Cell<bool>,
}

impl MoodWindow {
    /// Takes `window` over, which `has_parent` or will get one.
    pub(super) fn new(window: baseview::Window, surface: Arc<Surface>, has_parent: bool) -> Self {
        let (has_parent, is_wanted) = (Cell::new(has_parent), Cell::new(false));
        Self { window: Some(window), surface, has_parent, is_wanted }
    }

    /// Whether this is the window of `surface`.
    pub(super) fn is_of(&self, surface: &Arc<Surface>) -> bool {
        Arc::ptr_eq(&self.surface, surface)
    }

    /// Whether it is there, and nobody has closed it.
    pub(super) fn is_open(&self) -> bool {
        self.window.as_ref().is_some_and(baseview::Window::is_open)
    }

    fn window(&self) -> Result<&baseview::Window, WindowError> {
        self.window.as_ref().ok_or(WindowError::Closed)
    }
}

impl Drop for MoodWindow {
    /// Lets the window's thread end by itself where it can, and waits for it. Were it only told to,
    /// baseview would ask it to show the window once more, find it gone, warn, and come back while
    /// it still runs code that the host may unload.
    fn drop(&mut self) {
        let Some(window) = self.window.take() else { return };
        if self.surface.close() {
            let patience = Instant::now() + GOODBYE;
            while window.is_open() && Instant::now() < patience {
                std::thread::sleep(LOOK);
            }
        }
        drop(window);
        #[cfg(target_os = "linux")]
        self.surface.wait_for_end(GOODBYE);
    }
}

/// What the host says to the window.
pub struct MoodHandle {
    surface: Arc<Surface>,
    egui: EguiEditorHandle,
    /// The newest scale that a host has asked for is that of later windows too.
    remember_scale: Box<dyn Fn(f64) + Send>,
}

impl MoodHandle {
    pub(super) fn new(
        surface: Arc<Surface>,
        egui: EguiEditorHandle,
        remember_scale: impl Fn(f64) + Send + 'static,
    ) -> Self {
        Self { surface, egui, remember_scale: Box::new(remember_scale) }
    }
}

impl EditorHandle for MoodHandle {
    type Window = MoodWindow;
    type Error = WindowError;

    fn run_until_closed(mut window: MoodWindow) -> Result<(), WindowError> {
        match window.window.take() {
            Some(window) => Ok(EguiEditorHandle::run_until_closed(window)?),
            None => Ok(()),
        }
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &MoodWindow,
    ) -> Result<(), WindowError> {
        self.egui.set_parent(parent, window.window()?)?;
        window.has_parent.set(true);
        if window.is_wanted.take() { self.show(window) } else { Ok(()) }
    }

    fn show(&self, window: &MoodWindow) -> Result<(), WindowError> {
        if !window.has_parent.get() {
            // It would be a window on the desktop until the host has found a place for it.
            window.is_wanted.set(true);
            return Ok(());
        }
        Ok(self.egui.show(window.window()?)?)
    }

    fn hide(&self, window: &MoodWindow) -> Result<(), WindowError> {
        window.is_wanted.set(false);
        Ok(self.egui.hide(window.window()?)?)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &MoodWindow) -> Result<(), WindowError> {
        let NativeSize { width, height } = size;
        if !(1..=LONGEST).contains(&width) || !(1..=LONGEST).contains(&height) {
            return Err(WindowError::Size(width, height));
        }
        Ok(self.egui.set_size(size, window.window()?)?)
    }

    fn host_main_thread_callback(&self, window: &MoodWindow) {
        if let Ok(window) = window.window() {
            self.egui.host_main_thread_callback(window);
        }
    }

    fn adjust_size(&self, size: NativeSize<u32>, _window: &MoodWindow) -> Option<NativeSize<u32>> {
        let extent = self.surface.extent()?;
        Some(resize_hint().adjust_size(size, extent.native(), extent.scale))
    }

    fn set_fallback_scale_factor(
        &self,
        scale: f64,
        window: &MoodWindow,
    ) -> Result<(), WindowError> {
        if !is_scale(scale) {
            return Err(WindowError::Scale(scale));
        }
        self.egui.set_fallback_scale_factor(scale, window.window()?)?;
        (self.remember_scale)(scale);
        Ok(())
    }

    fn on_virtual_key_from_host(
        &self,
        key: VirtualKeyCode,
        is_down: bool,
        modifiers: Modifiers,
    ) -> bool {
        self.egui.on_virtual_key_from_host(key, is_down, modifiers)
    }

    fn state_changed(&self) {
        self.surface.wake();
    }

    fn param_value_changed(&self, _id: &str, _normalized_value: f32) {
        self.surface.wake();
    }

    fn param_modulation_changed(&self, _id: &str, _modulation_offset: f32) {
        self.surface.wake();
    }
}

/// The host's main thread, which need not hear of a window that it is closing.
pub(super) struct Caller {
    pub(super) host: Box<dyn HostMainThreadCaller>,
    pub(super) surface: Arc<Surface>,
}

impl HostMainThreadCaller for Caller {
    fn call_main_thread(&mut self) {
        if !self.surface.is_closing() {
            self.host.call_main_thread();
        }
    }
}
