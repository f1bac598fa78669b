//! The ledger in the database: entries, tiles, one state row per log, signed checkpoints, and the salts of
//! commitments until the content they belong to is erased.
//!
//! Responsible for appending in the caller's transaction and for reading what proofs and evidence need. Deliberately
//! does not sign, keep time or decide what is logged. Exact bytes: `docs/spec/ledger.md`.

mod checkpoint;
mod cosigner;
mod evidence;
mod read;

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use mithaq_db::{DbError, Tx, Value, args, lock_clause};
use mithaq_ledger::{
    Appended, Appender, Entry, Hash, KeyName, RestoreError, TileId, TileSource, commit_digest,
};
use mithaq_model::{ObjectId, Timestamp};

use crate::derive::SaltPlace;
use crate::sql::{Of, int};
use crate::{StoreError, Vault};

pub use checkpoint::{held, held_note, set_witnessed, witnessed};
pub use cosigner::{Cosigner, add_fork, forks};
pub use evidence::Evidence;
pub use read::{Filter, Rebuild};

/// Locks the state row of the newest log until the transaction ends: what transactions of the shared lane begin with
/// ([`mithaq_db::Db::lock_first`]), because each of their jobs appends last.
pub const LOCK: &str = "SELECT 1 FROM ledger_log WHERE log = (SELECT MAX(log) FROM ledger_log) FOR UPDATE";

/// Most entries of one append: bounds what one transaction holds.
pub const APPEND_MAX: usize = 16_384;

/// What opens the commitment of an entry. Kept until the content of the object is erased.
#[derive(Debug, Clone, Copy)]
pub struct Salt {
    /// The object whose erasure takes the salt with it.
    pub object: ObjectId,
    /// Its version; 0 when the commitment is about no version of it.
    pub version: u32,
    /// The salt, 32 random bytes made for this commitment alone.
    pub salt: [u8; 32],
    /// SHA-256 of the content ([`mithaq_ledger::content_digest`]).
    pub digest: Hash,
}

/// One entry to append.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// What is logged.
    pub entry: Entry<'a>,
    /// What opens its commitment, if that is ever to be shown.
    pub salt: Option<Salt>,
}

/// The writing end of the node's log. One per process and database; the tables are the truth and this is a
/// cache of the tree's right edge, checked against the state row in each transaction. A job that is rolled
/// back therefore leaves nothing behind, and several processes may append to one log.
#[derive(Debug)]
pub struct Ledger {
    log: u32,
    origin: KeyName,
    cache: Mutex<Option<Appender>>,
}

impl Ledger {
    /// Begins log number `log` under a name. A node begins its first log when it is set up, and a successor
    /// only after a restore from backup.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the log is there, [`StoreError::Limit`] when the origin is no key name.
    pub fn create(tx: &mut dyn Tx, log: u32, origin: &str, at: Timestamp) -> Result<Self, StoreError> {
        let origin = KeyName::new(origin).map_err(|_refused| StoreError::Limit { what: "origin" })?;
        let state = Appender::new().frontier().to_bytes();
        crate::sql::insert_new(
            tx,
            "INSERT INTO ledger_log (log, origin, state, opened_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            args![log, origin.as_str(), state, at.as_millis()],
            "log",
        )?;
        Ok(Self { log, origin, cache: Mutex::new(None) })
    }

    /// Opens the newest log. Check with [`Ledger::continues`] before anything is signed.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no log: a node never begins one by surprise.
    pub fn open(tx: &mut dyn Tx) -> Result<Self, StoreError> {
        let row = tx.query_opt("SELECT log, origin FROM ledger_log ORDER BY log DESC LIMIT 1", args![])?;
        let row = row.ok_or(StoreError::Missing { what: "log" })?;
        let of = Of("ledger_log");
        let origin = KeyName::new(row.text(1)?).map_err(|_refused| of.broken())?;
        Ok(Self { log: of.u32(&row, 0)?, origin, cache: Mutex::new(None) })
    }

    #[cfg(test)]
    pub(crate) fn open_numbered_for_test(other: &Self) -> Self {
        Self { log: other.log, origin: other.origin.clone(), cache: Mutex::new(None) }
    }

