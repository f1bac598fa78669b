//! The order of things, watched from below: a connection that does as it is told and
//! writes down what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::connection::{Chore, Connection, Shape, Source};
use crate::executor::{Health, Jobs, run_group};
use crate::job::{Job, Task};
use crate::link::Link;
use crate::queue::{Item, Limits, Queue};
use crate::tx::Session;
use crate::{DbError, Engine, Row, Share, Value};

type Log = Arc<Mutex<Vec<String>>>;

/// Fails the steps named in `faults`, each once.
struct Scripted {
    log: Log,
    faults: Vec<(&'static str, DbError)>,
}

impl Scripted {
    fn step(&mut self, name: &'static str) -> Result<(), DbError> {
        self.log.lock().unwrap().push(name.to_owned());
        match self.faults.iter().position(|(step, _)| *step == name) {
            Some(at) => Err(self.faults.remove(at).1),
            None => Ok(()),
        }
    }
}

impl Connection for Scripted {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }
    fn begin(&mut self, _shape: Shape) -> Result<(), DbError> {
        self.step("begin")
    }
    fn keep(&mut self) -> Result<(), DbError> {
        self.step("keep")
    }
    fn undo(&mut self) -> Result<(), DbError> {
        self.step("undo")
    }
    fn commit(&mut self, _shape: Shape) -> Result<(), DbError> {
        self.step("commit")
    }
    fn rollback(&mut self) -> Result<(), DbError> {
        self.step("rollback")
    }
    fn exec(&mut self, _sql: &str, _args: &[Value]) -> Result<u64, DbError> {
        self.step("exec").map(|()| 1)
    }
    fn exec_many(&mut self, _sql: &str, _rows: &[Vec<Value>]) -> Result<u64, DbError> {
        self.step("exec_many").map(|()| 1)
    }
    fn query(&mut self, _sql: &str, _args: &[Value]) -> Result<Vec<Row>, DbError> {
        self.step("query").map(|()| vec![])
    }
    fn script(&mut self, _sql: &str) -> Result<(), DbError> {
        self.step("script")
    }
    fn chore(&mut self, _chore: Chore) -> Result<(), DbError> {
        self.step("chore")
    }
}

/// A job that runs one statement, and says in the log when it is told what came of it.
fn job(log: &Log, name: &'static str) -> Box<dyn Job> {
    let log = Arc::clone(log);
    let told = move |result: Result<u64, DbError>| {
        let fate = match result {
            Ok(_) => format!("{name} ok"),
            Err(error) => format!("{name} {error:?}"),
        };
        log.lock().unwrap().push(fate);
    };
    Box::new(Task::new(|session: &mut dyn Session| session.exec("INSERT", &[]), told))
}

