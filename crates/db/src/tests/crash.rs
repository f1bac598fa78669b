//! A process that is killed loses nothing it had acknowledged, and leaves no lock behind.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::{INSERT, make_tables};
use crate::{Db, DbError, SqliteOptions, Tx, args};

const CHILD: &str = "MITHAQ_DB_TEST_CHILD";

/// Not a test of its own: what the killed process does. Ends at once unless it is one.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let db = Db::open_sqlite(path, SqliteOptions::default()).unwrap();
    make_tables(&db);
    let threads: Vec<_> = (0..4_i64)
        .map(|t| {
            let db = db.clone();
            std::thread::spawn(move || {
                for id in (t..).step_by(4) {
                    super::insert(&db, id).unwrap();
                    // One call, so that lines of different threads do not mix.
                    std::io::stdout().write_all(format!("\nack {id}\n").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("killed.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::child", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let ids = |line: std::io::Result<String>| line.ok()?.strip_prefix("ack ")?.parse::<i64>().ok();
    let mut lines = output.lines().filter_map(ids);
    let mut acknowledged: BTreeSet<i64> = lines.by_ref().take(300).collect();
    assert_eq!(acknowledged.len(), 300);
    let locked = Db::open_sqlite(&path, SqliteOptions::default());
    assert_eq!(locked.err(), Some(DbError::Locked), "by the other process");
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(lines);
    let db = Db::open_sqlite(&path, SqliteOptions::default()).unwrap();
    let rows = db.read(|tx| tx.query("SELECT id FROM item", &[])).unwrap();
    let stored: BTreeSet<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[derive(Clone, Copy, Debug)]
enum Plan {
    Keep,
    Fail,
    Panic,
    Hide,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever jobs come together, exactly those told `Ok` are stored.
    #[test]
    fn stored_is_what_was_acknowledged(
        plans in prop::collection::vec(
            (0_i64..20, prop_oneof![4 => Just(Plan::Keep), 1 => Just(Plan::Fail), 1 => Just(Plan::Panic), 1 => Just(Plan::Hide)]),
            1..60,
        ),
        group_jobs_max in 1_usize..9,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions { group_jobs_max, readers: 1, ..SqliteOptions::default() };
        let db = Db::open_sqlite(directory.path().join("a.db"), options).unwrap();
        make_tables(&db);
        let (sender, receiver) = std::sync::mpsc::channel();
        let release = super::durability::hold(&db);
        for (at, (id, plan)) in plans.iter().copied().enumerate() {
            let sender = sender.clone();
            let job = move |tx: &mut dyn Tx| -> Result<(), DbError> {
                let done = tx.exec(INSERT, args![id, format!("j{at}")]);
                match plan {
                    Plan::Keep => done.map(drop),
                    Plan::Fail => Err(DbError::NoRow),
                    Plan::Panic => panic!("on purpose"),
                    Plan::Hide => Ok(()),
                }
            };
            db.submit_write(job, move |result| sender.send((at, result)).unwrap());
        }
        drop((release, sender));
        let told: BTreeSet<String> =
            receiver.iter().filter(|(_, result)| result.is_ok()).map(|(at, _)| format!("j{at}")).collect();
        let rows = db.read(|tx| tx.query("SELECT name FROM item", &[])).unwrap();
        let stored: BTreeSet<String> = rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect();
        prop_assert_eq!(told, stored);
    }
}
