//! Keys belong to the host, but for those that the window uses.

use std::time::{Duration, Instant};

use egui::accesskit::Role;
use moodring::prefs::Page;

use super::display::{Display, Keys};
use super::host::Host;
use super::window::{Editor, Shadow, wait};
use super::{A_FEW_FRAMES, PATIENCE, display, is_on_page, saved_prefs, shadow, until};

/// X symbols.
const SPACE: u32 = 0x20;
const LETTER_Q: u32 = 0x71;

/// Long enough for a key to go from the server to the window and on to the host, and for a frame on
/// a slow machine.
const A_MOMENT: Duration = Duration::from_millis(800);

/// A window in a host that obeys keys, after a click into it.
fn clicked<'d>(host: &mut Host, display: &'d Display) -> (Editor<'d>, Keys, Shadow) {
    let editor = Editor::open(host, display).unwrap();
    wait(host, A_FEW_FRAMES);
    let keys = display.listen(editor.parent()).unwrap();
    display.focus(editor.parent()).unwrap();
    let mut shadow = shadow(Page::Now);
    shadow.click(&editor, "Why").unwrap();
    until(host, "why", is_on_page("why"));
    // Keys that are used here are pages: parameters change in a plugin that plays.
    wait(host, A_MOMENT);
    (editor, keys, shadow)
}

/// Presses the key of that name and waits until the host has heard of the symbol: all that it heard
/// pressed and let go.
fn heard(
    host: &mut Host,
    display: &Display,
    keys: &Keys,
    name: &str,
    symbol: u32,
) -> [Vec<u32>; 2] {
    display.press(name).unwrap();
    let (mut pressed, mut released) = (Vec::new(), Vec::new());
    let end = Instant::now() + PATIENCE;
    while !(pressed.contains(&symbol) && released.contains(&symbol)) {
        assert!(Instant::now() < end, "{name}: {pressed:?}, {released:?}");
        wait(host, Duration::from_millis(50));
        let (more_pressed, more_released) = keys.take().unwrap();
        pressed.extend(more_pressed);
        released.extend(more_released);
    }
    [pressed, released]
}

#[test]
fn a_key_that_the_window_has_no_use_for_reaches_the_host_after_a_click() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let (editor, keys, _) = clicked(&mut host, &display);
    for (name, symbol) in [("space", SPACE), ("q", LETTER_Q), ("F5", 0xffc2), ("Left", 0xff51)] {
        let [pressed, _] = heard(&mut host, &display, &keys, name, symbol);
        assert_eq!(pressed, [symbol], "{name}");
    }
    // A shortcut of the window's that is another of the host's with Control.
    let (control, letter) = (0xffe3, u32::from(b'r'));
    let [pressed, _] = heard(&mut host, &display, &keys, "ctrl+r", letter);
    assert_eq!(pressed, [control, letter]);
    // The space bar has pressed nothing.
    assert!(is_on_page("why")(&mut host));
    display.press("ctrl+q").unwrap();
    wait(&mut host, A_MOMENT);
    assert!(editor.picture().is_ok(), "the host's key for its own end has closed the window");
    editor.close(&mut host).unwrap();
}

#[test]
fn a_key_reaches_the_host_while_the_pointer_is_over_the_window_and_nobody_has_clicked() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let keys = display.listen(editor.parent()).unwrap();
    display.focus(editor.parent()).unwrap();
    editor.point_at_ground().unwrap();
    wait(&mut host, A_MOMENT);
    assert_eq!(heard(&mut host, &display, &keys, "space", SPACE)[0], [SPACE]);
    editor.close(&mut host).unwrap();
}

#[test]
fn a_key_that_the_window_uses_acts_there_and_not_in_the_host() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let (editor, keys, _) = clicked(&mut host, &display);
    for (key, page) in [("2", "then"), ("3", "why"), ("5", "about"), ("Escape", "now")] {
        display.press(key).unwrap();
        until(&mut host, page, is_on_page(page));
    }
    for key in ["h", "r", "c"] {
        display.press(key).unwrap();
    }
    display.press("f").unwrap();
    until(&mut host, "stage", |host| saved_prefs(host)["on_stage"] == true);
    wait(&mut host, A_MOMENT);
    assert_eq!(keys.take().unwrap(), (vec![], vec![]));
    editor.close(&mut host).unwrap();
}

#[test]
fn a_control_that_tab_has_gone_to_takes_the_space_bar_and_escape_gives_it_back() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let (editor, keys, _) = clicked(&mut host, &display);
    display.press("Tab").unwrap();
    wait(&mut host, A_MOMENT);
    display.press("space").unwrap();
    wait(&mut host, A_MOMENT);
    assert_eq!(keys.take().unwrap(), (vec![], vec![]));
    display.press("Escape").unwrap();
    wait(&mut host, A_MOMENT);
    assert_eq!(heard(&mut host, &display, &keys, "space", SPACE)[0], [SPACE]);
    editor.close(&mut host).unwrap();
}

#[test]
fn what_is_typed_into_a_field_is_not_the_hosts() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let (editor, keys, mut shadow) = clicked(&mut host, &display);
    shadow.click(&editor, "Setup").unwrap();
    until(&mut host, "setup", is_on_page("setup"));
    wait(&mut host, A_MOMENT);
    shadow.click(&editor, "Choose a file …").unwrap();
    wait(&mut host, A_MOMENT);
    let fields = shadow.with_role(Role::TextInput);
    editor.click(fields[1].center()).unwrap();
    wait(&mut host, A_MOMENT);
    for key in ["space", "q", "1"] {
        display.press(key).unwrap();
    }
    wait(&mut host, A_MOMENT);
    super::picture(&editor, "11-typed");
    assert_eq!(keys.take().unwrap(), (vec![], vec![]));
    // No digit was a shortcut.
    assert!(is_on_page("setup")(&mut host));
    display.press("Escape").unwrap();
    display.press("Escape").unwrap();
    wait(&mut host, A_MOMENT);
    keys.take().unwrap();
    assert_eq!(heard(&mut host, &display, &keys, "space", SPACE)[0], [SPACE]);
    editor.close(&mut host).unwrap();
}

#[test]
fn the_keyboard_returns_to_the_host_when_the_window_closes_or_hides() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let (editor, keys, _) = clicked(&mut host, &display);
    assert_eq!(display.focused().unwrap(), editor.window().unwrap(), "the click took it");
    editor.hide(&mut host).unwrap();
    until(&mut host, "keyboard", |_| display.focused().unwrap() == editor.parent());
    assert_eq!(heard(&mut host, &display, &keys, "space", SPACE)[0], [SPACE]);
    editor.close(&mut host).unwrap();

    let (editor, _, _) = clicked(&mut host, &display);
    assert_eq!(display.focused().unwrap(), editor.window().unwrap(), "the click took it");
    editor.destroy_only(&mut host);
    assert_eq!(display.focused().unwrap(), editor.parent());
    display.close(editor.parent()).unwrap();
}
