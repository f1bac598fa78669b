//! The weighted transducer at work: the best way to read one token as another.
//!
//! Dynamic programming over units of up to three letters a side. Time is bounded by the token length
//! ([`crate::MAX_WORD_SYMBOLS`], joined tokens 30), so by about 900 cells. What this module deliberately does
//! not do: decide what a score means (see `score`).

mod memory;
mod quick;
mod whole;

use crate::name::{Name, Token};
use crate::present::Present;
use crate::script::{Script, Symbol};
use crate::structure::MERGED_MAX;
use crate::tables::{NEVER, Tables};
pub(crate) use quick::Grid;
use whole::Cells;

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
    cost: i32,
    /// The units it holds.
    present: Present,
}

impl<'a> Piece<'a> {
    /// The symbols of one token.
    pub(crate) fn token(name: &'a Name, token: &Token) -> Self {
        let range = token.range();
        Self { present: token.present, ..Self::slice(name, token, range.start, range.end) }
    }

    /// Two neighbouring tokens read as one.
    pub(crate) fn joined(name: &'a Name, first: &Token, second: &Token) -> Self {
        let end = second.range().end.min(usize::from(first.start) + usize::from(MERGED_MAX));
        let piece = Self::slice(name, first, usize::from(first.start), end);
        Self { tail: usize::from(second.tail), present: Present::of(piece.units), ..piece }
    }

