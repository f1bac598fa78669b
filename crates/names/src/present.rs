//! Which units a piece holds, as a set of bits, so that a unit that meets no partner there is known without a search.
//!
//! What this module deliberately does not do: know in which order the units stand.

use crate::align::NO_UNIT;

/// Units of a token: each of the first 64 (all letters are among them) has a bit of its own, longer ones share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Present {
    low: u64,
    high: u64,
    /// A unit of three symbols is among them.
    pub(crate) triple: bool,
}

impl Present {
    /// None at all.
    pub(crate) const NONE: Self = Self { low: 0, high: 0, triple: false };

    /// The units of a stretch of symbols; none of them reaches beyond it.
    pub(crate) fn of(units: &[[u8; 4]]) -> Self {
        let mut out = Self::NONE;
        let mut left = units.len();
        for [_, one, two, three] in units {
            let (two, three) =
                (if left > 1 { *two } else { NO_UNIT }, if left > 2 { *three } else { NO_UNIT });
            [*one, two, three].into_iter().for_each(|unit| out.add(unit));
            out.triple |= three != NO_UNIT;
            left -= 1;
        }
        out
    }

    /// Adds a unit; [`NO_UNIT`] is none.
    #[inline]
    pub(crate) const fn add(&mut self, unit: u8) {
        let bit = ((unit != NO_UNIT) as u64) << (unit & 63);
        let low = 0_u64.wrapping_sub((unit < 64) as u64);
        self.low |= bit & low;
        self.high |= bit & !low;
    }

    /// False when no unit stands in both.
    #[inline]
    pub(crate) const fn meets(self, other: Self) -> bool {
        (self.low & other.low) | (self.high & other.high) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_do_not_reach_beyond_the_stretch() {
        let units = [[0, 1, 70, 200], [0, 2, 71, NO_UNIT], [0, 3, 72, 201]];
        let with = |unit: u8| {
            let mut out = Present::NONE;
            out.add(unit);
            out
        };
        let (whole, first) = (Present::of(&units), Present::of(&units[..2]));
        assert!([1, 2, 3, 70, 71, 200].iter().all(|unit| whole.meets(with(*unit))));
        assert!(!whole.meets(with(73)) && whole.triple, "a unit of three fits from the first symbol only");
        assert!(first.meets(with(70)) && !first.meets(with(71)) && !first.triple);
        assert!(!Present::NONE.meets(whole));
    }
}
