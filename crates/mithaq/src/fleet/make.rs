//! One node is made: keys, configuration, database, and the people who work at it with a token each.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use mithaq_app::{App, NewOfficer};
use mithaq_model::{Days, Lang, Millis, PartyId, Role, Sensitive, UnitId};
use mithaq_node::config::Config;
use mithaq_node::setup::{self, Init};

use super::Node;
use crate::ui::{Exit, Failure};

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

/// File of a node's directory in which its private checks are recorded.
pub(crate) const RECORD: &str = "transcript.txt";

/// What a node is made from.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// The agency, by function.
    pub(crate) party: &'static str,
    /// Its state.
    pub(crate) state: &'static str,
    /// Port on which it listens for partners.
    peer_port: u16,
    /// Port that partners are told: its own, or that of a proxy before it.
    pub(crate) told_port: u16,
    /// A database other than a file of its own.
    pub(crate) database: Option<String>,
    /// Ports of further processes of the same node, told to partners as well.
    pub(crate) twins: Vec<u16>,
    /// Whether what its private checks say is recorded in [`RECORD`].
    recorded: bool,
}

impl Spec {
    /// A node on a port that nobody uses right now.
    pub(crate) fn new(party: &'static str, state: &'static str) -> Result<Self, Failure> {
        let port = free_port()?;
        let (database, twins) = (None, Vec::new());
        Ok(Self { party, state, peer_port: port, told_port: port, database, twins, recorded: false })
    }

    /// The same on a server, as so many processes.
    pub(crate) fn on(mut self, database: &str, processes: usize) -> Result<Self, Failure> {
        self.database = Some(database.to_owned());
        for _ in 1..processes {
            self.twins.push(free_port()?);
        }
        Ok(self)
    }

    /// The same, recording what its private checks say.
    pub(crate) const fn recorded(mut self) -> Self {
        self.recorded = true;
        self
    }

    /// Where it listens for partners.
    pub(crate) fn peer(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.peer_port).into()
    }
}

pub(super) fn node(directory: &Path, spec: &Spec) -> Result<Node, Failure> {
    let party = PartyId::new(spec.party).map_err(anyhow::Error::from)?;
    let client = free_port()?;
    let told = [spec.told_port].into_iter().chain(spec.twins.iter().copied());
    let told: Vec<String> = told.map(|port| format!("https://127.0.0.1:{port}")).collect();
    let mut config = Config {
        peer_listen: spec.peer(),
        peer_endpoint: told.join(" "),
        client_listen: ([127, 0, 0, 1], client).into(),
        ..Config::default()
    };
    config.record_checks = spec.recorded.then(|| RECORD.into());
    if let Some(database) = &spec.database {
        config.database.clone_from(database);
    }
    let made = setup::init(directory, &Init { party: party.clone(), config, valid: Days(365) })?;
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
    let tokens = tokens(&app)?;
    app.close();
    Ok(Node {
        party,
        state: spec.state,
        directory: directory.to_path_buf(),
        address: format!("127.0.0.1:{client}"),
        tokens,
        log_key: made.log_key,
        program: None,
        child: None,
    })
}

fn tokens(app: &App) -> Result<BTreeMap<&'static str, String>, Failure> {
    let mut tokens = BTreeMap::new();
    for (login, _) in OFFICERS {
        let issued = app.issue_token(login, Millis::hours(24)).map_err(failed)?;
        tokens.insert(login, issued.secret.to_string());
    }
    Ok(tokens)
}

/// A node that was made before and does not run.
pub(super) fn found(directory: &Path) -> Result<Node, Failure> {
    let (app, config, _identity) = setup::open(directory, Box::new(|| ()))?;
    let node = Node {
        party: app.party().clone(),
        state: "",
        directory: directory.to_path_buf(),
        address: config.client_listen.to_string(),
        tokens: tokens(&app)?,
        log_key: app.log_key().map_err(failed)?.to_string(),
        program: None,
        child: None,
    };
    app.close();
    Ok(node)
}

/// Another process of a node: its keys and its database, ports of its own.
pub(super) fn twin(node: &Node, directory: &Path, peer_port: u16) -> Result<Node, Failure> {
    std::fs::create_dir_all(directory)?;
    for file in std::fs::read_dir(&node.directory)? {
        let file = file?;
        if file.file_type()?.is_file() && file.file_name() != mithaq_node::config::FILE {
            std::fs::copy(file.path(), directory.join(file.file_name()))?;
        }
    }
    let client = free_port()?;
    let config = Config {
        peer_listen: ([127, 0, 0, 1], peer_port).into(),
        client_listen: ([127, 0, 0, 1], client).into(),
        ..Config::load(&node.directory).map_err(anyhow::Error::from)?
    };
    config.create(directory).map_err(anyhow::Error::from)?;
    Ok(Node {
        party: node.party.clone(),
        state: node.state,
        directory: directory.to_path_buf(),
        address: format!("127.0.0.1:{client}"),
        tokens: node.tokens.clone(),
        log_key: node.log_key.clone(),
        program: None,
        child: None,
    })
}

/// A failure of the application, as the command line shows it.
pub(crate) fn failed(error: mithaq_app::AppError) -> Failure {
    let failure = Failure::new(Exit::Failed, error.code(), error.words().en);
    match error.next_step() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A port nobody uses right now.
fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
