//! Two agencies whose nodes are set up on disk, agreed, and then served on ports of the system's choice.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use mithaq_app::{App, NewCase, NewOfficer, NewReport, Use, intent};
use mithaq_envelope::{RootSigner as _, SoftRoot, sign_agreement};
use mithaq_model::{
    AgreementId, CaseId, CrimeArea, Days, Fact, Grade, Handling, HandlingCode, HandlingCodes, Lang, Level,
    Millis, Pap, PartyId, Purpose, ReportId, ReportKind, RiskDimension, RiskLevel, Role, Sensitive,
    SubjectClass, SubjectId, Timestamp, Tlp, UnitId, Urgency,
};
use mithaq_node::config::Config;
use mithaq_node::setup::{self, Init, ROOT_FILE};
use mithaq_node::{Addresses, Ended, Endpoint, Identity, PeerClient, SystemClock, keyfile, serve};
use mithaq_policy::RiskAssessment;
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_testkit::{party, subject_named, text};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest wait for one thing to happen.
const PATIENCE: Duration = Duration::from_secs(60);

const PEOPLE: [(&str, Role); 9] = [
    ("analyst", Role::Analyst),
    ("outsider", Role::Analyst),
    ("supervisor", Role::Supervisor),
    ("second", Role::Supervisor),
    ("spoc", Role::Spoc),
    ("legal", Role::LegalAdviser),
    ("authority", Role::AgreementAuthority),
    ("security", Role::SecurityOfficer),
    ("admin", Role::NodeAdministrator),
];

/// A node on disk that does not run.
pub(crate) struct Site {
    pub(crate) party: PartyId,
    pub(crate) dir: PathBuf,
    state: &'static str,
}

pub(crate) fn now() -> Timestamp {
    mithaq_app::ports::Clock::now(&SystemClock)
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Site {
    pub(crate) fn new(base: &Path, name: &str, state: &'static str, edit: impl Fn(&mut Config)) -> Self {
        let (party, dir) = (party(name), base.join(name));
        let peer = free_port();
        let mut config = Config {
            peer_listen: ([127, 0, 0, 1], peer).into(),
            peer_endpoint: format!("https://127.0.0.1:{peer}"),
            client_listen: ([127, 0, 0, 1], 0).into(),
            ops_listen: Some(([127, 0, 0, 1], 0).into()),
            // The volume is not this node's alone, and tests are many.
            ballast_mib: 0,
            ..Config::default()
        };
        edit(&mut config);
        setup::init(&dir, &Init { party: party.clone(), config, valid: Days(365) }).unwrap();
        let site = Self { party, dir, state };
        site.with(|app| {
            let new: Vec<NewOfficer> = PEOPLE
                .iter()
                .map(|(login, role)| NewOfficer {
                    login: (*login).to_owned(),
                    name: Sensitive::new(format!("The {login}")),
                    unit: UnitId::new([1; 16]),
                    roles: [*role].into_iter().collect(),
                    lang: Lang::EN,
                })
                .collect();
            app.add_first_officers(&new).unwrap();
        });
        site
    }

    /// Opens the node's application for as long as it does not run.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&App) -> T) -> T {
        let (app, ..) = setup::open(&self.dir, Box::new(|| ())).unwrap();
        let done = work(&app);
        app.close();
        done
    }

    pub(crate) fn root(&self) -> SoftRoot {
        let config = Config::load(&self.dir).unwrap();
        let unlock = setup::unlock(&self.dir, &config).unwrap();
        setup::open_root(&self.dir.join(ROOT_FILE), &unlock).unwrap()
    }

    /// The line this node has to another one that is set up and does not run yet, with its own key.
    pub(crate) fn line_to(&self, other: &Self) -> PeerClient {
        let (pin, endpoint) = other.with(|app| {
            let registry = app.registry();
            let manifest = registry.own.as_ref().unwrap().manifest();
            (manifest.tls_spki.0, manifest.endpoints.first().unwrap().clone())
        });
        self.line(&endpoint, pin)
    }

    /// The line this node has to an address where it expects a key.
    pub(crate) fn line(&self, endpoint: &str, pin: [u8; 32]) -> PeerClient {
        let config = Config::load(&self.dir).unwrap();
        let unlock = setup::unlock(&self.dir, &config).unwrap();
        let secrets = keyfile::open(&self.dir.join(&config.keys), &unlock).unwrap();
        let identity = Identity::new(secrets.get("tls").unwrap()).unwrap();
        PeerClient::pinned(Endpoint::parse(endpoint).unwrap(), &identity, pin).unwrap()
    }

    pub(crate) fn token(&self, login: &str) -> String {
        self.with(|app| app.issue_token(login, Millis::hours(1)).unwrap().secret.to_string())
    }

    /// Serves it until it is stopped.
    pub(crate) async fn start(&self) -> Running {
        let (stop, stopped) = watch::channel(false);
        let (ready, addresses) = tokio::sync::oneshot::channel();
        let dir = self.dir.clone();
        let task = tokio::spawn(async move {
            serve(&dir, stopped, move |addresses| {
                let _nobody_waits = ready.send(addresses);
            })
            .await
        });
        let Ok(addresses) = addresses.await else { panic!("{:?}", task.await) };
        Running { addresses, stop, task }
    }
}

