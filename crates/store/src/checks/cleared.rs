//! "Not that person" (limit L18): a subject of this node and one of a partner were compared, and are two people. The pair is
//! named by the handle both sides had for it, which says nothing to anybody else.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{AgreementId, ObjectId, PartyId, SubjectId, Timestamp};

use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, agreement, id, time};

const OF: Of = Of("check_cleared");
const COLUMNS: &str = "SELECT subject, handle, facts FROM check_cleared";

/// A subject that was compared with a partner's, and is another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotThatPerson {
    /// This node's subject.
    pub subject: SubjectId,
    /// The handle of the candidate that was rejected.
    pub handle: ObjectId,
    /// What was known of the subject then, blind ([`crate::Vault::term`]): with other facts people compare again.
    pub facts: [u8; 16],
}

/// Keeps that a candidate was rejected; again changes nothing.
///
/// # Errors
/// When the engine refuses.
pub fn add_cleared(
    tx: &mut dyn Tx,
    one: &NotThatPerson,
    (of, partner): (&AgreementId, &PartyId),
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO check_cleared (handle, subject, agreement, partner, facts, until_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &[
            id(one.handle),
            id(one.subject),
            agreement(of),
            Value::from(partner.as_str()),
            Value::from(one.facts),
            time(until),
        ],
    )?;
    Ok(())
}

/// Returns what a subject was cleared of with a partner, as long as it stands.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn cleared_of(
    tx: &mut dyn Tx,
    subject: SubjectId,
    (of, partner): (&AgreementId, &PartyId),
    now: Timestamp,
) -> Result<Vec<NotThatPerson>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE subject = $1 AND agreement = $2 AND partner = $3 AND until_at > $4 ORDER BY handle LIMIT $5"
    );
    let args = [id(subject), agreement(of), Value::from(partner.as_str()), time(now), Value::from(PAGE_MAX)];
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Returns which subject a partner's handle stands for, as long as it stands.
///
/// # Errors
/// As [`cleared_of`].
pub fn cleared_as(
    tx: &mut dyn Tx,
    handle: ObjectId,
    (of, partner): (&AgreementId, &PartyId),
    now: Timestamp,
) -> Result<Option<NotThatPerson>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE handle = $1 AND agreement = $2 AND partner = $3 AND until_at > $4 ORDER BY subject LIMIT 1"
    );
    let args = [id(handle), agreement(of), Value::from(partner.as_str()), time(now)];
    tx.query_opt(&sql, &args)?.map(|row| read(&row)).transpose()
}

/// Forgets what does not stand any more.
///
/// # Errors
/// When the engine refuses.
pub fn forget_cleared(tx: &mut dyn Tx, now: Timestamp) -> Result<u64, StoreError> {
    Ok(tx.exec("DELETE FROM check_cleared WHERE until_at <= $1", &[time(now)])?)
}

/// Forgets what one subject was cleared of, in whatever question, and returns how many pairs that were.
///
/// # Errors
/// When the engine refuses.
pub fn forget_cleared_of(tx: &mut dyn Tx, subject: SubjectId) -> Result<u64, StoreError> {
    Ok(tx.exec("DELETE FROM check_cleared WHERE subject = $1", &[id(subject)])?)
}

/// Forgets what erased subjects were cleared of. `subjects`: one number in each row.
///
/// # Errors
/// When the engine refuses.
pub(crate) fn erase_cleared_of(tx: &mut dyn Tx, subjects: &[Vec<Value>]) -> Result<(), StoreError> {
    tx.exec_many("DELETE FROM check_cleared WHERE subject = $1", subjects)?;
    Ok(())
}

fn read(row: &Row) -> Result<NotThatPerson, StoreError> {
    Ok(NotThatPerson {
        subject: OF.id(row, 0)?,
        handle: OF.id(row, 1)?,
        facts: row.array(2).map_err(|_shape| OF.broken())?,
    })
}
