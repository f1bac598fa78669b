//! The verdict on one message in its place, and what it changes about objects. Precedence: kind, validity,
//! expiry, opening, seal against envelope, tombstone, version, policy. Orders, notices and receipts only ever
//! take away or inform: no clock and no policy refuses them.

use std::collections::BTreeMap;

use mithaq_model::{AgreementId, Millis, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::limits::{SKEW_FLAG_MS, VALIDITY_MAX_MS};
use mithaq_wire::{
    Digest, EnvelopeHeader, MessageKind, OnwardStep, Order, OrderReason, Position, RequestStep, SealHeader,
    Verdict,
};

use crate::code::Refuse;
use crate::content::{Carried, Content, Effect, Opened};
use crate::number::is_number_of;
use crate::ports::{CannotJudge, Inbox, Judge, Judgement};
use crate::rows::{HeldVersion, Holding, Modified, Tombstone, VersionState, Versions};

/// Two envelopes, both validly signed by the partner's node, of which it may have signed one: other bytes for
/// one place, or a successor that names another predecessor than the one it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquivocationProof {
    /// Place of the second.
    pub at: Position,
    /// Hash of the first.
    pub first_hash: Digest,
    /// The first; none when its bytes were erased.
    pub first: Option<Vec<u8>>,
    /// The second.
    pub second: Vec<u8>,
}

/// Returns whether two clocks are farther apart than is worth a word.
pub(crate) fn clocks_apart(one: Timestamp, other: Timestamp) -> bool {
    one.since(other).max(other.since(one)).0 > SKEW_FLAG_MS
}

/// Returns the ledger's word for a verdict.
pub(crate) fn verdict_code(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::Refused { code, .. } | Verdict::Quarantined { code } => code,
    }
}

fn refused(refuse: Refuse) -> Verdict {
    Verdict::Refused { code: refuse.code().to_owned(), ground: None }
}

/// Decides messages one after the other; what one changes, the next sees.
pub(crate) struct Desk<'a, V, J> {
    pub(crate) inbox: &'a mut V,
    pub(crate) judge: &'a mut J,
    pub(crate) now: Timestamp,
    /// The object the last message spoke of.
    pub(crate) spoke_of: Option<ObjectId>,
    pub(crate) epoch_started: bool,
    holdings: BTreeMap<ObjectId, Holding>,
    tombstones: BTreeMap<(PartyId, ObjectId), Tombstone>,
}

impl<'a, V: Inbox, J> Desk<'a, V, J> {
    pub(crate) const fn new(inbox: &'a mut V, judge: &'a mut J, now: Timestamp) -> Self {
        Self {
            inbox,
            judge,
            now,
            spoke_of: None,
            epoch_started: false,
            holdings: BTreeMap::new(),
            tombstones: BTreeMap::new(),
        }
    }

    pub(crate) fn modified(self) -> Modified {
        Modified {
            holdings: self.holdings.into_values().collect(),
            tombstones: self.tombstones.into_values().collect(),
        }
    }

    fn holding(&mut self, object: ObjectId) -> Result<Option<Holding>, V::Error> {
        match self.holdings.get(&object) {
            Some(holding) => Ok(Some(holding.clone())),
            None => self.inbox.holding(object),
        }
    }

    fn tombstone(&mut self, from: &PartyId, object: ObjectId) -> Result<Option<Tombstone>, V::Error> {
        match self.tombstones.get(&(from.clone(), object)) {
            Some(tombstone) => Ok(Some(tombstone.clone())),
            None => self.inbox.tombstone(from, object),
        }
    }

    pub(crate) fn decide<R>(
        &mut self,
        header: &EnvelopeHeader,
        inner: Result<Opened<R>, Refuse>,
    ) -> Result<(Verdict, Effect<R>), V::Error>
    where
        J: Judge<R>,
    {
        self.spoke_of = None;
        let checked = self.envelope_rules(header).and(inner).and_then(|opened| seal_rules(header, opened));
        let (seal, content) = match checked {
            Ok(checked) => checked,
            Err(refuse) => return Ok((refused(refuse), Effect::None)),
        };
        let Some(seal) = seal else {
            self.epoch_started = true;
            return Ok((Verdict::Accepted, Effect::None));
        };
        match content {
            Content::Report { report, expires } => self.report(header, seal, report, expires),
            Content::Order(order) => self.order(header, &header.lane.from, &order),
            Content::Carried { seal: own, order } => self.carried(header, &seal, &own, &order),
            Content::Hop { report, seal: own, expires } => {
                // Held as the originator's, under the agreement it came by.
                let held = SealHeader { agreement: header.lane.agreement, ..*own };
                self.report(header, held, report, expires)
            }
            Content::Onward(step) => Ok(self.onward(seal, step)),
            Content::Notice(notice) => Ok((Verdict::Accepted, Effect::Notice(notice))),
            Content::Receipts(receipts) => Ok((Verdict::Accepted, Effect::Receipts(receipts))),
            Content::Step(step) => Ok(self.step(seal, step)),
            Content::EpochStart => Ok((refused(Refuse::SealKind), Effect::None)),
        }
    }

