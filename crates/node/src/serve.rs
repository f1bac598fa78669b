//! A running node: two listeners, a pump per partner, the timers, and an orderly end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mithaq_app::{App, AppError};
use mithaq_model::PartyId;
use mithaq_wire::Digest;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::admission::{Gate, Limits};
use crate::bulk::Bulk;
use crate::config::Config;
use crate::ops::{self, Side, Watch};
use crate::pump::{Pump, blocking};
use crate::server::{Listening, bind, serve_clients, serve_peers};
use crate::setup;
use crate::tls::{self, Identities, Identity, Pins};
use crate::turns::{self, Turns};

/// How often the set of partners is looked at.
const PARTNERS: Duration = Duration::from_millis(500);
/// How often what is overdue or expired is looked for.
const CHORES: Duration = Duration::from_secs(30);
/// What is erased in one transaction by the timers: short enough for who waits behind it.
const ERASE_TOGETHER: u32 = 256;
/// Subjects that are looked up together when they are due; they are erased in smaller parts.
const DUE_TOGETHER: u32 = 1_000;
/// How long one kind is erased before the other chores have their turn.
const ERASE_TIME: Duration = Duration::from_secs(10);

/// Where a running node is reached.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// By partners.
    pub peers: SocketAddr,
    /// By people's programs.
    pub clients: SocketAddr,
    /// By those who watch the node, if it has that listener.
    pub ops: Option<SocketAddr>,
}

/// What a node that ends has, after the time for draining, to sign its last entries and to close its database.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How a node ended. Either way nothing is lost: what had no receipt is sent again at the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything under way had its answer.
    Drained,
    /// Something under way was cut off after the time for draining.
    Cut,
    /// It did not come to its end: its database does not answer. Threads that wait for it are left behind, so the
    /// process is to end now.
    Left,
}

/// Runs the node in a directory until `stop` turns true; `ready` is called once it serves. Ends at the latest
/// `drain_seconds` and ten more after that, whatever its database does.
///
/// # Errors
/// When it cannot start.
pub async fn serve(
    directory: &Path,
    stop: watch::Receiver<bool>,
    ready: impl FnOnce(Addresses),
) -> Result<Ended> {
    let drain = Duration::from_secs(Config::load(directory)?.drain_seconds);
    let (broken, breaks) = watch::channel(false);
    let longest = drain.saturating_add(LAST_WORDS);
    tokio::select! {
        ended = run(directory, stop.clone(), (ready, broken)) => ended,
        () = overdue(stop, breaks, longest) => {
            let seconds = longest.as_secs();
            tracing::error!(seconds, "the database does not answer: the node ends without it; nothing is lost");
            Ok(Ended::Left)
        }
    }
}

/// Returns when a node that was asked to stop, or of which a part broke, has had its time.
async fn overdue(mut stop: watch::Receiver<bool>, mut breaks: watch::Receiver<bool>, longest: Duration) {
    tokio::select! {
        () = stopping(&mut stop) => {}
        () = breaking(&mut breaks) => {}
    }
    tokio::time::sleep(longest).await;
}

/// Returns when it turns true, never when it cannot any more.
async fn breaking(breaks: &mut watch::Receiver<bool>) {
    if breaks.wait_for(|broken| *broken).await.is_err() {
        core::future::pending::<()>().await;
    }
}

