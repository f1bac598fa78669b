//! `mithaq check standing`: renew, authorise a renewal, take back.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value as Json, json};

use super::InCase;
use crate::ui::{Failure, Ui};

/// That a question shall stay with the partner.
#[derive(Debug, Args)]
pub(crate) struct Stays {
    /// A standing check: until this day the question stays with the partner, and hits when it learns of the person
    #[arg(long, value_name = "DAY", requires = "warrant", requires = "warrant_ends")]
    standing_until: Option<String>,
    /// When the warrant of a standing check ends
    #[arg(long, value_name = "DAY", requires = "standing_until")]
    warrant_ends: Option<String>,
}

impl Stays {
    pub(super) fn json(&self) -> Json {
        match &self.standing_until {
            Some(until) => json!({ "until": until, "warrant_ends": self.warrant_ends }),
            None => Json::Null,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum StandingCommand {
    /// Ask that a standing check stays longer, as the first of two persons
    Renew {
        /// Reference of the warrant
        #[arg(long)]
        warrant: String,
        /// When the warrant ends
        #[arg(long, value_name = "DAY")]
        warrant_ends: String,
        /// Until when, ninety days at most
        #[arg(long, value_name = "DAY")]
        until: String,
        #[command(flatten)]
        check: InCase,
    },
    /// Authorise a renewal that somebody else asked for, as supervisor
    Authorise(InCase),
    /// Take a standing check back: the partner forgets it
    End(InCase),
}

pub(super) fn run(command: &StandingCommand, ui: Ui) -> Result<(), Failure> {
    let (check, what) = match command {
        StandingCommand::Renew { warrant, warrant_ends, until, check } => (
            check,
            json!({ "step": "renew", "warrant": warrant, "warrant_ends": warrant_ends, "until": until }),
        ),
        StandingCommand::Authorise(check) => (check, json!({ "step": "authorise" })),
        StandingCommand::End(check) => (check, json!({ "step": "end" })),
    };
    let mut body = check.reason.in_case(ui);
    if let Json::Object(fields) = &mut body {
        fields.insert("what".to_owned(), what);
    }
    check.node.print(ui, Method::POST, &format!("/api/v1/checks/{}/standing", check.id), Some(&body))
}