    /// Returns the number of the log.
    #[must_use]
    pub const fn log(&self) -> u32 {
        self.log
    }

    /// Returns the name of the log.
    #[must_use]
    pub const fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// Appends entries in the caller's transaction and returns their positions.
    ///
    /// On PostgreSQL the state row stays locked until the transaction ends: positions have no gaps and
    /// appends of several nodes follow one another. Append last in a job, so that the lock is short.
    ///
    /// # Errors
    /// [`StoreError::Limit`] for more than [`APPEND_MAX`] entries or a full log, [`StoreError::Integrity`] when
    /// a salt does not open its commitment or the stored tiles do not give the state row.
    pub fn append(
        &self,
        tx: &mut dyn Tx,
        vault: &Vault,
        entries: &[Append<'_>],
    ) -> Result<Range<u64>, StoreError> {
        if entries.len() > APPEND_MAX {
            return Err(StoreError::Limit { what: "number of entries" });
        }
        let mut appender = self.appender(tx)?;
        let leaves: Vec<Vec<u8>> = entries.iter().map(|append| append.entry.encode()).collect();
        let done = appender.append(&leaves).map_err(|_full| StoreError::Limit { what: "log" })?;
        let positions = done.first..done.size;
        self.put_entries(tx, entries, leaves, done.first)?;
        self.put_salts(tx, vault, entries, done.first)?;
        self.put_tiles(tx, done)?;
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(appender);
        Ok(positions)
    }

    /// The appender at the state of this transaction: the cached one if it is there, else from the tiles.
    fn appender(&self, tx: &mut dyn Tx) -> Result<Appender, StoreError> {
        let state = self.locked_state(tx)?;
        let cached = self.cache.lock().unwrap_or_else(PoisonError::into_inner).take();
        match cached {
            Some(appender) if appender.frontier().to_bytes() == state => Ok(appender),
            Some(_) | None => self.restore(tx, &state),
        }
    }

    fn locked_state(&self, tx: &mut dyn Tx) -> Result<Vec<u8>, StoreError> {
        let sql = format!("SELECT state FROM ledger_log WHERE log = $1{}", lock_clause(tx.engine()));
        let row = tx.query_opt(&sql, args![self.log])?;
        Ok(row.ok_or(StoreError::Missing { what: "log" })?.take_bytes(0)?)
    }

    fn restore(&self, tx: &mut dyn Tx, state: &[u8]) -> Result<Appender, StoreError> {
        Appender::restore(state, &Tiles::new(tx, self.log)).map_err(restore_error)
    }

    fn put_entries(
        &self,
        tx: &mut dyn Tx,
        entries: &[Append<'_>],
        leaves: Vec<Vec<u8>>,
        first: u64,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(entries.len());
        for ((append, leaf), index) in entries.iter().zip(leaves).zip(first..) {
            let entry = &append.entry;
            rows.push(vec![
                Value::from(self.log),
                int(index)?,
                Value::from(leaf),
                Value::from(entry.object.as_str()),
                Value::from(entry.case.map(|case| case.as_str())),
                Value::from(entry.agreement.map(|hash| *hash.as_bytes())),
            ]);
        }
        tx.exec_many(
            "INSERT INTO ledger_entry (log, idx, entry, object, case_ref, agreement)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &rows,
        )?;
        Ok(())
    }

    fn put_salts(
        &self,
        tx: &mut dyn Tx,
        vault: &Vault,
        entries: &[Append<'_>],
        first: u64,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for (append, index) in entries.iter().zip(first..) {
            let Some(salt) = &append.salt else { continue };
            let commitment = commit_digest(&salt.salt, &salt.digest);
            if append.entry.commitment != Some(commitment) {
                return Err(StoreError::Integrity { table: "ledger_salt" });
            }
            let object = salt.object.as_bytes();
            let place = SaltPlace { log: self.log, index, object, commitment: commitment.as_bytes() };
            let sealed = vault.derived().seal_salt(&place, &salt.salt, salt.digest.as_bytes())?;
            let (log, version) = (Value::from(self.log), Value::from(salt.version));
            rows.push(vec![log, int(index)?, Value::from(object), version, Value::from(sealed)]);
        }
        if !rows.is_empty() {
            tx.exec_many(
                "INSERT INTO ledger_salt (log, idx, object, version, sealed) VALUES ($1, $2, $3, $4, $5)",
                &rows,
            )?;
        }
        Ok(())
    }

    fn put_tiles(&self, tx: &mut dyn Tx, done: Appended) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(done.tiles.len());
        for tile in done.tiles {
            let level = Value::from(u32::from(tile.id.level));
            rows.push(vec![Value::from(self.log), level, int(tile.id.index)?, Value::from(tile.hashes)]);
        }
        tx.exec_many(
            "INSERT INTO ledger_tile (log, level, idx, hashes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (log, level, idx) DO UPDATE SET hashes = excluded.hashes",
            &rows,
        )?;
        tx.exec("UPDATE ledger_log SET state = $2 WHERE log = $1", args![self.log, done.state])?;
        Ok(())
    }
}

/// Erases the salts of all commitments to an object's content, or to one version of it: afterwards nobody
/// can tell what was committed to. Positions, hashes and codes stay.
///
/// # Errors
/// When the engine refuses.
pub fn erase_salts(tx: &mut dyn Tx, object: ObjectId, version: Option<u32>) -> Result<u64, StoreError> {
    let object = object.as_bytes();
    match version {
        None => erase_salts_of_all(tx, &[args![object].to_vec()]),
        Some(version) => {
            Ok(tx
                .exec("DELETE FROM ledger_salt WHERE object = $1 AND version = $2", args![object, version])?)
        }
    }
}

/// As [`erase_salts`] for every version of many objects, each the only value of its list.
pub(crate) fn erase_salts_of_all(tx: &mut dyn Tx, objects: &[Vec<Value>]) -> Result<u64, StoreError> {
    Ok(tx.exec_many("DELETE FROM ledger_salt WHERE object = $1", objects)?)
}

/// The stored tiles as one transaction sees them.
pub(crate) struct Tiles<'a> {
    tx: RefCell<&'a mut dyn Tx>,
    log: u32,
}

impl<'a> Tiles<'a> {
    pub(crate) fn new(tx: &'a mut dyn Tx, log: u32) -> Self {
        Self { tx: RefCell::new(tx), log }
    }
}

impl TileSource for Tiles<'_> {
    type Error = DbError;

