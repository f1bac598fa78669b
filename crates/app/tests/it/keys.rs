//! Keys over time: rotation with messages in flight, compromised keys, manifests that go back or fork, moved nodes.

use mithaq_app::{AppError, KeyPaper, KeyStanding, Use, intent};
use mithaq_envelope::{NodeSigner as _, Papers};
use mithaq_model::{CaseId, CrimeArea, Days, Millis, ReportId};

use crate::world::{World, recruiter, soft_of};

/// A released report from the first node; each with a subject of its own.
fn released(world: &World) -> (CaseId, ReportId) {
    let node = world.ma();
    let case = node.case(CrimeArea::ForeignTerroristFighters);
    let number = u8::try_from(node.count("subject.added") + 40).unwrap();
    let subject = node.add_subject(case, recruiter(number));
    let number = node.ready(case, world.report(&[subject]));
    node.release(number, &Use::default()).unwrap();
    (case, number)
}

/// The verdicts of the messages the second node took, in order.
fn taken(world: &World) -> Vec<String> {
    let entries = world.es().entries().into_iter();
    entries.filter(|(kind, ..)| kind == "message.taken").map(|(.., verdict)| verdict).collect()
}

fn code<T>(result: Result<T, AppError>) -> String {
    result.err().map(|error| error.code().to_owned()).unwrap_or_default()
}

