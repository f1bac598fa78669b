//! Moves attachments, beside the lanes and behind them: a task of its own per partner, so that a long file delays no
//! message. Fetches what this node wants; a node that accepts no connection also brings what its partner wants. Decides
//! nothing: what is wanted and what is taken is the application's matter.

use core::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use mithaq_app::{App, AppError, ErrorKind, Want};
use mithaq_model::{AgreementId, PartyId};
use mithaq_wire::{Digest, decode_wants};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::{PeerClient, PeerIoError};
use crate::line::Line;
use crate::pump::blocking;
use crate::serve::wait;
use crate::tls::Identities;
use crate::turns::Turns;

/// How often it is looked whether something is wanted.
const TICK: Duration = Duration::from_secs(1);
/// How soon after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// Most chunks under way at once: hides the round trip, and bounds the memory to so many MiB per partner.
const AHEAD_MAX: u64 = 4;
/// Chunks of one attachment before the next gets its turn.
const TURN: u64 = 256;

/// Why moving stopped. All of it may pass.
#[derive(Debug, thiserror::Error)]
enum BulkError {
    #[error(transparent)]
    Line(#[from] PeerIoError),
    #[error("{0}")]
    App(#[from] AppError),
    #[error("the partner's answer is none")]
    Answer,
}

/// The mover of attachments between this node and one partner.
pub(crate) struct Bulk {
    /// The application; under the lease of this partner's lanes while this process holds it.
    app: App,
    /// The application under no lease.
    base: App,
    turns: Arc<Turns>,
    peer: PartyId,
    line: Line,
    /// Whether this node accepts no connection: its partners cannot ask it, so it brings what they want.
    brings: bool,
    /// Chunks under way at once: more while all is well, one after a failure.
    ahead: u64,
}

impl Bulk {
    pub(crate) fn new(
        app: App,
        peer: PartyId,
        (identities, brings): (Arc<Identities>, bool),
        turns: Arc<Turns>,
    ) -> Self {
        let line = Line::new(peer.clone(), identities);
        Self { base: app.clone(), app, turns, peer, line, brings, ahead: 1 }
    }

    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut pause = TICK;
        while wait(pause, &mut stop).await {
            pause = TICK;
            // Of several processes, the one that sends to the partner moves its files too.
            let Some(app) = self.turns.partner(&self.peer).app(&self.base) else { continue };
            self.app = app;
            self.line.connect(&self.app);
            let Some(client) = self.line.client() else { continue };
            let mut ending = stop.clone();
            // A stop in the middle loses nothing: what was not durable is moved again.
            let moved = tokio::select! {
                moved = self.turn(&client) => moved,
                () = crate::serve::stopping(&mut ending) => break,
            };
            if let Err(error) = moved {
                tracing::debug!(peer = %self.peer, %error, "an attachment was not moved");
                self.ahead = 1;
                pause = RETRY;
                self.elsewhere(&error);
            }
        }
    }

    /// After a failure of the line, tries the partner's next endpoint, or another of our identities.
    fn elsewhere(&mut self, error: &BulkError) {
        match error {
            BulkError::Line(PeerIoError::Pin) => self.line.next_identity(),
            BulkError::Line(error) => self.line.next_endpoint(error),
            BulkError::App(_) | BulkError::Answer => {}
        }
    }

    async fn turn(&mut self, client: &Arc<PeerClient>) -> Result<(), BulkError> {
        let peer = self.peer.clone();
        let mut failed = None;
        for want in blocking(&self.app, move |app| app.wants_from(&peer)).await? {
            // One that cannot be had does not hold up the others.
            match self.fetch(client, want).await {
                Ok(()) => {}
                Err(error @ BulkError::Line(PeerIoError::Busy | PeerIoError::Refused { .. })) => {
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if self.brings {
            let wants = decode_wants(&client.get("/mx/1/wants").await?).map_err(|_| BulkError::Answer)?;
            for want in wants {
                self.bring(client, want).await?;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Fetches chunks of one attachment from where it is durable, several at once, taken in their order.
    async fn fetch(&mut self, client: &Arc<PeerClient>, want: Want) -> Result<(), BulkError> {
        let named = (want.agreement, want.root);
        let mut next = match want.have {
            Some(have) => have,
            None => {
                let list =
                    client.get(&format!("/mx/1/attachment/{}/{:?}", want.agreement, want.root)).await?;
                let peer = self.peer.clone();
                blocking(&self.app, move |app| app.take_chunk_list(&peer, named, &list)).await?;
                0
            }
        };
        let end = next.saturating_add(TURN);
        while next < end {
            let mut asked = JoinSet::new();
            for index in next..next.saturating_add(self.ahead) {
                let client = Arc::clone(client);
                let path = format!("/mx/1/chunk/{}/{:?}/{index}", want.agreement, want.root);
                asked.spawn(async move { (index, client.get(&path).await) });
            }
            let mut came = asked.join_all().await;
            came.sort_by_key(|(index, _)| *index);
            for (index, chunk) in came {
                // Behind the end there is nothing: only the first that is asked for must be there.
                let chunk = match chunk {
                    Err(PeerIoError::Refused { .. }) if index > next => continue,
                    chunk => chunk?,
                };
                let peer = self.peer.clone();
                let taken = blocking(&self.app, move |app| app.take_chunk(&peer, named, index, &chunk));
                let taken = taken.await?;
                next = taken.next;
                if taken.next == taken.chunks {
                    return Ok(());
                }
            }
            self.ahead = self.ahead.saturating_mul(2).min(AHEAD_MAX);
        }
        Ok(())
    }

    /// Brings chunks of one attachment that the partner wants. What this node may not give it does not give.
    async fn bring(&mut self, client: &Arc<PeerClient>, want: Want) -> Result<(), BulkError> {
        let (peer, named) = (self.peer.clone(), (want.agreement, want.root));
        let list = blocking(&self.app, move |app| app.chunk_list_for(&peer, named.0, named.1)).await;
        let list = match list {
            Ok(list) => list,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unavailable) => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let chunks = mithaq_wire::decode_chunk_list(&list).map_err(|_| BulkError::Answer)?.chunks();
        if want.have.is_none() {
            let path = format!("/mx/1/attachment/{}/{:?}", want.agreement, want.root);
            put(client, &path, Bytes::from(list)).await?;
        }
        let mut next = want.have.unwrap_or(0);
        let end = next.saturating_add(TURN).min(chunks);
        while next < end {
            let told =
                self.bring_some(client, named, next..next.saturating_add(self.ahead).min(chunks)).await?;
            if told <= next {
                // It takes none now.
                return Err(BulkError::Line(PeerIoError::Busy));
            }
            next = told;
            self.ahead = self.ahead.saturating_mul(2).min(AHEAD_MAX);
        }
        Ok(())
    }

    /// Brings some chunks at once; returns where the partner says to go on.
    async fn bring_some(
        &self,
        client: &Arc<PeerClient>,
        named: (AgreementId, Digest),
        some: Range<u64>,
    ) -> Result<u64, BulkError> {
        let mut brought = JoinSet::new();
        for index in some {
            let peer = self.peer.clone();
            let chunk = blocking(&self.app, move |app| app.chunk_for(&peer, named, index)).await?;
            let (client, path) =
                (Arc::clone(client), format!("/mx/1/chunk/{}/{:?}/{index}", named.0, named.1));
            brought.spawn(async move { put(&client, &path, Bytes::from(chunk)).await });
        }
        let mut told = 0;
        for answer in brought.join_all().await {
            let answer = answer?;
            let next: Option<u64> = core::str::from_utf8(&answer).ok().and_then(|text| text.parse().ok());
            told = next.ok_or(BulkError::Answer)?.max(told);
        }
        Ok(told)
    }
}

async fn put(client: &PeerClient, path: &str, body: Bytes) -> Result<Bytes, BulkError> {
    match client.ask(Method::PUT, path, body).await? {
        (200, answer) => Ok(answer),
        (429 | 503, _) => Err(BulkError::Line(PeerIoError::Busy)),
        (status, _) => Err(BulkError::Line(PeerIoError::Refused { status })),
    }
}
