//! What is logged: one entry in its only encoding. An entry says that something happened, when, by which
//! pseudonym and under which agreement; of content it holds at most a salted commitment. Whether the
//! event was allowed, and who a pseudonym is, is not known here.

use core::fmt;

use thiserror::Error;

use crate::hash::Hash;
use crate::read::{Reader, Truncated};

/// The version byte this crate writes and reads.
const VERSION: u8 = 1;
/// Longest [`Code`] in bytes.
const MAX_CODE: usize = 32;
/// Longest [`Id`] in bytes.
const MAX_ID: usize = 64;
/// Upper bound of an encoded entry in bytes (the sum of all fields at their longest is 481).
pub const MAX_ENTRY: usize = 512;

/// A word of a fixed vocabulary: 1 to 32 of `A-Z a-z 0-9 . _ -`, beginning with a letter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code<'a>(&'a str);

impl<'a> Code<'a> {
    /// Takes a word of the vocabulary.
    ///
    /// # Errors
    /// When it is empty, too long, begins with another character than a letter or holds other characters.
    pub fn new(text: &'a str) -> Result<Self, FieldError> {
        check(text, MAX_CODE, |b| b.is_ascii_alphanumeric() || b"._-".contains(&b))?;
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            Ok(Self(text))
        } else {
            Err(FieldError::Character)
        }
    }

    /// The word.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

/// A reference to something held elsewhere: 1 to 64 of `A-Z a-z 0-9 . _ - : /`, beginning with a letter
/// or digit. No spaces, no `@`, no letters outside ASCII: a name or sentence does not fit by accident.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// Takes a reference.
    ///
    /// # Errors
    /// When it is empty, too long, begins with another character than a letter or digit or holds other
    /// characters.
    pub fn new(text: &'a str) -> Result<Self, FieldError> {
        check(text, MAX_ID, |b| b.is_ascii_alphanumeric() || b"._-:/".contains(&b))?;
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            Ok(Self(text))
        } else {
            Err(FieldError::Character)
        }
    }

    /// The reference.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn check(text: &str, max: usize, allowed: impl Fn(u8) -> bool) -> Result<(), FieldError> {
    if text.is_empty() {
        Err(FieldError::Empty)
    } else if text.len() > max {
        Err(FieldError::TooLong { max })
    } else if text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(FieldError::Character)
    }
}

/// Who acted, as 16 bytes that only the node's own register turns into a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Pseudonym(pub [u8; 16]);

/// One logged event. Borrows its texts, so that a million entries are checked without a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What happened, for example `report.released`.
    pub kind: Code<'a>,
    /// When by the node's clock: milliseconds since 1970-01-01T00:00:00Z. A claim, not a proof: what
    /// brackets it are the times of the countersignatures.
    pub at_ms: i64,
    /// In which role, for example `supervisor` or `system`.
    pub role: Code<'a>,
    /// The object or action.
    pub object: Id<'a>,
    /// Who, or none for the node itself.
    pub actor: Option<Pseudonym>,
    /// The case.
    pub case: Option<Id<'a>>,
    /// For which purpose.
    pub purpose: Option<Code<'a>>,
    /// SHA-256 of the agreement as signed.
    pub agreement: Option<Hash>,
    /// The other party.
    pub counterparty: Option<Id<'a>>,
    /// Verdict or denial code.
    pub verdict: Option<Id<'a>>,
    /// Salted commitment to the content ([`crate::commit`]).
    pub commitment: Option<Hash>,
    /// Hash of the state before.
    pub prev_state: Option<Hash>,
}

impl<'a> Entry<'a> {
    /// An entry with its four required fields; the others are none.
    #[must_use]
    pub const fn new(kind: Code<'a>, at_ms: i64, role: Code<'a>, object: Id<'a>) -> Self {
        Self {
            kind,
            at_ms,
            role,
            object,
            actor: None,
            case: None,
            purpose: None,
            agreement: None,
            counterparty: None,
            verdict: None,
            commitment: None,
            prev_state: None,
        }
    }

