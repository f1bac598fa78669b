//! Whether the node is of use: each answer is tried, none is remembered from the start.

use std::sync::atomic::Ordering;

use mithaq_app::{App, KeyState};
use serde::Serialize;

use super::Watch;

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// Stable name.
    pub(super) name: &'static str,
    pub(super) ok: bool,
    /// In a few words; codes and numbers only.
    pub(super) detail: String,
}

/// The body of `/readyz`.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) ready: bool,
    pub(super) checks: Vec<Check>,
}

fn check(name: &'static str, result: Result<String, String>) -> Check {
    let ok = result.is_ok();
    Check { name, ok, detail: result.unwrap_or_else(|error| error) }
}

/// Tries everything. Another node of the same database is not waited for.
pub(super) async fn run(app: &App, watch: &Watch) -> Vec<Check> {
    vec![
        check("serving", serving(watch)),
        check("database_writable", store(app, watch).await),
        check("log_signed", log(watch)),
        check("keys_unlocked", keys(app)),
        check("one_history", one_history(app)),
        check("disk_space", disk(watch)),
    ]
}

/// A node that was shown another history of its own log stops; what its people do next is not to be guessed.
fn one_history(app: &App) -> Result<String, String> {
    let Some(code) = app.halted() else { return Ok("nobody showed another".to_owned()) };
    Err(format!(
        "{code}: a partner holds a checkpoint of this log that is not in it, so a second copy of this node signs, or this is an \
         old copy. Stop every copy; on the one you keep: `mithaq restore DIR --i-know-what-is-lost`; remove the others"
    ))
}

fn serving(watch: &Watch) -> Result<String, String> {
    if watch.draining.load(Ordering::SeqCst) {
        Err("the node is stopping".to_owned())
    } else {
        Ok("yes".to_owned())
    }
}

async fn store(app: &App, watch: &Watch) -> Result<String, String> {
    let durable = watch.probe.ask(app, App::probe_store).await;
    durable.map(|()| "a write became durable".to_owned())
}

fn log(watch: &Watch) -> Result<String, String> {
    let ago = watch.signed_ago();
    if ago <= watch.signed_max {
        Ok(format!("checked {} s ago", ago.as_secs()))
    } else {
        Err(format!("no checkpoint could be signed for {} s", ago.as_secs()))
    }
}

fn keys(app: &App) -> Result<String, String> {
    match app.key_state() {
        KeyState::Good => Ok(match app.keys_ending() {
            None => "as the manifest names them".to_owned(),
            Some(end) => format!("as the manifest names them, until {end}: `mithaq keys prepare`"),
        }),
        KeyState::Manifest => Err("there is no manifest that is valid now".to_owned()),
        KeyState::Other => Err("the manifest names other keys".to_owned()),
    }
}

fn disk(watch: &Watch) -> Result<String, String> {
    let mib = |bytes: u64| bytes / 1_048_576;
    let Some(free) = watch.disk.free() else {
        return Err("the system does not say how much is free".to_owned());
    };
    let (reserve, ballast) = (mib(watch.disk.reserve()), mib(watch.disk.ballast()));
    let shown = format!("{} MiB free, {reserve} MiB reserved, {ballast} MiB of ballast", mib(free));
    if watch.disk.is_low() { Err(shown) } else { Ok(shown) }
}
