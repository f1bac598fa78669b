//! Forms of companies and bodies: "ООО", "Limited Liability Company" and "s. r. o." say the same, and little.
//!
//! A table of our own making (`tables/forms.txt`) lists the forms of some thirty languages by what they are, after the
//! groups of ISO 20275 (entity legal forms); open, public and closed companies by shares are one. Phrases count as one
//! word, so that a form written out weighs no more than its letters. Slavic forms are found in any romanisation (see
//! `slavic`). What this module deliberately does not do: say that a body is what its form says.

use std::sync::LazyLock;

use crate::hashed::Hashed;
use crate::lexicon;
use crate::script::Script;
use crate::slavic;
use crate::text::{self, Word, Words};
use crate::training;

/// Most words of a form.
const MOST: usize = 9;

struct Table {
    /// By hash of a phrase, its form.
    phrases: Hashed<u8>,
    /// By hash of a beginning of a phrase: something may follow.
    beginnings: Hashed<()>,
    /// The letters that stand for a form.
    letters: Vec<Vec<u8>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../tables/forms.txt")));

/// Hash of no words.
const START: u64 = 0x9ae1_6a3b_2f90_404f;

/// A phrase and one word more. Letters with and without accents are one here, and so are romanisations.
fn further(hash: u64, words: &Words, word: &Word) -> u64 {
    let symbols = words.of(word);
    let own = match word.script {
        Script::Latin | Script::Cyrillic => slavic::hash(word.script, symbols),
        script @ (Script::Arabic | Script::Hebrew | Script::Syllabic) => lexicon::hash(script, symbols),
    };
    (hash ^ own).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
}

impl Table {
    fn read(table: &str) -> Self {
        let (mut phrases, mut beginnings, mut letters) = (Vec::new(), Vec::new(), Vec::new());
        for (form, line) in (0_u8..).zip(table.lines()) {
            let (name, list) = line.split_once(':').unwrap_or_default();
            letters.push(training::symbols(name).map(|(_, symbols)| symbols).unwrap_or_default());
            for phrase in list.split(';') {
                let words = text::words(phrase);
                let mut hash = START;
                for word in &words.words {
                    beginnings.push((hash, ()));
                    hash = further(hash, &words, word);
                }
                phrases.push((hash, form));
            }
        }
        Self {
            phrases: Hashed::new(phrases.into_iter()),
            beginnings: Hashed::new(beginnings.into_iter()),
            letters,
        }
    }

    /// The longest form at the beginning of words: its letters and how many words it takes.
    fn at<'a>(&'a self, words: &Words, rest: &[Word]) -> Option<(&'a [u8], usize)> {
        let (mut hash, mut found) = (START, None);
        for (count, word) in (1..=MOST).zip(rest) {
            if self.beginnings.get(hash).is_none() {
                break;
            }
            hash = further(hash, words, word);
            // Letters one by one are a form when points stand between them.
            let spelled = rest.iter().take(count).all(|w| w.letters == 1);
            let pointed = rest.iter().take(count.saturating_sub(1)).all(|w| w.dotted) && count > 1;
            found =
                self.phrases.get(hash).filter(|_| !spelled || pointed).map(|form| (form, count)).or(found);
        }
        let (form, count) = found?;
        Some((self.letters.get(usize::from(form))?, count))
    }
}

/// Puts one word in the place of every form. A name that is nothing but forms stays as it is.
pub(crate) fn shortened(words: Words) -> Words {
    let table = &*TABLE;
    let mut out = Words { words: Vec::with_capacity(words.words.len()), symbols: Vec::new() };
    let (mut rest, mut names) = (words.words.as_slice(), 0);
    while let [first, after @ ..] = rest {
        if let Some((letters, count)) = table.at(&words, rest) {
            let last = rest.get(count - 1).unwrap_or(first);
            let like = Word { from: first.from, joined: false, dotted: false, number: false, ..last.clone() };
            out.push(&like, Script::Latin, letters);
            rest = rest.get(count..).unwrap_or_default();
        } else {
            out.push(first, first.script, words.of(first));
            names += 1;
            rest = after;
        }
    }
    if names > 0 { out } else { words }
}

#[cfg(test)]
mod tests {
    use crate::{Kind, Name, Role};

    fn read(text: &str) -> Vec<(String, Role)> {
        let name = Name::parse_as(Kind::Organisation, text);
        name.tokens().iter().map(|token| (name.letters(token).collect(), token.role())).collect()
    }

    #[test]
    fn a_form_is_one_word_in_every_language() {
        for text in [
            "Kalmora LLC",
            "Limited Liability Company Kalmora",
            "ООО Калмора",
            "Общество с ограниченной ответственностью «Калмора»",
            "Obshchestvo s ogranichennoi otvetstvennostiu Kalmora",
            "OBSHCHESTVO S OGRANICHENNOY OTVETSTVENNOSTYU KALMORA",
            "Kalmora s. r. o.",
            "Kalmora Kft.",
            "كالمورا ذات مسؤولية محدودة",
        ] {
            let tokens = read(text);
            let forms = tokens.iter().filter(|t| t.1 == Role::LegalForm && t.0 == "llc").count();
            let names = tokens.iter().filter(|t| t.1 == Role::Plain).count();
            assert_eq!((forms, names), (1, 1), "{text}: {tokens:?}");
        }
    }

    #[test]
    fn letters_are_no_form_without_points() {
        let forms = |text| read(text).into_iter().filter(|token| token.1 == Role::LegalForm).count();
        assert_eq!((forms("Kalmora K.G."), forms("Kalmora K G")), (1, 0));
        assert_eq!(read("LLC"), [("llc".to_owned(), Role::LegalForm)]);
    }
}
