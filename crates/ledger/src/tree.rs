//! Roots and proofs from stored tiles: which nodes a proof needs (RFC 6962 §2.1.1, §2.1.2) and how a
//! node is computed from a tile. Trusts the tiles it reads; a wrong tile gives a proof that fails.

use std::borrow::Cow;
use std::collections::BTreeMap;

use thiserror::Error;

use crate::frontier::MAX_SIZE;
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::tile::{TILE_HEIGHT, TileId, TileSource, hash_at, tile_hashes};

/// The root of the first `size` leaves.
///
/// # Errors
/// When a tile is missing, damaged or unreadable.
pub fn root_at<S: TileSource>(source: &S, size: u64) -> Result<Hash, ProveError<S::Error>> {
    Nodes::new(source, size).subtree(0, size)
}

/// The audit path of leaf `index` in the tree of the first `size` leaves, leaf side first
/// (RFC 6962 §2.1.1).
///
/// # Errors
/// When `index >= size`, or a tile is missing, damaged or unreadable.
pub fn prove_inclusion<S: TileSource>(
    source: &S,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if index >= size || size > MAX_SIZE {
        return Err(ProveError::OutOfRange);
    }
    let (mut lo, mut hi, mut ranges) = (0, size, Vec::new());
    while hi - lo > 1 {
        let middle = lo + split(hi - lo);
        if index < middle {
            ranges.push((middle, hi));
            hi = middle;
        } else {
            ranges.push((lo, middle));
            lo = middle;
        }
    }
    Nodes::new(source, size).subtrees(ranges)
}

/// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves
/// (RFC 6962 §2.1.2). Empty when `old` is 0 or `new`.
///
/// # Errors
/// When `old > new`, or a tile is missing, damaged or unreadable.
pub fn prove_consistency<S: TileSource>(
    source: &S,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if old > new || new > MAX_SIZE {
        return Err(ProveError::OutOfRange);
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let (mut lo, mut hi, mut ranges) = (0, new, Vec::new());
    while hi > old {
        let middle = lo + split(hi - lo);
        if old <= middle {
            ranges.push((middle, hi));
            hi = middle;
        } else {
            ranges.push((lo, middle));
            lo = middle;
        }
    }
    // The verifier has the old root: the subtree [lo, old) is only sent when it is not that root.
    if lo > 0 {
        ranges.push((lo, hi));
    }
    Nodes::new(source, new).subtrees(ranges)
}

/// The hashes that, with the leaves `start..end`, give the root at `size`: the complete subtrees left of
/// `start`, then those right of `end`, each from left to right. For one leaf: its audit path.
///
/// # Errors
/// When not `start < end <= size`, or a tile is missing, damaged or unreadable.
pub fn prove_range<S: TileSource>(
    source: &S,
    start: u64,
    end: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if start >= end || end > size || size > MAX_SIZE {
        return Err(ProveError::OutOfRange);
    }
    if end - start == 1 {
        return prove_inclusion(source, start, size);
    }
    let mut nodes = Nodes::new(source, size);
    let mut hashes = nodes.cover(0, start)?;
    hashes.extend(nodes.cover(end, size)?);
    Ok(hashes)
}

/// The largest power of two smaller than `n` (`n > 1`): where RFC 6962 splits a tree.
fn split(n: u64) -> u64 {
    1 << n.saturating_sub(1).ilog2()
}

/// The levels and places of the fewest complete subtrees that make up the leaves `lo..hi`, left to right.
pub(crate) fn cover(mut lo: u64, hi: u64) -> impl Iterator<Item = (u32, u64)> {
    core::iter::from_fn(move || {
        let fits = hi.checked_sub(lo)?.checked_ilog2()?;
        let level = fits.min(lo.trailing_zeros());
        let node = (level, lo >> level);
        lo += 1 << level;
        Some(node)
    })
}

/// Reads nodes of a tree of `size` leaves out of tiles, each tile once.
pub(crate) struct Nodes<'s, S> {
    source: &'s S,
    size: u64,
    tiles: BTreeMap<TileId, Cow<'s, [u8]>>,
}

impl<'s, S: TileSource> Nodes<'s, S> {
    pub(crate) const fn new(source: &'s S, size: u64) -> Self {
        Self { source, size, tiles: BTreeMap::new() }
    }

    /// The hashes of [`cover`].
    pub(crate) fn cover(&mut self, lo: u64, hi: u64) -> Result<Vec<Hash>, ProveError<S::Error>> {
        cover(lo, hi).map(|(level, index)| self.node(level, index)).collect()
    }

    /// The hash of each range, the last range first: proofs are found from the root, sent from the leaf.
    fn subtrees(&mut self, ranges: Vec<(u64, u64)>) -> Result<Vec<Hash>, ProveError<S::Error>> {
        ranges.into_iter().rev().map(|(lo, hi)| self.subtree(lo, hi)).collect()
    }

    /// MTH of the leaves `lo..hi`, where `lo` begins a subtree of the RFC 6962 tree.
    pub(crate) fn subtree(&mut self, lo: u64, hi: u64) -> Result<Hash, ProveError<S::Error>> {
        let parts = self.cover(lo, hi)?;
        let right_to_left = parts.into_iter().rev();
        Ok(right_to_left.reduce(|right, left| node_hash(&left, &right)).unwrap_or(EMPTY_ROOT))
    }

    /// The complete subtree number `index` of `2^level` leaves.
    fn node(&mut self, level: u32, index: u64) -> Result<Hash, ProveError<S::Error>> {
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index << height;
        let id = TileId { level: u8::try_from(tile_level).unwrap_or(u8::MAX), index: first >> TILE_HEIGHT };
        let offset = usize::try_from(first % (1 << TILE_HEIGHT)).unwrap_or(usize::MAX);
        let tile = self.tile(id)?;
        let mut row = Vec::with_capacity(1 << height);
        for at in offset..offset.saturating_add(1 << height) {
            row.push(hash_at(tile, at).ok_or(ProveError::Short { id })?);
        }
        for _ in 0..height {
            let (pairs, _) = row.as_chunks::<2>();
            row = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        row.first().copied().ok_or(ProveError::Short { id })
    }

    fn tile(&mut self, id: TileId) -> Result<&[[u8; 32]], ProveError<S::Error>> {
        if !self.tiles.contains_key(&id) {
            let bytes = self.source.tile(id).map_err(ProveError::Source)?;
            self.tiles.insert(id, bytes.ok_or(ProveError::Missing { id, size: self.size })?);
        }
        let bytes = self.tiles.get(&id).map(AsRef::as_ref).unwrap_or_default();
        tile_hashes(bytes).ok_or(ProveError::Malformed { id })
    }
}

/// Why a root or proof could not be computed from the store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProveError<E: std::error::Error + 'static> {
    /// The question is about leaves the tree does not have.
    #[error("the leaves asked for are not in the tree")]
    OutOfRange,
    /// A tile the tree needs is not stored.
    #[error("tile {} of level {} is missing for a log of {size} leaves", id.index, id.level)]
    Missing {
        /// Which tile.
        id: TileId,
        /// Size of the tree it was needed for.
        size: u64,
    },
    /// A stored tile is not 1 to 256 hashes.
    #[error("tile {} of level {} is not 1 to 256 hashes", id.index, id.level)]
    Malformed {
        /// Which tile.
        id: TileId,
    },
    /// A stored tile ends before a hash the tree needs.
    #[error("tile {} of level {} ends early", id.index, id.level)]
    Short {
        /// Which tile.
        id: TileId,
    },
    /// The store failed.
    #[error("the tile store failed")]
    Source(#[source] E),
}
