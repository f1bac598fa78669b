//! What only a server does: hang up, lose a commit, quarrel over rows.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use super::{INSERT, count, insert, make_tables};
use crate::again::RUNS_MAX;
use crate::pg::PgSource;
use crate::testing::{postgres, postgres_options};
use crate::{Db, DbError, PostgresOptions, Share, Tx, args};

const HANG_UP: &str = "SELECT pg_terminate_backend(pg_backend_pid())";

/// Runs a test on a fresh database, if there is a server.
fn on_server(test: impl Fn(&Db, &PgSource)) {
    if let Some(database) = postgres().unwrap() {
        make_tables(database.db());
        test(database.db(), database.source().unwrap());
    }
}

#[test]
fn a_session_lost_before_the_commit_wrote_nothing() {
    on_server(|db, _source| {
        for share in [Share::Group, Share::Alone] {
            let lost = db.write_as(share, |tx| -> Result<(), DbError> {
                tx.exec(INSERT, args![1_i64, "a"])?;
                tx.query(HANG_UP, &[]).map(drop)
            });
            assert_eq!(lost, Err(DbError::Disconnected));
        }
        assert_eq!(count(db), 0);
        assert_eq!(insert(db, 1), Ok(1), "a new session takes over");
    });
}

#[test]
fn a_session_lost_within_a_group_takes_only_what_had_run() {
    on_server(|db, _source| {
        let release = super::durability::hold(db);
        let (sender, receiver) = std::sync::mpsc::channel();
        for id in 0..6_i64 {
            let sender = sender.clone();
            let job = move |tx: &mut dyn Tx| -> Result<(), DbError> {
                tx.exec(INSERT, args![id, format!("n{id}")])?;
                if id == 3 { tx.query(HANG_UP, &[]).map(drop) } else { Ok(()) }
            };
            db.submit_write(job, move |result| sender.send((id, result)).unwrap());
        }
        drop((release, sender));
        for (id, result) in receiver {
            assert_eq!(result, if id <= 3 { Err(DbError::Disconnected) } else { Ok(()) }, "job {id}");
        }
        assert_eq!(count(db), 2);
    });
}

#[test]
fn a_session_lost_during_the_commit_is_unknown() {
    on_server(|db, _source| {
        db.write_session(Share::Alone, |session| -> Result<(), DbError> {
            session.script(
                "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
                 CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON part DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION hang_up()",
            )
        })
        .unwrap();
        insert(db, 1).unwrap();
        let unknown = db.write(|tx| tx.exec("INSERT INTO part (item) VALUES ($1)", args![1_i64]));
        assert_eq!(unknown, Err(DbError::Unknown));
        assert_eq!(insert(db, 2), Ok(1), "a new session takes over");
    });
}

#[test]
fn sessions_that_died_idle_are_replaced_without_a_word() {
    on_server(|db, source| {
        let other = Db::open_source(source, &postgres_options()).unwrap();
        let kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                    WHERE pid <> pg_backend_pid() AND datname = current_database()";
        other.write(move |tx| tx.query(kill, &[])).unwrap();
        for id in 0..4 {
            assert_eq!(insert(db, id), Ok(1));
        }
        assert_eq!(count(db), 4);
    });
}

#[test]
fn a_lost_conflict_is_retryable() {
    on_server(|db, source| {
        insert(db, 1).unwrap();
        let options =
            PostgresOptions { lock_timeout: std::time::Duration::from_millis(20), ..postgres_options() };
        let source = source.clone().with_options(options.clone());
        let impatient = Db::open_source(&source, &options).unwrap();
        let lock = "SELECT id FROM item WHERE id = 1 FOR UPDATE";
        let second = db
            .write(move |tx| {
                tx.query(lock, &[])?;
                let waiting = std::thread::spawn(move || impatient.write(move |tx| tx.query(lock, &[])));
                Ok::<_, DbError>(waiting.join().unwrap())
            })
            .unwrap();
        assert_eq!(second, Err(DbError::Retry));
        assert!(DbError::Retry.is_retryable());
    });
}

const UNDONE: fn(&DbError) -> Option<&DbError> = |error| Some(error);

