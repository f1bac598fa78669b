//! What can go wrong, in words that carry no row values and no parameters.
//!
//! Responsible for one vocabulary over both engines. Deliberately keeps no driver error as
//! a source: driver messages quote the offending values (`Key (name)=(…) already exists`).

/// Why a job, a read or an opening failed.
///
/// Every variant but [`DbError::Unknown`] means that nothing of the job was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The job went on after one of its statements had failed.
    #[error("an earlier statement of this job failed")]
    Aborted,
    /// The queue stayed full, or another process holds the write lock.
    #[error("the database is busy")]
    Busy,
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
    /// A table constraint was violated.
    #[error("{0} constraint violated")]
    Constraint(Constraint),
    /// The job tried to begin or end a transaction itself.
    #[error("a job may not control its transaction")]
    Control,
    /// The engine found its own files damaged.
    #[error("the database is damaged")]
    Corrupt,
    /// The server cannot be reached; nothing was written.
    #[error("the database server cannot be reached")]
    Disconnected,
    /// No space is left.
    #[error("the database is full")]
    Full,
    /// The operating system failed to read or write. After a failed commit on SQLite every
    /// later write answers this until the process reopens the database.
    #[error("the database could not be read or written")]
    Io,
    /// Another process has this SQLite database open.
    #[error("another process has this database open")]
    Locked,
    /// The server is set up in a way that cannot work.
    #[error("the database server has the wrong setting for `{0}`")]
    Misconfigured(&'static str),
    /// A job called back into the same database.
    #[error("a job may not call the database it runs on")]
    Nested,
    /// `query_one` found no row.
    #[error("no row where one was expected")]
    NoRow,
    /// The job panicked and was rolled back.
    #[error("the job panicked and was rolled back")]
    Panicked,
    /// The number of `$n` parameters differs from the number of values.
    #[error("the statement takes {expected} parameters but {given} were given")]
    Parameters {
        /// Parameters the statement has.
        expected: usize,
        /// Values that were passed.
        given: usize,
    },
    /// A read job tried to write.
    #[error("a read job may not write")]
    ReadOnly,
    /// A conflict with another transaction; running the job again may succeed.
    #[error("the transaction lost a conflict")]
    Retry,
    /// The engine refused the statement; the code is its own (`42P01`, `sqlite 1`).
    #[error("the statement was refused with code `{0}`")]
    Sql(String),
    /// `query_one` or `query_opt` found more than one row.
    #[error("several rows where at most one was expected")]
    TooManyRows,
    /// A value does not have the type or range asked for.
    #[error("a value has the wrong type or range")]
    Type,
    /// The commit was sent but its outcome was not seen: the job may or may not be written.
    #[error("the outcome of the commit is unknown")]
    Unknown,
}

impl DbError {
    /// Returns whether the same job may succeed later without a change.
    ///
    /// [`DbError::Unknown`] is not retryable: only the caller can find out whether the
    /// first attempt was written.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy | Self::Disconnected | Self::Full | Self::Retry => true,
            Self::Aborted
            | Self::Closed
            | Self::Constraint(_)
            | Self::Control
            | Self::Corrupt
            | Self::Io
            | Self::Locked
            | Self::Misconfigured(_)
            | Self::Nested
            | Self::NoRow
            | Self::Panicked
            | Self::Parameters { .. }
            | Self::ReadOnly
            | Self::Sql(_)
            | Self::TooManyRows
            | Self::Type
            | Self::Unknown => false,
        }
    }

    /// Returns what an operator can do, where something can be done.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Corrupt => Some("stop the node and restore the last good backup"),
            Self::Disconnected => Some("check that the server runs and that its address is right"),
            Self::Full => Some("free space on the database volume"),
            Self::Io => Some("check the volume and the rights on its files, then restart the node"),
            Self::Locked => Some("stop the other node, or give this one its own data directory"),
            Self::Misconfigured(_) => Some(
                "check the connection parameters; the database needs encoding UTF8 on PostgreSQL 15 or newer",
            ),
            Self::Unknown => Some("look the record up before sending it again"),
            Self::Aborted
            | Self::Busy
            | Self::Closed
            | Self::Constraint(_)
            | Self::Control
            | Self::Nested
            | Self::NoRow
            | Self::Panicked
            | Self::Parameters { .. }
            | Self::ReadOnly
            | Self::Retry
            | Self::Sql(_)
            | Self::TooManyRows
            | Self::Type => None,
        }
    }
}

/// The kind of constraint that was violated; never its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Constraint {
    /// A `CHECK` expression.
    Check,
    /// A reference to a row that is not there, or still needed.
    ForeignKey,
    /// A null where none may be.
    NotNull,
    /// Any other kind, for example an exclusion or a trigger.
    Other,
    /// A primary key or unique index.
    Unique,
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Check => "check",
            Self::ForeignKey => "foreign key",
            Self::NotNull => "not null",
            Self::Other => "other",
            Self::Unique => "unique",
        })
    }
}
