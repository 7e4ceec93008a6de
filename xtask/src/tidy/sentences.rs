//! What CONTRIBUTING.md says of the house, as far as it can be looked up.

use super::Source;

/// A thing that stands only where it belongs.
struct Place {
    /// What is looked for in the code.
    text: &'static str,
    /// Where it may stand: beginnings of paths.
    belongs: &'static [&'static str],
    /// What to do instead.
    instead: &'static str,
}

const PLACES: [Place; 4] = [
    Place {
        text: "anyhow::",
        belongs: &["src/bin/"],
        instead: "errors of the library are small enums; anyhow is for programs",
    },
    Place {
        text: "PoisonError",
        belongs: &["src/lock.rs", "src/params.rs", "src/engine/record.rs"],
        instead: "take the mutex with crate::lock::lock",
    },
    Place {
        text: "println!",
        belongs: &["src/bin/"],
        instead: "a library and a plugin print nothing",
    },
    Place { text: "process::exit", belongs: &["src/bin/"], instead: "a host must live on" },
];

/// Names of files that nobody wants to look into.
const NAMELESS: [&str; 4] = ["mod.rs", "utils.rs", "helpers.rs", "common.rs"];

/// Folders of which comments and documents name files.
const FOLDERS: [&str; 8] =
    ["src/", "tests/", "xtask/", "examples/", "benches/", "docs/", "models/", "fuzz/"];

/// What stands where it does not belong.
pub fn check(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(check_file).collect()
}

fn check_file(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let mut findings = Vec::new();
    if NAMELESS.iter().any(|name| path.rsplit('/').next() == Some(name)) {
        findings.push(format!("{path}: name it by what it holds"));
    }
    let shipped = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    for (n, line) in shipped.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for place in &PLACES {
            let belongs = place.belongs.iter().any(|begins| path.starts_with(begins));
            if code.contains(place.text) && !belongs {
                findings.push(format!("{path}:{}: {}", n + 1, place.instead));
            }
        }
    }
    findings
}

/// Longest line of a comment, letters: as long as rustfmt lets code be.
const MOST_LETTERS: usize = 100;

/// Comments that are longer than a line of code may be. Tables, and what stands between fences, are
/// as wide as they are.
pub fn check_comments(written: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for Source { path, text } in written.iter().filter(|source| source.path.ends_with(".rs")) {
        let mut is_fenced = false;
        for (n, line) in text.lines().enumerate() {
            let Some((indent, comment)) = line.split_once("//") else { continue };
            if !indent.trim().is_empty() {
                continue;
            }
            let words = comment.trim_start_matches(['/', '!']).trim_start();
            is_fenced ^= words.starts_with("```");
            let is_table = words.starts_with('|');
            if !is_fenced && !is_table && line.chars().count() > MOST_LETTERS {
                findings.push(format!("{path}:{}: wrap it at {MOST_LETTERS} letters", n + 1));
            }
        }
    }
    findings
}

/// Files of ours that a document or a comment names and that there are not.
pub fn check_names(documents: &[Source], tracked: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for Source { path, text } in documents {
        for (n, line) in text.lines().enumerate() {
            let is_code = path.ends_with(".rs");
            let words = match line.trim_start().split_once("//") {
                Some(("", comment)) if is_code => comment,
                _ if is_code => continue,
                _ => line,
            };
            for name in named_files(words) {
                let exists = tracked.iter().any(|file| file == name);
                if !exists {
                    findings.push(format!("{path}:{}: there is no {name} any more", n + 1));
                }
            }
        }
    }
    findings
}

/// Threads that a source names, and the table of threads does not.
pub fn check_threads(sources: &[Source], table: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for Source { path, text } in sources {
        let shipped = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (n, line) in shipped.lines().enumerate() {
            let name = line.split('"').nth(1).filter(|name| name.starts_with("mood-"));
            let is_comment = line.trim_start().starts_with("//");
            if let Some(name) = name.filter(|name| !is_comment && !table.contains(*name)) {
                findings.push(format!("{path}:{}: {THREADS} has no row for {name}", n + 1));
            }
        }
    }
    findings
}

/// Where threads are listed.
pub const THREADS: &str = "docs/architecture.md";

/// Paths in a text that name one of our source files or documents.
fn named_files(text: &str) -> impl Iterator<Item = &str> {
    let is_outside = |c: char| !(c.is_alphanumeric() || "/._-".contains(c));
    let words = text.split(is_outside).map(|word| word.trim_end_matches('.'));
    words.filter(|word| {
        FOLDERS.iter().any(|folder| word.starts_with(folder))
            && [".rs", ".md", ".py"].iter().any(|ending| word.ends_with(ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn what_belongs_to_programs_is_found_in_the_library() {
        let text = "fn f() -> anyhow::Result<()> {\n    println!(\"f\");\n}";
        assert_eq!(check_file(&source("src/model.rs", text)).len(), 2);
        assert_eq!(check_file(&source("src/bin/cli/main.rs", text)).len(), 0);
        let in_tests = "\n#[cfg(test)]\nmod tests {\n    fn f() { println!(); }\n}";
        assert_eq!(check_file(&source("src/model.rs", in_tests)).len(), 0);
        assert_eq!(check_file(&source("src/model.rs", "// As anyhow::Error does.")).len(), 0);
    }

    #[test]
    fn a_file_without_a_name_of_its_own_is_found() {
        assert_eq!(check_file(&source("src/model/mod.rs", "")).len(), 1);
        assert_eq!(check_file(&source("src/model/modulation.rs", "")).len(), 0);
    }

    #[test]
    fn a_comment_is_as_long_as_code_but_in_tables_and_fences() {
        let long = "word ".repeat(25);
        let found = |text: String| check_comments(&[source("src/a.rs", &text)]).len();
        assert_eq!(found(format!("    // {long}\nlet a = 1; // {long}")), 1);
        assert_eq!(found(format!("/// | {long} |\n/// ```text\n/// {long}\n/// ```")), 0);
    }

    #[test]
    fn a_thread_that_the_table_does_not_know_is_found() {
        let sources = [source("src/a.rs", "const THREAD: &str = \"mood-new\";")];
        assert_eq!(check_threads(&sources, "| `mood-old` |").len(), 1);
        assert_eq!(check_threads(&sources, "| `mood-new` |").len(), 0);
    }

    #[test]
    fn names_of_files_that_there_are_not_are_found_in_words() {
        let tracked = ["src/lib.rs".to_owned()];
        let found = |path: &str, text: &str| check_names(&[source(path, text)], &tracked).len();
        assert_eq!(found("README.md", "`src/lib.rs` and src/gone.rs."), 1);
        assert_eq!(found("src/a.rs", "//! See `src/gone.rs`.\nlet path = \"src/gone.rs\";"), 1);
        assert_eq!(found("src/a.rs", "// src/lib.rs, target/x.rs, src/{a,b}.rs"), 0);
    }
}