#[test]
fn messages_in_flight_under_the_old_key_are_taken_in_the_overlap() {
    let mut world = World::new();
    let (_, before) = released(&world);
    world.ma().install(&world.ma().next_manifest(2, |_| ()));
    let (_, after) = released(&world);
    assert_eq!(world.hand_papers(0, 1).unwrap(), 2);
    world.settle();
    let es = world.es();
    for number in [before, after] {
        let received = es.entries().iter().filter(|(_, object, _)| *object == number.to_string()).count();
        assert!(received > 0, "{number}");
    }
    assert!(taken(&world).iter().all(|verdict| !verdict.contains("key")), "{:?}", taken(&world));
    let may = es.actor("security").may(intent::ReadHealth).unwrap();
    let view = es.app.key_view(may).unwrap();
    let ma = view.iter().find(|one| one.party == world.ma().party).unwrap();
    assert_eq!(ma.manifests.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
    assert!(ma.manifests.iter().all(|one| one.standing == KeyStanding::Good));
    // Nothing more to hand over, and the node signs with its new key.
    assert_eq!(world.ma().app.papers_for(&es.party).unwrap(), None);
    assert_eq!(world.ma().app.key_state(), mithaq_app::KeyState::Good);
    // The other way: encrypted to the new key, and before to the old one.
    assert_eq!(es.count("partner.manifest"), 2);
}

#[test]
fn what_was_encrypted_to_the_old_key_opens_after_the_change() {
    let mut world = World::new();
    let (_, number) = released(&world);
    // The recipient changes its keys while the report is on its way.
    world.es().install(&world.es().next_manifest(2, |_| ()));
    world.settle();
    assert!(!taken(&world).iter().any(|verdict| verdict.contains("undecryptable")), "{:?}", taken(&world));
    // Its receipt is signed with a key the sender does not know yet: no fault, it is asked for again.
    world.clock.0.advance(Millis::hours(1));
    assert_eq!(world.hand_papers(1, 0).unwrap(), 2);
    let (_, next) = released(&world);
    world.settle();
    assert!(!taken(&world).iter().any(|verdict| verdict.contains("undecryptable")));
    for number in [number, next] {
        let entries = world.es().entries();
        assert!(entries.iter().any(|(_, object, _)| *object == number.to_string()), "{number}: {entries:?}");
    }
}

#[test]
fn messages_under_the_old_key_are_refused_with_a_code_after_the_overlap() {
    let mut world = World::new();
    let _late = released(&world);
    world.ma().install(&world.ma().next_manifest(2, |_| ()));
    world.hand_papers(0, 1).unwrap();
    world.clock.0.advance(Millis::hours(31 * 24));
    world.settle();
    assert!(taken(&world).iter().any(|verdict| verdict == "envelope.key_ended"), "{:?}", taken(&world));
    // The lane goes on: what is signed anew is taken.
    let before = taken(&world).len();
    let _fresh = released(&world);
    world.settle();
    let all = taken(&world);
    assert!(all.len() > before && !all[before..].iter().any(|verdict| verdict.contains("key")), "{all:?}");
}

#[test]
fn a_message_back_dated_with_a_compromised_key_is_refused_and_what_was_taken_before_stays() {
    let mut world = World::new();
    let (case, before) = released(&world);
    world.settle();
    let (ma, es) = (world.ma(), world.es());
    let stolen = soft_of(16, 1).node_key();
    let bare = ma.distrust(stolen, 7);
    let statement = ma.distrust_from_now(stolen);
    // Whoever has the old key signs as before: here the node itself, before it learns of the theft.
    let _back_dated = released(&world);
    // A node whose own keys are distrusted is not heard: the next manifest comes first.
    let propose = ma.actor("security").may(intent::ProposeKeys).unwrap();
    assert_eq!(code(ma.app.propose_keys(propose, &statement)), "keys.distrusts_current");
    ma.install(&ma.next_manifest(2, |_| ()));
    assert_eq!(code(ma.app.propose_keys(propose, &bare)), "keys.distrust_size");
    ma.install(&statement);
    world.hand_papers(0, 1).unwrap();
    assert_eq!((es.count("partner.key_distrusted"), es.count("partner.manifest")), (1, 2));
    let health = es.actor("security").may(intent::ReadHealth).unwrap();
    assert!(es.app.alarms(health).unwrap().iter().any(|alarm| alarm.kind == "peer.key_distrusted"));
    let refused = |world: &World| taken(world).iter().filter(|one| *one == "envelope.key_distrusted").count();
    let (kept, none) = (taken(&world).len(), refused(&world));
    world.settle();
    assert!(none == 0 && refused(&world) > 0, "{:?}", taken(&world));
    assert_eq!(taken(&world).len() - kept, refused(&world));
    // What was receipted before is as it was, and a duplicate of it gets its receipt.
    let first = world.carried.iter().find(|(from, ..)| *from == 0).unwrap().2.clone();
    let (ma, es) = (world.ma(), world.es());
    assert!(es.app.receive_batch(&ma.party, &first).is_ok());
    assert!(es.entries().iter().any(|(_, object, _)| *object == before.to_string()));
    assert!(ma.read(case, before).is_ok());
    // Handed over again, nothing happens.
    let papers = ma.app.papers_after(0).unwrap();
    assert_eq!(es.app.take_papers(&ma.party, &papers).unwrap(), 2);
    assert_eq!(es.count("partner.key_distrusted"), 1);
    // What is signed with the new key is taken.
    let kept = refused(&world);
    let _new = released(&world);
    world.settle();
    assert_eq!(refused(&world), kept);
}

#[test]
fn a_receipt_under_a_distrusted_key_proves_no_delivery_and_the_node_signs_it_anew() {
    let mut world = World::new();
    let (_, number) = released(&world);
    let stolen = soft_of(32, 1).node_key();
    // The partner takes it and answers; the answer is on its way while its root distrusts the key that signed it.
    let (ma, es) = (world.ma().party.clone(), world.es().party.clone());
    let batch = world.nodes[0].next_batch(&es).unwrap();
    let body = batch.body.clone();
    let answer = world.es().app.receive_batch(&ma, &body).unwrap();
    world.es().install(&world.es().next_manifest(2, |_| ()));
    world.es().install(&world.es().distrust_from_now(stolen));
    world.hand_papers(1, 0).unwrap();
    world.nodes[0].settle(batch, Some(&answer));
    assert_eq!(world.ma().count("message.decided"), 0, "it proves nothing");
    assert_eq!(world.ma().count("peer.fault"), 0, "and is no fault of who sent it: it is asked for again");
    // Asked again, the partner says the same under the key of today, each time in the same bytes.
    let again = world.es().app.receive_batch(&ma, &body).unwrap();
    assert_ne!(again, answer);
    assert_eq!(world.es().app.receive_batch(&ma, &body).unwrap(), again);
    world.clock.0.advance(Millis::hours(1));
    world.settle();
    let entries = world.ma().entries();
    let decided = entries.iter().filter(|(kind, ..)| kind == "message.decided").count();
    assert!(decided > 0, "{entries:?}");
    // And it is evidence: the receipt that counts is under the second manifest.
    let may = world.ma().actor("oversight").may(intent::ReadLog).unwrap();
    let bundle = world.ma().app.export_evidence(may, &mithaq_app::Extent::All).unwrap();
    let anchors =
        mithaq_evidence::Anchors { agreements: vec![world.agreement], ..mithaq_evidence::Anchors::default() };
    let found = mithaq_evidence::judge(&bundle, &anchors).unwrap();
    let object = mithaq_model::ObjectId::from(number).to_string();
    let message = found.messages.iter().find(|one| one.object == object).unwrap();
    assert_eq!(message.receipt.as_ref().unwrap().manifest, 2);
    assert_eq!(found.distrusts.len(), 1);
    assert!(found.distrusts[0].is_proven);
}

#[test]
fn what_a_partner_signed_before_its_statement_came_stays_proven() {
    let mut world = World::new();
    let (_, before) = released(&world);
    world.settle();
    let stolen = soft_of(32, 1).node_key();
    world.es().install(&world.es().next_manifest(2, |_| ()));
    world.es().install(&world.es().distrust_from_now(stolen));
    world.hand_papers(1, 0).unwrap();
    let may = world.ma().actor("oversight").may(intent::ReadLog).unwrap();
    let anchors =
        mithaq_evidence::Anchors { agreements: vec![world.agreement], ..mithaq_evidence::Anchors::default() };
    for extent in [mithaq_app::Extent::All, mithaq_app::Extent::Object(before.into())] {
        let bundle = world.ma().app.export_evidence(may, &extent).unwrap();
        let found = mithaq_evidence::judge(&bundle, &anchors).unwrap();
        assert_eq!(found.distrusts.len(), 1, "{extent:?}");
        let object = mithaq_model::ObjectId::from(before).to_string();
        let message = found.messages.iter().find(|one| one.object == object && one.is_sent).unwrap();
        assert_eq!(message.receipt.as_ref().unwrap().manifest, 1, "{extent:?}: {:?}", found.gaps);
    }
}

#[test]
fn an_older_manifest_changes_nothing_and_a_forked_chain_is_refused_and_told() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    let first = ma.app.own_manifest().unwrap();
    let fork = ma.next_manifest(3, |_| ());
    let second = ma.next_manifest(2, |_| ());
    ma.install(&second);
    world.hand_papers(0, 1).unwrap();
    let papers = |manifests: &[&Vec<u8>]| {
        let manifests = manifests.iter().map(|one| (*one).clone()).collect();
        Papers { manifests, distrusts: Vec::new() }.to_bytes()
    };
    // Rollback: the older one alone is known, and the newer one stays.
    assert_eq!(es.app.take_papers(&ma.party, &papers(&[&first])).unwrap(), 2);
    let govern = es.actor("authority").may(intent::GovernAgreement).unwrap();
    assert_eq!(code(es.app.add_manifest(govern, &ma.party, &first)), "input.manifest");
    assert_eq!(es.app.registry().peers[&ma.party].current().unwrap().manifest().number, 2);
    // Fork: two of one number convict the root.
    assert_eq!(code(es.app.take_papers(&ma.party, &papers(&[&fork]))), "manifest.fork");
    assert_eq!(code(es.app.take_papers(&ma.party, &papers(&[&first, &fork]))), "manifest.fork");
    let health = es.actor("security").may(intent::ReadHealth).unwrap();
    let rung = es.app.alarms(health).unwrap();
    assert_eq!(rung.iter().filter(|alarm| alarm.kind == "peer.manifest_refused").count(), 1);
    assert_eq!(es.count("partner.manifest_refused"), 1);
    // A gap in the chain, another party's, and no papers at all.
    let far = ma.next_manifest(3, |next| next.number += 1);
    assert_eq!(code(es.app.take_papers(&ma.party, &papers(&[&far]))), "manifest.chain");
    let theirs = es.app.own_manifest().unwrap();
    assert_eq!(code(es.app.take_papers(&ma.party, &papers(&[&theirs]))), "manifest.root");
    assert_eq!(code(es.app.take_papers(&ma.party, b"papers")), "manifest.malformed");
    let statement = Papers { manifests: Vec::new(), distrusts: vec![es.distrust([1; 32], 0)] }.to_bytes();
    assert_eq!(code(es.app.take_papers(&ma.party, &statement)), "manifest.root");
    assert_eq!(es.app.registry().peers[&ma.party].manifests.len(), 2);
}

