//! Deconfliction of planned actions, the asking side on the line: what is to be said to a partner now, what its answers mean,
//! and the clock. Everything is made again from what is stored: a restart changes nothing.

use mithaq_check::Opening;
use mithaq_check::event::{EventClaim, EventContacts, EventError, EventRequest, event_conclude};
use mithaq_db::Tx;
use mithaq_model::{CaseId, Days, Millis, ObjectId, PartyId};
use mithaq_store::checks::{self, AskState, Conflict, PlanAsk, PlanState, StoredPlan};
use mithaq_store::reports::Direction;

use super::line::{CheckCall, CheckKind, misbehaved};
use super::{Ends, wire};
use crate::App;
use crate::error::AppError;
use crate::log::Event;

/// After so long without an answer people are told. It is asked until the plan is over.
const TELL: Millis = Millis::hours(1);
/// How long the asked side keeps what it answered.
pub(super) const ANSWERED: Millis = Millis::hours(24);
/// How long after a plan's end oversight can open what was asked.
const KEPT: Days = Days(30);

impl App {
    /// What is to be said to a partner about planned actions now: made again from what is stored, each time.
    pub(super) fn plan_calls(&self, peer: &PartyId) -> Result<Vec<CheckCall>, AppError> {
        let peer = peer.clone();
        self.read(move |app, tx| {
            let mut calls = Vec::new();
            for one in checks::open_asks(tx, &peer)? {
                let Some((plan, request, opening)) = app.plan_question(tx, &one)? else { continue };
                // What was authorised may not be permitted any more: then nothing leaves.
                if app.permit_plan(one.agreement, (&app.party, &peer), plan.purpose)?.is_err() {
                    continue;
                }
                let call = match one.state {
                    AskState::Asking => (CheckKind::Event, request.to_bytes()),
                    AskState::Claiming => {
                        let answer = checks::ask_answer(tx, one.id)?.unwrap_or_default();
                        let Ok(Some(half)) = event_conclude(&request, &opening, &answer) else { continue };
                        let contact = app.planned_of(tx, plan.id)?.contact;
                        let claim = EventClaim { ask: wire(one.id), half, contact };
                        (CheckKind::EventClaim, claim.to_bytes())
                    }
                    AskState::Clear
                    | AskState::Conflict
                    | AskState::Refused
                    | AskState::Evaluated
                    | AskState::Forgotten
                    | AskState::Lost => continue,
                };
                calls.push(CheckCall::about(one.agreement, call.0, call.1, one.id));
            }
            Ok(calls)
        })
    }

    /// Plan, request and opening of a question of this node; none when its plan is over.
    fn plan_question(
        &self,
        tx: &mut dyn Tx,
        one: &PlanAsk,
    ) -> Result<Option<(StoredPlan, EventRequest, Opening)>, AppError> {
        let Some(number) = one.plan else { return Ok(None) };
        let Some(plan) = checks::plan(tx, number)?.filter(|plan| plan.state == PlanState::Open) else {
            return Ok(None);
        };
        let Some(bytes) = checks::ask_content(tx, &self.vault, one.id)? else { return Ok(None) };
        let opening =
            Opening::from_bytes(&bytes).map_err(|error| AppError::bug("check.plan").because(error))?;
        let request = self.plan_request(&plan, one, &opening)?;
        Ok(Some((plan, request, opening)))
    }

