//! How a name token sounds, in one short code per reading that its spellings share across scripts.
//!
//! Twelve classes of consonants; vowels, h, w, y and v are left out, for no two scripts write them alike. Where a
//! letter is read in two ways (ج as dj or g, `ch` as in French, German or Italian) the token has several codes, the
//! likeliest first, at most [`READINGS_MAX`]. Coarser than a comparison by [`mithaq_names::Scorer`]: equality of
//! codes is all that a private check can see.
//!
//! The classes of letters that `mithaq_names` cuts its skeletons from say much of the same. They are another table on
//! purpose: one reading a letter, and free to change with the tables of names; these are bytes that two nodes compare.

use mithaq_names::Script;

/// Most readings of one token: each costs evaluations on both sides.
pub const READINGS_MAX: usize = 4;
/// Most classes of a code, four bits each.
const CLASSES_MAX: u32 = 14;

/// A sequence of classes, the first in the lowest four bits. Zero: nothing but vowels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u64);

impl Code {
    /// Returns how many classes it holds.
    #[must_use]
    pub const fn len(self) -> u32 {
        (64 - self.0.leading_zeros()).div_ceil(4)
    }

    /// Returns whether it holds none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the classes as numbers 1 to 12.
    pub fn classes(self) -> impl Iterator<Item = u8> {
        (0..self.len()).map(move |at| u8::try_from((self.0 >> (4 * at)) & 15).unwrap_or(0))
    }

    /// The code with its end as it is heard: a last d is a t, and nothing but vowels is a class of its own.
    fn ended(self) -> Self {
        let length = self.len();
        match self.last() {
            0 => Self(VOWELS),
            D if length > 1 => {
                let at = 4 * (length - 1);
                Self((self.0 & !(15 << at)) | (T << at))
            }
            _ => self,
        }
    }

    fn last(self) -> u64 {
        self.len().checked_sub(1).map_or(0, |at| (self.0 >> (4 * at)) & 15)
    }

    /// Adds a class: once for a doubled one; t and d melt into the sibilant after them (ts, tz, dj, tch).
    fn push(self, class: u64) -> Self {
        let (length, last) = (self.len(), self.last());
        if class == 0 || class == last || length >= CLASSES_MAX {
            return self;
        }
        let melted = match (last, class) {
            (T | D, S | X) => Some(class),
            // German st, sp are spoken and often written with sh.
            (X, T | B) if length == 1 => return Self(S | (class << 4)),
            _ => None,
        };
        if let Some(class) = melted {
            let at = 4 * (length - 1);
            return Self((self.0 & !(15 << at)) | (class << at));
        }
        Self(self.0 | (class << (4 * length)))
    }
}

/// How people read the classes, from 1.
const SPELLED: [&str; 13] = ["b", "f", "t", "d", "k", "g", "s", "sh", "l", "m", "n", "r", "(vowels)"];

/// The classes as people read them: `b-d-l`.
impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (at, class) in self.classes().enumerate() {
            let spelled = usize::from(class).checked_sub(1).and_then(|n| SPELLED.get(n)).copied();
            if at > 0 {
                f.write_str("-")?;
            }
            f.write_str(spelled.unwrap_or("?"))?;
        }
        Ok(())
    }
}

const B: u64 = 1;
const F: u64 = 2;
const T: u64 = 3;
const D: u64 = 4;
const K: u64 = 5;
const G: u64 = 6;
const S: u64 = 7;
const X: u64 = 8;
const L: u64 = 9;
const M: u64 = 10;
const N: u64 = 11;
const R: u64 = 12;
/// A name of vowels only: as good a name as any beside another one.
const VOWELS: u64 = 13;

fn class(letter: char) -> u64 {
    match letter {
        'B' => B,
        'F' => F,
        'T' => T,
        'D' => D,
        'K' => K,
        'G' => G,
        'S' => S,
        'X' => X,
        'L' => L,
        'M' => M,
        'N' => N,
        'R' => R,
        _ => 0,
    }
}

/// Returns the readings of a token's letters, the likeliest first; none when it has no consonant we hear.
#[must_use]
pub fn readings(script: Script, letters: &[char]) -> Vec<Code> {
    let mut codes = vec![Code(0)];
    let mut rest = letters;
    let mut first = true;
    while !rest.is_empty() {
        let (sounds, taken) = match script {
            Script::Latin | Script::Syllabic => latin(rest, first),
            Script::Arabic => (arabic(rest), 1),
            Script::Cyrillic => (cyrillic(rest), 1),
            Script::Hebrew => (hebrew(rest), 1),
        };
        spread(&mut codes, sounds);
        rest = rest.get(taken..).unwrap_or_default();
        first = false;
    }
    let mut out: Vec<Code> = Vec::with_capacity(codes.len());
    for code in codes {
        let code = code.ended();
        if !out.contains(&code) {
            out.push(code);
        }
    }
    out
}

/// Continues every code with every sound; what is beyond the limit are the least likely.
fn spread(codes: &mut Vec<Code>, sounds: &str) {
    let mut out: Vec<Code> = Vec::with_capacity(READINGS_MAX);
    for sound in sounds.split('|') {
        for code in codes.iter() {
            let next = sound.chars().fold(*code, |code, letter| code.push(class(letter)));
            if out.len() < READINGS_MAX && !out.contains(&next) {
                out.push(next);
            }
        }
    }
    *codes = out;
}

