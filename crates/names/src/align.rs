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

    /// The units that begin at a place, by length 0–3; [`NO_UNIT`] where there is none.
    fn units(&self, at: usize) -> [u8; 4] {
        let left = self.symbols.len().saturating_sub(at);
        let get = |list: &[u8], need: usize| {
            let unit = if left >= need { list.get(at).copied().unwrap_or(0) } else { 0 };
            if unit == 0 { NO_UNIT } else { unit }
        };
        [0, get(self.symbols, 1), get(self.pairs, 2), get(self.triples, 3)]
    }

    /// The most the first `count` symbols can give against another script, in eighths of a bit.
    fn best(&self, tables: &Tables, against: Script, count: usize) -> i16 {
        let best = tables.best(self.script, against);
        self.symbols
            .iter()
            .take(count)
            .map(|s| i16::from(best.get(usize::from(*s)).copied().unwrap_or(0)))
            .sum()
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
const NO_UNIT: u8 = 255;
const SIDE: usize = MERGED_MAX as usize + 4;
const LOW: i16 = i16::MIN / 2;
/// Eighths of a bit by which a longer unit may exceed the best of its letters, per letter.
const HOPE: i16 = 2;
/// Cost of losing a feminine ending, in eighths of a bit.
const TAIL_COST: i16 = 12;
/// Cells further than this from the diagonal are not visited.
const BAND: usize = 7;

/// Cells of one row.
type Row = [i16; SIDE];

/// Aligns two pieces. Symmetric.
pub(crate) fn align(tables: &Tables, a: &Piece<'_>, b: &Piece<'_>) -> Aligned {
    align_in(tables, a, b, None)
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
    let mut rows = Vec::with_capacity(a.symbols.len() + 1);
    align_in(tables, a, b, Some(&mut rows));
    let cell = |i: usize, j: usize| rows.get(i).and_then(|row: &Row| row.get(j)).copied().unwrap_or(LOW);
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

/// The units of the second piece by length and place, and the longest that occurs.
struct Columns {
    units: [[u8; SIDE]; 4],
    longest: usize,
}

impl Columns {
    fn of(piece: &Piece<'_>) -> Self {
        let mut out =
            Self { units: [[0; SIDE], [NO_UNIT; SIDE], [NO_UNIT; SIDE], [NO_UNIT; SIDE]], longest: 1 };
        for at in 0..piece.symbols.len() {
            for (length, unit) in piece.units(at).iter().enumerate().skip(1) {
                if let Some(slot) = out.units.get_mut(length).and_then(|row| row.get_mut(at)) {
                    *slot = *unit;
                    out.longest = if *unit == NO_UNIT { out.longest } else { out.longest.max(length) };
                }
            }
        }
        out
    }
}

fn align_in(tables: &Tables, a: &Piece<'_>, b: &Piece<'_>, mut record: Option<&mut Vec<Row>>) -> Aligned {
    if !in_order(a, b) {
        return align_in(tables, b, a, record);
    }
    let (na, nb) = (a.symbols.len(), b.symbols.len());
    let caps = |i: usize, j: usize| (a.best(tables, b.script, i) + b.best(tables, a.script, j)) / 2;
    let cap = caps(na, nb);
    let table = tables.bits(a.script, b.script);
    let columns = Columns::of(b);
    let mut rows = [[LOW; SIDE]; 4];
    let [first, ..] = &mut rows;
    raise(first, 0, 0);
    if b.skip > 0 && b.skip < nb {
        raise(first, b.skip, caps(0, b.skip) - b.cost);
    }
    let best = tables.best(a.script, b.script);
    // What the symbols still to come can give at most; units of several letters can give a little more than the sum.
    let hope = |s: &Symbol| best.get(usize::from(*s)).map_or(0, |bits| i16::from(*bits).max(0)) + HOPE;
    let mut rest: i16 = a.symbols.iter().map(hope).sum();
    let (mut recent, mut last, mut before_tail) = ([LOW; 3], [LOW; SIDE], LOW);
    for i in 0..=na {
        if a.skip > 0 && i == a.skip && i < na {
            start_after_skip(a, b, &caps, &mut rows);
        }
        let middle = (i * nb).checked_div(na).unwrap_or(0);
        let band = middle.saturating_sub(BAND)..(middle + BAND).min(nb) + 1;
        let reached = step_row(&mut rows, table, &a.units(i), &columns, band);
        let [current, second, third, fourth] = rows;
        if let Some(record) = record.as_deref_mut() {
            record.push(current);
        } else {
            let [x, y, _] = recent;
            // What a reading must reach to be of any use: when no open row can, the search ends.
            if reached.max(x).max(y).saturating_add(rest) < -cap / 4 {
                return Aligned { cap, loss: cap.saturating_mul(2) };
            }
            recent = [reached, x, y];
        }
        if i + a.tail == na {
            before_tail = at(&current, nb);
        }
        last = current;
        rows = [second, third, fourth, [LOW; SIDE]];
        rest -= a.symbols.get(i).map_or(0, hope);
    }
    // A feminine ending on one side only: given up for its bits and a little more.
    let mut end = at(&last, nb);
    if a.tail > 0 {
        end = end.max(before_tail + cap - caps(na - a.tail.min(na), nb) - TAIL_COST);
    }
    if b.tail > 0 && b.tail < nb {
        end = end.max(at(&last, nb - b.tail) + cap - caps(na, nb - b.tail) - TAIL_COST);
    }
    Aligned { cap, loss: cap - end.max(-800) }
}

/// Opens the cells behind a skipped beginning of the first piece.
fn start_after_skip(a: &Piece<'_>, b: &Piece<'_>, caps: &impl Fn(usize, usize) -> i16, rows: &mut [Row; 4]) {
    let [current, ..] = rows;
    raise(current, 0, caps(a.skip, 0) - a.cost);
    if b.skip > 0 && b.skip < b.symbols.len() {
        // Two different particles (or two equal ones, which say nothing) are passed over together.
        raise(current, b.skip, caps(a.skip, b.skip) - (a.cost - b.cost).abs());
    }
}

/// Pushes every step that leaves the cells of the first row; returns its best cell.
///
/// A place without a unit reads the last column of the table, which holds [`NEVER`]: far below any other way.
fn step_row(
    rows: &mut [Row; 4],
    table: &[i8],
    units: &[u8; 4],
    columns: &Columns,
    band: std::ops::Range<usize>,
) -> i16 {
    let [current, targets @ ..] = rows;
    let [_, single, ..] = &columns.units;
    if let Some(bits) = table.first_chunk::<256>() {
        for j in band.clone() {
            let value = at(current, j).wrapping_add(look(bits, single, j));
            raise(current, j + 1, value);
        }
    }
    for (unit, target) in units.iter().skip(1).zip(targets) {
        let start = usize::from(*unit) * 256;
        let Some(bits) = table.get(start..).and_then(|t| t.first_chunk::<256>()).filter(|_| *unit != NO_UNIT)
        else {
            continue;
        };
        for (lb, column) in columns.units.iter().enumerate().take(columns.longest + 1) {
            for j in band.clone() {
                let value = at(current, j).wrapping_add(look(bits, column, j));
                raise(target, j + lb, value);
            }
        }
    }
    band.map(|j| at(current, j)).max().unwrap_or(LOW)
}

fn look(bits: &[i8; 256], column: &[u8; SIDE], j: usize) -> i16 {
    let unit = column.get(j).copied().unwrap_or(NO_UNIT);
    i16::from(bits.get(usize::from(unit)).copied().unwrap_or(NEVER))
}

fn at(row: &Row, j: usize) -> i16 {
    row.get(j).copied().unwrap_or(LOW)
}

fn raise(row: &mut Row, j: usize, value: i16) {
    if let Some(cell) = row.get_mut(j) {
        *cell = (*cell).max(value);
    }
}
