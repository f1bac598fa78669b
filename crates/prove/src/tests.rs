use std::sync::LazyLock;

use mithaq_testkit::Sample;

use super::*;

/// Without the solver there is nothing to test but that its absence is said.
static SOLVER: LazyLock<bool> = LazyLock::new(|| {
    let path = std::env::var("CVC5").unwrap_or_else(|_unset| "cvc5".to_owned());
    std::process::Command::new(path).arg("--version").output().is_ok()
});

fn shown(policies: &PolicySet) -> Option<ProofReport> {
    match prove_policies(policies) {
        Err(ProveError::SolverMissing) if !*SOLVER => None,
        answer => Some(answer.unwrap()),
    }
}

#[test]
fn the_sample_agreement_stays_inside_every_safeguard() {
    let sample = Sample::new();
    let Some(report) = shown(sample.rules.policies()) else { return };
    assert!(report.holds(), "{report:?}");
    assert!(report.safeguards.len() > 25);
    assert!(report.safeguards.iter().all(|one| one.id.starts_with('s') && one.limit.starts_with('L')));
}

#[test]
fn a_rule_set_without_one_safeguard_is_found_with_its_request() {
    let sample = Sample::new();
    let kept = sample.rules.policies().policies().filter(|one| one.annotation("id") != Some("s11-torture"));
    let Some(report) = shown(&PolicySet::from_policies(kept.cloned()).unwrap()) else { return };
    assert!(!report.holds());
    let broken: Vec<_> = report.safeguards.iter().filter(|one| one.broken_by.is_some()).collect();
    assert_eq!(broken.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["s11-torture"]);
    assert!(
        broken
            .iter()
            .all(|one| one.broken_by.as_ref().is_some_and(|request| request.contains("risk_torture")))
    );
}

#[test]
fn a_rule_set_that_permits_nothing_is_no_success() {
    let sample = Sample::new();
    let forbids = sample.rules.policies().policies().filter(|one| one.effect() == Effect::Forbid);
    let Some(report) = shown(&PolicySet::from_policies(forbids.cloned()).unwrap()) else { return };
    assert!(!report.permits_something && !report.holds());
}