    fn tile(&self, id: TileId) -> Result<Option<Cow<'_, [u8]>>, DbError> {
        let index = Value::try_from(id.index)?;
        let args = [Value::from(self.log), Value::from(u32::from(id.level)), index];
        let mut tx = self.tx.try_borrow_mut().map_err(|_nested| DbError::Nested)?;
        let row =
            tx.query_opt("SELECT hashes FROM ledger_tile WHERE log = $1 AND level = $2 AND idx = $3", &args)?;
        row.map(|mut row| row.take_bytes(0).map(Cow::Owned)).transpose()
    }
}

pub(crate) fn restore_error(error: RestoreError<DbError>) -> StoreError {
    match error {
        RestoreError::Read(error) => prove_error(error),
        RestoreError::State(_) => StoreError::Integrity { table: "ledger_log" },
        RestoreError::Edge { .. } | RestoreError::Mismatch => StoreError::Integrity { table: "ledger_tile" },
        RestoreError::RolledBack { stored, signed } => StoreError::LogBroken { stored, signed },
    }
}

pub(crate) fn prove_error(error: mithaq_ledger::ProveError<DbError>) -> StoreError {
    match error {
        mithaq_ledger::ProveError::Source(error) => StoreError::Db(error),
        mithaq_ledger::ProveError::OutOfRange => StoreError::Missing { what: "ledger entry" },
        mithaq_ledger::ProveError::Missing { .. }
        | mithaq_ledger::ProveError::Malformed { .. }
        | mithaq_ledger::ProveError::Short { .. } => StoreError::Integrity { table: "ledger_tile" },
    }
}
