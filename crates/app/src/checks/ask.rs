//! The asking side, before anything leaves: written by an officer, authorised by a supervisor, decided by this node's own
//! policy, charged to its own count of the partner's budgets, logged.

use mithaq_check::{AskError, CheckState, Counters, Opening, Party, Pending, Question, Token, tokens};
use mithaq_check::{Known as Facts, charge};
use mithaq_db::Tx;
use mithaq_model::{
    AgreementId, CaseId, Days, ObjectId, OfficerId, PartyId, Purpose, SubjectClass, SubjectId,
};
use mithaq_policy::{CheckFacts, CheckPermit, Refusal, Side, Work, permit_check};
use mithaq_store::checks::budget::{self, Account};
use mithaq_store::checks::{self, Check};
use mithaq_store::reports::Direction;
use mithaq_store::subjects;

use super::left::OFFICER;
use super::resume::CASE;
use super::standing::NewStanding;
use super::{Ends, Underway, agreed, day, pseudonym, usable, wire};
use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, words};
use crate::log::Event;
use crate::ports::{fresh, random};
use crate::registry::Known;
use crate::rights::{May, intent};

/// The same subject is not asked about again, for the same case and of the same partner, within this time.
const NOT_AGAIN: Days = Days(7);
/// Most evaluations of one check: its request and its answer fit the line's longest body.
const QUERIES_MAX: usize = 32_768;

/// What is asked.
#[derive(Debug, Clone)]
pub struct NewCheck {
    /// Agreement.
    pub agreement: AgreementId,
    /// Who is asked.
    pub partner: PartyId,
    /// In what capacity the persons appear.
    pub class: SubjectClass,
    /// The persons, of the case.
    pub subjects: Vec<SubjectId>,
    /// Reference of the warrant: for wanted persons, and for a standing check.
    pub warrant: Option<String>,
    /// The question shall stay with the partner.
    pub standing: Option<NewStanding>,
}

/// The refusal of a check by the rules, with its words.
pub(super) fn refused(refusal: &Refusal) -> AppError {
    AppError::refused(
        format!("check.{}", refusal.code()),
        *refusal.words(),
        refusal.step(),
        refusal.clause().map(ToOwned::to_owned),
        refusal.ground(),
    )
}

/// What a check is decided on.
pub(super) fn facts(
    (side, work): (Side, Work),
    (asking, asked): (&PartyId, &PartyId),
    rule_set: AgreementId,
    (purpose, class, subjects): (Purpose, SubjectClass, u32),
    token_policy: [u8; 32],
) -> CheckFacts {
    CheckFacts {
        side,
        work,
        rule_set,
        // A check shows nothing of what is held.
        hold: false,
        asking: asking.clone(),
        asked: asked.clone(),
        purpose,
        class,
        subjects,
        token_policy,
    }
}

impl App {
    /// Writes a check as a draft. Nothing is computed and nothing leaves.
    ///
    /// # Errors
    /// When this node's own policy says no, a subject is not of the case or of another class, a wanted person has no
    /// warrant, or the same was asked within seven days.
    pub fn draft_check(
        &self,
        may: May<intent::AskCheck>,
        access: &CaseAccess,
        new: NewCheck,
    ) -> Result<ObjectId, AppError> {
        self.draft_one(may, access, new, None)
    }

    /// As [`App::draft_check`]; `joint`: the number of the question to several partners it is part of.
    pub(super) fn draft_one(
        &self,
        may: May<intent::AskCheck>,
        access: &CaseAccess,
        new: NewCheck,
        joint: Option<ObjectId>,
    ) -> Result<ObjectId, AppError> {
        self.own_access(may, access)?;
        let number: ObjectId = fresh(&*self.entropy)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        let ends = (new.agreement, new.partner.clone());
        let access = access.clone();
        self.attempt(tried, move |app, tx| {
            let check = Check { joint, ..app.drafted(tx, (number, may.actor()), (case, purpose), &new)? };
            checks::add(tx, &check, &new.subjects)?;
            if let Some(standing) = new.standing {
                app.draft_standing(tx, &check, standing)?;
            }
            let event = Event::by(may, "check.drafted", number).case(case).purpose(purpose);
            let names = app.names_asked(tx, &new.subjects)?;
            let own_name = app.justify(tx, &access, ("check.drafted", number), &names)?;
            let event = event.agreement(check.agreement).with(&check.partner);
            app.log(tx, &[event].into_iter().chain(own_name).collect::<Vec<_>>())?;
            Ok(())
        })?;
        // A set is asked for at once: it is needed when somebody authorises.
        self.checks.open().next_set.remove(&ends);
        self.wake();
        Ok(number)
    }

