//! `cargo xtask package`: a Debian package from what this repository holds, with `dpkg-deb` alone, the same bytes for
//! the same commit and program. Looks at what it made before it calls it done.

use crate::workspace::Workspace;
use crate::{shell, system};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Options of `cargo xtask package`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Cargo profile of the program
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Take the program as it lies in the target directory
    #[arg(long)]
    no_build: bool,
}

/// Where what lies in the repository goes: source, place in the package, mode.
const FILES: &[(&str, &str, u32)] = &[
    ("packaging/systemd/mithaq.service", "usr/lib/systemd/system/mithaq.service", 0o644),
    ("packaging/debian/copyright", "usr/share/doc/mithaq/copyright", 0o644),
    ("packaging/examples/single.toml", "usr/share/doc/mithaq/examples/single.toml", 0o644),
    ("packaging/examples/postgres.toml", "usr/share/doc/mithaq/examples/postgres.toml", 0o644),
    ("packaging/examples/fetch-only.toml", "usr/share/doc/mithaq/examples/fetch-only.toml", 0o644),
    ("packaging/examples/alerts.yml", "usr/share/doc/mithaq/examples/alerts.yml", 0o644),
    ("docs/guides/operate.md", "usr/share/doc/mithaq/operate.md", 0o644),
    ("docs/reference/config.md", "usr/share/doc/mithaq/config.md", 0o644),
    ("CHANGELOG.md", "usr/share/doc/mithaq/changelog", 0o644),
    ("packaging/debian/postinst", "DEBIAN/postinst", 0o755),
    ("packaging/debian/prerm", "DEBIAN/prerm", 0o755),
    ("packaging/debian/postrm", "DEBIAN/postrm", 0o755),
];

const UNIT: &str = "packaging/systemd/mithaq.service";
/// Above this `systemd-analyze security` calls a service exposed; ours is near 1.
const EXPOSURE_MAX: f64 = 2.0;

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let root = &workspace.root;
    if !options.no_build {
        let args = ["build", "--locked", "--package", "mithaq", "--profile", &options.profile];
        shell::run(&mut shell::cargo(root, &args))?;
    }
    let directory = if options.profile == "dev" { "debug" } else { options.profile.as_str() };
    let program = workspace.target.join(directory).join("mithaq");
    rate_unit(root)?;
    let staging = workspace.target.join("package").join("root");
    if staging.exists() {
        fs::remove_dir_all(&staging).context("cannot clear the staging directory")?;
    }
    stage(root, &program, &staging)?;
    let (version, stamp) = version(root)?;
    let architecture = shell::output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let control = control(root, &staging, &version, &architecture)?;
    write(&staging.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    let deb = workspace.target.join("package").join(format!("mithaq_{version}_{architecture}.deb"));
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz", "--build"]).arg(&staging).arg(&deb);
    shell::run(build.env("SOURCE_DATE_EPOCH", stamp))?;
    check(&deb, &workspace.target.join("package").join("check"))?;
    let size = fs::metadata(&deb)?.len();
    println!("made {} ({} KiB)", deb.display(), size / 1024);
    Ok(())
}

fn stage(root: &Path, program: &Path, staging: &Path) -> Result<()> {
    let bytes = fs::read(program).with_context(|| format!("`{}` was not built", program.display()))?;
    write(&staging.join("usr/bin/mithaq"), &bytes, 0o755)?;
    for (from, to, mode) in FILES {
        let bytes = fs::read(root.join(from)).with_context(|| format!("cannot read `{from}`"))?;
        write(&staging.join(to), &bytes, *mode)?;
    }
    shell::output(Command::new("gzip").arg("-9n").arg(staging.join("usr/share/doc/mithaq/changelog")))
        .map(drop)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// The version of the workspace with date and commit, and the time of the commit: two builds of it are alike.
fn version(root: &Path) -> Result<(String, String)> {
    let git = |format: &str| {
        let args = ["log", "-1", "--abbrev=8", "--date=format:%Y%m%d", format];
        Ok::<_, anyhow::Error>(shell::output(&mut shell::program(root, "git", &args))?.trim().to_owned())
    };
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let base = package_version(&manifest).context("the workspace has no version")?;
    Ok((format!("{base}+{}.{}", git("--format=%cd")?, git("--format=%h")?), git("--format=%ct")?))
}

fn package_version(manifest: &str) -> Option<&str> {
    let (_, after) = manifest.split_once("[workspace.package]")?;
    let line = after.lines().find_map(|line| line.strip_prefix("version = "))?;
    Some(line.trim().trim_matches('"'))
}

fn control(root: &Path, staging: &Path, version: &str, architecture: &str) -> Result<String> {
    let template = fs::read_to_string(root.join("packaging/debian/control.in"))?;
    let size = shell::output(Command::new("du").args(["-sk", "--apparent-size"]).arg(staging))?;
    let size = size.split_whitespace().next().unwrap_or("0").to_owned();
    // The library this was linked against is the oldest it is sure to run with.
    let libc = shell::output(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    let libc = libc.split_whitespace().nth(1).context("this is not the GNU C library")?.to_owned();
    let values = [("VERSION", version), ("ARCHITECTURE", architecture), ("SIZE", &size), ("LIBC", &libc)];
    fill(&template, &values)
}

fn fill(template: &str, values: &[(&str, &str)]) -> Result<String> {
    let text = values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value));
    match text.lines().find(|line| line.contains('@') && !line.starts_with("Maintainer:")) {
        Some(line) => bail!("nothing was put into `{line}`"),
        None => Ok(text),
    }
}

