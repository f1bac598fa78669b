//! What is wrong with a configuration, key by key, with what to do about it. Opens nothing and listens nowhere.

use std::path::Path;

use tracing_subscriber::EnvFilter;

use super::{Config, Database};
use crate::client::Endpoint;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The node does not start with it.
    Error,
    /// It starts; somebody should know why it is so.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Key of the configuration.
    pub key: &'static str,
    /// How bad.
    pub weight: Weight,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub hint: &'static str,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, wrong: bool, key: &'static str, text: impl Into<String>, hint: &'static str) {
        self.push(wrong, (key, Weight::Error), text, hint);
    }

    fn warning(&mut self, wrong: bool, key: &'static str, text: impl Into<String>, hint: &'static str) {
        self.push(wrong, (key, Weight::Warning), text, hint);
    }

    fn push(
        &mut self,
        wrong: bool,
        (key, weight): (&'static str, Weight),
        text: impl Into<String>,
        hint: &'static str,
    ) {
        if wrong {
            self.0.push(Finding { key, weight, text: text.into(), hint });
        }
    }
}

impl Config {
    /// Looks for what is wrong. Empty: nothing was found.
    #[must_use]
    pub fn check(&self, directory: &Path) -> Vec<Finding> {
        let mut found = Findings::default();
        self.check_addresses(&mut found);
        self.check_numbers(&mut found);
        self.check_files(directory, &mut found);
        found.warning(
            self.record_checks.is_some(),
            "record_checks",
            "what private checks say on the line is written to a file that nobody erases",
            "leave the key out unless you demonstrate or measure",
        );
        found.error(
            EnvFilter::try_new(&self.log).is_err(),
            "log",
            "it is no filter",
            "write for example `info` or `info,mithaq_node=debug`",
        );
        found.0
    }

    fn check_addresses(&self, found: &mut Findings) {
        found.error(
            self.ops_listen.is_some_and(|address| !address.ip().is_loopback()),
            "ops_listen",
            "it is not a loopback address, and the listener asks for no credential",
            "listen on 127.0.0.1 and let the agent of the monitoring on this machine ask there",
        );
        found.warning(
            !self.client_listen.ip().is_loopback(),
            "client_listen",
            "it is not a loopback address: tokens and content cross the network in the clear",
            "listen on 127.0.0.1 behind a proxy of the agency that speaks TLS",
        );
        let mut used = [Some(self.peer_listen), Some(self.client_listen), self.ops_listen];
        used.sort();
        let twice = used.windows(2).any(|pair| match pair {
            [Some(a), Some(b)] => a == b && a.port() != 0,
            _fewer => false,
        });
        found.error(twice, "peer_listen", "two listeners have one address", "give each its own port");
        found.error(
            self.peer_endpoints().iter().any(|one| Endpoint::parse(one).is_err()),
            "peer_endpoint",
            "it is not `https://host:port`",
            "write what partners connect to, or nothing for a node that only fetches",
        );
        found.warning(
            self.peer_endpoint.contains("//127.") || self.peer_endpoint.contains("//localhost"),
            "peer_endpoint",
            "partners on other machines cannot reach a loopback address",
            "write the name or address they reach this node by, and have the root sign a new manifest",
        );
    }

    fn check_numbers(&self, found: &mut Findings) {
        let range = |found: &mut Findings, key, value: u64, low: u64, high: u64| {
            let out = !(low..=high).contains(&value);
            found.error(
                out,
                key,
                format!("{value} is not between {low} and {high}"),
                "see docs/reference/config.md",
            );
        };
        range(found, "checkpoint_seconds", self.checkpoint_seconds, 1, 3_600);
        range(found, "requests_max", u64::try_from(self.requests_max).unwrap_or(u64::MAX), 1, 4_096);
        range(found, "request_memory_mib", u64::from(self.request_memory_mib), 64, 65_536);
        range(found, "drain_seconds", self.drain_seconds, 1, 600);
        range(found, "justification_sample", u64::from(self.justification_sample), 1, 1_000);
        range(found, "attachment_max_mib", self.attachment_max_mib, 1, 32_768);
        range(found, "ballast_mib", self.ballast_mib, 0, 1_024);
        found.warning(
            self.ballast_mib < 16,
            "ballast_mib",
            "on a full volume nobody can sign in, recall or delete, and the node may not start",
            "leave at least 16",
        );
        found.warning(
            self.disk_reserve_mib == 0,
            "disk_reserve_mib",
            "the node takes content until the volume is full and the database fails",
            "leave at least 256",
        );
    }

