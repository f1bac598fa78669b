//! Standing checks over the line: asked by two under a warrant, placed, compared with what is learned later, renewed, taken
//! back, over at their end; and everything that is refused.

use mithaq_app::{AppError, CheckKind, ErrorKind, JudgedAs, NewCheck, NewStanding, Renewal, intent};
use mithaq_check::{Answer, CheckState, StandingAnswer, StandingAsk, StandingWord, Title};
use mithaq_db::Tx;
use mithaq_model::{Days, Millis, ObjectId, SubjectClass, SubjectId, Timestamp};
use mithaq_store::checks::{self, StandingState, StoredStanding};
use mithaq_testkit::subject_named;

use super::{CAPS, Scene, close, code, compared, judge, later, row, show, stored};
use crate::world::{ES, MA, Node};

const TERMS: &str =
    "daily_cap = 400\nofficer_cap = 200\ncase_cap = 100\nreview_after = 60\nstanding_days = 60";
const NAME: &str = "Yusuf Karabulut";

fn scene() -> Scene {
    Scene::new(TERMS)
}

fn now(scene: &Scene) -> Timestamp {
    scene.world.clock.0.now()
}

pub(super) fn life(scene: &Scene, days: u32, warrant: u32) -> NewStanding {
    let now = now(scene);
    NewStanding { until: now.plus(Days(days)), warrant_ends: now.plus(Days(warrant)) }
}

fn stays(scene: &Scene, subjects: &[SubjectId], days: u32) -> NewCheck {
    NewCheck {
        warrant: Some("order-7".to_owned()),
        standing: Some(life(scene, days, 200)),
        ..scene.new_check(subjects)
    }
}

/// Asked about somebody Spain does not know, answered, and placed.
pub(super) fn placed(scene: &Scene, days: u32) -> ObjectId {
    let subject = scene.stranger(9, NAME);
    let check = scene.draft(stays(scene, &[subject], days)).unwrap();
    scene.authorise(check).unwrap();
    scene.run();
    check
}

fn standing(node: &Node, check: ObjectId) -> Option<StoredStanding> {
    node.db.read(move |tx: &mut dyn Tx| -> Result<_, AppError> { Ok(checks::standing(tx, check)?) }).unwrap()
}

fn state(node: &Node, check: ObjectId) -> StandingState {
    standing(node, check).unwrap().state
}

fn tokens(node: &Node, check: ObjectId) -> usize {
    let read = move |tx: &mut dyn Tx| -> Result<_, AppError> {
        let sql = "SELECT content FROM check_standing WHERE check_id = $1 AND content IS NOT NULL";
        Ok(tx.query(sql, &[mithaq_db::Value::from(*check.as_bytes())])?.len())
    };
    node.db.read(read).unwrap()
}

/// Spain learns of the person, and makes its next set.
pub(super) fn learns(scene: &Scene, number: u8) -> SubjectId {
    let subject = subject_named(number, NAME, SubjectClass::SuspectCommitted, ES);
    scene.es().add_subject(scene.es_case, subject)
}

/// Some days go by at both nodes.
pub(super) fn days(scene: &Scene, days: u32) {
    for _ in 0..days {
        scene.world.clock.0.advance(Days(1));
        scene.es().app.tick_checks().unwrap();
        scene.ma().app.tick_checks().unwrap();
        scene.run();
    }
}

pub(super) fn renew(scene: &Scene, login: &str, check: ObjectId, life: NewStanding) -> Result<(), AppError> {
    let may = scene.ma().actor(login).may(intent::AskCheck).unwrap();
    let renewal = Renewal { warrant: "order-8".to_owned(), life };
    scene.ma().app.renew_standing(may, &scene.ma().enter(login, scene.ma_case), (check, renewal))
}

pub(super) fn authorise_renewal(scene: &Scene, login: &str, check: ObjectId) -> Result<(), AppError> {
    let may = scene.ma().actor(login).may(intent::AuthoriseCheck).unwrap();
    scene.ma().app.authorise_renewal(may, &scene.ma().enter(login, scene.ma_case), check)
}

pub(super) fn end(scene: &Scene, check: ObjectId) -> Result<(), AppError> {
    let may = scene.ma().actor("supervisor").may(intent::AuthoriseCheck).unwrap();
    scene.ma().app.end_standing(may, &scene.ma().enter("supervisor", scene.ma_case), check)
}

