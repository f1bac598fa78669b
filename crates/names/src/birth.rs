//! Dates of birth as records give them, and how two of them stand to each other.
//!
//! A date is a day, a month, a year or a span of years, in one of three calendars. Dates of one calendar are compared
//! part by part, since clerks err by parts (day and month swapped, one digit wrong); dates of two calendars by the days
//! they cover. What this module deliberately does not do: parse text, or know any other calendar.

use crate::evidence::Agreement;

/// A calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calendar {
    /// The civil calendar.
    #[default]
    Gregorian,
    /// The lunar Islamic calendar. Its days are counted by the tabular calendar, a day or two beside the observed one.
    Hijri,
    /// The solar Hijri calendar of Iran and Afghanistan: the year begins with spring, 621 years behind the civil one.
    SolarHijri,
}

/// A date of birth as known: the year or years, and month and day when known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BirthDate {
    /// Year of the calendar, the first one when several are possible.
    pub year: u16,
    /// Last year it may have been; [`BirthDate::year`] when the year is known.
    pub through: u16,
    /// Month 1–12.
    pub month: Option<u8>,
    /// Day 1–31.
    pub day: Option<u8>,
    /// The calendar of all of them.
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
        Self { month: Some(month), day: Some(day), ..Self::year(year) }
    }

    /// Makes a Gregorian date known to the month.
    ///
    /// ```
    /// use mithaq_names::BirthDate;
    /// assert_eq!(BirthDate::month(1971, 4).day, None);
    /// ```
    #[must_use]
    pub const fn month(year: u16, month: u8) -> Self {
        Self { month: Some(month), ..Self::year(year) }
    }

    /// Makes a Gregorian year without month and day.
    #[must_use]
    pub const fn year(year: u16) -> Self {
        Self { year, through: year, month: None, day: None, calendar: Calendar::Gregorian }
    }

    /// Makes a span of Gregorian years, both included: what "between" and "about" say.
    ///
    /// ```
    /// use mithaq_names::BirthDate;
    /// assert_eq!(BirthDate::between(1976, 1980).through, 1980);
    /// ```
    #[must_use]
    pub const fn between(first: u16, last: u16) -> Self {
        let (first, last) = if first <= last { (first, last) } else { (last, first) };
        Self { through: last, ..Self::year(first) }
    }

    /// Returns the same numbers as a date of another calendar.
    ///
    /// ```
    /// use mithaq_names::{BirthDate, Calendar};
    /// assert_eq!(BirthDate::year(1340).in_calendar(Calendar::SolarHijri).calendar, Calendar::SolarHijri);
    /// ```
    #[must_use]
    pub const fn in_calendar(self, calendar: Calendar) -> Self {
        Self { calendar, ..self }
    }

    /// True for the first day of the first month: how registers write a day they do not know. It is no day.
    ///
    /// ```
    /// use mithaq_names::BirthDate;
    /// assert!(BirthDate::is_placeholder(1, 1) && !BirthDate::is_placeholder(1, 2));
    /// ```
    #[must_use]
    pub const fn is_placeholder(month: u8, day: u8) -> bool {
        month == 1 && day == 1
    }

    /// The date without what only stands in for something unknown.
    const fn known(self) -> Self {
        match (self.month, self.day) {
            (Some(month), Some(day)) if Self::is_placeholder(month, day) => {
                Self { month: None, day: None, ..self }
            }
            (None, _) => Self { day: None, ..self },
            _ => self,
        }
    }

    /// The calendars it may be of: a "Gregorian" year of 1300–1480 in a living person's record is a Hijri year that
    /// nobody labelled, lunar or solar.
    const fn readings(self) -> &'static [Calendar] {
        match self.calendar {
            Calendar::Gregorian if self.year >= 1300 && self.through <= 1480 => {
                &[Calendar::Hijri, Calendar::SolarHijri]
            }
            Calendar::Gregorian => &[Calendar::Gregorian],
            Calendar::Hijri => &[Calendar::Hijri],
            Calendar::SolarHijri => &[Calendar::SolarHijri],
        }
    }

    /// First and last day it may have been, as days of the Julian period.
    fn days(self) -> (i64, i64) {
        let (first, last) = (i64::from(self.year), i64::from(self.through));
        let begins = |year, month, day| julian_day(self.calendar, year, month, day);
        match (self.month.map(i64::from), self.day.map(i64::from)) {
            (Some(month), Some(day)) => (begins(first, month, day), begins(last, month, day)),
            (Some(month), None) if month < 12 => (begins(first, month, 1), begins(last, month + 1, 1) - 1),
            (Some(month), None) => (begins(first, month, 1), begins(last + 1, 1, 1) - 1),
            (None, _) => (begins(first, 1, 1), begins(last + 1, 1, 1) - 1),
        }
    }
}

