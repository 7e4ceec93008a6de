//! Paints the editor in every state, page, palette and a range of sizes, without a plugin, a host
//! or a display.
//!
//! ```text
//! cargo run --example preview [FOLDER]             default: target/preview
//! cargo run --example preview -- --sheet PNG       every page in four sizes, dark and light, on one sheet
//! ```

#[path = "../tests/support/offscreen.rs"]
mod offscreen;
#[path = "../tests/support/scenes.rs"]
mod scenes;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::{RgbImage, imageops};
use moodring::editor::window_ui;

use scenes::{Scene, pages, palettes, sheet, sizes, states};

/// Space between the pictures of a sheet, pixels, and its grey.
const GAP: u32 = 12;
const GREY: u8 = 128;

fn main() -> Result<()> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if let [word, path] = args.as_slice()
        && word == Path::new("--sheet")
    {
        return save(path, &on_a_sheet(&sheet()));
    }
    let folder = args.into_iter().next().unwrap_or_else(|| PathBuf::from("target/preview"));
    std::fs::create_dir_all(&folder)?;
    let large = states().remove(3).named("now-3840x2160").sized(3840.0, 2160.0, 1.0);
    for scene in [states(), pages(), palettes(), sizes(), vec![large]].into_iter().flatten() {
        save(&folder.join(&scene.name).with_extension("png"), &painted(&scene))?;
    }
    println!("{}", folder.display());
    Ok(())
}

fn painted(scene: &Scene) -> RgbImage {
    let mut ui_state = scene.ui_state();
    offscreen::paint(scene.size, scene.scale, |ui| window_ui(ui, &scene.view, &mut ui_state))
}

/// Rows of pictures, one under the other.
fn on_a_sheet(rows: &[Vec<Scene>]) -> RgbImage {
    let rows: Vec<Vec<RgbImage>> =
        rows.iter().map(|row| row.iter().map(painted).collect()).collect();
    let height = |row: &Vec<RgbImage>| row.iter().map(RgbImage::height).max().unwrap_or(0) + GAP;
    let width = |row: &Vec<RgbImage>| row.iter().map(|image| image.width() + GAP).sum::<u32>();
    let most = rows.iter().map(width).max().unwrap_or(0);
    let ground = image::Rgb([GREY; 3]);
    let mut sheet =
        RgbImage::from_pixel(most + GAP, rows.iter().map(height).sum::<u32>() + GAP, ground);
    let mut top = GAP;
    for row in &rows {
        let mut left = GAP;
        for picture in row {
            imageops::replace(&mut sheet, picture, i64::from(left), i64::from(top));
            left += picture.width() + GAP;
        }
        top += height(row);
    }
    sheet
}

fn save(path: &Path, picture: &RgbImage) -> Result<()> {
    picture.save(path).with_context(|| format!("cannot write {}", path.display()))
}
