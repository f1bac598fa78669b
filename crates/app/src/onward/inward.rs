//! What comes in about passing on: hops, judged with their token by this node's own rules; questions, tokens and what
//! ends them; orders that a forwarder carries on.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::Tx;
use mithaq_envelope::peek_seal;
use mithaq_exchange::ports::Judgement;
use mithaq_exchange::{Arrived, Carried, Content, Refuse};
use mithaq_model::{
    AgreementId, ConsentState, CopyState, ObjectId, PartyId, ReportId, ReportState, ReportVersion, Role,
    Text, Timestamp,
};
use mithaq_policy::{ConsentFault, HopDisclosure, HopRefusal, Onward, Side, decide_onward};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::disclosures;
use mithaq_store::lanes;
use mithaq_store::onward::{self, Consent, Copy};
use mithaq_store::reports::{self, Direction};
use mithaq_wire::{LaneId, OnwardStep, OnwardToken, SealHeader, Verdict};

use super::{consent_event, consented, words_of};
use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::inbound::open::Incoming;
use crate::log::Event;
use crate::registry::Known;
use crate::release::day;

/// Changed seals that originators are told of, per forwarder and day.
const CLAIMED_MAX: u64 = 16;
const CLAIMED: &str = "onward.claimed";

/// How a report came that its originator did not send here itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HopIn {
    /// Who passed it on.
    pub(crate) by: PartyId,
    /// The roles of the two persons there, as that party attests.
    pub(crate) released_by: Vec<Role>,
    /// When it was sealed for this node.
    pub(crate) sealed_at: Timestamp,
    /// The token, verified with the originator's manifest; or what is wrong with it.
    pub(crate) token: Result<OnwardToken, ConsentFault>,
}

/// A hop that was refused for want of consent: what its originator is told.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    originator: PartyId,
    object: ObjectId,
    version: ReportVersion,
    by: PartyId,
    code: &'static str,
    /// What its originator sealed did not verify: that it is the originator is the forwarder's claim.
    claimed: bool,
}

impl Tried {
    /// A hop whose inner seal is not as the originator it names sealed it.
    pub(crate) fn changed(claimed: &SealHeader, by: &PartyId) -> Self {
        Self {
            originator: claimed.originator.clone(),
            object: claimed.object,
            version: claimed.version,
            by: by.clone(),
            code: Refuse::OnwardSeal.code(),
            claimed: true,
        }
    }
}

/// What is known, as of a batch's transaction, of the objects its hops and carried orders speak of.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Objects held here, with who passed them on; none: the originator itself sent them.
    held: BTreeMap<ObjectId, Option<PartyId>>,
    /// Consents used up here.
    spent: BTreeSet<ObjectId>,
    /// Hops refused for want of consent.
    pub(crate) tried: Vec<Tried>,
}

impl Routes {
    pub(crate) fn load(app: &App, tx: &mut dyn Tx, arrived: &[&Arrived<Incoming>]) -> Result<Self, AppError> {
        let mut routes = Self::default();
        for one in arrived {
            let object = match one.inner().map(|opened| &opened.content) {
                Ok(Content::Hop { report, seal, .. }) => {
                    if let Some(Ok(token)) = report.hop.as_ref().map(|hop| &hop.token)
                        && onward::is_spent(tx, token.consent)?
                    {
                        routes.spent.insert(token.consent);
                    }
                    seal.object
                }
                Ok(Content::Carried { seal: _, order }) => order.object(),
                Ok(
                    Content::Report { .. }
                    | Content::Order(_)
                    | Content::Notice(_)
                    | Content::Receipts(_)
                    | Content::EpochStart
                    | Content::Step(_)
                    | Content::Onward(_),
                )
                | Err(_) => continue,
            };
            if lanes::holding(tx, object)?.is_some_and(|holding| !holding.versions.is_empty()) {
                routes.held.insert(object, onward::via(tx, object, &app.party)?);
            }
        }
        Ok(routes)
    }

    /// Whether an object may come by a party: it is not held, or came by it before.
    fn leads(&self, object: ObjectId, by: &PartyId) -> bool {
        self.held.get(&object).is_none_or(|via| via.as_ref() == Some(by))
    }

    /// An order that a forwarder carries on is about what came by it, or about nothing that is held.
    pub(crate) fn judge_carried(&self, by: &PartyId, order: &Carried) -> Judgement {
        if self.leads(order.object(), by) { Judgement::Accept } else { refuse(Refuse::OnwardRoute.code()) }
    }

