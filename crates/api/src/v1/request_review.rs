//! The review of a request, half a year on.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, Retained, intent};
use mithaq_model::ReportId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, may, number};
use crate::v1::cases::TextView;

/// Whether a request is kept.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewBody {
    /// `keep`: looked at again in half a year. `erase`: its words and content go; not while it is open.
    decision: String,
    reason: TextView,
}

/// Decides whether a request is kept.
#[utoipa::path(post, path = "/api/v1/requests/{id}/review", tag = "requests", operation_id = "request_review",
    params(("id" = String, Path)), request_body = ReviewBody,
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn review(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<ReviewBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ReviewRequest).await?;
    let (id, decision): (ReportId, _) = (number(&id)?, Retained::from_code(&body.decision)?);
    let reason = body.reason.line("reason")?;
    blocking(app, move |app| app.review_request(may, id, decision, &reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}
