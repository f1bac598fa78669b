//! What the application asks of the machine it runs on: the time and randomness. The shell gives both, tests
//! give their own.

use mithaq_model::{Id16, Timestamp};
pub use mithaq_store::{Entropy, NoEntropy};

/// A wall clock. Never used for order or loss, only to refuse, to remind and to say when.
pub trait Clock: Send + Sync {
    /// Returns the time.
    fn now(&self) -> Timestamp;
}

/// Returns a random array.
///
/// # Errors
/// When the source fails.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns a new random identifier.
///
/// # Errors
/// When the source fails.
pub fn fresh<I: Id16>(entropy: &dyn Entropy) -> Result<I, NoEntropy> {
    random::<16>(entropy).map(I::from_bytes)
}
