//! The bundled CLAP's window on a real X server while music plays.
//!
//! Pictures are left in `target/window` (or in `MOODRING_WINDOW_DIR`), so that a person can look at
//! what the tests looked at. `MOODRING_ROUNDS=200` opens the window as often, and resizes it two
//! and a half times as often; usually it is done less.

#![cfg(target_os = "linux")]
// All of this is tests; clippy knows only the functions so marked as such.
#![allow(clippy::unwrap_used)]

#[path = "window/bare.rs"]
mod bare;
#[path = "support/display.rs"]
mod display;
#[path = "support/host.rs"]
mod host;
#[path = "window/keys.rs"]
mod keys;
#[path = "support/music.rs"]
mod music;
#[path = "window/order.rs"]
mod order;
#[path = "window/scale.rs"]
mod scale;
#[path = "window/screen.rs"]
mod screen;
#[path = "support/tape.rs"]
mod tape;
#[path = "window/transport.rs"]
mod transport;
#[path = "support/vst3.rs"]
mod vst3_host;
#[path = "support/window.rs"]
mod window;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use egui::Rect;
use egui::accesskit::Role;
use image::RgbImage;
use moodring::editor::theme::LIGHT;
use moodring::editor::view::then::ThenView;
use moodring::editor::view::{Moment, ViewState};
use moodring::engine::monitor::Status;
use moodring::history::History;
use moodring::model::shipped_facts;
use moodring::prefs::{DEFAULT_SIZE, Page, PaletteChoice, Prefs};
use moodring::reading::{Phase, Reading};
use serde_json::Value;

use display::Display;
use host::Host;
use tape::{BLOCK_SAMPLES, Played};
use window::{Editor, Shadow, wait};

/// Rate of the playback.
const RATE_HZ: f64 = 48_000.0;

/// Long enough for a slow machine to paint what has changed.
const A_FEW_FRAMES: Duration = Duration::from_millis(1500);

/// Long enough for whatever must become true; most becomes true at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// Part of the pixels of a region that must differ before it counts as changed: a needle, a number.
const CHANGED: f64 = 0.002;

/// The display that all tests share, one at a time, since the plugin finds it through the
/// environment.
fn display() -> MutexGuard<'static, Display> {
    static DISPLAY: LazyLock<Mutex<Display>> = LazyLock::new(|| {
        let display = Display::start(1600, 1000).expect("no display");
        let home = home();
        fs::create_dir_all(&home).expect("no folder for files");
        // SAFETY: the other tests of this binary wait here, so nobody reads the environment
        // meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("DISPLAY", display.name());
            // Where the file dialog begins.
            std::env::set_var("HOME", home);
        }
        Mutex::new(display)
    });
    let display = DISPLAY.lock().unwrap_or_else(PoisonError::into_inner);
    display.point_away().unwrap();
    display
}

/// A home for this process alone.
fn home() -> PathBuf {
    std::env::temp_dir().join(format!("moodring-window-{}", std::process::id()))
}

