//! Calendar dates as they are known: a day, a month, a year, a span of years, each perhaps only roughly.
//! Birth dates in lists and files are seldom better. Gregorian only: other calendars are converted at intake
//! and kept in the source text.

use core::fmt;

use thiserror::Error;

/// Why numbers are no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DateError {
    /// No such day, month or year (years 1 to 9999).
    #[error("there is no such date")]
    Invalid,
    /// A span that ends before it begins or covers more than 50 years says nothing.
    #[error("the span of years is empty or too wide")]
    Span,
}

/// A date with the precision it is known in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartialDate {
    /// One day.
    Day {
        /// 1 to 9999.
        year: u16,
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
    },
    /// One month.
    Month {
        /// 1 to 9999.
        year: u16,
        /// 1 to 12.
        month: u8,
    },
    /// One year.
    Year(u16),
    /// A year known roughly ("about 1978").
    About(u16),
    /// Between two years, both included.
    Between(u16, u16),
}

/// Widest [`PartialDate::Between`].
const SPAN_MAX: u16 = 50;

impl PartialDate {
    /// Takes a day.
    ///
    /// # Errors
    /// When there is no such day.
    pub fn day(year: u16, month: u8, day: u8) -> Result<Self, DateError> {
        let ok = (1..=9999).contains(&year) && (1..=days_in(year, month)).contains(&day);
        if ok { Ok(Self::Day { year, month, day }) } else { Err(DateError::Invalid) }
    }

    /// Takes a month.
    ///
    /// # Errors
    /// When there is no such month.
    pub fn month(year: u16, month: u8) -> Result<Self, DateError> {
        let ok = (1..=9999).contains(&year) && (1..=12).contains(&month);
        if ok { Ok(Self::Month { year, month }) } else { Err(DateError::Invalid) }
    }

    /// Takes a year.
    ///
    /// # Errors
    /// When it is not 1 to 9999.
    pub fn year(year: u16) -> Result<Self, DateError> {
        if (1..=9999).contains(&year) { Ok(Self::Year(year)) } else { Err(DateError::Invalid) }
    }

    /// Takes a year known roughly.
    ///
    /// # Errors
    /// When it is not 1 to 9999.
    pub fn about(year: u16) -> Result<Self, DateError> {
        Self::year(year).map(|_valid| Self::About(year))
    }

    /// Takes a span of years, both included.
    ///
    /// # Errors
    /// When a year is not 1 to 9999, the span is empty or wider than 50 years.
    pub fn between(from: u16, to: u16) -> Result<Self, DateError> {
        Self::year(from).and(Self::year(to))?;
        if from < to && to - from <= SPAN_MAX { Ok(Self::Between(from, to)) } else { Err(DateError::Span) }
    }

    /// Reads `1978-03-09`, `1978-03` or `1978`.
    #[must_use]
    pub fn parse_iso(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let number = |part: &str, count: usize| {
            (part.len() == count && part.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
            part.parse::<u16>().ok()
        };
        let year = number(parts.next()?, 4)?;
        let month = parts.next().map(|p| number(p, 2));
        let day = parts.next().map(|p| number(p, 2));
        match (month, day, parts.next()) {
            (None, None, None) => Self::year(year).ok(),
            (Some(month), None, None) => Self::month(year, u8::try_from(month?).ok()?).ok(),
            (Some(month), Some(day), None) => {
                Self::day(year, u8::try_from(month?).ok()?, u8::try_from(day?).ok()?).ok()
            }
            (_, _, _) => None,
        }
    }

    /// Returns the first and last year it may be.
    #[must_use]
    pub const fn years(self) -> (u16, u16) {
        match self {
            Self::Day { year, .. } | Self::Month { year, .. } | Self::Year(year) => (year, year),
            // "About" in lists is seldom more than two years off.
            Self::About(year) => (year.saturating_sub(2), year.saturating_add(2)),
            Self::Between(from, to) => (from, to),
        }
    }

    /// Returns days since 1970-01-01 for a full date.
    #[must_use]
    pub fn day_number(self) -> Option<i64> {
        match self {
            Self::Day { year, month, day } => {
                Some(day_number(i64::from(year), i64::from(month), i64::from(day)))
            }
            Self::Month { .. } | Self::Year(_) | Self::About(_) | Self::Between(..) => None,
        }
    }
}

impl fmt::Display for PartialDate {
    /// `1978-03-09`, `1978-03`, `1978`, `~1978`, `1978/1980` (after ISO 8601-2, EDTF).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day { year, month, day } => write!(f, "{year:04}-{month:02}-{day:02}"),
            Self::Month { year, month } => write!(f, "{year:04}-{month:02}"),
            Self::Year(year) => write!(f, "{year:04}"),
            Self::About(year) => write!(f, "~{year:04}"),
            Self::Between(from, to) => write!(f, "{from:04}/{to:04}"),
        }
    }
}

impl core::str::FromStr for PartialDate {
    type Err = DateError;
    fn from_str(text: &str) -> Result<Self, DateError> {
        let year = |t: &str| match Self::parse_iso(t) {
            Some(Self::Year(year)) => Ok(year),
            Some(_) | None => Err(DateError::Invalid),
        };
        if let Some(rough) = text.strip_prefix('~') {
            return Self::about(year(rough)?);
        }
        if let Some((from, to)) = text.split_once('/') {
            return Self::between(year(from)?, year(to)?);
        }
        Self::parse_iso(text).ok_or(DateError::Invalid)
    }
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days since 1970-01-01 of a Gregorian date: years are counted from March, so that the leap day is last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The Gregorian date of a day since 1970-01-01: the inverse of [`day_number`].
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn calendar_is_its_own_inverse(day in -719_162_i64..2_932_896) {
            let (y, m, d) = civil(day);
            prop_assert_eq!(day_number(y, m, d), day);
            let date = PartialDate::day(u16::try_from(y).unwrap(), u8::try_from(m).unwrap(), u8::try_from(d).unwrap());
            prop_assert_eq!(date.unwrap().to_string().parse::<PartialDate>(), date);
        }

        #[test]
        fn foreign_text_never_panics(text in ".*") { let _ = text.parse::<PartialDate>(); }
    }

    #[test]
    fn every_precision_reads_what_it_shows() {
        for text in ["1978-03-09", "1978-03", "1978", "~1978", "1978/1980", "2000-02-29"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
        for bad in
            ["1978-13", "1900-02-29", "78", "1980/1978", "1978/1978", "1900/1990", "", "1978-3-9", "~~1978"]
        {
            assert!(bad.parse::<PartialDate>().is_err(), "{bad}");
        }
        assert_eq!("~1978".parse::<PartialDate>().unwrap().years(), (1976, 1980));
    }
}
