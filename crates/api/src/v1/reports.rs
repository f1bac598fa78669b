//! Reports: listed, read, and what their recipients have signed. Written in [`write`], sent in [`release`].

pub(crate) mod release;
pub(crate) mod views;
pub(crate) mod write;

use axum::Json;
use axum::extract::{Path, Query, State};
use mithaq_app::{App, intent};
use mithaq_model::{CaseId, ReportId, ReportState, Timestamp};
use mithaq_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::views::{HeadView, ReportView};
use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::Why;

/// A case and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InCase {
    pub(crate) why: Why,
    /// Case.
    pub(crate) case: String,
}

/// Which reports to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// State, a code.
    state: String,
}

/// Lists reports in a state, without content.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", params(("state" = String, Query)),
    responses((status = 200, body = [HeadView]), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<HeadView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadReport).await?;
    let state = field("state", ReportState::from_code(&query.state))?;
    let heads = blocking(app, move |app| app.reports_in_state(may, state, &Page::first(1_000))).await?;
    Ok(Json(heads.iter().map(HeadView::from).collect()))
}

/// Reads a report in a case. The first reading of a received one puts it into that case and tells its originator.
#[utoipa::path(post, path = "/api/v1/reports/{id}/read", tag = "reports", params(("id" = String, Path)),
    request_body = InCase, responses((status = 200, body = ReportView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<InCase>,
) -> Result<Json<ReportView>, ApiError> {
    let may = may(&app, &actor, intent::ReadReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    let report = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.read_report(may, &access, id, &body.why.reason.line("reason")?)
    })
    .await?;
    Ok(Json(ReportView::from(&report)))
}

/// What one recipient has signed for a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptView {
    recipient: String,
    version: u32,
    /// R0: committed for sending.
    sent: String,
    /// R1: durable there.
    stored: Option<String>,
    /// R2: `accepted`, `refused:CODE` or `quarantined:CODE`.
    verdict: Option<String>,
    /// R3: first read.
    read: Option<String>,
    /// R4: erased, as declared and signed.
    erased: Option<String>,
    /// N1: not delivered by the deadline.
    undelivered: Option<String>,
    /// An answer to an order is owed by then; after it, not proven.
    answer_by: Option<String>,
}

/// A report and what its recipients have signed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptsView {
    report: HeadView,
    receipts: Vec<ReceiptView>,
}

/// Says to whom a report went and what each recipient has signed for it.
#[utoipa::path(get, path = "/api/v1/reports/{id}/receipts", tag = "reports", params(("id" = String, Path)),
    responses((status = 200, body = ReceiptsView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn receipts(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<Json<ReceiptsView>, ApiError> {
    let may = may(&app, &actor, intent::ReadReport).await?;
    let id: ReportId = number(&id)?;
    let (head, disclosures) = blocking(app, move |app| app.receipts_of(may, id)).await?;
    let when = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let receipts = disclosures.iter().map(|one| ReceiptView {
        recipient: one.recipient.to_string(),
        version: one.version.get(),
        sent: one.sent.to_string(),
        stored: when(one.answers.stored),
        verdict: one.answers.verdict.as_ref().map(|(verdict, _)| verdict.clone()),
        read: when(one.answers.read),
        erased: when(one.answers.erased),
        undelivered: when(one.answers.undelivered),
        answer_by: when(one.answers.answer_by),
    });
    Ok(Json(ReceiptsView { report: HeadView::from(&head), receipts: receipts.collect() }))
}
