//! `cargo xtask tidy`: rules on the repository itself, each a function from what is in it to what is wrong.
//!
//! The rules read text and manifests. They understand no Rust: where one must choose, it rather misses a
//! violation than refuses good code, and the compiler's lints do the rest.

mod code;
mod documents;
mod files;
mod layers;
mod manifests;
#[cfg(test)]
mod testing;

use crate::workspace::{Layer, Package, Workspace};
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// Options of `cargo xtask tidy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run this rule and no other; may be given several times
    #[arg(long, value_name = "RULE")]
    only: Vec<String>,
    /// Print the rules and run none
    #[arg(long)]
    list: bool,
}

/// One thing that is asked of the repository.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    check: fn(&Repository) -> Vec<Finding>,
}

/// Every rule.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "layers",
        about: "a crate uses only lower layers and the neighbours that the house allows; `dev` crates are dev-dependencies",
        check: layers::layers,
    },
    Rule {
        name: "pure",
        about: "layers 0–2 depend on no clock, randomness, socket, database or runtime, and their `clippy.toml` forbids the calls",
        check: layers::pure,
    },
    Rule {
        name: "doors",
        about: "only `db` knows a database; only `api`, `web`, `node` and `mithaq` know HTTP",
        check: layers::doors,
    },
    Rule {
        name: "manifests",
        about: "every crate names its layer, licence and the common lints, and is called after its directory; a plain `cargo run` is the program",
        check: manifests::manifests,
    },
    Rule {
        name: "lockfile",
        about: "`Cargo.lock` holds fewer than 450 packages",
        check: manifests::lockfile,
    },
    Rule {
        name: "file-size",
        about: "a source file has at most 1,000 lines, and a word of warning above 600",
        check: files::source_size,
    },
    Rule {
        name: "page-size",
        about: "README has at most 150 lines, ARCHITECTURE and each page of docs/spec at most 300",
        check: files::page_size,
    },
    Rule {
        name: "forgotten",
        about: "every source file is a module of its crate, and a crate has one integration-test program, `tests/it`",
        check: files::forgotten,
    },
    Rule {
        name: "places",
        about: "no path of a developer's machine and no host of a package registry stands in a file",
        check: files::places,
    },
    Rule {
        name: "tests",
        about: "no test is ignored, sleeps, or expects a panic by attribute",
        check: code::tests,
    },
    Rule {
        name: "unfinished",
        about: "no `todo!`, no `TODO` without its issue, no conflict marker, no commented-out code",
        check: code::unfinished,
    },
    Rule {
        name: "expect",
        about: "a lint is silenced by `expect` with a reason, never by `allow`",
        check: code::expect,
    },
    Rule {
        name: "serialisable",
        about: "only documents, foreign formats, configuration and the shell derive `Serialize` or `Deserialize`",
        check: code::serialisable,
    },
    Rule {
        name: "documented",
        about: "layers 0–3 deny a public item without a comment",
        check: code::documented,
    },
    Rule {
        name: "links",
        about: "every relative link in a page leads to a file that is there",
        check: documents::links,
    },
    Rule {
        name: "audit-events",
        about: "every kind of ledger entry that `app` writes is described in docs/reference/audit-events.md",
        check: documents::audit_events,
    },
    Rule {
        name: "promises",
        about: "every test that docs/reliability.md names is there",
        check: documents::promises,
    },
];

/// What the rules read.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    pub(crate) packages: Vec<Package>,
    /// Sorted by path.
    pub(crate) files: Vec<File>,
    /// Files that are not text: only their paths.
    pub(crate) binary: Vec<String>,
}

/// A text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Something that is wrong, or nearly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Where: a path, with `:line` when one line is meant.
    pub(crate) at: String,
    /// What is wrong and what to do.
    pub(crate) words: String,
}

/// Whether it stops the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Failure,
    Warning,
}

impl Finding {
    fn failure(at: impl Into<String>, words: impl Into<String>) -> Self {
        Self { severity: Severity::Failure, at: at.into(), words: words.into() }
    }

    fn warning(at: impl Into<String>, words: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, at: at.into(), words: words.into() }
    }

    fn line(file: &File, line: usize, words: impl Into<String>) -> Self {
        Self::failure(format!("{}:{line}", file.path), words)
    }
}

impl Repository {
    pub(crate) fn load(workspace: &Workspace) -> Result<Self> {
        let mut repository = Self { packages: workspace.packages.clone(), ..Self::default() };
        repository.walk(&workspace.root, "")?;
        repository.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(repository)
    }

