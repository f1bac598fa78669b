//! After the hit: a person on each side compares minimal discriminators and says *same* or *other*; both *same* leads into
//! the ordinary release within 48 hours; one *other* ends it and counts in the figures. Then it is closed: salts, tokens,
//! handles and what was shown are destroyed.

use mithaq_check::follow::{CORE_WITHIN, Event as Step, Of, Released, Stage, Verdict, overdue, step};
use mithaq_check::{CheckState, Shown, Strength, Word};
use mithaq_db::Tx;
use mithaq_model::{
    Days, Id16 as _, Millis, ObjectId, PartyId, RefusalGround, ReportId, Role, SubjectId, Text,
};
use mithaq_store::checks::{self, Candidate, Check, StandingState, StoredStanding, budget};
use mithaq_store::reports::Direction;
use mithaq_store::{cases, disclosures, subjects};

use super::line::base;
use super::{day, usable, wire};
use crate::App;
use crate::cases::CaseAccess;
use crate::drafts::damaged;
use crate::error::{AppError, words};
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::rights::{May, intent};

/// How long a check that has an outcome is kept before it closes by itself: oversight can open it until then.
const KEPT: Days = Days(30);
/// How long what this side said of a candidate waits for a partner that cannot be told.
const UNTOLD: Days = Days(60);
/// How long a check waits for the partner.
const PATIENCE: Millis = Millis::hours(24);
/// Checks handled at once by the timer.
const CHORES: u32 = 1_000;

/// What a person found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedAs {
    /// The same person.
    Same,
    /// Another person.
    Other,
    /// The person was cleared as another one, at whatever stage (limit L18).
    Cleared,
}

/// What a side did after both said the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A report went to the partner by the ordinary release.
    Report(ReportId),
    /// Nothing is released, on a ground of the agreement's list.
    Refusal(RefusalGround),
}

/// A check with its subjects and candidates.
#[derive(Debug, Clone)]
pub struct CheckShown {
    /// Where it stands.
    pub check: Check,
    /// This node's subjects it is about, with the band of those that hit; none on the asked side.
    pub subjects: Vec<(SubjectId, Option<Strength>)>,
    /// Candidates, with what each side shows: its own, the partner's.
    pub candidates: Vec<(Candidate, Option<Shown>, Option<Shown>)>,
    /// Its standing check, if it has one.
    pub standing: Option<StoredStanding>,
}

impl App {
    /// Lists the newest checks, without persons.
    ///
    /// # Errors
    /// When the store fails.
    pub fn checks(&self, may: May<intent::ReadCheck>, direction: Direction) -> Result<Vec<Check>, AppError> {
        self.read(move |_app, tx| Ok(checks::list(tx, direction, may.sight(), 1_000)?))
    }

    /// Shows a check with its candidates, with a reason, logged. Who works the case sees what was shown of candidates;
    /// the desk and the data-protection officer see where they stand.
    ///
    /// # Errors
    /// When there is no such check open to this person.
    pub fn show_check(
        &self,
        may: May<intent::ReadCheck>,
        number: ObjectId,
        reason: &Text,
    ) -> Result<CheckShown, AppError> {
        let (salt, reason) = (random::<32>(&*self.entropy)?, crate::cases::reason(reason)?);
        self.attempt(Event::refused(may, number), move |app, tx| {
            let outcome = app.shown_check(tx, may, number);
            let verdict = outcome.as_ref().map_or_else(|no| no.code().to_owned(), |_| "permit".to_owned());
            let committed = Committed::to(number, 0, salt, reason.reveal().as_bytes());
            app.log(tx, &[Event::by(may, "check.read", number).committed(committed).verdict(verdict)])?;
            Ok(outcome)
        })?
    }

    fn shown_check(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReadCheck>,
        number: ObjectId,
    ) -> Result<CheckShown, AppError> {
        let check = checks::get(tx, number)?.ok_or_else(AppError::not_found)?;
        let found = checks::candidates(tx, number)?;
        let works = self.works(tx, may, &check, &found)?;
        if !works && !matches!(may.role(), Role::Spoc | Role::Dpo) {
            return Err(AppError::not_found());
        }
        let mut candidates = Vec::with_capacity(found.len());
        for one in found {
            let (ours, theirs) =
                if works { (self.shown_of(tx, &one)?, self.shown_by(tx, &one)?) } else { (None, None) };
            candidates.push((one, ours, theirs));
        }
        let subjects = if works { checks::subjects(tx, number)? } else { Vec::new() };
        let standing = checks::standing(tx, number)?;
        Ok(CheckShown { check, subjects, candidates, standing })
    }

