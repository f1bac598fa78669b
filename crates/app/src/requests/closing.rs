//! The end of requests (domain page, §4.1): what was answered, refused or taken back is closed thirty days later without
//! feedback; every request is looked at by people half a year after it began, and half a year after it was closed. No
//! timer answers, refuses or erases anything.

use mithaq_db::Tx;
use mithaq_exchange::request::{FEEDBACK, REVIEW};
use mithaq_model::{ObjectId, ReportId, Text, Timestamp};
use mithaq_store::requests::{self, Request};
use mithaq_store::{holds, reports};

use crate::App;
use crate::error::AppError;
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::requests::inward::ticked;
use crate::rights::{May, intent};

/// Requests looked at by one tick.
const TICK_MAX: u32 = 256;

/// What a person decides at a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retained {
    /// It is still needed: looked at again in half a year.
    Keep,
    /// Its words and its content are erased; that it was, and when, stays.
    Erase,
}

impl Retained {
    /// Returns the code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Erase => "erase",
        }
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for an unknown one.
    pub fn from_code(code: &str) -> Result<Self, AppError> {
        let found = [Self::Keep, Self::Erase].into_iter().find(|one| one.code() == code);
        found.ok_or_else(|| AppError::invalid("decision").hint("keep or erase"))
    }
}

/// A request that was closed is looked at half a year later.
pub(super) fn review_closed(request: &mut Request) {
    if let Some(closed) = request.dialogue.closed {
        request.review = Some(closed.plus(REVIEW));
    }
}

impl App {
    /// Closes what ended thirty days ago, and rings for what people must look at. Returns what happened.
    pub(super) fn close_ended(
        &self,
        tx: &mut dyn Tx,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        for mut request in requests::to_close(tx, (now.minus(FEEDBACK), now), TICK_MAX)? {
            if !request.dialogue.close(now, request.expires) {
                continue;
            }
            review_closed(&mut request);
            requests::save(tx, &request)?;
            events.push(ticked("request.closed", &request));
        }
        for mut request in requests::to_review(tx, now, TICK_MAX)? {
            let due = request.review.unwrap_or(now);
            // Who does not look is told again in half a year.
            request.review = Some(due.plus(REVIEW).max(now));
            requests::save(tx, &request)?;
            let kind = if request.dialogue.state.is_open() {
                "request.review_open"
            } else {
                "request.review_closed"
            };
            let about = format!("{} {}", request.id, due.as_millis());
            self.alarm_about(tx, kind, (&request, &about))?;
            events.push(ticked(kind, &request));
        }
        Ok(())
    }

    /// Decides, half a year on, whether a request is kept. One that is open can only be kept: it is ended by an answer, a
    /// refusal or by taking it back, not by a review.
    ///
    /// # Errors
    /// When there is no such request, the reason is no reason, or an open one is to be erased.
    pub fn review_request(
        &self,
        may: May<intent::ReviewRequest>,
        number: ReportId,
        decision: Retained,
        reason: &Text,
    ) -> Result<(), AppError> {
        let (salt, reason) = (random::<32>(&*self.entropy)?, crate::cases::reason(reason)?);
        self.attempt(Event::refused(may, number), move |app, tx| {
            let mut request = requests::locked(tx, number)?.ok_or_else(AppError::not_found)?;
            if decision == Retained::Erase && request.dialogue.state.is_open() {
                return Err(AppError::conflict("request.open")
                    .hint("an open request ends with an answer, a refusal or by taking it back"));
            }
            let case = reports::head(tx, number)?.and_then(|head| head.case);
            if decision == Retained::Erase && holds::stands(tx, number, case)? {
                return Err(
                    AppError::conflict("request.held").hint("a legal hold stands: nothing of it is erased")
                );
            }
            request.review = (decision == Retained::Keep).then(|| app.now().plus(REVIEW));
            requests::save(tx, &request)?;
            let committed = Committed::to(ObjectId::from(number), 0, salt, reason.reveal().as_bytes());
            let event = Event::by(may, "request.reviewed", number).with(&request.partner);
            let mut events = vec![event.committed(committed).verdict(decision.code())];
            if decision == Retained::Erase {
                requests::erase_words(tx, number)?;
                if let Some(head) = reports::head(tx, number)? {
                    app.erase_expired(tx, &head, &mut events)?;
                }
            }
            app.log(tx, &events).map(drop)
        })?;
        if decision == Retained::Erase {
            self.wipe();
        }
        self.wake();
        Ok(())
    }
}
