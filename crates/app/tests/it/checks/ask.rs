//! Asking: from the question to the release, and what never leaves.

use mithaq_app::{CheckKind, ErrorKind, JudgedAs, NewCheck, Outcome, Use, intent};
use mithaq_check::{Answer, CheckState, Opened, Request};
use mithaq_model::{AgreementId, CrimeArea, ObjectId, Purpose, SubjectClass, SubjectId};
use mithaq_testkit::subject_named;

use super::{
    ARABIC, CAPS, LATIN, Scene, candidate, close, code, compare, judge, later, opening, refusal, release,
    row, show, show_at_desk, stored, terms,
};
use crate::world::{ES, MA, Node, World, new_report};

#[test]
fn a_hit_across_scripts_goes_from_the_question_to_the_release() {
    let mut scene = Scene::new(CAPS);
    let check = scene.asked();
    assert_eq!(row(scene.ma(), check).state, CheckState::Executing);
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
    let at = candidate(&scene, check);

    // Nobody confirms what was not looked at, on either side.
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.not_compared");
    compare(scene.ma(), scene.ma_case, at).unwrap();
    later(&scene);
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.not_compared");
    compare(scene.es(), scene.es_case, at).unwrap();
    later(&scene);
    let (_, ours, theirs) = &show(scene.ma(), check).candidates[0];
    assert_eq!(theirs.unwrap().years, Some((1987, 1987)));
    assert_eq!(ours.unwrap(), theirs.unwrap());

    judge(scene.ma(), scene.ma_case, at, JudgedAs::Same).unwrap();
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.spoken");
    assert_eq!(code(release(scene.ma(), scene.ma_case, at, refusal())), "check.stage");
    judge(scene.es(), scene.es_case, at, JudgedAs::Same).unwrap();
    later(&scene);
    assert_eq!((row(scene.ma(), check).confirmed, row(scene.es(), check).confirmed), (1, 1));

    // Core data goes by the ordinary release, or is refused on a ground.
    let unsent = ObjectId::new([99; 16]);
    let none = Outcome::Report(unsent.into());
    assert_eq!(code(release(scene.es(), scene.es_case, at, none)), "check.report_not_released");
    let to_ma = new_report(scene.world.agreement, &[scene.ma().party.clone()], &[scene.theirs]);
    let report = scene.es().ready(scene.es_case, to_ma);
    scene.es().release(report, &Use::default()).unwrap();
    scene.world.settle();
    release(scene.es(), scene.es_case, at, Outcome::Report(report)).unwrap();
    release(scene.ma(), scene.ma_case, at, refusal()).unwrap();
    later(&scene);
    for node in [scene.ma(), scene.es()] {
        let stage = show(node, check).candidates[0].0.stage;
        assert_eq!(stage, mithaq_check::follow::Stage::CoreExchanged, "{}", node.party);
        for kind in
            ["check.compared", "check.judged", "check.confirmed", "check.released", "check.possible_hit"]
        {
            assert_eq!(node.count(kind), 1, "{kind} at {}", node.party);
        }
    }
    assert_eq!(scene.ma().read(scene.ma_case, report).unwrap().subjects.len(), 1);

    // Closing destroys what could open it.
    close(scene.ma(), check).unwrap();
    close(scene.es(), check).unwrap();
    for node in [scene.ma(), scene.es()] {
        assert_eq!(row(node, check).state, CheckState::Closed);
        assert!(stored(node, check).is_none(), "{}", node.party);
    }
    assert!(opening(scene.ma(), check).is_none());
}

#[test]
fn what_is_not_known_there_is_no_hit_and_tells_nothing() {
    let scene = Scene::new(CAPS);
    let nobody = scene.stranger(9, "Yusuf Karabulut");
    let check = scene.draft(scene.new_check(&[nobody])).unwrap();
    scene.authorise(check).unwrap();
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit);
    assert_eq!(scene.ma().count("check.no_hit"), 1);
    // The asked side knows that it was asked, and nothing of the answer.
    let there = row(scene.es(), check);
    assert_eq!((there.state, there.hits), (CheckState::Evaluated, 0));
    assert_ne!(there.case, scene.ma_case, "a pseudonym");
    assert!(show_at_desk(scene.es(), check).candidates.is_empty());
    assert_eq!(scene.es().count("check.claimed"), 0);
    close(scene.ma(), check).unwrap();
    assert_eq!(code(close(scene.ma(), check)), "check.not_ended");
}

