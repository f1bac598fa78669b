//! Deconfliction of planned actions, the asked side: decided by its own policy, charged, logged, evaluated under a key made for
//! the question; after a claim each side has the other's point of contact.

use mithaq_check::event::{
    EVENT_CONTACTS_MAX, EVENT_PLANS_MAX, EVENT_TAGS, EventAnswer, EventClaim, EventContacts, EventRequest,
    Plan, event_answer,
};
use mithaq_check::{Answer, CheckRefusal, Counters, charge, review_due};
use mithaq_db::Tx;
use mithaq_model::{CaseId, ObjectId};
use mithaq_policy::PrivateCheck;
use mithaq_store::checks::budget::{self, Account};
use mithaq_store::checks::{self, AskState, Conflict, PlanAsk, PlanState};
use mithaq_store::reports::Direction;
use zeroize::Zeroizing;

use super::plans::COST;
use super::serve::{CLAIM_LEAVES, CheckReply};
use super::{Ends, day};
use crate::App;
use crate::error::AppError;
use crate::log::Event;
use crate::ports::random;

/// Second half and number of a plan.
const TOKEN: usize = 32 + 16;

/// What a question came to, in the transaction that charged it.
enum Decided {
    Again(Vec<u8>),
    /// More came today than is looked at.
    Full,
    Refused(String),
    /// Admitted, or refused in a way that must look so: then it meets no plan.
    Evaluate {
        show: bool,
    },
}

impl App {
    /// Answers a question about planned actions.
    pub(super) fn answer_plan(&self, ends: &Ends, body: &[u8]) -> Result<CheckReply, AppError> {
        let request = EventRequest::from_bytes(body).map_err(|_bytes| AppError::invalid("check.event"))?;
        if request.asking != ends.1 || request.asked != self.party {
            return Err(AppError::not_found());
        }
        let (of, copy) = (ends.clone(), request.clone());
        let decided = self.write(move |app, tx| app.admit_plan(tx, &of, &copy))?;
        let bytes = match decided {
            Decided::Again(bytes) => bytes,
            Decided::Full => return Err(AppError::busy("check.day_full")),
            Decided::Refused(code) => EventAnswer::Refused(code).to_bytes(&request.ask, &request.digest()),
            Decided::Evaluate { show } => self.evaluate_plan(ends, &request, show)?,
        };
        // Longer than any number of plans takes.
        let leaves_after = Answer::leaves_after(EVENT_TAGS);
        Ok(CheckReply { bytes, leaves_after })
    }

    fn admit_plan(&self, tx: &mut dyn Tx, ends: &Ends, request: &EventRequest) -> Result<Decided, AppError> {
        if let Some(before) = checks::plan_ask_locked(tx, ObjectId::new(request.ask))? {
            return self.admit_again(tx, ends, request, &before);
        }
        let terms = self.known(ends.0)?.agreement().private_check.ok_or_else(AppError::not_found)?;
        if self.flooded(tx, ends, COST, &terms)? {
            return Ok(Decided::Full);
        }
        let permit = if request.agreement == ends.0 {
            self.permit_plan(ends.0, (&ends.1, &self.party), request.purpose)?
                .map_err(|no| no.code().code().to_owned())
        } else {
            Err(CheckRefusal::OtherAgreement.code().to_owned())
        };
        let account = Account {
            agreement: ends.0,
            partner: ends.1.clone(),
            own: false,
            day: day(self.now()),
            officer: request.officer,
            case: request.case,
        };
        let charged = match permit {
            Ok(terms) => {
                let counters = budget::locked(tx, &account)?;
                let charged = charge(&terms, counters, COST).map_err(|_exceeded| "BUD".to_owned());
                charged.map(|charged| (terms, counters, charged))
            }
            Err(code) => Err(code),
        };
        match charged {
            Ok((terms, before, after)) => {
                budget::save(tx, &account, &after)?;
                self.note_plan_charged(tx, ends, request, (&terms, before, after))?;
                Ok(Decided::Evaluate { show: true })
            }
            Err(code) => {
                self.note_plan_refused(tx, ends, request, &code)?;
                self.refuse_plan(ends, code)
            }
        }
    }

