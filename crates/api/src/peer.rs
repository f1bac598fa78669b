//! The endpoints partners reach over pinned TLS. Bare answers: who may not know gets "not found", whatever is
//! wrong with bytes gets its code and nothing else.

mod attachments;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use mithaq_app::{App, AppError, CheckKind, ErrorKind, WitnessAnswer};
use mithaq_model::{AgreementId, PartyId};
use mithaq_wire::{Lane, Position};

use crate::session::blocking;

/// Longest batch in bytes, with its frame.
pub const BATCH_MAX: usize = mithaq_wire::limits::BATCH_BYTES_MAX + 64 * 1024;

/// Seconds a partner is asked to wait. Its own back-off is longer when it goes on.
const RETRY_AFTER: &str = "5";

/// The partner whose pinned key opened the connection. Only the listener puts it into a request.
#[derive(Debug, Clone)]
pub struct ConnectedPeer(pub PartyId);

/// Returns the router of the peer endpoints.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/mx/1/batch", post(batch))
        .route("/mx/1/heads/{agreement}", get(heads))
        .route("/mx/1/checkpoint", get(checkpoint))
        .route("/mx/1/add-checkpoint", post(countersign))
        .route("/mx/1/held", get(held))
        .route("/mx/1/outbox/{agreement}/{class}", get(fetch))
        .route("/mx/1/answer/{agreement}/{class}", post(answered))
        .route("/mx/1/manifests", post(papers))
        .route("/mx/1/manifests/{after}", get(papers_after))
        .route("/mx/1/receipts/{agreement}/{class}/{epoch}/{seq}", get(receipts))
        .route("/mx/1/check/{agreement}/{kind}", post(check))
        .merge(attachments::routes())
        .route("/mx/{version}/{*rest}", any(unsupported))
        .layer(DefaultBodyLimit::max(BATCH_MAX))
        .with_state(app)
}

async fn batch(State(app): State<App>, Extension(peer): Extension<ConnectedPeer>, body: Bytes) -> Response {
    answer(blocking(app, move |app| app.receive_batch(&peer.0, &body)).await)
}

async fn heads(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path(agreement): Path<String>,
) -> Response {
    let Ok(agreement) = agreement.parse::<AgreementId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let answered = blocking(app, move |app| {
        let heads = app.heads_for(&peer.0, agreement)?;
        app.partner_is_back(&peer.0)?;
        Ok(heads)
    });
    answer(answered.await)
}

/// What follows a place, for a partner that fetches; nothing when nothing waits.
async fn fetch(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, class)): Path<(String, String)>,
    Query(from): Query<From>,
) -> Response {
    let (Some(lane), Some(after)) = (lane(&agreement, &class), position(&from.from)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let found = blocking(app, move |app| app.batch_after(&peer.0, lane, after));
    answer(found.await.map(Option::unwrap_or_default))
}

/// The answer to what was fetched.
async fn answered(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, class)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Some(lane) = lane(&agreement, &class) else { return StatusCode::NOT_FOUND.into_response() };
    let settled = blocking(app, move |app| app.settle_answer(&peer.0, lane, &body));
    answer(settled.await.map(|()| Vec::new()))
}

/// Where to go on: `epoch.number`, the last place the partner has.
#[derive(Debug, serde::Deserialize)]
struct From {
    from: String,
}

fn lane(agreement: &str, class: &str) -> Option<(AgreementId, Lane)> {
    let class = match class {
        "control" => Lane::Control,
        "report" => Lane::Report,
        _other => return None,
    };
    Some((agreement.parse().ok()?, class))
}

fn position(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once('.')?;
    Some(Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? })
}

async fn checkpoint(State(app): State<App>, Extension(_peer): Extension<ConnectedPeer>) -> Response {
    let note = blocking(app, |app| app.last_checkpoint()?.ok_or_else(AppError::not_found)).await;
    answer(note.map(|note| note.to_bytes()))
}

