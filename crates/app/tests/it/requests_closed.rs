//! The end of requests: closed thirty days after it by the clock, looked at by people after half a year.

use mithaq_app::{AppError, ErrorKind, HoldScope, Retained, Use, intent};
use mithaq_model::{Days, Millis, RefusalGround, ReportId, RequestState, Urgency};
use mithaq_store::reports::Direction;
use mithaq_testkit::text;
use mithaq_wire::{OrderReason, Said};

use crate::requests::{accept, agree, answer, asked, follow, handle, of, refuse};
use crate::world::{Node, World, ground};

fn tick(world: &World) -> usize {
    world.nodes.iter().map(|node| node.app.tick_requests().unwrap()).sum()
}

fn rung(node: &Node, kind: &str) -> usize {
    let health = node.actor("security").may(intent::ReadHealth).unwrap();
    node.app.alarms(health).unwrap().iter().filter(|alarm| alarm.kind == kind).count()
}

fn review(node: &Node, login: &str, number: ReportId, what: Retained) -> Result<(), AppError> {
    let may = node.actor(login).may(intent::ReviewRequest)?;
    node.app.review_request(may, number, what, &text("The proceedings go on"))
}

#[test]
fn what_was_answered_refused_or_taken_back_is_closed_thirty_days_later() {
    let mut world = World::new();
    let (_, answered) = asked(&mut world, Urgency::Routine);
    let there = accept(&world, answered, true);
    let reply = answer(&world, there, answered, false);
    world.es().release(reply, &Use::default()).unwrap();
    world.settle();
    agree(&world, answered, RequestState::AnsweredFull);
    world.clock.0.advance(Days(30));
    assert_eq!(tick(&world), 0, "the last moment of the thirty days");
    world.clock.0.advance(Millis::hours(1));
    assert_eq!(tick(&world), 2, "each side by its own clock, and nothing is sent");
    let (own, theirs) =
        (of(world.ma(), Direction::Own, answered), of(world.es(), Direction::Received, answered));
    assert_eq!(own.dialogue.state, RequestState::Closed);
    assert_eq!((own.dialogue.closed, own.dialogue.in_time), (theirs.dialogue.closed, Some(true)));
    assert_eq!(world.carry(0, 1) + world.carry(1, 0), 0);
    assert_eq!((world.ma().count("request.closed"), world.es().count("request.closed")), (1, 1));
    assert_eq!(tick(&world), 0, "once");
    let late = follow(&world, answered, Said::Feedback { useful: 1, accuracy: 1, text: None }).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);

    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    refuse(&world, "spoc", number, RefusalGround::NotAvailable).unwrap();
    world.settle();
    world.clock.0.advance(Days(31));
    assert_eq!(tick(&world), 2);
    assert_eq!(
        agree(&world, number, RequestState::Closed).dialogue.ground,
        Some(RefusalGround::NotAvailable)
    );

    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.settle();
    world.clock.0.advance(Days(31));
    assert_eq!(tick(&world), 2);
    agree(&world, number, RequestState::Closed);
}

#[test]
fn what_is_owed_is_never_closed_by_a_clock() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    handle(&world, number, Said::Clarify { text: text("Which of the two crossings?") }).unwrap();
    world.settle();
    world.clock.0.advance(Days(90));
    assert_eq!(tick(&world), 0);
    agree(&world, number, RequestState::Clarification);
    // Answered in part: the rest is owed until its own last day.
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    let there = accept(&world, number, true);
    let part = answer(&world, there, number, true);
    world.es().release(part, &Use::default()).unwrap();
    world.settle();
    world.clock.0.advance(Days(90));
    assert_eq!(tick(&world), 0);
    agree(&world, number, RequestState::AnsweredPart);
    world.clock.0.advance(Days(300));
    tick(&world);
    agree(&world, number, RequestState::Closed);
}

#[test]
fn feedback_that_the_closing_overtook_is_taken() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    refuse(&world, "spoc", number, RefusalGround::NotAvailable).unwrap();
    world.settle();
    world.clock.0.advance(Days(29));
    follow(&world, number, Said::Feedback { useful: 0, accuracy: 3, text: None }).unwrap();
    // It is on its way for two days.
    world.clock.0.advance(Days(2));
    assert_eq!(tick(&world), 1, "the other side closes by its clock");
    world.settle();
    assert_eq!(agree(&world, number, RequestState::Closed).dialogue.marks, Some((0, 3)));
}

