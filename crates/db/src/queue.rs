//! The bounded queue between callers and the threads that own connections.
//!
//! Responsible for: the bound, grouping, the lanes that limit how many groups are in
//! flight, and closing without leaving a caller waiting. Deliberately promises no order
//! between jobs that wait at the same time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::Chore;
use crate::executor::Jobs;
use crate::job::Job;
use crate::meter::{DbStats, Meter};
use crate::{DbError, Share};

/// Called when a chore has ended.
pub(crate) type ChoreDone = Box<dyn FnOnce(Result<(), DbError>) + Send>;

/// Something that waits for a connection.
pub(crate) enum Item {
    Job(Share, Box<dyn Job>),
    Chore(Chore, ChoreDone),
}

impl Item {
    /// Tells the submitter that it did not run, and why.
    pub(crate) fn refuse(self, error: DbError) {
        match self {
            Self::Job(_, job) => job.finish(Err(error)),
            Self::Chore(_, done) => done(Err(error)),
        }
    }
}

/// What a worker takes at once.
pub(crate) enum Batch {
    /// One transaction's jobs, shared or alone.
    Jobs(Jobs, Share),
    Chore(Chore, ChoreDone),
}

/// The bounds of a queue.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) capacity: usize,
    pub(crate) group_jobs_max: usize,
    pub(crate) lanes: usize,
}

pub(crate) struct Queue {
    limits: Limits,
    state: Mutex<State>,
    work: Condvar,
    space: Condvar,
    /// What became of the work that was taken from here.
    pub(crate) meter: Meter,
}

struct State {
    /// Taken before `group`.
    soon: VecDeque<(u64, Box<dyn Job>)>,
    group: VecDeque<(u64, Box<dyn Job>)>,
    alone: VecDeque<(u64, Item)>,
    next_turn: u64,
    lanes_free: usize,
    workers: usize,
    workers_idle: usize,
    callers_waiting: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(limits: Limits, workers: usize) -> Self {
        let state = State {
            soon: VecDeque::new(),
            group: VecDeque::new(),
            alone: VecDeque::new(),
            next_turn: 0,
            lanes_free: limits.lanes.max(1),
            workers,
            workers_idle: 0,
            callers_waiting: 0,
            closed: false,
        };
        Self {
            limits,
            state: Mutex::new(state),
            work: Condvar::new(),
            space: Condvar::new(),
            meter: Meter::default(),
        }
    }

    /// Puts an item in without waiting.
    ///
    /// # Errors
    /// [`DbError::Busy`] if the queue is full, [`DbError::Closed`] if it is closed; the
    /// item comes back.
    pub(crate) fn push(&self, item: Item) -> Result<(), (Item, DbError)> {
        self.push_within(item, Duration::ZERO)
    }

    /// Puts an item in; waits for a place no longer than `wait`.
    pub(crate) fn push_within(&self, item: Item, wait: Duration) -> Result<(), (Item, DbError)> {
        let mut state = self.lock();
        let mut deadline = None;
        loop {
            if state.closed {
                return Err((item, DbError::Closed));
            }
            if state.len() < self.limits.capacity {
                break;
            }
            let now = Instant::now();
            let until = *deadline.get_or_insert(now + wait);
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Err((item, DbError::Busy));
            }
            state.callers_waiting += 1;
            let woken = self.space.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.callers_waiting -= 1;
        }
        state.add(item);
        if state.workers_idle > 0 {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits for work; `None` once the queue is closed and empty. A batch of grouped jobs
    /// holds a lane until [`Queue::release_lane`].
    pub(crate) fn take(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if let Some(batch) = state.next(self.limits.group_jobs_max.max(1)) {
                if state.callers_waiting > 0 {
                    self.space.notify_all();
                }
                return Some(batch);
            }
            if state.closed && state.len() == 0 {
                return None;
            }
            state.workers_idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.workers_idle -= 1;
        }
    }

    /// Puts what waits to be run soon before the rest of a batch. Returns whether there was any.
    pub(crate) fn overtake(&self, rest: &mut Jobs) -> bool {
        let mut state = self.lock();
        let count = state.soon.len().min(self.limits.group_jobs_max.max(1));
        for (_, job) in state.soon.drain(..count).rev() {
            rest.push_front(job);
        }
        if count > 0 && state.callers_waiting > 0 {
            self.space.notify_all();
        }
        count > 0
    }

    pub(crate) fn release_lane(&self) {
        self.lock().lanes_free += 1;
        self.work.notify_one();
    }

    /// How full it is, and what was done.
    pub(crate) fn stats(&self) -> DbStats {
        let waiting = self.lock().len();
        self.meter.read(waiting, self.limits.capacity)
    }

    /// Refuses everything new; what waits is still worked off.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.space.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Notes that a worker is gone. After the last one nobody would ever answer, so what
    /// still waits is refused.
    pub(crate) fn leave(&self) {
        let orphans: Vec<Item> = {
            let mut state = self.lock();
            state.workers = state.workers.saturating_sub(1);
            if state.workers > 0 {
                return;
            }
            state.closed = true;
            let mut grouped: Vec<_> =
                state.group.drain(..).map(|(_, job)| Item::Job(Share::Group, job)).collect();
            grouped.extend(state.soon.drain(..).map(|(_, job)| Item::Job(Share::Soon, job)));
            state.alone.drain(..).map(|(_, item)| item).chain(grouped).collect()
        };
        self.work.notify_all();
        self.space.notify_all();
        for item in orphans {
            item.refuse(DbError::Closed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn len(&self) -> usize {
        self.soon.len() + self.group.len() + self.alone.len()
    }

    fn add(&mut self, item: Item) {
        let turn = self.next_turn;
        self.next_turn += 1;
        match item {
            Item::Job(Share::Soon, job) => self.soon.push_back((turn, job)),
            Item::Job(Share::Group, job) => self.group.push_back((turn, job)),
            Item::Job(Share::Alone, _) | Item::Chore(..) => self.alone.push_back((turn, item)),
        }
    }

    /// The oldest thing that may run now, with its companions.
    fn next(&mut self, group_jobs_max: usize) -> Option<Batch> {
        let alone = self.alone.front().map(|(turn, _)| *turn);
        let fronts = [self.soon.front(), self.group.front()];
        let group = fronts.into_iter().flatten().map(|(turn, _)| *turn).min().filter(|_| self.lanes_free > 0);
        let take_group = match (group, alone) {
            (Some(group), Some(alone)) => group < alone,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if take_group {
            self.lanes_free -= 1;
            // Where others wait, one of them is in every batch.
            let soon = self.soon.len().min(group_jobs_max.saturating_sub(1).max(1));
            let count = self.group.len().min(group_jobs_max.saturating_sub(soon).max(1));
            let jobs = self.soon.drain(..soon).chain(self.group.drain(..count)).map(|(_, job)| job).collect();
            return Some(Batch::Jobs(jobs, Share::Group));
        }
        match self.alone.pop_front()?.1 {
            Item::Job(share, job) => Some(Batch::Jobs(Jobs::from([job]), share)),
            Item::Chore(chore, done) => Some(Batch::Chore(chore, done)),
        }
    }
}
