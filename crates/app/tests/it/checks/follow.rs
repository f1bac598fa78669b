//! After the hit: said, cleared, lapsed, overdue.

use mithaq_app::{Cell, CheckKind, ErrorKind, JudgedAs, intent};
use mithaq_check::CheckState;
use mithaq_model::{CrimeArea, Days, Millis, ObjectId, SubjectClass};
use mithaq_store::reports::Direction;
use mithaq_testkit::{subject_named, text};

use super::{
    CAPS, Scene, candidate, close, code, compare, compared, judge, later, opening, refusal, release, row,
    show, show_at_desk, stored,
};
use crate::world::ES;

/// Asked, met, compared, and both sides said the same person.
fn confirmed(scene: &Scene) -> (ObjectId, ObjectId) {
    let check = scene.asked();
    scene.run();
    let at = candidate(scene, check);
    compared(scene, at);
    judge(scene.ma(), scene.ma_case, at, JudgedAs::Same).unwrap();
    judge(scene.es(), scene.es_case, at, JudgedAs::Same).unwrap();
    later(scene);
    at
}

#[test]
fn one_who_says_another_person_ends_it_and_counts() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    assert_eq!(code(close(scene.ma(), check)), "check.not_ended");
    compared(&scene, at);
    judge(scene.es(), scene.es_case, at, JudgedAs::Other).unwrap();
    later(&scene);
    assert_eq!((row(scene.ma(), check).rejected, row(scene.es(), check).rejected), (1, 1));
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.stage");
    let may = scene.ma().actor("dpo").may(intent::ReadFigures).unwrap();
    let now = scene.world.clock.0.now();
    let figures = scene.ma().app.check_figures(may, (now.minus(Days(60)), now.plus(Days(1)))).unwrap();
    assert_eq!(figures.rows.len(), 1);
    close(scene.ma(), check).unwrap();
}

#[test]
fn who_was_cleared_after_both_had_confirmed_is_rejected_on_both_sides() {
    let scene = Scene::new(CAPS);
    let at = confirmed(&scene);
    judge(scene.ma(), scene.ma_case, at, JudgedAs::Cleared).unwrap();
    later(&scene);
    for node in [scene.ma(), scene.es()] {
        let one = row(node, at.0);
        assert_eq!((one.confirmed, one.rejected), (0, 1), "{}", node.party);
    }
}

#[test]
fn another_case_sees_and_says_nothing() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    let other = scene.ma().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(code(compare(scene.ma(), other, at)), "object.not_found");
    let elsewhere = scene.es().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(code(compare(scene.es(), elsewhere, at)), "object.not_found");
    // Who works no case of it sees nothing; the desk sees no year.
    for (node, direction) in [(scene.ma(), Direction::Own), (scene.es(), Direction::Received)] {
        node.hire("outsider", &[mithaq_model::Role::Analyst]);
        let may = node.actor("outsider").may(intent::ReadCheck).unwrap();
        let seen = node.app.show_check(may, check, &text("Merely curious about it"));
        assert_eq!(seen.unwrap_err().kind(), ErrorKind::NotFound);
        for (login, count) in [("outsider", 0), ("analyst", 1), ("spoc", 1)] {
            let may = node.actor(login).may(intent::ReadCheck).unwrap();
            assert_eq!(node.app.checks(may, direction).unwrap().len(), count, "{login} at {}", node.party);
        }
    }
    compared(&scene, at);
    let (_, ours, theirs) = show_at_desk(scene.ma(), check).candidates[0].clone();
    assert!(ours.is_none() && theirs.is_none());
}

#[test]
fn the_clock_ends_what_nobody_answers_or_looks_at() {
    let scene = Scene::new(CAPS);
    let waiting = scene.asked();
    scene.world.clock.0.advance(Millis::hours(25));
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(row(scene.ma(), waiting).outcome.as_deref(), Some("check.timeout"));
    assert!(!scene.calls().iter().any(|call| call.kind == CheckKind::Request));

    scene.run();
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    scene.world.clock.0.advance(Days(15));
    for node in [scene.ma(), scene.es()] {
        node.app.tick_checks().unwrap();
        assert_eq!(node.count("check.lapsed"), 1, "{}", node.party);
    }
    assert_eq!(code(compare(scene.ma(), scene.ma_case, at)), "check.stage");
    scene.world.clock.0.advance(Days(20));
    for node in [scene.ma(), scene.es()] {
        node.app.tick_checks().unwrap();
        assert_eq!(row(node, check).state, CheckState::Closed, "{}", node.party);
    }
}

