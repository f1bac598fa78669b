//! What a witness checks before it countersigns (C2SP tlog-witness): the log only ever grew. One row per
//! log, `Held`; the caller stores the new row and only then releases the countersignature.

use data_encoding::BASE64;
use thiserror::Error;

use crate::checkpoint::{Trust, VerifiedCheckpoint, VerifyCheckpointError, verify_log_signature};
use crate::hash::{EMPTY_ROOT, Hash};
use crate::key::VerifierKey;
use crate::proof::{ProofError, verify_consistency};
use crate::read::base64;

/// Most lines of proof in a request (C2SP tlog-witness).
const MAX_PROOF_LINES: usize = 63;
/// Longest request in bytes: the longest note and the longest proof.
const MAX_REQUEST: usize = 65_536 + 4_096;

/// A request to countersign (C2SP tlog-witness, add-checkpoint): the size the witness is thought to hold, the
/// consistency proof from there, and the signed checkpoint. Nothing in it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size from which the proof starts.
    pub old_size: u64,
    /// The proof; empty from size 0 and between equal sizes.
    pub proof: Vec<Hash>,
    /// The note, as its log signed it.
    pub note: Vec<u8>,
}

impl AddCheckpoint {
    /// Returns the body of the request.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            text.push_str(&BASE64.encode(&hash.0));
            text.push('\n');
        }
        text.push('\n');
        let mut body = text.into_bytes();
        body.extend_from_slice(&self.note);
        body
    }

    /// Reads the body of a request. Accepts exactly what [`AddCheckpoint::to_bytes`] writes.
    ///
    /// # Errors
    /// [`RequestError`] when it is malformed or beyond the limits. The note is not looked at.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_REQUEST {
            return Err(RequestError);
        }
        let end = body.windows(2).position(|pair| pair == b"\n\n").ok_or(RequestError)?;
        let (head, note) = body.split_at_checked(end.saturating_add(2)).ok_or(RequestError)?;
        let head = core::str::from_utf8(head).map_err(|_not_text| RequestError)?;
        let mut lines = head.split('\n');
        let size = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(RequestError)?;
        let old_size: u64 = size.parse().map_err(|_not_a_number| RequestError)?;
        if old_size.to_string() != size {
            return Err(RequestError);
        }
        let mut proof = Vec::new();
        for line in lines.take_while(|line| !line.is_empty()) {
            if proof.len() >= MAX_PROOF_LINES {
                return Err(RequestError);
            }
            let hash = base64(line).and_then(|bytes| Hash::from_slice(&bytes));
            proof.push(hash.ok_or(RequestError)?);
        }
        Ok(Self { old_size, proof, note: note.to_vec() })
    }
}

/// Not a request to countersign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a request to countersign a checkpoint")]
pub struct RequestError;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_in_one_spelling_only() {
        let request = AddCheckpoint {
            old_size: 7,
            proof: vec![Hash::new([1; 32]), Hash::new([2; 32])],
            note: b"any bytes\n\nthat follow".to_vec(),
        };
        let bytes = request.to_bytes();
        assert_eq!(AddCheckpoint::parse(&bytes), Ok(request.clone()));
        let first = AddCheckpoint { old_size: 0, proof: Vec::new(), ..request };
        assert_eq!(AddCheckpoint::parse(&first.to_bytes()), Ok(first));
        let long = format!("old 1\n{}\n", format!("{}\n", BASE64.encode(&[1; 32])).repeat(64));
        for bad in [
            "",
            "old 7\n",
            "old 07\n\nx",
            "old -1\n\nx",
            "old 7 \n\nx",
            "new 7\n\nx",
            "old 7\nAA==\n\nx",
            "old 7\r\n\nx",
            &long,
        ] {
            assert_eq!(AddCheckpoint::parse(bad.as_bytes()), Err(RequestError), "{bad:?}");
        }
    }
}
