//! A display of our own, and pictures of the windows on it: Xvfb, so that tests of the window need
//! no screen.

// Each test binary and example uses its own part of this.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, IoSlice};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use image::{Rgb, RgbImage};
use x11rb::CURRENT_TIME;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt, CreateWindowAux,
    EventMask, ImageFormat, InputFocus, MapState, PropMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// A running X server that ends with its owner.
pub struct Display {
    server: Child,
    name: String,
    connection: RustConnection,
    root: Window,
}

impl Display {
    /// Starts a server with a screen of `width` × `height` pixels on a number that nobody uses.
    pub fn start(width: u16, height: u16) -> Result<Self> {
        let screen = format!("{width}x{height}x24");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-terminate", "-nolisten", "tcp", "-screen", "0", &screen])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb cannot be started: install the package xvfb")?;
        let name = display_name(&mut server);
        let connected = name.and_then(|name| {
            let (connection, screen) = RustConnection::connect(Some(&name))?;
            let root = connection.setup().roots[screen].root;
            Ok((name, connection, root))
        });
        match connected {
            Ok((name, connection, root)) => Ok(Self { server, name, connection, root }),
            Err(error) => {
                let _ = server.kill();
                let _ = server.wait();
                Err(error)
            }
        }
    }

    /// What `DISPLAY` has to say.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A new, visible, empty window.
    pub fn window(&self, width: u32, height: u32) -> Result<Window> {
        let window = self.connection.generate_id()?;
        let (width, height) = (u16::try_from(width)?, u16::try_from(height)?);
        let look = CreateWindowAux::new().background_pixel(0);
        let class = WindowClass::INPUT_OUTPUT;
        self.connection
            .create_window(0, window, self.root, 0, 0, width, height, 0, class, 0, &look)?
            .check()?;
        self.connection.map_window(window)?.check()?;
        Ok(window)
    }

    /// Changes the size of a window.
    pub fn resize(&self, window: Window, width: u32, height: u32) -> Result<()> {
        let size = ConfigureWindowAux::new().width(width).height(height);
        Ok(self.connection.configure_window(window, &size)?.check()?)
    }

    /// Closes a window of ours.
    pub fn close(&self, window: Window) -> Result<()> {
        Ok(self.connection.destroy_window(window)?.check()?)
    }

    /// Gives the keyboard to `window`.
    pub fn focus(&self, window: Window) -> Result<()> {
        let focus = self.connection.set_input_focus(InputFocus::PARENT, window, CURRENT_TIME)?;
        Ok(focus.check()?)
    }

    /// The window that has the keyboard.
    pub fn focused(&self) -> Result<Window> {
        Ok(self.connection.get_input_focus()?.reply()?.focus)
    }

    /// The numbers that `window` has as its property `name`; none where it has no such property.
    pub fn property(&self, window: Window, name: &str) -> Result<Vec<u32>> {
        const MOST: u32 = 16;
        let name = self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom;
        let any = AtomEnum::ANY;
        let property = self.connection.get_property(false, window, name, any, 0, MOST)?.reply()?;
        Ok(property.value32().into_iter().flatten().collect())
    }

    /// What the user's desktop has set for all programs, a line each; nothing where `text` is
    /// empty.
    pub fn set_resources(&self, text: &str) -> Result<()> {
        let (name, kind) = (AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING);
        Ok(self
            .connection
            .change_property8(PropMode::REPLACE, self.root, name, kind, text.as_bytes())?
            .check()?)
    }

    /// Tells what keys `window` gets from now on, as a host does that obeys keys.
    pub fn listen(&self, window: Window) -> Result<Keys> {
        let (connection, _) = RustConnection::connect(Some(&self.name))?;
        let events = EventMask::KEY_PRESS | EventMask::KEY_RELEASE;
        let events = ChangeWindowAttributesAux::new().event_mask(events);
        connection.change_window_attributes(window, &events)?.check()?;
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let mapping = connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let per_key = usize::from(mapping.keysyms_per_keycode);
        let plain = mapping.keysyms.chunks(per_key).map(|row| row[0]).collect();
        Ok(Keys { connection, first, plain })
    }

    /// The windows inside `window`.
    pub fn children(&self, window: Window) -> Result<Vec<Window>> {
        Ok(self.connection.query_tree(window)?.reply()?.children)
    }

    /// Clicks at `at` in `window`, pixels from its corner.
    pub fn click(&self, window: Window, at: (u32, u32)) -> Result<()> {
        self.point(window, at)?;
        self.xdotool(&["click", "1"])
    }

    /// Moves the pointer to `at` in `window`.
    pub fn point(&self, window: Window, at: (u32, u32)) -> Result<()> {
        let [window, x, y] = [window, at.0, at.1].map(|number| number.to_string());
        self.xdotool(&["mousemove", "--window", &window, &x, &y])
    }

    /// Presses a key, by its X name, in the window that has the keyboard.
    pub fn press(&self, key: &str) -> Result<()> {
        self.xdotool(&["key", key])
    }

    /// Moves the pointer out of every window's way.
    pub fn point_away(&self) -> Result<()> {
        self.xdotool(&["mousemove", "10000", "10000"])
    }

    fn xdotool(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new("xdotool");
        let status = command.args(words).env("DISPLAY", &self.name).status();
        ensure!(
            status.context("no xdotool: install the package xdotool")?.success(),
            "xdotool failed"
        );
        Ok(())
    }

    /// Counts what is painted in `window` from now on.
    pub fn painted(&self, window: Window) -> Result<Painted> {
        Painted::start(&self.name, window)
    }

    /// The windows of that size which are in no other.
    pub fn top_windows(&self, size: (u16, u16)) -> Result<Vec<Window>> {
        let mut windows = self.children(self.root)?;
        windows.retain(|window| {
            let geometry = self.connection.get_geometry(*window).ok().and_then(|g| g.reply().ok());
            geometry.is_some_and(|of_it| (of_it.width, of_it.height) == size)
        });
        Ok(windows)
    }

    /// The window called `title`, wherever it is.
    pub fn window_called(&self, title: &str) -> Result<Option<Window>> {
        let mut windows = self.children(self.root)?;
        while let Some(window) = windows.pop() {
            let (name, any) = (AtomEnum::WM_NAME, AtomEnum::ANY);
            let called = self.connection.get_property(false, window, name, any, 0, 64)?.reply();
            // Any may be gone meanwhile.
            if called.is_ok_and(|called| called.value == title.as_bytes()) {
                return Ok(Some(window));
            }
            windows.extend(self.children(window).unwrap_or_default());
        }
        Ok(None)
    }

    /// Where `window` is on the screen, and how large.
    pub fn place(&self, window: Window) -> Result<((i16, i16), (u16, u16))> {
        let size = self.connection.get_geometry(window)?.reply()?;
        let at = self.connection.translate_coordinates(window, self.root, 0, 0)?.reply()?;
        Ok(((at.dst_x, at.dst_y), (size.width, size.height)))
    }

    /// The server's number of a name.
    pub fn atom(&self, name: &str) -> Result<u32> {
        Ok(self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    /// Whether `window` is on the screen, unless others cover it.
    pub fn is_seen(&self, window: Window) -> Result<bool> {
        let state = self.connection.get_window_attributes(window)?.reply()?.map_state;
        Ok(state == MapState::VIEWABLE)
    }

    /// What `window` shows now.
    pub fn picture(&self, window: Window) -> Result<RgbImage> {
        let size = self.connection.get_geometry(window)?.reply()?;
        let (width, height) = (size.width, size.height);
        let planes = u32::MAX;
        let image = self
            .connection
            .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, planes)?
            .reply()?;
        let n_pixels = usize::from(width) * usize::from(height);
        ensure!(image.data.len() == 4 * n_pixels, "not 32 bits a pixel");
        // The server's own byte order: blue, green, red, nothing.
        let pixel = |x: u32, y: u32| {
            let at = 4 * (y as usize * usize::from(width) + x as usize);
            Rgb([image.data[at + 2], image.data[at + 1], image.data[at]])
        };
        Ok(RgbImage::from_fn(width.into(), height.into(), pixel))
    }
}