/// Runs jobs a, b, c in one transaction with these faults; returns the log.
fn run(faults: &[(&'static str, DbError)]) -> (Vec<String>, Health) {
    let log = Log::default();
    let mut connection = Scripted { log: Arc::clone(&log), faults: faults.to_vec() };
    let mut jobs: Jobs = ["a", "b", "c"].into_iter().map(|name| job(&log, name)).collect();
    let settled = run_group(&mut connection, &mut jobs, Duration::MAX).unwrap();
    let health = settled.health;
    settled.tell();
    let seen = log.lock().unwrap().clone();
    (seen, health)
}

#[test]
fn nobody_is_told_before_the_commit() {
    let (log, health) = run(&[]);
    let expected = ["begin", "exec", "keep", "exec", "keep", "exec", "commit", "a ok", "b ok", "c ok"];
    assert_eq!(log, expected);
    assert!(health == Health::Sound);
}

#[test]
fn a_refused_commit_is_everybodys_error() {
    let (log, health) = run(&[("commit", DbError::Full)]);
    assert_eq!(log[6..], ["commit", "rollback", "a Full", "b Full", "c Full"]);
    assert!(health == Health::Sound);
}

#[test]
fn an_unseen_commit_is_unknown_and_the_connection_is_dropped() {
    let (log, health) = run(&[("commit", DbError::Unknown)]);
    assert_eq!(log[6..], ["commit", "a Unknown", "b Unknown", "c Unknown"]);
    assert!(health == Health::Broken);
}

#[test]
fn a_failed_job_keeps_its_own_error() {
    let (log, _) = run(&[("exec", DbError::Type)]);
    let expected = ["begin", "exec", "undo", "exec", "keep", "exec", "commit", "a Type", "b ok", "c ok"];
    assert_eq!(log, expected);
}

#[test]
fn a_lost_transaction_is_not_committed() {
    // The engine rolled everything back by itself at the failure of `b`.
    let log = Log::default();
    let mut connection = Scripted { log: Arc::clone(&log), faults: vec![("undo", DbError::Retry)] };
    let told = Arc::clone(&log);
    let failing = Task::new(
        |_: &mut dyn Session| Err::<(), _>(DbError::NoRow),
        move |result: Result<(), DbError>| told.lock().unwrap().push(format!("b {result:?}")),
    );
    let mut jobs = Jobs::from([job(&log, "a"), Box::new(failing), job(&log, "c")]);
    run_group(&mut connection, &mut jobs, Duration::MAX).unwrap().tell();
    let expected = ["begin", "exec", "keep", "undo", "rollback", "a Retry", "b Err(NoRow)"];
    assert_eq!(*log.lock().unwrap(), expected);
    assert_eq!(jobs.len(), 1, "c has not run and waits for the next transaction");
}

/// Gives out prepared connections, in order.
struct Supply(VecDeque<Result<Box<dyn Connection>, DbError>>);

impl Source for Supply {
    fn connect(&mut self) -> Result<Box<dyn Connection>, DbError> {
        self.0.pop_front().unwrap_or(Err(DbError::Disconnected))
    }
}

/// Works off jobs a, b, c one by one over the given connections' faults; returns what ran
/// and what was told.
fn work(connections: Vec<Option<Vec<(&'static str, DbError)>>>) -> Vec<String> {
    let log = Log::default();
    let supply = connections.into_iter().map(|faults| match faults {
        Some(faults) => Ok(Box::new(Scripted { log: Arc::clone(&log), faults }) as Box<dyn Connection>),
        None => Err(DbError::Disconnected),
    });
    let queue = Queue::new(Limits { capacity: 9, group_jobs_max: 9, lanes: 1 }, 1);
    for name in ["a", "b", "c"] {
        assert!(queue.push(Item::Job(Share::Alone, job(&log, name))).is_ok());
    }
    queue.close();
    let mut link = Link::new(Box::new(Supply(supply.collect())), Duration::ZERO);
    link.open().unwrap();
    link.work(&queue, Duration::MAX);
    let seen = log.lock().unwrap().clone();
    seen.into_iter().filter(|line| line == "exec" || line.contains(' ')).collect()
}

#[test]
fn a_dead_idle_connection_is_replaced_before_the_job_runs() {
    let told = work(vec![Some(vec![("begin", DbError::Disconnected)]), Some(vec![])]);
    assert_eq!(told, ["exec", "a ok", "exec", "b ok", "exec", "c ok"]);
}

#[test]
fn a_job_never_runs_twice() {
    let told = work(vec![
        Some(vec![("exec", DbError::Disconnected), ("rollback", DbError::Disconnected)]),
        Some(vec![("commit", DbError::Unknown)]),
        Some(vec![]),
    ]);
    assert_eq!(told, ["exec", "a Disconnected", "exec", "b Unknown", "exec", "c ok"]);
}

#[test]
fn without_a_server_every_job_is_told() {
    let told = work(vec![Some(vec![("begin", DbError::Disconnected)]), None, None]);
    assert_eq!(told, ["a Disconnected", "b Disconnected", "c Disconnected"]);
}

/// A job that notes its name and, once settled, hands in others to be run soon; the job `end` closes the queue.
fn bringing(
    log: &Log,
    queue: &Arc<Queue>,
    (name, brings): (&'static str, &'static [&'static str]),
) -> Box<dyn Job> {
    let (log, queue) = (Arc::clone(log), Arc::clone(queue));
    let settled = move |_: Result<(), DbError>| {
        log.lock().unwrap().push(name.to_owned());
        for brought in brings {
            assert!(queue.push(Item::Job(Share::Soon, bringing(&log, &queue, (brought, &[])))).is_ok());
        }
        if name == "end" {
            queue.close();
        }
    };
    Box::new(Task::new(|_: &mut dyn Session| Ok::<(), DbError>(()), settled))
}

/// The order in which jobs are settled that each need a transaction of their own.
fn settled_in(jobs: &[(Share, &'static str, &'static [&'static str])]) -> Vec<String> {
    let log = Log::default();
    let queue = Arc::new(Queue::new(Limits { capacity: 99, group_jobs_max: 9, lanes: 1 }, 1));
    for (share, name, brings) in jobs {
        assert!(queue.push(Item::Job(*share, bringing(&log, &queue, (name, brings)))).is_ok());
    }
    let connection = Box::new(Scripted { log: Log::default(), faults: vec![] }) as Box<dyn Connection>;
    let mut link = Link::new(Box::new(Supply(VecDeque::from([Ok(connection)]))), Duration::ZERO);
    link.open().unwrap();
    link.work(&queue, Duration::ZERO);
    log.lock().unwrap().clone()
}

#[test]
fn what_must_run_soon_runs_first() {
    let told = settled_in(&[(Share::Group, "a", &[]), (Share::Group, "end", &[]), (Share::Soon, "x", &[])]);
    assert_eq!(told, ["x", "a", "end"]);
}

#[test]
fn what_comes_in_between_overtakes_the_rest_of_a_batch() {
    let told =
        settled_in(&[(Share::Group, "a", &["x", "y"]), (Share::Group, "b", &[]), (Share::Group, "end", &[])]);
    assert_eq!(told, ["a", "x", "y", "b", "end"]);
}

#[test]
fn one_of_the_others_has_its_turn_between_two_overtakings() {
    let told = settled_in(&[
        (Share::Group, "a", &["x", "y"]),
        (Share::Soon, "w", &["v"]),
        (Share::Group, "b", &["z"]),
        (Share::Group, "end", &[]),
    ]);
    // `v` overtakes `a`; what `a` brings waits no longer than one of the rest takes.
    assert_eq!(told, ["w", "v", "a", "x", "y", "b", "z", "end"]);
}

#[test]
fn jobs_dropped_unrun_or_unsettled_are_told_too() {
    let log = Log::default();
    drop(job(&log, "unrun"));
    let mut ran = job(&log, "unsettled");
    ran.run(&mut Scripted { log: Log::default(), faults: vec![] });
    drop(ran);
    assert_eq!(*log.lock().unwrap(), ["unrun Closed", "unsettled Unknown"]);
}

#[test]
fn a_queue_without_workers_refuses_what_waits() {
    let log = Log::default();
    let queue = Queue::new(Limits { capacity: 9, group_jobs_max: 9, lanes: 1 }, 1);
    for (share, name) in [(Share::Alone, "a"), (Share::Group, "b")] {
        assert!(queue.push(Item::Job(share, job(&log, name))).is_ok());
    }
    queue.leave();
    assert_eq!(*log.lock().unwrap(), ["a Closed", "b Closed"]);
    assert!(queue.push(Item::Job(Share::Group, job(&log, "c"))).is_err());
}