/// Takes both rows, in this order; on the first run both jobs hold one before either asks for the other.
fn both_ways(db: &Db, order: [i64; 2], met: &Arc<Barrier>) -> Result<u32, DbError> {
    let (met, runs) = (Arc::clone(met), Arc::new(AtomicU32::new(0)));
    let lock = "UPDATE item SET size = COALESCE(size, 0) + 1 WHERE id = $1";
    db.write_again(Share::Group, UNDONE, move |tx| {
        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
        tx.exec(lock, args![order[0]])?;
        if run == 1 {
            met.wait();
        }
        tx.exec(lock, args![order[1]])?;
        Ok(run)
    })
}

#[test]
fn jobs_that_wait_for_each_other_in_a_circle_are_both_written() {
    on_server(|db, source| {
        insert(db, 1).unwrap();
        insert(db, 2).unwrap();
        let other = Db::open_source(source, &postgres_options()).unwrap();
        let met = Arc::new(Barrier::new(2));
        let there = Arc::clone(&met);
        let second = std::thread::spawn(move || both_ways(&other, [2, 1], &there));
        let runs = (both_ways(db, [1, 2], &met).unwrap(), second.join().unwrap().unwrap());
        assert_eq!(runs.0 + runs.1, 3, "the server chose one, which ran again: {runs:?}");
        let sum = "SELECT CAST(SUM(size) AS BIGINT) FROM item";
        let sum = db.read(move |tx| tx.query_one(sum, &[])?.int(0));
        assert_eq!(sum, Ok(4), "each row twice, nothing thrice");
    });
}

#[test]
fn transactions_that_begin_with_one_lock_never_wait_in_a_circle() {
    on_server(|db, source| {
        for id in 1..=3 {
            insert(db, id).unwrap();
        }
        let other = Db::open_source(source, &postgres_options()).unwrap();
        let touch = "UPDATE item SET size = COALESCE(size, 0) + 1 WHERE id = $1";
        // Each job takes a row of its own and then the one that all take last, as jobs that append to one log do.
        let storm = |first: bool| {
            let (sender, receiver) = std::sync::mpsc::channel();
            for db in [db, &other] {
                if first {
                    db.lock_first("SELECT 1 FROM item WHERE id = 3 FOR UPDATE");
                }
                for n in 0..100_i64 {
                    let sender = sender.clone();
                    let job = move |tx: &mut dyn Tx| -> Result<(), DbError> {
                        tx.exec(touch, args![1 + n % 2])?;
                        tx.exec(touch, args![3_i64]).map(drop)
                    };
                    db.submit_write(job, move |result| sender.send(result).unwrap());
                }
            }
            drop(sender);
            receiver.into_iter().filter(|result| *result == Err(DbError::Retry)).count()
        };
        let before = storm(false);
        assert_eq!(storm(true), 0, "{before} of 200 were lost without the lock");
        let undone =
            db.write(|tx| -> Result<(), DbError> { tx.exec(touch, args![1_i64]).and(Err(DbError::NoRow)) });
        assert_eq!(undone, Err(DbError::NoRow));
    });
}

#[test]
fn a_job_that_lost_a_conflict_runs_again_a_bounded_number_of_times() {
    on_server(|db, _source| {
        let raise = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$";
        for (fails, written) in [(1, true), (RUNS_MAX - 1, true), (RUNS_MAX, false), (u32::MAX, false)] {
            let runs = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&runs);
            let id = i64::from(fails);
            let done = db.write_again(Share::Group, UNDONE, move |tx| {
                let run = count.fetch_add(1, Ordering::SeqCst) + 1;
                tx.exec(INSERT, args![id, format!("n{id}")])?;
                if run <= fails { tx.exec(raise, &[]).map(drop) } else { Ok(()) }
            });
            assert_eq!(done, if written { Ok(()) } else { Err(DbError::Retry) }, "{fails}");
            assert_eq!(runs.load(Ordering::SeqCst), fails.saturating_add(1).min(RUNS_MAX));
        }
        assert_eq!(count(db), 2, "what was lost each time wrote nothing");
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let taken = db.write_again(Share::Group, UNDONE, move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            tx.exec(INSERT, args![1_i64, "other"]).map(drop)
        });
        assert!(matches!(taken, Err(DbError::Constraint(_))));
        assert_eq!(runs.load(Ordering::SeqCst), 1, "no conflict of transactions: never run again");
    });
}

