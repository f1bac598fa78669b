//! A node that is put back from an old copy: it continues neither log nor lanes, and gets back what partners have.

use std::path::Path;
use std::sync::Arc;

use mithaq_app::ports::HighWater as _;
use mithaq_app::{App, ErrorKind, Use, intent};
use mithaq_db::testing::TestDatabase;
use mithaq_db::{Db, SqliteOptions, backup_sqlite};
use mithaq_evidence::{Anchors, judge};
use mithaq_model::{AgreementId, CrimeArea, PartyId, ReportId};
use mithaq_wire::{
    BatchAnswer, Digest, Lane, OrderReason, Position, decode_batch_answer, encode_batch_answer,
};

use crate::world::{ES, MA, Node, World, parts, recruiter};

/// Two nodes; the first on a file, so that it can be copied.
pub(crate) fn world() -> (World, TestDatabase) {
    let file = mithaq_db::testing::sqlite().unwrap();
    let mut world = World::strangers(&[MA, ES]);
    let clock = world.clock.clone();
    world.nodes[0] = Node::new(MA, 16, &clock, file.db().clone());
    world.agreement = world.agree(0, 1, |text| text);
    (world, file)
}

fn report_about(world: &World, n: u8) -> ReportId {
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(n));
    let number = ma.ready(case, world.report(&[subject]));
    ma.release(number, &Use::default()).unwrap();
    number
}

/// The first node stops and comes back from the copy.
pub(crate) fn put_back(world: &mut World, copy: &Path) -> mithaq_app::Restored {
    put_back_as(world, copy, (2, "ma-security/log/2"))
}

/// The same, with fresh randomness from this run on; the log that goes on must have this name.
fn put_back_as(world: &mut World, copy: &Path, (run, log): (u8, &str)) -> mithaq_app::Restored {
    put_back_node(world, 0, copy, (run, log))
}

/// The same for whichever node.
pub(crate) fn put_back_node(
    world: &mut World,
    node: usize,
    copy: &Path,
    (run, log): (u8, &str),
) -> mithaq_app::Restored {
    let db = Db::open_sqlite(copy, SqliteOptions::default()).unwrap();
    let (party, mark) = (world.nodes[node].party.clone(), Arc::clone(&world.nodes[node].mark));
    let seeds = u8::try_from(node + 1).unwrap() * 16;
    // The mark beside the keys knows a later checkpoint: the copy does not open by itself.
    if mark.last().unwrap().is_some() && world.nodes[node].app.sign_checkpoint().unwrap().is_some() {
        let refused = App::open(db.clone(), parts(&party, (seeds, run), &world.clock, &mark)).err().unwrap();
        assert_eq!(refused.code(), "store.rolled_back");
    }
    let (app, restored) =
        App::restore(db.clone(), parts(&party, (seeds, run + 1), &world.clock, &mark)).unwrap();
    let renewed = String::from_utf8(mark.last().unwrap().unwrap()).unwrap();
    assert!(renewed.starts_with(&format!("{log}\n")), "the mark is of the log that goes on");
    world.nodes[node].come_back(app, db);
    restored
}

/// Both ask each other how far the lanes go, as their shells do, and send again what the other lacks.
fn meet(world: &mut World) {
    meet_under(world, (0, 1), world.agreement);
}

