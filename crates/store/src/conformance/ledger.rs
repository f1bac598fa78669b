use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mithaq_db::{DbError, Tx};
use mithaq_ledger::{Appender, Code, Entry, Id, MemoryTiles};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{Node, at, integrity, nodes};
use crate::StoreError;
use crate::ledger::{Append, Filter, Ledger, Rebuild};

pub(super) const ORIGIN: &str = "ma-security/log";

pub(super) fn entry<'a>(object: &'a str, case: Option<&'a str>, n: i64) -> Entry<'a> {
    let code = |text| Code::new(text).unwrap();
    Entry {
        case: case.map(|case| Id::new(case).unwrap()),
        ..Entry::new(code("report.read"), n, code("analyst"), Id::new(object).unwrap())
    }
}

pub(super) fn begin(node: &Node) -> Arc<Ledger> {
    Arc::new(node.write(|tx, _| Ledger::create(tx, 1, ORIGIN, at(1))).unwrap())
}

/// Appends `count` entries that begin with number `from`; fails the job afterwards if asked to.
pub(super) fn append(
    node: &Node,
    ledger: &Arc<Ledger>,
    from: i64,
    count: i64,
    fail: bool,
) -> Result<u64, StoreError> {
    let ledger = Arc::clone(ledger);
    node.write(move |tx, vault| {
        let objects: Vec<_> = (from..from + count).map(|n| format!("O-{n}")).collect();
        let entries: Vec<_> = objects
            .iter()
            .zip(from..)
            .map(|(object, n)| Append { entry: entry(object, None, n), salt: None })
            .collect();
        let positions = ledger.append(tx, vault, &entries)?;
        if fail { Err(StoreError::Tombstone) } else { Ok(positions.start) }
    })
}

pub(super) fn rebuilt(node: &Node, ledger: &Arc<Ledger>) -> Result<Rebuild, StoreError> {
    let mut rebuild = Rebuild::default();
    loop {
        let (ledger, mut part) = (Arc::clone(ledger), rebuild.clone());
        let (done, next) = node.read(move |tx, _| Ok((ledger.rebuild(tx, &mut part)?, part)))?;
        rebuild = next;
        if done {
            return Ok(rebuild);
        }
    }
}

/// Jobs that fail, other processes on the same log and restarts leave the log as if they had not been.
#[test]
fn a_failed_job_leaves_no_trace() {
    let (nodes, logs) = (nodes(), AtomicU32::new(1));
    let steps = prop::collection::vec((0..3_u8, 1..70_i64, any::<bool>()), 1..14);
    let mut runner = TestRunner::new(ProptestConfig { cases: 16, ..ProptestConfig::default() });
    runner
        .run(&steps, |steps| {
            // Each history in a log of its own: a database is dear to make.
            let log = logs.fetch_add(1, Ordering::Relaxed);
            for node in &nodes {
                node.write(move |tx, _| Ledger::create(tx, log, ORIGIN, at(1)).map(drop)).unwrap();
                one_history(node, &steps)?;
            }
            Ok(())
        })
        .unwrap();
}

fn one_history(node: &Node, steps: &[(u8, i64, bool)]) -> Result<(), TestCaseError> {
    let open = || Arc::new(node.read(|tx, _| Ledger::open(tx)).unwrap());
    let mut ledgers = [open(), open()];
    let (mut reference, mut tiles, mut size) = (Appender::new(), MemoryTiles::new(), 0_i64);
    for (who, count, fail) in steps {
        if *who == 2 {
            ledgers[0] = open();
        }
        let got = append(node, &ledgers[usize::from(*who) % 2], size, *count, *fail);
        if *fail {
            prop_assert_eq!(got, Err(StoreError::Tombstone));
            continue;
        }
        prop_assert_eq!(got, Ok(u64::try_from(size).unwrap()));
        let objects: Vec<_> = (size..size + count).map(|n| format!("O-{n}")).collect();
        let leaves: Vec<_> = objects.iter().zip(size..).map(|(o, n)| entry(o, None, n).encode()).collect();
        tiles.apply(reference.append(&leaves).unwrap());
        size += count;
    }
    let ledger = Arc::clone(&ledgers[1]);
    let head = node.write(move |tx, _| ledger.recheck(tx)).unwrap();
    prop_assert_eq!(head, (reference.size(), reference.root()));
    let rebuild = rebuilt(node, &ledgers[0]).unwrap();
    prop_assert_eq!((rebuild.size(), rebuild.root()), head);
    Ok(())
}

#[test]
fn a_panicking_job_and_a_restart_are_as_harmless() {
    for mut node in nodes() {
        let ledger = begin(&node);
        append(&node, &ledger, 0, 300, false).unwrap();
        let (panicking, vault) = (Arc::clone(&ledger), node.vault.clone());
        let broken = node.db().write(move |tx: &mut dyn Tx| -> Result<(), StoreError> {
            panicking.append(tx, &vault, &[Append { entry: entry("O-x", None, 1), salt: None }])?;
            panic!("as if the power had failed")
        });
        assert_eq!(broken, Err(StoreError::Db(DbError::Panicked)));
        node.database.reopen().unwrap();
        let ledger = Arc::new(node.read(|tx, _| Ledger::open(tx)).unwrap());
        assert_eq!(append(&node, &ledger, 300, 2_000, false), Ok(300));
        assert_eq!(rebuilt(&node, &ledger).unwrap().size(), 2_300);
    }
}

