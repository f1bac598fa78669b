//! The life of an agreement (domain page, §4.4). Only `in_force` opens flows; a signature does not, and
//! suspension and end close them while duties about what was sent live on.

use mithaq_model::{Days, Millis, Role, Timestamp};
use thiserror::Error;

/// Longest suspension by the legal adviser alone.
pub const EMERGENCY: Millis = Millis::hours(72);

/// Where an agreement is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Replaced by a newer version; what was sent under it keeps its terms.
    Amended,
    /// In force.
    InForce,
    /// Text agreed, opinions and risk assessment there.
    Initialled,
    /// Being negotiated.
    Negotiating,
    /// Proposed by one side.
    Proposed,
    /// Internal procedures of both sides completed.
    Ratified,
    /// Signed by both sides. Opens nothing.
    Signed,
    /// Duties only, until the last record expires.
    Surviving,
    /// Flows stopped, duties stay.
    Suspended,
    /// Ended by denunciation or date.
    Terminated,
    /// In force and being reviewed.
    UnderReview,
}

impl Stage {
    /// Every stage.
    pub const ALL: &'static [Self] = &[
        Self::Amended,
        Self::InForce,
        Self::Initialled,
        Self::Negotiating,
        Self::Proposed,
        Self::Ratified,
        Self::Signed,
        Self::Surviving,
        Self::Suspended,
        Self::Terminated,
        Self::UnderReview,
    ];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Amended => "amended",
            Self::InForce => "in_force",
            Self::Initialled => "initialled",
            Self::Negotiating => "negotiating",
            Self::Proposed => "proposed",
            Self::Ratified => "ratified",
            Self::Signed => "signed",
            Self::Surviving => "surviving",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
            Self::UnderReview => "under_review",
        }
    }

    /// Reads a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|stage| stage.code() == code)
    }

    /// Returns whether reports may flow, the dates aside.
    #[must_use]
    pub const fn opens_flows(self) -> bool {
        // A review does not close what is in force: closing is a suspension, with a reason and an entry.
        matches!(self, Self::InForce | Self::UnderReview)
    }

    /// Returns whether duties about what was sent are alive.
    #[must_use]
    pub const fn has_duties(self) -> bool {
        match self {
            Self::Amended
            | Self::InForce
            | Self::Surviving
            | Self::Suspended
            | Self::Terminated
            | Self::UnderReview => true,
            Self::Initialled | Self::Negotiating | Self::Proposed | Self::Ratified | Self::Signed => false,
        }
    }
}

/// A step in the life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Both notified completion, the date is reached, both node keys signed the same rule set.
    Activate,
    /// A newer version took its place.
    Amend,
    /// The text is agreed.
    Initial,
    /// Talks begin.
    Negotiate,
    /// Internal procedures completed.
    Ratify,
    /// Flows may go on.
    Resume,
    /// Review begins.
    Review,
    /// Review ends, nothing changed.
    Reviewed,
    /// Both signed.
    Sign,
    /// Flows stop.
    Suspend,
    /// Only duties are left.
    Survive,
    /// The end.
    Terminate,
}

/// What must be there for a step beside the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Given {
    /// Signatures of all parties over the same rule set, verified.
    pub all_signed: bool,
    /// The rule set compiles.
    pub compiles: bool,
    /// The date of entry into force is reached and the last day is not.
    pub date_reached: bool,
    /// Who agrees, besides the one who acts: needed to resume.
    pub agreed_by_adviser: bool,
    /// The data-protection officer agrees: needed to resume.
    pub agreed_by_dpo: bool,
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LifeError {
    /// The life does not go that way.
    #[error("an agreement that is {from} cannot take this step", from = .from.code())]
    Order {
        /// Where it stands.
        from: Stage,
    },
    /// The role may not.
    #[error("the role may not take this step")]
    Role,
    /// Signatures of all parties over the same rule set are missing.
    #[error("not all parties have signed this rule set")]
    Unsigned,
    /// The date is not reached or is past.
    #[error("the agreement's dates do not allow this step")]
    Date,
    /// The rule set does not compile, or an opinion is missing.
    #[error("what the step needs is not there")]
    Missing,
}

