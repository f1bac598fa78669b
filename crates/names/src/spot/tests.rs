use super::*;

fn records() -> Vec<Record> {
    [
        ("s-1", "Abdelhamid Benachour"),
        ("s-2", "Nina Sergeevna Orlova"),
        ("s-3", "محمد طاهر أنوري"),
        ("s-4", "Karim El Haddad"),
        ("s-4", "كريم الحداد"),
        ("s-5", "Hamza"),
    ]
    .iter()
    .map(|(id, name)| Record::person(*id, *name))
    .collect()
}

/// Ids and the words found.
fn found(text: &str, least: f32) -> Vec<(String, String)> {
    let spots = Spotter::new(&records(), |_| true).spot(text, least);
    let shown = |spot: &Spot| text.chars().skip(spot.from).take(spot.to - spot.from).collect();
    spots.iter().map(|spot| (spot.id.clone(), shown(spot))).collect()
}

#[test]
fn names_are_found_where_they_stand() {
    for (text, id, words) in [
        ("Yesterday Abdelhamid Benachour left.", "s-1", "Abdelhamid Benachour"),
        ("يوم أمس غادر عبد الحميد بن عاشور المدينة", "s-1", "عبد الحميد بن عاشور"),
        ("По словам Нины, Нина Сергеевна Орлова не приехала.", "s-2", "Нина Сергеевна Орлова"),
        ("The brother of Mohammad Taher Anwari was seen in May.", "s-3", "Mohammad Taher Anwari"),
        ("recruited by Karim el-Haddad, who", "s-4", "Karim el-Haddad"),
        ("НИНА СЕРГЕЕВНА ОРЛОВА", "s-2", "НИНА СЕРГЕЕВНА ОРЛОВА"),
        ("nina orlova was here", "s-2", "nina orlova"),
    ] {
        let spots = found(text, 0.3);
        assert!(spots.contains(&(id.to_owned(), words.to_owned())), "{text}: {spots:?}");
    }
}

#[test]
fn what_names_nobody_is_left_alone() {
    for text in [
        "",
        "🙂",
        "The minister of transport spoke in May about the port.",
        "لا شيء هنا سوى كلام عادي عن الميناء",
    ] {
        assert_eq!(found(text, 0.5), [], "{text}");
    }
}

#[test]
fn a_record_that_is_not_allowed_does_not_show() {
    let text = "Abdelhamid Benachour met Nina Orlova.";
    let spotter = Spotter::new(&records(), |id| id == "s-2");
    let spots = spotter.spot(text, 0.1);
    assert!(!spots.is_empty() && spots.iter().all(|spot| spot.id == "s-2"));
    assert_eq!(spotter.ids.len(), 1);
    assert!(Spotter::new(&records(), |_| false).spot(text, 0.0).is_empty(), "empty means nobody");
}

#[test]
fn a_place_gives_a_record_once() {
    let spots = found("Karim El Haddad كريم الحداد", 0.3);
    assert_eq!(spots.iter().filter(|spot| spot.0 == "s-4").count(), 2, "{spots:?}");
}

#[test]
fn names_without_a_consonant_that_counts_are_found() {
    let mut records = vec![Record::person("y-1", "Yahya Haddad"), Record::person("y-2", "Hasan Orlov")];
    records.extend((0..40).map(|n| Record::person(format!("o-{n}"), format!("Marisol Quiroga{n}"))));
    let spotter = Spotter::new(&records, |_| true);
    let ids = |text: &str| -> Vec<String> { spotter.spot(text, 0.3).into_iter().map(|s| s.id).collect() };
    for text in ["We met Yahya Haddad in May.", "قابلنا يحيى حداد أمس", "Мы видели, как Яхья Хаддад ушёл."]
    {
        assert_eq!(ids(text), ["y-1"], "{text}");
    }
    assert_eq!(ids("Вчера Хасан Орлов приехал в город."), ["y-2"], "х read as h");
    let cyrillic = [Record::person("h-1", "Хасан Хаддад"), Record::person("h-2", "Халид Орлов")];
    let spotter = Spotter::new(&cyrillic, |_| true);
    for (text, id) in [("We saw Hasan Haddad.", "h-1"), ("We saw Khalid Orlov.", "h-2")] {
        let spots = spotter.spot(text, 0.3);
        assert!(spots.iter().any(|spot| spot.id == id), "{text}: {spots:?}");
    }
}

