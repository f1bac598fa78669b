//! What the sender makes of an answer. Nothing the partner says moves the cursor: only its signed receipts
//! do, each checked against the message it names.

use std::collections::BTreeMap;

use mithaq_model::Timestamp;
use mithaq_wire::limits::BATCH_MESSAGES_MAX;
use mithaq_wire::{Ack, BatchAnswer, Digest, Position, ReceiptBatch, Statement, Verdict};

use crate::backoff::delay;
use crate::code::{Alarm, PeerFault, Stop};
use crate::fact::{Fact, Happened, Subject, ledger_word};
use crate::inspect::hash;
use crate::ports::{Outbox, ReadReceipts};
use crate::pump::Batch;
use crate::rows::{Halt, LaneOut, OutMessage, OutState, ReceiptRow, START};
use crate::take::verdict_code;

/// Why an answer was not settled: the store failed, the transaction is abandoned, the batch counts as lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettleError<E> {
    /// The store failed.
    #[error("the store failed")]
    Store(E),
}

/// Everything to store in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The lane afterwards.
    pub lane: LaneOut,
    /// Messages whose state changed.
    pub changed: Vec<(Position, OutState)>,
    /// Receipts to keep, verified.
    pub receipts: Vec<ReceiptRow>,
    /// Answers that convict the partner, byte for byte.
    pub evidence: Vec<Vec<u8>>,
    /// For the ledger.
    pub facts: Vec<Fact>,
    /// For people.
    pub alarms: Vec<Alarm>,
    /// Send again from after here (see [`crate::Window::landed`]).
    pub rewind: Option<Position>,
}

/// An answer, and what the sender already had when it asked. Answers overtake each other: an old one may tell
/// less than a newer one without being untrue, but never less than what was signed before the question.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    answer: &'a BatchAnswer,
    settled_before: Position,
}

impl<'a> Answered<'a> {
    /// Returns the answer to a batch.
    #[must_use]
    pub const fn to(batch: &Batch, answer: &'a BatchAnswer) -> Self {
        Self::since(batch.settled, answer)
    }

    /// Returns an answer to what was asked when the cursor stood there ([`Batch::settled`]).
    #[must_use]
    pub const fn since(settled_before: Position, answer: &'a BatchAnswer) -> Self {
        Self { answer, settled_before }
    }
}

impl<'a> From<&'a BatchAnswer> for Answered<'a> {
    /// An answer to an unknown question: it is never held against the partner that it tells little.
    fn from(answer: &'a BatchAnswer) -> Self {
        Self::since(START, answer)
    }
}

/// Most receipts in one answer: one for each message of a batch.
const ANSWER_RECEIPTS_MAX: usize = BATCH_MESSAGES_MAX;
/// How far the cursor is moved in one step.
const CURSOR_STEP: usize = 512;

/// Settles the answer to one batch. `jitter` is random and spreads retries.
///
/// # Errors
/// When the store fails.
pub fn settle<'a, O: Outbox, K: ReadReceipts>(
    lane: &LaneOut,
    answered: impl Into<Answered<'a>>,
    outbox: &mut O,
    keys: &K,
    now: Timestamp,
    jitter: u16,
) -> Result<Settled, SettleError<O::Error>> {
    let Answered { answer, settled_before } = answered.into();
    let (changed, logs) = (BTreeMap::new(), BTreeMap::new());
    let mut run = Run { lane: lane.clone(), outbox, keys, changed, logs, out: Out::default() };
    if answer.receipts.len() > ANSWER_RECEIPTS_MAX {
        run.fault(PeerFault::AnswerSize, None);
    } else {
        for bytes in &answer.receipts {
            run.receipt(bytes).map_err(SettleError::Store)?;
        }
    }
    run.advance().map_err(SettleError::Store)?;
    let rewind = run.have(answer, settled_before).map_err(SettleError::Store)?;
    let progress = !run.changed.is_empty() || run.lane.settled > lane.settled;
    let mut settled = run.settled(rewind);
    if progress {
        settled.lane.attempts = 0;
        settled.lane.retry_at = now;
    } else {
        settled.lane = failed(&settled.lane, now, jitter);
    }
    Ok(settled)
}

/// A batch got no answer, or a bare refusal: try later.
#[must_use]
pub fn failed(lane: &LaneOut, now: Timestamp, jitter: u16) -> LaneOut {
    let attempts = lane.attempts.saturating_add(1);
    LaneOut { attempts, retry_at: now.plus(delay(attempts, jitter)), ..lane.clone() }
}

