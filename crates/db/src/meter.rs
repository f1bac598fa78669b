//! Counts what the writing side of a database did, for whoever watches the node.
//!
//! Responsible for numbers that only grow, and for the time from the begin of a transaction until it is durable.
//! Deliberately knows no job and no table: nothing here can tell what was written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::executor::End;

/// Upper bounds of the commit times in microseconds; a last bucket holds what took longer.
pub const COMMIT_BOUNDS_MICROS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// Buckets: one per bound, and one above the last.
const BUCKETS: usize = COMMIT_BOUNDS_MICROS.len() + 1;

/// What the writing side did since the database was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DbStats {
    /// Jobs that wait for a connection now.
    pub waiting: usize,
    /// Jobs that may wait before callers do.
    pub capacity: usize,
    /// Transactions that are durable.
    pub commits: u64,
    /// Transactions that did not become durable, or whose fate is unknown.
    pub failures: u64,
    /// Jobs in durable transactions; a job that undid itself counts too.
    pub jobs: u64,
    /// Durable transactions per commit time: as many as [`COMMIT_BOUNDS_MICROS`], not cumulative, and one more for
    /// what took longer.
    pub commit_times: Vec<u64>,
    /// Sum of all commit times in microseconds.
    pub commit_micros: u64,
}

#[derive(Default)]
pub(crate) struct Meter {
    commits: AtomicU64,
    failures: AtomicU64,
    jobs: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

impl Meter {
    /// Counts one transaction: how long it took from its begin, how many jobs it held.
    pub(crate) fn transaction(&self, took: Duration, jobs: usize, end: End) {
        // Counters are read by people: an order between them is not needed.
        const LAX: Ordering = Ordering::Relaxed;
        match end {
            End::Durable => {}
            End::Undone => return,
            End::Lost => {
                self.failures.fetch_add(1, LAX);
                return;
            }
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, LAX);
        self.jobs.fetch_add(u64::try_from(jobs).unwrap_or(u64::MAX), LAX);
        self.micros.fetch_add(micros, LAX);
        let bucket = COMMIT_BOUNDS_MICROS.iter().take_while(|bound| micros > **bound).count();
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, LAX);
        }
    }

    /// The numbers as they are now, with how full the queue is.
    pub(crate) fn read(&self, waiting: usize, capacity: usize) -> DbStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DbStats {
            waiting,
            capacity,
            commits: read(&self.commits),
            failures: read(&self.failures),
            jobs: read(&self.jobs),
            commit_times: self.buckets.iter().map(read).collect(),
            commit_micros: read(&self.micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bound_it_does_not_exceed() {
        let meter = Meter::default();
        for micros in [0, 250, 251, 5_000_000, 5_000_001] {
            meter.transaction(Duration::from_micros(micros), 2, End::Durable);
        }
        meter.transaction(Duration::from_secs(1), 7, End::Lost);
        meter.transaction(Duration::from_secs(1), 1, End::Undone);
        let stats = meter.read(3, 10);
        assert_eq!((stats.commits, stats.jobs, stats.failures), (5, 10, 1));
        assert_eq!((stats.waiting, stats.capacity), (3, 10));
        assert_eq!(stats.commit_times.len(), COMMIT_BOUNDS_MICROS.len() + 1);
        assert_eq!((stats.commit_times[0], stats.commit_times[1]), (2, 1));
        assert_eq!(stats.commit_times[BUCKETS - 2..], [1, 1]);
        assert_eq!(stats.commit_micros, 10_000_502);
    }
}
