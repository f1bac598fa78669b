//! What a claim can say about a subject. The list is closed: there is no free-form attribute, and none for
//! religion, ethnicity, opinion, health, sexuality or union.

use core::fmt;

use crate::code::codes;
use crate::{PartialDate, PersonStatus, SubjectClass, Text};

codes! {
    /// Which side of a subject a claim is about.
    Attribute as "attribute" {
        /// Postal address.
        Address = "address",
        /// Date of birth, of foundation, or of an event.
        Born = "born",
        /// Data-subject class.
        Class = "class",
        /// A written note of an official source, screened.
        Comment = "comment",
        /// Contact or account identifier: telephone, mail, account.
        Contact = "contact",
        /// Identity or travel document, registration.
        Document = "document",
        /// Official listing: list, reference, dates.
        Listing = "listing",
        /// Name in one script.
        Name = "name",
        /// Nationality, ISO 3166-1 alpha-2 or as written.
        Nationality = "nationality",
        /// Where born, founded or happened.
        Place = "place",
        /// Position with coordinates.
        Position = "position",
        /// Function or office held.
        Role = "role",
        /// Sex as entered in documents.
        Sex = "sex",
        /// Living, dead, missing.
        Status = "status",
        /// Title of address.
        Title = "title",
    }
}

codes! {
    /// Script of a name.
    Script as "script" {
        /// Arabic.
        Arabic = "Arab",
        /// Cyrillic.
        Cyrillic = "Cyrl",
        /// Chinese.
        Han = "Hani",
        /// Hebrew.
        Hebrew = "Hebr",
        /// Korean.
        Hangul = "Hang",
        /// Japanese.
        Japanese = "Jpan",
        /// Latin.
        Latin = "Latn",
        /// Any other, or not determined.
        Other = "Zyyy",
    }
}

codes! {
    /// Which name it is.
    NameKind as "name kind" {
        /// Known as.
        Alias = "alias",
        /// Known formerly as.
        Former = "former",
        /// The name in documents.
        Primary = "primary",
    }
}

codes! {
    /// How a name came to be written so.
    NameForm as "name form" {
        /// As its bearer writes it.
        Original = "original",
        /// Carried over from another script.
        Transliterated = "transliterated",
    }
}

codes! {
    /// How far an alias identifies (UN consolidated list: good, low).
    NameQuality as "name quality" {
        /// Identifies well.
        Good = "good",
        /// Identifies badly.
        Low = "low",
        /// Nobody said.
        Unknown = "unknown",
    }
}

codes! {
    /// Sex as entered in documents.
    Sex as "sex" {
        /// Female.
        Female = "F",
        /// Male.
        Male = "M",
        /// Other or not stated.
        Other = "X",
    }
}

impl Script {
    /// Returns the script most letters of a text are in.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut counts = [0_usize; 8];
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            let script = Self::of_char(c);
            let place = Self::ALL.iter().position(|s| *s == script).unwrap_or(0);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        let best = counts.iter().enumerate().max_by_key(|(_, n)| **n).filter(|(_, n)| **n > 0);
        best.and_then(|(place, _)| Self::ALL.get(place)).copied().unwrap_or(Self::Other)
    }

    const fn of_char(c: char) -> Self {
        match c {
            'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Self::Latin,
            '\u{600}'..='\u{6FF}' | '\u{750}'..='\u{77F}' | '\u{8A0}'..='\u{8FF}' => Self::Arabic,
            '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' => Self::Arabic,
            '\u{400}'..='\u{52F}' => Self::Cyrillic,
            '\u{590}'..='\u{5FF}' => Self::Hebrew,
            '\u{AC00}'..='\u{D7AF}' | '\u{1100}'..='\u{11FF}' => Self::Hangul,
            '\u{3040}'..='\u{30FF}' => Self::Japanese,
            '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' => Self::Han,
            _ => Self::Other,
        }
    }
}

/// An identity or travel document as stated.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Kind as written, for example `passport`.
    pub kind: Text,
    /// Number as written.
    pub number: Text,
    /// Issuing state as written.
    pub issuer: Option<Text>,
    /// Date of issue.
    pub issued: Option<PartialDate>,
    /// What the source adds.
    pub note: Option<Text>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<document>")
    }
}

