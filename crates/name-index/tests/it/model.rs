//! Any sequence of changes leaves what building at once would.

use std::collections::BTreeSet;

use mithaq_name_index::{Applied, Change, Index, Record};
use proptest::prelude::*;

use super::{add, content, ids, name, record};

#[derive(Clone, Debug)]
enum Step {
    Add(u32, u32),
    Remove(u32),
    Replace(u32, u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_u32, 0..200_u32).prop_map(|(id, name)| Step::Add(id, name)),
        1 => (0..40_u32).prop_map(Step::Remove),
        1 => (0..40_u32, 0..200_u32).prop_map(|(id, name)| Step::Replace(id, name)),
    ]
}

fn named(id: u32, number: u32) -> Record {
    Record::person(format!("r-{id}"), name(number))
}

fn changes(step: &Step) -> Vec<Change> {
    match step {
        Step::Add(id, name) => vec![Change::Add(named(*id, *name))],
        Step::Remove(id) => vec![Change::Remove(format!("r-{id}"))],
        Step::Replace(id, name) => {
            vec![Change::Remove(format!("r-{id}")), Change::Add(named(*id, *name))]
        }
    }
}

fn expected(steps: &[Vec<Step>]) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for step in steps.iter().flatten() {
        for change in changes(step) {
            match change {
                Change::Add(record) => {
                    all.insert((record.id, record.name));
                }
                Change::Note { .. } => {}
                Change::Remove(id) => all.retain(|entry: &(String, String)| entry.0 != id),
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn changes_are_a_rebuild(
        batches in prop::collection::vec(prop::collection::vec(step(), 1..12), 1..14),
        query in 0..200_u32,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut index = Index::create(directory.path().join("changed")).unwrap();
        for batch in &batches {
            let all: Vec<Change> = batch.iter().flat_map(changes).collect();
            index.apply(&all).unwrap();
        }
        let wanted: Vec<(String, String)> = expected(&batches).into_iter().collect();
        prop_assert_eq!(content(&index), wanted.clone());
        prop_assert_eq!(index.statistics().names, wanted.len() as u64);
        let mut rebuilt = Index::create(directory.path().join("rebuilt")).unwrap();
        let all: Vec<Change> =
            wanted.into_iter().map(|(id, name)| Change::Add(Record::person(id, name))).collect();
        rebuilt.apply(&all).unwrap();
        let query = name(query);
        prop_assert_eq!(ids(&index, &query), ids(&rebuilt, &query));
        let again = Index::open(directory.path().join("changed")).unwrap();
        prop_assert_eq!(content(&again), content(&rebuilt));
        again.check().unwrap();
    }
}

#[test]
fn many_small_changes_leave_few_segments() {
    let directory = tempfile::tempdir().unwrap();
    let mut index = Index::create(directory.path().join("index")).unwrap();
    for number in 0..120 {
        assert_eq!(index.apply(&add([number])).unwrap(), Applied { added: 1, ..Applied::default() });
    }
    assert!(index.statistics().segments <= 6, "{:?}", index.statistics());
    assert_eq!(content(&index).len(), 120);
    for number in 0..119 {
        index.apply(&[Change::Remove(record(number).id)]).unwrap();
    }
    let left = index.statistics();
    assert_eq!((left.names, left.by_kind), (1, [1, 0, 0]));
    assert!(left.dead <= 2, "{left:?}");
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut index = Index::create(directory.path().join("index")).unwrap();
    index.apply(&add(0..5)).unwrap();
    let before = index.statistics();
    assert_eq!(index.apply(&add(0..5)).unwrap(), Applied::default());
    assert_eq!(index.apply(&[Change::Remove("nobody".into())]).unwrap(), Applied::default());
    assert_eq!(index.statistics(), before);
    let replaced = [Change::Remove(record(3).id), Change::Add(record(3))];
    assert_eq!(index.apply(&replaced).unwrap(), Applied::default());
    assert_eq!(content(&index).len(), 5);
}

#[test]
fn a_wrong_id_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut index = Index::create(directory.path().join("index")).unwrap();
    index.apply(&add(0..5)).unwrap();
    let wrong = [Change::Remove(record(1).id), Change::Add(Record::person("", "Nobody"))];
    let error = index.apply(&wrong).unwrap_err().to_string();
    assert!(error.contains("hint: give every record a short id"), "{error}");
    assert_eq!(content(&index).len(), 5);
    assert_eq!(content(&Index::open(directory.path().join("index")).unwrap()).len(), 5);
}
