//! Requests for information: what people do with them (domain page, §4.1). A request leaves and arrives as a report of
//! its own kind, through the same hands and the same decision; what is said about it afterwards are steps, sealed and
//! in the same lane. An answer is a report bound to its request.

mod closing;
mod figures;
mod inward;

use mithaq_db::Tx;
use mithaq_envelope::{SealArgs, seal_step};
use mithaq_exchange::request::{Dialogue, REVIEW, Speaker};
use mithaq_model::{
    Ask, CaseId, CaseState, Days, ObjectId, PartyId, RefusalGround, Report, ReportId, ReportKind, Role, Text,
    Tie,
};
use mithaq_policy::{OrderKind, permit_step};
use mithaq_store::reports::{self, Direction, ReportHead};
use mithaq_store::requests::{self, Request, Step};
use mithaq_store::{Page, cases};
use mithaq_wire::{LaterReceipt, MessageKind, RequestStep, Said, decode_request_step, encode_request_step};

use crate::App;
use crate::cases::CaseAccess;
use crate::drafts::{NewReport, damaged};
use crate::error::{AppError, words};
use crate::log::{Committed, Event};
use crate::orders::{Body, Control};
use crate::ports::{fresh, random};
use crate::registry::Known;
use crate::release::refused;
use crate::rights::{Intent, May, intent};
use crate::sight::head_seen;

pub use closing::Retained;
pub use figures::{Cell, RequestFigures, Row, SMALL};
pub(crate) use inward::{Arrival, Spoken};

/// How long a step is tried: as long as a report.
const STEP_VALID: Days = Days(30);

/// A sentence about a request with its words, for who may read them.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The sentence.
    pub step: Step,
    /// What was said; none once the words were erased.
    pub said: Option<Said>,
}

/// A request and everything said about it.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Where it stands.
    pub request: Request,
    /// What was said, in order.
    pub steps: Vec<Shown>,
    /// The reports that answer it: number, whether in part.
    pub answers: Vec<(ReportId, bool)>,
}

impl App {
    /// Writes a question as a draft; it goes out through review, two approvals and release like every report.
    ///
    /// # Errors
    /// When it is not to exactly one party, or as [`App::draft_report`].
    pub fn draft_request(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        new: NewReport,
        ask: Ask,
    ) -> Result<ReportId, AppError> {
        if new.recipients.len() != 1 {
            return Err(AppError::invalid("recipients").hint("ask one party; each request has its own clock"));
        }
        if ask.sought.is_empty() {
            return Err(AppError::invalid("sought").hint("say what is sought, as precisely as possible"));
        }
        let tie = Some(Tie::Asks(Box::new(ask)));
        self.draft_report(may, access, NewReport { kind: ReportKind::Request, tie, ..new })
    }

    /// Opens a request that came in, at the desk: without a case yet, with a reason, logged, with the receipt of
    /// reading at the first time.
    ///
    /// # Errors
    /// When there is no such request, or it is locked.
    pub fn open_request(
        &self,
        may: May<intent::HandleRequest>,
        number: ReportId,
        reason: &Text,
    ) -> Result<Report, AppError> {
        let (salt, reason) = (random::<32>(&*self.entropy)?, crate::cases::reason(reason)?);
        let shown = self.attempt(Event::refused(may, number), move |app, tx| {
            let outcome = app.open_in(tx, may, number);
            let verdict = outcome.as_ref().map_or_else(|no| no.code().to_owned(), |_| "permit".to_owned());
            let committed = Committed::to(ObjectId::from(number), 0, salt, reason.reveal().as_bytes());
            app.log(tx, &[Event::by(may, "request.opened", number).committed(committed).verdict(verdict)])?;
            Ok(outcome)
        })?;
        self.wake();
        shown
    }

    fn open_in(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::HandleRequest>,
        number: ReportId,
    ) -> Result<Report, AppError> {
        let mut request = self.request_locked(tx, number, Direction::Received)?;
        let head = reports::head(tx, number)?.ok_or_else(AppError::not_found)?;
        self.unlocked(tx, &head)?;
        let (_, content) = reports::content(tx, &self.vault, number, head.version)?;
        let report = self.unseal(&content, &head.originator)?;
        let before = request.dialogue.state;
        request.dialogue.opened();
        if request.dialogue.state != before {
            requests::save(tx, &request)?;
            let (object, agreement) = (ObjectId::from(number), request.agreement);
            let (version, role, reader) = (head.version, may.role(), *may.actor().as_bytes());
            let receipt = LaterReceipt::Read { object, version, role, reader, at: self.now() };
            let control =
                Control { kind: OrderKind::LaterReceipts, message: MessageKind::Receipts, object, agreement };
            self.send_control_in(tx, &head.originator, control, &Body::Receipts(vec![receipt]))?;
        }
        Ok(report)
    }

