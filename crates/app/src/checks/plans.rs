//! Deconfliction of planned actions, the planners: a plan is written by one person and authorised by another; then each party
//! of its agreement is asked whether it plans something near, and meets it when it asks. Both learn *conflict* and a point of
//! contact, nothing else. What a plan says is kept as coarse as it is compared.

use mithaq_check::event::{
    EVENT_CELLS, EVENT_PLANS_MAX, EventRequest, Plan, event_ask, event_opening, is_contact,
};
use mithaq_check::oprf::Element;
use mithaq_check::{Opening, charge};
use mithaq_db::Tx;
use mithaq_model::{
    AgreementId, CaseId, Coordinates, Days, Lang, ObjectId, PartyId, Purpose, Text, Timestamp,
};
use mithaq_policy::{EventFacts, PrivateCheck, Side, Work, permit_event};
use mithaq_store::checks::budget::{self, Account};
use mithaq_store::checks::{self, AskState, Conflict, PlanAsk, PlanState, StoredPlan};
use mithaq_store::reports::Direction;

use super::left::OFFICER;
use super::resume::CASE;
use super::{ask, day, pseudonym, wire};
use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, words};
use crate::log::Event;
use crate::ports::{fresh, random};
use crate::rights::{Intent, May, intent};

/// How far ahead a plan may begin.
const AHEAD: Days = Days(180);
/// What a question costs on either side: as many evaluations as it tests cells of the asked side.
pub(super) const COST: u32 = 27;
const _: () = assert!(COST as usize == EVENT_CELLS);

/// A planned action.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// Its parties are asked, and meet it.
    pub agreement: AgreementId,
    /// Where, in millionths of a degree: north, east.
    pub at: (i32, i32),
    /// When it begins.
    pub from: Timestamp,
    /// Whom a partner calls when plans meet: one line.
    pub contact: String,
}

/// A plan with what came of it.
#[derive(Debug, Clone)]
pub struct PlanShown {
    /// The plan.
    pub plan: StoredPlan,
    /// Where and when; none once it is over.
    pub planned: Option<Planned>,
    /// Who was asked, and where that is.
    pub asks: Vec<PlanAsk>,
    /// What met it, with the partner's point of contact.
    pub conflicts: Vec<(Conflict, String)>,
}

/// What a plan says.
#[derive(Clone, PartialEq, Eq)]
pub struct Planned {
    /// Where and when, as coarse as it is compared.
    pub plan: Plan,
    /// Whom to call.
    pub contact: String,
}

impl core::fmt::Debug for Planned {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<plan>")
    }
}

impl Planned {
    fn to_bytes(&self) -> Vec<u8> {
        let (at, from) = (self.plan.at, self.plan.from.as_millis());
        let mut out = [at.latitude_e6.to_be_bytes(), at.longitude_e6.to_be_bytes()].concat();
        out.extend(from.to_be_bytes());
        out.extend(self.contact.as_bytes());
        out
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (north, rest) = bytes.split_first_chunk::<4>()?;
        let (east, rest) = rest.split_first_chunk::<4>()?;
        let (from, contact) = rest.split_first_chunk::<8>()?;
        let at = place((i32::from_be_bytes(*north), i32::from_be_bytes(*east)))?;
        let plan = Plan { at, from: Timestamp::from_millis(i64::from_be_bytes(*from)) };
        Some(Self { plan, contact: String::from_utf8(contact.to_vec()).ok()? })
    }
}

/// A place on the globe.
fn place((north, east): (i32, i32)) -> Option<Coordinates> {
    let there = (-90_000_000..=90_000_000).contains(&north) && (-180_000_000..=180_000_000).contains(&east);
    there.then_some(Coordinates { latitude_e6: north, longitude_e6: east, precision_m: 10_000 })
}

impl App {
    /// This node's decision about a question of planned actions, on either side of it.
    pub(super) fn permit_plan(
        &self,
        agreement: AgreementId,
        (asking, asked): (&PartyId, &PartyId),
        purpose: Purpose,
    ) -> Result<Result<PrivateCheck, mithaq_policy::Refusal>, AppError> {
        let known = self.known(agreement)?;
        let own = *asking == self.party;
        // The access to the case was proven by whoever calls; on the asked side it is not this side's matter.
        let work = Work { role_may: own, case_open: own, case_assigned: own };
        let facts = EventFacts {
            side: if own { Side::Sender } else { Side::Receiver },
            work,
            rule_set: known.agreement().id(),
            asking: asking.clone(),
            asked: asked.clone(),
            purpose,
        };
        Ok(permit_event(&known.rules, &known.standing, &facts, self.now()))
    }

    fn plan_partners(&self, agreement: AgreementId) -> Result<Vec<PartyId>, AppError> {
        let known = self.known(agreement)?;
        Ok(known.agreement().partners(&self.party).cloned().collect())
    }

