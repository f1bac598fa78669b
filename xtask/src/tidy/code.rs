//! What the text of the sources may not hold.

use super::{File, Finding, Repository, is_within};
use crate::workspace::Layer;

/// Crates that make bytes for others, read configuration, or never ship. Their types may be serialisable.
const SERIALISABLE: &[&str] =
    &["mithaq-wire", "mithaq-interop", "mithaq-api", "mithaq-web", "mithaq-node", "mithaq"];
/// The agreement as a file that people write: configuration in the sense of the rule.
const SERIALISABLE_FILES: &[&str] =
    &["crates/policy/src/agreement/file.rs", "crates/policy/src/agreement/file/"];

/// In two parts, so that this file keeps its own rules.
const IGNORED: &str = concat!("#[ig", "nore");
const SHOULD_PANIC: &str = concat!("#[should_", "panic");
const SLEEP: &str = concat!("thread::sl", "eep(");
const TODO_MACRO: &str = concat!("to", "do!(");
const TODO_WORD: &str = concat!("TO", "DO");
const ALLOW: &[&str] = &[concat!("#[al", "low("), concat!("#![al", "low(")];
const CONFLICT: &[&str] = &[concat!("<<<<", "<<< "), concat!(">>>>", ">>> ")];

/// A test that does not run, waits for the clock, or accepts any panic, proves nothing.
pub(super) fn tests(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.sources() {
        for (number, line) in file.code_lines() {
            if line.contains(IGNORED) {
                findings.push(Finding::line(file, number, "an ignored test: fix it or delete it"));
            }
            if line.contains(SHOULD_PANIC) {
                findings.push(Finding::line(
                    file,
                    number,
                    "assert what happens instead of expecting any panic",
                ));
            }
            if file.is_test() && line.contains(SLEEP) {
                findings.push(Finding::line(file, number, "a test that sleeps: wait for a state"));
            }
        }
    }
    findings
}

/// What was left half-way.
pub(super) fn unfinished(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &repository.files {
        for (number, line) in file.lines() {
            if CONFLICT.iter().any(|marker| line.starts_with(marker)) {
                findings.push(Finding::line(file, number, "a conflict marker"));
            }
        }
    }
    for file in repository.sources() {
        for (number, line) in file.lines() {
            if let Some(words) = left_half_way(line) {
                findings.push(Finding::line(file, number, words));
            }
        }
    }
    findings
}

fn left_half_way(line: &str) -> Option<&'static str> {
    let comment = line.trim_start().strip_prefix("//");
    match comment {
        None if line.contains(TODO_MACRO) => Some("code that is not written yet"),
        None => None,
        Some(text) if has_bare_todo(text) => Some("name the issue: `(#n)` after the word, or do it now"),
        // Doc comments may hold examples.
        Some(text) if text.starts_with(['/', '!']) => None,
        Some(text) if is_code(text.trim()) => Some("commented-out code: delete it, the history keeps it"),
        Some(_) => None,
    }
}

fn has_bare_todo(comment: &str) -> bool {
    comment.match_indices(TODO_WORD).any(|(at, word)| {
        let rest = comment.get(at.saturating_add(word.len())..).unwrap_or_default();
        !rest.starts_with("(#") && !rest.starts_with(char::is_alphanumeric)
    })
}

/// Whether a comment ends and begins as a statement does. A sentence may do one of both.
fn is_code(comment: &str) -> bool {
    let ends = comment.ends_with(';') || comment.ends_with('{') || comment.ends_with("?;");
    let starts = [
        "let ", "if ", "for ", "while ", "match ", "return ", "use ", "pub ", "fn ", "impl ", "struct ",
        "enum ", "self.", "assert", "mod ", "const ", "static ",
    ];
    let call = comment.ends_with(");") && comment.contains('(');
    comment == "}" || call || (ends && starts.iter().any(|start| comment.starts_with(start)))
}

/// `expect` complains once its reason is gone; `allow` stays for ever.
pub(super) fn expect(repository: &Repository) -> Vec<Finding> {
    find(repository, |line| ALLOW.iter().any(|word| line.contains(word)), "write `expect` with a reason")
}

fn find(repository: &Repository, is_bad: impl Fn(&str) -> bool, words: &str) -> Vec<Finding> {
    let sources = repository.sources();
    let bad = sources.flat_map(|file| file.code_lines().map(move |(number, line)| (file, number, line)));
    bad.filter(|(_, _, line)| is_bad(line))
        .map(|(file, number, _)| Finding::line(file, number, words))
        .collect()
}

/// A serialisable type is a promise to strangers: types of the model make none.
pub(super) fn serialisable(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.sources().filter(|file| !may_serialise(repository, file)) {
        for (number, line) in file.code_lines() {
            let is_word = |word: &str| matches!(word, "Serialize" | "Deserialize" | "DeserializeOwned");
            if line.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_word) {
                let words = "this crate makes no bytes: put the document type into `wire` and convert";
                findings.push(Finding::line(file, number, words));
            }
        }
    }
    findings
}

