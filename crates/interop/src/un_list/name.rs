//! Names of the list: which kind, which script, how it came to be written so.

use mithaq_model::{NameForm, NameKind, NameQuality, Script};

/// Reads the quality of an alias: how far it identifies, and which name it is. Organisations say `a.k.a.` and
/// `f.k.a.`, persons `Good` and `Low`.
pub(super) fn quality(text: &str) -> Option<(NameKind, NameQuality)> {
    match text.to_ascii_lowercase().as_str() {
        "good" => Some((NameKind::Alias, NameQuality::Good)),
        "low" => Some((NameKind::Alias, NameQuality::Low)),
        "a.k.a." | "aka" => Some((NameKind::Alias, NameQuality::Unknown)),
        "f.k.a." | "fka" => Some((NameKind::Former, NameQuality::Unknown)),
        _other => None,
    }
}

/// Decides how a name came to be written so. Not Latin: as its bearer writes it. Latin: carried over when the
/// same entry shows the name in another script; else nothing says so, and it stands as written.
pub(super) const fn form(script: Script, has_other_script: bool) -> NameForm {
    match (script, has_other_script) {
        (Script::Latin, true) => NameForm::Transliterated,
        (_, _) => NameForm::Original,
    }
}

/// What the note of an alias says in the list's own set phrases.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note<'a> {
    /// "previously listed as", "formerly listed as".
    pub(super) former: bool,
    /// The alias in its own script.
    pub(super) original: Option<&'a str>,
    /// What no phrase covered.
    pub(super) rest: Option<&'a str>,
}

/// Reads the set phrases at the beginning of a note; anything else stays text.
pub(super) fn note(text: &str) -> Note<'_> {
    let former = ["previously listed as", "formerly listed as"].iter().find_map(|p| after(text, p));
    let rest = former.unwrap_or(text).trim_start_matches([' ', ',', '.', ';']).trim();
    let labels = ["original script:", "in arabic script:", "in arabic:", "arabic script:"];
    let original = labels.iter().find_map(|label| after(rest, label)).map(str::trim);
    let original = original.filter(|name| {
        let foreign = !matches!(Script::of(name), Script::Latin | Script::Other);
        foreign && !name.chars().any(|c| c.is_ascii_alphanumeric())
    });
    let rest = (original.is_none() && !rest.is_empty()).then_some(rest);
    Note { former: former.is_some(), original, rest }
}

fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let head = text.get(..phrase.len())?;
    head.eq_ignore_ascii_case(phrase).then(|| text.get(phrase.len()..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes() {
        let read = |text| {
            let n = note(text);
            (n.former, n.original.unwrap_or(""), n.rest.unwrap_or(""))
        };
        assert_eq!(read("previously listed as"), (true, "", ""));
        assert_eq!(read("Previously listed as. In Arabic: مثال"), (true, "مثال", ""));
        assert_eq!(read("original script: Пример"), (false, "Пример", ""));
        assert_eq!(read("in Arabic script: مثال born 1970"), (false, "", "in Arabic script: مثال born 1970"));
        assert_eq!(read("nom de guerre"), (false, "", "nom de guerre"));
        assert_eq!(read("مثال"), (false, "", "مثال"));
        assert_eq!(read(""), (false, "", ""));
    }

    #[test]
    fn qualities() {
        assert_eq!(quality("Low"), Some((NameKind::Alias, NameQuality::Low)));
        assert_eq!(quality("f.k.a."), Some((NameKind::Former, NameQuality::Unknown)));
        assert_eq!(quality("excellent"), None);
    }
}
