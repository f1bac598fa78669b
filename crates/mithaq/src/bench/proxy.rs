//! A TCP proxy before a node: adds a round trip, or breaks connections the way networks do. It sees ciphertext only.
//!
//! Each connection draws its fault from the seed, the number of the proxy and its own number, so that a run can
//! be repeated; where in the conversation the bytes are by then is the machine's matter.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::dice::Dice;
use crate::ui::Failure;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Chunks on the way in one direction: 64 MiB, so that the delay and not the proxy limits what is in flight.
const ON_THE_WAY: usize = 4_096;
/// A fault strikes after at most so many bytes of a connection: two or three batches.
const STRIKE_MAX: u64 = 600_000;

/// What the proxy does to connections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Weather {
    /// Passes everything on at once.
    Calm,
    /// Each direction takes half of a round trip.
    Far(Duration),
    /// Every connection sooner or later meets one fault.
    Storm(u64),
    /// Answers come only after so long.
    Sluggish(Duration),
    /// Connections are taken and nothing ever comes back.
    Dead,
}

/// What happens to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Both directions end at once, in the middle of a request.
    Drop,
    /// The direction back ends, the other stays open.
    HalfClose,
    /// The answer is cut off by a reset.
    Reset,
    /// The answer is cut off by an orderly end.
    Truncate,
    /// The request trickles.
    Trickle,
    /// The answer waits.
    Late(Duration),
    /// The request is delivered, the answer is not.
    LoseAnswer,
}

impl Fault {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(7) {
            0 => Self::Drop,
            1 => Self::HalfClose,
            2 => Self::Reset,
            3 => Self::Truncate,
            4 => Self::Trickle,
            5 => Self::Late(Duration::from_millis(50 + dice.below(1_500))),
            _ => Self::LoseAnswer,
        }
    }

    /// Whether the bytes towards the node trigger it, or those back.
    const fn on_request(self) -> bool {
        matches!(self, Self::Drop | Self::Trickle)
    }
}

/// What passed since it was last counted anew.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    pub(super) bytes: u64,
    pub(super) first: Option<Instant>,
    pub(super) last: Option<Instant>,
}

/// A running proxy; ends with its handle.
pub(super) struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    struck: AtomicU64,
    traffic: Mutex<Traffic>,
}

impl Counts {
    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Listens on a port of its own and passes connections on to `target`.
    pub(super) async fn start(number: u64, target: SocketAddr, weather: Weather) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (send, receive) = watch::channel(weather);
        let counts = Arc::new(Counts::default());
        tokio::spawn(accept(listener, target, number, receive, Arc::clone(&counts)));
        Ok(Self { address, weather: send, counts })
    }

    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes the weather, for open connections too.
    pub(super) fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// How many faults struck so far.
    pub(super) fn struck(&self) -> u64 {
        self.counts.struck.load(Ordering::Relaxed)
    }

    pub(super) fn count_anew(&self) {
        *self.counts.traffic() = Traffic::default();
    }

    pub(super) fn traffic(&self) -> Traffic {
        *self.counts.traffic()
    }
}

/// One connection as both directions see it.
#[derive(Clone)]
struct Line {
    weather: watch::Receiver<Weather>,
    /// The fault of this connection, and after how many bytes it strikes.
    fault: (Fault, u64),
    counts: Arc<Counts>,
    /// Ends both directions; `true` in the second place asks for a reset.
    end: Arc<watch::Sender<Option<bool>>>,
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    number: u64,
    mut weather: watch::Receiver<Weather>,
    counts: Arc<Counts>,
) {
    let mut count = 0_u64;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            gone = async { while weather.changed().await.is_ok() {} } => { let () = gone; return }
        };
        let Ok((from, _address)) = accepted else { continue };
        count += 1;
        let seed = match *weather.borrow() {
            Weather::Storm(seed) => seed,
            Weather::Calm | Weather::Far(_) | Weather::Sluggish(_) | Weather::Dead => 0,
        };
        let mut dice = Dice::new(seed ^ (number << 48) ^ (count << 16));
        let line = Line {
            weather: weather.clone(),
            fault: (Fault::draw(&mut dice), dice.below(STRIKE_MAX)),
            counts: Arc::clone(&counts),
            end: Arc::new(watch::channel(None).0),
        };
        tokio::spawn(async move {
            // A node that is down refuses: so does the proxy.
            let Ok(to) = TcpStream::connect(target).await else { return };
            connection(from, to, line).await;
        });
    }
}

async fn connection(from: TcpStream, to: TcpStream, line: Line) {
    let (_best, _effort) = (from.set_nodelay(true), to.set_nodelay(true));
    let mut ended = line.end.subscribe();
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    let there = pipe(from_read, to_write, line.clone(), true);
    let back = pipe(to_read, from_write, line, false);
    tokio::select! {
        ((read_a, write_b), (read_b, write_a)) = async { tokio::join!(there, back) } => {
            drop((read_a, write_a, read_b, write_b));
        }
        // Dropping the pipes closes the sockets under them.
        _asked = ended.wait_for(Option::is_some) => {}
    }
}

