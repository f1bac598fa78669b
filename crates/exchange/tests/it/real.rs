//! The same steps with real seals, envelopes and receipts: two agencies with keys, manifests and permits.

use std::cell::RefCell;

use mithaq_envelope::{
    AgencySigner as _, EnvelopeError, KemOpener as _, KemSession, NodeSigner as _, RootSigner as _, SealArgs,
    Sealed, SealedError, Seeds, SessionCache, SoftKeys, SoftRoot, VerifiedManifest, open_seal, peek_header,
    peek_receipts, seal_order, seal_report, sign_manifest, sign_receipts, verify, verify_manifest,
    verify_receipts, wrap, wrap_epoch_start,
};
use mithaq_exchange::ports::{ReadReceipts, SignReceipts, Unopened, Unreadable, Unsigned, Unwrap, Wrap};
use mithaq_exchange::{
    Content, Door, Opened, Outgoing, Queued, Received, Shelf, Stamp, Stop, Window, enqueue, inspect,
    object_number, receive, settle, start_epoch,
};
use mithaq_model::{Millis, PartyId, ReportId, ReportVersion, Role, Timestamp};
use mithaq_policy::{Decision, Disclosure, OrderKind, Side, decide, permit_order};
use mithaq_sim::paper::{Policy, Slip};
use mithaq_sim::store::{InboxOf, OutboxOf, SlipJudge, Store};
use mithaq_testkit::{Sample, party};
use mithaq_wire::{
    BatchAnswer, Digest, EnvelopeHeader, Lane, LaneId, Manifest, MessageKind, Order, OrderReason, Position,
    ReceiptBatch,
};
use zeroize::Zeroizing;

use crate::world::{DAY, verdicts};

/// A node with real keys.
struct Node {
    party: PartyId,
    keys: SoftKeys,
    manifest: VerifiedManifest,
    peer: Option<VerifiedManifest>,
    session: Option<KemSession>,
    cache: RefCell<SessionCache>,
    store: Store,
}

impl Node {
    fn new(name: &str, n: u8) -> Self {
        let seed = |m: u8| Zeroizing::new([n + m; 32]);
        let keys = SoftKeys::new(&Seeds { seal: seed(0), node: seed(1), kem: seed(2) }).unwrap();
        let root = SoftRoot::new(&seed(3), &seed(4)).unwrap();
        let party = party(name);
        let manifest = Manifest {
            party: party.clone(),
            number: 1,
            prev: Digest::ZERO,
            valid_from: Timestamp::parse("2026-01-01").unwrap(),
            valid_to: Timestamp::parse("2027-01-01").unwrap(),
            seal_keys: vec![keys.seal_key()],
            node_key: keys.node_key(),
            kem_key: keys.kem_key().to_vec(),
            log_key: "log+00000000+AA==".to_owned(),
            witness_key: "witness+00000000+AA==".to_owned(),
            tls_spki: Digest([n; 32]),
            endpoints: Vec::new(),
        };
        let signed = sign_manifest(&manifest, &root).unwrap();
        let manifest = verify_manifest(&signed, &party, &root.root_keys().fingerprint(), None).unwrap();
        let (peer, session, cache) = (None, None, RefCell::new(SessionCache::new(8)));
        Self { party, keys, manifest, peer, session, cache, store: Store::default() }
    }

    fn meet(&mut self, other: &VerifiedManifest, now: Timestamp) {
        let ends = (&self.party, &other.manifest().party);
        let random = Zeroizing::new([0x77; 64]);
        self.session = Some(KemSession::open(ends, &other.manifest().kem_key, now, &random).unwrap());
        self.peer = Some(other.clone());
    }

    fn signer(&self, manifest: Digest) -> Option<&VerifiedManifest> {
        self.peer.as_ref().filter(|peer| peer.hash() == manifest)
    }
}

impl Wrap for Node {
    type Error = mithaq_envelope::WrapError;

