//! Commands of a person with the node: signing in and out, the own password, who one is, whether the node works.

use std::io::BufRead as _;

use clap::Args;
use hyper::Method;
use serde_json::{Value as Json, json};

use crate::client::{NodeArgs, block_on};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Sign-in name
    login: String,
    #[command(flatten)]
    node: NodeArgs,
}

/// Signs in; the password comes from MITHAQ_PASSWORD or one line of standard input, never from the command line.
pub(crate) fn login(args: &LoginArgs, ui: Ui) -> Result<(), Failure> {
    let password = secret("MITHAQ_PASSWORD")?;
    let body = json!({ "login": args.login, "password": password });
    let answer = block_on(async { args.node.api(ui)?.post("/api/v1/sign-in", &body).await })?;
    let text = |key: &str| answer.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    ui.result(&answer, &[format!("MITHAQ_TOKEN={}", text("token")), format!("until {}", text("expires"))])
}

/// Ends every session of the caller.
pub(crate) fn logout(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    node.print(ui, Method::POST, "/api/v1/sign-out", Some(&json!({})))
}

/// Says who the caller is.
pub(crate) fn whoami(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    node.print(ui, Method::GET, "/api/v1/me", None)
}

/// Changes the caller's own password, read as for `login`.
pub(crate) fn password(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    let password = secret("MITHAQ_NEW_PASSWORD")?;
    node.print(ui, Method::PUT, "/api/v1/me/password", Some(&json!({ "password": password })))
}

/// Says whether the node works.
pub(crate) fn health(node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    node.print(ui, Method::GET, "/api/v1/health", None)
}

fn secret(variable: &str) -> Result<String, Failure> {
    if let Ok(secret) = std::env::var(variable) {
        return Ok(secret);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let secret = line.trim_end_matches(['\r', '\n']).to_owned();
    if secret.is_empty() {
        return Err(Failure::new(Exit::Usage, "cli.password", "no password was given")
            .hint(format!("write it on one line of standard input, or give it in {variable}")));
    }
    Ok(secret)
}
