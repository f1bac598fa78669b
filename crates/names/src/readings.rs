//! What the readings of words leave in doubt, and whether they join first names with first names and last with last.
//!
//! How much a reading is worth is said by the alignment. What it cannot know is where the words differ: a word keeps its
//! first consonant through nearly every convention, and its last one through most, so that Cookson for Johnsson loses
//! as many letters as a spelling does and is none. And it cannot know what a word is in its name: that the family names
//! agree says more than that two given names do, and that one person's given name is the other's family name says less.
//!
//! What this module deliberately does not do: weigh any of it (the weights are fitted, see `score`).

use crate::matching::{Link, Matching};
use crate::name::{Name, Role, Token};
use crate::nicknames;
use crate::script::Script;

/// What this module adds to the features of a comparison.
pub(crate) const READINGS: usize = 9;

/// Their names, in order.
pub(crate) const READING_NAMES: [&str; READINGS] = [
    "doubt",
    "doubt_start",
    "doubt_end",
    "doubt_length",
    "doubt_syllabic",
    "family",
    "crossed",
    "numerals",
    "initial_left",
];

/// Returns them.
pub(crate) fn readings(a: &Name, b: &Name, matching: &Matching) -> [f32; READINGS] {
    let mut doubts = [0.0_f32; 5];
    for link in matching.links() {
        doubt(a, b, link, &mut doubts);
    }
    let [all, start, end, length, syllabic] = doubts;
    let (family, crossed) = ends(a, b, matching);
    let flag = |on: bool| if on { 1.0 } else { 0.0 };
    let counted = |link: &Link| [(a, link.a), (b, link.b)].iter().any(|(name, at)| is_numeral(name, *at));
    let numerals = matching.links().iter().any(counted);
    let initial = initial_left(a, b, matching);
    [all, start, end, length, syllabic, family, crossed, flag(numerals), flag(initial)]
}

/// Adds what a reading leaves in doubt, in tens of bits: in all; where the first or the last consonant is another, or their
/// number; where syllables are read, whose consonants prove nothing.
fn doubt(a: &Name, b: &Name, link: &Link, doubts: &mut [f32; 5]) {
    let (Some(x), Some(y)) = (a.tokens.get(usize::from(link.a)), b.tokens.get(usize::from(link.b))) else {
        return;
    };
    let known = (x.hash == y.hash && x.len == y.len) || nicknames::share(x.nicknames, y.nicknames);
    if known || link.initial || link.rarity <= 2.0 || link.a_count + link.b_count > 2 {
        return;
    }
    let bits = link.rarity * (1.0 - link.quality) / 10.0;
    let [all, start, end, length, syllabic] = doubts;
    if x.script == Script::Syllabic || y.script == Script::Syllabic {
        *syllabic += bits;
        return;
    }
    let (of_x, of_y) = (Consonants::of(x), Consonants::of(y));
    *all += bits;
    for (sum, differs) in
        [(start, of_x.first != of_y.first), (end, of_x.last != of_y.last), (length, of_x.count != of_y.count)]
    {
        *sum += if differs { bits } else { 0.0 };
    }
}

/// The ends of a coarse skeleton and how long it is.
struct Consonants {
    first: u64,
    last: u64,
    count: u32,
}

impl Consonants {
    const fn of(token: &Token) -> Self {
        let count = (64 - token.coarse.leading_zeros()).div_ceil(4);
        let last = token.coarse >> (4 * count.saturating_sub(1));
        Self { first: token.coarse & 15, last, count }
    }
}

/// How good the reading of the last names is, or of both ends where one name is the other turned round (0 for two names of
/// one word); and how good that of the last name of one with the first of the other, where nothing else joins their ends.
fn ends(a: &Name, b: &Name, matching: &Matching) -> (f32, f32) {
    let (Some((first_a, last_a)), Some((first_b, last_b))) = (outer(a), outer(b)) else { return (0.0, 0.0) };
    let taken = |from: u8, count: u8, at: usize| (usize::from(from)..usize::from(from + count)).contains(&at);
    let of = |i: usize, j: usize| {
        let links = matching.links().iter();
        let mut found = links.filter(|l| taken(l.a, l.a_count, i) && taken(l.b, l.b_count, j));
        found.next().map_or(0.0, |link| link.quality)
    };
    // Both ways, and one name is the other turned round.
    let (there, back) = (of(last_a, first_b), of(first_a, last_b));
    let same = of(last_a, last_b);
    if first_a == last_a && first_b == last_b {
        return (0.0, 0.0);
    }
    let family = same.max(there.min(back));
    let syllabic = |name: &Name| name.tokens.first().is_some_and(|token| token.script == Script::Syllabic);
    let one_word = first_a == last_a || first_b == last_b;
    let crossed = same <= 0.0 && !one_word && !syllabic(a) && !syllabic(b);
    (family, if crossed { (there - back).abs() } else { 0.0 })
}