fn meet_under(world: &mut World, (one, other): (usize, usize), agreement: AgreementId) {
    for (us, them) in [(one, other), (other, one)] {
        let peer = world.nodes[them].party.clone();
        let ours = world.nodes[us].party.clone();
        let heads = world.nodes[them].app.heads_for(&ours, agreement).unwrap();
        for (agreement, class, mut after) in world.nodes[us].app.lost_after(&peer, &heads).unwrap() {
            loop {
                let answer = world.nodes[them].app.receipts_for(&ours, agreement, (class, after)).unwrap();
                match world.nodes[us].app.take_lost(&peer, (agreement, class, after), &answer).unwrap() {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        let behind = world.nodes[us].app.note_heads(&peer, &heads).unwrap();
        world.nodes[us].windows_mut().partner_has(&behind);
    }
}

/// Moves what either window holds, whatever the cursors say.
fn exchange(world: &mut World) {
    exchange_under(world, &[(0, 1, world.agreement)]);
}

/// The same between several pairs.
pub(crate) fn exchange_under(world: &mut World, pairs: &[(usize, usize, AgreementId)]) {
    for _ in 0..12 {
        for (from, to) in pairs.iter().flat_map(|&(one, other, _)| [(one, other), (other, one)]) {
            let (sender, receiver) = (world.nodes[from].party.clone(), world.nodes[to].party.clone());
            while let Some(batch) = world.nodes[from].next_batch(&receiver) {
                let answer = world.nodes[to].app.receive_batch(&sender, &batch.body).ok();
                let node = &mut world.nodes[from];
                node.settle(batch, answer.as_deref());
                if answer.is_none() {
                    break;
                }
            }
        }
        world.clock.0.advance(mithaq_model::Millis::hours(1));
        for &(one, other, agreement) in pairs {
            meet_under(world, (one, other), agreement);
        }
    }
}

#[test]
fn what_was_sent_and_taken_since_the_copy_comes_back_from_the_partner() {
    let (mut world, file) = world();
    let before = report_about(&world, 7);
    world.settle();
    world.ma().app.sign_checkpoint().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();

    let after = report_about(&world, 8);
    world.settle();
    let there = world.es().case(CrimeArea::ForeignTerroristFighters);
    world.es().read(there, after).unwrap();
    world.settle();

    let restored = put_back(&mut world, &copy);
    assert_eq!((restored.before.as_str(), restored.log.as_str()), ("ma-security/log", "ma-security/log/2"));
    assert_eq!(world.ma().entries()[0].0, "log.succeeded", "leaf 0 says what this log continues");
    // Nothing new until the partner was heard: it may hold another message for that place.
    let stuck = {
        let ma = world.ma();
        let case = ma.case(CrimeArea::ForeignTerroristFighters);
        let subject = ma.add_subject(case, recruiter(9));
        let number = ma.ready(case, world.report(&[subject]));
        assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "lane.restoring");
        number
    };
    meet(&mut world);
    assert_eq!(world.ma().count("message.recovered"), 1, "the lost report, by the partner's receipt");
    exchange(&mut world);
    assert_eq!(world.ma().count("receipt.read"), 1, "R3 came again");
    world.ma().release(stuck, &Use::default()).unwrap();
    exchange(&mut world);

    // Nothing is lost at the partner, nothing came twice.
    let may = |node: &Node| node.actor("oversight").may(intent::ReadLog).unwrap();
    let anchors = Anchors { agreements: vec![world.agreement], ..Anchors::default() };
    let bundle = world.es().app.export_evidence(may(world.es()), &mithaq_app::Extent::All).unwrap();
    let theirs = judge(&bundle, &anchors).unwrap();
    for report in [before, after, stuck] {
        let object = mithaq_model::ObjectId::from(report).to_string();
        let of = theirs.messages.iter().filter(|message| message.object == object && !message.is_sent);
        assert_eq!(of.count(), 1, "{object}");
    }
    let bundle = world.ma().app.export_evidence(may(world.ma()), &mithaq_app::Extent::All).unwrap();
    let ours = judge(&bundle, &anchors).unwrap();
    assert_eq!(ours.origin, "ma-security/log/2");
    assert!(ours.violations.is_empty() && theirs.violations.is_empty());
    let recovered = ours.messages.iter().filter(|message| message.receipt.is_some()).count();
    assert!(recovered >= 2, "the lost message and the new one, each with its receipt");
}

#[test]
fn an_alarm_about_a_lane_names_the_partner_at_both_ends() {
    let (mut world, file) = world();
    report_about(&world, 7);
    world.settle();
    world.ma().app.sign_checkpoint().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();
    report_about(&world, 8);
    world.settle();

    put_back(&mut world, &copy);
    exchange(&mut world);
    for (node, partner) in [(world.ma(), ES), (world.es(), MA)] {
        let rung = node.app.alarms(node.actor("spoc").may(intent::ReadHealth).unwrap()).unwrap();
        let about = rung.iter().find(|alarm| alarm.kind == "peer.epoch_started").unwrap();
        assert_eq!(about.reference, partner, "at {}", node.party);
    }
}

#[test]
fn the_same_copy_put_back_a_second_time_begins_a_third_log_and_nothing_is_lost() {
    let (mut world, file) = world();
    let before = report_about(&world, 7);
    world.settle();
    world.ma().app.sign_checkpoint().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (first, second) = (scratch.path().join("first.db"), scratch.path().join("second.db"));
    backup_sqlite(&file.path().unwrap(), &first).unwrap();
    std::fs::copy(&first, &second).unwrap();
    let lost_once = report_about(&world, 8);
    world.settle();

    put_back(&mut world, &first);
    exchange(&mut world);
    let lost_again = report_about(&world, 9);
    exchange(&mut world);
    assert_eq!(world.ma().count("message.recovered"), 1);

    // The machine breaks again, and the copy is still the newest there is. The second log is not begun anew: its
    // checkpoints were signed, and partners may hold them.
    let restored = put_back_as(&mut world, &second, (4, "ma-security/log/3"));
    assert_eq!((restored.before.as_str(), restored.log.as_str()), ("ma-security/log", "ma-security/log/3"));
    assert_eq!(world.ma().entries()[0].0, "log.succeeded");
    exchange(&mut world);
    assert!(world.ma().count("message.recovered") >= 2, "what both lives sent, by the partner's receipts");
    let last = report_about(&world, 10);
    exchange(&mut world);

    let may = |node: &Node| node.actor("oversight").may(intent::ReadLog).unwrap();
    let anchors = Anchors { agreements: vec![world.agreement], ..Anchors::default() };
    let bundle = world.es().app.export_evidence(may(world.es()), &mithaq_app::Extent::All).unwrap();
    let theirs = judge(&bundle, &anchors).unwrap();
    for report in [before, lost_once, lost_again, last] {
        let object = mithaq_model::ObjectId::from(report).to_string();
        let of = theirs.messages.iter().filter(|message| message.object == object && !message.is_sent);
        assert_eq!(of.count(), 1, "{object}");
    }
    let bundle = world.ma().app.export_evidence(may(world.ma()), &mithaq_app::Extent::All).unwrap();
    let ours = judge(&bundle, &anchors).unwrap();
    assert_eq!(ours.origin, "ma-security/log/3");
    assert!(ours.violations.is_empty() && theirs.violations.is_empty());
}

#[test]
fn a_damaged_mark_is_told_before_anything_is_restored() {
    let (world, file) = world();
    world.ma().app.sign_checkpoint().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();
    let (party, mark) = (world.ma().party.clone(), Arc::clone(&world.ma().mark));
    let good = mark.last().unwrap().unwrap();
    let mut bad = good.clone();
    let inside = bad.len() - 12;
    bad[inside] ^= 1;
    mark.keep(&bad).unwrap();
    let db = Db::open_sqlite(&copy, SqliteOptions::default()).unwrap();
    let refused = App::restore(db.clone(), parts(&party, (16, 2), &world.clock, &mark)).err().unwrap();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Integrity, "store.mark"));
    assert!(refused.next_step().unwrap().contains("put it back"));
    mark.keep(&good).unwrap();
    let (_, restored) = App::restore(db, parts(&party, (16, 3), &world.clock, &mark)).unwrap();
    assert_eq!(restored.log, "ma-security/log/2", "the refused attempt began no log");
}

