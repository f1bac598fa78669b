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
    pairs: &'a [u8],
    triples: &'a [u8],
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
            pairs: name.pairs.get(start..end).unwrap_or_default(),
            triples: name.triples.get(start..end).unwrap_or_default(),
            tail: usize::from(token.tail),
            skip: usize::from(token.skip),
            cost: i16::from(token.skip_cost),
        }
    }

    /// The units that begin at a place, by length 0–3; 0 where there is none.
    fn units(&self, at: usize) -> [u8; 4] {
        let left = self.symbols.len().saturating_sub(at);
        let get = |list: &[u8], need: usize| if left >= need { list.get(at).copied().unwrap_or(0) } else { 0 };
        [0, get(self.symbols, 1), get(self.pairs, 2), get(self.triples, 3)]
    }

    /// The most the first `count` symbols can give against another script, in eighths of a bit.
    fn best(&self, tables: &Tables, against: Script, count: usize) -> i16 {
        let best = tables.best(self.script, against);
        self.symbols.iter().take(count).map(|s| i16::from(best.get(usize::from(*s)).copied().unwrap_or(0))).sum()
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

const SIDE: usize = MERGED_MAX as usize + 4;
const LOW: i16 = i16::MIN / 2;
/// Cost of losing a feminine ending, in eighths of a bit.
const TAIL_COST: i16 = 12;
/// Cells further than this from the diagonal are not visited.
const BAND: usize = 7;

struct Grid {
    cells: [[i16; SIDE]; SIDE],
}

impl Grid {
    fn raise(&mut self, i: usize, j: usize, value: i16) {
        if let Some(cell) = self.cells.get_mut(i).and_then(|row| row.get_mut(j)) {
            *cell = (*cell).max(value);
        }
    }

    fn at(&self, i: usize, j: usize) -> i16 {
        self.cells.get(i).and_then(|row| row.get(j)).copied().unwrap_or(LOW)
    }
}

/// Aligns two pieces. Symmetric.
pub(crate) fn align(tables: &Tables, a: &Piece<'_>, b: &Piece<'_>) -> Aligned {
    let mut grid = Grid { cells: [[LOW; SIDE]; SIDE] };
    align_in(&mut grid, tables, a, b)
}

/// Aligns two pieces and returns the steps of the best reading, in the order of the symbols.
pub(crate) fn trace(tables: &Tables, a: &Piece<'_>, b: &Piece<'_>) -> Vec<Step> {
    if a.script > b.script {
        let swapped = trace(tables, b, a);
        return swapped.into_iter().map(|s| Step { a: s.b, b: s.a, eighths: s.eighths }).collect();
    }
    let mut grid = Grid { cells: [[LOW; SIDE]; SIDE] };
    align_in(&mut grid, tables, a, b);
    let table = tables.bits(a.script, b.script);
    let mut steps = Vec::new();
    let (mut i, mut j) = (a.symbols.len(), b.symbols.len());
    'back: while i > 0 || j > 0 {
        for la in 0..=i.min(3) {
            for lb in 0..=j.min(3) {
                let (from_i, from_j) = (i - la, j - lb);
                let Some(bits) = step_bits(table, a, b, (from_i, la), (from_j, lb)) else { continue };
                let before = grid.at(from_i, from_j);
                if before > LOW && before + bits == grid.at(i, j) {
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

fn step_bits(table: &[i8], a: &Piece<'_>, b: &Piece<'_>, from_a: (usize, usize), from_b: (usize, usize)) -> Option<i16> {
    let ((i, la), (j, lb)) = (from_a, from_b);
    if la + lb == 0 {
        return None;
    }
    let ua = *a.units(i).get(la)?;
    let ub = *b.units(j).get(lb)?;
    if (la > 0 && ua == 0) || (lb > 0 && ub == 0) {
        return None;
    }
    let bits = *table.get(usize::from(ua) * 256 + usize::from(ub))?;
    (bits != NEVER).then_some(i16::from(bits))
}

fn align_in(grid: &mut Grid, tables: &Tables, a: &Piece<'_>, b: &Piece<'_>) -> Aligned {
    if a.script > b.script {
        return align_in(grid, tables, b, a);
    }
    let (na, nb) = (a.symbols.len(), b.symbols.len());
    let caps = |i: usize, j: usize| (a.best(tables, b.script, i) + b.best(tables, a.script, j)) / 2;
    grid.raise(0, 0, 0);
    if a.skip > 0 && a.skip < na {
        grid.raise(a.skip, 0, caps(a.skip, 0) - a.cost);
    }
    if b.skip > 0 && b.skip < nb {
        grid.raise(0, b.skip, caps(0, b.skip) - b.cost);
    }
    if a.skip > 0 && b.skip > 0 && a.skip < na && b.skip < nb {
        // Two different particles (or two equal ones, which say nothing) are passed over together.
        grid.raise(a.skip, b.skip, caps(a.skip, b.skip) - (a.cost - b.cost).abs());
    }
    let table = tables.bits(a.script, b.script);
    for i in 0..=na {
        let units_a = a.units(i);
        let middle = if na == 0 { 0 } else { i * nb / na };
        let (low, high) = (middle.saturating_sub(BAND), (middle + BAND).min(nb));
        for j in low..=high {
            let here = grid.at(i, j);
            if here > LOW {
                relax(grid, table, (i, &units_a), (j, &b.units(j)), here);
            }
        }
    }
    let cap = caps(na, nb);
    // A feminine ending on one side only: given up for its bits and a little more.
    for (i, j, tail) in [(na.saturating_sub(a.tail), nb, a.tail), (na, nb.saturating_sub(b.tail), b.tail)] {
        if tail > 0 {
            grid.raise(na, nb, grid.at(i, j) + cap - caps(i, j) - TAIL_COST);
        }
    }
    Aligned { cap, loss: cap - grid.at(na, nb).max(-800) }
}

/// Pushes every step that leaves a cell.
fn relax(grid: &mut Grid, table: &[i8], a: (usize, &[u8; 4]), b: (usize, &[u8; 4]), here: i16) {
    for (la, ua) in a.1.iter().enumerate() {
        if la > 0 && *ua == 0 {
            continue;
        }
        let Some(row) = table.get(usize::from(*ua) * 256..usize::from(*ua) * 256 + 256) else { continue };
        for (lb, ub) in b.1.iter().enumerate() {
            if (lb > 0 && *ub == 0) || la + lb == 0 {
                continue;
            }
            let bits = row.get(usize::from(*ub)).copied().unwrap_or(NEVER);
            if bits != NEVER {
                grid.raise(a.0 + la, b.0 + lb, here + i16::from(bits));
            }
        }
    }
}
