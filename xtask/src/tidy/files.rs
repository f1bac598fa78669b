//! How long files are, whether each is used, and what none may name.

use super::{File, Finding, Repository};

const SOURCE_LIMIT: usize = 1_000;
const SOURCE_WARNING: usize = 600;
const README_LIMIT: usize = 150;
const PAGE_LIMIT: usize = 300;

/// In two parts, so that this file does not name what it forbids.
const HOSTS: &[&str] = &[
    concat!("https://crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("deb.debian", ".org"),
    concat!("registry.npmjs", ".org"),
];
const DIRECTORIES: &[&str] = &[concat!("/wo", "rk"), concat!("/ho", "me/"), concat!("/ro", "ot/")];

/// Source files stay short enough to be read.
pub(super) fn source_size(repository: &Repository) -> Vec<Finding> {
    let long = repository.sources().filter_map(|file| {
        let lines = file.text.lines().count();
        if lines > SOURCE_LIMIT {
            Some(Finding::failure(
                &file.path,
                format!("{lines} lines, the limit is {SOURCE_LIMIT}: split it"),
            ))
        } else if lines > SOURCE_WARNING {
            Some(Finding::warning(&file.path, format!("{lines} lines: think of a split")))
        } else {
            None
        }
    });
    long.collect()
}

/// Pages that everyone reads stay short.
pub(super) fn page_size(repository: &Repository) -> Vec<Finding> {
    let limit = |path: &str| match path {
        "README.md" => Some(README_LIMIT),
        "ARCHITECTURE.md" => Some(PAGE_LIMIT),
        other => (other.starts_with("docs/spec/") && other.ends_with(".md")).then_some(PAGE_LIMIT),
    };
    let long = repository.files.iter().filter_map(|file| {
        let (limit, lines) = (limit(&file.path)?, file.text.lines().count());
        (lines > limit).then(|| Finding::failure(&file.path, format!("{lines} lines, the limit is {limit}")))
    });
    long.collect()
}

/// A file that no `mod` names is not compiled: its tests pass by not running.
pub(super) fn forgotten(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.sources() {
        if let Some(words) = second_program(&file.path) {
            findings.push(Finding::failure(&file.path, words));
        } else if is_orphan(repository, file) {
            findings.push(Finding::failure(&file.path, "no `mod` names it, so it is never compiled"));
        }
    }
    findings
}

/// `crates/x/tests/other.rs` would be one more program to link.
fn second_program(path: &str) -> Option<&'static str> {
    let (_, inside) = path.strip_prefix("crates/")?.split_once("/tests/")?;
    let words = "one test program per crate: make it a module of `tests/it/main.rs`";
    (!inside.starts_with("it/")).then_some(words).filter(|_| !path.contains("/src/"))
}

fn is_orphan(repository: &Repository, file: &File) -> bool {
    let Some((dir, name)) = file.path.rsplit_once('/') else { return false };
    let stem = name.trim_end_matches(".rs");
    let is_root = matches!(stem, "main" | "lib" | "build") || dir.ends_with("/bin");
    let in_tree = dir.contains("/src") || dir.contains("/tests/");
    if is_root || !in_tree {
        return false;
    }
    // `dir/mod.rs` is named by the file above `dir`.
    let (dir, stem) = if stem == "mod" { dir.rsplit_once('/').unwrap_or((dir, stem)) } else { (dir, stem) };
    let parents =
        [format!("{dir}.rs"), format!("{dir}/mod.rs"), format!("{dir}/lib.rs"), format!("{dir}/main.rs")];
    let quoted = format!("\"{name}\"");
    let names_it =
        |parent: &File| parent.code_lines().any(|(_, line)| declares(line, stem) || line.contains(&quoted));
    !parents.iter().filter_map(|path| repository.file(path)).any(names_it)
}

/// Whether a line is `mod stem;` with any visibility.
fn declares(line: &str, stem: &str) -> bool {
    let Some(rest) = line.trim().strip_suffix(';') else { return false };
    let mut words = rest.split_whitespace().rev();
    words.next() == Some(stem) && words.next() == Some("mod")
}

