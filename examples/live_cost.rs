//! What leaves the plugin live: how long after a reading it arrives, and what the thread that sends
//! it costs.
//!
//! ```text
//! cargo run --example live_cost [SECS]        default: 20 seconds a row
//! ```
//!
//! Readings come as often as from music. OSC goes to a socket of this program, the page to a
//! WebSocket of it; both are asked for by turns and together.

// In a program that measures, a panic is the message.
#![allow(clippy::unwrap_used)]

#[cfg(target_os = "linux")]
#[path = "../tests/support/osc.rs"]
mod osc;
#[cfg(target_os = "linux")]
#[path = "../tests/support/viewer.rs"]
mod viewer;

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
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use anyhow::{Context, Result};
    use moodring::engine::monitor::{Monitor, Publisher};
    use moodring::live::settings::{OscSettings, PageSettings};
    use moodring::live::{Action, Asks, Desk, LIVE_THREAD, Live};
    use moodring::model::shipped_facts;
    use moodring::reading::{Phase, Reading};

    use crate::osc::Peer;
    use crate::viewer::Viewer;

    /// Time between readings: 8 frames of 1024 samples at 44.1 kHz.
    const READING: Duration = Duration::from_millis(186);

    struct Nobody;

    impl Desk for Nobody {
        fn asks(&self) -> Asks {
            Asks::default()
        }

        fn act(&self, _action: Action) {}
    }

    /// Measures every row.
    pub fn main() -> Result<()> {
        let secs = std::env::args().nth(1).map_or(Ok(20.0), |secs| secs.parse())?;
        println!("| sent | of a core | OSC after, ms (median, worst) | page after, ms |");
        println!("|---|---:|---:|---:|");
        for (name, rate_hz, shows) in [
            ("OSC with every reading", Some(0), false),
            ("OSC 30 times a second", Some(30), false),
            ("OSC 60 times a second", Some(60), false),
            ("page", None, true),
            ("OSC 30 times a second, page", Some(30), true),
        ] {
            row(name, rate_hz, shows, secs)?;
        }
        Ok(())
    }

    fn row(name: &str, rate_hz: Option<u8>, shows: bool, secs: f64) -> Result<()> {
        let monitor = Arc::new(Monitor::default());
        monitor.set_model(shipped_facts());
        let mut publisher = Publisher::new(&monitor);
        let live = Live::new(Arc::clone(&monitor), Arc::new(Nobody));
        let (mut peer, mut viewer) = (Peer::new(), Viewer::new());
        if let Some(rate_hz) = rate_hz {
            let settings: OscSettings = serde_json::from_value(peer.settings(rate_hz))?;
            live.set_osc(settings);
        }
        if shows {
            let settings: PageSettings = serde_json::from_value(viewer.settings())?;
            live.set_page(settings);
        }
        live.open();
        if shows {
            viewer.come();
        }
        std::thread::sleep(Duration::from_millis(200));
        let (began, before) = (Instant::now(), busy_secs()?);
        let mut after = [Vec::new(), Vec::new()];
        for number in 0.. {
            let at = began + READING * number;
            if at.duration_since(began).as_secs_f64() >= secs {
                break;
            }
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            // Every reading a share of its own, by which it is known again.
            let share = 0.001 * (number % 900 + 50) as f32;
            let mut reading = Reading { phase: Phase::Live, n_spaces: 2, ..Reading::default() };
            (reading.time_secs, reading.heard_secs) =
                (READING.as_secs_f64() * f64::from(number), 10.0);
            reading.shares[..2].copy_from_slice(&[share, 1.0 - share]);
            publisher.publish(&reading.into());
            let published = Instant::now();
            let mut waits = [rate_hz.is_some(), shows];
            while waits.contains(&true) && published.elapsed() < READING * 9 / 10 {
                peer.hear();
                viewer.look();
                let is_it =
                    |raw: Option<f64>| raw.is_some_and(|r| (r - f64::from(share)).abs() < 1e-4);
                let heard = peer.numbers("/moodring/excited/raw").last().map(|raw| f64::from(*raw));
                for (i, newest) in [heard, viewer.newest_raw()].into_iter().enumerate() {
                    if waits[i] && is_it(newest) {
                        after[i].push(published.elapsed().as_secs_f64() * 1e3);
                        waits[i] = false;
                    }
                }
                std::thread::sleep(Duration::from_micros(300));
            }
        }
        let of_a_core = (busy_secs()? - before) / began.elapsed().as_secs_f64();
        let [osc, page] = after.map(|mut after| {
            after.sort_by(f64::total_cmp);
            match after[..] {
                [] => String::new(),
                [.., worst] => format!("{:.0}, {worst:.0}", after[after.len() / 2]),
            }
        });
        println!("| {name} | {:.2} % | {osc} | {page} |", 100.0 * of_a_core);
        Ok(())
    }

    /// Seconds that the thread has run so far.
    fn busy_secs() -> Result<f64> {
        for task in std::fs::read_dir("/proc/self/task")?.flatten() {
            let read = |name: &str| std::fs::read_to_string(task.path().join(name));
            let (Ok(name), Ok(schedstat)) = (read("comm"), read("schedstat")) else { continue };
            if name.trim() == LIVE_THREAD {
                let busy = schedstat.split(' ').next().context("no time")?;
                return Ok(busy.parse::<u64>()? as f64 * 1e-9);
            }
        }
        Ok(0.0)
    }
}
