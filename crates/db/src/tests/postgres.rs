//! What only a server does: hang up, lose a commit, quarrel over rows.

use super::{INSERT, count, insert, make_tables};
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
