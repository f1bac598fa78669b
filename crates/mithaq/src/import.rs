//! `mithaq subjects import`: sends a published list to the node, which imports it into a case.

use std::path::Path;

use hyper::Method;
use serde_json::Value as Json;

use crate::http::Api;
use crate::ui::{Exit, Failure};

/// Sends the list; returns what the import did.
pub(crate) async fn into_case(api: &Api, case: &str, file: &Path) -> Result<Summary, Failure> {
    let bytes = std::fs::read(file).map_err(|error| {
        Failure::new(Exit::Usage, "import.unreadable", format!("cannot read `{}`: {error}", file.display()))
    })?;
    let path = format!(
        "/api/v1/cases/{case}/import/un-list?purpose=investigate&reason=Import%20of%20the%20published%20list"
    );
    let answer = api.bytes(Method::POST, &path, "application/xml", bytes).await?;
    let json: Json = serde_json::from_slice(&answer).map_err(anyhow::Error::from)?;
    Ok(Summary(json))
}

/// What an import did.
pub(crate) struct Summary(pub(crate) Json);

impl Summary {
    /// What was not carried, one line per path and reason.
    pub(crate) fn losses(&self) -> Vec<String> {
        let rows =
            |json: &Json, key: &str| json.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
        let word =
            |json: &Json, key: &str| json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let count = |json: &Json| json.get("count").and_then(Json::as_u64).unwrap_or(0);
        let mut lines = Vec::new();
        for one in rows(&self.0, "special_categories") {
            lines.push(format!("texts\tscreened:{}\t{}", word(&one, "code"), count(&one)));
        }
        for path in rows(&self.0, "paths") {
            for how in ["lost", "weakened"] {
                for one in rows(&path, how) {
                    lines.push(format!(
                        "{}\t{how}:{}\t{}",
                        word(&path, "path"),
                        word(&one, "code"),
                        count(&one)
                    ));
                }
            }
        }
        lines
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = |key: &str| self.0.get(key).and_then(Json::as_u64).unwrap_or(0);
        write!(
            f,
            "{} persons, {} organisations: {} added, {} there already, {} refused",
            number("persons"),
            number("organisations"),
            number("added"),
            number("existing"),
            number("refused")
        )
    }
}
