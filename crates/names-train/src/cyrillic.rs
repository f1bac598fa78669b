//! Chinese and Korean names as Russian writes them, and Kurdish ones in the Sorani alphabet: pairs made by rule, for no
//! permissive list holds them.
//!
//! Sources: the Palladius system (Палладий), Pinyin and Wade–Giles as tabulated in ALA-LC, "Chinese" (1997); the Kontsevich
//! system (Концевич) with the older spelling of the North (Чен, Ир), Revised Romanization and McCune–Reischauer; the
//! Sorani alphabet as in ALA-LC, "Kurdish".

use crate::corpus::{Corpora, Listed, add};
use crate::random::Random;
use crate::syllables;
use mithaq_names::Script;

/// Pinyin, Wade–Giles without marks, Palladius.
type Chinese = (&'static str, &'static str, &'static str);

/// Leads before any final.
const OPEN: [Chinese; 15] = [
    ("b", "p", "б"),
    ("p", "p", "п"),
    ("m", "m", "м"),
    ("f", "f", "ф"),
    ("d", "t", "д"),
    ("t", "t", "т"),
    ("n", "n", "н"),
    ("l", "l", "л"),
    ("g", "k", "г"),
    ("k", "k", "к"),
    ("h", "h", "х"),
    ("zh", "ch", "чж"),
    ("ch", "ch", "ч"),
    ("sh", "sh", "ш"),
    ("r", "j", "ж"),
];
const OPEN_FINALS: [Chinese; 17] = [
    ("a", "a", "а"),
    ("ai", "ai", "ай"),
    ("an", "an", "ань"),
    ("ang", "ang", "ан"),
    ("ao", "ao", "ао"),
    ("e", "o", "э"),
    ("ei", "ei", "эй"),
    ("en", "en", "энь"),
    ("eng", "eng", "эн"),
    ("i", "ih", "и"),
    ("ong", "ung", "ун"),
    ("u", "u", "у"),
    ("uo", "o", "о"),
    ("ui", "ui", "уй"),
    ("un", "un", "унь"),
    ("uan", "uan", "уань"),
    ("uang", "uang", "уан"),
];
/// Leads before i and ü.
const FRONT: [Chinese; 8] = [
    ("j", "ch", "цз"),
    ("q", "ch", "ц"),
    ("x", "hs", "с"),
    ("l", "l", "л"),
    ("n", "n", "н"),
    ("d", "t", "д"),
    ("t", "t", "т"),
    ("m", "m", "м"),
];
const FRONT_FINALS: [Chinese; 14] = [
    ("i", "i", "и"),
    ("ia", "ia", "я"),
    ("ian", "ien", "янь"),
    ("iang", "iang", "ян"),
    ("iao", "iao", "яо"),
    ("ie", "ieh", "е"),
    ("in", "in", "инь"),
    ("ing", "ing", "ин"),
    ("iu", "iu", "ю"),
    ("iong", "iung", "юн"),
    ("u", "u", "юй"),
    ("uan", "uan", "юань"),
    ("ue", "ueh", "юэ"),
    ("un", "un", "юнь"),
];
/// Syllables that begin with a half vowel, or with z, c, s.
const WHOLE: [Chinese; 32] = [
    ("ya", "ya", "я"),
    ("yan", "yen", "янь"),
    ("yang", "yang", "ян"),
    ("yao", "yao", "яо"),
    ("ye", "yeh", "е"),
    ("yi", "i", "и"),
    ("yin", "yin", "инь"),
    ("ying", "ying", "ин"),
    ("you", "yu", "ю"),
    ("yong", "yung", "юн"),
    ("yu", "yu", "юй"),
    ("yuan", "yuan", "юань"),
    ("yun", "yun", "юнь"),
    ("wa", "wa", "ва"),
    ("wan", "wan", "вань"),
    ("wang", "wang", "ван"),
    ("wei", "wei", "вэй"),
    ("wen", "wen", "вэнь"),
    ("wu", "wu", "у"),
    ("zi", "tzu", "цзы"),
    ("ci", "tzu", "цы"),
    ("si", "ssu", "сы"),
    ("zeng", "tseng", "цзэн"),
    ("ze", "tse", "цзэ"),
    ("zu", "tsu", "цзу"),
    ("cai", "tsai", "цай"),
    ("cao", "tsao", "цао"),
    ("cheng", "cheng", "чэн"),
    ("song", "sung", "сун"),
    ("sun", "sun", "сунь"),
    ("su", "su", "су"),
    ("zong", "tsung", "цзун"),
];

/// Revised Romanization, what offices write, Kontsevich.
type Korean = (&'static str, &'static str, &'static str);

const KOREAN_LEADS: [Korean; 16] = [
    ("g", "k", "к"),
    ("g", "g", "г"),
    ("n", "n", "н"),
    ("d", "t", "т"),
    ("d", "d", "д"),
    ("r", "l", "л"),
    ("r", "r", "р"),
    ("m", "m", "м"),
    ("b", "p", "п"),
    ("b", "b", "б"),
    ("s", "s", "с"),
    ("", "", ""),
    ("j", "j", "ч"),
    ("j", "ch", "дж"),
    ("ch", "ch", "чх"),
    ("h", "h", "х"),
];
const KOREAN_VOWELS: [Korean; 18] = [
    ("a", "a", "а"),
    ("ae", "ae", "э"),
    ("eo", "o", "о"),
    ("eo", "u", "о"),
    ("eo", "eo", "о"),
    ("eo", "o", "е"),
    ("e", "e", "е"),
    ("yeo", "yo", "ё"),
    ("yeo", "young", "ён"),
    ("o", "o", "о"),
    ("wa", "wa", "ва"),
    ("oe", "oe", "ве"),
    ("u", "oo", "у"),
    ("u", "u", "у"),
    ("eu", "u", "ы"),
    ("eu", "eu", "ы"),
    ("i", "i", "и"),
    ("yu", "yu", "ю"),
];
const KOREAN_TAILS: [Korean; 9] = [
    ("", "", ""),
    ("", "", ""),
    ("n", "n", "н"),
    ("ng", "ng", "н"),
    ("k", "k", "к"),
    ("l", "l", "ль"),
    ("l", "l", "р"),
    ("m", "m", "м"),
    ("p", "p", "п"),
];

/// Letters of the Sorani alphabet by Latin ones; longer ones first.
const SORANI: [(&str, &str); 26] = [
    ("kh", "خ"),
    ("gh", "غ"),
    ("sh", "ش"),
    ("ch", "چ"),
    ("oo", "وو"),
    ("ee", "ی"),
    ("b", "ب"),
    ("p", "پ"),
    ("t", "ت"),
    ("j", "ج"),
    ("d", "د"),
    ("r", "ر"),
    ("z", "ز"),
    ("s", "س"),
    ("f", "ف"),
    ("v", "ڤ"),
    ("q", "ق"),
    ("k", "ک"),
    ("g", "گ"),
    ("l", "ل"),
    ("m", "م"),
    ("n", "ن"),
    ("h", "ه"),
    ("w", "و"),
    ("y", "ی"),
    ("u", "و"),
];

/// Names of each system that are made.
const MADE: usize = 9_000;

/// Adds all of them.
pub(crate) fn extend(listed: &[Listed], random: &mut Random, out: &mut Corpora) {
    for _ in 0..MADE {
        let [pinyin, wade, palladius] = chinese(random);
        add(out, &pinyin, &palladius, 0.8);
        add(out, &wade, &palladius, 0.2);
        add(out, &pinyin, &wade, 0.4);
        syllables::add(out, &palladius, &pinyin, 0.8);
        let [revised, office, kontsevich] = korean(random);
        add(out, &office, &kontsevich, 0.8);
        add(out, &revised, &office, 0.2);
        syllables::add(out, &kontsevich, &revised, 0.8);
    }
    let mut latin: Vec<&str> =
        listed.iter().filter(|item| item.script == Script::Arabic).map(|item| item.latin.as_str()).collect();
    latin.dedup();
    for _ in 0..MADE.min(latin.len()) {
        if let Some(word) = latin.get(random.below(latin.len())) {
            let text = sorani(word, random);
            add(out, word, &text, 0.4);
        }
    }
}

fn pick<T: Copy>(table: &[T], random: &mut Random) -> Option<T> {
    table.get(random.below(table.len())).copied()
}

/// Joins parts, each in three spellings.
fn joined(parts: impl Iterator<Item = (&'static str, &'static str, &'static str)>) -> [String; 3] {
    parts.fold(Default::default(), |[a, b, c], (x, y, z)| [a + x, b + y, c + z])
}

/// One or two syllables in Pinyin, Wade–Giles and Palladius.
fn chinese(random: &mut Random) -> [String; 3] {
    let mut parts = Vec::new();
    for _ in 0..1 + random.below(2) {
        match random.below(5) {
            0 => parts.extend(pick(&WHOLE, random)),
            1 | 2 => parts.extend(pick(&OPEN, random).into_iter().chain(pick(&OPEN_FINALS, random))),
            _ => parts.extend(pick(&FRONT, random).into_iter().chain(pick(&FRONT_FINALS, random))),
        }
    }
    joined(parts.into_iter())
}

/// One or two syllables in Revised Romanization, as offices write them, and in Kontsevich's system.
fn korean(random: &mut Random) -> [String; 3] {
    let mut parts = Vec::new();
    for _ in 0..1 + random.below(2) {
        for table in [&KOREAN_LEADS[..], &KOREAN_VOWELS[..], &KOREAN_TAILS[..]] {
            parts.extend(pick(table, random));
        }
    }
    joined(parts.into_iter())
}

/// A Latin word in the Sorani alphabet: every vowel is written, a short one as ە.
fn sorani(latin: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = latin;
    while let Some(first) = rest.chars().next() {
        if let Some((letters, theirs)) = SORANI.iter().find(|(letters, _)| rest.starts_with(letters)) {
            out.push_str(theirs);
            rest = rest.get(letters.len()..).unwrap_or_default();
            continue;
        }
        match first {
            'a' => out.push(if random.one_in(2) { 'ا' } else { 'ە' }),
            'e' => out.push(if random.one_in(3) { 'ێ' } else { 'ە' }),
            'i' => out.push_str(if random.one_in(3) { "" } else { "ی" }),
            'o' => out.push('ۆ'),
            _ => {}
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_written_in_every_system() {
        let joined = |parts: &[Chinese]| joined(parts.iter().copied());
        assert_eq!(joined(&[("zh", "ch", "чж"), ("ong", "ung", "ун")]), ["zhong", "chung", "чжун"]);
        let mut random = Random::new(1);
        for _ in 0..200 {
            assert!(chinese(&mut random).iter().chain(&korean(&mut random)).all(|text| text.len() < 40));
        }
    }

    #[test]
    fn a_word_in_sorani_has_its_vowels() {
        let mut random = Random::new(1);
        let text = sorani("sherko", &mut random);
        assert!(text.starts_with('ش') && text.ends_with("رکۆ"), "{text}");
    }
}
