//! The scene of a private check: a hit across scripts, compared and confirmed by a person on each side, and a no-hit.

use data_encoding::HEXLOWER;
use mithaq_check::TokenPolicy;
use mithaq_check::attack::Shipped;
use mithaq_model::Days;
use serde_json::{Value as Json, json};

use super::story::{ES, MA, broken};
use super::words::{self, Teller};
use crate::check::attack::{self, AttackArgs};
use crate::fleet::{Fleet, RECORD, handling, id_of, now, text, until, why};
use crate::ui::Failure;

/// The text of an agreement that provides for private checks and deconfliction.
pub(super) fn provided(text: &str) -> String {
    let policy = HEXLOWER.encode(&TokenPolicy::WIDE.hash());
    format!(
        "{text}\n[private_check]\nbatch_cap = 25\ndaily_cap = 4000\nofficer_cap = 2000\ncase_cap = 1000\n\
         review_after = 500\nevents = true\ntoken_policy = \"{policy}\"\n"
    )
}

/// Morocco asks Spain about two persons, one of whom Spain knows under another script.
pub(super) async fn tell(
    world: &Fleet,
    case: &str,
    es_case: &str,
    teller: &Teller,
) -> Result<String, Failure> {
    let known = write(world, MA, case, KNOWN, "1987/1988").await?;
    let unknown = write(world, MA, case, UNKNOWN, "1979").await?;
    write(world, ES, es_case, HELD, "1987").await?;
    let agreement = world.agreement(MA, ES)?.to_string();
    let partner = world.node(MA)?.party.to_string();
    let body = json!({ "agreement": agreement, "partner": partner });
    world.api(ES, "spoc")?.post("/api/v1/checks/sets", &body).await?;
    teller.say(&words::SET);

    let check = ask(world, case, &known).await?;
    let hit = state(world, MA, &check, "possible_hit").await?;
    teller.say(&words::PRIVATE);
    teller.shows(&format!("{check}  {}", field(&hit, "evaluations")));
    let handle = candidate(world, MA, &check, |one| text_of(one, "handle")).await?;
    let band = candidate(world, ES, &check, |one| text_of(one, "band")).await?;
    teller.say(&words::HIT);
    teller.shows(&format!("{handle}  {band}"));

    for (node, case) in [(MA, case), (ES, es_case)] {
        step(world, node, case, (&check, &handle), "compare").await?;
    }
    for node in [MA, ES] {
        let shown = |one: &Json| one.get("shown").and_then(|shown| years(shown.get("years")?));
        teller.shows(&candidate(world, node, &check, shown).await?);
    }
    for (node, case) in [(MA, case), (ES, es_case)] {
        step(world, node, case, (&check, &handle), "same").await?;
    }
    let due = candidate(world, MA, &check, |one| text_of(one, "due")).await?;
    candidate(world, ES, &check, |one| text_of(one, "due")).await?;
    teller.say(&words::SAME);
    teller.shows(&due);

    let other = ask(world, case, &unknown).await?;
    state(world, MA, &other, "no_hit").await?;
    world.api(MA, "supervisor")?.post(&format!("/api/v1/checks/{other}/close"), &json!({})).await?;
    state(world, MA, &other, "closed").await?;
    state(world, ES, &other, "evaluated").await?;
    teller.say(&words::NO_HIT);
    attacked(world, teller).await?;
    Ok(check)
}

/// Names and years of birth of the scene: of whom Morocco asks, and who Spain knows.
const KNOWN: (&str, &str) = ("ar", "عبد الحميد تازروت");
const UNKNOWN: (&str, &str) = ("ar", "إدريس بن سعيد الطويل");
const HELD: (&str, &str) = ("ru", "Абдельхамид Тазерут");

/// The attacker of `mithaq check attack` gets what travelled above, as Morocco's node recorded it, with a dictionary small
/// enough to wait for. It holds these persons, and still names nobody.
async fn attacked(world: &Fleet, teller: &Teller) -> Result<(), Failure> {
    let directory = &world.node(MA)?.directory;
    let (transcript, subjects) = (directory.join(RECORD), directory.join("subjects.tsv"));
    let persons = [(HELD, 1987), (KNOWN, 1987), (UNKNOWN, 1979)];
    let rows: String = persons.iter().map(|((_, name), year)| format!("{name}\t{year}\n")).collect();
    std::fs::write(&subjects, rows)?;
    let again = format!(
        "mithaq check attack --transcript {} --subjects {}",
        transcript.display(),
        subjects.display()
    );
    let args = AttackArgs::small(transcript, subjects);
    let tried = tokio::task::spawn_blocking(move || attack::attack(&args, |_progress| ()));
    let outcome = tried.await.map_err(|error| broken(&error.to_string()))??;
    teller.say(&words::ATTACK);
    if world.lasts() {
        teller.shows(&again);
    }
    let row = |what: &str, named: usize, tried: usize, seconds: f64| {
        let (of, names) = (teller.word(&words::NAMED), teller.word(&words::TRIED));
        teller.shows(&format!("{what}: {of} {named}, {names} {tried}, {seconds:.1} s"));
    };
    for one in &outcome.shipped {
        let what = if one.kind == Shipped::Short { teller.word(&words::SHORT) } else { "PBKDF2" };
        row(what, one.named, one.tried, one.seconds);
    }
    row(teller.word(&words::TAG_SET), outcome.ours, outcome.names, outcome.ours_seconds);
    if outcome.heard.is_none_or(|(_, elements, claims)| elements == 0 || claims == 0) {
        return Err(broken("the transcript holds no check"));
    }
    if outcome.shipped.iter().any(|one| one.named < persons.len()) {
        return Err(broken("the attacker did not open the filters of others"));
    }
    if outcome.ours > 0 { Err(broken("the attacker named somebody without the key")) } else { Ok(()) }
}

