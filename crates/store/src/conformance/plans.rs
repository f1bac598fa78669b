//! Planned actions: kept and changed by who read last, found by case, agreement and end; all they say goes with their keys.

use mithaq_model::{CaseId, ObjectId, OfficerId, Purpose};

use super::{AGREEMENT, at, nodes, party};
use crate::StoreError;
use crate::checks::{self, AskState, Conflict, PlanAsk, PlanState, StoredPlan};
use crate::reports::Direction;

const PLAN: ObjectId = ObjectId::new([1; 16]);
const ASK: ObjectId = ObjectId::new([2; 16]);
const CASE: CaseId = CaseId::new([4; 16]);

fn plan() -> StoredPlan {
    StoredPlan {
        id: PLAN,
        agreement: AGREEMENT,
        case: CASE,
        purpose: Purpose::Investigate,
        author: OfficerId::new([6; 16]),
        authoriser: None,
        state: PlanState::Draft,
        until: at(5_000),
        over: None,
        version: 1,
    }
}

fn ask(direction: Direction, state: AskState) -> PlanAsk {
    PlanAsk {
        id: ASK,
        direction,
        partner: party("es-police"),
        agreement: AGREEMENT,
        plan: (direction == Direction::Own).then_some(PLAN),
        state,
        outcome: None,
        digest: [7; 32],
        asked: at(1_000),
        version: 1,
    }
}

#[test]
fn a_plan_is_kept_as_it_was_and_found_while_it_is_open() {
    for node in nodes() {
        node.write(|tx, vault| checks::add_plan(tx, vault, &plan(), b"where and when")).unwrap();
        let twice = node.write(|tx, vault| checks::add_plan(tx, vault, &plan(), b"else"));
        assert!(matches!(twice.unwrap_err(), StoreError::Conflict { .. }));
        let open =
            |now| node.read(move |tx, _| checks::open_plans(tx, &AGREEMENT, at(now), 9)).unwrap().len();
        assert_eq!(open(0), 0, "a draft is met by nobody");
        let opened =
            StoredPlan { state: PlanState::Open, authoriser: Some(OfficerId::new([8; 16])), ..plan() };
        let saved = opened.clone();
        node.write(move |tx, _| checks::save_plan(tx, &saved)).unwrap();
        let kept = StoredPlan { version: 2, ..opened.clone() };
        assert_eq!(node.read(|tx, _| checks::plan(tx, PLAN)).unwrap(), Some(kept.clone()));
        let late = node.write(move |tx, _| checks::save_plan(tx, &opened)).unwrap_err();
        assert!(matches!(late, StoreError::Conflict { .. }), "read at an older version");
        assert_eq!((open(4_999), open(5_000)), (1, 0));
        let none = node.read(|tx, _| checks::open_plans(tx, &AGREEMENT, at(0), 0)).unwrap();
        assert!(none.is_empty(), "at most as many as asked for");
        assert_eq!(node.read(|tx, _| checks::plans_of(tx, CASE)).unwrap(), core::slice::from_ref(&kept));
        assert_eq!(node.read(|tx, _| checks::plans_alive(tx, CASE)).unwrap(), core::slice::from_ref(&kept));
        let ended = |now| node.read(move |tx, _| checks::plans_ended(tx, at(now), 9)).unwrap().len();
        assert_eq!((ended(4_999), ended(5_000)), (0, 1));
        let content = node.read(|tx, vault| checks::plan_content(tx, vault, PLAN)).unwrap();
        assert_eq!(content.unwrap().as_slice(), b"where and when");
        let over = StoredPlan { state: PlanState::Over, over: Some(at(3_000)), ..kept };
        let saved = over.clone();
        node.write(move |tx, _| checks::save_plan(tx, &saved)).unwrap();
        let over = StoredPlan { version: 3, ..over };
        assert_eq!(node.write(|tx, _| checks::plan_locked(tx, PLAN)).unwrap(), Some(over.clone()));
        assert!(node.read(|tx, _| checks::plans_alive(tx, CASE)).unwrap().is_empty());
        let past = |now| node.read(move |tx, _| checks::plans_over(tx, at(now), 9)).unwrap().len();
        assert_eq!((past(3_000), past(3_001), ended(9_000), open(0)), (0, 1, 0, 0));
        let closed = StoredPlan { state: PlanState::Closed, ..over };
        node.write(move |tx, _| checks::save_plan(tx, &closed)).unwrap();
        assert_eq!(past(9_000), 0);
        node.tamper("UPDATE check_plan SET state = 'whatever'");
        assert!(super::integrity(&node.read(|tx, _| checks::plan(tx, PLAN)).unwrap_err()));
    }
}

