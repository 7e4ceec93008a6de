//! Takes the documentation's pictures: the bundled plugin's window on a server without a screen,
//! while a song ends.
//!
//! ```text
//! cargo run --example pictures -- --plugin target/bundled/Moodring.clap --audio song.wav --out docs
//! ```
//!
//! Leaves `now.png`, `then.png`, `why.png` and `stage.png`, two pixels a point. `cargo xtask
//! pictures` does all of it.

#[cfg(target_os = "linux")]
#[path = "../tests/support/display.rs"]
mod display;
#[cfg(target_os = "linux")]
#[path = "../tests/support/host.rs"]
mod host;
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
    eprintln!("the pictures are taken on Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::PathBuf;
    use std::time::Duration;

    use anyhow::{Context, Result, ensure};
    use clap::Parser;
    use moodring::decode;
    use moodring::prefs::DEFAULT_SIZE;

    use crate::display::Display;
    use crate::host::Host;
    use crate::tape::{BLOCK_SAMPLES, while_playing};
    use crate::window::{Editor, wait};

    /// Pixels a point.
    const SCALE: f64 = 2.0;

    /// The end of the song, which is played in real time: longer than it takes to take the
    /// pictures.
    const LIVE_SECS: f64 = 26.0;

    /// Until ten seconds are heard, and somewhat more for the trail.
    const HEARD: Duration = Duration::from_secs(12);

    /// Until a page has all that it shows, and every needle rests.
    const SETTLED: Duration = Duration::from_secs(3);

    /// A picture, and the key that leads to what it shows.
    const PICTURES: [(&str, &str); 4] = [("now", "1"), ("then", "2"), ("why", "3"), ("stage", "f")];

    /// Takes pictures of the plugin's window while a song ends.
    #[derive(Parser)]
    struct Args {
        /// The bundled plugin, Moodring.clap.
        #[arg(long)]
        plugin: PathBuf,
        /// The music, stereo.
        #[arg(long)]
        audio: PathBuf,
        /// Folder for the pictures.
        #[arg(long)]
        out: PathBuf,
    }

    /// Paints every page over a song.
    pub fn main() -> Result<()> {
        let args = Args::parse();
        let song = decode::decode(&args.audio)?;
        let live = (LIVE_SECS * song.rate_hz) as usize;
        ensure!(
            song.channels.len() == 2 && song.channels[0].len() > live,
            "not {LIVE_SECS} s of stereo"
        );
        let begin_of_end = song.channels[0].len() - live;
        let part = |from: usize, to: usize| -> Vec<Vec<f32>> {
            song.channels.iter().map(|channel| channel[from..to].to_vec()).collect()
        };
        let display = Display::start((SCALE * 800.0) as u16, (SCALE * 500.0) as u16)?;
        // SAFETY: no other thread runs yet.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("DISPLAY", display.name());
        }
        let mut host = Host::load(&args.plugin)?;
        host.render_offline(true)?;
        let mut playing = host.activate(song.rate_hz, BLOCK_SAMPLES)?;
        playing.set_song_secs(Some(0.0));
        playing.play(&part(0, begin_of_end), std::iter::repeat(BLOCK_SAMPLES), |_| true)?;
        drop(playing);
        // Only live music is explained.
        host.render_offline(false)?;
        let mut playing = host.activate(song.rate_hz, BLOCK_SAMPLES)?;
        playing.set_song_secs(Some(begin_of_end as f64 / song.rate_hz));
        let end = part(begin_of_end, begin_of_end + live);
        let (pictures, _) =
            while_playing(&mut playing, &end, song.rate_hz, |host| take(host, &display))?;
        std::fs::create_dir_all(&args.out)?;
        for ((name, _), picture) in PICTURES.iter().zip(pictures?) {
            let path = args.out.join(name).with_extension("png");
            picture.save(&path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn take(host: &mut Host, display: &Display) -> Result<Vec<image::RgbImage>> {
        let editor = Editor::open_at_scale(host, display, SCALE)?;
        let size =
            [DEFAULT_SIZE.0, DEFAULT_SIZE.1].map(|points| (SCALE * f64::from(points)) as u32);
        ensure!(editor.size(host)? == (size[0], size[1]), "no window of {size:?} pixels");
        // The keyboard is where the pointer is; there, and nowhere near a tooltip.
        editor.point_at_ground()?;
        wait(host, HEARD);
        let picture = |(_, key)| {
            display.press(key)?;
            wait(host, SETTLED);
            editor.picture()
        };
        let pictures = PICTURES.into_iter().map(picture).collect();
        editor.close(host)?;
        pictures
    }
}
