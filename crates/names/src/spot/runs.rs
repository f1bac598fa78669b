//! Runs of words of a text that may be names.
//!
//! In scripts with capitals a name begins with one, unless the text has none or is all capitals; particles between
//! names may be small. In scripts without, every word may be a name, and a run ends where a sentence does. It ends also
//! where the text goes over from one kind of script to the other.

use std::sync::LazyLock;

use crate::Script;

/// Words of a run at most; a longer one is cut with [`OVERLAP`] words in common, so that no name is cut.
const WORDS: usize = 9;
const OVERLAP: usize = 4;

/// A stretch of the text.
pub(super) struct Run<'a> {
    pub(super) text: &'a str,
    /// Its first character in the text.
    pub(super) from: usize,
}

impl<'a> Run<'a> {
    /// Returns the text between two characters of the run.
    pub(super) fn slice(&self, from: usize, to: usize) -> Option<&'a str> {
        let mut places = self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]);
        let first = places.nth(from)?;
        let end = places.nth(to.checked_sub(from)?.checked_sub(1)?)?;
        self.text.get(first..end)
    }
}

/// A word that may be a name or a particle within one.
#[derive(Clone, Copy)]
struct Word {
    /// Bytes of the text.
    start: usize,
    end: usize,
    /// First character.
    from: usize,
    /// A small particle: holds a run together and begins none.
    particle: bool,
}

/// Calls back with every run that has two words or more that may be names.
pub(super) fn each<'a>(text: &'a str, mut call: impl FnMut(Run<'a>)) {
    let cased = is_cased(text);
    let mut run: Vec<Word> = Vec::with_capacity(WORDS);
    let mut flush = |run: &mut Vec<Word>, whole: bool| {
        let names = run.iter().filter(|word| !word.particle).count();
        if names >= 2
            && let Some((first, last)) = run.first().zip(run.last())
            && let Some(slice) = text.get(first.start..last.end)
        {
            call(Run { text: slice, from: first.from });
        }
        let kept = if whole { 0 } else { OVERLAP.min(run.len()) };
        run.drain(..run.len() - kept);
    };
    let mut word: Option<Open> = None;
    // A line that ends is a space; one that holds nothing ends what came before.
    let mut line_is_blank = true;
    // Nobody's name is written half in a script with capitals and half in one without.
    let mut has_capitals = true;
    for (from, (start, c)) in text.char_indices().enumerate() {
        let class = Class::of(c);
        if let Some(open) = &mut word {
            if class.has(Class::CONTINUES) {
                continue;
            }
            let closed = Word { start: open.start, end: start, from: open.from, particle: false };
            match judge(text, &closed, open, cased && !run.is_empty(), cased) {
                Judged::Name => run.push(closed),
                Judged::Particle => run.push(Word { particle: true, ..closed }),
                Judged::Other => flush(&mut run, true),
            }
            let letters = start - open.start;
            word = None;
            if run.len() >= WORDS {
                flush(&mut run, false);
            }
            if class.has(Class::ENDS) && (c != '.' || letters > 3) {
                flush(&mut run, true);
            }
        } else if class.has(Class::ENDS) && c != '.' {
            flush(&mut run, true);
        }
        if class.has(Class::BLANK) {
            if c == '\n' && std::mem::replace(&mut line_is_blank, true) {
                flush(&mut run, true);
            }
            continue;
        }
        line_is_blank = false;
        if let Some(capital) = class.begins() {
            if std::mem::replace(&mut has_capitals, capital.is_some()) != capital.is_some() {
                flush(&mut run, true);
            }
            word = Some(Open { start, from, capital });
        }
    }
    if let Some(open) = word {
        let closed = Word { start: open.start, end: text.len(), from: open.from, particle: false };
        match judge(text, &closed, &open, cased && !run.is_empty(), cased) {
            Judged::Name => run.push(closed),
            Judged::Particle | Judged::Other => {}
        }
    }
    flush(&mut run, true);
}

/// What a character does to a word, asked once for all characters of the alphabets and kept.
#[derive(Clone, Copy)]
struct Class(u8);

