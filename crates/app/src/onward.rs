//! Passing on what another party originated (domain page, §4.12), the forwarder's side: asking the originator, and
//! sending its unchanged seal with its token. Consent is decided in `granting`, what comes in is taken in `inward`,
//! and where every copy is, is shown by `tree`.

mod copies;
mod corrections;
mod granting;
mod inward;
mod lost;
mod tree;
mod unproven;

use mithaq_db::Tx;
use mithaq_envelope::{OpenedReport, SealArgs, open_token, seal_hop, seal_onward};
use mithaq_model::{
    AgreementId, CaseState, ConsentState, Days, ObjectId, OfficerId, PartyId, ReportId, Role, Text, Timestamp,
};
use mithaq_policy::{
    Consent as Consented, ConsentFault, Context, HopDisclosure, HopPermit, HopRefusal, Onward, OrderKind,
    Side, Work, decide_onward, for_named_only, permit_order,
};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::onward::{self, Consent, Copy};
use mithaq_store::reports::{self, Direction, ReportHead};
use mithaq_store::{Page, cases, holds, lanes, partners};
use mithaq_wire::{Hop, MessageKind, OnwardStep, OnwardToken};

use crate::App;
use crate::agreements::decode_risk;
use crate::attachments::{carried, whole};
use crate::cases::CaseAccess;
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::ports::{fresh, random};
use crate::registry::Known;
use crate::release::{BYTES, REPORTS, Use, day, refused};
use crate::rights::{May, intent};

pub(crate) use inward::{HopIn, Routes, Tried};
pub use tree::{Holder, Standing as HolderStanding};

/// How long a step stays valid in its lane; it is taken however late it comes.
const STEP_VALID: Days = Days(365);

/// Returns the consent a token stands for, as the policy asks for it.
pub(crate) fn consented(token: &OnwardToken) -> Consented {
    Consented {
        originator: token.originator.clone(),
        report: ReportId::from(token.object),
        version: token.version,
        by: token.by.clone(),
        to: token.to.clone(),
        purpose: token.purpose,
        use_by: token.use_by,
        keep_until: token.keep_until,
    }
}

/// What is sent on, as loaded: head, the originator's own seal, and what it says.
struct AtHand {
    head: ReportHead,
    sealed: Vec<u8>,
    hash: mithaq_wire::Digest,
    opened: Box<OpenedReport>,
    /// The last day its originator ordered, if it did.
    ends: Option<Timestamp>,
}

impl AtHand {
    /// Whether a token lets the recipient keep it no longer than its originator lets this node by now. The order that
    /// said so went before the copy: nobody would carry it on.
    fn ends_with(&self, token: &OnwardToken) -> bool {
        let keep_until = token.keep_until.min(self.opened.report.expires);
        self.ends.is_none_or(|ends| keep_until <= ends)
    }
}

impl App {
    /// Asks the originator of a report that is read in a case whether it may be passed on to a party, for the purpose
    /// it was sent for. Returns the number of the consent.
    ///
    /// # Errors
    /// When the report did not come from its originator, is of another case, or is locked; when the agreement with the
    /// originator lets nothing be passed on; when the recipient is one of the two.
    pub fn ask_consent(
        &self,
        may: May<intent::AskConsent>,
        access: &CaseAccess,
        number: ReportId,
        (to, until): (&PartyId, Timestamp),
        reason: &Text,
    ) -> Result<ObjectId, AppError> {
        self.own_access(may, access)?;
        let reason = crate::cases::reason(reason)?;
        let (id, salt) = (fresh::<ObjectId>(&*self.entropy)?, random::<32>(&*self.entropy)?);
        let (access, to) = (access.clone(), to.clone());
        let tried = Event::refused(may, number).case(access.case()).purpose(access.purpose());
        self.attempt(tried, move |app, tx| {
            let at = app.to_pass_on(tx, number)?;
            let agreement = at.head.agreement.ok_or_else(AppError::not_found)?;
            if at.head.case != Some(access.case()) {
                return Err(AppError::not_found());
            }
            if at.opened.report.purpose != access.purpose() {
                return Err(AppError::refused("onward.purpose", words::PURPOSE, 3, None, None));
            }
            if for_named_only(&at.opened.report) {
                return Err(AppError::refused("onward.named_only", words::CONSENT, 9, None, None).hint(
                    "TLP:RED is for whom its originator named: ask it to send the report there itself",
                ));
            }
            if to == app.party || to == at.head.originator {
                return Err(AppError::invalid("recipient").hint("name a third party"));
            }
            let known = app.known(agreement)?;
            if known.agreement().onward == Onward::Forbidden {
                return Err(not_consented(ConsentFault::Missing));
            }
            let row = Consent {
                id,
                direction: Direction::Own,
                partner: at.head.originator.clone(),
                agreement,
                object: number.into(),
                version: at.head.version,
                to: to.clone(),
                purpose: at.opened.report.purpose,
                state: ConsentState::Asked,
                until: until.min(at.opened.report.expires),
                use_by: None,
                asked: app.now(),
                person: Some((may.actor(), may.role())),
                case: Some(access.case()),
                token: None,
                sender: None,
                follows: None,
                change: 1,
            };
            let step = OnwardStep::Asked {
                consent: id,
                object: row.object,
                version: row.version,
                to,
                purpose: row.purpose,
                until: row.until,
                reason: reason.clone(),
            };
            onward::add(tx, &app.vault, &row, &words_of(&reason))?;
            app.send_onward(tx, &row.partner, agreement, &step)?;
            let event = consent_event(Event::by(may, "onward.asked", id), &row).case(access.case());
            let committed = Committed::to(id, 1, salt, reason.reveal().as_bytes());
            app.log(tx, &[event.committed(committed)])?;
            Ok(id)
        })
        .inspect(|_| self.wake())
    }

