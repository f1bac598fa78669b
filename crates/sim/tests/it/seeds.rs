//! A few seeds with the ordinary tests; many run in CI through the binary.

use std::collections::BTreeMap;

use mithaq_sim::history::Record;
use mithaq_sim::{Options, run};

#[test]
fn seeds_hold() {
    for seed in 1..=40 {
        let nodes = 5 + usize::try_from(seed % 3).unwrap();
        let outcome = run(Options { seed, nodes, bug: None });
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
        assert!(outcome.messages > 50, "seed {seed} did too little");
    }
}

#[test]
fn one_number_replays_the_same_run() {
    let options = Options { seed: 77, nodes: 6, bug: None };
    assert_eq!(run(options).history.print(), run(options).history.print());
    let other = Options { seed: 78, ..options };
    assert_ne!(run(options).history.print(), run(other).history.print());
}

#[test]
fn the_runs_reach_what_they_are_for() {
    let mut log = String::new();
    let mut codes = BTreeMap::<String, usize>::new();
    let mut copies = 0;
    let (mut recalls, mut shown, mut proofs, mut late, mut refused, mut stopped) = (0, 0, 0, 0, 0, 0);
    let mut anew = 0;
    for seed in 1..=100 {
        let outcome = run(Options { seed, nodes: 5, bug: None });
        for (_, record) in &outcome.history.records {
            recalls += usize::from(matches!(record, Record::TakenBack { .. }));
            shown += usize::from(matches!(record, Record::Shown { .. }));
            copies +=
                usize::from(matches!(record, Record::Applied { by, originator, .. } if by != originator));
        }
        for end in outcome.history.ends.iter().filter(|end| end.honest) {
            proofs += end.proofs.len();
            stopped += end.lanes_out.iter().filter(|lane| lane.stopped).count();
            late += end.ledger.iter().filter(|leaf| leaf.kind == "message.late_receipt").count();
            anew += end.ledger.iter().filter(|leaf| leaf.kind == "message.decided_anew").count();
            for row in end.inbox.iter().filter(|row| row.verdict.starts_with("onward.")) {
                *codes.entry(row.verdict.clone()).or_default() += 1;
            }
            refused += end.inbox.iter().filter(|row| row.verdict == "object.recalled").count();
        }
        log.push_str(&outcome.history.print());
    }
    for (what, count) in [
        ("recalls", recalls),
        ("reads", shown),
        ("proofs of equivocation", proofs),
        ("late receipts", late),
        ("decisions made anew after a restore", anew),
        ("refusals of what was recalled", refused),
        ("lanes halted against the liar", stopped),
        ("copies that were passed on", copies),
    ] {
        assert!(count > 0, "no {what} in 100 seeds");
    }
    for word in
        ["crash ", "clock ", "twin ", "alarm ", "ReceiptContradicts", "HaveAhead", "HaveBehind", "HaveHead"]
    {
        assert!(log.contains(word), "no {word} in 100 seeds");
    }
    for code in ["missing", "forged", "version", "recipient", "expired", "seal", "route"] {
        assert!(codes.contains_key(&format!("onward.{code}")), "no onward.{code} in 100 seeds: {codes:?}");
    }
}
