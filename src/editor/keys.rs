//! Which keys the window uses, and which belong to the host: its space bar above all.
//!
//! One table serves all who must agree on it: the [`UiState`](super::ui_state::UiState) that obeys
//! the keys, the framework that keeps them from the host on macOS and Windows, and the code that
//! hands all others to the host on X11. So no key acts twice, and none is lost.

use std::sync::atomic::{AtomicU8, Ordering};

use egui::{Context, Id, Key, Modifiers};
use nice_plug_egui::KeyCapture;

use crate::prefs::Page;

/// What a key does that is pressed by itself, whatever page is in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// Puts this page in front.
    Page(Page),
    /// Opens or leaves the stage view.
    Stage,
    /// Gives the stage its other look; opens it where it is not open.
    StageLook,
    /// Opens or closes the stage in a window of its own.
    Screen,
    /// Leaves the stage view, else goes to the first page.
    Back,
    /// Holds the reading on show, or no longer.
    Hold,
    /// Forgets the last ten seconds.
    Reset,
    /// Copies the reading as text.
    Copy,
}

/// A key with its name in the W3C's list, by which the framework knows it.
type Named = (Key, &'static str);

/// All shortcuts.
pub const SHORTCUTS: [(Named, Shortcut); 13] = [
    ((Key::Num1, "1"), Shortcut::Page(Page::Now)),
    ((Key::Num2, "2"), Shortcut::Page(Page::Then)),
    ((Key::Num3, "3"), Shortcut::Page(Page::Why)),
    ((Key::Num4, "4"), Shortcut::Page(Page::Setup)),
    ((Key::Num5, "5"), Shortcut::Page(Page::About)),
    ((Key::Num6, "6"), Shortcut::Page(Page::Outputs)),
    ((Key::F, "f"), Shortcut::Stage),
    ((Key::V, "v"), Shortcut::StageLook),
    ((Key::W, "w"), Shortcut::Screen),
    ((Key::Escape, "Escape"), Shortcut::Back),
    ((Key::H, "h"), Shortcut::Hold),
    ((Key::R, "r"), Shortcut::Reset),
    ((Key::C, "c"), Shortcut::Copy),
];

/// Goes from control to control; with Shift the other way.
const TAB: Named = (Key::Tab, "Tab");

/// Leaves the file dialog.
const ESCAPE: Named = (Key::Escape, "Escape");

/// What a control takes that Tab has gone to.
const OF_CONTROLS: [Named; 6] = [
    (Key::Space, " "),
    (Key::Enter, "Enter"),
    (Key::ArrowLeft, "ArrowLeft"),
    (Key::ArrowRight, "ArrowRight"),
    (Key::ArrowUp, "ArrowUp"),
    (Key::ArrowDown, "ArrowDown"),
];

/// Who in the window has the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grip {
    /// A text field: whatever is pressed is typed.
    pub text: bool,
    /// A control that Tab has gone to.
    pub control: bool,
    /// The file dialog is open, which has no shortcuts but Escape.
    pub dialog: bool,
}

impl Grip {
    /// Whether the window uses `key` when it is pressed together with `modifiers`; `None` is a key
    /// that egui has no name for.
    #[must_use]
    pub fn uses(self, key: Option<Key>, modifiers: Modifiers) -> bool {
        if self.text {
            return true;
        }
        key.is_some_and(|key| self.used(modifiers).any(|(used, _)| used == key))
    }

    /// The keys that are used together with `modifiers` while nothing is typed.
    fn used(self, modifiers: Modifiers) -> impl Iterator<Item = Named> {
        let plain = modifiers.is_none();
        let tab = (plain || modifiers.shift_only()).then_some(TAB);
        let dialog = (plain && self.dialog).then_some(ESCAPE);
        let shortcuts = SHORTCUTS.map(|(named, _)| named);
        let shortcuts = shortcuts.into_iter().filter(move |_| plain && !self.dialog);
        let controls = OF_CONTROLS.into_iter().filter(move |_| plain && self.control);
        tab.into_iter().chain(dialog).chain(shortcuts).chain(controls)
    }

    /// The same for the framework, which asks by the name that a key has with the modifiers that
    /// are held.
    #[must_use]
    pub fn capture(self, modifiers: Modifiers) -> KeyCapture {
        if self.text {
            return KeyCapture::CaptureAll;
        }
        let keys = self.used(modifiers).filter_map(|(_, name)| name.parse().ok());
        KeyCapture::CaptureKeys(keys.collect())
    }

    /// Who has the keyboard in `context`, within a frame.
    #[must_use]
    pub fn of(context: &Context, dialog: bool) -> Self {
        let control = context.memory(|memory| memory.focused().is_some());
        Self { text: context.text_edit_focused(), control, dialog }
    }

    fn bits(self) -> u8 {
        u8::from(self.text) | u8::from(self.control) << 1 | u8::from(self.dialog) << 2
    }

    fn of_bits(bits: u8) -> Self {
        let is_set = |bit: u8| bits >> bit & 1 == 1;
        Self { text: is_set(0), control: is_set(1), dialog: is_set(2) }
    }
}

/// The [`Grip`] of the newest frame, for those who are told of keys in other threads.
#[derive(Debug, Default)]
pub struct SharedGrip(AtomicU8);

