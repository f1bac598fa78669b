//! Pages: their links lead somewhere, and what the log says is explained.

use super::{Finding, Repository};

/// Relative links of every page. Addresses on the network are not looked at: no check may depend on it.
pub(super) fn links(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.files.iter().filter(|file| file.path.ends_with(".md")) {
        let mut in_block = false;
        for (number, line) in file.lines() {
            if line.trim_start().starts_with("```") {
                in_block = !in_block;
            }
            if in_block {
                continue;
            }
            for target in targets(line) {
                if !resolve(&file.path, target).is_some_and(|path| repository.exists(&path)) {
                    findings.push(Finding::line(file, number, format!("the link `{target}` leads nowhere")));
                }
            }
        }
    }
    findings
}

/// Where promises and their tests stand.
const PROMISES: &str = "docs/reliability.md";
/// A word of the page with so many underscores is the name of a test.
const NAME_UNDERSCORES: usize = 2;

/// The tests that the page of promises names: one that was renamed or removed proves nothing.
pub(super) fn promises(repository: &Repository) -> Vec<Finding> {
    let Some(page) = repository.file(PROMISES) else { return Vec::new() };
    let mut findings = Vec::new();
    for (number, line) in page.lines() {
        // Between two backticks is code: every second part.
        for name in line.split('`').skip(1).step_by(2).filter(|word| is_name(word)) {
            let defined = format!("fn {name}(");
            if !repository.sources().any(|file| file.text.contains(&defined)) {
                findings.push(Finding::line(page, number, format!("there is no test `{name}`")));
            }
        }
    }
    findings
}

fn is_name(word: &str) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    word.chars().all(small) && word.matches('_').count() >= NAME_UNDERSCORES
}

/// The relative targets of the links `[text](target)` in a line, code spans left out.
fn targets(line: &str) -> Vec<&str> {
    // Between two backticks is code: every second part.
    let prose = line.split('`').step_by(2);
    let mut targets = Vec::new();
    // A link whose text is code is cut by its backticks: its target begins the next part.
    for part in prose {
        for after in part.split("](").skip(1) {
            let target = after.split([')', ' ']).next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                targets.push(target);
            }
        }
    }
    targets
}

/// The path from the root, or `None` when it would leave the repository.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

const AUDIT_PAGE: &str = "docs/reference/audit-events.md";

/// Each kind of entry that is written in `app`, in the page that explains the log to its readers.
pub(super) fn audit_events(repository: &Repository) -> Vec<Finding> {
    let page = repository.file(AUDIT_PAGE).map_or("", |file| file.text.as_str());
    let sources = repository.sources().filter(|file| file.path.starts_with("crates/app/src/"));
    let mut findings = Vec::new();
    for file in sources {
        for kind in kinds(&file.text) {
            if !page.contains(&format!("| `{kind}` |")) {
                let words =
                    format!("writes entries of kind `{kind}`, which is not in {AUDIT_PAGE}: add its row");
                findings.push(Finding::failure(&file.path, words));
            }
        }
    }
    findings
}

/// The kinds that stand as words in the calls that make an entry. One that is put together at run time
/// (`agreement.` and a state) is described in the page without this check.
fn kinds(text: &str) -> Vec<&str> {
    let mut kinds = Vec::new();
    // By the node: the kind comes first. By a person: after the proof of the right.
    for (call, place) in [("Event::system(", 0), ("Event::by(", 1)] {
        for after in text.split(call).skip(1) {
            let mut parts = after.split('"');
            let before = parts.next().unwrap_or_default().trim();
            let is_next =
                before.matches(',').count() == place && (before.is_empty() || before.ends_with(','));
            kinds.extend(parts.next().filter(|_| is_next));
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::super::testing::{places, repository};
    use super::*;

    #[test]
    fn targets_are_relative_and_outside_of_code() {
        assert_eq!(targets("[a](b.md) and [`c`](../d.md#e) [f](#g)"), ["b.md", "../d.md"]);
        assert!(targets("[a](https://x.y/z.md) `[a](b.md)` [m](mailto:a@b)").is_empty());
        assert_eq!(targets("[a](b.md \"title\")"), ["b.md"]);
    }

    #[test]
    fn paths_resolve_from_the_page() {
        assert_eq!(resolve("docs/spec/a.md", "../b.md").as_deref(), Some("docs/b.md"));
        assert_eq!(resolve("README.md", "docs/").as_deref(), Some("docs"));
        assert_eq!(resolve("README.md", "../x"), None);
    }

    #[test]
    fn kinds_of_entries_are_found_and_need_a_row() {
        let code = "Event::by(may, \"case.opened\", id)\nEvent::system(\n    \"node.started\", party)\nEvent::system(kind, \"x\")";
        assert_eq!(kinds(code), ["node.started", "case.opened"]);
        let with = |page: &str| {
            let files = [("crates/app/src/a.rs", "Event::by(may, \"case.opened\", id);"), (AUDIT_PAGE, page)];
            audit_events(&repository(&files)).len()
        };
        assert_eq!((with("| `case.opened` | when |"), with("case.opened"), with("")), (0, 1, 1));
    }

    #[test]
    fn a_dead_link_is_found_with_its_line() {
        let found = links(&repository(&[
            ("README.md", "[spec](docs/spec)\n\n[gone](docs/gone.md)\n```\n[code](nowhere)\n```\n"),
            ("docs/spec/a.md", "[up](../../README.md) [out](../../../x)\n"),
        ]));
        assert_eq!(places(&found), ["README.md:3", "docs/spec/a.md:1"]);
    }

    #[test]
    fn a_test_that_is_gone_is_found_in_the_page_of_promises() {
        let page = "| it holds | `it_holds_always`, `mithaq_x`, `it_holds_no_more` |";
        let files = [(PROMISES, page), ("crates/a/src/b.rs", "fn it_holds_always() {}")];
        let findings = promises(&repository(&files));
        assert_eq!(places(&findings), [format!("{}:1", PROMISES)]);
        assert!(promises(&repository(&[])).is_empty());
    }
}
