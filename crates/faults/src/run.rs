//! What the two workloads share: the plan of one run, the threads, and the books they keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use mithaq_db::DbError;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::disk::{Fault, Watch};

/// Threads that write at the same time, so that they share commits.
const THREADS: u64 = 4;
/// Jobs of each thread.
const JOBS: u64 = 40;
/// Operations of the disk between two images, at most.
const STEP_MAX: u64 = 60;
/// Images planned per run; a run has about as many operations as these cover.
const CUTS: u64 = 12;

/// What was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Images that were opened and judged.
    pub images: u64,
    /// Jobs whose success the caller was told.
    pub acknowledged: u64,
    /// Jobs that were refused, so that nothing of them may be found.
    pub refused: u64,
    /// Jobs whose outcome the caller was told is unknown.
    pub unknown: u64,
    /// Faults of the disk that happened.
    pub faults: u64,
}

impl Tally {
    /// Adds another run.
    pub fn add(&mut self, other: Self) {
        self.images += other.images;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.faults += other.faults;
    }
}

/// All chance of a run that is not the disk's.
pub(crate) struct Plan {
    chance: ChaCha8Rng,
    fault: Option<Fault>,
}

impl Plan {
    /// A quarter of the seeds each: power cuts alone, or with one of the three faults.
    pub(crate) fn new(seed: u64) -> Self {
        let fault = match seed % 4 {
            0 => None,
            1 => Some(Fault::FlushOnce),
            2 => Some(Fault::WriteOnce),
            _ => Some(Fault::Full),
        };
        Self { chance: ChaCha8Rng::seed_from_u64(seed ^ 0x6661_756c_7473), fault }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.chance.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// Tells the disk when the power fails and when it breaks.
    pub(crate) fn arm(&mut self, watch: &Watch) {
        let mut operation = 0;
        for _ in 0..CUTS {
            operation += 1 + self.below(STEP_MAX);
            watch.cut_at(operation);
        }
        if let Some(fault) = self.fault {
            watch.fail_at(1 + self.below(STEP_MAX * CUTS / 2), fault);
        }
    }
}

/// What the callers were told.
#[derive(Default)]
pub(crate) struct Books {
    acknowledged: BTreeSet<u64>,
    refused: BTreeMap<u64, DbError>,
    unknown: BTreeSet<u64>,
}

impl Books {
    /// True where the caller was told that nothing of this job was written.
    pub(crate) fn is_refused(&self, number: u64) -> bool {
        self.refused.contains_key(&number)
    }

    pub(crate) fn tally(&self, watch: &Watch, images: usize) -> Tally {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Tally {
            images: count(images),
            acknowledged: count(self.acknowledged.len()),
            refused: count(self.refused.len()),
            unknown: count(self.unknown.len()),
            faults: u64::from(watch.struck()),
        }
    }

    fn enter(&mut self, number: u64, outcome: Result<(), DbError>) {
        match outcome {
            Ok(()) => drop(self.acknowledged.insert(number)),
            Err(DbError::Unknown) => drop(self.unknown.insert(number)),
            Err(error) => drop(self.refused.insert(number, error)),
        }
    }
}

/// Runs the jobs of all threads; `job` writes number `n` and says how it went.
pub(crate) fn jobs(watch: &Watch, job: impl Fn(u64) -> Result<(), DbError> + Sync) -> Books {
    let books = Mutex::new(Books::default());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (books, job) = (&books, &job);
            scope.spawn(move || {
                for step in 0..JOBS {
                    let number = thread * JOBS + step;
                    let outcome = job(number);
                    if outcome.is_ok() {
                        watch.acknowledge(number);
                    }
                    books.lock().unwrap_or_else(PoisonError::into_inner).enter(number, outcome);
                }
            });
        }
    });
    books.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The numbers there can be.
pub(crate) fn numbers() -> std::ops::Range<u64> {
    0..THREADS * JOBS
}
