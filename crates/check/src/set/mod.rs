//! The tag set: what the asked side gives the asking side once, to compare evaluations with.
//!
//! A tag is 64 bits of a hash of a nonce of this set and the first half of an output ([`crate::oprf`]), brought into a
//! range of `2^40` times the number of tags, so that a token that is not there hits by chance once in 2^40. Sorted and
//! entropy-coded ([`rice`]): about 41.5 bits a tag. Bound to agreement, parties, epoch, key and policy by a signature.
//!
//! # Updates
//! A new set of the epoch has a new nonce: all its tags differ from those before, and dummies fill it up to a step of
//! its size. Who holds two sets sees neither which tags nor how many were added.
//!
//! # What it deliberately does not do
//! Sign: signing is a closure, checking too. Know subjects: see [`crate::Register`].

mod header;
mod rice;

use core::cmp::Ordering;

use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeGreater as _};
use thiserror::Error;

use crate::oprf::{OprfError, Output, count};

pub use header::SetHeader;
pub(crate) use header::party;
pub use rice::FilterError;

/// Most tags of one set; their range fits 64 bits. A larger register is several sets.
pub const TAGS_MAX: u32 = (1 << 23) + (1 << 20);
/// Longest filter in bytes: [`TAGS_MAX`] tags of at most 42 bits on average.
pub const FILTER_MAX: usize = TAGS_MAX as usize / 8 * 42 + 8;
/// Longest header in bytes.
pub const HEADER_MAX: usize = 512;
/// What is hashed before a tag.
const TAG_CONTEXT: &[u8] = b"mithaq/tag/1";
/// What is signed before a header.
const SIGN_CONTEXT: &[u8] = b"mithaq/tag-set/1\n";
/// A set is filled up to a multiple of a 64th of its size, at least this many.
const STEP_MIN: u32 = 256;

/// Why a set is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetError {
    /// Not the form of a set.
    #[error("the tag set cannot be read: {0}")]
    Wire(#[from] WireError),
    /// Not the form of a filter.
    #[error("the tag set cannot be read: {0}")]
    Filter(#[from] FilterError),
    /// The public key is none.
    #[error("the tag set names no usable key: {0}")]
    Key(#[from] OprfError),
    /// Another filter than the header names.
    #[error("the filter of the tag set is not the one that was signed")]
    Digest,
    /// The signature does not hold.
    #[error("the signature of the tag set does not hold")]
    Signature,
    /// More tags than one set holds, or no tag at all.
    #[error("a tag set holds at least one tag and at most {TAGS_MAX}")]
    Count,
    /// The randomness for dummies ended early.
    #[error("there is not enough randomness to fill the tag set")]
    Randomness,
}

/// The first half of an output: what tags are made of. The asked side keeps it to make the next set.
pub type TagSeed = [u8; 32];

/// Returns the first half of an output.
#[must_use]
pub fn tag_seed(output: &Output) -> TagSeed {
    output.first_chunk().copied().unwrap_or([0; 32])
}

/// Returns how many tags a set of so many is filled up to.
#[must_use]
pub fn filled(tags: u32) -> u32 {
    let step = (tags / 64).max(STEP_MIN);
    tags.div_ceil(step).saturating_mul(step)
}

/// Hashes with a set's nonce and brings into range; one block of SHA-256 per tag.
fn tag(start: &Sha256, seed: &TagSeed, slots: u32) -> u64 {
    let hash = start.clone().chain_update(seed).finalize();
    let wide = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    // The upper half of the product: evenly spread over the range, without division.
    let range = u128::from(u64::from(slots) << rice::LOW);
    u64::try_from((u128::from(wide) * range) >> 64).unwrap_or(u64::MAX)
}

fn start(nonce: &[u8; 16]) -> Sha256 {
    Sha256::new().chain_update(TAG_CONTEXT).chain_update(nonce)
}

/// Part of a set's tags, sorted: a caller with several cores makes each part in one and joins them ([`TagSet::new`]).
#[must_use]
pub fn part(nonce: &[u8; 16], slots: u32, seeds: &[TagSeed]) -> Vec<u64> {
    let start = start(nonce);
    let mut tags: Vec<u64> = seeds.iter().map(|seed| tag(&start, seed, slots)).collect();
    tags.sort_unstable();
    tags
}

/// The tags of one set, sorted and each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    nonce: [u8; 16],
    slots: u32,
    tags: Vec<u64>,
}

impl TagSet {
    /// Joins parts made with the same nonce and slots.
    ///
    /// # Errors
    /// When there are no tags or more than slots.
    pub fn new(nonce: [u8; 16], slots: u32, parts: Vec<Vec<u64>>) -> Result<Self, SetError> {
        let total: usize = parts.iter().map(Vec::len).sum();
        if total == 0 || slots > TAGS_MAX || u32::try_from(total).map_or(true, |total| total > slots) {
            return Err(SetError::Count);
        }
        let mut tags = parts.into_iter().fold(Vec::new(), merge);
        tags.dedup();
        Ok(Self { nonce, slots, tags })
    }

    /// Makes a set of tag seeds and 32 random bytes per dummy.
    ///
    /// # Errors
    /// When there are none or too many seeds, or fewer dummies than [`filled`] asks for.
    pub fn of(nonce: [u8; 16], seeds: &[TagSeed], dummies: &[TagSeed]) -> Result<Self, SetError> {
        let count = u32::try_from(seeds.len()).ok().filter(|count| *count > 0 && *count <= TAGS_MAX);
        let slots = filled(count.ok_or(SetError::Count)?);
        let fill = usize::try_from(slots).map_err(|_narrow| SetError::Count)? - seeds.len();
        let dummies = dummies.get(..fill).ok_or(SetError::Randomness)?;
        Self::new(nonce, slots, vec![part(&nonce, slots, seeds), part(&nonce, slots, dummies)])
    }

    /// Returns whether the output of a token is in the set: a hit, or chance (once in 2^40).
    #[must_use]
    pub fn contains(&self, output: &Output) -> bool {
        self.has(output).into()
    }

    /// As [`TagSet::contains`], before it is decided on: the steps follow from the size of the set alone, and no branch
    /// from the tag or from what is found. Which tags are read does follow from the tag; see [`crate::Pending::conclude`].
    pub(crate) fn has(&self, output: &Output) -> Choice {
        let tag = tag(&start(&self.nonce), &tag_seed(output), self.slots);
        let at = |place: u64| {
            count::one(count::Of::Looked);
            usize::try_from(place).ok().and_then(|place| self.tags.get(place)).copied().unwrap_or(u64::MAX)
        };
        // INVARIANT: the last tag that is not greater, if there is one, lies in `from .. from + size`.
        let (mut from, mut size) = (0_u64, u64::try_from(self.tags.len()).unwrap_or(0));
        while size > 1 {
            let half = size / 2;
            let middle = from.saturating_add(half);
            let greater = at(middle).ct_gt(&tag);
            from = u64::conditional_select(&middle, &from, greater);
            size -= half;
        }
        at(from).ct_eq(&tag)
    }

    /// Returns how many tags it holds, dummies among them.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.tags.len()
    }

    /// Returns whether it holds none, which no constructor allows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Returns the nonce.
    #[must_use]
    pub const fn nonce(&self) -> &[u8; 16] {
        &self.nonce
    }

    /// Returns the filter: a four-byte count, then the tags in Golomb–Rice code.
    #[must_use]
    pub fn filter(&self) -> Vec<u8> {
        let count = u32::try_from(self.tags.len()).unwrap_or(u32::MAX);
        let mut out = count.to_be_bytes().to_vec();
        out.extend(rice::encode(&self.tags));
        out
    }

    /// Reads a filter.
    ///
    /// # Errors
    /// When it is none, holds no tag, or more than slots.
    pub fn from_filter(nonce: [u8; 16], slots: u32, filter: &[u8]) -> Result<Self, SetError> {
        let (count, code) = filter.split_first_chunk().ok_or(FilterError::Truncated)?;
        let count = u32::from_be_bytes(*count);
        if count == 0 || count > slots || slots > TAGS_MAX {
            return Err(SetError::Count);
        }
        let length = usize::try_from(count).map_err(|_narrow| SetError::Count)?;
        let tags = rice::decode(code, length, u64::from(slots) << rice::LOW)?;
        Ok(Self { nonce, slots, tags })
    }
}

