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
    let mut peers = train::script(repo, &python, "benches/peers.py")?;
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        return run(peers.arg("--help"));
    }
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
    // The report belongs to the repository, wherever the user stands.
    run(peers.current_dir(&repo.root).arg("--many").arg(many).args(args))
}