    fn slice(name: &'a Name, token: &Token, start: usize, end: usize) -> Self {
        Self {
            script: token.script,
            symbols: name.symbols.get(start..end).unwrap_or_default(),
            units: name.units.get(start..end).unwrap_or_default(),
            tail: usize::from(token.tail),
            skip: usize::from(token.skip),
            cost: i32::from(token.skip_cost),
            present: Present::NONE,
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

    /// What the first `count` symbols give if each meets its best partner, in eighths of a bit.
    fn best(&self, best: &[i8; 64], count: usize) -> i32 {
        let of = |s: &Symbol| i32::from(best.get(usize::from(*s & 63)).copied().unwrap_or(0));
        self.symbols.iter().take(count).map(of).fold(0, i32::wrapping_add)
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
    pub(crate) eighths: i32,
}

/// Stands for "no unit of this length begins here"; no script has so many units.
pub(crate) const NO_UNIT: u8 = 255;
/// Cells of a row: the longest piece and one.
const SIDE: usize = 32;
const _: () = assert!((MERGED_MAX as usize) < SIDE);
/// Cost of losing a feminine ending, in eighths of a bit.
const TAIL_COST: i32 = 12;
/// Cells further than this from the diagonal are not visited.
const BAND: usize = 7;
/// What the smallest loss is measured against, in eighths of a bit.
pub(crate) const CAP_MIN: i16 = 48;

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
    let key = grid.memory.key(a, b, share);
    if let Some(known) = key.as_ref().and_then(|key| grid.memory.recall(key)) {
        return known;
    }
    let found = search(tables, (a, b), share, grid);
    if let Some(key) = key {
        grid.memory.remember(key, found);
    }
    found
}

/// Searches the best reading of two pieces that stand in order.
fn search(tables: &Tables, (a, b): (&Piece<'_>, &Piece<'_>), share: i32, grid: &mut Grid) -> Option<Aligned> {
    let search = Search::new(tables, a, b);
    let cap = search.cap;
    if cap <= 0 {
        return None;
    }
    let floor = cap - (cap.max(i32::from(CAP_MIN)) * share / 1000 + 1);
    let end = search.run(tables, floor, grid)?;
    let short = |value: i32| i16::try_from(value).unwrap_or(i16::MAX);
    Some(Aligned { cap: short(cap), loss: short(cap - end) })
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
    let table = tables.bits(a.script, b.script);
    if a.symbols.len() >= SIDE || b.symbols.len() >= SIDE {
        return Vec::new();
    }
    let cells = Cells::new(&Search::new(tables, a, b), tables);
    let mut steps = Vec::new();
    let (mut i, mut j) = (a.symbols.len(), b.symbols.len());
    'back: while i > 0 || j > 0 {
        for la in 0..=i.min(3) {
            for lb in 0..=j.min(3) {
                let (from_i, from_j) = (i - la, j - lb);
                let Some(bits) = step_bits(table, a, b, (from_i, la), (from_j, lb)) else { continue };
                let before = cells.at(from_i, from_j);
                if before > whole::LOW / 2 && before + bits == cells.at(i, j) {
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
) -> Option<i32> {
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
    (bits != NEVER).then_some(i32::from(bits))
}

/// The search for the best reading of two pieces that stand in order.
struct Search<'a> {
    a: &'a Piece<'a>,
    b: &'a Piece<'a>,
    /// What the letters would give if each had met its best partner.
    cap: i32,
    best_a: &'a [i8; 64],
    best_b: &'a [i8; 64],
}

impl<'a> Search<'a> {
    fn new(tables: &'a Tables, a: &'a Piece<'a>, b: &'a Piece<'a>) -> Self {
        let (best_a, best_b) = (tables.best(a.script, b.script), tables.best(b.script, a.script));
        let mut out = Self { a, b, cap: 0, best_a, best_b };
        out.cap = out.caps(a.symbols.len(), b.symbols.len());
        out
    }

    /// What the first symbols of both would give if each had met its best partner.
    fn caps(&self, i: usize, j: usize) -> i32 {
        (self.a.best(self.best_a, i) + self.b.best(self.best_b, j)) / 2
    }

    /// Returns what the best reading gives, when it reaches the floor.
    fn run(&self, tables: &Tables, floor: i32, grid: &mut Grid) -> Option<i32> {
        let (na, nb) = (self.a.symbols.len(), self.b.symbols.len());
        if na == 0 || nb == 0 || na >= SIDE || nb >= SIDE {
            return None;
        }
        if na.max(nb) <= quick::LONGEST {
            return quick::run(self, tables, floor, grid);
        }
        let cells = Cells::new(self, tables);
        Some(self.end(|i, j| cells.at(i, j))).filter(|end| *end >= floor)
    }

    /// Opens the cells of a row that a reading may begin at: the corner, and behind particles that are passed over.
    fn starts(&self, row: usize, mut open: impl FnMut(usize, i32)) {
        let (a, b) = (self.a, self.b);
        let skip_a = a.skip > 0 && a.skip < a.symbols.len() && row == a.skip;
        let skip_b = b.skip > 0 && b.skip < b.symbols.len();
        if row == 0 {
            open(0, 0);
            if skip_b {
                open(b.skip, self.caps(0, b.skip) - b.cost);
            }
        }
        if skip_a {
            open(0, self.caps(a.skip, 0) - a.cost);
            if skip_b {
                // Two different particles (or two equal ones, which say nothing) are passed over together.
                open(b.skip, self.caps(a.skip, b.skip) - (a.cost - b.cost).abs());
            }
        }
    }

    /// What giving up a feminine ending of the first piece gives besides the cell before it: its bits, less a little.
    fn ending_a(&self) -> Option<(usize, i32)> {
        let (na, nb) = (self.a.symbols.len(), self.b.symbols.len());
        let from = na - self.a.tail.min(na);
        (self.a.tail > 0).then(|| (from, self.cap - self.caps(from, nb) - TAIL_COST))
    }

    /// The same of the second piece.
    fn ending_b(&self) -> Option<(usize, i32)> {
        let (na, nb) = (self.a.symbols.len(), self.b.symbols.len());
        let from = nb.saturating_sub(self.b.tail);
        (self.b.tail > 0 && from > 0).then(|| (from, self.cap - self.caps(na, from) - TAIL_COST))
    }

    /// The most that giving up a feminine ending can give.
    fn tail_gain(&self) -> i32 {
        let gain = |ending: Option<(usize, i32)>| ending.map_or(0, |(_, gain)| gain.max(0));
        gain(self.ending_a()).max(gain(self.ending_b()))
    }

    /// What the best reading gives. A feminine ending on one side only is given up for its bits and a little more.
    fn end(&self, cell: impl Fn(usize, usize) -> i32) -> i32 {
        let (na, nb) = (self.a.symbols.len(), self.b.symbols.len());
        let mut end = cell(na, nb);
        if let Some((from, gain)) = self.ending_a() {
            end = end.max(cell(from, nb) + gain);
        }
        if let Some((from, gain)) = self.ending_b() {
            end = end.max(cell(na, from) + gain);
        }
        end
    }
}

#[cfg(test)]
mod tests;