    /// The number came before. The same bytes get the stored ones for a day, then none: what was charged once is not
    /// evaluated again and again.
    fn admit_again(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        request: &EventRequest,
        before: &PlanAsk,
    ) -> Result<Decided, AppError> {
        let theirs = received_from(before, ends) && before.digest == request.digest();
        let refuse = |app: &Self, tx: &mut dyn Tx, code: &str| {
            app.log(tx, &[noted("check.plan_refused", ends, request).verdict(code)])?;
            Ok(Decided::Refused(code.to_owned()))
        };
        if !theirs {
            return refuse(self, tx, CheckRefusal::NumberUsed.code());
        }
        if let Some(bytes) = checks::ask_answer(tx, before.id)? {
            return Ok(Decided::Again(bytes));
        }
        match before.state {
            // Charged before a crash, and not answered: it was paid for.
            AskState::Evaluated => Ok(Decided::Evaluate { show: true }),
            AskState::Refused => self.refuse_plan(ends, before.outcome.clone().unwrap_or_default()),
            AskState::Asking
            | AskState::Claiming
            | AskState::Clear
            | AskState::Conflict
            | AskState::Forgotten
            | AskState::Lost => refuse(self, tx, CheckRefusal::EventOver.code()),
        }
    }

    /// A refusal, openly or in the form of an answer that meets nothing.
    fn refuse_plan(&self, ends: &Ends, code: String) -> Result<Decided, AppError> {
        let known = self.known(ends.0)?;
        let silent = known.agreement().private_check.is_some_and(|terms| terms.refuse_silently);
        Ok(if silent { Decided::Evaluate { show: false } } else { Decided::Refused(code) })
    }

    fn note_plan_charged(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        request: &EventRequest,
        (terms, before, after): (&PrivateCheck, Counters, Counters),
    ) -> Result<(), AppError> {
        checks::add_ask(tx, &received(ends, request, (AskState::Evaluated, None), self.now()))?;
        let evaluated = noted("check.plan_evaluated", ends, request).commitment(request.digest());
        let mut events = vec![
            noted("check.plan_received", ends, request).commitment(request.commitment),
            evaluated.verdict(format!("evaluations:{COST}")),
        ];
        if review_due(terms, &after) && !review_due(terms, &before) {
            self.alarm(tx, "check.review_due", &ends.1, &ObjectId::new(request.ask).to_string())?;
            events.push(noted("check.review_due", ends, request));
        }
        self.log(tx, &events).map(drop)
    }

    fn note_plan_refused(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        request: &EventRequest,
        code: &str,
    ) -> Result<(), AppError> {
        let outcome = Some(code.to_owned());
        checks::add_ask(tx, &received(ends, request, (AskState::Refused, outcome), self.now()))?;
        let received = noted("check.plan_received", ends, request).commitment(request.commitment);
        let refused = noted("check.plan_refused", ends, request).commitment(request.digest()).verdict(code);
        self.log(tx, &[received, refused]).map(drop)
    }

    /// After the charge is durable: evaluates under a key that is forgotten here, and keeps what a claim is answered from.
    fn evaluate_plan(&self, ends: &Ends, request: &EventRequest, show: bool) -> Result<Vec<u8>, AppError> {
        let of = ends.0;
        // A silent refusal reads, tags and forgets the same plans: it costs and looks the same.
        let held = self.read(move |app, tx| {
            let mut held: Vec<(ObjectId, Plan)> = Vec::new();
            for plan in app.open_plans_of(tx, of)?.into_iter().take(EVENT_PLANS_MAX) {
                held.push((plan.id, app.planned_of(tx, plan.id)?.plan));
            }
            Ok(held)
        })?;
        let seed = Zeroizing::new(random::<32>(&*self.entropy)?);
        let own: Vec<Plan> = held.iter().map(|(_, plan)| *plan).collect();
        let (answer, halves) = match event_answer(request, &own, &seed, show) {
            Ok(evaluated) => (evaluated.answer, evaluated.halves),
            Err(_fault) => (EventAnswer::Refused(CheckRefusal::Element.code().to_owned()), Vec::new()),
        };
        let bytes = answer.to_bytes(&request.ask, &request.digest());
        let mut content = Zeroizing::new(Vec::with_capacity(halves.len() * TOKEN));
        for (half, at) in &halves {
            let Some((plan, _)) = held.get(*at) else { continue };
            content.extend_from_slice(half);
            content.extend_from_slice(plan.as_bytes());
        }
        let number = ObjectId::new(request.ask);
        self.write(move |app, tx| {
            // Of two at once the first stays: its key is the one that was used.
            if checks::plan_ask_locked(tx, number)?.is_none() {
                return Err(AppError::not_found());
            }
            if let Some(first) = checks::ask_answer(tx, number)? {
                return Ok(first);
            }
            checks::put_ask_answer(tx, number, &bytes)?;
            checks::put_ask_content(tx, &app.vault, number, &content)?;
            Ok(bytes)
        })
    }