fn may_serialise(repository: &Repository, file: &File) -> bool {
    let Some(package) = repository.owner(file) else { return true };
    let shipped = matches!(package.layer, Some(Layer::Number(_)));
    !shipped
        || file.is_test()
        || SERIALISABLE.contains(&package.name.as_str())
        || SERIALISABLE_FILES.iter().any(|path| file.path.starts_with(path))
}

/// Layers 0–3 are read by others: every public item says what it is. A crate of one line has no item yet.
pub(super) fn documented(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repository.packages.iter().filter(|package| is_within(package, 3)) {
        let path = format!("{}/src/lib.rs", package.dir);
        let Some(file) = repository.file(&path) else { continue };
        let is_started = file.text.lines().count() > 5;
        if is_started && !file.code_lines().any(|(_, line)| line.contains("deny(missing_docs)")) {
            findings.push(Finding::failure(path, "add `#![deny(missing_docs)]`"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{package, places, repository};
    use super::*;

    fn one(rule: fn(&Repository) -> Vec<Finding>, path: &str, line: &str) -> usize {
        rule(&repository(&[(path, line)])).len()
    }

    #[test]
    fn tests_run_and_do_not_sleep() {
        for bad in [IGNORED, SHOULD_PANIC] {
            assert_eq!(one(super::tests, "crates/a/src/x.rs", &format!("    {bad}]")), 1, "{bad}");
        }
        let sleep = format!("std::{SLEEP}second);");
        assert_eq!(one(super::tests, "crates/a/tests/it/x.rs", &sleep), 1);
        assert_eq!(one(super::tests, "crates/a/src/x.rs", &sleep), 0);
        assert_eq!(one(super::tests, "crates/a/src/x.rs", &format!("// never {IGNORED}]")), 0);
    }

    #[test]
    fn what_is_unfinished_is_found() {
        let todo = TODO_WORD;
        let bad = [
            format!("    {TODO_MACRO})"),
            format!("// {todo}: later"),
            format!("/// {todo} later"),
            "// let x = 1;".to_owned(),
            "//     self.check(actor)?;".to_owned(),
            "// call(it);".to_owned(),
            "// if allowed {".to_owned(),
            "// }".to_owned(),
            format!("{}HEAD", CONFLICT[0]),
        ];
        for line in bad {
            assert_eq!(one(unfinished, "crates/a/src/x.rs", &line), 1, "{line}");
        }
    }

    #[test]
    fn sentences_and_examples_are_not_unfinished() {
        let good = [
            format!("// {todo}(#12): later", todo = TODO_WORD),
            format!("// the list {todo}S of others", todo = TODO_WORD),
            "// A sentence; with a stop.".to_owned(),
            "// if it is allowed, it is logged".to_owned(),
            "/// let x = 1;".to_owned(),
            "let url = \"https://x\";".to_owned(),
        ];
        for line in good {
            assert_eq!(one(unfinished, "crates/a/src/x.rs", &line), 0, "{line}");
        }
    }

    #[test]
    fn allow_is_found_and_expect_is_not() {
        for word in ALLOW {
            assert_eq!(one(expect, "crates/a/src/x.rs", &format!("{word}dead_code)]")), 1);
        }
        assert_eq!(one(expect, "crates/a/src/x.rs", "#[expect(dead_code, reason = \"x\")]"), 0);
    }

    #[test]
    fn only_some_crates_serialise() {
        let line = "#[derive(Debug, Serialize)]\n";
        let paths = [
            "crates/model/src/x.rs",
            "crates/model/tests/it/x.rs",
            "crates/policy/src/decide.rs",
            "crates/policy/src/agreement/file.rs",
            "crates/sim/src/x.rs",
            "crates/wire/src/x.rs",
        ];
        let mut repository = repository(&paths.map(|path| (path, line)));
        repository.packages = vec![
            package("model", Some(Layer::Number(0)), &[]),
            package("policy", Some(Layer::Number(1)), &[]),
            package("sim", Some(Layer::Development), &[]),
            package("wire", Some(Layer::Number(2)), &[]),
        ];
        assert_eq!(
            places(&serialisable(&repository)),
            ["crates/model/src/x.rs:1", "crates/policy/src/decide.rs:1"]
        );
        repository.files[0].text = "// Serialize is a promise\nstruct SerializeNot;\n".to_owned();
        assert_eq!(places(&serialisable(&repository)), ["crates/policy/src/decide.rs:1"]);
    }

    #[test]
    fn lower_layers_deny_missing_docs() {
        let found = |text: &str, layer: u8| {
            let mut repository = repository(&[("crates/a/src/lib.rs", text)]);
            repository.packages = vec![package("a", Some(Layer::Number(layer)), &[])];
            documented(&repository).len()
        };
        let code = "mod a;\n".repeat(9);
        assert_eq!((found(&code, 3), found(&code, 4), found("//! x\n", 0)), (1, 0, 0));
        assert_eq!(found(&format!("#![deny(missing_docs)]\n{code}"), 0), 0);
        assert_eq!(found(&format!("// #![deny(missing_docs)]\n{code}"), 0), 1);
    }
}
