//! The story: a spontaneous report, a refusal with its reason, a correction and a recall that reach a partner
//! that was away, evidence verified offline.

use std::path::Path;

use hyper::Method;
use mithaq_evidence::{Anchors, judge};
use serde_json::{Value as Json, json};

use super::words::{self, Teller};
use crate::fleet::{self, Draft, Fleet, text, until, why};
use crate::ui::{Exit, Failure};

pub(super) const MA: usize = 0;
pub(super) const ES: usize = 1;
const CI: usize = 2;

pub(crate) async fn tell(world: &mut Fleet, list: Option<&Path>, teller: &Teller) -> Result<Json, Failure> {
    let case = world.open_case(MA).await?;
    if let Some(file) = list {
        teller.say(&words::LIST);
        let report = crate::import::into_case(&world.api(MA, "analyst")?, &case, file).await?;
        teller.shows(&format!("{report}"));
    }
    teller.say(&words::CASE);
    let subject = world.write_subject(MA, &case).await?;
    teller.shows(&format!("{case}  {subject}"));
    teller.say(&words::TWO);
    let to_spain = prepare(world, &case, &subject, ES).await?;
    teller.say(&words::SENT);
    release(world, &to_spain, &json!({})).await?.ok_or_else(|| broken("the report to Spain was refused"))?;
    let verdict = receipt(world, &to_spain, "verdict").await?;
    teller.say(&words::ACCEPTED);
    teller.shows(&format!("{to_spain}  R1, R2: {verdict}"));
    let es_case = world.open_case(ES).await?;
    read(world, ES, &es_case, &to_spain).await?;
    let read_at = receipt(world, &to_spain, "read").await?;
    teller.say(&words::READ);
    teller.shows(&format!("R3: {read_at}"));

    let checked = super::check::tell(world, &case, &es_case, teller).await?;
    let conflict = super::plan::tell(world, &case, &es_case, teller).await?;
    let answered = super::question::ask_and_answer(world, (&case, &subject), &es_case, teller).await?;

    teller.say(&words::REFUSE);
    let to_ivory = prepare(world, &case, &subject, CI).await?;
    let reason = refusal(world, &to_ivory, teller).await?;
    teller.shows(&reason);
    teller.say(&words::SHARED);
    release(world, &to_ivory, &json!({}))
        .await?
        .ok_or_else(|| broken("the report to Côte d'Ivoire was refused"))?;
    receipt(world, &to_ivory, "verdict").await?;

    teller.say(&words::AWAY);
    world.kill(CI);
    teller.say(&words::CORRECT);
    correct(world, &case, &to_spain).await?;
    teller.say(&words::RECALL);
    let path = format!("/api/v1/reports/{to_ivory}/recall");
    world.api(MA, "supervisor")?.post(&path, &json!({ "reason": "inaccurate" })).await?;
    teller.shows(&to_ivory);
    world.start(CI)?;
    world.wait_ready(CI).await?;
    let erased_at = receipt(world, &to_ivory, "erased").await?;
    teller.say(&words::BACK);
    teller.shows(&format!("R4: {erased_at}"));
    teller.say(&words::GONE);
    let ci_case = world.open_case(CI).await?;
    match read(world, CI, &ci_case, &to_ivory).await {
        Ok(_shown) => return Err(broken("a recalled report could still be read")),
        Err(refused) => teller.shows(&format!("{} ({})", refused.text, refused.code)),
    }
    let entries = evidence(world, teller).await?;
    Ok(
        json!({ "sent": to_spain, "verdict": verdict, "read": read_at, "checked": checked, "conflict": conflict, "answered": answered, "refused": reason,
        "recalled": to_ivory, "erased": erased_at, "entries_verified": entries }),
    )
}

pub(super) fn broken(what: &str) -> Failure {
    Failure::new(Exit::Failed, "demo.broken", what)
}

/// Draft, review and two approvals.
pub(super) async fn prepare(world: &Fleet, case: &str, subject: &str, to: usize) -> Result<String, Failure> {
    let fact = "Three persons left by ferry on 12 May with tickets paid by one card";
    let id = world.draft(MA, &[to], &Draft { case, subject, fact }).await?;
    world.approve(MA, case, &id).await?;
    Ok(id)
}

/// Releases; nothing when the rules refuse.
pub(super) async fn release(world: &Fleet, id: &str, stated: &Json) -> Result<Option<()>, Failure> {
    let sent = fleet::release(&world.api(MA, "spoc")?, &[id.to_owned()], stated).await?;
    Ok((sent == 1).then_some(()))
}

