//! What the protocol asks of others: bytes and keys, the policy, and the rows of one lane. Each trait is as
//! narrow as its only caller needs; implementations hold no decision of the protocol.

use mithaq_model::{ObjectId, PartyId, RefusalGround, Timestamp};
use mithaq_wire::{Digest, EnvelopeHeader, OnwardStep, Position, ReceiptBatch, RequestStep, SealHeader};

use crate::content::{Carried, Opened};
use crate::rows::{Holding, OutMessage, Tombstone};

/// Makes envelopes of this node. `&mut`: it draws randomness.
pub trait Wrap {
    /// Why it failed; never content.
    type Error;

    /// Encrypts what was sealed to the recipient of the lane, and signs it with the header.
    ///
    /// # Errors
    /// When a key is missing or the cryptography fails.
    fn wrap(&mut self, header: &EnvelopeHeader, sealed: &[u8]) -> Result<Vec<u8>, Self::Error>;
}

/// Why foreign bytes are no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not an envelope, or not in its only encoding.
    #[error("not an envelope")]
    Malformed,
    /// Another version, or an unknown critical label.
    #[error("an envelope of an unsupported version")]
    Unsupported,
}

/// Why the signature of a readable envelope does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// No valid manifest of the sender has that hash.
    #[error("the signer is unknown")]
    Signer,
    /// The strict rule refuses the signature.
    #[error("the signature does not verify")]
    Signature,
}

/// Why a signed envelope does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// It cannot be decrypted with this node's key.
    #[error("the envelope cannot be decrypted")]
    Undecryptable,
    /// The seal or its content cannot be read.
    #[error("the seal cannot be read")]
    Malformed,
    /// The seal or its content is of a version that is not known here.
    #[error("the seal is of an unsupported version")]
    Unsupported,
    /// The seal is not signed by a key of the originator.
    #[error("the seal does not verify")]
    Seal,
    /// It was passed on from an originator that is not known here.
    #[error("the originator of what was passed on is unknown")]
    Originator,
    /// What was passed on is not as its originator sealed it for the forwarder.
    #[error("what was passed on does not verify")]
    Onward,
    /// Signed with a key that was replaced, after the time for messages on their way.
    #[error("the time of the sender's key is over")]
    KeyEnded,
    /// Signed with a key that the sender's root distrusts.
    #[error("the sender's root distrusts its key")]
    KeyDistrusted,
}

/// Reads the envelopes of one partner.
pub trait Unwrap {
    /// A report as the application knows it.
    type Report;

    /// Reads the header. The result is not trusted yet.
    ///
    /// # Errors
    /// When the bytes are no envelope of this protocol.
    fn header(&self, envelope: &[u8]) -> Result<EnvelopeHeader, Unreadable>;

    /// Verifies the node's signature by the strict rule, with the key of the manifest the header names.
    ///
    /// # Errors
    /// When the manifest is unknown or the signature wrong.
    fn verify(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<(), Unsigned>;

    /// Decrypts, verifies the seal and parses the content.
    ///
    /// # Errors
    /// When any of it fails.
    fn open(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<Opened<Self::Report>, Unopened>;
}

/// Signs receipts of this node. Deterministic (Ed25519): no randomness.
pub trait SignReceipts {
    /// Why it failed.
    type Error;

    /// Returns the hash of the manifest whose node key signs.
    fn manifest(&self) -> Digest;

    /// Returns the number of the log that has the entries ([`ReceiptBatch::log`]).
    fn log(&self) -> u32;

    /// Signs a batch of statements.
    ///
    /// # Errors
    /// When the key is not at hand.
    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Self::Error>;
}

/// Reads receipts of one partner.
pub trait ReadReceipts {
    /// Verifies and parses; nothing when the bytes are malformed or not signed by that partner's node.
    fn read(&self, bytes: &[u8]) -> Option<ReceiptBatch>;
}

/// What the policy says about one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Permitted.
    Accept,
    /// Refused: a code of the policy, and a ground where one applies.
    Refuse {
        /// Stable code.
        code: String,
        /// From the closed list.
        ground: Option<RefusalGround>,
    },
    /// To be decided by people: a code of the policy.
    Quarantine {
        /// Stable code.
        code: String,
    },
}

/// The policy could not decide: its own fault, not the sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the policy could not decide")]
pub struct CannotJudge;

/// The receiver's own decision about content.
pub trait Judge<R> {
    /// Decides about a report, with all envelope and seal checks passed.
    ///
    /// # Errors
    /// When it cannot: the message is then kept in quarantine, and the lane goes on.
    fn judge(&mut self, seal: &SealHeader, report: &R, now: Timestamp) -> Result<Judgement, CannotJudge>;