    /// Passes a report on to the party its originator consented to, under the agreement with that party. The person who
    /// sends is another than who asked, in another role. Without a consent that fits it is refused here, and the
    /// originator is told.
    ///
    /// # Errors
    /// The refusal; it is logged.
    pub fn pass_on(
        &self,
        may: May<intent::PassOn>,
        number: ReportId,
        (to, agreement): (&PartyId, AgreementId),
        stated: &Use,
    ) -> Result<(), AppError> {
        let (to, stated) = (to.clone(), stated.clone());
        let done = self.attempt(Event::refused(may, number), move |app, tx| {
            let at = app.to_pass_on(tx, number)?;
            let found = app.consent_for(tx, &at, &to)?;
            let known = app.known(agreement)?;
            let event = Event::by(may, "onward.decided", number).agreement(agreement).with(&to);
            let event = event.purpose(at.opened.report.purpose);
            let decided =
                app.decide_hop(tx, &known, (&at, &to), (&found, may.actor(), may.role()), &stated)?;
            match (decided, found) {
                (Ok(permit), Ok((row, token))) => {
                    app.log(tx, &[event.verdict("permit")])?;
                    app.send_hop(tx, &known, (at, row), (token, permit), (may.actor(), may.role())).map(Ok)
                }
                (Err(HopRefusal::Rules(refusal)), _) => {
                    app.log(tx, &[event.verdict(refusal.code().code())])?;
                    Ok(Err(refused(&refusal)))
                }
                (Err(HopRefusal::Consent(fault)), _) | (Ok(_), Err(fault)) => {
                    app.log(tx, &[event.verdict(fault.code())])?;
                    app.tell_tried(tx, &at, &to, fault)?;
                    Ok(Err(not_consented(fault)))
                }
            }
        })?;
        self.wake();
        done
    }

    /// Loads what may be passed on at all: received from its originator itself, unlocked, in its newest version.
    fn to_pass_on(&self, tx: &mut dyn Tx, number: ReportId) -> Result<AtHand, AppError> {
        let head = reports::head_locked(tx, number)?;
        if head.direction != Direction::Received {
            return Err(AppError::not_found());
        }
        if onward::via(tx, number.into(), &self.party)?.is_some() {
            return Err(AppError::refused("onward.not_direct", words::CONSENT, 9, None, None)
                .hint("ask the originator to send it to you itself, or to the party you have in mind"));
        }
        self.unlocked(tx, &head)?;
        let (stored, sealed) = reports::content(tx, &self.vault, number, head.version)?;
        let opened = self.opened_by_originator(&sealed, &head.originator)?;
        let ends = lanes::holding(tx, number.into())?.and_then(|holding| holding.expires);
        Ok(AtHand { head, sealed: sealed.to_vec(), hash: stored.hash, opened, ends })
    }

