//! `mithaq consent` and `mithaq onward`: passing on what another party originated.

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use crate::client::{NodeArgs, Reason};
use crate::ui::{Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Ask the originator of a received report whether it may be passed on
    Ask {
        /// Report
        report: String,
        /// To whom, a party
        #[arg(long)]
        to: String,
        /// Last day of use that is asked for, for example 2026-12-01
        #[arg(long)]
        until: String,
        /// Why the recipient needs it; the originator reads this
        #[arg(long)]
        need: String,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List consents, without reasons
    List {
        /// `own` (asked here) or `received` (this node decides)
        #[arg(default_value = "received", value_parser = ["own", "received"])]
        direction: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show why a consent is asked
    Show {
        /// Consent
        id: String,
        /// Why you look, in a few words; kept for oversight
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Grant a consent, as one of two persons in two roles: one recipient, one version, one purpose, one use
    Grant {
        /// Consent
        id: String,
        /// An earlier last day of use than was asked for
        #[arg(long)]
        until: Option<String>,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Refuse a consent
    Refuse {
        /// Consent
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Take a consent back: who got the copy must erase it and say so
    Revoke {
        /// Consent
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OnwardCommand {
    /// Pass a report on to the party its originator consented to
    Send {
        /// Report
        report: String,
        /// To whom, a party
        #[arg(long)]
        to: String,
        /// The agreement with that party
        #[arg(long)]
        agreement: String,
        /// The offence is capital where the recipient is
        #[arg(long)]
        capital_offence: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show where the copies of a report of this node are, and whose erasure is not proven
    Tree {
        /// Report
        report: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List the holders that were to prove by now that they erased, and did not, of every report
    Overdue(NodeArgs),
}

pub(crate) fn consent(command: &ConsentCommand, ui: Ui) -> Result<(), Failure> {
    let path = |id: &str, what: &str| format!("/api/v1/consents/{id}/{what}");
    let text = |text: &str| json!({ "lang": ui.lang.code(), "text": text });
    match command {
        ConsentCommand::Ask { report, to, until, need, reason, node } => {
            let mut body = reason.in_case(ui);
            if let Some(fields) = body.as_object_mut() {
                fields.insert("report".to_owned(), json!(report));
                fields.insert("to".to_owned(), json!(to));
                fields.insert("until".to_owned(), json!(until));
                fields.insert("reason".to_owned(), text(need));
            }
            node.print(ui, Method::POST, "/api/v1/consents", Some(&body))
        }
        ConsentCommand::List { direction, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/consents?direction={direction}"), None)
        }
        ConsentCommand::Show { id, reason, node } => {
            node.print(ui, Method::POST, &path(id, "read"), Some(&json!({ "reason": text(reason) })))
        }
        ConsentCommand::Grant { id, until, node } => {
            node.print(ui, Method::POST, &path(id, "grant"), Some(&json!({ "until": until })))
        }
        ConsentCommand::Refuse { id, node } => node.print(ui, Method::POST, &path(id, "refuse"), None),
        ConsentCommand::Revoke { id, node } => node.print(ui, Method::POST, &path(id, "revoke"), None),
    }
}

pub(crate) fn onward(command: &OnwardCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        OnwardCommand::Send { report, to, agreement, capital_offence, node } => {
            let stated = json!({ "capital_offence": capital_offence });
            let body = json!({ "to": to, "agreement": agreement, "stated": stated });
            node.print(ui, Method::POST, &format!("/api/v1/reports/{report}/onward"), Some(&body))
        }
        OnwardCommand::Tree { report, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/reports/{report}/holders"), None)
        }
        OnwardCommand::Overdue(node) => node.print(ui, Method::GET, "/api/v1/holders/overdue", None),
    }
}
