//! Verifying proofs against roots (RFC 9162 §2.1.3.2, §2.1.4.2), strictly: a proof has exactly the
//! length its sizes demand. Reads no store and trusts nothing but the roots it is given.

use thiserror::Error;

use crate::frontier::{Frontier, MAX_SIZE};
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::tree::cover;

/// Checks that a leaf hash is leaf `index` of the tree with this size and root.
///
/// # Errors
/// A [`ProofError`] that names what does not fit.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    check_size(size)?;
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let (inner, border) = path_parts(index, size);
    check_length(inner + border, proof)?;
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            // A node without right sibling rises unchanged until it is a right child.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// Checks that the tree `(old_size, old_root)` is the beginning of the tree `(new_size, new_root)`.
///
/// From an empty tree and between equal sizes the only valid proof is the empty one, and the old root must
/// be [`EMPTY_ROOT`] or the new root.
///
/// # Errors
/// A [`ProofError`] that names what does not fit.
pub fn verify_consistency(
    (old_size, old_root): (u64, &Hash),
    (new_size, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    check_size(new_size)?;
    if old_size > new_size {
        return Err(ProofError::Shrunk { old: old_size, new: new_size });
    }
    if old_size == 0 || old_size == new_size {
        check_length(0, proof)?;
        let expected = if old_size == 0 { &EMPTY_ROOT } else { new_root };
        let empty_new = new_size > 0 || *new_root == EMPTY_ROOT;
        return if old_root == expected && empty_new { Ok(()) } else { Err(ProofError::RootMismatch) };
    }
    check_length(consistency_length(old_size, new_size), proof)?;
    let (from_old, from_new) = fold_consistency(old_size, new_size, old_root, proof)?;
    if from_old == *old_root && from_new == *new_root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// The two roots that a consistency proof gives (RFC 9162 §2.1.4.2 steps 2 to 6), `0 < old < new`.
fn fold_consistency(old: u64, new: u64, old_root: &Hash, proof: &[Hash]) -> Result<(Hash, Hash), ProofError> {
    let mut path = proof.iter();
    let seed = if old.is_power_of_two() { Some(old_root) } else { path.next() };
    let seed = *seed.ok_or(ProofError::Length { expected: 1, got: 0 })?;
    let shift = old.trailing_zeros();
    let (mut at, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut from_old, mut from_new) = (seed, seed);
    for hash in path {
        if at & 1 == 1 || at == last {
            from_old = node_hash(hash, &from_old);
            from_new = node_hash(hash, &from_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 { Ok((from_old, from_new)) } else { Err(ProofError::RootMismatch) }
}

/// The root that follows from the leaf hashes `start..start + n` and a range proof (see
/// [`crate::prove_range`] for `n >= 2`): the caller compares it with a signed root.
///
/// # Errors
/// When there are no leaves, they pass `size`, or the proof has the wrong length.
pub fn range_root(
    start: u64,
    leaves: impl IntoIterator<Item = Hash>,
    size: u64,
    proof: &[Hash],
) -> Result<Hash, ProofError> {
    check_size(size)?;
    let left_count = start.count_ones() as usize;
    let wrong = |expected| ProofError::Length { expected, got: proof.len() };
    let (left, right) = proof.split_at_checked(left_count).ok_or(wrong(left_count))?;
    let mut frontier = Frontier::from_parts(start, left.to_vec())
        .map_err(|_| ProofError::IndexOutOfRange { index: start, size })?;
    for leaf in leaves {
        frontier.push(leaf).map_err(|_| ProofError::SizeOutOfRange { size })?;
    }
    let end = frontier.size();
    if start >= end || end > size {
        return Err(ProofError::IndexOutOfRange { index: end, size });
    }
    let nodes: Vec<_> = cover(end, size).collect();
    if nodes.len() != right.len() {
        return Err(wrong(left_count + nodes.len()));
    }
    for ((level, _), hash) in nodes.into_iter().zip(right) {
        frontier.push_subtree(level, *hash, |_, _| ()).map_err(|_| ProofError::SizeOutOfRange { size })?;
    }
    Ok(frontier.root())
}

/// Length of an audit path: below and above the point where it leaves the right edge of the tree.
const fn path_parts(index: u64, size: u64) -> (usize, usize) {
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let border = match index.checked_shr(inner) {
        Some(rest) => rest.count_ones(),
        None => 0,
    };
    (inner as usize, border as usize)
}

const fn consistency_length(old: u64, new: u64) -> usize {
    let (inner, border) = path_parts(old - 1, new);
    let seed = if old.is_power_of_two() { 0 } else { 1 };
    seed + inner - old.trailing_zeros() as usize + border
}

const fn check_size(size: u64) -> Result<(), ProofError> {
    if size > MAX_SIZE { Err(ProofError::SizeOutOfRange { size }) } else { Ok(()) }
}

const fn check_length(expected: usize, proof: &[Hash]) -> Result<(), ProofError> {
    if expected == proof.len() { Ok(()) } else { Err(ProofError::Length { expected, got: proof.len() }) }
}

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The tree is larger than the format allows.
    #[error("a tree of {size} leaves is larger than the format allows")]
    SizeOutOfRange {
        /// The size as given.
        size: u64,
    },
    /// The leaf is not in a tree of this size (no leaf is in an empty tree).
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutOfRange {
        /// The index as given.
        index: u64,
        /// The size as given.
        size: u64,
    },
    /// The new tree is smaller than the old one: a rollback.
    #[error("the tree shrank from {old} to {new} leaves")]
    Shrunk {
        /// Old size.
        old: u64,
        /// New size.
        new: u64,
    },
    /// The proof has missing or surplus hashes.
    #[error("the proof needs {expected} hashes and has {got}")]
    Length {
        /// Hashes that these sizes need.
        expected: usize,
        /// Hashes given.
        got: usize,
    },
    /// The proof leads to another root.
    #[error("the proof does not lead to the given root")]
    RootMismatch,
}
