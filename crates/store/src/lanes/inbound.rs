//! The receiving end of lanes: what was taken, what came too early, and proof of a partner that said two things.

use mithaq_db::{Row, Tx, Value, args, lock_clause};
use mithaq_exchange::ports::Known;
use mithaq_exchange::{AheadRow, Holding, InRow, LaneIn, PartnerControl, Tombstone, Versions};
use mithaq_model::{ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{Digest, LaneId, Position};

use super::{LaneKey, name, verdict_columns};
use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, change_one, count, id, int, sha256};

const OF: Of = Of("inbox");

const LANE: &str = "SELECT epoch, seq, head, frozen, ahead, checkpoint FROM lane_in WHERE lane = $1";

/// Returns the receiving end of a lane as it is, not locked; none for a lane that was never used.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn peek_inbound(tx: &mut dyn Tx, lane: &LaneId) -> Result<Option<LaneIn>, StoreError> {
    let row = tx.query_opt(LANE, args![LaneKey::of(lane).0])?;
    row.map(|row| read_lane_in(&row, lane.clone())).transpose()
}

/// Returns the receiving end of a lane, locked until the job ends; a lane that was never used begins here.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn inbound(tx: &mut dyn Tx, lane: &LaneId) -> Result<LaneIn, StoreError> {
    let sql = format!("{LANE}{}", lock_clause(tx.engine()));
    let key = LaneKey::of(lane);
    if let Some(row) = tx.query_opt(&sql, args![key.0])? {
        return read_lane_in(&row, lane.clone());
    }
    name(tx, lane)?;
    tx.exec(
        "INSERT INTO lane_in (lane, epoch, seq, head, frozen, ahead, checkpoint)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &lane_columns(&LaneIn::new(lane.clone()))?,
    )?;
    let row = tx.query_one(&sql, args![key.0])?;
    read_lane_in(&row, lane.clone())
}

fn lane_columns(lane: &LaneIn) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        LaneKey::of(&lane.id).value(),
        Value::from(lane.have.epoch),
        int(lane.have.seq)?,
        Value::from(lane.head.0),
        Value::from(lane.frozen),
        Value::from(lane.ahead),
        Value::from(lane.checkpoint.map(|hash| hash.0)),
    ])
}

fn read_lane_in(row: &Row, lane: LaneId) -> Result<LaneIn, StoreError> {
    let of = Of("lane_in");
    Ok(LaneIn {
        id: lane,
        have: Position { epoch: of.u32(row, 0)?, seq: row.unsigned(1)? },
        head: of.digest(row, 2)?,
        frozen: row.int(3)? == 1,
        ahead: of.u32(row, 4)?,
        checkpoint: if row.opt_bytes(5)?.is_some() { Some(of.digest(row, 5)?) } else { None },
    })
}

/// Stores the receiving end of a lane as a step returned it.
///
/// # Errors
/// [`StoreError::Missing`] when the lane was not begun.
pub fn save_inbound(tx: &mut dyn Tx, lane: &LaneIn) -> Result<(), StoreError> {
    change_one(
        tx,
        "UPDATE lane_in SET epoch = $2, seq = $3, head = $4, frozen = $5, ahead = $6, checkpoint = $7
         WHERE lane = $1",
        &lane_columns(lane)?,
        "lane",
    )
}

/// Returns what is known of a partner's control lane. Lock the lane first ([`inbound`]) to change it.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn control(tx: &mut dyn Tx, lane: LaneKey) -> Result<PartnerControl, StoreError> {
    let of = Of("lane_control");
    let sql =
        "SELECT announced_epoch, announced_seq, announced_at, drained_at FROM lane_control WHERE lane = $1";
    let Some(row) = tx.query_opt(sql, &[lane.value()])? else { return Ok(PartnerControl::default()) };
    let announced = match (row.opt_unsigned(0)?, row.opt_unsigned(1)?) {
        (Some(_), Some(seq)) => Some(Position { epoch: of.u32(&row, 0)?, seq }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(of.broken()),
    };
    Ok(PartnerControl::new(announced, of.opt_time(&row, 2)?, of.opt_time(&row, 3)?))
}

/// Stores what is known of a partner's control lane.
///
/// # Errors
/// When the engine refuses.
pub fn save_control(tx: &mut dyn Tx, lane: LaneKey, control: &PartnerControl) -> Result<(), StoreError> {
    let (announced, announced_at, drained_at) = control.parts();
    tx.exec(
        "INSERT INTO lane_control (lane, announced_epoch, announced_seq, announced_at, drained_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (lane) DO UPDATE SET
         announced_epoch = excluded.announced_epoch, announced_seq = excluded.announced_seq,
         announced_at = excluded.announced_at, drained_at = excluded.drained_at",
        &[
            lane.value(),
            Value::from(announced.map(|at| at.epoch)),
            announced.map_or(Ok(Value::Null), |at| int(at.seq))?,
            Value::from(announced_at.map(Timestamp::as_millis)),
            Value::from(drained_at.map(Timestamp::as_millis)),
        ],
    )?;
    Ok(())
}

