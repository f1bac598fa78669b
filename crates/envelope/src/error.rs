//! Why something is not sealed, signed, opened or believed. Stable codes; never content, names or secrets.

use thiserror::Error;

/// A key that cannot be used: absent, locked, or its device failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the key cannot be used")]
pub struct KeyError;

/// Why nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// The permit is for something else: another report, version, recipient, agreement, purpose or attribute.
    #[error("the permit is not for exactly this")]
    Permit,
    /// The permit was given after the sealing or more than a day before it.
    #[error("the permit is not of this day")]
    Stale,
    /// The lease is longer than the permit allows.
    #[error("the lease is longer than permitted")]
    Lease,
    /// Replaces itself or a later version.
    #[error("a version replaces an earlier one")]
    Supersedes,
    /// Longer than a sealed object may be.
    #[error("the content is longer than {max} bytes")]
    Size {
        /// The limit in bytes.
        max: usize,
    },
    /// Nothing to say: no receipts.
    #[error("there is nothing to seal")]
    Empty,
    /// The content is not what a partner could read.
    #[error("the content is beyond the limits of the protocol")]
    Content,
    /// The agency's key failed.
    #[error("the agency's key cannot be used")]
    Key,
}

impl SealError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Permit => "seal.permit",
            Self::Stale => "seal.permit_stale",
            Self::Lease => "seal.lease",
            Self::Supersedes => "seal.supersedes",
            Self::Size { .. } => "seal.size",
            Self::Empty => "seal.empty",
            Self::Content => "seal.content",
            Self::Key => "seal.key",
        }
    }
}

/// Why no envelope was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WrapError {
    /// The seal is for another recipient, originator or agreement than the envelope's lane.
    #[error("the seal does not belong into this lane")]
    Address,
    /// The kind of content does not travel in this lane.
    #[error("this kind does not travel in this lane")]
    Kind,
    /// Ends before it begins, or is valid for more than a year.
    #[error("the validity is empty or too long")]
    Validity,
    /// The session is for other parties.
    #[error("the session is for other parties")]
    Session,
    /// The session's hour or number of messages is over: open another.
    #[error("the session is over")]
    SessionOver,
    /// Longer than an envelope may be.
    #[error("the envelope is too long")]
    Size,
    /// The recipient's key is not an X-Wing key.
    #[error("the recipient's key is malformed")]
    Recipient,
    /// The node's key failed.
    #[error("the node's key cannot be used")]
    Key,
}

impl WrapError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Address => "wrap.address",
            Self::Kind => "wrap.kind",
            Self::Validity => "wrap.validity",
            Self::Session => "wrap.session",
            Self::SessionOver => "wrap.session_over",
            Self::Size => "wrap.size",
            Self::Recipient => "wrap.recipient_key",
            Self::Key => "wrap.key",
        }
    }
}

/// Why foreign bytes are not a signed envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Longer than an envelope may be.
    #[error("the envelope is too long")]
    Size,
    /// Not an envelope in its only encoding.
    #[error("not an envelope")]
    Malformed,
    /// A label this version must understand and does not, or another version, algorithm or suite.
    #[error("an envelope of an unsupported version")]
    Unsupported,
    /// The manifest is not the one the header names, or not of the sender.
    #[error("the signer is unknown")]
    Signer,
    /// The strict rule refuses the signature.
    #[error("the signature does not verify")]
    Signature,
    /// Its time is over.
    #[error("the envelope has expired")]
    Expired,
    /// Not for this party.
    #[error("the envelope is for another party")]
    Recipient,
    /// The kind does not travel in this lane.
    #[error("this kind does not travel in this lane")]
    Kind,
    /// Cannot be decrypted with this key.
    #[error("the envelope cannot be decrypted")]
    Undecryptable,
}

impl EnvelopeError {
    /// Returns the stable code, as `docs/spec/exchange.md` lists them.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Size => "envelope.size",
            Self::Malformed => "envelope.malformed",
            Self::Unsupported => "envelope.unsupported",
            Self::Signer => "envelope.signer",
            Self::Signature => "envelope.signature",
            Self::Expired => "envelope.expired",
            Self::Recipient => "envelope.address",
            Self::Kind => "envelope.kind",
            Self::Undecryptable => "envelope.undecryptable",
        }
    }
}

/// Why what was inside an envelope is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealedError {
    /// Not a seal in its only encoding, or header and content contradict each other.
    #[error("the seal cannot be read")]
    Malformed,
    /// A label this version must understand and does not, or another version or algorithm.
    #[error("a seal of an unsupported version")]
    Unsupported,
    /// Not signed by a seal key of the originator.
    #[error("the seal does not verify")]
    Signature,
    /// Another agreement inside than outside.
    #[error("the seal is under another agreement")]
    Agreement,
    /// This party is not among the recipients of the seal.
    #[error("the seal is for another recipient")]
    Recipient,
    /// The originator is not the sender.
    #[error("the seal is of another originator")]
    Originator,
    /// Another kind of content than the envelope says.
    #[error("the content is of another kind")]
    Kind,
}

