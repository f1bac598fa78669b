//! Private checks: kept as they were, changed by who read last, keys destroyed, budgets locked and counted, everything of a
//! closed check gone.

use mithaq_check::follow::{Released, Stage, Verdict};
use mithaq_check::{CheckState, Counters, Strength};
use mithaq_model::{CaseId, Days, ObjectId, OfficerId, Purpose, SubjectClass, SubjectId};

use super::{AGREEMENT, at, nodes, party};
use crate::StoreError;
use crate::checks::budget::{self, Account, Spent};
use crate::checks::{self, Candidate, Check, Epoch, NotThatPerson, StoredSet};
use crate::reports::Direction;
use crate::sight::Sight;

const CHECK: ObjectId = ObjectId::new([1; 16]);
const HANDLE: ObjectId = ObjectId::new([2; 16]);
const JOINT: ObjectId = ObjectId::new([9; 16]);
const SUBJECT: SubjectId = SubjectId::new([3; 16]);
const CASE: CaseId = CaseId::new([4; 16]);

fn check(direction: Direction) -> Check {
    Check {
        id: CHECK,
        direction,
        partner: party("es-police"),
        agreement: AGREEMENT,
        case: CASE,
        purpose: Purpose::Investigate,
        class: SubjectClass::Wanted,
        officer: [5; 16],
        author: Some(OfficerId::new([6; 16])),
        authoriser: None,
        warrant: Some("order-7".to_owned()),
        subjects: 1,
        queries: 0,
        epoch: 0,
        state: CheckState::Draft,
        outcome: None,
        commitment: None,
        digest: None,
        created: at(1_000),
        asked: None,
        ended: None,
        claims: None,
        hits: 0,
        confirmed: 0,
        rejected: 0,
        joint: (direction == Direction::Own).then_some(JOINT),
        version: 1,
    }
}

fn candidate(stage: Stage) -> Candidate {
    Candidate {
        check: CHECK,
        handle: HANDLE,
        subject: SUBJECT,
        strength: Strength::Likely,
        stage,
        report: None,
        ground: None,
        compared: false,
        told: true,
        since: at(2_000),
        version: 1,
    }
}

#[test]
fn a_check_is_kept_as_it_was_and_changed_by_who_read_it_last() {
    for node in nodes() {
        node.write(|tx, _| checks::add(tx, &check(Direction::Own), &[SUBJECT])).unwrap();
        let twice = node.write(|tx, _| checks::add(tx, &check(Direction::Own), &[])).unwrap_err();
        assert!(matches!(twice, StoreError::Conflict { .. }));
        let mut one = node.write(|tx, _| checks::locked(tx, CHECK)).unwrap().unwrap();
        assert_eq!(one, check(Direction::Own));
        let since = |queries: u32| {
            node.read(move |tx, _| {
                let asked =
                    checks::asked_since(tx, (SUBJECT, CASE), (&AGREEMENT, &party("es-police")), at(500))?;
                Ok((asked, queries))
            })
        };
        assert!(!since(0).unwrap().0, "a draft was not asked");
        one.queries = 8;
        one.state = CheckState::Executing;
        (one.commitment, one.digest, one.claims) = (Some([7; 32]), Some([8; 32]), Some([9; 32]));
        one.asked = Some(at(2_000));
        (one.ended, one.outcome) = (Some(at(3_000)), Some("check.no_set".to_owned()));
        let changed = one.clone();
        node.write(move |tx, _| checks::save(tx, &changed)).unwrap();
        let stale = one.clone();
        let late = node.write(move |tx, _| checks::save(tx, &stale)).unwrap_err();
        assert!(matches!(late, StoreError::Conflict { .. }), "read at an older version");
        one.version = 2;
        assert!(since(8).unwrap().0);
        assert_eq!(
            node.read(|tx, _| checks::list(tx, Direction::Own, Sight::Everything, 10)).unwrap(),
            [one.clone()]
        );
        assert!(
            node.read(|tx, _| checks::list(tx, Direction::Received, Sight::Everything, 10))
                .unwrap()
                .is_empty()
        );
        assert_eq!(node.read(|tx, _| checks::of_joint(tx, JOINT)).unwrap(), [one.clone()]);
        assert!(node.read(|tx, _| checks::of_joint(tx, CHECK)).unwrap().is_empty());
        assert_eq!(node.read(|tx, _| checks::in_state(tx, CheckState::Executing, 9)).unwrap(), [one.clone()]);
        assert_eq!(node.read(|tx, _| checks::ended_before(tx, at(3_001), 9)).unwrap(), [one]);
        assert!(node.read(|tx, _| checks::ended_before(tx, at(3_000), 9)).unwrap().is_empty());
        node.write(|tx, _| checks::note_hit(tx, CHECK, SUBJECT, Strength::Strong)).unwrap();
        let subjects = node.read(|tx, _| checks::subjects(tx, CHECK)).unwrap();
        assert_eq!(subjects, [(SUBJECT, Some(Strength::Strong))]);
        node.tamper("UPDATE check_query SET state = 'whatever'");
        assert!(super::integrity(&node.read(|tx, _| checks::get(tx, CHECK)).unwrap_err()));
    }
}

