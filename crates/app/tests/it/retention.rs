//! What has an end ends: by the originator's order, by the rules of who holds it, by the node's timer.

use mithaq_app::intent;
use mithaq_model::{CrimeArea, Days, ReportState, Timestamp};

use crate::world::{World, recruiter};

fn expire(
    world: &World,
    number: mithaq_model::ReportId,
    at: Timestamp,
) -> Result<usize, mithaq_app::AppError> {
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.expire_report(may, number, at)
}

#[test]
fn an_earlier_last_day_locks_and_erases_every_copy() {
    let mut world = World::new();
    let (own_case, number) = world.released();
    world.settle();
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    world.es().read(case, number).unwrap();
    let now = world.clock.0.now();
    assert_eq!(expire(&world, number, now.plus(Days(10))).unwrap(), 1);
    world.settle();
    assert_eq!(world.es().count("report.expiry_set"), 1);
    world.clock.0.advance(Days(9));
    assert_eq!(world.es().app.erase_expired_reports(100).unwrap(), 0);
    world.announce(0, 1);
    world.es().read(case, number).unwrap();
    world.clock.0.advance(Days(2));
    world.announce(0, 1);
    assert_eq!(world.es().read(case, number).unwrap_err().code(), "report.locked.expired");
    assert_eq!(world.es().app.erase_expired_reports(100).unwrap(), 1);
    assert_eq!(world.es().app.erase_expired_reports(100).unwrap(), 0);
    assert!(
        world.es().entries().iter().any(|(kind, _, verdict)| kind == "report.erased" && verdict == "RET")
    );
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (_, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert!(sent[0].answers.erased.is_some(), "R4");
    // The originator's own copy ends on the same day.
    assert_eq!(world.ma().app.erase_expired_reports(100).unwrap(), 1);
    let (head, _) = world.ma().app.receipts_of(may, number).unwrap();
    assert_eq!(head.state, ReportState::Erased);
    assert!(world.ma().read(own_case, number).is_err());
}

#[test]
fn a_day_that_is_later_past_or_anothers_is_refused() {
    let mut world = World::new();
    let (case, number) = world.released();
    world.settle();
    let now = world.clock.0.now();
    for at in [now, now.minus(Days(1)), Timestamp::parse("2027-05-01").unwrap(), Timestamp::MAX] {
        assert_eq!(expire(&world, number, at).unwrap_err().code(), "input.expires");
    }
    let draft = world.ma().draft(case, world.report(&[]));
    assert_eq!(expire(&world, draft, now.plus(Days(5))).unwrap_err().code(), "report.not_released");
    let may = world.es().actor("supervisor").may(intent::RecallReport).unwrap();
    let foreign = world.es().app.expire_report(may, number, now.plus(Days(5))).unwrap_err();
    assert_eq!(foreign.kind(), mithaq_app::ErrorKind::NotFound);
    assert_eq!(world.ma().count("refused.report.recall"), 5);
    assert!(world.ma().actor("analyst").may(intent::RecallReport).is_err());
}

#[test]
fn the_receiver_keeps_no_longer_than_its_agreement_says() {
    let mut world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(7));
    let number = ma.ready(case, world.report(&[subject]));
    ma.release(number, &mithaq_app::Use::default()).unwrap();
    // It waits for most of its time, so that the agreement's cap, counted from its arrival, is not what binds.
    world.settle();
    let may = world.es().actor("supervisor").may(intent::ReadReport).unwrap();
    let (head, _) = world.es().app.receipts_of(may, number).unwrap();
    let agreement = world.es().app.registry().agreements[&world.agreement].clone();
    let cap = agreement.agreement().retention(Some(mithaq_model::SubjectClass::SuspectCommitted));
    let latest = world.clock.0.now().plus(cap);
    assert!(head.expires <= latest && head.expires <= Timestamp::parse("2027-05-01").unwrap());
}

#[test]
fn a_draft_that_nobody_released_ends_too() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let mut new = world.report(&[]);
    new.expires = world.clock.0.now().plus(Days(2));
    let number = ma.draft(case, new);
    world.clock.0.advance(Days(2));
    assert_eq!(ma.app.erase_expired_reports(100).unwrap(), 1);
    assert!(ma.read(case, number).is_err());
    assert_eq!(ma.count("report.erased"), 1);
}
