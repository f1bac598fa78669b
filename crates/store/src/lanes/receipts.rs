//! Receipt batches, byte for byte as they were signed: those this node signed for what it took, and those of
//! partners for what it sent. A duplicate is answered with the bytes stored here, never with new ones.

use mithaq_db::{Tx, Value};
use mithaq_exchange::ReceiptRow;
use mithaq_model::Timestamp;
use mithaq_wire::Digest;

use super::LaneKey;
use crate::StoreError;
use crate::sql::{Of, sha256, time};

const OF: Of = Of("receipt_batch");

/// Stores receipts of one lane. One that is there already stays: its number is its hash.
///
/// # Errors
/// [`StoreError::Integrity`] when a number is not the hash of the bytes.
pub fn add_receipts(
    tx: &mut dyn Tx,
    lane: LaneKey,
    receipts: &[ReceiptRow],
    at: Timestamp,
) -> Result<(), StoreError> {
    if receipts.iter().any(|receipt| sha256(&receipt.bytes) != receipt.id) {
        return Err(OF.broken());
    }
    let row = |receipt: &ReceiptRow| {
        vec![lane.value(), Value::from(receipt.id.0), time(at), Value::from(receipt.bytes.as_slice())]
    };
    let rows: Vec<_> = receipts.iter().map(row).collect();
    tx.exec_many(
        "INSERT INTO receipt_batch (lane, id, at, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &rows,
    )?;
    Ok(())
}

/// Returns a receipt, byte for byte.
///
/// # Errors
/// [`StoreError::Integrity`] when the bytes are not those of that number.
pub fn receipt(tx: &mut dyn Tx, lane: LaneKey, id: Digest) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM receipt_batch WHERE lane = $1 AND id = $2";
    let Some(mut row) = tx.query_opt(sql, &[lane.value(), Value::from(id.0)])? else { return Ok(None) };
    let bytes = row.take_bytes(0)?;
    if sha256(&bytes) == id { Ok(Some(bytes)) } else { Err(OF.broken()) }
}