#[test]
fn a_standing_check_hits_when_the_other_side_learns_of_the_person() {
    let scene = scene();
    let check = placed(&scene, 60);
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit);
    for node in [scene.ma(), scene.es()] {
        assert_eq!((state(node, check), tokens(node, check)), (StandingState::Placed, 1), "{}", node.party);
        assert_eq!(node.count("check.standing_placed"), 1, "{}", node.party);
    }
    assert_eq!(scene.ma().count("check.standing_asked"), 1);
    // Who is named to Spain are pseudonyms, and two of them.
    let there = standing(scene.es(), check).unwrap();
    assert_eq!((there.title.reference.as_str(), there.title.until), ("order-7", now(&scene).plus(Days(60))));
    assert_ne!(Some(there.title.first), there.title.second);
    assert_ne!(&there.title.first, scene.ma().id("analyst").as_bytes());
    days(&scene, 3);
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit, "nobody learned anything");

    let theirs = learns(&scene, 70);
    assert_eq!(scene.es().count("check.standing_hit"), 0, "not before the next set");
    days(&scene, 1);
    for node in [scene.ma(), scene.es()] {
        let one = row(node, check);
        assert_eq!((one.state, one.hits), (CheckState::PossibleHit, 1), "{}", node.party);
        assert_eq!(node.count("check.standing_hit"), 1, "{}", node.party);
    }
    let (here, there) = (show(scene.ma(), check), show(scene.es(), check));
    assert_eq!(here.candidates[0].0.handle, there.candidates[0].0.handle);
    assert_eq!(there.candidates[0].0.subject, theirs);
    let health = scene.ma().actor("spoc").may(intent::ReadHealth).unwrap();
    assert!(scene.ma().app.alarms(health).unwrap().iter().any(|alarm| alarm.kind == "check.standing_hit"));
    // From there it is a candidate like any other; the person is not found twice.
    let at = (check, here.candidates[0].0.handle);
    compared(&scene, at);
    judge(scene.ma(), scene.ma_case, at, JudgedAs::Same).unwrap();
    judge(scene.es(), scene.es_case, at, JudgedAs::Same).unwrap();
    later(&scene);
    assert_eq!((row(scene.ma(), check).confirmed, row(scene.es(), check).confirmed), (1, 1));
    days(&scene, 2);
    assert_eq!((row(scene.ma(), check).hits, row(scene.es(), check).hits), (1, 1));
    // Another person of theirs with the same tokens is another candidate only if it has tokens of its own.
    assert_eq!(scene.es().count("check.evaluated"), 1, "nothing was asked or charged again");
}

#[test]
fn it_hits_under_the_key_it_was_asked_with_and_that_key_goes_with_it() {
    let scene = scene();
    let check = placed(&scene, 45);
    days(&scene, 32);
    assert_eq!(scene.es().count("check.key_made"), 2, "a new epoch");
    assert_eq!(scene.es().count("check.key_destroyed"), 0, "the old key waits for the question");
    learns(&scene, 70);
    days(&scene, 1);
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
    days(&scene, 13);
    assert_eq!((state(scene.es(), check), tokens(scene.es(), check)), (StandingState::Over, 0));
    assert_eq!(scene.es().count("check.key_destroyed"), 1);
    // No request is evaluated under the old key: its epoch is over.
    let old = row(scene.ma(), check).epoch;
    scene.asked();
    let request = mithaq_check::Request { epoch: old, ..scene.forged(1, 8) };
    let bytes = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
    assert!(
        matches!(Answer::from_bytes(&bytes).unwrap(), Answer::Refused { code, .. } if code == "check.epoch")
    );
}

#[test]
fn it_ends_at_its_time_and_what_hit_before_is_still_told() {
    let scene = scene();
    let check = placed(&scene, 5);
    days(&scene, 3);
    learns(&scene, 70);
    // Spain finds it; Morocco does not look until it is over.
    for _ in 0..3 {
        scene.world.clock.0.advance(Days(1));
        scene.es().app.tick_checks().unwrap();
    }
    assert_eq!(state(scene.es(), check), StandingState::Over);
    assert_eq!(scene.es().count("check.standing_hit"), 1);
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(state(scene.ma(), check), StandingState::Placed, "a last look is due");
    scene.run();
    assert_eq!(row(scene.ma(), check).hits, 1);
    assert_eq!((state(scene.ma(), check), tokens(scene.ma(), check)), (StandingState::Over, 0));
    // What Spain learns after the end meets nothing.
    let other = scene.stranger(10, "Kouadio Yao");
    let late = scene.draft(stays(&scene, &[other], 2)).unwrap();
    scene.authorise(late).unwrap();
    scene.run();
    days(&scene, 2);
    assert_eq!(state(scene.es(), late), StandingState::Over);
    let suspect = SubjectClass::SuspectCommitted;
    scene.es().add_subject(scene.es_case, subject_named(71, "Kouadio Yao", suspect, ES));
    days(&scene, 3);
    assert_eq!(row(scene.ma(), late).hits, 0);
}

