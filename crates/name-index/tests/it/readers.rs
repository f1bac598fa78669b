//! Searching goes on while another changes the index.

use mithaq_name_index::{Change, Index, Scratch, SearchOptions};
use mithaq_names::Name;

use super::{add, content, record};

#[test]
fn a_reader_keeps_its_state_until_it_looks_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let mut writer = Index::create(&path).unwrap();
    writer.apply(&add(0..30)).unwrap();
    let mut reader = Index::open(&path).unwrap();
    let before = content(&reader);
    for number in 30..60 {
        writer.apply(&add([number])).unwrap();
    }
    writer.apply(&[Change::Remove(record(2).id)]).unwrap();
    assert_eq!(content(&reader), before, "old segments were merged and removed, and can still be read");
    assert!(reader.refresh().unwrap());
    assert!(!reader.refresh().unwrap());
    assert_eq!(content(&reader), content(&writer));
    assert_eq!(content(&reader).len(), 59);
}

#[test]
fn a_writer_builds_on_what_another_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let mut one = Index::create(&path).unwrap();
    let mut two = Index::open(&path).unwrap();
    one.apply(&add(0..3)).unwrap();
    two.apply(&add(3..6)).unwrap();
    one.apply(&add(6..9)).unwrap();
    assert_eq!(content(&one).len(), 9);
}

#[test]
fn the_spelling_is_told_apart_from_the_hit() {
    let directory = tempfile::tempdir().unwrap();
    let mut index = Index::create(directory.path().join("index")).unwrap();
    index.apply(&add(0..5)).unwrap();
    let query = Name::parse(&record(4).name);
    let hits = index.search(&query, SearchOptions::default(), &mut Scratch::default()).unwrap();
    assert_eq!(hits[0].id, record(4).id);
    assert_eq!(index.spelling(&hits[0]).unwrap(), Some(record(4).name));
    index.apply(&[Change::Remove(record(4).id)]).unwrap();
    assert!(
        index
            .search(&query, SearchOptions::default(), &mut Scratch::default())
            .unwrap()
            .iter()
            .all(|h| h.id != hits[0].id)
    );
}
