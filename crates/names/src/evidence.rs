//! Evidence beyond the name: birth date and place, nationality, sex, document number.
//!
//! Every piece is separate and visible, and can lower as well as raise. The bits are fixed and conservative; they
//! follow the agreement patterns of record linkage (Fellegi and Sunter 1969) with rates of error as found in
//! border and sanctions records (swapped day and month, year off by one, Hijri years). What this module
//! deliberately does not do: parse dates or documents.

use crate::name::Name;
use crate::score::{Likeness, Scorer, SecondIdentifier, likeness};

/// A calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calendar {
    /// The civil calendar.
    #[default]
    Gregorian,
    /// The Islamic calendar; a year is compared within one Gregorian year.
    Hijri,
}

/// A date of birth as known: the year, and month and day when known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BirthDate {
    /// Year of the calendar.
    pub year: u16,
    /// Month 1–12.
    pub month: Option<u8>,
    /// Day 1–31.
    pub day: Option<u8>,
    /// The calendar of the three.
    pub calendar: Calendar,
}

impl BirthDate {
    /// Makes a Gregorian date known to the day.
    ///
    /// ```
    /// use mithaq_names::BirthDate;
    /// assert_eq!(BirthDate::day(1971, 4, 2).month, Some(4));
    /// ```
    #[must_use]
    pub const fn day(year: u16, month: u8, day: u8) -> Self {
        Self { year, month: Some(month), day: Some(day), calendar: Calendar::Gregorian }
    }

    /// Makes a Gregorian year without month and day.
    #[must_use]
    pub const fn year(year: u16) -> Self {
        Self { year, month: None, day: None, calendar: Calendar::Gregorian }
    }

    /// Gregorian year in which the given year began, and whether it was converted.
    fn gregorian_year(self) -> (i32, bool) {
        let year = i32::from(self.year);
        // A "Gregorian" year of 1300–1480 in a living person's record is a Hijri year nobody labelled.
        match self.calendar {
            Calendar::Gregorian if !(1300..=1480).contains(&year) => (year, false),
            Calendar::Gregorian | Calendar::Hijri => (year * 970_229 / 1_000_000 + 622, true),
        }
    }
}

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
    /// They are close (year off by one, day and month swapped, Hijri year).
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

/// Positive bits from birth date and documents that count as a second identifier.
const SECOND_BITS: f32 = 4.0;
/// Log-odds that two conflicting strong identifiers leave at most.
const KEPT_APART: f32 = -6.0;

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
    push(Field::BirthDate, best(&a.births, &b.births, |x, y| Some(birth(*x, *y))));
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