    /// Takes a request up and puts it into a case of this node, whose officers answer it.
    ///
    /// # Errors
    /// When the case is closed or was not opened for the purpose of the request, or the state does not allow it.
    pub fn accept_request(
        &self,
        may: May<intent::HandleRequest>,
        number: ReportId,
        (case, direct): (CaseId, bool),
    ) -> Result<(), AppError> {
        self.attempt(Event::refused(may, number).case(case), move |app, tx| {
            let request = app.request_locked(tx, number, Direction::Received)?;
            let stored = cases::get(tx, &app.vault, case)?.ok_or_else(AppError::not_found)?.case;
            if stored.state != CaseState::Open || stored.review_on <= app.now() {
                return Err(AppError::refused("case.not_open", words::CASE, 1, None, None));
            }
            if !stored.purposes.contains(&request.purpose) {
                return Err(AppError::refused("case.purpose", words::PURPOSE, 3, None, None));
            }
            reports::assign(tx, number, Some(case), Some(request.agreement))?;
            let event = app.say_in(tx, may, request, Said::Accepted { direct })?;
            app.log(tx, &[event.case(case)]).map(drop)
        })?;
        self.wake();
        Ok(())
    }

    /// Says, at the desk that owes the answer, something that is neither acceptance nor refusal: a question back, which
    /// stops the clock, or a new date with its reason.
    ///
    /// # Errors
    /// When the state does not allow it, or the words speak of a special category.
    pub fn handle_request(
        &self,
        may: May<intent::HandleRequest>,
        number: ReportId,
        said: Said,
    ) -> Result<(), AppError> {
        match said {
            Said::Clarify { .. } | Said::Delayed { .. } => self.say(may, number, Direction::Received, said),
            Said::Accepted { .. }
            | Said::Clarified { .. }
            | Said::Refused { .. }
            | Said::Feedback { .. }
            | Said::Overdue { .. } => Err(AppError::invalid("step")),
        }
    }

    /// Refuses a request, whole or in part, on a ground of the agreement's closed list. Grounds of rights (R13 to R18)
    /// are the legal adviser's, and never have to be explained.
    ///
    /// # Errors
    /// When the role may not state the ground, the agreement does not list it, or the state does not allow it.
    pub fn refuse_request(
        &self,
        may: May<intent::RefuseRequest>,
        number: ReportId,
        (ground, part): (RefusalGround, bool),
        text: Option<Text>,
    ) -> Result<(), AppError> {
        if ground.is_of_rights() != (may.role() == Role::LegalAdviser) {
            let no = AppError::forbidden("request.refuse")
                .hint("grounds of rights are stated by the legal adviser, all others by the desk");
            return self.refuse(Event::refused(may, number), no);
        }
        self.say(may, number, Direction::Received, Said::Refused { ground, part, text })
    }

    /// Answers a question back, or gives feedback: the side that asked.
    ///
    /// # Errors
    /// When it is of a case this person does not work, the state does not allow it, or the words speak of a special category.
    pub fn follow_request(
        &self,
        may: May<intent::FollowRequest>,
        number: ReportId,
        said: Said,
    ) -> Result<(), AppError> {
        match said {
            Said::Clarified { .. } | Said::Feedback { .. } => self.say(may, number, Direction::Own, said),
            Said::Accepted { .. }
            | Said::Clarify { .. }
            | Said::Delayed { .. }
            | Said::Refused { .. }
            | Said::Overdue { .. } => Err(AppError::invalid("step")),
        }
    }