#[test]
fn a_job_whose_session_was_cut_before_the_commit_runs_again() {
    on_server(|db, _source| {
        let runs = Arc::new(AtomicU32::new(0));
        let count_runs = Arc::clone(&runs);
        let done = db.write_again(Share::Group, UNDONE, move |tx| {
            let run = count_runs.fetch_add(1, Ordering::SeqCst) + 1;
            tx.exec(INSERT, args![1_i64, "a"])?;
            if run == 1 { tx.query(HANG_UP, &[]).map(drop) } else { Ok(()) }
        });
        assert_eq!((done, runs.load(Ordering::SeqCst)), (Ok(()), 2));
        assert_eq!(count(db), 1);
    });
}

#[test]
fn a_statement_prepared_before_a_change_is_prepared_anew() {
    on_server(|db, source| {
        let one = Db::open_source(source, &PostgresOptions { workers: 1, ..postgres_options() }).unwrap();
        let all = || one.write(|tx| tx.query("SELECT * FROM part", &[]));
        assert_eq!(all(), Ok(vec![]));
        assert_eq!(all(), Ok(vec![]));
        db.write(|tx| tx.exec("ALTER TABLE part ADD COLUMN note TEXT", &[])).unwrap();
        assert_eq!(all(), Err(DbError::Retry), "the stale plan is refused once");
        assert_eq!(all(), Ok(vec![]));
    });
}

#[test]
fn wrong_parameters_are_told_without_repeating_them() {
    let refused = Db::open_postgres("host=/tmp passwort=geheim", PostgresOptions::default());
    let error = refused.err().unwrap();
    assert_eq!(error, DbError::Misconfigured("address"));
    assert!(!format!("{error:?} {error}").contains("geheim"));
    on_server(|_db, source| {
        let missing = source.for_database("no_such_database");
        let refused = Db::open_source(&missing, &postgres_options());
        assert_eq!(refused.err(), Some(DbError::Misconfigured("database name")));
    });
}

#[test]
fn a_server_that_is_not_there_is_disconnected() {
    let directory = tempfile::tempdir().unwrap();
    let parameters = format!("host={} user=nobody", directory.path().display());
    let refused = Db::open_postgres(&parameters, postgres_options());
    assert_eq!(refused.err(), Some(DbError::Disconnected));
}

#[test]
fn commits_wait_for_the_disk() {
    on_server(|db, _source| {
        let setting =
            db.write(|tx| tx.query_one("SELECT current_setting('synchronous_commit')", &[])?.take_text(0));
        assert_eq!(setting.as_deref(), Ok("on"));
    });
}

#[test]
fn vacuum_runs_outside_a_transaction() {
    on_server(|db, _source| {
        assert_eq!(db.vacuum(10), Ok(()));
        assert_eq!(db.checkpoint(), Ok(()));
    });
}

#[test]
fn a_word_reaches_the_other_process_and_so_does_that_some_were_missed() {
    on_server(|db, source| {
        let other = Db::open_source(source, &postgres_options()).unwrap();
        let (sender, heard) = std::sync::mpsc::channel();
        other.listen(move |word| drop(sender.send(word.map(ToOwned::to_owned)))).unwrap();
        let within = std::time::Duration::from_secs(20);
        assert_eq!(heard.recv_timeout(within), Ok(None), "it says that it listens from now on");
        db.listen(|_word| ()).unwrap();
        db.ring("outbox:1");
        assert_eq!(heard.recv_timeout(within), Ok(Some("outbox:1".to_owned())));
        let kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                    WHERE query LIKE '%LISTEN%' AND pid <> pg_backend_pid() AND datname = current_database()";
        db.write(move |tx| tx.query(kill, &[])).unwrap();
        assert_eq!(heard.recv_timeout(within), Ok(None), "a lost session is begun anew");
        other.close();
    });
}

#[test]
fn a_writer_on_a_server_that_takes_no_writes_looks_for_another() {
    on_server(|db, source| {
        let one = Db::open_source(source, &PostgresOptions { workers: 1, ..postgres_options() }).unwrap();
        let turned = one.write(|tx| -> Result<(), DbError> {
            tx.exec("SET LOCAL transaction_read_only = on", &[])?;
            tx.exec(INSERT, args![1_i64, "a"]).map(drop)
        });
        assert_eq!(turned, Err(DbError::Disconnected), "may succeed later: nothing was written");
        assert_eq!(insert(&one, 1), Ok(1), "on a new session");
        assert_eq!(count(db), 1);
    });
}
