//! Own reports on their way out: many at once, as one call releases them and one answer acknowledges them.

use mithaq_db::{Tx, Value};
use mithaq_model::{ReportId, ReportState, Timestamp};

use super::{EDIT, NewVersion, SET_STATE, edit_columns, record};
use crate::sql::{id, time};
use crate::vault::{ERASE_KEY, key_columns};
use crate::{StoreError, Vault};

/// A draft on its way out, as it was read.
#[derive(Debug)]
pub struct Leaving<'a> {
    /// Number of the report.
    pub id: ReportId,
    /// The edit it was read at.
    pub revision: u32,
    /// The state it was read in.
    pub from: ReportState,
    /// The sealed bytes.
    pub sealed: NewVersion<'a>,
}

/// Releases drafts: the sealed bytes take the place of the draft, whose key goes, and the state becomes *released*.
///
/// # Errors
/// [`StoreError::Conflict`] when one of them is no draft any more, was edited since it was read, or has another state; or
/// stands there twice.
pub fn release(tx: &mut dyn Tx, vault: &Vault, leaving: &[Leaving<'_>]) -> Result<(), StoreError> {
    let (mut versions, mut states, mut old, mut keys) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Leaving { id: number, revision, from, sealed: new } in leaving {
        let next = revision.checked_add(1).ok_or(StoreError::Limit { what: "number of edits" })?;
        let sealed = vault.seal(&record(number, new.version, next), new.content)?;
        versions.push(edit_columns((*number, *revision), new, sealed.content));
        let to = ReportState::Released;
        states.push(vec![id(*number), Value::from(from.code()), Value::from(to.code()), time(new.at)]);
        old.push(key_columns(&record(number, new.version, *revision))?);
        keys.push(sealed.key);
    }
    change_all(tx, EDIT, &versions, "draft")?;
    change_all(tx, SET_STATE, &states, "report")?;
    tx.exec_many(ERASE_KEY, &old)?;
    Vault::put_keys(tx, &keys)
}

/// Changes exactly one row per list of values.
fn change_all(tx: &mut dyn Tx, sql: &str, rows: &[Vec<Value>], what: &'static str) -> Result<(), StoreError> {
    let changed = tx.exec_many(sql, rows)?;
    if usize::try_from(changed) == Ok(rows.len()) { Ok(()) } else { Err(StoreError::Conflict { what }) }
}

/// Notes of released reports that a partner accepted them. What is in another state by now stays as it is.
///
/// # Errors
/// When the engine refuses.
pub fn acknowledge(tx: &mut dyn Tx, numbers: &[ReportId], at: Timestamp) -> Result<(), StoreError> {
    let (from, to) = (ReportState::Released.code(), ReportState::Acknowledged.code());
    let row = |number: &ReportId| vec![id(*number), Value::from(from), Value::from(to), time(at)];
    let rows: Vec<_> = numbers.iter().map(row).collect();
    tx.exec_many(SET_STATE, &rows)?;
    Ok(())
}