/// C2SP tlog-witness: the statuses are those of its text.
async fn countersign(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    body: Bytes,
) -> Response {
    let size = [(header::CONTENT_TYPE, "text/x.tlog.size")];
    match blocking(app, move |app| app.countersign(&peer.0, &body)).await {
        Ok(WitnessAnswer::Signed(line)) => line.into_response(),
        Ok(WitnessAnswer::Malformed) => StatusCode::BAD_REQUEST.into_response(),
        Ok(WitnessAnswer::Signature) => StatusCode::FORBIDDEN.into_response(),
        Ok(WitnessAnswer::UnknownLog) => StatusCode::NOT_FOUND.into_response(),
        Ok(WitnessAnswer::Conflict(held)) => {
            (StatusCode::CONFLICT, size, format!("{held}\n")).into_response()
        }
        Ok(WitnessAnswer::Inconsistent) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        Err(error) => answer(Err(error)),
    }
}

/// Takes the caller's manifests and statements; answers with the number of its manifest that is held then.
async fn papers(State(app): State<App>, Extension(peer): Extension<ConnectedPeer>, body: Bytes) -> Response {
    let taken = blocking(app, move |app| app.take_papers(&peer.0, &body)).await;
    answer(taken.map(|number| number.to_string().into_bytes()))
}

/// This node's manifests after a number, and its statements.
async fn papers_after(
    State(app): State<App>,
    Extension(_peer): Extension<ConnectedPeer>,
    Path(after): Path<u32>,
) -> Response {
    answer(blocking(app, move |app| app.papers_after(after)).await)
}

/// The checkpoint this node holds of the caller's own log.
async fn held(State(app): State<App>, Extension(peer): Extension<ConnectedPeer>) -> Response {
    answer(blocking(app, move |app| app.held_for(&peer.0)).await)
}

/// What this node signed for messages of the caller after a place: for a caller that lost its own rows.
async fn receipts(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, class, epoch, seq)): Path<(String, String, u32, u64)>,
) -> Response {
    let class = match class.as_str() {
        "control" => Lane::Control,
        "report" => Lane::Report,
        _other => return StatusCode::NOT_FOUND.into_response(),
    };
    let Ok(agreement) = agreement.parse::<AgreementId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let after = (class, Position { epoch, seq });
    answer(blocking(app, move |app| app.receipts_for(&peer.0, agreement, after)).await)
}

/// A document of a private check. Its answer leaves no earlier than the application says, counted from when the request
/// was here: the time of a refusal, a hit and none are alike.
async fn check(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, kind)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let came = tokio::time::Instant::now();
    let (Ok(agreement), Some(kind)) = (agreement.parse::<AgreementId>(), CheckKind::from_code(&kind)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let answered = blocking(app, move |app| app.answer_check(&peer.0, agreement, kind, &body)).await;
    if let Ok(reply) = &answered {
        tokio::time::sleep_until(came + core::time::Duration::from_millis(reply.leaves_after.0)).await;
    }
    answer(answered.map(|reply| reply.bytes))
}

/// Another major version of the protocol, or a call this one does not have: its code, so that the other side can tell it
/// from a partner that does not know it.
async fn unsupported(Path((version, _rest)): Path<(String, String)>) -> Response {
    let status = StatusCode::NOT_FOUND;
    if version == "1" {
        return status.into_response();
    }
    (status, "peer.version_unsupported").into_response()
}

fn answer(result: Result<Vec<u8>, AppError>) -> Response {
    let error = match result {
        Ok(bytes) => return ([(header::CONTENT_TYPE, "application/cbor")], bytes).into_response(),
        Err(error) => error,
    };
    let status = match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Integrity | ErrorKind::Bug | ErrorKind::Conflict => {
            tracing::warn!(code = error.code(), cause = ?std::error::Error::source(&error).map(ToString::to_string), "a partner's request failed");
            return busy(error.code());
        }
        ErrorKind::Invalid | ErrorKind::PeerMisbehaved => {
            tracing::warn!(code = error.code(), "a partner's request was refused");
            return (StatusCode::BAD_REQUEST, error.code().to_owned()).into_response();
        }
        ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Forbidden | ErrorKind::Unauthenticated => {
            StatusCode::NOT_FOUND
        }
    };
    status.into_response()
}

/// Nothing was taken, and no receipt is given: try later.
fn busy(code: &str) -> Response {
    let later = [(header::RETRY_AFTER, RETRY_AFTER)];
    (StatusCode::SERVICE_UNAVAILABLE, later, code.to_owned()).into_response()
}
