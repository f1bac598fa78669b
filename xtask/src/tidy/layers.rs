//! Who may use whom: the house of the architecture page.

use super::{Finding, Repository, is_within};
use crate::workspace::{DependencyKind, Layer, Package};

/// Uses within one layer that the house allows: the user, and what it may use.
const NEIGHBOURS: &[(&str, &[&str])] = &[
    ("mithaq-envelope", &["mithaq-wire"]),
    ("mithaq-evidence", &["mithaq-envelope", "mithaq-wire"]),
    ("mithaq-exchange", &["mithaq-envelope", "mithaq-wire"]),
    ("mithaq-check", &["mithaq-wire"]),
    ("mithaq-interop", &["mithaq-wire"]),
    ("mithaq-store", &["mithaq-db"]),
    ("mithaq-app", &["mithaq-store", "mithaq-db"]),
    ("mithaq", &["mithaq-node"]),
];

/// What reads a clock, randomness, the environment, a file or a socket for whoever depends on it.
const IMPURE: &[&str] = &[
    "axum",
    "getrandom",
    "hyper",
    "hyper-util",
    "postgres",
    "rand",
    "reqwest",
    "rusqlite",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tokio-rustls",
    "tempfile",
];

/// Calls and types that the `clippy.toml` of each pure crate must name.
const FORBIDDEN_CALLS: &[&str] = &[
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::env::var",
    "std::fs::read",
    "std::fs::write",
    "std::fs::File::open",
    "std::net::TcpStream::connect",
    "std::collections::HashMap",
];

/// What only some crates may use, and why.
const DOORS: &[(&[&str], &[&str], &str)] = &[
    (&["rusqlite", "postgres", "tokio-postgres", "sqlx"], &["mithaq-db"], "a database"),
    (
        &["axum", "hyper", "hyper-util", "reqwest", "tower-http"],
        &["mithaq-api", "mithaq-web", "mithaq-node", "mithaq"],
        "HTTP",
    ),
];

/// The layer rule.
pub(super) fn layers(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for user in &repository.packages {
        for dependency in &user.dependencies {
            let used = repository.packages.iter().find(|package| package.name == dependency.name);
            let Some(used) = used else { continue };
            if let Some(words) = refuse(user, used, dependency.kind) {
                findings.push(Finding::failure(format!("{}/Cargo.toml", user.dir), words));
            }
        }
    }
    findings
}

/// Why `user` may not use `used`.
fn refuse(user: &Package, used: &Package, kind: DependencyKind) -> Option<String> {
    let (Some(upper), Some(lower)) = (user.layer, used.layer) else { return None };
    let development = kind == DependencyKind::Development;
    match (upper, lower) {
        (_, Layer::Automation) => Some(format!("nothing may depend on `{}`", used.name)),
        (Layer::Automation, _) => {
            Some(format!("`{}` runs the others and uses none: drop `{}`", user.name, used.name))
        }
        (Layer::Number(_), Layer::Development) if !development => {
            Some(format!("`{}` is for tests: move it to [dev-dependencies]", used.name))
        }
        (Layer::Number(a), Layer::Number(b)) if a < b => {
            Some(format!("layer {a} may not use `{}` of layer {b}", used.name))
        }
        (Layer::Number(a), Layer::Number(b)) if a == b && !is_neighbour(user, used) => {
            Some(format!("`{}` is a neighbour in layer {a} that the house does not allow", used.name))
        }
        (Layer::Number(_) | Layer::Development, Layer::Number(_) | Layer::Development) => None,
    }
}

fn is_neighbour(user: &Package, used: &Package) -> bool {
    NEIGHBOURS.iter().any(|(name, may)| *name == user.name && may.contains(&used.name.as_str()))
}

/// Layers 0–2: no dependency that could act, and clippy told which calls to refuse.
pub(super) fn pure(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = repository.file("clippy.toml").map_or("", |file| file.text.as_str());
    for package in repository.packages.iter().filter(|package| is_within(package, 2)) {
        for name in foreign(package).filter(|name| IMPURE.contains(name)) {
            let words = format!("layers 0-2 take time, randomness and bytes as arguments: drop `{name}`");
            findings.push(Finding::failure(format!("{}/Cargo.toml", package.dir), words));
        }
        findings.extend(clippy_keys(repository, package, root));
    }
    findings
}

/// The nearest `clippy.toml` replaces the root one, so it must repeat what that one says.
fn clippy_keys(repository: &Repository, package: &Package, root: &str) -> Vec<Finding> {
    let path = format!("{}/clippy.toml", package.dir);
    let Some(file) = repository.file(&path) else {
        return vec![Finding::failure(path, "is missing: copy the one of `crates/model`")];
    };
    let live: Vec<&str> =
        file.code_lines().map(|(_, line)| line).filter(|line| !line.starts_with('#')).collect();
    let mut findings = Vec::new();
    for key in root.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if !live.contains(&key) {
            findings.push(Finding::failure(&path, format!("does not repeat `{key}` of the root file")));
        }
    }
    for call in FORBIDDEN_CALLS {
        let quoted = format!("\"{call}\"");
        if !live.iter().any(|line| line.contains(&quoted)) {
            findings.push(Finding::failure(&path, format!("does not forbid `{call}`")));
        }
    }
    findings
}

