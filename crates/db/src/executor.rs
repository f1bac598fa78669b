//! Runs waiting jobs in one transaction and says what became of each.
//!
//! The order is the whole point: run, commit, and only then is a job settled. Shared by
//! both engines. Deliberately does not call back: the caller does, after it let go of
//! whatever it holds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::DbError;
use crate::connection::{Connection, Shape};
use crate::job::{Job, Verdict};

pub(crate) type Jobs = VecDeque<Box<dyn Job>>;

/// Whether the connection can be used again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Broken,
    Sound,
}

/// A finished transaction: each job with its fate.
pub(crate) struct Settled {
    jobs: Vec<(Box<dyn Job>, Result<(), DbError>)>,
    pub(crate) health: Health,
    pub(crate) end: End,
}

/// How the transaction ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Durable,
    /// Its only job undid itself.
    Undone,
    Lost,
}

impl Settled {
    /// Calls every submitter back.
    pub(crate) fn tell(self) {
        for (job, fate) in self.jobs {
            job.finish(fate);
        }
    }

    /// How many jobs it held.
    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    fn all(jobs: Vec<Box<dyn Job>>, fate: &Result<(), DbError>, health: Health) -> Self {
        let end = if fate.is_ok() { End::Durable } else { End::Lost };
        Self { jobs: jobs.into_iter().map(|job| (job, fate.clone())).collect(), health, end }
    }
}

/// Tells every waiting job that it did not run, and why.
pub(crate) fn refuse_all(waiting: &mut Jobs, error: &DbError) {
    for job in waiting.drain(..) {
        job.finish(Err(error.clone()));
    }
}

/// Runs jobs from the front of `waiting` in one transaction. Jobs left in `waiting` did
/// not run: the time was up, or the transaction broke before their turn.
///
/// # Errors
/// The transaction could not begin; no job ran.
pub(crate) fn run_group(
    connection: &mut dyn Connection,
    waiting: &mut Jobs,
    time_max: Duration,
) -> Result<Settled, DbError> {
    let shape = if waiting.len() > 1 { Shape::Group } else { Shape::Single };
    connection.begin(shape)?;
    let begun = Instant::now();
    let mut ran = Vec::with_capacity(waiting.len());
    while let Some(mut job) = waiting.pop_front() {
        let verdict = job.run(connection);
        let last = waiting.is_empty() || begun.elapsed() >= time_max;
        match settle(connection, shape, verdict, last) {
            Ok(()) => ran.push(job),
            Err(loss) => return Ok(lose(connection, ran, (job, verdict), &loss)),
        }
        if last {
            break;
        }
    }
    Ok(commit(connection, shape, ran))
}

/// Keeps or undoes the work of the job that just ran.
fn settle(
    connection: &mut dyn Connection,
    shape: Shape,
    verdict: Verdict,
    last: bool,
) -> Result<(), DbError> {
    match (shape, verdict) {
        (Shape::Group, Verdict::Keep) if last => Ok(()),
        (Shape::Group, Verdict::Keep) => connection.keep(),
        (Shape::Group, Verdict::Undo) => connection.undo(),
        (Shape::Single, Verdict::Keep) => Ok(()),
        // Taken by `lose`: the whole transaction is this job.
        (Shape::Single, Verdict::Undo) => Err(DbError::Aborted),
    }
}

/// The transaction is gone before the commit: nothing of it was written.
fn lose(
    connection: &mut dyn Connection,
    ran: Vec<Box<dyn Job>>,
    (last, verdict): (Box<dyn Job>, Verdict),
    loss: &DbError,
) -> Settled {
    let health = if connection.rollback().is_ok() { Health::Sound } else { Health::Broken };
    let innocent = if *loss == DbError::Disconnected { DbError::Disconnected } else { DbError::Retry };
    let mut settled = Settled::all(ran, &Err(innocent), health);
    let (own, end) = match verdict {
        Verdict::Keep => (Err(loss.clone()), End::Lost),
        Verdict::Undo if settled.jobs.is_empty() => (Ok(()), End::Undone),
        Verdict::Undo => (Ok(()), End::Lost),
    };
    settled.end = end;
    settled.jobs.push((last, own));
    settled
}

fn commit(connection: &mut dyn Connection, shape: Shape, ran: Vec<Box<dyn Job>>) -> Settled {
    let fate = connection.commit(shape);
    let health = match &fate {
        Ok(()) => Health::Sound,
        // The connection may be half dead, or the disk may have lost pages it reported as
        // written; neither may be trusted with another job.
        Err(DbError::Unknown) => Health::Broken,
        Err(_) if connection.rollback().is_ok() => Health::Sound,
        Err(_) => Health::Broken,
    };
    Settled::all(ran, &fate, health)
}
