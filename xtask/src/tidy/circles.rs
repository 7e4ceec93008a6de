//! Files that name each other in a circle: none can be read, tested or changed without all the
//! others.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use super::direction::module_of;
use super::paths::named;

/// Every circle of files, each told once. A module and what is inside of it may name each other.
pub fn check(sources: &[Source]) -> Vec<String> {
    let modules: BTreeMap<String, &Source> =
        sources.iter().map(|source| (module_of(&source.path).join("::"), source)).collect();
    let names: BTreeMap<&str, BTreeSet<String>> = modules
        .iter()
        .map(|(module, source)| (module.as_str(), named_by(module, source, &modules)))
        .collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        names.keys().map(|module| (*module, reached_from(module, &names))).collect();
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for (module, reached_from_it) in &reached {
        let circle: Vec<&str> = reached_from_it
            .iter()
            .copied()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(module)))
            .collect();
        if !circle.is_empty() && told.insert(circle.clone()) {
            let paths: Vec<&str> = circle.iter().map(|m| modules[*m].path.as_str()).collect();
            let paths = paths.join(", ");
            findings
                .push(format!("{paths}: each names the next, in a circle; move what they share"));
        }
    }
    findings
}

/// The files that one names, other than those around it and inside of it.
fn named_by(
    module: &str,
    source: &Source,
    modules: &BTreeMap<String, &Source>,
) -> BTreeSet<String> {
    let segments: Vec<&str> = module.split("::").collect();
    let root = if segments[0] == "bin" { "moodring" } else { "crate" };
    let mut homes = BTreeSet::new();
    for path in named(&source.text, root, &segments) {
        let home = (1..=path.segments.len())
            .rev()
            .map(|length| path.segments[..length].join("::"))
            .find(|home| modules.contains_key(home));
        homes.extend(home);
    }
    let is_apart =
        |home: &String| !is_inside(home, module) && !is_inside(module, home) && home != module;
    homes.into_iter().filter(is_apart).collect()
}

fn is_inside(module: &str, of: &str) -> bool {
    module.strip_prefix(of).is_some_and(|rest| rest.starts_with("::"))
}

/// All that can be reached from a module, itself only by a way round.
fn reached_from<'a>(
    module: &str,
    names: &'a BTreeMap<&str, BTreeSet<String>>,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![module];
    while let Some(module) = open.pop() {
        for next in names.get(module).into_iter().flatten() {
            if reached.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        check(&files.iter().map(source).collect::<Vec<_>>())
    }

    #[test]
    fn a_circle_of_three_is_told_once_with_all_its_files() {
        let found = circles(&[
            ("src/a.rs", "use crate::b::B;"),
            ("src/b.rs", "use crate::c::C;"),
            ("src/c.rs", "use crate::a::A;"),
            ("src/d.rs", "use crate::a::A;"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("src/a.rs, src/b.rs, src/c.rs: "), "{found:?}");
    }

    #[test]
    fn a_line_and_a_family_are_no_circle() {
        let line =
            [("src/a.rs", "use crate::b::B;"), ("src/b.rs", ""), ("src/c.rs", "use crate::a::A;")];
        assert_eq!(circles(&line), [""; 0]);
        let family = [("src/a.rs", "use crate::a::b::B;"), ("src/a/b.rs", "use super::A;")];
        assert_eq!(circles(&family), [""; 0]);
    }

    #[test]
    fn two_in_one_group_are_seen() {
        let two = [("src/a/b.rs", "use super::c::C;"), ("src/a/c.rs", "use crate::a::b::B;")];
        assert_eq!(circles(&two).len(), 1);
    }
}
