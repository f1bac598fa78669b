//! Text with its language, and a wrapper that keeps content out of logs.

use core::fmt;

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// A language by its code of BCP 47, two or three letters with an optional script (`ar`, `fr`, `ber`,
/// `ku-Latn`). The four languages of the interface are constants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lang([u8; 8]);

impl Lang {
    /// Arabic.
    pub const AR: Self = Self(*b"ar\0\0\0\0\0\0");
    /// English.
    pub const EN: Self = Self(*b"en\0\0\0\0\0\0");
    /// Spanish.
    pub const ES: Self = Self(*b"es\0\0\0\0\0\0");
    /// French.
    pub const FR: Self = Self(*b"fr\0\0\0\0\0\0");
    /// Not determined (ISO 639-2 `und`).
    pub const UND: Self = Self(*b"und\0\0\0\0\0");
    /// The languages of the interface, in the order of the glossary.
    pub const INTERFACE: [Self; 4] = [Self::AR, Self::FR, Self::ES, Self::EN];

    /// Reads a code.
    ///
    /// # Errors
    /// When it is not two or three small letters, optionally with `-` and a script of four letters.
    pub fn new(code: &str) -> Result<Self, TextError> {
        let (language, script) = code.split_once('-').map_or((code, None), |(l, s)| (l, Some(s)));
        let small = |t: &str| t.bytes().all(|b| b.is_ascii_lowercase());
        let good_language = (2..=3).contains(&language.len()) && small(language);
        let good_script = script.is_none_or(|s| {
            s.len() == 4 && s.starts_with(|c: char| c.is_ascii_uppercase()) && s.get(1..).is_some_and(small)
        });
        if !(good_language && good_script) {
            return Err(TextError::Language);
        }
        let mut bytes = [0_u8; 8];
        bytes.iter_mut().zip(code.bytes()).for_each(|(place, b)| *place = b);
        Ok(Self(bytes))
    }

    /// Returns the code.
    #[must_use]
    pub fn code(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        self.0.get(..end).and_then(|b| core::str::from_utf8(b).ok()).unwrap_or("und")
    }
}

impl fmt::Debug for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a text is refused. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// Longer than the field may be.
    #[error("the text is longer than {max} bytes")]
    TooLong {
        /// The limit in bytes of UTF-8.
        max: usize,
    },
    /// A control character, or one that changes the direction of what follows.
    #[error("the text holds a control or direction character")]
    Control,
    /// Not a language code.
    #[error("the language code is malformed")]
    Language,
}

/// A value that may name a person or tell a secret: no `Display`, and a `Debug` that shows nothing.
/// Reading it is a call that can be searched for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. The caller keeps it out of logs and errors.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// Unwraps the value. The caller keeps it out of logs and errors.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// A text in one language: not empty, NFC, bounded, without characters that could make it read as something
/// else (controls but newline and tab, and the direction overrides U+202A–202E, U+2066–2069).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    lang: Lang,
    text: Sensitive<String>,
}

impl Text {
    /// Longest text in bytes.
    pub const MAX: usize = 64 * 1024;
    /// Longest line (names, titles, labels) in bytes.
    pub const LINE_MAX: usize = 1024;

    /// Takes a text of up to [`Text::MAX`] bytes.
    ///
    /// # Errors
    /// When it is empty, too long or holds a character that may not be stored.
    pub fn new(lang: Lang, text: &str) -> Result<Self, TextError> {
        Self::bounded(lang, text, Self::MAX)
    }

    /// Takes one line of up to [`Text::LINE_MAX`] bytes.
    ///
    /// # Errors
    /// As [`Text::new`], and when there is a line break.
    pub fn line(lang: Lang, text: &str) -> Result<Self, TextError> {
        if text.contains(['\n', '\t']) {
            return Err(TextError::Control);
        }
        Self::bounded(lang, text, Self::LINE_MAX)
    }

    fn bounded(lang: Lang, text: &str, max: usize) -> Result<Self, TextError> {
        // The bound is checked before any work on the text, and again after normalisation may have grown it.
        if text.len() > max {
            return Err(TextError::TooLong { max });
        }
        if text.trim().is_empty() {
            return Err(TextError::Empty);
        }
        if text.chars().any(forbidden) {
            return Err(TextError::Control);
        }
        let text = text.trim();
        // Nearly every text is normal already; asking costs a tenth of doing it again.
        let normal: String =
            if text.is_ascii() || is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
        if normal.len() > max {
            return Err(TextError::TooLong { max });
        }
        Ok(Self { lang, text: Sensitive::new(normal) })
    }

    /// Returns the language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// Returns the text. The caller keeps it out of logs and errors.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.text.reveal()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} text, {} bytes>", self.lang, self.text.reveal().len())
    }
}

fn forbidden(c: char) -> bool {
    moves_text(c) || c == '\u{FEFF}'
}

/// True for control characters, ends of lines and tabs excepted, and for marks that turn the order of text around: what
/// can make a terminal or a page show something else than is there.
///
/// ```
/// assert!(mithaq_model::moves_text('\u{1b}') && mithaq_model::moves_text('\u{202e}') && !mithaq_model::moves_text('\n'));
/// ```
#[must_use]
pub fn moves_text(c: char) -> bool {
    let control = c.is_control() && c != '\n' && c != '\t';
    control || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The same sentence in the four languages of the interface, written by us: safe to show to anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words4 {
    /// Arabic.
    pub ar: &'static str,
    /// English.
    pub en: &'static str,
    /// Spanish.
    pub es: &'static str,
    /// French.
    pub fr: &'static str,
}

impl Words4 {
    /// Returns the words in a language of the interface, in English for any other.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::AR => self.ar,
            Lang::ES => self.es,
            Lang::FR => self.fr,
            _other => self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_normal_bounded_and_free_of_tricks() {
        assert_eq!(Text::new(Lang::FR, "  re\u{301}union ").unwrap().reveal(), "réunion");
        assert_eq!(Text::new(Lang::AR, " \n "), Err(TextError::Empty));
        assert_eq!(Text::new(Lang::EN, "a\u{202E}b"), Err(TextError::Control));
        assert_eq!(Text::new(Lang::EN, "a\0b"), Err(TextError::Control));
        assert_eq!(Text::line(Lang::EN, "a\nb"), Err(TextError::Control));
        assert_eq!(
            Text::new(Lang::EN, &"a".repeat(Text::MAX + 1)),
            Err(TextError::TooLong { max: Text::MAX })
        );
        assert!(Text::new(Lang::EN, &"a".repeat(Text::MAX)).is_ok());
    }

    #[test]
    fn nothing_shows_in_debug() {
        let text = Text::new(Lang::EN, "the secret").unwrap();
        assert!(!format!("{text:?} {:?}", Sensitive::new("the secret")).contains("secret"));
    }

    #[test]
    fn languages() {
        assert_eq!(Lang::new("ar"), Ok(Lang::AR));
        assert_eq!(Lang::new("ku-Latn").unwrap().code(), "ku-Latn");
        for bad in ["", "a", "AR", "arab-", "ar-latn", "ar-Latn-x", "العربية"] {
            assert_eq!(Lang::new(bad), Err(TextError::Language), "{bad}");
        }
    }
}