fn birth(a: BirthDate, b: BirthDate) -> (Agreement, f32) {
    let ((year_a, converted_a), (year_b, converted_b)) = (a.gregorian_year(), b.gregorian_year());
    let apart = year_a.abs_diff(year_b);
    if converted_a != converted_b {
        return match apart {
            0 | 1 => (Agreement::Near, 4.0),
            2 | 3 => (Agreement::Differs, -2.0),
            _ => (Agreement::Conflicts, -8.0),
        };
    }
    let parts = |d: BirthDate| d.month.zip(d.day);
    let (same_day, swapped) = match (parts(a), parts(b)) {
        (Some((ma, da)), Some((mb, db))) => (Some((ma, da) == (mb, db)), ma == db && da == mb),
        _ => (None, false),
    };
    match (apart, same_day) {
        (0, Some(true)) => (Agreement::Same, 11.0),
        (0, Some(false)) if swapped => (Agreement::Near, 8.0),
        (0, Some(false)) => (Agreement::Differs, -2.0),
        (0, None) => (Agreement::Same, 5.0),
        (1, Some(true)) => (Agreement::Near, 5.0),
        (1, None) => (Agreement::Near, 1.5),
        (1, Some(false)) => (Agreement::Differs, -3.0),
        (2..=4, _) => (Agreement::Conflicts, -5.0),
        _ => (Agreement::Conflicts, -10.0),
    }
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

/// Adds findings to the log-odds of the names. Two conflicts keep homonyms apart whatever the name says.
pub(crate) fn combine(name_bits: f32, findings: &[Finding]) -> Likeness {
    let conflicts = findings.iter().filter(|f| f.agreement == Agreement::Conflicts).count();
    let identifying = |f: &&Finding| matches!(f.field, Field::BirthDate | Field::Document);
    let second: f32 = findings.iter().filter(identifying).map(|f| f.bits.max(0.0)).sum();
    let sum = name_bits + findings.iter().map(|f| f.bits).sum::<f32>();
    let bits = if conflicts >= 2 { sum.min(KEPT_APART) } else { sum }.clamp(-20.0, 20.0);
    let agrees = second >= SECOND_BITS && conflicts == 0;
    likeness(bits, if agrees { SecondIdentifier::Agrees } else { SecondIdentifier::Absent })
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
        combine(self.log_odds(a, b), &compare_details(of_a, of_b))
    }

    /// Adds what else is known to the likeness of a hit ([`crate::index::Hit::likeness`]), which already says what
    /// the name means among all names of the index.
    ///
    /// ```
    /// use mithaq_names::{Band, BirthDate, Details, Name, Scorer};
    /// let name = Name::parse("Zubayda Qasim Rahmani");
    /// let born = Details { births: vec![BirthDate::day(1961, 5, 3)], ..Details::default() };
    /// let scorer = Scorer::new();
    /// assert!(scorer.weigh(scorer.score(&name, &name), &born, &born).band >= Band::Likely);
    /// ```
    #[must_use]
    pub fn weigh(&self, name: Likeness, of_a: &Details, of_b: &Details) -> Likeness {
        combine(name.bits, &compare_details(of_a, of_b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Band;

    fn born(births: &[BirthDate]) -> Details {
        Details { births: births.to_vec(), ..Details::default() }
    }

    #[test]
    fn birth_dates_agree_as_records_do() {
        let day = BirthDate::day;
        let hijri = BirthDate { year: 1391, month: None, day: None, calendar: Calendar::Hijri };
        for (a, b, expected) in [
            (day(1971, 4, 2), day(1971, 4, 2), Agreement::Same),
            (day(1971, 4, 2), BirthDate::year(1971), Agreement::Same),
            (day(1971, 4, 2), day(1971, 2, 4), Agreement::Near),
            (day(1971, 4, 2), day(1972, 4, 2), Agreement::Near),
            (day(1971, 4, 2), hijri, Agreement::Near),
            (BirthDate::year(1391), BirthDate::year(1971), Agreement::Near),
            (day(1971, 4, 2), day(1971, 9, 30), Agreement::Differs),
            (day(1971, 4, 2), day(1985, 4, 2), Agreement::Conflicts),
        ] {
            assert_eq!(birth(a, b).0, expected, "{a:?} {b:?}");
            assert_eq!(birth(a, b), birth(b, a));
        }
    }

    #[test]
    fn two_conflicts_keep_homonyms_apart() {
        let name = Name::parse("Zubayda Qasim Rahmani");
        let document =
            |number: &str| Document { kind: DocumentKind::National, issuer: *b"MA", number: number.into() };
        let with = |year, number| Details {
            births: vec![BirthDate::day(year, 1, 1)],
            documents: vec![document(number)],
            nationalities: vec![*b"MA"],
            ..Details::default()
        };
        let scorer = Scorer::new();
        let apart = scorer.score_with(&name, &name, &with(1960, "A 1"), &with(1990, "B 2"));
        assert_eq!(apart.band, Band::Unlikely);
        let same = scorer.score_with(&name, &name, &with(1960, "a-1"), &with(1960, "A 1"));
        assert_eq!(same.band, Band::Strong);
    }

    #[test]
    fn weak_evidence_never_makes_a_name_likely() {
        let name = Name::parse("Zubayda Qasim Rahmani");
        let details = Details { nationalities: vec![*b"MA"], sex: Some(Sex::Female), ..Details::default() };
        let likeness = Scorer::new().score_with(&name, &name, &details, &details);
        assert_eq!(likeness.band, Band::Possible);
    }

    #[test]
    fn agreeing_evidence_never_lowers() {
        let (a, b) = (Name::parse("Ali Hassan"), Name::parse("Aly Hasan"));
        let none = Details::default();
        let scorer = Scorer::new();
        let bare = scorer.score_with(&a, &b, &none, &none).bits;
        let year = born(&[BirthDate::year(1980)]);
        let day = born(&[BirthDate::day(1980, 1, 1)]);
        let with_year = scorer.score_with(&a, &b, &year, &day).bits;
        let with_day = scorer.score_with(&a, &b, &day, &day).bits;
        assert!(bare < with_year && with_year < with_day);
        let conflict = born(&[BirthDate::year(1930)]);
        assert!(scorer.score_with(&a, &b, &conflict, &day).bits < bare);
    }
}
