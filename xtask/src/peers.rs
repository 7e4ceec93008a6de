//! `cargo xtask peers`: what the analysis costs beside librosa, Essentia and onnxruntime.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::repo::{Repo, run};
use crate::system::{self, For};
use crate::{bundle, piece, python, train};

/// Runs the verb: `[AUDIO] [options of benches/peers.py]`; without music, on the demo piece.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    system::ensure(&[For::Building, For::Python])?;
    let requirements = Path::new("benches/requirements-peers.txt");
    let python = python::environment(repo, "venv-peers", requirements)?;
    let mut peers = Command::new(python);
    peers.current_dir(&repo.root).arg("benches/peers.py");
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        return run(peers.arg("--help"));
    }
    // The script stands in the root, where the report belongs; the music is named from where the
    // user stands.
    let args: Vec<String> = args.iter().map(|arg| as_seen_from_root(repo, arg)).collect();
    let many = repo.target.join("many.json");
    bundle(&["moodring".into()])?;
    let line = "test --package moodring --test many -- a_hundred";
    run(Command::new("cargo")
        .args(line.split(' '))
        .env("MOODRING_BUNDLE", repo.bundled("clap"))
        .env("MOODRING_REPORT", &many))?;
    if args.first().is_none_or(|arg| arg.starts_with('-')) {
        piece::write(&piece::default_path(repo))?;
        peers.arg(piece::default_path(repo));
    }
    // What ships is measured, not what the tests use: its dependencies are optimised too.
    let line = "build --release --package moodring --bin moodring-cli";
    run(Command::new("cargo").args(line.split(' ')))?;
    run(peers.arg("--cli").arg(train::cli(repo, "release")).arg("--many").arg(many).args(args))
}

/// A file that the user named, as seen from the root; any other word as it is.
fn as_seen_from_root(repo: &Repo, arg: &str) -> String {
    let path = repo.as_typed(arg);
    if path.is_file() { path.display().to_string() } else { arg.to_owned() }
}
