//! The protocol's steps over these tables: two nodes, ciphers that only remember, everything else real.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use mithaq_db::Tx;
use mithaq_exchange::ports::{
    CannotJudge, Judge, Judgement, ReadReceipts, SignReceipts, Unopened, Unreadable, Unsigned, Unwrap, Wrap,
};
use mithaq_exchange::{
    Content, Door, LaneOut, Logged, Opened, OutState, Outgoing, Shelf, Stamp, Window, enqueue, inspect,
    object_number, receive, settle,
};
use mithaq_model::{ObjectId, Timestamp};
use mithaq_wire::{
    BatchAnswer, Digest, EnvelopeHeader, Lane, MessageKind, Position, ReceiptBatch, SealHeader, Verdict,
};

use super::lanes::lane_id;
use super::reports::v;
use super::{AGREEMENT, Node, at, nodes, party};
use crate::StoreError;
use crate::lanes::{self, Inbox, LaneKey, Outbox};
use crate::sql::sha256;

/// An object of the sender.
fn object(n: u8) -> ObjectId {
    object_number([n; 16], &lane_id(Lane::Report).from)
}

type Envelopes = BTreeMap<Vec<u8>, (EnvelopeHeader, Vec<u8>)>;

/// Remembers headers and receipts by the bytes that stand for them.
#[derive(Clone, Default)]
struct Memory {
    envelopes: Arc<Mutex<Envelopes>>,
    receipts: Arc<Mutex<BTreeMap<Vec<u8>, ReceiptBatch>>>,
}

impl Wrap for Memory {
    type Error = Infallible;

    fn wrap(&mut self, header: &EnvelopeHeader, sealed: &[u8]) -> Result<Vec<u8>, Infallible> {
        let bytes = format!("{:?}", (header.at, header.mid, header.prev)).into_bytes();
        self.envelopes.lock().unwrap().insert(bytes.clone(), (header.clone(), sealed.to_vec()));
        Ok(bytes)
    }
}

impl Unwrap for Memory {
    type Report = Vec<u8>;

    fn header(&self, envelope: &[u8]) -> Result<EnvelopeHeader, Unreadable> {
        let known = self.envelopes.lock().unwrap();
        known.get(envelope).map(|(header, _)| header.clone()).ok_or(Unreadable::Malformed)
    }

    fn verify(&self, _envelope: &[u8], _header: &EnvelopeHeader) -> Result<(), Unsigned> {
        Ok(())
    }

    fn open(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<Opened<Vec<u8>>, Unopened> {
        let known = self.envelopes.lock().unwrap();
        let (_, sealed) = known.get(envelope).ok_or(Unopened::Undecryptable)?;
        let seal = SealHeader {
            object: object(sealed[0]),
            version: v(1),
            supersedes: None,
            originator: header.lane.from.clone(),
            recipients: vec![header.lane.to.clone()],
            agreement: header.lane.agreement,
            purpose: None,
            handling: None,
            level: mithaq_model::Level::Restricted,
            lease_until: at(1_000_000),
            released_by: Vec::new(),
            sealed_at: at(1),
        };
        let content = Content::Report { report: sealed.clone(), expires: at(2_000_000) };
        Ok(Opened { seal: Some(seal), content })
    }
}

impl SignReceipts for Memory {
    type Error = Infallible;

    fn manifest(&self) -> Digest {
        Digest([1; 32])
    }

