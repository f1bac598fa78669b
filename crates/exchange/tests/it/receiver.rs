//! Every way a batch can be wrong, and what the receiver does about it.

use mithaq_exchange::{
    Alarm, Content, Effect, Stop, VersionState, Versions, enqueue, is_number_of, object_number, start_epoch,
};
use mithaq_model::{AgreementId, Millis, Timestamp};
use mithaq_sim::paper::{Policy, manifest};
use mithaq_wire::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, ENVELOPE_MAX, REORDER_MAX, VALIDITY_MAX_MS};
use mithaq_wire::{Lane, LaterReceipt, MessageKind, Order};

use crate::world::{DAY, NOW, Node, at, object, pair, verdicts, version};

#[test]
fn takes_in_order_and_receipts_once() {
    let (mut a, mut b) = pair();
    let batch: Vec<_> = (1..=3).map(|n| a.report(&b.party, n)).collect();
    let (received, answer) = b.take(&a.party, &batch);
    assert_eq!(verdicts(&received), ["accepted"; 3]);
    assert_eq!((answer.have, answer.receipts.len(), &answer.stopped), (at(3), 1, &None));
    assert_eq!(received.facts.len(), 3, "one leaf per message");
    let (again, second) = b.take(&a.party, &batch);
    assert!(again.is_unchanged());
    assert_eq!(second, answer, "a duplicate gets the same bytes");
    b.now = NOW.plus(Millis(400 * DAY));
    let (_, late) = b.take(&a.party, &batch[1..2]);
    assert_eq!(late.receipts, answer.receipts, "400 days later too");
    let fresh = b.inspect(&a.party, &batch).unwrap();
    assert!(b.step(fresh).answer_unchanged().is_some());
}

#[test]
fn refuses_bare_what_it_cannot_place() {
    let (mut a, b) = pair();
    let mut c = Node::new("ci-judiciary");
    let good = a.report(&b.party, 1);
    let for_c = a.report(&c.party, 1);
    let of_c = c.report(&b.party, 1);
    let flip = |n: usize| {
        let mut bytes = good.clone();
        bytes[n] ^= 1;
        bytes
    };
    let huge = vec![0; ENVELOPE_MAX + 1];
    for (batch, stop) in [
        (vec![], Stop::BatchSize),
        (vec![vec![]; BATCH_MESSAGES_MAX + 1], Stop::BatchSize),
        (vec![vec![0; BATCH_BYTES_MAX / 4 + 1]; 4], Stop::BatchSize),
        (vec![huge], Stop::EnvelopeSize),
        (vec![vec![]], Stop::EnvelopeMalformed),
        (vec![b"hello".to_vec()], Stop::EnvelopeMalformed),
        (vec![good[..60].to_vec()], Stop::EnvelopeMalformed),
        (vec![flip(32)], Stop::EnvelopeUnsupported),
        (vec![for_c], Stop::EnvelopeAddress),
        (vec![of_c.clone()], Stop::EnvelopeAddress),
        (vec![flip(0)], Stop::EnvelopeSignature),
        (vec![flip(good.len() - 1)], Stop::EnvelopeSignature),
    ] {
        assert_eq!(b.inspect(&a.party, &batch).err(), Some(stop));
    }
    let door = mithaq_exchange::Door { us: &b.party, peer: &a.party, agreements: &[] };
    let nobody = mithaq_exchange::inspect(std::slice::from_ref(&good), &door, &b.paper);
    assert_eq!(nobody.err(), Some(Stop::EnvelopeAddress), "no agreement, nobody");
    let other = [AgreementId::new([8; 32])];
    let door = mithaq_exchange::Door { us: &b.party, peer: &a.party, agreements: &other };
    assert!(mithaq_exchange::inspect(&[good], &door, &b.paper).is_err());
}

