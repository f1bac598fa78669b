//! Reads the words of a body by the table of concepts.

use super::TABLE;
use crate::compounds;
use crate::lexicon;
use crate::script::{Script, Symbol};
use crate::text::{Word, Words};

/// Leaves small words out, unless there is nothing else.
pub(crate) fn bare(words: Words) -> Words {
    let small =
        |word: &Word| !word.dotted && TABLE.small.get(lexicon::hash(word.script, words.of(word))).is_some();
    let kept: Vec<Word> = words.words.iter().filter(|word| !small(word)).cloned().collect();
    if kept.is_empty() { words } else { Words { words: kept, symbols: words.symbols } }
}

/// Reads the words of a body as the English words of their concepts, and says whether any changed. A name of nothing but
/// small words stays.
pub(crate) fn translate(words: &Words) -> (Words, bool) {
    let table = &*TABLE;
    let mut out = Words { words: Vec::with_capacity(words.words.len()), symbols: Vec::new() };
    let mut changed = false;
    for word in &words.words {
        let symbols = words.of(word);
        let hash = lexicon::hash(word.script, symbols);
        if table.small.get(hash).is_some() && !word.dotted {
            continue;
        }
        let form = lexicon::function(word.script, symbols) == Some(lexicon::Function::LegalForm);
        if form || word.number || word.script == Script::Syllabic {
            out.push(word, word.script, symbols);
            continue;
        }
        if let Some(concept) = table.whole(word.script, symbols) {
            changed |= table.word(concept) != symbols || word.script != Script::Latin;
            out.push(word, Script::Latin, table.word(concept));
            continue;
        }
        let parts = compounds::parts(word.script, symbols);
        let (unknown, known) = (parts.unknown, parts.known());
        if known.is_empty() {
            match table.of(word.script, symbols) {
                Some(concept) => {
                    changed = true;
                    out.push(word, Script::Latin, table.word(concept));
                }
                None => out.push(word, word.script, symbols),
            }
            continue;
        }
        changed = true;
        if let Some(unknown) = symbols.get(..unknown).filter(|part| !part.is_empty()) {
            out.push(word, word.script, unknown);
        }
        for concept in known {
            out.push(word, Script::Latin, table.word(*concept));
        }
    }
    if out.words.is_empty() { (words.clone(), false) } else { (out, changed) }
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

impl Words {
    pub(crate) fn push(&mut self, like: &Word, script: Script, symbols: &[Symbol]) {
        let start = self.symbols.len();
        self.symbols.extend_from_slice(symbols);
        self.words.push(Word { script, start, len: symbols.len(), ..like.clone() });
    }
}
