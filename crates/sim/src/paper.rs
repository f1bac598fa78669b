//! Envelopes and receipts on paper: the protocol's documents with a keyed hash in place of signatures and
//! nothing encrypted. Cheap enough for millions of messages. It keeps the one property the protocol needs:
//! who does not hold a party's key cannot make bytes that verify as that party's. Not cryptography.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_exchange::ports::{ReadReceipts, SignReceipts, Unopened, Unreadable, Unsigned, Unwrap, Wrap};
use mithaq_exchange::{Content, Opened};
use mithaq_model::{Level, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{
    Ack, Digest, EnvelopeHeader, Lane, LaneId, MessageKind, Notice, Order, OrderReason, Position,
    ReceiptBatch, SealHeader, Statement, Verdict,
};
use sha2::{Digest as _, Sha256};

use crate::bug::{Bug, any_recipient};
use crate::codec::{Pen, Short, Thumb};

/// What a report is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Which object and version it is, and a little text.
    pub body: Vec<u8>,
    /// What the receiver's policy will say.
    pub policy: Policy,
}

/// What the receiver's policy will say of a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Yes.
    Accept,
    /// No.
    Refuse,
    /// People decide.
    Quarantine,
    /// It breaks.
    Crash,
}

/// Sealed content before it is wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The seal's header.
    pub seal: SealHeader,
    /// The content.
    pub content: Content<Slip>,
    /// The last day of use, for reports.
    pub expires: Timestamp,
}

/// A party's hand: writes as that party, reads those whose manifests it knows.
#[derive(Debug, Clone)]
pub struct Paper {
    us: PartyId,
    manifest: Digest,
    known: BTreeMap<PartyId, BTreeSet<Digest>>,
    bug: Option<Bug>,
}

/// Returns the hash of a party's n-th manifest.
#[must_use]
pub fn manifest(party: &PartyId, number: u32) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"manifest");
    hash.update(party.as_str());
    hash.update(number.to_be_bytes());
    Digest(hash.finalize().into())
}

fn tag(party: &PartyId, manifest: &Digest, domain: u8, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"hand of ");
    hash.update(party.as_str());
    hash.update(manifest.0);
    hash.update([domain]);
    hash.update(body);
    hash.finalize().into()
}

const ENVELOPE: u8 = 1;
const RECEIPT: u8 = 2;
const SEAL: u8 = 3;
/// Version byte of an envelope.
const VERSION: u8 = 1;

impl Paper {
    /// Returns the hand of a party that knows the first manifest of all.
    #[must_use]
    pub fn new(us: &PartyId, all: &[PartyId]) -> Self {
        let known = all.iter().map(|p| (p.clone(), BTreeSet::from([manifest(p, 1)]))).collect();
        Self { us: us.clone(), manifest: manifest(us, 1), known, bug: None }
    }

    /// Learns another manifest of a party.
    pub fn learn(&mut self, party: &PartyId, number: u32) {
        self.known.entry(party.clone()).or_default().insert(manifest(party, number));
    }

    /// Writes under its n-th manifest from now on.
    pub fn rotate(&mut self, number: u32) {
        self.manifest = manifest(&self.us, number);
    }

    /// The hand of a broken node.
    pub(crate) fn with_bug(mut self, bug: Option<Bug>) -> Self {
        self.bug = bug;
        self
    }

    /// Seals content as this party.
    #[must_use]
    pub fn seal(&self, sealed: &Sealed) -> Vec<u8> {
        let mut pen = Pen::default();
        put_seal(&mut pen, &sealed.seal);
        put_content(&mut pen, sealed);
        let body = pen.done();
        let mut out = tag(&self.us, &Digest::ZERO, SEAL, &body).to_vec();
        out.extend_from_slice(&body);
        out
    }

    fn signed(&self, domain: u8, body: &[u8]) -> Vec<u8> {
        let mut out = tag(&self.us, &self.manifest, domain, body).to_vec();
        out.extend_from_slice(body);
        out
    }
}

impl Wrap for Paper {
    type Error = core::convert::Infallible;

    fn wrap(&mut self, header: &EnvelopeHeader, sealed: &[u8]) -> Result<Vec<u8>, Self::Error> {
        let mut pen = Pen::default();
        pen.byte(VERSION);
        put_header(&mut pen, header);
        pen.raw(sealed);
        Ok(self.signed(ENVELOPE, &pen.done()))
    }
}