/// Databases and HTTP have one door each.
pub(super) fn doors(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let shipped = repository.packages.iter().filter(|package| is_within(package, 5));
    for package in shipped {
        for (crates, may, what) in DOORS {
            for name in foreign(package).filter(|name| crates.contains(name)) {
                if !may.contains(&package.name.as_str()) {
                    let words = format!("`{name}` speaks {what}, which only {} may", may.join(", "));
                    findings.push(Finding::failure(format!("{}/Cargo.toml", package.dir), words));
                }
            }
        }
    }
    findings
}

/// What a package needs to run or build, tests aside.
fn foreign(package: &Package) -> impl Iterator<Item = &str> {
    let shipped = package.dependencies.iter().filter(|one| one.kind != DependencyKind::Development);
    shipped.map(|dependency| dependency.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{package, places, repository};
    use super::*;
    use Layer::{Automation, Development, Number};

    fn house(packages: Vec<Package>) -> Repository {
        Repository { packages, ..Repository::default() }
    }

    /// What the rule says of `user` using `used`.
    fn verdict(user: (&str, Layer), used: (&str, Layer), kind: DependencyKind) -> Option<String> {
        refuse(&package(user.0, Some(user.1), &[]), &package(used.0, Some(used.1), &[]), kind)
    }

    #[test]
    fn the_house_in_a_table() {
        let (normal, dev) = (DependencyKind::Normal, DependencyKind::Development);
        let allowed = [
            (("policy", Number(1)), ("model", Number(0)), normal),
            (("exchange", Number(2)), ("envelope", Number(2)), normal),
            (("app", Number(3)), ("store", Number(3)), normal),
            (("mithaq", Number(5)), ("node", Number(5)), normal),
            (("policy", Number(1)), ("testkit", Development), dev),
            (("sim", Development), ("testkit", Development), normal),
            (("sim", Development), ("node", Number(5)), normal),
        ];
        for (user, used, kind) in allowed {
            assert_eq!(verdict(user, used, kind), None, "{user:?} {used:?}");
        }
        let refused = [
            (("model", Number(0)), ("policy", Number(1)), normal),
            (("model", Number(0)), ("policy", Number(1)), dev),
            (("names", Number(1)), ("policy", Number(1)), normal),
            (("envelope", Number(2)), ("exchange", Number(2)), normal),
            (("store", Number(3)), ("app", Number(3)), normal),
            (("node", Number(5)), ("mithaq", Number(5)), normal),
            (("policy", Number(1)), ("testkit", Development), normal),
            (("policy", Number(1)), ("testkit", Development), DependencyKind::Build),
            (("app", Number(3)), ("xtask", Automation), normal),
            (("xtask", Automation), ("model", Number(0)), normal),
        ];
        for (user, used, kind) in refused {
            assert!(verdict(user, used, kind).is_some(), "{user:?} {used:?}");
        }
    }

    #[test]
    fn a_use_upwards_is_found_in_the_manifest_that_has_it() {
        let model = package("model", Some(Number(0)), &["mithaq-app", "thiserror"]);
        let found = layers(&house(vec![model, package("app", Some(Number(3)), &["mithaq-model"])]));
        assert_eq!(places(&found), ["crates/model/Cargo.toml"]);
    }

    const ROOT: (&str, &str) = ("clippy.toml", "too-many-lines-threshold = 70\n");

    fn with_clippy(text: &str, dependencies: &[&str]) -> Vec<Finding> {
        let mut repository = repository(&[ROOT, ("crates/wire/clippy.toml", text)]);
        repository.packages = vec![package("wire", Some(Number(2)), dependencies)];
        pure(&repository)
    }

    #[test]
    fn pure_crates_forbid_the_calls_and_have_no_runtime() {
        let calls: Vec<String> =
            FORBIDDEN_CALLS.iter().map(|call| format!("{{ path = \"{call}\" }},")).collect();
        let good = format!("too-many-lines-threshold = 70\n{}\n", calls.join("\n"));
        assert!(with_clippy(&good, &["minicbor"]).is_empty());
        assert_eq!(with_clippy(&good, &["tokio", "getrandom"]).len(), 2);
        assert_eq!(with_clippy(&good.replace("too-many", "# too-many"), &[]).len(), 1);
        assert_eq!(with_clippy(&good.replace("\"std::env::var\"", "\"std::env::vars\""), &[]).len(), 1);
        let first = format!("{{ path = \"{}\" }}", FORBIDDEN_CALLS[0]);
        assert_eq!(with_clippy(&good.replace(&first, &format!("# {first}")), &[]).len(), 1);
    }

    #[test]
    fn a_pure_crate_without_clippy_toml_is_found_and_an_upper_one_needs_none() {
        let found = pure(&house(vec![package("wire", Some(Number(2)), &[])]));
        assert_eq!(places(&found), ["crates/wire/clippy.toml"]);
        assert!(pure(&house(vec![package("node", Some(Number(5)), &["tokio"])])).is_empty());
    }

    #[test]
    fn databases_and_http_have_their_doors() {
        let ok = [package("db", Some(Number(3)), &["rusqlite"]), package("api", Some(Number(4)), &["axum"])];
        assert!(doors(&house(ok.to_vec())).is_empty());
        let bad =
            [package("store", Some(Number(3)), &["rusqlite"]), package("app", Some(Number(3)), &["hyper"])];
        assert_eq!(
            places(&doors(&house(bad.to_vec()))),
            ["crates/store/Cargo.toml", "crates/app/Cargo.toml"]
        );
        let test_only = package("e2e", Some(Development), &["hyper"]);
        assert!(doors(&house(vec![test_only])).is_empty());
    }
}