    fn check_files(&self, directory: &Path, found: &mut Findings) {
        let missing = |path: &Path| !directory.join(path).is_file();
        found.error(
            missing(&self.keys),
            "keys",
            format!("`{}` is not there", self.keys.display()),
            "restore it from the backup; a node cannot be set up again under its name",
        );
        if let Some(unlock) = &self.unlock {
            found.error(
                missing(unlock),
                "unlock",
                format!("`{}` is not there", unlock.display()),
                "put the file back, or leave the key out and give MITHAQ_PASSPHRASE",
            );
            found.warning(
                open_to_others(&directory.join(unlock)),
                "unlock",
                "other users of this machine can read it",
                "chmod 600, and change the keys if somebody may have read them",
            );
        }
        match self.database(directory) {
            Err(error) => found.error(true, "database", error.to_string(), "see docs/reference/config.md"),
            Ok(Database::Sqlite(path)) => {
                let there = path.parent().is_some_and(Path::is_dir);
                found.error(!there, "database", "its directory is not there", "make it, or correct the path");
            }
            Ok(Database::Postgres(address)) => {
                let several = address.contains(',') && !address.contains("target_session_attrs=read-write");
                found.warning(
                    several,
                    "database",
                    "several servers are named, and the first that answers is used even if it takes no writes",
                    "add `target_session_attrs=read-write`",
                );
            }
        }
        let root = directory.join(crate::setup::ROOT_FILE);
        found.warning(
            root.is_file(),
            "keys",
            "the root key file lies beside the running node",
            "move it and a copy of the unlocking file to a machine that is offline",
        );
    }
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn node() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["node.mxk", "unlock.key"] {
            crate::keyfile::write_new(&dir.path().join(name), b"x").unwrap();
        }
        dir
    }

    fn outside() -> Config {
        Config { peer_endpoint: "https://node.example:7401".to_owned(), ..Config::default() }
    }

    #[test]
    fn nothing_is_wrong_with_a_plain_one() {
        assert_eq!(outside().check(node().path()), []);
        assert_eq!(Config { peer_endpoint: String::new(), ..outside() }.check(node().path()), []);
    }

    #[test]
    fn each_mistake_is_named_by_its_key() {
        let any = |port| ([0, 0, 0, 0], port).into();
        let cases: [(&str, Weight, Config); 18] = [
            ("ops_listen", Weight::Error, Config { ops_listen: Some(any(7403)), ..outside() }),
            ("client_listen", Weight::Warning, Config { client_listen: any(7402), ..outside() }),
            ("peer_listen", Weight::Error, Config { client_listen: outside().peer_listen, ..outside() }),
            (
                "peer_endpoint",
                Weight::Error,
                Config { peer_endpoint: "node.example".to_owned(), ..outside() },
            ),
            ("peer_endpoint", Weight::Warning, Config::default()),
            ("checkpoint_seconds", Weight::Error, Config { checkpoint_seconds: 0, ..outside() }),
            ("requests_max", Weight::Error, Config { requests_max: 0, ..outside() }),
            ("request_memory_mib", Weight::Error, Config { request_memory_mib: 63, ..outside() }),
            ("drain_seconds", Weight::Error, Config { drain_seconds: 601, ..outside() }),
            ("attachment_max_mib", Weight::Error, Config { attachment_max_mib: 32_769, ..outside() }),
            ("ballast_mib", Weight::Error, Config { ballast_mib: 1_025, ..outside() }),
            ("ballast_mib", Weight::Warning, Config { ballast_mib: 0, ..outside() }),
            ("disk_reserve_mib", Weight::Warning, Config { disk_reserve_mib: 0, ..outside() }),
            ("keys", Weight::Error, Config { keys: PathBuf::from("other.mxk"), ..outside() }),
            ("unlock", Weight::Error, Config { unlock: Some(PathBuf::from("none")), ..outside() }),
            ("database", Weight::Error, Config { database: "mysql:x".to_owned(), ..outside() }),
            ("database", Weight::Warning, Config { database: "host=/a,/b".to_owned(), ..outside() }),
            ("log", Weight::Error, Config { log: "a=b=c".to_owned(), ..outside() }),
        ];
        for (key, weight, config) in cases {
            let found = config.check(node().path());
            assert_eq!(found.len(), 1, "{key}: {found:?}");
            assert_eq!((found[0].key, found[0].weight), (key, weight));
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_unlocking_file_that_others_can_read_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = node();
        let file = dir.path().join("unlock.key");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let found = outside().check(dir.path());
        assert_eq!(found.iter().map(|one| one.key).collect::<Vec<_>>(), ["unlock"]);
    }
}
