//! What a request must pass before any handler sees it: places, memory, size, time, room on the volume. What does not
//! pass is told why, and when to come again; nothing of it was taken. Decides nothing about content.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response};
use mithaq_api::ConnectedPeer;
use mithaq_app::{AppError, DISK_LOW};
use mithaq_model::PartyId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower_service::Service as _;

use crate::ops::{Side, Watch};

/// Longest wait for a handshake or for the head of a request: a slow sender does not hold a place.
pub(crate) const HEAD_MAX: Duration = Duration::from_secs(10);
/// Longest wait for the body of a request: a slow sender does not hold a place.
const BODY_TIME: Duration = Duration::from_secs(60);
/// Requests of one partner at once: two lanes with four batches each under two agreements. A partner that floods
/// waits for itself, not the others for it.
const PARTNER_MAX: usize = 16;
/// Seconds after which a refused request may come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// The limits of one listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Requests under way.
    pub(crate) requests: usize,
    /// Bytes of one body.
    pub(crate) body: usize,
    /// KiB of all bodies in memory.
    pub(crate) memory_kib: u32,
    /// How long the head of a request may take.
    pub(crate) head: Duration,
    /// And its body.
    pub(crate) whole: Duration,
}

impl Limits {
    /// One small request, and the times of every listener.
    pub(crate) const USUAL: Self =
        Self { requests: 1, body: 0, memory_kib: 0, head: HEAD_MAX, whole: BODY_TIME };
}

/// Why a request does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Places,
    Partner,
    Memory,
    DiskLow,
    Size,
    Slow,
    Broken,
}

impl Stop {
    const fn code(self) -> &'static str {
        match self {
            Self::Places => "node.busy",
            Self::Partner => "node.busy_with_you",
            Self::Memory => "node.no_memory",
            Self::DiskLow => "node.disk_low",
            Self::Size => "input.too_long",
            Self::Slow => "input.too_slow",
            Self::Broken => "input.cut_off",
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Places => "the node answers as many requests as it may; try again in a few seconds",
            Self::Partner => "this partner has as many requests under way as one may",
            Self::Memory => "other large requests are under way; try again in a few seconds",
            Self::DiskLow => DISK_LOW,
            Self::Size => "split it: docs/reference/config.md names the limit",
            Self::Slow => "the whole request must arrive within a minute",
            Self::Broken => "the request ended before its end",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Places | Self::Partner | Self::Memory | Self::DiskLow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Size => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// The gate of one listener.
pub(crate) struct Gate {
    side: Side,
    limits: Limits,
    watch: Arc<Watch>,
    places: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    partners: Mutex<BTreeMap<PartyId, Arc<Semaphore>>>,
}

/// What a request holds while it is answered.
struct Held {
    _place: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
    _partner: Option<OwnedSemaphorePermit>,
}

impl Gate {
    pub(crate) fn new(side: Side, limits: Limits, watch: Arc<Watch>) -> Self {
        let memory = usize::try_from(limits.memory_kib).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            side,
            limits,
            watch,
            places: Arc::new(Semaphore::new(limits.requests.clamp(1, Semaphore::MAX_PERMITS))),
            memory: Arc::new(Semaphore::new(memory)),
            partners: Mutex::default(),
        }
    }

    /// How long the head of a request may take.
    pub(crate) const fn head(&self) -> Duration {
        self.limits.head
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, mut router: Router, request: Request<Incoming>) -> Response<Body> {
        let _under_way = self.watch.enter(self.side);
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<ConnectedPeer>().map(|peer| peer.0.clone());
        let admitted = match self.admit(&parts.method, parts.uri.path(), peer, need(&body, self.limits.body))
        {
            Ok(held) => self.collect(body).await.map(|body| (held, body)),
            Err(stop) => Err(stop),
        };
        let response = match admitted {
            Ok((_held, body)) => {
                let answered: Result<_, Infallible> =
                    router.call(Request::from_parts(parts, Body::from(body))).await;
                match answered {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
            Err(stop) => self.refuse(stop, &parts.headers),
        };
        self.watch.answered(self.side, response.status());
        response
    }

    fn admit(
        &self,
        method: &Method,
        path: &str,
        peer: Option<PartyId>,
        need: Result<u32, Stop>,
    ) -> Result<Held, Stop> {
        let need = need?;
        if self.side == Side::Clients && brings(method, path) && self.watch.disk_low(need) {
            return Err(Stop::DiskLow);
        }
        let need = need.min(self.limits.memory_kib);
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_full| Stop::Places)?;
        let partner = peer.map(|peer| self.partner(peer)).transpose()?;
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(need).map_err(|_full| Stop::Memory)?;
        Ok(Held { _place: place, _memory: memory, _partner: partner })
    }

    fn partner(&self, peer: PartyId) -> Result<OwnedSemaphorePermit, Stop> {
        let mut partners = self.partners.lock().unwrap_or_else(PoisonError::into_inner);
        let places = partners.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(PARTNER_MAX)));
        Arc::clone(places).try_acquire_owned().map_err(|_full| Stop::Partner)
    }

