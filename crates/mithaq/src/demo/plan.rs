//! The scene of two planned actions that would have met: both planners learn that, and whom to call.

use mithaq_model::Millis;
use serde_json::{Value as Json, json};

use super::story::{ES, MA, broken};
use super::words::{self, Teller};
use crate::fleet::{Fleet, id_of, now, until, why};
use crate::ui::Failure;

/// Spain plans on one side of the strait, Morocco on the other. Returns whom Morocco calls.
pub(super) async fn tell(
    world: &Fleet,
    case: &str,
    es_case: &str,
    teller: &Teller,
) -> Result<String, Failure> {
    plan(world, ES, es_case, (35_830_000, -5_750_000), "Sala de coordinación, 34").await?;
    teller.say(&words::PLANNED);
    plan(world, MA, case, (35_780_000, -5_810_000), "Salle d'opérations, 12").await?;
    let (theirs, ours) = (met(world, MA, case).await?, met(world, ES, es_case).await?);
    teller.say(&words::CONFLICT);
    teller.shows(&theirs);
    teller.shows(&ours);
    if (theirs.as_str(), ours.as_str()) != ("Sala de coordinación, 34", "Salle d'opérations, 12") {
        return Err(broken("the planners were told to call somebody else"));
    }
    Ok(theirs)
}

/// Written by the analyst, authorised by the supervisor.
async fn plan(
    world: &Fleet,
    node: usize,
    case: &str,
    (north, east): (i32, i32),
    contact: &str,
) -> Result<(), Failure> {
    let body = json!({
        "why": why("The suspect is expected at the crossing"),
        "case": case,
        "agreement": world.agreement(MA, ES)?.to_string(),
        "latitude_e6": north,
        "longitude_e6": east,
        "from": now().plus(Millis::hours(48)).to_string(),
        "contact": contact,
    });
    let plan = id_of(&world.api(node, "analyst")?.post("/api/v1/plans", &body).await?)?;
    let body = json!({ "why": why("The plan is ready"), "case": case });
    let path = format!("/api/v1/plans/{plan}/authorise");
    world.api(node, "supervisor")?.post(&path, &body).await.map(drop)
}

/// Waits until a plan of the case met one, and returns whom to call.
async fn met(world: &Fleet, node: usize, case: &str) -> Result<String, Failure> {
    let api = world.api(node, "analyst")?;
    let body = json!({ "why": why("Looking for conflicts"), "case": case });
    until("the plans did not meet", async || {
        let plans = api.post("/api/v1/plans/list", &body).await?;
        let conflicts = plans.pointer("/0/conflicts/0/contact").and_then(Json::as_str);
        Ok(conflicts.map(ToOwned::to_owned))
    })
    .await
}