#[test]
fn an_unknown_manifest_and_every_flipped_bit_get_no_receipt() {
    let (mut a, mut b) = pair();
    a.paper.rotate(2);
    let lane = a.store.lane_out(&a.lane_to(&b.party, Lane::Report));
    let sealed = a.paper.seal(&a.slip(&b.party, object(1), 1, Policy::Accept));
    let mut stamp = a.stamp();
    stamp.manifest = manifest(&a.party, 2);
    let out = outgoing(&sealed, a.now);
    let queued = enqueue(&lane, &out, stamp, &mut a.paper.clone()).unwrap();
    let bytes = a.store.commit_queued(queued).bytes;
    assert_eq!(b.inspect(&a.party, std::slice::from_ref(&bytes)).err(), Some(Stop::EnvelopeSigner));
    b.paper.learn(&a.party, 2);
    for byte in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[byte] ^= 0x10;
        assert!(b.inspect(&a.party, &[bad]).is_err(), "byte {byte}");
    }
    let (received, _) = b.take(&a.party, &[bytes]);
    assert_eq!(verdicts(&received), ["accepted"]);
}

fn outgoing(sealed: &[u8], now: Timestamp) -> mithaq_exchange::Outgoing<'_> {
    mithaq_exchange::Outgoing {
        kind: MessageKind::Report,
        object: None,
        sealed,
        expires: now.plus(Millis(DAY)),
        deadline: now.plus(Millis(DAY)),
    }
}

#[test]
fn one_bad_of_64_stops_there_and_the_good_prefix_counts() {
    let (mut a, mut b) = pair();
    let mut batch: Vec<_> = (0..64).map(|n| a.report(&b.party, n)).collect();
    batch[40][5] ^= 1;
    let (received, answer) = b.take(&a.party, &batch);
    assert_eq!(received.messages.len(), 40);
    assert_eq!((answer.have, answer.stopped.as_deref()), (at(40), Some("envelope.signature")));
    batch[40][5] ^= 1;
    let (_, answer) = b.take(&a.party, &batch[40..]);
    assert_eq!((answer.have, answer.stopped), (at(64), None));
    assert_eq!(b.store.inbox.len(), 64);
}

#[test]
fn envelopes_of_two_lanes_do_not_mix() {
    let (mut a, mut b) = pair();
    let report = a.report(&b.party, 1);
    let order = a.recall(&b.party, object(9), &[]);
    let order = a.queue(&b.party, MessageKind::Order, &order);
    let (received, answer) = b.take(&a.party, &[report, order]);
    assert_eq!(received.messages.len(), 1);
    assert_eq!(answer.stopped.as_deref(), Some("batch.lane"));
}

