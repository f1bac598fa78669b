//! The way of one report: written, released, carried, accepted, read, taken back.

use mithaq_app::{ErrorKind, intent};
use mithaq_model::{CrimeArea, Purpose, ReportState};
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
    // A second reading is an entry, not a second receipt.
    world.es().read(case, number).unwrap();
    assert_eq!(world.es().count("report.read"), 2);
    assert_eq!(world.carry(1, 0), 0);
}

#[test]
fn each_message_has_its_entries_and_they_commit_to_its_envelope() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Inaccurate).unwrap();
    world.settle();
    let (ma, es) = (world.ma(), world.es());
    for (sender, receiver, messages) in [(ma, es, 2), (es, ma, 1)] {
        let queued = sender.commitments("message.queued");
        assert_eq!(queued.len(), messages);
        assert!(queued.iter().all(Option::is_some));
        assert_eq!(sender.commitments("message.decided"), queued);
        assert_eq!(receiver.commitments("message.taken"), queued);
    }
}

#[test]
fn reading_takes_a_case_a_purpose_and_a_reason() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    let es = world.es();
    let case = es.case(CrimeArea::ForeignTerroristFighters);
    let work = es.actor("analyst").may(intent::WorkCase).unwrap();
    let short = es.app.enter_case(work, case, Purpose::Investigate, &text("x")).unwrap_err();
    assert_eq!(short.code(), "input.reason");
    let other = es.app.enter_case(work, case, Purpose::Prosecute, &text("Another purpose")).unwrap_err();
    assert_eq!(other.code(), "case.purpose");
    assert!(es.entries().iter().any(|(kind, _, verdict)| kind == "case.entered" && verdict == "CASE"));
    // Another human's access is no access.
    let may = es.actor("officer").may(intent::ReadReport).unwrap();
    let access = es.enter("analyst", case);
    let stolen = es.app.read_report(may, &access, number, &text("Looking at it")).unwrap_err();
    assert_eq!(stolen.kind(), ErrorKind::NotFound);
    // Who governs the node holds no role that reads.
    let admin = es.actor("admin");
    assert_eq!(admin.may(intent::ReadReport).unwrap_err().code(), "role.report.read");
    assert_eq!(admin.may(intent::WorkCase).unwrap_err().kind(), ErrorKind::Forbidden);
    // Once read in one case it is not read in another.
    es.read(case, number).unwrap();
    let elsewhere = es.case(CrimeArea::Corruption);
    assert_eq!(es.read(elsewhere, number).unwrap_err().kind(), ErrorKind::NotFound);
    let refused =
        es.entries().into_iter().filter(|(kind, _, verdict)| kind == "report.read" && verdict != "permit");
    assert_eq!(refused.count(), 1, "a refused reading is an entry");
}

#[test]
fn a_closed_case_opens_nothing() {
    let world = World::new();
    let es = world.es();
    let case = es.case(CrimeArea::Corruption);
    es.app.close_case(es.actor("supervisor").may(intent::GovernCase).unwrap(), case).unwrap();
    let work = es.actor("analyst").may(intent::WorkCase).unwrap();
    let refused = es.app.enter_case(work, case, Purpose::Investigate, &text("Once more")).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Refused, "case.not_open_to_you"));
}

#[test]
fn a_recall_reaches_a_partner_that_was_away() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    world.es().read(case, number).unwrap();
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    assert_eq!(world.ma().app.recall_report(may, number, OrderReason::Inaccurate).unwrap(), 1);
    let twice = world.ma().app.recall_report(may, number, OrderReason::Inaccurate).unwrap_err();
    assert_eq!(twice.code(), "report.not_released");
    world.clock.0.advance(mithaq_model::Days(2));
    world.settle();
    let gone = world.es().read(case, number).unwrap_err();
    assert!(gone.code().starts_with("report.locked") || gone.kind() == ErrorKind::NotFound, "{gone}");
    assert_eq!(world.es().count("report.erased"), 1);
    let reader = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (head, sent) = world.ma().app.receipts_of(reader, number).unwrap();
    assert_eq!(head.state, ReportState::Recalled);
    assert!(sent[0].answers.erased.is_some(), "R4");
}

#[test]
fn what_was_announced_is_drained_before_anything_is_read() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.announce(0, 1);
    let locked = world.es().read(case, number).unwrap_err();
    assert_eq!(locked.code(), "report.locked.control");
    world.settle();
    assert!(world.es().read(case, number).is_err());
    let reader = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (_, sent) = world.ma().app.receipts_of(reader, number).unwrap();
    assert!(sent[0].answers.erased.is_some() && sent[0].answers.read.is_none());
}

#[test]
fn a_recall_that_is_sent_with_its_report_is_taken_first() {
    let mut world = World::new();
    let (_, number) = world.released();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Misdirected).unwrap();
    world.settle();
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    assert!(world.es().read(case, number).is_err());
}