    fn wrap(&mut self, header: &EnvelopeHeader, sealed: &[u8]) -> Result<Vec<u8>, Self::Error> {
        let session = self.session.as_mut().unwrap();
        let made = if header.kind == MessageKind::EpochStart {
            wrap_epoch_start(header, session, &self.keys)
        } else {
            wrap(header, &Sealed::stored(sealed.to_vec()).unwrap(), session, &self.keys)
        };
        made.map(|envelope| envelope.bytes)
    }
}

impl Unwrap for Node {
    type Report = Slip;

    fn header(&self, envelope: &[u8]) -> Result<EnvelopeHeader, Unreadable> {
        peek_header(envelope).map_err(|error| {
            let newer = error == EnvelopeError::Unsupported;
            if newer { Unreadable::Unsupported } else { Unreadable::Malformed }
        })
    }

    fn verify(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<(), Unsigned> {
        let signer = self.signer(header.manifest).ok_or(Unsigned::Signer)?;
        verify(envelope, signer).map(drop).map_err(|_refused| Unsigned::Signature)
    }

    fn open(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<Opened<Slip>, Unopened> {
        let signer = self.signer(header.manifest).ok_or(Unopened::Undecryptable)?;
        let verified = verify(envelope, signer).map_err(|_refused| Unopened::Undecryptable)?;
        let opened = verified
            .open(&self.party, &self.keys, &mut self.cache.borrow_mut())
            .map_err(|_refused| Unopened::Undecryptable)?;
        if header.kind == MessageKind::EpochStart {
            return Ok(Opened { seal: None, content: Content::EpochStart });
        }
        let inside = open_seal(opened.sealed(), signer).map_err(|error| {
            if error == SealedError::Signature { Unopened::Seal } else { Unopened::Malformed }
        })?;
        let seal = Some(inside.header().clone());
        let content = match inside {
            mithaq_envelope::Opened::Report(inner) => {
                let body = inner.report.id.as_bytes().to_vec();
                Content::Report { report: Slip::new(body, Policy::Accept), expires: inner.report.expires }
            }
            mithaq_envelope::Opened::Order(_, order) => Content::Order(order),
            mithaq_envelope::Opened::Notice(_, notice) => Content::Notice(notice),
            mithaq_envelope::Opened::Step(_, step) => Content::Step(step),
            mithaq_envelope::Opened::LaterReceipts(_, receipts) => Content::Receipts(receipts),
            mithaq_envelope::Opened::Onward(_, step) => Content::Onward(step),
            // What is passed on is opened by who knows its originator; here nobody is known.
            mithaq_envelope::Opened::Hop(..) => return Err(Unopened::Originator),
        };
        Ok(Opened { seal, content })
    }
}

impl SignReceipts for Node {
    type Error = mithaq_envelope::ReceiptError;

    fn manifest(&self) -> Digest {
        self.manifest.hash()
    }

    fn log(&self) -> u32 {
        1
    }

    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Self::Error> {
        sign_receipts(batch, &self.keys)
    }
}

impl ReadReceipts for Node {
    fn read(&self, bytes: &[u8]) -> Option<ReceiptBatch> {
        let head = peek_receipts(bytes).ok()?;
        verify_receipts(bytes, self.signer(head.manifest)?).ok()
    }
}

/// The two, and the sample's agreement, rules and report.
struct World {
    sample: Sample,
    ma: Node,
    es: Node,
    mid: u8,
}

impl World {
    fn new() -> Self {
        let (mut ma, mut es) = (Node::new("ma-security", 10), Node::new("es-police", 20));
        let sample = Sample::new();
        let (of_ma, of_es) = (ma.manifest.clone(), es.manifest.clone());
        ma.meet(&of_es, sample.now);
        es.meet(&of_ma, sample.now);
        Self { sample, ma, es, mid: 0 }
    }

    fn lane(&self, lane: Lane) -> LaneId {
        let (from, to) = (self.ma.party.clone(), self.es.party.clone());
        LaneId { from, to, agreement: self.sample.rules.agreement().id(), lane }
    }

    fn args(&self) -> SealArgs {
        SealArgs {
            lease_until: self.sample.now.plus(Millis(DAY)),
            released_by: vec![Role::Supervisor, Role::Spoc],
            sealed_at: self.sample.now,
            supersedes: None,
            salt: [self.mid; 32],
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.mid += 1;
        let (manifest, now) = (self.ma.manifest.hash(), self.sample.now);
        Stamp { manifest, mid: [self.mid; 16], now, acks: Vec::new(), checkpoint: None }
    }

    fn queue(&mut self, kind: MessageKind, sealed: &Sealed) -> Vec<u8> {
        let row = self.ma.store.lane_out(&self.lane(kind.lane().unwrap()));
        let expires = self.sample.now.plus(Millis(30 * DAY));
        let object = Some((sealed.header().object, sealed.header().version));
        let out = Outgoing { kind, object, sealed: sealed.bytes(), expires, deadline: expires };
        let stamp = self.stamp();
        let queued: Queued = enqueue(&row, &out, stamp, &mut self.ma).unwrap();
        self.ma.store.commit_queued(queued).bytes
    }

    fn number(&self, number: u8) -> ReportId {
        ReportId::new(*object_number([number; 16], &self.ma.party).as_bytes())
    }

    /// Decides, seals and queues a report or its correction.
    fn report(&mut self, number: u8, version: u32) -> Vec<u8> {
        self.sample.report.id = self.number(number);
        self.sample.report.version = ReportVersion::new(version).unwrap();
        let asked = Disclosure {
            report: &self.sample.report,
            recipient: &self.sample.recipient,
            side: Side::Sender,
            context: &self.sample.context,
            standing: &self.sample.standing,
        };
        let Decision::Permit(permit) = decide(&self.sample.rules, &asked, self.sample.now) else {
            panic!("the sample is permitted")
        };
        let args = SealArgs { supersedes: ReportVersion::new(version - 1), ..self.args() };
        let sealed = seal_report(&self.sample.report, &permit, &args, &self.ma.keys).unwrap();
        let kind = if version > 1 { MessageKind::Correction } else { MessageKind::Report };
        self.queue(kind, &sealed)
    }

    fn recall(&mut self, number: u8) -> Vec<u8> {
        let object = self.number(number).into();
        let (ma, es, now) = (self.ma.party.clone(), self.es.party.clone(), self.sample.now);
        let kind = (OrderKind::Recall, object);
        let permit =
            permit_order(&self.sample.rules, &self.sample.standing, kind, (&ma, &ma, &es), now).unwrap();
        let order =
            Order::Recall { object, versions: Vec::new(), reason: OrderReason::Originator, answer_by: now };
        let args = SealArgs { released_by: Vec::new(), ..self.args() };
        let sealed = seal_order(&order, &permit, &args, &self.ma.keys).unwrap();
        self.queue(MessageKind::Order, &sealed)
    }

    fn inspect(&self, batch: &[Vec<u8>]) -> Result<mithaq_exchange::Inspection<Slip>, Stop> {
        let known = [self.sample.rules.agreement().id()];
        inspect(batch, &Door { us: &self.es.party, peer: &self.ma.party, agreements: &known }, &self.es)
    }

    fn take(&mut self, batch: &[Vec<u8>]) -> (Received<Slip>, BatchAnswer) {
        let inspection = self.inspect(batch).unwrap();
        let lane = inspection.lane.clone();
        let shelf = Shelf {
            lane: self.es.store.lane_in(&lane),
            inbox: &mut InboxOf(&self.es.store, lane),
            judge: &mut SlipJudge::default(),
            unwrap: &self.es,
            sign: &self.es,
        };
        let received = receive(inspection, shelf, self.sample.now).unwrap();
        let logged = self.es.store.commit_received(&received);
        (received.clone(), received.answer(logged))
    }

    fn settle(&mut self, lane: Lane, answer: &BatchAnswer) -> mithaq_exchange::Settled {
        let id = self.lane(lane);
        let row = self.ma.store.lane_out(&id);
        let mut outbox = OutboxOf(&self.ma.store, id);
        let settled = settle(&row, answer, &mut outbox, &self.ma, self.sample.now, 0).unwrap();
        self.ma.store.commit_settled(&settled);
        settled
    }
}

#[test]
fn reports_corrections_and_recalls_with_real_signatures() {
    let mut world = World::new();
    let reports: Vec<_> = (1..=5).map(|n| world.report(n, 1)).collect();
    // As a sender hands them out, so the first answer is lost, and a copy arrives in another order.
    let row = world.ma.store.lane_out(&world.lane(Lane::Report));
    let waiting = world.ma.store.out_after(&row.id, Position { epoch: 1, seq: 0 }, 64);
    let batch = Window::new(&row).next(&row, waiting, world.sample.now).unwrap();
    assert_eq!(batch.envelopes, reports);
    world.take(&reports[3..]);
    let (received, _) = world.take(&reports[..3]);
    assert_eq!(verdicts(&received), ["accepted"; 5]);
    let (again, answer) = world.take(&reports);
    assert!(again.is_unchanged());
    let settled = world.settle(Lane::Report, &answer);
    assert_eq!((settled.changed.len(), settled.alarms.len()), (5, 0));
    assert_eq!(settled.lane.settled, Position { epoch: 1, seq: 5 });

    let (correction, recall) = (world.report(2, 2), world.recall(1));
    let (received, answer) = world.take(&[correction, recall]);
    assert_eq!(verdicts(&received), ["accepted", "accepted"]);
    assert_eq!(world.settle(Lane::Control, &answer).changed.len(), 2);
    let back = world.report(1, 2);
    let (received, _) = world.take(&[back]);
    assert_eq!(verdicts(&received), ["object.recalled"]);
}

#[test]
fn damaged_foreign_and_forged_bytes_count_for_nothing() {
    let mut world = World::new();
    let good = world.report(1, 1);
    for byte in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[byte] ^= 0x20;
        assert!(world.inspect(&[bad]).is_err(), "byte {byte}");
    }
    assert_eq!(world.inspect(&[good[..good.len() - 1].to_vec()]).err(), Some(Stop::EnvelopeMalformed));
    world.es.peer = None;
    assert_eq!(world.inspect(std::slice::from_ref(&good)).err(), Some(Stop::EnvelopeSigner));
    world.es.peer = Some(world.ma.manifest.clone());

    let (_, answer) = world.take(std::slice::from_ref(&good));
    let receipt = &answer.receipts[0];
    for byte in (0..receipt.len()).step_by(5) {
        let mut bad = receipt.clone();
        bad[byte] ^= 0x08;
        assert!(world.ma.read(&bad).is_none(), "byte {byte}");
    }
    assert!(world.es.read(receipt).is_none(), "not of the other side");
    assert_eq!(world.settle(Lane::Report, &answer).changed.len(), 1);
}

#[test]
fn two_real_signatures_for_one_place_convict() {
    let mut world = World::new();
    let before = world.ma.store.clone();
    let first = world.report(1, 1);
    world.ma.store = before;
    let second = world.report(2, 1);
    world.take(&[first]);
    let (received, answer) = world.take(&[second]);
    assert_eq!((received.proofs.len(), answer.stopped.as_deref()), (1, Some("lane.equivocation")));
    let proof = &world.es.store.proofs[0];
    let signer = &world.ma.manifest;
    let (one, other) = (verify(proof.first.as_ref().unwrap(), signer), verify(&proof.second, signer));
    assert_eq!(one.unwrap().header().at, other.unwrap().header().at);
}

#[test]
fn an_epoch_begins_with_real_signatures() {
    let mut world = World::new();
    let first = world.report(1, 1);
    let backup = world.ma.store.clone();
    let lost = world.report(2, 1);
    let (_, answer) = world.take(&[first, lost]);
    world.ma.store = backup;
    let row = world.ma.store.lane_out(&world.lane(Lane::Report));
    let stamp = world.stamp();
    let (queued, _) = start_epoch(&row, answer.have, answer.head, stamp, &mut world.ma).unwrap();
    let start = world.ma.store.commit_queued(queued).bytes;
    let (received, answer) = world.take(&[start]);
    assert_eq!(verdicts(&received), ["accepted"]);
    assert_eq!(answer.have, Position { epoch: 2, seq: 1 });
}
