use mithaq_exchange::Versions;
use mithaq_model::{Level, ObjectId, ReportId, ReportState, ReportVersion, Role};
use mithaq_wire::{LaneId, OrderReason, Position, Statement, Verdict};

use super::{AGREEMENT, Node, at, integrity, nodes, number, party};
use crate::disclosures::{self, Answer, Answers, Disclosure, Escalated, Key, Owed};
use crate::lanes::LaneKey;
use crate::reports::{
    self, Approval, Decision, Direction, Erasure, Form, Leaving, NewVersion, Quarantined, ReportHead,
};
use crate::sight::Sight;
use crate::sql::sha256;
use crate::{Page, StoreError};

pub(super) fn v(n: u32) -> ReportVersion {
    ReportVersion::new(n).unwrap()
}

pub(super) fn head(n: u8, state: ReportState) -> ReportHead {
    ReportHead {
        id: number(n),
        direction: Direction::Received,
        originator: party("es-police"),
        agreement: Some(AGREEMENT),
        case: Some(number(9)),
        author: None,
        state,
        version: v(1),
        level: Level::Restricted,
        created: at(1),
        changed: at(2),
        expires: at(100 + i64::from(n)),
    }
}

pub(super) fn sealed(content: &[u8]) -> NewVersion<'_> {
    NewVersion { version: v(1), supersedes: None, form: Form::Sealed, content, at: at(3) }
}

pub(super) fn add(node: &Node, n: u8, content: &'static [u8]) -> Result<(), StoreError> {
    let new = head(n, ReportState::Acknowledged);
    node.write(move |tx, vault| reports::add_many(tx, vault, &[(new, sealed(content))]))
}

fn content(node: &Node, n: u8, version: u32) -> Result<Vec<u8>, StoreError> {
    node.read(move |tx, vault| reports::content(tx, vault, number(n), v(version)))
        .map(|(_, plain)| plain.to_vec())
}

pub(super) fn erase(node: &Node, n: u8, versions: Versions) -> Result<Vec<ReportVersion>, StoreError> {
    node.write(move |tx, _| {
        let originator = party("es-police");
        let erasure = Erasure {
            object: number(n),
            versions: &versions,
            reason: OrderReason::Originator,
            originator: &originator,
            agreement: Some(AGREEMENT),
            at: at(50),
            state: ReportState::Recalled,
        };
        reports::erase(tx, &erasure)
    })
}

#[test]
fn reports_come_back_as_they_were() {
    for node in nodes() {
        add(&node, 1, b"sealed bytes").unwrap();
        let stored = node.read(|tx, _| reports::head(tx, number(1))).unwrap().unwrap();
        assert_eq!(stored, head(1, ReportState::Acknowledged));
        assert_eq!(node.write(|tx, _| reports::head_locked(tx, number(1))), Ok(stored));
        assert_eq!(content(&node, 1, 1), Ok(b"sealed bytes".to_vec()));
        assert_eq!(content(&node, 1, 2), Err(StoreError::Missing { what: "version" }));
        assert_eq!(node.read(|tx, _| reports::head(tx, number(2))), Ok(None));
        let there = node.read(|tx, _| reports::existing(tx, &[(number(1), v(1)), (number(1), v(2))]));
        assert_eq!(there.unwrap().into_iter().collect::<Vec<_>>(), [(number::<ReportId>(1), v(1))]);
    }
}

