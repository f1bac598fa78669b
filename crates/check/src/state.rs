//! Where a check stands, as a node keeps it (domain page, §4.3). What follows a hit is in [`crate::follow`].

/// State of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckState {
    /// Written by an officer; nothing was computed or sent.
    Draft,
    /// Authorised; on its way.
    Executing,
    /// Concluded without a hit, or refused in a way that looks so.
    NoHit,
    /// Concluded with at least one candidate.
    PossibleHit,
    /// The other side refused and says so; or, on the asked side, this node refused.
    Refused,
    /// The asked side evaluated it and knows no more.
    Evaluated,
    /// Ended without a result: nothing of it is kept.
    Aborted,
    /// Over; salts and tokens are destroyed.
    Closed,
}

impl CheckState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Executing,
        Self::NoHit,
        Self::PossibleHit,
        Self::Refused,
        Self::Evaluated,
        Self::Aborted,
        Self::Closed,
    ];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Executing => "executing",
            Self::NoHit => "no_hit",
            Self::PossibleHit => "possible_hit",
            Self::Refused => "refused",
            Self::Evaluated => "evaluated",
            Self::Aborted => "aborted",
            Self::Closed => "closed",
        }
    }

    /// Returns the state of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Returns whether it has ended: it may be closed once its candidates have an outcome.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        match self {
            Self::NoHit | Self::PossibleHit | Self::Refused | Self::Evaluated | Self::Aborted => true,
            Self::Draft | Self::Executing | Self::Closed => false,
        }
    }
}
