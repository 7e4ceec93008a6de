//! Which of our modules may name which: data flows one way, and so does knowledge.

use anyhow::{Context, Result};

use super::paths::{NamedPath, named};
use crate::repo::Repo;

/// One module and the modules it may name, with all that is in them. Itself and its children it may always name.
struct Rule {
    module: &'static str,
    may_name: &'static [&'static str],
}

const fn rule(module: &'static str, may_name: &'static [&'static str]) -> Rule {
    Rule { module, may_name }
}

/// In the order of the flow: a module names only modules above it. A new arrow is a design change; say so in the commit. A
/// module whose name ends in `::*` stands for all that are in it. The crate's root, which lists the modules, is free.
const RULES: &[Rule] = &[
    rule("units", &[]),
    rule("files", &[]),
    rule("errand", &[]),
    rule("simd", &[]),
    rule("config", &["units"]),
    rule("analysis", &["config"]),
    rule("analysis::downmix", &["units", "simd", "config"]),
    rule("analysis::resample", &["simd", "config"]),
    rule("analysis::subsonic", &["units", "simd", "config"]),
    rule("analysis::stft", &["units", "config"]),
    rule("analysis::audible", &["config"]),
    rule("analysis::median", &["simd", "config"]),
    rule("analysis::hpss", &["config", "analysis::median"]),
    rule("analysis::chroma", &["units", "simd", "config"]),
    rule("analysis::mel", &["units", "simd", "config"]),
    rule("analysis::crest", &["units"]),
    rule("analysis::contrast", &["units", "simd", "config"]),
    rule("analysis::change", &["config"]),
    rule("analysis::onset", &["units", "config"]),
    rule("analysis::tempo", &["units", "config"]),
    rule("analysis::beat", &["units", "config", "analysis::tempo"]),
    rule("analysis::modulation", &["units", "config"]),
    rule("analysis::tonality", &["units", "config"]),
    rule(
        "analysis::frame",
        &[
            "units",
            "simd",
            "config",
            "analysis::downmix",
            "analysis::resample",
            "analysis::subsonic",
            "analysis::stft",
            "analysis::audible",
            "analysis::hpss",
            "analysis::chroma",
            "analysis::mel",
            "analysis::crest",
            "analysis::contrast",
            "analysis::change",
            "analysis::onset",
        ],
    ),
    rule(
        "analysis::window",
        &[
            "units",
            "config",
            "analysis::stft",
            "analysis::tempo",
            "analysis::beat",
            "analysis::modulation",
            "analysis::tonality",
            "analysis::frame",
        ],
    ),
    rule("decode::guard", &[]),
    rule("decode::outcome", &[]),
    rule("decode::kinds", &[]),
    rule("decode::input", &[]),
    rule("decode::demux", &[]),
    rule("decode::frames", &[]),
    rule("decode::beginnings", &[]),
    rule("decode::boxes", &["decode::input"]),
    rule("decode::plain::*", &["decode::beginnings", "decode::input"]),
    rule("decode::plain", &["decode::input"]),
    rule("decode::codec::*", &["analysis::downmix"]),
    rule("decode::codec", &["analysis::downmix", "decode::kinds"]),
    rule("decode::elementary::*", &[]),
    rule("decode::elementary", &["decode::input", "decode::demux", "decode::frames"]),
    rule("decode::transport", &["decode::input", "decode::elementary"]),
    rule("decode::ogg", &["decode::input"]),
    rule(
        "decode::following",
        &["decode::beginnings", "decode::input", "decode::plain", "decode::elementary"],
    ),
    rule("decode::input::*", &["decode::following"]),
    rule(
        "decode::container",
        &["decode::guard", "decode::demux", "decode::codec", "decode::elementary", "decode::ogg"],
    ),
    rule(
        "decode::opening",
        &[
            "decode::guard",
            "decode::kinds",
            "decode::beginnings",
            "decode::input",
            "decode::demux",
            "decode::boxes",
            "decode::plain",
            "decode::elementary",
            "decode::transport",
            "decode::ogg",
            "decode::following",
            "decode::container",
        ],
    ),
    rule(
        "decode::chain",
        &["decode::input", "decode::demux", "decode::following", "decode::opening"],
    ),
    rule("decode", &["units", "config", "analysis::downmix"]),
    rule("reading", &[]),
    rule("why", &["reading"]),
    rule("model::space", &[]),
    rule("model::doubt", &[]),
    rule("model::card", &["config", "analysis::window", "reading", "model::space", "model::doubt"]),
    rule("model::int8", &[]),
    rule("model::dense", &["simd", "model::int8"]),
    rule("model::lstm", &["simd", "model::int8", "model::dense"]),
    rule("model::ops::*", &["model::dense"]),
    rule("model::ops", &["model::lstm"]),
    rule("model::screen", &["model::ops"]),
    rule("model::fixed", &["model::ops"]),
    rule("model::fixed::*", &["simd", "model::ops", "model::screen"]),
    rule(
        "model::session",
        &[
            "units",
            "config",
            "analysis::window",
            "reading",
            "why",
            "model::card",
            "model::ops",
            "model::fixed",
            "model::screen",
        ],
    ),
    rule("model", &["files", "config", "analysis::window", "reading"]),
    rule("analyser", &["units", "config", "analysis", "reading", "why", "model"]),
    rule("history::slot", &["units", "reading"]),
    rule("history::track", &["units", "reading", "history::slot"]),
    rule("history::sections", &["units", "reading", "history::slot", "history::track"]),
    rule("history::compare", &["units", "config", "reading", "history::slot", "history::track"]),
    rule("history::state", &["units", "reading", "history::slot", "history::track"]),
    rule("history", &["units", "config", "reading", "model::space"]),
    rule("outputs", &[]),
    rule("outputs::csv", &["files", "units", "reading", "model::space"]),
    rule("outputs::whole", &[]),
    rule("outputs::plot", &["units", "reading", "model::space", "outputs::whole"]),
    rule("outputs::plot::*", &["units", "reading", "model::space"]),
    rule(
        "outputs::export",
        &[
            "errand",
            "reading",
            "history",
            "model::space",
            "outputs::csv",
            "outputs::whole",
            "outputs::plot",
        ],
    ),
    rule("engine::atomic", &[]),
    rule("engine::handover", &["engine::atomic"]),
    rule("engine::requests", &["config"]),
    rule("engine::timeline", &["units"]),
    rule("engine::lead", &[]),
    rule(
        "engine::ring",
        &[
            "units",
            "config",
            "analysis::downmix",
            "engine::handover",
            "engine::requests",
            "engine::timeline",
            "engine::lead",
        ],
    ),
    rule(
        "engine::ring::tests",
        &["analysis::downmix", "engine::handover", "engine::requests", "engine::timeline"],
    ),
    rule("engine::pace", &["config"]),
    rule("engine::record", &["reading", "history"]),
    rule(
        "engine::publish",
        &[
            "reading",
            "why",
            "model::space",
            "model::card",
            "history",
            "engine::record",
            "engine::requests",
        ],
    ),
    rule("engine::outputs", &["outputs::csv", "engine::publish", "errand"]),
    rule(
        "engine::own",
        &[
            "analysis::downmix",
            "model",
            "analyser",
            "engine::handover",
            "engine::requests",
            "engine::ring",
            "engine::publish",
            "errand",
        ],
    ),
    rule(
        "engine::worker",
        &[
            "units",
            "config",
            "analysis::downmix",
            "analysis::beat",
            "reading",
            "model",
            "analyser",
            "history",
            "outputs::csv",
            "engine::handover",
            "engine::requests",
            "engine::ring",
            "engine::pace",
            "engine::publish",
            "errand",
            "engine::outputs",
            "engine::own",
        ],
    ),
    rule(
        "engine",
        &[
            "units",
            "config",
            "analysis::downmix",
            "reading",
            "model",
            "analyser",
            "history",
            "outputs::csv",
        ],
    ),
    rule("engine::tests", &["units", "analysis::downmix", "reading", "model", "history", "engine"]),
    rule("prefs", &["history"]),
    rule("params", &["units", "config", "history", "prefs"]),
    rule("editor", &["prefs"]),
    rule(
        "editor::*",
        &[
            "errand",
            "units",
            "config",
            "reading",
            "why",
            "model::space",
            "model::card",
            "history",
            "outputs::export",
            "engine::publish",
            "prefs",
            "params",
        ],
    ),
    rule("plugin::state", &["config", "params"]),
    rule("plugin::front", &[]),
    rule("plugin::front::*", &["plugin::state", "plugin::front"]),
    rule(
        "plugin",
        &[
            "units",
            "config",
            "analysis::downmix",
            "reading",
            "model",
            "history",
            "outputs::csv",
            "engine",
            "params",
            "editor",
        ],
    ),
    // It measures what an instance costs, threads and all.
    rule(
        "bin::cli::bench",
        &["units", "simd", "config", "analysis", "decode", "model", "analyser", "engine"],
    ),
    rule(
        "bin::*",
        &[
            "units", "config", "analysis", "decode", "reading", "why", "model", "analyser",
            "outputs",
        ],
    ),
];

/// Holds every source file against the table.
pub fn check(repo: &Repo, tracked: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked.iter().filter(|path| path.starts_with("src/") && path.ends_with(".rs")) {
        let source = std::fs::read_to_string(repo.root.join(path))
            .with_context(|| format!("cannot read {path}"))?;
        findings.extend(check_file(path, &source));
    }
    Ok(findings)
}

fn check_file(path: &str, source: &str) -> Vec<String> {
    let module = module_of(path);
    if module == ["lib"] {
        return Vec::new();
    }
    let Some(rule) = rule_for(&module) else {
        return vec![format!("{path}: say in xtask/src/tidy/direction.rs what it may name")];
    };
    // A binary is a crate of its own, to which ours is one by name.
    let root = if module[0] == "bin" { "moodring" } else { "crate" };
    let named = named(source, root, &module);
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
    // What stands at the root itself, or in a module around this one, is a re-export, a macro or an error shared by the
    // children.
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
fn module_of(path: &str) -> Vec<&str> {
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
        assert!(check_file("src/bin/cli.rs", "use moodring::analyser::Analyser;").is_empty());
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
            check_file("src/outputs/csv.rs", "use crate::model::space::LabelSpace;").is_empty()
        );
        assert_eq!(check_file("src/outputs/csv.rs", "use crate::model::Model;").len(), 1);
    }

    #[test]
    fn a_file_that_the_table_does_not_know_is_a_finding() {
        assert_eq!(check_file("src/analysis/new_stage.rs", "").len(), 1);
        assert!(check_file("src/editor/meter.rs", "").is_empty());
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
    fn every_module_of_the_table_names_only_modules_above_it() {
        for (i, rule) in RULES.iter().enumerate() {
            for name in rule.may_name {
                let above = RULES[..i].iter().any(|other| other.module == *name);
                assert!(above, "{} names {name}, which is not above it", rule.module);
            }
        }
    }
}
