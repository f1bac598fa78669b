//! What convicts a partner: two envelopes for one place, or signed bytes that contradict what it signed before.
//! Kept as they came; judging them is for people and courts.

use mithaq_db::{Tx, Value};
use mithaq_exchange::EquivocationProof;
use mithaq_model::Timestamp;
use mithaq_wire::Position;

use super::LaneKey;
use crate::StoreError;
use crate::sql::{Of, int, sha256, time};

/// Keeps proofs of equivocation; one that is kept already stays. Returns how many are new.
///
/// # Errors
/// When the engine refuses.
pub fn add_equivocations(
    tx: &mut dyn Tx,
    lane: LaneKey,
    proofs: &[EquivocationProof],
    at: Timestamp,
) -> Result<u64, StoreError> {
    let mut rows = Vec::with_capacity(proofs.len());
    for proof in proofs {
        rows.push(vec![
            lane.value(),
            Value::from(proof.at.epoch),
            int(proof.at.seq)?,
            Value::from(sha256(&proof.second).0),
            Value::from(proof.first_hash.0),
            Value::from(proof.first.clone()),
            Value::from(proof.second.as_slice()),
            time(at),
        ]);
    }
    Ok(tx.exec_many(
        "INSERT INTO equivocation (lane, epoch, seq, second_hash, first_hash, first_bytes, second_bytes, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        &rows,
    )?)
}

/// Returns the equivocations kept for a lane with the time each was seen, at most 100.
///
/// # Errors
/// [`StoreError::Integrity`] when bytes and hash disagree.
pub fn equivocations(
    tx: &mut dyn Tx,
    lane: LaneKey,
) -> Result<Vec<(EquivocationProof, Timestamp)>, StoreError> {
    let of = Of("equivocation");
    let rows = tx.query(
        "SELECT epoch, seq, second_hash, first_hash, first_bytes, second_bytes, at FROM equivocation
         WHERE lane = $1 ORDER BY epoch, seq, second_hash LIMIT 100",
        &[lane.value()],
    )?;
    rows.into_iter()
        .map(|mut row| {
            let second = row.take_bytes(5)?;
            let (first_hash, first) = (of.digest(&row, 3)?, row.opt_bytes(4)?.map(<[u8]>::to_vec));
            let same = first.as_ref().is_none_or(|first| sha256(first) == first_hash);
            if !same || sha256(&second) != of.digest(&row, 2)? {
                return Err(of.broken());
            }
            let at = Position { epoch: of.u32(&row, 0)?, seq: row.unsigned(1)? };
            Ok((EquivocationProof { at, first_hash, first, second }, of.time(&row, 6)?))
        })
        .collect()
}

/// Keeps signed bytes that convict a partner, each once.
///
/// # Errors
/// When the engine refuses.
pub fn add_evidence(
    tx: &mut dyn Tx,
    lane: LaneKey,
    evidence: &[Vec<u8>],
    at: Timestamp,
) -> Result<u64, StoreError> {
    let row = |bytes: &Vec<u8>| {
        vec![lane.value(), Value::from(sha256(bytes).0), time(at), Value::from(bytes.as_slice())]
    };
    let rows: Vec<_> = evidence.iter().map(row).collect();
    Ok(tx.exec_many(
        "INSERT INTO peer_evidence (lane, hash, at, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &rows,
    )?)
}

/// Returns what is kept against a partner for a lane, oldest first, at most 100.
///
/// # Errors
/// [`StoreError::Integrity`] when bytes and hash disagree.
pub fn evidence(tx: &mut dyn Tx, lane: LaneKey) -> Result<Vec<(Vec<u8>, Timestamp)>, StoreError> {
    let of = Of("peer_evidence");
    let sql = "SELECT hash, at, bytes FROM peer_evidence WHERE lane = $1 ORDER BY at, hash LIMIT 100";
    let rows = tx.query(sql, &[lane.value()])?;
    rows.into_iter()
        .map(|mut row| {
            let (hash, at, bytes) = (of.digest(&row, 0)?, of.time(&row, 1)?, row.take_bytes(2)?);
            if sha256(&bytes) == hash { Ok((bytes, at)) } else { Err(of.broken()) }
        })
        .collect()
}
