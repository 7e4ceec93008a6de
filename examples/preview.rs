//! Paints the editor in every state, page, palette and a range of sizes, without a plugin, a host
//! or a display.
//!
//! ```text
//! cargo run --example preview [FOLDER]        default: target/preview
//! ```

#[path = "../tests/support/offscreen.rs"]
mod offscreen;
#[path = "../tests/support/scenes.rs"]
mod scenes;

use std::path::PathBuf;

use anyhow::{Context, Result};
use moodring::editor::window_ui;

use scenes::{Scene, pages, palettes, sizes, states};

fn main() -> Result<()> {
    let folder =
        std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/preview"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let large = states().remove(3).named("now-3840x2160").sized(3840.0, 2160.0, 1.0);
    for scene in [states(), pages(), palettes(), sizes(), vec![large]].into_iter().flatten() {
        save(&folder, &scene)?;
    }
    println!("{}", folder.display());
    Ok(())
}

fn save(folder: &std::path::Path, scene: &Scene) -> Result<()> {
    let mut ui_state = scene.ui_state();
    let picture =
        offscreen::paint(scene.size, scene.scale, |ui| window_ui(ui, &scene.view, &mut ui_state));
    let path = folder.join(&scene.name).with_extension("png");
    picture.save(&path).with_context(|| format!("cannot write {}", path.display()))
}
