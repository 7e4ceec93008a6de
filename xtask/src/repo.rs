//! Where things are: the repository's root and the folders that cargo builds into.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;
use nice_plug_xtask::chdir_workspace_root;

/// The repository.
pub struct Repo {
    /// Its root; also the working directory of every verb.
    pub root: PathBuf,
    /// Where cargo builds: `target`, or wherever `CARGO_TARGET_DIR` or a configuration points.
    pub target: PathBuf,
    /// Where the user stood when calling.
    called_from: PathBuf,
}

impl Repo {
    /// Finds the repository and makes its root the working directory.
    pub fn enter() -> Result<Self> {
        let called_from = std::env::current_dir().context("no working directory")?;
        chdir_workspace_root()?;
        let root = std::env::current_dir().context("no working directory")?;
        let metadata = MetadataCommand::new().no_deps().exec().context("cargo metadata failed")?;
        let target = metadata.target_directory.into_std_path_buf();
        Ok(Self { root, target, called_from })
    }

    /// Where the demo leaves what it makes.
    pub fn demo_dir(&self) -> PathBuf {
        self.target.join("demo")
    }

    /// A bundle that `cargo xtask bundle moodring` made: `extension` is `clap` or `vst3`.
    pub fn bundled(&self, extension: &str) -> PathBuf {
        self.target.join("bundled").join(format!("Moodring.{extension}"))
    }

    /// A path that the user typed, seen from the root.
    pub fn as_typed(&self, path: &str) -> PathBuf {
        self.called_from.join(path)
    }

    /// A path as the user would type it from the root.
    pub fn short<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// Runs a program; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = words(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a program and returns what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = words(command);
    let output = command.output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as it would be typed.
pub fn words(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}
