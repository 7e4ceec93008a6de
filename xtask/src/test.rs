//! `cargo xtask test`: everything that CI runs, in one list.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::repo::{Repo, run, words};
use crate::system::{self, For};
use crate::{bundle, demo, library, python, tidy, train};

/// One step.
struct Step {
    /// The word that runs this step alone.
    name: &'static str,
    /// What it shows.
    title: &'static str,
    action: Action,
}

enum Action {
    /// Cargo with these words, separated by single spaces.
    Cargo(&'static str),
    /// Something of ours.
    Ours(fn(&Repo) -> Result<()>),
}

use Action::{Cargo, Ours};

/// To add a step, add a line.
///
/// The order saves compiling: first what is quick to fail, then the checks, then the bundle, whose
/// build of the library serves all later steps. Every line that compiles dependencies selects one
/// package alone, never both, and the core alone comes with its tests: other selections switch
/// other features on in shared dependencies, and tract, which takes longer than all else together,
/// would be compiled once more (Cargo.toml says more under `dev-dependencies`).
const STEPS: [Step; 20] = [
    step("system", "the system has what is needed", Ours(has_system_needs)),
    step("fmt", "formatting", Cargo("fmt --all --check")),
    step("xtask", "tests of the repository's tasks", Cargo("test --package xtask")),
    step("tidy", "dependency direction, licences and files", Ours(is_tidy)),
    step("clippy", "lints", Cargo("clippy --package moodring --all-targets -- -D warnings")),
    step(
        "clippy-core",
        "lints, without plugin and command line",
        Cargo(
            "clippy --package moodring --no-default-features --lib --tests --examples -- -D warnings",
        ),
    ),
    step(
        "clippy-face",
        "lints, of all that other programs can build on",
        Cargo(
            "clippy --package moodring --no-default-features --features decode,engine,plot --lib -- -D warnings",
        ),
    ),
    step(
        "clippy-all",
        "lints, with all features",
        Cargo("clippy --package moodring --all-features --all-targets -- -D warnings"),
    ),
    step(
        "clippy-xtask",
        "lints of the repository's tasks",
        Cargo("clippy --package xtask --all-targets -- -D warnings"),
    ),
    step("doc", "documentation", Ours(library::document)),
    step("bundle", "the CLAP and VST3 bundles", Ours(bundles)),
    step("tests", "tests", Cargo("test --package moodring")),
    step(
        "tests-core",
        "tests, without plugin and command line",
        Cargo("test --package moodring --no-default-features --features internals"),
    ),
    step(
        "face",
        "the library as somebody else's program sees it",
        Cargo("test --package moodring --no-default-features --test face"),
    ),
    step("package", "the library as it would be published", Ours(library::package)),
    step("rust-version", "the oldest compiler that is enough", Ours(library::check_rust_version)),
    step(
        "alloc-check",
        "the CLAP in a host, aborting on any allocation in `process`",
        Ours(checks_allocations),
    ),
    step("demo", "the demo piece through the bundled CLAP", Ours(demo::check)),
    step("train", "a model fitted to 40 songs", Ours(train::check)),
    step("vst3", "the bundled VST3 in a Python host", Ours(hosts_vst3)),
];

const fn step(name: &'static str, title: &'static str, action: Action) -> Step {
    Step { name, title, action }
}

/// Runs the verb: `[STEP…]`.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<ExitCode> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print_usage();
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = args.iter().find(|arg| STEPS.iter().all(|step| step.name != **arg)) {
        print_usage();
        bail!("no step is called {unknown}");
    }
    let chosen = STEPS.iter().filter(|step| args.is_empty() || args.iter().any(|a| a == step.name));
    let n_chosen = chosen.clone().count();
    let begun = Instant::now();
    let mut n_passed = 0;
    let mut failed = None;
    for (i, step) in chosen.enumerate() {
        println!("\n=== {}/{n_chosen} {}: {} ===", i + 1, step.name, step.title);
        let step_begun = Instant::now();
        if let Err(error) = step.run(repo) {
            failed = Some((step, error));
            break;
        }
        n_passed += 1;
        println!("--- {} passed in {}", step.name, clock(step_begun.elapsed()));
    }
    println!("\nafter {}", clock(begun.elapsed()));
    if let Some((step, error)) = &failed {
        println!("{} failed: {error:#}", step.name);
        println!("to run this step again: cargo xtask test {}", step.name);
    }
    println!("{n_passed} passed, {} failed", u8::from(failed.is_some()));
    Ok(if failed.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print_usage() {
    println!("usage: cargo xtask test [STEP…]\n\nsteps, all of them if none is named:");
    for step in &STEPS {
        println!("  {:13} {}", step.name, step.title);
    }
}

impl Step {
    fn run(&self, repo: &Repo) -> Result<()> {
        match self.action {
            Cargo(line) => {
                // Where the tests that play through the plugin find it.
                let bundle = ("MOODRING_BUNDLE", repo.bundled("clap"));
                cargo(Command::new("cargo").envs([bundle]), line)
            }
            Ours(function) => function(repo),
        }
    }
}

fn cargo(command: &mut Command, line: &str) -> Result<()> {
    command.args(line.split(' '));
    println!("> {}", words(command));
    run(command)
}

fn has_system_needs(_: &Repo) -> Result<()> {
    system::ensure(&[For::Building, For::Checking, For::Python, For::Audio, For::Window])
}

fn is_tidy(repo: &Repo) -> Result<()> {
    tidy::run_verb(repo, &[])
}

fn bundles(repo: &Repo) -> Result<()> {
    bundle(&["moodring".into()])?;
    for extension in ["clap", "vst3"] {
        let bundled = repo.bundled(extension);
        ensure!(bundled.exists(), "no {}", bundled.display());
    }
    Ok(())
}

/// Plays through a build of the plugin whose wrapper aborts on an allocation in `process`.
fn checks_allocations(repo: &Repo) -> Result<()> {
    cargo(&mut Command::new("cargo"), "build --package moodring --lib --features alloc-check")?;
    let library =
        format!("{}moodring{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let folder = repo.target.join("alloc-check");
    let clap = folder.join("Moodring.clap");
    std::fs::create_dir_all(&folder)?;
    // A CLAP is the library itself; bundles around it are a matter of macOS.
    std::fs::copy(repo.target.join("debug").join(library), &clap)
        .context("cannot copy the plugin")?;
    let line = "test --package moodring --test host -- audio readings reset state";
    cargo(Command::new("cargo").env("MOODRING_BUNDLE", clap), line)
}

/// Runs every script in `tests/python`, each of which finds the bundle in `MOODRING_VST3`.
fn hosts_vst3(repo: &Repo) -> Result<()> {
    let folder = PathBuf::from("tests/python");
    let python = python::environment(repo, "venv", &folder.join("requirements.txt"))?;
    let entries = std::fs::read_dir(&folder).context("cannot read tests/python")?;
    let mut scripts: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    scripts.retain(|path| path.extension() == Some(OsStr::new("py")));
    scripts.sort();
    ensure!(!scripts.is_empty(), "no scripts in tests/python");
    for script in scripts {
        let mut command = Command::new(&python);
        command.arg(&script).env("MOODRING_VST3", repo.bundled("vst3"));
        println!("> {}", words(&command));
        run(&mut command)?;
    }
    Ok(())
}

/// Minutes and seconds.
fn clock(duration: Duration) -> String {
    let secs = duration.as_secs_f64();
    if secs < 60.0 {
        format!("{secs:.1} s")
    } else {
        format!("{} min {:02} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_names_of_their_own() {
        let mut names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn no_step_compiles_two_packages_together() {
        for step in &STEPS {
            if let Cargo(line) = step.action
                && !line.starts_with("fmt")
            {
                assert_eq!(line.matches("--package").count(), 1, "{line}");
            }
        }
    }

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(clock(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(clock(Duration::from_secs(125)), "2 min 05 s");
    }
}
