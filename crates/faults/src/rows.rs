//! Rows of two tables and a counter, written in one job: all of it or nothing.
//!
//! Tests what `db` promises: an answer of success is durable, a refusal wrote nothing, jobs that
//! share a commit do not share a fate, and after any power cut the file opens by itself.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use mithaq_db::{Db, DbError, SqliteOptions, Tx, args};
use sha2::{Digest, Sha256};

use crate::disk::{Image, watch};
use crate::run::{Books, Plan, Tally, jobs, numbers};
use crate::shim::Installed;

const TABLES: [&str; 4] = [
    "CREATE TABLE mark (id BIGINT PRIMARY KEY, body BLOB NOT NULL) STRICT",
    "CREATE TABLE pair (id BIGINT PRIMARY KEY, body BLOB NOT NULL) STRICT",
    "CREATE TABLE total (id BIGINT PRIMARY KEY, number BIGINT NOT NULL) STRICT",
    "INSERT INTO total (id, number) VALUES (1, 0)",
];
/// Every so many jobs the log is moved into the file, which is the other moment that can tear.
const CHECKPOINT_EVERY: u64 = 17;

/// Runs one seed and judges every image.
///
/// # Errors
/// What was promised and not found, with the operation at which the power failed.
pub fn run(layer: Installed, seed: u64) -> Result<Tally> {
    run_with(layer, seed, SqliteOptions::default())
}

/// As [`run`], with other options of the database: with those that do not flush, it must fail.
///
/// # Errors
/// As [`run`].
pub fn run_with(layer: Installed, seed: u64, options: SqliteOptions) -> Result<Tally> {
    let directory = tempfile::tempdir()?;
    let watch = watch(layer, directory.path(), seed)?;
    let db = Db::open_sqlite(directory.path().join("rows.db"), options)?;
    db.write(|tx: &mut dyn Tx| -> Result<(), DbError> {
        TABLES.iter().try_for_each(|text| tx.exec(&text.replace("BIGINT", "INTEGER"), args![]).map(drop))
    })?;
    Plan::new(seed).arm(&watch);
    let books = jobs(&watch, |number| {
        if number % CHECKPOINT_EVERY == 0 {
            // A reader may hold it up; that is not what is tested here.
            drop(db.checkpoint());
        }
        db.write(move |tx: &mut dyn Tx| add(tx, number))
    });
    watch.cut();
    db.close();
    let images = watch.images();
    for image in &images {
        judge(image, &books).with_context(|| format!("power cut at operation {}", image.operation))?;
    }
    Ok(books.tally(&watch, images.len()))
}

fn body(number: u64) -> Vec<u8> {
    // Several pages at times, so that one job is many writes.
    let length = usize::try_from(number % 7 * 1_500 + 32).unwrap_or(32);
    Sha256::digest(number.to_be_bytes()).iter().copied().cycle().take(length).collect()
}

fn add(tx: &mut dyn Tx, number: u64) -> Result<(), DbError> {
    let id = i64::try_from(number).map_err(|_large| DbError::Type)?;
    tx.exec("INSERT INTO mark (id, body) VALUES ($1, $2)", args![id, body(number)])?;
    tx.exec("UPDATE total SET number = number + 1 WHERE id = 1", args![])?;
    tx.exec("INSERT INTO pair (id, body) VALUES ($1, $2)", args![id, body(number)])?;
    Ok(())
}

fn judge(image: &Image, books: &Books) -> Result<()> {
    let directory = tempfile::tempdir()?;
    image.restore(directory.path())?;
    let path = directory.path().join("rows.db");
    let found = read(&path)?;
    for number in numbers() {
        let (mark, pair) = (found.mark.contains(&number), found.pair.contains(&number));
        ensure!(mark == pair, "half of job {number} is there");
        ensure!(mark || !image.acknowledged.contains(&number), "job {number} was acknowledged and is lost");
        ensure!(!mark || !books.is_refused(number), "job {number} was refused and is there");
    }
    ensure!(found.total == found.mark.len(), "the counter says {}, not {}", found.total, found.mark.len());
    sound(&path)
}

struct Found {
    mark: Vec<u64>,
    pair: Vec<u64>,
    total: usize,
}

fn read(path: &Path) -> Result<Found> {
    let db = Db::open_sqlite(path, SqliteOptions::default()).context("the file does not open")?;
    let found = db.read(|tx: &mut dyn Tx| -> Result<Option<Found>, DbError> {
        let mut lists = Vec::new();
        for text in ["SELECT id, body FROM mark ORDER BY id", "SELECT id, body FROM pair ORDER BY id"] {
            let mut list = Vec::new();
            for row in tx.query(text, args![])? {
                let number = row.unsigned(0)?;
                if row.bytes(1)? != body(number).as_slice() {
                    return Ok(None);
                }
                list.push(number);
            }
            lists.push(list);
        }
        let total = tx.query_one("SELECT number FROM total WHERE id = 1", args![])?.unsigned(0)?;
        let total = usize::try_from(total).map_err(|_large| DbError::Type)?;
        let [mark, pair] = <[Vec<u64>; 2]>::try_from(lists).map_err(|_few| DbError::Type)?;
        Ok(Some(Found { mark, pair, total }))
    })?;
    db.close();
    match found {
        Some(found) => Ok(found),
        None => bail!("a row holds other bytes than were written"),
    }
}

/// SQLite's own opinion of the file.
pub(crate) fn sound(path: &Path) -> Result<()> {
    let connection = rusqlite::Connection::open(path)?;
    let words: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(words == "ok", "the file is damaged: {words}");
    Ok(())
}
