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
