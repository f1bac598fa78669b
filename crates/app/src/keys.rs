//! The keys of a running node, each behind the trait of its one purpose. The root is not here: it is offline.
//!
//! A node has had several generations of keys. Those of its newest manifest sign; earlier ones open what partners
//! encrypted to them, and sign what was already stamped with their manifest. A generation is never taken away while the
//! node runs: what is handed out by reference stays.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

use mithaq_envelope::{NodeSigner as _, SoftKeys};
use mithaq_ledger::{NoteSigner, VerifierKey};

use crate::error::AppError;

/// Generations beside the first that a process can hold; with one rotation a week more than a quarter of a year.
const LATER_MAX: usize = 16;

/// Looks for the keys of a generation by its node key, where the node keeps keys.
pub type KeyLoader = Box<dyn Fn(&[u8; 32]) -> Option<SoftKeys> + Send + Sync>;

/// Signing and decryption keys of a running node.
pub struct Keys {
    first: SoftKeys,
    later: [OnceLock<SoftKeys>; LATER_MAX],
    /// 0 for the first, else a place in `later` plus one.
    current: AtomicUsize,
    loader: Option<KeyLoader>,
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
        let later = [const { OnceLock::new() }; LATER_MAX];
        Self { first: soft, later, current: AtomicUsize::new(0), loader: None, log, log_key, witness }
    }

    /// Says where further generations are found.
    #[must_use]
    pub fn with_loader(mut self, loader: KeyLoader) -> Self {
        self.loader = Some(loader);
        self
    }

    pub(crate) fn witness(&self) -> &dyn NoteSigner {
        &*self.witness
    }

    /// The keys of the newest manifest.
    pub(crate) fn soft(&self) -> &SoftKeys {
        let at = self.current.load(Ordering::SeqCst).checked_sub(1);
        at.and_then(|at| self.later.get(at)).and_then(OnceLock::get).unwrap_or(&self.first)
    }

    /// Every generation in memory.
    pub(crate) fn all(&self) -> impl Iterator<Item = &SoftKeys> {
        self.later.iter().filter_map(OnceLock::get).chain([&self.first])
    }

    /// The generation with a node key: looked for where keys are kept when it is not in memory.
    pub(crate) fn of(&self, node_key: &[u8; 32]) -> Option<&SoftKeys> {
        if let Some(found) = self.all().find(|keys| keys.node_key() == *node_key) {
            return Some(found);
        }
        let mut fresh = self.loader.as_ref().and_then(|load| load(node_key))?;
        for place in &self.later {
            match place.set(fresh) {
                Ok(()) => return place.get(),
                Err(taken) => fresh = taken,
            }
        }
        None
    }

    /// Makes the generation with a node key the one that signs. `false` when it cannot be had.
    pub(crate) fn sign_with(&self, node_key: &[u8; 32]) -> bool {
        if self.of(node_key).is_none() {
            return false;
        }
        let at = |keys: &OnceLock<SoftKeys>| keys.get().is_some_and(|keys| keys.node_key() == *node_key);
        let at = self.later.iter().position(at).map_or(0, |at| at.saturating_add(1));
        self.current.store(at, Ordering::SeqCst);
        true
    }

    pub(crate) fn log(&self) -> &dyn NoteSigner {
        &*self.log
    }

    pub(crate) fn log_key(&self) -> Result<VerifierKey, AppError> {
        Ok(self.log_key.clone())
    }
}
