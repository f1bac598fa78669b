//! Acknowledged means committed; failed means gone, and only the one that failed.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use super::{INSERT, count, insert, on_each};
use crate::executor::{Health, Jobs, run_group};
use crate::job::Task;
use crate::testing::databases;
use crate::tx::Session;
use crate::{Constraint, Db, DbError, Share, Tx, args};

#[test]
fn a_write_is_seen_by_every_later_read_and_after_reopening() {
    for mut database in databases().unwrap() {
        super::make_tables(database.db());
        for id in 0..20 {
            assert_eq!(insert(database.db(), id), Ok(1));
            assert_eq!(count(database.db()), id + 1);
        }
        database.reopen().unwrap();
        assert_eq!(count(database.db()), 20);
    }
}

#[test]
fn an_acknowledgement_comes_after_the_commit() {
    on_each(|database| {
        let (sender, receiver) = channel();
        let db = database.db();
        for id in 0..50_i64 {
            let (reader, sender) = (db.clone(), sender.clone());
            let job = move |tx: &mut dyn Tx| tx.exec(INSERT, args![id, format!("n{id}")]);
            db.submit_write(job, move |result: Result<u64, DbError>| {
                assert_eq!(result, Ok(1));
                // A read on another connection sees committed rows only.
                let look =
                    move |tx: &mut dyn Tx| Ok(tx.query("SELECT 1 FROM item WHERE id = $1", args![id])?.len());
                reader.submit_read(look, move |seen: Result<usize, DbError>| sender.send(seen).unwrap());
            });
        }
        drop(sender);
        let seen: Vec<_> = receiver.iter().collect();
        assert_eq!(seen, vec![Ok(1); 50]);
    });
}

/// Keeps the writer busy until the returned sender is dropped, so that what is submitted
/// meanwhile forms one group.
pub(super) fn hold(db: &Db) -> std::sync::mpsc::Sender<()> {
    let (release, held) = channel::<()>();
    let (begun, wait) = channel();
    db.submit_write(
        move |_tx| -> Result<(), DbError> {
            begun.send(()).unwrap();
            held.recv().unwrap_or(());
            Ok(())
        },
        |_result| {},
    );
    wait.recv().unwrap();
    release
}

#[test]
fn a_failing_and_a_panicking_job_are_undone_alone() {
    on_each(|database| {
        let db = database.db();
        let (sender, receiver) = channel();
        let release = hold(db);
        for id in 0..30_i64 {
            let sender = sender.clone();
            let job = move |tx: &mut dyn Tx| -> Result<i64, DbError> {
                tx.exec(INSERT, args![id, format!("n{id}")])?;
                match id % 5 {
                    1 => Err(DbError::NoRow),
                    2 => panic!("on purpose"),
                    3 => tx.exec(INSERT, args![id, "again"]).map(|_| id),
                    _ => Ok(id),
                }
            };
            db.submit_write(job, move |result| sender.send((id, result)).unwrap());
        }
        drop((release, sender));
        for (id, result) in receiver {
            let expected = match id % 5 {
                1 => Err(DbError::NoRow),
                2 => Err(DbError::Panicked),
                3 => Err(DbError::Constraint(Constraint::Unique)),
                _ => Ok(id),
            };
            assert_eq!(result, expected, "job {id}");
        }
        assert_eq!(count(db), 12);
    });
}

#[test]
fn a_job_that_hides_a_failed_statement_is_undone() {
    on_each(|database| {
        let db = database.db();
        let result = db.write(|tx| -> Result<(), DbError> {
            tx.exec(INSERT, args![1_i64, "a"])?;
            let refused = tx.exec(INSERT, args![1_i64, "b"]);
            assert_eq!(refused, Err(DbError::Constraint(Constraint::Unique)));
            assert_eq!(tx.query("SELECT id FROM item", &[]).err(), Some(DbError::Aborted));
            Ok(())
        });
        assert_eq!(result, Err(DbError::Constraint(Constraint::Unique)));
        assert_eq!(count(db), 0);
    });
}

#[test]
fn a_failing_commit_fails_all_who_share_it() {
    on_each(|database| {
        let db = database.db();
        let (sender, receiver) = channel();
        let release = hold(db);
        for id in 0..8_i64 {
            let sender = sender.clone();
            let job = move |tx: &mut dyn Tx| -> Result<(), DbError> {
                tx.exec(INSERT, args![id, format!("n{id}")])?;
                if id == 3 {
                    tx.exec("INSERT INTO late (item) VALUES ($1)", args![99_i64])?;
                }
                Ok(())
            };
            db.submit_write(job, move |result| sender.send(result).unwrap());
        }
        drop((release, sender));
        let results: Vec<_> = receiver.iter().collect();
        assert_eq!(results, vec![Err(DbError::Constraint(Constraint::ForeignKey)); 8]);
        assert_eq!(count(db), 0);
        assert_eq!(insert(db, 1), Ok(1), "the connection goes on");
    });
}

#[test]
fn a_job_alone_fails_alone_at_its_commit() {
    on_each(|database| {
        let db = database.db();
        let late =
            db.write_as(Share::Alone, |tx| tx.exec("INSERT INTO late (item) VALUES ($1)", args![9_i64]));
        assert_eq!(late, Err(DbError::Constraint(Constraint::ForeignKey)));
        let rows = db.read(|tx| tx.query("SELECT item FROM late", &[])).unwrap();
        assert_eq!(rows, []);
    });
}

#[test]
fn many_threads_lose_nothing() {
    on_each(|database| {
        let db = Arc::new(database.db().clone());
        let threads: Vec<_> = (0..8_i64)
            .map(|t| {
                let db = Arc::clone(&db);
                thread::spawn(move || (0..50).for_each(|i| assert_eq!(insert(&db, t * 50 + i), Ok(1))))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(count(&db), 400);
    });
}

#[test]
fn a_group_stops_taking_jobs_when_its_time_is_up() {
    let mut connection = crate::sqlite::SqliteConnection::in_memory().unwrap();
    let task = || -> Box<dyn crate::job::Job> {
        Box::new(Task::new(|_: &mut dyn Session| Ok::<(), DbError>(()), |_| {}))
    };
    let mut jobs: Jobs = (0..3).map(|_| task()).collect();
    let settled = run_group(&mut connection, &mut jobs, std::time::Duration::ZERO).unwrap();
    assert!(settled.health == Health::Sound);
    assert_eq!(jobs.len(), 2, "the rest waits for the next transaction");
}

#[test]
fn an_open_database_counts_what_became_durable() {
    let mut database = crate::testing::sqlite().unwrap();
    let before = database.db().stats();
    super::make_tables(database.db());
    let made = database.db().stats();
    assert!(made.commits > before.commits && made.failures == before.failures);
    assert_eq!(made.commit_times.iter().sum::<u64>(), made.commits);
    let undone: Result<(), DbError> = database.db().write(|_tx| Err(DbError::NoRow));
    assert_eq!(undone, Err(DbError::NoRow));
    let broken: Result<u64, DbError> =
        database.db().write(|tx| tx.exec("INSERT INTO nowhere (a) VALUES ($1)", args![1_i64]));
    assert!(broken.is_err());
    assert_eq!(database.db().stats().commits, made.commits, "nothing of these is durable");
    database.reopen().unwrap();
    let inline = crate::Db::open_inline().unwrap();
    assert_eq!(inline.stats(), crate::DbStats::default(), "a simulation is not measured");
}