/// Writes an invented person under one name in one script.
async fn write(
    world: &Fleet,
    node: usize,
    case: &str,
    (lang, name): (&str, &str),
    born: &str,
) -> Result<String, Failure> {
    let expires = now().plus(Days(360)).to_string();
    let claim = |attribute: &str, value: Json| {
        json!({ "attribute": attribute, "value": value, "source_ref": "file-14", "grade": "4x4:B2",
            "handling": handling(), "expires": expires })
    };
    let full = json!({ "lang": lang, "text": name });
    let name =
        json!({ "is": "name", "full": full, "kind": "primary", "form": "original", "quality": "good" });
    let person = json!({ "kind": "person", "class": "suspect_committed",
        "claims": [claim("name", name), claim("born", json!({ "is": "date", "date": born }))] });
    let body = json!({ "why": why("Named by a passenger list"), "subjects": [person] });
    let made = world.api(node, "analyst")?.post(&format!("/api/v1/cases/{case}/subjects"), &body).await?;
    id_of(made.get(0).unwrap_or(&Json::Null))
}

/// Written by the analyst, authorised by the supervisor once Spain's set is here.
async fn ask(world: &Fleet, case: &str, subject: &str) -> Result<String, Failure> {
    let analyst = world.api(MA, "analyst")?;
    let body = json!({
        "why": why("He may be known where the ferry arrives"),
        "case": case,
        "agreement": world.agreement(MA, ES)?.to_string(),
        "partner": world.node(ES)?.party.as_str(),
        "class": "suspect_committed",
        "subjects": [subject],
    });
    let check = id_of(&analyst.post("/api/v1/checks", &body).await?)?;
    until("the partner's tag set did not arrive", async || {
        let sets = analyst.get("/api/v1/checks/sets").await?;
        let rows = sets.as_array().cloned().unwrap_or_default();
        Ok(rows.into_iter().find(|set| text_of(set, "direction").as_deref() == Some("received")))
    })
    .await?;
    let body = json!({ "why": why("The check is needed and narrow"), "case": case });
    world.api(MA, "supervisor")?.post(&format!("/api/v1/checks/{check}/authorise"), &body).await?;
    Ok(check)
}

async fn step(
    world: &Fleet,
    node: usize,
    case: &str,
    (check, handle): (&str, &str),
    what: &str,
) -> Result<(), Failure> {
    let body = json!({ "why": why("The check gave a possible hit"), "case": case, "what": { "step": what } });
    let path = format!("/api/v1/checks/{check}/candidates/{handle}");
    world.api(node, "analyst")?.post(&path, &body).await.map(drop)
}

fn text_of(one: &Json, key: &str) -> Option<String> {
    one.get(key).and_then(Json::as_str).map(ToOwned::to_owned)
}

/// `1987`, or `1987–1988` for what is not known better.
fn years(range: &Json) -> Option<String> {
    let (first, last) = (range.get(0)?.as_i64()?, range.get(1)?.as_i64()?);
    Some(if first == last { first.to_string() } else { format!("{first}–{last}") })
}

fn field(one: &Json, key: &str) -> String {
    one.get(key).map(ToString::to_string).unwrap_or_default()
}

/// Waits until a node sees a check in a state.
async fn state(world: &Fleet, node: usize, check: &str, state: &str) -> Result<Json, Failure> {
    let api = world.api(node, "supervisor")?;
    let direction = if node == MA { "own" } else { "received" };
    until(&format!("the check did not become `{state}`"), async || {
        let all = api.get(&format!("/api/v1/checks?direction={direction}")).await?;
        let rows = all.as_array().cloned().unwrap_or_default();
        Ok(rows.into_iter().find(|one| {
            text_of(one, "id").as_deref() == Some(check) && text_of(one, "state").as_deref() == Some(state)
        }))
    })
    .await
}

/// Waits until the candidate of a check has something at a node.
async fn candidate(
    world: &Fleet,
    node: usize,
    check: &str,
    wanted: impl Fn(&Json) -> Option<String>,
) -> Result<String, Failure> {
    let api = world.api(node, "analyst")?;
    let body = json!({ "reason": text("Following the check of the recruiter") });
    until("a candidate did not get on", async || {
        let shown = api.post(&format!("/api/v1/checks/{check}/show"), &body).await?;
        let all = shown.get("candidates").and_then(Json::as_array).cloned().unwrap_or_default();
        match all.as_slice() {
            [] => Ok(None),
            [one] => Ok(wanted(one)),
            _more => Err(broken("one person gave more than one candidate")),
        }
    })
    .await
}
