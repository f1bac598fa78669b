//! Onward transfer: consents kept and changed by who read them last, reasons erased, copies that only move forward, tokens
//! that are used once.

use mithaq_model::{ConsentState, CopyState, ObjectId, Purpose, ReportVersion, Role};

use super::{AGREEMENT, at, integrity, nodes, number, party};
use crate::disclosures::{Escalated, Owed};
use crate::onward::{self, Consent, Copy};
use crate::reports::Direction;
use crate::sight::Sight;
use crate::{Page, StoreError};

fn consent(n: u8) -> Consent {
    Consent {
        id: number(n),
        direction: Direction::Received,
        partner: party("es-police"),
        agreement: AGREEMENT,
        object: number(90),
        version: ReportVersion::FIRST,
        to: party("ci-judiciary"),
        purpose: Purpose::Investigate,
        state: ConsentState::Asked,
        until: at(9_000),
        use_by: None,
        asked: at(1_000),
        person: None,
        case: None,
        token: None,
        sender: None,
        follows: None,
        change: 1,
    }
}

impl Consent {
    fn numbered(self, n: u8) -> Self {
        Self { id: number(n), ..self }
    }
}

fn copy(state: CopyState, proven: bool) -> Copy {
    Copy {
        object: number(90),
        version: ReportVersion::FIRST,
        holder: party("ci-judiciary"),
        via: party("es-police"),
        consent: number(1),
        agreement: Some(AGREEMENT),
        state,
        proven,
        at: at(5_000),
        answer_by: None,
        confirm_by: None,
    }
}

#[test]
fn a_consent_is_kept_as_it_was_and_changed_by_who_read_it_last() {
    for node in nodes() {
        node.write(|tx, vault| onward::add(tx, vault, &consent(1), b"why")).unwrap();
        let twice = node.write(|tx, vault| onward::add(tx, vault, &consent(1), b"why")).unwrap_err();
        assert!(matches!(twice, StoreError::Conflict { .. }));
        let mut one = node.write(|tx, _| onward::locked(tx, number(1))).unwrap().unwrap();
        assert_eq!(one, consent(1));
        (one.state, one.until, one.use_by) = (ConsentState::Granted, at(8_000), Some(at(4_000)));
        (one.person, one.token) = (Some((number(7), Role::LegalAdviser)), Some(vec![1, 2, 3]));
        let changed = one.clone();
        node.write(move |tx, _| onward::save(tx, &changed)).unwrap();
        let stale = one.clone();
        let late = node.write(move |tx, _| onward::save(tx, &stale)).unwrap_err();
        assert!(matches!(late, StoreError::Conflict { .. }), "read at an older change");
        one.change = 2;
        let page = Page::first(10);
        assert_eq!(
            node.read(move |tx, _| onward::list(tx, Direction::Received, Sight::Everything, &page)).unwrap(),
            [one.clone()]
        );
        assert!(
            node.read(move |tx, _| onward::list(tx, Direction::Own, Sight::Everything, &page))
                .unwrap()
                .is_empty()
        );
        assert_eq!(node.read(|tx, _| onward::of_object(tx, number(90))).unwrap(), [one]);
        node.tamper("UPDATE onward_consent SET state = 'whatever'");
        assert!(integrity(&node.read(|tx, _| onward::get(tx, number(1))).unwrap_err()));
    }
}

#[test]
fn the_reason_of_a_consent_goes_with_what_it_speaks_of() {
    for node in nodes() {
        node.write(|tx, vault| onward::add(tx, vault, &consent(1), b"why")).unwrap();
        let said = node.read(|tx, vault| onward::reason(tx, vault, number(1))).unwrap().unwrap();
        assert_eq!(&said[..], b"why");
        node.write(|tx, _| onward::erase_reasons(tx, number(90))).unwrap();
        assert!(node.read(|tx, vault| onward::reason(tx, vault, number(1))).unwrap().is_none());
        assert!(node.read(|tx, _| onward::get(tx, number(1))).unwrap().is_some(), "that it was asked stays");
    }
}

