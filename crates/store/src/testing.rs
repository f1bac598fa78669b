//! A source of bytes for tests: repeatable, never to be used for keys that guard anything.

use std::sync::Mutex;

use sha2::{Digest, Sha256};

use crate::vault::{Entropy, NoEntropy};

/// SHA-256 of a counter, block by block.
#[derive(Debug)]
pub struct Counter(Mutex<u64>);

impl Counter {
    /// Starts at a number.
    #[must_use]
    pub const fn new(start: u64) -> Self {
        Self(Mutex::new(start))
    }
}

impl Entropy for Counter {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
        let mut counter = self.0.lock().map_err(|_poisoned| NoEntropy)?;
        for block in out.chunks_mut(32) {
            *counter = counter.wrapping_add(1);
            for (place, byte) in block.iter_mut().zip(Sha256::digest(counter.to_be_bytes())) {
                *place = byte;
            }
        }
        Ok(())
    }
}