/// Declares a message not delivered when its deadline is over (N1). Sending goes on: the lane has no gaps.
#[must_use]
pub fn overdue(lane: &LaneOut, message: &OutMessage, now: Timestamp) -> Option<(OutState, Fact)> {
    match message.state {
        OutState::Waiting if now > message.deadline => {
            let fact = about(lane, Happened::NotDelivered, message, "N1");
            Some((OutState::NotDelivered { late: None }, fact))
        }
        OutState::Waiting | OutState::Decided { .. } | OutState::NotDelivered { .. } => None,
    }
}

/// Takes an acknowledgement from a header of the partner. It settles nothing (only receipts do) and is checked
/// against what was sent.
///
/// # Errors
/// When the store fails.
pub fn acknowledge<O: Outbox>(
    lane: &LaneOut,
    ack: &Ack,
    outbox: &mut O,
) -> Result<Result<LaneOut, PeerFault>, O::Error> {
    if ack.at.seq == 0 || ack.at <= lane.acked {
        return Ok(Ok(lane.clone()));
    }
    if ack.at > lane.last() {
        return Ok(Err(PeerFault::AckAhead));
    }
    Ok(match outbox.message(ack.at)? {
        Some(message) if message.envelope == ack.head => Ok(LaneOut { acked: ack.at, ..lane.clone() }),
        Some(_) => Err(PeerFault::AckHead),
        None => Err(PeerFault::AckAhead),
    })
}

fn about(lane: &LaneOut, happened: Happened, message: &OutMessage, verdict: &str) -> Fact {
    let place = Subject::Place(lane.id.lane, message.at);
    Fact {
        happened,
        subject: message.object.map_or(place, |(object, _)| Subject::Object(object)),
        counterparty: lane.id.to.clone(),
        agreement: lane.id.agreement,
        verdict: Some(ledger_word(verdict)),
        envelope: Some(message.envelope),
    }
}

#[derive(Default)]
struct Out {
    receipts: Vec<ReceiptRow>,
    evidence: Vec<Vec<u8>>,
    facts: Vec<Fact>,
    alarms: Vec<Alarm>,
}

struct Run<'a, O, K> {
    lane: LaneOut,
    outbox: &'a mut O,
    keys: &'a K,
    changed: BTreeMap<Position, OutState>,
    /// Which log of the partner has the entries of a receipt; none for one that proves nothing any more.
    logs: BTreeMap<Digest, Option<u32>>,
    out: Out,
}

