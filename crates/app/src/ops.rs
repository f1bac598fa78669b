//! What the people who run the node see and may do: lanes, the outbox, counts, and whether the node works.
//! Places, states, codes and numbers of objects; no content and no names.

use core::sync::atomic::Ordering;
use std::collections::BTreeMap;

use mithaq_db::DbStats;
use mithaq_exchange::{LaneOut, OutMessage};
use mithaq_model::PartyId;
use mithaq_store::attachments::LinkState;
use mithaq_store::disclosures::Owed;
use mithaq_store::lanes::{self, LaneKey, LaneView, Standing};
use mithaq_store::{alarms, settings};
use mithaq_wire::{Lane, LaneId, Position};

use crate::App;
use crate::error::AppError;
use crate::log::Event;
use crate::rights::{May, intent};

/// Setting written to learn whether the store takes writes.
const PROBE: &str = "ops.probe";
/// What to do when the volume is nearly full.
pub const DISK_LOW: &str = "free space on the volume of the node: it takes content again by itself";
/// Most alarms counted.
const ALARMS_MAX: u32 = 1_000;

/// A message of the outbox, with its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Lane.
    pub lane: LaneId,
    /// The message, without its envelope.
    pub message: OutMessage,
}

/// The state of the node in numbers.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Every lane.
    pub lanes: Vec<LaneView>,
    /// Entries of the log.
    pub log_size: u64,
    /// Entries under the last signed checkpoint.
    pub log_signed: u64,
    /// Alarms nobody has seen, at most 1,000.
    pub alarms: usize,
    /// Entries since the start, by kind and verdict (empty for none).
    pub entries: BTreeMap<(String, String), u64>,
    /// Attachments that reports name, by state: how many, and their bytes.
    pub attachments: Vec<(LinkState, u64, u64)>,
    /// Copies whose holder was to prove by now that it erased, and did not.
    pub not_proven: u64,
    /// Corrections and earlier last days whose recipient was to accept them by now, and did not.
    pub not_confirmed: u64,
    /// Receipts of erasure that wait until no file holds what was erased.
    pub unwiped: u64,
    /// What the database did since the start.
    pub database: DbStats,
}

/// Whether the keys in memory are those partners expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Unlocked, and named by a manifest that is valid now.
    Good,
    /// There is no manifest, or it is not valid now.
    Manifest,
    /// The manifest names other keys.
    Other,
}

