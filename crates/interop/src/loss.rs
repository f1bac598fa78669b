//! The account of an import: every element of the foreign document is counted exactly once, as carried or as
//! lost with a reason. It holds names of elements and numbers, never content.

use core::fmt;
use std::collections::BTreeMap;

use mithaq_model::SpecialCategory;

/// Why an element was not carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// Serves the publisher's own order (sort keys): says nothing about the subject.
    Bookkeeping,
    /// Holds nothing.
    Empty,
    /// Belongs to an entry that was refused whole.
    EntryRefused,
    /// Belongs to the markup (name spaces, comments, processing instructions).
    Markup,
    /// Stands for "nothing known", for example `na`.
    Placeholder,
    /// Says again what another element of the entry said.
    Repeated,
    /// The free text touches a special category of data and was refused whole (LED, Art. 10; limit L1).
    Screened(SpecialCategory),
    /// The element itself is for a special category of data or the look of a body: never read.
    SpecialField,
    /// Longer than the field of the model may be.
    TooLong,
    /// This software does not know the element.
    Unknown,
    /// The content is not what the element should hold.
    Unreadable,
}

impl Loss {
    /// Returns a stable code.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Bookkeeping => "bookkeeping".to_owned(),
            Self::Empty => "empty".to_owned(),
            Self::EntryRefused => "entry_refused".to_owned(),
            Self::Markup => "markup".to_owned(),
            Self::Placeholder => "placeholder".to_owned(),
            Self::Repeated => "repeated".to_owned(),
            Self::Screened(category) => format!("screened:{category}"),
            Self::SpecialField => "special_field".to_owned(),
            Self::TooLong => "too_long".to_owned(),
            Self::Unknown => "unknown".to_owned(),
            Self::Unreadable => "unreadable".to_owned(),
        }
    }

    /// Returns whether something was said and is now missing, as opposed to nothing having been said.
    #[must_use]
    pub const fn matters(self) -> bool {
        match self {
            Self::Bookkeeping | Self::Empty | Self::Markup | Self::Placeholder | Self::Repeated => false,
            Self::EntryRefused
            | Self::Screened(_)
            | Self::SpecialField
            | Self::TooLong
            | Self::Unknown
            | Self::Unreadable => true,
        }
    }
}

/// How a carried element says less than it said in the foreign document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weakening {
    /// Said of one alias; carried as said of the subject.
    AliasLinkLost,
    /// Carried as a written note, because it does not fit its field.
    AsText,
    /// Characters that may not be stored (controls, direction overrides) were taken out.
    CharactersRemoved,
    /// The model has no date of this precision: the nearest weaker one was taken.
    PrecisionLowered,
    /// A day with an offset of time zone: the day was kept.
    TimeZoneDropped,
}

impl Weakening {
    /// Returns a stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AliasLinkLost => "alias_link_lost",
            Self::AsText => "as_text",
            Self::CharactersRemoved => "characters_removed",
            Self::PrecisionLowered => "precision_lowered",
            Self::TimeZoneDropped => "time_zone_dropped",
        }
    }
}

/// What became of one path of the foreign document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Elements that became a claim or part of one, or that only hold others that did.
    pub carried: u64,
    /// Elements that did not, by reason.
    pub lost: BTreeMap<Loss, u64>,
    /// Of the carried: those that say less now.
    pub weakened: BTreeMap<Weakening, u64>,
}

impl Account {
    /// Returns how often the path was seen.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.lost.values().fold(self.carried, |sum, n| sum.saturating_add(*n))
    }
}

/// What of a foreign document was carried and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossReport {
    paths: BTreeMap<String, Account>,
    categories: BTreeMap<SpecialCategory, u64>,
    persons: u64,
    organisations: u64,
    refused: u64,
}

/// Paths told apart: a hostile document could invent a new one per element.
const PATHS_MAX: usize = 1_024;
/// Where the paths beyond [`PATHS_MAX`] are counted.
const OTHER: &str = "(other)";