impl<O: Outbox, K: ReadReceipts> Run<'_, O, K> {
    fn fault(&mut self, fault: PeerFault, evidence: Option<&[u8]>) {
        self.out.facts.push(Fact {
            happened: Happened::PeerFault,
            subject: Subject::Place(self.lane.id.lane, self.lane.settled),
            counterparty: self.lane.id.to.clone(),
            agreement: self.lane.id.agreement,
            verdict: Some(fault.code().to_owned()),
            envelope: None,
        });
        self.out.alarms.push(Alarm::Peer(fault));
        self.out.evidence.extend(evidence.map(<[u8]>::to_vec));
    }

    fn receipt(&mut self, bytes: &[u8]) -> Result<(), O::Error> {
        let Some(batch) = self.keys.read(bytes) else {
            self.fault(PeerFault::ReceiptInvalid, Some(bytes));
            return Ok(());
        };
        if batch.lane != self.lane.id {
            self.fault(PeerFault::ReceiptLane, Some(bytes));
            return Ok(());
        }
        let ReceiptBatch { log, statements, .. } = batch;
        let (id, mut used) = (hash(bytes), false);
        self.logs.insert(id, Some(log));
        for statement in statements {
            match self.statement((id, log), statement)? {
                Ok(new) => used |= new,
                Err(fault) => self.fault(fault, Some(bytes)),
            }
        }
        if used {
            self.out.receipts.push(ReceiptRow { id, bytes: bytes.to_vec() });
        }
        Ok(())
    }

    /// Returns whether the statement said something new.
    fn statement(
        &mut self,
        (receipt, log): (Digest, u32),
        statement: Statement,
    ) -> Result<Result<bool, PeerFault>, O::Error> {
        let Some(message) = self.outbox.message(statement.at)? else {
            // Of an earlier epoch: this node lost the row, the partner did not.
            let lost = statement.at.epoch < self.lane.epoch;
            return Ok(if lost { Ok(false) } else { Err(PeerFault::ReceiptUnknown) });
        };
        if message.envelope != statement.envelope {
            return Ok(Err(PeerFault::ReceiptHash));
        }
        let state = self.changed.get(&statement.at).unwrap_or(&message.state);
        if let Some((before, first)) = state.decided() {
            if *before == statement.verdict {
                return Ok(Ok(false));
            }
            let first = *first;
            if self.log_of(first)? == Some(log) {
                return Ok(Err(PeerFault::ReceiptContradicts));
            }
            // Signed into another log: it lost what it knew when it signed one of the two (a recall came meanwhile, a rule
            // changed) and decided again. Both receipts are kept; the one that came first stays what was decided.
            let code = verdict_code(&statement.verdict).to_owned();
            self.out.alarms.push(Alarm::DecidedAnew);
            self.out.facts.push(about(&self.lane, Happened::DecidedAnew, &message, &code));
            return Ok(Ok(true));
        }
        self.decided(&message, receipt, statement.verdict);
        Ok(Ok(true))
    }

    /// Which log of the partner has the entries of a receipt that was kept, if it still proves anything.
    fn log_of(&mut self, receipt: Digest) -> Result<Option<u32>, O::Error> {
        if let Some(known) = self.logs.get(&receipt) {
            return Ok(*known);
        }
        let kept = self.outbox.receipt(receipt)?;
        let log = kept.and_then(|bytes| self.keys.read(&bytes)).map(|batch| batch.log);
        self.logs.insert(receipt, log);
        Ok(log)
    }

    fn decided(&mut self, message: &OutMessage, receipt: Digest, verdict: Verdict) {
        let code = verdict_code(&verdict).to_owned();
        let late = match self.changed.get(&message.at).unwrap_or(&message.state) {
            OutState::Waiting | OutState::Decided { .. } => false,
            OutState::NotDelivered { .. } => true,
        };
        let (happened, state) = if late {
            self.out.alarms.push(Alarm::LateReceipt);
            (Happened::LateReceipt, OutState::NotDelivered { late: Some((verdict, receipt)) })
        } else {
            (Happened::Decided, OutState::Decided { verdict, receipt })
        };
        self.out.facts.push(about(&self.lane, happened, message, &code));
        self.changed.insert(message.at, state);
    }

    /// Moves the cursor over everything that has its receipt.
    fn advance(&mut self) -> Result<(), O::Error> {
        if self.changed.is_empty() {
            return Ok(());
        }
        for message in self.outbox.after(self.lane.settled, CURSOR_STEP)? {
            let state = self.changed.get(&message.at).unwrap_or(&message.state);
            if !state.has_receipt() && !message.is_void(&self.lane) {
                break;
            }
            self.lane.settled = message.at;
        }
        Ok(())
    }

    /// Judges what the partner says it has. Returns from where to send again.
    fn have(&mut self, answer: &BatchAnswer, settled_before: Position) -> Result<Option<Position>, O::Error> {
        if answer
            .stopped
            .as_deref()
            .is_some_and(|code| code == Stop::LaneFrozen.code() || code == Stop::LaneEquivocation.code())
        {
            self.lane.halt = Halt::FrozenByPeer;
            return Ok(None);
        }
        let (have, settled) = (answer.have, self.lane.settled);
        let start = Position { epoch: self.lane.epoch, seq: 1 };
        let is_starting = start.epoch > 1 && settled < start;
        let refused = is_starting && answer.stopped.as_deref() == Some(Stop::LaneEpoch.code());
        if have > self.lane.last() || refused {
            self.halt(PeerFault::HaveAhead);
            return Ok(None);
        }
        if have.seq > 0 {
            match self.outbox.message(have)? {
                Some(message) if message.envelope == answer.head => {}
                Some(_) => {
                    self.halt(PeerFault::HaveHead);
                    return Ok(None);
                }
                // Of an earlier epoch: lost here.
                None if (1..self.lane.epoch).contains(&have.epoch) => {}
                None => {
                    self.halt(PeerFault::HaveAhead);
                    return Ok(None);
                }
            }
        }
        if have < settled_before {
            // It signed for more than it has: restored from an old copy, or untrue. Both are sent again.
            self.fault(PeerFault::HaveBehind, None);
            return Ok(Some(have));
        }
        Ok(answer.stopped.as_ref().map(|_| settled))
    }

    fn halt(&mut self, fault: PeerFault) {
        self.fault(fault, None);
        self.lane.halt = Halt::Fault(fault);
    }

    fn settled(self, rewind: Option<Position>) -> Settled {
        Settled {
            lane: self.lane,
            changed: self.changed.into_iter().collect(),
            receipts: self.out.receipts,
            evidence: self.out.evidence,
            facts: self.out.facts,
            alarms: self.out.alarms,
            rewind,
        }
    }
}