    /// This node's decision about a hop, with its day's budget already in the context. Returns until when it may be
    /// kept, if it is accepted.
    pub(crate) fn judge(
        &mut self,
        (app, known): (&App, &Known),
        incoming: &Incoming,
        (context, hop): (&mithaq_policy::Context, &HopIn),
        now: Timestamp,
    ) -> Result<Timestamp, Judgement> {
        let report = &incoming.report;
        let object = ObjectId::from(report.id);
        if !self.leads(object, &hop.by) {
            return Err(refuse(Refuse::OnwardRoute.code()));
        }
        let unused = |token: &OnwardToken| {
            if self.spent.contains(&token.consent) { Err(ConsentFault::Used) } else { Ok(consented(token)) }
        };
        let consent = hop.token.as_ref().map_err(|fault| *fault).and_then(unused);
        let disclosure = HopDisclosure {
            report,
            forwarder: &hop.by,
            recipient: &app.party,
            consent: consent.as_ref().map_err(|fault| *fault),
            side: Side::Receiver,
            context,
            standing: &known.standing,
        };
        match decide_onward(&known.rules, &disclosure, now) {
            Ok(permit) => {
                self.spent.extend(hop.token.as_ref().map(|token| token.consent));
                self.held.insert(object, Some(hop.by.clone()));
                Ok(permit.permit().retain_until())
            }
            Err(HopRefusal::Consent(fault)) => {
                self.tried.push(Tried {
                    originator: report.originator.clone(),
                    object,
                    version: report.version,
                    by: hop.by.clone(),
                    code: fault.code(),
                    claimed: false,
                });
                Err(refuse(fault.code()))
            }
            // What people would have to decide is refused too: they ask the originator, not the forwarder.
            Err(HopRefusal::Rules(refusal)) => {
                Err(Judgement::Refuse { code: refusal.code().code().to_owned(), ground: refusal.ground() })
            }
        }
    }
}

fn refuse(code: &str) -> Judgement {
    Judgement::Refuse { code: code.to_owned(), ground: None }
}

impl App {
    /// A hop that was accepted: its token is used up, and the copy is known by the route it came.
    pub(crate) fn hop_kept(
        &self,
        tx: &mut dyn Tx,
        agreement: AgreementId,
        (incoming, hop): (&Incoming, &HopIn),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let Ok(token) = &hop.token else { return Err(AppError::bug("onward.token")) };
        if !onward::spend(tx, token.consent, (token.object, token.version), self.now())? {
            // Another lane was faster with the same token: asked again, the batch finds it used.
            return Err(AppError::new(ErrorKind::Unavailable, "node.busy", words::UNAVAILABLE));
        }
        let copy = Copy {
            object: token.object,
            version: token.version,
            holder: self.party.clone(),
            via: hop.by.clone(),
            consent: token.consent,
            agreement: Some(agreement),
            state: CopyState::Accepted,
            proven: false,
            at: self.now(),
            answer_by: None,
            confirm_by: None,
        };
        onward::put_copy(tx, &copy)?;
        let event = Event::system("onward.received", incoming.report.id).agreement(agreement).with(&hop.by);
        events.push(
            event.purpose(incoming.report.purpose).verdict(format!("of:{}", incoming.report.originator)),
        );
        Ok(())
    }

    /// Tells originators of hops that were refused here for want of consent or because their seal was changed, where an
    /// agreement with them lets it. What a forwarder claims without proof is told a few times a day only: nobody makes
    /// this node send as much as they like to a third.
    pub(crate) fn tell_originators(
        &self,
        tx: &mut dyn Tx,
        (lane, tried): (&LaneId, &[Tried]),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let registry = self.registry();
        for one in tried {
            let event = Event::system("onward.refused", one.object).with(&one.by).verdict(one.code);
            events.push(event);
            self.tell(tx, "onward.without_consent", one.object)?;
            if one.claimed && !self.may_tell_claim(tx, lane)? {
                continue;
            }
            let Some(agreement) = registry.alive_with(&one.originator, self.now()).first().copied() else {
                continue;
            };
            let step = OnwardStep::Tried {
                object: one.object,
                version: one.version,
                by: one.by.clone(),
                to: self.party.clone(),
                code: one.code.to_owned(),
            };
            self.send_duty(tx, &one.originator, agreement, &step)?;
        }
        Ok(())
    }

    /// Counts what is told on a forwarder's claim alone; `false` when that was enough for the day.
    fn may_tell_claim(&self, tx: &mut dyn Tx, lane: &LaneId) -> Result<bool, AppError> {
        let (agreement, party) = (&lane.agreement, &lane.from);
        let counter = Counter { agreement, party, name: CLAIMED, day: day(self.now()) };
        Ok(agreements::count(tx, &counter, 1)? <= CLAIMED_MAX)
    }

