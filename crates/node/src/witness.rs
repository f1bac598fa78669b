//! Asks one partner to countersign the log (C2SP tlog-witness over the peer endpoint). Moves bytes and reads statuses;
//! what they mean is the application's.

use bytes::Bytes;
use hyper::Method;
use mithaq_app::{App, WitnessAnswer};
use mithaq_model::PartyId;

use crate::client::{PeerClient, PeerIoError};
use crate::pump::blocking;

/// Rounds with one partner: it holds less than was thought, and is asked again from there.
const ROUNDS: u32 = 3;

/// Asks until the partner has countersigned the last checkpoint, or refuses.
pub(crate) async fn ask(app: &App, peer: &PartyId, client: &PeerClient) -> Result<(), PeerIoError> {
    for _ in 0..ROUNDS {
        let of = peer.clone();
        let Ok(Some(request)) = blocking(app, move |app| app.witness_request(&of)).await else {
            return Ok(());
        };
        let body = Bytes::from(request.body.clone());
        let (status, body) = client.ask(Method::POST, "/mx/1/add-checkpoint", body).await?;
        if matches!(status, 429 | 503) {
            return Err(PeerIoError::Busy);
        }
        let answered = read(status, &body);
        let of = peer.clone();
        let look = blocking(app, move |app| match &answered {
            WitnessAnswer::Signed(line) => app.witness_signed(&of, &request, line).map(|()| None),
            WitnessAnswer::Malformed
            | WitnessAnswer::Signature
            | WitnessAnswer::UnknownLog
            | WitnessAnswer::Conflict(_)
            | WitnessAnswer::Inconsistent => app.witness_refused_by(&of, &request, &answered).map(Some),
        });
        match look.await {
            Ok(None) => return Ok(()),
            Ok(Some(true)) => return held(app, peer, client).await,
            Ok(Some(false)) => {}
            Err(error) => {
                tracing::warn!(%peer, code = error.code(), "a countersignature was refused");
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Has the partner show what it holds of this node's log.
async fn held(app: &App, peer: &PartyId, client: &PeerClient) -> Result<(), PeerIoError> {
    let note = client.get("/mx/1/held").await?;
    let of = peer.clone();
    if let Err(error) = blocking(app, move |app| app.witness_held(&of, &note)).await {
        tracing::warn!(%peer, code = error.code(), "the partner showed no checkpoint of this log");
    }
    if let Some(code) = app.halted() {
        tracing::error!(%peer, code, "a partner holds another history of this log: the node stopped itself");
    }
    Ok(())
}

fn read(status: u16, body: &[u8]) -> WitnessAnswer {
    match status {
        200 => WitnessAnswer::Signed(body.to_vec()),
        403 => WitnessAnswer::Signature,
        404 => WitnessAnswer::UnknownLog,
        409 => {
            let size = core::str::from_utf8(body).ok().and_then(|text| text.trim_end().parse().ok());
            size.map_or(WitnessAnswer::Malformed, WitnessAnswer::Conflict)
        }
        422 => WitnessAnswer::Inconsistent,
        _other => WitnessAnswer::Malformed,
    }
}
