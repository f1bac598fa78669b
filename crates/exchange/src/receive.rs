//! The second half of receiving, inside the transaction: place in the lane, duplicates, equivocation, gaps,
//! and for each message in order the verdict. One signed receipt per 64 statements; the answer leaves only
//! after the commit.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_model::Timestamp;
use mithaq_wire::limits::{BATCH_MESSAGES_MAX, RECEIPTS_MAX, REORDER_MAX};
use mithaq_wire::{Ack, BatchAnswer, Digest, MessageKind, Position, ReceiptBatch, Statement};

use crate::code::{Alarm, Stop};
use crate::content::Effect;
use crate::fact::{Fact, Happened, Logged, Subject, ledger_word};
use crate::inspect::{Arrived, Inspection, hash, inspect_kept};
use crate::ports::{Inbox, Judge, SignReceipts, Unwrap};
use crate::rows::{AheadRow, InRow, LaneIn, Modified, ReceiptRow};
use crate::take::{Desk, EquivocationProof, clocks_apart};

/// What the step works with, as of the running transaction.
pub struct Shelf<'a, V, J, U, S> {
    /// The lane's row.
    pub lane: LaneIn,
    /// The lane's other rows.
    pub inbox: &'a mut V,
    /// The policy.
    pub judge: &'a mut J,
    /// For envelopes that were kept ahead of a gap.
    pub unwrap: &'a U,
    /// The key of receipts.
    pub sign: &'a S,
}

/// Why nothing could be received: the transaction is abandoned, nothing is answered but "later".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError<E, S> {
    /// The store failed.
    #[error("the store failed")]
    Store(E),
    /// The receipt could not be signed.
    #[error("the receipt could not be signed")]
    Sign(S),
    /// The rows are of another lane than the batch.
    #[error("the rows are of another lane")]
    Lane,
}

/// Everything to store in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received<R> {
    /// The lane afterwards.
    pub lane: LaneIn,
    /// Messages taken, in the order of the lane, each with what the application does.
    pub messages: Vec<(InRow, Effect<R>)>,
    /// Receipts made.
    pub receipts: Vec<ReceiptRow>,
    /// Envelopes to keep ahead of a gap.
    pub keep_ahead: Vec<AheadRow>,
    /// Places ahead of a gap whose rows go.
    pub drop_ahead: Vec<Position>,
    /// Proofs that the partner equivocated.
    pub proofs: Vec<EquivocationProof>,
    /// Objects that changed.
    pub modified: Modified,
    /// What the partner has of this node's lanes, newest last (see [`crate::acknowledge`]).
    pub acks: Vec<Ack>,
    /// For the ledger.
    pub facts: Vec<Fact>,
    /// For people.
    pub alarms: Vec<Alarm>,
    answer: BatchAnswer,
}

impl<R> Received<R> {
    /// Returns whether there is nothing to store: every message was known. The answer needs no transaction.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let rows = self.messages.is_empty() && self.receipts.is_empty() && self.keep_ahead.is_empty();
        rows && self.drop_ahead.is_empty() && self.proofs.is_empty() && self.facts.is_empty()
    }

    /// Returns the answer, once what it promises is durable (invariant I4).
    #[must_use]
    pub fn answer(self, _durable: Logged) -> BatchAnswer {
        self.answer
    }

    /// Returns the answer of a step that changed nothing.
    #[must_use]
    pub fn answer_unchanged(self) -> Option<BatchAnswer> {
        self.is_unchanged().then_some(self.answer)
    }
}

type Outcome<V, U, S> =
    Result<Received<<U as Unwrap>::Report>, ReceiveError<<V as Inbox>::Error, <S as SignReceipts>::Error>>;

