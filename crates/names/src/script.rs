//! Writing systems and the letters of each, as small integers.
//!
//! Every supported letter becomes one or two [`Symbol`]s of a script's own alphabet. Spelling noise that
//! carries no information (hamza seats, Persian and Arabic ya, final forms, ё/е) is folded here and nowhere
//! else. What this module deliberately does not do: split words, or judge likeness.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// One letter of a script's alphabet; 0 is "nothing".
pub type Symbol = u8;

/// A writing system as the comparison sees it.
///
/// Greek, Armenian and Georgian are alphabets with a settled romanisation and are read as Latin;
/// Hangul, kana and Han are read as syllables.
///
/// ```
/// use mithaq_names::Script;
/// assert_eq!(Script::of('ع'), Some(Script::Arabic));
/// assert_eq!(Script::of('Ж'), Some(Script::Cyrillic));
/// assert_eq!(Script::of('!'), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Script {
    /// Latin letters, and Greek, Armenian and Georgian read as Latin.
    Latin,
    /// Arabic letters: Arabic, Persian, Kurdish, Urdu, Pashto, Uyghur.
    Arabic,
    /// Cyrillic letters: Russian, Ukrainian, Bulgarian, Serbian, Kazakh, Tajik and others.
    Cyrillic,
    /// Hebrew letters.
    Hebrew,
    /// Hangul, kana and Han, read as syllables of Latin letters.
    Syllabic,
}

impl Script {
    /// All scripts in their stable order.
    pub const ALL: [Self; 5] = [Self::Latin, Self::Arabic, Self::Cyrillic, Self::Hebrew, Self::Syllabic];

    /// Returns the script a letter or digit belongs to, or `None` for anything that is not read.
    #[must_use]
    pub fn of(c: char) -> Option<Self> {
        Some(match c {
            'a'..='z' | 'A'..='Z' => Self::Latin,
            '\u{620}'..='\u{64A}' | '\u{66E}'..='\u{6D3}' | '\u{6D5}' | '\u{6EE}'..='\u{6FF}' => Self::Arabic,
            '\u{750}'..='\u{77F}' | '\u{8A0}'..='\u{8C9}' => Self::Arabic,
            '\u{400}'..='\u{52F}' => Self::Cyrillic,
            '\u{5D0}'..='\u{5F2}' => Self::Hebrew,
            '\u{AC00}'..='\u{D7A3}'
            | '\u{3041}'..='\u{30FA}'
            | '\u{30FC}'..='\u{30FF}'
            | '\u{4E00}'..='\u{9FFF}' => Self::Syllabic,
            '\u{3400}'..='\u{4DBF}' | '\u{3005}' => Self::Syllabic,
            '\u{370}'..='\u{3FF}' | '\u{531}'..='\u{587}' | '\u{10A0}'..='\u{10FF}' => Self::Latin,
            '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Self::Latin,
            '\u{250}'..='\u{2AF}' => Self::Latin,
            _ => return None,
        })
    }

    /// Position in [`Script::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// One letter that names the script in table files.
    #[must_use]
    pub const fn code(self) -> char {
        match self {
            Self::Latin => 'L',
            Self::Arabic => 'A',
            Self::Cyrillic => 'C',
            Self::Hebrew => 'H',
            Self::Syllabic => 'S',
        }
    }
}

/// Symbols of the Latin alphabet: a–z are 1–26, then letters whose base letter would mislead.
pub(crate) mod latin {
    use super::Symbol;
    pub(crate) const S_SH: Symbol = 27;
    pub(crate) const C_CH: Symbol = 28;
    pub(crate) const C_CEDILLA: Symbol = 29;
    pub(crate) const G_SOFT: Symbol = 30;
    pub(crate) const I_DOTLESS: Symbol = 31;
    pub(crate) const N_TILDE: Symbol = 32;
    pub(crate) const A_UMLAUT: Symbol = 33;
    pub(crate) const O_UMLAUT: Symbol = 34;
    pub(crate) const U_UMLAUT: Symbol = 35;
    pub(crate) const A_RING: Symbol = 36;
    pub(crate) const D_STROKE: Symbol = 37;
    pub(crate) const Z_HACEK: Symbol = 38;
    pub(crate) const T_COMMA: Symbol = 39;
    /// Digits 0–9 are 40–49.
    pub(crate) const DIGIT: Symbol = 40;
}

