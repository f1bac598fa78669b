//! Signatures of the parties under the text of an agreement, and the file that holds both. Trust begins with the root
//! fingerprints in the text: each signature must be by exactly those keys.

use mithaq_model::{AgreementId, PartyId, Timestamp};
use mithaq_policy::{Agreement, agreement_id};
use mithaq_wire::cbor::{Reader, Writer};

use crate::error::AgreementSignatureError;
use crate::keys::RootSigner;
use crate::manifest::{RootSigned, root_sign};

const VERSION: u64 = 1;
const CONTEXT: &[u8] = b"mithaq/1 agreement";
/// Longest text of an agreement in bytes.
pub const AGREEMENT_TEXT_MAX: usize = 256 * 1024;
/// Longest signature in bytes.
const SIGNATURE_MAX: usize = 8 * 1024;
/// Most parties.
const PARTIES_MAX: usize = 32;
/// Longest signed agreement in bytes.
const SIGNED_MAX: usize = AGREEMENT_TEXT_MAX + PARTIES_MAX * SIGNATURE_MAX + 1024;
/// Longest title of a signatory in bytes.
const ROLE_MAX: usize = 200;

/// Who signed, in what office, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementSignature {
    /// Agreement.
    pub agreement: AgreementId,
    /// Party.
    pub party: PartyId,
    /// Office of the signatory: a title, never a name.
    pub role: String,
    /// When, by the signer's clock.
    pub at: Timestamp,
    /// Fingerprint of the root keys that signed.
    pub root: [u8; 32],
}

/// Signs an agreement for a party.
///
/// # Errors
/// When the office is not a short line, or a root key fails.
pub fn sign_agreement(
    (agreement, party): (AgreementId, &PartyId),
    role: &str,
    at: Timestamp,
    signer: &dyn RootSigner,
) -> Result<Vec<u8>, AgreementSignatureError> {
    if !is_title(role) {
        return Err(AgreementSignatureError::Malformed);
    }
    let mut w = Writer::default();
    w.array(5).uint(VERSION).bytes(agreement.as_bytes()).text(party.as_str()).text(role).int(at.as_millis());
    root_sign(CONTEXT, &w.finish(), signer).map_err(|_key| AgreementSignatureError::Key)
}

fn is_title(role: &str) -> bool {
    !role.trim().is_empty() && role.len() <= ROLE_MAX && !role.chars().any(char::is_control)
}

/// Verifies one signature and returns what it says. Whether its keys are those the agreement names is asked with the
/// agreement at hand: [`verify_signed_agreement`].
///
/// # Errors
/// When it is malformed or one of the two signatures does not verify.
pub fn verify_agreement_signature(bytes: &[u8]) -> Result<AgreementSignature, AgreementSignatureError> {
    let signed = RootSigned::read(bytes, SIGNATURE_MAX).ok_or(AgreementSignatureError::Malformed)?;
    let made = read_statement(&signed).ok_or(AgreementSignatureError::Malformed)?;
    if signed.verify(CONTEXT) { Ok(made) } else { Err(AgreementSignatureError::Signature) }
}

fn read_statement(signed: &RootSigned<'_>) -> Option<AgreementSignature> {
    let mut r = Reader::new(signed.document);
    r.tuple(5).ok()?;
    (r.uint().ok()? == VERSION).then_some(())?;
    let made = AgreementSignature {
        agreement: AgreementId::new(r.array().ok()?),
        party: PartyId::new(r.text(ROLE_MAX).ok()?).ok()?,
        role: r.text(ROLE_MAX).ok()?.to_owned(),
        at: Timestamp::from_millis(r.int().ok()?),
        root: signed.keys.fingerprint(),
    };
    r.end().ok()?;
    is_title(&made.role).then_some(made)
}

/// The text of an agreement with the signatures there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAgreement {
    text: Vec<u8>,
    signatures: Vec<(PartyId, Vec<u8>)>,
}

impl SignedAgreement {
    /// Takes a text that nobody has signed yet.
    ///
    /// # Errors
    /// When it is longer than [`AGREEMENT_TEXT_MAX`].
    pub fn new(text: &str) -> Result<Self, AgreementSignatureError> {
        if text.len() > AGREEMENT_TEXT_MAX {
            return Err(AgreementSignatureError::Malformed);
        }
        Ok(Self { text: text.as_bytes().to_vec(), signatures: Vec::new() })
    }