#[test]
fn a_check_waits_for_its_candidates_and_for_a_partner_that_was_not_told() {
    for node in nodes() {
        let own = Check { ended: Some(at(3_000)), state: CheckState::PossibleHit, ..check(Direction::Own) };
        node.write(move |tx, _| checks::add(tx, &own, &[SUBJECT])).unwrap();
        let mut one = candidate(Stage::NEW);
        node.write(|tx, _| checks::add_candidate(tx, &candidate(Stage::NEW))).unwrap();
        let over = || node.read(|tx, _| checks::ended_before(tx, at(3_001), 9)).unwrap().len();
        let save = |one: &mut Candidate| {
            let saved = one.clone();
            node.write(move |tx, _| checks::save_candidate(tx, &saved)).unwrap();
            one.version += 1;
        };
        assert_eq!(over(), 0, "nobody said anything yet");
        (one.stage, one.told) = (Stage::Rejected, false);
        save(&mut one);
        assert_eq!(over(), 0, "and the partner is to be told");
        assert_eq!(node.read(|tx, _| checks::candidates_waiting(tx, at(2_000), 9)).unwrap().len(), 1);
        one.told = true;
        save(&mut one);
        assert_eq!(over(), 1);
        node.write(|tx, _| checks::destroy(tx, CHECK)).unwrap();
        assert_eq!(over(), 1, "the row stays for the figures");
    }
}

#[test]
fn every_stage_of_a_candidate_is_read_as_it_was_written() {
    let officer = OfficerId::new([6; 16]);
    let stages = [
        Stage::NEW,
        Stage::PossibleHit { ours: Some((Verdict::Same, officer)), theirs: Some(Verdict::Other) },
        Stage::Confirmed { due: at(9_000), ours: Some(Released::Report), theirs: Some(Released::Refusal) },
        Stage::Confirmed { due: at(9_000), ours: None, theirs: None },
        Stage::Rejected,
        Stage::CoreExchanged,
        Stage::Aborted,
        Stage::Closed,
    ];
    for node in nodes() {
        node.write(|tx, _| checks::add(tx, &check(Direction::Own), &[SUBJECT])).unwrap();
        node.write(|tx, _| checks::add_candidate(tx, &candidate(Stage::NEW))).unwrap();
        for (version, stage) in (1_u64..).zip(stages) {
            let one = Candidate { version, ground: Some("R01".to_owned()), ..candidate(stage) };
            let saved = one.clone();
            node.write(move |tx, _| checks::save_candidate(tx, &saved)).unwrap();
            let read = node.read(|tx, _| checks::candidates(tx, CHECK)).unwrap();
            assert_eq!(read, [Candidate { version: version + 1, ..one }]);
            let open = matches!(stage, Stage::PossibleHit { .. } | Stage::Confirmed { .. });
            let waiting =
                |until| node.read(move |tx, _| checks::candidates_waiting(tx, at(until), 9)).unwrap();
            assert_eq!(waiting(2_000).len(), usize::from(open), "{stage:?}");
            assert!(waiting(1_999).is_empty());
        }
        let open = node.read(|tx, _| checks::open_candidates(tx, &party("es-police"))).unwrap();
        assert!(open.is_empty(), "closed, and all was told");
        node.tamper("UPDATE check_candidate SET told = 0");
        let open = node.read(|tx, _| checks::open_candidates(tx, &party("es-police"))).unwrap();
        assert_eq!(open.len(), 1);
    }
}