    /// Takes a step of a partner. What fits nothing here changes nothing, and the log says so.
    pub(crate) fn onward_taken(
        &self,
        tx: &mut dyn Tx,
        (seal, step, original): (&SealHeader, &OnwardStep, Option<&[u8]>),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let from = &seal.originator;
        match step {
            OnwardStep::Asked { consent, object, version, to, purpose, until, reason } => {
                let row = Consent {
                    id: *consent,
                    direction: Direction::Received,
                    partner: from.clone(),
                    agreement: seal.agreement,
                    object: *object,
                    version: *version,
                    to: to.clone(),
                    purpose: *purpose,
                    state: ConsentState::Asked,
                    until: *until,
                    use_by: None,
                    asked: self.now(),
                    person: None,
                    case: None,
                    token: None,
                    sender: None,
                    follows: None,
                    change: 1,
                };
                self.asked(tx, row, reason, events)
            }
            OnwardStep::Granted { consent, token } => self.granted(tx, from, (*consent, token), events),
            OnwardStep::Denied { consent, lapsed } => {
                let state = if *lapsed { ConsentState::Lapsed } else { ConsentState::Denied };
                self.ended(tx, from, *consent, state, events)
            }
            OnwardStep::Revoked { consent, object, .. } => {
                self.revoked(tx, from, (*consent, *object), original, events)
            }
            OnwardStep::Tried { object, by, code, .. } => {
                let ours = reports::head(tx, ReportId::from(*object))?
                    .is_some_and(|head| head.direction == Direction::Own);
                if ours {
                    self.tell(tx, "onward.tried", *object)?;
                }
                let verdict = if ours { code.clone() } else { "ignored".to_owned() };
                events.push(Event::system("onward.tried", *object).with(by).verdict(verdict));
                Ok(())
            }
            OnwardStep::Copy { .. } => self.copy_told(tx, from, step, events),
            OnwardStep::Superseded { object, version } => {
                self.copies_superseded(tx, from, (*object, *version), (original, events))
            }
            // Opened as what they carry, never as a step.
            OnwardStep::Carried { .. } => Ok(()),
        }
    }

    /// A recipient of a report of this node asks. What cannot be granted at all is refused by the node itself; a
    /// recipient that the agreement lists gets its token at once; all else waits for people.
    fn asked(
        &self,
        tx: &mut dyn Tx,
        row: Consent,
        reason: &Text,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let own = reports::head(tx, ReportId::from(row.object))?
            .filter(|head| head.direction == Direction::Own && head.state != ReportState::Recalled);
        let sent = disclosures::of_object(tx, row.object)?;
        let theirs = sent.iter().any(|one| {
            one.recipient == row.partner && one.version == row.version && one.agreement == row.agreement
        });
        let known = self.known(row.agreement)?;
        let never = known.agreement().onward == Onward::Forbidden;
        let taken = onward::get(tx, row.id)?.is_some();
        if own.is_none() || !theirs || never || taken || row.to == self.party || row.to == row.partner {
            let step = OnwardStep::Denied { consent: row.id, lapsed: false };
            self.send_duty(tx, &row.partner, row.agreement, &step)?;
            events.push(consent_event(Event::system("onward.denied", row.id), &row).verdict("ORC"));
            return Ok(());
        }
        onward::add(tx, &self.vault, &row, &words_of(reason))?;
        events.push(consent_event(Event::system("onward.asked", row.id), &row));
        if self.is_listed(&row)? {
            let event = Event::system("onward.granted", row.id);
            let granted = self.grant_in(tx, row.clone(), (&[], None), event);
            match granted {
                // What the rules refuse waits for people, who see why.
                Err(error) if error.is_no() => {}
                done => return done,
            }
        }
        self.tell(tx, "onward.asked", row.id)?;
        Ok(())
    }

    /// The consent this node asked a party for, if it did.
    fn asked_by_us(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        id: ObjectId,
    ) -> Result<Option<Consent>, AppError> {
        let found = onward::locked(tx, id)?;
        Ok(found.filter(|row| row.direction == Direction::Own && row.partner == *from))
    }

    fn granted(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        (id, signed): (ObjectId, &[u8]),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let row = self.asked_by_us(tx, from, id)?.filter(|row| row.state == ConsentState::Asked);
        let Some(mut row) = row else { return self.correction_granted(tx, from, (id, signed), events) };
        let token = self.token_of(signed, from).filter(|token| {
            token.consent == row.id
                && token.object == row.object
                && token.version == row.version
                && token.by == self.party
                && token.to == row.to
                && token.purpose == row.purpose
        });
        let Some(token) = token else {
            let event = consent_event(Event::system("onward.granted", id), &row);
            events.push(event.verdict(ConsentFault::Forged.code()));
            return Ok(());
        };
        row.state = ConsentState::Granted;
        (row.until, row.use_by, row.token) = (token.keep_until, Some(token.use_by), Some(signed.to_vec()));
        onward::save(tx, &row)?;
        if self.hears_again(tx, from, row.agreement)? {
            self.copy_may_be_out(tx, &row)?;
        }
        self.tell(tx, "onward.granted", id)?;
        events
            .push(consent_event(Event::system("onward.granted", id), &row).verdict(format!("to:{}", row.to)));
        Ok(())
    }

