//! Pairs for syllabic scripts, made by rule: no permissive list of them was found.
//!
//! Foreign names: the Cyrillic spelling is close to the sound, so it is re-spelled by the syllable rules of kana
//! (Cabinet notice on loan words 1991), Hangul (loan-word rules, Ministry of Culture 2017) and Han transcription
//! (Xinhua tables, by sound). Native names: Hangul by Revised Romanization against the habits of passports and
//! McCune-Reischauer; Pinyin against Wade-Giles; kana against Hepburn.

use mithaq_names::{Script, training};

use crate::corpus::{Corpora, Listed, Pair};
use crate::random::Random;

/// Adds all syllabic pairs.
pub(crate) fn extend(listed: &[Listed], random: &mut Random, out: &mut Corpora) {
    for item in listed.iter().filter(|item| item.script == Script::Cyrillic) {
        let text = foreign(&item.other, random);
        add(out, &item.latin, &text, 1.0);
        if random.one_in(2) {
            add(out, &item.other, &text, 1.0);
            let again = foreign(&item.other, random);
            add_syllabic(out, &text, &again);
        }
    }
    for item in listed.iter().filter(|item| item.script != Script::Cyrillic) {
        // No sound is known for these; the Latin spelling stands in for it.
        if random.one_in(2) {
            let text = foreign(&phonetic(&item.latin), random);
            add(out, &item.other, &text, 0.7);
            add(out, &item.latin, &text, 0.15);
        }
    }
    for _ in 0..40_000 {
        let (syllabic, latin) = native(random);
        add(out, &latin, &syllabic, 1.0);
    }
}

/// A rough Cyrillic spelling of a Latin one.
fn phonetic(latin: &str) -> String {
    let text =
        latin.replace("sh", "ш").replace("ch", "ч").replace("kh", "х").replace("th", "т").replace("ph", "ф");
    text.chars()
        .filter_map(|c| {
            Some(match c {
                'a' | 'á' | 'ä' => 'а',
                'b' => 'б',
                'c' | 'k' | 'q' => 'к',
                'd' => 'д',
                'e' | 'é' | 'è' => 'е',
                'f' => 'ф',
                'g' => 'г',
                'h' => 'х',
                'i' | 'y' => 'и',
                'j' => 'ж',
                'l' => 'л',
                'm' => 'м',
                'n' => 'н',
                'o' => 'о',
                'p' => 'п',
                'r' => 'р',
                's' => 'с',
                't' => 'т',
                'u' => 'у',
                'v' | 'w' => 'в',
                'z' => 'з',
                'ш' | 'ч' | 'х' | 'т' | 'ф' => c,
                _ => return None,
            })
        })
        .collect()
}

/// Symbols of a syllabic reading; `*` is the weak vowel.
fn symbols(text: &str) -> Vec<u8> {
    let alphabet = training::alphabet(Script::Syllabic);
    let letter = |c: char| if c == '*' { 'ŭ' } else { c };
    text.chars()
        .filter_map(|c| alphabet.chars().position(|a| a == letter(c)))
        .filter_map(|at| u8::try_from(at + 1).ok())
        .collect()
}

pub(crate) fn add(out: &mut Corpora, other: &str, syllabic: &str, weight: f32) {
    let Some((script, a)) = training::symbols(other) else { return };
    let b = symbols(syllabic);
    if a.len() < 2 || b.len() < 2 || a.len() > 18 || b.len() > 22 || script == Script::Syllabic {
        return;
    }
    out.entry((script, Script::Syllabic)).or_default().push(Pair { a, b, weight });
}

fn add_syllabic(out: &mut Corpora, x: &str, y: &str) {
    let (a, b) = (symbols(x), symbols(y));
    if a.len() > 1 && b.len() > 1 && a.len() < 20 && b.len() < 20 {
        out.entry((Script::Syllabic, Script::Syllabic)).or_default().push(Pair {
            a: a.clone(),
            b: a,
            weight: 1.0,
        });
        out.entry((Script::Syllabic, Script::Syllabic)).or_default().push(Pair {
            a: symbols(x),
            b,
            weight: 0.3,
        });
    }
}

/// The three ways of writing foreign names.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Kana,
    Hangul,
    Han,
}

