//! Plain bytes for the paper documents: big-endian numbers, texts with a length byte.

use mithaq_model::{PartyId, Timestamp};

/// The bytes end early, or hold what may not stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short;

/// Writes.
#[derive(Default)]
pub(crate) struct Pen(Vec<u8>);

impl Pen {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn word(&mut self, word: u32) {
        self.raw(&word.to_be_bytes());
    }

    pub(crate) fn long(&mut self, long: u64) {
        self.raw(&long.to_be_bytes());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.byte(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.raw(text.as_bytes());
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads.
pub(crate) struct Thumb<'a>(&'a [u8]);

impl<'a> Thumb<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Short> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        self.take(N)?.try_into().map_err(|_length| Short)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Short> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(crate) fn word(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Result<u64, Short> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Short> {
        self.array().map(i64::from_be_bytes).map(Timestamp::from_millis)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Short> {
        let length = usize::from(self.byte()?);
        core::str::from_utf8(self.take(length)?).map_err(|_not_text| Short)
    }

    pub(crate) fn party(&mut self) -> Result<PartyId, Short> {
        PartyId::new(self.text()?).map_err(|_not_a_party| Short)
    }

    pub(crate) const fn rest(&mut self) -> &'a [u8] {
        self.0
    }
}