    fn walk(&mut self, dir: &Path, prefix: &str) -> Result<()> {
        let shown = || format!("cannot read `{}`", dir.display());
        for entry in std::fs::read_dir(dir).with_context(shown)? {
            let entry = entry.with_context(shown)?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().with_context(shown)?;
            if kind.is_dir() {
                if !is_left_out(&path) {
                    self.walk(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() && !is_left_out(&path) {
                let bytes = std::fs::read(entry.path()).with_context(shown)?;
                match String::from_utf8(bytes) {
                    Ok(text) => self.files.push(File { path, text }),
                    Err(_) => self.binary.push(path),
                }
            }
        }
        Ok(())
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a file or a directory of this path is there.
    fn exists(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let mut paths = self.files.iter().map(|file| &file.path).chain(&self.binary);
        path.is_empty() || paths.any(|known| known == path || known.starts_with(&inside))
    }

    /// Rust files that people write.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs") && !file.is_generated())
    }

    /// The package that a file belongs to.
    fn owner(&self, file: &File) -> Option<&Package> {
        self.packages.iter().find(|package| file.path.starts_with(&format!("{}/", package.dir)))
    }
}

impl File {
    /// Generated files say so at their top.
    fn is_generated(&self) -> bool {
        self.text.lines().take(5).any(|line| line.contains("@generated"))
    }

    /// Whether the whole file is tests.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("/testing.rs")
    }

    /// Lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Lines that are no comment.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// What holds nothing committed. In a linked working tree `.git` is a file.
fn is_left_out(path: &str) -> bool {
    matches!(path, ".git" | "target" | "fuzz/artifacts") || path.ends_with("/target")
}

/// Whether a package is in one of the layers `0..=highest`.
fn is_within(package: &Package, highest: u8) -> bool {
    matches!(package.layer, Some(Layer::Number(layer)) if layer <= highest)
}

/// Runs the rules and prints what they found.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if let Some(name) = options.only.iter().find(|name| !RULES.iter().any(|rule| rule.name == **name)) {
        bail!("there is no rule `{name}`\nhint: `cargo xtask tidy --list` prints them");
    }
    let chosen =
        RULES.iter().filter(|rule| options.only.is_empty() || options.only.iter().any(|n| n == rule.name));
    if options.list {
        for rule in chosen {
            println!("{:<13} {}", rule.name, rule.about);
        }
        return Ok(());
    }
    report(&Repository::load(workspace)?, chosen)
}

/// All rules.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    report(&Repository::load(workspace)?, RULES.iter())
}

fn report<'a>(repository: &Repository, rules: impl Iterator<Item = &'a Rule>) -> Result<()> {
    let (mut kept, mut broken, mut failures) = (0_usize, 0_usize, 0_usize);
    for rule in rules {
        let mut clean = true;
        for finding in (rule.check)(repository) {
            let word = match finding.severity {
                Severity::Failure => {
                    failures += 1;
                    clean = false;
                    "error"
                }
                Severity::Warning => "warning",
            };
            println!("{word}[{}]: {}: {}", rule.name, finding.at, finding.words);
        }
        if clean { kept += 1 } else { broken += 1 }
    }
    println!("tidy: {kept} rules kept, {broken} broken, {} files", repository.files.len());
    if failures > 0 {
        bail!("{failures} place(s) break the rules of the repository");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::testing::repository;
    use super::*;

    #[test]
    fn a_failure_stops_and_a_warning_does_not() {
        let fails = Rule { name: "a", about: "", check: |_| vec![Finding::failure("x", "y")] };
        let warns = Rule { name: "b", about: "", check: |_| vec![Finding::warning("x", "y")] };
        let empty = Repository::default();
        assert!(report(&empty, [&warns].into_iter()).is_ok());
        assert!(report(&empty, [&warns, &fails].into_iter()).is_err());
    }

    #[test]
    fn rule_names_are_unique() {
        let names: std::collections::BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn files_and_directories_exist() {
        let repository = repository(&[("docs/a.md", ""), ("README.md", "")]);
        for path in ["docs/a.md", "docs", "README.md", ""] {
            assert!(repository.exists(path), "{path}");
        }
        for path in ["doc", "docs/a", "docs/b.md"] {
            assert!(!repository.exists(path), "{path}");
        }
    }

    #[test]
    fn build_output_is_left_out() {
        assert!(is_left_out("target") && is_left_out(".git") && is_left_out("fuzz/target"));
        assert!(!is_left_out("crates/target_list") && !is_left_out("docs"));
    }
}