#[test]
fn both_sides_log_one_commitment_before_anything_is_sent_and_oversight_opens_it() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let logged = |node: &Node, kind: &str| node.commitments(kind)[0].unwrap();
    assert_eq!(logged(scene.ma(), "check.asked").as_bytes(), &request.commitment);
    assert_eq!(scene.es().count("check.received"), 0, "logged here before it left");
    scene.run();
    assert_eq!(logged(scene.es(), "check.received"), logged(scene.ma(), "check.asked"));
    assert_eq!(logged(scene.es(), "check.evaluated"), logged(scene.ma(), "check.sent"));
    assert_eq!(logged(scene.es(), "check.evaluated").as_bytes(), &request.digest());
    assert_eq!(logged(scene.es(), "check.set_published"), logged(scene.ma(), "check.set_taken"));

    // With what oversight is given both logs are compared, with no node at hand.
    let opened = Opened::from_bytes(&opening(scene.ma(), check).unwrap()).unwrap();
    assert_eq!(opened.request, request);
    let proven = opened.proven().unwrap();
    assert_eq!((proven.commitment, proven.digest), (request.commitment, request.digest()));
    assert_eq!(proven.queries, request.elements.len());
    assert!(proven.dummies < 8 && proven.dummies < proven.queries);
    let mut other = opened.clone();
    other.request.elements.reverse();
    assert_eq!(other.proven(), Err(mithaq_check::Mismatch::Element(0)));
    let mut other = opened;
    other.request.officer = [9; 16];
    assert_ne!(other.proven().unwrap().digest, request.digest(), "another officer is another request");
    let analyst = scene.ma().actor("analyst");
    assert!(analyst.may(intent::ReadLog).is_err(), "only oversight opens");
    assert_eq!(scene.ma().count("check.opened"), 1);
}

#[test]
fn a_check_is_refused_before_it_leaves() {
    let scene = Scene::new(CAPS);
    let ma = scene.ma();
    let with = |edit: &dyn Fn(&mut NewCheck)| {
        let mut new = scene.new_check(&[scene.ours]);
        edit(&mut new);
        code(scene.draft(new))
    };
    assert_eq!(with(&|new| new.class = SubjectClass::Witness), "check.CAT");
    assert_eq!(
        with(&|new| new.class = SubjectClass::Convicted),
        "check.CAT",
        "the subject is of another class"
    );
    assert_eq!(with(&|new| new.class = SubjectClass::Wanted), "input.warrant");
    assert_eq!(with(&|new| new.subjects = Vec::new()), "check.BUD", "nobody is not everybody");
    assert_eq!(with(&|new| new.subjects = vec![SubjectId::new([77; 16])]), "object.not_found");
    assert_eq!(with(&|new| new.subjects = vec![scene.ours; 2]), "input.subjects");
    assert_eq!(with(&|new| new.agreement = AgreementId::new([1; 32])), "object.not_found");
    assert_eq!(with(&|new| new.partner = mithaq_testkit::party("ci-judiciary")), "check.AGR");
    let many: Vec<_> = (20..24).map(|n| scene.stranger(n, "Somebody Else")).collect();
    assert_eq!(with(&|new| new.subjects = many.clone()), "check.BUD");
    assert!(ma.actor("supervisor").may(intent::AskCheck).is_err());
    assert!(ma.actor("analyst").may(intent::AuthoriseCheck).is_err());

    let check = scene.asked();
    assert_eq!(code(scene.authorise(check)), "check.not_draft");
    assert_eq!(code(scene.draft(scene.new_check(&[scene.ours]))), "check.repeated");
    assert!(ma.count("refused.check.ask") >= 9, "each refusal is an entry");

    // Who wrote it does not authorise it.
    let both = ma.hire("both", &[mithaq_model::Role::Analyst, mithaq_model::Role::Supervisor]);
    let govern = ma.actor("supervisor").may(intent::GovernCase).unwrap();
    ma.app.assign_to_case(govern, scene.ma_case, both).unwrap();
    let other = scene.stranger(30, "Somebody Third");
    let actor = ma.actor("both");
    let (ask, authorise) = (actor.may(intent::AskCheck).unwrap(), actor.may(intent::AuthoriseCheck).unwrap());
    let access = || ma.enter("both", scene.ma_case);
    let own = ma.app.draft_check(ask, &access(), scene.new_check(&[other])).unwrap();
    assert_eq!(code(ma.app.authorise_check(authorise, &access(), own)), "check.two_persons");
}

