//! Appending a batch: the new root, the tiles to store and the state row to store with them. Writes
//! nothing itself: the caller stores all of [`Appended`] and the entries in one transaction.

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::frontier::{Frontier, FrontierError, LogFull, MAX_SIZE};
use crate::hash::{Hash, leaf_hash};
use crate::tile::{MAX_LEAF, TILE_HEIGHT, TILE_WIDTH, TileId, TileSource};
use crate::tree::{Nodes, ProveError};

const TILE_BYTES: usize = TILE_WIDTH * Hash::LEN;

/// One tile to store: replaces the row of the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileWrite {
    /// Which tile.
    pub id: TileId,
    /// Its hashes, 32 to 8,192 bytes; 8,192 is a complete tile.
    pub hashes: Vec<u8>,
}

/// What an append produced. Nothing of it counts before all of it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Index of the first leaf of the batch.
    pub first: u64,
    /// Leaves in the log now.
    pub size: u64,
    /// The root at `size`.
    pub root: Hash,
    /// Tiles completed by the batch, then the right edge of each level it touched.
    pub tiles: Vec<TileWrite>,
    /// The state row ([`Frontier::to_bytes`]): the one row [`Appender::restore`] needs besides tiles.
    pub state: Vec<u8>,
}

/// The writing end of a log: its frontier and the incomplete tile of each level.
///
/// Costs about one leaf hash and one node hash per leaf. When storing an [`Appended`] fails, drop the
/// appender (or return to a clone made before) and restore from the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appender {
    frontier: Frontier,
    /// For each tile level the bytes of its incomplete tile, 0 to 255 hashes.
    edge: Vec<Vec<u8>>,
}

impl Appender {
    /// An empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self { frontier: Frontier::new(), edge: Vec::new() }
    }

    /// Goes on from stored state, after checking that the stored tiles give the stored frontier.
    ///
    /// # Errors
    /// When the state row is damaged, a tile of the right edge is missing, longer than the state row
    /// says or does not hash to the frontier, or the store fails.
    pub fn restore<S: TileSource>(state: &[u8], source: &S) -> Result<Self, RestoreError<S::Error>> {
        let frontier = Frontier::from_bytes(state).map_err(RestoreError::State)?;
        let mut edge = Vec::new();
        let mut rest = frontier.size();
        let mut level: u8 = 0;
        while rest > 0 {
            edge.push(read_edge(source, level, rest)?);
            rest >>= TILE_HEIGHT;
            level = level.saturating_add(1);
        }
        let appender = Self { frontier, edge };
        appender.recheck(source)?;
        Ok(appender)
    }

    /// Reads the right edge from the store again and compares it with what this appender believes.
    /// To be called before a checkpoint is signed: a log must not sign what its store does not hold.
    /// Damage further left shows when the tree is rebuilt from the entries ([`Frontier::push`]).
    ///
    /// # Errors
    /// When the store does not give this frontier.
    pub fn recheck<S: TileSource>(&self, source: &S) -> Result<(), RestoreError<S::Error>> {
        let stored = Nodes::new(source, self.frontier.size()).cover(0, self.frontier.size())?;
        if stored == self.frontier.hashes() { Ok(()) } else { Err(RestoreError::Mismatch) }
    }

    /// Checks that this log still holds what a checkpoint it once signed says. [`Appender::restore`] cannot
    /// see a store that was rolled back as a whole; the last signed checkpoint, best as a partner holds it,
    /// can. To be called after a start, and after a restore from backup before anything is signed.
    ///
    /// # Errors
    /// When the log is shorter than the checkpoint or has another root at its size, or the store fails.
    pub fn continues<S: TileSource>(
        &self,
        source: &S,
        signed: &Checkpoint,
    ) -> Result<(), RestoreError<S::Error>> {
        if self.size() < signed.size() {
            return Err(RestoreError::RolledBack { stored: self.size(), signed: signed.size() });
        }
        let root = Nodes::new(source, signed.size()).subtree(0, signed.size())?;
        if root == *signed.root() { Ok(()) } else { Err(RestoreError::Mismatch) }
    }

    /// The frontier now.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Leaves in the log now.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root now.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Appends leaves in order. On an error nothing is appended.
    ///
    /// # Errors
    /// When a leaf is longer than [`MAX_LEAF`] or the log would pass [`MAX_SIZE`].
    pub fn append<L: AsRef<[u8]>>(&mut self, leaves: &[L]) -> Result<Appended, AppendError> {
        if leaves.iter().any(|leaf| leaf.as_ref().len() > MAX_LEAF) {
            return Err(AppendError::LeafTooLong);
        }
        let room = MAX_SIZE.saturating_sub(self.size());
        if u64::try_from(leaves.len()).map_or(true, |count| count > room) {
            return Err(AppendError::Full(LogFull));
        }
        let first = self.size();
        let mut tiles = Vec::new();
        for leaf in leaves {
            self.push(leaf_hash(leaf.as_ref()), &mut tiles).map_err(AppendError::Full)?;
        }
        self.push_edge(first, &mut tiles);
        let state = self.frontier.to_bytes();
        Ok(Appended { first, size: self.size(), root: self.root(), tiles, state })
    }

    fn push(&mut self, leaf: Hash, tiles: &mut Vec<TileWrite>) -> Result<(), LogFull> {
        let last = self.frontier.size();
        let edge = &mut self.edge;
        let mut done = |level: u32, hash: Hash| {
            if level.is_multiple_of(TILE_HEIGHT) {
                let level = level / TILE_HEIGHT;
                tiles.extend(place(edge, level, last >> (TILE_HEIGHT * (level + 1)), &hash));
            }
        };
        done(0, leaf);
        self.frontier.push_subtree(0, leaf, done)
    }

    /// The incomplete tile of each level in which a hash was placed since `first`.
    fn push_edge(&self, first: u64, tiles: &mut Vec<TileWrite>) {
        let mut shift = 0;
        for (level, hashes) in (0u8..).zip(&self.edge) {
            let grew = self.size() >> shift > first >> shift;
            shift += TILE_HEIGHT;
            if grew && !hashes.is_empty() {
                let index = self.size() >> shift;
                tiles.push(TileWrite { id: TileId { level, index }, hashes: hashes.clone() });
            }
        }
    }
}