/// No file tells where it was written or which mirror served it.
pub(super) fn places(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &repository.files {
        for (number, line) in file.lines() {
            if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
                findings.push(Finding::line(file, number, format!("names the registry host `{host}`")));
            }
            if let Some(dir) = DIRECTORIES.iter().find(|dir| names_directory(line, dir)) {
                findings.push(Finding::line(file, number, format!("names `{dir}` of a developer's machine")));
            }
        }
    }
    findings
}

/// Whether `dir` stands in the line as the beginning of an absolute path.
fn names_directory(line: &str, dir: &str) -> bool {
    line.match_indices(dir).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at.saturating_add(dir.len())..).and_then(|text| text.chars().next());
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '/' | '*');
        let longer = |c: char| !dir.ends_with('/') && (c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        !before.is_some_and(inside) && !after.is_some_and(longer)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::super::testing::{places as at, repository};
    use super::*;

    #[test]
    fn long_sources_warn_then_fail_and_generated_ones_are_free() {
        let severity = |lines: usize, top: &str| {
            let text = format!("{top}\n{}", "x\n".repeat(lines - 1));
            source_size(&repository(&[("crates/a/src/lib.rs", &text)])).first().map(|found| found.severity)
        };
        assert_eq!(severity(600, ""), None);
        assert_eq!(severity(601, ""), Some(Severity::Warning));
        assert_eq!(severity(1_000, ""), Some(Severity::Warning));
        assert_eq!(severity(1_001, ""), Some(Severity::Failure));
        assert_eq!(severity(5_000, "// @generated"), None);
    }

    #[test]
    fn pages_have_limits() {
        let found = |path: &str, lines: usize| page_size(&repository(&[(path, &"x\n".repeat(lines))])).len();
        for (path, limit) in [("README.md", 150), ("ARCHITECTURE.md", 300), ("docs/spec/a.md", 300)] {
            assert_eq!((found(path, limit), found(path, limit + 1)), (0, 1), "{path}");
        }
        assert_eq!(found("docs/guides/a.md", 5_000) + found("docs/spec/vectors/a.json", 5_000), 0);
    }

    #[test]
    fn a_file_that_no_module_names_is_found() {
        let found = forgotten(&repository(&[
            ("crates/a/src/lib.rs", "mod b;\npub(crate) mod c;\n// mod d;\n"),
            ("crates/a/src/b.rs", "mod inner;\n"),
            ("crates/a/src/b/inner.rs", ""),
            ("crates/a/src/b/other.rs", ""),
            ("crates/a/src/c/mod.rs", "include!(\"table.rs\");\n"),
            ("crates/a/src/c/table.rs", ""),
            ("crates/a/src/d.rs", ""),
            ("crates/a/src/bin/tool.rs", ""),
            ("crates/a/build.rs", ""),
            ("crates/a/tests/it/main.rs", "mod common;\n"),
            ("crates/a/tests/it/common.rs", ""),
            ("crates/a/tests/it/lost.rs", ""),
            ("crates/a/tests/second.rs", ""),
        ]));
        let expected = [
            "crates/a/src/b/other.rs",
            "crates/a/src/d.rs",
            "crates/a/tests/it/lost.rs",
            "crates/a/tests/second.rs",
        ];
        assert_eq!(at(&found), expected);
    }

    #[test]
    fn machine_paths_and_hosts_are_found_and_words_like_them_are_not() {
        let found = |line: &str| places(&repository(&[("docs/a.md", line)])).len();
        for word in DIRECTORIES {
            assert_eq!(found(&format!("see {word}")), 1, "{word}");
            assert_eq!(found(&format!("\"{}/x\"", word.trim_end_matches('/'))), 1, "{word}");
            assert_eq!(found(&format!("our{word}x")), 0, "{word}");
        }
        for host in HOSTS {
            assert_eq!(found(&format!("from {host}/x")), 1, "{host}");
        }
        for good in ["team/work/x", "/workers", "a crates.io package", "${X}/root/", "/homes", "docs/home/a"]
        {
            assert_eq!(found(good), 0, "{good}");
        }
    }
}
