//! The two listeners of a node: partners over pinned TLS, and people's programs over HTTP. Accepts, limits,
//! shuts down; what a request means is the router's matter.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use mithaq_api::ConnectedPeer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::admission::Gate;
use crate::serve::stopping;
use crate::tls::{Pins, pin_of};

/// Connections served at once on one listener; more wait unaccepted in the system's queue.
const CONNECTIONS_MAX: usize = 512;
/// Longest wait for a handshake or for the head of a request: a slow sender does not hold a place.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// How long requests under way may take to end when the node stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// A listener with what stands before its handlers.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) gate: Gate,
}

/// Serves partners until `stop` turns true. Returns whether everything under way had ended.
pub(crate) async fn serve_peers(
    on: Listening,
    tls: Arc<rustls::ServerConfig>,
    pins: Arc<Pins>,
    stop: watch::Receiver<bool>,
) -> bool {
    let (acceptor, router, gate) = (TlsAcceptor::from(tls), on.router, Arc::new(on.gate));
    accept(on.listener, stop, move |tcp, stop| {
        let (acceptor, pins, router) = (acceptor.clone(), Arc::clone(&pins), router.clone());
        let gate = Arc::clone(&gate);
        async move {
            let Ok(Ok(stream)) = timeout(HEAD_MAX, acceptor.accept(tcp)).await else { return };
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            // Asked again after the handshake: the set of partners may have changed meanwhile.
            let party = shown.and_then(|cert| pin_of(cert).ok()).and_then(|pin| pins.party(&pin));
            if let Some(party) = party {
                connection(stream, (router, gate), Some(ConnectedPeer(party)), stop).await;
            }
        }
    })
    .await
}

/// Serves people's programs, or those who watch the node, until `stop` turns true. Plain HTTP: bound to a loopback
/// address or behind a proxy of the agency. Returns whether everything under way had ended.
pub(crate) async fn serve_clients(on: Listening, stop: watch::Receiver<bool>) -> bool {
    let (router, gate) = (on.router, Arc::new(on.gate));
    accept(on.listener, stop, move |tcp, stop| {
        let (router, gate) = (router.clone(), Arc::clone(&gate));
        async move { connection(tcp, (router, gate), None, stop).await }
    })
    .await
}

async fn accept<F, Fut>(listener: TcpListener, mut stop: watch::Receiver<bool>, serve: F) -> bool
where
    F: Fn(TcpStream, watch::Receiver<bool>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut running = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping(&mut stop) => break,
        };
        while running.try_join_next().is_some() {}
        let Ok((tcp, _from)) = accepted else {
            // Out of file handles or the like: what passes is not worth dying for, but neither spinning.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _best_effort = tcp.set_nodelay(true);
        let served = serve(tcp, stop.clone());
        running.spawn(async move {
            served.await;
            drop(place);
        });
    }
    let drained = async { while running.join_next().await.is_some() {} };
    timeout(DRAIN_MAX, drained).await.is_ok()
}

async fn connection<S>(
    stream: S,
    (router, gate): (Router, Arc<Gate>),
    peer: Option<ConnectedPeer>,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        let (router, gate) = (router.clone(), Arc::clone(&gate));
        async move { Ok::<Response<Body>, Infallible>(gate.answer(router, request).await) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        _ended = serving.as_mut() => {}
        () = stopping(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            let _ended = serving.await;
        }
    }
}

/// Binds a listener.
///
/// # Errors
/// When the address is taken or not this machine's.
pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}
