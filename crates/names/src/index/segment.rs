//! One immutable segment: its layout, opened from any source of bytes, every part checked before it is used.
//!
//! Layout, numbers little-endian: a header of [`HEADER`] bytes, then five sections without gaps.
//!
//! | section | holds | checked |
//! |---|---|---|
//! | names | blocks of [`BLOCK`] names in order of their ids: kind, id, text | per block, when read |
//! | postings | lists of names too long for their token | per list, when read |
//! | tokens | per coarse skeleton: distinct tokens with their lists of names | per group, when read |
//! | weights | one byte a name: kind and weight of its tokens; then one bit a name: it is of the record before it | at opening |
//! | directory | offsets of blocks and groups | at opening |

use super::codec::{Bytes, checksum};
use crate::{Kind, TABLES_VERSION};

pub(super) const MAGIC: &[u8; 8] = b"MITHNAM2";
/// Bytes of the header.
pub(super) const HEADER: usize = 64;
/// Names in a block.
pub(super) const BLOCK: usize = 16;
/// Sections of a segment.
pub(super) const SECTIONS: usize = 5;
/// Longest block, group or list that is read, in bytes: what a segment of [`super::MAX_NAMES`] can need.
const READ_MAX: usize = 1 << 28;

/// A part of the segment, for errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The header.
    Header,
    /// Names and ids.
    Names,
    /// Long lists of names.
    Postings,
    /// Distinct tokens.
    Tokens,
    /// Weights of the names.
    Weights,
    /// Offsets.
    Directory,
}

/// Why a segment cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The bytes are no segment of a name index.
    #[error(
        "not a segment of a name index, or one of another version of this program\nhint: build the index again from its source"
    )]
    Foreign,
    /// The segment was made with other tables.
    #[error(
        "the segment was made with tables {found}, this program has {TABLES_VERSION}\nhint: build the index again from its source"
    )]
    Version {
        /// Version of the tables the segment was made with.
        found: u32,
    },
    /// Bytes are not what was written.
    #[error(
        "the segment is damaged in its {section:?} section, near byte {at}\nhint: restore the file or build the index again"
    )]
    Damaged {
        /// Where.
        section: Section,
        /// Byte offset in the segment.
        at: u64,
    },
    /// The source of bytes failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Building failed.
    #[error(transparent)]
    Build(#[from] super::BuildError),
}

/// The source of bytes failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot read {len} bytes at {at} of the segment: {why}\nhint: check the disk and that the file was not cut"
)]
pub struct SourceError {
    /// Byte offset.
    pub at: u64,
    /// Bytes wanted.
    pub len: usize,
    /// What the source said.
    pub why: String,
}

/// Where the bytes of a segment come from: memory, or a file read in pieces.
pub trait Source {
    /// Returns the number of bytes.
    fn size(&self) -> u64;

    /// Returns `len` bytes at `at`; a source that is not in memory fills the buffer.
    ///
    /// # Errors
    /// When the bytes are not there or cannot be read.
    fn read<'a>(&'a self, at: u64, len: usize, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], SourceError>;
}

impl<T: AsRef<[u8]>> Source for T {
    fn size(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn read<'a>(&'a self, at: u64, len: usize, _buffer: &'a mut Vec<u8>) -> Result<&'a [u8], SourceError> {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let bytes = self.as_ref().get(start..).and_then(|rest| rest.get(..len));
        bytes.ok_or_else(|| SourceError { at, len, why: "the bytes end early".to_owned() })
    }
}

/// A name as a segment holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// What is named.
    pub kind: Kind,
    /// Id of the record.
    pub id: &'a str,
    /// The name as it was given.
    pub text: &'a str,
}

/// Offsets and lengths of the sections, in order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout {
    pub(super) names: u32,
    pub(super) groups: u32,
    pub(super) sections: [(u64, u64); SECTIONS],
}

/// An immutable segment.
#[derive(Debug)]
pub struct Segment<S> {
    source: S,
    pub(super) layout: Layout,
    /// Start of every block of names, and the end.
    blocks: Vec<u64>,
    /// Coarse skeletons in order.
    pub(super) skeletons: Vec<u64>,
    /// Start of every group of tokens, and the end.
    groups: Vec<u64>,
    pub(super) weights: Vec<u8>,
    follows: Follows,
}

