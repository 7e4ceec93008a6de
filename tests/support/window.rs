//! The plugin's window inside one of ours, as a host holds it: opened, pressed, resized, looked at.

// Each test binary and example uses its own part of this.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};
use egui::accesskit::{Node, Role};
use egui::{Context, Event, Modifiers, PointerButton, Pos2, RawInput, Rect, Vec2, vec2};
use image::RgbImage;
use moodring::editor::ui_state::UiState;
use moodring::editor::view::ViewState;
use moodring::editor::window_ui;
use moodring::prefs::Prefs;

use crate::display::{Display, Painted};
use crate::host::Host;

/// The plugin's window inside one of ours.
pub struct Editor<'d> {
    display: &'d Display,
    gui: PluginGui,
    parent: u32,
}

impl<'d> Editor<'d> {
    pub fn open(host: &mut Host, display: &'d Display) -> Result<Self> {
        Self::open_at_scale(host, display, 1.0)
    }

    /// At `scale` pixels a point.
    pub fn open_at_scale(host: &mut Host, display: &'d Display, scale: f64) -> Result<Self> {
        let mut editor = Self::create(host, display)?;
        if scale != 1.0 {
            editor.set_scale(host, scale)?;
        }
        editor.fit(host)?;
        editor.set_parent(host)?;
        editor.show(host)?;
        Ok(editor)
    }

    /// Only made, with an empty window of ours for it: the steps of opening it are left to the
    /// caller.
    pub fn create(host: &mut Host, display: &'d Display) -> Result<Self> {
        let plugin = host.plugin();
        let gui: PluginGui = plugin.get_extension().context("no window")?;
        let configuration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
        ensure!(gui.is_api_supported(&plugin, configuration), "no X11 window");
        gui.create(&plugin, configuration)?;
        let parent = display.window(100, 100)?;
        Ok(Self { display, gui, parent })
    }

    /// Asks for `scale` pixels a point.
    pub fn set_scale(&self, host: &mut Host, scale: f64) -> Result<()> {
        Ok(self.gui.set_scale(&host.plugin(), scale)?)
    }

    /// Gives our window the size that the plugin wants.
    pub fn fit(&self, host: &mut Host) -> Result<()> {
        let (width, height) = self.size(host)?;
        self.display.resize(self.parent, width, height)
    }

    /// Puts the plugin's window into ours.
    pub fn set_parent(&mut self, host: &mut Host) -> Result<()> {
        // SAFETY: our window outlives the plugin's: `close` destroys that one first.
        #[allow(unsafe_code)]
        unsafe {
            self.gui.set_parent(&host.plugin(), Window::from_x11_handle(self.parent.into()))?;
        }
        Ok(())
    }

    pub fn show(&self, host: &mut Host) -> Result<()> {
        Ok(self.gui.show(&host.plugin())?)
    }

    pub fn hide(&self, host: &mut Host) -> Result<()> {
        Ok(self.gui.hide(&host.plugin())?)
    }

    /// The nearest size to this that the plugin can have.
    pub fn adjusted(&self, host: &mut Host, width: u32, height: u32) -> Result<(u32, u32)> {
        let size = self.gui.adjust_size(&host.plugin(), GuiSize { width, height });
        let size = size.context("no size")?;
        Ok((size.width, size.height))
    }

    /// Closes it as a host does, and lets its thread say goodbye to the server and to GL; a host
    /// lives on for longer than that.
    pub fn close(self, host: &mut Host) -> Result<()> {
        self.gui.destroy(&host.plugin());
        let patience = Instant::now() + Duration::from_secs(5);
        while !self.display.children(self.parent)?.is_empty() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.display.close(self.parent)
    }

    /// Closes it and waits for nothing; our window stays.
    pub fn destroy_only(&self, host: &mut Host) {
        self.gui.destroy(&host.plugin());
    }

    /// The size that the plugin wants, pixels.
    pub fn size(&self, host: &mut Host) -> Result<(u32, u32)> {
        let size = self.gui.get_size(&host.plugin()).context("no size")?;
        Ok((size.width, size.height))
    }

