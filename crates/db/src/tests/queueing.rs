//! Full, closed, nested: what happens to jobs that cannot run.

use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use super::durability::hold;
use super::{INSERT, count, insert, make_tables, on_each};
use crate::{Db, DbError, SqliteOptions, Tx, args};

fn small(directory: &tempfile::TempDir) -> Db {
    let options =
        SqliteOptions { queue_capacity: 2, queue_wait: Duration::from_millis(1), ..SqliteOptions::default() };
    let db = Db::open_sqlite(directory.path().join("small.db"), options).unwrap();
    make_tables(&db);
    db
}

#[test]
fn a_full_queue_is_busy() {
    let directory = tempfile::tempdir().unwrap();
    let db = small(&directory);
    let release = hold(&db);
    let (sender, receiver) = channel();
    for id in 0..4_i64 {
        let sender = sender.clone();
        let job = move |tx: &mut dyn Tx| tx.exec(INSERT, args![id, format!("n{id}")]);
        db.submit_write(job, move |result| sender.send((id, result)).unwrap());
    }
    assert_eq!(receiver.recv().unwrap(), (2, Err(DbError::Busy)));
    assert_eq!(receiver.recv().unwrap(), (3, Err(DbError::Busy)));
    assert_eq!(insert(&db, 9), Err(DbError::Busy), "after waiting for a place");
    drop(release);
    assert_eq!(receiver.recv().unwrap(), (0, Ok(1)));
    assert_eq!(receiver.recv().unwrap(), (1, Ok(1)));
    assert_eq!(count(&db), 2);
}

#[test]
fn closing_works_off_what_waits_and_refuses_the_rest() {
    on_each(|database| {
        let db = database.db();
        let release = hold(db);
        let (sender, receiver) = channel();
        for id in 0..10_i64 {
            let sender = sender.clone();
            let job = move |tx: &mut dyn Tx| tx.exec(INSERT, args![id, format!("n{id}")]);
            db.submit_write(job, move |result| sender.send(result).unwrap());
        }
        drop(sender);
        let closing = std::thread::spawn({
            let db = db.clone();
            move || db.close()
        });
        drop(release);
        closing.join().unwrap();
        assert!(receiver.iter().all(|result| result == Ok(1)));
        assert_eq!(insert(db, 101), Err(DbError::Closed));
        assert_eq!(db.read(|tx| tx.query("SELECT 1", &[])), Err(DbError::Closed));
        assert_eq!(db.checkpoint(), Err(DbError::Closed));
        db.close();
    });
}

#[test]
fn the_last_handle_closes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let open = || Db::open_sqlite(&path, SqliteOptions::default());
    let first = open().unwrap();
    let second = first.clone();
    drop(first);
    assert_eq!(open().err(), Some(DbError::Locked));
    drop(second);
    assert!(open().is_ok());
}

#[test]
fn the_last_handle_may_go_in_a_callback() {
    on_each(|database| {
        let (sender, receiver) = sync_channel(1);
        let db = database.db().clone();
        let kept = db.clone();
        db.submit_write(
            move |tx| tx.exec(INSERT, args![1_i64, "a"]),
            move |result: Result<u64, DbError>| {
                kept.close();
                drop(kept);
                sender.send(result).unwrap();
            },
        );
        assert_eq!(receiver.recv().unwrap(), Ok(1));
    });
}

#[test]
fn a_job_may_not_call_the_database() {
    on_each(|database| {
        let db = database.db().clone();
        let inner = db.clone();
        let nested = db.write(move |_tx| -> Result<_, DbError> {
            let (sender, receiver) = channel();
            inner.submit_write(|_tx| Ok::<(), DbError>(()), move |result| sender.send(result).unwrap());
            Ok((insert(&inner, 1), inner.checkpoint(), receiver.recv().unwrap()))
        });
        let refused = (Err(DbError::Nested), Err(DbError::Nested), Err(DbError::Nested));
        assert_eq!(nested, Ok(refused));
        let inner = db.clone();
        let read = db.read(move |_tx| inner.read(|tx| tx.query("SELECT 1", &[])));
        assert_eq!(read, Err(DbError::Nested));
    });
}

#[test]
fn a_callback_may_submit_but_not_wait() {
    for db in [Db::open_inline().unwrap(), small(&tempfile::tempdir().unwrap())] {
        let (sender, receiver) = channel();
        let inner = db.clone();
        let done = move |_: Result<(), DbError>| {
            sender.send(insert(&inner, 1).map(drop)).unwrap();
            inner.submit_write(|_tx| Ok::<(), DbError>(()), move |result| sender.send(result).unwrap());
        };
        db.submit_write(|_tx| Ok(()), done);
        assert_eq!(receiver.recv().unwrap(), Err(DbError::Nested));
        assert_eq!(receiver.recv().unwrap(), Ok(()));
    }
}

#[test]
fn a_panicking_callback_does_not_stop_the_others() {
    on_each(|database| {
        let db = database.db();
        db.submit_write(|_tx| Ok::<(), DbError>(()), |_| panic!("on purpose"));
        assert_eq!(insert(db, 1), Ok(1));
        assert_eq!(count(db), 1);
    });
}

#[test]
fn inline_runs_on_the_calling_thread() {
    let db = Db::open_inline().unwrap();
    make_tables(&db);
    let here = std::thread::current().id();
    assert_eq!(db.write(move |_tx| Ok::<_, DbError>(std::thread::current().id() == here)), Ok(true));
    assert_eq!(insert(&db, 1), Ok(1));
    assert_eq!(db.read(|tx| tx.exec(INSERT, args![2_i64, "b"])), Err(DbError::ReadOnly));
    assert_eq!(db.write(|_tx| -> Result<(), DbError> { panic!("on purpose") }), Err(DbError::Panicked));
    assert_eq!(insert(&db, 1), Err(DbError::Constraint(crate::Constraint::Unique)));
    assert_eq!(count(&db), 1);
    assert_eq!(db.checkpoint(), Ok(()));
    db.close();
    assert_eq!(insert(&db, 3), Err(DbError::Closed));
}
