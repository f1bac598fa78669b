//! The keys of a running node, each behind the trait of its one purpose. The root is not here: it is offline.

use mithaq_envelope::SoftKeys;
use mithaq_ledger::{NoteSigner, VerifierKey};

use crate::error::AppError;

/// Signing and decryption keys of a running node.
pub struct Keys {
    soft: SoftKeys,
    log: Box<dyn NoteSigner + Send + Sync>,
    log_key: VerifierKey,
    witness: Box<dyn NoteSigner + Send + Sync>,
}

impl Keys {
    /// Takes the keys: seals, envelopes and decryption; the log's signer and the key others verify it with; what
    /// countersigns the logs of partners.
    #[must_use]
    pub fn new(
        soft: SoftKeys,
        log: Box<dyn NoteSigner + Send + Sync>,
        log_key: VerifierKey,
        witness: Box<dyn NoteSigner + Send + Sync>,
    ) -> Self {
        Self { soft, log, log_key, witness }
    }

    pub(crate) fn witness(&self) -> &dyn NoteSigner {
        &*self.witness
    }

    pub(crate) const fn soft(&self) -> &SoftKeys {
        &self.soft
    }

    pub(crate) fn log(&self) -> &dyn NoteSigner {
        &*self.log
    }

    pub(crate) fn log_key(&self) -> Result<VerifierKey, AppError> {
        Ok(self.log_key.clone())
    }
}