impl LossReport {
    /// Returns every path with what became of it.
    #[must_use]
    pub const fn paths(&self) -> &BTreeMap<String, Account> {
        &self.paths
    }

    /// Returns how many texts were refused per special category; one text may touch several.
    #[must_use]
    pub const fn categories(&self) -> &BTreeMap<SpecialCategory, u64> {
        &self.categories
    }

    /// Returns how many persons were read.
    #[must_use]
    pub const fn persons(&self) -> u64 {
        self.persons
    }

    /// Returns how many organisations were read.
    #[must_use]
    pub const fn organisations(&self) -> u64 {
        self.organisations
    }

    /// Returns how many entries were refused whole.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Returns how many elements were lost for reasons that matter ([`Loss::matters`]).
    #[must_use]
    pub fn lost_that_matters(&self) -> u64 {
        let all = self.paths.values().flat_map(|account| account.lost.iter());
        all.filter(|(loss, _)| loss.matters()).fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    pub(crate) fn carried(&mut self, path: &str) {
        self.count(path, |account| bump(&mut account.carried));
    }

    pub(crate) fn lost(&mut self, path: &str, loss: Loss) {
        self.count(path, |account| bump(account.lost.entry(loss).or_default()));
    }

    pub(crate) fn weakened(&mut self, path: &str, weakening: Weakening) {
        self.count(path, |account| bump(account.weakened.entry(weakening).or_default()));
    }

    pub(crate) fn category(&mut self, category: SpecialCategory) {
        bump(self.categories.entry(category).or_default());
    }

    pub(crate) const fn person(&mut self) {
        bump(&mut self.persons);
    }

    pub(crate) const fn organisation(&mut self) {
        bump(&mut self.organisations);
    }

    pub(crate) const fn entry_refused(&mut self) {
        bump(&mut self.refused);
    }

    fn count(&mut self, path: &str, how: impl FnOnce(&mut Account)) {
        if let Some(account) = self.paths.get_mut(path) {
            return how(account);
        }
        let path = if self.paths.len() < PATHS_MAX { path } else { OTHER };
        how(self.paths.entry(path.to_owned()).or_default());
    }
}

const fn bump(count: &mut u64) {
    *count = count.saturating_add(1);
}

impl fmt::Display for LossReport {
    /// One line per path and outcome, tab separated: path, outcome, count. No content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "persons\tread\t{}", self.persons)?;
        writeln!(f, "organisations\tread\t{}", self.organisations)?;
        writeln!(f, "entries\trefused\t{}", self.refused)?;
        for (category, count) in &self.categories {
            writeln!(f, "texts\tscreened:{category}\t{count}")?;
        }
        for (path, account) in &self.paths {
            if account.carried > 0 {
                writeln!(f, "{path}\tcarried\t{}", account.carried)?;
            }
            for (weakening, count) in &account.weakened {
                writeln!(f, "{path}\tweakened:{}\t{count}", weakening.code())?;
            }
            for (loss, count) in &account.lost {
                writeln!(f, "{path}\tlost:{}\t{count}", loss.code())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_once_and_prints_reasons() {
        let mut report = LossReport::default();
        report.carried("A/B");
        report.lost("A/B", Loss::Empty);
        report.lost("A/B", Loss::Screened(SpecialCategory::Health));
        report.weakened("A/B", Weakening::AsText);
        assert_eq!(report.paths()["A/B"].seen(), 3);
        assert_eq!(report.lost_that_matters(), 1);
        let text = report.to_string();
        for line in ["A/B\tcarried\t1", "A/B\tlost:empty\t1", "A/B\tlost:screened:health\t1"] {
            assert!(text.contains(line), "{line}");
        }
    }

    #[test]
    fn invented_paths_do_not_grow_without_bound() {
        let mut report = LossReport::default();
        for n in 0..PATHS_MAX * 2 {
            report.lost(&n.to_string(), Loss::Unknown);
        }
        assert_eq!(report.paths().len(), PATHS_MAX + 1);
        assert_eq!(report.paths()[OTHER].seen(), u64::try_from(PATHS_MAX).unwrap());
    }
}