/// Where pictures are left.
fn folder() -> PathBuf {
    let folder =
        std::env::var_os("MOODRING_WINDOW_DIR").map_or("target/window".into(), PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What the plugin shows now, kept as `name` for a person to see.
fn picture(editor: &Editor, name: &str) -> RgbImage {
    let picture = editor.picture().unwrap();
    picture.save(folder().join(name).with_extension("png")).unwrap();
    picture
}

/// Runs `body` on this thread while an active plugin plays on another; whatever it does, no audio
/// may notice.
fn with_music<T>(host: &mut Host, body: impl FnOnce(&mut Host) -> T) -> T {
    let audio = music::music(20.0, RATE_HZ, 2);
    let mut playing = host.activate(RATE_HZ, BLOCK_SAMPLES).unwrap();
    let (result, played) = tape::while_playing(&mut playing, &audio, RATE_HZ, body).unwrap();
    eprintln!("{played:?}");
    let Played { n_blocks, n_changed, n_waits, .. } = played;
    assert!(n_blocks > 0);
    assert_eq!(n_changed, 0, "blocks were changed");
    // The kernel may make the thread wait for a page of memory.
    assert!(n_waits <= 3, "in {n_blocks} blocks the audio thread waited {n_waits} times");
    result
}

/// Waits until `is_so`.
fn until(host: &mut Host, what: &str, mut is_so: impl FnMut(&mut Host) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so(host) {
        assert!(Instant::now() < end, "in {PATIENCE:?} there was no {what}");
        wait(host, Duration::from_millis(20));
    }
}

/// The window's settings as the host's project keeps them.
fn saved_prefs(host: &mut Host) -> Value {
    let state = host.state_json().unwrap();
    serde_json::from_str(state["fields"]["editor"].as_str().unwrap()).unwrap()
}

fn is_on_page(page: &str) -> impl FnMut(&mut Host) -> bool {
    move |host| saved_prefs(host)["page"] == page && saved_prefs(host)["on_stage"] == false
}

/// A window in which a song plays, to know where things are in the true one.
fn shadow(page: Page) -> Shadow {
    let reading =
        Reading { phase: Phase::Live, heard_secs: 10.0, n_spaces: 2, ..Reading::default() };
    let (status, model) = (Status::Running, shipped_facts().into());
    let mut view = ViewState::of(&Moment { reading, status, model, ..Moment::default() });
    let mut history = History::default();
    history.record(&reading.at(Some(0.0)));
    view.then = Some(ThenView::of(&history, None, None, &[None, None]));
    let mut prefs = Prefs::default();
    prefs.page = page;
    Shadow::new(DEFAULT_SIZE, prefs, view)
}

/// The regions of the first page: the head, and both meters.
fn regions() -> Vec<Rect> {
    let shadow = shadow(Page::Now);
    let regions = [shadow.with_role(Role::Status), shadow.with_role(Role::Meter)].concat();
    assert_eq!(regions.len(), 3);
    regions
}

fn pixels(picture: &RgbImage, region: Rect) -> impl Iterator<Item = (u32, u32)> {
    let (width, height) = picture.dimensions();
    let (x, y) = (region.left() as u32..width.min(region.right() as u32), region.y_range());
    (y.min as u32..height.min(y.max as u32)).flat_map(move |y| x.clone().map(move |x| (x, y)))
}

/// Part of the pixels of `region` that differ between two pictures.
fn changed(before: &RgbImage, after: &RgbImage, region: Rect) -> f64 {
    assert_eq!(before.dimensions(), after.dimensions());
    let differs = |(x, y): &(u32, u32)| before.get_pixel(*x, *y) != after.get_pixel(*x, *y);
    let n_changed = pixels(before, region).filter(differs).count();
    n_changed as f64 / pixels(before, region).count() as f64
}

fn n_colours(picture: &RgbImage, region: Rect) -> usize {
    let colours = pixels(picture, region).map(|(x, y)| picture.get_pixel(x, y));
    colours.collect::<std::collections::HashSet<_>>().len()
}

/// Names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).collect()
}

/// Threads of this process that belong to a window of the plugin.
fn n_editor_threads() -> usize {
    threads().iter().filter(|name| *name == "mood-editor").count()
}

/// What `count` comes to be: `expected`, or what it still is after ten seconds of a slow machine.
fn settled(host: &mut Host, expected: usize, count: impl Fn() -> usize) -> usize {
    let began = Instant::now();
    while count() != expected && began.elapsed() < Duration::from_secs(10) {
        wait(host, Duration::from_millis(20));
    }
    count()
}

fn n_open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Bytes that are allocated in this process.
fn allocated_bytes() -> usize {
    // SAFETY: it only reads what the allocator counts.
    #[allow(unsafe_code)]
    let counted = unsafe { libc::mallinfo2() };
    counted.uordblks + counted.hblkhd
}

/// The last number in a column of a readings file.
fn last_in_column(csv: &Path, name: &str) -> f64 {
    let text = fs::read_to_string(csv).unwrap();
    let index = text.lines().next().unwrap().split(',').position(|own| own == name).unwrap();
    text.lines().last().unwrap().split(',').nth(index).unwrap().parse().unwrap()
}

#[test]
fn the_meters_move_while_music_plays() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let waiting = picture(&editor, "1-waiting");
    let regions = regions();
    for region in &regions {
        let n_colours = n_colours(&waiting, *region);
        assert!(n_colours > 10, "{n_colours} colours in {region:?} before the music");
    }
    let (listening, live) = with_music(&mut host, |host| {
        wait(host, Duration::from_secs(6));
        let listening = picture(&editor, "2-listening");
        wait(host, Duration::from_millis(7500));
        (listening, picture(&editor, "3-live"))
    });
    // Nothing is played, and nothing moves any more.
    wait(&mut host, Duration::from_secs(1) + A_FEW_FRAMES);
    let paused = picture(&editor, "4-paused");
    editor.close(&mut host).unwrap();

    for region in regions.iter().copied() {
        for (name, before, after) in
            [("the first seconds", &waiting, &listening), ("ten seconds", &listening, &live)]
        {
            let part = changed(before, after, region);
            assert!(part > CHANGED, "{name} changed {part} of {region:?}");
        }
    }
    assert!(changed(&live, &paused, regions[0]) > CHANGED, "a host that stops is not noticed");
}

