//! The sending end of lanes: the head of the chain, the durable cursor and the outbox.

use std::collections::BTreeMap;

use mithaq_db::{Row, Tx, Value, args, lock_clause};
use mithaq_exchange::{Halt, LaneOut, Logged, OutMessage, OutState, PeerFault};
use mithaq_model::{ObjectId, ReportVersion, Timestamp};
use mithaq_wire::{Digest, LaneId, MessageKind, Position};

use super::{LaneKey, name, read_lane, read_verdict, verdict_columns};
use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, id, int, sha256, time};

const OF: Of = Of("outbox");
const OF_LANE: Of = Of("lane_out");

const KINDS: [MessageKind; 9] = [
    MessageKind::Report,
    MessageKind::Correction,
    MessageKind::Order,
    MessageKind::Notice,
    MessageKind::Step,
    MessageKind::Receipts,
    MessageKind::EpochStart,
    MessageKind::Onward,
    MessageKind::Hop,
];

const fn kind_code(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Report => "report",
        MessageKind::Correction => "correction",
        MessageKind::Order => "order",
        MessageKind::Notice => "notice",
        MessageKind::Step => "step",
        MessageKind::Receipts => "receipts",
        MessageKind::EpochStart => "epoch_start",
        MessageKind::Onward => "onward",
        MessageKind::Hop => "hop",
    }
}

const OPEN: &str = "open";
const FROZEN: &str = "frozen_by_peer";

const fn halt_code(halt: Halt) -> &'static str {
    match halt {
        Halt::Open => OPEN,
        Halt::FrozenByPeer => FROZEN,
        Halt::Fault(fault) => fault.code(),
    }
}

fn halt_of(code: &str) -> Option<Halt> {
    match code {
        OPEN => Some(Halt::Open),
        FROZEN => Some(Halt::FrozenByPeer),
        fault => PeerFault::ALL.iter().find(|known| known.code() == fault).map(|fault| Halt::Fault(*fault)),
    }
}

const LANE: &str = "SELECT epoch, next_seq, head, settled_epoch, settled_seq, acked_epoch, acked_seq, halt,
    attempts, retry_at FROM lane_out WHERE lane = $1";

/// Returns the sending end of a lane as it is, not locked; none for a lane that was never used.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn peek_outbound(tx: &mut dyn Tx, lane: &LaneId) -> Result<Option<LaneOut>, StoreError> {
    let row = tx.query_opt(LANE, args![LaneKey::of(lane).0])?;
    row.map(|row| read_lane_out(&row, lane.clone())).transpose()
}

/// Returns the sending end of a lane, locked until the job ends; a lane that was never used begins here.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn outbound(tx: &mut dyn Tx, lane: &LaneId) -> Result<LaneOut, StoreError> {
    let sql = format!("{LANE}{}", lock_clause(tx.engine()));
    let key = LaneKey::of(lane);
    if let Some(row) = tx.query_opt(&sql, args![key.0])? {
        return read_lane_out(&row, lane.clone());
    }
    name(tx, lane)?;
    let new = LaneOut::new(lane.clone());
    tx.exec(
        "INSERT INTO lane_out (lane, epoch, next_seq, head, settled_epoch, settled_seq, acked_epoch, acked_seq,
         halt, attempts, retry_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        &lane_columns(&new)?,
    )?;
    let row = tx.query_one(&sql, args![key.0])?;
    read_lane_out(&row, lane.clone())
}

fn lane_columns(lane: &LaneOut) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        LaneKey::of(&lane.id).value(),
        Value::from(lane.epoch),
        int(lane.next_seq)?,
        Value::from(lane.head.0),
        Value::from(lane.settled.epoch),
        int(lane.settled.seq)?,
        Value::from(lane.acked.epoch),
        int(lane.acked.seq)?,
        Value::from(halt_code(lane.halt)),
        Value::from(lane.attempts),
        time(lane.retry_at),
    ])
}

fn read_lane_out(row: &Row, lane: LaneId) -> Result<LaneOut, StoreError> {
    let of = OF_LANE;
    Ok(LaneOut {
        id: lane,
        epoch: of.u32(row, 0)?,
        next_seq: row.unsigned(1)?,
        head: of.digest(row, 2)?,
        settled: Position { epoch: of.u32(row, 3)?, seq: row.unsigned(4)? },
        acked: Position { epoch: of.u32(row, 5)?, seq: row.unsigned(6)? },
        halt: halt_of(row.text(7)?).ok_or(of.broken())?,
        attempts: of.u32(row, 8)?,
        retry_at: of.time(row, 9)?,
    })
}

