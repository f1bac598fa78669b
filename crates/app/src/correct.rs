//! Changes of a report: of a draft, before it leaves, whoever has reviewed or approved it; of a released one, as a
//! new version through the same hands as the first. A correction travels in the control lane, ahead of everything
//! else, and replaces the old version wherever that went.

use mithaq_envelope::{Opened, open_seal};
use mithaq_model::{Fact, Grade, Report, ReportId, ReportState, Text, Timestamp};
use mithaq_store::reports::{self, Direction, Form, NewVersion};
use mithaq_wire::encode_report;

use crate::App;
use crate::cases::CaseAccess;
use crate::error::AppError;
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
}

impl Changes {
    fn apply(&self, report: &mut Report) {
        let Self { title, facts, grade, expires } = self.clone();
        report.title = title.unwrap_or_else(|| report.title.clone());
        report.facts = facts.unwrap_or_else(|| report.facts.clone());
        report.grade = grade.or(report.grade);
        report.expires = expires.unwrap_or(report.expires);
    }
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
            changes.apply(&mut draft.report);
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
            let (_, sealed) = reports::content(tx, &app.vault, number, head.version)?;
            let registry = app.registry();
            let own = registry.own.as_ref().ok_or_else(|| AppError::conflict("node.no_manifest"))?;
            let Ok(Opened::Report(inner)) = open_seal(&sealed, own) else {
                return Err(AppError::bug("report.seal"));
            };
            let next = head.version.next().ok_or_else(|| AppError::conflict("report.versions"))?;
            let mut report = inner.report;
            report.version = next;
            report.created = app.now();
            changes.apply(&mut report);
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
}
