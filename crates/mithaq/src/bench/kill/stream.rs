//! The people at one node during a kill loop: they release reports, now and then recall one, and when the node dies
//! under a call they ask what became of it before they try again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mithaq_model::ReportId;
use serde_json::{Value as Json, json};

use crate::bench::check::{Known, Object};
use crate::bench::dice::Dice;
use crate::fleet::{Fleet, release, until_within};
use crate::http::Api;
use crate::ui::{Exit, Failure};

/// One report in so many is recalled.
const RECALL_ONE_IN: u64 = 16;
/// Most reports in one call.
const TOGETHER: u64 = 8;
/// Longest wait for a node that is away, or for everything to be settled.
const PATIENCE: Duration = Duration::from_secs(90);

/// A stream of reports from one node to the other.
pub(in crate::bench) struct Stream {
    ready: Vec<String>,
    /// The processes of the node, as who releases and who asks; the first is used until it is away.
    doors: VecDeque<(Api, Api)>,
    /// When the last release was answered, and the longest time between two answers.
    answered: Option<Instant>,
    longest: Duration,
    dice: Dice,
    rate: u32,
    stop: Arc<AtomicBool>,
    known: Known,
    last: Vec<String>,
    recalled: Vec<String>,
}

impl Stream {
    pub(in crate::bench) fn new(
        fleet: &Fleet,
        from: &[usize],
        ready: Vec<String>,
        dice: Dice,
        rate: u32,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            ready,
            doors: from
                .iter()
                .map(|node| Ok((fleet.api(*node, "spoc")?, fleet.api(*node, "supervisor")?)))
                .collect::<Result<_, Failure>>()?,
            answered: None,
            longest: Duration::ZERO,
            dice,
            rate: rate.max(1),
            stop: Arc::clone(stop),
            known: Known::default(),
            last: Vec::new(),
            recalled: Vec::new(),
        })
    }

    pub(in crate::bench) const fn known(&self) -> &Known {
        &self.known
    }

    /// The longest time between the answers to two releases.
    pub(in crate::bench) const fn longest(&self) -> Duration {
        self.longest
    }

    fn spoc(&self) -> Result<Api, Failure> {
        self.doors.front().map(|(spoc, _)| spoc.clone()).ok_or_else(|| broken("a stream without a node"))
    }

    /// The next process, when there is one.
    fn next_door(&mut self) {
        self.doors.rotate_left(usize::from(self.doors.len() > 1));
    }

    /// Releases until asked to stop or nothing is left.
    pub(in crate::bench) async fn run(mut self) -> Result<Self, Failure> {
        while !self.stop.load(Ordering::Relaxed) && !self.ready.is_empty() {
            let count = usize::try_from(1 + self.dice.below(TOGETHER)).unwrap_or(1);
            let some = self.ready.split_off(self.ready.len().saturating_sub(count));
            self.release(&some).await?;
            if self.dice.below(RECALL_ONE_IN) < u64::try_from(count).unwrap_or(1)
                && let Some(one) = some.first()
            {
                self.recall(one).await?;
            }
            let pace = Duration::from_secs(1) / self.rate * u32::try_from(count).unwrap_or(1);
            tokio::time::sleep(pace).await;
        }
        Ok(self)
    }

    /// Releases some reports, each exactly once whatever dies meanwhile.
    async fn release(&mut self, some: &[String]) -> Result<(), Failure> {
        let mut open = some.to_vec();
        while !open.is_empty() {
            match release(&self.spoc()?, &open, &json!({})).await {
                Ok(sent) if sent == open.len() => {
                    let now = Instant::now();
                    let paused = self.answered.map_or(Duration::ZERO, |last| now.duration_since(last));
                    (self.answered, self.longest) = (Some(now), self.longest.max(paused));
                    self.released(&open)?;
                    open.clear();
                }
                Ok(sent) => return Err(broken(&format!("{sent} of {} reports were sent", open.len()))),
                // Another process was still at it when this one was asked what became of the call.
                Err(failure) if away(&failure) || failure.code == "report.not_reviewed" => {
                    // The node died under the call: it did all of it or nothing.
                    self.next_door();
                    let (done, left) = self.ask(open).await?;
                    self.released(&done)?;
                    open = left;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    fn released(&mut self, ids: &[String]) -> Result<(), Failure> {
        for id in ids {
            self.known.released.insert(object(id)?);
        }
        self.last.extend_from_slice(ids);
        let old = self.last.len().saturating_sub(16);
        self.last.drain(..old);
        Ok(())
    }

    /// Which of some reports were released, and which were not, by the node that is back.
    async fn ask(&mut self, ids: Vec<String>) -> Result<(Vec<String>, Vec<String>), Failure> {
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for id in ids {
            let receipts = receipts(&self.supervisors(), &id).await?;
            let sent = receipts.as_array().is_some_and(|all| !all.is_empty());
            if sent { done.push(id) } else { left.push(id) }
        }
        Ok((done, left))
    }

    fn supervisors(&self) -> Vec<&Api> {
        self.doors.iter().map(|(_, supervisor)| supervisor).collect()
    }

    async fn recall(&mut self, id: &str) -> Result<(), Failure> {
        recall(&self.supervisors(), id).await?;
        self.known.recalled.insert(object(id)?);
        self.recalled.push(id.to_owned());
        Ok(())
    }

    /// Waits until the last reports have their verdict and every recalled one its declaration of erasure.
    pub(in crate::bench) async fn wait_settled(&self) -> Result<(), Failure> {
        let waits = self.last.iter().map(|id| (id, "verdict"));
        for (id, what) in waits.chain(self.recalled.iter().map(|id| (id, "erased"))) {
            until_within(PATIENCE, &format!("{id} has no `{what}` after the storm"), async || {
                let receipts = receipts(&self.supervisors(), id).await?;
                let rows = receipts.as_array().cloned().unwrap_or_default();
                let all = rows.iter().all(|row| row.get(what).is_some_and(|value| !value.is_null()));
                Ok((all && !rows.is_empty()).then_some(()))
            })
            .await?;
        }
        Ok(())
    }
}

/// The receipts of a report, from the first process of its node that answers.
pub(super) async fn receipts(supervisors: &[&Api], id: &str) -> Result<Json, Failure> {
    let path = format!("/api/v1/reports/{id}/receipts");
    until_within(PATIENCE, "the node did not come back", async || {
        for supervisor in supervisors {
            match supervisor.get(&path).await {
                Ok(found) => return Ok(Some(found.get("receipts").cloned().unwrap_or_default())),
                Err(failure) if away(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    })
    .await
}

/// Takes a report back, by the first process of its node that answers.
pub(super) async fn recall(supervisors: &[&Api], id: &str) -> Result<(), Failure> {
    let (path, body) = (format!("/api/v1/reports/{id}/recall"), json!({ "reason": "inaccurate" }));
    until_within(PATIENCE, "the node did not come back", async || {
        for supervisor in supervisors {
            match supervisor.post(&path, &body).await {
                Ok(_recipients) => return Ok(Some(())),
                // Recalled by the call under which the node died.
                Err(failure) if failure.code == "report.not_released" => return Ok(Some(())),
                Err(failure) if away(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    })
    .await
}

/// Whether the node may simply be down, or busy starting.
pub(super) fn away(failure: &Failure) -> bool {
    failure.code == "cli.unreachable"
        || failure.exit == Exit::Failed
            && (failure.code.starts_with("store.") || failure.code == "node.outdated")
}

pub(super) fn object(id: &str) -> Result<Object, Failure> {
    let id: ReportId = id.parse().map_err(|_malformed| broken("a report without a number"))?;
    Ok(*id.as_bytes())
}

fn broken(what: &str) -> Failure {
    Failure::new(Exit::Failed, "kill.stream", what)
}