/// Takes a step.
///
/// # Errors
/// A [`LifeError`]; nothing changed then.
pub fn step(from: Stage, step: Step, role: Role, given: Given) -> Result<Stage, LifeError> {
    let authority = role == Role::AgreementAuthority;
    // The legal adviser may stop in an emergency, and nothing else.
    let may = authority || (role == Role::LegalAdviser && step == Step::Suspend);
    if !may {
        return Err(LifeError::Role);
    }
    let to = next(from, step).ok_or(LifeError::Order { from })?;
    match step {
        Step::Initial if !given.compiles => Err(LifeError::Missing),
        Step::Sign if !given.all_signed => Err(LifeError::Unsigned),
        Step::Activate if !given.all_signed => Err(LifeError::Unsigned),
        Step::Activate if !given.compiles => Err(LifeError::Missing),
        Step::Activate if !given.date_reached => Err(LifeError::Date),
        Step::Resume if !(given.agreed_by_adviser && given.agreed_by_dpo) => Err(LifeError::Missing),
        Step::Resume if !given.date_reached => Err(LifeError::Date),
        Step::Activate
        | Step::Amend
        | Step::Initial
        | Step::Negotiate
        | Step::Ratify
        | Step::Resume
        | Step::Review
        | Step::Reviewed
        | Step::Sign
        | Step::Suspend
        | Step::Survive
        | Step::Terminate => Ok(to),
    }
}

const fn next(from: Stage, step: Step) -> Option<Stage> {
    match (from, step) {
        (Stage::Proposed, Step::Negotiate) => Some(Stage::Negotiating),
        (Stage::Proposed | Stage::Negotiating, Step::Initial) => Some(Stage::Initialled),
        (Stage::Initialled, Step::Sign) => Some(Stage::Signed),
        (Stage::Signed, Step::Ratify) => Some(Stage::Ratified),
        (Stage::Ratified, Step::Activate) => Some(Stage::InForce),
        (Stage::InForce, Step::Review) => Some(Stage::UnderReview),
        (Stage::UnderReview, Step::Reviewed) => Some(Stage::InForce),
        (Stage::InForce | Stage::UnderReview, Step::Amend) => Some(Stage::Amended),
        (Stage::InForce | Stage::UnderReview, Step::Suspend) => Some(Stage::Suspended),
        (Stage::Suspended, Step::Resume) => Some(Stage::InForce),
        (Stage::InForce | Stage::UnderReview | Stage::Suspended, Step::Terminate) => Some(Stage::Terminated),
        (Stage::Terminated | Stage::Amended, Step::Survive) => Some(Stage::Surviving),
        (_, _) => None,
    }
}

/// Where an agreement stands, as of an instant. "In force" depends on the time, so it is a question, not a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    stage: Stage,
    in_force_on: Timestamp,
    expires_on: Timestamp,
    emergency_until: Option<Timestamp>,
    survival: Days,
}

impl Standing {
    /// Takes the stage and the dates of the agreement.
    #[must_use]
    pub const fn new(stage: Stage, in_force_on: Timestamp, expires_on: Timestamp, survival: Days) -> Self {
        Self { stage, in_force_on, expires_on, emergency_until: None, survival }
    }

    /// Returns the standing of an emergency suspension: the legal adviser stopped alone. It stays suspended
    /// after 72 hours too, but then an agreement authority must have answered for it.
    #[must_use]
    pub fn with_emergency(mut self, since: Timestamp) -> Self {
        self.emergency_until = Some(since.plus(EMERGENCY));
        self
    }

