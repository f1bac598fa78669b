//! What a verifier brings and what it is told. Plain values: the words are elsewhere.

use std::collections::BTreeMap;

use mithaq_envelope::AgreementSignature;
use mithaq_ledger::{Hash, VerifierKey};
use mithaq_model::{AgreementId, ObjectId, PartyId, ReportId, ReportVersion, Role, Timestamp};
use mithaq_wire::{Digest, MessageKind, Position};

/// What the verifier knows from elsewhere than the bundle: paper, a partner, a court file. Everything may be empty;
/// then nothing is anchored, and the judgement says so.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// Fingerprints of root keys.
    pub roots: BTreeMap<PartyId, [u8; 32]>,
    /// Numbers of agreements: each pins its text, and with it the roots it names.
    pub agreements: Vec<AgreementId>,
    /// Keys of the log.
    pub logs: Vec<VerifierKey>,
    /// Keys of further witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// How many different witnesses must have countersigned, whatever the agreements ask.
    pub quorum: usize,
    /// Statements of distrust: who made the bundle may have left them out.
    pub distrusts: Vec<Vec<u8>>,
}

/// Where trust in a root comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootSource {
    /// The verifier gave it.
    Given,
    /// The verifier gave the number of the agreement that names it.
    PinnedAgreement(AgreementId),
    /// Only an agreement in the bundle names it: to be compared with the paper.
    Bundle(AgreementId),
    /// Only the manifest itself names it.
    Claimed,
}

impl RootSource {
    /// Returns whether the verifier knows it from elsewhere.
    #[must_use]
    pub const fn is_anchored(self) -> bool {
        matches!(self, Self::Given | Self::PinnedAgreement(_))
    }
}

/// The root of a party as used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// Fingerprint.
    pub fingerprint: [u8; 32],
    /// Where it comes from.
    pub source: RootSource,
}

/// An agreement of the bundle. Its number is the hash of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementFinding {
    /// Number.
    pub id: AgreementId,
    /// Parties.
    pub parties: Vec<PartyId>,
    /// Who signed, in what office, when; each with the root its text names.
    pub signatures: Vec<AgreementSignature>,
    /// Who has not signed.
    pub missing: Vec<PartyId>,
    /// First instant.
    pub from: Timestamp,
    /// Last instant.
    pub to: Timestamp,
    /// Countersignatures it asks for.
    pub countersignatures: u32,
    /// Its life as the log has it: index, time, stage.
    pub life: Vec<(u64, Timestamp, &'static str)>,
}

/// A manifest of the bundle: the chain up to it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFinding {
    /// Party.
    pub party: PartyId,
    /// Number in its chain.
    pub number: u32,
    /// First instant.
    pub from: Timestamp,
    /// Last instant.
    pub to: Timestamp,
}

/// A key that its own root does not trust any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistrustFinding {
    /// Party.
    pub party: PartyId,
    /// The key.
    pub key: [u8; 32],
    /// Name of the party's log.
    pub log: String,
    /// Size of that log from which on it is not trusted.
    pub since: u64,
    /// Whether the statement proves that size by a checkpoint of the log. If not, nothing under the key counts.
    pub is_proven: bool,
}

/// Countersignatures asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quorum {
    /// By the verifier.
    pub by_verifier: usize,
    /// By the agreements that all their parties signed.
    pub by_agreement: usize,
}

impl Quorum {
    /// Returns how many are demanded.
    #[must_use]
    pub fn demanded(&self) -> usize {
        self.by_verifier.max(self.by_agreement)
    }
}

/// Who countersigned the last checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countersigned {
    /// Name of the key.
    pub by: String,
    /// Whether the verifier knows, from elsewhere than the bundle, whose key it is.
    pub is_known: bool,
    /// When, by the clock of who signed.
    pub at: Timestamp,
}

/// What the receiver of a message signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// When it was durable there, by the receiver's clock.
    pub stored_at: Timestamp,
    /// R2: `accepted`, or the code of the refusal or quarantine.
    pub verdict: String,
    /// Number of the manifest whose node key signed.
    pub manifest: u32,
}

/// What a person at the receiver did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaterKind {
    /// R2 after quarantine: people decided.
    Decided {
        /// Version.
        version: ReportVersion,
        /// Accepted, or refused.
        accepted: bool,
    },
    /// R3: shown.
    Read {
        /// Version.
        version: ReportVersion,
        /// In which role.
        role: Role,
    },
    /// R2 for an attachment: all of its bytes are there.
    Complete {
        /// Version of the report that names it.
        version: ReportVersion,
        /// Its root.
        root: [u8; 32],
    },
    /// R4: erased, as declared and signed.
    Erased {
        /// Versions that were held.
        versions: Vec<ReportVersion>,
    },
}

/// A later receipt, sealed by the receiver's agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    /// About which object.
    pub object: ObjectId,
    /// By whom.
    pub by: PartyId,
    /// What.
    pub kind: LaterKind,
    /// When, by its clock.
    pub at: Timestamp,
}

