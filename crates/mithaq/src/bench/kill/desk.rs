//! Requests for information during a kill loop: asked, opened at the other desk, taken up, answered, refused or taken back,
//! one after the other, with both nodes dying under it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};

use super::people::{PATIENCE, People, broken, done_before, patiently};
use super::stream::{away, object};
use crate::bench::check::{Fate, Known};
use crate::bench::dice::Dice;
use crate::fleet::{text, until_within};
use crate::ui::Failure;

/// What people do with one request after the other.
const FATES: [Fate; 8] = [
    Fate::Answered,
    Fate::Refused,
    Fate::Answered,
    Fate::Withdrawn,
    Fate::Answered,
    Fate::TakenUp,
    Fate::Refused,
    Fate::Opened,
];

/// Two desks: who asks, and who is asked.
pub(super) struct Desk {
    asking: People,
    asked: People,
    dice: Dice,
    stop: Arc<AtomicBool>,
    /// What was done with each request.
    fates: BTreeMap<String, Fate>,
    /// Reports that answer.
    answers: Vec<String>,
}

impl Desk {
    pub(super) fn new((asking, asked): (&People, &People), dice: Dice, stop: &Arc<AtomicBool>) -> Self {
        let (asking, asked, stop) = (asking.clone(), asked.clone(), Arc::clone(stop));
        Self { asking, asked, dice, stop, fates: BTreeMap::new(), answers: Vec::new() }
    }

    /// Asks until told to stop; what was begun is brought to its end.
    pub(super) async fn run(mut self) -> Result<Self, Failure> {
        let first = usize::try_from(self.dice.below(8)).unwrap_or(0);
        for fate in FATES.into_iter().cycle().skip(first) {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let id = self.asking.write("/api/v1/requests", &self.asking.request()).await?;
            self.asking.send(&id).await?;
            self.bring(&id, fate).await?;
            self.fates.insert(id, fate);
        }
        Ok(self)
    }

    async fn bring(&mut self, id: &str, fate: Fate) -> Result<(), Failure> {
        // Some are taken back before anybody there has seen them.
        if fate == Fate::Withdrawn && self.dice.below(2) == 0 {
            return self.asking.take_back(id).await;
        }
        self.is(&self.asked, id, "received").await?;
        let open = json!({ "reason": text("It came in at the desk") });
        let path = format!("/api/v1/requests/{id}/open");
        patiently("a request was not opened", async || self.asked.spoc.post(&path, &open).await).await?;
        match fate {
            Fate::Opened => Ok(()),
            Fate::Withdrawn => self.asking.take_back(id).await,
            Fate::Refused => self.say(id, &json!({ "step": "refuse", "ground": "R01" })).await,
            Fate::TakenUp => self.take_up(id).await,
            Fate::Answered => {
                self.take_up(id).await?;
                self.answer(id).await
            }
        }
    }

    async fn take_up(&self, id: &str) -> Result<(), Failure> {
        self.say(id, &json!({ "step": "accept", "case": self.asked.case, "direct": true })).await
    }

    /// Says something at the desk that was asked. Said a second time it does not fit the state any more.
    async fn say(&self, id: &str, step: &Json) -> Result<(), Failure> {
        let path = format!("/api/v1/requests/{id}/steps");
        patiently("a step was not said", async || {
            done_before(self.asked.spoc.post(&path, step).await, &["request.state"])
        })
        .await
    }

    async fn answer(&mut self, id: &str) -> Result<(), Failure> {
        let mut report =
            self.asked.report("The three tickets were bought at one counter and paid by one card");
        if let Some(report) = report.as_object_mut() {
            report.insert("kind".to_owned(), json!("information"));
        }
        let body = json!({ "report": report });
        let answer = self.asked.write(&format!("/api/v1/requests/{id}/answers"), &body).await?;
        self.asked.send(&answer).await?;
        self.answers.push(answer);
        Ok(())
    }

    /// Waits until people see a request in a state.
    async fn is(&self, people: &People, id: &str, state: &str) -> Result<(), Failure> {
        let what = format!("the request {id} did not become `{state}`");
        until_within(PATIENCE, &what, async || {
            for direction in ["own", "received"] {
                let list = people.spoc.get(&format!("/api/v1/requests?direction={direction}")).await;
                let list = match list {
                    Err(failure) if away(&failure) => return Ok(None),
                    list => list?,
                };
                let field =
                    |one: &Json, key: &str| one.get(key).and_then(Json::as_str).map(ToOwned::to_owned);
                let is = |one: &Json| {
                    field(one, "id").as_deref() == Some(id) && field(one, "state").as_deref() == Some(state)
                };
                if list.as_array().is_some_and(|all| all.iter().any(is)) {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Waits until both sides see the end of every request.
    pub(super) async fn wait_settled(&self) -> Result<(), Failure> {
        for (id, fate) in &self.fates {
            if *fate == Fate::Withdrawn {
                self.asking.erased(id).await?;
            }
            let [here, there] = fate.states();
            self.is(&self.asking, id, here).await?;
            // Taken back before it came, it was never a request there; the declaration of erasure is the end then.
            if *fate != Fate::Withdrawn {
                self.is(&self.asked, id, there).await?;
            }
        }
        Ok(())
    }

    /// Adds what the people at both desks know: first those who asked.
    pub(super) fn tell(&self, [asking, asked]: [&mut Known; 2]) -> Result<(), Failure> {
        for (id, fate) in &self.fates {
            let id = object(id)?;
            asking.released.insert(id);
            if asking.asked.insert(id, *fate).is_some() {
                return Err(broken("one number for two requests"));
            }
            if *fate == Fate::Withdrawn {
                asking.recalled.insert(id);
            }
        }
        for id in &self.answers {
            asked.released.insert(object(id)?);
        }
        Ok(())
    }
}