/// The day of the Julian period of a date; months and days out of range run over into the next.
///
/// Gregorian after Fliegel and Van Flandern (CACM 11, 1968). Lunar: the tabular calendar with the civil epoch, eleven
/// leap years in thirty. Solar: eight leap years in thirty-three, which gives the beginnings of the years 1178–1633 as
/// they were and are; both as Unicode's ICU computes them (`islamcal.cpp`, `persncal.cpp`).
fn julian_day(calendar: Calendar, year: i64, month: i64, day: i64) -> i64 {
    match calendar {
        Calendar::Gregorian => {
            let (y, m) = if month <= 2 { (year + 4799, month + 9) } else { (year + 4800, month - 3) };
            day + (153 * m + 2) / 5 + 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)
                - 32_045
        }
        Calendar::Hijri => {
            day + (59 * (month - 1) + 1) / 2 + (year - 1) * 354 + (3 + 11 * year).div_euclid(30) + 1_948_439
        }
        Calendar::SolarHijri => {
            let before = if month <= 7 { 31 * (month - 1) } else { 30 * (month - 1) + 6 };
            day + before + 365 * (year - 1) + (8 * year + 21).div_euclid(33) + 1_948_319
        }
    }
}

/// How months and days of two dates stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// Not known of both.
    Unknown,
    /// The same day.
    SameDay,
    /// The same month, the day not known of both.
    SameMonth,
    /// Day and month swapped.
    Swapped,
    /// Day or month is another, not both.
    OneDiffers,
    /// Day and month are others, or the month is and no day is known of both.
    Differs,
}

fn parts(a: BirthDate, b: BirthDate) -> Parts {
    let (Some(month_a), Some(month_b)) = (a.month, b.month) else { return Parts::Unknown };
    match (a.day, b.day) {
        (Some(day_a), Some(day_b)) if (month_a, day_a) == (month_b, day_b) => Parts::SameDay,
        (Some(day_a), Some(day_b)) if (month_a, day_a) == (day_b, month_b) => Parts::Swapped,
        (Some(day_a), Some(day_b)) if month_a == month_b || day_a == day_b => Parts::OneDiffers,
        (None, _) | (_, None) if month_a == month_b => Parts::SameMonth,
        _ => Parts::Differs,
    }
}

/// Days that the observed lunar calendar may lie beside the tabular one.
const SLACK: i64 = 3;
/// Days of a year at most.
const YEAR: i64 = 366;

/// Compares two dates of birth; of the calendars they may be of, those in which they agree best.
pub(crate) fn compare(a: BirthDate, b: BirthDate) -> (Agreement, f32) {
    let (a, b) = (a.known(), b.known());
    let all = a.readings().iter().flat_map(|of_a| b.readings().iter().map(move |of_b| (*of_a, *of_b)));
    let compared = all.map(|(of_a, of_b)| {
        let (a, b) = (a.in_calendar(of_a), b.in_calendar(of_b));
        if of_a == of_b { by_parts(a, b) } else { by_days(a, b) }
    });
    compared.max_by(|x, y| x.1.total_cmp(&y.1)).unwrap_or((Agreement::Differs, 0.0))
}