/// Sounds at the start of Latin letters, alternatives by `|`, and how many letters they took.
fn latin(rest: &[char], first: bool) -> (&'static str, usize) {
    let at = |n: usize| rest.get(n).copied().unwrap_or(' ');
    let soft = |c: char| matches!(c, 'e' | 'i' | 'y' | 'ä' | 'ö' | 'ü' | 'ı');
    match (at(0), at(1), at(2)) {
        ('s', 'c', 'h') if at(3) == 't' && at(4) == 's' => ("X", 3),
        ('s', 'c', 'h') => ("X|SK", 3),
        ('t', 's', 'c') if at(3) == 'h' => ("X", 4),
        ('d', 's', 'c') if at(3) == 'h' => ("X", 4),
        ('d', 'z', 'h') | ('t', 'c', 'h') | ('c', 'c', 'i') => ("X", 3),
        ('c', 'h', _) => ("X|K|", 2),
        ('s', 'h', _) | ('z', 'h', _) | ('c', 'z', _) | ('d', 'j', _) => ("X", 2),
        ('t', 'j', _) => ("X|T", 2),
        ('s', 'z', _) => ("X|S", 2),
        ('s', 'j', _) => ("X", 2),
        ('k', 'h', _) => ("|K", 2),
        ('g', 'h', _) => ("G|", 2),
        ('p', 'h', _) => ("F", 2),
        ('t', 'h', _) => ("T|S", 2),
        ('d', 'h', _) => ("D|S", 2),
        ('c', 'k', _) | ('q', 'u', _) => ("K", 2),
        ('g', 'n', _) => ("N|GN", 2),
        ('g', 'u', n) if soft(n) => ("G", 2),
        ('k', 'n', _) if first => ("KN|N", 2),
        ('c', n, _) if soft(n) => ("S|X|K", 1),
        ('g', n, _) if soft(n) => ("G|X", 1),
        ('j', ..) => ("X|", 1),
        ('x', ..) => (if first { "S|X" } else { "KS" }, 1),
        // Silent at the end in French, and often left out where a French name is written as it sounds.
        ('t', ' ', _) => ("T|", 1),
        ('d', ' ', _) => ("D|", 1),
        ('s', ' ', _) => ("S|", 1),
        ('b' | 'p', ..) => ("B", 1),
        ('f', ..) => ("F", 1),
        ('t', ..) => ("T", 1),
        ('d', ..) => ("D", 1),
        ('đ', ..) => ("X|D", 1),
        ('k' | 'c', ..) => ("K", 1),
        ('q', ..) => ("K|G", 1),
        ('g', ..) => ("G", 1),
        ('ğ', ..) => ("|G", 1),
        ('s' | 'z' | 'ț', ..) => ("S", 1),
        ('š' | 'č' | 'ž', ..) => ("X", 1),
        ('ç', ..) => ("X|S", 1),
        ('l', ..) => ("L", 1),
        ('m', ..) => ("M", 1),
        ('n' | 'ñ', ..) => ("N", 1),
        ('r', ..) => ("R", 1),
        // vowels, h, v, w, y
        _ => ("", 1),
    }
}

fn arabic(rest: &[char]) -> &'static str {
    match rest.first().copied().unwrap_or(' ') {
        'ب' | 'پ' => "B",
        'ت' | 'ط' => "T",
        'ث' => "T|S",
        'ج' => "X|G",
        'چ' | 'ش' | 'ژ' | 'ښ' => "X",
        'خ' => "|K",
        'د' => "D",
        'ذ' | 'ض' => "D|S",
        'ظ' => "S|D",
        'ر' | 'ڑ' => "R",
        'ز' | 'س' | 'ص' => "S",
        'غ' => "G|",
        'گ' => "G",
        'ف' => "F|",
        'ق' => "K|G",
        'ك' => "K",
        'ل' => "L",
        'م' => "M",
        'ن' => "N",
        // vowels, glottals, h, w, y, v
        _ => "",
    }
}

fn cyrillic(rest: &[char]) -> &'static str {
    match rest.first().copied().unwrap_or(' ') {
        'б' | 'п' => "B",
        'г' => "G|",
        'д' => "D",
        'ж' | 'ч' | 'ш' | 'щ' => "X",
        'з' | 'с' | 'ц' => "S",
        'к' => "K",
        'л' => "L",
        'м' => "M",
        'н' => "N",
        'р' => "R",
        'т' => "T",
        'ф' => "F",
        'х' => "|K",
        // vowels, signs, v
        _ => "",
    }
}

fn hebrew(rest: &[char]) -> &'static str {
    match rest.first().copied().unwrap_or(' ') {
        'ב' => "B|",
        'ג' => "G|X",
        'ד' => "D",
        'ז' | 'ס' | 'צ' => "S",
        'ח' => "|K",
        'ט' | 'ת' => "T",
        'כ' | 'ך' => "K|",
        'ל' => "L",
        'מ' => "M",
        'נ' => "N",
        'פ' | 'ף' => "B|F",
        'ק' => "K",
        'ר' => "R",
        'ש' => "X|S",
        _ => "",
    }
}
