//! C2SP tlog-tiles: where a tile lies, what it holds, how it is named. Reading and writing tiles is the
//! caller's ([`TileSource`]); computing with them is `tree`'s and `append`'s.

use core::{fmt, str::FromStr};
use std::borrow::Cow;
use std::collections::BTreeMap;

use thiserror::Error;

use crate::append::Appended;
use crate::hash::Hash;
use crate::read::Reader;

/// Hashes in a complete tile (tile height 8).
pub const TILE_WIDTH: usize = 256;
/// Levels of hashes in a tile.
pub(crate) const TILE_HEIGHT: u32 = 8;
/// Highest tile level (C2SP tlog-tiles).
pub(crate) const MAX_TILE_LEVEL: u8 = 5;
/// Longest leaf in bytes: its length is a `u16` in an entry bundle.
pub const MAX_LEAF: usize = 65_535;

/// Which tile: its tile level (0 to 5, each eight tree levels) and its place in that level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// Tile level: the tile holds hashes of subtrees of `256^level` leaves.
    pub level: u8,
    /// Place from the left, from 0.
    pub index: u64,
}

/// Reads stored tiles.
///
/// Contract for the database: one row per [`TileId`]; its blob is `width × 32` bytes, `1..=256` hashes from
/// the left. A row shorter than 8,192 bytes is the right edge of its level and is replaced by a longer
/// one that begins with the same bytes; a row of 8,192 bytes never changes again. What to write is in
/// [`Appended`], in the same transaction as the entries.
pub trait TileSource {
    /// Why the store could not answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The stored bytes of a tile, or `None` when there is no such row.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn tile(&self, id: TileId) -> Result<Option<Cow<'_, [u8]>>, Self::Error>;
}

/// Tiles in memory: for tests, simulation and measurement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryTiles(BTreeMap<TileId, Vec<u8>>);

impl MemoryTiles {
    /// No tiles.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Stores what an append produced.
    pub fn apply(&mut self, appended: Appended) {
        for write in appended.tiles {
            self.0.insert(write.id, write.hashes);
        }
    }

    /// The bytes of one tile, to damage them in a test.
    pub fn tile_mut(&mut self, id: TileId) -> Option<&mut Vec<u8>> {
        self.0.get_mut(&id)
    }
}

impl TileSource for MemoryTiles {
    type Error = core::convert::Infallible;

    fn tile(&self, id: TileId) -> Result<Option<Cow<'_, [u8]>>, Self::Error> {
        Ok(self.0.get(&id).map(|bytes| Cow::Borrowed(bytes.as_slice())))
    }
}

/// What a tile path names: hashes of a level, or entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Hashes(u8),
    Entries,
}

/// A resource name of C2SP tlog-tiles, such as `tile/0/x001/x234/067` or `tile/entries/000.p/17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TilePath {
    content: Content,
    index: u64,
    /// 1 to 256; 256 is a complete tile and is written without the `.p/` part.
    width: u16,
}

impl TilePath {
    /// The path of a hash tile with `width` hashes (1 to 256).
    ///
    /// # Errors
    /// When level, index or width are outside the format.
    pub fn hashes(id: TileId, width: u16) -> Result<Self, TilePathError> {
        Self::checked(Content::Hashes(id.level), id.index, width)
    }

    /// The path of an entry bundle with `width` entries (1 to 256).
    ///
    /// # Errors
    /// When index or width are outside the format.
    pub fn entries(index: u64, width: u16) -> Result<Self, TilePathError> {
        Self::checked(Content::Entries, index, width)
    }

    /// The tile, or `None` for an entry bundle.
    #[must_use]
    pub const fn tile(&self) -> Option<TileId> {
        match self.content {
            Content::Hashes(level) => Some(TileId { level, index: self.index }),
            Content::Entries => None,
        }
    }