#[test]
fn new_keys_take_two_persons_and_their_secrets() {
    let world = World::new();
    let ma = world.ma();
    let propose = ma.actor("security").may(intent::ProposeKeys).unwrap();
    assert!(ma.actor("supervisor").may(intent::ProposeKeys).is_err());
    assert!(ma.actor("admin").may(intent::ConfirmKeys).is_err());
    let good = ma.next_manifest(2, |_| ());
    let waits = ma.app.propose_keys(propose, &good).unwrap();
    assert_eq!(waits.paper, KeyPaper::Manifest { number: 2 });
    let health = ma.actor("security").may(intent::ReadHealth).unwrap();
    assert_eq!(ma.app.key_proposal(health).unwrap(), Some(waits.clone()));
    // One person in both roles is one person.
    ma.hire("both", &[mithaq_model::Role::SecurityOfficer, mithaq_model::Role::Supervisor]);
    let both = ma.actor("both");
    let own = ma.app.propose_keys(both.may(intent::ProposeKeys).unwrap(), &good).unwrap();
    assert_eq!(code(ma.app.confirm_keys(both.may(intent::ConfirmKeys).unwrap(), &own.id)), "keys.one_person");
    let confirm = ma.actor("supervisor").may(intent::ConfirmKeys).unwrap();
    assert_eq!(code(ma.app.confirm_keys(confirm, "0123456789abcdef")), "keys.no_proposal");
    // After three days it is brought again.
    world.clock.0.advance(Millis::hours(73));
    assert_eq!(code(ma.app.confirm_keys(confirm_again(ma), &own.id)), "keys.no_proposal");
    // Secrets that are not here, another log, an old paper, another root, nothing at all.
    let propose = ma.actor("security").may(intent::ProposeKeys).unwrap();
    let try_ = |bytes: &[u8]| code(ma.app.propose_keys(propose, bytes));
    assert_eq!(try_(&ma.next_manifest(5, |_| ())), "keys.missing");
    assert_eq!(
        try_(&ma.next_manifest(2, |next| next.log_key = world.es().app.log_key().unwrap().to_string())),
        "keys.log"
    );
    assert_eq!(
        try_(&ma.next_manifest(2, |next| next.valid_from = ma.app.now().minus(Days(15)))),
        "keys.stale"
    );
    assert_eq!(try_(&ma.app.own_manifest().unwrap()), "keys.installed");
    assert_eq!(try_(&world.es().next_manifest(2, |_| ())), "input.manifest");
    assert_eq!(try_(b"paper"), "input.manifest");
    assert_eq!(ma.app.registry().own.as_ref().unwrap().manifest().number, 1);
}

