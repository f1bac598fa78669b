//! The weighted transducer at work: the best way to read one token as another.
//!
//! Dynamic programming over units of up to three letters a side. Time is bounded by the token length
//! ([`crate::MAX_WORD_SYMBOLS`], joined tokens 30), so by about 900 cells. What this module deliberately does
//! not do: decide what a score means (see `score`).

use crate::name::{Name, Token};
use crate::script::{Script, Symbol};
use crate::structure::MERGED_MAX;
use crate::tables::{NEVER, Tables};

/// A stretch of symbols to align: one token or two neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) script: Script,
    pub(crate) symbols: &'a [Symbol],
    units: &'a [[u8; 4]],
    /// Trailing symbols that may be left out.
    tail: usize,
    /// Leading symbols that may be left out, and the cost in eighths of a bit.
    skip: usize,
    cost: i16,
}

impl<'a> Piece<'a> {
    /// The symbols of one token.
    pub(crate) fn token(name: &'a Name, token: &Token) -> Self {
        let range = token.range();
        Self::slice(name, token, range.start, range.end)
    }

    /// Two neighbouring tokens read as one.
    pub(crate) fn joined(name: &'a Name, first: &Token, second: &Token) -> Self {
        let end = second.range().end.min(usize::from(first.start) + usize::from(MERGED_MAX));
        Self { tail: usize::from(second.tail), ..Self::slice(name, first, usize::from(first.start), end) }
    }

    fn slice(name: &'a Name, token: &Token, start: usize, end: usize) -> Self {
        Self {
            script: token.script,
            symbols: name.symbols.get(start..end).unwrap_or_default(),
            units: name.units.get(start..end).unwrap_or_default(),
            tail: usize::from(token.tail),
            skip: usize::from(token.skip),
            cost: i16::from(token.skip_cost),
        }
    }

    /// The units that begin at a place, by length 0–3; [`NO_UNIT`] where there is none. A unit may not reach beyond
    /// the piece.
    fn units(&self, at: usize) -> [u8; 4] {
        let [none, one, two, three] = self.units.get(at).copied().unwrap_or([0, NO_UNIT, NO_UNIT, NO_UNIT]);
        match self.units.len().wrapping_sub(at) {
            1 => [none, one, NO_UNIT, NO_UNIT],
            2 => [none, one, two, NO_UNIT],
            _ => [none, one, two, three],
        }
    }

    /// Per place, the most that what stands from there on can give, by the best partner of every unit.
    fn rest(&self, top: &[i8; 256], out: &mut [i16; SIDE]) {
        let (mut one, mut two, mut three) = (0_i16, 0_i16, 0_i16);
        for (at, slot) in out.iter_mut().enumerate().take(self.units.len()).rev() {
            let [_, single, pair, triple] = self.units(at);
            let mut best = one.wrapping_add(look(top, single));
            if pair != NO_UNIT {
                best = best.max(two.wrapping_add(look(top, pair)));
            }
            if triple != NO_UNIT {
                best = best.max(three.wrapping_add(look(top, triple)));
            }
            *slot = best;
            (one, two, three) = (best, one, two);
        }
    }

    /// What the first `count` symbols give if each meets its best partner, in eighths of a bit.
    fn best(&self, best: &[i8; 64], count: usize) -> i16 {
        let of = |s: &Symbol| i16::from(best.get(usize::from(*s & 63)).copied().unwrap_or(0));
        self.symbols.iter().take(count).map(of).fold(0, i16::wrapping_add)
    }
}

/// The outcome of aligning two pieces, in eighths of a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Aligned {
    /// What the letters would give if each had met its best partner.
    pub(crate) cap: i16,
    /// What was lost against that; 0 or less is a perfect reading.
    pub(crate) loss: i16,
}

/// One step of an alignment: symbols of each side and the bits they gave (eighths).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) a: (usize, usize),
    pub(crate) b: (usize, usize),
    pub(crate) eighths: i16,
}

/// Stands for "no unit of this length begins here"; no script has so many units.
pub(crate) const NO_UNIT: u8 = 255;
/// Cells of a row: the longest piece and one.
const SIDE: usize = 32;
const _: () = assert!((MERGED_MAX as usize) < SIDE);
/// Rows that stand below the last: units of three letters reach so far.
const BELOW: usize = 3;
const LOW: i16 = i16::MIN / 2;
/// Cost of losing a feminine ending, in eighths of a bit.
const TAIL_COST: i16 = 12;
/// Cells further than this from the diagonal are not visited.
const BAND: usize = 7;
/// What the smallest loss is measured against, in eighths of a bit.
pub(crate) const CAP_MIN: i16 = 48;

