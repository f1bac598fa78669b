//! The judge of a run. It sees what crossed the wire, what was committed and how the stores ended, and none of
//! the protocol's code. The numbers are those of the protocol's list of invariants.

mod eye;
mod flow;
mod onward;
mod rows;

use std::collections::BTreeSet;

use crate::history::History;

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which, for example `I4`.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

/// Collects violations.
struct Report(Vec<Violation>);

impl Report {
    fn broken(&mut self, invariant: &'static str, what: String) {
        // One cause breaks many rows: the first few are enough to find it.
        if self.0.len() < 12 {
            self.0.push(Violation { invariant, what });
        }
    }

    fn expect(&mut self, holds: bool, invariant: &'static str, what: impl FnOnce() -> String) {
        if !holds {
            self.broken(invariant, what());
        }
    }
}

/// Judges a history.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let honest: BTreeSet<&str> =
        history.ends.iter().filter(|end| end.honest).map(|end| end.name.as_str()).collect();
    let mut report = Report(Vec::new());
    flow::check(history, &honest, &mut report);
    onward::check(history, &honest, &mut report);
    for end in history.ends.iter().filter(|end| end.honest) {
        rows::outbox(end, &honest, &mut report);
        rows::inbox(end, &mut report);
        rows::ledger(end, &mut report);
        rows::proofs(end, &honest, &mut report);
        rows::accusations(end, &history.ends, &mut report);
    }
    rows::heads(&history.ends, &honest, &mut report);
    report.0
}

/// I15: the same messages in the same order, whatever the clocks said.
#[must_use]
pub fn same_order(right: &[Vec<[u8; 16]>], off: &[Vec<[u8; 16]>]) -> Vec<Violation> {
    let mut report = Report(Vec::new());
    report.expect(right == off, "I15", || "wrong clocks changed what was taken, or its order".to_owned());
    report.0
}