    /// Decides about a step in the conversation about a request. Who keeps no requests takes none.
    ///
    /// # Errors
    /// When it cannot: the step is then refused with [`crate::Refuse::PolicyInternal`], and the lane goes on.
    fn judge_step(
        &mut self,
        _seal: &SealHeader,
        _step: &RequestStep,
        _now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        let code = crate::Refuse::RequestUnknown.code().to_owned();
        Ok(Judgement::Refuse { code, ground: None })
    }

    /// Decides about a step on passing something on. Who passes nothing on takes none.
    ///
    /// # Errors
    /// As [`Self::judge_step`].
    fn judge_onward(
        &mut self,
        _seal: &SealHeader,
        _step: &OnwardStep,
        _now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        Ok(Judgement::Refuse { code: crate::Refuse::OnwardState.code().to_owned(), ground: None })
    }

    /// Decides whether what a partner says about an object of which nothing is known here may leave a row for the life
    /// of the agreement. Called once for each.
    fn judge_unknown(&mut self, _from: &PartyId) -> Judgement {
        Judgement::Accept
    }

    /// Decides whether an order of another originator, carried on by the sender of `carrier`, is carried out here:
    /// only about what came by that sender, or about what is not held at all.
    ///
    /// # Errors
    /// As [`Self::judge_step`].
    fn judge_carried(
        &mut self,
        _carrier: &SealHeader,
        _seal: &SealHeader,
        _order: &Carried,
    ) -> Result<Judgement, CannotJudge> {
        Ok(Judgement::Refuse { code: crate::Refuse::OnwardState.code().to_owned(), ground: None })
    }
}

/// A message already taken: what makes a duplicate recognisable for the life of the agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Hash of the envelope.
    pub envelope: Digest,
    /// Which stored receipt covers it.
    pub receipt: Digest,
}

/// The rows of one incoming lane, and the objects it may speak of, as of the running transaction.
pub trait Inbox {
    /// Why the store failed.
    type Error;

    /// Returns the message taken at a place.
    ///
    /// # Errors
    /// When the store fails.
    fn taken(&mut self, at: Position) -> Result<Option<Known>, Self::Error>;

    /// Returns the envelope taken at a place, if its bytes were not erased.
    ///
    /// # Errors
    /// When the store fails.
    fn envelope(&mut self, at: Position) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Returns a stored receipt, byte for byte.
    ///
    /// # Errors
    /// When the store fails.
    fn receipt(&mut self, id: Digest) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Returns the envelope kept ahead of a gap at a place.
    ///
    /// # Errors
    /// When the store fails.
    fn ahead(&mut self, at: Position) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Returns what is held of an object, from whomever it came.
    ///
    /// # Errors
    /// When the store fails.
    fn holding(&mut self, object: ObjectId) -> Result<Option<Holding>, Self::Error>;

    /// Returns the tombstone that an originator's order left for an object.
    ///
    /// # Errors
    /// When the store fails.
    fn tombstone(&mut self, originator: &PartyId, object: ObjectId)
    -> Result<Option<Tombstone>, Self::Error>;
}

/// The rows of one outgoing lane, as of the running transaction.
pub trait Outbox {
    /// Why the store failed.
    type Error;

    /// Returns the message at a place. Its envelope may be left empty.
    ///
    /// # Errors
    /// When the store fails.
    fn message(&mut self, at: Position) -> Result<Option<OutMessage>, Self::Error>;

    /// Returns the messages after a place in order, at most `limit`. Envelopes may be left empty.
    ///
    /// # Errors
    /// When the store fails.
    fn after(&mut self, at: Position, limit: usize) -> Result<Vec<OutMessage>, Self::Error>;

    /// Returns a receipt that was kept, by its hash.
    ///
    /// # Errors
    /// When the store fails.
    fn receipt(&mut self, id: Digest) -> Result<Option<Vec<u8>>, Self::Error>;
}
