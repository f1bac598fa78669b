//! Passing on: consents asked, granted, refused and taken back; the hop; where the copies are.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use mithaq_app::{Actor, App, AppError, Holder, May, intent};
use mithaq_model::{AgreementId, CaseId, ObjectId, PartyId, ReportId, Timestamp};
use mithaq_store::Page;
use mithaq_store::onward::Consent;
use mithaq_store::reports::Direction;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::{TextView, Why};
use crate::v1::people::Created;
use crate::v1::reports::release::UseBody;

/// A wish to pass a received report on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskConsentBody {
    why: Why,
    /// The case it is read in.
    case: String,
    /// The report.
    report: String,
    /// To whom it would go, a party.
    to: String,
    /// The last day of use that is asked for.
    until: String,
    /// Why the recipient needs it; its originator reads this.
    reason: TextView,
}

/// Asks the originator of a received report whether it may be passed on.
#[utoipa::path(post, path = "/api/v1/consents", tag = "onward", request_body = AskConsentBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn ask(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<AskConsentBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::AskConsent).await?;
    let (case, report): (CaseId, ReportId) = (number(&body.case)?, number(&body.report)?);
    let to = field("to", PartyId::new(&body.to))?;
    let until = field("until", Timestamp::parse(&body.until).ok_or(()))?;
    let reason = body.reason.long("reason")?;
    let id = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.ask_consent(may, &access, report, (&to, until), &reason)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// Where a consent stands. No reason and no token in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentView {
    id: String,
    /// `own`: asked by this node; `received`: this node is the originator and decides.
    direction: &'static str,
    /// The other party.
    partner: String,
    agreement: String,
    report: String,
    version: u32,
    /// To whom it would go.
    to: String,
    purpose: &'static str,
    /// `asked`, `granted`, `used`, `denied`, `lapsed` or `revoked`.
    state: &'static str,
    /// The recipient's last day of use.
    until: String,
    /// The token opens nothing after this.
    use_by: Option<String>,
    asked: String,
    /// Role of the first of two persons who grant it, while the second is awaited.
    first_role: Option<&'static str>,
    /// The consent that this one follows: it is for a correction of what that one let go.
    follows: Option<String>,
}

impl From<&Consent> for ConsentView {
    fn from(one: &Consent) -> Self {
        let first = one.person.filter(|_| one.direction == Direction::Received);
        Self {
            id: one.id.to_string(),
            direction: one.direction.code(),
            partner: one.partner.to_string(),
            agreement: one.agreement.to_string(),
            report: ReportId::from(one.object).to_string(),
            version: one.version.get(),
            to: one.to.to_string(),
            purpose: one.purpose.code(),
            state: one.state.code(),
            until: one.until.to_string(),
            use_by: one.use_by.map(|at| at.to_string()),
            asked: one.asked.to_string(),
            first_role: first.map(|(_, role)| role.code()),
            follows: one.follows.map(|id| id.to_string()),
        }
    }
}

/// Which consents to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentQuery {
    direction: String,
}

/// Lists consents, without reasons.
#[utoipa::path(get, path = "/api/v1/consents", tag = "onward", params(("direction" = String, Query)),
    responses((status = 200, body = [ConsentView]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<ConsentQuery>,
) -> Result<Json<Vec<ConsentView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadConsent).await?;
    let direction = match query.direction.as_str() {
        "own" => Ok(Direction::Own),
        "received" => Ok(Direction::Received),
        _other => Err(()),
    };
    let direction = field("direction", direction)?;
    let all = blocking(app, move |app| app.consents(may, direction, &Page::first(1_000))).await?;
    Ok(Json(all.iter().map(ConsentView::from).collect()))
}

/// Why it is looked at.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowConsentBody {
    reason: TextView,
}

/// A consent and why it is asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownConsent {
    consent: ConsentView,
    /// Why the recipient needs it; none once the report was erased.
    reason: Option<TextView>,
}

/// Shows why a consent is asked, to who decides about it; logged with the reason.
#[utoipa::path(post, path = "/api/v1/consents/{id}/read", tag = "onward", params(("id" = String, Path)),
    request_body = ShowConsentBody, responses((status = 200, body = ShownConsent), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<ShowConsentBody>,
) -> Result<Json<ShownConsent>, ApiError> {
    let may = may(&app, &actor, intent::GrantConsent).await?;
    let (id, why): (ObjectId, _) = (number(&id)?, body.reason.long("reason")?);
    let (row, reason) = blocking(app, move |app| app.show_consent(may, id, &why)).await?;
    Ok(Json(ShownConsent { consent: ConsentView::from(&row), reason: reason.as_ref().map(TextView::from) }))
}

