//! One node is made: keys, configuration, database, and the people who work at it with a token each.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use mithaq_app::NewOfficer;
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
}

impl Spec {
    /// A node on a port that nobody uses right now.
    pub(crate) fn new(party: &'static str, state: &'static str) -> Result<Self, Failure> {
        let port = free_port()?;
        Ok(Self { party, state, peer_port: port, told_port: port })
    }

    /// Where it listens for partners.
    pub(crate) fn peer(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.peer_port).into()
    }
}

pub(super) fn node(directory: &Path, spec: &Spec) -> Result<Node, Failure> {
    let party = PartyId::new(spec.party).map_err(anyhow::Error::from)?;
    let client = free_port()?;
    let config = Config {
        peer_listen: spec.peer(),
        peer_endpoint: format!("https://127.0.0.1:{}", spec.told_port),
        client_listen: ([127, 0, 0, 1], client).into(),
        ..Config::default()
    };
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
    let mut tokens = BTreeMap::new();
    for (login, _) in OFFICERS {
        let issued = app.issue_token(login, Millis::hours(24)).map_err(failed)?;
        tokens.insert(login, issued.secret.to_string());
    }
    app.close();
    Ok(Node {
        party,
        state: spec.state,
        directory: directory.to_path_buf(),
        address: format!("127.0.0.1:{client}"),
        tokens,
        log_key: made.log_key,
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
