//! One node's committed rows, in memory. A step reads them, returns what to write, and [`Store`] writes all of
//! it or nothing: what a crash takes away is exactly what was not committed.

use std::collections::BTreeMap;
use std::convert::Infallible;

use mithaq_exchange::ports::{CannotJudge, Inbox, Judge, Judgement, Known, Outbox};
use mithaq_exchange::{
    EquivocationProof, Fact, Holding, InRow, LaneIn, LaneOut, Logged, Modified, OutMessage, OutState, Queued,
    Received, Settled, Tombstone,
};
use mithaq_model::{ObjectId, PartyId, Timestamp};
use mithaq_wire::{Digest, LaneId, Position, SealHeader, Verdict};

use crate::consents::Consents;
use crate::paper::{Policy, Slip};

/// Committed rows.
#[derive(Debug, Clone, Default)]
pub struct Store {
    /// Outgoing lanes.
    pub lanes_out: BTreeMap<LaneId, LaneOut>,
    /// Outgoing messages.
    pub outbox: BTreeMap<(LaneId, Position), OutMessage>,
    /// Receipts that others signed for this node's messages.
    pub receipts_got: BTreeMap<Digest, Vec<u8>>,
    /// Incoming lanes.
    pub lanes_in: BTreeMap<LaneId, LaneIn>,
    /// Messages taken.
    pub inbox: BTreeMap<(LaneId, Position), InRow>,
    /// Envelopes ahead of a gap.
    pub ahead: BTreeMap<(LaneId, Position), Vec<u8>>,
    /// Receipts this node signed.
    pub receipts_made: BTreeMap<Digest, Vec<u8>>,
    /// Objects.
    pub holdings: BTreeMap<ObjectId, Holding>,
    /// Tombstones.
    pub tombstones: BTreeMap<(PartyId, ObjectId), Tombstone>,
    /// Proofs of equivocation.
    pub proofs: Vec<EquivocationProof>,
    /// Answers that convict partners.
    pub evidence: Vec<Vec<u8>>,
    /// The ledger.
    pub ledger: Vec<Fact>,
    /// What was passed on, and may be.
    pub consents: Consents,
}

impl Store {
    /// Returns an outgoing lane's row, new if it has none.
    #[must_use]
    pub fn lane_out(&self, id: &LaneId) -> LaneOut {
        self.lanes_out.get(id).cloned().unwrap_or_else(|| LaneOut::new(id.clone()))
    }

    /// Returns an incoming lane's row, new if it has none.
    #[must_use]
    pub fn lane_in(&self, id: &LaneId) -> LaneIn {
        self.lanes_in.get(id).cloned().unwrap_or_else(|| LaneIn::new(id.clone()))
    }

    /// Returns a lane's messages after a place, in order.
    #[must_use]
    pub fn out_after(&self, lane: &LaneId, at: Position, limit: usize) -> Vec<OutMessage> {
        let from = (lane.clone(), at);
        let later = self.outbox.range((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded));
        later.take_while(|((id, _), _)| id == lane).take(limit).map(|(_, row)| row.clone()).collect()
    }

    fn log(&mut self, facts: impl IntoIterator<Item = Fact>) -> Logged {
        let position = u64::try_from(self.ledger.len()).unwrap_or(u64::MAX);
        self.ledger.extend(facts);
        Logged::committed(position)
    }

    /// Commits a queued message.
    pub fn commit_queued(&mut self, queued: Queued) -> OutMessage {
        let logged = self.log([queued.fact.clone()]);
        let (lane, message) = queued.store(logged);
        self.outbox.insert((lane.id.clone(), message.at), message.clone());
        self.lanes_out.insert(lane.id.clone(), lane);
        message
    }

    /// Commits what was received.
    pub fn commit_received(&mut self, received: &Received<Slip>) -> Logged {
        let id = &received.lane.id;
        for (row, _effect) in &received.messages {
            self.inbox.insert((id.clone(), row.at), row.clone());
        }
        for row in &received.receipts {
            self.receipts_made.insert(row.id, row.bytes.clone());
        }
        for at in &received.drop_ahead {
            self.ahead.remove(&(id.clone(), *at));
        }
        for row in &received.keep_ahead {
            self.ahead.insert((id.clone(), row.at), row.bytes.clone());
        }
        self.proofs.extend(received.proofs.iter().cloned());
        self.modify(&received.modified);
        self.lanes_in.insert(id.clone(), received.lane.clone());
        self.log(received.facts.iter().cloned())
    }

    fn modify(&mut self, modified: &Modified) {
        for holding in &modified.holdings {
            self.holdings.insert(holding.object, holding.clone());
        }
        for tombstone in &modified.tombstones {
            self.tombstones.insert((tombstone.originator.clone(), tombstone.object), tombstone.clone());
        }
    }

