//! What the thread knows of a window and its surroundings, and does when the server tells of
//! something.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::present::ConnectionExt as _;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask,
    InputFocus, KEY_PRESS_EVENT, KeyPressEvent, PropMode, Window,
};
use x11rb::rust_connection::{ReplyOrIdError, RustConnection};
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{CURRENT_TIME, NONE};

use super::keyboard::Keyboard;
use super::wait;
use crate::editor::keys::SharedGrip;

/// Time after which a window that is shown and still black asks for its first frame again: some
/// frames of any screen.
const FIRST_FRAME: Duration = Duration::from_millis(100);

/// Version of the XEMBED protocol that is spoken, and the flag of a window that wants to be seen.
const XEMBED_INFO: [u32; 2] = [0, 1];

/// Whatever X11 answers instead of what was asked for.
pub(super) type X11Error = ReplyOrIdError;

/// The windows that a window is in, the innermost first, and the root that all are in.
struct Around {
    windows: Vec<Window>,
    root: Window,
}

/// What the thread knows.
pub(super) struct Place {
    connection: RustConnection,
    window: Window,
    /// The window in the host whose keys these are, too: the same, or the one that it stands
    /// beside.
    in_host: Window,
    keyboard: Keyboard,
    grip: Arc<SharedGrip>,
    painted: Arc<AtomicBool>,
    is_mapped: bool,
    /// Who had the keyboard before the window.
    before: Window,
    /// Whether the window has it, or had it until nobody had.
    has_keyboard: bool,
}

impl Place {
    /// Tells the server what the window is, and what to tell of it.
    pub(super) fn new(
        window: Window,
        in_host: Window,
        grip: Arc<SharedGrip>,
        painted: Arc<AtomicBool>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let (connection, _) = RustConnection::connect(None)?;
        let info = connection.intern_atom(false, b"_XEMBED_INFO")?.reply()?.atom;
        connection.change_property32(PropMode::REPLACE, window, info, info, &XEMBED_INFO)?;
        let events = EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::FOCUS_CHANGE
            | EventMask::ENTER_WINDOW
            | EventMask::STRUCTURE_NOTIFY;
        let attributes = ChangeWindowAttributesAux::new().event_mask(events);
        connection.change_window_attributes(window, &attributes)?.check()?;
        let before = connection.get_input_focus()?.reply()?.focus;
        let keyboard = Keyboard::read(&connection)?;
        let (is_mapped, has_keyboard) = (false, false);
        Ok(Self {
            connection,
            window,
            in_host,
            keyboard,
            grip,
            painted,
            is_mapped,
            before,
            has_keyboard,
        })
    }

    /// Looks after the window until it is gone, or `stopped` says that it is to go.
    pub(super) fn run(mut self, stopped: &UnixStream) -> Result<(), X11Error> {
        loop {
            while let Some(event) = self.connection.poll_for_event()? {
                if matches!(event, Event::DestroyNotify(gone) if gone.window == self.window) {
                    return Ok(());
                }
                match self.see(&event) {
                    // A window that somebody has closed meanwhile.
                    Ok(()) | Err(X11Error::X11Error(_)) => {}
                    Err(gone) => return Err(gone),
                }
            }
            let is_black = self.is_mapped && !self.painted.load(Ordering::Relaxed);
            let patience = is_black.then_some(FIRST_FRAME);
            let Some(is_stopped) = wait(&self.connection, stopped, patience) else {
                if is_black {
                    self.ask_for_first_frame()?;
                }
                continue;
            };
            if is_stopped {
                // To close is what matters.
                let _ = self.give_keyboard_back();
                return self.ask_to_close();
            }
        }
    }

    fn see(&mut self, event: &Event) -> Result<(), X11Error> {
        match event {
            Event::KeyPress(key) | Event::KeyRelease(key) => self.pass_on(key)?,
            // The pointer, or the keyboard of whoever is under it, comes before the click that
            // takes the keyboard.
            Event::EnterNotify(_) | Event::FocusIn(_) | Event::FocusOut(_) => self.see_focus()?,
            Event::MapNotify(_) => {
                self.is_mapped = true;
                self.take_keyboard()?;
            }
            Event::UnmapNotify(_) => {
                self.is_mapped = false;
                self.give_keyboard_back()?;
            }
            Event::MappingNotify(_) => self.keyboard = Keyboard::read(&self.connection)?,
            _ => {}
        }
        Ok(())
    }

    /// The window that has the keyboard.
    fn focus(&self) -> Result<Window, X11Error> {
        Ok(self.connection.get_input_focus()?.reply()?.focus)
    }

    /// Whether X11 means no window in particular by this: none, or wherever the pointer is.
    fn is_nobody(&self, focus: Window) -> bool {
        focus == NONE || focus == u32::from(u8::from(InputFocus::POINTER_ROOT))
    }

    /// Remembers who has the keyboard, unless it is nobody: then the window has been hidden with
    /// it.
    fn see_focus(&mut self) -> Result<(), X11Error> {
        let focus = self.focus()?;
        if focus == self.window {
            self.has_keyboard = true;
        } else if !self.is_nobody(focus) {
            (self.before, self.has_keyboard) = (focus, false);
        }
        Ok(())
    }

