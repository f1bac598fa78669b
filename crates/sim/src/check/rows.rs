//! Judging how the stores ended: I1, I3, I5, I7, I12, I13, I18.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use super::eye::{self, sha256};
use crate::history::{NodeEnd, OutEnd, Outcome};

/// Every outgoing message ended, and what ended it is the partner's signature.
pub(super) fn outbox(end: &NodeEnd, honest: &BTreeSet<&str>, report: &mut Report) {
    for row in &end.outbox {
        let fair = honest.contains(row.lane.to.as_str()) && !row.is_start;
        match &row.outcome {
            Outcome::Waiting => {
                report.expect(!fair, "I1", || format!("never ended: {:?} {:?}", row.lane, row.at))
            }
            Outcome::NotDelivered { late: None } => {
                report.expect(!fair, "I13", || format!("never drained: {:?} {:?}", row.lane, row.at));
            }
            Outcome::Decided { verdict, receipt }
            | Outcome::NotDelivered { late: Some((verdict, receipt)) } => {
                let proven = is_proven(row, verdict, receipt);
                report.expect(proven, "I1", || format!("decided without proof: {:?} {:?}", row.lane, row.at));
            }
        }
    }
}

fn is_proven(row: &OutEnd, verdict: &str, receipt: &[u8]) -> bool {
    let hash = sha256(&row.bytes);
    let seen = eye::receipt(receipt).filter(|seen| seen.lane == row.lane);
    seen.is_some_and(|seen| {
        seen.statements.iter().any(|(at, h, v)| *at == row.at && *h == hash && v == verdict)
    })
}

/// What was taken is signed, gapless and chained.
pub(super) fn inbox(end: &NodeEnd, report: &mut Report) {
    let mut before: BTreeMap<_, ((u32, u64), [u8; 32])> = BTreeMap::new();
    for row in &end.inbox {
        let Some(seen) = eye::envelope(&row.bytes) else {
            report.broken("I5", format!("{} took what does not verify: {:?}", end.name, row.at));
            continue;
        };
        report.expect(seen.lane == row.lane && seen.at == row.at && row.lane.to == end.name, "I3", || {
            format!("{} keeps {:?} in another place", end.name, row.at)
        });
        let (last, head) =
            before.insert(row.lane.clone(), (row.at, sha256(&row.bytes))).unwrap_or(((1, 0), [0; 32]));
        let next = row.at == (last.0, last.1 + 1) || (row.at.0 > last.0 && row.at.1 == 1);
        report.expect(next, "I3", || format!("{} has {:?} after {last:?}", end.name, row.at));
        report.expect(seen.prev == head, "I3", || format!("{} has a broken chain at {:?}", end.name, row.at));
    }
}

/// Envelope and verdict of a leaf, or of the row it stands for.
type Leaf<'a> = (Option<[u8; 32]>, Option<&'a str>);

/// One leaf for each change of state, and from the leaves the state follows.
pub(super) fn ledger(end: &NodeEnd, report: &mut Report) {
    let mut leaves: BTreeMap<&str, Vec<Leaf<'_>>> = BTreeMap::new();
    for leaf in &end.ledger {
        leaves.entry(leaf.kind.as_str()).or_default().push((leaf.envelope, leaf.verdict.as_deref()));
    }
    let mut states: BTreeMap<&str, Vec<Leaf<'_>>> = BTreeMap::new();
    for row in &end.outbox {
        let hash = Some(sha256(&row.bytes));
        states.entry("message.queued").or_default().push((hash, None));
        match &row.outcome {
            Outcome::Waiting => {}
            Outcome::Decided { verdict, .. } => {
                states.entry("message.decided").or_default().push((hash, Some(verdict)));
            }
            Outcome::NotDelivered { late } => {
                states.entry("message.not_delivered").or_default().push((hash, Some("N1")));
                if let Some((verdict, _)) = late {
                    states.entry("message.late_receipt").or_default().push((hash, Some(verdict)));
                }
            }
        }
    }
    for row in &end.inbox {
        let hash = Some(sha256(&row.bytes));
        states.entry("message.taken").or_default().push((hash, Some(&row.verdict)));
    }
    for proof in &end.proofs {
        let hash = Some(sha256(&proof.second));
        states.entry("peer.equivocation").or_default().push((hash, Some("lane.equivocation")));
    }
    // These say that a partner misbehaved, or lost rows; no row of ours changes its state by them.
    leaves.remove("peer.fault");
    leaves.remove("peer.stopped");
    leaves.remove("message.decided_anew");
    for list in leaves.values_mut().chain(states.values_mut()) {
        list.sort_unstable();
    }
    for kind in leaves.keys().chain(states.keys()).collect::<BTreeSet<_>>() {
        report.expect(leaves.get(kind) == states.get(kind), "I12", || {
            format!("{}: the leaves {kind} are not the rows", end.name)
        });
    }
}

/// Who does not lie is never said to contradict itself, also one that was restored.
pub(super) fn accusations(end: &NodeEnd, ends: &[NodeEnd], report: &mut Report) {
    let whole: BTreeSet<&str> = ends.iter().filter(|end| end.honest).map(|end| end.name.as_str()).collect();
    let contradicts = "exchange.peer_misbehaved.receipt_contradicts";
    for leaf in end.ledger.iter().filter(|leaf| leaf.verdict.as_deref() == Some(contradicts)) {
        report.expect(!whole.contains(leaf.counterparty.as_str()), "I6", || {
            format!("{} accuses the honest {}", end.name, leaf.counterparty)
        });
    }
}

/// A proof convicts its signer, and never an honest one.
pub(super) fn proofs(end: &NodeEnd, honest: &BTreeSet<&str>, report: &mut Report) {
    for proof in &end.proofs {
        let first = proof.first.as_deref().and_then(|first| Some((eye::envelope(first)?, sha256(first))));
        let (Some((first, hash)), Some(second)) = (first, eye::envelope(&proof.second)) else {
            report.broken("I7", format!("{} keeps a proof that proves nothing", end.name));
            continue;
        };
        let same = first.at == second.at && hash != sha256(&proof.second);
        let (epoch, seq) = first.at;
        let chain = second.at == (epoch, seq + 1) && second.prev != hash;
        report.expect(first.lane == second.lane && (same || chain), "I7", || {
            format!("{} keeps a proof that proves nothing", end.name)
        });
        let fair = honest.contains(second.lane.from.as_str());
        report.expect(!fair, "I7", || format!("{} convicts the honest {}", end.name, second.lane.from));
    }
}

/// At rest both sides of a lane stand at the same place, and no honest pair has stopped.
pub(super) fn heads(ends: &[NodeEnd], honest: &BTreeSet<&str>, report: &mut Report) {
    for end in ends.iter().filter(|end| end.honest) {
        for lane in &end.lanes_out {
            if !honest.contains(lane.lane.to.as_str()) {
                continue;
            }
            let other = ends.iter().find(|other| other.name == lane.lane.to);
            let theirs = other.and_then(|other| other.lanes_in.iter().find(|l| l.lane == lane.lane));
            report.expect(theirs == Some(lane), "I18", || format!("heads differ: {lane:?} and {theirs:?}"));
            report.expect(!lane.stopped, "I13", || format!("an honest lane stopped: {:?}", lane.lane));
        }
    }
}
