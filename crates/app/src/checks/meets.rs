//! Deconfliction of planned actions, the asked side: decided by its own policy, charged, logged, evaluated under a key made for
//! the question; after a claim each side has the other's point of contact.

use mithaq_check::event::{
    EVENT_QUERIES, EventAnswer, EventClaim, EventContacts, EventRequest, Plan, event_answer, event_fill,
};
use mithaq_check::{Answer, charge};
use mithaq_db::Tx;
use mithaq_model::{CaseId, ObjectId};
use mithaq_store::checks::budget::{self, Account};
use mithaq_store::checks::{self, AskState, Conflict, PlanAsk};
use mithaq_store::reports::Direction;
use zeroize::Zeroizing;

use super::serve::{CLAIM_LEAVES, CheckReply};
use super::{Ends, day, wire};
use crate::App;
use crate::error::AppError;
use crate::log::Event;
use crate::ports::random;

/// Second half and number of a plan.
const TOKEN: usize = 32 + 16;

/// What a question came to, in the transaction that charged it.
enum Decided {
    Again(Vec<u8>),
    Refused(String),
    /// Admitted, or refused in a way that must look so: then it meets no plan.
    Evaluate {
        plans: bool,
    },
}

impl App {
    /// Answers a question about planned actions.
    pub(super) fn answer_plan(&self, ends: &Ends, body: &[u8]) -> Result<CheckReply, AppError> {
        let request = EventRequest::from_bytes(body).map_err(|_bytes| AppError::invalid("check.event"))?;
        if request.asking != ends.1 || request.asked != self.party {
            return Err(AppError::not_found());
        }
        let leaves_after = Answer::leaves_after(EVENT_QUERIES);
        let (of, copy) = (ends.clone(), request.clone());
        let decided = self.write(move |app, tx| app.admit_plan(tx, &of, &copy))?;
        let bytes = match decided {
            Decided::Again(bytes) => bytes,
            Decided::Refused(code) => EventAnswer::Refused(code).to_bytes(&request.ask, &request.digest()),
            Decided::Evaluate { plans } => self.evaluate_plan(ends, &request, plans)?,
        };
        Ok(CheckReply { bytes, leaves_after })
    }

