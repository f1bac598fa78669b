//! Metrics, health, readiness, logs without content, limits, a full volume, and the end.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use hyper::{Method, StatusCode};
use mithaq_node::Ended;
use mithaq_node::backup::{Attachments, backup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{ACCEPTED, Site, agree, call, release, until};

/// Words that stand only in content. Never in a log line, an error, a metric, or a file of a node.
const CANARY: &str = "Qanaryun Tazerwalt";

/// Everything that was ever logged by this process, at the most talkative level.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn lines() -> Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES
        .get_or_init(|| {
            let lines = Lines::default();
            let to = lines.clone();
            let ours = "mithaq=trace,mithaq_node=trace,mithaq_app=trace,mithaq_api=trace,mithaq_db=trace,\
                        mithaq_store=trace,axum=trace,hyper=trace";
            let filter = tracing_subscriber::EnvFilter::new(ours);
            let made =
                tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(move || to.clone());
            made.init();
            lines
        })
        .clone()
}

fn files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Whether bytes hold the canary, also in halves: a name is often stored word by word.
fn holds_canary(bytes: &[u8]) -> bool {
    CANARY.split(' ').any(|word| bytes.windows(word.len()).any(|part| part == word.as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_appears_in_no_log_no_error_no_metric_and_no_file() {
    let lines = lines();
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let es = Site::new(base.path(), "es-police", "ES", |_| ());
    let id = agree(&ma, &es);
    let (case, report) = release(&ma, &es, id, CANARY);
    let analyst = ma.token("analyst");
    let (sender, receiver) = (ma.start().await, es.start().await);
    until("the report is accepted", async || sender.metric(ACCEPTED).await.filter(|count| *count >= 1.0))
        .await;

    // Whatever a person gets wrong with content in hand, the answer does not repeat it.
    let read = format!("/api/v1/reports/{report}/read");
    let wrong = [
        (Method::POST, "/api/v1/reports".to_owned(), format!("{{\"case\":\"{CANARY}\"}}")),
        (Method::POST, "/api/v1/reports".to_owned(), format!("{{ not json {CANARY}")),
        (
            Method::POST,
            read.clone(),
            format!("{{\"why\":{{\"purpose\":\"{CANARY}\",\"reason\":\"{CANARY}\"}},\"case\":\"{case}\"}}"),
        ),
        (Method::POST, read, format!("\"{CANARY}\"")),
        (Method::GET, format!("/api/v1/reports/{}/receipts", CANARY.replace(' ', "-")), String::new()),
        (Method::GET, format!("/api/v1/outbox?state={}", CANARY.replace(' ', "")), String::new()),
    ];
    for (method, path, body) in wrong {
        let answer = sender.api(Some(&analyst), method, &path, &body).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert!(answer.text.starts_with('{'), "{path}: a refusal is a document: {}", answer.text);
        assert!(!holds_canary(answer.text.as_bytes()), "{path}: {}", answer.text);
    }
    for node in [&sender, &receiver] {
        for path in ["/metrics", "/readyz", "/healthz"] {
            let (status, text) = node.ops(path).await;
            assert_eq!(status, StatusCode::OK, "{path}: {text}");
            assert!(!holds_canary(text.as_bytes()), "{path}");
            assert!(!text.contains("The analyst"), "{path}: no person's name");
        }
    }
    assert_eq!((sender.stop().await, receiver.stop().await), (Ended::Drained, Ended::Drained));

    let logged = lines.0.lock().unwrap().clone();
    assert!(logged.windows(7).any(|part| part == b"serving"), "the lines were captured");
    assert!(!holds_canary(&logged), "content was logged");
    for line in String::from_utf8(logged).unwrap().lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "each line is a document: {line}");
    }
    let mut found = Vec::new();
    files(base.path(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("node.db")));
    for path in found {
        assert!(!holds_canary(&std::fs::read(&path).unwrap()), "content lies in the clear in {path:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_volume_stops_content_and_nothing_else() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    // More than any volume has: it is low from the start.
    let es = Site::new(base.path(), "es-police", "ES", |config| {
        config.disk_reserve_mib = u64::from(u32::MAX);
        config.ballast_mib = 1;
    });
    let id = agree(&ma, &es);
    release(&ma, &es, id, "Abdelhamid Tazerout");
    let (analyst, spoc) = (es.token("analyst"), ma.token("spoc"));
    let (sender, receiver) = (ma.start().await, es.start().await);
    let backlog = format!(
        "mithaq_lane_attempts{{from=\"ma-security\",to=\"es-police\",agreement=\"{}\",class=\"report\"}}",
        short(&id.to_string())
    );
    until("the partner was asked to wait", async || {
        sender.metric(&backlog).await.filter(|count| *count >= 1.0)
    })
    .await;
    assert_eq!(sender.metric(ACCEPTED).await, None, "no receipt for what was not taken");
    let (status, text) = receiver.ops("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("\"name\":\"disk_space\",\"ok\":false"), "{text}");
    assert_eq!(receiver.ops("/healthz").await.0, StatusCode::OK, "it is alive");
    until("the ballast is there for the day when the database finds no room", async || {
        receiver.metric("mithaq_disk_ballast_bytes").await.filter(|bytes| *bytes >= 1_048_576.0)
    })
    .await;
    let copied = backup(&es.dir, &base.path().join("copy"), Attachments::Copy).unwrap_err();
    assert!(copied.to_string().contains("another volume"), "{copied}");

    let refused = receiver.api(Some(&analyst), Method::POST, "/api/v1/reports", "{}").await;
    assert_eq!((refused.status, refused.retry_after), (StatusCode::SERVICE_UNAVAILABLE, true));
    assert!(
        refused.text.contains("node.disk_low") && refused.text.contains("free space"),
        "{}",
        refused.text
    );
    let reading = receiver.api(Some(&analyst), Method::GET, "/api/v1/cases", "").await;
    assert_eq!(reading.status, StatusCode::OK);
    assert_eq!(receiver.stop().await, Ended::Drained);

    // With room again, what waited is there without anybody doing anything; people can also ask at once.
    let config = std::fs::read_to_string(es.dir.join("node.toml")).unwrap();
    std::fs::write(
        es.dir.join("node.toml"),
        config.replace("disk_reserve_mib = 4294967295", "disk_reserve_mib = 0"),
    )
    .unwrap();
    let receiver = es.start().await;
    let retried =
        sender.api(Some(&spoc), Method::POST, "/api/v1/outbox/retry", "{\"to\":\"es-police\"}").await;
    assert_eq!(retried.status, StatusCode::OK, "{}", retried.text);
    until("the report is accepted", async || sender.metric(ACCEPTED).await.filter(|count| *count >= 1.0))
        .await;
    let lanes = sender.api(Some(&spoc), Method::GET, "/api/v1/lanes", "").await;
    assert!(
        lanes.text.contains("\"class\":\"report\"") && lanes.text.contains("\"backlog\":0"),
        "{}",
        lanes.text
    );
    let wrong = sender.api(Some(&spoc), Method::GET, "/api/v1/outbox", "").await;
    assert_eq!(wrong.text, "[]", "nothing went wrong");
    assert_eq!((sender.stop().await, receiver.stop().await), (Ended::Drained, Ended::Drained));
}

fn short(agreement: &str) -> String {
    agreement.chars().take(15).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_answer_with_their_reason() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |config| config.requests_max = 1);
    let analyst = ma.token("analyst");
    let node = ma.start().await;
    let to = node.addresses.clients;

    // A request that says it will be longer than one may be is refused before anything of it is read.
    let mut tcp = tokio::net::TcpStream::connect(to).await.unwrap();
    tcp.write_all(b"POST /api/v1/reports HTTP/1.1\r\nhost: n\r\ncontent-length: 99999999999\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("input.too_long") && answer.contains("config.md"), "{answer}");

    // Asked of the side that watches: a request to see whether the place is free would itself take it.
    let under_way = |wanted: f64| {
        let node = &node;
        async move || {
            let count = node.metric("mithaq_requests_under_way{side=\"clients\"}").await?;
            ((count - wanted).abs() < 0.5).then_some(())
        }
    };
    until("the first one is over", under_way(0.0)).await;
    // One that says how long it is and does not go on.
    let mut tcp = tokio::net::TcpStream::connect(to).await.unwrap();
    tcp.write_all(b"POST /api/v1/reports HTTP/1.1\r\nhost: n\r\ncontent-length: 10\r\n\r\n12345")
        .await
        .unwrap();
    until("the place is taken", under_way(1.0)).await;
    // It holds the only place: everybody else is told to come again, at once.
    let busy = call(to, Some(&analyst), Method::GET, "/api/v1/cases", "").await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(busy.retry_after && busy.text.contains("node.busy"), "{}", busy.text);
    let refused = "mithaq_requests_refused_total{side=\"clients\",code=\"node.busy\"}";
    assert!(node.metric(refused).await.unwrap() >= 1.0, "watching has its own places");
    drop(tcp);
    until("the place is free again", async || {
        let answer = call(to, Some(&analyst), Method::GET, "/api/v1/cases", "").await;
        (answer.status == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(node.stop().await, Ended::Drained);
}

/// RFC 8259 §8.2: an escape may name half a character. Nothing of the question comes back, and nothing is searched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_json_or_no_text_is_refused_without_a_word_of_it() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| {});
    let analyst = ma.token("analyst");
    let node = ma.start().await;
    let why = r#""why":{"purpose":"investigate","reason":{"lang":"en","text":"Merely curious"}}"#;
    let named = |name: &str| format!(r#"{{{why},"name":{{"lang":"en","text":"{name}"}}}}"#);
    let path = "/api/v1/cases/C-1/search";
    for body in [
        named("Qanaryun \\ud83d Tazerwalt"),
        named("Qanaryun \\udc00\\ud83d Tazerwalt"),
        named("Qanaryun Tazerwalt").replace('}', ""),
        format!("{{{}", "[".repeat(10_000)),
        String::from("Qanaryun Tazerwalt"),
    ] {
        let answer = node.api(Some(&analyst), Method::POST, path, &body).await;
        assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.text);
        assert!(
            answer.text.contains("\"kind\":\"invalid\"") && answer.text.contains("openapi.json"),
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("Qanaryun"), "{}", answer.text);
    }
    // A whole character written as its two halves is read: only the case is unknown.
    let answer = node.api(Some(&analyst), Method::POST, path, &named("Nina \\ud83d\\ude00 Orlova")).await;
    assert!(!answer.text.contains("\"code\":\"body\""), "{}", answer.text);
    assert_eq!(node.stop().await, Ended::Drained);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_says_so_and_answers_what_is_under_way() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let node = ma.start().await;
    assert_eq!(node.ops("/readyz").await.0, StatusCode::OK);
    let under_way = "mithaq_requests_under_way{side=\"clients\"}";
    let mut tcp = tokio::net::TcpStream::connect(node.addresses.clients).await.unwrap();
    let body = "{\"login\":\"x\",\"password\":\"y\"}";
    let head = format!(
        "POST /api/v1/sign-in HTTP/1.1\r\nhost: n\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    tcp.write_all(head.as_bytes()).await.unwrap();
    until("it is under way", async || node.metric(under_way).await.filter(|count| *count >= 1.0)).await;
    node.ask_to_stop();
    let text = until("it says that it stops", async || {
        let (status, text) = node.ops("/readyz").await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(text)
    });
    assert!(text.await.contains("the node is stopping"));
    tcp.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "what was under way is answered: {answer}");
    assert_eq!(node.stop().await, Ended::Drained);
    // The last entries are under a checkpoint.
    ma.with(|app| {
        let figures = app.figures().unwrap();
        assert!(
            figures.log_size > 0 && figures.log_size - figures.log_signed <= 1,
            "only this opening is new: {figures:?}"
        );
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_end_in_time_is_cut_and_told() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |config| config.drain_seconds = 1);
    let node = ma.start().await;
    let mut tcp = tokio::net::TcpStream::connect(node.addresses.clients).await.unwrap();
    tcp.write_all(b"POST /api/v1/sign-in HTTP/1.1\r\nhost: n\r\ncontent-length: 9\r\n\r\n").await.unwrap();
    let under_way = "mithaq_requests_under_way{side=\"clients\"}";
    until("it is under way", async || node.metric(under_way).await.filter(|count| *count >= 1.0)).await;
    assert_eq!(node.stop().await, Ended::Cut);
    ma.with(|app| assert!(app.figures().is_ok()));
}
