//! `cargo xtask train`: from a folder of music and its labels to a model.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::python;
use crate::repo::{Repo, output, run, words};
use crate::system::{self, For};

/// Names a folder with `audio/` and `labels.csv` for [`check`] to train on.
const COLLECTION: &str = "MOODRING_COLLECTION";

/// Songs, folds and epochs of the check: enough to go through every part, few enough for minutes.
const CHECK_OPTIONS: &str =
    "--songs 40 --folds 2 --epochs 2 --members 2 --hidden 16 --batch 16 --space tense/relaxed:135";

/// Runs the verb: the options are those of models/train.py, which `--help` lists.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    system::ensure(&[For::Building, For::Python])?;
    run(command(repo)?.args(args))
}

/// Runs `cargo xtask steadiness`: the options are those of models/steadiness.py.
pub fn run_steadiness_verb(repo: &Repo, args: &[String]) -> Result<()> {
    system::ensure(&[For::Building, For::Python])?;
    let requirements = Path::new("models/requirements-steadiness.txt");
    let python = python::environment(repo, "venv-steadiness", requirements)?;
    run(script(repo, &python, "models/steadiness.py")?.args(args))
}

/// Trains on 40 songs as a user would, goes on where that was stopped, and reads a song with the
/// model.
pub fn check(repo: &Repo) -> Result<()> {
    let python = environment(repo)?;
    run(Command::new(python).args(["-m", "unittest", "discover", "--start-directory", "models"]))?;
    let Some(collection) = std::env::var_os(COLLECTION).map(PathBuf::from) else {
        println!("no music to train on: set {COLLECTION} to a folder with audio/ and labels.csv");
        return Ok(());
    };
    let (audio, labels) = (collection.join("audio"), collection.join("labels.csv"));
    let work = repo.target.join("train/check");
    if work.exists() {
        std::fs::remove_dir_all(&work).context("cannot clear the work folder")?;
    }
    let stem = work.join("few");
    let train = || -> Result<Command> {
        let mut train = command(repo)?;
        train.arg("--audio").arg(&audio).arg("--labels").arg(&labels);
        train.arg("--out").arg(&stem).arg("--work").arg(&work).args(CHECK_OPTIONS.split(' '));
        println!("> {}", words(&train));
        Ok(train)
    };
    run(&mut train()?)?;
    let weights = std::fs::read(stem.with_extension("onnx"))?;
    let again = output(&mut train()?)?;
    // Two folds, and of the final fit two networks and the kernel machine.
    for done in ["2 of 2 fits are done already", "3 of 3 fits are done already"] {
        ensure!(again.contains(done), "it began anew:\n{again}");
    }
    let same = std::fs::read(stem.with_extension("onnx"))? == weights;
    ensure!(same, "going on gave other weights");
    for left in ["few-cv.md", "few-cv.png"] {
        ensure!(work.join(left).exists(), "it left no {left}");
    }
    let song = std::fs::read_dir(&audio)?.next().context("no audio")??.path();
    let mut analyse = Command::new(cli(repo, "debug"));
    analyse.arg("analyse").arg(song).arg("--model").arg(stem.with_extension("onnx"));
    let readings = output(&mut analyse)?;
    ensure!(readings.contains("\"tense\":0."), "the model does not read:\n{readings}");
    Ok(())
}

fn environment(repo: &Repo) -> Result<PathBuf> {
    python::environment(repo, "venv-train", Path::new("models/requirements.txt"))
}

/// The command line as it was built in a profile's folder.
pub fn cli(repo: &Repo, profile: &str) -> PathBuf {
    repo.target.join(profile).join(format!("moodring-cli{}", std::env::consts::EXE_SUFFIX))
}

fn command(repo: &Repo) -> Result<Command> {
    script(repo, &environment(repo)?, "models/train.py")
}

/// A script that needs the command line, in the folder where the user stood, so that paths mean
/// what was typed.
fn script(repo: &Repo, python: &Path, script: &str) -> Result<Command> {
    run(Command::new("cargo").args("build --package moodring --bin moodring-cli".split(' ')))?;
    let mut command = Command::new(python);
    command.current_dir(repo.as_typed("")).arg(repo.root.join(script));
    command.arg("--cli").arg(cli(repo, "debug")).arg("--target").arg(&repo.target);
    Ok(command)
}