    /// The bytes of the entry: the leaf.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.encode_into(&mut out);
        out
    }

    /// Appends the bytes of the entry to `out`, at most [`MAX_ENTRY`].
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, self.presence()]);
        out.extend_from_slice(&self.at_ms.to_be_bytes());
        for text in [self.kind.0, self.role.0, self.object.0] {
            put_text(out, text);
        }
        out.extend_from_slice(self.actor.as_ref().map_or(&[][..], |actor| &actor.0));
        put_opt_text(out, self.case.map(|id| id.0));
        put_opt_text(out, self.purpose.map(|code| code.0));
        put_opt_hash(out, self.agreement.as_ref());
        put_opt_text(out, self.counterparty.map(|id| id.0));
        put_opt_text(out, self.verdict.map(|id| id.0));
        put_opt_hash(out, self.commitment.as_ref());
        put_opt_hash(out, self.prev_state.as_ref());
    }

    /// Bit n is set when the n-th optional field, in the order of the struct, is there.
    const fn presence(&self) -> u8 {
        (self.actor.is_some() as u8)
            | (self.case.is_some() as u8) << 1
            | (self.purpose.is_some() as u8) << 2
            | (self.agreement.is_some() as u8) << 3
            | (self.counterparty.is_some() as u8) << 4
            | (self.verdict.is_some() as u8) << 5
            | (self.commitment.is_some() as u8) << 6
            | (self.prev_state.is_some() as u8) << 7
    }

    /// Reads an entry. Every accepted input is the encoding of the entry it gives.
    ///
    /// # Errors
    /// When the version is unknown, the bytes end early or late, or a field holds what no code or
    /// reference may hold.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EntryError> {
        let mut reader = Reader::new(bytes);
        let [version, presence] = reader.array()?;
        if version != VERSION {
            return Err(EntryError::Version { version });
        }
        let has = |bit: u8| presence >> bit & 1 == 1;
        let r = &mut reader;
        let entry = Self {
            at_ms: i64::from_be_bytes(r.array()?),
            kind: code(r, "kind")?,
            role: code(r, "role")?,
            object: id(r, "object")?,
            actor: has(0).then(|| r.array().map(Pseudonym)).transpose()?,
            case: has(1).then(|| id(r, "case")).transpose()?,
            purpose: has(2).then(|| code(r, "purpose")).transpose()?,
            agreement: has(3).then(|| r.hash()).transpose()?,
            counterparty: has(4).then(|| id(r, "counterparty")).transpose()?,
            verdict: has(5).then(|| id(r, "verdict")).transpose()?,
            commitment: has(6).then(|| r.hash()).transpose()?,
            prev_state: has(7).then(|| r.hash()).transpose()?,
        };
        if reader.is_empty() { Ok(entry) } else { Err(EntryError::Trailing) }
    }
}

fn text<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a str, EntryError> {
    let why = |_| EntryError::Field { field, why: FieldError::Character };
    core::str::from_utf8(reader.short()?).map_err(why)
}

fn code<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<Code<'a>, EntryError> {
    Code::new(text(reader, field)?).map_err(|why| EntryError::Field { field, why })
}

fn id<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<Id<'a>, EntryError> {
    Id::new(text(reader, field)?).map_err(|why| EntryError::Field { field, why })
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    // `Code` and `Id` are at most 64 bytes long.
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

fn put_opt_text(out: &mut Vec<u8>, text: Option<&str>) {
    if let Some(text) = text {
        put_text(out, text);
    }
}

fn put_opt_hash(out: &mut Vec<u8>, hash: Option<&Hash>) {
    if let Some(hash) = hash {
        out.extend_from_slice(&hash.0);
    }
}

/// Why a text is no code or reference. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldError {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// Longer than the field may be.
    #[error("is longer than {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// A character that may not stand there.
    #[error("holds a character that a code or reference must not hold")]
    Character,
}

/// Why bytes are no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EntryError {
    /// A version this crate does not read.
    #[error("entry version {version} is unknown")]
    Version {
        /// The version byte.
        version: u8,
    },
    /// The bytes end within a field.
    #[error("the entry ends early")]
    Truncated,
    /// There are bytes after the last field.
    #[error("the entry has bytes after its last field")]
    Trailing,
    /// A field holds what it must not hold.
    #[error("the field {field} {why}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        why: FieldError,
    },
}

impl From<Truncated> for EntryError {
    fn from(Truncated: Truncated) -> Self {
        Self::Truncated
    }
}

#[cfg(test)]
mod tests;
