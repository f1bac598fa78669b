//! The node's envelope: encrypts what was sealed to one recipient and signs it with its place in the lane. The states of
//! a received one are types: bytes, [`VerifiedEnvelope`], [`OpenedEnvelope`]; what was not verified cannot be opened.

use mithaq_model::{Millis, PartyId, Timestamp};
use mithaq_wire::cbor::{Reader, Writer};
use mithaq_wire::limits::{ENVELOPE_MAX, SKEW_FLAG_MS, VALIDITY_MAX_MS};
use mithaq_wire::{
    Digest, EnvelopeHeader, MessageKind, WireError, decode_envelope_header, encode_envelope_header,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{EnvelopeError, SealedError, WrapError};
use crate::keys::{KemOpener, NodeSigner};
use crate::manifest::VerifiedManifest;
use crate::seal::{Opened, Sealed, open_seal};
use crate::session::{ENCAPSULATION_LEN, Encrypted, KemSession, SessionCache, pad, unpad};
use crate::sign1::{self, Context, ParseError, Sign1};

/// Number of the one suite: X-Wing, HKDF-SHA256, ChaCha20-Poly1305.
const SUITE: u64 = 1;
/// Longest payload: the longest padded content, its tag, the encapsulation and heads.
const PAYLOAD_MAX: usize = ENVELOPE_MAX;

/// A signed envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The bytes: sent again unchanged, and the record.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes: what the next envelope of the lane names, and receipts.
    pub hash: Digest,
}

/// Returns the hash of an envelope.
#[must_use]
pub fn envelope_hash(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Encrypts and signs a sealed object.
///
/// # Errors
/// When seal, header and session do not belong together, the session is over, the envelope would be too long, or the key
/// fails.
pub fn wrap(
    header: &EnvelopeHeader,
    sealed: &Sealed,
    session: &mut KemSession,
    signer: &dyn NodeSigner,
) -> Result<Envelope, WrapError> {
    let inside = sealed.header();
    let lane = &header.lane;
    let ours = inside.agreement == lane.agreement
        && inside.originator == lane.from
        && inside.recipients.contains(&lane.to);
    if !ours {
        return Err(WrapError::Address);
    }
    if sealed.message_kind() != header.kind {
        return Err(WrapError::Kind);
    }
    put_together(header, sealed.bytes(), session, signer)
}

/// Encrypts and signs the start of an epoch, which carries nothing.
///
/// # Errors
/// As [`wrap`].
pub fn wrap_epoch_start(
    header: &EnvelopeHeader,
    session: &mut KemSession,
    signer: &dyn NodeSigner,
) -> Result<Envelope, WrapError> {
    if header.kind != MessageKind::EpochStart {
        return Err(WrapError::Kind);
    }
    put_together(header, &[], session, signer)
}

fn put_together(
    header: &EnvelopeHeader,
    content: &[u8],
    session: &mut KemSession,
    signer: &dyn NodeSigner,
) -> Result<Envelope, WrapError> {
    if header.kind.lane().is_some_and(|lane| lane != header.lane.lane) {
        return Err(WrapError::Kind);
    }
    let Millis(valid) = header.expires.since(header.created);
    if valid == 0 || valid > VALIDITY_MAX_MS {
        return Err(WrapError::Validity);
    }
    if !session.is_between(&header.lane.from, &header.lane.to) {
        return Err(WrapError::Session);
    }
    let number = session.take(header.created)?;
    let protected = sign1::protected(&encode_envelope_header(header), &signer.node_key());
    let plain = pad(content).ok_or(WrapError::Size)?;
    let ciphertext = session.encrypt(number, &protected, &plain)?;
    let mut payload = Writer::default();
    payload.array(5).uint(SUITE).bytes(&session.recipient()).bytes(session.encapsulation());
    payload.uint(number).bytes(&ciphertext);
    let bytes = sign1::make(Context::Envelope, &protected, &payload.finish(), |tbs| signer.sign_node(tbs))
        .map_err(|_key| WrapError::Key)?;
    if bytes.len() > ENVELOPE_MAX {
        return Err(WrapError::Size);
    }
    let hash = envelope_hash(&bytes);
    Ok(Envelope { bytes, hash })
}

impl From<ParseError> for EnvelopeError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Malformed => Self::Malformed,
            ParseError::Unsupported => Self::Unsupported,
        }
    }
}

impl From<WireError> for EnvelopeError {
    fn from(_not_ours: WireError) -> Self {
        Self::Malformed
    }
}

struct Parts<'a> {
    signed: Sign1<'a>,
    header: EnvelopeHeader,
    encrypted: Encrypted<'a>,
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_MAX {
            return Err(EnvelopeError::Size);
        }
        let signed = Sign1::parse(bytes, ENVELOPE_MAX)?;
        let header = decode_envelope_header(signed.document).map_err(|error| {
            if error == WireError::Version { EnvelopeError::Unsupported } else { EnvelopeError::Malformed }
        })?;
        let mut r = Reader::new(signed.payload);
        r.tuple(5)?;
        if r.uint()? != SUITE {
            return Err(EnvelopeError::Unsupported);
        }
        let recipient = r.array()?;
        let encapsulation = r.bytes(ENCAPSULATION_LEN)?;
        let (number, ciphertext) = (r.uint()?, r.bytes(PAYLOAD_MAX)?);
        r.end()?;
        if encapsulation.len() != ENCAPSULATION_LEN {
            return Err(EnvelopeError::Malformed);
        }
        Ok(Self { signed, header, encrypted: Encrypted { recipient, encapsulation, number, ciphertext } })
    }
}

