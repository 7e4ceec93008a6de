//! What the user does in the window: settings of the window itself, and commands to whoever runs it.

use std::path::PathBuf;

use egui::Ui;

use super::keys::{SHORTCUTS, Shortcut};
use super::picker::Picker;
use crate::export::Format;
use crate::params::Response;
use crate::prefs::{Page, Prefs};

/// What the window asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Keep the reading on show, or no longer.
    SetHold(bool),
    /// Begin anew when the transport starts or jumps, or not.
    SetAutoReset(bool),
    /// Let needles follow like this.
    SetResponse(Response),
    /// Take music under this mean power for silence, dB re full scale.
    SetGate(f32),
    /// Forget the last ten seconds and the peaks.
    Reset,
    /// Read by the model in this file, or by the shipped one.
    UseModel(Option<PathBuf>),
    /// Write every reading from here on to this file, or to none.
    WriteReadings(Option<PathBuf>),
    /// Keep the last minute: 0 as A, 1 as B.
    Keep(usize),
    /// Forget the history.
    ClearHistory,
    /// Write the history to this file.
    Export(Format, PathBuf),
    /// Write no further.
    CancelExport,
    /// Put the reading on the clipboard.
    Copy,
}

/// The window's own state between frames, and what was asked for in this one.
#[derive(Default)]
pub struct Desk {
    /// What is kept with the project.
    pub prefs: Prefs,
    /// The file dialog, while one is open.
    pub picker: Option<Picker>,
    /// Right end of the history shown, seconds; `None` follows the newest.
    pub end_secs: Option<f64>,
    /// What was asked for, in that order.
    pub commands: Vec<Command>,
}

impl Desk {
    /// A window that looks as `prefs` say.
    #[must_use]
    pub fn new(prefs: Prefs) -> Self {
        Self { prefs, ..Self::default() }
    }

    /// Asks for something.
    pub fn ask(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// Asks where the history is to be written.
    pub fn pick_export(&mut self, format: Format) {
        self.picker = Some(Picker::for_export(format));
    }

    /// Obeys the keyboard, unless somebody types into a field.
    pub fn obey_keys(&mut self, ui: &Ui, holds: bool) {
        if self.picker.is_some() || ui.ctx().text_edit_focused() {
            return;
        }
        let pressed = |key| ui.input(|input| input.key_pressed(key) && input.modifiers.is_none());
        for ((key, _), shortcut) in SHORTCUTS {
            if pressed(key) {
                self.obey(shortcut, holds);
            }
        }
    }

    fn obey(&mut self, shortcut: Shortcut, holds: bool) {
        match shortcut {
            Shortcut::Page(page) => (self.prefs.page, self.prefs.on_stage) = (page, false),
            Shortcut::Stage => self.prefs.on_stage = !self.prefs.on_stage,
            Shortcut::Back => {
                if !std::mem::take(&mut self.prefs.on_stage) {
                    self.prefs.page = Page::Now;
                }
            }
            Shortcut::Hold => self.ask(Command::SetHold(!holds)),
            Shortcut::Reset => self.ask(Command::Reset),
            Shortcut::Copy => self.ask(Command::Copy),
        }
    }
}
