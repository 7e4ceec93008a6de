//! The bundled CLAP's window on a real X server while music plays.
//!
//! Pictures are left in `target/window` (or in `MOODRING_WINDOW_DIR`), so that a person can look at what the tests looked at.

#![cfg(target_os = "linux")]

#[path = "support/display.rs"]
mod display;
#[path = "support/host.rs"]
mod host;
#[path = "support/music.rs"]
mod music;

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};
use image::RgbImage;

use display::Display;
use host::{Host, Playing};

/// Rate and block size of the playback.
const RATE_HZ: f64 = 48_000.0;
const BLOCK_SAMPLES: usize = 512;

/// Long enough for a slow machine to paint what has changed.
const A_FEW_FRAMES: Duration = Duration::from_millis(1500);

/// Part of the pixels of a region that must differ before it counts as changed: a needle, a number.
const CHANGED: f64 = 0.002;

/// The display that all tests share, one at a time, since the plugin finds it through the environment.
fn display() -> MutexGuard<'static, Display> {
    static DISPLAY: LazyLock<Mutex<Display>> = LazyLock::new(|| {
        let display = Display::start(1600, 1000).expect("no display");
        // SAFETY: the other tests of this binary wait here, so nobody reads the environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("DISPLAY", display.name());
        }
        Mutex::new(display)
    });
    DISPLAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The plugin's window inside one of ours.
struct Editor<'d> {
    display: &'d Display,
    gui: PluginGui,
    parent: u32,
}

impl<'d> Editor<'d> {
    fn open(host: &mut Host, display: &'d Display) -> Result<Self> {
        let plugin = host.plugin();
        let gui: PluginGui = plugin.get_extension().context("no window")?;
        let configuration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
        ensure!(gui.is_api_supported(&plugin, configuration), "no X11 window");
        gui.create(&plugin, configuration)?;
        let size = gui.get_size(&plugin).context("no size")?;
        let parent = display.window(size.width, size.height)?;
        // SAFETY: our window outlives the plugin's: `close` destroys that one first.
        #[allow(unsafe_code)]
        unsafe {
            gui.set_parent(&plugin, Window::from_x11_handle(parent.into()))?;
        }
        gui.show(&plugin)?;
        Ok(Self { display, gui, parent })
    }

    fn close(self, host: &mut Host) -> Result<()> {
        self.gui.destroy(&host.plugin());
        // The window's own thread is still saying goodbye to the server and to GL; a host lives on for longer than that.
        std::thread::sleep(Duration::from_millis(500));
        self.display.close(self.parent)
    }

    fn resize(&self, host: &mut Host, width: u32, height: u32) -> Result<()> {
        self.display.resize(self.parent, width, height)?;
        Ok(self.gui.set_size(&host.plugin(), GuiSize { width, height })?)
    }

    /// What the plugin shows now, also saved as `name`.
    fn picture(&self, name: &str) -> Result<RgbImage> {
        let children = self.display.children(self.parent)?;
        let picture = self.display.picture(*children.first().context("no window inside ours")?)?;
        let folder =
            std::env::var_os("MOODRING_WINDOW_DIR").map_or("target/window".into(), PathBuf::from);
        std::fs::create_dir_all(&folder)?;
        picture.save(folder.join(name).with_extension("png"))?;
        Ok(picture)
    }
}

