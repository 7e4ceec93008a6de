//! The window's place in a host: opened at the size at which it was left.

mod screen;
mod surface;
mod window;
#[cfg(target_os = "linux")]
mod x11;

use std::error::Error;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{
    Editor, HostMethods, ParentWindowHandle, ResizeHint, SizeConstraints, SpawnedEditor,
};
use nice_plug_egui::{EguiEditorState, EguiNiceSettings, create_egui_editor};

pub use screen::Screen;
use surface::{Extent, is_scale};
pub use surface::{Full, Surface};
use window::{Caller, MoodHandle, MoodWindow};

use super::{MoodApp, strings};
use crate::engine::control::Control;
use crate::engine::monitor::Monitor;
use crate::live::Live;
use crate::lock::lock;
use crate::outputs::Outputs;
use crate::params::MoodringParams;
use crate::prefs;

/// Time between looks of egui-baseview for wishes to paint: as good as never, since
/// [`Surface::wake`] tells of each. A look before the window is shown would ask for a frame, and
/// the window would stay black.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a window whenever the host asks for one.
///
/// nice-plug-egui fixes the first size when the plugin is made, before the host has restored its
/// state; so each window is an editor of its own, made when it is opened.
pub struct MoodEditor {
    params: Arc<MoodringParams>,
    control: Arc<Control>,
    monitor: Arc<Monitor>,
    outputs: Arc<Outputs>,
    live: Arc<Live>,
    /// The newest window, while it is open.
    newest: Mutex<Weak<Surface>>,
    /// The newest scale that the host has asked for.
    scale: Arc<Mutex<Option<f64>>>,
}

impl MoodEditor {
    /// The editor over `monitor`, `outputs` and `live`, which sets `params` and asks `control`.
    #[must_use]
    pub fn new(
        params: Arc<MoodringParams>,
        control: Arc<Control>,
        monitor: Arc<Monitor>,
        outputs: Arc<Outputs>,
        live: Arc<Live>,
    ) -> Self {
        let (newest, scale) = Default::default();
        Self { params, control, monitor, outputs, live, newest, scale }
    }

    /// How large the next window will be, if the host's own idea of a scale is `hosts`.
    fn wanted(&self, hosts: Option<f64>) -> Extent {
        let remembered = *lock(&self.scale);
        let hosts = hosts.filter(|scale| is_scale(*scale)).or(remembered);
        Extent::new(self.params.prefs().size(), system_scale().or(hosts).unwrap_or(1.0))
    }
}

#[cfg(target_os = "linux")]
fn system_scale() -> Option<f64> {
    x11::system_scale().filter(|scale| is_scale(*scale))
}

/// The system knows, but nobody tells us before there is a window.
#[cfg(not(target_os = "linux"))]
fn system_scale() -> Option<f64> {
    None
}

/// The window has no size that it must have, but one below which nothing can be read.
fn resize_hint() -> ResizeHint {
    let (width, height) = prefs::MIN_SIZE;
    let size_constraints = SizeConstraints::Logical {
        min_size: Some(LogicalSize::new(width, height)),
        max_size: None,
    };
    ResizeHint { size_constraints, ..ResizeHint::RESIZABLE }
}

impl Editor for MoodEditor {
    type Handle = MoodHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<MoodHandle>, Box<dyn Error>> {
        let wanted = self.wanted(fallback_scale_factor);
        let surface = Arc::new(Surface::default());
        let host = host.map(|HostMethods { callbacks, main_thread_caller }| HostMethods {
            callbacks,
            main_thread_caller: Box::new(Caller {
                host: main_thread_caller,
                surface: Arc::clone(&surface),
            }),
        });
        let app = MoodApp::new(
            Arc::clone(&self.params),
            Arc::clone(&self.control),
            Arc::clone(&self.monitor),
            Arc::clone(&self.outputs),
            Arc::clone(&self.live),
            Arc::clone(&surface),
        );
        let mut settings = EguiNiceSettings::new()
            .with_tile(strings::PRODUCT)
            .with_resize_hint(resize_hint())
            .with_repaint_poll_interval(NEVER);
        // Noise on every pixel, against bands in gradients larger than any here; without a graphics
        // card it would be a third of what filling them takes.
        settings.graphics.dithering = false;
        let state = EguiEditorState::from_size(wanted.logical, 1.0);
        let editor = create_egui_editor(state, surface.notifier(), settings, app);
        let editor = editor.ok_or("no window")?;
        let has_parent = parent.is_some() || !wait_for_parent;
        let spawned =
            editor.spawn(parent, wait_for_parent, Some(wanted.scale), gui_context, host)?;
        if cfg!(target_os = "linux") {
            // baseview makes it as large as it would be without the host's scale. The answer also
            // says that the window's thread listens: told to end before that, it would forget, and
            // whoever waits for its end would wait for ever.
            spawned.window.resize(wanted.native())?;
            surface.set_extent(wanted);
        }
        *lock(&self.newest) = Arc::downgrade(&surface);
        let scale = Arc::clone(&self.scale);
        let remember = move |asked| {
            *lock(&scale) = Some(asked);
        };
        let window = MoodWindow::new(spawned.window, Arc::clone(&surface), has_parent);
        let handle = MoodHandle::new(surface, spawned.handle, remember);
        Ok(SpawnedEditor { handle, window })
    }

    fn size(&self) -> NativeSize<u32> {
        let newest = lock(&self.newest).upgrade();
        let extent = newest.filter(|surface| !surface.is_closing()).and_then(|s| s.extent());
        extent.unwrap_or_else(|| self.wanted(None)).native()
    }

    fn resize_hint(&self) -> ResizeHint {
        resize_hint()
    }
}
