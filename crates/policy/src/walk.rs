//! The release decision step by step: not only the first refusal, but every one. For people who want to know what an
//! agreement says to a request; what is sealed needs a [`crate::Permit`], and that comes from [`crate::decide`] alone.

use mithaq_model::Timestamp;

use crate::decide::{Disclosure, Refusal, sources};
use crate::facts::Facts;
use crate::rules::Rules;

/// Returns every refusal, in the order of the steps; empty: the rules permit. The first is the one that
/// [`crate::decide`] would give.
#[must_use]
pub fn walk(rules: &Rules, disclosure: &Disclosure<'_>, now: Timestamp) -> Vec<Refusal> {
    let facts = Facts::gather(&sources(rules, disclosure, now));
    let report = disclosure.report;
    match rules.forbidding(&facts, &report.originator, &report.id.to_string()) {
        Some(marks) => marks.into_iter().map(Refusal::from).collect(),
        None => vec![Refusal::unanswered()],
    }
}
