//! Tag sets: whom they hold, how they change, which are refused.

use mithaq_app::{AppError, CheckKind, ErrorKind, intent};
use mithaq_check::CheckState;
use mithaq_db::Tx;
use mithaq_model::{AgreementId, CrimeArea, Days, Millis, SubjectClass, Tlp};
use mithaq_testkit::subject_named;

use super::{CAPS, Scene, row, set_of, terms};
use crate::world::{ES, MA};

#[test]
fn a_set_holds_only_whom_class_handling_and_agreement_allow() {
    let scene = Scene::new(CAPS);
    let es = scene.es();
    assert_eq!(scene.publish(), 1);
    let add = |number: u8, class, originator: &str, case, edit: &dyn Fn(&mut mithaq_model::Claim)| {
        let whole = subject_named(number, "Somebody Quite Else", class, originator);
        let mut claims = whole.claims().to_vec();
        claims.iter_mut().for_each(edit);
        let subject = mithaq_model::Subject::new(whole.id(), whole.kind(), whole.class(), claims).unwrap();
        es.add_subject(case, subject)
    };
    let (suspect, case) = (SubjectClass::SuspectCommitted, scene.es_case);
    add(50, SubjectClass::Victim, ES, case, &|_| ());
    add(51, suspect, MA, case, &|_| ());
    add(52, suspect, ES, case, &|claim| {
        claim.handling =
            mithaq_model::Handling::new(mithaq_model::HandlingCodes::H0, Tlp::Red, mithaq_model::Pap::Amber);
    });
    add(53, suspect, ES, case, &|claim| claim.source = mithaq_model::ClaimSource::Received);
    let closed = es.case(CrimeArea::ForeignTerroristFighters);
    add(54, suspect, ES, closed, &|_| ());
    es.app.close_case(es.actor("supervisor").may(intent::GovernCase).unwrap(), closed).unwrap();
    let minor = subject_named(55, "Somebody Young", suspect, ES).with_minor();
    es.add_subject(case, minor);
    let lawyer = subject_named(56, "Somebody At Law", suspect, ES)
        .with_protected_role(mithaq_model::ProtectedRole::ALL[0]);
    es.add_subject(case, lawyer);
    assert_eq!(scene.publish(), 1, "none of them");
    add(57, suspect, ES, case, &|_| ());
    assert_eq!(scene.publish(), 2);
}

#[test]
fn who_was_erased_since_the_set_was_made_is_no_hit() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let theirs = scene.theirs;
    let erase =
        move |tx: &mut dyn Tx| -> Result<_, AppError> { Ok(mithaq_store::subjects::erase(tx, &[theirs])?) };
    assert_eq!(scene.es().db.write(erase).unwrap(), 1);
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit);
    assert_eq!(scene.es().count("check.possible_hit"), 0);
}

#[test]
fn a_new_set_shares_nothing_with_the_last_and_a_new_key_comes_with_its_time() {
    let scene = Scene::new(CAPS);
    let first = set_of(scene.es(), &scene, true);
    scene.es().app.tick_checks().unwrap();
    assert_eq!(set_of(scene.es(), &scene, true).header.number, first.header.number, "not before a day");
    scene.world.clock.0.advance(Days(1));
    scene.es().app.tick_checks().unwrap();
    let second = set_of(scene.es(), &scene, true);
    assert_eq!((second.header.epoch, second.header.number), (1, first.header.number + 1));
    assert_ne!(second.header.nonce, first.header.nonce);
    scene.world.clock.0.advance(Days(30));
    scene.es().app.tick_checks().unwrap();
    let third = set_of(scene.es(), &scene, true);
    assert_eq!(third.header.epoch, 2);
    assert_ne!(third.header.key, second.header.key);
    assert_eq!((scene.es().count("check.key_made"), scene.es().count("check.key_destroyed")), (2, 1));
    // The asking side takes the new set, and asks under it.
    scene.run();
    assert_eq!(set_of(scene.ma(), &scene, false).header.epoch, 2);
    let check = scene.asked();
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_set_that_is_not_the_partners_own_is_refused() {
    let scene = Scene::new(CAPS);
    let before = set_of(scene.ma(), &scene, false).header.number;
    scene
        .es()
        .app
        .publish_set(
            scene.es().actor("spoc").may(intent::PublishSet).unwrap(),
            scene.world.agreement,
            &scene.ma().party,
        )
        .unwrap();
    scene.world.clock.0.advance(Millis::hours(1));
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Set).unwrap();
    let good = scene.answer(&call).unwrap();
    for at in [60, good.len() - 1, good.len() / 2] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let taken = scene.ma().app.check_answered(&scene.es().party, &call, Some(&bad));
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::PeerMisbehaved, "byte {at}");
    }
    assert_eq!(set_of(scene.ma(), &scene, false).header.number, before);
    scene.ma().app.check_answered(&scene.es().party, &call, Some(&good)).unwrap();
    assert_eq!(set_of(scene.ma(), &scene, false).header.number, before + 1);
}

/// A second agreement of the same two, in force.
fn second_agreement(scene: &Scene) -> AgreementId {
    let text = terms(&scene.world.agreement_text(0, 1), "daily_cap = 9");
    let mut id = scene.world.agreement;
    for here in &scene.world.nodes {
        let may = here.actor("authority").may(intent::GovernAgreement).unwrap();
        id = here.app.add_agreement(may, &text).unwrap();
        for signer in &scene.world.nodes {
            let signature = signer.signature(id, scene.world.clock.0.now());
            here.app.sign_agreement(may, &signature).unwrap();
        }
        here.app.activate_agreement(may, id).unwrap();
    }
    id
}

#[test]
fn a_set_of_another_agreement_is_refused_although_the_partner_signed_it() {
    let scene = Scene::new(CAPS);
    let (ma, es) = (scene.ma(), scene.es());
    let other = second_agreement(&scene);
    assert_ne!(other, scene.world.agreement);
    let may = es.actor("spoc").may(intent::PublishSet).unwrap();
    es.app.publish_set(may, other, &ma.party).unwrap();
    es.app.publish_set(may, scene.world.agreement, &ma.party).unwrap();
    scene.world.clock.0.advance(Millis::hours(1));
    let before = set_of(ma, &scene, false).header.number;
    let of = |agreement| {
        let calls = scene.calls();
        calls.into_iter().find(|call| call.kind == CheckKind::Set && call.agreement == agreement).unwrap()
    };
    let (ours, theirs) = (of(scene.world.agreement), {
        scene.world.clock.0.advance(Millis::hours(1));
        of(other)
    });
    // The partner's own set, whole and signed, in the place of the one that was asked for.
    let swapped = scene.answer(&theirs).unwrap();
    let taken = ma.app.check_answered(&es.party, &ours, Some(&swapped));
    assert_eq!(taken.unwrap_err().code(), "check.other_agreement");
    assert_eq!(set_of(ma, &scene, false).header.number, before);
    assert_eq!(ma.count("check.set_refused"), 1);
    let health = ma.actor("spoc").may(intent::ReadHealth).unwrap();
    assert!(ma.app.alarms(health).unwrap().iter().any(|alarm| alarm.kind == "peer.check_set"));
    // The right one is taken.
    let good = scene.answer(&ours).unwrap();
    ma.app.check_answered(&es.party, &ours, Some(&good)).unwrap();
    assert_eq!(set_of(ma, &scene, false).header.number, before + 1);
}