/// Moves the bytes of one direction until it ends.
async fn pipe(
    mut read: OwnedReadHalf,
    mut write: OwnedWriteHalf,
    mut line: Line,
    request: bool,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let (send, mut receive) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let reading = async {
        let mut buffer = vec![0_u8; CHUNK];
        while let Ok(count) = read.read(&mut buffer).await {
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            if count == 0 || send.send((Instant::now(), bytes)).await.is_err() {
                break;
            }
        }
        drop(send);
    };
    let writing = async {
        let mut passed = 0_u64;
        while let Some((at, bytes)) = receive.recv().await {
            let before = passed;
            passed += u64::try_from(bytes.len()).unwrap_or(0);
            line.hold(at, request).await;
            line.count(bytes.len());
            let strikes = line.strikes(request, before..passed);
            if !line.write(&mut write, &bytes, strikes).await {
                break;
            }
        }
        let _ended = write.shutdown().await;
    };
    tokio::join!(reading, writing);
    (read, write)
}

impl Line {
    fn count(&self, bytes: usize) {
        let (now, mut traffic) = (Instant::now(), self.counts.traffic());
        traffic.bytes += u64::try_from(bytes).unwrap_or(0);
        traffic.first.get_or_insert(now);
        traffic.last = Some(now);
    }

    /// Waits as long as bytes that were read at an instant are on their way.
    async fn hold(&mut self, at: Instant, request: bool) {
        let weather = *self.weather.borrow();
        match weather {
            Weather::Far(round_trip) => tokio::time::sleep_until(at + round_trip / 2).await,
            Weather::Sluggish(span) if !request => tokio::time::sleep_until(at + span).await,
            // Until the weather changes; a proxy that is gone never lets it pass.
            Weather::Dead if !request => {
                let _changed = self.weather.wait_for(|now| *now != Weather::Dead).await;
            }
            Weather::Calm | Weather::Storm(_) | Weather::Sluggish(_) | Weather::Dead => {}
        }
    }

    /// Whether the connection's fault strikes within these bytes.
    fn strikes(&self, request: bool, bytes: std::ops::Range<u64>) -> Option<Fault> {
        let (fault, at) = self.fault;
        // Answers are shorter than requests.
        let at = if fault.on_request() { at } else { at / 16 };
        let stormy = matches!(*self.weather.borrow(), Weather::Storm(_));
        (stormy && fault.on_request() == request && bytes.contains(&at)).then_some(fault)
    }

    /// Writes what is passed on; `false` when the direction ends here.
    async fn write(&self, out: &mut OwnedWriteHalf, bytes: &[u8], fault: Option<Fault>) -> bool {
        let Some(fault) = fault else { return out.write_all(bytes).await.is_ok() };
        self.counts.struck.fetch_add(1, Ordering::Relaxed);
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        match fault {
            Fault::Drop | Fault::Truncate => {
                let _cut = out.write_all(half).await;
                self.end.send_replace(Some(false));
                false
            }
            Fault::Reset => {
                let _cut = out.write_all(half).await;
                // Closing with this set sends a reset instead of an end.
                let _best_effort = out.as_ref().set_zero_linger();
                self.end.send_replace(Some(true));
                false
            }
            Fault::HalfClose => false,
            Fault::LoseAnswer => {
                // What was to be sent back is swallowed from here on; the asker runs into its own limit, or is cut
                // off a little later.
                tokio::time::sleep(Duration::from_millis(200)).await;
                self.end.send_replace(Some(false));
                false
            }
            Fault::Late(span) => {
                tokio::time::sleep(span).await;
                out.write_all(bytes).await.is_ok()
            }
            Fault::Trickle => {
                for piece in bytes.chunks(512) {
                    if out.write_all(piece).await.is_err() {
                        return false;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each connection with what it got, and returns its address.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.into_split();
                    let _ended = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn send(proxy: &Proxy, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port())).await?;
        let (mut read, mut write) = stream.into_split();
        let bytes = bytes.to_vec();
        let writing = tokio::spawn(async move {
            let _cut = write.write_all(&bytes).await;
            let _ended = write.shutdown().await;
        });
        let mut back = Vec::new();
        let read = read.read_to_end(&mut back).await;
        writing.await.unwrap();
        read.map(|_| back)
    }

    #[tokio::test]
    async fn calm_and_far_pass_every_byte_in_order() {
        let target = echo().await;
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for weather in [Weather::Calm, Weather::Far(Duration::from_millis(20))] {
            let proxy = Proxy::start(1, target, weather).await.unwrap();
            assert_eq!(send(&proxy, &bytes).await.unwrap(), bytes, "{weather:?}");
            assert_eq!(proxy.struck(), 0);
        }
    }

    #[tokio::test]
    async fn a_storm_breaks_connections_and_a_calm_after_it_does_not() {
        let target = echo().await;
        let bytes = vec![7_u8; 700_000];
        let proxy = Proxy::start(1, target, Weather::Storm(3)).await.unwrap();
        let mut whole = 0;
        for _ in 0..12 {
            whole += usize::from(send(&proxy, &bytes).await.is_ok_and(|back| back == bytes));
        }
        assert!(proxy.struck() >= 6 && whole < 12, "{} struck, {whole} whole", proxy.struck());
        proxy.turn(Weather::Calm);
        let before = proxy.struck();
        assert_eq!(send(&proxy, &bytes).await.unwrap(), bytes);
        assert_eq!(proxy.struck(), before);
    }

    #[test]
    fn the_seed_decides_the_faults_and_all_of_them_occur() {
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            (0..200).map(|_| Fault::draw(&mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let kinds: std::collections::BTreeSet<_> =
            draw(1).iter().map(|fault| format!("{fault:?}").chars().take(4).collect::<String>()).collect();
        assert_eq!(kinds.len(), 7);
    }
}
