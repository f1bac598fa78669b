//! Moves the outbox to one partner: batches up to four in flight, heads after an outage. Decides nothing about
//! messages; back-off and order are the protocol's and lie in the store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mithaq_app::{App, AppError, OutBatch, Windows};
use mithaq_model::{AgreementId, PartyId};
use mithaq_wire::Lane;
use mithaq_wire::limits::BATCHES_IN_FLIGHT_MAX;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::client::{PeerClient, PeerIoError};
use crate::line::Line;
use crate::serve::stopping;
use crate::tls::Identities;
use crate::turns::{Mine, Turns};
use crate::{checks, papers, restore, witness};

/// How often the outbox is looked at without a wake-up: retries that became due.
const TICK: Duration = Duration::from_millis(500);
/// How often a partner is asked how far its lanes go, while all is well.
const HEADS: Duration = Duration::from_secs(60);
/// How often a partner is asked to countersign, while the log grows: the fewer, the less it learns of when.
const WITNESS: Duration = Duration::from_secs(1);
/// How soon after a failure, once it failed several times.
const WITNESS_RETRY: Duration = Duration::from_secs(5);
/// How soon after a failure it is asked again, once it failed several times.
const HEADS_RETRY: Duration = Duration::from_secs(2);

/// How often a node that accepts no connection asks for what is for it.
const FETCH: Duration = Duration::from_secs(1);
/// How soon after a failure private checks go on.
const CHECK_RETRY: Duration = Duration::from_secs(2);
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

/// The pump to one partner.
pub(crate) struct Pump {
    /// The application; under the lease of this partner's lanes while this process holds it.
    app: App,
    /// The application under no lease.
    base: App,
    turns: Arc<Turns>,
    mine: Mine,
    peer: PartyId,
    line: Line,
    /// Which of our papers the partner was last tried with.
    told: (u32, usize),
    ask_papers: Instant,
    papers_pause: Pause,
    windows: Windows,
    /// Whether the partner did not answer the last time.
    lost: bool,
    ask_heads: Instant,
    heads_pause: Pause,
    ask_witness: Instant,
    witness_pause: Pause,
    /// The partner is asked to countersign: beside the batches, which need not wait for its answer.
    witnessing: Beside,
    /// Whether this node accepts no connection, and so fetches what partners have for it.
    fetches: bool,
    ask_outbox: Instant,
    /// The private checks under way with this partner: apart, for their answers take their time.
    checking: Beside,
    check_next: Instant,
    /// Where what they say is recorded, if it is.
    record: Option<Arc<Path>>,
}

type Answered = (OutBatch, Result<Bytes, PeerIoError>);

/// What goes beside the batches, one at a time.
type Beside = Option<JoinHandle<Result<(), PeerIoError>>>;

/// Lets go of what has ended, and says how it ended.
async fn ended(beside: &mut Beside) -> Option<Result<(), PeerIoError>> {
    let task = beside.take_if(|task| task.is_finished())?;
    task.await.ok()
}

/// How long nothing is asked after failures in a row: soon after the first, for a partner that is starting is there in a
/// moment, and twice as long after each further one.
struct Pause {
    next: Duration,
    most: Duration,
}

impl Pause {
    const fn up_to(most: Duration) -> Self {
        Self { next: TICK, most }
    }

    /// Returns when to ask again after one more failure.
    fn failed(&mut self) -> Instant {
        let pause = self.next.min(self.most);
        self.next = pause.saturating_mul(2);
        Instant::now() + pause
    }

    fn worked(&mut self) {
        self.next = TICK;
    }
}

