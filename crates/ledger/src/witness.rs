//! What a witness checks before it countersigns (C2SP tlog-witness): the log only ever grew. One row per
//! log, `Held`; the caller stores the new row and only then releases the countersignature.

use thiserror::Error;

use crate::checkpoint::{Trust, VerifiedCheckpoint, VerifyCheckpointError, verify_log_signature};
use crate::hash::{EMPTY_ROOT, Hash};
use crate::key::VerifierKey;
use crate::proof::{ProofError, verify_consistency};

/// The last checkpoint that a witness confirmed for one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Held {
    /// Nothing confirmed yet.
    pub const NONE: Self = Self { size: 0, root: EMPTY_ROOT };
}

/// Decides on a request to countersign `note`, which claims to extend a log of `old_size` leaves.
///
/// On success the caller replaces `held` by the size and root of the result, comparing and setting in one
/// transaction, makes that durable, and then cosigns. `held` must be the row of the note's origin.
///
/// # Errors
/// [`WitnessRefusal::Conflict`] tells the log what is held (HTTP 409 in tlog-witness); the others are final.
/// [`WitnessRefusal::Fork`]: keep both notes, they convict the log ([`crate::ForkProof`]).
pub fn witness_step(
    held: &Held,
    old_size: u64,
    note: &[u8],
    proof: &[Hash],
    log: &VerifierKey,
) -> Result<VerifiedCheckpoint, WitnessRefusal> {
    let verified = verify_log_signature(note, &Trust::logs_only(core::slice::from_ref(log)))?;
    let new = verified.checkpoint();
    if new.size() == held.size && new.root() != &held.root {
        return Err(WitnessRefusal::Fork { size: held.size });
    }
    if old_size != held.size {
        return Err(WitnessRefusal::Conflict { held: held.size });
    }
    verify_consistency((held.size, &held.root), (new.size(), new.root()), proof)?;
    Ok(verified)
}

/// Why a witness does not countersign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WitnessRefusal {
    /// No checkpoint of this log.
    #[error("the checkpoint is refused")]
    Checkpoint(#[from] VerifyCheckpointError),
    /// The request starts from another size than the one held.
    #[error("the witness holds size {held}")]
    Conflict {
        /// What the witness holds.
        held: u64,
    },
    /// Another root for the size held.
    #[error("the log signed two roots for size {size}")]
    Fork {
        /// The size.
        size: u64,
    },
    /// The checkpoint does not extend the one held.
    #[error("the checkpoint does not extend the one held")]
    Proof(#[from] ProofError),
}