/// Cells before the first of a row, so that a row can be read three cells further on.
const PAD: usize = 4;
/// Cells of one row.
type Row = [i16; PAD + SIDE];

/// Memory of the search, used again from pair to pair.
#[derive(Debug)]
pub(crate) struct Grid([Row; SIDE + BELOW]);

impl Grid {
    pub(crate) const fn new() -> Self {
        Self([[LOW; PAD + SIDE]; SIDE + BELOW])
    }
}

/// Aligns two pieces. Symmetric. `None` when no reading loses less than a share, in thousandths, of what the letters
/// could give: a search that can no longer reach that ends.
pub(crate) fn align(
    tables: &Tables,
    a: &Piece<'_>,
    b: &Piece<'_>,
    share: i32,
    grid: &mut Grid,
) -> Option<Aligned> {
    let (a, b) = if in_order(a, b) { (a, b) } else { (b, a) };
    let search = Search::new(tables, a, b);
    let cap = search.cap;
    if cap <= 0 {
        return None;
    }
    let most = i32::from(cap.max(CAP_MIN)) * share / 1000 + 1;
    let floor = cap.saturating_sub(i16::try_from(most).unwrap_or(i16::MAX)).max(LOW / 2);
    let end = search.run(tables, floor, grid).filter(|end| *end >= floor)?;
    Some(Aligned { cap, loss: cap - end })
}

/// True when the pieces stand in the order in which they are always aligned, so that (a, b) and (b, a) agree to
/// the last bit.
fn in_order(a: &Piece<'_>, b: &Piece<'_>) -> bool {
    let key = |p: &Piece<'_>| (p.script, p.symbols.len());
    key(a).cmp(&key(b)).then_with(|| a.symbols.cmp(b.symbols)).is_le()
}

/// Aligns two pieces and returns the steps of the best reading, in the order of the symbols.
pub(crate) fn trace(tables: &Tables, a: &Piece<'_>, b: &Piece<'_>) -> Vec<Step> {
    if !in_order(a, b) {
        let swapped = trace(tables, b, a);
        return swapped.into_iter().map(|s| Step { a: s.b, b: s.a, eighths: s.eighths }).collect();
    }
    let mut grid = Grid::new();
    Search::new(tables, a, b).run(tables, LOW / 2, &mut grid);
    let cell = |i: usize, j: usize| grid.0.get(i).map_or(LOW, |row: &Row| at(row, j));
    let table = tables.bits(a.script, b.script);
    let mut steps = Vec::new();
    let (mut i, mut j) = (a.symbols.len(), b.symbols.len());
    'back: while i > 0 || j > 0 {
        for la in 0..=i.min(3) {
            for lb in 0..=j.min(3) {
                let (from_i, from_j) = (i - la, j - lb);
                let Some(bits) = step_bits(table, a, b, (from_i, la), (from_j, lb)) else { continue };
                let before = cell(from_i, from_j);
                if before > LOW && before + bits == cell(i, j) {
                    steps.push(Step { a: (from_i, i), b: (from_j, j), eighths: bits });
                    (i, j) = (from_i, from_j);
                    continue 'back;
                }
            }
        }
        // A start cell: what lies before was skipped.
        break;
    }
    steps.reverse();
    steps
}

fn step_bits(
    table: &[i8],
    a: &Piece<'_>,
    b: &Piece<'_>,
    from_a: (usize, usize),
    from_b: (usize, usize),
) -> Option<i16> {
    let ((i, la), (j, lb)) = (from_a, from_b);
    if la + lb == 0 {
        return None;
    }
    let ua = *a.units(i).get(la)?;
    let ub = *b.units(j).get(lb)?;
    if ua == NO_UNIT || ub == NO_UNIT {
        return None;
    }
    let bits = *table.get(usize::from(ua) * 256 + usize::from(ub))?;
    (bits != NEVER).then_some(i16::from(bits))
}

/// The search for the best reading of two pieces that stand in order.
struct Search<'a> {
    a: &'a Piece<'a>,
    b: &'a Piece<'a>,
    /// What the letters would give if each had met its best partner.
    cap: i16,
    best_a: &'a [i8; 64],
    best_b: &'a [i8; 64],
}

/// The second piece, by place between its symbols.
struct Columns {
    /// The units of one symbol that end there.
    singles: [u8; SIDE],
    /// The longer units: where they end, how long they are, which they are; there are few.
    longer: [(u8, u8, u8); 2 * SIDE],
    count: usize,
    /// What all from there on can give at most.
    rest: [i16; SIDE],
}

