//! Evidence against a log: two checkpoints of the same size with different roots, both signed by it. No
//! honest log makes them (RFC 6962 §7.3), so the pair convicts the key without any leaf.

use thiserror::Error;

use crate::checkpoint::{Checkpoint, Trust, VerifiedCheckpoint, VerifyCheckpointError, verify_log_signature};
use crate::hash::Hash;
use crate::key::VerifierKey;
use crate::proof::{ProofError, verify_consistency};
use crate::read::Reader;

const MAGIC: &[u8; 6] = b"mxf/1\n";

/// Two signed checkpoints that contradict each other. Unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkProof {
    a: Vec<u8>,
    b: Vec<u8>,
}

/// A verified contradiction. Only [`ForkProof::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    log: VerifierKey,
    a: Checkpoint,
    b: Checkpoint,
}

impl Fork {
    /// The key that signed both.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The two checkpoints: same origin and size, different roots.
    #[must_use]
    pub const fn checkpoints(&self) -> (&Checkpoint, &Checkpoint) {
        (&self.a, &self.b)
    }
}

impl ForkProof {
    /// Takes two signed notes; the order does not matter.
    #[must_use]
    pub fn new(one: &[u8], other: &[u8]) -> Self {
        let (a, b) = if one <= other { (one, other) } else { (other, one) };
        Self { a: a.to_vec(), b: b.to_vec() }
    }

    /// Returns the two notes, the smaller bytes first.
    #[must_use]
    pub fn notes(&self) -> [&[u8]; 2] {
        [&self.a, &self.b]
    }

    /// `mxf/1\n`, then each note as `u32` length and bytes, the smaller bytes first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for note in [&self.a, &self.b] {
            // A note is at most 64 KiB; a longer one is refused when the proof is verified.
            out.extend_from_slice(&u32::try_from(note.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(note);
        }
        out
    }

    /// Reads what [`ForkProof::to_bytes`] writes, and nothing else.
    ///
    /// # Errors
    /// [`ForkError::Format`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ForkError> {
        let mut reader = Reader::new(bytes);
        let magic: [u8; 6] = reader.array().map_err(|_| ForkError::Format)?;
        let a = reader.long().map_err(|_| ForkError::Format)?;
        let b = reader.long().map_err(|_| ForkError::Format)?;
        if &magic != MAGIC || !reader.is_empty() || a > b {
            return Err(ForkError::Format);
        }
        Ok(Self { a: a.to_vec(), b: b.to_vec() })
    }

    /// Checks that one trusted key signed two roots for one size of one log.
    ///
    /// # Errors
    /// When a note is not signed by one of `logs`, or the two do not contradict each other.
    pub fn verify(&self, logs: &[VerifierKey]) -> Result<Fork, ForkError> {
        let trust = Trust::logs_only(logs);
        let a = verify_log_signature(&self.a, &trust)?;
        let b = verify_log_signature(&self.b, &trust)?;
        let (of_a, of_b) = (a.checkpoint(), b.checkpoint());
        if a.log() != b.log() || of_a.origin() != of_b.origin() || of_a.size() != of_b.size() {
            return Err(ForkError::NotComparable);
        }
        if of_a.root() == of_b.root() {
            return Err(ForkError::Agree);
        }
        Ok(Fork { log: a.log().clone(), a: of_a.clone(), b: of_b.clone() })
    }
}

/// Checks that two checkpoints, for example of two bundles that two parties hold, are of one history.
///
/// Any order. `proof` is the consistency proof from the smaller to the larger ([`crate::prove_consistency`]),
/// empty for equal sizes.
///
/// # Errors
/// [`HistoryError::Fork`] is evidence: make a [`ForkProof`] of the two notes. [`HistoryError::Proof`] is not
/// yet: the one who made the proof may be at fault, not the log.
pub fn same_history(
    one: &VerifiedCheckpoint,
    other: &VerifiedCheckpoint,
    proof: &[Hash],
) -> Result<(), HistoryError> {
    let (a, b) = (one.checkpoint(), other.checkpoint());
    if a.origin() != b.origin() {
        return Err(HistoryError::OtherLog);
    }
    if a.size() == b.size() && a.root() != b.root() {
        return Err(HistoryError::Fork { size: a.size() });
    }
    let (old, new) = if a.size() <= b.size() { (a, b) } else { (b, a) };
    verify_consistency((old.size(), old.root()), (new.size(), new.root()), proof).map_err(HistoryError::Proof)
}

/// Why two checkpoints are not shown to be of one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HistoryError {
    /// They are of different logs.
    #[error("the checkpoints are of different logs")]
    OtherLog,
    /// One size, two roots.
    #[error("the log has two roots for size {size}")]
    Fork {
        /// The size.
        size: u64,
    },
    /// The consistency proof does not hold.
    #[error("the consistency proof does not hold")]
    Proof(#[source] ProofError),
}

/// Why there is no proof of a fork.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ForkError {
    /// Not the bytes of a fork proof.
    #[error("not a fork proof")]
    Format,
    /// One of the two is no checkpoint of a trusted log.
    #[error("a checkpoint of the fork proof is refused")]
    Checkpoint(#[from] VerifyCheckpointError),
    /// Other key, other log or other size: a consistency proof decides, not this.
    #[error("the checkpoints are not of one key, one log and one size")]
    NotComparable,
    /// The same root twice.
    #[error("the checkpoints agree")]
    Agree,
}
