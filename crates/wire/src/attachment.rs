//! The list of the encrypted chunks of an attachment, and what a party still wants of them. Encrypting is `envelope`'s
//! matter; exact bytes: `docs/spec/attachments.md`.

use mithaq_model::{AgreementId, Attachment};

use crate::cbor::{Reader, WireError, Writer};
use crate::codec::{Part, get_list, put_list};
use crate::doc::Digest;
use crate::limits::{CHUNK_TAG, CHUNKS_MAX, PLAIN_CHUNK, WANTS_MAX};

const VERSION: u64 = 1;
/// Longest list in bytes: one hash of 32 bytes per chunk, and its frame.
pub const CHUNK_LIST_MAX: usize = CHUNKS_MAX * 32 + 64;
/// Longest document of wants in bytes.
const WANTS_BYTES_MAX: usize = 16 * 1024;

/// Returns how many chunks a file of so many bytes has: at least one, for an empty file is a file too.
#[must_use]
pub const fn chunks_of(length: u64) -> u64 {
    let whole = length.div_ceil(PLAIN_CHUNK);
    if whole == 0 { 1 } else { whole }
}

/// The hashes of the encrypted chunks of one file, in their order. Its digest, made in `envelope`, is the root that a
/// report names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkList {
    length: u64,
    hashes: Vec<Digest>,
}

impl ChunkList {
    /// Takes the length of the file in bytes and the SHA-256 of each encrypted chunk.
    ///
    /// # Errors
    /// [`WireError::Limit`] for a file that is too long, [`WireError::Value`] when the number of chunks is not the one
    /// of that length.
    pub fn new(length: u64, hashes: Vec<Digest>) -> Result<Self, WireError> {
        if length > Attachment::LENGTH_MAX {
            return Err(WireError::Limit);
        }
        if u64::try_from(hashes.len()) != Ok(chunks_of(length)) {
            return Err(WireError::Value);
        }
        Ok(Self { length, hashes })
    }

    /// Returns the bytes of the file itself.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns the number of chunks.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        chunks_of(self.length)
    }

    /// Returns the hash of a chunk, from 0.
    #[must_use]
    pub fn hash(&self, index: u64) -> Option<Digest> {
        self.hashes.get(usize::try_from(index).ok()?).copied()
    }

    /// Returns the bytes of an encrypted chunk: all are full but the last.
    #[must_use]
    pub fn sealed_length(&self, index: u64) -> Option<u64> {
        let before = index.checked_mul(PLAIN_CHUNK)?;
        (index < self.chunks())
            .then(|| self.length.saturating_sub(before).min(PLAIN_CHUNK).saturating_add(CHUNK_TAG))
    }
}

/// Returns the canonical bytes of a list.
#[must_use]
pub fn encode_chunk_list(list: &ChunkList) -> Vec<u8> {
    let joined: Vec<u8> = list.hashes.iter().flat_map(|hash| hash.0).collect();
    let mut w = Writer::default();
    w.array(3).uint(VERSION).uint(list.length).bytes(&joined);
    w.finish()
}

/// Reads the bytes.
///
/// # Errors
/// When they are not the canonical encoding of a list within its limits.
pub fn decode_chunk_list(bytes: &[u8]) -> Result<ChunkList, WireError> {
    if bytes.len() > CHUNK_LIST_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(3)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let (length, joined) = (r.uint()?, r.bytes(CHUNKS_MAX * 32)?);
    r.end()?;
    let (hashes, rest) = joined.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(WireError::Value);
    }
    ChunkList::new(length, hashes.iter().copied().map(Digest).collect())
}

/// One attachment a party still wants, and how far it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Agreement of the report that names it.
    pub agreement: AgreementId,
    /// Which.
    pub root: Digest,
    /// Chunks it has from the beginning; none: it lacks the list too.
    pub have: Option<u64>,
}

impl Part for Want {
    fn put(&self, w: &mut Writer) {
        w.array(3);
        self.agreement.put(w);
        self.root.put(w);
        match self.have {
            Some(have) => w.uint(have),
            None => w.null(),
        };
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        let (agreement, root) = (AgreementId::get(r)?, Digest::get(r)?);
        Ok(Self { agreement, root, have: if r.null() { None } else { Some(r.uint()?) } })
    }
}

/// Returns the canonical bytes of wants.
#[must_use]
pub fn encode_wants(wants: &[Want]) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(2).uint(VERSION);
    put_list(&mut w, wants);
    w.finish()
}

/// Reads the bytes.
///
/// # Errors
/// When they are not the canonical encoding of at most [`WANTS_MAX`] wants.
pub fn decode_wants(bytes: &[u8]) -> Result<Vec<Want>, WireError> {
    if bytes.len() > WANTS_BYTES_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(2)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let wants = get_list(&mut r, WANTS_MAX)?;
    r.end()?;
    Ok(wants)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(length: u64) -> ChunkList {
        let hashes = (0..chunks_of(length)).map(|n| Digest([n.to_be_bytes()[7]; 32])).collect();
        ChunkList::new(length, hashes).unwrap()
    }

    #[test]
    fn a_list_has_one_spelling_and_the_chunks_of_its_length() {
        for (length, chunks) in [(0, 1), (1, 1), (PLAIN_CHUNK, 1), (PLAIN_CHUNK + 1, 2), (PLAIN_CHUNK * 3, 3)]
        {
            let list = list(length);
            assert_eq!(list.chunks(), chunks, "{length}");
            let bytes = encode_chunk_list(&list);
            assert_eq!(decode_chunk_list(&bytes), Ok(list));
            for cut in 0..bytes.len() {
                assert!(decode_chunk_list(&bytes[..cut]).is_err());
            }
            assert!(decode_chunk_list(&[bytes, vec![0]].concat()).is_err());
        }
        assert_eq!(ChunkList::new(PLAIN_CHUNK + 1, vec![Digest::ZERO]), Err(WireError::Value));
        assert_eq!(ChunkList::new(1, vec![]), Err(WireError::Value));
        assert_eq!(ChunkList::new(Attachment::LENGTH_MAX + 1, vec![]), Err(WireError::Limit));
    }

    #[test]
    fn the_longest_list_fits_one_answer() {
        let bytes = encode_chunk_list(&list(Attachment::LENGTH_MAX));
        assert!(bytes.len() <= CHUNK_LIST_MAX && CHUNK_LIST_MAX < crate::limits::BATCH_BYTES_MAX + 64 * 1024);
        assert!(decode_chunk_list(&bytes).is_ok());
    }

    #[test]
    fn all_chunks_are_full_but_the_last() {
        let list = list(PLAIN_CHUNK * 2 + 5);
        let lengths: Vec<_> = (0..4).map(|n| list.sealed_length(n)).collect();
        let full = PLAIN_CHUNK + CHUNK_TAG;
        assert_eq!(lengths, [Some(full), Some(full), Some(5 + CHUNK_TAG), None]);
        assert_eq!(list.sealed_length(u64::MAX), None);
    }

    #[test]
    fn wants_have_one_spelling() {
        let want = |have| Want { agreement: AgreementId::new([7; 32]), root: Digest([8; 32]), have };
        let wants = vec![want(None), want(Some(0)), want(Some(70_000))];
        let bytes = encode_wants(&wants);
        assert_eq!(decode_wants(&bytes), Ok(wants));
        for cut in 0..bytes.len() {
            assert!(decode_wants(&bytes[..cut]).is_err());
        }
        assert_eq!(decode_wants(&encode_wants(&vec![want(None); WANTS_MAX + 1])), Err(WireError::Limit));
    }
}
