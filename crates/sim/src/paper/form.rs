//! How each paper document is laid out.

use mithaq_exchange::Content;
use mithaq_model::{Level, ObjectId, ReportVersion};
use mithaq_wire::{
    Ack, Digest, EnvelopeHeader, Lane, LaneId, MessageKind, Notice, Order, OrderReason, Position,
    ReceiptBatch, SealHeader, Statement, Verdict,
};

use super::onward::{Hop, put_step, take_hop, take_step};
use super::{Policy, Sealed, Slip};
use crate::codec::{Pen, Short, Thumb};

/// First byte of a hop.
pub(super) const HOP: u8 = 11;
/// First byte of a step about passing on.
pub(super) const STEP: u8 = 12;

/// What a seal holds.
pub(super) enum Inside {
    Content(Box<Content<Slip>>),
    Hop(Hop),
}

pub(super) fn put_lane(pen: &mut Pen, lane: &LaneId) {
    pen.text(lane.from.as_str());
    pen.text(lane.to.as_str());
    pen.raw(lane.agreement.as_bytes());
    pen.byte(class_byte(lane.lane));
}

pub(super) fn take_lane(thumb: &mut Thumb<'_>) -> Result<LaneId, Short> {
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

pub(super) fn put_place(pen: &mut Pen, at: Position) {
    pen.word(at.epoch);
    pen.long(at.seq);
}

pub(super) fn take_place(thumb: &mut Thumb<'_>) -> Result<Position, Short> {
    Ok(Position { epoch: thumb.word()?, seq: thumb.long()? })
}

pub(super) fn put_header(pen: &mut Pen, header: &EnvelopeHeader) {
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

pub(super) fn take_header(thumb: &mut Thumb<'_>) -> Result<EnvelopeHeader, Short> {
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

pub(super) fn put_seal(pen: &mut Pen, seal: &SealHeader) {
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

pub(super) fn take_seal(thumb: &mut Thumb<'_>) -> Result<SealHeader, Short> {
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

pub(super) fn put_content(pen: &mut Pen, sealed: &Sealed) {
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
        Content::Onward(step) => {
            pen.byte(STEP);
            put_step(pen, step);
        }
        // Written with the bytes they carry, by `seal_hop` and as a step.
        Content::Hop { .. } | Content::Carried { .. } => pen.byte(10),
    }
}

pub(super) fn take_sealed(thumb: &mut Thumb<'_>) -> Result<(SealHeader, Inside), Short> {
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
            Content::Report { report: Slip::new(thumb.rest().to_vec(), policy), expires }
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
        HOP => return Ok((seal, Inside::Hop(take_hop(thumb)?))),
        STEP => Content::Onward(take_step(thumb)?),
        _other => return Err(Short),
    };
    Ok((seal, Inside::Content(Box::new(content))))
}

pub(super) fn take_receipts(thumb: &mut Thumb<'_>) -> Result<ReceiptBatch, Short> {
    let lane = take_lane(thumb)?;
    let manifest = Digest(thumb.array()?);
    let (stored_at, log) = (thumb.time()?, thumb.word()?);
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
        Ok(ReceiptBatch { lane, manifest, stored_at, log, statements })
    } else {
        Err(Short)
    }
}