    /// Lists requests, without content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn requests(
        &self,
        may: May<intent::ReadRequest>,
        direction: Direction,
        page: &Page<ReportId>,
    ) -> Result<Vec<Request>, AppError> {
        let page = *page;
        self.read(move |_app, tx| Ok(requests::list(tx, direction, may.sight(), &page)?))
    }

    /// Shows what was said about a request, with a reason, logged. The desk and the legal adviser see every one, who
    /// works a case those of the case.
    ///
    /// # Errors
    /// When there is no such request open to this person.
    pub fn show_request(
        &self,
        may: May<intent::ReadRequest>,
        number: ReportId,
        reason: &Text,
    ) -> Result<Conversation, AppError> {
        let (salt, reason) = (random::<32>(&*self.entropy)?, crate::cases::reason(reason)?);
        self.attempt(Event::refused(may, number), move |app, tx| {
            let outcome = app.conversation(tx, may, number);
            let verdict = outcome.as_ref().map_or_else(|no| no.code().to_owned(), |_| "permit".to_owned());
            let committed = Committed::to(ObjectId::from(number), 0, salt, reason.reveal().as_bytes());
            app.log(tx, &[Event::by(may, "request.read", number).committed(committed).verdict(verdict)])?;
            Ok(outcome)
        })?
    }

    fn conversation(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReadRequest>,
        number: ReportId,
    ) -> Result<Conversation, AppError> {
        let request = requests::get(tx, number)?.ok_or_else(AppError::not_found)?;
        let head: ReportHead = reports::head(tx, number)?.ok_or_else(AppError::not_found)?;
        let desk = matches!(may.role(), Role::Spoc | Role::LegalAdviser);
        let assigned = match head.case {
            Some(case) => cases::is_assigned(tx, case, may.actor())?,
            None => false,
        };
        if !desk && !assigned {
            return Err(AppError::not_found());
        }
        if head.direction == Direction::Received && request.dialogue.state.is_open() {
            self.unlocked(tx, &head)?;
        }
        let steps = requests::steps(tx, &self.vault, number)?
            .into_iter()
            .map(|(step, content)| {
                let said = content.map(|bytes| decode_request_step(&bytes)).transpose();
                let said = said.map_err(|error| damaged("request_step", error))?.map(|step| step.said);
                Ok(Shown { step, said })
            })
            .collect::<Result<_, AppError>>()?;
        let answers = requests::answers(tx, number)?.into_iter().map(|(id, part, _)| (id, part)).collect();
        Ok(Conversation { request, steps, answers })
    }

    fn say<I: Intent + Send + 'static>(
        &self,
        may: May<I>,
        number: ReportId,
        direction: Direction,
        said: Said,
    ) -> Result<(), AppError> {
        self.attempt(Event::refused(may, number), move |app, tx| {
            // Who works other cases neither speaks for this one nor learns that it is there.
            let case = head_seen(tx, may, number)?.case;
            let request = app.request_locked(tx, number, direction)?;
            let event = app.say_in(tx, may, request, said)?.case(case);
            app.log(tx, &[event]).map(drop)
        })?;
        self.wake();
        Ok(())
    }

    /// Says a step: allowed, permitted, sealed, given its place, stored. The caller logs the event.
    fn say_in<I: Intent>(
        &self,
        tx: &mut dyn Tx,
        may: May<I>,
        request: Request,
        said: Said,
    ) -> Result<Event, AppError> {
        let (kind, number) = (format!("request.{}", said.kind()), request.id);
        let event = Event::by(may, &kind, number).agreement(request.agreement).with(&request.partner);
        let event = event.purpose(request.purpose);
        let event =
            if let Said::Refused { ground, .. } = &said { event.verdict(ground.code()) } else { event };
        let committed = self.send_step(tx, request, said)?;
        Ok(event.committed(committed))
    }

    fn send_step(&self, tx: &mut dyn Tx, mut request: Request, said: Said) -> Result<Committed, AppError> {
        let known = self.known(request.agreement)?;
        let now = self.now();
        let speaker = if request.direction == Direction::Own { Speaker::Asking } else { Speaker::Asked };
        request.dialogue.may(speaker, &said, now).map_err(|no| AppError::conflict(no.code()))?;
        listed(&known, &said)?;
        let id: ObjectId = fresh(&*self.entropy)?;
        let ends = (&self.party, &request.partner);
        let permit = permit_step(&known.rules, &known.standing, (id, said.text()), ends, now)
            .map_err(|refusal| refused(&refusal))?;
        let args = SealArgs {
            lease_until: request.expires,
            released_by: Vec::new(),
            sealed_at: now,
            supersedes: None,
            salt: random::<32>(&*self.entropy)?,
        };
        let step = RequestStep { request: request.id.into(), at: now, said };
        let sealed = seal_step(&step, &permit, (&args, request.level), self.keys.soft())
            .map_err(|error| AppError::invalid("step").because(error))?;
        self.dispatch(tx, &known, &request.partner, (&sealed, MessageKind::Step), now.plus(STEP_VALID))?;
        let bytes = encode_request_step(&step);
        let row = Step { id, own: true, kind: step.said.kind(), at: now, stored: None };
        requests::add_step(tx, &self.vault, request.id, (&row, Some(&bytes)))?;
        request.dialogue.take(&step.said, now);
        closing::review_closed(&mut request);
        requests::save(tx, &request)?;
        Ok(Committed::to(id, 1, args.salt, &bytes))
    }

    fn request_locked(
        &self,
        tx: &mut dyn Tx,
        number: ReportId,
        direction: Direction,
    ) -> Result<Request, AppError> {
        let found = requests::locked(tx, number)?.filter(|request| request.direction == direction);
        found.ok_or_else(AppError::not_found)
    }

    /// Whether a report answers an open request of its recipient, or nothing at all; asked before it is released.
    pub(crate) fn reply_bound(
        &self,
        tx: &mut dyn Tx,
        report: &Report,
        recipient: &PartyId,
    ) -> Result<bool, AppError> {
        let Some((number, _)) = report.answers() else { return Ok(true) };
        let Some(request) = requests::get(tx, number)? else { return Ok(false) };
        let same = request.direction == Direction::Received
            && request.partner == *recipient
            && request.agreement == report.agreement
            && request.purpose == report.purpose;
        let again = requests::answers(tx, number)?.iter().any(|(answer, ..)| *answer == report.id);
        Ok(same && (again || request.dialogue.may_answer()))
    }

    /// A released report that asks begins its row; one that answers ends the clock when its seal says, as on the other side.
    pub(crate) fn tied_release(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (report, now): (&Report, mithaq_model::Timestamp),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        match &report.tie {
            None => Ok(()),
            Some(Tie::Asks(_)) => {
                if requests::get(tx, report.id)?.is_some() {
                    return Ok(());
                }
                let partner = report.recipients.first().ok_or_else(|| AppError::bug("request.recipient"))?;
                let request = new_request(known, report, (Direction::Own, partner), now);
                Ok(requests::add(tx, &request)?)
            }
            Some(Tie::Answers { request, part }) => {
                let mut asked = self.request_locked(tx, *request, Direction::Received)?;
                asked.dialogue.answered(now, *part);
                requests::save(tx, &asked)?;
                requests::add_answer(tx, *request, (report.id, *part), now)?;
                events.push(answered(&asked, report));
                Ok(())
            }
        }
    }

    /// Who asked took a request back: nothing is owed, and what was said about it goes.
    pub(crate) fn request_withdrawn(&self, tx: &mut dyn Tx, number: ReportId) -> Result<(), AppError> {
        if let Some(mut request) = requests::locked(tx, number)? {
            request.dialogue.withdrawn(self.now());
            requests::save(tx, &request)?;
            requests::erase_words(tx, number)?;
        }
        Ok(())
    }
}

