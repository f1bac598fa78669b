//! How a word sounds, in 32 bits that compare across scripts without parsing anything: its first four consonants and
//! which vowels stand around them.
//!
//! Arabic and Hebrew leave short vowels out: where they write none, any may stand. What this module deliberately does
//! not do: decide; it only spares the comparison of names that cannot be one.

use crate::keys;
use crate::script::{Script, Symbol};

/// Consonants that are kept, and bits of each.
const CONSONANTS: usize = 4;
const CLASS_BITS: u32 = 5;
/// Vowels as they sound; all three together are "any, or none".
const A: u32 = 1;
const I: u32 = 2;
const U: u32 = 4;
const ANY: u32 = 7;
const SLOT_BITS: u32 = 3;
/// Where the slots of vowels begin.
const SLOTS_AT: u32 = CLASS_BITS * CONSONANTS as u32;

/// Returns the sound of a word.
pub(super) fn sound(script: Script, symbols: &[Symbol]) -> u32 {
    let (mut consonants, mut count, mut last) = (0_u32, 0_usize, 0);
    let mut slots = [0_u32; CONSONANTS];
    let bare = matches!(script, Script::Arabic | Script::Hebrew | Script::Syllabic);
    let mut place = 0;
    keys::classes(script, symbols, |class, symbol| {
        place += 1;
        if class == 0 {
            // A vowel letter at either end of an Arabic or Hebrew word stands for several.
            let edge = bare && (place == 1 || place == symbols.len());
            if let Some(slot) = slots.get_mut(count) {
                *slot |= if edge { ANY } else { vowel(script, symbol) };
            }
        } else if class != last {
            if count < CONSONANTS {
                consonants |= u32::from(class) << (CLASS_BITS * u32::try_from(count).unwrap_or(0));
            }
            count += 1;
            last = class;
        }
    });
    let mut out = consonants;
    for (at, slot) in (0..).zip(slots) {
        let shown = if bare && slot == 0 { ANY } else { slot };
        out |= shown << (SLOTS_AT + SLOT_BITS * at);
    }
    out
}

/// How many consonants and vowels of two sounds do not go together.
pub(super) fn apart(x: u32, y: u32) -> u32 {
    let mut count = 0;
    for at in 0..CONSONANTS as u32 {
        count += u32::from((x ^ y) >> (CLASS_BITS * at) & 31 != 0);
        let shift = SLOTS_AT + SLOT_BITS * at;
        let (p, q) = ((x >> shift) & ANY, (y >> shift) & ANY);
        count += u32::from(p != q && p & q == 0 && p != ANY && q != ANY);
    }
    count
}

/// The vowels a letter may sound like; several where languages differ.
const fn vowel(script: Script, symbol: Symbol) -> u32 {
    match (script, symbol) {
        // a; ā and aw in one
        (Script::Latin, 1) | (Script::Cyrillic, 1) | (Script::Arabic, 1 | 3) => A,
        // e, ä; е, э, я; ێ, ە
        (Script::Latin, 5 | 33) | (Script::Cyrillic, 6 | 30 | 32) | (Script::Arabic, 41 | 42) => A | I,
        // i, y, ı; и, й, ы; ي, ئ; yod
        (Script::Latin, 9 | 25 | 31) | (Script::Cyrillic, 9 | 10 | 28) | (Script::Arabic, 5 | 39) => I,
        (Script::Hebrew, 10) => I,
        // o, å; о, ъ
        (Script::Latin, 15 | 36) | (Script::Cyrillic, 15 | 27) => A | U,
        // u, w; у; و, ؤ, ۆ; vav
        (Script::Latin, 21 | 23) | (Script::Cyrillic, 20) | (Script::Arabic, 6 | 38 | 40) => U,
        (Script::Hebrew, 6) => U,
        // ü, ö; ю
        (Script::Latin, 34 | 35) | (Script::Cyrillic, 31) => I | U,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training;

    fn of(word: &str) -> u32 {
        let (script, symbols) = training::symbols(word).unwrap();
        sound(script, &symbols)
    }

    #[test]
    fn spellings_of_one_name_sound_alike() {
        for (a, b) in [
            ("محمد", "Mohamed"),
            ("طاهر", "Taher"),
            ("حسين", "Hussein"),
            ("سليمان", "Suleiman"),
            ("Шевченко", "Shevchenko"),
            ("נתניהו", "Netanyahu"),
            ("Yusuf", "Youssef"),
        ] {
            assert!(apart(of(a), of(b)) <= 1, "{a} {b}: {}", apart(of(a), of(b)));
            assert_eq!(apart(of(a), of(b)), apart(of(b), of(a)));
        }
    }

    #[test]
    fn other_vowels_or_consonants_are_apart() {
        for (a, b) in [("Karim", "Karam"), ("سليم", "Salam"), ("Nina", "Nunu"), ("Salim", "Sadiq")] {
            assert!(apart(of(a), of(b)) >= 1, "{a} {b}");
        }
        assert_eq!(apart(of("سلم"), of("Salim")), 0, "short vowels are not written");
    }
}