    /// Takes the partner's answer to a question or claim; none: it knows nothing of it.
    pub(super) fn take_plan(
        &self,
        ends: &Ends,
        (number, claim): (ObjectId, bool),
        answer: Option<&[u8]>,
    ) -> Result<(), AppError> {
        let (ends, answer) = (ends.clone(), answer.map(<[u8]>::to_vec));
        let fault = self.write(move |app, tx| {
            let mine = |one: &PlanAsk| {
                one.direction == Direction::Own && (one.agreement, &one.partner) == (ends.0, &ends.1)
            };
            // The plan before its question, as who ends a plan locks them.
            let Some(of) = checks::plan_ask(tx, number)?.filter(mine).and_then(|one| one.plan) else {
                return Ok(None);
            };
            checks::plan_locked(tx, of)?;
            let Some(one) = checks::plan_ask_locked(tx, number)?.filter(mine) else { return Ok(None) };
            if one.state != (if claim { AskState::Claiming } else { AskState::Asking }) {
                return Ok(None);
            }
            let Some((plan, request, opening)) = app.plan_question(tx, &one)? else { return Ok(None) };
            let Some(answer) = answer else {
                let outcome = if claim { "check.unclaimed" } else { "check.unanswered" };
                app.plan_unanswered(tx, one, &plan, outcome)?;
                return Ok(None);
            };
            if claim {
                return app.take_contacts(tx, one, &plan, &answer);
            }
            match event_conclude(&request, &opening, &answer) {
                Ok(None) => {
                    app.plan_step(tx, one, &plan, (AskState::Clear, None))?;
                    Ok(None)
                }
                Ok(Some(_half)) => {
                    checks::put_ask_answer(tx, number, &answer)?;
                    app.plan_step(tx, one, &plan, (AskState::Claiming, None))?;
                    Ok(None)
                }
                Err(EventError::Refused(code)) => {
                    app.alarm_on(tx, "check.plan_unasked", (&one.partner, plan.id), &plan.id.to_string())?;
                    app.plan_step(tx, one, &plan, (AskState::Refused, Some(code)))?;
                    Ok(None)
                }
                Err(fault) => app.plan_fault(tx, one, &plan, fault),
            }
        })?;
        match fault {
            Some(fault) => Err(misbehaved("check.plan_answer", fault)),
            None => Ok(()),
        }
    }

    /// A question or claim ends without what was asked for. What met is a conflict also without a point of contact: planners
    /// are told, and call the desk.
    fn plan_unanswered(
        &self,
        tx: &mut dyn Tx,
        one: PlanAsk,
        plan: &StoredPlan,
        outcome: &str,
    ) -> Result<(), AppError> {
        let (kind, state) = if one.state == AskState::Claiming {
            ("check.plan_conflict", AskState::Conflict)
        } else {
            ("check.plan_unasked", AskState::Lost)
        };
        self.alarm_on(tx, kind, (&one.partner, plan.id), &plan.id.to_string())?;
        self.plan_step(tx, one, plan, (state, Some(outcome.to_owned())))
    }

    /// Whom to call: the conflict, once; nobody: what met was taken back since.
    fn take_contacts(
        &self,
        tx: &mut dyn Tx,
        one: PlanAsk,
        plan: &StoredPlan,
        answer: &[u8],
    ) -> Result<Option<EventError>, AppError> {
        let contacts = match EventContacts::from_bytes(answer) {
            Ok(contacts) if contacts.ask == wire(one.id) => contacts.contacts,
            Ok(_another) => return self.plan_fault(tx, one, plan, EventError::Replay),
            Err(error) => return self.plan_fault(tx, one, plan, error.into()),
        };
        if contacts.is_empty() {
            self.plan_step(tx, one, plan, (AskState::Clear, None))?;
            return Ok(None);
        }
        let met = Conflict { ask: one.id, plan: plan.id, partner: one.partner.clone(), at: self.now() };
        checks::add_conflict(tx, &self.vault, &met, &contacts.join(" · "))?;
        self.alarm_on(tx, "check.plan_conflict", (&one.partner, plan.id), &plan.id.to_string())?;
        self.plan_step(tx, one, plan, (AskState::Conflict, None))?;
        Ok(None)
    }

    fn plan_fault(
        &self,
        tx: &mut dyn Tx,
        one: PlanAsk,
        plan: &StoredPlan,
        fault: EventError,
    ) -> Result<Option<EventError>, AppError> {
        self.alarm_on(tx, "peer.check", (&one.partner, plan.id), &one.id.to_string())?;
        self.plan_unanswered(tx, one, plan, "check.plan_answer")?;
        Ok(Some(fault))
    }

