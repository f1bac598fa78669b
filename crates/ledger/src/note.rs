//! C2SP signed notes and the Ed25519 and cosignature/v1 signatures on them. What a note says is not
//! known here: for checkpoints see `checkpoint`.

use data_encoding::BASE64;
use thiserror::Error;

use crate::key::{KeyKind, KeyName, NoteSigner, VerifierKey};
use crate::read::base64;

/// Longest note in bytes, signatures included.
const MAX_NOTE: usize = 65_536;
/// Most lines of text.
const MAX_LINES: usize = 256;
/// Most signature lines.
const MAX_SIGNATURES: usize = 64;
/// Longest signature in bytes (an ML-DSA-44 cosignature of a later version is 2,428).
const MAX_SIGNATURE: usize = 4_096;

/// One signature line. Unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key name.
    pub name: KeyName,
    /// The key id.
    pub key_id: u32,
    /// The signature without the key id: 64 bytes for Ed25519, 8 bytes of time and 64 for a cosignature.
    pub bytes: Vec<u8>,
}

/// A text with signatures. Nothing in it is known to be true before [`SignedNote::verify`].
///
/// Holds: reading its bytes gives it back, and no two signatures have the same name and key id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A signature found good under a trusted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The key.
    pub key: VerifierKey,
    /// For a cosignature: when, in seconds since 1970-01-01T00:00:00Z by the cosigner's clock.
    pub at_s: Option<u64>,
}

impl SignedNote {
    /// A note without signatures yet.
    ///
    /// # Errors
    /// When the text does not end in a newline, has more lines or bytes than a note may have, or holds
    /// control characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_text(&text)?;
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note. Accepts exactly what [`SignedNote::to_bytes`] writes.
    ///
    /// # Errors
    /// When the bytes are not a well-formed note within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::TooLong);
        }
        let whole = core::str::from_utf8(bytes).map_err(|_| NoteError::Utf8)?;
        let (body, lines) = whole.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let mut note = Self::new(format!("{body}\n"))?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::SignatureLine)?;
        for line in lines.split('\n') {
            note.add(parse_line(line)?)?;
        }
        Ok(note)
    }

    /// The text with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures as they stand, unverified.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The note as bytes: text, blank line, signature lines.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{}\n", self.text);
        for signature in &self.signatures {
            let mut blob = signature.key_id.to_be_bytes().to_vec();
            blob.extend_from_slice(&signature.bytes);
            out.push_str(&format!("\u{2014} {} {}\n", signature.name, BASE64.encode(&blob)));
        }
        out.into_bytes()
    }

    /// Adds a signature line, for example one that a partner sent.
    ///
    /// # Errors
    /// When there is one of the same name and key id, or the note would pass its limits.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        let same = |s: &NoteSignature| s.name == signature.name && s.key_id == signature.key_id;
        if self.signatures.iter().any(same) {
            return Err(NoteError::DuplicateSignature);
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        if signature.bytes.is_empty() || signature.bytes.len() > MAX_SIGNATURE {
            return Err(NoteError::SignatureLine);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Signs the text with an Ed25519 key of kind [`KeyKind::Ed25519`].
    ///
    /// # Errors
    /// When the signer's name is no key name, or as for [`SignedNote::add`].
    pub fn sign(&mut self, signer: &dyn NoteSigner) -> Result<(), NoteError> {
        let name = KeyName::new(signer.name()).map_err(|_| NoteError::SignatureLine)?;
        let bytes = signer.sign(self.text.as_bytes()).to_vec();
        self.add(NoteSignature { name, key_id: signer.key_id(), bytes })
    }

    /// Makes a cosignature over the text with a key of kind [`KeyKind::Cosignature`] (C2SP tlog-cosignature
    /// v1). The caller adds it or sends it back; what it confirms is in `witness`.
    ///
    /// # Errors
    /// When the signer's name is no key name or the time is not below 2^63.
    pub fn cosign(&self, signer: &dyn NoteSigner, at_s: u64) -> Result<NoteSignature, NoteError> {
        let name = KeyName::new(signer.name()).map_err(|_| NoteError::SignatureLine)?;
        let message = cosigned(&self.text, at_s).ok_or(NoteError::Time)?;
        let mut bytes = at_s.to_be_bytes().to_vec();
        bytes.extend_from_slice(&signer.sign(&message));
        Ok(NoteSignature { name, key_id: signer.key_id(), bytes })
    }

    /// The signatures made by the given keys. Signatures of other keys are passed over.
    ///
    /// # Errors
    /// When a signature that names a given key is wrong, or two given keys share name and key id.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<VerifiedSignature>, NoteVerifyError> {
        let mut verified = Vec::new();
        for signature in &self.signatures {
            let mut named = keys.iter().filter(|k| k.name() == &signature.name && k.id() == signature.key_id);
            let Some(key) = named.next() else { continue };
            if named.any(|other| other != key) {
                return Err(NoteVerifyError::Ambiguous { name: key.name().clone() });
            }
            let bad = NoteVerifyError::Signature { name: key.name().clone() };
            let at_s = check(&self.text, key, &signature.bytes).ok_or(bad)?;
            verified.push(VerifiedSignature { key: key.clone(), at_s });
        }
        Ok(verified)
    }
}

