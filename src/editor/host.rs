//! The window's place in a host: opened at the size at which it was left.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{
    Editor, HostMethods, ParentWindowHandle, ResizeHint, SizeConstraints, SpawnedEditor,
};
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, RepaintNotifier,
    create_egui_editor,
};

use super::{MoodApp, strings};
use crate::engine::publish::Monitor;
use crate::params::MoodringParams;
use crate::prefs;

/// Makes a window whenever the host asks for one.
///
/// nice-plug-egui fixes the first size when the plugin is made, before the host has restored its state; so each window is an editor of
/// its own, made when it is opened.
pub struct MoodEditor {
    params: Arc<MoodringParams>,
    monitor: Arc<Monitor>,
    /// Size and scale of the newest window.
    newest: Mutex<Option<Arc<EguiEditorState>>>,
}

impl MoodEditor {
    /// The editor over `monitor`, which sets `params`.
    #[must_use]
    pub fn new(params: Arc<MoodringParams>, monitor: Arc<Monitor>) -> Self {
        Self { params, monitor, newest: Mutex::default() }
    }

    /// A window of its own, not yet open.
    fn window(&self) -> Option<EguiEditor<MoodApp>> {
        let size = self.params.prefs().size();
        let size = LogicalSize::new(f64::from(size.0), f64::from(size.1));
        let state = EguiEditorState::from_size(size, 1.0);
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&state));
        let settings =
            EguiNiceSettings::new().with_tile(strings::PRODUCT).with_resize_hint(resize_hint());
        let repaint = RepaintNotifier::new();
        let app =
            MoodApp::new(Arc::clone(&self.params), Arc::clone(&self.monitor), repaint.clone());
        create_egui_editor(state, repaint, settings, app)
    }
}

fn resize_hint() -> ResizeHint {
    let (width, height) = prefs::MIN_SIZE;
    let size_constraints = SizeConstraints::Logical {
        min_size: Some(LogicalSize::new(width, height)),
        max_size: None,
    };
    ResizeHint { size_constraints, ..ResizeHint::RESIZABLE }
}

impl Editor for MoodEditor {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        let window = self.window().ok_or("no window")?;
        window.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)
    }

    fn size(&self) -> NativeSize<u32> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match newest.as_ref().filter(|state| state.is_open()) {
            Some(state) => {
                let (logical, physical) = (state.logical_size(), state.physical_size());
                let scale = f64::from(physical.width) / f64::from(logical.width.max(1.0));
                NativeSize::from_size(logical.into(), scale)
            }
            None => {
                let size = self.params.prefs().size();
                NativeSize::from_size(LogicalSize::new(size.0, size.1).into(), 1.0)
            }
        }
    }

    fn resize_hint(&self) -> ResizeHint {
        resize_hint()
    }
}
