//! Reasons judged afterwards: drawn at random, by others than who gave them; own names ring (limit L3).

use mithaq_app::{AppError, Judgement, NewOfficer, Query, intent};
use mithaq_model::{CaseId, CrimeArea, Days, Lang, Role, Sensitive, SubjectClass, SubjectId, UnitId};
use mithaq_store::justifications::Justification;
use mithaq_testkit::{subject_named, text};

use crate::world::{MA, Node, World};

const FTF: CrimeArea = CrimeArea::ForeignTerroristFighters;

fn subject(node: &Node, case: CaseId, number: u8, name: &str) -> SubjectId {
    node.add_subject(case, subject_named(number, name, SubjectClass::SuspectCommitted, MA))
}

fn read(node: &Node, login: &str, case: CaseId, subject: SubjectId) {
    let may = node.actor(login).may(intent::ReadSubject).unwrap();
    let access = node.enter(login, case);
    node.app.read_subject(may, &access, subject, &text("Checking the ferry passengers")).unwrap();
}

fn draw(node: &Node, login: &str) -> usize {
    node.app.draw_justifications(node.actor(login).may(intent::JudgeJustification).unwrap()).unwrap()
}

fn open(node: &Node, login: &str) -> Vec<(Justification, String)> {
    let may = node.actor(login).may(intent::JudgeJustification).unwrap();
    let all = node.app.open_justifications(may).unwrap();
    all.into_iter().map(|(one, reason)| (one, reason.reveal().to_owned())).collect()
}

fn judge(node: &Node, login: &str, one: &Justification, finding: Judgement) -> Result<(), AppError> {
    let may = node.actor(login).may(intent::JudgeJustification).unwrap();
    node.app.judge_justification(may, one.id, finding)
}

fn alarms(node: &Node, kind: &str) -> usize {
    let all = node.app.alarms(node.actor("spoc").may(intent::ReadHealth).unwrap()).unwrap();
    all.iter().filter(|alarm| alarm.kind == kind).count()
}

#[test]
fn reasons_are_drawn_and_judged_by_another_person() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(FTF);
    let all: Vec<SubjectId> = (40..46).map(|n| subject(ma, case, n, "Idris Tazerout")).collect();
    all.iter().for_each(|one| read(ma, "analyst", case, *one));
    read(ma, "supervisor", case, all[0]);
    let may = ma.actor("analyst").may(intent::ReadSubject).unwrap();
    let query = Query { name: Some(text("Idris Tazerout")), document: None };
    ma.app.search(may, &ma.enter("analyst", case), &query).unwrap();
    assert!(ma.actor("analyst").may(intent::JudgeJustification).is_err(), "who asks does not judge");
    assert_eq!(open(ma, "supervisor"), [], "nothing waits before something was drawn");

    ma.app.sample_justifications(3);
    assert_eq!(draw(ma, "supervisor"), 3);
    let first = open(ma, "supervisor");
    assert_eq!(first.len(), 3);
    assert!(first.iter().all(|(one, reason)| one.officer == ma.id("analyst")
        && one.case == case
        && reason == "Checking the ferry passengers"
        && one.likeness.is_none()));
    assert_eq!(draw(ma, "supervisor"), 3);
    assert_eq!(draw(ma, "supervisor"), 1, "seven of the analyst: six reads and a search; not their own");
    let drawn = open(ma, "supervisor");
    assert_eq!(drawn.len(), 7);
    let dids: std::collections::BTreeSet<&str> = drawn.iter().map(|(one, _)| one.did.as_str()).collect();
    assert_eq!(dids, ["subject.read", "subject.searched"].into());
    assert_eq!(draw(ma, "dpo"), 1, "the supervisor's own is another's to draw");

    let (one, other) = (&drawn[0].0, &drawn[1].0);
    judge(ma, "supervisor", one, Judgement::InOrder).unwrap();
    assert_eq!(judge(ma, "supervisor", one, Judgement::Unclear).unwrap_err().code(), "object.not_found");
    judge(ma, "supervisor", other, Judgement::NotInOrder).unwrap();
    assert_eq!(open(ma, "supervisor").len(), 5);
    let own = open(ma, "dpo").into_iter().find(|(one, _)| one.officer == ma.id("supervisor")).unwrap().0;
    assert_eq!(judge(ma, "supervisor", &own, Judgement::InOrder).unwrap_err().code(), "object.not_found");
    assert_eq!((ma.count("justification.drawn"), ma.count("justification.judged")), (4, 2));
    assert_eq!(alarms(ma, "justification.not_in_order"), 1);
    assert_eq!(ma.count("refused.justification.judge"), 2, "each refusal is an entry");
}

