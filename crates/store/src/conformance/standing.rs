//! Standing checks: kept as they were, changed by who read last, found by partner, state and end; tokens destroyed with
//! their key; a key of an epoch lives as long as a question under it.

use mithaq_check::CheckState;
use mithaq_model::{CaseId, Days, ObjectId, Purpose, SubjectClass, Timestamp};

use super::{AGREEMENT, at, nodes, party};
use crate::StoreError;
use crate::checks::{self, Check, Epoch, StandingState, StandingTitle, StoredStanding};
use crate::reports::Direction;

const CHECK: ObjectId = ObjectId::new([1; 16]);

fn check() -> Check {
    Check {
        id: CHECK,
        direction: Direction::Received,
        partner: party("es-police"),
        agreement: AGREEMENT,
        case: CaseId::new([4; 16]),
        purpose: Purpose::Investigate,
        class: SubjectClass::Wanted,
        officer: [5; 16],
        author: None,
        authoriser: None,
        warrant: None,
        subjects: 1,
        queries: 8,
        epoch: 1,
        state: CheckState::Evaluated,
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
        joint: None,
        version: 1,
    }
}

fn title(until: Timestamp, second: Option<u8>) -> StandingTitle {
    StandingTitle {
        reference: "order-7".to_owned(),
        ends: at(90_000),
        until,
        first: [1; 16],
        second: second.map(|n| [n; 16]),
    }
}

fn standing(state: StandingState, until: Timestamp) -> StoredStanding {
    StoredStanding {
        check: CHECK,
        direction: Direction::Received,
        partner: party("es-police"),
        agreement: AGREEMENT,
        epoch: 1,
        state,
        title: title(until, Some(2)),
        next: None,
        version: 1,
    }
}

#[test]
fn a_standing_check_is_kept_as_it_was_and_changed_by_who_read_it_last() {
    for node in nodes() {
        node.write(|tx, _| checks::add_standing(tx, &standing(StandingState::Draft, at(5_000)))).unwrap();
        let twice = node.write(|tx, _| checks::add_standing(tx, &standing(StandingState::Draft, at(5_000))));
        assert!(matches!(twice.unwrap_err(), StoreError::Conflict { .. }));
        for (version, state) in (1_u64..).zip(StandingState::ALL) {
            let next = (version % 2 == 0).then(|| title(at(9_000), None));
            let one = StoredStanding { version, next, ..standing(state, at(5_000)) };
            let saved = one.clone();
            node.write(move |tx, _| checks::save_standing(tx, &saved)).unwrap();
            let kept = StoredStanding { version: version + 1, ..one.clone() };
            assert_eq!(node.read(|tx, _| checks::standing(tx, CHECK)).unwrap(), Some(kept.clone()));
            let late = node.write(move |tx, _| checks::save_standing(tx, &one)).unwrap_err();
            assert!(matches!(late, StoreError::Conflict { .. }), "read at an older version");
            let of = |partner: &'static str, direction| {
                node.read(move |tx, _| checks::standings(tx, (direction, &party(partner)), &[state])).unwrap()
            };
            assert_eq!(of("es-police", Direction::Received), std::slice::from_ref(&kept));
            assert!(
                of("es-police", Direction::Own).is_empty()
                    && of("ci-judiciary", Direction::Received).is_empty()
            );
            let ended = |now| node.read(move |tx, _| checks::standings_ended(tx, at(now), 9)).unwrap();
            assert!(ended(4_999).is_empty());
            let over = matches!(state, StandingState::Refused | StandingState::Over);
            assert_eq!(ended(5_000).len(), usize::from(!over), "{}", state.code());
        }
        node.tamper("UPDATE check_standing SET state = 'whatever'");
        assert!(super::integrity(&node.read(|tx, _| checks::standing(tx, CHECK)).unwrap_err()));
    }
}

#[test]
fn tokens_of_a_standing_check_go_with_their_key_and_all_of_it_with_the_check() {
    for node in nodes() {
        node.write(|tx, vault| {
            checks::add(tx, &check(), &[])?;
            checks::add_standing(tx, &standing(StandingState::Placed, at(5_000)))?;
            checks::put_standing_tokens(tx, vault, CHECK, b"first")?;
            checks::put_standing_tokens(tx, vault, CHECK, b"second")?;
            checks::add_standing_hit(tx, CHECK, &[7; 32], ObjectId::new([8; 16]))?;
            // The first handle of a token stays.
            checks::add_standing_hit(tx, CHECK, &[7; 32], ObjectId::new([9; 16]))
        })
        .unwrap();
        let tokens = || node.read(|tx, vault| checks::standing_tokens(tx, vault, CHECK)).unwrap();
        let keys = || {
            node.read(|tx, _| Ok(tx.query("SELECT id FROM record_key WHERE kind = 20", &[])?)).unwrap().len()
        };
        let hits = || node.read(|tx, _| checks::standing_hits(tx, CHECK)).unwrap();
        assert_eq!((tokens().unwrap().as_slice(), keys()), (b"second".as_slice(), 1));
        assert_eq!(hits(), [([7; 32], ObjectId::new([8; 16]))]);
        node.write(|tx, _| checks::erase_standing_tokens(tx, CHECK)).unwrap();
        assert_eq!((tokens().is_none(), keys(), hits().len()), (true, 0, 1));
        node.write(|tx, vault| checks::put_standing_tokens(tx, vault, CHECK, b"again")).unwrap();
        node.write(|tx, _| checks::destroy(tx, CHECK)).unwrap();
        assert_eq!((tokens().is_none(), keys(), hits().len()), (true, 0, 0));
        assert_eq!(node.read(|tx, _| checks::standing(tx, CHECK)).unwrap(), None);
        let none = node.write(|tx, vault| checks::put_standing_tokens(tx, vault, CHECK, b"x"));
        assert!(matches!(none.unwrap_err(), StoreError::Missing { .. }));
    }
}

#[test]
fn the_key_of_an_epoch_lives_as_long_as_a_question_under_it() {
    for node in nodes() {
        let partner = party("es-police");
        node.write(move |tx, vault| {
            let epoch = Epoch { number: 1, valid_from: at(0), valid_to: at(0).plus(Days(30)) };
            checks::add_epoch(tx, vault, (&AGREEMENT, &partner), &epoch, &[7; 32])?;
            checks::add_standing(tx, &standing(StandingState::Placed, at(0).plus(Days(60))))
        })
        .unwrap();
        let end =
            |days: u32| node.write(move |tx, _| checks::end_epochs(tx, at(0).plus(Days(days)))).unwrap();
        let key = |number| {
            node.read(move |tx, vault| checks::epoch_of(tx, vault, (&AGREEMENT, &party("es-police")), number))
                .unwrap()
        };
        assert!(end(40).is_empty());
        assert_eq!(key(1).unwrap().1.unwrap().as_slice(), [7; 32]);
        assert!(key(2).is_none());
        assert_eq!(end(60).len(), 1, "then it goes");
        assert!(key(1).unwrap().1.is_none());
    }
}