    /// The consent that fits, or what is wrong with the one that comes nearest.
    fn consent_for(
        &self,
        tx: &mut dyn Tx,
        at: &AtHand,
        to: &PartyId,
    ) -> Result<Result<(Consent, OnwardToken), ConsentFault>, AppError> {
        let asked = onward::of_object(tx, at.head.id.into())?;
        let own = asked.into_iter().filter(|one| one.direction == Direction::Own);
        let (here, elsewhere): (Vec<Consent>, Vec<Consent>) = own.partition(|one| one.to == *to);
        let mut fault = if elsewhere.iter().any(|one| one.state == ConsentState::Granted) {
            ConsentFault::Recipient
        } else {
            ConsentFault::Missing
        };
        for row in here {
            let is_this = row.version == at.head.version;
            match row.state {
                ConsentState::Granted if is_this => {
                    let Some(token) =
                        row.token.as_deref().and_then(|bytes| self.token_of(bytes, &row.partner))
                    else {
                        fault = ConsentFault::Forged;
                        continue;
                    };
                    if !at.ends_with(&token) {
                        fault = ConsentFault::Expired;
                        continue;
                    }
                    return Ok(Ok((row, token)));
                }
                ConsentState::Granted => fault = ConsentFault::Version,
                ConsentState::Used if is_this => fault = ConsentFault::Used,
                ConsentState::Revoked if is_this => fault = ConsentFault::Revoked,
                ConsentState::Lapsed if is_this && row.token.is_some() => fault = ConsentFault::Expired,
                ConsentState::Asked
                | ConsentState::Denied
                | ConsentState::Lapsed
                | ConsentState::Used
                | ConsentState::Revoked => {}
            }
        }
        Ok(Err(fault))
    }

    /// Verifies a token with every manifest of its originator that is known.
    pub(crate) fn token_of(&self, bytes: &[u8], originator: &PartyId) -> Option<OnwardToken> {
        let registry = self.registry();
        let peer = registry.peers.get(originator)?;
        peer.trusted().find_map(|manifest| open_token(bytes, manifest).ok())
    }

    fn decide_hop(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (at, to): (&AtHand, &PartyId),
        (found, sender, role): (&Result<(Consent, OnwardToken), ConsentFault>, OfficerId, Role),
        stated: &Use,
    ) -> Result<Result<HopPermit, HopRefusal>, AppError> {
        let consent = found.as_ref().map(|(_, token)| consented(token)).map_err(|fault| *fault);
        let row = found.as_ref().ok().map(|(row, _)| row);
        let mut context = self.hop_context(tx, known, (at, to), row, stated)?;
        context.approvals.push((sender, role));
        let hop = HopDisclosure {
            report: &at.opened.report,
            forwarder: &self.party,
            recipient: to,
            consent: consent.as_ref().map_err(|fault| *fault),
            side: Side::Sender,
            context: &context,
            standing: &known.standing,
        };
        Ok(decide_onward(&known.rules, &hop, self.now()))
    }

    /// What this node knows about passing it on: as for a release, with who asked as the first of two persons.
    fn hop_context(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (at, to): (&AtHand, &PartyId),
        row: Option<&Consent>,
        stated: &Use,
    ) -> Result<Context, AppError> {
        let (agreement, now, report) = (known.agreement(), self.now(), &at.opened.report);
        let rights = self.rights_in(tx, report, at.hash)?;
        let risk = partners::risk(tx, &self.vault, to)?.and_then(|stored| decode_risk(&stored.content));
        let (budgets, id) = (agreement.budgets, agreement.id());
        let day = day(now);
        let mut used =
            |name| agreements::used(tx, &Counter { agreement: &id, party: &self.party, name, day });
        let (reports_used, bytes_used) = (used(REPORTS)?, used(BYTES)?);
        Ok(Context {
            work: self.hop_work(tx, row)?,
            signatures_good: known.all_signed,
            rule_set: Some(id),
            reply_bound: true,
            hold: holds::stands(tx, report.id, row.and_then(|row| row.case))?,
            special_categories: rights.special,
            clearances: rights.roles,
            excluded: stated.excluded,
            consents: Vec::new(),
            recipient_level: agreement
                .party(to)
                .map_or(mithaq_model::Level::Unclassified, |party| party.max_level),
            channel_level: self.accreditation(),
            partner_risk: risk,
            further_risks: stated.further_risks.clone(),
            capital_offence: stated.capital_offence,
            assurances: stated.assurances.clone(),
            reports_left: u64::from(budgets.reports_per_day).saturating_sub(reports_used),
            bytes_left: budgets.bytes_per_day.saturating_sub(bytes_used),
            bytes: u64::try_from(at.sealed.len()).unwrap_or(u64::MAX).saturating_add(carried(report)),
            life_at_risk: false,
            approvals: row.and_then(|row| row.person).into_iter().collect(),
        })
    }

