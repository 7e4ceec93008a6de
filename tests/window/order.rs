//! A host opens and closes the window in its own order and at its own pace.

use std::sync::mpsc;
use std::time::Duration;

use egui::Rect;

use super::display::Display;
use super::host::Host;
use super::window::{Editor, wait};
use super::{display, n_colours, threads, until};

/// Colours of a window that is painted: text alone has more; a black one has one.
const LEAST_COLOURS: usize = 30;

/// A step of opening a window.
#[derive(Clone, Copy, Debug)]
enum Step {
    Parent,
    Show,
    Hide,
    /// The host gives the plugin's own window another size, as containers of GTK and Qt do.
    Configure,
    /// The host tells the plugin its size.
    Size,
}

fn take(step: Step, editor: &mut Editor, host: &mut Host, display: &Display) {
    match step {
        Step::Parent => editor.set_parent(host).unwrap(),
        Step::Show => editor.show(host).unwrap(),
        Step::Hide => editor.hide(host).unwrap(),
        Step::Configure => display.resize(editor.window().unwrap(), 700, 500).unwrap(),
        Step::Size => editor.resize(host, 640, 400).unwrap(),
    }
}

fn is_painted(editor: &Editor) -> bool {
    // While it is hidden it has no picture.
    editor.picture().is_ok_and(|picture| n_colours(&picture, Rect::EVERYTHING) > LEAST_COLOURS)
}

#[test]
fn a_window_shows_in_whatever_order_and_however_late_its_host_opens_it() {
    use Step::{Configure, Hide, Parent, Show, Size};
    let display = display();
    let orders: [&[Step]; 6] = [
        &[Parent, Show],
        &[Show, Parent],
        &[Size, Parent, Show],
        &[Parent, Size, Show],
        &[Parent, Configure, Show],
        &[Parent, Show, Hide, Show],
    ];
    let mut host = Host::load_bundle().unwrap();
    for order in orders {
        for pause in [0, 20, 100, 400].map(Duration::from_millis) {
            let mut editor = Editor::create(&mut host, &display).unwrap();
            editor.fit(&mut host).unwrap();
            for step in order {
                wait(&mut host, pause);
                take(*step, &mut editor, &mut host, &display);
            }
            let what = format!("picture after {order:?} with pauses of {pause:?}");
            until(&mut host, &what, |_| is_painted(&editor));
            editor.close(&mut host).unwrap();
        }
    }
    for pause in [1000, 2500].map(Duration::from_millis) {
        let mut editor = Editor::create(&mut host, &display).unwrap();
        wait(&mut host, pause);
        for step in [Parent, Show] {
            take(step, &mut editor, &mut host, &display);
        }
        until(&mut host, "picture long after its making", |_| is_painted(&editor));
        editor.close(&mut host).unwrap();
    }
}

#[test]
fn a_window_that_is_shown_before_it_has_a_place_is_not_seen_on_the_desktop() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let before = display.top_windows((760, 480)).unwrap();
    let mut editor = Editor::create(&mut host, &display).unwrap();
    editor.show(&mut host).unwrap();
    wait(&mut host, Duration::from_millis(200));
    let mut loose = display.top_windows((760, 480)).unwrap();
    loose.retain(|window| !before.contains(window));
    assert_eq!(loose.len(), 1, "the plugin's window waits under the root");
    assert!(!display.is_seen(loose[0]).unwrap());
    editor.set_parent(&mut host).unwrap();
    until(&mut host, "picture", |_| is_painted(&editor));
    editor.close(&mut host).unwrap();
}

/// Runs `body` on a thread of its own, for it may never come back.
fn within(time: Duration, body: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        body();
        let _gone = done.send(());
    });
    match is_done.recv_timeout(time) {
        Ok(()) => thread.join().unwrap(),
        // What went wrong has been said there.
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{:?}", thread.join()),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs: {:?}", threads()),
    }
}

#[test]
fn a_window_that_is_closed_as_soon_as_it_is_made_is_gone_at_once() {
    let _display = display();
    within(Duration::from_secs(40), || {
        use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui};
        let mut host = Host::load_bundle().unwrap();
        let plugin = host.plugin();
        let gui: PluginGui = plugin.get_extension().unwrap();
        let configuration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
        let began = std::time::Instant::now();
        for _ in 0..30 {
            gui.create(&plugin, configuration).unwrap();
            gui.destroy(&plugin);
        }
        eprintln!("30 windows in {:?}", began.elapsed());
        let names = threads();
        assert!(!names.iter().any(|name| name.starts_with("mood-e")), "{names:?}");
    });
}

#[test]
fn a_window_that_has_closed_has_ended_its_threads_before_its_host_goes_on() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    // GL's own threads stay.
    let editor = Editor::open(&mut host, &display).unwrap();
    until(&mut host, "picture", |_| is_painted(&editor));
    editor.close(&mut host).unwrap();
    let before = threads().len();
    for is_host_hasty in [false, true] {
        for pause in [0, 5, 50, 300].map(Duration::from_millis) {
            let editor = Editor::open(&mut host, &display).unwrap();
            wait(&mut host, pause);
            if is_host_hasty {
                // Its own window goes first, and the plugin's with it.
                display.close(editor.parent()).unwrap();
            }
            // A host may unload the plugin's code when this comes back.
            editor.destroy_only(&mut host);
            if is_host_hasty {
                // The last instant of a thread that nobody could join is the system's.
                std::thread::sleep(Duration::from_millis(20));
            }
            let after = threads();
            assert_eq!(after.len(), before, "{is_host_hasty}, after {pause:?}: {after:?}");
            if !is_host_hasty {
                assert!(display.children(editor.parent()).unwrap().is_empty());
                display.close(editor.parent()).unwrap();
            }
        }
    }
    let editor = Editor::open(&mut host, &display).unwrap();
    until(&mut host, "picture", |_| is_painted(&editor));
    editor.close(&mut host).unwrap();
}
