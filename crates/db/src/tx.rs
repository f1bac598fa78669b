//! The transaction as a job sees it.
//!
//! Responsible for the `Tx` trait and for rules that both engines must share: arguments
//! are checked, transaction control is refused, and a failed statement ends the job.
//! Deliberately does not begin or commit anything: the executor does.

use crate::connection::Connection;
use crate::{DbError, Row, Value};

/// The database engine behind a [`Tx`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL 15 or newer.
    Postgres,
    /// SQLite, bundled.
    Sqlite,
}

/// Returns what to append to a `SELECT` that reads rows the job will change.
///
/// PostgreSQL runs jobs at `READ COMMITTED`, so a read-then-write needs a row lock there;
/// SQLite has one writer and needs nothing.
pub fn lock_clause(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => " FOR UPDATE",
        Engine::Sqlite => "",
    }
}

/// Returns what to append to a `SELECT` that takes work other nodes may also want: rows
/// locked by them are passed over.
pub fn skip_locked_clause(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => " FOR UPDATE SKIP LOCKED",
        Engine::Sqlite => "",
    }
}

/// An open transaction. SQL is written once, with `$1..$n`; see the crate page for the subset.
///
/// After an error from `exec`, `exec_many`, `query` or `query_many` the job is lost: further statements
/// answer [`DbError::Aborted`], and the job is rolled back even if it returns `Ok`.
pub trait Tx {
    /// Returns the engine, for the few places where the text must differ.
    fn engine(&self) -> Engine;

    /// Runs one statement and returns the number of rows it changed (or, with `RETURNING`, made).
    ///
    /// # Errors
    /// [`DbError::Parameters`] or [`DbError::Type`] for wrong arguments, [`DbError::Constraint`]
    /// for a violated constraint, otherwise what the engine says.
    fn exec(&mut self, sql: &str, args: &[Value]) -> Result<u64, DbError>;

    /// Runs one statement once per list of values and returns the sum of changed rows.
    ///
    /// Prepared once. On PostgreSQL many rows travel without waiting for each answer.
    ///
    /// # Errors
    /// As [`Tx::exec`]; which row failed is not told.
    fn exec_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64, DbError>;

    /// Runs one statement and returns all its rows. Put a `LIMIT` on whatever can grow.
    ///
    /// # Errors
    /// As [`Tx::exec`], and [`DbError::Type`] for a column outside the shared types.
    fn query(&mut self, sql: &str, args: &[Value]) -> Result<Vec<Row>, DbError>;

    /// Runs one statement once per list of values and returns the rows of each, in the order of the lists.
    ///
    /// Prepared once. On PostgreSQL many travel without waiting for each answer.
    ///
    /// # Errors
    /// As [`Tx::query`]; which list failed is not told.
    fn query_many(&mut self, sql: &str, lists: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DbError>;

    /// Returns the row, if there is one.
    ///
    /// # Errors
    /// As [`Tx::query`], and [`DbError::TooManyRows`] for a second row.
    fn query_opt(&mut self, sql: &str, args: &[Value]) -> Result<Option<Row>, DbError> {
        let mut rows = self.query(sql, args)?.into_iter();
        match (rows.next(), rows.next()) {
            (row, None) => Ok(row),
            (_, Some(_)) => Err(DbError::TooManyRows),
        }
    }

    /// Returns the one row.
    ///
    /// # Errors
    /// As [`Tx::query_opt`], and [`DbError::NoRow`] for none.
    fn query_one(&mut self, sql: &str, args: &[Value]) -> Result<Row, DbError> {
        self.query_opt(sql, args)?.ok_or(DbError::NoRow)
    }
}

/// The transaction as this crate's own jobs see it.
pub(crate) trait Session: Tx {
    /// Runs several statements without parameters; for migrations.
    fn script(&mut self, sql: &str) -> Result<(), DbError>;
}

/// Guards a connection for the length of one job and remembers its first failure.
pub(crate) struct JobTx<'a> {
    connection: &'a mut dyn Connection,
    fault: Option<DbError>,
}

impl<'a> JobTx<'a> {
    pub(crate) fn new(connection: &'a mut dyn Connection) -> Self {
        Self { connection, fault: None }
    }

    /// The first failed statement, if any.
    pub(crate) fn into_fault(self) -> Option<DbError> {
        self.fault
    }

    fn guarded<R>(
        &mut self,
        sql: &str,
        run: impl FnOnce(&mut dyn Connection) -> Result<R, DbError>,
    ) -> Result<R, DbError> {
        if self.fault.is_some() {
            return Err(DbError::Aborted);
        }
        let result = if controls_transaction(sql) { Err(DbError::Control) } else { run(self.connection) };
        if let Err(error) = &result {
            self.fault = Some(error.clone());
        }
        result
    }
}

impl Tx for JobTx<'_> {
    fn engine(&self) -> Engine {
        self.connection.engine()
    }

    fn exec(&mut self, sql: &str, args: &[Value]) -> Result<u64, DbError> {
        self.guarded(sql, |connection| {
            check_args(args)?;
            connection.exec(sql, args)
        })
    }

    fn exec_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64, DbError> {
        self.guarded(sql, |connection| {
            rows.iter().try_for_each(|row| check_args(row))?;
            connection.exec_many(sql, rows)
        })
    }

    fn query(&mut self, sql: &str, args: &[Value]) -> Result<Vec<Row>, DbError> {
        self.guarded(sql, |connection| {
            check_args(args)?;
            connection.query(sql, args)
        })
    }

    fn query_many(&mut self, sql: &str, lists: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DbError> {
        self.guarded(sql, |connection| {
            lists.iter().try_for_each(|list| check_args(list))?;
            connection.query_many(sql, lists)
        })
    }
}

impl Session for JobTx<'_> {
    fn script(&mut self, sql: &str) -> Result<(), DbError> {
        self.guarded(sql, |connection| connection.script(sql))
    }
}

/// PostgreSQL text cannot hold U+0000; SQLite could, but then the two would differ.
fn check_args(args: &[Value]) -> Result<(), DbError> {
    let bad = args.iter().any(|value| matches!(value, Value::Text(text) if text.contains('\0')));
    if bad { Err(DbError::Type) } else { Ok(()) }
}

/// Catches the mistake, not an attacker: SQL text is always our own.
fn controls_transaction(sql: &str) -> bool {
    const WORDS: [&str; 8] = ["ABORT", "BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"];
    let word = first_word(sql);
    WORDS.iter().any(|control| word.eq_ignore_ascii_case(control))
}

/// The leading keyword of a statement, empty if it starts with anything but a letter.
pub(crate) fn first_word(sql: &str) -> &str {
    let text = sql.trim_start();
    text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}