/// Compares two dates of one calendar.
fn by_parts(a: BirthDate, b: BirthDate) -> (Agreement, f32) {
    let apart = a.year.saturating_sub(b.through).max(b.year.saturating_sub(a.through));
    let width = a.through.abs_diff(a.year).saturating_add(b.through.abs_diff(b.year));
    if width > 0 {
        return by_spans(apart, width);
    }
    match (apart, parts(a, b)) {
        (0, Parts::SameDay) => (Agreement::Same, 11.0),
        (0, Parts::Swapped) => (Agreement::Near, 8.0),
        (0, Parts::SameMonth) => (Agreement::Same, 7.0),
        (0, Parts::Unknown) => (Agreement::Same, 5.0),
        (0, Parts::OneDiffers) => (Agreement::Differs, -2.0),
        (0, Parts::Differs) => (Agreement::Conflicts, -3.0),
        (1, Parts::SameDay) => (Agreement::Near, 5.0),
        (1, Parts::SameMonth) => (Agreement::Near, 2.5),
        (1, Parts::Unknown) => (Agreement::Near, 1.5),
        (1, Parts::Swapped | Parts::OneDiffers) => (Agreement::Differs, -3.0),
        (1, Parts::Differs) => (Agreement::Conflicts, -4.0),
        (2..=4, _) => (Agreement::Conflicts, -5.0),
        _ => (Agreement::Conflicts, -10.0),
    }
}

/// Compares years of which one at least is a span: the wider they are, the more strangers they hold.
fn by_spans(apart: u16, width: u16) -> (Agreement, f32) {
    match apart {
        0 => (Agreement::Near, (5.0 - f32::from(width.saturating_add(1)).log2()).max(0.5)),
        1 => (Agreement::Differs, -1.0),
        2..=4 => (Agreement::Conflicts, -4.0),
        _ => (Agreement::Conflicts, -10.0),
    }
}

