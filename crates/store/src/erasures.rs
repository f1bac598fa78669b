//! Receipts of erasure (R4) that wait: written in the transaction that erases, signed and sent only once no file holds
//! what was erased. Until then the write-ahead log does, and a partner would have a signed word that is not so yet.

use mithaq_db::{Row, Tx, Value, args};
use mithaq_model::{AgreementId, ObjectId, PartyId, Timestamp};
use mithaq_wire::{LaterReceipts, decode_later_receipts, encode_later_receipts};
use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::sql::{Of, agreement, id, time};

const OF: Of = Of("erasure_receipt");
/// Most receipts that are looked at together.
const WAITING_MAX: u32 = 100_000;

/// Receipts that are owed for an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// To whom.
    pub recipient: PartyId,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// About which object.
    pub object: ObjectId,
    /// What will be signed.
    pub receipts: LaterReceipts,
}

/// One row, by the hash of what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwedKey([u8; 16]);

/// Notes receipts that are owed, in the transaction that erases. The same words twice are one row.
///
/// # Errors
/// When the engine refuses.
pub fn owe(tx: &mut dyn Tx, owed: &Owed, at: Timestamp) -> Result<(), StoreError> {
    let receipts = encode_later_receipts(&owed.receipts);
    let hash = Sha256::new()
        .chain_update(owed.agreement.as_bytes())
        .chain_update(owed.object.as_bytes())
        .chain_update(&receipts)
        .chain_update(owed.recipient.as_str())
        .finalize();
    let key: [u8; 16] = hash.first_chunk().copied().unwrap_or_default();
    tx.exec(
        "INSERT INTO erasure_receipt (id, at, recipient, agreement, object, receipts)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &[
            Value::from(key),
            time(at),
            Value::from(owed.recipient.as_str()),
            agreement(&owed.agreement),
            id(owed.object),
            Value::from(receipts),
        ],
    )?;
    Ok(())
}

/// Returns what waits, the longest first, at most 100,000.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn waiting(tx: &mut dyn Tx) -> Result<Vec<OwedKey>, StoreError> {
    let sql = "SELECT id FROM erasure_receipt ORDER BY at, id LIMIT $1";
    let rows = tx.query(sql, args![WAITING_MAX])?;
    rows.iter().map(|row| OF.array16(row, 0).map(OwedKey)).collect()
}

/// Counts what waits.
///
/// # Errors
/// When the engine refuses.
pub fn count(tx: &mut dyn Tx) -> Result<u64, StoreError> {
    Ok(tx.query_one("SELECT COUNT(*) FROM erasure_receipt", &[])?.unsigned(0)?)
}

/// Takes a row away to send what it says; none when another process was quicker.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn take(tx: &mut dyn Tx, key: OwedKey) -> Result<Option<Owed>, StoreError> {
    let sql = "SELECT recipient, agreement, object, receipts FROM erasure_receipt WHERE id = $1";
    let Some(row) = tx.query_opt(sql, args![key.0])? else { return Ok(None) };
    let taken = tx.exec("DELETE FROM erasure_receipt WHERE id = $1", args![key.0])?;
    if taken == 0 { Ok(None) } else { read(&row).map(Some) }
}

fn read(row: &Row) -> Result<Owed, StoreError> {
    Ok(Owed {
        recipient: OF.party(row, 0)?,
        agreement: OF.agreement(row, 1)?,
        object: OF.id(row, 2)?,
        receipts: decode_later_receipts(row.bytes(3)?).map_err(|_malformed| OF.broken())?,
    })
}
