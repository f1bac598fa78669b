//! `mithaq agreement …`: files are written, checked, explained and signed offline; what changes a node goes
//! through its API.

mod explain;
mod labels;
mod request;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use hyper::Method;
use mithaq_envelope::{RootSigner as _, sign_agreement};
use mithaq_model::{PartyId, Timestamp};
use mithaq_node::config::Config;
use mithaq_node::keyfile::Unlock;
use mithaq_node::setup;
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_policy::{Agreement, AgreementError, Rules};
use serde_json::json;

use crate::client::NodeArgs;
use crate::rights::GroundArgs;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum AgreementCommand {
    /// Write a first agreement file, complete and commented
    New {
        /// A party as `name:STATE:root-fingerprint`; give it for each party
        #[arg(long = "party", required = true, value_name = "NAME:STATE:ROOT")]
        parties: Vec<String>,
        /// First day in force
        #[arg(long, value_name = "DATE")]
        from: String,
    },
    /// Check a file and print its number
    Check {
        /// Agreement file
        file: PathBuf,
    },
    /// Say an agreement clause by clause: what it allows (+) and refuses (-)
    Explain {
        /// Agreement file
        file: PathBuf,
        /// Walk the seventeen steps of the release decision for this request (JSON; docs/guides/agreement.md)
        #[arg(long, value_name = "REQUEST")]
        request: Option<PathBuf>,
    },
    /// Sign a file with the offline root; writes the signature to a file
    Sign {
        /// Agreement file
        file: PathBuf,
        /// Directory that holds `root.mxk` and what unlocks it
        #[arg(long)]
        root: PathBuf,
        /// Party that signs
        #[arg(long)]
        party: String,
        /// Office of who signs
        #[arg(long, default_value = "Head of service")]
        office: String,
        /// Where to write the signature
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take an agreement file into the node
    Add {
        /// Agreement file
        file: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Take a signature, your own or the partner's, into the node
    Countersign {
        /// Signature file
        signature: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Put an agreement that all signed into force
    Activate {
        /// Number of the agreement
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Stop all flows at once; duties stay
    Suspend {
        /// Number of the agreement
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Say, as legal adviser or data-protection officer, that a suspended agreement may go on
    AgreeResume {
        /// Number of the agreement
        id: String,
        #[command(flatten)]
        ground: GroundArgs,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Let flows go on after a suspension; adviser and data-protection officer agree first (agree-resume)
    Resume {
        /// Number of the agreement
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// End an agreement; duties survive
    Terminate {
        /// Number of the agreement
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List the agreements of the node
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show that a rule set stays inside the safeguards for every request (needs cvc5)
    Prove {
        /// Agreement file
        file: PathBuf,
    },
}

pub(crate) fn run(command: &AgreementCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        AgreementCommand::New { parties, from } => new(parties, from, ui),
        AgreementCommand::Check { file } => check(file, ui),
        AgreementCommand::Explain { file, request: None } => explain(file, ui),
        AgreementCommand::Explain { file, request: Some(request) } => explain_request(file, request, ui),
        AgreementCommand::Sign { file, root, party, office, out } => {
            sign(file, root, (party, office), out, ui)
        }
        AgreementCommand::Prove { file } => prove(file, ui),
        AgreementCommand::Add { file, node } => {
            let text = read(file)?;
            node.print(ui, Method::POST, "/api/v1/agreements", Some(&json!({ "text": text })))
        }
        AgreementCommand::Countersign { signature, node } => {
            let bytes = std::fs::read(signature)?;
            node.send(ui, "/api/v1/agreements/signatures", bytes)
        }
        AgreementCommand::Activate { id, node } => step(id, "activate", node, ui),
        AgreementCommand::Suspend { id, node } => step(id, "suspend", node, ui),
        AgreementCommand::AgreeResume { id, ground, node } => {
            let path = format!("/api/v1/agreements/{id}/agree-resume");
            node.print(ui, Method::POST, &path, Some(&ground.body(ui)))
        }
        AgreementCommand::Resume { id, node } => step(id, "resume", node, ui),
        AgreementCommand::Terminate { id, node } => step(id, "terminate", node, ui),
        AgreementCommand::List { node } => node.print(ui, Method::GET, "/api/v1/agreements", None),
    }
}

fn step(id: &str, step: &str, node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    node.print(ui, Method::POST, &format!("/api/v1/agreements/{id}/steps"), Some(&json!({ "step": step })))
}

fn new(parties: &[String], from: &str, ui: Ui) -> Result<(), Failure> {
    let usage =
        |text: &str| Failure::new(Exit::Usage, "agreement.party", format!("`{text}` is not NAME:STATE:ROOT"));
    let mut members = Vec::new();
    for text in parties {
        let mut parts = text.split(':');
        let (Some(name), Some(state), Some(root)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(usage(text));
        };
        let id = PartyId::new(name).map_err(|_malformed| usage(text))?;
        let root: [u8; 32] = data_encoding::HEXLOWER
            .decode(root.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| usage(text).hint("`mithaq init` printed the root fingerprint; ask the partner for theirs by another channel"))?;
        members.push(TemplateParty { id, state: state.to_owned(), root });
    }
    let from = Timestamp::parse(from)
        .ok_or_else(|| Failure::new(Exit::Usage, "agreement.from", "write the day as 2026-11-24"))?;
    let text = template(&members, from);
    parse(&text)?;
    ui.result(&json!({ "text": text }), &[text.trim_end().to_owned()])
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        Failure::new(
            Exit::Usage,
            "agreement.unreadable",
            format!("cannot read `{}`: {error}", file.display()),
        )
    })
}

fn parse(text: &str) -> Result<Agreement, Failure> {
    Agreement::parse(text).map_err(|error| {
        let failure = Failure::new(Exit::Usage, "agreement.invalid", error.to_string());
        match error {
            AgreementError::Field { .. } | AgreementError::Toml { .. } => {
                failure.hint("`docs/guides/agreement.md` says what each field may hold")
            }
            AgreementError::Text(_) | _ => failure,
        }
    })
}

fn check(file: &Path, ui: Ui) -> Result<(), Failure> {
    let agreement = parse(&read(file)?)?;
    Rules::compile(&agreement).map_err(anyhow::Error::from)?;
    let parties: Vec<&str> = agreement.parties.iter().map(|party| party.id.as_str()).collect();
    let json = json!({ "id": agreement.id().to_string(), "parties": parties, "version": agreement.version });
    ui.result(&json, &[format!("good: {}", agreement.id()), format!("  between {}", parties.join(", "))])
}

fn explain(file: &Path, ui: Ui) -> Result<(), Failure> {
    let agreement = parse(&read(file)?)?;
    ui.result(&explain::document(&agreement, ui.lang), &explain::lines(&agreement, ui.lang))
}

/// A refusal is an answer of its own with its own exit code.
fn explain_request(file: &Path, request: &Path, ui: Ui) -> Result<(), Failure> {
    let rules = Rules::compile(&parse(&read(file)?)?).map_err(anyhow::Error::from)?;
    let steps = request::steps(&rules, &read(request)?, ui.lang)?;
    let (lines, permitted) = request::lines(&steps, ui.lang);
    let verdict = if permitted {
        Ok(())
    } else {
        Err(Failure::new(Exit::Refused, "explain.refused", "the rules refuse this request"))
    };
    ui.judged(request::document(&steps, ui.lang), &lines, verdict)
}

fn sign(file: &Path, root: &Path, (party, office): (&str, &str), out: &Path, ui: Ui) -> Result<(), Failure> {
    let agreement = parse(&read(file)?)?;
    let party = PartyId::new(party).map_err(anyhow::Error::from)?;
    let named = agreement.party(&party).ok_or_else(|| {
        Failure::new(Exit::Usage, "agreement.no_party", format!("`{party}` is no party of this agreement"))
    })?;
    let unlock = unlock_root(root)?;
    let keys = setup::open_root(&root.join(setup::ROOT_FILE), &unlock)?;
    if keys.root_keys().fingerprint() != named.root {
        return Err(Failure::new(
            Exit::Usage,
            "agreement.root",
            "this root key is not the one the agreement names",
        )
        .hint("compare the fingerprint that `mithaq init` printed with the field `root` of the party"));
    }
    let now = mithaq_app::ports::Clock::now(&mithaq_node::SystemClock);
    let signature =
        sign_agreement((agreement.id(), &party), office, now, &keys).map_err(anyhow::Error::from)?;
    mithaq_node::keyfile::write_new(out, &signature).map_err(anyhow::Error::from)?;
    let json = json!({ "id": agreement.id().to_string(), "party": party.as_str(), "out": out });
    ui.result(&json, &[format!("{party} signed {}", agreement.id()), format!("  {}", out.display())])
}

pub(crate) fn unlock_root(directory: &Path) -> Result<Unlock, Failure> {
    if let Ok(config) = Config::load(directory) {
        return Ok(setup::unlock(directory, &config)?);
    }
    let file = directory.join("unlock.key");
    Ok(Unlock::from_file(&file).map_err(anyhow::Error::from)?)
}

fn prove(file: &Path, ui: Ui) -> Result<(), Failure> {
    let agreement = parse(&read(file)?)?;
    let rules = Rules::compile(&agreement).map_err(anyhow::Error::from)?;
    let report = mithaq_prove::prove(&rules).map_err(|error| {
        Failure::new(Exit::Failed, "agreement.prove", error.to_string())
            .hint("install the solver: `apt-get install cvc5`")
    })?;
    let broken: Vec<String> = report
        .safeguards
        .iter()
        .filter_map(|one| {
            one.broken_by.as_ref().map(|request| format!("{} ({}): {request}", one.id, one.limit))
        })
        .collect();
    let json = json!({ "holds": report.holds(), "safeguards": report.safeguards.len(), "broken": broken });
    if report.holds() {
        return ui.result(
            &json,
            &[format!("proved: all {} safeguards hold for every request", report.safeguards.len())],
        );
    }
    let unsafe_rules =
        Failure::new(Exit::NotVerified, "agreement.unsafe", "the rule set leaves the safeguards");
    ui.judged(json, &broken, Err(unsafe_rules))
}
