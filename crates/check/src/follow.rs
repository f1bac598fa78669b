//! After the hit (domain page, §4.3): a person on each side looks, then each side releases or refuses.
//!
//! Pure transitions; the shell stores the state and logs each step. Both sides keep one candidate under one handle.

use mithaq_model::{Millis, OfficerId, Timestamp};
use thiserror::Error;

/// Time to release core data, or refuse, after both confirmed (Regulation (EU) 2024/982, step two).
pub const CORE_WITHIN: Millis = Millis::hours(48);
/// Time for both to look: a hit nobody confirms is no ground to keep anything.
pub const CONFIRM_WITHIN: Millis = Millis::hours(14 * 24);

/// What a side says after comparing minimal discriminators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same person.
    Same,
    /// Another person: counts as a false hit.
    Other,
}

/// Which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// This node.
    Ours,
    /// The partner.
    Theirs,
}

/// Time after [`CORE_WITHIN`] until a candidate is aborted in which a side neither released nor refused: a partner's silence
/// keeps no salt, token or discriminator alive.
pub const CORE_GIVEN_UP: Millis = CONFIRM_WITHIN;

/// Where a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Both know a handle and a band, nothing more.
    PossibleHit {
        /// What this side said, and who.
        ours: Option<(Verdict, OfficerId)>,
        /// What the partner said.
        theirs: Option<Verdict>,
    },
    /// Both said it is the same person; core data is due.
    Confirmed {
        /// By when.
        due: Timestamp,
        /// What this side did about it.
        ours: Option<Released>,
        /// What the partner did about it.
        theirs: Option<Released>,
    },
    /// One side said it is another person.
    Rejected,
    /// Each side has released or refused.
    CoreExchanged,
    /// Timed out or stopped: nothing is kept.
    Aborted,
    /// Over; salts and tokens are destroyed.
    Closed,
}

/// What a side did after confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// A report went out under the ordinary release decision.
    Report,
    /// It refused, with a ground of the closed list.
    Refusal,
}

/// What happens to a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An officer of this node compared.
    Judged(Verdict, OfficerId),
    /// The partner's message says what its officer found.
    PartnerJudged(Verdict),
    /// A side released or refused.
    Released(Of, Released),
    /// "Not that person" (limit L18): the person was cleared as another one.
    Deconfirmed,
    /// The clock moved.
    Tick,
    /// It is closed.
    Close,
}

/// Why an event is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FollowError {
    /// Not possible at this stage.
    #[error("this does not follow at this stage of the check")]
    Stage,
    /// Said already; what was said is not changed.
    #[error("this side has spoken already")]
    Twice,
}

impl Stage {
    /// Begins after a claim was answered with a handle.
    pub const NEW: Self = Self::PossibleHit { ours: None, theirs: None };

    /// Returns whether the candidate counts among the published error figures, and as what.
    #[must_use]
    pub const fn figure(&self) -> Option<Verdict> {
        match self {
            Self::Confirmed { .. } | Self::CoreExchanged => Some(Verdict::Same),
            Self::Rejected => Some(Verdict::Other),
            Self::PossibleHit { .. } | Self::Aborted | Self::Closed => None,
        }
    }
}

/// Takes one step. `since`: when the handle was made.
///
/// # Errors
/// When the event does not follow.
pub fn step(stage: Stage, event: Event, since: Timestamp, now: Timestamp) -> Result<Stage, FollowError> {
    match (stage, event) {
        (Stage::PossibleHit { ours: Some(_), .. }, Event::Judged(..))
        | (Stage::PossibleHit { theirs: Some(_), .. }, Event::PartnerJudged(_)) => Err(FollowError::Twice),
        (Stage::PossibleHit { theirs, .. }, Event::Judged(verdict, officer)) => {
            Ok(judged(Some((verdict, officer)), theirs, now))
        }
        (Stage::PossibleHit { ours, .. }, Event::PartnerJudged(verdict)) => {
            Ok(judged(ours, Some(verdict), now))
        }
        (Stage::PossibleHit { .. }, Event::Tick) if now >= since.plus(CONFIRM_WITHIN) => Ok(Stage::Aborted),
        (Stage::Confirmed { due, .. }, Event::Tick) if now >= due.plus(CORE_GIVEN_UP) => Ok(Stage::Aborted),
        (Stage::Confirmed { due, ours, theirs }, Event::Released(of, what)) => {
            released(due, ours, theirs, (of, what))
        }
        (Stage::PossibleHit { .. } | Stage::Confirmed { .. } | Stage::CoreExchanged, Event::Deconfirmed) => {
            Ok(Stage::Rejected)
        }
        (Stage::Rejected | Stage::CoreExchanged | Stage::Aborted, Event::Close) => Ok(Stage::Closed),
        (stage, Event::Tick) => Ok(stage),
        _other => Err(FollowError::Stage),
    }
}

/// Returns whether core data of this side is overdue.
#[must_use]
pub fn overdue(stage: &Stage, now: Timestamp) -> bool {
    matches!(stage, Stage::Confirmed { due, ours: None, .. } if now >= *due)
}

fn judged(ours: Option<(Verdict, OfficerId)>, theirs: Option<Verdict>, now: Timestamp) -> Stage {
    let ours_says = ours.map(|(verdict, _)| verdict);
    if ours_says == Some(Verdict::Other) || theirs == Some(Verdict::Other) {
        return Stage::Rejected;
    }
    if ours_says.is_some() && theirs.is_some() {
        return Stage::Confirmed { due: now.plus(CORE_WITHIN), ours: None, theirs: None };
    }
    Stage::PossibleHit { ours, theirs }
}

