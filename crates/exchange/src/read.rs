//! Recall before read: whether a version that is held may be shown. People's rights are decided elsewhere;
//! this is only what the originator and the partner's control lane demand.

use mithaq_model::{AgreementId, Millis, ReportVersion, Timestamp};
use mithaq_wire::limits::SKEW_FLAG_MS;
use mithaq_wire::{Ack, Heads, Lane, Position};

use crate::rows::{Holding, LaneIn, LaneOut, START, VersionState};

/// Announced by nobody: no lane reaches its last epoch.
const UNKNOWN: Position = Position { epoch: u32::MAX, seq: 0 };

/// What is known of one partner's control lane towards this node, under one agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartnerControl {
    /// The last place the partner announced.
    announced: Option<Position>,
    /// When it announced it, by this node's clock.
    announced_at: Option<Timestamp>,
    /// When the lane was last known to be drained.
    drained_at: Option<Timestamp>,
}

impl PartnerControl {
    /// Takes the values a store kept.
    #[must_use]
    pub const fn new(
        announced: Option<Position>,
        announced_at: Option<Timestamp>,
        drained_at: Option<Timestamp>,
    ) -> Self {
        Self { announced, announced_at, drained_at }
    }

    /// Returns the state of a node that lost rows: orders it once took may be missing, so everything of that
    /// partner is locked until the partner is heard and its control lane is taken again.
    #[must_use]
    pub const fn lost() -> Self {
        Self { announced: Some(UNKNOWN), announced_at: None, drained_at: None }
    }

    /// Returns what to store: announced place, when, and when last drained.
    #[must_use]
    pub const fn parts(&self) -> (Option<Position>, Option<Timestamp>, Option<Timestamp>) {
        (self.announced, self.announced_at, self.drained_at)
    }

    /// The partner, asked after an outage or at intervals, said how far its control lane goes. It never goes
    /// back: who once announced a place is held to it.
    pub fn announce(&mut self, last: Position, have: Position, now: Timestamp) {
        let before = self.announced.filter(|before| *before != UNKNOWN);
        self.announced = Some(before.map_or(last, |before| before.max(last)));
        self.announced_at = Some(now);
        self.advance(have);
    }

    /// The control lane was taken up to `have`.
    pub fn advance(&mut self, have: Position) {
        if self.announced.is_some_and(|announced| have >= announced) {
            self.drained_at = self.announced_at;
        }
    }

    /// Returns whether orders may be waiting. A node that lost rows takes no report of that partner until then:
    /// it may be one that was recalled.
    #[must_use]
    pub fn is_behind(&self, have: Position) -> bool {
        self.announced.is_some_and(|announced| have < announced)
    }
}

/// Returns what this node says to a partner that asks: the last place of each lane between them under one
/// agreement, sent and taken.
#[must_use]
pub fn heads<'a>(
    agreement: AgreementId,
    sent: impl IntoIterator<Item = &'a LaneOut>,
    taken: impl IntoIterator<Item = &'a LaneIn>,
) -> Heads {
    let sent = sent.into_iter().filter(|lane| lane.id.agreement == agreement && lane.last() > START);
    let taken = taken.into_iter().filter(|lane| lane.id.agreement == agreement && lane.have > START);
    Heads {
        agreement,
        sent: sent.map(|lane| Ack { lane: lane.id.lane, at: lane.last(), head: lane.head }).collect(),
        taken: taken.map(|lane| Ack { lane: lane.id.lane, at: lane.have, head: lane.head }).collect(),
    }
}

/// Returns the place of the control lane that a partner's heads announce (see [`PartnerControl::announce`]).
#[must_use]
pub fn announced(heads: &Heads) -> Position {
    let control = heads.sent.iter().filter(|head| head.lane == Lane::Control).map(|head| head.at);
    control.max().unwrap_or(START)
}

/// Why a version may not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Locked {
    /// Not held.
    #[error("that version is not held")]
    NotHeld,
    /// Orders may be waiting that were not taken yet.
    #[error("the control lane of the partner is not drained")]
    ControlBehind,
    /// The originator took it back.
    #[error("the originator recalled it")]
    Recalled,
    /// A later version replaced it.
    #[error("a later version replaced it")]
    Superseded,
    /// People have not decided about it.
    #[error("it is in quarantine")]
    Quarantined,
    /// Its last day of use is over.
    #[error("its last day of use is over")]
    Expired,
    /// The lease is over and the originator was not heard since.
    #[error("the lease is over")]
    LeaseOver,
}

/// Returns whether a version may be shown now. `have` is the control lane's place.
///
/// # Errors
/// When something locks it.
pub fn may_read(
    control: &PartnerControl,
    have: Position,
    holding: &Holding,
    version: ReportVersion,
    now: Timestamp,
) -> Result<(), Locked> {
    let held = holding.versions.iter().find(|held| held.version == version).ok_or(Locked::NotHeld)?;
    match held.state {
        VersionState::Recalled => return Err(Locked::Recalled),
        VersionState::Quarantined => return Err(Locked::Quarantined),
        VersionState::Superseded => return Err(Locked::Superseded),
        VersionState::Current if version < holding.current_from => return Err(Locked::Superseded),
        VersionState::Current => {}
    }
    if control.is_behind(have) {
        return Err(Locked::ControlBehind);
    }
    if now > held.expires {
        return Err(Locked::Expired);
    }
    // A sight of the control lane that lies in the future is the work of a clock that was set back.
    let seen = control.drained_at.filter(|seen| *seen <= now.plus(Millis(SKEW_FLAG_MS)));
    let renewed = seen.map(|seen| seen.plus(held.lease));
    if now > held.lease_until && renewed.is_none_or(|until| now > until) {
        return Err(Locked::LeaseOver);
    }
    Ok(())
}
