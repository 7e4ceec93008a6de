//! `cargo xtask piece`: the demo piece, about a minute of music that the repository makes itself.
//!
//! It is calm and sad first, then builds, then is excited and joyful, so that a mood meter has
//! something to follow. Every sound is synthesised here, and every run gives the same samples:
//! nothing is recorded, nothing is licensed from anyone.
//!
//! Where `--out` names files that hold something else, they are left as they are.
//!
//! [`score`] says which notes sound when, [`drums`] and [`voices`] how they sound, [`mix`] how loud
//! and how far away.

mod drums;
mod mix;
mod score;
mod synth;
mod voices;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::repo::Repo;

/// Rate of the piece, Hz: that of a CD, so that the plugin has to resample as it mostly does.
pub const RATE_HZ: u32 = 44_100;

/// Rate of the piece as a float, for the synthesis.
pub const RATE: f32 = RATE_HZ as f32;

/// A part of the piece, and what a listener is expected to hear in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// First second.
    pub start_secs: f32,
    /// Where the next section begins.
    pub end_secs: f32,
    /// Its name; no commas.
    pub name: &'static str,
    /// How excited it should read: `low`, `mid` or `high`.
    pub expected_excited: &'static str,
    /// How joyful it should read: `low`, `mid` or `high`.
    pub expected_joy: &'static str,
}

/// The rendered piece.
pub struct Piece {
    /// Left and right, full scale at 1.
    pub frames: Vec<[f32; 2]>,
    /// The sections, which cover it without gaps.
    pub sections: Vec<Section>,
}

/// Makes the piece.
#[must_use]
pub fn render() -> Piece {
    Piece { frames: mix::render(&score::compose()), sections: score::SECTIONS.to_vec() }
}

/// Runs the verb: `[--out PATH]`.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    let wav = match args {
        [] => default_path(repo),
        [flag, path] if flag == "--out" => {
            let wav = PathBuf::from(path);
            ensure!(wav != sections_path(&wav), "{path} is what its sections are called");
            spare_others(&wav)?;
            wav
        }
        _ => bail!("usage: cargo xtask piece [--out PATH]"),
    };
    write(&wav)?;
    println!("{}\n{}", wav.display(), sections_path(&wav).display());
    Ok(())
}

/// Where the piece lies unless told otherwise.
pub fn default_path(repo: &Repo) -> PathBuf {
    repo.demo_dir().join("piece.wav")
}

/// Where the sections of the piece at `wav` lie: next to it.
pub fn sections_path(wav: &Path) -> PathBuf {
    wav.with_file_name("sections.csv")
}

/// Makes the piece and writes it, and its sections next to it.
pub fn write(wav: &Path) -> Result<()> {
    let piece = render();
    if let Some(folder) = wav.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    write_wav(wav, &piece.frames).with_context(|| format!("cannot write {}", wav.display()))?;
    let sections = sections_path(wav);
    std::fs::write(&sections, sections_csv(&piece.sections))
        .with_context(|| format!("cannot write {}", sections.display()))
}

/// Whether nothing but the piece and its sections would be replaced.
fn spare_others(wav: &Path) -> Result<()> {
    let piece = render();
    let beside = sections_path(wav);
    let ours = |path: &Path, content: &[u8]| match std::fs::read(path) {
        Ok(there) => there.is_empty() || there == content,
        Err(_) => !path.exists(),
    };
    for (path, content) in
        [(wav, wav_bytes(&piece.frames)?), (&beside, sections_csv(&piece.sections).into_bytes())]
    {
        let is_ours = ours(path, &content);
        ensure!(is_ours, "{} holds something else; choose another name", path.display());
    }
    Ok(())
}

fn write_wav(path: &Path, frames: &[[f32; 2]]) -> Result<()> {
    Ok(std::fs::write(path, wav_bytes(frames)?)?)
}