fn released(
    due: Timestamp,
    ours: Option<Released>,
    theirs: Option<Released>,
    (of, what): (Of, Released),
) -> Result<Stage, FollowError> {
    let (ours, theirs) = match (of, ours, theirs) {
        (Of::Ours, None, theirs) => (Some(what), theirs),
        (Of::Theirs, ours, None) => (ours, Some(what)),
        (Of::Ours | Of::Theirs, ..) => return Err(FollowError::Twice),
    };
    let done = ours.is_some() && theirs.is_some();
    Ok(if done { Stage::CoreExchanged } else { Stage::Confirmed { due, ours, theirs } })
}

/// Published figures of hits with one partner: a partner whose hits are seldom confirmed is found here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Confirmed by both.
    pub confirmed: u32,
    /// Rejected by one.
    pub rejected: u32,
}

impl Figures {
    /// Counts a candidate that has an outcome.
    #[must_use]
    pub fn with(mut self, stage: &Stage) -> Self {
        match stage.figure() {
            Some(Verdict::Same) => self.confirmed = self.confirmed.saturating_add(1),
            Some(Verdict::Other) => self.rejected = self.rejected.saturating_add(1),
            None => {}
        }
        self
    }

    /// Returns the share of false hits in thousandths; nothing below ten outcomes, which say nothing.
    #[must_use]
    pub fn false_per_mille(&self) -> Option<u32> {
        let all = u64::from(self.confirmed) + u64::from(self.rejected);
        (all >= 10).then(|| u32::try_from(u64::from(self.rejected) * 1_000 / all).unwrap_or(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(0);
    const OFFICER: OfficerId = OfficerId::new([1; 16]);

    fn run(events: &[Event]) -> Result<Stage, FollowError> {
        events.iter().try_fold(Stage::NEW, |stage, event| step(stage, *event, START, START))
    }

    #[test]
    fn both_sides_must_say_the_same_person() {
        let (ours, theirs) = (Event::Judged(Verdict::Same, OFFICER), Event::PartnerJudged(Verdict::Same));
        assert!(matches!(run(&[ours]), Ok(Stage::PossibleHit { .. })));
        for both in [[ours, theirs], [theirs, ours]] {
            assert_eq!(
                run(&both),
                Ok(Stage::Confirmed { due: START.plus(CORE_WITHIN), ours: None, theirs: None })
            );
        }
        assert_eq!(run(&[ours, Event::PartnerJudged(Verdict::Other)]), Ok(Stage::Rejected));
        assert_eq!(run(&[ours, ours]), Err(FollowError::Twice));
        assert_eq!(run(&[theirs, theirs]), Err(FollowError::Twice));
    }

    #[test]
    fn core_data_follows_confirmation_only() {
        let both = [Event::Judged(Verdict::Same, OFFICER), Event::PartnerJudged(Verdict::Same)];
        let out = |of, what| Event::Released(of, what);
        assert_eq!(run(&[out(Of::Ours, Released::Report)]), Err(FollowError::Stage));
        let stage = run(&[both[0], both[1], out(Of::Theirs, Released::Refusal)]).unwrap();
        assert!(!overdue(&stage, START) && overdue(&stage, START.plus(CORE_WITHIN)));
        assert_eq!(step(stage, out(Of::Theirs, Released::Report), START, START), Err(FollowError::Twice));
        let stage = step(stage, out(Of::Ours, Released::Report), START, START).unwrap();
        assert_eq!(stage, Stage::CoreExchanged);
        assert_eq!(step(stage, Event::Close, START, START), Ok(Stage::Closed));
    }

    #[test]
    fn what_nobody_confirms_is_aborted_and_a_wrong_person_is_cleared() {
        let late = START.plus(CONFIRM_WITHIN);
        assert_eq!(step(Stage::NEW, Event::Tick, START, START), Ok(Stage::NEW));
        assert_eq!(step(Stage::NEW, Event::Tick, START, late), Ok(Stage::Aborted));
        assert_eq!(run(&[Event::Deconfirmed, Event::Close]), Ok(Stage::Closed));
        assert_eq!(run(&[Event::Close]), Err(FollowError::Stage));
    }

    #[test]
    fn what_was_confirmed_and_never_exchanged_is_aborted_in_the_end() {
        let both = [Event::Judged(Verdict::Same, OFFICER), Event::PartnerJudged(Verdict::Same)];
        for after in [None, Some(Of::Ours), Some(Of::Theirs)] {
            let released = after.map(|of| Event::Released(of, Released::Report));
            let stage = run(&both.into_iter().chain(released).collect::<Vec<_>>()).unwrap();
            let end = START.plus(CORE_WITHIN).plus(CORE_GIVEN_UP);
            let before = end.minus(Millis(1));
            assert_eq!(step(stage, Event::Tick, START, before), Ok(stage));
            assert_eq!(step(stage, Event::Tick, START, end), Ok(Stage::Aborted));
        }
    }

    #[test]
    fn a_partner_whose_hits_are_false_shows_in_the_figures() {
        let mut figures = Figures::default();
        for n in 0..20 {
            figures = figures.with(if n % 4 == 0 { &Stage::CoreExchanged } else { &Stage::Rejected });
            figures = figures.with(&Stage::Aborted);
        }
        assert_eq!((figures.confirmed, figures.rejected, figures.false_per_mille()), (5, 15, Some(750)));
        assert_eq!(Figures { confirmed: 9, rejected: 0 }.false_per_mille(), None);
    }
}
