//! What people must look at: equivocation, a broken ledger, a partner that is silent. Codes and references,
//! never content.

use mithaq_db::{Tx, Value, args};
use mithaq_model::{OfficerId, Timestamp};

use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, change_one, id, insert_new, time};

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Number, random or derived from the cause, so that one cause rings once.
    pub id: [u8; 16],
    /// Code, for example `lane.equivocation`.
    pub kind: String,
    /// Reference to what it is about.
    pub reference: String,
    /// When.
    pub at: Timestamp,
}

/// Raises an alarm; `false` when it was raised before.
///
/// # Errors
/// When the engine refuses.
pub fn raise(tx: &mut dyn Tx, alarm: &Alarm) -> Result<bool, StoreError> {
    let raised = insert_new(
        tx,
        "INSERT INTO alarm (id, kind, reference, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        args![alarm.id, alarm.kind.as_str(), alarm.reference.as_str(), alarm.at.as_millis()],
        "alarm",
    );
    match raised {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Notes who saw an alarm.
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

/// Returns the alarms nobody has seen yet, oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn open(tx: &mut dyn Tx, limit: u32) -> Result<Vec<Alarm>, StoreError> {
    let sql = "SELECT id, kind, reference, at FROM alarm WHERE seen_at IS NULL ORDER BY at, id LIMIT $1";
    let rows = tx.query(sql, args![limit.min(PAGE_MAX)])?;
    rows.iter()
        .map(|row| {
            Ok(Alarm {
                id: row.array(0)?,
                kind: row.text(1)?.to_owned(),
                reference: row.text(2)?.to_owned(),
                at: Of("alarm").time(row, 3)?,
            })
        })
        .collect()
}
