//! The documents nodes exchange, as Rust values. Their bytes are in the modules beside this one and in
//! `docs/spec/`. Nothing here signs, encrypts, decides or stores.

use mithaq_model::{
    AgreementId, Handling, Level, ObjectId, PartyId, Purpose, RefusalGround, ReportVersion, Role, Timestamp,
};

/// SHA-256 of something this protocol names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest before the first of a chain.
    pub const ZERO: Self = Self([0; 32]);
}

impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Classes of traffic between two parties. Control is drained before anything of the others is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Corrections, recalls, deletions, receipts of reading and erasing, notices about the agreement.
    Control,
    /// Reports and requests.
    Report,
    /// Attachments.
    Bulk,
}

/// One ordered stream: from one party to another under one agreement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId {
    /// Sender.
    pub from: PartyId,
    /// Recipient.
    pub to: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Class of traffic.
    pub lane: Lane,
}

/// A place in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Starts at 1; a restored node begins a new one.
    pub epoch: u32,
    /// Gapless within an epoch, from 1; 0 stands before the first.
    pub seq: u64,
}

/// What an envelope carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// A sealed report (report lane).
    Report,
    /// A sealed report that replaces an earlier version (control lane).
    Correction,
    /// A sealed order about an object: recall, delete, new expiry (control lane).
    Order,
    /// A sealed notice about the agreement (control lane).
    Notice,
    /// Signed statements of reading and erasing (control lane).
    Receipts,
    /// The first message of an epoch after a restore.
    EpochStart,
    /// A sealed step in the conversation about a request (report lane).
    Step,
    /// A sealed step about passing something on: consent, its end, what became of a copy (control lane).
    Onward,
    /// A report of another originator, passed on with that party's seal and token (report lane).
    Hop,
}

impl MessageKind {
    /// Returns the only lane this kind may travel in; an epoch starts in every lane.
    #[must_use]
    pub const fn lane(self) -> Option<Lane> {
        match self {
            Self::Report | Self::Step | Self::Hop => Some(Lane::Report),
            Self::Correction | Self::Order | Self::Notice | Self::Receipts | Self::Onward => {
                Some(Lane::Control)
            }
            Self::EpochStart => None,
        }
    }
}

/// "I have everything of your lane up to here."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Which of the other side's lanes under this agreement.
    pub lane: Lane,
    /// Up to here.
    pub at: Position,
    /// Envelope hash there.
    pub head: Digest,
}

/// The protected header of an envelope: what the node signs, and what authenticates the ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeHeader {
    /// Lane: sender, recipient, agreement, class.
    pub lane: LaneId,
    /// Place in the lane.
    pub at: Position,
    /// Hash of the envelope before; zero at seq 1 of epoch 1.
    pub prev: Digest,
    /// Hash of the sender's manifest whose node key signs.
    pub manifest: Digest,
    /// Random number of the message.
    pub mid: [u8; 16],
    /// What it carries.
    pub kind: MessageKind,
    /// By the sender's clock. Advisory.
    pub created: Timestamp,
    /// After this the receiver refuses it.
    pub expires: Timestamp,
    /// What the sender has of the other direction.
    pub acks: Vec<Ack>,
    /// Hash of the sender's last checkpoint note, if it has one.
    pub checkpoint: Option<Digest>,
}

/// The header of a sealed object: what the agency signs, beside the content itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealHeader {
    /// The object; for reports the report's number.
    pub object: ObjectId,
    /// Version of the object; 1 for orders and notices.
    pub version: ReportVersion,
    /// The version it replaces.
    pub supersedes: Option<ReportVersion>,
    /// The party in control.
    pub originator: PartyId,
    /// To whom, not empty: inside the seal, so that nobody forwards it as if it were theirs to receive.
    pub recipients: Vec<PartyId>,
    /// Agreement.
    pub agreement: AgreementId,
    /// What it may be used for; none for orders and notices.
    pub purpose: Option<Purpose>,
    /// What may be done with it; none for orders and notices.
    pub handling: Option<Handling>,
    /// Classification.
    pub level: Level,
    /// Unreadable after this unless the originator's control lane was seen since.
    pub lease_until: Timestamp,
    /// Roles of the two persons who released it, as the originator attests; none for orders by the system.
    pub released_by: Vec<Role>,
    /// When it was sealed.
    pub sealed_at: Timestamp,
}

/// An order about an object, by its originator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Taken back: stop use, hide, erase, answer by the deadline.
    Recall {
        /// Which object.
        object: ObjectId,
        /// Which versions; none means all.
        versions: Vec<ReportVersion>,
        /// Why.
        reason: OrderReason,
        /// Answer by then.
        answer_by: Timestamp,
    },
    /// Erase by law.
    Delete {
        /// Which object, all versions.
        object: ObjectId,
        /// Why.
        reason: OrderReason,
        /// Answer by then.
        answer_by: Timestamp,
    },
    /// A new, earlier or later, last day of use.
    Expiry {
        /// Which object, all versions.
        object: ObjectId,
        /// The last day.
        expires: Timestamp,
    },
}

