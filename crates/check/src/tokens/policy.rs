//! What makes a token: versioned, hashed, part of the agreement.

use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::bits::SOUND_VERSION;

/// What is hashed before a policy.
const CONTEXT: &[u8] = b"mithaq/token-policy/1\n";

/// Version of the form. In the first a document number alone made a token: no such policy is read any more, and an
/// agreement that names one provides for no check until it is amended.
const VERSION: u64 = 2;

/// The policy of tokens. Bits are those of the names in a token: how rare they are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPolicy {
    /// Bits the names need beside a day of birth.
    pub day_bits: u8,
    /// Bits the names need beside a year of birth.
    pub year_bits: u8,
    /// Bits the names need beside a place of birth; none: a place is no second identifier.
    pub place_bits: Option<u8>,
    /// Bits the one name needs beside a document number; none: a document is no second identifier.
    pub document_bits: Option<u8>,
    /// Most tokens of one subject, 1 to [`TokenPolicy::PER_SUBJECT_MAX`].
    pub per_subject: u16,
}

/// Why bytes are no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenPolicyError {
    /// Not the form of a policy.
    #[error("the policy of tokens cannot be read: {0}")]
    Wire(#[from] WireError),
    /// Made for other tables than this program has.
    #[error("the policy of tokens is for other name tables (sound {sound}, tables {tables})")]
    Tables {
        /// Its version of [`crate::sound`].
        sound: u64,
        /// Its version of the name tables.
        tables: u64,
    },
    /// A number outside its bounds.
    #[error("the policy of tokens holds a number outside its bounds")]
    Bounds,
}

impl TokenPolicy {
    /// Most tokens a policy may allow a subject: bounds what one subject costs both sides.
    pub const PER_SUBJECT_MAX: u16 = 128;
    /// Most bits a policy may ask for.
    pub const BITS_MAX: u8 = 60;

    /// Few false hits: common names need a day of birth and a third name.
    pub const NARROW: Self =
        Self { day_bits: 18, year_bits: 28, place_bits: None, document_bits: Some(0), per_subject: 64 };
    /// Between the two: nearly any two names with the day, rare ones with the year.
    pub const MIDDLE: Self =
        Self { day_bits: 12, year_bits: 20, place_bits: None, document_bits: Some(0), per_subject: 64 };
    /// Few misses: any two names with the year. For missing persons and small registers.
    pub const WIDE: Self =
        Self { day_bits: 0, year_bits: 0, place_bits: None, document_bits: Some(0), per_subject: 64 };

    /// Returns the defined policy of a hash, as an agreement names it: none for another, or for other tables.
    #[must_use]
    pub fn of_hash(hash: &[u8; 32]) -> Option<Self> {
        [Self::NARROW, Self::MIDDLE, Self::WIDE].into_iter().find(|policy| policy.hash() == *hash)
    }

    /// Returns the bytes: `[2, sound, tables, day, year, place or null, document or null, per subject]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(8).uint(VERSION).uint(u64::from(SOUND_VERSION)).uint(u64::from(mithaq_names::TABLES_VERSION));
        w.uint(u64::from(self.day_bits)).uint(u64::from(self.year_bits));
        for bits in [self.place_bits, self.document_bits] {
            match bits {
                Some(bits) => w.uint(u64::from(bits)),
                None => w.null(),
            };
        }
        w.uint(u64::from(self.per_subject));
        w.finish()
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// When it is another version, for other tables, or out of bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenPolicyError> {
        let mut r = Reader::new(bytes);
        r.tuple(8)?;
        if r.uint()? != VERSION {
            return Err(WireError::Version.into());
        }
        let (sound, tables) = (r.uint()?, r.uint()?);
        if sound != u64::from(SOUND_VERSION) || tables != u64::from(mithaq_names::TABLES_VERSION) {
            return Err(TokenPolicyError::Tables { sound, tables });
        }
        let policy = Self {
            day_bits: bits(r.uint()?)?,
            year_bits: bits(r.uint()?)?,
            place_bits: if r.null() { None } else { Some(bits(r.uint()?)?) },
            document_bits: if r.null() { None } else { Some(bits(r.uint()?)?) },
            per_subject: u16::try_from(r.uint()?).map_err(|_wide| TokenPolicyError::Bounds)?,
        };
        r.end()?;
        let fits = (1..=Self::PER_SUBJECT_MAX).contains(&policy.per_subject);
        if fits { Ok(policy) } else { Err(TokenPolicyError::Bounds) }
    }

    /// Returns its hash: what the agreement names.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(CONTEXT).chain_update(self.to_bytes()).finalize().into()
    }
}

fn bits(number: u64) -> Result<u8, TokenPolicyError> {
    let bits = u8::try_from(number).ok().filter(|bits| *bits <= TokenPolicy::BITS_MAX);
    bits.ok_or(TokenPolicyError::Bounds)
}
