//! Evidence beyond the name: birth date and place, nationality, sex, document number.
//!
//! Every piece is separate and visible, and can lower as well as raise. The bits are fixed and conservative; they
//! follow the agreement patterns of record linkage (Fellegi and Sunter 1969) with rates of error as found in
//! border and sanctions records (swapped day and month, year off by one, Hijri years). What this module
//! deliberately does not do: parse dates or documents.

use crate::birth::{self, BirthDate};
use crate::name::Name;
use crate::score::{Likeness, Scorer, SecondIdentifier, likeness};

/// Sex as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// How long a document number stays with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A number for life (national identity number).
    National,
    /// A number that changes with renewal (passport, residence permit).
    Renewable,
}

/// A document number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Kind of number.
    pub kind: DocumentKind,
    /// Issuing state, ISO 3166-1 alpha-2 in capitals.
    pub issuer: [u8; 2],
    /// The number; letters and digits count, case and separators do not.
    pub number: String,
}

impl Document {
    fn same_number(&self, other: &Self) -> bool {
        let bare = |text: &str| -> Vec<char> {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).take(64).collect()
        };
        let (x, y) = (bare(&self.number), bare(&other.number));
        !x.is_empty() && x == y
    }
}

/// What is known of a subject beside the name. Empty fields say nothing.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Dates of birth; several when the record gives several.
    pub births: Vec<BirthDate>,
    /// Places of birth, parsed as [`crate::Kind::Place`].
    pub birth_places: Vec<Name>,
    /// Nationalities, ISO 3166-1 alpha-2 in capitals.
    pub nationalities: Vec<[u8; 2]>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Document numbers.
    pub documents: Vec<Document>,
}

/// What was compared beside the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Date of birth.
    BirthDate,
    /// Place of birth.
    BirthPlace,
    /// Document number.
    Document,
    /// Nationality.
    Nationality,
    /// Sex.
    Sex,
}

impl Field {
    /// Returns the stable code of the field.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BirthDate => "birth_date",
            Self::BirthPlace => "birth_place",
            Self::Document => "document",
            Self::Nationality => "nationality",
            Self::Sex => "sex",
        }
    }
}

/// How two values of a field stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// They cannot both be right.
    Conflicts,
    /// They differ in a way that records often differ.
    Differs,
    /// They are close (year off by one, day and month swapped, a span of years, another calendar).
    Near,
    /// They are equal as far as both are known.
    Same,
}

impl Agreement {
    /// Returns the stable code of the agreement.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Conflicts => "conflicts",
            Self::Differs => "differs",
            Self::Near => "near",
            Self::Same => "same",
        }
    }
}

/// One piece of evidence beside the name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// What was compared.
    pub field: Field,
    /// How it stands.
    pub agreement: Agreement,
    /// What it adds to the log-odds, in bits.
    pub bits: f32,
}

/// Positive bits from birth date and documents that count as a second identifier: a day, not a year, which homonyms
/// share as they share the name.
const SECOND_BITS: f32 = 8.0;
/// Log-odds that two conflicting strong identifiers leave at most.
const KEPT_APART: f32 = -6.0;
/// Log-odds at most, for and against.
const MOST_BITS: f32 = 20.0;
/// Log-odds of the names below which nothing makes the pair `possible`: where [`Band::Weak`] begins.
const FLOOR: f32 = -3.17;
/// Log-odds that evidence lifts names below the floor to at most: below [`Band::Possible`].
const MOST_BELOW: f32 = -1.0;
/// Log-odds that evidence lifts names to at most that are not `possible` by themselves: where [`Band::Strong`] begins.
const MOST_WEAK: f32 = 6.6;

/// Log-odds of two names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    /// Of the pair by itself: how alike the names are.
    pub(crate) pair: f32,
    /// Among all names that are searched; those of the pair where there is no index. Never more.
    pub(crate) bits: f32,
}

impl Names {
    pub(crate) const fn pair(bits: f32) -> Self {
        Self { pair: bits, bits }
    }

    /// The most that evidence lifts them to. A birthday is shared by strangers, by twins and by all whom a clerk gave the
    /// same one: it tells bearers of one name apart and makes no name of another. The more the names leave open, the less.
    fn most(self) -> f32 {
        if self.pair < FLOOR {
            MOST_BELOW
        } else if self.pair < 0.0 {
            MOST_BELOW + (MOST_WEAK - MOST_BELOW) * (1.0 - self.pair / FLOOR)
        } else {
            f32::INFINITY
        }
    }
}

/// Compares what is known beside the names; one finding per field that both sides know.
///
/// ```
/// use mithaq_names::{Agreement, BirthDate, Details, compare_details};
/// let a = Details { births: vec![BirthDate::day(1971, 4, 2)], ..Details::default() };
/// let b = Details { births: vec![BirthDate::day(1971, 2, 4)], ..Details::default() };
/// let findings = compare_details(&a, &b);
/// assert_eq!(findings[0].agreement, Agreement::Near, "day and month swapped");
/// ```
#[must_use]
pub fn compare_details(a: &Details, b: &Details) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut push = |field, found: Option<(Agreement, f32)>| {
        out.extend(found.map(|(agreement, bits)| Finding { field, agreement, bits }));
    };
    push(Field::BirthDate, best(&a.births, &b.births, |x, y| Some(birth::compare(*x, *y))));
    push(Field::BirthPlace, best(&a.birth_places, &b.birth_places, place));
    push(Field::Document, best(&a.documents, &b.documents, document));
    push(Field::Nationality, nationality(&a.nationalities, &b.nationalities));
    push(Field::Sex, a.sex.zip(b.sex).map(|(x, y)| sex(x, y)));
    out
}

