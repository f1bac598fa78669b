//! `cargo xtask properties`: the property tests with other random cases than the checks try.
//!
//! `cargo xtask ci` tries the same cases every time, so that a failure is one of the change. What those cases miss is
//! looked for here, as long as a person likes.

use crate::shell;
use crate::tidy::Repository;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::process::Command;

/// What `proptest` reads its seed from.
const SEED: &str = "PROPTEST_RNG_SEED";
/// The seed of the checks.
const SEED_OF_CHECKS: &str = "1";

/// The artefacts of the checks, so that nothing is built twice.
const TESTS: &[&str] =
    &["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--lib", "--bins", "--tests", "--"];

/// Options of `cargo xtask properties`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many seeds to try
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of them; without it one that depends on the clock
    #[arg(long)]
    from: Option<u64>,
    /// Only this crate (`names`); may be given several times
    #[arg(long, value_name = "CRATE")]
    only: Vec<String>,
}

/// Makes a run of the tests try the cases of the checks, unless a person asked for others.
pub(crate) fn pin(command: &mut Command) {
    if std::env::var_os(SEED).is_none() {
        command.env(SEED, SEED_OF_CHECKS);
    }
}

/// Runs the property tests once per seed, and tells which seeds failed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let modules = modules(workspace, &options.only)?;
    let first = options.from.unwrap_or_else(seed_of_clock);
    let mut failed = Vec::new();
    for seed in (first..).take(usize::try_from(options.seeds)?) {
        if !holds(workspace, &modules, seed)? {
            failed.push(seed.to_string());
        }
    }
    if failed.is_empty() {
        println!("{} modules, {} seeds from {first}: none failed", modules.len(), options.seeds);
        return Ok(());
    }
    bail!(
        "failed with {}\nhint: `cargo xtask properties --seeds 1 --from SEED` shows it again; the smallest case is in \
         `proptest-regressions` beside the crate, to be committed with what mends it",
        failed.join(", ")
    )
}

/// Runs the tests of these modules with one seed; what they print is shown when one fails.
fn holds(workspace: &Workspace, modules: &BTreeSet<String>, seed: u64) -> Result<bool> {
    let mut command = shell::cargo(&workspace.root, TESTS);
    let since = std::time::Instant::now();
    let output = command.args(modules).env(SEED, seed.to_string()).output().context("cannot start cargo")?;
    println!("seed {seed}: {}, {:.0} s", output.status, since.elapsed().as_secs_f32());
    if !output.status.success() {
        print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.status.success())
}

/// The clock is no secret and need not be: a seed only has to differ from the last one.
fn seed_of_clock() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(2, |since| since.as_secs())
}

/// The modules with property tests, as the test programs name them.
fn modules(workspace: &Workspace, only: &[String]) -> Result<BTreeSet<String>> {
    let repository = Repository::load(workspace)?;
    let mut found = BTreeSet::new();
    for package in &workspace.packages {
        let crate_name = package.dir.rsplit('/').next().unwrap_or_default();
        if !only.is_empty() && !only.iter().any(|name| name == crate_name) {
            continue;
        }
        for within in ["src/", "tests/it/"].map(|within| format!("{}/{within}", package.dir)) {
            let tested = repository.sources().filter(|file| file.text.contains("proptest!"));
            found.extend(tested.filter_map(|file| file.path.strip_prefix(&within)).map(module));
        }
    }
    if found.is_empty() { bail!("no crate of that name has property tests") } else { Ok(found) }
}

/// What tests of a source file are called by: `set/rice.rs` is `set::rice::`.
fn module(file: &str) -> String {
    let parts = file.trim_end_matches(".rs").split('/').filter(|part| !matches!(*part, "mod" | "lib"));
    parts.fold(String::new(), |name, part| name + part + "::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_file_is_the_module_its_tests_are_named_after() {
        assert_eq!(module("set/rice.rs"), "set::rice::");
        assert_eq!(module("requests/mod.rs"), "requests::");
        assert_eq!(module("properties.rs"), "properties::");
    }

    #[test]
    fn property_tests_are_found_in_the_sources_and_beside_them() {
        let workspace = Workspace::load().expect("the workspace");
        let found = modules(&workspace, &["names".to_owned(), "model".to_owned()]).expect("modules");
        assert!(
            found.contains("properties::") && found.contains("align::tests::") && found.contains("id::"),
            "{found:?}"
        );
        assert!(!found.contains("budget::"), "a crate that was not named");
        assert!(modules(&workspace, &["nothing".to_owned()]).is_err());
    }
}