impl SharedGrip {
    /// Who has the keyboard from now on.
    pub fn set(&self, grip: Grip) {
        self.0.store(grip.bits(), Ordering::Relaxed);
    }

    /// Who has it.
    #[must_use]
    pub fn get(&self) -> Grip {
        Grip::of_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Holds the keyboard between frames while no control does, on systems where the framework asks who
/// wants a key.
///
/// egui-baseview hands every key to the host while no widget of egui's has the focus,
/// [`KeyCapture`] or not, so a shortcut would act here and there. Between frames the focus is given
/// to an id that no widget has; within a frame it is free as ever.
#[derive(Debug, Default)]
pub struct Holder {
    /// egui takes the focus from an id that has had it for a frame and is not a widget's: there are
    /// two, in turn.
    turn: bool,
}

impl Holder {
    /// Gives the focus back, for Tab to find it free; to be called before all widgets.
    pub fn release(context: &Context) {
        context.memory_mut(|memory| {
            if let Some(id) = memory.focused().filter(|id| Self::ids().contains(id)) {
                memory.surrender_focus(id);
            }
        });
    }

    /// Takes the focus if no control has it; to be called after all widgets.
    pub fn hold(&mut self, context: &Context) {
        self.turn = !self.turn;
        context.memory_mut(|memory| {
            if memory.focused().is_none() {
                memory.request_focus(Self::ids()[usize::from(self.turn)]);
            }
        });
    }

    fn ids() -> [Id; 2] {
        ["the window", "the window, in turn"].map(Id::unique)
    }
}

#[cfg(test)]
mod tests {
    use egui::{Event, RawInput};

    use super::*;

    const NOBODY: Grip = Grip { text: false, control: false, dialog: false };

    fn press(key: Key) -> RawInput {
        let event = Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        RawInput { events: vec![event], ..RawInput::default() }
    }

    fn captured(capture: &KeyCapture) -> Vec<String> {
        let KeyCapture::CaptureKeys(keys) = capture else { panic!("{capture:?}") };
        keys.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_space_bar_belongs_to_the_host_until_a_control_or_a_text_has_the_keyboard() {
        let space = Some(Key::Space);
        assert!(!NOBODY.uses(space, Modifiers::NONE));
        assert!(Grip { control: true, ..NOBODY }.uses(space, Modifiers::NONE));
        assert!(Grip { text: true, ..NOBODY }.uses(space, Modifiers::NONE));
        assert!(!Grip { control: true, ..NOBODY }.uses(space, Modifiers::CTRL));
    }

    #[test]
    fn a_shortcut_is_one_only_without_modifiers_and_outside_of_text_and_dialog() {
        for ((key, _), _) in SHORTCUTS {
            assert!(NOBODY.uses(Some(key), Modifiers::NONE), "{key:?}");
            assert!(!NOBODY.uses(Some(key), Modifiers::CTRL), "{key:?}");
            let in_dialog = Grip { dialog: true, ..NOBODY }.uses(Some(key), Modifiers::NONE);
            assert_eq!(in_dialog, key == Key::Escape);
        }
        assert!(!NOBODY.uses(None, Modifiers::NONE));
        assert!(NOBODY.uses(Some(Key::Tab), Modifiers::SHIFT));
    }

    #[test]
    fn the_framework_is_told_of_the_same_keys() {
        let names = captured(&NOBODY.capture(Modifiers::NONE));
        assert_eq!(
            names,
            ["Tab", "1", "2", "3", "4", "5", "6", "f", "v", "w", "Escape", "h", "r", "c"]
        );
        assert_eq!(captured(&NOBODY.capture(Modifiers::SHIFT)), ["Tab"]);
        assert!(captured(&NOBODY.capture(Modifiers::CTRL)).is_empty());
        let all = Grip { text: true, ..NOBODY }.capture(Modifiers::CTRL);
        assert_eq!(all, KeyCapture::CaptureAll);
    }

    #[test]
    fn a_grip_is_told_to_other_threads_as_it_is() {
        let shared = SharedGrip::default();
        for bits in 0..8 {
            let grip = Grip::of_bits(bits);
            shared.set(grip);
            assert_eq!(shared.get(), grip);
        }
    }

    #[test]
    fn between_frames_the_window_has_the_keyboard_and_tab_still_goes_to_the_first_control() {
        let context = Context::default();
        let mut holder = Holder::default();
        let mut frame = |input: RawInput| {
            let mut focused = [false; 2];
            let mut output = context.run_ui(input, |ui| {
                Holder::release(ui.ctx());
                focused = ["one", "two"].map(|name| ui.button(name).has_focus());
                holder.hold(ui.ctx());
            });
            output.textures_delta.clear();
            (focused, context.egui_wants_keyboard_input())
        };
        for _ in 0..5 {
            assert_eq!(frame(RawInput::default()), ([false, false], true));
        }
        frame(press(Key::ArrowDown));
        assert_eq!(frame(RawInput::default()), ([false, false], true), "an arrow is not used");
        frame(press(Key::Tab));
        assert_eq!(frame(RawInput::default()), ([true, false], true));
        frame(press(Key::Tab));
        assert_eq!(frame(RawInput::default()), ([false, true], true));
        frame(press(Key::Escape));
        assert_eq!(frame(RawInput::default()), ([false, false], true));
    }
}
