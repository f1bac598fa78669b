//! The best reading of two pieces of usual length, without what cannot be part of it.
//!
//! Units of two symbols that give nothing with any unit of the other piece are left out: both symbols for themselves give
//! more than [`NEVER`]. The search ends when no cell of a row leads to the floor. What this module deliberately does not
//! do: give a reading other than that of `whole`, which tests hold it against.

use super::memory::Memory;
use super::{BAND, NO_UNIT, Search};
use crate::present::Present;
use crate::tables::{NEVER, Tables};

/// Cells of a row, and rows.
const SIDE: usize = 16;
/// Longest piece.
pub(super) const LONGEST: usize = SIDE - 1;
/// A cell no reading reaches.
const LOW: i32 = i32::MIN / 4;

/// More than any unit gives.
const MOST: i32 = i8::MAX as i32 + 1;

type Row = [i32; SIDE];

/// Memory of the search, used again from pair to pair.
#[derive(Debug)]
pub(crate) struct Grid {
    rows: [Row; SIDE],
    /// Readings that were found before.
    pub(super) memory: Memory,
}

impl Grid {
    pub(crate) fn new() -> Self {
        Self { rows: [[LOW; SIDE]; SIDE], memory: Memory::default() }
    }

    /// One that remembers readings; takes a few hundred kilobytes.
    pub(crate) fn remembering() -> Self {
        Self { memory: Memory::with_places(), ..Self::new() }
    }

    fn at(&self, i: usize, j: usize) -> i32 {
        self.rows.get(i).and_then(|row| row.get(j)).copied().unwrap_or(LOW)
    }
}

/// The first piece: what begins at every symbol.
struct Lines {
    /// Units of two and three symbols that are read, or [`NO_UNIT`]; few are.
    longer: [[u8; 2]; SIDE],
    /// Symbols of the longest unit that is read.
    longest: usize,
    /// What all from there on can give at most.
    rest: Row,
}

impl Lines {
    fn of(search: &Search<'_>, tables: &Tables) -> Self {
        let (a, b) = (search.a, search.b);
        let partners = tables.partners(a.script, b.script);
        let mut out = Self { longer: [[NO_UNIT; 2]; SIDE], longest: 1, rest: [0; SIDE] };
        let (mut rest, mut excess) = (0_i32, 0_i32);
        let slots = out.longer.iter_mut().zip(&mut out.rest).zip(a.symbols).enumerate();
        for (at, ((longer, slot), symbol)) in slots.rev() {
            // An ending that is given up may cost less than its letters.
            rest = rest.wrapping_add(look(search.best_a, *symbol).max(0));
            *slot = rest.wrapping_add(excess);
            let [_, _, two, three] = a.units(at);
            let two = if b.present.triple | meets(partners, two, b.present) { two } else { NO_UNIT };
            if (two, three) != (NO_UNIT, NO_UNIT) {
                *longer = [two, three];
                out.longest = out.longest.max(if three == NO_UNIT { 2 } else { 3 });
                // A longer unit may give more than its symbols.
                excess += MOST;
                *slot = rest.wrapping_add(excess);
            }
        }
        out
    }

    /// The unit of so many symbols that ends before a row.
    fn longer(&self, row: usize, length: usize) -> Option<u8> {
        let longer = self.longer.get(row.checked_sub(length)?)?;
        longer.get(length.checked_sub(2)?).copied().filter(|unit| *unit != NO_UNIT)
    }
}

/// The second piece, by place between its symbols.
struct Columns {
    /// The unit of one symbol that ends there, and what it gives when it stands for nothing.
    singles: [(u8, i32); SIDE],
    /// The longer units that are read: where they end, how long they are, which they are.
    longer: [(u8, u8, u8); 2 * SIDE + 1],
    count: usize,
}

impl Columns {
    fn of(search: &Search<'_>, tables: &Tables, none: &[i8; 256]) -> Self {
        let (a, b) = (search.a, search.b);
        let partners = tables.partners(b.script, a.script);
        let mut out = Self { singles: [(NO_UNIT, 0); SIDE], longer: [(0, 0, 0); 2 * SIDE + 1], count: 0 };
        for ((at, end), single) in (0..b.symbols.len()).zip(1_u8..).zip(out.singles.iter_mut().skip(1)) {
            let [_, one, two, three] = b.units(at);
            *single = (one, look(none, one));
            // Written whether it is read or not: which it is nobody can foretell.
            if let Some(slot) = out.longer.get_mut(out.count) {
                *slot = (end + 1, 2, two);
            }
            let read = a.present.triple & (two != NO_UNIT) | meets(partners, two, a.present);
            out.count += usize::from(read);
            if three != NO_UNIT {
                if let Some(slot) = out.longer.get_mut(out.count) {
                    *slot = (end + 2, 3, three);
                }
                out.count += 1;
            }
        }
        out
    }

