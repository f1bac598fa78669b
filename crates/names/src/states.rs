//! States by code and by name, as the issuers of documents and as nationalities are written.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Codes of states by their names, of which only the letters count.
static STATES: LazyLock<BTreeMap<String, [u8; 2]>> = LazyLock::new(|| {
    let lines = include_str!("../tables/states.txt").lines().filter_map(|line| line.split_once(' '));
    let codes = lines.filter_map(|(code, names)| Some((code.as_bytes().try_into().ok()?, names)));
    codes.flat_map(|(code, names)| names.split(';').map(move |name| (letters(name), code))).collect()
});

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

/// Reads a state: two letters of ISO 3166-1, in whatever case, or its name in English.
///
/// ```
/// use mithaq_names::state;
/// assert_eq!(state("ma"), Some(*b"MA"));
/// assert_eq!(state("Iran (Islamic Republic of)"), Some(*b"IR"));
/// assert_eq!(state("Atlantis"), None);
/// ```
#[must_use]
pub fn state(text: &str) -> Option<[u8; 2]> {
    let text = text.trim();
    if let Ok(bytes) = <[u8; 2]>::try_from(text.as_bytes()) {
        let code = bytes.map(|b| b.to_ascii_uppercase());
        return STATES.values().any(|known| *known == code).then_some(code);
    }
    STATES.get(&letters(text)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_by_code_and_by_name() {
        for (text, code) in [
            ("ma", b"MA"),
            ("Afghanistan", b"AF"),
            ("Democratic People's Republic of Korea", b"KP"),
            ("Republic of Korea", b"KR"),
            ("United Kingdom of Great Britain and Northern Ireland", b"GB"),
            ("Iran (Islamic Republic of)", b"IR"),
            ("Türkiye", b"TR"),
            ("CÔTE D’IVOIRE", b"CI"),
        ] {
            assert_eq!(state(text).as_ref(), Some(code), "{text}");
        }
        for wrong in ["", "ZZ", "M", "Atlantis", "м"] {
            assert_eq!(state(wrong), None, "{wrong}");
        }
        assert!(STATES.len() > 249 && !STATES.contains_key(""), "{}", STATES.len());
    }
}
