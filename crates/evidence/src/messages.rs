//! What was sent and taken: each message of the log with what its sender and its receiver signed for it. An entry and
//! a signature name a message by the hash of its envelope.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_envelope::{
    Opened, VerifiedManifest, envelope_hash, open_seal, peek_header, peek_receipt_proof, peek_receipts,
    peek_seal, verify, verify_receipt_proof, verify_receipts,
};
use mithaq_ledger::{Document, Entry};
use mithaq_model::{AgreementId, ObjectId, PartyId, ReportId, Timestamp};
use mithaq_wire::{Digest, EnvelopeHeader, LaneId, LaterReceipt, MessageKind, Position, Statement, Verdict};

use crate::error::{JudgeError, PaperFault};
use crate::judgement::{Gap, Later, LaterKind, Message, Receipt, Violation};
use crate::names::{Kind, envelope_name, later_name, receipt_name, receipts_name};
use crate::papers::{Papers, fault};

/// What is told of messages: themselves, later receipts, wrongs.
pub(crate) type Told = (Vec<Message>, Vec<Later>, Vec<Violation>);

/// Messages by the hash of their envelope, and what the log says of later receipts.
pub(crate) struct Messages<'p> {
    papers: &'p Papers,
    /// Whose log it is, and its name.
    us: &'p PartyId,
    origin: &'p str,
    all: BTreeMap<Digest, Message>,
    /// Index of each entry about a later receipt: object, partner, what it says.
    announced: BTreeMap<(ObjectId, PartyId, What), u64>,
    recalled: BTreeMap<(ObjectId, PartyId), ()>,
    /// Objects that entries name as reports.
    reports: BTreeSet<ObjectId>,
    places: BTreeMap<(LaneId, Position), (Digest, Digest, String)>,
    /// Index of the entry that says that a receipt is there.
    answered: BTreeMap<Digest, u64>,
    /// Index of the entry that says that a partner's statement of distrust came: by the size it names.
    learned: BTreeMap<(PartyId, u64), u64>,
    /// What does not count, for the key is distrusted.
    distrusted: BTreeSet<(u64, PartyId)>,
    pub(crate) later: Vec<Later>,
    pub(crate) violations: Vec<Violation>,
}

/// The object an entry is about, whether it names the report or the object it travels as.
pub(crate) fn object_of(entry: &Entry<'_>) -> Option<ObjectId> {
    let text = entry.object.as_str();
    text.parse().ok().or_else(|| text.parse::<ReportId>().ok().map(ObjectId::from))
}

/// The word of a verdict as the log has it.
fn word(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::Refused { code, .. } | Verdict::Quarantined { code } => code,
    }
}

