//! Words of the names of bodies that are translated, not transcribed: front, army, ministry, council …
//!
//! A table of our own making (`tables/concepts.txt`) lists, per concept, its words in the languages of Europe, in
//! Arabic, Persian and Turkish, and how the Arabic ones are usually transcribed. In the name of an organisation every
//! such word is read as the English word of its concept, so that a translation meets its original and both meet a
//! transcription. Compounds of German, Dutch, the Nordic and the Finno-Ugric languages are taken apart; articles,
//! prepositions and conjunctions are left out. What this module deliberately does not do: translate names of people
//! or places, or weigh a match (see `rarity`).

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use crate::hashed::Hashed;
use crate::keys;
use crate::lexicon;
use crate::nicknames::{Lines, NO_LINES};
use crate::script::{Script, Symbol};
use crate::slavic::{self, Form};
use crate::training;

use lists::{NEAR, SMALL};
pub(crate) use reading::{bare, initials_of, translate};

mod lists;
mod reading;

/// Shortest stem that is matched by its beginning, and the letters an ending may have.
const STEM_MIN: usize = 4;
const ENDING_MAX: usize = 6;
/// Lines of near concepts are numbered from here on; below are those of everyday forms of given names.
const NEAR_FIRST: u16 = 1024;

struct Table {
    /// By hash of a whole word, its concept.
    whole: Hashed<u16>,
    /// By hash of a stem, its concept.
    stems: Hashed<u16>,
    /// The same for Cyrillic words in any romanisation, by the hash of their one form (see `slavic`).
    romanised: Hashed<u16>,
    romanised_stems: Hashed<u16>,
    small: Hashed<()>,
    /// Concepts before this one say what a body is; the others are words that bodies are called by.
    generic: u16,
    /// By concept: its name in the table.
    names: Vec<String>,
    /// By concept: the English word in symbols.
    words: Vec<Vec<Symbol>>,
    /// By hash of the English word of a concept: the concept.
    english: Hashed<u16>,
    /// By concept and script: the first letters of its words, one bit each.
    initials: Vec<[u64; 5]>,
    /// By concept: the lines of near concepts it stands in.
    near: Vec<Lines>,
    /// By line of near concepts: the coarse skeletons of their English words.
    skeletons: Vec<Vec<u64>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let first = include_str!("../tables/concepts.txt");
    let more = [include_str!("../tables/concepts-more.txt"), include_str!("../tables/countries.txt")];
    let mut table = Table::read(first.lines().chain(more.into_iter().flat_map(str::lines)));
    table.generic = u16::try_from(first.lines().count()).unwrap_or(0);
    table
});

/// A word as it is written and without accents: lists often lack them.
fn spellings(word: &str) -> impl Iterator<Item = (Script, Vec<Symbol>)> {
    let bare: String = word.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect();
    [training::symbols(word), training::symbols(&bare)].into_iter().flatten()
}

