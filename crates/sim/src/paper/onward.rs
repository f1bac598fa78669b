//! Passing on, on paper: the originator's token, the hop that carries its seal to a further party, and the steps
//! between them. Read as the application reads the real ones (`docs/spec/onward.md`).

use mithaq_exchange::ports::{Unopened, Unwrap as _};
use mithaq_exchange::{Carried, Content};
use mithaq_model::{CopyState, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{Digest, MessageKind, OnwardStep, Order, OrderReason, SealHeader};
use sha2::{Digest as _, Sha256};

use super::form::{HOP, Inside, put_seal, take_header, take_seal, take_sealed};
use super::{Paper, SEAL, Slip, TOKEN, tag};
use crate::codec::{Pen, Short, Thumb};

/// What an originator consents to, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Number of the consent.
    pub consent: ObjectId,
    /// Who consents.
    pub originator: PartyId,
    /// The object.
    pub object: ObjectId,
    /// Its version, and no other.
    pub version: ReportVersion,
    /// Hash of the content, and no other.
    pub content: Digest,
    /// Who may pass it on.
    pub by: PartyId,
    /// To whom.
    pub to: PartyId,
    /// It opens nothing after this.
    pub use_by: Timestamp,
    /// The recipient's last day.
    pub keep_until: Timestamp,
}

/// How a slip came that its originator did not send here itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// By whom.
    pub by: PartyId,
    /// The token, or the code of what is wrong with it.
    pub token: Result<Token, &'static str>,
}

/// A hop as it is read.
pub(super) struct Hop {
    token: Option<Vec<u8>>,
    sealed: Vec<u8>,
}

impl Paper {
    /// Signs a token as this party.
    pub(crate) fn sign_token(&self, token: &Token) -> Vec<u8> {
        let mut pen = Pen::default();
        put_token(&mut pen, token);
        self.own(TOKEN, &pen.done())
    }

    /// Reads a token that an originator signed.
    pub(crate) fn token(&self, bytes: &[u8], originator: &PartyId) -> Option<Token> {
        let (signature, body) = bytes.split_at_checked(32)?;
        let token = take_token(&mut Thumb::new(body)).ok()?;
        let right = signature == tag(originator, &Digest::ZERO, TOKEN, body);
        (right && token.originator == *originator).then_some(token)
    }

    /// Seals what another originator sealed, with its token or without, as this party.
    pub(crate) fn seal_hop(&self, seal: &SealHeader, token: Option<&[u8]>, sealed: &[u8]) -> Vec<u8> {
        let mut pen = Pen::default();
        put_seal(&mut pen, seal);
        pen.byte(HOP);
        put_bytes(&mut pen, token.unwrap_or_default());
        put_bytes(&mut pen, sealed);
        self.own(SEAL, &pen.done())
    }

    /// Opens what another originator sealed for who sent it.
    fn foreign(&self, by: &PartyId, sealed: &[u8]) -> Result<(SealHeader, Content<Slip>), Unopened> {
        let (signature, body) = sealed.split_at_checked(32).ok_or(Unopened::Onward)?;
        let (seal, inside) = take_sealed(&mut Thumb::new(body)).map_err(|Short| Unopened::Onward)?;
        if seal.originator == *by || seal.originator == self.us {
            return Err(Unopened::Onward);
        }
        if !self.known.contains_key(&seal.originator) {
            return Err(Unopened::Originator);
        }
        let right = signature == tag(&seal.originator, &Digest::ZERO, SEAL, body);
        match inside {
            Inside::Content(content) if right && seal.recipients.contains(by) => Ok((seal, *content)),
            Inside::Content(_) | Inside::Hop(_) => Err(Unopened::Onward),
        }
    }

    /// Opens a hop: the originator's seal verified, the token verified or marked for what is wrong with it.
    pub(super) fn hop(&self, by: &PartyId, hop: Hop) -> Result<Content<Slip>, Unopened> {
        let Hop { token, sealed } = hop;
        let (seal, Content::Report { mut report, mut expires }) = self.foreign(by, &sealed)? else {
            return Err(Unopened::Onward);
        };
        let token = match &token {
            None => Err("onward.missing"),
            Some(bytes) => self.token(bytes, &seal.originator).ok_or("onward.forged"),
        };
        let same = |token: Token| {
            let fits = token.object == seal.object && token.version == seal.version;
            if fits && token.content == content_of(&sealed) { Ok(token) } else { Err("onward.version") }
        };
        let token = token.and_then(same);
        if let Ok(token) = &token {
            expires = expires.min(token.keep_until);
        }
        (report.sealed, report.passed) = (sealed, Some(Passed { by: by.clone(), token }));
        Ok(Content::Hop { report, seal: Box::new(seal), expires })
    }

    /// Opens an order that is carried on. A consent taken back is one.
    pub(super) fn carried(&self, by: &PartyId, sealed: &[u8]) -> Result<Content<Slip>, Unopened> {
        let (seal, content) = self.foreign(by, sealed)?;
        let order = match content {
            Content::Order(order) => Carried::Order(order),
            Content::Onward(OnwardStep::Superseded { object, version }) => {
                Carried::Superseded { object, version }
            }
            Content::Onward(OnwardStep::Revoked { object, version, to, answer_by, .. }) if to == self.us => {
                let reason = OrderReason::Originator;
                Carried::Order(Order::Recall { object, versions: vec![version], reason, answer_by })
            }
            Content::Onward(_)
            | Content::Report { .. }
            | Content::Notice(_)
            | Content::Receipts(_)
            | Content::EpochStart
            | Content::Step(_)
            | Content::Hop { .. }
            | Content::Carried { .. } => return Err(Unopened::Onward),
        };
        Ok(Content::Carried { seal: Box::new(seal), order })
    }
}

