//! SQLite as a [`Connection`]: one file, one writer, readers beside it.
//!
//! Responsible for pragmas, binding by name, and the translation of its error codes.
//! Deliberately never waits for a second process: a lock file keeps others out.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, ffi};

use crate::connection::{Chore, Connection, Shape, Source};
use crate::tx::first_word;
use crate::{Constraint, DbError, Engine, Row, SqliteOptions, Value};

/// Pages kept in memory by the writer: with SQLite's 2 MiB it reads a twelfth of its time.
const WRITER_CACHE_KIB: u32 = 16 * 1_024;
/// And by each reader.
const READER_CACHE_KIB: u32 = 4 * 1_024;

/// How long opening a connection waits for others that open.
const OPEN_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(5);
/// Statements kept prepared per connection: more than the repositories have.
const STATEMENTS_MAX: usize = 512;
/// Pages in the write-ahead log that make SQLite carry them over: a page that changes often is written once for all,
/// and a busy writer waits a fifth of its time for flushes.
const LOG_PAGES: u32 = 4_000;
/// The write-ahead log is cut to this size after a checkpoint.
const LOG_BYTES_MAX: u32 = 64 << 20;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
}

/// Keeps every other process, and every second opening in this one, out of a database.
///
/// A file of its own beside the database: opening and closing the database file itself
/// would drop the locks that SQLite holds on it.
pub(crate) struct OpenLock {
    _file: File,
}

impl OpenLock {
    pub(crate) fn take(path: &Path) -> Result<Self, DbError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = private_file(Path::new(&name))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DbError::Locked),
            Err(TryLockError::Error(_)) => Err(DbError::Io),
        }
    }
}

/// The one name of a database, so that two spellings of it share one lock.
pub(crate) fn canonical(path: &Path) -> Result<PathBuf, DbError> {
    if let Ok(real) = path.canonicalize() {
        return Ok(real);
    }
    let name = path.file_name().ok_or(DbError::Io)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let parent = parent.canonicalize().map_err(|_absent| DbError::Io)?;
    Ok(parent.join(name))
}

/// Creates the database file if it is absent, readable by its owner only; SQLite gives the
/// same rights to its log. Call under the [`OpenLock`].
pub(crate) fn create(path: &Path) -> Result<(), DbError> {
    private_file(path).map(drop)
}

fn private_file(path: &Path) -> Result<File, DbError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|_denied| DbError::Io)
}

