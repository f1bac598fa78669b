//! What comes in about requests: the partner's steps, judged by this node's own rules; receipts, which start and resume
//! clocks; answers; and the clock itself, which escalates and never answers.

use std::collections::BTreeMap;

use mithaq_db::Tx;
use mithaq_exchange::Arrived;
use mithaq_exchange::ports::Judgement;
use mithaq_exchange::request::Speaker;
use mithaq_exchange::{Content, Refuse};
use mithaq_model::{ObjectId, PartyId, RefusalGround, Report, ReportId, StepKind, Timestamp};
use mithaq_policy::permit_step;
use mithaq_store::reports::{self, Direction};
use mithaq_store::requests::{self, Request, Step};
use mithaq_store::{StoreError, alarms};
use mithaq_wire::{RequestStep, Said, SealHeader, Verdict, encode_request_step};

use crate::App;
use crate::alarms::Names;
use crate::error::AppError;
use crate::inbound::open::Incoming;
use crate::log::{Committed, Event};
use crate::registry::Known;
use crate::requests::{answered, new_request};

/// Requests looked at by one tick.
const TICK_MAX: u32 = 256;

/// The requests a batch speaks of, as of its transaction; what one step changes, the next sees.
#[derive(Debug, Default)]
pub(crate) struct Spoken(BTreeMap<ReportId, (Request, Vec<ReportId>)>);

impl Spoken {
    /// Loads what the messages of a batch speak of.
    pub(crate) fn load(tx: &mut dyn Tx, arrived: &[&Arrived<Incoming>]) -> Result<Self, StoreError> {
        let mut found = BTreeMap::new();
        for one in arrived {
            let number = match one.inner().map(|opened| &opened.content) {
                Ok(Content::Report { report, .. }) => report.report.answers().map(|(request, _)| request),
                Ok(Content::Step(step)) => Some(ReportId::from(step.request)),
                Ok(
                    Content::Order(_)
                    | Content::Notice(_)
                    | Content::Receipts(_)
                    | Content::EpochStart
                    | Content::Hop { .. }
                    | Content::Carried { .. }
                    | Content::Onward(_),
                )
                | Err(_) => None,
            };
            if let Some(number) = number
                && let Some(request) = requests::get(tx, number)?
            {
                let answers = requests::answers(tx, number)?.into_iter().map(|(report, ..)| report).collect();
                found.insert(number, (request, answers));
            }
        }
        Ok(Self(found))
    }

    /// Loads the request that one report answers.
    pub(crate) fn of_report(tx: &mut dyn Tx, report: &Report) -> Result<Self, StoreError> {
        let mut found = BTreeMap::new();
        if let Some((number, _)) = report.answers()
            && let Some(request) = requests::get(tx, number)?
        {
            let answers = requests::answers(tx, number)?.into_iter().map(|(report, ..)| report).collect();
            found.insert(number, (request, answers));
        }
        Ok(Self(found))
    }

    /// Whether a report that came in answers an open request of this node to its originator, or nothing at all.
    pub(crate) fn binds(&self, report: &Report) -> bool {
        let Some((number, _)) = report.answers() else { return true };
        self.0.get(&number).is_some_and(|(request, answers)| {
            request.direction == Direction::Own
                && request.partner == report.originator
                && request.agreement == report.agreement
                && request.purpose == report.purpose
                && (answers.contains(&report.id) || request.dialogue.may_be_answered())
        })
    }

    /// This node's decision about a step of a partner.
    pub(crate) fn judge(
        &mut self,
        (app, known): (&App, &Known),
        (seal, step): (&SealHeader, &RequestStep),
        now: Timestamp,
    ) -> Judgement {
        let refuse = |code: &str| Judgement::Refuse { code: code.to_owned(), ground: None };
        let found = self.0.get_mut(&ReportId::from(step.request)).map(|(request, _)| request);
        let ours = found.filter(|one| one.partner == seal.originator && one.agreement == seal.agreement);
        let Some(request) = ours else { return refuse(Refuse::RequestUnknown.code()) };
        let ends = (&seal.originator, &app.party);
        let words = (seal.object, step.said.text());
        if let Err(refusal) = permit_step(&known.rules, &known.standing, words, ends, now) {
            let (code, ground) = (refusal.code().code().to_owned(), refusal.ground());
            return Judgement::Refuse { code, ground };
        }
        if let Said::Refused { ground, .. } = &step.said
            && !known.agreement().refusal_grounds.contains(ground)
        {
            return refuse(Refuse::RequestGround.code());
        }
        let at = heard(step.at, now);
        if let Err(no) = request.dialogue.may(speaker(request), &step.said, at) {
            return refuse(no.code());
        }
        take(request, &step.said, at, now);
        Judgement::Accept
    }
}

