//! Two processes of one node on one database. On SQLite they share the handle, which is what two processes on a
//! server see of each other: the same rows, each its own memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mithaq_app::{App, AppError, ErrorKind, LEASE, Use, Windows, intent};
use mithaq_db::Tx;
use mithaq_model::{CrimeArea, Level, Millis};
use mithaq_store::leases::Lease;

use crate::world::{World, parts, recruiter};

/// Another process of the first node.
fn second(world: &World) -> App {
    let node = world.ma();
    let app = App::open(node.db.clone(), parts(&node.party, (16, 1), &world.clock, &node.mark)).unwrap();
    app.share();
    node.app.share();
    app
}

fn outdated(error: &AppError) -> bool {
    error.kind() == ErrorKind::Unavailable && error.code() == "node.outdated"
}

fn suspend(app: &App, world: &World) {
    let token = app.issue_token("legal", Millis::hours(1)).unwrap();
    let legal = app.authenticate(&token.secret).unwrap();
    app.suspend_agreement(legal.may(intent::SuspendAgreement).unwrap(), world.agreement).unwrap();
}

/// The only lease of the only partner.
fn lease(app: &App) -> Option<Lease> {
    app.take_turn().unwrap().partners.into_iter().next().map(|(_, lease)| lease)
}

#[test]
fn a_release_decided_by_a_suspended_agreement_is_not_committed() {
    let world = World::new();
    let node = world.ma();
    let case = node.case(CrimeArea::ForeignTerroristFighters);
    let subject = node.add_subject(case, recruiter(7));
    let number = node.ready(case, world.report(&[subject]));
    let spoc = node.actor("spoc").may(intent::ReleaseReport).unwrap();
    let other = second(&world);
    suspend(&other, &world);
    // This process signed its person in before, and did not hear of it.
    let (before, entries) = (node.app.registry(), node.count("report.released"));
    assert!(before.agreements[&world.agreement].standing.is_in_force(node.app.now()), "its memory is old");
    let error = node.app.release_report(spoc, number, &Use::default()).unwrap_err();
    assert!(outdated(&error), "{error:?}");
    assert_eq!(node.count("report.released"), entries, "nothing was committed");
    // It knows now, and says why.
    let error = node.app.release_report(spoc, number, &Use::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn what_waits_is_not_sent_once_another_process_suspended() {
    let mut world = World::new();
    world.released();
    let es = world.es().party.clone();
    let other = second(&world);
    suspend(&other, &world);
    let mut windows = Windows::default();
    let app = world.ma().app.clone();
    let batch = app.next_batch(&mut windows, &es).unwrap().expect("the notice itself is on its way");
    let answer = world.es().app.receive_batch(&world.ma().party, &batch.body).unwrap();
    app.settle_batch(&mut windows, batch, Some(&answer)).unwrap();
    assert!(app.next_batch(&mut windows, &es).unwrap().is_none(), "and no report follows it");
    assert_eq!(world.carry(0, 1), 0);
}

#[test]
fn a_report_taken_by_rules_that_changed_is_taken_again_by_the_new_ones() {
    let world = World::new();
    let (es, ma) = (world.es(), world.ma().party.clone());
    world.released();
    let mut windows = Windows::default();
    let batch = world.ma().app.next_batch(&mut windows, &es.party).unwrap().unwrap();
    let other = App::open(es.db.clone(), parts(&es.party, (32, 1), &world.clock, &es.mark)).unwrap();
    other.share();
    es.app.share();
    suspend(&other, &world);
    es.app.receive_batch(&ma, &batch.body).unwrap();
    let held = es
        .entries()
        .into_iter()
        .filter(|(kind, _, verdict)| kind == "message.decided" && verdict == "accepted");
    assert_eq!(held.count(), 0, "judged by what is in force now");
}

#[test]
fn accreditation_and_agreements_reach_every_process_with_its_next_call() {
    let world = World::new();
    let other = second(&world);
    let node = world.ma();
    let may = node.actor("security").may(intent::AssessPartner).unwrap();
    node.app.set_accreditation(may, Level::Secret).unwrap();
    assert_ne!(other.accreditation(), Level::Secret);
    other.refresh().unwrap();
    assert_eq!(other.accreditation(), Level::Secret);
    suspend(&node.app, &world);
    other.refresh().unwrap();
    assert!(!other.registry().agreements[&world.agreement].standing.is_in_force(other.now()));
}

#[test]
fn a_worker_that_lost_its_lease_commits_nothing() {
    let world = World::new();
    world.released();
    let (node, es) = (world.ma(), world.es().party.clone());
    let other = second(&world);
    let first = node.app.under(lease(&node.app).expect("the lane is free"));
    assert!(lease(&other).is_none(), "one lane, one worker");
    let mut windows = Windows::default();
    let batch = first.next_batch(&mut windows, &es).unwrap().unwrap();
    let answer = world.es().app.receive_batch(&node.party, &batch.body).unwrap();
    if node.db.engine() == mithaq_db::Engine::Sqlite {
        world.clock.0.advance(LEASE);
    } else {
        // Leases go by the server's clock: as if their time were over.
        end_leases(&node.db);
    }
    let second = other.under(lease(&other).expect("who sleeps loses it"));
    let error = first.settle_batch(&mut windows, batch, Some(&answer)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "node.lease_lost"));
    let anew = first.next_batch(&mut windows, &es).unwrap();
    assert!(anew.is_some(), "what could not be settled is not taken for being under way");
    // The other sends the same bytes again, which the partner takes once, and settles.
    let mut windows = Windows::default();
    let again = second.next_batch(&mut windows, &es).unwrap().unwrap();
    let answer = world.es().app.receive_batch(&node.party, &again.body).unwrap();
    second.settle_batch(&mut windows, again, Some(&answer)).unwrap();
    assert!(second.next_batch(&mut windows, &es).unwrap().is_none());
}

fn end_leases(db: &mithaq_db::Db) {
    let end = |tx: &mut dyn Tx| tx.exec("UPDATE lease SET ends_at = 1 WHERE kind <> 'process'", &[]);
    db.write(end).unwrap();
}

#[test]
fn notify_wakes_the_other_process() {
    let world = World::new();
    // Where a server is at hand, one of the two nodes lies on it; a file has no other process.
    let Some((n, node)) = (1_u8..).zip(&world.nodes).find(|(_, node)| node.server().is_some()) else {
        return;
    };
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let parts = mithaq_app::Parts {
        waker: Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }),
        ..parts(&node.party, (n * 16, 1), &world.clock, &node.mark)
    };
    let other = App::open(node.server().unwrap().another().unwrap(), parts).unwrap();
    other.listen().unwrap();
    node.app.listen().unwrap();
    let started = std::time::Instant::now();
    let wait = |until: &dyn Fn() -> bool| {
        while !until() {
            assert!(started.elapsed() < std::time::Duration::from_secs(20), "nobody was woken");
            std::thread::yield_now();
        }
    };
    wait(&|| woken.load(Ordering::SeqCst) > 0);
    let before = woken.load(Ordering::SeqCst);
    suspend(&node.app, &world);
    wait(&|| !other.registry().agreements[&world.agreement].standing.is_in_force(other.now()));
    wait(&|| woken.load(Ordering::SeqCst) > before);
    other.close();
}