/// Writes a consistent copy of a database to a new file, readable by its owner only and durable on return, while
/// another process may be writing to it. One read transaction, so writers are not held up; free pages, and what was
/// erased, are not in the copy.
///
/// # Errors
/// When the database cannot be read, or the file exists or cannot be written.
pub fn backup_sqlite(from: &Path, to: &Path) -> Result<(), DbError> {
    if to.exists() || !from.is_file() {
        return Err(DbError::Io);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(from, flags).map_err(|error| translate(&error))?;
    connection.busy_timeout(std::time::Duration::from_secs(30)).map_err(|error| translate(&error))?;
    let target = to.to_str().ok_or(DbError::Io)?;
    // An empty file of our own, because the engine would make one that others can read.
    drop(private_file(to)?);
    let copied = connection.execute("VACUUM INTO ?1", [target]);
    let synced = copied.map_err(|error| translate(&error)).and_then(|_| {
        let file = File::open(to).and_then(|file| file.sync_all());
        file.map_err(|_unsynced| DbError::Io)
    });
    if synced.is_err() {
        // Half a copy is none. What cannot be removed is reported by the next attempt.
        let _left = std::fs::remove_file(to);
    }
    synced
}

/// Opens connections to one file.
pub(crate) struct SqliteSource {
    pub(crate) path: PathBuf,
    pub(crate) options: SqliteOptions,
    pub(crate) role: Role,
    /// A writer is never replaced: after a failed flush the file may differ from what the
    /// kernel says, and only recovery by a fresh opening settles it.
    pub(crate) spent: bool,
    /// Let go when the last thread with a connection has ended.
    pub(crate) _lock: Arc<OpenLock>,
}

impl Source for SqliteSource {
    fn connect(&mut self) -> Result<Box<dyn Connection>, DbError> {
        if self.spent && self.role == Role::Writer {
            return Err(DbError::Io);
        }
        self.spent = true;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(&self.path, flags);
        let connection = connection.map_err(|error| translate(&error))?;
        Ok(Box::new(SqliteConnection::set_up(connection, self.role, &self.options, Place::File)?))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Memory,
}

pub(crate) struct SqliteConnection {
    connection: rusqlite::Connection,
    role: Role,
}

impl SqliteConnection {
    /// A database that lives as long as its one connection.
    pub(crate) fn in_memory() -> Result<Self, DbError> {
        let connection = rusqlite::Connection::open_in_memory().map_err(|error| translate(&error))?;
        Self::set_up(connection, Role::Writer, &SqliteOptions::default(), Place::Memory)
    }

    fn set_up(
        connection: rusqlite::Connection,
        role: Role,
        options: &SqliteOptions,
        place: Place,
    ) -> Result<Self, DbError> {
        let set = |config, on| connection.set_db_config(config, on).map_err(|error| translate(&error));
        let wait = |time| connection.busy_timeout(time).map_err(|error| translate(&error));
        // Several connections open at once, and a pragma may read the file: that is worth a wait whatever jobs may.
        wait(options.busy_timeout.max(OPEN_TIME_MAX))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // A misspelt column in double quotes is an error, not a string.
        set(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        set(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        set(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // A plan depends on the statement alone. Without this, statements over tables with partial indexes are
        // compiled anew each time another value is bound: an eighth of a busy node's time.
        set(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let synchronous = if options.danger_synchronous_normal { "NORMAL" } else { "FULL" };
        if role == Role::Writer {
            // Takes effect only while the file is empty, hence before the log mode.
            pragma(&connection, "PRAGMA auto_vacuum = INCREMENTAL")?;
        }
        let mode = pragma(&connection, "PRAGMA journal_mode = WAL")?;
        if place == Place::File && mode != Some(Value::from("wal")) {
            return Err(DbError::Io);
        }
        for text in [
            format!("PRAGMA synchronous = {synchronous}"),
            format!("PRAGMA journal_size_limit = {LOG_BYTES_MAX}"),
            "PRAGMA secure_delete = ON".to_owned(),
            format!("PRAGMA wal_autocheckpoint = {LOG_PAGES}"),
            "PRAGMA foreign_keys = ON".to_owned(),
            // Sorting must not leave rows in a file nobody knows of.
            "PRAGMA temp_store = MEMORY".to_owned(),
            "PRAGMA cell_size_check = ON".to_owned(),
            format!(
                "PRAGMA cache_size = -{}",
                if role == Role::Writer { WRITER_CACHE_KIB } else { READER_CACHE_KIB }
            ),
        ] {
            pragma(&connection, &text)?;
        }
        set(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        wait(options.busy_timeout)?;
        let mut ready = Self { connection, role: Role::Writer };
        ready.set_role(role)?;
        Ok(ready)
    }

    /// Turns writing off or on; outside a transaction only.
    pub(crate) fn set_role(&mut self, role: Role) -> Result<(), DbError> {
        if self.role != role {
            let on = u8::from(role == Role::Reader);
            pragma(&self.connection, &format!("PRAGMA query_only = {on}"))?;
            self.role = role;
        }
        Ok(())
    }

    fn control(&self, sql: &str) -> Result<(), DbError> {
        let mut statement = self.prepare(sql)?;
        statement.raw_execute().map(drop).map_err(|error| self.judge(&error))
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, DbError> {
        self.connection.prepare_cached(sql).map_err(|error| self.judge(&error))
    }

    fn judge(&self, error: &rusqlite::Error) -> DbError {
        match (translate(error), self.role) {
            // The writer may write; the file or its directory does not let it.
            (DbError::ReadOnly, Role::Writer) => DbError::Io,
            (other, _) => other,
        }
    }

    fn run(&self, statement: &mut CachedStatement<'_>, changes: Changes) -> Result<u64, DbError> {
        let mut rows = statement.raw_query();
        let mut made = 0;
        while rows.next().map_err(|error| self.judge(&error))?.is_some() {
            made += 1;
        }
        Ok(match changes {
            Changes::Counted => self.connection.changes(),
            Changes::None => 0,
            Changes::Rows => made,
        })
    }
}

/// Where the number of changed rows comes from.
#[derive(Clone, Copy)]
enum Changes {
    /// SQLite counted them.
    Counted,
    /// The statement changes no rows; the counter still holds the last one's.
    None,
    /// The statement answers with them.
    Rows,
}

impl Changes {
    fn of(sql: &str, columns: usize) -> Self {
        const WORDS: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"];
        let word = first_word(sql);
        if columns > 0 {
            Self::Rows
        } else if WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) {
            Self::Counted
        } else {
            Self::None
        }
    }
}

impl Connection for SqliteConnection {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn begin(&mut self, shape: Shape) -> Result<(), DbError> {
        // A deferred write transaction could fail half way with a lock it cannot get.
        self.control(if self.role == Role::Reader { "BEGIN" } else { "BEGIN IMMEDIATE" })?;
        match shape {
            Shape::Single => Ok(()),
            Shape::Group => self.control("SAVEPOINT job"),
        }
    }

    fn keep(&mut self) -> Result<(), DbError> {
        self.control("RELEASE job")?;
        self.control("SAVEPOINT job")
    }

    fn undo(&mut self) -> Result<(), DbError> {
        // Some failures (disk full, for one) make SQLite roll back everything by itself.
        if self.connection.is_autocommit() {
            return Err(DbError::Retry);
        }
        self.control("ROLLBACK TO job")
    }

    fn commit(&mut self, _shape: Shape) -> Result<(), DbError> {
        let result = self.control("COMMIT");
        // The commit may sit in the log without having reached the disk: recovery could
        // find it there, or not.
        if result == Err(DbError::Io) { Err(DbError::Unknown) } else { result }
    }

    fn rollback(&mut self) -> Result<(), DbError> {
        if self.connection.is_autocommit() { Ok(()) } else { self.control("ROLLBACK") }
    }

    fn exec(&mut self, sql: &str, args: &[Value]) -> Result<u64, DbError> {
        let mut statement = self.prepare(sql)?;
        let slots = slots(&statement, args.len())?;
        bind(&mut statement, &slots, args)?;
        let changes = Changes::of(sql, statement.column_count());
        self.run(&mut statement, changes)
    }

    fn exec_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64, DbError> {
        let Some(first) = rows.first() else { return Ok(0) };
        let mut statement = self.prepare(sql)?;
        let slots = slots(&statement, first.len())?;
        let changes = Changes::of(sql, statement.column_count());
        let mut sum = 0;
        for row in rows {
            bind(&mut statement, &slots, row)?;
            sum += self.run(&mut statement, changes)?;
        }
        Ok(sum)
    }

    fn query(&mut self, sql: &str, args: &[Value]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.prepare(sql)?;
        let slots = slots(&statement, args.len())?;
        bind(&mut statement, &slots, args)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.judge(&error))? {
            let cell = |i| row.get_ref(i).map_err(|error| translate(&error)).and_then(read);
            found.push(Row::new((0..columns).map(cell).collect::<Result<_, _>>()?));
        }
        Ok(found)
    }

    fn script(&mut self, sql: &str) -> Result<(), DbError> {
        self.connection.execute_batch(sql).map_err(|error| self.judge(&error))
    }

    fn chore(&mut self, chore: Chore) -> Result<(), DbError> {
        match chore {
            Chore::CheckpointTruncate => {
                let busy = pragma(&self.connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
                // A reader held on to old pages for longer than the busy timeout.
                if busy == Some(Value::Int(1)) { Err(DbError::Busy) } else { Ok(()) }
            }
            Chore::Vacuum { pages_max } => {
                let text = format!("PRAGMA incremental_vacuum({pages_max})");
                pragma(&self.connection, &text).map(drop)
            }
        }
    }
}

/// Runs a pragma to its end and returns the first column of its first row.
fn pragma(connection: &rusqlite::Connection, sql: &str) -> Result<Option<Value>, DbError> {
    let run = || {
        let mut statement = connection.prepare(sql)?;
        // A vacuum steps through rows that have no column.
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut first = None;
        while let Some(row) = rows.next()? {
            if first.is_none() && columns > 0 {
                first = Some(read(row.get_ref(0)?).unwrap_or(Value::Null));
            }
        }
        Ok(first)
    };
    run().map_err(|error: rusqlite::Error| translate(&error))
}

/// For each of SQLite's own parameter numbers, the index into the arguments.
///
/// SQLite takes `$3` for a name and numbers names by first appearance, so the digits must
/// be read back from the name.
fn slots(statement: &CachedStatement<'_>, given: usize) -> Result<Vec<usize>, DbError> {
    let count = statement.parameter_count();
    let mut slots = Vec::with_capacity(count);
    for number in 1..=count {
        let name = statement.parameter_name(number).and_then(|name| name.strip_prefix('$'));
        let index = name.and_then(|digits| digits.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
        slots.push(index.ok_or_else(|| DbError::Sql("sqlite parameter".to_owned()))?);
    }
    let expected = slots.iter().map(|slot| slot + 1).max().unwrap_or(0).max(count);
    // Names are distinct, so equal counts mean that each argument is used.
    if expected == given && count == given { Ok(slots) } else { Err(DbError::Parameters { expected, given }) }
}

fn bind(statement: &mut CachedStatement<'_>, slots: &[usize], args: &[Value]) -> Result<(), DbError> {
    if slots.len() != args.len() {
        return Err(DbError::Parameters { expected: slots.len(), given: args.len() });
    }
    for (number, slot) in slots.iter().enumerate() {
        let value =
            args.get(*slot).ok_or(DbError::Parameters { expected: slots.len(), given: args.len() })?;
        statement.raw_bind_parameter(number + 1, value).map_err(|error| translate(&error))?;
    }
    Ok(())
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn read(cell: ValueRef<'_>) -> Result<Value, DbError> {
    match cell {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_damaged| DbError::Corrupt)?;
            Ok(Value::from(text))
        }
        ValueRef::Blob(bytes) => Ok(Value::from(bytes)),
        ValueRef::Real(_) => Err(DbError::Type),
    }
}

/// Keeps the code and drops the message, which may quote values.
fn translate(error: &rusqlite::Error) -> DbError {
    if *error == rusqlite::Error::MultipleStatement {
        return DbError::Sql("sqlite several statements".to_owned());
    }
    let Some(failure) = error.sqlite_error() else { return DbError::Sql("sqlite driver".to_owned()) };
    let code = failure.extended_code;
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            return DbError::Constraint(Constraint::Unique);
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return DbError::Constraint(Constraint::ForeignKey),
        ffi::SQLITE_CONSTRAINT_NOTNULL => return DbError::Constraint(Constraint::NotNull),
        ffi::SQLITE_CONSTRAINT_CHECK => return DbError::Constraint(Constraint::Check),
        ffi::SQLITE_CONSTRAINT_DATATYPE => return DbError::Type,
        _ => {}
    }
    match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => DbError::Busy,
        ffi::SQLITE_CANTOPEN | ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM | ffi::SQLITE_PERM => DbError::Io,
        ffi::SQLITE_CONSTRAINT => DbError::Constraint(Constraint::Other),
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => DbError::Corrupt,
        ffi::SQLITE_FULL => DbError::Full,
        ffi::SQLITE_INTERRUPT => DbError::Retry,
        ffi::SQLITE_MISMATCH | ffi::SQLITE_RANGE | ffi::SQLITE_TOOBIG => DbError::Type,
        ffi::SQLITE_READONLY => DbError::ReadOnly,
        _ => DbError::Sql(format!("sqlite {code}")),
    }
}
