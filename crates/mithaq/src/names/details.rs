//! What is known beside a name, as the command line and columns of a file write it.

use clap::Args;
use mithaq_model::PartialDate;
use mithaq_names::{BirthDate, Calendar, Details, Document, DocumentKind, Kind, Name, Sex, state};

use super::input;
use crate::ui::{Exit, Failure};

/// What is known of the one who is sought.
#[derive(Debug, Default, Args)]
pub(crate) struct Known {
    /// Date of birth, `1961`, `1961-05`, `1961-05-03`, `~1961` or `1960/1962`; lunar Hijri as `1391h`, solar as `1350sh`
    #[arg(long, value_name = "DATE")]
    pub(crate) born: Vec<String>,
    /// Place of birth
    #[arg(long, value_name = "PLACE")]
    pub(crate) place: Vec<String>,
    /// Document number with kind and issuing state, `passport:MA:AB123456` or `national:MA:K12345`
    #[arg(long, value_name = "KIND:STATE:NUMBER")]
    pub(crate) document: Vec<String>,
    /// Nationality, ISO 3166-1 alpha-2, for example MA
    #[arg(long, value_name = "STATE")]
    pub(crate) nationality: Vec<String>,
    /// Sex: f or m
    #[arg(long, value_parser = ["f", "m"])]
    pub(crate) sex: Option<String>,
}

/// What is known of the first of two.
#[derive(Debug, Default, Args)]
pub(crate) struct KnownA {
    /// Date of birth of the first, `1961`, `1961-05`, `1961-05-03`, `~1961` or `1960/1962`; lunar Hijri as `1391h`, solar
    /// as `1350sh`
    #[arg(long, value_name = "DATE")]
    born_a: Vec<String>,
    /// Place of birth of the first
    #[arg(long, value_name = "PLACE")]
    place_a: Vec<String>,
    /// Document number of the first, `passport:MA:AB123456` or `national:MA:K12345`
    #[arg(long, value_name = "KIND:STATE:NUMBER")]
    document_a: Vec<String>,
    /// Nationality of the first, ISO 3166-1 alpha-2, for example MA
    #[arg(long, value_name = "STATE")]
    nationality_a: Vec<String>,
    /// Sex of the first: f or m
    #[arg(long, value_parser = ["f", "m"])]
    sex_a: Option<String>,
}

/// What is known of the second of two.
#[derive(Debug, Default, Args)]
pub(crate) struct KnownB {
    /// Date of birth of the second
    #[arg(long, value_name = "DATE")]
    born_b: Vec<String>,
    /// Place of birth of the second
    #[arg(long, value_name = "PLACE")]
    place_b: Vec<String>,
    /// Document number of the second
    #[arg(long, value_name = "KIND:STATE:NUMBER")]
    document_b: Vec<String>,
    /// Nationality of the second
    #[arg(long, value_name = "STATE")]
    nationality_b: Vec<String>,
    /// Sex of the second: f or m
    #[arg(long, value_parser = ["f", "m"])]
    sex_b: Option<String>,
}

impl KnownA {
    pub(crate) fn read(&self) -> Result<Details, Failure> {
        Known {
            born: self.born_a.clone(),
            place: self.place_a.clone(),
            document: self.document_a.clone(),
            nationality: self.nationality_a.clone(),
            sex: self.sex_a.clone(),
        }
        .read()
    }
}

impl KnownB {
    pub(crate) fn read(&self) -> Result<Details, Failure> {
        Known {
            born: self.born_b.clone(),
            place: self.place_b.clone(),
            document: self.document_b.clone(),
            nationality: self.nationality_b.clone(),
            sex: self.sex_b.clone(),
        }
        .read()
    }
}

impl Known {
    /// True when nothing is known.
    pub(crate) const fn is_empty(&self) -> bool {
        self.born.is_empty()
            && self.place.is_empty()
            && self.document.is_empty()
            && self.nationality.is_empty()
            && self.sex.is_none()
    }

    pub(crate) fn read(&self) -> Result<Details, Failure> {
        let place = |text: &String| super::parse(Kind::Place, text);
        let nationality = |text: &String| {
            state(text).ok_or_else(|| {
                Failure::new(Exit::Usage, "names.nationality", "a nationality cannot be read")
                    .hint("write the two letters of ISO 3166-1, for example MA, or the name of the state in English")
            })
        };
        Ok(Details {
            births: self.born.iter().map(|text| birth(text)).collect::<Result<_, _>>()?,
            birth_places: self.place.iter().map(place).collect::<Result<Vec<Name>, _>>()?,
            nationalities: self.nationality.iter().map(nationality).collect::<Result<_, _>>()?,
            sex: self.sex.as_deref().map(|sex| if sex == "f" { Sex::Female } else { Sex::Male }),
            documents: self.document.iter().map(|text| document(text)).collect::<Result<_, _>>()?,
        })
    }
}