fn confirm_again(node: &crate::world::Node) -> mithaq_app::May<intent::ConfirmKeys> {
    node.actor("supervisor").may(intent::ConfirmKeys).unwrap()
}

#[test]
fn a_node_that_moved_is_found_by_its_next_manifest_and_both_pins_hold_in_the_overlap() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    let old = es.app.registry().peers[&ma.party].pins(es.app.now());
    ma.install(&ma.next_manifest(2, |next| next.endpoints = vec!["https://moved.example:7443".to_owned()]));
    world.hand_papers(0, 1).unwrap();
    let registry = es.app.registry();
    let peer = &registry.peers[&ma.party];
    assert_eq!(peer.current().unwrap().manifest().endpoints, ["https://moved.example:7443"]);
    let pins = peer.pins(es.app.now());
    assert!(pins.len() == 2 && pins.contains(&old[0]), "{pins:?}");
    assert_eq!(peer.pins(es.app.now().plus(Days(31))).len(), 1);
    // A pin that is distrusted is none, in the overlap too.
    ma.install(&ma.distrust_from_now(old[0]));
    world.hand_papers(0, 1).unwrap();
    let pins = es.app.registry().peers[&ma.party].pins(es.app.now());
    assert!(pins.len() == 1 && pins[0] != old[0], "{pins:?}");
}

#[test]
fn a_manifest_that_ends_rings_once_before() {
    let world = World::new();
    let ma = world.ma();
    assert_eq!(ma.app.keys_ending(), None);
    ma.app.remind_keys().unwrap();
    assert_eq!(ma.count("keys.ending"), 0);
    let end = ma.app.registry().own.as_ref().unwrap().manifest().valid_to;
    let ahead = end.as_millis() - ma.app.now().as_millis() - 29 * 86_400_000;
    world.clock.0.advance(Millis(u64::try_from(ahead).unwrap()));
    assert_eq!(ma.app.keys_ending(), Some(end));
    ma.app.remind_keys().unwrap();
    ma.app.remind_keys().unwrap();
    assert_eq!(ma.count("keys.ending"), 1);
}
