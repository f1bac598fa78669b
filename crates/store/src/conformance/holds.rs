use mithaq_model::{ReportId, Role};

use super::{Node, at, nodes, number};
use crate::holds::{self, Hold, Scope};
use crate::{reports as stored, subjects};

fn hold(scope: Scope, officer: u8, role: Role) -> Hold {
    Hold { scope, officer: number(officer), role, since: at(i64::from(officer)) }
}

fn set(node: &Node, hold: Hold) -> bool {
    node.write(move |tx, _| holds::set(tx, &hold)).unwrap()
}

fn stands(node: &Node, report: ReportId, case: u8) -> bool {
    node.read(move |tx, _| holds::stands(tx, report, Some(number(case)))).unwrap()
}

#[test]
fn a_hold_is_a_persons_and_is_lifted_by_role() {
    for node in nodes() {
        let (case, report) = (Scope::Case(number(9)), Scope::Report(number(1)));
        assert!(set(&node, hold(case, 1, Role::Oversight)));
        assert!(!set(&node, hold(case, 1, Role::Oversight)), "it stands already");
        assert!(set(&node, hold(case, 2, Role::Dpo)));
        assert!(set(&node, hold(report, 3, Role::LegalAdviser)));
        let all = node.read(|tx, _| holds::list(tx, 10)).unwrap();
        let scopes: Vec<_> = all.iter().map(|one| (one.scope, one.role)).collect();
        assert_eq!(scopes, [(case, Role::Oversight), (case, Role::Dpo), (report, Role::LegalAdviser)]);
        assert!(stands(&node, number(5), 9), "by its case");
        assert!(stands(&node, number(1), 8), "by itself");
        assert!(!stands(&node, number(5), 8));
        assert!(!node.read(|tx, _| holds::stands(tx, number(5), None)).unwrap());
        assert_eq!(node.write(move |tx, _| holds::lift(tx, case, Some(Role::Dpo))), Ok(1));
        assert!(stands(&node, number(5), 9), "the other role's stands");
        assert_eq!(node.write(move |tx, _| holds::lift(tx, case, Some(Role::Dpo))), Ok(0));
        assert_eq!(node.write(move |tx, _| holds::lift(tx, case, None)), Ok(1));
        assert!(!stands(&node, number(5), 9));
    }
}

#[test]
fn what_is_held_is_not_due_to_be_erased() {
    for node in nodes() {
        for n in 1..=3 {
            super::reports::add(&node, n, b"x").unwrap();
            // Subject n is of case n and came with report n.
            super::subjects::add(&node, n, n, &[]).unwrap();
        }
        set(&node, hold(Scope::Report(number(1)), 1, Role::Dpo));
        let due = |node: &Node| {
            let reports = node.read(|tx, _| stored::expired(tx, at(103), 9)).unwrap();
            let subjects = node.read(|tx, _| subjects::expired(tx, at(103), 9)).unwrap();
            (reports.len(), subjects.len())
        };
        assert_eq!(due(&node), (2, 2), "a report and the subject that came with it");
        set(&node, hold(Scope::Case(number(2)), 1, Role::Dpo));
        assert_eq!(due(&node), (2, 1), "the subject of a held case");
        // All three reports are of case 9.
        set(&node, hold(Scope::Case(number(9)), 1, Role::Dpo));
        assert_eq!(due(&node), (0, 1));
    }
}
