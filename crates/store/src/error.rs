//! Why the store could not do what was asked, in words that carry no content.

use mithaq_db::DbError;
use thiserror::Error;

/// Why a repository function failed. Every error undoes the job it happened in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The engine.
    #[error("the database refused the work")]
    Db(#[from] DbError),
    /// Something of that key is there already, or changed since it was read.
    #[error("the {what} is there already or was changed by another")]
    Conflict {
        /// Kind of thing, for example `report`.
        what: &'static str,
    },
    /// A row disagrees with itself: it was changed or damaged outside of this program. Nothing is read
    /// from it.
    #[error("a row of `{table}` disagrees with itself")]
    Integrity {
        /// The table.
        table: &'static str,
    },
    /// More than the store takes at once, or a value outside its range.
    #[error("the {what} is beyond the limit of the store")]
    Limit {
        /// What was too many or too large.
        what: &'static str,
    },
    /// The record was sealed under a master key that this vault does not hold.
    #[error("the record needs master key {number}")]
    MasterKey {
        /// The number of the key that is needed.
        number: u32,
    },
    /// Nothing of that key is there, or no longer.
    #[error("there is no such {what}")]
    Missing {
        /// Kind of thing, for example `report`.
        what: &'static str,
    },
    /// The source of randomness gave nothing; nothing is sealed with predictable keys.
    #[error("no randomness could be had")]
    NoEntropy,
    /// The ledger in the store is not the log that was signed. Nothing may be signed until people have looked.
    #[error("the ledger is {stored} leaves long or has another root than the signed checkpoint at {signed}")]
    LogBroken {
        /// Leaves in the store.
        stored: u64,
        /// Size of the signed checkpoint; 0 when the state row itself disagrees with the tiles.
        signed: u64,
    },
    /// An object that was recalled or erased came again.
    #[error("the object was taken back and may not come again")]
    Tombstone,
}

impl StoreError {
    /// Returns whether the same job may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Db(error) => error.is_retryable(),
            Self::Conflict { .. }
            | Self::Integrity { .. }
            | Self::Limit { .. }
            | Self::MasterKey { .. }
            | Self::Missing { .. }
            | Self::NoEntropy
            | Self::LogBroken { .. }
            | Self::Tombstone => false,
        }
    }
}