async fn run(
    directory: &Path,
    stop: watch::Receiver<bool>,
    (ready, broken): (impl FnOnce(Addresses), watch::Sender<bool>),
) -> Result<Ended> {
    let (wake, woken) = watch::channel(0_u64);
    let waker = Box::new(move || wake.send_modify(|count| *count = count.wrapping_add(1)));
    let place = directory.to_path_buf();
    let opened = tokio::task::spawn_blocking(move || setup::open_on(&place, waker)).await??;
    let (app, config, identity, disk) = opened;
    wipe_first(&app).await;
    let every = Duration::from_secs(config.checkpoint_seconds.max(1));
    let watch = Arc::new(Watch::new(disk, every));
    let peers = listen(config.peer_listen).await?;
    let clients = listen(config.client_listen).await?;
    let watching = match config.ops_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let addresses = Addresses {
        peers: peers.local_addr()?,
        clients: clients.local_addr()?,
        ops: watching.as_ref().map(tokio::net::TcpListener::local_addr).transpose()?,
    };

    let (keys, told) = Rotating::of(directory, &app, identity).await;
    let pins = Arc::new(Pins::default());
    pin(&app, &pins);
    let server = Arc::new(tls::server_config(Arc::clone(&keys.identities), Arc::clone(&pins))?);
    let mut tasks = JoinSet::new();
    let gate = |side, limits| Gate::new(side, limits, Arc::clone(&watch));
    let on = Listening {
        listener: peers,
        router: mithaq_api::peer_router(app.clone()),
        gate: gate(Side::Peers, peer_limits(&config)),
    };
    tasks.spawn(serve_peers(on, server, Arc::clone(&pins), stop.clone()));
    let on = Listening {
        listener: clients,
        router: mithaq_api::client_router(app.clone()),
        gate: gate(Side::Clients, client_limits(&config)),
    };
    tasks.spawn(serve_clients(on, stop.clone()));
    let (end_watching, until) = watch::channel(false);
    let watcher = watching.map(|listener| {
        let router = ops::router(app.clone(), Arc::clone(&watch));
        let on = Listening { listener, router, gate: gate(Side::Watchers, WATCHERS) };
        tokio::spawn(serve_clients(on, until))
    });
    let turns = Arc::new(Turns::of(&app));
    let timers = Timers { app: app.clone(), turns: Arc::clone(&turns) };
    sign_first(&app).await;
    timers.start(&mut tasks, every, (&watch, &stop));
    tasks.spawn(ended(ops::watch_disk(app.clone(), Arc::clone(&watch), stop.clone())));
    let record = config.record_checks.as_ref().map(|file| Arc::from(directory.join(file)));
    let lines = Lines { keys, pins, fetches: config.peer_endpoint.is_empty(), turns, record };
    let ear = app.clone();
    tokio::task::spawn_blocking(move || ear.listen()).await?.map_err(setup::explain)?;
    tasks.spawn(ended(partners(app.clone(), (lines, told), woken, stop.clone())));
    tracing::info!(party = %app.party(), peers = %addresses.peers, clients = %addresses.clients, "serving");
    ready(addresses);
    let end = drain(tasks, &watch, Duration::from_secs(config.drain_seconds), stop).await;
    if end.is_none() {
        tracing::error!("a part of the node ended by itself: the others are stopped too");
        broken.send_replace(true);
    }
    last_words(app, (end_watching, watcher)).await;
    let end = end.context("a part of the node ended by itself")?;
    tracing::info!(drained = end == Ended::Drained, "stopped");
    Ok(end)
}

/// What opening the node logged gets its checkpoint now, so that partners are asked to countersign it with the first
/// words of the line and not a second later.
async fn sign_first(app: &App) {
    if let Err(error) = blocking(app, |app| app.sign_checkpoint()).await {
        // The timer tries again, and says so for as long as it fails.
        tracing::warn!(code = error.code(), "no checkpoint could be signed at the start");
    }
}

/// What is left to do when nothing is under way: it is watched until the last entry is signed.
async fn last_words(app: App, (end_watching, watcher): (watch::Sender<bool>, Option<JoinHandle<bool>>)) {
    let last = app.clone();
    let _signed = tokio::task::spawn_blocking(move || leave(&last)).await;
    let _nobody_watches = end_watching.send(true);
    if let Some(watcher) = watcher {
        let _ended = watcher.await;
    }
    let _closed = tokio::task::spawn_blocking(move || app.close()).await;
}

