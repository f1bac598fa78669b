//! The offline evidence bundle (`.mxe`): entries, signed checkpoints, proofs, opened commitments and
//! attached documents in one deterministic file. This module writes it; `verify` reads and judges it.
//! Whether an attached document is genuine is for the crate that knows its format.

mod verify;

use thiserror::Error;

use crate::entry::Id;
use crate::hash::Hash;
use crate::key::KeyName;
use sha2::{Digest, Sha256};

pub use verify::{BundleError, Document, Opened, Segment, VerifiedBundle, bundle_documents, verify_bundle};

/// First bytes of a bundle.
const MAGIC: &[u8; 6] = b"mxe/1\n";

/// What opens a commitment, beside its salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening<'a> {
    /// The content itself.
    Content(&'a [u8]),
    /// Only its SHA-256: shows that a document held elsewhere is the one logged.
    Digest(Hash),
}

/// Writes a bundle part by part; each part is bytes at once, so nothing is held twice.
#[derive(Debug, Clone)]
pub struct BundleBuilder {
    origin: KeyName,
    checkpoints: (u8, Vec<u8>),
    segments: (u32, Vec<u8>),
    openings: (u32, Vec<u8>),
    documents: (u16, Vec<u8>),
}

impl BundleBuilder {
    /// An empty bundle about one log.
    #[must_use]
    pub const fn new(origin: KeyName) -> Self {
        Self {
            origin,
            checkpoints: (0, Vec::new()),
            segments: (0, Vec::new()),
            openings: (0, Vec::new()),
            documents: (0, Vec::new()),
        }
    }

    /// Adds a signed checkpoint with the consistency proof from the one before (empty for the first), in
    /// growing size. Entries are proven against the last.
    ///
    /// # Errors
    /// When there are too many or a part is too long.
    pub fn checkpoint(&mut self, note: &[u8], proof: &[Hash]) -> Result<(), EncodeError> {
        let (count, out) = &mut self.checkpoints;
        *count = count.checked_add(1).ok_or(EncodeError)?;
        put_long(out, note)?;
        out.push(u8::try_from(proof.len()).map_err(|_| EncodeError)?);
        put_hashes(out, proof);
        Ok(())
    }

    /// Adds contiguous entries from leaf `start` on with their proof ([`crate::prove_range`]), in growing
    /// order, not touching the segment before.
    ///
    /// # Errors
    /// When there are too many or an entry is too long.
    pub fn segment<L: AsRef<[u8]>>(
        &mut self,
        start: u64,
        proof: &[Hash],
        entries: &[L],
    ) -> Result<(), EncodeError> {
        let (count, out) = &mut self.segments;
        *count = count.checked_add(1).ok_or(EncodeError)?;
        out.extend_from_slice(&start.to_be_bytes());
        out.extend_from_slice(&u32::try_from(entries.len()).map_err(|_| EncodeError)?.to_be_bytes());
        out.push(u8::try_from(proof.len()).map_err(|_| EncodeError)?);
        put_hashes(out, proof);
        for entry in entries {
            let entry = entry.as_ref();
            out.extend_from_slice(&u16::try_from(entry.len()).map_err(|_| EncodeError)?.to_be_bytes());
            out.extend_from_slice(entry);
        }
        Ok(())
    }

    /// Opens the commitment of entry `index`, in growing order.
    ///
    /// # Errors
    /// When there are too many or the content is too long.
    pub fn opening(&mut self, index: u64, salt: &[u8; 32], opening: &Opening<'_>) -> Result<(), EncodeError> {
        let (count, out) = &mut self.openings;
        *count = count.checked_add(1).ok_or(EncodeError)?;
        out.extend_from_slice(&index.to_be_bytes());
        out.extend_from_slice(salt);
        match opening {
            Opening::Content(content) => {
                out.push(0);
                put_long(out, content)
            }
            Opening::Digest(digest) => {
                out.push(1);
                out.extend_from_slice(&digest.0);
                Ok(())
            }
        }
    }

    /// Attaches a document, in growing order of names.
    ///
    /// # Errors
    /// When there are too many or it is too long.
    pub fn document(&mut self, name: Id<'_>, bytes: &[u8]) -> Result<(), EncodeError> {
        let (count, out) = &mut self.documents;
        *count = count.checked_add(1).ok_or(EncodeError)?;
        put_short(out, name.as_str())?;
        put_long(out, bytes)
    }

    /// The bundle. It is not checked here: run [`verify_bundle`] over it before handing it out.
    ///
    /// # Errors
    /// Never for parts that were accepted; the origin fits its length field.
    pub fn finish(self) -> Result<Vec<u8>, EncodeError> {
        let parts = [&self.checkpoints.1, &self.segments.1, &self.openings.1, &self.documents.1];
        let mut out = Vec::with_capacity(320 + parts.iter().map(|part| part.len()).sum::<usize>());
        out.extend_from_slice(MAGIC);
        put_short(&mut out, self.origin.as_str())?;
        out.push(self.checkpoints.0);
        out.extend_from_slice(&self.checkpoints.1);
        out.extend_from_slice(&self.segments.0.to_be_bytes());
        out.extend_from_slice(&self.segments.1);
        out.extend_from_slice(&self.openings.0.to_be_bytes());
        out.extend_from_slice(&self.openings.1);
        out.extend_from_slice(&self.documents.0.to_be_bytes());
        out.extend_from_slice(&self.documents.1);
        let digest = Sha256::digest(&out);
        out.extend_from_slice(&digest);
        Ok(out)
    }
}

fn put_short(out: &mut Vec<u8>, text: &str) -> Result<(), EncodeError> {
    out.push(u8::try_from(text.len()).map_err(|_| EncodeError)?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn put_long(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), EncodeError> {
    out.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| EncodeError)?.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_hashes(out: &mut Vec<u8>, hashes: &[Hash]) {
    for hash in hashes {
        out.extend_from_slice(&hash.0);
    }
}

/// A part does not fit its length field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a part of the bundle is too long for the format")]
pub struct EncodeError;
