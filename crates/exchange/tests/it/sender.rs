//! What the sender queues, hands out, and makes of answers.

use mithaq_exchange::ports::ReadReceipts;
use mithaq_exchange::{
    Alarm, Answered, EnqueueError, Flow, Halt, OutState, PeerFault, Settled, Window, acknowledge, failed,
    is_due, overdue, pick_lane, settle,
};
use mithaq_model::Millis;
use mithaq_sim::paper::Policy;
use mithaq_sim::store::OutboxOf;
use mithaq_wire::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, BATCHES_IN_FLIGHT_MAX, SEALED_MAX};
use mithaq_wire::{Ack, BatchAnswer, Digest, Lane, MessageKind, ReceiptBatch, Statement, Verdict};

use crate::world::{DAY, NOW, Node, answer, at, object, pair};

fn deliver(a: &mut Node, b: &mut Node, n: u8) -> BatchAnswer {
    let batch: Vec<_> = (1..=n).map(|n| a.report(&b.party, n)).collect();
    b.take(&a.party, &batch).1
}

#[test]
fn a_place_has_one_number_one_predecessor_and_a_leaf() {
    let (mut a, b) = pair();
    let lane = a.lane_to(&b.party, Lane::Report);
    for n in 1..=3 {
        a.report(&b.party, n);
    }
    let rows = a.store.out_after(&lane, at(0), 9);
    assert_eq!(rows.iter().map(|row| row.at.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(rows.iter().map(|row| row.logged.position()).collect::<Vec<_>>(), [0, 1, 2]);
    let inspection = b.inspect(&a.party, &rows.iter().map(|r| r.bytes.clone()).collect::<Vec<_>>()).unwrap();
    let prev: Vec<_> = inspection.arrived.iter().map(|arrived| arrived.header().prev).collect();
    assert_eq!(prev, [Digest::ZERO, rows[0].envelope, rows[1].envelope]);
    assert!(inspection.arrived.iter().all(|arrived| arrived.inner().is_ok()));
}

#[test]
fn what_has_no_place_is_not_queued() {
    let (mut a, b) = pair();
    let slip = a.slip(&b.party, object(1), 1, Policy::Accept);
    let queue = |a: &mut Node, lane, kind| a.try_queue(&b.party, lane, kind, &slip).err();
    assert_eq!(queue(&mut a, Lane::Control, MessageKind::Report), Some(EnqueueError::Lane));
    assert_eq!(queue(&mut a, Lane::Report, MessageKind::Order), Some(EnqueueError::Lane));
    assert_eq!(queue(&mut a, Lane::Report, MessageKind::EpochStart), Some(EnqueueError::Lane));
    let lane = a.store.lane_out(&a.lane_to(&b.party, Lane::Report));
    let big = vec![0; SEALED_MAX + 1];
    for (sealed, expires, error) in [
        (&big[..], NOW, EnqueueError::TooLong { bytes: SEALED_MAX + 1 }),
        (&big[..9], NOW.minus(Millis(1)), EnqueueError::Validity),
        (&big[..9], NOW.plus(Millis(367 * DAY)), EnqueueError::Validity),
    ] {
        let kind = MessageKind::Report;
        let out = mithaq_exchange::Outgoing { kind, object: None, sealed, expires, deadline: NOW };
        let stamp = a.stamp();
        assert_eq!(mithaq_exchange::enqueue(&lane, &out, stamp, &mut a.paper).err(), Some(error));
    }
    let full = mithaq_exchange::LaneOut { next_seq: u64::MAX, ..lane };
    let sealed = a.paper.seal(&slip);
    let out = mithaq_exchange::Outgoing {
        kind: MessageKind::Report,
        object: None,
        sealed: &sealed,
        expires: NOW,
        deadline: NOW,
    };
    let stamp = a.stamp();
    assert_eq!(mithaq_exchange::enqueue(&full, &out, stamp, &mut a.paper).err(), Some(EnqueueError::Full));
}

#[test]
fn receipts_move_the_cursor_and_nothing_else_does() {
    let (mut a, mut b) = pair();
    let good = deliver(&mut a, &mut b, 3);
    let lane = a.lane_to(&b.party, Lane::Report);
    let silent = BatchAnswer { receipts: Vec::new(), ..good.clone() };
    let settled = a.settle(&lane, &silent);
    assert_eq!((settled.lane.settled, settled.lane.attempts), (at(0), 1), "a claim is not a receipt");
    assert!(settled.alarms.is_empty() && settled.lane.halt == Halt::Open);
    let settled = a.settle(&lane, &good);
    assert_eq!((settled.lane.settled, settled.lane.attempts), (at(3), 0));
    assert_eq!((settled.changed.len(), settled.facts.len(), settled.receipts.len()), (3, 3, 1));
    let settled = a.settle(&lane, &good);
    assert!(settled.changed.is_empty() && settled.facts.is_empty(), "twice is once");
}

#[test]
fn every_lie_of_an_answer_is_a_fault() {
    let (mut a, mut b) = pair();
    let good = deliver(&mut a, &mut b, 3);
    let lane = a.lane_to(&b.party, Lane::Report);
    let control = mithaq_wire::LaneId { lane: Lane::Control, ..lane.clone() };
    let rows = a.store.out_after(&lane, at(0), 9);
    let sign = |b: &Node, lane: &mithaq_wire::LaneId, seq, envelope, verdict| {
        let statements = vec![Statement { at: at(seq), envelope, verdict }];
        let manifest = mithaq_sim::paper::manifest(&b.party, 1);
        let batch = ReceiptBatch { lane: lane.clone(), manifest, stored_at: NOW, log: 1, statements };
        mithaq_exchange::ports::SignReceipts::sign(&b.paper, &batch).unwrap()
    };
    let with = |receipt: Vec<u8>| BatchAnswer { receipts: vec![receipt], ..good.clone() };
    let mut forged = good.receipts[0].clone();
    forged[0] ^= 1;
    let refused = || Verdict::Refused { code: "PUR".into(), ground: None };
    let cases = [
        (with(forged), PeerFault::ReceiptInvalid),
        (with(vec![]), PeerFault::ReceiptInvalid),
        (with(sign(&b, &control, 1, rows[0].envelope, Verdict::Accepted)), PeerFault::ReceiptLane),
        (with(sign(&b, &lane, 9, rows[0].envelope, Verdict::Accepted)), PeerFault::ReceiptUnknown),
        (with(sign(&b, &lane, 1, rows[1].envelope, Verdict::Accepted)), PeerFault::ReceiptHash),
        (BatchAnswer { have: at(4), ..good.clone() }, PeerFault::HaveAhead),
        (
            BatchAnswer { have: mithaq_wire::Position { epoch: 0, seq: 7 }, ..good.clone() },
            PeerFault::HaveAhead,
        ),
        (BatchAnswer { head: Digest([1; 32]), ..good.clone() }, PeerFault::HaveHead),
        (BatchAnswer { receipts: vec![good.receipts[0].clone(); 99], ..good.clone() }, PeerFault::AnswerSize),
    ];
    for (answer, fault) in cases {
        let before = a.store.clone();
        let settled = a.settle(&lane, &answer);
        assert!(settled.alarms.contains(&Alarm::Peer(fault)), "{fault}");
        let facts = settled.facts.iter().filter(|fact| fact.verdict.as_deref() == Some(fault.code()));
        assert_eq!(facts.count(), 1, "{fault}");
        a.store = before;
    }
    a.settle(&lane, &good);
    let settled = a.settle(&lane, &with(sign(&b, &lane, 1, rows[0].envelope, refused())));
    assert!(settled.alarms.contains(&Alarm::Peer(PeerFault::ReceiptContradicts)));
    assert_eq!(settled.evidence.len(), 1, "its own signature is kept");
    let behind = answer(at(1), rows[0].envelope);
    let stale = a.settle(&lane, &behind);
    assert!(stale.alarms.is_empty() && stale.rewind.is_none(), "an answer that was overtaken");
    let row = a.store.lane_out(&lane);
    let mut outbox = OutboxOf(&a.store, lane.clone());
    let settled = settle(&row, Answered::since(at(3), &behind), &mut outbox, &a.paper, NOW, 0).unwrap();
    assert!(settled.alarms.contains(&Alarm::Peer(PeerFault::HaveBehind)));
    assert_eq!(settled.rewind, Some(at(1)), "it gets again what it lost");
    assert_eq!(settled.lane.settled, at(3), "what it signed stays signed");
}

/// Takes three reports and decides two of them twice, between which it hears of a recall: the answers of before and of after.
struct Twice {
    a: Node,
    lane: mithaq_wire::LaneId,
    before: BatchAnswer,
    after: BatchAnswer,
}

impl Twice {
    /// It lost what it had decided and was restored: it signs into another log.
    fn restored() -> Self {
        Self::new(2)
    }

    /// It lost nothing, or does not say so.
    fn unexplained() -> Self {
        Self::new(1)
    }

    fn new(log: u32) -> Self {
        let (mut a, mut b) = pair();
        let lane = a.lane_to(&b.party, Lane::Report);
        let empty = b.store.clone();
        let first = a.report(&b.party, 1);
        let one = b.take(&a.party, core::slice::from_ref(&first)).1;
        a.settle(&lane, &one);
        let mut all: Vec<_> = (2..=3).map(|n| a.report(&b.party, n)).collect();
        let before = b.take(&a.party, &all).1;
        b.store = empty;
        b.paper.log = log;
        let recall = a.recall(&b.party, object(2), &[]);
        let order = a.queue(&b.party, MessageKind::Order, &recall);
        b.take(&a.party, &[order]);
        all.insert(0, first);
        let after = b.take(&a.party, &all).1;
        Self { a, lane, before, after }
    }

    fn settle(&mut self, answer: &BatchAnswer) -> Settled {
        let settled = self.judge(answer, &self.a.paper);
        self.a.store.commit_settled(&settled);
        settled
    }

    fn judge<'a>(&self, answered: impl Into<Answered<'a>>, keys: &impl ReadReceipts) -> Settled {
        let row = self.a.store.lane_out(&self.lane);
        settle(&row, answered, &mut OutboxOf(&self.a.store, self.lane.clone()), keys, NOW, 0).unwrap()
    }
}

/// Reads what the hand reads, but for one receipt that proves nothing any more.
struct Distrusting<'a>(&'a mithaq_sim::paper::Paper, &'a [u8]);

impl ReadReceipts for Distrusting<'_> {
    fn read(&self, bytes: &[u8]) -> Option<ReceiptBatch> {
        (bytes != self.1).then(|| self.0.read(bytes)).flatten()
    }
}

