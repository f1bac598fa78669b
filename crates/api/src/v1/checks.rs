//! Private checks: asked, authorised, shown, compared, judged, released, closed, counted; tag sets.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use data_encoding::HEXLOWER;
use mithaq_app::{App, AppError, Cell, CheckShown, JudgedAs, NewCheck, Outcome, intent};
use mithaq_model::{CaseId, ObjectId, PartyId, RefusalGround, SubjectClass, SubjectId, Timestamp};
use mithaq_store::checks::{Check, StoredSet};
use mithaq_store::reports::Direction;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::Why;
use crate::v1::checks_standing::StandingBody;
use crate::v1::checks_view::{CheckView, ShownView};
use crate::v1::people::Created;
use crate::v1::reports::InCase;
use crate::v1::requests::{ReasonBody, SpanQuery};

/// A check to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCheckBody {
    why: Why,
    case: String,
    agreement: String,
    /// Who is asked.
    partner: String,
    /// Class of the persons, a code; all are of this class.
    class: String,
    /// Persons of the case, by number.
    subjects: Vec<String>,
    /// Reference of the warrant: for wanted persons, and for a standing check.
    warrant: Option<String>,
    /// The question shall stay with the partner.
    standing: Option<StandingBody>,
}

impl NewCheckBody {
    fn check(&self) -> Result<NewCheck, AppError> {
        let subjects = self.subjects.iter().map(|id| field("subjects", id.parse::<SubjectId>()));
        Ok(NewCheck {
            agreement: field("agreement", self.agreement.parse())?,
            partner: field("partner", PartyId::new(&self.partner))?,
            class: field("class", SubjectClass::from_code(&self.class))?,
            subjects: subjects.collect::<Result<_, _>>()?,
            warrant: self.warrant.clone(),
            standing: self.standing.as_ref().map(StandingBody::standing).transpose()?,
        })
    }
}

/// Writes a check as a draft. Nothing leaves until a supervisor authorises it.
#[utoipa::path(post, path = "/api/v1/checks", tag = "checks", request_body = NewCheckBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn ask(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<NewCheckBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::AskCheck).await?;
    let (case, new): (CaseId, NewCheck) = (number(&body.case)?, body.check()?);
    let id = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.draft_check(may, &access, new)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// What a check costs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuthorisedView {
    /// Evaluations: a multiple of eight.
    evaluations: u32,
}

/// Authorises a check that somebody else wrote: decided, charged, logged, then sent.
#[utoipa::path(post, path = "/api/v1/checks/{id}/authorise", tag = "checks", params(("id" = String, Path)),
    request_body = InCase, responses((status = 200, body = AuthorisedView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn authorise(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<Json<AuthorisedView>, ApiError> {
    let may = may(&app, &actor, intent::AuthoriseCheck).await?;
    let (id, case): (ObjectId, CaseId) = (number(&id)?, number(&body.case)?);
    let evaluations = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.authorise_check(may, &access, id)
    })
    .await?;
    Ok(Json(AuthorisedView { evaluations }))
}

/// Which checks to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectionQuery {
    /// `own` or `received`.
    direction: String,
}

/// Lists the newest checks, without persons.
#[utoipa::path(get, path = "/api/v1/checks", tag = "checks", params(("direction" = String, Query)),
    responses((status = 200, body = [CheckView]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<DirectionQuery>,
) -> Result<Json<Vec<CheckView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadCheck).await?;
    let direction = match query.direction.as_str() {
        "own" => Direction::Own,
        "received" => Direction::Received,
        _other => return Err(AppError::invalid("direction").into()),
    };
    let found: Vec<Check> = blocking(app, move |app| app.checks(may, direction)).await?;
    Ok(Json(found.iter().map(CheckView::from).collect()))
}

