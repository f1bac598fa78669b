//! Agreements and partners.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use mithaq_app::{App, intent};
use mithaq_model::{AgreementId, Lang, PartyId, RiskDimension, RiskLevel, Timestamp};
use mithaq_policy::RiskAssessment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::people::Created;
use crate::v1::rights::Ground;

/// An agreement file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreementBody {
    /// The exact text.
    text: String,
}

/// Takes an agreement file into the node, as a proposal.
#[utoipa::path(post, path = "/api/v1/agreements", tag = "agreements", request_body = AgreementBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn add(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<AgreementBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::GovernAgreement).await?;
    let id = blocking(app, move |app| app.add_agreement(may, &body.text)).await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// An agreement as this node applies it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgreementView {
    id: String,
    /// Title in the language asked for.
    title: String,
    /// Where it is in its life, a code.
    stage: &'static str,
    /// Whether reports may flow now.
    in_force: bool,
    /// Whether every party's signature verified.
    all_signed: bool,
    parties: Vec<String>,
    in_force_on: String,
    expires_on: String,
}

/// Lists agreements.
#[utoipa::path(get, path = "/api/v1/agreements", tag = "agreements",
    responses((status = 200, body = [AgreementView]), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    headers: axum::http::HeaderMap,
) -> Result<Json<Vec<AgreementView>>, ApiError> {
    let _may = may(&app, &actor, intent::ReadAgreement).await?;
    let lang: Lang = crate::problem::language(&headers);
    let now = app.now();
    let view = |known: &std::sync::Arc<mithaq_app::Known>| {
        let agreement = known.agreement();
        AgreementView {
            id: agreement.id().to_string(),
            title: agreement.titles.get(&lang).cloned().unwrap_or_default(),
            stage: known.standing.stage().code(),
            in_force: known.standing.is_in_force(now),
            all_signed: known.all_signed,
            parties: agreement.parties.iter().map(|party| party.id.to_string()).collect(),
            in_force_on: agreement.in_force_on.to_string(),
            expires_on: agreement.expires_on.to_string(),
        }
    };
    Ok(Json(app.registry().agreements.values().map(view).collect()))
}

/// Takes a signature of a party, made by its offline root.
#[utoipa::path(post, path = "/api/v1/agreements/signatures", tag = "agreements",
    request_body(content = Vec<u8>, content_type = "application/cbor"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn sign(
    State(app): State<App>,
    Signed(actor): Signed,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::GovernAgreement).await?;
    blocking(app, move |app| app.sign_agreement(may, &body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A step in the life of an agreement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepBody {
    /// `activate`, `suspend`, `resume` or `terminate`. Before `resume`, legal adviser and data-protection officer agree
    /// in writing.
    step: String,
}

/// Takes a step in the life of an agreement.
#[utoipa::path(post, path = "/api/v1/agreements/{id}/steps", tag = "agreements", params(("id" = String, Path)),
    request_body = StepBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn step(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<StepBody>,
) -> Result<StatusCode, ApiError> {
    let id: AgreementId = number(&id)?;
    match body.step.as_str() {
        "activate" => {
            let may = may(&app, &actor, intent::GovernAgreement).await?;
            blocking(app, move |app| app.activate_agreement(may, id)).await?;
        }
        "suspend" => {
            let may = may(&app, &actor, intent::SuspendAgreement).await?;
            blocking(app, move |app| app.suspend_agreement(may, id)).await?;
        }
        "resume" => {
            let may = may(&app, &actor, intent::GovernAgreement).await?;
            blocking(app, move |app| app.resume_agreement(may, id)).await?;
        }
        "terminate" => {
            let may = may(&app, &actor, intent::GovernAgreement).await?;
            blocking(app, move |app| app.terminate_agreement(may, id)).await?;
        }
        _other => return Err(mithaq_app::AppError::invalid("step").into()),
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Says in writing, as legal adviser or data-protection officer, that a suspended agreement may go on.
#[utoipa::path(post, path = "/api/v1/agreements/{id}/agree-resume", tag = "agreements", params(("id" = String, Path)),
    request_body = Ground, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn agree_resume(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<Ground>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::AgreeResume).await?;
    let id: AgreementId = number(&id)?;
    blocking(app, move |app| app.agree_to_resume(may, id, &body.ground.long("ground")?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the manifest of a partner, signed by the root its agreement names.
#[utoipa::path(post, path = "/api/v1/partners/{party}/manifest", tag = "agreements", params(("party" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/cbor"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn manifest(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(party): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::GovernAgreement).await?;
    let party: PartyId = number(&party)?;
    blocking(app, move |app| app.add_manifest(may, &party, &body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns this node's own manifest, to be given to partners.
#[utoipa::path(get, path = "/api/v1/manifest", tag = "agreements",
    responses((status = 200, body = Vec<u8>, content_type = "application/cbor"), (status = 403, body = Problem)))]
pub(crate) async fn own_manifest(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Response, ApiError> {
    let _may = may(&app, &actor, intent::ReadAgreement).await?;
    let bytes = blocking(app, App::own_manifest).await?;
    Ok(([(header::CONTENT_TYPE, "application/cbor")], bytes).into_response())
}

/// A transfer-risk assessment. A dimension that is left out counts as high.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RiskBody {
    /// Dimension and level, as codes.
    levels: Vec<(String, String)>,
    /// Who says so, a reference.
    source: String,
    /// It carries no transfer after that.
    valid_to: String,
}

/// Enters a transfer-risk assessment of a partner, made now.
#[utoipa::path(post, path = "/api/v1/partners/{party}/assessments", tag = "agreements", params(("party" = String, Path)),
    request_body = RiskBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn assess(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(party): Path<String>,
    Json(body): Json<RiskBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::AssessPartner).await?;
    let party: PartyId = number(&party)?;
    blocking(app, move |app| {
        let levels = body.levels.iter().map(|(dimension, level)| {
            Ok((
                field("levels", RiskDimension::from_code(dimension))?,
                field("levels", RiskLevel::from_code(level))?,
            ))
        });
        let risk = RiskAssessment {
            levels: levels.collect::<Result<_, mithaq_app::AppError>>()?,
            source: app.reference(&body.source)?,
            made_on: app.now(),
            valid_to: field("valid_to", Timestamp::parse(&body.valid_to).ok_or(()))?,
        };
        app.assess_partner(may, &party, &risk)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
