//! Budgets, and refusals that show or do not.

use mithaq_app::{CheckKind, Left, Whose, intent};
use mithaq_check::oprf::Element;
use mithaq_check::{Answer, CheckState, Claims, Request};
use mithaq_model::{CaseId, Days, ObjectId};
use mithaq_store::reports::Direction;

use super::{CAPS, Scene, code, lose_answers, row};
use crate::world::Node;

#[test]
fn the_asked_side_counts_for_itself_and_gives_nothing_back() {
    let scene = Scene::new(CAPS);
    scene.asked();
    let es = scene.es();
    let spend = |number: u8, elements: usize, edit: &dyn Fn(&mut Request)| {
        let mut request = scene.forged(number, elements);
        edit(&mut request);
        let bytes = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
        Answer::from_bytes(&bytes).unwrap()
    };
    let good = |answer: &Answer| matches!(answer, Answer::Evaluated { .. });
    let refused = |answer: Answer, code: &str| {
        assert!(matches!(&answer, Answer::Refused { code: said, .. } if said == code), "{answer:?}");
    };
    let none = |_: &mut Request| ();
    // Its case: 100 a day.
    assert!(good(&spend(1, 96, &none)));
    refused(spend(2, 8, &|one| one.case = CaseId::new([1; 16])), "BUD");
    // Its officer: 200 a day, over several cases.
    assert!(good(&spend(3, 96, &|one| one.officer = [1; 16])));
    refused(spend(4, 16, &|one| one.officer = [1; 16]), "BUD");
    // The partner as a whole: 400 a day.
    assert!(good(&spend(5, 96, &none)));
    assert!(good(&spend(6, 96, &none)));
    refused(spend(7, 24, &none), "BUD");
    assert!(good(&spend(8, 16, &none)), "and what fits still fits");
    assert!(es.count("check.refused") >= 3);
    // A malformed element is charged all the same.
    refused(spend(9, 8, &none), "BUD");
    scene.world.clock.0.advance(Days(1));
    let bad = spend(10, 8, &|one| one.elements = vec![Element([0; 32]); 8]);
    refused(bad, "check.element");
    assert!(good(&spend(11, 96, &|one| one.officer = [10; 16])));
    refused(spend(12, 97, &|one| one.officer = [10; 16]), "BUD");
}

#[test]
fn who_asks_counts_too_and_is_refused_at_home() {
    let scene = Scene::new("daily_cap = 8\nreview_after = 8");
    let one = scene.asked();
    assert_eq!(row(scene.ma(), one).queries, 8, "queries come in eights");
    let other = scene.stranger(9, "Yusuf Karabulut");
    let two = scene.draft(scene.new_check(&[other])).unwrap();
    assert_eq!(code(scene.authorise(two)), "check.BUD");
    scene.world.clock.0.advance(Days(1));
    scene.authorise(two).unwrap();
}

#[test]
fn the_same_request_again_is_the_same_answer_and_is_charged_once() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let first = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
    let entries = scene.es().entries().len();
    assert_eq!(scene.post(CheckKind::Request, &request.to_bytes()).unwrap(), first);
    assert_eq!(scene.es().entries().len(), entries, "nothing happened");
    // Other bytes under the number.
    let other = Request { subjects: 2, ..request };
    let answer = Answer::from_bytes(&scene.post(CheckKind::Request, &other.to_bytes()).unwrap()).unwrap();
    assert!(matches!(answer, Answer::Refused { code, .. } if code == "check.number_used"));
    assert_eq!(row(scene.es(), check).digest, Some(scene.request().digest()), "the first stays");
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_silent_refusal_looks_like_no_hit() {
    let scene = Scene::new(&format!("{CAPS}\nrefuse_silently = true"));
    let check = scene.asked();
    let request = scene.request();
    // Its case has spent the day elsewhere: the node would refuse.
    let spent = Request { case: request.case, ..scene.forged(1, 96) };
    let honest = scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    let spent = Request { case: request.case, ..scene.forged(2, 96) };
    let silent = scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    assert_eq!(silent.len(), honest.len());
    // All elements were one: so are all that come back, refused or not.
    for answer in [&honest, &silent] {
        let Answer::Evaluated { elements, .. } = Answer::from_bytes(answer).unwrap() else {
            panic!("refused")
        };
        assert!(elements.iter().all(|element| *element == elements[0]));
    }
    // And what is no element is named in the same words, spent or not.
    let broken = |case: CaseId, number| {
        let elements = vec![Element([0; 32]); 96];
        let request = Request { case, elements, ..scene.forged(number, 96) };
        Answer::from_bytes(&scene.post(CheckKind::Request, &request.to_bytes()).unwrap()).unwrap()
    };
    for answer in [broken(request.case, 3), broken(CaseId::new([9; 16]), 4)] {
        assert!(matches!(answer, Answer::Refused { code, .. } if code == "check.element"));
    }
    let wait = |request: &Request| {
        let reply = scene.es().app.answer_check(
            &scene.ma().party,
            scene.world.agreement,
            CheckKind::Request,
            &request.to_bytes(),
        );
        reply.unwrap().leaves_after
    };
    assert_eq!(wait(&scene.forged(1, 96)), wait(&scene.forged(2, 96)), "and leaves as late");
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit, "whom the node knows");
    let there = row(scene.es(), check);
    assert_eq!((there.state, there.outcome.as_deref()), (CheckState::Refused, Some("BUD")));
    // What was refused has no claims that hit.
    let claims = Claims { check: [2; 16], halves: vec![[1; 32]], cleared: Vec::new() };
    let handles = scene.post(CheckKind::Claims, &claims.to_bytes()).unwrap();
    assert_eq!(mithaq_check::Handles::from_bytes(&handles).unwrap().handles, [None]);
}