    /// Step 1: the case it was asked in is open, and who asked is still assigned to it.
    fn hop_work(&self, tx: &mut dyn Tx, row: Option<&Consent>) -> Result<Work, AppError> {
        let case = match row.and_then(|row| row.case) {
            Some(case) => cases::get(tx, &self.vault, case)?.map(|stored| stored.case),
            None => None,
        };
        let asker = row.and_then(|row| row.person).map(|(officer, _)| officer);
        let open = |case: &mithaq_model::Case| case.state == CaseState::Open && case.review_on > self.now();
        Ok(Work {
            role_may: true,
            case_open: case.as_ref().is_some_and(open),
            case_assigned: case.zip(asker).is_some_and(|(case, asker)| case.officers.contains(&asker)),
        })
    }

    /// Seals and queues the hop, uses the consent up, and tells the originator that a copy is on its way.
    fn send_hop(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (at, mut row): (AtHand, Consent),
        (token, permit): (OnwardToken, HopPermit),
        sender: (OfficerId, Role),
    ) -> Result<(), AppError> {
        // What is not here cannot be given on: the recipient would wait for what nobody brings.
        for attachment in &at.opened.report.attachments {
            whole(tx, attachment)?;
        }
        let now = self.now();
        let args = SealArgs {
            lease_until: now.plus(permit.permit().lease()),
            released_by: row.person.map(|(_, first)| first).into_iter().chain([sender.1]).collect(),
            sealed_at: now,
            supersedes: None,
            salt: random::<32>(&*self.entropy)?,
        };
        let hop = Hop { token: row.token.clone(), sealed: at.sealed };
        let sealed = seal_hop(&hop, &permit, &args, self.keys.soft()).map_err(|error| match error {
            mithaq_envelope::SealError::Size { .. } | mithaq_envelope::SealError::Content => {
                AppError::invalid("report")
                    .hint("it is too long to be passed on with its seal")
                    .because(error)
            }
            mithaq_envelope::SealError::Permit
            | mithaq_envelope::SealError::Stale
            | mithaq_envelope::SealError::Lease
            | mithaq_envelope::SealError::Supersedes
            | mithaq_envelope::SealError::Empty
            | mithaq_envelope::SealError::Key => AppError::bug("onward.seal").because(error),
        })?;
        let until = token.keep_until.min(at.opened.report.expires);
        self.dispatch(tx, known, &row.to, (&sealed, MessageKind::Hop), until)?;
        let length = u64::try_from(sealed.bytes().len()).unwrap_or(u64::MAX);
        self.count_hop(tx, known, length.saturating_add(carried(&at.opened.report)))?;
        (row.state, row.sender) = (ConsentState::Used, Some(sender));
        onward::save(tx, &row)?;
        let copy = Copy::sent(&row, &self.party, known.agreement().id(), now);
        onward::put_copy(tx, &copy)?;
        self.report_copy(tx, (&row.partner, row.agreement), &copy, None)?;
        let event = consent_event(Event::system("onward.sent", at.head.id), &row);
        self.log(tx, &[event.agreement(known.agreement().id()).with(&row.to)]).map(drop)
    }

    /// A hop counts on the day's budget as a report does, with what it names.
    fn count_hop(&self, tx: &mut dyn Tx, known: &Known, bytes: u64) -> Result<(), AppError> {
        let (id, day) = (known.agreement().id(), day(self.now()));
        let counter = |name| Counter { agreement: &id, party: &self.party, name, day };
        agreements::count(tx, &counter(REPORTS), 1)?;
        agreements::count(tx, &counter(BYTES), bytes)?;
        Ok(())
    }

    /// Tells the originator what became of a copy.
    pub(crate) fn report_copy(
        &self,
        tx: &mut dyn Tx,
        (originator, agreement): (&PartyId, AgreementId),
        copy: &Copy,
        proof: Option<Vec<u8>>,
    ) -> Result<(), AppError> {
        let step = OnwardStep::Copy {
            consent: copy.consent,
            object: copy.object,
            version: copy.version,
            holder: copy.holder.clone(),
            state: copy.state,
            at: copy.at,
            proof: proof.filter(|bytes| bytes.len() <= mithaq_wire::CARRIED_MAX),
        };
        self.send_duty(tx, originator, agreement, &step)
    }

