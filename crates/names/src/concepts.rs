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

struct Table {
    /// Hash of a whole word, its concept; sorted.
    whole: Vec<(u64, u16)>,
    /// Hash of a stem, its concept; sorted.
    stems: Vec<(u64, u16)>,
    small: Vec<u64>,
    /// By concept: the English word in symbols.
    words: Vec<Vec<Symbol>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../tables/concepts.txt")));

/// A word as it is written and without accents: lists often lack them.
fn spellings(word: &str) -> impl Iterator<Item = (Script, Vec<Symbol>)> {
    let bare: String = word.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect();
    [training::symbols(word), training::symbols(&bare)].into_iter().flatten()
}

impl Table {
    fn read(text: &str) -> Self {
        let mut out = Self { whole: Vec::new(), stems: Vec::new(), small: Vec::new(), words: Vec::new() };
        for (concept, line) in (0_u16..).zip(text.lines()) {
            let list = line.split_once(':').map_or("", |(_, list)| list);
            let mut words = list.split_whitespace();
            let first = words.next().and_then(|word| training::symbols(word.trim_end_matches('*')));
            out.words.push(first.map(|(_, symbols)| symbols).unwrap_or_default());
            for word in list.split_whitespace() {
                let stem = word.strip_suffix('*');
                for (script, symbols) in spellings(stem.unwrap_or(word)) {
                    let entry = (lexicon::hash(script, &symbols), concept);
                    out.whole.push(entry);
                    if stem.is_some() && symbols.len() >= STEM_MIN {
                        out.stems.push(entry);
                    }
                }
            }
        }
        let small = SMALL.split_whitespace().flat_map(spellings);
        out.small = small.map(|(script, symbols)| lexicon::hash(script, &symbols)).collect();
        out.small.sort_unstable();
        // Of two concepts that claim a word, the first of the table has it.
        for list in [&mut out.whole, &mut out.stems] {
            list.sort_unstable();
            list.dedup_by_key(|entry| entry.0);
        }
        out
    }

    fn concept(&self, script: Script, symbols: &[Symbol]) -> Option<u16> {
        let find = |list: &[(u64, u16)], symbols: &[Symbol]| {
            let hash = lexicon::hash(script, symbols);
            let at = list.binary_search_by_key(&hash, |entry| entry.0).ok()?;
            list.get(at).map(|entry| entry.1)
        };
        find(&self.whole, symbols).or_else(|| {
            let most = symbols.len().saturating_sub(1);
            let least = symbols.len().saturating_sub(ENDING_MAX).max(STEM_MIN);
            (least..=most).rev().find_map(|len| find(&self.stems, symbols.get(..len)?))
        })
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
        if table.small.binary_search(&hash).is_ok() && !word.dotted {
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

/// True for a word that is the English word of a concept: it says what a body is, not which.
pub(crate) fn is_concept(script: Script, symbols: &[Symbol]) -> bool {
    let table = &*TABLE;
    script == Script::Latin && table.of(script, symbols).is_some_and(|concept| table.word(concept) == symbols)
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
}