#[test]
fn many_leave_together_or_none_does() {
    for node in nodes() {
        let draft = NewVersion { form: Form::Draft, content: b"draft", ..sealed(b"") };
        let own = |n| ReportHead { direction: Direction::Own, ..head(n, ReportState::Reviewed) };
        let three = [(own(1), draft), (own(2), draft), (own(3), draft)];
        node.write(move |tx, vault| reports::add_many(tx, vault, &three)).unwrap();
        let leave = |numbers: &[u8], revision: u32, from: ReportState| {
            let one = |n: &u8| Leaving { id: number(*n), revision, from, sealed: sealed(b"sealed") };
            let leaving: Vec<_> = numbers.iter().map(one).collect();
            node.write(move |tx, vault| reports::release(tx, vault, &leaving))
        };
        let conflict = |what| Err(StoreError::Conflict { what });
        assert_eq!(leave(&[1, 2], 2, ReportState::Reviewed), conflict("draft"), "edited since");
        assert_eq!(leave(&[1, 2], 1, ReportState::Graded), conflict("report"), "another state");
        assert_eq!(leave(&[1, 2, 1], 1, ReportState::Reviewed), conflict("draft"), "twice in one call");
        assert_eq!(leave(&[1, 9], 1, ReportState::Reviewed), conflict("draft"), "one that is not there");
        assert_eq!(content(&node, 1, 1), Ok(b"draft".to_vec()), "nothing of it was written");
        assert_eq!(leave(&[2, 1], 1, ReportState::Reviewed), Ok(()));
        assert_eq!(leave(&[1], 2, ReportState::Released), conflict("draft"), "what is sealed stays");
        let asked = [(number(3), v(1)), (number(1), v(1))];
        let found = node.read(move |tx, vault| reports::contents(tx, vault, &asked)).unwrap();
        let found: Vec<_> = found.iter().map(|(stored, plain)| (stored.form, plain.to_vec())).collect();
        assert_eq!(found, [(Form::Draft, b"draft".to_vec()), (Form::Sealed, b"sealed".to_vec())]);
        let keys = node.read(|tx, _| Ok(tx.query("SELECT 1 FROM record_key WHERE kind = 6", &[])?.len()));
        assert_eq!(keys, Ok(3), "the keys of the drafts that left went with them");
        // Accepted by a partner: what is released is acknowledged, all else stays.
        let numbers = [number(3), number(1), number(9)];
        node.write(move |tx, _| reports::acknowledge(tx, &numbers, at(7))).unwrap();
        let asked = [number(2), number(3), number(1)];
        let heads = node.write(move |tx, _| reports::heads_locked(tx, &asked)).unwrap();
        let states: Vec<_> = heads.iter().map(|head| (head.id, head.state)).collect();
        let wanted = [ReportState::Released, ReportState::Reviewed, ReportState::Acknowledged];
        assert_eq!(states, asked.into_iter().zip(wanted).collect::<Vec<_>>());
        let missing = node.write(|tx, _| reports::heads_locked(tx, &[number(1), number(8)]));
        assert_eq!(missing.err(), Some(StoreError::Missing { what: "report" }));
    }
}

#[test]
fn a_draft_is_approved_by_two_persons_as_it_stands() {
    for node in nodes() {
        let draft = NewVersion { form: Form::Draft, content: b"draft one", ..sealed(b"") };
        let own = ReportHead { direction: Direction::Own, ..head(1, ReportState::Draft) };
        node.write(move |tx, vault| reports::add_many(tx, vault, &[(own, draft)])).unwrap();
        let approve = |officer: u8, role, bytes: &'static [u8]| {
            let approval = Approval { officer: number(officer), role, hash: sha256(bytes), at: at(5) };
            node.write(move |tx, _| reports::approve(tx, number(1), v(1), &approval))
        };
        let conflict = Err(StoreError::Conflict { what: "approval" });
        assert_eq!(approve(1, Role::Supervisor, b"draft one"), Ok(()));
        assert_eq!(approve(1, Role::Spoc, b"draft one"), conflict, "two roles are not two persons");
        assert_eq!(approve(2, Role::Spoc, b"draft two"), conflict, "other bytes than there are");
        // An edit takes the approvals with it.
        let edited = NewVersion { content: b"draft two", ..draft };
        assert_eq!(node.write(move |tx, v| reports::write_draft(tx, v, (number(1), 1), &edited)), Ok(2));
        assert_eq!(node.read(|tx, _| reports::approvals(tx, number(1), v(1))), Ok(vec![]));
        let late = node.write(move |tx, v| reports::write_draft(tx, v, (number(1), 1), &edited));
        assert_eq!(late, Err(StoreError::Conflict { what: "draft" }));
        assert_eq!(approve(1, Role::Supervisor, b"draft two"), Ok(()));
        assert_eq!(approve(2, Role::Spoc, b"draft two"), Ok(()));
        // The release keeps them.
        let release = sealed(b"sealed");
        assert_eq!(node.write(move |tx, v| reports::write_draft(tx, v, (number(1), 2), &release)), Ok(3));
        assert_eq!(node.read(|tx, _| reports::approvals(tx, number(1), v(1))).unwrap().len(), 2);
        assert_eq!(content(&node, 1, 1), Ok(b"sealed".to_vec()));
        let again = node.write(move |tx, v| reports::write_draft(tx, v, (number(1), 3), &release));
        assert_eq!(again, Err(StoreError::Conflict { what: "draft" }), "what is sealed stays");
        assert_eq!(approve(3, Role::Spoc, b"sealed"), conflict);
        let keys = node.read(|tx, _| Ok(tx.query("SELECT 1 FROM record_key WHERE kind = 6", &[])?.len()));
        assert_eq!(keys, Ok(1), "the keys of former drafts are gone");
    }
}

