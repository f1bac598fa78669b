//! Moves the outbox to one partner: batches up to four in flight, heads after an outage. Decides nothing about
//! messages; back-off and order are the protocol's and lie in the store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mithaq_app::{App, AppError, OutBatch, Windows};
use mithaq_model::{AgreementId, PartyId};
use mithaq_wire::Lane;
use mithaq_wire::limits::BATCHES_IN_FLIGHT_MAX;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Endpoint, PeerClient, PeerIoError};
use crate::serve::stopping;
use crate::tls::{self, Identity};
use crate::{restore, witness};

/// How often the outbox is looked at without a wake-up: retries that became due.
const TICK: Duration = Duration::from_millis(500);
/// How often a partner is asked how far its lanes go, while all is well.
const HEADS: Duration = Duration::from_secs(60);
/// How often a partner is asked to countersign, while the log grows: the fewer, the less it learns of when.
const WITNESS: Duration = Duration::from_secs(1);
/// How soon after a failure.
const WITNESS_RETRY: Duration = Duration::from_secs(5);
/// How soon after a failure it is asked again.
const HEADS_RETRY: Duration = Duration::from_secs(2);

/// How often a node that accepts no connection asks for what is for it.
const FETCH: Duration = Duration::from_secs(1);
/// How soon after a failure it asks again.
const FETCH_RETRY: Duration = Duration::from_secs(5);
/// Batches fetched of one lane before the others get their turn.
const FETCH_BATCHES_MAX: usize = 64;

/// Why fetching stopped. All of it may pass.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Line(#[from] PeerIoError),
    #[error("{0}")]
    App(#[from] AppError),
}

/// Runs work that waits for the disk.
pub(crate) async fn blocking<T, F>(app: &App, work: F) -> Result<T, AppError>
where
    T: Send + 'static,
    F: FnOnce(&App) -> Result<T, AppError> + Send + 'static,
{
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    done.unwrap_or_else(|panicked| Err(AppError::bug("node.task").because(panicked)))
}

/// A partner's client, with the hash of the manifest it is for.
pub(crate) type Line = Option<(mithaq_wire::Digest, Arc<PeerClient>)>;

/// Keeps the client of a partner's newest manifest; another manifest is another client.
pub(crate) fn connect(app: &App, peer: &PartyId, identity: &Identity, line: &mut Line) {
    let registry = app.registry();
    let Some(manifest) = registry.peers.get(peer).and_then(|peer| peer.current()) else {
        *line = None;
        return;
    };
    if line.as_ref().is_some_and(|(hash, _)| *hash == manifest.hash()) {
        return;
    }
    let endpoint = manifest.manifest().endpoints.first().and_then(|text| Endpoint::parse(text).ok());
    let tls = tls::client_config(identity, manifest.manifest().tls_spki.0).ok();
    *line =
        endpoint.zip(tls).map(|(endpoint, tls)| (manifest.hash(), Arc::new(PeerClient::new(endpoint, tls))));
}

/// The pump to one partner.
pub(crate) struct Pump {
    app: App,
    peer: PartyId,
    identity: Arc<Identity>,
    client: Line,
    windows: Windows,
    ask_heads: Instant,
    ask_witness: Instant,
    /// Whether this node accepts no connection, and so fetches what partners have for it.
    fetches: bool,
    ask_outbox: Instant,
}

type Answered = (OutBatch, Result<Bytes, PeerIoError>);

impl Pump {
    pub(crate) fn new(app: App, peer: PartyId, identity: Arc<Identity>, fetches: bool) -> Self {
        let (client, windows, now) = (None, Windows::default(), Instant::now());
        let (ask_heads, ask_witness, ask_outbox) = (now, now, now);
        Self { app, peer, identity, client, windows, ask_heads, ask_witness, fetches, ask_outbox }
    }

    pub(crate) async fn run(mut self, mut woken: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        let mut flying: JoinSet<Answered> = JoinSet::new();
        loop {
            self.connect();
            self.heads().await;
            self.witness().await;
            self.fetch().await;
            self.fill(&mut flying).await;
            tokio::select! {
                Some(done) = flying.join_next() => self.settle(done).await,
                changed = woken.changed() => if changed.is_err() { break },
                () = tokio::time::sleep(TICK) => {}
                () = stopping(&mut stop) => break,
            }
        }
        // What is under way is settled, so that the next start does not send it again.
        while let Some(done) = flying.join_next().await {
            self.settle(done).await;
        }
    }

    /// The client for the partner's newest manifest; another manifest is another client.
    fn connect(&mut self) {
        connect(&self.app, &self.peer, &self.identity, &mut self.client);
    }

