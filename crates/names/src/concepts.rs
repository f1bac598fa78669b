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
use crate::script::{Script, Symbol};
use crate::text::{Word, Words};
use crate::training;

/// Shortest stem that is matched by its beginning, and the letters an ending may have.
const STEM_MIN: usize = 4;
const ENDING_MAX: usize = 6;
/// Shortest part of a compound.
const PART_MIN: usize = 4;

/// Words that say nothing in the name of a body.
const SMALL: &str = "the of and for in on to by at a an de la le les l d du des et en pour au aux un une el los las del y e \
    para por da do dos das em com il lo gli dei della delle dello degli di per con al ai și cu din pentru ale der die das den \
    dem und für im zu zum zur van het een en voor och av för i til og af på det på den w we z ze na dla oraz o u ve v s pro a \
    při so pre in za od ja sekä ning või un par ar ir az és egy ve ile και της του των το τα η ο στο για και в во и по с со \
    для при за на от із та з до у та في من على و در از برای به";

/// Concepts that lists and languages take for each other: what one calls an office another calls a bureau. One line a
/// neighbourhood, by the names of the concepts in the table; a concept may stand in two.
const NEAR: &[&str] = &[
    "office bureau department directorate administration agency service",
    "ministry department",
    "state national federal government public republic",
    "army force military defence armed",
    "army land",
    "company_joint enterprise group house",
    "factory plant industry production enterprise",
    "industry production engineering machine",
    "institute centre academy university school research",
    "research scientific",
    "technical technology engineering",
    "design bureau project",
    "organisation association society foundation union federation",
    "committee commission council assembly",
    "parliament assembly council",
    "movement front party",
    "group network jihad",
    "region province district county city municipality local",
    "district territorial",
    "prison colony camp detention penal",
    "division unit brigade battalion regiment corps",
    "security intelligence guard police",
    "space aerospace aviation",
    "air aviation aerospace",
    "navy maritime shipping ship",
    "trade export import exchange",
    "bank finance investment",
    "relief charity humanitarian",
    "followers supporters",
    "branch chapter",
    "fund foundation",
    "coalition alliance league union",
    "concern corporation holding society",
    "freedom army_liberation",
    "combat war",
    "united unity",
    "science scientific",
    "weapons ammunition explosives",
    "aircraft helicopter drone",
    "automobile tractor",
    "casting forge",
    "pharmaceutical medical health hospital",
    "law rights justice court",
    "supply procurement logistics",
    "planning project",
    "protection security",
    "home house",
    "electronic radio",
    "investigation inspection",
    "leader president",
    "deputy parliament",
    "fighters soldiers islamists supporters youth",
    "revolution resistance army_liberation",
    "resistance jihad",
    "news information media",
    "communication information",
    "television broadcasting media",
    "people national public",
    "russian russia",
    "ukrainian ukraine",
    "syrian syria",
    "iranian iran",
    "libyan libya",
    "iraqi iraq",
    "oil gas energy",
    "electric energy",
    "metal steel mining",
    "management control administration",
    "construction development",
    "special operation",
    "foreign international",
    "young youth student",
    "workers labour",
];
/// Lines of near concepts are numbered from here on; below are those of everyday forms of given names.
const NEAR_FIRST: u8 = 128;

