//! Instants and spans. Instants are UTC milliseconds; the model never asks what time it is.

use core::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. A claim of the clock that made it: never used for order or
/// loss, only ever to refuse or to remind (`docs/spec/exchange.md`, clocks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A span in milliseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

/// A span in whole days of 24 hours: retention and legal clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(pub u32);

impl Millis {
    /// Returns a span of hours.
    #[must_use]
    pub const fn hours(hours: u64) -> Self {
        Self(hours.saturating_mul(3_600_000))
    }

    /// Returns a span of seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }
}

impl From<Days> for Millis {
    fn from(days: Days) -> Self {
        Self(u64::from(days.0).saturating_mul(86_400_000))
    }
}

impl Timestamp {
    /// The farthest instant: nothing expires after it.
    pub const MAX: Self = Self(i64::MAX);

    /// Takes milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the instant a span later, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, span: impl Into<Millis>) -> Self {
        Self(self.0.saturating_add_unsigned(span.into().0))
    }

    /// Returns the instant a span earlier.
    #[must_use]
    pub fn minus(self, span: impl Into<Millis>) -> Self {
        Self(self.0.saturating_sub_unsigned(span.into().0))
    }

    /// Returns how long after `earlier` this is; nothing when it is before it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339 in UTC to the second or millisecond, `2026-11-24T06:38:42Z`, or a plain date, which is
    /// its first instant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, clock) = match text.split_once('T') {
            Some((date, clock)) => (date, clock.strip_suffix('Z')?),
            None => (text, "00:00:00"),
        };
        let day = crate::PartialDate::parse_iso(date)?.day_number()?;
        let mut parts = clock.splitn(3, ':');
        let hour: i64 = digits(parts.next()?, 2)?;
        let minute: i64 = digits(parts.next()?, 2)?;
        let (second, milli) = match parts.next()?.split_once('.') {
            Some((second, milli)) => (digits(second, 2)?, digits(milli, 3)?),
            None => (digits(clock.rsplit(':').next()?, 2)?, 0),
        };
        (hour < 24 && minute < 60 && second < 60)
            .then(|| Self(((day * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + milli))
    }
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC, milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, rest) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, date) = crate::date::civil(day);
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(ms in 0_i64..253_402_300_800_000) {
            let t = Timestamp::from_millis(ms);
            prop_assert_eq!(Timestamp::parse(&t.to_string()), Some(t));
        }

        #[test]
        fn no_arithmetic_overflows(a in any::<i64>(), b in any::<u64>()) {
            let t = Timestamp::from_millis(a);
            prop_assert!(t.plus(Millis(b)) >= t && t.minus(Millis(b)) <= t);
            let _ = (t.to_string(), t.since(Timestamp::MAX), Timestamp::MAX.since(t));
        }
    }

    #[test]
    fn known_instants() {
        assert_eq!(Timestamp::from_millis(1_760_000_000_000).to_string(), "2025-10-09T08:53:20.000Z");
        assert_eq!(Timestamp::parse("1970-01-02").map(Timestamp::as_millis), Some(86_400_000));
        for bad in ["2025-02-29", "2025-10-09T24:00:00Z", "2025-10-09T08:53:20", "2025-10-09T08:53Z", "x"] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }
}
