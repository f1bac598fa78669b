//! Rights decided by people: clearances, quarantine, a life at risk, and what oversight sees of it. Every word here
//! carries a written ground.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use mithaq_app::{App, Emergency, Finding, Held, Judged, Ruling, intent};
use mithaq_model::{ObjectId, ProtectedRole, ReportId, ReportVersion, SubjectId, Timestamp};
use mithaq_store::alarms::Rung;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reports::views::ReportView;
use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::TextView;

/// A written ground.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ground {
    /// A sentence of at least 20 characters that names no person; kept for oversight.
    pub(crate) ground: TextView,
}

/// A protected role of a person in a report, and why it may be cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleBody {
    /// Number of the person.
    subject: String,
    /// Protected role, a code.
    role: String,
    /// A sentence of at least 20 characters that names no person; kept for oversight.
    ground: TextView,
}

impl RoleBody {
    fn about(&self) -> Result<(SubjectId, ProtectedRole), mithaq_app::AppError> {
        Ok((field("subject", self.subject.parse())?, field("role", ProtectedRole::from_code(&self.role))?))
    }
}

/// Clears a protected role of a person in a report, as legal adviser. A senior confirms it.
#[utoipa::path(post, path = "/api/v1/reports/{id}/clear-role", tag = "rights", params(("id" = String, Path)),
    request_body = RoleBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn clear_role(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<RoleBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ClearRights).await?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| app.clear_role(may, id, body.about()?, &body.ground.long("ground")?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirms, as the senior, what the legal adviser cleared. Another person than the adviser.
#[utoipa::path(post, path = "/api/v1/reports/{id}/confirm-clearance", tag = "rights", params(("id" = String, Path)),
    request_body = RoleBody, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn confirm_clearance(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<RoleBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ConfirmClearance).await?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| app.confirm_clearance(may, id, body.about()?, &body.ground.long("ground")?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One person's word, without its reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SaidView {
    /// The matter, a code.
    matter: String,
    /// Role in which it was said.
    role: &'static str,
    /// The word, a code.
    says: String,
}

/// Something in quarantine, without its content.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldView {
    report: String,
    version: u32,
    originator: String,
    /// Why it is held: `SPC` special category, `PRT` protected role, `BUD` a life at risk beyond the day's budget.
    code: String,
    since: String,
    /// When it is erased unless somebody decides.
    erased_on: String,
    said: Vec<SaidView>,
}

impl From<Held> for HeldView {
    fn from(held: Held) -> Self {
        let said =
            held.said.into_iter().map(|(matter, role, says)| SaidView { matter, role: role.code(), says });
        Self {
            report: held.report.to_string(),
            version: held.version.get(),
            originator: held.originator.to_string(),
            code: held.code,
            since: held.since.to_string(),
            erased_on: held.erased_on.to_string(),
            said: said.collect(),
        }
    }
}

/// Lists what is in quarantine, the longest first, without content.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "rights",
    responses((status = 200, body = [HeldView]), (status = 403, body = Problem)))]
pub(crate) async fn quarantined(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<HeldView>>, ApiError> {
    let may = may(&app, &actor, intent::InspectQuarantine).await?;
    let all = blocking(app, move |app| app.quarantined(may)).await?;
    Ok(Json(all.into_iter().map(HeldView::from).collect()))
}

/// A quarantined report with what this node's screen found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InspectedView {
    report: ReportView,
    /// Special categories the text seems to speak of, as codes.
    found: Vec<&'static str>,
}