/// The last entries get their checkpoint, and the others need not wait for this process's leases.
fn leave(app: &App) {
    let _at_the_next_start = app.sign_checkpoint();
    if app.is_shared() {
        let _ends_by_itself = app.let_go();
    }
}

/// Waits until the node is asked to stop, then for what is under way, but not longer than `longest`. Nothing when a
/// part ended without being asked: half a node would look alive.
async fn drain(
    mut tasks: JoinSet<bool>,
    watch: &Watch,
    longest: Duration,
    mut stop: watch::Receiver<bool>,
) -> Option<Ended> {
    let asked = tokio::select! {
        () = stopping(&mut stop) => true,
        _part = tasks.join_next() => *stop.borrow(),
    };
    watch.drain();
    if !asked {
        return None;
    }
    let all = async {
        let mut whole = true;
        while let Some(task) = tasks.join_next().await {
            whole &= task.unwrap_or(false);
        }
        whole
    };
    match tokio::time::timeout(longest, all).await {
        Ok(true) => Some(Ended::Drained),
        Ok(false) | Err(_) => Some(Ended::Cut),
    }
}

async fn ended(task: impl Future<Output = ()>) -> bool {
    task.await;
    true
}

async fn listen(address: SocketAddr) -> Result<tokio::net::TcpListener> {
    bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Those who watch ask small questions, a few at a time.
const WATCHERS: Limits = Limits { requests: 8, ..Limits::USUAL };

/// Every partner's request is one batch in memory.
fn peer_limits(config: &Config) -> Limits {
    let body = mithaq_api::BATCH_MAX;
    let kib = config.requests_max.saturating_mul(body).div_ceil(1024);
    let memory_kib = u32::try_from(kib).unwrap_or(u32::MAX);
    Limits { requests: config.requests_max, body, memory_kib, ..Limits::USUAL }
}

fn client_limits(config: &Config) -> Limits {
    let memory_kib = config.request_memory_mib.saturating_mul(1024);
    Limits { requests: config.requests_max, body: mithaq_api::BODY_MAX, memory_kib, ..Limits::USUAL }
}

/// Pins the TLS keys of every partner with whom duties are alive. Empty means nobody.
fn pin(app: &App, pins: &Pins) {
    let registry = app.registry();
    let now = app.now();
    let alive: BTreeSet<&PartyId> = registry
        .agreements
        .values()
        .filter(|known| known.standing.duties_alive(now))
        .flat_map(|known| known.agreement().partners(app.party()))
        .collect();
    let keys: BTreeMap<_, _> = registry
        .peers
        .values()
        .filter(|peer| alive.contains(&peer.party))
        .flat_map(|peer| peer.pins(now).into_iter().map(|pin| (pin, peer.party.clone())))
        .collect();
    pins.replace(keys);
}

/// The timers of a node, of which one process at a time keeps them.
#[derive(Clone)]
struct Timers {
    app: App,
    turns: Arc<Turns>,
}

impl Timers {
    /// Starts them, and what renews the leases.
    fn start(
        self,
        tasks: &mut JoinSet<bool>,
        every: Duration,
        (watch, stop): (&Arc<Watch>, &watch::Receiver<bool>),
    ) {
        let (app, turns, wake) = (self.app.clone(), Arc::clone(&self.turns), self.app.clone());
        tasks.spawn(ended(turns::renew(app, turns, move || wake.look(), stop.clone())));
        tasks.spawn(ended(checkpoints(self.clone(), every, Arc::clone(watch), stop.clone())));
        tasks.spawn(ended(chores(self, stop.clone())));
    }

    /// The application under the lease of the timers; nothing while they are another's.
    fn mine(&self) -> Option<App> {
        self.turns.timers().app(&self.app)
    }
}

async fn checkpoints(timers: Timers, every: Duration, watch: Arc<Watch>, mut stop: watch::Receiver<bool>) {
    while wait(every, &mut stop).await {
        let Some(app) = timers.mine() else {
            if timers.turns.timers_kept() {
                watch.signed();
            }
            continue;
        };
        match blocking(&app, |app| app.sign_checkpoint()).await {
            Ok(_note) => watch.signed(),
            Err(error) => tracing::error!(code = error.code(), "no checkpoint could be signed"),
        }
    }
}

async fn chores(timers: Timers, mut stop: watch::Receiver<bool>) {
    let mut more = false;
    while more || wait(CHORES, &mut stop).await {
        more = false;
        let Some(app) = timers.mine() else { continue };
        let stopping = stop.clone();
        match blocking(&app, move |app| round(app, &stopping)).await {
            Ok(left) => more = left && !*stop.borrow(),
            Err(error) => tracing::warn!(code = error.code(), "chores failed"),
        }
    }
}

/// Every chore once, whatever became of the others. Says whether more is due to be erased than one round has time for:
/// then the next follows at once. What failed first is what went wrong.
fn round(app: &App, stopping: &watch::Receiver<bool>) -> Result<bool, AppError> {
    let few = ERASE_TOGETHER;
    let chores = [
        app.declare_overdue().map(|_late| false),
        erase_all(stopping, few, |_go_on| app.erase_expired_reports(few)),
        erase_all(stopping, few, |_go_on| app.erase_stale_quarantine(few)),
        erase_all(stopping, few, |_go_on| app.erase_old_justifications(few)),
        app.remind_reviews().map(|_told| false),
        app.remind_unproven().map(|_told| false),
        app.tick_requests().map(|_told| false),
        app.tick_checks().map(|()| false),
        app.tick_consents().map(|_told| false),
        app.remind_keys().map(|_told| false),
        app.tick_attachments().map(|()| false),
        erase_all(stopping, DUE_TOGETHER, |go_on| app.erase_expired_subjects(DUE_TOGETHER, go_on)),
        // Last: also for what was erased before something failed.
        app.wipe_again().map(|_wiped| false),
    ];
    chores.into_iter().try_fold(false, |more, chore| Ok(more | chore?))
}

/// Before anybody is listened to: what was erased and not wiped when the node was killed is wiped, and what was owed for
/// it is queued. What cannot be done now the chores do.
async fn wipe_first(app: &App) {
    if let Err(error) = blocking(app, |app| app.wipe_again()).await {
        tracing::warn!(code = error.code(), "what was erased is not wiped yet");
    }
}

/// Erases what is over part by part, so that other writes have their turn between two: all of it, or until the node stops
/// or other chores have waited long enough. Says whether more is left.
fn erase_all(
    stopping: &watch::Receiver<bool>,
    limit: u32,
    part: impl Fn(&dyn Fn() -> bool) -> Result<usize, AppError>,
) -> Result<bool, AppError> {
    let (started, most) = (Instant::now(), usize::try_from(limit).unwrap_or(usize::MAX));
    let go_on = || started.elapsed() < ERASE_TIME && !*stopping.borrow();
    while go_on() {
        if part(&go_on)? < most {
            return Ok(!go_on());
        }
    }
    Ok(true)
}

/// The TLS identities of the node, read again when its manifest is another.
struct Rotating {
    directory: PathBuf,
    identities: Arc<Identities>,
}

impl Rotating {
    /// Those of a node that starts, and which manifest they were read for.
    async fn of(directory: &Path, app: &App, first: Identity) -> (Self, Option<Digest>) {
        let identities = Arc::new(Identities::new(first, Vec::new()));
        let keys = Self { directory: directory.to_path_buf(), identities };
        let told = keys.look(app, None).await;
        (keys, told)
    }

    /// Reads them if this node's manifest is not the one they were read for; returns the one they are of now.
    async fn look(&self, app: &App, told: Option<Digest>) -> Option<Digest> {
        let own = app.registry().own.as_ref().map(|own| own.hash());
        if own == told {
            return told;
        }
        let (place, known) = (self.directory.clone(), app.clone());
        match tokio::task::spawn_blocking(move || crate::generations::identities(&place, &known)).await {
            Ok(Ok(all)) => {
                self.identities.replace(all);
                own
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the TLS keys could not be read again");
                told
            }
            Err(_panicked) => told,
        }
    }
}

/// What every pump needs.
struct Lines {
    keys: Rotating,
    pins: Arc<Pins>,
    /// Whether this node accepts no connection, and so fetches.
    fetches: bool,
    /// To whom this process sends.
    turns: Arc<Turns>,
    /// Where what private checks say is recorded, if it is.
    record: Option<Arc<Path>>,
}

/// Keeps one pump per partner, so that a slow one delays nobody else.
async fn partners(
    app: App,
    (lines, mut told): (Lines, Option<Digest>),
    woken: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    let mut pumps = JoinSet::new();
    let mut running: BTreeSet<PartyId> = BTreeSet::new();
    loop {
        // What another process changed, should its word be lost.
        if let Err(error) = blocking(&app, App::refresh).await {
            tracing::debug!(code = error.code(), "what is known could not be looked at");
        }
        told = lines.keys.look(&app, told).await;
        pin(&app, &lines.pins);
        for peer in app.registry().peers.keys().filter(|party| *party != app.party()) {
            if running.insert(peer.clone()) {
                let line = (Arc::clone(&lines.keys.identities), lines.fetches);
                let bulk = Bulk::new(app.clone(), peer.clone(), line.clone(), Arc::clone(&lines.turns));
                pumps.spawn(bulk.run(stop.clone()));
                let (turns, record) = (Arc::clone(&lines.turns), lines.record.clone());
                let pump = Pump::new(app.clone(), peer.clone(), line, turns, record);
                pumps.spawn(pump.run(woken.clone(), stop.clone()));
            }
        }
        if !wait(PARTNERS, &mut stop).await {
            break;
        }
    }
    while pumps.join_next().await.is_some() {}
}

/// Returns when the node is asked to stop.
pub(crate) async fn stopping(stop: &mut watch::Receiver<bool>) {
    // The guard is dropped here: it may not live across other waits.
    let _asked_or_gone = stop.wait_for(|stopping| *stopping).await.is_ok();
}

/// Waits; `false` when the node stops meanwhile.
pub(crate) async fn wait(span: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(span) => true,
        () = stopping(stop) => false,
    }
}

