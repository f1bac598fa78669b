//! Requests for information: written, sent, opened, taken up, clarified, answered, refused, counted.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use mithaq_app::{App, AppError, Cell, Conversation, Shown, intent};
use mithaq_model::{
    Ask, CaseId, Connection, RefusalGround, Report, ReportId, ReportKind, Tie, Timestamp, Words4,
};
use mithaq_store::Page;
use mithaq_store::reports::Direction;
use mithaq_store::requests::Request;
use mithaq_wire::Said;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::TextView;
use crate::v1::people::Created;
use crate::v1::reports::InCase;
use crate::v1::reports::release::{ReleasedView, UseBody, Words, released};
use crate::v1::reports::views::ReportView;
use crate::v1::reports::write::NewReportBody;

/// What links a person to the purpose.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionView {
    /// Subject, by number.
    subject: String,
    text: TextView,
}

/// What is asked, beside what is told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskView {
    /// What is sought, 1 to 16.
    sought: Vec<TextView>,
    /// Why the other side is believed to have it.
    why_there: TextView,
    /// The legal basis at home.
    basis: TextView,
    /// The same measure would be lawful at home.
    lawful_at_home: bool,
    /// Reference of a judicial authorisation at home.
    authorisation: Option<TextView>,
    /// Why it is urgent, for the four urgent grounds.
    urgency_reason: Option<TextView>,
    /// Highest penalty in whole years.
    penalty_years: Option<u32>,
    /// One per person in the request.
    #[serde(default)]
    connections: Vec<ConnectionView>,
    /// Earlier requests about the same.
    #[serde(default)]
    previous: Vec<String>,
}

