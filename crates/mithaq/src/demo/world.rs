//! The three nodes: made, started as processes, stopped; their agreements signed and put into force.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use mithaq_app::NewOfficer;
use mithaq_envelope::{RootSigner as _, sign_agreement};
use mithaq_model::{
    AgreementId, Days, Lang, Millis, PartyId, RiskDimension, Role, Sensitive, Timestamp, UnitId,
};
use mithaq_node::config::Config;
use mithaq_node::setup::{self, Init, ROOT_FILE};
use mithaq_policy::agreement::{TemplateParty, template};
use serde_json::json;

use super::PATIENCE;
use super::words::{self, Teller};
use crate::http::Api;
use crate::ui::{Exit, Failure, Ui};

/// The agencies, by function.
pub(crate) const PARTIES: [(&str, &str); 3] =
    [("ma-security", "MA"), ("es-police", "ES"), ("ci-judiciary", "CI")];

/// Who works at each node.
const OFFICERS: [(&str, &[Role]); 8] = [
    ("authority", &[Role::AgreementAuthority]),
    ("analyst", &[Role::Analyst, Role::CaseOfficer]),
    ("supervisor", &[Role::Supervisor]),
    ("spoc", &[Role::Spoc]),
    ("legal", &[Role::LegalAdviser]),
    ("security", &[Role::SecurityOfficer]),
    ("oversight", &[Role::Oversight]),
    ("admin", &[Role::NodeAdministrator]),
];

/// One node of the demo.
pub(crate) struct Node {
    pub(crate) party: PartyId,
    state: &'static str,
    directory: PathBuf,
    address: String,
    tokens: BTreeMap<&'static str, String>,
    child: Option<Child>,
}

/// The three nodes and the agreements between them.
pub(crate) struct World {
    nodes: Vec<Node>,
    agreements: BTreeMap<(usize, usize), AgreementId>,
    lang: &'static str,
    _temporary: Option<Temporary>,
}

/// A directory that goes with the demo.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop_all();
    }
}

impl World {
    pub(crate) fn make(directory: Option<&Path>, teller: &Teller) -> Result<Self, Failure> {
        teller.say(&words::MAKE);
        let base = match directory {
            Some(path) => path.to_path_buf(),
            None => std::env::temp_dir().join(format!("mithaq-demo-{}", std::process::id())),
        };
        if base.exists() {
            return Err(Failure::new(
                Exit::Usage,
                "demo.exists",
                format!("`{}` exists already", base.display()),
            )
            .hint("give another directory with --dir"));
        }
        let temporary = directory.is_none().then(|| Temporary(base.clone()));
        let mut nodes = Vec::new();
        for (party, state) in PARTIES {
            nodes.push(make_node(&base.join(party), party, state)?);
        }
        Ok(Self { nodes, agreements: BTreeMap::new(), lang: teller.lang(), _temporary: temporary })
    }

    /// The API of a node as one of its officers.
    pub(crate) fn api(&self, node: usize, officer: &str) -> Result<Api, Failure> {
        let node = self.node(node)?;
        let token = node.tokens.get(officer).cloned();
        Api::new(&format!("http://{}", node.address), token, self.lang)
    }

    pub(crate) fn node(&self, number: usize) -> Result<&Node, Failure> {
        self.nodes.get(number).ok_or_else(|| Failure::new(Exit::Failed, "demo.node", "no such node"))
    }

    pub(crate) fn agreement(&self, one: usize, other: usize) -> Result<String, Failure> {
        let key = (one.min(other), one.max(other));
        let id = self.agreements.get(&key).map(ToString::to_string);
        id.ok_or_else(|| Failure::new(Exit::Failed, "demo.agreement", "no such agreement"))
    }

    pub(crate) async fn start_all(&mut self, teller: &Teller) -> Result<(), Failure> {
        teller.say(&words::START);
        for number in 0..self.nodes.len() {
            self.start(number)?;
        }
        for number in 0..self.nodes.len() {
            self.wait_ready(number).await?;
        }
        Ok(())
    }

    pub(crate) fn start(&mut self, number: usize) -> Result<(), Failure> {
        let program = std::env::current_exe()?;
        let Some(node) = self.nodes.get_mut(number) else { return Ok(()) };
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(node.directory.join("node.log"))?;
        let child = Command::new(program)
            .arg("serve")
            .arg(&node.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        node.child = Some(child);
        Ok(())
    }

    pub(crate) async fn wait_ready(&self, number: usize) -> Result<(), Failure> {
        let api = self.api(number, "admin")?;
        until("a node did not start", async || Ok(api.get("/api/v1/health").await.is_ok().then_some(())))
            .await
    }

    /// Kills a node as a power cut would.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(mut child) = self.nodes.get_mut(number).and_then(|node| node.child.take()) {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    pub(crate) fn stop_all(&mut self) {
        for number in 0..self.nodes.len() {
            self.kill(number);
        }
    }