    /// Writes a planned action as a draft. Nobody meets it and nothing leaves.
    ///
    /// # Errors
    /// When place, time or contact are none, or the agreement provides for no deconfliction.
    pub fn draft_plan(
        &self,
        may: May<intent::AskCheck>,
        access: &CaseAccess,
        new: &NewPlan,
    ) -> Result<ObjectId, AppError> {
        self.own_access(may, access)?;
        let number: ObjectId = fresh(&*self.entropy)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        let new = new.clone();
        self.attempt(tried, move |app, tx| {
            let planned = app.planned(&new)?;
            for partner in app.plan_partners(new.agreement)? {
                let permit = app.permit_plan(new.agreement, (&app.party, &partner), purpose)?;
                permit.map_err(|no| ask::refused(&no))?;
            }
            let plan = StoredPlan {
                id: number,
                agreement: new.agreement,
                case,
                purpose,
                author: may.actor(),
                authoriser: None,
                state: PlanState::Draft,
                until: planned.plan.over(),
                over: None,
                version: 1,
            };
            checks::add_plan(tx, &app.vault, &plan, &planned.to_bytes())?;
            app.log(tx, &[by(may, "check.plan_drafted", &plan)])?;
            Ok(number)
        })
    }

    fn planned(&self, new: &NewPlan) -> Result<Planned, AppError> {
        let at = place(new.at)
            .ok_or_else(|| AppError::invalid("at").hint("degrees north and east, for example 35.78,-5.81"))?;
        let now = self.now();
        if new.from <= now || new.from > now.plus(AHEAD) {
            return Err(AppError::invalid("from").hint("a plan begins in the next 180 days"));
        }
        // Composed as the partner's node wants it, whatever the keyboard made.
        let line = Text::line(Lang::EN, &new.contact).map(|line| line.reveal().to_owned());
        let contact = line.ok().filter(|line| is_contact(line)).ok_or_else(|| {
            AppError::invalid("contact").hint("one line, 256 bytes at most: an office and how to reach it")
        })?;
        Ok(Planned { plan: Plan { at, from: new.from }.coarse(), contact })
    }