/// A node that runs.
pub(crate) struct Running {
    pub(crate) addresses: Addresses,
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<Ended>>,
}

impl Running {
    pub(crate) async fn stop(self) -> Ended {
        // It may be on its way to its end already.
        let _gone = self.stop.send(true);
        self.task.await.unwrap().unwrap()
    }

    /// Asks it to stop without waiting for its end.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.send(true).unwrap();
    }

    pub(crate) async fn ops(&self, path: &str) -> (StatusCode, String) {
        let answer = call(self.addresses.ops.unwrap(), None, Method::GET, path, "").await;
        (answer.status, answer.text)
    }

    pub(crate) async fn api(&self, token: Option<&str>, method: Method, path: &str, body: &str) -> Answer {
        call(self.addresses.clients, token, method, path, body).await
    }

    /// Status and bytes of a person's request with a JSON body.
    pub(crate) async fn api_bytes(&self, token: &str, path: &str, body: &str) -> (StatusCode, Vec<u8>) {
        raw(self.addresses.clients, Some(token), Method::POST, path, body).await
    }

    /// The value of a metric with these labels.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.ops("/metrics").await;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    pub(crate) retry_after: bool,
}

async fn raw(
    to: SocketAddr,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: &str,
) -> (StatusCode, Vec<u8>) {
    let tcp = tokio::net::TcpStream::connect(to).await.unwrap();
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(driver);
    let mut request = Request::builder().method(method).uri(path).header("host", "node");
    request = request.header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

pub(crate) async fn call(
    to: SocketAddr,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: &str,
) -> Answer {
    let tcp = tokio::net::TcpStream::connect(to).await.unwrap();
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(driver);
    let mut request = Request::builder().method(method).uri(path).header("host", "node");
    request = request.header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let (status, retry_after) = (response.status(), response.headers().contains_key("retry-after"));
    let text = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, retry_after, text: String::from_utf8_lossy(&text).into_owned() }
}

/// Asks until there is an answer. The asking itself takes the time: each is a request over the network.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never happened: {what}");
}

/// How many messages a partner accepted.
pub(crate) const ACCEPTED: &str = "mithaq_receipts_total{kind=\"message.decided\",verdict=\"accepted\"}";

/// Puts an agreement between two nodes into force, on both sides.
pub(crate) fn agree(one: &Site, other: &Site) -> AgreementId {
    agree_on(one, other, |text| text)
}

