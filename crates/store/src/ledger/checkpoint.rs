//! Checkpoints: what is to be signed, what was signed, and what this node countersigned for partners.
//! Signs nothing itself.

use mithaq_db::{Tx, Value, args, lock_clause};
use mithaq_ledger::{Appender, Checkpoint, Hash, Held, SignedNote};
use mithaq_model::Timestamp;

use super::{Ledger, Tiles, restore_error};
use crate::StoreError;
use crate::sql::{Of, int};

impl Ledger {
    /// Returns what may be signed now: the size and root that the stored tiles give, after checking that they
    /// still hold the last checkpoint that was signed. In a writing job (see [`Ledger::recheck`]).
    ///
    /// # Errors
    /// [`StoreError::Integrity`] or [`StoreError::LogBroken`] when the store is not the log that was signed:
    /// sign nothing.
    pub fn checkpoint_to_sign(&self, tx: &mut dyn Tx) -> Result<Checkpoint, StoreError> {
        let last = self.last_checkpoint(tx)?;
        let (size, root) = match &last {
            None => self.recheck(tx)?,
            Some(note) => self.continues(tx, &self.parse(note)?)?,
        };
        Checkpoint::new(self.origin.as_str(), size, root, Vec::new())
            .map_err(|_refused| StoreError::Integrity { table: "ledger_log" })
    }

    /// Checks that the log still holds what a checkpoint says that it once signed, best one that a partner
    /// kept; returns size and root now. After every start, and before anything is signed after a restore.
    ///
    /// # Errors
    /// [`StoreError::LogBroken`] when it does not.
    pub fn continues(&self, tx: &mut dyn Tx, signed: &Checkpoint) -> Result<(u64, Hash), StoreError> {
        let state = self.locked_state(tx)?;
        let tiles = Tiles::new(tx, self.log);
        let appender = Appender::restore(&state, &tiles).map_err(restore_error)?;
        let head = (appender.size(), appender.root());
        match appender.continues(&tiles, signed) {
            Ok(()) => Ok(head),
            Err(mithaq_ledger::RestoreError::Mismatch) => {
                Err(StoreError::LogBroken { stored: head.0, signed: signed.size() })
            }
            Err(error) => Err(restore_error(error)),
        }
    }

    /// Stores a signed checkpoint, or the same one with more countersignatures in place of the former.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when the note is no checkpoint of this log or the log has another root at
    /// its size.
    pub fn put_checkpoint(&self, tx: &mut dyn Tx, note: &SignedNote) -> Result<(), StoreError> {
        let checkpoint = self.parse(note)?;
        if self.root_at(tx, checkpoint.size())? != *checkpoint.root() {
            return Err(Of("ledger_checkpoint").broken());
        }
        // One size, one text: only countersignatures are added to what was signed.
        if self.checkpoint_at(tx, checkpoint.size())?.is_some_and(|before| before.text() != note.text()) {
            return Err(Of("ledger_checkpoint").broken());
        }
        tx.exec(
            "INSERT INTO ledger_checkpoint (log, size, note) VALUES ($1, $2, $3)
             ON CONFLICT (log, size) DO UPDATE SET note = excluded.note",
            &[Value::from(self.log), int(checkpoint.size())?, Value::from(note.to_bytes())],
        )?;
        Ok(())
    }

    /// Returns the signed checkpoint of the largest size, if any was signed.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when the row holds no signed note.
    pub fn last_checkpoint(&self, tx: &mut dyn Tx) -> Result<Option<SignedNote>, StoreError> {
        let row = tx.query_opt(
            "SELECT note FROM ledger_checkpoint WHERE log = $1 ORDER BY size DESC LIMIT 1",
            args![self.log],
        )?;
        row.map(|row| note_of(row.bytes(0)?)).transpose()
    }

    /// Returns up to `limit` (at most 255) signed checkpoints from a size on, in growing size.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when a row holds no signed note.
    pub fn checkpoints(
        &self,
        tx: &mut dyn Tx,
        from_size: u64,
        limit: u32,
    ) -> Result<Vec<SignedNote>, StoreError> {
        let rows = tx.query(
            "SELECT note FROM ledger_checkpoint WHERE log = $1 AND size >= $2 ORDER BY size LIMIT $3",
            &[Value::from(self.log), int(from_size)?, Value::from(limit.min(255))],
        )?;
        rows.iter().map(|row| note_of(row.bytes(0)?)).collect()
    }

    pub(super) fn parse(&self, note: &SignedNote) -> Result<Checkpoint, StoreError> {
        let broken = || Of("ledger_checkpoint").broken();
        let checkpoint = Checkpoint::parse(note.text()).map_err(|_damaged| broken())?;
        if *checkpoint.origin() == self.origin { Ok(checkpoint) } else { Err(broken()) }
    }
}

pub(super) fn note_of(bytes: &[u8]) -> Result<SignedNote, StoreError> {
    SignedNote::parse(bytes).map_err(|_damaged| Of("ledger_checkpoint").broken())
}

/// Returns what this node last countersigned for a partner's log ([`Held::NONE`] for nothing yet).
///
/// # Errors
/// When the row is damaged.
pub fn held(tx: &mut dyn Tx, origin: &str) -> Result<Held, StoreError> {
    read_held(tx, "SELECT size, root FROM ledger_witness WHERE origin = $1", origin)
}

/// Returns the note of what this node last countersigned for a log, as its log signed it.
///
/// # Errors
/// When the engine refuses.
pub fn held_note(tx: &mut dyn Tx, origin: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.query_opt("SELECT note FROM ledger_witness WHERE origin = $1", args![origin])?;
    Ok(row.map(|mut row| row.take_bytes(0)).transpose()?)
}

/// As [`held`], locked until the job ends: to be read before it is replaced.
///
/// # Errors
/// When the row is damaged.
pub fn witnessed(tx: &mut dyn Tx, origin: &str) -> Result<Held, StoreError> {
    let sql = format!("SELECT size, root FROM ledger_witness WHERE origin = $1{}", lock_clause(tx.engine()));
    read_held(tx, &sql, origin)
}

fn read_held(tx: &mut dyn Tx, sql: &str, origin: &str) -> Result<Held, StoreError> {
    let Some(row) = tx.query_opt(sql, args![origin])? else { return Ok(Held::NONE) };
    Ok(Held { size: row.unsigned(0)?, root: Hash::new(Of("ledger_witness").digest(&row, 1)?.0) })
}

/// Replaces what is held for a partner's log, if it still is `old`; then the countersignature may go out.
///
/// # Errors
/// [`StoreError::Conflict`] when another job was faster: start again from what is held.
pub fn set_witnessed(
    tx: &mut dyn Tx,
    origin: &str,
    old: &Held,
    new: (&Held, &[u8]),
    at: Timestamp,
) -> Result<(), StoreError> {
    let (held, note) = new;
    let args = [
        Value::from(origin),
        int(held.size)?,
        Value::from(held.root.as_bytes()),
        Value::from(note),
        Value::from(at.as_millis()),
    ];
    let what = "countersigned checkpoint";
    if *old == Held::NONE {
        let first = "INSERT INTO ledger_witness (origin, size, root, note, at) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT DO NOTHING";
        return crate::sql::insert_new(tx, first, &args, what);
    }
    let mut args = args.to_vec();
    args.extend([int(old.size)?, Value::from(old.root.as_bytes())]);
    let sql = "UPDATE ledger_witness SET size = $2, root = $3, note = $4, at = $5
               WHERE origin = $1 AND size = $6 AND root = $7";
    crate::sql::insert_new(tx, sql, &args, what)
}
