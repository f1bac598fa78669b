//! The line that people carry, and the partner that fetches: the same batches, the same receipts.

use mithaq_app::{ErrorKind, ImportedVolume, Journey, intent};
use mithaq_envelope::{courier_digest, sign_courier};
use mithaq_model::{CrimeArea, ReportState, SubjectClass};
use mithaq_testkit::subject_named;
use mithaq_wire::{CourierHead, CourierKind, CourierPart, Lane, OrderReason, Position};

use crate::world::{CI, Node, World, soft};

const MEDIUM: &str = "medium-2026-17";
const SIZE: usize = 1024 * 1024;

/// Every volume of what waits at one node for another.
pub(crate) fn export(from: &Node, to: &Node, size: usize) -> Vec<Vec<u8>> {
    let may = from.actor("spoc").may(intent::Carry).unwrap();
    let (mut volumes, mut next) = (Vec::new(), None::<Journey>);
    loop {
        let made = from.app.export_volume(may, &to.party, MEDIUM, size, next).unwrap();
        assert_eq!(made.volume as usize, volumes.len() + 1);
        volumes.push(made.bytes);
        next = made.next;
        if next.is_none() {
            return volumes;
        }
    }
}

pub(crate) fn import(node: &Node, volume: &[u8]) -> ImportedVolume {
    node.app.import_volume(node.actor("admin").may(intent::Carry).unwrap(), MEDIUM, volume).unwrap()
}

/// Whether there is nothing to carry.
pub(crate) fn nothing_waits(from: &Node, to: &Node) -> bool {
    let may = from.actor("spoc").may(intent::Carry).unwrap();
    let made = from.app.export_volume(may, &to.party, MEDIUM, SIZE, None);
    made.is_err_and(|error| error.code() == "courier.nothing_waits")
}

/// A volume of answers that the second node signs for the first, with one part of class bulk.
pub(crate) fn answer_with(world: &World, bytes: Vec<u8>) -> Vec<u8> {
    let (es, digest) = (world.es(), courier_digest(&bytes));
    let head = CourierHead {
        kind: CourierKind::Answers,
        from: es.party.clone(),
        to: world.ma().party.clone(),
        journey: [1; 16],
        volume: 1,
        last: true,
        manifest: es.app.registry().own.as_ref().unwrap().hash(),
        made: es.app.now(),
        checkpoint: None,
        parts: vec![CourierPart { agreement: world.agreement, lane: Lane::Bulk, digest }],
    };
    sign_courier(&head, &[bytes], &soft(32)).unwrap()
}

/// The code a volume is refused with; the refusal is an entry.
fn refused(node: &Node, volume: &[u8]) -> String {
    let before = node.count("refused.courier");
    let may = node.actor("admin").may(intent::Carry).unwrap();
    let error = node.app.import_volume(may, MEDIUM, volume).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.next_step().is_some());
    assert_eq!(node.count("refused.courier"), before + 1);
    assert!(node.entries().iter().any(|(kind, object, verdict)| kind == "refused.courier"
        && object == MEDIUM
        && verdict == error.code()));
    error.code().to_owned()
}

fn state(node: &Node, number: mithaq_model::ReportId) -> ReportState {
    let may = node.actor("supervisor").may(intent::ReadReport).unwrap();
    node.app.receipts_of(may, number).unwrap().0.state
}

/// So many released reports at the first node.
fn release_many(world: &World, many: u8) -> Vec<mithaq_model::ReportId> {
    let node = world.ma();
    let case = node.case(CrimeArea::ForeignTerroristFighters);
    let mut numbers = Vec::new();
    for n in 0..many {
        let subject =
            subject_named(100 + n, "Abdelhamid Tazerout", SubjectClass::SuspectCommitted, "ma-security");
        let subject = node.add_subject(case, subject);
        let number = node.ready(case, world.report(&[subject]));
        node.release(number, &mithaq_app::Use::default()).unwrap();
        numbers.push(number);
    }
    numbers
}

