//! `mithaq justification`: reasons that people gave, drawn at random and judged by others.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value as Json, json};

use crate::client::{NodeArgs, block_on};
use crate::ui::{Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum JustificationCommand {
    /// Draw reasons of the last thirty days at random, of other people; how many says `justification_sample` of the node
    Draw(NodeArgs),
    /// List the reasons that wait to be judged: drawn, or about somebody of the officer's own name; reading is an entry
    List(NodeArgs),
    /// Say what you found about a reason that somebody else gave
    Judge {
        /// Its number
        id: String,
        /// `in_order`, `unclear` or `not_in_order`
        #[arg(long, value_parser = ["in_order", "unclear", "not_in_order"])]
        finding: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

pub(crate) fn run(command: &JustificationCommand, ui: Ui) -> Result<(), Failure> {
    let call = |node: &NodeArgs, method: Method, path: &str| {
        block_on(async { node.api(ui)?.json(method, path, None).await })
    };
    match command {
        JustificationCommand::Draw(node) => {
            let answer = call(node, Method::POST, "/api/v1/justifications/draw")?;
            let drawn = answer.get("drawn").and_then(Json::as_u64).unwrap_or(0);
            ui.result(&answer, &[format!("{drawn} drawn: `mithaq justification list`")])
        }
        JustificationCommand::List(node) => {
            let answer = call(node, Method::GET, "/api/v1/justifications")?;
            ui.result(&answer, &lines(&answer))
        }
        JustificationCommand::Judge { id, finding, node } => {
            let body = json!({ "finding": finding });
            node.print(ui, Method::POST, &format!("/api/v1/justifications/{id}/judge"), Some(&body))
        }
    }
}

fn lines(answer: &Json) -> Vec<String> {
    let rows = answer.as_array().map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        return vec!["nothing waits to be judged".to_owned()];
    }
    let text = |json: &Json, key: &str| json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for row in rows {
        let why = match row.get("likeness").and_then(Json::as_str) {
            Some("self") => "  ASKED ABOUT THE OFFICER'S OWN NAME",
            Some(_family) => "  ASKED ABOUT THE OFFICER'S FAMILY NAME",
            None => "",
        };
        lines.push(format!(
            "{}  {} {}, by {} in {}, to {}{why}",
            text(row, "id"),
            text(row, "did"),
            text(row, "object"),
            text(row, "officer"),
            text(row, "case"),
            text(row, "purpose")
        ));
        let reason = row.get("reason").map_or_else(String::new, |reason| text(reason, "text"));
        lines.push(format!("  {}: {reason}", text(row, "at")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_with_who_gave_it_and_for_what() {
        let row = json!({ "id": "O-1", "officer": "U-1", "case": "C-1", "purpose": "investigate", "did": "subject.read",
            "object": "O-2", "at": "2026-01-01", "likeness": "family", "reason": { "lang": "en", "text": "Checking" } });
        assert_eq!(
            lines(&json!([row])),
            [
                "O-1  subject.read O-2, by U-1 in C-1, to investigate  ASKED ABOUT THE OFFICER'S FAMILY NAME",
                "  2026-01-01: Checking"
            ]
        );
        assert_eq!(lines(&json!([])), ["nothing waits to be judged"]);
    }
}