#[test]
fn what_a_partner_never_exchanges_or_hears_keeps_no_secret_alive() {
    for told in [true, false] {
        let scene = Scene::new(CAPS);
        let at = confirmed(&scene);
        let check = at.0;
        if !told {
            // Said here, and the partner is never there again.
            release(scene.ma(), scene.ma_case, at, refusal()).unwrap();
        }
        scene.world.clock.0.advance(Days(15));
        scene.ma().app.tick_checks().unwrap();
        assert_eq!(scene.ma().count("check.lapsed"), 0, "the time after the 48 hours is not over");
        scene.world.clock.0.advance(Days(2));
        for node in [scene.ma(), scene.es()] {
            node.app.tick_checks().unwrap();
            assert_eq!(node.count("check.lapsed"), 1, "{}", node.party);
            assert_eq!(row(node, check).confirmed, 1, "the figure stays");
        }
        assert_eq!(code(release(scene.es(), scene.es_case, at, refusal())), "check.stage");
        scene.world.clock.0.advance(Days(14));
        for node in [scene.ma(), scene.es()] {
            node.app.tick_checks().unwrap();
            assert_eq!(row(node, check).state, CheckState::Closed, "{}", node.party);
            assert_eq!((stored(node, check), opening(node, check)), (None, None), "{}", node.party);
        }
    }
}

#[test]
fn a_partner_that_cannot_be_told_is_not_waited_for_for_ever() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    judge(scene.ma(), scene.ma_case, at, JudgedAs::Other).unwrap();
    scene.world.clock.0.advance(Days(45));
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit, "it is to be told");
    scene.world.clock.0.advance(Days(15));
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(scene.ma().count("check.untold"), 1);
    assert_eq!(row(scene.ma(), check).state, CheckState::Closed);
    assert_eq!((stored(scene.ma(), check), opening(scene.ma(), check)), (None, None));
}

#[test]
fn core_data_that_is_overdue_is_an_alarm() {
    let scene = Scene::new(CAPS);
    confirmed(&scene);
    scene.world.clock.0.advance(Millis::hours(49));
    scene.ma().app.tick_checks().unwrap();
    let may = scene.ma().actor("spoc").may(intent::ReadHealth).unwrap();
    assert!(scene.ma().app.alarms(may).unwrap().iter().any(|alarm| alarm.kind == "check.core_overdue"));
}

#[test]
fn a_partner_whose_hits_are_chance_shows_in_the_figures_of_both() {
    // Its set says yes to whoever is asked about; none of them is its person.
    let scene = Scene::new(CAPS);
    let names = ["Yusuf Karabulut", "Kouadio Yao", "Amina Zerhouni", "Bilal Otmani"];
    let mut rejected = 0_u64;
    for (at, name) in (0_u8..).zip(names) {
        for copy in 0..3 {
            let number = 20 + 3 * at + copy;
            let suspect = SubjectClass::SuspectCommitted;
            scene.es().add_subject(scene.es_case, subject_named(60 + number, name, suspect, ES));
            scene.publish();
            let subject = scene.stranger(number, name);
            let check = scene.draft(scene.new_check(&[subject])).unwrap();
            scene.authorise(check).unwrap();
            scene.run();
            for (one, ..) in show(scene.ma(), check).candidates {
                let at = (check, one.handle);
                compared(&scene, at);
                judge(scene.ma(), scene.ma_case, at, JudgedAs::Other).unwrap();
                later(&scene);
                rejected += 1;
            }
        }
    }
    assert!(rejected >= 12, "{rejected}");
    let now = scene.world.clock.0.now();
    for node in [scene.ma(), scene.es()] {
        let may = node.actor("oversight").may(intent::ReadFigures).unwrap();
        let figures = node.app.check_figures(may, (now.minus(Days(60)), now.plus(Days(1)))).unwrap();
        assert_eq!(figures.rows.len(), 1);
        let row = &figures.rows[0];
        assert_eq!((row.rejected, row.confirmed), (Cell::Count(rejected), Cell::Count(0)), "{}", node.party);
        assert_eq!(row.false_per_mille, Some(1_000));
    }
}
