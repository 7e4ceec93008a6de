//! `cargo xtask golden`: makes the golden arrays again, or checks that they are what librosa says.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::repo::{Repo, run};
use crate::system::{self, For};

/// Runs the verb: `[--check]`.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask golden [--check]"),
    };
    system::ensure(&[For::Python])?;
    let requirements = Path::new("tests/golden/requirements.txt");
    let python = crate::python::environment(repo, "venv-golden", requirements)?;
    let mut generate = Command::new(python);
    generate.args(["tests/golden/generate.py", "--out", "tests/data"]);
    if check {
        generate.arg("--check");
    }
    run(&mut generate)?;
    if check {
        println!("the golden arrays are what librosa makes of the signals");
    }
    Ok(())
}
