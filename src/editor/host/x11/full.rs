//! A window of its own that fills a screen, as the window manager arranges it (Extended Window
//! Manager Hints, `_NET_WM_STATE_FULLSCREEN`); where there is no manager, as large as everything.

use nice_plug_egui::baseview::WindowContext;
use x11rb::connection::Connection;
use x11rb::properties::{WmSizeHints, WmSizeHintsSpecification};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, EventMask,
    PropMode, Window,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::id_of;
use super::place::X11Error;

/// Size where it does not fill the screen and no manager knows better, pixels.
const WINDOWED: (u32, u32) = (960, 540);

/// What makes one window fill its screen, or no longer.
pub struct Full {
    connection: RustConnection,
    window: Window,
    root: Window,
    state: Atom,
    fullscreen: Atom,
    /// Whether a window manager arranges windows.
    is_managed: bool,
    is_full: bool,
}

impl Full {
    /// Has `window`, which is not shown yet, fill the screen on which the window `beside` is.
    /// `None` where the server does not let us.
    #[must_use]
    pub fn new(window: &WindowContext, beside: Option<Window>) -> Option<Self> {
        let mut full = Self::of(id_of(window)?).ok()?;
        full.place(beside).ok()?;
        full.begin().ok()?;
        Some(full)
    }

    fn of(window: Window) -> Result<Self, Box<dyn std::error::Error>> {
        let (connection, screen) = RustConnection::connect(None)?;
        let root = connection.setup().roots.get(screen).ok_or("no such screen")?.root;
        let atom = |name: &[u8]| -> Result<Atom, X11Error> {
            Ok(connection.intern_atom(false, name)?.reply()?.atom)
        };
        let (state, fullscreen) = (atom(b"_NET_WM_STATE")?, atom(b"_NET_WM_STATE_FULLSCREEN")?);
        let check = atom(b"_NET_SUPPORTING_WM_CHECK")?;
        let manager =
            connection.get_property(false, root, check, AtomEnum::WINDOW, 0, 1)?.reply()?;
        // One that is gone leaves its word behind, but not its window.
        let manager = manager.value32().and_then(|mut windows| windows.next());
        let is_managed = manager.is_some_and(|manager| {
            let attributes = connection.get_window_attributes(manager);
            attributes.is_ok_and(|cookie| cookie.reply().is_ok())
        });
        Ok(Self { connection, window, root, state, fullscreen, is_managed, is_full: false })
    }

    /// Puts the window over the middle of `beside`: it fills the screen that it is on.
    fn place(&self, beside: Option<Window>) -> Result<(), X11Error> {
        let Some(beside) = beside else { return Ok(()) };
        let size = self.connection.get_geometry(beside)?.reply()?;
        let middle = [size.width, size.height].map(|side| i16::try_from(side / 2).unwrap_or(0));
        let [x, y] = middle;
        let at = self.connection.translate_coordinates(beside, self.root, x, y)?.reply()?;
        let (x, y) = (i32::from(at.dst_x), i32::from(at.dst_y));
        let corner = (x - WINDOWED.0 as i32 / 2, y - WINDOWED.1 as i32 / 2);
        let hints = WmSizeHints::get_normal_hints(&self.connection, self.window)?.reply()?;
        let mut hints = hints.unwrap_or_default();
        let user = WmSizeHintsSpecification::UserSpecified;
        hints.position = Some((user, corner.0, corner.1));
        hints.set_normal_hints(&self.connection, self.window)?.check()?;
        let place = ConfigureWindowAux::new().x(corner.0).y(corner.1);
        Ok(self.connection.configure_window(self.window, &place)?.check()?)
    }

    /// Says of a window that is not shown yet what it is to be.
    fn begin(&mut self) -> Result<(), X11Error> {
        self.say(true)?;
        if !self.is_managed {
            self.arrange(true)?;
        }
        self.is_full = true;
        Ok(())
    }

    /// Fills the screen, or no longer.
    pub fn set(&mut self, on: bool) {
        if on != self.is_full {
            self.is_full = on;
            // A server that is gone has no window.
            let _ = if self.is_managed { self.ask(on) } else { self.say_and_arrange(on) };
        }
    }

    fn say_and_arrange(&self, on: bool) -> Result<(), X11Error> {
        self.say(on)?;
        self.arrange(on)
    }

    /// The window's own state, which a manager reads when it is shown, and writes from then on.
    fn say(&self, on: bool) -> Result<(), X11Error> {
        let states: &[Atom] = if on { &[self.fullscreen] } else { &[] };
        let (replace, atom) = (PropMode::REPLACE, AtomEnum::ATOM);
        let said =
            self.connection.change_property32(replace, self.window, self.state, atom, states)?;
        Ok(said.check()?)
    }

    /// What a manager would do.
    fn arrange(&self, on: bool) -> Result<(), X11Error> {
        let all = self.connection.get_geometry(self.root)?.reply()?;
        let all = (u32::from(all.width), u32::from(all.height));
        let (width, height) = if on { all } else { WINDOWED };
        let corner = |all: u32, side: u32| (all.saturating_sub(side) / 2) as i32;
        let (x, y) = (corner(all.0, width), corner(all.1, height));
        let place = ConfigureWindowAux::new().x(x).y(y).width(width).height(height);
        Ok(self.connection.configure_window(self.window, &place)?.check()?)
    }

    /// Asks the manager.
    fn ask(&self, on: bool) -> Result<(), X11Error> {
        /// Who asks: a program, not a pager.
        const PROGRAM: u32 = 1;
        let data = [u32::from(on), self.fullscreen, 0, PROGRAM, 0];
        let message = ClientMessageEvent::new(32, self.window, self.state, data);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        Ok(self.connection.send_event(false, self.root, mask, message)?.check()?)
    }
}
