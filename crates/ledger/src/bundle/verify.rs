//! Reading and judging a bundle offline: structure first, then signatures, consistency, inclusion and
//! opened commitments. Contiguous entries are hashed in order into the root, not proven one by one.

use core::iter::Peekable;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{MAGIC, Opening};
use crate::checkpoint::{
    Trust, VerifiedCheckpoint, VerifyCheckpointError, verify_checkpoint, verify_log_signature,
};
use crate::entry::{Entry, EntryError, Id};
use crate::hash::{Hash, commit, commit_digest, leaf_hash};
use crate::key::KeyName;
use crate::proof::{ProofError, range_root, verify_consistency, verify_inclusion};
use crate::read::{Reader, Truncated};

/// Contiguous entries, borrowed from the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'a> {
    start: u64,
    count: u32,
    proof: Vec<Hash>,
    /// The entries, each as `u16` length and bytes; holds exactly `count`.
    entries: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Index of the first entry.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Number of entries, at least 1.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Index and bytes of each entry.
    pub fn raw(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.entries);
        (self.start..).zip(core::iter::from_fn(move || reader.medium().ok()))
    }

    /// Index and entry of each entry. In a verified bundle every entry parses.
    pub fn entries(&self) -> impl Iterator<Item = (u64, Entry<'a>)> + use<'a> {
        self.raw().filter_map(|(index, raw)| Entry::parse(raw).ok().map(|entry| (index, entry)))
    }
}

/// An opened commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// Index of the entry that holds the commitment.
    pub index: u64,
    /// The salt.
    pub salt: [u8; 32],
    /// The content or its digest.
    pub opening: Opening<'a>,
}

impl Opened<'_> {
    fn commitment(&self) -> Hash {
        match self.opening {
            Opening::Content(content) => commit(&self.salt, content),
            Opening::Digest(digest) => commit_digest(&self.salt, &digest),
        }
    }
}

/// An attached document. Not judged here: who has no other reason to believe it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its name, unique in the bundle.
    pub name: Id<'a>,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Proof that every entry of a bundle is in the log that the trusted keys signed. Only
/// [`verify_bundle`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBundle<'a> {
    origin: KeyName,
    anchor: VerifiedCheckpoint,
    earlier: Vec<VerifiedCheckpoint>,
    segments: Vec<Segment<'a>>,
    openings: Vec<Opened<'a>>,
    documents: Vec<Document<'a>>,
}

impl<'a> VerifiedBundle<'a> {
    /// Which log.
    #[must_use]
    pub const fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// The checkpoint that the entries are proven against: the last, with quorum.
    #[must_use]
    pub const fn anchor(&self) -> &VerifiedCheckpoint {
        &self.anchor
    }

    /// The checkpoints before it, in growing size, each proven to be a beginning of the next. Their
    /// countersignatures are right where present; no quorum is asked of them.
    #[must_use]
    pub fn earlier(&self) -> &[VerifiedCheckpoint] {
        &self.earlier
    }

    /// The entries.
    #[must_use]
    pub fn segments(&self) -> &[Segment<'a>] {
        &self.segments
    }

    /// The opened commitments; each agrees with its entry.
    #[must_use]
    pub fn openings(&self) -> &[Opened<'a>] {
        &self.openings
    }

    /// The attached documents, unverified.
    #[must_use]
    pub fn documents(&self) -> &[Document<'a>] {
        &self.documents
    }

    /// Number of entries.
    #[must_use]
    pub fn entry_count(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.count)).sum()
    }

    /// Whether the bundle holds every entry of the log up to the anchor: nothing was left out.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.entry_count() == self.anchor.checkpoint().size()
    }
}

/// Checks a bundle with nothing but the keys in `trust`: no network, no clock, no node.
///
/// About one leaf hash and one node hash per contiguous entry, one pass, no entry is copied.
///
/// # Errors
/// A [`BundleError`] that names the first thing that does not hold.
pub fn verify_bundle<'a>(bytes: &'a [u8], trust: &Trust<'_>) -> Result<VerifiedBundle<'a>, BundleError> {
    let Parts { origin, checkpoints, segments, openings, documents } = Parts::read(bytes)?;
    let (earlier, anchor) = check_checkpoints(&checkpoints, &origin, trust)?;
    let mut pending = openings.iter().peekable();
    for segment in &segments {
        check_segment(segment, &anchor, &mut pending)?;
    }
    match pending.next() {
        Some(opened) => Err(BundleError::OpeningWithoutEntry { index: opened.index }),
        None => Ok(VerifiedBundle { origin, anchor, earlier, segments, openings, documents }),
    }
}

/// Returns of which log a bundle says it is, and what is attached to it. Only the form and the digest are checked:
/// for a caller that learns from the documents whose keys to verify with ([`verify_bundle`]).
///
/// # Errors
/// A [`BundleError`] when the bytes are not in the form of a bundle.
pub fn bundle_documents(bytes: &[u8]) -> Result<(KeyName, Vec<Document<'_>>), BundleError> {
    Parts::read(bytes).map(|parts| (parts.origin, parts.documents))
}

