//! What must not be in the repository, and what every source file must have.

use std::process::Command;

use anyhow::{Context, Result};

use crate::repo::{Repo, output};

/// Largest file, bytes: the weights fit, a recording or a build product mostly does not.
const LARGEST_BYTES: usize = 8 << 20;

/// Recordings: somebody else's right, and the demo makes its own music.
const RECORDINGS: [&str; 6] = [".mp3", ".m4a", ".aac", ".ogg", ".opus", ".flac"];

/// Beginnings of absolute paths that exist on one machine only. In two parts, so that they are not
/// found here.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "Users/"),
    concat!("/", "work/"),
    concat!("C:", "\\Users\\"),
];

/// The files that git tracks, those new but not ignored included, from the root.
pub fn tracked(repo: &Repo) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = output(git.current_dir(&repo.root))?;
    let exists = |path: &&str| repo.root.join(path).is_file();
    Ok(list.split_terminator('\0').filter(exists).map(String::from).collect())
}

/// Checks every tracked file.
pub fn check(repo: &Repo, tracked: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked {
        let bytes =
            std::fs::read(repo.root.join(path)).with_context(|| format!("cannot read {path}"))?;
        findings.extend(check_file(path, &bytes));
    }
    Ok(findings)
}

fn check_file(path: &str, bytes: &[u8]) -> Vec<String> {
    let mut findings = Vec::new();
    if bytes.len() > LARGEST_BYTES {
        findings.push(format!("{path}: {} MB; keep it elsewhere", bytes.len() >> 20));
    }
    if RECORDINGS.iter().any(|ending| path.to_lowercase().ends_with(ending)) {
        findings.push(format!("{path}: a recording"));
    }
    // Files with zero bytes are not text.
    let text = if bytes.contains(&0) { None } else { std::str::from_utf8(bytes).ok() };
    for (i, line) in text.unwrap_or_default().lines().enumerate() {
        if let Some(prefix) = MACHINE_PATHS.iter().find(|prefix| begins_a_path(line, prefix)) {
            findings.push(format!("{path}:{}: a path of one machine ({prefix}…)", i + 1));
        }
    }
    let is_rust = path.ends_with(".rs");
    if is_rust && !text.is_some_and(|text| text.trim_start().starts_with("//!")) {
        findings.push(format!("{path}: no module documentation at its head"));
    }
    findings
}

/// Whether `prefix` stands in `line` other than inside a longer path or address.
fn begins_a_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | '~' | '*')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found_with_its_line() {
        let text = format!("fine\nPYTHON={}someone/venv", MACHINE_PATHS[0]);
        let findings = check_file("run.sh", text.as_bytes());
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("run.sh:2: a path of one machine"));
    }

    #[test]
    fn addresses_and_relative_paths_are_no_paths_of_a_machine() {
        let text = "https://example.org/home/page ../work/x $HOME/root/ crate/work/ $TARGET}/work/";
        assert!(check_file("a.md", text.as_bytes()).is_empty());
    }

    #[test]
    fn recordings_and_large_files_are_found() {
        assert_eq!(check_file("docs/Song.MP3", b"").len(), 1);
        assert_eq!(check_file("models/big.onnx", &vec![0; LARGEST_BYTES + 1]).len(), 1);
    }

    #[test]
    fn a_source_file_says_what_it_is() {
        assert_eq!(check_file("src/a.rs", b"fn f() {}").len(), 1);
        assert!(check_file("src/a.rs", b"//! What it is.\nfn f() {}").is_empty());
    }
}
