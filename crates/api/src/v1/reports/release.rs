//! Reports on their way out: reviewed, cleared, approved by two persons, released, recalled.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, AppError, Released, Use, intent, order_reason};
use mithaq_model::{Assurance, CaseId, ExcludedPredicate, ReportId, RiskDimension, RiskLevel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InCase;
use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::rights::Ground;

/// Reviews what somebody else wrote.
#[utoipa::path(post, path = "/api/v1/reports/{id}/review", tag = "reports", params(("id" = String, Path)),
    request_body = InCase, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn review(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ReviewReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.review_report(may, &access, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears, as legal adviser, what the screen for special categories found: in an own draft, or in a received report
/// that lies in quarantine.
#[utoipa::path(post, path = "/api/v1/reports/{id}/clear", tag = "rights", params(("id" = String, Path)),
    request_body = Ground, responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn clear(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<Ground>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ClearRights).await?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| app.clear_report(may, id, &body.ground.long("ground")?)).await?;
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
    let may = may(&app, &actor, intent::ReleaseReport).await?;
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
    pub(crate) fn stated(&self) -> Result<Use, AppError> {
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
    pub(crate) ar: &'static str,
    pub(crate) en: &'static str,
    pub(crate) es: &'static str,
    pub(crate) fr: &'static str,
}

/// Releases reports that two persons approved; each is decided by itself.
#[utoipa::path(post, path = "/api/v1/reports/release", tag = "reports", request_body = ReleaseBody,
    responses((status = 200, body = [ReleasedView]), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn release(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<ReleaseBody>,
) -> Result<Json<Vec<ReleasedView>>, ApiError> {
    let may = may(&app, &actor, intent::ReleaseReport).await?;
    let done = blocking(app, move |app| {
        let numbers = body.reports.iter().map(|id| number(id)).collect::<Result<Vec<ReportId>, _>>()?;
        app.release_reports(may, &numbers, &body.stated.stated()?)
    })
    .await?;
    Ok(Json(done.into_iter().map(released).collect()))
}

pub(crate) fn released((id, outcome): (ReportId, Released)) -> ReleasedView {
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
    let may = may(&app, &actor, intent::RecallReport).await?;
    let id: ReportId = number(&id)?;
    let recipients =
        blocking(app, move |app| app.recall_report(may, id, order_reason(&body.reason)?)).await?;
    Ok(Json(RecalledView { recipients }))
}

/// A new last day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpiryBody {
    /// Last day of use, after now and before the one it has.
    expires: String,
}

/// Sets an earlier last day of a released report, here and at every recipient.
#[utoipa::path(post, path = "/api/v1/reports/{id}/expiry", tag = "reports", params(("id" = String, Path)),
    request_body = ExpiryBody, responses((status = 200, body = RecalledView), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn expire(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<ExpiryBody>,
) -> Result<Json<RecalledView>, ApiError> {
    let may = may(&app, &actor, intent::RecallReport).await?;
    let id: ReportId = number(&id)?;
    let expires = field("expires", mithaq_model::Timestamp::parse(&body.expires).ok_or(()))?;
    let recipients = blocking(app, move |app| app.expire_report(may, id, expires)).await?;
    Ok(Json(RecalledView { recipients }))
}
