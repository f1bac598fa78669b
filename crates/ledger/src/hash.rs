//! The one hash of the log and its domain separation (RFC 6962 §2.1): leaf `0x00`, node `0x01`,
//! commitment `0x02`. Nothing here keeps state.

use core::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The root of a log without leaves: SHA-256 of nothing (RFC 6962 §2.1).
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// A SHA-256 value: 32 bytes, shown and read as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub(crate) [u8; 32]);

impl Hash {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Takes 32 bytes as they are.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads exactly 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_write(&self.0, f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Hash {
    type Err = HashParseError;

    fn from_str(text: &str) -> Result<Self, HashParseError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| HashParseError)?;
        Self::from_slice(&bytes).ok_or(HashParseError)
    }
}

/// The text was not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct HashParseError;

/// `SHA-256(0x00 || leaf)`: the hash of a leaf (RFC 6962 §2.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0x00]).chain_update(leaf).finalize().into())
}

/// `SHA-256(0x01 || left || right)`: the hash of an inner node (RFC 6962 §2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [0x01; 65];
    let (_, pair) = input.split_at_mut(1);
    let (l, r) = pair.split_at_mut(32);
    l.copy_from_slice(&left.0);
    r.copy_from_slice(&right.0);
    Hash(Sha256::digest(input).into())
}

/// `SHA-256(content)`: what [`commit_digest`] takes in place of the content.
#[must_use]
pub fn content_digest(content: &[u8]) -> Hash {
    Hash(Sha256::digest(content).into())
}

/// `SHA-256(0x02 || salt || SHA-256(content))`: what a leaf holds in place of content.
///
/// Without the salt (32 random bytes, kept beside the content and erased with it) short or guessable
/// content cannot be tested against the log.
#[must_use]
pub fn commit(salt: &[u8; 32], content: &[u8]) -> Hash {
    commit_digest(salt, &content_digest(content))
}

/// [`commit`] for content of which only the SHA-256 is at hand.
#[must_use]
pub fn commit_digest(salt: &[u8; 32], digest: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([0x02]).chain_update(salt).chain_update(digest.0).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(content_digest(b""), EMPTY_ROOT);
    }

    #[test]
    fn hex_round_trips_and_refuses_other_spellings() {
        let text = EMPTY_ROOT.to_string();
        assert_eq!(text.parse::<Hash>(), Ok(EMPTY_ROOT));
        for bad in
            [text.to_uppercase(), text.get(..62).unwrap().to_owned(), format!("{text}00"), format!(" {text}")]
        {
            assert_eq!(bad.parse::<Hash>(), Err(HashParseError), "{bad}");
        }
    }

    #[test]
    fn a_commitment_depends_on_salt_and_content_and_is_no_leaf_or_node() {
        let c = commit(&[1; 32], b"content");
        assert_ne!(c, commit(&[2; 32], b"content"));
        assert_ne!(c, commit(&[1; 32], b"Content"));
        assert_eq!(c, commit_digest(&[1; 32], &content_digest(b"content")));
        assert_ne!(c, node_hash(&Hash([1; 32]), &content_digest(b"content")));
    }
}
