//! Names of three or four words of one syllable each in Latin letters, as Korean and Chinese ones are written.
//!
//! A family name and the syllables of a given name, which keep their order: only the family name moves to the other end.
//! Every syllable tells people apart, and there are few of them, so that strangers share some by chance. Sources: UK Home
//! Office, "A guide to names and naming practices" (2006); ALA-LC, "Chinese" and "Korean".
//!
//! What this module deliberately does not do: say which syllables are one (see `align`).

use crate::matching::Link;
use crate::name::{Kind, Name, Role, Token};
use crate::script::{Script, Symbol};

/// True when both names are such, of as many syllables.
pub(crate) fn both(a: &Name, b: &Name) -> bool {
    a.tokens.len() == b.tokens.len() && is(a) && is(b)
}

fn is(name: &Name) -> bool {
    let fits = |token: &Token| {
        token.script == Script::Latin && token.role == Role::Plain && syllable(name.symbols_of(token))
    };
    name.kind == Kind::Person && matches!(name.tokens.len(), 3 | 4) && name.tokens.iter().all(fits)
}

const fn vowel(symbol: Symbol) -> bool {
    // a e i o u w y, and what stands for them with a mark
    matches!(symbol, 1 | 5 | 9 | 15 | 21 | 23 | 25)
}

/// True for a syllable of Chinese or Korean in any romanisation: a consonant or two of which the second is h, s, g, z or w;
/// vowels; n, ng, m, p, t, k, l, r, h, or the rk of Park.
fn syllable(symbols: &[Symbol]) -> bool {
    let Some(from) = symbols.iter().position(|s| vowel(*s)) else { return false };
    let (onset, rest) = symbols.split_at(from);
    let to = rest.iter().position(|s| !vowel(*s)).unwrap_or(rest.len());
    let (_, coda) = rest.split_at(to);
    let opens = match onset {
        [] | [_] => true,
        [first, second] => matches!(second, 8 | 19 | 7 | 26) && !vowel(*first),
        _ => false,
    };
    symbols.len() <= 6
        && opens
        && matches!(coda, [] | [14 | 13 | 16 | 20 | 11 | 12 | 18 | 8] | [14, 7] | [18, 11])
}

/// How many places to the right the words of the second name stand, of the turns that move a family name from end to end.
pub(crate) fn turns(count: usize) -> [usize; 3] {
    [0, 1, count - 1]
}

/// True when a link keeps the order of a turn.
pub(crate) fn keeps(link: &Link, turn: usize, count: usize) -> bool {
    let single = link.a_count == 1 && link.b_count == 1;
    single && (usize::from(link.a) + turn) % count.max(1) == usize::from(link.b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Band, Scorer};

    #[test]
    fn names_of_syllables_are_known() {
        for text in ["Kim Jong Su", "Chung Myong-chol", "Liang Beng Hwa", "Hsu Tzu Ching", "Zhang Wei Guo"] {
            assert!(is(&Name::parse(text)), "{text}");
        }
        for text in ["John Ross Smith", "Kim Jong", "Ahmed Ali Hassan", "Mark J. Blunt", "Ben Carl Stone"] {
            assert!(!is(&Name::parse(text)), "{text}");
        }
    }

    #[test]
    fn one_syllable_or_its_place_tells_two_people_apart() {
        let band = |a: &str, b: &str| Scorer::new().score(&Name::parse(a), &Name::parse(b)).band;
        for (a, b) in [("Han Jong Sik", "Han Jong Mun"), ("Han Tong Myong", "Han Myung-sung")] {
            assert!(band(a, b) < Band::Possible && band(b, a) < Band::Possible, "{a} | {b}");
        }
        for (a, b) in [
            ("Han Tong Myong", "HAN Dong Myung"),
            ("Han Tong Myong", "Tong-myong Han"),
            ("Yun Yuan Tsang", "TSANG YUNG YUAN"),
        ] {
            assert_eq!((band(a, b), band(b, a)), (Band::Possible, Band::Possible), "{a} | {b}");
        }
    }
}