#[test]
fn reports_wait_until_orders_were_taken_again() {
    let (mut world, file) = world();
    world.settle();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();
    put_back(&mut world, &copy);
    let (ma, es) = (world.ma().party.clone(), world.es().party.clone());
    // The partner has a report for this node: it is not taken before the partner was heard.
    let spain = world.es();
    let case = spain.case(CrimeArea::ForeignTerroristFighters);
    let subject = spain.add_subject(case, crate::world::subject_of(ES, 4));
    let number =
        spain.ready(case, crate::world::new_report(world.agreement, std::slice::from_ref(&ma), &[subject]));
    spain.release(number, &Use::default()).unwrap();
    let batch = world.nodes[1].next_batch(&ma).unwrap();
    let refused = world.ma().app.receive_batch(&es, &batch.body).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "node.busy"));
    world.nodes[1].settle(batch, None);
    exchange(&mut world);
    assert_eq!(world.ma().count("report.received"), 1);
}

#[test]
fn a_node_that_decides_anew_what_it_lost_is_not_accused() {
    let (mut world, file) = world();
    world.settle();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();
    let (ma, es) = (world.ma().party.clone(), world.es().party.clone());
    let spain = world.es();
    let case = spain.case(CrimeArea::ForeignTerroristFighters);
    let subject = spain.add_subject(case, crate::world::subject_of(ES, 4));
    let report = crate::world::new_report(world.agreement, std::slice::from_ref(&ma), &[subject]);
    let number = spain.ready(case, report);
    spain.release(number, &Use::default()).unwrap();
    let batch = world.nodes[1].next_batch(&ma).unwrap();
    // Taken, and the answer is on its way when the machine breaks.
    let before = world.ma().app.receive_batch(&es, &batch.body).unwrap();
    put_back(&mut world, &copy);
    let may = world.es().actor("supervisor").may(intent::RecallReport).unwrap();
    world.es().app.recall_report(may, number, OrderReason::Inaccurate).unwrap();
    let heads = world.es().app.heads_for(&ma, world.agreement).unwrap();
    world.ma().app.note_heads(&es, &heads).unwrap();
    let order = world.nodes[1].next_batch(&ma).unwrap();
    world.ma().app.receive_batch(&es, &order.body).unwrap();
    // The sender tries again what it has no answer to: it is decided otherwise now.
    let after = world.ma().app.receive_batch(&es, &batch.body).unwrap();
    assert_ne!(before, after);
    world.nodes[1].settle(batch, Some(&after));
    world.es().app.settle_answer(&ma, (world.agreement, Lane::Report), &before).unwrap();
    let said =
        |kind: &str| world.es().entries().into_iter().filter(|entry| entry.0 == kind).collect::<Vec<_>>();
    assert_eq!(said("message.decided_anew").len(), 1, "the second word is kept, and people are told");
    assert_eq!(
        said("peer.fault"),
        [],
        "both verdicts are its own, in the log it had then and in the one it has now"
    );
    let rung = world.es().app.alarms(world.es().actor("spoc").may(intent::ReadHealth).unwrap()).unwrap();
    assert!(rung.iter().any(|alarm| alarm.kind == "peer.decided_anew" && alarm.reference == MA));
}

