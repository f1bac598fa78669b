//! The written reasons people gave when they looked at a person or asked about one, kept for a while so that another
//! person can look at some of them, drawn at random. The reason is encrypted under a key of its own.
//!
//! Which are drawn, and who may judge them, is `app`'s question.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{CaseId, ObjectId, OfficerId, Purpose, Text, Timestamp};

use crate::sql::{Of, PAGE_MAX, change_one, id, pack, text_of, text_parts, time, unpack};
use crate::vault::{Kind, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("justification");
/// What waits to be judged: drawn, or alike the officer's own name.
const OPEN: &str = "(drawn_at IS NOT NULL OR likeness IS NOT NULL) AND finding IS NULL";

/// One reason with what was done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Justification {
    /// Number.
    pub id: ObjectId,
    /// Who gave it.
    pub officer: OfficerId,
    /// In which case.
    pub case: CaseId,
    /// For what.
    pub purpose: Purpose,
    /// What was done, the kind of its entry, for example `subject.read`.
    pub did: String,
    /// To what.
    pub object: ObjectId,
    /// When.
    pub at: Timestamp,
    /// `self` or `family` where the person asked about has the officer's own name.
    pub likeness: Option<String>,
}

fn record(id: &ObjectId) -> Record<'_> {
    Record { kind: Kind::Justification, id: id.as_bytes(), version: 1 }
}

/// Keeps a reason.
///
/// # Errors
/// When the engine refuses.
pub fn add(tx: &mut dyn Tx, vault: &Vault, one: &Justification, reason: &Text) -> Result<(), StoreError> {
    let [lang, text] = text_parts(reason);
    let sealed = vault.seal(&record(&one.id), &pack(&[&lang, &text])?)?;
    tx.exec(
        "INSERT INTO justification (id, officer, case_id, purpose, did, object, at, likeness, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            id(one.id),
            id(one.officer),
            id(one.case),
            Value::from(one.purpose.code()),
            Value::from(one.did.as_str()),
            id(one.object),
            time(one.at),
            Value::from(one.likeness.as_deref()),
            Value::from(sealed.content),
        ],
    )?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns the numbers of what may be drawn: given since a time by other people, not drawn and not waiting anyway; the
/// newest, at most `limit`.
///
/// # Errors
/// When the engine refuses.
pub fn pool(
    tx: &mut dyn Tx,
    since: Timestamp,
    not_of: OfficerId,
    limit: u32,
) -> Result<Vec<ObjectId>, StoreError> {
    let sql = "SELECT id FROM justification WHERE at >= $1 AND officer <> $2 AND drawn_at IS NULL AND likeness IS NULL
         ORDER BY at DESC, id LIMIT $3";
    let rows = tx.query(sql, &[time(since), id(not_of), Value::from(limit)])?;
    rows.iter().map(|row| OF.id(row, 0)).collect()
}

/// Draws one.
///
/// # Errors
/// [`StoreError::Missing`] when it is gone or drawn already.
pub fn draw(tx: &mut dyn Tx, one: ObjectId, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE justification SET drawn_at = $2 WHERE id = $1 AND drawn_at IS NULL";
    change_one(tx, sql, &[id(one), time(at)], "justification")
}

/// Says whether a reason was given or judged by that person.
///
/// # Errors
/// When the engine refuses.
pub fn is_by(tx: &mut dyn Tx, one: ObjectId, officer: OfficerId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM justification WHERE id = $1 AND (officer = $2 OR judged_by = $2)";
    Ok(tx.query_opt(sql, &[id(one), id(officer)])?.is_some())
}

/// Returns what waits to be judged by somebody else than who gave it, the oldest first, each with its reason.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn open(
    tx: &mut dyn Tx,
    vault: &Vault,
    not_of: OfficerId,
    limit: u32,
) -> Result<Vec<(Justification, Text)>, StoreError> {
    let sql = format!(
        "SELECT j.id, j.officer, j.case_id, j.purpose, j.did, j.object, j.at, j.likeness, j.content, k.master, k.wrapped
         FROM justification j JOIN record_key k ON k.id = j.id AND k.kind = 24 AND k.version = 1
         WHERE {OPEN} AND j.officer <> $1 ORDER BY j.at, j.id LIMIT $2"
    );
    let rows = tx.query(&sql, &[id(not_of), Value::from(limit.min(PAGE_MAX))])?;
    rows.iter().map(|row| read(row, vault)).collect()
}

fn read(row: &Row, vault: &Vault) -> Result<(Justification, Text), StoreError> {
    let one = Justification {
        id: OF.id(row, 0)?,
        officer: OF.id(row, 1)?,
        case: OF.id(row, 2)?,
        purpose: OF.code(row, 3, Purpose::from_code)?,
        did: row.text(4)?.to_owned(),
        object: OF.id(row, 5)?,
        at: OF.time(row, 6)?,
        likeness: row.opt_text(7)?.map(ToOwned::to_owned),
    };
    let plain = vault.open_row(&record(&one.id), row, 8)?;
    let [lang, text] = unpack::<2>(&plain).ok_or(OF.broken())?;
    Ok((one, text_of(lang, text, OF)?))
}

/// Notes what somebody else found; returns case and purpose of what was judged.
///
/// # Errors
/// [`StoreError::Missing`] when nothing of that number waits for this person.
pub fn judge(
    tx: &mut dyn Tx,
    one: ObjectId,
    finding: &str,
    (by, at): (OfficerId, Timestamp),
) -> Result<(CaseId, Purpose), StoreError> {
    let sql = format!(
        "UPDATE justification SET finding = $2, judged_by = $3, judged_at = $4 WHERE id = $1 AND officer <> $3 AND {OPEN}"
    );
    change_one(tx, &sql, &[id(one), Value::from(finding), id(by), time(at)], "justification")?;
    let row = tx.query_opt("SELECT case_id, purpose FROM justification WHERE id = $1", &[id(one)])?;
    let row = row.ok_or(StoreError::Missing { what: "justification" })?;
    Ok((OF.id(&row, 0)?, OF.code(&row, 1, Purpose::from_code)?))
}

/// Erases what is older than a time, at most `limit`, with the reasons; returns how many.
///
/// # Errors
/// When the engine refuses.
pub fn erase_before(tx: &mut dyn Tx, time_limit: Timestamp, limit: u32) -> Result<usize, StoreError> {
    let rows = tx.query(
        "SELECT id FROM justification WHERE at < $1 ORDER BY at, id LIMIT $2",
        &[time(time_limit), Value::from(limit.min(PAGE_MAX))],
    )?;
    erase(tx, &rows)
}

/// Erases the reasons about an object: they may say what its content said.
///
/// # Errors
/// When the engine refuses.
pub fn erase_about(tx: &mut dyn Tx, object: ObjectId) -> Result<usize, StoreError> {
    let rows = tx.query("SELECT id FROM justification WHERE object = $1", &[id(object)])?;
    erase(tx, &rows)
}

/// The same for many, one row of arguments each.
pub(crate) fn erase_of(tx: &mut dyn Tx, objects: &[Vec<Value>]) -> Result<(), StoreError> {
    for rows in tx.query_many("SELECT id FROM justification WHERE object = $1", objects)? {
        erase(tx, &rows)?;
    }
    Ok(())
}

fn erase(tx: &mut dyn Tx, rows: &[Row]) -> Result<usize, StoreError> {
    for row in rows {
        let one: ObjectId = OF.id(row, 0)?;
        erase_keys(tx, Kind::Justification, &[one.as_bytes()])?;
        tx.exec("DELETE FROM justification WHERE id = $1", &[id(one)])?;
    }
    Ok(rows.len())
}