#[test]
fn what_lapses_is_found_and_what_stands_is_not() {
    for node in nodes() {
        let rows = [
            consent(1),
            Consent { asked: at(3_000), ..consent(2) },
            Consent { state: ConsentState::Granted, use_by: Some(at(4_000)), ..consent(3) },
            Consent { state: ConsentState::Granted, use_by: Some(at(6_000)), ..consent(4) },
            Consent { state: ConsentState::Used, use_by: Some(at(4_000)), ..consent(5) },
        ];
        node.write(move |tx, vault| rows.iter().try_for_each(|row| onward::add(tx, vault, row, b"why")))
            .unwrap();
        let stale = node.read(|tx, _| onward::stale(tx, (at(2_000), at(5_000)), 10)).unwrap();
        let ids: Vec<ObjectId> = stale.iter().map(|row| row.id).collect();
        assert_eq!(ids, [number(1), number(3)]);
    }
}

#[test]
fn corrections_that_wait_are_found_with_the_persons_and_the_consent_they_follow() {
    for node in nodes() {
        let waits = Consent {
            direction: Direction::Own,
            state: ConsentState::Granted,
            person: Some((number(7), Role::Analyst)),
            sender: Some((number(8), Role::Spoc)),
            follows: Some(number(1)),
            ..consent(2)
        };
        let rows = [
            Consent { direction: Direction::Own, state: ConsentState::Granted, ..consent(1) },
            waits.clone(),
            Consent { state: ConsentState::Used, ..waits.clone() }.numbered(3),
            Consent { direction: Direction::Received, ..waits.clone() }.numbered(4),
        ];
        node.write(move |tx, vault| rows.iter().try_for_each(|row| onward::add(tx, vault, row, b"")))
            .unwrap();
        assert_eq!(node.read(|tx, _| onward::corrections(tx, 10)).unwrap(), std::slice::from_ref(&waits));
        let sent = Consent { state: ConsentState::Used, sender: Some((number(9), Role::Spoc)), ..waits };
        let saved = sent.clone();
        node.write(move |tx, _| onward::save(tx, &saved)).unwrap();
        let found = node.read(|tx, _| onward::get(tx, number(2))).unwrap().unwrap();
        assert_eq!(found, Consent { change: 2, ..sent });
    }
}

#[test]
fn a_copy_moves_forward_and_what_is_proven_stays_proven() {
    for node in nodes() {
        let put = |copy: Copy| node.write(move |tx, _| onward::put_copy(tx, &copy)).unwrap();
        let all = || node.read(|tx, _| onward::copies(tx, number(90))).unwrap();
        put(copy(CopyState::Sent, false));
        put(copy(CopyState::Read, false));
        assert_eq!(all(), [copy(CopyState::Read, false)]);
        node.write(|tx, _| onward::ask_by(tx, number(90), None, at(7_000))).unwrap();
        put(copy(CopyState::Erased, false));
        assert_eq!(all()[0].answer_by, Some(at(7_000)), "a word is no signature");
        put(copy(CopyState::Read, false));
        assert_eq!(all()[0].state, CopyState::Erased, "it does not come back by a late word");
        put(copy(CopyState::Erased, true));
        assert_eq!(all(), [copy(CopyState::Erased, true)]);
        put(copy(CopyState::Erased, false));
        assert_eq!(all(), [copy(CopyState::Erased, true)]);
        assert_eq!(node.write(|tx, _| onward::ask_by(tx, number(90), None, at(8_000))).unwrap(), 0);
    }
}

#[test]
fn one_holder_is_asked_and_the_others_are_not() {
    for node in nodes() {
        let other = Copy { holder: party("fr-police"), ..copy(CopyState::Read, false) };
        let refused = Copy { holder: party("it-police"), ..copy(CopyState::Refused, false) };
        let rows = [copy(CopyState::Accepted, false), other, refused];
        node.write(move |tx, _| rows.iter().try_for_each(|row| onward::put_copy(tx, row))).unwrap();
        let one = party("fr-police");
        assert_eq!(
            node.write(move |tx, _| onward::ask_by(tx, number(90), Some(&one), at(7_000))).unwrap(),
            1
        );
        let late =
            |whom| node.read(move |tx, _| onward::untold(tx, Owed::Erasure, at(7_000), whom, 9)).unwrap();
        assert_eq!(late(Escalated::Dpo).len(), 1);
        node.write(|tx, _| onward::told(tx, number(90), &party("fr-police"), Escalated::Dpo)).unwrap();
        assert_eq!((late(Escalated::Dpo).len(), late(Escalated::Oversight).len()), (0, 1));
        assert_eq!(node.write(|tx, _| onward::ask_by(tx, number(90), None, at(8_000))).unwrap(), 2);
        assert_eq!(node.read(|tx, _| onward::count_overdue(tx, Owed::Erasure, at(7_999))), Ok(0));
        assert_eq!(node.read(|tx, _| onward::overdue(tx, Owed::Erasure, at(8_000), 9)).unwrap().len(), 2);
    }
}

