//! The rows a shell stores for the protocol. Plain values: every rule about them is in the steps.

use mithaq_model::{AgreementId, Millis, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{Digest, LaneId, MessageKind, OrderReason, Position, Verdict};

use crate::code::PeerFault;
use crate::fact::Logged;

/// The place before the first message of a lane.
pub(crate) const START: Position = Position { epoch: 1, seq: 0 };

/// Why nothing is sent in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Halt {
    /// It goes on.
    Open,
    /// The partner froze it: it holds two envelopes of ours for one place.
    FrozenByPeer,
    /// The partner broke the protocol in a way that going on could hide.
    Fault(PeerFault),
}

/// An outgoing lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneOut {
    /// Which.
    pub id: LaneId,
    /// Epoch of the last message.
    pub epoch: u32,
    /// Number of the next message.
    pub next_seq: u64,
    /// Hash of the last envelope.
    pub head: Digest,
    /// Everything up to here has its receipt: the durable cursor.
    pub settled: Position,
    /// What the partner acknowledged in headers of its own.
    pub acked: Position,
    /// Whether it may send.
    pub halt: Halt,
    /// Attempts since the last progress.
    pub attempts: u32,
    /// Not before, by this node's clock.
    pub retry_at: Timestamp,
}

impl LaneOut {
    /// Returns a lane nothing was ever sent in.
    #[must_use]
    pub const fn new(id: LaneId) -> Self {
        Self {
            id,
            epoch: 1,
            next_seq: 1,
            head: Digest::ZERO,
            settled: START,
            acked: START,
            halt: Halt::Open,
            attempts: 0,
            retry_at: Timestamp::from_millis(i64::MIN),
        }
    }

    /// Returns the place of the last message; number 0 when the epoch has none.
    #[must_use]
    pub const fn last(&self) -> Position {
        Position { epoch: self.epoch, seq: self.next_seq.saturating_sub(1) }
    }
}

/// Where an outgoing message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutState {
    /// No receipt yet.
    Waiting,
    /// The receiver stored and judged it.
    Decided {
        /// Its verdict.
        verdict: Verdict,
        /// Hash of the receipt that says so.
        receipt: Digest,
    },
    /// N1. It is still sent, for the lane has no gaps; what comes later is kept as evidence.
    NotDelivered {
        /// Verdict and receipt that came too late.
        late: Option<(Verdict, Digest)>,
    },
}

impl OutState {
    /// Returns whether a receipt covers it.
    #[must_use]
    pub const fn has_receipt(&self) -> bool {
        self.decided().is_some()
    }

    /// Returns the verdict a receipt gave, in time or late, and the hash of that receipt.
    #[must_use]
    pub const fn decided(&self) -> Option<(&Verdict, &Digest)> {
        match self {
            Self::Waiting | Self::NotDelivered { late: None } => None,
            Self::Decided { verdict, receipt } | Self::NotDelivered { late: Some((verdict, receipt)) } => {
                Some((verdict, receipt))
            }
        }
    }

    /// Returns the verdict a receipt gave, in time or late.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.decided().map(|(verdict, _)| verdict)
    }
}

/// An outgoing message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutMessage {
    /// Place in the lane.
    pub at: Position,
    /// What it carries.
    pub kind: MessageKind,
    /// What it is about.
    pub object: Option<(ObjectId, ReportVersion)>,
    /// Hash of the envelope.
    pub envelope: Digest,
    /// The envelope, exactly as sent, every time.
    pub bytes: Vec<u8>,
    /// N1 after this.
    pub deadline: Timestamp,
    /// Where it stands.
    pub state: OutState,
    /// Its ledger entry: a message that has none does not exist.
    pub logged: Logged,
}

impl OutMessage {
    /// Returns whether it is the start of an epoch that another one replaced: never sent again, never settled.
    pub(crate) fn is_void(&self, lane: &LaneOut) -> bool {
        self.kind == MessageKind::EpochStart && self.at.epoch < lane.epoch && !self.state.has_receipt()
    }
}

/// An incoming lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneIn {
    /// Which.
    pub id: LaneId,
    /// Everything up to here was taken, in order.
    pub have: Position,
    /// Hash of the envelope there.
    pub head: Digest,
    /// Equivocation was seen; nothing new is taken.
    pub frozen: bool,
    /// Envelopes kept ahead of a gap.
    pub ahead: u32,
    /// Last checkpoint of the sender that was seen.
    pub checkpoint: Option<Digest>,
}

impl LaneIn {
    /// Returns a lane nothing was ever received in.
    #[must_use]
    pub const fn new(id: LaneId) -> Self {
        Self { id, have: START, head: Digest::ZERO, frozen: false, ahead: 0, checkpoint: None }
    }
}

/// A message that was taken. Its bytes may be erased later; the hash stays for the life of the agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InRow {
    /// Place in the lane.
    pub at: Position,
    /// Hash of the envelope.
    pub envelope: Digest,
    /// The envelope.
    pub bytes: Vec<u8>,
    /// What was decided.
    pub verdict: Verdict,
    /// Which stored receipt covers it.
    pub receipt: Digest,
}

/// An envelope ahead of a gap: verified, not taken, not receipted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AheadRow {
    /// Place in the lane.
    pub at: Position,
    /// The envelope.
    pub bytes: Vec<u8>,
}

/// A signed receipt: stored once, answered with for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// SHA-256 of the bytes.
    pub id: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Which versions an order is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// All, held or not, now and later.
    All,
    /// These.
    Only(Vec<ReportVersion>),
}

impl Versions {
    /// Returns whether a version is meant.
    #[must_use]
    pub fn holds(&self, version: ReportVersion) -> bool {
        match self {
            Self::All => true,
            Self::Only(versions) => versions.contains(&version),
        }
    }

    /// Returns the versions of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Only(ours), Self::Only(theirs)) => {
                let mut versions: Vec<_> = ours.iter().chain(theirs).copied().collect();
                versions.sort_unstable();
                versions.dedup();
                Self::Only(versions)
            }
        }
    }
}

/// What an order leaves for the life of the agreement: the object does not come back, by no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Who ordered it.
    pub originator: PartyId,
    /// The object.
    pub object: ObjectId,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Which versions.
    pub versions: Versions,
    /// Why.
    pub reason: OrderReason,
    /// Since when, by this node's clock.
    pub since: Timestamp,
}

/// What may be done with a version that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionState {
    /// In force.
    Current,
    /// A later version replaced it.
    Superseded,
    /// Waits for people.
    Quarantined,
    /// Taken back: hidden, to be erased or erased.
    Recalled,
}

/// A version of an object that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldVersion {
    /// Its number.
    pub version: ReportVersion,
    /// What may be done with it.
    pub state: VersionState,
    /// Unreadable after this unless the originator's control lane was seen since.
    pub lease_until: Timestamp,
    /// How long one sight of the control lane renews the lease.
    pub lease: Millis,
    /// Last day of use.
    pub expires: Timestamp,
}

/// What is held of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The object.
    pub object: ObjectId,
    /// Who controls it.
    pub originator: PartyId,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// The lowest version that is not superseded. A correction sets it even when its own content was refused:
    /// what the originator replaced is not read.
    pub current_from: ReportVersion,
    /// Last day of use by the originator's order; binds versions that come later too.
    pub expires: Option<Timestamp>,
    /// Versions by number.
    pub versions: Vec<HeldVersion>,
}

/// Rows about objects that a step changed: each replaces the row of the same key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modified {
    /// Holdings, key object.
    pub holdings: Vec<Holding>,
    /// Tombstones, key originator and object.
    pub tombstones: Vec<Tombstone>,
}
