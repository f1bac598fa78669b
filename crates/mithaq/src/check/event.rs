//! `mithaq check event`: planned actions, from the draft to whom to call.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value as Json, json};

use super::InCase;
use crate::client::{NodeArgs, Reason};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Write a planned action as a draft; nobody meets it until somebody else authorises it
    Plan {
        /// Its other parties are asked, and meet the plan
        #[arg(long)]
        agreement: String,
        /// Degrees north and east, for example 35.78,-5.81; compared by a tenth of a degree
        #[arg(long, value_name = "NORTH,EAST", allow_hyphen_values = true)]
        at: String,
        /// When it begins, for example 2026-12-01T06:00:00Z; compared by six hours
        #[arg(long, value_name = "TIME")]
        from: String,
        /// Whom a partner calls when plans meet: an office and how to reach it, never a person's name
        #[arg(long)]
        contact: String,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Authorise a plan that somebody else wrote, as supervisor: partners are asked, and meet it
    Authorise(InCase),
    /// List the plans of a case with what they met
    List {
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Take a plan back: nobody meets it any more, and what it says is erased
    End(InCase),
}

pub(super) fn run(command: &EventCommand, ui: Ui) -> Result<(), Failure> {
    let step = |one: &InCase, what: &str| {
        let path = format!("/api/v1/plans/{}/{what}", one.id);
        one.node.print(ui, Method::POST, &path, Some(&one.reason.in_case(ui)))
    };
    match command {
        EventCommand::Plan { agreement, at, from, contact, reason, node } => {
            let (north, east) = place(at)?;
            let mut body = reason.in_case(ui);
            if let Json::Object(fields) = &mut body {
                fields.insert("agreement".to_owned(), json!(agreement));
                fields.insert("latitude_e6".to_owned(), json!(north));
                fields.insert("longitude_e6".to_owned(), json!(east));
                fields.insert("from".to_owned(), json!(from));
                fields.insert("contact".to_owned(), json!(contact));
            }
            node.print(ui, Method::POST, "/api/v1/plans", Some(&body))
        }
        EventCommand::Authorise(one) => step(one, "authorise"),
        EventCommand::List { reason, node } => {
            node.print(ui, Method::POST, "/api/v1/plans/list", Some(&reason.in_case(ui)))
        }
        EventCommand::End(one) => step(one, "end"),
    }
}

/// Degrees as millionths.
fn place(text: &str) -> Result<(i32, i32), Failure> {
    let wrong = || {
        Failure::new(Exit::Usage, "cli.at", format!("`{text}` is no place"))
            .hint("degrees north and east with a comma, for example --at 35.78,-5.81")
    };
    let e6 = |degrees: &str, most: f64| {
        let degrees: f64 = degrees.trim().parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "at most 180 million")]
        (degrees.abs() <= most).then(|| (degrees * 1e6).round() as i32)
    };
    let (north, east) = text.split_once(',').ok_or_else(wrong)?;
    e6(north, 90.0).zip(e6(east, 180.0)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_numbers_within_the_globe() {
        assert_eq!(place("35.78,-5.81").unwrap(), (35_780_000, -5_810_000));
        assert_eq!(place(" -90 , 180 ").unwrap(), (-90_000_000, 180_000_000));
        for bad in ["", "35.78", "91,0", "0,181", "north,east", "NaN,0"] {
            assert_eq!(place(bad).unwrap_err().code, "cli.at", "{bad}");
        }
    }
}
