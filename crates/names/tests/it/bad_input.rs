//! Bad input gives a low score, never a panic.

use mithaq_names::{Band, Kind, MAX_CHARS, MAX_SYMBOLS, MAX_TOKENS, Name, Scorer};

#[test]
fn bad_names_score_low_and_stay_bounded() {
    let long = "Mohamed ".repeat(1_250);
    let marks = "\u{301}".repeat(10_000);
    let one_word = "x".repeat(10_000);
    let bad = [
        "",
        " ",
        "a",
        "🙂🙂",
        "\u{202E}\u{202D}",
        "٤٤٤",
        "'-.,",
        &long,
        &marks,
        &one_word,
        "\u{64E}\u{650}",
        "Аli Bаbа",
        "\0\u{FFFD}",
    ];
    let good = Name::parse("Abdelhamid Bouteflika");
    for text in bad {
        for kind in [Kind::Person, Kind::Organisation, Kind::Place] {
            let name = Name::parse_as(kind, text);
            assert!(name.tokens().len() <= MAX_TOKENS);
            assert!(name.tokens().iter().map(|t| t.symbol_count()).sum::<usize>() <= MAX_SYMBOLS);
            assert!(name.tokens().iter().all(|t| t.span().1 <= MAX_CHARS));
            let likeness = Scorer::new().score(&name, &good);
            assert!(likeness.band < Band::Possible, "{text:.20}");
            let _ = name.keys();
        }
    }
}

#[test]
fn two_empty_names_are_not_alike() {
    assert_eq!(Scorer::new().score(&Name::parse(""), &Name::parse("")).band, Band::Unlikely);
}
