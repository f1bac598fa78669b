//! Lanes between nodes, as the rows of `exchange`: what was sent, what came, and what was signed for it.
//! Envelopes are ciphertext for their recipient; receipts are signed and hold codes only.
//!
//! Responsible for keeping what the steps of the protocol return, gapless and byte for byte, and for checking
//! after reading that bytes are those that were stored. Deliberately judges nothing: which envelope is next,
//! what a verdict is and when a lane freezes is decided there.

mod held;
mod inbound;
mod outbound;
mod overview;
mod proofs;
mod receipts;
mod restore;

use std::collections::BTreeMap;

use mithaq_db::{Row, Tx, Value, args};
use mithaq_model::{PartyId, RefusalGround};
use mithaq_wire::{Lane, LaneId, Position, Verdict};
use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::sql::{Of, count, int};

pub use held::{apply, expired_leases, holding};
pub(crate) use inbound::forget_object;
pub use inbound::{
    Inbox, TakenRow, carried, control, drop_ahead, forget_taken, inbound, keep_ahead, kept_ahead,
    peek_inbound, save_control, save_inbound, take, taken_after,
};
pub use outbound::{
    Outbox, due, forget_sent, message, messages, of_object, outbound, overdue, peek_outbound, put,
    save_outbound, save_states, waiting,
};
pub use overview::{LaneView, Standing, overview, standing};
pub use proofs::{add_equivocations, add_evidence, equivocations, evidence};
pub use receipts::{add_receipts, receipt};
pub use restore::{Lost, add_lost, begun, is_restoring, lost, mark_restored, restoring, was_restored};

/// A lane as the tables know it: the first 16 bytes of SHA-256 of its name, so that rows are short and those
/// of one lane lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey(pub(crate) [u8; 16]);

impl LaneKey {
    /// Returns the key of a lane.
    #[must_use]
    pub fn of(lane: &LaneId) -> Self {
        let mut hash = Sha256::new().chain_update(b"mithaq/store/lane/1");
        for part in [lane.from.as_str(), lane.to.as_str()] {
            hash.update([u8::try_from(part.len()).unwrap_or(u8::MAX)]);
            hash.update(part);
        }
        hash.update(lane.agreement.as_bytes());
        hash.update(class(lane.lane));
        Self(hash.finalize().first_chunk().copied().unwrap_or_default())
    }

    /// Returns the key of 16 bytes somebody names; it need not be of a lane there is.
    #[must_use]
    pub const fn named(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn value(self) -> Value {
        Value::from(self.0)
    }
}

const CLASSES: [Lane; 3] = [Lane::Bulk, Lane::Control, Lane::Report];

const fn class(lane: Lane) -> &'static str {
    match lane {
        Lane::Bulk => "bulk",
        Lane::Control => "control",
        Lane::Report => "report",
    }
}

/// Stores the name of a lane, once; needed before anything else of it.
fn name(tx: &mut dyn Tx, lane: &LaneId) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO lane (lane, from_party, to_party, agreement, class) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        args![
            LaneKey::of(lane).0,
            lane.from.as_str(),
            lane.to.as_str(),
            lane.agreement.as_bytes(),
            class(lane.lane)
        ],
    )?;
    Ok(())
}

/// Returns the lane of a key.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is not the one of this key.
pub fn lane(tx: &mut dyn Tx, key: LaneKey) -> Result<Option<LaneId>, StoreError> {
    let sql = "SELECT lane, from_party, to_party, agreement, class FROM lane WHERE lane = $1";
    tx.query_opt(sql, args![key.0])?.map(|row| read_lane(&row, 0)).transpose()
}

/// Returns all lanes from or to a party, at most 1,000.
///
/// # Errors
/// As [`lane`].
pub fn with_party(tx: &mut dyn Tx, party: &PartyId) -> Result<Vec<LaneId>, StoreError> {
    let sql = "SELECT lane, from_party, to_party, agreement, class FROM lane
               WHERE from_party = $1 OR to_party = $1 ORDER BY lane LIMIT 1000";
    tx.query(sql, args![party.as_str()])?.iter().map(|row| read_lane(row, 0)).collect()
}