/// Turns true when the process is asked to end.
#[must_use]
pub fn stop_on_signal() -> watch::Receiver<bool> {
    let (send, receive) = watch::channel(false);
    tokio::spawn(async move {
        let interrupted = tokio::signal::ctrl_c();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut terminated) => {
                    tokio::select! { _ = interrupted => {}, _ = terminated.recv() => {} }
                }
                Err(_unavailable) => {
                    let _interrupted = interrupted.await;
                }
            }
        }
        #[cfg(not(unix))]
        let _interrupted = interrupted.await;
        let _nobody_listens = send.send(true);
    });
    receive
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn erasing_goes_on_while_more_is_due_and_ends_when_the_node_does() {
        let (stop, stopping) = watch::channel(false);
        let due = Cell::new(23_usize);
        let part = |_go_on: &dyn Fn() -> bool| {
            let done = due.get().min(10);
            due.set(due.get() - done);
            Ok(done)
        };
        assert!(!erase_all(&stopping, 10, part).unwrap(), "nothing is left");
        assert_eq!(due.get(), 0);
        due.set(23);
        let stopped_meanwhile = |go_on: &dyn Fn() -> bool| {
            assert!(go_on());
            stop.send(true).unwrap();
            part(go_on)
        };
        assert!(erase_all(&stopping, 10, stopped_meanwhile).unwrap(), "more is left");
        assert_eq!(due.get(), 13);
    }
}
