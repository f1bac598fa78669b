//! Measures acknowledged small writes per second.
//!
//! `cargo run --release -p mithaq-db --example throughput -- node.db` for a fresh SQLite file,
//! or with PostgreSQL parameters (`host=… user=… dbname=…`) instead.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use mithaq_db::{Db, DbError, Engine, PostgresOptions, SqliteOptions, args};

const ROUND: Duration = Duration::from_secs(3);

fn main() -> Result<(), DbError> {
    let place = std::env::args().nth(1).unwrap_or_else(|| "throughput.db".to_owned());
    let db = if place.contains('=') || place.contains("://") {
        Db::open_postgres(&place, PostgresOptions::default())?
    } else {
        Db::open_sqlite(&place, SqliteOptions::default())?
    };
    let bytes = if db.engine() == Engine::Postgres { "BYTEA" } else { "BLOB" };
    let table = format!(
        "CREATE TABLE throughput (id BIGINT NOT NULL PRIMARY KEY, kind BIGINT NOT NULL, body {bytes})"
    );
    db.write(move |tx| tx.exec(&table, &[]))?;
    db.write(|tx| tx.exec("CREATE INDEX throughput_kind ON throughput (kind, id)", &[]))?;
    let mut next = 0;
    for threads in [1, 8, 64, 256] {
        report(&format!("{threads} threads waiting"), waiting(&db, threads, &mut next)?);
    }
    report("submitted, 1000 in flight", submitted(&db, 1000, &mut next)?);
    db.write(|tx| tx.exec("DROP TABLE throughput", &[]))?;
    Ok(())
}

fn report(what: &str, (count, took): (i64, Duration)) {
    let rate = u128::try_from(count).unwrap_or(0) * 1_000_000 / took.as_micros().max(1);
    println!("{what}: {rate} writes per second");
}

fn insert(db: &Db, id: i64) -> Result<u64, DbError> {
    db.write(move |tx| tx.exec(INSERT, args![id, id % 7, [0x5a_u8; 600]]))
}

const INSERT: &str = "INSERT INTO throughput (id, kind, body) VALUES ($1, $2, $3)";

fn waiting(db: &Db, threads: i64, next: &mut i64) -> Result<(i64, Duration), DbError> {
    let begun = Instant::now();
    let all: Vec<_> = (0..threads)
        .map(|t| {
            let (db, first) = (db.clone(), *next + t * 10_000_000);
            thread::spawn(move || -> Result<i64, DbError> {
                let mut done = 0;
                while begun.elapsed() < ROUND {
                    insert(&db, first + done)?;
                    done += 1;
                }
                Ok(done)
            })
        })
        .collect();
    let mut sum = 0;
    for thread in all {
        sum += thread.join().unwrap_or(Err(DbError::Panicked))?;
    }
    *next += threads * 10_000_000;
    Ok((sum, begun.elapsed()))
}

fn submitted(db: &Db, in_flight: usize, next: &mut i64) -> Result<(i64, Duration), DbError> {
    let (sender, receiver) = sync_channel(in_flight);
    let begun = Instant::now();
    let mut flying = 0;
    let mut done = 0;
    while begun.elapsed() < ROUND || flying > 0 {
        if flying < in_flight && begun.elapsed() < ROUND {
            let (id, sender) = (*next, sender.clone());
            let job = move |tx: &mut dyn mithaq_db::Tx| tx.exec(INSERT, args![id, id % 7, [0x5a_u8; 600]]);
            db.submit_write(job, move |result| drop(sender.send(result)));
            *next += 1;
            flying += 1;
        } else {
            receiver.recv().unwrap_or(Err(DbError::Closed))?;
            flying -= 1;
            done += 1;
        }
    }
    Ok((done, begun.elapsed()))
}
