//! A case: the reason behind every search, read and disclosure of a person.

use crate::code::codes;
use crate::{CaseId, CrimeArea, OfficerId, Purpose, Text, Timestamp};

codes! {
    /// Whether work may go on.
    CaseState as "case state" {
        /// Ended: nothing may be searched, read or disclosed for it.
        Closed = "closed",
        /// Under way.
        Open = "open",
    }
}

/// A case of this node. Partners see only its number, which tells them nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Number.
    pub id: CaseId,
    /// Title, for officers assigned to it.
    pub title: Text,
    /// Area of crime.
    pub area: CrimeArea,
    /// The offence with its statute. The bare word for an area is not an offence.
    pub offence: Text,
    /// Purposes the case was opened for; a use outside of them needs a new case. Not empty.
    pub purposes: Vec<Purpose>,
    /// Officers assigned. Nobody else works on it.
    pub officers: Vec<OfficerId>,
    /// Whether it is open.
    pub state: CaseState,
    /// When it was opened.
    pub opened: Timestamp,
    /// When need for it is reviewed; past it nothing new is disclosed for it.
    pub review_on: Timestamp,
}
