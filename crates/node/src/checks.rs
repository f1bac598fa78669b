//! Carries the documents of private checks to the partner and its answers back (`docs/spec/check.md`). Only moves bytes;
//! what they mean is the application's.

use bytes::Bytes;
use hyper::Method;
use mithaq_app::App;
use mithaq_model::PartyId;

use crate::client::{PeerClient, PeerIoError};
use crate::pump::blocking;

/// Rounds before others get their turn: a set comes in parts, a hit takes three documents.
const ROUNDS: u32 = 64;

/// Sends what is due until nothing is, or the line fails.
pub(crate) async fn ask(app: &App, peer: &PartyId, client: &PeerClient) -> Result<(), PeerIoError> {
    for _ in 0..ROUNDS {
        let of = peer.clone();
        let Ok(calls) = blocking(app, move |app| app.check_calls(&of)).await else { return Ok(()) };
        if calls.is_empty() {
            return Ok(());
        }
        for call in calls {
            let path = format!("/mx/1/check/{}/{}", call.agreement, call.kind.code());
            let (status, body) = client.ask(Method::POST, &path, Bytes::from(call.body.clone())).await?;
            if matches!(status, 429 | 503) {
                return Err(PeerIoError::Busy);
            }
            let of = peer.clone();
            let taken = blocking(app, move |app| {
                app.check_answered(&of, &call, (status == 200).then_some(body.as_ref()))
            });
            if let Err(error) = taken.await {
                tracing::warn!(%peer, code = error.code(), "the answer to a private check was refused");
            }
        }
    }
    Ok(())
}
