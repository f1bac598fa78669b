//! Requests: where each stands, what was said, what answers it; the words erased; counts.

use mithaq_exchange::request::Dialogue;
use mithaq_model::{
    CrimeArea, Level, Millis, ObjectId, Purpose, RefusalGround, ReportId, RequestState, StepKind, Urgency,
};
use mithaq_wire::Said;

use super::{AGREEMENT, at, nodes, number, party};
use crate::reports::Direction;
use crate::requests::{self, Request, Step};
use crate::sight::Sight;
use crate::{Page, StoreError};

fn request(n: u8) -> Request {
    Request {
        id: number(n),
        direction: Direction::Received,
        partner: party("ma-security"),
        agreement: AGREEMENT,
        area: CrimeArea::Terrorism,
        purpose: Purpose::Investigate,
        level: Level::Restricted,
        created: at(1_000),
        expires: at(9_000_000_000),
        dialogue: Dialogue::sent(Urgency::ThreatToLife, Millis::hours(8)),
        review: Some(at(5_000)),
        version: 1,
    }
}

#[test]
fn a_request_is_kept_as_it_was_and_changed_by_who_read_it_last() {
    for node in nodes() {
        node.write(|tx, _| requests::add(tx, &request(1))).unwrap();
        let twice = node.write(|tx, _| requests::add(tx, &request(1))).unwrap_err();
        assert!(matches!(twice, StoreError::Conflict { .. }));
        let mut one = node.write(|tx, _| requests::locked(tx, number(1))).unwrap().unwrap();
        assert_eq!(one, request(1));
        one.dialogue.arrived(at(2_000));
        one.dialogue.take(&Said::Accepted { direct: false }, at(3_000));
        let refused = Said::Refused { ground: RefusalGround::EndangersPerson, part: true, text: None };
        one.dialogue.take(&refused, at(3_500));
        one.dialogue.answered(at(4_000), true);
        one.dialogue.marks = Some((2, 3));
        (one.dialogue.closed, one.review) = (Some(at(7_000)), None);
        let changed = one.clone();
        node.write(move |tx, _| requests::save(tx, &changed)).unwrap();
        let stale = one.clone();
        let late = node.write(move |tx, _| requests::save(tx, &stale)).unwrap_err();
        assert!(matches!(late, StoreError::Conflict { .. }), "read at an older version");
        one.version = 2;
        let page = Page::first(10);
        assert_eq!(
            node.read(move |tx, _| requests::list(tx, Direction::Received, Sight::Everything, &page))
                .unwrap(),
            [one]
        );
        assert!(
            node.read(move |tx, _| requests::list(tx, Direction::Own, Sight::Everything, &page))
                .unwrap()
                .is_empty()
        );
        node.tamper("UPDATE request SET state = 'whatever'");
        let broken = node.read(|tx, _| requests::get(tx, number(1))).unwrap_err();
        assert!(super::integrity(&broken));
    }
}

#[test]
fn what_ended_is_found_to_be_closed_and_what_is_old_to_be_looked_at() {
    for node in nodes() {
        let states = [
            (1, RequestState::AnsweredFull, Some(at(100))),
            (2, RequestState::Refused, Some(at(300))),
            (3, RequestState::AnsweredPart, Some(at(100))),
            (4, RequestState::Accepted, None),
            (5, RequestState::Withdrawn, Some(at(100))),
            (6, RequestState::Closed, Some(at(100))),
        ];
        node.write(move |tx, _| {
            for (n, state, ended) in states {
                let mut one = request(n);
                (one.dialogue.state, one.dialogue.ended) = (state, ended);
                one.expires = at(if n == 3 { 50 } else { 9_000 });
                one.review = (n != 6).then(|| at(1_000 * i64::from(n)));
                requests::add(tx, &one)?;
            }
            Ok(())
        })
        .unwrap();
        let ids = |found: Vec<Request>| found.iter().map(|one| one.id).collect::<Vec<ReportId>>();
        let close =
            |now| ids(node.read(move |tx, _| requests::to_close(tx, (at(200), at(now)), 10)).unwrap());
        assert_eq!(close(60), [number(1), number(3), number(5)]);
        assert_eq!(close(40), [number(1), number(5)], "the rest is owed until its own day");
        let review = ids(node.read(|tx, _| requests::to_review(tx, at(2_500), 10)).unwrap());
        assert_eq!(review, [number(1), number(2)]);
    }
}