struct Table {
    /// By hash of a whole word, its concept.
    whole: Hashed<u16>,
    /// By hash of a stem, its concept.
    stems: Hashed<u16>,
    small: Hashed<()>,
    /// By concept: the English word in symbols.
    words: Vec<Vec<Symbol>>,
    /// By hash of the English word of a concept: the concept.
    english: Hashed<u16>,
    /// By concept and script: the first letters of its words, one bit each.
    initials: Vec<[u64; 5]>,
    /// By concept: the lines of near concepts it stands in.
    near: Vec<[u8; 2]>,
    /// By line of near concepts: the coarse skeletons of their English words.
    skeletons: Vec<Vec<u64>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../tables/concepts.txt")));

/// A word as it is written and without accents: lists often lack them.
fn spellings(word: &str) -> impl Iterator<Item = (Script, Vec<Symbol>)> {
    let bare: String = word.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect();
    [training::symbols(word), training::symbols(&bare)].into_iter().flatten()
}

impl Table {
    fn read(text: &str) -> Self {
        let (mut whole, mut stems, mut words, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut initials: Vec<[u64; 5]> = Vec::new();
        for (concept, line) in (0_u16..).zip(text.lines()) {
            let (name, list) = line.split_once(':').unwrap_or_default();
            names.push(name);
            let mut letters = [0; 5];
            let first = list.split_whitespace().next().map(|word| word.trim_end_matches('*'));
            words.push(first.and_then(training::symbols).map(|(_, symbols)| symbols).unwrap_or_default());
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
                }
            }
            initials.push(letters);
        }
        let small = SMALL.split_whitespace().flat_map(spellings);
        let small: Vec<(u64, ())> = small.map(|(script, s)| (lexicon::hash(script, &s), ())).collect();
        // Of two concepts that claim a word, the first of the table has it.
        let mut out = Self {
            whole: Hashed::new(whole.into_iter()),
            stems: Hashed::new(stems.into_iter()),
            small: Hashed::new(small.into_iter()),
            words,
            english: Hashed::new([].into_iter()),
            initials,
            near: vec![[0; 2]; names.len()],
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
                if let Some([first, second]) = self.near.get_mut(*at) {
                    *(if *first == 0 { first } else { second }) = number;
                }
            }
            let word = |at: &usize| self.words.get(*at).map(Vec::as_slice).unwrap_or_default();
            let coarse = concepts.iter().map(|at| keys::skeletons(Script::Latin, word(at)).coarse);
            self.skeletons.push(coarse.collect());
        }
    }

    fn concept(&self, script: Script, symbols: &[Symbol]) -> Option<u16> {
        // The hashes of the beginnings come on the way to that of the whole.
        let (most, least) = (symbols.len().saturating_sub(1), symbols.len().saturating_sub(ENDING_MAX));
        let (mut hash, mut stem) = (lexicon::hash(script, &[]), None);
        for (length, symbol) in (1..).zip(symbols) {
            hash = lexicon::further(hash, *symbol);
            if length >= least.max(STEM_MIN) && length <= most {
                stem = self.stems.get(hash).or(stem);
            }
        }
        self.whole.get(hash).or(stem)
    }

    /// The concept of a word, with or without the Arabic article.
    fn of(&self, script: Script, symbols: &[Symbol]) -> Option<u16> {
        let bare = match (script, symbols) {
            (Script::Arabic, [1, 34, rest @ ..]) if rest.len() >= 2 => Some(rest),
            _ => None,
        };
        self.concept(script, symbols).or_else(|| self.concept(script, bare?))
    }

    /// The two concepts of a compound.
    fn compound(&self, script: Script, symbols: &[Symbol]) -> Option<(u16, u16)> {
        if script != Script::Latin || symbols.len() < 2 * PART_MIN + 1 {
            return None;
        }
        (PART_MIN..=symbols.len() - PART_MIN).find_map(|at| {
            let (first, second) = symbols.split_at_checked(at)?;
            Some((self.concept(script, first)?, self.concept(script, second)?))
        })
    }

    fn word(&self, concept: u16) -> &[Symbol] {
        self.words.get(usize::from(concept)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Reads the words of a body as the English words of their concepts. A name of nothing but small words stays.
pub(crate) fn translate(words: Words) -> Words {
    let table = &*TABLE;
    let mut out = Words { words: Vec::with_capacity(words.words.len()), symbols: Vec::new() };
    for word in &words.words {
        let symbols = words.of(word);
        let hash = lexicon::hash(word.script, symbols);
        if table.small.get(hash).is_some() && !word.dotted {
            continue;
        }
        let form = lexicon::function(word.script, symbols) == Some(lexicon::Function::LegalForm);
        let readable = !form && !word.number && word.script != Script::Syllabic;
        let concept = table.of(word.script, symbols).filter(|_| readable);
        if let Some(concept) = concept {
            out.push(word, Script::Latin, table.word(concept));
        } else if let Some((first, second)) = table.compound(word.script, symbols).filter(|_| readable) {
            out.push(word, Script::Latin, table.word(first));
            out.push(word, Script::Latin, table.word(second));
        } else {
            out.push(word, word.script, symbols);
        }
    }
    if out.words.is_empty() { words } else { out }
}

impl Words {
    fn push(&mut self, like: &Word, script: Script, symbols: &[Symbol]) {
        let start = self.symbols.len();
        self.symbols.extend_from_slice(symbols);
        self.words.push(Word { script, start, len: symbols.len(), ..like.clone() });
    }
}

/// Returns the concept whose English word this is (given by its hash): it says what a body is, not which.
pub(crate) fn of_english(hash: u64) -> Option<u16> {
    TABLE.english.get(hash)
}

/// Returns the first letters of the words of a concept in a script, one bit each.
pub(crate) fn initials(concept: u16, script: Script) -> u64 {
    let letters = TABLE.initials.get(usize::from(concept));
    letters.and_then(|letters| letters.get(script.index())).copied().unwrap_or(0)
}

/// Returns the first letters of the words of a body, small words, forms and numbers left out; nothing when they are of
/// several scripts.
pub(crate) fn initials_of(words: &Words) -> (Script, Vec<Symbol>) {
    let table = &*TABLE;
    let says = |word: &&Word| {
        let symbols = words.of(word);
        let form = lexicon::function(word.script, symbols) == Some(lexicon::Function::LegalForm);
        !form && !word.number && table.small.get(lexicon::hash(word.script, symbols)).is_none()
    };
    let mut said = words.words.iter().filter(says);
    let script = said.clone().next().map_or(Script::Latin, |word| word.script);
    if said.clone().any(|word| word.script != script) || script == Script::Syllabic {
        return (script, Vec::new());
    }
    let letters = said.by_ref().take(9).filter_map(|word| words.of(word).first().copied()).collect();
    (script, letters)
}

/// Returns the lines of near concepts a concept stands in, 0 where there is none.
pub(crate) fn near(concept: u16) -> [u8; 2] {
    TABLE.near.get(usize::from(concept)).copied().unwrap_or_default()
}

/// Returns the coarse skeletons of the English words of the concepts of a line.
pub(crate) fn skeletons(line: u8) -> &'static [u64] {
    let at = line.checked_sub(NEAR_FIRST).map(usize::from);
    at.and_then(|at| TABLE.skeletons.get(at)).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Name};

    fn read(text: &str) -> Vec<String> {
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
        let named: Vec<&str> =
            include_str!("../tables/concepts.txt").lines().filter_map(|l| l.split(':').next()).collect();
        for line in NEAR {
            for concept in line.split(' ') {
                assert!(named.contains(&concept), "{concept}");
                let lines = NEAR.iter().filter(|other| other.split(' ').any(|name| name == concept));
                assert!(lines.count() <= 2, "{concept} stands in more than two lines");
            }
        }
    }
}
