//! Repository tasks: `cargo xtask VERB`.

mod demo;
mod follow;
mod golden;
mod library;
mod peers;
mod pictures;
mod piece;
mod python;
mod readings;
mod reliability;
mod repo;
mod system;
mod test;
mod tidy;
mod train;

use std::process::ExitCode;

use anyhow::Result;

use crate::repo::Repo;

const USAGE: &str = "\
usage: cargo xtask VERB …

  demo [AUDIO] [--fast]   bundle the plugin, play AUDIO (default: a piece made here) through it in a headless host,
                          show the meter; leaves target/demo/{readings.csv,mood.png}
  train …                 fit a model to a folder of music and its labels: quantised, judged, documented; `train --help` teaches
  steadiness …            how far a model's readings move when nothing changes that matters; `steadiness --help` teaches
  follow CLIPS…           how soon the meter follows a cut, how still it stands, how long a tempo holds; writes docs/follow.md
  peers [AUDIO]           what the analysis costs beside librosa, Essentia and onnxruntime; writes docs/performance.md
  reliability             what was tried that goes wrong elsewhere, and what comes of it; writes docs/reliability.md
  test [STEP…]            everything that CI runs; `test --help` lists the steps
  tidy                    dependency direction, licences, stray files
  piece [--out PATH]      make the demo piece
  pictures                take the pictures of the window in docs while that piece ends
  golden [--check]        make the golden arrays of the tests again with librosa, or compare them
  bundle moodring [--release]
                          make the CLAP and VST3 bundles in target/bundled

demo, follow, train, peers, pictures, reliability, test and golden first install what the system lacks where they may, and otherwise say what to install.
Any other verb is nice-plug's: bundle-universal, known-packages.";

fn main() -> ExitCode {
    match dispatch() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = match args.as_slice() {
        [] => ("--help", &[][..]),
        [verb, rest @ ..] => (verb.as_str(), rest),
    };
    if matches!(verb, "--help" | "-h" | "help") {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let repo = Repo::enter()?;
    match verb {
        "demo" => demo::run_verb(&repo, rest)?,
        "follow" => follow::run_verb(&repo, rest)?,
        "golden" => golden::run_verb(&repo, rest)?,
        "peers" => peers::run_verb(&repo, rest)?,
        "piece" => piece::run_verb(&repo, rest)?,
        "pictures" => pictures::run_verb(&repo, rest)?,
        "reliability" => reliability::run_verb(&repo)?,
        // What it was called at first.
        "steadiness" | "steady" => train::run_steadiness_verb(&repo, rest)?,
        "test" => return test::run_verb(&repo, rest),
        "train" => train::run_verb(&repo, rest)?,
        "tidy" => tidy::run_verb(&repo, rest)?,
        _ => nice_plug_xtask::main_with_args("cargo xtask", args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Bundles packages in the dev profile, the one that tests and demo use, so that nothing is
/// compiled twice.
fn bundle(packages: &[String]) -> Result<()> {
    let verb = std::iter::once("bundle".to_owned());
    nice_plug_xtask::main_with_args("cargo xtask", verb.chain(packages.iter().cloned()))
}
