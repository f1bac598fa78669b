//! What `cargo metadata` says about our own packages.

use crate::shell;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The workspace: where it is and what is in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One of our packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Directory relative to the root, `crates/model`.
    pub(crate) dir: String,
    /// From `[package.metadata.mithaq] layer`; `None` when absent or unknown.
    pub(crate) layer: Option<Layer>,
    pub(crate) licence: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) bins: BTreeSet<String>,
}

/// A line of a manifest's dependency tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: DependencyKind,
}

/// Which table it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    Build,
    Development,
    Normal,
}

/// Where a package stands in the house (architecture: "The house").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// 0 to 5: what ships.
    Number(u8),
    /// Only for tests and simulation.
    Development,
    /// This crate.
    Automation,
}

impl Workspace {
    /// Asks cargo about the workspace that this program was started for.
    pub(crate) fn load() -> Result<Self> {
        let root = find_root()?;
        let text =
            shell::output(&mut shell::cargo(&root, &["metadata", "--format-version", "1", "--no-deps"]))?;
        Self::parse(&text)
    }

    /// Reads the output of `cargo metadata --no-deps`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("`cargo metadata` wrote no JSON")?;
        let root = PathBuf::from(string(&value, "workspace_root")?);
        let target = PathBuf::from(string(&value, "target_directory")?);
        let packages = list(&value, "packages").map(|package| parse_package(&root, package));
        Ok(Self { packages: packages.collect::<Result<_>>()?, root, target })
    }

    /// Whether a package makes a program of this name.
    pub(crate) fn has_bin(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.bins.contains(name))
    }

    /// Where a program of the workspace is after a build in the development profile.
    pub(crate) fn bin(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// The same after a build in the release profile.
    pub(crate) fn release_bin(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }
}

/// The directory above `xtask`: cargo tells it when it runs us; else the nearest one above that is a root.
fn find_root() -> Result<PathBuf> {
    if let Some(manifest) = std::env::var_os("CARGO_MANIFEST_DIR")
        && let Some(root) = Path::new(&manifest).parent()
        && root.join("xtask").is_dir()
    {
        return Ok(root.to_owned());
    }
    let here = std::env::current_dir().context("no current directory")?;
    let is_root = |dir: &&Path| dir.join("xtask/Cargo.toml").is_file();
    match here.ancestors().find(is_root) {
        Some(root) => Ok(root.to_owned()),
        None => bail!("not inside the repository: run this with `cargo xtask`"),
    }
}

fn parse_package(root: &Path, value: &Value) -> Result<Package> {
    let manifest = PathBuf::from(string(value, "manifest_path")?);
    let dir = manifest.parent().unwrap_or(root);
    let dir = dir.strip_prefix(root).unwrap_or(dir).to_string_lossy().into_owned();
    let is_bin = |target: &&Value| list(target, "kind").any(|kind| kind == "bin");
    Ok(Package {
        name: string(value, "name")?,
        dir,
        layer: parse_layer(value.pointer("/metadata/mithaq/layer")),
        licence: value.get("license").and_then(Value::as_str).map(str::to_owned),
        dependencies: list(value, "dependencies").map(parse_dependency).collect::<Result<_>>()?,
        bins: list(value, "targets")
            .filter(is_bin)
            .map(|target| string(target, "name"))
            .collect::<Result<_>>()?,
    })
}

fn parse_layer(value: Option<&Value>) -> Option<Layer> {
    let value = value?;
    match value.as_str() {
        Some("dev") => Some(Layer::Development),
        Some("xtask") => Some(Layer::Automation),
        Some(_) => None,
        None => value.as_u64().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 5).map(Layer::Number),
    }
}

fn parse_dependency(value: &Value) -> Result<Dependency> {
    let kind = match value.get("kind").and_then(Value::as_str) {
        Some("build") => DependencyKind::Build,
        Some("dev") => DependencyKind::Development,
        Some(_) | None => DependencyKind::Normal,
    };
    Ok(Dependency { name: string(value, "name")?, kind })
}

fn string(value: &Value, key: &str) -> Result<String> {
    let text = value.get(key).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("`cargo metadata` has no `{key}`"))
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"workspace_root":"/r","target_directory":"/r/target","packages":[
      {"name":"mithaq-model","manifest_path":"/r/crates/model/Cargo.toml","license":"Apache-2.0",
       "metadata":{"mithaq":{"layer":0}},"targets":[{"kind":["lib"],"name":"mithaq_model"}],
       "dependencies":[{"name":"thiserror","kind":null},{"name":"proptest","kind":"dev"}]},
      {"name":"mithaq-sim","manifest_path":"/r/crates/sim/Cargo.toml","license":null,
       "metadata":{"mithaq":{"layer":"dev"}},"targets":[{"kind":["bin"],"name":"mithaq-sim"}],
       "dependencies":[{"name":"cc","kind":"build"}]}]}"#;

    #[test]
    fn metadata_is_read() {
        let workspace = Workspace::parse(TEXT).unwrap();
        let [model, sim] = workspace.packages.as_slice() else { panic!("two packages") };
        assert_eq!((model.dir.as_str(), model.layer), ("crates/model", Some(Layer::Number(0))));
        assert_eq!(model.dependencies[1].kind, DependencyKind::Development);
        assert_eq!((sim.layer, sim.licence.as_deref()), (Some(Layer::Development), None));
        assert_eq!(sim.dependencies[0].kind, DependencyKind::Build);
        assert!(workspace.has_bin("mithaq-sim") && !workspace.has_bin("mithaq_model"));
        assert_eq!(workspace.bin("mithaq"), Path::new("/r/target/debug/mithaq"));
    }

    #[test]
    fn a_layer_is_a_number_up_to_five_or_a_word() {
        let layer = |text: &str| parse_layer(Some(&serde_json::from_str(text).unwrap()));
        assert_eq!(layer("5"), Some(Layer::Number(5)));
        assert_eq!(layer("\"xtask\""), Some(Layer::Automation));
        for bad in ["6", "-1", "\"core\"", "null", "[1]"] {
            assert_eq!(layer(bad), None, "{bad}");
        }
        assert_eq!(parse_layer(None), None);
    }

    #[test]
    fn what_is_not_metadata_is_refused() {
        assert!(Workspace::parse("x").is_err());
        assert!(Workspace::parse("{}").is_err());
        assert!(
            Workspace::parse(r#"{"workspace_root":"/r","target_directory":"/t","packages":[{}]}"#).is_err()
        );
    }
}