#[test]
fn a_gap_is_kept_ahead_and_released_in_order() {
    let (mut a, mut b) = pair();
    let batch: Vec<_> = (1..=6).map(|n| a.report(&b.party, n)).collect();
    let (ahead, answer) = b.take(&a.party, &batch[3..]);
    assert!(ahead.messages.is_empty() && answer.receipts.is_empty(), "no receipt for what is not in order");
    assert_eq!((answer.have, b.store.ahead.len()), (at(0), 3));
    let (again, _) = b.take(&a.party, &batch[4..5]);
    assert!(again.keep_ahead.is_empty(), "kept once");
    let (received, answer) = b.take(&a.party, &batch[..3]);
    assert_eq!(received.messages.iter().map(|(row, _)| row.at.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!((answer.have, answer.receipts.len()), (at(6), 1));
    assert!(b.store.ahead.is_empty());
    assert_eq!(b.store.lanes_in.values().next().unwrap().ahead, 0);
}

#[test]
fn far_ahead_is_answered_with_what_is_had() {
    let (mut a, mut b) = pair();
    let far = REORDER_MAX + 1;
    let batch: Vec<_> = (0..far).map(|n| a.report(&b.party, u8::try_from(n % 250).unwrap())).collect();
    let (received, answer) = b.take(&a.party, &batch[far - 1..]);
    assert!(received.is_unchanged());
    assert_eq!((answer.have, answer.stopped.as_deref()), (at(0), Some("lane.gap")));
    let (_, answer) = b.take(&a.party, &batch[far - 2..far - 1]);
    assert_eq!(answer.stopped, None, "the last place that may wait");
}

#[test]
fn two_envelopes_for_one_place_freeze_the_lane_with_proof() {
    let (mut a, mut b) = pair();
    let mut twin = Node::new("ma-security");
    let (first, second) = (a.report(&b.party, 1), twin.report(&b.party, 2));
    let third = a.report(&b.party, 3);
    let (_, taken) = b.take(&a.party, std::slice::from_ref(&first));
    let (received, answer) = b.take(&a.party, std::slice::from_ref(&second));
    assert_eq!(answer.stopped.as_deref(), Some("lane.equivocation"));
    assert!(answer.receipts.is_empty() && received.alarms.contains(&Alarm::Equivocation));
    assert_eq!(b.store.proofs.len(), 1);
    assert_eq!(b.store.proofs[0].first.as_ref(), Some(&first));
    assert_eq!(b.store.proofs[0].second, second);
    let (_, frozen) = b.take(&a.party, std::slice::from_ref(&third));
    assert_eq!(frozen.stopped.as_deref(), Some("lane.frozen"));
    let (_, again) = b.take(&a.party, &[second]);
    assert_eq!(again.stopped.as_deref(), Some("lane.equivocation"));
    assert_eq!(b.store.proofs.len(), 1, "kept once");
    let (_, old) = b.take(&a.party, &[first]);
    assert_eq!(old.receipts, taken.receipts, "what was receipted stays receipted");
    let lane = a.lane_to(&b.party, Lane::Report);
    let settled = a.settle(&lane, &frozen);
    assert_eq!(settled.lane.halt, mithaq_exchange::Halt::FrozenByPeer);
}

#[test]
fn equivocation_is_seen_in_one_batch_ahead_and_in_the_chain() {
    let (mut a, mut b) = pair();
    let mut twin = Node::new("ma-security");
    let ours: Vec<_> = (1..=3).map(|n| a.report(&b.party, n)).collect();
    let theirs: Vec<_> = (11..=13).map(|n| twin.report(&b.party, n)).collect();
    let (received, _) = b.take(&a.party, &[ours[0].clone(), theirs[0].clone()]);
    assert_eq!((received.messages.len(), received.proofs.len()), (1, 1), "in one batch");

    let mut b = Node::new("es-police");
    b.take(&a.party, &[ours[2].clone()]);
    let (received, _) = b.take(&a.party, &[theirs[2].clone()]);
    assert_eq!(received.proofs.len(), 1, "both ahead");

    let mut b = Node::new("es-police");
    b.take(&a.party, &[ours[1].clone()]);
    let (received, _) = b.take(&a.party, &[ours[0].clone(), theirs[1].clone()]);
    assert_eq!((received.messages.len(), received.proofs.len()), (2, 1), "against one released");

    let mut b = Node::new("es-police");
    b.take(&a.party, &[ours[0].clone()]);
    let (received, answer) = b.take(&a.party, &[theirs[1].clone()]);
    assert_eq!(received.proofs.len(), 1, "a successor that names another predecessor");
    assert_eq!(received.proofs[0].first.as_ref(), Some(&ours[0]));
    assert_eq!(answer.have, at(1));
}

#[test]
fn signed_but_wrong_is_refused_with_a_code_and_the_lane_goes_on() {
    let (a, b) = pair();
    let c = Node::new("ci-judiciary");
    let good = a.slip(&b.party, object(1), 1, Policy::Accept);
    let with = |change: &dyn Fn(&mut mithaq_wire::SealHeader)| {
        let mut sealed = good.clone();
        change(&mut sealed.seal);
        sealed
    };
    let cases = [
        (MessageKind::Report, with(&|s| s.recipients.clear()), "seal.recipient"),
        (MessageKind::Report, with(&|s| s.recipients = vec![c.party.clone()]), "seal.recipient"),
        (MessageKind::Report, with(&|s| s.agreement = AgreementId::new([9; 32])), "seal.agreement"),
        (MessageKind::Report, with(&|s| s.originator = c.party.clone()), "seal.signature"),
        (MessageKind::Report, a.notice(&b.party), "seal.kind"),
        (MessageKind::Order, good.clone(), "seal.kind"),
        (MessageKind::Notice, good.clone(), "seal.kind"),
        (MessageKind::Receipts, good.clone(), "seal.kind"),
        (MessageKind::Correction, good.clone(), "seal.kind"),
        (MessageKind::Report, a.slip(&b.party, object(1), 2, Policy::Accept), "seal.kind"),
        (MessageKind::Report, a.slip(&b.party, object(1), 1, Policy::Refuse), "PUR"),
        (MessageKind::Report, a.slip(&b.party, object(1), 1, Policy::Quarantine), "?SPC"),
        (MessageKind::Report, a.slip(&b.party, object(1), 1, Policy::Crash), "?policy.internal"),
    ];
    for (kind, sealed, code) in cases {
        let (mut a, mut b) = pair();
        let bad = a.queue(&b.party, kind, &sealed);
        let next = match kind.lane().unwrap() {
            Lane::Report => a.report(&b.party, 2),
            Lane::Control | Lane::Bulk => {
                let notice = a.notice(&b.party);
                a.queue(&b.party, MessageKind::Notice, &notice)
            }
        };
        let (received, answer) = b.take(&a.party, &[bad, next]);
        assert_eq!(verdicts(&received), [code, "accepted"], "{kind:?}");
        assert_eq!((answer.have, answer.receipts.len()), (at(2), 1));
    }
}

#[test]
fn what_cannot_be_opened_is_refused_too() {
    let (mut a, mut b) = pair();
    let lane = a.store.lane_out(&a.lane_to(&b.party, Lane::Report));
    let mut seal = a.paper.seal(&a.slip(&b.party, object(1), 1, Policy::Accept));
    for (sealed, code) in [
        (Vec::new(), "envelope.undecryptable"),
        (seal[..40].to_vec(), "seal.malformed"),
        (
            {
                seal[0] ^= 1;
                seal.clone()
            },
            "seal.signature",
        ),
    ] {
        let mut b = Node::new("es-police");
        let stamp = a.stamp();
        let queued = enqueue(&lane, &outgoing(&sealed, a.now), stamp, &mut a.paper).unwrap();
        let bytes = queued.store(mithaq_exchange::Logged::committed(0)).1.bytes;
        let (received, answer) = b.take(&a.party, &[bytes]);
        assert_eq!(verdicts(&received), [code]);
        assert_eq!(answer.have, at(1));
    }
    assert!(b.store.inbox.is_empty());
    b.now = NOW;
}

#[test]
fn what_another_party_sealed_is_not_the_senders_to_send() {
    let (mut a, mut b) = pair();
    let c = Node::new("ci-judiciary");
    let sealed = c.paper.seal(&c.slip(&b.party, object(1), 1, Policy::Accept));
    let lane = a.store.lane_out(&a.lane_to(&b.party, Lane::Report));
    let stamp = a.stamp();
    let queued = enqueue(&lane, &outgoing(&sealed, a.now), stamp, &mut a.paper).unwrap();
    let bytes = a.store.commit_queued(queued).bytes;
    let (received, _) = b.take(&a.party, &[bytes]);
    assert_eq!(verdicts(&received), ["seal.originator"]);
    assert!(b.store.holdings.is_empty());
}

#[test]
fn a_kind_in_a_foreign_lane_is_refused() {
    let (mut a, mut b) = pair();
    let lane = a.lane_to(&b.party, Lane::Bulk);
    let sealed = a.paper.seal(&a.slip(&b.party, object(1), 1, Policy::Accept));
    let header = mithaq_wire::EnvelopeHeader {
        lane,
        at: at(1),
        prev: mithaq_wire::Digest::ZERO,
        manifest: manifest(&a.party, 1),
        mid: [1; 16],
        kind: MessageKind::Report,
        created: NOW,
        expires: NOW.plus(Millis(DAY)),
        acks: Vec::new(),
        checkpoint: None,
    };
    for (expires, kind, code) in [
        (NOW.plus(Millis(DAY)), MessageKind::Report, "envelope.kind"),
        (NOW.minus(Millis(1)), MessageKind::EpochStart, "lane.epoch"),
    ] {
        let mut b = Node::new("es-police");
        let header = mithaq_wire::EnvelopeHeader { expires, kind, ..header.clone() };
        let bytes = mithaq_exchange::ports::Wrap::wrap(&mut a.paper, &header, &sealed).unwrap();
        let (received, answer) = b.take(&a.party, &[bytes]);
        match answer.stopped.as_deref() {
            Some(stopped) => assert_eq!(stopped, code),
            None => assert_eq!(verdicts(&received), [code]),
        }
    }
    let lane = a.lane_to(&b.party, Lane::Report);
    for expires in [NOW.minus(Millis(1)), NOW.plus(Millis(VALIDITY_MAX_MS + 1))] {
        let header = mithaq_wire::EnvelopeHeader { lane: lane.clone(), expires, ..header.clone() };
        let bytes = mithaq_exchange::ports::Wrap::wrap(&mut a.paper, &header, &sealed).unwrap();
        let (received, _) = Node::new("es-police").take(&a.party, &[bytes]);
        assert_eq!(verdicts(&received), ["envelope.validity"]);
    }
    b.now = NOW;
}

#[test]
fn expiry_refuses_content_and_never_orders() {
    let (mut a, mut b) = pair();
    let report = a.report(&b.party, 1);
    let recall = a.recall(&b.party, object(1), &[]);
    let recall = a.queue(&b.party, MessageKind::Order, &recall);
    b.now = NOW.plus(Millis(3_650 * DAY));
    let (received, _) = b.take(&a.party, &[report]);
    assert_eq!(verdicts(&received), ["envelope.expired"]);
    assert!(received.alarms.contains(&Alarm::ClockSkew));
    let (received, _) = b.take(&a.party, &[recall]);
    assert_eq!(verdicts(&received), ["accepted"]);
    assert_eq!(b.store.tombstones.len(), 1);
}

#[test]
fn a_recall_erases_and_stays() {
    let (mut a, mut b) = pair();
    let report = a.report(&b.party, 1);
    b.take(&a.party, &[report]);
    let recall = a.recall(&b.party, object(1), &[]);
    let recall = a.queue(&b.party, MessageKind::Order, &recall);
    let (received, _) = b.take(&a.party, &[recall]);
    let Effect::Erase { object: o, held, versions, .. } = &received.messages[0].1 else {
        panic!("a recall erases")
    };
    assert_eq!((*o, held.as_slice(), versions), (object(1), &[version(1)][..], &Versions::All));
    assert_eq!(b.store.holdings[&object(1)].versions[0].state, VersionState::Recalled);
    let correction = a.slip(&b.party, object(1), 2, Policy::Accept);
    let correction = a.queue(&b.party, MessageKind::Correction, &correction);
    let (received, _) = b.take(&a.party, &[correction]);
    assert_eq!(verdicts(&received), ["object.recalled"], "correction after recall");
    let mut anew = a.slip(&b.party, object(1), 3, Policy::Accept);
    anew.seal.supersedes = None;
    let anew = a.queue(&b.party, MessageKind::Report, &anew);
    let (received, _) = b.take(&a.party, &[anew]);
    assert_eq!(verdicts(&received), ["object.recalled"], "not by the report lane either");
}

#[test]
fn a_recall_that_overtakes_leaves_a_tombstone_and_tells_nothing() {
    let (mut a, mut b) = pair();
    let report = a.report(&b.party, 1);
    let recall = a.recall(&b.party, object(1), &[]);
    let first = a.queue(&b.party, MessageKind::Order, &recall);
    let second = a.queue(&b.party, MessageKind::Order, &recall);
    let (received, _) = b.take(&a.party, &[first, second]);
    assert_eq!(verdicts(&received), ["accepted", "accepted"], "unknown and double look alike");
    let (received, _) = b.take(&a.party, &[report]);
    assert_eq!(verdicts(&received), ["object.recalled"]);
    assert!(b.store.holdings.is_empty());
}

#[test]
fn only_the_originator_takes_back() {
    let (mut a, mut b) = pair();
    let mut c = Node::new("ci-judiciary");
    let report = a.report(&b.party, 1);
    b.take(&a.party, &[report]);
    let recall = c.recall(&b.party, object(1), &[]);
    let recall = c.queue(&b.party, MessageKind::Order, &recall);
    let expiry = c.order(&b.party, Order::Expiry { object: object(1), expires: NOW });
    let expiry = c.queue(&b.party, MessageKind::Order, &expiry);
    let (received, _) = b.take(&c.party, &[recall, expiry]);
    assert_eq!(verdicts(&received), ["accepted", "accepted"]);
    let holding = &b.store.holdings[&object(1)];
    assert_eq!((holding.versions[0].state, holding.expires), (VersionState::Current, None));
    let stolen = c.report(&b.party, 1);
    let (received, _) = b.take(&c.party, &[stolen]);
    assert_eq!(verdicts(&received), ["object.originator"]);
}

#[test]
fn who_claims_anothers_number_first_is_refused_and_the_owner_is_not() {
    let (mut a, mut b) = pair();
    let mut c = Node::new("ci-judiciary");
    // B never saw the object, or lost the rows that say whose it is.
    let stolen = c.report(&b.party, 1);
    let changed = c.slip(&b.party, object(1), 2, Policy::Accept);
    let changed = c.queue(&b.party, MessageKind::Correction, &changed);
    for claim in [stolen, changed] {
        let (received, _) = b.take(&c.party, &[claim]);
        assert_eq!(verdicts(&received), ["object.originator"]);
    }
    assert!(b.store.holdings.is_empty(), "and leaves no trace");
    let report = a.report(&b.party, 1);
    let (received, _) = b.take(&a.party, &[report]);
    assert_eq!(verdicts(&received), ["accepted"]);
}

#[test]
fn of_two_parties_with_one_mark_the_second_does_not_get_what_is_held() {
    // Marks are four bytes: these two names, looked for, have the same.
    let (mut one, mut other) = (Node::new("aa-agency-9825"), Node::new("aa-agency-97779"));
    let object = object_number([1; 16], &one.party);
    assert!(is_number_of(object, &other.party));
    let mut b = Node::new("es-police");
    b.paper.learn(&one.party, 1);
    b.paper.learn(&other.party, 1);
    let slip = one.slip(&b.party, object, 1, Policy::Accept);
    let report = one.queue(&b.party, MessageKind::Report, &slip);
    let (received, _) = b.take(&one.party, &[report]);
    assert_eq!(verdicts(&received), ["accepted"]);
    let slip = other.slip(&b.party, object, 1, Policy::Accept);
    let stolen = other.queue(&b.party, MessageKind::Report, &slip);
    let (received, _) = b.take(&other.party, &[stolen]);
    assert_eq!(verdicts(&received), ["object.originator"]);
}

#[test]
fn recall_of_some_versions_leaves_the_others() {
    let (mut a, mut b) = pair();
    let report = a.report(&b.party, 1);
    b.take(&a.party, &[report]);
    let correction = a.slip(&b.party, object(1), 2, Policy::Accept);
    let correction = a.queue(&b.party, MessageKind::Correction, &correction);
    let recall = a.recall(&b.party, object(1), &[1]);
    let recall = a.queue(&b.party, MessageKind::Order, &recall);
    b.take(&a.party, &[correction, recall]);
    let states: Vec<_> = b.store.holdings[&object(1)].versions.iter().map(|v| v.state).collect();
    assert_eq!(states, [VersionState::Recalled, VersionState::Current]);
    let delete = a.order(
        &b.party,
        Order::Delete { object: object(1), reason: mithaq_wire::OrderReason::Court, answer_by: NOW },
    );
    let delete = a.queue(&b.party, MessageKind::Order, &delete);
    b.take(&a.party, &[delete]);
    assert!(b.store.holdings[&object(1)].versions.iter().all(|v| v.state == VersionState::Recalled));
}

#[test]
fn corrections_supersede_even_when_refused_or_early() {
    let (mut a, mut b) = pair();
    let report = a.report(&b.party, 1);
    b.take(&a.party, std::slice::from_ref(&report));
    let refused = a.slip(&b.party, object(1), 2, Policy::Refuse);
    let refused = a.queue(&b.party, MessageKind::Correction, &refused);
    let (received, _) = b.take(&a.party, &[refused]);
    assert_eq!(verdicts(&received), ["PUR"]);
    assert_eq!(b.store.holdings[&object(1)].versions[0].state, VersionState::Superseded);

    let late = a.report(&b.party, 5);
    let early = a.slip(&b.party, object(5), 2, Policy::Accept);
    let early = a.queue(&b.party, MessageKind::Correction, &early);
    b.take(&a.party, &[early]);
    b.take(&a.party, &[late]);
    let states: Vec<_> = b.store.holdings[&object(5)].versions.iter().map(|v| v.state).collect();
    assert_eq!(states, [VersionState::Superseded, VersionState::Current]);
    let mut again = a.slip(&b.party, object(5), 2, Policy::Accept);
    again.seal.supersedes = None;
    let again = a.queue(&b.party, MessageKind::Report, &again);
    let (received, _) = b.take(&a.party, &[again]);
    assert_eq!(verdicts(&received), ["object.version"]);
}

#[test]
fn an_early_expiry_binds_what_comes_later() {
    let (mut a, mut b) = pair();
    let soon = NOW.plus(Millis(5));
    let expiry = a.order(&b.party, Order::Expiry { object: object(1), expires: soon });
    let expiry = a.queue(&b.party, MessageKind::Order, &expiry);
    b.take(&a.party, &[expiry]);
    let report = a.report(&b.party, 1);
    b.take(&a.party, &[report]);
    assert_eq!(b.store.holdings[&object(1)].versions[0].expires, soon);
    let other = a.order(&b.party, Order::Expiry { object: object(1), expires: NOW });
    let other = a.queue(&b.party, MessageKind::Order, &other);
    b.take(&a.party, &[other]);
    assert_eq!(b.store.holdings[&object(1)].versions[0].expires, NOW);
}

#[test]
fn notices_and_later_receipts_reach_the_application() {
    let (mut a, mut b) = pair();
    let notice = a.notice(&b.party);
    let notice = a.queue(&b.party, MessageKind::Notice, &notice);
    let mut receipts = a.notice(&b.party);
    receipts.content = Content::Receipts(Vec::<LaterReceipt>::new());
    let receipts = a.queue(&b.party, MessageKind::Receipts, &receipts);
    let (received, _) = b.take(&a.party, &[notice, receipts]);
    assert!(matches!(received.messages[0].1, Effect::Notice(_)));
    assert!(matches!(received.messages[1].1, Effect::Receipts(_)));
}

#[test]
fn a_restored_sender_begins_an_epoch_on_what_the_partner_has() {
    let (mut a, mut b) = pair();
    let lane = a.lane_to(&b.party, Lane::Report);
    let first = a.report(&b.party, 1);
    let backup = a.store.clone();
    let rest: Vec<_> = (2..=3).map(|n| a.report(&b.party, n)).collect();
    let ahead = a.report(&b.party, 4);
    let future = a.report(&b.party, 5);
    b.take(&a.party, std::slice::from_ref(&first));
    let (_, answer) = b.take(&a.party, &rest);
    b.take(&a.party, &[future]);
    a.store = backup;
    let settled = a.settle(&lane, &answer);
    assert_eq!(
        settled.lane.halt,
        mithaq_exchange::Halt::Fault(mithaq_exchange::PeerFault::HaveAhead),
        "halted, people look"
    );
    assert!(
        a.try_queue(
            &b.party,
            Lane::Report,
            MessageKind::Report,
            &a.slip(&b.party, object(6), 1, Policy::Accept)
        )
        .is_err()
    );
    let stamp = a.stamp();
    let (queued, alarm) =
        start_epoch(&a.store.lane_out(&lane), answer.have, answer.head, stamp, &mut a.paper).unwrap();
    assert_eq!(alarm, Alarm::EpochStarted);
    let start = a.store.commit_queued(queued).bytes;
    let slip = a.slip(&b.party, object(6), 1, Policy::Accept);
    assert!(
        a.try_queue(&b.party, Lane::Report, MessageKind::Report, &slip).is_err(),
        "not before it is taken"
    );
    let (received, answer) = b.take(&a.party, std::slice::from_ref(&start));
    assert_eq!(verdicts(&received), ["accepted"]);
    assert!(received.alarms.contains(&Alarm::EpochStarted));
    assert_eq!(answer.have, mithaq_wire::Position { epoch: 2, seq: 1 });
    let (_, known) = b.take(&a.party, &[first]);
    a.settle(&lane, &answer);
    let settled = a.settle(&lane, &known);
    assert_eq!(settled.lane.settled, mithaq_wire::Position { epoch: 2, seq: 1 });
    let sixth = a.queue(&b.party, MessageKind::Report, &slip);
    let (_, answer) = b.take(&a.party, &[sixth]);
    assert_eq!(answer.have, mithaq_wire::Position { epoch: 2, seq: 2 });
    assert!(b.store.ahead.is_empty(), "what waited in the old epoch is gone");
    let (_, stale) = b.take(&a.party, &[ahead]);
    assert_eq!(stale.stopped.as_deref(), Some("lane.epoch"), "the old epoch is closed");
    let (again, _) = b.take(&a.party, &[start]);
    assert!(again.is_unchanged());
    a.settle(&lane, &answer);
}

#[test]
fn an_epoch_start_on_another_head_is_asked_again_and_convicts_nobody() {
    let (mut a, mut b) = pair();
    let lane = a.lane_to(&b.party, Lane::Report);
    let stamp = a.stamp();
    let far = mithaq_wire::Position { epoch: 4, seq: 9 };
    let (queued, _) =
        start_epoch(&a.store.lane_out(&lane), far, mithaq_wire::Digest([3; 32]), stamp, &mut a.paper)
            .unwrap();
    let start = a.store.commit_queued(queued).bytes;
    let (_, answer) = b.take(&a.party, &[start]);
    assert_eq!((answer.have, answer.stopped.as_deref()), (at(0), Some("lane.epoch")));
    assert!(!b.store.lanes_in[&lane].frozen && b.store.proofs.is_empty());
    let settled = a.settle(&lane, &answer);
    assert_eq!(settled.lane.halt, mithaq_exchange::Halt::Fault(mithaq_exchange::PeerFault::HaveAhead));
    let stamp = a.stamp();
    let (queued, _) =
        start_epoch(&a.store.lane_out(&lane), answer.have, answer.head, stamp, &mut a.paper).unwrap();
    let again = a.store.commit_queued(queued).bytes;
    let row = a.store.lane_out(&lane);
    let mut window = mithaq_exchange::Window::new(&row);
    let batch = window.next(&row, a.store.out_after(&lane, at(0), 9), NOW).unwrap();
    assert_eq!(batch.envelopes, [again], "the start that was replaced is not sent");
    let (_, answer) = b.take(&a.party, &batch.envelopes);
    assert_eq!((answer.have, answer.stopped.clone()), (mithaq_wire::Position { epoch: 6, seq: 1 }, None));
    assert_eq!(a.settle(&lane, &answer).lane.settled, answer.have, "the cursor passes over it");
    a.report(&b.party, 1);
}
