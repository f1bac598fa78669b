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

use crate::admission::{Gate, HEAD_MAX};
use crate::serve::stopping;
use crate::tls::{Pins, pin_of};

/// Connections served at once on one listener; more wait unaccepted in the system's queue.
const CONNECTIONS_MAX: usize = 512;
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
    accept((on.listener, CONNECTIONS_MAX), stop, move |tcp, stop| {
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
    accept((on.listener, CONNECTIONS_MAX), stop, move |tcp, stop| {
        let (router, gate) = (router.clone(), Arc::clone(&gate));
        async move { connection(tcp, (router, gate), None, stop).await }
    })
    .await
}

async fn accept<F, Fut>(
    (listener, most): (TcpListener, usize),
    mut stop: watch::Receiver<bool>,
    serve: F,
) -> bool
where
    F: Fn(TcpStream, watch::Receiver<bool>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(most));
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
    let head = gate.head();
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        let (router, gate) = (router.clone(), Arc::clone(&gate));
        async move { Ok::<Response<Body>, Infallible>(gate.answer(router, request).await) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
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

/// Slow senders (fault group 11), with shorter times than a node gives.
#[cfg(test)]
mod tests {
    use axum::routing::post;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::admission::Limits;
    use crate::ops::{Disk, Side, Watch};

    const HEAD: Duration = Duration::from_millis(400);
    const BODY: Duration = Duration::from_millis(1_200);
    /// Between two bytes of a slow sender.
    const PAUSE: Duration = Duration::from_millis(50);

    fn gate() -> Arc<Gate> {
        let disk = Disk::told(0, (std::path::Path::new("/nowhere"), 0), || None);
        let watch = Arc::new(Watch::new(Arc::new(disk), Duration::from_secs(1)));
        let one = Limits { requests: 1, body: 4096, memory_kib: 4096, head: HEAD, whole: BODY };
        Arc::new(Gate::new(Side::Clients, one, watch))
    }

    fn connect(gate: &Arc<Gate>, stop: &watch::Receiver<bool>) -> (DuplexStream, JoinHandle<()>) {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let router = Router::new().route("/", post(|body: bytes::Bytes| async move { body }));
        (ours, tokio::spawn(connection(theirs, (router, Arc::clone(gate)), None, stop.clone())))
    }

    async fn rest(stream: &mut DuplexStream) -> String {
        let mut answer = Vec::new();
        let _until_closed = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    const WHOLE: &[u8] = b"POST / HTTP/1.1\r\nhost: n\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";

    /// Sends what never ends, a byte at a time, until the other side has enough; returns what it said.
    async fn trickle(mut stream: DuplexStream, served: &JoinHandle<()>) -> String {
        while !served.is_finished() && stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(PAUSE).await;
        }
        rest(&mut stream).await
    }

    /// A limit for the test itself: without those of the node nothing would ever happen.
    async fn soon<T>(what: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(60), what).await.unwrap()
    }

    #[tokio::test]
    async fn a_head_that_trickles_is_closed_after_its_time() {
        let (gate, (_stop, stopped)) = (gate(), watch::channel(false));
        let (mut stream, served) = connect(&gate, &stopped);
        let began = Instant::now();
        stream.write_all(b"POST / HTTP/1.1\r\nhost: n\r\nx-slow: ").await.unwrap();
        let answer = soon(trickle(stream, &served)).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(began.elapsed() >= HEAD, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_body_that_trickles_is_408_and_its_place_is_free() {
        let (gate, (_stop, stopped)) = (gate(), watch::channel(false));
        let (mut slow, served) = connect(&gate, &stopped);
        let began = Instant::now();
        slow.write_all(b"POST / HTTP/1.1\r\nhost: n\r\ncontent-length: 4000\r\n\r\n").await.unwrap();
        let ask = async || {
            let (mut other, _served) = connect(&gate, &stopped);
            other.write_all(WHOLE).await.unwrap();
            rest(&mut other).await
        };
        soon(async { while !ask().await.starts_with("HTTP/1.1 503") {} }).await;
        let answer = soon(trickle(slow, &served)).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("input.too_slow"), "{answer}");
        assert!(began.elapsed() >= BODY, "{:?}", began.elapsed());
        assert!(ask().await.starts_with("HTTP/1.1 200"), "the place is free");
    }

    #[tokio::test]
    async fn connections_that_say_nothing_give_their_places_back() {
        let (gate, (stop, stopped)) = (gate(), watch::channel(false));
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let to = listener.local_addr().unwrap();
        let serving = tokio::spawn(accept((listener, 2), stopped, move |tcp, stop| {
            let router = Router::new().route("/", post(|body: bytes::Bytes| async move { body }));
            connection(tcp, (router, Arc::clone(&gate)), None, stop)
        }));
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(TcpStream::connect(to).await.unwrap());
        }
        let mut other = TcpStream::connect(to).await.unwrap();
        other.write_all(WHOLE).await.unwrap();
        let mut answer = String::new();
        soon(other.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        stop.send(true).unwrap();
        assert!(serving.await.unwrap());
    }
}
