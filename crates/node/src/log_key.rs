//! The key that signs the node's log, behind the ledger's narrow trait.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use mithaq_ledger::{KeyKind, NoteSigner, VerifierKey};
use thiserror::Error;

/// The key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the log key is malformed")]
pub struct LogKeyError;

/// Signs checkpoints (or countersigns, by its kind).
pub struct LogKey {
    pair: Ed25519KeyPair,
    public: VerifierKey,
}

impl LogKey {
    /// Makes the key of a seed under a name.
    ///
    /// # Errors
    /// When seed or name are malformed.
    pub fn new(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, LogKeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_refused| LogKeyError)?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_length| LogKeyError)?;
        let public = VerifierKey::new(name, kind, &public).map_err(|_refused| LogKeyError)?;
        Ok(Self { pair, public })
    }

    /// Returns the key others verify with.
    #[must_use]
    pub const fn public(&self) -> &VerifierKey {
        &self.public
    }
}

impl NoteSigner for LogKey {
    fn name(&self) -> &str {
        self.public.name().as_str()
    }

    fn key_id(&self) -> u32 {
        self.public.id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        // An Ed25519 signature has 64 bytes; were it ever otherwise, an empty one verifies nowhere.
        self.pair.sign(message).as_ref().try_into().unwrap_or([0; 64])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_ledger::{Checkpoint, EMPTY_ROOT, Trust, verify_checkpoint};

    #[test]
    fn what_it_signs_verifies_with_its_public_key() {
        let key = LogKey::new("ma-security/log", KeyKind::Ed25519, &[7; 32]).unwrap();
        let note = Checkpoint::new("ma-security/log", 0, EMPTY_ROOT, Vec::new()).unwrap().sign(&key).unwrap();
        let keys = [key.public().clone()];
        assert!(verify_checkpoint(&note.to_bytes(), &Trust::logs_only(&keys)).is_ok());
        let other = [LogKey::new("ma-security/log", KeyKind::Ed25519, &[8; 32]).unwrap().public().clone()];
        assert!(verify_checkpoint(&note.to_bytes(), &Trust::logs_only(&other)).is_err());
    }
}
