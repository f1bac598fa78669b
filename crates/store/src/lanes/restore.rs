//! Lanes of a node that lost rows: which must begin an epoch before they send anything new, and what partners signed
//! for that this node no longer has. What is done about it is the protocol's (`docs/spec/exchange.md`, restore).

use mithaq_db::{Row, Tx, Value, args};
use mithaq_model::{PartyId, Timestamp};
use mithaq_wire::{Digest, LaneId, Position};

use super::{LaneKey, name, read_lane};
use crate::StoreError;
use crate::sql::{Of, int, time};

/// A message of this node that a partner signed for and this node has no row of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its place.
    pub at: Position,
    /// Hash of its envelope, as the partner signed.
    pub envelope: Digest,
    /// The partner's verdict, as [`super::verdict_code`] writes it.
    pub verdict: String,
    /// The receipt that says so.
    pub receipt: Digest,
}

/// Marks a lane as one that must begin an epoch. Marking it again changes nothing.
///
/// # Errors
/// When the engine refuses.
pub fn mark_restored(tx: &mut dyn Tx, lane: &LaneId, at: Timestamp) -> Result<(), StoreError> {
    name(tx, lane)?;
    let sql = "INSERT INTO lane_restore (lane, since) VALUES ($1, $2)
               ON CONFLICT (lane) DO UPDATE SET since = excluded.since, begun_at = NULL";
    tx.exec(sql, &[LaneKey::of(lane).value(), time(at)])?;
    Ok(())
}

/// Returns the lanes to or from a party that wait for their new epoch.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn restoring(tx: &mut dyn Tx, party: &PartyId) -> Result<Vec<LaneId>, StoreError> {
    let sql = "SELECT l.lane, l.from_party, l.to_party, l.agreement, l.class
               FROM lane_restore r JOIN lane l ON l.lane = r.lane
               WHERE r.begun_at IS NULL AND l.to_party = $1 ORDER BY l.lane LIMIT 1000";
    tx.query(sql, args![party.as_str()])?.iter().map(|row| read_lane(row, 0)).collect()
}

/// Whether a lane waits for its new epoch.
///
/// # Errors
/// When the engine refuses.
pub fn is_restoring(tx: &mut dyn Tx, lane: LaneKey) -> Result<bool, StoreError> {
    let sql = "SELECT since FROM lane_restore WHERE lane = $1 AND begun_at IS NULL";
    Ok(tx.query_opt(sql, &[lane.value()])?.is_some())
}

/// Whether a lane was ever marked: it may have to begin yet another epoch.
///
/// # Errors
/// When the engine refuses.
pub fn was_restored(tx: &mut dyn Tx, lane: LaneKey) -> Result<bool, StoreError> {
    let sql = "SELECT since FROM lane_restore WHERE lane = $1";
    Ok(tx.query_opt(sql, &[lane.value()])?.is_some())
}

/// Notes that the new epoch was queued.
///
/// # Errors
/// When the engine refuses.
pub fn begun(tx: &mut dyn Tx, lane: LaneKey, at: Timestamp) -> Result<(), StoreError> {
    tx.exec("UPDATE lane_restore SET begun_at = $2 WHERE lane = $1", &[lane.value(), time(at)])?;
    Ok(())
}

/// Keeps what a partner signed for; what is kept already stays. Returns how many are new.
///
/// # Errors
/// When the engine refuses.
pub fn add_lost(tx: &mut dyn Tx, lane: LaneKey, rows: &[Lost], at: Timestamp) -> Result<u64, StoreError> {
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        values.push(vec![
            lane.value(),
            Value::from(row.at.epoch),
            int(row.at.seq)?,
            Value::from(row.envelope.0),
            Value::from(row.verdict.as_str()),
            Value::from(row.receipt.0),
            time(at),
        ]);
    }
    Ok(tx.exec_many(
        "INSERT INTO lane_lost (lane, epoch, seq, hash, verdict, receipt, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &values,
    )?)
}

/// Returns what was lost in a lane, in order, at most 1,000.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn lost(tx: &mut dyn Tx, lane: LaneKey) -> Result<Vec<Lost>, StoreError> {
    let of = Of("lane_lost");
    let sql = "SELECT epoch, seq, hash, verdict, receipt FROM lane_lost WHERE lane = $1
               ORDER BY epoch, seq LIMIT 1000";
    let read = |row: &Row| {
        Ok(Lost {
            at: Position { epoch: of.u32(row, 0)?, seq: row.unsigned(1)? },
            envelope: of.digest(row, 2)?,
            verdict: row.text(3)?.to_owned(),
            receipt: of.digest(row, 4)?,
        })
    };
    tx.query(sql, &[lane.value()])?.iter().map(read).collect()
}