fn wav_bytes(frames: &[[f32; 2]]) -> Result<Vec<u8>> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec)?;
    for sample in frames.as_flattened() {
        writer.write_sample((sample * f32::from(i16::MAX)).round() as i16)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

fn sections_csv(sections: &[Section]) -> String {
    let mut csv = String::from("start_secs,end_secs,name,expected_excited,expected_joy\n");
    for s in sections {
        csv += &format!(
            "{:.3},{:.3},{},{},{}\n",
            s.start_secs, s.end_secs, s.name, s.expected_excited, s.expected_joy
        );
    }
    csv
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::sync::LazyLock;

    use super::*;

    static PIECE: LazyLock<Piece> = LazyLock::new(render);

    fn power_db(frames: &[[f32; 2]]) -> f32 {
        let sum: f64 = frames.as_flattened().iter().map(|x| f64::from(x * x)).sum();
        10.0 * (sum / (2 * frames.len()) as f64).log10() as f32
    }

    fn slice(section: &Section) -> &'static [[f32; 2]] {
        &PIECE.frames
            [(section.start_secs * RATE) as usize..(section.end_secs * RATE).round() as usize]
    }

    fn section(name: &str) -> &'static Section {
        PIECE.sections.iter().find(|s| s.name.contains(name)).expect("a section of that name")
    }

    /// Power above 2 kHz, dB re full scale.
    fn treble_db(frames: &[[f32; 2]]) -> f32 {
        let mut filter = synth::Filter::default();
        let treble = |frame: &[f32; 2]| [filter.next(frame[0], 2000.0, 0.7).high; 2];
        power_db(&frames.iter().map(treble).collect::<Vec<_>>())
    }

    #[test]
    fn lasts_about_a_minute() {
        let secs = PIECE.frames.len() as f32 / RATE;
        assert!((55.0..75.0).contains(&secs), "{secs} s");
    }

    #[test]
    fn peaks_one_decibel_below_full_scale() {
        let peak = PIECE.frames.as_flattened().iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        assert!((20.0 * peak.log10() + 1.0).abs() < 0.05, "peak {peak}");
    }

    #[test]
    fn sections_cover_it_without_gaps() {
        let sections = &PIECE.sections;
        assert_eq!(sections[0].start_secs, 0.0);
        assert!(sections.windows(2).all(|w| w[0].end_secs == w[1].start_secs));
        let end = sections.last().expect("sections").end_secs;
        assert_eq!((end * RATE).round() as usize, PIECE.frames.len());
        assert!(sections.iter().all(|s| !s.name.contains(',') && s.start_secs < s.end_secs));
    }

    #[test]
    fn never_falls_silent_before_its_end() {
        for (i, half_second) in PIECE.frames.chunks(RATE_HZ as usize / 2).enumerate() {
            assert!(power_db(half_second) > -55.0, "silent at {} s", i as f32 / 2.0);
        }
    }

    #[test]
    fn the_calm_part_is_much_softer_and_darker_than_the_joyful_one() {
        let (calm, joy) = (slice(section("calm")), slice(section("joyful")));
        let contrast_db = power_db(joy) - power_db(calm);
        assert!((11.0..16.0).contains(&contrast_db), "{contrast_db} dB");
        assert!(treble_db(joy) > treble_db(calm) + contrast_db + 6.0);
    }

    #[test]
    fn the_building_part_gets_louder_and_brighter() {
        let frames = slice(section("building"));
        let quarter = frames.len() / 4;
        let (first, last) = (&frames[..quarter], &frames[3 * quarter..]);
        assert!(power_db(last) > power_db(first) + 3.0);
        assert!(treble_db(last) > treble_db(first) + 6.0);
    }

    #[test]
    fn every_run_gives_the_same_samples() {
        let hash = |piece: &Piece| {
            let mut hasher = DefaultHasher::new();
            piece.frames.as_flattened().iter().for_each(|x| x.to_bits().hash(&mut hasher));
            hasher.finish()
        };
        assert_eq!(hash(&PIECE), hash(&render()));
    }

    #[test]
    fn only_the_piece_itself_is_replaced() {
        let folder = std::env::temp_dir().join(format!("moodring-piece-{}", std::process::id()));
        let wav = folder.join("piece.wav");
        write(&wav).expect("a piece");
        assert!(spare_others(&wav).is_ok());
        std::fs::write(sections_path(&wav), "mine").expect("a file");
        assert!(spare_others(&wav).is_err_and(|why| why.to_string().contains("sections.csv")));
        std::fs::remove_file(sections_path(&wav)).expect("a file");
        assert!(spare_others(&wav).is_ok());
        std::fs::write(&wav, "mine").expect("a file");
        assert!(spare_others(&wav).is_err_and(|why| why.to_string().contains("piece.wav")));
        std::fs::remove_dir_all(folder).expect("a folder");
    }

    #[test]
    fn sections_are_written_one_a_line() {
        let csv = sections_csv(&[Section {
            start_secs: 0.0,
            end_secs: 20.0,
            name: "calm",
            expected_excited: "low",
            expected_joy: "low",
        }]);
        assert_eq!(csv.lines().nth(1), Some("0.000,20.000,calm,low,low"));
    }
}
