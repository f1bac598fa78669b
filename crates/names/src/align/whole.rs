//! Every cell of an alignment, one after the other: for explanations, for very long pieces, and as what the quick way
//! is held against in tests.
//!
//! What this module deliberately does not do: leave anything out.

use super::{BAND, NO_UNIT, SIDE, Search};
use crate::tables::{NEVER, Tables};

/// A cell no reading reaches.
pub(super) const LOW: i32 = i32::MIN / 4;

/// What the best reading of so many symbols of both pieces gives, in eighths of a bit.
pub(super) struct Cells([[i32; SIDE]; SIDE]);

impl Cells {
    /// Fills the cells of two pieces that stand in order and are shorter than [`SIDE`].
    ///
    /// A unit that the table never saw with another gives [`NEVER`], which is far below any other way for units of two
    /// symbols, but not for those of three.
    pub(super) fn new(search: &Search<'_>, tables: &Tables) -> Self {
        let (a, b) = (search.a, search.b);
        let (na, nb) = (a.symbols.len(), b.symbols.len());
        let table = tables.bits(a.script, b.script);
        let mut cells = Self([[LOW; SIDE]; SIDE]);
        let bits = |ua: u8, ub: u8| {
            let known = table.get(usize::from(ua) * 256 + usize::from(ub));
            i32::from(known.copied().unwrap_or(NEVER))
        };
        for i in 0..=na {
            search.starts(i, |j, value| cells.raise(i, j, value));
            for j in 0..nb {
                let [_, single, ..] = b.units(j);
                cells.raise(i, j + 1, cells.at(i, j) + bits(0, single));
            }
            let middle = (i * nb) / na.max(1);
            (0..=nb).filter(|j| nb > BAND && middle.abs_diff(*j) > BAND).for_each(|j| cells.close(i, j));
            for (la, ua) in (0..).zip(a.units(i)).skip(1).filter(|(_, unit)| *unit != NO_UNIT) {
                for j in 0..=nb {
                    for (lb, ub) in
                        (0..).zip(b.units(j)).filter(|(lb, unit)| *unit != NO_UNIT && j + lb <= nb)
                    {
                        cells.raise(i + la, j + lb, cells.at(i, j) + bits(ua, ub));
                    }
                }
            }
        }
        cells
    }

    /// Returns what a cell holds.
    pub(super) fn at(&self, i: usize, j: usize) -> i32 {
        self.0.get(i).and_then(|row| row.get(j)).copied().unwrap_or(LOW)
    }

    fn raise(&mut self, i: usize, j: usize, value: i32) {
        if let Some(cell) = self.0.get_mut(i).and_then(|row| row.get_mut(j)) {
            *cell = value.max(*cell);
        }
    }

    fn close(&mut self, i: usize, j: usize) {
        if let Some(cell) = self.0.get_mut(i).and_then(|row| row.get_mut(j)) {
            *cell = LOW;
        }
    }
}
