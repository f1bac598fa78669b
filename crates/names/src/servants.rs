//! "Servant of" (Abd) and the name of God it belongs to, where a list has torn them apart: "Majeed, Abdul" and "Rahman,
//! Hassan Abdul" are Abdul Majeed and Hassan Abdul Rahman.
//!
//! Abd is never the last word of a name, so what it stands before stands elsewhere: before the comma, or before it where
//! the words were turned round. What this module deliberately does not do: join the two (see `structure`).

use std::sync::LazyLock;

use crate::distinct;
use crate::hashed::Hashed;
use crate::lexicon::{self, Function};
use crate::text::{Word, Words};
use crate::training;

/// Those who are revered and follow Abd as names of God do, beside them: the family of the Prophet, and what Christians say.
const REVERED: &str = "hussein hussain husayn hossein husein hosein hassan hasan zahra amir ameer reza rida ridha mahdi mehdi imam abbas kadhim kazem kazim sahib saheb muhammad mohammad mohammed mohamed ahmad ahmed masih messih malak sayed sayyid sayed shahid nour";

static REVERED_WORDS: LazyLock<Hashed<()>> = LazyLock::new(|| {
    let words = REVERED.split(' ').filter_map(training::symbols);
    let hashes = words.map(|(script, symbols)| (lexicon::hash(script, &symbols), ()));
    Hashed::new(hashes.collect::<Vec<_>>().into_iter())
});

/// Puts a torn Abd before its name.
pub(crate) fn joined(words: &mut Words) {
    let found = (1..words.words.len()).find_map(|at| place(words, at).map(|to| (at, to)));
    if let Some(torn) = found
        && let Some(part) = words.words.get_mut(torn.1..=torn.0)
    {
        // What ended with the Abd ends with the word before it now.
        let comma = part.last().is_some_and(|abd| abd.comma);
        part.rotate_right(1);
        if let [abd, .., last] = part {
            abd.comma = false;
            last.comma |= comma;
        }
    }
}

/// Where the Abd at a place belongs, if not there.
fn place(words: &Words, at: usize) -> Option<usize> {
    let all = words.words.as_slice();
    let does = |at: usize| all.get(at).and_then(|word| lexicon::function(word.script, words.of(word)));
    if does(at) != Some(Function::Abd) {
        return None;
    }
    let divine = |at: usize| {
        all.get(at).is_some_and(|word| distinct::is_divine(word.script, words.of(word)))
            && at.checked_sub(1).and_then(does) != Some(Function::Abd)
    };
    let article = |at: usize| match at.checked_sub(1) {
        Some(before) if does(before) == Some(Function::Article) => before,
        _ => at,
    };
    let comma = all.iter().take(at).position(|word| word.comma);
    let beside = comma != Some(at - 1) && divine(at - 1);
    if at + 1 == all.len() {
        let before = comma.map_or(0..0, |comma| 0..comma + 1);
        let (single, mut gods) =
            (article(before.end.saturating_sub(1)) == 0, before.filter(|at| divine(*at)));
        return match (beside, gods.next()) {
            (true, _) => Some(article(at - 1)),
            (false, Some(god)) => Some(article(god)),
            (false, None) => (comma.is_some() && single && does(0) != Some(Function::Title)).then_some(0),
        };
    }
    // "Majeed Abdul Chaudhry": the word behind is nobody's servant.
    let free = |word: &Word| {
        let hash = lexicon::hash(word.script, words.of(word));
        !word.comma && !distinct::is_divine(word.script, words.of(word)) && REVERED_WORDS.get(hash).is_none()
    };
    let last = at + 2 == all.len() && does(at + 1).is_none_or(|function| function == Function::Title);
    (last && beside && article(at - 1) == 0 && all.get(at + 1).is_some_and(free)).then_some(0)
}

#[cfg(test)]
mod tests {
    use crate::{Band, Name, Scorer};

    fn letters(text: &str) -> Vec<String> {
        let name = Name::parse(text);
        name.tokens.iter().map(|token| name.letters(token).collect()).collect()
    }

    #[test]
    fn a_torn_servant_is_joined_to_the_name_of_god() {
        for (text, whole) in [
            ("Majeed, Abdul", "Abdul Majeed"),
            ("Al-Majeed, Abdul", "Abdul Majeed"),
            ("Rahman, Hassan Abdul", "Hassan Abdul Rahman"),
            ("Majeed Abdul", "Abdul Majeed"),
            ("Majeed Abdul Chaudhry", "Abdul Majeed Chaudhry"),
            ("Chaudhry, Majeed Abdul", "Abdul Majeed Chaudhry"),
            ("رحمن، حسن عبد", "حسن عبد رحمن"),
            ("Mueed, Abdul", "Abdul Mueed"),
        ] {
            assert_eq!(letters(text), letters(whole), "{text}");
            let (a, b) = (Name::parse(text), Name::parse(whole));
            assert_eq!(Scorer::new().score(&a, &b).band, Band::Possible, "{text}");
        }
    }

    #[test]
    fn a_servant_that_stands_right_stays() {
        for (text, tokens) in [
            ("Ali Abdul Hussein", 2),
            ("Karim Abdul Jabbar", 2),
            ("Nasir Abd al-Rahman", 2),
            ("Abdul Rahman Abdul Karim", 2),
            ("Hassan Abdul", 2),
            ("Khan, Abdul", 2),
            ("Abdul", 1),
        ] {
            assert_eq!(letters(text).len(), tokens, "{text}: {:?}", letters(text));
        }
        assert!(letters("Ali Abdul Hussein").contains(&"ali".to_owned()));
    }
}
