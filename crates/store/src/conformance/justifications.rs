use mithaq_model::{Lang, ObjectId, OfficerId, Purpose, Text};

use super::{Node, at, nodes, number};
use crate::StoreError;
use crate::justifications::{self, Justification};

fn one(n: u8, officer: u8) -> Justification {
    Justification {
        id: number(n),
        officer: number(officer),
        case: number(9),
        purpose: Purpose::Investigate,
        did: "subject.read".to_owned(),
        object: number(n / 2),
        at: at(i64::from(n)),
        likeness: None,
    }
}

fn add(node: &Node, one: &Justification, words: &'static str) {
    let one = one.clone();
    let text = Text::new(Lang::EN, words).unwrap();
    node.write(move |tx, vault| justifications::add(tx, vault, &one, &text)).unwrap();
}

fn open(node: &Node, not_of: u8) -> Vec<(ObjectId, String)> {
    let found = node.read(move |tx, vault| justifications::open(tx, vault, number(not_of), 10)).unwrap();
    found.into_iter().map(|(one, text)| (one.id, text.reveal().to_owned())).collect()
}

fn pool(node: &Node, since: i64, not_of: u8) -> Vec<ObjectId> {
    node.read(move |tx, _| justifications::pool(tx, at(since), number(not_of), 10)).unwrap()
}

#[test]
fn what_is_drawn_waits_for_another_person_until_it_is_judged() {
    for node in nodes() {
        add(&node, &one(2, 1), "the first reason");
        add(&node, &one(3, 2), "the second reason");
        let alike = Justification { likeness: Some("family".to_owned()), ..one(4, 1) };
        add(&node, &alike, "the third reason");
        assert_eq!(pool(&node, 0, 7), [number(3), number(2)], "what waits anyway is not drawn");
        assert_eq!(pool(&node, 3, 7), [number(3)]);
        assert_eq!(pool(&node, 0, 2), [number(2)], "nobody draws their own");
        assert_eq!(open(&node, 7), [(number(4), "the third reason".to_owned())]);
        node.write(|tx, _| justifications::draw(tx, number(2), at(50))).unwrap();
        let again = node.write(|tx, _| justifications::draw(tx, number(2), at(51)));
        assert!(matches!(again, Err(StoreError::Missing { .. })));
        assert_eq!(open(&node, 7).len(), 2);
        assert_eq!(open(&node, 1).len(), 0, "nobody judges their own");

        let judge = |n: u8, by: u8| {
            node.write(move |tx, _| {
                justifications::judge(tx, number(n), "in_order", (number::<OfficerId>(by), at(60)))
            })
        };
        assert!(judge(2, 1).is_err(), "nor by its number");
        assert!(judge(3, 7).is_err(), "it was not drawn");
        assert_eq!(judge(2, 7).unwrap(), (number(9), Purpose::Investigate));
        assert!(judge(2, 7).is_err(), "once");
        assert_eq!(open(&node, 7).len(), 1);
    }
}

#[test]
fn reasons_are_erased_with_time_and_with_what_they_are_about() {
    for node in nodes() {
        for n in 2..=5 {
            add(&node, &Justification { likeness: Some("self".to_owned()), ..one(n, 1) }, "a reason");
        }
        assert_eq!(node.write(|tx, _| justifications::erase_before(tx, at(3), 10)), Ok(1));
        assert_eq!(open(&node, 7).len(), 3);
        assert_eq!(node.write(|tx, _| justifications::erase_about(tx, number(2))), Ok(2));
        assert_eq!(open(&node, 7), [(number(3), "a reason".to_owned())]);
        let keys = node.read(|tx, _| Ok(tx.query("SELECT id FROM record_key WHERE kind = 24", &[])?.len()));
        assert_eq!(keys, Ok(1));
    }
}
