//! Planned actions: written, authorised, shown with what they met, taken back.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, AppError, NewPlan, PlanShown, intent};
use mithaq_model::{CaseId, ObjectId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::Why;
use crate::v1::people::Created;
use crate::v1::reports::InCase;

/// A planned action.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPlanBody {
    why: Why,
    case: String,
    /// Its other parties are asked, and meet the plan.
    agreement: String,
    /// Millionths of a degree, north positive; kept to a tenth of a degree.
    latitude_e6: i32,
    /// Millionths of a degree, east positive.
    longitude_e6: i32,
    /// When it begins; kept to six hours.
    from: String,
    /// Whom a partner calls when plans meet: one line, an office and how to reach it.
    contact: String,
}

impl NewPlanBody {
    fn plan(&self) -> Result<NewPlan, AppError> {
        Ok(NewPlan {
            agreement: field("agreement", self.agreement.parse())?,
            at: (self.latitude_e6, self.longitude_e6),
            from: field("from", Timestamp::parse(&self.from).ok_or(()))?,
            contact: self.contact.clone(),
        })
    }
}

/// Writes a planned action as a draft. Nobody meets it and nothing leaves until somebody else authorises it.
#[utoipa::path(post, path = "/api/v1/plans", tag = "checks", request_body = NewPlanBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn draft(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<NewPlanBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::AskCheck).await?;
    let (case, new): (CaseId, NewPlan) = (number(&body.case)?, body.plan()?);
    let id = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.draft_plan(may, &access, &new)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// Who is asked about a plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanAskedView {
    /// How many partners.
    partners: usize,
}

/// Authorises a plan that somebody else wrote: the other parties are asked, and meet it from now on.
#[utoipa::path(post, path = "/api/v1/plans/{id}/authorise", tag = "checks", params(("id" = String, Path)),
    request_body = InCase, responses((status = 200, body = PlanAskedView), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn authorise(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<Json<PlanAskedView>, ApiError> {
    let may = may(&app, &actor, intent::AuthoriseCheck).await?;
    let (id, case): (ObjectId, CaseId) = (number(&id)?, number(&body.case)?);
    let partners = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.authorise_plan(may, &access, id)
    })
    .await?;
    Ok(Json(PlanAskedView { partners }))
}

/// Where the question to one partner is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanAskView {
    /// Number of the question: what oversight opens.
    id: String,
    partner: String,
    /// `asking`, `claiming`, `clear`, `conflict`, `refused` or `lost`.
    state: &'static str,
    /// Why it ended so, a code.
    outcome: Option<String>,
}

/// A partner plans something near.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConflictView {
    partner: String,
    /// Whom to call there.
    contact: String,
    at: String,
}

/// A planned action with what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanView {
    id: String,
    agreement: String,
    /// `draft`, `open`, `over` or `closed`.
    state: &'static str,
    /// When it is over by itself.
    until: String,
    /// The middle of its cell, millionths of a degree; this and what follows is null once it is over.
    latitude_e6: Option<i32>,
    longitude_e6: Option<i32>,
    /// Its window of six hours.
    from: Option<String>,
    to: Option<String>,
    contact: Option<String>,
    asks: Vec<PlanAskView>,
    conflicts: Vec<ConflictView>,
}

impl From<&PlanShown> for PlanView {
    fn from(shown: &PlanShown) -> Self {
        let planned = shown.planned.as_ref();
        Self {
            id: shown.plan.id.to_string(),
            agreement: shown.plan.agreement.to_string(),
            state: shown.plan.state.code(),
            until: shown.plan.until.to_string(),
            latitude_e6: planned.map(|one| one.plan.at.latitude_e6),
            longitude_e6: planned.map(|one| one.plan.at.longitude_e6),
            from: planned.map(|one| one.plan.window().0.to_string()),
            to: planned.map(|one| one.plan.window().1.to_string()),
            contact: planned.map(|one| one.contact.clone()),
            asks: shown
                .asks
                .iter()
                .map(|ask| PlanAskView {
                    id: ask.id.to_string(),
                    partner: ask.partner.to_string(),
                    state: ask.state.code(),
                    outcome: ask.outcome.clone(),
                })
                .collect(),
            conflicts: shown
                .conflicts
                .iter()
                .map(|(one, contact)| ConflictView {
                    partner: one.partner.to_string(),
                    contact: contact.clone(),
                    at: one.at.to_string(),
                })
                .collect(),
        }
    }
}

/// Lists the planned actions of a case with what they met, with a reason.
#[utoipa::path(post, path = "/api/v1/plans/list", tag = "checks", request_body = InCase,
    responses((status = 200, body = [PlanView]), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<InCase>,
) -> Result<Json<Vec<PlanView>>, ApiError> {
    let may = may(&app, &actor, intent::WorkCase).await?;
    let case: CaseId = number(&body.case)?;
    let found = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.plans(may, &access)
    })
    .await?;
    Ok(Json(found.iter().map(PlanView::from).collect()))
}

/// Takes a planned action back: nobody meets it any more, and what it says is erased.
#[utoipa::path(post, path = "/api/v1/plans/{id}/end", tag = "checks", params(("id" = String, Path)),
    request_body = InCase, responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn end(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::AskCheck).await?;
    let (id, case): (ObjectId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.end_plan(may, &access, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