impl Table {
    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let (mut whole, mut stems, mut words, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut romanised, mut romanised_stems) = (Vec::new(), Vec::new());
        let mut initials: Vec<[u64; 5]> = Vec::new();
        for line in lines {
            let (name, list) = line.split_once(':').unwrap_or_default();
            // A concept may have a second line: more words of it.
            let known = names.iter().position(|other| *other == name);
            let at = known.unwrap_or(names.len());
            let concept = u16::try_from(at).unwrap_or(u16::MAX);
            if known.is_none() {
                names.push(name);
                initials.push([0; 5]);
                let first = list.split_whitespace().next().map(|word| word.trim_end_matches('*'));
                words.push(first.and_then(training::symbols).map(|(_, symbols)| symbols).unwrap_or_default());
            }
            let Some(letters) = initials.get_mut(at) else { continue };
            for word in list.split_whitespace() {
                let stem = word.strip_suffix('*');
                for (script, symbols) in spellings(stem.unwrap_or(word)) {
                    let entry = (lexicon::hash(script, &symbols), concept);
                    whole.push(entry);
                    if let Some((slot, first)) = letters.get_mut(script.index()).zip(symbols.first()) {
                        *slot |= 1 << first;
                    }
                    if stem.is_some() && symbols.len() >= STEM_MIN {
                        stems.push(entry);
                    }
                    if script == Script::Cyrillic {
                        let form = Form::of(script, &symbols);
                        // An i at the end of a stem vanishes before the vowel of an ending.
                        let bytes = form.bytes().strip_suffix(b"i").filter(|_| stem.is_some());
                        let entry = (slavic::hash_of(bytes.unwrap_or(form.bytes())), concept);
                        if form.bytes().len() > STEM_MIN {
                            romanised.push(entry);
                            romanised_stems.extend(stem.map(|_| entry));
                        }
                    }
                }
            }
        }
        let small = SMALL.split_whitespace().flat_map(spellings);
        let small: Vec<(u64, ())> = small.map(|(script, s)| (lexicon::hash(script, &s), ())).collect();
        // Of two concepts that claim a word, the first of the table has it.
        let mut out = Self {
            whole: Hashed::new(whole.into_iter()),
            stems: Hashed::new(stems.into_iter()),
            romanised: Hashed::new(romanised.into_iter()),
            romanised_stems: Hashed::new(romanised_stems.into_iter()),
            small: Hashed::new(small.into_iter()),
            generic: 0,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            words,
            english: Hashed::new([].into_iter()),
            initials,
            near: vec![NO_LINES; names.len()],
            skeletons: Vec::new(),
        };
        out.fill_near(&names);
        out
    }

    fn fill_near(&mut self, names: &[&str]) {
        let english: Vec<(u64, u16)> = (0_u16..)
            .zip(&self.words)
            .filter(|(concept, word)| self.of(Script::Latin, word) == Some(*concept))
            .map(|(concept, word)| (lexicon::hash(Script::Latin, word), concept))
            .collect();
        self.english = Hashed::new(english.into_iter());
        for (number, line) in (NEAR_FIRST..).zip(NEAR) {
            let of = |name: &str| names.iter().position(|other| *other == name);
            let concepts: Vec<usize> = line.split(' ').filter_map(of).collect();
            for at in &concepts {
                if let Some([first, second, ..]) = self.near.get_mut(*at) {
                    *(if *first == 0 { first } else { second }) = number;
                }
            }
            let word = |at: &usize| self.words.get(*at).map(Vec::as_slice).unwrap_or_default();
            let coarse = concepts.iter().map(|at| keys::skeletons(Script::Latin, word(at)).coarse);
            self.skeletons.push(coarse.collect());
        }
    }

    /// The concept of a whole word, then that of a stem it begins with.
    fn concept(&self, script: Script, symbols: &[Symbol]) -> (Option<u16>, Option<u16>) {
        find(symbols, lexicon::hash(script, &[]), &self.whole, &self.stems)
    }

    /// The concept of a Cyrillic word in Latin letters.
    fn romanised(&self, script: Script, symbols: &[Symbol]) -> Option<u16> {
        if script != Script::Latin || symbols.len() <= STEM_MIN {
            return None;
        }
        let form = Form::of(script, symbols);
        let (whole, stem) = find(form.bytes(), slavic::START, &self.romanised, &self.romanised_stems);
        whole.or(stem)
    }

    /// The concept of a word, with or without the Arabic article.
    fn of(&self, script: Script, symbols: &[Symbol]) -> Option<u16> {
        let (whole, stem) = self.concept(script, symbols);
        let bare = || match (script, symbols) {
            (Script::Arabic, [1, 34, rest @ ..]) if rest.len() >= 2 => {
                let (whole, stem) = self.concept(script, rest);
                whole.or(stem)
            }
            _ => None,
        };
        whole.or(stem).or_else(bare).or_else(|| self.romanised(script, symbols))
    }

    /// The concept of a word that is in the table as it is.
    fn whole(&self, script: Script, symbols: &[Symbol]) -> Option<u16> {
        self.concept(script, symbols).0
    }

    fn word(&self, concept: u16) -> &[Symbol] {
        self.words.get(usize::from(concept)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Returns the concept of a part of a compound.
pub(crate) fn part(script: Script, symbols: &[Symbol]) -> Option<u16> {
    let (whole, stem) = TABLE.concept(script, symbols);
    whole.or(stem)
}

/// Returns the place of a concept in the table, by its name.
pub(crate) fn named(name: &str) -> Option<u16> {
    TABLE.names.iter().position(|other| other == name).and_then(|at| u16::try_from(at).ok())
}

/// Looks a word and its beginnings up; their hashes come on the way to that of the whole.
fn find(symbols: &[u8], start: u64, whole: &Hashed<u16>, stems: &Hashed<u16>) -> (Option<u16>, Option<u16>) {
    let (most, least) = (symbols.len().saturating_sub(1), symbols.len().saturating_sub(ENDING_MAX));
    let (mut hash, mut stem) = (start, None);
    for (length, symbol) in (1..).zip(symbols) {
        hash = lexicon::further(hash, *symbol);
        // An ending is no longer than its stem.
        if length >= least.max(STEM_MIN) && length <= most && 2 * length >= symbols.len() {
            stem = stems.get(hash).or(stem);
        }
    }
    (whole.get(hash), stem)
}

/// Returns the concept whose English word this is (given by its hash): it says what a body is, not which.
pub(crate) fn of_english(hash: u64) -> Option<u16> {
    TABLE.english.get(hash)
}

/// True for a concept that says what a body is: hundreds share it.
pub(crate) fn says_what(concept: u16) -> bool {
    concept < TABLE.generic
}

/// Returns the first letters of the words of a concept in a script, one bit each.
pub(crate) fn initials(concept: u16, script: Script) -> u64 {
    let letters = TABLE.initials.get(usize::from(concept));
    letters.and_then(|letters| letters.get(script.index())).copied().unwrap_or(0)
}

/// Returns the lines of near concepts a concept stands in, 0 where there is none.
pub(crate) fn near(concept: u16) -> Lines {
    TABLE.near.get(usize::from(concept)).copied().unwrap_or_default()
}

/// Returns the coarse skeletons of the English words of the concepts of a line.
pub(crate) fn skeletons(line: u16) -> &'static [u64] {
    let at = line.checked_sub(NEAR_FIRST).map(usize::from);
    at.and_then(|at| TABLE.skeletons.get(at)).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Kind, Name};

    /// The words of a body's name as they are compared.
    pub(crate) fn read(text: &str) -> Vec<String> {
        let name = Name::parse_as(Kind::Organisation, text);
        name.tokens().iter().map(|token| name.letters(token).collect()).collect()
    }

    #[test]
    fn translations_are_read_as_one() {
        for text in [
            "Ministry of Defence",
            "Ministère de la défense",
            "Ministerio de Defensa",
            "Министерство обороны",
            "Ministerstwo Obrony",
            "Verteidigungsministerium",
            "وزارة الدفاع",
        ] {
            let mut words = read(text);
            words.sort();
            assert_eq!(words, ["defence", "ministry"], "{text}");
        }
    }

    #[test]
    fn a_transcription_meets_its_translation() {
        assert_eq!(read("Jabhat al-Tahrir").first().map(String::as_str), Some("front"));
        assert_eq!(read("جبهة التحرير")[0], read("Frente de Liberación")[0]);
    }

    #[test]
    fn people_and_proper_words_are_left_alone() {
        assert_eq!(Name::parse("Frente Ministro").tokens().len(), 2);
        assert_eq!(read("Kalmora Wexford"), ["kalmora", "wexford"]);
        assert_eq!(read("the of"), ["the", "of"]);
        assert!(TABLE.words.iter().all(|word| word.len() >= 2));
    }

    #[test]
    fn near_concepts_share_a_line() {
        let lines = |text: &str| Name::parse_as(Kind::Organisation, text).tokens[0].nicknames;
        assert!(crate::nicknames::share(lines("Oficina Norte"), lines("Bureau Nord")));
        assert!(crate::nicknames::share(lines("государственный банк"), lines("National Bank")));
        assert!(!crate::nicknames::share(lines("Bank Nord"), lines("Bureau Nord")));
        assert!(NEAR.len() < 120);
        let tables = [include_str!("../tables/concepts.txt"), include_str!("../tables/concepts-more.txt")];
        let lines = tables.iter().flat_map(|table| table.lines());
        let named: Vec<&str> = lines.filter_map(|line| line.split(':').next()).collect();
        for line in NEAR {
            for concept in line.split(' ') {
                assert!(named.contains(&concept), "{concept}");
                let lines = NEAR.iter().filter(|other| other.split(' ').any(|name| name == concept));
                assert!(lines.count() <= 2, "{concept} stands in more than two lines");
            }
        }
    }
}
