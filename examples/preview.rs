//! Paints the editor in every state, without a plugin, a host or a display.
//!
//! ```text
//! cargo run --example preview [FOLDER]        default: target/preview
//! ```

#[path = "../tests/support/offscreen.rs"]
mod offscreen;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use egui::vec2;
use moodring::editor::view::{Heard, ViewState};
use moodring::editor::{open_about, window_ui};
use moodring::engine::publish::Status;
use moodring::model::shipped_facts;
use moodring::reading::{Phase, Reading};

fn main() -> Result<()> {
    let folder =
        std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/preview"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    for (name, heard) in states() {
        save(&folder, name, &heard, (640.0, 400.0), 2.0)?;
    }
    let live = heard(Phase::Live, 10.0, [0.86, 0.71]);
    for (name, size, scale) in [
        ("size-320x200", (320.0, 200.0), 1.0),
        ("size-640x400", (640.0, 400.0), 1.0),
        ("size-1280x260", (1280.0, 260.0), 1.0),
        ("size-400x900", (400.0, 900.0), 1.0),
        ("size-3840x2160", (3840.0, 2160.0), 1.0),
    ] {
        save(&folder, name, &live, size, scale)?;
    }
    save_about(&folder)?;
    let mut broken = states().remove(6).1;
    broken.reading.phase = Phase::Waiting;
    save(&folder, "size-320x200-failed", &broken, (320.0, 200.0), 1.0)?;
    println!("{}", folder.display());
    Ok(())
}

/// The page on the shipped model.
fn save_about(folder: &std::path::Path) -> Result<()> {
    let view = ViewState::of(&heard(Phase::Live, 10.0, [0.86, 0.71]));
    let context = egui::Context::default();
    open_about(&context);
    let (picture, _) =
        offscreen::frame(&context, vec2(640.0, 400.0), 2.0, |ui| window_ui(ui, &view));
    let path = folder.join("about.png");
    picture.save(&path).with_context(|| format!("cannot write {}", path.display()))
}

fn states() -> Vec<(&'static str, Heard)> {
    let live = heard(Phase::Live, 10.0, [0.86, 0.71]);
    let failed = "The model file is damaged. Choose another model, or reinstall Moodring; your audio passes untouched.";
    let fallen = "Your model could not be used: it was made for 44100 Hz and this analysis runs at 22050 Hz. \
                  The shipped model reads instead. Retrain yours as models/README.md says.";
    vec![
        ("waiting", Heard { model: Arc::clone(&live.model), ..Heard::default() }),
        ("listening", heard(Phase::Listening, 4.3, [0.31, 0.62])),
        ("live", live.clone()),
        ("ambiguous", heard(Phase::Live, 10.0, [0.52, 0.18])),
        ("silent", heard(Phase::Silent, 10.0, [0.5, 0.5])),
        ("paused", Heard { is_stale: true, ..live.clone() }),
        ("failed", Heard { status: Status::Failed(failed.to_owned()), ..live.clone() }),
        ("fallen-back", Heard { status: Status::FallenBack(fallen.to_owned()), ..live.clone() }),
        ("extremes", heard(Phase::Live, 10.0, [0.0, 1.0])),
        (
            "overloaded",
            Heard { reading: Reading { overrun_samples: 4096, ..live.reading }, ..live },
        ),
    ]
}

fn heard(phase: Phase, heard_secs: f32, shares: [f32; 2]) -> Heard {
    let reading = Reading {
        phase,
        heard_secs,
        n_spaces: 2,
        shares: [shares[0], shares[1], 0.0, 0.0],
        bands: [shares[0], shares[1], 0.0, 0.0].map(|share| [0.8 * share, 0.75 * share + 0.25]),
        tempo_harmonic_bpm: 92.4,
        tempo_percussive_bpm: 124.1,
        energy_harmonic_db: -18.0,
        energy_percussive_db: -20.3,
        ..Reading::default()
    };
    let model = Arc::new(shipped_facts());
    Heard { reading, status: Status::Running, model, ..Heard::default() }
}

fn save(
    folder: &std::path::Path,
    name: &str,
    heard: &Heard,
    size: (f32, f32),
    scale: f32,
) -> Result<()> {
    let mut view = ViewState::of(heard);
    for meter in &mut view.meters {
        meter.needle = meter.share.unwrap_or(0.5);
    }
    let picture = offscreen::paint(vec2(size.0, size.1), scale, |ui| window_ui(ui, &view));
    let path = folder.join(name).with_extension("png");
    picture.save(&path).with_context(|| format!("cannot write {}", path.display()))
}
