//! Whatever the network does with the same envelopes, the inbox is the same and receipts never differ.

use std::collections::BTreeMap;

use mithaq_sim::paper::Policy;
use mithaq_wire::{Lane, MessageKind, Position};
use proptest::prelude::*;

use crate::world::{Node, at, object, pair};

const COUNT: u8 = 40;

/// What the network does next.
#[derive(Debug, Clone)]
enum Move {
    /// Delivers these, in this order, as one batch; the answer comes back or not.
    Deliver { from: usize, len: usize, swap: bool, answered: bool },
    /// The receiver's process dies after the step, before the commit.
    CrashBeforeCommit { from: usize, len: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let place = || (0..usize::from(COUNT), 1_usize..=16);
    let one = prop_oneof![
        4 => (place(), any::<bool>(), any::<bool>())
            .prop_map(|((from, len), swap, answered)| Move::Deliver { from, len, swap, answered }),
        1 => place().prop_map(|(from, len)| Move::CrashBeforeCommit { from, len }),
    ];
    prop::collection::vec(one, 1..60)
}

fn sent(a: &mut Node, b: &Node) -> Vec<Vec<u8>> {
    let policies = [Policy::Accept, Policy::Refuse, Policy::Quarantine, Policy::Crash, Policy::Accept];
    (0..COUNT)
        .map(|n| {
            let slip = a.slip(&b.party, object(n), 1, policies[usize::from(n) % policies.len()]);
            a.queue(&b.party, MessageKind::Report, &slip)
        })
        .collect()
}

fn cut(all: &[Vec<u8>], from: usize, len: usize) -> Vec<Vec<u8>> {
    all[from..(from + len).min(all.len())].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_storm_ends_in_the_same_inbox(storm in moves()) {
        let (mut a, mut b) = pair();
        let all = sent(&mut a, &b);
        let lane = a.lane_to(&b.party, Lane::Report);
        let mut first_receipt: BTreeMap<Position, Vec<u8>> = BTreeMap::new();
        for step in storm {
            match step {
                Move::CrashBeforeCommit { from, len } => {
                    let inspection = b.inspect(&a.party, &cut(&all, from, len)).unwrap();
                    b.step(inspection);
                }
                Move::Deliver { from, len, swap, answered } => {
                    let mut batch = cut(&all, from, len);
                    if swap {
                        batch.reverse();
                    }
                    let (_, answer) = b.take(&a.party, &batch);
                    for bytes in &answer.receipts {
                        let read = mithaq_exchange::ports::ReadReceipts::read(&a.paper, bytes).unwrap();
                        for statement in read.statements {
                            let first = first_receipt.entry(statement.at).or_insert_with(|| bytes.clone());
                            prop_assert_eq!(first, bytes, "one receipt per message, for ever");
                        }
                    }
                    if answered {
                        let settled = a.settle(&lane, &answer);
                        prop_assert!(settled.alarms.is_empty());
                    }
                    let row = a.store.lane_out(&lane);
                    prop_assert!(row.settled <= b.store.lane_in(&lane).have, "never ahead of the receiver");
                }
            }
        }
        // Faults healed: one orderly pass.
        for n in (0..all.len()).step_by(16) {
            let (_, answer) = b.take(&a.party, &cut(&all, n, 16));
            a.settle(&lane, &answer);
        }
        prop_assert_eq!(a.store.lane_out(&lane).settled, at(u64::from(COUNT)));
        prop_assert_eq!(b.store.lane_in(&lane).head, a.store.lane_out(&lane).head);
        let hashes: Vec<_> = b.store.inbox.values().map(|row| row.envelope).collect();
        let ours: Vec<_> = a.store.outbox.values().map(|row| row.envelope).collect();
        prop_assert_eq!(hashes, ours);
        prop_assert!(a.store.outbox.values().all(|row| row.state.has_receipt()));
        let taken = b.store.ledger.len();
        prop_assert_eq!(taken, usize::from(COUNT), "one leaf each");
        prop_assert!(b.store.ahead.is_empty() && b.store.lane_in(&lane).ahead == 0);
    }
}