    /// Adds a signature: verified, of this agreement, and the first of its party.
    ///
    /// # Errors
    /// When it is not.
    pub fn add(&mut self, signature: &[u8]) -> Result<(), AgreementSignatureError> {
        let made = verify_agreement_signature(signature)?;
        if made.agreement != agreement_id(&self.text) {
            return Err(AgreementSignatureError::Agreement);
        }
        match self.signatures.binary_search_by(|(party, _)| party.cmp(&made.party)) {
            Ok(_twice) => Err(AgreementSignatureError::Party),
            Err(_) if self.signatures.len() >= PARTIES_MAX => Err(AgreementSignatureError::Party),
            Err(place) => {
                self.signatures.insert(place, (made.party, signature.to_vec()));
                Ok(())
            }
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns the signatures, in the order of the parties.
    pub fn signatures(&self) -> impl Iterator<Item = &[u8]> {
        self.signatures.iter().map(|(_, bytes)| bytes.as_slice())
    }

    /// Returns the canonical bytes: the file parties exchange.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(3).uint(VERSION).bytes(&self.text).array(self.signatures.len());
        self.signatures().for_each(|bytes| {
            w.bytes(bytes);
        });
        w.finish()
    }

    /// Reads the file. Every signature there is must verify and be of this text; that all parties signed with the keys the
    /// text names is asked by [`verify_signed_agreement`].
    ///
    /// # Errors
    /// When it is malformed, a signature does not verify, or they are not in the order of the parties.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AgreementSignatureError> {
        if bytes.len() > SIGNED_MAX {
            return Err(AgreementSignatureError::Malformed);
        }
        let (text, signatures) = split(bytes).ok_or(AgreementSignatureError::Malformed)?;
        let text = core::str::from_utf8(text).map_err(|_not_text| AgreementSignatureError::Malformed)?;
        let mut made = Self::new(text)?;
        for signature in signatures {
            made.add(signature)?;
        }
        // Another order would be a second spelling.
        if made.to_bytes() == bytes { Ok(made) } else { Err(AgreementSignatureError::Malformed) }
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let mut r = Reader::new(bytes);
    r.tuple(3).ok()?;
    (r.uint().ok()? == VERSION).then_some(())?;
    let text = r.bytes(AGREEMENT_TEXT_MAX).ok()?;
    let mut signatures = Vec::new();
    for _ in 0..r.list(PARTIES_MAX).ok()? {
        signatures.push(r.bytes(SIGNATURE_MAX).ok()?);
    }
    r.end().ok()?;
    Some((text, signatures))
}

/// An agreement all its parties signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAgreement {
    agreement: Agreement,
    signatures: Vec<AgreementSignature>,
}

impl VerifiedAgreement {
    /// Returns the agreement.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Returns who signed, in the order of the parties.
    #[must_use]
    pub fn signatures(&self) -> &[AgreementSignature] {
        &self.signatures
    }
}

/// Verifies that every party signed the text, each with the root keys the text names, and nobody else did.
///
/// # Errors
/// When the text is no agreement, a party has not signed, or a signature is by other keys, another party or does not verify.
pub fn verify_signed_agreement(
    signed: &SignedAgreement,
) -> Result<VerifiedAgreement, AgreementSignatureError> {
    let text = core::str::from_utf8(&signed.text).map_err(|_not_text| AgreementSignatureError::Text)?;
    let agreement = Agreement::parse(text).map_err(|_not_ours| AgreementSignatureError::Text)?;
    let mut signatures = Vec::new();
    for bytes in signed.signatures() {
        let made = verify_agreement_signature(bytes)?;
        if made.agreement != agreement.id() {
            return Err(AgreementSignatureError::Agreement);
        }
        let party = agreement.party(&made.party).ok_or(AgreementSignatureError::Party)?;
        if party.root != made.root {
            return Err(AgreementSignatureError::Root);
        }
        signatures.push(made);
    }
    let all = agreement.parties.iter().all(|party| signatures.iter().any(|made| made.party == party.id));
    if all { Ok(VerifiedAgreement { agreement, signatures }) } else { Err(AgreementSignatureError::Missing) }
}