impl AskView {
    fn ask(&self) -> Result<Ask, AppError> {
        let optional = |text: &Option<TextView>, name| text.as_ref().map(|text| text.long(name)).transpose();
        let connections = self.connections.iter().map(|one| {
            Ok(Connection {
                subject: field("connections.subject", one.subject.parse())?,
                text: one.text.long("connections.text")?,
            })
        });
        let previous = self.previous.iter().map(|id| field("previous", id.parse()));
        Ok(Ask {
            sought: self.sought.iter().map(|text| text.long("sought")).collect::<Result<_, _>>()?,
            why_there: self.why_there.long("why_there")?,
            basis: self.basis.long("basis")?,
            lawful_at_home: self.lawful_at_home,
            authorisation: optional(&self.authorisation, "authorisation")?,
            urgency_reason: optional(&self.urgency_reason, "urgency_reason")?,
            penalty_years: self.penalty_years,
            connections: connections.collect::<Result<_, AppError>>()?,
            previous: previous.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Ask> for AskView {
    fn from(ask: &Ask) -> Self {
        Self {
            sought: ask.sought.iter().map(TextView::from).collect(),
            why_there: TextView::from(&ask.why_there),
            basis: TextView::from(&ask.basis),
            lawful_at_home: ask.lawful_at_home,
            authorisation: ask.authorisation.as_ref().map(TextView::from),
            urgency_reason: ask.urgency_reason.as_ref().map(TextView::from),
            penalty_years: ask.penalty_years,
            connections: ask
                .connections
                .iter()
                .map(|one| ConnectionView {
                    subject: one.subject.to_string(),
                    text: TextView::from(&one.text),
                })
                .collect(),
            previous: ask.previous.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A request to write: what it tells, as a report (its `kind` is set), and what it asks.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRequestBody {
    report: NewReportBody,
    ask: AskView,
}

/// Writes a request as a draft, to exactly one party.
#[utoipa::path(post, path = "/api/v1/requests", tag = "requests", request_body = NewRequestBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn new(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<NewRequestBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let case: CaseId = number(&body.report.case)?;
    let id = blocking(app, move |app| {
        let access = body.report.why.enter(app, &actor, case)?;
        app.draft_request(may, &access, body.report.report(ReportKind::Request, None)?, body.ask.ask()?)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// Reviews and approves a request, as supervisor: the first of the two persons.
#[utoipa::path(post, path = "/api/v1/requests/{id}/approve", tag = "requests", params(("id" = String, Path)),
    request_body = InCase, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn approve(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<StatusCode, ApiError> {
    let review = may(&app, &actor, intent::ReviewReport).await?;
    let release = may(&app, &actor, intent::ReleaseReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.review_report(review, &access, id)?;
        app.approve_report(release, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Approves a request as the second person and sends it: decided, sealed, logged, then sent.
#[utoipa::path(post, path = "/api/v1/requests/{id}/send", tag = "requests", params(("id" = String, Path)),
    request_body = UseBody, responses((status = 200, body = ReleasedView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn send(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<UseBody>,
) -> Result<Json<ReleasedView>, ApiError> {
    let may = may(&app, &actor, intent::ReleaseReport).await?;
    let id: ReportId = number(&id)?;
    let done = blocking(app, move |app| {
        app.approve_report(may, id)?;
        app.release_reports(may, &[id], &body.stated()?)
    })
    .await?;
    let one = done.into_iter().next().ok_or_else(AppError::not_found)?;
    Ok(Json(released(one)))
}

/// Where a request stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestView {
    id: String,
    /// `own`: asked by this node; `received`: this node owes the answer.
    direction: &'static str,
    partner: String,
    agreement: String,
    area: &'static str,
    purpose: &'static str,
    urgency: &'static str,
    /// State, a code.
    state: &'static str,
    /// The state in four languages.
    state_words: Words,
    created: String,
    /// When the clock started: stored where the answer is owed.
    started: Option<String>,
    /// When the answer is due; none while the clock stands or nothing is owed.
    due: Option<String>,
    /// How often it was escalated because the clock ran out.
    escalated: u8,
    /// Questions back.
    questions: u32,
    ended: Option<String>,
    /// Whether the clock was kept.
    in_time: Option<bool>,
    /// Ground of a refusal, a code.
    ground: Option<&'static str>,
    /// The ground in four languages.
    ground_words: Option<Words>,
    /// Feedback: usefulness and accuracy, 0 to 3.
    marks: Option<(u8, u8)>,
    /// When it was closed: by feedback, or thirty days after its end.
    closed: Option<String>,
    /// When people look at it again; none once they erased it.
    review: Option<String>,
}

impl From<&Request> for RequestView {
    fn from(request: &Request) -> Self {
        let one = &request.dialogue;
        let when = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: request.id.to_string(),
            direction: request.direction.code(),
            partner: request.partner.to_string(),
            agreement: request.agreement.to_string(),
            area: request.area.code(),
            purpose: request.purpose.code(),
            urgency: one.urgency.code(),
            state: one.state.code(),
            state_words: words(&one.state.words()),
            created: request.created.to_string(),
            started: when(one.started),
            due: when(one.due()),
            escalated: one.level,
            questions: one.questions,
            ended: when(one.ended),
            in_time: one.in_time,
            ground: one.ground.map(RefusalGround::code),
            ground_words: one.ground.map(|ground| words(&ground.words())),
            marks: one.marks,
            closed: when(one.closed),
            review: when(request.review),
        }
    }
}

fn words(words: &Words4) -> Words {
    Words { ar: words.ar, en: words.en, es: words.es, fr: words.fr }
}

/// Which requests to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// `own` or `received`.
    direction: String,
}

/// Lists requests, without content.
#[utoipa::path(get, path = "/api/v1/requests", tag = "requests", params(("direction" = String, Query)),
    responses((status = 200, body = [RequestView]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<RequestView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadRequest).await?;
    let direction = match query.direction.as_str() {
        "own" => Direction::Own,
        "received" => Direction::Received,
        _other => return Err(AppError::invalid("direction").into()),
    };
    let found = blocking(app, move |app| app.requests(may, direction, &Page::first(1_000))).await?;
    Ok(Json(found.iter().map(RequestView::from).collect()))
}

/// Why somebody looks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonBody {
    pub(crate) reason: TextView,
}

/// A request with what it asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenedView {
    report: ReportView,
    ask: Option<AskView>,
}

impl From<&Report> for OpenedView {
    fn from(report: &Report) -> Self {
        Self { report: ReportView::from(report), ask: report.asks().map(AskView::from) }
    }
}

/// Opens a request at the desk, with a reason. The first time tells who asked.
#[utoipa::path(post, path = "/api/v1/requests/{id}/open", tag = "requests", params(("id" = String, Path)),
    request_body = ReasonBody, responses((status = 200, body = OpenedView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn open(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<OpenedView>, ApiError> {
    let may = may(&app, &actor, intent::HandleRequest).await?;
    let id: ReportId = number(&id)?;
    let report = blocking(app, move |app| app.open_request(may, id, &body.reason.line("reason")?)).await?;
    Ok(Json(OpenedView::from(&report)))
}

/// One thing that was said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepView {
    /// Whether this node said it.
    own: bool,
    /// What kind, a code.
    kind: &'static str,
    at: String,
    /// When the other side stored it.
    stored: Option<String>,
    /// The words, while they are kept.
    text: Option<TextView>,
    /// Ground of a refusal, a code.
    ground: Option<&'static str>,
    /// A new date.
    until: Option<String>,
}

impl From<&Shown> for StepView {
    fn from(shown: &Shown) -> Self {
        let (ground, until) = match &shown.said {
            Some(Said::Refused { ground, .. }) => (Some(ground.code()), None),
            Some(Said::Delayed { until, .. }) => (None, Some(until.to_string())),
            _other => (None, None),
        };
        Self {
            own: shown.step.own,
            kind: shown.step.kind.code(),
            at: shown.step.at.to_string(),
            stored: shown.step.stored.map(|at| at.to_string()),
            text: shown.said.as_ref().and_then(Said::text).map(TextView::from),
            ground,
            until,
        }
    }
}

/// A report that answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerView {
    report: String,
    /// Whether a part is still to come, or was refused.
    part: bool,
}

/// A request and everything said about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationView {
    request: RequestView,
    steps: Vec<StepView>,
    answers: Vec<AnswerView>,
}

impl From<&Conversation> for ConversationView {
    fn from(all: &Conversation) -> Self {
        let answer =
            |(report, part): &(ReportId, bool)| AnswerView { report: report.to_string(), part: *part };
        Self {
            request: RequestView::from(&all.request),
            steps: all.steps.iter().map(StepView::from).collect(),
            answers: all.answers.iter().map(answer).collect(),
        }
    }
}

/// Shows a request and what was said about it, with a reason.
#[utoipa::path(post, path = "/api/v1/requests/{id}/show", tag = "requests", params(("id" = String, Path)),
    request_body = ReasonBody, responses((status = 200, body = ConversationView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<ConversationView>, ApiError> {
    let may = may(&app, &actor, intent::ReadRequest).await?;
    let id: ReportId = number(&id)?;
    let all = blocking(app, move |app| app.show_request(may, id, &body.reason.line("reason")?)).await?;
    Ok(Json(ConversationView::from(&all)))
}

/// A step in the conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RequestStepBody {
    /// Take it up, into a case of this node.
    Accept {
        /// Case.
        case: String,
        /// Whether the information is directly available; if not, an urgent request has three days.
        direct: bool,
    },
    /// Ask back: the clock stops.
    Clarify { text: TextView },
    /// Answer a question back: the clock runs on once it is stored there.
    Clarified { text: TextView },
    /// Give a new date: judicial authorisation is pending.
    Delay { until: String, text: TextView },
    /// Refuse, on a ground of the agreement's list. Grounds of rights are the legal adviser's.
    Refuse {
        /// `R01` to `R22`.
        ground: String,
        /// Only a part.
        #[serde(default)]
        part: bool,
        text: Option<TextView>,
    },
    /// Say what the answer was worth, 0 to 3 each.
    Feedback { useful: u8, accuracy: u8, text: Option<TextView> },
}

/// Says something about a request.
#[utoipa::path(post, path = "/api/v1/requests/{id}/steps", tag = "requests", params(("id" = String, Path)),
    request_body = RequestStepBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn step(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<RequestStepBody>,
) -> Result<StatusCode, ApiError> {
    let id: ReportId = number(&id)?;
    let words = |text: &Option<TextView>| text.as_ref().map(|text| text.long("text")).transpose();
    match body {
        RequestStepBody::Accept { case, direct } => {
            let may = may(&app, &actor, intent::HandleRequest).await?;
            let case: CaseId = number(&case)?;
            blocking(app, move |app| app.accept_request(may, id, (case, direct))).await?;
        }
        RequestStepBody::Clarify { text } => {
            let may = may(&app, &actor, intent::HandleRequest).await?;
            let said = Said::Clarify { text: text.long("text")? };
            blocking(app, move |app| app.handle_request(may, id, said)).await?;
        }
        RequestStepBody::Delay { until, text } => {
            let may = may(&app, &actor, intent::HandleRequest).await?;
            let until = field("until", Timestamp::parse(&until).ok_or(()))?;
            let said = Said::Delayed { until, text: text.long("text")? };
            blocking(app, move |app| app.handle_request(may, id, said)).await?;
        }
        RequestStepBody::Refuse { ground, part, text } => {
            let may = may(&app, &actor, intent::RefuseRequest).await?;
            let (ground, text) = (field("ground", RefusalGround::from_code(&ground))?, words(&text)?);
            blocking(app, move |app| app.refuse_request(may, id, (ground, part), text)).await?;
        }
        RequestStepBody::Clarified { text } => {
            let may = may(&app, &actor, intent::FollowRequest).await?;
            let said = Said::Clarified { text: text.long("text")? };
            blocking(app, move |app| app.follow_request(may, id, said)).await?;
        }
        RequestStepBody::Feedback { useful, accuracy, text } => {
            let may = may(&app, &actor, intent::FollowRequest).await?;
            let said = Said::Feedback { useful, accuracy, text: words(&text)? };
            blocking(app, move |app| app.follow_request(may, id, said)).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An answer to write: a report bound to the request.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// Its `recipients` and `agreement` are those of the request.
    report: NewReportBody,
    /// Whether a part is still to come, or was refused.
    #[serde(default)]
    part: bool,
}

/// Writes an answer as a draft report; it is reviewed, approved and released like every report.
#[utoipa::path(post, path = "/api/v1/requests/{id}/answers", tag = "requests", params(("id" = String, Path)),
    request_body = AnswerBody, responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn answer(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<AnswerBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let (request, case): (ReportId, CaseId) = (number(&id)?, number(&body.report.case)?);
    let made = blocking(app, move |app| {
        let access = body.report.why.enter(app, &actor, case)?;
        let tie = Some(Tie::Answers { request, part: body.part });
        let kind = body.report.kind()?;
        app.draft_report(may, &access, body.report.report(kind, tie)?)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Created { id: made.to_string() })))
}

/// Of which days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpanQuery {
    /// First day.
    pub(crate) from: String,
    /// Until before this day.
    pub(crate) until: String,
}

/// Counts of one direction, partner and urgency. A count that is not shown is null: it is small, or would give a small
/// one away.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FiguresRow {
    direction: &'static str,
    partner: String,
    urgency: &'static str,
    total: Option<u64>,
    in_time: Option<u64>,
    late: Option<u64>,
    refused: Option<u64>,
    overdue: Option<u64>,
    other: Option<u64>,
}

/// Refusals on one ground.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroundRow {
    direction: &'static str,
    ground: &'static str,
    words: Words,
    count: Option<u64>,
}

/// Figures of timeliness.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FiguresView {
    rows: Vec<FiguresRow>,
    grounds: Vec<GroundRow>,
}

const fn shown(cell: Cell) -> Option<u64> {
    match cell {
        Cell::Count(count) => Some(count),
        Cell::Hidden => None,
    }
}

/// Returns figures of timeliness: counts, small ones not shown.
#[utoipa::path(get, path = "/api/v1/requests/figures", tag = "requests", params(("from" = String, Query), ("until" = String, Query)),
    responses((status = 200, body = FiguresView), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn figures(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(span): Query<SpanQuery>,
) -> Result<Json<FiguresView>, ApiError> {
    let may = may(&app, &actor, intent::ReadFigures).await?;
    let from = field("from", Timestamp::parse(&span.from).ok_or(()))?;
    let until = field("until", Timestamp::parse(&span.until).ok_or(()))?;
    let found = blocking(app, move |app| app.request_figures(may, (from, until))).await?;
    let rows = found.rows.iter().map(|row| FiguresRow {
        direction: row.direction.code(),
        partner: row.partner.to_string(),
        urgency: row.urgency.code(),
        total: shown(row.total),
        in_time: shown(row.in_time),
        late: shown(row.late),
        refused: shown(row.refused),
        overdue: shown(row.overdue),
        other: shown(row.other),
    });
    let grounds = found.grounds.iter().map(|(direction, ground, count)| GroundRow {
        direction: direction.code(),
        ground: ground.code(),
        words: words(&ground.words()),
        count: shown(*count),
    });
    Ok(Json(FiguresView { rows: rows.collect(), grounds: grounds.collect() }))
}
