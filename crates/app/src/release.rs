//! The release: decided, sealed, given its place in the lane, logged, in one transaction. What leaves the node is
//! what this wrote, after the commit.

use mithaq_db::Tx;
use mithaq_envelope::{SealArgs, Sealed, seal_report};
use mithaq_exchange::{Logged, Outgoing, Queued, enqueue};
use mithaq_model::{
    Assurance, CaseState, Claim, Days, ExcludedPredicate, Millis, OfficerId, PartyId, Report, ReportId,
    ReportState, ReportVersion, RiskDimension, RiskLevel, Role, Subject, Timestamp,
};
use mithaq_policy::{Context, Decision, Disclosure, Permit, Refusal, Side, Work, decide, screen};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::disclosures::{self, Answers};
use mithaq_store::lanes::{self, LaneKey};
use mithaq_store::reports::{self, Form, NewVersion};
use mithaq_store::{cases, partners};
use mithaq_wire::{Lane, LaneId, MessageKind, encode_report};

use crate::App;
use crate::agreements::decode_risk;
use crate::attachments::carried;
use crate::drafts::{Draft, approvers};
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::outbound::{OneWrap, fact_event};
use crate::ports::random;
use crate::registry::Known;
use crate::rights::{May, intent};

/// Most reports released by one call: one transaction, one batch of the lane.
pub const RELEASE_MAX: usize = 64;
/// How long an envelope is tried before the sender signs "not delivered".
pub(crate) const DELIVERY: Millis = Millis::hours(24 * 30);

/// A message with its place in a lane, not yet logged or stored.
type Placed = (LaneKey, Queued);

/// What the releasing officer states about this use.
#[derive(Debug, Clone, Default)]
pub struct Use {
    /// Whether the offence is capital where the recipient is.
    pub capital_offence: bool,
    /// Written assurances the recipient gave for this case.
    pub assurances: Vec<Assurance>,
    /// What this person or use adds to the partner's risk.
    pub further_risks: Vec<(RiskDimension, RiskLevel)>,
    /// An excluded predicate somebody flagged.
    pub excluded: Option<ExcludedPredicate>,
}

/// What became of one report.
#[derive(Debug, Clone)]
pub enum Released {
    /// On its way to every recipient.
    Sent,
    /// The rules refused; nothing left.
    Refused(Refusal),
}

impl App {
    /// Releases one report.
    ///
    /// # Errors
    /// A refusal by the rules is an error of kind `Refused` with its step, clause and reason; it is logged.
    pub fn release_report(
        &self,
        may: May<intent::ReleaseReport>,
        number: ReportId,
        stated: &Use,
    ) -> Result<(), AppError> {
        let done = self.release_reports(may, &[number], stated)?;
        match done.into_iter().next() {
            Some((_, Released::Sent)) => Ok(()),
            Some((_, Released::Refused(refusal))) => Err(refused(&refusal)),
            None => Err(AppError::not_found()),
        }
    }

    /// Releases up to [`RELEASE_MAX`] reports in one transaction; each is decided by itself.
    ///
    /// # Errors
    /// When there are too many, or one is not reviewed.
    pub fn release_reports(
        &self,
        may: May<intent::ReleaseReport>,
        numbers: &[ReportId],
        stated: &Use,
    ) -> Result<Vec<(ReportId, Released)>, AppError> {
        if numbers.len() > RELEASE_MAX {
            return Err(AppError::invalid("reports").hint("release at most 64 reports at once"));
        }
        let (numbers, stated) = (numbers.to_vec(), stated.clone());
        // A refusal by the rules is a decision with its own entry; this one is for what could not be decided.
        let about = numbers.first().map_or_else(|| self.party.to_string(), ToString::to_string);
        let done = self
            .attempt(Event::refused(may, about), move |app, tx| app.release_in(tx, may, &numbers, &stated))?;
        self.wake();
        Ok(done)
    }

    fn release_in(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReleaseReport>,
        numbers: &[ReportId],
        stated: &Use,
    ) -> Result<Vec<(ReportId, Released)>, AppError> {
        let mut done = Vec::with_capacity(numbers.len());
        let (mut events, mut placed) = (Vec::with_capacity(numbers.len() * 3), Vec::new());
        for number in numbers {
            let draft = self.load_draft(tx, *number)?;
            let graded = draft.head.state == ReportState::Graded;
            // The review by a third person is what a life at risk does not wait for.
            let opened = graded && self.opened_by(tx, &draft.report, draft.hash)?.is_some();
            if draft.head.state != ReportState::Reviewed && !opened {
                return Err(AppError::conflict("report.not_reviewed"));
            }
            let outcome = self.release_one(tx, may, &draft, stated, (&mut events, &mut placed))?;
            done.push((*number, outcome));
        }
        self.log_placed(tx, events, placed)?;
        Ok(done)
    }