/// Shows a check with its candidates, with a reason.
#[utoipa::path(post, path = "/api/v1/checks/{id}/show", tag = "checks", params(("id" = String, Path)),
    request_body = ReasonBody, responses((status = 200, body = ShownView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<ShownView>, ApiError> {
    let may = may(&app, &actor, intent::ReadCheck).await?;
    let id: ObjectId = number(&id)?;
    let shown: CheckShown =
        blocking(app, move |app| app.show_check(may, id, &body.reason.line("reason")?)).await?;
    Ok(Json(ShownView::from(&shown)))
}

/// Something a person does about a candidate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CandidateStep {
    /// Begin to compare: the partner is shown years of birth and sex, nothing else.
    Compare,
    /// It is the same person.
    Same,
    /// It is another person.
    Other,
    /// The person was cleared as another one.
    Cleared,
    /// A report went to the partner by the ordinary release.
    Released {
        /// Report.
        report: String,
    },
    /// Nothing is released.
    Refused {
        /// Ground, of the agreement's list.
        ground: String,
    },
}

/// What is done, and in which case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CandidateBody {
    why: Why,
    case: String,
    what: CandidateStep,
}

/// Compares a candidate, says whether it is the same person, or says what was released.
#[utoipa::path(post, path = "/api/v1/checks/{id}/candidates/{handle}", tag = "checks",
    params(("id" = String, Path), ("handle" = String, Path)), request_body = CandidateBody,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn candidate(
    State(app): State<App>,
    Signed(actor): Signed,
    Path((id, handle)): Path<(String, String)>,
    Json(body): Json<CandidateBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::JudgeCheck).await?;
    let at: (ObjectId, ObjectId) = (number(&id)?, number(&handle)?);
    let case: CaseId = number(&body.case)?;
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        match &body.what {
            CandidateStep::Compare => app.compare_candidate(may, &access, at),
            CandidateStep::Same => app.judge_candidate(may, &access, at, JudgedAs::Same),
            CandidateStep::Other => app.judge_candidate(may, &access, at, JudgedAs::Other),
            CandidateStep::Cleared => app.judge_candidate(may, &access, at, JudgedAs::Cleared),
            CandidateStep::Released { report } => {
                app.release_candidate(may, &access, at, Outcome::Report(number(report)?))
            }
            CandidateStep::Refused { ground } => {
                let ground = field("ground", RefusalGround::from_code(ground))?;
                app.release_candidate(may, &access, at, Outcome::Refusal(ground))
            }
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose rejections to take back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReconsiderBody {
    why: Why,
    case: String,
    /// Person of the case, by number.
    subject: String,
}

/// What was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reconsidered {
    /// Pairs of this person and a partner's that people compare again when a question hits.
    pairs: u64,
}

/// Takes back that a person was found to be another than a partner's. Past candidates and figures stay as they are.
#[utoipa::path(post, path = "/api/v1/checks/reconsider", tag = "checks", request_body = ReconsiderBody,
    responses((status = 200, body = Reconsidered), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
pub(crate) async fn reconsider(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<ReconsiderBody>,
) -> Result<Json<Reconsidered>, ApiError> {
    let may = may(&app, &actor, intent::JudgeCheck).await?;
    let (case, subject): (CaseId, SubjectId) = (number(&body.case)?, number(&body.subject)?);
    let pairs = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.reconsider_subject(may, &access, subject)
    })
    .await?;
    Ok(Json(Reconsidered { pairs }))
}

