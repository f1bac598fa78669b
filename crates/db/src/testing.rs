//! Throw-away databases, so that one test runs on both engines.
//!
//! SQLite always; PostgreSQL where `MITHAQ_TEST_PG` holds the connection parameters of a
//! cluster that may be littered. With `MITHAQ_REQUIRE_PG=1` its absence is an error, else it
//! is said on standard error. Deliberately not part of any program: feature `testing`.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::connection::Source as _;
use crate::pg::{PgSource, Role};
use crate::{Db, DbError, Migration, MigrationError, PostgresOptions, SqliteOptions};

/// Where the connection parameters of the test cluster are.
pub const PG_VARIABLE: &str = "MITHAQ_TEST_PG";
/// Set to `1` where a run without PostgreSQL must not pass.
pub const REQUIRE_VARIABLE: &str = "MITHAQ_REQUIRE_PG";

/// A fresh, empty database that is removed when this is dropped.
pub struct TestDatabase {
    db: Db,
    place: Place,
}

enum Place {
    Sqlite { directory: TempDir },
    Postgres(Box<OnServer>),
}

/// One database in the test cluster; dropped there with this value.
struct OnServer {
    admin: PgSource,
    own: PgSource,
    name: String,
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if run_as_admin(&self.admin, drop).is_err() {
            tell(&format!("could not drop the test database {}", self.name));
        }
    }
}

impl TestDatabase {
    /// Returns the open database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Closes the database and opens it again with what it holds, as a restart does.
    ///
    /// # Errors
    /// As opening.
    pub fn reopen(&mut self) -> Result<(), DbError> {
        self.db.close();
        self.db = self.place.open()?;
        Ok(())
    }

    /// Opens the same database once more, as another process does; a server only.
    ///
    /// # Errors
    /// As opening; [`DbError::Locked`] for a file, which one process has.
    pub fn another(&self) -> Result<Db, DbError> {
        self.place.open()
    }

    /// Returns the file of a SQLite database.
    pub fn path(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Sqlite { directory } => Some(file(directory.path())),
            Place::Postgres(_) => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn source(&self) -> Option<&PgSource> {
        match &self.place {
            Place::Sqlite { .. } => None,
            Place::Postgres(server) => Some(&server.own),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Before the fields go: the place is removed only once nothing writes there.
        self.db.close();
    }
}

impl Place {
    fn open(&self) -> Result<Db, DbError> {
        match self {
            Self::Sqlite { directory } => {
                let options = SqliteOptions { readers: 2, ..SqliteOptions::default() };
                Db::open_sqlite(file(directory.path()), options)
            }
            Self::Postgres(server) => Db::open_source(&server.own, &postgres_options()),
        }
    }
}

/// Returns a fresh database of each engine at hand.
///
/// # Errors
/// [`DbError::Misconfigured`] if PostgreSQL is required and not there; else as opening.
pub fn databases() -> Result<Vec<TestDatabase>, DbError> {
    let mut all = vec![sqlite()?];
    all.extend(postgres()?);
    Ok(all)
}

/// As [`databases`], migrated.
///
/// # Errors
/// As [`databases`] and [`Db::migrate`].
pub fn migrated(migrations: &[Migration]) -> Result<Vec<TestDatabase>, MigrationError> {
    let all = databases()?;
    for database in &all {
        database.db().migrate(migrations)?;
    }
    Ok(all)
}

/// Returns a fresh SQLite database in a directory of its own.
///
/// # Errors
/// As opening.
pub fn sqlite() -> Result<TestDatabase, DbError> {
    let directory = TempDir::with_prefix("mithaq-test-").map_err(|_denied| DbError::Io)?;
    let place = Place::Sqlite { directory };
    Ok(TestDatabase { db: place.open()?, place })
}

/// Returns a fresh PostgreSQL database, if there is a cluster for it.
///
/// # Errors
/// As [`databases`].
pub fn postgres() -> Result<Option<TestDatabase>, DbError> {
    let Some(parameters) = env::var(PG_VARIABLE).ok().filter(|text| !text.is_empty()) else {
        if env::var(REQUIRE_VARIABLE).is_ok_and(|text| text == "1") {
            return Err(DbError::Misconfigured(PG_VARIABLE));
        }
        tell("POSTGRESQL SKIPPED: MITHAQ_TEST_PG is not set, this test ran on SQLite only");
        return Ok(None);
    };
    let admin = PgSource::new(&parameters, postgres_options(), Role::Writer)?;
    let name = format!("mithaq_test_{:016x}", RandomState::new().build_hasher().finish());
    let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    run_as_admin(&admin, create)?;
    let own = admin.for_database(&name);
    let place = Place::Postgres(Box::new(OnServer { admin, own, name }));
    Ok(Some(TestDatabase { db: place.open()?, place }))
}

/// Few sessions: many tests share one cluster. And patience: unoptimised code on a busy machine may compute for longer
/// between two statements than a node in service ever does, and a session that is cut fails the test for no reason.
pub(crate) fn postgres_options() -> PostgresOptions {
    let idle_timeout = std::time::Duration::from_secs(120);
    PostgresOptions { workers: 2, readers: 2, idle_timeout, ..PostgresOptions::default() }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("test.db")
}

/// On a thread of its own, because the caller's may already run a runtime.
fn run_as_admin(admin: &PgSource, sql: String) -> Result<(), DbError> {
    let mut admin = admin.clone();
    let run = std::thread::spawn(move || admin.connect()?.script(&sql));
    run.join().unwrap_or(Err(DbError::Panicked))
}

fn tell(text: &str) {
    eprintln!("{text}");
}
