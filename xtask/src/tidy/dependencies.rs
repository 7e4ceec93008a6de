//! What the dependencies are allowed to be: the core without plugin or window, everything under
//! licences of the list.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::repo::{Repo, output};

/// Beginnings of the names of packages that must not be in the core's tree.
const NOT_IN_THE_CORE: [&str; 8] =
    ["nice-plug", "egui", "epaint", "baseview", "clap-sys", "vst3", "symphonia", "plotters"];

/// Without features, the crate must not depend on a plugin framework, a window or a decoder.
pub fn check_core() -> Result<Vec<String>> {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--package", "moodring", "--no-default-features", "--edges", "normal"]);
    let list = output(tree.args(["--target", "all", "--prefix", "none", "--format", "{p}"]))?;
    let packages = list.lines().filter_map(|line| line.split(' ').next());
    if packages.clone().count() < 10 {
        bail!("`cargo tree` answered something unexpected: {list}");
    }
    Ok(core_findings(packages))
}

fn core_findings<'a>(packages: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<&str> = packages
        .filter(|name| NOT_IN_THE_CORE.iter().any(|barred| name.starts_with(barred)))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.iter().map(|name| format!("the core depends on {name}")).collect()
}

/// The bundle, the tests and the tests of the core alone must want the same features of tract and
/// of all that is under it, or cargo compiles it once for each: twenty minutes of one core.
/// Features that stray are put right in `dev-dependencies`.
pub fn check_one_build() -> Result<Vec<String>> {
    let under_tract = features(&["--package", "tract-onnx", "--edges", "no-dev"])?;
    let names: BTreeSet<String> = under_tract.iter().map(|line| name_and_version(line)).collect();
    let bundle = features(&["--package", "moodring", "--edges", "no-dev"])?;
    let mut findings = Vec::new();
    for (title, selection) in
        [("tests", &[][..]), ("tests of the core alone", &["--no-default-features"])]
    {
        let others = features(&[&["--package", "moodring"], selection].concat())?;
        findings.extend(strays(&names, &bundle, &others, title));
    }
    Ok(findings)
}

/// Every package of a selection with its features, one a line, each once.
fn features(selection: &[&str]) -> Result<BTreeSet<String>> {
    let mut tree = Command::new("cargo");
    tree.arg("tree").args(selection).args(["--prefix", "none", "--format", "{p} {f}"]);
    let list = output(&mut tree)?;
    Ok(list.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
}

/// A line without the features.
fn name_and_version(line: &str) -> String {
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn strays(
    names: &BTreeSet<String>,
    bundle: &BTreeSet<String>,
    others: &BTreeSet<String>,
    title: &str,
) -> Vec<String> {
    others
        .difference(bundle)
        .filter(|line| names.contains(&name_and_version(line)))
        .map(|line| {
            format!("{title}: {line} is not what the bundle wants; tract is compiled twice")
        })
        .collect()
}

/// Every dependency, on whatever platform and for whatever purpose, must be under licences that
/// `deny.toml` allows.
pub fn check_licences(repo: &Repo) -> Result<Vec<String>> {
    let deny = std::fs::read_to_string(repo.root.join("deny.toml")).context("no deny.toml")?;
    let allowed = allow_list(&deny)?;
    let metadata = MetadataCommand::new().exec().context("cargo metadata failed")?;
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let Some(licence) = &package.license else {
            findings.push(format!("{} {} names no licence", package.name, package.version));
            continue;
        };
        if !is_allowed(licence, &allowed)
            .with_context(|| format!("the licence of {}: {licence}", package.name))?
        {
            findings.push(format!("{} {} is under {licence}", package.name, package.version));
        }
    }
    Ok(findings)
}

/// The strings of `allow = […]` under `[licenses]`: all of TOML that this file needs.
fn allow_list(deny: &str) -> Result<Vec<String>> {
    let section = deny.split("[licenses]").nth(1).context("no [licenses] in deny.toml")?;
    let list = section.split("allow = [").nth(1).context("no licences allowed in deny.toml")?;
    let mut names = Vec::new();
    for line in list.lines() {
        let code = line.split('#').next().unwrap_or_default();
        names.extend(code.split('"').skip(1).step_by(2).map(String::from));
        if code.contains(']') {
            return Ok(names);
        }
    }
    bail!("the list of licences in deny.toml has no end")
}

/// Whether an SPDX expression can be met by the allowed licences. `A/B` is the older way to write
/// `A OR B`.
fn is_allowed(expression: &str, allowed: &[String]) -> Result<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Spdx { words: &words, allowed };
    let met = parser.any()?;
    if !parser.words.is_empty() {
        bail!("cannot read it beyond {:?}", parser.words);
    }
    Ok(met)
}