/// How a report came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Whether it was accepted; else people look at it first.
    pub(crate) accepted: bool,
    /// When: the time that its receipt says, so that both sides count one clock.
    pub(crate) at: Timestamp,
}

/// Who the partner is in a conversation.
fn speaker(request: &Request) -> Speaker {
    if request.direction == Direction::Own { Speaker::Asked } else { Speaker::Asking }
}

/// The partner's time, never ahead of ours: no clock is stopped or moved from the future.
fn heard(said: Timestamp, now: Timestamp) -> Timestamp {
    said.min(now)
}

fn take(request: &mut Request, said: &Said, at: Timestamp, now: Timestamp) {
    request.dialogue.take(said, at);
    if matches!(said, Said::Clarified { .. }) {
        request.dialogue.resumed(now);
    }
}

impl App {
    /// Stores a step that was accepted; `now` is the time its receipt says.
    pub(crate) fn step_taken(
        &self,
        tx: &mut dyn Tx,
        (seal, step): (&SealHeader, &RequestStep),
        (now, events): (Timestamp, &mut Vec<Event>),
    ) -> Result<(), AppError> {
        let number = ReportId::from(step.request);
        let mut request = requests::locked(tx, number)?.ok_or_else(AppError::not_found)?;
        let at = heard(step.at, now);
        take(&mut request, &step.said, at, now);
        crate::requests::closing::review_closed(&mut request);
        requests::save(tx, &request)?;
        let bytes = encode_request_step(step);
        let row = Step { id: seal.object, own: false, kind: step.said.kind(), at, stored: Some(now) };
        requests::add_step(tx, &self.vault, number, (&row, Some(&bytes)))?;
        if let Said::Overdue { .. } = &step.said {
            self.ring(tx, "request.overdue", &request, now)?;
        }
        let event = Event::system(&format!("request.{}", step.said.kind()), number);
        let event = event.agreement(request.agreement).with(&request.partner).purpose(request.purpose);
        events.push(if let Said::Refused { ground, .. } = &step.said {
            event.verdict(ground.code())
        } else {
            event
        });
        Ok(())
    }

    /// A report that came in: a question begins its clock, an answer ends it and joins the case that asked.
    pub(crate) fn tied_arrival(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (report, seal): (&Report, &SealHeader),
        (Arrival { accepted, at: now }, events): (Arrival, &mut Vec<Event>),
    ) -> Result<(), AppError> {
        if report.asks().is_some() {
            if requests::get(tx, report.id)?.is_none() {
                let mut request = new_request(known, report, (Direction::Received, &seal.originator), now);
                request.dialogue.arrived(now);
                requests::add(tx, &request)?;
            }
            return Ok(());
        }
        let Some((number, part)) = report.answers().filter(|_| accepted) else { return Ok(()) };
        let Some(mut request) = requests::locked(tx, number)? else { return Ok(()) };
        // Sealed then, by the clock of who owed it; a clock that runs ahead gains nothing.
        request.dialogue.answered(heard(seal.sealed_at, now), part);
        requests::save(tx, &request)?;
        requests::add_answer(tx, number, (report.id, part), now)?;
        if let Some(case) = reports::head(tx, number)?.and_then(|head| head.case) {
            reports::assign(tx, report.id, Some(case), Some(report.agreement))?;
        }
        events.push(answered(&request, report));
        Ok(())
    }

    /// The partner's receipt for a request starts its clock, or ends it with the refusal of its rules.
    pub(crate) fn request_receipted(
        &self,
        tx: &mut dyn Tx,
        number: ReportId,
        (verdict, stored): (&Verdict, Timestamp),
    ) -> Result<(), AppError> {
        let found = requests::locked(tx, number)?.filter(|one| one.direction == Direction::Own);
        let Some(mut request) = found else { return Ok(()) };
        let refused = matches!(verdict, Verdict::Refused { .. });
        if refused && !request.dialogue.state.is_open() {
            // Taken back before it was taken there: it stays that.
            return Ok(());
        }
        request.dialogue.arrived(stored);
        if let Verdict::Refused { ground, .. } = verdict {
            let ground = ground.unwrap_or(RefusalGround::NoAgreementCover);
            request.dialogue.take(&Said::Refused { ground, part: false, text: None }, stored);
        }
        Ok(requests::save(tx, &request)?)
    }