    fn longer(&self) -> impl Iterator<Item = (usize, usize, u8)> + '_ {
        let all = self.longer.iter().take(self.count);
        all.map(|(end, length, unit)| (usize::from(*end), usize::from(*length), *unit))
    }

    /// Raises the cells of a row that a unit of the first piece reaches from an earlier row by a longer unit of the second.
    fn reach(&self, before: &Row, bits: &[i8; 256], row: &mut Row) {
        for (end, length, unit) in self.longer() {
            let from = before.get(end.wrapping_sub(length)).copied().unwrap_or(LOW);
            raise(row, end, from.wrapping_add(look(bits, unit)));
        }
    }

    /// The same by nothing, by one symbol and by a longer unit.
    fn reach_all(&self, before: &Row, bits: &[i8; 256], row: &mut Row) {
        let nothing = look(bits, 0);
        let mut corner = LOW;
        for ((cell, from), (single, _)) in row.iter_mut().zip(before).zip(&self.singles) {
            *cell = (*cell).max(from.wrapping_add(nothing)).max(corner.wrapping_add(look(bits, *single)));
            corner = *from;
        }
        self.reach(before, bits, row);
    }

    /// Fills a row from what reaches it by other ways and from the row above; returns its best cell.
    #[inline]
    fn fill(&self, row: &mut Row, ways: &Row, above: &Row, bits: &[i8; 256], count: usize) -> i32 {
        let nothing = look(bits, 0);
        let (mut best, mut left, mut corner) = (LOW, LOW, LOW);
        let cells = row.iter_mut().zip(ways).zip(above).zip(&self.singles);
        for (((cell, way), above), (single, alone)) in cells.take(count + 1) {
            let down = above.wrapping_add(nothing).max(*way);
            let both = corner.wrapping_add(look(bits, *single)).max(down);
            let value = left.wrapping_add(*alone).max(both);
            (*cell, left, corner) = (value, value, *above);
            best = best.max(value);
        }
        best
    }
}

/// Returns what the best reading gives, when it reaches the floor.
pub(super) fn run(search: &Search<'_>, tables: &Tables, floor: i32, grid: &mut Grid) -> Option<i32> {
    const NOWHERE: Row = [LOW; SIDE];
    let (a, b) = (search.a, search.b);
    let (na, nb) = (a.symbols.len(), b.symbols.len());
    let table = tables.bits(a.script, b.script);
    let columns = Columns::of(search, tables, line(table, 0)?);
    let lines = Lines::of(search, tables);
    let least = floor - search.tail_gain();
    let mut silent = 0;
    for i in 0..=na {
        let (before, rows) = grid.rows.split_at_mut_checked(i)?;
        let row = rows.first_mut()?;
        let above = before.last().unwrap_or(&NOWHERE);
        let single = i.checked_sub(1).map_or(NO_UNIT, |at| a.units(at)[1]);
        let bits = if i == 0 { &[NEVER; 256] } else { line(table, single)? };
        let longer = [2, 3].map(|length| lines.longer(i, length).map(|unit| (length, unit)));
        let best = if columns.count > 0 || i == 0 || i == a.skip || longer != [None; 2] {
            let mut ways = NOWHERE;
            search.starts(i, |j, value| raise(&mut ways, j, value));
            columns.reach(above, bits, &mut ways);
            for (length, unit) in longer.into_iter().flatten() {
                let from = before.get(i - length).unwrap_or(&NOWHERE);
                columns.reach_all(from, line(table, unit)?, &mut ways);
            }
            columns.fill(row, &ways, above, bits, nb)
        } else {
            columns.fill(row, &NOWHERE, above, bits, nb)
        };
        if nb > BAND {
            let middle = (i * nb) / na;
            row.iter_mut().take(middle.saturating_sub(BAND)).for_each(|cell| *cell = LOW);
            row.iter_mut().skip(middle + BAND + 1).for_each(|cell| *cell = LOW);
        }
        silent = if best.wrapping_add(*lines.rest.get(i)?) >= least { 0 } else { silent + 1 };
        // The last row may be silent where the ending of the first piece is given up.
        if silent >= lines.longest && i >= a.skip && i < na {
            return None;
        }
    }
    Some(search.end(|i, j| grid.at(i, j))).filter(|end| *end >= floor)
}

#[inline]
fn meets(partners: &[Present; 256], unit: u8, other: Present) -> bool {
    partners.get(usize::from(unit)).is_some_and(|own| own.meets(other))
}

/// The bits of one unit against all of the other script.
#[inline]
fn line(table: &[i8], unit: u8) -> Option<&[i8; 256]> {
    table.get(usize::from(unit) * 256..)?.first_chunk::<256>()
}

#[inline]
fn look<const N: usize>(bits: &[i8; N], unit: u8) -> i32 {
    i32::from(bits.get(usize::from(unit)).copied().unwrap_or(NEVER))
}

#[inline]
fn raise(row: &mut Row, j: usize, value: i32) {
    if let Some(cell) = row.get_mut(j) {
        *cell = value.max(*cell);
    }
}
