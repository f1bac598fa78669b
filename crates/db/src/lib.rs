//! The one door to SQLite and PostgreSQL: write, read, group commit, migrations.
//!
//! Responsible for: connections and the threads that own them, transactions, durable
//! acknowledgement, one SQL text for both engines, the migration runner, and errors that
//! carry no row values. Repositories are closures over `&mut dyn Tx`.
//!
//! Deliberately does not: know any table but its own `schema_migration`, read a clock for
//! stored times (times are arguments), run on an async runtime (completion callbacks bridge
//! to one), or speak TLS to PostgreSQL (use a Unix socket or loopback).
//!
//! ```no_run
//! use mithaq_db::{Db, DbError, SqliteOptions, Tx, args};
//!
//! let db = Db::open_sqlite("node.db", SqliteOptions::default())?;
//! db.write(|tx: &mut dyn Tx| -> Result<(), DbError> {
//!     tx.exec("INSERT INTO mark (id, body) VALUES ($1, $2)", args![1_i64, "text"])?;
//!     Ok(())
//! })?; // returns only after the commit is on disk
//! # Ok::<(), DbError>(())
//! ```
//!
//! # The SQL subset
//!
//! Parameters are `$1..$n`, each used at least once, in any order, repeated at will. Types
//! are `TEXT`, `BIGINT` and `BLOB`/`BYTEA`; JSON is text, truth is 0 or 1. Use
//! `ON CONFLICT`, `RETURNING`, CTEs and window functions freely; write `CAST(x AS BIGINT)`,
//! never `x::bigint`, and cast `SUM(…)` to `BIGINT` because PostgreSQL answers with
//! `NUMERIC`. SQLite tables should be `STRICT`; PostgreSQL text keys should be
//! `COLLATE "C"` so that both engines sort alike.
//!
//! A statement that fails ends its job on both engines, even where SQLite alone would let
//! the job go on: use `ON CONFLICT DO NOTHING` rather than catching a violation.
#![deny(missing_docs)]

mod again;
mod connection;
mod db;
mod error;
mod executor;
mod job;
mod link;
mod meter;
mod migrate;
mod options;
mod pg;
mod queue;
mod sqlite;
mod standing;
mod tx;
mod value;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod tests;

pub use db::Db;
pub use error::{Constraint, DbError};
pub use meter::{COMMIT_BOUNDS_MICROS, DbStats};
pub use migrate::{Migrated, Migration, MigrationError};
pub use options::{PostgresOptions, Share, SqliteOptions};
pub use sqlite::backup_sqlite;
pub use tx::{Engine, Tx, lock_clause, skip_locked_clause};
pub use value::{Row, Value};
