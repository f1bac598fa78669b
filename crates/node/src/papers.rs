//! Hands this node's manifests and statements to a partner and asks for the partner's. Both are safe to repeat.

use bytes::Bytes;
use hyper::Method;
use mithaq_app::{App, AppError};
use mithaq_model::PartyId;

use crate::client::{PeerClient, PeerIoError};
use crate::pump::blocking;

/// Why it did not come to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PapersError {
    #[error(transparent)]
    Line(#[from] PeerIoError),
    #[error("{0}")]
    App(#[from] AppError),
}

impl PapersError {
    /// Whether there was no answer at all: the partner may expect another key.
    pub(crate) const fn is_line(&self) -> bool {
        matches!(self, Self::Line(PeerIoError::Pin | PeerIoError::NoAnswer))
    }
}

/// Hands over what the partner lacks, and asks for its own. Returns whether anything was handed over.
pub(crate) async fn exchange(app: &App, peer: &PartyId, client: &PeerClient) -> Result<bool, PapersError> {
    let to = peer.clone();
    let ours = blocking(app, move |app| app.papers_for(&to)).await?;
    let handed = ours.is_some();
    if let Some(papers) = ours {
        let (status, answer) = client.ask(Method::POST, "/mx/1/manifests", Bytes::from(papers)).await?;
        let number = core::str::from_utf8(&answer).ok().and_then(|text| text.parse().ok());
        let Some(number) = number.filter(|_| status == 200) else {
            return Err(PeerIoError::Refused { status }.into());
        };
        let to = peer.clone();
        blocking(app, move |app| app.papers_taken(&to, number)).await?;
    }
    let registry = app.registry();
    let known = registry.peers.get(peer).and_then(|peer| peer.current());
    let after = known.map_or(0, |manifest| manifest.manifest().number);
    let theirs = client.get(&format!("/mx/1/manifests/{after}")).await?;
    let from = peer.clone();
    blocking(app, move |app| app.take_papers(&from, &theirs)).await?;
    Ok(handed)
}
