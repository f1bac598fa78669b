//! Keys of signed notes: names, key ids, verifier keys in their text form, and the trait through which a
//! caller signs. Private keys never come here.

use core::{fmt, str::FromStr};

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::read::base64;

/// Longest key name or origin in bytes.
const MAX_NAME: usize = 255;

/// A key name or log origin (C2SP signed-note): 1 to 255 bytes without white space, control characters or `+`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Takes a name.
    ///
    /// # Errors
    /// [`KeyError::Name`] when it is empty, too long or holds a character that a name must not hold.
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.len() > MAX_NAME || name.contains(bad) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// `0x01`: the note text as it is (C2SP signed-note).
    Ed25519,
    /// `0x04`: the note text with a time (C2SP tlog-cosignature v1).
    Cosignature,
}

impl KeyKind {
    /// The signature type byte.
    #[must_use]
    pub const fn type_byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// `SHA-256(name || 0x0a || type || public key)`, its first four bytes, big-endian (C2SP signed-note).
#[must_use]
pub fn key_id(name: &KeyName, kind: KeyKind, public: &[u8; 32]) -> u32 {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name.as_str())
        .chain_update([0x0a, kind.type_byte()])
        .chain_update(public)
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d])
}

/// Signs notes. Implemented where the private key is; one key for one [`KeyKind`], never for both.
pub trait NoteSigner {
    /// The key name. For a log it is the origin.
    fn name(&self) -> &str;
    /// The key id of [`key_id`] for the kind of this key.
    fn key_id(&self) -> u32;
    /// The Ed25519 signature (RFC 8032) over exactly these bytes.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// A public key someone decided to trust, with its name and kind. Text form:
/// `<name>+<key id, 8 hexadecimal digits>+<base64(type || public key)>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    kind: KeyKind,
    id: u32,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Takes a public key.
    ///
    /// # Errors
    /// When the name is none, or the key is no point of the curve or of small order.
    pub fn new(name: &str, kind: KeyKind, public: &[u8; 32]) -> Result<Self, KeyError> {
        let name = KeyName::new(name)?;
        let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Point)?;
        if key.is_weak() || key.to_bytes() != *public {
            return Err(KeyError::Point);
        }
        let id = key_id(&name, kind, public);
        Ok(Self { name, kind, id, key })
    }

    /// The key name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// What the key signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key id.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// `verify_strict` only: a signature has one meaning for every verifier.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blob = vec![self.kind.type_byte()];
        blob.extend_from_slice(self.public());
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id.to_be_bytes()), BASE64.encode(&blob))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(KeyError::Format);
        let (name, id, blob) = (part()?, part()?, part()?);
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| KeyError::Format)?;
        let id: [u8; 4] = id.try_into().map_err(|_| KeyError::Format)?;
        let blob = base64(blob).ok_or(KeyError::Format)?;
        let (kind, public) = blob.split_first().ok_or(KeyError::Format)?;
        let kind = match kind {
            0x01 => KeyKind::Ed25519,
            0x04 => KeyKind::Cosignature,
            other => return Err(KeyError::Kind { kind: *other }),
        };
        let key = Self::new(name, kind, public.try_into().map_err(|_| KeyError::Format)?)?;
        if key.id == u32::from_be_bytes(id) { Ok(key) } else { Err(KeyError::Id) }
    }
}

/// Why a name or verifier key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// No key name.
    #[error("a key name is 1 to 255 bytes without spaces, control characters or plus signs")]
    Name,
    /// Not the text form of a verifier key.
    #[error("a verifier key is written name+id+base64")]
    Format,
    /// A signature type this crate does not verify.
    #[error("signature type {kind} is unknown")]
    Kind {
        /// The type byte.
        kind: u8,
    },
    /// The public key is no point of the curve, of small order, or in another spelling.
    #[error("the public key is not a valid Ed25519 key")]
    Point,
    /// The id was made for another name, kind or key.
    #[error("the key id does not belong to this name and key")]
    Id,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verifier key in the documentation of Go's `golang.org/x/mod/sumdb/note`.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_verifier_key_round_trips() {
        let key: VerifierKey = PETER.parse().unwrap();
        assert_eq!(
            (key.name().as_str(), key.kind(), key.id()),
            ("PeterNeumann", KeyKind::Ed25519, 0xc74f_20a3)
        );
        assert_eq!(key.to_string(), PETER);
        let other = VerifierKey::new("PeterNeumann", KeyKind::Cosignature, key.public()).unwrap();
        assert_ne!(other.id(), key.id());
        assert_eq!(other.to_string().parse(), Ok(other));
    }

    #[test]
    fn verifier_keys_that_do_not_fit_are_refused() {
        let cases = [
            ("PeterNeumann", KeyError::Format),
            // The type byte alone, padded, then the key: decodes to the same 33 bytes.
            ("PeterNeumann+c74f20a3+AQ==GlzZBxQ8OExB6DDFvOEqqIF+xWSaqr8sMTiLNbLXRNY=", KeyError::Format),
            ("PeterNeumann+c74f20a3", KeyError::Format),
            ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
            ("PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
            ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Format),
            ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", KeyError::Format),
            ("PeterNeumann+c74f20a3+AhpcMQ==", KeyError::Kind { kind: 2 }),
            ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
            ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
        }
        let mut small_order = [0; 32];
        small_order[0] = 1;
        assert_eq!(VerifierKey::new("a", KeyKind::Ed25519, &small_order), Err(KeyError::Point));
        assert_eq!(KeyName::new(&"a".repeat(256)), Err(KeyError::Name));
        assert_eq!(KeyName::new("a\u{2003}b"), Err(KeyError::Name));
    }

    /// The table that the verifiers of envelopes and of the checker are held to as well.
    #[test]
    fn the_edges_of_ed25519_get_the_verdict_of_the_table_here_too() {
        let table = mithaq_testkit::ed25519_edges();
        assert_eq!((table.published.len(), table.made.len()), (12, 372));
        for edge in table.iter() {
            let key = VerifierKey::new("edge", KeyKind::Ed25519, &edge.key);
            let found = key.is_ok_and(|key| key.accepts(&edge.message, &edge.signature));
            assert_eq!(found, edge.good, "{}", edge.why);
        }
    }
}