    /// Answers a claim: the points of contact of the plans that met; both sides have a conflict then.
    pub(super) fn answer_claim(&self, ends: &Ends, body: &[u8]) -> Result<CheckReply, AppError> {
        let claim = EventClaim::from_bytes(body).map_err(|_bytes| AppError::invalid("check.event_claim"))?;
        let (ends, ask) = (ends.clone(), claim.ask);
        let contacts = self.write(move |app, tx| {
            let number = ObjectId::new(claim.ask);
            let theirs = |one: &PlanAsk| received_from(one, &ends);
            let one = checks::plan_ask_locked(tx, number)?.filter(theirs).ok_or_else(AppError::not_found)?;
            let content = checks::ask_content(tx, &app.vault, number)?.ok_or_else(AppError::not_found)?;
            let mut contacts = Vec::new();
            for plan in met(&claim, &content) {
                app.meet(tx, (&one, plan), &claim.contact, &mut contacts)?;
            }
            contacts.sort();
            contacts.dedup();
            contacts.truncate(EVENT_CONTACTS_MAX);
            Ok(contacts)
        })?;
        Ok(CheckReply { bytes: EventContacts { ask, contacts }.to_bytes(), leaves_after: CLAIM_LEAVES })
    }

    /// One plan of this side met: its planner learns of it once, and its contact is told. A plan that is over, or may not be
    /// asked about any more, tells nothing.
    fn meet(
        &self,
        tx: &mut dyn Tx,
        (one, number): (&PlanAsk, ObjectId),
        contact: &str,
        contacts: &mut Vec<String>,
    ) -> Result<(), AppError> {
        // Locked: who ends it meanwhile erases what met it, or is over before.
        let open = checks::plan_locked(tx, number)?.filter(|plan| plan.state == PlanState::Open);
        let Some(plan) = open.filter(|plan| self.now() < plan.until) else { return Ok(()) };
        if self.permit_plan(one.agreement, (&one.partner, &self.party), plan.purpose)?.is_err() {
            return Ok(());
        }
        contacts.push(self.planned_of(tx, number)?.contact);
        let met = Conflict { ask: one.id, plan: number, partner: one.partner.clone(), at: self.now() };
        if !checks::add_conflict(tx, &self.vault, &met, contact)? {
            return Ok(());
        }
        self.alarm_on(tx, "check.plan_conflict", (&one.partner, number), &number.to_string())?;
        let event = Event::system("check.plan_conflict", one.id).case(plan.case).purpose(plan.purpose);
        self.log(tx, &[event.agreement(plan.agreement).with(&one.partner)]).map(drop)
    }
}

/// The plans that a claim met. Every half is compared, each in constant time, before anything is done for one that met: who
/// claims at random learns nothing from how long it takes to be told no.
fn met(claim: &EventClaim, content: &[u8]) -> Vec<ObjectId> {
    let tokens = content.as_chunks::<TOKEN>().0.iter().filter_map(|token| {
        let (half, plan) = token.split_first_chunk::<32>()?;
        Some((claim.is_of(half), plan.first_chunk::<16>()?))
    });
    let compared: Vec<(bool, &[u8; 16])> = tokens.collect();
    compared.into_iter().filter(|(met, _)| *met).map(|(_, plan)| ObjectId::new(*plan)).collect()
}

fn received_from(one: &PlanAsk, ends: &Ends) -> bool {
    one.direction == Direction::Received && (one.agreement, &one.partner) == (ends.0, &ends.1)
}

fn received(
    ends: &Ends,
    request: &EventRequest,
    (state, outcome): (AskState, Option<String>),
    now: mithaq_model::Timestamp,
) -> PlanAsk {
    PlanAsk {
        id: ObjectId::new(request.ask),
        direction: Direction::Received,
        partner: ends.1.clone(),
        agreement: ends.0,
        plan: None,
        state,
        outcome,
        digest: request.digest(),
        asked: now,
        version: 1,
    }
}

/// An entry about a question that came: under the pseudonym of the case it came with.
fn noted(kind: &str, ends: &Ends, request: &EventRequest) -> Event {
    let event = Event::system(kind, ObjectId::new(request.ask)).case(CaseId::new(request.case));
    event.purpose(request.purpose).agreement(ends.0).with(&ends.1)
}
