//! The learned tables: units of letters per script and the bits every pair of units gives.
//!
//! The text they are read from is made by `mithaq-names-train` and committed under `tables/` with its
//! provenance. What this module deliberately does not do: learn.

use std::sync::LazyLock;

use crate::align::NO_UNIT;
use crate::hashed::Hashed;
use crate::present::Present;
use crate::script::{Script, Symbol};

/// Version of everything that decides a likeness or a key. It is part of every result; results and keys of
/// different versions must not be compared.
///
/// ```
/// assert!(mithaq_names::TABLES_VERSION >= 1);
/// ```
pub const TABLES_VERSION: u32 = 8;

/// Bits are stored in eighths.
pub(crate) const SCALE: f32 = 8.0;
/// A pair of units the training never saw.
pub(crate) const NEVER: i8 = i8::MIN;
/// Bits in eighths from which one letter may stand for another.
const STANDS_FOR: i8 = 6;
/// Units per script, the empty unit (0) included.
const UNITS: usize = 256;
const SYMBOLS: usize = 64;

static TABLES: LazyLock<Tables> =
    LazyLock::new(|| Tables::read(include_str!("../tables/units.txt"), include_str!("../tables/rarity.txt")));

/// Returns the built-in tables.
pub(crate) fn tables() -> &'static Tables {
    &TABLES
}

/// Units of one script.
pub(crate) struct Units {
    /// Letters of the alphabet and their symbols, in order of the letters.
    letters: Vec<(char, Symbol)>,
    /// Units so far, the empty one included.
    count: usize,
    /// Unit id of two symbols at `first * 64 + second`, [`NO_UNIT`] where there is none.
    pairs: Vec<u8>,
    /// Unit id of a pair unit and a third symbol at `pair * 64 + third`; none for the pair [`NO_UNIT`].
    triples: Vec<u8>,
}

/// Everything learned.
pub(crate) struct Tables {
    units: Vec<Units>,
    /// By ordered script pair: bits in eighths at `a * 256 + b`.
    bits: Vec<Vec<i8>>,
    /// By script and partner script: the best a unit of one symbol can give, in eighths; nothing where it has no partner.
    best: Vec<[i8; SYMBOLS]>,
    /// By script and partner script: the units that a unit may stand for.
    partners: Vec<[Present; UNITS]>,
    /// By script and partner script: per letter, the letters it may stand for, one bit each.
    stands: Vec<[u64; SYMBOLS]>,
    /// Fine skeletons and their rarity in eighths of a bit.
    rarity: Hashed<u8>,
}

/// Position of an ordered pair of scripts (first not after second) among the fifteen.
pub(crate) const fn pair_index(low: Script, high: Script) -> usize {
    let (low, high) = (low.index(), high.index());
    low * 5 - low * (low + 1) / 2 + high
}

impl Tables {
    /// Reads the committed text. Lines that do not parse are skipped: a test compares the counts.
    fn read(units: &str, rarity: &str) -> Self {
        let rarity: Vec<(u64, u8)> = rarity.lines().filter_map(rarity_line).collect();
        let mut tables = Self {
            units: Script::ALL.iter().map(|script| Units::letters(*script)).collect(),
            bits: (0..15).map(|_| vec![NEVER; UNITS * UNITS]).collect(),
            best: vec![[NEVER; SYMBOLS]; 25],
            partners: vec![[Present::NONE; UNITS]; 25],
            stands: vec![[0; SYMBOLS]; 25],
            rarity: Hashed::new(rarity.into_iter()),
        };
        let mut section = None;
        for line in units.lines() {
            if let Some(name) = line.strip_prefix("script ") {
                section = script_of(name.chars().next()).map(Section::Units);
            } else if let Some(name) = line.strip_prefix("pair ") {
                let mut codes = name.chars();
                section =
                    script_of(codes.next()).zip(script_of(codes.next())).map(|(a, b)| Section::Bits(a, b));
            } else {
                match section {
                    Some(Section::Units(script)) => {
                        line.split_whitespace().for_each(|unit| tables.add_unit(script, unit));
                    }
                    Some(Section::Bits(a, b)) => tables.add_bits(a, b, line),
                    None => {}
                }
            }
        }
        for slot in tables.best.iter_mut().flatten() {
            *slot = if *slot == NEVER { 0 } else { *slot };
        }
        tables
    }