#[test]
fn people_look_at_an_open_request_after_half_a_year_and_again() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    world.clock.0.advance(Days(20));
    tick(&world);
    world.clock.0.advance(Days(163));
    tick(&world);
    let es = world.es();
    assert_eq!((es.count("request.review_open"), rung(es, "request.review_open")), (1, 1));
    assert_eq!(world.ma().count("request.review_open"), 1, "who asked too: it may take it back");
    tick(&world);
    assert_eq!(es.count("request.review_open"), 1, "told once");
    agree(&world, number, RequestState::Received);
    // An open one is not ended by a review.
    let no = review(es, "supervisor", number, Retained::Erase).unwrap_err();
    assert_eq!((no.kind(), no.code()), (ErrorKind::Conflict, "request.open"));
    review(es, "dpo", number, Retained::Keep).unwrap();
    let logged = es.entries().into_iter().find(|(kind, ..)| kind == "request.reviewed").unwrap();
    assert_eq!(logged.2, "keep");
    let next = of(es, Direction::Received, number).review.unwrap();
    assert_eq!(next, world.clock.0.now().plus(Days(182)));
    for login in ["spoc", "analyst", "admin", "oversight"] {
        assert_eq!(review(es, login, number, Retained::Keep).unwrap_err().kind(), ErrorKind::Forbidden);
    }
    let nobody = review(es, "dpo", ReportId::new([9; 16]), Retained::Keep).unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
    // Who does not look is told again in half a year.
    world.clock.0.advance(Days(183));
    tick(&world);
    assert_eq!(world.es().count("request.review_open") + world.es().count("request.review_closed"), 2);
}

#[test]
fn half_a_year_after_it_was_closed_people_decide_whether_it_is_kept() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    handle(&world, number, Said::Clarify { text: text("Which of the two crossings?") }).unwrap();
    world.settle();
    follow(&world, number, Said::Clarified { text: text("The second") }).unwrap();
    world.settle();
    refuse(&world, "spoc", number, RefusalGround::NotAvailable).unwrap();
    world.settle();
    follow(&world, number, Said::Feedback { useful: 1, accuracy: 1, text: None }).unwrap();
    world.settle();
    world.clock.0.advance(Days(181));
    assert_eq!(tick(&world), 0, "its clock began anew when it was closed");
    world.clock.0.advance(Days(2));
    assert_eq!(tick(&world), 2);
    let es = world.es();
    assert_eq!(rung(es, "request.review_closed"), 1);
    review(es, "dpo", number, Retained::Erase).unwrap();
    let may = es.actor("spoc").may(intent::ReadRequest).unwrap();
    let shown = es.app.show_request(may, number, &text("What was it about")).unwrap();
    assert!(shown.steps.iter().all(|step| step.said.is_none()), "its words are gone");
    assert_eq!(shown.request.dialogue.ground, Some(RefusalGround::NotAvailable), "that it was stays");
    assert_eq!(shown.request.review, None);
    assert_eq!(es.count("report.erased"), 1, "and its content");
    let desk = es.actor("spoc").may(intent::HandleRequest).unwrap();
    assert!(es.app.open_request(desk, number, &text("Looking again")).is_err());
    world.settle();
    assert_eq!(world.ma().count("receipt.erased"), 1, "who asked has the signature for it");
    world.clock.0.advance(Days(183));
    assert_eq!(world.es().app.tick_requests().unwrap(), 0, "nobody is asked about it again");
}

fn hold(node: &Node, scope: HoldScope, set: bool) {
    let may = node.actor("legal").may(intent::GovernHold).unwrap();
    if set { node.app.set_hold(may, scope, &ground()) } else { node.app.lift_hold(may, scope, &ground()) }
        .unwrap();
}

#[test]
fn what_a_hold_stands_on_is_not_erased_by_its_review() {
    let mut world = World::new();
    let (asking, number) = asked(&mut world, Urgency::Routine);
    let there = accept(&world, number, true);
    let reply = answer(&world, there, number, false);
    world.es().release(reply, &Use::default()).unwrap();
    world.settle();
    world.clock.0.advance(Days(31));
    assert_eq!(tick(&world), 2);
    world.clock.0.advance(Days(183));
    tick(&world);
    // On the request itself, and on the case it was asked in.
    let sides = [
        (world.es(), HoldScope::Report(number)),
        (world.ma(), HoldScope::Report(number)),
        (world.ma(), HoldScope::Case(asking)),
    ];
    for (node, scope) in sides {
        hold(node, scope, true);
        let before = (node.count("request.reviewed"), node.count("report.erased"));
        let no = review(node, "dpo", number, Retained::Erase).unwrap_err();
        assert_eq!((no.kind(), no.code()), (ErrorKind::Conflict, "request.held"));
        assert!(no.next_step().unwrap().contains("hold"));
        assert_eq!((node.count("request.reviewed"), node.count("report.erased")), before, "nothing was done");
        let tried = |(kind, _, verdict): &(String, String, String)| {
            kind.starts_with("refused.") && verdict == "request.held"
        };
        assert!(node.entries().iter().any(tried), "the attempt is an entry");
        // Kept it may be.
        review(node, "dpo", number, Retained::Keep).unwrap();
        hold(node, scope, false);
    }
    for node in [world.es(), world.ma()] {
        review(node, "dpo", number, Retained::Erase).unwrap();
        assert_eq!(node.count("report.erased"), 1, "lifted, it is erased");
    }
}