/// Reads a date of birth as given on the command line or in a column.
pub(crate) fn birth(text: &str) -> Result<BirthDate, Failure> {
    let wrong = || {
        Failure::new(Exit::Usage, "names.date", "a date of birth cannot be read").hint(
            "write 1961, 1961-05, 1961-05-03, ~1961 or 1960/1962; a lunar Hijri date as 1391h, a solar one as 1350sh",
        )
    };
    let text = text.trim();
    let text = text.strip_prefix("about ").map_or(text.to_owned(), |year| format!("~{}", year.trim()));
    let lower = text.to_ascii_lowercase();
    for (ending, calendar) in [("sh", Calendar::SolarHijri), ("h", Calendar::Hijri)] {
        if let Some(date) = lower.strip_suffix(ending) {
            return hijri(date.trim(), calendar).ok_or_else(wrong);
        }
    }
    let date: PartialDate = text.parse().map_err(|_invalid| wrong())?;
    Ok(input::birth_of(date))
}

/// A date of a Hijri calendar; its months are not those of the civil one.
fn hijri(text: &str, calendar: Calendar) -> Option<BirthDate> {
    let digits = |text: &str, count| {
        (text.len() == count && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())
            .flatten()
    };
    let mut parts = text.split('-');
    let date = BirthDate::year(digits(parts.next()?, 4)?).in_calendar(calendar);
    let mut part = |most| match parts.next() {
        None => Some(None),
        Some(text) => u8::try_from(digits(text, 2)?).ok().filter(|n| (1..=most).contains(n)).map(Some),
    };
    let date = BirthDate { month: part(12)?, day: part(31)?, ..date };
    parts.next().is_none().then_some(date)
}

/// Reads `KIND:STATE:NUMBER`.
pub(crate) fn document(text: &str) -> Result<Document, Failure> {
    let mut parts = text.splitn(3, ':').map(str::trim);
    let mut read = || {
        let kind = match parts.next()?.to_lowercase().as_str() {
            "national" | "id" => DocumentKind::National,
            "residence" | "renewable" => DocumentKind::Renewable,
            kind if kind.starts_with("national id") => DocumentKind::National,
            kind if ["passport", "passeport", "pasaporte"].iter().any(|word| kind.contains(word)) => {
                DocumentKind::Renewable
            }
            _ => return None,
        };
        let issuer = state(parts.next()?)?;
        let number = parts.next().filter(|number| number.chars().any(char::is_alphanumeric))?;
        Some(Document { kind, issuer, number: number.to_owned() })
    };
    read().ok_or_else(|| {
        Failure::new(Exit::Usage, "names.document", "a document number cannot be read").hint(
            "write kind, issuing state and number: `passport:MA:AB123456`, `residence:ES:X1234567L` or \
             `national:MA:K12345`",
        )
    })
}

/// Reads a sex as columns write it.
pub(crate) fn sex(text: &str) -> Option<&'static str> {
    match text.to_lowercase().as_str() {
        "f" | "female" | "woman" => Some("f"),
        "m" | "male" | "man" => Some("m"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_birth_are_read() {
        for (text, date) in [
            ("1961-05-03", BirthDate::day(1961, 5, 3)),
            ("1961-05", BirthDate::month(1961, 5)),
            ("~1961", BirthDate::between(1959, 1963)),
            ("about 1961", BirthDate::between(1959, 1963)),
            ("1960/1962", BirthDate::between(1960, 1962)),
            ("1391h", BirthDate::year(1391).in_calendar(Calendar::Hijri)),
            ("1350-02-31SH", BirthDate::day(1350, 2, 31).in_calendar(Calendar::SolarHijri)),
        ] {
            assert_eq!(birth(text).ok(), Some(date), "{text}");
        }
        for wrong in [
            "",
            "61",
            "1961-13",
            "yesterday",
            "h",
            "1350-13sh",
            "1350-01-01-01h",
            "~",
            "1962/1960",
            "03/05/1961",
        ] {
            assert_eq!(birth(wrong).err().map(|f| f.exit), Some(Exit::Usage), "{wrong}");
        }
    }

    /// What is known of an entry of the Security Council's list counts, however roughly it is known.
    #[test]
    fn every_precision_a_card_is_written_in_is_read_back() {
        for date in ["1961-05-03", "1961-05", "1961", "~1961", "1960/1962"] {
            let date: PartialDate = date.parse().unwrap();
            assert_eq!(birth(&input::iso(date)).ok(), Some(input::birth_of(date)), "{date}");
        }
    }

    #[test]
    fn documents_have_a_kind_a_state_and_a_number() {
        let read = document("passport: ma :AB:12").unwrap();
        assert_eq!(
            (read.kind, &read.issuer, read.number.as_str()),
            (DocumentKind::Renewable, b"MA", "AB:12")
        );
        for (text, kind) in [
            ("national:MA:K1", DocumentKind::National),
            ("National Identification Number:Iraq:1", DocumentKind::National),
            ("Numéro de passeport :Mali:B1", DocumentKind::Renewable),
        ] {
            assert_eq!(document(text).unwrap().kind, kind, "{text}");
        }
        for wrong in
            ["", "AB123", "passport:MA:", "passport:MA:--", "library:MA:1", "passport:M:1", "passport::1"]
        {
            assert_eq!(document(wrong).err().map(|f| f.code), Some("names.document".to_owned()), "{wrong}");
        }
    }
}
