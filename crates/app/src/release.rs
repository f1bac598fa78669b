//! The release: decided, sealed, given its place in the lane, logged, in one transaction. What leaves the node is
//! what this wrote, after the commit.

mod asked;
mod places;

use mithaq_db::Tx;
use mithaq_envelope::{SealArgs, Sealed, seal_report};
use mithaq_model::{
    Assurance, Claim, ExcludedPredicate, Millis, PartyId, Report, ReportId, ReportState, ReportVersion,
    RiskDimension, RiskLevel, Role, Subject, Timestamp,
};
use mithaq_policy::{Context, Decision, Disclosure, Permit, Refusal, Side, decide};
use mithaq_store::reports::{self, Form, NewVersion};
use mithaq_wire::{MessageKind, encode_report};

use self::asked::{Asked, Said};
use self::places::Places;
use crate::App;
use crate::attachments::carried;
use crate::drafts::Draft;
use crate::error::AppError;
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::registry::Known;
use crate::rights::{May, intent};

/// Most reports released by one call: one transaction, one batch of the lane.
pub const RELEASE_MAX: usize = 64;
/// How long an envelope is tried before the sender signs "not delivered".
pub(crate) const DELIVERY: Millis = Millis::hours(24 * 30);

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
        let mut call = Call {
            asked: Asked::on(day(self.now())),
            events: Vec::with_capacity(numbers.len() * 3),
            places: Places::default(),
            corrected: Vec::new(),
        };
        for number in numbers {
            let draft = self.load_draft(tx, *number)?;
            let graded = draft.head.state == ReportState::Graded;
            // The review by a third person is what a life at risk does not wait for.
            let opened = graded && self.opened_by(tx, &draft.report, draft.hash)?.is_some();
            if draft.head.state != ReportState::Reviewed && !opened {
                return Err(AppError::conflict("report.not_reviewed"));
            }
            let outcome = self.release_one(tx, may, &draft, stated, &mut call)?;
            done.push((*number, outcome));
        }
        self.count_used(tx, &call.asked)?;
        self.log_places(tx, call.events, call.places)?;
        // After the corrections themselves have their places: what is said about them comes behind them.
        for report in &call.corrected {
            let mut events = Vec::new();
            self.correction_follows(tx, report, &mut events)?;
            self.log(tx, &events)?;
        }
        Ok(done)
    }

    fn release_one(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReleaseReport>,
        draft: &Draft,
        stated: &Use,
        Call { asked, events, places, corrected }: &mut Call,
    ) -> Result<Released, AppError> {
        let known = self.known(draft.report.agreement)?;
        crate::tally::decides_by(known.as_of);
        let report = self.minimised(&known, &draft.report);
        self.ensure_attachments(tx, &report)?;
        let said = self.said_of(tx, draft)?;
        let about = About { known: &known, draft, report: &report, said: &said, stated };
        let decided = |event: Event| event.agreement(report.agreement).purpose(report.purpose);
        if report.recipients.is_empty() {
            // An empty list is nobody: the decision says so in its own words.
            let refusal = self.decide_for(tx, asked, &about, &self.party)?;
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
            match self.decide_for(tx, asked, &about, recipient)? {
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
        let released_by: Vec<Role> = said.approvals.iter().map(|(_, role)| *role).collect();
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
            self.place(tx, places, (&known, permit.recipient()), (sealed, kind), report.expires)?;
            let length = u64::try_from(sealed.bytes().len()).unwrap_or(u64::MAX);
            asked.count(permit.agreement(), length.saturating_add(carried(&report)));
        }
        self.tied_release(tx, &known, &report, events)?;
        if !first {
            corrected.push(report.clone());
        }
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

    /// Runs the release decision for one recipient.
    fn decide_for(
        &self,
        tx: &mut dyn Tx,
        asked: &mut Asked,
        about: &About<'_>,
        recipient: &PartyId,
    ) -> Result<Decision, AppError> {
        let context = self.sender_context(tx, asked, about, recipient)?;
        let disclosure = Disclosure {
            report: about.report,
            recipient,
            side: Side::Sender,
            context: &context,
            standing: &about.known.standing,
        };
        Ok(decide(&about.known.rules, &disclosure, self.now()))
    }

    fn sender_context(
        &self,
        tx: &mut dyn Tx,
        asked: &mut Asked,
        about: &About<'_>,
        recipient: &PartyId,
    ) -> Result<Context, AppError> {
        let (agreement, said, stated) = (about.known.agreement(), about.said, about.stated);
        let budgets = agreement.budgets;
        let (reports, bytes) = self.used(tx, asked, agreement.id())?;
        Ok(Context {
            work: self.work(tx, asked, about.draft)?,
            signatures_good: about.known.all_signed,
            rule_set: Some(agreement.id()),
            reply_bound: self.reply_bound(tx, about.report, recipient)?,
            hold: false,
            special_categories: said.special.clone(),
            clearances: said.clearances.clone(),
            excluded: stated.excluded,
            consents: Vec::new(),
            recipient_level: agreement
                .party(recipient)
                .map_or(mithaq_model::Level::Unclassified, |party| party.max_level),
            channel_level: self.accreditation(),
            partner_risk: self.risk_of(tx, asked, recipient)?,
            further_risks: stated.further_risks.clone(),
            capital_offence: stated.capital_offence,
            assurances: stated.assurances.clone(),
            reports_left: u64::from(budgets.reports_per_day).saturating_sub(reports),
            bytes_left: budgets.bytes_per_day.saturating_sub(bytes),
            bytes: u64::try_from(about.draft.bytes.len())
                .unwrap_or(u64::MAX)
                .saturating_add(carried(about.report)),
            life_at_risk: said.opened,
            approvals: said.approvals.clone(),
        })
    }
}

/// What one call gathers: asked once, stored at its end.
struct Call {
    asked: Asked,
    events: Vec<Event>,
    places: Places,
    /// Corrections that leave: further holders are told of them.
    corrected: Vec<Report>,
}

/// One draft, and all that is decided by.
struct About<'a> {
    known: &'a Known,
    draft: &'a Draft,
    /// The draft without the claims that the agreement does not cover.
    report: &'a Report,
    said: &'a Said,
    stated: &'a Use,
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
