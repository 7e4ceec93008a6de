//! What the keys of X11 mean, as far as the window uses them.

use egui::{Key, Modifiers};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, KeyButMask, KeyPressEvent, Keycode, Keysym};
use x11rb::rust_connection::{ReplyOrIdError, RustConnection};

/// The symbols on all keys.
pub struct Keyboard {
    first: Keycode,
    per_key: usize,
    symbols: Vec<Keysym>,
}

impl Keyboard {
    /// The keyboard as the server knows it now.
    pub fn read(connection: &RustConnection) -> Result<Self, ReplyOrIdError> {
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let count = last.saturating_sub(first).saturating_add(1);
        let mapping = connection.get_keyboard_mapping(first, count)?.reply()?;
        let per_key = usize::from(mapping.keysyms_per_keycode);
        Ok(Self { first, per_key, symbols: mapping.keysyms })
    }

    /// What is pressed or let go, `None` for what the window never uses, and the modifiers that are
    /// held.
    #[must_use]
    pub fn meaning(&self, event: &KeyPressEvent) -> (Option<Key>, Modifiers) {
        let held = |mask: KeyButMask| u16::from(event.state) & u16::from(mask) != 0;
        let (shift, lock) = (held(KeyButMask::SHIFT), held(KeyButMask::LOCK));
        let ctrl = held(KeyButMask::CONTROL);
        // Alt is the first on all common keyboards; the others count as Alt, since the window uses
        // none of them.
        let alt = held(KeyButMask::MOD1) || held(KeyButMask::MOD4);
        let modifiers = Modifiers { alt, ctrl, shift, mac_cmd: false, command: ctrl };
        let group = usize::from(u16::from(event.state) >> GROUP_BIT & GROUPS);
        let at = |level: usize| self.symbol(event.detail, group, level);
        let is_pad = at(1).is_some_and(|symbol| PAD.contains(&symbol));
        let level = if is_pad { held(KeyButMask::MOD2) != shift } else { shift };
        let symbol = at(usize::from(level));
        // A capital is not a shortcut, whichever key makes it one.
        let is_capital = lock && symbol.is_some_and(|symbol| LETTERS.contains(&symbol));
        (symbol.filter(|_| !is_capital).and_then(key_of), modifiers)
    }

    /// The symbol of a key in a group of the layout, plain or with Shift; of the first group where
    /// this one has none.
    fn symbol(&self, key: Keycode, group: usize, level: usize) -> Option<Keysym> {
        let row = usize::from(key.checked_sub(self.first)?) * self.per_key;
        let row = self.symbols.get(row..row + self.per_key)?;
        let of_group = |group: usize| row.get(2 * group + level).copied().filter(|&s| s != 0);
        of_group(group).or_else(|| of_group(0))
    }
}

/// Where the state of the keyboard has the group of its layout, and its bits.
const GROUP_BIT: u16 = 13;
const GROUPS: u16 = 3;

/// The small Latin letters: their codes are Unicode's.
const LETTERS: std::ops::RangeInclusive<Keysym> = 0x61..=0x7a;

/// The digits of the number pad, 0 to 9.
const PAD: std::ops::RangeInclusive<Keysym> = 0xffb0..=0xffb9;

/// The key that types a symbol, of those that the window may use.
fn key_of(symbol: Keysym) -> Option<Key> {
    let by_name = |symbol: Keysym| {
        let character = char::from_u32(symbol)?;
        Key::from_name(character.to_uppercase().collect::<String>().as_str())
    };
    Some(match symbol {
        0x20 => Key::Space,
        // Digits and small letters; a capital is not a shortcut.
        0x30..=0x39 | 0x61..=0x7a => by_name(symbol)?,
        0xff08 => Key::Backspace,
        // Shift makes another symbol of Tab.
        0xff09 | 0xfe20 => Key::Tab,
        // That of the number pad too.
        0xff0d | 0xff8d => Key::Enter,
        0xff1b => Key::Escape,
        0xff51 => Key::ArrowLeft,
        0xff52 => Key::ArrowUp,
        0xff53 => Key::ArrowRight,
        0xff54 => Key::ArrowDown,
        symbol if PAD.contains(&symbol) => by_name(0x30 + symbol - PAD.start())?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keyboard of four keys, the first with code 8: `h`, the pad's 1, Tab, and `h` of a layout
    /// whose second group is Cyrillic.
    fn keyboard() -> Keyboard {
        let symbols = vec![
            0x68, 0x48, 0, 0, //
            0xff9c, 0xffb1, 0, 0, //
            0xff09, 0xfe20, 0, 0, //
            0x68, 0x48, 0x6d2, 0x6f2,
        ];
        Keyboard { first: 8, per_key: 4, symbols }
    }

    fn pressed(detail: u8, state: u16) -> (Option<Key>, Modifiers) {
        let event = KeyPressEvent {
            response_type: 2,
            detail,
            sequence: 0,
            time: 0,
            root: 0,
            event: 0,
            child: 0,
            root_x: 0,
            root_y: 0,
            event_x: 0,
            event_y: 0,
            state: state.into(),
            same_screen: true,
        };
        keyboard().meaning(&event)
    }

    #[test]
    fn a_letter_is_a_key_unless_it_is_a_capital() {
        assert_eq!(pressed(8, 0), (Some(Key::H), Modifiers::NONE));
        assert_eq!(pressed(8, 1).0, None, "with Shift");
        assert_eq!(pressed(8, 2).0, None, "with Caps Lock");
        assert_eq!(pressed(8, 4).1, Modifiers { ctrl: true, command: true, ..Modifiers::NONE });
        assert_eq!(pressed(8, 8).1, Modifiers::ALT);
    }

    #[test]
    fn the_number_pad_types_digits_while_num_lock_is_on() {
        assert_eq!(pressed(9, 0).0, None);
        assert_eq!(pressed(9, 16).0, Some(Key::Num1));
        assert_eq!(pressed(9, 17).0, None, "and not with Shift");
    }

    #[test]
    fn shift_and_tab_is_tab() {
        assert_eq!(pressed(10, 1), (Some(Key::Tab), Modifiers::SHIFT));
    }

    #[test]
    fn a_layout_without_latin_letters_has_no_shortcuts() {
        assert_eq!(pressed(11, 0).0, Some(Key::H));
        assert_eq!(pressed(11, 1 << 13).0, None);
    }

    #[test]
    fn a_key_that_the_server_does_not_know_means_nothing() {
        assert_eq!(pressed(3, 0).0, None);
        assert_eq!(pressed(200, 0).0, None);
    }
}