    /// A request that was held back for people was turned away by them: refused, with their ground.
    pub(crate) fn request_turned_away(
        &self,
        tx: &mut dyn Tx,
        number: ReportId,
        ground: Option<RefusalGround>,
    ) -> Result<(), AppError> {
        let Some(mut request) = requests::locked(tx, number)? else { return Ok(()) };
        if request.dialogue.state.is_open() {
            let ground = ground.unwrap_or(RefusalGround::RequestIncomplete);
            request.dialogue.take(&Said::Refused { ground, part: false, text: None }, self.now());
            requests::save(tx, &request)?;
            requests::erase_words(tx, number)?;
        }
        Ok(())
    }

    /// The partner's receipt for a step: the answer to a question back resumes the clock.
    pub(crate) fn step_receipted(
        &self,
        tx: &mut dyn Tx,
        step: ObjectId,
        (verdict, stored): (&Verdict, Timestamp),
    ) -> Result<(), AppError> {
        let Some((number, kind)) = requests::step_stored(tx, step, stored)? else { return Ok(()) };
        let Some(mut request) = requests::locked(tx, number)? else { return Ok(()) };
        if *verdict != Verdict::Accepted {
            return self.ring(tx, "request.step_refused", &request, stored);
        }
        if kind == StepKind::Clarified {
            request.dialogue.resumed(stored);
            requests::save(tx, &request)?;
        }
        Ok(())
    }

    /// Escalates requests whose clock ran out, on both sides, ends those whose own last day is over, closes what ended thirty
    /// days ago, and rings for what people must look at again. Nothing is answered by it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tick_requests(&self) -> Result<usize, AppError> {
        let done = self.write(|app, tx| {
            let now = app.now();
            let mut events = Vec::new();
            for mut request in requests::past_their_day(tx, now, TICK_MAX)? {
                request.dialogue.expired(now);
                requests::save(tx, &request)?;
                app.ring(tx, "request.expired", &request, now)?;
                events.push(ticked("request.expired", &request));
            }
            for mut request in requests::due(tx, now, TICK_MAX)? {
                let Some(level) = request.dialogue.escalate(now) else { continue };
                requests::save(tx, &request)?;
                request.version += 1;
                app.ring(tx, "request.overdue", &request, now)?;
                events.push(ticked("request.overdue", &request).verdict(format!("level-{level}")));
                if request.direction == Direction::Own {
                    events.extend(app.remind(tx, request, level)?);
                }
            }
            app.close_ended(tx, now, &mut events)?;
            if !events.is_empty() {
                app.log(tx, &events)?;
            }
            Ok(events.len())
        })?;
        if done > 0 {
            self.wake();
        }
        Ok(done)
    }

    /// Tells the head of the other desk, if the agreement still lets anything be said.
    fn remind(&self, tx: &mut dyn Tx, request: Request, level: u8) -> Result<Option<Event>, AppError> {
        let known = self.known(request.agreement)?;
        if !known.standing.is_in_force(self.now()) {
            return Ok(None);
        }
        let event = Event::system("request.reminded", request.id).with(&request.partner);
        let committed: Committed = self.send_step(tx, request, Said::Overdue { level })?;
        Ok(Some(event.agreement(known.agreement().id()).committed(committed)))
    }

    fn ring(&self, tx: &mut dyn Tx, kind: &str, request: &Request, at: Timestamp) -> Result<(), AppError> {
        let cause = [request.id.as_bytes().as_slice(), &[request.dialogue.level]];
        let names = about(request, &cause);
        alarms::raise(tx, &alarms::Alarm { at, ..self.alarm_of(kind, names) })?;
        Ok(())
    }

    /// Rings once for a cause that is not only a request.
    pub(super) fn alarm_about(
        &self,
        tx: &mut dyn Tx,
        kind: &str,
        (request, cause): (&Request, &str),
    ) -> Result<(), AppError> {
        self.ring_once(tx, kind, about(request, &[cause.as_bytes()])).map(drop)
    }
}

fn about<'a>(request: &Request, cause: &'a [&'a [u8]]) -> Names<'a> {
    Names { reference: request.id.to_string(), object: Some(request.id.into()), cause }
}

pub(super) fn ticked(kind: &str, request: &Request) -> Event {
    let partner: &PartyId = &request.partner;
    Event::system(kind, request.id).agreement(request.agreement).with(partner).purpose(request.purpose)
}