/// Returns the best agreement of any value of one side with any of the other.
fn best<T>(
    a: &[T],
    b: &[T],
    compare: impl Fn(&T, &T) -> Option<(Agreement, f32)>,
) -> Option<(Agreement, f32)> {
    let all =
        a.iter().take(16).flat_map(|x| b.iter().take(16).filter_map(|y| compare(x, y)).collect::<Vec<_>>());
    all.max_by(|x, y| x.1.total_cmp(&y.1))
}

fn place(a: &Name, b: &Name) -> Option<(Agreement, f32)> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let bits = Scorer::new().log_odds(a, b);
    Some(if bits > 0.0 { (Agreement::Same, 3.0) } else { (Agreement::Differs, -1.0) })
}

fn document(a: &Document, b: &Document) -> Option<(Agreement, f32)> {
    if a.kind != b.kind || a.issuer != b.issuer {
        return None;
    }
    Some(match (a.same_number(b), a.kind) {
        (true, _) => (Agreement::Same, 18.0),
        (false, DocumentKind::Renewable) => (Agreement::Differs, -1.0),
        (false, DocumentKind::National) => (Agreement::Conflicts, -10.0),
    })
}

fn nationality(a: &[[u8; 2]], b: &[[u8; 2]]) -> Option<(Agreement, f32)> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    Some(if a.iter().any(|x| b.contains(x)) { (Agreement::Same, 2.0) } else { (Agreement::Differs, -2.0) })
}

fn sex(a: Sex, b: Sex) -> (Agreement, f32) {
    if a == b { (Agreement::Same, 0.5) } else { (Agreement::Conflicts, -6.0) }
}

/// Adds findings to the log-odds of the names: what agrees lifts them as far as they allow, then what does not lowers.
/// Two conflicts keep homonyms apart whatever the name says.
pub(crate) fn combine(names: Names, findings: &[Finding]) -> Likeness {
    let conflicts = findings.iter().filter(|f| f.agreement == Agreement::Conflicts).count();
    let identifying = |f: &&Finding| matches!(f.field, Field::BirthDate | Field::Document);
    let second: f32 = findings.iter().filter(identifying).map(|f| f.bits.max(0.0)).sum();
    let against: f32 = findings.iter().map(|f| f.bits.min(0.0)).sum();
    let sum = lifted(names, findings) + against;
    let bits = if conflicts >= 2 { sum.min(KEPT_APART) } else { sum }.clamp(-MOST_BITS, MOST_BITS);
    let agrees = second >= SECOND_BITS && conflicts == 0;
    likeness(bits, if agrees { SecondIdentifier::Agrees } else { SecondIdentifier::Absent })
}

/// The log-odds with what agrees.
fn lifted(names: Names, findings: &[Finding]) -> f32 {
    let sum = names.bits + findings.iter().map(|f| f.bits.max(0.0)).sum::<f32>();
    sum.min(names.most()).min(MOST_BITS).max(names.bits)
}

/// What the names take back of the evidence that agrees, in bits (0 and less).
pub(crate) fn cut(names: Names, findings: &[Finding]) -> f32 {
    lifted(names, findings) - names.bits - findings.iter().map(|f| f.bits.max(0.0)).sum::<f32>()
}

impl Scorer {
    /// Compares two names with what else is known of each. Symmetric.
    ///
    /// ```
    /// use mithaq_names::{Band, BirthDate, Details, Name, Scorer, Sex};
    /// let (a, b) = (Name::parse("محمد طاهر أنوري"), Name::parse("Mohammad Taher Anwari"));
    /// let born = |year| Details { births: vec![BirthDate::day(year, 5, 3)], sex: Some(Sex::Male), ..Details::default() };
    /// let scorer = Scorer::new();
    /// assert!(scorer.score_with(&a, &b, &born(1961), &born(1961)).band >= Band::Likely);
    /// assert!(scorer.score_with(&a, &b, &born(1961), &born(1990)).band < Band::Possible);
    /// ```
    #[must_use]
    pub fn score_with(&self, a: &Name, b: &Name, of_a: &Details, of_b: &Details) -> Likeness {
        combine(Names::pair(self.log_odds(a, b)), &compare_details(of_a, of_b))
    }

    /// Adds what else is known to a hit: to its likeness among all names of the index
    /// ([`crate::index::Hit::likeness`]), as far as the names by themselves ([`crate::index::Hit::pair`]) allow.
    ///
    /// ```
    /// use mithaq_names::{Band, BirthDate, Details, Name, Scorer};
    /// let name = Name::parse("Zubayda Qasim Rahmani");
    /// let born = Details { births: vec![BirthDate::day(1961, 5, 3)], ..Details::default() };
    /// let scorer = Scorer::new();
    /// let pair = scorer.score(&name, &name);
    /// assert!(scorer.weigh(pair, pair, &born, &born).band >= Band::Likely);
    /// ```
    #[must_use]
    pub fn weigh(&self, pair: Likeness, among: Likeness, of_a: &Details, of_b: &Details) -> Likeness {
        combine(Names { pair: pair.bits, bits: among.bits }, &compare_details(of_a, of_b))
    }
}

#[cfg(test)]
mod tests;
