//! The mood of an audio file, as it goes and as a whole.
//!
//! ```sh
//! cargo run --no-default-features --features decode --example file -- SONG.mp3
//! ```

use std::error::Error;

use moodring::{Model, Wanted, read_file};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: file AUDIO")?;
    let model = Model::shipped()?;
    let words = |shares: &[f32]| {
        let shares = model.card().spaces.iter().zip(shares);
        let words = shares.map(|(space, share)| format!("{:.0} % {}", 100.0 * share, space.first));
        words.collect::<Vec<_>>().join(", ")
    };
    let wanted = Wanted { every_secs: 10.0, why: false };
    let summary = read_file(
        path.as_ref(),
        &model,
        wanted,
        |_, _| (),
        |reading, _| {
            println!("{:6.1} s: {}", reading.time_secs, words(reading.shares()));
        },
    )?;
    match summary.whole() {
        Some(whole) => println!("as a whole: {}", words(&whole.shares)),
        None => println!("too short or too silent to say"),
    }
    if let Some(missing) = summary.outcome.warning() {
        eprintln!("{missing}; the rest was read");
    }
    Ok(())
}
