//! Runs a job again that the server undid for no fault of its own.
//!
//! Responsible for how often, how long and with which pauses. Deliberately not a matter of the threads that own the
//! connections: they never run a job twice, and nobody waits behind a pause. Two errors count: [`DbError::Retry`], a lost
//! conflict (serialisation failure, deadlock, lock timeout), and [`DbError::Disconnected`], a session that was cut before
//! its commit: by a server that stops, or because a slow machine let it idle too long in its transaction. Nothing of the
//! job was written then. A commit whose outcome is unknown is never run again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Db, DbError, Engine, Share, Tx};

/// Most runs of one job.
pub(crate) const RUNS_MAX: u32 = 6;
/// After this time and a second run it is given up: whoever waits for a lock for long has no use for more waiting.
const TIME_MAX: Duration = Duration::from_secs(8);
/// Bound of the pause before the second run; it doubles with each run.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
/// Bound of any pause.
const PAUSE_MAX: Duration = Duration::from_millis(200);

impl Db {
    /// As [`Db::write_as`]; a job that the server undid is run again, a few times and after a pause of random length, so
    /// that those who met do not meet again. `undone` takes the [`DbError`] out of the job's own error, if it is one.
    ///
    /// What the job does outside of the database it must bear to do again. Where no other writer is (SQLite) the job is
    /// run once and not cloned.
    ///
    /// # Errors
    /// As [`Db::write_as`]; that of the last run when all were undone.
    pub fn write_again<T, E, F>(
        &self,
        share: Share,
        undone: fn(&E) -> Option<&DbError>,
        job: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Clone + Send + 'static,
    {
        if self.engine() == Engine::Sqlite {
            return self.write_as(share, job);
        }
        let begun = Instant::now();
        for run in 1..RUNS_MAX {
            match self.write_as(share, job.clone()) {
                Err(error)
                    if matches!(undone(&error), Some(DbError::Retry | DbError::Disconnected))
                        && (run == 1 || begun.elapsed() < TIME_MAX) =>
                {
                    tracing::debug!(run, "the server undid a job: it is run again");
                    thread::sleep(pause(run, drawn()));
                }
                done => return done,
            }
        }
        self.write_as(share, job)
    }
}

/// A pause somewhere between nothing and its bound, which doubles with each run.
fn pause(run: u32, drawn: u64) -> Duration {
    let bound = PAUSE_FIRST.saturating_mul(1 << run.saturating_sub(1).min(16)).min(PAUSE_MAX);
    let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
    Duration::from_micros(drawn % micros)
}

/// Random enough to part two that met; nothing secret hangs on it.
fn drawn() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_anywhere() {
        assert_eq!(pause(1, 0), Duration::ZERO);
        assert_eq!(pause(1, 10_000), Duration::from_millis(10));
        assert_eq!(pause(1, 10_001), Duration::ZERO);
        assert_eq!(pause(3, 40_000), Duration::from_millis(40));
        for run in 0..64 {
            assert!(pause(run, u64::MAX) <= PAUSE_MAX);
        }
    }
}