/// Closes a check that has its outcome: salts, tokens, handles and what was shown are destroyed.
#[utoipa::path(post, path = "/api/v1/checks/{id}/close", tag = "checks", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn close(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::CloseCheck).await?;
    let id: ObjectId = number(&id)?;
    blocking(app, move |app| app.close_check(may, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What opens the commitment of a check.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpeningView {
    /// The request with its opening, as the specification of checks has them, in hexadecimal digits; of a question about a plan
    /// its opening.
    opening: String,
}

/// Opens what a check asked, for oversight, with a reason: to be compared with what the partner evaluated.
#[utoipa::path(post, path = "/api/v1/checks/{id}/opening", tag = "checks", params(("id" = String, Path)),
    request_body = ReasonBody, responses((status = 200, body = OpeningView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn opening(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<OpeningView>, ApiError> {
    let may = may(&app, &actor, intent::ReadLog).await?;
    let id: ObjectId = number(&id)?;
    let bytes = blocking(app, move |app| app.check_opening(may, id, &body.reason.line("reason")?)).await?;
    Ok(Json(OpeningView { opening: HEXLOWER.encode(&bytes) }))
}

/// Checks of one direction, partner and agreement. A count that is not shown is null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckFiguresRow {
    direction: &'static str,
    partner: String,
    agreement: String,
    checks: Option<u64>,
    refused: Option<u64>,
    evaluations: Option<u64>,
    hits: Option<u64>,
    confirmed: Option<u64>,
    rejected: Option<u64>,
    /// False hits in thousandths of those with an outcome; null below ten.
    false_per_mille: Option<u32>,
}

const fn shown(cell: Cell) -> Option<u64> {
    match cell {
        Cell::Count(count) => Some(count),
        Cell::Hidden => None,
    }
}

/// Returns the published figures of checks: counts, small ones not shown, and the share of false hits.
#[utoipa::path(get, path = "/api/v1/checks/figures", tag = "checks", params(("from" = String, Query), ("until" = String, Query)),
    responses((status = 200, body = [CheckFiguresRow]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn figures(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(span): Query<SpanQuery>,
) -> Result<Json<Vec<CheckFiguresRow>>, ApiError> {
    let may = may(&app, &actor, intent::ReadFigures).await?;
    let from = field("from", Timestamp::parse(&span.from).ok_or(()))?;
    let until = field("until", Timestamp::parse(&span.until).ok_or(()))?;
    let found = blocking(app, move |app| app.check_figures(may, (from, until))).await?;
    let rows = found.rows.iter().map(|row| CheckFiguresRow {
        direction: row.direction.code(),
        partner: row.partner.to_string(),
        agreement: row.agreement.to_string(),
        checks: shown(row.checks),
        refused: shown(row.refused),
        evaluations: shown(row.evaluations),
        hits: shown(row.hits),
        confirmed: shown(row.confirmed),
        rejected: shown(row.rejected),
        false_per_mille: row.false_per_mille,
    });
    Ok(Json(rows.collect()))
}

/// For whom to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishBody {
    agreement: String,
    partner: String,
}

/// What was published.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedView {
    /// Subjects in the set; the partner is not told.
    subjects: u32,
}

/// Publishes the tag set for a partner; from then on the node makes a new one every day.
#[utoipa::path(post, path = "/api/v1/checks/sets", tag = "checks", request_body = PublishBody,
    responses((status = 200, body = PublishedView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn publish(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<PublishBody>,
) -> Result<Json<PublishedView>, ApiError> {
    let may = may(&app, &actor, intent::PublishSet).await?;
    let agreement = field("agreement", body.agreement.parse())?;
    let partner = field("partner", PartyId::new(&body.partner))?;
    let subjects = blocking(app, move |app| app.publish_set(may, agreement, &partner)).await?;
    Ok(Json(PublishedView { subjects }))
}

/// A tag set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetView {
    agreement: String,
    partner: String,
    /// `own`: made here for the partner; `received`: made by the partner.
    direction: &'static str,
    epoch: u32,
    number: u32,
    valid_to: String,
    /// Subjects in an own set.
    subjects: Option<u32>,
    /// When it was made or fetched here.
    built: String,
}

impl From<&StoredSet> for SetView {
    fn from(set: &StoredSet) -> Self {
        Self {
            agreement: set.agreement.to_string(),
            partner: set.partner.to_string(),
            direction: if set.own { "own" } else { "received" },
            epoch: set.epoch,
            number: set.number,
            valid_to: set.valid_to.to_string(),
            subjects: set.own.then_some(set.subjects),
            built: set.built.to_string(),
        }
    }
}

/// Lists the tag sets: those made here, and those of partners that are here.
#[utoipa::path(get, path = "/api/v1/checks/sets", tag = "checks",
    responses((status = 200, body = [SetView]), (status = 403, body = Problem)))]
pub(crate) async fn sets(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<SetView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadCheck).await?;
    let found = blocking(app, move |app| app.check_sets(may)).await?;
    Ok(Json(found.iter().map(SetView::from).collect()))
}
