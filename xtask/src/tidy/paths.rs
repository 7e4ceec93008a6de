//! Which of our own modules a source file names.

use std::ops::ControlFlow;

/// A path as it stands in the code, from the crate's root: `["analysis", "stft", "Spectrum"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// Line, from 1.
    pub line: usize,
    /// The segments.
    pub segments: Vec<String>,
}

/// Every path in `source` that begins at the crate (`root`, which is `crate`, or the crate's name
/// in a binary), or at the module itself or its parent (`self`, `super`). Comments, strings and the
/// tests at the bottom do not count.
#[must_use]
pub fn named(source: &str, root: &str, module: &[&str]) -> Vec<NamedPath> {
    let shipped = source.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code = without_text(shipped);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, word)) = next_word(&code, at) {
        at = start + word.len();
        let follows_path = code[..start].ends_with("::");
        if follows_path || !code[at..].starts_with("::") {
            continue;
        }
        let mut prefix: Vec<String> = module.iter().map(|&segment| segment.into()).collect();
        match word {
            "self" => {}
            "super" => drop(prefix.pop()),
            _ if word == root => prefix.clear(),
            _ => continue,
        }
        let mut tree = Tree { code: &code, at: at + 2, found: &mut found };
        tree.read(prefix);
        at = tree.at;
    }
    found
}

/// Reads a `use` tree, or the path of an expression, which is the same without branches.
struct Tree<'a> {
    code: &'a str,
    at: usize,
    found: &'a mut Vec<NamedPath>,
}

impl Tree<'_> {
    fn read(&mut self, mut segments: Vec<String>) {
        self.skip_space();
        if self.code[self.at..].starts_with('{') {
            self.at += 1;
            while self.read_branch(&segments).is_continue() {}
            return;
        }
        let line = 1 + self.code[..self.at].matches('\n').count();
        match next_word(self.code, self.at) {
            Some((start, "super")) if start == self.at => {
                segments.pop();
                self.at += "super".len();
            }
            // `use crate::engine::{self, Engine}`: the module as such.
            Some((start, "self")) if start == self.at => self.at += "self".len(),
            Some((start, word)) if start == self.at => {
                segments.push(word.to_owned());
                self.at += word.len();
            }
            _ => {}
        }
        if self.code[self.at..].starts_with("::") {
            self.at += 2;
            self.read(segments);
        } else {
            self.found.push(NamedPath { line, segments });
        }
    }

    fn read_branch(&mut self, segments: &[String]) -> ControlFlow<()> {
        self.skip_space();
        match self.code[self.at..].chars().next() {
            None => ControlFlow::Break(()),
            Some('}') => {
                self.at += 1;
                ControlFlow::Break(())
            }
            Some(',' | '*') => {
                self.at += 1;
                ControlFlow::Continue(())
            }
            Some(_) => {
                let before = self.at;
                self.read(segments.to_vec());
                self.skip_alias();
                // Whatever this is, it must not hold us here.
                if self.at == before { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.code[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// `as name`.
    fn skip_alias(&mut self) {
        self.skip_space();
        if let Some((start, "as")) = next_word(self.code, self.at)
            && start == self.at
            && let Some((alias, word)) = next_word(self.code, self.at + 2)
        {
            self.at = alias + word.len();
        }
    }
}

/// The next identifier at or after `at`, and where it begins.
fn next_word(code: &str, at: usize) -> Option<(usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = at + code[at..].find(is_word)?;
    let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |length| start + length);
    Some((start, &code[start..end]))
}

/// The code with comments and strings blanked out; lines stay where they are.
fn without_text(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = text_length(rest).unwrap_or(0);
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

/// Length of the comment, string or quoted quote that `rest` begins with.
fn text_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(body) = rest.strip_prefix("/*") {
        return Some(body.find("*/").map_or(rest.len(), |at| at + 4));
    }
    if let Some(body) = rest.strip_prefix("r#\"") {
        return Some(body.find("\"#").map_or(rest.len(), |at| at + 5));
    }
    if rest.starts_with("'\"'") {
        return Some(3);
    }
    let body = rest.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    Some(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named_words(source: &str) -> Vec<String> {
        let found = named(source, "crate", &["outputs", "plot"]);
        found.iter().map(|path| format!("{} {}", path.line, path.segments.join("::"))).collect()
    }

    #[test]
    fn a_use_names_its_path() {
        assert_eq!(
            named_words("use std::fmt;\nuse crate::units::hz_to_midi;"),
            ["2 units::hz_to_midi"]
        );
    }

    #[test]
    fn branches_are_followed_and_keep_their_lines() {
        let source =
            "use crate::{\n    config::{A, B as C, self},\n    reading::*,\n};\nuse crate::units;";
        assert_eq!(
            named_words(source),
            ["2 config::A", "2 config::B", "2 config", "3 reading", "5 units"]
        );
    }

    #[test]
    fn paths_in_expressions_count() {
        assert_eq!(named_words("fn f() { crate::model::load(1) }"), ["1 model::load"]);
    }

    #[test]
    fn self_and_super_are_seen_from_the_module() {
        let source = "use self::canvas::Canvas;\nuse super::csv;\nuse super::super::units::hz;";
        assert_eq!(
            named_words(source),
            ["1 outputs::plot::canvas::Canvas", "2 outputs::csv", "3 units::hz"]
        );
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        let source = "//! [`crate::a`]\n/* crate::b */ const C: &str = \"crate::c\\\" crate::d\";\n\
            const Q: char = '\"'; use crate::e;\n\n#[cfg(test)]\nmod tests { use crate::f; }";
        assert_eq!(named_words(source), ["3 e"]);
    }

    #[test]
    fn other_crates_and_longer_words_do_not_count() {
        assert!(named_words("use my_crate::a; use other::crate_like::b;").is_empty());
    }
}
