//! What a window owes the host that it is in on X11, and the libraries below leave to be done.
//!
//! - It says that it can be embedded (`_XEMBED_INFO`), without which some hosts refuse it.
//! - Keys that it has no use for go on to the host: X11 gives every key to the window that has the
//!   keyboard, or that the pointer is over, and to no other.
//! - The keyboard returns to where it was when the window closes or is hidden.
//! - It asks for the first frame again while none has come: baseview waits for ever for one that it
//!   has asked for before it listened.
//! - It ends by itself when its host closes it.
//!
//! The same goes for a window of ours beside the host's, whose keys go on to the same host, and
//! which fills a screen ([`full`]).
//!
//! All this is done over a connection of its own by the thread `mood-embed`, which sleeps until the
//! server has something to say.

mod full;
mod keyboard;
mod place;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nice_plug_egui::baseview::WindowContext;
use raw_window_handle::{HasWindowHandle, RawWindowHandle};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::protocol::xproto::Window;
use x11rb::resource_manager;
use x11rb::rust_connection::RustConnection;

use super::super::keys::SharedGrip;
pub use full::Full;
use place::Place;

/// Name of the thread.
const THREAD: &str = "mood-embed";

/// Pixels a point, by the settings of the user's desktop; `None` where they say nothing. The same
/// setting, read in the same way, as baseview's.
#[must_use]
pub fn system_scale() -> Option<f64> {
    /// Dots per inch of a screen whose points are pixels.
    const PLAIN_DPI: f64 = 96.0;
    let (connection, _) = RustConnection::connect(None).ok()?;
    let settings = resource_manager::new_from_default(&connection).ok()?;
    let dpi = settings.get_value::<u32>("Xft.dpi", "").ok()??;
    Some(f64::from(dpi) / PLAIN_DPI)
}

/// A window's place in its host; dropped, it looks after the window no longer.
pub struct Embedding {
    /// Dropped or written to, it ends the thread.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Embedding {
    /// Looks after `window`, whose keys are used as `grip` says, and which has been `painted` or
    /// not; keys go on to the host that `beside` is in, or the window itself. `None` where the
    /// server does not let us: the window works, but does none of the above.
    #[must_use]
    pub fn start(
        window: &WindowContext,
        beside: Option<Window>,
        grip: Arc<SharedGrip>,
        painted: Arc<AtomicBool>,
    ) -> Option<Self> {
        let window = id_of(window)?;
        let place = Place::new(window, beside.unwrap_or(window), grip, painted).ok()?;
        let (stop, stopped) = UnixStream::pair().ok()?;
        let run = move || {
            // A server that is gone has no window to look after.
            let _ = place.run(&stopped);
        };
        let thread = Builder::new().name(THREAD.to_owned()).spawn(run).ok()?;
        Some(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Gives the keyboard back and asks the window to close itself; whether it could be asked.
    #[must_use]
    pub fn close(mut self) -> bool {
        let is_there = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        self.end();
        is_there
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to clean up, should it have panicked.
            let _ = thread.join();
        }
    }
}

impl Drop for Embedding {
    fn drop(&mut self) {
        self.end();
    }
}

/// The server's number of a window.
#[must_use]
pub fn id_of(window: &WindowContext) -> Option<Window> {
    match window.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        _ => None,
    }
}

/// Sleeps until the server or the owner has something to say: whether it was the owner. `None` once
/// `patience` is over.
fn wait(
    connection: &RustConnection,
    stopped: &UnixStream,
    patience: Option<Duration>,
) -> Option<bool> {
    let patience = patience.and_then(|time| Timespec::try_from(time).ok());
    let mut sources = [connection.stream().as_fd(), stopped.as_fd()]
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    match poll(&mut sources, patience.as_ref()) {
        Ok(0) => None,
        // A signal: nothing has been said.
        Err(_) => Some(false),
        Ok(_) => Some(!sources[1].revents().is_empty()),
    }
}