#[test]
fn the_same_reasons_are_not_drawn_at_another_node() {
    // Other randomness, another sample: nobody foresees which reason is looked at.
    let drawn = |number: usize| {
        let world = World::new();
        let node = &world.nodes[number];
        let case = node.case(FTF);
        let who =
            |n: u8| subject_named(n, "Idris Tazerout", SubjectClass::SuspectCommitted, node.party.as_str());
        let all: Vec<SubjectId> = (40..72).map(|n| node.add_subject(case, who(n))).collect();
        all.iter().for_each(|one| read(node, "analyst", case, *one));
        node.app.sample_justifications(8);
        assert_eq!(draw(node, "supervisor"), 8);
        let objects = open(node, "supervisor").into_iter().map(|(one, _)| one.object);
        objects.collect::<std::collections::BTreeSet<_>>()
    };
    assert_ne!(drawn(0), drawn(1));
}

#[test]
fn who_asks_about_their_own_name_is_not_refused_and_another_is_told() {
    let world = World::new();
    let ma = world.ma();
    let new = NewOfficer {
        login: "tazerout".to_owned(),
        name: Sensitive::new("Leïla Tazerout".to_owned()),
        unit: UnitId::new([9; 16]),
        roles: [Role::Analyst].into_iter().collect(),
        lang: Lang::FR,
    };
    let id = ma.app.add_officer(ma.actor("admin").may(intent::GovernOfficers).unwrap(), &new).unwrap();
    let case = ma.case(FTF);
    let may = ma.actor("supervisor").may(intent::GovernCase).unwrap();
    ma.app.assign_to_case(may, case, id).unwrap();
    let kin = subject(ma, case, 50, "عبد الحميد تازروت");
    let stranger = subject(ma, case, 51, "Hugo Salas");
    read(ma, "tazerout", case, stranger);
    assert_eq!((ma.count("justification.own_name"), open(ma, "supervisor").len()), (0, 0));
    read(ma, "tazerout", case, kin);
    let query = Query { name: Some(text("Leila Tazerout")), document: None };
    let may = ma.actor("tazerout").may(intent::ReadSubject).unwrap();
    ma.app.search(may, &ma.enter("tazerout", case), &query).unwrap();
    let waits = open(ma, "supervisor").into_iter().filter_map(|(one, _)| one.likeness);
    let waits: std::collections::BTreeSet<String> = waits.collect();
    assert_eq!(waits, ["family".to_owned(), "self".to_owned()].into(), "without being drawn");
    assert_eq!((ma.count("justification.own_name"), alarms(ma, "justification.own_name")), (2, 2));
    assert_eq!(draw(ma, "supervisor"), 1, "only what does not wait anyway");
}

#[test]
fn reasons_end_with_their_time_and_with_their_subject() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(FTF);
    let one = subject(ma, case, 60, "Idris Tazerout");
    read(ma, "analyst", case, one);
    assert_eq!(draw(ma, "supervisor"), 1);
    world.clock.0.advance(Days(181));
    assert_eq!(ma.app.erase_old_justifications(10).unwrap(), 1);
    assert_eq!((open(ma, "supervisor").len(), ma.count("justification.erased")), (0, 1));
    assert_eq!(ma.app.erase_old_justifications(10).unwrap(), 0);
}
