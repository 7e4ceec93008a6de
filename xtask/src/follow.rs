//! `cargo xtask follow`: how soon the meter follows a cut between songs, how still it stands within
//! one, and how long the tempo that it shows holds; writes `docs/follow.md`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::repo::Repo;
use crate::system::{self, For};

/// What stands above the tables.
const WORDS: &str = "\
# How soon it follows, and how still it stands

Written by `cargo xtask follow CLIPS…`, which anyone can run on music of their own. A cut joins the end of one clip to the start of another,
with nothing between them, where one is clearly read on one side of an axis and the other on the other. A reading is that of the last ten
seconds: at a cut it is half old, half new after five of them. The thin mark on each meter is the newest four seconds alone, read by the same
model with a doubt of its own, which is wider; it is sooner, and moves about twice as much while nothing changes, so that needle and
number stay with the ten seconds. *Slow* is left out: it is a mean over a phrase.

A tempo is clear, and shown in the footer, once nine in ten readings of the last four seconds agree within 3 % of their median, and until
fewer than six in ten do. Its time not shown includes the first seconds of every clip, in which none can be known.

";

/// Runs the verb: folders of clips.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    if args.is_empty() || args.iter().any(|arg| arg.starts_with('-')) {
        bail!("usage: cargo xtask follow CLIPS…, folders of songs or clips of 20 s and more");
    }
    system::ensure(&[For::Building])?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "moodring", "--example", "follow", "--"]);
    let output =
        command.args(args).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    ensure!(output.status.success(), "the example failed");
    let tables = String::from_utf8(output.stdout).context("tables in UTF-8")?;
    let path = repo.root.join("docs/follow.md");
    std::fs::write(&path, format!("{WORDS}{tables}")).context("cannot write the report")?;
    println!("{tables}\nin {}", path.display());
    Ok(())
}
