//! Requests for information: what a question adds to a report, what ties an answer to its question, and the words
//! of the conversation about it (Directive (EU) 2023/977, Arts. 4 to 6; domain page, §2.3 and §4.1).
//!
//! A request *is* a report of kind `request`: what it tells about persons is disclosed and so passes every step of
//! the release decision, on both sides. Clocks and states are computed where both sides can: `exchange`.

use crate::code::codes;
use crate::{ReportId, SubjectId, Text};

/// What a request asks, beside what it tells (Art. 4(3) to (5) of the directive).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What is sought, as detailed as possible; 1 to [`Ask::SOUGHT_MAX`]. Everything "about a person" is no question.
    pub sought: Vec<Text>,
    /// Objective reasons to believe that the other side has it.
    pub why_there: Text,
    /// The legal basis at home.
    pub basis: Text,
    /// The same measure would be lawful at home (limit L11). A request without it is refused.
    pub lawful_at_home: bool,
    /// Reference of a judicial authorisation at home, where one is needed.
    pub authorisation: Option<Text>,
    /// Why it is urgent, for the four urgent grounds.
    pub urgency_reason: Option<Text>,
    /// Highest penalty of the offence in whole years, where it is known: one year or less may be refused (R11).
    pub penalty_years: Option<u32>,
    /// What links each person to the purpose. One per person in the request.
    pub connections: Vec<Connection>,
    /// Earlier requests about the same.
    pub previous: Vec<ReportId>,
}

impl Ask {
    /// Most things sought by one request.
    pub const SOUGHT_MAX: usize = 16;
    /// Most earlier requests named.
    pub const PREVIOUS_MAX: usize = 16;
}

/// The link between a person and the purpose of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The person, one of the subjects.
    pub subject: SubjectId,
    /// The link.
    pub text: Text,
}

/// What ties a report to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// It asks one. Exactly the reports of kind [`crate::ReportKind::Request`] do.
    Asks(Box<Ask>),
    /// It answers one of its recipient.
    Answers {
        /// The request.
        request: ReportId,
        /// Whether a part is still to come, or was refused.
        part: bool,
    },
}

codes! {
    /// Where a request is (domain page, §4.1); the states before it leaves are those of its report.
    RequestState as "request state" {
        /// The other side takes it up.
        Accepted = "accepted",
        /// Answered in full.
        AnsweredFull = "answered_full",
        /// Answered in part; what was refused stands beside it.
        AnsweredPart = "answered_part",
        /// A question back: the clock stands.
        Clarification = "clarification",
        /// Feedback was given, or nothing more is owed.
        Closed = "closed",
        /// A new date, with its reason: judicial authorisation is pending.
        Delayed = "delayed",
        /// Its own last day is over and it was never answered. Silence is no answer.
        Expired = "expired",
        /// At the other side; the clock runs.
        Received = "received",
        /// Refused, on a ground of the closed list.
        Refused = "refused",
        /// On its way.
        Sent = "sent",
        /// Somebody looks at it.
        UnderEvaluation = "under_evaluation",
        /// Taken back by who asked.
        Withdrawn = "withdrawn",
    }
}

impl RequestState {
    /// Returns whether an answer is still owed.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Sent
            | Self::Received
            | Self::UnderEvaluation
            | Self::Clarification
            | Self::Accepted
            | Self::Delayed
            | Self::AnsweredPart => true,
            Self::AnsweredFull | Self::Refused | Self::Withdrawn | Self::Expired | Self::Closed => false,
        }
    }
}

codes! {
    /// Kinds of sentence in the conversation about a request.
    StepKind as "step of a request" {
        /// Taken up.
        Accepted = "accepted",
        /// What a question back was answered with.
        Clarified = "clarified",
        /// A question back.
        Clarify = "clarify",
        /// A new date.
        Delayed = "delayed",
        /// Who asked says what the answer was worth.
        Feedback = "feedback",
        /// Its clock ran out: to the heads of both desks.
        Overdue = "overdue",
        /// Refused.
        Refused = "refused",
    }
}
