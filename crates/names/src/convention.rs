//! Spelling conventions a reader would name: "ج written dj: French (Maghreb)".
//!
//! What this module deliberately does not do: influence the score. The learned tables do that; this only names
//! what they found, by the rules of the offices listed in `mithaq-names-train`.

/// A convention of writing names in Latin letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Convention {
    /// Baltic, Czech and Serbo-Croat letters with a hacek.
    Hacek,
    /// Dutch.
    Dutch,
    /// Egyptian reading of ج.
    Egyptian,
    /// English, and the international tables that follow it.
    English,
    /// French, as in the Maghreb.
    French,
    /// German.
    German,
    /// Gulf and Libyan reading of ق.
    Gulf,
    /// Persian reading of Arabic letters.
    Persian,
    /// Polish.
    Polish,
    /// Scandinavian.
    Scandinavian,
    /// Spanish.
    Spanish,
    /// Turkish and Azerbaijani.
    Turkish,
}

impl Convention {
    /// Returns the name of the convention in English.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hacek => "Baltic, Czech or South Slavic",
            Self::Dutch => "Dutch",
            Self::Egyptian => "Egyptian",
            Self::English => "English",
            Self::French => "French (Maghreb)",
            Self::German => "German",
            Self::Gulf => "Gulf or Libyan",
            Self::Persian => "Persian",
            Self::Polish => "Polish",
            Self::Scandinavian => "Scandinavian",
            Self::Spanish => "Spanish",
            Self::Turkish => "Turkish",
        }
    }
}

use Convention::{
    Dutch, Egyptian, English, French, German, Gulf, Hacek, Persian, Polish, Scandinavian, Spanish, Turkish,
};

/// Latin letters, what they stand for, the convention. For two Latin spellings the second is the English one.
const RULES: &[(&str, &str, Convention)] = &[
    ("dj", "ج", French),
    ("j", "ج", English),
    ("g", "ج", Egyptian),
    ("c", "ج", Turkish),
    ("dsch", "ج", German),
    ("ch", "ش", French),
    ("sh", "ش", English),
    ("sch", "ش", German),
    ("š", "ش", Turkish),
    ("ou", "و", French),
    ("v", "و", Persian),
    ("j", "خ", Spanish),
    ("kh", "خ", English),
    ("ch", "خ", German),
    ("q", "ق", English),
    ("k", "ق", French),
    ("g", "ق", Gulf),
    ("gh", "ق", Persian),
    ("gh", "غ", English),
    ("dh", "ذ", English),
    ("z", "ذ", Persian),
    ("th", "ث", English),
    ("tch", "ч", French),
    ("ch", "ч", English),
    ("tsch", "ч", German),
    ("tj", "ч", Scandinavian),
    ("tsj", "ч", Dutch),
    ("č", "ч", Hacek),
    ("cz", "ч", Polish),
    ("ç", "ч", Turkish),
    ("ch", "ш", French),
    ("sh", "ш", English),
    ("sch", "ш", German),
    ("sj", "ш", Scandinavian),
    ("š", "ш", Hacek),
    ("sz", "ш", Polish),
    ("zh", "ж", English),
    ("j", "ж", French),
    ("ž", "ж", Hacek),
    ("zj", "ж", Scandinavian),
    ("kh", "х", English),
    ("ch", "х", German),
    ("h", "х", Hacek),
    ("j", "х", Spanish),
    ("w", "в", German),
    ("ou", "у", French),
    ("oe", "у", Dutch),
    ("j", "й", German),
    ("y", "й", English),
    ("ts", "ц", English),
    ("c", "ц", Hacek),
    ("dj", "j", French),
    ("ch", "sh", French),
    ("ou", "u", French),
    ("ou", "w", French),
    ("tch", "ch", French),
    ("tsch", "ch", German),
    ("sch", "sh", German),
    ("tj", "ch", Scandinavian),
    ("sj", "sh", Scandinavian),
    ("cz", "ch", Polish),
    ("sz", "sh", Polish),
    ("w", "v", German),
    ("č", "ch", Hacek),
    ("š", "sh", Hacek),
    ("ç", "ch", Turkish),
    ("j", "kh", Spanish),
];

/// Returns the convention that writes `other` as `latin`, if it has a name.
pub(crate) fn of(latin: &str, other: &str) -> Option<Convention> {
    RULES.iter().find(|rule| rule.0 == latin && rule.1 == other).map(|rule| rule.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_unique() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(!RULES[at + 1..].iter().any(|other| (other.0, other.1) == (rule.0, rule.1)), "{rule:?}");
        }
    }
}
