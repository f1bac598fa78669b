//! Brings the tables to the version the program knows, forward only.
//!
//! Responsible for order, for one runner at a time, and for refusing a database that is
//! newer than the program or was made by other scripts. Deliberately has no way back: the
//! way back is a backup.

use sha2::{Digest as _, Sha256};

use crate::tx::Session;
use crate::{Db, DbError, Engine, Share, Value};

/// Any number, as long as it is ours and the same in every node.
const ADVISORY_LOCK: i64 = 0x006d_6974_6861_7101;

/// One step; its scripts never change once released.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Counted from 1 without gaps.
    pub version: u32,
    /// A short word for logs, for example `first`.
    pub name: &'static str,
    /// The script for SQLite.
    pub sqlite: &'static str,
    /// The script for PostgreSQL.
    pub postgres: &'static str,
}

impl Migration {
    fn script(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Postgres => self.postgres,
            Engine::Sqlite => self.sqlite,
        }
    }
}

/// What a run of the migrations did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version before, 0 for an empty database.
    pub from: u32,
    /// The version now.
    pub to: u32,
}

/// Why the tables were left as they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A script was changed after it had been run here.
    #[error("migration {version} differs from the one this database was made with")]
    Changed {
        /// The migration in question.
        version: u32,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A script was refused by the engine.
    #[error("migration {version} failed: {error}")]
    Failed {
        /// The migration in question.
        version: u32,
        /// What the engine said.
        error: DbError,
    },
    /// The list given, or the list in the database, has a gap or a wrong order.
    #[error("migration {expected} is missing")]
    Gap {
        /// The version that should have come.
        expected: u32,
    },
    /// A newer program has run its migrations here.
    #[error(
        "this database has version {found}, this program knows {known}: start a program at least as new as the one \
         that wrote it, or restore a copy made before"
    )]
    Newer {
        /// The version of the database.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
}

impl Db {
    /// Runs the migrations that are missing, all in one transaction; other nodes on the
    /// same database wait and then find nothing to do. Blocks.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing has been changed then.
    pub fn migrate(&self, migrations: &[Migration]) -> Result<Migrated, MigrationError> {
        for (migration, expected) in migrations.iter().zip(1..) {
            if migration.version != expected {
                return Err(MigrationError::Gap { expected });
            }
        }
        let migrations = migrations.to_vec();
        self.write_session(Share::Alone, move |session: &mut dyn Session| run(session, &migrations))
    }
}

fn run(session: &mut dyn Session, migrations: &[Migration]) -> Result<Migrated, MigrationError> {
    let engine = session.engine();
    prepare(session)?;
    let rows = session.query("SELECT version, sha256 FROM schema_migration ORDER BY version", &[])?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let from = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    for (row, expected) in rows.iter().zip(1_u32..) {
        if row.int(0)? != i64::from(expected) {
            return Err(MigrationError::Gap { expected });
        }
    }
    if from > known {
        return Err(MigrationError::Newer { found: from, known });
    }
    for (row, migration) in rows.iter().zip(migrations) {
        if row.bytes(1)? != digest(migration.script(engine)) {
            return Err(MigrationError::Changed { version: migration.version });
        }
    }
    for migration in migrations.iter().skip(rows.len()) {
        apply(session, migration)?;
    }
    Ok(Migrated { from, to: known })
}

fn prepare(session: &mut dyn Session) -> Result<(), DbError> {
    let bytes = match session.engine() {
        Engine::Postgres => {
            // A script may take longer than a job may; so may the wait for another node.
            session.script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")?;
            session.query("SELECT pg_advisory_xact_lock($1)", &[Value::Int(ADVISORY_LOCK)])?;
            "BYTEA"
        }
        Engine::Sqlite => "BLOB",
    };
    session.script(&format!(
        "CREATE TABLE IF NOT EXISTS schema_migration (
             version BIGINT NOT NULL PRIMARY KEY,
             sha256 {bytes} NOT NULL
         )"
    ))
}

fn apply(session: &mut dyn Session, migration: &Migration) -> Result<(), MigrationError> {
    let version = migration.version;
    let script = migration.script(session.engine());
    session.script(script).map_err(|error| MigrationError::Failed { version, error })?;
    session.exec(
        "INSERT INTO schema_migration (version, sha256) VALUES ($1, $2)",
        &[Value::from(version), Value::from(digest(script))],
    )?;
    tracing::info!(version, name = migration.name, "migration applied");
    Ok(())
}

fn digest(script: &str) -> [u8; 32] {
    Sha256::digest(script.as_bytes()).into()
}
