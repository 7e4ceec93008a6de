//! `cargo xtask tidy`: what neither the compiler nor clippy sees.
//!
//! One crate with modules has no compiler to watch over the direction in which they know each other; this does instead.

mod dependencies;
mod direction;
mod files;
mod paths;
mod rules;

use anyhow::{Result, bail};

use crate::repo::Repo;

/// Runs the verb, which takes no arguments.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("usage: cargo xtask tidy");
    }
    let tracked = files::tracked(repo)?;
    let checks = [
        ("dependency direction", direction::check(repo, &tracked)?),
        ("files", files::check(repo, &tracked)?),
        ("the core alone", dependencies::check_core()?),
        ("one build of tract", dependencies::check_one_build()?),
        ("licences", dependencies::check_licences(repo)?),
    ];
    for (name, findings) in &checks {
        println!("{name}: {}", if findings.is_empty() { "tidy" } else { "untidy" });
        findings.iter().for_each(|finding| println!("  {finding}"));
    }
    match checks.iter().map(|(_, findings)| findings.len()).sum() {
        0_usize => Ok(()),
        n => bail!("untidy in {n} places"),
    }
}