/// A signed note and the consistency proof from the one before, as read.
type RawCheckpoint<'a> = (&'a [u8], Vec<Hash>);

/// A bundle read, not judged.
struct Parts<'a> {
    origin: KeyName,
    checkpoints: Vec<RawCheckpoint<'a>>,
    segments: Vec<Segment<'a>>,
    openings: Vec<Opened<'a>>,
    documents: Vec<Document<'a>>,
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, BundleError> {
        let (body, digest) = bytes.split_last_chunk::<32>().ok_or(BundleError::Truncated)?;
        let mut reader = Reader::new(body);
        if reader.array().ok().as_ref() != Some(MAGIC) {
            return Err(BundleError::Magic);
        }
        if <[u8; 32]>::from(Sha256::digest(body)) != *digest {
            return Err(BundleError::Digest);
        }
        let origin = core::str::from_utf8(reader.short()?).map_err(|_| BundleError::Origin)?;
        let origin = KeyName::new(origin).map_err(|_| BundleError::Origin)?;
        let checkpoints = read_checkpoints(&mut reader)?;
        let segments = read_segments(&mut reader)?;
        let openings = read_openings(&mut reader)?;
        let documents = read_documents(&mut reader)?;
        if reader.is_empty() {
            Ok(Self { origin, checkpoints, segments, openings, documents })
        } else {
            Err(BundleError::Trailing)
        }
    }
}

fn read_checkpoints<'a>(reader: &mut Reader<'a>) -> Result<Vec<RawCheckpoint<'a>>, BundleError> {
    let mut checkpoints = Vec::new();
    for _ in 0..reader.u8()? {
        let note = reader.long()?;
        let proof_len = reader.u8()?;
        checkpoints.push((note, reader.hashes(usize::from(proof_len))?));
    }
    Ok(checkpoints)
}

fn check_checkpoints(
    checkpoints: &[RawCheckpoint<'_>],
    origin: &KeyName,
    trust: &Trust<'_>,
) -> Result<(Vec<VerifiedCheckpoint>, VerifiedCheckpoint), BundleError> {
    let mut verified: Vec<VerifiedCheckpoint> = Vec::new();
    for (at, (note, proof)) in (1..).zip(checkpoints) {
        let is_anchor = at == checkpoints.len();
        let next = if is_anchor { verify_checkpoint(note, trust) } else { verify_log_signature(note, trust) };
        let next = next.map_err(BundleError::Checkpoint)?;
        if next.checkpoint().origin() != origin {
            return Err(BundleError::Origin);
        }
        check_growth(verified.last(), &next, proof)?;
        verified.push(next);
    }
    let anchor = verified.pop().ok_or(BundleError::NoCheckpoint)?;
    Ok((verified, anchor))
}

fn check_growth(
    before: Option<&VerifiedCheckpoint>,
    next: &VerifiedCheckpoint,
    proof: &[Hash],
) -> Result<(), BundleError> {
    let new = next.checkpoint();
    let Some(old) = before.map(VerifiedCheckpoint::checkpoint) else {
        return if proof.is_empty() { Ok(()) } else { Err(BundleError::CheckpointOrder) };
    };
    if old.size() >= new.size() {
        return Err(BundleError::CheckpointOrder);
    }
    verify_consistency((old.size(), old.root()), (new.size(), new.root()), proof)
        .map_err(BundleError::Consistency)
}

fn read_segments<'a>(reader: &mut Reader<'a>) -> Result<Vec<Segment<'a>>, BundleError> {
    let mut segments: Vec<Segment<'a>> = Vec::new();
    // The first index that the next segment may begin with: one that touches belongs to the one before.
    let mut free = 0;
    for _ in 0..reader.u32()? {
        let (start, count) = (reader.u64()?, reader.u32()?);
        let proof_len = reader.u8()?;
        let proof = reader.hashes(usize::from(proof_len))?;
        if count == 0 || start < free {
            return Err(BundleError::SegmentOrder { start });
        }
        let end = start.checked_add(u64::from(count)).and_then(|end| end.checked_add(1));
        free = end.ok_or(BundleError::SegmentOrder { start })?;
        let from = *reader;
        for _ in 0..count {
            reader.medium()?;
        }
        let len = from.rest().len() - reader.rest().len();
        let entries = Reader::take(&mut { from }, len)?;
        segments.push(Segment { start, count, proof, entries });
    }
    Ok(segments)
}

fn read_openings<'a>(reader: &mut Reader<'a>) -> Result<Vec<Opened<'a>>, BundleError> {
    let mut openings: Vec<Opened<'a>> = Vec::new();
    for _ in 0..reader.u32()? {
        let (index, salt) = (reader.u64()?, reader.array()?);
        let opening = match reader.u8()? {
            0 => Opening::Content(reader.long()?),
            1 => Opening::Digest(reader.hash()?),
            _ => return Err(BundleError::OpeningKind { index }),
        };
        if openings.last().is_some_and(|before| before.index >= index) {
            return Err(BundleError::OpeningOrder { index });
        }
        openings.push(Opened { index, salt, opening });
    }
    Ok(openings)
}