    /// Place from the left, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Hashes or entries in the resource, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    fn checked(content: Content, index: u64, width: u16) -> Result<Self, TilePathError> {
        let level = match content {
            Content::Hashes(level) => level,
            Content::Entries => 0,
        };
        // The last tile of a level ends at leaf MAX_SIZE = 2^48.
        let last = 1u64.checked_shl(40u32.saturating_sub(TILE_HEIGHT * u32::from(level))).unwrap_or(0);
        if level > MAX_TILE_LEVEL || index >= last || !(1..=256).contains(&width) {
            return Err(TilePathError);
        }
        Ok(Self { content, index, width })
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Hashes(level) => write!(f, "tile/{level}")?,
            Content::Entries => f.write_str("tile/entries")?,
        }
        let mut unit: u64 = 1;
        while self.index / unit >= 1_000 {
            unit = unit.saturating_mul(1_000);
        }
        while unit > 1 {
            write!(f, "/x{:03}", self.index / unit % 1_000)?;
            unit /= 1_000;
        }
        write!(f, "/{:03}", self.index % 1_000)?;
        if self.width == 256 { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    /// Reads a path; a path that would be written in another way is refused.
    fn from_str(text: &str) -> Result<Self, TilePathError> {
        let rest = text.strip_prefix("tile/").ok_or(TilePathError)?;
        let (level, rest) = rest.split_once('/').ok_or(TilePathError)?;
        let content = match level {
            "entries" => Content::Entries,
            other => Content::Hashes(other.parse().map_err(|_| TilePathError)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().map_err(|_| TilePathError)?),
            None => (rest, 256),
        };
        let mut index: u64 = 0;
        for group in number.split('/') {
            let digits: u64 = group.trim_start_matches('x').parse().map_err(|_| TilePathError)?;
            index = index.checked_mul(1_000).and_then(|n| n.checked_add(digits)).ok_or(TilePathError)?;
        }
        let path = Self::checked(content, index, width)?;
        // One spelling only: groups, leading zeros, signs and `.p/256` are all settled by this.
        if path.to_string() == text { Ok(path) } else { Err(TilePathError) }
    }
}

/// Not a tile path of C2SP tlog-tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a tile path")]
pub struct TilePathError;

/// Writes an entry bundle: each entry as `u16` length and bytes (C2SP tlog-tiles, "Log entries").
///
/// # Errors
/// When there are no or more than 256 entries, or one is longer than [`MAX_LEAF`].
pub fn encode_entry_bundle<L: AsRef<[u8]>>(entries: &[L]) -> Result<Vec<u8>, EntryBundleError> {
    if entries.is_empty() || entries.len() > TILE_WIDTH {
        return Err(EntryBundleError::Count);
    }
    let mut out = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let len = u16::try_from(entry.len()).map_err(|_| EntryBundleError::TooLong)?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(entry);
    }
    Ok(out)
}

/// Reads an entry bundle of exactly `width` entries without copying them.
///
/// # Errors
/// When the bytes end early, do not end with the last entry, or `width` is not 1 to 256.
pub fn parse_entry_bundle(bytes: &[u8], width: usize) -> Result<Vec<&[u8]>, EntryBundleError> {
    if !(1..=TILE_WIDTH).contains(&width) {
        return Err(EntryBundleError::Count);
    }
    let mut reader = Reader::new(bytes);
    let mut entries = Vec::with_capacity(width);
    for _ in 0..width {
        entries.push(reader.medium().map_err(|_| EntryBundleError::Truncated)?);
    }
    if reader.is_empty() { Ok(entries) } else { Err(EntryBundleError::Trailing) }
}

/// Why an entry bundle was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EntryBundleError {
    /// No entry, or more than a tile holds.
    #[error("an entry bundle holds 1 to 256 entries")]
    Count,
    /// An entry does not fit its length field.
    #[error("an entry is longer than 65535 bytes")]
    TooLong,
    /// The bytes end within an entry.
    #[error("the entry bundle ends early")]
    Truncated,
    /// There are bytes after the last entry.
    #[error("the entry bundle has bytes after its last entry")]
    Trailing,
}

/// Splits a stored tile into hashes; `None` when its length is not that of 1 to 256 hashes.
pub(crate) fn tile_hashes(bytes: &[u8]) -> Option<&[[u8; 32]]> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && (1..=TILE_WIDTH).contains(&hashes.len())).then_some(hashes)
}

/// The hash at `offset` of a stored tile.
pub(crate) fn hash_at(hashes: &[[u8; 32]], offset: usize) -> Option<Hash> {
    hashes.get(offset).copied().map(Hash)
}

#[cfg(test)]
mod tests;
