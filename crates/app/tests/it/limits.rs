//! What one partner can make this node keep, and what it can say in another version: bounded, and answered with a code.

use mithaq_app::{AppError, Use, intent};
use mithaq_db::{Tx, Value};
use mithaq_model::{CrimeArea, Days, Millis, ObjectId, ReportId};
use mithaq_wire::cbor::Writer;
use mithaq_wire::{OnwardStep, Order, OrderReason, decode_batch, encode_batch};

use crate::by_hand::{self, Form};
use crate::world::{Node, World};

fn taken(node: &Node) -> Vec<String> {
    let entries = node.entries().into_iter();
    entries.filter(|(kind, ..)| kind == "message.taken").map(|(.., verdict)| verdict).collect()
}

/// The last verdicts.
fn last(node: &Node, count: usize) -> Vec<String> {
    let all = taken(node);
    all[all.len() - count..].to_vec()
}

fn rows(node: &Node, table: &'static str) -> u64 {
    let count = move |tx: &mut dyn Tx| -> Result<u64, AppError> {
        Ok(tx.query_one(&format!("SELECT COUNT(*) FROM {table}"), &[])?.unsigned(0)?)
    };
    node.db.read(count).unwrap()
}

/// As if a partner had said so much about unknown objects today already.
fn said_before(world: &World, count: i64) {
    let day = world.clock.0.now().as_millis().div_euclid(86_400_000);
    let agreement = *world.agreement.as_bytes();
    let put = move |tx: &mut dyn Tx| -> Result<u64, AppError> {
        let args = [
            Value::from(agreement),
            Value::from("ma-security"),
            Value::from("orders.unknown"),
            Value::from(day),
            Value::from(count),
        ];
        let sql =
            "INSERT INTO agreement_counter (agreement, party, name, day, used) VALUES ($1, $2, $3, $4, $5)";
        Ok(tx.exec(sql, &args)?)
    };
    assert_eq!(world.es().db.write(put).unwrap(), 1);
}

fn recall(object: ObjectId, world: &World) -> Order {
    let answer_by = world.clock.0.now().plus(Days(3));
    Order::Recall { object, versions: Vec::new(), reason: OrderReason::Originator, answer_by }
}

#[test]
fn a_partner_that_floods_orders_about_nothing_is_bounded_and_told_once() {
    let mut world = World::new();
    let ends = (0, 1, world.agreement);
    let (_, number) = world.released();
    world.settle();
    said_before(&world, 4_094);
    let (stones, unknown) = (rows(world.es(), "tombstone"), |n: u8| ObjectId::new([0xa0 + n; 16]));
    for n in 0..4 {
        let order = recall(unknown(n), &world);
        by_hand::command(&mut world, ends, &order);
    }
    let limit = "order.limit";
    assert_eq!(last(world.es(), 4), ["accepted", "accepted", limit, limit]);
    assert_eq!(rows(world.es(), "tombstone"), stones + 2, "what was refused leaves nothing");
    // Neither does a last day of something unknown.
    let held = rows(world.es(), "holding");
    let expires = world.clock.0.now().plus(Days(9));
    by_hand::command(&mut world, ends, &Order::Expiry { object: unknown(9), expires });
    assert_eq!((last(world.es(), 1), rows(world.es(), "holding")), (vec![limit.to_owned()], held));
    assert_eq!(world.es().count("peer.order_flood"), 1);
    let health = world.es().actor("security").may(intent::ReadHealth).unwrap();
    let rung = world.es().app.alarms(health).unwrap();
    assert_eq!(rung.iter().filter(|alarm| alarm.kind == "peer.order_flood").count(), 1);
    // What it sent it takes back all the same, and what it took back before it may say again.
    for order in [recall(ObjectId::from(number), &world), recall(unknown(0), &world)] {
        by_hand::command(&mut world, ends, &order);
        assert_eq!(last(world.es(), 1), ["accepted"]);
    }
    let there = world.es().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(world.es().read(there, number).unwrap_err().code(), "report.locked.recalled");
    // The next day it has as many again.
    world.clock.0.advance(Millis::hours(24));
    let order = recall(unknown(3), &world);
    by_hand::command(&mut world, ends, &order);
    assert_eq!(last(world.es(), 1), ["accepted"]);
    assert_eq!(world.es().count("peer.order_flood"), 1);
}

