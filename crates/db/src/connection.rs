//! What the executor needs from an engine's connection.
//!
//! Both engines implement this, so that group commit, savepoints and acknowledgements
//! exist once. Deliberately knows no job.

use crate::{DbError, Engine, Row, Share, Value};

/// Whether the transaction holds one job or several behind savepoints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Single,
    Group,
}

/// Work outside any transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Move the write-ahead log into the database and cut it to nothing.
    CheckpointTruncate,
    /// Give free pages back to the file system.
    Vacuum { pages_max: u32 },
}

/// A connection in the hands of one thread.
pub(crate) trait Connection: Send {
    fn engine(&self) -> Engine;

    /// Says whether the next transactions are of the shared lane: those begin with what [`crate::Db::lock_first`] named.
    fn share(&mut self, _share: Share) {}

    /// Begins a transaction; for a group, sets the first savepoint too.
    fn begin(&mut self, shape: Shape) -> Result<(), DbError>;
    /// Keeps the work since the savepoint and sets the next savepoint.
    fn keep(&mut self) -> Result<(), DbError>;
    /// Undoes the work since the savepoint; the savepoint stays set.
    fn undo(&mut self) -> Result<(), DbError>;
    /// Commits. [`DbError::Unknown`] if the outcome was not seen, any other error if and
    /// only if nothing was committed.
    fn commit(&mut self, shape: Shape) -> Result<(), DbError>;
    /// Ends the transaction without a trace, if there is still one.
    fn rollback(&mut self) -> Result<(), DbError>;

    fn exec(&mut self, sql: &str, args: &[Value]) -> Result<u64, DbError>;
    fn exec_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64, DbError>;
    fn query(&mut self, sql: &str, args: &[Value]) -> Result<Vec<Row>, DbError>;
    fn query_many(&mut self, sql: &str, lists: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DbError> {
        lists.iter().map(|list| self.query(sql, list)).collect()
    }
    fn script(&mut self, sql: &str) -> Result<(), DbError>;
    fn chore(&mut self, chore: Chore) -> Result<(), DbError>;
}

/// Makes connections; owned by the thread that uses them.
pub(crate) trait Source: Send {
    /// [`DbError::Disconnected`] means that a later attempt may succeed.
    fn connect(&mut self) -> Result<Box<dyn Connection>, DbError>;
}