impl SealedError {
    /// Returns the stable code, as `docs/spec/exchange.md` lists them.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "seal.malformed",
            Self::Unsupported => "seal.unsupported",
            Self::Signature => "seal.signature",
            Self::Agreement => "seal.agreement",
            Self::Recipient => "seal.recipient",
            Self::Originator => "seal.originator",
            Self::Kind => "seal.kind",
        }
    }
}

/// Why receipts were not signed or are not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// Not receipts in their only encoding, or beyond the limits.
    #[error("not receipts")]
    Malformed,
    /// A label this version must understand and does not, or another version or algorithm.
    #[error("receipts of an unsupported version")]
    Unsupported,
    /// The manifest is not the one the receipts name, or not of the receiver.
    #[error("the signer is unknown")]
    Signer,
    /// The strict rule refuses the signature.
    #[error("the signature does not verify")]
    Signature,
    /// The statements do not give the signed root.
    #[error("the statements are not those that were signed")]
    Root,
    /// The node's key failed.
    #[error("the node's key cannot be used")]
    Key,
}

impl ReceiptError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "receipt.malformed",
            Self::Unsupported => "receipt.unsupported",
            Self::Signer => "receipt.signer",
            Self::Signature => "receipt.signature",
            Self::Root => "receipt.root",
            Self::Key => "receipt.key",
        }
    }
}

/// Why a volume was not made or is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CourierError {
    /// Not a whole volume in its only encoding, or beyond the limits.
    #[error("not a whole volume")]
    Malformed,
    /// A label this version must understand and does not, or another version or algorithm.
    #[error("a volume of an unsupported version")]
    Unsupported,
    /// A part is not the one the head names.
    #[error("the parts are not those that were signed")]
    Parts,
    /// The manifest is not the one the head names, or not of its maker.
    #[error("the signer is unknown")]
    Signer,
    /// The strict rule refuses the signature.
    #[error("the signature does not verify")]
    Signature,
    /// The node's key failed.
    #[error("the node's key cannot be used")]
    Key,
}

impl CourierError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "courier.malformed",
            Self::Unsupported => "courier.unsupported",
            Self::Parts => "courier.parts",
            Self::Signer => "courier.signer",
            Self::Signature => "courier.signature",
            Self::Key => "courier.key",
        }
    }
}

/// Why a manifest was not signed or is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// Not a signed manifest in its only encoding.
    #[error("not a manifest")]
    Malformed,
    /// Signed by other root keys than the pinned ones.
    #[error("the root keys are not the pinned ones")]
    Root,
    /// One of the two signatures does not verify.
    #[error("the signatures do not verify")]
    Signature,
    /// A key in it is weak, malformed or serves two purposes.
    #[error("a key of the manifest is not usable")]
    Keys,
    /// Of another party than the one before.
    #[error("the manifest is of another party")]
    Party,
    /// Older than the one that is known.
    #[error("the manifest is older than the known one")]
    Rollback,
    /// The same number with other content: the root signed two.
    #[error("two manifests of one number")]
    Fork,
    /// Does not follow the one that is known.
    #[error("the manifest does not follow the known one")]
    Chain,
    /// Not valid at this time.
    #[error("the manifest is not valid at this time")]
    Expired,
    /// A root key failed.
    #[error("the root key cannot be used")]
    Key,
}

impl ManifestError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "manifest.malformed",
            Self::Root => "manifest.root",
            Self::Signature => "manifest.signature",
            Self::Keys => "manifest.keys",
            Self::Party => "manifest.party",
            Self::Rollback => "manifest.rollback",
            Self::Fork => "manifest.fork",
            Self::Chain => "manifest.chain",
            Self::Expired => "manifest.expired",
            Self::Key => "manifest.key",
        }
    }
}

/// Why an agreement was not signed or does not count as signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AgreementSignatureError {
    /// Not a signature or signed agreement in its only encoding.
    #[error("not a signed agreement")]
    Malformed,
    /// The text is not an agreement.
    #[error("the text is not an agreement")]
    Text,
    /// Of another agreement.
    #[error("the signature is of another agreement")]
    Agreement,
    /// By someone who is not a party, or twice by one.
    #[error("the signer is not a party, or signed twice")]
    Party,
    /// Signed by other root keys than the agreement names.
    #[error("the root keys are not those of the agreement")]
    Root,
    /// One of the two signatures does not verify.
    #[error("the signatures do not verify")]
    Signature,
    /// A party has not signed.
    #[error("a party has not signed")]
    Missing,
    /// A root key failed.
    #[error("the root key cannot be used")]
    Key,
}

impl AgreementSignatureError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "agreement.malformed",
            Self::Text => "agreement.text",
            Self::Agreement => "agreement.other",
            Self::Party => "agreement.party",
            Self::Root => "agreement.root",
            Self::Signature => "agreement.signature",
            Self::Missing => "agreement.missing_signature",
            Self::Key => "agreement.key",
        }
    }
}