#[test]
fn two_persons_renew_it_and_one_takes_it_back() {
    let scene = scene();
    let check = placed(&scene, 10);
    days(&scene, 5);
    let longer = life(&scene, 40, 50);
    assert_eq!(code(authorise_renewal(&scene, "supervisor", check)), "check.no_renewal");
    assert_eq!(
        code(renew(&scene, "analyst", check, life(&scene, 61, 90))),
        "check.AGR",
        "longer than agreed"
    );
    assert_eq!(
        code(renew(&scene, "analyst", check, life(&scene, 40, 39))),
        "check.AGR",
        "beyond its warrant"
    );
    renew(&scene, "analyst", check, longer).unwrap();
    scene.run();
    assert_eq!(standing(scene.es(), check).unwrap().title.reference, "order-7", "one is not two");
    authorise_renewal(&scene, "supervisor", check).unwrap();
    scene.run();
    for node in [scene.ma(), scene.es()] {
        let one = standing(node, check).unwrap();
        assert_eq!((one.state, one.title.until), (StandingState::Placed, longer.until), "{}", node.party);
        assert_eq!((one.title.reference.as_str(), one.next), ("order-8", None));
        assert_eq!(node.count("check.standing_renewed"), 1);
    }
    days(&scene, 20);
    assert_eq!(state(scene.es(), check), StandingState::Placed, "past its first end");
    end(&scene, check).unwrap();
    assert_eq!(tokens(scene.ma(), check), 0);
    scene.run();
    for node in [scene.ma(), scene.es()] {
        assert_eq!((state(node, check), tokens(node, check)), (StandingState::Over, 0), "{}", node.party);
        assert_eq!(node.count("check.standing_ended"), 1);
    }
    learns(&scene, 70);
    days(&scene, 2);
    assert_eq!(row(scene.ma(), check).hits, 0);
    assert_eq!(code(renew(&scene, "analyst", check, longer)), "check.standing_state");
}

#[test]
fn one_person_renews_nothing_alone() {
    let scene = scene();
    let check = placed(&scene, 10);
    let ma = scene.ma();
    let both = ma.hire("both", &[mithaq_model::Role::Analyst, mithaq_model::Role::Supervisor]);
    let govern = ma.actor("supervisor").may(intent::GovernCase).unwrap();
    ma.app.assign_to_case(govern, scene.ma_case, both).unwrap();
    renew(&scene, "both", check, life(&scene, 20, 30)).unwrap();
    assert_eq!(code(authorise_renewal(&scene, "both", check)), "check.two_persons");
    // Of another case it is not there.
    let other = ma.case(mithaq_model::CrimeArea::ForeignTerroristFighters);
    let may = ma.actor("supervisor").may(intent::AuthoriseCheck).unwrap();
    let access = || ma.enter("supervisor", other);
    assert_eq!(code(ma.app.authorise_renewal(may, &access(), check)), "object.not_found");
    assert_eq!(code(ma.app.end_standing(may, &access(), check)), "object.not_found");
    assert!(ma.actor("analyst").may(intent::AuthoriseCheck).is_err());
    assert_eq!(state(scene.es(), check), StandingState::Placed);
}