#[test]
fn states_change_from_what_they_are() {
    for node in nodes() {
        add(&node, 1, b"x").unwrap();
        let set = |from, to| node.write(move |tx, _| reports::set_state(tx, number(1), from, to, at(9)));
        assert_eq!(set(ReportState::Acknowledged, ReportState::InUse), Ok(()));
        let late = set(ReportState::Acknowledged, ReportState::InUse);
        assert_eq!(late, Err(StoreError::Conflict { what: "report" }));
        node.write(|tx, _| reports::set_expiry(tx, number(1), at(7))).unwrap();
        node.write(|tx, _| reports::assign(tx, number(1), None, None)).unwrap();
        let now = node.read(|tx, _| reports::head(tx, number(1))).unwrap().unwrap();
        assert_eq!((now.state, now.expires, now.case, now.changed), (ReportState::InUse, at(7), None, at(9)));
        let ghost = node.write(|tx, _| reports::set_expiry(tx, number(9), at(7)));
        assert_eq!(ghost, Err(StoreError::Missing { what: "report" }));
    }
}

#[test]
fn versions_come_in_any_order_and_once() {
    for node in nodes() {
        add(&node, 1, b"one").unwrap();
        let put = |n: u32| {
            let new = NewVersion { version: v(n), supersedes: Some(v(1)), ..sealed(b"later") };
            node.write(move |tx, vault| reports::add_version(tx, vault, number(1), &new))
        };
        assert_eq!((put(3), put(2)), (Ok(()), Ok(())));
        assert_eq!(put(2), Err(StoreError::Conflict { what: "version" }));
        assert_eq!(node.read(|tx, _| reports::head(tx, number(1))).unwrap().unwrap().version, v(3));
        let versions = node.read(|tx, _| reports::versions(tx, number(1))).unwrap();
        assert_eq!(versions.iter().map(|s| s.version.get()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(versions[1].supersedes, Some(v(1)));
    }
}

#[test]
fn what_was_erased_is_gone_and_never_comes_again() {
    for node in nodes() {
        add(&node, 1, b"one").unwrap();
        let two = NewVersion { version: v(2), ..sealed(b"two") };
        node.write(move |tx, vault| reports::add_version(tx, vault, number(1), &two)).unwrap();
        assert_eq!(erase(&node, 1, Versions::Only(vec![v(1)])), Ok(vec![v(1)]));
        assert_eq!(content(&node, 1, 1), Err(StoreError::Missing { what: "content" }));
        assert_eq!(content(&node, 1, 2), Ok(b"two".to_vec()));
        let state = |n| node.read(move |tx, _| reports::head(tx, number(n))).unwrap().unwrap().state;
        assert_eq!(state(1), ReportState::Acknowledged, "a version is left");
        assert_eq!(erase(&node, 1, Versions::All), Ok(vec![v(2)]));
        assert_eq!(state(1), ReportState::Recalled);
        assert_eq!(erase(&node, 1, Versions::All), Ok(vec![]));
        let three = NewVersion { version: v(3), ..sealed(b"three") };
        let again = node.write(move |tx, vault| reports::add_version(tx, vault, number(1), &three));
        assert_eq!(again, Err(StoreError::Tombstone));
        // What never came is buried too, and one buried report refuses its whole batch.
        assert_eq!(erase(&node, 5, Versions::All), Ok(vec![]));
        assert_eq!(add(&node, 5, b"five"), Err(StoreError::Tombstone));
        assert_eq!(erase(&node, 6, Versions::Only(vec![v(1)])), Ok(vec![]));
        assert_eq!(add(&node, 6, b"six"), Err(StoreError::Tombstone));
        let batch = node.write(|tx, vault| {
            let new = |n| (head(n, ReportState::Acknowledged), sealed(b"x"));
            reports::add_many(tx, vault, &[new(7), new(5), new(8)])
        });
        assert_eq!(batch, Err(StoreError::Tombstone));
        assert_eq!(node.read(|tx, _| reports::head(tx, number(7))), Ok(None));
        let stones = node.read(|tx, _| reports::tombstones(tx, number(1))).unwrap();
        assert_eq!((stones.len(), &stones[0].versions, stones[0].since), (1, &Versions::All, at(50)));
        assert_eq!(node.read(|tx, _| reports::is_buried(tx, number(6), v(2))), Ok(false));
        assert_eq!(node.read(|tx, _| reports::expired(tx, at(i64::MAX - 1), 10)), Ok(vec![]));
    }
}

#[test]
fn content_changed_or_moved_by_hand_is_refused() {
    for sql in [
        "UPDATE report_version SET hash = content WHERE version = 1",
        "UPDATE report_version SET content = hash WHERE version = 1",
        "UPDATE report_version SET content = (SELECT o.content FROM report_version o
         WHERE o.id <> report_version.id LIMIT 1)",
    ] {
        for node in nodes() {
            add(&node, 1, b"content of one").unwrap();
            add(&node, 2, b"content of two").unwrap();
            node.tamper(sql);
            assert!(integrity(&content(&node, 1, 1).unwrap_err()), "{sql}");
        }
    }
}

#[test]
fn lists_are_by_case_state_and_clock() {
    for node in nodes() {
        for n in 1..=5 {
            add(&node, n, b"x").unwrap();
        }
        let page = Page { after: Some(number::<ReportId>(1)), limit: 2 };
        let ids = |heads: Vec<ReportHead>| heads.into_iter().map(|head| head.id).collect::<Vec<_>>();
        let found = node.read(move |tx, _| reports::of_case(tx, number(9), &page)).unwrap();
        assert_eq!(ids(found), [number(2), number(3)]);
        assert_eq!(node.read(move |tx, _| reports::of_case(tx, number(8), &page)), Ok(vec![]));
        let found = node
            .read(move |tx, _| reports::with_state(tx, ReportState::Acknowledged, Sight::Everything, &page));
        assert_eq!(ids(found.unwrap()), [number(2), number(3)]);
        assert_eq!(node.read(|tx, _| reports::expired(tx, at(102), 9)), Ok(vec![number(1), number(2)]));
    }
}

#[test]
fn decisions_and_quarantine_are_kept() {
    let decision = |position| Decision {
        object: number(1),
        version: v(1),
        entry: (1, position),
        party: party("ma-security"),
        agreement: Some(AGREEMENT),
        permit: position == 1,
        step: 4,
        code: "HND".to_owned(),
        clause: Some("4.2".to_owned()),
        at: at(1),
    };
    let held = || Quarantined {
        object: number(1),
        version: v(1),
        lane: LaneKey([7; 16]),
        place: Position { epoch: 1, seq: 3 },
        code: "policy.internal".to_owned(),
        at: at(2),
    };
    for node in nodes() {
        node.write(move |tx, _| reports::add_decisions(tx, &[decision(1), decision(2)])).unwrap();
        let found = node.read(|tx, _| reports::decisions(tx, number(1)));
        assert_eq!(found, Ok(vec![decision(1), decision(2)]));
        node.write(move |tx, _| reports::quarantine(tx, &held())).unwrap();
        let twice = node.write(move |tx, _| reports::quarantine(tx, &held()));
        assert_eq!(twice, Err(StoreError::Conflict { what: "quarantined object" }));
        assert_eq!(node.read(|tx, _| reports::quarantined(tx, 5)), Ok(vec![held()]));
        let resolve =
            || node.write(|tx, _| reports::resolve_quarantine(tx, number(1), v(1), "erased", at(3)));
        assert_eq!(resolve(), Ok(()));
        assert_eq!(resolve(), Err(StoreError::Missing { what: "quarantined object" }));
        assert_eq!(node.read(|tx, _| reports::quarantined(tx, 5)), Ok(vec![]));
    }
}

fn lane() -> LaneId {
    LaneId {
        from: party("ma-security"),
        to: party("es-police"),
        agreement: AGREEMENT,
        lane: mithaq_wire::Lane::Report,
    }
}

fn disclosure(n: u8) -> Disclosure {
    Disclosure {
        object: number(n),
        version: v(1),
        recipient: party("es-police"),
        agreement: AGREEMENT,
        lane: LaneKey::of(&lane()),
        place: Position { epoch: 1, seq: u64::from(n) },
        sent: at(1),
        answers: Answers::default(),
    }
}

#[test]
fn what_allows_less_is_owed_until_it_is_accepted_or_taken_back() {
    let refused = Verdict::Refused { code: "AGR".to_owned(), ground: None };
    for node in nodes() {
        let owing = |n| Disclosure {
            answers: Answers { confirm_by: Some(at(30)), ..Answers::default() },
            ..disclosure(n)
        };
        let all = vec![owing(1), owing(2), owing(3), owing(4), disclosure(5), disclosure(6)];
        node.write(move |tx, _| disclosures::add_many(tx, &all)).unwrap();
        let verdicts = [(1, Verdict::Accepted), (2, refused.clone()), (5, Verdict::Accepted)];
        let batch = verdicts.map(|(n, verdict)| statement(n, verdict));
        node.write(move |tx, _| disclosures::receipted(tx, LaneKey::of(&lane()), &batch, at(10))).unwrap();
        let owed = || {
            let found = node.read(|tx, _| disclosures::overdue(tx, Owed::Receipt, at(30), 9)).unwrap();
            found.into_iter().map(|d| d.object).collect::<Vec<ObjectId>>()
        };
        assert_eq!(owed(), [2, 3, 4].map(number), "a refusal is no acceptance");
        assert_eq!(node.read(|tx, _| disclosures::overdue(tx, Owed::Receipt, at(29), 9)), Ok(vec![]));
        // An order about what is not there waits for nothing; about what is there until it is accepted.
        for n in [5, 6] {
            let ask = move |tx: &mut dyn mithaq_db::Tx, _: &crate::Vault| {
                disclosures::confirm_by(tx, number(n), &party("es-police"), at(30))
            };
            node.write(ask).unwrap();
        }
        assert_eq!(owed(), [2, 3, 4, 5].map(number));
        for n in [3, 5] {
            node.write(move |tx, _| disclosures::confirmed(tx, number(n), &party("es-police"))).unwrap();
        }
        assert_eq!(owed(), [2, 3, 4].map(number), "the receipt for an order is none for a correction");
        let decided = node.write(|tx, _| {
            let recipient = party("es-police");
            let key = Key { object: number(2), version: v(1), recipient: &recipient };
            disclosures::decided(tx, &key, &Verdict::Accepted, at(40))
        });
        assert_eq!((decided, owed()), (Ok(()), [3, 4].map(number).to_vec()));
        // An order to erase takes its place, and people are told anew.
        let told = |whom| {
            let found = node.read(move |tx, _| disclosures::untold(tx, Owed::Erasure, at(50), whom, 9));
            found.unwrap().len()
        };
        node.write(|tx, _| disclosures::told(tx, number(3), &party("es-police"), Escalated::Oversight))
            .unwrap();
        assert_eq!(node.write(|tx, _| disclosures::ask_by(tx, number(3), None, at(50))), Ok(1));
        assert_eq!((owed(), told(Escalated::Dpo), told(Escalated::Oversight)), (vec![number(4)], 1, 1));
    }
}

fn statement(n: u64, verdict: Verdict) -> Statement {
    Statement { at: Position { epoch: 1, seq: n }, envelope: sha256(b"e"), verdict }
}

#[test]
fn every_answer_finds_its_disclosure_and_the_first_stands() {
    let refused = || Verdict::Refused { code: "AGR".to_owned(), ground: None };
    for node in nodes() {
        let all: Vec<_> = (1..=5).map(disclosure).collect();
        node.write(move |tx, _| disclosures::add_many(tx, &all)).unwrap();
        let verdicts = [Verdict::Accepted, Verdict::Accepted, refused(), Verdict::Accepted];
        let batch: Vec<_> = verdicts.into_iter().zip(1..).map(|(v, n)| statement(n, v)).collect();
        let take = |stored: i64| {
            let batch = batch.clone();
            node.write(move |tx, _| disclosures::receipted(tx, LaneKey::of(&lane()), &batch, at(stored)))
        };
        assert_eq!((take(10), take(11)), (Ok(4), Ok(0)));
        let answers = |n: u8| {
            let found = node.read(move |tx, _| disclosures::of_object(tx, number(n))).unwrap();
            found.into_iter().next().unwrap().answers
        };
        assert_eq!(answers(2).verdict, Some(("accepted".to_owned(), at(10))));
        assert_eq!(answers(3).verdict, Some(("refused:AGR".to_owned(), at(10))));
        assert_eq!(answers(5), Answers::default());
        let answer = |n: u8, answer, when: i64| {
            node.write(move |tx, _| {
                let recipient = party("es-police");
                let key = Key { object: number(n), version: v(1), recipient: &recipient };
                disclosures::answered(tx, &key, answer, at(when))
            })
        };
        assert_eq!((answer(1, Answer::Read, 20), answer(1, Answer::Read, 21)), (Ok(()), Ok(())));
        assert_eq!(answers(1).read, Some(at(20)));
        assert_eq!(answer(9, Answer::Read, 20), Err(StoreError::Missing { what: "disclosure" }));
        for n in 1..=2 {
            assert_eq!(node.write(move |tx, _| disclosures::ask_by(tx, number(n), None, at(30))), Ok(1));
        }
        let owed = || {
            let found = node.read(|tx, _| disclosures::overdue(tx, Owed::Erasure, at(30), 9)).unwrap();
            found.into_iter().map(|d| d.object).collect::<Vec<ObjectId>>()
        };
        assert_eq!(owed(), [number(1), number(2)]);
        let untold = |whom| {
            let found =
                node.read(move |tx, _| disclosures::untold(tx, Owed::Erasure, at(30), whom, 9)).unwrap();
            found.into_iter().map(|d| d.object).collect::<Vec<ObjectId>>()
        };
        let tell = |whom| {
            node.write(move |tx, _| disclosures::told(tx, number(1), &party("es-police"), whom)).unwrap();
        };
        tell(Escalated::Dpo);
        assert_eq!((untold(Escalated::Dpo), untold(Escalated::Oversight).len()), (vec![number(2)], 2));
        tell(Escalated::Oversight);
        tell(Escalated::Dpo);
        assert_eq!(untold(Escalated::Oversight), [number(2)], "it is not unsaid");
        assert_eq!(node.read(|tx, _| disclosures::count_overdue(tx, Owed::Erasure, at(30))), Ok(2));
        assert_eq!(node.read(|tx, _| disclosures::count_overdue(tx, Owed::Receipt, at(30))), Ok(0));
        assert_eq!(answer(1, Answer::Erased, 25), Ok(()));
        assert_eq!(owed(), [number(2)]);
        assert_eq!(answers(1).erased, Some(at(25)));
        let decided = node.write(|tx, _| {
            let recipient = party("es-police");
            let key = Key { object: number(3), version: v(1), recipient: &recipient };
            disclosures::decided(tx, &key, &Verdict::Accepted, at(40))
        });
        assert_eq!((decided, answers(3).verdict), (Ok(()), Some(("accepted".to_owned(), at(40)))));
    }
}
