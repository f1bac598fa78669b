//! Alarms: somebody other than whom they are about says that they were seen to, and it shows who, when and why.

use mithaq_app::{AppError, HoldScope, Use, intent};
use mithaq_model::{CaseId, CrimeArea, Days, Millis, ObjectId, OfficerId, Role, Timestamp};
use mithaq_store::alarms::{Alarm, Rung};
use mithaq_testkit::{party, text};
use mithaq_wire::OrderReason;

use crate::onward::{Chain, until};
use crate::world::{CI, ES, Node, World, grade, ground, recruiter};

fn open(node: &Node) -> Vec<Alarm> {
    node.app.alarms(node.actor("admin").may(intent::ReadHealth).unwrap()).unwrap()
}

fn all(node: &Node) -> Vec<Rung> {
    node.app.rung_alarms(node.actor("admin").may(intent::ReadHealth).unwrap()).unwrap()
}

fn see_to(node: &Node, login: &str, alarm: &Alarm) -> Result<(), AppError> {
    let may = node.actor(login).may(intent::SeeToAlarm)?;
    node.app.see_to_alarm(may, ObjectId::new(alarm.id), &ground())
}

/// A hold that the data-protection officer set rings.
fn held(node: &Node) -> Alarm {
    let case = node.case(CrimeArea::ForeignTerroristFighters);
    let may = node.actor("dpo").may(intent::GovernHold).unwrap();
    node.app.set_hold(may, HoldScope::Case(case), &ground()).unwrap();
    open(node).into_iter().find(|alarm| alarm.kind == "hold.set").unwrap()
}

#[test]
fn an_alarm_is_seen_to_by_another_person_and_shows_who_when_and_why() {
    let world = World::new();
    let ma = world.ma();
    let alarm = held(ma);
    assert_eq!(see_to(ma, "dpo", &alarm).unwrap_err().code(), "alarm.own", "who set the hold");
    assert!(open(ma).contains(&alarm));
    see_to(ma, "security", &alarm).unwrap();
    assert!(!open(ma).contains(&alarm), "it is open no longer");
    let seen = all(ma).into_iter().find(|rung| rung.alarm == alarm).unwrap().seen;
    assert_eq!(seen.map(|(officer, _)| officer), Some(ma.id("security")));
    assert_eq!(ma.count("alarm.acknowledged"), 1);
    let may = ma.actor("legal").may(intent::ReadRulings).unwrap();
    let rulings = ma.app.rulings(may, Timestamp::from_millis(0)).unwrap();
    let (word, why) = rulings.iter().find(|(ruling, _)| ruling.about.matter == "alarm").unwrap();
    assert_eq!((word.about.object, word.officer), (ObjectId::new(alarm.id), ma.id("security")));
    assert_eq!(why.as_ref(), Some(&ground()));
    assert_eq!(see_to(ma, "spoc", &alarm).unwrap_err().code(), "alarm.seen", "once");
}

/// A further officer in two roles, who works a case.
fn join(node: &Node, case: CaseId, login: &str, roles: &[Role]) -> OfficerId {
    let officer = node.hire(login, roles);
    let may = node.actor("supervisor").may(intent::GovernCase).unwrap();
    node.app.assign_to_case(may, case, officer).unwrap();
    officer
}

fn of_kind(node: &Node, kind: &str) -> Alarm {
    open(node).into_iter().find(|alarm| alarm.kind == kind).unwrap()
}

#[test]
fn who_wrote_a_report_does_not_see_to_the_alarm_about_its_erasure() {
    let mut world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    join(ma, case, "author", &[Role::Analyst, Role::Dpo]);
    let new = world.report(&[ma.add_subject(case, recruiter(7))]);
    let may = ma.actor("author").may(intent::WriteReport).unwrap();
    let access = ma.enter("author", case);
    let number = ma.app.draft_report(may, &access, new).unwrap();
    ma.app.grade_report(may, &access, number, grade()).unwrap();
    ma.review(case, number).unwrap();
    for login in ["supervisor", "spoc"] {
        ma.approve(login, number).unwrap();
    }
    ma.release(number, &Use::default()).unwrap();
    world.carry(0, 1);
    let ma = world.ma();
    let may = ma.actor("supervisor").may(intent::RecallReport).unwrap();
    ma.app.recall_report(may, number, OrderReason::Inaccurate).unwrap();
    world.clock.0.advance(Days(3));
    world.clock.0.advance(Millis::hours(1));
    assert_eq!(ma.app.remind_unproven().unwrap(), 1);
    let alarm = of_kind(ma, "erasure.not_proven");
    assert_eq!(alarm.reference, format!("{number} {ES}"));
    assert_eq!(see_to(ma, "author", &alarm).unwrap_err().code(), "alarm.own");
    see_to(ma, "dpo", &alarm).unwrap();
}

#[test]
fn who_asked_for_a_consent_does_not_see_to_the_alarm_about_it() {
    let mut chain = Chain::new();
    let es = chain.es();
    join(es, chain.at_es, "asker", &[Role::Supervisor, Role::Spoc]);
    let may = es.actor("asker").may(intent::AskConsent).unwrap();
    let (access, why) =
        (es.enter("asker", chain.at_es), text("The court there has a case on the same ferry"));
    let id = es.app.ask_consent(may, &access, chain.number, (&party(CI), until()), &why).unwrap();
    chain.rest();
    chain.grant("supervisor", id).unwrap();
    assert!(chain.grant("legal", id).unwrap());
    chain.rest();
    let alarm = of_kind(chain.es(), "onward.granted");
    assert_eq!(see_to(chain.es(), "asker", &alarm).unwrap_err().code(), "alarm.own");
    see_to(chain.es(), "spoc", &alarm).unwrap();
}

#[test]
fn who_may_not_see_to_an_alarm_changes_nothing() {
    let world = World::new();
    let ma = world.ma();
    let alarm = held(ma);
    for login in ["analyst", "supervisor", "legal", "admin", "oversight"] {
        assert!(see_to(ma, login, &alarm).is_err(), "{login}");
    }
    let may = ma.actor("security").may(intent::SeeToAlarm).unwrap();
    let number = ObjectId::new(alarm.id);
    assert_eq!(ma.app.see_to_alarm(may, number, &text("seen")).unwrap_err().code(), "input.ground");
    let other = ma.app.see_to_alarm(may, ObjectId::new([9; 16]), &ground()).unwrap_err();
    assert_eq!(other.code(), AppError::not_found().code());
    assert!(open(ma).contains(&alarm));
    assert_eq!(ma.count("alarm.acknowledged"), 0);
}
