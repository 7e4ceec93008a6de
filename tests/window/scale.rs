//! Screens of more than one pixel a point, and what else a host may ask of the window.

use std::time::Duration;

use egui::Rect;
use moodring::prefs::MIN_SIZE;

use super::host::Host;
use super::window::{Editor, wait};
use super::{A_FEW_FRAMES, display, n_colours, picture, until};

#[test]
fn a_window_of_twice_the_scale_opens_again_as_large_as_it_was() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    for round in 0..3 {
        let mut editor = Editor::create(&mut host, &display).unwrap();
        if round == 0 {
            editor.set_scale(&mut host, 2.0).unwrap();
        }
        assert_eq!(editor.size(&mut host).unwrap(), (1520, 960), "round {round}");
        editor.fit(&mut host).unwrap();
        editor.set_parent(&mut host).unwrap();
        editor.show(&mut host).unwrap();
        wait(&mut host, A_FEW_FRAMES);
        let picture = picture(&editor, &format!("12-scale-2-{round}"));
        assert_eq!(picture.dimensions(), (1520, 960), "round {round}");
        assert_ne!(picture.get_pixel(1519, 959).0, [0; 3], "the corner was not painted");
        editor.close(&mut host).unwrap();
    }
    let size = &super::saved_prefs(&mut host)["size"];
    assert!(size.is_null() || *size == serde_json::json!([760.0, 480.0]), "{size}");
}

#[test]
fn the_least_size_grows_with_the_scale() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::create(&mut host, &display).unwrap();
    for scale in [1.0, 2.0, 1.5] {
        editor.set_scale(&mut host, scale).unwrap();
        let least = (MIN_SIZE.0 * scale as f32, MIN_SIZE.1 * scale as f32);
        let least = (least.0 as u32, least.1 as u32);
        assert_eq!(editor.adjusted(&mut host, 10, 10).unwrap(), least, "at {scale}");
        assert_eq!(editor.adjusted(&mut host, 1001, 777).unwrap(), (1001, 777), "at {scale}");
    }
    editor.close(&mut host).unwrap();
}

#[test]
fn the_scale_of_the_users_desktop_is_that_of_the_window() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    display.set_resources("Xft.dpi:\t144\n").unwrap();
    let mut editor = Editor::create(&mut host, &display).unwrap();
    let size = editor.size(&mut host);
    // The host's own idea counts for nothing then.
    editor.set_scale(&mut host, 3.0).unwrap();
    editor.fit(&mut host).unwrap();
    editor.set_parent(&mut host).unwrap();
    editor.show(&mut host).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let picture = picture(&editor, "12-desktop-1.5");
    let least = editor.adjusted(&mut host, 1, 1);
    editor.close(&mut host).unwrap();
    display.set_resources("").unwrap();
    assert_eq!(size.unwrap(), (1140, 720));
    assert_eq!(picture.dimensions(), (1140, 720));
    assert_ne!(picture.get_pixel(1139, 719).0, [0; 3], "the corner was not painted");
    assert_eq!(least.unwrap(), (480, 300));
}

#[test]
fn a_scale_or_size_that_no_screen_has_is_refused_and_changes_nothing() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e9] {
        assert!(editor.set_scale(&mut host, scale).is_err(), "{scale}");
    }
    for (width, height) in [(0, 0), (0, 100), (100, 0), (u32::MAX, 100), (100_000, 100_000)] {
        assert!(editor.tell_size(&mut host, width, height).is_err(), "{width} x {height}");
    }
    wait(&mut host, Duration::from_millis(300));
    assert_eq!(editor.size(&mut host).unwrap(), (760, 480));
    until(&mut host, "picture", |_| {
        let picture = editor.picture().unwrap();
        picture.dimensions() == (760, 480) && n_colours(&picture, Rect::EVERYTHING) > 30
    });
    editor.close(&mut host).unwrap();
}

#[test]
fn the_window_says_that_it_can_be_embedded() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let mut editor = Editor::create(&mut host, &display).unwrap();
    editor.set_parent(&mut host).unwrap();
    // Version 0, and a window that wants to be seen; at once, since a host looks once.
    let window = editor.window().unwrap();
    assert_eq!(display.property(window, "_XEMBED_INFO").unwrap(), [0, 1]);
    editor.close(&mut host).unwrap();
}