    fn envelope_rules(&self, header: &EnvelopeHeader) -> Result<(), Refuse> {
        if header.kind.lane().is_some_and(|lane| lane != header.lane.lane) {
            return Err(Refuse::EnvelopeKind);
        }
        if header.expires < header.created || header.expires.since(header.created).0 > VALIDITY_MAX_MS {
            return Err(Refuse::EnvelopeValidity);
        }
        let over = header.expires.plus(Millis(SKEW_FLAG_MS)) < self.now;
        match header.kind {
            MessageKind::Report | MessageKind::Correction | MessageKind::Step | MessageKind::Hop if over => {
                Err(Refuse::EnvelopeExpired)
            }
            MessageKind::Report | MessageKind::Correction | MessageKind::Step | MessageKind::Hop => Ok(()),
            // What takes away stays in force however late it comes.
            MessageKind::Order
            | MessageKind::Notice
            | MessageKind::Receipts
            | MessageKind::EpochStart
            | MessageKind::Onward => Ok(()),
        }
    }

    /// A step is refused or taken, never kept unread: nobody answers what nobody may see.
    fn step<R>(&mut self, seal: SealHeader, step: RequestStep) -> (Verdict, Effect<R>)
    where
        J: Judge<R>,
    {
        self.spoke_of = Some(step.request);
        match self.judge.judge_step(&seal, &step, self.now) {
            Ok(Judgement::Accept) => (Verdict::Accepted, Effect::Step { seal: Box::new(seal), step }),
            Ok(Judgement::Refuse { code, ground }) => (Verdict::Refused { code, ground }, Effect::None),
            Ok(Judgement::Quarantine { code }) => (Verdict::Refused { code, ground: None }, Effect::None),
            Err(CannotJudge) => (refused(Refuse::PolicyInternal), Effect::None),
        }
    }

    /// As a step about a request: taken or refused.
    fn onward<R>(&mut self, seal: SealHeader, step: OnwardStep) -> (Verdict, Effect<R>)
    where
        J: Judge<R>,
    {
        match self.judge.judge_onward(&seal, &step, self.now) {
            Ok(Judgement::Accept) => (Verdict::Accepted, Effect::Onward { seal: Box::new(seal), step }),
            Ok(Judgement::Refuse { code, ground }) => (Verdict::Refused { code, ground }, Effect::None),
            Ok(Judgement::Quarantine { code }) => (Verdict::Refused { code, ground: None }, Effect::None),
            Err(CannotJudge) => (refused(Refuse::PolicyInternal), Effect::None),
        }
    }

    /// An order of another originator, brought by the sender: it counts as the originator's own.
    fn carried<R>(
        &mut self,
        header: &EnvelopeHeader,
        carrier: &SealHeader,
        own: &SealHeader,
        order: &Carried,
    ) -> Result<(Verdict, Effect<R>), V::Error>
    where
        J: Judge<R>,
    {
        match self.judge.judge_carried(carrier, own, order) {
            Ok(Judgement::Accept) => match order {
                Carried::Order(order) => self.order(header, &own.originator, order),
                Carried::Superseded { object, version } => {
                    let verdict = self.replaced(header, &own.originator, (*object, *version))?;
                    Ok((verdict, Effect::None))
                }
            },
            Ok(Judgement::Refuse { code, ground }) => Ok((Verdict::Refused { code, ground }, Effect::None)),
            Ok(Judgement::Quarantine { code }) => Ok((Verdict::Refused { code, ground: None }, Effect::None)),
            Err(CannotJudge) => Ok((refused(Refuse::PolicyInternal), Effect::None)),
        }
    }

