//! The stage in a window of its own, with and without a window manager.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use egui::Rect;

use super::display::Display;
use super::host::Host;
use super::window::{Editor, wait};
use super::{A_FEW_FRAMES, display, n_colours, saved_prefs, until, with_music};

const TITLE: &str = "Moodring stage";

/// Of the display that all tests share.
const WHOLE: ((i16, i16), (u16, u16)) = ((0, 0), (1600, 1000));

/// X symbol of the space bar.
const SPACE: u32 = 0x20;

/// A window manager; dropped, it ends.
struct Manager(Child);

impl Manager {
    fn start(display: &Display) -> Self {
        let mut command = Command::new("openbox");
        command.env("DISPLAY", display.name()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("no openbox: install the package openbox"))
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The window, once it is seen.
fn screen(display: &Display) -> Option<u32> {
    let window = display.window_called(TITLE).unwrap()?;
    display.is_seen(window).is_ok_and(|is| is).then_some(window)
}

/// Opens it by its key, and waits until it has filled the screen.
fn open(host: &mut Host, display: &Display, editor: &Editor) -> u32 {
    display.focus(editor.parent()).unwrap();
    editor.point_at_ground().unwrap();
    wait(host, Duration::from_millis(300));
    display.press("w").unwrap();
    let fills = |display: &Display| {
        screen(display).is_some_and(|window| display.place(window).is_ok_and(|at| at == WHOLE))
    };
    until(host, "full screen", |_| fills(display));
    screen(display).unwrap()
}

fn until_gone(host: &mut Host, display: &Display) {
    until(host, "end of the full screen", |_| display.window_called(TITLE).unwrap().is_none());
}

#[test]
fn the_stage_fills_a_screen_of_its_own_and_the_host_keeps_its_window_and_its_keys() {
    for has_manager in [false, true] {
        let display = display();
        let manager = has_manager.then(|| Manager::start(&display));
        let mut host = Host::load_bundle().unwrap();
        let editor = Editor::open(&mut host, &display).unwrap();
        wait(&mut host, A_FEW_FRAMES);
        let keys = display.listen(editor.parent()).unwrap();
        let before = saved_prefs(&mut host);
        let window = open(&mut host, &display, &editor);
        let full = display.atom("_NET_WM_STATE_FULLSCREEN").unwrap();
        assert!(display.property(window, "_NET_WM_STATE").unwrap().contains(&full));
        assert_eq!(saved_prefs(&mut host), before, "the window in the host is as it was");
        wait(&mut host, A_FEW_FRAMES);
        display.press("v").unwrap();
        until(&mut host, "other look", |host| saved_prefs(host)["stage_look"] == "field");
        assert_eq!(saved_prefs(&mut host)["on_stage"], false);
        display.press("space").unwrap();
        let mut heard = Vec::new();
        until(&mut host, "space bar in the host", |_| {
            heard.extend(keys.take().unwrap().0);
            heard.contains(&SPACE)
        });
        display.press("f").unwrap();
        until(&mut host, "smaller window", |_| display.place(window).unwrap().1 == (960, 540));
        display.press("f").unwrap();
        until(&mut host, "full screen again", |_| display.place(window).unwrap() == WHOLE);
        display.press("Escape").unwrap();
        until_gone(&mut host, &display);
        // By its own key, and with the window that it stands beside.
        open(&mut host, &display, &editor);
        wait(&mut host, A_FEW_FRAMES);
        display.press("w").unwrap();
        until_gone(&mut host, &display);
        open(&mut host, &display, &editor);
        editor.close(&mut host).unwrap();
        assert_eq!(display.window_called(TITLE).unwrap(), None, "it goes with the plugin's window");
        drop(manager);
    }
}

#[test]
fn the_stage_on_a_screen_of_its_own_shows_the_mood_while_music_plays() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    with_music(&mut host, |host| {
        let editor = Editor::open(host, &display).unwrap();
        wait(host, A_FEW_FRAMES);
        let window = open(host, &display, &editor);
        wait(host, Duration::from_secs(6));
        let picture = display.picture(window).unwrap();
        picture.save(super::folder().join("screen.png")).unwrap();
        assert!(n_colours(&picture, Rect::EVERYTHING) > 30);
        editor.close(host).unwrap();
    });
}