    /// Commits what an answer settled.
    pub fn commit_settled(&mut self, settled: &Settled) -> Logged {
        let id = &settled.lane.id;
        for (at, state) in &settled.changed {
            if let Some(row) = self.outbox.get_mut(&(id.clone(), *at)) {
                row.state = state.clone();
            }
        }
        for row in &settled.receipts {
            self.receipts_got.insert(row.id, row.bytes.clone());
        }
        self.evidence.extend(settled.evidence.iter().cloned());
        self.lanes_out.insert(id.clone(), settled.lane.clone());
        self.log(settled.facts.iter().cloned())
    }
}

impl Store {
    /// Commits N1 for one message.
    pub fn commit_overdue(&mut self, lane: &LaneId, at: Position, state: OutState, fact: Fact) {
        if let Some(row) = self.outbox.get_mut(&(lane.clone(), at)) {
            row.state = state;
        }
        self.log([fact]);
    }

    /// Damage: the last message of every lane was never stored.
    pub(crate) fn forget_last(&mut self) {
        for (id, lane) in &mut self.lanes_out {
            let last = lane.last();
            let prev = Position { seq: last.seq.saturating_sub(1), ..last };
            if self.outbox.remove(&(id.clone(), last)).is_some() {
                lane.next_seq = last.seq;
                lane.head = self.outbox.get(&(id.clone(), prev)).map_or(Digest::ZERO, |row| row.envelope);
                lane.settled = lane.settled.min(prev);
            }
        }
    }

    /// Damage: a message that waits is called accepted.
    pub(crate) fn claim_delivery(&mut self) {
        let mut waiting = self.outbox.values_mut().filter(|row| row.state == OutState::Waiting);
        if let Some(row) = waiting.next() {
            row.state = OutState::Decided { verdict: Verdict::Accepted, receipt: Digest::ZERO };
        }
    }
}

/// One incoming lane of a store.
pub struct InboxOf<'a>(pub &'a Store, pub LaneId);

impl Inbox for InboxOf<'_> {
    type Error = Infallible;

    fn taken(&mut self, at: Position) -> Result<Option<Known>, Infallible> {
        let row = self.0.inbox.get(&(self.1.clone(), at));
        Ok(row.map(|row| Known { envelope: row.envelope, receipt: row.receipt }))
    }

    fn envelope(&mut self, at: Position) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.inbox.get(&(self.1.clone(), at)).map(|row| row.bytes.clone()))
    }

    fn receipt(&mut self, id: Digest) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.receipts_made.get(&id).cloned())
    }

    fn ahead(&mut self, at: Position) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.ahead.get(&(self.1.clone(), at)).cloned())
    }

    fn holding(&mut self, object: ObjectId) -> Result<Option<Holding>, Infallible> {
        Ok(self.0.holdings.get(&object).cloned())
    }

    fn tombstone(&mut self, originator: &PartyId, object: ObjectId) -> Result<Option<Tombstone>, Infallible> {
        Ok(self.0.tombstones.get(&(originator.clone(), object)).cloned())
    }
}

/// One outgoing lane of a store.
pub struct OutboxOf<'a>(pub &'a Store, pub LaneId);

impl Outbox for OutboxOf<'_> {
    type Error = Infallible;

    fn message(&mut self, at: Position) -> Result<Option<OutMessage>, Infallible> {
        Ok(self.0.outbox.get(&(self.1.clone(), at)).cloned())
    }

    fn after(&mut self, at: Position, limit: usize) -> Result<Vec<OutMessage>, Infallible> {
        Ok(self.0.out_after(&self.1, at, limit))
    }

    fn receipt(&mut self, id: Digest) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.receipts_got.get(&id).cloned())
    }
}

/// A policy that says what the slip asks for, unless the receiver has suspended the agreement.
#[derive(Debug, Clone, Copy, Default)]
pub struct SlipJudge {
    /// Whether the receiver holds the agreement suspended.
    pub suspended: bool,
}

impl Judge<Slip> for SlipJudge {
    fn judge(&mut self, _seal: &SealHeader, slip: &Slip, _now: Timestamp) -> Result<Judgement, CannotJudge> {
        if self.suspended {
            return Ok(Judgement::Refuse { code: "AGR".into(), ground: None });
        }
        match slip.policy {
            Policy::Accept => Ok(Judgement::Accept),
            Policy::Refuse => Ok(Judgement::Refuse { code: "PUR".into(), ground: None }),
            Policy::Quarantine => Ok(Judgement::Quarantine { code: "SPC".into() }),
            Policy::Crash => Err(CannotJudge),
        }
    }
}
