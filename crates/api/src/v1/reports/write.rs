//! Reports being written: drafted, graded, corrected.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, AppError, Changes, NewReport, intent};
use mithaq_model::{
    Assessment, CaseId, Confidence, Grade, Level, Likelihood, ReportId, ReportKind, Tie, Timestamp, Urgency,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::views::{AssessmentView, FactView};
use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::{TextView, Why};
use crate::v1::people::Created;
use crate::v1::subjects::HandlingView;

/// A report to write.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReportBody {
    pub(crate) why: Why,
    /// Case it belongs to.
    pub(crate) case: String,
    /// What it is, a code. Set for requests.
    kind: Option<String>,
    /// Agreement it is to be released under.
    agreement: String,
    /// Recipients. Empty means nobody.
    recipients: Vec<String>,
    /// Why a clock is short, a code.
    #[serde(default = "routine")]
    urgency: String,
    title: TextView,
    facts: Vec<FactView>,
    #[serde(default)]
    assessments: Vec<AssessmentView>,
    /// Subjects of the case to put in, by number.
    #[serde(default)]
    subjects: Vec<String>,
    /// Grade of the whole, if it is graded at once.
    grade: Option<String>,
    handling: HandlingView,
    /// Classification, a code.
    level: String,
    /// Last day of use.
    expires: String,
    /// Whether it holds something that may exonerate.
    #[serde(default)]
    exculpatory: bool,
    /// Whether a machine wrote part of it.
    #[serde(default)]
    machine_made: bool,
    /// Whether there is suspicion that it was obtained in violation of rights.
    #[serde(default)]
    obtained_in_violation: bool,
}

fn routine() -> String {
    "routine".to_owned()
}

impl NewReportBody {
    /// What it is.
    pub(crate) fn kind(&self) -> Result<ReportKind, AppError> {
        let code = self.kind.as_deref().ok_or_else(|| AppError::invalid("kind"))?;
        field("kind", ReportKind::from_code(code))
    }

    /// The report as the application takes it.
    pub(crate) fn report(&self, kind: ReportKind, tie: Option<Tie>) -> Result<NewReport, AppError> {
        let facts = self.facts.iter().map(FactView::fact);
        let assessments = self.assessments.iter().map(|one| {
            Ok(Assessment {
                text: one.text.long("assessments.text")?,
                likelihood: field("assessments.likelihood", Likelihood::from_code(&one.likelihood))?,
                confidence: field("assessments.confidence", Confidence::from_code(&one.confidence))?,
            })
        });
        let recipients = self.recipients.iter().map(|party| field("recipients", party.parse()));
        let subjects = self.subjects.iter().map(|id| field("subjects", id.parse()));
        let grade = self.grade.as_ref().map(|code| field("grade", Grade::from_code(code)));
        Ok(NewReport {
            kind,
            agreement: field("agreement", self.agreement.parse())?,
            recipients: recipients.collect::<Result<_, _>>()?,
            urgency: field("urgency", Urgency::from_code(&self.urgency))?,
            title: self.title.line("title")?,
            facts: facts.collect::<Result<_, AppError>>()?,
            assessments: assessments.collect::<Result<_, AppError>>()?,
            subjects: subjects.collect::<Result<_, _>>()?,
            links: Vec::new(),
            grade: grade.transpose()?,
            handling: self.handling.handling()?,
            level: field("level", Level::from_code(&self.level))?,
            expires: field("expires", Timestamp::parse(&self.expires).ok_or(()))?,
            exculpatory: self.exculpatory,
            machine_made: self.machine_made,
            obtained_in_violation: self.obtained_in_violation,
            tie,
        })
    }
}

/// Writes a draft.
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports", request_body = NewReportBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn draft(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<NewReportBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let case: CaseId = number(&body.case)?;
    let id = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.draft_report(may, &access, body.report(body.kind()?, None)?)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// A grade for a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GradeBody {
    why: Why,
    /// Case it belongs to.
    case: String,
    /// For example `4x4:B2`.
    grade: String,
}

/// Grades a draft.
#[utoipa::path(post, path = "/api/v1/reports/{id}/grade", tag = "reports", params(("id" = String, Path)),
    request_body = GradeBody, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn grade(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<GradeBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.grade_report(may, &access, id, field("grade", Grade::from_code(&body.grade))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is changed by a correction or a revision; the rest stays as it was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrectBody {
    why: Why,
    /// Case it belongs to.
    case: String,
    title: Option<TextView>,
    /// New facts, all of them.
    facts: Option<Vec<FactView>>,
    /// A new grade of the whole.
    grade: Option<String>,
    /// A new last day of use.
    expires: Option<String>,
    /// A new handling of the whole. Of what was released it may be tightened only.
    handling: Option<HandlingView>,
    /// New recipients, all of them. Of what was released some may be taken out, who are then told to erase it.
    recipients: Option<Vec<String>>,
}

impl CorrectBody {
    fn changes(&self) -> Result<Changes, AppError> {
        let facts = self.facts.as_ref().map(|facts| facts.iter().map(FactView::fact).collect());
        let expires = self.expires.as_ref().map(|at| field("expires", Timestamp::parse(at).ok_or(())));
        let recipients = self.recipients.as_ref().map(|named| {
            named.iter().map(|party| field("recipients", party.parse())).collect::<Result<_, _>>()
        });
        Ok(Changes {
            title: self.title.as_ref().map(|title| title.line("title")).transpose()?,
            facts: facts.transpose()?,
            grade: self.grade.as_ref().map(|code| field("grade", Grade::from_code(code))).transpose()?,
            expires: expires.transpose()?,
            handling: self.handling.as_ref().map(HandlingView::handling).transpose()?,
            recipients: recipients.transpose()?,
        })
    }
}

/// Writes the next version of a released report, to be reviewed, approved and released like the first.
#[utoipa::path(post, path = "/api/v1/reports/{id}/correct", tag = "reports", params(("id" = String, Path)),
    request_body = CorrectBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn correct(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<CorrectBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.correct_report(may, &access, id, &body.changes()?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes a draft that has not left. Review, approvals and clearances of the old text fall away.
#[utoipa::path(post, path = "/api/v1/reports/{id}/revise", tag = "reports", params(("id" = String, Path)),
    request_body = CorrectBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn revise(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<CorrectBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.revise_report(may, &access, id, &body.changes()?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