    /// Whether a person works the case of a check, or of a subject that met.
    fn works(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReadCheck>,
        check: &Check,
        candidates: &[Candidate],
    ) -> Result<bool, AppError> {
        if check.direction == Direction::Own {
            return Ok(cases::is_assigned(tx, check.case, may.actor())?);
        }
        for one in candidates {
            for case in subjects::cases_of(tx, one.subject)? {
                if cases::is_assigned(tx, case, may.actor())? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Returns what opens a check of this node ([`mithaq_check::Opened`]), or the commitment of a question about a plan, for
    /// oversight: with it, its body shows the partner's that what was evaluated is what was logged, and nothing else. Logged,
    /// with a reason.
    ///
    /// # Errors
    /// When there is none, or it was destroyed.
    pub fn check_opening(
        &self,
        may: May<intent::ReadLog>,
        number: ObjectId,
        reason: &Text,
    ) -> Result<Vec<u8>, AppError> {
        let (salt, reason) = (random::<32>(&*self.entropy)?, crate::cases::reason(reason)?);
        self.attempt(Event::refused(may, number), move |app, tx| {
            let opened = match app.opened_check(tx, number)? {
                Some(opened) => opened,
                None => app.plan_opening(tx, number)?.ok_or_else(AppError::not_found)?.to_vec(),
            };
            let committed = Committed::to(number, 0, salt, reason.reveal().as_bytes());
            app.log(tx, &[Event::by(may, "check.opened", number).committed(committed)])?;
            Ok(opened)
        })
    }

    /// A person of this node begins to compare: from now on the partner is shown the years of birth and the sex of this
    /// node's subject, and nothing else.
    ///
    /// # Errors
    /// When there is no such candidate of the case, or the agreement is not in force.
    pub fn compare_candidate(
        &self,
        may: May<intent::JudgeCheck>,
        access: &CaseAccess,
        (number, handle): (ObjectId, ObjectId),
    ) -> Result<(), AppError> {
        self.candidate_step(may, access, (number, handle), move |app, tx, check, mut one| {
            if !app.known(check.agreement)?.standing.is_in_force(app.now()) {
                return Err(AppError::refused("check.AGR", words::CHECK_NOT_AGREED, 3, None, None));
            }
            if !matches!(one.stage, Stage::PossibleHit { .. }) {
                return Err(AppError::conflict("check.stage"));
            }
            (one.compared, one.told) = (true, false);
            checks::save_candidate(tx, &one)?;
            Ok(vec![by(may, "check.compared", &check)])
        })
    }

    /// Says whether the candidate is the same person.
    ///
    /// # Errors
    /// When nobody of this node compares, the partner has shown nothing yet to say *same* to, or this side has spoken.
    pub fn judge_candidate(
        &self,
        may: May<intent::JudgeCheck>,
        access: &CaseAccess,
        (number, handle): (ObjectId, ObjectId),
        judged: JudgedAs,
    ) -> Result<(), AppError> {
        self.candidate_step(may, access, (number, handle), move |app, tx, mut check, mut one| {
            let compared = one.compared && app.shown_by(tx, &one)?.is_some();
            if judged == JudgedAs::Same && !compared {
                return Err(AppError::conflict("check.not_compared").hint(
                    "`mithaq check compare` first, on both sides: nobody confirms what was not looked at",
                ));
            }
            let (event, verdict) = match judged {
                JudgedAs::Same => (Step::Judged(Verdict::Same, may.actor()), "same"),
                JudgedAs::Other => (Step::Judged(Verdict::Other, may.actor()), "other"),
                JudgedAs::Cleared => (Step::Deconfirmed, "cleared"),
            };
            let mut events = vec![by(may, "check.judged", &check).verdict(verdict)];
            app.stepped(tx, &mut check, &mut one, (event, &mut events))?;
            one.told = false;
            checks::save_candidate(tx, &one)?;
            Ok(events)
        })
    }

    /// Says what this side did after both said the same person: a report that went out, or a refusal.
    ///
    /// # Errors
    /// When both have not confirmed, the report did not go to the partner under the agreement or names another subject,
    /// or the ground is not of the agreement's list.
    pub fn release_candidate(
        &self,
        may: May<intent::JudgeCheck>,
        access: &CaseAccess,
        (number, handle): (ObjectId, ObjectId),
        outcome: Outcome,
    ) -> Result<(), AppError> {
        self.candidate_step(may, access, (number, handle), move |app, tx, mut check, mut one| {
            let (released, verdict) = match outcome {
                Outcome::Report(report) => {
                    let went = disclosures::of_object(tx, report.into())?;
                    let to = |d: &disclosures::Disclosure| {
                        d.recipient == check.partner && d.agreement == check.agreement && d.sent >= one.since
                    };
                    if !went.iter().any(to) {
                        return Err(AppError::conflict("check.report_not_released")
                            .hint("release the report to the partner first, under the same agreement"));
                    }
                    one.report = Some(report);
                    (Released::Report, "report".to_owned())
                }
                Outcome::Refusal(ground) => {
                    let known = app.known(check.agreement)?;
                    if !known.agreement().refusal_grounds.contains(&ground) {
                        return Err(
                            AppError::invalid("ground").hint("the agreement lists the grounds of refusal")
                        );
                    }
                    one.ground = Some(ground.code().to_owned());
                    (Released::Refusal, ground.code().to_owned())
                }
            };
            let mut events = vec![by(may, "check.released", &check).verdict(verdict)];
            app.stepped(tx, &mut check, &mut one, (Step::Released(Of::Ours, released), &mut events))?;
            one.told = false;
            checks::save_candidate(tx, &one)?;
            Ok(events)
        })
    }

    /// One step about a candidate: of the case, locked, stored with its entries, then told to the partner.
    fn candidate_step(
        &self,
        may: May<intent::JudgeCheck>,
        access: &CaseAccess,
        (number, handle): (ObjectId, ObjectId),
        change: impl FnOnce(&Self, &mut dyn Tx, Check, Candidate) -> Result<Vec<Event>, AppError>
        + Clone
        + Send
        + 'static,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        let partner = self.attempt(tried, move |app, tx| {
            let check = app.check_locked(tx, number)?;
            let one = checks::candidate(tx, number, handle)?.ok_or_else(AppError::not_found)?;
            let of_case = match check.direction {
                Direction::Own => check.case == case,
                Direction::Received => subjects::cases_of(tx, one.subject)?.contains(&case),
            };
            if !of_case {
                return Err(AppError::not_found());
            }
            let partner = check.partner.clone();
            let events = change(app, tx, check, one)?;
            let events: Vec<Event> =
                events.into_iter().map(|event| event.case(case).purpose(purpose)).collect();
            app.log(tx, &events)?;
            Ok(partner)
        })?;
        self.checks.open().next_word.remove(&partner);
        self.wake();
        Ok(())
    }

    /// Takes a step, counts an outcome, and says what became of it.
    fn stepped(
        &self,
        tx: &mut dyn Tx,
        check: &mut Check,
        one: &mut Candidate,
        (event, events): (Step, &mut Vec<Event>),
    ) -> Result<(), AppError> {
        let before = one.stage;
        one.stage = step(before, event, one.since, self.now()).map_err(|no| {
            AppError::conflict(match no {
                mithaq_check::follow::FollowError::Twice => "check.spoken",
                mithaq_check::follow::FollowError::Stage | _ => "check.stage",
            })
        })?;
        let (old, new) = (before.figure(), one.stage.figure());
        if old == new {
            return Ok(());
        }
        if old == Some(Verdict::Same) {
            check.confirmed = check.confirmed.saturating_sub(1);
        }
        let kind = match new {
            Some(Verdict::Same) => {
                check.confirmed = check.confirmed.saturating_add(1);
                let own = check.direction == Direction::Own;
                budget::shown_hit(tx, &check.agreement, &check.partner, own)?;
                "check.confirmed"
            }
            Some(Verdict::Other) => {
                check.rejected = check.rejected.saturating_add(1);
                self.keep_cleared(tx, check, one)?;
                "check.rejected"
            }
            None => return Ok(()),
        };
        checks::save(tx, check)?;
        check.version = check.version.saturating_add(1);
        events.push(base(kind, check).with(&check.partner).verdict(one.strength.code()));
        Ok(())
    }

    /// This side's word about a candidate.
    pub(super) fn word(&self, tx: &mut dyn Tx, one: &Candidate) -> Result<Word, AppError> {
        let verdict = match one.stage {
            Stage::PossibleHit { ours, .. } => ours.map(|(said, _)| said),
            Stage::Confirmed { .. } | Stage::CoreExchanged => Some(Verdict::Same),
            Stage::Rejected => Some(Verdict::Other),
            Stage::Aborted | Stage::Closed => None,
        };
        let released = match (one.report.is_some(), one.ground.is_some()) {
            (true, _) => Some(Released::Report),
            (false, true) => Some(Released::Refusal),
            (false, false) => None,
        };
        let shown = self.shown_of(tx, one)?;
        Ok(Word { check: wire(one.check), handle: wire(one.handle), shown, verdict, released })
    }

    /// What this side shows, once a person compares; nothing of a subject that is gone.
    fn shown_of(&self, tx: &mut dyn Tx, one: &Candidate) -> Result<Option<Shown>, AppError> {
        if !one.compared {
            return Ok(None);
        }
        let Some(subject) = self.stored_subject(tx, one.subject)? else { return Ok(None) };
        Ok(usable(&subject, &self.party, self.now()).map(|subject| Shown::of(&subject)))
    }

    /// What the partner showed.
    fn shown_by(&self, tx: &mut dyn Tx, one: &Candidate) -> Result<Option<Shown>, AppError> {
        let bytes = checks::shown(tx, &self.vault, (one.check, one.handle))?;
        let read = bytes.map(|bytes| Shown::from_bytes(&bytes));
        read.transpose().map_err(|error| damaged("check_candidate", error))
    }

    /// Takes the partner's word about a candidate and returns this side's. What it says again changes nothing, and it
    /// cannot take back what it said.
    pub(super) fn take_word(&self, theirs: Word, peer: &PartyId) -> Result<Word, AppError> {
        self.hear(theirs, peer, None)
    }

    /// As [`App::take_word`], as the answer to a word that was sent.
    pub(super) fn hear(&self, theirs: Word, peer: &PartyId, sent: Option<Vec<u8>>) -> Result<Word, AppError> {
        let peer = peer.clone();
        self.write(move |app, tx| {
            let (number, handle) = (ObjectId::new(theirs.check), ObjectId::new(theirs.handle));
            let check = checks::locked(tx, number)?.filter(|check| check.partner == peer);
            let mut check = check.ok_or_else(AppError::not_found)?;
            let mut one = checks::candidate(tx, number, handle)?.ok_or_else(AppError::not_found)?;
            let before = one.clone();
            let mut events = Vec::new();
            if let Some(shown) = &theirs.shown
                && app.shown_by(tx, &one)?.is_none()
            {
                checks::show(tx, &app.vault, (number, handle), &shown.to_bytes())?;
                events.push(base("check.shown", &check).with(&peer));
            }
            for said in app.said(&theirs, &one) {
                app.stepped(tx, &mut check, &mut one, (said, &mut events))?;
            }
            let word = app.word(tx, &one)?;
            if let Some(sent) = sent {
                // Told when nothing was said here since it left.
                one.told = word.to_bytes() == sent || one.told;
            }
            if one != before {
                checks::save_candidate(tx, &one)?;
            }
            if !events.is_empty() {
                app.log(tx, &events)?;
            }
            Ok(word)
        })
    }

    /// What of the partner's word is new at this stage.
    fn said(&self, theirs: &Word, one: &Candidate) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut stage = one.stage;
        let mut take = |event: Step, stage: &mut Stage| {
            if let Ok(next) = step(*stage, event, one.since, self.now())
                && next != *stage
            {
                *stage = next;
                steps.push(event);
            }
        };
        match (theirs.verdict, stage) {
            (Some(verdict), Stage::PossibleHit { .. }) => take(Step::PartnerJudged(verdict), &mut stage),
            // Cleared there after both had confirmed.
            (Some(Verdict::Other), Stage::Confirmed { .. } | Stage::CoreExchanged) => {
                take(Step::Deconfirmed, &mut stage);
            }
            _nothing_new => {}
        }
        if let Some(released) = theirs.released {
            take(Step::Released(Of::Theirs, released), &mut stage);
        }
        steps
    }