    fn report<R>(
        &mut self,
        header: &EnvelopeHeader,
        seal: SealHeader,
        report: R,
        expires: Timestamp,
    ) -> Result<(Verdict, Effect<R>), V::Error>
    where
        J: Judge<R>,
    {
        let (object, version) = (seal.object, seal.version);
        self.spoke_of = Some(object);
        // Rows may be lost, or not be there yet: whose a number is does not depend on them.
        if !is_number_of(object, &seal.originator) {
            return Ok((refused(Refuse::ObjectOriginator), Effect::None));
        }
        let found = self.holding(object)?;
        // An empty row of another party only remembers orders about a number it does not own.
        let foreign =
            found.as_ref().is_some_and(|h| h.originator != seal.originator && !h.versions.is_empty());
        if foreign {
            return Ok((refused(Refuse::ObjectOriginator), Effect::None));
        }
        let found = found.filter(|h| h.originator == seal.originator);
        let known = found.is_some();
        let mut holding = found.unwrap_or_else(|| nothing_of(object, &seal.originator, seal.agreement));
        let tombstone = self.tombstone(&seal.originator, object)?;
        if tombstone.is_some_and(|tombstone| tombstone.versions.holds(version)) {
            return Ok((refused(Refuse::ObjectRecalled), Effect::None));
        }
        if holding.versions.iter().any(|held| held.version == version) {
            return Ok((refused(Refuse::ObjectVersion), Effect::None));
        }
        if header.kind == MessageKind::Correction {
            supersede(&mut holding, version);
        }
        let judged = self.judge.judge(&seal, &report, self.now);
        let (verdict, effect) = verdict_of(judged, seal, report);
        let state = match &effect {
            Effect::Keep { .. } if version < holding.current_from => Some(VersionState::Superseded),
            Effect::Keep { .. } => Some(VersionState::Current),
            Effect::Quarantine { .. } => Some(VersionState::Quarantined),
            Effect::None
            | Effect::Erase { .. }
            | Effect::Notice(_)
            | Effect::Receipts(_)
            | Effect::Step { .. }
            | Effect::Onward { .. } => None,
        };
        if let (Some(state), Effect::Keep { seal, .. } | Effect::Quarantine { seal, .. }) = (state, &effect) {
            holding.versions.push(HeldVersion {
                version,
                state,
                lease_until: seal.lease_until,
                lease: seal.lease_until.since(seal.sealed_at),
                expires: holding.expires.unwrap_or(expires),
            });
            holding.versions.sort_by_key(|held| held.version);
        }
        // A correction binds what may come yet also when it is refused itself.
        let binds = header.kind == MessageKind::Correction && (known || self.may_leave_trace(header));
        if state.is_some() || binds {
            self.holdings.insert(object, holding);
        }
        Ok((verdict, effect))
    }

    fn order<R>(
        &mut self,
        header: &EnvelopeHeader,
        originator: &PartyId,
        order: &Order,
    ) -> Result<(Verdict, Effect<R>), V::Error>
    where
        J: Judge<R>,
    {
        match order {
            Order::Recall { object, versions, reason, answer_by } => {
                let versions =
                    if versions.is_empty() { Versions::All } else { Versions::Only(versions.clone()) };
                self.take_back((header, originator), *object, versions, *reason, *answer_by)
            }
            Order::Delete { object, reason, answer_by } => {
                self.take_back((header, originator), *object, Versions::All, *reason, *answer_by)
            }
            Order::Expiry { object, expires } => {
                self.spoke_of = Some(*object);
                let found = self.holding(*object)?;
                if found.as_ref().is_some_and(|h| h.originator != *originator) {
                    return Ok((Verdict::Accepted, Effect::None));
                }
                if found.is_none() && !self.may_leave_trace(header) {
                    return Ok((refused(Refuse::OrderLimit), Effect::None));
                }
                let mut holding =
                    found.unwrap_or_else(|| nothing_of(*object, originator, header.lane.agreement));
                holding.expires = Some(*expires);
                for held in &mut holding.versions {
                    held.expires = *expires;
                }
                self.holdings.insert(*object, holding);
                Ok((Verdict::Accepted, Effect::None))
            }
        }
    }

    /// Whether what is said about an object of which nothing is known here may leave a row: each stays for the life of the
    /// agreement, so who brings it has only so many.
    fn may_leave_trace<R>(&mut self, header: &EnvelopeHeader) -> bool
    where
        J: Judge<R>,
    {
        self.judge.judge_unknown(&header.lane.from) == Judgement::Accept
    }

    /// A correction that does not come itself: what is older is not read any more, also when it comes later.
    fn replaced<R>(
        &mut self,
        header: &EnvelopeHeader,
        originator: &PartyId,
        (object, version): (ObjectId, ReportVersion),
    ) -> Result<Verdict, V::Error>
    where
        J: Judge<R>,
    {
        self.spoke_of = Some(object);
        let found = self.holding(object)?;
        if found.as_ref().is_some_and(|holding| holding.originator != *originator) {
            return Ok(Verdict::Accepted);
        }
        if found.is_none() && !self.may_leave_trace(header) {
            return Ok(refused(Refuse::OrderLimit));
        }
        let mut holding = found.unwrap_or_else(|| nothing_of(object, originator, header.lane.agreement));
        supersede(&mut holding, version);
        self.holdings.insert(object, holding);
        Ok(Verdict::Accepted)
    }

