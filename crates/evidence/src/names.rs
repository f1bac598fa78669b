//! Names of the documents of a bundle. A name follows from its document alone, so a verifier makes it anew and
//! compares: a document under another name is refused.

use data_encoding::HEXLOWER;
use mithaq_ledger::{KeyKind, KeyName, VerifierKey};
use mithaq_model::{AgreementId, PartyId};
use sha2::{Digest as _, Sha256};

/// Digits of a hash in a name. A name finds; what it names is compared whole.
const DIGITS: usize = 40;

/// Kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Agreement,
    Distrust,
    Envelope,
    Later,
    Manifest,
    Receipt,
    Receipts,
}

impl Kind {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Agreement, "agreement/"),
        (Self::Distrust, "distrust/"),
        (Self::Envelope, "envelope/"),
        (Self::Later, "later/"),
        (Self::Manifest, "manifest/"),
        (Self::Receipt, "receipt/"),
        (Self::Receipts, "receipts/"),
    ];

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, prefix)| name.starts_with(prefix)).map(|(kind, _)| *kind)
    }
}

fn named(kind: &str, hash: &[u8]) -> String {
    let hex = HEXLOWER.encode(hash);
    let digits: String = hex.chars().take(DIGITS).collect();
    format!("{kind}/{digits}")
}

fn by_hash(kind: &str, bytes: &[u8]) -> String {
    named(kind, &Sha256::digest(bytes))
}

/// Returns the name of a signed agreement (the file with its signatures).
#[must_use]
pub fn agreement_name(id: &AgreementId) -> String {
    named("agreement", id.as_bytes())
}

/// Returns the name of a signed statement of distrust.
#[must_use]
pub fn distrust_name(bytes: &[u8]) -> String {
    by_hash("distrust", bytes)
}

/// Returns the name of a signed manifest.
#[must_use]
pub fn manifest_name(party: &PartyId, number: u32) -> String {
    format!("manifest/{party}/{number:06}")
}

/// Returns the name of an envelope.
#[must_use]
pub fn envelope_name(bytes: &[u8]) -> String {
    by_hash("envelope", bytes)
}

/// Returns the name of receipts with all their statements (R1, R2).
#[must_use]
pub fn receipts_name(bytes: &[u8]) -> String {
    by_hash("receipts", bytes)
}

/// Returns the name of the proof of one statement of receipts (R1, R2).
#[must_use]
pub fn receipt_name(bytes: &[u8]) -> String {
    by_hash("receipt", bytes)
}

/// Returns the name of a seal that holds later receipts (R3, R4).
#[must_use]
pub fn later_name(bytes: &[u8]) -> String {
    by_hash("later", bytes)
}

/// Returns the key with which a log of this origin is verified, given the key a manifest names: the same one, or for
/// a successor of its log (`N/2`, `N/3`, … after a restore) the same public key under the successor's name.
#[must_use]
pub fn successor_key(named: &VerifierKey, origin: &KeyName) -> Option<VerifierKey> {
    if named.kind() != KeyKind::Ed25519 {
        return None;
    }
    if named.name() == origin {
        return Some(named.clone());
    }
    let number = origin.as_str().strip_prefix(named.name().as_str())?.strip_prefix('/')?;
    let generation: u32 = number.parse().ok().filter(|generation| *generation >= 2)?;
    // One spelling: no leading zero, no sign.
    if generation.to_string() != number {
        return None;
    }
    VerifierKey::new(origin.as_str(), KeyKind::Ed25519, named.public()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_references_of_the_ledger() {
        let longest = PartyId::new(&"a".repeat(40)).unwrap();
        for name in [
            agreement_name(&AgreementId::new([0xab; 32])),
            manifest_name(&longest, u32::MAX),
            distrust_name(b"x"),
            envelope_name(b"x"),
            receipts_name(b"x"),
            receipt_name(b"x"),
            later_name(b"x"),
        ] {
            assert!(mithaq_ledger::Id::new(&name).is_ok(), "{name}");
            assert!(Kind::of(&name).is_some(), "{name}");
        }
        assert_eq!(Kind::of("other/x"), None);
        assert_ne!(Kind::of("receipt/1"), Kind::of("receipts/1"));
    }

    #[test]
    fn a_log_key_serves_its_log_and_the_successors_of_it() {
        let public = *ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes();
        let key = VerifierKey::new("ma-security/log", KeyKind::Ed25519, &public).unwrap();
        let serves = |origin: &str| successor_key(&key, &KeyName::new(origin).unwrap()).is_some();
        assert!(serves("ma-security/log") && serves("ma-security/log/2") && serves("ma-security/log/17"));
        for other in [
            "ma-security/log/1",
            "ma-security/log/02",
            "ma-security/log/x",
            "ma-security/log2",
            "es-police/log",
        ] {
            assert!(!serves(other), "{other}");
        }
        let witness = VerifierKey::new("ma-security/log", KeyKind::Cosignature, &public).unwrap();
        assert!(successor_key(&witness, &KeyName::new("ma-security/log").unwrap()).is_none());
    }
}