    pub fn resize(&self, host: &mut Host, width: u32, height: u32) -> Result<()> {
        self.display.resize(self.parent, width, height)?;
        self.tell_size(host, width, height)
    }

    /// Tells the plugin of a size that our window does not have.
    pub fn tell_size(&self, host: &mut Host, width: u32, height: u32) -> Result<()> {
        Ok(self.gui.set_size(&host.plugin(), GuiSize { width, height })?)
    }

    /// What the plugin shows now.
    pub fn picture(&self) -> Result<RgbImage> {
        self.display.picture(self.window()?)
    }

    /// Counts what the plugin paints from now on.
    pub fn painted(&self) -> Result<Painted> {
        self.display.painted(self.window()?)
    }

    pub fn click(&self, at: Pos2) -> Result<()> {
        self.display.click(self.window()?, (at.x as u32, at.y as u32))
    }

    /// Puts the pointer, and with it the keyboard, where nothing can be pressed.
    pub fn point_at_ground(&self) -> Result<()> {
        self.display.point(self.window()?, (3, 3))
    }

    /// Our window, which the plugin's is in.
    pub fn parent(&self) -> u32 {
        self.parent
    }

    /// The plugin's window.
    pub fn window(&self) -> Result<u32> {
        let children = self.display.children(self.parent)?;
        children.first().copied().context("no window inside ours")
    }
}

/// Lets the plugin's window live for a while.
pub fn wait(host: &mut Host, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        host.idle();
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The same window painted by nobody, which tells where everything is: a window on a server shows
/// only pixels.
pub struct Shadow {
    context: Context,
    ui_state: UiState,
    view: ViewState,
    size: Vec2,
    nodes: Vec<Node>,
}

impl Shadow {
    pub fn new(size: (f32, f32), prefs: Prefs, view: ViewState) -> Self {
        let context = Context::default();
        context.enable_accesskit();
        let (ui_state, size) = (UiState::new(prefs), vec2(size.0, size.1));
        let mut shadow = Self { context, ui_state, view, size, nodes: Vec::new() };
        shadow.pass(Vec::new());
        shadow
    }

    /// Some frames, the first with `events`; menus find their place in the second.
    fn pass(&mut self, events: Vec<Event>) {
        let quiet = || Vec::new();
        for events in [events, quiet(), quiet()] {
            let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, self.size));
            let input = RawInput { screen_rect, events, ..RawInput::default() };
            let mut output =
                self.context.run_ui(input, |ui| window_ui(ui, &self.view, &mut self.ui_state));
            output.textures_delta.clear();
            let tree = output.platform_output.accesskit_update;
            self.nodes = tree.into_iter().flat_map(|tree| tree.nodes).map(|node| node.1).collect();
        }
    }

    fn bounds(&self, is_meant: impl Fn(&Node) -> bool) -> Vec<Rect> {
        let bounds = self.nodes.iter().filter(|node| is_meant(node)).filter_map(Node::bounds);
        let rect = |b: egui::accesskit::Rect| {
            let [x0, y0, x1, y1] = [b.x0, b.y0, b.x1, b.y1].map(|length| length as f32);
            Rect::from_min_max(Pos2::new(x0, y0), Pos2::new(x1, y1))
        };
        bounds.map(rect).collect()
    }

    /// Where everything with `role` is, points.
    pub fn with_role(&self, role: Role) -> Vec<Rect> {
        self.bounds(|node| node.role() == role)
    }

    /// The middle of what is called `name`, points.
    pub fn place(&self, name: &str) -> Result<Pos2> {
        let found = self.bounds(|node| node.label() == Some(name));
        Ok(found.first().with_context(|| format!("nothing is called {name}"))?.center())
    }

    /// Clicks what is called `name`, here and in the true window, so that both go on alike.
    pub fn click(&mut self, editor: &Editor, name: &str) -> Result<()> {
        let pos = self.place(name)?;
        editor.click(pos)?;
        let press = |pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        self.pass(vec![Event::PointerMoved(pos), press(true), press(false)]);
        Ok(())
    }
}
