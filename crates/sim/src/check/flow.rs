//! Judging what happened in order: I2, I3, I4, I5, I6, I7, I9, I11 and recall before read.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use super::eye::{self, sha256};
use crate::history::{Deserves, History, LaneKey, NodeEnd, Place, Record};

type Spot = (LaneKey, Place);
/// Node, originator, object.
type Thing = (String, String, [u8; 16]);

#[derive(Default)]
struct Seen {
    sent: BTreeMap<Spot, [u8; 32]>,
    taken: BTreeMap<Spot, [u8; 32]>,
    last_taken: BTreeMap<LaneKey, Place>,
    applied: BTreeSet<(Thing, u32)>,
    /// Who sent it: its orders come by the same party.
    came_by: BTreeMap<(Thing, u32), String>,
    /// Empty list: all versions.
    taken_back: BTreeMap<Thing, Vec<Vec<u32>>>,
    /// By place and log: who lost rows signs into another.
    receipts: BTreeMap<(Spot, u64), Vec<u8>>,
    announced: BTreeMap<LaneKey, Place>,
    /// Nodes that lost rows: what they did before may have to be done again.
    restored: BTreeSet<String>,
    must_be_frozen: BTreeSet<LaneKey>,
}

impl Seen {
    fn is_back(&self, thing: &Thing, version: u32) -> bool {
        let orders = self.taken_back.get(thing);
        orders.is_some_and(|orders| orders.iter().any(|only| only.is_empty() || only.contains(&version)))
    }
}

pub(super) fn check(history: &History, honest: &BTreeSet<&str>, report: &mut Report) {
    let restored = history.ends.iter().filter(|end| end.restored).map(|end| end.name.clone()).collect();
    let mut seen = Seen { restored, ..Seen::default() };
    let ends: BTreeMap<&str, &NodeEnd> = history.ends.iter().map(|end| (end.name.as_str(), end)).collect();
    let inbox: BTreeMap<Spot, ([u8; 32], &str)> = history
        .ends
        .iter()
        .flat_map(|end| &end.inbox)
        .map(|row| ((row.lane.clone(), row.at), (sha256(&row.bytes), row.verdict.as_str())))
        .collect();
    let outbox: BTreeMap<Spot, [u8; 32]> = history
        .ends
        .iter()
        .flat_map(|end| &end.outbox)
        .map(|row| ((row.lane.clone(), row.at), sha256(&row.bytes)))
        .collect();
    for (_, record) in &history.records {
        match record {
            Record::Queued { lane, at, envelope, deserves } => {
                let spot = (lane.clone(), *at);
                let kept = outbox.get(&spot) == Some(envelope) || seen.restored.contains(&lane.from);
                report.expect(kept, "I1", || format!("queued and gone: {spot:?}"));
                if *deserves == Deserves::Denial && honest.contains(lane.to.as_str()) {
                    let accepted =
                        inbox.get(&spot).is_some_and(|(kept, said)| kept == envelope && *said == "accepted");
                    report.expect(!accepted, "I11", || format!("accepted against the rules: {spot:?}"));
                }
            }
            Record::Sent { node, bytes } if honest.contains(node.as_str()) => {
                sent(bytes, node, &mut seen, report)
            }
            Record::Arrived { node, batch } if honest.contains(node.as_str()) => arrived(batch, &mut seen),
            Record::Taken { lane, at, envelope } if honest.contains(lane.to.as_str()) => {
                taken((lane, *at, *envelope), honest, &mut seen, report);
            }
            Record::Receipted { node, bytes } if honest.contains(node.as_str()) => {
                receipted(bytes, node, &inbox, &mut seen, report);
            }
            Record::Announced { lane, last } => {
                let entry = seen.announced.entry(lane.clone()).or_insert(*last);
                *entry = (*entry).max(*last);
            }
            Record::Applied { .. } | Record::TakenBack { .. } | Record::Shown { .. } => {
                object(record, honest, &mut seen, report);
            }
            Record::Sent { .. }
            | Record::Arrived { .. }
            | Record::Taken { .. }
            | Record::Receipted { .. }
            | Record::Note(_) => {}
        }
    }
    for lane in &seen.must_be_frozen {
        let end = ends.get(lane.to.as_str());
        let frozen = end.is_some_and(|end| end.lanes_in.iter().any(|l| l.lane == *lane && l.stopped));
        let proven = end.is_some_and(|end| {
            end.proofs
                .iter()
                .any(|proof| eye::envelope(&proof.second).is_some_and(|second| second.lane == *lane))
        });
        report.expect(frozen && proven, "I7", || {
            format!("two envelopes for one place, and no proof: {lane:?}")
        });
    }
    for end in history.ends.iter().filter(|end| end.honest) {
        for held in &end.readable {
            let thing = (end.name.clone(), held.originator.clone(), held.object);
            let back = seen.is_back(&thing, held.version);
            report.expect(!back, "I9", || format!("recalled and readable: {} v{}", end.name, held.version));
        }
    }
}

