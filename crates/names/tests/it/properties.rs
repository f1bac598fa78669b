//! What must hold for any two names.

use mithaq_names::{Band, BirthDate, Details, Name, Scorer};
use proptest::prelude::*;

/// Words of several scripts, so that random names look like names.
const WORDS: [&str; 24] = [
    "Mohamed",
    "محمد",
    "Мухаммед",
    "ben",
    "بن",
    "Abd",
    "al-Hamid",
    "عبد",
    "الحميد",
    "Ivanova",
    "Иванов",
    "Иванович",
    "O'Brien",
    "Müller",
    "김정은",
    "クリス",
    "陈胜尧",
    "J.",
    "Dr",
    "Νίκος",
    "Սարգսյան",
    "סרגיי",
    "Bouteflika",
    "44",
];

/// Of those, the words that are names.
fn full_name() -> impl Strategy<Value = String> {
    let small = ["ben", "بن", "Abd", "عبد", "J.", "Dr", "44"];
    let names: Vec<&str> = WORDS.into_iter().filter(|word| !small.contains(word)).collect();
    prop::collection::vec(prop::sample::select(names), 2..7).prop_map(|words| words.join(" "))
}

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

    #[test]
    fn likeness_is_symmetric(a in name(), b in name()) {
        let (x, y) = (Name::parse(&a), Name::parse(&b));
        let scorer = Scorer::new();
        prop_assert_eq!(scorer.score(&x, &y).bits.to_bits(), scorer.score(&y, &x).bits.to_bits());
    }

    #[test]
    fn a_name_alone_is_never_more_than_possible(a in name(), b in name()) {
        let likeness = Scorer::new().score(&Name::parse(&a), &Name::parse(&b));
        prop_assert!(likeness.band <= Band::Possible);
        prop_assert!((0.0..=1.0).contains(&likeness.probability));
    }

    #[test]
    fn reasons_add_up(a in name(), b in name()) {
        let none = Details::default();
        let why = Scorer::new().explain(&Name::parse(&a), &Name::parse(&b), &none, &none);
        let sum: f32 = why.reasons.iter().map(|reason| reason.bits).sum();
        prop_assert!((sum - why.likeness.bits).abs() < 0.01);
    }

    #[test]
    fn case_marks_and_composition_do_not_matter(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..5), other in name()) {
        use unicode_normalization::UnicodeNormalization;
        let plain = words.join(" ");
        let against = Name::parse(&other);
        let score = |text: &str| Scorer::new().score(&Name::parse(text), &against).bits.to_bits();
        let decomposed: String = plain.nfd().collect();
        prop_assert_eq!(score(&plain), score(&decomposed));
        prop_assert_eq!(score(&plain), score(&plain.replace('م', "مُ\u{640}")));
        prop_assert_eq!(score(&plain), score(&format!("\u{202E}{plain}\u{200F}")));
        prop_assert_eq!(score(&plain), score(&plain.to_uppercase()));
    }

    /// The weights are fitted, so that a little more may be given to another name than to the same; but whom a name may
    /// mean, it means itself. One word or letters alone are the exception: they name nobody, and may be all that is known.
    #[test]
    fn what_is_possibly_another_name_is_possibly_itself(a in full_name(), b in name()) {
        let (x, y) = (Name::parse(&a), Name::parse(&b));
        let of = |x: &Name, y: &Name| Scorer::new().score(x, y);
        if of(&x, &y).band == Band::Possible {
            prop_assert_eq!(of(&x, &x).band, Band::Possible, "{} and {}", of(&x, &y).bits, of(&x, &x).bits);
        }
    }

    #[test]
    fn what_agrees_never_lowers_and_what_conflicts_always_does(a in name(), b in name(), year in 1900_u16..2020, day in 2_u8..28) {
        let (x, y) = (Name::parse(&a), Name::parse(&b));
        let born = |births: &[BirthDate]| Details { births: births.to_vec(), ..Details::default() };
        let to = |births: &[BirthDate]| Scorer::new().score_with(&x, &y, &born(births), &born(&[BirthDate::day(year, 7, day)]));
        let rising = [
            to(&[BirthDate::day(year - 40, 7, day)]),
            to(&[]),
            to(&[BirthDate::between(year - 2, year + 2)]),
            to(&[BirthDate::year(year)]),
            to(&[BirthDate::month(year, 7)]),
            to(&[BirthDate::day(year, 7, day)]),
        ];
        prop_assert!(rising.is_sorted_by(|low, high| low.bits <= high.bits && low.band <= high.band));
        prop_assert!(rising[0].bits < rising[1].bits);
        prop_assert!(rising[1].band > Band::Unlikely || rising[5].band < Band::Possible);
    }
}

#[test]
fn a_full_name_is_possibly_itself() {
    for text in
        ["Abdelhamid Bouteflika", "عبد الحميد بوتفليقة", "Евгений Шевченко", "Müller, Jürgen", "김정은"]
    {
        let name = Name::parse(text);
        assert_eq!(Scorer::new().score(&name, &name).band, Band::Possible, "{text}");
    }
}
