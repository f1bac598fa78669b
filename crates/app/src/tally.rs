//! Counts what became an entry of the ledger, by kind and code, for the people who run the node. A transaction that
//! is rolled back counts nothing.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Most different pairs that are counted apart; what comes after them is counted together. Codes are ours, so
/// this is never reached, unless a mistake lets foreign words through.
const PAIRS_MAX: usize = 512;
/// Longest code.
const CODE_MAX: usize = 64;

thread_local! {
    /// Entries of the job that runs on this thread: jobs of the store do not nest.
    static JOB: RefCell<Vec<Pair>> = const { RefCell::new(Vec::new()) };
}

thread_local! {
    /// The oldest version of what is known of agreements that the job on this thread decided by.
    static DECIDED_BY: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Notes that the job decides by what was known as of a version.
pub(crate) fn decides_by(version: u64) {
    let oldest = DECIDED_BY.get().map_or(version, |before| before.min(version));
    DECIDED_BY.set(Some(oldest));
}

/// Notes that the job itself changed what is known: its own change makes nothing outdated.
pub(crate) fn changed_known() {
    DECIDED_BY.set(DECIDED_BY.get().map(|version| version.saturating_add(1)));
}

/// What the job decided by, if it decided.
pub(crate) fn decided_by() -> Option<u64> {
    DECIDED_BY.get()
}

/// Kind of an entry and its verdict; empty for none.
pub(crate) type Pair = (String, String);

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<Pair, u64>>);

/// Forgets what a job before on this thread left.
pub(crate) fn begin() {
    JOB.with_borrow_mut(Vec::clear);
    DECIDED_BY.set(None);
}

/// Notes an entry of the job that runs.
pub(crate) fn note(kind: &str, verdict: Option<&str>) {
    JOB.with_borrow_mut(|job| job.push((kind.to_owned(), label(verdict.unwrap_or_default()))));
}

/// Takes what the job noted, to be counted after its commit.
pub(crate) fn take() -> Vec<Pair> {
    JOB.with_borrow_mut(core::mem::take)
}

/// A verdict may be a partner's word: what does not look like a code is not repeated. A volume's is its number and
/// hash, each once: no label.
fn label(verdict: &str) -> String {
    if verdict.starts_with("volume.") {
        return String::new();
    }
    let code = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if verdict.len() <= CODE_MAX && verdict.bytes().all(code) {
        verdict.to_owned()
    } else {
        "other".to_owned()
    }
}

impl Tally {
    pub(crate) fn add(&self, pairs: Vec<Pair>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for pair in pairs {
            let full = counts.len() >= PAIRS_MAX && !counts.contains_key(&pair);
            let pair = if full { ("other".to_owned(), "other".to_owned()) } else { pair };
            let count = counts.entry(pair).or_default();
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn read(&self) -> BTreeMap<Pair, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_code_is_repeated() {
        assert_eq!(label("refused:AGR"), "refused:AGR");
        assert_eq!(label("exchange.peer_misbehaved.have_ahead"), "exchange.peer_misbehaved.have_ahead");
        assert_eq!(label("volume.7.00ff00ff00ff00ff"), "");
        assert_eq!(label("a sentence about somebody"), "other");
        assert_eq!(label("\"}\n evil"), "other");
        assert_eq!(label(&"a".repeat(65)), "other");
    }

    #[test]
    fn a_flood_of_words_is_counted_in_one_place() {
        let tally = Tally::default();
        tally.add((0..2_000).map(|n| ("message.decided".to_owned(), format!("refused:x{n}"))).collect());
        let counts = tally.read();
        assert_eq!(counts.len(), PAIRS_MAX + 1);
        assert_eq!(counts.values().sum::<u64>(), 2_000);
    }

    #[test]
    fn what_a_broken_job_left_is_forgotten() {
        note("a", None);
        begin();
        note("b", Some("permit"));
        assert_eq!(take(), [("b".to_owned(), "permit".to_owned())]);
        assert!(take().is_empty());
    }
}
