//! `mithaq keys`: what a node signs with, over time. Two commands work on files where the root is, offline; the others
//! ask the node. Nothing changes for a node before two persons let in what the root signed.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use hyper::Method;
use mithaq_envelope::{Distrust, RootSigner as _, sign_distrust, sign_manifest};
use mithaq_model::{Days, PartyId};
use mithaq_node::setup::{self, hex};
use mithaq_node::{Next, prepare as prepare_keys};
use mithaq_wire::decode_manifest;
use serde_json::{Value as Json, json};

use crate::agreement::unlock_root;
use crate::client::{NodeArgs, block_on};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show this node's keys, what waits for its second person, and when the keys end
    Status(NodeArgs),
    /// Show the keys of partners: manifests, what their roots distrust, whether they have our newest manifest
    Partners(NodeArgs),
    /// Make new keys beside the others and the manifest that names them, for the root to sign
    Prepare {
        /// Directory of the node
        dir: PathBuf,
        /// Where to write the request
        #[arg(long)]
        out: PathBuf,
        /// Address the manifest tells partners from then on; empty: the node accepts no connection [default: as before]
        #[arg(long)]
        endpoint: Option<String>,
        /// How many days it is valid
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=1095))]
        days: u16,
        /// Change only what the manifest says of the node, not its keys
        #[arg(long)]
        same_keys: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Sign a request with the root, where the root is; needs no node and no network
    Sign {
        /// Request, as `prepare` wrote it
        request: PathBuf,
        /// Directory with `root.mxk` and what unlocks it
        #[arg(long)]
        root: PathBuf,
        /// Where to write the signed manifest
        #[arg(long)]
        out: PathBuf,
    },
    /// Say with the root that a key is not trusted from a size of the log on; needs no node and no network
    Distrust {
        /// Party whose key and root it is
        #[arg(long)]
        party: String,
        /// Key in hexadecimal digits: node key, seal key or TLS pin, as `status` shows it
        #[arg(long)]
        key: String,
        /// Checkpoint of the party's log, as `checkpoint` writes it: entries below its size are trusted still
        #[arg(long)]
        checkpoint: PathBuf,
        /// Directory with `root.mxk` and what unlocks it
        #[arg(long)]
        root: PathBuf,
        /// Where to write the signed statement
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the last checkpoint that the log signed up to a size, for `distrust`
    Checkpoint {
        /// Size of the log up to which the key is trusted [default: now]
        #[arg(long)]
        size: Option<u64>,
        /// Where to write it
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Bring what the root signed to the node, as the first of two persons (security officer)
    Install {
        /// Signed manifest or statement
        file: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show logs of partners that wait for two persons: begun anew after a loss, or with two histories
    Logs(NodeArgs),
    /// Say, as one of two persons (security officer, supervisor), what becomes of a partner's log
    JudgeLog {
        /// Partner
        party: String,
        /// `accept` a successor; of two histories `keep` the one that is held here, or `adopt` the other
        #[arg(value_parser = ["accept", "keep", "adopt"])]
        ruling: String,
        /// Name of the log, as `logs` shows it
        #[arg(long)]
        log: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Let it into force, as the second of two persons (supervisor)
    Confirm {
        /// Number, as `install` and `status` show it
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

pub(crate) fn run(command: &KeysCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        KeysCommand::Status(node) => status(node, ui),
        KeysCommand::Partners(node) => partners(node, ui),
        KeysCommand::Prepare { dir, out, endpoint, days, same_keys, node } => {
            let next = Next {
                last: own_manifest(node, ui)?,
                endpoint: endpoint.clone(),
                valid: Days(u32::from(*days)),
                new_keys: !same_keys,
                log_key: ask(node, ui)?.get("log_key").and_then(Json::as_str).map(str::to_owned),
            };
            prepare((dir, out), &next, ui)
        }
        KeysCommand::Sign { request, root, out } => sign(request, root, out, ui),
        KeysCommand::Distrust { party, key, checkpoint, root, out } => {
            distrust((party, key), checkpoint, (root, out), ui)
        }
        KeysCommand::Checkpoint { size, out, node } => checkpoint(*size, out, node, ui),
        KeysCommand::Install { file, node } => install(file, node, ui),
        KeysCommand::Logs(node) => logs(node, ui),
        KeysCommand::JudgeLog { party, ruling, log, node } => judge_log((party, log), ruling, node, ui),
        KeysCommand::Confirm { id, node } => {
            let path = format!("/api/v1/keys/proposals/{id}/confirm");
            let waits = ask(node, ui).ok().and_then(|keys| keys.get("waiting").cloned());
            let paper = waits.map(|waits| text(&waits, "paper").to_owned());
            block_on(async { node.api(ui)?.post(&path, &json!({})).await })?;
            let (now, told) = if paper.as_deref() == Some("distrust") {
                ("what the key signed from the named entry on counts no more", "who has the statement")
            } else {
                ("the node signs with it from now on", "who has it")
            };
            ui.result(
                &json!({ "installed": id, "paper": paper }),
                &[
                    format!("{id} is in force: {now}"),
                    format!("partners are told now; `mithaq keys partners` shows {told}"),
                ],
            )
        }
    }
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap_or("-")
}

fn number(json: &Json, key: &str) -> u64 {
    json.get(key).and_then(Json::as_u64).unwrap_or(0)
}

fn list<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn ask(node: &NodeArgs, ui: Ui) -> Result<Json, Failure> {
    block_on(async { node.api(ui)?.get("/api/v1/keys").await })
}

/// The manifests and statements of one party, one a line.
fn party_lines(party: &Json) -> Vec<String> {
    let mut lines = Vec::new();
    for one in list(party, "manifests") {
        let (number, to, standing) = (number(one, "number"), text(one, "valid_to"), text(one, "standing"));
        lines.push(format!("  manifest {number}  until {to}  {standing}"));
        lines.push(format!("    node key  {}", text(one, "node_key")));
        let seals = list(one, "seal_keys").iter().filter_map(Json::as_str);
        lines.extend(seals.map(|key| format!("    seal key  {key}")));
        lines.push(format!("    TLS pin   {}", text(one, "tls_pin")));
        let reached = list(one, "endpoints").iter().filter_map(Json::as_str);
        lines.extend(reached.map(|place| format!("    reached   {place}")));
    }
    for one in list(party, "distrusts") {
        let (key, log, since) = (text(one, "key"), text(one, "log"), number(one, "since"));
        lines.push(format!("  distrusted  {key}  from entry {since} of {log}"));
    }
    lines
}

fn status(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let answer = ask(node, ui)?;
    let own = answer.get("own").cloned().unwrap_or_default();
    let mut lines = vec![text(&own, "party").to_owned()];
    lines.extend(party_lines(&own));
    if let Some(end) = answer.get("ending").and_then(Json::as_str) {
        lines.push(format!("  the keys end on {end}: next `mithaq keys prepare`"));
    }
    if let Some(waits) = answer.get("waiting").filter(|waits| !waits.is_null()) {
        let (id, paper, of) = (text(waits, "id"), text(waits, "paper"), number(waits, "of"));
        lines.push(format!("  waits: {paper} {of}, brought by {}", text(waits, "by")));
        lines.push(format!("  next: another person says `mithaq keys confirm {id}`"));
    }
    ui.result(&answer, &lines)
}

fn partners(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let answer = ask(node, ui)?;
    let newest =
        answer.get("own").and_then(|own| list(own, "manifests").last()).map(|one| number(one, "number"));
    let newest = newest.unwrap_or(0);
    let mut lines = Vec::new();
    for one in list(&answer, "partners") {
        let has = match number(one, "has_ours") {
            0 => "not known whether it has our manifest".to_owned(),
            has if has >= newest => format!("has our manifest {has}"),
            has => format!("has our manifest {has}, not {newest}: told when it is reached"),
        };
        lines.push(format!("{}  {has}", text(one, "party")));
        lines.extend(party_lines(one));
    }
    if lines.is_empty() {
        lines.push("no partner yet".to_owned());
    }
    ui.result(&json!({ "partners": list(&answer, "partners") }), &lines)
}

fn logs(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let answer = block_on(async { node.api(ui)?.get("/api/v1/keys/logs").await })?;
    let mut lines = Vec::new();
    for one in answer.as_array().map_or(&[][..], Vec::as_slice) {
        let (party, log, held) = (text(one, "party"), text(one, "log"), number(one, "held"));
        let (why, next) = match text(one, "cause") {
            "fork" => ("showed two histories", "keep|adopt"),
            _succession => ("begun anew after a loss, not named by a manifest", "accept"),
        };
        lines.push(format!("{party}  {log}  {why}; held here: {held} entries"));
        let said = list(one, "said");
        lines.extend(
            said.iter().map(|word| format!("  {} said {}", text(word, "role"), text(word, "ruling"))),
        );
        lines.push(format!("  next: mithaq keys judge-log {party} {next} --log {log}"));
    }
    if lines.is_empty() {
        lines.push("no log of a partner waits".to_owned());
    }
    ui.result(&answer, &lines)
}

fn judge_log((party, log): (&str, &str), ruling: &str, node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let path = format!("/api/v1/partners/{party}/log");
    let answer =
        block_on(async { node.api(ui)?.post(&path, &json!({ "log": log, "ruling": ruling })).await })?;
    let settled = answer.get("settled").and_then(Json::as_bool).unwrap_or(false);
    let line = if settled {
        format!("done: {ruling} {log}; it is countersigned from the next time it asks")
    } else {
        format!("{ruling} is noted; next: another person, in the other role, says the same about {log}")
    };
    ui.result(&answer, &[line])
}

fn own_manifest(node: &NodeArgs, ui: Ui) -> Result<Vec<u8>, Failure> {
    block_on(async {
        node.api(ui)?.bytes(Method::GET, "/api/v1/manifest", "application/json", Vec::new()).await
    })
}

fn prepare((dir, out): (&Path, &Path), next: &Next, ui: Ui) -> Result<(), Failure> {
    if out.exists() {
        return Err(Failure::new(Exit::Usage, "keys.out", format!("`{}` is there already", out.display()))
            .hint("give another --out: a request is never overwritten"));
    }
    let made = prepare_keys(dir, next)?;
    mithaq_node::keyfile::write_new(out, &made.request).map_err(anyhow::Error::from)?;
    let json = json!({ "number": made.number, "request": out, "keys": made.file,
        "valid_to": made.valid_to.to_string() });
    let mut lines = vec![format!("manifest {} is prepared, until {}", made.number, made.valid_to)];
    lines.extend(made.file.iter().map(|file| format!("  new keys  {}", file.display())));
    lines.push(format!("  request   {}", out.display()));
    lines.push("next: carry the request to the machine with the root: mithaq keys sign REQUEST --root DIR --out FILE".to_owned());
    ui.result(&json, &lines)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        Failure::new(Exit::Usage, "keys.unreadable", format!("cannot read `{}`: {error}", file.display()))
    })
}

fn sign(request: &Path, root: &Path, out: &Path, ui: Ui) -> Result<(), Failure> {
    let manifest = decode_manifest(&read(request)?).map_err(|_not_ours| {
        Failure::new(Exit::Usage, "keys.request", "this is no request for a manifest")
            .hint("`mithaq keys prepare` writes one, at the node")
    })?;
    let keys = setup::open_root(&root.join(setup::ROOT_FILE), &unlock_root(root)?)?;
    let signed = sign_manifest(&manifest, &keys).map_err(anyhow::Error::from)?;
    mithaq_node::keyfile::write_new(out, &signed).map_err(anyhow::Error::from)?;
    let fingerprint = hex(&keys.root_keys().fingerprint());
    let json = json!({ "party": manifest.party.as_str(), "number": manifest.number, "out": out,
        "valid_to": manifest.valid_to.to_string(), "node_key": hex(&manifest.node_key),
        "endpoints": manifest.endpoints, "root": fingerprint });
    ui.result(
        &json,
        &[
            format!(
                "signed: manifest {} of {}, until {}",
                manifest.number, manifest.party, manifest.valid_to
            ),
            format!("  node key  {}", hex(&manifest.node_key)),
            format!("  reached   {}", manifest.endpoints.join(" ")),
            format!("  root      {fingerprint}"),
            format!("next: carry {} back; the security officer: mithaq keys install FILE", out.display()),
        ],
    )
}

fn distrust(
    (party, key): (&str, &str),
    note: &Path,
    (root, out): (&Path, &Path),
    ui: Ui,
) -> Result<(), Failure> {
    let party = PartyId::new(party).map_err(anyhow::Error::from)?;
    let note = read(note)?;
    let (log, since) = size_of(&note).ok_or_else(|| {
        Failure::new(Exit::Usage, "keys.checkpoint", "this is no checkpoint of a log")
            .hint("`mithaq keys checkpoint` writes one, at the node")
    })?;
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok();
    let key: [u8; 32] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Failure::new(Exit::Usage, "keys.key", "a key is 64 hexadecimal digits")
            .hint("`mithaq keys status` shows the keys of the node")
    })?;
    let keys = setup::open_root(&root.join(setup::ROOT_FILE), &unlock_root(root)?)?;
    let at = mithaq_app::ports::Clock::now(&mithaq_node::SystemClock);
    let statement = Distrust { party: party.clone(), key, log, since, at, checkpoint: note };
    let signed = sign_distrust(&statement, &keys).map_err(anyhow::Error::from)?;
    mithaq_node::keyfile::write_new(out, &signed).map_err(anyhow::Error::from)?;
    let json = json!({ "party": party.as_str(), "key": hex(&key), "log": statement.log, "since": since, "out": out });
    ui.result(
        &json,
        &[
            format!(
                "signed: {party} does not trust {} from entry {since} of {} on",
                hex(&key),
                statement.log
            ),
            format!(
                "next: carry {} to the node; the security officer: mithaq keys install FILE",
                out.display()
            ),
        ],
    )
}