#[test]
fn what_is_due_is_found_and_what_stands_is_not() {
    for node in nodes() {
        node.write(|tx, _| {
            for n in 1..=3 {
                let mut one = request(n);
                one.dialogue.arrived(at(i64::from(n)));
                if n == 2 {
                    one.dialogue.take(&Said::Clarify { text: super::text("Laquelle ?") }, at(10));
                }
                if n == 3 {
                    one.expires = at(50);
                }
                requests::add(tx, &one)?;
            }
            Ok(())
        })
        .unwrap();
        let hours = 8 * 3_600_000;
        let due = |now| node.read(move |tx, _| requests::due(tx, at(now), 10)).unwrap();
        assert!(due(hours + 1).is_empty(), "the last moment is in time");
        assert_eq!(due(hours + 2).iter().map(|one| one.id).collect::<Vec<_>>(), [number(1)]);
        assert_eq!(due(hours + 90).len(), 2);
        let over = node.read(|tx, _| requests::past_their_day(tx, at(51), 10)).unwrap();
        assert_eq!(over.iter().map(|one| one.id).collect::<Vec<_>>(), [number(3)]);
    }
}

#[test]
fn words_are_encrypted_and_go_with_their_keys() {
    const CANARY: &[u8] = b"canary-of-a-question";
    for node in nodes() {
        let step = Step { id: number(7), own: true, kind: StepKind::Clarified, at: at(5), stored: None };
        let kept = step.clone();
        node.write(move |tx, vault| {
            requests::add(tx, &request(1))?;
            requests::add_step(tx, vault, number(1), (&kept, Some(CANARY)))
        })
        .unwrap();
        let raw = node
            .read(|tx, _| {
                Ok(tx.query("SELECT content FROM request_step", &[])?[0].opt_bytes(0)?.map(<[u8]>::to_vec))
            })
            .unwrap()
            .unwrap();
        assert!(!raw.windows(CANARY.len()).any(|part| part == CANARY));
        let shown = node.read(|tx, vault| requests::steps(tx, vault, number(1))).unwrap();
        assert_eq!((&shown[0].0, shown[0].1.as_ref().unwrap().as_slice()), (&step, CANARY));
        let unknown: ObjectId = number(8);
        assert_eq!(node.write(move |tx, _| requests::step_stored(tx, unknown, at(6))).unwrap(), None);
        let stored = node.write(|tx, _| requests::step_stored(tx, number(7), at(6))).unwrap();
        assert_eq!(stored, Some((number::<ReportId>(1), StepKind::Clarified)));
        let again = node.write(|tx, _| requests::step_stored(tx, number(7), at(9))).unwrap();
        assert_eq!(again, None, "a receipt counts once");
        node.write(|tx, _| requests::erase_words(tx, number(1))).unwrap();
        let shown = node.read(|tx, vault| requests::steps(tx, vault, number(1))).unwrap();
        assert!(shown[0].1.is_none() && shown[0].0.stored == Some(at(6)));
        let keys =
            node.read(|tx, _| Ok(tx.query("SELECT id FROM record_key WHERE kind = 9", &[])?.len())).unwrap();
        assert_eq!(keys, 0);
    }
}

#[test]
fn answers_and_counts() {
    for node in nodes() {
        node.write(|tx, _| {
            for n in 1..=4 {
                let mut one = request(n);
                one.dialogue.arrived(at(1));
                if n < 3 {
                    one.dialogue.answered(at(2), false);
                }
                requests::add(tx, &one)?;
            }
            requests::add_answer(tx, number(1), (number(9), false), at(2))?;
            requests::add_answer(tx, number(1), (number(9), false), at(3))
        })
        .unwrap();
        let answers = node.read(|tx, _| requests::answers(tx, number(1))).unwrap();
        assert_eq!(answers, [(number(9), false, at(2))]);
        let all = node.read(|tx, _| requests::tally(tx, at(0), at(2_000))).unwrap();
        let counts: Vec<_> = all.iter().map(|one| (one.state, one.in_time, one.count)).collect();
        assert_eq!(counts, [(RequestState::AnsweredFull, Some(true), 2), (RequestState::Received, None, 2)]);
        assert!(node.read(|tx, _| requests::tally(tx, at(1_001), at(2_000))).unwrap().is_empty());
    }
}
