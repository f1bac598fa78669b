//! The people at one node during a kill loop. When the node dies under a call they ask what became of it, or do again what is
//! the same when it is done twice.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::stream::{away, recall, receipts};
use crate::fleet::{Fleet, handling, id_of, now, release, text, until_within, why};
use crate::http::Api;
use crate::ui::{Exit, Failure};

/// Longest wait for a node that is away, or for one thing to arrive.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// What a node answers to who reviews, or approves, a second time.
const REVIEWED: &str = "report.not_graded";
const APPROVED: &str = "store.conflict.approval";

/// Who works at a node, and with whom.
#[derive(Debug, Clone)]
pub(super) struct People {
    pub(super) analyst: Api,
    pub(super) supervisor: Api,
    pub(super) spoc: Api,
    pub(super) case: String,
    subject: String,
    agreement: String,
    partner: String,
}

impl People {
    pub(super) fn of(
        fleet: &Fleet,
        (node, other): (usize, usize),
        (case, subject): (&str, &str),
    ) -> Result<Self, Failure> {
        Ok(Self {
            analyst: fleet.api(node, "analyst")?,
            supervisor: fleet.api(node, "supervisor")?,
            spoc: fleet.api(node, "spoc")?,
            case: case.to_owned(),
            subject: subject.to_owned(),
            agreement: fleet.agreement(node, other)?.to_string(),
            partner: fleet.node(other)?.party.to_string(),
        })
    }

    /// What a report to the partner says, as the API takes it.
    pub(super) fn report(&self, fact: &str) -> Json {
        json!({
            "why": why("Measurement with invented persons"),
            "case": self.case,
            "agreement": self.agreement,
            "recipients": [self.partner],
            "title": text("Three ferry tickets of 12 May"),
            "facts": [{ "text": text(fact), "grade": "4x4:B2" }],
            "subjects": [self.subject],
            "grade": "4x4:B2",
            "handling": handling(),
            "level": "restricted",
            "expires": now().plus(mithaq_model::Days(60)).to_string(),
        })
    }

    /// What a request to the partner says and asks.
    pub(super) fn request(&self) -> Json {
        json!({ "report": self.report("Three tickets of 12 May were paid by one card"), "ask": {
            "sought": [text("The name the three tickets were bought under")],
            "why_there": text("The tickets were sold in the port of arrival"),
            "basis": text("Code of criminal procedure, article 108"),
            "lawful_at_home": true,
            "penalty_years": 10,
            "connections": [{ "subject": self.subject, "text": text("Paid for the tickets of the travellers") }],
        } })
    }

    /// Writes a draft. One whose answer was lost stays behind as a draft, and nobody goes on with it.
    pub(super) async fn write(&self, path: &str, body: &Json) -> Result<String, Failure> {
        patiently("a draft was not written", async || {
            self.analyst.post(path, body).await.and_then(|made| id_of(&made))
        })
        .await
    }

    /// Reviews, approves by two persons and sends a draft, exactly once whatever dies meanwhile.
    pub(super) async fn send(&self, id: &str) -> Result<(), Failure> {
        patiently(&format!("{id} was not sent"), async || {
            while !self.sent(id).await? {
                self.push(id).await?;
            }
            Ok(())
        })
        .await
    }

    /// One try at everything that is left to do. What was done before the node died is refused the second time.
    async fn push(&self, id: &str) -> Result<(), Failure> {
        let review = json!({ "why": why("Review before release"), "case": self.case });
        let approve = format!("/api/v1/reports/{id}/approve");
        let reviewed = self.supervisor.post(&format!("/api/v1/reports/{id}/review"), &review).await;
        done_before(reviewed, &[REVIEWED])?;
        done_before(self.supervisor.post(&approve, &json!({})).await, &[APPROVED])?;
        done_before(self.spoc.post(&approve, &json!({})).await, &[APPROVED])?;
        match release(&self.spoc, &[id.to_owned()], &json!({})).await? {
            1 => Ok(()),
            _none => Err(broken(&format!("{id} was refused by the rules of its own node"))),
        }
    }

    async fn sent(&self, id: &str) -> Result<bool, Failure> {
        Ok(receipts(&[&self.supervisor], id).await?.as_array().is_some_and(|all| !all.is_empty()))
    }

    /// Takes back what was sent.
    pub(super) async fn take_back(&self, id: &str) -> Result<(), Failure> {
        recall(&[&self.supervisor], id).await
    }

    /// Waits until the partner has declared that it erased what was taken back.
    pub(super) async fn erased(&self, id: &str) -> Result<(), Failure> {
        until_within(PATIENCE, &format!("{id} has no declaration of erasure"), async || {
            let rows = receipts(&[&self.supervisor], id).await?;
            let rows = rows.as_array().cloned().unwrap_or_default();
            let all = rows.iter().all(|row| row.get("erased").is_some_and(|at| !at.is_null()));
            Ok((all && !rows.is_empty()).then_some(()))
        })
        .await
    }
}

/// Makes a call until the node answers it.
pub(super) async fn patiently<T>(
    what: &str,
    call: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    until_within(PATIENCE, what, async || match call().await {
        Ok(answer) => Ok(Some(answer)),
        // Locked: orders of the partner are on their way, and nothing of it is read before they are there.
        Err(failure) if away(&failure) || failure.code.starts_with("report.locked.") => Ok(None),
        Err(failure) => Err(failure),
    })
    .await
}

/// A refusal because of what is done already is as good as doing it; one because the node is away or busy is not.
pub(super) fn done_before(answer: Result<Json, Failure>, codes: &[&str]) -> Result<(), Failure> {
    match answer {
        Ok(_done) => Ok(()),
        Err(failure) if codes.contains(&failure.code.as_str()) => Ok(()),
        Err(failure) => Err(failure),
    }
}

pub(super) fn broken(what: &str) -> Failure {
    Failure::new(Exit::Failed, "kill.people", what)
}
