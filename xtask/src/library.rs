//! Checks of the library as others get it: documented, packaged, and built with the oldest compiler
//! that it says it needs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;

use crate::repo::{Repo, output, run, words};

/// What others can build on: everything but the plugin and the command line.
const FACE: &str = "decode,engine,plot";

/// Documents the crate with its defaults, and as others see it, without a warning.
pub fn document(_: &Repo) -> Result<()> {
    for features in [&[][..], &["--no-default-features", "--features", FACE]] {
        let mut command = Command::new("cargo");
        command.args(["doc", "--package", "moodring", "--no-deps"]).args(features);
        shown(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(())
}

/// Packages the crate and builds the core from nothing but what is in the package.
pub fn package(repo: &Repo) -> Result<()> {
    // Cargo's own check would build all dependencies once more, in a folder of their own.
    let mut command = Command::new("cargo");
    command.args(["package", "--package", "moodring", "--allow-dirty", "--no-verify", "--quiet"]);
    shown(&mut command)?;
    let name = format!("moodring-{}", package_of(repo)?.version);
    let folder = repo.target.join("package");
    let unpacked = folder.join(&name);
    if unpacked.exists() {
        std::fs::remove_dir_all(&unpacked).context("cannot remove the package before")?;
    }
    let mut command = Command::new("tar");
    command.arg("-xzf").arg(folder.join(format!("{name}.crate"))).arg("-C").arg(&folder);
    shown(&mut command)?;
    resolve_readme(repo, &folder, &name)?;
    for features in ["", FACE] {
        let mut command = Command::new("cargo");
        command.args(["check", "--lib", "--no-default-features", "--features", features]);
        command.arg("--manifest-path").arg(unpacked.join("Cargo.toml"));
        shown(command.arg("--target-dir").arg(&repo.target))?;
    }
    Ok(())
}

/// Has Cargo resolve the line by which the README would have others depend on the crate, beside
/// the package `name` in `folder`. Its program is a test of the crate's documentation.
fn resolve_readme(repo: &Repo, folder: &Path, name: &str) -> Result<()> {
    let readme = std::fs::read_to_string(repo.root.join("README.md")).context("no README")?;
    let line = readme.lines().find(|line| line.starts_with("moodring = {"));
    let line = line.context("the README has no line for a Cargo.toml")?;
    ensure!(line.contains("\"../moodring\""), "the README's line names no clone beside: {line}");
    let project = folder.join("readme");
    std::fs::create_dir_all(project.join("src")).context("cannot make a project")?;
    let manifest = format!(
        "[package]\nname = \"readme\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}\n",
        line.replace("../moodring", &format!("../{name}"))
    );
    let manifest_path = project.join("Cargo.toml");
    std::fs::write(&manifest_path, manifest).context("cannot make a project")?;
    std::fs::write(project.join("src/main.rs"), "fn main() {}\n")
        .context("cannot make a project")?;
    std::fs::copy(repo.root.join("Cargo.lock"), project.join("Cargo.lock")).context("no lock")?;
    let metadata = MetadataCommand::new().manifest_path(&manifest_path).exec();
    let packages = metadata.context("the README's line does not resolve")?.packages;
    ensure!(packages.iter().any(|package| package.name.as_str() == "moodring"), "no moodring");
    ensure!(
        packages.iter().all(|package| package.name.as_str() != "egui"),
        "the README's library brings a window along"
    );
    Ok(())
}

/// Builds the core with the compiler that `rust-version` names.
pub fn check_rust_version(repo: &Repo) -> Result<()> {
    let oldest = package_of(repo)?.rust_version.context("Cargo.toml names no rust-version")?;
    let oldest = format!("{}.{}.{}", oldest.major, oldest.minor, oldest.patch);
    let ours = output(Command::new("rustc").arg("--version"))?;
    if ours.split_whitespace().nth(1) == Some(&oldest) {
        println!("this is Rust {oldest} itself: every other step has built with it");
        return Ok(());
    }
    if output(Command::new("rustup").args(["run", &oldest, "rustc", "--version"])).is_err() {
        shown(Command::new("rustup").args([
            "toolchain",
            "install",
            &oldest,
            "--profile",
            "minimal",
        ]))
        .with_context(|| format!("Rust {oldest} is needed to check that it is enough"))?;
    }
    let mut command = Command::new("rustup");
    command.args(["run", &oldest, "cargo", "check", "--package", "moodring", "--lib"]);
    command.arg("--no-default-features");
    shown(command.arg("--target-dir").arg(repo.target.join("rust-version")))
}

fn package_of(repo: &Repo) -> Result<cargo_metadata::Package> {
    let manifest: &Path = &repo.root.join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec();
    let packages = metadata.context("cargo metadata failed")?.packages;
    let ours = packages.into_iter().find(|package| package.name.as_str() == "moodring");
    let ours = ours.context("there is no package moodring")?;
    ensure!(ours.description.is_some() && ours.license.is_some(), "a package says what it is");
    Ok(ours)
}

fn shown(command: &mut Command) -> Result<()> {
    println!("> {}", words(command));
    run(command)
}
