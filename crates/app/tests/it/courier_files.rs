//! Attachments by hand: after their report was accepted, in volumes, on from where the other side has them.

use mithaq_app::{Extent, ImportedVolume, Use, intent};
use mithaq_evidence::{Anchors, Later, LaterKind, judge};
use mithaq_store::attachments::LinkState;
use mithaq_wire::{CourierPiece, Digest, Lane, decode_courier, decode_courier_piece};

use crate::attachments::{approve, case_there, drafted, file, often, on_disk, own_root, read, state};
use crate::courier::{export, import, nothing_waits};
use crate::world::{Node, World};

const MIB: usize = 1024 * 1024;
/// Two chunks and a little fit.
const SMALL: usize = 2 * MIB + MIB / 2;

/// A released report with these files; nothing of it was carried.
fn released(world: &World, files: &[&[u8]]) -> mithaq_model::ReportId {
    let (case, number) = drafted(world, files);
    approve(world.ma(), case, number);
    world.ma().release(number, &Use::default()).unwrap();
    number
}

/// Carries everything there and the answers back.
fn round(from: &Node, to: &Node, size: usize) {
    if nothing_waits(from, to) {
        return;
    }
    for volume in export(from, to, size) {
        let taken = import(to, &volume);
        assert_eq!(stopped(&taken), Vec::<String>::new());
        if let Some(answer) = taken.answer {
            assert_eq!(stopped(&import(from, &answer)), Vec::<String>::new());
        }
    }
}

fn stopped(taken: &ImportedVolume) -> Vec<String> {
    taken.parts.iter().filter_map(|part| part.stopped.clone()).collect()
}

/// The pieces in a volume: which chunk, none for a list.
fn pieces(volume: &[u8]) -> Vec<Option<u64>> {
    let (parts, _) = decode_courier(volume).unwrap();
    parts.iter().filter_map(|part| decode_courier_piece(part).ok()).map(|piece| piece.index).collect()
}

fn left(world: &World) -> u64 {
    let may = world.ma().actor("spoc").may(intent::Carry).unwrap();
    let made = world.ma().app.export_volume(may, &world.es().party, "medium-1", 2 * MIB, None).unwrap();
    made.attachments_left.0
}

#[test]
fn a_file_goes_by_hand_once_its_report_was_accepted_and_both_sides_say_so() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    let bytes = file(3 * MIB + 17, 5);
    let number = released(&world, &[&bytes]);
    assert_eq!(left(&world), 1);
    let first = export(ma, es, SMALL);
    assert!(first.iter().all(|volume| pieces(volume).is_empty()), "who did not accept it gets no byte");
    round(ma, es, SMALL);
    assert_eq!((state(es, number, 0), on_disk(&es.mark)), (LinkState::Wanted, 0));

    let volumes = export(ma, es, SMALL);
    let all: Vec<_> = volumes.iter().flat_map(|volume| pieces(volume)).collect();
    assert_eq!(all, [None, Some(0), Some(1), Some(2), Some(3)]);
    assert!(volumes.len() > 1, "split");
    for (n, volume) in (1..).zip(&volumes) {
        let taken = import(es, volume);
        assert_eq!(stopped(&taken), Vec::<String>::new());
        assert_eq!(state(es, number, 0) == LinkState::Here, n == volumes.len());
    }
    assert_eq!(read(es, case_there(&world), number, 1, 0).unwrap(), bytes);
    // Its word that all is there comes back by hand too; then nothing is left to carry.
    round(es, ma, SMALL);
    let may = ma.actor("analyst").may(intent::ReadReport).unwrap();
    assert_eq!(ma.app.attachments_of(may, number).unwrap()[0].complete_at, std::slice::from_ref(&es.party));
    round(ma, es, SMALL);
    assert!(nothing_waits(ma, es) && nothing_waits(es, ma));
}

#[test]
fn the_pieces_are_the_bytes_of_the_line() {
    let world = World::new();
    let number = released(&world, &[&file(MIB + 1, 3)]);
    round(world.ma(), world.es(), SMALL);
    let root = own_root(world.ma(), number);
    let volume = export(world.ma(), world.es(), 8 * MIB).remove(0);
    let (parts, _) = decode_courier(&volume).unwrap();
    let found: Vec<CourierPiece<'_>> =
        parts.iter().filter_map(|part| decode_courier_piece(part).ok()).collect();
    let (app, es) = (&world.ma().app, &world.es().party);
    let line = [
        app.chunk_list_for(es, world.agreement, root).unwrap(),
        app.chunk_for(es, (world.agreement, root), 0).unwrap(),
        app.chunk_for(es, (world.agreement, root), 1).unwrap(),
    ];
    assert!(found.iter().map(|piece| piece.bytes).eq(line.iter().map(Vec::as_slice)));
}