#[test]
fn an_open_refusal_is_told_and_nothing_is_kept() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let spent = Request { case: request.case, ..scene.forged(1, 96) };
    scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    scene.run();
    let here = row(scene.ma(), check);
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Refused, Some("BUD")));
    assert_eq!(scene.ma().count("check.refused_there"), 1);
}

#[test]
fn what_was_refused_openly_may_be_asked_again_once_there_is_room() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let spent = Request { case: scene.request().case, ..scene.forged(1, 96) };
    scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::Refused);
    scene.world.clock.0.advance(Days(1));
    scene.run();
    let again = scene.asked();
    assert_eq!(code(scene.draft(scene.new_check(&[scene.ours]))), "check.repeated", "this one is on its way");
    scene.run();
    assert_eq!(row(scene.ma(), again).state, CheckState::PossibleHit);
}

#[test]
fn what_was_refused_is_refused_in_the_same_words_when_a_crash_lost_the_answer() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let spent = Request { case: request.case, ..scene.forged(1, 96) };
    scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    let first = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
    lose_answers(scene.es());
    assert_eq!(scene.post(CheckKind::Request, &request.to_bytes()).unwrap(), first);
    assert_eq!(row(scene.es(), check).outcome.as_deref(), Some("BUD"));
}

#[test]
fn what_comes_beyond_four_times_the_budget_is_not_looked_at_whether_charged_or_refused() {
    for silent in ["", "refuse_silently = true"] {
        let scene = Scene::new(&format!(
            "daily_cap = 96\nofficer_cap = 96\ncase_cap = 96\nreview_after = 96\n{silent}"
        ));
        scene.asked();
        for number in 1..=4 {
            scene.post(CheckKind::Request, &scene.forged(number, 96).to_bytes()).unwrap();
        }
        let (entries, refused) = (scene.es().entries().len(), scene.es().count("check.refused"));
        assert_eq!((scene.es().count("check.evaluated"), refused), (1, 3));
        for number in 5..=9 {
            let no = scene.post(CheckKind::Request, &scene.forged(number, 8).to_bytes()).unwrap_err();
            assert!(no.is_retryable() && no.code() == "check.day_full", "{no:?}");
        }
        assert_eq!(scene.es().entries().len(), entries + 1, "said once");
        let may = scene.es().actor("spoc").may(intent::ReadHealth).unwrap();
        let alarms = scene.es().app.alarms(may).unwrap();
        assert_eq!(alarms.iter().filter(|alarm| alarm.kind == "check.day_full").count(), 1);
        // What was answered is answered again, and the next day is another.
        scene.post(CheckKind::Request, &scene.forged(4, 96).to_bytes()).unwrap();
        scene.world.clock.0.advance(Days(1));
        scene.post(CheckKind::Request, &scene.forged(5, 8).to_bytes()).unwrap();
        assert_eq!(scene.es().count("check.evaluated"), 2);
    }
}

#[test]
fn many_evaluations_without_a_hit_raise_one_review() {
    let scene = Scene::new(CAPS);
    scene.asked();
    for number in 1..=4 {
        scene.post(CheckKind::Request, &scene.forged(number, 24).to_bytes()).unwrap();
    }
    assert_eq!(scene.es().count("check.review_due"), 1, "at 60 of them, once");
    let may = scene.es().actor("spoc").may(intent::ReadHealth).unwrap();
    let alarms = scene.es().app.alarms(may).unwrap();
    assert_eq!(alarms.iter().filter(|alarm| alarm.kind == "check.review_due").count(), 1);
}

#[test]
fn both_sides_see_what_is_left_of_the_same_spending() {
    let scene = Scene::new(CAPS);
    let of = |node: &Node, login: &str| {
        let may = node.actor(login).may(intent::ReadCheck).unwrap();
        node.app.check_budgets(may).unwrap()
    };
    let before = of(scene.ma(), "analyst");
    assert_eq!(before.len(), 2, "for asking and for being asked");
    let me = Whose::Officer(scene.ma().id("analyst"));
    assert_eq!(before[0].officers, [(me, Left { used: 0, cap: 200 })], "who asked nothing has all");
    assert!(before[0].cases.is_empty() && before[1].officers.is_empty());
    let check = scene.asked();
    scene.run();
    let spent = row(scene.ma(), check).queries;
    let here = &of(scene.ma(), "supervisor")[0];
    assert_eq!((here.direction, here.all), (Direction::Own, Left { used: spent, cap: 400 }));
    assert_eq!(here.officers, [(me, Left { used: spent, cap: 200 })], "the author, not who authorised");
    assert_eq!(here.cases, [(Whose::Case(scene.ma_case), Left { used: spent, cap: 100 })]);
    let there = &of(scene.es(), "spoc")[1];
    assert_eq!((there.direction, there.all), (Direction::Received, here.all));
    assert_eq!((there.review.used, there.review.left()), (spent, 60 - spent));
    // There it is the pseudonym that was asked with, not who or which case.
    let request = row(scene.es(), check);
    let officer = Whose::Pseudonym(ObjectId::new(request.officer));
    assert_eq!(there.officers, [(officer, Left { used: spent, cap: 200 })]);
    assert_eq!(there.cases[0].0, Whose::Pseudonym(ObjectId::new(*request.case.as_bytes())));
    assert_ne!(request.case, scene.ma_case);
    // A new day is a new budget; the count of fruitless evaluations goes on.
    scene.world.clock.0.advance(Days(1));
    let next = &of(scene.es(), "spoc")[1];
    assert_eq!((next.all.left(), next.officers.len(), next.review.used), (400, 0, spent));
}