/// Stores what was taken. A place that is taken is a violated constraint.
///
/// # Errors
/// [`StoreError::Integrity`] when an envelope does not have the hash it is said to have.
pub fn take(tx: &mut dyn Tx, lane: LaneKey, rows: &[InRow]) -> Result<(), StoreError> {
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        if sha256(&row.bytes) != row.envelope {
            return Err(OF.broken());
        }
        let mut columns = vec![
            lane.value(),
            Value::from(row.at.epoch),
            int(row.at.seq)?,
            Value::from(row.envelope.0),
            Value::from(row.receipt.0),
            Value::from(row.bytes.as_slice()),
        ];
        columns.extend(verdict_columns(Some(&row.verdict)));
        values.push(columns);
    }
    tx.exec_many(
        "INSERT INTO inbox (lane, epoch, seq, hash, receipt, bytes, verdict, code, ground)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &values,
    )?;
    Ok(())
}

/// A message taken, without its envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenRow {
    /// Its place.
    pub at: Position,
    /// Hash of its envelope.
    pub envelope: Digest,
    /// Which stored receipt covers it.
    pub receipt: Digest,
}

/// Returns what was taken after a place, in order, at most [`crate::PAGE_MAX`].
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn taken_after(tx: &mut dyn Tx, lane: LaneKey, after: Position) -> Result<Vec<TakenRow>, StoreError> {
    let sql = format!(
        "SELECT epoch, seq, hash, receipt FROM inbox WHERE lane = $1 AND (epoch > $2 OR (epoch = $2 AND seq > $3))
         ORDER BY epoch, seq LIMIT {PAGE_MAX}"
    );
    let rows = tx.query(&sql, &[lane.value(), Value::from(after.epoch), int(after.seq)?])?;
    let read = |row: &Row| {
        Ok(TakenRow {
            at: Position { epoch: OF.u32(row, 0)?, seq: row.unsigned(1)? },
            envelope: OF.digest(row, 2)?,
            receipt: OF.digest(row, 3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Notes which object and version each taken envelope carried, so that an erasure finds the envelope too: this
/// node's key opens it as long as it is there. To be called for every message that carries a report.
///
/// # Errors
/// When the engine refuses.
pub fn carried(
    tx: &mut dyn Tx,
    lane: LaneKey,
    objects: &[(Position, ObjectId, ReportVersion)],
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(objects.len());
    for (at, object, version) in objects {
        let (version, epoch) = (Value::from(version.get()), Value::from(at.epoch));
        rows.push(vec![id(*object), version, lane.value(), epoch, int(at.seq)?]);
    }
    tx.exec_many(
        "INSERT INTO inbox_object (object, version, lane, epoch, seq) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        &rows,
    )?;
    Ok(())
}

/// Drops the envelopes that carried an object in these versions. Returns how many there were.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub(crate) fn forget_object(
    tx: &mut dyn Tx,
    object: ObjectId,
    versions: &Versions,
) -> Result<u64, StoreError> {
    let of = Of("inbox_object");
    let sql = "SELECT version, lane, epoch, seq FROM inbox_object WHERE object = $1";
    let mut rows = Vec::new();
    for row in tx.query(sql, &[id(object)])? {
        if versions.holds(of.version(&row, 0)?) {
            rows.push(row.into_values().into_iter().skip(1).collect::<Vec<_>>());
        }
    }
    Ok(tx.exec_many(
        "UPDATE inbox SET bytes = NULL WHERE lane = $1 AND epoch = $2 AND seq = $3 AND bytes IS NOT NULL",
        &rows,
    )?)
}

/// Drops the envelope taken at a place, whose content this node could still open; an erasure does so by itself
/// for what was [`carried`]. Place, hash, verdict and receipt stay. Returns whether there was one.
///
/// # Errors
/// When the engine refuses.
pub fn forget_taken(tx: &mut dyn Tx, lane: LaneKey, at: Position) -> Result<bool, StoreError> {
    let sql =
        "UPDATE inbox SET bytes = NULL WHERE lane = $1 AND epoch = $2 AND seq = $3 AND bytes IS NOT NULL";
    Ok(tx.exec(sql, &[lane.value(), Value::from(at.epoch), int(at.seq)?])? == 1)
}

/// Keeps an envelope that came too early, unless one is kept for that place. How many may be kept is the
/// protocol's limit and asked here again.
///
/// # Errors
/// [`StoreError::Limit`] when the lane keeps as many as the protocol allows.
pub fn keep_ahead(tx: &mut dyn Tx, lane: LaneKey, rows: &[AheadRow]) -> Result<(), StoreError> {
    let kept = tx.query_one("SELECT COUNT(*) FROM inbox_ahead WHERE lane = $1", &[lane.value()])?;
    let total = kept.unsigned(0)?.saturating_add(count(rows.len()));
    if total > count(mithaq_wire::limits::REORDER_MAX) {
        return Err(StoreError::Limit { what: "number of early envelopes" });
    }
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        let hash = sha256(&row.bytes).0;
        let bytes = Value::from(row.bytes.as_slice());
        values.push(vec![
            lane.value(),
            Value::from(row.at.epoch),
            int(row.at.seq)?,
            Value::from(hash),
            bytes,
        ]);
    }
    tx.exec_many(
        "INSERT INTO inbox_ahead (lane, epoch, seq, hash, bytes) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        &values,
    )?;
    Ok(())
}

/// Drops early envelopes: they were taken, or come again.
///
/// # Errors
/// When the engine refuses.
pub fn drop_ahead(tx: &mut dyn Tx, lane: LaneKey, places: &[Position]) -> Result<u64, StoreError> {
    let mut rows = Vec::with_capacity(places.len());
    for at in places {
        rows.push(vec![lane.value(), Value::from(at.epoch), int(at.seq)?]);
    }
    Ok(tx.exec_many("DELETE FROM inbox_ahead WHERE lane = $1 AND epoch = $2 AND seq = $3", &rows)?)
}

/// Returns the envelopes kept ahead of a gap, in order.
///
/// # Errors
/// When the engine refuses.
pub fn kept_ahead(tx: &mut dyn Tx, lane: LaneKey) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM inbox_ahead WHERE lane = $1 ORDER BY epoch, seq LIMIT $2";
    let limit = int(count(mithaq_wire::limits::REORDER_MAX))?;
    let rows = tx.query(sql, &[lane.value(), limit])?;
    rows.iter().map(|row| Ok(row.bytes(0)?.to_vec())).collect()
}

/// The rows of one incoming lane for the steps of the protocol, within a job. Reads ahead, so that the
/// duplicates of a batch are one query: make it before the job's own changes to the inbox.
pub struct Inbox<'a> {
    tx: &'a mut dyn Tx,
    lane: LaneKey,
    read: super::ReadAhead<Known>,
}

impl<'a> Inbox<'a> {
    /// The inbox of a lane.
    pub fn new(tx: &'a mut dyn Tx, lane: LaneKey) -> Self {
        Self { tx, lane, read: super::ReadAhead::default() }
    }

    fn place(&self, at: Position) -> Result<[Value; 3], StoreError> {
        Ok([self.lane.value(), Value::from(at.epoch), int(at.seq)?])
    }

    /// Bytes at a place, checked against the hash beside them.
    fn bytes(&mut self, sql: &str, at: Position, of: Of) -> Result<Option<Vec<u8>>, StoreError> {
        let args = self.place(at)?;
        let Some(mut row) = self.tx.query_opt(sql, &args)? else { return Ok(None) };
        if row.opt_bytes(1)?.is_none() {
            return Ok(None);
        }
        let bytes = row.take_bytes(1)?;
        if sha256(&bytes) == of.digest(&row, 0)? { Ok(Some(bytes)) } else { Err(of.broken()) }
    }
}

impl mithaq_exchange::ports::Inbox for Inbox<'_> {
    type Error = StoreError;

    fn taken(&mut self, at: Position) -> Result<Option<Known>, StoreError> {
        if !self.read.covers(at) {
            let sql = "SELECT seq, hash, receipt FROM inbox
                       WHERE lane = $1 AND epoch = $2 AND seq >= $3 AND seq <= $4";
            let rows = self.tx.query(sql, &self.read.begin(self.lane, at)?)?;
            for row in &rows {
                let known = Known { envelope: OF.digest(row, 1)?, receipt: OF.digest(row, 2)? };
                self.read.put(Position { epoch: at.epoch, seq: row.unsigned(0)? }, known);
            }
        }
        Ok(self.read.get(at))
    }

    fn envelope(&mut self, at: Position) -> Result<Option<Vec<u8>>, StoreError> {
        self.bytes("SELECT hash, bytes FROM inbox WHERE lane = $1 AND epoch = $2 AND seq = $3", at, OF)
    }

    fn receipt(&mut self, id: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        super::receipt(self.tx, self.lane, id)
    }

    fn ahead(&mut self, at: Position) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT hash, bytes FROM inbox_ahead WHERE lane = $1 AND epoch = $2 AND seq = $3";
        self.bytes(sql, at, Of("inbox_ahead"))
    }

    fn holding(&mut self, object: ObjectId) -> Result<Option<Holding>, StoreError> {
        super::holding(self.tx, object)
    }

    fn tombstone(&mut self, originator: &PartyId, object: ObjectId) -> Result<Option<Tombstone>, StoreError> {
        let all = crate::reports::tombstones(self.tx, object)?;
        Ok(all.into_iter().find(|stone| stone.originator == *originator))
    }
}