#[test]
fn a_restored_partner_that_decides_anew_is_not_accused_whichever_answer_comes_first() {
    for before_first in [true, false] {
        // Nothing told of the loss between the two: one was on its way while it was restored.
        let mut twice = Twice::restored();
        let mut answers = [twice.before.clone(), twice.after.clone()];
        if !before_first {
            answers.reverse();
        }
        assert_eq!(twice.settle(&answers[0]).alarms, []);
        let second = twice.settle(&answers[1]);
        assert_eq!(second.alarms, [Alarm::DecidedAnew], "people hear of it, without an accusation");
        assert_eq!((second.facts.len(), second.receipts.len()), (1, 1), "its second word is kept");
        let word = if before_first { "object.recalled" } else { "accepted" };
        assert_eq!(second.facts[0].verdict.as_deref(), Some(word));
        assert!(second.changed.is_empty() && second.evidence.is_empty(), "the first stays what was decided");
    }
}

#[test]
fn two_verdicts_in_one_log_are_a_contradiction() {
    let mut twice = Twice::unexplained();
    twice.settle(&twice.before.clone());
    let settled = twice.settle(&twice.after.clone());
    assert!(settled.alarms.contains(&Alarm::Peer(PeerFault::ReceiptContradicts)));
    assert_eq!(settled.evidence.len(), 1, "its own signatures are kept");
    // Also in one answer.
    let mut twice = Twice::unexplained();
    let receipts = [twice.before.receipts.clone(), twice.after.receipts.clone()].concat();
    let both = BatchAnswer { receipts, ..twice.after.clone() };
    assert!(twice.settle(&both).alarms.contains(&Alarm::Peer(PeerFault::ReceiptContradicts)));
}

