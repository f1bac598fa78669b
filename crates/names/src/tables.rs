//! The learned tables: units of letters per script and the bits every pair of units gives.
//!
//! The text they are read from is made by `mithaq-names-train` and committed under `tables/` with its
//! provenance. What this module deliberately does not do: learn.

use std::sync::LazyLock;

use crate::script::{Script, Symbol, symbol_of};

/// Version of everything that decides a likeness or a key. It is part of every result; results and keys of
/// different versions must not be compared.
///
/// ```
/// assert!(mithaq_names::TABLES_VERSION >= 1);
/// ```
pub const TABLES_VERSION: u32 = 2;

/// Bits are stored in eighths.
pub(crate) const SCALE: f32 = 8.0;
/// A pair of units the training never saw.
pub(crate) const NEVER: i8 = i8::MIN;
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
struct Units {
    /// Printable text by unit id.
    text: Vec<String>,
    /// Unit id of two symbols at `first * 64 + second`.
    pairs: Vec<u8>,
    /// Unit id of a pair unit and a third symbol at `pair * 64 + third`.
    triples: Vec<u8>,
}

/// Everything learned.
pub(crate) struct Tables {
    units: Vec<Units>,
    /// By ordered script pair: bits in eighths at `a * 256 + b`.
    bits: Vec<Vec<i8>>,
    /// By script and partner script: the best a unit of one symbol can give, in eighths.
    best: Vec<[i8; SYMBOLS]>,
    /// Fine skeletons and their rarity in eighths of a bit, sorted.
    rarity: Vec<(u64, u8)>,
}

/// Position of an ordered pair of scripts (first not after second) among the fifteen.
pub(crate) const fn pair_index(low: Script, high: Script) -> usize {
    let (low, high) = (low.index(), high.index());
    low * 5 - low * (low + 1) / 2 + high
}

impl Tables {
    /// Reads the committed text. Lines that do not parse are skipped: a test compares the counts.
    fn read(units: &str, rarity: &str) -> Self {
        let mut tables = Self {
            units: Script::ALL.iter().map(|script| Units::letters(*script)).collect(),
            bits: (0..15).map(|_| vec![NEVER; UNITS * UNITS]).collect(),
            best: vec![[0; SYMBOLS]; 25],
            rarity: rarity.lines().filter_map(rarity_line).collect(),
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
        tables.fill_best();
        tables.rarity.sort_unstable();
        tables
    }

    fn add_unit(&mut self, script: Script, unit: &str) {
        if let Some(units) = self.units.get_mut(script.index()) {
            units.add(script, unit);
        }
    }

    /// Reads `unit other:eighths other:eighths …`; `-` is the empty unit.
    fn add_bits(&mut self, a: Script, b: Script, line: &str) {
        let mut fields = line.split(' ');
        let Some(first) = fields.next().and_then(|unit| self.unit(a, unit)) else { return };
        for field in fields {
            let Some((unit, eighths)) = field.rsplit_once(':') else { continue };
            let (Some(second), Ok(eighths)) = (self.unit(b, unit), eighths.parse::<i8>()) else { continue };
            let Some(table) = self.bits.get_mut(pair_index(a, b)) else { continue };
            let mut set = |x: u8, y: u8| {
                if let Some(slot) = table.get_mut(usize::from(x) * UNITS + usize::from(y)) {
                    *slot = eighths;
                }
            };
            set(first, second);
            if a == b {
                set(second, first);
            }
        }
    }

    fn unit(&self, script: Script, text: &str) -> Option<u8> {
        if text == "-" {
            return Some(0);
        }
        let at = self.units.get(script.index())?.text.iter().position(|unit| unit == text)?;
        u8::try_from(at).ok()
    }

    fn fill_best(&mut self) {
        for a in Script::ALL {
            for b in Script::ALL {
                for symbol in 0..SYMBOLS {
                    let best = (0..UNITS).map(|unit| self.at(a, b, symbol, unit)).max().unwrap_or(0);
                    if let Some(slot) =
                        self.best.get_mut(a.index() * 5 + b.index()).and_then(|row| row.get_mut(symbol))
                    {
                        *slot = if best == NEVER { 0 } else { best };
                    }
                }
            }
        }
    }

    fn at(&self, a: Script, b: Script, x: usize, y: usize) -> i8 {
        let (index, at) =
            if a <= b { (pair_index(a, b), x * UNITS + y) } else { (pair_index(b, a), y * UNITS + x) };
        self.bits.get(index).and_then(|table| table.get(at)).copied().unwrap_or(NEVER)
    }

    /// Returns the bits of one letter for another, in eighths.
    pub(crate) fn letter(&self, a: Script, x: Symbol, b: Script, y: Symbol) -> i8 {
        self.at(a, b, usize::from(x), usize::from(y))
    }

    /// Returns the bits of an ordered script pair, 256 a row.
    pub(crate) fn bits(&self, low: Script, high: Script) -> &[i8] {
        self.bits.get(pair_index(low, high)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns, per symbol, the best it can give against another script.
    pub(crate) fn best(&self, of: Script, against: Script) -> &[i8; SYMBOLS] {
        const NONE: [i8; SYMBOLS] = [0; SYMBOLS];
        self.best.get(of.index() * 5 + against.index()).unwrap_or(&NONE)
    }

    /// Returns the unit of two symbols, or 0.
    pub(crate) fn pair_unit(&self, script: Script, first: Symbol, second: Symbol) -> u8 {
        let at = usize::from(first) * SYMBOLS + usize::from(second);
        self.units.get(script.index()).and_then(|u| u.pairs.get(at)).copied().unwrap_or(0)
    }

    /// Returns the unit of a pair unit and a third symbol, or 0.
    pub(crate) fn triple_unit(&self, script: Script, pair: u8, third: Symbol) -> u8 {
        let at = usize::from(pair) * SYMBOLS + usize::from(third);
        self.units.get(script.index()).and_then(|u| u.triples.get(at)).copied().unwrap_or(0)
    }

    /// Returns how rare a fine skeleton is, in bits, when it is common enough to be listed.
    pub(crate) fn rarity(&self, fine: u64) -> Option<f32> {
        let at = self.rarity.binary_search_by_key(&fine, |entry| entry.0).ok()?;
        self.rarity.get(at).map(|entry| f32::from(entry.1) / SCALE)
    }
}

enum Section {
    Units(Script),
    Bits(Script, Script),
}

impl Units {
    /// The letters of the alphabet are the units of length one.
    fn letters(script: Script) -> Self {
        let mut text = vec![String::new()];
        text.extend(crate::script::alphabet(script).chars().map(String::from));
        Self { text, pairs: vec![0; SYMBOLS * SYMBOLS], triples: vec![0; UNITS * SYMBOLS] }
    }

    /// Adds a unit of two or three letters; a unit of three needs its first two to be a unit.
    fn add(&mut self, script: Script, unit: &str) {
        let Ok(id) = u8::try_from(self.text.len()) else { return };
        let mut symbols = unit.chars().filter_map(|c| symbol_of(script, c)).map(usize::from);
        let (Some(first), Some(second), third) = (symbols.next(), symbols.next(), symbols.next()) else {
            return;
        };
        let pair_at = first * SYMBOLS + second;
        let pair = self.pairs.get(pair_at).copied().unwrap_or(0);
        let slot = match third {
            None => self.pairs.get_mut(pair_at),
            Some(_) if pair == 0 => None,
            Some(third) => self.triples.get_mut(usize::from(pair) * SYMBOLS + third),
        };
        if let Some(slot) = slot {
            *slot = id;
            self.text.push(unit.to_owned());
        }
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
