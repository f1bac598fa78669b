//! A process killed while it changes the index leaves the state before or after a change, nothing else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use mithaq_name_index::{Change, Index};

use super::{add, content, record};

const CHILD: &str = "MITHAQ_NAME_INDEX_TEST_CHILD";
/// Names added by one change; the change before loses half of its own.
const STEP: u32 = 40;

fn change(number: u32) -> Vec<Change> {
    let first = number * STEP;
    let mut changes = add(first..first + STEP);
    let before = first.saturating_sub(STEP)..first.saturating_sub(STEP / 2);
    changes.extend(before.map(|number| Change::Remove(record(number).id)));
    changes
}

/// The ids after a number of changes.
fn ids_after(changes: u32) -> Vec<String> {
    let last = changes.saturating_sub(1) * STEP;
    let kept = |number: &u32| *number >= last || number % STEP >= STEP / 2;
    (0..changes * STEP).filter(kept).map(|number| record(number).id).collect()
}

/// Not a test of its own: what the killed process does. Ends at once unless it is one.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let mut index = Index::open(path).unwrap();
    for number in 0.. {
        index.apply(&change(number)).unwrap();
        std::io::stdout().write_all(format!("\nack {number}\n").as_bytes()).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_the_old_state_or_the_new() {
    for acknowledged in [0, 1, 2, 3, 5, 8, 13] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index");
        Index::create(&path).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let number = |line: std::io::Result<String>| line.ok()?.strip_prefix("ack ")?.parse::<u32>().ok();
        let mut lines = output.lines().filter_map(number);
        let mut done = lines.by_ref().take(acknowledged).count();
        child.kill().unwrap();
        child.wait().unwrap();
        done += lines.count();
        let mut index = Index::open(&path).unwrap();
        index.check().unwrap();
        let found: Vec<String> = content(&index).into_iter().map(|(id, _)| id).collect();
        let (old, new) = (u32::try_from(done).unwrap(), u32::try_from(done + 1).unwrap());
        let state = [old, new].into_iter().find(|changes| ids_after(*changes) == found);
        let state =
            state.unwrap_or_else(|| panic!("{done} changes acknowledged, {} names found", found.len()));
        // No lock is left behind, and what the killed process left lying about is swept.
        index.apply(&change(state)).unwrap();
        let files = std::fs::read_dir(&path).unwrap().count();
        assert_eq!(files, index.statistics().segments + 2, "manifest, lock and segments in use");
    }
}
