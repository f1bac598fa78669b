//! From text to words: compatibility forms, marks and case removed, split, bounded, in symbols of one script.
//!
//! What this module deliberately does not do: know that a word is a particle or a title (see `structure`).

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::homoglyphs;
use crate::romanise;
use crate::script::{self, Script, Symbol};
use crate::syllables;

/// Characters of a name that are read; the rest is ignored. Longer than any name on a published list
/// (the longest on the consolidated United Nations list has 91).
pub const MAX_CHARS: usize = 256;
/// Words of a name that are read.
pub const MAX_WORDS: usize = 20;
/// Symbols of one word that are read.
pub const MAX_WORD_SYMBOLS: usize = 24;

/// A word of the text, in symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) script: Script,
    /// Where its symbols are in [`Words::symbols`].
    pub(crate) start: usize,
    pub(crate) len: usize,
    /// Characters in the text, for explanations and spans (offset of the first, one past the last).
    pub(crate) from: u16,
    pub(crate) to: u16,
    /// Character count before folding.
    pub(crate) letters: u8,
    /// A comma follows.
    pub(crate) comma: bool,
    /// A full stop follows: an abbreviation when short.
    pub(crate) dotted: bool,
    /// A hyphen or apostrophe joins it to the next word.
    pub(crate) joined: bool,
    /// Hash of the characters of a syllabic word, whose reading says less than its writing; 0 otherwise.
    pub(crate) written: u64,
    /// Digits only.
    pub(crate) number: bool,
}

/// The words of one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) words: Vec<Word>,
    pub(crate) symbols: Vec<Symbol>,
}

impl Words {
    pub(crate) fn of(&self, word: &Word) -> &[Symbol] {
        self.symbols.get(word.start..word.start + word.len).unwrap_or_default()
    }
}

/// Alphabet as written: finer than [`Script`], because each has its own reading rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Latin,
    Greek,
    Armenian,
    Georgian,
    Arabic,
    Cyrillic,
    Hebrew,
    Syllabic,
    Digit,
}

impl Hand {
    const ALL: [Self; 9] = [
        Self::Latin,
        Self::Greek,
        Self::Armenian,
        Self::Georgian,
        Self::Arabic,
        Self::Cyrillic,
        Self::Hebrew,
        Self::Syllabic,
        Self::Digit,
    ];

    fn of(c: char) -> Option<Self> {
        if c.is_ascii() {
            return match c {
                'a'..='z' | 'A'..='Z' => Some(Self::Latin),
                '0'..='9' => Some(Self::Digit),
                _ => None,
            };
        }
        if digit(c).is_some() {
            return Some(Self::Digit);
        }
        Some(match Script::of(c)? {
            Script::Latin => match c {
                '\u{370}'..='\u{3FF}' => Self::Greek,
                '\u{531}'..='\u{587}' => Self::Armenian,
                '\u{10A0}'..='\u{10FF}' => Self::Georgian,
                _ => Self::Latin,
            },
            Script::Arabic => Self::Arabic,
            Script::Cyrillic => Self::Cyrillic,
            Script::Hebrew => Self::Hebrew,
            Script::Syllabic => Self::Syllabic,
        })
    }

    const fn script(self) -> Script {
        match self {
            Self::Latin | Self::Greek | Self::Armenian | Self::Georgian | Self::Digit => Script::Latin,
            Self::Arabic => Script::Arabic,
            Self::Cyrillic => Script::Cyrillic,
            Self::Hebrew => Script::Hebrew,
            Self::Syllabic => Script::Syllabic,
        }
    }
}

/// Returns the value of a decimal digit of the scripts we read.
fn digit(c: char) -> Option<u8> {
    let offset = match c {
        '0'..='9' => u32::from(c) - 0x30,
        '\u{660}'..='\u{669}' => u32::from(c) - 0x660,
        '\u{6F0}'..='\u{6F9}' => u32::from(c) - 0x6F0,
        _ => return None,
    };
    u8::try_from(offset).ok()
}

