//! Moves attachments, beside the lanes and behind them: a task of its own per partner, so that a long file delays no
//! message. Fetches what this node wants; a node that accepts no connection also brings what its partner wants. Decides
//! nothing: what is wanted and what is taken is the application's matter.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use mithaq_app::{App, AppError, ErrorKind, Want};
use mithaq_model::PartyId;
use mithaq_wire::decode_wants;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::{PeerClient, PeerIoError};
use crate::pump::{Line, blocking, connect};
use crate::serve::wait;
use crate::tls::Identity;

/// How often it is looked whether something is wanted.
const TICK: Duration = Duration::from_secs(1);
/// How soon after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// Most chunks asked for at once: hides the round trip, and bounds the memory to so many MiB per partner.
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
    app: App,
    peer: PartyId,
    identity: Arc<Identity>,
    line: Line,
    /// Whether this node accepts no connection: its partners cannot ask it, so it brings what they want.
    brings: bool,
    /// Chunks to ask for at once: more while all is well, one after a failure.
    ahead: u64,
}

impl Bulk {
    pub(crate) const fn new(app: App, peer: PartyId, identity: Arc<Identity>, brings: bool) -> Self {
        Self { app, peer, identity, line: None, brings, ahead: 1 }
    }

    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut pause = TICK;
        while wait(pause, &mut stop).await {
            connect(&self.app, &self.peer, &self.identity, &mut self.line);
            let Some((_, client)) = self.line.clone() else { continue };
            let mut ending = stop.clone();
            // A stop in the middle loses nothing: what was not durable is moved again.
            let moved = tokio::select! {
                moved = self.turn(&client) => moved,
                () = crate::serve::stopping(&mut ending) => break,
            };
            pause = match moved {
                Ok(()) => TICK,
                Err(error) => {
                    tracing::debug!(peer = %self.peer, %error, "an attachment was not moved");
                    self.ahead = 1;
                    RETRY
                }
            };
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
    async fn bring(&self, client: &PeerClient, want: Want) -> Result<(), BulkError> {
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
        // The partner says where to go on: it is counted here how often it is followed.
        for _ in 0..TURN {
            if next >= chunks {
                break;
            }
            let (peer, index) = (self.peer.clone(), next);
            let chunk = blocking(&self.app, move |app| app.chunk_for(&peer, named, index)).await?;
            let path = format!("/mx/1/chunk/{}/{:?}/{index}", want.agreement, want.root);
            let answer = put(client, &path, Bytes::from(chunk)).await?;
            let told: u64 = core::str::from_utf8(&answer)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or(BulkError::Answer)?;
            if told == next {
                // It takes none now.
                return Err(BulkError::Line(PeerIoError::Busy));
            }
            next = told;
        }
        Ok(())
    }
}

async fn put(client: &PeerClient, path: &str, body: Bytes) -> Result<Bytes, BulkError> {
    match client.ask(Method::PUT, path, body).await? {
        (200, answer) => Ok(answer),
        (429 | 503, _) => Err(BulkError::Line(PeerIoError::Busy)),
        (status, _) => Err(BulkError::Line(PeerIoError::Refused { status })),
    }
}
