//! A display of our own, and pictures of the windows on it: Xvfb, so that tests of the window need no screen.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use image::{Rgb, RgbImage};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    ConfigureWindowAux, ConnectionExt, CreateWindowAux, ImageFormat, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

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
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", &screen])
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

    /// The windows inside `window`.
    pub fn children(&self, window: Window) -> Result<Vec<Window>> {
        Ok(self.connection.query_tree(window)?.reply()?.children)
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