/// Stores the sending end of a lane as a step returned it.
///
/// # Errors
/// [`StoreError::Missing`] when the lane was not begun.
pub fn save_outbound(tx: &mut dyn Tx, lane: &LaneOut) -> Result<(), StoreError> {
    crate::sql::change_one(
        tx,
        "UPDATE lane_out SET epoch = $2, next_seq = $3, head = $4, settled_epoch = $5, settled_seq = $6,
         acked_epoch = $7, acked_seq = $8, halt = $9, attempts = $10, retry_at = $11
         WHERE lane = $1",
        &lane_columns(lane)?,
        "lane",
    )
}

/// Returns lanes with something unsettled that may be tried by `now`, the longest due first. Not locked.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn due(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<LaneOut>, StoreError> {
    let rows = tx.query(
        "SELECT o.epoch, o.next_seq, o.head, o.settled_epoch, o.settled_seq, o.acked_epoch, o.acked_seq,
         o.halt, o.attempts, o.retry_at,
         l.lane, l.from_party, l.to_party, l.agreement, l.class
         FROM lane_out o JOIN lane l ON l.lane = o.lane
         WHERE o.retry_at <= $1 AND o.halt = 'open'
         AND (o.settled_epoch < o.epoch OR o.settled_seq + 1 < o.next_seq)
         ORDER BY o.retry_at, o.lane LIMIT $2",
        &[time(now), Value::from(limit.min(PAGE_MAX))],
    )?;
    rows.iter().map(|row| read_lane_out(row, read_lane(row, 10)?)).collect()
}

/// Puts new messages into the outbox. A place that is taken is a violated constraint: two envelopes for one
/// place are never stored.
///
/// # Errors
/// [`StoreError::Integrity`] when an envelope does not have the hash it is said to have.
pub fn put(tx: &mut dyn Tx, lane: LaneKey, messages: &[OutMessage]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(messages.len());
    for message in messages {
        if sha256(&message.bytes) != message.envelope {
            return Err(OF.broken());
        }
        let mut row = vec![
            lane.value(),
            Value::from(message.at.epoch),
            int(message.at.seq)?,
            Value::from(kind_code(message.kind)),
            Value::from(message.object.map(|(object, _)| *object.as_bytes())),
            Value::from(message.object.map(|(_, version)| version.get())),
            Value::from(message.envelope.0),
            time(message.deadline),
            int(message.logged.position())?,
        ];
        row.extend(state_columns(&message.state));
        row.push(Value::from(message.bytes.as_slice()));
        rows.push(row);
    }
    tx.exec_many(
        "INSERT INTO outbox (lane, epoch, seq, kind, object, version, hash, deadline, logged,
         state, verdict, code, ground, receipt, bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &rows,
    )?;
    Ok(())
}

/// State, verdict, code, ground, receipt.
fn state_columns(state: &OutState) -> Vec<Value> {
    let (word, decided) = match state {
        OutState::Waiting => ("waiting", None),
        OutState::Decided { verdict, receipt } => ("decided", Some((verdict, receipt))),
        OutState::NotDelivered { late: None } => ("not_delivered", None),
        OutState::NotDelivered { late: Some((verdict, receipt)) } => ("late", Some((verdict, receipt))),
    };
    let mut columns = vec![Value::from(word)];
    columns.extend(verdict_columns(decided.map(|(verdict, _)| verdict)));
    columns.push(Value::from(decided.map(|(_, receipt)| receipt.0)));
    columns
}

/// Stores where messages stand now, in the order of the lane. Neighbours with one verdict and receipt, as
/// nearly every batch has them, are one statement.
///
/// # Errors
/// [`StoreError::Missing`] when one of them is not in the outbox.
pub fn save_states(
    tx: &mut dyn Tx,
    lane: LaneKey,
    changed: &[(Position, OutState)],
) -> Result<(), StoreError> {
    let next = |(a, state): &(Position, OutState), (b, other): &(Position, OutState)| {
        follows(a, b) && state == other
    };
    let mut rows = Vec::new();
    for run in changed.chunk_by(next) {
        let (Some((first, state)), Some((last, _))) = (run.first(), run.last()) else { continue };
        let mut row = vec![lane.value(), Value::from(first.epoch), int(first.seq)?, int(last.seq)?];
        row.extend(state_columns(state));
        rows.push(row);
    }
    let found = tx.exec_many(
        "UPDATE outbox SET state = $5, verdict = $6, code = $7, ground = $8, receipt = $9
         WHERE lane = $1 AND epoch = $2 AND seq >= $3 AND seq <= $4",
        &rows,
    )?;
    if found == crate::sql::count(changed.len()) {
        Ok(())
    } else {
        Err(StoreError::Missing { what: "message" })
    }
}

/// Whether a place is the next one: then both are found as one range.
fn follows(a: &Position, b: &Position) -> bool {
    a.epoch == b.epoch && a.seq.checked_add(1) == Some(b.seq)
}

