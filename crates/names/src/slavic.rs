//! Slavic words in Latin letters: one form for a Cyrillic word and all its romanisations.
//!
//! BGN/PCGN, ISO 9, GOST 7.79, the Library of Congress, passports, French and German press write й, я, х, щ each in
//! their way. Here both sides are written down so that these differences vanish: "predpriyatie", "predpriiatie" and
//! "предприятие" are one. What this module deliberately does not do: tell Slavic words from others; only words that meet
//! a word of a table are taken for it.

use crate::lexicon;
use crate::script::{Script, Symbol, latin};

/// Longest form.
const MOST: usize = 32;

/// The one form of a word, in bytes; digits and other letters stay what they are.
pub(crate) struct Form {
    bytes: [u8; MOST],
    len: usize,
}

impl Form {
    pub(crate) fn of(script: Script, symbols: &[Symbol]) -> Self {
        let mut out = Self { bytes: [0; MOST], len: 0 };
        if script == Script::Cyrillic {
            symbols.iter().for_each(|s| out.push(CYRILLIC.get(usize::from(*s)).copied().unwrap_or(b'?')));
        } else {
            let mut rest = symbols;
            while !rest.is_empty() {
                let (letter, taken) = romanised(rest);
                if letter == b'x' {
                    out.push(b'k');
                }
                out.push(if letter == b'x' { b's' } else { letter });
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
        out
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Adds a letter; an i before another i or a soft vowel, and signs, are left out.
    fn push(&mut self, letter: u8) {
        if letter == 0 {
            return;
        }
        let before = self.len.checked_sub(1).and_then(|at| self.bytes.get_mut(at));
        match before {
            Some(last) if *last == b'i' && matches!(letter, b'i' | b'A' | b'U' | b'e') => *last = letter,
            Some(last) if *last == b't' && letter == b's' => *last = b'C',
            Some(last) if *last == b's' && letter == b'c' => *last = b'X',
            Some(last) if *last == b'S' && matches!(letter, b'c' | b'C') => *last = b'X',
            _ => {
                if let Some(slot) = self.bytes.get_mut(self.len) {
                    *slot = letter;
                    self.len += 1;
                }
            }
        }
    }
}

/// Hash of the one form of a word.
pub(crate) fn hash(script: Script, symbols: &[Symbol]) -> u64 {
    hash_of(Form::of(script, symbols).bytes())
}

/// Hash of no letters.
pub(crate) const START: u64 = 0x6c62_272e_07bb_0142;

/// Hash of a form or of a part of one.
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(START, |h, b| lexicon::further(h, *b))
}

#[rustfmt::skip]
const CYRILLIC: [u8; 33] = [
    0,
    // а б в г д е ж з и й к л м н о п р с т у ф х ц ч ш щ ъ ы ь э ю я
    b'a', b'b', b'v', b'g', b'd', b'e', b'Z', b'z', b'i', b'i', b'k', b'l', b'm', b'n', b'o', b'p', b'r', b's', b't',
    b'u', b'f', b'H', b'C', b'c', b'S', b'X', 0, b'i', 0, b'e', b'U', b'A',
];

/// The letter at the beginning of a romanised word, and how many symbols it took.
fn romanised(rest: &[Symbol]) -> (u8, usize) {
    let ascii = |at: usize| match rest.get(at) {
        Some(s @ 1..=26) => b'a' + s - 1,
        Some(&latin::S_SH) => b'S',
        Some(&latin::C_CH) => b'c' | 0x80,
        Some(&latin::Z_HACEK) => b'Z',
        _ => 0,
    };
    match (ascii(0), ascii(1), ascii(2), ascii(3)) {
        (b's', b'h', b'c', b'h') => (b'X', 4),
        (b't', b's', b'c', b'h') => (b'c', 4),
        (b's', b'c', b'h', _) | (b's', b'h', b'h', _) => (b'X', 3),
        (b't', b'c', b'h', _) => (b'c', 3),
        (b's', b'h', ..) => (b'S', 2),
        (b'k', b'h', ..) => (b'H', 2),
        (b'z', b'h', ..) => (b'Z', 2),
        (b't', b's', ..) => (b'C', 2),
        (b'c', b'h', ..) => (b'c', 2),
        (b'y' | b'i' | b'j', b'a', ..) => (b'A', 2),
        (b'y' | b'i' | b'j', b'u', ..) => (b'U', 2),
        (b'y' | b'i' | b'j', b'e', ..) => (b'e', 2),
        (b'h', ..) => (b'H', 1),
        (b'c', ..) => (b'C', 1),
        (b'y' | b'j', ..) => (b'i', 1),
        (b'w', ..) => (b'v', 1),
        (0, ..) => (other(rest.first().copied().unwrap_or(0)), 1),
        (letter, ..) => (letter & 0x7f, 1),
    }
}

/// Letters with a sign that no romanisation has: by their base, as lists without accents write them.
fn other(symbol: Symbol) -> u8 {
    match symbol {
        latin::C_CEDILLA => b'C',
        latin::G_SOFT => b'g',
        latin::I_DOTLESS => b'i',
        latin::N_TILDE => b'n',
        latin::A_UMLAUT | latin::A_RING => b'a',
        latin::O_UMLAUT => b'o',
        latin::U_UMLAUT => b'u',
        latin::D_STROKE => b'd',
        latin::T_COMMA => b't',
        digit => 0x80 | digit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training;

    #[test]
    fn romanisations_of_a_word_are_one() {
        for (word, others) in [
            ("предприятие", "predpriyatie predpriiatie predprijatie predpriyatiye"),
            ("общество", "obshchestvo obschestvo obščestvo"),
            ("ответственностью", "otvetstvennostyu otvetstvennostiu otvetstvennostju"),
            ("технологии", "tekhnologii tehnologii tekhnologiy"),
            ("машиностроительный", "mashinostroitelnyy mashinostroitelnyi mašinostroitelny"),
            ("хозяйственный", "khozyaystvennyy khoziaistvennyi"),
        ] {
            let of = |word: &str| training::symbols(word).map(|(script, s)| hash(script, &s)).unwrap();
            for other in others.split(' ') {
                assert_eq!(of(word), of(other), "{word} {other}");
            }
        }
    }
}
