//! Identifiers. All that leave a node are global: random 16 bytes made by the shell, or a hash; row numbers
//! never leave a store. The text form fits a ledger reference and shows the kind by its prefix.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// Why a text is no identifier. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdError {
    /// The prefix names another kind, or none.
    #[error("the identifier must begin with `{expected}`")]
    Prefix {
        /// The prefix of the kind that was asked for.
        expected: &'static str,
    },
    /// Too long, too short or with a character that may not stand there.
    #[error("the identifier is malformed")]
    Malformed,
}

/// Crockford's alphabet: no letter that is read as a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DIGITS: usize = 26;

fn write_base32(bytes: [u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let number = u128::from_be_bytes(bytes);
    for digit in (0..DIGITS).rev() {
        let five = usize::try_from(number >> (5 * digit) & 31).unwrap_or(0);
        f.write_str(core::str::from_utf8(ALPHABET.get(five..=five).unwrap_or(b"0")).unwrap_or("0"))?;
    }
    Ok(())
}

fn read_base32(text: &str) -> Result<[u8; 16], IdError> {
    if text.len() != DIGITS {
        return Err(IdError::Malformed);
    }
    let mut number: u128 = 0;
    for (place, c) in text.bytes().enumerate() {
        let five = ALPHABET.iter().position(|a| *a == c).ok_or(IdError::Malformed)?;
        // 26 digits hold 130 bits: the first digit may only use three.
        if place == 0 && five > 7 {
            return Err(IdError::Malformed);
        }
        number = number << 5 | u128::try_from(five).map_err(|_wide| IdError::Malformed)?;
    }
    Ok(number.to_be_bytes())
}

/// What all 16-byte identifiers share.
pub trait Id16: Copy + Ord + fmt::Display + FromStr<Err = IdError> {
    /// The prefix of the text form, for example `R-`.
    const PREFIX: &'static str;
    /// Takes 16 bytes, random or derived; the caller owns their uniqueness.
    fn from_bytes(bytes: [u8; 16]) -> Self;
    /// Returns the 16 bytes.
    fn to_bytes(self) -> [u8; 16];
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes 16 bytes, random or derived; the caller owns their uniqueness.
            #[must_use]
            pub const fn new(bytes: [u8; 16]) -> Self { Self(bytes) }
            /// Returns the 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] { &self.0 }
        }

        impl Id16 for $name {
            const PREFIX: &'static str = $prefix;
            fn from_bytes(bytes: [u8; 16]) -> Self { Self(bytes) }
            fn to_bytes(self) -> [u8; 16] { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write_base32(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).ok_or(IdError::Prefix { expected: $prefix })?;
                read_base32(digits).map(Self)
            }
        }
    )+ };
}

ids! {
    /// A case: the reason for every search, read and disclosure of a person.
    CaseId = "C-",
    /// One statement about a subject.
    ClaimId = "K-",
    /// A relation between two subjects.
    LinkId = "L-",
    /// Anything exchanged whose kind is not known yet.
    ObjectId = "O-",
    /// A person who works at a node.
    OfficerId = "U-",
    /// A report, through all its versions.
    ReportId = "R-",
    /// A person, organisation, place, event or object.
    SubjectId = "S-",
    /// A desk or unit inside an agency.
    UnitId = "D-",
}

impl From<ReportId> for ObjectId {
    fn from(id: ReportId) -> Self {
        Self(id.0)
    }
}

impl From<ObjectId> for ReportId {
    /// A report and the object it travels as are one thing under one number.
    fn from(id: ObjectId) -> Self {
        Self(id.0)
    }
}

/// A signatory to agreements, by function, for example `ma-security`: 3 to 40 of `a-z 0-9 -`, beginning and
/// ending with a letter or digit. Public: it names an agency, never a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(String);

impl PartyId {
    /// Takes the name of a party.
    ///
    /// # Errors
    /// When the text is too short, too long, or holds or is bounded by another character. There is no name
    /// for "everyone".
    pub fn new(text: &str) -> Result<Self, IdError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let inside = text.bytes().all(|b| plain(b) || b == b'-');
        let ends = text.bytes().next().is_some_and(plain) && text.bytes().next_back().is_some_and(plain);
        if (3..=40).contains(&text.len()) && inside && ends {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::Malformed)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PartyId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

/// SHA-256 of the agreement as its parties signed it. Part of every envelope: a node never applies a rule
/// set that the other side did not sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgreementId([u8; 32]);

impl AgreementId {
    /// Takes the digest.
    #[must_use]
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Returns the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AgreementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ag-")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for AgreementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AgreementId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let hex = text.strip_prefix("ag-").ok_or(IdError::Prefix { expected: "ag-" })?;
        let canonical = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !canonical {
            return Err(IdError::Malformed);
        }
        let mut digest = [0_u8; 32];
        for (place, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let pair = core::str::from_utf8(pair).map_err(|_not_text| IdError::Malformed)?;
            *place = u8::from_str_radix(pair, 16).map_err(|_not_hex| IdError::Malformed)?;
        }
        Ok(Self(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_form_is_one_to_one(bytes in any::<[u8; 16]>(), digest in any::<[u8; 32]>()) {
            let id = ReportId::new(bytes);
            prop_assert_eq!(id.to_string().parse::<ReportId>(), Ok(id));
            let agreement = AgreementId::new(digest);
            prop_assert_eq!(agreement.to_string().parse::<AgreementId>(), Ok(agreement));
        }

        #[test]
        fn nothing_foreign_panics(text in ".*") {
            let _ = (text.parse::<CaseId>(), text.parse::<PartyId>(), text.parse::<AgreementId>());
        }
    }

    #[test]
    fn refuses_other_kinds_and_second_spellings() {
        let text = ReportId::new([0xff; 16]).to_string();
        assert_eq!(text, "R-7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(text.parse::<CaseId>(), Err(IdError::Prefix { expected: "C-" }));
        for bad in ["R-8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "R-7zzzzzzzzzzzzzzzzzzzzzzzzz", "R-", "R-7", "7ZZ"] {
            assert!(bad.parse::<ReportId>().is_err(), "{bad}");
        }
        assert!(format!("ag-{}", "A".repeat(64)).parse::<AgreementId>().is_err());
    }

    #[test]
    fn party_names_are_plain_and_never_everyone() {
        assert!(PartyId::new("ma-security").is_ok());
        for bad in ["", "*", "ab", "any one", "Ma-security", "-ma", "ma-", "مغرب", &"a".repeat(41)] {
            assert!(PartyId::new(bad).is_err(), "{bad}");
        }
    }
}
