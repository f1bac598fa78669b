//! A check that was under way when its process ended is taken up from its opening: the same request, byte for byte, and so
//! the same answer, charged once. Where that cannot be, it is aborted, with an alarm: people ask anew.

use mithaq_check::oprf::Mode;
use mithaq_check::{
    Again, CheckState, Opened, Opening, Party, Pending, Request, Token, TokenPolicy, resume, tokens,
};
use mithaq_check::{AskError, Known as Facts};
use mithaq_db::Tx;
use mithaq_model::{CaseId, Millis, ObjectId, Timestamp};
use mithaq_store::checks::{self, Check};
use mithaq_store::reports::Direction;

use super::line::base;
use super::{Ends, Underway, agreed, pseudonym, usable, wire};
use crate::App;
use crate::drafts::damaged;
use crate::error::AppError;

/// What the pseudonym of a case is made with.
pub(super) const CASE: &str = "mithaq/check-case/1";
/// How long a check of another process is left to it. Two that carry one check do no harm: they send the same bytes, and
/// what comes of it is written once.
const LEFT_TO_ANOTHER: Millis = Millis(300_000);

/// What becomes of a check that no process carries.
enum Taken {
    Up(Ends, Box<Pending>),
    Over,
    Lost(&'static str),
}

impl App {
    /// Takes up a check that is executing and not carried here, unless another process may still carry it.
    pub(super) fn take_up_check(&self, check: &Check) -> Result<(), AppError> {
        let since = check.asked.unwrap_or(check.created);
        if self.is_shared() && self.now() < since.plus(LEFT_TO_ANOTHER) {
            return Ok(());
        }
        let number = check.id;
        let taken = self.write(move |app, tx| {
            let check = app.check_locked(tx, number)?;
            if check.state != CheckState::Executing {
                return Ok(Taken::Over);
            }
            let ends = (check.agreement, check.partner.clone());
            let pending = match app.asked_again(tx, &check, &ends)? {
                Ok(pending) => pending,
                Err(lost) => return Ok(Taken::Lost(lost)),
            };
            app.log(
                tx,
                &[base("check.resumed", &check).with(&check.partner).commitment(pending.request().digest())],
            )?;
            Ok(Taken::Up(ends, Box::new(pending)))
        })?;
        match taken {
            Taken::Over => Ok(()),
            Taken::Up(ends, pending) => {
                self.checks.open().underway.insert(wire(number), (ends, Underway::Asking(pending)));
                self.wake();
                Ok(())
            }
            Taken::Lost(code) => self.lose_check(number, code),
        }
    }

    /// Aborts what cannot be taken up, and tells people.
    fn lose_check(&self, number: ObjectId, code: &'static str) -> Result<(), AppError> {
        self.abort(number, code, false)?;
        self.write(move |app, tx| {
            let check = app.check_locked(tx, number)?;
            app.alarm_on(tx, "check.lost", (&check.partner, number), &number.to_string()).map(drop)
        })
    }

    /// What a check of this node is opened with for oversight; none when there is no such check, or its opening is gone.
    pub(super) fn opened_check(
        &self,
        tx: &mut dyn Tx,
        number: ObjectId,
    ) -> Result<Option<Vec<u8>>, AppError> {
        let own = checks::get(tx, number)?.filter(|check| check.direction == Direction::Own);
        let (Some(check), Some(bytes)) = (own, checks::opening(tx, &self.vault, number)?) else {
            return Ok(None);
        };
        let opening = Opening::from_bytes(&bytes).map_err(|error| damaged("check_query", error))?;
        let (Some(created), Some(commitment)) = (check.asked, check.commitment) else { return Ok(None) };
        let (terms, policy) = agreed(&*self.known(check.agreement)?)?;
        let mode = if terms.verifiable { Mode::Verifiable } else { Mode::Base };
        let request = self.request_of(&check, &policy, (created, commitment));
        let opened = Opened::new(request, opening, mode).map_err(|error| damaged("check_query", error))?;
        Ok(Some(opened.to_bytes()))
    }

    /// The request of a check of this node as it left, without elements.
    fn request_of(
        &self,
        check: &Check,
        policy: &TokenPolicy,
        (created, commitment): (Timestamp, [u8; 32]),
    ) -> Request {
        let case = pseudonym(CASE, &check.agreement, &check.partner, check.case.as_bytes());
        Request {
            check: wire(check.id),
            agreement: check.agreement,
            asking: self.party.clone(),
            asked: check.partner.clone(),
            epoch: check.epoch,
            policy: policy.hash(),
            case: CaseId::new(case),
            purpose: check.purpose,
            class: check.class,
            officer: check.officer,
            subjects: check.subjects,
            created,
            commitment,
            elements: Vec::new(),
        }
    }

    /// The question as it was; or why it cannot be asked again.
    fn asked_again(
        &self,
        tx: &mut dyn Tx,
        check: &Check,
        ends: &Ends,
    ) -> Result<Result<Pending, &'static str>, AppError> {
        const LOST: &str = "check.restarted";
        let opening = checks::opening(tx, &self.vault, check.id)?;
        let Some(opening) = opening.and_then(|bytes| Opening::from_bytes(&bytes).ok()) else {
            return Ok(Err(LOST));
        };
        let (Some(digest), Some(created), Some(commitment)) = (check.digest, check.asked, check.commitment)
        else {
            return Ok(Err(LOST));
        };
        let known = self.known(ends.0);
        let Ok((_, policy)) = known.and_then(|known| agreed(&known)) else { return Ok(Err(LOST)) };
        let Some(set) = self.check_set(tx, ends, false)? else { return Ok(Err("check.no_set")) };
        let mut made: Vec<Vec<Token>> = Vec::new();
        for (number, _) in checks::subjects(tx, check.id)? {
            // Erased or reclassified since: its queries stay, and a hit on them is nobody's.
            let subject = self.stored_subject(tx, number)?;
            let subject = subject.and_then(|subject| usable(&subject, &self.party, self.now()));
            let of = |subject| tokens(&policy, Party::Asking, &Facts::of(&subject));
            made.push(subject.map(of).unwrap_or_default());
        }
        let request = self.request_of(check, &policy, (created, commitment));
        let again = Again { set: &set.header, opening, request, digest, subjects: &made };
        Ok(resume(again).map_err(|error| match error {
            AskError::Epoch => "check.epoch",
            AskError::Permit
            | AskError::NoTokens
            | AskError::TooMany
            | AskError::Wire(_)
            | AskError::Replay
            | AskError::Oprf(_)
            | AskError::Refused(_)
            | _ => LOST,
        }))
    }
}