/// The first and the last name.
fn outer(name: &Name) -> Option<(usize, usize)> {
    let is_name = |token: &Token| matches!(token.role, Role::Plain | Role::Kunya);
    Some((name.tokens.iter().position(is_name)?, name.tokens.iter().rposition(is_name)?))
}

fn is_numeral(name: &Name, at: u8) -> bool {
    let token = name.tokens.get(usize::from(at));
    token.is_some_and(|token| matches!(token.role, Role::Suffix | Role::Number))
}

/// True when an initial of one is left over and a name of the other that it may stand for, in another script: how a
/// letter is called there is not known.
fn initial_left(a: &Name, b: &Name, matching: &Matching) -> bool {
    let script = |name: &Name| name.tokens.first().map(|token| token.script);
    let left = |name: &Name, used: u32, also: Role| {
        Matching::left(&name.tokens, used).any(|token| token.role == Role::Initial || token.role == also)
    };
    let (of_a, of_b) = (matching.used_a, matching.used_b);
    script(a) != script(b)
        && ((left(a, of_a, Role::Initial) && left(b, of_b, Role::Plain))
            || (left(b, of_b, Role::Initial) && left(a, of_a, Role::Plain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching;

    fn of(a: &str, b: &str, feature: &str) -> f32 {
        let (a, b) = (Name::parse(a), Name::parse(b));
        let (there, back) =
            (readings(&a, &b, &matching::matching(&a, &b)), readings(&b, &a, &matching::matching(&b, &a)));
        assert_eq!(there.map(f32::to_bits), back.map(f32::to_bits), "the same from both sides");
        let at = READING_NAMES.iter().position(|name| *name == feature).unwrap();
        there[at]
    }

    #[test]
    fn doubt_is_told_by_where_the_words_differ() {
        assert!(of("Wolfgang Geldern", "Wolfgang Hedler", "doubt_start") > 0.0);
        assert!(of("Nina Orlova", "Nina Orlowa", "doubt_start").abs() < 1e-6);
        assert!(of("Anton Fiveber", "Anton Fiven", "doubt_end") > 0.0);
        assert!(of("Nina Orlova", "Nina Orlova", "doubt").abs() < 1e-6);
        assert!(of("Bill Haddad", "William Haddad", "doubt").abs() < 1e-6, "an everyday form is no reading");
    }

    #[test]
    fn family_names_agree_and_cross() {
        assert!((of("Nina Orlova", "Maria Orlova", "family") - 1.0).abs() < 1e-6);
        assert!(of("Nina Orlova", "Nina Haddad", "family").abs() < 1e-6);
        assert!((of("Karim Haddad", "Haddad Mansour", "crossed") - 1.0).abs() < 1e-6);
        assert!(of("Karim Haddad", "Haddad Karim", "crossed").abs() < 1e-6, "turned round, not crossed");
        assert!((of("Karim Haddad", "Haddad Karim", "family") - 1.0).abs() < 1e-6);
        assert!(of("Haddad", "Haddad", "family").abs() < 1e-6, "a name of one word has no family name");
    }

    #[test]
    fn numerals_that_agree_and_initials_that_may_stand_are_known() {
        assert!((of("Baldwin III of Hainaut", "Baldwin III", "numerals") - 1.0).abs() < 1e-6);
        assert!(of("Baldwin III of Hainaut", "Baldwin of Hainaut", "numerals").abs() < 1e-6);
        assert!(of("Karim B. Haddad", "Karim S. Haddad", "initial_left").abs() < 1e-6, "one script");
    }
}
