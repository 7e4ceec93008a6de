//! Pictures held against those that are kept in `tests/snapshots`.
//!
//! After a change that was meant: `MOODRING_SNAPSHOTS=update cargo test --test editor`, then look
//! at every picture that changed.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;

/// Difference of a channel that is rounding: the triangles are filled in floating point, which
/// another machine may contract.
const ROUNDING: u8 = 3;

/// Pixels that may differ by more: edges that fall between two pixels. One letter has fifty.
const MOST_PIXELS: usize = 8;

/// Pixels that differ by more than rounding; all of them where the sizes differ.
fn n_different(a: &RgbImage, b: &RgbImage) -> usize {
    if a.dimensions() != b.dimensions() {
        return a.pixels().count();
    }
    let differs = |(a, b): (&image::Rgb<u8>, &image::Rgb<u8>)| {
        a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > ROUNDING)
    };
    a.pixels().zip(b.pixels()).filter(|pair| differs(*pair)).count()
}

/// What is wrong with `picture`, held against the one that is kept as `name`; a kept one is written
/// anew where the user says so.
pub fn check(name: &str, picture: &RgbImage) -> Result<(), String> {
    let kept_at = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    let kept_at = kept_at.with_extension("png");
    let kept = image::open(&kept_at).map(|kept| kept.to_rgb8());
    let found = match &kept {
        Ok(kept) => n_different(kept, picture),
        Err(_) => usize::MAX,
    };
    if found <= MOST_PIXELS {
        return Ok(());
    }
    if std::env::var_os("MOODRING_SNAPSHOTS").is_some_and(|word| word == "update") {
        fs::create_dir_all(kept_at.parent().unwrap()).unwrap();
        picture.save(&kept_at).unwrap();
        return Ok(());
    }
    let folder = PathBuf::from("target/snapshots");
    fs::create_dir_all(&folder).unwrap();
    let new = folder.join(name).with_extension("png");
    picture.save(&new).unwrap();
    Err(match kept {
        Ok(_) => format!("{name}: {found} pixels differ; see {}", new.display()),
        Err(why) => {
            format!("{name}: nothing is kept to hold it against ({why}); see {}", new.display())
        }
    })
}

#[test]
fn a_letter_more_is_noticed_and_rounding_is_not() {
    let plain = RgbImage::from_pixel(40, 40, image::Rgb([20, 30, 40]));
    let mut rounded = plain.clone();
    rounded.pixels_mut().for_each(|pixel| pixel.0[0] += ROUNDING);
    assert_eq!(n_different(&plain, &rounded), 0);
    let mut dotted = plain.clone();
    (0..MOST_PIXELS as u32 + 1).for_each(|x| dotted.put_pixel(x, 7, image::Rgb([255, 255, 255])));
    assert_eq!(n_different(&plain, &dotted), MOST_PIXELS + 1);
    assert_eq!(n_different(&plain, &RgbImage::new(40, 41)), 1600);
}