impl<'p> Messages<'p> {
    pub(crate) const fn new(papers: &'p Papers, (us, origin): (&'p PartyId, &'p str)) -> Self {
        Self {
            papers,
            us,
            origin,
            all: BTreeMap::new(),
            announced: BTreeMap::new(),
            recalled: BTreeMap::new(),
            reports: BTreeSet::new(),
            places: BTreeMap::new(),
            answered: BTreeMap::new(),
            learned: BTreeMap::new(),
            distrusted: BTreeSet::new(),
            later: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Takes an entry of the log; those about nothing sent or taken are passed over.
    pub(crate) fn entry(&mut self, index: u64, entry: &Entry<'_>) {
        self.reports.extend(entry.object.as_str().parse::<ReportId>().ok().map(ObjectId::from));
        let partner = entry.counterparty.and_then(|id| PartyId::new(id.as_str()).ok());
        let Some(partner) = partner else { return };
        match entry.kind.as_str() {
            "message.queued"
            | "message.taken"
            | "message.decided"
            | "message.late_receipt"
            | "message.not_delivered"
            | "message.recovered" => self.message(index, entry, partner),
            kind @ ("receipt.read" | "receipt.erased" | "receipt.decided" | "receipt.complete") => {
                let what = match kind {
                    "receipt.read" => Some(What::Read),
                    "receipt.erased" => Some(What::Erased),
                    "receipt.complete" => entry.commitment.map(|root| What::Complete(*root.as_bytes())),
                    _decided => Some(What::Decided),
                };
                if let Some((object, what)) = object_of(entry).zip(what) {
                    self.announced.insert((object, partner, what), index);
                }
            }
            "partner.key_distrusted" => {
                let size = entry.verdict.and_then(|word| word.as_str().strip_prefix("size/")?.parse().ok());
                if let Some(size) = size {
                    self.learned.entry((partner, size)).or_insert(index);
                }
            }
            "report.recalled" => {
                if let Some(object) = object_of(entry) {
                    self.recalled.insert((object, partner), ());
                }
            }
            _other => {}
        }
    }

    fn message(&mut self, index: u64, entry: &Entry<'_>, partner: PartyId) {
        let (Some(commitment), Some(agreement)) = (entry.commitment, entry.agreement) else { return };
        let hash = Digest(*commitment.as_bytes());
        let at = Timestamp::from_millis(entry.at_ms);
        let message = self.all.entry(hash).or_insert_with(|| Message {
            index,
            at,
            is_sent: entry.kind.as_str() != "message.taken",
            partner,
            agreement: AgreementId::new(*agreement.as_bytes()),
            object: entry.object.as_str().to_owned(),
            kind: None,
            report: None,
            envelope: hash,
            place: None,
            receipt: None,
            not_delivered: None,
            logged_verdict: None,
        });
        if !matches!(entry.kind.as_str(), "message.queued" | "message.not_delivered") {
            self.answered.entry(hash).or_insert(index);
        }
        match entry.kind.as_str() {
            "message.not_delivered" => message.not_delivered = Some(at),
            "message.queued" => {}
            _with_verdict => message.logged_verdict = entry.verdict.map(|code| code.as_str().to_owned()),
        }
    }

    /// Whether what a party signed counts at an entry: always, unless its own root distrusts the key; then where the
    /// entry is from before.
    fn counts(&mut self, party: &PartyId, keys: &[[u8; 32]], index: u64) -> bool {
        let (us, origin, learned) = (self.us, self.origin, &self.learned);
        let of = self.papers.distrusts.iter().filter(|one| one.read.party == *party);
        let mut of = of.filter(|one| keys.contains(&one.read.key));
        let counts = of.all(|one| {
            if party == us {
                one.is_before(origin, index)
            } else {
                learned.get(&(party.clone(), one.read.since)).is_some_and(|came| index < *came)
            }
        });
        if !counts {
            self.distrusted.insert((index, party.clone()));
        }
        counts
    }

    /// Takes a document; agreements, manifests and statements of distrust were read before.
    pub(crate) fn document(&mut self, document: &Document<'_>) -> Result<(), JudgeError> {
        let (name, bytes) = (document.name.as_str(), document.bytes);
        let made = match Kind::of(name) {
            Some(Kind::Agreement | Kind::Manifest | Kind::Distrust) => return Ok(()),
            Some(Kind::Envelope) => envelope_name(bytes),
            Some(Kind::Later) => later_name(bytes),
            Some(Kind::Receipt) => receipt_name(bytes),
            Some(Kind::Receipts) => receipts_name(bytes),
            None => return Err(fault(name, PaperFault::Name)),
        };
        if made != name {
            return Err(fault(name, PaperFault::Name));
        }
        match Kind::of(name) {
            Some(Kind::Envelope) => self.envelope(name, bytes),
            Some(Kind::Later) => self.later(name, bytes),
            Some(Kind::Receipt) => self.receipt(name, bytes),
            Some(Kind::Receipts) => self.receipts(name, bytes),
            Some(Kind::Agreement | Kind::Manifest | Kind::Distrust) | None => Ok(()),
        }
    }

    fn envelope(&mut self, name: &str, bytes: &[u8]) -> Result<(), JudgeError> {
        let refuse = |why| fault(name, PaperFault::Envelope(why));
        let claimed = peek_header(bytes).map_err(refuse)?;
        let manifest = self.signer(name, &claimed.lane.from, claimed.manifest)?;
        let verified = verify(bytes, manifest).map_err(refuse)?;
        let header = verified.header().clone();
        let expired = manifest.valid_at(header.created).is_err();
        let hash = envelope_hash(bytes);
        let message = self.all.get(&hash).ok_or_else(|| fault(name, PaperFault::Unlogged))?;
        if !same_lane(self.us, message, &header.lane) {
            return Err(fault(name, PaperFault::OtherLane));
        }
        let (index, party) = (message.index, header.lane.from.clone());
        let counts = self.counts(&party, &[manifest.manifest().node_key], index);
        if let Some(message) = self.all.get_mut(&hash).filter(|_| counts) {
            message.place = Some(header.at);
            message.kind = Some(header.kind);
        }
        if expired {
            self.violations.push(Violation::ManifestExpired { index, party });
        }
        self.keep_place(name, header, hash)
    }

    /// A sender signs one envelope for one place.
    fn keep_place(&mut self, name: &str, header: EnvelopeHeader, hash: Digest) -> Result<(), JudgeError> {
        let place = (header.lane, header.at);
        match self.places.insert(place, (hash, header.prev, name.to_owned())) {
            None => Ok(()),
            Some(_another) => Err(fault(name, PaperFault::Chain)),
        }
    }

    /// Each envelope names the one before it in its lane, where both are attached.
    fn check_chains(&self) -> Result<(), JudgeError> {
        for ((lane, at), (_, prev, name)) in &self.places {
            let Some(before) = at.seq.checked_sub(1).filter(|seq| *seq > 0) else { continue };
            let before = (lane.clone(), Position { seq: before, ..*at });
            if self.places.get(&before).is_some_and(|(hash, _, _)| hash != prev) {
                return Err(fault(name, PaperFault::Chain));
            }
        }
        Ok(())
    }

    fn signer(&self, name: &str, party: &PartyId, hash: Digest) -> Result<&'p VerifiedManifest, JudgeError> {
        self.papers.manifest(party, hash).ok_or_else(|| fault(name, PaperFault::UnknownManifest))
    }

    fn receipts(&mut self, name: &str, bytes: &[u8]) -> Result<(), JudgeError> {
        let refuse = |why| fault(name, PaperFault::Receipt(why));
        let claimed = peek_receipts(bytes).map_err(refuse)?;
        let manifest = self.signer(name, &claimed.lane.to, claimed.manifest)?;
        let batch = verify_receipts(bytes, manifest).map_err(refuse)?;
        let mut any = false;
        for statement in &batch.statements {
            any |= self.statement(name, (&batch.lane, batch.stored_at), manifest, statement)?;
        }
        if any { Ok(()) } else { Err(fault(name, PaperFault::Unlogged)) }
    }

    fn receipt(&mut self, name: &str, bytes: &[u8]) -> Result<(), JudgeError> {
        let refuse = |why| fault(name, PaperFault::Receipt(why));
        let claimed = peek_receipt_proof(bytes).map_err(refuse)?;
        let manifest = self.signer(name, &claimed.lane.to, claimed.manifest)?;
        let (head, statement) = verify_receipt_proof(bytes, manifest).map_err(refuse)?;
        let any = self.statement(name, (&head.lane, head.stored_at), manifest, &statement)?;
        if any { Ok(()) } else { Err(fault(name, PaperFault::Unlogged)) }
    }

    /// Returns whether an entry of the bundle is about the message of a statement.
    fn statement(
        &mut self,
        name: &str,
        (lane, stored_at): (&LaneId, Timestamp),
        manifest: &VerifiedManifest,
        statement: &Statement,
    ) -> Result<bool, JudgeError> {
        let Some(message) = self.all.get(&statement.envelope) else { return Ok(false) };
        if !same_lane(self.us, message, lane) {
            return Err(fault(name, PaperFault::OtherLane));
        }
        let verdict = word(&statement.verdict);
        if message.logged_verdict.as_deref().is_some_and(|logged| logged != verdict) {
            return Err(JudgeError::Contradiction { index: message.index });
        }
        if message.place.is_some_and(|place| place != statement.at) {
            return Err(fault(name, PaperFault::OtherLane));
        }
        if manifest.valid_at(stored_at).is_err() {
            let party = manifest.manifest().party.clone();
            self.violations.push(Violation::ManifestExpired { index: message.index, party });
        }
        let index = self.answered.get(&statement.envelope).copied().unwrap_or(message.index);
        let document = manifest.manifest();
        let receipt = Receipt { stored_at, verdict: verdict.to_owned(), manifest: document.number };
        if self.counts(&document.party, &[document.node_key], index)
            && let Some(message) = self.all.get_mut(&statement.envelope)
        {
            message.receipt = Some(receipt);
        }
        Ok(true)
    }

    fn later(&mut self, name: &str, bytes: &[u8]) -> Result<(), JudgeError> {
        let refuse = |why| fault(name, PaperFault::Later(why));
        let claimed = peek_seal(bytes).map_err(refuse)?;
        let chain = self.papers.chain(&claimed.originator);
        if chain.is_empty() {
            return Err(fault(name, PaperFault::UnknownManifest));
        }
        let mut refused = mithaq_envelope::SealedError::Signature;
        let opened = chain.iter().find_map(|manifest| match open_seal(bytes, manifest) {
            Ok(opened) => Some((opened, &manifest.manifest().seal_keys)),
            Err(why) => {
                refused = why;
                None
            }
        });
        let (opened, keys) = opened.ok_or_else(|| refuse(refused))?;
        let Opened::LaterReceipts(header, receipts) = opened else {
            return Err(refuse(mithaq_envelope::SealedError::Kind));
        };
        if !header.recipients.contains(self.us) {
            return Err(fault(name, PaperFault::OtherLane));
        }
        let mut any = false;
        for receipt in receipts {
            any |= self.one_later((&header.originator, keys), receipt);
        }
        if any { Ok(()) } else { Err(fault(name, PaperFault::Unlogged)) }
    }

    /// Returns whether the log says that this receipt came.
    fn one_later(&mut self, (by, keys): (&PartyId, &[[u8; 32]]), receipt: LaterReceipt) -> bool {
        let (object, kind, at) = match receipt {
            LaterReceipt::Decided { object, version, verdict, at } => {
                (object, LaterKind::Decided { version, accepted: verdict == Verdict::Accepted }, at)
            }
            LaterReceipt::Read { object, version, role, reader: _, at } => {
                (object, LaterKind::Read { version, role }, at)
            }
            LaterReceipt::Erased { object, versions, wiped: _, leaf: _, at } => {
                (object, LaterKind::Erased { versions }, at)
            }
            LaterReceipt::Complete { object, version, root, at } => {
                (object, LaterKind::Complete { version, root: root.0 }, at)
            }
        };
        let logged = self.announced.get(&(object, by.clone(), What::of(&kind))).copied();
        if let Some(index) = logged
            && self.counts(by, keys, index)
        {
            self.later.push(Later { object, by: by.clone(), kind, at });
        }
        logged.is_some()
    }

    /// The messages in the order of the log, and what is not proven about them.
    pub(crate) fn finish(mut self, gaps: &mut Vec<Gap>) -> Result<Told, JudgeError> {
        self.check_chains()?;
        gaps.extend(
            core::mem::take(&mut self.distrusted)
                .into_iter()
                .map(|(index, party)| Gap::KeyDistrusted { index, party }),
        );
        let mut messages: Vec<Message> = self.all.into_values().collect();
        messages.sort_by_key(|message| message.index);
        for message in &mut messages {
            message.report = report_of(message, &self.reports);
        }
        for message in &messages {
            let index = message.index;
            if message.receipt.is_none() && message.is_sent {
                gaps.push(Gap::NoReceipt { index, claimed: message.logged_verdict.is_some() });
            }
            if message.place.is_none() {
                gaps.push(Gap::NoEnvelope { index });
            }
        }
        let shown = |object: ObjectId, by: &PartyId, what: What| {
            let same =
                |later: &Later| later.object == object && later.by == *by && What::of(&later.kind) == what;
            self.later.iter().any(same)
        };
        for ((object, by, what), index) in &self.announced {
            if !shown(*object, by, *what) {
                gaps.push(Gap::NoLaterReceipt { index: *index });
            }
        }
        for (object, partner) in self.recalled.keys() {
            if !shown(*object, partner, What::Erased) {
                gaps.push(Gap::NoErasure { object: object.to_string(), partner: partner.clone() });
            }
        }
        Ok((messages, self.later, self.violations))
    }
}

/// The report a message is about: some kinds are about nothing else, of others the log may say so.
fn report_of(message: &Message, reports: &BTreeSet<ObjectId>) -> Option<ReportId> {
    let object: ObjectId = message.object.parse().ok()?;
    let is_about_one = match message.kind {
        Some(
            MessageKind::Report
            | MessageKind::Correction
            | MessageKind::Hop
            | MessageKind::Order
            | MessageKind::Receipts,
        ) => true,
        Some(MessageKind::EpochStart | MessageKind::Notice | MessageKind::Onward | MessageKind::Step) => {
            false
        }
        None => reports.contains(&object),
    };
    is_about_one.then(|| object.into())
}

/// What a later receipt says, for finding the entry it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Read,
    Decided,
    /// All of the attachment with this root is there.
    Complete([u8; 32]),
    Erased,
}

impl What {
    const fn of(kind: &LaterKind) -> Self {
        match kind {
            LaterKind::Read { .. } => Self::Read,
            LaterKind::Decided { .. } => Self::Decided,
            LaterKind::Complete { root, .. } => Self::Complete(*root),
            LaterKind::Erased { .. } => Self::Erased,
        }
    }
}

/// Whether a lane is the one of a message of this log: right parties, right direction, right agreement.
fn same_lane(us: &PartyId, message: &Message, lane: &LaneId) -> bool {
    let (from, to) = if message.is_sent { (us, &message.partner) } else { (&message.partner, us) };
    lane.from == *from && lane.to == *to && lane.agreement == message.agreement
}
