//! Why a bundle is refused as a whole. What is true but shows a wrong is no error: it is a [`crate::Violation`].

use mithaq_envelope::{AgreementSignatureError, EnvelopeError, ManifestError, ReceiptError, SealedError};
use mithaq_ledger::BundleError;
use mithaq_model::{AgreementId, PartyId};
use thiserror::Error;

/// Why a bundle proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JudgeError {
    /// Form, signatures, proofs or openings of the log do not hold.
    #[error("the log of the bundle does not hold")]
    Bundle(#[from] BundleError),
    /// The name of the log begins with no party.
    #[error("the name of the log begins with no party")]
    Origin,
    /// No key is known for the log: no manifest names one, and none was given.
    #[error("no key is known that the log could be verified with")]
    NoLogKey,
    /// The key given for the log is not the one the party's manifests name.
    #[error("the log key you gave is not the one that the manifests of {party} name")]
    LogKey {
        /// Whose log.
        party: PartyId,
    },
    /// The root you know is not the one the agreement or a manifest names.
    #[error("the root fingerprint of {party} is not the one you gave, or two agreements name different ones")]
    Root {
        /// Whose root.
        party: PartyId,
    },
    /// The agreement you know is not in the bundle.
    #[error("the agreement you gave is not in the bundle: {agreement}")]
    NoSuchAgreement {
        /// Which.
        agreement: AgreementId,
    },
    /// An attached document does not hold.
    #[error("the document `{name}` does not hold")]
    Paper {
        /// Its name in the bundle.
        name: String,
        /// What is wrong.
        #[source]
        why: PaperFault,
    },
    /// A checkpoint carries a signature by a key nobody named: nobody can say whether it is right.
    #[error("a checkpoint carries a signature of an unknown key")]
    UnknownSignature,
    /// Too few witnesses that the verifier knows countersigned.
    #[error(
        "{needed} witnesses you know must have countersigned; {known} did, and {there} countersigned in all: \
         give the roots of the partners, or the number of the agreement"
    )]
    Quorum {
        /// Demanded.
        needed: usize,
        /// Of witnesses the verifier knows.
        known: usize,
        /// Of all.
        there: usize,
    },
    /// A signed receipt and the log say different things about a message.
    #[error("entry {index} and a signed receipt contradict each other")]
    Contradiction {
        /// Index of the entry.
        index: u64,
    },
}

/// What is wrong with an attached document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaperFault {
    /// No kind of document has such a name, or another name belongs to these bytes.
    #[error("its name is not the one of its contents")]
    Name,
    /// Not an agreement with signatures of its parties.
    #[error("the agreement is refused")]
    Agreement(#[source] AgreementSignatureError),
    /// Not the next manifest of its party.
    #[error("the manifest is refused")]
    Manifest(#[source] ManifestError),
    /// Not a statement of distrust of its party's root.
    #[error("the statement of distrust is refused")]
    Distrust(#[source] ManifestError),
    /// The chain of manifests does not begin with the first.
    #[error("the manifests of the party do not begin with number 1")]
    ManifestGap,
    /// Not an envelope of its sender.
    #[error("the envelope is refused")]
    Envelope(#[source] EnvelopeError),
    /// Not receipts of their signer.
    #[error("the receipt is refused")]
    Receipt(#[source] ReceiptError),
    /// Not a seal with later receipts.
    #[error("the receipt of reading or erasing is refused")]
    Later(#[source] SealedError),
    /// It is signed under a manifest that is not in the bundle.
    #[error("it is signed under a manifest that is not in the bundle")]
    UnknownManifest,
    /// It is between other parties or under another agreement than the entry says.
    #[error("it is of another lane than the entry says")]
    OtherLane,
    /// No entry of the bundle is about it.
    #[error("no entry of the bundle is about it")]
    Unlogged,
    /// Two envelopes of one sender for one place, or one that does not follow the one before.
    #[error("it does not fit into the chain of its lane")]
    Chain,
}
