//! Two processes of the asked node, and two of the asking one, at the same time: no budget is passed, no request is
//! charged twice, no result is written twice.

use std::sync::Barrier;

use mithaq_app::{App, CheckKind, intent};
use mithaq_check::{Answer, CheckState, Request};
use mithaq_db::Db;
use mithaq_model::{Millis, PartyId};

use super::{CAPS, Scene, row};
use crate::world::{Node, parts};

/// Another process of a node: with a connection of its own where the node lies on a server.
fn second(scene: &Scene, node: &Node, number: u8) -> App {
    let db: Db = node.server().map_or_else(|| node.db.clone(), |server| server.another().unwrap());
    let app = App::open(db, parts(&node.party, (number, 1), &scene.world.clock, &node.mark)).unwrap();
    app.share();
    node.app.share();
    app
}

/// Runs a test with either side on a server, where one is at hand: which side is depends on the name of the thread.
fn on_both(body: fn()) {
    for name in ["a", "ab"] {
        let done = std::thread::Builder::new().name(name.to_owned()).spawn(body).unwrap().join();
        assert!(done.is_ok(), "with the thread `{name}`");
    }
}

/// Asks until it is answered: who loses a race for a row is told to come again, and the same bytes are safe.
fn evaluated(app: &App, from: &PartyId, request: &Request) -> bool {
    for _ in 0..100 {
        match app.answer_check(from, request.agreement, CheckKind::Request, &request.to_bytes()) {
            Ok(reply) => {
                return matches!(Answer::from_bytes(&reply.bytes).unwrap(), Answer::Evaluated { .. });
            }
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
    panic!("never answered");
}

/// Asks two processes at the same time. One of the two may be told to come again; neither answers otherwise than the other.
fn answered_alike((one, other): (&App, &App), from: &PartyId, request: &Request) -> bool {
    let start = Barrier::new(2);
    let ask = |app: &App| {
        start.wait();
        app.answer_check(from, request.agreement, CheckKind::Request, &request.to_bytes())
    };
    let (here, there) = std::thread::scope(|scope| {
        let there = scope.spawn(|| ask(other));
        (ask(one), there.join().unwrap())
    });
    let answers: Vec<Vec<u8>> =
        [here, there].into_iter().filter_map(Result::ok).map(|one| one.bytes).collect();
    !answers.is_empty() && answers.iter().all(|bytes| *bytes == answers[0])
}

#[test]
fn two_processes_of_the_asked_node_never_pass_a_budget() {
    on_both(|| {
        let scene = Scene::new("daily_cap = 96\nofficer_cap = 96\ncase_cap = 96\nreview_after = 96");
        scene.asked();
        let (es, ma) = (scene.es(), scene.ma().party.clone());
        let other = second(&scene, es, 32);
        // Each from another officer and case: what is left to race for is the partner's own row.
        let requests: Vec<Request> = (1..=30).map(|number| scene.forged(number, 8)).collect();
        let start = Barrier::new(2);
        let race = |app: &App, mine: &[Request]| {
            start.wait();
            mine.iter().filter(|request| evaluated(app, &ma, request)).count()
        };
        let (one, two) = requests.split_at(15);
        let admitted: usize = std::thread::scope(|scope| {
            let there = scope.spawn(|| race(&other, two));
            race(&es.app, one) + there.join().unwrap()
        });
        assert_eq!(admitted, 12, "ninety-six in eights, and the rest is refused");
        assert_eq!((es.count("check.evaluated"), es.count("check.refused")), (12, 18));
        let may = es.actor("spoc").may(intent::ReadCheck).unwrap();
        let left = es.app.check_budgets(may).unwrap().pop().unwrap();
        assert_eq!((left.all.used, left.all.left()), (96, 0));
        assert_eq!(es.count("check.review_due"), 1, "one review, whoever came to it");
    });
}

#[test]
fn one_request_at_two_processes_is_charged_once_and_answered_alike() {
    on_both(|| {
        let scene = Scene::new(CAPS);
        let check = scene.asked();
        let request = scene.request();
        let (es, ma) = (scene.es(), scene.ma().party.clone());
        let other = second(&scene, es, 32);
        assert!(answered_alike((&es.app, &other), &ma, &request));
        assert_eq!(es.count("check.evaluated"), 1);
        assert_eq!(row(es, check).state, CheckState::Evaluated);
        let may = es.actor("spoc").may(intent::ReadCheck).unwrap();
        assert_eq!(es.app.check_budgets(may).unwrap().pop().unwrap().all.used, row(es, check).queries);
    });
}

#[test]
fn one_request_that_two_processes_refuse_silently_gets_one_decoy() {
    on_both(|| {
        let scene = Scene::new(&format!("{CAPS}\nrefuse_silently = true"));
        scene.asked();
        let (es, ma) = (scene.es(), scene.ma().party.clone());
        let other = second(&scene, es, 32);
        let case = scene.request().case;
        let spend = mithaq_check::Request { case, ..scene.forged(99, 96) };
        assert!(evaluated(&es.app, &ma, &spend));
        for number in 1..=8 {
            let request = Request { case, ..scene.forged(number, 16) };
            assert!(answered_alike((&es.app, &other), &ma, &request), "{number}");
        }
        assert_eq!((es.count("check.evaluated"), es.count("check.refused")), (1, 8));
    });
}

#[test]
fn two_processes_that_carry_one_check_write_one_result() {
    on_both(|| {
        let scene = Scene::new(CAPS);
        let check = scene.asked();
        let (ma, es) = (scene.ma(), scene.es().party.clone());
        let other = second(&scene, ma, 16);
        other.tick_checks().unwrap();
        let of = |app: &App| {
            let calls = app.check_calls(&es).unwrap();
            calls.into_iter().filter(|call| call.kind != CheckKind::Set).collect::<Vec<_>>()
        };
        assert!(of(&other).is_empty(), "it is left to the first for five minutes");
        scene.world.clock.0.advance(Millis(300_000));
        other.tick_checks().unwrap();
        assert_eq!(of(&other)[0].body, of(&ma.app)[0].body, "the same bytes");
        for _ in 0..2 {
            for app in [&ma.app, &other] {
                for call in of(app).into_iter().filter(|call| call.kind != CheckKind::Candidate) {
                    let answer = scene.answer(&call).unwrap();
                    app.check_answered(&es, &call, Some(&answer)).unwrap();
                }
            }
        }
        let here = row(ma, check);
        assert_eq!((here.state, here.hits), (CheckState::PossibleHit, 1));
        assert_eq!((ma.count("check.possible_hit"), scene.es().count("check.evaluated")), (1, 1));
    });
}
