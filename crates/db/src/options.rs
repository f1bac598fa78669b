//! The settings of the two engines, with defaults that are safe and fast enough.
//!
//! Deliberately has no setting that is read from the environment or a file.

use std::time::Duration;

/// Whether a job may share its transaction with other waiting jobs.
///
/// Either way a job that fails is undone alone. Constraints checked only at the commit
/// (`DEFERRABLE INITIALLY DEFERRED`) fail everyone who shares it: run such jobs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// One transaction for this job.
    Alone,
    /// One transaction for many waiting jobs, each behind its own savepoint; one commit
    /// makes them all durable. Row locks are held until that commit.
    Group,
    /// As [`Share::Group`], and before those that wait as such: for work that somebody outside waits for and that is
    /// short. Between two such overtakings one of the others has its turn, so that nobody waits for ever.
    Soon,
}

/// Settings of a SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Jobs that may wait before callers do.
    pub queue_capacity: usize,
    /// How long a blocking call waits for a place in the queue before `Busy`.
    pub queue_wait: Duration,
    /// Most jobs in one transaction.
    pub group_jobs_max: usize,
    /// A transaction takes no further job after this time, which bounds the waiting of the first.
    pub group_time_max: Duration,
    /// Reader connections, each with its thread.
    pub readers: usize,
    /// How long the engine waits for a lock held by another process.
    pub busy_timeout: Duration,
    /// `synchronous=NORMAL`: acknowledged jobs may be lost when the power fails. For
    /// measurements and imports that can be repeated, never for a node in service.
    pub danger_synchronous_normal: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            queue_capacity: 4096,
            queue_wait: Duration::from_secs(5),
            group_jobs_max: 512,
            group_time_max: Duration::from_millis(100),
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            danger_synchronous_normal: false,
        }
    }
}

/// Settings of a PostgreSQL database.
///
/// Opens `workers + readers` connections; keep the sum over all nodes below the server's
/// `max_connections`.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Jobs that may wait before callers do.
    pub queue_capacity: usize,
    /// How long a blocking call waits for a place in the queue before `Busy`.
    pub queue_wait: Duration,
    /// Most shared jobs in one transaction.
    pub group_jobs_max: usize,
    /// A transaction takes no further job after this time.
    pub group_time_max: Duration,
    /// Groups in flight at once. One by default, so that the groups of this node never
    /// deadlock with each other.
    pub group_lanes: usize,
    /// Writer connections, each with its thread.
    pub workers: usize,
    /// Reader connections, each with its thread.
    pub readers: usize,
    /// Limit of one connection attempt.
    pub connect_timeout: Duration,
    /// How long a job waits for a lost server before `Disconnected`.
    pub reconnect_patience: Duration,
    /// Limit of one statement, enforced by the server.
    pub statement_timeout: Duration,
    /// Limit of waiting for a row lock, enforced by the server; then `Retry`.
    pub lock_timeout: Duration,
    /// Longest pause between two statements of one transaction before the server ends the session: a machine that dies in
    /// the middle holds its locks no longer. What a job computes between two statements must take less.
    pub idle_timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            queue_capacity: 4096,
            queue_wait: Duration::from_secs(5),
            group_jobs_max: 64,
            group_time_max: Duration::from_millis(50),
            group_lanes: 1,
            workers: 8,
            readers: 4,
            connect_timeout: Duration::from_secs(5),
            reconnect_patience: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(10),
        }
    }
}
