//! Deterministic CBOR (RFC 8949, §4.2.1) in the narrow form our documents need: unsigned and negative integers,
//! byte and text strings, arrays and maps of definite length, true, false, null. One value has one spelling: shortest
//! heads only, nothing after the end. Everything else is refused. The order of the keys of a map is checked by who
//! reads it: our documents are arrays, only the headers of signatures (RFC 9052) are maps.

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

/// Writes values, each in its only spelling.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Returns the bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
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

    /// Writes the head of an array of so many parts.
    pub fn array(&mut self, length: usize) -> &mut Self {
        self.head(4, wide(length));
        self
    }

    /// Writes the head of a map of so many pairs; the caller writes keys in the order of their bytes.
    pub fn map(&mut self, pairs: usize) -> &mut Self {
        self.head(5, wide(pairs));
        self
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, number: u64) -> &mut Self {
        self.head(0, number);
        self
    }

    /// Writes an integer.
    pub fn int(&mut self, number: i64) -> &mut Self {
        match u64::try_from(number) {
            Ok(number) => self.head(0, number),
            // −1 − n
            Err(_negative) => self.head(1, number.unsigned_abs() - 1),
        }
        self
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(2, wide(bytes.len()));
        self.0.extend_from_slice(bytes);
        self
    }

    /// Writes a text string.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.head(3, wide(text.len()));
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// Writes true or false.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(if value { 0xf5 } else { 0xf4 });
        self
    }

    /// Writes null.
    pub fn null(&mut self) -> &mut Self {
        self.0.push(0xf6);
        self
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Reads values and refuses every spelling but the only one.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Checks that nothing follows.
    ///
    /// # Errors
    /// [`WireError::Trailing`].
    pub const fn end(&self) -> Result<(), WireError> {
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

    /// Reads the length of a list, refused above `max` before anything is kept.
    ///
    /// # Errors
    /// When there is none or it is longer.
    pub fn list(&mut self, max: usize) -> Result<usize, WireError> {
        let length = usize::try_from(self.of(4)?).map_err(|_wide| WireError::Limit)?;
        if length > max { Err(WireError::Limit) } else { Ok(length) }
    }

    /// Reads the head of an array of exactly this many parts.
    ///
    /// # Errors
    /// When there is another.
    pub fn tuple(&mut self, parts: u64) -> Result<(), WireError> {
        if self.of(4)? == parts { Ok(()) } else { Err(WireError::Type) }
    }

    /// Reads an unsigned integer.
    ///
    /// # Errors
    /// When there is none in its only spelling.
    pub fn uint(&mut self) -> Result<u64, WireError> {
        self.of(0)
    }

    /// Reads an unsigned integer of 32 bits.
    ///
    /// # Errors
    /// As [`Reader::uint`], and when it is larger.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.uint()?).map_err(|_wide| WireError::Limit)
    }

    /// Reads an integer.
    ///
    /// # Errors
    /// When there is none in its only spelling.
    pub fn int(&mut self) -> Result<i64, WireError> {
        let (major, number) = self.head()?;
        let number = i64::try_from(number).map_err(|_wide| WireError::Limit)?;
        match major {
            0 => Ok(number),
            1 => Ok(-1 - number),
            _other => Err(WireError::Type),
        }
    }

    /// Reads a byte string of at most `max` bytes.
    ///
    /// # Errors
    /// When there is none, it is longer or ends early.
    pub fn bytes(&mut self, max: usize) -> Result<&'a [u8], WireError> {
        let length = self.of(2)?;
        self.string(length, max)
    }

    /// Reads a byte string of exactly so many bytes.
    ///
    /// # Errors
    /// When there is none of that length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.bytes(N)?.try_into().map_err(|_length| WireError::Type)
    }

    /// Reads a text string of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and when it is not UTF-8.
    pub fn text(&mut self, max: usize) -> Result<&'a str, WireError> {
        let length = self.of(3)?;
        core::str::from_utf8(self.string(length, max)?).map_err(|_not_utf8| WireError::NotCanonical)
    }

    fn string(&mut self, length: u64, max: usize) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(length).map_err(|_wide| WireError::Limit)?;
        if length > max { Err(WireError::Limit) } else { self.take(length) }
    }

    /// Reads true or false.
    ///
    /// # Errors
    /// When there is neither.
    pub fn bool(&mut self) -> Result<bool, WireError> {
        match self.take(1)? {
            [0xf4] => Ok(false),
            [0xf5] => Ok(true),
            _other => Err(WireError::Type),
        }
    }

    /// Reads the number of pairs of a map, refused above `max`.
    ///
    /// # Errors
    /// When there is none or it is larger.
    pub fn map(&mut self, max: usize) -> Result<usize, WireError> {
        let pairs = usize::try_from(self.of(5)?).map_err(|_wide| WireError::Limit)?;
        if pairs > max { Err(WireError::Limit) } else { Ok(pairs) }
    }

    /// Returns whether the next value is null, which is then taken.
    pub fn null(&mut self) -> bool {
        match self.0.split_first() {
            Some((0xf6, rest)) => {
                self.0 = rest;
                true
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_a_length_and_one_spelling() {
        let mut w = Writer::default();
        w.map(2).uint(1).int(-8).int(-70_001).null();
        let bytes = w.finish();
        let mut r = Reader::new(&bytes);
        assert_eq!((r.map(2), r.uint(), r.int()), (Ok(2), Ok(1), Ok(-8)));
        assert_eq!((r.int(), r.null(), r.end()), (Ok(-70_001), true, Ok(())));
        assert_eq!(Reader::new(&bytes).map(1), Err(WireError::Limit));
        for bad in [&[0xb8, 2][..], &[0xbf, 0xff], &[0xbb, 0, 0, 0, 1, 0, 0, 0, 0]] {
            assert!(Reader::new(bad).map(9).is_err(), "{bad:?}");
        }
    }
}