impl Class {
    const CONTINUES: u8 = 1;
    const ENDS: u8 = 2;
    const BEGINS: u8 = 4;
    /// With a capital, or in a script that has none.
    const CAPITAL: u8 = 8;
    const CASELESS: u8 = 16;
    /// Stands between words and shows nothing.
    const BLANK: u8 = 32;
    /// Characters that are kept: Latin with all its signs, Greek, Cyrillic, Armenian, Hebrew, Arabic.
    const KEPT: u32 = 0x700;

    fn judge(c: char) -> Self {
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        let begins = begins(c);
        Self(
            flag(continues(c), Self::CONTINUES)
                | flag(ends(c), Self::ENDS)
                | flag(begins.is_some(), Self::BEGINS)
                | flag(begins == Some(Some(true)), Self::CAPITAL)
                | flag(begins == Some(None), Self::CASELESS)
                | flag(c.is_whitespace(), Self::BLANK),
        )
    }

    #[inline]
    fn of(c: char) -> Self {
        static CLASSES: LazyLock<Vec<Class>> =
            LazyLock::new(|| (0..Class::KEPT).filter_map(char::from_u32).map(Class::judge).collect());
        CLASSES.get(c as usize).copied().unwrap_or_else(|| Self::judge(c))
    }

    #[inline]
    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// Whether it begins a word, and with a capital.
    #[inline]
    fn begins(self) -> Option<Option<bool>> {
        let capital = if self.has(Self::CASELESS) { None } else { Some(self.has(Self::CAPITAL)) };
        self.has(Self::BEGINS).then_some(capital)
    }
}

/// A word that has begun.
struct Open {
    start: usize,
    from: usize,
    /// `None` in a script without capitals.
    capital: Option<bool>,
}

enum Judged {
    Name,
    Particle,
    Other,
}

fn judge(text: &str, word: &Word, open: &Open, within: bool, cased: bool) -> Judged {
    match open.capital {
        Some(false) if cased => {
            let shown = text.get(word.start..word.end).unwrap_or_default();
            if within && shown.len() <= 10 && PARTICLES.contains(&shown) {
                Judged::Particle
            } else {
                Judged::Other
            }
        }
        Some(_) => Judged::Name,
        None => {
            let shown = text.get(word.start..word.end).unwrap_or_default();
            if SMALL.binary_search(&shown).is_ok() { Judged::Other } else { Judged::Name }
        }
    }
}

/// Small words of languages whose script has no capitals: they are part of no name, and end a run. Words that are names
/// too in some spelling (على, هنا, ان) are not among them. In order of their bytes.
const SMALL: [&str; 112] = [
    "או",
    "אם",
    "את",
    "גם",
    "הוא",
    "היא",
    "זה",
    "כי",
    "כל",
    "לא",
    "על",
    "עם",
    "של",
    "آن",
    "أن",
    "أنه",
    "أنها",
    "أو",
    "أيضا",
    "إذا",
    "إلى",
    "إليه",
    "إليها",
    "إن",
    "إنه",
    "إنها",
    "اذا",
    "از",
    "است",
    "الآن",
    "التي",
    "الذي",
    "الذين",
    "الى",
    "اما",
    "اور",
    "ايضا",
    "اگر",
    "این",
    "با",
    "باید",
    "بر",
    "برای",
    "بعد",
    "بل",
    "به",
    "بود",
    "بين",
    "تا",
    "تلك",
    "ثم",
    "حتى",
    "حيث",
    "خلال",
    "در",
    "ذلك",
    "را",
    "سے",
    "شد",
    "شده",
    "ضد",
    "عليه",
    "عليها",
    "عن",
    "عند",
    "عندما",
    "غير",
    "فإن",
    "في",
    "فيها",
    "قال",
    "قبل",
    "قد",
    "كان",
    "كانت",
    "كما",
    "كيف",
    "لا",
    "لدى",
    "لقد",
    "لكن",
    "لم",
    "لن",
    "مع",
    "من",
    "منذ",
    "منها",
    "می",
    "میں",
    "نیز",
    "نے",
    "هذا",
    "هذه",
    "هل",
    "هم",
    "هناك",
    "و",
    "وأن",
    "وإن",
    "وقال",
    "وقد",
    "وكان",
    "ولكن",
    "يوم",
    "پر",
    "کا",
    "که",
    "کو",
    "کی",
    "کے",
    "ہے",
    "یا",
];