#[test]
fn it_is_not_asked_without_a_warrant_an_agreement_or_an_end() {
    let scene = scene();
    let subject = scene.stranger(9, NAME);
    let with = |edit: &dyn Fn(&mut NewCheck)| {
        let mut new = stays(&scene, &[subject], 30);
        edit(&mut new);
        code(scene.draft(new))
    };
    assert_eq!(with(&|new| new.warrant = None), "input.warrant");
    assert_eq!(with(&|new| new.warrant = Some("two words".to_owned())), "input.reference");
    assert_eq!(with(&|new| new.standing = Some(life(&scene, 61, 90))), "check.AGR");
    assert_eq!(with(&|new| new.standing = Some(life(&scene, 0, 90))), "check.AGR");
    assert_eq!(with(&|new| new.standing = Some(life(&scene, 30, 29))), "check.AGR");
    // What was in time when it was written is not when it is authorised.
    let check = scene.draft(stays(&scene, &[subject], 2)).unwrap();
    days(&scene, 3);
    assert_eq!(code(scene.authorise(check)), "check.AGR");
    assert_eq!(row(scene.ma(), check).state, CheckState::Draft);
    // Without the agreement's word there are none.
    let plain = Scene::new(CAPS);
    let subject = plain.stranger(9, NAME);
    assert_eq!(code(plain.draft(stays(&plain, &[subject], 1))), "check.AGR");
}

#[test]
fn a_check_with_a_question_that_stays_is_not_closed_before_it() {
    let scene = scene();
    let check = placed(&scene, 10);
    assert_eq!(code(close(scene.ma(), check)), "check.standing_lives");
    assert_eq!(code(close(scene.es(), check)), "check.standing_lives");
    end(&scene, check).unwrap();
    scene.run();
    for node in [scene.ma(), scene.es()] {
        close(node, check).unwrap();
        assert!(stored(node, check).is_none() && standing(node, check).is_none(), "{}", node.party);
    }
}

/// What a partner that does not keep to its own rules would send.
pub(super) fn post(scene: &Scene, check: [u8; 16], ask: StandingAsk) -> Result<StandingAnswer, AppError> {
    let bytes = scene.post(CheckKind::Standing, &StandingWord { check, ask }.to_bytes())?;
    let (about, answer) = StandingAnswer::from_bytes(&bytes).unwrap();
    assert_eq!(about, check);
    Ok(answer)
}

pub(super) fn title(scene: &Scene, days: u32, warrant: u32) -> Title {
    let life = life(scene, days, warrant);
    Title {
        reference: "order-9".to_owned(),
        ends: life.warrant_ends,
        until: life.until,
        persons: [[1; 16], [2; 16]],
    }
}