#[test]
fn a_report_goes_by_hand_and_its_receipt_comes_back() {
    let world = World::new();
    let (_, number) = world.released();
    let volumes = export(world.ma(), world.es(), SIZE);
    assert_eq!(volumes.len(), 1);
    let taken = import(world.es(), &volumes[0]);
    assert!(taken.last && taken.parts.iter().all(|part| part.stopped.is_none()), "{taken:?}");
    assert_eq!(
        state(world.ma(), number),
        ReportState::Released,
        "nothing is known before the receipt is back"
    );
    let back = import(world.ma(), &taken.answer.unwrap());
    assert!(back.answer.is_none() && back.parts.iter().all(|part| part.stopped.is_none()), "{back:?}");
    assert_eq!(state(world.ma(), number), ReportState::Acknowledged);

    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(world.es().read(case, number).unwrap().id, number);
    let media = |node: &Node, kind: &str| {
        node.entries().iter().filter(|(found, object, _)| found == kind && object == MEDIUM).count()
    };
    assert_eq!((media(world.ma(), "courier.exported"), media(world.es(), "courier.imported")), (1, 1));
    assert_eq!((media(world.es(), "courier.exported"), media(world.ma(), "courier.imported")), (1, 1));
}

#[test]
fn the_bytes_are_those_of_the_line() {
    let mut world = World::new();
    world.released();
    let volumes = export(world.ma(), world.es(), SIZE);
    let (parts, _) = mithaq_wire::decode_courier(&volumes[0]).unwrap();
    let carried: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
    world.carry(0, 1);
    let sent: Vec<Vec<u8>> = world.carried.iter().map(|(_, _, body)| body.clone()).collect();
    assert_eq!(carried, sent);
}

