//! Partners of other versions on the real line: what another version asks is told from what nobody knows.

use bytes::Bytes;
use hyper::Method;
use mithaq_node::Ended;

use crate::world::{ACCEPTED, Site, agree, release, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_is_refused_with_its_code_and_the_version_of_both_goes_on() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let es = Site::new(base.path(), "es-police", "ES", |_| ());
    let id = agree(&ma, &es);
    release(&ma, &es, id, "Abdelhamid Tazerout");
    let line = ma.line_to(&es);
    let receiver = es.start().await;
    // What a partner of the next version would try first, by each method, and one of before.
    for (method, path) in [
        (Method::GET, format!("/mx/2/heads/{id}")),
        (Method::POST, "/mx/2/batch".to_owned()),
        (Method::PUT, format!("/mx/2/chunk/{id}/00/0")),
        (Method::GET, "/mx/0/held".to_owned()),
        (Method::POST, "/mx/99999999999/add-checkpoint".to_owned()),
    ] {
        let (status, body) = line.ask(method, &path, Bytes::from_static(b"\x82\x02")).await.unwrap();
        assert_eq!((status, body.as_ref()), (404, b"peer.version_unsupported".as_slice()), "{path}");
    }
    // A call that this version does not have is another matter, and its own are served.
    let (status, body) = line.ask(Method::GET, "/mx/1/later", Bytes::new()).await.unwrap();
    assert_eq!((status, body.is_empty()), (404, true));
    assert_eq!(line.ask(Method::GET, &format!("/mx/1/heads/{id}"), Bytes::new()).await.unwrap().0, 200);
    assert_eq!(receiver.metric(ACCEPTED).await, None, "nothing was taken");
    let sender = ma.start().await;
    until("the report is accepted", async || sender.metric(ACCEPTED).await.filter(|n| *n >= 1.0)).await;
    assert_eq!((sender.stop().await, receiver.stop().await), (Ended::Drained, Ended::Drained));
}
