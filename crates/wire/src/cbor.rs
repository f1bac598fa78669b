//! Deterministic CBOR (RFC 8949, §4.2.1) in the narrow form our documents need: unsigned and negative integers,
//! byte and text strings, arrays of definite length, true, false, null. One value has one spelling: shortest
//! heads only, nothing after the end. Everything else is refused.

use thiserror::Error;

/// Why bytes are not a document of this protocol. Never repeats what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end within a value.
    #[error("the document ends early")]
    Truncated,
    /// There are bytes after the document.
    #[error("the document has bytes after its end")]
    Trailing,
    /// A value in another than its shortest spelling, or of a kind the protocol does not use.
    #[error("the document is not in its only encoding")]
    NotCanonical,
    /// A value of another type or number of parts than expected.
    #[error("a part of the document is not of the expected type")]
    Type,
    /// Longer than the protocol allows.
    #[error("a part of the document is beyond its limit")]
    Limit,
    /// A code this version does not know. Unknown never means "any".
    #[error("the document holds an unknown code")]
    Code,
    /// A value the model refuses: a text with control characters, an impossible date, an empty set.
    #[error("a part of the document is not valid")]
    Value,
    /// A version this program does not read.
    #[error("the document is of an unknown version")]
    Version,
}

/// Writes.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn head(&mut self, major: u8, number: u64) {
        let major = major << 5;
        let bytes @ [.., last] = number.to_be_bytes();
        let (low, from) = match number {
            0..=23 => return self.0.push(major | last),
            24..=0xff => (24, 7),
            0x100..=0xffff => (25, 6),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 0),
        };
        self.0.push(major | low);
        self.0.extend_from_slice(bytes.get(from..).unwrap_or_default());
    }

    pub(crate) fn array(&mut self, length: usize) -> &mut Self {
        self.head(4, wide(length));
        self
    }

    pub(crate) fn uint(&mut self, number: u64) -> &mut Self {
        self.head(0, number);
        self
    }

    pub(crate) fn int(&mut self, number: i64) -> &mut Self {
        match u64::try_from(number) {
            Ok(number) => self.head(0, number),
            // −1 − n
            Err(_negative) => self.head(1, number.unsigned_abs() - 1),
        }
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(2, wide(bytes.len()));
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.head(3, wide(text.len()));
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(if value { 0xf5 } else { 0xf4 });
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.0.push(0xf6);
        self
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Reads.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Trailing) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(WireError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    fn head(&mut self) -> Result<(u8, u64), WireError> {
        let first = *self.take(1)?.first().ok_or(WireError::Truncated)?;
        let (major, low) = (first >> 5, first & 31);
        let (number, least) = match low {
            0..=23 => return Ok((major, u64::from(low))),
            24 => (self.number(1)?, 24),
            25 => (self.number(2)?, 0x100),
            26 => (self.number(4)?, 0x1_0000),
            27 => (self.number(8)?, 0x1_0000_0000),
            _reserved_or_indefinite => return Err(WireError::NotCanonical),
        };
        if number < least { Err(WireError::NotCanonical) } else { Ok((major, number)) }
    }

    fn number(&mut self, width: usize) -> Result<u64, WireError> {
        Ok(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn of(&mut self, wanted: u8) -> Result<u64, WireError> {
        let (major, number) = self.head()?;
        if major == wanted { Ok(number) } else { Err(WireError::Type) }
    }

    /// The length of a list, refused above `max` before anything is kept.
    pub(crate) fn list(&mut self, max: usize) -> Result<usize, WireError> {
        let length = usize::try_from(self.of(4)?).map_err(|_wide| WireError::Limit)?;
        if length > max { Err(WireError::Limit) } else { Ok(length) }
    }

    /// A tuple of exactly this many parts.
    pub(crate) fn tuple(&mut self, parts: u64) -> Result<(), WireError> {
        if self.of(4)? == parts { Ok(()) } else { Err(WireError::Type) }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, WireError> {
        self.of(0)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.uint()?).map_err(|_wide| WireError::Limit)
    }

    pub(crate) fn int(&mut self) -> Result<i64, WireError> {
        let (major, number) = self.head()?;
        let number = i64::try_from(number).map_err(|_wide| WireError::Limit)?;
        match major {
            0 => Ok(number),
            1 => Ok(-1 - number),
            _other => Err(WireError::Type),
        }
    }

    pub(crate) fn bytes(&mut self, max: usize) -> Result<&'a [u8], WireError> {
        let length = self.of(2)?;
        self.string(length, max)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.bytes(N)?.try_into().map_err(|_length| WireError::Type)
    }

    pub(crate) fn text(&mut self, max: usize) -> Result<&'a str, WireError> {
        let length = self.of(3)?;
        core::str::from_utf8(self.string(length, max)?).map_err(|_not_utf8| WireError::NotCanonical)
    }

    fn string(&mut self, length: u64, max: usize) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(length).map_err(|_wide| WireError::Limit)?;
        if length > max { Err(WireError::Limit) } else { self.take(length) }
    }

    pub(crate) fn bool(&mut self) -> Result<bool, WireError> {
        match self.take(1)? {
            [0xf4] => Ok(false),
            [0xf5] => Ok(true),
            _other => Err(WireError::Type),
        }
    }

    /// Whether the next value is null, which is then taken.
    pub(crate) fn null(&mut self) -> bool {
        match self.0.split_first() {
            Some((0xf6, rest)) => {
                self.0 = rest;
                true
            }
            Some(_) | None => false,
        }
    }
}
