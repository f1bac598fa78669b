//! Two agencies, an agreement, and shorthand for what they do.

use mithaq_exchange::{
    Content, Door, Inspection, Outgoing, Queued, Received, Settled, Shelf, Stamp, Stop, enqueue, inspect,
    object_number, receive, settle,
};
use mithaq_model::{AgreementId, Level, Millis, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_sim::paper::{Paper, Policy, Sealed, Slip, manifest};
use mithaq_sim::store::{InboxOf, OutboxOf, SlipJudge, Store};
use mithaq_wire::{
    BatchAnswer, Digest, Lane, LaneId, MessageKind, Notice, Order, OrderReason, Position, SealHeader,
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);
pub(crate) const DAY: u64 = 86_400_000;
pub(crate) const AGREEMENT: AgreementId = AgreementId::new([7; 32]);

pub(crate) fn party(name: &str) -> PartyId {
    PartyId::new(name).unwrap()
}

/// An object of MA.
pub(crate) fn object(n: u8) -> ObjectId {
    object_number([n; 16], &party("ma-security"))
}

pub(crate) fn version(n: u32) -> ReportVersion {
    ReportVersion::new(n).unwrap()
}

pub(crate) fn at(seq: u64) -> Position {
    Position { epoch: 1, seq }
}

pub(crate) struct Node {
    pub(crate) party: PartyId,
    pub(crate) store: Store,
    pub(crate) paper: Paper,
    pub(crate) judge: SlipJudge,
    pub(crate) now: Timestamp,
    mids: u8,
}

impl Node {
    pub(crate) fn new(name: &str) -> Self {
        let all = [party("ma-security"), party("es-police"), party("ci-judiciary")];
        let party = party(name);
        let paper = Paper::new(&party, &all);
        Self { paper, party, store: Store::default(), judge: SlipJudge::default(), now: NOW, mids: 0 }
    }

    pub(crate) fn lane_to(&self, to: &PartyId, lane: Lane) -> LaneId {
        LaneId { from: self.party.clone(), to: to.clone(), agreement: AGREEMENT, lane }
    }

    pub(crate) fn stamp(&mut self) -> Stamp {
        self.mids = self.mids.wrapping_add(1);
        Stamp {
            manifest: manifest(&self.party, 1),
            mid: [self.mids; 16],
            now: self.now,
            acks: Vec::new(),
            checkpoint: None,
        }
    }

    pub(crate) fn seal_header(&self, to: &PartyId, object: ObjectId, v: u32) -> SealHeader {
        SealHeader {
            object,
            version: version(v),
            supersedes: v.checked_sub(1).and_then(ReportVersion::new),
            originator: self.party.clone(),
            recipients: vec![to.clone()],
            agreement: AGREEMENT,
            purpose: None,
            handling: None,
            level: Level::ALL[0],
            lease_until: self.now.plus(Millis(10 * DAY)),
            released_by: Vec::new(),
            sealed_at: self.now,
        }
    }

    pub(crate) fn slip(&self, to: &PartyId, object: ObjectId, v: u32, policy: Policy) -> Sealed {
        let expires = self.now.plus(Millis(300 * DAY));
        let report = Slip::new(vec![v.to_be_bytes()[3]; 24], policy);
        Sealed {
            seal: self.seal_header(to, object, v),
            content: Content::Report { report, expires },
            expires,
        }
    }

    pub(crate) fn order(&self, to: &PartyId, order: Order) -> Sealed {
        let content = Content::Order(order);
        Sealed { seal: self.seal_header(to, ObjectId::new([0xee; 16]), 1), content, expires: Timestamp::MAX }
    }

    pub(crate) fn recall(&self, to: &PartyId, object: ObjectId, versions: &[u32]) -> Sealed {
        let versions = versions.iter().map(|v| version(*v)).collect();
        let reason = OrderReason::Originator;
        self.order(to, Order::Recall { object, versions, reason, answer_by: self.now.plus(Millis(DAY)) })
    }

    pub(crate) fn notice(&self, to: &PartyId) -> Sealed {
        let content = Content::Notice(Notice::Suspended { from: self.now });
        Sealed { seal: self.seal_header(to, ObjectId::new([0xee; 16]), 1), content, expires: Timestamp::MAX }
    }

    pub(crate) fn try_queue(
        &mut self,
        to: &PartyId,
        lane: Lane,
        kind: MessageKind,
        sealed: &Sealed,
    ) -> Result<Queued, mithaq_exchange::EnqueueError<core::convert::Infallible>> {
        let bytes = self.paper.seal(sealed);
        let out = Outgoing {
            kind,
            object: Some((sealed.seal.object, sealed.seal.version)),
            sealed: &bytes,
            expires: self.now.plus(Millis(30 * DAY)),
            deadline: self.now.plus(Millis(31 * DAY)),
        };
        let row = self.store.lane_out(&self.lane_to(to, lane));
        let stamp = self.stamp();
        enqueue(&row, &out, stamp, &mut self.paper)
    }

    pub(crate) fn queue(&mut self, to: &PartyId, kind: MessageKind, sealed: &Sealed) -> Vec<u8> {
        let lane = kind.lane().unwrap();
        let queued = self.try_queue(to, lane, kind, sealed).unwrap();
        self.store.commit_queued(queued).bytes
    }

    /// Queues an accepted report about a new object.
    pub(crate) fn report(&mut self, to: &PartyId, n: u8) -> Vec<u8> {
        let slip = self.slip(to, object(n), 1, Policy::Accept);
        self.queue(to, MessageKind::Report, &slip)
    }

    pub(crate) fn inspect(&self, from: &PartyId, batch: &[Vec<u8>]) -> Result<Inspection<Slip>, Stop> {
        let door = Door { us: &self.party, peer: from, agreements: &[AGREEMENT] };
        inspect(batch, &door, &self.paper)
    }

    pub(crate) fn step(&mut self, inspection: Inspection<Slip>) -> Received<Slip> {
        let lane = inspection.lane.clone();
        let shelf = Shelf {
            lane: self.store.lane_in(&lane),
            inbox: &mut InboxOf(&self.store, lane),
            judge: &mut self.judge,
            unwrap: &self.paper,
            sign: &self.paper,
        };
        receive(inspection, shelf, self.now).unwrap()
    }

    /// Inspects, receives, commits.
    pub(crate) fn take(&mut self, from: &PartyId, batch: &[Vec<u8>]) -> (Received<Slip>, BatchAnswer) {
        let inspection = self.inspect(from, batch).unwrap();
        let received = self.step(inspection);
        let logged = self.store.commit_received(&received);
        (received.clone(), received.answer(logged))
    }

    pub(crate) fn settle(&mut self, lane: &LaneId, answer: &BatchAnswer) -> Settled {
        let row = self.store.lane_out(lane);
        let settled =
            settle(&row, answer, &mut OutboxOf(&self.store, lane.clone()), &self.paper, self.now, 0).unwrap();
        self.store.commit_settled(&settled);
        settled
    }
}

pub(crate) fn pair() -> (Node, Node) {
    (Node::new("ma-security"), Node::new("es-police"))
}

pub(crate) fn answer(have: Position, head: Digest) -> BatchAnswer {
    BatchAnswer { receipts: Vec::new(), have, head, stopped: None }
}

/// The verdict codes of everything taken, in order.
pub(crate) fn verdicts(received: &Received<Slip>) -> Vec<String> {
    let word = |v: &mithaq_wire::Verdict| match v {
        mithaq_wire::Verdict::Accepted => "accepted".to_owned(),
        mithaq_wire::Verdict::Refused { code, .. } => code.clone(),
        mithaq_wire::Verdict::Quarantined { code } => format!("?{code}"),
    };
    received.messages.iter().map(|(row, _)| word(&row.verdict)).collect()
}
