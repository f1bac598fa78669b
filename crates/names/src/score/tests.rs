//! What must hold of the likeness of any two names.

use super::{Scorer, only_word};
use crate::{Band, Name};
use proptest::prelude::*;

/// Parts of which names are made, in several scripts, and some that name nobody.
const WORDS: [&str; 20] = [
    "Mohamed",
    "محمد",
    "Мухаммед",
    "ben",
    "بن",
    "Abd",
    "al-Hamid",
    "الحميد",
    "Ivanova",
    "Иванович",
    "O'Brien",
    "Müller",
    "김정은",
    "クリス",
    "J.",
    "Dr",
    "Νίκος",
    "סרגיי",
    "Bouteflika",
    "44",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..7).prop_map(|words| words.join(" ")),
        prop::collection::vec(any::<char>(), 0..40).prop_map(|chars| chars.into_iter().collect()),
        "[a-zA-Zéüš' -]{0,40}",
        "[ء-ي َُِ]{0,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// The weights are fitted, so that a little more may be given to another name than to the same; but whom a name may
    /// mean, it means itself. A name of one word that is sought is the exception, as it may be all that is known.
    #[test]
    fn what_is_possibly_another_name_is_possibly_itself(a in name(), b in name()) {
        let (x, y) = (Name::parse(&a), Name::parse(&b));
        let of = |x: &Name, y: &Name| Scorer::new().score(x, y);
        if only_word(&x).is_none() && of(&x, &y).band == Band::Possible {
            prop_assert_eq!(of(&x, &x).band, Band::Possible, "{} and {}", of(&x, &y).bits, of(&x, &x).bits);
        }
    }
}
