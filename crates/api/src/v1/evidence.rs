//! Proof and health.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use mithaq_app::{App, AppError, Extent, intent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may};

/// How often, and how many times, an export looks whether partners have countersigned.
const COUNTERSIGN_WAIT: Duration = Duration::from_millis(100);
const COUNTERSIGN_TRIES: u32 = 50;

/// Which entries to export.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportBody {
    /// `all`, `case`, `object` or `agreement`.
    extent: String,
    /// Number of the case, object or agreement.
    id: Option<String>,
}

/// Exports an evidence bundle (`.mxe`), to be verified offline.
#[utoipa::path(post, path = "/api/v1/evidence", tag = "evidence", request_body = ExportBody,
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 403, body = Problem)))]
pub(crate) async fn export(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<ExportBody>,
) -> Result<Response, ApiError> {
    let may = may(&app, &actor, intent::ReadLog).await?;
    let extent = {
        let id = || body.id.as_deref().ok_or_else(|| AppError::invalid("id"));
        match body.extent.as_str() {
            "all" => Extent::All,
            "case" => Extent::Case(field("id", id()?.parse())?),
            "object" => Extent::Object(object(id()?)?),
            "agreement" => Extent::Agreement(field("id", id()?.parse())?),
            _other => return Err(AppError::invalid("extent").hint("all, case, object or agreement").into()),
        }
    };
    let of = extent.clone();
    let size = blocking(app.clone(), move |app| app.begin_export(may, &of)).await?;
    // Partners countersign within a second or two when they are there; a partner that is away is not waited for.
    for tried in 0..COUNTERSIGN_TRIES {
        let (all, enough) =
            blocking(app.clone(), move |app| Ok((app.all_countersigned(size)?, app.is_countersigned(size)?)))
                .await?;
        if all || (enough && tried >= COUNTERSIGN_TRIES / 4) {
            break;
        }
        tokio::time::sleep(COUNTERSIGN_WAIT).await;
    }
    let bundle = blocking(app, move |app| app.finish_export(may, &extent)).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bundle).into_response())
}

/// An object by its number, or a report by its.
fn object(text: &str) -> Result<mithaq_model::ObjectId, AppError> {
    if let Ok(report) = text.parse::<mithaq_model::ReportId>() {
        return Ok(report.into());
    }
    field("id", text.parse())
}

/// The last signed checkpoint and the key that signs it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogView {
    /// The signed note, if one was signed.
    checkpoint: Option<String>,
    /// Verifier key of the log.
    key: String,
    /// Name of the log.
    origin: String,
    /// Entries in it.
    size: u64,
    /// Entries under the last checkpoint that was signed.
    signed: u64,
    /// Entries under a checkpoint with enough countersignatures.
    countersigned: u64,
    /// How many countersignatures are enough.
    quorum: usize,
    /// Partners that countersign.
    witnesses: Vec<WitnessRow>,
    /// Why the node stopped itself, if it did.
    halted: Option<String>,
}

/// A partner as a witness of this node's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WitnessRow {
    /// The partner.
    party: String,
    /// The size it confirmed last; 0 for none.
    size: u64,
    /// When.
    at: Option<String>,
    /// Why it refused since.
    refused: Option<String>,
}

/// Returns the last checkpoint and the key of the log: size and root only.
#[utoipa::path(get, path = "/api/v1/log", tag = "evidence", responses((status = 200, body = LogView), (status = 403, body = Problem)))]
pub(crate) async fn log(State(app): State<App>, Signed(actor): Signed) -> Result<Json<LogView>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    let view = blocking(app, move |app| {
        let note = app.last_checkpoint()?;
        let text = note.map(|note| String::from_utf8_lossy(&note.to_bytes()).into_owned());
        let seen = app.log_view(may)?;
        let row = |one: mithaq_app::WitnessView| WitnessRow {
            party: one.party.to_string(),
            size: one.size,
            at: one.at.map(|at| at.to_string()),
            refused: one.refused,
        };
        Ok(LogView {
            checkpoint: text,
            key: app.log_key()?.to_string(),
            origin: seen.origin,
            size: seen.size,
            signed: seen.signed,
            countersigned: seen.countersigned,
            quorum: seen.quorum,
            witnesses: seen.witnesses.into_iter().map(row).collect(),
            halted: app.halted(),
        })
    })
    .await?;
    Ok(Json(view))
}

/// Whether the node works. Counts and states, no content.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// `ready`.
    status: &'static str,
    /// The party it acts for.
    party: String,
    /// Version of the program.
    version: &'static str,
}

/// Says whether the node can write to its store.
#[utoipa::path(get, path = "/api/v1/health", tag = "evidence", security(()),
    responses((status = 200, body = HealthView), (status = 503, body = Problem)))]
pub(crate) async fn health(State(app): State<App>) -> Result<Json<HealthView>, ApiError> {
    let party = app.party().to_string();
    blocking(app, App::check_store).await?;
    Ok(Json(HealthView { status: "ready", party, version: env!("CARGO_PKG_VERSION") }))
}