/// Reads key and name of a lane from column `at` on.
fn read_lane(row: &Row, at: usize) -> Result<LaneId, StoreError> {
    let of = Of("lane");
    let word = row.text(at + 4)?;
    let lane = LaneId {
        from: of.party(row, at + 1)?,
        to: of.party(row, at + 2)?,
        agreement: of.agreement(row, at + 3)?,
        lane: CLASSES.into_iter().find(|lane| class(*lane) == word).ok_or(of.broken())?,
    };
    if &LaneKey::of(&lane).0[..] == row.bytes(at)? { Ok(lane) } else { Err(of.broken()) }
}

/// A verdict as three columns: word, code, ground.
fn verdict_columns(verdict: Option<&Verdict>) -> [Value; 3] {
    let (word, code, ground) = match verdict {
        None => (None, None, None),
        Some(Verdict::Accepted) => (Some("accepted"), None, None),
        Some(Verdict::Refused { code, ground }) => (Some("refused"), Some(code.as_str()), *ground),
        Some(Verdict::Quarantined { code }) => (Some("quarantined"), Some(code.as_str()), None),
    };
    [Value::from(word), Value::from(code), Value::from(ground.map(RefusalGround::code))]
}

/// Reads [`verdict_columns`] from column `at` on.
fn read_verdict(of: Of, row: &Row, at: usize) -> Result<Option<Verdict>, StoreError> {
    let ground = of.opt_code(row, at + 2, RefusalGround::from_code)?;
    let code = row.opt_text(at + 1)?.map(str::to_owned);
    match (row.opt_text(at)?, code) {
        (None, None) => Ok(None),
        (Some("accepted"), None) => Ok(Some(Verdict::Accepted)),
        (Some("refused"), Some(code)) => Ok(Some(Verdict::Refused { code, ground })),
        (Some("quarantined"), Some(code)) => Ok(Some(Verdict::Quarantined { code })),
        (_, _) => Err(of.broken()),
    }
}

/// Rows of a stretch of one lane, read at once because the protocol asks for neighbours.
struct ReadAhead<T> {
    from: Position,
    to: u64,
    rows: BTreeMap<Position, T>,
}

impl<T> Default for ReadAhead<T> {
    fn default() -> Self {
        Self { from: Position { epoch: 0, seq: 1 }, to: 0, rows: BTreeMap::new() }
    }
}

impl<T: Clone> ReadAhead<T> {
    fn covers(&self, at: Position) -> bool {
        at.epoch == self.from.epoch && (self.from.seq..=self.to).contains(&at.seq)
    }

    /// Forgets what was read, and returns lane, epoch, first and last number of a stretch of one batch.
    fn begin(&mut self, lane: LaneKey, at: Position) -> Result<[Value; 4], StoreError> {
        let batch = count(mithaq_wire::limits::BATCH_MESSAGES_MAX).saturating_sub(1);
        self.rows.clear();
        (self.from, self.to) = (at, at.seq.saturating_add(batch));
        let last = int(self.to.min(i64::MAX.unsigned_abs()))?;
        Ok([lane.value(), Value::from(at.epoch), int(at.seq)?, last])
    }

    fn put(&mut self, at: Position, row: T) {
        self.rows.insert(at, row);
    }

    fn get(&self, at: Position) -> Option<T> {
        self.rows.get(&at).cloned()
    }
}

/// The stored word of a verdict: `accepted`, `refused:<code>` or `quarantined:<code>`.
#[must_use]
pub fn verdict_code(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted => "accepted".to_owned(),
        Verdict::Refused { code, .. } => format!("refused:{code}"),
        Verdict::Quarantined { code } => format!("quarantined:{code}"),
    }
}