/// Spells a Cyrillic word in syllables.
fn foreign(word: &str, random: &mut Random) -> String {
    let way = match random.below(3) {
        0 => Way::Kana,
        1 => Way::Hangul,
        _ => Way::Han,
    };
    let letters: Vec<char> =
        word.chars().map(|c| if c == 'ё' { 'о' } else { c }).filter(|c| !matches!(c, 'ь' | 'ъ')).collect();
    let mut out = String::new();
    for (at, c) in letters.iter().enumerate() {
        let next = letters.get(at + 1).copied();
        let previous = at.checked_sub(1).and_then(|p| letters.get(p)).copied();
        if let Some(v) = vowel(*c, way, random) {
            out.push_str(v);
            continue;
        }
        if Some(*c) == previous {
            continue;
        }
        let before_vowel = next.is_some_and(is_vowel);
        if before_vowel || *c == 'й' {
            out.push_str(onset(*c, way, random));
        } else {
            out.push_str(coda(*c, previous, way, random));
        }
    }
    match way {
        Way::Kana => out
            .replace("si", "shi")
            .replace("ti", "chi")
            .replace("tu", "ts*")
            .replace("hu", "f*")
            .replace('u', "*"),
        Way::Hangul => out.replace("shya", "sya"),
        Way::Han => out,
    }
}

const fn is_vowel(c: char) -> bool {
    matches!(c, 'а' | 'е' | 'и' | 'о' | 'у' | 'ы' | 'э' | 'ю' | 'я')
}

fn vowel(c: char, way: Way, random: &mut Random) -> Option<&'static str> {
    Some(match c {
        'а' => "a",
        'е' | 'э' => match way {
            Way::Hangul if random.one_in(3) => "ae",
            Way::Han if random.one_in(3) => "ai",
            Way::Kana | Way::Hangul | Way::Han => "e",
        },
        'и' => "i",
        'о' => match way {
            Way::Hangul if random.one_in(4) => "eo",
            Way::Han if random.one_in(3) => "uo",
            Way::Kana | Way::Hangul | Way::Han => "o",
        },
        'у' => "u",
        'ы' => "i",
        'ю' => "yu",
        'я' => "ya",
        _ => return None,
    })
}

fn onset(c: char, way: Way, random: &mut Random) -> &'static str {
    let pick = |a: &'static str, b: &'static str, random: &mut Random| if random.one_in(2) { a } else { b };
    match (c, way) {
        ('б', _) => "b",
        ('в', Way::Kana) => pick("b", "v", random),
        ('в', Way::Hangul) => "b",
        ('в', Way::Han) => "w",
        ('г', _) => "g",
        ('д', _) => "d",
        ('ж', Way::Han) => pick("r", "zh", random),
        ('ж', _) => "j",
        ('з', Way::Hangul) => "j",
        ('з', _) => "z",
        ('й', _) => "i",
        ('к', _) => "k",
        ('л', Way::Kana | Way::Hangul) => "r",
        ('л', Way::Han) => "l",
        ('м', _) => "m",
        ('н', _) => "n",
        ('п', _) => "p",
        ('р', Way::Han) => "l",
        ('р', _) => "r",
        ('с', Way::Han) => pick("s", "x", random),
        ('с', _) => "s",
        ('т', _) => "t",
        ('ф', Way::Hangul) => "p",
        ('ф', _) => "f",
        ('х', _) => "h",
        ('ц', Way::Kana) => "ts",
        ('ц', Way::Hangul) => "ch",
        ('ц', Way::Han) => "c",
        ('ч', Way::Han) => pick("q", "ch", random),
        ('ч', _) => "ch",
        ('ш' | 'щ', Way::Han) => pick("sh", "x", random),
        ('ш' | 'щ', _) => "sh",
        _ => "",
    }
}

fn coda(c: char, previous: Option<char>, way: Way, random: &mut Random) -> &'static str {
    let after_vowel = previous.is_some_and(is_vowel);
    if c == 'р' && after_vowel && way != Way::Han && !random.one_in(3) {
        // A long vowel in kana, nothing in Hangul.
        return "";
    }
    match way {
        Way::Kana => coda_kana(c, random),
        Way::Hangul => coda_hangul(c, after_vowel, random),
        Way::Han => coda_han(c, random),
    }
}