/// A message as the log and the signatures have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Index of its entry.
    pub index: u64,
    /// When it was logged (R0, for what was sent), by the log's clock.
    pub at: Timestamp,
    /// Sent by the party whose log it is, or taken by it.
    pub is_sent: bool,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Reference of the object it carries, or its place.
    pub object: String,
    /// What it carries, as its sender signed; none when the envelope is not attached.
    pub kind: Option<MessageKind>,
    /// The report it is about, where the envelope or an entry of the bundle shows that its object is one.
    pub report: Option<ReportId>,
    /// Hash of the envelope.
    pub envelope: Digest,
    /// Where it stands in its lane, as its sender signed; none when the envelope is not attached.
    pub place: Option<Position>,
    /// What the receiver signed.
    pub receipt: Option<Receipt>,
    /// N1: when the sender declared it not delivered.
    pub not_delivered: Option<Timestamp>,
    /// What the log alone says of the receiver's verdict.
    pub logged_verdict: Option<String>,
}

/// Contents that entries commit to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// Shown by content or digest, and matching.
    pub opened: u64,
    /// Not shown, of objects the log says were erased.
    pub erased: u64,
    /// Not shown.
    pub closed: u64,
}

/// What the evidence shows and the rules forbid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Something was disclosed under an agreement that was not in force by its dates.
    OutsideDates {
        /// Index of the entry.
        index: u64,
        /// Agreement.
        agreement: AgreementId,
    },
    /// Something was disclosed while the log itself has the agreement in another stage.
    NotInForce {
        /// Index of the entry.
        index: u64,
        /// Agreement.
        agreement: AgreementId,
        /// The stage.
        stage: &'static str,
    },
    /// Something was disclosed under an agreement that not all parties signed.
    Unsigned {
        /// Index of the entry.
        index: u64,
        /// Agreement.
        agreement: AgreementId,
    },
    /// The other party of a disclosure is no party of the agreement.
    NoParty {
        /// Index of the entry.
        index: u64,
        /// Agreement.
        agreement: AgreementId,
    },
    /// A message or receipt was signed under a manifest that was not valid then.
    ManifestExpired {
        /// Index of the entry.
        index: u64,
        /// Whose manifest.
        party: PartyId,
    },
}

/// What is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// Nothing was compared with what the verifier knows from elsewhere.
    NotAnchored,
    /// The root of a party was taken from the bundle.
    RootFromBundle {
        /// Party.
        party: PartyId,
    },
    /// Entries were left out; what they say is not known.
    LeftOut {
        /// How many.
        entries: u64,
    },
    /// Nobody countersigned: the log's party alone vouches that there is no other history.
    NotCountersigned,
    /// An agreement that entries name is not attached.
    NoAgreement {
        /// Agreement.
        agreement: AgreementId,
    },
    /// Whether the agreement was activated and not suspended is not in the bundle.
    StageNotShown {
        /// Agreement.
        agreement: AgreementId,
    },
    /// No receipt of the receiver: that it arrived is not proven.
    NoReceipt {
        /// Index of the entry.
        index: u64,
        /// The log claims one.
        claimed: bool,
    },
    /// The envelope is not attached: that the sender signed it is not proven.
    NoEnvelope {
        /// Index of the entry.
        index: u64,
    },
    /// The log says that a receipt of reading or erasing came, and it is not attached.
    NoLaterReceipt {
        /// Index of the entry.
        index: u64,
    },
    /// What was signed here does not count: its own root distrusts the key, and the entry is not from before.
    KeyDistrusted {
        /// Index of the entry.
        index: u64,
        /// Whose key.
        party: PartyId,
    },
    /// The log continues another after a loss, and no manifest of its party names it.
    SuccessorNotAttested {
        /// Name of the log.
        origin: String,
    },
    /// Recalled, and no signed erasure by this recipient.
    NoErasure {
        /// Reference of the object.
        object: String,
        /// Who owes it.
        partner: PartyId,
    },
}

/// An entry, for those who want to see each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Index in the log.
    pub index: u64,
    /// When, by the log's clock.
    pub at: Timestamp,
    /// Kind, role, object, other party, verdict; empty when none.
    pub words: [String; 5],
    /// Commitment to the content; of a private check to what was asked.
    pub commitment: Option<Hash>,
}

/// What a bundle proves and what it does not. Whatever is in here was verified, unless it says otherwise.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Name of the log.
    pub origin: String,
    /// Whose log.
    pub party: PartyId,
    /// Size of the log at the last checkpoint.
    pub size: u64,
    /// Root there.
    pub root: Hash,
    /// Entries in the bundle.
    pub entries: u64,
    /// Whether nothing up to the last checkpoint was left out.
    pub is_complete: bool,
    /// How many checkpoints before the last one the bundle carries.
    pub earlier_checkpoints: usize,
    /// Whether the verifier gave something that the bundle was compared with: a root, an agreement or the log's key.
    pub is_anchored: bool,
    /// Roots.
    pub roots: BTreeMap<PartyId, Root>,
    /// Agreements.
    pub agreements: Vec<AgreementFinding>,
    /// Manifests.
    pub manifests: Vec<ManifestFinding>,
    /// Keys that are not trusted any more.
    pub distrusts: Vec<DistrustFinding>,
    /// Countersignatures asked for.
    pub quorum: Quorum,
    /// Countersignatures there.
    pub countersigned: Vec<Countersigned>,
    /// Messages.
    pub messages: Vec<Message>,
    /// Receipts of reading and erasing.
    pub later: Vec<Later>,
    /// Contents.
    pub contents: Contents,
    /// Number of entries of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// Every entry.
    pub lines: Vec<Line>,
    /// What is shown and forbidden.
    pub violations: Vec<Violation>,
    /// What is not proven.
    pub gaps: Vec<Gap>,
}