    fn add_unit(&mut self, script: Script, unit: &str) {
        if let Some(units) = self.units.get_mut(script.index()) {
            units.add(unit);
        }
    }

    /// Reads `unit other:eighths other:eighths …`; `-` is the empty unit.
    fn add_bits(&mut self, a: Script, b: Script, line: &str) {
        let mut fields = line.split(' ');
        let Some(first) = fields.next().and_then(|unit| self.unit(a, unit)) else { return };
        for field in fields {
            let Some((unit, eighths)) = field.rsplit_once(':') else { continue };
            let (Some(second), Ok(eighths)) = (self.unit(b, unit), eighths.parse::<i8>()) else { continue };
            self.set(a, first, b, second, eighths);
            if a == b {
                self.set(a, second, b, first, eighths);
            }
        }
    }

    fn set(&mut self, a: Script, x: u8, b: Script, y: u8, eighths: i8) {
        let at = usize::from(x) * UNITS + usize::from(y);
        if let Some(slot) = self.bits.get_mut(pair_index(a, b)).and_then(|table| table.get_mut(at)) {
            *slot = eighths;
        }
        for (of, unit, against, other) in [(a, x, b, y), (b, y, a, x)] {
            let (row, unit) = (of.index() * 5 + against.index(), usize::from(unit));
            if let Some(slot) = self.best.get_mut(row).and_then(|row| row.get_mut(unit)) {
                *slot = (*slot).max(eighths);
            }
            if let Some(slot) = self.partners.get_mut(row).and_then(|row| row.get_mut(unit)) {
                slot.add(other);
            }
        }
        let letters = usize::from(x) < SYMBOLS && usize::from(y) < SYMBOLS && x > 0 && y > 0;
        if letters && eighths >= STANDS_FOR {
            for (of, letter, against, other) in [(a, x, b, y), (b, y, a, x)] {
                let row = self.stands.get_mut(of.index() * 5 + against.index());
                if let Some(slot) = row.and_then(|row| row.get_mut(usize::from(letter))) {
                    *slot |= 1 << other;
                }
            }
        }
    }

    fn unit(&self, script: Script, text: &str) -> Option<u8> {
        if text == "-" {
            return Some(0);
        }
        self.units.get(script.index())?.of(text)
    }

    /// Returns the letters of a script that a letter may stand for, one bit each; of its own script, itself too.
    pub(crate) fn stands_for(&self, of: Script, letter: Symbol, against: Script) -> u64 {
        let known = self.stands.get(of.index() * 5 + against.index());
        let known = known.and_then(|row| row.get(usize::from(letter))).copied().unwrap_or(0);
        known | if of == against { 1 << (letter & 63) } else { 0 }
    }

