//! What a report carries beside its text: a file of any size, named here and kept apart as ciphertext. The report holds
//! the key, so whoever may not read the report cannot read the file, and erasing the report erases both.

use crate::{Sensitive, Text};

/// A file of a report. Its bytes are elsewhere (`docs/spec/attachments.md`); this says which they are and opens them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What people call it: a file name without a path. Content like any other text of the report.
    pub name: Text,
    /// What its author says it is; nobody has checked that.
    pub media: MediaType,
    /// Bytes of the file itself.
    pub length: u64,
    /// Root of the list of its encrypted chunks: names exactly this ciphertext.
    pub root: [u8; 32],
    /// Opens the chunks. Used for this file only.
    pub key: Sensitive<[u8; 32]>,
}

impl Attachment {
    /// Most attachments of one report.
    pub const MAX: usize = 16;
    /// Longest attachment in bytes: 32 GiB, so that the list of its chunks fits one answer.
    pub const LENGTH_MAX: u64 = 32 * 1024 * 1024 * 1024;

    /// Whether a text can be the name of a file everywhere: one line, no path, nothing hidden.
    #[must_use]
    pub fn is_name(text: &Text) -> bool {
        let name = text.reveal();
        let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '\u{2028}' | '\u{2029}');
        name.len() <= 255 && !name.starts_with('.') && name.trim() == name && name.chars().all(plain)
    }
}

/// `type/subtype` of RFC 6838, §4.2, in small letters and without parameters: the form alone is checked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(String);

impl MediaType {
    /// Longest in bytes.
    pub const MAX: usize = 100;

    /// Takes a media type; nothing when it is not of the form.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (kind, sub) = text.split_once('/')?;
        (text.len() <= Self::MAX && token(kind) && token(sub)).then(|| Self(text.to_owned()))
    }

    /// Bytes of which nothing more is said.
    #[must_use]
    pub fn unknown() -> Self {
        Self("application/octet-stream".to_owned())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Debug for MediaType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

fn token(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b);
    first && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    #[test]
    fn names_hold_no_path_and_nothing_hidden() {
        let name = |text: &str| Text::line(Lang::UND, text).is_ok_and(|text| Attachment::is_name(&text));
        for good in ["manifest.csv", "قائمة الركاب.pdf", "liste 12 mai.tar.gz"] {
            assert!(name(good), "{good}");
        }
        for bad in ["a/b", "..", ".hidden", "c:x", "a\\b", &"x".repeat(256)] {
            assert!(!name(bad), "{bad}");
        }
    }

    #[test]
    fn media_types_have_one_form() {
        for good in ["application/pdf", "text/csv", "application/vnd.ms-excel", "image/svg+xml"] {
            assert_eq!(MediaType::new(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "pdf", "a/", "/b", "A/b", "a/b; charset=x", "a/b/c", &format!("a/{}", "b".repeat(100))]
        {
            assert_eq!(MediaType::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let shown = format!("{:?}", Sensitive::new([7_u8; 32]));
        assert!(!shown.contains('7'));
    }
}
