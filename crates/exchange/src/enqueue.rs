//! The sender gives a message its place in a lane. Whether it may be sent at all was decided before: what is
//! sealed has its permit.

use mithaq_model::{Millis, ObjectId, ReportVersion, Timestamp};
use mithaq_wire::limits::{ACKS_MAX, ENVELOPE_MAX, SEALED_MAX, VALIDITY_MAX_MS};
use mithaq_wire::{Ack, Digest, EnvelopeHeader, MessageKind, Position};

use crate::code::Alarm;
use crate::fact::{Fact, Happened, Logged, Subject};
use crate::inspect::hash;
use crate::ports::Wrap;
use crate::rows::{Halt, LaneOut, OutMessage, OutState};

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// What it carries.
    pub kind: MessageKind,
    /// What it is about, for the ledger and the outbox.
    pub object: Option<(ObjectId, ReportVersion)>,
    /// The sealed bytes.
    pub sealed: &'a [u8],
    /// After this the receiver refuses it, if it carries content.
    pub expires: Timestamp,
    /// N1 after this.
    pub deadline: Timestamp,
}

/// What the shell adds: identity, time, randomness, and what it knows of the other direction.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Hash of this node's manifest.
    pub manifest: Digest,
    /// Random number of the message.
    pub mid: [u8; 16],
    /// The time.
    pub now: Timestamp,
    /// What was received of the other direction's lanes.
    pub acks: Vec<Ack>,
    /// Hash of this node's last checkpoint note.
    pub checkpoint: Option<Digest>,
}

/// Why a message got no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnqueueError<E> {
    /// The kind does not travel in that lane.
    #[error("a message of that kind does not travel in this lane")]
    Lane,
    /// The lane is halted, or begins an epoch that the partner has not taken yet.
    #[error("the lane is halted")]
    Halted,
    /// Too long for an envelope.
    #[error("{bytes} bytes are too long for an envelope")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Valid for longer than an envelope may be, or already over.
    #[error("the validity of the envelope is out of range")]
    Validity,
    /// The lane has no more numbers.
    #[error("the lane has no more numbers")]
    Full,
    /// The envelope could not be made.
    #[error("the envelope could not be made")]
    Wrap(E),
}

/// A message with its place: to be stored, with its fact, in one transaction. Only the row that [`Queued::store`]
/// makes can be sent, and it asks for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The lane afterwards.
    pub lane: LaneOut,
    /// What the ledger is told: R0.
    pub fact: Fact,
    message: OutMessage,
}

impl Queued {
    /// Returns the hash of the envelope.
    #[must_use]
    pub const fn envelope(&self) -> Digest {
        self.message.envelope
    }

    /// Returns the rows to store, with the index the fact got in the ledger of the same transaction.
    #[must_use]
    pub fn store(self, logged: Logged) -> (LaneOut, OutMessage) {
        (self.lane, OutMessage { logged, ..self.message })
    }
}

/// Gives a message the next place of its lane: number, hash of the envelope before, acknowledgements,
/// signature.
///
/// # Errors
/// When the lane or the message does not allow it; nothing changed then.
pub fn enqueue<W: Wrap>(
    lane: &LaneOut,
    out: &Outgoing<'_>,
    stamp: Stamp,
    wrap: &mut W,
) -> Result<Queued, EnqueueError<W::Error>> {
    match out.kind.lane() {
        Some(class) if class == lane.id.lane => {}
        Some(_) | None => return Err(EnqueueError::Lane),
    }
    // Until the partner took the start of an epoch it may have to be begun anew: nothing is put behind it.
    let is_starting = lane.epoch > 1 && lane.settled < Position { epoch: lane.epoch, seq: 1 };
    if lane.halt != Halt::Open || is_starting {
        return Err(EnqueueError::Halted);
    }
    let at = Position { epoch: lane.epoch, seq: lane.next_seq };
    place(lane, at, lane.head, out, stamp, wrap)
}

/// Begins a new epoch after this node lost rows, on top of what the partner has (its heads, or the answer that
/// halted the lane). To be called when the partner has every message this node still knows; asked again when
/// the partner answers that it meanwhile has more. Returns an alarm beside it: people are told, always.
///
/// # Errors
/// When there is no further epoch or the envelope cannot be made.
pub fn start_epoch<W: Wrap>(
    lane: &LaneOut,
    have: Position,
    head: Digest,
    stamp: Stamp,
    wrap: &mut W,
) -> Result<(Queued, Alarm), EnqueueError<W::Error>> {
    let epoch = lane.epoch.max(have.epoch).checked_add(1).ok_or(EnqueueError::Full)?;
    let expires = stamp.now.plus(Millis(VALIDITY_MAX_MS));
    let out =
        Outgoing { kind: MessageKind::EpochStart, object: None, sealed: &[], expires, deadline: expires };
    let now = stamp.now;
    let mut queued = place(lane, Position { epoch, seq: 1 }, head, &out, stamp, wrap)?;
    queued.lane.attempts = 0;
    queued.lane.retry_at = now;
    Ok((queued, Alarm::EpochStarted))
}

fn place<W: Wrap>(
    lane: &LaneOut,
    at: Position,
    prev: Digest,
    out: &Outgoing<'_>,
    stamp: Stamp,
    wrap: &mut W,
) -> Result<Queued, EnqueueError<W::Error>> {
    if out.sealed.len() > SEALED_MAX {
        return Err(EnqueueError::TooLong { bytes: out.sealed.len() });
    }
    if out.expires < stamp.now || out.expires.since(stamp.now).0 > VALIDITY_MAX_MS {
        return Err(EnqueueError::Validity);
    }
    let next_seq = at.seq.checked_add(1).ok_or(EnqueueError::Full)?;
    let mut acks = stamp.acks;
    acks.truncate(ACKS_MAX);
    let header = EnvelopeHeader {
        lane: lane.id.clone(),
        at,
        prev,
        manifest: stamp.manifest,
        mid: stamp.mid,
        kind: out.kind,
        created: stamp.now,
        expires: out.expires,
        acks,
        checkpoint: stamp.checkpoint,
    };
    let bytes = wrap.wrap(&header, out.sealed).map_err(EnqueueError::Wrap)?;
    if bytes.len() > ENVELOPE_MAX {
        return Err(EnqueueError::TooLong { bytes: bytes.len() });
    }
    let envelope = hash(&bytes);
    let fact = Fact {
        happened: Happened::Queued,
        subject: out.object.map_or(Subject::Place(lane.id.lane, at), |(object, _)| Subject::Object(object)),
        counterparty: lane.id.to.clone(),
        agreement: lane.id.agreement,
        verdict: None,
        envelope: Some(envelope),
    };
    let message = OutMessage {
        at,
        kind: out.kind,
        object: out.object,
        envelope,
        bytes,
        deadline: out.deadline,
        state: OutState::Waiting,
        logged: Logged::committed(0),
    };
    let lane = LaneOut { epoch: at.epoch, next_seq, head: envelope, halt: Halt::Open, ..lane.clone() };
    Ok(Queued { lane, fact, message })
}