/// A step that says nothing to who gets it: a consent nobody asked for is denied.
fn dull() -> OnwardStep {
    OnwardStep::Denied { consent: ObjectId::new([0xee; 16]), lapsed: false }
}

#[test]
fn what_a_later_minor_version_adds_is_passed_over_and_another_version_is_refused_with_a_code() {
    let mut world = World::new();
    let ends = (0, 1, world.agreement);
    // A label that nobody here knows and nobody called critical: signed like the rest, and served.
    by_hand::say_as(&mut world, ends, (&dull(), Form::Label));
    assert_eq!(last(world.es(), 1), ["accepted"]);
    // A document of another version: refused with a code, and the lane goes on.
    by_hand::say_as(&mut world, ends, (&dull(), Form::StepVersion));
    assert_eq!(last(world.es(), 1), ["seal.unsupported"]);
    by_hand::say(&mut world, ends, &dull());
    assert_eq!(last(world.es(), 1), ["accepted"]);
    // A kind of step that a later version knows is no step here.
    let before = taken(world.es()).len();
    by_hand::say_bytes(&mut world, ends, &later_step());
    assert_eq!(
        (taken(world.es()).len(), last(world.es(), 1)),
        (before + 1, vec!["seal.malformed".to_owned()])
    );
}

/// A step of a kind after the last one.
fn later_step() -> Vec<u8> {
    let mut w = Writer::default();
    w.array(2).uint(1).array(2).uint(99).bytes(&[1; 16]);
    w.finish()
}

#[test]
fn an_envelope_of_another_version_stops_with_a_code_and_nothing_is_taken() {
    let world = World::new();
    world.released();
    let (ma, es) = (world.ma(), world.es().party.clone());
    let mut windows = mithaq_app::Windows::default();
    let batch = ma.app.next_batch(&mut windows, &es).unwrap().unwrap();
    let mut envelopes: Vec<Vec<u8>> =
        decode_batch(&batch.body).unwrap().into_iter().map(|one| one.to_vec()).collect();
    let before = taken(world.es()).len();
    // The document of the header begins with `82 01`: two parts, version 1.
    let label = [0x3a, 0x00, 0x01, 0x11, 0x70];
    let at = envelopes[0].windows(5).rposition(|window| window == label).unwrap() + 5;
    let document = at + if envelopes[0][at] == 0x58 { 2 } else { 3 };
    assert_eq!(envelopes[0][document..document + 2], [0x82, 0x01]);
    envelopes[0][document + 1] = 0x02;
    let refused = world.es().app.receive_batch(&ma.party, &encode_batch(&envelopes)).unwrap_err();
    assert_eq!(refused.code(), "envelope.unsupported");
    assert_eq!(taken(world.es()).len(), before);
    // As it was it is served.
    assert!(world.es().app.receive_batch(&ma.party, &batch.body).is_ok());
    assert!(taken(world.es()).len() > before);
}

#[test]
fn a_correction_of_something_unknown_that_is_refused_leaves_no_row_beyond_the_limit() {
    let mut world = World::new();
    let (_, number) = world.released();
    // The recipient lets nothing in, and has heard enough about unknown objects.
    let level = world.es().actor("security").may(intent::AssessPartner).unwrap();
    world.es().app.set_accreditation(level, mithaq_model::Level::Unclassified).unwrap();
    world.settle();
    said_before(&world, 4_096);
    let ma = world.ma();
    let case = head_case(ma, number);
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let title = Some(mithaq_testkit::text("Two young people, not three"));
    let changes = mithaq_app::Changes { title, ..mithaq_app::Changes::default() };
    ma.app.correct_report(may, &ma.enter("analyst", case), number, &changes).unwrap();
    ma.review(case, number).unwrap();
    ma.approve("supervisor", number).unwrap();
    ma.approve("spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    let held = rows(world.es(), "holding");
    world.settle();
    assert_eq!(last(world.es(), 1), ["CLS"]);
    assert_eq!(rows(world.es(), "holding"), held);
    assert_eq!(world.es().count("peer.order_flood"), 1);
}

fn head_case(node: &Node, number: ReportId) -> mithaq_model::CaseId {
    let may = node.actor("supervisor").may(intent::ReadReport).unwrap();
    node.app.receipts_of(may, number).unwrap().0.case.unwrap()
}