fn coda_kana(c: char, random: &mut Random) -> &'static str {
    match c {
        'н' => "n",
        'м' => {
            if random.one_in(3) {
                "n"
            } else {
                "m*"
            }
        }
        'т' => "to",
        'д' => "do",
        'ч' => "chi",
        'ш' | 'щ' => "sh*",
        'ж' => "ji",
        'ц' => "ts*",
        'б' => "b*",
        'в' => {
            if random.one_in(2) {
                "f*"
            } else {
                "b*"
            }
        }
        'г' => "g*",
        'з' => "z*",
        'к' => "k*",
        'л' | 'р' => "r*",
        'п' => "p*",
        'с' => "s*",
        'ф' => "f*",
        'х' => "h*",
        _ => "",
    }
}

fn coda_hangul(c: char, after_vowel: bool, random: &mut Random) -> &'static str {
    match c {
        'н' => "n",
        'м' => "m",
        'л' => "l",
        'р' => "r*",
        'к' => {
            if after_vowel && random.one_in(2) {
                "k"
            } else {
                "k*"
            }
        }
        'п' => {
            if after_vowel && random.one_in(2) {
                "p"
            } else {
                "p*"
            }
        }
        'т' => {
            if after_vowel && random.one_in(2) {
                "t"
            } else {
                "t*"
            }
        }
        'д' => "d*",
        'г' => "g*",
        'б' => "b*",
        'в' => "b*",
        'з' => "j*",
        'с' => "s*",
        'ф' => "p*",
        'х' => "h*",
        'ц' => "ch*",
        'ч' => "chi",
        'ш' | 'щ' => "si",
        'ж' => "ji",
        _ => "",
    }
}

fn coda_han(c: char, random: &mut Random) -> &'static str {
    match c {
        'н' => "n",
        'м' => {
            if random.one_in(2) {
                "mu"
            } else {
                "n"
            }
        }
        'л' | 'р' => "er",
        'к' => "ke",
        'п' => "pu",
        'т' => "te",
        'д' => "de",
        'г' => "ge",
        'б' => "bu",
        'в' | 'ф' => "fu",
        'з' => "zi",
        'с' => "si",
        'х' => "he",
        'ц' => "ci",
        'ч' => "qi",
        'ш' | 'щ' => "shi",
        'ж' => "ri",
        _ => "",
    }
}

/// A made-up East Asian name in its script's reading and as an office would write it in Latin letters.
fn native(random: &mut Random) -> (String, String) {
    match random.below(3) {
        0 => korean(random),
        1 => chinese(random),
        _ => japanese(random),
    }
}

