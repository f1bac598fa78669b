//! The command line's way to a node's client API: one request, one JSON answer, failures as people read them.
//! Connections are kept and used again; clones of an [`Api`] share them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mithaq_model::Words4;
use serde_json::Value as Json;
use tokio::net::TcpStream;

use crate::ui::{Exit, Failure};

/// Longest answer in bytes: evidence bundles are the longest.
const ANSWER_MAX: usize = 1024 * 1024 * 1024;

/// A node's client API as one caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// `host:port`.
    address: String,
    token: Option<String>,
    lang: String,
    idle: Arc<Mutex<Vec<Connection>>>,
}

type Connection = SendRequest<Full<Bytes>>;

impl Api {
    /// Takes `http://host:port`.
    pub(crate) fn new(url: &str, token: Option<String>, lang: &str) -> Result<Self, Failure> {
        let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let address = address.filter(|rest| rest.contains(':')).ok_or_else(|| {
            Failure::new(Exit::Usage, "cli.node", format!("`{url}` is not `http://host:port`"))
                .hint("give the client address of your node with --node or MITHAQ_NODE")
        })?;
        Ok(Self { address: address.to_owned(), token, lang: lang.to_owned(), idle: Arc::default() })
    }

    /// Sends JSON, returns JSON (null for no content).
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Json, Failure> {
        let body = body.map(|json| Bytes::from(json.to_string())).unwrap_or_default();
        let bytes = self.call(method, path, "application/json", body).await?;
        if bytes.is_empty() {
            return Ok(Json::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(Exit::Failed, "cli.answer", format!("the node's answer is no JSON: {error}"))
        })
    }

    /// As [`Self::json`], but an answer is an answer whatever its status says.
    pub(crate) async fn any_status(&self, method: Method, path: &str) -> Result<Json, Failure> {
        let (_status, body) = self.exchange(&method, path, "application/json", &Bytes::new()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Failure::new(Exit::Failed, "cli.answer", format!("the node's answer is no JSON: {error}"))
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Json, Failure> {
        self.json(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Result<Json, Failure> {
        self.json(Method::POST, path, Some(body)).await
    }

    /// Sends bytes, returns bytes.
    pub(crate) async fn bytes(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        self.call(method, path, kind, Bytes::from(body)).await.map(|bytes| bytes.to_vec())
    }

    /// Sends JSON and returns the answer with its body still to come. The connection is not used again.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        body: &Json,
    ) -> Result<Response<hyper::body::Incoming>, Failure> {
        let body = Bytes::from(body.to_string());
        let (_connection, response) = self.send(&method, path, "application/json", &body).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        Err(problem(status, &body.map_err(|error| self.unreachable(&error))?.to_bytes(), &self.lang))
    }

    async fn call(&self, method: Method, path: &str, kind: &str, body: Bytes) -> Result<Bytes, Failure> {
        let (status, body) = self.exchange(&method, path, kind, &body).await?;
        if status.is_success() { Ok(body) } else { Err(problem(status, &body, &self.lang)) }
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: &Bytes,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let (mut connection, response) = self.send(method, path, kind, body).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|error| self.unreachable(&error))?.to_bytes();
        if connection.ready().await.is_ok() {
            self.idle().push(connection);
        }
        Ok((status, body))
    }

    /// Sends on a kept connection, or on a fresh one when the node closed that before it took the request. One
    /// that may have reached the node is never sent again: it could act twice.
    async fn send(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: &Bytes,
    ) -> Result<(Connection, Response<hyper::body::Incoming>), Failure> {
        let kept = { self.idle().pop() };
        if let Some(mut kept) = kept.filter(Connection::is_ready) {
            match kept.send_request(self.request(method, path, kind, body)?).await {
                Ok(response) => return Ok((kept, response)),
                Err(error) if error.is_canceled() => {}
                Err(error) => return Err(self.unreachable(&error)),
            }
        }
        let mut fresh = self.connect().await?;
        let response = fresh.send_request(self.request(method, path, kind, body)?).await;
        Ok((fresh, response.map_err(|error| self.unreachable(&error))?))
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let tcp = TcpStream::connect(&self.address).await.map_err(|error| self.unreachable(&error))?;
        // A request is small and waits for its answer: Nagle's delay would only slow it.
        let _best_effort = tcp.set_nodelay(true);
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(tcp))
            .await
            .map_err(|error| self.unreachable(&error))?;
        tokio::spawn(async move {
            let _ended = driver.await;
        });
        Ok(sender)
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(hyper::header::HOST, &self.address)
            .header(hyper::header::ACCEPT_LANGUAGE, &self.lang)
            .header(hyper::header::CONTENT_TYPE, kind);
        if let Some(token) = &self.token {
            request = request.header(hyper::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Full::new(body.clone())).map_err(|error| self.unreachable(&error))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, error: &dyn std::fmt::Display) -> Failure {
        let text = format!("the node at {} does not answer: {error}", self.address);
        Failure::new(Exit::Failed, "cli.unreachable", text)
            .hint("is it running? `mithaq serve DIR`; is the address right? --node or MITHAQ_NODE")
    }
}

pub(crate) const STEP: Words4 = Words4 { en: "step", fr: "étape", es: "paso", ar: "الخطوة" };
const CLAUSE: Words4 = Words4 { en: "clause", fr: "clause", es: "cláusula", ar: "البند" };

fn word(words: &Words4, lang: &str) -> &'static str {
    words.get(crate::ui::language(Some(lang), |_name| None))
}

/// A refusal or failure of the node as the person reads it.
fn problem(status: StatusCode, body: &[u8], lang: &str) -> Failure {
    let json: Json = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| json.get(key).and_then(Json::as_str).map(ToOwned::to_owned);
    let exit = match text("kind").as_deref() {
        Some("refused" | "forbidden") => Exit::Refused,
        Some("not_found") => Exit::NotFound,
        Some("invalid") => Exit::Usage,
        _other => Exit::Failed,
    };
    let mut shown =
        text("text").unwrap_or_else(|| format!("the node answered with status {}", status.as_u16()));
    if let Some(step) = json.get("step").and_then(Json::as_u64) {
        shown = format!("{shown} [{} {step}]", word(&STEP, lang));
    }
    if let Some(clause) = text("clause") {
        shown = format!("{shown} [{} {clause}]", word(&CLAUSE, lang));
    }
    let failure = Failure::new(exit, &text("code").unwrap_or_else(|| "cli.status".to_owned()), shown);
    match text("hint") {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