impl Pump {
    pub(crate) fn new(
        app: App,
        peer: PartyId,
        (identities, fetches): (Arc<Identities>, bool),
        turns: Arc<Turns>,
        record: Option<Arc<Path>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            base: app.clone(),
            app,
            turns,
            mine: Mine::No,
            line: Line::new(peer.clone(), identities),
            peer,
            told: (0, 0),
            ask_papers: now,
            papers_pause: Pause::up_to(HEADS_RETRY),
            windows: Windows::default(),
            lost: false,
            ask_heads: now,
            heads_pause: Pause::up_to(HEADS_RETRY),
            ask_witness: now,
            witness_pause: Pause::up_to(WITNESS_RETRY),
            witnessing: None,
            fetches,
            ask_outbox: now,
            checking: None,
            check_next: now,
            record,
        }
    }

    /// Whether this process sends to the partner now. With every change of hands what was under way counts for
    /// nothing: another may have sent and settled since.
    fn my_turn(&mut self, quiet: bool) -> bool {
        let mine = self.turns.partner(&self.peer);
        if mine != self.mine {
            if !quiet {
                // What was sent under the other lease is settled, or refused as such, before anything new goes.
                return false;
            }
            self.windows = Windows::default();
            let now = Instant::now();
            (self.ask_heads, self.ask_witness, self.ask_outbox) = (now, now, now);
            self.app = mine.clone().app(&self.base).unwrap_or_else(|| self.base.clone());
            self.mine = mine;
        }
        self.mine != Mine::No
    }

    pub(crate) async fn run(mut self, mut woken: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        let mut flying: JoinSet<Answered> = JoinSet::new();
        loop {
            if self.my_turn(flying.is_empty()) {
                self.line.connect(&self.app);
                self.papers().await;
                self.heads().await;
                self.witness().await;
                self.fetch().await;
                self.fill(&mut flying).await;
            }
            // A private check lives in the process it was authorised in: its documents go from there.
            self.check().await;
            tokio::select! {
                Some(done) = flying.join_next() => self.settle(done, &mut flying).await,
                changed = woken.changed() => if changed.is_err() { break },
                () = tokio::time::sleep(TICK) => {}
                () = stopping(&mut stop) => break,
            }
        }
        // Asked again after the next start: nothing waits for it here.
        if let Some(task) = self.witnessing.take() {
            task.abort();
        }
        // What is under way is settled, so that the next start does not send it again.
        while let Some(done) = flying.join_next().await {
            self.settle(done, &mut flying).await;
        }
    }

    /// Hands over what the partner lacks of our manifests and statements, at once after a change, and asks for its own
    /// now and then. A partner that does not answer may not know our newest key yet: the one before is shown next.
    async fn papers(&mut self) {
        let Some(client) = self.line.client() else { return };
        let ours = self.app.own_papers();
        if Instant::now() < self.ask_papers && self.told == ours {
            return;
        }
        self.told = ours;
        match papers::exchange(&self.app, &self.peer, &client).await {
            // It needs a moment to accept a key it was just told of.
            Ok(true) => self.ask_papers = Instant::now() + HEADS_RETRY,
            Ok(false) => {
                self.ask_papers = Instant::now() + HEADS;
                self.papers_pause.worked();
                self.line.newest_identity();
            }
            Err(error) => {
                tracing::debug!(peer = %self.peer, %error, "papers about keys could not be exchanged");
                self.ask_papers = self.papers_pause.failed();
                if error.is_line() {
                    // Heard again, it is asked at once, and shown the newest.
                    self.lost = true;
                    self.line.next_identity();
                }
            }
        }
        self.line.connect(&self.app);
    }

    /// Asks how far the partner's lanes go: at the start, after an outage, and now and then.
    async fn heads(&mut self) {
        // Heard from it while it did not answer: it is there again, and asked now, not after the pause.
        let back = self.app.take_back(&self.peer) && self.lost;
        if back {
            let now = Instant::now();
            (self.ask_witness, self.ask_papers) = (now, now);
            self.line.newest_identity();
        }
        if Instant::now() < self.ask_heads && !back && !self.app.take_asked(&self.peer) {
            return;
        }
        let Some(client) = self.line.client() else { return };
        let registry = self.app.registry();
        let now = self.app.now();
        let alive = registry.agreements.iter().filter(|(_, known)| {
            known.standing.duties_alive(now) && known.agreement().party(&self.peer).is_some()
        });
        let (mut good, mut unanswered) = (true, None);
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
                    unanswered = Some(error);
                    good = false;
                }
            }
        }
        if let Some(error) = unanswered {
            self.line.next_endpoint(&error);
        }
        self.lost = !good;
        self.ask_heads = if good {
            self.heads_pause.worked();
            Instant::now() + HEADS
        } else {
            self.heads_pause.failed()
        };
    }

    /// Asks the partner to countersign what the log signed since: after the log grew, on a cadence, one request at a time.
    async fn witness(&mut self) {
        match ended(&mut self.witnessing).await {
            Some(Err(error)) => {
                tracing::debug!(peer = %self.peer, %error, "the partner did not countersign");
                self.ask_witness = self.witness_pause.failed();
                // Nothing else may be under way: heard again, it is asked at once, not after the pause.
                self.lost = true;
            }
            Some(Ok(())) => self.witness_pause.worked(),
            None => {}
        }
        if self.witnessing.is_some() || Instant::now() < self.ask_witness {
            return;
        }
        let Some(client) = self.line.client() else { return };
        self.ask_witness = Instant::now() + WITNESS;
        let (app, peer) = (self.app.clone(), self.peer.clone());
        self.witnessing = Some(tokio::spawn(async move { witness::ask(&app, &peer, &client).await }));
    }

    /// Carries the documents of private checks, one round at a time, beside everything else and under no lease: taking
    /// one twice is safe.
    async fn check(&mut self) {
        if let Some(Err(error)) = ended(&mut self.checking).await {
            tracing::debug!(peer = %self.peer, %error, "a private check got no answer");
            self.line.next_endpoint(&error);
            self.check_next = Instant::now() + CHECK_RETRY;
        }
        if self.line.client().is_none() {
            self.line.connect(&self.app);
        }
        let Some(client) = self.line.client() else { return };
        if self.checking.is_none() && Instant::now() >= self.check_next {
            let (app, peer, record) = (self.base.clone(), self.peer.clone(), self.record.clone());
            self.checking =
                Some(tokio::spawn(async move { checks::ask(&app, &peer, &client, record.as_deref()).await }));
        }
    }

    /// Fetches what the partner has for a node that accepts no connection: orders first, each batch taken and answered
    /// before the next is asked for. What is under way when the line breaks is fetched again: taking it twice is safe.
    async fn fetch(&mut self) {
        if !self.fetches || Instant::now() < self.ask_outbox {
            return;
        }
        let Some(client) = self.line.client() else { return };
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
        let Some(client) = self.line.client() else { return };
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

    /// Settles an answer, and all others that are there by now: together they wait for one turn of the writer.
    async fn settle(&mut self, done: Result<Answered, JoinError>, flying: &mut JoinSet<Answered>) {
        let others = core::iter::from_fn(|| flying.try_join_next());
        let answers: Vec<Answered> = core::iter::once(done).chain(others).filter_map(Result::ok).collect();
        for (_, answer) in &answers {
            if let Err(error) = answer {
                tracing::info!(peer = %self.peer, %error, "a batch got no answer");
                self.line.next_endpoint(error);
                self.lost = true;
                self.ask_heads = Instant::now() + HEADS_RETRY;
            }
        }
        let mut windows = core::mem::take(&mut self.windows);
        let settled = blocking(&self.app, move |app| {
            let sent = answers.into_iter().map(|(batch, answer)| (batch, answer.ok())).collect();
            let done = app.settle_batches(&mut windows, sent);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_grows_with_each_failure_to_its_end_and_begins_anew_when_it_worked() {
        let mut pause = Pause::up_to(WITNESS_RETRY);
        let mut wait = || {
            let at = pause.failed();
            at.saturating_duration_since(Instant::now()).as_millis().div_ceil(100) * 100
        };
        assert_eq!(
            [wait(), wait(), wait(), wait(), wait(), wait()],
            [500, 1_000, 2_000, 4_000, 5_000, 5_000]
        );
        pause.worked();
        assert!(pause.failed() <= Instant::now() + TICK);
    }
}
