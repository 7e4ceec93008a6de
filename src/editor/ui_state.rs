//! The window's own state between frames, which the user changes and the project keeps in part.

use egui::Ui;

use super::command::Command;
use super::keys::{SHORTCUTS, Shortcut};
use super::widgets::picker::Picker;
use crate::export::Format;
use crate::prefs::{Page, Prefs};

/// The window's own state between frames, and what was asked for in this one.
#[derive(Default)]
pub struct UiState {
    /// What is kept with the project.
    pub prefs: Prefs,
    /// The file dialog, while one is open.
    pub picker: Option<Picker>,
    /// Right end of the history shown, seconds; `None` follows the newest.
    pub end_secs: Option<f64>,
    /// Whether the next press of *Clear* forgets the history: the one before asks.
    pub asks_to_clear: bool,
    /// Until when the window says that it has copied, seconds of its clock.
    pub copied_until_secs: f64,
    /// Whether the words on the stage's colour field were last black.
    pub field_ink_is_black: bool,
    /// Whether this is the stage in a window of its own.
    pub is_screen: bool,
    /// Whether that window is to fill its screen.
    pub fills_screen: bool,
    /// What is being typed for OSC, before it is taken: receivers, prefix.
    pub osc_texts: [Option<String>; 2],
    /// What was asked for, in that order.
    pub commands: Vec<Command>,
}

impl UiState {
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
            // It has no pages.
            Shortcut::Page(_) if self.is_screen => {}
            Shortcut::Stage if self.is_screen => self.fills_screen = !self.fills_screen,
            Shortcut::Page(page) => (self.prefs.page, self.prefs.on_stage) = (page, false),
            Shortcut::Stage => self.prefs.on_stage = !self.prefs.on_stage,
            Shortcut::StageLook => {
                if std::mem::replace(&mut self.prefs.on_stage, true) {
                    self.prefs.stage_look = self.prefs.stage_look.other();
                }
            }
            Shortcut::Screen => self.ask(Command::Screen),
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
