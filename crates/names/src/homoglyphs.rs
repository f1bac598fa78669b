//! Letters of one alphabet that hide in a word of another: Cyrillic а in a Latin name.
//!
//! Such words come from optical reading, from keyboards left in the other layout, and from people who do not want to be
//! found. The twins are those of the Latin and Cyrillic letters in Unicode Technical Standard 39, confusables. Each
//! letter becomes one letter, so that places in the text stay. What this module deliberately does not do: touch a word
//! that is written in one alphabet, or one that mixes them where no twin explains it.

use crate::text::MAX_CHARS;

/// Latin letters and their Cyrillic twins.
const TWINS: [(char, char); 24] = [
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('i', 'і'),
    ('j', 'ј'),
    ('o', 'о'),
    ('p', 'р'),
    ('s', 'ѕ'),
    ('x', 'х'),
    ('y', 'у'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('J', 'Ј'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('S', 'Ѕ'),
    ('T', 'Т'),
    ('X', 'Х'),
];

pub(crate) const fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{C0}'..='\u{24F}')
}

pub(crate) const fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{4FF}')
}

fn latin_of(c: char) -> Option<char> {
    TWINS.iter().find(|(_, cyrillic)| *cyrillic == c).map(|(latin, _)| *latin)
}

fn cyrillic_of(c: char) -> Option<char> {
    TWINS.iter().find(|(latin, _)| *latin == c).map(|(_, cyrillic)| *cyrillic)
}

/// Returns the text with every mixed word in one alphabet, when it has any.
pub(crate) fn unmixed(text: &str) -> Option<String> {
    let read = || text.chars().take(MAX_CHARS);
    let found = |(latin, cyrillic), c| (latin || is_latin(c), cyrillic || is_cyrillic(c));
    if read().fold((false, false), found) != (true, true) {
        return None;
    }
    let mut letters: Vec<char> = read().collect();
    for word in letters.chunk_by_mut(|x, y| x.is_alphabetic() == y.is_alphabetic()) {
        unmix(word);
    }
    Some(letters.into_iter().collect())
}

/// Writes a word in the alphabet that all its letters can have; in that of most when it can be either.
fn unmix(word: &mut [char]) {
    let count = |of: fn(char) -> bool| word.iter().filter(|c| of(**c)).count();
    let (latin, cyrillic) = (count(is_latin), count(is_cyrillic));
    if latin == 0 || cyrillic == 0 {
        return;
    }
    let to_latin = word.iter().all(|c| !is_cyrillic(*c) || latin_of(*c).is_some());
    let to_cyrillic = word.iter().all(|c| !is_latin(*c) || cyrillic_of(*c).is_some());
    let twin = match (to_latin, to_cyrillic) {
        (true, true) if latin >= cyrillic => latin_of,
        (true, false) => latin_of,
        (_, true) => cyrillic_of,
        (false, false) => return,
    };
    word.iter_mut().for_each(|c| *c = twin(*c).unwrap_or(*c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Name, Scorer};

    #[test]
    fn a_word_is_written_in_one_alphabet() {
        for (mixed, expected) in [
            ("Kаrim Hаddаd", Some("Karim Haddad")),
            ("Cepгей", Some("Сергей")),
            ("Karim Хаддад", Some("Karim Хаддад")),
            ("Karim Haddad", None),
            ("Карим", None),
            ("Юlia", Some("Юlia")),
        ] {
            assert_eq!(unmixed(mixed).as_deref(), expected, "{mixed}");
        }
    }

    #[test]
    fn a_hidden_letter_changes_nothing() {
        let scorer = Scorer::new();
        let plain = scorer.score(&Name::parse("Karim Haddad"), &Name::parse("Karim Haddad"));
        assert_eq!(scorer.score(&Name::parse("Kаrim Hаddаd"), &Name::parse("Karim Haddad")), plain);
    }
}
