//! Reasons looked at afterwards: drawn at random, listed, judged.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, Judgement, intent};
use mithaq_model::{ObjectId, Text};
use mithaq_store::justifications::Justification;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, may, number};
use crate::v1::cases::TextView;

/// How many were drawn.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrawnView {
    drawn: usize,
}

/// Draws reasons of the last thirty days that other people gave, at random: as many as the node's configuration says.
#[utoipa::path(post, path = "/api/v1/justifications/draw", tag = "rights",
    responses((status = 200, body = DrawnView), (status = 403, body = Problem)))]
pub(crate) async fn draw(State(app): State<App>, Signed(actor): Signed) -> Result<Json<DrawnView>, ApiError> {
    let may = may(&app, &actor, intent::JudgeJustification).await?;
    let drawn = blocking(app, move |app| app.draw_justifications(may)).await?;
    Ok(Json(DrawnView { drawn }))
}

/// A reason with what was done for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JustificationView {
    id: String,
    officer: String,
    case: String,
    purpose: &'static str,
    /// What was done: `subject.read`, `subject.searched`, `report.read`, `check.drafted` or `check.explained`.
    did: String,
    /// To what: the number of the subject, report, check or case.
    object: String,
    at: String,
    /// `self` or `family` where the person asked about has the officer's own name; null where it was drawn.
    likeness: Option<String>,
    reason: TextView,
}

impl From<&(Justification, Text)> for JustificationView {
    fn from((one, reason): &(Justification, Text)) -> Self {
        Self {
            id: one.id.to_string(),
            officer: one.officer.to_string(),
            case: one.case.to_string(),
            purpose: one.purpose.code(),
            did: one.did.clone(),
            object: one.object.to_string(),
            at: one.at.to_string(),
            likeness: one.likeness.clone(),
            reason: TextView::from(reason),
        }
    }
}

/// Lists the reasons of other people that wait to be judged: drawn, or about somebody of the officer's own name. Reading
/// is an entry.
#[utoipa::path(get, path = "/api/v1/justifications", tag = "rights",
    responses((status = 200, body = [JustificationView]), (status = 403, body = Problem)))]
pub(crate) async fn open(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<JustificationView>>, ApiError> {
    let may = may(&app, &actor, intent::JudgeJustification).await?;
    let all = blocking(app, move |app| app.open_justifications(may)).await?;
    Ok(Json(all.iter().map(JustificationView::from).collect()))
}

/// What was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JudgementBody {
    /// `in_order`, `unclear` or `not_in_order`.
    finding: String,
}

/// Judges a reason that somebody else gave.
#[utoipa::path(post, path = "/api/v1/justifications/{id}/judge", tag = "rights", params(("id" = String, Path)),
    request_body = JudgementBody,
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn judge(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<JudgementBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::JudgeJustification).await?;
    let id: ObjectId = number(&id)?;
    blocking(app, move |app| app.judge_justification(may, id, Judgement::from_code(&body.finding)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