/// Counts the pixels that somebody paints in a window, by the server's DAMAGE extension.
///
/// Its two requests are written out: x11rb's feature for it would have tests and bundle build
/// different libraries.
pub struct Painted {
    connection: RustConnection,
    /// Code of the extension's only event.
    notify: u8,
    /// Of the window.
    n_pixels: u64,
    painted: u64,
}

impl Painted {
    fn start(display: &str, window: Window) -> Result<Self> {
        const QUERY_VERSION: u8 = 0;
        const CREATE: u8 = 1;
        /// One event for each thing painted.
        const RAW_RECTANGLES: u32 = 0;
        let (connection, _) = RustConnection::connect(Some(display))?;
        let size = connection.get_geometry(window)?.reply()?;
        let extension =
            connection.extension_information("DAMAGE")?.context("no DAMAGE extension")?;
        let id = connection.generate_id()?;
        let request = |minor: u8, words: &[u32]| -> Result<()> {
            let length = u16::try_from(1 + words.len())?.to_ne_bytes();
            let head = [extension.major_opcode, minor, length[0], length[1]];
            let body = words.iter().flat_map(|word| word.to_ne_bytes());
            let bytes: Vec<u8> = head.into_iter().chain(body).collect();
            connection.send_request_without_reply(&[IoSlice::new(&bytes)], Vec::new())?;
            Ok(())
        };
        request(QUERY_VERSION, &[1, 1])?;
        request(CREATE, &[id, window, RAW_RECTANGLES])?;
        connection.flush()?;
        // An answer to this says that the server has got so far.
        connection.get_input_focus()?.reply()?;
        let n_pixels = u64::from(size.width) * u64::from(size.height);
        let notify = extension.first_event;
        let mut painted = Self { connection, notify, n_pixels, painted: 0 };
        // First of all the server tells that the whole window is there.
        painted.n_frames()?;
        painted.painted = 0;
        Ok(painted)
    }