/// Takes what is new and in order, answers what is known, keeps what is ahead, and stops at what must not be.
///
/// # Errors
/// When the store or the key of receipts fails.
pub fn receive<V, J, U, S>(
    inspection: Inspection<U::Report>,
    shelf: Shelf<'_, V, J, U, S>,
    now: Timestamp,
) -> Outcome<V, U, S>
where
    V: Inbox,
    J: Judge<U::Report>,
    U: Unwrap,
    S: SignReceipts,
{
    if inspection.lane != shelf.lane.id {
        return Err(ReceiveError::Lane);
    }
    let mut stopped = inspection.stopped;
    let mut run = Run {
        lane: shelf.lane,
        desk: Desk::new(shelf.inbox, shelf.judge, now),
        unwrap: shelf.unwrap,
        ahead: BTreeMap::new(),
        dropped: Vec::new(),
        answered: BTreeSet::new(),
        taken: Vec::new(),
        proofs: Vec::new(),
        acks: Vec::new(),
        skewed: false,
    };
    for arrived in inspection.arrived {
        if let Some(stop) = run.one(arrived).map_err(ReceiveError::Store)? {
            stopped = Some(stop);
            break;
        }
    }
    run.finish(stopped, shelf.sign, now)
}

struct Run<'a, V: Inbox, J, U: Unwrap> {
    lane: LaneIn,
    desk: Desk<'a, V, J>,
    unwrap: &'a U,
    /// New in this step, ahead of a gap.
    ahead: BTreeMap<Position, Arrived<U::Report>>,
    dropped: Vec<Position>,
    /// Stored receipts to answer duplicates with.
    answered: BTreeSet<Digest>,
    taken: Vec<(InRow, Effect<U::Report>, Fact)>,
    proofs: Vec<EquivocationProof>,
    acks: Vec<Ack>,
    skewed: bool,
}

