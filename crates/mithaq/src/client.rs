//! Commands that are calls of a node's API.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value as Json, json};

use crate::http::Api;
use crate::import;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// Client address of the node
    #[arg(long, env = "MITHAQ_NODE", default_value = "http://127.0.0.1:7402")]
    node: String,
    /// Token of the caller; better in the environment than on the command line
    #[arg(long, env = "MITHAQ_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl NodeArgs {
    pub(crate) fn api(&self, ui: Ui) -> Result<Api, Failure> {
        Api::new(&self.node, self.token.clone(), ui.lang.code())
    }

    /// Calls and prints the answer.
    pub(crate) fn print(
        &self,
        ui: Ui,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<(), Failure> {
        let answer = block_on(async { self.api(ui)?.json(method, path, body).await })?;
        show(ui, &answer)
    }

    /// Sends bytes and prints that it is done.
    pub(crate) fn send(&self, ui: Ui, path: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        block_on(async { self.api(ui)?.bytes(Method::POST, path, "application/cbor", bytes).await })?;
        show(ui, &Json::Null)
    }
}

/// Runs one call.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

pub(crate) fn show(ui: Ui, answer: &Json) -> Result<(), Failure> {
    let lines = match answer {
        Json::Null => vec!["done".to_owned()],
        Json::Array(rows) if rows.is_empty() => vec!["nothing".to_owned()],
        Json::Array(rows) => rows.iter().map(row).collect(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            serde_json::to_string_pretty(answer)
                .map_err(anyhow::Error::from)?
                .lines()
                .map(ToOwned::to_owned)
                .collect()
        }
    };
    ui.result(answer, &lines)
}

/// One object on one line: what people scan lists for.
fn row(json: &Json) -> String {
    let Json::Object(fields) = json else { return json.to_string() };
    let shown = fields.iter().map(|(key, value)| match value.as_str() {
        Some(text) => format!("{key}={text}"),
        None => format!("{key}={value}"),
    });
    shown.collect::<Vec<_>>().join("  ")
}