/// The printable form of Latin symbols from 1 on.
const LATIN_CHARS: &str = "abcdefghijklmnopqrstuvwxyzščçğıñäöüåđžț0123456789";
/// The printable form of Arabic symbols from 1 on.
const ARABIC_CHARS: &str = "اإآءئؤبپتةثجچحخدذرزژسشصضطظعغفڤقكگلمنهويۆێەڑښ";
/// The printable form of Cyrillic symbols from 1 on.
const CYRILLIC_CHARS: &str = "абвгдежзийклмнопрстуфхцчшщъыьэюя";
/// The printable form of Hebrew symbols from 1 on; the apostrophe is the geresh.
const HEBREW_CHARS: &str = "אבגדהוזחטיכלמנסעפצקרשתףך'";
/// The printable form of syllabic symbols from 1 on: Latin letters and the weak vowel.
const SYLLABIC_CHARS: &str = "abcdefghijklmnopqrstuvwxyzŭ";

/// Returns the letters of a script's alphabet in symbol order (symbol 1 first).
pub(crate) const fn alphabet(script: Script) -> &'static str {
    match script {
        Script::Latin => LATIN_CHARS,
        Script::Arabic => ARABIC_CHARS,
        Script::Cyrillic => CYRILLIC_CHARS,
        Script::Hebrew => HEBREW_CHARS,
        Script::Syllabic => SYLLABIC_CHARS,
    }
}

/// Returns the printable form of a symbol.
pub(crate) fn printable(script: Script, symbol: Symbol) -> char {
    usize::from(symbol).checked_sub(1).and_then(|at| alphabet(script).chars().nth(at)).unwrap_or('·')
}

/// Returns the symbol of a printable letter of the alphabet.
pub(crate) fn symbol_of(script: Script, letter: char) -> Option<Symbol> {
    let at = alphabet(script).chars().position(|c| c == letter)?;
    u8::try_from(at + 1).ok()
}

/// Appends the symbols of one Latin letter (any case, any diacritic) to `out`.
pub(crate) fn push_latin(c: char, out: &mut Vec<Symbol>) {
    if let Some(symbol) = ascii_symbol(c) {
        out.push(symbol);
        return;
    }
    let lower = c.to_lowercase().next().unwrap_or(c);
    let one = |symbol: Symbol, out: &mut Vec<Symbol>| out.push(symbol);
    match lower {
        'š' | 'ś' | 'ş' | 'ș' | 'ŝ' => one(latin::S_SH, out),
        'č' | 'ć' | 'ĉ' => one(latin::C_CH, out),
        'ç' => one(latin::C_CEDILLA, out),
        'ğ' | 'ģ' | 'ǧ' => one(latin::G_SOFT, out),
        'ı' => one(latin::I_DOTLESS, out),
        'ñ' | 'ń' => one(latin::N_TILDE, out),
        'ä' | 'æ' | 'ə' | 'ǝ' => one(latin::A_UMLAUT, out),
        'ö' | 'ø' | 'ő' | 'œ' => one(latin::O_UMLAUT, out),
        'ü' | 'ű' => one(latin::U_UMLAUT, out),
        'å' => one(latin::A_RING, out),
        'đ' => one(latin::D_STROKE, out),
        'ž' | 'ź' | 'ż' => one(latin::Z_HACEK, out),
        'ţ' | 'ț' => one(latin::T_COMMA, out),
        'ß' => push_ascii("ss", out),
        'þ' | 'ṯ' => push_ascii("th", out),
        'ḏ' => push_ascii("dh", out),
        'ḫ' | 'ẖ' => push_ascii("kh", out),
        'ġ' => push_ascii("gh", out),
        'ð' => push_ascii("d", out),
        'ħ' => push_ascii("h", out),
        'ł' => push_ascii("l", out),
        'ŋ' => push_ascii("ng", out),
        'ĳ' => push_ascii("ij", out),
        _ => {
            if let Some(symbol) = std::iter::once(lower).nfd().next().and_then(ascii_symbol) {
                out.push(symbol);
            }
        }
    }
}