impl<'a> Search<'a> {
    fn new(tables: &'a Tables, a: &'a Piece<'a>, b: &'a Piece<'a>) -> Self {
        let (best_a, best_b) = (tables.best(a.script, b.script), tables.best(b.script, a.script));
        let mut out = Self { a, b, cap: 0, best_a, best_b };
        out.cap = out.caps(a.symbols.len(), b.symbols.len());
        out
    }

    /// What the first symbols of both would give if each had met its best partner.
    fn caps(&self, i: usize, j: usize) -> i16 {
        (self.a.best(self.best_a, i) + self.b.best(self.best_b, j)) / 2
    }

    /// Returns what the best reading gives, when it reaches the floor.
    fn run(&self, tables: &Tables, floor: i16, grid: &mut Grid) -> Option<i16> {
        let (na, nb) = (self.a.symbols.len(), self.b.symbols.len());
        if na == 0 || nb == 0 || na >= SIDE {
            return None;
        }
        // Rows of a fixed width are worked on many cells at a time.
        match nb {
            ..8 => self.rows::<8>(tables, floor, grid),
            8..16 => self.rows::<16>(tables, floor, grid),
            16..SIDE => self.rows::<SIDE>(tables, floor, grid),
            _ => None,
        }
    }

    /// Runs over the rows; ends when no cell can lead to the floor any more.
    fn rows<const N: usize>(&self, tables: &Tables, floor: i16, grid: &mut Grid) -> Option<i16> {
        let (a, b) = (self.a, self.b);
        let (na, nb) = (a.symbols.len(), b.symbols.len());
        let table = tables.bits(a.script, b.script);
        let columns = Columns::of(b, tables.top(b.script, a.script));
        let mut rest = [0; SIDE];
        a.rest(tables.top(a.script, b.script), &mut rest);
        let least = floor.wrapping_sub(self.tail_gain());
        let rows = grid.0.get_mut(..=na + BELOW)?;
        rows.fill([LOW; PAD + SIDE]);
        self.starts(rows);
        let none = line(table, 0)?;
        let mut silent = 0;
        for i in 0..=na {
            let [current, targets @ ..] = rows.get_mut(i..)?.first_chunk_mut::<4>()?;
            columns.insert(current, none, nb);
            let middle = (i * nb) / na;
            if nb > BAND {
                let (from, to) = (middle.saturating_sub(BAND), (middle + BAND).min(nb) + 1);
                current.get_mut(PAD..PAD + from)?.fill(LOW);
                current.get_mut(PAD + to..=PAD + nb)?.fill(LOW);
            }
            silent = if columns.hopeful::<N>(current, least, *rest.get(i)?) { 0 } else { silent + 1 };
            if silent > 2 && i >= a.skip {
                return None;
            }
            let [_, units @ ..] = a.units(i);
            for (unit, target) in units.into_iter().zip(targets).filter(|(unit, _)| *unit != NO_UNIT) {
                columns.step::<N>(current, target, line(table, unit)?);
            }
        }
        Some(self.end(rows)).filter(|end| *end >= floor)
    }

    /// Opens the cells a reading may begin at: the corner, and behind particles that are passed over.
    fn starts(&self, rows: &mut [Row]) {
        let (a, b) = (self.a, self.b);
        let mut open = |i: usize, j: usize, value: i16| {
            if let Some(row) = rows.get_mut(i) {
                raise(row, j, value);
            }
        };
        open(0, 0, 0);
        let (skip_a, skip_b) =
            (a.skip > 0 && a.skip < a.symbols.len(), b.skip > 0 && b.skip < b.symbols.len());
        if skip_b {
            open(0, b.skip, self.caps(0, b.skip) - b.cost);
        }
        if skip_a {
            open(a.skip, 0, self.caps(a.skip, 0) - a.cost);
        }
        if skip_a && skip_b {
            // Two different particles (or two equal ones, which say nothing) are passed over together.
            open(a.skip, b.skip, self.caps(a.skip, b.skip) - (a.cost - b.cost).abs());
        }
    }

    /// The most that giving up a feminine ending can give.
    fn tail_gain(&self) -> i16 {
        let (na, nb) = (self.a.symbols.len(), self.b.symbols.len());
        let of = |on: bool, i: usize, j: usize| {
            if on { (self.cap - self.caps(i, j) - TAIL_COST).max(0) } else { 0 }
        };
        of(self.a.tail > 0, na.saturating_sub(self.a.tail), nb).max(of(
            self.b.tail > 0,
            na,
            nb.saturating_sub(self.b.tail),
        ))
    }