    fn drafted(
        &self,
        tx: &mut dyn Tx,
        (number, author): (ObjectId, OfficerId),
        (case, purpose): (CaseId, Purpose),
        new: &NewCheck,
    ) -> Result<Check, AppError> {
        let known = self.known(new.agreement)?;
        let warrant = new.warrant.as_deref().map(|text| self.reference(text)).transpose()?;
        if new.class == SubjectClass::Wanted && warrant.is_none() {
            return Err(AppError::invalid("warrant")
                .hint("a wanted person is asked about under a warrant: give its reference"));
        }
        let mut distinct = new.subjects.clone();
        distinct.sort();
        distinct.dedup();
        if distinct.len() != new.subjects.len() {
            return Err(AppError::invalid("subjects").hint("name each subject once"));
        }
        let count = u32::try_from(new.subjects.len()).unwrap_or(u32::MAX);
        self.permit_own(&known, &new.partner, (purpose, new.class, count))?;
        let ends = (new.agreement, new.partner.clone());
        self.askable(tx, &new.subjects, (case, new.class), &ends)?;
        Ok(Check {
            id: number,
            direction: Direction::Own,
            partner: new.partner.clone(),
            agreement: new.agreement,
            case,
            purpose,
            class: new.class,
            officer: pseudonym(OFFICER, &new.agreement, &new.partner, author.as_bytes()),
            author: Some(author),
            authoriser: None,
            warrant,
            subjects: count,
            queries: 0,
            epoch: 0,
            state: CheckState::Draft,
            outcome: None,
            commitment: None,
            digest: None,
            created: self.now(),
            asked: None,
            ended: None,
            claims: None,
            hits: 0,
            confirmed: 0,
            rejected: 0,
            joint: None,
            version: 1,
        })
    }

    fn permit_own(
        &self,
        known: &Known,
        partner: &PartyId,
        what: (Purpose, SubjectClass, u32),
    ) -> Result<CheckPermit, AppError> {
        let (_, policy) = agreed(known)?;
        // The access to the case was proven by whoever calls: open, assigned, for this purpose.
        let work = Work { role_may: true, case_open: true, case_assigned: true };
        let rule_set = known.agreement().id();
        let facts = facts((Side::Sender, work), (&self.party, partner), rule_set, what, policy.hash());
        permit_check(&known.rules, &known.standing, &facts, self.now()).map_err(|no| refused(&no))
    }