/// Conditions of a grant beside those that are always there: one recipient, one version, one purpose, one use.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrantBody {
    /// An earlier last day of use than was asked for.
    until: Option<String>,
}

/// Whether a consent is granted now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantedView {
    /// No: another person in another role must say so too.
    granted: bool,
}

/// Grants a consent, as one of two persons in two roles; the second word signs the token and sends it.
#[utoipa::path(post, path = "/api/v1/consents/{id}/grant", tag = "onward", params(("id" = String, Path)),
    request_body = GrantBody, responses((status = 200, body = GrantedView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn grant(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<GrantBody>,
) -> Result<Json<GrantedView>, ApiError> {
    let may = may(&app, &actor, intent::GrantConsent).await?;
    let id: ObjectId = number(&id)?;
    let until =
        body.until.as_ref().map(|until| field("until", Timestamp::parse(until).ok_or(()))).transpose()?;
    let granted = blocking(app, move |app| app.grant_consent(may, id, until)).await?;
    Ok(Json(GrantedView { granted }))
}

/// Refuses a consent; one person is enough.
#[utoipa::path(post, path = "/api/v1/consents/{id}/refuse", tag = "onward", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn refuse(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    end(&app, &actor, &id, App::deny_consent).await
}

/// Takes a consent back, used or not: who got the copy must erase it.
#[utoipa::path(post, path = "/api/v1/consents/{id}/revoke", tag = "onward", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    end(&app, &actor, &id, App::revoke_consent).await
}

/// One person of those who grant consents says no, before it was granted or after.
async fn end(
    app: &App,
    actor: &Actor,
    id: &str,
    no: fn(&App, May<intent::GrantConsent>, ObjectId) -> Result<(), AppError>,
) -> Result<StatusCode, ApiError> {
    let may = may(app, actor, intent::GrantConsent).await?;
    let id: ObjectId = number(id)?;
    blocking(app.clone(), move |app| no(app, may, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// To whom a report is passed on, and under which agreement.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassOnBody {
    /// The recipient, a party.
    to: String,
    /// The agreement with it.
    agreement: String,
    #[serde(default)]
    stated: UseBody,
}

/// Passes a report on to the party its originator consented to. Without consent it is refused and the originator told.
#[utoipa::path(post, path = "/api/v1/reports/{id}/onward", tag = "onward", params(("id" = String, Path)),
    request_body = PassOnBody, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn send(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<PassOnBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::PassOn).await?;
    let id: ReportId = number(&id)?;
    let to = field("to", PartyId::new(&body.to))?;
    let agreement: AgreementId = field("agreement", body.agreement.parse())?;
    let stated = body.stated.stated()?;
    blocking(app, move |app| app.pass_on(may, id, (&to, agreement), &stated)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A holder of a copy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HolderView {
    party: String,
    /// From whom it got it; none: from this node.
    via: Option<String>,
    version: u32,
    /// What was last heard, a code.
    state: &'static str,
    /// What that is worth: `holds`, `none`, `not_proven`, `not_confirmed` or `erased`.
    standing: &'static str,
    /// An answer is owed by then.
    answer_by: Option<String>,
    at: String,
}

impl From<&Holder> for HolderView {
    fn from(one: &Holder) -> Self {
        Self {
            party: one.party.to_string(),
            via: one.via.as_ref().map(ToString::to_string),
            version: one.version.get(),
            state: one.state,
            standing: one.standing.code(),
            answer_by: one.answer_by.map(|at| at.to_string()),
            at: one.at.to_string(),
        }
    }
}

/// Shows where the copies of a report of this node are, as far as it was signed or said.
#[utoipa::path(get, path = "/api/v1/reports/{id}/holders", tag = "onward", params(("id" = String, Path)),
    responses((status = 200, body = [HolderView]), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn holders(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<Json<Vec<HolderView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadConsent).await?;
    let id: ReportId = number(&id)?;
    let all = blocking(app, move |app| app.onward_tree(may, id)).await?;
    Ok(Json(all.iter().map(HolderView::from).collect()))
}

/// A holder whose proof is late, and of which report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LateHolderView {
    report: String,
    #[serde(flatten)]
    holder: HolderView,
}

/// Lists the copies whose holder was to prove by now that it erased, and did not; the longest first, at most 2,000.
#[utoipa::path(get, path = "/api/v1/holders/overdue", tag = "onward",
    responses((status = 200, body = [LateHolderView]), (status = 403, body = Problem)))]
pub(crate) async fn overdue(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<LateHolderView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadConsent).await?;
    let all = blocking(app, move |app| app.unproven(may)).await?;
    let view = |(report, holder): &(ReportId, Holder)| LateHolderView {
        report: report.to_string(),
        holder: HolderView::from(holder),
    };
    Ok(Json(all.iter().map(view).collect()))
}