fn read_documents<'a>(reader: &mut Reader<'a>) -> Result<Vec<Document<'a>>, BundleError> {
    let mut documents: Vec<Document<'a>> = Vec::new();
    for _ in 0..reader.u16()? {
        let name = core::str::from_utf8(reader.short()?).map_err(|_| BundleError::DocumentName)?;
        let name = Id::new(name).map_err(|_| BundleError::DocumentName)?;
        let bytes = reader.long()?;
        if documents.last().is_some_and(|before| before.name >= name) {
            return Err(BundleError::DocumentName);
        }
        documents.push(Document { name, bytes });
    }
    Ok(documents)
}

fn check_segment<'o, 'a: 'o>(
    segment: &Segment<'_>,
    anchor: &VerifiedCheckpoint,
    pending: &mut Peekable<impl Iterator<Item = &'o Opened<'a>>>,
) -> Result<(), BundleError> {
    let (size, root) = (anchor.checkpoint().size(), anchor.checkpoint().root());
    let mut fault = None;
    let leaves = segment.raw().map(|(index, raw)| {
        if fault.is_none() {
            fault = check_entry(index, raw, pending).err();
        }
        leaf_hash(raw)
    });
    let start = segment.start;
    let proven = if segment.count == 1 {
        // One entry carries the audit path of RFC 6962, which any other tool can check too.
        let leaf = leaves.last().ok_or(BundleError::Truncated)?;
        verify_inclusion(&leaf, start, size, &segment.proof, root)
    } else {
        range_root(start, leaves, size, &segment.proof)
            .and_then(|found| if found == *root { Ok(()) } else { Err(ProofError::RootMismatch) })
    };
    fault.map_or(Ok(()), Err)?;
    proven.map_err(|why| BundleError::Inclusion { start, why })
}

fn check_entry<'o, 'a: 'o>(
    index: u64,
    raw: &[u8],
    pending: &mut Peekable<impl Iterator<Item = &'o Opened<'a>>>,
) -> Result<(), BundleError> {
    let entry = Entry::parse(raw).map_err(|why| BundleError::Entry { index, why })?;
    match pending.next_if(|opened| opened.index == index) {
        Some(opened) if entry.commitment != Some(opened.commitment()) => {
            Err(BundleError::Commitment { index })
        }
        Some(_) | None => Ok(()),
    }
}

/// Why a bundle was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// Not an evidence bundle of this version.
    #[error("not an evidence bundle of a known version")]
    Magic,
    /// The file was damaged on its way.
    #[error("the bundle does not have the digest it ends with")]
    Digest,
    /// The bytes end within a part.
    #[error("the bundle ends early")]
    Truncated,
    /// There are bytes after the last part.
    #[error("the bundle has bytes after its last part")]
    Trailing,
    /// The origin is malformed or not that of a checkpoint.
    #[error("the checkpoints of the bundle are not of its origin")]
    Origin,
    /// There is no checkpoint.
    #[error("the bundle has no checkpoint")]
    NoCheckpoint,
    /// A checkpoint was refused.
    #[error("a checkpoint of the bundle is refused")]
    Checkpoint(#[source] VerifyCheckpointError),
    /// Checkpoints are not in growing size, or the first has a proof.
    #[error("the checkpoints of the bundle are out of order")]
    CheckpointOrder,
    /// A checkpoint is not a beginning of the next.
    #[error("two checkpoints of the bundle are not of one history")]
    Consistency(#[source] ProofError),
    /// A segment is empty, overlaps or touches the one before.
    #[error("the segment at entry {start} is empty or out of order")]
    SegmentOrder {
        /// Index of its first entry.
        start: u64,
    },
    /// The bytes of a leaf are no entry.
    #[error("entry {index} is malformed")]
    Entry {
        /// Its index.
        index: u64,
        /// What is wrong.
        #[source]
        why: EntryError,
    },
    /// The entries of a segment are not in the log.
    #[error("the segment at entry {start} is not in the log")]
    Inclusion {
        /// Index of its first entry.
        start: u64,
        /// What does not hold.
        #[source]
        why: ProofError,
    },
    /// An opening of an unknown kind.
    #[error("the opening of entry {index} is of an unknown kind")]
    OpeningKind {
        /// Index of the entry.
        index: u64,
    },
    /// Openings are not in growing order.
    #[error("the opening of entry {index} is out of order")]
    OpeningOrder {
        /// Index of the entry.
        index: u64,
    },
    /// The entry that is opened is not in the bundle.
    #[error("entry {index} is opened but not in the bundle")]
    OpeningWithoutEntry {
        /// Index of the entry.
        index: u64,
    },
    /// The content is not what was committed to, or the entry has no commitment.
    #[error("the content opened for entry {index} is not what was logged")]
    Commitment {
        /// Index of the entry.
        index: u64,
    },
    /// A document name is malformed, repeated or out of order.
    #[error("a document name of the bundle is malformed or out of order")]
    DocumentName,
}

impl From<Truncated> for BundleError {
    fn from(Truncated: Truncated) -> Self {
        Self::Truncated
    }
}
