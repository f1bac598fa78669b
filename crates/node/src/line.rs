//! The line to one partner: which of its endpoints is used, and which of our identities it is shown. Sends nothing by
//! itself.

use std::sync::Arc;

use mithaq_app::App;
use mithaq_model::PartyId;

use crate::client::{Endpoint, PeerClient, PeerIoError};
use crate::tls::Identities;

/// What a client was made for: the partner's manifest, and the pin of our key it is shown.
type MadeFor = (mithaq_wire::Digest, [u8; 32]);

/// A line to one partner. Each of its users has one, so that none holds up the others.
pub(crate) struct Line {
    peer: PartyId,
    identities: Arc<Identities>,
    client: Option<(MadeFor, Arc<PeerClient>)>,
    /// Which of the partner's endpoints is used; after a failure the next.
    endpoint: usize,
    /// How many it has.
    endpoints: usize,
    /// Which of our identities is shown, from the newest: another is tried when the partner does not answer.
    shown: usize,
}

impl Line {
    pub(crate) fn new(peer: PartyId, identities: Arc<Identities>) -> Self {
        Self { peer, identities, client: None, endpoint: 0, endpoints: 0, shown: 0 }
    }

    /// Makes the client for the partner's newest manifest; another manifest is another client.
    pub(crate) fn connect(&mut self, app: &App) {
        let registry = app.registry();
        let current = registry.peers.get(&self.peer).and_then(|peer| peer.current());
        let Some(manifest) = current else {
            self.client = None;
            return;
        };
        let Some(identity) = self.identities.at(self.shown) else { return };
        let made_for = (manifest.hash(), identity.pin());
        if self.client.as_ref().is_some_and(|(before, _)| *before == made_for) {
            return;
        }
        let endpoints = &manifest.manifest().endpoints;
        self.endpoints = endpoints.len();
        let turn = self.endpoint.checked_rem(endpoints.len()).unwrap_or(0);
        let endpoint = endpoints.get(turn).and_then(|text| Endpoint::parse(text).ok());
        let pin = manifest.manifest().tls_spki.0;
        let client = endpoint.and_then(|endpoint| PeerClient::pinned(endpoint, &identity, pin).ok());
        self.client = client.map(|client| (made_for, Arc::new(client)));
    }

    /// Returns the client; none while the partner has no manifest or no endpoint.
    pub(crate) fn client(&self) -> Option<Arc<PeerClient>> {
        self.client.as_ref().map(|(_, client)| Arc::clone(client))
    }

    /// Goes on with the partner's next endpoint when this one does not answer: behind each may be another process of
    /// the same node.
    pub(crate) fn next_endpoint(&mut self, error: &PeerIoError) {
        let elsewhere = matches!(error, PeerIoError::Unreachable | PeerIoError::NoAnswer | PeerIoError::Busy);
        // Once for all that failed together: the client is gone after the first.
        if elsewhere && self.endpoints > 1 && self.client.take().is_some() {
            self.endpoint = self.endpoint.wrapping_add(1);
        }
    }

    /// Shows the newest identity: the partner knows it.
    pub(crate) fn newest_identity(&mut self) {
        self.shown = 0;
    }

    /// Shows the identity before: the partner may not know the newest yet.
    pub(crate) fn next_identity(&mut self) {
        self.shown = self.shown.wrapping_add(1);
    }
}
