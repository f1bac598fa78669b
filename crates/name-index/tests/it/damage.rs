//! A damaged, cut, foreign or missing file is refused with what to do next.

use std::path::{Path, PathBuf};

use mithaq_name_index::{Index, NameIndexError};

use super::{add, content};

fn built(directory: &Path) -> PathBuf {
    let path = directory.join("index");
    Index::create(&path).unwrap().apply(&add(0..60)).unwrap();
    path
}

fn segment(path: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.find(|file| file.extension().is_some_and(|e| e == "segment")).unwrap()
}

/// What a user sees who opens the index and then reads all of it.
fn refusal(path: &Path) -> Option<String> {
    Index::open(path).and_then(|index| index.check()).err().map(|error| error.to_string())
}

#[test]
fn every_region_of_a_segment_is_checked() {
    let directory = tempfile::tempdir().unwrap();
    let path = built(directory.path());
    assert_eq!(refusal(&path), None);
    let file = segment(&path);
    let good = std::fs::read(&file).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&file, &bad).unwrap();
        let words = refusal(&path).unwrap_or_else(|| panic!("byte {at} of {}", good.len()));
        assert!(words.contains("hint: ") && words.contains(".segment"), "{words}");
    }
    for len in [0, 1, 63, 64, good.len() / 2, good.len() - 1] {
        std::fs::write(&file, &good[..len]).unwrap();
        assert!(refusal(&path).is_some_and(|words| words.contains("hint: ")), "cut at {len}");
    }
    std::fs::write(&file, &good).unwrap();
    assert_eq!(content(&Index::open(&path).unwrap()).len(), 60);
}

#[test]
fn a_damaged_manifest_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = built(directory.path());
    let file = path.join("manifest");
    let good = std::fs::read(&file).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        assert!(refusal(&path).is_some_and(|words| words.contains("hint: ")), "byte {at}");
    }
}

#[test]
fn what_is_missing_or_there_already_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = built(directory.path());
    assert!(matches!(Index::create(&path), Err(NameIndexError::Exists(_))));
    assert!(matches!(Index::open(directory.path()), Err(NameIndexError::Missing(_))));
    std::fs::remove_file(segment(&path)).unwrap();
    let words = refusal(&path).unwrap();
    assert!(words.contains("is not there") && words.contains("hint: "), "{words}");
}

#[test]
fn a_second_writer_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = built(directory.path());
    let mut index = Index::open(&path).unwrap();
    let held = std::fs::File::options().write(true).open(path.join("lock")).unwrap();
    held.lock().unwrap();
    let refused = index.apply(&add(60..61)).unwrap_err();
    assert!(matches!(refused, NameIndexError::Busy(_)) && refused.to_string().contains("hint: "));
    drop(held);
    assert_eq!(index.apply(&add(60..61)).unwrap().added, 1);
}