#[test]
fn a_question_is_kept_in_every_state_and_forgotten_with_its_keys() {
    for node in nodes() {
        node.write(|tx, _| checks::add_ask(tx, &ask(Direction::Own, AskState::Asking))).unwrap();
        let twice = node.write(|tx, _| checks::add_ask(tx, &ask(Direction::Own, AskState::Asking)));
        assert!(matches!(twice.unwrap_err(), StoreError::Conflict { .. }));
        for (version, state) in (1_u64..).zip(AskState::ALL.iter().copied()) {
            let outcome = (version % 2 == 0).then(|| "BUD".to_owned());
            let one = PlanAsk { version, outcome, ..ask(Direction::Own, state) };
            let saved = one.clone();
            node.write(move |tx, _| checks::save_ask(tx, &saved)).unwrap();
            let kept = PlanAsk { version: version + 1, ..one.clone() };
            assert_eq!(node.read(|tx, _| checks::plan_ask(tx, ASK)).unwrap(), Some(kept.clone()));
            assert_eq!(node.read(|tx, _| checks::asks_of(tx, PLAN)).unwrap(), [kept]);
            let late = node.write(move |tx, _| checks::save_ask(tx, &one)).unwrap_err();
            assert!(matches!(late, StoreError::Conflict { .. }));
            let open = node.read(|tx, _| checks::open_asks(tx, &party("es-police"))).unwrap().len();
            assert_eq!(open, usize::from(matches!(state, AskState::Asking | AskState::Claiming)));
        }
        node.write(|tx, vault| {
            checks::put_ask_content(tx, vault, ASK, b"first")?;
            checks::put_ask_content(tx, vault, ASK, b"second")?;
            checks::put_ask_answer(tx, ASK, b"answer")
        })
        .unwrap();
        let content = || node.read(|tx, vault| checks::ask_content(tx, vault, ASK)).unwrap();
        let answer = || node.read(|tx, _| checks::ask_answer(tx, ASK)).unwrap();
        assert_eq!(
            (content().unwrap().as_slice(), answer()),
            (b"second".as_slice(), Some(b"answer".to_vec()))
        );
        node.write(|tx, _| checks::erase_ask_answer(tx, ASK)).unwrap();
        assert!(content().is_some() && answer().is_none(), "what opens it stays");
        node.write(|tx, _| checks::erase_ask(tx, ASK)).unwrap();
        assert!(content().is_none() && answer().is_none());
        let keys =
            node.read(|tx, _| Ok(tx.query("SELECT id FROM record_key WHERE kind = 22", &[])?)).unwrap();
        assert!(keys.is_empty());
        assert!(node.read(|tx, _| checks::plan_ask(tx, ASK)).unwrap().is_some(), "its number stays used");
    }
}

#[test]
fn questions_are_found_while_they_wait_and_while_something_is_kept_for_them() {
    for node in nodes() {
        let other = ObjectId::new([3; 16]);
        node.write(move |tx, vault| {
            checks::add_ask(tx, &ask(Direction::Received, AskState::Evaluated))?;
            checks::put_ask_content(tx, vault, ASK, b"halves")?;
            checks::add_ask(tx, &PlanAsk { id: other, ..ask(Direction::Own, AskState::Asking) })
        })
        .unwrap();
        let received = |now| node.read(move |tx, _| checks::asks_received(tx, at(now), 9)).unwrap();
        let waiting = |now| node.read(move |tx, _| checks::asks_waiting(tx, at(now), 9)).unwrap();
        assert_eq!((received(1_000).len(), waiting(1_000).len()), (0, 0));
        assert_eq!(received(1_001).iter().map(|one| one.id).collect::<Vec<_>>(), [ASK]);
        assert_eq!(waiting(1_001).iter().map(|one| one.id).collect::<Vec<_>>(), [other]);
        node.write(move |tx, _| {
            checks::erase_ask(tx, ASK)?;
            checks::save_ask(tx, &ask(Direction::Received, AskState::Forgotten))?;
            checks::save_ask(tx, &PlanAsk { id: other, ..ask(Direction::Own, AskState::Clear) })
        })
        .unwrap();
        assert_eq!((received(1_001).len(), waiting(1_001).len()), (0, 0));
    }
}

#[test]
fn conflicts_are_told_once_and_go_with_what_the_plan_says() {
    for node in nodes() {
        let met = Conflict { ask: ASK, plan: PLAN, partner: party("es-police"), at: at(2_000) };
        let add = |contact: &'static str| {
            let met = met.clone();
            node.write(move |tx, vault| checks::add_conflict(tx, vault, &met, contact)).unwrap()
        };
        node.write(|tx, vault| {
            checks::add_plan(tx, vault, &plan(), b"where and when")?;
            checks::add_ask(tx, &ask(Direction::Own, AskState::Claiming))?;
            checks::put_ask_content(tx, vault, ASK, b"opening")
        })
        .unwrap();
        assert!(add("room 12"));
        assert!(!add("room 13"), "the first stays");
        let all = || node.read(|tx, vault| checks::conflicts_of(tx, vault, PLAN)).unwrap();
        assert_eq!(all(), [(met.clone(), "room 12".to_owned())]);
        let keys = || {
            node.read(|tx, _| Ok(tx.query("SELECT id FROM record_key WHERE kind IN (21, 22, 23)", &[])?))
                .unwrap()
                .len()
        };
        assert_eq!(keys(), 3);
        node.write(|tx, _| checks::erase_plan(tx, PLAN)).unwrap();
        assert_eq!((keys(), all().len()), (1, 0), "what opens the question stays for oversight");
        node.write(|tx, _| checks::erase_ask(tx, ASK)).unwrap();
        assert_eq!(keys(), 0);
        assert!(node.read(|tx, vault| checks::plan_content(tx, vault, PLAN)).unwrap().is_none());
        assert!(node.read(|tx, _| checks::plan(tx, PLAN)).unwrap().is_some());
    }
}
