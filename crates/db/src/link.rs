//! One thread's hold on its connection: connects, reconnects, runs batches.
//!
//! Deliberately never runs a job twice: a job that has begun is answered for, whatever
//! became of the connection.

use std::time::{Duration, Instant};

use crate::connection::{Chore, Connection, Source};
use crate::executor::{Health, Jobs, refuse_all, run_group};
use crate::queue::{Batch, Queue};
use crate::{DbError, Share};

const RETRY_FIRST: Duration = Duration::from_millis(20);
const RETRY_LAST: Duration = Duration::from_secs(1);

pub(crate) struct Link {
    /// Before the source: a source may hold the lock that guards what is open here.
    connection: Option<Box<dyn Connection>>,
    source: Box<dyn Source>,
    patience: Duration,
    /// The last round of attempts failed: later jobs get one attempt each, not the whole
    /// patience again.
    down: bool,
}

impl Link {
    pub(crate) fn new(source: Box<dyn Source>, patience: Duration) -> Self {
        Self { source, connection: None, patience, down: false }
    }

    /// Makes the first connection, without patience.
    pub(crate) fn open(&mut self) -> Result<(), DbError> {
        self.connection = Some(self.source.connect()?);
        Ok(())
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn work(&mut self, queue: &Queue, group_time_max: Duration) {
        while let Some(batch) = queue.take() {
            match batch {
                Batch::Chore(chore, done) => done(self.chore(chore, queue)),
                Batch::Jobs(mut jobs, share) => {
                    self.run_all(&mut jobs, share, (group_time_max, queue));
                    if share == Share::Group {
                        queue.release_lane();
                    }
                }
            }
        }
    }

    /// Runs or refuses all jobs of a batch. Between two of its transactions, what must run soon overtakes the rest;
    /// again only after one of the rest had its turn, so that nobody waits for ever.
    fn run_all(&mut self, jobs: &mut Jobs, share: Share, (time_max, queue): (Duration, &Queue)) {
        let mut overtaken = usize::MAX;
        while !jobs.is_empty() {
            self.run(jobs, share, (time_max, queue));
            let rest = jobs.len();
            if share == Share::Group && (1..overtaken).contains(&rest) && queue.overtake(jobs) {
                overtaken = rest;
            }
        }
    }

    /// Runs or refuses at least one of the jobs.
    fn run(&mut self, jobs: &mut Jobs, share: Share, (time_max, queue): (Duration, &Queue)) {
        // A connection that died while idle shows only when it is used: once more, then.
        for attempt in 0..2 {
            let (begun, started) = match self.connected(queue) {
                Ok(connection) => {
                    let started = Instant::now();
                    connection.share(share);
                    (run_group(connection, jobs, time_max), started)
                }
                Err(error) => return refuse_all(jobs, &error),
            };
            match begun {
                Ok(settled) => {
                    queue.meter.transaction(started.elapsed(), settled.len(), settled.end);
                    if settled.health == Health::Broken {
                        self.connection = None;
                    }
                    return settled.tell();
                }
                Err(DbError::Disconnected) if attempt == 0 => self.connection = None,
                Err(error) => {
                    if error == DbError::Disconnected {
                        self.connection = None;
                    }
                    return refuse_all(jobs, &error);
                }
            }
        }
    }

    fn chore(&mut self, chore: Chore, queue: &Queue) -> Result<(), DbError> {
        let result = self.connected(queue)?.chore(chore);
        if result == Err(DbError::Disconnected) {
            self.connection = None;
        }
        result
    }

    fn connected(&mut self, queue: &Queue) -> Result<&mut dyn Connection, DbError> {
        if self.connection.is_none() {
            let fresh = self.reconnect(queue);
            self.down = fresh.is_err();
            self.connection = Some(fresh?);
        }
        match &mut self.connection {
            Some(connection) => Ok(connection.as_mut()),
            None => Err(DbError::Disconnected),
        }
    }

    fn reconnect(&mut self, queue: &Queue) -> Result<Box<dyn Connection>, DbError> {
        let begun = Instant::now();
        let mut pause = RETRY_FIRST;
        loop {
            match self.source.connect() {
                Err(DbError::Disconnected | DbError::Busy)
                    if !self.down && !queue.is_closed() && begun.elapsed() + pause < self.patience =>
                {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(RETRY_LAST);
                }
                result => return result,
            }
        }
    }
}
