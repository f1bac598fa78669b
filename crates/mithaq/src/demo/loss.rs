//! A chapter for those who run a node: backed up while it works, lost, restored from the old copy. What partners signed for
//! is recovered from them, nothing is lost that they have, and the evidence says what happened.

use hyper::Method;
use mithaq_evidence::{Anchors, Judgement, judge};
use mithaq_node::backup;
use serde_json::{Value as Json, json};

use super::story::{ES, MA, broken, prepare, read, receipt, release};
use super::words::{self, Teller};
use crate::fleet::{Fleet, until};
use crate::ui::Failure;

pub(crate) async fn tell(world: &mut Fleet, teller: &Teller) -> Result<Json, Failure> {
    let directory = world.node(MA)?.directory.clone();
    let copy = directory.with_extension("copy");
    let case = world.open_case(MA).await?;
    let subject = world.write_subject(MA, &case).await?;
    let before = send(world, &case, &subject).await?;

    teller.say(&words::BACKUP);
    let (from, to) = (directory.clone(), copy.clone());
    let label = blocking(move || backup::backup(&from, &to, backup::Attachments::Copy)).await?;
    teller.shows(&format!("{}  {} entries  sha256 {}…", label.log, label.entries, first(&label.sha256)));

    teller.say(&words::ON);
    let after = send(world, &case, &subject).await?;
    let there = world.open_case(ES).await?;
    read(world, ES, &there, &after).await?;
    receipt(world, &after, "read").await?;
    teller.shows(&format!("{after}  R1, R2, R3"));

    teller.say(&words::LOST);
    world.kill(MA);
    let (at, from) = (directory.clone(), copy.clone());
    let done = blocking(move || backup::restore(&at, Some(&from))).await?;
    teller.shows(&format!("{} → {}", done.restored.before, done.restored.log));
    world.start(MA)?;
    world.wait_ready(MA).await?;
    // The log that goes on counts at the partner once two of its people say so.
    accept(world, ES, &done.restored.log).await?;
    teller.shows(&format!("{}: security officer, supervisor: accept", done.restored.log));

    teller.say(&words::RECOVERED);
    let found = evidence(world, MA, "message.recovered").await?;
    let lost = found.kinds.get("message.recovered").copied().unwrap_or(0);
    teller.shows(&format!("{lost} messages, each with the receipt of its receiver"));
    // What the partner has, it still has, and reads.
    read(world, ES, &there, &after).await?;

    teller.say(&words::GOES_ON);
    let next =
        until("the lane did not begin anew", async || Ok(send(world, &case, &subject).await.ok())).await?;
    teller.shows(&format!("{next}  R1, R2"));
    let theirs = evidence(world, ES, "message.taken").await?;
    if !theirs.violations.is_empty() || !found.violations.is_empty() {
        return Err(broken("the evidence shows a wrong after the restore"));
    }
    for report in [&before, &after] {
        let object = report.replacen("R-", "O-", 1);
        if !theirs.messages.iter().any(|message| message.object == object && message.receipt.is_some()) {
            return Err(broken("a report from before the loss is not in the partner's evidence"));
        }
    }
    std::fs::remove_dir_all(&copy)?;
    Ok(json!({ "log": done.restored.log, "recovered": lost, "before": before, "lost": after, "next": next }))
}

/// Two persons of a partner accept the log of the restored node, once it asked to be countersigned.
async fn accept(world: &Fleet, partner: usize, log: &str) -> Result<(), Failure> {
    let path = format!("/api/v1/partners/{}/log", world.node(MA)?.party);
    until("the restored log never asked to be countersigned", async || {
        let waits = world.api(partner, "security")?.get("/api/v1/keys/logs").await?;
        let of_log = |one: &Json| one.get("log").and_then(Json::as_str) == Some(log);
        Ok(waits.as_array().is_some_and(|all| all.iter().any(of_log)).then_some(()))
    })
    .await?;
    for officer in ["security", "supervisor"] {
        world.api(partner, officer)?.post(&path, &json!({ "log": log, "ruling": "accept" })).await?;
    }
    Ok(())
}

async fn send(world: &Fleet, case: &str, subject: &str) -> Result<String, Failure> {
    let report = prepare(world, case, subject, ES).await?;
    release(world, &report, &json!({})).await?.ok_or_else(|| broken("a report was refused"))?;
    receipt(world, &report, "verdict").await?;
    Ok(report)
}

/// A node's evidence, complete, once it holds an entry of a kind, judged by the numbers of the agreements alone.
async fn evidence(world: &Fleet, node: usize, kind: &str) -> Result<Judgement, Failure> {
    let agreements = vec![world.agreement(MA, ES)?];
    let anchors = Anchors { agreements, ..Anchors::default() };
    until("the evidence did not come together", async || {
        let api = world.api(node, "oversight")?;
        let body = json!({ "extent": "all" }).to_string().into_bytes();
        let bundle = api.bytes(Method::POST, "/api/v1/evidence", "application/json", body).await?;
        match judge(&bundle, &anchors) {
            Ok(found) if found.is_complete && found.kinds.contains_key(kind) => Ok(Some(found)),
            Ok(_not_yet) => Ok(None),
            Err(mithaq_evidence::JudgeError::Quorum { .. }) => Ok(None),
            Err(error) => Err(broken(&format!("{:#}", anyhow::Error::from(error)))),
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?;
    Ok(done?)
}

fn first(hex: &str) -> String {
    hex.chars().take(12).collect()
}
