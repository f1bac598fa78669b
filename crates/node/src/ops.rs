//! Watching the node: what is counted, whether it is ready, and the listener that says so. Knows codes and counts;
//! nothing here can tell what a report says or who a person is.

mod asked;
mod ballast;
mod checks;
mod disk;
mod metrics;
mod process;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use mithaq_app::{App, Figures};
use mithaq_store::blobs::Room as _;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::serve::wait;
use asked::Asked;

pub(crate) use disk::{Disk, room_for_copy};

/// How often the free space is looked at.
const DISK_EVERY: Duration = Duration::from_secs(1);
/// A probe of the store is reused for this long: readiness may be asked for often, and each probe is a commit.
const PROBE_FRESH: Duration = Duration::from_secs(1);

/// Which listener a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// People's programs.
    Clients,
    /// Partners.
    Peers,
    /// Those who watch the node.
    Watchers,
}

impl Side {
    const fn label(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Peers => "peers",
            Self::Watchers => "watchers",
        }
    }
}

/// What the shell knows about itself.
pub(crate) struct Watch {
    started: Instant,
    disk: Arc<Disk>,
    draining: AtomicBool,
    /// When the last attempt to sign a checkpoint succeeded, also when there was nothing to sign.
    signed: Mutex<Instant>,
    /// The oldest that may be before the node is not ready.
    signed_max: Duration,
    /// Whether the store takes a write.
    probe: Asked<()>,
    figures: Asked<Figures>,
    requests: Mutex<BTreeMap<(Side, u16), u64>>,
    refused: Mutex<BTreeMap<(Side, &'static str), u64>>,
    under_way: [AtomicU64; 3],
}

impl Watch {
    pub(crate) fn new(disk: Arc<Disk>, checkpoint: Duration) -> Self {
        Self {
            started: Instant::now(),
            disk,
            draining: AtomicBool::new(false),
            signed: Mutex::new(Instant::now()),
            signed_max: checkpoint.saturating_mul(5).max(Duration::from_secs(10)),
            probe: Asked::new(PROBE_FRESH),
            figures: Asked::new(Duration::ZERO),
            requests: Mutex::default(),
            refused: Mutex::default(),
            under_way: Default::default(),
        }
    }

    /// A checkpoint was signed, or there was nothing new to sign.
    pub(crate) fn signed(&self) {
        *self.signed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn signed_ago(&self) -> Duration {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// From here on the node is not ready: it ends.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether so many KiB of content are not taken: the volume is nearly full, or would be.
    pub(crate) fn disk_low(&self, kib: u32) -> bool {
        self.disk.is_low() || !self.disk.has(u64::from(kib).saturating_mul(1024))
    }

    /// Counts a request that was answered.
    pub(crate) fn answered(&self, side: Side, status: StatusCode) {
        bump(&self.requests, (side, status.as_u16()));
    }

    /// Counts a request that was refused before any handler saw it.
    pub(crate) fn refused(&self, side: Side, code: &'static str) {
        bump(&self.refused, (side, code));
    }

    fn counter(&self, side: Side) -> &AtomicU64 {
        let [clients, peers, watchers] = &self.under_way;
        match side {
            Side::Clients => clients,
            Side::Peers => peers,
            Side::Watchers => watchers,
        }
    }

    /// Counts a request as under way until the guard goes.
    pub(crate) fn enter(self: &Arc<Self>, side: Side) -> UnderWay {
        self.counter(side).fetch_add(1, Ordering::SeqCst);
        UnderWay { watch: Arc::clone(self), side }
    }
}

/// A request under way.
pub(crate) struct UnderWay {
    watch: Arc<Watch>,
    side: Side,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.watch.counter(self.side).fetch_sub(1, Ordering::SeqCst);
    }
}

fn bump<K: Ord>(counts: &Mutex<BTreeMap<K, u64>>, key: K) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

/// Stops taking content before the volume is full, and takes it again when there is room.
pub(crate) async fn watch_disk(app: App, watch: Arc<Watch>, mut stop: watch::Receiver<bool>) {
    loop {
        let disk = Arc::clone(&watch.disk);
        // A volume that does not answer holds up this task and nothing else.
        let Ok(turned) = tokio::task::spawn_blocking(move || disk.look()).await else { break };
        let (free, ballast) = (watch.disk.free(), watch.disk.ballast());
        match turned.low {
            Some(true) => {
                tracing::error!(free, "the volume is nearly full: no content is taken until there is room")
            }
            Some(false) => tracing::info!(free, "there is room on the volume again: content is taken"),
            None => {}
        }
        match turned.ballast {
            Some(true) => tracing::info!(free, ballast, "the ballast is made"),
            Some(false) => tracing::error!(free, "the volume is all but full: the ballast was let go"),
            None => {}
        }
        app.take_content(!watch.disk.is_low());
        if !wait(DISK_EVERY, &mut stop).await {
            break;
        }
    }
}

/// What the listener for operations answers from.
#[derive(Clone)]
struct Ops {
    app: App,
    watch: Arc<Watch>,
}

/// Returns the router of `/metrics`, `/healthz` and `/readyz`.
pub(crate) fn router(app: App, watch: Arc<Watch>) -> Router {
    Router::new()
        .route("/metrics", get(show_metrics))
        // Alive: this very answer. Whether it is of use is the other question.
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state(Ops { app, watch })
}

async fn ready(State(ops): State<Ops>) -> Response {
    let checks = checks::run(&ops.app, &ops.watch).await;
    let good = checks.iter().all(|check| check.ok);
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(checks::Answer { ready: good, checks })).into_response()
}

async fn show_metrics(State(ops): State<Ops>) -> Response {
    let checks = checks::run(&ops.app, &ops.watch).await;
    // A store that does not answer takes its own numbers with it, not the others.
    let figures = ops.watch.figures.ask(&ops.app, App::figures).await.ok();
    let text = metrics::render(&ops.watch, ops.app.party(), figures.as_ref(), &checks);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