#[test]
fn a_receipt_that_proves_nothing_any_more_accuses_nobody() {
    // Its root distrusts the key of the first: a thief may have signed it.
    let mut twice = Twice::unexplained();
    twice.settle(&twice.before.clone());
    let keys = Distrusting(&twice.a.paper, &twice.before.receipts[0]);
    assert_eq!(twice.judge(&twice.after, &keys).alarms, [Alarm::DecidedAnew]);
}

#[test]
fn acknowledgements_settle_nothing_and_are_checked() {
    let (mut a, b) = pair();
    let lane = a.lane_to(&b.party, Lane::Report);
    a.report(&b.party, 1);
    let row = a.store.lane_out(&lane);
    let head = row.head;
    let mut outbox = OutboxOf(&a.store, lane.clone());
    let mut ask =
        |seq, head| acknowledge(&row, &Ack { lane: Lane::Report, at: at(seq), head }, &mut outbox).unwrap();
    assert_eq!(ask(1, head).map(|lane| (lane.acked, lane.settled)), Ok((at(1), at(0))));
    assert_eq!(ask(0, Digest::ZERO), Ok(row.clone()));
    assert_eq!(ask(2, head), Err(PeerFault::AckAhead));
    assert_eq!(ask(1, Digest([9; 32])), Err(PeerFault::AckHead));
}

