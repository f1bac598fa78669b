//! What is sent next. The window lives in memory only: after a crash it begins again at the durable cursor,
//! and what was sent before is a duplicate that the receiver answers with its stored receipt.

use mithaq_model::Timestamp;
use mithaq_wire::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, BATCHES_IN_FLIGHT_MAX};
use mithaq_wire::{Lane, LaneId, Position};

use crate::backoff::is_due;
use crate::rows::{Halt, LaneOut, OutMessage};
use crate::settle::Settled;

/// Whether the agreement lets reports flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flow {
    /// In force.
    Open,
    /// Suspended or ended: duties survive, reports wait.
    ControlOnly,
}

/// Envelopes of one lane, for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which lane.
    pub lane: LaneId,
    /// Place of the first.
    pub first: Position,
    /// Place of the last.
    pub last: Position,
    /// Where the cursor stood when it was handed out: the partner cannot have less.
    pub settled: Position,
    /// The envelopes, as stored.
    pub envelopes: Vec<Vec<u8>>,
}

/// What of a lane is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    handed: Position,
    in_flight: usize,
}

/// Bytes a batch may need around each envelope.
const FRAME: usize = 16;

impl Window {
    /// Returns the window of a node that just started.
    #[must_use]
    pub const fn new(lane: &LaneOut) -> Self {
        Self { handed: lane.settled, in_flight: 0 }
    }

    /// Returns the window of a partner that fetches, or of a courier: what follows a place.
    #[must_use]
    pub const fn after(place: Position) -> Self {
        Self { handed: place, in_flight: 0 }
    }

    /// Returns the place after which messages are to be loaded for [`Window::next`].
    #[must_use]
    pub const fn handed(&self) -> Position {
        self.handed
    }

    /// Returns how many batches are under way.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns the next batch, from messages that follow [`Window::handed`] in order.
    pub fn next(&mut self, lane: &LaneOut, messages: Vec<OutMessage>, now: Timestamp) -> Option<Batch> {
        if lane.halt != Halt::Open || self.in_flight >= BATCHES_IN_FLIGHT_MAX || !is_due(lane.retry_at, now) {
            return None;
        }
        let mut batch: Option<Batch> = None;
        let mut bytes = 0_usize;
        let open = |message: &OutMessage| message.at > self.handed && !message.is_void(lane);
        for message in messages.into_iter().filter(open) {
            bytes = bytes.saturating_add(message.bytes.len()).saturating_add(FRAME);
            match &mut batch {
                None => {
                    let (first, last) = (message.at, message.at);
                    let envelopes = vec![message.bytes];
                    let (lane, settled) = (lane.id.clone(), lane.settled);
                    batch = Some(Batch { lane, first, last, settled, envelopes });
                }
                Some(batch) if batch.envelopes.len() < BATCH_MESSAGES_MAX && bytes <= BATCH_BYTES_MAX => {
                    batch.last = message.at;
                    batch.envelopes.push(message.bytes);
                }
                Some(_full) => break,
            }
        }
        if let Some(batch) = &batch {
            self.handed = batch.last;
            self.in_flight += 1;
        }
        batch
    }

    /// A batch was answered and the answer settled.
    pub fn landed(&mut self, settled: &Settled) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(from) = settled.rewind {
            self.handed = from;
        }
        let least = settled.rewind.unwrap_or(settled.lane.settled);
        // With nothing under way, what has no receipt will not get one unless it is sent again: an answer that
        // covered it was lost, or answered another copy of the request.
        self.handed = if self.in_flight == 0 { least } else { self.handed.max(least) };
    }

    /// The partner said, outside an answer, how far it has the lane: what it lacks is sent again.
    pub fn partner_has(&mut self, have: Position) {
        self.handed = self.handed.min(have);
    }

    /// A batch got no answer.
    pub fn lost(&mut self, lane: &LaneOut) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.handed = self.handed.min(lane.settled);
    }
}

/// Picks the lane to one partner that sends next. The control lane goes first, and where it cannot send, no
/// report follows: content does not go where a recall could not.
#[must_use]
pub fn pick_lane<'a>(lanes: &[(&'a LaneOut, &Window)], flow: Flow, now: Timestamp) -> Option<&'a LaneOut> {
    let wants = |lane: &LaneOut, window: &Window| window.handed < lane.last();
    let mut control_clear = true;
    for (lane, window) in lanes.iter().filter(|(lane, _)| lane.id.lane == Lane::Control) {
        let able = lane.halt == Halt::Open && is_due(lane.retry_at, now);
        if able && wants(lane, window) {
            return (window.in_flight < BATCHES_IN_FLIGHT_MAX).then_some(*lane);
        }
        control_clear &= able;
    }
    if !control_clear || flow == Flow::ControlOnly {
        return None;
    }
    let able = |lane: &LaneOut, window: &Window| {
        lane.halt == Halt::Open && is_due(lane.retry_at, now) && window.in_flight < BATCHES_IN_FLIGHT_MAX
    };
    let mut others = lanes.iter().filter(|(lane, _)| lane.id.lane != Lane::Control);
    others.find(|(lane, window)| able(lane, window) && wants(lane, window)).map(|(lane, _)| *lane)
}
