//! `mithaq check`: private checks, from the tag set to the figures.

pub(crate) mod attack;
mod budget;
mod event;
mod shown;
mod standing;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use data_encoding::HEXLOWER;
use hyper::Method;
use mithaq_check::TokenPolicy;
use serde_json::{Value as Json, json};

use crate::client::{NodeArgs, Reason, block_on};
use crate::courier::write_new;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Write a check as a draft: does the partner know these persons?
    Ask {
        /// Persons of the case, by number; all of one class
        #[arg(required = true)]
        subjects: Vec<String>,
        /// Agreement
        #[arg(long, required_unless_present = "to", requires = "partner")]
        agreement: Option<String>,
        /// Who is asked
        #[arg(long, required_unless_present = "to", requires = "agreement")]
        partner: Option<String>,
        /// Several partners at once, in the place of the two above: AGREEMENT:PARTNER, once for each
        #[arg(long, value_name = "AGREEMENT:PARTNER", conflicts_with_all = ["agreement", "partner"])]
        to: Vec<String>,
        /// Class of the persons, a code
        #[arg(long, default_value = "suspect_committed")]
        class: String,
        /// Reference of the warrant: for wanted persons, and for a standing check
        #[arg(long)]
        warrant: Option<String>,
        #[command(flatten)]
        stays: standing::Stays,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Authorise a check that somebody else wrote, as supervisor: it is charged, logged and sent
    Authorise {
        /// The number is that of a question to several partners: whatever is left of it is authorised
        #[arg(long)]
        joint: bool,
        #[command(flatten)]
        check: InCase,
    },
    /// Standing checks: renew, authorise a renewal, take back
    #[command(subcommand)]
    Standing(standing::StandingCommand),
    /// Planned actions: do they meet a partner's? Only a conflict and whom to call
    #[command(subcommand)]
    Event(event::EventCommand),
    /// List the newest checks, without persons
    List {
        /// `own` (asked here) or `received`
        #[arg(default_value = "own", value_parser = ["own", "received"])]
        direction: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show where a check stands, with its candidates and what to do next
    #[command(visible_alias = "status")]
    Show(Because),
    /// Begin to compare a candidate: the partner is shown years of birth and sex, nothing else
    Compare(Candidate),
    /// Say that a candidate is the same person
    Confirm(Candidate),
    /// Say that a candidate is another person; it counts in the figures
    Reject {
        #[command(flatten)]
        candidate: Candidate,
        /// The person was cleared as another one, at whatever stage
        #[arg(long)]
        cleared: bool,
    },
    /// Take back every rejection of a person of a case: the next question that hits has people compare again
    Reconsider {
        /// Person of the case, by number
        subject: String,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Say that a report went to the partner by the ordinary release
    Released {
        #[command(flatten)]
        candidate: Candidate,
        /// Report
        #[arg(long)]
        report: String,
    },
    /// Release nothing, on a ground of the agreement's list
    Refuse {
        #[command(flatten)]
        candidate: Candidate,
        /// Ground, R01 to R22
        #[arg(long)]
        ground: String,
    },
    /// Close a check that has its outcome: salts, tokens and handles are destroyed
    Close {
        /// Check
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Open what a check asked, for oversight: `mithaq verify BUNDLE --opening FILE` compares it with either side's log
    Opening {
        #[command(flatten)]
        one: Because,
        /// Write it here; it must not exist. It names whom you asked about to who can guess: keep it as you keep a file
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The published figures: counts, small ones not shown (null), and the share of false hits
    Figures {
        /// First day, for example 2026-01-01
        #[arg(long)]
        from: String,
        /// Until before this day
        #[arg(long)]
        until: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Publish the tag set for a partner; the node then makes a new one every day
    Publish {
        /// Agreement
        #[arg(long)]
        agreement: String,
        /// For whom
        #[arg(long)]
        partner: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List the tag sets: those made here, and those of partners that are here
    Sets(NodeArgs),
    /// What is left today of every budget, for asking and for being asked: partner, officer, case
    Budget(NodeArgs),
    /// Tokens: what a private check compares
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Attack a shipped filter and a private check with a dictionary of invented names; a test tool that needs no node
    Attack(attack::AttackArgs),
    /// Print the policies of tokens with the hash an agreement names; needs no node
    Policies,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Show which tokens a person of a case makes under an agreement's policy; nothing is sent
    Explain {
        /// Person of the case, by number
        subject: String,
        /// Agreement whose policy of tokens applies
        #[arg(long)]
        agreement: String,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct InCase {
    /// Check
    id: String,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Because {
    /// Check
    id: String,
    /// Why, in a few words; kept for oversight
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    node: NodeArgs,
}

impl Because {
    fn body(&self, ui: Ui) -> Json {
        json!({ "reason": { "lang": ui.lang.code(), "text": self.reason } })
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Candidate {
    /// Check
    id: String,
    /// The handle of the candidate
    handle: String,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    node: NodeArgs,
}

impl Candidate {
    fn step(&self, ui: Ui, what: &Json) -> Result<(), Failure> {
        let mut body = self.reason.in_case(ui);
        if let Json::Object(fields) = &mut body {
            fields.insert("what".to_owned(), what.clone());
        }
        let path = format!("/api/v1/checks/{}/candidates/{}", self.id, self.handle);
        self.node.print(ui, Method::POST, &path, Some(&body))
    }
}

pub(crate) fn run(command: &CheckCommand, ui: Ui) -> Result<(), Failure> {
    let path = |id: &str, what: &str| format!("/api/v1/checks/{id}/{what}");
    match command {
        CheckCommand::Ask { subjects, agreement, partner, to, class, warrant, stays, reason, node } => {
            let mut body = reason.in_case(ui);
            if let Json::Object(fields) = &mut body {
                fields.insert("class".to_owned(), json!(class));
                fields.insert("subjects".to_owned(), json!(subjects));
                fields.insert("warrant".to_owned(), json!(warrant));
                fields.insert("standing".to_owned(), stays.json());
                if to.is_empty() {
                    fields.insert("agreement".to_owned(), json!(agreement));
                    fields.insert("partner".to_owned(), json!(partner));
                } else {
                    fields.insert("partners".to_owned(), partners(to)?);
                }
            }
            let path = if to.is_empty() { "/api/v1/checks" } else { "/api/v1/checks/joint" };
            node.print(ui, Method::POST, path, Some(&body))
        }
        CheckCommand::Authorise { joint, check } => {
            let id = if *joint { format!("joint/{}", check.id) } else { check.id.clone() };
            let body = check.reason.in_case(ui);
            check.node.print(ui, Method::POST, &path(&id, "authorise"), Some(&body))
        }
        CheckCommand::Standing(command) => standing::run(command, ui),
        CheckCommand::Event(command) => event::run(command, ui),
        CheckCommand::List { direction, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/checks?direction={direction}"), None)
        }
        CheckCommand::Show(one) => {
            let answer = call(&one.node, ui, (Method::POST, &path(&one.id, "show")), Some(&one.body(ui)))?;
            ui.result(&answer, &shown::lines(&answer))
        }
        CheckCommand::Compare(one) => one.step(ui, &json!({ "step": "compare" })),
        CheckCommand::Confirm(one) => one.step(ui, &json!({ "step": "same" })),
        CheckCommand::Reject { candidate, cleared } => {
            candidate.step(ui, &json!({ "step": if *cleared { "cleared" } else { "other" } }))
        }
        CheckCommand::Reconsider { subject, reason, node } => reconsider(subject, (reason, node), ui),
        CheckCommand::Released { candidate, report } => {
            candidate.step(ui, &json!({ "step": "released", "report": report }))
        }
        CheckCommand::Refuse { candidate, ground } => {
            candidate.step(ui, &json!({ "step": "refused", "ground": ground }))
        }
        CheckCommand::Close { id, node } => {
            node.print(ui, Method::POST, &path(id, "close"), Some(&json!({})))
        }
        CheckCommand::Opening { one, output } => opening(one, output.as_deref(), ui),
        CheckCommand::Figures { from, until, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/checks/figures?from={from}&until={until}"), None)
        }
        CheckCommand::Publish { agreement, partner, node } => {
            let body = json!({ "agreement": agreement, "partner": partner });
            node.print(ui, Method::POST, "/api/v1/checks/sets", Some(&body))
        }
        CheckCommand::Sets(node) => node.print(ui, Method::GET, "/api/v1/checks/sets", None),
        CheckCommand::Budget(node) => {
            let answer = call(node, ui, (Method::GET, "/api/v1/checks/budget"), None)?;
            ui.result(&answer, &budget::budgets(&answer))
        }
        CheckCommand::Tokens(command) => tokens(command, ui),
        CheckCommand::Attack(args) => attack::run(args, ui),
        CheckCommand::Policies => policies(ui),
    }
}

/// Agreements and partners of a question to several.
fn partners(to: &[String]) -> Result<Json, Failure> {
    let one = |text: &String| {
        let (agreement, partner) = text.split_once(':').ok_or_else(|| {
            Failure::new(Exit::Usage, "cli.to", format!("`{text}` is not AGREEMENT:PARTNER"))
                .hint("for example --to ag-…:es-police; `mithaq agreement list` shows both")
        })?;
        Ok(json!({ "agreement": agreement, "partner": partner }))
    };
    to.iter().map(one).collect::<Result<Vec<_>, Failure>>().map(Json::Array)
}

fn call(
    node: &NodeArgs,
    ui: Ui,
    (method, path): (Method, &str),
    body: Option<&Json>,
) -> Result<Json, Failure> {
    block_on(async { node.api(ui)?.json(method, path, body).await })
}

/// Takes the word back that pairs with a person are two persons.
fn reconsider(subject: &str, (reason, node): (&Reason, &NodeArgs), ui: Ui) -> Result<(), Failure> {
    let mut body = reason.in_case(ui);
    if let Json::Object(fields) = &mut body {
        fields.insert("subject".to_owned(), json!(subject));
    }
    let answer = call(node, ui, (Method::POST, "/api/v1/checks/reconsider"), Some(&body))?;
    let pairs = budget::number(&answer, "pairs");
    ui.result(&answer, &[format!("{pairs} pair(s): people compare them again when a question hits")])
}

/// Prints what opens a check, or writes it to a file that must not be there.
fn opening(one: &Because, output: Option<&Path>, ui: Ui) -> Result<(), Failure> {
    let (path, body) = (format!("/api/v1/checks/{}/opening", one.id), one.body(ui));
    let Some(output) = output else { return one.node.print(ui, Method::POST, &path, Some(&body)) };
    let answer = call(&one.node, ui, (Method::POST, &path), Some(&body))?;
    let hex = answer.get("opening").and_then(Json::as_str).unwrap_or_default();
    let bytes = HEXLOWER.decode(hex.as_bytes()).map_err(|_digits| {
        Failure::new(Exit::Failed, "check.opening", "the node's answer holds no opening")
    })?;
    write_new(output, &bytes)?;
    let line = format!(
        "{} opens {}; with an evidence bundle of either log: `mithaq verify BUNDLE --opening {}`",
        output.display(),
        one.id,
        output.display()
    );
    ui.result(&json!({ "check": one.id, "file": output.display().to_string() }), &[line])
}

fn tokens(command: &TokensCommand, ui: Ui) -> Result<(), Failure> {
    let TokensCommand::Explain { subject, agreement, reason, node } = command;
    let mut body = reason.in_case(ui);
    if let Json::Object(fields) = &mut body {
        fields.insert("agreement".to_owned(), json!(agreement));
        fields.insert("subject".to_owned(), json!(subject));
    }
    let answer = call(node, ui, (Method::POST, "/api/v1/checks/tokens"), Some(&body))?;
    ui.result(&answer, &budget::tokens(&answer))
}

/// Names, hashes and what each trades; measured in `docs/benchmarks/check.md`.
fn policies(ui: Ui) -> Result<(), Failure> {
    let rows = [
        ("narrow", TokenPolicy::NARROW, "few false hits, misses most pairs of which only the year is known"),
        ("middle", TokenPolicy::MIDDLE, "between the two"),
        ("wide", TokenPolicy::WIDE, "few misses, many false hits against a large register"),
    ];
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for (name, policy, trade) in rows {
        let hash = HEXLOWER.encode(&policy.hash());
        lines.push(format!("{name:<7} token_policy = \"{hash}\"  # {trade}"));
        all.push(json!({ "name": name, "token_policy": hash, "trade": trade }));
    }
    ui.result(&json!(all), &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_partners_are_named_with_their_agreements() {
        let two = ["ag-1:es-police".to_owned(), "ag-2:ci-judiciary".to_owned()];
        let read = partners(&two).unwrap();
        assert_eq!(read[1], json!({ "agreement": "ag-2", "partner": "ci-judiciary" }));
        let no = partners(&["es-police".to_owned()]).unwrap_err();
        assert_eq!((no.exit, no.code.as_str(), no.hint.is_some()), (Exit::Usage, "cli.to", true));
    }

    #[test]
    fn an_agreement_takes_the_printed_hash() {
        for policy in [TokenPolicy::NARROW, TokenPolicy::MIDDLE, TokenPolicy::WIDE] {
            let hash = HEXLOWER.encode(&policy.hash());
            let read: [u8; 32] = HEXLOWER.decode(hash.as_bytes()).unwrap().try_into().unwrap();
            assert_eq!(TokenPolicy::of_hash(&read), Some(policy));
        }
        assert_eq!(TokenPolicy::of_hash(&[0; 32]), None);
    }
}