#[test]
fn receipts_for_what_was_lost_are_the_partners_own_and_for_this_lane() {
    let (mut world, file) = world();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();
    report_about(&world, 7);
    world.settle();
    put_back(&mut world, &copy);
    let (ma, es) = (world.ma().party.clone(), world.es().party.clone());
    let start = Position { epoch: 1, seq: 0 };
    let answer = world.es().app.receipts_for(&ma, world.agreement, (Lane::Report, start)).unwrap();
    let good: BatchAnswer = decode_batch_answer(&answer).unwrap();
    let lane = (world.agreement, Lane::Report, start);
    let take = |answer: &[u8]| world.ma().app.take_lost(&es, lane, answer);
    let mut forged = good.clone();
    *forged.receipts[0].last_mut().unwrap() ^= 1;
    for bad in [encode_batch_answer(&forged), b"no answer".to_vec()] {
        assert_eq!(take(&bad).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    }
    // Of another lane: true, and not about this.
    let other = (world.agreement, Lane::Control, start);
    assert!(world.ma().app.take_lost(&es, other, &answer).is_err());
    assert_eq!(world.ma().count("message.recovered"), 0);
    assert_eq!(take(&answer).unwrap(), Some(Position { epoch: 1, seq: 1 }));
    assert_eq!(take(&answer).unwrap(), Some(Position { epoch: 1, seq: 1 }));
    assert_eq!(world.ma().count("message.recovered"), 1, "told twice, kept once");
    let nothing = BatchAnswer { receipts: Vec::new(), have: start, head: Digest::ZERO, stopped: None };
    assert_eq!(take(&encode_batch_answer(&nothing)).unwrap(), None);
    let stranger = PartyId::new("xx-nobody").unwrap();
    assert!(world.es().app.receipts_for(&stranger, world.agreement, (Lane::Report, start)).is_err());
}

#[test]
fn nothing_is_restored_from_nothing() {
    let world = World::strangers(&[MA]);
    let empty = Db::open_inline().unwrap();
    let refused =
        App::restore(empty, parts(&world.ma().party, (16, 2), &world.clock, &world.ma().mark)).err().unwrap();
    assert_eq!(refused.code(), "node.not_set_up");
}
