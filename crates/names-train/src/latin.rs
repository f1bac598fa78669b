//! Spellings in Latin letters that the lists do not pair: by rule, as in `conventions`.
//!
//! Sources: the spelling of Van Ophuijsen (1901), that of Soewandi (1947) and the improved one of 1972 (Indonesian); the Turkish
//! alphabet of 1928 and the Azerbaijani one of 1992; the Somali alphabet of 1972; the Latvian rules on foreign personal
//! names (cabinet rules 114 of 2004); Pe̍h-ōe-jī as in Douglas (1873), and how registries of Singapore and Malaysia write
//! Hokkien.

use mithaq_names::Script;

use crate::conventions::{LATVIAN, letters};
use crate::corpus::{Corpora, Listed, add};
use crate::random::Random;

/// Rewritings of an English spelling of an Arabic name, in order, everywhere; `$` is the end of the word.
type Scheme = &'static [(&'static str, &'static str)];

/// The spelling before 1972, and before 1947 with oe.
const INDONESIAN_OLD: Scheme = &[
    ("j", "dj"),
    ("y", "j"),
    ("sh", "sj"),
    ("kh", "ch"),
    ("oo", "u"),
    ("u", "oe"),
    ("q", "k"),
    ("th", "ts"),
    ("dh", "dz"),
];
const INDONESIAN: Scheme =
    &[("sh", "sy"), ("dh", "dz"), ("th", "ts"), ("q", "k"), ("oo", "u"), ("ee", "i"), ("f", "p")];
const AZERBAIJANI: Scheme = &[
    ("sh", "ş"),
    ("kh", "x"),
    ("gh", "ğ"),
    ("ch", "ç"),
    ("j", "c"),
    ("w", "v"),
    ("ee", "i"),
    ("oo", "u"),
    ("a", "ə"),
];
const TURKISH: Scheme = &[
    ("ay", "ey"),
    ("sh", "ş"),
    ("kh", "h"),
    ("gh", "ğ"),
    ("j", "c"),
    ("w", "v"),
    ("q", "k"),
    ("dh", "z"),
    ("th", "s"),
    ("ee", "i"),
    ("oo", "u"),
    ("d$", "t"),
    ("b$", "p"),
    ("a", "e"),
];
const SOMALI: Scheme = &[("ee", "ii"), ("oo", "uu"), ("th", "s"), ("z", "s"), ("p", "b"), ("v", "f")];

/// Letters of Pe̍h-ōe-jī without marks and what registries write.
type Hokkien = (&'static str, &'static str);

const HOKKIEN_LEADS: [Hokkien; 22] = [
    ("", ""),
    ("p", "p"),
    ("p", "b"),
    ("ph", "p"),
    ("b", "b"),
    ("m", "m"),
    ("t", "t"),
    ("t", "d"),
    ("th", "t"),
    ("n", "n"),
    ("l", "l"),
    ("k", "k"),
    ("k", "g"),
    ("kh", "k"),
    ("g", "g"),
    ("ng", "ng"),
    ("h", "h"),
    ("ch", "ch"),
    ("ch", "j"),
    ("chh", "ch"),
    ("j", "j"),
    ("s", "s"),
];
const HOKKIEN_FINALS: [Hokkien; 34] = [
    ("a", "a"),
    ("a", "ah"),
    ("ai", "ai"),
    ("an", "an"),
    ("ang", "ang"),
    ("au", "au"),
    ("au", "ow"),
    ("e", "eh"),
    ("eng", "eng"),
    ("eng", "ing"),
    ("ek", "ek"),
    ("i", "i"),
    ("i", "ee"),
    ("ia", "ia"),
    ("iam", "iam"),
    ("ian", "ian"),
    ("ian", "ien"),
    ("iau", "iau"),
    ("im", "im"),
    ("in", "in"),
    ("io", "eo"),
    ("iong", "iong"),
    ("iu", "iu"),
    ("iu", "iew"),
    ("o", "o"),
    ("o", "oh"),
    ("oa", "ua"),
    ("oa", "wa"),
    ("oan", "uan"),
    ("oan", "wan"),
    ("oe", "ue"),
    ("ui", "ui"),
    ("ui", "wee"),
    ("un", "oon"),
];

/// Syllables that are made.
const MADE: usize = 4_000;