/// Hash of the sealed content, without who it was sealed for.
pub(crate) fn content_of(sealed: &[u8]) -> Digest {
    let mut thumb = Thumb::new(sealed.get(32..).unwrap_or_default());
    let content = take_seal(&mut thumb).map_or(&[][..], |_seal| thumb.rest());
    Digest(Sha256::digest(content).into())
}

/// What an envelope carries, byte for byte as it was sealed.
pub(crate) fn sealed_in(envelope: &[u8]) -> &[u8] {
    let mut thumb = Thumb::new(envelope.get(33..).unwrap_or_default());
    take_header(&mut thumb).map_or(&[][..], |_header| thumb.rest())
}

/// The object that an envelope with an order is about.
pub(crate) fn order_in(hand: &Paper, envelope: &[u8]) -> Option<ObjectId> {
    hand.header(envelope).ok().filter(|header| header.kind == MessageKind::Order)?;
    let body = sealed_in(envelope).get(32..)?;
    let (_, Inside::Content(content)) = take_sealed(&mut Thumb::new(body)).ok()? else { return None };
    let Content::Order(order) = *content else { return None };
    Some(Carried::Order(order).object())
}

fn put_bytes(pen: &mut Pen, bytes: &[u8]) {
    pen.word(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    pen.raw(bytes);
}

fn take_bytes(thumb: &mut Thumb<'_>) -> Result<Vec<u8>, Short> {
    let length = usize::try_from(thumb.word()?).map_err(|_too_long| Short)?;
    thumb.take(length).map(<[u8]>::to_vec)
}

fn take_version(thumb: &mut Thumb<'_>) -> Result<ReportVersion, Short> {
    ReportVersion::new(thumb.word()?).ok_or(Short)
}

fn put_token(pen: &mut Pen, token: &Token) {
    pen.raw(token.consent.as_bytes());
    pen.text(token.originator.as_str());
    pen.raw(token.object.as_bytes());
    pen.word(token.version.get());
    pen.raw(&token.content.0);
    pen.text(token.by.as_str());
    pen.text(token.to.as_str());
    pen.long(token.use_by.as_millis().cast_unsigned());
    pen.long(token.keep_until.as_millis().cast_unsigned());
}

fn take_token(thumb: &mut Thumb<'_>) -> Result<Token, Short> {
    let token = Token {
        consent: ObjectId::new(thumb.array()?),
        originator: thumb.party()?,
        object: ObjectId::new(thumb.array()?),
        version: take_version(thumb)?,
        content: Digest(thumb.array()?),
        by: thumb.party()?,
        to: thumb.party()?,
        use_by: thumb.time()?,
        keep_until: thumb.time()?,
    };
    if thumb.rest().is_empty() { Ok(token) } else { Err(Short) }
}

pub(super) fn take_hop(thumb: &mut Thumb<'_>) -> Result<Hop, Short> {
    let (token, sealed) = (take_bytes(thumb)?, take_bytes(thumb)?);
    let hop = Hop { token: (!token.is_empty()).then_some(token), sealed };
    if thumb.rest().is_empty() { Ok(hop) } else { Err(Short) }
}

pub(super) fn put_step(pen: &mut Pen, step: &OnwardStep) {
    match step {
        OnwardStep::Granted { consent, token } => {
            pen.byte(2);
            pen.raw(consent.as_bytes());
            put_bytes(pen, token);
        }
        OnwardStep::Revoked { consent, object, version, to, answer_by } => {
            pen.byte(4);
            pen.raw(consent.as_bytes());
            pen.raw(object.as_bytes());
            pen.word(version.get());
            pen.text(to.as_str());
            pen.long(answer_by.as_millis().cast_unsigned());
        }
        OnwardStep::Copy { consent, object, version, holder, at, .. } => {
            pen.byte(6);
            pen.raw(consent.as_bytes());
            pen.raw(object.as_bytes());
            pen.word(version.get());
            pen.text(holder.as_str());
            pen.long(at.as_millis().cast_unsigned());
        }
        OnwardStep::Carried { sealed } => {
            pen.byte(7);
            put_bytes(pen, sealed);
        }
        OnwardStep::Superseded { object, version } => {
            pen.byte(8);
            pen.raw(object.as_bytes());
            pen.word(version.get());
        }
        // The simulation's originators grant unasked, and nobody is told of what was tried.
        OnwardStep::Asked { .. } | OnwardStep::Denied { .. } | OnwardStep::Tried { .. } => pen.byte(0),
    }
}

pub(super) fn take_step(thumb: &mut Thumb<'_>) -> Result<OnwardStep, Short> {
    let number = |thumb: &mut Thumb<'_>| thumb.array().map(ObjectId::new);
    Ok(match thumb.byte()? {
        2 => OnwardStep::Granted { consent: number(thumb)?, token: take_bytes(thumb)? },
        4 => OnwardStep::Revoked {
            consent: number(thumb)?,
            object: number(thumb)?,
            version: take_version(thumb)?,
            to: thumb.party()?,
            answer_by: thumb.time()?,
        },
        6 => OnwardStep::Copy {
            consent: number(thumb)?,
            object: number(thumb)?,
            version: take_version(thumb)?,
            holder: thumb.party()?,
            state: CopyState::Sent,
            at: thumb.time()?,
            proof: None,
        },
        7 => OnwardStep::Carried { sealed: take_bytes(thumb)? },
        8 => OnwardStep::Superseded { object: number(thumb)?, version: take_version(thumb)? },
        _other => return Err(Short),
    })
}
