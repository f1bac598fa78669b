//! Classes of frequent words: which of them are spellings of one name, and which are two names.
//!
//! Every word is tied to the word of another script that it meets most of the time, and every word of another script to
//! the Latin one it meets most of the time; what hangs together is a class. Two frequent words of different classes are
//! two names (see `distinct` in `mithaq-names`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mithaq_names::{Script, training};

use crate::corpus::Listed;

/// Times a word must have been seen to be of a class. The Arabic lists are the shortest, and Arabic is written in one way.
const fn frequent(script: Script) -> u32 {
    if matches!(script, Script::Arabic) { 10 } else { 20 }
}

/// Times a pair must have been seen to tie two words.
const SEEN: u32 = 2;

/// Script and key of a word.
type Word = (Script, u64);

/// Returns the text of the table: a line a class, the keys of its words.
pub(crate) fn of(listed: &[Listed]) -> String {
    let mut pairs: BTreeMap<(Word, Word), u32> = BTreeMap::new();
    for item in listed {
        let keys = (training::class_key(&item.latin), training::class_key(&item.other));
        if let (Some(latin @ (Script::Latin, _)), Some(other)) = keys {
            *pairs.entry((latin, other)).or_default() += item.count;
        }
    }
    let (mut by_script, mut total): (BTreeMap<(Word, Script), u32>, BTreeMap<Word, u32>) = Default::default();
    for ((latin, other), count) in &pairs {
        *by_script.entry((*latin, other.0)).or_default() += count;
        *total.entry(*latin).or_default() += count;
        *total.entry(*other).or_default() += count;
    }
    let mut parents: BTreeMap<Word, Word> = total.keys().map(|word| (*word, *word)).collect();
    for ((latin, other), count) in &pairs {
        let most = |of: Option<&u32>| of.is_some_and(|of| count * 2 >= *of);
        if *count >= SEEN && (most(by_script.get(&(*latin, other.0))) || most(total.get(other))) {
            let (x, y) = (root(&parents, *latin), root(&parents, *other));
            parents.insert(x.max(y), x.min(y));
        }
    }
    let mut groups: BTreeMap<Word, Vec<u64>> = BTreeMap::new();
    for (word, _) in total.iter().filter(|(word, count)| **count >= frequent(word.0)) {
        groups.entry(root(&parents, *word)).or_default().push(word.1);
    }
    let mut out = String::new();
    for keys in groups.values() {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:x}")).collect();
        let _ = writeln!(out, "{}", keys.join(" "));
    }
    out
}

/// The word that stands for the class of a word.
fn root(parents: &BTreeMap<Word, Word>, mut word: Word) -> Word {
    while let Some(next) = parents.get(&word).filter(|next| **next != word) {
        word = *next;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_meet_one_word_are_a_class_and_other_names_are_not() {
        let listed = |latin: &str, other: &str, count| Listed {
            latin: latin.to_owned(),
            other: other.to_owned(),
            script: Script::Arabic,
            count,
        };
        let all = [
            listed("hassan", "حسن", 90),
            listed("hasan", "حسن", 60),
            listed("hussein", "حسين", 90),
            listed("hassan", "حسين", 1),
            listed("rare", "نادر", 3),
        ];
        let key = |text| training::class_key(text).unwrap().1;
        let table = of(&all);
        let line = |text| table.lines().position(|line| line.contains(&format!("{:x}", key(text))));
        assert_eq!(line("hassan"), line("hasan"));
        assert_eq!(line("hassan"), line("حسن"));
        assert_ne!(line("hassan"), line("hussein"));
        assert_eq!(line("rare"), None);
    }
}