    fn admit_plan(&self, tx: &mut dyn Tx, ends: &Ends, request: &EventRequest) -> Result<Decided, AppError> {
        let (number, digest) = (ObjectId::new(request.ask), request.digest());
        if let Some(before) = checks::plan_ask_locked(tx, number)? {
            let theirs = before.direction == Direction::Received
                && (before.agreement, &before.partner) == (ends.0, &ends.1)
                && before.digest == digest;
            if !theirs {
                self.log(tx, &[noted("check.plan_refused", ends, request).verdict("check.number_used")])?;
                return Ok(Decided::Refused("check.number_used".to_owned()));
            }
            return Ok(match (checks::ask_answer(tx, number)?, before.state) {
                (Some(bytes), _) => Decided::Again(bytes),
                // Charged before a crash, or forgotten after its day.
                (None, state) => Decided::Evaluate { plans: state == AskState::Evaluated },
            });
        }
        let permit = if request.agreement == ends.0 {
            self.permit_plan(ends.0, (&ends.1, &self.party), request.purpose)?
                .map_err(|no| no.code().code().to_owned())
        } else {
            Err("check.other_agreement".to_owned())
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
                let evaluations = u32::try_from(EVENT_QUERIES).unwrap_or(u32::MAX);
                charge(&terms, counters, evaluations).map_err(|_exceeded| "BUD".to_owned())
            }
            Err(code) => Err(code),
        };
        let event = |kind: &str| noted(kind, ends, request);
        let received = event("check.plan_received").commitment(request.commitment);
        let row = |state, outcome| PlanAsk {
            id: number,
            direction: Direction::Received,
            partner: ends.1.clone(),
            agreement: ends.0,
            plan: None,
            state,
            outcome,
            digest,
            asked: self.now(),
            version: 1,
        };
        match charged {
            Ok(counters) => {
                budget::save(tx, &account, &counters)?;
                checks::add_ask(tx, &row(AskState::Evaluated, None))?;
                let evaluated = event("check.plan_evaluated").commitment(digest);
                self.log(tx, &[received, evaluated])?;
                Ok(Decided::Evaluate { plans: true })
            }
            Err(code) => {
                checks::add_ask(tx, &row(AskState::Refused, Some(code.clone())))?;
                let refused = event("check.plan_refused").commitment(digest).verdict(code.clone());
                self.log(tx, &[received, refused])?;
                let known = self.known(ends.0)?;
                let silent = known.agreement().private_check.is_some_and(|terms| terms.refuse_silently);
                Ok(if silent { Decided::Evaluate { plans: false } } else { Decided::Refused(code) })
            }
        }
    }

    /// After the charge is durable: evaluates under a key that is forgotten here, and keeps what a claim is answered from.
    fn evaluate_plan(&self, ends: &Ends, request: &EventRequest, plans: bool) -> Result<Vec<u8>, AppError> {
        let of = ends.0;
        let held = self.read(move |app, tx| {
            let mut held: Vec<(ObjectId, Plan)> = Vec::new();
            if plans {
                for plan in checks::open_plans(tx, &of, app.now())? {
                    held.push((plan.id, app.planned_of(tx, plan.id)?.plan));
                }
            }
            Ok(held)
        })?;
        let seed = Zeroizing::new(random::<32>(&*self.entropy)?);
        let fill = (0..event_fill(held.len())).map(|_| random::<16>(&*self.entropy));
        let fill = fill.collect::<Result<Vec<_>, _>>()?;
        let own: Vec<Plan> = held.iter().map(|(_, plan)| *plan).collect();
        let (answer, halves) = match event_answer(request, &own, &seed, &fill) {
            Ok(evaluated) => (evaluated.answer, evaluated.halves),
            Err(_fault) => (EventAnswer::Refused("check.element".to_owned()), Vec::new()),
        };
        let bytes = answer.to_bytes(&request.ask, &request.digest());
        let mut content = Vec::with_capacity(halves.len() * TOKEN);
        for (half, (plan, _)) in halves.iter().zip(&held) {
            content.extend_from_slice(half);
            content.extend_from_slice(plan.as_bytes());
        }
        let number = ObjectId::new(request.ask);
        self.write(move |app, tx| {
            // Of two at once the first stays: its key is the one that was used.
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
            let theirs = |one: &PlanAsk| {
                one.direction == Direction::Received && (one.agreement, &one.partner) == (ends.0, &ends.1)
            };
            let one = checks::plan_ask_locked(tx, number)?.filter(theirs).ok_or_else(AppError::not_found)?;
            let Some(content) = checks::ask_content(tx, &app.vault, number)? else {
                return Err(AppError::not_found());
            };
            let mut contacts = Vec::new();
            for (half, plan) in
                content.as_chunks::<TOKEN>().0.iter().filter_map(|token| token.split_first_chunk::<32>())
            {
                if claim.halves.contains(half) {
                    let plan: [u8; 16] = plan.try_into().unwrap_or([0; 16]);
                    app.meet(tx, (&one, ObjectId::new(plan)), &claim.contact, &mut contacts)?;
                }
            }
            contacts.sort();
            contacts.dedup();
            Ok(contacts)
        })?;
        Ok(CheckReply { bytes: EventContacts { ask, contacts }.to_bytes(), leaves_after: CLAIM_LEAVES })
    }

    /// One plan of this side met: its planner learns of it once, and its contact is told. A plan that is over tells nothing.
    fn meet(
        &self,
        tx: &mut dyn Tx,
        (one, number): (&PlanAsk, ObjectId),
        contact: &str,
        contacts: &mut Vec<String>,
    ) -> Result<(), AppError> {
        let open = checks::plan(tx, number)?.filter(|plan| plan.state == checks::PlanState::Open);
        let Some(plan) = open.filter(|plan| self.now() < plan.until) else { return Ok(()) };
        contacts.push(self.planned_of(tx, number)?.contact);
        let met = Conflict { ask: one.id, plan: number, partner: one.partner.clone(), at: self.now() };
        if !checks::add_conflict(tx, &self.vault, &met, contact)? {
            return Ok(());
        }
        self.alarm(tx, "check.plan_conflict", &one.partner, &number.to_string())?;
        let event = Event::system("check.plan_conflict", one.id).case(plan.case).purpose(plan.purpose);
        self.log(tx, &[event.agreement(plan.agreement).with(&one.partner)]).map(drop)
    }
}

/// An entry about a question that came: under the pseudonym of the case it came with.
fn noted(kind: &str, ends: &Ends, request: &EventRequest) -> Event {
    let event = Event::system(kind, ObjectId::new(request.ask)).case(CaseId::new(request.case));
    event.purpose(request.purpose).agreement(ends.0).with(&ends.1)
}
