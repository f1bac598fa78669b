//! What both engines promise; every test here runs on each engine at hand.

mod crash;
mod durability;
mod executor;
mod migrations;
mod postgres;
mod queueing;
mod sqlite;
mod statements;

use crate::testing::{TestDatabase, databases};
use crate::{Db, DbError, Engine};

/// Runs a test on a fresh database of each engine, with the tables it uses.
fn on_each(test: impl Fn(&TestDatabase)) {
    for database in databases().unwrap() {
        make_tables(database.db());
        test(&database);
    }
}

fn make_tables(db: &Db) {
    let (bytes, strict) = match db.engine() {
        Engine::Postgres => ("BYTEA", ""),
        Engine::Sqlite => ("BLOB", " STRICT"),
    };
    let int = match db.engine() {
        Engine::Postgres => "BIGINT",
        Engine::Sqlite => "INTEGER",
    };
    let tables = [
        format!(
            "CREATE TABLE item (id {int} NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, body {bytes}, \
             size {int} CHECK (size >= 0)){strict}"
        ),
        format!("CREATE TABLE part (item {int} NOT NULL REFERENCES item (id)){strict}"),
        format!(
            "CREATE TABLE late (item {int} NOT NULL REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED){strict}"
        ),
    ];
    db.write(move |tx| -> Result<(), DbError> {
        tables.iter().try_for_each(|table| tx.exec(table, &[]).map(drop))
    })
    .unwrap();
}

fn insert(db: &Db, id: i64) -> Result<u64, DbError> {
    db.write(move |tx| tx.exec(INSERT, crate::args![id, format!("n{id}")]))
}

const INSERT: &str = "INSERT INTO item (id, name) VALUES ($1, $2)";

fn count(db: &Db) -> i64 {
    db.read(|tx| tx.query_one("SELECT COUNT(*) FROM item", &[])?.int(0)).unwrap()
}