#[test]
fn a_still_window_is_not_painted_at_all() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let before = picture(&editor, "5-still");
    let mut painted = editor.painted().unwrap();
    let looks = n_editor_wake_ups();
    wait(&mut host, Duration::from_secs(2));
    let looks = n_editor_wake_ups() - looks;
    let after = picture(&editor, "5-still");
    assert_eq!(painted.n_frames().unwrap(), 0.0);
    editor.close(&mut host).unwrap();
    assert_eq!(before, after);
    // It looks thirty times a second, and takes nothing else's time.
    assert!((20..=80).contains(&looks), "{looks} looks in two seconds");
}

/// How often the thread that looks for changes has gone to sleep.
fn n_editor_wake_ups() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten().map(|task| task.path());
    let is_editor = |task: &PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "mood-editor")
    };
    let status = fs::read_to_string(tasks.filter(is_editor).last().unwrap().join("status"));
    let status = status.unwrap();
    let number = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    number.unwrap().trim().parse().unwrap()
}

#[test]
fn the_window_fills_whatever_size_the_host_gives_it() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    for (width, height) in [(320, 200), (1500, 300), (420, 900), (1280, 800)] {
        editor.resize(&mut host, width, height).unwrap();
        wait(&mut host, A_FEW_FRAMES);
        let picture = picture(&editor, &format!("6-{width}x{height}"));
        assert_eq!(picture.dimensions(), (width, height));
        let n_colours = n_colours(&picture, Rect::EVERYTHING);
        assert!(n_colours > 30, "{width}x{height}: {n_colours} colours");
        let corner = picture.get_pixel(width - 1, height - 1);
        assert_eq!(corner, picture.get_pixel(0, 0), "the ground does not reach the corner");
        assert_ne!(corner.0, [0; 3], "the corner was not painted");
    }
    editor.close(&mut host).unwrap();
}

