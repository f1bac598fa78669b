//! Small repositories for the tests of the rules.

use super::{File, Finding, Repository};
use crate::workspace::{Dependency, DependencyKind, Layer, Package};

pub(super) fn repository(files: &[(&str, &str)]) -> Repository {
    let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
    Repository { files: files.iter().map(file).collect(), ..Repository::default() }
}

/// A package in `crates/<name>`; `mithaq` itself has no prefix.
pub(super) fn package(short: &str, layer: Option<Layer>, dependencies: &[&str]) -> Package {
    let name = if short == "mithaq" { short.to_owned() } else { format!("mithaq-{short}") };
    let dependency = |name: &&str| Dependency { name: (*name).to_owned(), kind: DependencyKind::Normal };
    Package {
        name,
        dir: format!("crates/{short}"),
        layer,
        licence: Some("Apache-2.0".to_owned()),
        dependencies: dependencies.iter().map(dependency).collect(),
        bins: std::collections::BTreeSet::new(),
    }
}

/// The places of the findings.
pub(super) fn places(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.at.as_str()).collect()
}
