//! Reads the tables of nodes that no longer run: what was sent, decided and signed for, and when. Counts and times
//! only; whether the promises were kept is for `check`.

use mithaq_db::{Db, DbError, Row};

use crate::fleet::Node;
use crate::ui::{Exit, Failure};

/// Opens the database of a node that does not run.
pub(super) fn open(node: &Node) -> Result<Db, Failure> {
    let config = mithaq_node::config::Config::load(&node.directory).map_err(anyhow::Error::from)?;
    Ok(mithaq_node::setup::open_database(&node.directory, &config)?)
}

pub(super) fn unreadable(error: DbError) -> Failure {
    Failure::new(Exit::Failed, "bench.tables", format!("the tables of a node cannot be read: {error}"))
}

/// All rows of a query.
pub(super) fn rows(db: &Db, sql: &'static str) -> Result<Vec<Row>, Failure> {
    db.read(move |tx| tx.query(sql, &[])).map_err(unreadable)
}

/// The one number a query answers with.
pub(super) fn number(db: &Db, sql: &'static str) -> Result<u64, Failure> {
    let row = db.read(move |tx| tx.query_one(sql, &[])).map_err(unreadable)?;
    row.unsigned(0).map_err(unreadable)
}

/// When the receipt for each accepted report was stored by its sender: number of the report, time in
/// milliseconds by its clock, taken inside of the transaction that stores it.
pub(super) fn receipted(db: &Db) -> Result<Vec<([u8; 16], i64)>, Failure> {
    let sql = "SELECT o.object, r.at FROM outbox o
               JOIN receipt_batch r ON r.lane = o.lane AND r.id = o.receipt
               WHERE o.kind = 'report' AND o.state = 'decided' AND o.verdict = 'accepted'";
    let read = |row: &Row| {
        let object = row.bytes(0).map_err(unreadable)?.try_into().unwrap_or_default();
        Ok((object, row.int(1).map_err(unreadable)?))
    };
    rows(db, sql)?.iter().map(read).collect()
}

/// All rows of a query that was put together.
pub(super) fn some(db: &Db, sql: &str) -> Result<Vec<Row>, Failure> {
    let sql = sql.to_owned();
    db.read(move |tx| tx.query(&sql, &[])).map_err(unreadable)
}

/// Entries of a kind in the log.
pub(super) fn logged(db: &Db, kind: &str) -> Result<u64, Failure> {
    let entries = rows(db, "SELECT entry FROM ledger_entry ORDER BY log, idx")?;
    let mut count = 0;
    for row in &entries {
        let bytes = row.bytes(0).map_err(unreadable)?;
        let entry = mithaq_ledger::Entry::parse(bytes).map_err(|_damaged| {
            Failure::new(Exit::Failed, "bench.tables", "an entry of the log is damaged")
        })?;
        count += u64::from(entry.kind.as_str() == kind);
    }
    Ok(count)
}