/// Particles that are written small within a name.
const PARTICLES: [&str; 42] = [
    "al", "el", "ul", "as", "ad", "ar", "ash", "bin", "ben", "ibn", "bint", "bent", "ould", "abu", "abou",
    "abd", "de", "da", "do", "dos", "del", "della", "di", "du", "la", "le", "von", "van", "der", "den", "y",
    "e", "i", "аль", "эль", "ибн", "бин", "бен", "абд", "абу", "фон", "ван",
];

/// Whether capitals tell names apart: some words have one, and most have none.
fn is_cased(text: &str) -> bool {
    let (mut capitals, mut small, mut inside) = (0_u32, 0_u32, false);
    for c in text.chars().take(20_000) {
        let letter = c.is_alphabetic();
        if letter && !inside {
            capitals += u32::from(c.is_uppercase());
            small += u32::from(c.is_lowercase());
        }
        inside = letter;
    }
    capitals > 0 && small >= capitals
}

/// Returns whether a character begins a word, and with a capital.
fn begins(c: char) -> Option<Option<bool>> {
    if c.is_ascii() {
        return c.is_ascii_alphabetic().then_some(Some(c.is_ascii_uppercase()));
    }
    match Script::of(c)? {
        Script::Latin | Script::Cyrillic if c.is_uppercase() || c.is_lowercase() => {
            Some(Some(c.is_uppercase()))
        }
        Script::Latin | Script::Cyrillic | Script::Arabic | Script::Hebrew | Script::Syllabic => Some(None),
    }
}

/// True for what does not end a word: letters, digits, marks, apostrophes. A hyphen does, and ends no run.
fn continues(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '\'';
    }
    c.is_alphanumeric()
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
            | '\u{670}' | '\u{200b}'..='\u{200f}' | '\u{2018}' | '\u{2019}' | '\u{2bc}'..='\u{2bf}')
}

/// True for what ends a sentence or a clause.
const fn ends(c: char) -> bool {
    matches!(
        c,
        '.' | ';'
            | ':'
            | '!'
            | '?'
            | '('
            | ')'
            | '\u{b}'
            | '\u{c}'
            | '\u{2029}'
            | '؟'
            | '؛'
            | '«'
            | '»'
            | '"'
            | '“'
            | '”'
            | '。'
            | '\t'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_ends_is_a_space_and_a_blank_one_ends_the_run() {
        let runs = |text: &'static str| {
            let mut out = Vec::new();
            each(text, |run| out.push(run.text));
            out
        };
        assert_eq!(runs("it was said that Karim El\r\n  Haddad of"), ["Karim El\r\n  Haddad"]);
        for blank in ["\n\n", "\r\n\r\n", "\n \t\n", "\n\u{a0}\n", "\u{c}"] {
            let text = format!("there we saw that Karim Haddad{blank}Nina Orlova left us");
            let mut out = Vec::new();
            each(&text, |run| out.push(run.text));
            assert_eq!(out, ["Karim Haddad", "Nina Orlova"], "{blank:?}");
        }
        assert_eq!(runs("\n\nKarim Haddad was there"), ["Karim Haddad"]);
    }

    #[test]
    fn a_run_ends_where_a_script_with_capitals_meets_one_without() {
        for text in [
            "قال الوزير في الميناء القديم Karim Haddad إلى الشمال",
            "the port of الميناء القديم Karim Haddad",
            "الميناء القديم karim haddad",
        ] {
            let mut out = Vec::new();
            each(text, |run| out.push(run.text));
            assert!(out.contains(&"الميناء القديم"), "{out:?}");
            assert!(out.iter().any(|run| run.eq_ignore_ascii_case("karim haddad")), "{out:?}");
        }
        let mut out = Vec::new();
        each("there we saw Карим Haddad again", |run| out.push(run.text));
        assert_eq!(out, ["Карим Haddad"], "both have capitals");
    }

    #[test]
    fn what_is_kept_of_a_character_is_what_it_does() {
        for c in (0..0x3000).filter_map(char::from_u32) {
            let class = Class::of(c);
            let kept = (class.has(Class::CONTINUES), class.has(Class::ENDS), class.begins());
            assert_eq!(kept, (continues(c), ends(c), begins(c)), "{c:?}");
        }
    }
}