#[test]
fn a_name_over_the_end_of_a_line_is_found() {
    for text in ["said Abdelhamid\nBenachour of", "said Abdelhamid \r\n   Benachour of"] {
        assert_eq!(found(text, 0.3).first().map(|spot| spot.0.as_str()), Some("s-1"), "{text:?}");
    }
    assert_eq!(found("said Abdelhamid\n\nBenachour of", 0.3), []);
}

#[test]
fn spellings_of_one_record_are_no_strangers() {
    let with = |ids: [&str; 4]| {
        let names = ["Zubayda Rahmani", "Zubaida Rahmani", "Zoubaida Rahmani", "زبيدة رحماني"];
        let mut records: Vec<Record> = ids.iter().zip(names).map(|(id, n)| Record::person(*id, n)).collect();
        records.extend((0..40).map(|n| Record::person(format!("o-{n}"), format!("Nina Orlova{n}"))));
        let spots = Spotter::new(&records, |_| true).spot("we saw Zubayda Rahmani there", 0.0);
        spots.iter().find(|spot| spot.id == "a").map(|spot| spot.likeness.bits).unwrap_or_default()
    };
    let (one, four) = (with(["a"; 4]), with(["a", "b", "c", "d"]));
    assert!(one > four + 0.5, "{one} {four}");
}

#[test]
fn what_is_said_again_is_found_again_in_its_own_place() {
    let spotter = Spotter::new(&records(), |_| true);
    // A run that is remembered, one that is not, one without a find, one of four characters a letter; in other places.
    let (mut text, mut expected) = (String::new(), Vec::new());
    for round in 0..40 {
        for piece in [
            "🙂 we saw Karim El Haddad and".to_owned(),
            format!("🙂 we saw Nina Orlova{} and", "a".repeat(round)),
            "رأينا محمد طاهر أنوري أمس.".to_owned(),
            "we saw Marisol Quiroga and".to_owned(),
        ] {
            let before = text.chars().count();
            let alone = spotter.spot(&piece, 0.3);
            expected.extend(alone.into_iter().map(|spot| Spot {
                from: spot.from + before,
                to: spot.to + before,
                ..spot
            }));
            text.push_str(&piece);
            text.push_str(". ");
        }
    }
    assert!(expected.len() >= 80, "{}", expected.len());
    expected.sort_by_key(|spot| (spot.from, spot.to));
    let mut spots = spotter.spot(&text, 0.3);
    spots.sort_by_key(|spot| (spot.from, spot.to));
    assert_eq!(spots, expected);
}

#[test]
fn many_mentions_take_no_longer_each() {
    let text = "Karim El Haddad spoke. ".repeat(20_000);
    let spotter = Spotter::new(&records(), |_| true);
    // Comparing each mention with each other takes minutes here.
    let spots = spotter.spot(&text, 0.3);
    assert_eq!(spots.iter().filter(|spot| spot.id == "s-4").count(), 20_000);
}

#[test]
fn hostile_text_is_read_to_its_end() {
    let spotter = Spotter::new(&records(), |_| true);
    for text in
        ["Karim Haddad ".repeat(3_000), "a".repeat(50_000), "\u{202e}".repeat(9_000), "ﷺ".repeat(2_000)]
    {
        for spot in spotter.spot(&text, 0.0) {
            assert!(spot.from < spot.to && spot.to <= text.chars().count());
        }
    }
}
