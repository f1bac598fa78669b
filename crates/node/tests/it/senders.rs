//! Senders that stop in the middle (fault group 11): half a head, half a body, half a connection, none at all. Each is
//! closed or told why, its place is free again, and the node goes on.

use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use mithaq_node::Ended;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::world::{Running, Site, call, until};

const HALF_A_BODY: &[u8] =
    b"POST /api/v1/sign-in HTTP/1.1\r\nhost: n\r\ncontent-length: 40\r\n\r\n{\"login\":";

/// What comes back until the other side closes; a reset is an end too.
async fn rest(tcp: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _reset = tcp.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn free_again(node: &Running, token: &str) {
    until("the only place is free again", async || {
        let to = node.addresses.clients;
        let answer = call(to, Some(token), Method::GET, "/api/v1/cases", "").await;
        (answer.status == StatusCode::OK).then_some(())
    })
    .await;
    let under_way = "mithaq_requests_under_way{side=\"clients\"}";
    until("nothing is under way", async || node.metric(under_way).await.filter(|count| *count < 0.5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_closes_half_or_resets_is_ended_and_its_place_is_free() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |config| config.requests_max = 1);
    let token = ma.token("analyst");
    let node = ma.start().await;
    let taken = async || {
        let count = node.metric("mithaq_requests_under_way{side=\"clients\"}").await?;
        (count > 0.5).then_some(())
    };
    for half in [&b"POST /api/v1/sign-in HTTP/1.1\r\nhos"[..], HALF_A_BODY] {
        let mut tcp = TcpStream::connect(node.addresses.clients).await.unwrap();
        tcp.write_all(half).await.unwrap();
        tcp.shutdown().await.unwrap();
        let answer = rest(&mut tcp).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 40"), "{answer}");
        free_again(&node, &token).await;
    }
    // In the middle of a body, and where the answer should go.
    let whole = b"GET /api/v1/cases HTTP/1.1\r\nhost: n\r\n\r\n";
    for (sent, waits) in [(HALF_A_BODY, true), (&whole[..], false)] {
        let mut tcp = TcpStream::connect(node.addresses.clients).await.unwrap();
        tcp.write_all(sent).await.unwrap();
        if waits {
            until("it has the place", taken).await;
        }
        tcp.set_zero_linger().unwrap();
        drop(tcp);
        free_again(&node, &token).await;
    }
    assert_eq!(node.stop().await, Ended::Drained);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_or_half_a_head_is_closed_on_every_listener() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let token = ma.token("analyst");
    let node = ma.start().await;
    let on = node.addresses;
    let half_a_head = b"GET /api/v1/cases HTTP/1.1\r\nhos".to_vec();
    // The beginning of a TLS record that says it goes on.
    let half_a_hello = vec![0x16, 3, 1, 2, 0, 1, 0];
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for (to, said) in [
        (on.peers, Vec::new()),
        (on.peers, half_a_hello),
        (on.clients, Vec::new()),
        (on.clients, half_a_head.clone()),
        (on.ops.unwrap(), half_a_head),
    ] {
        all.spawn(async move {
            let mut tcp = TcpStream::connect(to).await.unwrap();
            tcp.write_all(&said).await.unwrap();
            rest(&mut tcp).await
        });
    }
    free_again(&node, &token).await;
    for answer in all.join_all().await {
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(9) && took < Duration::from_secs(40), "{took:?}");
    assert_eq!(node.stop().await, Ended::Drained);
}
