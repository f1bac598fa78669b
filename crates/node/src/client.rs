//! The connecting side of the peer protocol: moves bytes to one partner and back, over pinned TLS. Knows no
//! document. Every wait has a limit, every answer a size.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::tls::{self, Identity, TlsSetupError};

/// Longest wait for a TCP connection and the TLS handshake.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Longest wait for an answer: the partner commits a batch to disk before it answers.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Longest answer in bytes: a fetched batch is the longest (as is a part of a tag set), receipts are far smaller.
const ANSWER_BYTES_MAX: usize = mithaq_api::BATCH_MAX;

/// `https://host:port`, taken apart. Nothing else is accepted: no path, no user, no default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is not `https://host:port`.
    pub fn parse(text: &str) -> Result<Self, PeerIoError> {
        let rest = text.strip_prefix("https://").ok_or(PeerIoError::Address)?;
        let (host, port) = rest.rsplit_once(':').ok_or(PeerIoError::Address)?;
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let plain =
            !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
        let port = port.parse().map_err(|_| PeerIoError::Address)?;
        if plain && port != 0 { Ok(Self { host: inner.to_owned(), port }) } else { Err(PeerIoError::Address) }
    }
}

/// Why bytes did not reach the partner or no answer came. All of it may pass; the sender tries again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerIoError {
    /// Not an address of a node.
    #[error("the address of the partner is not `https://host:port`")]
    Address,
    /// No connection within the limit, or refused.
    #[error("the partner cannot be reached")]
    Unreachable,
    /// The partner showed another key, or does not accept ours.
    #[error("the partner's key is not the one its manifest names, or it does not accept ours")]
    Pin,
    /// The connection broke, or no answer came within the limit.
    #[error("no answer from the partner")]
    NoAnswer,
    /// The partner asks to wait.
    #[error("the partner is busy")]
    Busy,
    /// The partner answers that nothing is here for us: no agreement, or another protocol.
    #[error("the partner refuses with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// Longer than any answer may be.
    #[error("the partner's answer is too long")]
    TooLong,
}

/// One partner's address and TLS set-up, with a connection that is kept while it works.
pub struct PeerClient {
    endpoint: Endpoint,
    tls: TlsConnector,
    /// The name asked for: which key is expected.
    name: String,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl PeerClient {
    /// Makes a client that shows an identity and accepts exactly the partner's key, as its manifest names it.
    ///
    /// # Errors
    /// When our key is unusable.
    pub fn pinned(endpoint: Endpoint, shown: &Identity, expected: [u8; 32]) -> Result<Self, TlsSetupError> {
        let tls = TlsConnector::from(Arc::new(tls::client_config(shown, expected)?));
        Ok(Self { endpoint, tls, name: tls::name_of(&expected), idle: Mutex::new(Vec::new()) })
    }

    /// Sends a body and returns the answer's. Calls may overlap; each takes a connection of its own.
    ///
    /// # Errors
    /// When the partner cannot be reached, refuses, or does not answer in time. Whether it acted is then
    /// unknown: what is sent must be safe to send again.
    pub async fn post(&self, path: &str, body: Bytes) -> Result<Bytes, PeerIoError> {
        self.call(Method::POST, path, body).await
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// As [`PeerClient::post`].
    pub async fn get(&self, path: &str) -> Result<Bytes, PeerIoError> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// Sends a body and returns status and body of whatever the partner answers.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<(u16, Bytes), PeerIoError> {
        // An idle connection may have been closed by the other side: then once more on a fresh one. What is
        // sent is idempotent by design, so a second try cannot do harm.
        if let Some(mut kept) = self.take_idle().await
            && let Ok(answer) = self.exchange(&mut kept, method.clone(), path, body.clone()).await
        {
            self.idle.lock().await.push(kept);
            return Ok(answer);
        }
        let mut fresh =
            timeout(CONNECT_MAX, self.connect()).await.map_err(|_| PeerIoError::Unreachable)??;
        let answer = self.exchange(&mut fresh, method, path, body).await?;
        self.idle.lock().await.push(fresh);
        Ok(answer)
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, PeerIoError> {
        match self.ask(method, path, body).await? {
            (200, body) => Ok(body),
            (429 | 503, _) => Err(PeerIoError::Busy),
            (status, _) => Err(PeerIoError::Refused { status }),
        }
    }

    async fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().await;
        while let Some(kept) = idle.pop() {
            if kept.is_ready() {
                return Some(kept);
            }
        }
        None
    }

    /// Status and body of the partner's answer; an error is about the connection.
    async fn exchange(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(u16, Bytes), PeerIoError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(hyper::header::HOST, "node.invalid")
            .header(hyper::header::CONTENT_TYPE, "application/cbor")
            .body(Full::new(body))
            .map_err(|_| PeerIoError::Address)?;
        let answer = timeout(ANSWER_MAX, async {
            let response = connection.send_request(request).await.map_err(|_| PeerIoError::NoAnswer)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| PeerIoError::TooLong)?.to_bytes();
            Ok::<_, PeerIoError>((status.as_u16(), body))
        });
        answer.await.map_err(|_| PeerIoError::NoAnswer)?
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, PeerIoError> {
        let address = (self.endpoint.host.as_str(), self.endpoint.port);
        let tcp = TcpStream::connect(address).await.map_err(|_| PeerIoError::Unreachable)?;
        // Small messages wait for an answer each: Nagle's delay would only slow them.
        let _best_effort = tcp.set_nodelay(true);
        let name = ServerName::try_from(self.name.clone()).map_err(|_| PeerIoError::Address)?;
        let tls = self.tls.connect(name, tcp).await.map_err(|_| PeerIoError::Pin)?;
        let (sender, driver) =
            hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.map_err(|_| PeerIoError::Pin)?;
        tokio::spawn(async move {
            // A broken connection shows at its next use.
            let _ended = driver.await;
        });
        Ok(sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["https://127.0.0.1:7401", "https://node.example:443", "https://[::1]:7401"] {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://a:1",
            "https://a",
            "https://a:0",
            "https://a:1/x",
            "https://u@a:1",
            "https://:1",
            "https://a:99999",
        ] {
            assert_eq!(Endpoint::parse(bad), Err(PeerIoError::Address), "{bad}");
        }
    }
}
