//! What the window costs: frames and processor time, closed, open and still, and on each page while
//! music plays, each beside an empty egui window that paints as often, on a server without a
//! graphics card.
//!
//! ```text
//! cargo run --example window_cost [SECS [PAGE…]]        default: 8 seconds a row, all pages; the bundle as for the tests
//! ```
//!
//! Counted is the time of this process's threads without those that play and analyse; the server's
//! own time is not part of it.

#[cfg(target_os = "linux")]
#[path = "../tests/support/display.rs"]
mod display;
#[cfg(target_os = "linux")]
#[path = "../tests/support/host.rs"]
mod host;
#[cfg(target_os = "linux")]
#[path = "../tests/support/music.rs"]
mod music;
#[cfg(target_os = "linux")]
#[path = "../tests/support/tape.rs"]
mod tape;
#[cfg(target_os = "linux")]
#[path = "../tests/support/window.rs"]
mod window;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this is measured on Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::{Duration, Instant};

    use anyhow::{Context, Result};
    use moodring::prefs::DEFAULT_SIZE;
    use nice_plug_egui::baseview::dpi::LogicalSize;
    use nice_plug_egui::{App, EguiWindow, EguiWindowSettings, Frame};

    use crate::display::{Display, Painted};
    use crate::host::Host;
    use crate::music;
    use crate::tape::{BLOCK_SAMPLES, THREAD, while_playing};
    use crate::window::{Editor, wait};

    const RATE_HZ: f64 = 48_000.0;

    /// Threads whose time is not the window's.
    const OTHERS: [&str; 3] = ["mood-analysis", "mood-outputs", THREAD];

    /// A page, and the key that leads there.
    const PAGES: [(&str, &str); 6] =
        [("Now", "1"), ("Then", "2"), ("Why", "3"), ("Setup", "4"), ("About", "5"), ("stage", "f")];

    /// An egui window that paints its ground, so often.
    struct Empty {
        period: Duration,
    }

    impl App for Empty {
        fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
            ui.request_repaint_after(self.period);
        }
    }

    /// Beginning of the names of the threads in which Mesa fills pixels where there is no graphics
    /// card.
    const RASTERISER: &str = "llvmpipe";

    /// Frames a second, and processor time a second; how much of it is spent on filling pixels.
    #[derive(Clone, Copy)]
    struct Cost {
        frames: f64,
        of_a_core: f64,
        filling: f64,
    }

    /// Measures every page in turn.
    pub fn main() -> Result<()> {
        let secs = std::env::args().nth(1).map_or(Ok(8.0), |secs| secs.parse())?;
        let wanted: Vec<String> = std::env::args().skip(2).collect();
        let is_wanted = |page: &str| wanted.is_empty() || wanted.iter().any(|name| name == page);
        let display = Display::start(1600, 1000)?;
        // SAFETY: no other thread runs yet.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("DISPLAY", display.name());
        }
        display.point_away()?;
        println!(
            "{:16} {:>8} {:>8} {:>9} {:>8} {:>8}",
            "", "frames/s", "window", "of it GL", "empty", "more"
        );
        let mut host = Host::load_bundle()?;
        let editor = Editor::open(&mut host, &display)?;
        wait(&mut host, Duration::from_secs(2));
        let still = measure(&mut host, Some(&editor), secs)?;
        row("open, no audio", still, None);
        editor.close(&mut host)?;
        let audio = music::music(24.0, RATE_HZ, 2);
        let mut playing = host.activate(RATE_HZ, BLOCK_SAMPLES)?;
        let (costs, _) = while_playing(&mut playing, &audio, RATE_HZ, |host| {
            wait(host, Duration::from_secs(12));
            let mut costs = vec![("closed, music", measure(host, None, secs)?)];
            let editor = Editor::open(host, &display)?;
            wait(host, Duration::from_secs(1));
            // The keyboard is where the pointer is.
            editor.point_at_ground()?;
            for (name, key) in PAGES.into_iter().filter(|(name, _)| is_wanted(name)) {
                display.press(key)?;
                wait(host, Duration::from_secs(1));
                costs.push((name, measure(host, Some(&editor), secs)?));
            }
            editor.close(host)?;
            anyhow::Ok(costs)
        })?;
        drop(playing);
        drop(host);
        for (name, cost) in costs? {
            let empty =
                if cost.frames > 0.0 { Some(empty(&display, cost.frames, secs)?) } else { None };
            row(name, cost, empty);
        }
        Ok(())
    }

    fn row(name: &str, cost: Cost, empty: Option<Cost>) {
        let percent = |part: f64| format!("{:.1} %", 100.0 * part);
        let [of_empty, more] = match empty {
            Some(empty) => {
                // It does not paint exactly as often.
                let alike = empty.of_a_core * cost.frames / empty.frames.max(1e-9);
                [percent(alike), percent(cost.of_a_core - alike)]
            }
            None => [String::new(), String::new()],
        };
        let [window, filling] = [cost.of_a_core, cost.filling].map(percent);
        println!("{name:16} {:8.1} {window:>8} {filling:>9} {of_empty:>8} {more:>8}", cost.frames);
    }

    fn measure(host: &mut Host, editor: Option<&Editor>, secs: f64) -> Result<Cost> {
        let painted = editor.map(Editor::painted).transpose()?;
        over(painted, || wait(host, Duration::from_secs_f64(secs)))
    }

    /// What `during` costs.
    fn over(mut painted: Option<Painted>, during: impl FnOnce()) -> Result<Cost> {
        let (began, before) = (Instant::now(), busy_secs()?);
        during();
        let (after, secs) = (busy_secs()?, began.elapsed().as_secs_f64());
        let frames = painted.as_mut().map_or(Ok(0.0), Painted::n_frames)?;
        let [of_a_core, filling] = [0, 1].map(|i| (after[i] - before[i]) / secs);
        Ok(Cost { frames: frames / secs, of_a_core, filling })
    }

    /// An empty window that paints `frames` a second.
    fn empty(display: &Display, frames: f64, secs: f64) -> Result<Cost> {
        let size = LogicalSize::new(f64::from(DEFAULT_SIZE.0), f64::from(DEFAULT_SIZE.1));
        let settings = EguiWindowSettings::new().with_size(size);
        let app = Empty { period: Duration::from_secs_f64(1.0 / frames) };
        let window = EguiWindow::create(settings, app).map_err(told)?;
        window.show().map_err(told)?;
        std::thread::sleep(Duration::from_secs(1));
        let size = (DEFAULT_SIZE.0 as u16, DEFAULT_SIZE.1 as u16);
        let id = *display.top_windows(size)?.first().context("no empty window")?;
        let cost = over(Some(display.painted(id)?), || {
            std::thread::sleep(Duration::from_secs_f64(secs));
        });
        window.close();
        std::thread::sleep(Duration::from_millis(500));
        cost
    }

    /// baseview's errors cannot leave their thread; their words can.
    fn told(error: nice_plug_egui::baseview::Error) -> anyhow::Error {
        anyhow::anyhow!("{error}")
    }

    /// Seconds that the window's threads have run so far, and those among them that fill pixels.
    fn busy_secs() -> Result<[f64; 2]> {
        let mut nanos = [0, 0];
        for task in std::fs::read_dir("/proc/self/task")?.flatten() {
            let id = task.file_name().to_string_lossy().into_owned();
            let read = |name: &str| std::fs::read_to_string(task.path().join(name));
            // A thread may end meanwhile.
            let (Ok(name), Ok(schedstat)) = (read("comm"), read("schedstat")) else { continue };
            let is_main = id == std::process::id().to_string();
            if !is_main && !OTHERS.contains(&name.trim()) {
                let busy = schedstat.split(' ').next().map_or(Ok(0), str::parse::<u64>)?;
                nanos[0] += busy;
                nanos[1] += if name.starts_with(RASTERISER) { busy } else { 0 };
            }
        }
        Ok(nanos.map(|nanos| nanos as f64 * 1e-9))
    }
}