/// Appends the symbols of a lower-case ASCII romanisation.
pub(crate) fn push_ascii(text: &str, out: &mut Vec<Symbol>) {
    out.extend(text.chars().filter_map(ascii_symbol));
}

/// Returns the symbol of an ASCII letter or digit.
pub(crate) fn ascii_symbol(c: char) -> Option<Symbol> {
    let code = u8::try_from(c).ok()?;
    match code {
        b'a'..=b'z' => Some(code - b'a' + 1),
        b'A'..=b'Z' => Some(code - b'A' + 1),
        b'0'..=b'9' => Some(code - b'0' + latin::DIGIT),
        _ => None,
    }
}

/// Symbols of the 256 characters of a Unicode block.
type Block = [[Symbol; 2]; 256];

fn block(first: u32, letter: fn(char) -> [Symbol; 2]) -> Block {
    let mut out = [[0; 2]; 256];
    for (slot, code) in out.iter_mut().zip(first..) {
        *slot = char::from_u32(code).map(letter).unwrap_or_default();
    }
    out
}

static ARABIC: LazyLock<Block> = LazyLock::new(|| block(0x600, arabic_letter));
static HEBREW: LazyLock<Block> = LazyLock::new(|| block(0x500, hebrew_letter));
static CYRILLIC: LazyLock<Block> = LazyLock::new(|| block(0x400, cyrillic_letter));

fn in_block(block: &Block, first: u32, c: char) -> Option<[Symbol; 2]> {
    let at = usize::try_from(u32::from(c).checked_sub(first)?).ok()?;
    block.get(at).copied()
}

/// Returns the symbols of an Arabic-script letter.
pub(crate) fn arabic_symbols(c: char) -> [Symbol; 2] {
    in_block(&ARABIC, 0x600, c).unwrap_or_else(|| arabic_letter(c))
}

/// Returns the symbols of a Cyrillic letter.
pub(crate) fn cyrillic_symbols(c: char) -> [Symbol; 2] {
    in_block(&CYRILLIC, 0x400, c).unwrap_or_else(|| cyrillic_letter(c))
}

/// Returns the symbols (second may be 0) of an Arabic-script letter, with Persian, Kurdish, Urdu, Pashto and
/// Uyghur letters folded to the nearest of the alphabet.
fn arabic_letter(c: char) -> [Symbol; 2] {
    let folded = match c {
        'ا' | 'أ' | 'ٱ' | 'ٲ' => 'ا',
        'إ' | 'ٳ' => 'إ',
        'آ' => 'آ',
        'ء' | 'ٴ' => 'ء',
        'ئ' => 'ئ',
        'ؤ' => 'ؤ',
        'ة' | 'ۃ' => 'ة',
        'ت' | 'ٹ' | 'ټ' | 'ٺ' => 'ت',
        'د' | 'ڈ' | 'ډ' | 'ڌ' => 'د',
        'ر' | 'ڕ' | 'ړ' => 'ر',
        'ز' | 'ځ' => 'ز',
        'ژ' | 'ږ' => 'ژ',
        'س' | 'څ' | 'ۺ' => 'س',
        'غ' | 'ڠ' => 'غ',
        'ڤ' | 'ڥ' => 'ڤ',
        'ك' | 'ک' | 'ڪ' | 'ڬ' => 'ك',
        'گ' | 'ڭ' | 'ڨ' | 'ݣ' | 'ګ' | 'ڳ' => 'گ',
        'ل' | 'ڵ' => 'ل',
        'ن' | 'ں' | 'ڼ' | 'ڽ' | 'ڻ' => 'ن',
        'ه' | 'ھ' | 'ہ' | 'ۂ' | 'ۀ' | 'ۿ' => 'ه',
        'و' | 'ۋ' => 'و',
        'ي' | 'ى' | 'ی' | 'ے' | 'ۍ' | 'ۓ' => 'ي',
        'ۆ' | 'ۇ' | 'ۈ' | 'ۅ' | 'ۉ' => 'ۆ',
        'ێ' | 'ې' | 'ۑ' => 'ێ',
        other => other,
    };
    [symbol_of(Script::Arabic, folded).unwrap_or(0), 0]
}