#[test]
fn without_an_agreement_about_checks_nothing_is_asked_answered_or_published() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, subject_named(7, LATIN, SubjectClass::SuspectCommitted, MA));
    let new = NewCheck {
        agreement: world.agreement,
        partner: es.party.clone(),
        class: SubjectClass::SuspectCommitted,
        subjects: vec![subject],
        warrant: None,
        standing: None,
    };
    let may = ma.actor("analyst").may(intent::AskCheck).unwrap();
    assert_eq!(code(ma.app.draft_check(may, &ma.enter("analyst", case), new)), "check.not_agreed");
    let publish = es.actor("spoc").may(intent::PublishSet).unwrap();
    assert_eq!(code(es.app.publish_set(publish, world.agreement, &ma.party)), "check.not_agreed");
    let set = es.app.answer_check(&ma.party, world.agreement, CheckKind::Set, &[0; 12]);
    assert_eq!(set.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(ma.app.check_calls(&es.party).unwrap().is_empty());
}

#[test]
fn without_a_set_nothing_is_authorised() {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.agree(0, 1, |text| terms(&text, CAPS));
    let ma_case = world.ma().case(CrimeArea::ForeignTerroristFighters);
    let es_case = world.es().case(CrimeArea::ForeignTerroristFighters);
    let ours = world.ma().add_subject(ma_case, subject_named(7, ARABIC, SubjectClass::SuspectCommitted, MA));
    let scene = Scene { world, ma_case, es_case, ours, theirs: ours, line: std::cell::RefCell::default() };
    let check = scene.draft(scene.new_check(&[ours])).unwrap();
    scene.run();
    assert_eq!(code(scene.authorise(check)), "check.no_set");
    assert!(scene.calls().is_empty(), "nothing leaves that was not authorised");
    scene.publish();
    scene.authorise(check).unwrap();
}

#[test]
fn a_name_alone_is_never_asked() {
    let scene = Scene::new(CAPS);
    let whole = subject_named(40, LATIN, SubjectClass::SuspectCommitted, MA);
    let names: Vec<_> = whole
        .claims()
        .iter()
        .filter(|claim| claim.attribute == mithaq_model::Attribute::Name)
        .cloned()
        .collect();
    let bare = mithaq_model::Subject::new(whole.id(), whole.kind(), whole.class(), names).unwrap();
    let number = scene.ma().add_subject(scene.ma_case, bare);
    let check = scene.draft(scene.new_check(&[number])).unwrap();
    assert_eq!(code(scene.authorise(check)), "input.subjects");
    assert_eq!(row(scene.ma(), check).state, CheckState::Draft);
}

#[test]
fn another_purpose_or_class_than_agreed_is_refused_by_the_asked_side() {
    let scene = Scene::new(CAPS);
    scene.asked();
    let ask = |edit: &dyn Fn(&mut Request), number| {
        let mut request = scene.forged(number, 8);
        edit(&mut request);
        let bytes = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
        match Answer::from_bytes(&bytes).unwrap() {
            Answer::Refused { code, .. } => code,
            Answer::Evaluated { .. } => "evaluated".to_owned(),
        }
    };
    assert_eq!(ask(&|one| one.class = SubjectClass::Witness, 1), "CAT");
    assert_eq!(ask(&|one| one.purpose = Purpose::StrategicNonpersonal, 2), "PUR");
    assert_eq!(ask(&|one| one.subjects = 9, 3), "BUD");
    assert_eq!(ask(&|one| one.subjects = 0, 4), "BUD");
    assert_eq!(ask(&|one| one.epoch = 9, 5), "check.epoch");
    assert_eq!(ask(&|one| one.policy = [1; 32], 6), "check.other_agreement");
    assert_eq!(ask(&|one| one.agreement = AgreementId::new([1; 32]), 7), "check.other_agreement");
    assert_eq!(ask(&|_| (), 8), "evaluated");
    assert_eq!(scene.es().count("check.refused"), 7, "each is an entry");
}