/// Marks that carry no letter: harakat, tatweel, niqqud, combining accents, zero-width and direction marks.
const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5BD}' | '\u{5BF}'..='\u{5C7}'
        | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{6D6}'..='\u{6DC}'
        | '\u{6DF}'..='\u{6E8}' | '\u{6EA}'..='\u{6ED}' | '\u{8D3}'..='\u{8FF}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{AD}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}')
}

/// Apostrophe-like signs (also ayn and hamza of romanisations): dropped inside a word.
const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '\u{2018}'..='\u{201B}' | '\u{2B0}'..='\u{2CF}' | '\u{2032}' | '\u{A78C}' | '\u{5F3}')
}

const fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{5BE}')
}

/// True when compatibility normalisation cannot change the character, nor join it with another that is as plain.
const fn is_plain(c: char) -> bool {
    matches!(c, '\0'..='\u{9F}' | '\u{C0}'..='\u{131}' | '\u{134}'..='\u{13E}' | '\u{141}'..='\u{148}'
        | '\u{14A}'..='\u{17E}' | '\u{388}'..='\u{3CE}' | '\u{400}'..='\u{482}' | '\u{48A}'..='\u{4FF}'
        | '\u{531}'..='\u{556}' | '\u{561}'..='\u{586}' | '\u{5D0}'..='\u{5EA}' | '\u{621}'..='\u{652}' | '\u{670}'..='\u{674}'
        | '\u{679}'..='\u{6D3}' | '\u{6D5}' | '\u{6F0}'..='\u{6F9}' | '\u{10D0}'..='\u{10FA}' | '\u{1E00}'..='\u{1E99}'
        | '\u{1EA0}'..='\u{1EF9}' | '\u{200B}'..='\u{200F}' | '\u{2018}'..='\u{201D}' | '\u{3041}'..='\u{3096}'
        | '\u{30A1}'..='\u{30FA}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

/// What a character is, asked once for all characters of the alphabets and kept.
#[derive(Clone, Copy, Default)]
struct Class(u8);

impl Class {
    const PLAIN: u8 = 0x10;
    const MARK: u8 = 0x20;
    const LATIN: u8 = 0x40;
    const CYRILLIC: u8 = 0x80;
    /// Characters that are kept: Latin with all its signs, Greek, Cyrillic, Armenian, Hebrew, Arabic.
    const KEPT: u32 = 0x700;

    fn judge(c: char) -> Self {
        let hand = Hand::of(c).map_or(0, |hand| hand as u8 + 1);
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        Self(
            hand | flag(is_plain(c), Self::PLAIN)
                | flag(is_mark(c), Self::MARK)
                | flag(homoglyphs::is_latin(c), Self::LATIN)
                | flag(homoglyphs::is_cyrillic(c), Self::CYRILLIC),
        )
    }

    #[inline]
    fn of(c: char) -> Self {
        static CLASSES: LazyLock<Vec<Class>> =
            LazyLock::new(|| (0..Class::KEPT).filter_map(char::from_u32).map(Class::judge).collect());
        CLASSES.get(c as usize).copied().unwrap_or_else(|| Self::judge(c))
    }

    fn hand(self) -> Option<Hand> {
        Hand::ALL.get(usize::from(self.0 & 0xf).checked_sub(1)?).copied()
    }

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// Splits a text into words.
pub(crate) fn words(text: &str) -> Words {
    let mut out = Words { words: Vec::with_capacity(6), symbols: Vec::with_capacity(48) };
    let mut splitter =
        Splitter { out: &mut out, hand: None, word: [' '; MAX_WORD_SYMBOLS], len: 0, from: 0, at: 0, end: 0 };
    if text.is_ascii() {
        text.bytes().take(MAX_CHARS).for_each(|c| splitter.push(char::from(c)));
    } else {
        let (mut every, mut any) = (u8::MAX, 0);
        for class in text.chars().take(MAX_CHARS).map(Class::of) {
            (every, any) = (every & class.0, any | class.0);
        }
        let any = Class(any);
        let mixed = any.has(Class::LATIN) && any.has(Class::CYRILLIC);
        let unmixed = if mixed { homoglyphs::unmixed(text) } else { None };
        let read = unmixed.as_deref().unwrap_or(text);
        // A twin is as plain as the letter it stands for.
        if Class(every).has(Class::PLAIN) {
            read.chars().take(MAX_CHARS).for_each(|c| splitter.push(c));
        } else {
            normalised(read, &mut splitter);
        }
    }
    splitter.flush();
    out
}

/// Pushes the compatibility forms of a text cluster by cluster (a character and the marks on it), so that every
/// character keeps the place it has in the text: one may become eighteen.
fn normalised(text: &str, splitter: &mut Splitter<'_>) {
    let mut rest = text.chars().take(MAX_CHARS).peekable();
    let (mut cluster, mut at) = (String::new(), 0_u16);
    while let Some(first) = rest.next() {
        cluster.clear();
        cluster.push(first);
        while let Some(next) = rest.next_if(|next| continues(*next)) {
            cluster.push(next);
        }
        for c in cluster.nfkc().take(MAX_CHARS) {
            splitter.at = at;
            splitter.push(c);
        }
        at = at.saturating_add(u16::try_from(cluster.chars().count()).unwrap_or(u16::MAX));
        splitter.at = at;
        splitter.end = if splitter.hand.is_some() { at } else { splitter.end };
    }
}

/// True for what joins the character before it: marks, and the vowels and tails of decomposed Hangul.
fn continues(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{1160}'..='\u{11FF}')
}

/// Collects the characters of one word and flushes it as symbols.
struct Splitter<'a> {
    out: &'a mut Words,
    hand: Option<Hand>,
    word: [char; MAX_WORD_SYMBOLS],
    len: usize,
    from: u16,
    at: u16,
    /// One past the last character of the word so far.
    end: u16,
}

impl Splitter<'_> {
    fn push(&mut self, c: char) {
        self.at = self.at.saturating_add(1);
        let class = Class::of(c);
        if class.has(Class::MARK) {
            self.end = if self.hand.is_some() { self.at } else { self.end };
            return;
        }
        if let Some(hand) = class.hand() {
            if self.hand != Some(hand) {
                self.flush();
                self.hand = Some(hand);
                self.from = self.at - 1;
            }
            self.end = self.at;
            if let Some(slot) = self.word.get_mut(self.len) {
                *slot = c;
                self.len += 1;
            }
            return;
        }
        if is_apostrophe(c) && self.hand.is_some() {
            self.end = self.at;
            // "O'Brien", "Sa'id", "Po‘loti" stay one word; in Hebrew it is the geresh, a letter.
            if self.hand == Some(Hand::Hebrew)
                && let Some(slot) = self.word.get_mut(self.len)
            {
                *slot = '׳';
                self.len += 1;
            }
            return;
        }
        let flushed = self.hand.is_some();
        self.flush();
        if let Some(last) = self.out.words.last_mut().filter(|_| flushed) {
            last.comma = matches!(c, ',' | '،' | '、');
            last.dotted = c == '.';
            last.joined = is_hyphen(c);
        }
    }

    fn flush(&mut self) {
        let Some(hand) = self.hand.take() else { return };
        let len = std::mem::take(&mut self.len);
        if self.out.words.len() >= MAX_WORDS {
            return;
        }
        let letters = self.word.get(..len).unwrap_or_default();
        let mut word = Word {
            script: hand.script(),
            start: self.out.symbols.len(),
            len: 0,
            from: self.from,
            to: self.end,
            letters: u8::try_from(len).unwrap_or(u8::MAX),
            comma: false,
            dotted: false,
            joined: false,
            written: 0,
            number: hand == Hand::Digit,
        };
        if hand == Hand::Syllabic {
            syllables::push(letters, &word, self.out);
            return;
        }
        let symbols = &mut self.out.symbols;
        match hand {
            Hand::Latin => letters.iter().for_each(|c| script::push_latin(*c, symbols)),
            Hand::Digit => {
                symbols.extend(letters.iter().filter_map(|c| digit(*c)).map(|d| d + script::latin::DIGIT))
            }
            Hand::Arabic => push_two(letters, script::arabic_symbols, symbols),
            Hand::Cyrillic => push_two(letters, script::cyrillic_symbols, symbols),
            Hand::Hebrew => push_two(letters, script::hebrew_symbols, symbols),
            Hand::Greek => romanise::greek(letters, symbols),
            Hand::Armenian => romanise::armenian(letters, symbols),
            Hand::Georgian => romanise::georgian(letters, symbols),
            Hand::Syllabic => {}
        }
        symbols.truncate(word.start + MAX_WORD_SYMBOLS);
        word.len = symbols.len() - word.start;
        if word.len > 0 {
            self.out.words.push(word);
        }
    }
}

fn push_two(letters: &[char], map: fn(char) -> [Symbol; 2], out: &mut Vec<Symbol>) {
    out.extend(letters.iter().flat_map(|c| map(*c)).filter(|s| *s != 0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let words = words(text);
        words
            .words
            .iter()
            .map(|w| words.of(w).iter().map(|s| script::printable(w.script, *s)).collect())
            .collect()
    }

    #[test]
    fn marks_and_forms_do_not_matter() {
        assert_eq!(shown("مُحَمَّد"), shown("محمد"));
        assert_eq!(shown("محـــمد"), shown("محمد"));
        assert_eq!(shown("ﻣﺤﻤﺪ"), shown("محمد"));
        assert_eq!(shown("Jose\u{301}"), shown("José"));
        assert_eq!(shown("\u{202E}Ali\u{202C}"), vec!["ali"]);
    }

    #[test]
    fn words_split_where_a_reader_would() {
        assert_eq!(shown("O'Brien, Mary-Ann J."), vec!["obrien", "mary", "ann", "j"]);
        assert_eq!(shown("Brigade ٤٤"), vec!["brigade", "44"]);
        assert_eq!(shown("Аli"), vec!["ali"], "a Cyrillic letter does not hide in a Latin word");
        assert!(shown("🙂 \u{300}\u{301} ,.;").is_empty());
    }

    #[test]
    fn words_know_where_they_stand() {
        for text in [
            "Ali  Hassan",
            "Ａｌｉ ﷺ Hassan",
            "A\u{301}li e\u{301} Hassán",
            "مُحَمَّد بن علي",
            "Ali\u{640}",
            "①Ali②",
        ] {
            let characters: Vec<char> = text.chars().collect();
            for word in words(text).words {
                let (from, to) = (usize::from(word.from), usize::from(word.to));
                assert!(from < to && to <= characters.len(), "{text}: {from}..{to}");
                assert!(!characters[from..to].contains(&' '), "{text}: {from}..{to}");
            }
        }
        let spans: Vec<(u16, u16)> = words("Ali  Hassán").words.iter().map(|w| (w.from, w.to)).collect();
        assert_eq!(spans, [(0, 3), (5, 11)]);
    }

    #[test]
    fn plain_characters_are_what_normalisation_leaves_alone() {
        let marks = |c: char| is_combining_mark(c) && !matches!(c, '\u{64B}'..='\u{652}' | '\u{670}');
        for c in (0..0xD7B0).filter_map(char::from_u32).filter(|c| is_plain(*c)) {
            assert!(c.nfkc().eq([c]), "{c:?} {:x}", u32::from(c));
            assert!(!marks(c), "{c:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let long = "a".repeat(10_000);
        assert_eq!(words(&long).symbols.len(), MAX_WORD_SYMBOLS);
        let many = "ab ".repeat(10_000);
        assert_eq!(words(&many).words.len(), MAX_WORDS);
        let marks = format!("a{}", "\u{301}".repeat(10_000));
        assert_eq!(words(&marks).symbols.len(), 1);
    }
}