    fn log(&self) -> u32 {
        1
    }

    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Infallible> {
        let bytes = format!("{batch:?}").into_bytes();
        self.receipts.lock().unwrap().insert(bytes.clone(), batch.clone());
        Ok(bytes)
    }
}

impl ReadReceipts for Memory {
    fn read(&self, bytes: &[u8]) -> Option<ReceiptBatch> {
        self.receipts.lock().unwrap().get(bytes).cloned()
    }
}

struct Odd;

impl Judge<Vec<u8>> for Odd {
    fn judge(
        &mut self,
        _s: &SealHeader,
        report: &Vec<u8>,
        _now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        let odd = report.first().is_some_and(|n| n % 2 == 1);
        Ok(if odd { Judgement::Accept } else { Judgement::Refuse { code: "HND".to_owned(), ground: None } })
    }
}

fn queue(node: &Node, memory: &Memory, n: u8) -> Result<(), StoreError> {
    let mut memory = memory.clone();
    node.write(move |tx, _| {
        let lane = lanes::outbound(tx, &lane_id(Lane::Report))?;
        let sealed = [n; 40];
        let out = Outgoing {
            kind: MessageKind::Report,
            object: Some((object(n), v(1))),
            sealed: &sealed,
            expires: at(500_000),
            deadline: at(400_000),
        };
        let stamp = Stamp {
            manifest: Digest([1; 32]),
            mid: [n; 16],
            now: at(10),
            acks: Vec::new(),
            checkpoint: None,
        };
        let queued = enqueue(&lane, &out, stamp, &mut memory).map_err(|_refused| StoreError::Tombstone)?;
        let (lane, message) = queued.store(Logged::committed(u64::from(n)));
        lanes::put(tx, LaneKey::of(&lane.id), &[message])?;
        lanes::save_outbound(tx, &lane)
    })
}

fn batch(node: &Node, limit: u32) -> Vec<Vec<u8>> {
    node.read(move |tx, _| {
        let lane = lanes::peek_outbound(tx, &lane_id(Lane::Report))?.unwrap();
        let after = Window::new(&lane).handed();
        let messages = lanes::waiting(tx, LaneKey::of(&lane.id), after, (limit, 1 << 20))?;
        Ok(messages.into_iter().map(|message| message.bytes).collect())
    })
    .unwrap()
}

fn take(node: &Node, memory: &Memory, batch: &[Vec<u8>]) -> BatchAnswer {
    let (us, peer) = (party("es-police"), party("ma-security"));
    let door = Door { us: &us, peer: &peer, agreements: &[AGREEMENT] };
    let inspection = inspect(batch, &door, memory).unwrap();
    let memory = memory.clone();
    node.write(move |tx, _| {
        let lane = lanes::inbound(tx, &inspection.lane)?;
        let key = LaneKey::of(&lane.id);
        let mut inbox = Inbox::new(tx, key);
        let shelf = Shelf { lane, inbox: &mut inbox, judge: &mut Odd, unwrap: &memory, sign: &memory };
        let received = receive(inspection, shelf, at(20)).map_err(|_failed| StoreError::Tombstone)?;
        store(tx, key, received)
    })
    .unwrap()
}

fn store(
    tx: &mut dyn Tx,
    key: LaneKey,
    received: mithaq_exchange::Received<Vec<u8>>,
) -> Result<BatchAnswer, StoreError> {
    let rows: Vec<_> = received.messages.iter().map(|(row, _)| row.clone()).collect();
    lanes::take(tx, key, &rows)?;
    lanes::add_receipts(tx, key, &received.receipts, at(20))?;
    lanes::keep_ahead(tx, key, &received.keep_ahead)?;
    lanes::drop_ahead(tx, key, &received.drop_ahead)?;
    lanes::add_equivocations(tx, key, &received.proofs, at(20))?;
    lanes::apply(tx, &received.modified)?;
    lanes::save_inbound(tx, &received.lane)?;
    Ok(received.answer(Logged::committed(0)))
}

fn take_answer(node: &Node, memory: &Memory, answer: BatchAnswer) -> LaneOut {
    let memory = memory.clone();
    node.write(move |tx, _| {
        let lane = lanes::outbound(tx, &lane_id(Lane::Report))?;
        let key = LaneKey::of(&lane.id);
        let mut outbox = Outbox::new(tx, key);
        let settled = settle(&lane, &answer, &mut outbox, &memory, at(30), 0);
        let settled = settled.map_err(|_failed| StoreError::Tombstone)?;
        lanes::save_states(tx, key, &settled.changed)?;
        lanes::add_receipts(tx, key, &settled.receipts, at(30))?;
        lanes::add_evidence(tx, key, &settled.evidence, at(30))?;
        lanes::save_outbound(tx, &settled.lane)?;
        Ok(settled.lane)
    })
    .unwrap()
}

#[test]
fn messages_pass_once_in_order_and_duplicates_get_the_same_receipt() {
    for (mut sender, mut receiver) in nodes().into_iter().zip(nodes()) {
        let memory = Memory::default();
        for n in 1..=90 {
            queue(&sender, &memory, n).unwrap();
        }
        let first = batch(&sender, 64);
        assert_eq!(first.len(), 64);
        let answer = take(&receiver, &memory, &first);
        // The answer is lost, both nodes start again, the batch comes again.
        sender.database.reopen().unwrap();
        receiver.database.reopen().unwrap();
        let again = take(&receiver, &memory, &batch(&sender, 64));
        assert_eq!((&again.receipts, again.have), (&answer.receipts, Position { epoch: 1, seq: 64 }));
        assert_eq!(take_answer(&sender, &memory, again).settled, Position { epoch: 1, seq: 64 });
        // The rest arrives behind a gap and is kept, then the gap is filled.
        let rest = batch(&sender, 64);
        assert_eq!(rest.len(), 26);
        let early = take(&receiver, &memory, &rest[1..]);
        assert_eq!((early.have.seq, early.receipts.len()), (64, 0));
        let whole = take(&receiver, &memory, &rest[..1]);
        assert_eq!(whole.have, Position { epoch: 1, seq: 90 });
        let lane = take_answer(&sender, &memory, whole);
        assert_eq!((lane.settled, batch(&sender, 64).len()), (Position { epoch: 1, seq: 90 }, 0));
        for (n, accepted) in [(1, true), (2, false), (89, true), (90, false)] {
            let place = Position { epoch: 1, seq: n };
            let message =
                sender.read(move |tx, _| lanes::message(tx, LaneKey::of(&lane_id(Lane::Report)), place));
            let OutState::Decided { verdict, receipt } = message.unwrap().unwrap().state else {
                panic!("message {n} is not decided")
            };
            assert_eq!(verdict == Verdict::Accepted, accepted, "{n}");
            let key = LaneKey::of(&lane_id(Lane::Report));
            let kept = |node: &Node| node.read(move |tx, _| lanes::receipt(tx, key, receipt)).unwrap();
            assert!(kept(&sender).is_some_and(|bytes| sha256(&bytes) == receipt));
            assert_eq!(kept(&sender), kept(&receiver), "both hold the same bytes");
        }
        let held = |n: u8| receiver.read(move |tx, _| lanes::holding(tx, object(n))).unwrap().is_some();
        assert!(held(89) && !held(90));
    }
}