#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// Open a case; the body as for POST /api/v1/cases
    Open(Body),
    /// List your cases
    List(NodeArgs),
    /// Assign an officer
    Assign {
        /// Case
        case: String,
        /// Officer
        officer: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Close a case
    Close {
        /// Case
        case: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Body {
    /// JSON body: a file, or `-` for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    body: PathBuf,
    #[command(flatten)]
    node: NodeArgs,
}

impl Body {
    pub(crate) fn json(&self) -> Result<Json, Failure> {
        let mut text = String::new();
        if self.body.as_os_str() == "-" {
            std::io::stdin().lock().read_to_string(&mut text)?;
        } else {
            text = std::fs::read_to_string(&self.body)?;
        }
        serde_json::from_str(&text).map_err(|error| {
            Failure::new(Exit::Usage, "cli.body", format!("the body is no JSON: {error}"))
                .hint("docs/reference/openapi.json says what each call takes")
        })
    }

    pub(crate) fn post(&self, ui: Ui, path: &str) -> Result<(), Failure> {
        self.node.print(ui, Method::POST, path, Some(&self.json()?))
    }
}

pub(crate) fn case(command: &CaseCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        CaseCommand::Open(body) => body.post(ui, "/api/v1/cases"),
        CaseCommand::List(node) => node.print(ui, Method::GET, "/api/v1/cases", None),
        CaseCommand::Assign { case, officer, node } => node.print(
            ui,
            Method::POST,
            &format!("/api/v1/cases/{case}/officers"),
            Some(&json!({ "officer": officer })),
        ),
        CaseCommand::Close { case, node } => {
            node.print(ui, Method::POST, &format!("/api/v1/cases/{case}/close"), Some(&json!({})))
        }
    }
}

#[derive(Debug, Args, Clone)]
pub(crate) struct Reason {
    /// Case
    #[arg(long)]
    case: String,
    /// Purpose, one the case was opened for
    #[arg(long, default_value = "investigate")]
    purpose: String,
    /// Why, in a few words; kept for oversight
    #[arg(long)]
    reason: String,
}

impl Reason {
    fn why(&self, ui: Ui) -> Json {
        json!({ "purpose": self.purpose, "reason": { "lang": ui.lang.code(), "text": self.reason } })
    }

    pub(crate) fn in_case(&self, ui: Ui) -> Json {
        json!({ "why": self.why(ui), "case": self.case })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubjectCommand {
    /// Write subjects into a case; the body as for POST /api/v1/cases/{case}/subjects
    Add {
        /// Case
        case: String,
        #[command(flatten)]
        body: Body,
    },
    /// Search inside a case: at least two parts of a name, or a document number
    Search {
        #[command(flatten)]
        reason: Reason,
        /// Name, in any script
        #[arg(long)]
        name: Option<String>,
        /// Document number
        #[arg(long)]
        document: Option<String>,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Read one subject of a case
    Read {
        /// Subject
        subject: String,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Import the UN Security Council consolidated list (XML, as published) into a case
    Import {
        /// List file
        file: PathBuf,
        /// Case
        #[arg(long)]
        case: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

pub(crate) fn subject(command: &SubjectCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        SubjectCommand::Add { case, body } => body.post(ui, &format!("/api/v1/cases/{case}/subjects")),
        SubjectCommand::Search { reason, name, document, node } => {
            let line =
                |text: &Option<String>| text.as_ref().map(|text| json!({ "lang": "und", "text": text }));
            let body = json!({ "why": reason.why(ui), "name": line(name), "document": line(document) });
            node.print(ui, Method::POST, &format!("/api/v1/cases/{}/search", reason.case), Some(&body))
        }
        SubjectCommand::Read { subject, reason, node } => {
            let path = format!("/api/v1/cases/{}/subjects/{subject}/read", reason.case);
            node.print(ui, Method::POST, &path, Some(&reason.why(ui)))
        }
        SubjectCommand::Import { file, case, node } => {
            let done = block_on(async { import::into_case(&node.api(ui)?, case, file).await })?;
            ui.result(&done.0, &core::iter::once(done.to_string()).chain(done.losses()).collect::<Vec<_>>())
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Write a draft; the body as for POST /api/v1/reports
    Draft(Body),
    /// Grade a draft
    Grade {
        /// Report
        id: String,
        /// Grade, for example 4x4:B2
        grade: String,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Review what somebody else wrote
    Review(Acted),
    /// Approve the release, as one of two persons
    Approve(Named),
    /// Release reports that two persons approved
    Release {
        /// Reports
        #[arg(required = true)]
        ids: Vec<String>,
        /// The offence is capital where the recipient is
        #[arg(long)]
        capital_offence: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Read a report in a case
    Read(Acted),
    /// Write the next version of a released report; the body as for POST /api/v1/reports/{id}/correct
    Correct {
        /// Report
        id: String,
        #[command(flatten)]
        body: Body,
    },
    /// Change a draft that has not left; the body as for POST /api/v1/reports/{id}/revise
    Revise {
        /// Report
        id: String,
        #[command(flatten)]
        body: Body,
    },
    /// Set an earlier last day, here and at every recipient
    Expire {
        /// Report
        id: String,
        /// Last day of use, after today and before the one it has
        #[arg(long, value_name = "DATE")]
        on: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Take a released report back from every recipient
    Recall {
        /// Report
        id: String,
        /// originator, inaccurate, retention, court, rights or misdirected
        #[arg(long, default_value = "originator")]
        reason: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List reports in a state, without content
    List {
        /// State, for example acknowledged, in_use, quarantined
        state: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show to whom a report went and what each recipient has signed
    Receipts(Named),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Report
    id: String,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Acted {
    /// Report
    id: String,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    node: NodeArgs,
}

pub(crate) fn report(command: &ReportCommand, ui: Ui) -> Result<(), Failure> {
    let path = |id: &str, what: &str| format!("/api/v1/reports/{id}/{what}");
    match command {
        ReportCommand::Draft(body) => body.post(ui, "/api/v1/reports"),
        ReportCommand::Grade { id, grade, reason, node } => {
            let body = json!({ "why": reason.why(ui), "case": reason.case, "grade": grade });
            node.print(ui, Method::POST, &path(id, "grade"), Some(&body))
        }
        ReportCommand::Review(acted) => {
            acted.node.print(ui, Method::POST, &path(&acted.id, "review"), Some(&acted.reason.in_case(ui)))
        }
        ReportCommand::Read(acted) => {
            acted.node.print(ui, Method::POST, &path(&acted.id, "read"), Some(&acted.reason.in_case(ui)))
        }
        ReportCommand::Approve(named) => {
            named.node.print(ui, Method::POST, &path(&named.id, "approve"), Some(&json!({})))
        }
        ReportCommand::Receipts(named) => {
            named.node.print(ui, Method::GET, &path(&named.id, "receipts"), None)
        }
        ReportCommand::Correct { id, body } => body.post(ui, &path(id, "correct")),
        ReportCommand::Revise { id, body } => body.post(ui, &path(id, "revise")),
        ReportCommand::Expire { id, on, node } => {
            node.print(ui, Method::POST, &path(id, "expiry"), Some(&json!({ "expires": on })))
        }
        ReportCommand::Recall { id, reason, node } => {
            node.print(ui, Method::POST, &path(id, "recall"), Some(&json!({ "reason": reason })))
        }
        ReportCommand::List { state, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/reports?state={state}"), None)
        }
        ReportCommand::Release { ids, capital_offence, node } => release(ids, *capital_offence, node, ui),
    }
}

/// A refusal is an answer of its own with its own exit code.
fn release(ids: &[String], capital_offence: bool, node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let body = json!({ "reports": ids, "stated": { "capital_offence": capital_offence } });
    let answer = block_on(async { node.api(ui)?.post("/api/v1/reports/release", &body).await })?;
    show(ui, &answer)?;
    let rows = answer.as_array().cloned().unwrap_or_default();
    let refused = rows.iter().filter(|row| row.get("sent") == Some(&Json::Bool(false))).count();
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        "release.refused",
        format!("the rules refused {refused} of {} reports", rows.len()),
    )
    .hint("step, clause and reason stand beside each"))
}

#[derive(Debug, Subcommand)]
pub(crate) enum OfficerCommand {
    /// Add an officer; the body as for POST /api/v1/officers
    Add(Body),
    /// List officers
    List(NodeArgs),
    /// Lock an officer out, at once
    Lock {
        /// Officer
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

pub(crate) fn officer(command: &OfficerCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        OfficerCommand::Add(body) => body.post(ui, "/api/v1/officers"),
        OfficerCommand::List(node) => node.print(ui, Method::GET, "/api/v1/officers", None),
        OfficerCommand::Lock { id, node } => {
            node.print(ui, Method::POST, &format!("/api/v1/officers/{id}/lock"), Some(&json!({})))
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PartnerCommand {
    /// Take a partner's manifest into the node
    Manifest {
        /// Party
        party: String,
        /// Manifest file
        file: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Write this node's own manifest to a file, to be given to partners
    OwnManifest {
        /// Where to write it
        out: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Enter a transfer-risk assessment; the body as for POST /api/v1/partners/{party}/assessments
    Assess {
        /// Party
        party: String,
        #[command(flatten)]
        body: Body,
    },
}

pub(crate) fn partner(command: &PartnerCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        PartnerCommand::Manifest { party, file, node } => {
            node.send(ui, &format!("/api/v1/partners/{party}/manifest"), std::fs::read(file)?)
        }
        PartnerCommand::Assess { party, body } => {
            body.post(ui, &format!("/api/v1/partners/{party}/assessments"))
        }
        PartnerCommand::OwnManifest { out, node } => {
            let bytes = block_on(async {
                node.api(ui)?.bytes(Method::GET, "/api/v1/manifest", "application/json", Vec::new()).await
            })?;
            std::fs::write(out, bytes)?;
            ui.result(&json!({ "out": out }), &[format!("{}", out.display())])
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Export an evidence bundle, to be checked with `mithaq verify`
    Export {
        /// Where to write it (`.mxe`)
        out: PathBuf,
        /// Everything: what is missing can then be said
        #[arg(long)]
        all: bool,
        /// Entries about a report or other object
        #[arg(long, conflicts_with = "all")]
        object: Option<String>,
        /// Entries of a case
        #[arg(long, conflicts_with_all = ["all", "object"])]
        case: Option<String>,
        /// Entries under an agreement
        #[arg(long, conflicts_with_all = ["all", "object", "case"])]
        agreement: Option<String>,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show the last checkpoint and the key of the log
    Log(NodeArgs),
}

pub(crate) fn evidence(command: &EvidenceCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        EvidenceCommand::Log(node) => node.print(ui, Method::GET, "/api/v1/log", None),
        EvidenceCommand::Export { out, all, object, case, agreement, node } => {
            let body = match (all, object, case, agreement) {
                (true, None, None, None) => json!({ "extent": "all" }),
                (false, Some(object), None, None) => json!({ "extent": "object", "id": object }),
                (false, None, Some(case), None) => json!({ "extent": "case", "id": case }),
                (false, None, None, Some(id)) => json!({ "extent": "agreement", "id": id }),
                _none => {
                    return Err(Failure::new(
                        Exit::Usage,
                        "evidence.extent",
                        "say which entries: --all, --object, --case or --agreement",
                    ));
                }
            };
            let sent = body.to_string().into_bytes();
            let bytes = block_on(async {
                node.api(ui)?.bytes(Method::POST, "/api/v1/evidence", "application/json", sent).await
            })?;
            std::fs::write(out, &bytes)?;
            ui.result(
                &json!({ "out": out, "bytes": bytes.len() }),
                &[format!("{} ({} bytes)", out.display(), bytes.len())],
            )
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Show how large the log is, up to where it is signed, and up to where enough partners countersigned
    Status(NodeArgs),
    /// Show each partner and the size it countersigned last
    Witnesses(NodeArgs),
}

pub(crate) fn ledger(command: &LedgerCommand, ui: Ui) -> Result<(), Failure> {
    let (node, witnesses) = match command {
        LedgerCommand::Status(node) => (node, false),
        LedgerCommand::Witnesses(node) => (node, true),
    };
    let answer = block_on(async { node.api(ui)?.get("/api/v1/log").await })?;
    let text = |json: &Json, key: &str| match json.get(key) {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    let rows = answer.get("witnesses").and_then(Json::as_array).cloned().unwrap_or_default();
    if witnesses {
        let line = |row: &Json| {
            let (party, size, at) = (text(row, "party"), text(row, "size"), text(row, "at"));
            format!("{party:<24} {size:>10}  {at}  {}", text(row, "refused"))
        };
        return ui.result(&Json::Array(rows.clone()), &rows.iter().map(line).collect::<Vec<_>>());
    }
    let lines = ["origin", "size", "signed", "countersigned", "quorum", "key", "halted"]
        .map(|key| format!("{key:<14} {}", text(&answer, key)));
    ui.result(&answer, &lines)
}
