//! Wrong keys, replays, strangers, restarts, crashes.

use mithaq_app::{AppError, CheckKind, ErrorKind, intent};
use mithaq_check::{Answer, CheckState, Claims, Word};
use mithaq_db::Tx;
use mithaq_model::Millis;

use super::{CAPS, LATIN, Scene, candidate, lose_answers, opening, row, scene_request, stored};

#[test]
fn a_crash_between_charge_and_answer_costs_the_budget_and_gives_the_answer_later() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let first = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
    assert_eq!(lose_answers(scene.es()), 1);
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
        (
            CheckKind::Claims,
            Claims { check: word.check, halves: vec![[1; 32]], cleared: Vec::new() }.to_bytes(),
        ),
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
    let again = Claims { check: word.check, halves: vec![[1; 32]], cleared: Vec::new() };
    assert_eq!(scene.post(CheckKind::Claims, &again.to_bytes()).unwrap_err().kind(), ErrorKind::NotFound);
    let unknown = Word { handle: [9; 16], ..word };
    assert_eq!(
        scene.post(CheckKind::Candidate, &unknown.to_bytes()).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

/// The node of a side runs again on its store, with nothing in memory.
fn restart(scene: &mut Scene, at: usize, run: u8) {
    let clock = scene.world.clock.clone();
    let node = &mut scene.world.nodes[at];
    let number = if at == 0 { 16 } else { 32 };
    let parts = crate::world::parts(&node.party, (number, run), &clock, &node.mark);
    let db = node.db.clone();
    let app = mithaq_app::App::open(db.clone(), parts).unwrap();
    node.come_back(app, db);
}

/// The clock of checks at the asking side, once another process would have had its time.
fn tick(scene: &Scene) {
    if scene.ma().app.is_shared() {
        scene.world.clock.0.advance(Millis(300_000));
    }
    scene.ma().app.tick_checks().unwrap();
}

#[test]
fn a_restart_takes_up_what_was_under_way_byte_for_byte() {
    let mut scene = Scene::new(CAPS);
    let check = scene.asked();
    let before = scene.request();
    restart(&mut scene, 0, 1);
    assert!(!scene.calls().iter().any(|call| call.kind == CheckKind::Request), "memory is gone");
    tick(&scene);
    assert_eq!(scene.request(), before);
    let digest = scene.ma().commitments("check.resumed")[0].unwrap();
    assert_eq!(digest.as_bytes(), &before.digest());
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
    assert_eq!(scene.es().count("check.evaluated"), 1);
    // The asked side goes on after its own restart too: its outputs are made anew from its subjects.
    let other = scene.stranger(9, LATIN);
    let check = scene.draft(scene.new_check(&[other])).unwrap();
    scene.authorise(check).unwrap();
    restart(&mut scene, 1, 1);
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_crash_at_any_step_of_the_asking_side_gives_one_result_and_is_charged_once() {
    for step in [CheckKind::Request, CheckKind::Claims] {
        for answered in [false, true] {
            let mut scene = Scene::new(CAPS);
            let check = scene.asked();
            let call = loop {
                let call = scene.calls().into_iter().find(|call| call.kind != CheckKind::Set).unwrap();
                if call.kind == step {
                    break call;
                }
                let answer = scene.answer(&call).unwrap();
                scene.ma().app.check_answered(&scene.es().party, &call, Some(&answer)).unwrap();
            };
            // It dies before the document leaves, or when it is answered and the answer was not read.
            if answered {
                scene.answer(&call).unwrap();
            }
            restart(&mut scene, 0, 1);
            assert_eq!(row(scene.ma(), check).state, CheckState::Executing, "no part of a result is kept");
            tick(&scene);
            scene.run();
            let here = row(scene.ma(), check);
            assert_eq!((here.state, here.hits), (CheckState::PossibleHit, 1), "{step:?} {answered}");
            candidate(&scene, check);
            let there = row(scene.es(), check);
            assert_eq!((there.hits, scene.es().count("check.evaluated")), (1, 1), "{step:?} {answered}");
            let may = scene.es().actor("spoc").may(intent::ReadCheck).unwrap();
            assert_eq!(scene.es().app.check_budgets(may).unwrap()[1].all.used, here.queries);
        }
    }
}

#[test]
fn what_cannot_be_taken_up_is_aborted_aloud_and_stays_charged() {
    // The key of the epoch is another; the opening is gone.
    for epoch in [true, false] {
        let mut scene = Scene::new(CAPS);
        let check = scene.asked();
        let spent = row(scene.ma(), check).queries;
        restart(&mut scene, 0, 1);
        let change =
            if epoch { "UPDATE check_query SET epoch = 7" } else { "UPDATE check_query SET content = NULL" };
        let lose = move |tx: &mut dyn Tx| -> Result<_, AppError> { Ok(tx.exec(change, &[])?) };
        scene.ma().db.write(lose).unwrap();
        tick(&scene);
        let here = row(scene.ma(), check);
        let why = if epoch { "check.epoch" } else { "check.restarted" };
        assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Aborted, Some(why)));
        assert!(stored(scene.ma(), check).is_none() && opening(scene.ma(), check).is_none());
        let health = scene.ma().actor("spoc").may(intent::ReadHealth).unwrap();
        let alarms = scene.ma().app.alarms(health).unwrap();
        assert!(alarms.iter().any(|alarm| alarm.kind == "check.lost"), "not silently");
        let may = scene.ma().actor("analyst").may(intent::ReadCheck).unwrap();
        assert_eq!(scene.ma().app.check_budgets(may).unwrap()[0].all.used, spent, "nothing is given back");
    }
}

#[test]
fn who_was_erased_while_the_node_was_down_is_no_hit() {
    let mut scene = Scene::new(CAPS);
    let check = scene.asked();
    let before = scene.request();
    let ours = scene.ours;
    restart(&mut scene, 0, 1);
    let erase =
        move |tx: &mut dyn Tx| -> Result<_, AppError> { Ok(mithaq_store::subjects::erase(tx, &[ours])?) };
    assert_eq!(scene.ma().db.write(erase).unwrap(), 1);
    tick(&scene);
    assert_eq!(scene.request(), before, "what was logged is asked");
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit);
    assert_eq!(scene.es().count("check.claimed"), 0);
}

#[test]
fn a_draft_may_wait_longer_than_an_answer() {
    let scene = Scene::new(CAPS);
    let check = scene.draft(scene.new_check(&[scene.ours])).unwrap();
    scene.world.clock.0.advance(Millis::hours(40));
    scene.es().app.tick_checks().unwrap();
    scene.run();
    scene.authorise(check).unwrap();
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(row(scene.ma(), check).state, CheckState::Executing, "its day begins when it is authorised");
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