/// A parser of SPDX expressions by descent: OR of ANDs of licences and brackets.
struct Spdx<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl Spdx<'_> {
    fn any(&mut self) -> Result<bool> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Ok(met)
    }

    fn all(&mut self) -> Result<bool> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Ok(met)
    }

    fn one(&mut self) -> Result<bool> {
        if self.take("(") {
            let met = self.any()?;
            if !self.take(")") {
                bail!("a bracket is open");
            }
            return Ok(met);
        }
        let mut licence = self.next()?.to_owned();
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.next()?);
        }
        Ok(self.allowed.contains(&licence))
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.first() == Some(&word);
        if is_next {
            self.words = &self.words[1..];
        }
        is_next
    }

    fn next(&mut self) -> Result<&str> {
        let (word, rest) = self.words.split_first().context("it ends early")?;
        self.words = rest;
        Ok(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(expression: &str) -> bool {
        let list = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "OFL-1.1"];
        is_allowed(expression, &list.map(String::from)).expect("an expression")
    }

    #[test]
    fn a_feature_under_tract_that_only_the_tests_want_is_found() {
        let set = |lines: &[&str]| -> BTreeSet<String> {
            lines.iter().map(|line| (*line).to_owned()).collect()
        };
        let names = set(&["log v1.0", "syn v2.0"]);
        let bundle = set(&["log v1.0 std", "syn v2.0 full", "egui v0.1 "]);
        let tests = set(&["log v1.0 ", "syn v2.0 full", "log v0.3 "]);
        assert!(strays(&names, &bundle, &bundle, "tests").is_empty());
        let found = strays(&names, &bundle, &tests, "tests");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("tests: log v1.0"));
    }

    #[test]
    fn one_of_several_licences_is_enough() {
        assert!(allowed("MIT"));
        assert!(allowed("GPL-3.0-only OR MIT"));
        assert!(allowed("GPL-3.0-only/MIT"));
        assert!(!allowed("GPL-3.0-only"));
    }

    #[test]
    fn joined_licences_must_all_be_allowed() {
        assert!(allowed("(MIT OR Apache-2.0) AND OFL-1.1"));
        assert!(!allowed("(MIT OR Apache-2.0) AND GPL-3.0-only"));
        assert!(allowed("GPL-3.0-only AND X OR MIT"));
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert!(allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(!allowed("MIT WITH LLVM-exception"));
    }

    #[test]
    fn broken_expressions_are_errors() {
        for broken in ["(MIT", "MIT Apache-2.0", "", "MIT OR"] {
            assert!(is_allowed(broken, &[]).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn the_list_is_read_from_deny_toml() {
        let deny =
            "[licenses]\nallow = [\n  \"MIT\", # \"why\"\n  \"ISC\",\n]\n[bans]\nskip = [\"x\"]";
        assert_eq!(allow_list(deny).expect("a list"), ["MIT", "ISC"]);
        assert_eq!(allow_list("[licenses]\nallow = [\"MIT\"]").expect("a list"), ["MIT"]);
        assert!(allow_list("[licenses]\nallow = [\"MIT\"").is_err());
    }

    #[test]
    fn plugin_and_window_packages_are_found_in_the_core() {
        let packages = ["tract-onnx", "egui_glow", "nice-plug", "egui_glow", "clap"];
        assert_eq!(
            core_findings(packages.into_iter()),
            ["the core depends on egui_glow", "the core depends on nice-plug"]
        );
    }
}