    /// Authorises a plan that somebody else wrote: every other party of its agreement is asked, and meets it from now on.
    /// Returns how many are asked.
    ///
    /// # Errors
    /// When the same person wrote it, it is no draft, its time has come, the policy says no, or a budget is used up.
    pub fn authorise_plan(
        &self,
        may: May<intent::AuthoriseCheck>,
        access: &CaseAccess,
        number: ObjectId,
    ) -> Result<usize, AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        let asked = self.attempt(tried, move |app, tx| {
            let mut plan = app.plan_of(tx, number, (case, purpose))?;
            if plan.state != PlanState::Draft {
                return Err(AppError::conflict("check.not_draft"));
            }
            if plan.author == may.actor() {
                return Err(AppError::refused("check.two_persons", words::TWO_PERSONS, 1, None, None));
            }
            let planned = app.planned_of(tx, number)?;
            if planned.plan.window().1 <= app.now() {
                return Err(AppError::conflict("check.plan_late").hint("its time has come: write it anew"));
            }
            plan.authoriser = Some(may.actor());
            plan.state = PlanState::Open;
            checks::save_plan(tx, &plan)?;
            let mut events = vec![by(may, "check.plan_opened", &plan)];
            let partners = app.plan_partners(plan.agreement)?;
            for partner in &partners {
                events.extend(app.ask_plan(tx, may, (&plan, &planned.plan), partner)?);
            }
            // After the budgets of the partners were locked: two at once do not pass it together.
            if app.open_plans_of(tx, plan.agreement)?.len() > EVENT_PLANS_MAX {
                return Err(AppError::too_much("check.plan_many")
                    .hint("128 plans are open under this agreement: take back what is over"));
            }
            app.log(tx, &events)?;
            Ok(partners.len())
        })?;
        self.wake();
        Ok(asked)
    }

    /// One question: decided, charged, kept so that it can be made again, and its entries.
    fn ask_plan(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::AuthoriseCheck>,
        (plan, planned): (&StoredPlan, &Plan),
        partner: &PartyId,
    ) -> Result<[Event; 2], AppError> {
        let permit = self.permit_plan(plan.agreement, (&self.party, partner), plan.purpose)?;
        let terms = permit.map_err(|no| ask::refused(&no))?;
        let account = Account {
            agreement: plan.agreement,
            partner: partner.clone(),
            own: true,
            day: day(self.now()),
            officer: pseudonym(OFFICER, &plan.agreement, partner, plan.author.as_bytes()),
            case: *plan.case.as_bytes(),
        };
        let counters = budget::locked(tx, &account)?;
        let charged = charge(&terms, counters, COST).map_err(|exceeded| {
            AppError::refused("check.BUD", words::CHECK_BUDGET, 13, None, None).because(exceeded)
        })?;
        budget::save(tx, &account, &charged)?;
        let number: ObjectId = fresh(&*self.entropy)?;
        let (seed, salt) = (random::<32>(&*self.entropy)?, random::<32>(&*self.entropy)?);
        let opening = event_opening(planned, seed, salt);
        let one = PlanAsk {
            id: number,
            direction: Direction::Own,
            partner: partner.clone(),
            agreement: plan.agreement,
            plan: Some(plan.id),
            state: AskState::Asking,
            outcome: None,
            digest: [0; 32],
            asked: self.now(),
            version: 1,
        };
        let request = self.plan_request(plan, &one, &opening)?;
        checks::add_ask(tx, &PlanAsk { digest: request.digest(), ..one })?;
        checks::put_ask_content(tx, &self.vault, number, &opening.to_bytes())?;
        let event = |kind: &str, hash| {
            let event = Event::by(may, kind, number).case(plan.case).purpose(plan.purpose);
            event.agreement(plan.agreement).with(partner).commitment(hash)
        };
        let asked = event("check.plan_asked", request.commitment).verdict(format!("evaluations:{COST}"));
        Ok([asked, event("check.plan_sent", request.digest())])
    }

    /// The request of a question: the same opening gives the same bytes, so that a restart changes nothing.
    pub(super) fn plan_request(
        &self,
        plan: &StoredPlan,
        one: &PlanAsk,
        opening: &Opening,
    ) -> Result<EventRequest, AppError> {
        let of = |context: &str, id: &[u8; 16]| pseudonym(context, &plan.agreement, &one.partner, id);
        let request = EventRequest {
            ask: wire(one.id),
            agreement: plan.agreement,
            asking: self.party.clone(),
            asked: one.partner.clone(),
            purpose: plan.purpose,
            case: of(CASE, plan.case.as_bytes()),
            officer: of(OFFICER, plan.author.as_bytes()),
            created: one.asked,
            commitment: [0; 32],
            element: Element([0; 32]),
        };
        event_ask(request, opening).map_err(|error| AppError::bug("check.plan").because(error))
    }

    /// The plans that are open under an agreement, one more than may be.
    pub(super) fn open_plans_of(
        &self,
        tx: &mut dyn Tx,
        agreement: AgreementId,
    ) -> Result<Vec<StoredPlan>, AppError> {
        Ok(checks::open_plans(tx, &agreement, self.now(), EVENT_PLANS_MAX.saturating_add(1))?)
    }

    fn plan_of(
        &self,
        tx: &mut dyn Tx,
        number: ObjectId,
        (case, purpose): (CaseId, Purpose),
    ) -> Result<StoredPlan, AppError> {
        let plan =
            checks::plan_locked(tx, number)?.filter(|plan| (plan.case, plan.purpose) == (case, purpose));
        plan.ok_or_else(AppError::not_found)
    }

    /// What a plan says.
    pub(super) fn planned_of(&self, tx: &mut dyn Tx, number: ObjectId) -> Result<Planned, AppError> {
        let bytes = checks::plan_content(tx, &self.vault, number)?.ok_or_else(AppError::not_found)?;
        Planned::from_bytes(&bytes).ok_or_else(|| AppError::bug("check.plan"))
    }

    /// Shows the plans of a case with what came of them. Logged.
    ///
    /// # Errors
    /// When the store fails.
    pub fn plans(&self, may: May<intent::WorkCase>, access: &CaseAccess) -> Result<Vec<PlanShown>, AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, case).case(case).purpose(purpose);
        self.attempt(tried, move |app, tx| {
            let mut shown = Vec::new();
            for plan in checks::plans_of(tx, case)? {
                let says = matches!(plan.state, PlanState::Draft | PlanState::Open);
                let planned = if says { Some(app.planned_of(tx, plan.id)?) } else { None };
                let asks = checks::asks_of(tx, plan.id)?;
                let conflicts = checks::conflicts_of(tx, &app.vault, plan.id)?;
                shown.push(PlanShown { plan, planned, asks, conflicts });
            }
            let event = Event::by(may, "check.plans_read", case).case(case).purpose(purpose);
            app.log(tx, &[event])?;
            Ok(shown)
        })
    }

    /// Takes a plan back: nobody meets it any more, and what it says is erased.
    ///
    /// # Errors
    /// When there is none of the case, or it is over.
    pub fn end_plan(
        &self,
        may: May<intent::AskCheck>,
        access: &CaseAccess,
        number: ObjectId,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        self.attempt(tried, move |app, tx| {
            let plan = app.plan_of(tx, number, (case, purpose))?;
            if matches!(plan.state, PlanState::Over | PlanState::Closed) {
                return Err(AppError::conflict("check.plan_over"));
            }
            let event = by(may, "check.plan_over", &plan);
            app.plan_over(tx, plan, event)
        })?;
        self.wipe();
        Ok(())
    }
}

/// An entry about a plan that a person makes.
fn by<I: Intent>(may: May<I>, kind: &str, plan: &StoredPlan) -> Event {
    Event::by(may, kind, plan.id).case(plan.case).purpose(plan.purpose).agreement(plan.agreement)
}