#[test]
fn clicks_and_keys_arrive_while_music_plays() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    with_music(&mut host, |host| {
        // Until there is something to look at.
        wait(host, Duration::from_secs(4));
        let mut shadow = shadow(Page::Now);
        let tabs = [("Then", "then"), ("Why", "why"), ("Setup", "setup")];
        let about = ("About the model", "about");
        for (name, page) in tabs.into_iter().chain([about, ("Now", "now")]) {
            shadow.click(&editor, name).unwrap();
            until(host, page, is_on_page(page));
            wait(host, Duration::from_millis(300));
            picture(&editor, &format!("7-{page}"));
        }
        let before = picture(&editor, "7-now");
        for (key, page) in [("2", "then"), ("3", "why"), ("5", "about"), ("Escape", "now")] {
            display.press(key).unwrap();
            until(host, page, is_on_page(page));
        }
        display.press("f").unwrap();
        until(host, "stage", |host| saved_prefs(host)["on_stage"] == true);
        wait(host, Duration::from_millis(300));
        let stage = picture(&editor, "7-stage");
        assert!(changed(&before, &stage, Rect::EVERYTHING) > 0.1, "the stage looks the same");
        display.press("Escape").unwrap();
        until(host, "page after the stage", is_on_page("now"));

        assert_eq!(host.param("Hold").unwrap(), 0.0);
        display.press("h").unwrap();
        until(host, "hold", |host| host.param("Hold").unwrap() == 1.0);
        shadow.click(&editor, "Hold").unwrap();
        until(host, "end of the hold", |host| host.param("Hold").unwrap() == 0.0);

        wait(host, Duration::from_secs(1));
        let before = picture(&editor, "7-before-reset");
        shadow.click(&editor, "Reset").unwrap();
        wait(host, Duration::from_millis(700));
        let after = picture(&editor, "7-after-reset");
        // It listens anew: for the first second there is no reading.
        for region in &regions()[1..] {
            assert!(changed(&before, &after, *region) > CHANGED, "no reset in {region:?}");
        }
    });
    editor.close(&mut host).unwrap();
}

#[test]
fn opening_closing_and_resizing_leave_nothing_behind_and_no_audio_notices() {
    /// Rounds before the first count: GL's driver keeps what it has once loaded.
    const WARM_UP: usize = 4;
    /// An empty window of egui-baseview's leaves 83 kB, measured with sixty; which layer under it
    /// keeps them is not known, and another driver may keep more. A window of ours that were kept
    /// would be megabytes.
    const OF_GL_BYTES: usize = 200_000;
    /// Far less than the least that a window takes.
    const LEFT_BYTES: usize = 200_000;
    let n_rounds = std::env::var("MOODRING_ROUNDS").map_or(24, |rounds| rounds.parse().unwrap());
    let n_resizes = 5 * n_rounds / 2;
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let csv = home().join("rounds.csv");
    host.set_field("csv_path", csv.to_str().unwrap()).unwrap();
    let began = Instant::now();
    let mut random = music::Random(7);
    let (before, after) = with_music(&mut host, |host| {
        let mut round = |host: &mut Host, n_resizes: usize| {
            let editor = Editor::open(host, &display).unwrap();
            wait(host, Duration::from_millis(40));
            for _ in 0..n_resizes {
                let [width, height] = [1200, 800].map(|most| 200 + random.up_to(most) as u32);
                editor.resize(host, width.max(320), height).unwrap();
                wait(host, Duration::from_millis(10));
            }
            assert_eq!(settled(host, 1, n_editor_threads), 1);
            editor.close(host).unwrap();
            assert_eq!(settled(host, 0, n_editor_threads), 0);
        };
        // The history and what else belongs to the music has all its room after some seconds.
        wait(host, Duration::from_secs(3));
        (0..WARM_UP).for_each(|_| round(host, 3));
        let count = |host: &mut Host| {
            wait(host, Duration::from_millis(500));
            (threads().len(), n_open_files(), allocated_bytes())
        };
        let before = count(host);
        for done in 0..n_rounds {
            round(host, n_resizes * (done + 1) / n_rounds - n_resizes * done / n_rounds);
        }
        settled(host, before.0, || threads().len());
        (before, count(host))
    });
    eprintln!(
        "{n_rounds} openings, {n_resizes} resizes in {:?}: {before:?} {after:?}",
        began.elapsed()
    );
    assert_eq!(after.0, before.0, "threads are left: {:?}", threads());
    assert_eq!(after.1, before.1, "files are left open");
    let left = after.2.saturating_sub(before.2);
    assert!(left < n_rounds * OF_GL_BYTES + LEFT_BYTES, "{n_rounds} windows left {left} bytes");
    drop(host);
    assert_eq!(last_in_column(&csv, "overrun_samples"), 0.0);
}