    /// Closes a check that has its outcome: salts, tokens, stored answers, handles and what was shown are destroyed.
    ///
    /// # Errors
    /// When it has not ended, or a candidate has no outcome yet.
    pub fn close_check(&self, may: May<intent::CloseCheck>, number: ObjectId) -> Result<(), AppError> {
        self.attempt(Event::refused(may, number), move |app, tx| {
            let check = app.check_locked(tx, number)?;
            let event = by(may, "check.closed", &check);
            app.close_in(tx, check, event)
        })?;
        self.forget_check(number);
        self.wipe();
        Ok(())
    }

    fn close_in(&self, tx: &mut dyn Tx, mut check: Check, event: Event) -> Result<(), AppError> {
        // Who asked tells; who was asked is asked.
        let untold = |one: &Candidate| check.direction == Direction::Own && !one.told;
        let open =
            |one: &Candidate| step(one.stage, Step::Close, one.since, self.now()).is_err() || untold(one);
        let draft = check.state == CheckState::Draft;
        if !(check.state.has_ended() || draft) || checks::candidates(tx, check.id)?.iter().any(open) {
            return Err(AppError::conflict("check.not_ended").hint("each candidate needs an outcome first"));
        }
        if checks::standing(tx, check.id)?.is_some_and(|one| stays(one.state)) {
            return Err(AppError::conflict("check.standing_lives").hint(
                "its question stays with the partner: `mithaq check standing end` first, or wait for its end",
            ));
        }
        check.state = CheckState::Closed;
        check.ended = check.ended.or_else(|| Some(self.now()));
        checks::save(tx, &check)?;
        checks::destroy(tx, check.id)?;
        self.log(tx, &[event]).map(drop)
    }

