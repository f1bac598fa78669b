//! Classification levels and the signed table that says which national label stands for which. Never a global
//! match of words: the Spanish RESERVADO is SECRET, the Italian Riservato is RESTRICTED
//! (Council Decision 2013/488/EU, Appendix B).

use thiserror::Error;

use crate::code::codes;
use crate::{Lang, PartyId};

codes! {
    /// A level, from the lowest. A node stores only up to the level it is accredited for.
    Level as "classification level" {
        /// Not classified.
        Unclassified = "unclassified",
        /// RESTRICTED.
        Restricted = "restricted",
        /// CONFIDENTIAL.
        Confidential = "confidential",
        /// SECRET.
        Secret = "secret",
        /// TOP SECRET.
        TopSecret = "top_secret",
    }
}

/// One row: what a party writes on paper for a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquivalenceRow {
    /// Whose label.
    pub party: PartyId,
    /// The label as written, for example `DIFUSIÓN LIMITADA`.
    pub label: String,
    /// The language it is written in.
    pub lang: Lang,
    /// The level it stands for between these parties.
    pub level: Level,
}

/// A label that no row of the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the agreement's table does not hold this classification label")]
pub struct UnknownLabel;

/// The table of one agreement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Equivalence(pub Vec<EquivalenceRow>);

impl Equivalence {
    /// Returns the level a party's label stands for, compared letter by letter.
    ///
    /// # Errors
    /// When the table does not hold it: an unknown label has no level, and nothing is sent under it.
    pub fn level(&self, party: &PartyId, label: &str) -> Result<Level, UnknownLabel> {
        let row = self.0.iter().find(|row| row.party == *party && row.label == label);
        row.map(|row| row.level).ok_or(UnknownLabel)
    }

    /// Returns the label a party writes for a level.
    #[must_use]
    pub fn label(&self, party: &PartyId, level: Level) -> Option<&str> {
        self.0.iter().find(|row| row.party == *party && row.level == level).map(|row| row.label.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_word_means_another_level_for_another_party() {
        let row = |party: &str, label: &str, lang, level| EquivalenceRow {
            party: PartyId::new(party).unwrap(),
            label: label.to_owned(),
            lang,
            level,
        };
        let table = Equivalence(vec![
            row("es-police", "RESERVADO", Lang::ES, Level::Secret),
            row("it-police", "RISERVATO", Lang::new("it").unwrap(), Level::Restricted),
        ]);
        let es = PartyId::new("es-police").unwrap();
        assert_eq!(table.level(&es, "RESERVADO"), Ok(Level::Secret));
        assert_eq!(table.level(&es, "RISERVATO"), Err(UnknownLabel));
        assert_eq!(table.level(&es, "reservado"), Err(UnknownLabel));
        assert_eq!(table.label(&es, Level::Secret), Some("RESERVADO"));
        assert!(Level::Unclassified < Level::Restricted && Level::Secret < Level::TopSecret);
    }
}
