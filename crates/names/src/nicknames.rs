//! Everyday forms of given names that no spelling rule explains: Bill and William, Саша and Александр; and the names that
//! languages have for one place: Cairo and القاهرة, Köln and Cologne.
//!
//! One line a name; any two words of a line may stand for one person (or place). The lines are in `tables/everyday.txt`
//! and `tables/places.txt`: common knowledge of the languages, not taken from a data set; the countries are CLDR's. What this module deliberately does not do: list spellings (the tables know those) or
//! beginnings (Alex, Alexander; see `matching`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::concepts;
use crate::hashed::Hashed;
use crate::keys;
use crate::lexicon;
use crate::script::Script;
use crate::training;

/// The lines of given names: one name each.
fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("../tables/everyday.txt").lines().filter(|line| !line.starts_with('#'))
}

/// The lines of places; they are numbered after those of given names.
fn places() -> impl Iterator<Item = &'static str> {
    include_str!("../tables/places.txt").lines().filter(|line| !line.starts_with('#'))
}

/// The lines a word stands in, 0 where there is none.
pub(crate) type Lines = [u16; 4];

/// Of a word that stands in none.
pub(crate) const NO_LINES: Lines = [0; 4];

/// By the hash of a word the first four lines it stands in (counted from 1).
static LINES: LazyLock<Hashed<Lines>> = LazyLock::new(|| table((1..).zip(lines())));

/// The same of the names of places.
static PLACES: LazyLock<Hashed<Lines>> =
    LazyLock::new(|| table((1..).zip(lines().chain(places())).skip(lines().count())));

fn table(numbered: impl Iterator<Item = (u16, &'static str)>) -> Hashed<Lines> {
    let mut out: BTreeMap<u64, Lines> = BTreeMap::new();
    for (line, group) in numbered {
        for (script, symbols) in group.split(' ').filter_map(training::symbols) {
            // Arabic places have their article in the table and none as they are compared.
            let bare =
                symbols.strip_prefix(&[1, 34]).filter(|bare| script == Script::Arabic && bare.len() >= 3);
            for word in [Some(symbols.as_slice()), bare].into_iter().flatten() {
                let of = out.entry(lexicon::hash(script, word)).or_default();
                if let Some(free) = of.iter_mut().find(|slot| **slot == 0 || **slot == line) {
                    *free = line;
                }
            }
        }
    }
    Hashed::new(out.into_iter())
}

/// Returns up to four lines the name of a place stands in, 0 where there is none.
pub(crate) fn places_of(hash: u64) -> Lines {
    PLACES.get(hash).unwrap_or_default()
}

/// Returns up to four lines a word stands in, 0 where there is none.
pub(crate) fn groups(hash: u64) -> Lines {
    LINES.get(hash).unwrap_or_default()
}

/// Coarse skeletons of the words of every line, by line (counted from 1).
static SKELETONS: LazyLock<Vec<Vec<u64>>> = LazyLock::new(|| {
    let coarse = |word: &str| training::symbols(word).map(|(script, s)| keys::skeletons(script, &s).coarse);
    lines().chain(places()).map(|group| group.split(' ').filter_map(coarse).collect()).collect()
});

/// Returns the coarse skeletons of all words that share a line, those of near concepts too.
pub(crate) fn skeletons(lines: Lines) -> impl Iterator<Item = u64> {
    let of = |line: u16| {
        let known = usize::from(line).checked_sub(1).and_then(|at| SKELETONS.get(at));
        known.map_or_else(|| concepts::skeletons(line), Vec::as_slice)
    };
    lines.into_iter().flat_map(of).copied()
}

/// True when two words share a line.
pub(crate) fn share(a: Lines, b: Lines) -> bool {
    a.iter().any(|line| *line != 0 && b.contains(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_forms_share_a_line() {
        let of = |word: &str| {
            training::symbols(word).map(|(script, s)| groups(lexicon::hash(script, &s))).unwrap()
        };
        assert!(share(of("Bill"), of("William")));
        assert!(share(of("Саша"), of("Alexander")));
        assert!(!share(of("Bill"), of("Robert")));
        let mut words: Vec<&str> = lines().flat_map(|line| line.split(' ')).collect();
        words.sort_unstable();
        let more = words.chunk_by(|x, y| x == y).find(|same| same.len() > NO_LINES.len());
        assert!(more.is_none(), "{more:?}: only the first lines of a word are known");
        assert!(lines().chain(places()).count() < 1024, "lines from 1024 on are those of near concepts");
    }
}
