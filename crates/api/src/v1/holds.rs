//! Legal and oversight holds on cases and reports.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, AppError, Hold, HoldScope, intent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, may};
use crate::v1::cases::TextView;

/// One person's hold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldView {
    /// Number of the case or report.
    on: String,
    officer: String,
    role: &'static str,
    since: String,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        let on = match hold.scope {
            HoldScope::Case(case) => case.to_string(),
            HoldScope::Report(report) => report.to_string(),
        };
        Self { on, officer: hold.officer.to_string(), role: hold.role.code(), since: hold.since.to_string() }
    }
}

/// Lists the holds that stand, the oldest first, without their grounds; those are among the rulings.
#[utoipa::path(get, path = "/api/v1/holds", tag = "rights",
    responses((status = 200, body = [HoldView]), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<HoldView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadHold).await?;
    let all = blocking(app, move |app| app.holds(may)).await?;
    Ok(Json(all.into_iter().map(HoldView::from).collect()))
}

/// What is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldBody {
    /// `set` or `lift`.
    word: String,
    /// A sentence of at least 20 characters that names no person; kept for oversight.
    ground: TextView,
}

/// Sets a hold on a case or a report, or lifts those of one's own role; oversight lifts any.
#[utoipa::path(post, path = "/api/v1/holds/{on}", tag = "rights", params(("on" = String, Path)),
    request_body = HoldBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn word(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(on): Path<String>,
    Json(body): Json<HoldBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::GovernHold).await?;
    let scope = scope(&on)?;
    blocking(app, move |app| {
        let ground = body.ground.long("ground")?;
        match body.word.as_str() {
            "set" => app.set_hold(may, scope, &ground),
            "lift" => app.lift_hold(may, scope, &ground),
            _other => Err(AppError::invalid("word").hint("write `set` or `lift`")),
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A case or a report, told apart by the first letter of its number. What is neither is as unknown as one that is not
/// there.
fn scope(on: &str) -> Result<HoldScope, AppError> {
    let case = on.parse().map(HoldScope::Case);
    case.or_else(|_other| on.parse().map(HoldScope::Report)).map_err(|_malformed| AppError::not_found())
}