/// `Some(time)` for a good signature; the time is `None` for a plain one.
fn check(text: &str, key: &VerifierKey, bytes: &[u8]) -> Option<Option<u64>> {
    match key.kind() {
        KeyKind::Ed25519 => key.accepts(text.as_bytes(), bytes.try_into().ok()?).then_some(None),
        KeyKind::Cosignature => {
            let (time, signature) = bytes.split_first_chunk::<8>()?;
            let at_s = u64::from_be_bytes(*time);
            let message = cosigned(text, at_s)?;
            key.accepts(&message, signature.try_into().ok()?).then_some(Some(at_s))
        }
    }
}

/// The message of a cosignature/v1; `None` for times of 2^63 and above.
fn cosigned(text: &str, at_s: u64) -> Option<Vec<u8>> {
    i64::try_from(at_s).ok()?;
    Some(format!("cosignature/v1\ntime {at_s}\n{text}").into_bytes())
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_NOTE {
        Err(NoteError::TooLong)
    } else if !text.ends_with('\n') {
        Err(NoteError::Newline)
    } else if text.contains(|c: char| c.is_control() && c != '\n') {
        Err(NoteError::ControlCharacter)
    } else if text.bytes().filter(|b| *b == b'\n').count() > MAX_LINES {
        Err(NoteError::TooManyLines)
    } else {
        Ok(())
    }
}

fn parse_line(line: &str) -> Result<NoteSignature, NoteError> {
    let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::SignatureLine)?;
    let (name, blob) = rest.split_once(' ').ok_or(NoteError::SignatureLine)?;
    let name = KeyName::new(name).map_err(|_| NoteError::SignatureLine)?;
    // Refuses white space, missing padding and set bits after the last byte: one spelling only.
    let blob = base64(blob).ok_or(NoteError::Base64)?;
    let (id, bytes) = blob.split_first_chunk::<4>().ok_or(NoteError::SignatureLine)?;
    Ok(NoteSignature { name, key_id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
}

/// Why bytes are no signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Over the limit in bytes.
    #[error("the note is longer than 65536 bytes")]
    TooLong,
    /// Over the limit in lines.
    #[error("the note has more than 256 lines of text")]
    TooManyLines,
    /// Over the limit in signatures.
    #[error("the note has more than 64 signatures")]
    TooManySignatures,
    /// Not UTF-8.
    #[error("the note is not UTF-8")]
    Utf8,
    /// A control character other than newline.
    #[error("the note holds a control character")]
    ControlCharacter,
    /// The text does not end in a newline.
    #[error("the text of the note does not end in a newline")]
    Newline,
    /// No blank line with signatures after it.
    #[error("the note has no signatures")]
    NoSignatures,
    /// A line after the blank line is no signature line.
    #[error("a signature line is malformed")]
    SignatureLine,
    /// Base64 in another than its one spelling.
    #[error("a signature is not canonical base64")]
    Base64,
    /// Two signatures of the same name and key id.
    #[error("two signatures have the same key")]
    DuplicateSignature,
    /// A time that a cosignature cannot carry.
    #[error("the time of a cosignature must be below 2^63 seconds")]
    Time,
}

/// Why the signatures of a note were refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteVerifyError {
    /// A signature under the name and id of a trusted key is wrong.
    #[error("the signature of {name} is wrong")]
    Signature {
        /// The key name.
        name: KeyName,
    },
    /// Two trusted keys have the same name and key id.
    #[error("two trusted keys of {name} have the same id")]
    Ambiguous {
        /// The key name.
        name: KeyName,
    },
}

#[cfg(test)]
mod tests;