#[test]
fn what_opens_a_closed_check_is_gone_from_every_table() {
    for node in nodes() {
        node.write(|tx, vault| {
            checks::add(tx, &check(Direction::Own), &[SUBJECT])?;
            checks::put_opening(tx, vault, CHECK, b"seed salt tokens")?;
            checks::put_answer(tx, CHECK, b"answer")?;
            checks::put_handles(tx, CHECK, (b"handles", b"cleared"))?;
            checks::add_candidate(tx, &candidate(Stage::NEW))?;
            checks::show(tx, vault, (CHECK, HANDLE), b"1987")?;
            // What the partner showed first stays.
            checks::show(tx, vault, (CHECK, HANDLE), b"1950")
        })
        .unwrap();
        let opening = node.read(|tx, vault| checks::opening(tx, vault, CHECK)).unwrap().unwrap();
        assert_eq!(opening.as_slice(), b"seed salt tokens");
        let shown = node.read(|tx, vault| checks::shown(tx, vault, (CHECK, HANDLE))).unwrap().unwrap();
        assert_eq!(shown.as_slice(), b"1987");
        let keys =
            || node.read(|tx, _| Ok(tx.query("SELECT id FROM record_key WHERE kind IN (13, 14)", &[])?));
        assert_eq!(keys().unwrap().len(), 2);
        node.write(|tx, _| checks::destroy(tx, CHECK)).unwrap();
        assert!(keys().unwrap().is_empty());
        assert!(node.read(|tx, vault| checks::opening(tx, vault, CHECK)).unwrap().is_none());
        assert_eq!(node.read(|tx, _| checks::stored_answers(tx, CHECK)).unwrap(), (None, None));
        assert!(node.read(|tx, _| checks::candidates(tx, CHECK)).unwrap().is_empty());
        assert!(node.read(|tx, _| checks::subjects(tx, CHECK)).unwrap().is_empty());
        assert!(
            node.read(|tx, _| checks::get(tx, CHECK)).unwrap().is_some(),
            "the row stays for the figures"
        );
    }
}

#[test]
fn a_key_is_destroyed_with_its_epoch_and_a_set_replaces_the_last() {
    for node in nodes() {
        let partner = party("es-police");
        let epoch = |number: u32| Epoch { number, valid_from: at(0), valid_to: at(0).plus(Days(number)) };
        let add = |number: u32| {
            let partner = partner.clone();
            node.write(move |tx, vault| {
                checks::add_epoch(tx, vault, (&AGREEMENT, &partner), &epoch(number), &[7; 32])
            })
        };
        add(1).unwrap();
        add(2).unwrap();
        assert!(matches!(add(2).unwrap_err(), StoreError::Conflict { .. }));
        let newest = || {
            let partner = partner.clone();
            node.read(move |tx, vault| checks::newest_epoch(tx, vault, (&AGREEMENT, &partner)))
                .unwrap()
                .unwrap()
        };
        assert_eq!((newest().0, newest().1.unwrap().as_slice()), (epoch(2), [7; 32].as_slice()));
        let end =
            |days: u32| node.write(move |tx, _| checks::end_epochs(tx, at(0).plus(Days(days)))).unwrap();
        assert_eq!(end(1), [(AGREEMENT, partner.clone(), 1)]);
        assert_eq!(end(1), []);
        assert_eq!(end(2).len(), 1);
        assert!(newest().1.is_none(), "the key is gone, the number stays");
        let keys =
            node.read(|tx, _| Ok(tx.query("SELECT id FROM record_key WHERE kind = 12", &[])?)).unwrap();
        assert!(keys.is_empty());

        let set = |number: u32, own| StoredSet {
            agreement: AGREEMENT,
            partner: party("es-police"),
            own,
            epoch: 1,
            number,
            valid_to: at(9_000),
            subjects: 3,
            built: at(10),
            digest: [number.to_le_bytes()[0]; 32],
        };
        for (number, own) in [(1, true), (2, true), (5, false)] {
            let one = set(number, own);
            node.write(move |tx, _| checks::put_set(tx, &one, &[9, u8::from(own)])).unwrap();
        }
        assert_eq!(node.read(|tx, _| checks::sets(tx)).unwrap(), [set(5, false), set(2, true)]);
        let found =
            node.read(|tx, _| checks::set_bytes(tx, (&AGREEMENT, &party("es-police")), true)).unwrap();
        assert_eq!(found, Some(vec![9, 1]));
        let none = node.read(|tx, _| checks::set(tx, (&AGREEMENT, &party("ci-judiciary")), true)).unwrap();
        assert_eq!(none, None);
    }
}