#[test]
fn the_asked_side_decides_for_itself_what_stays() {
    let scene = scene();
    let check = scene.asked();
    let number = *check.as_bytes();
    let place = |title: Title, halves: Vec<[u8; 32]>| post(&scene, number, StandingAsk::Place(title, halves));
    let refused = |answer: Result<StandingAnswer, AppError>, code: &str| {
        assert_eq!(answer.unwrap(), StandingAnswer::Refused(code.to_owned()));
    };
    let one = || vec![[1; 32]];
    // Nothing was evaluated yet: it is not there at all.
    assert_eq!(place(title(&scene, 9, 9), one()).unwrap_err().kind(), ErrorKind::NotFound);
    scene.run();
    refused(place(Title { persons: [[1; 16]; 2], ..title(&scene, 9, 9) }, one()), "check.two_persons");
    refused(place(title(&scene, 61, 90), one()), "AGR");
    refused(place(title(&scene, 91, 99), one()), "check.standing_life");
    refused(place(title(&scene, 9, 8), one()), "check.standing_life");
    refused(place(title(&scene, 0, 9), one()), "check.standing_life");
    let many = (0..9).map(|n| [n; 32]).collect();
    refused(place(title(&scene, 9, 9), many), "check.standing_count");
    refused(post(&scene, number, StandingAsk::Renew(title(&scene, 9, 9))), "check.standing_over");
    assert_eq!(scene.es().count("check.standing_refused"), 7);
    assert_eq!(scene.es().count("check.standing_placed"), 0);
    // Once placed, the same is the same, and another is another.
    let good = title(&scene, 9, 9);
    let stands = StandingAnswer::Stands { until: Some(good.until), hits: Vec::new() };
    assert_eq!(place(good.clone(), one()).unwrap(), stands);
    assert_eq!(place(good.clone(), one()).unwrap(), stands);
    refused(place(good, vec![[2; 32]]), "check.number_used");
    // A half that nobody evaluated meets nothing, whatever is learned.
    learns(&scene, 70);
    days(&scene, 1);
    assert_eq!(row(scene.es(), check).hits, 1, "the check's own");
    // Another partner sees none of it; what is no document is none.
    let look = StandingWord { check: number, ask: StandingAsk::Look }.to_bytes();
    let stranger = mithaq_testkit::party("ci-judiciary");
    let answer = scene.es().app.answer_check(&stranger, scene.world.agreement, CheckKind::Standing, &look);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(scene.post(CheckKind::Standing, b"nonsense").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(post(&scene, [9; 16], StandingAsk::Look).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_was_refused_silently_stays_silently_and_never_hits() {
    let scene = Scene::new(&format!("{TERMS}\nrefuse_silently = true"));
    let subject = scene.stranger(9, NAME);
    let check = scene.draft(stays(&scene, &[subject], 20)).unwrap();
    scene.authorise(check).unwrap();
    let request = scene.request();
    let spent = mithaq_check::Request { case: request.case, ..scene.forged(1, 96) };
    scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    scene.run();
    assert_eq!(row(scene.es(), check).state, CheckState::Refused);
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit);
    assert_eq!(state(scene.ma(), check), StandingState::Placed, "it looks like any other");
    assert_eq!(tokens(scene.es(), check), 0, "and holds nothing");
    learns(&scene, 70);
    days(&scene, 2);
    assert_eq!((row(scene.ma(), check).hits, row(scene.es(), check).hits), (0, 0));
}

#[test]
fn a_person_who_met_in_the_check_itself_is_not_found_again() {
    let scene = scene();
    let unknown = scene.stranger(9, NAME);
    let check = scene.draft(stays(&scene, &[scene.ours, unknown], 30)).unwrap();
    scene.authorise(check).unwrap();
    scene.run();
    assert_eq!(row(scene.ma(), check).hits, 1);
    assert_eq!(state(scene.es(), check), StandingState::Placed);
    days(&scene, 2);
    assert_eq!((row(scene.ma(), check).hits, row(scene.es(), check).hits), (1, 1));
    learns(&scene, 70);
    days(&scene, 1);
    assert_eq!((row(scene.ma(), check).hits, row(scene.es(), check).hits), (2, 2));
    let mine: Vec<SubjectId> =
        show(scene.ma(), check).candidates.iter().map(|(one, ..)| one.subject).collect();
    assert!(mine.contains(&scene.ours) && mine.contains(&unknown));
}

#[test]
fn a_partner_that_will_not_keep_it_is_told_of_and_one_that_lies_is_refused() {
    let scene = scene();
    let subject = scene.stranger(9, NAME);
    let check = scene.draft(stays(&scene, &[subject], 20)).unwrap();
    scene.authorise(check).unwrap();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    let answer = scene.answer(&call).unwrap();
    scene.ma().app.check_answered(&scene.es().party, &call, Some(&answer)).unwrap();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Standing).unwrap();
    let es = &scene.es().party;
    // An answer about another check, and none at all.
    let other = StandingAnswer::Stands { until: None, hits: Vec::new() }.to_bytes(&[9; 16]);
    let taken = scene.ma().app.check_answered(es, &call, Some(&other));
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    assert_eq!(state(scene.ma(), check), StandingState::Placing);
    // A hit on what was never asked is nothing.
    let until = Some(now(&scene).plus(Days(20)));
    let lie = StandingAnswer::Stands { until, hits: vec![([5; 32], [6; 16])] }.to_bytes(check.as_bytes());
    scene.ma().app.check_answered(es, &call, Some(&lie)).unwrap();
    assert_eq!((state(scene.ma(), check), row(scene.ma(), check).hits), (StandingState::Placed, 0));
    let none = placed_by(&scene, 10, "Kouadio Yao");
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Standing).unwrap();
    scene.ma().app.check_answered(es, &call, None).unwrap();
    assert_eq!((state(scene.ma(), none), tokens(scene.ma(), none)), (StandingState::Refused, 0));
    assert_eq!(scene.ma().count("check.standing_refused_there"), 1);
    close(scene.ma(), none).unwrap();
}

/// Asked and answered; the question is about to be placed.
fn placed_by(scene: &Scene, number: u8, name: &str) -> ObjectId {
    let subject = scene
        .ma()
        .add_subject(scene.ma_case, subject_named(number, name, SubjectClass::SuspectCommitted, MA));
    let check = scene.draft(stays(scene, &[subject], 20)).unwrap();
    scene.authorise(check).unwrap();
    scene.world.clock.0.advance(Millis(1));
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    let answer = scene.answer(&call).unwrap();
    scene.ma().app.check_answered(&scene.es().party, &call, Some(&answer)).unwrap();
    check
}
