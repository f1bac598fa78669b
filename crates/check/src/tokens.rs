//! From what is known of a subject to its tokens: what the two sides compare.
//!
//! A token is names *and* a second identifier: two or three codes of a name ([`crate::sound`]) with a day or year of
//! birth or a place, or one with a document number. Neither a name alone (limit L19) nor a number alone (limit L2, two
//! identifiers) ever makes one. The policy says how much the names must say for each kind; it is part of the agreement,
//! by its hash, and equal on both sides.
//!
//! Measured hit and false-hit rates of the policies: `docs/benchmarks/check.md`.

mod known;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use mithaq_names::{Name, Role};
use sha2::{Digest as _, Sha256};

use crate::bits;
use crate::sound::{self, Code};

pub use known::Known;
pub use policy::{TokenPolicy, TokenPolicyError};

/// What is hashed before a token, so that nothing else has its bytes.
const CONTEXT: &[u8] = b"mithaq/token/1";
/// Tokens of a name that are combined.
const PARTS_MAX: usize = 8;
/// Most years a birth may lie in to count as a second identifier.
const YEARS_MAX: u16 = 6;

/// Which side derives tokens. A subject known to the day meets one known to the year only through a token that the
/// asking and the asked side label alike; two known to the day never meet by the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The side that holds the tag set.
    Asked,
    /// The side that asks.
    Asking,
}

/// How precisely the two sides know the birth that a year token compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meets {
    /// The asking side to the day, the asked side to the year.
    DayAsksYear,
    /// The asking side to the year, the asked side to the day.
    YearAsksDay,
    /// Both to the year.
    YearAsksYear,
}

/// The second identifier of a token. `Debug` shows the kind and no content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Second {
    /// Day of birth; day and month in rising order where both could be a month (swapped in many records).
    Day(u16, u8, u8),
    /// Year of birth.
    Year(u16, Meets),
    /// Place of birth, by its sound.
    Place(Code),
    /// Issuing state and number of a document.
    Document([u8; 2], String),
}

impl core::fmt::Debug for Second {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Day(..) => "<day>",
            Self::Year(..) => "<year>",
            Self::Place(_) => "<place>",
            Self::Document(..) => "<document>",
        })
    }
}

/// How far an equal token speaks for the same subject. Told with a hit, and nothing more is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Names with a year or place of birth: homonyms are to be expected.
    Possible,
    /// Names with a day of birth.
    Likely,
    /// One name with a document number.
    Strong,
}

impl Strength {
    /// All bands, rising.
    pub const ALL: [Self; 3] = [Self::Possible, Self::Likely, Self::Strong];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Strong => "strong",
        }
    }

    /// Returns the band of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|band| band.code() == code)
    }
}

/// The 32 bytes of a token: equal on both sides when they mean the same.
pub type TokenKey = [u8; 32];

/// One token, with what it was made of (for `tokens explain`; never sent).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// Codes of the names in it, rising: one beside a document, two or three beside the rest.
    pub names: Vec<Code>,
    /// The second identifier.
    pub second: Second,
}

impl Token {
    /// Returns its bytes.
    #[must_use]
    pub fn key(&self) -> TokenKey {
        let mut hash = Sha256::new().chain_update(CONTEXT);
        // Every part has a fixed length but the number, which is last.
        hash.update([u8::try_from(self.names.len()).unwrap_or(u8::MAX)]);
        self.names.iter().for_each(|code| hash.update(code.0.to_be_bytes()));
        match &self.second {
            Second::Day(year, low, high) => {
                hash.update([1]);
                hash.update(year.to_be_bytes());
                hash.update([*low, *high]);
            }
            Second::Year(year, meets) => {
                hash.update([2, *meets as u8]);
                hash.update(year.to_be_bytes());
            }
            Second::Place(code) => {
                hash.update([3]);
                hash.update(code.0.to_be_bytes());
            }
            Second::Document(issuer, number) => {
                hash.update([4]);
                hash.update(issuer);
                hash.update(number.as_bytes());
            }
        }
        hash.finalize().into()
    }

    /// Returns how far a hit on it speaks for the same subject.
    #[must_use]
    pub const fn strength(&self) -> Strength {
        match self.second {
            Second::Year(..) | Second::Place(_) => Strength::Possible,
            Second::Day(..) => Strength::Likely,
            Second::Document(..) => Strength::Strong,
        }
    }
}