async fn refusal(world: &Fleet, id: &str, teller: &Teller) -> Result<String, Failure> {
    let body = json!({ "reports": [id], "stated": { "capital_offence": true } });
    let done = world.api(MA, "spoc")?.post("/api/v1/reports/release", &body).await?;
    let one = done.get(0).ok_or_else(|| broken("no decision"))?;
    if one.get("sent").and_then(Json::as_bool) != Some(false) {
        return Err(broken("a report into a risk of death was not refused"));
    }
    let words = one
        .get("words")
        .and_then(|words| words.get(teller.lang()))
        .and_then(Json::as_str)
        .unwrap_or_default();
    let field = |key: &str| one.get(key).map(ToString::to_string).unwrap_or_default();
    Ok(format!(
        "{words} ({}, {} {}, {})",
        field("code").trim_matches('"'),
        teller.word(&crate::http::STEP),
        field("step"),
        field("ground").trim_matches('"')
    ))
}

/// Waits until the recipient has signed for something.
pub(super) async fn receipt(world: &Fleet, id: &str, what: &str) -> Result<String, Failure> {
    let api = world.api(MA, "supervisor")?;
    until(&format!("the receipt `{what}` did not arrive"), async || {
        let found = api.get(&format!("/api/v1/reports/{id}/receipts")).await?;
        let rows = found.get("receipts").and_then(Json::as_array).cloned().unwrap_or_default();
        Ok(rows.iter().find_map(|row| row.get(what).and_then(Json::as_str)).map(ToOwned::to_owned))
    })
    .await
}

pub(super) async fn read(world: &Fleet, node: usize, case: &str, id: &str) -> Result<Json, Failure> {
    let body = json!({ "why": why("Travellers may arrive in our territory"), "case": case });
    world.api(node, "analyst")?.post(&format!("/api/v1/reports/{id}/read"), &body).await
}

/// A second version of the report to Spain, through the same hands.
async fn correct(world: &Fleet, case: &str, id: &str) -> Result<(), Failure> {
    let body = json!({
        "why": why("The date was wrong"),
        "case": case,
        "facts": [{ "text": text("Three persons left by ferry on 13 May with tickets paid by one card"), "grade": "4x4:A2" }],
    });
    world.api(MA, "analyst")?.post(&format!("/api/v1/reports/{id}/correct"), &body).await?;
    world.approve(MA, case, id).await?;
    release(world, id, &json!({})).await?.ok_or_else(|| broken("the correction was refused"))?;
    Ok(())
}

/// Exports, verifies offline, and shows that a changed byte is found.
async fn evidence(world: &Fleet, teller: &Teller) -> Result<u64, Failure> {
    teller.say(&words::EVIDENCE);
    let api = world.api(MA, "oversight")?;
    let body = json!({ "extent": "all" }).to_string().into_bytes();
    let mut bundle = api.bytes(Method::POST, "/api/v1/evidence", "application/json", body).await?;
    // What the oversight body has on paper: the numbers of the two agreements. Everything else is in the bundle.
    let paper = [world.agreement(MA, ES)?, world.agreement(MA, CI)?];
    let anchors = Anchors { agreements: paper.to_vec(), ..Anchors::default() };
    let found =
        judge(&bundle, &anchors).map_err(|error| broken(&format!("{:#}", anyhow::Error::from(error))))?;
    if !found.is_complete || !found.violations.is_empty() {
        return Err(broken("the evidence is not complete, or shows a wrong"));
    }
    let entries = found.entries;
    teller.shows(&format!("{entries}  {}", teller.word(&words::COMPLETE)));
    teller.say(&words::WITNESSED);
    for one in &found.countersigned {
        teller.shows(&format!("{}  {}  {}", one.by, found.size, one.at));
    }
    teller.say(&words::SIGNED_FOR);
    let signed = found.messages.iter().filter(|message| message.is_sent && message.receipt.is_some()).count();
    teller.shows(&format!("R1, R2: {signed}   R3, R4: {}", found.later.len()));
    teller.say(&words::FORGED);
    let middle = bundle.len() / 2;
    if let Some(byte) = bundle.get_mut(middle) {
        *byte ^= 1;
    }
    match judge(&bundle, &anchors) {
        Ok(_forged) => Err(broken("a changed byte was not found")),
        Err(error) => {
            tracing::debug!(%error, "the changed bundle is refused");
            teller.shows(teller.word(&words::BROKEN));
            Ok(entries)
        }
    }
}
