//! The right edge of the log: one hash for each complete subtree, largest first (a compact range that
//! begins at leaf 0). Enough to append and to know the root, not enough to prove anything: for that
//! see `tree`.

use thiserror::Error;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::read::Reader;

/// The most leaves a log may have: six levels of tiles (C2SP tlog-tiles allows levels 0 to 5).
pub const MAX_SIZE: u64 = 1 << 48;

/// The complete subtrees of a log of `size` leaves.
///
/// Holds: as many hashes as `size` has set bits, the largest subtree first, and `size <= MAX_SIZE`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a log without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, hashes: Vec::new() }
    }

    /// Takes a size and its subtree hashes. Whether they belong to a certain log only its root tells.
    ///
    /// # Errors
    /// When the size is above [`MAX_SIZE`] or the number of hashes is not its number of set bits.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_SIZE {
            return Err(FrontierError::TooLarge { size });
        }
        let (expected, got) = (ones(size), hashes.len());
        if expected != got {
            return Err(FrontierError::Count { expected, got });
        }
        Ok(Self { size, hashes })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The subtree hashes, largest first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root at this size (RFC 6962 §2.1 MTH).
    #[must_use]
    pub fn root(&self) -> Hash {
        let right_to_left = self.hashes.iter().rev().copied();
        right_to_left.reduce(|right, left| node_hash(&left, &right)).unwrap_or(EMPTY_ROOT)
    }

    /// Appends one leaf by its leaf hash.
    ///
    /// # Errors
    /// When the log already has [`MAX_SIZE`] leaves.
    pub fn push(&mut self, leaf: Hash) -> Result<(), LogFull> {
        self.push_subtree(0, leaf, |_, _| ())
    }

    /// Appends a complete subtree of `2^level` leaves and tells `done` of each larger subtree that it
    /// completes, with its level. The size must be a multiple of `2^level`.
    pub(crate) fn push_subtree(
        &mut self,
        level: u32,
        hash: Hash,
        mut done: impl FnMut(u32, Hash),
    ) -> Result<(), LogFull> {
        let size = 1u64.checked_shl(level).and_then(|leaves| self.size.checked_add(leaves));
        let size = size.filter(|size| *size <= MAX_SIZE).ok_or(LogFull)?;
        let (mut carry, mut level, mut hash) = (self.size >> level, level, hash);
        // A set bit of the size is a complete subtree on the stack: the two always agree.
        while carry & 1 == 1
            && let Some(left) = self.hashes.pop()
        {
            hash = node_hash(&left, &hash);
            carry >>= 1;
            level += 1;
            done(level, hash);
        }
        self.hashes.push(hash);
        self.size = size;
        Ok(())
    }

    /// The state row: `u64` size, the hashes, the root (8 + 32 × (set bits + 1) bytes).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + Hash::LEN * (self.hashes.len() + 1));
        out.extend_from_slice(&self.size.to_be_bytes());
        for hash in self.hashes.iter().chain([&self.root()]) {
            out.extend_from_slice(&hash.0);
        }
        out
    }

    /// Reads a state row and recomputes its root, so that a damaged row is refused.
    ///
    /// # Errors
    /// When the row has another length, is of another size, or its root does not follow from its hashes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let mut reader = Reader::new(bytes);
        let size = reader.u64().map_err(|_| FrontierError::Length)?;
        let hashes = reader.hashes(ones(size)).map_err(|_| FrontierError::Length)?;
        let root = reader.hash().map_err(|_| FrontierError::Length)?;
        if !reader.is_empty() {
            return Err(FrontierError::Length);
        }
        let frontier = Self::from_parts(size, hashes)?;
        if frontier.root() == root { Ok(frontier) } else { Err(FrontierError::Root) }
    }
}

fn ones(size: u64) -> usize {
    size.count_ones() as usize
}

/// Why a stored frontier was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrontierError {
    /// More leaves than a log may have.
    #[error("a log of {size} leaves is larger than the format allows")]
    TooLarge {
        /// The size as given.
        size: u64,
    },
    /// The hashes do not fit the size.
    #[error("the size needs {expected} subtree hashes, {got} were given")]
    Count {
        /// Set bits of the size.
        expected: usize,
        /// Hashes given.
        got: usize,
    },
    /// The row has missing or surplus bytes.
    #[error("the state row has the wrong length")]
    Length,
    /// The row disagrees with itself.
    #[error("the root of the state row does not follow from its hashes")]
    Root,
}

/// The log has [`MAX_SIZE`] leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the log is full")]
pub struct LogFull;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn a_state_row_round_trips_and_any_flipped_byte_is_refused() {
        let mut frontier = Frontier::new();
        for n in 0..23u8 {
            frontier.push(leaf_hash(&[n])).unwrap();
            let row = frontier.to_bytes();
            assert_eq!(Frontier::from_bytes(&row), Ok(frontier.clone()));
            for at in 0..row.len() {
                let mut bad = row.clone();
                bad[at] ^= 1;
                assert!(Frontier::from_bytes(&bad).is_err(), "size {n} byte {at}");
            }
            assert_eq!(Frontier::from_bytes(&row[..row.len() - 1]), Err(FrontierError::Length));
        }
        assert_eq!(Frontier::from_bytes(&Frontier::new().to_bytes()), Ok(Frontier::new()));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let got = Frontier::from_parts(3, vec![EMPTY_ROOT]);
        assert_eq!(got, Err(FrontierError::Count { expected: 2, got: 1 }));
        let got = Frontier::from_parts(MAX_SIZE + 1, vec![EMPTY_ROOT; 2]);
        assert_eq!(got, Err(FrontierError::TooLarge { size: MAX_SIZE + 1 }));
    }

    #[test]
    fn a_full_log_takes_no_leaf() {
        let mut full = Frontier::from_parts(MAX_SIZE, vec![EMPTY_ROOT]).unwrap();
        assert_eq!(full.push(EMPTY_ROOT), Err(LogFull));
        assert_eq!(full.size(), MAX_SIZE);
    }
}
