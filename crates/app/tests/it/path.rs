//! The way of one report: written, released, carried, accepted, read, taken back.

use mithaq_app::{ErrorKind, intent};
use mithaq_model::{CrimeArea, ObjectId, Purpose, ReportState};
use mithaq_testkit::text;
use mithaq_wire::OrderReason;

use crate::world::World;

#[test]
fn a_report_goes_its_whole_way_and_comes_back_signed() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (head, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert_eq!(head.state, ReportState::Acknowledged);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].answers.stored.is_some(), "R1");
    assert_eq!(sent[0].answers.verdict.as_ref().unwrap().0, "accepted", "R2");
    assert!(sent[0].answers.read.is_none());

    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    let report = world.es().read(case, number).unwrap();
    assert_eq!(report.title.reveal(), "Recruiter travelling with three young people");
    assert_eq!(report.subjects.len(), 1);
    world.settle();
    let (_, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert!(sent[0].answers.read.is_some(), "R3");
    assert_eq!(world.es().count("report.read"), 1);
    assert_eq!(world.ma().count("report.released"), 1);
}