impl<S: Source> Segment<S> {
    /// Opens a segment: checks the header and the directory, and keeps them in memory (about two bytes a name).
    ///
    /// # Errors
    /// When the bytes are foreign, of other tables, damaged or cut.
    pub fn open(source: S) -> Result<Self, IndexError> {
        let mut buffer = Vec::new();
        let layout = header(&source, &mut buffer)?;
        let [_, _, _, weights, directory] = layout.sections;
        let mut weights = whole(&source, Section::Weights, weights, &mut buffer)?.to_vec();
        let names = layout.names as usize;
        if weights.len() != names + names.div_ceil(8) {
            return Err(IndexError::Damaged { section: Section::Weights, at: 0 });
        }
        let follows = Follows::new(weights.split_off(names));
        let bytes = whole(&source, Section::Directory, directory, &mut buffer)?;
        let parsed = offsets(bytes, &layout);
        let Some((blocks, skeletons, groups)) = parsed else {
            return Err(IndexError::Damaged { section: Section::Directory, at: directory.0 });
        };
        Ok(Self { source, layout, blocks, skeletons, groups, weights, follows })
    }

    /// Returns the number of names.
    #[must_use]
    pub const fn names(&self) -> u32 {
        self.layout.names
    }

    /// Returns the number of records.
    #[must_use]
    pub const fn records(&self) -> u32 {
        self.layout.names.saturating_sub(self.follows.count)
    }

    /// Returns the part of its record that a name is, in [`PARTS`], when only some names count.
    pub(super) fn part(&self, at: u32, counts: impl Fn(u32) -> bool) -> u64 {
        self.follows.part(at, self.layout.names, counts)
    }

    /// Returns what the name at a place names.
    #[must_use]
    pub fn kind(&self, at: u32) -> Option<Kind> {
        kind_of(self.weights.get(at as usize)? >> 6)
    }

    /// Returns the number of bytes.
    pub fn size(&self) -> u64 {
        self.source.size()
    }

    /// Returns what stands at a place below [`Segment::names`].
    ///
    /// # Errors
    /// When the block is damaged or cannot be read.
    pub fn stored<'a>(&'a self, at: u32, buffer: &'a mut Vec<u8>) -> Result<Stored<'a>, IndexError> {
        let block = at as usize / BLOCK;
        let mut bytes = Bytes(self.block(block, buffer)?);
        for _ in 0..at as usize % BLOCK {
            self.next_stored(&mut bytes, block)?;
        }
        self.next_stored(&mut bytes, block)
    }

    /// Calls back with every name in order of the ids.
    ///
    /// # Errors
    /// When a block is damaged or cannot be read; names before it have been given.
    pub fn for_each(&self, mut each: impl FnMut(u32, Stored<'_>)) -> Result<(), IndexError> {
        let mut buffer = Vec::new();
        let mut at = 0;
        for block in 0..(self.layout.names as usize).div_ceil(BLOCK) {
            let mut bytes = Bytes(self.block(block, &mut buffer)?);
            for _ in 0..BLOCK.min((self.layout.names - at) as usize) {
                each(at, self.next_stored(&mut bytes, block)?);
                at += 1;
            }
        }
        Ok(())
    }

    /// Returns the places of all names of a record: first, one past the last.
    ///
    /// # Errors
    /// When a block is damaged or cannot be read.
    pub fn places(&self, id: &str) -> Result<std::ops::Range<u32>, IndexError> {
        let first = self.partition(|other| other < id)?;
        let end = self.partition(|other| other <= id)?;
        Ok(first..end.max(first))
    }

    /// Returns the first place whose id does not satisfy the predicate.
    fn partition(&self, before: impl Fn(&str) -> bool) -> Result<u32, IndexError> {
        let mut buffer = Vec::new();
        let (mut low, mut high) = (0, self.layout.names);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.stored(middle, &mut buffer)?.id) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Reads and checks everything once.
    ///
    /// # Errors
    /// The first damage found.
    pub fn check(&self) -> Result<(), IndexError> {
        self.for_each(|_, _| {})?;
        let mut buffer = Vec::new();
        let mut list = Vec::new();
        for at in 0..self.skeletons.len() {
            let mut far = Vec::new();
            self.group(
                at,
                &mut buffer,
                |_| Some(0),
                |entry| {
                    if let super::lookup::List::Far { at, len } = entry.list {
                        far.push((at, len));
                    }
                },
            )?;
            for (at, len) in far {
                self.postings(at, len, &mut list)?;
            }
        }
        Ok(())
    }

    fn block<'a>(&'a self, block: usize, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], IndexError> {
        let [names, ..] = self.layout.sections;
        self.checked(Section::Names, names, (&self.blocks, block), buffer)
    }