    fn release_one(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReleaseReport>,
        draft: &Draft,
        stated: &Use,
        (events, placed): (&mut Vec<Event>, &mut Vec<Placed>),
    ) -> Result<Released, AppError> {
        let known = self.known(draft.report.agreement)?;
        let report = self.minimised(&known, &draft.report);
        self.ensure_attachments(tx, &report)?;
        let decided = |event: Event| event.agreement(report.agreement).purpose(report.purpose);
        if report.recipients.is_empty() {
            // An empty list is nobody: the decision says so in its own words.
            let refusal = self.decide_for(tx, &known, (draft, &report), &self.party, stated)?;
            if let Decision::Refuse(refusal) = refusal {
                events.push(decided(
                    Event::by(may, "report.decided", report.id).verdict(refusal.code().code()),
                ));
                return Ok(Released::Refused(refusal));
            }
        }
        let mut permits = Vec::with_capacity(report.recipients.len());
        for recipient in &report.recipients {
            let event = decided(Event::by(may, "report.decided", report.id).with(recipient));
            match self.decide_for(tx, &known, (draft, &report), recipient, stated)? {
                Decision::Permit(permit) => {
                    events.push(event.verdict("permit"));
                    permits.push(permit);
                }
                Decision::Refuse(refusal) => {
                    events.push(event.verdict(refusal.code().code()));
                    return Ok(Released::Refused(refusal));
                }
            }
        }
        let released_by: Vec<Role> = self.approvals(tx, draft)?.into_iter().map(|(_, role)| role).collect();
        let (sealed, committed) = self.seal(&report, &permits, &released_by, draft)?;
        let kept = sealed.first().ok_or_else(|| AppError::bug("release.permit"))?;
        let next = NewVersion {
            version: report.version,
            supersedes: None,
            form: Form::Sealed,
            content: kept.bytes(),
            at: self.now(),
        };
        reports::write_draft(tx, &self.vault, (report.id, draft.revision), &next)?;
        reports::set_state(tx, report.id, draft.head.state, ReportState::Released, self.now())?;
        let first = report.version == ReportVersion::FIRST;
        let kind = if first { MessageKind::Report } else { MessageKind::Correction };
        for (permit, sealed) in permits.iter().zip(&sealed) {
            placed.push(self.place(tx, &known, permit.recipient(), (sealed, kind), report.expires)?);
            let length = u64::try_from(sealed.bytes().len()).unwrap_or(u64::MAX);
            self.count(tx, permit, length.saturating_add(carried(&report)))?;
        }
        self.tied_release(tx, &known, &report, events)?;
        let event = Event::by(may, "report.released", report.id).case(report.case_ref);
        events.push(decided(event).committed(committed).verdict("permit"));
        Ok(Released::Sent)
    }

    /// Drops claims whose attribute the agreement does not cover (step 12, minimisation).
    fn minimised(&self, known: &Known, report: &Report) -> Report {
        let covered = &known.agreement().attributes;
        let keep = |claim: &&Claim| covered.contains(&claim.attribute);
        let subjects = report.subjects.iter().filter_map(|subject| {
            let claims = subject.claims().iter().filter(keep).cloned().collect();
            let mut made = Subject::new(subject.id(), subject.kind(), subject.class(), claims).ok()?;
            for role in subject.protected_roles() {
                made = made.with_protected_role(*role);
            }
            Some(if subject.is_minor() { made.with_minor() } else { made })
        });
        Report { subjects: subjects.collect(), ..report.clone() }
    }

