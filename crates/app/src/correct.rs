//! A correction: a new version of a released report, through the same hands as the first. It travels in the
//! control lane, ahead of everything else, and replaces the old version wherever that went.

use mithaq_envelope::{Opened, open_seal};
use mithaq_model::{Fact, Grade, ReportId, ReportState, Text, Timestamp};
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

impl App {
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
            report.title = changes.title.unwrap_or(report.title);
            report.facts = changes.facts.unwrap_or(report.facts);
            report.grade = changes.grade.or(report.grade);
            report.expires = changes.expires.unwrap_or(report.expires);
            let bytes = encode_report(&report);
            let version = NewVersion {
                version: next,
                supersedes: Some(head.version),
                form: Form::Draft,
                content: &bytes,
                at: app.now(),
            };
            reports::add_version(tx, &app.vault, number, &version)?;
            reports::set_state(tx, number, head.state, ReportState::Graded, app.now())?;
            let committed = Committed::to(number.into(), next.get(), salt, &bytes);
            let event = Event::by(may, "report.corrected", number).case(case).agreement(report.agreement);
            app.log(tx, &[event.committed(committed)])?;
            Ok(())
        })
    }
}