#[test]
fn n1_comes_once_and_a_late_receipt_is_kept_beside_it() {
    let (mut a, mut b) = pair();
    let good = deliver(&mut a, &mut b, 1);
    let lane = a.lane_to(&b.party, Lane::Report);
    let row = a.store.out_after(&lane, at(0), 1).remove(0);
    let lane_row = a.store.lane_out(&lane);
    assert!(overdue(&lane_row, &row, row.deadline).is_none());
    let (state, fact) = overdue(&lane_row, &row, row.deadline.plus(Millis(1))).unwrap();
    assert_eq!((&state, fact.verdict.as_deref()), (&OutState::NotDelivered { late: None }, Some("N1")));
    let late = mithaq_exchange::OutMessage { state, ..row };
    assert!(overdue(&lane_row, &late, late.deadline.plus(Millis(9))).is_none(), "once");
    a.store.outbox.insert((lane.clone(), at(1)), late);
    let settled = a.settle(&lane, &good);
    assert!(settled.alarms.contains(&Alarm::LateReceipt));
    assert!(matches!(settled.changed[0].1, OutState::NotDelivered { late: Some(_) }));
    assert_eq!(settled.lane.settled, at(1), "the lane goes on");
}

#[test]
fn the_window_cuts_by_count_bytes_and_flight() {
    let (mut a, b) = pair();
    let lane = a.lane_to(&b.party, Lane::Report);
    for n in 0..=255 {
        a.report(&b.party, n);
    }
    a.report(&b.party, 0);
    let row = a.store.lane_out(&lane);
    let mut window = Window::new(&row);
    let mut sizes = Vec::new();
    while let Some(batch) = window.next(&row, a.store.out_after(&lane, window.handed(), 100), NOW) {
        sizes.push(batch.envelopes.len());
    }
    assert_eq!(sizes, [BATCH_MESSAGES_MAX; BATCHES_IN_FLIGHT_MAX]);
    window.lost(&row);
    assert_eq!(window.handed(), at(0), "what got no answer goes again");
    let mut big = a.store.out_after(&lane, at(0), 9);
    for message in &mut big {
        message.bytes = vec![0; BATCH_BYTES_MAX / 4];
    }
    let batch = Window::new(&row).next(&row, big, NOW).unwrap();
    assert_eq!((batch.envelopes.len(), batch.first, batch.last), (3, at(1), at(3)));
    assert!(Window::new(&row).next(&row, Vec::new(), NOW).is_none());
}