/// Returns the tokens of a subject, each once: documents first, which take half of what is allowed at most, then what
/// says most. At most [`TokenPolicy::per_subject`]; none for a subject without a name or without a second identifier.
#[must_use]
pub fn tokens(policy: &TokenPolicy, party: Party, known: &Known) -> Vec<Token> {
    let names: Vec<Vec<Vec<Code>>> = known.names.iter().map(name_codes).collect();
    let mut documents = Ranked::new();
    if let Some(bits) = policy.document_bits {
        let least = 8 * u16::from(bits);
        for second in known.documents.iter().filter_map(document) {
            for code in names.iter().flatten().flatten().filter(|code| bits::eighths(**code) >= least) {
                let token = Token { names: vec![*code], second: second.clone() };
                documents.insert((core::cmp::Reverse(bits::eighths(*code)), token));
            }
        }
    }
    let mut others = Ranked::new();
    let seconds = seconds(policy, party, known);
    for parts in &names {
        for (second, least) in &seconds {
            combine(parts, *least, |names, eighths| {
                others.insert((core::cmp::Reverse(eighths), Token { names, second: second.clone() }));
            });
        }
    }
    let most = usize::from(policy.per_subject);
    let documents = documents.into_iter().take(most.div_ceil(2));
    documents.chain(others).take(most).map(|(_, token)| token).collect()
}

/// Tokens by what their names say, in eighths of a bit, most first.
type Ranked = BTreeSet<(core::cmp::Reverse<u16>, Token)>;

/// The second identifiers of a subject beside documents, and the eighths of a bit its names need for each.
fn seconds(policy: &TokenPolicy, party: Party, known: &Known) -> Vec<(Second, u16)> {
    let mut out = Vec::new();
    let (to_day, to_year) = (8 * u16::from(policy.day_bits), 8 * u16::from(policy.year_bits));
    for birth in &known.births {
        let (first, last) = birth.years();
        let day = known::folded_day(*birth);
        if let Some((year, low, high)) = day {
            out.push((Second::Day(year, low, high), to_day));
        } else if last - first >= YEARS_MAX {
            continue;
        }
        let meets: &[Meets] = match (party, day.is_some()) {
            (Party::Asking, true) => &[Meets::DayAsksYear],
            (Party::Asking, false) => &[Meets::YearAsksDay, Meets::YearAsksYear],
            (Party::Asked, true) => &[Meets::YearAsksDay],
            (Party::Asked, false) => &[Meets::DayAsksYear, Meets::YearAsksYear],
        };
        out.extend(
            (first..=last).flat_map(|year| meets.iter().map(move |m| (Second::Year(year, *m), to_year))),
        );
    }
    if let Some(bits) = policy.place_bits {
        let codes = known.places.iter().flat_map(|place| name_codes(place).into_iter().take(1).flatten());
        out.extend(codes.map(|code| (Second::Place(code), 8 * u16::from(bits))));
    }
    out
}

fn document(document: &mithaq_names::Document) -> Option<Second> {
    Some(Second::Document(document.issuer, known::bare(document)?))
}

/// Returns the readings of each part of a name that identifies, the first eight: titles, initials and forms of companies
/// do not.
#[must_use]
pub fn name_codes(name: &Name) -> Vec<Vec<Code>> {
    let identifies = |role| matches!(role, Role::Plain | Role::Patronymic | Role::Kunya);
    let tokens = name.tokens().iter().filter(|token| identifies(token.role()));
    tokens
        .take(PARTS_MAX)
        .map(|token| {
            let letters: Vec<char> = name.letters(token).collect();
            let mut codes = sound::readings(token.script(), &letters);
            // An article or "abd" may be missing on the other side: without it comes first.
            if token.optional_start() > 0 {
                let bare = letters.get(token.optional_start()..).unwrap_or_default();
                codes.splice(0..0, sound::readings(token.script(), bare));
                codes.truncate(sound::READINGS_MAX + 1);
            }
            codes
        })
        .collect()
}

/// Calls back with every two codes of different parts that say enough, and with every three where two do not.
fn combine(parts: &[Vec<Code>], least: u16, mut push: impl FnMut(Vec<Code>, u16)) {
    let all = |at: usize| {
        parts.iter().enumerate().skip(at).flat_map(|(i, codes)| codes.iter().map(move |c| (i, *c)))
    };
    for (i, a) in all(0) {
        for (j, b) in all(i + 1) {
            let two = bits::eighths(a) + bits::eighths(b);
            if two >= least {
                push(sorted(vec![a, b]), two);
                continue;
            }
            for (_, c) in all(j + 1) {
                let three = two + bits::eighths(c);
                if three >= least {
                    push(sorted(vec![a, b, c]), three);
                }
            }
        }
    }
}

fn sorted(mut codes: Vec<Code>) -> Vec<Code> {
    codes.sort_unstable();
    codes
}
