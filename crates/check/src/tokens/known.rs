//! What is known of a subject, as far as tokens use it.

use mithaq_model::{PartialDate, Subject, Value};
use mithaq_names::{BirthDate, Document, DocumentKind, Kind, Name, state};

/// Fewest characters of a document number that identify.
const NUMBER_MIN: usize = 5;

/// Names, births, places and documents of a subject.
#[derive(Clone, Default)]
pub struct Known {
    /// Names, in any script.
    pub names: Vec<Name>,
    /// Dates of birth as known.
    pub births: Vec<PartialDate>,
    /// Places of birth, parsed as [`Kind::Place`].
    pub places: Vec<Name>,
    /// Document numbers.
    pub documents: Vec<Document>,
    /// So many documents make no token: an issuer that is neither a code of two letters nor the
    /// English name of a state, or a number too short to identify.
    /// Counted, so that people can be told.
    pub documents_left_out: u32,
}

impl core::fmt::Debug for Known {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let counts = (self.names.len(), self.births.len(), self.places.len(), self.documents.len());
        write!(f, "<{} names, {} births, {} places, {} documents>", counts.0, counts.1, counts.2, counts.3)
    }
}

impl Known {
    /// Takes what a subject's claims say.
    #[must_use]
    pub fn of(subject: &Subject) -> Self {
        let mut known = Self::default();
        for claim in subject.claims() {
            match &claim.value {
                Value::Name { full, .. } => known.names.push(Name::parse(full.reveal())),
                Value::Date(date) => known.births.push(*date),
                Value::Document(document) => match taken(document) {
                    Some(document) => known.documents.push(document),
                    None => known.documents_left_out = known.documents_left_out.saturating_add(1),
                },
                Value::Text(text) if claim.attribute == mithaq_model::Attribute::Place => {
                    known.places.push(Name::parse_as(Kind::Place, text.reveal()));
                }
                Value::Text(_)
                | Value::Position(_)
                | Value::Sex(_)
                | Value::Status(_)
                | Value::Class { .. } => {}
            }
        }
        known
    }
}

/// A document whose issuer is a code of two letters, in whatever case, or the English name of a state ([`state`]). Others
/// have no name that both sides would write alike.
fn taken(document: &mithaq_model::Document) -> Option<Document> {
    let issuer = document.issuer.as_ref()?.reveal().trim();
    let code =
        <[u8; 2]>::try_from(issuer.as_bytes()).ok().filter(|code| code.iter().all(u8::is_ascii_alphabetic));
    let issuer = code.map(|code| code.map(|letter| letter.to_ascii_uppercase())).or_else(|| state(issuer))?;
    let number = document.number.reveal().to_owned();
    let taken = Document { kind: DocumentKind::Renewable, issuer, number };
    bare(&taken).is_some().then_some(taken)
}

/// The letters and digits of a number, when they are enough to identify.
pub(super) fn bare(document: &Document) -> Option<String> {
    let number: String = document.number.chars().filter_map(plain).collect();
    (number.len() >= NUMBER_MIN).then_some(number)
}

/// Year, and day and month in rising order where both could be a month; none when the day is not known or only
/// stands for one that is not.
pub(crate) fn folded_day(date: PartialDate) -> Option<(u16, u8, u8)> {
    match date {
        PartialDate::Day { month, day, .. } if BirthDate::is_placeholder(month, day) => None,
        PartialDate::Day { year, month, day } if day <= 12 => Some((year, day.min(month), day.max(month))),
        PartialDate::Day { year, month, day } => Some((year, month, day)),
        PartialDate::Month { .. }
        | PartialDate::Year(_)
        | PartialDate::About(_)
        | PartialDate::Between(..) => None,
    }
}

/// A letter or digit of a document number in the one form that counts, Arabic and Persian digits as others.
fn plain(c: char) -> Option<char> {
    let from = |zero: u32| {
        u32::from(c).checked_sub(zero).filter(|digit| *digit < 10).and_then(|d| char::from_digit(d, 10))
    };
    from(0x660).or_else(|| from(0x6f0)).or_else(|| c.is_ascii_alphanumeric().then(|| c.to_ascii_uppercase()))
}