/// A letter of Revised Romanization (as we read Hangul) and what offices write.
type Habit = (&'static str, &'static [&'static str]);

const KOREAN_LEADS: [Habit; 13] = [
    ("g", &["k", "k", "g"]),
    ("n", &["n"]),
    ("d", &["t", "d"]),
    ("r", &["r", "l", "n", "y"]),
    ("m", &["m"]),
    ("b", &["p", "b"]),
    ("s", &["s", "sh"]),
    ("", &[""]),
    ("j", &["ch", "j"]),
    ("ch", &["ch"]),
    ("k", &["k"]),
    ("t", &["t"]),
    ("h", &["h"]),
];
const KOREAN_VOWELS: [Habit; 14] = [
    ("a", &["a", "ah"]),
    ("ae", &["ae", "ai"]),
    ("eo", &["o", "u", "eo"]),
    ("e", &["e"]),
    ("yeo", &["yo", "you", "yu", "yeo", "you"]),
    ("o", &["o", "oh"]),
    ("wa", &["wa"]),
    ("oe", &["oe", "oi"]),
    ("u", &["u", "oo", "woo"]),
    ("wo", &["won", "wo"]),
    ("*", &["u", "eu"]),
    ("i", &["i", "ee", "yi", "lee"]),
    ("yu", &["yu", "yoo", "ryu"]),
    ("yo", &["yo"]),
];
const KOREAN_TAILS: [Habit; 7] = [
    ("", &["", ""]),
    ("n", &["n"]),
    ("ng", &["ng"]),
    ("k", &["k"]),
    ("l", &["l", "hl"]),
    ("m", &["m"]),
    ("p", &["p"]),
];

fn korean(random: &mut Random) -> (String, String) {
    let (mut syllabic, mut latin) = (String::new(), String::new());
    for _ in 0..1 + random.below(2) {
        for table in [&KOREAN_LEADS[..], &KOREAN_VOWELS[..], &KOREAN_TAILS[..]] {
            let Some((reading, habits)) = table.get(random.below(table.len())) else { continue };
            syllabic.push_str(reading);
            latin.push_str(habits.get(random.below(habits.len())).copied().unwrap_or(""));
        }
    }
    (syllabic, latin)
}

const CHINESE_LEADS: [Habit; 22] = [
    ("b", &["b", "p"]),
    ("p", &["p"]),
    ("m", &["m"]),
    ("f", &["f"]),
    ("d", &["d", "t"]),
    ("t", &["t"]),
    ("n", &["n"]),
    ("l", &["l"]),
    ("g", &["g", "k"]),
    ("k", &["k"]),
    ("h", &["h"]),
    ("j", &["j", "ch", "k"]),
    ("q", &["q", "ch"]),
    ("x", &["x", "hs", "s", "h"]),
    ("zh", &["zh", "ch", "c"]),
    ("ch", &["ch"]),
    ("sh", &["sh", "s"]),
    ("r", &["r", "j"]),
    ("z", &["z", "ts"]),
    ("c", &["c", "ts"]),
    ("s", &["s"]),
    ("y", &["y", ""]),
];
const CHINESE_FINALS: [Habit; 20] = [
    ("a", &["a", "ah"]),
    ("ai", &["ai", "oi"]),
    ("an", &["an", "an"]),
    ("ang", &["ang", "ong"]),
    ("ao", &["ao", "au", "o"]),
    ("e", &["e", "o"]),
    ("ei", &["ei"]),
    ("en", &["en", "an"]),
    ("eng", &["eng", "ing"]),
    ("i", &["i", "ee", "ih"]),
    ("ian", &["ian", "ien", "in"]),
    ("iang", &["iang", "eung"]),
    ("iao", &["iao", "iu"]),
    ("ie", &["ie", "ieh"]),
    ("in", &["in", "am"]),
    ("ing", &["ing"]),
    ("iu", &["iu", "au"]),
    ("ong", &["ong", "ung"]),
    ("u", &["u", "oo"]),
    ("uo", &["uo", "o"]),
];

fn chinese(random: &mut Random) -> (String, String) {
    let (mut syllabic, mut latin) = (String::new(), String::new());
    let pinyin = !random.one_in(3);
    for _ in 0..1 + random.below(2) {
        for table in [&CHINESE_LEADS[..], &CHINESE_FINALS[..]] {
            let Some((reading, habits)) = table.get(random.below(table.len())) else { continue };
            syllabic.push_str(reading);
            let habit = habits.get(random.below(habits.len())).copied().unwrap_or("");
            latin.push_str(if pinyin { reading } else { habit });
        }
    }
    (syllabic, latin)
}

fn japanese(random: &mut Random) -> (String, String) {
    const LEADS: [&str; 15] = ["k", "s", "t", "n", "h", "m", "y", "r", "w", "g", "z", "d", "b", "", ""];
    const VOWELS: [&str; 5] = ["a", "i", "u", "e", "o"];
    let (mut syllabic, mut latin) = (String::new(), String::new());
    for _ in 0..2 + random.below(3) {
        let (lead, vowel) = (
            LEADS.get(random.below(15)).copied().unwrap_or(""),
            VOWELS.get(random.below(5)).copied().unwrap_or(""),
        );
        let text = match (lead, vowel) {
            ("s", "i") => "shi".to_owned(),
            ("t", "i") => "chi".to_owned(),
            ("t", "u") => "tsu".to_owned(),
            ("h", "u") => "fu".to_owned(),
            _ => format!("{lead}{vowel}"),
        };
        latin.push_str(&text);
        syllabic.push_str(&text.replace('u', "*"));
        if vowel == "o" && random.one_in(6) {
            syllabic.push('*');
        }
        if random.one_in(8) {
            latin.push('n');
            syllabic.push('n');
        }
    }
    (syllabic, latin)
}
