//! Attachments during a kill loop: files of a few chunks, brought into a draft, sent with it, fetched by the partner, and now
//! and then taken back while they are on their way.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Method;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::people::{PATIENCE, People, broken, patiently};
use super::stream::{away, object};
use crate::attachment::{Bar, download, upload};
use crate::bench::check::Known;
use crate::bench::dice::Dice;
use crate::fleet::{text, until_within, why};
use crate::ui::{Exit, Failure, Ui};

/// One file in so many is taken back.
const RECALL_ONE_IN: u64 = 3;
/// Longest file in chunks; the shortest has two.
const CHUNKS: u64 = 4;
const CHUNK: u64 = 1 << 20;

/// A file that was sent with its report.
struct Sent {
    hash: Vec<u8>,
    recalled: bool,
}

/// Files from one node to the other.
pub(super) struct Files {
    from: People,
    to: People,
    dice: Dice,
    stop: Arc<AtomicBool>,
    ui: Ui,
    sent: BTreeMap<String, Sent>,
}

impl Files {
    pub(super) fn new((from, to): (&People, &People), dice: Dice, stop: &Arc<AtomicBool>, ui: Ui) -> Self {
        let (from, to, stop) = (from.clone(), to.clone(), Arc::clone(stop));
        Self { from, to, dice, stop, ui, sent: BTreeMap::new() }
    }

    /// Sends one file after the other until told to stop.
    pub(super) async fn run(mut self) -> Result<Self, Failure> {
        while !self.stop.load(Ordering::Relaxed) {
            let length = CHUNK + self.dice.below((CHUNKS - 1) * CHUNK) + 1;
            let bytes: Vec<u8> = std::iter::repeat_with(|| self.dice.below(u64::MAX).to_le_bytes())
                .flatten()
                .take(usize::try_from(length).unwrap_or(0))
                .collect();
            let mut report = self.from.report("The passenger list is attached");
            if let Some(report) = report.as_object_mut() {
                report.insert("kind".to_owned(), json!("information"));
            }
            let id = self.from.write("/api/v1/reports", &report).await?;
            self.bring(&id, &bytes).await?;
            self.from.send(&id).await?;
            let recalled = self.dice.below(RECALL_ONE_IN) == 0;
            if recalled {
                // Before, in the middle of and after its journey.
                tokio::time::sleep(Duration::from_millis(self.dice.below(600))).await;
                self.from.take_back(&id).await?;
            }
            self.sent.insert(id, Sent { hash: Sha256::digest(&bytes).to_vec(), recalled });
        }
        Ok(self)
    }

    /// Brings a file into a draft, once, whatever dies meanwhile.
    async fn bring(&self, id: &str, bytes: &[u8]) -> Result<(), Failure> {
        until_within(PATIENCE, "a file was not brought into its draft", async || {
            match self.try_to_bring(id, bytes).await {
                Ok(()) => Ok(Some(())),
                // The upload went with the node, or came to its end with the answer that was lost.
                Err(failure) if matches!(failure.exit, Exit::Failed | Exit::NotFound) => Ok(None),
                Err(failure) => Err(failure),
            }
        })
        .await
    }

    async fn try_to_bring(&self, id: &str, bytes: &[u8]) -> Result<(), Failure> {
        // An upload whose first answer was lost with the node has a number nobody knows: it is looked up and ended.
        let under_way = self.from.analyst.get(&format!("/api/v1/reports/{id}/uploads")).await?;
        for one in under_way.as_array().into_iter().flatten() {
            let number = one.get("id").and_then(Json::as_str).unwrap_or_default();
            self.from.analyst.json(Method::DELETE, &format!("/api/v1/uploads/{number}"), None).await?;
        }
        let path = format!("/api/v1/reports/{id}/attachments");
        if self.from.analyst.get(&path).await?.as_array().is_some_and(|all| !all.is_empty()) {
            return Ok(());
        }
        let length = u64::try_from(bytes.len()).unwrap_or(0);
        let body = json!({ "why": why("The list names them"), "case": self.from.case, "name": text("list.bin"), "length": length });
        let begun = self.from.analyst.post(&path, &body).await?;
        let mut bar = Bar::new(self.ui, length);
        upload(&self.from.analyst, &begun, &mut Cursor::new(bytes), length, &mut bar).await.map(drop)
    }

    /// Waits until every file is where it belongs, and reads it there.
    pub(super) async fn wait_settled(&self) -> Result<(), Failure> {
        for (id, sent) in &self.sent {
            if sent.recalled {
                self.from.erased(id).await?;
                continue;
            }
            self.said_complete(id).await?;
            self.read(id, &sent.hash).await?;
        }
        Ok(())
    }

    async fn said_complete(&self, id: &str) -> Result<(), Failure> {
        let path = format!("/api/v1/reports/{id}/attachments");
        until_within(PATIENCE, &format!("the file of {id} was not said to be complete"), async || {
            let list = match self.from.analyst.get(&path).await {
                Err(failure) if away(&failure) => return Ok(None),
                list => list?,
            };
            let by = list.get(0).and_then(|one| one.get("complete_at")).and_then(Json::as_array);
            Ok(by.is_some_and(|all| !all.is_empty()).then_some(()))
        })
        .await
    }

    async fn read(&self, id: &str, hash: &[u8]) -> Result<(), Failure> {
        let body = json!({ "why": why("The list names them"), "case": self.to.case });
        let path = format!("/api/v1/reports/{id}/attachments/1/read");
        let read = patiently("a file was not read", async || {
            let mut bytes = Vec::new();
            download(&self.to.analyst, &path, &body, &mut bytes, self.ui).await?;
            Ok(bytes)
        });
        if Sha256::digest(read.await?).as_slice() == hash {
            return Ok(());
        }
        Err(broken(&format!("the file of {id} is another one at the partner")))
    }

    /// Adds what the people know who sent them.
    pub(super) fn tell(&self, known: &mut Known) -> Result<(), Failure> {
        for (id, sent) in &self.sent {
            let id = object(id)?;
            known.released.insert(id);
            known.files.insert(id);
            if sent.recalled {
                known.recalled.insert(id);
            }
        }
        Ok(())
    }
}