/// Why an order was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderReason {
    /// The originator withdraws.
    Originator,
    /// It was wrong.
    Inaccurate,
    /// The time to keep it is over.
    Retention,
    /// A court or oversight body ordered it.
    Court,
    /// The data subject's right.
    Rights,
    /// Sent to the wrong recipient or under the wrong agreement.
    Misdirected,
}

/// A notice about the agreement itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Flows stop, duties stay.
    Suspended {
        /// From then.
        from: Timestamp,
    },
    /// Flows may go on.
    Resumed {
        /// From then.
        from: Timestamp,
    },
    /// The agreement ends; duties about what was sent survive.
    Terminated {
        /// From then.
        from: Timestamp,
    },
}

/// What became of one message, decided by the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its rules permit it.
    Accepted,
    /// Its rules refuse it. Code only: which words the sender's officer reads is the sender's matter.
    Refused {
        /// Stable code of the step or protocol rule, for example `AGR`, `envelope.expired`.
        code: String,
        /// Ground from the closed list, where one applies.
        ground: Option<RefusalGround>,
    },
    /// Kept unread, to be decided by people (`docs/spec/exchange.md`, quarantine).
    Quarantined {
        /// Stable code.
        code: String,
    },
}

/// R1 and R2 for one message: the leaf of a receipt batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Place in the lane.
    pub at: Position,
    /// Hash of the envelope as received.
    pub envelope: Digest,
    /// What was decided.
    pub verdict: Verdict,
}

/// R1 and R2 for a whole batch. One signature of the receiving node over a Merkle root of the statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptBatch {
    /// The lane of the messages (not of the receipt).
    pub lane: LaneId,
    /// Hash of the receiver's manifest whose node key signs.
    pub manifest: Digest,
    /// When it was durable, by the receiver's clock.
    pub stored_at: Timestamp,
    /// Which of the receiver's logs has the entries: 1, and a later one after each restore.
    pub log: u32,
    /// Statements in the order of the lane; not empty.
    pub statements: Vec<Statement>,
}

/// Later receipts, by a person's act: R2 after quarantine, R3 and R4 (travel in the reverse control lane, sealed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaterReceipt {
    /// R2 for what was in quarantine: people decided. Settles a verdict that was *quarantined*, and no other.
    Decided {
        /// Object.
        object: ObjectId,
        /// Version.
        version: ReportVersion,
        /// Accepted or refused; never quarantined.
        verdict: Verdict,
        /// When.
        at: Timestamp,
    },
    /// R3: shown in plain text for the first time.
    Read {
        /// Object.
        object: ObjectId,
        /// Version.
        version: ReportVersion,
        /// In which role.
        role: Role,
        /// Pseudonym of the reader, meaningful to the reader's oversight only.
        reader: [u8; 16],
        /// When.
        at: Timestamp,
    },
    /// R2 for an attachment: all of its bytes are there, verified and durable. Nobody can read it before.
    Complete {
        /// Object.
        object: ObjectId,
        /// Version.
        version: ReportVersion,
        /// Root of the attachment.
        root: Digest,
        /// When.
        at: Timestamp,
    },
    /// R4: erased, as declared and signed; not proof that no photograph exists.
    Erased {
        /// Object.
        object: ObjectId,
        /// Versions that were held and are gone.
        versions: Vec<ReportVersion>,
        /// Kinds of store that were wiped, stable codes.
        wiped: Vec<String>,
        /// Index of the erasure in the receiver's log, if already under a checkpoint.
        leaf: Option<u64>,
        /// When.
        at: Timestamp,
    },
}

/// The receiver's answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchAnswer {
    /// Signed receipt batches, byte for byte as stored, that cover the messages taken or already held.
    pub receipts: Vec<Vec<u8>>,
    /// What the receiver has of the lane now: resend from the next.
    pub have: Position,
    /// Envelope hash at `have`.
    pub head: Digest,
    /// Why the rest was not taken, if so: a stable code that tells nothing about content.
    pub stopped: Option<String>,
}

/// Public keys and addresses of a node, signed by its offline root. Manifests form a hash chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The party.
    pub party: PartyId,
    /// From 1.
    pub number: u32,
    /// Hash of the manifest before; zero for the first.
    pub prev: Digest,
    /// Valid from.
    pub valid_from: Timestamp,
    /// Valid to.
    pub valid_to: Timestamp,
    /// Ed25519 keys of the agency's seals.
    pub seal_keys: Vec<[u8; 32]>,
    /// Ed25519 key of the node: envelopes and receipts.
    pub node_key: [u8; 32],
    /// X-Wing public key (1,216 bytes).
    pub kem_key: Vec<u8>,
    /// Verifier key of its log, in note form.
    pub log_key: String,
    /// Verifier key as a witness, in note form.
    pub witness_key: String,
    /// SHA-256 of the subject public key info of its TLS certificate.
    pub tls_spki: Digest,
    /// `https://host:port` of the peer endpoint; may be empty for a node that only pulls.
    pub endpoints: Vec<String>,
}
