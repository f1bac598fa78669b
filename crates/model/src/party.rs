//! Signatories, the agencies behind them and the offices inside: named by function, never by holder.

use crate::code::codes;
use crate::{Lang, PartyId, Text, UnitId};

codes! {
    /// What a service is competent for. Services are kept apart inside one node.
    Competence as "competence" {
        /// Customs.
        Customs = "customs",
        /// Foreign intelligence.
        ForeignIntelligence = "foreign_intelligence",
        /// Internal service.
        InternalService = "internal_service",
        /// Judicial authority.
        Judicial = "judicial",
        /// Police.
        Police = "police",
        /// Ministry: policy, no case data.
        Policy = "policy",
    }
}

/// A signatory of agreements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its name in agreements and on the wire.
    pub id: PartyId,
    /// State by ISO 3166-1 alpha-2, capital letters.
    pub state: [u8; 2],
    /// Its name, per language.
    pub names: Vec<Text>,
}

/// An agency of a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// The party it acts for.
    pub party: PartyId,
    /// Its unit number.
    pub unit: UnitId,
    /// What it is competent for.
    pub competence: Competence,
    /// Its name, per language.
    pub names: Vec<Text>,
}

/// An office: a function that a dated holder fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// The unit it belongs to.
    pub unit: UnitId,
    /// Its title, per language.
    pub titles: Vec<Text>,
}

impl Party {
    /// Returns the name in a language, or the first there is.
    #[must_use]
    pub fn name(&self, lang: Lang) -> Option<&Text> {
        self.names.iter().find(|text| text.lang() == lang).or_else(|| self.names.first())
    }
}