/// Returns the symbols (second may be 0) of a Cyrillic letter; letters outside Russian are spelled with
/// Russian ones of the same sound.
fn cyrillic_letter(c: char) -> [Symbol; 2] {
    let lower = c.to_lowercase().next().unwrap_or(c);
    let (first, second) = match lower {
        'ё' | 'є' | 'ѐ' => ('е', '\0'),
        'і' | 'ӣ' | 'ѝ' => ('и', '\0'),
        'ї' => ('и', '\0'),
        'ґ' | 'ғ' | 'ҕ' => ('г', '\0'),
        'ў' | 'ү' | 'ұ' | 'ӯ' => ('у', '\0'),
        'ј' => ('й', '\0'),
        'љ' => ('л', 'ь'),
        'њ' => ('н', 'ь'),
        'ћ' | 'ҷ' | 'ҹ' => ('ч', '\0'),
        'ђ' | 'џ' => ('д', 'ж'),
        'ѓ' => ('г', 'ь'),
        'ќ' => ('к', 'ь'),
        'ѕ' => ('д', 'з'),
        'ә' | 'ӓ' | 'ӑ' => ('а', '\0'),
        'қ' | 'ҡ' | 'ҝ' => ('к', '\0'),
        'ң' | 'ҥ' => ('н', 'г'),
        'ө' | 'ӧ' => ('о', '\0'),
        'һ' | 'ҳ' => ('х', '\0'),
        'җ' => ('д', 'ж'),
        'ҙ' => ('з', '\0'),
        'ҫ' => ('с', '\0'),
        other => (other, '\0'),
    };
    let one = |letter| symbol_of(Script::Cyrillic, letter).unwrap_or(0);
    [one(first), one(second)]
}

/// Returns the symbols of a Hebrew letter.
pub(crate) fn hebrew_symbols(c: char) -> [Symbol; 2] {
    in_block(&HEBREW, 0x500, c).unwrap_or_else(|| hebrew_letter(c))
}

/// Returns the symbols (second may be 0) of a Hebrew letter.
fn hebrew_letter(c: char) -> [Symbol; 2] {
    let (first, second) = match c {
        'ם' => ('מ', '\0'),
        'ן' => ('נ', '\0'),
        'ץ' => ('צ', '\0'),
        'װ' => ('ו', 'ו'),
        'ױ' => ('ו', 'י'),
        'ײ' => ('י', 'י'),
        '׳' | '\u{2019}' => ('\'', '\0'),
        other => (other, '\0'),
    };
    let one = |letter| symbol_of(Script::Hebrew, letter).unwrap_or(0);
    [one(first), one(second)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latin(text: &str) -> String {
        let mut out = Vec::new();
        text.chars().for_each(|c| push_latin(c, &mut out));
        out.iter().map(|s| printable(Script::Latin, *s)).collect()
    }

    #[test]
    fn latin_letters_fold_as_documented() {
        for (from, to) in [
            ("Müller", "müller"),
            ("Łukasz", "lukasz"),
            ("Ḩarīrī", "hariri"),
            ("Šķēle", "škele"),
            ("Weiß", "weiss"),
            ("Nguyễn", "nguyen"),
            ("Erdoğan", "erdoğan"),
        ] {
            assert_eq!(latin(from), to);
        }
    }

    #[test]
    fn alphabets_have_no_duplicates_and_fit() {
        for script in Script::ALL {
            let letters: Vec<char> = alphabet(script).chars().collect();
            let unique: std::collections::BTreeSet<_> = letters.iter().collect();
            assert_eq!(unique.len(), letters.len(), "{script:?}");
            assert!(letters.len() < 60);
        }
        assert_eq!(symbol_of(Script::Latin, '9'), Some(latin::DIGIT + 9));
    }

    #[test]
    fn arabic_orthographies_fold_together() {
        assert_eq!(arabic_symbols('ی'), arabic_symbols('ي'));
        assert_eq!(arabic_symbols('ک'), arabic_symbols('ك'));
        assert_eq!(arabic_symbols('أ'), arabic_symbols('ا'));
        assert_ne!(arabic_symbols('گ'), arabic_symbols('ك'));
    }
}
