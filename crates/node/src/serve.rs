//! A running node: two listeners, a pump per partner, the timers, and an orderly end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use mithaq_app::App;
use mithaq_model::PartyId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::pump::{Pump, blocking};
use crate::server::{bind, serve_clients, serve_peers};
use crate::setup;
use crate::tls::{self, Identity, Pins};

/// How often the set of partners is looked at.
const PARTNERS: Duration = Duration::from_millis(500);
/// How often what is overdue or expired is looked for.
const CHORES: Duration = Duration::from_secs(30);

/// Where a running node is reached.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// By partners.
    pub peers: SocketAddr,
    /// By people's programs.
    pub clients: SocketAddr,
}

/// Runs the node in a directory until `stop` turns true; `ready` is called once it serves.
///
/// # Errors
/// When it cannot start.
pub async fn serve(
    directory: &Path,
    stop: watch::Receiver<bool>,
    ready: impl FnOnce(Addresses),
) -> Result<()> {
    let (wake, woken) = watch::channel(0_u64);
    let waker = Box::new(move || wake.send_modify(|count| *count = count.wrapping_add(1)));
    let place = directory.to_path_buf();
    let (app, config, identity) = tokio::task::spawn_blocking(move || setup::open(&place, waker)).await??;
    let peers =
        bind(config.peer_listen).await.with_context(|| format!("cannot listen on {}", config.peer_listen))?;
    let clients = bind(config.client_listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.client_listen))?;
    let addresses = Addresses { peers: peers.local_addr()?, clients: clients.local_addr()? };

    let identity = Arc::new(identity);
    let pins = Arc::new(Pins::default());
    pin(&app, &pins);
    let server = Arc::new(tls::server_config(&identity, Arc::clone(&pins))?);
    let mut tasks = JoinSet::new();
    let peer_router = mithaq_api::peer_router(app.clone());
    tasks.spawn(serve_peers(peers, server, Arc::clone(&pins), peer_router, stop.clone()));
    tasks.spawn(serve_clients(clients, mithaq_api::client_router(app.clone()), stop.clone()));
    let every = Duration::from_secs(config.checkpoint_seconds.max(1));
    tasks.spawn(checkpoints(app.clone(), every, stop.clone()));
    tasks.spawn(chores(app.clone(), stop.clone()));
    tasks.spawn(partners(app.clone(), identity, pins, woken, stop.clone()));
    tracing::info!(party = %app.party(), peers = %addresses.peers, clients = %addresses.clients, "serving");
    ready(addresses);
    while tasks.join_next().await.is_some() {}
    let last = app.clone();
    // The last entries get their checkpoint, then the store is closed.
    let _signed = tokio::task::spawn_blocking(move || last.sign_checkpoint()).await;
    let _closed = tokio::task::spawn_blocking(move || app.close()).await;
    tracing::info!("stopped");
    Ok(())
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
        .filter_map(|peer| {
            peer.current().map(|manifest| (manifest.manifest().tls_spki.0, peer.party.clone()))
        })
        .collect();
    pins.replace(keys);
}

async fn checkpoints(app: App, every: Duration, mut stop: watch::Receiver<bool>) {
    while wait(every, &mut stop).await {
        match blocking(&app, |app| app.sign_checkpoint()).await {
            Ok(_note) => {}
            Err(error) => tracing::error!(code = error.code(), "no checkpoint could be signed"),
        }
    }
}

async fn chores(app: App, mut stop: watch::Receiver<bool>) {
    while wait(CHORES, &mut stop).await {
        let done = blocking(&app, |app| {
            app.declare_overdue()?;
            app.erase_expired_reports(256)?;
            app.erase_stale_quarantine(256)?;
            app.remind_reviews()?;
            app.erase_expired_subjects(256)
        });
        if let Err(error) = done.await {
            tracing::warn!(code = error.code(), "chores failed");
        }
    }
}

/// Keeps one pump per partner, so that a slow one delays nobody else.
async fn partners(
    app: App,
    identity: Arc<Identity>,
    pins: Arc<Pins>,
    woken: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    let mut pumps = JoinSet::new();
    let mut running: BTreeSet<PartyId> = BTreeSet::new();
    loop {
        pin(&app, &pins);
        for peer in app.registry().peers.keys().filter(|party| *party != app.party()) {
            if running.insert(peer.clone()) {
                let pump = Pump::new(app.clone(), peer.clone(), Arc::clone(&identity));
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