    /// What the best reading gives. A feminine ending on one side only is given up for its bits and a little more.
    fn end(&self, rows: &[Row]) -> i16 {
        let (na, nb) = (self.a.symbols.len(), self.b.symbols.len());
        let cell = |i: usize, j: usize| rows.get(i).map_or(LOW, |row| at(row, j));
        let mut end = cell(na, nb);
        if self.a.tail > 0 {
            let from = na - self.a.tail.min(na);
            end = end.max(cell(from, nb) + self.cap - self.caps(from, nb) - TAIL_COST);
        }
        if self.b.tail > 0 && self.b.tail < nb {
            let from = nb - self.b.tail;
            end = end.max(cell(na, from) + self.cap - self.caps(na, from) - TAIL_COST);
        }
        end
    }
}

impl Columns {
    fn of(piece: &Piece<'_>, top: &[i8; 256]) -> Self {
        let mut out =
            Self { singles: [NO_UNIT; SIDE], longer: [(0, 0, 0); 2 * SIDE], count: 0, rest: [0; SIDE] };
        for (end, (units, slot)) in (1_u8..).zip(piece.units.iter().zip(out.singles.iter_mut().skip(1))) {
            let [_, single, pair, triple] = *units;
            *slot = single;
            for (unit, length) in [(pair, 2_u8), (triple, 3)] {
                let fits = usize::from(end) + usize::from(length) <= piece.units.len() + 1;
                if let Some(slot) = out.longer.get_mut(out.count).filter(|_| unit != NO_UNIT && fits) {
                    *slot = (end + length - 1, length, unit);
                    out.count += 1;
                }
            }
        }
        piece.rest(top, &mut out.rest);
        out
    }

    /// Steps within a row: a symbol of the second piece alone.
    #[inline]
    fn insert(&self, row: &mut Row, none: &[i8; 256], count: usize) {
        let mut before = LOW;
        for (cell, unit) in row.iter_mut().skip(PAD).zip(&self.singles).take(count + 1) {
            *cell = (*cell).max(before.wrapping_add(look(none, *unit)));
            before = *cell;
        }
    }

    /// True when a cell of the row can still lead to the least that is of use.
    #[inline]
    fn hopeful<const N: usize>(&self, row: &Row, least: i16, rest: i16) -> bool {
        let (Some(row), Some(own)) = (chunk::<N>(row, 0), self.rest.first_chunk::<N>()) else { return false };
        let best = row.iter().zip(own).map(|(cell, own)| cell.wrapping_add(rest.min(*own)));
        best.fold(i16::MIN, i16::max) >= least
    }

    /// Pushes the steps that read one unit of the first piece as nothing or as a unit of the second.
    ///
    /// A place where no unit ends reads the last column of the table, which holds [`NEVER`]: far below any other way.
    #[inline]
    fn step<const N: usize>(&self, current: &Row, target: &mut Row, bits: &[i8; 256]) {
        let Some(out) = target.get_mut(PAD..).and_then(|row| row.first_chunk_mut::<N>()) else { return };
        let (Some(here), Some(before)) = (chunk::<N>(current, 0), chunk::<N>(current, 1)) else { return };
        let Some(singles) = self.singles.first_chunk::<N>() else { return };
        let nothing = look(bits, 0);
        for (((slot, cell), before), unit) in out.iter_mut().zip(here).zip(before).zip(singles) {
            let single = before.wrapping_add(look(bits, *unit));
            *slot = (*slot).max(cell.wrapping_add(nothing)).max(single);
        }
        for (end, length, unit) in self.longer.iter().take(self.count).copied() {
            let from = at(current, usize::from(end - length));
            raise(target, usize::from(end), from.wrapping_add(look(bits, unit)));
        }
    }
}

/// The cells of a row, read so many cells before their places.
#[inline]
fn chunk<const N: usize>(row: &Row, before: usize) -> Option<&[i16; N]> {
    row.get(PAD.checked_sub(before)?..)?.first_chunk::<N>()
}

/// The bits of one unit against all of the other script.
#[inline]
fn line(table: &[i8], unit: u8) -> Option<&[i8; 256]> {
    table.get(usize::from(unit) * 256..)?.first_chunk::<256>()
}

#[inline]
fn look(bits: &[i8; 256], unit: u8) -> i16 {
    i16::from(bits.get(usize::from(unit)).copied().unwrap_or(NEVER))
}

#[inline]
fn at(row: &Row, j: usize) -> i16 {
    row.get(PAD + j).copied().unwrap_or(LOW)
}

#[inline]
fn raise(row: &mut Row, j: usize, value: i16) {
    if let Some(cell) = row.get_mut(PAD + j) {
        *cell = (*cell).max(value);
    }
}
