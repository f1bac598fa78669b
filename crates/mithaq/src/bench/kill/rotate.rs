//! New keys in the middle of a run: prepared at the node, signed by its root, installed by two persons, while reports are on
//! their way and whoever is hit next is killed.

use std::path::Path;

use hyper::Method;
use mithaq_envelope::sign_manifest;
use mithaq_model::Days;
use mithaq_node::setup;
use mithaq_node::{Next, prepare};
use mithaq_wire::decode_manifest;
use serde_json::{Value as Json, json};

use crate::agreement::unlock_root;
use crate::fleet::Fleet;
use crate::ui::{Exit, Failure};

/// How long the new manifest is valid.
const VALID: Days = Days(365);

/// Changes the keys of a node that runs. Returns the number of its manifest.
pub(super) async fn rotate(fleet: &Fleet, node: usize) -> Result<u64, Failure> {
    let (officer, supervisor) = (fleet.api(node, "security")?, fleet.api(node, "supervisor")?);
    let last = officer.bytes(Method::GET, "/api/v1/manifest", "application/json", Vec::new()).await?;
    let directory = fleet.node(node)?.directory.clone();
    let signed = tokio::task::block_in_place(|| next(&directory, last))?;
    let sent = officer.bytes(Method::POST, "/api/v1/keys/proposals", "application/cbor", signed).await?;
    let proposal: Json = serde_json::from_slice(&sent).map_err(anyhow::Error::from)?;
    let id = proposal.get("id").and_then(Json::as_str).unwrap_or_default();
    supervisor.post(&format!("/api/v1/keys/proposals/{id}/confirm"), &json!({})).await?;
    proposal
        .get("of")
        .and_then(Json::as_u64)
        .ok_or_else(|| Failure::new(Exit::Failed, "kill.keys", "the node installed no manifest"))
}

fn next(directory: &Path, last: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let next = Next { last, endpoint: None, valid: VALID, new_keys: true, log_key: None };
    let prepared = prepare(directory, &next)?;
    let manifest = decode_manifest(&prepared.request)
        .map_err(|_not_ours| Failure::new(Exit::Failed, "kill.keys", "this is no request for a manifest"))?;
    let root = setup::open_root(&directory.join(setup::ROOT_FILE), &unlock_root(directory)?)?;
    Ok(sign_manifest(&manifest, &root).map_err(anyhow::Error::from)?)
}