/// An honest node never signs two envelopes for one place.
fn sent(bytes: &[u8], node: &str, seen: &mut Seen, report: &mut Report) {
    let Some(envelope) = eye::envelope(bytes) else {
        report.broken("I5", format!("{node} sent what does not verify"));
        return;
    };
    report.expect(envelope.lane.from == node, "I7", || format!("{node} sent in another's lane"));
    let spot = (envelope.lane, envelope.at);
    let hash = sha256(bytes);
    let first = *seen.sent.entry(spot.clone()).or_insert(hash);
    report.expect(first == hash, "I7", || format!("two envelopes for one place: {spot:?}"));
}

/// Other bytes, validly signed, for a place already taken: from now on the lane must be frozen. Only requests
/// of one envelope are judged: of others, a part may rightly have been left unread.
fn arrived(batch: &[Vec<u8>], seen: &mut Seen) {
    let [bytes] = batch else { return };
    let Some(envelope) = eye::envelope(bytes) else { return };
    if seen.restored.contains(&envelope.lane.to) {
        return;
    }
    let taken = seen.taken.get(&(envelope.lane.clone(), envelope.at));
    if taken.is_some_and(|taken| *taken != sha256(bytes)) {
        seen.must_be_frozen.insert(envelope.lane);
    }
}

fn taken(
    (lane, at, envelope): (&LaneKey, Place, [u8; 32]),
    honest: &BTreeSet<&str>,
    seen: &mut Seen,
    report: &mut Report,
) {
    if seen.restored.contains(&lane.to) {
        // The same again, never something else; order and chain are judged in the final rows.
        let first = *seen.taken.entry((lane.clone(), at)).or_insert(envelope);
        let same = first == envelope || !honest.contains(lane.from.as_str());
        report.expect(same, "I3", || format!("another envelope after a restore: {lane:?} {at:?}"));
        seen.last_taken.insert(lane.clone(), at);
        return;
    }
    let before = seen.last_taken.insert(lane.clone(), at).unwrap_or((1, 0));
    let next = at == (before.0, before.1 + 1) || (at.0 > before.0 && at.1 == 1);
    report.expect(next, "I3", || format!("{at:?} after {before:?} in {lane:?}"));
    let first = seen.taken.insert((lane.clone(), at), envelope);
    report.expect(first.is_none(), "I2", || format!("taken twice: {lane:?} {at:?}"));
}

fn receipted(
    bytes: &[u8],
    node: &str,
    inbox: &BTreeMap<Spot, ([u8; 32], &str)>,
    seen: &mut Seen,
    report: &mut Report,
) {
    let Some(receipt) = eye::receipt(bytes) else {
        report.broken("I5", format!("{node} answered with a receipt that does not verify"));
        return;
    };
    report.expect(receipt.lane.to == node, "I5", || format!("{node} signed as another"));
    for (at, hash, verdict) in receipt.statements {
        let spot = (receipt.lane.clone(), at);
        let durable = inbox.get(&spot).is_some_and(|(kept, said)| *kept == hash && *said == verdict);
        let durable = durable || seen.restored.contains(node);
        report.expect(durable, "I4", || format!("a receipt for what is not there: {spot:?}"));
        let first = seen.receipts.entry((spot.clone(), receipt.log)).or_insert_with(|| bytes.to_vec());
        report.expect(first == bytes, "I6", || format!("two receipts for one message: {spot:?}"));
    }
}

fn object(record: &Record, honest: &BTreeSet<&str>, seen: &mut Seen, report: &mut Report) {
    match record {
        Record::Applied { node, by, originator, object, version } if honest.contains(node.as_str()) => {
            let thing = (node.clone(), originator.clone(), *object);
            seen.came_by.insert((thing.clone(), *version), by.clone());
            // Who lost rows takes its lanes again from where it stands, corrections before the recall that
            // followed them. It shows nothing of that before it has all; how it ends is judged below.
            let again = seen.restored.contains(node);
            report.expect(again || !seen.is_back(&thing, *version), "I9", || {
                format!("applied after its recall: {node} of {originator} v{version}")
            });
            let stolen = seen
                .applied
                .iter()
                .any(|((at, from, what), _)| at == node && what == object && from != originator);
            report.expect(!stolen, "I9", || format!("{node} took {originator}'s claim to another's object"));
            let new = seen.applied.insert((thing, *version)) || seen.restored.contains(node);
            report.expect(new, "I2", || format!("applied twice: {node} of {originator} v{version}"));
        }
        Record::TakenBack { node, originator, object, versions } => {
            let thing = (node.clone(), originator.clone(), *object);
            seen.taken_back.entry(thing).or_default().push(versions.clone());
        }
        Record::Shown { node, originator, object, version } if honest.contains(node.as_str()) => {
            let thing = (node.clone(), originator.clone(), *object);
            report
                .expect(!seen.is_back(&thing, *version), "I8", || format!("shown after its recall: {node}"));
            let by = seen.came_by.get(&(thing, *version)).unwrap_or(originator);
            for (lane, last) in &seen.announced {
                if lane.from == *by && lane.to == *node {
                    let have = seen.last_taken.get(lane).copied().unwrap_or((1, 0));
                    report
                        .expect(have >= *last, "I8", || format!("shown before the orders were read: {node}"));
                }
            }
        }
        Record::Queued { .. }
        | Record::Sent { .. }
        | Record::Arrived { .. }
        | Record::Taken { .. }
        | Record::Applied { .. }
        | Record::Receipted { .. }
        | Record::Announced { .. }
        | Record::Shown { .. }
        | Record::Note(_) => {}
    }
}
