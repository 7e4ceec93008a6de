//! Public items without a word of what they are, where the compiler does not look: in modules that
//! are not public, and in programs.

use super::Source;

/// What begins a public item that wants a word. A module says it at the top of its own file.
const ITEMS: [&str; 9] = [
    "pub fn ",
    "pub const ",
    "pub static ",
    "pub struct ",
    "pub enum ",
    "pub trait ",
    "pub type ",
    "pub union ",
    "pub unsafe fn ",
];

/// Public items without a word.
pub fn check(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(check_file).collect()
}

fn check_file(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let mut findings = Vec::new();
    let shipped = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut is_documented = false;
    let mut in_attribute = false;
    for (n, line) in shipped.lines().enumerate() {
        let line = line.trim_start();
        if in_attribute {
            in_attribute = !line.ends_with(']');
            continue;
        }
        if line.starts_with("#[") {
            in_attribute = !line.ends_with(']');
            is_documented |= line.starts_with("#[doc");
            continue;
        }
        if ITEMS.iter().any(|item| line.starts_with(item)) && !is_documented {
            let name = line.split(['(', ':', '{', '=', '<']).next().unwrap_or(line).trim();
            findings.push(format!("{path}:{}: say in a line above what `{name}` is", n + 1));
        }
        is_documented = line.starts_with("///");
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        check_file(&Source { path: "src/a.rs".to_owned(), text: format!("//! A.\n{text}") })
    }

    #[test]
    fn an_item_without_a_word_is_named_with_its_line() {
        assert_eq!(found("pub fn f() {}"), ["src/a.rs:2: say in a line above what `pub fn f` is"]);
        assert_eq!(found("/// F.\n#[must_use]\npub fn f() {}"), [""; 0]);
        assert_eq!(found("/// F.\n#[cfg_attr(\n    a,\n    b\n)]\npub struct F;"), [""; 0]);
        assert_eq!(found("/// F.\npub struct F;\npub struct G;").len(), 1);
    }

    #[test]
    fn what_only_neighbours_and_tests_see_needs_none() {
        assert_eq!(found("pub(super) fn f() {}\nfn g() {}\npub use a::B;\npub mod b;"), [""; 0]);
        assert_eq!(found("\n#[cfg(test)]\nmod tests {\n    pub fn f() {}\n}"), [""; 0]);
    }
}
