//! A cursor over foreign bytes for the length-prefixed formats of this crate. Reads only; every length
//! is checked against what is there before anything is taken, and nothing is allocated.

use crate::hash::Hash;
use data_encoding::BASE64;

/// Base64 in its one spelling (RFC 4648, section 4, with padding).
///
/// Writing the bytes again is the check: decoders may accept padded pieces one after the other.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    (BASE64.encode(&bytes) == text).then_some(bytes)
}

/// Fewer bytes than the format promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truncated;

/// What is left to read. All integers are big-endian.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Truncated> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Truncated> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, Truncated> {
        self.array().map(Hash)
    }

    /// `u8` length, then that many bytes.
    pub(crate) fn short(&mut self) -> Result<&'a [u8], Truncated> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// `u16` length, then that many bytes.
    pub(crate) fn medium(&mut self) -> Result<&'a [u8], Truncated> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// `u32` length, then that many bytes.
    pub(crate) fn long(&mut self) -> Result<&'a [u8], Truncated> {
        let len = self.u32()?;
        self.take(usize::try_from(len).map_err(|_| Truncated)?)
    }

    /// `count` hashes.
    pub(crate) fn hashes(&mut self, count: usize) -> Result<Vec<Hash>, Truncated> {
        let len = count.checked_mul(Hash::LEN).ok_or(Truncated)?;
        let (chunks, _) = self.take(len)?.as_chunks::<32>();
        Ok(chunks.iter().copied().map(Hash).collect())
    }
}