/// Unpacks what was made and runs the program in it.
fn check(deb: &Path, into: &Path) -> Result<()> {
    if into.exists() {
        fs::remove_dir_all(into)?;
    }
    shell::run(Command::new("dpkg-deb").arg("--info").arg(deb))?;
    let listed = shell::output(Command::new("dpkg-deb").arg("--contents").arg(deb))?;
    for line in listed.lines() {
        if !line.contains("root/root") {
            bail!("not owned by root: {line}");
        }
    }
    shell::output(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(into))?;
    for script in ["postinst", "prerm", "postrm"] {
        let text = PathBuf::from("packaging/debian").join(script);
        shell::output(Command::new("sh").arg("-n").arg(text))?;
    }
    let told = shell::output(Command::new(into.join("usr/bin/mithaq")).arg("--version"))?;
    println!("the packaged program says: {}", told.trim());
    Ok(())
}

/// Lets systemd rate the unit, where it is here.
fn rate_unit(root: &Path) -> Result<()> {
    if system::find("systemd-analyze").is_none() {
        println!("systemd-analyze is not here: the unit is not rated");
        return Ok(());
    }
    let args = ["security", "--offline=true", UNIT];
    let rated = shell::output(&mut shell::program(root, "systemd-analyze", &args))?;
    let exposure = exposure(&rated).context("systemd-analyze gave no rating")?;
    if exposure > EXPOSURE_MAX {
        bail!("the unit is rated {exposure}, the limit is {EXPOSURE_MAX}: {rated}");
    }
    println!("the unit is rated {exposure} by systemd-analyze security (0 is best, 10 worst)");
    Ok(())
}

/// The number in the last line: `Overall exposure level for x.service: 1.2 OK`.
fn exposure(rated: &str) -> Option<f64> {
    let line = rated.lines().find(|line| line.contains("Overall exposure level"))?;
    line.rsplit_once(": ")?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    fn read(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap()
    }

    #[test]
    fn everything_that_is_packed_is_there() {
        for (from, to, _) in FILES {
            assert!(root().join(from).is_file(), "{from}");
            assert!(!to.starts_with('/'), "{to}");
        }
    }

    #[test]
    fn a_place_without_a_value_is_found() {
        assert_eq!(fill("Version: @VERSION@", &[("VERSION", "1")]).unwrap(), "Version: 1");
        assert!(fill("Version: @VERSION@ @OTHER@", &[("VERSION", "1")]).is_err());
    }

    #[test]
    fn version_and_rating_are_read() {
        assert_eq!(
            package_version("[a]\nversion = \"9\"\n[workspace.package]\nversion = \"0.1.0\"\n"),
            Some("0.1.0")
        );
        assert_eq!(exposure("x\n→ Overall exposure level for mithaq.service: 1.2 OK\n"), Some(1.2));
        assert_eq!(exposure("nothing"), None);
    }

    /// What a linter would say of the container file, as far as it matters: this machine cannot build it.
    #[test]
    fn the_container_file_keeps_its_promises() {
        let text = read("packaging/container/Containerfile");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let toolchain = read("rust-toolchain.toml");
        let channel =
            toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
        for line in lines.iter().filter(|line| line.starts_with("FROM ")) {
            let image = line.split_whitespace().nth(1).unwrap();
            let (name, tag) = image.rsplit_once(':').unwrap();
            assert!(tag != "latest" && !tag.is_empty(), "{line}");
            assert!(
                name != "rust"
                    || tag.starts_with(channel.trim_end_matches(".0"))
                    || channel.starts_with(tag.split('-').next().unwrap()),
                "{line}: {channel}"
            );
        }
        let at = |word: &str| {
            lines.iter().rposition(|line| line.starts_with(word)).unwrap_or_else(|| panic!("no {word}"))
        };
        assert!(at("USER mithaq") > at("COPY --from"), "it does not run as root");
        assert!(at("USER mithaq") < at("ENTRYPOINT"));
        at("HEALTHCHECK");
        at("STOPSIGNAL SIGTERM");
        assert!(!lines.iter().any(|line| line.starts_with("ADD ")), "COPY fetches nothing");
        assert!(text.contains("--locked"));
        // The flags of every build lie beside the sources, and come with them.
        assert!(text.contains("COPY . .") && root().join(".cargo/config.toml").is_file());
        assert!(
            !text.contains("EXPOSE 7402") && !text.contains("EXPOSE 7403"),
            "only partners come from outside"
        );
    }

    #[test]
    fn the_unit_runs_what_the_package_holds() {
        let unit = read(UNIT);
        assert!(unit.contains("ExecStart=/usr/bin/mithaq serve /var/lib/mithaq"));
        for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "LimitCORE=0", "CapabilityBoundingSet=\n"]
        {
            assert!(unit.contains(line), "{line}");
        }
    }
}
