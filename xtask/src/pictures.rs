//! `cargo xtask pictures`: takes the documentation's pictures of the bundled plugin's window while
//! the demo piece ends, and paints every page in four sizes, dark and light, on one sheet.

use std::process::Command;

use anyhow::{Result, bail};

use crate::repo::{Repo, run};
use crate::system::{self, For};
use crate::{bundle, piece};

/// Runs the verb; it takes no words.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("usage: cargo xtask pictures");
    }
    system::ensure(&[For::Building, For::Window])?;
    let wav = piece::default_path(repo);
    piece::write(&wav)?;
    bundle(&["moodring".into()])?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "moodring", "--example", "pictures", "--"]);
    command.arg("--plugin").arg(repo.bundled("clap")).arg("--audio").arg(&wav);
    let docs = repo.root.join("docs");
    run(command.arg("--out").arg(&docs))?;
    let mut sheet = Command::new("cargo");
    sheet.args(["run", "--quiet", "--package", "moodring", "--example", "preview", "--"]);
    run(sheet.arg("--sheet").arg(docs.join("sheet.png")))
}
