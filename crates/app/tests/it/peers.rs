//! What other machines can try: again, changed, in another's name, at another's door.

use mithaq_app::ErrorKind;
use mithaq_model::CrimeArea;

use crate::world::{CI, ES, MA, World};

/// The first node's report as the batch that carried it.
fn carried() -> (World, Vec<u8>) {
    let mut world = World::new();
    world.released();
    world.carry(0, 1);
    let body = world.carried[0].2.clone();
    (world, body)
}

#[test]
fn the_same_batch_again_gets_the_same_answer_and_one_report() {
    let mut world = World::new();
    world.released();
    let node = world.ma();
    let peer = world.es().party.clone();
    let mut windows = mithaq_app::Windows::default();
    let batch = node.app.next_batch(&mut windows, &peer).unwrap().unwrap();
    let first = world.es().app.receive_batch(&world.ma().party, &batch.body).unwrap();
    let again = world.es().app.receive_batch(&world.ma().party, &batch.body).unwrap();
    assert_eq!(first, again);
    assert_eq!(world.es().count("report.received"), 1);
    // The sender that lost the answer sends again after a while.
    let mut windows = mithaq_app::Windows::default();
    let lost = world.ma().app.next_batch(&mut windows, &peer).unwrap().unwrap();
    world.ma().app.settle_batch(&mut windows, lost, None).unwrap();
    world.clock.0.advance(mithaq_model::Millis::hours(2));
    world.settle();
    assert_eq!(world.es().count("report.received"), 1);
}

#[test]
fn an_answer_that_is_no_answer_loses_nothing() {
    let mut world = World::new();
    let (_, number) = world.released();
    let peer = world.es().party.clone();
    let mut windows = mithaq_app::Windows::default();
    let batch = world.ma().app.next_batch(&mut windows, &peer).unwrap().unwrap();
    world.ma().app.settle_batch(&mut windows, batch, Some(b"<html>502</html>")).unwrap();
    world.clock.0.advance(mithaq_model::Millis::hours(2));
    world.settle();
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    world.es().read(case, number).unwrap();
}

#[test]
fn what_is_no_batch_is_an_entry_and_a_flood_of_it_a_few() {
    let (world, body) = carried();
    let (es, ma) = (world.es(), &world.ma().party);
    let cut = body.get(..body.len() - 1).unwrap();
    assert_eq!(es.app.receive_batch(ma, cut).unwrap_err().kind(), ErrorKind::Invalid);
    let entries = es.entries();
    let entry = entries.iter().find(|(kind, _, _)| kind == "batch.refused").unwrap();
    assert_eq!((entry.1.as_str(), entry.2.as_str()), (ma.as_str(), "input.batch"));
    for _ in 0..255 {
        assert!(es.app.receive_batch(ma, b"\xff\xff").is_err());
    }
    assert_eq!(es.count("batch.refused"), 16 + 4, "sixteen, and 32, 64, 128, 256");
    assert!(es.app.receive_batch(ma, &body).is_ok(), "and what is good is still taken");
}

#[test]
fn a_batch_in_anothers_name_is_refused() {
    let mut world = World::strangers(&[MA, ES, CI]);
    world.agreement = world.agree(0, 1, |text| text);
    world.agree(2, 1, |text| text);
    world.released();
    world.carry(0, 1);
    let body = world.carried[0].2.clone();
    let ci = world.nodes[2].party.clone();
    let wrong = world.es().app.receive_batch(&ci, &body).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    let unknown = mithaq_testkit::party("xx-nobody");
    assert_eq!(world.es().app.receive_batch(&unknown, &body).unwrap_err().kind(), ErrorKind::NotFound);
    // At another's door: no agreement with the sender there, or not addressed there.
    let ma = world.ma().party.clone();
    assert_eq!(world.nodes[2].app.receive_batch(&ma, &body).unwrap_err().kind(), ErrorKind::NotFound);
    world.agree(0, 2, |text| text.replace("version = 1", "version = 2"));
    assert_eq!(world.nodes[2].app.receive_batch(&ma, &body).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(world.nodes[2].count("report.received"), 0);
}

#[test]
fn a_changed_batch_is_refused_wherever_it_was_changed() {
    let (world, body) = carried();
    let fresh = World::new();
    assert_ne!(body.len(), 0);
    let step = body.len() / 97 + 1;
    for at in (0..body.len()).step_by(step) {
        let mut changed = body.clone();
        changed[at] ^= 0x01;
        if let Ok(answer) = fresh.es().app.receive_batch(&world.ma().party, &changed) {
            // Answered, but what was changed was not taken.
            let answer = mithaq_wire::decode_batch_answer(&answer).unwrap();
            assert!(answer.receipts.is_empty(), "byte {at}");
        }
    }
    for cut in [0, 1, body.len() / 2, body.len() - 1] {
        assert!(fresh.es().app.receive_batch(&world.ma().party, &body[..cut]).is_err(), "cut at {cut}");
    }
    assert_eq!(fresh.es().count("report.received"), 0);
}

#[test]
fn heads_are_told_to_partners_alone() {
    let world = World::new();
    let stranger = mithaq_testkit::party("xx-nobody");
    let error = world.ma().app.heads_for(&stranger, world.agreement).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let bad = world.ma().app.note_heads(&world.es().party, b"not heads").unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::PeerMisbehaved);
}

#[test]
fn what_nobody_took_is_declared_undelivered() {
    let world = World::new();
    let (_, number) = world.released();
    assert_eq!(world.ma().app.declare_overdue().unwrap(), 0);
    world.clock.0.advance(mithaq_model::Days(31));
    assert_eq!(world.ma().app.declare_overdue().unwrap(), 1);
    let may = world.ma().actor("supervisor").may(mithaq_app::intent::ReadReport).unwrap();
    let (_, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert!(sent[0].answers.undelivered.is_some(), "N1");
}
