//! "Not that person" (limit L18): a pair that was compared and is two people is no hit again; everybody else still is.

use mithaq_app::{AppError, CheckKind, JudgedAs, intent};
use mithaq_check::{CheckState, Claims};
use mithaq_db::Tx;
use mithaq_model::{
    Attribute, CaseId, Claim, CrimeArea, Days, Millis, ObjectId, Subject, SubjectClass, SubjectId, Value,
};
use mithaq_store::subjects;
use mithaq_testkit::subject_named;

use super::{ARABIC, CAPS, LATIN, Scene, candidate, close, code, compared, judge, later, row, show, stored};
use crate::world::{ES, Node};

/// Asked, met, and rejected by one side; both know, and the check is closed with its handles.
fn rejected(scene: &Scene, by_asking: bool, said: JudgedAs) {
    let check = scene.asked();
    scene.run();
    let at = candidate(scene, check);
    compared(scene, at);
    if said == JudgedAs::Cleared {
        judge(scene.ma(), scene.ma_case, at, JudgedAs::Same).unwrap();
        judge(scene.es(), scene.es_case, at, JudgedAs::Same).unwrap();
        later(scene);
    }
    let (node, case) = if by_asking { (scene.ma(), scene.ma_case) } else { (scene.es(), scene.es_case) };
    judge(node, case, at, said).unwrap();
    later(scene);
    for node in [scene.ma(), scene.es()] {
        assert_eq!(row(node, check).rejected, 1, "{}", node.party);
        close(node, check).unwrap();
        assert_eq!(stored(node, check), None, "{}", node.party);
    }
}

/// The same question, when it may be asked again.
fn again(scene: &Scene) -> ObjectId {
    scene.world.clock.0.advance(Days(8));
    scene.publish();
    let check = scene.asked();
    scene.run();
    check
}

fn kept(node: &Node) -> i64 {
    let count = |tx: &mut dyn Tx| -> Result<_, AppError> {
        let row = tx.query_opt("SELECT COUNT(*) FROM check_cleared", &[])?;
        Ok(row.map_or(Ok(0), |row| row.int(0))?)
    };
    node.db.read(count).unwrap()
}

#[test]
fn a_pair_that_was_rejected_by_either_side_at_any_stage_is_no_hit_again() {
    for (by_asking, said) in [
        (true, JudgedAs::Other),
        (false, JudgedAs::Other),
        (true, JudgedAs::Cleared),
        (false, JudgedAs::Cleared),
    ] {
        let scene = Scene::new(CAPS);
        rejected(&scene, by_asking, said);
        assert_eq!((kept(scene.ma()), kept(scene.es())), (1, 1));
        let check = again(&scene);
        assert_eq!(row(scene.ma(), check).state, CheckState::NoHit, "{by_asking} {said:?}");
        for node in [scene.ma(), scene.es()] {
            assert_eq!((row(node, check).hits, node.count("check.cleared")), (0, 1), "{}", node.party);
            assert!(show(scene.ma(), check).candidates.is_empty());
        }
        // The same claim again has the same answer, and hits nobody later.
        let claimed = row(scene.es(), check).claims;
        assert!(claimed.is_some());
    }
}

fn reconsider(node: &Node, case: CaseId, subject: SubjectId) -> Result<u64, AppError> {
    let may = node.actor("analyst").may(intent::JudgeCheck).unwrap();
    node.app.reconsider_subject(may, &node.enter("analyst", case), subject)
}