    /// Seals the report once per permit: a seal names one recipient, and nobody can pass it on as addressed to another.
    fn seal(
        &self,
        report: &Report,
        permits: &[Permit],
        released_by: &[Role],
        draft: &Draft,
    ) -> Result<(Vec<Sealed>, Committed), AppError> {
        let now = self.now();
        let first = permits.first().ok_or_else(|| AppError::bug("release.permit"))?;
        let args = SealArgs {
            lease_until: now.plus(first.lease()),
            released_by: released_by.to_vec(),
            sealed_at: now,
            supersedes: ReportVersion::new(draft.head.version.get().saturating_sub(1)),
            salt: random::<32>(&*self.entropy)?,
        };
        let sealed = permits.iter().map(|permit| seal_report(report, permit, &args, self.keys.soft()));
        let sealed = sealed
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| AppError::bug("release.seal").because(error))?;
        // The same salt opens seals and log: what oversight sees is what the partners got.
        let committed =
            Committed::to(report.id.into(), report.version.get(), args.salt, &encode_report(report));
        Ok((sealed, committed))
    }

    /// Gives a sealed object its place in the lane to a partner, logs it (R0) and stores it.
    pub(crate) fn dispatch(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        recipient: &PartyId,
        (sealed, kind): (&Sealed, MessageKind),
        expires: Timestamp,
    ) -> Result<(), AppError> {
        let placed = self.place(tx, known, recipient, (sealed, kind), expires)?;
        self.log_placed(tx, Vec::new(), vec![placed])
    }

    /// Logs events, then one entry for each message that got its place (R0), and stores the messages: each row
    /// names its entry, and is in the same transaction.
    pub(crate) fn log_placed(
        &self,
        tx: &mut dyn Tx,
        mut events: Vec<Event>,
        placed: Vec<Placed>,
    ) -> Result<(), AppError> {
        let before = u64::try_from(events.len()).unwrap_or(u64::MAX);
        events.extend(placed.iter().map(|(_, queued)| fact_event(&queued.fact)));
        let positions = self.log(tx, &events)?;
        for (position, (key, queued)) in (positions.start.saturating_add(before)..).zip(placed) {
            let (_lane, message) = queued.store(Logged::committed(position));
            lanes::put(tx, key, &[message])?;
        }
        Ok(())
    }

    /// Gives a sealed object its place in the lane to a partner, with the disclosure row. The message itself is
    /// stored by [`Self::log_placed`].
    fn place(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        recipient: &PartyId,
        (sealed, kind): (&Sealed, MessageKind),
        expires: Timestamp,
    ) -> Result<Placed, AppError> {
        self.ensure_running()?;
        let class = kind.lane().unwrap_or(Lane::Control);
        let id = LaneId {
            from: self.party.clone(),
            to: recipient.clone(),
            agreement: known.agreement().id(),
            lane: class,
        };
        if lanes::is_restoring(tx, LaneKey::of(&id))? {
            // A new place of an epoch that this node continued after a loss may be one it used before.
            return Err(AppError::new(ErrorKind::Unavailable, "lane.restoring", words::UNAVAILABLE)
                .hint("this node was restored: it sends again as soon as the partner was heard"));
        }
        let lane = lanes::outbound(tx, &id)?;
        let now = self.now();
        let object = (sealed.header().object, sealed.header().version);
        let out = Outgoing {
            kind,
            object: Some(object),
            sealed: sealed.bytes(),
            expires: expires.min(now.plus(Days(365))),
            deadline: now.plus(DELIVERY),
        };
        let stamp = self.stamp(tx, &id)?;
        let mut sessions = self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut wrap = OneWrap { app: self, sessions: &mut sessions, sealed: Some(sealed) };
        let queued = enqueue(&lane, &out, stamp, &mut wrap).map_err(crate::outbound::enqueue_error)?;
        let key = LaneKey::of(&id);
        if matches!(kind, MessageKind::Report | MessageKind::Correction) {
            let disclosure = disclosures::Disclosure {
                object: object.0,
                version: object.1,
                recipient: recipient.clone(),
                agreement: id.agreement,
                lane: key,
                place: queued.lane.last(),
                sent: now,
                answers: Answers::default(),
            };
            disclosures::add_many(tx, &[disclosure])?;
        }
        lanes::save_outbound(tx, &queued.lane)?;
        Ok((key, queued))
    }

    /// Runs the release decision for one recipient.
    fn decide_for(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (draft, report): (&Draft, &Report),
        recipient: &PartyId,
        stated: &Use,
    ) -> Result<Decision, AppError> {
        let context = self.sender_context(tx, known, (draft, report), recipient, stated)?;
        let disclosure = Disclosure {
            report,
            recipient,
            side: Side::Sender,
            context: &context,
            standing: &known.standing,
        };
        Ok(decide(&known.rules, &disclosure, self.now()))
    }

    fn sender_context(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (draft, report): (&Draft, &Report),
        recipient: &PartyId,
        stated: &Use,
    ) -> Result<Context, AppError> {
        let (agreement, now) = (known.agreement(), self.now());
        let opened = self.opened_by(tx, report, draft.hash)?;
        let approvals = self.approvals(tx, draft)?;
        let cleared = self.is_cleared(tx, report.id, report.version, draft.hash)?;
        let special = if cleared { Vec::new() } else { screen::report(report) };
        let risk =
            partners::risk(tx, &self.vault, recipient)?.and_then(|stored| decode_risk(&stored.content));
        let budgets = agreement.budgets;
        let used = |tx: &mut dyn Tx, name| {
            agreements::used(
                tx,
                &Counter { agreement: &agreement.id(), party: &self.party, name, day: day(now) },
            )
        };
        Ok(Context {
            work: self.work(tx, draft)?,
            signatures_good: known.all_signed,
            rule_set: Some(agreement.id()),
            reply_bound: self.reply_bound(tx, report, recipient)?,
            hold: false,
            special_categories: special,
            clearances: self.clearances(tx, report, draft.hash)?,
            excluded: stated.excluded,
            consents: Vec::new(),
            recipient_level: agreement
                .party(recipient)
                .map_or(mithaq_model::Level::Unclassified, |party| party.max_level),
            channel_level: self.accreditation(),
            partner_risk: risk,
            further_risks: stated.further_risks.clone(),
            capital_offence: stated.capital_offence,
            assurances: stated.assurances.clone(),
            reports_left: u64::from(budgets.reports_per_day).saturating_sub(used(tx, REPORTS)?),
            bytes_left: budgets.bytes_per_day.saturating_sub(used(tx, BYTES)?),
            bytes: u64::try_from(draft.bytes.len()).unwrap_or(u64::MAX).saturating_add(carried(report)),
            life_at_risk: opened.is_some(),
            approvals,
        })
    }

    /// Step 14: who approved the draft, and who opened it because a life is at risk: two persons there too.
    fn approvals(&self, tx: &mut dyn Tx, draft: &Draft) -> Result<Vec<(OfficerId, Role)>, AppError> {
        let mut approvals = approvers(&reports::approvals(tx, draft.report.id, draft.report.version)?);
        for (officer, role) in self.opened_by(tx, &draft.report, draft.hash)?.into_iter().flatten() {
            if approvals.iter().all(|(other, _)| *other != officer) {
                approvals.push((officer, role));
            }
        }
        Ok(approvals)
    }

    /// Step 1: the case is open and its author is still assigned to it.
    fn work(&self, tx: &mut dyn Tx, draft: &Draft) -> Result<Work, AppError> {
        let case = match draft.head.case {
            Some(case) => cases::get(tx, &self.vault, case)?.map(|stored| stored.case),
            None => None,
        };
        let author: Option<OfficerId> = draft.head.author;
        Ok(Work {
            role_may: true,
            case_open: case
                .as_ref()
                .is_some_and(|case| case.state == CaseState::Open && case.review_on > self.now()),
            case_assigned: case.zip(author).is_some_and(|(case, author)| case.officers.contains(&author)),
        })
    }

    fn count(&self, tx: &mut dyn Tx, permit: &Permit, bytes: u64) -> Result<(), AppError> {
        let (id, day) = (permit.agreement(), day(self.now()));
        let counter = |name| Counter { agreement: &id, party: &self.party, name, day };
        agreements::count(tx, &counter(REPORTS), 1)?;
        agreements::count(tx, &counter(BYTES), bytes)?;
        Ok(())
    }
}

/// Budget of reports.
pub(crate) const REPORTS: &str = "reports";
/// Budget of bytes.
pub(crate) const BYTES: &str = "bytes";

/// The day of an instant, UTC, for budgets.
pub(crate) fn day(now: Timestamp) -> u32 {
    u32::try_from(now.as_millis().div_euclid(86_400_000)).unwrap_or(0)
}

/// A refusal by the rules as the officer sees it.
pub(crate) fn refused(refusal: &Refusal) -> AppError {
    AppError::refused(
        format!("release.{}", refusal.code()),
        *refusal.words(),
        refusal.step(),
        refusal.clause().map(ToOwned::to_owned),
        refusal.ground(),
    )
}