/// Adds a hash to the incomplete tile of a level; gives the tile when that completes it.
fn place(edge: &mut Vec<Vec<u8>>, level: u32, index: u64, hash: &Hash) -> Option<TileWrite> {
    let (level, at) = (u8::try_from(level).ok()?, usize::try_from(level).ok()?);
    while edge.len() <= at {
        edge.push(Vec::with_capacity(TILE_BYTES));
    }
    let tile = edge.get_mut(at)?;
    tile.extend_from_slice(&hash.0);
    (tile.len() == TILE_BYTES).then(|| {
        let hashes = core::mem::replace(tile, Vec::with_capacity(TILE_BYTES));
        TileWrite { id: TileId { level, index }, hashes }
    })
}

/// The incomplete tile at the end of a level of `nodes` hashes: empty when they fill their tiles.
fn read_edge<S: TileSource>(source: &S, level: u8, nodes: u64) -> Result<Vec<u8>, RestoreError<S::Error>> {
    let id = TileId { level, index: nodes >> TILE_HEIGHT };
    let width = usize::try_from(nodes % (1 << TILE_HEIGHT)).unwrap_or(0);
    let stored = source.tile(id).map_err(|error| RestoreError::Read(ProveError::Source(error)))?;
    let bytes = stored.as_deref().unwrap_or_default();
    if bytes.len() != width * Hash::LEN {
        return Err(RestoreError::Edge { id, expected: width });
    }
    Ok(bytes.to_vec())
}

/// Why a batch was not appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AppendError {
    /// A leaf does not fit an entry bundle.
    #[error("a leaf is longer than 65535 bytes")]
    LeafTooLong,
    /// The log would be larger than the format allows.
    #[error(transparent)]
    Full(LogFull),
}

