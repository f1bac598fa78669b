//! What this machine has, and installing from Debian's packages what the checks lack.
//!
//! Only as root on Debian; anywhere else one line says what to install. Nothing is ever downloaded from
//! elsewhere.

use crate::shell;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that the checks need, and the Debian package that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

/// The server; Debian keeps its programs outside of PATH.
pub(crate) const POSTGRES: Need = Need { program: "initdb", package: "postgresql" };
/// The solver behind the proofs about agreements.
pub(crate) const CVC5: Need = Need { program: "cvc5", package: "cvc5" };

/// Finds a program on PATH, or where Debian keeps PostgreSQL's, the newest version first.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file());
    on_path.or_else(|| find_versioned(Path::new("/usr/lib/postgresql"), program))
}

/// `base/15/bin/program` for the highest version.
fn find_versioned(base: &Path, program: &str) -> Option<PathBuf> {
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let dirs = std::fs::read_dir(base).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let mut dirs: Vec<(u32, PathBuf)> = dirs.filter_map(|dir| Some((version(&dir)?, dir))).collect();
    dirs.sort();
    dirs.into_iter().rev().map(|(_, dir)| dir.join("bin").join(program)).find(|file| file.is_file())
}

/// Makes sure that every program is there.
pub(crate) fn ensure(root: &Path, needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !(is_root() && find("apt-get").is_some()) {
        bail!("install what is missing: sudo apt-get install --yes {}", packages.join(" "));
    }
    shell::run(apt(root, &["update", "--quiet"]).env("DEBIAN_FRONTEND", "noninteractive"))?;
    let mut args = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    args.extend(&packages);
    shell::run(apt(root, &args).env("DEBIAN_FRONTEND", "noninteractive"))?;
    match self::missing(needs).as_slice() {
        [] => Ok(()),
        [need, ..] => bail!("package `{}` was installed but holds no `{}`", need.package, need.program),
    }
}

fn apt(root: &Path, args: &[&str]) -> Command {
    shell::program(root, "apt-get", args)
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| find(need.program).is_none()).collect()
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    // The owner of our own entry in /proc is our effective user; no library call is needed for it.
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_on_path_is_found_and_a_missing_one_is_not() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-here").is_none());
        let needs =
            [Need { program: "sh", package: "dash" }, Need { program: "no-such-program-here", package: "x" }];
        assert_eq!(missing(&needs), [needs[1]]);
    }

    #[test]
    fn the_highest_version_wins_as_a_number() {
        let base = std::env::temp_dir().join(format!("mithaq-xtask-versions-{}", std::process::id()));
        for version in ["9", "15", "common"] {
            std::fs::create_dir_all(base.join(version).join("bin")).unwrap();
            std::fs::write(base.join(version).join("bin/initdb"), "").unwrap();
        }
        assert_eq!(find_versioned(&base, "initdb"), Some(base.join("15/bin/initdb")));
        assert_eq!(find_versioned(&base, "psql"), None);
        std::fs::remove_dir_all(&base).unwrap();
        assert_eq!(find_versioned(&base, "initdb"), None);
    }
}
