//! Reading the log: entries by place or by what they are about, proofs, and rebuilding the whole tree from
//! the entries. Judges nothing: whoever reads decides what an entry means.

use std::ops::Range;

use mithaq_db::{Tx, Value, args};
use mithaq_ledger::{Entry, Frontier, Hash, leaf_hash, prove_consistency, prove_inclusion, root_at};
use mithaq_model::{AgreementId, CaseId};

use super::{Ledger, Tiles, prove_error, restore_error};
use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, int};

/// Which entries are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them: a bundle of all is complete.
    All,
    /// Those about one object, by the reference they carry, for example the number of a report.
    Object(String),
    /// Those of one case.
    Case(String),
    /// Those under one agreement.
    Agreement(AgreementId),
}

impl Filter {
    /// Those of one case.
    #[must_use]
    pub fn case(id: CaseId) -> Self {
        Self::Case(id.to_string())
    }

    /// The condition on `ledger_entry`, with `$4` for its value.
    fn condition(&self) -> (&'static str, Option<Value>) {
        match self {
            Self::All => ("", None),
            Self::Object(object) => (" AND object = $4", Some(Value::from(object.as_str()))),
            Self::Case(case) => (" AND case_ref = $4", Some(Value::from(case.as_str()))),
            Self::Agreement(id) => (" AND agreement = $4", Some(Value::from(id.as_bytes()))),
        }
    }
}

/// The tree computed again from the entries, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuild(Frontier);

impl Rebuild {
    /// Returns how many entries were read.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.0.size()
    }

    /// Returns the root of the entries read.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.0.root()
    }
}

impl Ledger {
    /// Returns size and root as the state row has them.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when the state row is damaged.
    pub fn head(&self, tx: &mut dyn Tx) -> Result<(u64, Hash), StoreError> {
        let row = tx.query_opt("SELECT state FROM ledger_log WHERE log = $1", args![self.log])?;
        let row = row.ok_or(StoreError::Missing { what: "log" })?;
        let frontier = Frontier::from_bytes(row.bytes(0)?)
            .map_err(|_damaged| StoreError::Integrity { table: "ledger_log" })?;
        Ok((frontier.size(), frontier.root()))
    }

    /// Reads up to 1,000 encoded entries of a filter from `range`, each with its position, in order.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when a row holds no entry, or one that is about something else than its
    /// columns say.
    pub fn entries(
        &self,
        tx: &mut dyn Tx,
        filter: &Filter,
        range: Range<u64>,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let (condition, value) = filter.condition();
        let sql = format!(
            "SELECT idx, entry, object, case_ref, agreement FROM ledger_entry
             WHERE log = $1 AND idx >= $2 AND idx < $3{condition} ORDER BY idx LIMIT {PAGE_MAX}"
        );
        let end = range.end.min(mithaq_ledger::MAX_SIZE);
        let mut values = vec![Value::from(self.log), int(range.start.min(end))?, int(end)?];
        values.extend(value);
        let rows = tx.query(&sql, &values)?;
        rows.into_iter().map(|mut row| checked(&mut row)).collect()
    }

    /// The audit path of one entry in the tree of `size` leaves.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the log has no such entry or is shorter.
    pub fn prove_inclusion(&self, tx: &mut dyn Tx, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
        prove_inclusion(&Tiles::new(tx, self.log), index, size).map_err(prove_error)
    }

    /// The proof that the log of `new` leaves continues that of `old`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the log is shorter.
    pub fn prove_consistency(&self, tx: &mut dyn Tx, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        prove_consistency(&Tiles::new(tx, self.log), old, new).map_err(prove_error)
    }

    /// The root the log had at a size, from its tiles.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when a tile is missing or damaged.
    pub fn root_at(&self, tx: &mut dyn Tx, size: u64) -> Result<Hash, StoreError> {
        root_at(&Tiles::new(tx, self.log), size).map_err(prove_error)
    }

    /// Reads the next 1,000 entries into a rebuild. Answers `true` when there are no more, after comparing
    /// the result with the tiles: then every entry and the tiles of this size are as they were logged,
    /// provided that the root is the one that was signed.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when an entry is missing or the tiles give another root.
    pub fn rebuild(&self, tx: &mut dyn Tx, so_far: &mut Rebuild) -> Result<bool, StoreError> {
        let broken = || StoreError::Integrity { table: "ledger_entry" };
        let from = so_far.size();
        let rows = self.entries(tx, &Filter::All, from..u64::MAX)?;
        for ((index, entry), expected) in rows.iter().zip(from..) {
            if *index != expected {
                return Err(broken());
            }
            so_far.0.push(leaf_hash(entry)).map_err(|_full| broken())?;
        }
        if rows.len() == usize::try_from(PAGE_MAX).unwrap_or(usize::MAX) {
            return Ok(false);
        }
        if self.root_at(tx, so_far.size())? == so_far.root() { Ok(true) } else { Err(broken()) }
    }

    /// Checks that the tiles give the state row, reading the right edge: before a start and before signing.
    /// On PostgreSQL it locks the state row, so it belongs in a writing job.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] or [`StoreError::LogBroken`]: sign nothing.
    pub fn recheck(&self, tx: &mut dyn Tx) -> Result<(u64, Hash), StoreError> {
        let state = self.locked_state(tx)?;
        let appender = mithaq_ledger::Appender::restore(&state, &Tiles::new(tx, self.log));
        let appender = appender.map_err(restore_error)?;
        Ok((appender.size(), appender.root()))
    }
}

/// Verify after reading: the columns are an index that must follow from the entry.
fn checked(row: &mut mithaq_db::Row) -> Result<(u64, Vec<u8>), StoreError> {
    let of = Of("ledger_entry");
    let bytes = row.take_bytes(1)?;
    let entry = Entry::parse(&bytes).map_err(|_damaged| of.broken())?;
    let same = row.text(2)? == entry.object.as_str()
        && row.opt_text(3)? == entry.case.map(|case| case.as_str())
        && row.opt_bytes(4)? == entry.agreement.as_ref().map(|hash| &hash.as_bytes()[..]);
    if same { Ok((row.unsigned(0)?, bytes)) } else { Err(of.broken()) }
}
