//! Reports: written, graded, reviewed, approved by two persons, released, read, recalled.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use mithaq_app::{App, AppError, Changes, NewReport, Released, Use, intent, order_reason};
use mithaq_model::{
    Assessment, Assurance, CaseId, Confidence, ExcludedPredicate, Fact, Grade, Level, Likelihood, Report,
    ReportId, ReportKind, ReportState, RiskDimension, RiskLevel, Timestamp, Urgency,
};
use mithaq_store::Page;
use mithaq_store::reports::{Direction, ReportHead};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, number};
use crate::v1::cases::{TextView, Why};
use crate::v1::people::Created;
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
    fn fact(&self) -> Result<Fact, AppError> {
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
    text: TextView,
    /// `almost_no_chance` to `almost_certain`.
    likelihood: String,
    /// `low`, `moderate` or `high`.
    confidence: String,
}

/// A report to write.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReportBody {
    why: Why,
    /// Case it belongs to.
    case: String,
    /// What it is, a code.
    kind: String,
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
    fn report(&self) -> Result<NewReport, AppError> {
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
            kind: field("kind", ReportKind::from_code(&self.kind))?,
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
    let may = actor.may(intent::WriteReport)?;
    let case: CaseId = number(&body.case)?;
    let id = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.draft_report(may, &access, body.report()?)
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
    let may = actor.may(intent::WriteReport)?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.grade_report(may, &access, id, field("grade", Grade::from_code(&body.grade))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A case and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InCase {
    pub(crate) why: Why,
    /// Case.
    pub(crate) case: String,
}

/// Reviews what somebody else wrote.
#[utoipa::path(post, path = "/api/v1/reports/{id}/review", tag = "reports", params(("id" = String, Path)),
    request_body = InCase, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn review(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<StatusCode, ApiError> {
    let may = actor.may(intent::ReviewReport)?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.review_report(may, &access, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears, as legal adviser, what the screen for special categories found.
#[utoipa::path(post, path = "/api/v1/reports/{id}/clear", tag = "reports", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn clear(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let may = actor.may(intent::ClearRights)?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| app.clear_report(may, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Approves the release, as one of two persons.
#[utoipa::path(post, path = "/api/v1/reports/{id}/approve", tag = "reports", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn approve(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let may = actor.may(intent::ReleaseReport)?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| app.approve_report(may, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the releasing officer states about this use.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UseBody {
    /// Whether the offence is capital where the recipient is.
    capital_offence: bool,
    /// Written assurances by the recipient, as codes.
    assurances: Vec<String>,
    /// What this person or use adds to the partner's risk: dimension and level, as codes.
    further_risks: Vec<(String, String)>,
    /// An excluded predicate somebody flagged, a code.
    excluded: Option<String>,
}

impl UseBody {
    fn stated(&self) -> Result<Use, AppError> {
        let assurances = self.assurances.iter().map(|code| field("assurances", Assurance::from_code(code)));
        let risks = self.further_risks.iter().map(|(dimension, level)| {
            Ok((
                field("further_risks", RiskDimension::from_code(dimension))?,
                field("further_risks", RiskLevel::from_code(level))?,
            ))
        });
        let excluded =
            self.excluded.as_ref().map(|code| field("excluded", ExcludedPredicate::from_code(code)));
        Ok(Use {
            capital_offence: self.capital_offence,
            assurances: assurances.collect::<Result<_, _>>()?,
            further_risks: risks.collect::<Result<_, AppError>>()?,
            excluded: excluded.transpose()?,
        })
    }
}

/// Reports to release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseBody {
    /// At most 64, by number.
    reports: Vec<String>,
    #[serde(default)]
    stated: UseBody,
}

/// What became of one report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReleasedView {
    id: String,
    /// Whether it is on its way.
    sent: bool,
    /// Step of the release decision that refused.
    step: Option<u8>,
    /// Guard that refused.
    code: Option<&'static str>,
    /// Clause of the agreement that refused.
    clause: Option<String>,
    /// Ground from the closed list.
    ground: Option<&'static str>,
    /// Why, in four languages.
    words: Option<Words>,
}

/// A sentence in four languages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Words {
    ar: &'static str,
    en: &'static str,
    es: &'static str,
    fr: &'static str,
}

/// Releases reports that two persons approved; each is decided by itself.
#[utoipa::path(post, path = "/api/v1/reports/release", tag = "reports", request_body = ReleaseBody,
    responses((status = 200, body = [ReleasedView]), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn release(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<ReleaseBody>,
) -> Result<Json<Vec<ReleasedView>>, ApiError> {
    let may = actor.may(intent::ReleaseReport)?;
    let done = blocking(app, move |app| {
        let numbers = body.reports.iter().map(|id| number(id)).collect::<Result<Vec<ReportId>, _>>()?;
        app.release_reports(may, &numbers, &body.stated.stated()?)
    })
    .await?;
    Ok(Json(done.into_iter().map(released).collect()))
}

fn released((id, outcome): (ReportId, Released)) -> ReleasedView {
    let id = id.to_string();
    match outcome {
        Released::Sent => {
            ReleasedView { id, sent: true, step: None, code: None, clause: None, ground: None, words: None }
        }
        Released::Refused(refusal) => {
            let w = refusal.words();
            ReleasedView {
                id,
                sent: false,
                step: Some(refusal.step()),
                code: Some(refusal.code().code()),
                clause: refusal.clause().map(ToOwned::to_owned),
                ground: refusal.ground().map(|ground| ground.code()),
                words: Some(Words { ar: w.ar, en: w.en, es: w.es, fr: w.fr }),
            }
        }
    }
}

/// Why a report is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecallBody {
    /// `originator`, `inaccurate`, `retention`, `court`, `rights` or `misdirected`.
    reason: String,
}

/// How many recipients were told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecalledView {
    recipients: usize,
}

