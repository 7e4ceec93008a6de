//! `cargo xtask tidy`: what neither the compiler nor clippy sees.
//!
//! One crate with modules has no compiler to watch over the direction in which they know each
//! other; this does instead.

mod circles;
mod dependencies;
mod direction;
mod documented;
mod files;
mod paths;
mod rules;
mod sentences;

use anyhow::{Context, Result, bail};

use crate::repo::Repo;

/// A file of ours.
pub struct Source {
    /// Its path from the repository's root.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The tracked files that `is_wanted`, with what is in them.
fn read(repo: &Repo, tracked: &[String], is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Source>> {
    let wanted = tracked.iter().filter(|path| is_wanted(path));
    let source = |path: &String| {
        let text = std::fs::read_to_string(repo.root.join(path));
        let text = text.with_context(|| format!("cannot read {path}"))?;
        Ok(Source { path: path.clone(), text })
    };
    wanted.map(source).collect()
}

/// Runs the verb, which takes no arguments.
pub fn run_verb(repo: &Repo, args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("usage: cargo xtask tidy");
    }
    let tracked = files::tracked(repo)?;
    let sources = read(repo, &tracked, |path| path.starts_with("src/") && path.ends_with(".rs"))?;
    let shipped = read(repo, &tracked, |path| {
        let ours = ["src/", "examples/", "xtask/src/"];
        ours.iter().any(|folder| path.starts_with(folder)) && path.ends_with(".rs")
    })?;
    let written = read(repo, &tracked, |path| path.ends_with(".rs") || path.ends_with(".md"))?;
    let threads = std::fs::read_to_string(repo.root.join(sentences::THREADS));
    let threads = threads.with_context(|| format!("cannot read {}", sentences::THREADS))?;
    let checks = [
        ("dependency direction", direction::check(&sources)),
        ("circles", circles::check(&sources)),
        ("documented", documented::check(&shipped)),
        ("sentences", sentences::check(&sources)),
        ("comments", sentences::check_comments(&written)),
        ("threads", sentences::check_threads(&sources, &threads)),
        ("names of files", sentences::check_names(&written, &tracked)),
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