#[test]
fn either_side_takes_a_wrong_rejection_back_and_people_compare_again() {
    for by_asking in [true, false] {
        let scene = Scene::new(CAPS);
        rejected(&scene, true, JudgedAs::Other);
        let (node, case, subject) = if by_asking {
            (scene.ma(), scene.ma_case, scene.ours)
        } else {
            (scene.es(), scene.es_case, scene.theirs)
        };
        assert_eq!(reconsider(node, case, subject).unwrap(), 1);
        assert_eq!((node.count("check.reconsidered"), kept(node)), (1, 0));
        assert_eq!(kept(scene.ma()) + kept(scene.es()), 1, "the other side was told nothing");
        assert_eq!(code(reconsider(node, case, subject)), "check.not_cleared");
        let check = again(&scene);
        assert_eq!((row(scene.ma(), check).hits, row(scene.es(), check).hits), (1, 1), "{by_asking}");
        // Who asks still names the handle where only the asked side took it back, which honours it no more.
        let named = usize::from(!by_asking);
        assert_eq!((scene.ma().count("check.cleared"), scene.es().count("check.cleared")), (named, 0));
    }
}

#[test]
fn nobody_takes_back_what_was_said_of_a_person_of_another_case() {
    let scene = Scene::new(CAPS);
    rejected(&scene, true, JudgedAs::Other);
    let other = scene.ma().case(CrimeArea::Terrorism);
    assert_eq!(code(reconsider(scene.ma(), other, scene.ours)), "object.not_found");
    let nobody = SubjectId::new([9; 16]);
    assert_eq!(code(reconsider(scene.ma(), scene.ma_case, nobody)), "object.not_found");
    assert_eq!((kept(scene.ma()), scene.ma().count("check.reconsidered")), (1, 0));
}

#[test]
fn whoever_shares_the_token_with_who_was_cleared_still_hits() {
    let scene = Scene::new(CAPS);
    rejected(&scene, true, JudgedAs::Other);
    // A homonym born in the same year, at the asked side: the next to be compared.
    let homonym = subject_named(30, LATIN, SubjectClass::SuspectCommitted, ES);
    let homonym = scene.es().add_subject(scene.es_case, homonym);
    let check = again(&scene);
    let (here, there) = (show(scene.ma(), check).candidates, show(scene.es(), check).candidates);
    assert_eq!((here.len(), there.len()), (1, 1));
    assert_eq!((here[0].0.subject, there[0].0.subject), (scene.ours, homonym));
    // And one of the asking side about whom nobody said anything meets the first as before.
    let other = scene.stranger(31, ARABIC);
    scene.world.clock.0.advance(Days(8));
    scene.publish();
    let check = scene.draft(scene.new_check(&[other, scene.ours])).unwrap();
    scene.authorise(check).unwrap();
    scene.run();
    let met: Vec<SubjectId> = show(scene.es(), check).candidates.iter().map(|one| one.0.subject).collect();
    assert!(met.contains(&scene.theirs), "a half that both share is a hit for who was not cleared");
}

#[test]
fn with_other_facts_people_compare_again() {
    let scene = Scene::new(CAPS);
    // Known under one more name for some days.
    let plain = subject_named(40, "Yusuf Karabulut", SubjectClass::SuspectCommitted, ES);
    let mut claims: Vec<Claim> = plain.claims().to_vec();
    let alias = claims.iter().find(|claim| claim.attribute == Attribute::Name).cloned().unwrap();
    let Value::Name { full, script, kind, form, quality } = alias.value.clone() else { panic!("a name") };
    let full = mithaq_model::Text::line(full.lang(), "Yusuf al-Izmiri").unwrap();
    claims.push(Claim {
        id: mithaq_model::ClaimId::new([77; 16]),
        value: Value::Name { full, script, kind, form, quality },
        expires: scene.world.clock.0.now().plus(Days(5)),
        ..alias
    });
    let theirs = Subject::new(plain.id(), plain.kind(), plain.class(), claims).unwrap();
    scene.es().add_subject(scene.es_case, theirs);
    scene.publish();
    let ours = scene.stranger(41, "Yusuf Karabulut");
    let ask = || {
        let check = scene.draft(scene.new_check(&[ours])).unwrap();
        scene.authorise(check).unwrap();
        scene.run();
        check
    };
    let check = ask();
    let handle = show(scene.ma(), check).candidates[0].0.handle;
    judge(scene.ma(), scene.ma_case, (check, handle), JudgedAs::Other).unwrap();
    later(&scene);
    assert_eq!(row(scene.es(), check).rejected, 1);
    scene.world.clock.0.advance(Days(8));
    scene.publish();
    let check = ask();
    assert_eq!(row(scene.ma(), check).hits, 1, "one name fewer than they compared");
}