    /// How often the whole window has been painted since the start.
    pub fn n_frames(&mut self) -> Result<f64> {
        while let Some(event) = self.connection.poll_for_event()? {
            let Event::Unknown(bytes) = event else { continue };
            // Level, serial number, drawable, damage, time, then the rectangle: x, y, width,
            // height.
            if bytes[0] & 0x7f == self.notify {
                let length = |at: usize| u64::from(u16::from_ne_bytes([bytes[at], bytes[at + 1]]));
                self.painted += length(20) * length(22);
            }
        }
        Ok(self.painted as f64 / self.n_pixels as f64)
    }
}

/// The keys that a window gets.
pub struct Keys {
    connection: RustConnection,
    first: u8,
    /// What each key is without Shift.
    plain: Vec<u32>,
}

impl Keys {
    /// The X symbols of the keys that were pressed and of those that were let go since the last
    /// call.
    pub fn take(&self) -> Result<(Vec<u32>, Vec<u32>)> {
        // An answer to this says that the server has got so far.
        self.connection.get_input_focus()?.reply()?;
        let (mut pressed, mut released) = (Vec::new(), Vec::new());
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::KeyPress(key) => pressed.push(self.symbol(key.detail)?),
                Event::KeyRelease(key) => released.push(self.symbol(key.detail)?),
                _ => {}
            }
        }
        Ok((pressed, released))
    }

    fn symbol(&self, key: u8) -> Result<u32> {
        let symbol = self.plain.get(usize::from(key - self.first));
        symbol.copied().context("no such key")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The server says its number once it is ready.
fn display_name(server: &mut Child) -> Result<String> {
    let output = server.stdout.take().context("no output from Xvfb")?;
    let mut number = String::new();
    BufReader::new(output).read_line(&mut number)?;
    ensure!(!number.trim().is_empty(), "Xvfb did not start");
    Ok(format!(":{}", number.trim()))
}
