//! A node that accepts no connection works: it fetches what is for it and pushes what it says.

use mithaq_node::Ended;

use crate::world::{ACCEPTED, Site, agree, release, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_accepts_no_connection_gets_and_gives_what_is_due() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let es = Site::new(base.path(), "es-police", "ES", |config| config.peer_endpoint = String::new());
    let id = agree(&ma, &es);
    release(&ma, &es, id, "Abdelhamid Tazerout");
    release(&es, &ma, id, "Younes Belkadi");
    let (sender, fetcher) = (ma.start().await, es.start().await);
    until("what was fetched is receipted", async || sender.metric(ACCEPTED).await.filter(|n| *n >= 1.0))
        .await;
    until("what was pushed is receipted", async || fetcher.metric(ACCEPTED).await.filter(|n| *n >= 1.0))
        .await;
    let (_, text) = fetcher.ops("/metrics").await;
    assert!(!text.contains("mithaq_requests_total{side=\"peers\""), "no partner connected to it");
    assert_eq!((sender.stop().await, fetcher.stop().await), (Ended::Drained, Ended::Drained));
}