/// Adds all of them.
pub(crate) fn extend(listed: &[Listed], random: &mut Random, out: &mut Corpora) {
    for item in listed {
        match item.script {
            Script::Arabic => arabic(item, random, out),
            Script::Cyrillic => latvian(item, random, out),
            Script::Hebrew | Script::Latin | Script::Syllabic => {}
        }
    }
    for _ in 0..MADE {
        let [poj, registry] = hokkien(random);
        add(out, &poj, &registry, 0.3);
    }
}

fn arabic(item: &Listed, random: &mut Random, out: &mut Corpora) {
    const SCHEMES: [Scheme; 5] = [INDONESIAN_OLD, INDONESIAN, AZERBAIJANI, TURKISH, SOMALI];
    let at = random.below(SCHEMES.len() + 2);
    let Some(scheme) = SCHEMES.get(at).copied() else { return };
    let text = if at + 1 == SCHEMES.len() { somali(item, random) } else { item.latin.clone() };
    let text = rewrite(&text, scheme, random);
    if text != item.latin {
        add(out, &item.latin, &text, 0.2);
        add(out, &text, &item.other, 0.4);
    }
}

/// Applies a scheme; each rule, and each vowel, with chance two in three.
fn rewrite(latin: &str, scheme: Scheme, random: &mut Random) -> String {
    scheme.iter().fold(latin.to_owned(), |text, (from, to)| {
        if random.one_in(3) {
            return text;
        }
        match from.strip_suffix('$') {
            Some(end) => text.strip_suffix(end).map_or_else(|| text.clone(), |stem| format!("{stem}{to}")),
            // Vowel harmony decides, so either all or the first.
            None if *from == "a" => text.replacen(from, to, 1 + 2 * random.below(2)),
            None => text.replace(from, to),
        }
    })
}

/// What the Somali alphabet has of its own: x for ح, c for ع, long vowels doubled.
fn somali(item: &Listed, random: &mut Random) -> String {
    let mut text = item.latin.clone();
    if item.other.contains('ح') {
        text = text.replacen('h', "x", 1);
    }
    if item.other.starts_with('ع') && text.starts_with(['a', 'e', 'i', 'o', 'u']) {
        text.insert(0, 'c');
        text = text.replace("co", "cu");
    }
    if item.other.contains('ا') && random.one_in(2) {
        text = text.replacen('a', "aa", 1);
    }
    text
}

/// A name that is not Slavic as Latvian respells it, from its sound as Cyrillic shows it, with the ending of its gender.
fn latvian(item: &Listed, random: &mut Random, out: &mut Corpora) {
    if !random.one_in(3) {
        return;
    }
    let mut text = letters(&item.other, &LATVIAN);
    if text.ends_with(|c: char| !"aeiou".contains(c)) {
        text.push_str(["s", "s", "s", "is", "a"].get(random.below(6)).copied().unwrap_or(""));
    }
    add(out, &item.latin, &text, 0.2);
}

/// One or two syllables in Pe̍h-ōe-jī and as registries write them.
fn hokkien(random: &mut Random) -> [String; 2] {
    let mut out = [String::new(), String::new()];
    for _ in 0..1 + random.below(2) {
        for table in [&HOKKIEN_LEADS[..], &HOKKIEN_FINALS[..]] {
            if let Some((poj, registry)) = table.get(random.below(table.len())) {
                out[0].push_str(poj);
                out[1].push_str(registry);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(latin: &str, other: &str, make: impl Fn(&Listed, &mut Random) -> String) -> Vec<String> {
        let listed =
            Listed { latin: latin.to_owned(), other: other.to_owned(), script: Script::Arabic, count: 1 };
        (0..200).map(|seed| make(&listed, &mut Random::new(seed))).collect()
    }

    #[test]
    fn schemes_write_names_as_their_countries_do() {
        let by = |latin: &str, scheme: Scheme| {
            made(latin, "", |item, random| rewrite(&item.latin, scheme, random))
        };
        assert!(by("mukhtar", INDONESIAN_OLD).contains(&"moechtar".to_owned()));
        assert!(by("ahmad", TURKISH).contains(&"ahmat".to_owned()));
        assert!(by("rashad", AZERBAIJANI).contains(&"rəşad".to_owned()));
        assert!(made("omar", "عمر", somali).contains(&"cumar".to_owned()));
    }

    #[test]
    fn a_foreign_name_is_respelled_by_its_sound() {
        assert_eq!(letters("байден", &LATVIAN), "baiden");
    }

    #[test]
    fn syllables_are_written_in_both_ways() {
        let mut random = Random::new(1);
        assert!((0..100).map(|_| hokkien(&mut random)).any(|[poj, registry]| poj != registry));
    }
}