    fn next_stored<'a>(&self, bytes: &mut Bytes<'a>, block: usize) -> Result<Stored<'a>, IndexError> {
        let at =
            self.layout.sections.first().map_or(0, |s| s.0) + self.blocks.get(block).copied().unwrap_or(0);
        read_stored(bytes).ok_or(IndexError::Damaged { section: Section::Names, at })
    }

    /// Bytes of a group of tokens.
    pub(super) fn group_bytes<'a>(
        &'a self,
        at: usize,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], IndexError> {
        let [_, _, tokens, ..] = self.layout.sections;
        self.checked(Section::Tokens, tokens, (&self.groups, at), buffer)
    }

    /// Appends a long list of names to the buffer after checking it.
    pub(super) fn postings(&self, at: u64, len: u32, out: &mut Vec<u8>) -> Result<(), IndexError> {
        let [_, (start, size), ..] = self.layout.sections;
        let place = start.saturating_add(at);
        let damaged = IndexError::Damaged { section: Section::Postings, at: place };
        let len = len as usize;
        if len < 4 || at.checked_add(len as u64).is_none_or(|end| end > size) {
            return Err(damaged);
        }
        let mut buffer = Vec::new();
        let bytes = self.source.read(place, len, &mut buffer)?;
        out.extend_from_slice(verify(bytes).ok_or(damaged)?);
        Ok(())
    }

    fn checked<'a>(
        &'a self,
        section: Section,
        place: (u64, u64),
        piece: (&[u64], usize),
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], IndexError> {
        let (starts, index) = piece;
        let bounds = starts.get(index).copied().zip(starts.get(index + 1).copied());
        let (start, end) = bounds.unwrap_or((0, 0));
        let at = place.0 + start;
        let damaged = IndexError::Damaged { section, at };
        let len = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        if end > place.1 || len > READ_MAX {
            return Err(damaged);
        }
        verify(self.source.read(at, len, buffer)?).ok_or(damaged)
    }
}

/// Splits the checksum off the end and compares it.
fn verify(bytes: &[u8]) -> Option<&[u8]> {
    let (content, sum) = bytes.split_last_chunk::<4>()?;
    (checksum(content) == u32::from_le_bytes(*sum)).then_some(content)
}

fn header<S: Source>(source: &S, buffer: &mut Vec<u8>) -> Result<Layout, IndexError> {
    if source.size() < HEADER as u64 {
        return Err(IndexError::Foreign);
    }
    let bytes = source.read(0, HEADER, buffer).map_err(|_| IndexError::Foreign)?;
    let mut rest = Bytes(bytes);
    if rest.take(8) != Some(MAGIC) {
        return Err(IndexError::Foreign);
    }
    let damaged = IndexError::Damaged { section: Section::Header, at: 0 };
    if verify(bytes).is_none() {
        return Err(damaged);
    }
    let found = rest.u32().unwrap_or(0);
    if found != TABLES_VERSION {
        return Err(IndexError::Version { found });
    }
    read_layout(&mut rest, source.size()).ok_or(damaged)
}

/// Reads counts and section lengths; `None` unless they fill the source to the last byte.
fn read_layout(rest: &mut Bytes<'_>, size: u64) -> Option<Layout> {
    let mut layout = Layout { names: rest.u32()?, groups: rest.u32()?, ..Layout::default() };
    let mut at = HEADER as u64;
    for section in &mut layout.sections {
        let len = rest.u64()?;
        *section = (at, len);
        at = at.checked_add(len)?;
    }
    (at == size && layout.names as usize <= super::MAX_NAMES).then_some(layout)
}

/// Reads a section that is kept in memory.
fn whole<'a, S: Source>(
    source: &'a S,
    section: Section,
    place: (u64, u64),
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], IndexError> {
    let damaged = IndexError::Damaged { section, at: place.0 };
    let len = usize::try_from(place.1).ok().filter(|len| *len <= READ_MAX);
    verify(source.read(place.0, len.ok_or_else(|| damaged.clone())?, buffer)?).ok_or(damaged)
}

type Offsets = (Vec<u64>, Vec<u64>, Vec<u64>);

