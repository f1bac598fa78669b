//! What is said about a request before its receipt came, and what becomes of one that was taken back before it was taken.

use mithaq_app::{Use, intent};
use mithaq_model::{Millis, RefusalGround, ReportId, RequestState, Urgency};
use mithaq_store::reports::Direction;
use mithaq_testkit::text;
use mithaq_wire::{OrderReason, Said};

use crate::requests::{accept, agree, answer, asked, follow, handle, of, refuse, written_in};
use crate::world::World;

/// A request that the other side has, and who asked does not know it: the answer to the batch was lost.
fn unheard(world: &mut World, urgency: Urgency) -> ReportId {
    let case = world.ma().case(mithaq_model::CrimeArea::ForeignTerroristFighters);
    let number = written_in(world, case, urgency);
    world.ma().release(number, &Use::default()).unwrap();
    let (ma, es) = (world.ma().party.clone(), world.es().party.clone());
    let batch = world.nodes[0].next_batch(&es).unwrap();
    world.es().app.receive_batch(&ma, &batch.body).unwrap();
    world.nodes[0].settle(batch, None);
    assert_eq!(of(world.ma(), Direction::Own, number).dialogue.state, RequestState::Sent);
    assert_eq!(of(world.es(), Direction::Received, number).dialogue.state, RequestState::Received);
    number
}

/// One way only: what the asked side says overtakes the receipt.
fn back_only(world: &mut World) {
    assert!(world.carry(1, 0) > 0);
}

#[test]
fn a_refusal_that_overtakes_the_receipt_of_its_request_is_taken_and_measured() {
    let mut world = World::new();
    let number = unheard(&mut world, Urgency::Routine);
    refuse(&world, "spoc", number, RefusalGround::NotAvailable).unwrap();
    back_only(&mut world);
    let early = of(world.ma(), Direction::Own, number).dialogue;
    assert_eq!((early.state, early.in_time), (RequestState::Refused, None), "the clock is not known yet");
    world.clock.0.advance(Millis::hours(1));
    world.settle();
    let owing = agree(&world, number, RequestState::Refused);
    assert_eq!(of(world.ma(), Direction::Own, number).dialogue, owing.dialogue);
    assert_eq!(owing.dialogue.in_time, Some(true));
    assert_eq!(world.es().count("request.step_refused"), 0);
}

#[test]
fn a_request_that_is_taken_up_and_answered_before_its_receipt_came_is_answered_once_on_both_sides() {
    let mut world = World::new();
    let number = unheard(&mut world, Urgency::ThreatToLife);
    let there = accept(&world, number, true);
    back_only(&mut world);
    let reply = answer(&world, there, number, false);
    world.es().release(reply, &Use::default()).unwrap();
    back_only(&mut world);
    world.clock.0.advance(Millis::hours(1));
    world.settle();
    let owing = agree(&world, number, RequestState::AnsweredFull);
    assert_eq!(of(world.ma(), Direction::Own, number).dialogue, owing.dialogue);
    assert_eq!((owing.dialogue.accepted, owing.dialogue.in_time), (true, Some(true)));
}

#[test]
fn a_request_that_was_taken_back_before_it_was_taken_stays_withdrawn() {
    let mut world = World::new();
    let case = world.ma().case(mithaq_model::CrimeArea::ForeignTerroristFighters);
    let number = written_in(&world, case, Urgency::Routine);
    world.ma().release(number, &Use::default()).unwrap();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.settle();
    let withdrawn = of(world.ma(), Direction::Own, number).dialogue;
    assert_eq!((withdrawn.state, withdrawn.ground), (RequestState::Withdrawn, None));
    let may = world.es().actor("spoc").may(intent::ReadRequest).unwrap();
    let there = world.es().app.requests(may, Direction::Received, &mithaq_store::Page::first(10)).unwrap();
    assert!(there.iter().all(|one| one.id != number), "nobody there ever had it");
}

#[test]
fn both_sides_count_one_clock_while_time_passes_under_them() {
    let mut world = World::new();
    world.clock.0.run(7);
    let (_, number) = asked(&mut world, Urgency::ThreatToLife);
    let same = |world: &World| {
        let (asking, owing) =
            (of(world.ma(), Direction::Own, number), of(world.es(), Direction::Received, number));
        assert_eq!(asking.dialogue, owing.dialogue);
        owing.dialogue
    };
    assert!(same(&world).started.is_some());
    handle(&world, number, Said::Clarify { text: text("Which of the two crossings?") }).unwrap();
    world.settle();
    world.clock.0.advance(Millis::hours(30));
    follow(&world, number, Said::Clarified { text: text("The second, at noon") }).unwrap();
    world.settle();
    assert!(same(&world).paused > Millis::hours(30));
    let there = accept(&world, number, true);
    world.settle();
    world.es().release(answer(&world, there, number, false), &Use::default()).unwrap();
    world.settle();
    assert_eq!(same(&world).in_time, Some(true));
}
