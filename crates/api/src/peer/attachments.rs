//! Attachments between nodes: who wants one asks for its list and its chunks; to a node that its partner cannot ask,
//! nothing is lost: that partner asks what is wanted here and brings it. Each request is safe to repeat.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use mithaq_app::App;
use mithaq_model::AgreementId;
use mithaq_wire::{Digest, encode_wants};

use super::{ConnectedPeer, answer};
use crate::session::blocking;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/mx/1/wants", get(wants))
        .route("/mx/1/attachment/{agreement}/{root}", get(list).put(put_list))
        .route("/mx/1/chunk/{agreement}/{root}/{index}", get(chunk).put(put_chunk))
}

/// What is wanted from the caller.
async fn wants(State(app): State<App>, Extension(peer): Extension<ConnectedPeer>) -> Response {
    answer(blocking(app, move |app| app.wants_from(&peer.0)).await.map(|wants| encode_wants(&wants)))
}

async fn list(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, root)): Path<(String, String)>,
) -> Response {
    let Some((agreement, root)) = named(&agreement, &root) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    answer(blocking(app, move |app| app.chunk_list_for(&peer.0, agreement, root)).await)
}

async fn put_list(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, root)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Some(named) = named(&agreement, &root) else { return StatusCode::NOT_FOUND.into_response() };
    answer(blocking(app, move |app| app.take_chunk_list(&peer.0, named, &body).map(|()| Vec::new())).await)
}

async fn chunk(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, root, index)): Path<(String, String, u64)>,
) -> Response {
    let Some(named) = named(&agreement, &root) else { return StatusCode::NOT_FOUND.into_response() };
    answer(blocking(app, move |app| app.chunk_for(&peer.0, named, index)).await)
}

/// Answers with the chunk that is expected next, in decimal digits.
async fn put_chunk(
    State(app): State<App>,
    Extension(peer): Extension<ConnectedPeer>,
    Path((agreement, root, index)): Path<(String, String, u64)>,
    body: Bytes,
) -> Response {
    let Some(named) = named(&agreement, &root) else { return StatusCode::NOT_FOUND.into_response() };
    let taken = blocking(app, move |app| app.take_chunk(&peer.0, named, index, &body)).await;
    answer(taken.map(|taken| taken.next.to_string().into_bytes()))
}

fn named(agreement: &str, root: &str) -> Option<(AgreementId, Digest)> {
    let root = data_encoding::HEXLOWER.decode(root.as_bytes()).ok()?;
    Some((agreement.parse().ok()?, Digest(root.try_into().ok()?)))
}