#[test]
fn a_volume_that_comes_twice_changes_nothing() {
    let mut world = World::new();
    let (_, number) = world.released();
    let volume = export(world.ma(), world.es(), SIZE).remove(0);
    let first = import(world.es(), &volume);
    let taken = world.es().count("message.taken");
    let second = import(world.es(), &volume);
    assert_eq!(world.es().count("message.taken"), taken, "nothing is taken twice");
    let parts = |imported: &ImportedVolume| {
        let answer = imported.answer.clone().unwrap();
        let (parts, _) = mithaq_wire::decode_courier(&answer).unwrap();
        parts.iter().map(|part| part.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(parts(&first), parts(&second), "a duplicate gets the receipt that was signed, byte for byte");
    let answer = first.answer.unwrap();
    import(world.ma(), &answer);
    let decided = world.ma().count("message.decided");
    import(world.ma(), &answer);
    assert_eq!(world.ma().count("message.decided"), decided);
    assert_eq!(state(world.ma(), number), ReportState::Acknowledged);
    // The line, when there is one, finds nothing left to do.
    assert_eq!(world.carry(0, 1), 0);
}

#[test]
fn what_goes_over_the_line_meanwhile_is_a_duplicate_by_hand() {
    let mut world = World::new();
    let (_, number) = world.released();
    let volume = export(world.ma(), world.es(), SIZE).remove(0);
    world.settle();
    let taken = world.es().count("message.taken");
    let late = import(world.es(), &volume);
    assert_eq!(world.es().count("message.taken"), taken);
    import(world.ma(), &late.answer.unwrap());
    assert_eq!(state(world.ma(), number), ReportState::Acknowledged);
    let nothing = world.ma().actor("spoc").may(intent::Carry).unwrap();
    let error = world.ma().app.export_volume(nothing, &world.es().party, MEDIUM, SIZE, None).unwrap_err();
    assert_eq!(error.code(), "courier.nothing_waits");
}

#[test]
fn a_volume_for_another_node_is_refused_there() {
    let world = World::strangers(&["ma-security", "es-police", CI]);
    let mut world = World { agreement: world.agree(0, 1, |text| text), ..world };
    world.agree(1, 2, |text| text);
    world.agree(0, 2, |text| text);
    world.released();
    let volume = export(world.ma(), world.es(), SIZE).remove(0);
    assert_eq!(refused(&world.nodes[2], &volume), "courier.other_node");
    assert_eq!(refused(world.ma(), &volume), "courier.other_node", "nor does its maker take it");
    import(world.es(), &volume);
    world.settle();
}

#[test]
fn a_volume_of_a_stranger_is_refused() {
    let world = World::new();
    world.released();
    let volume = export(world.ma(), world.es(), SIZE).remove(0);
    // The same two agencies by name, with an agreement of their own that nobody put into force here.
    let other = World::strangers(&["ma-security", "es-police"]);
    assert_eq!(refused(other.es(), &volume), "courier.signer");
    assert_eq!(other.es().count("message.taken"), 0);
}

#[test]
fn a_changed_byte_anywhere_and_every_half_is_refused() {
    let world = World::new();
    world.released();
    let volume = export(world.ma(), world.es(), SIZE).remove(0);
    let length = volume.len();
    let may = world.es().actor("admin").may(intent::Carry).unwrap();
    let open = |bytes: &[u8]| world.es().app.import_volume(may, MEDIUM, bytes);
    for at in (0..length).step_by(length / 61) {
        let mut changed = volume.clone();
        changed[at] ^= 0x10;
        let error = open(&changed).unwrap_err();
        assert!(error.code().starts_with("courier."), "byte {at}: {error}");
        let error = open(&volume[..at]).unwrap_err();
        assert_eq!(error.code(), "courier.malformed", "cut at {at}");
    }
    assert_eq!(world.es().count("message.taken"), 0, "nothing of any of them was taken");
    assert!(world.es().count("refused.courier") > 100, "each is an entry");
    // The parts of one volume under the signature of another.
    import(world.es(), &volume);
}

#[test]
fn parts_cannot_change_their_volume() {
    let world = World::new();
    world.released();
    let one = export(world.ma(), world.es(), SIZE).remove(0);
    release_many(&world, 1);
    let two = export(world.ma(), world.es(), SIZE).remove(0);
    let (parts, _) = mithaq_wire::decode_courier(&one).unwrap();
    let (_, signed) = mithaq_wire::decode_courier(&two).unwrap();
    assert_eq!(refused(world.es(), &mithaq_wire::encode_courier(&parts, signed)), "courier.parts");
}

#[test]
fn volumes_out_of_order_are_told_apart_and_end_alike() {
    let world = World::new();
    // More than one batch, so that a small volume holds some of them only.
    let numbers = release_many(&world, 20);
    let volumes = {
        let may = world.ma().actor("spoc").may(intent::Carry).unwrap();
        let first = world
            .ma()
            .app
            .export_volume(may, &world.es().party, MEDIUM, mithaq_app::VOLUME_MIN, None)
            .unwrap();
        match first.next {
            Some(_) => export(world.ma(), world.es(), mithaq_app::VOLUME_MIN),
            None => vec![first.bytes],
        }
    };
    let mut answers = Vec::new();
    for volume in volumes.iter().rev() {
        answers.extend(import(world.es(), volume).answer);
    }
    // What came too early was kept or told; once more in order, all is there.
    for volume in &volumes {
        let taken = import(world.es(), volume);
        assert!(taken.parts.iter().all(|part| part.stopped.is_none()), "{taken:?}");
        answers.extend(taken.answer);
    }
    answers.iter().for_each(|answer| drop(import(world.ma(), answer)));
    for number in numbers {
        assert_eq!(state(world.ma(), number), ReportState::Acknowledged);
    }
    assert_eq!(world.es().count("message.taken"), 20);
}

#[test]
fn a_recall_overtakes_its_report_in_the_volume_too() {
    let world = World::new();
    let (_, number) = world.released();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Misdirected).unwrap();
    let volume = export(world.ma(), world.es(), SIZE).remove(0);
    let taken = import(world.es(), &volume);
    assert_eq!(taken.parts.first().map(|part| part.lane), Some(Lane::Control));
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    assert!(world.es().read(case, number).is_err());
}

#[test]
fn who_may_not_carry_carries_nothing_and_nobody_gets_a_volume_without_an_agreement() {
    let world = World::strangers(&["ma-security", "es-police"]);
    assert!(world.ma().actor("analyst").may(intent::Carry).is_err());
    assert!(world.ma().actor("oversight").may(intent::Carry).is_err());
    let may = world.ma().actor("spoc").may(intent::Carry).unwrap();
    let error = world.ma().app.export_volume(may, &world.es().party, MEDIUM, SIZE, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let world = World::new();
    let may = world.ma().actor("spoc").may(intent::Carry).unwrap();
    for (medium, size, code) in [("two words", SIZE, "input.reference"), (MEDIUM, 1, "input.size")] {
        let error = world.ma().app.export_volume(may, &world.es().party, medium, size, None).unwrap_err();
        assert_eq!(error.code(), code);
    }
}

/// Fetches everything of the first node for the second, as a node that accepts no connection does.
pub(crate) fn fetch(world: &World) -> usize {
    let (ma, es) = (world.ma(), world.es());
    let mut fetched = 0;
    for lane in es.app.to_fetch(&ma.party) {
        loop {
            let have = es.app.have(&ma.party, lane).unwrap();
            let Some(batch) = ma.app.batch_after(&es.party, lane, have).unwrap() else { break };
            let answer = es.app.receive_batch(&ma.party, &batch).unwrap();
            ma.app.settle_answer(&es.party, lane, &answer).unwrap();
            fetched += 1;
        }
    }
    fetched
}

#[test]
fn a_partner_that_accepts_no_connection_fetches() {
    let world = World::new();
    let (_, number) = world.released();
    assert_eq!(fetch(&world), 1);
    assert_eq!(state(world.ma(), number), ReportState::Acknowledged);
    assert_eq!(fetch(&world), 0, "nothing new moves nothing");
    // A recall that waits holds reports back until it was taken.
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Inaccurate).unwrap();
    release_many(&world, 1);
    let report = (world.agreement, Lane::Report);
    let have = world.es().app.have(&world.ma().party, report).unwrap();
    assert_eq!(world.ma().app.batch_after(&world.es().party, report, have).unwrap(), None);
    assert_eq!(fetch(&world), 2);
}

#[test]
fn a_fetching_partner_sees_its_own_lanes_only() {
    let world = World::strangers(&["ma-security", "es-police", CI]);
    let world = World { agreement: world.agree(0, 1, |text| text), ..world };
    world.released();
    let (ci, lane) = (&world.nodes[2].party, (world.agreement, Lane::Report));
    let start = Position { epoch: 1, seq: 0 };
    let refused = [
        world.ma().app.batch_after(ci, lane, start).unwrap_err(),
        world.ma().app.batch_after(&world.ma().party, lane, start).unwrap_err(),
        world.ma().app.batch_after(&world.es().party, (world.agreement, Lane::Bulk), start).unwrap_err(),
        world.ma().app.settle_answer(ci, lane, &[]).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    // An answer that is none moves nothing; nor does one that claims what was never sent.
    let error = world.ma().app.settle_answer(&world.es().party, lane, b"no answer").unwrap_err();
    assert_eq!(error.code(), "input.answer");
    // A place beyond the last gives nothing, and one of another epoch neither.
    for after in [Position { epoch: 1, seq: 99 }, Position { epoch: 9, seq: 0 }] {
        assert_eq!(world.ma().app.batch_after(&world.es().party, lane, after).unwrap(), None);
    }
}
