//! Receipts of erasure that wait.

use mithaq_db::Tx;
use mithaq_exchange::Versions;
use mithaq_model::{AgreementId, ObjectId, ReportId, ReportState, ReportVersion, Timestamp};
use mithaq_wire::{LaterReceipt, LaterReceipts, OrderReason};

use super::{nodes, number, party};
use crate::StoreError;
use crate::erasures::{self, Owed};
use crate::reports::{self, Erasure};

fn owed(object: ObjectId, at: i64) -> Owed {
    let at = Timestamp::from_millis(at);
    let wiped = vec!["content".to_owned()];
    let receipt =
        LaterReceipt::Erased { object, versions: vec![ReportVersion::FIRST], wiped, leaf: None, at };
    let receipts = LaterReceipts(vec![receipt]);
    Owed { recipient: party("ma-security"), agreement: AgreementId::new([1; 32]), object, receipts }
}

#[test]
fn what_is_owed_is_taken_once_the_longest_first() {
    for node in nodes() {
        let (first, second) = (owed(number(1), 5), owed(number(2), 4));
        let put = [first.clone(), second.clone(), second.clone()];
        node.write(move |tx, _| {
            for one in &put {
                let LaterReceipt::Erased { at, .. } = &one.receipts.0[0] else { panic!("erased") };
                erasures::owe(tx, one, *at)?;
            }
            Ok(())
        })
        .unwrap();
        let waiting = node.read(|tx, _| erasures::waiting(tx)).unwrap();
        assert_eq!(waiting.len(), 2, "the same words twice are one row");
        let take = move |tx: &mut dyn Tx| -> Result<_, StoreError> {
            let all: Result<Vec<_>, _> = waiting.iter().map(|key| erasures::take(tx, *key)).collect();
            all
        };
        assert_eq!(node.db().write(take.clone()).unwrap(), [Some(second), Some(first)]);
        assert_eq!(node.db().write(take).unwrap(), [None, None], "another process was quicker");
    }
}

#[test]
fn what_still_lies_here_is_seen() {
    for node in nodes() {
        super::reports::add(&node, 1, b"content").unwrap();
        let object = ObjectId::from(number::<ReportId>(1));
        let holds = |versions: Vec<ReportVersion>| {
            node.read(move |tx, _| reports::holds_erased(tx, object, &versions)).unwrap()
        };
        assert!(holds(vec![ReportVersion::FIRST]));
        assert!(!holds(Vec::new()), "nothing of it may not come again");
        node.write(move |tx, _| {
            let erasure = Erasure {
                object,
                versions: &Versions::All,
                reason: OrderReason::Retention,
                originator: &party("ma-security"),
                agreement: None,
                at: Timestamp::from_millis(9),
                state: ReportState::Erased,
            };
            reports::erase(tx, &erasure)
        })
        .unwrap();
        assert!(!holds(vec![ReportVersion::FIRST]));
    }
}
