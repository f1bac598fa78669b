//! "Not that person" (limit L18): who was compared and found to be another is not held against the person again. Both sides
//! keep the handle of what was rejected, and the asking side names it in its next claim; the pair is no hit then, and who
//! shares a token with either is one as before.

use std::collections::BTreeMap;

use mithaq_check::Cleared;
use mithaq_db::Tx;
use mithaq_model::{Attribute, Claim, Days, ObjectId, SubjectId, Value};
use mithaq_store::checks::{self, Candidate, Check, NotThatPerson};
use mithaq_store::subjects;

use super::line::base;
use super::{Ends, usable, wire};
use crate::App;
use crate::cases::CaseAccess;
use crate::error::AppError;
use crate::log::Event;
use crate::rights::{May, intent};

/// How long it stands: people look again after a year, as they do at every record.
const STANDS: Days = Days(365);

impl App {
    /// Keeps that a candidate was rejected.
    pub(super) fn keep_cleared(
        &self,
        tx: &mut dyn Tx,
        check: &Check,
        one: &Candidate,
    ) -> Result<(), AppError> {
        let Some(facts) = self.facts_now(tx, one.subject)? else { return Ok(()) };
        let facts = self.blind_facts(one.handle, &facts);
        let kept = NotThatPerson { subject: one.subject, handle: one.handle, facts };
        let until = self.now().plus(STANDS);
        Ok(checks::add_cleared(tx, &kept, (&check.agreement, &check.partner), until)?)
    }

    /// Takes back that a person of a case was found to be another than a partner's: the next question that hits the pair has
    /// people compare it again. One side is enough, as a pair is passed over only where both hold to it.
    ///
    /// # Errors
    /// When the person is not of the case, or nothing of the kind is kept.
    pub fn reconsider_subject(
        &self,
        may: May<intent::JudgeCheck>,
        access: &CaseAccess,
        subject: SubjectId,
    ) -> Result<u64, AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, subject).case(case).purpose(purpose);
        self.attempt(tried, move |app, tx| {
            if !subjects::cases_of(tx, subject)?.contains(&case) {
                return Err(AppError::not_found());
            }
            let pairs = checks::forget_cleared_of(tx, subject)?;
            if pairs == 0 {
                return Err(AppError::conflict("check.not_cleared").hint(
                    "no rejection of this person is kept here: a question about it hits as any other",
                ));
            }
            let event = Event::by(may, "check.reconsidered", subject).case(case).purpose(purpose);
            app.log(tx, &[event.verdict(format!("pairs:{pairs}"))])?;
            Ok(pairs)
        })
    }

    /// What the claim of a check will say of its subjects, with its entry: it is logged before it leaves.
    pub(super) fn clear_known(
        &self,
        ends: &Ends,
        number: ObjectId,
    ) -> Result<Vec<(usize, [u8; 16])>, AppError> {
        let of = ends.clone();
        self.write(move |app, tx| {
            let cleared = app.cleared_in(tx, &of, number)?;
            if !cleared.is_empty() {
                let check = app.check_locked(tx, number)?;
                app.log(tx, &[cleared_event(&check, cleared.len())])?;
            }
            Ok(cleared)
        })
    }

    /// The handles under which the subjects of a question were cleared, by their place in it.
    fn cleared_in(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        check: ObjectId,
    ) -> Result<Vec<(usize, [u8; 16])>, AppError> {
        let mut handles = Vec::new();
        for (at, (subject, _)) in checks::subjects(tx, check)?.into_iter().enumerate() {
            let kept = checks::cleared_of(tx, subject, (&ends.0, &ends.1), self.now())?;
            if kept.is_empty() {
                continue;
            }
            let Some(facts) = self.facts_now(tx, subject)? else { continue };
            let stands = kept.into_iter().filter(|one| self.blind_facts(one.handle, &facts) == one.facts);
            handles.extend(stands.map(|one| (at, wire(one.handle))));
        }
        Ok(handles)
    }

    /// The subjects of this node behind the handles that a partner's claim names.
    pub(super) fn cleared_behind(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        named: &[Cleared],
    ) -> Result<BTreeMap<[u8; 16], SubjectId>, AppError> {
        let mut behind = BTreeMap::new();
        for one in named {
            if behind.contains_key(&one.handle) {
                continue;
            }
            let kept = checks::cleared_as(tx, ObjectId::new(one.handle), (&ends.0, &ends.1), self.now())?;
            let Some(kept) = kept else { continue };
            let facts = self.facts_now(tx, kept.subject)?;
            if facts.is_some_and(|facts| self.blind_facts(kept.handle, &facts) == kept.facts) {
                behind.insert(one.handle, kept.subject);
            }
        }
        Ok(behind)
    }

    /// What is known of a subject now, as far as people and tokens tell persons apart by it: names, births, places,
    /// documents and sex, in whatever order they were written. None of one that is gone.
    fn facts_now(&self, tx: &mut dyn Tx, subject: SubjectId) -> Result<Option<String>, AppError> {
        let Some(subject) = self.stored_subject(tx, subject)? else { return Ok(None) };
        Ok(usable(&subject, &self.party, self.now()).map(|subject| {
            let mut facts: Vec<String> = subject.claims().iter().filter_map(fact).collect();
            facts.sort_unstable();
            facts.dedup();
            facts.join("\n")
        }))
    }

    /// Facts as they are kept: a year of birth and a name are guessed from a bare digest.
    fn blind_facts(&self, handle: ObjectId, facts: &str) -> [u8; 16] {
        *self.vault.term(&format!("cleared:{handle}:{facts}")).as_bytes()
    }
}

/// That a claim named pairs that were cleared: who asks says so, who is asked found them.
pub(super) fn cleared_event(check: &Check, pairs: usize) -> Event {
    base("check.cleared", check).with(&check.partner).verdict(format!("pairs:{pairs}"))
}

fn fact(claim: &Claim) -> Option<String> {
    match &claim.value {
        Value::Name { full, .. } => Some(format!("name {}", full.reveal())),
        Value::Date(date) => Some(format!("date {date}")),
        Value::Document(document) => {
            let issuer = document.issuer.as_ref().map_or("", |issuer| issuer.reveal());
            Some(format!("document {issuer} {}", document.number.reveal()))
        }
        Value::Text(text) if claim.attribute == Attribute::Place => Some(format!("place {}", text.reveal())),
        Value::Sex(sex) => Some(format!("sex {}", sex.code())),
        Value::Text(_) | Value::Position(_) | Value::Status(_) | Value::Class { .. } => None,
    }
}
