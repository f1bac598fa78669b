//! What people must look at: equivocation, a broken ledger, a partner that is silent. Codes and references,
//! never content.

use mithaq_db::{Row, Tx, Value, args};
use mithaq_model::{ObjectId, OfficerId, Timestamp};

use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, change_one, id, insert_new, opt_id, time};

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Number, random or derived from the cause, so that one cause rings once.
    pub id: [u8; 16],
    /// Code, for example `lane.equivocation`.
    pub kind: String,
    /// What it is about, as people read it.
    pub reference: String,
    /// The object it is about, if it is about one: people wrote it and decided on it.
    pub object: Option<ObjectId>,
    /// When.
    pub at: Timestamp,
}

/// Raises an alarm; `false` when it was raised before.
///
/// # Errors
/// When the engine refuses.
pub fn raise(tx: &mut dyn Tx, alarm: &Alarm) -> Result<bool, StoreError> {
    let raised = insert_new(tx, &format!("{INSERT} ON CONFLICT DO NOTHING"), &row(alarm), "alarm");
    match raised {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Raises an alarm, and again one of the same cause that somebody has seen to: what happens anew is not silenced by what
/// was said about the last time. `false` while it is open.
///
/// # Errors
/// When the engine refuses.
pub fn ring(tx: &mut dyn Tx, alarm: &Alarm) -> Result<bool, StoreError> {
    let sql = format!(
        "{INSERT} ON CONFLICT (id) DO UPDATE SET at = excluded.at, seen_at = NULL, seen_by = NULL
         WHERE alarm.seen_at IS NOT NULL"
    );
    Ok(tx.exec(&sql, &row(alarm))? > 0)
}

/// Notes who saw to an alarm.
///
/// # Errors
/// [`StoreError::Missing`] when it is not open.
pub fn acknowledge(
    tx: &mut dyn Tx,
    alarm: &[u8; 16],
    by: OfficerId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE alarm SET seen_at = $2, seen_by = $3 WHERE id = $1 AND seen_at IS NULL";
    change_one(tx, sql, &[Value::from(alarm), time(at), id(by)], "open alarm")
}

/// An alarm, and who saw to it when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// The alarm.
    pub alarm: Alarm,
    /// None while it is open.
    pub seen: Option<(OfficerId, Timestamp)>,
}

const COLUMNS: &str = "SELECT id, kind, reference, at, seen_by, seen_at, object FROM alarm";
const INSERT: &str = "INSERT INTO alarm (id, kind, reference, at, object) VALUES ($1, $2, $3, $4, $5)";

/// Returns an alarm.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn get(tx: &mut dyn Tx, alarm: &[u8; 16]) -> Result<Option<Rung>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE id = $1"), &[Value::from(alarm)])?;
    row.map(|row| read(&row)).transpose()
}

/// Returns the alarms nobody has seen to yet, oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn open(tx: &mut dyn Tx, limit: u32) -> Result<Vec<Alarm>, StoreError> {
    let sql = format!("{COLUMNS} WHERE seen_at IS NULL ORDER BY at, id LIMIT $1");
    let rows = tx.query(&sql, args![limit.min(PAGE_MAX)])?;
    rows.iter().map(|row| Ok(read(row)?.alarm)).collect()
}

/// Returns the newest alarms, also those somebody has seen to, newest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn newest(tx: &mut dyn Tx, limit: u32) -> Result<Vec<Rung>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY at DESC, id LIMIT $1");
    tx.query(&sql, args![limit.min(PAGE_MAX)])?.iter().map(read).collect()
}

fn row(alarm: &Alarm) -> [Value; 5] {
    [
        Value::from(&alarm.id),
        Value::from(alarm.kind.as_str()),
        Value::from(alarm.reference.as_str()),
        time(alarm.at),
        opt_id(alarm.object),
    ]
}

fn read(row: &Row) -> Result<Rung, StoreError> {
    let of = Of("alarm");
    let alarm = Alarm {
        id: row.array(0)?,
        kind: row.text(1)?.to_owned(),
        reference: row.text(2)?.to_owned(),
        object: of.opt_id(row, 6)?,
        at: of.time(row, 3)?,
    };
    Ok(Rung { alarm, seen: of.opt_id(row, 4)?.zip(of.opt_time(row, 5)?) })
}