/// Reads the header of an envelope. Nothing of it is trusted: it tells whose manifest to verify with.
///
/// # Errors
/// When the bytes are no envelope in its only encoding.
pub fn peek_header(bytes: &[u8]) -> Result<EnvelopeHeader, EnvelopeError> {
    Parts::read(bytes).map(|parts| parts.header)
}

/// An envelope signed by the node of its sender. Not yet for anybody.
pub struct VerifiedEnvelope<'a> {
    parts: Parts<'a>,
    hash: Digest,
}

impl core::fmt::Debug for VerifiedEnvelope<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<envelope {:?}>", self.hash)
    }
}

/// Remembers that exactly these bytes were verified, to save a second verification of the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification(Digest);

/// Verifies the signature of an envelope with the manifest its header names.
///
/// # Errors
/// When it is no envelope, the manifest is another or of another party, or the strict rule refuses the signature.
pub fn verify<'a>(bytes: &'a [u8], sender: &VerifiedManifest) -> Result<VerifiedEnvelope<'a>, EnvelopeError> {
    let parts = Parts::read(bytes)?;
    if parts.header.manifest != sender.hash() || parts.header.lane.from != sender.manifest().party {
        return Err(EnvelopeError::Signer);
    }
    if !parts.signed.verify(Context::Envelope, sender.node_key()) {
        return Err(EnvelopeError::Signature);
    }
    Ok(VerifiedEnvelope { parts, hash: envelope_hash(bytes) })
}

impl<'a> VerifiedEnvelope<'a> {
    /// Takes up bytes that were verified before.
    ///
    /// # Errors
    /// [`EnvelopeError::Signature`] when these are other bytes.
    pub fn again(bytes: &'a [u8], verification: &Verification) -> Result<Self, EnvelopeError> {
        let hash = envelope_hash(bytes);
        if hash != verification.0 {
            return Err(EnvelopeError::Signature);
        }
        Ok(Self { parts: Parts::read(bytes)?, hash })
    }

    /// Returns what [`VerifiedEnvelope::again`] takes.
    #[must_use]
    pub const fn verification(&self) -> Verification {
        Verification(self.hash)
    }

    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> &EnvelopeHeader {
        &self.parts.header
    }

    /// Returns the hash of the bytes.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// Returns whether it names this key encapsulation key as the one it was encrypted to: finds, does not prove.
    #[must_use]
    pub fn is_for(&self, kem_key: &[u8]) -> bool {
        self.parts.encrypted.recipient == crate::keys::key_name(kem_key)
    }

    /// Checks that its time is not over, with ten minutes for clocks that differ. For reports only: orders bind late too.
    ///
    /// # Errors
    /// [`EnvelopeError::Expired`].
    pub fn in_time(&self, now: Timestamp) -> Result<(), EnvelopeError> {
        let over = now > self.parts.header.expires.plus(Millis(SKEW_FLAG_MS));
        if over { Err(EnvelopeError::Expired) } else { Ok(()) }
    }

    /// Decrypts.
    ///
    /// # Errors
    /// When it is for another party, its kind does not travel in its lane, or it was not encrypted to this key.
    pub fn open(
        self,
        me: &PartyId,
        opener: &dyn KemOpener,
        cache: &mut SessionCache,
    ) -> Result<OpenedEnvelope, EnvelopeError> {
        let Parts { signed, header, encrypted } = self.parts;
        if header.lane.to != *me {
            return Err(EnvelopeError::Recipient);
        }
        if header.kind.lane().is_some_and(|lane| lane != header.lane.lane) {
            return Err(EnvelopeError::Kind);
        }
        let ends = (&header.lane.from, &header.lane.to);
        let plain = encrypted
            .decrypt(ends, signed.protected, opener, cache)
            .map_err(|_key_or_tag| EnvelopeError::Undecryptable)?;
        let content = unpad(&plain).ok_or(EnvelopeError::Undecryptable)?;
        // An epoch start carries nothing, everything else something.
        if (header.kind == MessageKind::EpochStart) != content.is_empty() {
            return Err(EnvelopeError::Kind);
        }
        let content = Zeroizing::new(content.to_vec());
        Ok(OpenedEnvelope { header, hash: self.hash, content })
    }
}

/// A decrypted envelope. Its content is not believed yet.
pub struct OpenedEnvelope {
    header: EnvelopeHeader,
    hash: Digest,
    content: Zeroizing<Vec<u8>>,
}

impl core::fmt::Debug for OpenedEnvelope {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<opened envelope {:?}>", self.hash)
    }
}

impl OpenedEnvelope {
    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> &EnvelopeHeader {
        &self.header
    }

    /// Returns the hash of the envelope.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// Returns the sealed bytes; empty for the start of an epoch.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        &self.content
    }
}

/// Verifies the seal inside, and that it was meant for exactly this: me, this agreement, this sender, this kind.
///
/// # Errors
/// As [`open_seal`], and when inside and outside differ. The start of an epoch holds no seal: [`SealedError::Kind`].
pub fn open_sealed(
    envelope: &OpenedEnvelope,
    originator: &VerifiedManifest,
    me: &PartyId,
) -> Result<Opened, SealedError> {
    if envelope.header.kind == MessageKind::EpochStart {
        return Err(SealedError::Kind);
    }
    let opened = open_seal(envelope.sealed(), originator)?;
    let inside = opened.header();
    if inside.agreement != envelope.header.lane.agreement {
        return Err(SealedError::Agreement);
    }
    if !inside.recipients.contains(me) {
        return Err(SealedError::Recipient);
    }
    if inside.originator != envelope.header.lane.from {
        return Err(SealedError::Originator);
    }
    if opened.message_kind() != envelope.header.kind {
        return Err(SealedError::Kind);
    }
    Ok(opened)
}
