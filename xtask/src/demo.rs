//! `cargo xtask demo`: bundles the plugin, plays music through the bundle in a headless host, and
//! shows the meter.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::repo::{Repo, run};
use crate::system::{self, For};
use crate::{bundle, piece, readings};

/// Runs the verb: `[AUDIO] [--fast] [options of the example]`.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("usage: cargo xtask demo [AUDIO] [--fast] [options of examples/demo.rs]");
        return Ok(());
    }
    system::ensure(&[For::Building])?;
    let (audio, options) = split(args);
    play(repo, audio.map(|path| repo.as_typed(path)).as_deref(), &options)?;
    let out = repo.demo_dir();
    println!();
    for name in ["readings.csv", "mood.png"] {
        println!("{}", repo.short(&out.join(name)).display());
    }
    Ok(())
}

/// The demo as a test: the piece at full speed; then the files must be there and the readings must
/// follow the sections.
pub fn check(repo: &Repo) -> Result<()> {
    play(repo, None, &["--fast".into()])?;
    let out = repo.demo_dir();
    let readings = read(&out.join("readings.csv"))?;
    let sections = read(&out.join("sections.csv"))?;
    readings::follow_sections(&readings, &sections)?;
    let picture = std::fs::read(out.join("mood.png")).context("the demo left no mood.png")?;
    ensure!(picture.starts_with(b"\x89PNG"), "mood.png is no PNG");
    ensure!(picture.len() > SMALLEST_PICTURE_BYTES, "mood.png has only {} bytes", picture.len());
    Ok(())
}

/// An empty diagram compresses to less.
const SMALLEST_PICTURE_BYTES: usize = 10_000;

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("the demo left no {}", path.display()))
}

fn play(repo: &Repo, audio: Option<&Path>, options: &[String]) -> Result<()> {
    let out = repo.demo_dir();
    let wav = match audio {
        Some(path) if path.is_file() => path.to_owned(),
        Some(path) => bail!("no such file: {}", path.display()),
        None => piece::default_path(repo),
    };
    let sections = piece::sections_path(&wav);
    if audio.is_none() {
        piece::write(&wav)?;
    }
    bundle(&["moodring".into()])?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "moodring", "--example", "demo", "--"]);
    command.arg("--plugin").arg(repo.bundled("clap")).arg("--audio").arg(&wav);
    if audio.is_none() {
        command.arg("--sections").arg(sections);
    }
    // All that is in this folder was built.
    run(command.arg("--out").arg(out).arg("--force").args(options))
}

/// The audio file, if one is named first or after `--fast`, and everything else.
fn split(args: &[String]) -> (Option<&str>, Vec<String>) {
    let n_fast = args.iter().take_while(|arg| *arg == "--fast").count();
    match args.get(n_fast).filter(|arg| !arg.starts_with('-')) {
        Some(audio) => (Some(audio), [&args[..n_fast], &args[n_fast + 1..]].concat()),
        None => (None, args.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_words(line: &str) -> (Option<String>, String) {
        let args: Vec<String> = line.split_whitespace().map(String::from).collect();
        let (audio, rest) = split(&args);
        (audio.map(String::from), rest.join(" "))
    }

    #[test]
    fn the_audio_file_may_stand_before_or_after_fast() {
        let expected = (Some("a.mp3".into()), "--fast".into());
        assert_eq!(split_words("a.mp3 --fast"), expected);
        assert_eq!(split_words("--fast a.mp3"), expected);
        assert_eq!(split_words("--fast"), (None, "--fast".into()));
    }

    #[test]
    fn values_of_other_options_are_no_audio_file() {
        assert_eq!(split_words("--block 64"), (None, "--block 64".into()));
        assert_eq!(split_words("a.wav --block 64"), (Some("a.wav".into()), "--block 64".into()));
    }
}
