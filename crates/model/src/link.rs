//! Links between subjects: who said so, how sure, until when. A link never passes guilt on (limit L10).

use crate::code::codes;
use crate::{Grade, Handling, LinkId, PartyId, SubjectId, Timestamp};

codes! {
    /// What the first subject does to the second.
    LinkRole as "link role" {
        /// Communicates with.
        Communicates = "communicates",
        /// Facilitates travel of.
        FacilitatesTravel = "facilitates_travel",
        /// Is family of. Nothing follows from it.
        FamilyOf = "family_of",
        /// Finances.
        Finances = "finances",
        /// Is recruited by.
        IsRecruited = "is_recruited",
        /// Leads.
        Leads = "leads",
        /// Is a member of.
        Member = "member",
        /// Recruits.
        Recruits = "recruits",
        /// Returns from.
        Returns = "returns",
        /// Perhaps the same as: a candidate, confirmed by a human on each side or dropped.
        SameAs = "same_as",
        /// Shelters.
        Shelters = "shelters",
        /// Supplies.
        Supplies = "supplies",
        /// Trains.
        Trains = "trains",
        /// Travels to.
        Travels = "travels",
    }
}

/// A graded relation from one subject to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Number.
    pub id: LinkId,
    /// From.
    pub from: SubjectId,
    /// To.
    pub to: SubjectId,
    /// What the first does to the second.
    pub role: LinkRole,
    /// Who said it first.
    pub originator: PartyId,
    /// How reliable.
    pub grade: Grade,
    /// What may be done with it.
    pub handling: Handling,
    /// When it is erased unless somebody decides to keep it.
    pub expires: Timestamp,
}