/// Compares dates of two calendars by the days they cover.
fn by_days(a: BirthDate, b: BirthDate) -> (Agreement, f32) {
    let ((first_a, last_a), (first_b, last_b)) = (a.days(), b.days());
    let apart = (first_a - last_b).max(first_b - last_a);
    let width = (last_a - first_a).max(last_b - first_b);
    if apart <= SLACK {
        let bits = match width {
            0 => 9.0,
            1..=31 => 6.0,
            32..=YEAR => 4.0,
            _ => 1.5,
        };
        return (Agreement::Near, bits);
    }
    // A year turned into the civil one by adding 621 or 622 is often one beside it.
    match apart {
        ..=YEAR if width > 31 => (Agreement::Near, 1.5),
        ..=YEAR => (Agreement::Differs, -2.0),
        _ if apart <= 2 * YEAR => (Agreement::Differs, -2.0),
        _ => (Agreement::Conflicts, -8.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn solar(date: BirthDate) -> BirthDate {
        date.in_calendar(Calendar::SolarHijri)
    }

    fn lunar(date: BirthDate) -> BirthDate {
        date.in_calendar(Calendar::Hijri)
    }

    #[test]
    fn birth_dates_agree_as_records_do() {
        let (day, month, year, between) =
            (BirthDate::day, BirthDate::month, BirthDate::year, BirthDate::between);
        for (a, b, expected) in [
            (day(1971, 4, 2), day(1971, 4, 2), Agreement::Same),
            (day(1971, 4, 2), year(1971), Agreement::Same),
            (day(1971, 4, 2), month(1971, 4), Agreement::Same),
            (day(1971, 4, 2), day(1971, 2, 4), Agreement::Near),
            (day(1971, 4, 2), day(1972, 4, 2), Agreement::Near),
            (day(1971, 4, 2), lunar(year(1391)), Agreement::Near),
            (day(1971, 4, 2), solar(year(1350)), Agreement::Near),
            (year(1391), year(1971), Agreement::Near),
            (year(1350), year(1971), Agreement::Near),
            (day(1971, 4, 2), day(1971, 4, 30), Agreement::Differs),
            (day(1971, 4, 2), day(1971, 9, 30), Agreement::Conflicts),
            (day(1971, 4, 2), month(1971, 9), Agreement::Conflicts),
            (month(1980, 2), month(1980, 7), Agreement::Conflicts),
            (day(1971, 4, 2), day(1985, 4, 2), Agreement::Conflicts),
            (between(1976, 1980), year(1979), Agreement::Near),
            (between(1976, 1980), day(1979, 5, 3), Agreement::Near),
            (between(1976, 1980), between(1980, 1984), Agreement::Near),
            (between(1976, 1980), year(1981), Agreement::Differs),
            (between(1976, 1980), year(1991), Agreement::Conflicts),
            (solar(year(1340)), year(1990), Agreement::Conflicts),
        ] {
            let (found, bits) = compare(a, b);
            assert_eq!(found, expected, "{a:?} {b:?}");
            assert_eq!(bits > 0.0, expected >= Agreement::Near, "{a:?} {b:?}: {bits}");
        }
    }

    #[test]
    fn the_first_of_january_is_no_day() {
        let first = BirthDate::day(1971, 1, 1);
        assert_eq!(compare(first, first), compare(BirthDate::year(1971), BirthDate::year(1971)));
        assert_eq!(compare(first, BirthDate::day(1971, 9, 30)).0, Agreement::Same);
        assert_eq!(compare(solar(first), solar(first)).1, compare(first, first).1);
    }

    #[test]
    fn a_wider_span_says_less_and_a_known_day_most() {
        let to = |date| compare(date, BirthDate::day(1978, 5, 3)).1;
        let spans = [50, 8, 4, 2].map(|width| to(BirthDate::between(1978 - width / 2, 1978 + width / 2)));
        assert!(spans.is_sorted() && spans[0] > 0.0, "{spans:?}");
        let finer = [BirthDate::year(1978), BirthDate::month(1978, 5), BirthDate::day(1978, 5, 3)].map(to);
        assert!(finer.is_sorted() && spans[3] < finer[0], "{finer:?}");
    }

    #[test]
    fn days_of_three_calendars_are_one_day() {
        // Nowruz of 1340 and 1399, 22 Bahman 1357; the first of Muharram 1391 and 1400.
        for (theirs, civil) in [
            (solar(BirthDate::day(1340, 1, 1)), BirthDate::day(1961, 3, 21)),
            (solar(BirthDate::day(1399, 1, 1)), BirthDate::day(2020, 3, 20)),
            (solar(BirthDate::day(1357, 11, 22)), BirthDate::day(1979, 2, 11)),
            (lunar(BirthDate::day(1391, 1, 1)), BirthDate::day(1971, 2, 27)),
            (lunar(BirthDate::day(1400, 1, 1)), BirthDate::day(1979, 11, 21)),
        ] {
            assert_eq!(theirs.days(), civil.days(), "{theirs:?}");
        }
        assert_eq!(BirthDate::day(1970, 1, 1).days(), (2_440_588, 2_440_588));
        let bahman = solar(BirthDate::day(1357, 11, 22));
        assert_eq!(compare(bahman, BirthDate::day(1979, 2, 11)), (Agreement::Near, 9.0));
        assert_eq!(compare(bahman, BirthDate::day(1979, 8, 11)).0, Agreement::Differs);
    }

    fn date() -> impl Strategy<Value = BirthDate> {
        let calendar = prop::sample::select(vec![Calendar::Gregorian, Calendar::Hijri, Calendar::SolarHijri]);
        let part = |last| prop::option::of(0..=last);
        (any::<u16>(), 0..60_u16, part(14_u8), part(33_u8), calendar).prop_map(
            |(year, more, month, day, calendar)| BirthDate {
                year: year % 2100,
                through: year % 2100 + more / 20 * more,
                month,
                day,
                calendar,
            },
        )
    }

    proptest! {
        #[test]
        fn dates_compare_alike_from_both_sides_and_never_panic(a in date(), b in date(), wild in any::<(u16, u16)>()) {
            prop_assert_eq!(compare(a, b), compare(b, a));
            let wild = BirthDate { year: wild.0, through: wild.1, ..a };
            prop_assert_eq!(compare(wild, b), compare(b, wild));
            prop_assert!(compare(a, a).0 >= Agreement::Near);
        }
    }
}