/// Takes a released report back from every recipient.
#[utoipa::path(post, path = "/api/v1/reports/{id}/recall", tag = "reports", params(("id" = String, Path)),
    request_body = RecallBody, responses((status = 200, body = RecalledView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn recall(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<RecallBody>,
) -> Result<Json<RecalledView>, ApiError> {
    let may = actor.may(intent::RecallReport)?;
    let id: ReportId = number(&id)?;
    let recipients =
        blocking(app, move |app| app.recall_report(may, id, order_reason(&body.reason)?)).await?;
    Ok(Json(RecalledView { recipients }))
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

/// Which reports to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// State, a code.
    state: String,
}

/// Lists reports in a state, without content.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", params(("state" = String, Query)),
    responses((status = 200, body = [HeadView]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<HeadView>>, ApiError> {
    let may = actor.may(intent::ReadReport)?;
    let state = field("state", ReportState::from_code(&query.state))?;
    let heads = blocking(app, move |app| app.reports_in_state(may, state, &Page::first(1_000))).await?;
    Ok(Json(heads.iter().map(HeadView::from).collect()))
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
        }
    }
}

/// Reads a report in a case. The first reading of a received one puts it into that case and tells its originator.
#[utoipa::path(post, path = "/api/v1/reports/{id}/read", tag = "reports", params(("id" = String, Path)),
    request_body = InCase, responses((status = 200, body = ReportView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<Json<ReportView>, ApiError> {
    let may = actor.may(intent::ReadReport)?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    let report = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.read_report(may, &access, id, &body.why.reason.line("reason")?)
    })
    .await?;
    Ok(Json(ReportView::from(&report)))
}

/// What is changed by a correction; the rest stays as it was.
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
}

/// Writes the next version of a released report, to be reviewed, approved and released like the first.
#[utoipa::path(post, path = "/api/v1/reports/{id}/correct", tag = "reports", params(("id" = String, Path)),
    request_body = CorrectBody, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn correct(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<CorrectBody>,
) -> Result<StatusCode, ApiError> {
    let may = actor.may(intent::WriteReport)?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        let facts =
            body.facts.as_ref().map(|facts| facts.iter().map(FactView::fact).collect::<Result<Vec<_>, _>>());
        let changes = Changes {
            title: body.title.as_ref().map(|title| title.line("title")).transpose()?,
            facts: facts.transpose()?,
            grade: body.grade.as_ref().map(|code| field("grade", Grade::from_code(code))).transpose()?,
            expires: body
                .expires
                .as_ref()
                .map(|at| field("expires", Timestamp::parse(at).ok_or(())))
                .transpose()?,
        };
        app.correct_report(may, &access, id, &changes)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What one recipient has signed for a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptView {
    recipient: String,
    version: u32,
    /// R0: committed for sending.
    sent: String,
    /// R1: durable there.
    stored: Option<String>,
    /// R2: `accepted`, `refused:CODE` or `quarantined:CODE`.
    verdict: Option<String>,
    /// R3: first read.
    read: Option<String>,
    /// R4: erased, as declared and signed.
    erased: Option<String>,
    /// N1: not delivered by the deadline.
    undelivered: Option<String>,
    /// An answer to an order is owed by then; after it, not proven.
    answer_by: Option<String>,
}

/// A report and what its recipients have signed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptsView {
    report: HeadView,
    receipts: Vec<ReceiptView>,
}

/// Says to whom a report went and what each recipient has signed for it.
#[utoipa::path(get, path = "/api/v1/reports/{id}/receipts", tag = "reports", params(("id" = String, Path)),
    responses((status = 200, body = ReceiptsView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn receipts(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<Json<ReceiptsView>, ApiError> {
    let may = actor.may(intent::ReadReport)?;
    let id: ReportId = number(&id)?;
    let (head, disclosures) = blocking(app, move |app| app.receipts_of(may, id)).await?;
    let when = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let receipts = disclosures.iter().map(|one| ReceiptView {
        recipient: one.recipient.to_string(),
        version: one.version.get(),
        sent: one.sent.to_string(),
        stored: when(one.answers.stored),
        verdict: one.answers.verdict.as_ref().map(|(verdict, _)| verdict.clone()),
        read: when(one.answers.read),
        erased: when(one.answers.erased),
        undelivered: when(one.answers.undelivered),
        answer_by: when(one.answers.answer_by),
    });
    Ok(Json(ReceiptsView { report: HeadView::from(&head), receipts: receipts.collect() }))
}