    /// Recall and deletion. Says nothing about whether anything is held: the answer to both is "accepted", as long as the
    /// partner has orders about unknown objects left.
    fn take_back<R>(
        &mut self,
        (header, from): (&EnvelopeHeader, &PartyId),
        object: ObjectId,
        versions: Versions,
        reason: OrderReason,
        answer_by: Timestamp,
    ) -> Result<(Verdict, Effect<R>), V::Error>
    where
        J: Judge<R>,
    {
        self.spoke_of = Some(object);
        let before = self.tombstone(from, object)?;
        let holding = self.holding(object)?.filter(|holding| holding.originator == *from);
        if before.is_none() && holding.is_none() && !self.may_leave_trace(header) {
            return Ok((refused(Refuse::OrderLimit), Effect::None));
        }
        let tombstone = Tombstone {
            originator: from.clone(),
            object,
            agreement: header.lane.agreement,
            versions: before.as_ref().map_or(versions.clone(), |before| before.versions.union(&versions)),
            reason,
            since: before.map_or(self.now, |before| before.since),
        };
        self.tombstones.insert((from.clone(), object), tombstone);
        let mut gone = Vec::new();
        if let Some(mut holding) = holding {
            for held in holding.versions.iter_mut().filter(|held| versions.holds(held.version)) {
                gone.push(held.version);
                held.state = VersionState::Recalled;
            }
            self.holdings.insert(object, holding);
        }
        let effect = Effect::Erase { originator: from.clone(), object, versions, held: gone, answer_by };
        Ok((Verdict::Accepted, effect))
    }
}

/// The seal must say what the envelope says: nobody passes on as addressed what was sealed for another.
fn seal_rules<R>(
    header: &EnvelopeHeader,
    opened: Opened<R>,
) -> Result<(Option<SealHeader>, Content<R>), Refuse> {
    let Opened { seal, content } = opened;
    let Some(seal) = seal else {
        return match (header.kind, &content) {
            (MessageKind::EpochStart, Content::EpochStart) => Ok((None, content)),
            _unsealed => Err(Refuse::SealKind),
        };
    };
    if seal.agreement != header.lane.agreement {
        return Err(Refuse::SealAgreement);
    }
    if !seal.recipients.contains(&header.lane.to) {
        return Err(Refuse::SealRecipient);
    }
    if seal.originator != header.lane.from {
        return Err(Refuse::SealOriginator);
    }
    let fits = match (header.kind, &content) {
        (MessageKind::Report, Content::Report { .. }) => seal.supersedes.is_none(),
        (MessageKind::Order, Content::Order(_))
        | (MessageKind::Notice, Content::Notice(_))
        | (MessageKind::Receipts, Content::Receipts(_))
        | (MessageKind::Step, Content::Step(_))
        | (MessageKind::Onward, Content::Onward(_) | Content::Carried { .. }) => true,
        // The forwarder's seal speaks of exactly what the originator's holds.
        (MessageKind::Hop, Content::Hop { seal: own, .. }) => {
            seal.object == own.object && seal.version == own.version && seal.purpose == own.purpose
        }
        (MessageKind::Correction, Content::Report { .. }) => {
            seal.supersedes.is_some_and(|replaced| replaced < seal.version)
        }
        _other => false,
    };
    if fits { Ok((Some(seal), content)) } else { Err(Refuse::SealKind) }
}

/// The row of an object of which nothing is held.
fn nothing_of(object: ObjectId, originator: &PartyId, agreement: AgreementId) -> Holding {
    Holding {
        object,
        originator: originator.clone(),
        agreement,
        current_from: ReportVersion::FIRST,
        expires: None,
        versions: Vec::new(),
    }
}

fn supersede(holding: &mut Holding, version: ReportVersion) {
    holding.current_from = holding.current_from.max(version);
    for held in &mut holding.versions {
        match held.state {
            VersionState::Current if held.version < version => held.state = VersionState::Superseded,
            VersionState::Current
            | VersionState::Superseded
            | VersionState::Quarantined
            | VersionState::Recalled => {}
        }
    }
}

fn verdict_of<R>(
    judged: Result<Judgement, CannotJudge>,
    seal: SealHeader,
    report: R,
) -> (Verdict, Effect<R>) {
    let seal = Box::new(seal);
    match judged {
        Ok(Judgement::Accept) => (Verdict::Accepted, Effect::Keep { seal, report }),
        Ok(Judgement::Refuse { code, ground }) => (Verdict::Refused { code, ground }, Effect::None),
        Ok(Judgement::Quarantine { code }) => {
            (Verdict::Quarantined { code }, Effect::Quarantine { seal, report })
        }
        Err(CannotJudge) => {
            let code = Refuse::PolicyInternal.code().to_owned();
            (Verdict::Quarantined { code }, Effect::Quarantine { seal, report })
        }
    }
}