    /// Returns the bits of an ordered script pair, 256 a row.
    pub(crate) fn bits(&self, low: Script, high: Script) -> &[i8] {
        self.bits.get(pair_index(low, high)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns, per unit, the units of another script it gives anything with.
    pub(crate) fn partners(&self, of: Script, against: Script) -> &[Present; UNITS] {
        const NONE: [Present; UNITS] = [Present::NONE; UNITS];
        self.partners.get(of.index() * 5 + against.index()).unwrap_or(&NONE)
    }

    /// Returns, per symbol, the best it can give against another script.
    pub(crate) fn best(&self, of: Script, against: Script) -> &[i8; SYMBOLS] {
        const NONE: [i8; SYMBOLS] = [0; SYMBOLS];
        self.best.get(of.index() * 5 + against.index()).unwrap_or(&NONE)
    }

    /// Returns the units of a script.
    pub(crate) fn units(&self, script: Script) -> Option<&Units> {
        self.units.get(script.index())
    }

    /// Returns how rare a fine skeleton is, in bits, when it is common enough to be listed.
    pub(crate) fn rarity(&self, fine: u64) -> Option<f32> {
        self.rarity.get(fine).map(|eighths| f32::from(eighths) / SCALE)
    }
}

enum Section {
    Units(Script),
    Bits(Script, Script),
}

impl Units {
    /// The letters of the alphabet are the units of length one.
    fn letters(script: Script) -> Self {
        let mut letters: Vec<(char, Symbol)> = crate::script::alphabet(script).chars().zip(1..).collect();
        letters.sort_unstable();
        let count = letters.len() + 1;
        Self {
            letters,
            count,
            pairs: vec![NO_UNIT; SYMBOLS * SYMBOLS],
            triples: vec![NO_UNIT; UNITS * SYMBOLS],
        }
    }

    fn symbol(&self, letter: char) -> Option<Symbol> {
        let at = self.letters.binary_search_by_key(&letter, |entry| entry.0).ok()?;
        self.letters.get(at).map(|entry| entry.1)
    }

    /// Adds a unit of two or three letters; a unit of three needs its first two to be a unit.
    fn add(&mut self, unit: &str) {
        let Ok(id) = u8::try_from(self.count) else { return };
        let mut symbols = unit.chars().filter_map(|c| self.symbol(c)).map(usize::from);
        let (Some(first), Some(second), third) = (symbols.next(), symbols.next(), symbols.next()) else {
            return;
        };
        let pair_at = first * SYMBOLS + second;
        let pair = self.pairs.get(pair_at).copied().unwrap_or(NO_UNIT);
        let slot = match third {
            None => self.pairs.get_mut(pair_at),
            Some(_) if pair == NO_UNIT => None,
            Some(third) => self.triples.get_mut(usize::from(pair) * SYMBOLS + third),
        };
        if let Some(slot) = slot {
            *slot = id;
            self.count += 1;
        }
    }

    /// Returns the unit of two symbols, or [`NO_UNIT`].
    #[inline]
    pub(crate) fn pair(&self, first: Symbol, second: Symbol) -> u8 {
        self.pairs.get(usize::from(first) * SYMBOLS + usize::from(second)).copied().unwrap_or(NO_UNIT)
    }

    /// Returns the unit of a pair unit and a third symbol, or [`NO_UNIT`].
    #[inline]
    pub(crate) fn triple(&self, pair: u8, third: Symbol) -> u8 {
        self.triples.get(usize::from(pair) * SYMBOLS + usize::from(third)).copied().unwrap_or(NO_UNIT)
    }

    /// Returns the id of a unit.
    fn of(&self, unit: &str) -> Option<u8> {
        let mut letters = unit.chars();
        let first = self.symbol(letters.next()?)?;
        let Some(second) = letters.next() else { return Some(first) };
        let at = usize::from(first) * SYMBOLS + usize::from(self.symbol(second)?);
        let pair = self.pairs.get(at).copied().filter(|pair| *pair != NO_UNIT)?;
        let Some(third) = letters.next() else { return Some(pair) };
        let at = usize::from(pair) * SYMBOLS + usize::from(self.symbol(third)?);
        self.triples.get(at).copied().filter(|triple| *triple != NO_UNIT)
    }
}

fn script_of(code: Option<char>) -> Option<Script> {
    Script::ALL.into_iter().find(|script| Some(script.code()) == code)
}

/// Reads `fine-skeleton-in-hex eighths`.
fn rarity_line(line: &str) -> Option<(u64, u8)> {
    let (key, eighths) = line.split_once(' ')?;
    Some((u64::from_str_radix(key, 16).ok()?, eighths.parse().ok()?))
}