impl Unwrap for Paper {
    type Report = Slip;

    fn header(&self, envelope: &[u8]) -> Result<EnvelopeHeader, Unreadable> {
        let body = envelope.get(32..).ok_or(Unreadable::Malformed)?;
        let mut thumb = Thumb::new(body);
        match thumb.byte() {
            Ok(VERSION) => take_header(&mut thumb).map_err(|Short| Unreadable::Malformed),
            Ok(_other) => Err(Unreadable::Unsupported),
            Err(Short) => Err(Unreadable::Malformed),
        }
    }

    fn verify(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<(), Unsigned> {
        let from = &header.lane.from;
        if !self.known.get(from).is_some_and(|known| known.contains(&header.manifest)) {
            return Err(Unsigned::Signer);
        }
        let (signature, body) = envelope.split_at_checked(32).ok_or(Unsigned::Signature)?;
        let careless = self.bug == Some(Bug::SkipsSignatures);
        let right = careless || signature == tag(from, &header.manifest, ENVELOPE, body);
        if right { Ok(()) } else { Err(Unsigned::Signature) }
    }

    fn open(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<Opened<Slip>, Unopened> {
        let body = envelope.get(33..).ok_or(Unopened::Undecryptable)?;
        let mut thumb = Thumb::new(body);
        take_header(&mut thumb).map_err(|Short| Unopened::Undecryptable)?;
        let sealed = thumb.rest();
        if header.kind == MessageKind::EpochStart && sealed.is_empty() {
            return Ok(Opened { seal: None, content: Content::EpochStart });
        }
        let (signature, body) = sealed.split_at_checked(32).ok_or(Unopened::Undecryptable)?;
        let mut thumb = Thumb::new(body);
        let (seal, content) = take_sealed(&mut thumb).map_err(|Short| Unopened::Malformed)?;
        if signature == tag(&seal.originator, &Digest::ZERO, SEAL, body) {
            let opened = Opened { seal: Some(seal), content };
            let generous = self.bug == Some(Bug::AcceptsAnyRecipient);
            Ok(if generous { any_recipient(opened, &self.us) } else { opened })
        } else {
            Err(Unopened::Seal)
        }
    }
}

impl SignReceipts for Paper {
    type Error = core::convert::Infallible;

    fn manifest(&self) -> Digest {
        self.manifest
    }

    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Self::Error> {
        let mut pen = Pen::default();
        put_lane(&mut pen, &batch.lane);
        pen.raw(&batch.manifest.0);
        pen.long(batch.stored_at.as_millis().cast_unsigned());
        pen.byte(u8::try_from(batch.statements.len()).unwrap_or(u8::MAX));
        for statement in &batch.statements {
            put_place(&mut pen, statement.at);
            pen.raw(&statement.envelope.0);
            let (class, code) = match &statement.verdict {
                Verdict::Accepted => (0, ""),
                Verdict::Refused { code, .. } => (1, code.as_str()),
                Verdict::Quarantined { code } => (2, code.as_str()),
            };
            pen.byte(class);
            pen.text(code);
        }
        Ok(self.signed(RECEIPT, &pen.done()))
    }
}

impl ReadReceipts for Paper {
    fn read(&self, bytes: &[u8]) -> Option<ReceiptBatch> {
        let (signature, body) = bytes.split_at_checked(32)?;
        let batch = take_receipts(&mut Thumb::new(body)).ok()?;
        let signer = &batch.lane.to;
        let known = self.known.get(signer)?.contains(&batch.manifest);
        (known && signature == tag(signer, &batch.manifest, RECEIPT, body)).then_some(batch)
    }
}

fn put_lane(pen: &mut Pen, lane: &LaneId) {
    pen.text(lane.from.as_str());
    pen.text(lane.to.as_str());
    pen.raw(lane.agreement.as_bytes());
    pen.byte(class_byte(lane.lane));
}

fn take_lane(thumb: &mut Thumb<'_>) -> Result<LaneId, Short> {
    Ok(LaneId {
        from: thumb.party()?,
        to: thumb.party()?,
        agreement: mithaq_model::AgreementId::new(thumb.array()?),
        lane: class_of(thumb.byte()?)?,
    })
}

const fn class_byte(lane: Lane) -> u8 {
    match lane {
        Lane::Control => 0,
        Lane::Report => 1,
        Lane::Bulk => 2,
    }
}

const fn class_of(byte: u8) -> Result<Lane, Short> {
    match byte {
        0 => Ok(Lane::Control),
        1 => Ok(Lane::Report),
        2 => Ok(Lane::Bulk),
        _other => Err(Short),
    }
}

fn put_place(pen: &mut Pen, at: Position) {
    pen.word(at.epoch);
    pen.long(at.seq);
}

fn take_place(thumb: &mut Thumb<'_>) -> Result<Position, Short> {
    Ok(Position { epoch: thumb.word()?, seq: thumb.long()? })
}

fn put_header(pen: &mut Pen, header: &EnvelopeHeader) {
    put_lane(pen, &header.lane);
    put_place(pen, header.at);
    pen.raw(&header.prev.0);
    pen.raw(&header.manifest.0);
    pen.raw(&header.mid);
    pen.byte(match header.kind {
        MessageKind::Report => 0,
        MessageKind::Correction => 1,
        MessageKind::Order => 2,
        MessageKind::Notice => 3,
        MessageKind::Receipts => 4,
        MessageKind::EpochStart => 5,
        MessageKind::Step => 6,
        MessageKind::Onward => 7,
        MessageKind::Hop => 8,
    });
    pen.long(header.created.as_millis().cast_unsigned());
    pen.long(header.expires.as_millis().cast_unsigned());
    pen.byte(u8::try_from(header.acks.len()).unwrap_or(u8::MAX));
    for ack in &header.acks {
        pen.byte(class_byte(ack.lane));
        put_place(pen, ack.at);
        pen.raw(&ack.head.0);
    }
}

fn take_header(thumb: &mut Thumb<'_>) -> Result<EnvelopeHeader, Short> {
    let lane = take_lane(thumb)?;
    let at = take_place(thumb)?;
    let (prev, manifest, mid) = (Digest(thumb.array()?), Digest(thumb.array()?), thumb.array()?);
    let kind = match thumb.byte()? {
        0 => MessageKind::Report,
        1 => MessageKind::Correction,
        2 => MessageKind::Order,
        3 => MessageKind::Notice,
        4 => MessageKind::Receipts,
        5 => MessageKind::EpochStart,
        6 => MessageKind::Step,
        7 => MessageKind::Onward,
        8 => MessageKind::Hop,
        _other => return Err(Short),
    };
    let (created, expires) = (thumb.time()?, thumb.time()?);
    let mut acks = Vec::new();
    for _ack in 0..thumb.byte()? {
        let lane = class_of(thumb.byte()?)?;
        acks.push(Ack { lane, at: take_place(thumb)?, head: Digest(thumb.array()?) });
    }
    Ok(EnvelopeHeader { lane, at, prev, manifest, mid, kind, created, expires, acks, checkpoint: None })
}

fn put_seal(pen: &mut Pen, seal: &SealHeader) {
    pen.raw(seal.object.as_bytes());
    pen.word(seal.version.get());
    pen.word(seal.supersedes.map_or(0, ReportVersion::get));
    pen.text(seal.originator.as_str());
    pen.byte(u8::try_from(seal.recipients.len()).unwrap_or(u8::MAX));
    for party in &seal.recipients {
        pen.text(party.as_str());
    }
    pen.raw(seal.agreement.as_bytes());
    pen.long(seal.lease_until.as_millis().cast_unsigned());
    pen.long(seal.sealed_at.as_millis().cast_unsigned());
}

fn take_seal(thumb: &mut Thumb<'_>) -> Result<SealHeader, Short> {
    let object = ObjectId::new(thumb.array()?);
    let version = ReportVersion::new(thumb.word()?).ok_or(Short)?;
    let supersedes = ReportVersion::new(thumb.word()?);
    let originator = thumb.party()?;
    let mut recipients = Vec::new();
    for _recipient in 0..thumb.byte()? {
        recipients.push(thumb.party()?);
    }
    Ok(SealHeader {
        object,
        version,
        supersedes,
        originator,
        recipients,
        agreement: mithaq_model::AgreementId::new(thumb.array()?),
        purpose: None,
        handling: None,
        level: Level::ALL.first().copied().ok_or(Short)?,
        lease_until: thumb.time()?,
        released_by: Vec::new(),
        sealed_at: thumb.time()?,
    })
}

fn put_content(pen: &mut Pen, sealed: &Sealed) {
    match &sealed.content {
        Content::Report { report, expires } => {
            pen.byte(0);
            pen.byte(match report.policy {
                Policy::Accept => 0,
                Policy::Refuse => 1,
                Policy::Quarantine => 2,
                Policy::Crash => 3,
            });
            pen.long(expires.as_millis().cast_unsigned());
            pen.raw(&report.body);
        }
        Content::Order(order) => {
            let (class, object, versions, time) = match order {
                Order::Recall { object, versions, answer_by, .. } => {
                    (1, object, versions.as_slice(), answer_by)
                }
                Order::Delete { object, answer_by, .. } => (2, object, &[][..], answer_by),
                Order::Expiry { object, expires } => (3, object, &[][..], expires),
            };
            pen.byte(class);
            pen.raw(object.as_bytes());
            pen.byte(u8::try_from(versions.len()).unwrap_or(u8::MAX));
            for version in versions {
                pen.word(version.get());
            }
            pen.long(time.as_millis().cast_unsigned());
        }
        Content::Notice(notice) => {
            let (class, from) = match notice {
                Notice::Suspended { from } => (4, from),
                Notice::Resumed { from } => (5, from),
                Notice::Terminated { from } => (6, from),
            };
            pen.byte(class);
            pen.long(from.as_millis().cast_unsigned());
        }
        // The simulation has no readers: an empty list stands for all later receipts.
        Content::Receipts(_) => pen.byte(7),
        Content::EpochStart => pen.byte(8),
        // Conversations are not simulated: a step of any kind is read as nothing.
        Content::Step(_) => pen.byte(9),
        // Nor is anything passed on here: tokens and their keys are tested with real nodes (`app`).
        Content::Hop { .. } | Content::Carried { .. } | Content::Onward(_) => pen.byte(10),
    }
}

fn take_sealed(thumb: &mut Thumb<'_>) -> Result<(SealHeader, Content<Slip>), Short> {
    let seal = take_seal(thumb)?;
    let class = thumb.byte()?;
    let content = match class {
        0 => {
            let policy = match thumb.byte()? {
                0 => Policy::Accept,
                1 => Policy::Refuse,
                2 => Policy::Quarantine,
                _other => Policy::Crash,
            };
            let expires = thumb.time()?;
            Content::Report { report: Slip { body: thumb.rest().to_vec(), policy }, expires }
        }
        1..=3 => {
            let object = ObjectId::new(thumb.array()?);
            let mut versions = Vec::new();
            for _version in 0..thumb.byte()? {
                versions.push(ReportVersion::new(thumb.word()?).ok_or(Short)?);
            }
            let (time, reason) = (thumb.time()?, OrderReason::Originator);
            Content::Order(match class {
                1 => Order::Recall { object, versions, reason, answer_by: time },
                2 => Order::Delete { object, reason, answer_by: time },
                _three => Order::Expiry { object, expires: time },
            })
        }
        4 => Content::Notice(Notice::Suspended { from: thumb.time()? }),
        5 => Content::Notice(Notice::Resumed { from: thumb.time()? }),
        6 => Content::Notice(Notice::Terminated { from: thumb.time()? }),
        7 => Content::Receipts(Vec::new()),
        8 => Content::EpochStart,
        _other => return Err(Short),
    };
    Ok((seal, content))
}

fn take_receipts(thumb: &mut Thumb<'_>) -> Result<ReceiptBatch, Short> {
    let lane = take_lane(thumb)?;
    let manifest = Digest(thumb.array()?);
    let stored_at = thumb.time()?;
    let mut statements = Vec::new();
    for _statement in 0..thumb.byte()? {
        let at = take_place(thumb)?;
        let envelope = Digest(thumb.array()?);
        let class = thumb.byte()?;
        let code = thumb.text()?.to_owned();
        let verdict = match class {
            0 => Verdict::Accepted,
            1 => Verdict::Refused { code, ground: None },
            2 => Verdict::Quarantined { code },
            _other => return Err(Short),
        };
        statements.push(Statement { at, envelope, verdict });
    }
    if thumb.rest().is_empty() {
        Ok(ReceiptBatch { lane, manifest, stored_at, statements })
    } else {
        Err(Short)
    }
}
