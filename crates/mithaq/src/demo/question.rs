//! The scene of a request for information: asked, asked back, answered in time.

use mithaq_model::Days;
use serde_json::{Value as Json, json};

use super::story::{ES, MA, broken};
use super::words::{self, Teller};
use crate::fleet::{self, Fleet, handling, id_of, now, text, until, why};
use crate::ui::Failure;

/// Morocco asks Spain; Spain asks back and answers. Returns the number of the answer.
pub(super) async fn ask_and_answer(
    world: &Fleet,
    (case, subject): (&str, &str),
    es_case: &str,
    teller: &Teller,
) -> Result<String, Failure> {
    let id = ask(world, case, subject).await?;
    let received = state(world, MA, &id, "received").await?;
    teller.say(&words::ASKS);
    let due = |view: &Json| view.get("due").and_then(Json::as_str).unwrap_or("-").to_owned();
    teller.shows(&format!("{id}  {}", due(&received)));

    let desk = world.api(ES, "spoc")?;
    let path = |what: &str| format!("/api/v1/requests/{id}/{what}");
    desk.post(&path("open"), &json!({ "reason": text("It came in at the desk") })).await?;
    desk.post(&path("steps"), &json!({ "step": "clarify", "text": text("Which of the two crossings?") }))
        .await?;
    let standing = state(world, MA, &id, "clarification").await?;
    let reply = json!({ "step": "clarified", "text": text("The second, at noon") });
    world.api(MA, "analyst")?.post(&path("steps"), &reply).await?;
    state(world, ES, &id, "under_evaluation").await?;
    teller.say(&words::ASKED_BACK);
    teller.shows(&format!("{id}  {}", due(&standing)));

    desk.post(&path("steps"), &json!({ "step": "accept", "case": es_case, "direct": true })).await?;
    let answer = answer(world, es_case, &id).await?;
    let done = state(world, MA, &id, "answered_full").await?;
    if done.get("in_time") != Some(&Json::Bool(true)) {
        return Err(broken("the answer did not count as in time"));
    }
    let marks = json!({ "step": "feedback", "useful": 3, "accuracy": 3 });
    world.api(MA, "analyst")?.post(&path("steps"), &marks).await?;
    state(world, ES, &id, "closed").await?;
    teller.say(&words::ANSWERED);
    teller.shows(&answer);
    Ok(answer)
}

async fn ask(world: &Fleet, case: &str, subject: &str) -> Result<String, Failure> {
    let body = json!({
        "report": {
            "why": why("The tickets were sold in the port of arrival"),
            "case": case,
            "agreement": world.agreement(MA, ES)?.to_string(),
            "recipients": [world.node(ES)?.party.as_str()],
            "urgency": "threat_to_life",
            "title": text("Who bought three ferry tickets"),
            "facts": [{ "text": text("Three tickets of 12 May were paid by one card"), "grade": "4x4:B2" }],
            "subjects": [subject],
            "grade": "4x4:B2",
            "handling": handling(),
            "level": "restricted",
            "expires": now().plus(Days(60)).to_string(),
        },
        "ask": {
            "sought": [text("The name the three tickets were bought under")],
            "why_there": text("The tickets were sold in the port of arrival"),
            "basis": text("Code of criminal procedure, article 108"),
            "lawful_at_home": true,
            "urgency_reason": text("The three leave for a conflict zone within days"),
            "penalty_years": 10,
            "connections": [{ "subject": subject, "text": text("Paid for the tickets of the travellers") }],
        },
    });
    let id = id_of(&world.api(MA, "analyst")?.post("/api/v1/requests", &body).await?)?;
    let approve = json!({ "why": why("Review before it is sent"), "case": case });
    world.api(MA, "supervisor")?.post(&format!("/api/v1/requests/{id}/approve"), &approve).await?;
    let sent = world.api(MA, "spoc")?.post(&format!("/api/v1/requests/{id}/send"), &json!({})).await?;
    if sent.get("sent") == Some(&Json::Bool(true)) {
        Ok(id)
    } else {
        Err(broken(&format!("the request was refused: {sent}")))
    }
}

/// Draft, review, two approvals and release, at Spain's node.
async fn answer(world: &Fleet, case: &str, request: &str) -> Result<String, Failure> {
    let body = json!({ "report": {
        "why": why("Morocco asked, and the case covers it"),
        "case": case,
        "kind": "information",
        "agreement": world.agreement(MA, ES)?.to_string(),
        "recipients": [world.node(MA)?.party.as_str()],
        "title": text("Three ferry tickets of 12 May"),
        "facts": [{ "text": text("The three tickets were bought at one counter and paid by one card"), "grade": "4x4:A1" }],
        "grade": "4x4:A1",
        "handling": handling(),
        "level": "restricted",
        "expires": now().plus(Days(60)).to_string(),
    } });
    let drafted =
        world.api(ES, "analyst")?.post(&format!("/api/v1/requests/{request}/answers"), &body).await?;
    let id = id_of(&drafted)?;
    world.approve(ES, case, &id).await?;
    if fleet::release(&world.api(ES, "spoc")?, std::slice::from_ref(&id), &json!({})).await? == 1 {
        Ok(id)
    } else {
        Err(broken("the answer was refused"))
    }
}

/// Waits until a node sees a request in a state.
async fn state(world: &Fleet, node: usize, id: &str, state: &str) -> Result<Json, Failure> {
    let api = world.api(node, "spoc")?;
    let direction = if node == MA { "own" } else { "received" };
    until(&format!("the request did not become `{state}`"), async || {
        let all = api.get(&format!("/api/v1/requests?direction={direction}")).await?;
        let field = |one: &Json, key: &str| one.get(key).and_then(Json::as_str).map(ToOwned::to_owned);
        let rows = all.as_array().cloned().unwrap_or_default();
        Ok(rows.into_iter().find(|one| {
            field(one, "id").as_deref() == Some(id) && field(one, "state").as_deref() == Some(state)
        }))
    })
    .await
}
