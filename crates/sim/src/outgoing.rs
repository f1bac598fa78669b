//! What a node queues: its place and signature, in one step with what else changes.

use mithaq_exchange::{Content, Outgoing, Queued, Stamp, enqueue};
use mithaq_model::{Level, Millis, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{Ack, Lane, MessageKind, Order, Position, SealHeader};

use crate::history::{Deserves, Record};
use crate::node::{Node, agreement, key, lane_between, place};
use crate::paper::Sealed;
use crate::world::{Event, Fate, World};

const DAY: u64 = 86_400_000;

impl World {
    /// Gives a message its place, commits it, and wakes the pump.
    pub(crate) fn queue(
        &mut self,
        from: usize,
        to: usize,
        kind: MessageKind,
        sealed: &Sealed,
        deserves: Deserves,
    ) -> bool {
        let Some(queued) = self.make(from, to, kind, sealed) else { return false };
        let fate = self.fate();
        if fate == Fate::BeforeCommit {
            self.crash(from);
            return false;
        }
        self.commit_queued(from, queued, deserves);
        if fate == Fate::AfterCommit {
            self.crash(from);
        }
        true
    }

    /// Queues within a step that does more: no crash comes between.
    pub(crate) fn queue_in(
        &mut self,
        from: usize,
        to: usize,
        kind: MessageKind,
        (about, sealed): ((ObjectId, ReportVersion), &[u8]),
        deserves: Deserves,
    ) -> bool {
        let queued = self.make_of(from, to, kind, about, sealed);
        queued.map(|queued| self.commit_queued(from, queued, deserves)).is_some()
    }

    /// A step of a node that is committed whole, or lost whole in a crash.
    pub(crate) fn whole(&mut self, node: usize, step: impl FnOnce(&mut Self)) {
        let fate = self.fate();
        if fate != Fate::BeforeCommit {
            step(self);
        }
        if fate != Fate::Fine {
            self.crash(node);
        }
    }

    fn commit_queued(&mut self, from: usize, queued: Queued, deserves: Deserves) {
        let id = queued.lane.id.clone();
        let Some(node) = self.nodes.get_mut(from) else { return };
        let message = node.store.commit_queued(queued);
        self.record(Record::Queued {
            lane: key(&id),
            at: place(message.at),
            envelope: message.envelope.0,
            deserves,
        });
        self.after(0, Event::Pump(from));
    }

    pub(crate) fn make(
        &mut self,
        from: usize,
        to: usize,
        kind: MessageKind,
        sealed: &Sealed,
    ) -> Option<Queued> {
        let bytes = self.nodes.get(from)?.hand.seal(sealed);
        self.make_of(from, to, kind, (sealed.seal.object, sealed.seal.version), &bytes)
    }

    fn make_of(
        &mut self,
        from: usize,
        to: usize,
        kind: MessageKind,
        about: (ObjectId, ReportVersion),
        sealed: &[u8],
    ) -> Option<Queued> {
        let (now, mid) = (self.now, self.dice.bytes16());
        let short = self.dice.chance(40);
        let life = if short { Millis(self.dice.between(5_000, 60_000)) } else { Millis(30 * DAY) };
        let them = self.nodes.get(to)?.name.clone();
        let us = self.nodes.get_mut(from)?;
        let id = lane_between(&us.name, &them, kind.lane()?);
        let clock = us.clock(now);
        if us.restoring.contains(&id) {
            return None;
        }
        let (row, acks) = (us.store.lane_out(&id), acks(us, &them));
        let out = Outgoing {
            kind,
            object: Some(about),
            sealed,
            expires: clock.plus(life),
            deadline: clock.plus(life),
        };
        let manifest = mithaq_exchange::ports::SignReceipts::manifest(&us.hand);
        let stamp = Stamp { manifest, mid, now: clock, acks, checkpoint: None };
        enqueue(&row, &out, stamp, &mut us.hand).ok()
    }

    /// A seal by one node for another.
    pub(crate) fn seal(
        &self,
        from: usize,
        to: usize,
        object: ObjectId,
        version: ReportVersion,
    ) -> Option<SealHeader> {
        let (us, them) = (self.nodes.get(from)?, self.nodes.get(to)?);
        let clock = us.clock(self.now);
        Some(SealHeader {
            object,
            version,
            supersedes: version.get().checked_sub(1).and_then(ReportVersion::new),
            originator: us.name.clone(),
            recipients: vec![them.name.clone()],
            agreement: agreement(&us.name, &them.name),
            purpose: None,
            handling: None,
            level: Level::ALL.first().copied()?,
            lease_until: clock.plus(Millis(10 * DAY)),
            released_by: Vec::new(),
            sealed_at: clock,
        })
    }

    pub(crate) fn name(&self, node: usize) -> Option<PartyId> {
        self.nodes.get(node).map(|n| n.name.clone())
    }

    pub(crate) fn order(&mut self, from: usize, to: usize, order: Order) -> Option<Sealed> {
        let object = ObjectId::new(self.dice.bytes16());
        let seal = self.seal(from, to, object, ReportVersion::FIRST)?;
        Some(Sealed { seal, content: Content::Order(order), expires: Timestamp::MAX })
    }
}

fn acks(us: &Node, them: &PartyId) -> Vec<Ack> {
    let mut acks = Vec::new();
    for lane in [Lane::Control, Lane::Report] {
        let row = us.store.lane_in(&lane_between(them, &us.name, lane));
        if row.have > (Position { epoch: 1, seq: 0 }) {
            acks.push(Ack { lane, at: row.have, head: row.head });
        }
    }
    acks
}