#[test]
fn budgets_are_counted_apart_and_the_days_forgotten() {
    let account = |day, officer: u8, case: u8, own| Account {
        agreement: AGREEMENT,
        partner: party("es-police"),
        own,
        day,
        officer: [officer; 16],
        case: [case; 16],
    };
    for node in nodes() {
        let spend = |account: Account, n: u32| {
            node.write(move |tx, _| {
                let c = budget::locked(tx, &account)?;
                let next = Counters {
                    partner: c.partner + n,
                    officer: c.officer + n,
                    case: c.case + n,
                    since_hit: c.since_hit + n,
                };
                budget::save(tx, &account, &next)?;
                Ok(next)
            })
            .unwrap()
        };
        let of = |partner, officer, case, since_hit| Counters { partner, officer, case, since_hit };
        assert_eq!(spend(account(1, 1, 1, false), 8), of(8, 8, 8, 8));
        assert_eq!(spend(account(1, 2, 1, false), 8), of(16, 8, 16, 16));
        assert_eq!(spend(account(1, 1, 2, false), 8), of(24, 16, 8, 24));
        assert_eq!(spend(account(1, 1, 1, true), 8), of(8, 8, 8, 8), "asked and received are apart");
        assert_eq!(spend(account(2, 1, 1, false), 8), of(8, 8, 8, 32), "a new day");
        let spent = |day, own| {
            node.read(move |tx, _| budget::of_day(tx, (&AGREEMENT, &party("es-police")), own, day)).unwrap()
        };
        let first = [
            Spent::Case([1; 16], 16),
            Spent::Case([2; 16], 8),
            Spent::Officer([1; 16], 16),
            Spent::Officer([2; 16], 8),
            Spent::Partner(24),
            Spent::SinceHit(32),
        ];
        assert_eq!(spent(1, false), first);
        assert_eq!(spent(9, false), [Spent::SinceHit(32)], "a day without evaluations");
        assert_eq!(spent(1, true).len(), 4);
        node.write(|tx, _| budget::shown_hit(tx, &AGREEMENT, &party("es-police"), false)).unwrap();
        assert_eq!(spend(account(2, 1, 1, false), 8), of(16, 16, 16, 8));
        assert!(node.write(|tx, _| budget::forget(tx, 2)).unwrap() > 0);
        assert_eq!(spend(account(1, 1, 1, false), 8), of(8, 8, 8, 16), "the counter without a day stays");
        let unknown = account(7, 7, 7, false);
        let lost = node.write(move |tx, _| budget::save(tx, &unknown, &Counters::default()));
        assert!(matches!(lost.unwrap_err(), StoreError::Missing { .. }));
    }
}

#[test]
fn checks_are_counted_by_direction_partner_and_agreement() {
    for node in nodes() {
        node.write(|tx, _| {
            for (n, state, direction) in [
                (1, CheckState::Draft, Direction::Own),
                (2, CheckState::NoHit, Direction::Own),
                (3, CheckState::Refused, Direction::Own),
                (4, CheckState::Evaluated, Direction::Received),
            ] {
                let one =
                    Check { id: ObjectId::new([n; 16]), state, queries: 8, hits: 1, ..check(direction) };
                checks::add(tx, &one, &[])?;
            }
            Ok(())
        })
        .unwrap();
        let found = node.read(|tx, _| checks::tally(tx, at(0), at(9_000))).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].checks, found[0].refused, found[0].queries, found[0].hits), (2, 1, 16, 2));
        assert_eq!((found[1].checks, found[1].direction), (1, Direction::Received));
        assert!(node.read(|tx, _| checks::tally(tx, at(5_000), at(9_000))).unwrap().is_empty());
    }
}

#[test]
fn what_came_on_a_day_is_summed_and_shows_in_no_budget() {
    for node in nodes() {
        let came = |day: i64, count: u32| {
            let ends = (AGREEMENT, party("es-police"));
            node.write(move |tx, _| budget::came(tx, (&ends.0, &ends.1), day, count)).unwrap()
        };
        assert_eq!((came(7, 8), came(7, 16), came(8, 4)), (8, 24, 4));
        let spent =
            node.read(|tx, _| budget::of_day(tx, (&AGREEMENT, &party("es-police")), false, 7)).unwrap();
        assert!(spent.is_empty(), "{spent:?}");
        node.write(|tx, _| budget::forget(tx, 8)).unwrap();
        assert_eq!((came(7, 1), came(8, 1)), (1, 5), "a day is forgotten with its budgets");
    }
}

#[test]
fn who_was_cleared_is_found_from_both_ends_until_its_end() {
    let ends = || (AGREEMENT, party("es-police"));
    let one = NotThatPerson { subject: SUBJECT, handle: HANDLE, facts: [4; 16] };
    for node in nodes() {
        for _ in 0..2 {
            let kept = one.clone();
            node.write(move |tx, _| checks::add_cleared(tx, &kept, (&ends().0, &ends().1), at(9_000)))
                .unwrap();
        }
        let of = |partner: &str, now: i64| {
            let ends = (AGREEMENT, party(partner));
            node.read(move |tx, _| {
                let of = (&ends.0, &ends.1);
                let found = checks::cleared_of(tx, SUBJECT, of, at(now))?;
                Ok((found, checks::cleared_as(tx, HANDLE, of, at(now))?))
            })
            .unwrap()
        };
        assert_eq!(of("es-police", 8_999), (vec![one.clone()], Some(one.clone())));
        assert_eq!(of("es-police", 9_000), (Vec::new(), None), "its time is over");
        assert_eq!(of("fr-police", 1), (Vec::new(), None), "said to another partner");
        node.write(|tx, _| checks::forget_cleared(tx, at(8_999))).unwrap();
        assert!(of("es-police", 1).1.is_some());
        node.write(|tx, _| checks::forget_cleared(tx, at(9_000))).unwrap();
        assert!(of("es-police", 1).1.is_none());
    }
}
