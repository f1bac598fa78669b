//! Changes of a report: of a draft, before it leaves, whoever has reviewed or approved it; of a released one, as a
//! new version through the same hands as the first. A correction travels in the control lane, ahead of everything
//! else, and replaces the old version wherever that went.

use mithaq_db::Tx;
use mithaq_model::{
    Fact, Grade, Handling, PartyId, Report, ReportId, ReportState, ReportVersion, Text, Timestamp,
};
use mithaq_store::reports::{self, Direction, Form, NewVersion};
use mithaq_wire::encode_report;

use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::rights::{May, intent};

/// What is changed; the rest stays as it was.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// A new title.
    pub title: Option<Text>,
    /// New facts, all of them.
    pub facts: Option<Vec<Fact>>,
    /// A new grade of the whole.
    pub grade: Option<Grade>,
    /// A new last day of use.
    pub expires: Option<Timestamp>,
    /// A new handling of the whole. Of what was released it allows no more than before.
    pub handling: Option<Handling>,
    /// New recipients, all of them. Of what was released they are some of those before: the others erase it.
    pub recipients: Option<Vec<PartyId>>,
}

impl Changes {
    /// Changes a report; `before` is the version that was released, if one was.
    fn apply(&self, report: &mut Report, before: Option<&Report>) -> Result<(), AppError> {
        let Self { title, facts, grade, expires, handling, recipients } = self.clone();
        report.title = title.unwrap_or_else(|| report.title.clone());
        report.facts = facts.unwrap_or_else(|| report.facts.clone());
        report.grade = grade.or(report.grade);
        report.expires = expires.unwrap_or(report.expires);
        if let Some(handling) = handling {
            if let Some(before) = before {
                tightened(report, before, &handling)?;
            }
            report.handling = handling;
        }
        if let Some(named) = recipients {
            report.recipients = match before {
                Some(before) => some_of(&before.recipients, &named)?,
                // Who is asked and who is answered is part of the question.
                None if report.tie.is_some() && named != report.recipients => {
                    return Err(AppError::invalid("recipients").hint("ask or answer anew"));
                }
                None => named,
            };
        }
        Ok(())
    }
}

/// Handling of what was released is tightened only, and binds its parts: whoever keeps a part by itself keeps that too.
fn tightened(report: &mut Report, before: &Report, handling: &Handling) -> Result<(), AppError> {
    if !handling.is_within(&before.handling) {
        return Err(AppError::new(ErrorKind::Invalid, "report.loosened", words::INVALID)
            .hint("a correction may allow less, not more: write a new report"));
    }
    report.subjects = before.subjects.iter().map(|subject| subject.clone().bound_by(handling)).collect();
    report.links.clone_from(&before.links);
    for link in &mut report.links {
        link.handling = link.handling.join(handling);
    }
    Ok(())
}

/// Recipients of what was released are taken out only.
fn some_of(before: &[PartyId], named: &[PartyId]) -> Result<Vec<PartyId>, AppError> {
    if named.iter().any(|party| !before.contains(party)) {
        return Err(AppError::new(ErrorKind::Invalid, "report.widened", words::INVALID)
            .hint("a correction goes to nobody new: write a new report"));
    }
    if named.is_empty() {
        return Err(AppError::invalid("recipients").hint("to take it back from everybody, recall it"));
    }
    Ok(before.iter().filter(|party| named.contains(party)).cloned().collect())
}

/// The newest version of a report of this node that was released.
pub(crate) fn newest_sealed(tx: &mut dyn Tx, number: ReportId) -> Result<Option<ReportVersion>, AppError> {
    let sealed = reports::versions(tx, number)?.into_iter().filter(|one| one.form == Form::Sealed);
    Ok(sealed.map(|one| one.version).max())
}

impl App {
    /// Changes a draft that has not left. Another word, and the review, the approvals and the clearances of the old
    /// text fall away: they were about other bytes.
    ///
    /// # Errors
    /// When the report is not a draft of the case.
    pub fn revise_report(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        number: ReportId,
        changes: &Changes,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let (case, changes, salt) = (access.case(), changes.clone(), random::<32>(&*self.entropy)?);
        self.attempt(Event::refused(may, number).case(case), move |app, tx| {
            let mut draft = app.load_draft(tx, number)?;
            if draft.head.case != Some(case) {
                return Err(AppError::not_found());
            }
            let before = match newest_sealed(tx, number)? {
                Some(version) => Some(app.released(tx, number, version)?),
                None => None,
            };
            changes.apply(&mut draft.report, before.as_ref())?;
            let bytes = encode_report(&draft.report);
            let version = NewVersion {
                version: draft.head.version,
                supersedes: None,
                form: Form::Draft,
                content: &bytes,
                at: app.now(),
            };
            reports::write_draft(tx, &app.vault, (number, draft.revision), &version)?;
            let graded = draft.report.grade.is_some();
            let state = if graded { ReportState::Graded } else { ReportState::Draft };
            reports::set_state(tx, number, draft.head.state, state, app.now())?;
            let committed = Committed::to(number.into(), draft.head.version.get(), salt, &bytes);
            let event = Event::by(may, "report.revised", number).case(case).agreement(draft.report.agreement);
            app.log(tx, &[event.committed(committed)])?;
            Ok(())
        })
    }

    /// Writes the next version of a report that was released, as a graded draft to be reviewed and approved.
    ///
    /// # Errors
    /// When the report is not this node's own, not of the case, or not released.
    pub fn correct_report(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        number: ReportId,
        changes: &Changes,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let (case, changes, salt) = (access.case(), changes.clone(), random::<32>(&*self.entropy)?);
        self.attempt(Event::refused(may, number).case(case), move |app, tx| {
            let head = reports::head_locked(tx, number)?;
            if head.direction != Direction::Own || head.case != Some(case) {
                return Err(AppError::not_found());
            }
            if !matches!(
                head.state,
                ReportState::Released | ReportState::Delivered | ReportState::Acknowledged
            ) {
                return Err(AppError::conflict("report.not_released"));
            }
            let before = app.released(tx, number, head.version)?;
            let next = head.version.next().ok_or_else(|| AppError::conflict("report.versions"))?;
            let mut report = Report { version: next, created: app.now(), ..before.clone() };
            changes.apply(&mut report, Some(&before))?;
            let bytes = encode_report(&report);
            let version = NewVersion {
                version: next,
                supersedes: Some(head.version),
                form: Form::Draft,
                content: &bytes,
                at: app.now(),
            };
            reports::add_version(tx, &app.vault, number, &version)?;
            app.link_own(tx, &report)?;
            reports::set_state(tx, number, head.state, ReportState::Graded, app.now())?;
            let committed = Committed::to(number.into(), next.get(), salt, &bytes);
            let event = Event::by(may, "report.corrected", number).case(case).agreement(report.agreement);
            app.log(tx, &[event.committed(committed)])?;
            Ok(())
        })
    }

    /// A version of this node as it was released.
    fn released(
        &self,
        tx: &mut dyn Tx,
        number: ReportId,
        version: ReportVersion,
    ) -> Result<Report, AppError> {
        let (_, sealed) = reports::content(tx, &self.vault, number, version)?;
        self.unseal(&sealed, &self.party)
    }
}