    /// Asks how far the partner's lanes go: at the start, after an outage, and now and then.
    async fn heads(&mut self) {
        if Instant::now() < self.ask_heads && !self.app.take_asked(&self.peer) {
            return;
        }
        let Some((_, client)) = self.client.clone() else { return };
        let registry = self.app.registry();
        let now = self.app.now();
        let alive = registry.agreements.iter().filter(|(_, known)| {
            known.standing.duties_alive(now) && known.agreement().party(&self.peer).is_some()
        });
        let mut good = true;
        for (agreement, _) in alive {
            match client.get(&format!("/mx/1/heads/{agreement}")).await {
                Ok(bytes) => {
                    if let Err(error) = restore::recover(&self.app, &self.peer, &client, &bytes).await {
                        tracing::warn!(peer = %self.peer, %error, "lost receipts could not be had");
                        good = false;
                        continue;
                    }
                    let peer = self.peer.clone();
                    match blocking(&self.app, move |app| app.note_heads(&peer, &bytes)).await {
                        Ok(behind) => self.windows.partner_has(&behind),
                        Err(error) => {
                            tracing::warn!(peer = %self.peer, code = error.code(), "heads could not be noted");
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!(peer = %self.peer, %error, "the partner did not answer");
                    good = false;
                }
            }
        }
        self.ask_heads = Instant::now() + if good { HEADS } else { HEADS_RETRY };
    }

    /// Asks the partner to countersign what the log signed since: after the log grew, on a cadence.
    async fn witness(&mut self) {
        if Instant::now() < self.ask_witness {
            return;
        }
        let Some((_, client)) = self.client.clone() else { return };
        self.ask_witness = Instant::now() + WITNESS;
        if let Err(error) = witness::ask(&self.app, &self.peer, &client).await {
            tracing::debug!(peer = %self.peer, %error, "the partner did not countersign");
            self.ask_witness = Instant::now() + WITNESS_RETRY;
        }
    }

    /// Fetches what the partner has for a node that accepts no connection: orders first, each batch taken and answered
    /// before the next is asked for. What is under way when the line breaks is fetched again: taking it twice is safe.
    async fn fetch(&mut self) {
        if !self.fetches || Instant::now() < self.ask_outbox {
            return;
        }
        let Some((_, client)) = self.client.clone() else { return };
        let mut pause = FETCH;
        for lane in self.app.to_fetch(&self.peer) {
            if let Err(error) = self.fetch_lane(&client, lane).await {
                tracing::debug!(peer = %self.peer, %error, "nothing could be fetched");
                pause = FETCH_RETRY;
                break;
            }
        }
        self.ask_outbox = Instant::now() + pause;
    }

    async fn fetch_lane(
        &self,
        client: &PeerClient,
        (agreement, class): (AgreementId, Lane),
    ) -> Result<(), FetchError> {
        let word = if class == Lane::Control { "control" } else { "report" };
        for _ in 0..FETCH_BATCHES_MAX {
            let peer = self.peer.clone();
            let have = blocking(&self.app, move |app| app.have(&peer, (agreement, class))).await?;
            let path = format!("/mx/1/outbox/{agreement}/{word}?from={}.{}", have.epoch, have.seq);
            let batch = client.get(&path).await?;
            if batch.is_empty() {
                break;
            }
            let peer = self.peer.clone();
            let answer = blocking(&self.app, move |app| app.receive_batch(&peer, &batch)).await?;
            client.post(&format!("/mx/1/answer/{agreement}/{word}"), Bytes::from(answer)).await?;
            let peer = self.peer.clone();
            let now = blocking(&self.app, move |app| app.have(&peer, (agreement, class))).await?;
            if now == have {
                // Nothing of it could be taken: asking again at once would give the same.
                break;
            }
        }
        Ok(())
    }

    /// Hands out batches until the window is full or nothing waits.
    async fn fill(&mut self, flying: &mut JoinSet<Answered>) {
        let Some((_, client)) = self.client.clone() else { return };
        while flying.len() < BATCHES_IN_FLIGHT_MAX {
            let (peer, mut windows) = (self.peer.clone(), core::mem::take(&mut self.windows));
            let next = blocking(&self.app, move |app| {
                let next = app.next_batch(&mut windows, &peer);
                Ok((windows, next))
            });
            let Ok((windows, next)) = next.await else { return };
            self.windows = windows;
            match next {
                Ok(Some(batch)) => {
                    let client = Arc::clone(&client);
                    let body = Bytes::from(batch.body.clone());
                    flying.spawn(async move {
                        let answer = client.post("/mx/1/batch", body).await;
                        (batch, answer)
                    });
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(peer = %self.peer, code = error.code(), "the outbox could not be read");
                    return;
                }
            }
        }
    }

    async fn settle(&mut self, done: Result<Answered, tokio::task::JoinError>) {
        let Ok((batch, answer)) = done else { return };
        if let Err(error) = &answer {
            tracing::info!(peer = %self.peer, %error, "a batch got no answer");
            self.ask_heads = Instant::now() + HEADS_RETRY;
        }
        let mut windows = core::mem::take(&mut self.windows);
        let settled = blocking(&self.app, move |app| {
            let done = app.settle_batch(&mut windows, batch, answer.ok().as_deref());
            Ok((windows, done))
        });
        match settled.await {
            Ok((windows, done)) => {
                self.windows = windows;
                if let Err(error) = done {
                    tracing::warn!(peer = %self.peer, code = error.code(), "an answer could not be settled");
                }
            }
            Err(error) => tracing::error!(peer = %self.peer, code = error.code(), "settling broke"),
        }
    }
}
