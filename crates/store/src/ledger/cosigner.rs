//! How far partners have countersigned this node's log, and proofs of logs that forked. Judges no signature: what is
//! put here was verified.

use mithaq_db::{Tx, Value, args};
use mithaq_ledger::{NoteSignature, SignedNote};
use mithaq_model::{PartyId, Timestamp};

use super::{Ledger, checkpoint::note_of};
use crate::StoreError;
use crate::sql::{Of, int, sha256, time};

/// A partner as a witness of this node's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigner {
    /// The partner.
    pub party: PartyId,
    /// The size it confirmed last; 0 for none.
    pub size: u64,
    /// When that was stored here; none when it never did.
    pub at: Option<Timestamp>,
    /// Why it refused since, a code.
    pub refused: Option<String>,
}

impl Ledger {
    /// Returns how far each partner has countersigned the current log, in the order of their names.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when a row is damaged.
    pub fn cosigners(&self, tx: &mut dyn Tx) -> Result<Vec<Cosigner>, StoreError> {
        let of = Of("ledger_cosigner");
        let sql =
            "SELECT party, size, at, refused FROM ledger_cosigner WHERE log = $1 ORDER BY party LIMIT 1000";
        let read = |row: &mithaq_db::Row| {
            Ok(Cosigner {
                party: of.party(row, 0)?,
                size: row.unsigned(1)?,
                at: of.opt_time(row, 2)?,
                refused: row.opt_text(3)?.map(str::to_owned),
            })
        };
        tx.query(sql, args![self.log])?.iter().map(read).collect()
    }

    /// Stores how far a partner is.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn put_cosigner(&self, tx: &mut dyn Tx, cosigner: &Cosigner) -> Result<(), StoreError> {
        let args = [
            Value::from(self.log),
            Value::from(cosigner.party.as_str()),
            int(cosigner.size)?,
            Value::from(cosigner.at.map(Timestamp::as_millis)),
            Value::from(cosigner.refused.as_deref()),
        ];
        tx.exec(
            "INSERT INTO ledger_cosigner (log, party, size, at, refused) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (log, party) DO UPDATE SET size = excluded.size, at = excluded.at,
             refused = excluded.refused",
            &args,
        )?;
        Ok(())
    }

    /// Returns the signed checkpoint of a size.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when the row holds no signed note.
    pub fn checkpoint_at(&self, tx: &mut dyn Tx, size: u64) -> Result<Option<SignedNote>, StoreError> {
        let sql = "SELECT note FROM ledger_checkpoint WHERE log = $1 AND size = $2";
        let row = tx.query_opt(sql, &[Value::from(self.log), int(size)?])?;
        row.map(|row| note_of(row.bytes(0)?)).transpose()
    }

    /// Returns the last checkpoint that was signed up to a size.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when the row holds no signed note.
    pub fn checkpoint_up_to(&self, tx: &mut dyn Tx, size: u64) -> Result<Option<SignedNote>, StoreError> {
        let sql =
            "SELECT note FROM ledger_checkpoint WHERE log = $1 AND size <= $2 ORDER BY size DESC LIMIT 1";
        let size = size.min(u64::try_from(i64::MAX).unwrap_or(0));
        let row = tx.query_opt(sql, &[Value::from(self.log), int(size)?])?;
        row.map(|row| note_of(row.bytes(0)?)).transpose()
    }

    /// Adds a verified countersignature to the checkpoint of a size; one that is there already changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when no checkpoint of that size was signed.
    pub fn countersigned(
        &self,
        tx: &mut dyn Tx,
        size: u64,
        signature: NoteSignature,
    ) -> Result<(), StoreError> {
        let note = self.checkpoint_at(tx, size)?;
        let mut note = note.ok_or(StoreError::Missing { what: "signed checkpoint" })?;
        if note.add(signature).is_ok() {
            self.put_checkpoint(tx, &note)?;
        }
        Ok(())
    }

    /// Returns up to `limit` (at most 255) signed checkpoints, the largest first.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when a row holds no signed note.
    pub fn newest_checkpoints(&self, tx: &mut dyn Tx, limit: u32) -> Result<Vec<SignedNote>, StoreError> {
        let sql = "SELECT note FROM ledger_checkpoint WHERE log = $1 ORDER BY size DESC LIMIT $2";
        let rows = tx.query(sql, args![self.log, limit.min(255)])?;
        rows.iter().map(|row| note_of(row.bytes(0)?)).collect()
    }
}

/// Keeps the proof that a log forked; `false` when it is kept already.
///
/// # Errors
/// When the engine refuses.
pub fn add_fork(tx: &mut dyn Tx, origin: &str, proof: &[u8], at: Timestamp) -> Result<bool, StoreError> {
    let added = tx.exec(
        "INSERT INTO fork_proof (origin, hash, at, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &[Value::from(origin), Value::from(sha256(proof).0), time(at), Value::from(proof)],
    )?;
    Ok(added == 1)
}

/// Returns the proofs kept about a log, at most 100.
///
/// # Errors
/// [`StoreError::Integrity`] when bytes and hash disagree.
pub fn forks(tx: &mut dyn Tx, origin: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    let of = Of("fork_proof");
    let rows = tx.query(
        "SELECT hash, bytes FROM fork_proof WHERE origin = $1 ORDER BY at, hash LIMIT 100",
        args![origin],
    )?;
    rows.into_iter()
        .map(|mut row| {
            let (hash, bytes) = (of.digest(&row, 0)?, row.take_bytes(1)?);
            if sha256(&bytes) == hash { Ok(bytes) } else { Err(of.broken()) }
        })
        .collect()
}