#[test]
fn writers_at_the_same_time_leave_no_gap() {
    for node in nodes() {
        let first = begin(&node);
        let second = Arc::new(node.read(|tx, _| Ledger::open(tx)).unwrap());
        std::thread::scope(|scope| {
            for ledger in [&first, &second, &first, &second] {
                let node = &node;
                scope.spawn(move || {
                    for n in 0..15 {
                        let _ = append(node, ledger, n, 7, n % 5 == 4);
                    }
                });
            }
        });
        let rebuild = rebuilt(&node, &first).unwrap();
        assert_eq!(rebuild.size(), 4 * 12 * 7);
        let head = node.write(move |tx, _| second.recheck(tx)).unwrap();
        assert_eq!((rebuild.size(), rebuild.root()), head);
    }
}

#[test]
fn entries_are_found_by_what_they_are_about() {
    for node in nodes() {
        let ledger = begin(&node);
        let writing = Arc::clone(&ledger);
        node.write(move |tx, vault| {
            let entries = [entry("O-1", Some("C-1"), 1), entry("O-2", Some("C-1"), 2), entry("O-1", None, 3)];
            writing.append(tx, vault, &entries.map(|entry| Append { entry, salt: None })).map(drop)
        })
        .unwrap();
        let found = |filter: Filter| {
            let ledger = Arc::clone(&ledger);
            let rows = node.read(move |tx, _| ledger.entries(tx, &filter, 0..u64::MAX)).unwrap();
            rows.into_iter().map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert_eq!(found(Filter::All), [0, 1, 2]);
        assert_eq!(found(Filter::Object("O-1".to_owned())), [0, 2]);
        assert_eq!(found(Filter::Case("C-1".to_owned())), [0, 1]);
        assert_eq!(found(Filter::Case("C-2".to_owned())), [0_u64; 0]);
        assert_eq!(found(Filter::Agreement(super::AGREEMENT)), [0_u64; 0]);
    }
}

#[test]
fn a_store_changed_by_hand_is_not_continued() {
    type Expected = fn(&StoreError) -> bool;
    let cases: [(&'static str, Expected); 4] = [
        ("UPDATE ledger_tile SET hashes = (SELECT entry FROM ledger_entry WHERE idx = 0)", integrity),
        ("DELETE FROM ledger_tile", integrity),
        ("UPDATE ledger_log SET state = (SELECT entry FROM ledger_entry WHERE idx = 0)", integrity),
        ("DELETE FROM ledger_log", |error| *error == StoreError::Missing { what: "log" }),
    ];
    for (sql, expected) in cases {
        for node in nodes() {
            let ledger = begin(&node);
            append(&node, &ledger, 0, 10, false).unwrap();
            node.tamper(sql);
            // The cache of this process may know better; a process that starts has only the store.
            let fresh = Arc::new(Ledger::open_numbered_for_test(&ledger));
            assert!(expected(&append(&node, &fresh, 10, 1, false).unwrap_err()), "{sql}");
            let checking = Arc::clone(&ledger);
            assert!(expected(&node.write(move |tx, _| checking.recheck(tx)).unwrap_err()), "{sql}");
        }
    }
}

#[test]
fn an_entry_changed_or_lost_is_seen_by_the_rebuild() {
    for sql in [
        "UPDATE ledger_entry SET object = 'O-77' WHERE idx = 3",
        "UPDATE ledger_entry SET case_ref = 'C-1' WHERE idx = 3",
        "UPDATE ledger_entry SET entry = (SELECT e.entry FROM ledger_entry e WHERE e.idx = 4),
         object = 'O-4' WHERE idx = 3",
        "DELETE FROM ledger_entry WHERE idx = 3",
        "DELETE FROM ledger_entry WHERE idx = 9",
    ] {
        for node in nodes() {
            let ledger = begin(&node);
            append(&node, &ledger, 0, 10, false).unwrap();
            assert_eq!(rebuilt(&node, &ledger).unwrap().size(), 10);
            node.tamper(sql);
            let seen = rebuilt(&node, &ledger);
            // A log that lost its end agrees with itself up to there: its size tells.
            assert!(seen.as_ref().map_or_else(integrity, |rebuild| rebuild.size() == 9), "{sql}: {seen:?}");
        }
    }
}

#[test]
fn no_log_begins_by_surprise_or_twice() {
    for node in nodes() {
        let none = node.read(|tx, _| Ledger::open(tx)).map(drop);
        assert_eq!(none, Err(StoreError::Missing { what: "log" }));
        begin(&node);
        let twice = node.write(|tx, _| Ledger::create(tx, 1, ORIGIN, at(1))).map(drop);
        assert_eq!(twice, Err(StoreError::Conflict { what: "log" }));
        let nameless = node.write(|tx, _| Ledger::create(tx, 2, "", at(1))).map(drop);
        assert_eq!(nameless, Err(StoreError::Limit { what: "origin" }));
    }
}