#[test]
fn a_lost_volume_costs_what_it_held_and_the_next_journey_goes_on_there() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    es.app.limit_attachments(often());
    let bytes = file(14 * MIB, 9);
    let number = released(&world, &[&bytes]);
    round(ma, es, SMALL);
    let volumes = export(ma, es, SMALL);
    // The first two arrive, the third is lost; of what is far behind nothing is taken, and the answer says from where.
    let first = import(es, &volumes[0]);
    let second = import(es, &volumes[1]);
    assert_eq!((stopped(&first), stopped(&second)), (vec![], vec![]));
    let far = import(es, volumes.last().unwrap());
    let gaps = stopped(&far);
    assert!(gaps.len() == 2 && gaps.iter().all(|code| code == "attachment.gap"), "{gaps:?}");
    let had = pieces(&volumes[0]).len() + pieces(&volumes[1]).len() - 1;
    let told = import(ma, &far.answer.unwrap());
    let place = told.parts.iter().find(|part| part.lane == Lane::Bulk).unwrap();
    assert_eq!((place.have.seq, place.stopped.as_deref()), (had as u64, None));
    let again = export(ma, es, SMALL);
    assert_eq!(pieces(&again[0])[0], Some(had as u64), "neither the list nor what is there is carried again");
    for volume in &again {
        assert_eq!(stopped(&import(es, volume)), Vec::<String>::new());
    }
    assert_eq!(read(es, case_there(&world), number, 1, 0).unwrap(), bytes);
    // Every volume once more: nothing changes, nothing is refused.
    let complete = es.count("attachment.complete");
    for volume in volumes.iter().chain(&again) {
        assert_eq!(stopped(&import(es, volume)), Vec::<String>::new());
    }
    assert_eq!((es.count("attachment.complete"), complete), (1, 1));
}

#[test]
fn a_kill_between_volumes_loses_nothing_that_an_answer_said() {
    let mut world = World::new();
    let bytes = file(5 * MIB, 2);
    let number = released(&world, &[&bytes]);
    round(world.ma(), world.es(), SMALL);
    let volumes = export(world.ma(), world.es(), SMALL);
    for (run, volume) in (3..).zip(&volumes) {
        let answer = import(world.es(), volume).answer.unwrap();
        let told = import(world.ma(), &answer);
        let told = told.parts.iter().find(|part| part.lane == Lane::Bulk).unwrap().have.seq;
        crate::attachments::restart(&mut world, 1, run);
        let may = world.es().actor("analyst").may(intent::ReadReport).unwrap();
        let here = world.es().app.attachments_of(may, number).unwrap()[0].have;
        assert_eq!(here, told, "durable before it was said");
    }
    assert_eq!(read(world.es(), case_there(&world), number, 1, 0).unwrap(), bytes);
}

#[test]
fn what_was_taken_back_is_in_no_volume_and_pieces_of_it_are_not_taken() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    let number = released(&world, &[&file(3 * MIB, 4)]);
    round(ma, es, SMALL);
    let volumes = export(ma, es, SMALL);
    import(es, &volumes[0]);
    let may = ma.actor("supervisor").may(intent::RecallReport).unwrap();
    ma.app.recall_report(may, number, mithaq_wire::OrderReason::Originator).unwrap();
    let order = export(ma, es, SMALL);
    assert!(order.iter().all(|volume| pieces(volume).is_empty()));
    order.iter().for_each(|volume| drop(import(es, volume)));
    let late = import(es, &volumes[1]);
    assert!(!stopped(&late).is_empty(), "its pieces are nobody's here");
    es.app.tick_attachments().unwrap();
    assert_eq!(on_disk(&es.mark), 0);
}

#[test]
fn a_partner_cannot_say_how_far_it_has_what_it_may_not_have() {
    let world = World::new();
    let number = released(&world, &[&file(MIB, 4)]);
    // The report was not carried yet: a word about its file is none.
    let root = own_root(world.ma(), number);
    let have = mithaq_wire::CourierHave { root, have: Some(1) };
    let told = crate::courier::answer_with(&world, mithaq_wire::encode_courier_have(&have));
    let taken = import(world.ma(), &told);
    assert_eq!(stopped(&taken), ["attachment.receipt_awaited"]);
    let other = mithaq_wire::CourierHave { root: Digest([9; 32]), have: None };
    let told = crate::courier::answer_with(&world, mithaq_wire::encode_courier_have(&other));
    assert_eq!(stopped(&import(world.ma(), &told)), ["object.not_found"]);
    let told = crate::courier::answer_with(&world, b"no document".to_vec());
    assert_eq!(stopped(&import(world.ma(), &told)), ["courier.piece"]);
}

#[test]
fn evidence_holds_the_partners_word_for_an_attachment_and_proves_it_offline() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    let number = released(&world, &[&file(2 * MIB, 6)]);
    round(ma, es, SMALL);
    round(ma, es, SMALL);
    round(es, ma, SMALL);
    let root = own_root(ma, number);
    let may = ma.actor("oversight").may(intent::ReadLog).unwrap();
    let bundle = ma.app.export_evidence(may, &Extent::All).unwrap();
    let anchors = Anchors { agreements: vec![world.agreement], ..Anchors::default() };
    let found = judge(&bundle, &anchors).unwrap();
    assert!(found.violations.is_empty(), "{:?}", found.violations);
    let object = mithaq_model::ObjectId::from(number);
    let sent = found.messages.iter().find(|one| one.is_sent && one.object == object.to_string()).unwrap();
    assert_eq!(sent.receipt.as_ref().unwrap().verdict, "accepted");
    let complete =
        |later: &&Later| matches!(later.kind, LaterKind::Complete { root: named, .. } if named == root.0);
    let said: Vec<&Later> = found.later.iter().filter(complete).collect();
    assert_eq!(said.len(), 1, "{:?}", found.later);
    assert_eq!((said[0].object, &said[0].by), (object, &es.party));
    // A byte of the bundle changed anywhere is no evidence.
    for at in (0..bundle.len()).step_by(bundle.len() / 97) {
        let mut changed = bundle.clone();
        changed[at] ^= 1;
        let judged = judge(&changed, &anchors);
        assert!(judged.is_err() || judged.is_ok_and(|found| !found.violations.is_empty()), "byte {at}");
    }
}