    async fn collect(&self, body: Incoming) -> Result<Bytes, Stop> {
        let whole = timeout(self.limits.whole, Limited::new(body, self.limits.body).collect());
        match whole.await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Stop::Size),
            Ok(Err(_cut)) => Err(Stop::Broken),
            Err(_elapsed) => Err(Stop::Slow),
        }
    }

    fn refuse(&self, stop: Stop, headers: &HeaderMap) -> Response<Body> {
        self.watch.refused(self.side, stop.code());
        let mut response = match self.side {
            // Partners get the code alone.
            Side::Peers => (stop.status(), stop.code()).into_response(),
            Side::Clients | Side::Watchers => {
                let error = match stop.status() {
                    StatusCode::SERVICE_UNAVAILABLE => AppError::busy(stop.code()),
                    _ours_to_shorten => AppError::too_much(stop.code()),
                };
                mithaq_api::refusal(error.hint(stop.hint()), headers, Some(stop.status()))
            }
        };
        if stop.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        // The rest of the body is not read: the connection cannot be used again.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// KiB a body needs: what it says, or as much as it may.
fn need(body: &Incoming, max: usize) -> Result<u32, Stop> {
    let max = u64::try_from(max).unwrap_or(u64::MAX);
    let said = body.size_hint().upper().unwrap_or(max);
    if said > max {
        return Err(Stop::Size);
    }
    Ok(u32::try_from(said.div_ceil(1024)).unwrap_or(u32::MAX))
}

/// Whether a request brings something that needs room. What takes away, locks out or signs in always passes: a recall
/// must not wait for an administrator to find space. A whitelist: what is new brings.
fn brings(method: &Method, path: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::DELETE) {
        return false;
    }
    const PASS: [&str; 9] =
        ["/remove", "/recall", "/lock", "/sign-in", "/sign-out", "/retry", "/close", "/steps", "/read"];
    !PASS.iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Disk;

    fn gate(side: Side, limits: Limits) -> Gate {
        let disk = Disk::told(1, (std::path::Path::new("/nowhere"), 0), || Some(0));
        Gate::new(side, limits, Arc::new(Watch::new(Arc::new(disk), Duration::from_secs(1))))
    }

    const SMALL: Limits = Limits { requests: 2, body: 4096, memory_kib: 4, ..Limits::USUAL };

    fn stop(result: Result<Held, Stop>) -> Stop {
        result.err().unwrap()
    }

    #[test]
    fn places_and_memory_are_given_back() {
        let gate = gate(Side::Clients, SMALL);
        let get = |need| gate.admit(&Method::GET, "/", None, Ok(need));
        let (one, two) = (get(1).unwrap(), get(3).unwrap());
        assert_eq!(stop(get(0)), Stop::Places);
        drop(one);
        assert_eq!(stop(get(2)), Stop::Memory);
        let three = get(1).unwrap();
        drop((two, three));
        assert!(get(4).is_ok());
        assert!(get(400).is_ok(), "what may need more than there is waits for all of it, not for ever");
    }

    #[test]
    fn a_partner_that_floods_leaves_places_for_the_others() {
        let gate = gate(Side::Peers, Limits { requests: 64, ..SMALL });
        let party = |name| Some(PartyId::new(name).unwrap());
        let post = |name| gate.admit(&Method::POST, "/mx/1/batch", party(name), Ok(0));
        let held: Vec<_> = (0..PARTNER_MAX).map(|_| post("es-police").unwrap()).collect();
        assert_eq!(stop(post("es-police")), Stop::Partner);
        assert!(post("ci-judiciary").is_ok());
        drop(held);
        assert!(post("es-police").is_ok());
    }

    #[test]
    fn what_takes_away_passes_a_full_volume() {
        for (method, path, brings_room) in [
            (Method::GET, "/api/v1/reports", false),
            (Method::POST, "/api/v1/reports", true),
            (Method::POST, "/api/v1/reports/rp-1/recall", false),
            (Method::POST, "/api/v1/sign-in", false),
            (Method::POST, "/api/v1/officers/of-1/lock", false),
            (Method::POST, "/api/v1/cases/ca-1/import/un-list", true),
            (Method::POST, "/anything/new", true),
        ] {
            assert_eq!(brings(&method, path), brings_room, "{path}");
        }
    }

    #[test]
    fn every_refusal_has_its_own_code_and_a_next_step() {
        let all =
            [Stop::Places, Stop::Partner, Stop::Memory, Stop::DiskLow, Stop::Size, Stop::Slow, Stop::Broken];
        let codes: std::collections::BTreeSet<_> = all.iter().map(|stop| stop.code()).collect();
        assert_eq!(codes.len(), all.len());
        for stop in all {
            let gate = gate(Side::Peers, SMALL);
            let response = gate.refuse(stop, &HeaderMap::new());
            assert_eq!(response.status(), stop.status());
            let later = response.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(later, stop.status() == StatusCode::SERVICE_UNAVAILABLE, "{stop:?}");
            assert!(!stop.hint().is_empty());
        }
    }
}