    /// Every subject is of the case and the class, has something that may be asked, and was not asked about lately.
    fn askable(
        &self,
        tx: &mut dyn Tx,
        numbers: &[SubjectId],
        (case, class): (CaseId, SubjectClass),
        ends: &Ends,
    ) -> Result<Vec<mithaq_model::Subject>, AppError> {
        let now = self.now();
        let since = now.minus(NOT_AGAIN);
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            let of_case = subjects::cases_of(tx, *number)?.contains(&case);
            let subject = if of_case { self.stored_subject(tx, *number)? } else { None };
            let subject = subject.ok_or_else(AppError::not_found)?;
            if subject.class() != Some(class) {
                let no = AppError::refused("check.CAT", words::CHECK_CLASS, 4, None, None);
                return Err(no.hint("all subjects of a check are of the class it names"));
            }
            if checks::asked_since(tx, (*number, case), (&ends.0, &ends.1), since)? {
                return Err(AppError::conflict("check.repeated").hint("the same was asked within seven days"));
            }
            let usable = usable(&subject, &self.party, now)
                .ok_or_else(|| AppError::refused("check.CAT", words::CHECK_CLASS, 4, None, None))?;
            found.push(usable);
        }
        Ok(found)
    }

    /// Authorises a check that somebody else wrote: decided, charged, committed to, logged; then it leaves. Returns how
    /// many evaluations it costs.
    ///
    /// # Errors
    /// When the same person wrote it, the policy says no, a budget is used up, the partner's tag set is not here yet, or
    /// no subject has a second identifier.
    pub fn authorise_check(
        &self,
        may: May<intent::AuthoriseCheck>,
        access: &CaseAccess,
        number: ObjectId,
    ) -> Result<u32, AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let (seed, salt) = (random::<32>(&*self.entropy)?, random::<32>(&*self.entropy)?);
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        let (ends, pending) = self.attempt(tried, move |app, tx| {
            let check = app.check_locked(tx, number)?;
            if check.direction != Direction::Own || (check.case, check.purpose) != (case, purpose) {
                return Err(AppError::not_found());
            }
            app.authorise_in(tx, may, check, (seed, salt))
        })?;
        // From here on it is durable, and only now it may leave. If this process ends, another takes it up.
        let queries = u32::try_from(pending.request().elements.len()).unwrap_or(u32::MAX);
        self.checks.open().underway.insert(wire(number), (ends, Underway::Asking(Box::new(pending))));
        self.wake();
        Ok(queries)
    }

    fn authorise_in(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::AuthoriseCheck>,
        mut check: Check,
        random: ([u8; 32], [u8; 32]),
    ) -> Result<(Ends, Pending), AppError> {
        if check.state != CheckState::Draft {
            return Err(AppError::conflict("check.not_draft"));
        }
        if check.author == Some(may.actor()) {
            return Err(AppError::refused("check.two_persons", words::TWO_PERSONS, 1, None, None));
        }
        let known = self.known(check.agreement)?;
        let permit = self.permit_own(&known, &check.partner, (check.purpose, check.class, check.subjects))?;
        let pending = self.question(tx, &check, &permit, random)?;
        let queries = u32::try_from(pending.request().elements.len()).unwrap_or(u32::MAX);
        self.charge_own(tx, &permit, &check, queries)?;
        let (request, opening) = (pending.request(), pending.opening());
        check.authoriser = Some(may.actor());
        check.queries = queries;
        check.epoch = request.epoch;
        check.asked = Some(request.created);
        check.state = CheckState::Executing;
        check.commitment = Some(request.commitment);
        check.digest = Some(request.digest());
        checks::save(tx, &check)?;
        checks::put_opening(tx, &self.vault, check.id, &Opening::to_bytes(opening))?;
        let event = |kind: &str, hash| {
            let event = Event::by(may, kind, check.id).case(check.case).purpose(check.purpose);
            event.agreement(check.agreement).with(&check.partner).commitment(hash)
        };
        let asked = event("check.asked", request.commitment).verdict(format!("evaluations:{queries}"));
        let sent = event("check.sent", request.digest());
        let ends = (check.agreement, check.partner.clone());
        let stays = self.authorise_standing(tx, &check, may)?;
        self.log(tx, &[asked, sent].into_iter().chain(stays).collect::<Vec<_>>())?;
        Ok((ends, pending))
    }

    fn question(
        &self,
        tx: &mut dyn Tx,
        check: &Check,
        permit: &CheckPermit,
        (seed, salt): ([u8; 32], [u8; 32]),
    ) -> Result<Pending, AppError> {
        let (_, policy) = agreed(&*self.known(check.agreement)?)?;
        let ends = (check.agreement, check.partner.clone());
        let none = || {
            AppError::conflict("check.no_set")
                .hint("the partner's tag set is not here yet, or is over; `mithaq check sets` shows it")
        };
        let set = self.check_set(tx, &ends, false)?.ok_or_else(none)?;
        let numbers: Vec<SubjectId> =
            checks::subjects(tx, check.id)?.into_iter().map(|(number, _)| number).collect();
        let found = self.askable(tx, &numbers, (check.case, check.class), &ends)?;
        let made: Vec<Vec<Token>> =
            found.iter().map(|one| tokens(&policy, Party::Asking, &Facts::of(one))).collect();
        let case = pseudonym(CASE, &check.agreement, &check.partner, check.case.as_bytes());
        let question = Question {
            permit,
            set: &set.header,
            check: wire(check.id),
            case: CaseId::new(case),
            officer: check.officer,
            subjects: &made,
            seed,
            salt,
            now: self.now(),
        };
        let pending = mithaq_check::ask(&question).map_err(|error| match error {
            AskError::NoTokens => AppError::invalid("subjects")
                .hint("neither a name alone nor a number alone makes a token: `mithaq check tokens explain` says what each person lacks"),
            AskError::TooMany => AppError::too_much("check.too_many"),
            AskError::Epoch | AskError::Permit => none(),
            AskError::Wire(_) | AskError::Replay | AskError::Oprf(_) | AskError::Refused(_) => {
                AppError::bug("check.ask")
            }
            _newer => AppError::bug("check.ask"),
        })?;
        if pending.request().elements.len() > QUERIES_MAX {
            return Err(AppError::too_much("check.too_many").hint("ask about fewer subjects at once"));
        }
        Ok(pending)
    }

    /// This node's own count of what it spends at the partner: who would be refused there does not ask.
    fn charge_own(
        &self,
        tx: &mut dyn Tx,
        permit: &CheckPermit,
        check: &Check,
        queries: u32,
    ) -> Result<(), AppError> {
        let account = Account {
            agreement: check.agreement,
            partner: check.partner.clone(),
            own: true,
            day: day(self.now()),
            officer: check.officer,
            case: *check.case.as_bytes(),
        };
        let counters: Counters = budget::locked(tx, &account)?;
        let charged = charge(permit.terms(), counters, queries).map_err(|exceeded| {
            AppError::refused("check.BUD", words::CHECK_BUDGET, 13, None, None).because(exceeded)
        })?;
        Ok(budget::save(tx, &account, &charged)?)
    }
}