#[test]
fn what_has_no_receipt_and_is_not_under_way_is_sent_again() {
    let (mut a, mut b) = pair();
    let lane = a.lane_to(&b.party, Lane::Report);
    for n in 0..100 {
        a.report(&b.party, n);
    }
    let row = a.store.lane_out(&lane);
    let mut window = Window::new(&row);
    let first = window.next(&row, a.store.out_after(&lane, window.handed(), 64), NOW).unwrap();
    let second = window.next(&row, a.store.out_after(&lane, window.handed(), 64), NOW).unwrap();
    let (_, ahead) = b.take(&a.party, &second.envelopes);
    b.take(&a.party, &first.envelopes);
    // The answer with all receipts is lost; that to a copy of the first request arrives.
    let (_, copy) = b.take(&a.party, &first.envelopes);
    let settled = a.settle(&lane, &ahead);
    window.landed(&settled);
    assert_eq!(window.handed(), at(100), "one is still under way");
    let settled = a.settle(&lane, &copy);
    window.landed(&settled);
    assert_eq!((settled.lane.settled, window.handed(), window.in_flight()), (at(64), at(64), 0));
    assert_eq!(first.settled, at(0));
    let settled = {
        let (_, rest) = b.take(&a.party, &second.envelopes);
        a.settle(&lane, &rest)
    };
    assert_eq!(settled.lane.settled, at(100));
}

#[test]
fn control_goes_first_and_without_it_nothing_goes() {
    let (mut a, b) = pair();
    a.report(&b.party, 1);
    let report = a.store.lane_out(&a.lane_to(&b.party, Lane::Report));
    let empty = a.store.lane_out(&a.lane_to(&b.party, Lane::Control));
    let recall = a.recall(&b.party, object(1), &[]);
    a.queue(&b.party, MessageKind::Order, &recall);
    let control = a.store.lane_out(&a.lane_to(&b.party, Lane::Control));
    let (wr, wc) = (Window::new(&report), Window::new(&control));
    let pick = |control: &mithaq_exchange::LaneOut, window: &Window, flow| {
        pick_lane(&[(&report, &wr), (control, window)], flow, NOW).map(|lane| lane.id.lane)
    };
    assert_eq!(pick(&control, &wc, Flow::Open), Some(Lane::Control));
    assert_eq!(pick(&empty, &wc, Flow::Open), Some(Lane::Report));
    assert_eq!(pick(&empty, &wc, Flow::ControlOnly), None);
    assert_eq!(pick(&control, &wc, Flow::ControlOnly), Some(Lane::Control));
    let mut sent = wc;
    sent.next(&control, a.store.out_after(&control.id, at(0), 9), NOW).unwrap();
    assert_eq!(pick(&control, &sent, Flow::Open), Some(Lane::Report), "handed out, reports follow");
    let waiting = failed(&control, NOW, 0);
    assert!(!is_due(waiting.retry_at, NOW));
    assert_eq!(pick(&waiting, &wc, Flow::Open), None, "no content where a recall could not go");
    let halted = mithaq_exchange::LaneOut { halt: Halt::FrozenByPeer, ..control };
    assert_eq!(pick(&halted, &wc, Flow::Open), None);
}
