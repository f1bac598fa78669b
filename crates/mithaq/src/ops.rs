//! Commands of the people who run a node: lanes, the outbox, the configuration.

use clap::{Args, Subcommand};
use hyper::Method;
use mithaq_node::config::{Config, Finding, Weight};
use serde_json::{Value as Json, json};

use crate::client::{NodeArgs, block_on};
use crate::local::NodeDir;
use crate::ui::{Exit, Failure, Ui};

/// `mithaq lanes`
pub(crate) fn lanes(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let answer = block_on(async { node.api(ui)?.get("/api/v1/lanes").await })?;
    let rows = answer.as_array().cloned().unwrap_or_default();
    let mut lines: Vec<String> = rows.iter().map(lane).collect();
    if lines.is_empty() {
        lines.push("no lane yet: nothing was sent or received".to_owned());
    }
    ui.result(&answer, &lines)
}

fn text<'a>(row: &'a Json, key: &str) -> &'a str {
    row.get(key).and_then(Json::as_str).unwrap_or("-")
}

fn number(row: &Json, key: &str) -> u64 {
    row.get(key).and_then(Json::as_u64).unwrap_or(0)
}

/// One lane on one line: who, what class, how far, and what is wrong if something is.
fn lane(row: &Json) -> String {
    let who = format!("{} → {}  {}", text(row, "from"), text(row, "to"), text(row, "class"));
    let mut line = match row.get("sent").and_then(Json::as_str) {
        Some(sent) => {
            format!(
                "{who}  sent {sent}, settled {}, backlog {}",
                text(row, "settled"),
                number(row, "backlog")
            )
        }
        None => format!("{who}  taken {}, ahead {}", text(row, "taken"), number(row, "ahead")),
    };
    let halt = text(row, "halt");
    if !matches!(halt, "open" | "-") {
        line = format!("{line}  HALTED: {halt}");
    }
    if row.get("frozen") == Some(&Json::Bool(true)) {
        line.push_str("  FROZEN: the partner sent two envelopes for one place");
    }
    if number(row, "attempts") > 0 {
        line = format!("{line}  {} attempts, next {}", number(row, "attempts"), text(row, "retry_at"));
    }
    line
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// List messages that went wrong, or with --waiting those that wait, one by one
    List {
        /// Those that wait for their receipt instead
        #[arg(long)]
        waiting: bool,
        /// Begin after this message
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// At most so many, up to 1000
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show one message: where it stands, its code, what can be done
    Show {
        /// Message, as `list` names it
        id: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Try everything that waits for a partner now, without the back-off
    Retry {
        /// Party
        party: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

pub(crate) fn outbox(command: &OutboxCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        OutboxCommand::List { waiting, after, limit, node } => {
            let state = if *waiting { "waiting" } else { "troubled" };
            let after = after.as_ref().map(|id| format!("&after={id}")).unwrap_or_default();
            let path = format!("/api/v1/outbox?state={state}&limit={limit}{after}");
            let answer = block_on(async { node.api(ui)?.get(&path).await })?;
            let rows = answer.as_array().cloned().unwrap_or_default();
            let mut lines: Vec<String> = rows.iter().map(message).collect();
            if lines.is_empty() {
                lines.push(if *waiting {
                    "nothing waits".to_owned()
                } else {
                    "nothing went wrong".to_owned()
                });
            }
            ui.result(&answer, &lines)
        }
        OutboxCommand::Show { id, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/outbox/{id}"), None)
        }
        OutboxCommand::Retry { party, node } => {
            let body = json!({ "to": party });
            let answer = block_on(async { node.api(ui)?.post("/api/v1/outbox/retry", &body).await })?;
            let lanes = number(&answer, "lanes");
            ui.result(&answer, &[format!("{lanes} lane(s) to {party} had to wait and are tried now")])
        }
    }
}

fn message(row: &Json) -> String {
    let object = row.get("object").and_then(Json::as_str).unwrap_or("no object");
    let code = row.get("code").and_then(Json::as_str).map(|code| format!(" {code}")).unwrap_or_default();
    let (id, to, kind, state) = (text(row, "id"), text(row, "to"), text(row, "kind"), text(row, "state"));
    format!("{id}  {to}  {kind} {object}  {state}{code}")
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with the configuration of a node
    Check(NodeDir),
    /// Show what a node would run with: the file, the environment and the defaults
    Show(NodeDir),
    /// Print the page of every key
    #[command(hide = true)]
    Reference,
}

pub(crate) fn config(command: &ConfigCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(node) => {
            let found = load(&node.dir)?.check(&node.dir);
            let json: Vec<Json> = found.iter().map(finding_json).collect();
            let mut lines: Vec<String> = found.iter().map(finding_line).collect();
            if lines.is_empty() {
                lines.push("nothing is wrong".to_owned());
            }
            let errors = found.iter().filter(|one| one.weight == Weight::Error).count();
            let verdict = if errors == 0 {
                Ok(())
            } else {
                let text = format!("the node does not start: {errors} error(s)");
                Err(Failure::new(Exit::Usage, "config.wrong", text))
            };
            ui.judged(json!({ "findings": json }), &lines, verdict)
        }
        ConfigCommand::Show(node) => {
            let shown = load(&node.dir)?.shown().map_err(anyhow::Error::from)?;
            let lines: Vec<String> = shown.lines().map(ToOwned::to_owned).collect();
            ui.result(&json!({ "toml": shown }), &lines)
        }
        ConfigCommand::Reference => {
            let page = mithaq_node::config::reference();
            let page = page.trim_end().to_owned();
            ui.result(&json!({ "page": page }), &[page])
        }
    }
}

pub(crate) fn load(dir: &std::path::Path) -> Result<Config, Failure> {
    Config::load(dir).map_err(|error| {
        Failure::new(Exit::Usage, "config.unreadable", error.to_string())
            .hint("set the node up first: `mithaq init DIR --party NAME`")
    })
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
    }
}

pub(crate) fn finding_line(found: &Finding) -> String {
    format!("{}: `{}`: {}; {}", word(found.weight), found.key, found.text, found.hint)
}

fn finding_json(found: &Finding) -> Json {
    json!({ "key": found.key, "weight": word(found.weight), "text": found.text, "hint": found.hint })
}

/// Where a running node is asked whether it is ready.
#[derive(Debug, Args)]
pub(crate) struct Lanes {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_says_what_is_wrong_with_it() {
        let row = json!({ "from": "ma-security", "to": "es-police", "class": "report", "sent": "1:9",
            "settled": "1:4", "backlog": 5, "halt": "frozen_by_peer", "attempts": 3, "retry_at": "soon" });
        let line = lane(&row);
        for part in
            ["ma-security → es-police", "backlog 5", "HALTED: frozen_by_peer", "3 attempts, next soon"]
        {
            assert!(line.contains(part), "{line}");
        }
        let row =
            json!({ "from": "a", "to": "b", "class": "control", "taken": "1:2", "frozen": true, "ahead": 1 });
        assert!(lane(&row).contains("taken 1:2, ahead 1") && lane(&row).contains("FROZEN"));
    }

    #[test]
    fn a_message_shows_its_code() {
        let row = json!({ "id": "00:1:2", "to": "es-police", "kind": "report", "object": "ob-1", "state": "refused", "code": "AGR" });
        assert_eq!(message(&row), "00:1:2  es-police  report ob-1  refused AGR");
    }
}