/// Why a log cannot go on from its store. The store was damaged, rolled back or changed: stop signing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RestoreError<E: std::error::Error + 'static> {
    /// The state row is damaged.
    #[error("the state row of the log is damaged")]
    State(#[source] FrontierError),
    /// The last tile of a level does not fit the size in the state row.
    #[error("tile {} of level {} should hold {expected} hashes", id.index, id.level)]
    Edge {
        /// Which tile.
        id: TileId,
        /// Hashes it should hold; 0: no such row.
        expected: usize,
    },
    /// A tile cannot be read.
    #[error("a tile of the right edge cannot be read")]
    Read(#[from] ProveError<E>),
    /// The tiles give another frontier or root than was stored or signed.
    #[error("the stored tiles do not hash to what the log stored or signed before")]
    Mismatch,
    /// The log is shorter than a checkpoint it signed.
    #[error("the log has {stored} leaves and signed {signed} before")]
    RolledBack {
        /// Leaves in the store.
        stored: u64,
        /// Leaves in the checkpoint.
        signed: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::MemoryTiles;

    fn leaves(range: core::ops::Range<u32>) -> Vec<[u8; 4]> {
        range.map(u32::to_be_bytes).collect()
    }

    #[test]
    fn batches_of_any_cut_give_the_same_tiles_and_state() {
        let (mut one, mut tiles_one) = (Appender::new(), MemoryTiles::new());
        let all = one.append(&leaves(0..70_000)).unwrap();
        let state = all.state.clone();
        tiles_one.apply(all);
        let (mut many, mut tiles_many, mut from, mut step) = (Appender::new(), MemoryTiles::new(), 0, 1);
        while from < 70_000 {
            let to = (from + step).min(70_000);
            let part = many.append(&leaves(from..to)).unwrap();
            assert_eq!((part.first, part.size), (u64::from(from), u64::from(to)));
            tiles_many.apply(part);
            many = Appender::restore(&many.frontier().to_bytes(), &tiles_many).unwrap();
            (from, step) = (to, step * 2 + 1);
        }
        assert_eq!((&tiles_one, &state), (&tiles_many, &many.frontier().to_bytes()));
        assert_eq!(one, many);
    }

    #[test]
    fn the_order_and_widths_of_tile_writes() {
        let mut log = Appender::new();
        let ids = |a: &Appended| -> Vec<(u8, u64, usize)> {
            a.tiles.iter().map(|t| (t.id.level, t.id.index, t.hashes.len() / 32)).collect()
        };
        assert_eq!(ids(&log.append(&leaves(0..255)).unwrap()), [(0, 0, 255)]);
        assert_eq!(ids(&log.append(&leaves(255..256)).unwrap()), [(0, 0, 256), (1, 0, 1)]);
        assert_eq!(ids(&log.append(&leaves(256..257)).unwrap()), [(0, 1, 1)]);
        assert_eq!(ids(&log.append::<&[u8]>(&[]).unwrap()), []);
    }

    #[test]
    fn a_leaf_too_long_appends_nothing() {
        let mut log = Appender::new();
        let got = log.append(&[vec![], vec![0; MAX_LEAF + 1]]);
        assert_eq!((got, log.size()), (Err(AppendError::LeafTooLong), 0));
    }

    #[test]
    fn a_changed_or_rolled_back_store_is_not_continued() {
        let (mut log, mut tiles) = (Appender::new(), MemoryTiles::new());
        tiles.apply(log.append(&leaves(0..600)).unwrap());
        let old = tiles.clone();
        tiles.apply(log.append(&leaves(600..610)).unwrap());
        let state = log.frontier().to_bytes();
        assert_eq!(Appender::restore(&state, &tiles), Ok(log.clone()));
        let edge = TileId { level: 0, index: 2 };
        assert_eq!(Appender::restore(&state, &old), Err(RestoreError::Edge { id: edge, expected: 98 }));
        for id in [edge, TileId { level: 1, index: 0 }] {
            let mut bad = tiles.clone();
            bad.tile_mut(id).unwrap()[40] ^= 1;
            assert_eq!(Appender::restore(&state, &bad), Err(RestoreError::Mismatch));
            assert_eq!(log.recheck(&bad), Err(RestoreError::Mismatch));
        }
        assert!(matches!(Appender::restore(&state[1..], &tiles), Err(RestoreError::State(_))));
    }

    #[test]
    fn a_store_rolled_back_whole_does_not_continue_its_checkpoint() {
        let (mut log, mut tiles) = (Appender::new(), MemoryTiles::new());
        tiles.apply(log.append(&leaves(0..600)).unwrap());
        let (old_state, old_tiles) = (log.frontier().to_bytes(), tiles.clone());
        tiles.apply(log.append(&leaves(600..610)).unwrap());
        let signed = |size, root| Checkpoint::new("ma-security/log", size, root, vec![]).unwrap();
        let last = signed(610, log.root());
        assert_eq!(log.continues(&tiles, &last), Ok(()));
        let mut old = Appender::restore(&old_state, &old_tiles).unwrap();
        assert_eq!(log.continues(&tiles, &signed(600, old.root())), Ok(()));
        let rolled_back = RestoreError::RolledBack { stored: 600, signed: 610 };
        assert_eq!(old.continues(&old_tiles, &last), Err(rolled_back));
        let mut forked = old_tiles.clone();
        forked.apply(old.append(&leaves(900..930)).unwrap());
        assert_eq!(old.continues(&forked, &last), Err(RestoreError::Mismatch));
    }
}
