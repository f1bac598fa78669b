//! What is known beside the names, and how far it carries.

use super::*;
use crate::Band;
use proptest::prelude::*;

fn born(births: &[BirthDate]) -> Details {
    Details { births: births.to_vec(), ..Details::default() }
}

/// Another name with the same birthday, number and nationality is another person, or nobody's business of a name.
#[test]
fn nothing_beside_them_makes_unlike_names_one() {
    let document = Document { kind: DocumentKind::National, issuer: *b"MA", number: "A 1".into() };
    let known = Details {
        births: vec![BirthDate::day(1961, 5, 3)],
        nationalities: vec![*b"MA"],
        documents: vec![document],
        ..Details::default()
    };
    for (a, b) in [
        ("Pierre Lambert", "Olga Petrova"),
        ("Pierre Lambert", "Nina Alice Lindqvist"),
        ("محمد طاهر أنوري", "Zubayda Qasim Rahmani"),
    ] {
        let (x, y) = (Name::parse(a), Name::parse(b));
        let scorer = Scorer::new();
        assert!(scorer.score_with(&x, &y, &known, &known).band < Band::Possible, "{a} | {b}");
        let why = scorer.explain(&x, &y, &known, &known);
        assert!(why.reasons.iter().any(|reason| reason.code.code() == "names.unlike"), "{why}");
    }
}

#[test]
fn a_year_says_possible_and_a_day_likely() {
    let name = Name::parse("Zubayda Qasim Rahmani");
    let with = |date| Scorer::new().score_with(&name, &name, &born(&[date]), &born(&[date])).band;
    let dates = [BirthDate::year(1961), BirthDate::day(1961, 1, 1), BirthDate::month(1961, 5)];
    assert_eq!(dates.map(with), [Band::Possible; 3]);
    assert!(with(BirthDate::day(1961, 5, 3)) >= Band::Likely);
}

#[test]
fn a_hit_that_is_one_of_many_is_lifted_and_an_unlike_one_is_not() {
    let known = born(&[BirthDate::day(1961, 5, 3)]);
    let weigh = |pair: f32, among: f32| {
        let of = |bits| likeness(bits, SecondIdentifier::Absent);
        Scorer::new().weigh(of(pair), of(among), &known, &known).band
    };
    assert!(weigh(8.0, -6.0) >= Band::Likely, "one bearer among many of the name");
    assert!(weigh(-4.0, -6.0) < Band::Possible, "another name");
    assert!(weigh(-1.0, -1.0) < Band::Strong, "perhaps a twin");
}

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    let field = prop::sample::select(vec![
        Field::BirthDate,
        Field::BirthPlace,
        Field::Document,
        Field::Nationality,
        Field::Sex,
    ]);
    let one = (field, -10.0_f32..18.0).prop_map(|(field, bits)| {
        let agreement = match bits {
            ..-3.0 => Agreement::Conflicts,
            ..0.0 => Agreement::Differs,
            ..6.0 => Agreement::Near,
            _ => Agreement::Same,
        };
        Finding { field, agreement, bits }
    });
    prop::collection::vec(one, 0..5)
}

proptest! {
    #[test]
    fn more_that_agrees_never_lowers_and_more_that_does_not_never_raises(
        pair in -12.0_f32..12.0, less in 0.0_f32..12.0, all in findings(), more in findings(),
    ) {
        let names = Names { pair, bits: pair - less };
        let before = combine(names, &all);
        for one in more {
            let with: Vec<Finding> = all.iter().chain([&one]).copied().collect();
            let after = combine(names, &with);
            if one.bits >= 0.0 {
                prop_assert!(after.bits >= before.bits && after.band >= before.band);
            } else {
                prop_assert!(after.bits <= before.bits && after.band <= before.band);
                prop_assert!(after.bits < before.bits || before.bits <= KEPT_APART, "{:?}", after);
            }
        }
    }

    #[test]
    fn names_below_the_floor_are_never_possible_and_better_names_never_less(
        pair in -12.0_f32..12.0, better in 0.0_f32..6.0, all in findings(),
    ) {
        let with = |bits| combine(Names::pair(bits), &all);
        prop_assert!(pair >= FLOOR || with(pair).band < Band::Possible);
        prop_assert!(with(pair).band < Band::Strong || pair >= 0.0);
        prop_assert!(with(pair + better).bits >= with(pair).bits);
    }
}

#[test]
fn two_conflicts_keep_homonyms_apart() {
    let name = Name::parse("Zubayda Qasim Rahmani");
    let document =
        |number: &str| Document { kind: DocumentKind::National, issuer: *b"MA", number: number.into() };
    let with = |year, number| Details {
        births: vec![BirthDate::day(year, 1, 1)],
        documents: vec![document(number)],
        nationalities: vec![*b"MA"],
        ..Details::default()
    };
    let scorer = Scorer::new();
    let apart = scorer.score_with(&name, &name, &with(1960, "A 1"), &with(1990, "B 2"));
    assert_eq!(apart.band, Band::Unlikely);
    let same = scorer.score_with(&name, &name, &with(1960, "a-1"), &with(1960, "A 1"));
    assert_eq!(same.band, Band::Strong);
}

#[test]
fn weak_evidence_never_makes_a_name_likely() {
    let name = Name::parse("Zubayda Qasim Rahmani");
    let details = Details { nationalities: vec![*b"MA"], sex: Some(Sex::Female), ..Details::default() };
    let likeness = Scorer::new().score_with(&name, &name, &details, &details);
    assert_eq!(likeness.band, Band::Possible);
}

#[test]
fn agreeing_evidence_never_lowers() {
    let (a, b) = (Name::parse("Ali Hassan"), Name::parse("Aly Hasan"));
    let none = Details::default();
    let scorer = Scorer::new();
    let bare = scorer.score_with(&a, &b, &none, &none).bits;
    let year = born(&[BirthDate::year(1980)]);
    let day = born(&[BirthDate::day(1980, 5, 1)]);
    let with_year = scorer.score_with(&a, &b, &year, &day).bits;
    let with_day = scorer.score_with(&a, &b, &day, &day).bits;
    assert!(bare < with_year && with_year < with_day);
    let conflict = born(&[BirthDate::year(1930)]);
    assert!(scorer.score_with(&a, &b, &conflict, &day).bits < bare);
}