    /// The last lines of each node's log, when the story breaks.
    pub(crate) fn show_logs(&self) {
        for node in &self.nodes {
            let log = std::fs::read_to_string(node.directory.join("node.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(12).collect();
            for line in lines.iter().rev() {
                eprintln!("[{}] {line}", node.party);
            }
        }
    }

    /// How to reach what goes on running.
    pub(crate) fn introduce(&self, ui: Ui) -> Result<(), Failure> {
        let mut lines = Vec::new();
        let mut all = Vec::new();
        for node in &self.nodes {
            lines.push(format!("{}  http://{}  {}", node.party, node.address, node.directory.display()));
            for (officer, token) in &node.tokens {
                lines.push(format!(
                    "    {officer:<11} MITHAQ_NODE=http://{} MITHAQ_TOKEN={token}",
                    node.address
                ));
            }
            all.push(json!({ "party": node.party.as_str(), "url": format!("http://{}", node.address),
                "directory": node.directory, "tokens": node.tokens }));
        }
        ui.result(&json!({ "nodes": all }), &lines)
    }

    /// Each pair: template, both signatures, manifests, activation, risk assessment.
    pub(crate) async fn agree(&mut self, teller: &Teller) -> Result<(), Failure> {
        teller.say(&words::AGREE);
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let id = self.agree_between(one, other).await?;
            let shown: String = id.to_string().chars().take(15).collect();
            teller.shows(&format!("{} — {}  {shown}…", self.node(one)?.party, self.node(other)?.party));
            self.agreements.insert((one, other), id);
        }
        Ok(())
    }

    async fn agree_between(&self, one: usize, other: usize) -> Result<AgreementId, Failure> {
        let (a, b) = (self.node(one)?, self.node(other)?);
        let (root_a, root_b) = (root_of(a)?, root_of(b)?);
        let party = |node: &Node, root: [u8; 32]| TemplateParty {
            id: node.party.clone(),
            state: node.state.to_owned(),
            root,
        };
        let today = Timestamp::from_millis(now().as_millis().div_euclid(86_400_000) * 86_400_000);
        let text = template(
            &[party(a, root_a.root_keys().fingerprint()), party(b, root_b.root_keys().fingerprint())],
            today,
        );
        // Evidence counts only when the partner has countersigned the log.
        let text = text.replacen("[oversight]\n", "[oversight]\ncountersignatures = 1\n", 1);
        let id = mithaq_policy::agreement_id(text.as_bytes());
        let sign = |node: &Node, root: &mithaq_envelope::SoftRoot| {
            sign_agreement((id, &node.party), "Head of service", now(), root)
                .map_err(|error| Failure::new(Exit::Failed, "demo.sign", error.to_string()))
        };
        let signatures = [sign(a, &root_a)?, sign(b, &root_b)?];
        for (mine, theirs) in [(one, other), (other, one)] {
            let authority = self.api(mine, "authority")?;
            authority.post("/api/v1/agreements", &json!({ "text": text })).await?;
            for signature in &signatures {
                authority
                    .bytes(
                        Method::POST,
                        "/api/v1/agreements/signatures",
                        "application/cbor",
                        signature.clone(),
                    )
                    .await?;
            }
            let partner = self.node(theirs)?;
            let manifest = self
                .api(theirs, "authority")?
                .bytes(Method::GET, "/api/v1/manifest", "application/json", Vec::new())
                .await?;
            authority
                .bytes(
                    Method::POST,
                    &format!("/api/v1/partners/{}/manifest", partner.party),
                    "application/cbor",
                    manifest,
                )
                .await?;
            authority.post(&format!("/api/v1/agreements/{id}/steps"), &json!({ "step": "activate" })).await?;
            let levels: Vec<_> = RiskDimension::ALL.iter().map(|one| json!([one.code(), "low"])).collect();
            let valid_to = now().plus(Days(180)).to_string();
            self.api(mine, "legal")?
                .post(
                    &format!("/api/v1/partners/{}/assessments", partner.party),
                    &json!({ "levels": levels, "source": "demo-assessment", "valid_to": valid_to }),
                )
                .await?;
        }
        Ok(id)
    }
}

fn root_of(node: &Node) -> Result<mithaq_envelope::SoftRoot, Failure> {
    let config = Config::load(&node.directory).map_err(anyhow::Error::from)?;
    let unlock = setup::unlock(&node.directory, &config)?;
    Ok(setup::open_root(&node.directory.join(ROOT_FILE), &unlock)?)
}

fn make_node(directory: &Path, party: &str, state: &'static str) -> Result<Node, Failure> {
    let party = PartyId::new(party).map_err(anyhow::Error::from)?;
    let (peer, client) = (free_port()?, free_port()?);
    let config = Config {
        peer_listen: ([127, 0, 0, 1], peer).into(),
        peer_endpoint: format!("https://127.0.0.1:{peer}"),
        client_listen: ([127, 0, 0, 1], client).into(),
        ..Config::default()
    };
    setup::init(directory, &Init { party: party.clone(), config, valid: Days(365) })?;
    let (app, _config, _identity) = setup::open(directory, Box::new(|| ()))?;
    let officers: Vec<NewOfficer> = OFFICERS
        .iter()
        .map(|(login, roles)| NewOfficer {
            login: (*login).to_owned(),
            name: Sensitive::new(format!("{login} of {party}")),
            unit: UnitId::new([1; 16]),
            roles: roles.iter().copied().collect(),
            lang: Lang::EN,
        })
        .collect();
    app.add_first_officers(&officers).map_err(failed)?;
    let mut tokens = BTreeMap::new();
    for (login, _) in OFFICERS {
        let issued = app.issue_token(login, Millis::hours(24)).map_err(failed)?;
        tokens.insert(login, issued.secret.to_string());
    }
    app.close();
    Ok(Node {
        party,
        state,
        directory: directory.to_path_buf(),
        address: format!("127.0.0.1:{client}"),
        tokens,
        child: None,
    })
}

fn failed(error: mithaq_app::AppError) -> Failure {
    Failure::new(Exit::Failed, error.code(), error.words().en)
}

/// A port nobody uses right now.
fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

pub(crate) fn now() -> Timestamp {
    mithaq_app::ports::Clock::now(&mithaq_node::SystemClock)
}

/// Asks until there is an answer, or the patience is over.
pub(crate) async fn until<T>(
    what: &str,
    ask: impl AsyncFn() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(Failure::new(Exit::Failed, "demo.patience", what)
        .hint("look at node.log in the node's directory (--dir)"))
}