/// A position in millionths of a degree (WGS 84), and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coordinates {
    /// North positive, −90,000,000 to 90,000,000.
    pub latitude_e6: i32,
    /// East positive, −180,000,000 to 180,000,000.
    pub longitude_e6: i32,
    /// Radius in metres. Coarse by default (limit L23).
    pub precision_m: u32,
}

/// What a claim says. `Debug` shows the kind and no content.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A name in one script.
    Name {
        /// The whole name as written.
        full: Text,
        /// Script it is written in.
        script: Script,
        /// Which name it is.
        kind: NameKind,
        /// How it came to be written so.
        form: NameForm,
        /// How far it identifies.
        quality: NameQuality,
    },
    /// A date with its precision.
    Date(PartialDate),
    /// A document.
    Document(Document),
    /// A position.
    Position(Coordinates),
    /// Sex as entered in documents.
    Sex(Sex),
    /// Living, dead, missing.
    Status(PersonStatus),
    /// Data-subject class with the ground for it.
    Class {
        /// The class.
        class: SubjectClass,
        /// Why this class.
        ground: Text,
    },
    /// Anything of the other attributes, as written.
    Text(Text),
}

impl Value {
    /// Returns whether this shape of value belongs to the attribute.
    #[must_use]
    pub const fn fits(&self, attribute: Attribute) -> bool {
        match self {
            Self::Name { .. } => matches!(attribute, Attribute::Name),
            Self::Date(_) => matches!(attribute, Attribute::Born),
            Self::Document(_) => matches!(attribute, Attribute::Document),
            Self::Position(_) => matches!(attribute, Attribute::Position),
            Self::Sex(_) => matches!(attribute, Attribute::Sex),
            Self::Status(_) => matches!(attribute, Attribute::Status),
            Self::Class { .. } => matches!(attribute, Attribute::Class),
            Self::Text(_) => matches!(
                attribute,
                Attribute::Address
                    | Attribute::Comment
                    | Attribute::Contact
                    | Attribute::Listing
                    | Attribute::Nationality
                    | Attribute::Place
                    | Attribute::Role
                    | Attribute::Title
            ),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name { .. } => "<name>",
            Self::Date(_) => "<date>",
            Self::Document(_) => "<document>",
            Self::Position(_) => "<position>",
            Self::Sex(_) => "<sex>",
            Self::Status(_) => "<status>",
            Self::Class { .. } => "<class>",
            Self::Text(_) => "<text>",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    #[test]
    fn scripts() {
        for (text, script) in [
            ("عبد الحميد", Script::Arabic),
            ("Абдельхамид", Script::Cyrillic),
            ("Abdelhamid", Script::Latin),
            ("김", Script::Hangul),
            ("さくら", Script::Japanese),
            ("", Script::Other),
            ("123", Script::Other),
        ] {
            assert_eq!(Script::of(text), script, "{text}");
        }
    }

    #[test]
    fn each_attribute_takes_exactly_one_shape() {
        let text = Text::line(Lang::EN, "x").unwrap();
        let values = [
            Value::Text(text.clone()),
            Value::Sex(Sex::Other),
            Value::Status(PersonStatus::Living),
            Value::Date(PartialDate::Year(1980)),
            Value::Class { class: SubjectClass::Witness, ground: text.clone() },
            Value::Position(Coordinates { latitude_e6: 0, longitude_e6: 0, precision_m: 10_000 }),
            Value::Document(Document {
                kind: text.clone(),
                number: text.clone(),
                issuer: None,
                issued: None,
                note: None,
            }),
            Value::Name {
                full: text,
                script: Script::Latin,
                kind: NameKind::Primary,
                form: NameForm::Original,
                quality: NameQuality::Good,
            },
        ];
        for attribute in Attribute::ALL {
            assert_eq!(values.iter().filter(|v| v.fits(*attribute)).count(), 1, "{attribute}");
        }
    }
}
