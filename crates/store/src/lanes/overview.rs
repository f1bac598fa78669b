//! Lanes and messages as the people who run the node see them: places, counts and codes, no envelope.

use mithaq_db::{Tx, Value};
use mithaq_exchange::{LaneIn, LaneOut, OutMessage};
use mithaq_wire::{LaneId, Position};

use super::{LaneKey, outbound, peek_inbound, peek_outbound, read_lane};
use crate::StoreError;
use crate::sql::{PAGE_MAX, int};

/// Most lanes an overview gives.
const LANES_MAX: u32 = 10_000;

/// One lane and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneView {
    /// Which.
    pub id: LaneId,
    /// The sending end, where this node sends.
    pub sent: Option<LaneOut>,
    /// The receiving end, where this node receives.
    pub taken: Option<LaneIn>,
    /// Messages sent or waiting without their receipt.
    pub backlog: u64,
}

/// Returns every lane, at most 10,000.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn overview(tx: &mut dyn Tx) -> Result<Vec<LaneView>, StoreError> {
    let sql = "SELECT lane, from_party, to_party, agreement, class FROM lane
               ORDER BY from_party, to_party, agreement, class LIMIT $1";
    let names = tx.query(sql, &[Value::from(LANES_MAX)])?;
    let mut views = Vec::with_capacity(names.len());
    for row in &names {
        let id = read_lane(row, 0)?;
        let (sent, taken) = (peek_outbound(tx, &id)?, peek_inbound(tx, &id)?);
        let backlog = match &sent {
            Some(lane) => backlog(tx, lane)?,
            None => 0,
        };
        views.push(LaneView { id, sent, taken, backlog });
    }
    Ok(views)
}

/// Within one epoch places are counted; over epochs rows are, because an epoch ends where nobody can tell.
fn backlog(tx: &mut dyn Tx, lane: &LaneOut) -> Result<u64, StoreError> {
    let last = lane.last();
    if lane.settled.epoch == last.epoch {
        return Ok(last.seq.saturating_sub(lane.settled.seq));
    }
    let sql = "SELECT COUNT(*) FROM outbox WHERE lane = $1 AND (epoch > $2 OR (epoch = $2 AND seq > $3))";
    let settled = &lane.settled;
    let args = [LaneKey::of(&lane.id).value(), Value::from(settled.epoch), int(settled.seq)?];
    Ok(tx.query_one(sql, &args)?.unsigned(0)?)
}

/// Which messages of the outbox are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No receipt yet.
    Waiting,
    /// Refused or quarantined by the recipient, or not delivered by its deadline.
    Troubled,
}

/// Returns messages of the outbox that stand so, after a place, each with its lane; without their envelopes.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn standing(
    tx: &mut dyn Tx,
    standing: Standing,
    after: Option<(LaneKey, Position)>,
    limit: u32,
) -> Result<Vec<(LaneKey, OutMessage)>, StoreError> {
    let condition = match standing {
        Standing::Waiting => "state = 'waiting'",
        Standing::Troubled => "(state IN ('not_delivered', 'late') OR verdict IN ('refused', 'quarantined'))",
    };
    let sql = format!(
        "SELECT epoch, seq, kind, object, version, hash, deadline, logged, state, verdict, code, ground, receipt,
         NULL, lane FROM outbox
         WHERE {condition} AND (lane > $1 OR (lane = $1 AND (epoch > $2 OR (epoch = $2 AND seq > $3))))
         ORDER BY lane, epoch, seq LIMIT $4"
    );
    // Empty bytes sort before every lane.
    let (lane, at) = match after {
        Some((lane, at)) => (lane.value(), at),
        None => (Value::from(Vec::new()), Position { epoch: 0, seq: 0 }),
    };
    let args = [lane, Value::from(at.epoch), int(at.seq)?, Value::from(limit.min(PAGE_MAX))];
    let rows = tx.query(&sql, &args)?;
    rows.into_iter().map(|row| Ok((LaneKey(row.array(14)?), outbound::read(row)?))).collect()
}
