//! What people do: reports to one or several partners, corrections, recalls, expiry, notices, agreements
//! suspended and resumed, reading; and what should never be sent but is.

use mithaq_exchange::{Content, VersionState, may_read, object_number};
use mithaq_model::{AgreementId, Millis, ObjectId, ReportVersion, Timestamp};
use mithaq_wire::{Lane, MessageKind, Notice, Order, OrderReason};

use crate::bug::Bug;
use crate::history::{Deserves, Record};
use crate::node::{Own, agreement, lane_between};
use crate::paper::{Policy, Sealed, Slip};
use crate::world::{Event, World};

const DAY: u64 = 86_400_000;

impl World {
    /// One act at one node, and the time of the next.
    pub(crate) fn work(&mut self, node: usize) {
        if !self.is_faulty() {
            return;
        }
        let wait = self.dice.between(200, 3_500);
        self.after(wait, Event::Work(node));
        let peers: Vec<_> = (0..self.nodes.len()).filter(|peer| *peer != node).collect();
        let Some(peer) = self.dice.pick(&peers).copied() else { return };
        let act = self.dice.below(100);
        if self.nodes.get(node).is_none_or(|n| !n.up) {
            return;
        }
        // What these do depends on what was accepted, and that on clocks.
        if self.steady && matches!(act, 85..=87 | 91..) {
            return;
        }
        match act {
            0..=44 => self.report(node, peer),
            45..=59 => self.correct(node),
            60..=71 => self.recall(node),
            72..=74 => self.expire(node, peer),
            75..=77 => self.tell(node, peer),
            78..=84 => self.never(node, peer),
            85..=87 => self.claim_anothers(node, peer),
            88..=90 => self.suspend(node, peer),
            _reading => self.read(node),
        }
    }

    fn is_suspended(&self, node: usize, peer: usize) -> bool {
        let (Some(us), Some(them)) = (self.nodes.get(node), self.nodes.get(peer)) else { return true };
        us.suspended.contains(&agreement(&us.name, &them.name))
    }

    fn slip(
        &mut self,
        from: usize,
        to: usize,
        object: ObjectId,
        version: ReportVersion,
    ) -> Option<(Sealed, Deserves)> {
        let (policy, deserves) = match self.dice.below(100) {
            0..=7 => (Policy::Refuse, Deserves::Denial),
            8..=12 => (Policy::Quarantine, Deserves::Denial),
            13..=17 => (Policy::Crash, Deserves::Denial),
            _rest => (Policy::Accept, Deserves::Any),
        };
        let clock = self.nodes.get(from)?.clock(self.now);
        let expires = clock.plus(Millis(200 * DAY));
        let body = self.dice.bytes16().to_vec();
        let content = Content::Report { report: Slip::new(body, policy), expires };
        Some((Sealed { seal: self.seal(from, to, object, version)?, content, expires }, deserves))
    }

    pub(crate) fn new_object(&mut self, of: usize) -> Option<ObjectId> {
        let bytes = self.dice.bytes16();
        self.nodes.get(of).map(|n| object_number(bytes, &n.name))
    }

    /// A report to one partner or two; rarely a hundred to one, to fill windows and batches.
    fn report(&mut self, node: usize, first: usize) {
        let burst = if self.dice.chance(10) { self.dice.between(60, 200) } else { 1 };
        for _one in 0..burst {
            self.report_one(node, first);
        }
    }

    fn report_one(&mut self, node: usize, first: usize) {
        let Some(object) = self.new_object(node) else { return };
        let mut recipients = vec![first];
        if self.dice.chance(300) {
            recipients.push((first + 1) % self.nodes.len());
        }
        recipients.retain(|peer| *peer != node && !self.is_suspended(node, *peer));
        let mut reached = Vec::new();
        for peer in recipients {
            let Some((sealed, deserves)) = self.slip(node, peer, object, ReportVersion::FIRST) else {
                continue;
            };
            if self.queue(node, peer, MessageKind::Report, &sealed, deserves) {
                reached.push(peer);
            }
        }
        if let Some(n) = self.nodes.get_mut(node).filter(|_| !reached.is_empty()) {
            let latest = ReportVersion::FIRST;
            n.own.push(Own { object, latest, recipients: reached, taken_back: false, expires: None });
        }
    }

    pub(crate) fn pick_own(&mut self, node: usize) -> Option<(usize, Own)> {
        let count = self.nodes.get(node)?.own.len();
        let index = self.dice.index(count);
        Some((index, self.nodes.get(node)?.own.get(index)?.clone()))
    }

    fn correct(&mut self, node: usize) {
        let Some((index, mut own)) = self.pick_own(node) else { return };
        let Some(version) = own.latest.next() else { return };
        // Who got a copy from another may get the correction from its originator itself; not what was taken back, for the order
        // went another way, and who lost it has only the originator's word that it may be had.
        let holders = self.holders_of(node, own.object);
        let new = holders.into_iter().filter(|holder| !own.recipients.contains(holder));
        let new: Vec<_> = new.filter(|_| self.dice.chance(300) && !own.taken_back).collect();
        own.recipients.extend(new);
        if let Some(mine) = self.nodes.get_mut(node).and_then(|n| n.own.get_mut(index)) {
            mine.latest = version;
            mine.recipients.clone_from(&own.recipients);
        }
        for peer in own.recipients.iter().copied() {
            let kind = if self.dice.chance(900) { MessageKind::Correction } else { MessageKind::Report };
            let Some((mut sealed, deserves)) = self.slip(node, peer, own.object, version) else { continue };
            if kind == MessageKind::Report {
                sealed.seal.supersedes = None;
            }
            if !self.is_suspended(node, peer) {
                self.queue(node, peer, kind, &sealed, deserves);
            }
        }
        self.whole(node, |world| world.correction_follows(node, own.object, version));
    }

