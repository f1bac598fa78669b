//! Commands about rights: clearances, quarantine, a life at risk, and what oversight sees. Calls of the node's API;
//! every word carries a written ground.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value as Json, json};

use crate::client::NodeArgs;
use crate::ui::{Failure, Ui};

#[derive(Debug, Args, Clone)]
pub(crate) struct GroundArgs {
    /// Why, in a sentence of at least 20 characters that names no person; kept for oversight
    #[arg(long, value_name = "SENTENCE")]
    ground: String,
}

impl GroundArgs {
    fn text(&self, ui: Ui) -> Json {
        json!({ "lang": ui.lang.code(), "text": self.ground })
    }

    pub(crate) fn body(&self, ui: Ui) -> Json {
        json!({ "ground": self.text(ui) })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Grounded {
    /// Number of the report (of a hold: or of the case; of an alarm)
    id: String,
    #[command(flatten)]
    ground: GroundArgs,
    #[command(flatten)]
    node: NodeArgs,
}

impl Grounded {
    fn post(&self, ui: Ui, path: &str, more: &[(&str, Json)]) -> Result<(), Failure> {
        let mut body = self.ground.body(ui);
        if let Json::Object(fields) = &mut body {
            fields.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        }
        self.node.print(ui, Method::POST, path, Some(&body))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClearCommand {
    /// Clear, as legal adviser, what the screen for special categories found: an own draft, or one in quarantine
    Text(Grounded),
    /// Clear, as legal adviser, the protected role of a person in a report; a senior confirms it
    Role {
        /// Person
        #[arg(long)]
        subject: String,
        /// Protected role, for example lawyer, journalist_or_source, doctor, cleric_confidential
        #[arg(long)]
        role: String,
        #[command(flatten)]
        report: Grounded,
    },
    /// Confirm, as senior, what the legal adviser cleared of a protected role
    Confirm {
        /// Person
        #[arg(long)]
        subject: String,
        /// Protected role
        #[arg(long)]
        role: String,
        #[command(flatten)]
        report: Grounded,
    },
}

pub(crate) fn clear(command: &ClearCommand, ui: Ui) -> Result<(), Failure> {
    let path = |id: &str, what: &str| format!("/api/v1/reports/{id}/{what}");
    let about = |subject: &str, role: &str| [("subject", json!(subject)), ("role", json!(role))];
    match command {
        ClearCommand::Text(report) => report.post(ui, &path(&report.id, "clear"), &[]),
        ClearCommand::Role { subject, role, report } => {
            report.post(ui, &path(&report.id, "clear-role"), &about(subject, role))
        }
        ClearCommand::Confirm { subject, role, report } => {
            report.post(ui, &path(&report.id, "confirm-clearance"), &about(subject, role))
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List what is held back, the longest first, without content
    List(NodeArgs),
    /// Show one report to who must judge or clear it; logged with the ground
    Read(Grounded),
    /// Say that it may come in; contact point and data-protection officer must both say so
    Release(Grounded),
    /// Say that it is refused: its content is erased, the sender is told the code
    Refuse(Grounded),
}

pub(crate) fn quarantine(command: &QuarantineCommand, ui: Ui) -> Result<(), Failure> {
    let path = |id: &str, what: &str| format!("/api/v1/quarantine/{id}/{what}");
    let judge = |report: &Grounded, ruling: &str| {
        report.post(ui, &path(&report.id, "judge"), &[("ruling", json!(ruling))])
    };
    match command {
        QuarantineCommand::List(node) => node.print(ui, Method::GET, "/api/v1/quarantine", None),
        QuarantineCommand::Read(report) => report.post(ui, &path(&report.id, "read"), &[]),
        QuarantineCommand::Release(report) => judge(report, "release"),
        QuarantineCommand::Refuse(report) => judge(report, "refuse"),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum EmergencyCommand {
    /// Invoke, as supervisor, that a life is at risk: one graded draft, for four hours
    Invoke(Grounded),
    /// Confirm it as the contact point; then `mithaq report release` sends it
    Confirm(Grounded),
    /// Say afterwards, as data-protection officer or oversight, whether it was right
    Review {
        /// justified or unjustified
        #[arg(long)]
        finding: String,
        /// Version of the report that was opened
        #[arg(long, default_value_t = 1)]
        version: u32,
        #[command(flatten)]
        report: Grounded,
    },
    /// List the openings of the last year, with the reviews that are owed
    List(NodeArgs),
}

pub(crate) fn emergency(command: &EmergencyCommand, ui: Ui) -> Result<(), Failure> {
    let path = |id: &str, what: &str| format!("/api/v1/reports/{id}/emergency{what}");
    match command {
        EmergencyCommand::Invoke(report) => report.post(ui, &path(&report.id, ""), &[]),
        EmergencyCommand::Confirm(report) => report.post(ui, &path(&report.id, "/confirm"), &[]),
        EmergencyCommand::Review { finding, version, report } => report.post(
            ui,
            &path(&report.id, "/review"),
            &[("finding", json!(finding)), ("version", json!(version))],
        ),
        EmergencyCommand::List(node) => node.print(ui, Method::GET, "/api/v1/emergencies", None),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Hold a case or a report: nothing of it is disclosed, nor erased because its time is over
    Set(Grounded),
    /// Lift the holds of your role; oversight lifts any
    Lift(Grounded),
    /// List the holds that stand
    List(NodeArgs),
}

pub(crate) fn hold(command: &HoldCommand, ui: Ui) -> Result<(), Failure> {
    let word = |on: &Grounded, word: &str| {
        on.post(ui, &format!("/api/v1/holds/{}", on.id), &[("word", json!(word))])
    };
    match command {
        HoldCommand::Set(on) => word(on, "set"),
        HoldCommand::Lift(on) => word(on, "lift"),
        HoldCommand::List(node) => node.print(ui, Method::GET, "/api/v1/holds", None),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum OversightCommand {
    /// List what people decided about rights, with their reasons; reading is an entry
    Rulings {
        /// From this day or instant on
        #[arg(long, value_name = "DATE")]
        since: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List the alarms nobody has seen to yet
    Alarms {
        /// The newest, also those somebody has seen to, with who and when
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Say that you saw to an alarm, with a written ground; not of what you did yourself
    Acknowledge(Grounded),
}

pub(crate) fn oversight(command: &OversightCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        OversightCommand::Rulings { since, node } => {
            let since: String = since.chars().filter(|c| c.is_ascii_graphic()).collect();
            node.print(ui, Method::GET, &format!("/api/v1/rulings?since={since}"), None)
        }
        OversightCommand::Alarms { all, node } => {
            let query = if *all { "?all=true" } else { "" };
            node.print(ui, Method::GET, &format!("/api/v1/alarms{query}"), None)
        }
        OversightCommand::Acknowledge(alarm) => {
            alarm.post(ui, &format!("/api/v1/alarms/{}/acknowledge", alarm.id), &[])
        }
    }
}
