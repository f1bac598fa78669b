//! Traces by which an erasure is judged from outside: parts of ciphertexts, wrapped keys, envelopes and salts that were in
//! the tables before, looked for in every file of the node's directory afterwards.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mithaq_db::Db;

use super::tables;
use crate::ui::{Exit, Failure};

/// Bytes of a trace: content lies over several pages, short parts of it lie together.
const LENGTH: usize = 24;
/// Traces kept, at most: taken from all over the tables.
const MOST: usize = 20_000;
/// Rows that are read of each kind.
const ROWS: &str = "400";
/// Longest wait until a node has cut its log: its chores come every half minute.
const CUT: Duration = Duration::from_secs(120);
/// Bytes of a file looked at together.
const PIECE: usize = 1 << 20;

/// What a report leaves: its content, keys, envelopes and salts.
pub(super) const OF_REPORTS: [&str; 4] = [
    "SELECT content FROM report_version WHERE content IS NOT NULL ORDER BY id",
    "SELECT k.wrapped FROM record_key k JOIN report_version v ON v.id = k.id WHERE k.kind = 6 ORDER BY k.id",
    "SELECT i.bytes FROM inbox i JOIN inbox_object o ON o.lane = i.lane AND o.epoch = i.epoch AND o.seq = i.seq
     WHERE i.bytes IS NOT NULL ORDER BY o.object",
    "SELECT s.sealed FROM ledger_salt s JOIN report_version v ON v.id = s.object ORDER BY s.idx",
];

/// The traces.
pub(super) struct Canaries {
    all: BTreeSet<[u8; LENGTH]>,
    /// Whether a trace begins with these two bytes: most places of a file are passed over by it.
    begins: Vec<bool>,
}

impl Canaries {
    /// Takes them from the tables of a node that does not run: the first column of each query.
    pub(super) fn of(db: &Db, queries: &[&str]) -> Result<Self, Failure> {
        let mut all = BTreeSet::new();
        for sql in queries {
            for row in tables::some(db, &format!("{sql} LIMIT {ROWS}"))? {
                let bytes = row.opt_bytes(0).map_err(tables::unreadable)?.unwrap_or_default();
                let (parts, _rest) = bytes.as_chunks::<LENGTH>();
                all.extend(parts.iter().copied().take(MOST.saturating_sub(all.len())));
            }
        }
        let mut begins = vec![false; 1 << 16];
        for [one, two, ..] in &all {
            if let Some(place) = begins.get_mut(usize::from(u16::from_be_bytes([*one, *two]))) {
                *place = true;
            }
        }
        Ok(Self { all, begins })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many of them are in the files of a directory and those below it.
    pub(super) fn found_in(&self, directory: &Path) -> Result<usize, Failure> {
        let mut found = BTreeSet::new();
        for file in files(directory)? {
            // A file that went meanwhile holds nothing.
            let Ok(mut file) = File::open(file) else { continue };
            let mut bytes = Vec::with_capacity(PIECE + LENGTH);
            while (&mut file).take(PIECE as u64).read_to_end(&mut bytes)? > 0 {
                self.find(&bytes, &mut found);
                // A trace may lie across the edge.
                bytes.drain(..bytes.len().saturating_sub(LENGTH - 1));
            }
        }
        Ok(found.len())
    }

    fn find(&self, bytes: &[u8], found: &mut BTreeSet<[u8; LENGTH]>) {
        let places = bytes.array_windows::<LENGTH>().filter(|window| self.may_begin(&window[..]));
        found.extend(places.filter(|window| self.all.contains(*window)).copied());
    }

    /// Waits until no file of a running node holds a trace; returns how many are left after the longest wait.
    pub(super) async fn left_in(&self, directory: &Path) -> Result<usize, Failure> {
        let started = Instant::now();
        loop {
            let left = tokio::task::block_in_place(|| self.found_in(directory))?;
            if left == 0 || started.elapsed() > CUT {
                return Ok(left);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Fails when traces are left, or were hardly there before.
    pub(super) fn judge(&self, before: usize, left: usize) -> Result<(), Failure> {
        if before.saturating_mul(10) < self.len().saturating_mul(9) {
            let text = format!(
                "only {before} of {} traces were found before: the measurement looks wrong",
                self.len()
            );
            return Err(Failure::new(Exit::Failed, "bench.canary", text));
        }
        if left == 0 {
            return Ok(());
        }
        let text = format!("{left} traces of what was erased are still in the files of the node");
        Err(Failure::new(Exit::NotVerified, "bench.not_erased", text))
    }

    fn may_begin(&self, window: &[u8]) -> bool {
        let [one, two, ..] = window else { return false };
        let place = usize::from(u16::from_be_bytes([*one, *two]));
        self.begins.get(place).copied().unwrap_or(false)
    }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut all, mut open) = (Vec::new(), vec![directory.to_path_buf()]);
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { all.push(path) }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_found_wherever_it_lies_and_no_other() {
        let trace: [u8; LENGTH] = core::array::from_fn(|n| 7 + u8::try_from(n).unwrap());
        let mut begins = vec![false; 1 << 16];
        begins[usize::from(u16::from_be_bytes([7, 8]))] = true;
        let canaries = Canaries { all: BTreeSet::from([trace]), begins };
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("below");
        std::fs::create_dir(&below).unwrap();
        std::fs::write(below.join("one"), [&[7, 8, 7][..], &trace, &[9]].concat()).unwrap();
        assert_eq!(canaries.found_in(directory.path()).unwrap(), 1);
        let across = [vec![0; PIECE - 5], trace.to_vec()].concat();
        std::fs::write(below.join("one"), across).unwrap();
        assert_eq!(canaries.found_in(directory.path()).unwrap(), 1, "across the edge of a piece");
        let mut other = trace;
        other[LENGTH - 1] ^= 1;
        std::fs::write(below.join("one"), other).unwrap();
        assert_eq!(canaries.found_in(directory.path()).unwrap(), 0);
    }
}