/// Merges two sorted lists.
fn merge(a: Vec<u64>, b: Vec<u64>) -> Vec<u64> {
    if a.is_empty() {
        return b;
    }
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let from = if x.cmp(y) == Ordering::Greater { &mut b } else { &mut a };
        out.extend(from.next());
    }
    out.extend(a);
    out.extend(b);
    out
}

/// A set as it travels: header, signature, filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedSet {
    /// What it is bound to.
    pub header: SetHeader,
    /// Signature of the asked node over [`SetHeader::signed_bytes`].
    pub signature: [u8; 64],
    /// The tags.
    pub set: TagSet,
}

impl SignedSet {
    /// Signs a set. The header's nonce, slots and digest are taken from the set.
    pub fn sign(mut header: SetHeader, set: TagSet, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        header.nonce = set.nonce;
        header.slots = set.slots;
        header.filter = Sha256::digest(set.filter()).into();
        let signature = sign(&header.signed_bytes());
        Self { header, signature, set }
    }

    /// Returns the bytes: an array of header, signature and filter as byte strings.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(3).bytes(&self.header.to_bytes()).bytes(&self.signature).bytes(&self.set.filter());
        w.finish()
    }

    /// Reads a set: signature first, then the digest, then the tags.
    ///
    /// # Errors
    /// When any of them does not hold. `verify` says whether a signature by the asked node holds over the bytes.
    pub fn read(
        bytes: &[u8],
        verify: impl FnOnce(&SetHeader, &[u8], &[u8; 64]) -> bool,
    ) -> Result<Self, SetError> {
        let mut r = Reader::new(bytes);
        r.tuple(3)?;
        let header = SetHeader::from_bytes(r.bytes(HEADER_MAX)?)?;
        let signature = r.array()?;
        let filter = r.bytes(FILTER_MAX)?;
        r.end()?;
        if !verify(&header, &header.signed_bytes(), &signature) {
            return Err(SetError::Signature);
        }
        if <[u8; 32]>::from(Sha256::digest(filter)) != header.filter {
            return Err(SetError::Digest);
        }
        let set = TagSet::from_filter(header.nonce, header.slots, filter)?;
        Ok(Self { header, signature, set })
    }

    /// Returns what the ledger commits to: SHA-256 of the signed bytes and the signature.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.header.signed_bytes()).chain_update(self.signature).finalize().into()
    }
}

/// Bytes that are signed for a header.
pub(crate) fn signed(header: &[u8]) -> Vec<u8> {
    [SIGN_CONTEXT, header].concat()
}

#[cfg(test)]
mod tests;