const COLUMNS: &str = "SELECT epoch, seq, kind, object, version, hash, deadline, logged,
    state, verdict, code, ground, receipt, bytes FROM outbox";
/// Without the envelope: what the steps of the protocol ask for is where messages stand.
const LIGHT: &str = "SELECT epoch, seq, kind, object, version, hash, deadline, logged,
    state, verdict, code, ground, receipt, NULL FROM outbox";

/// Returns messages after a place in order, with their envelopes: at most `limit`, and at most `bytes` bytes
/// together but always one.
///
/// # Errors
/// [`StoreError::Integrity`] when bytes and hash disagree.
pub fn waiting(
    tx: &mut dyn Tx,
    lane: LaneKey,
    after: Position,
    (limit, bytes): (u32, usize),
) -> Result<Vec<OutMessage>, StoreError> {
    let (mut taken, mut total) = (Vec::new(), 0_usize);
    for message in after_place(tx, COLUMNS, (lane, after), limit)? {
        total = total.saturating_add(message.bytes.len());
        if total > bytes && !taken.is_empty() {
            break;
        }
        taken.push(message);
    }
    Ok(taken)
}

/// Two ranges in the order of the key: the rest of the epoch, then what follows it.
fn after_place(
    tx: &mut dyn Tx,
    columns: &str,
    (lane, after): (LaneKey, Position),
    limit: u32,
) -> Result<Vec<OutMessage>, StoreError> {
    let limit = limit.min(PAGE_MAX);
    let sql = format!("{columns} WHERE lane = $1 AND epoch = $2 AND seq > $3 ORDER BY seq LIMIT $4");
    let args = [lane.value(), Value::from(after.epoch), int(after.seq)?, Value::from(limit)];
    let mut rows = tx.query(&sql, &args)?;
    let rest = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    if rest > 0 {
        let sql = format!("{columns} WHERE lane = $1 AND epoch > $2 ORDER BY epoch, seq LIMIT $3");
        rows.extend(tx.query(&sql, &[lane.value(), Value::from(after.epoch), Value::from(rest)])?);
    }
    rows.into_iter().map(read).collect()
}

/// Returns the message at a place.
///
/// # Errors
/// As [`waiting`].
pub fn message(tx: &mut dyn Tx, lane: LaneKey, at: Position) -> Result<Option<OutMessage>, StoreError> {
    let sql = format!("{COLUMNS} WHERE lane = $1 AND epoch = $2 AND seq = $3");
    let row = tx.query_opt(&sql, &[lane.value(), Value::from(at.epoch), int(at.seq)?])?;
    row.map(read).transpose()
}

/// Returns the messages at places in their order, without their envelopes; none where there is none.
///
/// # Errors
/// As [`waiting`].
pub fn messages(
    tx: &mut dyn Tx,
    lane: LaneKey,
    places: &[Position],
) -> Result<Vec<Option<OutMessage>>, StoreError> {
    let mut lists = Vec::new();
    for run in places.chunk_by(follows) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        lists.push(vec![lane.value(), Value::from(first.epoch), int(first.seq)?, int(last.seq)?]);
    }
    let sql = format!("{LIGHT} WHERE lane = $1 AND epoch = $2 AND seq >= $3 AND seq <= $4");
    let mut found = BTreeMap::new();
    for row in tx.query_many(&sql, &lists)?.into_iter().flatten() {
        let message = read(row)?;
        found.insert(message.at, message);
    }
    Ok(places.iter().map(|place| found.get(place).cloned()).collect())
}