/// Name and size a checkpoint begins with.
fn size_of(note: &[u8]) -> Option<(String, u64)> {
    let mut lines = core::str::from_utf8(note).ok()?.lines();
    Some((lines.next()?.to_owned(), lines.next()?.parse().ok()?))
}

fn checkpoint(size: Option<u64>, out: &Path, node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let path = size.map_or_else(
        || "/api/v1/keys/checkpoint".to_owned(),
        |size| format!("/api/v1/keys/checkpoint?size={size}"),
    );
    let note =
        block_on(async { node.api(ui)?.bytes(Method::GET, &path, "application/json", Vec::new()).await })?;
    let (log, size) = size_of(&note)
        .ok_or_else(|| Failure::new(Exit::Failed, "cli.answer", "the node's answer is no checkpoint"))?;
    mithaq_node::keyfile::write_new(out, &note).map_err(anyhow::Error::from)?;
    ui.result(
        &json!({ "log": log, "size": size, "out": out }),
        &[
            format!("{log} at {size} entries, as it was signed: {}", out.display()),
            "next: carry it to the machine with the root: mithaq keys distrust --checkpoint FILE …"
                .to_owned(),
        ],
    )
}

fn install(file: &Path, node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let bytes = read(file)?;
    let answer = block_on(async {
        let sent =
            node.api(ui)?.bytes(Method::POST, "/api/v1/keys/proposals", "application/cbor", bytes).await?;
        serde_json::from_slice::<Json>(&sent)
            .map_err(|_no_json| Failure::new(Exit::Failed, "cli.answer", "the node's answer is no JSON"))
    })?;
    let (id, paper, of) = (text(&answer, "id"), text(&answer, "paper"), number(&answer, "of"));
    ui.result(
        &answer,
        &[
            format!("{paper} {of} waits as {id}"),
            format!("next: another person, a supervisor, says within three days: mithaq keys confirm {id}"),
        ],
    )
}