    fn ended(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        id: ObjectId,
        state: ConsentState,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let kind = if state == ConsentState::Lapsed { "onward.lapsed" } else { "onward.denied" };
        let row = self.asked_by_us(tx, from, id)?.filter(|row| row.state == ConsentState::Asked);
        let Some(mut row) = row else {
            events.push(Event::system(kind, id).with(from).verdict("ignored"));
            return Ok(());
        };
        row.state = state;
        onward::save(tx, &row)?;
        events.push(consent_event(Event::system(kind, id), &row));
        Ok(())
    }

    /// The originator took its consent back: an unused token is dead here, and one that was used is followed.
    fn revoked(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        (id, object): (ObjectId, ObjectId),
        original: Option<&[u8]>,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let Some(mut row) = self.asked_by_us(tx, from, id)?.filter(|row| row.object == object) else {
            events.push(Event::system("onward.revoked", id).with(from).verdict("ignored"));
            return Ok(());
        };
        let used = row.state == ConsentState::Used;
        row.state = ConsentState::Revoked;
        onward::save(tx, &row)?;
        events.push(consent_event(Event::system("onward.revoked", id), &row));
        if let Some(sealed) = original.filter(|_| used) {
            self.carry_on(tx, (object, Some(&row.to)), sealed, events)?;
        }
        Ok(())
    }

    /// An order of an originator about what this node passed on goes after the copies.
    pub(crate) fn order_follows_copies(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        original: Option<&[u8]>,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let Some(sealed) = original else { return Ok(()) };
        // It was verified when it was opened; the header of an order names its object.
        match peek_seal(sealed) {
            Ok(header) if header.originator == *from => {
                self.carry_on(tx, (header.object, None), sealed, events)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Carries an order of an originator on, byte for byte, to every holder that got the object from this node.
    pub(crate) fn carry_on(
        &self,
        tx: &mut dyn Tx,
        (object, only): (ObjectId, Option<&PartyId>),
        sealed: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let mut told = BTreeSet::new();
        for copy in onward::copies(tx, object)? {
            let here = copy.via == self.party && only.is_none_or(|only| *only == copy.holder);
            let Some(agreement) = copy.agreement.filter(|_| here) else { continue };
            if !told.insert(copy.holder.clone()) {
                continue;
            }
            self.send_duty(tx, &copy.holder, agreement, &OnwardStep::Carried { sealed: sealed.to_vec() })?;
            let event = Event::system("onward.carried", object).agreement(agreement).with(&copy.holder);
            events.push(event);
        }
        Ok(())
    }

    /// What became of a hop by the holder's rules (R2), or that it was not delivered (N1).
    pub(crate) fn hop_answered(
        &self,
        tx: &mut dyn Tx,
        (object, version): (ObjectId, ReportVersion),
        holder: &PartyId,
        state: CopyState,
    ) -> Result<(), AppError> {
        self.holder_said(tx, (object, &[version]), holder, (state, None))
    }

    /// The state a verdict leaves a copy in.
    pub(crate) const fn copy_state(verdict: &Verdict) -> CopyState {
        match verdict {
            Verdict::Accepted => CopyState::Accepted,
            Verdict::Refused { .. } => CopyState::Refused,
            Verdict::Quarantined { .. } => CopyState::Sent,
        }
    }

    /// What a further holder says of copies it got from this node: noted, and reported to the originator with the
    /// holder's own signed words. No versions: whatever it had.
    pub(crate) fn holder_said(
        &self,
        tx: &mut dyn Tx,
        (object, versions): (ObjectId, &[ReportVersion]),
        holder: &PartyId,
        (state, proof): (CopyState, Option<&[u8]>),
    ) -> Result<(), AppError> {
        let copies = onward::copies(tx, object)?;
        let about = copies.into_iter().filter(|copy| {
            copy.via == self.party
                && copy.holder == *holder
                && copy.state != CopyState::Erased
                && (versions.is_empty() || versions.contains(&copy.version))
        });
        for mut copy in about {
            let proven = proof.is_some() && state == CopyState::Erased;
            (copy.state, copy.at, copy.proven) = (state, self.now(), proven);
            onward::put_copy(tx, &copy)?;
            let Some(consent) = onward::get(tx, copy.consent)? else { continue };
            let to = (&consent.partner, consent.agreement);
            self.report_copy(tx, to, &copy, proof.map(<[u8]>::to_vec))?;
        }
        Ok(())
    }
}