    /// A question gets on: stored, with its entry. What opens it stays for oversight until the plan is closed.
    fn plan_step(
        &self,
        tx: &mut dyn Tx,
        mut one: PlanAsk,
        plan: &StoredPlan,
        (state, outcome): (AskState, Option<String>),
    ) -> Result<(), AppError> {
        let kind = match state {
            AskState::Clear => "check.plan_clear",
            AskState::Conflict => "check.plan_conflict",
            AskState::Refused => "check.plan_refused_there",
            AskState::Lost => "check.plan_lost",
            AskState::Asking | AskState::Claiming | AskState::Evaluated | AskState::Forgotten => {
                "check.plan_met"
            }
        };
        let event = Event::system(kind, one.id).case(plan.case).purpose(plan.purpose);
        let event = event.agreement(plan.agreement).with(&one.partner);
        let event = match &outcome {
            Some(code) => event.verdict(code.clone()),
            None => event,
        };
        (one.state, one.outcome) = (state, outcome);
        checks::save_ask(tx, &one)?;
        if state != AskState::Claiming {
            checks::erase_ask_answer(tx, one.id)?;
        }
        self.log(tx, &[event]).map(drop)
    }

    /// A plan is over: what it says and what met it is erased, and what is still asked about it ends.
    pub(super) fn plan_over(
        &self,
        tx: &mut dyn Tx,
        mut plan: StoredPlan,
        event: Event,
    ) -> Result<(), AppError> {
        (plan.state, plan.over) = (PlanState::Over, Some(self.now()));
        checks::save_plan(tx, &plan)?;
        for one in checks::asks_of(tx, plan.id)? {
            if matches!(one.state, AskState::Asking | AskState::Claiming) {
                self.plan_step(tx, one, &plan, (AskState::Lost, Some("check.plan_over".to_owned())))?;
            }
        }
        checks::erase_plan(tx, plan.id)?;
        self.log(tx, &[event]).map(drop)
    }

    /// A case was closed: its plans are over.
    pub(crate) fn end_plans_of(&self, tx: &mut dyn Tx, case: CaseId) -> Result<(), AppError> {
        loop {
            let alive = checks::plans_alive(tx, case)?;
            if alive.is_empty() {
                return Ok(());
            }
            for plan in alive {
                let event = Event::system("check.plan_over", plan.id).case(case).purpose(plan.purpose);
                let event = event.agreement(plan.agreement).verdict("CASE");
                self.plan_over(tx, plan, event)?;
            }
        }
    }

    /// The clock of plans: what is over is erased, who does not answer is told of, what was answered is forgotten in a day,
    /// what opens the questions of a plan goes a month after its end. Returns whether something was erased.
    pub(super) fn tick_plans(&self, tx: &mut dyn Tx, limit: u32) -> Result<bool, AppError> {
        let now = self.now();
        let mut erased = false;
        for plan in checks::plans_ended(tx, now, limit)? {
            let event = Event::system("check.plan_over", plan.id).case(plan.case).purpose(plan.purpose);
            let event = event.agreement(plan.agreement).verdict("RET");
            self.plan_over(tx, plan, event)?;
            erased = true;
        }
        for one in checks::asks_waiting(tx, now.minus(TELL), limit)? {
            if let Some(plan) = one.plan {
                self.alarm_on(tx, "check.plan_unasked", (&one.partner, plan), &plan.to_string())?;
            }
        }
        for mut one in checks::asks_received(tx, now.minus(ANSWERED), limit)? {
            checks::erase_ask(tx, one.id)?;
            one.state = AskState::Forgotten;
            checks::save_ask(tx, &one)?;
            erased = true;
        }
        for mut plan in checks::plans_over(tx, now.minus(KEPT), limit)? {
            for one in checks::asks_of(tx, plan.id)? {
                checks::erase_ask(tx, one.id)?;
            }
            plan.state = PlanState::Closed;
            checks::save_plan(tx, &plan)?;
            let event = Event::system("check.plan_closed", plan.id).case(plan.case).purpose(plan.purpose);
            self.log(tx, &[event.agreement(plan.agreement).verdict("RET")])?;
            erased = true;
        }
        Ok(erased)
    }

    /// What opens the commitment of a question about a plan of this node; none once it was destroyed.
    pub(super) fn plan_opening(
        &self,
        tx: &mut dyn Tx,
        number: ObjectId,
    ) -> Result<Option<mithaq_store::Plain>, AppError> {
        let own = checks::plan_ask(tx, number)?.is_some_and(|one| one.direction == Direction::Own);
        if own { Ok(checks::ask_content(tx, &self.vault, number)?) } else { Ok(None) }
    }
}
