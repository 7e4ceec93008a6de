//! `cargo xtask reliability`: what was tried that goes wrong elsewhere, and what comes of it;
//! writes `docs/reliability.md`.
//!
//! The report is made of the tests: their names are sentences about behaviour, and those that print
//! a table do so here.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::bundle;
use crate::repo::Repo;
use crate::system::{self, For};

/// A part of the report.
struct Part {
    title: &'static str,
    /// What the part is about.
    words: &'static str,
    /// The ignored test that prints its table; none where empty.
    table: &'static str,
    /// Test programs, and the tests of each: cargo's words for the program, then filters.
    tests: &'static [(&'static str, &'static [&'static str])],
}

const PARTS: [Part; 5] = [
    Part {
        title: "What is heard",
        words: "Sounds of 14 s made in `tests/heard.rs`, at 22.05 kHz. *Apart* is the largest difference of either share from what they \
            should read as, from 12 s on.",
        table: "heard::the_table_of_sounds",
        tests: &[("--test tests", &["heard::"])],
    },
    Part {
        title: "Files that are read",
        words: "Files made in `tests/awkward/`, each also through a pipe. What libraries below refuse is in [upstream.md](upstream.md).",
        table: "awkward::the_table_of_awkward_files",
        tests: &[("--test tests", &["awkward::"])],
    },
    Part {
        title: "Files that are written",
        words: "The command line as a program of its own, on files of its own.",
        table: "",
        tests: &[("--test tests", &["cli_files::", "cli_labels::", "cli::"])],
    },
    Part {
        title: "In the host",
        words: "The bundled CLAP and VST3 in hosts of this repository.",
        table: "",
        tests: &[
            ("--test host", &[]),
            ("--test vst3", &[]),
            ("--lib", &["plugin::", "history::", "engine::lead", "errand::"]),
        ],
    },
    Part {
        title: "The window",
        words: "The bundled CLAP's window on a virtual screen (X11).",
        table: "",
        tests: &[("--test window", &[])],
    },
];

/// Runs the verb.
pub fn run_verb(repo: &Repo) -> Result<()> {
    system::ensure(&[For::Building, For::Window])?;
    bundle(&["moodring".into()])?;
    let mut report = String::from(
        "# What was tried\n\nWritten by `cargo xtask reliability`, which makes every input, runs every test named here, and puts down what came of it.\n",
    );
    let mut n_failed = 0;
    for part in &PARTS {
        write!(report, "\n## {}\n\n{}\n", part.title, part.words)?;
        if !part.table.is_empty() {
            let words =
                ["--test", "tests", "--", "--exact", "--ignored", "--nocapture", part.table];
            let (printed, _) = printed(repo, &words)?;
            let rows: Vec<&str> = printed.lines().filter(|line| line.starts_with('|')).collect();
            ensure!(rows.len() > 2, "{} printed no table:\n{printed}", part.table);
            write!(report, "\n{}\n", rows.join("\n"))?;
        }
        report.push_str("\n| behaviour | |\n|---|---|\n");
        for (program, filters) in part.tests {
            let mut words: Vec<&str> = program.split(' ').collect();
            words.push("--");
            words.extend(*filters);
            let (printed, _) = printed(repo, &words)?;
            let outcomes: Vec<(String, bool)> = printed.lines().filter_map(outcome).collect();
            ensure!(!outcomes.is_empty(), "no tests ran with {words:?}:\n{printed}");
            for (sentence, passed) in outcomes {
                n_failed += usize::from(!passed);
                writeln!(report, "| {sentence} | {} |", if passed { "yes" } else { "**no**" })?;
            }
        }
    }
    let path = repo.root.join("docs/reliability.md");
    std::fs::write(&path, report).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    ensure!(n_failed == 0, "{n_failed} of them failed");
    Ok(())
}

/// What a run of tests printed, and whether all passed.
fn printed(repo: &Repo, words: &[&str]) -> Result<(String, bool)> {
    println!("> cargo test --package moodring {}", words.join(" "));
    let output = Command::new("cargo")
        .args(["test", "--package", "moodring"])
        .args(words)
        .env("MOODRING_BUNDLE", repo.bundled("clap"))
        .env("RUST_BACKTRACE", "0")
        .current_dir(&repo.root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success()))
}

/// The sentence of a test that ran, and whether it held.
fn outcome(line: &str) -> Option<(String, bool)> {
    let (path, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let passed = match outcome.split(' ').next()? {
        "ok" => true,
        "FAILED" => false,
        _ => return None,
    };
    Some((path.rsplit("::").next()?.replace('_', " "), passed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_a_sentence_and_a_verdict() {
        let of = |line| outcome(line).map(|(sentence, passed)| format!("{sentence}: {passed}"));
        let line = "test heard::low_frequency_effects_count_nothing ... ok";
        assert_eq!(of(line).as_deref(), Some("low frequency effects count nothing: true"));
        assert_eq!(of("test a_b ... FAILED").as_deref(), Some("a b: false"));
        assert_eq!(of("test the_table ... ignored, prints"), None);
        assert_eq!(of("running 3 tests"), None);
    }
}