    /// The clock of checks: what no process carries is taken up, what waits too long is aborted, candidates nobody looks at
    /// end, core data that is overdue is an alarm, what ended a month ago is closed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tick_checks(&self) -> Result<(), AppError> {
        let executing = self.read(|_app, tx| Ok(checks::in_state(tx, CheckState::Executing, CHORES)?))?;
        for check in executing {
            let here = self.checks.open().underway.contains_key(&check.id.to_bytes());
            if self.now() >= check.asked.unwrap_or(check.created).plus(PATIENCE) {
                self.abort(check.id, "check.timeout", false)?;
            } else if !here {
                self.take_up_check(&check)?;
            }
        }
        let erased = self.write(|app, tx| {
            // Nothing lapses or is overdue earlier.
            for one in checks::candidates_waiting(tx, app.now().minus(CORE_WITHIN), CHORES)? {
                app.tick_candidate(tx, &one)?;
            }
            app.tick_standings(tx, CHORES)?;
            let erased = app.tick_plans(tx, CHORES)?;
            let past = app.now().minus(KEPT);
            for check in checks::ended_before(tx, past, CHORES)? {
                let event = base("check.closed", &check).verdict("RET");
                match app.close_in(tx, check, event) {
                    // Another process was at it meanwhile.
                    Err(error) if matches!(error.code(), "check.not_ended" | "check.standing_lives") => {}
                    done => done?,
                }
            }
            budget::forget(tx, day(app.now()).saturating_sub(1))?;
            checks::forget_cleared(tx, app.now())?;
            Ok(erased)
        })?;
        if erased {
            self.wipe();
        }
        self.refresh_check_sets()
    }

    fn tick_candidate(&self, tx: &mut dyn Tx, seen: &Candidate) -> Result<(), AppError> {
        // The check before its candidate, always: two jobs never wait for each other.
        let check = self.check_locked(tx, seen.check)?;
        let Some(mut one) = checks::candidate(tx, seen.check, seen.handle)? else { return Ok(()) };
        let now = self.now();
        if overdue(&one.stage, now) {
            self.alarm_on(tx, "check.core_overdue", (&check.partner, check.id), &one.handle.to_string())?;
        }
        let next = step(one.stage, Step::Tick, one.since, now).unwrap_or(one.stage);
        // Who asked tells what was said; a partner that is never there again is not waited for either.
        let untold = check.direction == Direction::Own && !one.told && now >= one.since.plus(UNTOLD);
        if next == one.stage && !untold {
            return Ok(());
        }
        let kind = if next == one.stage { "check.untold" } else { "check.lapsed" };
        (one.stage, one.told) = (next, true);
        checks::save_candidate(tx, &one)?;
        self.log(tx, &[base(kind, &check).with(&check.partner)]).map(drop)
    }
}

/// Whether a standing check has yet to be ended.
const fn stays(state: StandingState) -> bool {
    match state {
        StandingState::Asked
        | StandingState::Placing
        | StandingState::Placed
        | StandingState::Renewing
        | StandingState::Ending => true,
        StandingState::Draft | StandingState::Refused | StandingState::Over => false,
    }
}

/// An entry about a check that a person makes.
fn by<I: crate::rights::Intent>(may: May<I>, kind: &str, check: &Check) -> Event {
    Event::by(may, kind, check.id).agreement(check.agreement).with(&check.partner)
}
