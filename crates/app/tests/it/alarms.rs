//! Alarms: somebody other than whom they are about says that they were seen to, and it shows who, when and why.

use mithaq_app::{AppError, HoldScope, intent};
use mithaq_model::{CrimeArea, ObjectId, Timestamp};
use mithaq_store::alarms::{Alarm, Rung};
use mithaq_testkit::text;

use crate::world::{Node, World, ground};

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