    fn recall(&mut self, node: usize) {
        let Some((index, own)) = self.pick_own(node) else { return };
        if let Some(mine) = self.nodes.get_mut(node).and_then(|n| n.own.get_mut(index)) {
            mine.taken_back = true;
        }
        let (object, reason) = (own.object, OrderReason::Originator);
        let some = self.dice.chance(300);
        let delete = self.dice.chance(300);
        for peer in own.recipients {
            let Some(clock) = self.nodes.get(node).map(|n| n.clock(self.now)) else { return };
            let answer_by = clock.plus(Millis(DAY));
            let order = if delete {
                Order::Delete { object, reason, answer_by }
            } else {
                let versions = if some { vec![ReportVersion::FIRST] } else { Vec::new() };
                Order::Recall { object, versions, reason, answer_by }
            };
            if let Some(sealed) = self.order(node, peer, order) {
                self.queue(node, peer, MessageKind::Order, &sealed, Deserves::Any);
            }
        }
    }

    fn expire(&mut self, node: usize, peer: usize) {
        let Some((index, own)) = self.pick_own(node) else { return };
        let Some(clock) = self.nodes.get(node).map(|n| n.clock(self.now)) else { return };
        let expires = clock.plus(Millis(30 * DAY));
        if let Some(mine) = self.nodes.get_mut(node).and_then(|n| n.own.get_mut(index)) {
            mine.expires = Some(expires);
        }
        let order = Order::Expiry { object: own.object, expires };
        if let Some(sealed) = self.order(node, peer, order) {
            self.queue(node, peer, MessageKind::Order, &sealed, Deserves::Any);
        }
    }

    fn tell(&mut self, node: usize, peer: usize) {
        let object = ObjectId::new(self.dice.bytes16());
        let Some(seal) = self.seal(node, peer, object, ReportVersion::FIRST) else { return };
        let (content, kind) = if self.dice.chance(500) {
            (Content::Receipts(Vec::new()), MessageKind::Receipts)
        } else {
            (Content::Notice(Notice::Resumed { from: seal.sealed_at }), MessageKind::Notice)
        };
        let sealed = Sealed { seal, content, expires: Timestamp::MAX };
        self.queue(node, peer, kind, &sealed, Deserves::Any);
    }

    /// What a broken application might hand to the protocol: for nobody, for another, under nothing.
    fn never(&mut self, node: usize, peer: usize) {
        let Some(object) = self.new_object(node) else { return };
        let Some((mut sealed, _)) = self.slip(node, peer, object, ReportVersion::FIRST) else { return };
        match self.dice.below(3) {
            0 => sealed.seal.recipients.clear(),
            1 => {
                let other = (peer + 1) % self.nodes.len();
                let Some(other) = self.nodes.get(other).map(|n| n.name.clone()) else { return };
                sealed.seal.recipients = vec![other];
            }
            _two => sealed.seal.agreement = AgreementId::new([0xaa; 32]),
        }
        if !self.is_suspended(node, peer) {
            self.queue(node, peer, MessageKind::Report, &sealed, Deserves::Denial);
        }
    }

    /// A partner's object under this node's own name: back to whom it was recalled from, perhaps.
    fn claim_anothers(&mut self, node: usize, peer: usize) {
        let Some(n) = self.nodes.get(node) else { return };
        let held: Vec<_> = n.store.holdings.keys().copied().collect();
        let Some(object) = self.dice.pick(&held).copied() else { return };
        let Some((sealed, deserves)) = self.slip(node, peer, object, ReportVersion::FIRST) else { return };
        if !self.is_suspended(node, peer) {
            self.queue(node, peer, MessageKind::Report, &sealed, deserves);
        }
    }

    fn suspend(&mut self, node: usize, peer: usize) {
        let Some(them) = self.nodes.get(peer).map(|n| n.name.clone()) else { return };
        let Some(us) = self.nodes.get_mut(node) else { return };
        let agreement = agreement(&us.name, &them);
        if !us.suspended.remove(&agreement) {
            us.suspended.insert(agreement);
        }
    }

    fn read(&mut self, node: usize) {
        let now = self.now;
        let Some(n) = self.nodes.get(node) else { return };
        let objects: Vec<_> = n.store.holdings.values().cloned().collect();
        let Some(holding) = self.dice.pick(&objects).cloned() else { return };
        let Some(held) = self.dice.pick(&holding.versions).cloned() else { return };
        let Some(n) = self.nodes.get(node) else { return };
        // The orders about a version come by who sent it: its originator, or who passed it on.
        let via = n.store.consents.via.get(&(holding.object, held.version));
        let route = via.unwrap_or(&holding.originator);
        let lane = lane_between(route, &n.name, Lane::Control);
        let control = n.controls.get(&lane).copied().unwrap_or_default();
        let have = n.store.lane_in(&lane).have;
        let allowed = may_read(&control, have, &holding, held.version, n.clock(now)).is_ok();
        let careless = self.has_bug(node, Bug::ShowsAnything) && held.state == VersionState::Recalled;
        if allowed || careless {
            self.record(Record::Shown {
                node: n.name.to_string(),
                originator: holding.originator.to_string(),
                object: *holding.object.as_bytes(),
                version: held.version.get(),
            });
        }
    }

    /// The end of all trouble: agreements in force, everyone up.
    pub(crate) fn heal(&mut self) {
        self.partitions.clear();
        for n in &mut self.nodes {
            n.suspended.clear();
        }
    }
}
