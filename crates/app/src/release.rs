//! The release: decided, sealed, given its place in the lane, logged, in one transaction. What leaves the node is
//! what this wrote, after the commit.

mod asked;
mod judge;
mod places;
mod ready;

use mithaq_db::Tx;
use mithaq_envelope::Sealed;
use mithaq_model::{
    Assurance, ExcludedPredicate, Millis, PartyId, ReportId, ReportVersion, RiskDimension, RiskLevel,
    Timestamp,
};
use mithaq_policy::Refusal;
use mithaq_store::reports::{self, Form, Leaving, NewVersion};
use mithaq_wire::MessageKind;

use self::asked::Asked;
use self::judge::{End, Judged};
use self::places::Places;
use self::ready::Ready;
use crate::App;
use crate::error::AppError;
use crate::log::Event;
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
        let mut call = Call {
            asked: Asked::on(day(self.now())),
            events: Vec::with_capacity(numbers.len() * 3),
            places: Places::default(),
            leaving: Vec::new(),
        };
        let mut all = self.ready_all(tx, numbers, stated, &mut call.asked)?;
        let judged = self.judge_all(&all);
        let mut done = Vec::with_capacity(numbers.len());
        for (ready, judged) in all.iter_mut().zip(judged) {
            let judged = self.within_budget(&call.asked, ready, judged?)?;
            done.push((ready.report.id, self.send_off(tx, may, ready, judged, &mut call)?));
        }
        self.leave(tx, &call.leaving)?;
        self.count_used(tx, &call.asked)?;
        self.log_places(tx, call.events, call.places)?;
        // After the corrections themselves have their places: what is said about them comes behind them.
        let leaving = call.leaving.iter().map(|(ready, _)| &ready.report);
        for report in leaving.filter(|report| report.version != ReportVersion::FIRST) {
            let mut events = Vec::new();
            self.taken_out(tx, may, report, &mut events)?;
            self.correction_follows(tx, report, &mut events)?;
            self.log(tx, &events)?;
        }
        Ok(done)
    }

    /// The sealed bytes take the places of the drafts.
    fn leave(&self, tx: &mut dyn Tx, leaving: &[(&Ready, Sealed)]) -> Result<(), AppError> {
        let at = self.now();
        let leaving = leaving.iter().map(|(ready, kept)| Leaving {
            id: ready.report.id,
            revision: ready.draft.revision,
            from: ready.draft.head.state,
            sealed: NewVersion {
                version: ready.report.version,
                supersedes: None,
                form: Form::Sealed,
                content: kept.bytes(),
                at,
            },
        });
        Ok(reports::release(tx, &self.vault, &leaving.collect::<Vec<_>>())?)
    }

    /// Stores and logs what was judged of one report.
    fn send_off<'a>(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReleaseReport>,
        ready: &'a Ready,
        judged: Judged,
        Call { asked, events, places, leaving }: &mut Call<'a>,
    ) -> Result<Released, AppError> {
        let report = &ready.report;
        let decided = |event: Event| event.agreement(report.agreement).purpose(report.purpose);
        let asked_for = |recipient: Option<&PartyId>| {
            let event = decided(Event::by(may, "report.decided", report.id));
            match recipient {
                Some(recipient) => event.with(recipient),
                None => event,
            }
        };
        events.extend(judged.permits.iter().map(|one| asked_for(Some(one.recipient())).verdict("permit")));
        let (sealed, committed) = match judged.end {
            End::Sealed(sealed, committed) => (sealed, committed),
            End::Refused(refusal) => {
                // An empty list is nobody: the decision says so in its own words.
                let recipient = report.recipients.get(judged.permits.len());
                events.push(asked_for(recipient).verdict(refusal.code().code()));
                return Ok(Released::Refused(refusal));
            }
        };
        let first = report.version == ReportVersion::FIRST;
        let kind = if first { MessageKind::Report } else { MessageKind::Correction };
        for (permit, sealed) in judged.permits.iter().zip(&sealed) {
            self.place(tx, places, (&ready.known, permit.recipient()), (sealed, kind), report.expires)?;
            asked.count(permit.agreement(), ready.bytes(sealed.bytes().len()));
        }
        let kept = sealed.into_iter().next().ok_or_else(|| AppError::bug("release.permit"))?;
        self.tied_release(tx, &ready.known, (report, kept.header().sealed_at), events)?;
        leaving.push((ready, kept));
        let event = Event::by(may, "report.released", report.id).case(report.case_ref);
        events.push(decided(event).committed(committed).verdict("permit"));
        Ok(Released::Sent)
    }
}

/// What one call gathers: asked once, stored at its end.
struct Call<'a> {
    asked: Asked,
    events: Vec<Event>,
    places: Places,
    /// What leaves, and the sealed bytes that take the place of the draft.
    leaving: Vec<(&'a Ready, Sealed)>,
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