#[test]
fn word_of_a_correction_is_owed_until_the_newest_version_is_there_or_all_are_to_go() {
    for node in nodes() {
        let second = ReportVersion::new(2).unwrap();
        let at_fr = || Copy { holder: party("fr-police"), ..copy(CopyState::Read, false) };
        let refused = Copy { holder: party("it-police"), ..copy(CopyState::Refused, false) };
        let gone = Copy { holder: party("ma-security"), ..copy(CopyState::Erased, false) };
        let rows = [copy(CopyState::Accepted, false), at_fr(), refused, gone];
        node.write(move |tx, _| rows.iter().try_for_each(|row| onward::put_copy(tx, row))).unwrap();
        node.write(move |tx, _| onward::confirm_by(tx, (number(90), second), at(7_000))).unwrap();
        let late = || {
            let rows = node.read(|tx, _| onward::overdue(tx, Owed::Receipt, at(7_000), 9)).unwrap();
            rows.into_iter().map(|row| (row.holder.to_string(), row.confirm_by)).collect::<Vec<_>>()
        };
        let due = Some(at(7_000));
        assert_eq!(late(), [("ci-judiciary".to_owned(), due), ("fr-police".to_owned(), due)]);
        assert_eq!(node.read(|tx, _| onward::count_overdue(tx, Owed::Erasure, at(9_000))), Ok(0));
        let untold =
            |whom| node.read(move |tx, _| onward::untold(tx, Owed::Receipt, at(7_000), whom, 9)).unwrap();
        node.write(|tx, _| onward::told(tx, number(90), &party("fr-police"), Escalated::Dpo)).unwrap();
        assert_eq!((untold(Escalated::Dpo).len(), untold(Escalated::Oversight).len()), (1, 2));

        node.write(|tx, _| onward::confirmed(tx, number(90), &party("ci-judiciary"))).unwrap();
        assert_eq!(late(), [("fr-police".to_owned(), due)]);
        let erased = Copy { state: CopyState::Erased, ..at_fr() };
        node.write(move |tx, _| onward::put_copy(tx, &erased)).unwrap();
        assert_eq!(late(), [], "what it says is gone is not out of date");
        node.write(move |tx, _| onward::confirm_by(tx, (number(90), second), at(7_000))).unwrap();
        assert_eq!(late().len(), 1);
        node.write(|tx, _| onward::ask_by(tx, number(90), None, at(8_000))).unwrap();
        assert_eq!(late(), [], "it is to erase all of it");
        node.write(move |tx, _| onward::confirm_by(tx, (number(90), second), at(7_000))).unwrap();
        assert_eq!(late(), []);
    }
}

#[test]
fn a_token_is_used_once_and_the_route_is_remembered() {
    for node in nodes() {
        let spend =
            || node.write(|tx, _| onward::spend(tx, number(1), (number(90), ReportVersion::FIRST), at(1)));
        assert!(!node.read(|tx, _| onward::is_spent(tx, number(1))).unwrap());
        assert!(spend().unwrap());
        assert!(!spend().unwrap());
        assert!(node.read(|tx, _| onward::is_spent(tx, number(1))).unwrap());
        node.write(|tx, _| onward::put_copy(tx, &copy(CopyState::Accepted, false))).unwrap();
        let via =
            |own: &'static str| node.read(move |tx, _| onward::via(tx, number(90), &party(own))).unwrap();
        assert_eq!(via("ci-judiciary"), Some(party("es-police")));
        assert_eq!(via("ma-security"), None);
    }
}