    fn tell_tried(
        &self,
        tx: &mut dyn Tx,
        at: &AtHand,
        to: &PartyId,
        fault: ConsentFault,
    ) -> Result<(), AppError> {
        let Some(agreement) = at.head.agreement else { return Ok(()) };
        let step = OnwardStep::Tried {
            object: at.head.id.into(),
            version: at.head.version,
            by: self.party.clone(),
            to: to.clone(),
            code: fault.code().to_owned(),
        };
        self.send_duty(tx, &at.head.originator, agreement, &step)
    }

    /// Sends what is owed, as long as duties under the agreement live; after that nobody waits for it.
    pub(crate) fn send_duty(
        &self,
        tx: &mut dyn Tx,
        partner: &PartyId,
        agreement: AgreementId,
        step: &OnwardStep,
    ) -> Result<(), AppError> {
        match self.send_onward(tx, partner, agreement, step) {
            Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::NotFound) => Ok(()),
            sent => sent,
        }
    }

    /// Permits, seals and queues one step. The caller logs.
    pub(crate) fn send_onward(
        &self,
        tx: &mut dyn Tx,
        partner: &PartyId,
        agreement: AgreementId,
        step: &OnwardStep,
    ) -> Result<(), AppError> {
        let known = self.known(agreement)?;
        let (kind, object) = match step {
            OnwardStep::Asked { consent, .. } | OnwardStep::Granted { consent, .. } => {
                (OrderKind::Consent, *consent)
            }
            OnwardStep::Denied { consent, .. }
            | OnwardStep::Revoked { consent, .. }
            | OnwardStep::Copy { consent, .. } => (OrderKind::Onward, *consent),
            OnwardStep::Tried { .. } | OnwardStep::Carried { .. } | OnwardStep::Superseded { .. } => {
                (OrderKind::Onward, fresh(&*self.entropy)?)
            }
        };
        let now = self.now();
        let ends = (&self.party, &self.party, partner);
        let permit = permit_order(&known.rules, &known.standing, (kind, object), ends, now)
            .map_err(|refusal| refused(&refusal))?;
        let args = SealArgs {
            lease_until: now.plus(STEP_VALID),
            released_by: Vec::new(),
            sealed_at: now,
            supersedes: None,
            salt: random::<32>(&*self.entropy)?,
        };
        let sealed = seal_onward(step, &permit, &args, self.keys.soft())
            .map_err(|error| AppError::invalid("onward").because(error))?;
        self.dispatch(tx, &known, partner, (&sealed, MessageKind::Onward), now.plus(STEP_VALID))
    }

    /// Lists consents: those this node asked for, or those asked of it. No reasons.
    ///
    /// # Errors
    /// When the store fails.
    pub fn consents(
        &self,
        may: May<intent::ReadConsent>,
        direction: Direction,
        page: &Page<ObjectId>,
    ) -> Result<Vec<Consent>, AppError> {
        let page = *page;
        self.read(move |_app, tx| Ok(onward::list(tx, direction, may.sight(), &page)?))
    }

    /// By whom the newest version of a received report came: its originator, or who passed it on.
    pub(crate) fn route(&self, tx: &mut dyn Tx, head: &ReportHead) -> Result<PartyId, AppError> {
        let via = onward::version_via(tx, (head.id.into(), head.version), &self.party)?;
        Ok(via.unwrap_or_else(|| head.originator.clone()))
    }
}

/// No consent that fits, as the officer sees it.
fn not_consented(fault: ConsentFault) -> AppError {
    AppError::refused(fault.code(), words::CONSENT, 9, Some("onward".to_owned()), None).hint(
        "ask the originator with `mithaq consent ask`; a consent is for one recipient, one version, one use",
    )
}

fn consent_event(event: Event, row: &Consent) -> Event {
    event.agreement(row.agreement).with(&row.partner).purpose(row.purpose)
}

/// A text with its language, as bytes of one record.
fn words_of(text: &Text) -> Vec<u8> {
    [text.lang().code().as_bytes(), b"\n", text.reveal().as_bytes()].concat()
}

/// Reads back what [`words_of`] made.
fn text_of(bytes: &[u8]) -> Option<Text> {
    let (lang, text) = core::str::from_utf8(bytes).ok()?.split_once('\n')?;
    Text::new(mithaq_model::Lang::new(lang).ok()?, text).ok()
}