impl<V: Inbox, J: Judge<U::Report>, U: Unwrap> Run<'_, V, J, U> {
    /// One validly signed envelope, wherever in the lane it stands.
    fn one(&mut self, arrived: Arrived<U::Report>) -> Result<Option<Stop>, V::Error> {
        let at = arrived.header.at;
        if at <= self.lane.have {
            return self.known(arrived);
        }
        if self.lane.frozen {
            return Ok(Some(Stop::LaneFrozen));
        }
        if self.is_next(&arrived) {
            return self.next(arrived);
        }
        if at.epoch != self.lane.have.epoch || arrived.header.kind == MessageKind::EpochStart {
            return Ok(Some(Stop::LaneEpoch));
        }
        self.early(arrived)
    }

    /// A place at or before what is had: a duplicate gets its receipt, other bytes are proof.
    fn known(&mut self, arrived: Arrived<U::Report>) -> Result<Option<Stop>, V::Error> {
        let at = arrived.header.at;
        if let Some(new) = self.taken.iter().find(|(row, ..)| row.at == at) {
            if new.0.envelope == arrived.envelope {
                return Ok(None);
            }
            let first = Some(new.0.bytes.clone());
            return Ok(Some(self.equivocation(new.0.envelope, first, arrived)));
        }
        match self.desk.inbox.taken(at)? {
            Some(known) if known.envelope == arrived.envelope => {
                self.answered.insert(known.receipt);
                Ok(None)
            }
            Some(known) => {
                let first = self.desk.inbox.envelope(at)?;
                Ok(Some(self.equivocation(known.envelope, first, arrived)))
            }
            // A place that the epoch before never reached: nothing may be added to what was closed.
            None => Ok(Some(Stop::LaneEpoch)),
        }
    }

    fn is_next(&self, arrived: &Arrived<U::Report>) -> bool {
        let (at, have) = (arrived.header.at, self.lane.have);
        if arrived.header.kind == MessageKind::EpochStart {
            // One that names another head is no equivocation: its sender lost rows, and something it sent before
            // arrived after it had asked. It asks again, and begins a later epoch.
            return at.epoch > have.epoch && at.seq == 1 && arrived.header.prev == self.lane.head;
        }
        at.epoch == have.epoch && have.seq.checked_add(1) == Some(at.seq)
    }

    /// The next place: the chain must fit, then it and whatever waited behind it is taken.
    fn next(&mut self, arrived: Arrived<U::Report>) -> Result<Option<Stop>, V::Error> {
        let mut next = Some(arrived);
        while let Some(arrived) = next {
            let at = arrived.header.at;
            if let Some(stop) = self.other_at(&arrived)? {
                return Ok(Some(stop));
            }
            if arrived.header.prev != self.lane.head {
                let first = match self.taken.last() {
                    Some((row, ..)) => Some(row.bytes.clone()),
                    None => self.desk.inbox.envelope(self.lane.have)?,
                };
                return Ok(Some(self.equivocation(self.lane.head, first, arrived)));
            }
            if at.epoch != self.lane.have.epoch {
                self.close_epoch()?;
            }
            self.take(arrived)?;
            next = self.waiting()?;
        }
        Ok(None)
    }

    /// An envelope kept ahead for this very place must be the same.
    fn other_at(&mut self, arrived: &Arrived<U::Report>) -> Result<Option<Stop>, V::Error> {
        let at = arrived.header.at;
        let kept = match self.ahead.get(&at) {
            Some(kept) => Some(kept.bytes.clone()),
            None if self.lane.ahead > 0 => self.desk.inbox.ahead(at)?,
            None => None,
        };
        match kept {
            Some(kept) if hash(&kept) != arrived.envelope => {
                Ok(Some(self.equivocation(hash(&kept), Some(kept), arrived.clone_bare())))
            }
            Some(_) | None => Ok(None),
        }
    }

    fn take(&mut self, arrived: Arrived<U::Report>) -> Result<(), V::Error> {
        let Arrived { header, envelope, bytes, inner } = arrived;
        let (verdict, effect) = self.desk.decide(&header, inner)?;
        let object = self.desk.spoke_of.take();
        let fact = Fact {
            happened: Happened::Taken,
            subject: object.map_or(Subject::Place(header.lane.lane, header.at), Subject::Object),
            counterparty: header.lane.from.clone(),
            agreement: header.lane.agreement,
            verdict: Some(ledger_word(crate::take::verdict_code(&verdict))),
            envelope: Some(envelope),
        };
        self.skewed |= clocks_apart(header.created, self.desk.now);
        self.lane.have = header.at;
        self.lane.head = envelope;
        self.lane.checkpoint = header.checkpoint.or(self.lane.checkpoint);
        self.acks.extend(header.acks);
        let row = InRow { at: header.at, envelope, bytes, verdict, receipt: Digest::ZERO };
        self.taken.push((row, effect, fact));
        Ok(())
    }

    /// What was kept ahead and is next now.
    fn waiting(&mut self) -> Result<Option<Arrived<U::Report>>, V::Error> {
        let Some(seq) = self.lane.have.seq.checked_add(1) else { return Ok(None) };
        let at = Position { seq, ..self.lane.have };
        let stored = if self.lane.ahead > 0 { self.desk.inbox.ahead(at)? } else { None };
        if stored.is_some() {
            self.dropped.push(at);
            self.lane.ahead = self.lane.ahead.saturating_sub(1);
        }
        if let Some(arrived) = self.ahead.remove(&at) {
            return Ok(Some(arrived));
        }
        // Verified when it was kept; if its key was distrusted since, it is simply asked for again.
        Ok(stored.and_then(|bytes| inspect_kept(&bytes, &self.lane.id, self.unwrap)))
    }

    /// A later place of this epoch: kept, within limits, until the gap closes.
    fn early(&mut self, arrived: Arrived<U::Report>) -> Result<Option<Stop>, V::Error> {
        let at = arrived.header.at;
        let distance = at.seq.saturating_sub(self.lane.have.seq);
        if usize::try_from(distance).map_or(true, |distance| distance > REORDER_MAX) {
            return Ok(Some(Stop::LaneGap));
        }
        if let Some(stop) = self.other_at(&arrived)? {
            return Ok(Some(stop));
        }
        let stored = self.lane.ahead > 0 && self.desk.inbox.ahead(at)?.is_some();
        if !stored {
            self.ahead.insert(at, arrived);
        }
        Ok(None)
    }

    /// A new epoch began: what was kept ahead in the old one will never fit.
    fn close_epoch(&mut self) -> Result<(), V::Error> {
        self.ahead.clear();
        for step in 1..=u64::try_from(REORDER_MAX).unwrap_or(0) {
            if self.lane.ahead == 0 {
                break;
            }
            let at = Position { seq: self.lane.have.seq.saturating_add(step), ..self.lane.have };
            if self.desk.inbox.ahead(at)?.is_some() {
                self.dropped.push(at);
            }
        }
        self.lane.ahead = 0;
        Ok(())
    }

    fn equivocation(
        &mut self,
        first_hash: Digest,
        first: Option<Vec<u8>>,
        second: Arrived<U::Report>,
    ) -> Stop {
        // The proof is kept once: who repeats itself does not fill the store.
        if !self.lane.frozen {
            let at = second.header.at;
            self.proofs.push(EquivocationProof { at, first_hash, first, second: second.bytes });
            self.lane.frozen = true;
        }
        Stop::LaneEquivocation
    }

    fn finish<S: SignReceipts>(
        mut self,
        stopped: Option<Stop>,
        sign: &S,
        now: Timestamp,
    ) -> Outcome<V, U, S> {
        let mut receipts = Vec::new();
        for chunk in self.taken.chunks_mut(RECEIPTS_MAX) {
            let statement = |(row, ..): &(InRow, Effect<U::Report>, Fact)| Statement {
                at: row.at,
                envelope: row.envelope,
                verdict: row.verdict.clone(),
            };
            let batch = ReceiptBatch {
                lane: self.lane.id.clone(),
                manifest: sign.manifest(),
                stored_at: now,
                log: sign.log(),
                statements: chunk.iter().map(statement).collect(),
            };
            let bytes = sign.sign(&batch).map_err(ReceiveError::Sign)?;
            let id = hash(&bytes);
            for (row, ..) in chunk {
                row.receipt = id;
            }
            receipts.push(ReceiptRow { id, bytes });
        }
        let mut answer = BatchAnswer {
            receipts: Vec::new(),
            have: self.lane.have,
            head: self.lane.head,
            stopped: stopped.map(|stop| stop.code().to_owned()),
        };
        // New ones first: what does not fit into one answer is asked for again.
        answer.receipts.extend(receipts.iter().map(|row| row.bytes.clone()));
        for id in &self.answered {
            if answer.receipts.len() >= BATCH_MESSAGES_MAX {
                break;
            }
            answer.receipts.extend(self.desk.inbox.receipt(*id).map_err(ReceiveError::Store)?);
        }
        Ok(self.received(stopped, receipts, answer))
    }

    fn received(
        mut self,
        stopped: Option<Stop>,
        receipts: Vec<ReceiptRow>,
        answer: BatchAnswer,
    ) -> Received<U::Report> {
        let new_ahead = u32::try_from(self.ahead.len()).unwrap_or(u32::MAX);
        self.lane.ahead = self.lane.ahead.saturating_add(new_ahead);
        let ahead = self.ahead.into_iter().map(|(at, arrived)| AheadRow { at, bytes: arrived.bytes });
        let mut facts = Vec::with_capacity(self.taken.len());
        let mut messages = Vec::with_capacity(self.taken.len());
        for (row, effect, fact) in self.taken {
            facts.push(fact);
            messages.push((row, effect));
        }
        let about = |happened, at, verdict: &str, envelope| Fact {
            happened,
            subject: Subject::Place(self.lane.id.lane, at),
            counterparty: self.lane.id.from.clone(),
            agreement: self.lane.id.agreement,
            verdict: Some(verdict.to_owned()),
            envelope,
        };
        for proof in &self.proofs {
            let code = Stop::LaneEquivocation.code();
            facts.push(about(Happened::Equivocation, proof.at, code, Some(hash(&proof.second))));
        }
        // A gap is the network's doing, a freeze is already known: neither is worth an entry each time.
        let quiet = [Stop::LaneGap, Stop::LaneFrozen, Stop::LaneEquivocation];
        if let Some(stop) = stopped.filter(|stop| !quiet.contains(stop)) {
            facts.push(about(Happened::Stopped, self.lane.have, stop.code(), None));
        }
        let mut alarms = Vec::new();
        alarms.extend((!self.proofs.is_empty()).then_some(Alarm::Equivocation));
        alarms.extend(self.desk.epoch_started.then_some(Alarm::EpochStarted));
        alarms.extend(self.skewed.then_some(Alarm::ClockSkew));
        Received {
            lane: self.lane,
            messages,
            receipts,
            keep_ahead: ahead.collect(),
            drop_ahead: self.dropped,
            proofs: self.proofs,
            modified: self.desk.modified(),
            acks: self.acks,
            facts,
            alarms,
            answer,
        }
    }
}

impl<R> Arrived<R> {
    /// The same envelope without its content, for a proof.
    fn clone_bare(&self) -> Self {
        Self {
            header: self.header.clone(),
            envelope: self.envelope,
            bytes: self.bytes.clone(),
            inner: Err(crate::code::Refuse::SealMalformed),
        }
    }
}
