//! Commands that work on a node's directory itself: set up, serve, look for what is wrong, make a token.

use std::path::PathBuf;

use clap::Args;
use mithaq_app::NewOfficer;
use mithaq_model::{Days, Lang, Millis, PartyId, Role, RoleSet, Sensitive, UnitId};
use mithaq_node::config::{Config, LogFormat, Weight};
use mithaq_node::setup::{self, Init};
use mithaq_node::{Ended, serve, stop_on_signal};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Directory of the node; made if it does not exist
    dir: PathBuf,
    /// Party the node acts for, for example `ma-security`
    #[arg(long)]
    party: String,
    /// `sqlite:node.db` or `postgres://user@host/database`
    #[arg(long, default_value = "sqlite:node.db")]
    database: String,
    /// Address partners connect to
    #[arg(long, default_value = "127.0.0.1:7401")]
    peer_listen: std::net::SocketAddr,
    /// Address the manifest tells partners [default: https:// and --peer-listen]
    #[arg(long)]
    peer_endpoint: Option<String>,
    /// Address of the client API; loopback, or behind a proxy
    #[arg(long, default_value = "127.0.0.1:7402")]
    client_listen: std::net::SocketAddr,
    /// Address of `/metrics`, `/healthz` and `/readyz`: loopback, or `off`
    #[arg(long, default_value = "127.0.0.1:7403", value_parser = ops_listen)]
    ops_listen: Off<std::net::SocketAddr>,
    /// Lock the keys with the passphrase in MITHAQ_PASSPHRASE instead of a file
    #[arg(long)]
    passphrase: bool,
    /// Sign-in name of the first officer, who administers the node and adds the others
    #[arg(long, default_value = "admin")]
    admin: String,
}

/// An address, or that there is none.
#[derive(Debug, Clone, Copy)]
struct Off<T>(Option<T>);

fn ops_listen(text: &str) -> Result<Off<std::net::SocketAddr>, String> {
    if text == "off" {
        return Ok(Off(None));
    }
    let address: std::net::SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    if !address.ip().is_loopback() {
        return Err("it asks for no credential, so it listens on loopback only".to_owned());
    }
    Ok(Off(Some(address)))
}

pub(crate) fn init(args: &InitArgs, ui: Ui) -> Result<(), Failure> {
    let party = PartyId::new(&args.party).map_err(|_malformed| {
        Failure::new(Exit::Usage, "init.party", "a party has 3 to 40 of a-z 0-9 -")
            .hint("name the agency by function, for example `ma-security`")
    })?;
    let config = Config {
        database: args.database.clone(),
        unlock: (!args.passphrase).then(|| PathBuf::from("unlock.key")),
        peer_listen: args.peer_listen,
        peer_endpoint: args.peer_endpoint.clone().unwrap_or_else(|| format!("https://{}", args.peer_listen)),
        client_listen: args.client_listen,
        ops_listen: args.ops_listen.0,
        ..Config::default()
    };
    let made = setup::init(&args.dir, &Init { party, config, valid: Days(365) })?;
    let (app, _config, _identity) = setup::open(&args.dir, Box::new(|| ()))?;
    let admin = officer(&args.admin, &[Role::NodeAdministrator]);
    app.add_first_officers(&[admin]).map_err(explain)?;
    let token = app.issue_token(&args.admin, Millis::hours(24)).map_err(explain)?;
    app.close();
    let json = json!({ "root": made.root, "log_key": made.log_key, "root_file": made.root_file, "token": token.secret.as_str() });
    ui.result(
        &json,
        &[
            format!("the node of {} is set up in {}", args.party, args.dir.display()),
            format!("  root fingerprint  {}", made.root),
            "    write it down; partners compare it with the agreement by another channel".to_owned(),
            format!("  log key           {}", made.log_key),
            format!("  root key file     {}", made.root_file.display()),
            "    move it and a copy of unlock.key to a machine that is offline: it signs agreements and manifests".to_owned(),
            format!("  first sign-in     {} for 24 hours: MITHAQ_TOKEN={}", args.admin, token.secret.as_str()),
            format!("next: mithaq serve {}", args.dir.display()),
        ],
    )
}

fn officer(login: &str, roles: &[Role]) -> NewOfficer {
    NewOfficer {
        login: login.to_owned(),
        name: Sensitive::new(login.to_owned()),
        unit: UnitId::new([1; 16]),
        roles: roles.iter().copied().collect::<RoleSet>(),
        lang: Lang::EN,
    }
}

fn explain(error: mithaq_app::AppError) -> Failure {
    let failure = Failure::new(Exit::Failed, error.code(), error.words().en);
    match error.next_step() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[derive(Debug, Args)]
pub(crate) struct NodeDir {
    /// Directory of the node
    pub(crate) dir: PathBuf,
}

/// Set by a program that runs nodes of its own: a node whose standard input ends is told to stop.
pub(crate) const STOP_WITH_INPUT: &str = "MITHAQ_STOP_WITH_INPUT";

/// Stops with a signal, or with the program that started this one.
fn stop() -> tokio::sync::watch::Receiver<bool> {
    let mut signalled = stop_on_signal();
    if std::env::var_os(STOP_WITH_INPUT).is_none() {
        return signalled;
    }
    let (send, receive) = tokio::sync::watch::channel(false);
    let (ends, ended) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime would wait for one of its threads that reads.
    std::thread::spawn(move || {
        let _read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _nobody_waits = ends.send(());
    });
    tokio::spawn(async move {
        tokio::select! { _ = signalled.wait_for(|stopped| *stopped) => {}, _ = ended => {} }
        let _nobody_listens = send.send(true);
    });
    receive
}

pub(crate) fn serve_node(args: &NodeDir) -> Result<(), Failure> {
    let config = crate::ops::load(&args.dir)?;
    for found in config.check(&args.dir) {
        if found.weight == Weight::Error {
            let text = format!("`{}`: {}", found.key, found.text);
            return Err(Failure::new(Exit::Usage, "serve.config", text).hint(found.hint));
        }
    }
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| Failure::new(Exit::Usage, "serve.log", error.to_string()))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.with_ansi(false).init(),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async { serve(&args.dir, stop(), |_addresses| ()).await });
    // Not waited for: a thread in the hands of a disk that does not answer would keep the process for ever.
    runtime.shutdown_background();
    match ended? {
        Ended::Drained => Ok(()),
        Ended::Cut => {
            Err(Failure::new(Exit::Failed, "serve.cut", "something under way was cut off; nothing is lost")
                .hint("what had no receipt is sent again at the next start; `drain_seconds` gives it longer"))
        }
        Ended::Left => Err(Failure::new(
            Exit::Left,
            "serve.left",
            "the database does not answer, and the node ended without it; nothing is lost",
        )
        .hint("look at the volume or the server of the database before the next start")),
    }
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Directory of the node; it must not be running
    dir: PathBuf,
    /// Sign-in name
    login: String,
    /// How many hours it opens anything, at most 2,160
    #[arg(long, default_value_t = 12)]
    hours: u64,
}

pub(crate) fn token(args: &TokenArgs, ui: Ui) -> Result<(), Failure> {
    let (app, _config, _identity) = setup::open(&args.dir, Box::new(|| ()))?;
    let issued = app.issue_token(&args.login, Millis::hours(args.hours)).map_err(explain)?;
    app.close();
    let json = json!({ "token": issued.secret.as_str(), "expires": issued.expires.to_string() });
    ui.result(
        &json,
        &[format!("MITHAQ_TOKEN={}", issued.secret.as_str()), format!("until {}", issued.expires)],
    )
}