    /// Returns the stage.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns whether reports may flow at an instant.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.stage.opens_flows() && self.in_force_on <= now && now < self.expires_on
    }

    /// Returns whether an emergency suspension waits for an agreement authority.
    #[must_use]
    pub fn emergency_overdue(&self, now: Timestamp) -> bool {
        self.stage == Stage::Suspended && self.emergency_until.is_some_and(|until| until <= now)
    }

    /// Returns whether duties about what was sent are alive: orders, receipts, corrections.
    #[must_use]
    pub fn duties_alive(&self, now: Timestamp) -> bool {
        self.stage.has_duties() && now < self.expires_on.plus(self.survival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: Given = Given {
        all_signed: true,
        compiles: true,
        date_reached: true,
        agreed_by_adviser: true,
        agreed_by_dpo: true,
    };
    const STEPS: &[Step] = &[
        Step::Activate,
        Step::Amend,
        Step::Initial,
        Step::Negotiate,
        Step::Ratify,
        Step::Resume,
        Step::Review,
        Step::Reviewed,
        Step::Sign,
        Step::Suspend,
        Step::Survive,
        Step::Terminate,
    ];

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn the_whole_life_in_order() {
        let mut stage = Stage::Proposed;
        for (taken, expected) in [
            (Step::Negotiate, Stage::Negotiating),
            (Step::Initial, Stage::Initialled),
            (Step::Sign, Stage::Signed),
            (Step::Ratify, Stage::Ratified),
            (Step::Activate, Stage::InForce),
            (Step::Review, Stage::UnderReview),
            (Step::Reviewed, Stage::InForce),
            (Step::Suspend, Stage::Suspended),
            (Step::Resume, Stage::InForce),
            (Step::Terminate, Stage::Terminated),
            (Step::Survive, Stage::Surviving),
        ] {
            stage = step(stage, taken, Role::AgreementAuthority, GIVEN).unwrap();
            assert_eq!(stage, expected);
        }
    }

    #[test]
    fn only_in_force_and_its_review_open_flows() {
        for stage in Stage::ALL {
            let standing = Standing::new(*stage, at(10), at(20), Days(1));
            assert_eq!(
                standing.is_in_force(at(15)),
                matches!(stage, Stage::InForce | Stage::UnderReview),
                "{stage:?}"
            );
            assert!(!standing.is_in_force(at(9)) && !standing.is_in_force(at(20)), "{stage:?}");
            assert_eq!(Stage::from_code(stage.code()), Some(*stage));
        }
    }

    #[test]
    fn duties_survive_suspension_and_end_but_not_for_ever() {
        for stage in [Stage::Suspended, Stage::Terminated, Stage::Surviving, Stage::Amended] {
            let standing = Standing::new(stage, at(0), at(10), Days(1));
            assert!(standing.duties_alive(at(10)) && standing.duties_alive(at(86_400_009)));
            assert!(!standing.duties_alive(at(86_400_010)));
        }
        assert!(!Standing::new(Stage::Signed, at(0), at(10), Days(1)).duties_alive(at(5)));
    }

    #[test]
    fn each_guard_stops() {
        let with = |from, taken, given| step(from, taken, Role::AgreementAuthority, given);
        let unsigned = Given { all_signed: false, ..GIVEN };
        assert_eq!(with(Stage::Initialled, Step::Sign, unsigned), Err(LifeError::Unsigned));
        assert_eq!(with(Stage::Ratified, Step::Activate, unsigned), Err(LifeError::Unsigned));
        assert_eq!(
            with(Stage::Ratified, Step::Activate, Given { date_reached: false, ..GIVEN }),
            Err(LifeError::Date)
        );
        assert_eq!(
            with(Stage::Ratified, Step::Activate, Given { compiles: false, ..GIVEN }),
            Err(LifeError::Missing)
        );
        assert_eq!(
            with(Stage::Suspended, Step::Resume, Given { agreed_by_dpo: false, ..GIVEN }),
            Err(LifeError::Missing)
        );
        assert_eq!(with(Stage::Signed, Step::Activate, GIVEN), Err(LifeError::Order { from: Stage::Signed }));
    }

    #[test]
    fn the_legal_adviser_may_stop_and_nothing_else() {
        for taken in STEPS {
            for stage in Stage::ALL {
                let done = step(*stage, *taken, Role::LegalAdviser, GIVEN);
                assert_eq!(
                    done.is_ok(),
                    *taken == Step::Suspend && stage.opens_flows(),
                    "{stage:?} {taken:?}"
                );
                assert_eq!(step(*stage, *taken, Role::NodeAdministrator, GIVEN), Err(LifeError::Role));
            }
        }
        let standing =
            Standing::new(Stage::Suspended, at(0), at(1_000_000_000), Days(1)).with_emergency(at(0));
        assert!(!standing.emergency_overdue(at(1)) && standing.emergency_overdue(at(72 * 3_600_000)));
    }

    #[test]
    fn nothing_comes_back_from_the_end() {
        for stage in [Stage::Terminated, Stage::Surviving] {
            for taken in STEPS {
                if let Ok(to) = step(stage, *taken, Role::AgreementAuthority, GIVEN) {
                    assert!(!to.opens_flows());
                }
            }
        }
    }
}
