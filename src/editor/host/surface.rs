//! What the host's thread and the window's own thread share of one window: its size, its keyboard,
//! when it may be asked to paint.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::lock::lock;
#[cfg(target_os = "linux")]
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock};
#[cfg(target_os = "linux")]
use std::time::Duration;

use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug_egui::baseview::{WindowSize, WindowWaker};
use nice_plug_egui::{Frame, RepaintNotifier};

use super::super::keys::SharedGrip;
#[cfg(target_os = "linux")]
pub use super::x11::Full;
#[cfg(target_os = "linux")]
use super::x11::{self, Embedding};

/// Smallest and largest scale that a host may ask for, pixels a point: beyond it is a mistake, and
/// the window would be nothing or larger than X11 can say.
const SCALES: std::ops::RangeInclusive<f64> = 0.25..=16.0;

/// Whether `scale`, pixels a point, is one that a screen can have.
#[must_use]
pub fn is_scale(scale: f64) -> bool {
    SCALES.contains(&scale)
}

/// How large a window is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Points.
    pub logical: LogicalSize<f64>,
    /// Pixels a point.
    pub scale: f64,
}

impl Extent {
    /// A window of `size` points at `scale` pixels a point.
    #[must_use]
    pub fn new(size: (f32, f32), scale: f64) -> Self {
        Self { logical: LogicalSize::new(f64::from(size.0), f64::from(size.1)), scale }
    }

    /// The same in the units in which hosts on this system count.
    #[must_use]
    pub fn native(&self) -> NativeSize<u32> {
        NativeSize::from_size(Size::Logical(self.logical), self.scale)
    }
}

/// Nothing has a window fill its screen here but its own frame.
#[cfg(not(target_os = "linux"))]
pub enum Full {}

#[cfg(not(target_os = "linux"))]
impl Full {
    /// Fills the screen, or no longer.
    pub fn set(&mut self, _on: bool) {
        match *self {}
    }
}

#[cfg(target_os = "linux")]
thread_local! {
    /// Goes with its thread, the last of all that a window has there.
    static END: std::cell::Cell<Option<Sender<()>>> = const { std::cell::Cell::new(None) };
}

/// One window, from the moment at which it is asked for until it is gone.
#[derive(Default)]
pub struct Surface {
    /// `None` until it is there.
    extent: Mutex<Option<Extent>>,
    /// Who has the keyboard.
    pub grip: Arc<SharedGrip>,
    /// Whether it has ever been painted.
    painted: Arc<AtomicBool>,
    /// Whether its host is closing it.
    closing: AtomicBool,
    repaint: RepaintNotifier,
    waker: OnceLock<WindowWaker>,
    /// The window in the host beside which it stands, where it is not in one itself.
    #[cfg(target_os = "linux")]
    beside: Option<u32>,
    #[cfg(target_os = "linux")]
    embedding: Mutex<Option<Embedding>>,
    /// Loses its other end with the window's thread.
    #[cfg(target_os = "linux")]
    ended: Mutex<Option<Receiver<()>>>,
}

impl Surface {
    /// A window that will stand beside `other`, which is in a host.
    #[must_use]
    pub fn beside(other: &Frame) -> Self {
        #[cfg(target_os = "linux")]
        {
            Self { beside: x11::id_of(other.baseview_window()), ..Self::default() }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = other;
            Self::default()
        }
    }

    /// Has the window, which is not shown yet and stands beside another, fill its screen. `None`
    /// where it is left to whoever looks at it.
    #[must_use]
    pub fn fill_screen(&self, frame: &Frame) -> Option<Full> {
        #[cfg(target_os = "linux")]
        {
            Full::new(frame.baseview_window(), self.beside)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = frame;
            None
        }
    }

    /// What the framework takes to know of wishes.
    #[must_use]
    pub fn notifier(&self) -> RepaintNotifier {
        self.repaint.clone()
    }

    /// The window is there; called in its own thread before it can be seen.
    pub fn built(&self, frame: &Frame) {
        let _first = self.waker.set(frame.baseview_window().waker());
        self.resized(frame.baseview_window().size());
        #[cfg(target_os = "linux")]
        {
            let (grip, painted) = (Arc::clone(&self.grip), Arc::clone(&self.painted));
            let embedding = Embedding::start(frame.baseview_window(), self.beside, grip, painted);
            *lock(&self.embedding) = embedding;
            let (end, ended) = mpsc::channel();
            END.set(Some(end));
            *lock(&self.ended) = Some(ended);
        }
    }

    /// The window has another size or scale.
    pub fn resized(&self, size: WindowSize) {
        self.set_extent(Extent { logical: size.logical, scale: size.scale_factor });
    }

    /// Takes note of a size that the window is about to have.
    pub fn set_extent(&self, extent: Extent) {
        *lock(&self.extent) = Some(extent);
    }

    /// How large the window is, or `None` while there is none.
    #[must_use]
    pub fn extent(&self) -> Option<Extent> {
        *lock(&self.extent)
    }

    /// A frame is being painted.
    pub fn paints(&self) {
        self.painted.store(true, Ordering::Relaxed);
    }

    /// Asks for a frame, unless there has been none: the first comes by itself once the window is
    /// shown.
    ///
    /// Before that, on X11, a wish is worse than useless: baseview asks the server for the moment
    /// of the next frame, and, not listening until the window is shown, waits for ever for an
    /// answer that has come.
    pub fn wake(&self) {
        if self.painted.load(Ordering::Relaxed) {
            self.repaint.request_repaint();
            if let Some(waker) = self.waker.get() {
                waker.request_poll();
            }
        }
    }

    /// Whether the host is closing the window.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits until the window's thread has ended, where it has one of its own, but no longer than
    /// `patience`.
    #[cfg(target_os = "linux")]
    pub fn wait_for_end(&self, patience: Duration) {
        if let Some(ended) = lock(&self.ended).take() {
            // Nothing is ever sent.
            let _ = ended.recv_timeout(patience);
        }
    }

    /// The host closes the window. On X11 this gives the keyboard back, and asks the window's
    /// thread to end by itself; whether it has been asked.
    pub fn close(&self) -> bool {
        self.closing.store(true, Ordering::Release);
        #[cfg(target_os = "linux")]
        {
            let embedding = lock(&self.embedding).take();
            embedding.is_some_and(Embedding::close)
        }
        #[cfg(not(target_os = "linux"))]
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_a_number_that_a_screen_can_have() {
        for scale in [0.25, 1.0, 1.5, 2.0, 16.0] {
            assert!(is_scale(scale), "{scale}");
        }
        for scale in [0.0, -0.0, -1.0, 1e-9, 17.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!is_scale(scale), "{scale}");
        }
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn a_window_of_twice_the_scale_has_twice_the_pixels() {
        let extent = Extent::new((760.0, 480.0), 2.0);
        assert_eq!(extent.native(), NativeSize::new(1520, 960));
    }
}
