//! After a restore: fetches from one partner what this node lost. Moves bytes; the application judges them.

use mithaq_app::App;
use mithaq_model::PartyId;
use mithaq_wire::Lane;

use crate::client::{PeerClient, PeerIoError};
use crate::pump::blocking;

/// Answers fetched for one lane at a time; the rest comes with the next heads.
const ROUNDS: u32 = 10_000;

/// Fetches the receipts for messages this node no longer has, and the checkpoint of its former log.
pub(crate) async fn recover(
    app: &App,
    peer: &PartyId,
    client: &PeerClient,
    heads: &[u8],
) -> Result<(), PeerIoError> {
    predecessor(app, peer, client).await?;
    let (of, bytes) = (peer.clone(), heads.to_vec());
    let lost = blocking(app, move |app| app.lost_after(&of, &bytes)).await.unwrap_or_default();
    for (agreement, class, mut after) in lost {
        let name = if class == Lane::Control { "control" } else { "report" };
        for _ in 0..ROUNDS {
            let path = format!("/mx/1/receipts/{agreement}/{name}/{}/{}", after.epoch, after.seq);
            let answer = client.get(&path).await?;
            let of = peer.clone();
            let taken =
                blocking(app, move |app| app.take_lost(&of, (agreement, class, after), &answer)).await;
            match taken {
                Ok(Some(last)) if last > after => after = last,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%peer, code = error.code(), "receipts for lost messages were refused");
                    break;
                }
            }
        }
    }
    Ok(())
}

async fn predecessor(app: &App, peer: &PartyId, client: &PeerClient) -> Result<(), PeerIoError> {
    let of = peer.clone();
    if !blocking(app, move |app| app.wants_predecessor(&of)).await.unwrap_or(false) {
        return Ok(());
    }
    let note = match client.get("/mx/1/held").await {
        Ok(note) => note,
        // It never countersigned anything of ours.
        Err(PeerIoError::Refused { status: 404 }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let of = peer.clone();
    if let Err(error) = blocking(app, move |app| app.note_predecessor(&of, &note)).await {
        tracing::warn!(%peer, code = error.code(), "the partner showed no checkpoint of this node");
    }
    Ok(())
}