/// A refusal is on a ground that both sides agreed on (Directive (EU) 2023/977, Art. 6: a closed list).
fn listed(known: &Known, said: &Said) -> Result<(), AppError> {
    if let Said::Refused { ground, .. } = said
        && !known.agreement().refusal_grounds.contains(ground)
    {
        return Err(AppError::invalid("ground").hint("the agreement lists the grounds of refusal"));
    }
    Ok(())
}

fn answered(request: &Request, report: &Report) -> Event {
    let kept = match request.dialogue.in_time {
        Some(false) => "late",
        Some(true) | None => "in_time",
    };
    let event = Event::system("request.answered", request.id).with(&request.partner);
    event.agreement(request.agreement).purpose(report.purpose).verdict(kept)
}

fn new_request(
    known: &Known,
    report: &Report,
    (direction, partner): (Direction, &PartyId),
    now: mithaq_model::Timestamp,
) -> Request {
    Request {
        id: report.id,
        direction,
        partner: partner.clone(),
        agreement: report.agreement,
        area: report.area,
        purpose: report.purpose,
        level: report.level,
        created: now,
        expires: report.expires,
        dialogue: Dialogue::sent(report.urgency, known.agreement().clock(report.urgency)),
        review: Some(now.plus(REVIEW)),
        version: 1,
    }
}