/// Returns waiting messages of any lane whose deadline is over by `now`, each with its lane, longest first.
///
/// # Errors
/// As [`waiting`].
pub fn overdue(
    tx: &mut dyn Tx,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(LaneKey, OutMessage)>, StoreError> {
    let sql = "SELECT epoch, seq, kind, object, version, hash, deadline, logged,
               state, verdict, code, ground, receipt, bytes, lane
               FROM outbox WHERE state = 'waiting' AND deadline <= $1 ORDER BY deadline, lane, seq LIMIT $2";
    let rows = tx.query(sql, &[time(now), Value::from(limit.min(PAGE_MAX))])?;
    rows.into_iter().map(|row| Ok((LaneKey(row.array(14)?), read(row)?))).collect()
}

/// Returns the messages that carried an object, each with its lane, at most 1,000; without their envelopes.
///
/// # Errors
/// As [`waiting`].
pub fn of_object(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<(LaneKey, OutMessage)>, StoreError> {
    let sql = "SELECT epoch, seq, kind, object, version, hash, deadline, logged,
               state, verdict, code, ground, receipt, NULL, lane
               FROM outbox WHERE object = $1 ORDER BY lane, epoch, seq LIMIT 1000";
    let rows = tx.query(sql, &[id(object)])?;
    rows.into_iter().map(|row| Ok((LaneKey(row.array(14)?), read(row)?))).collect()
}

pub(super) fn read(mut row: Row) -> Result<OutMessage, StoreError> {
    let kind = row.text(2)?;
    let kind = KINDS.into_iter().find(|known| kind_code(*known) == kind).ok_or(OF.broken())?;
    let object: Option<ObjectId> = OF.opt_id(&row, 3)?;
    let version: Option<ReportVersion> = if object.is_some() { Some(OF.version(&row, 4)?) } else { None };
    let envelope = OF.digest(&row, 5)?;
    let state = read_state(&row)?;
    let bytes = if row.opt_bytes(13)?.is_some() { row.take_bytes(13)? } else { Vec::new() };
    if !bytes.is_empty() && sha256(&bytes) != envelope {
        return Err(OF.broken());
    }
    Ok(OutMessage {
        at: Position { epoch: OF.u32(&row, 0)?, seq: row.unsigned(1)? },
        kind,
        object: object.zip(version),
        envelope,
        bytes,
        deadline: OF.time(&row, 6)?,
        state,
        // What is read is committed: the entry was appended in the transaction that stored the row.
        logged: Logged::committed(row.unsigned(7)?),
    })
}

fn read_state(row: &Row) -> Result<OutState, StoreError> {
    let verdict = read_verdict(OF, row, 9)?;
    let receipt = if row.opt_bytes(12)?.is_some() { Some(OF.digest(row, 12)?) } else { None };
    match (row.text(8)?, verdict.zip(receipt)) {
        ("waiting", None) => Ok(OutState::Waiting),
        ("not_delivered", None) => Ok(OutState::NotDelivered { late: None }),
        ("decided", Some((verdict, receipt))) => Ok(OutState::Decided { verdict, receipt }),
        ("late", late @ Some(_)) => Ok(OutState::NotDelivered { late }),
        (_, _) => Err(OF.broken()),
    }
}

/// Drops the envelopes of an epoch up to a place that are settled; numbers, hashes and verdicts stay.
///
/// # Errors
/// When the engine refuses.
pub fn forget_sent(tx: &mut dyn Tx, lane: LaneKey, up_to: Position) -> Result<u64, StoreError> {
    let sql = "UPDATE outbox SET bytes = NULL WHERE lane = $1 AND epoch = $2 AND seq <= $3
               AND state IN ('decided', 'late') AND bytes IS NOT NULL";
    Ok(tx.exec(sql, &[lane.value(), Value::from(up_to.epoch), int(up_to.seq)?])?)
}

/// The outbox of one lane for the steps of the protocol, within a job; without the envelopes. Reads ahead, so
/// that a batch of receipts is one query: make it after the job's own changes to the outbox.
pub struct Outbox<'a> {
    tx: &'a mut dyn Tx,
    lane: LaneKey,
    read: super::ReadAhead<OutMessage>,
}

impl<'a> Outbox<'a> {
    /// The outbox of a lane.
    pub fn new(tx: &'a mut dyn Tx, lane: LaneKey) -> Self {
        Self { tx, lane, read: super::ReadAhead::default() }
    }
}

impl mithaq_exchange::ports::Outbox for Outbox<'_> {
    type Error = StoreError;

    fn message(&mut self, at: Position) -> Result<Option<OutMessage>, StoreError> {
        if !self.read.covers(at) {
            let sql =
                format!("{LIGHT} WHERE lane = $1 AND epoch = $2 AND seq >= $3 AND seq <= $4 ORDER BY seq");
            let rows = self.tx.query(&sql, &self.read.begin(self.lane, at)?)?;
            for row in rows {
                let message = read(row)?;
                self.read.put(message.at, message);
            }
        }
        Ok(self.read.get(at))
    }

    fn after(&mut self, at: Position, limit: usize) -> Result<Vec<OutMessage>, StoreError> {
        let limit = u32::try_from(limit).unwrap_or(PAGE_MAX);
        after_place(self.tx, LIGHT, (self.lane, at), limit)
    }

    fn receipt(&mut self, id: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        super::receipt(self.tx, self.lane, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_halt_has_its_own_word() {
        for kind in KINDS {
            assert_eq!(KINDS.iter().filter(|other| kind_code(**other) == kind_code(kind)).count(), 1);
        }
        let halts = PeerFault::ALL.iter().map(|fault| Halt::Fault(*fault));
        for halt in halts.chain([Halt::Open, Halt::FrozenByPeer]) {
            assert_eq!(halt_of(halt_code(halt)), Some(halt));
        }
        assert_eq!(halt_of(""), None);
    }
}
