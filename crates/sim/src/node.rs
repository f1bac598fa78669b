//! One node of a run: its committed rows, its hand, and what it forgets when it crashes.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_exchange::{LaneIn, LaneOut, OutState, PartnerControl, Window};
use mithaq_model::{AgreementId, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{Digest, Lane, LaneId, MessageKind, Position, Verdict};
use sha2::{Digest as _, Sha256};

use crate::history::{InEnd, LaneEnd, LaneKey, LeafEnd, NodeEnd, OutEnd, Outcome, Place, ProofEnd, Readable};
use crate::paper::Paper;
use crate::store::Store;

/// The instant all virtual time is counted from.
const EPOCH_MS: i64 = 1_760_000_000_000;

/// An object a node originated.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) object: ObjectId,
    pub(crate) latest: ReportVersion,
    pub(crate) recipients: Vec<usize>,
    /// Some version was taken back: nothing more is consented to.
    pub(crate) taken_back: bool,
    /// The last day it ordered.
    pub(crate) expires: Option<Timestamp>,
}

pub(crate) struct Node {
    pub(crate) name: PartyId,
    pub(crate) honest: bool,
    pub(crate) store: Store,
    pub(crate) controls: BTreeMap<LaneId, PartnerControl>,
    pub(crate) own: Vec<Own>,
    pub(crate) suspended: BTreeSet<AgreementId>,
    pub(crate) hand: Paper,
    /// How far its clock is off, ms.
    pub(crate) skew: i64,
    /// Lanes in which it may not use a new place before it began an epoch.
    pub(crate) restoring: BTreeSet<LaneId>,
    /// Rows as they once were, for a restore.
    pub(crate) backup: Option<Store>,
    /// Lost rows once.
    pub(crate) restored: bool,
    /// Lost in a crash.
    pub(crate) windows: BTreeMap<LaneId, Window>,
    pub(crate) up: bool,
    /// Counts starts: what an earlier process asked, this one does not hear.
    pub(crate) life: u32,
}

impl Node {
    pub(crate) fn new(name: &PartyId, all: &[PartyId], honest: bool) -> Self {
        Self {
            name: name.clone(),
            honest,
            store: Store::default(),
            controls: BTreeMap::new(),
            own: Vec::new(),
            suspended: BTreeSet::new(),
            hand: Paper::new(name, all),
            skew: 0,
            restoring: BTreeSet::new(),
            backup: None,
            restored: false,
            windows: BTreeMap::new(),
            up: true,
            life: 0,
        }
    }

    /// Its clock at a virtual time.
    pub(crate) fn clock(&self, now: u64) -> Timestamp {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        Timestamp::from_millis(EPOCH_MS.saturating_add(now).saturating_add(self.skew))
    }

    pub(crate) fn crash(&mut self) {
        self.up = false;
        self.life += 1;
        self.windows.clear();
    }

    pub(crate) fn window(&mut self, lane: &LaneOut) -> Window {
        *self.windows.entry(lane.id.clone()).or_insert_with(|| Window::new(lane))
    }

    pub(crate) fn end(&self) -> NodeEnd {
        NodeEnd {
            name: self.name.to_string(),
            honest: self.honest,
            restored: self.restored,
            // The start of an epoch that another start replaced is no message to anyone.
            outbox: self.store.outbox.iter().map(|((lane, at), row)| self.out_end(lane, *at, row)).collect(),
            inbox: self
                .store
                .inbox
                .iter()
                .map(|((lane, at), row)| InEnd {
                    lane: key(lane),
                    at: place(*at),
                    bytes: row.bytes.clone(),
                    verdict: word(&row.verdict),
                })
                .collect(),
            lanes_out: self.store.lanes_out.values().map(out_lane).collect(),
            lanes_in: self.store.lanes_in.values().map(in_lane).collect(),
            ledger: self
                .store
                .ledger
                .iter()
                .map(|fact| LeafEnd {
                    kind: fact.happened.code().to_owned(),
                    counterparty: fact.counterparty.to_string(),
                    verdict: fact.verdict.clone(),
                    envelope: fact.envelope.map(|hash| hash.0),
                })
                .collect(),
            proofs: self
                .store
                .proofs
                .iter()
                .map(|proof| ProofEnd { first: proof.first.clone(), second: proof.second.clone() })
                .collect(),
            readable: self.readable(),
        }
    }

    fn out_end(&self, lane: &LaneId, at: Position, row: &mithaq_exchange::OutMessage) -> OutEnd {
        let receipt = |id: &Digest| self.store.receipts_got.get(id).cloned().unwrap_or_default();
        let outcome = match &row.state {
            OutState::Waiting => Outcome::Waiting,
            OutState::Decided { verdict, receipt: id } => {
                Outcome::Decided { verdict: word(verdict), receipt: receipt(id) }
            }
            OutState::NotDelivered { late } => Outcome::NotDelivered {
                late: late.as_ref().map(|(verdict, id)| (word(verdict), receipt(id))),
            },
        };
        OutEnd {
            lane: key(lane),
            at: place(at),
            bytes: row.bytes.clone(),
            outcome,
            is_start: row.kind == MessageKind::EpochStart,
        }
    }

    fn readable(&self) -> Vec<Readable> {
        let mut out = Vec::new();
        for holding in self.store.holdings.values() {
            for held in &holding.versions {
                if held.state == mithaq_exchange::VersionState::Current {
                    let originator = holding.originator.to_string();
                    out.push(Readable {
                        originator,
                        object: *holding.object.as_bytes(),
                        version: held.version.get(),
                        last_day: held.expires.as_millis(),
                    });
                }
            }
        }
        out
    }
}

/// The agreement between two parties.
pub(crate) fn agreement(one: &PartyId, other: &PartyId) -> AgreementId {
    let (first, second) = if one < other { (one, other) } else { (other, one) };
    let mut hash = Sha256::new();
    hash.update(first.as_str());
    hash.update(b" and ");
    hash.update(second.as_str());
    AgreementId::new(hash.finalize().into())
}

pub(crate) fn lane_between(from: &PartyId, to: &PartyId, lane: Lane) -> LaneId {
    LaneId { from: from.clone(), to: to.clone(), agreement: agreement(from, to), lane }
}

pub(crate) fn key(lane: &LaneId) -> LaneKey {
    LaneKey {
        from: lane.from.to_string(),
        to: lane.to.to_string(),
        agreement: *lane.agreement.as_bytes(),
        class: match lane.lane {
            Lane::Control => 0,
            Lane::Report => 1,
            Lane::Bulk => 2,
        },
    }
}

pub(crate) const fn place(at: Position) -> Place {
    (at.epoch, at.seq)
}

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted => "accepted".to_owned(),
        Verdict::Refused { code, .. } | Verdict::Quarantined { code } => code.clone(),
    }
}

fn out_lane(lane: &LaneOut) -> LaneEnd {
    LaneEnd {
        lane: key(&lane.id),
        last: place(lane.last()),
        head: lane.head.0,
        stopped: lane.halt != mithaq_exchange::Halt::Open,
    }
}

fn in_lane(lane: &LaneIn) -> LaneEnd {
    LaneEnd { lane: key(&lane.id), last: place(lane.have), head: lane.head.0, stopped: lane.frozen }
}
