//! Faults that other systems had, replayed here. Each test names where the fault was told; the whole list with the
//! tests of other crates is in docs/reliability.md.

use mithaq_app::{ErrorKind, Use, intent};
use mithaq_exchange::OutState;
use mithaq_model::{CrimeArea, ReportState, SubjectClass};
use mithaq_store::lanes::Standing;
use mithaq_testkit::subject_named;
use mithaq_wire::{Lane, OrderReason, Position, Verdict};

use crate::world::World;

/// MISP, `Server.php:1279`: one record of a thousand that fails validation ended the synchronisation.
#[test]
fn one_refused_of_many_holds_up_nothing_and_is_listed() {
    let mut world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let numbers: Vec<_> = (0..8)
        .map(|n| {
            let subject =
                subject_named(60 + n, "Abdelhamid Tazerout", SubjectClass::SuspectCommitted, "ma-security");
            let number = ma.ready(case, world.report(&[ma.add_subject(case, subject)]));
            ma.release(number, &Use::default()).unwrap();
            number
        })
        .collect();
    // Orders travel first: the receiver refuses the fourth unread.
    let recall = ma.actor("supervisor").may(intent::RecallReport).unwrap();
    ma.app.recall_report(recall, numbers[3], OrderReason::Misdirected).unwrap();
    world.settle();
    let ma = world.ma();
    let may = ma.actor("supervisor").may(intent::ReadReport).unwrap();
    for (at, number) in numbers.iter().enumerate() {
        let state = ma.app.receipts_of(may, *number).unwrap().0.state;
        assert_eq!(
            state,
            if at == 3 { ReportState::Recalled } else { ReportState::Acknowledged },
            "report {at}"
        );
    }
    let health = ma.actor("admin").may(intent::ReadHealth).unwrap();
    let troubled = ma.app.outbox(health, Standing::Troubled, None, 100).unwrap();
    assert_eq!(troubled.len(), 1, "the one that was refused, and no other: {troubled:?}");
    let OutState::Decided { verdict: Verdict::Refused { code, .. }, .. } = &troubled[0].message.state else {
        panic!("{troubled:?}")
    };
    assert_eq!(code, "object.recalled");
    assert_eq!(troubled[0].message.object.map(|(object, _)| object), Some(numbers[3].into()));
    assert!(ma.app.outbox(health, Standing::Waiting, None, 100).unwrap().is_empty());
    let key = mithaq_store::lanes::LaneKey::of(&troubled[0].lane);
    let shown = ma.app.outbox_message(health, (key, troubled[0].message.at)).unwrap();
    assert!(shown.message.bytes.is_empty(), "no envelope is shown");
    let none = ma.app.outbox_message(health, (key, Position { epoch: 1, seq: 99 })).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
}

/// MISP #10899, #7715: a removed member pulled from another that still held the old list.
#[test]
fn a_partner_whose_agreement_is_suspended_fetches_no_report() {
    let world = World::new();
    world.released();
    let (ma, es) = (world.ma(), &world.es().party);
    let (report, start) = ((world.agreement, Lane::Report), Position { epoch: 1, seq: 0 });
    assert!(ma.app.batch_after(es, report, start).unwrap().is_some());
    let legal = ma.actor("legal").may(intent::SuspendAgreement).unwrap();
    ma.app.suspend_agreement(legal, world.agreement).unwrap();
    assert_eq!(ma.app.batch_after(es, report, start).unwrap(), None, "reports wait");
    let control = (world.agreement, Lane::Control);
    assert!(ma.app.batch_after(es, control, start).unwrap().is_some(), "it is told why: duties go on");
}

/// MISP #4814, #3926: a synchronisation without news moved records, and two nodes sent each other the same change again.
#[test]
fn without_news_nothing_moves() {
    let mut world = World::new();
    world.released();
    world.settle();
    let carried = world.carried.len();
    for _ in 0..3 {
        world.settle();
    }
    assert_eq!(world.carried.len(), carried);
}

/// The back-off is for lines that are down; people may know better. What a partner decided is not tried again.
#[test]
fn a_retry_makes_due_what_waits_and_nothing_else() {
    let world = World::new();
    let retry = |world: &World, login: &str| {
        let may = world.ma().actor(login).may(intent::RetryOutbox)?;
        world.ma().app.retry_now(may, &world.es().party)
    };
    assert_eq!(retry(&world, "admin").unwrap(), 0, "nothing waits");
    assert_eq!(retry(&world, "analyst").unwrap_err().code(), "role.outbox.retry");
    let stranger = World::strangers(&["ma-security", "es-police"]);
    assert_eq!(retry(&stranger, "admin").unwrap_err().kind(), ErrorKind::NotFound);
    world.released();
    let mut windows = mithaq_app::Windows::default();
    let ma = &world.ma().app;
    let batch = ma.next_batch(&mut windows, &world.es().party).unwrap().unwrap();
    ma.settle_batch(&mut windows, batch, None).unwrap();
    assert!(ma.next_batch(&mut windows, &world.es().party).unwrap().is_none(), "it waits");
    assert_eq!(retry(&world, "spoc").unwrap(), 1);
    assert!(ma.next_batch(&mut windows, &world.es().party).unwrap().is_some());
    assert_eq!(world.ma().count("outbox.retried"), 2);
}

/// X-Road #1360 and others: a node that is full took the message, receipted it, and lost it.
#[test]
fn a_node_without_room_takes_orders_and_no_reports() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.es().app.take_content(false);
    let (ma, es) = (world.ma(), world.es());
    let report =
        ma.app.batch_after(&es.party, (world.agreement, Lane::Report), Position { epoch: 1, seq: 0 });
    let refused = es.app.receive_batch(&ma.party, &report.unwrap().unwrap()).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "node.disk_low"));
    assert_eq!(es.count("message.taken"), 0, "no receipt, no row");
    let recall = ma.actor("supervisor").may(intent::RecallReport).unwrap();
    ma.app.recall_report(recall, number, OrderReason::Misdirected).unwrap();
    let order =
        ma.app.batch_after(&es.party, (world.agreement, Lane::Control), Position { epoch: 1, seq: 0 });
    es.app.receive_batch(&ma.party, &order.unwrap().unwrap()).unwrap();
    assert_eq!(es.count("message.taken"), 1, "what takes away is taken");
    world.es().app.take_content(true);
    world.settle();
}
