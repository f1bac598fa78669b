//! What the application asks of the machine it runs on: the time and randomness. The shell gives both, tests
//! give their own.

use mithaq_model::{Id16, Timestamp};
pub use mithaq_store::{Entropy, NoEntropy};

/// A wall clock. Never used for order or loss, only to refuse, to remind and to say when.
pub trait Clock: Send + Sync {
    /// Returns the time.
    fn now(&self) -> Timestamp;
}

/// What the node remembers of its log outside of its database: the last checkpoint it signed. Whoever puts an older,
/// consistent copy of the whole database in place would not be noticed by the database itself.
pub trait HighWater: Send + Sync {
    /// Returns the signed checkpoint that was kept last; none: nothing was kept yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn last(&self) -> Result<Option<Vec<u8>>, Unkept>;

    /// Keeps a signed checkpoint, durable on return, in place of the last.
    ///
    /// # Errors
    /// When it could not be made durable.
    fn keep(&self, note: &[u8]) -> Result<(), Unkept>;
}

/// The mark outside of the database cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the mark of the log outside of the database cannot be {what}")]
pub struct Unkept {
    /// `read` or `written`.
    pub what: &'static str,
    /// What the machine says.
    #[source]
    pub source: std::io::Error,
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