#[test]
fn a_plugin_that_goes_takes_its_open_window_along() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let _editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, Duration::from_millis(400));
    assert_eq!(n_editor_threads(), 1);
    drop(host);
    assert_eq!(n_editor_threads(), 0);
}

#[test]
fn size_page_and_colours_are_kept_with_the_project() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let mut shadow = shadow(Page::Now);
    shadow.click(&editor, "Setup").unwrap();
    until(&mut host, "setup", is_on_page("setup"));
    wait(&mut host, Duration::from_millis(300));
    shadow.click(&editor, "Light").unwrap();
    until(&mut host, "other colours", |host| saved_prefs(host)["palette"] == "light");
    editor.resize(&mut host, 900, 610).unwrap();
    until(&mut host, "other size", |host| saved_prefs(host)["size"] == Value::from([900.0, 610.0]));
    let state = host.state().unwrap();
    editor.close(&mut host).unwrap();
    drop(host);

    let mut host = Host::load_bundle().unwrap();
    host.set_state(&state).unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    assert_eq!(editor.size(&mut host).unwrap(), (900, 610));
    wait(&mut host, A_FEW_FRAMES);
    let again = picture(&editor, "8-restored");
    assert_eq!(again.dimensions(), (900, 610));
    assert_eq!(again.get_pixel(0, 0).0, LIGHT.ground.to_array()[..3]);
    assert_eq!(saved_prefs(&mut host)["page"], "setup");
    editor.close(&mut host).unwrap();
}

#[test]
fn a_state_that_is_loaded_into_an_open_window_shows_at_once() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let before = picture(&editor, "9-before-loading");
    let mut state = host.state_json().unwrap();
    let mut prefs = Prefs::default();
    (prefs.page, prefs.palette) = (Page::Why, PaletteChoice::Light);
    state["fields"]["editor"] = Value::String(serde_json::to_string(&prefs).unwrap());
    host.set_state_json(&state).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let after = picture(&editor, "9-loaded");
    assert_ne!(before.get_pixel(0, 0), after.get_pixel(0, 0));
    assert_eq!(after.get_pixel(0, 0).0, LIGHT.ground.to_array()[..3]);
    // What was loaded is what is saved, and closing with this page in front leaves nothing.
    assert_eq!(saved_prefs(&mut host)["page"], "why");
    editor.close(&mut host).unwrap();
    assert_eq!(n_editor_threads(), 0);
}

#[test]
fn a_window_that_closes_during_an_export_leaves_a_whole_file_or_none() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let file = home().join("moodring.png");
    with_music(&mut host, |host| {
        wait(host, Duration::from_secs(3));
        for pause in [0, 60, 2000].map(Duration::from_millis) {
            let editor = Editor::open(host, &display).unwrap();
            wait(host, Duration::from_millis(500));
            let mut shadow = shadow(Page::Now);
            for name in ["Then", "Export", "PNG: a picture"] {
                shadow.click(&editor, name).unwrap();
                wait(host, Duration::from_millis(400));
            }
            picture(&editor, "10-export");
            shadow.click(&editor, "Save").unwrap();
            wait(host, pause);
            picture(&editor, "10-exporting");
            editor.close(host).unwrap();
            let names = threads();
            assert!(!names.iter().any(|name| name.starts_with("mood-e")), "{names:?}");
            let left: Vec<_> = fs::read_dir(home()).unwrap().flatten().map(|e| e.path()).collect();
            let is_whole = file.exists() && image::open(&file).is_ok();
            let others = left.iter().filter(|path| path.extension().is_some_and(|e| e != "csv"));
            assert_eq!(others.count(), usize::from(is_whole), "{left:?}");
            assert!(is_whole || pause < Duration::from_secs(2), "no file after {pause:?}");
            let _gone = fs::remove_file(&file);
            display.point_away().unwrap();
            // The next window begins where this one ended.
            host.set_state_json(&Host::load_bundle().unwrap().state_json().unwrap()).unwrap();
        }
    });
}
