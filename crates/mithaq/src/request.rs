//! `mithaq request`: requests for information, from the question to the figures.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value as Json, json};

use crate::client::{Body, NodeArgs, Reason, block_on, show};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    /// Write a request as a draft; the body as for POST /api/v1/requests
    New(Body),
    /// Review and approve it, as supervisor
    Approve {
        /// Request
        id: String,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Approve it as the desk, and send it
    Send {
        /// Request
        id: String,
        /// The offence is capital where the recipient is
        #[arg(long)]
        capital_offence: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List requests, without content
    List {
        /// `own` (asked here) or `received` (an answer is owed)
        #[arg(default_value = "received", value_parser = ["own", "received"])]
        direction: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Open a request that came in, at the desk; tells who asked
    Open(Because),
    /// Show what was said about a request
    Show(Because),
    /// Take a request up, into a case
    Accept {
        /// Request
        id: String,
        /// Case whose officers answer it
        #[arg(long)]
        case: String,
        /// The information is not directly available: an urgent request has three days
        #[arg(long)]
        indirect: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Ask back, which stops the clock; with --reply, answer a question back
    Clarify {
        /// Request
        id: String,
        /// The question, or its answer
        text: String,
        /// It is the answer of the side that asked
        #[arg(long)]
        reply: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Give a new date with its reason: judicial authorisation is pending
    Delay {
        /// Request
        id: String,
        /// The reason
        text: String,
        /// The date, for example 2026-07-01
        #[arg(long)]
        until: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Write an answer as a draft report; the body as for POST /api/v1/requests/{id}/answers
    Answer {
        /// Request
        id: String,
        #[command(flatten)]
        body: Body,
    },
    /// Refuse, whole or in part, on a ground of the agreement's list
    Refuse {
        /// Request
        id: String,
        /// Ground, R01 to R22; R13 to R18 are the legal adviser's
        #[arg(long)]
        ground: String,
        /// Only a part is refused
        #[arg(long)]
        part: bool,
        /// More words
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Take a request of this node back
    Withdraw {
        /// Request
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Say what the answer was worth
    Feedback {
        /// Request
        id: String,
        /// How useful, 0 to 3
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=3))]
        useful: u8,
        /// How accurate, 0 to 3
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=3))]
        accuracy: u8,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Decide, half a year on, whether a request is kept
    Review {
        /// Request
        id: String,
        /// `keep`: looked at again in half a year; `erase`: its words and content go, not while it is open
        #[arg(value_parser = ["keep", "erase"])]
        decision: String,
        /// Why, in a few words; kept for oversight
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Figures of timeliness: counts, small ones not shown (null)
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
}

#[derive(Debug, clap::Args)]
pub(crate) struct Because {
    /// Request
    id: String,
    /// Why, in a few words; kept for oversight
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    node: NodeArgs,
}

pub(crate) fn run(command: &RequestCommand, ui: Ui) -> Result<(), Failure> {
    let path = |id: &str, what: &str| format!("/api/v1/requests/{id}/{what}");
    let text = |text: &str| json!({ "lang": ui.lang.code(), "text": text });
    let because = |one: &Because, what: &str| {
        let body = json!({ "reason": text(&one.reason) });
        one.node.print(ui, Method::POST, &path(&one.id, what), Some(&body))
    };
    let step =
        |node: &NodeArgs, id: &str, body: Json| node.print(ui, Method::POST, &path(id, "steps"), Some(&body));
    match command {
        RequestCommand::New(body) => body.post(ui, "/api/v1/requests"),
        RequestCommand::Approve { id, reason, node } => {
            node.print(ui, Method::POST, &path(id, "approve"), Some(&reason.in_case(ui)))
        }
        RequestCommand::Send { id, capital_offence, node } => send(id, *capital_offence, node, ui),
        RequestCommand::List { direction, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/requests?direction={direction}"), None)
        }
        RequestCommand::Open(one) => because(one, "open"),
        RequestCommand::Show(one) => because(one, "show"),
        RequestCommand::Accept { id, case, indirect, node } => {
            step(node, id, json!({ "step": "accept", "case": case, "direct": !indirect }))
        }
        RequestCommand::Clarify { id, text: words, reply, node } => {
            let kind = if *reply { "clarified" } else { "clarify" };
            step(node, id, json!({ "step": kind, "text": text(words) }))
        }
        RequestCommand::Delay { id, text: words, until, node } => {
            step(node, id, json!({ "step": "delay", "until": until, "text": text(words) }))
        }
        RequestCommand::Answer { id, body } => body.post(ui, &path(id, "answers")),
        RequestCommand::Refuse { id, ground, part, text: words, node } => {
            let words = words.as_deref().map(text);
            step(node, id, json!({ "step": "refuse", "ground": ground, "part": part, "text": words }))
        }
        RequestCommand::Withdraw { id, node } => node.print(
            ui,
            Method::POST,
            &format!("/api/v1/reports/{id}/recall"),
            Some(&json!({ "reason": "originator" })),
        ),
        RequestCommand::Feedback { id, useful, accuracy, node } => {
            step(node, id, json!({ "step": "feedback", "useful": useful, "accuracy": accuracy }))
        }
        RequestCommand::Review { id, decision, reason, node } => {
            let body = json!({ "decision": decision, "reason": text(reason) });
            node.print(ui, Method::POST, &path(id, "review"), Some(&body))
        }
        RequestCommand::Figures { from, until, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/requests/figures?from={from}&until={until}"), None)
        }
    }
}

/// A refusal by the rules is an answer of its own with its own exit code.
fn send(id: &str, capital_offence: bool, node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let body = json!({ "capital_offence": capital_offence });
    let answer = block_on(async { node.api(ui)?.post(&format!("/api/v1/requests/{id}/send"), &body).await })?;
    show(ui, &answer)?;
    if answer.get("sent") == Some(&Json::Bool(true)) {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, "release.refused", "the rules refused the request")
        .hint("step, clause and reason stand above"))
}
