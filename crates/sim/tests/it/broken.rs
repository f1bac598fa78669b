//! A checker that never fails proves nothing: every broken node must be caught, and by the right invariant.

use std::collections::BTreeSet;

use mithaq_sim::{Bug, Options, run};

/// The invariants that a broken node violates, in as many seeds as it takes to see the one that is expected.
fn caught(bug: Bug, expected: &str) -> BTreeSet<&'static str> {
    let mut caught = BTreeSet::new();
    for seed in 1..=20 {
        let outcome = run(Options { seed, nodes: 5, bug: Some((2, bug)) });
        caught.extend(outcome.violations.iter().map(|violation| violation.invariant));
        if caught.contains(expected) {
            break;
        }
    }
    caught
}

#[test]
fn every_broken_node_is_caught_by_its_invariant() {
    let expected = [
        (Bug::LosesMessages, "I4"),
        (Bug::AnswersBeforeCommit, "I6"),
        (Bug::AppliesTwice, "I2"),
        (Bug::SignsAnew, "I6"),
        (Bug::ForgetsOutbox, "I7"),
        (Bug::SkipsLeaves, "I12"),
        (Bug::LogsTwice, "I12"),
        (Bug::ForgetsTombstones, "I9"),
        (Bug::AcceptsAnyRecipient, "I11"),
        (Bug::ClaimsDelivery, "I1"),
        (Bug::NeverSends, "I1"),
        (Bug::ShowsAnything, "I8"),
        (Bug::SkipsSignatures, "I5"),
        (Bug::TakesAnyOrder, "I3"),
        (Bug::SkipsTokens, "I10"),
        (Bug::CarriesNothingOn, "I9"),
        (Bug::ForgetsRevocations, "I10"),
    ];
    assert_eq!(expected.len(), Bug::ALL.len(), "every bug has its test");
    for (bug, invariant) in expected {
        let caught = caught(bug, invariant);
        assert!(caught.contains(invariant), "{bug:?}: {caught:?}");
    }
}
