//! Forward only, once, and never over a stranger's tables.

use crate::testing::databases;
use crate::{DbError, Migrated, Migration, MigrationError};

const FIRST: Migration = Migration {
    version: 1,
    name: "first",
    sqlite: "CREATE TABLE a (id BIGINT); CREATE INDEX a_id ON a (id);",
    postgres: "CREATE TABLE a (id BIGINT); CREATE INDEX a_id ON a (id);",
};
const SECOND: Migration = Migration {
    version: 2,
    name: "second",
    sqlite: "CREATE TABLE b (id BIGINT)",
    postgres: "CREATE TABLE b (id BIGINT)",
};
const BROKEN: Migration = Migration {
    version: 2,
    name: "broken",
    sqlite: "CREATE TABLE c (id BIGINT); CREATE TABEL d",
    postgres: "CREATE TABLE c (id BIGINT); CREATE TABEL d",
};

fn on_each(test: impl Fn(&crate::Db)) {
    databases().unwrap().iter().for_each(|database| test(database.db()));
}

#[test]
fn each_migration_runs_once() {
    on_each(|db| {
        assert_eq!(db.migrate(&[FIRST]), Ok(Migrated { from: 0, to: 1 }));
        assert_eq!(db.migrate(&[FIRST, SECOND]), Ok(Migrated { from: 1, to: 2 }));
        assert_eq!(db.migrate(&[FIRST, SECOND]), Ok(Migrated { from: 2, to: 2 }));
        let rows = db.read(|tx| tx.query("SELECT id FROM a UNION ALL SELECT id FROM b", &[]));
        assert_eq!(rows, Ok(vec![]));
    });
}

#[test]
fn changed_newer_and_missing_are_refused() {
    on_each(|db| {
        db.migrate(&[FIRST, SECOND]).unwrap();
        let changed = Migration {
            sqlite: "CREATE TABLE z (id BIGINT)",
            postgres: "CREATE TABLE z (id BIGINT)",
            ..FIRST
        };
        assert_eq!(db.migrate(&[changed, SECOND]), Err(MigrationError::Changed { version: 1 }));
        let newer = db.migrate(&[FIRST]).unwrap_err();
        assert_eq!(newer, MigrationError::Newer { found: 2, known: 1 });
        assert!(newer.to_string().contains("start a program at least as new"), "it says what to do: {newer}");
        assert_eq!(db.migrate(&[FIRST, SECOND]).unwrap().from, 2, "nothing was changed");
        assert_eq!(db.migrate(&[SECOND]), Err(MigrationError::Gap { expected: 1 }));
        assert_eq!(db.migrate(&[FIRST, FIRST]), Err(MigrationError::Gap { expected: 2 }));
    });
}

#[test]
fn a_failing_script_leaves_nothing_behind() {
    on_each(|db| {
        let failed = db.migrate(&[FIRST, BROKEN]);
        assert!(
            matches!(&failed, Err(MigrationError::Failed { version: 2, error: DbError::Sql(_) })),
            "{failed:?}"
        );
        assert_eq!(db.migrate(&[FIRST, SECOND]), Ok(Migrated { from: 0, to: 2 }));
    });
}

#[test]
fn two_runners_at_once_agree() {
    on_each(|db| {
        let runners: Vec<_> = (0..4)
            .map(|_| {
                let db = db.clone();
                std::thread::spawn(move || db.migrate(&[FIRST, SECOND]).unwrap())
            })
            .collect();
        let ran: Vec<_> = runners.into_iter().map(|runner| runner.join().unwrap().from).collect();
        assert_eq!(ran.iter().filter(|from| **from == 0).count(), 1, "{ran:?}");
    });
}