/// The same, on an edited text.
pub(crate) fn agree_on(one: &Site, other: &Site, edit: impl Fn(String) -> String) -> AgreementId {
    let member = |site: &Site| TemplateParty {
        id: site.party.clone(),
        state: site.state.to_owned(),
        root: site.root().root_keys().fingerprint(),
    };
    let today = Timestamp::from_millis(now().as_millis().div_euclid(86_400_000) * 86_400_000);
    let text = edit(template(&[member(one), member(other)], today));
    let id = mithaq_policy::agreement_id(text.as_bytes());
    let sign =
        |site: &Site| sign_agreement((id, &site.party), "Head of service", now(), &site.root()).unwrap();
    let signatures = [sign(one), sign(other)];
    for (here, there) in [(one, other), (other, one)] {
        let manifest = there.with(|app| app.own_manifest().unwrap());
        here.with(|app| {
            let actor =
                |login| app.authenticate(&app.issue_token(login, Millis::hours(1)).unwrap().secret).unwrap();
            let may = actor("authority").may(intent::GovernAgreement).unwrap();
            app.add_agreement(may, &text).unwrap();
            for signature in &signatures {
                app.sign_agreement(may, signature).unwrap();
            }
            app.add_manifest(may, &there.party, &manifest).unwrap();
            app.activate_agreement(may, id).unwrap();
            let risk = RiskAssessment {
                levels: RiskDimension::ALL.iter().map(|one| (*one, RiskLevel::Low)).collect(),
                source: "assessment-1".to_owned(),
                made_on: now(),
                valid_to: now().plus(Days(100)),
            };
            app.assess_partner(actor("security").may(intent::AssessPartner).unwrap(), &there.party, &risk)
                .unwrap();
        });
    }
    id
}

/// Releases a report to a partner; it waits in the outbox.
pub(crate) fn release(from: &Site, to: &Site, agreement: AgreementId, words: &str) -> (CaseId, ReportId) {
    release_about(from, to, agreement, (7, words))
}

/// The same about another person: each call needs a number of its own.
pub(crate) fn release_about(
    from: &Site,
    to: &Site,
    agreement: AgreementId,
    (person, words): (u8, &str),
) -> (CaseId, ReportId) {
    from.with(|app| {
        let actor =
            |login| app.authenticate(&app.issue_token(login, Millis::hours(1)).unwrap().secret).unwrap();
        let id = |login| actor(login).id();
        let case = app
            .open_case(
                actor("supervisor").may(intent::GovernCase).unwrap(),
                &NewCase {
                    title: text("Ferry tickets"),
                    area: CrimeArea::ForeignTerroristFighters,
                    offence: text("Recruitment for terrorism, penal code article 218-1"),
                    purposes: vec![Purpose::Investigate],
                    officers: vec![id("analyst"), id("supervisor"), id("second")],
                },
            )
            .unwrap();
        let enter = |login| {
            let may = actor(login).may(intent::WorkCase).unwrap();
            app.enter_case(may, case, Purpose::Investigate, &text("Checking the ferry passengers")).unwrap()
        };
        let subject = subject_named(person, words, SubjectClass::SuspectCommitted, from.party.as_str());
        let number = subject.id();
        let write = actor("analyst").may(intent::WriteSubject).unwrap();
        app.add_subjects(write, &enter("analyst"), vec![subject]).unwrap();
        let new = new_report(to, agreement, words, number);
        let report = app
            .draft_report(actor("analyst").may(intent::WriteReport).unwrap(), &enter("analyst"), new)
            .unwrap();
        let review = actor("supervisor").may(intent::ReviewReport).unwrap();
        app.review_report(review, &enter("supervisor"), report).unwrap();
        for login in ["supervisor", "spoc"] {
            app.approve_report(actor(login).may(intent::ReleaseReport).unwrap(), report).unwrap();
        }
        app.release_report(actor("spoc").may(intent::ReleaseReport).unwrap(), report, &Use::default())
            .unwrap();
        (case, report)
    })
}

/// What the reports of these tests say.
pub(crate) fn new_report(to: &Site, agreement: AgreementId, words: &str, subject: SubjectId) -> NewReport {
    let grade = Grade::from_code("4x4:B2").unwrap();
    NewReport {
        kind: ReportKind::Information,
        agreement,
        recipients: vec![to.party.clone()],
        urgency: Urgency::Routine,
        title: text(&format!("Recruiter {words}")),
        facts: vec![Fact { text: text(&format!("Three persons left by ferry with {words}")), grade }],
        assessments: Vec::new(),
        subjects: vec![subject],
        links: Vec::new(),
        grade: Some(grade),
        handling: Handling::new(HandlingCodes::H0.with(HandlingCode::H2), Tlp::Amber, Pap::Amber),
        level: Level::Restricted,
        expires: now().plus(Days(100)),
        exculpatory: false,
        machine_made: false,
        obtained_in_violation: false,
        tie: None,
    }
}
