//! Which of our modules may name which: data flows one way, and so does knowledge.

use super::Source;
use super::paths::{NamedPath, named};
use super::rules::{RULES, Rule};

/// Holds every source file against the table, and the table against the files: a permission that
/// nobody uses is one that somebody will.
pub fn check(sources: &[Source]) -> Vec<String> {
    let strays = sources.iter().flat_map(|source| check_file(&source.path, &source.text));
    strays.chain(unused(sources)).collect()
}

/// Rules that no file has, and permissions that no file of theirs uses.
fn unused(sources: &[Source]) -> Vec<String> {
    let mut used = vec![Vec::new(); RULES.len()];
    let mut has_file = vec![false; RULES.len()];
    for source in sources {
        let module = module_of(&source.path);
        let Some(rule) = rule_for(&module) else { continue };
        let Some(at) = RULES.iter().position(|other| std::ptr::eq(other, rule)) else { continue };
        has_file[at] = true;
        used[at].extend(named(&source.text, root_of(&module), &module));
    }
    let mut findings = Vec::new();
    for ((rule, used), has_file) in RULES.iter().zip(&used).zip(has_file) {
        let is_inline = rule.module == "engine::atomic";
        if !has_file && !is_inline {
            findings.push(format!("{RULES_PATH}: {} is the name of no file", rule.module));
        }
        let is_used = |name: &str| {
            used.iter().any(|path| {
                starts_with(&path.segments.iter().map(String::as_str).collect::<Vec<_>>(), name)
            })
        };
        // What tests name comes and goes with what they look at.
        let is_tests = rule.module.ends_with("::tests");
        for name in rule.may_name.iter().filter(|name| has_file && !is_tests && !is_used(name)) {
            findings.push(format!("{RULES_PATH}: {} may name {name}, and does not", rule.module));
        }
    }
    findings
}

/// Where the table is.
const RULES_PATH: &str = "xtask/src/tidy/rules.rs";

/// What begins a path to one of our modules: a binary is a crate of its own, to which ours is one
/// by name.
fn root_of(module: &[&str]) -> &'static str {
    if module[0] == "bin" { "moodring" } else { "crate" }
}

fn check_file(path: &str, source: &str) -> Vec<String> {
    let module = module_of(path);
    if module == ["lib"] {
        return Vec::new();
    }
    let Some(rule) = rule_for(&module) else {
        return vec![format!("{path}: say in xtask/src/tidy/rules.rs what it may name")];
    };
    let named = named(source, root_of(&module), &module);
    let strays = named.iter().filter(|path| !may_name(rule, &module, path));
    strays
        .map(|stray| {
            format!(
                "{path}:{}: {} may not name {}",
                stray.line,
                module.join("::"),
                stray.segments.join("::")
            )
        })
        .collect()
}

fn may_name(rule: &Rule, module: &[&str], path: &NamedPath) -> bool {
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    let home = home_of(&segments);
    // What stands at the root itself, or in a module around this one, is a re-export, a macro or an
    // error shared by the children.
    module.starts_with(home)
        || segments.starts_with(module)
        || rule.may_name.iter().any(|name| starts_with(&segments, name))
}

/// The innermost module of the table on the way to an item.
fn home_of<'a, 'b>(segments: &'a [&'b str]) -> &'a [&'b str] {
    let is_module = |length: &usize| {
        let module = segments[..*length].join("::");
        RULES.iter().any(|rule| rule.module == module)
    };
    &segments[..(1..=segments.len()).rev().find(is_module).unwrap_or(0)]
}

fn starts_with(segments: &[&str], module: &str) -> bool {
    segments.starts_with(&module.split("::").collect::<Vec<_>>())
}

/// The rule of the module itself, or that of the nearest group around it.
fn rule_for(module: &[&str]) -> Option<&'static Rule> {
    let own = module.join("::");
    RULES.iter().find(|rule| rule.module == own).or_else(|| {
        let in_group = |rule: &&Rule| {
            rule.module.strip_suffix("::*").is_some_and(|group| starts_with(module, group))
        };
        RULES.iter().filter(in_group).max_by_key(|rule| rule.module.len())
    })
}

/// The module that a file holds: `src/analysis/stft.rs` is `analysis::stft`.
pub fn module_of(path: &str) -> Vec<&str> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.strip_suffix(".rs").unwrap_or(inside).split('/').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_is_kept_without_a_word() {
        assert!(
            check_file("src/analysis/hpss.rs", "use crate::analysis::median::Median;").is_empty()
        );
        assert!(check_file("src/bin/cli.rs", "use moodring::analysis::stft::Stft;").is_empty());
        assert!(check_file("src/lib.rs", "pub mod x; use crate::anything::at_all;").is_empty());
    }

    #[test]
    fn a_step_against_the_flow_is_named_with_file_and_line() {
        let source = "//! Chroma.\n\nuse crate::engine::Engine;\n";
        assert_eq!(
            check_file("src/analysis/chroma.rs", source),
            ["src/analysis/chroma.rs:3: analysis::chroma may not name engine::Engine"]
        );
    }

    #[test]
    fn a_sibling_reached_by_super_is_seen() {
        assert_eq!(check_file("src/analysis/chroma.rs", "use super::tempo::Tempo;").len(), 1);
    }

    #[test]
    fn a_part_of_a_module_is_not_the_whole() {
        assert!(
            check_file("src/outputs/row.rs", "use crate::model::space::LabelSpace;").is_empty()
        );
        assert_eq!(check_file("src/outputs/row.rs", "use crate::model::Model;").len(), 1);
    }

    #[test]
    fn a_file_that_the_table_does_not_know_is_a_finding() {
        assert_eq!(check_file("src/analysis/new_stage.rs", "").len(), 1);
        assert!(check_file("src/editor/pages/now.rs", "").is_empty());
    }

    #[test]
    fn a_module_names_itself_its_children_and_the_root_freely() {
        assert!(
            check_file("src/engine.rs", "use self::ring::AudioEnd; use crate::engine::worker::W;")
                .is_empty()
        );
        assert!(check_file("src/engine.rs", "let version = crate::VERSION;").is_empty());
    }

    #[test]
    fn a_child_names_what_its_parent_defines_but_not_its_siblings() {
        assert!(check_file("src/model/space.rs", "use crate::model::ModelError;").is_empty());
        assert_eq!(check_file("src/model/space.rs", "use crate::model::card::Card;").len(), 1);
    }

    #[test]
    fn a_permission_that_nobody_uses_is_a_finding() {
        let sources = |text: &str| {
            [Source { path: "src/analysis/chroma.rs".to_owned(), text: text.to_owned() }]
        };
        let told = |text| {
            let findings = unused(&sources(text)).into_iter();
            findings.filter(|finding| finding.contains("analysis::chroma may")).count()
        };
        let uses_all = "use crate::units::hz; use crate::simd::V; use crate::config::N;";
        assert_eq!(told(uses_all), 0);
        assert_eq!(told("use crate::units::hz; use crate::simd::V;"), 1);
        // What tests name is theirs.
        assert_eq!(
            told("use crate::units::hz;\n#[cfg(test)]\nmod tests { use crate::simd::V; }"),
            2
        );
    }

    #[test]
    fn every_module_of_the_table_names_only_modules_above_it() {
        for (i, rule) in RULES.iter().enumerate() {
            for name in rule.may_name {
                let above = RULES[..i].iter().any(|other| other.module == *name);
                assert!(above, "{} names {name}, which is not above it", rule.module);
            }
        }
    }
}
