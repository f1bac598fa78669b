//! Configuration of a node: `node.toml` in its directory, overridden by `MITHAQ_…` variables. Unknown keys are
//! errors. Secrets are never in it: it names the files they lie in.

mod check;
mod reference;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use check::{Finding, Weight};
pub use reference::reference;

/// Name of the configuration file in a node's directory.
pub const FILE: &str = "node.toml";

/// What a node is told. Relative paths are relative to its directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:node.db` or `postgres://user@host/database` (a Unix socket or loopback).
    pub database: String,
    /// Key file of the running node.
    pub keys: PathBuf,
    /// File that unlocks the key file; without it the passphrase is asked for.
    pub unlock: Option<PathBuf>,
    /// Where partners connect.
    pub peer_listen: SocketAddr,
    /// What partners are told in the manifest: `https://host:port`, several between spaces for several processes;
    /// empty for a node that only pulls.
    pub peer_endpoint: String,
    /// Where people's programs connect. Loopback, or behind a proxy of the agency.
    pub client_listen: SocketAddr,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// Filter, for example `info` or `mithaq_node=debug`.
    pub log: String,
    /// Seconds between checkpoints of the log while it grows.
    pub checkpoint_seconds: u64,
    /// Where those who watch the node ask for `/metrics`, `/healthz` and `/readyz`; absent for no such listener.
    /// Loopback only: it asks for no credential.
    pub ops_listen: Option<SocketAddr>,
    /// Free space of the volume, in MiB, below which no content is taken; 0 never stops.
    pub disk_reserve_mib: u64,
    /// Size, in MiB, of the file beside the database that is let go when the volume is all but full; 0 for none.
    pub ballast_mib: u64,
    /// Requests under way at once, of partners and of people's programs each; more are told to come again.
    pub requests_max: usize,
    /// Memory for the bodies of people's requests, in MiB; at least one longest body.
    pub request_memory_mib: u32,
    /// Seconds that requests and batches under way may take to end when the node stops.
    pub drain_seconds: u64,
    /// Where the bytes of attachments lie; several processes on one database need one directory.
    pub attachments: PathBuf,
    /// Longest attachment, in MiB, of this node's drafts and of partners; at most 32,768.
    pub attachment_max_mib: u64,
    /// MiB of partners' attachments kept under one agreement.
    pub attachment_quota_mib: u64,
    /// How many reasons are drawn at once to be judged by others, 1 to 1,000.
    pub justification_sample: u32,
    /// File to which the tag sets, questions, answers and claims of private checks that this node asks are appended as
    /// they travel: for demonstrations of what they do not say. Absent for no such file.
    pub record_checks: Option<PathBuf>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: "sqlite:node.db".to_owned(),
            keys: PathBuf::from("node.mxk"),
            unlock: Some(PathBuf::from("unlock.key")),
            peer_listen: SocketAddr::from(([127, 0, 0, 1], 7401)),
            peer_endpoint: "https://127.0.0.1:7401".to_owned(),
            client_listen: SocketAddr::from(([127, 0, 0, 1], 7402)),
            log_format: LogFormat::Text,
            log: "info".to_owned(),
            checkpoint_seconds: 1,
            ops_listen: None,
            disk_reserve_mib: 256,
            ballast_mib: 32,
            requests_max: 64,
            request_memory_mib: 256,
            drain_seconds: 20,
            attachments: PathBuf::from("attachments"),
            attachment_max_mib: 10 * 1024,
            attachment_quota_mib: 64 * 1024,
            justification_sample: 10,
            record_checks: None,
        }
    }
}

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(String),
}

impl Config {
    /// Loads the configuration of the node in a directory.
    ///
    /// # Errors
    /// When the file is missing, malformed or holds an unknown key.
    pub fn load(directory: &Path) -> Result<Self, ConfigError> {
        let file = directory.join(FILE);
        if !file.is_file() {
            return Err(ConfigError::Missing { path: file.display().to_string() });
        }
        let figment = Figment::from(Serialized::defaults(Self::default()))
            .merge(Toml::file_exact(&file))
            .merge(Env::prefixed("MITHAQ_NODE_"));
        figment.extract().map_err(|error| ConfigError::Malformed(error.to_string()))
    }

    /// Writes the configuration to a new file.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(&self, directory: &Path) -> Result<(), ConfigError> {
        let path = directory.join(FILE);
        let text = toml::to_string_pretty(self).map_err(|error| ConfigError::Malformed(error.to_string()))?;
        let text =
            format!("# A node of Mithaq. Unknown keys are errors; `mithaq doctor` checks this file.\n{text}");
        crate::keyfile::write_new(&path, text.as_bytes()).map_err(|error| ConfigError::Unwritable {
            path: path.display().to_string(),
            source: Box::new(error),
        })
    }

    /// Returns the configuration as its file would hold it, defaults and environment included.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub fn shown(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|error| ConfigError::Malformed(error.to_string()))
    }

    /// Returns what partners are told, one address each.
    #[must_use]
    pub fn peer_endpoints(&self) -> Vec<String> {
        self.peer_endpoint.split_whitespace().map(ToOwned::to_owned).collect()
    }

    /// Returns which database, with the path made absolute.
    ///
    /// # Errors
    /// When the address has another form.
    pub fn database(&self, directory: &Path) -> Result<Database, ConfigError> {
        if let Some(path) = self.database.strip_prefix("sqlite:") {
            return Ok(Database::Sqlite(directory.join(path)));
        }
        if self.database.starts_with("postgres://")
            || self.database.starts_with("postgresql://")
            || self.database.contains("host=")
        {
            return Ok(Database::Postgres(self.database.clone()));
        }
        Err(ConfigError::Database)
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The address of the database has another form.
    #[error("`database` is neither `sqlite:PATH` nor `postgres://…`")]
    Database,
    /// Not TOML, an unknown key or a wrong type.
    #[error("the configuration is malformed: {0}")]
    Malformed(String),
    /// There is no such file.
    #[error("there is no node here: `{path}` is missing")]
    Missing {
        /// Which file.
        path: String,
    },
    /// The file exists or cannot be written.
    #[error("cannot write `{path}`")]
    Unwritable {
        /// Which file.
        path: String,
        /// Why.
        source: Box<crate::keyfile::KeyFileError>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { log: "debug".to_owned(), ..Config::default() };
        config.create(dir.path()).unwrap();
        assert_eq!(Config::load(dir.path()).unwrap(), config);
        assert!(config.create(dir.path()).is_err());
    }

    #[test]
    fn unknown_keys_and_missing_files_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Config::load(dir.path()), Err(ConfigError::Missing { .. })));
        std::fs::write(dir.path().join(FILE), "databse = \"sqlite:x\"\n").unwrap();
        assert!(matches!(Config::load(dir.path()), Err(ConfigError::Malformed(_))));
    }

    #[test]
    fn databases() {
        let with =
            |text: &str| Config { database: text.to_owned(), ..Config::default() }.database(Path::new("/n"));
        assert_eq!(with("sqlite:node.db").unwrap(), Database::Sqlite(PathBuf::from("/n/node.db")));
        assert!(matches!(with("postgres://u@h/d").unwrap(), Database::Postgres(_)));
        assert!(matches!(with("host=/tmp user=x").unwrap(), Database::Postgres(_)));
        assert!(matches!(with("mysql://x"), Err(ConfigError::Database)));
    }
}
