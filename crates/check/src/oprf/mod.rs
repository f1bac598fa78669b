//! The oblivious pseudorandom function of RFC 9497, ciphersuite ristretto255-SHA512, base and verifiable mode.
//!
//! A thin layer of our own over `curve25519-dalek`, for one reason: work in batches. Points are compressed by the
//! batch (one inversion for all of them, of *doubled* points: every scalar that is applied is halved first), blinds
//! are inverted by the batch, and large batches are shared among the cores of the machine. Bytes are exactly those of
//! the RFC; its vectors and the crate `voprf` are the tests.
//!
//! # Secrets
//! The key, the blinds and everything computed from them are touched by constant-time operations only and erased
//! when dropped. What is public already (blinded and evaluated elements, proofs) may be handled in variable time.
//!
//! # What it deliberately does not do
//! Draw randomness (an argument), bound how often a key is used (see [`crate::charge`]), or know what is asked.

mod client;
mod group;
mod hash;
mod key;
mod proof;
mod server;
mod share;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use client::{Blinds, blind, finalize, finalize_verified};
pub use group::Element;
pub(crate) use group::count;
pub use key::{PublicKey, SecretKey};
pub use proof::Proof;
pub use server::{evaluate, evaluate_proved, own_outputs};
pub(crate) use share::shared;

/// What one evaluation gives: SHA-512 of the input and the unblinded element (RFC 9497, §3.3.1, `Finalize`).
pub type Output = [u8; 64];

/// Most elements of one evaluation and of one proof. The RFC numbers them with two bytes.
pub const BATCH_MAX: usize = 65_535;
/// Longest input in bytes: longer ones would cost a further block of the hash, and none of ours is.
pub const INPUT_MAX: usize = 1_024;
/// Elements worked on at once: the inversion is shared by so many, the memory stays in the cache.
pub(crate) const CHUNK: usize = 256;

/// Mode of the function. The two give different outputs for one key: a tag set belongs to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The asking side takes the evaluation on trust.
    Base,
    /// Each evaluation comes with a proof that it was made with the key whose public part is known.
    Verifiable,
}

impl Mode {
    /// Returns the number of the mode (RFC 9497, §3.1).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Base => 0,
            Self::Verifiable => 1,
        }
    }

    /// Returns the mode of a number.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Base),
            1 => Some(Self::Verifiable),
            _ => None,
        }
    }
}

/// Why an evaluation is refused. Tells which part, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OprfError {
    /// Bytes that are no element, in another than their only encoding, or the neutral element.
    #[error("an element is not a point of the group in its only encoding")]
    Element,
    /// Bytes that are no scalar in its only encoding, or zero.
    #[error("a scalar is zero or not in its only encoding")]
    Scalar,
    /// None, too many, or another number than was asked for.
    #[error("the number of elements is not what was asked for")]
    Count,
    /// An input that is too long or maps to the neutral element.
    #[error("an input cannot be used")]
    Input,
    /// The proof does not hold: another key, another batch, or changed on the way.
    #[error("the proof of evaluation does not hold under this key")]
    Proof,
    /// The randomness given is all zero: the generator is broken.
    #[error("the randomness is broken")]
    Randomness,
}
