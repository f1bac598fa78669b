//! Legal and oversight holds: what is held is neither disclosed nor erased by time; a partner's order still counts.

use mithaq_app::{AppError, HoldScope, Use, intent};
use mithaq_model::{CaseId, CrimeArea, Days, ReportId, ReportState};
use mithaq_testkit::text;

use crate::world::{Node, World, ground, recruiter};

fn set(node: &Node, login: &str, scope: HoldScope) -> Result<(), AppError> {
    let may = node.actor(login).may(intent::GovernHold).unwrap();
    node.app.set_hold(may, scope, &ground())
}

fn lift(node: &Node, login: &str, scope: HoldScope) -> Result<(), AppError> {
    let may = node.actor(login).may(intent::GovernHold).unwrap();
    node.app.lift_hold(may, scope, &ground())
}

fn ready(world: &World, person: u8) -> (CaseId, ReportId) {
    let case = world.ma().case(CrimeArea::ForeignTerroristFighters);
    let subject = world.ma().add_subject(case, recruiter(person));
    (case, world.ma().ready(case, world.report(&[subject])))
}

#[test]
fn a_held_case_discloses_nothing_until_who_set_it_lifts_it() {
    let world = World::new();
    let ma = world.ma();
    let (case, number) = ready(&world, 7);
    set(ma, "legal", HoldScope::Case(case)).unwrap();
    let no = ma.release(number, &Use::default()).unwrap_err();
    assert_eq!((no.step(), no.code()), (Some(3), "release.HOLD"));
    assert_eq!(set(ma, "legal", HoldScope::Case(case)).unwrap_err().code(), "hold.stands");
    assert_eq!(lift(ma, "dpo", HoldScope::Case(case)).unwrap_err().code(), "hold.none", "another role's");
    let (_, other) = ready(&world, 8);
    ma.release(other, &Use::default()).unwrap();
    lift(ma, "legal", HoldScope::Case(case)).unwrap();
    ma.release(number, &Use::default()).unwrap();
    assert_eq!((ma.count("hold.set"), ma.count("hold.lifted")), (1, 1));
}

#[test]
fn who_oversees_lifts_any_hold_and_nobody_lifts_theirs() {
    let world = World::new();
    let ma = world.ma();
    let (_, number) = ready(&world, 7);
    let scope = HoldScope::Report(number);
    set(ma, "oversight", scope).unwrap();
    set(ma, "dpo", scope).unwrap();
    lift(ma, "dpo", scope).unwrap();
    let no = ma.release(number, &Use::default()).unwrap_err();
    assert_eq!(no.code(), "release.HOLD", "oversight's stands");
    assert_eq!(lift(ma, "legal", scope).unwrap_err().code(), "hold.none");
    lift(ma, "oversight", scope).unwrap();
    ma.release(number, &Use::default()).unwrap();
    for login in ["analyst", "supervisor", "spoc", "admin"] {
        assert!(ma.actor(login).may(intent::GovernHold).is_err(), "{login}");
    }
}

#[test]
fn what_is_held_outlives_its_last_day_but_not_its_originator() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    set(world.es(), "dpo", HoldScope::Report(number)).unwrap();
    set(world.ma(), "dpo", HoldScope::Report(number)).unwrap();
    world.clock.0.advance(Days(3_650));
    assert_eq!(world.es().app.erase_expired_reports(100).unwrap(), 0);
    assert_eq!(world.ma().app.erase_expired_reports(100).unwrap(), 0);
    lift(world.ma(), "dpo", HoldScope::Report(number)).unwrap();
    assert_eq!(world.ma().app.erase_expired_reports(100).unwrap(), 1);
    assert_eq!(world.es().app.erase_expired_reports(100).unwrap(), 0, "each node's own");
}

#[test]
fn a_partners_recall_is_obeyed_whatever_is_held_here() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    set(world.es(), "dpo", HoldScope::Report(number)).unwrap();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, mithaq_wire::OrderReason::Rights).unwrap();
    world.settle();
    let may = world.es().actor("supervisor").may(intent::ReadReport).unwrap();
    let (head, _) = world.es().app.receipts_of(may, number).unwrap();
    assert_eq!(head.state, ReportState::Recalled);
}

#[test]
fn a_hold_has_a_ground_and_something_to_hold() {
    let world = World::new();
    let may = world.ma().actor("dpo").may(intent::GovernHold).unwrap();
    let (case, _) = ready(&world, 7);
    let bare = world.ma().app.set_hold(may, HoldScope::Case(case), &text("because")).unwrap_err();
    assert_eq!(bare.code(), "input.ground");
    let ghost = set(world.ma(), "dpo", HoldScope::Case(CaseId::new([0x77; 16]))).unwrap_err();
    assert_eq!(ghost.kind(), mithaq_app::ErrorKind::NotFound);
    let ghost = set(world.ma(), "dpo", HoldScope::Report(ReportId::new([0x77; 16]))).unwrap_err();
    assert_eq!(ghost.kind(), mithaq_app::ErrorKind::NotFound);
    assert_eq!(world.ma().count("hold.set"), 0);
}
