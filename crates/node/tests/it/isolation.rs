//! One partner that is slow, and one that floods: the others get and give what is due meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::Method;
use mithaq_model::ReportId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::world::{ACCEPTED, Running, Site, agree, release_about, until};

/// Reports to each partner: more than one batch would be no different, one alone proves little.
const REPORTS: usize = 3;
/// The handshake and small questions pass; the answer to a batch comes after more than this.
const SMALL: usize = 4_096;

/// Lets questions through, and the answers to long ones only once the gate is open.
async fn hold_answers(
    listen: TcpListener,
    to: SocketAddr,
    gate: watch::Receiver<bool>,
    held: Arc<AtomicUsize>,
) {
    loop {
        let Ok((client, _)) = listen.accept().await else { return };
        let Ok(server) = TcpStream::connect(to).await else { continue };
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        let asked = Arc::new(AtomicUsize::new(0));
        let sum = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = vec![0; 16_384];
            while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
                sum.fetch_add(n, Ordering::SeqCst);
                if to_server.write_all(buffer.get(..n).unwrap_or_default()).await.is_err() {
                    return;
                }
            }
        });
        let (mut gate, held) = (gate.clone(), Arc::clone(&held));
        tokio::spawn(async move {
            let mut buffer = vec![0; 16_384];
            while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
                if asked.load(Ordering::SeqCst) > SMALL && !*gate.borrow() {
                    held.fetch_add(1, Ordering::SeqCst);
                    let _the_test_is_over = gate.wait_for(|open| *open).await;
                }
                if to_client.write_all(buffer.get(..n).unwrap_or_default()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// How many of the reports their recipient has accepted.
async fn accepted(node: &Running, token: &str, reports: &[ReportId]) -> usize {
    let mut count = 0;
    for report in reports {
        let path = format!("/api/v1/reports/{report}/receipts");
        let answer = node.api(Some(token), Method::GET, &path, "").await;
        count += usize::from(answer.text.contains("\"verdict\":\"accepted\""));
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_whose_answers_do_not_come_holds_up_nobody_else() {
    let base = tempfile::tempdir().unwrap();
    let behind = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let front = std::sync::Mutex::new(None);
    let es = Site::new(base.path(), "es-police", "ES", |config| {
        *front.lock().unwrap() = Some(config.peer_listen);
        config.peer_listen = behind;
    });
    let front = front.into_inner().unwrap().unwrap();
    let ci = Site::new(base.path(), "ci-judiciary", "CI", |_| ());
    let (with_es, with_ci) = (agree(&ma, &es), agree(&ma, &ci));
    let send = |to: &Site, id, first: u8| -> Vec<ReportId> {
        (first..).take(REPORTS).map(|n| release_about(&ma, to, id, (n, "Abdelhamid Tazerout")).1).collect()
    };
    let (slow, others) = (send(&es, with_es, 1), send(&ci, with_ci, 101));
    let token = ma.token("supervisor");
    let (open, gate) = watch::channel(false);
    let held = Arc::new(AtomicUsize::new(0));
    let listen = TcpListener::bind(front).await.unwrap();
    let proxy = tokio::spawn(hold_answers(listen, behind, gate, Arc::clone(&held)));
    let (receiver, quick) = (es.start().await, ci.start().await);
    let sender = ma.start().await;

    until("the slow partner's answer is held", async || (held.load(Ordering::SeqCst) > 0).then_some(()))
        .await;
    until("the other has all", async || (accepted(&sender, &token, &others).await == REPORTS).then_some(()))
        .await;
    assert_eq!(accepted(&sender, &token, &slow).await, 0, "the gate is shut");
    open.send(true).unwrap();
    until("the slow one has all", async || (accepted(&sender, &token, &slow).await == REPORTS).then_some(()))
        .await;
    for node in [sender, receiver, quick] {
        node.stop().await;
    }
    proxy.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_floods_under_load_holds_up_nobody_else() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let es = Site::new(base.path(), "es-police", "ES", |_| ());
    let ci = Site::new(base.path(), "ci-judiciary", "CI", |_| ());
    let id = agree(&es, &ma);
    agree(&ci, &ma);
    for n in (1..).take(REPORTS) {
        release_about(&es, &ma, id, (n, "Abdelhamid Tazerout"));
    }
    let line = Arc::new(ci.line_to(&ma));
    let receiver = ma.start().await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let flood: Vec<_> = (0..16)
        .map(|_| {
            let (line, stop, answered) = (Arc::clone(&line), Arc::clone(&stop), Arc::clone(&answered));
            tokio::spawn(async move {
                let junk = Bytes::from(vec![0x5a; 65_536]);
                while !stop.load(Ordering::SeqCst) {
                    if line.ask(Method::POST, "/mx/1/batch", junk.clone()).await.is_ok() {
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        })
        .collect();
    let count = || answered.load(Ordering::SeqCst);
    until("the flood is on", async || (count() > 50).then_some(())).await;
    let (sender, at) = (es.start().await, count());
    until("the reports of the other are accepted", async || {
        sender.metric(ACCEPTED).await.filter(|got| *got >= f64::from(u32::try_from(REPORTS).unwrap()))
    })
    .await;
    assert!(count() > at, "the flood went on meanwhile");
    stop.store(true, Ordering::SeqCst);
    for task in flood {
        task.await.unwrap();
    }
    for node in [sender, receiver] {
        node.stop().await;
    }
}
