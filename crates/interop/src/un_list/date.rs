//! Dates of the list: days, years, spans, each exact or approximate, some only in words.

use mithaq_model::PartialDate;

use crate::Weakening;

/// What a birth date says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) date: PartialDate,
    pub(super) weakened: Option<Weakening>,
}

/// The fields of one birth date as written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fields<'a> {
    pub(super) kind: Option<&'a str>,
    pub(super) date: Option<&'a str>,
    pub(super) year: Option<&'a str>,
    pub(super) from: Option<&'a str>,
    pub(super) to: Option<&'a str>,
}

/// Reads a birth date; `None` when it fits no precision, and the words must be kept instead.
pub(super) fn birth(fields: Fields<'_>) -> Option<Read> {
    let kind = fields.kind.unwrap_or("EXACT");
    let whole = |date| Some(Read { date, weakened: None });
    match (fields.date, fields.year, fields.from, fields.to) {
        (None, None, Some(from), Some(to)) => {
            let (from, to) = (year(from)?, year(to)?);
            // "Between 1970 and 1970" is said in lists and means the year.
            let date = if from == to { PartialDate::year(from) } else { PartialDate::between(from, to) };
            whole(date.ok()?)
        }
        (Some(date), None, None, None) => {
            let read = day(date)?;
            if kind.eq_ignore_ascii_case("EXACT") {
                return Some(read);
            }
            // The model knows no rough day: a rough year claims less and not more.
            let about = PartialDate::about(read.date.years().0).ok()?;
            kind.eq_ignore_ascii_case("APPROXIMATELY")
                .then_some(Read { date: about, weakened: Some(Weakening::PrecisionLowered) })
        }
        (None, Some(text), None, None) => {
            let year = year(text)?;
            if kind.eq_ignore_ascii_case("EXACT") {
                whole(PartialDate::year(year).ok()?)
            } else if kind.eq_ignore_ascii_case("APPROXIMATELY") {
                whole(PartialDate::about(year).ok()?)
            } else {
                None
            }
        }
        (_, _, _, _) => None,
    }
}

/// Reads a day, month or year; an offset of time zone behind a day (`2019-04-01-04:00`) is dropped.
pub(super) fn day(text: &str) -> Option<Read> {
    if let Some(date) = PartialDate::parse_iso(text) {
        return Some(Read { date, weakened: None });
    }
    let (head, tail) = (text.get(..10)?, text.get(10..)?);
    let zone = tail == "Z" || tail.starts_with(['+', '-', 'T']);
    let date = PartialDate::parse_iso(head).filter(|_| zone)?;
    Some(Read { date, weakened: Some(Weakening::TimeZoneDropped) })
}

fn year(text: &str) -> Option<u16> {
    (text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_precision() {
        let read = |kind, date, year, from, to| {
            birth(Fields { kind, date, year, from, to }).map(|r| (r.date.to_string(), r.weakened))
        };
        let exact = Some("EXACT");
        let rough = Some("APPROXIMATELY");
        let said = |text: &str| Some((text.to_owned(), None));
        assert_eq!(read(exact, Some("1965-03-29"), None, None, None), said("1965-03-29"));
        assert_eq!(read(exact, Some("1965-03"), None, None, None), said("1965-03"));
        assert_eq!(read(exact, None, Some("1965"), None, None), said("1965"));
        assert_eq!(read(None, None, Some("1965"), None, None), said("1965"));
        assert_eq!(read(rough, None, Some("1965"), None, None), said("~1965"));
        assert_eq!(read(Some("BETWEEN"), None, None, Some("1963"), Some("1968")), said("1963/1968"));
        assert_eq!(read(Some("BETWEEN"), None, None, Some("1963"), Some("1963")), said("1963"));
        assert_eq!(
            read(rough, Some("1965-03-29"), None, None, None),
            Some(("~1965".to_owned(), Some(Weakening::PrecisionLowered)))
        );
        assert_eq!(
            read(exact, Some("1965-03-29-05:00"), None, None, None),
            Some(("1965-03-29".to_owned(), Some(Weakening::TimeZoneDropped)))
        );
    }

    #[test]
    fn what_is_no_date_is_not_made_one() {
        let bad = [
            Fields { date: Some("1965-02-30"), ..Fields::default() },
            Fields { date: Some("29 March 1965"), ..Fields::default() },
            Fields { date: Some("١٩٦٥-٠٣-٢٩"), ..Fields::default() },
            Fields { year: Some("65"), ..Fields::default() },
            Fields { kind: Some("HIJRI"), year: Some("1402"), ..Fields::default() },
            Fields { from: Some("1963"), ..Fields::default() },
            Fields { from: Some("1968"), to: Some("1963"), ..Fields::default() },
            Fields { year: Some("1965"), date: Some("1965-03-29"), ..Fields::default() },
            Fields::default(),
        ];
        for fields in bad {
            assert_eq!(birth(fields), None, "{fields:?}");
        }
    }
}
