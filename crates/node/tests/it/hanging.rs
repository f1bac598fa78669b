//! A database that does not answer: what the node says meanwhile, and that it ends (fault group 15).

use std::time::{Duration, Instant};

use hyper::StatusCode;
use mithaq_faults::Fault;
use mithaq_node::{Ended, serve};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::world::{Site, until};

/// Of `serve`: ten seconds after the time for draining.
const LONGEST: Duration = Duration::from_secs(11);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(20);

const ANSWERS_NOT: &str = "the database does not answer";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_is_told_at_once_to_all_who_ask_and_does_not_hold_up_the_end() {
    let layer = mithaq_faults::install().unwrap();
    let base = tempfile::tempdir().unwrap();
    let site = Site::new(base.path(), "ma-security", "MA", |config| config.drain_seconds = 1);
    let disk = mithaq_faults::watch(layer, &site.dir, 1).unwrap();
    let node = site.start().await;
    until("it is ready", async || (node.ops("/readyz").await.0 == StatusCode::OK).then_some(())).await;
    disk.fail_at(1, Fault::Hang);
    until("the database hangs", async || {
        let (status, text) = node.ops("/readyz").await;
        (status == StatusCode::SERVICE_UNAVAILABLE && text.contains(ANSWERS_NOT)).then_some(())
    })
    .await;
    assert!(disk.struck());

    // Those who ask do not wait for each other: five times the deadline would be more than one.
    let (address, asked) = (node.addresses.ops.unwrap(), Instant::now());
    let mut all = JoinSet::new();
    for path in ["/readyz", "/readyz", "/readyz", "/readyz", "/readyz", "/metrics", "/healthz"] {
        all.spawn(async move {
            let answer = crate::world::call(address, None, hyper::Method::GET, path, "").await;
            (path, answer.status, answer.text)
        });
    }
    for (path, status, text) in all.join_all().await {
        let ready = path != "/readyz";
        assert_eq!(status == StatusCode::OK, ready, "{path}: {text}");
        assert_eq!(text.contains(ANSWERS_NOT), !ready, "{path}: {text}");
    }
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());

    let stopped = Instant::now();
    assert_eq!(node.stop().await, Ended::Left);
    let took = stopped.elapsed();
    assert!(took >= LONGEST - Duration::from_secs(1) && took < LONGEST + SLACK, "{took:?}");
    // What hung comes back, so that its threads can end; the node goes on from there.
    drop(disk);
    until("the database is let go", async || {
        let dir = site.dir.clone();
        let opened = tokio::task::spawn_blocking(move || {
            mithaq_node::setup::open(&dir, Box::new(|| ())).map(|(app, ..)| app.close())
        });
        opened.await.unwrap().ok()
    })
    .await;
    let node = site.start().await;
    assert_eq!(node.ops("/readyz").await.0, StatusCode::OK);
    assert_eq!(node.stop().await, Ended::Drained);
}

/// A server that takes every connection and says nothing, ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_waits_for_a_silent_server_can_be_ended() {
    let base = tempfile::tempdir().unwrap();
    let site = Site::new(base.path(), "ma-security", "MA", |config| config.drain_seconds = 1);
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (told, heard) = watch::channel(0_usize);
    let server = tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((connection, _)) = silent.accept().await {
            taken.push(connection);
            told.send_replace(taken.len());
        }
    });
    let file = site.dir.join("node.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let server_of = format!("host=127.0.0.1 port={port} user=mithaq dbname=mithaq");
    std::fs::write(&file, config.replace("sqlite:node.db", &server_of)).unwrap();
    let (stop, stopped) = watch::channel(false);
    let dir = site.dir.clone();
    let node = tokio::spawn(async move { serve(&dir, stopped, |_addresses| ()).await });
    let mut heard = heard;
    heard.wait_for(|count| *count > 0).await.unwrap();
    stop.send(true).unwrap();
    assert_eq!(node.await.unwrap().unwrap(), Ended::Left);
    // The connections break, and the threads that wait on them end.
    server.abort();
}