#[test]
fn what_was_cleared_is_forgotten_with_the_person_and_in_its_time() {
    let scene = Scene::new(CAPS);
    rejected(&scene, false, JudgedAs::Other);
    let gone = scene.theirs;
    let erase = move |tx: &mut dyn Tx| -> Result<_, AppError> { Ok(subjects::erase(tx, &[gone])?) };
    scene.es().db.write(erase).unwrap();
    assert_eq!((kept(scene.ma()), kept(scene.es())), (1, 0));
    scene.world.clock.0.advance(Days(364));
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(kept(scene.ma()), 1);
    scene.world.clock.0.advance(Days(2));
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(kept(scene.ma()), 0);
}

#[test]
fn a_question_that_stays_does_not_hit_the_pair_either() {
    let terms = format!("{CAPS}\nstanding_days = 60");
    let scene = Scene::new(&terms);
    rejected(&scene, true, JudgedAs::Other);
    scene.world.clock.0.advance(Days(8));
    scene.publish();
    let now = scene.world.clock.0.now();
    let life = mithaq_app::NewStanding { until: now.plus(Days(30)), warrant_ends: now.plus(Days(60)) };
    let new = scene.new_check(&[scene.ours]);
    let new = mithaq_app::NewCheck { warrant: Some("order-7".to_owned()), standing: Some(life), ..new };
    let check = scene.draft(new).unwrap();
    scene.authorise(check).unwrap();
    scene.run();
    for _ in 0..3 {
        scene.world.clock.0.advance(Days(1));
        scene.es().app.tick_checks().unwrap();
        scene.run();
    }
    assert_eq!((row(scene.ma(), check).hits, row(scene.es(), check).hits), (0, 0));
    let homonym = subject_named(30, LATIN, SubjectClass::SuspectCommitted, ES);
    let homonym = scene.es().add_subject(scene.es_case, homonym);
    scene.world.clock.0.advance(Days(1));
    scene.es().app.tick_checks().unwrap();
    scene.world.clock.0.advance(Millis::hours(2));
    scene.run();
    let met = show(scene.es(), check).candidates;
    assert_eq!((met.len(), met[0].0.subject), (1, homonym), "another person does");
    assert_eq!(row(scene.ma(), check).hits, 1);
}

#[test]
fn a_handle_of_another_partner_or_none_clears_nobody() {
    let scene = Scene::new(CAPS);
    rejected(&scene, true, JudgedAs::Other);
    scene.world.clock.0.advance(Days(8));
    scene.publish();
    let check = scene.asked();
    // Carried until its hits are claimed.
    let claims = loop {
        let calls = scene.calls();
        let call = calls.iter().find(|call| call.kind != CheckKind::Set).unwrap();
        if call.kind == CheckKind::Claims {
            break Claims::from_bytes(&call.body).unwrap();
        }
        let answer = scene.answer(call).unwrap();
        scene.ma().app.check_answered(&scene.es().party, call, Some(&answer)).unwrap();
    };
    assert!(!claims.cleared.is_empty());
    let mut forged = claims.clone();
    for one in &mut forged.cleared {
        one.handle = [9; 16];
    }
    forged.cleared.dedup();
    let bytes = scene.post(CheckKind::Claims, &forged.to_bytes()).unwrap();
    let handles = mithaq_check::Handles::from_bytes(&bytes).unwrap();
    assert!(handles.handles.iter().any(Option::is_some), "a hit as any other");
    assert_eq!((row(scene.es(), check).hits, scene.es().count("check.cleared")), (1, 0));
}
