//! Virtual environments for the Python beside the crate, kept until their requirements change.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::repo::{Repo, run};
use crate::system::python_of_this_system;

/// Makes the environment `name` under the target folder with the pinned `requirements`, and returns
/// its Python.
pub fn environment(repo: &Repo, name: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = repo.target.join(name);
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = std::fs::read_to_string(repo.root.join(requirements))
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let stamp = folder.join("installed-requirements.txt");
    let is_current = std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    if !is_current || !python.exists() {
        // From scratch: an environment that was left half made, or whose Python went away, repairs
        // itself this way.
        run(Command::new(python_of_this_system("python3"))
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        run(pip.arg(repo.root.join(requirements)))?;
        std::fs::write(&stamp, wanted)
            .with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(python)
}