/// Shows what is in quarantine to who must judge or clear it. Logged with the reason.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/read", tag = "rights", params(("id" = String, Path)),
    request_body = Ground, responses((status = 200, body = InspectedView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn inspect(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<Ground>,
) -> Result<Json<InspectedView>, ApiError> {
    let may = may(&app, &actor, intent::InspectQuarantine).await?;
    let id: ReportId = number(&id)?;
    let (report, found) =
        blocking(app, move |app| app.inspect_quarantined(may, id, &body.ground.long("ground")?)).await?;
    let found = found.into_iter().map(|category| category.code()).collect();
    Ok(Json(InspectedView { report: ReportView::from(&report), found }))
}

/// What becomes of it, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JudgeBody {
    /// `release` or `refuse`.
    ruling: String,
    /// A sentence of at least 20 characters that names no person; kept for oversight.
    ground: TextView,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JudgedView {
    /// `waiting` for the other person, `released` or `refused`.
    outcome: &'static str,
}

/// Says, as one of two persons (contact point and data-protection officer), what becomes of it.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/judge", tag = "rights", params(("id" = String, Path)),
    request_body = JudgeBody, responses((status = 200, body = JudgedView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn judge(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<JudgeBody>,
) -> Result<Json<JudgedView>, ApiError> {
    let may = may(&app, &actor, intent::JudgeQuarantine).await?;
    let id: ReportId = number(&id)?;
    let judged = blocking(app, move |app| {
        app.judge_quarantine(may, id, Ruling::from_code(&body.ruling)?, &body.ground.long("ground")?)
    })
    .await?;
    let outcome = match judged {
        Judged::Waiting => "waiting",
        Judged::Released => "released",
        Judged::Refused => "refused",
    };
    Ok(Json(JudgedView { outcome }))
}

/// Invokes, as supervisor, that a life is at risk: opens one graded draft for four hours once the contact point
/// confirms. Reviewed afterwards by the data-protection officer and by oversight.
#[utoipa::path(post, path = "/api/v1/reports/{id}/emergency", tag = "rights", params(("id" = String, Path)),
    request_body = Ground, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn invoke(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<Ground>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::InvokeEmergency).await?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| app.invoke_emergency(may, id, &body.ground.long("ground")?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirms, as the contact point, that a life is at risk.
#[utoipa::path(post, path = "/api/v1/reports/{id}/emergency/confirm", tag = "rights", params(("id" = String, Path)),
    request_body = Ground, responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn confirm(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<Ground>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ConfirmEmergency).await?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| app.confirm_emergency(may, id, &body.ground.long("ground")?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a review found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindingBody {
    /// Version of the report that was opened.
    version: u32,
    /// `justified` or `unjustified`.
    finding: String,
    /// A sentence of at least 20 characters that names no person; kept for oversight.
    ground: TextView,
}

/// Says, as data-protection officer or as oversight, whether an opening was right.
#[utoipa::path(post, path = "/api/v1/reports/{id}/emergency/review", tag = "rights", params(("id" = String, Path)),
    request_body = FindingBody, responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn review(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<FindingBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ReviewEmergency).await?;
    let id: ReportId = number(&id)?;
    blocking(app, move |app| {
        let version = field("version", ReportVersion::new(body.version).ok_or(()))?;
        let finding = Finding::from_code(&body.finding)?;
        app.review_emergency(may, (id, version), finding, &body.ground.long("ground")?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One opening because a life was at risk.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmergencyView {
    report: String,
    version: u32,
    invoked_by: String,
    invoked: String,
    confirmed_by: Option<String>,
    confirmed: Option<String>,
    closes: String,
    /// What the data-protection officer found: `justified` or `unjustified`.
    dpo: Option<String>,
    dpo_by: String,
    /// What oversight found.
    oversight: Option<String>,
    oversight_by: String,
}

impl From<Emergency> for EmergencyView {
    fn from(one: Emergency) -> Self {
        Self {
            report: one.report.to_string(),
            version: one.version.get(),
            invoked_by: one.invoked.0.to_string(),
            invoked: one.invoked.1.to_string(),
            confirmed_by: one.confirmed.map(|(officer, _)| officer.to_string()),
            confirmed: one.confirmed.map(|(_, at)| at.to_string()),
            closes: one.closes.to_string(),
            dpo: one.dpo,
            dpo_by: one.dpo_by.to_string(),
            oversight: one.oversight,
            oversight_by: one.oversight_by.to_string(),
        }
    }
}

/// Lists the openings of the last year, with what is owed about them.
#[utoipa::path(get, path = "/api/v1/emergencies", tag = "rights",
    responses((status = 200, body = [EmergencyView]), (status = 403, body = Problem)))]
pub(crate) async fn emergencies(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<EmergencyView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadRulings).await?;
    let all = blocking(app, move |app| app.emergencies(may)).await?;
    Ok(Json(all.into_iter().map(EmergencyView::from).collect()))
}

/// From when on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinceQuery {
    /// An instant or a day.
    since: String,
}

/// One person's word with its reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RulingView {
    object: String,
    version: u32,
    /// The matter, a code, for example `special_category` or `protected:lawyer`.
    matter: String,
    subject: Option<String>,
    officer: String,
    role: &'static str,
    /// The word, a code.
    says: String,
    at: String,
    /// None where it was erased with the content it spoke of.
    reason: Option<TextView>,
}

/// Lists what people decided about rights since a time, with their reasons; at most 1,000. Reading is an entry.
#[utoipa::path(get, path = "/api/v1/rulings", tag = "rights", params(("since" = String, Query)),
    responses((status = 200, body = [RulingView]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn rulings(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<SinceQuery>,
) -> Result<Json<Vec<RulingView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadRulings).await?;
    let since = field("since", Timestamp::parse(&query.since).ok_or(()))?;
    let all = blocking(app, move |app| app.rulings(may, since)).await?;
    let view = |(ruling, reason): &(mithaq_store::rulings::Ruling, Option<mithaq_model::Text>)| RulingView {
        object: ruling.about.object.to_string(),
        version: ruling.about.version.get(),
        matter: ruling.about.matter.clone(),
        subject: ruling.about.subject.map(|subject| subject.to_string()),
        officer: ruling.officer.to_string(),
        role: ruling.role.code(),
        says: ruling.says.clone(),
        at: ruling.at.to_string(),
        reason: reason.as_ref().map(TextView::from),
    };
    Ok(Json(all.iter().map(view).collect()))
}

/// Something people must look at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlarmView {
    id: String,
    /// Code, for example `emergency.invoked` or `peer.equivocation`.
    kind: String,
    /// What it is about; no content.
    reference: String,
    at: String,
    /// The officer who saw to it; its ground is among the rulings. None while it is open.
    seen_by: Option<String>,
    /// When. None while it is open.
    seen_at: Option<String>,
}

impl From<Rung> for AlarmView {
    fn from(Rung { alarm, seen }: Rung) -> Self {
        Self {
            id: ObjectId::new(alarm.id).to_string(),
            kind: alarm.kind,
            reference: alarm.reference,
            at: alarm.at.to_string(),
            seen_by: seen.map(|(officer, _)| officer.to_string()),
            seen_at: seen.map(|(_, at)| at.to_string()),
        }
    }
}

/// Which alarms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlarmQuery {
    /// Also those somebody has seen to.
    #[serde(default)]
    all: bool,
}

/// Lists the alarms nobody has seen to yet, the oldest first; or, with `all`, the newest 1,000 with who saw to them, the
/// newest first.
#[utoipa::path(get, path = "/api/v1/alarms", tag = "rights", params(("all" = Option<bool>, Query)),
    responses((status = 200, body = [AlarmView]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn alarms(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<AlarmQuery>,
) -> Result<Json<Vec<AlarmView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    let all = blocking(app, move |app| {
        if query.all {
            return app.rung_alarms(may);
        }
        let open = app.alarms(may)?;
        Ok(open.into_iter().map(|alarm| Rung { alarm, seen: None }).collect())
    })
    .await?;
    Ok(Json(all.into_iter().map(AlarmView::from).collect()))
}

/// Says that an alarm was seen to. Not by whom it is about, as far as that is known.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/acknowledge", tag = "rights", params(("id" = String, Path)),
    request_body = Ground, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn see_to(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<Ground>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::SeeToAlarm).await?;
    let id: ObjectId = number(&id)?;
    blocking(app, move |app| app.see_to_alarm(may, id, &body.ground.long("ground")?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
