//! Two names that look alike and are told apart: Samir and Samira, Thomson and Thompson, the third and the fourth.
//!
//! Whoever tells two names apart is right more often than not, but not always: languages add endings, lists err, one family
//! name is written in two ways. So such a pair is judged twice, as what the names are and as what they would be if nothing
//! told them apart, and the second judgement counts as far as [`MOST`]: below `possible`, above what has nothing in common, and
//! in the order of its likeness. Where more than words tells them apart (numbers, fathers, brothers), it is all that counts.
//!
//! What this module deliberately does not do: say which words are two names (see `distinct`).

use crate::matching::{Matching, Matchings};
use crate::monosyllables;
use crate::name::{Kind, Name, Role};
use crate::score::{self, FEATURES};

/// The feature that numbers, fathers or the like are on both sides and differ.
const TOLD_APART: usize = 34;

/// Log-odds up to which names that are told apart are as alike as they would be otherwise: where `weak` begins.
const LIMIT: f32 = -3.2;
/// What every further bit is worth.
const SHARE: f32 = 0.1;
/// What that comes to at most. Evidence beside them makes them `possible` and no more ([`crate::evidence`]): twins
/// share all but the name.
#[cfg(test)]
pub(crate) const MOST: f32 = LIMIT + (12.0 - LIMIT) * SHARE;

/// What a comparison comes to.
pub(crate) struct Judgement {
    /// The features of the names as they are.
    pub(crate) features: [f32; FEATURES],
    /// Log-odds in bits.
    pub(crate) bits: f32,
    /// The links were taken that alike words have which are two names.
    pub(crate) apart: bool,
}

/// Judges two names by their matchings.
pub(crate) fn judge(a: &Name, b: &Name, (matching, otherwise): &Matchings) -> Judgement {
    let features = score::features(a, b, matching);
    let bits = score::bits(&features);
    let mut alike = otherwise.as_ref().map_or(features, |matching| score::features(a, b, matching));
    let told = std::mem::take(&mut alike[TOLD_APART]).max(features[TOLD_APART]) > 0.0;
    if !told && otherwise.is_none() {
        return Judgement { features, bits, apart: false };
    }
    let most = below(score::bits(&alike));
    let bits = if told { most } else { bits.max(most) };
    Judgement { features, bits, apart: otherwise.is_some() && bits <= most }
}

/// Log-odds of names that are told apart, from what they would be otherwise.
fn below(bits: f32) -> f32 {
    if bits > LIMIT { LIMIT + (bits - LIMIT) * SHARE } else { bits }
}

/// True when the two are told apart: the third and the fourth of a name, father and son, sons of two fathers, bodies of
/// two numbers; names of syllables of which one differs; brothers.
pub(crate) fn apart(a: &Name, b: &Name, matching: &Matching) -> bool {
    let any =
        |name: &Name, used, role| Matching::left(&name.tokens, used).any(move |token| token.role == role);
    let both = |role| any(a, matching.used_a, role) && any(b, matching.used_b, role);
    [Role::Suffix, Role::Patronymic, Role::Number].into_iter().any(both)
        || (both(Role::Plain) && monosyllables::both(a, b))
        || brothers(a, b, matching)
}

/// True when all that agrees is three names and more behind the first of each, which are two: sons of one father and
/// grandfather, of one house.
fn brothers(a: &Name, b: &Name, matching: &Matching) -> bool {
    let given = |name: &Name, used: u32| {
        used & 1 == 0 && name.tokens.first().is_some_and(|token| token.role == Role::Plain)
    };
    let shared = matching.links().iter().filter(|link| !link.initial && link.rarity > 2.0).count();
    a.kind == Kind::Person && shared >= 3 && given(a, matching.used_a) && given(b, matching.used_b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::FEATURE_NAMES;
    use crate::{Band, BirthDate, Details, Scorer, SecondIdentifier};

    fn bits(a: &str, b: &str) -> f32 {
        Scorer::new().score(&Name::parse(a), &Name::parse(b)).bits
    }

    #[test]
    fn the_place_of_the_feature_is_known() {
        assert_eq!(FEATURE_NAMES[TOLD_APART], "told_apart");
    }

    #[test]
    fn names_told_apart_are_never_possible_and_keep_their_order() {
        let of = |bits: f32| Band::of(1.0 / (1.0 + (-bits).exp2()), SecondIdentifier::Absent);
        assert_eq!(of(MOST), Band::Weak);
        assert!((below(12.0) - MOST).abs() < 1e-6 && MOST < -1.0);
        assert!((-11_i8..12).all(|at| below(f32::from(at)) > below(f32::from(at - 1))));
    }

    #[test]
    fn names_told_apart_are_liker_than_strangers() {
        for (a, b) in [
            ("Samir Haddad", "Samira Haddad"),
            ("Kirsten Oldenkamp", "Kirstena Oldenkamp"),
            ("عبد الرحمن قاسم", "Abdul Rahim Qasim"),
            ("Ivan Ivanovich Smirnov", "Ivan Petrovich Smirnov"),
        ] {
            let (apart, strangers) = (bits(a, b), bits(a, "Nobuko Achterberg"));
            assert!((-4.0..0.0).contains(&apart), "{a} | {b}: {apart}");
            assert!(strangers < apart - 2.0, "{a}: {strangers} beside {apart}");
        }
    }

    #[test]
    fn why_they_are_two_is_said_and_a_birthday_makes_them_possible_at_most() {
        let (a, b) = (Name::parse("Samir Haddad"), Name::parse("Samira Haddad"));
        let born = Details { births: vec![BirthDate::day(1961, 5, 3)], ..Details::default() };
        let why = Scorer::new().explain(&a, &b, &born, &born);
        assert!(why.to_string().contains("samir ~ samira: alike, but two names"), "{why}");
        assert!(why.likeness.band <= Band::Possible, "{why}");
        assert_eq!(
            why.likeness.bits.to_bits(),
            Scorer::new().score_with(&a, &b, &born, &born).bits.to_bits()
        );
    }
}
