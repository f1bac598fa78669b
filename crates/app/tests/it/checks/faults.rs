//! Wrong keys, replays, strangers, restarts, crashes.

use mithaq_app::{AppError, CheckKind, ErrorKind, intent};
use mithaq_check::{Answer, CheckState, Claims, Word};
use mithaq_db::Tx;
use mithaq_model::Millis;

use super::{CAPS, Scene, candidate, opening, row, scene_request, stored};

#[test]
fn a_crash_between_charge_and_answer_costs_the_budget_and_gives_the_answer_later() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let first = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
    let lose = move |tx: &mut dyn Tx| -> Result<_, AppError> {
        Ok(tx.exec("UPDATE check_query SET answer = NULL", &[])?)
    };
    assert_eq!(scene.es().db.write(lose).unwrap(), 1);
    assert_eq!(scene.post(CheckKind::Request, &request.to_bytes()).unwrap(), first);
    assert_eq!(scene.es().count("check.evaluated"), 1, "charged once");
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn an_answer_of_another_key_is_caught_by_the_proof_and_nothing_is_kept() {
    let scene = Scene::new(&format!("{CAPS}\nverifiable = true"));
    let check = scene.asked();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    let answer = Answer::from_bytes(&scene.answer(&call).unwrap()).unwrap();
    let Answer::Evaluated { check: number, request, mut elements, proof } = answer else { panic!("refused") };
    elements.swap(0, 1);
    let bad = Answer::Evaluated { check: number, request, elements, proof }.to_bytes();
    let taken = scene.ma().app.check_answered(&scene.es().party, &call, Some(&bad));
    assert_eq!(taken.unwrap_err().code(), "check.evaluation");
    let here = row(scene.ma(), check);
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Aborted, Some("check.evaluation")));
    assert!(stored(scene.ma(), check).is_none() && opening(scene.ma(), check).is_none());
    let may = scene.ma().actor("spoc").may(intent::ReadHealth).unwrap();
    assert!(scene.ma().app.alarms(may).unwrap().iter().any(|alarm| alarm.kind == "peer.check"));
    // It was aborted, so it may be asked again; an honest answer hits.
    let check = scene.asked();
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_replayed_answer_and_one_to_nobody_end_the_check() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    let other = scene.post(CheckKind::Request, &scene.forged(1, 8).to_bytes()).unwrap();
    let taken = scene.ma().app.check_answered(&scene.es().party, &call, Some(&other));
    assert_eq!(taken.unwrap_err().code(), "check.replay");
    assert_eq!(row(scene.ma(), check).state, CheckState::Aborted);
    let check = scene.asked();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    scene.ma().app.check_answered(&scene.es().party, &call, None).unwrap();
    assert_eq!(row(scene.ma(), check).outcome.as_deref(), Some("check.unanswered"));
}

#[test]
fn what_another_asked_is_nobody_elses_to_claim_or_speak_of() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    let stranger = mithaq_testkit::party("ci-judiciary");
    let word = Word {
        check: *at.0.as_bytes(),
        handle: *at.1.as_bytes(),
        shown: None,
        verdict: Some(mithaq_check::follow::Verdict::Same),
        released: None,
    };
    for (kind, body) in [
        (CheckKind::Request, scene_request(&scene)),
        (CheckKind::Claims, Claims { check: word.check, halves: vec![[1; 32]] }.to_bytes()),
        (CheckKind::Candidate, word.to_bytes()),
        (CheckKind::Set, vec![0; 12]),
    ] {
        let answer = scene.es().app.answer_check(&stranger, scene.world.agreement, kind, &body);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound, "{kind:?}");
        // Nor is anything that is no document.
        let broken = scene.post(kind, b"nonsense").unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::Invalid, "{kind:?}");
    }
    // A second, other claim for a check is a way to try: refused.
    let again = Claims { check: word.check, halves: vec![[1; 32]] };
    assert_eq!(scene.post(CheckKind::Claims, &again.to_bytes()).unwrap_err().kind(), ErrorKind::NotFound);
    let unknown = Word { handle: [9; 16], ..word };
    assert_eq!(
        scene.post(CheckKind::Candidate, &unknown.to_bytes()).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn a_restart_ends_what_was_under_way_and_nothing_of_it_is_kept() {
    let mut scene = Scene::new(CAPS);
    let check = scene.asked();
    let clock = scene.world.clock.clone();
    let node = &mut scene.world.nodes[0];
    let parts = crate::world::parts(&node.party, (16, 1), &clock, &node.mark);
    let (db, shared) = (node.db.clone(), node.app.is_shared());
    let app = mithaq_app::App::open(db.clone(), parts).unwrap();
    node.come_back(app, db);
    assert!(!scene.calls().iter().any(|call| call.kind == CheckKind::Request));
    if shared {
        // Another process of the node may hold it.
        clock.0.advance(Millis::hours(25));
    }
    scene.ma().app.tick_checks().unwrap();
    let here = row(scene.ma(), check);
    let why = if shared { "check.timeout" } else { "check.restarted" };
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Aborted, Some(why)));
    assert!(stored(scene.ma(), check).is_none() && opening(scene.ma(), check).is_none());
    // The asked side goes on after its own restart too: its outputs are made anew from its subjects.
    scene.run();
    let check = scene.asked();
    let node = &mut scene.world.nodes[1];
    let parts = crate::world::parts(&node.party, (32, 1), &clock, &node.mark);
    let db = node.db.clone();
    let app = mithaq_app::App::open(db.clone(), parts).unwrap();
    node.come_back(app, db);
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn an_agreement_that_is_suspended_answers_no_check() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let may = scene.es().actor("authority").may(intent::SuspendAgreement).unwrap();
    scene.es().app.suspend_agreement(may, scene.world.agreement).unwrap();
    scene.run();
    let here = row(scene.ma(), check);
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Refused, Some("AGR")));
    assert_eq!(scene.es().count("check.evaluated"), 0);
}
