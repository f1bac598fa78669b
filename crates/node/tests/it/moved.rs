//! A node that really moves: another port, another TLS key, its next manifest signed; a stranger takes its old address
//! (fault group 18).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::Method;
use mithaq_app::intent;
use mithaq_envelope::sign_manifest;
use mithaq_model::{AgreementId, Days, Millis};
use mithaq_node::config::Config;
use mithaq_node::{Next, prepare};
use mithaq_wire::{Lane, decode_manifest};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::world::{ACCEPTED, Site, agree, free_port, release, release_about, until};

/// Prepares the next manifest, signs it, has two persons install it, and changes where the node listens.
fn go_to(site: &Site, port: u16) {
    let last = site.with(|app| app.own_manifest().unwrap());
    let endpoint = Some(format!("https://127.0.0.1:{port}"));
    let next = Next { last, endpoint, valid: Days(365), new_keys: true, log_key: None };
    let request = prepare(&site.dir, &next).unwrap().request;
    let signed = sign_manifest(&decode_manifest(&request).unwrap(), &site.root()).unwrap();
    site.with(|app| {
        let actor =
            |login| app.authenticate(&app.issue_token(login, Millis::hours(1)).unwrap().secret).unwrap();
        let waits = app.propose_keys(actor("security").may(intent::ProposeKeys).unwrap(), &signed).unwrap();
        app.confirm_keys(actor("supervisor").may(intent::ConfirmKeys).unwrap(), &waits.id).unwrap();
    });
    let config = Config::load(&site.dir).unwrap();
    let (file, old) = (site.dir.join("node.toml"), config.peer_listen.port().to_string());
    let text = std::fs::read_to_string(&file).unwrap().replace(&old, &port.to_string());
    std::fs::write(&file, text).unwrap();
    assert_eq!(Config::load(&site.dir).unwrap().peer_listen.port(), port);
}

fn taken(site: &Site, from: &Site, agreement: AgreementId) -> u64 {
    site.with(|app| app.have(&from.party, (agreement, Lane::Report)).unwrap().seq)
}

async fn accepted(node: &crate::world::Running, what: &str) {
    until(what, async || node.metric(ACCEPTED).await.filter(|n| *n >= 1.0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_moved_gets_what_was_on_its_way_once_and_a_stranger_in_its_place_nothing() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let es = Site::new(base.path(), "es-police", "ES", |_| ());
    let id = agree(&ma, &es);
    release(&ma, &es, id, "Abdelhamid Tazerout");
    let (sender, receiver) = (ma.start().await, es.start().await);
    accepted(&sender, "the first is accepted at the old address").await;
    sender.stop().await;
    receiver.stop().await;

    // On its way while nobody who may have it is there.
    release_about(&ma, &es, id, (9, "Younes Belkadi"));
    let (from, to) = (Config::load(&es.dir).unwrap().peer_listen.port(), free_port());
    let before = ma.line_to(&es);
    go_to(&es, to);
    let squatter = Stranger::at(from).await;
    let sender = ma.start().await;
    // MA has not heard of the move: the stranger is who answers at the address it knows.
    until("it was tried more than once", async || (squatter.count() > 2).then_some(())).await;
    assert!(before.ask(Method::GET, &format!("/mx/1/heads/{id}"), Bytes::new()).await.is_err());
    assert_eq!(sender.metric(ACCEPTED).await, None);
    assert_eq!(squatter.heard(), 0, "no handshake was finished: nothing was said to the stranger");

    // The node comes up where it is now, and says so itself.
    let receiver = es.start().await;
    accepted(&sender, "what was on its way is accepted at the new address").await;
    assert_eq!(sender.metric(ACCEPTED).await, Some(1.0), "once");
    assert_eq!(squatter.heard(), 0, "nor later");
    sender.stop().await;
    receiver.stop().await;
    drop(squatter);
    assert_eq!(taken(&es, &ma, id), 2, "two reports, two places");

    // In the overlap the node shows the key that is expected, the old one or the new one, and no third.
    let (pins, at) = (pins(&ma, &es), format!("https://127.0.0.1:{to}"));
    assert_eq!(pins.len(), 2);
    let receiver = es.start().await;
    for pin in pins {
        let answer = ma.line(&at, pin).ask(Method::GET, &format!("/mx/1/heads/{id}"), Bytes::new()).await;
        assert_eq!(answer.unwrap().0, 200);
    }
    assert!(ma.line(&at, [7; 32]).ask(Method::GET, "/mx/1/held", Bytes::new()).await.is_err());
    receiver.stop().await;
}

/// The keys under which one node would know another now.
fn pins(here: &Site, there: &Site) -> Vec<[u8; 32]> {
    here.with(|app| app.registry().peers.get(&there.party).unwrap().pins(app.now()))
}

/// Who took the address: speaks the same TLS, takes everybody, and shows a key of its own.
struct Stranger {
    count: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Stranger {
    async fn at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(lenient()));
        let (count, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, told) = (Arc::clone(&count), Arc::clone(&heard));
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                // A handshake ends here once the client has found the key to be the one it expects.
                told.fetch_add(usize::from(acceptor.accept(tcp).await.is_ok()), Ordering::SeqCst);
            }
        });
        Self { count, heard, task }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lenient() -> rustls::ServerConfig {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let params = rcgen::CertificateParams::new(vec!["node.invalid".to_owned()]).unwrap();
    let certificate = params.self_signed(&pair).unwrap().der().clone();
    let key = PrivatePkcs8KeyDer::from(pair.serialize_der()).into();
    let provider = CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    };
    rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}
