//! A closure waiting for its transaction, with its typed result and its callback.
//!
//! Responsible for: containing panics, and calling the callback exactly once whatever
//! happens, also when the job is dropped unrun. Deliberately knows no queue.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::DbError;
use crate::connection::Connection;
use crate::standing::{self, Standing};
use crate::tx::{JobTx, Session};

/// What the executor shall do with the work of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

pub(crate) trait Job: Send {
    /// Runs the closure; the result stays inside until [`Job::finish`].
    fn run(&mut self, connection: &mut dyn Connection) -> Verdict;
    /// Tells the submitter: its own result, or why the transaction did not stand.
    fn finish(self: Box<Self>, fate: Result<(), DbError>);
}

/// The one implementation of [`Job`].
pub(crate) struct Task<T, E: From<DbError>, F, D: FnOnce(Result<T, E>)> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    done: Option<D>,
}

impl<T, E, F, D> Task<T, E, F, D>
where
    E: From<DbError>,
    D: FnOnce(Result<T, E>),
{
    pub(crate) fn new(work: F, done: D) -> Self {
        Self { work: Some(work), result: None, done: Some(done) }
    }

    fn tell(&mut self, result: Result<T, E>) {
        let Some(done) = self.done.take() else { return };
        // A callback that panics must not take the writer thread with it.
        let call = || catch_unwind(AssertUnwindSafe(|| done(result)));
        if standing::within(Standing::Callback, call).is_err() {
            tracing::error!("a completion callback panicked");
        }
    }
}

impl<T, E, F, D> Job for Task<T, E, F, D>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnOnce(&mut dyn Session) -> Result<T, E> + Send,
    D: FnOnce(Result<T, E>) + Send,
{
    fn run(&mut self, connection: &mut dyn Connection) -> Verdict {
        let Some(work) = self.work.take() else { return Verdict::Undo };
        let mut tx = JobTx::new(connection);
        let call = || catch_unwind(AssertUnwindSafe(|| work(&mut tx)));
        let outcome = standing::within(Standing::Job, call);
        let result = match (outcome, tx.into_fault()) {
            (Err(_payload), _) => Err(E::from(DbError::Panicked)),
            (Ok(Err(error)), _) => Err(error),
            // The job hid a failed statement. PostgreSQL could not keep its work, so
            // SQLite does not either.
            (Ok(Ok(_)), Some(fault)) => Err(E::from(fault)),
            (Ok(Ok(value)), None) => Ok(value),
        };
        let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn finish(mut self: Box<Self>, fate: Result<(), DbError>) {
        let result = match (fate, self.result.take()) {
            // Also replaces the job's own error: it may rest on what a neighbour in the
            // same transaction had written and what is gone now.
            (Err(error), _) => Err(E::from(error)),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(DbError::Closed)),
        };
        self.tell(result);
    }
}

impl<T, E: From<DbError>, F, D: FnOnce(Result<T, E>)> Drop for Task<T, E, F, D> {
    fn drop(&mut self) {
        if self.done.is_some() {
            // Not run: nothing was written. Run but never settled: nobody can say.
            let error = if self.result.is_some() { DbError::Unknown } else { DbError::Closed };
            self.tell(Err(E::from(error)));
        }
    }
}