    /// Whoever opens a window beside the one in the host is going to press keys there; a window in
    /// the host waits for a click.
    fn take_keyboard(&self) -> Result<(), X11Error> {
        if self.window != self.in_host {
            let parent = InputFocus::PARENT;
            self.connection.set_input_focus(parent, self.window, CURRENT_TIME)?.check()?;
        }
        Ok(())
    }

    fn give_keyboard_back(&mut self) -> Result<(), X11Error> {
        let focus = self.focus()?;
        let has_it = focus == self.window || (self.has_keyboard && self.is_nobody(focus));
        self.has_keyboard = false;
        if !has_it {
            return Ok(());
        }
        let around = self.around()?;
        // A window that is gone or hidden meanwhile refuses it.
        for owner in [Some(self.before), self.hosts_own(&around)?].into_iter().flatten() {
            let is_window = !self.is_nobody(owner) && owner != around.root;
            let parent = InputFocus::PARENT;
            let give = || self.connection.set_input_focus(parent, owner, CURRENT_TIME);
            if is_window && give()?.check().is_ok() {
                return Ok(());
            }
        }
        let pointer = InputFocus::POINTER_ROOT;
        self.connection.set_input_focus(pointer, u32::from(u8::from(pointer)), CURRENT_TIME)?;
        Ok(())
    }

    /// The host's own window, as its window manager knows it: the outermost of those that it marks,
    /// or of all.
    fn hosts_own(&self, around: &Around) -> Result<Option<Window>, X11Error> {
        let mark = self.connection.intern_atom(false, b"WM_STATE")?.reply()?.atom;
        for &window in around.windows.iter().rev() {
            let property =
                self.connection.get_property(false, window, mark, AtomEnum::ANY, 0, 0)?;
            if property.reply()?.type_ != NONE {
                return Ok(Some(window));
            }
        }
        Ok(around.windows.last().copied())
    }

    /// The windows that the one in the host is in.
    fn around(&self) -> Result<Around, X11Error> {
        let mut windows = Vec::new();
        let mut window = self.in_host;
        loop {
            let tree = self.connection.query_tree(window)?.reply()?;
            if tree.parent == tree.root || tree.parent == NONE {
                return Ok(Around { windows, root: tree.root });
            }
            windows.push(tree.parent);
            window = tree.parent;
        }
    }

    /// Gives a key that the window has no use for to the nearest window around it that listens to
    /// keys.
    fn pass_on(&self, key: &KeyPressEvent) -> Result<(), X11Error> {
        /// Marks what a program has sent: a host that hands us its keys would get them back for
        /// ever.
        const SENT: u8 = 0x80;
        let (pressed, modifiers) = self.keyboard.meaning(key);
        if key.response_type & SENT != 0 || self.grip.get().uses(pressed, modifiers) {
            return Ok(());
        }
        let mask = if key.response_type == KEY_PRESS_EVENT {
            EventMask::KEY_PRESS
        } else {
            EventMask::KEY_RELEASE
        };
        let Some((listener, child)) = self.listener(mask)? else { return Ok(()) };
        let (x, y) = (key.event_x, key.event_y);
        let at = self.connection.translate_coordinates(self.window, listener, x, y)?.reply()?;
        let event =
            KeyPressEvent { event: listener, child, event_x: at.dst_x, event_y: at.dst_y, ..*key };
        self.connection.send_event(false, listener, mask, event)?;
        self.connection.flush()?;
        Ok(())
    }

    /// The nearest window around ours where anybody has selected `mask`, and the window in it
    /// towards ours.
    fn listener(&self, mask: EventMask) -> Result<Option<(Window, Window)>, X11Error> {
        let mut child = self.in_host;
        for window in self.around()?.windows {
            let attributes = self.connection.get_window_attributes(window)?.reply()?;
            if attributes.all_event_masks.contains(mask) {
                return Ok(Some((window, child)));
            }
            child = window;
        }
        Ok(None)
    }

    /// Makes the server tell all who listen at the window of its next frame, by the number of
    /// baseview's first question. Where baseview has had its answer it takes no notice.
    fn ask_for_first_frame(&self) -> Result<(), X11Error> {
        const FIRST_QUESTION: u32 = 0;
        // A server without the extension has another clock.
        let _ = self.connection.present_notify_msc(self.window, FIRST_QUESTION, 0, 1, 0);
        self.connection.flush()?;
        Ok(())
    }

    /// What a window manager says when its user closes a window.
    fn ask_to_close(&self) -> Result<(), X11Error> {
        let protocols = self.connection.intern_atom(false, b"WM_PROTOCOLS")?.reply()?.atom;
        let close = self.connection.intern_atom(false, b"WM_DELETE_WINDOW")?.reply()?.atom;
        let message =
            ClientMessageEvent::new(32, self.window, protocols, [close, CURRENT_TIME, 0, 0, 0]);
        self.connection.send_event(false, self.window, EventMask::NO_EVENT, message)?.check()?;
        Ok(())
    }
}
