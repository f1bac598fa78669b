//! Explanations as a person reads them.

use mithaq_names::{BirthDate, Details, Kind, Name, Scorer};

fn why(a: &str, b: &str) -> Vec<String> {
    let none = Details::default();
    let explanation = Scorer::new().explain(&Name::parse(a), &Name::parse(b), &none, &none);
    explanation
        .reasons
        .iter()
        .map(|r| format!("{} {} {} {}", r.code.code(), r.a, r.b, r.spellings.len()))
        .collect()
}

#[test]
fn reasons_name_tokens_conventions_and_leftovers() {
    let french = [
        "token.spelling djamel جمال 1",
        "token.spelling cherif شريف 1",
        "left.title hadji  0",
        "calibration   0",
    ];
    assert_eq!(why("Hadji Djamel Cherif", "جمال شريف"), french);
    let german = [
        "token.spelling евгений jewgenij 1",
        "token.spelling шевченко schewtschenko 3",
        "left.patronymic иванович  0",
        "calibration   0",
    ];
    assert_eq!(why("Евгений Иванович Шевченко", "Jewgenij Schewtschenko"), german);
    let order =
        ["token.initial j john 0", "token.equal smith smith 0", "order.differs   0", "calibration   0"];
    assert_eq!(why("J. Smith", "Smith John"), order);
}

#[test]
fn details_are_reasons_of_their_own() {
    let name = Name::parse("Zubayda Rahmani");
    let born = |year| Details { births: vec![BirthDate::year(year)], ..Details::default() };
    let text = Scorer::new().explain(&name, &name, &born(1970), &born(1971)).to_string();
    assert!(text.contains("birth_date: near"), "{text}");
}

#[test]
fn a_word_taken_for_a_concept_is_shown_as_it_is_written() {
    let parse = |text| Name::parse_as(Kind::Organisation, text);
    let none = Details::default();
    let (a, b) = (parse("Iskusstvo Kalmora"), parse("Iskustvo Kalmora"));
    let why = Scorer::new().explain(&a, &b, &none, &none).to_string();
    assert!(why.contains("iskusstvo ~ iskustvo"), "{why}");
    let back = Scorer::new().explain(&b, &a, &none, &none);
    assert_eq!(Scorer::new().score(&a, &b), Scorer::new().score(&b, &a));
    assert!(back.to_string().contains("iskustvo ~ iskusstvo"), "{back}");
}
