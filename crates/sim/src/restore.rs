//! A node that lost rows: set back to a copy of its store, it learns from its partners what they have, sends
//! what it still knows, and begins an epoch in every lane before it uses a new place.

use mithaq_exchange::{Halt, PartnerControl, Stamp, Window, announced, heads, start_epoch};
use mithaq_wire::{Digest, Lane, LaneId, Position};

use crate::history::{Deserves, Record};
use crate::node::{agreement, key, lane_between, place};
use crate::world::{Event, World};

impl World {
    /// A copy of the store is put aside.
    pub(crate) fn back_up(&mut self, node: usize) {
        if let Some(n) = self.nodes.get_mut(node) {
            n.backup = Some(n.store.clone());
        }
    }

    /// The store is lost and set back to the copy.
    pub(crate) fn set_back(&mut self, node: usize) {
        let names: Vec<_> = self.nodes.iter().map(|n| n.name.clone()).collect();
        let Some(n) = self.nodes.get_mut(node) else { return };
        let Some(backup) = n.backup.take() else { return };
        n.crash();
        n.store = backup;
        n.restored = true;
        n.hand.log = n.hand.log.saturating_add(1);
        n.own.clear();
        for them in names.iter().filter(|them| **them != n.name) {
            n.controls.insert(lane_between(them, &n.name, Lane::Control), PartnerControl::lost());
            n.restoring.extend([Lane::Control, Lane::Report].map(|lane| lane_between(&n.name, them, lane)));
        }
        let name = n.name.to_string();
        self.note(format!("restored {name}"));
        self.after(3_000, Event::Restart(node));
    }

    /// Whether a node that lost rows must not take this lane yet: orders come first.
    pub(crate) fn waits_for_orders(&self, node: usize, lane: &LaneId) -> bool {
        let Some(us) = self.nodes.get(node).filter(|us| us.restored) else { return false };
        let control = LaneId { lane: Lane::Control, ..lane.clone() };
        let have = us.store.lane_in(&control).have;
        lane.lane != Lane::Control && us.controls.get(&control).is_some_and(|known| known.is_behind(have))
    }

    /// Asks partners for their heads; begins epochs where everything that is known has arrived.
    pub(crate) fn catch_up(&mut self, node: usize) {
        if self.nodes.get(node).is_none_or(|n| !n.restored || !n.up) {
            return;
        }
        for peer in 0..self.nodes.len() {
            if peer != node && !self.is_cut(node, peer) && !self.is_cut(peer, node) {
                self.catch_up_with(node, peer);
            }
        }
    }

    fn catch_up_with(&mut self, node: usize, peer: usize) {
        let (Some(us), Some(them)) = (self.nodes.get(node), self.nodes.get(peer)) else { return };
        if !them.up {
            return;
        }
        let id = agreement(&us.name, &them.name);
        let between = |lane: &LaneId| lane.from == us.name || lane.to == us.name;
        let theirs = heads(
            id,
            them.store.lanes_out.values().filter(|lane| between(&lane.id)),
            them.store.lanes_in.values().filter(|lane| between(&lane.id)),
        );
        let control = lane_between(&them.name, &us.name, Lane::Control);
        let (last, have) = (announced(&theirs), us.store.lane_in(&control).have);
        let (us_name, them_name, clock) = (us.name.clone(), them.name.clone(), us.clock(self.now));
        self.record(Record::Announced { lane: key(&control), last: place(last) });
        if let Some(us) = self.nodes.get_mut(node) {
            us.controls.entry(control).or_default().announce(last, have, clock);
        }
        for class in [Lane::Control, Lane::Report] {
            let taken = theirs.taken.iter().find(|ack| ack.lane == class);
            let (have, head) =
                taken.map_or((Position { epoch: 1, seq: 0 }, Digest::ZERO), |ack| (ack.at, ack.head));
            self.begin(node, &lane_between(&us_name, &them_name, class), have, head);
            self.tell_have(node, peer, &lane_between(&them_name, &us_name, class));
        }
    }

    /// Begins an epoch once the partner has all this node still knows.
    fn begin(&mut self, node: usize, lane: &LaneId, have: Position, head: Digest) {
        let mid = self.dice.bytes16();
        let Some(us) = self.nodes.get_mut(node) else { return };
        let row = us.store.lane_out(lane);
        let lost = matches!(row.halt, Halt::Fault(mithaq_exchange::PeerFault::HaveAhead));
        let waits = us.restoring.contains(lane) && have >= row.last();
        if !waits && !lost {
            return;
        }
        let manifest = mithaq_exchange::ports::SignReceipts::manifest(&us.hand);
        let stamp = Stamp { manifest, mid, now: us.clock(self.now), acks: Vec::new(), checkpoint: None };
        let Ok((queued, _alarm)) = start_epoch(&row, have, head, stamp, &mut us.hand) else { return };
        let message = us.store.commit_queued(queued);
        us.restoring.remove(lane);
        us.windows.remove(lane);
        let record = Record::Queued {
            lane: key(lane),
            at: place(message.at),
            envelope: message.envelope.0,
            deserves: Deserves::Any,
        };
        self.record(record);
        self.after(0, Event::Pump(node));
    }

    /// Tells a partner how far this node has its lane, so that it sends again what was lost.
    fn tell_have(&mut self, node: usize, peer: usize, lane: &LaneId) {
        let Some(have) = self.nodes.get(node).map(|us| us.store.lane_in(lane).have) else { return };
        let Some(them) = self.nodes.get_mut(peer) else { return };
        let row = them.store.lane_out(lane);
        if have < row.settled {
            them.windows.entry(lane.clone()).or_insert_with(|| Window::new(&row)).partner_has(have);
            self.after(0, Event::Pump(peer));
        }
    }
}