/// Lets the plugin's window live for a while.
fn wait(host: &mut Host, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        host.idle();
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Plays `audio` from `from_secs` to `to_secs` in real time.
fn play(playing: &mut Playing, audio: &[Vec<f32>], from_secs: f64, to_secs: f64) -> Result<()> {
    let sample = |secs: f64| (secs * RATE_HZ) as usize;
    let piece: Vec<Vec<f32>> =
        audio.iter().map(|channel| channel[sample(from_secs)..sample(to_secs)].to_vec()).collect();
    let start = Instant::now();
    let mut output = vec![vec![0.0; BLOCK_SAMPLES]; piece.len()];
    for at in (0..piece[0].len()).step_by(BLOCK_SAMPLES) {
        let mut input: Vec<Vec<f32>> = piece
            .iter()
            .map(|channel| channel[at..].iter().take(BLOCK_SAMPLES).copied().collect())
            .collect();
        let n_samples = input[0].len();
        let mut ins: Vec<&mut [f32]> = input.iter_mut().map(Vec::as_mut_slice).collect();
        let mut outs: Vec<&mut [f32]> =
            output.iter_mut().map(|channel| &mut channel[..n_samples]).collect();
        playing.block(&mut ins, &mut outs)?;
        playing.host().idle();
        let due = start + Duration::from_secs_f64((at + n_samples) as f64 / RATE_HZ);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Top and bottom of a region, as parts of the window's height.
type Region = (f64, f64);
const HEADER: Region = (0.02, 0.16);
const FIRST_METER: Region = (0.20, 0.50);
const SECOND_METER: Region = (0.55, 0.85);

/// Part of the pixels of `region` that differ between two pictures.
fn changed(before: &RgbImage, after: &RgbImage, region: Region) -> f64 {
    assert_eq!(before.dimensions(), after.dimensions());
    let (width, height) = before.dimensions();
    let rows = (region.0 * f64::from(height)) as u32..(region.1 * f64::from(height)) as u32;
    let pixels = rows.clone().flat_map(|y| (0..width).map(move |x| (x, y)));
    let n_changed =
        pixels.filter(|&(x, y)| before.get_pixel(x, y) != after.get_pixel(x, y)).count();
    n_changed as f64 / f64::from(width * rows.len() as u32)
}

/// Whether `region` is all of one colour.
fn is_plain(picture: &RgbImage, region: Region) -> bool {
    let (width, height) = picture.dimensions();
    let (top, bottom) = (region.0 * f64::from(height), region.1 * f64::from(height));
    let first = picture.get_pixel(0, top as u32);
    (top as u32..bottom as u32).all(|y| (0..width).all(|x| picture.get_pixel(x, y) == first))
}

fn n_colours(picture: &RgbImage) -> usize {
    picture.pixels().collect::<std::collections::HashSet<_>>().len()
}

/// Threads of this process that belong to a window of the plugin.
fn n_editor_threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task").expect("no /proc");
    let names =
        names.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "mood-editor").count()
}

#[test]
fn the_meters_move_while_music_plays() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let waiting = editor.picture("1-waiting").unwrap();
    assert!(n_colours(&waiting) > 50, "a blank window: {} colours", n_colours(&waiting));
    for region in [HEADER, FIRST_METER, SECOND_METER] {
        assert!(!is_plain(&waiting, region), "nothing in {region:?} before the music");
    }

    let audio = music::music(13.5, RATE_HZ, 2);
    let mut playing = host.activate(RATE_HZ, BLOCK_SAMPLES).unwrap();
    play(&mut playing, &audio, 0.0, 6.0).unwrap();
    let listening = editor.picture("2-listening").unwrap();
    play(&mut playing, &audio, 6.0, 13.5).unwrap();
    let live = editor.picture("3-live").unwrap();
    // The host stops calling, but does not deactivate.
    wait(playing.host(), Duration::from_secs(1) + A_FEW_FRAMES);
    let paused = editor.picture("4-paused").unwrap();
    drop(playing);
    editor.close(&mut host).unwrap();

    for region in [HEADER, FIRST_METER, SECOND_METER] {
        for (name, before, after) in
            [("the first seconds", &waiting, &listening), ("ten seconds", &listening, &live)]
        {
            let part = changed(before, after, region);
            assert!(part > CHANGED, "{name} changed {part} of {region:?}");
        }
    }
    assert!(changed(&live, &paused, HEADER) > CHANGED, "a host that stops is not noticed");
}

#[test]
fn a_still_window_is_not_repainted_differently() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, A_FEW_FRAMES);
    let before = editor.picture("5-still").unwrap();
    wait(&mut host, Duration::from_secs(1));
    let after = editor.picture("5-still").unwrap();
    editor.close(&mut host).unwrap();
    assert_eq!(changed(&before, &after, (0.0, 1.0)), 0.0);
}

#[test]
fn the_window_fills_whatever_size_the_host_gives_it() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    let editor = Editor::open(&mut host, &display).unwrap();
    for (width, height) in [(320, 200), (1500, 300), (420, 900), (1280, 800)] {
        editor.resize(&mut host, width, height).unwrap();
        wait(&mut host, A_FEW_FRAMES);
        let picture = editor.picture(&format!("6-{width}x{height}")).unwrap();
        assert_eq!(picture.dimensions(), (width, height));
        assert!(n_colours(&picture) > 30, "{width}x{height}: {} colours", n_colours(&picture));
        let corner = picture.get_pixel(width - 1, height - 1);
        assert_eq!(corner, picture.get_pixel(0, 0), "the ground does not reach the corner");
        assert_ne!(corner.0, [0; 3], "the corner was not painted");
    }
    editor.close(&mut host).unwrap();
}

#[test]
fn opening_and_closing_leaves_no_thread_behind() {
    let display = display();
    let mut host = Host::load_bundle().unwrap();
    for _ in 0..5 {
        let editor = Editor::open(&mut host, &display).unwrap();
        wait(&mut host, Duration::from_millis(400));
        assert_eq!(n_editor_threads(), 1);
        editor.close(&mut host).unwrap();
        wait(&mut host, Duration::from_millis(200));
        assert_eq!(n_editor_threads(), 0);
    }
    // With the window open the plugin goes too, and waits for its thread.
    let _editor = Editor::open(&mut host, &display).unwrap();
    wait(&mut host, Duration::from_millis(400));
    drop(host);
    assert_eq!(n_editor_threads(), 0);
}
