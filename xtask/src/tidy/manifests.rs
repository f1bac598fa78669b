//! What each manifest says of its crate, and how much the lock file holds.

use super::{Finding, Repository};
use crate::workspace::{Layer, Package};

const LICENCE: &str = "Apache-2.0";
const LOCK_LIMIT: usize = 450;

/// Makes `cargo run -- demo`, the first command of README, mean one program.
const DEFAULT: &str = "default-members = [\"crates/mithaq\"]";

/// Layer, licence, lints and name; and that a plain `cargo run` is the program.
pub(super) fn manifests(repository: &Repository) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        repository.packages.iter().flat_map(|package| manifest(repository, package)).collect();
    let root = repository.file("Cargo.toml");
    if root.is_some_and(|file| !file.lines().any(|(_, line)| line == DEFAULT)) {
        let words = format!("must say `{DEFAULT}`, or README's first command names no program");
        findings.push(Finding::failure("Cargo.toml", words));
    }
    findings
}

fn manifest(repository: &Repository, package: &Package) -> Vec<Finding> {
    let path = format!("{}/Cargo.toml", package.dir);
    let mut findings = Vec::new();
    let mut fail = |words: String| findings.push(Finding::failure(&path, words));
    if package.layer.is_none() {
        fail("has no [package.metadata.mithaq] layer: 0 to 5, \"dev\" or \"xtask\"".to_owned());
    }
    if package.licence.as_deref() != Some(LICENCE) {
        fail(format!("licence is not {LICENCE}: write `license.workspace = true`"));
    }
    let directory = package.dir.rsplit('/').next().unwrap_or_default();
    if package.name != directory && package.name.strip_prefix("mithaq-") != Some(directory) {
        fail(format!("`{}` is not called after its directory `{directory}`", package.name));
    }
    let text = repository.file(&path).map_or("", |file| file.text.as_str());
    // A crate of tests may loosen lints for its builders, but says so itself; with `deny`, one file of
    // it may hold the `unsafe` that a test double of C code needs.
    let says = |level: &str| text.contains(&format!("[lints.rust]\nunsafe_code = \"{level}\""));
    let own = package.layer == Some(Layer::Development) && (says("forbid") || says("deny"));
    if !own && !text.contains("[lints]\nworkspace = true") {
        fail("does not use the common lints: add `[lints]` with `workspace = true`".to_owned());
    }
    findings
}

/// How many packages are locked.
pub(super) fn lockfile(repository: &Repository) -> Vec<Finding> {
    let Some(file) = repository.file("Cargo.lock") else {
        return vec![Finding::failure("Cargo.lock", "is missing: builds must be repeatable")];
    };
    let count = file.lines().filter(|(_, line)| *line == "[[package]]").count();
    if count < LOCK_LIMIT {
        return Vec::new();
    }
    let words = format!("{count} packages, the limit is below {LOCK_LIMIT}: a new one must earn its place");
    vec![Finding::failure("Cargo.lock", words)]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{package, repository};
    use super::*;

    fn found(change: impl FnOnce(&mut Package), manifest: &str) -> usize {
        let mut one = package("wire", Some(Layer::Number(2)), &[]);
        change(&mut one);
        let mut repository = repository(&[("crates/wire/Cargo.toml", manifest)]);
        repository.packages = vec![one];
        manifests(&repository).len()
    }

    #[test]
    fn a_manifest_says_layer_licence_lints_and_name() {
        let good = "[package]\n\n[lints]\nworkspace = true\n";
        assert_eq!(found(|_| (), good), 0);
        assert_eq!(found(|one| one.name = "wire".to_owned(), good), 0);
        assert_eq!(found(|one| one.layer = None, good), 1);
        assert_eq!(found(|one| one.licence = None, good), 1);
        assert_eq!(found(|one| one.licence = Some("MIT".to_owned()), good), 1);
        assert_eq!(found(|one| one.name = "mithaq-wires".to_owned(), good), 1);
        assert_eq!(found(|_| (), "[package]\n"), 1);
        let own = "[lints.rust]\nunsafe_code = \"forbid\"\n";
        assert_eq!(found(|_| (), own), 1);
        assert_eq!(found(|one| one.layer = Some(Layer::Development), own), 0);
        let denied = "[lints.rust]\nunsafe_code = \"deny\"\n";
        assert_eq!(found(|_| (), denied), 1);
        assert_eq!(found(|one| one.layer = Some(Layer::Development), denied), 0);
        let allowed = "[lints.rust]\nunsafe_code = \"allow\"\n";
        assert_eq!(found(|one| one.layer = Some(Layer::Development), allowed), 1);
    }

    #[test]
    fn a_plain_run_is_the_program() {
        let found = |text: &str| manifests(&repository(&[("Cargo.toml", text)])).len();
        assert_eq!((found(DEFAULT), found("default-members = [\"crates/*\"]")), (0, 1));
    }

    #[test]
    fn the_lock_file_has_a_limit() {
        let lock =
            |count: usize| lockfile(&repository(&[("Cargo.lock", &"[[package]]\n".repeat(count))])).len();
        assert_eq!((lock(449), lock(450)), (0, 1));
        assert_eq!(lockfile(&Repository::default()).len(), 1);
    }
}