/// Reads the directory: blocks, then skeletons and groups, all as differences.
fn offsets(bytes: &[u8], layout: &Layout) -> Option<Offsets> {
    let mut rest = Bytes(bytes);
    let blocks = (layout.names as usize).div_ceil(BLOCK);
    // Each difference takes a byte at least: the length of the section bounds what is allocated.
    if blocks + layout.groups as usize > bytes.len() {
        return None;
    }
    let starts = ends(&mut rest, blocks)?;
    let mut skeletons = Vec::with_capacity(layout.groups as usize);
    let mut last = 0_u64;
    for at in 0..layout.groups {
        let step = rest.number()?;
        last = last.checked_add(step).filter(|_| at == 0 || step > 0)?;
        skeletons.push(last);
    }
    let groups = ends(&mut rest, layout.groups as usize)?;
    rest.0.is_empty().then_some((starts, skeletons, groups))
}

/// Reads lengths into offsets: one more than there are pieces.
fn ends(rest: &mut Bytes<'_>, count: usize) -> Option<Vec<u64>> {
    let mut out = Vec::with_capacity(count + 1);
    let mut at = 0_u64;
    out.push(at);
    for _ in 0..count {
        at = at.checked_add(rest.number()?)?;
        out.push(at);
    }
    Some(out)
}

fn read_stored<'a>(bytes: &mut Bytes<'a>) -> Option<Stored<'a>> {
    let kind = kind_of(bytes.byte()?)?;
    let id = std::str::from_utf8(bytes.counted(super::MAX_ID)?).ok()?;
    let text = std::str::from_utf8(bytes.counted(super::MAX_STORED)?).ok()?;
    Some(Stored { kind, id, text })
}

pub(super) const fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Person => 0,
        Kind::Organisation => 1,
        Kind::Place => 2,
    }
}

pub(super) const fn kind_of(code: u8) -> Option<Kind> {
    match code {
        0 => Some(Kind::Person),
        1 => Some(Kind::Organisation),
        2 => Some(Kind::Place),
        _ => None,
    }
}

/// Which names are of the same record as the name before them.
#[derive(Clone, Debug, Default)]
pub(super) struct Follows {
    bits: Vec<u8>,
    count: u32,
}

/// What a record with all its names counts. A name of a record with several is a part of it.
pub(super) const PARTS: u64 = 1 << 16;
/// Parts in the unit that segments keep.
pub(super) const PARTS_KEPT: u64 = PARTS / 16;
/// Most names of a record that are told apart when it is counted.
const KIN: u32 = 255;

impl Follows {
    fn new(bits: Vec<u8>) -> Self {
        let count = bits.iter().map(|byte| byte.count_ones()).sum();
        Self { bits, count }
    }

    /// Adds what is to be said of the next name.
    pub(super) fn push(&mut self, at: u32, follows: bool) {
        if at.is_multiple_of(8) {
            self.bits.push(0);
        }
        if let Some(byte) = self.bits.last_mut().filter(|_| follows) {
            *byte |= 1 << (at % 8);
            self.count += 1;
        }
    }

    /// True when no record has more than one name.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bits
    }

    fn has(&self, at: u32) -> bool {
        self.bits.get(at as usize / 8).is_some_and(|byte| byte & (1 << (at % 8)) != 0)
    }

    /// Returns the part of its record that a name is, of those of its names that count.
    pub(super) fn part(&self, at: u32, names: u32, counts: impl Fn(u32) -> bool) -> u64 {
        if self.is_empty() {
            return PARTS;
        }
        let mut kin = 1;
        let mut first = at;
        while self.has(first) && first > 0 && kin < KIN {
            first -= 1;
            kin += u32::from(counts(first));
        }
        let mut next = at + 1;
        while next < names && self.has(next) && kin < KIN {
            kin += u32::from(counts(next));
            next += 1;
        }
        PARTS / u64::from(kin)
    }
}

/// Places of a segment whose names no longer count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tombstones {
    words: Vec<u64>,
    count: u32,
}

impl Tombstones {
    /// Takes a name out; returns whether it was in.
    pub fn insert(&mut self, at: u32) -> bool {
        let (word, bit) = (at as usize / 64, 1_u64 << (at % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let Some(slot) = self.words.get_mut(word) else { return false };
        let fresh = *slot & bit == 0;
        *slot |= bit;
        self.count += u32::from(fresh);
        fresh
    }

    /// True when the name at a place no longer counts.
    #[must_use]
    pub fn contains(&self, at: u32) -> bool {
        self.words.get(at as usize / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
    }

    /// Returns how many names no longer count.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// True when every name counts.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the places in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let last = u32::try_from(self.words.len() * 64).unwrap_or(u32::MAX);
        (0..last).filter(|at| self.contains(*at))
    }
}
