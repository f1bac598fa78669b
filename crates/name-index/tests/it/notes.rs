//! Notes change with the names, in one step, and go with the record.

use std::collections::BTreeMap;
use std::path::Path;

use mithaq_name_index::{Change, Index, NOTE_MAX, NameIndexError};
use mithaq_names::index::checksum;
use proptest::prelude::*;

use super::{add, record};

fn note(number: u32, text: &str) -> Change {
    Change::Note { id: record(number).id, note: text.as_bytes().to_vec() }
}

fn noted(index: &Index, number: u32) -> Option<String> {
    let id = record(number).id;
    let found = index.notes([id.as_str()]).unwrap();
    found.get(id.as_str()).map(|note| String::from_utf8(note.clone()).unwrap())
}

/// Every byte that lies in the directory.
fn bytes(path: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| std::fs::read(file).unwrap()).collect()
}

fn holds(path: &Path, text: &str) -> bool {
    bytes(path).windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn what_is_removed_leaves_no_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let mut index = Index::create(&path).unwrap();
    let mut changes = add(0..50);
    changes.extend((0..50).map(|number| note(number, &format!("born in year-{number:03}"))));
    assert_eq!(index.apply(&changes).unwrap().notes, 50);
    index.apply(&add([900])).unwrap();
    assert!(holds(&path, &record(7).id) && holds(&path, "year-007"));
    let removed = index.apply(&[Change::Remove(record(7).id)]).unwrap();
    assert_eq!((removed.removed, removed.notes), (1, 1));
    assert!(!holds(&path, "year-007") && holds(&path, "year-008"));
    assert_eq!(index.erase().unwrap(), 1);
    assert!(!holds(&path, &record(7).id), "the name and the id lie in a segment");
    assert_eq!(index.erase().unwrap(), 0);
    index.check().unwrap();
    assert_eq!((noted(&index, 7), noted(&index, 8)), (None, Some("born in year-008".into())));
    let all: Vec<Change> = (0..50).map(|number| Change::Remove(record(number).id)).collect();
    index.apply(&all).unwrap();
    assert_eq!(index.statistics().notes, 0);
    assert!(!holds(&path, "born in"));
}

#[test]
fn the_newer_note_counts_whatever_was_joined() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let mut index = Index::create(&path).unwrap();
    for round in 0..30 {
        index.apply(&[note(round % 4, &format!("round {round}")), note(100 + round, "once")]).unwrap();
    }
    let again = Index::open(&path).unwrap();
    again.check().unwrap();
    for (number, round) in [(0, 28), (1, 29), (2, 26), (3, 27)] {
        assert_eq!(noted(&again, number), Some(format!("round {round}")));
    }
    let files = std::fs::read_dir(&path).unwrap().count();
    assert!(files <= 2 + 4, "{files} files");
    assert_eq!(index.apply(&[note(0, "round 28")]).unwrap().notes, 0, "the same note changes nothing");
    let long = Change::Note { id: "a".into(), note: vec![0; NOTE_MAX + 1] };
    assert!(index.apply(&[long]).is_err());
}

#[test]
fn every_damaged_byte_of_the_notes_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let mut index = Index::create(&path).unwrap();
    let notes: Vec<Change> = (0..300).map(|number| note(number, &"note ".repeat(10))).collect();
    index.apply(&notes).unwrap();
    let file = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|file| file.extension().is_some_and(|e| e == "notes")).unwrap();
    let good = std::fs::read(&file).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        Index::open(&path).and_then(|index| index.check()).err().map(|error| error.to_string())
    };
    for at in (0..good.len()).step_by(11) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(refused(&bad).is_some_and(|words| words.contains("hint: ")), "byte {at}");
    }
    for len in [0, 5, 27, 28, good.len() / 2, good.len() - 1] {
        assert!(refused(&good[..len]).is_some_and(|words| words.contains("hint: ")), "cut at {len}");
    }
    assert_eq!(refused(&good), None);
    std::fs::remove_file(&file).unwrap();
    let gone = Index::open(&path).unwrap_err();
    assert!(matches!(gone, NameIndexError::Gone(_)), "{gone}");
    assert!(!gone.to_string().contains("room") && gone.to_string().contains("--replace"));
}

/// A block that holds nothing has a checksum that fits, and hid what stood behind it.
#[test]
fn a_block_without_a_note_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    Index::create(&path).unwrap().apply(&[note(1, "one")]).unwrap();
    let file = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|file| file.extension().is_some_and(|e| e == "notes")).unwrap();
    let good = std::fs::read(&file).unwrap();
    let sealed = |content: &[u8]| [content, &checksum(content).to_le_bytes()].concat();
    // Directory of the one block there is; an empty one is put before it.
    let end = good.len() - 28;
    let from = end - usize::from(good[end]);
    let empty = sealed(&[]);
    let listed = [&[4, 0, 0, 0, 0][..], &good[from..end - 4]].concat();
    let listed = sealed(&listed);
    let last = [&(listed.len() as u64).to_le_bytes()[..], &good[end + 8..end + 16]].concat();
    let forged = [&empty, &good[..from], &listed, &sealed(&last), b"MITHNOT1"].concat();
    assert!(mithaq_name_index::notes_again(&good).is_ok());
    let why = mithaq_name_index::notes_again(&forged).unwrap_err().to_string();
    assert!(why.contains("does not begin") && why.contains("hint: "), "{why}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn notes_are_those_a_map_would_hold(
        batches in prop::collection::vec(
            prop::collection::vec((0..30_u32, prop::option::of(0..9000_usize)), 1..10), 1..16),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut index = Index::create(directory.path().join("index")).unwrap();
        let mut expected = BTreeMap::new();
        for batch in &batches {
            let changes: Vec<Change> = batch.iter().map(|(number, length)| match length {
                Some(length) => note(*number, &"x".repeat(*length)),
                None => Change::Remove(record(*number).id),
            }).collect();
            for (number, length) in batch {
                match length {
                    Some(length) => expected.insert(*number, *length),
                    None => expected.remove(number),
                };
            }
            index.apply(&changes).unwrap();
        }
        index.check().unwrap();
        for number in 0..30 {
            prop_assert_eq!(noted(&index, number).map(|note| note.len()), expected.get(&number).copied());
        }
    }
}
