//! How reports look in the API.

use mithaq_app::AppError;
use mithaq_model::{Assessment, Fact, Grade, Report};
use mithaq_store::reports::{Direction, ReportHead};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::session::field;
use crate::v1::cases::TextView;
use crate::v1::subjects::{HandlingView, SubjectView};

/// Something observed or documented.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactView {
    text: TextView,
    /// Grade, for example `4x4:B2`.
    grade: String,
}

impl FactView {
    pub(super) fn fact(&self) -> Result<Fact, AppError> {
        Ok(Fact {
            text: self.text.long("facts.text")?,
            grade: field("facts.grade", Grade::from_code(&self.grade))?,
        })
    }
}

/// Something concluded.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssessmentView {
    pub(super) text: TextView,
    /// `almost_no_chance` to `almost_certain`.
    pub(super) likelihood: String,
    /// `low`, `moderate` or `high`.
    pub(super) confidence: String,
}

/// A report without its content.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeadView {
    id: String,
    /// `own` or `received`.
    direction: &'static str,
    originator: String,
    agreement: Option<String>,
    /// State, a code.
    state: &'static str,
    version: u32,
    /// Classification, a code.
    level: &'static str,
    created: String,
    changed: String,
    expires: String,
}

impl From<&ReportHead> for HeadView {
    fn from(head: &ReportHead) -> Self {
        Self {
            id: head.id.to_string(),
            direction: match head.direction {
                Direction::Own => "own",
                Direction::Received => "received",
            },
            originator: head.originator.to_string(),
            agreement: head.agreement.map(|id| id.to_string()),
            state: head.state.code(),
            version: head.version.get(),
            level: head.level.code(),
            created: head.created.to_string(),
            changed: head.changed.to_string(),
            expires: head.expires.to_string(),
        }
    }
}

/// A report with its content.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportView {
    id: String,
    version: u32,
    /// What it is, a code.
    kind: &'static str,
    originator: String,
    agreement: String,
    recipients: Vec<String>,
    /// What it may be used for, a code.
    purpose: &'static str,
    /// Area of crime, a code.
    area: &'static str,
    offence: TextView,
    urgency: &'static str,
    title: TextView,
    facts: Vec<FactView>,
    assessments: Vec<AssessmentView>,
    subjects: Vec<SubjectView>,
    grade: Option<String>,
    handling: HandlingView,
    level: &'static str,
    expires: String,
    exculpatory: bool,
    machine_made: bool,
    created: String,
    /// Files it carries.
    attachments: Vec<AttachmentView>,
}

/// A file of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttachmentView {
    /// Place among them, from 1.
    place: u32,
    name: TextView,
    /// What its author says it is.
    media: String,
    /// Bytes.
    length: u64,
    /// Names exactly this ciphertext: 64 hexadecimal digits.
    root: String,
}

impl AttachmentView {
    fn of((place, one): (u32, &mithaq_model::Attachment)) -> Self {
        Self {
            place,
            name: TextView::from(&one.name),
            media: one.media.as_str().to_owned(),
            length: one.length,
            root: data_encoding::HEXLOWER.encode(&one.root),
        }
    }
}

impl From<&Report> for ReportView {
    fn from(report: &Report) -> Self {
        let fact = |fact: &Fact| FactView { text: TextView::from(&fact.text), grade: fact.grade.code() };
        let assessment = |one: &Assessment| AssessmentView {
            text: TextView::from(&one.text),
            likelihood: one.likelihood.code().to_owned(),
            confidence: one.confidence.code().to_owned(),
        };
        Self {
            id: report.id.to_string(),
            version: report.version.get(),
            kind: report.kind.code(),
            originator: report.originator.to_string(),
            agreement: report.agreement.to_string(),
            recipients: report.recipients.iter().map(ToString::to_string).collect(),
            purpose: report.purpose.code(),
            area: report.area.code(),
            offence: TextView::from(&report.offence),
            urgency: report.urgency.code(),
            title: TextView::from(&report.title),
            facts: report.facts.iter().map(fact).collect(),
            assessments: report.assessments.iter().map(assessment).collect(),
            subjects: report.subjects.iter().map(SubjectView::from).collect(),
            grade: report.grade.map(Grade::code),
            handling: HandlingView::from(&report.effective_handling()),
            level: report.level.code(),
            expires: report.expires.to_string(),
            exculpatory: report.exculpatory,
            machine_made: report.machine_made,
            created: report.created.to_string(),
            attachments: (1..).zip(&report.attachments).map(AttachmentView::of).collect(),
        }
    }
}