impl App {
    /// Returns every lane.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lanes(&self, _may: May<intent::ReadHealth>) -> Result<Vec<LaneView>, AppError> {
        self.read(move |_app, tx| Ok(lanes::overview(tx)?))
    }

    /// Returns messages of the outbox after a place, at most 1,000.
    ///
    /// # Errors
    /// When the store fails.
    pub fn outbox(
        &self,
        _may: May<intent::ReadHealth>,
        standing: Standing,
        after: Option<(LaneKey, Position)>,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, AppError> {
        self.read(move |_app, tx| {
            let mut rows = Vec::new();
            for (key, message) in lanes::standing(tx, standing, after, limit)? {
                let lane = lanes::lane(tx, key)?.ok_or_else(AppError::not_found)?;
                rows.push(OutboxRow { lane, message });
            }
            Ok(rows)
        })
    }

    /// Returns one message of the outbox.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is none at that place.
    pub fn outbox_message(
        &self,
        _may: May<intent::ReadHealth>,
        (key, at): (LaneKey, Position),
    ) -> Result<OutboxRow, AppError> {
        self.read(move |_app, tx| {
            let lane = lanes::lane(tx, key)?.ok_or_else(AppError::not_found)?;
            let message = lanes::message(tx, key, at)?.ok_or_else(AppError::not_found)?;
            Ok(OutboxRow { lane, message: OutMessage { bytes: Vec::new(), ..message } })
        })
    }

    /// Tries everything that waits for a partner now, without the back-off; returns how many lanes had to wait. What
    /// the partner decided is not sent again: that takes a new version, by the people who released the first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for a party no duties are alive with.
    pub fn retry_now(&self, may: May<intent::RetryOutbox>, peer: &PartyId) -> Result<usize, AppError> {
        let alive = self.registry().alive_with(peer, self.now());
        if alive.is_empty() {
            return Err(AppError::not_found());
        }
        let (us, peer, now) = (self.party.clone(), peer.clone(), self.now());
        let waited = self.write(move |app, tx| {
            let mut waited = 0;
            for agreement in alive {
                for class in [Lane::Control, Lane::Report] {
                    let id = LaneId { from: us.clone(), to: peer.clone(), agreement, lane: class };
                    let Some(lane) = lanes::peek_outbound(tx, &id)?.filter(|lane| lane.retry_at > now) else {
                        continue;
                    };
                    let lane = LaneOut { retry_at: now, ..lanes::outbound(tx, &lane.id)? };
                    lanes::save_outbound(tx, &lane)?;
                    waited += 1;
                }
            }
            app.log(tx, &[Event::by(may, "outbox.retried", &peer).with(&peer)])?;
            Ok(waited)
        })?;
        self.wake();
        Ok(waited)
    }

    /// Returns the state of the node in numbers, for whoever watches the process. Nothing in it tells content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn figures(&self) -> Result<Figures, AppError> {
        self.read(move |app, tx| {
            let signed = app.ledger.last_checkpoint(tx)?;
            Ok(Figures {
                lanes: lanes::overview(tx)?,
                log_size: app.ledger.head(tx)?.0,
                log_signed: signed.and_then(|note| checkpoint_size(note.text())).unwrap_or(0),
                alarms: alarms::open(tx, ALARMS_MAX)?.len(),
                entries: app.tally.read(),
                attachments: mithaq_store::attachments::figures(tx)?,
                not_proven: app.count_late(tx, Owed::Erasure)?,
                not_confirmed: app.count_late(tx, Owed::Receipt)?,
                unwiped: mithaq_store::erasures::count(tx)?,
                database: app.db.stats(),
            })
        })
    }

    /// Writes to the store and waits until it is durable: the only way to learn that it can be written.
    ///
    /// # Errors
    /// When it cannot.
    pub fn probe_store(&self) -> Result<(), AppError> {
        let now = self.now().as_millis().to_be_bytes();
        self.write(move |_app, tx| Ok(settings::set(tx, PROBE, &now)?))
    }

    /// Reads the whole file of the database, on SQLite; takes as long as that.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Integrity`] when its structure is damaged.
    pub fn check_pages(&self) -> Result<(), AppError> {
        Ok(self.db.check()?)
    }

    /// Says whether the keys in memory are those partners expect now.
    #[must_use]
    pub fn key_state(&self) -> KeyState {
        use mithaq_envelope::NodeSigner as _;
        let registry = self.registry();
        let Some(own) = registry.own.as_ref().filter(|own| own.valid_at(self.now()).is_ok()) else {
            return KeyState::Manifest;
        };
        if own.manifest().node_key == self.keys.soft().node_key() { KeyState::Good } else { KeyState::Other }
    }

    /// Stops or resumes taking content: no reports from partners while it is stopped. What takes away (recalls, their
    /// receipts) is still taken, and what waits is still sent.
    pub fn take_content(&self, take: bool) {
        self.takes.store(take, Ordering::SeqCst);
    }

    /// Whether content is taken: while it is not, the volume is nearly full.
    pub(crate) fn takes(&self) -> bool {
        self.takes.load(Ordering::SeqCst)
    }

    /// Refuses content while the node takes none, and what would not leave free what is reserved.
    pub(crate) fn check_takes(&self, lane: Lane, bytes: usize) -> Result<(), AppError> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if lane == Lane::Control || self.takes() && self.blobs.room().has(bytes) {
            return Ok(());
        }
        Err(disk_low())
    }
}

/// There is no room for content.
pub(crate) fn disk_low() -> AppError {
    AppError::busy("node.disk_low").hint(DISK_LOW)
}

/// The size in the text of a checkpoint: its second line.
fn checkpoint_size(text: &str) -> Option<u64> {
    text.lines().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_the_second_line() {
        assert_eq!(checkpoint_size("ma-security/log\n42\nAAAA\n"), Some(42));
        assert_eq!(checkpoint_size("ma-security/log\n"), None);
        assert_eq!(checkpoint_size("a\nx\n"), None);
    }
}
